/*
 * The setup proof: that every used parameter cell lies in its declared range.
 *
 * [p] binds values and bounds nothing, yet a circuit's hints are unique only while its parameters
 * keep their ranges, and the owner of the parameters may be the prover. So key generation proves
 * the ranges once, over the very commitments [p1], [p2] of the verifying key, in fast mode, with
 * circuits of the same number of rows that any verifier derives from the circuit by itself.
 *
 * A setup circuit is about one parameter column p_j, as its w1 over [p_j]. A cell is used in its
 * own row (README 1.1, weighted row) with a1 looked up to be 1, or read from its row as a memory of
 * one entry; it equals a sum of limbs that are looked up at exact width, the top one in a table of
 * just the values it may have. Fixed table rows stand beside unused cells alone, where an honest p
 * is zero. Cells that find no rows go to another circuit.
 */
#ifndef SERTN_BACKEND_PLONK_SETUP_PROOF_H
#define SERTN_BACKEND_PLONK_SETUP_PROOF_H

#include "backend/plonk/prove.h"
#include "backend/plonk/verify.h"
#include "ir/support/buffer.h"

/* Where a parameter cell is proved: rows [first, first + rows) of one setup circuit, its own among
 * them unless it is away. */
struct plonk_setup_item {
    uint32_t cell; /* index into the circuit's param_cells */
    uint32_t circuit;
    uint32_t first;
    uint32_t rows;
    bool is_away;
};

struct plonk_setup_circuit {
    struct circuit circuit;
    unsigned column; /* the parameter column j that stands as its w1 */
    unsigned limb_bits;
};

struct plonk_setup {
    struct arena arena; /* owns what follows */
    struct plonk_setup_circuit *circuits;
    size_t count; /* 0 when the circuit uses no parameter cell */
    struct plonk_setup_item *items;
    size_t item_count;
};

/*
 * Builds the setup circuits of a circuit; the same for everybody who has the circuit.
 * Requires: circuit_validate accepted it.
 * Errors: STATUS_LIMIT for a declared range that is neither short enough for one table nor of a
 * power of two's size on a multiple of its limbs; STATUS_LIMIT when parameters leave no rows for
 * tables; STATUS_NO_MEMORY.
 */
enum status plonk_setup_circuits(struct plonk_setup *setup, const struct circuit *circuit,
                                 struct diag *diag) SERTN_MUST_CHECK;
void plonk_setup_release(struct plonk_setup *setup);

/*
 * Fills the advice columns of setup circuit `index` (U values each); parameter is the column that
 * it is about. A cell outside its range gets some limbs that break the circuit.
 */
void plonk_setup_fill(fr *const advice[CIRCUIT_ADVICE], const struct plonk_setup *setup,
                      size_t index, const struct circuit *circuit, const fr *parameter);

/*
 * Appends the setup proof: the fast-mode proofs of the setup circuits, one after another, each with
 * the vk digest as its context.
 * Requires: parameters and tail are those vk was made from.
 * Errors: STATUS_BAD_INPUT naming a parameter outside its range; else as plonk_prove.
 */
enum status plonk_setup_prove(struct buffer *out, const struct circuit *circuit,
                              const struct plonk_verifying_key *vk, const struct srs *srs,
                              const fr *const parameters[CIRCUIT_PARAM_MAX],
                              const struct plonk_parameter_tail *tail, struct machine *machine,
                              const struct plonk_progress *progress,
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
