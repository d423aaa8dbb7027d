/*
 * Affine batch additions on the array functions of fields. See affine_batch.h.
 *
 * The same formulas as affine_batch_loops.h, step by step over blocks of coordinates, so that
 * whatever width the arrays have (AVX-512 IFMA: eight products at a time) is used. One inversion is
 * shared by the whole batch, the other arrays are as long as a block.
 */
#include <string.h>

#include "backend/curve/affine_batch.h"
#include "backend/field/field_vec.h"

/* The operands of addition i. */
struct operands {
    const g1_affine *a, *b; /* arrays, or null: */
    g1_affine *point;
    const uint16_t *pair;
    size_t distance;
};

static inline const g1_affine *left(const struct operands *o, size_t i)
{
    return o->pair ? &o->point[o->pair[i]] : &o->a[i];
}

static inline const g1_affine *right(const struct operands *o, size_t i)
{
    return o->pair ? &o->point[o->pair[i]] + o->distance : &o->b[i];
}

/* The coordinates of one block as arrays. */
struct block {
    fp x1[AFFINE_VEC_BLOCK], y1[AFFINE_VEC_BLOCK], x2[AFFINE_VEC_BLOCK], y2[AFFINE_VEC_BLOCK];
    fp slope[AFFINE_VEC_BLOCK], t[AFFINE_VEC_BLOCK];
};

_Static_assert(sizeof(struct block) == 6 * AFFINE_VEC_BLOCK * sizeof(fp), "see AFFINE_SCRATCH");

/* d[i] = x_b - x_a. Returns false when one is a special case. */
static bool denominators(fp *d, struct block *k, const struct operands *o, size_t n)
{
    for (size_t first = 0; first < n; first += AFFINE_VEC_BLOCK) {
        size_t count = n - first < AFFINE_VEC_BLOCK ? n - first : AFFINE_VEC_BLOCK;
        for (size_t i = 0; i < count; i++) {
            k->x1[i] = left(o, first + i)->x;
            k->x2[i] = right(o, first + i)->x;
            /* No point of G1 has x = 0. */
            if (fp_is_zero(&k->x1[i]) || fp_is_zero(&k->x2[i]) || fp_eq(&k->x1[i], &k->x2[i]))
                return false;
        }
        fp_vec_sub(d + first, k->x2, k->x1, count);
    }
    return true;
}

/* One block of sums, given the inverses of the denominators; they end in x2 and t. */
static void sum_block(struct block *k, const struct operands *o, const fp *inverse, size_t first,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const g1_affine *a = left(o, first + i), *b = right(o, first + i);
        k->x1[i] = a->x;
        k->y1[i] = a->y;
        k->x2[i] = b->x;
        k->y2[i] = b->y;
    }
    fp_vec_sub(k->slope, k->y2, k->y1, count);
    fp_vec_mul(k->slope, k->slope, inverse + first, count);
    fp_vec_sqr(k->t, k->slope, count);
    fp_vec_sub(k->t, k->t, k->x1, count);
    fp_vec_sub(k->x2, k->t, k->x2, count);
    fp_vec_sub(k->t, k->x1, k->x2, count);
    fp_vec_mul(k->t, k->t, k->slope, count);
    fp_vec_sub(k->t, k->t, k->y1, count);
}

/* All additions; results go to r, or to the left operands when r is null. */
static bool add_all(g1_affine *r, const struct operands *o, size_t n, fp *scratch)
{
    fp *d = scratch, *more = scratch + n;
    struct block *k = (struct block *)(void *)(scratch + 2 * n);
    if (!denominators(d, k, o, n))
        return false;
    fp_vec_batch_inv(d, n, more);
    for (size_t first = 0; first < n; first += AFFINE_VEC_BLOCK) {
        size_t count = n - first < AFFINE_VEC_BLOCK ? n - first : AFFINE_VEC_BLOCK;
        sum_block(k, o, d, first, count);
        for (size_t i = 0; i < count; i++) {
            g1_affine *out = r ? &r[first + i] : &o->point[o->pair[first + i]];
            out->x = k->x2[i];
            out->y = k->t[i];
        }
    }
    return true;
}

bool affine_add_pairs_vec(g1_affine *point, const uint16_t *pair, size_t n, size_t distance,
                          fp *scratch)
{
    struct operands o = {.point = point, .pair = pair, .distance = distance};
    return add_all(NULL, &o, n, scratch);
}

bool affine_add_arrays_vec(g1_affine *r, const g1_affine *a, const g1_affine *b, size_t n,
                           fp *scratch)
{
    struct operands o = {.a = a, .b = b};
    return add_all(r, &o, n, scratch);
}
