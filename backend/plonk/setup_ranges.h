/*
 * What the setup proof says, as both sides read it from the circuit: README section 8.
 *
 * A used parameter cell with the range [low, high] has N = high - low + 1 values and
 * B = ceil(log2 N) bits e_0 .. e_(B-1) of weights c_0 = N - 2^(B-1), c_t = 2^(t-1): the values
 * low + sum_t c_t e_t are those of the range and no others. Bit t of the cell in row i of parameter
 * column j stands in row i of bit column first[j] + t. Private to this folder and its tests.
 */
#ifndef SERTN_BACKEND_PLONK_SETUP_RANGES_H
#define SERTN_BACKEND_PLONK_SETUP_RANGES_H

#include "backend/field/field.h"
#include "backend/plonk/layout.h"
#include "backend/poly/ntt.h"
#include "ir/circuit.h"
#include "ir/support/status.h"

enum {
    SETUP_CELL_BITS_MAX = 253, /* sums of weights stay below the modulus */
    SETUP_BITS_MAX = SETUP_CELL_BITS_MAX * CIRCUIT_PARAM_MAX
};

/* The bit columns of a circuit. */
struct setup_ranges {
    const struct circuit *circuit;         /* borrowed */
    unsigned first[CIRCUIT_PARAM_MAX + 1]; /* those of parameter column j: first[j] .. first[j + 1]
                                              - 1, as many as its widest cell has bits */
    unsigned count;                        /* K */
};

/*
 * Requires: circuit_validate accepted the circuit.
 * Errors: STATUS_LIMIT for a range of more than SETUP_CELL_BITS_MAX bits.
 */
enum status setup_ranges_init(struct setup_ranges *ranges, const struct circuit *circuit,
                              struct diag *diag) SERTN_MUST_CHECK;

/* B of a cell. */
unsigned setup_cell_bits(const struct circuit *circuit, const struct param_cell *cell);

/* B, low and c_0 (zero when there are no bits). */
struct setup_cell {
    unsigned bits;
    fr low, top;
};
void setup_cell_init(struct setup_cell *out, const struct circuit *circuit,
                     const struct param_cell *cell);

/* Bytes of a setup proof: a head, K + 2 points, K values. Zero without parameter columns. */
size_t setup_proof_bytes(const struct setup_ranges *ranges);

/* Its first 32 bytes. */
enum { SETUP_HEAD_BYTES = 32 };
void setup_proof_head(uint8_t head[SETUP_HEAD_BYTES], const struct setup_ranges *ranges);

/* The domain string of its transcript. */
#define SETUP_DOMAIN "sertn-setup-v1"

/* The powers of alpha of one proof: by parameter column, then by bit column. */
struct setup_alpha {
    fr column[CIRCUIT_PARAM_MAX];
    fr bit[SETUP_BITS_MAX];
};
void setup_alpha_init(struct setup_alpha *out, const struct setup_ranges *ranges, const fr *alpha);

/*
 * *out = G(xi), what Z_off(xi) times the constraints leave when the terms in p_j are taken away:
 *     sum_k alpha^(J + k) y_k (y_k - 1) - sum_j alpha^j (low_j(xi) + sum_t c_(j,t)(xi) y_(j,t)).
 * lagrange[i] = L_i(xi) for i < n; bit[k] = y_k.
 */
void setup_value_at(fr *out, const struct setup_ranges *ranges, const struct setup_alpha *alpha,
                    const fr *lagrange, const fr *bit);

#endif
