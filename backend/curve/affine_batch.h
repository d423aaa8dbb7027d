/*
 * Many independent additions of affine points that share one inversion: about six products each.
 *
 * The engine of multi-scalar multiplication, of generated reference strings and of group
 * transforms. All cases of the group law are handled (infinity, doubling, opposite points). Points
 * are those of curve.h, fully reduced; no allocation.
 */
#ifndef SERTN_BACKEND_CURVE_AFFINE_BATCH_H
#define SERTN_BACKEND_CURVE_AFFINE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/curve/curve.h"

/* Additions whose products are done array by array on the wide paths. */
#define AFFINE_VEC_BLOCK 128
/* Elements of scratch for a batch of n additions. */
#define AFFINE_SCRATCH(n) (2 * (size_t)(n) + 6 * AFFINE_VEC_BLOCK)

/* point[pair[i]] += point[pair[i] + distance] for i < n. Requires: no index is in two pairs;
 * scratch has AFFINE_SCRATCH(n) elements. Cost: n additions and one inversion. */
void affine_add_pairs(g1_affine *point, const uint16_t *pair, size_t n, size_t distance,
                      fp *scratch);

/* r[i] = a[i] + b[i] for i < n; r may be a or b, a may be b. Requires: scratch has
 * AFFINE_SCRATCH(n) elements. */
void affine_add_arrays(g1_affine *r, const g1_affine *a, const g1_affine *b, size_t n, fp *scratch);

/* out[i] = source[entry[i] >> 1], negated when entry[i] is odd. */
void affine_gather(g1_affine *out, const g1_affine *source, const uint32_t *entry, size_t n);

/* The same on one path each: the scalar paths of field.h, and the arrays of field_vec.h, which pay
 * where those are wide. Only for affine_batch.c and tests. */
void affine_add_pairs_portable(g1_affine *point, const uint16_t *pair, size_t n, size_t distance,
                               fp *scratch);
void affine_add_arrays_portable(g1_affine *r, const g1_affine *a, const g1_affine *b, size_t n,
                                fp *scratch);
void affine_gather_portable(g1_affine *out, const g1_affine *source, const uint32_t *entry,
                            size_t n);
void affine_add_pairs_adx(g1_affine *point, const uint16_t *pair, size_t n, size_t distance,
                          fp *scratch);
void affine_add_arrays_adx(g1_affine *r, const g1_affine *a, const g1_affine *b, size_t n,
                           fp *scratch);
void affine_gather_adx(g1_affine *out, const g1_affine *source, const uint32_t *entry, size_t n);

/* Return false, nothing changed, when one addition is a special case: then a scalar path does the
 * batch. */
bool affine_add_pairs_vec(g1_affine *point, const uint16_t *pair, size_t n, size_t distance,
                          fp *scratch);
bool affine_add_arrays_vec(g1_affine *r, const g1_affine *a, const g1_affine *b, size_t n,
                           fp *scratch);

#endif
