/*
 * Windows of convolutions and pools: reads kernel_shape, strides, dilations, pads, auto_pad and
 * ceil_mode (ONNX Conv-22, MaxPool-22, AveragePool-22), and the shape rules that follow from them.
 */
#include "ir/graph_kernel_shared.h"

#include <inttypes.h>
#include <string.h>

/* Entry i of a list attribute, or the fallback; false when the list has another length. */
static bool list_entry(const struct graph_node *node, const char *name, size_t count, size_t i,
                       int64_t fallback, int64_t *out)
{
    const struct graph_attribute *list = graph_attribute(node, name);
    *out = fallback;
    if (list == NULL || list->kind != ATTRIBUTE_INTS || list->count == 0)
        return true;
    if (list->count != count)
        return false;
    *out = list->integers[i];
    return true;
}

static enum status bad_window(struct diag *diag)
{
    return diag_set(diag, STATUS_BAD_INPUT,
                    "kernel_shape, strides, dilations or pads do not fit the operand");
}

/* Of kernels, strides, dilations, pads and operands: products of two fit together. */
#define LENGTH_MOST (INT64_C(1) << 30)

/* Everything of one axis but its padding and output length. */
static bool read_axis(const struct graph_node *node, const struct shape *x,
                      const struct shape *weights, unsigned rank, unsigned i,
                      struct window_axis *axis)
{
    const int64_t most = LENGTH_MOST;
    axis->in = x->dim[i + 2];
    bool fits = list_entry(node, "kernel_shape", rank, i, weights != NULL ? weights->dim[i + 2] : 0,
                           &axis->kernel) &&
                list_entry(node, "strides", rank, i, 1, &axis->stride) &&
                list_entry(node, "dilations", rank, i, 1, &axis->dilation) &&
                list_entry(node, "pads", 2 * (size_t)rank, i, 0, &axis->pad_begin) &&
                list_entry(node, "pads", 2 * (size_t)rank, i + rank, 0, &axis->pad_end);
    return fits && axis->kernel > 0 && axis->kernel < most && axis->stride > 0 &&
           axis->stride < most && axis->dilation > 0 && axis->dilation < most &&
           axis->pad_begin > -most && axis->pad_begin < most && axis->pad_end > -most &&
           axis->pad_end < most && axis->in < most;
}

/* Pads and output length of one axis. */
static bool place_axis(struct window_axis *axis, const char *auto_pad, bool ceil_mode)
{
    int64_t extent = (axis->kernel - 1) * axis->dilation + 1;
    if (strncmp(auto_pad, "SAME", 4) == 0) {
        axis->out = (axis->in + axis->stride - 1) / axis->stride;
        int64_t pads = (axis->out - 1) * axis->stride + extent - axis->in;
        pads = pads > 0 ? pads : 0;
        axis->pad_begin = strcmp(auto_pad, "SAME_LOWER") == 0 ? (pads + 1) / 2 : pads / 2;
        axis->pad_end = pads - axis->pad_begin;
        return true;
    }
    if (strcmp(auto_pad, "VALID") == 0)
        axis->pad_begin = axis->pad_end = 0;
    int64_t room = axis->in + axis->pad_begin + axis->pad_end - extent;
    if (room < 0)
        return false;
    axis->out = room / axis->stride + 1;
    /* A last window that is only partly inside counts, but one that starts in the end padding does
     * not. */
    if (ceil_mode && room % axis->stride != 0 &&
        axis->out * axis->stride < axis->in + axis->pad_begin)
        axis->out++;
    return true;
}

enum status window_read(struct diag *diag, const struct graph_node *node, const struct shape *x,
                        const struct shape *weights, struct window *window)
{
    *window = (struct window){0};
    if (x->rank < 3 || (weights != NULL && weights->rank != x->rank))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the operands must be [batch, channel, spatial...] of one rank");
    window->rank = x->rank - 2u;
    const char *auto_pad = graph_attribute_text(node, "auto_pad", "NOTSET");
    bool ceil_mode = graph_attribute_int(node, "ceil_mode", 0) != 0;
    for (unsigned i = 0; i < window->rank; i++)
        if (!read_axis(node, x, weights, window->rank, i, &window->axis[i]) ||
            !place_axis(&window->axis[i], auto_pad, ceil_mode) || window->axis[i].out < 0)
            return bad_window(diag);
    return STATUS_OK;
}

