/*
 * Quantized operators of com.microsoft (onnxruntime's contrib operators, version 1): each is
 * written as DequantizeLinear, the operator on floats, and QuantizeLinear, which are exact, so the
 * result is rounded once. Source: ContribOperators.md of onnxruntime.
 */
#include "frontend/import_rules.h"

/* ---- parts ---- */

/* scale (x - zero point), with one scale for all or one for each place of `axis`. */
static uint32_t dequantized_at(struct import_node *n, uint32_t x, uint32_t scale, uint32_t zero,
                               int64_t axis)
{
    stage_int(n, "axis", axis);
    return emit3(n, OP_DEQUANTIZE_LINEAR, x, scale, zero);
}

/* Operands i, i + 1, i + 2: a tensor, its scale, its zero point or nothing. */
static uint32_t dequantized(struct import_node *n, size_t i)
{
    return dequantized_at(n, required(n, i), required(n, i + 1), operand(n, i + 2), 1);
}

/* Output 0: y in the scale i and with the zero point i + 1; without one, of the type of operand
 * `like`. */
static void set_quantized(struct import_node *n, uint32_t y, size_t i, size_t like)
{
    uint32_t scale = required(n, i), zero = operand(n, i + 1);
    if (zero == GRAPH_NONE)
        stage_int(n, "output_dtype", value_type(n, required(n, like)));
    set_output(n, 0, emit3(n, OP_QUANTIZE_LINEAR, y, scale, zero));
}

/* Channels from the last axis to axis 1, or back. */
static uint32_t move_channels(struct import_node *n, uint32_t x, bool back)
{
    const struct shape *shape = value_shape(n, x);
    int64_t order[TENSOR_RANK_MAX];
    if (shape == NULL)
        return GRAPH_NONE;
    unsigned rank = shape->rank;
    for (unsigned d = 0; d < rank; d++)
        order[d] = d == 0 ? 0 : back ? (d + 1 == rank ? 1 : d + 1) : (d == 1 ? rank - 1 : d - 1);
    return transpose_to(n, x, order, rank);
}

/* ---- one and two operands ---- */

static void import_qlinear_binary(struct import_node *n, enum op_kind op)
{
    uint32_t a = dequantized(n, 0), b = dequantized(n, 3);
    set_quantized(n, emit2(n, op, a, b), 6, 0);
}

void import_qlinear_add(struct import_node *n)
{
    import_qlinear_binary(n, OP_ADD);
}

void import_qlinear_mul(struct import_node *n)
{
    import_qlinear_binary(n, OP_MUL);
}

void import_qlinear_sigmoid(struct import_node *n)
{
    set_quantized(n, emit1(n, OP_SIGMOID, dequantized(n, 0)), 3, 0);
}

void import_qlinear_leaky_relu(struct import_node *n)
{
    uint32_t x = dequantized(n, 0);
    stage_float(n, "alpha", attr_float(n, "alpha", 0.01));
    set_quantized(n, emit1(n, OP_LEAKY_RELU, x), 3, 0);
}

/* opset: below 13 all axes from `axis` on are normalised together. */
void import_qlinear_softmax(struct import_node *n)
{
    uint32_t x = dequantized(n, 0);
    stage_int(n, "axis", attr_int(n, "axis", -1));
    stage_int(n, "flatten", attr_int(n, "opset", 13) < 13);
    set_quantized(n, emit1(n, OP_SOFTMAX, x), 3, 0);
}

void import_qlinear_reduce_mean(struct import_node *n)
{
    size_t count;
    uint32_t x = dequantized(n, 0);
    const int64_t *axes = attr_ints(n, "axes", &count);
    uint32_t in[2] = {x, count > 0 ? constant_ints(n, axes, count) : GRAPH_NONE};
    stage_int(n, "keepdims", attr_int(n, "keepdims", 1));
    set_quantized(n, emit_list(n, OP_REDUCE_MEAN, in, count > 0 ? 2 : 1), 3, 0);
}

void import_qlinear_where(struct import_node *n)
{
    uint32_t x = dequantized(n, 1), y = dequantized(n, 4);
    set_quantized(n, emit3(n, OP_WHERE, required(n, 0), x, y), 7, 1);
}

/* (y scale, y zero point, then tensor, scale and zero point of each operand) */
void import_qlinear_concat(struct import_node *n)
{
    uint32_t *parts = arena_array(n->importer->arena, uint32_t, n->in_count + 1);
    size_t count = 0;
    if (parts == NULL) {
        rule_out_of_memory(n);
        return;
    }
    for (size_t i = 2; i + 2 < n->in_count; i += 3)
        parts[count++] = dequantized(n, i);
    if (count == 0) {
        rule_fail(n, STATUS_BAD_INPUT, "nothing is put together");
        return;
    }
    stage_int(n, "axis", attr_int(n, "axis", 0));
    set_quantized(n, emit_list(n, OP_CONCAT, parts, count), 0, 2);
}

