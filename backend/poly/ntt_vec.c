/*
 * Levels of a transform by array functions, for CPUs on which arrays are wide. Nodes of fewer than
 * eight pairs go to the scalar loops. Every element is fully reduced between levels.
 */
#define FIELD_KERNEL_PORTABLE
#include "backend/field/field_kernel.h"
#include "backend/field/field_vec.h"
#include "backend/poly/ntt_kernels.h"

#include <string.h>

enum {
    LG_RESIDENT = 10, /* as in ntt_loops.h */
    LG_SCALAR = 3,    /* subtrees that the scalar loops do whole */
    CHUNK = 128       /* pairs at a time: their products stay in the first-level cache */
};

static const struct ntt_kernels *scalar(void)
{
#if FIELD_BUILD_ADX
    if (field_path() == FIELD_PATH_ADX)
        return &ntt_kernels_adx;
#endif
    return &ntt_kernels_portable;
}

static void forward_pairs(fr *low, fr *high, size_t count, size_t block, const fr *twiddle)
{
    fr product[CHUNK];
    for (size_t i = 0; i < count; i += CHUNK) {
        size_t n = count - i < CHUNK ? count - i : CHUNK;
        if (block == 0)
            memcpy(product, high + i, n * sizeof *product);
        else
            fr_vec_scale(product, high + i, &twiddle[block], n);
        fr_vec_sub(high + i, low + i, product, n);
        fr_vec_add(low + i, low + i, product, n);
    }
}

static void forward_subtree(fr *a, unsigned lg_size, size_t block, const fr *twiddle)
{
    size_t half = (size_t)1 << (lg_size - 1);
    if (lg_size > LG_RESIDENT) {
        forward_pairs(a, a + half, half, block, twiddle);
        forward_subtree(a, lg_size - 1, 2 * block, twiddle);
        forward_subtree(a + half, lg_size - 1, 2 * block + 1, twiddle);
        return;
    }
    unsigned level = 0;
    for (; lg_size - level > LG_SCALAR; level++) {
        size_t count = half >> level, first = block << level;
        for (size_t k = 0; k < (size_t)1 << level; k++) {
            fr *node = a + 2 * count * k;
            forward_pairs(node, node + count, count, first + k, twiddle);
        }
    }
    for (size_t k = 0; k < (size_t)1 << level; k++)
        scalar()->forward_subtree(a + (k << (lg_size - level)), lg_size - level,
                                  (block << level) + k, twiddle);
}

static void inverse_pairs(fr *low, fr *high, size_t count, size_t block, const fr *twiddle)
{
    fr difference[CHUNK];
    for (size_t i = 0; i < count; i += CHUNK) {
        size_t n = count - i < CHUNK ? count - i : CHUNK;
        /* (low - high) / w = (high - low) * (-1 / w). */
        if (block == 0)
            fr_vec_sub(difference, low + i, high + i, n);
        else
            fr_vec_sub(difference, high + i, low + i, n);
        fr_vec_add(low + i, low + i, high + i, n);
        if (block == 0)
            memcpy(high + i, difference, n * sizeof *difference);
        else
            fr_vec_scale(high + i, difference, &twiddle[ntt_negated_inverse(block)], n);
    }
}

static void inverse_subtree(fr *a, unsigned lg_size, size_t block, const fr *twiddle)
{
    size_t half = (size_t)1 << (lg_size - 1);
    if (lg_size > LG_RESIDENT) {
        inverse_subtree(a, lg_size - 1, 2 * block, twiddle);
        inverse_subtree(a + half, lg_size - 1, 2 * block + 1, twiddle);
        inverse_pairs(a, a + half, half, block, twiddle);
        return;
    }
    unsigned level = lg_size > LG_SCALAR ? lg_size - LG_SCALAR : 0;
    for (size_t k = 0; k < (size_t)1 << level; k++)
        scalar()->inverse_subtree(a + (k << (lg_size - level)), lg_size - level,
                                  (block << level) + k, twiddle);
    for (size_t i = 0; i < 2 * half; i++)
        fr_reduce(&a[i], &a[i]);
    while (level-- > 0) {
        size_t count = half >> level, first = block << level;
        for (size_t k = 0; k < (size_t)1 << level; k++) {
            fr *node = a + 2 * count * k;
            inverse_pairs(node, node + count, count, first + k, twiddle);
        }
    }
}

static void divide_by_power_of_2(fr *a, size_t n, unsigned bits)
{
    scalar()->divide_by_power_of_2(a, n, bits);
}

const struct ntt_kernels ntt_kernels_vec = {
    .forward_pairs = forward_pairs,
    .forward_subtree = forward_subtree,
    .inverse_pairs = inverse_pairs,
    .inverse_subtree = inverse_subtree,
    .divide_by_power_of_2 = divide_by_power_of_2,
};
