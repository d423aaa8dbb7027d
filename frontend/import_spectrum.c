/*
 * Import rules of com.microsoft's Rfft, Irfft and Inverse. Source:
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 */
#include "frontend/import_node.h"
#include "frontend/import_rules.h"

/* --- Fourier transforms --- */

/* DFT along an axis of x, whose last axis holds real and imaginary part. */
static uint32_t transformed(struct import_node *n, uint32_t x, int64_t axis, bool inverse,
                            bool onesided)
{
    stage_int(n, "inverse", inverse);
    stage_int(n, "onesided", onesided);
    return emit3(n, OP_DFT, x, GRAPH_NONE, constant_int(n, axis));
}

/* How many axes are transformed; 0 after a failure. */
static unsigned signal_axes(struct import_node *n, unsigned rank)
{
    int64_t axes = attr_int(n, "signal_ndim", 1);
    if (attr_int(n, "normalized", 0) != 0 || attr_int(n, "onesided", 1) != 1)
        rule_fail(n, STATUS_UNSUPPORTED, "normalized has to be 0 and onesided 1");
    if (n->status == STATUS_OK && (axes < 1 || axes > (int64_t)rank || axes > 3))
        rule_fail(n, STATUS_BAD_INPUT, "signal_ndim is %lld, and there are %u axes",
                  (long long)axes, rank);
    return n->status == STATUS_OK ? (unsigned)axes : 0;
}

/* Rfft: real numbers to the first half of their spectrum, an axis for real and imaginary part at
 * the end. */
void import_rfft(struct import_node *n)
{
    uint32_t x = required(n, 0);
    unsigned rank = rank_of(n, x), axes = signal_axes(n, rank);
    if (axes == 0)
        return;
    x = transformed(n, unsqueeze_at(n, x, rank), rank - 1, false, true);
    for (unsigned k = 1; k < axes; k++)
        x = transformed(n, x, rank - 1 - k, false, false);
    set_output(n, 0, x);
}

/* The spectrum of 2 m - 2 real numbers from its first m entries: the others are conjugates. */
static uint32_t whole_spectrum(struct import_node *n, uint32_t x, int64_t axis, int64_t m)
{
    int64_t from = m - 2, to = 0, step = -1;
    if (m <= 2)
        return x;
    if (!element_type_is_float(value_type(n, x))) {
        rule_fail(n, STATUS_BAD_INPUT, "a spectrum is of floating-point numbers");
        return GRAPH_NONE;
    }
    uint32_t in[5] = {x, constant_ints(n, &from, 1), constant_ints(n, &to, 1),
                      constant_ints(n, &axis, 1), constant_ints(n, &step, 1)};
    uint32_t mirrored = emit_list(n, OP_SLICE, in, 5);
    struct shape pair = {1, {2}};
    struct tensor *signs = tensor_new(n->importer->arena, value_type(n, x), &pair);
    if (signs == NULL) {
        rule_out_of_memory(n);
        return GRAPH_NONE;
    }
    signs->data.real[0] = 1;
    signs->data.real[1] = -1;
    return join_along(n, x, emit2(n, OP_MUL, mirrored, constant_tensor(n, signs)), axis);
}

/* Irfft: what Rfft gives, back to an even number of real numbers. */
void import_irfft(struct import_node *n)
{
    uint32_t x = required(n, 0);
    unsigned rank = rank_of(n, x), axes = signal_axes(n, rank == 0 ? 0 : rank - 1);
    if (axes == 0)
        return;
    int64_t last = (int64_t)rank - 2, m = size_along(n, x, rank - 2);
    if (size_along(n, x, rank - 1) != 2 || m < 2) {
        rule_fail(n, STATUS_BAD_INPUT,
                  "its last axis has to hold real and imaginary part, the one before at least 2");
        return;
    }
    for (unsigned k = 1; k < axes; k++)
        x = transformed(n, x, last - k, true, false);
    x = transformed(n, whole_spectrum(n, x, last, m), last, true, false);
    set_output(n, 0, take_along(n, x, (int64_t)rank - 1, 0));
}

/* --- Inverse --- */

/* [n, n - 1]: row i lists all indices but i. */
static uint32_t all_but_one(struct import_node *n, int64_t size)
{
    struct shape shape = {2, {size, size - 1}};
    struct tensor *list = tensor_new(n->importer->arena, ELEMENT_I64, &shape);
    if (list == NULL) {
        rule_out_of_memory(n);
        return GRAPH_NONE;
    }
    for (int64_t i = 0; i < size; i++)
        for (int64_t k = 0; k < size - 1; k++)
            list->data.integer[i * (size - 1) + k] = k < i ? k : k + 1;
    return constant_tensor(n, list);
}

/* [n, n] of 1 and -1 as on a chess board. */
static uint32_t board_signs(struct import_node *n, enum element_type type, int64_t size)
{
    struct shape shape = {2, {size, size}};
    struct tensor *signs = tensor_new(n->importer->arena, type, &shape);
    if (signs == NULL) {
        rule_out_of_memory(n);
        return GRAPH_NONE;
    }
    for (int64_t e = 0; e < size * size; e++)
        signs->data.real[e] = (e / size + e % size) % 2 == 0 ? 1 : -1;
    return constant_tensor(n, signs);
}

/* Inverse by Cramer's rule: of entry (i, j) the minor without row j and column i, over the
 * determinant. */
void import_inverse(struct import_node *n)
{
    enum { SIZE_MOST = 8 };
    uint32_t x = required(n, 0);
    unsigned rank = rank_of(n, x);
    if (rank < 2) {
        rule_fail(n, STATUS_BAD_INPUT, "a matrix has at least 2 axes");
        return;
    }
    int64_t size = size_along(n, x, rank - 1), order[TENSOR_RANK_MAX];
    if (size != size_along(n, x, rank - 2) || size < 1 || size > SIZE_MOST ||
        rank + 2 > TENSOR_RANK_MAX) {
        rule_fail(
            n, STATUS_UNSUPPORTED,
            "matrices have to be square, of at most %d rows, with at most %d axes before them",
            SIZE_MOST, TENSOR_RANK_MAX - 4);
        return;
    }
    if (size == 1) {
        set_output(n, 0, emit1(n, OP_RECIPROCAL, x));
        return;
    }
    uint32_t det = unsqueeze_at(n, unsqueeze_at(n, emit1(n, OP_DET, x), -1), -1);
    uint32_t others = all_but_one(n, size);
    /* [..., j, rows, i, columns], then [..., i, j, rows, columns] */
    stage_int(n, "axis", rank - 2);
    uint32_t minors = emit2(n, OP_GATHER, x, others);
    stage_int(n, "axis", rank);
    minors = emit2(n, OP_GATHER, minors, others);
    for (unsigned d = 0; d < rank + 2; d++)
        order[d] = d;
    order[rank - 2] = rank;
    order[rank - 1] = rank - 2;
    order[rank] = rank - 1;
    minors = emit1(n, OP_DET, transpose_to(n, minors, order, rank + 2));
    minors = emit2(n, OP_MUL, minors, board_signs(n, value_type(n, x), size));
    set_output(n, 0, emit2(n, OP_DIV, minors, det));
}
