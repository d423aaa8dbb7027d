/*
 * Import rules of com.microsoft that runtimes fuse and exporters emit: activations with a bias,
 * normalisations with a residual, products with transposes, convolutions with an activation.
 * Source: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 */
#include <math.h>
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"

/* a + b, either of which may be absent. */
static uint32_t sum_of(struct import_node *n, uint32_t a, uint32_t b)
{
    if (a == GRAPH_NONE || b == GRAPH_NONE)
        return a == GRAPH_NONE ? b : a;
    return emit2(n, OP_ADD, a, b);
}

/* --- activations --- */

/* Gelu of com.microsoft, BiasGelu: by the error function, of x + bias */
void import_bias_gelu(struct import_node *n)
{
    uint32_t x = required(n, 0), bias = operand(n, 1);
    set_output(n, 0, emit1(n, OP_GELU, sum_of(n, x, bias)));
}

/* FastGelu: by tanh, of x + bias */
void import_fast_gelu(struct import_node *n)
{
    uint32_t x = sum_of(n, required(n, 0), operand(n, 1));
    stage_text(n, "approximate", "tanh");
    set_output(n, 0, emit1(n, OP_GELU, x));
}

/* QuickGelu: x sigmoid(alpha x) */
void import_quick_gelu(struct import_node *n)
{
    uint32_t x = required(n, 0);
    stage_float(n, "alpha", attr_float(n, "alpha", 1.702));
    set_output(n, 0, emit1(n, OP_SWISH, x));
}

/* BiasAdd: x + bias + skip */
void import_bias_add(struct import_node *n)
{
    uint32_t x = sum_of(n, required(n, 0), required(n, 1)), skip = operand(n, 2);
    set_output(n, 0, sum_of(n, x, skip));
}

/* BiasSoftmax: softmax(x + bias) over all axes from `axis` on, the bias broadcast along inner or
 * outer axes */
void import_bias_softmax(struct import_node *n)
{
    uint32_t x = required(n, 0), bias = required(n, 1);
    const struct shape *own = value_shape(n, x), *other = value_shape(n, bias);
    bool is_inner = attr_int(n, "is_inner_broadcast", 1) != 0;
    int64_t axis = attr_int(n, "axis", 1);
    if (n->status != STATUS_OK)
        return;
    if (!is_inner && other->rank < own->rank) {
        int64_t dims[TENSOR_RANK_MAX];
        for (unsigned d = 0; d < own->rank; d++)
            dims[d] = d < other->rank ? other->dim[d] : 1;
        bias = reshape_to(n, bias, dims, own->rank);
    }
    uint32_t sum = emit2(n, OP_ADD, x, bias);
    stage_int(n, "axis", axis);
    stage_int(n, "flatten", 1);
    set_output(n, 0, emit1(n, OP_SOFTMAX, sum));
}

/* --- normalisation --- */

/* Layer or RMS normalisation of x along the last axis; outputs of the node for mean and deviation.
 */
static uint32_t normalised(struct import_node *n, uint32_t x, uint32_t scale, uint32_t bias,
                           bool takes_mean, size_t mean, size_t deviation)
{
    double epsilon = attr_float(n, "epsilon", takes_mean ? (double)1e-12f : (double)1e-5f);
    stage_int(n, "axis", attr_int(n, "axis", -1));
    stage_float(n, "epsilon", epsilon);
    if (takes_mean) {
        uint32_t in[3] = {x, scale, bias}, out[3] = {0, GRAPH_NONE, GRAPH_NONE};
        out[1] = output_wanted(n, mean) ? 0 : GRAPH_NONE;
        out[2] = output_wanted(n, deviation) ? 0 : GRAPH_NONE;
        emit_outputs(n, OP_LAYER_NORMALIZATION, in, 3, out, 3);
        set_output(n, mean, out[1]);
        set_output(n, deviation, out[2]);
        return out[0];
    }
    uint32_t y = emit2(n, OP_RMS_NORMALIZATION, x, scale);
    if (output_wanted(n, deviation)) {
        int64_t last = -1;
        uint32_t axes = constant_ints(n, &last, 1), square = emit2(n, OP_MUL, x, x);
        uint32_t small = constant_real(n, value_type(n, x), epsilon);
        uint32_t variance = emit2(n, OP_ADD, emit2(n, OP_REDUCE_MEAN, square, axes), small);
        set_output(n, deviation, emit1(n, OP_RECIPROCAL, emit1(n, OP_SQRT, variance)));
    }
    return sum_of(n, y, bias);
}

