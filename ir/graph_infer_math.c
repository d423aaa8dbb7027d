/* Shape rules of arithmetic, linear algebra, reductions, normalisation and casts. See
 * graph_infer.h. */
#include "ir/graph_kernel_shared.h"

enum status infer_abs(struct infer_call *call)
{
    enum status status = infer_same(call);
    if (status == STATUS_OK && call->in[0]->type == ELEMENT_BOOL)
        return infer_fail(call, STATUS_BAD_INPUT, "the operator has no meaning on bool");
    return status;
}

enum status infer_cast(struct infer_call *call)
{
    enum status status = infer_same(call);
    if (status != STATUS_OK)
        return status;
    call->out[0].text_table = NULL;
    if (graph_attribute(call->node, "to") == NULL)
        return infer_fail(call, STATUS_BAD_INPUT, "the attribute 'to' is missing");
    return infer_type_attribute(call, "to", call->out[0].type, &call->out[0].type);
}

/* The width of an element in memory: a bool takes a byte. */
static unsigned stored_bits(enum element_type type)
{
    return type == ELEMENT_BOOL ? 8 : element_type_bits(type);
}

enum status infer_bit_cast(struct infer_call *call)
{
    enum status status = infer_cast(call);
    if (status == STATUS_OK && stored_bits(call->out[0].type) != stored_bits(call->in[0]->type))
        return infer_fail(call, STATUS_BAD_INPUT, "BitCast to %s changes the width",
                          element_type_name(call->out[0].type));
    return status;
}

enum status infer_cast_like(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_same(call);
    if (status == STATUS_OK) {
        call->out[0].type = call->in[1]->type;
        call->out[0].text_table = NULL;
    }
    return status;
}

/* The type of operand 0; the others broadcast with it whatever their type (Pow, PRelu). */
enum status infer_elementwise_first(struct infer_call *call)
{
    struct shape shape;
    bool known;
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_broadcast(call, 0, call->in_count, &shape, &known);
    if (status == STATUS_OK)
        infer_result(call, 0, call->in[0]->type, known ? &shape : NULL);
    return status;
}

enum status infer_where(struct infer_call *call)
{
    struct shape shape;
    bool known;
    enum status status = infer_need(call, 3);
    if (status == STATUS_OK && call->in[0]->type != ELEMENT_BOOL)
        status = infer_fail(call, STATUS_BAD_INPUT, "the condition is %s; it must be bool",
                            element_type_name(call->in[0]->type));
    if (status == STATUS_OK)
        status = infer_same_type(call, 1, 2);
    if (status == STATUS_OK)
        status = infer_broadcast(call, 0, 3, &shape, &known);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[1]->type, known ? &shape : NULL);
    if (call->in[1]->text_table == call->in[2]->text_table)
        call->out[0].text_table = call->in[1]->text_table;
    return STATUS_OK;
}

/* (x, min?, max?): the bounds are scalars. */
enum status infer_clip(struct infer_call *call)
{
    enum status status = infer_same(call);
    if (status == STATUS_OK)
        status = infer_same_type(call, 0, call->in_count);
    size_t count;
    for (size_t i = 1; status == STATUS_OK && i < call->in_count; i++)
        if (call->in[i] != NULL && call->in[i]->shape_known &&
            (!shape_count(&call->in[i]->shape, 1, &count) || count != 1))
            status = infer_fail(call, STATUS_BAD_INPUT, "bound %zu is not a scalar", i);
    return status;
}

