/*
 * The fixed columns of a circuit by rows: what keys commit to and provers transform. Private to
 * this folder.
 */
#ifndef SERTN_BACKEND_PLONK_FIXED_COLUMNS_H
#define SERTN_BACKEND_PLONK_FIXED_COLUMNS_H

#include "backend/field/field.h"
#include "backend/plonk/layout.h"
#include "ir/circuit.h"
#include "ir/support/arena.h"
#include "ir/support/status.h"

/* Arrays belong to the arena that init was given. */
struct fixed_columns {
    const struct circuit *circuit; /* borrowed */
    size_t rows;                   /* n */
    fr *omega;                     /* [n] omega^i */
    fr *constants;                 /* [circuit->constant_count] */
    uint32_t *sigma; /* [3 n] cell = column * n + row; the cell that each cell maps to */
};

/* Errors: STATUS_NO_MEMORY. */
enum status fixed_columns_init(struct fixed_columns *out, struct arena *arena,
                               const struct circuit *circuit, struct diag *diag) SERTN_MUST_CHECK;

/* Whether a column holds integers of 64 bits: all but sigma and the coefficients. */
bool fixed_column_is_small(unsigned column);

/* Its values, out[row] for row < n. Returns whether any is not zero.
 * Requires: fixed_column_is_small(column). */
bool fixed_column_small(int64_t *out, const struct fixed_columns *fixed, unsigned column);

/* The values of any column. Returns whether any is not zero; of a zero column nothing may have been
 * written, so that its memory is not taken. */
bool fixed_column_full(fr *out, const struct fixed_columns *fixed, unsigned column);

/* What a sigma column has beyond K_j X: zero in every cell that maps to itself. */
void fixed_column_moves(fr *out, const struct fixed_columns *fixed, unsigned column);

#endif
