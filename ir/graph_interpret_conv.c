/*
 * Convolutions (Conv-22, ConvInteger-10, QLinearConv-10, ConvTranspose-22). Each output element
 * sums over input channels, then kernel positions in row-major order, in float64. See
 * graph_interpret.h.
 */
#include "ir/graph_kernel_shared.h"

/* Spatial axes of a convolution, with sizes of whole planes. */
struct planes {
    size_t batch, in_channels, out_channels, group;
    size_t in_size, out_size, kernel_size;
    struct window window;
};

static size_t plane_size(const struct window *window, int which)
{
    size_t size = 1;
    for (unsigned i = 0; i < window->rank; i++)
        size *= (size_t)(which == 0   ? window->axis[i].in
                         : which == 1 ? window->axis[i].out
                                      : window->axis[i].kernel);
    return size;
}

static void planes_set(struct planes *planes, const struct graph_node *node, const struct shape *x,
                       size_t out_channels)
{
    planes->batch = (size_t)x->dim[0];
    planes->in_channels = (size_t)x->dim[1];
    planes->out_channels = out_channels;
    planes->group = (size_t)graph_attribute_int(node, "group", 1);
    planes->in_size = plane_size(&planes->window, 0);
    planes->out_size = plane_size(&planes->window, 1);
    planes->kernel_size = plane_size(&planes->window, 2);
}

/* Moves a multi-index over the axes of a window to the next; which: 0 in, 1 out, 2 kernel. */
static void next_index(int64_t *index, const struct window *window, int which, unsigned axes)
{
    for (unsigned i = axes; i-- > 0;) {
        int64_t dim = which == 0   ? window->axis[i].in
                      : which == 1 ? window->axis[i].out
                                   : window->axis[i].kernel;
        if (++index[i] < dim)
            return;
        index[i] = 0;
    }
}

/*
 * Adds weight * (plane of x, seen through kernel position `k`) to a plane of sums, row by row of
 * the last axis. Positions in the padding add nothing.
 */
static void add_shifted(double *sums, const double *x, double weight, const struct window *window,
                        const int64_t *k)
{
    unsigned last = window->rank - 1;
    const struct window_axis *inner = &window->axis[last];
    int64_t at[TENSOR_RANK_MAX] = {0};
    size_t rows = 1;
    for (unsigned i = 0; i < last; i++)
        rows *= (size_t)window->axis[i].out;
    int64_t shift = k[last] * inner->dilation - inner->pad_begin;
    /* Outputs o of the last axis whose input o * stride + shift lies in [0, in). */
    int64_t first = shift < 0 ? (-shift + inner->stride - 1) / inner->stride : 0;
    int64_t end = inner->in - 1 - shift < 0 ? 0 : (inner->in - 1 - shift) / inner->stride + 1;
    end = end < inner->out ? end : inner->out;
    for (size_t row = 0; row < rows; row++, next_index(at, window, 1, last)) {
        int64_t offset = 0;
        bool outside = false;
        for (unsigned i = 0; i < last; i++) {
            const struct window_axis *axis = &window->axis[i];
            int64_t from = at[i] * axis->stride + k[i] * axis->dilation - axis->pad_begin;
            outside = outside || from < 0 || from >= axis->in;
            offset = offset * axis->in + from;
        }
        if (outside)
            continue;
        double *to = sums + row * (size_t)inner->out;
        const double *from = x + offset * inner->in + shift;
        for (int64_t o = first; o < end; o++)
            to[o] += weight * from[o * inner->stride];
    }
}

/* All of one output plane: batch n, output channel m. w: weights of that channel. */
static void convolve_plane(double *sums, const double *x, const double *w,
                           const struct planes *planes, size_t n, size_t m)
{
    size_t per_group = planes->in_channels / planes->group;
    size_t group = m / (planes->out_channels / planes->group);
    for (size_t i = 0; i < planes->out_size; i++)
        sums[i] = 0.0;
    for (size_t c = 0; c < per_group; c++) {
        const double *plane =
            x + (n * planes->in_channels + group * per_group + c) * planes->in_size;
        int64_t k[TENSOR_RANK_MAX] = {0};
        for (size_t i = 0; i < planes->kernel_size; i++) {
            add_shifted(sums, plane, w[c * planes->kernel_size + i], &planes->window, k);
            next_index(k, &planes->window, 2, planes->window.rank);
        }
    }
}

