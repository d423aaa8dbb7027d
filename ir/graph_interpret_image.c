/*
 * Images: GridSample-22, AffineGrid-20, Col2Im-18, MaxUnpool-22, RoiAlign-22, MaxRoiPool-22, with
 * their shape rules. Weights and sums in float64, each result rounded once. See graph_interpret.h.
 */
#include "ir/graph_kernel_shared.h"

#include <inttypes.h>
#include <string.h>

/* --- GridSample
 * ---------------------------------------------------------------------------------------- */

enum status infer_grid_sample(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_need_floats(call, (size_t[]){0, 1}, 2);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!call->in[0]->shape_known || !call->in[1]->shape_known)
        return STATUS_OK;
    const struct shape *x = &call->in[0]->shape, *grid = &call->in[1]->shape;
    if (x->rank < 3 || grid->rank != x->rank || grid->dim[0] != x->dim[0] ||
        grid->dim[grid->rank - 1] != x->rank - 2)
        return infer_fail(call, STATUS_BAD_INPUT, "the grid does not fit the operand");
    struct shape shape = {x->rank, {x->dim[0], x->dim[1]}};
    for (unsigned i = 2; i < x->rank; i++) {
        shape.dim[i] = grid->dim[i - 1];
        if (x->dim[i] == 0)
            return infer_fail(call, STATUS_BAD_INPUT, "axis %u is empty", i);
    }
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

enum padding { PADDING_ZEROS, PADDING_BORDER, PADDING_REFLECTION };
enum sampling { SAMPLING_NEAREST, SAMPLING_LINEAR, SAMPLING_CUBIC };

struct sampler {
    enum padding padding;
    enum sampling sampling;
    bool align_corners;
};

/* Folds x back into [low, high] as often as needed. */
static double reflect(double x, double low, double high)
{
    double range = high - low;
    if (range <= 0.0)
        return low;
    double over = x < low ? low - x : x > high ? x - high : 0.0;
    if (over == 0.0)
        return x;
    double turns = floor(over / range), rest = over - turns * range;
    bool even = fmod(turns, 2.0) == 0.0;
    if (x < low)
        return even ? low + rest : high - rest;
    return even ? high - rest : low + rest;
}

/* Neighbours of a coordinate along one axis: indices (-1: reads as zero) and weights. */
struct neighbours {
    unsigned count;
    int64_t index[4];
    double weight[4];
};

static int64_t sample_index(const struct sampler *sampler, double i, int64_t dim)
{
    if (i >= 0.0 && i <= (double)(dim - 1))
        return (int64_t)i;
    if (sampler->padding == PADDING_ZEROS)
        return -1;
    if (sampler->padding == PADDING_BORDER)
        return i < 0.0 ? 0 : dim - 1;
    double low = sampler->align_corners ? 0.0 : -0.5;
    double high = (double)dim - (sampler->align_corners ? 1.0 : 0.5);
    double folded = trunc(reflect(i, low, high));
    /* A coordinate that is no number, or infinite, has no reflection. */
    return !(folded > 0.0) ? 0 : folded > (double)(dim - 1) ? dim - 1 : (int64_t)folded;
}

