/* Kernels of operators that copy elements to other places. See graph_interpret.h. */
#include "ir/graph_kernel_shared.h"

#include <inttypes.h>
#include <string.h>

/* out[index] = in[offset + index . stride] */
static void copy_strided(struct tensor *out, const struct tensor *in, const int64_t *stride,
                         int64_t offset)
{
    struct walk walk;
    walk_begin(&walk, &out->shape);
    walk_strides(&walk, stride, offset);
    for (size_t i = 0; i < out->count; i++, walk_next(&walk))
        tensor_copy_element(out, i, in, (size_t)walk.offset[0]);
}

/* The same elements under another shape. */
enum status run_view(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    struct tensor *out = call->out[0];
    ASSERT(in->count == out->count);
    if (in->count != 0)
        memcpy(out->data.integer, in->data.integer, in->count * sizeof(int64_t));
    return STATUS_OK;
}

/* Shape and Size: the rule has given the elements already. */
enum status run_known(struct kernel_call *call)
{
    ASSERT(call->out[0] != NULL);
    return STATUS_OK;
}

enum status run_transpose(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    unsigned axis[TENSOR_RANK_MAX];
    int64_t own[TENSOR_RANK_MAX], stride[TENSOR_RANK_MAX] = {0};
    enum status status = transpose_axes(call->diag, call->node, in->shape.rank, axis);
    if (status != STATUS_OK)
        return status;
    shape_strides(own, &in->shape);
    for (unsigned i = 0; i < in->shape.rank; i++)
        stride[i] = own[axis[i]];
    copy_strided(call->out[0], in, stride, 0);
    return STATUS_OK;
}

/* Copies `rows` blocks of `length` elements between tensors of one type. */
static void copy_blocks(struct tensor *out, size_t out_first, size_t out_step,
                        const struct tensor *in, size_t in_first, size_t in_step, size_t rows,
                        size_t length)
{
    for (size_t r = 0; length > 0 && r < rows; r++)
        memcpy(out->data.integer + out_first + r * out_step,
               in->data.integer + in_first + r * in_step, length * sizeof(int64_t));
}

enum status run_concat(struct kernel_call *call)
{
    struct tensor *out = call->out[0];
    unsigned axis;
    enum status status = normalize_axis(call->diag, graph_attribute_int(call->node, "axis", 0),
                                        out->shape.rank, &axis);
    if (status != STATUS_OK)
        return status;
    struct axis_view whole = axis_view_of(&out->shape, axis);
    size_t at = 0;
    for (size_t k = 0; k < call->in_count; k++) {
        struct axis_view part = axis_view_of(&call->in[k]->shape, axis);
        size_t length = part.length * part.inner;
        copy_blocks(out, at, whole.length * whole.inner, call->in[k], 0, length, part.outer,
                    length);
        at += length;
    }
    return STATUS_OK;
}

enum status run_split(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    unsigned axis;
    enum status status = normalize_axis(call->diag, graph_attribute_int(call->node, "axis", 0),
                                        in->shape.rank, &axis);
    if (status != STATUS_OK)
        return status;
    struct axis_view whole = axis_view_of(&in->shape, axis);
    int64_t *length = kernel_alloc(call->arena, call->out_count, sizeof *length, call->diag);
    if (length == NULL)
        return STATUS_NO_MEMORY;
    status =
        split_lengths(call->diag, kernel_in(call, 1), call->out_count, in->shape.dim[axis], length);
    size_t at = 0;
    for (size_t k = 0; status == STATUS_OK && k < call->out_count; k++) {
        size_t block = (size_t)length[k] * whole.inner;
        if (call->out[k] != NULL)
            copy_blocks(call->out[k], 0, block, in, at, whole.length * whole.inner, whole.outer,
                        block);
        at += block;
    }
    return status;
}

