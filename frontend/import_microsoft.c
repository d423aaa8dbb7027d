/*
 * Import rules of com.microsoft for movement and for weights of few bits: forms of ONNX's operators
 * from before ONNX had them, and what quantization tools and runtimes write for embeddings and
 * products. Source: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 */
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"
#include "frontend/tensor_parts.h"

/* --- movement --- */

/* ExpandDims: (x, axis) */
void import_expand_dims(struct import_node *n)
{
    static const int64_t one = 1;
    uint32_t x = required(n, 0), axis = required(n, 1);
    axis = cast_to(n, reshape_to(n, axis, &one, 1), ELEMENT_I64);
    set_output(n, 0, emit2(n, OP_UNSQUEEZE, x, axis));
}

/* Pad of com.microsoft: pads may be one row of a matrix, the value a list of one. */
void import_ms_pad(struct import_node *n)
{
    static const int64_t all = -1;
    uint32_t x = required(n, 0), pads = required(n, 1), value = operand(n, 2);
    pads = reshape_to(n, pads, &all, 1);
    if (value != GRAPH_NONE)
        value = reshape_to(n, value, NULL, 0);
    stage_text(n, "mode", attr_text(n, "mode", "constant"));
    set_output(n, 0, emit3(n, OP_PAD, x, pads, value));
}

/* Range of com.microsoft: the step may be absent */
void import_ms_range(struct import_node *n)
{
    uint32_t in[3] = {required(n, 0), required(n, 1), operand(n, 2)};
    for (size_t i = 0; i < 3; i++)
        if (in[i] != GRAPH_NONE)
            in[i] = reshape_to(n, in[i], NULL, 0);
    if (in[2] == GRAPH_NONE)
        in[2] = cast_to(n, constant_int(n, 1), value_type(n, in[0]));
    set_output(n, 0, emit_list(n, OP_RANGE, in, 3));
}

/* UnfoldTensor: every slice of `size` elements of axis `dim`, `step` apart, its elements last */
void import_unfold_tensor(struct import_node *n)
{
    uint32_t x = required(n, 0);
    const struct shape *shape = value_shape(n, x);
    int64_t axis = attr_int(n, "dim", -1), size = attr_int(n, "size", 0),
            step = attr_int(n, "step", 1), order[TENSOR_RANK_MAX];
    if (shape == NULL)
        return;
    unsigned rank = shape->rank;
    axis = axis < 0 ? axis + rank : axis;
    if (axis < 0 || axis >= rank || rank >= TENSOR_RANK_MAX || size < 1 || step < 1 ||
        size > shape->dim[axis]) {
        rule_fail(n, STATUS_BAD_INPUT, "dim, size and step do not fit the operand");
        return;
    }
    int64_t slices = (shape->dim[axis] - size) / step + 1, dims[2] = {slices, size}, count;
    if (__builtin_mul_overflow(slices, size, &count)) {
        rule_fail(n, STATUS_LIMIT, "%lld slices of %lld elements are too many", (long long)slices,
                  (long long)size);
        return;
    }
    int64_t *places = arena_array(n->importer->arena, int64_t, (size_t)count);
    if (places == NULL) {
        rule_out_of_memory(n);
        return;
    }
    for (int64_t e = 0; e < count; e++)
        places[e] = e / size * step + e % size;
    uint32_t index = reshape_to(n, constant_ints(n, places, (size_t)count), dims, 2);
    stage_int(n, "axis", axis);
    x = emit2(n, OP_GATHER, x, index);
    /* The elements of a slice stand behind the slices; they go to the end. */
    for (int64_t d = 0; d < rank; d++)
        order[d] = d <= axis ? d : d + 1;
    order[rank] = axis + 1;
    set_output(n, 0, transpose_to(n, x, order, rank + 1));
}

/* --- channels last --- */

/* The channels of x go from the end to axis 1, or back. */
static uint32_t channels_moved(struct import_node *n, uint32_t x, bool back)
{
    int64_t order[TENSOR_RANK_MAX] = {0};
    unsigned rank = rank_of(n, x);
    if (n->status == STATUS_OK && rank < 3)
        rule_fail(n, STATUS_BAD_INPUT, "the operand has fewer than three dimensions");
    if (n->status != STATUS_OK)
        return GRAPH_NONE;
    for (unsigned d = 1; d < rank; d++)
        order[d] = back ? (d + 1 == rank ? 1 : d + 1) : (d == 1 ? rank - 1 : d - 1);
    return transpose_to(n, x, order, rank);
}

