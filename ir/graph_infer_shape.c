/* Shape rules of operators that move elements, and of those made from shapes. See graph_infer.h. */
#include "ir/graph_kernel_shared.h"

#include <inttypes.h>
#include <string.h>

/* Elements of an int64 tensor in the arena, for values that a rule knows. */
static enum status know_integers(struct infer_call *call, const int64_t *integers, size_t count,
                                 bool is_scalar)
{
    struct shape shape = {is_scalar ? 0 : 1, {(int64_t)count}};
    struct tensor *data = tensor_new(call->arena, ELEMENT_I64, &shape);
    if (data == NULL)
        return arena_failure(call->arena, count * 8, "a shape", call->diag);
    for (size_t i = 0; i < count; i++)
        data->data.integer[i] = integers[i];
    infer_result(call, 0, ELEMENT_I64, &shape);
    call->out[0].data = data;
    return STATUS_OK;
}

/* start, end: numpy's slice of the list of dimensions. */
enum status infer_shape(struct infer_call *call)
{
    enum status status = infer_need(call, 1);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, ELEMENT_I64, NULL);
    if (!call->in[0]->shape_known)
        return STATUS_OK;
    int64_t rank = call->in[0]->shape.rank;
    int64_t start = graph_attribute_int(call->node, "start", 0);
    int64_t end = graph_attribute_int(call->node, "end", rank);
    start = start < 0 ? start + rank : start;
    end = end < 0 ? end + rank : end;
    start = start < 0 ? 0 : start > rank ? rank : start;
    end = end < start ? start : end > rank ? rank : end;
    return know_integers(call, call->in[0]->shape.dim + start, (size_t)(end - start), false);
}

enum status infer_size(struct infer_call *call)
{
    enum status status = infer_need(call, 1);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, ELEMENT_I64, NULL);
    size_t count;
    if (!call->in[0]->shape_known || !shape_count(&call->in[0]->shape, INT64_MAX, &count))
        return STATUS_OK;
    return know_integers(call, (int64_t[]){(int64_t)count}, 1, true);
}

enum status reshape_shape(struct diag *diag, const struct shape *from, const struct tensor *target,
                          bool allow_zero, struct shape *out)
{
    const int64_t *list;
    size_t count, total, known = 1;
    int open = -1;
    *out = (struct shape){0};
    enum status status = integers_of(diag, target, "the shape", &list, &count);
    if (status != STATUS_OK)
        return status;
    if (count > TENSOR_RANK_MAX)
        return diag_set(diag, STATUS_LIMIT, "%zu dimensions are more than %d", count,
                        TENSOR_RANK_MAX);
    for (size_t i = 0; i < count; i++) {
        int64_t dim = list[i];
        if (dim == 0 && !allow_zero && i >= from->rank)
            return diag_set(diag, STATUS_BAD_INPUT, "dimension %zu copies one that is not there",
                            i);
        if (dim == 0 && !allow_zero)
            dim = from->dim[i];
        if (dim < -1 || (dim == -1 && open >= 0))
            return diag_set(diag, STATUS_BAD_INPUT, "bad dimension %" PRId64, dim);
        if (dim == -1)
            open = (int)i;
        else if (__builtin_mul_overflow(known, (size_t)dim, &known))
            return diag_set(diag, STATUS_BAD_INPUT, "the new shape is too large");
        out->dim[i] = dim;
    }
    out->rank = (uint8_t)count;
    if (!shape_count(from, SIZE_MAX, &total))
        return diag_set(diag, STATUS_LIMIT, "the operand is too large");
    if (open >= 0 && known > 0 && total % known == 0) {
        out->dim[open] = (int64_t)(total / known);
        known = total;
    } else if (open >= 0 && known == 0) {
        out->dim[open] = 0;
    }
    if (known != total)
        return diag_set(diag, STATUS_BAD_INPUT, "%zu elements do not fit the new shape", total);
    return STATUS_OK;
}

enum status infer_reshape(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!call->in[0]->shape_known || call->in[1]->data == NULL)
        return STATUS_OK;
    struct shape shape;
    bool allow_zero = graph_attribute_int(call->node, "allowzero", 0) != 0;
    status = reshape_shape(call->diag, &call->in[0]->shape, call->in[1]->data, allow_zero, &shape);
    if (status == STATUS_OK)
        infer_result(call, 0, call->in[0]->type, &shape);
    return status;
}

