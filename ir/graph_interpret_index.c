/* Kernels of operators that read or write by index. See graph_interpret.h. */
#include "ir/graph_kernel_shared.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A possibly negative index against a dimension. */
static bool wrap_index(int64_t index, int64_t dim, int64_t *out)
{
    *out = index < 0 ? index + dim : index;
    return *out >= 0 && *out < dim;
}

static enum status bad_index(struct kernel_call *call, int64_t index, int64_t dim)
{
    return kernel_fail(call, STATUS_BAD_INPUT, "index %" PRId64 " is outside %" PRId64 " elements",
                       index, dim);
}

static enum status axis_of(struct kernel_call *call, int64_t fallback, unsigned *axis)
{
    return normalize_axis(call->diag, graph_attribute_int(call->node, "axis", fallback),
                          call->in[0]->shape.rank, axis);
}

enum status run_gather(struct kernel_call *call)
{
    const struct tensor *data = call->in[0], *indices = call->in[1];
    unsigned axis;
    enum status status = axis_of(call, 0, &axis);
    if (status != STATUS_OK)
        return status;
    struct axis_view view = axis_view_of(&data->shape, axis);
    size_t at = 0;
    for (size_t outer = 0; outer < view.outer; outer++)
        for (size_t k = 0; k < indices->count; k++, at += view.inner) {
            int64_t row;
            if (!wrap_index(indices->data.integer[k], (int64_t)view.length, &row))
                return bad_index(call, indices->data.integer[k], (int64_t)view.length);
            memcpy(call->out[0]->data.integer + at,
                   data->data.integer + (outer * view.length + (size_t)row) * view.inner,
                   view.inner * sizeof(int64_t));
        }
    return STATUS_OK;
}

enum status run_gather_elements(struct kernel_call *call)
{
    const struct tensor *data = call->in[0], *indices = call->in[1];
    unsigned axis;
    int64_t stride[TENSOR_RANK_MAX];
    enum status status = axis_of(call, 0, &axis);
    if (status != STATUS_OK)
        return status;
    struct walk walk;
    shape_strides(stride, &data->shape);
    walk_begin(&walk, &indices->shape);
    walk_strides(&walk, stride, 0);
    for (size_t i = 0; i < indices->count; i++, walk_next(&walk)) {
        int64_t at;
        if (!wrap_index(indices->data.integer[i], data->shape.dim[axis], &at))
            return bad_index(call, indices->data.integer[i], data->shape.dim[axis]);
        at = walk.offset[0] + (at - walk.index[axis]) * stride[axis];
        tensor_copy_element(call->out[0], i, data, (size_t)at);
    }
    return STATUS_OK;
}

/* Where an index tuple points: offset in blocks of the axes after it. */
static enum status tuple_offset(struct kernel_call *call, const int64_t *tuple, unsigned depth,
                                const struct shape *shape, unsigned first, size_t *block)
{
    *block = 0;
    for (unsigned k = 0; k < depth; k++) {
        int64_t dim = shape->dim[first + k], at;
        if (!wrap_index(tuple[k], dim, &at))
            return bad_index(call, tuple[k], dim);
        *block = *block * (size_t)dim + (size_t)at;
    }
    return STATUS_OK;
}

enum status run_gather_nd(struct kernel_call *call)
{
    const struct tensor *data = call->in[0], *indices = call->in[1];
    unsigned batch = (unsigned)graph_attribute_int(call->node, "batch_dims", 0);
    unsigned depth = (unsigned)indices->shape.dim[indices->shape.rank - 1];
    size_t batches = 1, per_batch = 1, inner = 1, batch_elements = 1;
    for (unsigned i = 0; i < data->shape.rank; i++) {
        *(i < batch ? &batches : &batch_elements) *= (size_t)data->shape.dim[i];
        inner *= i >= batch + depth ? (size_t)data->shape.dim[i] : 1;
    }
    for (unsigned i = batch; i + 1 < indices->shape.rank; i++)
        per_batch *= (size_t)indices->shape.dim[i];
    for (size_t i = 0; i < batches * per_batch; i++) {
        size_t block;
        enum status status = tuple_offset(call, indices->data.integer + i * depth, depth,
                                          &data->shape, batch, &block);
        if (status != STATUS_OK)
            return status;
        memcpy(call->out[0]->data.integer + i * inner,
               data->data.integer + i / per_batch * batch_elements + block * inner,
               inner * sizeof(int64_t));
    }
    return STATUS_OK;
}

/* --- scatter
 * ------------------------------------------------------------------------------------------- */