/* numpy.matmul: batch axes broadcast; a vector on either side drops its axis. */
enum status matmul_shape(struct diag *diag, const struct shape *a, const struct shape *b,
                         struct shape *out)
{
    if (a->rank == 0 || b->rank == 0)
        return diag_set(diag, STATUS_BAD_INPUT, "a matrix product has no scalar operand");
    struct shape batch_a = *a, batch_b = *b, batch;
    batch_a.rank = a->rank > 2 ? (uint8_t)(a->rank - 2) : 0;
    batch_b.rank = b->rank > 2 ? (uint8_t)(b->rank - 2) : 0;
    int64_t inner_a = a->dim[a->rank - 1];
    int64_t inner_b = b->rank == 1 ? b->dim[0] : b->dim[b->rank - 2];
    if (inner_a != inner_b)
        return diag_set(diag, STATUS_BAD_INPUT, "inner dimensions %lld and %lld differ",
                        (long long)inner_a, (long long)inner_b);
    if (!shape_broadcast(&batch, &batch_a, &batch_b))
        return diag_set(diag, STATUS_BAD_INPUT, "the batch dimensions do not broadcast");
    *out = batch;
    if (a->rank > 1)
        out->dim[out->rank++] = a->dim[a->rank - 2];
    if (b->rank > 1)
        out->dim[out->rank++] = b->dim[b->rank - 1];
    return STATUS_OK;
}

static enum status infer_product(struct infer_call *call, size_t b, enum element_type type)
{
    infer_result(call, 0, type, NULL);
    if (!call->in[0]->shape_known || !call->in[b]->shape_known)
        return STATUS_OK;
    struct shape shape;
    enum status status = matmul_shape(call->diag, &call->in[0]->shape, &call->in[b]->shape, &shape);
    if (status == STATUS_OK)
        infer_result(call, 0, type, &shape);
    return status;
}

enum status infer_matmul(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_same_type(call, 0, 2);
    return status == STATUS_OK ? infer_product(call, 1, call->in[0]->type) : status;
}

/* Operands that are one number, or one for each row, or each column, of a matrix. */
static enum status infer_lines(struct infer_call *call, const struct shape *matrix, bool of_rows,
                               const size_t *operand, size_t count)
{
    struct shape line;
    for (size_t i = 0; i < count; i++) {
        const struct value_info *in = infer_in(call, operand[i]);
        if (in != NULL && in->shape_known && !shape_of_line(&line, &in->shape, matrix, of_rows))
            return infer_fail(call, STATUS_BAD_INPUT,
                              "operand %zu has to be one number, or one for each %s", operand[i],
                              of_rows ? "row" : "column");
    }
    return STATUS_OK;
}

/* The zero points za and zb of operands a and b, of which vectors are one row and one column. */
static enum status infer_zero_points(struct infer_call *call, size_t a, size_t za, size_t b,
                                     size_t zb)
{
    const size_t operand[2] = {a, b}, zero[2] = {za, zb};
    enum status status = STATUS_OK;
    for (size_t k = 0; k < 2 && status == STATUS_OK; k++) {
        const struct value_info *in = call->in[operand[k]];
        struct shape matrix = in->shape;
        if (in->shape_known && matrix.rank == 1)
            matrix = k == 0 ? (struct shape){2, {1, matrix.dim[0]}}
                            : (struct shape){2, {matrix.dim[0], 1}};
        if (in->shape_known)
            status = infer_lines(call, &matrix, k == 0, &zero[k], 1);
    }
    return status;
}

enum status infer_matmul_integer(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_need_small_integers(call, (size_t[]){0, 1, 2, 3}, 4);
    if (status == STATUS_OK)
        status = infer_zero_points(call, 0, 2, 1, 3);
    return status == STATUS_OK ? infer_product(call, 1, ELEMENT_I32) : status;
}

enum status infer_qlinear_matmul(struct infer_call *call)
{
    enum status status = infer_need(call, 8);
    if (status == STATUS_OK)
        status = infer_need_small_integers(call, (size_t[]){0, 2, 3, 5, 7}, 5);
    if (status == STATUS_OK)
        status = infer_need_floats(call, (size_t[]){1, 4, 6}, 3);
    if (status == STATUS_OK)
        status = infer_zero_points(call, 0, 2, 3, 5);
    if (status == STATUS_OK)
        status = infer_product(call, 3, call->in[7]->type);
    const struct value_info *out = &call->out[0];
    if (status == STATUS_OK && out->shape_known)
        status = infer_lines(call, &out->shape, true, (size_t[]){1, 6, 7}, 3);
    if (status == STATUS_OK && out->shape_known)
        status = infer_lines(call, &out->shape, false, (size_t[]){4}, 1);
    return status;
}