enum status infer_flatten(struct infer_call *call)
{
    enum status status = infer_same(call);
    if (status != STATUS_OK || !call->in[0]->shape_known)
        return status;
    const struct shape *in = &call->in[0]->shape;
    int64_t given = graph_attribute_int(call->node, "axis", 1);
    unsigned axis = in->rank;
    if (given != (int64_t)in->rank)
        status = normalize_axis(call->diag, given, in->rank, &axis);
    struct shape shape = {2, {1, 1}};
    for (unsigned i = 0; i < in->rank; i++)
        if (__builtin_mul_overflow(shape.dim[i < axis ? 0 : 1], in->dim[i],
                                   &shape.dim[i < axis ? 0 : 1]))
            return infer_fail(call, STATUS_LIMIT, "the operand is too large");
    infer_result(call, 0, call->in[0]->type, &shape);
    return status;
}

enum status transpose_axes(struct diag *diag, const struct graph_node *node, unsigned rank,
                           unsigned axis[TENSOR_RANK_MAX])
{
    const struct graph_attribute *perm = graph_attribute(node, "perm");
    uint32_t mask;
    for (unsigned i = 0; i < rank; i++)
        axis[i] = rank - 1 - i;
    if (perm == NULL)
        return STATUS_OK;
    if (perm->kind != ATTRIBUTE_INTS || perm->count != rank)
        return diag_set(diag, STATUS_BAD_INPUT, "perm has %zu entries for rank %u", perm->count,
                        rank);
    enum status status = normalize_axes(diag, perm->integers, rank, rank, &mask);
    for (unsigned i = 0; status == STATUS_OK && i < rank; i++)
        status = normalize_axis(diag, perm->integers[i], rank, &axis[i]);
    return status;
}

enum status infer_transpose(struct infer_call *call)
{
    enum status status = infer_same(call);
    if (status != STATUS_OK || !call->in[0]->shape_known)
        return status;
    unsigned axis[TENSOR_RANK_MAX];
    const struct shape *in = &call->in[0]->shape;
    status = transpose_axes(call->diag, call->node, in->rank, axis);
    for (unsigned i = 0; status == STATUS_OK && i < in->rank; i++)
        call->out[0].shape.dim[i] = in->dim[axis[i]];
    return status;
}

enum status infer_concat(struct infer_call *call)
{
    enum status status = infer_need(call, call->in_count);
    if (status == STATUS_OK)
        status = infer_same_type(call, 0, call->in_count);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    for (size_t i = 0; i < call->in_count; i++)
        if (!call->in[i]->shape_known)
            return STATUS_OK;
    struct shape shape = call->in[0]->shape;
    unsigned axis;
    status = infer_axis(call, "axis", 0, &shape, &axis);
    for (size_t i = 1; status == STATUS_OK && i < call->in_count; i++) {
        struct shape other = call->in[i]->shape;
        if (other.rank != shape.rank)
            return infer_fail(call, STATUS_BAD_INPUT, "operand %zu has another rank", i);
        if (__builtin_add_overflow(shape.dim[axis], other.dim[axis], &shape.dim[axis]))
            return infer_fail(call, STATUS_LIMIT, "the result is too large");
        other.dim[axis] = shape.dim[axis];
        if (!shape_equal(&other, &shape))
            return infer_fail(call, STATUS_BAD_INPUT,
                              "operand %zu differs from the first outside axis %u", i, axis);
    }
    if (status == STATUS_OK)
        infer_result(call, 0, call->in[0]->type, &shape);
    return status;
}

/* One axis of a Slice. Backwards it begins at 0 at the least, as ONNX says and runtimes do; numpy
 * finds nothing there. */
static enum status clamp_slice(struct diag *diag, int64_t dim, int64_t start, int64_t end,
                               int64_t step, struct slice_axis *out)
{
    if (step == 0)
        return diag_set(diag, STATUS_BAD_INPUT, "a step of a slice is 0");
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? dim : dim - 1;
    if (start < 0 && __builtin_add_overflow(start, dim, &start))
        start = low;
    if (end < 0 && __builtin_add_overflow(end, dim, &end))
        end = low;
    int64_t least = dim > 0 ? 0 : low;
    start = start < least ? least : start > high ? high : start;
    end = end < low ? low : end > high ? high : end;
    int64_t span = step > 0 ? end - start : start - end;
    uint64_t stride = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
    out->start = start;
    out->step = step;
    out->count = span <= 0 ? 0 : (int64_t)(((uint64_t)span - 1) / stride + 1);
    return STATUS_OK;
}