enum scatter_mode { SCATTER_NONE, SCATTER_ADD, SCATTER_MUL, SCATTER_MAX, SCATTER_MIN };

static enum status scatter_mode_of(struct kernel_call *call, enum scatter_mode *mode)
{
    static const char *const names[] = {"none", "add", "mul", "max", "min"};
    const char *text = graph_attribute_text(call->node, "reduction", "none");
    for (unsigned i = 0; i < 5; i++) {
        *mode = (enum scatter_mode)i;
        if (strcmp(text, names[i]) == 0)
            return STATUS_OK;
    }
    return kernel_fail(call, STATUS_UNSUPPORTED, "reduction '%s'", text);
}

static void scatter_real(struct tensor *out, size_t i, enum scatter_mode mode, double x)
{
    double old = out->data.real[i];
    switch (mode) {
    case SCATTER_NONE:
        tensor_set_real(out, i, x);
        break;
    case SCATTER_ADD:
        tensor_set_real(out, i, old + x);
        break;
    case SCATTER_MUL:
        tensor_set_real(out, i, old * x);
        break;
    case SCATTER_MAX:
        tensor_set_real(out, i, isnan(old) || old > x ? old : x);
        break;
    case SCATTER_MIN:
        tensor_set_real(out, i, isnan(old) || old < x ? old : x);
        break;
    }
}

static void scatter_integer(struct tensor *out, size_t i, enum scatter_mode mode, int64_t x)
{
    int64_t old = out->data.integer[i];
    bool less = out->type == ELEMENT_U64 ? (uint64_t)old < (uint64_t)x : old < x;
    switch (mode) {
    case SCATTER_NONE:
        tensor_set_integer(out, i, x);
        break;
    case SCATTER_ADD:
        tensor_set_integer(out, i, (int64_t)((uint64_t)old + (uint64_t)x));
        break;
    case SCATTER_MUL:
        tensor_set_integer(out, i, (int64_t)((uint64_t)old * (uint64_t)x));
        break;
    case SCATTER_MAX:
        tensor_set_integer(out, i, less ? x : old);
        break;
    case SCATTER_MIN:
        tensor_set_integer(out, i, less ? old : x);
        break;
    }
}

static void scatter_element(struct tensor *out, size_t i, enum scatter_mode mode,
                            const struct tensor *updates, size_t j)
{
    if (element_type_is_float(out->type))
        scatter_real(out, i, mode, updates->data.real[j]);
    else
        scatter_integer(out, i, mode, updates->data.integer[j]);
}

enum status run_scatter_elements(struct kernel_call *call)
{
    const struct tensor *data = call->in[0], *indices = call->in[1], *updates = call->in[2];
    unsigned axis;
    int64_t stride[TENSOR_RANK_MAX];
    enum scatter_mode mode;
    enum status status = axis_of(call, 0, &axis);
    if (status == STATUS_OK)
        status = scatter_mode_of(call, &mode);
    if (status != STATUS_OK)
        return status;
    struct tensor *out = call->out[0];
    memcpy(out->data.integer, data->data.integer, data->count * sizeof(int64_t));
    struct walk walk;
    shape_strides(stride, &data->shape);
    walk_begin(&walk, &indices->shape);
    walk_strides(&walk, stride, 0);
    for (size_t i = 0; i < indices->count; i++, walk_next(&walk)) {
        int64_t at;
        if (!wrap_index(indices->data.integer[i], data->shape.dim[axis], &at))
            return bad_index(call, indices->data.integer[i], data->shape.dim[axis]);
        at = walk.offset[0] + (at - walk.index[axis]) * stride[axis];
        scatter_element(out, (size_t)at, mode, updates, i);
    }
    return STATUS_OK;
}

enum status run_scatter_nd(struct kernel_call *call)
{
    const struct tensor *data = call->in[0], *indices = call->in[1], *updates = call->in[2];
    unsigned depth = (unsigned)indices->shape.dim[indices->shape.rank - 1];
    enum scatter_mode mode;
    enum status status = scatter_mode_of(call, &mode);
    if (status != STATUS_OK)
        return status;
    struct tensor *out = call->out[0];
    memcpy(out->data.integer, data->data.integer, data->count * sizeof(int64_t));
    size_t inner = 1;
    for (unsigned i = depth; i < data->shape.rank; i++)
        inner *= (size_t)data->shape.dim[i];
    for (size_t i = 0; i < indices->count / depth; i++) {
        size_t block;
        status =
            tuple_offset(call, indices->data.integer + i * depth, depth, &data->shape, 0, &block);
        if (status != STATUS_OK)
            return status;
        for (size_t k = 0; k < inner; k++)
            scatter_element(out, block * inner + k, mode, updates, i * inner + k);
    }
    return STATUS_OK;
}