static void import_qlinear_pool(struct import_node *n, enum op_kind op)
{
    bool last = attr_int(n, "channels_last", 0) != 0;
    uint32_t x = dequantized(n, 0);
    if (last)
        x = move_channels(n, x, false);
    stage_attributes_except(n, "channels_last");
    uint32_t y = emit1(n, op, x);
    set_quantized(n, last ? move_channels(n, y, true) : y, 3, 0);
}

void import_qlinear_average_pool(struct import_node *n)
{
    import_qlinear_pool(n, OP_AVERAGE_POOL);
}

void import_qlinear_global_average_pool(struct import_node *n)
{
    import_qlinear_pool(n, OP_GLOBAL_AVERAGE_POOL);
}

/* ---- matrix products ---- */

uint32_t emit_scaled_product(struct import_node *n, uint32_t a, uint32_t a_scale, uint32_t a_zero,
                             uint32_t b, uint32_t b_scale, uint32_t b_zero, uint32_t bias)
{
    uint32_t in[4] = {a, b, a_zero, b_zero};
    uint32_t sums = emit_list(n, OP_MAT_MUL_INTEGER, in, 4);
    const struct shape *shape = value_shape(n, sums);
    uint32_t scale = emit2(n, OP_MUL, a_scale, b_scale);
    if (shape == NULL)
        return GRAPH_NONE;
    if (bias != GRAPH_NONE)
        sums = emit2(n, OP_ADD, sums, bias);
    return dequantized_at(n, sums, scale, GRAPH_NONE, shape->rank > 0 ? shape->rank - 1 : 0);
}

static uint32_t with_bias(struct import_node *n, uint32_t y, size_t i)
{
    uint32_t bias = operand(n, i);
    return bias == GRAPH_NONE ? y : emit2(n, OP_ADD, y, bias);
}

void import_matmul_integer_to_float(struct import_node *n)
{
    uint32_t y = emit_scaled_product(n, required(n, 0), required(n, 2), operand(n, 4),
                                     required(n, 1), required(n, 3), operand(n, 5), GRAPH_NONE);
    set_output(n, 0, with_bias(n, y, 6));
}

void import_dynamic_quantize_matmul(struct import_node *n)
{
    uint32_t a = required(n, 0), out[3] = {0, 0, 0};
    emit_outputs(n, OP_DYNAMIC_QUANTIZE_LINEAR, &a, 1, out, 3);
    if (n->status != STATUS_OK)
        return;
    uint32_t y = emit_scaled_product(n, out[0], out[1], out[2], required(n, 1), required(n, 2),
                                     operand(n, 3), GRAPH_NONE);
    set_output(n, 0, with_bias(n, y, 4));
}

/* (A, a scale, a zero, B, b scale, b zero, C int32?, y scale?, y zero?) */
void import_qgemm(struct import_node *n)
{
    static const int64_t swap[2] = {1, 0};
    uint32_t a = required(n, 0), b = required(n, 3), a_scale = required(n, 1);
    double alpha = attr_float(n, "alpha", 1);
    if (attr_int(n, "transA", 0) != 0)
        a = transpose_to(n, a, swap, 2);
    if (attr_int(n, "transB", 0) != 0)
        b = transpose_to(n, b, swap, 2);
    if (alpha != 1)
        a_scale = emit2(n, OP_MUL, a_scale, constant_real(n, ELEMENT_F32, alpha));
    uint32_t y = emit_scaled_product(n, a, a_scale, operand(n, 2), b, required(n, 4), operand(n, 5),
                                     operand(n, 6));
    if (operand(n, 7) == GRAPH_NONE)
        set_output(n, 0, y);
    else
        set_quantized(n, y, 7, 0);
}

/* ---- QLinearConv with channels last ---- */

void import_ms_qlinear_conv(struct import_node *n)
{
    uint32_t in[9];
    bool last = attr_int(n, "channels_last", 0) != 0;
    for (size_t i = 0; i < 9; i++)
        in[i] = i < 8 ? required(n, i) : operand(n, i);
    if (last)
        in[0] = move_channels(n, in[0], false);
    stage_attributes_except(n, "channels_last");
    uint32_t y = emit_list(n, OP_Q_LINEAR_CONV, in, 9);
    set_output(n, 0, last ? move_channels(n, y, true) : y);
}

