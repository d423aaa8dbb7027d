/*
 * Which elements an operator with windows reads: Conv-22, ConvTranspose-22, the pools, Resize-19.
 * Read here for the shape rules, the kernels and the lowering.
 */
#ifndef SERTN_IR_GRAPH_WINDOW_H
#define SERTN_IR_GRAPH_WINDOW_H

#include "ir/graph.h"

/* A window along one spatial axis: element o reads o stride + k dilation - pad_begin for k <
 * kernel. */
struct window_axis {
    int64_t in, out, kernel, stride, dilation, pad_begin, pad_end;
};
struct window {
    unsigned rank; /* spatial axes */
    struct window_axis axis[TENSOR_RANK_MAX];
};
/*
 * Reads kernel_shape (weights' spatial dims when not written), strides, dilations, pads, auto_pad
 * and ceil_mode. x: [N, C, spatial...]; weights: [M, C / group, spatial...] or NULL. Errors:
 * BAD_INPUT when they do not fit.
 */
enum status window_read(struct diag *diag, const struct graph_node *node, const struct shape *x,
                        const struct shape *weights, struct window *window) SERTN_MUST_CHECK;

/*
 * The same for ConvTranspose: input i is spread to i stride + k dilation - pad_begin; `out` is the
 * length of the result, pads cut its ends.
 */
enum status transpose_window_read(struct diag *diag, const struct graph_node *node,
                                  const struct shape *x, const struct shape *weights,
                                  struct window *window) SERTN_MUST_CHECK;

/* The shape that the pool of a MaxUnpool read, by its attributes. x: of its operand. */
enum status unpooled_shape(struct diag *diag, const struct graph_node *node, const struct shape *x,
                           struct shape *out) SERTN_MUST_CHECK;

/*
 * Samples of a bin of RoiAlign with sampling_ratio 0 along its height (axis 0) or width (1): the
 * length of the bin in pixels, rounded up, computed in `type` step by step as runtimes do; 0 for a
 * region that is empty or turned over, ROI_SAMPLES_MAX for one too large.
 */
enum { ROI_SAMPLES_MAX = 1 << 15 };
int64_t roi_align_samples(const struct graph_node *node, enum element_type type,
                          const double roi[4], unsigned axis);
/* The most that a node has room for along an axis, its attribute most_samples; 0 when it has none.
 */
int64_t roi_align_room(const struct graph_node *node, unsigned axis);

/* Scales and output lengths of a Resize, for all axes; axes it does not name keep scale 1. */
struct resize_plan {
    double scale[TENSOR_RANK_MAX];
    double roi_begin[TENSOR_RANK_MAX], roi_end[TENSOR_RANK_MAX]; /* tf_crop_and_resize only */
    struct shape out;
};
enum status resize_read(struct diag *diag, const struct graph_node *node, const struct shape *x,
                        const struct tensor *roi, const struct tensor *scales,
                        const struct tensor *sizes, struct resize_plan *plan) SERTN_MUST_CHECK;

enum { RESIZE_TAPS_MAX = 512 };

/* The inputs of one output index along an axis, cut to the axis, and their weights. */
struct resize_taps {
    unsigned count;
    int64_t index[RESIZE_TAPS_MAX];
    double weight[RESIZE_TAPS_MAX];
    bool outside; /* tf_crop_and_resize beyond the operand: extrapolation_value */
};

/* in: length of the axis. Errors: BAD_INPUT, LIMIT for scales beyond any use. */
enum status resize_taps_at(struct diag *diag, const struct graph_node *node,
                           const struct resize_plan *plan, unsigned axis, int64_t in, int64_t index,
                           struct resize_taps *taps) SERTN_MUST_CHECK;

#endif