static bool is_whole_factor(const struct graph_node *node, const char *name)
{
    double factor = graph_attribute_float(node, name, 1);
    return fabs(factor) < 0x1p31 && factor == rint(factor);
}

enum status infer_gemm(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_same_type(call, 0, call->in_count);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    if (!call->in[0]->shape_known || !call->in[1]->shape_known)
        return STATUS_OK;
    const struct value_info *c = infer_in(call, 2);
    if (!element_type_is_float(call->in[0]->type) &&
        !(is_whole_factor(call->node, "alpha") &&
          (c == NULL || is_whole_factor(call->node, "beta"))))
        return infer_fail(call, STATUS_BAD_INPUT,
                          "alpha and beta of integers are whole numbers below 2^31");
    const struct shape *a = &call->in[0]->shape, *b = &call->in[1]->shape;
    if (a->rank != 2 || b->rank != 2)
        return infer_fail(call, STATUS_BAD_INPUT, "A and B must have two dimensions");
    bool trans_a = graph_attribute_int(call->node, "transA", 0) != 0;
    bool trans_b = graph_attribute_int(call->node, "transB", 0) != 0;
    int64_t inner_a = a->dim[trans_a ? 0 : 1], inner_b = b->dim[trans_b ? 1 : 0];
    if (inner_a != inner_b)
        return infer_fail(call, STATUS_BAD_INPUT, "inner dimensions %lld and %lld differ",
                          (long long)inner_a, (long long)inner_b);
    struct shape shape = {2, {a->dim[trans_a ? 1 : 0], b->dim[trans_b ? 0 : 1]}}, with_c;
    if (c != NULL && c->shape_known &&
        (!shape_broadcast(&with_c, &shape, &c->shape) || !shape_equal(&with_c, &shape)))
        return infer_fail(call, STATUS_BAD_INPUT, "C does not broadcast to [%lld, %lld]",
                          (long long)shape.dim[0], (long long)shape.dim[1]);
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

enum status infer_einsum(struct infer_call *call)
{
    enum status status = infer_need(call, call->in_count);
    if (status == STATUS_OK)
        status = infer_same_type(call, 0, call->in_count);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    const struct shape *shapes[EINSUM_OPERANDS_MAX];
    if (call->in_count > EINSUM_OPERANDS_MAX)
        return infer_fail(call, STATUS_LIMIT, "more than %d operands", EINSUM_OPERANDS_MAX);
    for (size_t i = 0; i < call->in_count; i++) {
        if (!call->in[i]->shape_known)
            return STATUS_OK;
        shapes[i] = &call->in[i]->shape;
    }
    struct einsum_plan plan;
    status = einsum_parse(call->diag, graph_attribute_text(call->node, "equation", ""), shapes,
                          call->in_count, &plan);
    if (status == STATUS_OK)
        infer_result(call, 0, call->in[0]->type, &plan.out);
    return status;
}

enum status infer_det(struct infer_call *call)
{
    enum status status = infer_same_float(call);
    if (status != STATUS_OK || !call->in[0]->shape_known)
        return status;
    struct shape shape = call->in[0]->shape;
    if (shape.rank < 2 || shape.dim[shape.rank - 1] != shape.dim[shape.rank - 2])
        return infer_fail(call, STATUS_BAD_INPUT, "the last two dimensions must be equal");
    shape.rank = (uint8_t)(shape.rank - 2);
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

/* The axes of a Reduce operator as a mask; `known` is false while the axes are not known. */
enum status reduce_axes(const struct graph_node *node, const struct tensor *axes, bool given,
                        unsigned rank, struct diag *diag, uint32_t *mask)
{
    const int64_t *list = NULL;
    size_t count = 0;
    if (given) {
        enum status status = integers_of(diag, axes, "axes", &list, &count);
        if (status != STATUS_OK)
            return status;
    }
    if (count == 0) {
        bool noop = graph_attribute_int(node, "noop_with_empty_axes", 0) != 0;
        *mask = noop ? 0 : (1u << rank) - 1;
        return STATUS_OK;
    }
    return normalize_axes(diag, list, count, rank, mask);
}

struct shape reduced_shape(const struct shape *shape, uint32_t mask, bool keep)
{
    struct shape out = {0};
    for (unsigned i = 0; i < shape->rank; i++) {
        if ((mask >> i & 1) == 0)
            out.dim[out.rank++] = shape->dim[i];
        else if (keep)
            out.dim[out.rank++] = 1;
    }
    return out;
}

enum status infer_reduce(struct infer_call *call)
{
    enum status status = infer_same(call);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    const struct value_info *axes = infer_in(call, 1);
    if (!call->in[0]->shape_known || (axes != NULL && axes->data == NULL))
        return STATUS_OK;
    uint32_t mask;
    status = reduce_axes(call->node, axes != NULL ? axes->data : NULL, axes != NULL,
                         call->in[0]->shape.rank, call->diag, &mask);
    if (status != STATUS_OK)
        return status;
    bool keep = graph_attribute_int(call->node, "keepdims", 1) != 0;
    struct shape shape = reduced_shape(&call->in[0]->shape, mask, keep);
    infer_result(call, 0, call->in[0]->type, &shape);
    return STATUS_OK;
}

enum status infer_arg_reduce(struct infer_call *call)
{
    enum status status = infer_need(call, 1);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, ELEMENT_I64, NULL);
    if (!call->in[0]->shape_known)
        return STATUS_OK;
    unsigned axis;
    const struct shape *in = &call->in[0]->shape;
    status = infer_axis(call, "axis", 0, in, &axis);
    if (status != STATUS_OK)
        return status;
    if (in->dim[axis] == 0)
        return infer_fail(call, STATUS_BAD_INPUT, "axis %u has no elements", axis);
    bool keep = graph_attribute_int(call->node, "keepdims", 1) != 0;
    struct shape shape = reduced_shape(in, 1u << axis, keep);
    infer_result(call, 0, ELEMENT_I64, &shape);
    return STATUS_OK;
}

enum status infer_top_k(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status != STATUS_OK)
        return status;
    infer_result(call, 0, call->in[0]->type, NULL);
    infer_result(call, 1, ELEMENT_I64, NULL);
    if (!call->in[0]->shape_known || call->in[1]->data == NULL)
        return STATUS_OK;
    struct shape shape = call->in[0]->shape;
    unsigned axis;
    int64_t k;
    status = infer_axis(call, "axis", -1, &shape, &axis);
    if (status == STATUS_OK)
        status = scalar_integer(call->diag, call->in[1]->data, "K", &k);
    if (status != STATUS_OK)
        return status;
    if (k < 0 || k > shape.dim[axis])
        return infer_fail(call, STATUS_BAD_INPUT, "K is %lld and axis %u has %lld elements",
                          (long long)k, axis, (long long)shape.dim[axis]);
    shape.dim[axis] = k;
    infer_result(call, 0, call->in[0]->type, &shape);
    infer_result(call, 1, ELEMENT_I64, &shape);
    return STATUS_OK;
}

/* Like operand 0, with an `axis` that must exist; flatten = 1 also admits the rank itself. */
enum status infer_softmax(struct infer_call *call)
{
    enum status status = infer_same_float(call);
    if (status != STATUS_OK || !call->in[0]->shape_known)
        return status;
    unsigned rank = call->in[0]->shape.rank, axis;
    bool flatten = graph_attribute_int(call->node, "flatten", 0) != 0;
    int64_t given = graph_attribute_int(call->node, "axis", -1);
    if (flatten && given == (int64_t)rank)
        return STATUS_OK;
    return normalize_axis(call->diag, given, rank, &axis);
}

/* (x, axis) */
enum status infer_cumulative(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_same(call);
    if (status != STATUS_OK || !call->in[0]->shape_known || call->in[1]->data == NULL)
        return status;
    int64_t given;
    unsigned axis;
    status = scalar_integer(call->diag, call->in[1]->data, "axis", &given);
    if (status == STATUS_OK)
        status = normalize_axis(call->diag, given, call->in[0]->shape.rank, &axis);
    return status;
}
