/*
 * The columns, groups and sizes of the protocol: what README sections 1 to 3 fix, as data.
 *
 * One layout follows from (mode, lg_rows, param_columns, has_contraction); prover, verifier and key
 * code read the same group table, so both modes are one code path. Nothing here depends on a
 * circuit beyond those four.
 */
#ifndef SERTN_BACKEND_PLONK_LAYOUT_H
#define SERTN_BACKEND_PLONK_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ir/circuit.h"
#include "ir/support/status.h"

/* ORDER plonk_mode: the byte in the verifying key. */
enum plonk_mode { PLONK_MODE_GAS = 0, PLONK_MODE_FAST = 1, PLONK_MODES = 2 };

/* ORDER plonk_column: plonk_column_name, and the order inside the groups of README section 2. */
enum plonk_column {
    PLONK_A1,
    PLONK_A2,
    PLONK_A3,
    PLONK_W1,
    PLONK_W2,
    PLONK_M,
    PLONK_Z,
    PLONK_PHI,
    PLONK_S,
    PLONK_H,
    PLONK_S1, /* the first fixed column */
    PLONK_S2,
    PLONK_S3,
    PLONK_TTAG,
    PLONK_TX,
    PLONK_TY,
    PLONK_TF,
    PLONK_T2,
    PLONK_T3,
    PLONK_QM,
    PLONK_G1,
    PLONK_G2,
    PLONK_G3,
    PLONK_C2,
    PLONK_C3,
    PLONK_COLUMNS
};

enum {
    PLONK_MENU = 1,
    PLONK_FIXED_FIRST = PLONK_S1,
    PLONK_FIXED_COLUMNS = PLONK_COLUMNS - PLONK_FIXED_FIRST,
    PLONK_WITNESS_COLUMNS = PLONK_FIXED_FIRST,
    PLONK_CHALLENGE_COLUMNS = PLONK_FIXED_FIRST - PLONK_Z,
    PLONK_TAIL_ROWS = 5,  /* b */
    PLONK_GATED_ROWS = 6, /* b' */
    PLONK_LG_ROWS_MIN = 4,
    PLONK_LG_ROWS_MAX = 24, /* of keys and proofs */
    PLONK_ARITY_MAX = 6,
    PLONK_GROUPS_MAX = 23, /* fast mode with two parameter columns or h, Q left out */
    PLONK_EVALUATIONS_MAX =
        27, /* 14 fixed, 5 of phase 0, 8 of phase 1; 14, 6, 6 with two parameter columns */
    PLONK_PARTS_MAX = 4,
    PLONK_VK_HEAD_BYTES = 96,
    PLONK_VK_BYTES_MAX = PLONK_VK_HEAD_BYTES + 64 * (PLONK_FIXED_COLUMNS + 2),
    PLONK_PROOF_BYTES_MAX = 64 * (9 + PLONK_PARTS_MAX + 2) + 32 * (PLONK_EVALUATIONS_MAX + 1)
};

/* When a group is committed. ORDER plonk_phase: groups stand in this order. */
enum plonk_phase { PLONK_PHASE_ADVICE, PLONK_PHASE_CHALLENGE, PLONK_PHASE_FIXED, PLONK_PHASES };

/* Columns that share one commitment F(X) = sum_i X^i f_i(X^arity). */
struct plonk_group {
    uint8_t phase;
    uint8_t arity;
    bool rotated;             /* opened at xi and omega xi; else at xi */
    uint8_t first_evaluation; /* index of its first evaluation; rotated ones stand `arity` later */
    uint8_t column[PLONK_ARITY_MAX];
};

struct plonk_layout {
    enum plonk_mode mode;
    unsigned lg_rows;
    unsigned param_columns;
    bool has_contraction; /* columns h and g3 instead of qM, and no inverse hint */
    size_t rows;          /* n */
    size_t usable_rows;   /* U = n - b' */
    unsigned group_count; /* Q, which has arity 1 and is opened at xi, stands after them */
    struct plonk_group group[PLONK_GROUPS_MAX];
    unsigned phase_first[PLONK_PHASES +
                         1]; /* groups [phase_first[p], phase_first[p + 1]) are of phase p */
    unsigned quotient_parts; /* 1 or 4 */
    size_t quotient_count;   /* coefficients of T: 4 n + b' - 4 */
    unsigned evaluation_count;
    unsigned point_count; /* points of a proof */
    size_t proof_bytes;
    size_t vk_bytes;
    size_t srs_points; /* powers of tau in G1 that keys and proofs of this layout need */
};

/*
 * Fills a layout.
 * Requires: mode below PLONK_MODES, lg_rows in PLONK_LG_ROWS_MIN..CIRCUIT_LG_ROWS_MAX,
 * param_columns
 * <= 2, and <= 1 with has_contraction.
 */
void plonk_layout_init(struct plonk_layout *layout, enum plonk_mode mode, unsigned lg_rows,
                       unsigned param_columns, bool has_contraction);

/* Whether keys and proofs hold a table of so many rows. Errors: STATUS_LIMIT. */
enum status plonk_require_rows(unsigned lg_rows, struct diag *diag) SERTN_MUST_CHECK;

/* Returns "a1", "phi", "c3", ...: the symbol of README section 1. */
const char *plonk_column_name(enum plonk_column column);

/* Returns "gas" or "fast". */
const char *plonk_mode_name(enum plonk_mode mode);

/* Index of a column's value at xi among the evaluations; at omega xi, for columns of phase 1, with
 * rotated. Returns -1 for a column that the layout lacks. */
int plonk_evaluation_index(const struct plonk_layout *layout, enum plonk_column column,
                           bool rotated);

#endif
