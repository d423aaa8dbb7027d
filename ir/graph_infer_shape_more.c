/* Shape rules of the rarer movement operators: Pad, blocks, windows, ranges. See graph_infer.h. */
#include "ir/graph_kernel_shared.h"

#include <inttypes.h>
#include <string.h>

enum status pad_axes(struct diag *diag, const struct shape *shape, const struct tensor *pads,
                     const struct tensor *axes, int64_t begin[TENSOR_RANK_MAX],
                     int64_t end[TENSOR_RANK_MAX])
{
    const int64_t *list, *axis_list = NULL, most = (int64_t)1 << 40;
    size_t count, axis_count = shape->rank;
    uint32_t mask;
    for (unsigned i = 0; i < TENSOR_RANK_MAX; i++)
        begin[i] = end[i] = 0;
    enum status status = integers_of(diag, pads, "pads", &list, &count);
    if (status == STATUS_OK && axes != NULL) {
        status = integers_of(diag, axes, "axes", &axis_list, &axis_count);
        if (status == STATUS_OK)
            status = normalize_axes(diag, axis_list, axis_count, shape->rank, &mask);
    }
    if (status != STATUS_OK)
        return status;
    if (count != 2 * axis_count)
        return diag_set(diag, STATUS_BAD_INPUT, "%zu pads for %zu axes", count, axis_count);
    for (size_t i = 0; i < axis_count; i++) {
        unsigned axis = (unsigned)i;
        if (axis_list != NULL)
            status = normalize_axis(diag, axis_list[i], shape->rank, &axis);
        if (status != STATUS_OK)
            return status;
        begin[axis] = list[i];
        end[axis] = list[axis_count + i];
        if (begin[axis] < -most || begin[axis] > most || end[axis] < -most || end[axis] > most)
            return diag_set(diag, STATUS_BAD_INPUT, "the pads of axis %u leave no valid size",
                            axis);
    }
    return STATUS_OK;
}

enum status infer_pad(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    const struct value_info *axes = infer_in(call, 3);
    if (!call->in[0]->shape_known || call->in[1]->data == NULL ||
        (axes != NULL && axes->data == NULL))
        return STATUS_OK;
    struct shape shape = call->in[0]->shape;
    int64_t begin[TENSOR_RANK_MAX], end[TENSOR_RANK_MAX];
    status = pad_axes(call->diag, &shape, call->in[1]->data, axes != NULL ? axes->data : NULL,
                      begin, end);
    for (unsigned i = 0; status == STATUS_OK && i < shape.rank; i++) {
        int64_t dim = shape.dim[i];
        if (__builtin_add_overflow(dim, begin[i], &dim) ||
            __builtin_add_overflow(dim, end[i], &dim) || dim < 0)
            return infer_fail(call, STATUS_BAD_INPUT, "the pads of axis %u leave no valid size", i);
        if (shape.dim[i] == 0 && dim > 0 &&
            strcmp(graph_attribute_text(call->node, "mode", "constant"), "constant") != 0)
            return infer_fail(call, STATUS_BAD_INPUT, "axis %u is empty, there is nothing to copy",
                              i);
        shape.dim[i] = dim;
    }
    if (status == STATUS_OK)
        infer_result(call, 0, call->in[0]->type, &shape);
    return status;
}

/* (input, shape): axes attribute, or all. */
enum status infer_center_crop_pad(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!call->in[0]->shape_known || call->in[1]->data == NULL)
        return STATUS_OK;
    struct shape shape = call->in[0]->shape;
    const struct graph_attribute *axes = graph_attribute(call->node, "axes");
    const int64_t *list;
    size_t count;
    status = integers_of(call->diag, call->in[1]->data, "the shape", &list, &count);
    if (status != STATUS_OK)
        return status;
    if (count != (axes != NULL ? axes->count : shape.rank))
        return infer_fail(call, STATUS_BAD_INPUT, "%zu sizes do not fit the axes", count);
    for (size_t i = 0; i < count; i++) {
        unsigned axis;
        status = normalize_axis(call->diag, axes != NULL ? axes->integers[i] : (int64_t)i,
                                shape.rank, &axis);
        if (status != STATUS_OK)
            return status;
        if (list[i] < 0)
            return infer_fail(call, STATUS_BAD_INPUT, "bad size %" PRId64, list[i]);
        shape.dim[axis] = list[i];
    }
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

