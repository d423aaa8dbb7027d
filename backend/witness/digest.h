/*
 * The hash of RELATION_DIGEST: packing, the Poseidon sponge, and the trace whose words the
 * circuit's cells hold.
 *
 * Definition (passes/place.h says the same for the circuit): the sequence is the salt, then words,
 * each the sum of (value - low) 2^(bits i) for as many values as fit below 2^253, low and bits
 * being relation_rounded_range of the tensor; its digest is poseidon_digest(POSEIDON_CIRCOMLIB,
 * DIGEST_DOMAIN, sequence). Called by the interpreter through a callback and by witness_fill.
 */
#ifndef SERTN_BACKEND_WITNESS_DIGEST_H
#define SERTN_BACKEND_WITNESS_DIGEST_H

#include "backend/field/field.h"
#include "ir/relation_interpret.h"

/* ASCII "sertn". */
#define DIGEST_DOMAIN UINT64_C(0x736572746e)
enum { DIGEST_CAPACITY_BITS = 253 };

/* A relation_digest_fn; context is unused. Errors: STATUS_NO_MEMORY. */
enum status digest_values(void *context, wide *digest, const wide *values, size_t count, wide low,
                          wide high, wide salt, struct diag *diag) SERTN_MUST_CHECK;

/* Traces of all digests of a program. Life cycle: init, release; safe on a zeroed one. */
struct digest_traces {
    size_t relation_count;
    fr **trace; /* by relation; null for other kinds */
    size_t *count;
};

/* Requires: values were computed. Errors: STATUS_NO_MEMORY. */
enum status digest_traces_init(struct digest_traces *traces, const struct relation_program *program,
                               const struct relation_values *values,
                               struct diag *diag) SERTN_MUST_CHECK;
void digest_traces_release(struct digest_traces *traces);
/* False when the relation is no digest or has no such word. */
bool digest_traces_word(const struct digest_traces *traces, uint32_t relation, uint32_t word,
                        fr *value);

/* The integer below the modulus, and back. Requires, for the latter: 0 <= value < modulus. */
wide digest_wide_from_fr(const fr *value);
void digest_fr_from_wide(fr *out, wide value);

#endif