/* SimplifiedLayerNormalization, which also stands in the default domain: RMS normalisation */
void import_simplified_layer(struct import_node *n)
{
    uint32_t x = required(n, 0), scale = required(n, 1);
    set_output(n, 0, normalised(n, x, scale, GRAPH_NONE, false, SIZE_MAX, 1));
}

/* SkipLayerNormalization: (input, skip, gamma, beta?, bias?); outputs: y, mean, deviation, sum */
void import_skip_layer(struct import_node *n)
{
    uint32_t sum = emit2(n, OP_ADD, required(n, 0), required(n, 1)), scale = required(n, 2);
    sum = sum_of(n, sum, operand(n, 4));
    uint32_t y = normalised(n, sum, scale, operand(n, 3), true, 1, 2);
    set_output(n, 3, sum);
    set_output(n, 0, y);
}

/* SkipSimplifiedLayerNormalization: (input, skip, gamma, bias?) */
void import_skip_simplified(struct import_node *n)
{
    uint32_t sum = emit2(n, OP_ADD, required(n, 0), required(n, 1)), scale = required(n, 2);
    sum = sum_of(n, sum, operand(n, 3));
    uint32_t y = normalised(n, sum, scale, GRAPH_NONE, false, SIZE_MAX, 2);
    set_output(n, 3, sum);
    set_output(n, 0, y);
}

/* Row index[i] of a table for every index. */
static uint32_t embedded(struct import_node *n, uint32_t table, uint32_t index)
{
    stage_int(n, "axis", 0);
    return emit2(n, OP_GATHER, table, index);
}

/* What EmbedLayerNormalization reads: tables, and gamma and beta. */
struct embedding {
    uint32_t words, places, segments, gamma, beta; /* segments: GRAPH_NONE without segment ids */
    uint32_t position;                             /* ids of positions, or GRAPH_NONE */
};

/* Operands 0, 1 and 7 are ids, segment ids and mask; outputs: y, mask index, sum. */
static void embed(struct import_node *n, const struct embedding *e)
{
    uint32_t ids = required(n, 0), segments = operand(n, 1), position = e->position;
    uint32_t sum = embedded(n, e->words, ids), places = e->places;
    const struct shape *shape = value_shape(n, ids);
    if (shape == NULL || shape->rank != 2) {
        rule_fail(n, STATUS_BAD_INPUT, "ids are [batch, length]");
        return;
    }
    int64_t length = shape->dim[1], batch = shape->dim[0];
    if (position == GRAPH_NONE) {
        uint32_t in[4] = {places, constant_ints(n, (const int64_t[]){0}, 1),
                          constant_ints(n, &length, 1), constant_ints(n, (const int64_t[]){0}, 1)};
        sum = emit2(n, OP_ADD, sum, emit_list(n, OP_SLICE, in, 4));
    } else {
        sum = emit2(n, OP_ADD, sum, embedded(n, places, position));
    }
    if (segments != GRAPH_NONE)
        sum = emit2(n, OP_ADD, sum, embedded(n, e->segments, segments));
    set_output(n, 0, normalised(n, sum, e->gamma, e->beta, true, SIZE_MAX, SIZE_MAX));
    if (output_wanted(n, 1)) {
        /* How many ids count: those of the mask, or, without one, none. */
        uint32_t mask = operand(n, 7), axes = constant_ints(n, (const int64_t[]){1}, 1);
        if (mask == GRAPH_NONE) {
            uint32_t none = constant_ints(n, (const int64_t[]){0}, 1);
            mask = cast_to(n, emit2(n, OP_EXPAND, none, constant_ints(n, &batch, 1)), ELEMENT_I32);
        } else {
            stage_int(n, "keepdims", 0);
            mask = emit2(n, OP_REDUCE_SUM, mask, axes);
        }
        set_output(n, 1, mask);
    }
    set_output(n, 2, sum);
}

/*
 * EmbedLayerNormalization: (ids, segments?, words, positions, segment table?, gamma, beta, mask?,
 * position ids?)
 */
