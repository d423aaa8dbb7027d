/*
 * The setup proof: that every used parameter cell lies in its declared range and every other one is
 * zero.
 *
 * [p] binds values and bounds nothing, yet a circuit's hints are unique only while its parameters
 * keep their ranges, and the owner of the parameters may be the prover. So key generation proves
 * the ranges once, over the very commitments [p1], [p2] of the verifying key: each cell is the sum
 * of bits with public weights that give the values of its range and no others. README section 8.
 *
 * Everything but the parameters follows from the circuit, so the checker needs no key of its own.
 */
#ifndef SERTN_BACKEND_PLONK_SETUP_PROOF_H
#define SERTN_BACKEND_PLONK_SETUP_PROOF_H

#include "backend/plonk/prove.h"
#include "ir/support/buffer.h"

/*
 * Appends the setup proof; nothing for a circuit without parameter columns.
 * Requires: parameters and tail are those vk was made from.
 * Errors: STATUS_BAD_INPUT naming a parameter outside its range, or a row whose parameter has none
 * and is not zero; STATUS_LIMIT for a declared range of more than 253 bits or a short SRS;
 * STATUS_NO_MEMORY; STATUS_IO without randomness.
 * Cost: a sum of n bits and two transforms for each bit of the widest cell of each column, two sums
 * of n full scalars.
 */
enum status plonk_setup_prove(struct buffer *out, const struct circuit *circuit,
                              const struct plonk_verifying_key *vk, const struct srs *srs,
                              const fr *const parameters[CIRCUIT_PARAM_MAX],
                              const struct plonk_parameter_tail *tail, struct machine *machine,
                              struct diag *diag) SERTN_MUST_CHECK;

/*
 * Checks that vk is the key of the circuit over this SRS and that the setup proof holds for its
 * parameters. proof is untrusted.
 * Errors: STATUS_REJECTED with the reason; STATUS_LIMIT, STATUS_NO_MEMORY.
 */
enum status plonk_setup_check(const uint8_t *proof, size_t proof_bytes,
                              const struct circuit *circuit, const struct plonk_verifying_key *vk,
                              const struct srs *srs, struct machine *machine,
                              struct diag *diag) SERTN_MUST_CHECK;

#endif