enum status slice_axes(struct diag *diag, const struct shape *shape, const struct tensor *const *in,
                       size_t in_count, struct slice_axis axis[TENSOR_RANK_MAX])
{
    const int64_t *starts, *ends, *axes = NULL, *steps = NULL;
    size_t count, end_count, axes_count, steps_count;
    for (unsigned i = 0; i < shape->rank; i++)
        axis[i] = (struct slice_axis){0, 1, shape->dim[i]};
    enum status status = integers_of(diag, in[1], "starts", &starts, &count);
    if (status == STATUS_OK)
        status = integers_of(diag, in[2], "ends", &ends, &end_count);
    if (status == STATUS_OK && in_count > 3 && in[3] != NULL)
        status = integers_of(diag, in[3], "axes", &axes, &axes_count);
    if (status == STATUS_OK && in_count > 4 && in[4] != NULL)
        status = integers_of(diag, in[4], "steps", &steps, &steps_count);
    if (status != STATUS_OK)
        return status;
    if (end_count != count || (axes != NULL && axes_count != count) ||
        (steps != NULL && steps_count != count) || count > TENSOR_RANK_MAX)
        return diag_set(diag, STATUS_BAD_INPUT, "starts, ends, axes and steps differ in length");
    uint32_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned k;
        status = normalize_axis(diag, axes != NULL ? axes[i] : (int64_t)i, shape->rank, &k);
        if (status != STATUS_OK)
            return status;
        if (seen >> k & 1)
            return diag_set(diag, STATUS_BAD_INPUT, "axis %u is sliced twice", k);
        seen |= 1u << k;
        status = clamp_slice(diag, shape->dim[k], starts[i], ends[i], steps != NULL ? steps[i] : 1,
                             &axis[k]);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* The tensors of operands as far as they are known; false when a present one is not. */
static bool operand_data(const struct infer_call *call, size_t first, size_t count,
                         const struct tensor **data)
{
    bool known = true;
    for (size_t i = first; i < count; i++) {
        const struct value_info *in = infer_in(call, i);
        data[i] = in != NULL ? in->data : NULL;
        known = known && (in == NULL || in->data != NULL);
    }
    return known;
}

enum status infer_slice(struct infer_call *call)
{
    const struct tensor *data[5] = {NULL};
    enum status status = infer_need(call, 3);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!operand_data(call, 1, 5, data) || !call->in[0]->shape_known)
        return STATUS_OK;
    struct shape shape = call->in[0]->shape;
    struct slice_axis axis[TENSOR_RANK_MAX];
    status = slice_axes(call->diag, &shape, data, 5, axis);
    for (unsigned i = 0; status == STATUS_OK && i < shape.rank; i++)
        shape.dim[i] = axis[i].count;
    if (status == STATUS_OK)
        infer_result(call, 0, call->in[0]->type, &shape);
    return status;
}

enum status split_lengths(struct diag *diag, const struct tensor *split, size_t parts, int64_t size,
                          int64_t *length)
{
    const int64_t *list;
    size_t count;
    if (split == NULL) {
        int64_t chunk = (size + (int64_t)parts - 1) / (int64_t)parts;
        for (size_t i = 0; i < parts; i++) {
            length[i] = size < chunk ? size : chunk;
            size -= length[i];
        }
        return STATUS_OK;
    }
    enum status status = integers_of(diag, split, "split", &list, &count);
    if (status != STATUS_OK)
        return status;
    if (count != parts)
        return diag_set(diag, STATUS_BAD_INPUT, "split has %zu entries for %zu outputs", count,
                        parts);
    for (size_t i = 0; i < parts; i++) {
        if (list[i] < 0 || list[i] > size)
            return diag_set(diag, STATUS_BAD_INPUT, "the parts do not add up to the axis");
        length[i] = list[i];
        size -= list[i];
    }
    if (size != 0)
        return diag_set(diag, STATUS_BAD_INPUT, "the parts do not add up to the axis");
    return STATUS_OK;
}

enum status infer_split(struct infer_call *call)
{
    enum status status = infer_need(call, 1);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < call->out_count; i++)
        infer_result(call, i, call->in[0]->type, NULL);
    const struct value_info *split = infer_in(call, 1);
    if (!call->in[0]->shape_known || (split != NULL && split->data == NULL))
        return STATUS_OK;
    struct shape shape = call->in[0]->shape;
    unsigned axis;
    status = infer_axis(call, "axis", 0, &shape, &axis);
    if (status != STATUS_OK)
        return status;
    int64_t *length = kernel_alloc(call->arena, call->out_count, sizeof *length, call->diag);
    if (length == NULL)
        return STATUS_NO_MEMORY;
    status = split_lengths(call->diag, split != NULL ? split->data : NULL, call->out_count,
                           shape.dim[axis], length);
    for (size_t i = 0; status == STATUS_OK && i < call->out_count; i++) {
        shape.dim[axis] = length[i];
        infer_result(call, i, call->in[0]->type, &shape);
        call->out[i].text_table = call->in[0]->text_table;
    }
    return status;
}