/* The elements of a tensor less a zero point (one, or one a channel of axis 0), as doubles. */
static const double *centred(struct kernel_call *call, const struct tensor *tensor,
                             const struct tensor *zero)
{
    if (element_type_is_float(tensor->type))
        return tensor->data.real;
    double *out = kernel_alloc(call->arena, tensor->count, sizeof *out, call->diag);
    size_t per_zero = zero != NULL && zero->count > 1 ? tensor->count / zero->count : 0;
    for (size_t i = 0; out != NULL && i < tensor->count; i++) {
        size_t z = per_zero > 0 ? i / per_zero : 0;
        int64_t shift = zero != NULL ? zero->data.integer[z] : 0;
        out[i] = (double)(tensor->data.integer[i] - shift);
    }
    return out;
}

/* What happens to the finished sums of one output channel. */
typedef void (*finish_plane)(struct kernel_call *call, size_t at, size_t channel,
                             const double *sums, size_t count);

/* Runs a convolution of operands ix and iw; products of 8-bit integers are exact in float64. */
static enum status convolve(struct kernel_call *call, size_t ix, size_t iw,
                            const struct tensor *x_zero, const struct tensor *w_zero,
                            finish_plane finish)
{
    const struct tensor *x = call->in[ix], *w = call->in[iw];
    struct planes planes;
    enum status status = window_read(call->diag, call->node, &x->shape, &w->shape, &planes.window);
    if (status != STATUS_OK)
        return status;
    planes_set(&planes, call->node, &x->shape, (size_t)w->shape.dim[0]);
    if ((x_zero != NULL && x_zero->count != 1) ||
        (w_zero != NULL && w_zero->count != 1 && w_zero->count != planes.out_channels))
        return kernel_fail(call, STATUS_BAD_INPUT, "the zero points do not fit the operands");
    const double *xs = centred(call, x, x_zero), *ws = centred(call, w, w_zero);
    double *sums = kernel_alloc(call->arena, planes.out_size, sizeof *sums, call->diag);
    if (xs == NULL || ws == NULL || sums == NULL)
        return STATUS_NO_MEMORY;
    size_t filter = planes.in_channels / planes.group * planes.kernel_size;
    for (size_t n = 0; n < planes.batch; n++)
        for (size_t m = 0; m < planes.out_channels; m++) {
            convolve_plane(sums, xs, ws + m * filter, &planes, n, m);
            finish(call, (n * planes.out_channels + m) * planes.out_size, m, sums, planes.out_size);
        }
    return STATUS_OK;
}

static void finish_conv(struct kernel_call *call, size_t at, size_t channel, const double *sums,
                        size_t count)
{
    const struct tensor *bias = kernel_in(call, 2);
    double shift = bias != NULL ? tensor_real(bias, channel) : 0.0;
    for (size_t i = 0; i < count; i++)
        tensor_set_real(call->out[0], at + i, sums[i] + shift);
}

enum status run_conv(struct kernel_call *call)
{
    const struct tensor *bias = kernel_in(call, 2);
    if (!element_type_is_float(call->in[0]->type))
        return kernel_fail(call, STATUS_UNSUPPORTED, "Conv of %s",
                           element_type_name(call->in[0]->type));
    if (bias != NULL && bias->count != (size_t)call->out[0]->shape.dim[1])
        return kernel_fail(call, STATUS_BAD_INPUT, "the bias has %zu elements", bias->count);
    return convolve(call, 0, 1, NULL, NULL, finish_conv);
}

static void finish_integer(struct kernel_call *call, size_t at, size_t channel, const double *sums,
                           size_t count)
{
    (void)channel;
    for (size_t i = 0; i < count; i++)
        tensor_set_integer(call->out[0], at + i, integer_of_real(sums[i]));
}

enum status run_conv_integer(struct kernel_call *call)
{
    return convolve(call, 0, 1, kernel_in(call, 2), kernel_in(call, 3), finish_integer);
}