static enum status infer_blocks(struct infer_call *call, bool to_space)
{
    enum status status = infer_same(call);
    if (status != STATUS_OK || !call->in[0]->shape_known)
        return status;
    struct shape shape = call->in[0]->shape;
    int64_t b = graph_attribute_int(call->node, "blocksize", 0);
    if (shape.rank != 4 || b <= 0 || b > 1 << 15)
        return infer_fail(call, STATUS_BAD_INPUT,
                          "the operand must have rank 4 and blocksize >= 1");
    const int64_t most = (int64_t)1 << 31;
    if (shape.dim[1] > most || shape.dim[2] > most || shape.dim[3] > most)
        return infer_fail(call, STATUS_LIMIT, "the operand is too large");
    if (to_space ? shape.dim[1] % (b * b) != 0 : shape.dim[2] % b != 0 || shape.dim[3] % b != 0)
        return infer_fail(call, STATUS_BAD_INPUT, "blocksize %" PRId64 " does not divide the shape",
                          b);
    shape.dim[1] = to_space ? shape.dim[1] / (b * b) : shape.dim[1] * b * b;
    shape.dim[2] = to_space ? shape.dim[2] * b : shape.dim[2] / b;
    shape.dim[3] = to_space ? shape.dim[3] * b : shape.dim[3] / b;
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

enum status infer_depth_to_space(struct infer_call *call)
{
    return infer_blocks(call, true);
}

enum status infer_space_to_depth(struct infer_call *call)
{
    return infer_blocks(call, false);
}

enum status infer_reverse_sequence(struct infer_call *call)
{
    int64_t time = graph_attribute_int(call->node, "time_axis", 0),
            batch = graph_attribute_int(call->node, "batch_axis", 1);
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_same(call);
    if (status == STATUS_OK && (time < 0 || time > 1 || batch != 1 - time))
        return infer_fail(call, STATUS_BAD_INPUT,
                          "of time_axis and batch_axis one has to be 0 and the other 1");
    if (status == STATUS_OK && call->in[0]->shape_known && call->in[0]->shape.rank < 2)
        return infer_fail(call, STATUS_BAD_INPUT, "the operand has no axis of time and of a batch");
    return status;
}

enum status infer_trilu(struct infer_call *call)
{
    enum status status = infer_same(call);
    if (status == STATUS_OK && call->in[0]->shape_known && call->in[0]->shape.rank < 2)
        return infer_fail(call, STATUS_BAD_INPUT, "the operand has no matrix");
    return status;
}

size_t range_count(const struct tensor *start, const struct tensor *limit,
                   const struct tensor *delta)
{
    double count;
    if (element_type_is_float(start->type)) {
        count = ceil((limit->data.real[0] - start->data.real[0]) / delta->data.real[0]);
        return count > 0 ? (count < 0x1p62 ? (size_t)count : (size_t)1 << 62) : 0;
    }
    __int128 a = start->data.integer[0], b = limit->data.integer[0], d = delta->data.integer[0];
    __int128 span = d > 0 ? b - a : a - b, step = d > 0 ? d : -d;
    return span <= 0 ? 0 : (size_t)((span + step - 1) / step);
}

enum status infer_range(struct infer_call *call)
{
    enum status status = infer_need(call, 3);
    if (status == STATUS_OK)
        status = infer_same_type(call, 0, 3);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    for (size_t i = 0; i < 3; i++) {
        if (call->in[i]->data == NULL)
            return STATUS_OK;
        if (call->in[i]->data->count != 1)
            return infer_fail(call, STATUS_BAD_INPUT, "operand %zu is not a scalar", i);
    }
    if (tensor_real(call->in[2]->data, 0) == 0.0)
        return infer_fail(call, STATUS_BAD_INPUT, "delta is 0");
    struct shape shape = {
        1, {(int64_t)range_count(call->in[0]->data, call->in[1]->data, call->in[2]->data)}};
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

enum status infer_eye_like(struct infer_call *call)
{
    enum status status = infer_same(call);
    if (status != STATUS_OK)
        return status;
    call->out[0].text_table = NULL;
    status = infer_type_attribute(call, "dtype", call->in[0]->type, &call->out[0].type);
    if (status != STATUS_OK)
        return status;
    if (call->in[0]->shape_known && call->in[0]->shape.rank != 2)
        return infer_fail(call, STATUS_BAD_INPUT, "the operand must have rank 2");
    return STATUS_OK;
}

/* --- indexed
 * --------------------------------------------------------------------------------------- */

/* Indices must be integers. */
static enum status need_integers(struct infer_call *call, size_t i)
{
    if (!element_type_is_integer(call->in[i]->type))
        return infer_fail(call, STATUS_BAD_INPUT, "operand %zu is %s; it must be integers", i,
                          element_type_name(call->in[i]->type));
    return STATUS_OK;
}

enum status infer_gather(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = need_integers(call, 1);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!call->in[0]->shape_known || !call->in[1]->shape_known)
        return STATUS_OK;
    const struct shape *data = &call->in[0]->shape, *indices = &call->in[1]->shape;
    unsigned axis;
    status = infer_axis(call, "axis", 0, data, &axis);
    if (status != STATUS_OK)
        return status;
    if (data->rank + indices->rank - 1 > TENSOR_RANK_MAX)
        return infer_fail(call, STATUS_LIMIT, "more than %d dimensions", TENSOR_RANK_MAX);
    struct shape shape = {0};
    for (unsigned i = 0; i < axis; i++)
        shape.dim[shape.rank++] = data->dim[i];
    for (unsigned i = 0; i < indices->rank; i++)
        shape.dim[shape.rank++] = indices->dim[i];
    for (unsigned i = axis + 1; i < data->rank; i++)
        shape.dim[shape.rank++] = data->dim[i];
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

enum status infer_gather_elements(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = need_integers(call, 1);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, infer_shape_of(call->in[1]));
    unsigned axis;
    if (!call->in[0]->shape_known || !call->in[1]->shape_known)
        return STATUS_OK;
    const struct shape *data = &call->in[0]->shape, *indices = &call->in[1]->shape;
    status = infer_axis(call, "axis", 0, data, &axis);
    if (status == STATUS_OK && data->rank != indices->rank)
        status = infer_fail(call, STATUS_BAD_INPUT, "indices must have the rank of the data");
    for (unsigned i = 0; status == STATUS_OK && i < data->rank; i++)
        if (i != axis && indices->dim[i] > data->dim[i])
            status = infer_fail(call, STATUS_BAD_INPUT, "axis %u of the indices is too long", i);
    return status;
}

enum status infer_gather_nd(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = need_integers(call, 1);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!call->in[0]->shape_known || !call->in[1]->shape_known)
        return STATUS_OK;
    const struct shape *data = &call->in[0]->shape, *indices = &call->in[1]->shape;
    int64_t batch = graph_attribute_int(call->node, "batch_dims", 0);
    if (indices->rank == 0 || batch < 0 || batch >= indices->rank)
        return infer_fail(call, STATUS_BAD_INPUT, "batch_dims does not fit the operands");
    int64_t depth = indices->dim[indices->rank - 1],
            used = batch + (depth > TENSOR_RANK_MAX ? 0 : depth);
    if (depth < 1 || depth > TENSOR_RANK_MAX || used > data->rank)
        return infer_fail(call, STATUS_BAD_INPUT, "an index has %" PRId64 " parts for rank %u",
                          depth, data->rank);
    if (indices->rank - 1 + data->rank - used > TENSOR_RANK_MAX)
        return infer_fail(call, STATUS_LIMIT, "more than %d dimensions", TENSOR_RANK_MAX);
    for (unsigned i = 0; i < (unsigned)batch; i++)
        if (data->dim[i] != indices->dim[i])
            return infer_fail(call, STATUS_BAD_INPUT, "batch axis %u differs", i);
    struct shape shape = {0};
    for (unsigned i = 0; i + 1 < indices->rank; i++)
        shape.dim[shape.rank++] = indices->dim[i];
    for (unsigned i = (unsigned)used; i < data->rank; i++)
        shape.dim[shape.rank++] = data->dim[i];
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

/* (data, indices, updates) */
enum status infer_scatter_elements(struct infer_call *call)
{
    enum status status = infer_need(call, 3);
    if (status == STATUS_OK)
        status = need_integers(call, 1);
    if (status == STATUS_OK)
        status = infer_same(call);
    if (status != STATUS_OK)
        return status;
    if (call->in[0]->type != call->in[2]->type)
        return infer_fail(call, STATUS_BAD_INPUT, "the updates are of another type than the data");
    if (!call->in[0]->shape_known || !call->in[1]->shape_known || !call->in[2]->shape_known)
        return STATUS_OK;
    unsigned axis;
    status = infer_axis(call, "axis", 0, &call->in[0]->shape, &axis);
    if (status != STATUS_OK)
        return status;
    if (call->in[0]->shape.rank != call->in[1]->shape.rank ||
        !shape_equal(&call->in[1]->shape, &call->in[2]->shape))
        return infer_fail(call, STATUS_BAD_INPUT, "indices and updates do not fit the data");
    for (unsigned i = 0; i < call->in[0]->shape.rank; i++)
        if (i != axis && call->in[1]->shape.dim[i] > call->in[0]->shape.dim[i])
            return infer_fail(call, STATUS_BAD_INPUT, "axis %u of the indices is too long", i);
    return STATUS_OK;
}

enum status infer_scatter_nd(struct infer_call *call)
{
    enum status status = infer_need(call, 3);
    if (status == STATUS_OK)
        status = need_integers(call, 1);
    if (status == STATUS_OK)
        status = infer_same(call);
    if (status != STATUS_OK)
        return status;
    if (call->in[0]->type != call->in[2]->type)
        return infer_fail(call, STATUS_BAD_INPUT, "the updates are of another type than the data");
    if (!call->in[0]->shape_known || !call->in[1]->shape_known || !call->in[2]->shape_known)
        return STATUS_OK;
    const struct shape *data = &call->in[0]->shape, *indices = &call->in[1]->shape;
    int64_t depth = indices->rank > 0 ? indices->dim[indices->rank - 1] : 0;
    if (depth < 1 || depth > data->rank)
        return infer_fail(call, STATUS_BAD_INPUT, "an index has %" PRId64 " parts for rank %u",
                          depth, data->rank);
    struct shape updates = *indices;
    updates.rank--;
    for (unsigned i = (unsigned)depth; i < data->rank && updates.rank < TENSOR_RANK_MAX; i++)
        updates.dim[updates.rank++] = data->dim[i];
    if (!shape_equal(&updates, &call->in[2]->shape))
        return infer_fail(call, STATUS_BAD_INPUT, "the updates' shape does not fit the indices");
    return STATUS_OK;
}

enum status infer_one_hot(struct infer_call *call)
{
    enum status status = infer_need(call, 3);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[2]->type, NULL);
    if (!call->in[0]->shape_known || call->in[1]->data == NULL)
        return STATUS_OK;
    const struct shape *in = &call->in[0]->shape;
    if (in->rank == TENSOR_RANK_MAX || call->in[1]->data->count != 1)
        return infer_fail(call, STATUS_BAD_INPUT,
                          "depth is not one number, or the rank is too large");
    double depth = tensor_real(call->in[1]->data, 0);
    unsigned axis;
    status = normalize_axis(call->diag, graph_attribute_int(call->node, "axis", -1), in->rank + 1u,
                            &axis);
    if (status != STATUS_OK)
        return status;
    if (!(depth >= 0 && depth < 0x1p31))
        return infer_fail(call, STATUS_BAD_INPUT, "depth %g is no size", depth);
    struct shape shape = {.rank = (uint8_t)(in->rank + 1)};
    for (unsigned i = 0, k = 0; i < shape.rank; i++)
        shape.dim[i] = i == axis ? (int64_t)depth : in->dim[k++];
    infer_result(call, 0, call->in[2]->type, &shape);
    return STATUS_OK;
}

