/*
 * Kernels of linear algebra. Every sum runs over the contracted index in increasing order, in
 * float64 (integers: modulo 2^64), and is rounded once at its end. See graph_interpret.h.
 */
#include "ir/graph_kernel_shared.h"

#include <string.h>

/* A matrix inside a tensor: element (i, j) at offset + i * row + j * column. */
struct matrix {
    const struct tensor *tensor;
    size_t offset, row, column;
    int64_t zero_point; /* taken off every element; integers only */
};

/* sums[j] = sum over k of a(i, k) * b(k, j), for one i. */
static void row_product_real(double *sums, const struct matrix *a, const struct matrix *b, size_t i,
                             size_t inner, size_t columns)
{
    for (size_t j = 0; j < columns; j++)
        sums[j] = 0.0;
    for (size_t k = 0; k < inner; k++) {
        double x = a->tensor->data.real[a->offset + i * a->row + k * a->column];
        const double *y = b->tensor->data.real + b->offset + k * b->row;
        for (size_t j = 0; j < columns; j++)
            sums[j] += x * y[j * b->column];
    }
}

static void row_product_integer(int64_t *sums, const struct matrix *a, const struct matrix *b,
                                size_t i, size_t inner, size_t columns)
{
    for (size_t j = 0; j < columns; j++)
        sums[j] = 0;
    for (size_t k = 0; k < inner; k++) {
        int64_t x = a->tensor->data.integer[a->offset + i * a->row + k * a->column];
        uint64_t ux = (uint64_t)x - (uint64_t)a->zero_point;
        const int64_t *y = b->tensor->data.integer + b->offset + k * b->row;
        for (size_t j = 0; j < columns; j++)
            sums[j] = (int64_t)((uint64_t)sums[j] +
                                ux * ((uint64_t)y[j * b->column] - (uint64_t)b->zero_point));
    }
}

/* One row of a product into out[at ..]. scratch: one row of eight-byte sums. */
static void multiply_row(struct tensor *out, size_t at, const struct matrix *a,
                         const struct matrix *b, size_t i, size_t inner, size_t columns,
                         void *scratch)
{
    if (element_type_is_float(a->tensor->type)) {
        double *sums = scratch;
        row_product_real(sums, a, b, i, inner, columns);
        for (size_t j = 0; j < columns; j++)
            tensor_set_real(out, at + j, sums[j]);
        return;
    }
    int64_t *sums = scratch;
    row_product_integer(sums, a, b, i, inner, columns);
    for (size_t j = 0; j < columns; j++)
        tensor_set_integer(out, at + j, sums[j]);
}

/* The shapes of numpy.matmul with a vector operand seen as a matrix. */
static struct shape as_matrix(const struct shape *shape, bool is_left)
{
    if (shape->rank != 1)
        return *shape;
    if (is_left)
        return (struct shape){2, {1, shape->dim[0]}};
    return (struct shape){2, {shape->dim[0], 1}};
}

/* Walks the batch axes of out = a @ b; offsets [0] and [1] are those of a's and b's matrices. */
static size_t begin_batch(struct walk *walk, const struct shape *a, const struct shape *b)
{
    struct shape batch_a = *a, batch_b = *b, batch;
    batch_a.rank = (uint8_t)(a->rank - 2);
    batch_b.rank = (uint8_t)(b->rank - 2);
    bool agree = shape_broadcast(&batch, &batch_a, &batch_b);
    ASSERT(agree);
    walk_begin(walk, &batch);
    const struct shape *operands[2] = {a, b};
    for (unsigned k = 0; k < 2; k++) {
        int64_t own[TENSOR_RANK_MAX], stride[TENSOR_RANK_MAX] = {0};
        shape_strides(own, operands[k]);
        unsigned rank = operands[k]->rank - 2u, shift = batch.rank - rank;
        for (unsigned i = 0; i < rank; i++)
            stride[i + shift] = operands[k]->dim[i] == 1 ? 0 : own[i];
        walk_strides(walk, stride, 0);
    }
    size_t count = 0;
    bool counted = shape_count(&batch, SIZE_MAX, &count);
    ASSERT(counted);
    return count;
}

/* x less its zero point, NULL for none; several zero points are subtracted in a copy, one is left
 * to the product. */
