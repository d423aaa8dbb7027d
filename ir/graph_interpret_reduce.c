/*
 * Kernels that reduce or order the elements of axes: Reduce*, ArgMax, ArgMin, TopK, the softmax
 * family. Sums run in row-major order of the reduced elements, in float64. See graph_interpret.h.
 */
#include "ir/graph_kernel_shared.h"
#include "ir/rounded_math.h"

#include <stdlib.h>

/* --- Reduce* ------------------------------------------------------------------------------------
 */

/* A reduction as two walks: over the outputs, and over the elements that go into one. */
struct reduction {
    struct walk outputs;
    struct shape inner;
    int64_t inner_stride[TENSOR_RANK_MAX];
    size_t inner_count;
};

static void reduction_begin(struct reduction *reduction, const struct shape *shape, uint32_t mask)
{
    int64_t own[TENSOR_RANK_MAX], outer_stride[TENSOR_RANK_MAX];
    struct shape outer = {0};
    *reduction = (struct reduction){.inner_count = 1};
    shape_strides(own, shape);
    for (unsigned i = 0; i < shape->rank; i++) {
        if (mask >> i & 1) {
            reduction->inner_stride[reduction->inner.rank] = own[i];
            reduction->inner.dim[reduction->inner.rank++] = shape->dim[i];
            reduction->inner_count *= (size_t)shape->dim[i];
        } else {
            outer_stride[outer.rank] = own[i];
            outer.dim[outer.rank++] = shape->dim[i];
        }
    }
    walk_begin(&reduction->outputs, &outer);
    walk_strides(&reduction->outputs, outer_stride, 0);
}

static void reduction_elements(const struct reduction *reduction, struct walk *walk)
{
    walk_begin(walk, &reduction->inner);
    walk_strides(walk, reduction->inner_stride, reduction->outputs.offset[0]);
}

static double reduce_real_max(const double *data, const struct reduction *r, bool least)
{
    struct walk walk;
    double best = least ? INFINITY : -INFINITY;
    reduction_elements(r, &walk);
    for (size_t i = 0; i < r->inner_count; i++, walk_next(&walk)) {
        double x = data[walk.offset[0]];
        if (isnan(x))
            return NAN;
        if (least ? x < best : x > best)
            best = x;
    }
    return best;
}

/* log(sum(exp(x))) around the maximum, so that nothing overflows. */
static double reduce_log_sum_exp(const double *data, const struct reduction *r)
{
    struct walk walk;
    double top = reduce_real_max(data, r, false), sum = 0.0;
    if (isnan(top) || isinf(top))
        return top;
    reduction_elements(r, &walk);
    for (size_t i = 0; i < r->inner_count; i++, walk_next(&walk))
        sum += rounded_exp(data[walk.offset[0]] - top);
    return top + rounded_log(sum);
}

static double reduce_real(enum op_kind op, const double *data, const struct reduction *r)
{
    struct walk walk;
    if (op == OP_REDUCE_MAX || op == OP_REDUCE_MIN)
        return reduce_real_max(data, r, op == OP_REDUCE_MIN);
    if (op == OP_REDUCE_LOG_SUM_EXP)
        return reduce_log_sum_exp(data, r);
    double result = op == OP_REDUCE_PROD ? 1.0 : 0.0;
    reduction_elements(r, &walk);
    for (size_t i = 0; i < r->inner_count; i++, walk_next(&walk)) {
        double x = data[walk.offset[0]];
        if (op == OP_REDUCE_PROD)
            result *= x;
        else
            result += op == OP_REDUCE_SUM_SQUARE ? x * x : x;
    }
    return op == OP_REDUCE_MEAN ? result / (double)r->inner_count : result;
}

/* The starting value of an integer Max or Min: what an empty axis gives. */
static int64_t extreme_of(enum element_type type, bool least)
{
    if (type == ELEMENT_BOOL)
        return least;
    if (type == ELEMENT_I64)
        return least ? INT64_MAX : INT64_MIN;
    if (type == ELEMENT_U64)
        return least ? -1 : 0;
    int64_t low, high;
    integer_bounds(type, &low, &high);
    return least ? high : low;
}

