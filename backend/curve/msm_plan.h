/*
 * How one multi-scalar multiplication is cut: window width, windows done together, memory.
 * Private to msm.c and its tests.
 *
 * Digits. A scalar k, read as a signed integer |k| < 2^bits, has windows of c bits with digits in
 * [-2^(c-1), 2^(c-1)]. Window j of level l = j / per, set s = j % per, adds digit * point of level
 * l to set s, where per = shift_bits / c (all windows when levels = 1). The result is sum 2^(c s)
 * set s.
 */
#ifndef SERTN_BACKEND_CURVE_MSM_PLAN_H
#define SERTN_BACKEND_CURVE_MSM_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "backend/curve/msm.h"

/* Bits of the magnitude of a full scalar read in (-r/2, r/2). */
#define MSM_FULL_BITS 253
/* Entries (signed point indices) of one chunk of affine additions, at most and, with threads that
 * want some too, at least. */
#define MSM_CHUNK 8192
#define MSM_LEAST_CHUNK 2048

/* How many scalars have a magnitude of each bit length. */
struct msm_histogram {
    size_t count[MSM_FULL_BITS + 1];
};

struct msm_plan {
    unsigned window_bits;
    unsigned windows;     /* of a full scalar */
    unsigned sets;        /* windows between two levels: sets of buckets */
    unsigned used_sets;   /* those that can get an entry */
    unsigned set_group;   /* sets done together */
    unsigned most_digits; /* of a scalar in a group of sets */
    size_t buckets;       /* of one set: 2^(window_bits - 1) */
    size_t slices;        /* pieces of the work of sorting */
};

/* Sizes that hold for every plan of so many scalars. */
struct msm_limits {
    unsigned window_bits; /* the widest window */
    size_t entries;       /* of one group of sets */
    size_t keys;          /* buckets of one group of sets */
    size_t chunks;
    size_t slices;
    unsigned threads;
};

void msm_limits(struct msm_limits *out, const struct msm_bases *bases, size_t scalars,
                const struct machine *machine);

/* The cheapest plan within the limits; for levels > 1 the window is that of the bases. */
void msm_make_plan(struct msm_plan *out, const struct msm_bases *bases,
                   const struct msm_histogram *histogram, const struct msm_limits *limits);

/* Entries of one chunk when there are so many in all. */
size_t msm_chunk(size_t entries, unsigned threads);

/* Windows of c bits for a signed integer of magnitude below 2^bits, digits as above: ceil((bits +
 * 1) / c). */
static inline unsigned msm_window_count(unsigned bits, unsigned c)
{
    return (bits + c) / c;
}

#endif