/* The number of results, rank 0. */
static void infer_number(struct infer_call *call, size_t i)
{
    struct shape scalar = {0};
    infer_result(call, i, ELEMENT_I64, &scalar);
}

enum status infer_compress(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status != STATUS_OK)
        return status;
    struct room room = room_of(call->node);
    infer_number(call, 1);
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!call->in[0]->shape_known || (call->in[1]->data == NULL && !room.is_given))
        return STATUS_OK;
    const struct tensor *condition = call->in[1]->data;
    struct shape shape = call->in[0]->shape;
    unsigned axis = 0;
    size_t length, kept = 0;
    bool flat = graph_attribute(call->node, "axis") == NULL;
    if (!shape_count(&shape, SIZE_MAX, &length))
        return infer_fail(call, STATUS_LIMIT, "the operand is too large");
    if (!flat) {
        status = infer_axis(call, "axis", 0, &shape, &axis);
        if (status != STATUS_OK)
            return status;
        length = (size_t)shape.dim[axis];
    }
    if (call->in[1]->type != ELEMENT_BOOL)
        return infer_fail(call, STATUS_BAD_INPUT, "the condition must be bool");
    for (size_t i = 0; condition != NULL && i < condition->count && i < length; i++)
        kept += condition->data.integer[i] != 0 ? 1 : 0;
    if (flat)
        shape = (struct shape){.rank = 1};
    shape.dim[axis] = room.is_given ? room.count : (int64_t)kept;
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

