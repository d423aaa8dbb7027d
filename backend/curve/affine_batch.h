/*
 * Many independent additions of affine points that share inversions: about six products each.
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

/* Additions that share one inversion, at most: more would not fit the second-level cache. */
#define AFFINE_BLOCK 2048
/* What affine_batch_lanes.h keeps for eight additions. */
#define AFFINE_LANES_STEP_BYTES 704
/* Elements of scratch for a batch of n additions. */
#define AFFINE_SCRATCH(n)                                                                          \
    (((size_t)(n) < AFFINE_BLOCK ? ((size_t)(n) + 31) / 32 : (size_t)AFFINE_BLOCK / 32) * 4 *      \
         AFFINE_LANES_STEP_BYTES / sizeof(fp) +                                                    \
     2)

/* Points of a table too large for the caches that will be read soon: the functions below ask for
 * them while they add, `share` for every four additions, and move `next`. */
struct affine_ahead {
    const g1_affine *source;
    const uint32_t *entry; /* entries next .. end - 1, as of affine_add_entries */
    size_t next, end, share;
};

/* point[pair[i]] += point[pair[i] + distance] for i < n. Requires: no index is in two pairs;
 * scratch has AFFINE_SCRATCH(n) elements; ahead may be null. Cost: n additions. */
void affine_add_pairs(g1_affine *point, const uint16_t *pair, size_t n, size_t distance,
                      struct affine_ahead *ahead, fp *scratch);

/* out[to[i]] = P(entry[pair[i]]) + P(entry[pair[i] + 1]) for i < n, where P(e) is source[e >> 1],
 * negated when e is odd. Requires: out apart from source; scratch has AFFINE_SCRATCH(n) elements;
 * ahead may be null. */
void affine_add_entries(g1_affine *out, const uint16_t *to, const g1_affine *source,
                        const uint32_t *entry, const uint16_t *pair, size_t n,
                        struct affine_ahead *ahead, fp *scratch);

/* r[i] = a[i] + b[i] for i < n; r may be a or b, a may be b. Requires: scratch has
 * AFFINE_SCRATCH(n) elements. */
void affine_add_arrays(g1_affine *r, const g1_affine *a, const g1_affine *b, size_t n, fp *scratch);

/* r[i] = 2 a[i] for i < n; r may be a. Requires: scratch has AFFINE_SCRATCH(n) elements. */
void affine_double_array(g1_affine *r, const g1_affine *a, size_t n, fp *scratch);

/* The same for 1 <= n <= AFFINE_BLOCK on one path each. Only for affine_batch.c and tests. */
#define AFFINE_BATCH_DECLARE(path)                                                                 \
    void affine_add_pairs_##path(g1_affine *point, const uint16_t *pair, size_t n,                 \
                                 size_t distance, struct affine_ahead *ahead, fp *scratch);        \
    void affine_add_entries_##path(g1_affine *out, const uint16_t *to, const g1_affine *source,    \
                                   const uint32_t *entry, const uint16_t *pair, size_t n,          \
                                   struct affine_ahead *ahead, fp *scratch);                       \
    void affine_add_arrays_##path(g1_affine *r, const g1_affine *a, const g1_affine *b, size_t n,  \
                                  fp *scratch);                                                    \
    void affine_double_array_##path(g1_affine *r, const g1_affine *a, size_t n, fp *scratch);

/* Asks for the next points of ahead, which may be null. */
static inline void affine_ask_ahead(struct affine_ahead *ahead)
{
    if (!ahead)
        return;
    size_t last = ahead->end - ahead->next < ahead->share ? ahead->end : ahead->next + ahead->share;
    for (; ahead->next < last; ahead->next++)
        __builtin_prefetch(&ahead->source[ahead->entry[ahead->next] >> 1], 0, 2);
}

AFFINE_BATCH_DECLARE(portable)
AFFINE_BATCH_DECLARE(adx)
AFFINE_BATCH_DECLARE(ifma)

#endif