static int64_t reduce_integer(enum op_kind op, const struct tensor *in, const struct reduction *r)
{
    struct walk walk;
    bool is_unsigned = in->type == ELEMENT_U64;
    uint64_t result = op == OP_REDUCE_PROD ? 1 : 0;
    if (op == OP_REDUCE_MAX || op == OP_REDUCE_MIN)
        result = (uint64_t)extreme_of(in->type, op == OP_REDUCE_MIN);
    reduction_elements(r, &walk);
    for (size_t i = 0; i < r->inner_count; i++, walk_next(&walk)) {
        uint64_t x = (uint64_t)in->data.integer[walk.offset[0]];
        bool less = is_unsigned ? x < result : (int64_t)x < (int64_t)result;
        switch (op) {
        case OP_REDUCE_PROD:
            result *= x;
            break;
        case OP_REDUCE_MAX:
            result = less ? result : x;
            break;
        case OP_REDUCE_MIN:
            result = less ? x : result;
            break;
        case OP_REDUCE_SUM_SQUARE:
            result += x * x;
            break;
        default:
            result += x;
            break;
        }
    }
    if (op != OP_REDUCE_MEAN || r->inner_count == 0)
        return (int64_t)result;
    return is_unsigned ? (int64_t)(result / r->inner_count)
                       : (int64_t)result / (int64_t)r->inner_count;
}

enum status run_reduce(struct kernel_call *call)
{
    const struct tensor *in = call->in[0], *axes = kernel_in(call, 1);
    uint32_t mask;
    enum status status =
        reduce_axes(call->node, axes, axes != NULL, in->shape.rank, call->diag, &mask);
    if (status != STATUS_OK)
        return status;
    enum op_kind op = call->node->op;
    bool real = element_type_is_float(in->type);
    if (!real && op == OP_REDUCE_LOG_SUM_EXP)
        return kernel_fail(call, STATUS_UNSUPPORTED, "the operator has no meaning on %s",
                           element_type_name(in->type));
    struct reduction reduction;
    reduction_begin(&reduction, &in->shape, mask);
    for (size_t i = 0; i < call->out[0]->count; i++, walk_next(&reduction.outputs)) {
        if (real)
            tensor_set_real(call->out[0], i, reduce_real(op, in->data.real, &reduction));
        else
            tensor_set_integer(call->out[0], i, reduce_integer(op, in, &reduction));
    }
    return STATUS_OK;
}

/* --- order --------------------------------------------------------------------------------------
 */

/* A total order of elements of one type: NaN above all. */
static int compare_elements(const struct tensor *tensor, size_t i, size_t j)
{
    if (element_type_is_float(tensor->type)) {
        double x = tensor->data.real[i], y = tensor->data.real[j];
        if (isnan(x) || isnan(y))
            return (isnan(x) ? 1 : 0) - (isnan(y) ? 1 : 0);
        return (x > y) - (x < y);
    }
    int64_t x = tensor->data.integer[i], y = tensor->data.integer[j];
    if (tensor->type == ELEMENT_U64)
        return ((uint64_t)x > (uint64_t)y) - ((uint64_t)x < (uint64_t)y);
    return (x > y) - (x < y);
}

enum status run_arg_reduce(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    unsigned axis;
    enum status status = normalize_axis(call->diag, graph_attribute_int(call->node, "axis", 0),
                                        in->shape.rank, &axis);
    if (status != STATUS_OK)
        return status;
    bool last = graph_attribute_int(call->node, "select_last_index", 0) != 0;
    int sign = call->node->op == OP_ARG_MAX ? 1 : -1;
    struct axis_view view = axis_view_of(&in->shape, axis);
    for (size_t line = 0; line < call->out[0]->count; line++) {
        size_t first = line / view.inner * view.length * view.inner + line % view.inner, best = 0;
        for (size_t k = 1; k < view.length; k++) {
            int order =
                sign * compare_elements(in, first + k * view.inner, first + best * view.inner);
            if (order > 0 || (order == 0 && last))
                best = k;
        }
        call->out[0]->data.integer[line] = (int64_t)best;
    }
    return STATUS_OK;
}

/* One line of TopK for qsort_r: where it starts, and which way it runs. */
struct line_order {
    const struct tensor *tensor;
    size_t first, step;
    int sign;
};

static int compare_in_line(const void *a, const void *b, void *context)
{
    const struct line_order *line = context;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    int order = line->sign * compare_elements(line->tensor, line->first + i * line->step,
                                              line->first + j * line->step);
    return order != 0 ? order : (i > j) - (i < j);
}