/* --- rules
 * --------------------------------------------------------------------------------------------- */

/* [N, channels, spatial of the window] */
static struct shape window_shape(const struct shape *x, int64_t channels,
                                 const struct window *window)
{
    struct shape shape = {x->rank, {x->dim[0], channels}};
    for (unsigned i = 0; i < window->rank; i++)
        shape.dim[i + 2] = window->axis[i].out;
    return shape;
}

/* x and weights are operands ix and iw; checks channels and groups. */
static enum status infer_conv_of(struct infer_call *call, size_t ix, size_t iw,
                                 enum element_type type)
{
    infer_result(call, 0, type, NULL);
    if (!call->in[ix]->shape_known || !call->in[iw]->shape_known)
        return STATUS_OK;
    const struct shape *x = &call->in[ix]->shape, *w = &call->in[iw]->shape;
    struct window window;
    enum status status = window_read(call->diag, call->node, x, w, &window);
    if (status != STATUS_OK)
        return status;
    int64_t group = graph_attribute_int(call->node, "group", 1);
    if (group < 1 || x->dim[1] % group != 0 || x->dim[1] / group != w->dim[1] ||
        w->dim[0] % group != 0)
        return infer_fail(call, STATUS_BAD_INPUT,
                          "%" PRId64 " channels, weights for %" PRId64 " and %" PRId64 " groups",
                          x->dim[1], w->dim[1], group);
    for (unsigned i = 0; i < window.rank; i++)
        if (window.axis[i].kernel != w->dim[i + 2])
            return infer_fail(call, STATUS_BAD_INPUT, "kernel_shape differs from the weights");
    struct shape shape = window_shape(x, w->dim[0], &window);
    infer_result(call, 0, type, &shape);
    return STATUS_OK;
}

enum status infer_conv(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_same_type(call, 0, call->in_count);
    return status == STATUS_OK ? infer_conv_of(call, 0, 1, call->in[0]->type) : status;
}

enum status infer_conv_integer(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_need_small_integers(call, (size_t[]){0, 1, 2, 3}, 4);
    return status == STATUS_OK ? infer_conv_of(call, 0, 1, ELEMENT_I32) : status;
}

enum status infer_qlinear_conv(struct infer_call *call)
{
    enum status status = infer_need(call, 8);
    if (status == STATUS_OK)
        status = infer_need_small_integers(call, (size_t[]){0, 2, 3, 5, 7, 8}, 6);
    if (status == STATUS_OK)
        status = infer_need_floats(call, (size_t[]){1, 4, 6}, 3);
    return status == STATUS_OK ? infer_conv_of(call, 0, 3, call->in[7]->type) : status;
}

enum status infer_pool(struct infer_call *call)
{
    enum status status = infer_need(call, 1);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    infer_result(call, 1, ELEMENT_I64, NULL);
    if (!call->in[0]->shape_known)
        return STATUS_OK;
    const struct shape *x = &call->in[0]->shape;
    struct window window;
    status = window_read(call->diag, call->node, x, NULL, &window);
    if (status != STATUS_OK)
        return status;
    struct shape shape = window_shape(x, x->dim[1], &window);
    infer_result(call, 0, call->in[0]->type, &shape);
    infer_result(call, 1, ELEMENT_I64, &shape);
    return STATUS_OK;
}