/* --- OneHot, Compress, NonZero, Unique
 * -------------------------------------------------------------------- */

/* (indices, depth, [off, on]); an index outside [-depth, depth - 1] gives a row of `off`. */
enum status run_one_hot(struct kernel_call *call)
{
    const struct tensor *indices = call->in[0], *values = call->in[2];
    struct tensor *out = call->out[0];
    unsigned axis;
    enum status status = normalize_axis(call->diag, graph_attribute_int(call->node, "axis", -1),
                                        out->shape.rank, &axis);
    if (status != STATUS_OK)
        return status;
    if (values->count != 2)
        return kernel_fail(call, STATUS_BAD_INPUT, "values must be [off, on]");
    struct axis_view view = axis_view_of(&out->shape, axis);
    for (size_t i = 0; i < out->count; i++) {
        size_t inner = i % view.inner, k = i / view.inner % view.length;
        size_t outer = i / view.inner / view.length;
        double index = tensor_real(indices, outer * view.inner + inner);
        double wrapped = index < 0 ? index + (double)view.length : index;
        tensor_copy_element(out, i, values, trunc(wrapped) == (double)k && wrapped > -1.0 ? 1 : 0);
    }
    return STATUS_OK;
}

enum status run_compress(struct kernel_call *call)
{
    const struct tensor *in = call->in[0], *condition = call->in[1];
    struct axis_view view = {1, in->count, 1};
    unsigned axis;
    if (graph_attribute(call->node, "axis") != NULL) {
        enum status status = axis_of(call, 0, &axis);
        if (status != STATUS_OK)
            return status;
        view = axis_view_of(&in->shape, axis);
    }
    size_t kept = 0, length;
    for (size_t k = 0; k < view.length && k < condition->count; k++)
        kept += condition->data.integer[k] != 0;
    enum status status = room_length(call, kept, &length);
    for (size_t outer = 0; status == STATUS_OK && outer < view.outer; outer++) {
        size_t at = outer * length * view.inner;
        for (size_t k = 0; k < view.length && k < condition->count; k++) {
            if (condition->data.integer[k] == 0)
                continue;
            for (size_t i = 0; i < view.inner; i++)
                tensor_copy_element(call->out[0], at++, in,
                                    (outer * view.length + k) * view.inner + i);
        }
    }
    room_set_number(call, 1, kept);
    return status;
}

static bool is_zero(const struct tensor *tensor, size_t i)
{
    return element_type_is_float(tensor->type) ? tensor->data.real[i] == 0
                                               : tensor->data.integer[i] == 0;
}

enum status run_non_zero(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    size_t count = 0, at = 0;
    for (size_t i = 0; i < in->count; i++)
        count += is_zero(in, i) ? 0 : 1;
    size_t length;
    enum status status = room_length(call, count, &length);
    if (status != STATUS_OK)
        return status;
    room_set_number(call, 1, count);
    struct shape shape = {2, {in->shape.rank, (int64_t)length}};
    struct tensor *out = kernel_output(call, 0, &shape);
    if (out == NULL)
        return STATUS_NO_MEMORY;
    struct walk walk;
    walk_begin(&walk, &in->shape);
    for (size_t i = 0; i < in->count; i++, walk_next(&walk)) {
        if (is_zero(in, i))
            continue;
        for (unsigned k = 0; k < in->shape.rank; k++)
            out->data.integer[k * length + at] = walk.index[k];
        at++;
    }
    return STATUS_OK;
}

/* Blocks of a tensor along an axis, for Unique. */
struct blocks {
    const struct tensor *tensor;
    struct axis_view view;
};

/* Compares block i with block j, element by element in row-major order. */
static int compare_blocks(const struct blocks *blocks, size_t i, size_t j)
{
    const struct axis_view *v = &blocks->view;
    const struct tensor *t = blocks->tensor;
    for (size_t outer = 0; outer < v->outer; outer++)
        for (size_t inner = 0; inner < v->inner; inner++) {
            size_t a = (outer * v->length + i) * v->inner + inner;
            size_t b = (outer * v->length + j) * v->inner + inner;
            int order;
            if (element_type_is_float(t->type)) {
                double x = t->data.real[a], y = t->data.real[b];
                order = isnan(x) || isnan(y) ? isnan(x) - isnan(y) : (x > y) - (x < y);
            } else {
                int64_t x = t->data.integer[a], y = t->data.integer[b];
                order = t->type == ELEMENT_U64
                            ? ((uint64_t)x > (uint64_t)y) - ((uint64_t)x < (uint64_t)y)
                            : (x > y) - (x < y);
            }
            if (order != 0)
                return order;
        }
    return 0;
}

