/*
 * What a path gives to ntt.c. Private to backend/poly. A block is the number of a node within its
 * level, and twiddle the table of the domain; ntt_loops.h and ntt_lanes.h say what they do.
 */
#ifndef SERTN_BACKEND_POLY_NTT_KERNELS_H
#define SERTN_BACKEND_POLY_NTT_KERNELS_H

#include "backend/field/field.h"
#include "backend/field/field_limbs_adx.h"
#include "backend/poly/ntt.h"

#include <stddef.h>

/* The last step of a transform back: fully reduced results, divided by n = 2^bits. */
struct ntt_division {
    unsigned bits;
    fr factor; /* 2^twiddle_shift / n */
};

/*
 * Elements of the caller, before the first function and after the last, are fully reduced, but for
 * the results of a transform back without its division, which are below 3 times the modulus.
 * Between functions of one path they have ranges of their own.
 */
struct ntt_kernels {
    unsigned lg_least;      /* smallest subtree */
    unsigned lg_resident;   /* largest subtree */
    unsigned top_levels;    /* most levels of one top */
    size_t columns;         /* begin and end of a top are multiples of this */
    unsigned twiddle_shift; /* the table holds 2^twiddle_shift times the roots */
    /* The first `levels` levels of node `block` of 2^lg_size elements, of columns begin .. end - 1:
     * elements with those indices mod 2^(lg_size - levels). */
    void (*forward_top)(fr *a, unsigned lg_size, unsigned levels, size_t block, size_t begin,
                        size_t end, const fr *twiddle);
    /* All levels of the subtree of 2^lg_size elements below `block`, the last of the transform. */
    void (*forward_subtree)(fr *a, unsigned lg_size, size_t block, const fr *twiddle);
    /* The way back; division is not null in the last calls of a transform that ends with one. */
    void (*inverse_top)(fr *a, unsigned lg_size, unsigned levels, size_t block, size_t begin,
                        size_t end, const fr *twiddle, const struct ntt_division *division);
    void (*inverse_subtree)(fr *a, unsigned lg_size, size_t block, const fr *twiddle,
                            const struct ntt_division *division);
};

extern const struct ntt_kernels ntt_kernels_portable;
#if FIELD_BUILD_ADX
extern const struct ntt_kernels ntt_kernels_adx;
#endif
#if FIELD_BUILD_IFMA
extern const struct ntt_kernels ntt_kernels_ifma;
#endif

/* Returns the index of -1/twiddle[block] in the table. With e = reverse(block) the inverse of
 * root^e is -root^(n/2 - e), and n/2 - e flips the bits of e above its lowest one: in block, those
 * below its highest one. Requires: block > 0. */
static inline size_t ntt_negated_inverse(size_t block)
{
    unsigned top = 63 - (unsigned)__builtin_clzll((unsigned long long)block);
    return ((size_t)3 << top) - 1 - block;
}

/* ntt_domain_init for the kernels of a path; for tests. */
SERTN_MUST_CHECK enum status ntt_domain_init_for(struct ntt_domain *domain, unsigned lg_n,
                                                 const struct ntt_kernels *kernels,
                                                 struct diag *diag);

#endif