/* ---- DynamicQuantizeLSTM ---- */

/* Weights [directions, in, 4 hidden] in scales of a direction or of each of its columns, as LSTM
 * takes them: [directions, 4 hidden, in]. */
static uint32_t lstm_weights(struct import_node *n, uint32_t w, uint32_t scale, uint32_t zero)
{
    static const int64_t swap[3] = {0, 2, 1};
    int64_t directions = size_along(n, w, 0);
    uint32_t all = GRAPH_NONE;
    for (int64_t d = 0; d < directions && n->status == STATUS_OK; d++) {
        uint32_t own = take_along(n, scale, 0, d),
                 none = zero == GRAPH_NONE ? GRAPH_NONE : take_along(n, zero, 0, d);
        uint32_t matrix = dequantized_at(n, take_along(n, w, 0, d), own, none, 1);
        all = join_along(n, all, unsqueeze_at(n, matrix, 0), 0);
    }
    return transpose_to(n, all, swap, 3);
}

/* X with zeros from the end of the longest sequence on. */
static uint32_t without_rest(struct import_node *n, uint32_t x, uint32_t lengths)
{
    int64_t steps = size_along(n, x, 0);
    const int64_t column[3] = {steps, 1, 1};
    int64_t *numbers = arena_array(n->importer->arena, int64_t, (size_t)steps);
    if (numbers == NULL)
        rule_out_of_memory(n);
    for (int64_t t = 0; numbers != NULL && t < steps; t++)
        numbers[t] = t;
    if (n->status != STATUS_OK)
        return GRAPH_NONE;
    uint32_t times = reshape_to(n, constant_ints(n, numbers, (size_t)steps), column, 3);
    stage_int(n, "keepdims", 0);
    uint32_t most = emit1(n, OP_REDUCE_MAX, cast_to(n, lengths, ELEMENT_I64));
    return emit3(n, OP_WHERE, emit2(n, OP_LESS, times, most), x, constant_real(n, ELEMENT_F32, 0));
}

/*
 * (X, W, R, B?, sequence_lens?, initial_h?, initial_c?, P?, W scale, W zero, R scale, R zero): the
 * input is quantized to 8 bits as a whole, up to the end of the longest sequence, and so is the
 * state of a whole batch before each step (what onnxruntime does with one thread; with more it
 * quantizes parts of a batch apart). Sequences that run backwards begin together, each with its own
 * last element.
 */
void import_dynamic_quantize_lstm(struct import_node *n)
{
    uint32_t x = required(n, 0), lengths = operand(n, 4), parts[3] = {0, 0, 0}, out[3];
    if (lengths != GRAPH_NONE)
        x = without_rest(n, x, lengths);
    emit_outputs(n, OP_DYNAMIC_QUANTIZE_LINEAR, &x, 1, parts, 3);
    if (n->status != STATUS_OK)
        return;
    uint32_t in[8] = {dequantized_at(n, parts[0], parts[1], parts[2], 1),
                      lstm_weights(n, required(n, 1), required(n, 8), operand(n, 9)),
                      lstm_weights(n, required(n, 2), required(n, 10), operand(n, 11))};
    for (size_t i = 3; i < 8; i++)
        in[i] = operand(n, i);
    stage_attributes(n);
    stage_int(n, "quantize_state", 1);
    for (size_t i = 0; i < 3; i++)
        out[i] = output_wanted(n, i) ? 0 : GRAPH_NONE;
    emit_outputs(n, OP_LSTM, in, 8, out, 3);
    for (size_t i = 0; i < 3; i++)
        if (output_wanted(n, i))
            set_output(n, i, out[i]);
}

/* ---- weights of few bits ---- */

/* Entry i of numbers of `bits` bits, packed from the lowest bit of each byte up. */
static int64_t packed_entry(const struct tensor *bytes, size_t row, size_t row_bytes, size_t i,
                            int64_t bits)
{
    size_t per_byte = (size_t)(8 / bits);
    int64_t byte = bytes->data.integer[row * row_bytes + i / per_byte] & 0xff;
    return byte >> ((int64_t)(i % per_byte) * bits) & ((1 << bits) - 1);
}

struct packed_weights {
    int64_t columns, inner, bits, block; /* N, K */
    size_t blocks;
    const struct tensor *bytes, *scales, *zeros;
    const struct tensor *groups; /* the block whose scale each of the K takes; NULL: its own */
};