static int compare_block_pointers(const void *a, const void *b, void *context)
{
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    int order = compare_blocks(context, i, j);
    return order != 0 ? order : (i > j) - (i < j);
}

static int compare_sizes(const void *a, const void *b)
{
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    return (i > j) - (i < j);
}

/* order: sorted blocks; first[u], group[i]: the first block of each class and the class of a block.
 */
struct classes {
    size_t *order, *first, *group, *members;
    size_t count;
};

/* Groups equal blocks; classes are in sorted order, or in order of first appearance. */
static enum status find_classes(struct kernel_call *call, struct blocks *blocks, bool sorted,
                                struct classes *classes)
{
    size_t n = blocks->view.length;
    size_t *rank = kernel_alloc(call->arena, n, sizeof *rank, call->diag);
    classes->order = kernel_alloc(call->arena, n, sizeof *classes->order, call->diag);
    classes->first = kernel_alloc(call->arena, n, sizeof *classes->first, call->diag);
    classes->group = kernel_alloc(call->arena, n, sizeof *classes->group, call->diag);
    classes->members = kernel_alloc(call->arena, n, sizeof *classes->members, call->diag);
    if (rank == NULL || classes->order == NULL || classes->first == NULL ||
        classes->group == NULL || classes->members == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        classes->order[i] = i;
    qsort_r(classes->order, n, sizeof *classes->order, compare_block_pointers, blocks);
    for (size_t i = 0; i < n; i++) {
        bool is_new =
            i == 0 || compare_blocks(blocks, classes->order[i - 1], classes->order[i]) != 0;
        if (is_new)
            classes->first[classes->count++] = classes->order[i];
        classes->group[classes->order[i]] = classes->count - 1;
    }
    if (!sorted) {
        qsort(classes->first, classes->count, sizeof *classes->first, compare_sizes);
        for (size_t u = 0; u < classes->count; u++)
            rank[classes->group[classes->first[u]]] = u;
        for (size_t i = 0; i < n; i++)
            classes->group[i] = rank[classes->group[i]];
    }
    for (size_t i = 0; i < n; i++)
        classes->members[classes->group[i]]++;
    return STATUS_OK;
}

static enum status set_integers(struct kernel_call *call, size_t output, const size_t *list,
                                size_t count, size_t length)
{
    if (output >= call->out_count || call->node->outputs[output] == GRAPH_NONE)
        return STATUS_OK;
    struct shape shape = {1, {(int64_t)length}};
    struct tensor *out = kernel_output(call, output, &shape);
    if (out == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        out->data.integer[i] = (int64_t)list[i];
    return STATUS_OK;
}

enum status run_unique(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    struct blocks blocks = {in, {1, in->count, 1}};
    struct shape shape = {.rank = 1};
    struct classes classes = {0};
    unsigned axis = 0;
    enum status status = STATUS_OK;
    if (graph_attribute(call->node, "axis") != NULL) {
        status = axis_of(call, 0, &axis);
        if (status != STATUS_OK)
            return status;
        blocks.view = axis_view_of(&in->shape, axis);
        shape = in->shape;
    }
    bool sorted = graph_attribute_int(call->node, "sorted", 1) != 0;
    status = find_classes(call, &blocks, sorted, &classes);
    if (status != STATUS_OK)
        return status;
    size_t length;
    status = room_length(call, classes.count, &length);
    if (status != STATUS_OK)
        return status;
    room_set_number(call, 4, classes.count);
    shape.dim[axis] = (int64_t)length;
    struct tensor *out = kernel_output(call, 0, &shape);
    if (out == NULL)
        return STATUS_NO_MEMORY;
    const struct axis_view *view = &blocks.view;
    for (size_t outer = 0; outer < view->outer; outer++)
        for (size_t u = 0; u < classes.count; u++)
            memcpy(out->data.integer + (outer * length + u) * view->inner,
                   in->data.integer + (outer * view->length + classes.first[u]) * view->inner,
                   view->inner * sizeof(int64_t));
    status = set_integers(call, 1, classes.first, classes.count, length);
    if (status == STATUS_OK)
        status = set_integers(call, 2, classes.group, view->length, view->length);
    if (status == STATUS_OK)
        status = set_integers(call, 3, classes.members, classes.count, length);
    return status;
}
