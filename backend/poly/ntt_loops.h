/*
 * The loops of ntt.c for one scalar path; see ntt.h for the tree they walk and field_kernel.h for
 * the pattern. Included by ntt_portable.c and ntt_adx.c.
 *
 * Values. Forward: every element stays below 4 m between levels (m the modulus); inverse: below 2
 * m. Elements are fully reduced before the first and after the last level.
 */
#include "backend/field/field_kernel.h"
#include "backend/poly/ntt_kernels.h"

/* Subtrees of at most 2^LG_RESIDENT elements (32 KiB) are walked level by level, larger ones by
 * tops of columns, as many at a time as have LG_RESIDENT bits in all rows. */
enum { LG_LEAST = 2, LG_RESIDENT = 10, TOP_LEVELS = 7, COLUMNS = 8 };

static void forward_node(fr *low, fr *high, size_t count, const fr *w)
{
    fr factor = *w;
    for (size_t i = 0; i < count; i++) {
        fr t;
        fr_mul_lazy(&t, &factor, &high[i]);
        fr_butterfly_lazy(&low[i], &high[i], &t);
    }
}

/* forward_node with w = 1. */
static void forward_node_of_one(fr *low, fr *high, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fr t;
        fr_reduce_to_2m_lazy(&t, &high[i]);
        fr_butterfly_lazy(&low[i], &high[i], &t);
    }
}

static void forward_pairs(fr *low, fr *high, size_t count, size_t block, const fr *twiddle)
{
    if (block == 0)
        forward_node_of_one(low, high, count);
    else
        forward_node(low, high, count, &twiddle[block]);
}

static void reduce_fully(fr *a)
{
    fr_reduce_to_2m_lazy(a, a);
    fr_reduce(a, a);
}

/* The last two levels, on nodes of four elements; `block` numbers the first of them. */
static void forward_last_levels(fr *a, size_t nodes, size_t block, const fr *twiddle)
{
    for (size_t k = 0; k < nodes; k++, a += 4) {
        size_t node = block + k;
        fr t0, t1;
        if (node == 0) {
            fr_reduce_to_2m_lazy(&t0, &a[2]);
            fr_reduce_to_2m_lazy(&t1, &a[3]);
        } else {
            fr_mul_lazy(&t0, &twiddle[node], &a[2]);
            fr_mul_lazy(&t1, &twiddle[node], &a[3]);
        }
        fr_butterfly_lazy(&a[0], &a[2], &t0);
        fr_butterfly_lazy(&a[1], &a[3], &t1);
        if (node == 0)
            fr_reduce_to_2m_lazy(&t0, &a[1]);
        else
            fr_mul_lazy(&t0, &twiddle[2 * node], &a[1]);
        fr_mul_lazy(&t1, &twiddle[2 * node + 1], &a[3]);
        fr_butterfly_lazy(&a[0], &a[1], &t0);
        fr_butterfly_lazy(&a[2], &a[3], &t1);
        for (int i = 0; i < 4; i++)
            reduce_fully(&a[i]);
    }
}

static void forward_subtree(fr *a, unsigned lg_size, size_t block, const fr *twiddle)
{
    size_t half = (size_t)1 << (lg_size - 1);
    for (unsigned level = 0; lg_size - level > 2; level++) {
        size_t count = half >> level, first = block << level;
        for (size_t k = 0; k < (size_t)1 << level; k++) {
            fr *node = a + 2 * count * k;
            forward_pairs(node, node + count, count, first + k, twiddle);
        }
    }
    forward_last_levels(a, (size_t)1 << (lg_size - 2), block << (lg_size - 2), twiddle);
}

/* Columns that go through the levels of a top together, at most. */
static size_t column_step(unsigned levels)
{
    return (size_t)1 << (LG_RESIDENT - levels);
}

static void forward_top(fr *a, unsigned lg_size, unsigned levels, size_t block, size_t begin,
                        size_t end, const fr *twiddle)
{
    const size_t row = (size_t)1 << (lg_size - levels), step = column_step(levels);
    for (size_t column = begin; column < end; column += step) {
        size_t count = end - column < step ? end - column : step;
        for (unsigned level = 0; level < levels; level++) {
            size_t half = (size_t)1 << (levels - level - 1);
            for (size_t i = 0; i < (size_t)1 << levels; i += i % half == half - 1 ? half + 1 : 1) {
                fr *low = a + i * row + column;
                forward_pairs(low, low + half * row, count, (block << level) + i / (2 * half),
                              twiddle);
            }
        }
    }
}