enum status infer_global_pool(struct infer_call *call)
{
    enum status status = infer_same(call);
    if (status != STATUS_OK || !call->in[0]->shape_known)
        return status;
    struct shape shape = call->in[0]->shape;
    if (shape.rank < 2)
        return infer_fail(call, STATUS_BAD_INPUT,
                          "the operand must be [batch, channel, spatial...]");
    for (unsigned i = 2; i < shape.rank; i++)
        shape.dim[i] = 1;
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

enum status transpose_window_read(struct diag *diag, const struct graph_node *node,
                                  const struct shape *x, const struct shape *weights,
                                  struct window *window)
{
    *window = (struct window){0};
    if (x->rank < 3 || weights->rank != x->rank)
        return bad_window(diag);
    window->rank = x->rank - 2u;
    const char *auto_pad = graph_attribute_text(node, "auto_pad", "NOTSET");
    bool same = strncmp(auto_pad, "SAME", 4) == 0;
    for (unsigned i = 0; i < window->rank; i++) {
        struct window_axis *axis = &window->axis[i];
        int64_t extra, wanted;
        if (!read_axis(node, x, weights, window->rank, i, axis) ||
            !list_entry(node, "output_padding", window->rank, i, 0, &extra) ||
            !list_entry(node, "output_shape", window->rank, i, -1, &wanted) ||
            extra <= -LENGTH_MOST || extra >= LENGTH_MOST || wanted >= LENGTH_MOST)
            return bad_window(diag);
        if (strcmp(auto_pad, "VALID") == 0)
            axis->pad_begin = axis->pad_end = 0;
        int64_t full =
            axis->stride * (axis->in - 1) + extra + (axis->kernel - 1) * axis->dilation + 1;
        if (same && wanted < 0)
            wanted = axis->in * axis->stride;
        if (wanted >= 0) {
            int64_t pads = full - wanted > 0 ? full - wanted : 0;
            axis->pad_begin = strcmp(auto_pad, "SAME_UPPER") == 0 ? pads / 2 : pads - pads / 2;
            axis->pad_end = pads - axis->pad_begin;
            axis->out = wanted;
        } else {
            axis->out = full - axis->pad_begin - axis->pad_end;
        }
        if (axis->out < 0)
            return bad_window(diag);
    }
    return STATUS_OK;
}

enum status infer_conv_transpose(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_same_type(call, 0, call->in_count);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!call->in[0]->shape_known || !call->in[1]->shape_known)
        return STATUS_OK;
    const struct shape *x = &call->in[0]->shape, *w = &call->in[1]->shape;
    struct window window;
    status = transpose_window_read(call->diag, call->node, x, w, &window);
    if (status != STATUS_OK)
        return status;
    for (unsigned i = 0; i < window.rank; i++)
        if (window.axis[i].kernel != w->dim[i + 2])
            return infer_fail(call, STATUS_BAD_INPUT, "kernel_shape differs from the weights");
    int64_t group = graph_attribute_int(call->node, "group", 1);
    if (group < 1 || x->dim[1] != w->dim[0] || w->dim[0] % group != 0)
        return infer_fail(call, STATUS_BAD_INPUT, "the weights do not fit the channels");
    int64_t channels;
    if (__builtin_mul_overflow(w->dim[1], group, &channels))
        return infer_fail(call, STATUS_LIMIT, "the result is too large");
    struct shape shape = window_shape(x, channels, &window);
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

int64_t roi_align_samples(const struct graph_node *node, enum element_type type,
                          const double roi[4], unsigned axis)
{
    const char *mode = graph_attribute_text(node, "coordinate_transformation_mode", "half_pixel");
    bool is_half = strcmp(mode, "half_pixel") == 0;
    double scale = graph_attribute_float(node, "spatial_scale", 1.0), offset = is_half ? 0.5 : 0.0;
    double edge[2];
    for (unsigned k = 0; k < 2; k++)
        edge[k] = element_round(type, element_round(type, roi[1 - axis + 2 * k] * scale) - offset);
    double length = element_round(type, edge[1] - edge[0]);
    if (!is_half && !(length > 1.0))
        length = 1.0;
    int64_t bins = graph_attribute_int(node, axis == 0 ? "output_height" : "output_width", 1);
    double count = ceil(element_round(type, length / (double)bins));
    return count < ROI_SAMPLES_MAX ? count > 0.0 ? (int64_t)count : 0 : ROI_SAMPLES_MAX;
}

int64_t roi_align_room(const struct graph_node *node, unsigned axis)
{
    const struct graph_attribute *most = graph_attribute(node, "most_samples");
    return most == NULL || most->kind != ATTRIBUTE_INTS || most->count != 2 ? 0
                                                                            : most->integers[axis];
}