static double cubic_weight(double x)
{
    const double a = -0.75;
    x = fabs(x);
    if (x <= 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    return x < 2.0 ? ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a : 0.0;
}

/* grid: normalised coordinate, -1 and 1 are the ends. */
static struct neighbours find_neighbours(const struct sampler *sampler, double grid, int64_t dim)
{
    struct neighbours n = {0};
    double length = (double)dim, low = sampler->align_corners ? 0.0 : -0.5;
    double high = length - (sampler->align_corners ? 1.0 : 0.5);
    double x = sampler->align_corners ? (grid + 1.0) / 2.0 * (length - 1.0)
                                      : ((grid + 1.0) * length - 1.0) / 2.0;
    if (!(fabs(x) < 0x1p40)) /* NaN and what is far outside reads as the first beyond the border */
        x = -2.0;
    if (sampler->sampling == SAMPLING_NEAREST)
        x = rint(x);
    if ((x < low || x > high) && sampler->padding == PADDING_BORDER)
        x = x < 0.0 ? 0.0 : x > length - 1.0 ? length - 1.0 : x;
    else if ((x < low || x > high) && sampler->padding == PADDING_REFLECTION)
        x = reflect(x, low, high);
    double below = floor(x), first = below;
    if (sampler->sampling == SAMPLING_NEAREST) {
        n = (struct neighbours){.count = 1, .weight = {1.0}};
        first = x;
    } else if (sampler->sampling == SAMPLING_LINEAR) {
        n = (struct neighbours){.count = 2, .weight = {1.0 - (x - below), x - below}};
    } else {
        n.count = 4;
        first = below - 1.0;
        for (unsigned i = 0; i < 4; i++)
            n.weight[i] = cubic_weight(x - (first + (double)i));
    }
    for (unsigned i = 0; i < n.count; i++)
        n.index[i] = sample_index(sampler, first + (double)i, dim);
    return n;
}

/* Weighted sum over all combinations of neighbours of the spatial axes. */
static double sample_plane(const double *plane, const struct neighbours *n, const int64_t *dim,
                           unsigned rank)
{
    unsigned choice[TENSOR_RANK_MAX] = {0};
    double sum = 0.0;
    for (;;) {
        double weight = 1.0;
        int64_t offset = 0;
        bool outside = false;
        for (unsigned i = 0; i < rank; i++) {
            weight *= n[i].weight[choice[i]];
            outside = outside || n[i].index[choice[i]] < 0;
            offset = offset * dim[i] + n[i].index[choice[i]];
        }
        if (!outside)
            sum += weight * plane[offset];
        unsigned axis = rank;
        while (axis > 0 && ++choice[axis - 1] == n[axis - 1].count)
            choice[--axis] = 0;
        if (axis == 0)
            return sum;
    }
}

static enum status sampler_read(struct kernel_call *call, struct sampler *sampler)
{
    const char *mode = graph_attribute_text(call->node, "mode", "linear");
    const char *padding = graph_attribute_text(call->node, "padding_mode", "zeros");
    sampler->align_corners = graph_attribute_int(call->node, "align_corners", 0) != 0;
    sampler->sampling = strcmp(mode, "nearest") == 0 ? SAMPLING_NEAREST
                        : strcmp(mode, "cubic") == 0 ? SAMPLING_CUBIC
                                                     : SAMPLING_LINEAR;
    sampler->padding = strcmp(padding, "border") == 0       ? PADDING_BORDER
                       : strcmp(padding, "reflection") == 0 ? PADDING_REFLECTION
                                                            : PADDING_ZEROS;
    return STATUS_OK;
}

enum status run_grid_sample(struct kernel_call *call)
{
    const struct tensor *x = call->in[0], *grid = call->in[1];
    struct sampler sampler;
    enum status status = sampler_read(call, &sampler);
    unsigned rank = x->shape.rank - 2u;
    size_t channels = (size_t)x->shape.dim[1], size = 1, points = 1;
    for (unsigned i = 0; i < rank; i++) {
        size *= (size_t)x->shape.dim[i + 2];
        points *= (size_t)call->out[0]->shape.dim[i + 2];
    }
    struct neighbours n[TENSOR_RANK_MAX];
    for (size_t batch = 0; batch < (size_t)x->shape.dim[0]; batch++)
        for (size_t p = 0; p < points; p++) {
            const double *at = grid->data.real + (batch * points + p) * rank;
            for (unsigned i = 0; i < rank; i++) /* the grid names the last axis first */
                n[i] = find_neighbours(&sampler, at[rank - 1 - i], x->shape.dim[i + 2]);
            for (size_t c = 0; c < channels; c++)
                tensor_set_real(call->out[0], (batch * channels + c) * points + p,
                                sample_plane(x->data.real + (batch * channels + c) * size, n,
                                             x->shape.dim + 2, rank));
        }
    return status;
}

/* --- AffineGrid
 * ------------------------------------------------------------------------------------------- */

enum status infer_affine_grid(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_need_floats(call, (size_t[]){0}, 1);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!call->in[0]->shape_known || call->in[1]->data == NULL)
        return STATUS_OK;
    const int64_t *size;
    size_t count;
    const struct shape *theta = &call->in[0]->shape;
    status = integers_of(call->diag, call->in[1]->data, "size", &size, &count);
    if (status != STATUS_OK)
        return status;
    if ((count != 4 && count != 5) || theta->rank != 3 || theta->dim[0] != size[0] ||
        theta->dim[1] != (int64_t)count - 2 || theta->dim[2] != (int64_t)count - 1)
        return infer_fail(call, STATUS_BAD_INPUT, "theta does not fit the size");
    struct shape shape = {.rank = (uint8_t)count, .dim = {size[0]}};
    for (size_t i = 2; i < count; i++) {
        if (size[i] < 0)
            return infer_fail(call, STATUS_BAD_INPUT, "bad size %" PRId64, size[i]);
        shape.dim[i - 1] = size[i];
    }
    shape.dim[count - 1] = (int64_t)count - 2;
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

enum status run_affine_grid(struct kernel_call *call)
{
    const struct tensor *theta = call->in[0];
    struct tensor *out = call->out[0];
    bool align = graph_attribute_int(call->node, "align_corners", 0) != 0;
    unsigned rank = out->shape.rank - 2u;
    struct shape points = out->shape;
    points.rank--;
    struct walk walk;
    walk_begin(&walk, &points);
    for (size_t at = 0; at < out->count; at += rank, walk_next(&walk)) {
        double base[TENSOR_RANK_MAX]; /* x first */
        for (unsigned i = 0; i < rank; i++) {
            double k = (double)walk.index[rank - i], n = (double)points.dim[rank - i];
            base[i] =
                align ? (n > 1 ? 2.0 * k / (n - 1.0) - 1.0 : -1.0) : (2.0 * k + 1.0) / n - 1.0;
        }
        for (unsigned row = 0; row < rank; row++) {
            const double *t = theta->data.real + ((size_t)walk.index[0] * rank + row) * (rank + 1u);
            double sum = 0.0;
            for (unsigned i = 0; i < rank; i++)
                sum += t[i] * base[i];
            tensor_set_real(out, at + row, sum + t[rank]);
        }
    }
    return STATUS_OK;
}

/* --- Col2Im
 * --------------------------------------------------------------------------------------------------
 */

struct col2im {
    unsigned rank;
    struct window_axis axis[TENSOR_RANK_MAX]; /* in: image; out: positions of the block */
    size_t channels, block, positions;
};

static int64_t entry(const struct graph_node *node, const char *name, size_t i, int64_t fallback)
{
    const struct graph_attribute *list = graph_attribute(node, name);
    return list != NULL && list->kind == ATTRIBUTE_INTS && i < list->count ? list->integers[i]
                                                                           : fallback;
}

static enum status col2im_read(struct diag *diag, const struct graph_node *node,
                               const struct shape *in, const struct tensor *image,
                               const struct tensor *block, struct col2im *c)
{
    const int64_t most = INT64_C(1) << 31, *image_dim, *block_dim;
    size_t rank, block_rank;
    enum status status = integers_of(diag, image, "image_shape", &image_dim, &rank);
    if (status == STATUS_OK)
        status = integers_of(diag, block, "block_shape", &block_dim, &block_rank);
    if (status != STATUS_OK)
        return status;
    *c = (struct col2im){.rank = (unsigned)rank, .block = 1, .positions = 1};
    bool fits = in->rank == 3 && rank == block_rank && rank > 0 && rank + 2 <= TENSOR_RANK_MAX;
    for (size_t i = 0; fits && i < rank; i++) {
        struct window_axis *a = &c->axis[i];
        *a = (struct window_axis){.in = image_dim[i],
                                  .kernel = block_dim[i],
                                  .stride = entry(node, "strides", i, 1),
                                  .dilation = entry(node, "dilations", i, 1),
                                  .pad_begin = entry(node, "pads", i, 0),
                                  .pad_end = entry(node, "pads", i + rank, 0)};
        fits = a->in >= 0 && a->in < most && a->kernel > 0 && a->kernel < most && a->stride > 0 &&
               a->stride < most && a->dilation > 0 && a->dilation < most && a->pad_begin >= 0 &&
               a->pad_begin < most && a->pad_end >= 0 && a->pad_end < most;
        int64_t room =
            fits ? a->in + a->pad_begin + a->pad_end - ((a->kernel - 1) * a->dilation + 1) : -1;
        fits = fits && room >= 0;
        a->out = fits ? room / a->stride + 1 : 0;
        fits = fits && !__builtin_mul_overflow(c->block, (size_t)a->kernel, &c->block) &&
               !__builtin_mul_overflow(c->positions, (size_t)a->out, &c->positions);
    }
    fits = fits && (size_t)in->dim[1] % c->block == 0 && (size_t)in->dim[2] == c->positions;
    if (!fits)
        return diag_set(diag, STATUS_BAD_INPUT, "blocks, image and operand do not fit together");
    c->channels = (size_t)in->dim[1] / c->block;
    return STATUS_OK;
}

enum status infer_col2im(struct infer_call *call)
{
    enum status status = infer_need(call, 3);
    if (status == STATUS_OK)
        status = infer_same_float(call);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!call->in[0]->shape_known || call->in[1]->data == NULL || call->in[2]->data == NULL)
        return STATUS_OK;
    struct col2im c;
    status = col2im_read(call->diag, call->node, &call->in[0]->shape, call->in[1]->data,
                         call->in[2]->data, &c);
    if (status != STATUS_OK)
        return status;
    struct shape shape = {(uint8_t)(c.rank + 2), {call->in[0]->shape.dim[0], (int64_t)c.channels}};
    for (unsigned i = 0; i < c.rank; i++)
        shape.dim[i + 2] = c.axis[i].in;
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

enum status run_col2im(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    struct tensor *out = call->out[0];
    struct col2im c;
    enum status status =
        col2im_read(call->diag, call->node, &in->shape, call->in[1], call->in[2], &c);
    if (status != STATUS_OK)
        return status;
    size_t image = 1;
    for (unsigned i = 0; i < c.rank; i++)
        image *= (size_t)c.axis[i].in;
    for (size_t at = 0; at < in->count; at++) {
        size_t position = at % c.positions, k = at / c.positions % c.block;
        size_t plane = at / c.positions / c.block, step = 1, offset = 0;
        bool outside = false;
        for (unsigned i = c.rank; i-- > 0;) {
            const struct window_axis *a = &c.axis[i];
            int64_t to = (int64_t)(position % (size_t)a->out) * a->stride +
                         (int64_t)(k % (size_t)a->kernel) * a->dilation - a->pad_begin;
            outside = outside || to < 0 || to >= a->in;
            offset += outside ? 0 : (size_t)to * step;
            step *= (size_t)a->in;
            position /= (size_t)a->out;
            k /= (size_t)a->kernel;
        }
        if (!outside)
            out->data.real[plane * image + offset] += in->data.real[at];
    }
    for (size_t i = 0; i < out->count; i++)
        tensor_set_real(out, i, out->data.real[i]);
    return STATUS_OK;
}

/* --- MaxUnpool
 * ------------------------------------------------------------------------------------------------
 */

enum status unpooled_shape(struct diag *diag, const struct graph_node *node, const struct shape *x,
                           struct shape *out)
{
    *out = *x;
    if (x->rank < 3)
        return diag_set(diag, STATUS_BAD_INPUT, "the operand must be [batch, channel, spatial...]");
    size_t rank = x->rank - 2u;
    for (size_t i = 0; i < rank; i++) {
        int64_t size = entry(node, "kernel_shape", i, 1), stride = entry(node, "strides", i, 1);
        int64_t pads, dim;
        if (__builtin_add_overflow(entry(node, "pads", i, 0), entry(node, "pads", i + rank, 0),
                                   &pads) ||
            __builtin_mul_overflow(x->dim[i + 2] - 1, stride, &dim) ||
            __builtin_add_overflow(dim, size, &dim) || __builtin_sub_overflow(dim, pads, &dim) ||
            dim < 0 || dim > INT32_MAX)
            return diag_set(diag, STATUS_BAD_INPUT, "axis %zu would get a bad size", i + 2);
        out->dim[i + 2] = dim;
    }
    return STATUS_OK;
}

enum status infer_max_unpool(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    const struct value_info *given = infer_in(call, 2);
    if (!call->in[0]->shape_known || !call->in[1]->shape_known ||
        (given != NULL && given->data == NULL))
        return STATUS_OK;
    struct shape shape;
    if (!element_type_is_integer(call->in[1]->type) ||
        !shape_equal(&call->in[0]->shape, &call->in[1]->shape))
        return infer_fail(call, STATUS_BAD_INPUT, "the indices do not fit the operand");
    status = unpooled_shape(call->diag, call->node, &call->in[0]->shape, &shape);
    const int64_t *list;
    size_t count;
    if (status == STATUS_OK && given != NULL) {
        status = integers_of(call->diag, given->data, "output_shape", &list, &count);
        if (status == STATUS_OK && count != shape.rank)
            status = infer_fail(call, STATUS_BAD_INPUT, "output_shape has %zu entries", count);
        for (size_t i = 0; status == STATUS_OK && i < count; i++) {
            if (list[i] < shape.dim[i])
                return infer_fail(call, STATUS_BAD_INPUT,
                                  "output_shape is smaller than the pool's");
            shape.dim[i] = list[i];
        }
    }
    if (status == STATUS_OK)
        infer_result(call, 0, call->in[0]->type, &shape);
    return status;
}

/* Indices count in the shape that the pool read; output_shape may be larger at the ends. */
enum status run_max_unpool(struct kernel_call *call)
{
    const struct tensor *x = call->in[0], *indices = call->in[1];
    struct tensor *out = call->out[0];
    struct shape pooled;
    size_t count;
    enum status status = unpooled_shape(call->diag, call->node, &x->shape, &pooled);
    if (status != STATUS_OK)
        return status;
    if (!shape_count(&pooled, INT64_MAX, &count))
        return kernel_fail(call, STATUS_LIMIT, "the result is too large");
    int64_t stride[TENSOR_RANK_MAX];
    shape_strides(stride, &out->shape);
    for (size_t i = 0; i < x->count; i++) {
        int64_t index = indices->data.integer[i], at = 0;
        if (index < 0 || (size_t)index >= count)
            return kernel_fail(call, STATUS_BAD_INPUT, "index %" PRId64 " is outside %zu elements",
                               index, count);
        for (unsigned axis = pooled.rank; axis-- > 0;) {
            at += index % pooled.dim[axis] * stride[axis];
            index /= pooled.dim[axis];
        }
        tensor_copy_element(out, (size_t)at, x, i);
    }
    return STATUS_OK;
}