/* NhwcMaxPool */
void import_nhwc_max_pool(struct import_node *n)
{
    uint32_t x = channels_moved(n, required(n, 0), false);
    stage_attributes(n);
    set_output(n, 0, channels_moved(n, emit1(n, OP_MAX_POOL, x), true));
}

/* --- stored tensors of few bits --- */

/* Operand i, which has to be stored; NULL when it is absent, or, failing the node, computed. */
static const struct tensor *stored_operand(struct import_node *n, size_t i)
{
    uint32_t value = operand(n, i);
    const struct tensor *known = value_known(n, value);
    if (value != GRAPH_NONE && known == NULL)
        rule_fail(n, STATUS_UNSUPPORTED, "input %zu must be stored in the model", i);
    return known;
}

/* Entry k of row `row`, of numbers that may stand several in a byte, the lowest bits first. */
static int64_t entry_of(const struct tensor *t, size_t row, size_t width, size_t k, int64_t bits)
{
    size_t per_byte = element_type_bits(t->type) == 8 ? (size_t)(8 / bits) : 1,
           row_bytes = (width + per_byte - 1) / per_byte;
    int64_t byte = t->data.integer[row * row_bytes + k / per_byte];
    return per_byte == 1 ? byte
                         : (byte & 0xff) >> ((int64_t)(k % per_byte) * bits) & ((1 << bits) - 1);
}

struct blocked {
    const struct tensor *data, *scales, *zeros;
    struct shape shape; /* of the numbers */
    unsigned axis;      /* along which blocks lie */
    int64_t block, bits;
    bool is_packed; /* several numbers a byte, along the last axis */
};

/* Whether the operands have the sizes they should; reads b->shape. */
static bool blocked_fits(struct blocked *b)
{
    size_t count;
    unsigned rank = b->data->shape.rank;
    b->shape = b->data->shape;
    b->is_packed = b->data->type == ELEMENT_U8 && b->bits < 8;
    if (b->is_packed &&
        __builtin_mul_overflow(b->shape.dim[rank - 1], 8 / b->bits, &b->shape.dim[rank - 1]))
        return false;
    struct shape blocks = b->shape;
    int64_t places = blocks.dim[b->axis];
    blocks.dim[b->axis] = places / b->block + (places % b->block != 0);
    size_t width = (size_t)blocks.dim[rank - 1],
           per_byte = b->is_packed ? (size_t)(8 / b->bits) : 1;
    if (!shape_count(&b->shape, TENSOR_ELEMENT_LIMIT, &count) || count == 0 ||
        !shape_equal(&b->scales->shape, &blocks) || !element_type_is_float(b->scales->type))
        return false;
    return b->zeros == NULL ||
           (b->zeros->type == b->data->type &&
            b->zeros->count == b->scales->count / width * ((width + per_byte - 1) / per_byte));
}

/* The numbers of b as reals of the type of its scales. */
static struct tensor *blocked_values(struct import_node *n, const struct blocked *b)
{
    struct tensor *out = tensor_new(n->importer->arena, b->scales->type, &b->shape);
    unsigned rank = b->shape.rank;
    size_t width = (size_t)b->shape.dim[rank - 1],
           scale_width = (size_t)b->scales->shape.dim[rank - 1];
    if (out == NULL) {
        rule_out_of_memory(n);
        return NULL;
    }
    for (size_t e = 0; e < out->count; e++) {
        size_t rest = e, unit = 1, at = 0;
        for (unsigned d = rank; d-- > 0;) {
            size_t place = rest % (size_t)b->shape.dim[d];
            rest /= (size_t)b->shape.dim[d];
            at += (d == b->axis ? place / (size_t)b->block : place) * unit;
            unit *= (size_t)b->scales->shape.dim[d];
        }
        int64_t bits = b->is_packed ? b->bits : 8,
                q = entry_of(b->data, e / width, width, e % width, bits),
                zero = b->data->type == ELEMENT_U8 ? 1 << (b->bits - 1) : 0;
        if (b->zeros != NULL)
            zero = entry_of(b->zeros, at / scale_width, scale_width, at % scale_width, bits);
        out->data.real[e] = element_round(out->type, (double)(q - zero) * b->scales->data.real[at]);
    }
    return out;
}

