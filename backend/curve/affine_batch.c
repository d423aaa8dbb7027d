/*
 * Chooses the path of affine batch additions: affine_batch_loops.h on a scalar path, or
 * affine_batch_vec.c where the array functions are wide.
 */
#include "backend/curve/affine_batch.h"

#include "backend/field/field_limbs_adx.h"
#include "backend/field/field_vec.h"

#if FIELD_BUILD_ADX
#define DISPATCH(name, ...)                                                                        \
    (field_path() == FIELD_PATH_ADX ? name##_adx(__VA_ARGS__) : name##_portable(__VA_ARGS__))
#else
#define DISPATCH(name, ...) name##_portable(__VA_ARGS__)
#endif

/* Whether arrays of products are faster than single ones here. */
static bool is_wide(void)
{
    enum field_vec_path path = field_vec_path();
    return path != FIELD_VEC_PORTABLE && path != FIELD_VEC_ADX;
}

void affine_add_pairs(g1_affine *point, const uint16_t *pair, size_t n, size_t distance,
                      fp *scratch)
{
    if (!is_wide() || !affine_add_pairs_vec(point, pair, n, distance, scratch))
        DISPATCH(affine_add_pairs, point, pair, n, distance, scratch);
}

void affine_add_arrays(g1_affine *r, const g1_affine *a, const g1_affine *b, size_t n, fp *scratch)
{
    if (!is_wide() || !affine_add_arrays_vec(r, a, b, n, scratch))
        DISPATCH(affine_add_arrays, r, a, b, n, scratch);
}

void affine_gather(g1_affine *out, const g1_affine *source, const uint32_t *entry, size_t n)
{
    DISPATCH(affine_gather, out, source, entry, n);
}