enum status infer_squeeze(struct infer_call *call)
{
    enum status status = infer_need(call, 1);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    const struct value_info *axes = infer_in(call, 1);
    if (!call->in[0]->shape_known || (axes != NULL && axes->data == NULL))
        return STATUS_OK;
    const struct shape *in = &call->in[0]->shape;
    uint32_t mask = 0;
    if (axes != NULL) {
        const int64_t *list;
        size_t count;
        status = integers_of(call->diag, axes->data, "axes", &list, &count);
        if (status == STATUS_OK)
            status = normalize_axes(call->diag, list, count, in->rank, &mask);
        if (status != STATUS_OK)
            return status;
    }
    for (unsigned i = 0; i < in->rank; i++) {
        if (axes == NULL && in->dim[i] == 1)
            mask |= 1u << i;
        if ((mask >> i & 1) && in->dim[i] != 1)
            return infer_fail(call, STATUS_BAD_INPUT, "axis %u has %" PRId64 " elements, not one",
                              i, in->dim[i]);
    }
    struct shape shape = reduced_shape(in, mask, false);
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

enum status infer_unsqueeze(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!call->in[0]->shape_known || call->in[1]->data == NULL)
        return STATUS_OK;
    const struct shape *in = &call->in[0]->shape;
    const int64_t *list;
    size_t count;
    uint32_t mask;
    status = integers_of(call->diag, call->in[1]->data, "axes", &list, &count);
    if (status == STATUS_OK && in->rank + count > TENSOR_RANK_MAX)
        status = infer_fail(call, STATUS_LIMIT, "more than %d dimensions", TENSOR_RANK_MAX);
    if (status == STATUS_OK)
        status = normalize_axes(call->diag, list, count, in->rank + (unsigned)count, &mask);
    if (status != STATUS_OK)
        return status;
    struct shape shape = {.rank = (uint8_t)(in->rank + count)};
    for (unsigned i = 0, k = 0; i < shape.rank; i++)
        shape.dim[i] = (mask >> i & 1) ? 1 : in->dim[k++];
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

/* A shape written as an operand: every entry must be a dimension. */
static enum status read_shape(struct infer_call *call, const struct tensor *tensor,
                              struct shape *shape)
{
    const int64_t *list;
    size_t count;
    enum status status = integers_of(call->diag, tensor, "the shape", &list, &count);
    *shape = (struct shape){0};
    if (status != STATUS_OK)
        return status;
    if (count > TENSOR_RANK_MAX)
        return infer_fail(call, STATUS_LIMIT, "more than %d dimensions", TENSOR_RANK_MAX);
    shape->rank = (uint8_t)count;
    for (size_t i = 0; i < count; i++) {
        if (list[i] < 0)
            return infer_fail(call, STATUS_BAD_INPUT, "bad dimension %" PRId64, list[i]);
        shape->dim[i] = list[i];
    }
    return STATUS_OK;
}

enum status infer_expand(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!call->in[0]->shape_known || call->in[1]->data == NULL)
        return STATUS_OK;
    struct shape target, shape;
    status = read_shape(call, call->in[1]->data, &target);
    if (status != STATUS_OK)
        return status;
    if (!shape_broadcast(&shape, &call->in[0]->shape, &target))
        return infer_fail(call, STATUS_BAD_INPUT, "the operand does not broadcast to the shape");
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

enum status infer_tile(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!call->in[0]->shape_known || call->in[1]->data == NULL)
        return STATUS_OK;
    struct shape repeats, shape = call->in[0]->shape;
    status = read_shape(call, call->in[1]->data, &repeats);
    if (status != STATUS_OK)
        return status;
    if (repeats.rank != shape.rank)
        return infer_fail(call, STATUS_BAD_INPUT, "%u repeats for rank %u", repeats.rank,
                          shape.rank);
    for (unsigned i = 0; i < shape.rank; i++)
        if (__builtin_mul_overflow(shape.dim[i], repeats.dim[i], &shape.dim[i]))
            return infer_fail(call, STATUS_LIMIT, "the result is too large");
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

enum status infer_constant_of_shape(struct infer_call *call)
{
    enum status status = infer_need(call, 1);
    if (status != STATUS_OK)
        return status;
    const struct graph_attribute *value = graph_attribute(call->node, "value");
    enum element_type type =
        value != NULL && value->kind == ATTRIBUTE_TENSOR ? value->tensor->type : ELEMENT_F32;
    infer_result(call, 0, type, NULL);
    if (call->in[0]->data == NULL)
        return STATUS_OK;
    struct shape shape;
    status = read_shape(call, call->in[0]->data, &shape);
    if (status == STATUS_OK)
        infer_result(call, 0, type, &shape);
    return status;
}