/* GatherBlockQuantized: (data, indices, scales, zero points?), data in blocks along an axis */
void import_gather_block_quantized(struct import_node *n)
{
    struct blocked b = {.data = stored_operand(n, 0),
                        .scales = stored_operand(n, 2),
                        .zeros = stored_operand(n, 3),
                        .block = attr_int(n, "block_size", 128),
                        .bits = attr_int(n, "bits", 4)};
    uint32_t indices = required(n, 1);
    required(n, 0);
    required(n, 2);
    if (n->status != STATUS_OK)
        return;
    int64_t rank = b.data->shape.rank, axis = attr_int(n, "quantize_axis", 1),
            gather = attr_int(n, "gather_axis", 0);
    axis = axis < 0 ? axis + rank : axis;
    gather = gather < 0 ? gather + rank : gather;
    if (!element_type_is_integer(b.data->type) || element_type_bits(b.data->type) > 8) {
        rule_fail(n, STATUS_UNSUPPORTED, "data of type %s", element_type_name(b.data->type));
        return;
    }
    b.axis = (unsigned)axis;
    if (rank < 1 || axis < 0 || axis >= rank || gather < 0 || gather >= rank || b.block < 1 ||
        (b.bits != 2 && b.bits != 4 && b.bits != 8) || !blocked_fits(&b)) {
        rule_fail(n, STATUS_BAD_INPUT, "data, scales, zero points and attributes do not fit");
        return;
    }
    uint32_t table = stored_tensor(n, blocked_values(n, &b));
    stage_int(n, "axis", gather);
    set_output(n, 0, emit2(n, OP_GATHER, table, indices));
}

/* What the numbers of 4 bits stand for, as parts of the largest magnitude of their block. */
static double small_float(bool is_normal, int64_t code)
{
    /* Quantiles of the normal distribution: Dettmers et al., QLoRA (arXiv 2305.14314), appendix E.
     */
    static const double normal[16] = {
        -1.0,
        -0.6961928009986877,
        -0.5250730514526367,
        -0.39491748809814453,
        -0.28444138169288635,
        -0.18477343022823334,
        -0.09105003625154495,
        0.0,
        0.07958029955625534,
        0.16093020141124725,
        0.24611230194568634,
        0.33791524171829224,
        0.44070982933044434,
        0.5626170039176941,
        0.7229568362236023,
        1.0,
    };
    static const double plain[8] = {
        0.0, 1.0 / 192, 2.0 / 3, 1.0, 1.0 / 3, 0.5, 1.0 / 6, 0.25,
    };
    double value = is_normal ? normal[code] : code < 8 ? plain[code] : -plain[code - 8];
    return element_round(ELEMENT_F32, value);
}

/* MatMulBnb4: (A, B packed, largest magnitudes); B is [N, K], two numbers a byte, the first above
 */
void import_matmul_bnb4(struct import_node *n)
{
    uint32_t a = required(n, 0);
    const struct tensor *bytes = stored_operand(n, 1), *largest = stored_operand(n, 2);
    int64_t rows = attr_int(n, "N", 0), columns = attr_int(n, "K", 0),
            block = attr_int(n, "block_size", 0);
    static const int64_t swap[2] = {1, 0};
    size_t count = 0;
    required(n, 1);
    required(n, 2);
    if (n->status != STATUS_OK)
        return;
    struct shape shape = {2, {rows, columns}};
    if (rows < 1 || columns < 1 || block < 1 ||
        !shape_count(&shape, TENSOR_ELEMENT_LIMIT, &count) || bytes->count != (count + 1) / 2 ||
        bytes->type != ELEMENT_U8 || !element_type_is_float(largest->type) ||
        largest->count != (count + (size_t)block - 1) / (size_t)block) {
        rule_fail(n, STATUS_BAD_INPUT, "the packed weights do not fit N, K and block_size");
        return;
    }
    struct tensor *out = tensor_new(n->importer->arena, largest->type, &shape);
    if (out == NULL) {
        rule_out_of_memory(n);
        return;
    }
    bool is_normal = attr_int(n, "quant_type", 1) != 0;
    for (size_t e = 0; e < count; e++) {
        int64_t byte = bytes->data.integer[e / 2] & 0xff, code = e % 2 == 0 ? byte >> 4 : byte & 15;
        out->data.real[e] = element_round(out->type, small_float(is_normal, code) *
                                                         largest->data.real[e / (size_t)block]);
    }
    uint32_t weights = cast_to(n, stored_tensor(n, out), value_type(n, a));
    if (attr_int(n, "transB", 1) != 0)
        weights = transpose_to(n, weights, swap, 2);
    set_output(n, 0, emit2(n, OP_MAT_MUL, a, weights));
}