enum status infer_non_zero(struct infer_call *call)
{
    enum status status = infer_need(call, 1);
    if (status != STATUS_OK)
        return status;
    struct room room = room_of(call->node);
    struct shape shape = {2, {call->in[0]->shape.rank, room.count}};
    bool known = room.is_given && call->in[0]->shape_known;
    infer_result(call, 0, ELEMENT_I64, known ? &shape : NULL);
    infer_number(call, 1);
    return STATUS_OK;
}

/* Outputs: Y, indices, inverse_indices, counts, number; lengths but that of inverse_indices depend
 * on the elements. */
enum status infer_unique(struct infer_call *call)
{
    enum status status = infer_need(call, 1);
    if (status != STATUS_OK)
        return status;
    struct room room = room_of(call->node);
    struct shape all = {.rank = 1}, each = {1, {room.count}}, whole = {.rank = 1};
    bool known = room.is_given && call->in[0]->shape_known;
    unsigned axis = 0;
    size_t length = 0;
    if (known && !shape_count(&call->in[0]->shape, SIZE_MAX, &length))
        return infer_fail(call, STATUS_LIMIT, "the operand is too large");
    all.dim[0] = (int64_t)length;
    if (known && graph_attribute(call->node, "axis") != NULL) {
        whole = call->in[0]->shape;
        status = infer_axis(call, "axis", 0, &whole, &axis);
        if (status != STATUS_OK)
            return status;
        all.dim[0] = whole.dim[axis];
    }
    whole.dim[axis] = room.count;
    infer_result(call, 0, call->in[0]->type, known ? &whole : NULL);
    infer_result(call, 1, ELEMENT_I64, known ? &each : NULL);
    infer_result(call, 2, ELEMENT_I64, known ? &all : NULL);
    infer_result(call, 3, ELEMENT_I64, known ? &each : NULL);
    infer_number(call, 4);
    return STATUS_OK;
}
