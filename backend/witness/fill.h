/*
 * The fill program: relation values to witness cells and public words.
 *
 * Who calls it: the prover and `check`, after the relation program was run on an input; key
 * generation, for the parameter columns. It knows the field only as the place the integers go to;
 * the two kinds of cell that are not integers (inverses, states of a digest) are computed here or
 * asked of a callback.
 */
#ifndef SERTN_BACKEND_WITNESS_FILL_H
#define SERTN_BACKEND_WITNESS_FILL_H

#include "backend/field/field.h"
#include "ir/circuit.h"
#include "ir/relation.h"
#include "ir/support/status.h"

#include <stddef.h>
#include <stdint.h>

enum { WITNESS_COLUMNS = CIRCUIT_ADVICE + CIRCUIT_PARAM_MAX };

/* Where values come from. */
struct witness_source {
    /* Element of a relation tensor. Called only with indices that the circuit names. */
    wide (*element)(void *context, uint32_t tensor, uint32_t element);
    /*
     * Word `word` of the trace of a digest relation; null when the circuit has no digests. Returns
     * false when the relation is no digest or has no such word.
     */
    bool (*digest_word)(void *context, uint32_t relation, uint32_t word, fr *value);
    void *context;
    const struct relation_program *program; /* null when the circuit has no FILL_REST */
};

/*
 * Fills the columns a1, a2, a3, w1, w2, usable_rows values each, in that order; column[3 + j] may
 * be null for j >= param_columns. Cells that no fill names are zero.
 *
 * Errors: STATUS_BAD_INPUT when a fill names what the source has not; STATUS_REJECTED, naming row
 * and tensor element, when (element - bias) is negative where a limb is taken from it.
 */
enum status witness_fill(fr *const column[WITNESS_COLUMNS], const struct circuit *circuit,
                         const struct witness_source *source, struct diag *diag) SERTN_MUST_CHECK;

/* out = value mod r. */
void witness_fr_from_wide(fr *out, wide value);

/* The same for w1, w2 alone, from the values of parameter tensors. column[j] is null for j >=
 * param_columns. */
enum status witness_fill_parameters(fr *const column[CIRCUIT_PARAM_MAX],
                                    const struct circuit *circuit,
                                    const struct witness_source *source,
                                    struct diag *diag) SERTN_MUST_CHECK;

/*
 * Computes the public words; words has circuit->public_word_count elements. A part of 254 bits is a
 * whole field element (a digest), whose integer the source gives.
 *
 * Errors: STATUS_REJECTED when a part does not fit its proven width.
 */
enum status witness_public_words(fr *words, const struct circuit *circuit,
                                 const struct witness_source *source,
                                 struct diag *diag) SERTN_MUST_CHECK;

#endif