static enum status without_zeros(struct kernel_call *call, const struct tensor **x,
                                 const struct tensor *zero, bool of_rows, int64_t *zero_point)
{
    struct shape line, matrix = as_matrix(&(*x)->shape, of_rows);
    *zero_point = 0;
    if (zero == NULL)
        return STATUS_OK;
    if (!shape_of_line(&line, &zero->shape, &matrix, of_rows))
        return kernel_fail(call, STATUS_BAD_INPUT,
                           "zero points must be one, or one a row or column");
    if (zero->count == 1) {
        *zero_point = zero->data.integer[0];
        return STATUS_OK;
    }
    struct tensor *copy = tensor_new(call->arena, ELEMENT_I64, &(*x)->shape);
    if (copy == NULL)
        return arena_failure(call->arena, (*x)->count * 8, "the values of the graph", call->diag);
    struct walk walk;
    walk_begin(&walk, &matrix);
    walk_broadcast(&walk, &line);
    for (size_t e = 0; e < copy->count; e++, walk_next(&walk))
        copy->data.integer[e] = (*x)->data.integer[e] - zero->data.integer[walk.offset[0]];
    *x = copy;
    return STATUS_OK;
}

/* out = (a - a_zero) @ (b - b_zero) with numpy's batch rules; zero points are NULL, one, or one a
 * row of a, one a column of b. */
static enum status multiply(struct kernel_call *call, struct tensor *out, const struct tensor *a,
                            const struct tensor *b, const struct tensor *a_zero,
                            const struct tensor *b_zero)
{
    struct shape shape_a = as_matrix(&a->shape, true), shape_b = as_matrix(&b->shape, false);
    size_t rows = (size_t)shape_a.dim[shape_a.rank - 2],
           inner = (size_t)shape_a.dim[shape_a.rank - 1];
    size_t columns = (size_t)shape_b.dim[shape_b.rank - 1];
    int64_t zero_a, zero_b;
    enum status status = without_zeros(call, &a, a_zero, true, &zero_a);
    if (status == STATUS_OK)
        status = without_zeros(call, &b, b_zero, false, &zero_b);
    if (status != STATUS_OK)
        return status;
    void *scratch = kernel_alloc(call->arena, columns, sizeof(double), call->diag);
    if (scratch == NULL)
        return STATUS_NO_MEMORY;
    struct walk walk;
    size_t batches = begin_batch(&walk, &shape_a, &shape_b), at = 0;
    for (size_t batch = 0; batch < batches; batch++, walk_next(&walk)) {
        struct matrix left = {a, (size_t)walk.offset[0], inner, 1, zero_a};
        struct matrix right = {b, (size_t)walk.offset[1], columns, 1, zero_b};
        for (size_t i = 0; i < rows; i++, at += columns)
            multiply_row(out, at, &left, &right, i, inner, columns, scratch);
    }
    return STATUS_OK;
}

enum status run_matmul(struct kernel_call *call)
{
    return multiply(call, call->out[0], call->in[0], call->in[1], NULL, NULL);
}

enum status run_matmul_integer(struct kernel_call *call)
{
    return multiply(call, call->out[0], call->in[0], call->in[1], kernel_in(call, 2),
                    kernel_in(call, 3));
}