enum status run_top_k(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    struct tensor *values = call->out[0], *indices = call->out_count > 1 ? call->out[1] : NULL;
    unsigned axis;
    enum status status = normalize_axis(call->diag, graph_attribute_int(call->node, "axis", -1),
                                        in->shape.rank, &axis);
    if (status != STATUS_OK)
        return status;
    struct axis_view view = axis_view_of(&in->shape, axis);
    int64_t k;
    status = scalar_integer(call->diag, call->in[1], "K", &k);
    if (status != STATUS_OK)
        return status;
    size_t *order = kernel_alloc(call->arena, view.length, sizeof *order, call->diag);
    if (order == NULL)
        return STATUS_NO_MEMORY;
    bool largest = graph_attribute_int(call->node, "largest", 1) != 0;
    for (size_t line = 0; line < view.outer * view.inner; line++) {
        size_t block = line / view.inner, column = line % view.inner;
        struct line_order context = {in, block * view.length * view.inner + column, view.inner,
                                     largest ? -1 : 1};
        for (size_t i = 0; i < view.length; i++)
            order[i] = i;
        qsort_r(order, view.length, sizeof *order, compare_in_line, &context);
        for (size_t i = 0; i < (size_t)k; i++) {
            size_t at = (block * (size_t)k + i) * view.inner + column;
            if (values != NULL)
                tensor_copy_element(values, at, in, context.first + order[i] * view.inner);
            if (indices != NULL)
                indices->data.integer[at] = (int64_t)order[i];
        }
    }
    return STATUS_OK;
}

/* --- softmax family
 * ------------------------------------------------------------------------------- */

/* [outer, length, inner] of the softmax axes; flatten = 1 joins all axes from `axis` on. */
static enum status softmax_view(struct kernel_call *call, struct axis_view *view)
{
    const struct shape *shape = &call->in[0]->shape;
    int64_t given = graph_attribute_int(call->node, "axis", -1);
    unsigned axis;
    *view = (struct axis_view){1, 1, 1};
    if (graph_attribute_int(call->node, "flatten", 0) == 0) {
        enum status status = normalize_axis(call->diag, given, shape->rank, &axis);
        if (status == STATUS_OK)
            *view = axis_view_of(shape, axis);
        return status;
    }
    if (given == (int64_t)shape->rank) {
        view->outer = call->in[0]->count;
        return STATUS_OK;
    }
    enum status status = normalize_axis(call->diag, given, shape->rank, &axis);
    for (unsigned i = 0; status == STATUS_OK && i < shape->rank; i++)
        *(i < axis ? &view->outer : &view->length) *= (size_t)shape->dim[i];
    return status;
}

static size_t line_argmax(const double *x, const struct axis_view *view)
{
    size_t best = 0;
    for (size_t k = 1; k < view->length; k++)
        if (x[k * view->inner] > x[best * view->inner])
            best = k;
    return best;
}

/* One line; NaN anywhere makes the whole line NaN. */
static void softmax_line(enum op_kind op, struct tensor *out, size_t first, const double *x,
                         const struct axis_view *view)
{
    size_t best = line_argmax(x, view);
    double top = x[best * view->inner], sum = 0.0;
    if (op == OP_HARDMAX) {
        tensor_set_real(out, first + best * view->inner, 1.0);
        return;
    }
    if (isinf(top) && top < 0) /* all minus infinity: no finite maximum to stand on */
        top = NAN;
    double *exponentials = out->data.real + first;
    for (size_t k = 0; k < view->length; k++) {
        exponentials[k * view->inner] = rounded_exp(x[k * view->inner] - top);
        sum += exponentials[k * view->inner];
    }
    double log_sum = op == OP_LOG_SOFTMAX ? rounded_log(sum) : 0.0;
    for (size_t k = 0; k < view->length; k++) {
        size_t i = first + k * view->inner;
        tensor_set_real(out, i,
                        op == OP_LOG_SOFTMAX ? x[k * view->inner] - top - log_sum
                                             : out->data.real[i] / sum);
    }
}

enum status run_softmax(struct kernel_call *call)
{
    struct axis_view view;
    enum status status = softmax_view(call, &view);
    if (status != STATUS_OK || view.length == 0)
        return status;
    for (size_t line = 0; line < view.outer * view.inner; line++) {
        size_t first = line / view.inner * view.length * view.inner + line % view.inner;
        softmax_line(call->node->op, call->out[0], first, call->in[0]->data.real + first, &view);
    }
    return STATUS_OK;
}
