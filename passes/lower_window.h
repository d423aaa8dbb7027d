/*
 * Contractions given axis by axis, and operands seen through windows: what convolutions, pools,
 * transforms and resampling share. Private to lower_*.c.
 */
#ifndef SERTN_PASSES_LOWER_WINDOW_H
#define SERTN_PASSES_LOWER_WINDOW_H

#include "ir/graph_window.h"
#include "passes/lower_internal.h"

/* An axis of an index space: its length and how far each operand moves along it. */
struct space_axis {
    int64_t size, a, b;
};

/* A contraction: the axes of its result in order, and those that are summed. */
struct space {
    struct space_axis out[2 * TENSOR_RANK_MAX], sum[2 * TENSOR_RANK_MAX];
    unsigned out_count, sum_count;
};

void space_add_out(struct space *space, int64_t size, int64_t a, int64_t b);
void space_add_sum(struct space *space, int64_t size, int64_t a, int64_t b);

/* An operand with the element that index 0 of every axis means. */
struct space_operand {
    uint32_t tensor;
    int64_t offset;
};

/*
 * sum a b over the space, in the shape of its output axes joined to one axis: callers reshape.
 * Axes that both operands step through alike are joined, and what is more than a relation holds is
 * written out slice by slice, so views stay affine.
 */
uint32_t lowering_contract_space(struct lowering *l, struct space_operand a, struct space_operand b,
                                 const struct space *space, struct form form);

/* What a window reads along one axis: element o step + k dilation + first of the operand. */
struct window_view {
    struct space_operand operand;
    int64_t stride[TENSOR_RANK_MAX]; /* of every axis of the operand */
};

/*
 * x [N, C, spatial...] with zeros where windows read beyond its ends; a copy when they do. Index o
 * stride + k dilation along spatial axis i is that many strides[i + 2] beyond the offset.
 */
struct window_view lowering_window_view(struct lowering *l, uint32_t x,
                                        const struct window *window);

/* Row-major strides. */
void lowering_strides(int64_t stride[TENSOR_RANK_MAX], const struct shape *shape);

/* The number 1, to add elements up with. */
uint32_t lowering_one(struct lowering *l);

/* Ends the lowering with what a callee says of the node when the status is not OK. */
void lowering_require(struct lowering *l, enum status status);

/* Bits of a public coefficient such that `count` products with numbers up to `largest` add up to
 * an error far below the last place of output 0. */
int32_t lowering_coefficient_bits(const struct lowering *l, double largest, double count);

/* ---- lower_conv.c ---- */

/*
 * Convolution of x [N, C, spatial...] with w [M, C / group, spatial...], exact: the result has
 * the fraction bits of both together, in the shape [N, M, spatial...].
 */
uint32_t lowering_convolution(struct lowering *l, uint32_t x, uint32_t w,
                              const struct window *window, int64_t group);

/* y [N, C, ...] plus operand i, one number a channel; y when the node has no such operand. */
uint32_t lowering_add_bias(struct lowering *l, uint32_t y, size_t i);

#endif