/* alpha (A B) + beta C, rounded once. */
enum status run_gemm(struct kernel_call *call)
{
    const struct tensor *a = call->in[0], *b = call->in[1], *c = kernel_in(call, 2);
    struct tensor *out = call->out[0];
    bool trans_a = graph_attribute_int(call->node, "transA", 0) != 0;
    bool trans_b = graph_attribute_int(call->node, "transB", 0) != 0;
    double alpha = graph_attribute_float(call->node, "alpha", 1.0);
    double beta = graph_attribute_float(call->node, "beta", 1.0);
    size_t rows = (size_t)out->shape.dim[0], columns = (size_t)out->shape.dim[1];
    size_t inner = (size_t)a->shape.dim[trans_a ? 0 : 1];
    size_t step_a = (size_t)a->shape.dim[1], step_b = (size_t)b->shape.dim[1];
    struct matrix left = {a, 0, trans_a ? 1 : step_a, trans_a ? step_a : 1, 0};
    struct matrix right = {b, 0, trans_b ? 1 : step_b, trans_b ? step_b : 1, 0};
    void *scratch = kernel_alloc(call->arena, columns, sizeof(double), call->diag);
    if (scratch == NULL)
        return STATUS_NO_MEMORY;
    struct walk walk;
    walk_begin(&walk, &out->shape);
    walk_broadcast(&walk, c != NULL ? &c->shape : &out->shape);
    for (size_t i = 0, at = 0; i < rows; i++) {
        if (element_type_is_float(a->type)) {
            double *sums = scratch;
            row_product_real(sums, &left, &right, i, inner, columns);
            for (size_t j = 0; j < columns; j++, at++, walk_next(&walk)) {
                double sum = alpha * sums[j];
                if (c != NULL)
                    sum += beta * c->data.real[walk.offset[0]];
                tensor_set_real(out, at, sum);
            }
            continue;
        }
        int64_t *sums = scratch;
        row_product_integer(sums, &left, &right, i, inner, columns);
        for (size_t j = 0; j < columns; j++, at++, walk_next(&walk)) {
            uint64_t sum = (uint64_t)(int64_t)alpha * (uint64_t)sums[j];
            if (c != NULL)
                sum += (uint64_t)(int64_t)beta * (uint64_t)c->data.integer[walk.offset[0]];
            tensor_set_integer(out, at, (int64_t)sum);
        }
    }
    return STATUS_OK;
}

/* (a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero): integers exact, one rounding at the
 * end. */
enum status run_qlinear_matmul(struct kernel_call *call)
{
    const struct tensor *const *in = call->in;
    struct tensor *out = call->out[0];
    struct tensor *sums = tensor_new(call->arena, ELEMENT_I64, &out->shape);
    if (sums == NULL)
        return arena_failure(call->arena, out->count * 8, "the values of the graph", call->diag);
    enum status status = multiply(call, sums, in[0], in[3], in[2], in[5]);
    if (status != STATUS_OK)
        return status;
    /* The scale of a, and of b, the scale and the zero point of y. */
    static const size_t lines[4] = {1, 4, 6, 7};
    struct walk walk;
    walk_begin(&walk, &out->shape);
    for (size_t k = 0; k < 4; k++) {
        struct shape line;
        if (!shape_of_line(&line, &in[lines[k]]->shape, &out->shape, k != 1))
            return kernel_fail(call, STATUS_BAD_INPUT,
                               "scales and zero points must be one, or one a row or column");
        walk_broadcast(&walk, &line);
    }
    for (size_t i = 0; i < out->count; i++, walk_next(&walk)) {
        double real = (double)sums->data.integer[i] * tensor_real(in[1], walk.offset[0]) *
                      tensor_real(in[4], walk.offset[1]) / tensor_real(in[6], walk.offset[2]);
        out->data.integer[i] =
            quantize_element(out->type, real, in[7]->data.integer[walk.offset[3]]);
    }
    return STATUS_OK;
}

/* --- einsum ------------------------------------------------------------------------------------
 */

/* Sum of the products of all operands over the contracted labels, at one output element. */
static void einsum_element(struct kernel_call *call, const struct einsum_plan *plan, size_t at,
                           const int64_t *base, size_t terms)
{
    int64_t offset[EINSUM_OPERANDS_MAX], index[EINSUM_LABELS_MAX] = {0};
    memcpy(offset, base, sizeof offset);
    bool real = element_type_is_float(call->in[0]->type);
    double sum = 0.0;
    uint64_t integer_sum = 0;
    for (size_t t = 0; t < terms; t++) {
        double product = 1.0;
        uint64_t integer_product = 1;
        for (size_t k = 0; k < call->in_count; k++) {
            if (real)
                product *= call->in[k]->data.real[offset[k]];
            else
                integer_product *= (uint64_t)call->in[k]->data.integer[offset[k]];
        }
        sum += product;
        integer_sum += integer_product;
        for (unsigned label = plan->label_count; label-- > plan->out_rank;) {
            bool wraps = ++index[label] == plan->size[label];
            for (size_t k = 0; k < call->in_count; k++)
                offset[k] += wraps ? -plan->stride[k][label] * (plan->size[label] - 1)
                                   : plan->stride[k][label];
            if (!wraps)
                break;
            index[label] = 0;
        }
    }
    if (real)
        tensor_set_real(call->out[0], at, sum);
    else
        tensor_set_integer(call->out[0], at, (int64_t)integer_sum);
}