enum status run_slice(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    struct slice_axis axis[TENSOR_RANK_MAX];
    int64_t stride[TENSOR_RANK_MAX], offset = 0;
    enum status status = slice_axes(call->diag, &in->shape, call->in, call->in_count, axis);
    if (status != STATUS_OK)
        return status;
    shape_strides(stride, &in->shape);
    for (unsigned i = 0; i < in->shape.rank; i++) {
        if (axis[i].count == 0)
            return STATUS_OK;
        offset += axis[i].start * stride[i];
        stride[i] = axis[i].count > 1 ? stride[i] * axis[i].step : 0;
    }
    copy_strided(call->out[0], in, stride, offset);
    return STATUS_OK;
}

enum status run_expand(struct kernel_call *call)
{
    struct walk walk;
    walk_begin(&walk, &call->out[0]->shape);
    walk_broadcast(&walk, &call->in[0]->shape);
    for (size_t i = 0; i < call->out[0]->count; i++, walk_next(&walk))
        tensor_copy_element(call->out[0], i, call->in[0], (size_t)walk.offset[0]);
    return STATUS_OK;
}

/* The offset of the element of a shape at an index along each axis. */
static int64_t offset_at(const int64_t *stride, const int64_t *index, unsigned rank)
{
    int64_t offset = 0;
    for (unsigned i = 0; i < rank; i++)
        offset += stride[i] * index[i];
    return offset;
}

enum status run_tile(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    struct tensor *out = call->out[0];
    int64_t stride[TENSOR_RANK_MAX], index[TENSOR_RANK_MAX];
    struct walk walk;
    shape_strides(stride, &in->shape);
    walk_begin(&walk, &out->shape);
    for (size_t i = 0; i < out->count; i++, walk_next(&walk)) {
        for (unsigned k = 0; k < out->shape.rank; k++)
            index[k] = walk.index[k] % in->shape.dim[k];
        tensor_copy_element(out, i, in, (size_t)offset_at(stride, index, out->shape.rank));
    }
    return STATUS_OK;
}

/* --- Pad
 * --------------------------------------------------------------------------------------------- */

enum pad_mode { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP };

/* Where index i (relative to the operand) is read from; -1: outside. */
static int64_t pad_source(enum pad_mode mode, int64_t i, int64_t dim)
{
    if (i >= 0 && i < dim)
        return i;
    switch (mode) {
    case PAD_EDGE:
        return i < 0 ? 0 : dim - 1;
    case PAD_WRAP:
        i %= dim;
        return i < 0 ? i + dim : i;
    case PAD_REFLECT: {
        int64_t period = dim > 1 ? 2 * (dim - 1) : 1;
        i %= period;
        i = i < 0 ? i + period : i;
        return i < dim ? i : period - i;
    }
    default:
        return -1;
    }
}

static enum status pad_mode_of(struct kernel_call *call, enum pad_mode *mode)
{
    const char *text = graph_attribute_text(call->node, "mode", "constant");
    static const char *const names[] = {"constant", "reflect", "edge", "wrap"};
    for (unsigned i = 0; i < 4; i++) {
        *mode = (enum pad_mode)i;
        if (strcmp(text, names[i]) == 0)
            return STATUS_OK;
    }
    return kernel_fail(call, STATUS_UNSUPPORTED, "pad mode '%s'", text);
}

/* The same for a torus, of which pads below zero cut off the ends first. */
static int64_t torus_source(int64_t i, int64_t dim, int64_t begin, int64_t end)
{
    int64_t low = begin < 0 ? -begin : 0, high = end < 0 ? dim + end : dim;
    return low < high ? low + pad_source(PAD_WRAP, i - low, high - low) : -1;
}

/* out = in shifted by begin along each axis; what falls outside is read by the mode, or is fill[0].
 * end: pads behind; NULL when the mode is no torus. */
