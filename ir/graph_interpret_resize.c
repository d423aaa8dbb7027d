/*
 * Resize-19 and its shape rule. Each axis has for each output index a few weighted input indices;
 * axes are combined one after the other in float64, without rounding between. See
 * graph_interpret.h.
 */
#include "ir/graph_kernel_shared.h"

#include <string.h>

/* --- the plan
 * ----------------------------------------------------------------------------------------- */

static bool is_crop(const struct graph_node *node)
{
    return strcmp(graph_attribute_text(node, "coordinate_transformation_mode", "half_pixel"),
                  "tf_crop_and_resize") == 0;
}

/* Output length of one axis from its size operand, by keep_aspect_ratio_policy. */
static void apply_sizes(const struct graph_node *node, const struct shape *x, const int64_t *sizes,
                        const unsigned *axes, size_t count, struct resize_plan *plan)
{
    const char *policy = graph_attribute_text(node, "keep_aspect_ratio_policy", "stretch");
    bool stretch = strcmp(policy, "stretch") == 0;
    bool larger = strcmp(policy, "not_smaller") == 0;
    double common = 0.0;
    for (size_t i = 0; i < count; i++) {
        unsigned axis = axes[i];
        double scale = (double)sizes[i] / (double)x->dim[axis];
        plan->scale[axis] = scale;
        plan->out.dim[axis] = sizes[i];
        if (i == 0 || (larger ? scale > common : scale < common))
            common = scale;
    }
    for (size_t i = 0; !stretch && i < count; i++) {
        plan->scale[axes[i]] = common;
        double length = floor(common * (double)x->dim[axes[i]] + 0.5);
        plan->out.dim[axes[i]] = length >= 0.0 && length < 0x1p40 ? (int64_t)length : -1;
    }
}

/* The axes that scales, sizes and roi speak of. */
static enum status read_axes(struct diag *diag, const struct graph_node *node, unsigned rank,
                             unsigned axes[TENSOR_RANK_MAX], size_t *count)
{
    const struct graph_attribute *list = graph_attribute(node, "axes");
    uint32_t mask;
    *count = list != NULL && list->kind == ATTRIBUTE_INTS ? list->count : rank;
    for (unsigned i = 0; i < rank; i++)
        axes[i] = i;
    if (list == NULL || list->kind != ATTRIBUTE_INTS)
        return STATUS_OK;
    enum status status = normalize_axes(diag, list->integers, list->count, rank, &mask);
    for (size_t i = 0; status == STATUS_OK && i < list->count; i++)
        status = normalize_axis(diag, list->integers[i], rank, &axes[i]);
    return status;
}

enum status resize_read(struct diag *diag, const struct graph_node *node, const struct shape *x,
                        const struct tensor *roi, const struct tensor *scales,
                        const struct tensor *sizes, struct resize_plan *plan)
{
    unsigned axes[TENSOR_RANK_MAX];
    size_t count;
    *plan = (struct resize_plan){.out = *x};
    for (unsigned i = 0; i < x->rank; i++) {
        plan->scale[i] = 1.0;
        plan->roi_end[i] = 1.0;
    }
    enum status status = read_axes(diag, node, x->rank, axes, &count);
    if (status != STATUS_OK)
        return status;
    bool by_size = sizes != NULL && sizes->count > 0;
    const struct tensor *given = by_size ? sizes : scales;
    if (given == NULL || given->count != count ||
        (by_size && !element_type_is_integer(sizes->type)))
        return diag_set(diag, STATUS_BAD_INPUT, "scales or sizes do not fit the axes");
    if (is_crop(node)) {
        if (roi == NULL || roi->count != 2 * count)
            return diag_set(diag, STATUS_BAD_INPUT,
                            "tf_crop_and_resize needs a region for each axis");
        for (size_t i = 0; i < count; i++) {
            plan->roi_begin[axes[i]] = tensor_real(roi, i);
            plan->roi_end[axes[i]] = tensor_real(roi, i + count);
        }
    }
    if (by_size)
        apply_sizes(node, x, sizes->data.integer, axes, count, plan);
    for (size_t i = 0; !by_size && i < count; i++) {
        unsigned axis = axes[i];
        double region = plan->roi_end[axis] - plan->roi_begin[axis];
        plan->scale[axis] = tensor_real(scales, i);
        /* In float32, as runtimes and ONNX's own shape inference: 5 by 2.6 gives 13. */
        double length = floor((float)((double)x->dim[axis] * region * plan->scale[axis]));
        plan->out.dim[axis] = length >= 0.0 && length < 0x1p40 ? (int64_t)length : -1;
    }
    for (unsigned i = 0; i < x->rank; i++)
        if (!(plan->scale[i] > 0.0) || plan->out.dim[i] < 0 || plan->out.dim[i] > INT32_MAX ||
            (x->dim[i] == 0 && plan->out.dim[i] > 0))
            return diag_set(diag, STATUS_BAD_INPUT, "axis %u would get %lld elements", i,
                            (long long)plan->out.dim[i]);
    return STATUS_OK;
}

