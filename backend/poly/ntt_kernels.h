/*
 * What a path gives to ntt.c. Private to backend/poly. A block is the number of a node within its
 * level, and twiddle the table of the domain; see ntt_loops.h for the ranges of values.
 */
#ifndef SERTN_BACKEND_POLY_NTT_KERNELS_H
#define SERTN_BACKEND_POLY_NTT_KERNELS_H

#include "backend/field/field.h"
#include "backend/field/field_limbs_adx.h"

#include <stddef.h>

struct ntt_kernels {
    /* The butterflies low[i], high[i], i < count, of one node. */
    void (*forward_pairs)(fr *low, fr *high, size_t count, size_t block, const fr *twiddle);
    /* All levels of the subtree of 2^lg_size >= 4 elements; leaves them fully reduced. */
    void (*forward_subtree)(fr *a, unsigned lg_size, size_t block, const fr *twiddle);
    void (*inverse_pairs)(fr *low, fr *high, size_t count, size_t block, const fr *twiddle);
    void (*inverse_subtree)(fr *a, unsigned lg_size, size_t block, const fr *twiddle);
    /* a = a / 2^bits, from below twice the modulus to fully reduced. Requires: bits >= 1. */
    void (*divide_by_power_of_2)(fr *a, size_t n, unsigned bits);
};

extern const struct ntt_kernels ntt_kernels_portable;
#if FIELD_BUILD_ADX
extern const struct ntt_kernels ntt_kernels_adx;
#endif
/* Over the array functions of the path in use: for paths whose arrays are wide. */
extern const struct ntt_kernels ntt_kernels_vec;

/* Returns the index of -1/twiddle[block] in the table. With e = reverse(block) the inverse of
 * root^e is -root^(n/2 - e), and n/2 - e flips the bits of e above its lowest one: in block, those
 * below its highest one. */
static inline size_t ntt_negated_inverse(size_t block)
{
    unsigned top = 63 - (unsigned)__builtin_clzll((unsigned long long)block);
    return ((size_t)3 << top) - 1 - block;
}

#endif