void import_embed_layer(struct import_node *n)
{
    struct embedding e = {.words = required(n, 2),
                          .places = required(n, 3),
                          .segments = operand(n, 1) == GRAPH_NONE ? GRAPH_NONE : required(n, 4),
                          .gamma = required(n, 5),
                          .beta = required(n, 6),
                          .position = operand(n, 8)};
    embed(n, &e);
}

/* QEmbedLayerNormalization: the same with operands 2 to 6 of 8 bits, their scales from 8 and their
 * zero points from 13 on */
void import_q_embed_layer(struct import_node *n)
{
    uint32_t real[5];
    for (size_t k = 0; k < 5; k++) {
        bool is_absent = k == 2 && operand(n, 1) == GRAPH_NONE;
        real[k] = GRAPH_NONE;
        if (!is_absent)
            real[k] = emit3(n, OP_DEQUANTIZE_LINEAR, required(n, 2 + k), required(n, 8 + k),
                            required(n, 13 + k));
    }
    struct embedding e = {real[0], real[1], real[2], real[3], real[4], GRAPH_NONE};
    embed(n, &e);
}

/* GroupNorm: channels last unless said otherwise, perhaps swish behind it */
void import_group_norm(struct import_node *n)
{
    uint32_t x = required(n, 0), gamma = required(n, 1), beta = required(n, 2);
    const struct shape *shape = value_shape(n, x);
    bool is_last = attr_int(n, "channels_last", 1) != 0;
    if (shape == NULL || shape->rank != 4) {
        rule_fail(n, STATUS_BAD_INPUT, "the operand has four dimensions");
        return;
    }
    static const int64_t first[] = {0, 3, 1, 2}, last[] = {0, 2, 3, 1};
    enum element_type type = value_type(n, x);
    if (is_last) {
        x = transpose_to(n, x, first, 4);
    }
    gamma = cast_to(n, gamma, type);
    beta = cast_to(n, beta, type);
    stage_int(n, "num_groups", attr_int(n, "groups", 0));
    stage_float(n, "epsilon", attr_float(n, "epsilon", (double)1e-5f));
    uint32_t y = emit3(n, OP_GROUP_NORMALIZATION, x, gamma, beta);
    if (attr_int(n, "activation", 0) == 1)
        y = emit1(n, OP_SWISH, y);
    if (is_last) {
        y = transpose_to(n, y, last, 4);
    }
    set_output(n, 0, y);
}

/* --- products --- */

/* The last two axes exchanged; with batch, axis 0 goes behind the others first. */
static uint32_t turned(struct import_node *n, uint32_t x, bool last_two, bool batch)
{
    const struct shape *shape = value_shape(n, x);
    if (n->status != STATUS_OK || shape->rank < 2 || (!last_two && !batch))
        return x;
    int64_t perm[TENSOR_RANK_MAX];
    unsigned rank = shape->rank;
    /* transBatch: [d0, d1 .. dk, rows, columns] is stored as [d1 .. dk, rows, d0, columns]. */
    for (unsigned d = 0; d < rank; d++)
        perm[d] = d;
    if (batch) {
        for (unsigned d = 0; d + 2 < rank; d++)
            perm[d] = d + 1;
        perm[rank - 2] = 0;
    }
    if (last_two) {
        int64_t kept = perm[rank - 1];
        perm[rank - 1] = perm[rank - 2];
        perm[rank - 2] = kept;
    }
    return transpose_to(n, x, perm, rank);
}

/* FusedMatMul, TransposeMatMul: alpha A B, each perhaps transposed */
void import_fused_mat_mul(struct import_node *n)
{
    uint32_t a = turned(n, required(n, 0), attr_int(n, "transA", 0) != 0,
                        attr_int(n, "transBatchA", 0) != 0),
             b = turned(n, required(n, 1), attr_int(n, "transB", 0) != 0,
                        attr_int(n, "transBatchB", 0) != 0);
    double alpha = attr_float(n, "alpha", 1);
    uint32_t y = emit2(n, OP_MAT_MUL, a, b);
    if (alpha != 1) {
        uint32_t factor = constant_real(n, value_type(n, y), alpha);
        y = emit2(n, OP_MUL, y, factor);
    }
    set_output(n, 0, y);
}

