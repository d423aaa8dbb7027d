/* Helpers of shape rules and kernels: memory, element access, axes, walking broadcast shapes. */
#include "ir/graph_kernel_shared.h"

#include <inttypes.h>
#include <string.h>

void *kernel_alloc(struct arena *arena, size_t count, size_t size, struct diag *diag)
{
    void *memory = arena_alloc_array(arena, count, size);
    if (memory == NULL)
        arena_failure(arena, count * size, "the values of the graph", diag);
    return memory;
}

struct tensor *kernel_output(struct kernel_call *call, size_t i, const struct shape *shape)
{
    ASSERT(i < call->out_count);
    if (call->out[i] != NULL) {
        ASSERT(shape_equal(&call->out[i]->shape, shape));
        return call->out[i];
    }
    call->out[i] = tensor_new(call->arena, call->out_type[i], shape);
    if (call->out[i] == NULL)
        arena_failure(call->arena, 0, "the values of the graph", call->diag);
    return call->out[i];
}

struct room room_of(const struct graph_node *node)
{
    const struct graph_attribute *count = graph_attribute(node, "count");
    return (struct room){.is_given = count != NULL,
                         .padded = graph_attribute_int(node, "padded", 0) != 0,
                         .count = count == NULL ? 0 : count->integer};
}

enum status room_length(struct kernel_call *call, size_t found, size_t *length)
{
    struct room room = room_of(call->node);
    *length = room.is_given ? (size_t)room.count : found;
    if (room.is_given && (found > *length || (found < *length && !room.padded)))
        return kernel_fail(
            call, STATUS_BAD_INPUT,
            "%zu results, the model was compiled for %s%zu; compile it with --max-dim, "
            "which gives the most there may be",
            found, room.padded ? "at most " : "", *length);
    return STATUS_OK;
}

void room_set_number(struct kernel_call *call, size_t i, size_t found)
{
    if (i < call->out_count && call->out[i] != NULL)
        call->out[i]->data.integer[0] = (int64_t)found;
}

const struct tensor *kernel_in(const struct kernel_call *call, size_t i)
{
    return i < call->in_count ? call->in[i] : NULL;
}

enum status normalize_axis(struct diag *diag, int64_t axis, unsigned rank, unsigned *out)
{
    *out = 0;
    if (axis < -(int64_t)rank || axis >= (int64_t)rank)
        return diag_set(diag, STATUS_BAD_INPUT, "axis %" PRId64 " is outside rank %u", axis, rank);
    *out = (unsigned)(axis < 0 ? axis + (int64_t)rank : axis);
    return STATUS_OK;
}

enum status normalize_axes(struct diag *diag, const int64_t *axes, size_t count, unsigned rank,
                           uint32_t *mask)
{
    *mask = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned axis;
        enum status status = normalize_axis(diag, axes[i], rank, &axis);
        if (status != STATUS_OK)
            return status;
        if (*mask >> axis & 1)
            return diag_set(diag, STATUS_BAD_INPUT, "axis %u is named twice", axis);
        *mask |= 1u << axis;
    }
    return STATUS_OK;
}

enum status integers_of(struct diag *diag, const struct tensor *tensor, const char *what,
                        const int64_t **integers, size_t *count)
{
    *integers = NULL;
    *count = 0;
    if (tensor == NULL || !element_type_is_integer(tensor->type))
        return diag_set(diag, STATUS_BAD_INPUT, "%s must be integers", what);
    *integers = tensor->data.integer;
    *count = tensor->count;
    return STATUS_OK;
}

enum status scalar_integer(struct diag *diag, const struct tensor *tensor, const char *what,
                           int64_t *out)
{
    const int64_t *integers;
    size_t count;
    *out = 0;
    enum status status = integers_of(diag, tensor, what, &integers, &count);
    if (status != STATUS_OK)
        return status;
    if (count != 1)
        return diag_set(diag, STATUS_BAD_INPUT, "%s has %zu elements; it must be one integer", what,
                        count);
    *out = integers[0];
    return STATUS_OK;
}

void tensor_copy_element(struct tensor *to, size_t i, const struct tensor *from, size_t j)
{
    if (element_type_is_float(to->type))
        to->data.real[i] = from->data.real[j];
    else if (to->type == ELEMENT_STRING)
        to->data.text[i] = from->data.text[j];
    else
        to->data.integer[i] = from->data.integer[j];
}

void shape_strides(int64_t stride[TENSOR_RANK_MAX], const struct shape *shape)
{
    int64_t step = 1;
    for (unsigned i = shape->rank; i-- > 0;) {
        stride[i] = step;
        step *= shape->dim[i];
    }
}

void walk_begin(struct walk *walk, const struct shape *shape)
{
    *walk = (struct walk){.rank = shape->rank};
    memcpy(walk->dim, shape->dim, sizeof walk->dim);
}

void walk_broadcast(struct walk *walk, const struct shape *operand)
{
    int64_t own[TENSOR_RANK_MAX], stride[TENSOR_RANK_MAX] = {0};
    shape_strides(own, operand);
    ASSERT(operand->rank <= walk->rank);
    unsigned shift = walk->rank - operand->rank;
    for (unsigned i = 0; i < operand->rank; i++)
        stride[i + shift] = operand->dim[i] == 1 ? 0 : own[i];
    walk_strides(walk, stride, 0);
}

void walk_strides(struct walk *walk, const int64_t *stride, int64_t offset)
{
    ASSERT(walk->operand_count < KERNEL_OPERANDS_MAX);
    unsigned operand = walk->operand_count++;
    for (unsigned i = 0; i < walk->rank; i++)
        walk->stride[operand][i] = stride[i];
    walk->offset[operand] = offset;
}

void walk_next(struct walk *walk)
{
    for (unsigned axis = walk->rank; axis-- > 0;) {
        bool wraps = ++walk->index[axis] == walk->dim[axis];
        for (unsigned k = 0; k < walk->operand_count; k++)
            walk->offset[k] +=
                wraps ? -walk->stride[k][axis] * (walk->dim[axis] - 1) : walk->stride[k][axis];
        if (!wraps)
            return;
        walk->index[axis] = 0;
    }
}

struct axis_view axis_view_of(const struct shape *shape, unsigned axis)
{
    struct axis_view view = {1, (size_t)shape->dim[axis], 1};
    for (unsigned i = 0; i < axis; i++)
        view.outer *= (size_t)shape->dim[i];
    for (unsigned i = axis + 1; i < shape->rank; i++)
        view.inner *= (size_t)shape->dim[i];
    return view;
}

void integer_bounds(enum element_type type, int64_t *low, int64_t *high)
{
    unsigned bits = element_type_bits(type);
    ASSERT(bits > 0 && bits <= 32);
    bool is_signed = element_wrap(type, -1) < 0;
    *low = is_signed ? -(INT64_C(1) << (bits - 1)) : 0;
    *high = is_signed ? (INT64_C(1) << (bits - 1)) - 1 : (INT64_C(1) << bits) - 1;
}

int64_t quantize_element(enum element_type type, double real, int64_t zero)
{
    int64_t low, high;
    integer_bounds(type, &low, &high);
    double shifted = rint(real) + (double)zero;
    if (isnan(shifted) || shifted <= (double)low)
        return isnan(shifted) ? zero : low;
    return shifted >= (double)high ? high : (int64_t)shifted;
}
