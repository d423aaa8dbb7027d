/*
 * Each point times a scalar of its own, and tests of many points of G2 at once. What a ceremony of
 * powers of tau spends its time with.
 *
 * Blocks of points go through the windows of their scalars in step, so that their additions share
 * inversions and run on arrays of field elements. Scalars of G1 are cut in two by its endomorphism,
 * those of G2 in four by psi, the Frobenius seen on the twist. Time depends on the scalars; what is
 * left of them in scratch is wiped.
 *
 * Sources: S. Galbraith, X. Lin, M. Scott, "Endomorphisms for faster elliptic curve cryptography on
 * a large class of curves", eprint 2008/194; Y. El Housni, A. Guillevic, T. Piellard, "Co-factor
 * clearing and subgroup membership testing on pairing-friendly curves", eprint 2022/348.
 */
#ifndef SERTN_BACKEND_CURVE_MUL_EACH_H
#define SERTN_BACKEND_CURVE_MUL_EACH_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/curve/affine_batch.h"
#include "backend/curve/curve.h"
#include "ir/support/machine.h"
#include "ir/support/status.h"

/*
 * point[i] = [scalar[i]] point[i] for i < n; infinity stays infinity.
 * Requires: the points of G2 are in the group (cutting a scalar in four is wrong outside).
 * Errors: STATUS_NO_MEMORY; nothing is then changed. Cost: about 200 batch additions a point of G1,
 * 140 of G2.
 */
SERTN_MUST_CHECK enum status g1_mul_each(g1_affine *point, const fr *scalar, size_t n,
                                         struct machine *machine, struct diag *diag);
SERTN_MUST_CHECK enum status g2_mul_each(g2_affine *point, const fr *scalar, size_t n,
                                         struct machine *machine, struct diag *diag);

/*
 * *bad = the first i with point[i] not in G2 or infinity, n when there is none.
 * Errors: STATUS_NO_MEMORY. Cost: about 90 batch additions a point.
 */
SERTN_MUST_CHECK enum status g2_find_outsider(size_t *bad, const g2_affine *point, size_t n,
                                              struct machine *machine, struct diag *diag);

/*
 * out[k] = sum over i < n of scalar[i] point[k + i], for k < count <= 2: sums over an array and
 * over the same shifted by one. scalar[i] has two limbs, least significant first. Points anywhere
 * on the curve. Errors: STATUS_NO_MEMORY.
 */
SERTN_MUST_CHECK enum status g2_sum_shifted(g2 *out, size_t count, const g2_affine *point,
                                            const uint64_t (*scalar)[2], size_t n,
                                            struct machine *machine, struct diag *diag);

/* A scalar of G2 cut in four: k = sum of sign_j part[j] psi^j on G2. */
struct gls_parts {
    uint64_t part[4]; /* magnitudes */
    bool negative[4];
};
void gls_split(struct gls_parts *out, const fr *k);

/* ---- Blocks of G1, for transforms of points ---------------------------------------------------
 */

/* Points done in step. */
#define G1_MUL_BLOCK 512
#define G1_MUL_MULTIPLES 8 /* windows of four bits with signed digits */
#define G1_MUL_WINDOWS 33  /* of a half below 2^127, with the last carry */

/* What one thread needs. */
struct g1_mul_block {
    g1_affine point[G1_MUL_BLOCK], addend[G1_MUL_BLOCK];
    fr scalar[G1_MUL_BLOCK];
    fp scratch[AFFINE_SCRATCH(G1_MUL_BLOCK)];
    g1_affine table[G1_MUL_MULTIPLES][G1_MUL_BLOCK];
    signed char digit[2][G1_MUL_WINDOWS][G1_MUL_BLOCK];
};

/* b->point[i] = [b->scalar[i]] b->point[i] for i < n <= G1_MUL_BLOCK. */
void g1_mul_block(struct g1_mul_block *b, size_t n);

#endif