enum status infer_resize(struct infer_call *call)
{
    enum status status = infer_need(call, 1);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    const struct tensor *data[4] = {NULL};
    for (size_t i = 1; i < 4; i++) {
        const struct value_info *in = infer_in(call, i);
        if (in != NULL && in->data == NULL && (i > 1 || is_crop(call->node)))
            return STATUS_OK;
        data[i] = in != NULL ? in->data : NULL;
    }
    if (!call->in[0]->shape_known)
        return STATUS_OK;
    struct resize_plan plan;
    status =
        resize_read(call->diag, call->node, &call->in[0]->shape, data[1], data[2], data[3], &plan);
    if (status == STATUS_OK)
        infer_result(call, 0, call->in[0]->type, &plan.out);
    return status;
}

/* --- coordinates and weights of one axis
 * ----------------------------------------------------------------- */

/* Neighbours of one output index: `count` from `first` on. */
struct taps {
    int64_t first;
    unsigned count;
    double weight[RESIZE_TAPS_MAX];
};

static double coordinate(const struct graph_node *node, const struct resize_plan *plan,
                         unsigned axis, int64_t in, int64_t out, double x)
{
    const char *mode = graph_attribute_text(node, "coordinate_transformation_mode", "half_pixel");
    double scale = plan->scale[axis], length = (double)in, end = (double)(in - 1);
    /* In float32, as runtimes: 17 / 1.7 is 10, where what is rounded down may not lie below it. */
    if (strcmp(mode, "asymmetric") == 0)
        return (float)(x / scale);
    if (strcmp(mode, "align_corners") == 0) {
        /* The length before it is rounded down: so the reference implementation and its tests. */
        double resized = scale * length;
        return resized == 1.0 ? 0.0 : x * end / (resized - 1.0);
    }
    if (strcmp(mode, "tf_half_pixel_for_nn") == 0) /* opset 11 and 12 only */
        return (x + 0.5) / scale;
    if (strcmp(mode, "pytorch_half_pixel") == 0)
        return out > 1 ? (x + 0.5) / scale - 0.5 : 0.0;
    if (strcmp(mode, "half_pixel_symmetric") == 0) {
        double adjustment = (double)out / (scale * length), center = length / 2.0;
        return center * (1.0 - adjustment) + (x + 0.5) / scale - 0.5;
    }
    if (strcmp(mode, "tf_crop_and_resize") == 0) {
        double begin = plan->roi_begin[axis], last = plan->roi_end[axis];
        return out > 1 ? begin * end + x * (last - begin) * end / (double)(out - 1)
                       : 0.5 * (begin + last) * end;
    }
    return (x + 0.5) / scale - 0.5;
}

