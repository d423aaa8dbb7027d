/*
 * The setup proof: that every used parameter cell lies in its declared range.
 *
 * [p] binds values and bounds nothing, yet a circuit's hints are unique only while its parameters
 * keep their ranges, and the owner of the parameters may be the prover. So key generation proves
 * the ranges once, over the very commitments [p1], [p2] of the verifying key, in fast mode, with
 * circuits of the same number of rows that any verifier derives from the circuit by itself.
 *
 * A setup circuit uses a parameter cell in its own row (README 1.1, weighted row): slot 2 looks
 * (a2, a1) up in a selector table of one row, which makes (a1, a2) = (1, 0) for w1 or (0, 1) for
 * w2; a3 and the following rows hold limbs that are looked up at exact width. Fixed table rows
 * stand beside unused parameter cells alone. Cells whose rows collide go to another circuit.
 */
#ifndef SERTN_BACKEND_PLONK_SETUP_PROOF_H
#define SERTN_BACKEND_PLONK_SETUP_PROOF_H

#include "backend/plonk/prove.h"
#include "backend/plonk/verify.h"
#include "ir/support/buffer.h"

struct plonk_setup {
    struct arena arena; /* owns the circuits */
    struct circuit *circuits;
    size_t count; /* 0 when the circuit uses no parameter cell */
};

/*
 * Builds the setup circuits of a circuit; the same for everybody who has the circuit.
 * Errors: STATUS_LIMIT when a range does not fit the table at all; STATUS_NO_MEMORY.
 */
enum status plonk_setup_circuits(struct plonk_setup *setup, const struct circuit *circuit,
                                 struct diag *diag) SERTN_MUST_CHECK;
void plonk_setup_release(struct plonk_setup *setup);

/*
 * Appends the setup proof: the fast-mode proofs of the setup circuits, one after another, context =
 * vk digest. Requires: parameters and tail are those vk was made from. Errors: STATUS_BAD_INPUT
 * naming a parameter outside its range; else as plonk_prove.
 */
enum status plonk_setup_prove(struct buffer *out, const struct circuit *circuit,
                              const struct plonk_verifying_key *vk, const struct srs *srs,
                              const fr *const parameters[CIRCUIT_PARAM_MAX],
                              const struct plonk_parameter_tail *tail,
                              const struct plonk_progress *progress,
                              struct diag *diag) SERTN_MUST_CHECK;

/*
 * Checks that vk is the key of the circuit and that the setup proof holds for its parameters.
 * Errors: STATUS_REJECTED with the reason.
 */
enum status plonk_setup_check(const uint8_t *proof, size_t proof_bytes,
                              const struct circuit *circuit, const struct plonk_verifying_key *vk,
                              const struct srs *srs, struct diag *diag) SERTN_MUST_CHECK;

#endif
