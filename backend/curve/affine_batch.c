/*
 * Cuts affine batch additions into blocks and chooses the path of each: affine_batch_loops.h on a
 * scalar path, affine_batch_lanes.h where there is IFMA.
 */
#include "backend/curve/affine_batch.h"

#include "backend/field/field_limbs_adx.h"
#include "backend/field/field_vec.h"

/* Below this many additions, lanes that have nothing to do cost more than scalars. */
#define LANES_LEAST 8

#if FIELD_BUILD_ADX
#define DISPATCH(name, n, ...)                                                                     \
    do {                                                                                           \
        enum field_vec_path path_ = field_vec_path();                                              \
        if (path_ == FIELD_VEC_IFMA && (n) >= LANES_LEAST)                                         \
            name##_ifma(__VA_ARGS__);                                                              \
        else if (path_ != FIELD_VEC_PORTABLE)                                                      \
            name##_adx(__VA_ARGS__);                                                               \
        else                                                                                       \
            name##_portable(__VA_ARGS__);                                                          \
    } while (0)
#else
#define DISPATCH(name, n, ...) name##_portable(__VA_ARGS__)
#endif

/* Additions of the block that starts at `begin`. */
static size_t block_size(size_t begin, size_t n)
{
    return n - begin < AFFINE_BLOCK ? n - begin : AFFINE_BLOCK;
}

void affine_add_pairs(g1_affine *point, const uint16_t *pair, size_t n, size_t distance,
                      struct affine_ahead *ahead, fp *scratch)
{
    for (size_t begin = 0; begin < n; begin += AFFINE_BLOCK) {
        size_t count = block_size(begin, n);
        DISPATCH(affine_add_pairs, count, point, pair + begin, count, distance, ahead, scratch);
    }
}

void affine_add_entries(g1_affine *out, const uint16_t *to, const g1_affine *source,
                        const uint32_t *entry, const uint16_t *pair, size_t n,
                        struct affine_ahead *ahead, fp *scratch)
{
    for (size_t begin = 0; begin < n; begin += AFFINE_BLOCK) {
        size_t count = block_size(begin, n);
        DISPATCH(affine_add_entries, count, out, to + begin, source, entry, pair + begin, count,
                 ahead, scratch);
    }
}

void affine_add_arrays(g1_affine *r, const g1_affine *a, const g1_affine *b, size_t n, fp *scratch)
{
    for (size_t begin = 0; begin < n; begin += AFFINE_BLOCK) {
        size_t count = block_size(begin, n);
        DISPATCH(affine_add_arrays, count, r + begin, a + begin, b + begin, count, scratch);
    }
}

void affine_double_array(g1_affine *r, const g1_affine *a, size_t n, fp *scratch)
{
    for (size_t begin = 0; begin < n; begin += AFFINE_BLOCK) {
        size_t count = block_size(begin, n);
        DISPATCH(affine_double_array, count, r + begin, a + begin, count, scratch);
    }
}