static void copy_padded(struct tensor *out, const struct tensor *in, const int64_t *begin,
                        const int64_t *end, enum pad_mode mode, const struct tensor *fill)
{
    int64_t stride[TENSOR_RANK_MAX];
    struct walk walk;
    shape_strides(stride, &in->shape);
    walk_begin(&walk, &out->shape);
    for (size_t i = 0; i < out->count; i++, walk_next(&walk)) {
        int64_t offset = 0;
        bool outside = false;
        for (unsigned k = 0; k < in->shape.rank; k++) {
            int64_t at = walk.index[k] - begin[k], dim = in->shape.dim[k];
            int64_t from = mode == PAD_WRAP ? torus_source(at, dim, begin[k], end[k])
                                            : pad_source(mode, at, dim);
            outside = outside || from < 0;
            offset += from * stride[k];
        }
        if (!outside)
            tensor_copy_element(out, i, in, (size_t)offset);
        else if (fill != NULL)
            tensor_copy_element(out, i, fill, 0);
    }
}

enum status run_pad(struct kernel_call *call)
{
    const struct tensor *in = call->in[0], *fill = kernel_in(call, 2);
    int64_t begin[TENSOR_RANK_MAX], end[TENSOR_RANK_MAX];
    enum pad_mode mode;
    enum status status =
        pad_axes(call->diag, &in->shape, call->in[1], kernel_in(call, 3), begin, end);
    if (status == STATUS_OK)
        status = pad_mode_of(call, &mode);
    if (status != STATUS_OK)
        return status;
    if (fill != NULL && (fill->count != 1 || fill->type != in->type))
        return kernel_fail(call, STATUS_BAD_INPUT,
                           "the pad value must be a scalar of the operand's type");
    copy_padded(call->out[0], in, begin, end, mode, fill);
    return STATUS_OK;
}

/* Pads with zeros or crops around the centre; an odd difference leaves the extra element at the
 * end. */
enum status run_center_crop_pad(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    int64_t begin[TENSOR_RANK_MAX] = {0};
    for (unsigned i = 0; i < in->shape.rank; i++) {
        int64_t from = in->shape.dim[i], to = call->out[0]->shape.dim[i];
        begin[i] = to >= from ? (to - from) / 2 : -((from - to) / 2);
    }
    copy_padded(call->out[0], in, begin, NULL, PAD_CONSTANT, NULL);
    return STATUS_OK;
}

/* --- blocks, sequences, triangles
 * ---------------------------------------------------------------------- */

/* Depth at which element (row, column) of a block of channel c is stored. */
static int64_t block_depth(int64_t c, int64_t row, int64_t column, int64_t block, int64_t channels,
                           bool crd)
{
    return crd ? (c * block + row) * block + column : (row * block + column) * channels + c;
}

/* Moves elements between blocks of space, of the shape of `flat`, and the depth they are stored at
 * in `deep`. */
static enum status move_blocks(struct kernel_call *call, const struct tensor *flat,
                               const struct tensor *deep)
{
    const struct tensor *in = call->in[0];
    int64_t b = graph_attribute_int(call->node, "blocksize", 1), channels = flat->shape.dim[1];
    bool crd = strcmp(graph_attribute_text(call->node, "mode", "DCR"), "CRD") == 0;
    int64_t stride[TENSOR_RANK_MAX];
    struct walk walk;
    shape_strides(stride, &deep->shape);
    walk_begin(&walk, &flat->shape);
    for (size_t i = 0; i < flat->count; i++, walk_next(&walk)) {
        const int64_t *at = walk.index;
        int64_t depth = block_depth(at[1], at[2] % b, at[3] % b, b, channels, crd);
        int64_t index[4] = {at[0], depth, at[2] / b, at[3] / b};
        size_t there = (size_t)offset_at(stride, index, 4);
        tensor_copy_element(call->out[0], in == deep ? i : there, in, in == deep ? there : i);
    }
    return STATUS_OK;
}

enum status run_depth_to_space(struct kernel_call *call)
{
    return move_blocks(call, call->out[0], call->in[0]);
}

enum status run_space_to_depth(struct kernel_call *call)
{
    return move_blocks(call, call->in[0], call->out[0]);
}

