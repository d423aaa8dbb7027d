/*
 * KZG commitments over an SRS, for groups of columns, and the pairing check that ends a
 * verification.
 *
 * A group of arity t with columns f_0 ... f_(t-1) is the polynomial F(X) = sum_i X^i f_i(X^t);
 * arity 1 is a plain polynomial. A commitment [F(tau)]_1 is made from coefficients over the powers,
 * or from the values of the columns on the n-th roots of unity over strided Lagrange bases, where
 * columns of small integers cost little.
 *
 * Source: as of srs.h; D. Boneh, J. Drake, B. Fisch, A. Gabizon, "Efficient polynomial commitment
 * schemes for multiple points and polynomials", eprint 2020/081; A. Gabizon, Z. Williamson,
 * "fflonk", eprint 2021/1167.
 */
#ifndef SERTN_BACKEND_COMMIT_KZG_H
#define SERTN_BACKEND_COMMIT_KZG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/commit/srs.h"
#include "backend/curve/curve.h"
#include "backend/field/field.h"
#include "ir/support/machine.h"
#include "ir/support/status.h"

/* Most columns of a group. */
#define KZG_MOST_COLUMNS 16

/*
 * out = sum coefficient[k] [tau^k]_1 over k < count.
 * Errors: STATUS_LIMIT when the SRS has fewer powers; STATUS_NO_MEMORY.
 */
SERTN_MUST_CHECK enum status kzg_commit(g1_affine *out, const struct srs *srs,
                                        const fr *coefficient, size_t count,
                                        struct machine *machine, struct diag *diag);

/*
 * out = [F(tau)]_1 of a group: column[i] has `count` coefficients, coefficient k stands on
 * tau^(arity k + i); a null column is zero.
 * Requires: 1 <= arity <= KZG_MOST_COLUMNS. Errors: as kzg_commit.
 */
SERTN_MUST_CHECK enum status kzg_commit_group(g1_affine *out, const struct srs *srs,
                                              const fr *const *column, unsigned arity, size_t count,
                                              struct machine *machine, struct diag *diag);

/*
 * The n values of one column, row j at root^j: rows below small_count are small[j], the rest are
 * full[j - small_count]. So a column of integers with a random tail is both, one of field elements
 * is small_count = 0. A pointer whose rows are none may be null; with both null the column is zero.
 * Borrowed.
 */
struct kzg_column {
    const int64_t *small;
    size_t small_count;
    const fr *full;
};

/*
 * out = [F(tau)]_1 of the group of bases->arity columns, given by values on 2^bases->lg_rows rows.
 * Ensures: the same point as kzg_commit_group of their coefficients. Errors: STATUS_NO_MEMORY.
 */
SERTN_MUST_CHECK enum status kzg_commit_values(g1_affine *out, const struct srs_lagrange *bases,
                                               const struct kzg_column *column,
                                               struct machine *machine, struct diag *diag);

/* Rows of field elements that a matrix of bits may have beside the bits, at most. */
#define KZG_MOST_FULL_ROWS 8
/* 64-bit words of a row of `count` bits. */
#define KZG_BIT_WORDS(count) (((count) + 63) / 64)

/*
 * Columns of bits over n rows, and a few rows of field elements that are added to them: a random
 * tail, where the bits are zero. Borrowed.
 */
struct kzg_bits {
    unsigned count; /* columns */
    const uint64_t
        *row;       /* [n][KZG_BIT_WORDS(count)]: bit k % 64 of word k / 64 is that of column k */
    const fr *full; /* [count][full_count]: of column k what row full_row[i] has beside its bit */
    const uint32_t *full_row; /* [full_count] */
    unsigned full_count;
};

/*
 * out[k] = the commitment to column k, k < count.
 * Requires: bases have arity 1 and 4 rows or more. Ensures: the same points as kzg_commit_values of
 * each column. Errors: STATUS_NO_MEMORY. Cost: about n / 4 additions a column and 3 n in all.
 */
SERTN_MUST_CHECK enum status kzg_commit_bits(g1_affine *out, const struct srs_lagrange *bases,
                                             const struct kzg_bits *bits, struct machine *machine,
                                             struct diag *diag);

/*
 * Returns whether e(left, [1]_2) = e(right, [tau]_2).
 * Requires: both are on the curve. Cost: one Miller loop of two pairs over prepared lines.
 */
bool kzg_check(const struct srs_verifier *srs, const g1_affine *left, const g1_affine *right);

#endif