/* (x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, B?) */
static void finish_qlinear(struct kernel_call *call, size_t at, size_t channel, const double *sums,
                           size_t count)
{
    const struct tensor *const *in = call->in;
    const struct tensor *bias = kernel_in(call, 8);
    double w_scale = tensor_real(in[4], in[4]->count > 1 ? channel : 0);
    double scale = tensor_real(in[1], 0) * w_scale / tensor_real(in[6], 0);
    double shift = bias != NULL ? (double)bias->data.integer[channel] : 0.0;
    for (size_t i = 0; i < count; i++)
        call->out[0]->data.integer[at + i] =
            quantize_element(call->out[0]->type, (sums[i] + shift) * scale, in[7]->data.integer[0]);
}

enum status run_qlinear_conv(struct kernel_call *call)
{
    const struct tensor *bias = kernel_in(call, 8);
    if (bias != NULL && bias->count != (size_t)call->out[0]->shape.dim[1])
        return kernel_fail(call, STATUS_BAD_INPUT, "the bias has %zu elements", bias->count);
    size_t filters = call->in[4]->count;
    if (call->in[1]->count != 1 || call->in[6]->count != 1 || call->in[7]->count != 1 ||
        (filters != 1 && filters != (size_t)call->out[0]->shape.dim[1]))
        return kernel_fail(call, STATUS_BAD_INPUT,
                           "scales and zero points must be one, that of the weights one, or one a "
                           "channel");
    return convolve(call, 0, 3, call->in[2], call->in[5], finish_qlinear);
}

/* --- ConvTranspose
 * ----------------------------------------------------------------------------------------- */

/* Adds one input plane, spread by kernel position k with a weight, to a plane of sums. */
static void spread_plane(double *sums, const double *x, double weight, const struct planes *planes,
                         const int64_t *k)
{
    const struct window *window = &planes->window;
    int64_t at[TENSOR_RANK_MAX] = {0};
    for (size_t i = 0; i < planes->in_size; i++, next_index(at, window, 0, window->rank)) {
        int64_t offset = 0;
        bool outside = false;
        for (unsigned d = 0; d < window->rank; d++) {
            const struct window_axis *axis = &window->axis[d];
            int64_t to = at[d] * axis->stride + k[d] * axis->dilation - axis->pad_begin;
            outside = outside || to < 0 || to >= axis->out;
            offset = offset * axis->out + to;
        }
        if (!outside)
            sums[offset] += weight * x[i];
    }
}

enum status run_conv_transpose(struct kernel_call *call)
{
    const struct tensor *x = call->in[0], *w = call->in[1], *bias = kernel_in(call, 2);
    struct planes planes;
    enum status status =
        transpose_window_read(call->diag, call->node, &x->shape, &w->shape, &planes.window);
    if (status != STATUS_OK)
        return status;
    planes_set(&planes, call->node, &x->shape, (size_t)call->out[0]->shape.dim[1]);
    if (bias != NULL && bias->count != planes.out_channels)
        return kernel_fail(call, STATUS_BAD_INPUT, "the bias has %zu elements", bias->count);
    double *sums = kernel_alloc(call->arena, planes.out_size, sizeof *sums, call->diag);
    if (sums == NULL)
        return STATUS_NO_MEMORY;
    size_t in_group = planes.in_channels / planes.group;
    size_t out_group = planes.out_channels / planes.group;
    for (size_t n = 0; n < planes.batch; n++)
        for (size_t m = 0; m < planes.out_channels; m++) {
            size_t group = m / out_group;
            for (size_t i = 0; i < planes.out_size; i++)
                sums[i] = bias != NULL ? bias->data.real[m] : 0.0;
            for (size_t c = group * in_group; c < (group + 1) * in_group; c++) {
                const double *filter =
                    w->data.real + (c * out_group + m % out_group) * planes.kernel_size;
                int64_t k[TENSOR_RANK_MAX] = {0};
                for (size_t i = 0; i < planes.kernel_size; i++) {
                    spread_plane(sums, x->data.real + (n * planes.in_channels + c) * planes.in_size,
                                 filter[i], &planes, k);
                    next_index(k, &planes.window, 2, planes.window.rank);
                }
            }
            for (size_t i = 0; i < planes.out_size; i++)
                tensor_set_real(call->out[0], (n * planes.out_channels + m) * planes.out_size + i,
                                sums[i]);
        }
    return STATUS_OK;
}
