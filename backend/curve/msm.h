/*
 * Multi-scalar multiplication in G1: sum k_i B_i.
 *
 * Pippenger's bucket method with signed digits and affine bucket sums that share their inversions.
 * Every commitment of the prover is one call of msm_g1_pieces; the verifier's dozen points go
 * through msm_g1_few. Scalars come in two classes: full field elements, and int64 column values,
 * which cost only the digits they have. A piece of full scalars whose values are small in the range
 * (-r/2, r/2) is also cheap. Zeros cost nothing but their reading.
 *
 * Results: the same affine point for any thread count, path and window choice. Equal, opposite and
 * infinite bases are handled.
 *
 * Memory: no allocation; the caller hands over scratch of msm_scratch_bytes, aligned to 64 bytes.
 *
 * Sources: N. Pippenger, "On the evaluation of powers and related problems", 1976; E. Brickell,
 * D. Gordon, K. McCurley, D. Wilson, "Fast exponentiation with precomputation", EUROCRYPT 1992
 * (tables of shifted bases); P. Montgomery's simultaneous inversion.
 */
#ifndef SERTN_BACKEND_CURVE_MSM_H
#define SERTN_BACKEND_CURVE_MSM_H

#include <stddef.h>
#include <stdint.h>

#include "backend/curve/affine_batch.h"
#include "backend/curve/curve.h"
#include "ir/support/machine.h"

/* Most bases of one call, shifted copies included. */
#define MSM_MOST_POINTS (UINT32_C(1) << 30)

/*
 * Bases, with shifted copies when they are fixed. Level l of base i is
 *     point[l * count + i] = 2^(l * shift_bits) B_i,  l < levels.
 * levels = 1: plain bases, any window. levels > 1: window_bits divides shift_bits and
 * levels * shift_bits >= 254; more levels, fewer bucket sets. The points are borrowed.
 */
struct msm_bases {
    const g1_affine *point;
    size_t count;
    unsigned levels;
    unsigned shift_bits;  /* unused when levels = 1 */
    unsigned window_bits; /* unused when levels = 1; at most MSM_MOST_WINDOW_BITS */
};

#define MSM_MOST_WINDOW_BITS 17

/* A run of scalars: scalar k goes with base first + k * stride. Exactly one of full and small is
 * not null. Borrowed. */
struct msm_piece {
    const fr *full;
    const int64_t *small;
    size_t count;
    size_t first;
    size_t stride;
};

/* Most pieces of one call. */
#define MSM_MOST_PIECES 64

/* Bytes of scratch for full_count scalars in full pieces and small_count in small ones, at most;
 * of bases only levels and window_bits matter. */
size_t msm_scratch_bytes(const struct msm_bases *bases, size_t full_count, size_t small_count,
                         const struct machine *machine);

/*
 * out = the sum over all pieces of scalar * base.
 * Requires: piece_count <= MSM_MOST_PIECES; every base index is below bases->count; the scalar
 * count times levels is at most MSM_MOST_POINTS; scratch is aligned to 64 bytes and as long as
 * msm_scratch_bytes says.
 */
void msm_g1_pieces(g1 *out, const struct msm_bases *bases, const struct msm_piece *piece,
                   size_t piece_count, struct machine *machine, void *scratch);

/* out = sum scalars[i] bases[i] over i < n, over plain bases. Scratch for full_count = n. */
void msm_g1(g1 *out, const g1_affine *bases, const fr *scalars, size_t n, struct machine *machine,
            void *scratch);

/* The same for signed integers. Scratch for small_count = n. */
void msm_g1_small(g1 *out, const g1_affine *bases, const int64_t *scalars, size_t n,
                  struct machine *machine, void *scratch);

/* out = sum scalars[i] bases[i] for a few points (up to about 60 it is the faster way): shared
 * doublings, the endomorphism, no scratch, one thread. */
void msm_g1_few(g1 *out, const g1_affine *bases, const fr *scalars, size_t n);

/*
 * Sets levels, shift_bits and window_bits of *shape for sums of about n full scalars over count
 * fixed bases, with at most level_limit copies of them kept. levels = 1 when tables do not pay.
 */
void msm_choose_table(struct msm_bases *shape, size_t n, unsigned level_limit);

/*
 * Fills the levels above 0 of a table of shape->levels * shape->count points, whose level 0 is
 * there. Requires: scratch has MSM_TABLE_SCRATCH bytes for each thread of machine. Cost: shift_bits
 * * (levels - 1) doublings a base.
 */
void msm_fill_table(g1_affine *table, const struct msm_bases *shape, struct machine *machine,
                    void *scratch);

/* Bases that a table is filled for in step. */
#define MSM_TABLE_BLOCK 1024
#define MSM_TABLE_SCRATCH (AFFINE_SCRATCH(MSM_TABLE_BLOCK) * sizeof(fp))

#endif