static double packed_zero(const struct packed_weights *w, size_t column, size_t block)
{
    if (w->zeros == NULL)
        return (double)(1 << (w->bits - 1));
    if (element_type_is_float(w->zeros->type))
        return w->zeros->data.real[column * w->blocks + block];
    size_t row_bytes = (w->blocks * (size_t)w->bits + 7) / 8;
    return (double)packed_entry(w->zeros, column, row_bytes, block, w->bits);
}

/* [K, N] in the type of the scales. */
static struct tensor *unpack_weights(struct import_node *n, const struct packed_weights *w)
{
    struct shape shape = {2, {w->inner, w->columns}};
    struct tensor *out = tensor_new(n->importer->arena, w->scales->type, &shape);
    size_t row_bytes = w->blocks * (size_t)(w->block * w->bits / 8);
    if (out == NULL) {
        rule_out_of_memory(n);
        return NULL;
    }
    for (size_t column = 0; column < (size_t)w->columns; column++)
        for (size_t k = 0; k < (size_t)w->inner; k++) {
            size_t block =
                w->groups != NULL ? (size_t)w->groups->data.integer[k] : k / (size_t)w->block;
            double q = (double)packed_entry(w->bytes, column, row_bytes, k, w->bits);
            double scale = w->scales->data.real[column * w->blocks + block];
            out->data.real[k * (size_t)w->columns + column] =
                element_round(out->type, (q - packed_zero(w, column, block)) * scale);
        }
    return out;
}

static bool packed_sizes_fit(const struct packed_weights *w)
{
    size_t rows = (size_t)w->columns, count = rows * w->blocks;
    size_t zero_bytes = rows * ((w->blocks * (size_t)w->bits + 7) / 8);
    bool zeros_fit =
        w->zeros == NULL ||
        w->zeros->count == (element_type_is_float(w->zeros->type) ? count : zero_bytes);
    for (size_t k = 0; w->groups != NULL && k < w->groups->count; k++)
        if (w->groups->data.integer[k] < 0 || (size_t)w->groups->data.integer[k] >= w->blocks)
            return false;
    if (w->groups != NULL && w->groups->count < (size_t)w->inner)
        return false;
    return w->bytes->count == count * (size_t)(w->block * w->bits / 8) &&
           w->scales->count == count && element_type_is_float(w->scales->type) && zeros_fit;
}

/* (A, B packed [N, blocks, bytes], scales, zero points?, g_idx?, bias?): stored weights only. */
void import_matmul_nbits(struct import_node *n)
{
    struct packed_weights w = {.columns = attr_int(n, "N", 0),
                               .inner = attr_int(n, "K", 0),
                               .bits = attr_int(n, "bits", 4),
                               .block = attr_int(n, "block_size", 0)};
    uint32_t a = required(n, 0), b = required(n, 1), scales = required(n, 2), zeros = operand(n, 3),
             groups = operand(n, 4);
    if (n->status != STATUS_OK)
        return;
    bool bits_known = w.bits == 2 || w.bits == 4 || w.bits == 8;
    if (!bits_known || w.columns < 1 || w.inner < 1 || w.block < 16 ||
        (w.block & (w.block - 1)) != 0 || w.columns > INT32_MAX || w.inner > INT32_MAX ||
        w.block > INT32_MAX) {
        rule_fail(n, STATUS_UNSUPPORTED, "N = %lld, K = %lld, bits = %lld, block_size = %lld",
                  (long long)w.columns, (long long)w.inner, (long long)w.bits, (long long)w.block);
        return;
    }
    w.blocks = (size_t)((w.inner + w.block - 1) / w.block);
    w.bytes = value_known(n, b);
    w.scales = value_known(n, scales);
    w.zeros = zeros == GRAPH_NONE ? NULL : value_known(n, zeros);
    w.groups = groups == GRAPH_NONE ? NULL : value_known(n, groups);
    if (w.bytes == NULL || w.scales == NULL || (zeros != GRAPH_NONE && w.zeros == NULL) ||
        (groups != GRAPH_NONE && w.groups == NULL)) {
        rule_fail(n, STATUS_UNSUPPORTED, "its weights must be stored in the model");
        return;
    }
    if (!packed_sizes_fit(&w)) {
        rule_fail(n, STATUS_BAD_INPUT, "the packed weights do not fit N, K, block_size and g_idx");
        return;
    }
    struct tensor *weights = unpack_weights(n, &w);
    if (weights == NULL)
        return;
    uint32_t matrix = cast_to(n, stored_tensor(n, weights), value_type(n, a));
    set_output(n, 0, with_bias(n, emit2(n, OP_MAT_MUL, a, matrix), 5));
}
