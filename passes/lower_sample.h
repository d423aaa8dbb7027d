/*
 * Reading images between their pixels, at places computed in the circuit: what GridSample,
 * DeformConv and RoiAlign share. Private to lower_*.c.
 *
 * A coordinate is split into a whole part and a rest by one rounding; the whole part reads rows of
 * a memory that holds the image with what lies around it, the rest makes the weights of the
 * neighbours. Whole parts far outside are first brought to the edge of that memory, where every
 * neighbour is zero.
 */
#ifndef SERTN_PASSES_LOWER_SAMPLE_H
#define SERTN_PASSES_LOWER_SAMPLE_H

#include "passes/lower_window.h"

enum { SAMPLE_TAPS_MAX = 4, SAMPLE_AXES_MAX = 3 };

enum sample_outside { OUTSIDE_ZERO, OUTSIDE_EDGE, OUTSIDE_REFLECTED };

/* Positions -before .. -before + count - 1 of an axis, and the pixel each reads; -1: zero. */
struct sample_border {
    int64_t before, count;
    int64_t *source;
};

/* align: reflection is at the middle of the last pixel, not at its end. */
struct sample_border sample_border(struct lowering *l, int64_t dim, int64_t before, int64_t after,
                                   enum sample_outside outside, bool align);

/* At each point: the number of the first neighbour in its border, and the weights of all. */
struct sample_taps {
    unsigned count;
    uint32_t first;                   /* [points] */
    uint32_t weight[SAMPLE_TAPS_MAX]; /* [points]; not set for one neighbour of weight 1 */
};

/* max(low, min(x, high)), as far as the range of x asks for it. */
uint32_t sample_clamp(struct lowering *l, uint32_t x, wide low, wide high);
/* floor(x) and x - floor(x), the latter with no more than `bits` fraction bits. */
uint32_t sample_split(struct lowering *l, uint32_t x, int32_t bits, uint32_t *rest);
/* Weights of the neighbours at the whole part and one after it. */
void sample_linear_weights(struct lowering *l, uint32_t rest, struct sample_taps *taps);
/* Weights one before, at, one after and two after; Keys' kernel with a = -3/4. */
void sample_cubic_weights(struct lowering *l, uint32_t rest, int32_t bits,
                          struct sample_taps *taps);
/* Bits that weights need. */
int32_t sample_weight_bits(const struct lowering *l);

/*
 * Where the pixels of images are: the first element of each, and how far apart channels are. The
 * images stand one behind the other in the memory.
 */
struct sample_image {
    uint32_t tensor;
    const int64_t *first; /* [count] */
    int64_t count, channels, channel_step;
};

/* What is read at each point: K neighbours of all channels, and their weights. */
struct samples {
    uint32_t values;  /* [points, K, channels] */
    uint32_t weights; /* [points, K]; RELATION_NONE: one neighbour of weight 1 */
    int64_t points, taps, channels;
};

/*
 * dim: pixels of each axis. image_index: [points], which image a point reads, or RELATION_NONE for
 * the only one.
 */
struct samples sample_image(struct lowering *l, const struct sample_image *image,
                            const struct sample_border *border, const int64_t *dim,
                            const struct sample_taps *taps, unsigned rank, uint32_t image_index,
                            int64_t points);
/* Weighted sums: [points, channels]. */
uint32_t sample_sums(struct lowering *l, const struct samples *samples);

#endif
