/* The setup proof without what stands around it. Private to this folder and its tests. */
#ifndef SERTN_BACKEND_PLONK_SETUP_ROUNDS_H
#define SERTN_BACKEND_PLONK_SETUP_ROUNDS_H

#include "backend/hash/transcript.h"
#include "backend/plonk/setup_proof.h"
#include "backend/plonk/setup_ranges.h"

/* Rows of fresh random numbers of a bit column: one for each point it is opened at, one for each
 * rotation (one), and one more. README section 5. */
enum { SETUP_TAIL_ROWS = 3 };

/* What a test may ask beyond an honest proof. All zero: nothing. */
struct setup_trial {
    transcript_observer *observer; /* told every step of the transcript */
    void *observer_context;
    const uint64_t *bits; /* [n][KZG_BIT_WORDS(K)] instead of those of the parameters; or null */
    const fr *extra;      /* [K] added to row extra_row of every bit column; or null */
    uint32_t extra_row;
    size_t scratch_limit; /* of struct setup_table, when not zero */
};

/*
 * plonk_setup_prove without its refusals: values outside their ranges get bits that do not add up
 * to them, and the proof is false. *holds says whether the constraints held at xi. proof has
 * setup_proof_bytes bytes.
 */
enum status setup_prove_anything(uint8_t *proof, bool *holds, const struct circuit *circuit,
                                 const struct plonk_verifying_key *vk, const struct srs *srs,
                                 const fr *const parameters[CIRCUIT_PARAM_MAX],
                                 const struct plonk_parameter_tail *tail,
                                 const uint8_t entropy[PLONK_ENTROPY_BYTES],
                                 struct machine *machine, const struct setup_trial *trial,
                                 struct diag *diag) SERTN_MUST_CHECK;

/*
 * The part of plonk_setup_check that reads the proof: vk is taken as the key of the circuit.
 * Requires: proof has setup_proof_bytes bytes, not zero. Errors: STATUS_REJECTED, STATUS_NO_MEMORY.
 */
enum status setup_check_proof(const uint8_t *proof, const struct setup_ranges *ranges,
                              const struct plonk_verifying_key *vk, const struct srs *srs,
                              struct diag *diag) SERTN_MUST_CHECK;

#endif
