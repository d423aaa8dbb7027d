/*
 * The prover: a witness to proof bytes, both modes by one code path over the layout's group table.
 *
 * The rounds are README section 4 in order. Randomness enters through one parameter, so the same
 * entropy gives the same bytes on any thread count and CPU.
 */
#ifndef SERTN_BACKEND_PLONK_PROVE_H
#define SERTN_BACKEND_PLONK_PROVE_H

#include "backend/plonk/keys.h"

#include <stddef.h>
#include <stdint.h>

enum { PLONK_CONTEXT_BYTES = 32, PLONK_ENTROPY_BYTES = 64 };

/* Values of the witness columns on rows 0..U-1, in Montgomery form like every fr. Borrowed. */
struct plonk_witness {
    const fr *advice[CIRCUIT_ADVICE];        /* a1, a2, a3 */
    const fr *parameters[CIRCUIT_PARAM_MAX]; /* w1, w2 as far as the circuit has them */
};

/* What is being proved, beside the circuit. Borrowed. */
struct plonk_statement {
    const uint8_t *context; /* [PLONK_CONTEXT_BYTES] */
    const fr *words;        /* public words */
    size_t word_count;
};

/* Told how far a proof is: fraction in [0, 1], stage a static string. Called from the proving
 * thread. */
struct plonk_progress {
    void (*report)(void *context, const char *stage, double fraction);
    void *context;
};

/*
 * Proves. proof has vk.layout.proof_bytes bytes; progress may be null.
 * entropy: null, and PLONK_ENTROPY_BYTES bytes come from the operating system; or those bytes,
 * never used twice. Either way they are hashed together with the witness, so that a repeated or
 * weak entropy does not repeat a blinder for another witness.
 *
 * Requires: the witness's parameters and the tail are those of the keys. With others the
 * constraints hold, but over other commitments than [p1], [p2], and the verifier rejects the proof.
 * Ensures: a proof that plonk_verify accepts: before it is handed out, the value of all
 * constraints at xi was compared with what the verifier will compute. What is secret is wiped.
 *
 * Errors: STATUS_REJECTED when the witness breaks the circuit (a lookup that hits no row is named
 * by its row; for the rest run `check`); STATUS_BAD_INPUT for a word count that is not the
 * circuit's; STATUS_NO_MEMORY; STATUS_IO without randomness.
 */
enum status plonk_prove(uint8_t *proof, const struct plonk_proving_key *key,
                        const struct plonk_parameter_tail *tail,
                        const struct plonk_witness *witness,
                        const struct plonk_statement *statement, const uint8_t *entropy,
                        const struct plonk_progress *progress, struct diag *diag) SERTN_MUST_CHECK;

#endif