enum status run_reverse_sequence(struct kernel_call *call)
{
    const struct tensor *in = call->in[0], *lengths = call->in[1];
    unsigned time = graph_attribute_int(call->node, "time_axis", 0) != 0, batch = 1 - time;
    if (!element_type_is_integer(lengths->type) || lengths->count != (size_t)in->shape.dim[batch])
        return kernel_fail(call, STATUS_BAD_INPUT, "one length for every sequence is needed");
    for (size_t i = 0; i < lengths->count; i++)
        if (lengths->data.integer[i] < 0 || lengths->data.integer[i] > in->shape.dim[time])
            return kernel_fail(call, STATUS_BAD_INPUT,
                               "length %" PRId64 " is outside the time axis",
                               lengths->data.integer[i]);
    int64_t stride[TENSOR_RANK_MAX];
    struct walk walk;
    shape_strides(stride, &in->shape);
    walk_begin(&walk, &in->shape);
    walk_strides(&walk, stride, 0);
    for (size_t i = 0; i < in->count; i++, walk_next(&walk)) {
        int64_t length = lengths->data.integer[walk.index[batch]], t = walk.index[time];
        int64_t shift = t < length ? length - 1 - 2 * t : 0;
        tensor_copy_element(call->out[0], i, in, (size_t)(walk.offset[0] + shift * stride[time]));
    }
    return STATUS_OK;
}

enum status run_trilu(struct kernel_call *call)
{
    const struct tensor *in = call->in[0], *diagonal = kernel_in(call, 1);
    bool upper = graph_attribute_int(call->node, "upper", 1) != 0;
    int64_t k = 0;
    if (diagonal != NULL) {
        enum status status = scalar_integer(call->diag, diagonal, "k", &k);
        if (status != STATUS_OK)
            return status;
    }
    unsigned rank = in->shape.rank;
    struct walk walk;
    walk_begin(&walk, &in->shape);
    for (size_t i = 0; i < in->count; i++, walk_next(&walk)) {
        int64_t above = walk.index[rank - 1] - walk.index[rank - 2];
        if (upper ? above >= k : above <= k)
            tensor_copy_element(call->out[0], i, in, i);
    }
    return STATUS_OK;
}

/* --- made from operands
 * ---------------------------------------------------------------------------------- */

enum status run_constant_of_shape(struct kernel_call *call)
{
    const struct graph_attribute *value = graph_attribute(call->node, "value");
    if (value == NULL || value->kind != ATTRIBUTE_TENSOR)
        return STATUS_OK;
    if (value->tensor->count != 1)
        return kernel_fail(call, STATUS_BAD_INPUT, "value has %zu elements, not one",
                           value->tensor->count);
    for (size_t i = 0; i < call->out[0]->count; i++)
        tensor_copy_element(call->out[0], i, value->tensor, 0);
    return STATUS_OK;
}

enum status run_range(struct kernel_call *call)
{
    const struct tensor *start = call->in[0], *delta = call->in[2];
    struct tensor *out = call->out[0];
    for (size_t i = 0; i < out->count; i++) {
        if (element_type_is_float(out->type))
            tensor_set_real(out, i, start->data.real[0] + (double)i * delta->data.real[0]);
        else
            tensor_set_integer(out, i,
                               (int64_t)((uint64_t)start->data.integer[0] +
                                         (uint64_t)i * (uint64_t)delta->data.integer[0]));
    }
    return STATUS_OK;
}

enum status run_eye_like(struct kernel_call *call)
{
    struct tensor *out = call->out[0];
    int64_t k = graph_attribute_int(call->node, "k", 0), columns = out->shape.dim[1];
    for (int64_t row = 0; row < out->shape.dim[0]; row++) {
        int64_t column;
        if (__builtin_add_overflow(row, k, &column) || column < 0 || column >= columns)
            continue;
        size_t at = (size_t)(row * columns + column);
        if (element_type_is_float(out->type))
            out->data.real[at] = 1.0;
        else
            out->data.integer[at] = 1;
    }
    return STATUS_OK;
}