static void inverse_pairs(fr *low, fr *high, size_t count, size_t block, const fr *twiddle)
{
    if (block == 0) {
        for (size_t i = 0; i < count; i++) {
            fr d;
            fr_butterfly_back_lazy(&low[i], &d, &high[i]);
            fr_reduce_to_2m_lazy(&high[i], &d);
        }
        return;
    }
    fr factor = twiddle[ntt_negated_inverse(block)];
    for (size_t i = 0; i < count; i++) {
        /* (low - high) / w = (high - low) * (-1 / w). */
        fr d, x = high[i];
        fr_butterfly_back_lazy(&x, &d, &low[i]);
        low[i] = x;
        fr_mul_lazy(&high[i], &factor, &d);
    }
}

/* x, y = x + y, (x - y) / w with `factor` = -1 / w. */
static inline void inverse_pair(fr *x, fr *y, const fr *factor)
{
    fr d, sum = *y;
    fr_butterfly_back_lazy(&sum, &d, x);
    *x = sum;
    fr_mul_lazy(y, factor, &d);
}

/* The first two levels, on nodes of four elements; `block` numbers the first of them. */
static void inverse_first_levels(fr *a, size_t nodes, size_t block, const fr *twiddle)
{
    for (size_t k = 0; k < nodes; k++, a += 4) {
        size_t node = block + k;
        if (node == 0) {
            inverse_pairs(a, a + 1, 1, 0, twiddle);
            inverse_pair(&a[2], &a[3], &twiddle[ntt_negated_inverse(1)]);
            inverse_pairs(a, a + 2, 2, 0, twiddle);
            continue;
        }
        const fr *outer = &twiddle[ntt_negated_inverse(node)];
        inverse_pair(&a[0], &a[1], &twiddle[ntt_negated_inverse(2 * node)]);
        inverse_pair(&a[2], &a[3], &twiddle[ntt_negated_inverse(2 * node + 1)]);
        inverse_pair(&a[0], &a[2], outer);
        inverse_pair(&a[1], &a[3], outer);
    }
}

static void divide_array(fr *a, size_t n, const struct ntt_division *division)
{
    for (size_t i = 0; i < n; i++)
        fr_divide_by_power_of_2(&a[i], &a[i], division->bits);
}

static void inverse_subtree(fr *a, unsigned lg_size, size_t block, const fr *twiddle,
                            const struct ntt_division *division)
{
    size_t half = (size_t)1 << (lg_size - 1);
    inverse_first_levels(a, (size_t)1 << (lg_size - 2), block << (lg_size - 2), twiddle);
    for (unsigned level = lg_size - 2; level-- > 0;) {
        size_t count = half >> level, first = block << level;
        for (size_t k = 0; k < (size_t)1 << level; k++) {
            fr *node = a + 2 * count * k;
            inverse_pairs(node, node + count, count, first + k, twiddle);
        }
    }
    if (division)
        divide_array(a, 2 * half, division);
}

static void inverse_top(fr *a, unsigned lg_size, unsigned levels, size_t block, size_t begin,
                        size_t end, const fr *twiddle, const struct ntt_division *division)
{
    const size_t row = (size_t)1 << (lg_size - levels), step = column_step(levels);
    for (size_t column = begin; column < end; column += step) {
        size_t count = end - column < step ? end - column : step;
        for (unsigned level = levels; level-- > 0;) {
            size_t half = (size_t)1 << (levels - level - 1);
            for (size_t i = 0; i < (size_t)1 << levels; i += i % half == half - 1 ? half + 1 : 1) {
                fr *low = a + i * row + column;
                inverse_pairs(low, low + half * row, count, (block << level) + i / (2 * half),
                              twiddle);
            }
        }
        for (size_t i = 0; division && i < (size_t)1 << levels; i++)
            divide_array(a + i * row + column, count, division);
    }
}

const struct ntt_kernels FIELD_PATH_NAME(ntt_kernels) = {
    .lg_least = LG_LEAST,
    .lg_resident = LG_RESIDENT,
    .top_levels = TOP_LEVELS,
    .columns = COLUMNS,
    .forward_top = forward_top,
    .forward_subtree = forward_subtree,
    .inverse_top = inverse_top,
    .inverse_subtree = inverse_subtree,
};