/* Keys' cubic convolution kernel with parameter a. */
static double cubic(double x, double a)
{
    x = fabs(x);
    if (x <= 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    return x < 2.0 ? ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a : 0.0;
}

static void nearest_taps(const struct graph_node *node, double x, double scale, struct taps *taps)
{
    const char *mode = graph_attribute_text(node, "nearest_mode", "round_prefer_floor");
    double below = floor(x), part = x - below;
    bool up = part > 0.5;
    if (strcmp(mode, "round_prefer_ceil") == 0)
        up = part >= 0.5;
    else if (strcmp(mode, "floor") == 0)
        up = false;
    else if (strcmp(mode, "ceil") == 0)
        up = part > 0.0;
    else if (strcmp(mode, "simple") == 0)
        up = part > 0.0 && scale < 1.0;
    *taps = (struct taps){.first = (int64_t)below + (up ? 1 : 0), .count = 1, .weight = {1.0}};
}

static void normalize_taps(struct taps *taps)
{
    double sum = 0.0;
    for (unsigned i = 0; i < taps->count; i++)
        sum += taps->weight[i];
    for (unsigned i = 0; sum != 0.0 && i < taps->count; i++)
        taps->weight[i] /= sum;
}

/* Linear (half width 1) or cubic (half width 2) weights; antialias widens them when it shrinks. */
static bool smooth_taps(const struct graph_node *node, double x, double scale, bool is_cubic,
                        struct taps *taps)
{
    bool antialias = graph_attribute_int(node, "antialias", 0) != 0;
    double a = graph_attribute_float(node, "cubic_coeff_a", -0.75), half = is_cubic ? 2.0 : 1.0;
    double shrink = antialias && scale < 1.0 ? scale : 1.0;
    if (half / shrink > RESIZE_TAPS_MAX)
        return false;
    int64_t base = (int64_t)ceil(x) - 1, start = (int64_t)floor(-half / shrink) + 1;
    *taps = (struct taps){.first = base + start, .count = (unsigned)(2 - 2 * start)};
    if (taps->count > RESIZE_TAPS_MAX)
        return false;
    for (unsigned i = 0; i < taps->count; i++) {
        double distance = ((double)(taps->first + (int64_t)i) - x) * shrink;
        double weight = is_cubic ? cubic(distance, a) : 1.0 - fabs(distance);
        taps->weight[i] = !is_cubic && weight < 0.0 ? 0.0 : weight;
    }
    if (antialias)
        normalize_taps(taps);
    return true;
}

/* Indices beyond the ends read the ends. */
static void cut_taps(const struct taps *from, int64_t in, struct resize_taps *taps)
{
    taps->count = from->count;
    for (unsigned i = 0; i < from->count; i++) {
        int64_t k = from->first + (int64_t)i;
        taps->index[i] = k < 0 ? 0 : k >= in ? in - 1 : k;
        taps->weight[i] = from->weight[i];
    }
}

enum status resize_taps_at(struct diag *diag, const struct graph_node *node,
                           const struct resize_plan *plan, unsigned axis, int64_t in, int64_t index,
                           struct resize_taps *out)
{
    struct taps taps = {.first = index, .count = 1, .weight = {1.0}};
    const char *mode = graph_attribute_text(node, "mode", "nearest");
    out->outside = false;
    if (in == plan->out.dim[axis] && plan->scale[axis] == 1.0 && !is_crop(node)) {
        cut_taps(&taps, in, out);
        return STATUS_OK;
    }
    double x = coordinate(node, plan, axis, in, plan->out.dim[axis], (double)index);
    bool fits = true;
    if (!(fabs(x) < 0x1p40))
        return diag_set(diag, STATUS_BAD_INPUT, "axis %u is scaled beyond any use", axis);
    if (strcmp(mode, "nearest") == 0)
        nearest_taps(node, x, plan->scale[axis], &taps);
    else
        fits = smooth_taps(node, x, plan->scale[axis], strcmp(mode, "cubic") == 0, &taps);
    if (!fits)
        return diag_set(diag, STATUS_LIMIT, "axis %u shrinks by more than %d", axis,
                        RESIZE_TAPS_MAX / 4);
    out->outside = is_crop(node) && (x < 0.0 || x > (double)(in - 1));
    if (graph_attribute_int(node, "exclude_outside", 0) != 0) {
        for (unsigned i = 0; i < taps.count; i++)
            if (taps.first + (int64_t)i < 0 || taps.first + (int64_t)i >= in)
                taps.weight[i] = 0.0;
        normalize_taps(&taps);
    }
    cut_taps(&taps, in, out);
    return STATUS_OK;
}

/* Resizes one axis of a buffer [outer, in, inner] into [outer, out, inner]. */
static enum status resize_axis(struct kernel_call *call, const struct resize_plan *plan,
                               unsigned axis, const struct shape *now, const double *from,
                               double *to, bool *outside)
{
    struct axis_view view = axis_view_of(now, axis);
    size_t out = (size_t)plan->out.dim[axis];
    struct resize_taps taps;
    for (size_t index = 0; index < out; index++) {
        enum status status = resize_taps_at(call->diag, call->node, plan, axis,
                                            (int64_t)view.length, (int64_t)index, &taps);
        if (status != STATUS_OK)
            return status;
        outside[index] = taps.outside;
        for (size_t outer = 0; outer < view.outer; outer++)
            for (size_t inner = 0; inner < view.inner; inner++) {
                double sum = 0.0;
                for (unsigned i = 0; i < taps.count; i++)
                    sum += taps.weight[i] *
                           from[(outer * view.length + (size_t)taps.index[i]) * view.inner + inner];
                to[(outer * out + index) * view.inner + inner] = sum;
            }
    }
    return STATUS_OK;
}

/* Puts extrapolation_value where any axis reads beyond the operand. */
static void extrapolate(struct kernel_call *call, bool *const *outside)
{
    double value = graph_attribute_float(call->node, "extrapolation_value", 0.0);
    struct tensor *out = call->out[0];
    struct walk walk;
    walk_begin(&walk, &out->shape);
    for (size_t i = 0; i < out->count; i++, walk_next(&walk))
        for (unsigned k = 0; k < out->shape.rank; k++)
            if (outside[k] != NULL && outside[k][walk.index[k]])
                tensor_set_real(out, i, value);
}

enum status run_resize(struct kernel_call *call)
{
    const struct tensor *x = call->in[0];
    struct tensor *out = call->out[0];
    struct resize_plan plan;
    bool *outside[TENSOR_RANK_MAX] = {NULL};
    enum status status = resize_read(call->diag, call->node, &x->shape, kernel_in(call, 1),
                                     kernel_in(call, 2), kernel_in(call, 3), &plan);
    if (status != STATUS_OK || out->count == 0)
        return status;
    struct shape now = x->shape;
    double *from = kernel_alloc(call->arena, x->count, sizeof *from, call->diag);
    for (size_t i = 0; from != NULL && i < x->count; i++)
        from[i] = tensor_real(x, i);
    for (unsigned axis = 0; axis < now.rank && from != NULL; axis++) {
        size_t count;
        struct shape next = now;
        next.dim[axis] = plan.out.dim[axis];
        if (!shape_count(&next, SIZE_MAX / sizeof(double), &count))
            return kernel_fail(call, STATUS_LIMIT, "the result is too large");
        double *to = kernel_alloc(call->arena, count, sizeof *to, call->diag);
        outside[axis] = kernel_alloc(call->arena, (size_t)next.dim[axis], sizeof(bool), call->diag);
        if (to == NULL || outside[axis] == NULL)
            return STATUS_NO_MEMORY;
        status = resize_axis(call, &plan, axis, &now, from, to, outside[axis]);
        if (status != STATUS_OK)
            return status;
        from = to;
        now = next;
    }
    if (from == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < out->count; i++) {
        if (element_type_is_float(out->type))
            tensor_set_real(out, i, from[i]);
        else
            tensor_set_integer(out, i, integer_of_real(rint(from[i])));
    }
    if (is_crop(call->node) && element_type_is_float(out->type))
        extrapolate(call, outside);
    return STATUS_OK;
}