enum status run_einsum(struct kernel_call *call)
{
    const struct shape *shapes[EINSUM_OPERANDS_MAX];
    for (size_t i = 0; i < call->in_count; i++)
        shapes[i] = &call->in[i]->shape;
    struct einsum_plan plan;
    enum status status = einsum_parse(call->diag, graph_attribute_text(call->node, "equation", ""),
                                      shapes, call->in_count, &plan);
    if (status != STATUS_OK)
        return status;
    size_t terms = 1;
    for (unsigned label = plan.out_rank; label < plan.label_count; label++)
        terms *= (size_t)plan.size[label];
    int64_t base[EINSUM_OPERANDS_MAX] = {0}, index[TENSOR_RANK_MAX] = {0};
    for (size_t at = 0; at < call->out[0]->count; at++) {
        einsum_element(call, &plan, at, base, terms);
        for (unsigned label = plan.out_rank; label-- > 0;) {
            bool wraps = ++index[label] == plan.size[label];
            for (size_t k = 0; k < call->in_count; k++)
                base[k] +=
                    wraps ? -plan.stride[k][label] * (plan.size[label] - 1) : plan.stride[k][label];
            if (!wraps)
                break;
            index[label] = 0;
        }
    }
    return STATUS_OK;
}

/* --- Det, CumSum, CumProd ------------------------------------------------------------------------
 */

/* By elimination with partial pivoting; destroys the matrix. */
static double determinant(double *m, size_t n)
{
    double det = 1.0;
    for (size_t c = 0; c < n; c++) {
        size_t pivot = c;
        for (size_t r = c + 1; r < n; r++)
            if (fabs(m[r * n + c]) > fabs(m[pivot * n + c]))
                pivot = r;
        if (m[pivot * n + c] == 0.0)
            return 0.0;
        for (size_t k = 0; pivot != c && k < n; k++) {
            double swap = m[c * n + k];
            m[c * n + k] = m[pivot * n + k];
            m[pivot * n + k] = swap;
        }
        det *= pivot != c ? -m[c * n + c] : m[c * n + c];
        for (size_t r = c + 1; r < n; r++) {
            double factor = m[r * n + c] / m[c * n + c];
            for (size_t k = c; k < n; k++)
                m[r * n + k] -= factor * m[c * n + k];
        }
    }
    return det;
}

enum status run_det(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    size_t n = (size_t)in->shape.dim[in->shape.rank - 1];
    double *matrix = kernel_alloc(call->arena, n * n, sizeof *matrix, call->diag);
    if (matrix == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < call->out[0]->count; i++) {
        memcpy(matrix, in->data.real + i * n * n, n * n * sizeof *matrix);
        tensor_set_real(call->out[0], i, determinant(matrix, n));
    }
    return STATUS_OK;
}

enum status run_cumulative(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    struct tensor *out = call->out[0];
    int64_t given;
    unsigned axis;
    enum status status = scalar_integer(call->diag, call->in[1], "axis", &given);
    if (status == STATUS_OK)
        status = normalize_axis(call->diag, given, in->shape.rank, &axis);
    if (status != STATUS_OK)
        return status;
    bool exclusive = graph_attribute_int(call->node, "exclusive", 0) != 0;
    bool reverse = graph_attribute_int(call->node, "reverse", 0) != 0;
    bool product = call->node->op == OP_CUM_PROD;
    struct axis_view view = axis_view_of(&in->shape, axis);
    for (size_t line = 0; line < view.outer * view.inner; line++) {
        size_t first = line / view.inner * view.length * view.inner + line % view.inner;
        double real = product ? 1.0 : 0.0;
        uint64_t integer = product ? 1 : 0;
        for (size_t step = 0; step < view.length; step++) {
            size_t i = first + (reverse ? view.length - 1 - step : step) * view.inner;
            double old_real = real;
            uint64_t old_integer = integer;
            if (element_type_is_float(in->type)) {
                real = product ? real * in->data.real[i] : real + in->data.real[i];
                tensor_set_real(out, i, exclusive ? old_real : real);
            } else {
                uint64_t x = (uint64_t)in->data.integer[i];
                integer = product ? integer * x : integer + x;
                tensor_set_integer(out, i, (int64_t)(exclusive ? old_integer : integer));
            }
        }
    }
    return STATUS_OK;
}