/* The activation an attribute names, with its parameters. */
static uint32_t activated(struct import_node *n, uint32_t x, const char *name, double alpha,
                          double beta)
{
    static const struct {
        const char *name;
        enum op_kind op;
    } plain[] = {{"Relu", OP_RELU},
                 {"Tanh", OP_TANH},
                 {"Sigmoid", OP_SIGMOID},
                 {"Softplus", OP_SOFTPLUS},
                 {"Softsign", OP_SOFTSIGN}};
    enum element_type type = value_type(n, x);
    if (strcmp(name, "") == 0)
        return x;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(name, plain[i].name) == 0)
            return emit1(n, plain[i].op, x);
    if (strcmp(name, "Elu") == 0 || strcmp(name, "ThresholdedRelu") == 0) {
        stage_float(n, "alpha", isnan(alpha) ? 1 : alpha);
        return emit1(n, name[0] == 'E' ? OP_ELU : OP_THRESHOLDED_RELU, x);
    }
    if (strcmp(name, "LeakyRelu") == 0) {
        stage_float(n, "alpha", isnan(alpha) ? (double)0.01f : alpha);
        return emit1(n, OP_LEAKY_RELU, x);
    }
    if (strcmp(name, "HardSigmoid") == 0) {
        stage_float(n, "alpha", isnan(alpha) ? (double)0.2f : alpha);
        stage_float(n, "beta", isnan(beta) ? 0.5 : beta);
        return emit1(n, OP_HARD_SIGMOID, x);
    }
    if (strcmp(name, "Clip") == 0) {
        uint32_t low = isnan(alpha) ? GRAPH_NONE : constant_real(n, type, alpha),
                 high = isnan(beta) ? GRAPH_NONE : constant_real(n, type, beta);
        return emit3(n, OP_CLIP, x, low, high);
    }
    rule_fail(n, STATUS_UNSUPPORTED, "activation '%s'", name);
    return GRAPH_NONE;
}

/* FusedGemm: Gemm, then an activation */
void import_fused_gemm(struct import_node *n)
{
    uint32_t a = required(n, 0), b = required(n, 1), c = operand(n, 2);
    stage_float(n, "alpha", attr_float(n, "alpha", 1));
    stage_float(n, "beta", attr_float(n, "beta", 1));
    stage_int(n, "transA", attr_int(n, "transA", 0));
    stage_int(n, "transB", attr_int(n, "transB", 0));
    uint32_t y = emit3(n, OP_GEMM, a, b, c);
    double alpha = has_attr(n, "activation_alpha") ? attr_float(n, "activation_alpha", 0) : NAN,
           beta = has_attr(n, "activation_beta") ? attr_float(n, "activation_beta", 0) : NAN;
    set_output(n, 0, activated(n, y, attr_text(n, "activation", ""), alpha, beta));
}

/* Conv, plus a tensor, then an activation. more: GRAPH_NONE for nothing. */
static uint32_t fused_conv(struct import_node *n, uint32_t x, uint32_t more)
{
    uint32_t w = required(n, 1), bias = operand(n, 2);
    stage_attributes_except(n, "activation activation_params");
    uint32_t y = sum_of(n, emit3(n, OP_CONV, x, w, bias), more);
    size_t count;
    const double *parameters = attr_floats(n, "activation_params", &count);
    return activated(n, y, attr_text(n, "activation", ""), count > 0 ? parameters[0] : NAN,
                     count > 1 ? parameters[1] : NAN);
}

/* FusedConv: (x, weights, bias?, tensor to add?) */
void import_fused_conv(struct import_node *n)
{
    uint32_t x = required(n, 0);
    set_output(n, 0, fused_conv(n, x, operand(n, 3)));
}

/* NhwcConv, NhwcFusedConv: operands whose channels stand last */
void import_nhwc_conv(struct import_node *n)
{
    uint32_t x = required(n, 0), more = operand(n, 3);
    const struct shape *shape = value_shape(n, x);
    if (shape == NULL || shape->rank < 3) {
        rule_fail(n, STATUS_BAD_INPUT, "the operand has fewer than three dimensions");
        return;
    }
    unsigned rank = shape->rank;
    int64_t first[TENSOR_RANK_MAX] = {0, rank - 1}, last[TENSOR_RANK_MAX] = {0};
    for (unsigned d = 2; d < rank; d++) {
        first[d] = d - 1;
        last[d - 1] = d;
    }
    last[rank - 1] = 1;
    x = transpose_to(n, x, first, rank);
    if (more != GRAPH_NONE)
        more = transpose_to(n, more, first, rank);
    set_output(n, 0, transpose_to(n, fused_conv(n, x, more), last, rank));
}
