/* label: fast libs: sertn_runtime */
/*
 * Attention with every kind of mask, caches and outputs; softmax behind masks that are minus
 * infinity; rotary embedding. Compared with the float model, hints and cells tampered with.
 */
#include "tests/passes/lower_kit.h"
#include "tests/passes/tamper_kit.h"

#include <math.h>
#include <string.h>

enum { OPERANDS_MAX = 8 };

struct model {
    struct kit kit;
    uint32_t in[OPERANDS_MAX];
    struct shape shape[OPERANDS_MAX];
    char kind[OPERANDS_MAX]; /* of each run-time input: 'f' numbers, 'm' numbers and minus infinity,
                                'w' 0 or 1 as numbers, 'b' bits, 'l' lengths, 'p' positions */
    int limit[OPERANDS_MAX]; /* of lengths and positions */
    size_t inputs, operands;
};

static void begin(struct model *m)
{
    memset(m, 0, sizeof *m);
    kit_init(&m->kit);
}

static void operand(struct model *m, char kind, struct shape shape, int limit)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    enum element_type type = kind == 'b'                  ? ELEMENT_BOOL
                             : kind == 'l' || kind == 'p' ? ELEMENT_I64
                                                          : ELEMENT_F32;
    m->in[m->operands++] = kit_input(&m->kit, names[m->inputs], type, shape);
    m->shape[m->inputs] = shape;
    m->kind[m->inputs] = kind;
    m->limit[m->inputs++] = limit;
}

static void absent(struct model *m)
{
    m->in[m->operands++] = GRAPH_NONE;
}

static void stored(struct model *m, uint32_t value)
{
    m->in[m->operands++] = value;
}

static struct tensor *draw(struct model *m, size_t i)
{
    if (m->kind[i] == 'f' || m->kind[i] == 'm') {
        struct tensor *tensor = kit_random_tensor(&m->kit, m->shape[i], 1.5);
        for (size_t e = 0; e < tensor->count && m->kind[i] == 'm'; e++)
            if (test_random_below(3) == 0)
                tensor->data.real[e] = -INFINITY;
        return tensor;
    }
    if (m->kind[i] == 'w') {
        struct tensor *tensor = tensor_new(&m->kit.arena, ELEMENT_F32, &m->shape[i]);
        for (size_t e = 0; e < tensor->count; e++)
            tensor->data.real[e] = (double)test_random_below(2);
        return tensor;
    }
    enum element_type type = m->kind[i] == 'b' ? ELEMENT_BOOL : ELEMENT_I64;
    struct tensor *tensor = tensor_new(&m->kit.arena, type, &m->shape[i]);
    for (size_t e = 0; e < tensor->count; e++) {
        uint64_t below = m->kind[i] == 'b' ? 2 : (uint64_t)m->limit[i];
        tensor->data.integer[e] = (int64_t)test_random_below(below) + (m->kind[i] == 'l');
    }
    return tensor;
}

static void node(struct model *m, enum op_kind op, size_t outputs)
{
    static const char *const names[] = {"y", "present_key", "present_value", "scores"};
    uint32_t out[4];
    for (size_t k = 0; k < outputs; k++)
        out[k] = graph_add_value(m->kit.graph, names[k], VALUE_NODE, ELEMENT_UNDEFINED);
    graph_add_node(m->kit.graph, op, op_name(op), m->in, m->operands, out, outputs);
    for (size_t k = 0; k < outputs; k++)
        kit_output(&m->kit, out[k]);
}

static void finish(struct model *m, bool tampers)
{
    struct declared_range ranges[OPERANDS_MAX];
    size_t declared = 0;
    for (size_t i = 0; i < m->inputs; i++) {
        if (m->kind[i] == 'l' || m->kind[i] == 'p')
            ranges[declared++] =
                (struct declared_range){m->kit.graph->values[m->kit.graph->inputs[i]].name,
                                        m->kind[i] == 'l', m->limit[i] - (m->kind[i] == 'p')};
    }
    m->kit.options.quantize.ranges = ranges;
    m->kit.options.quantize.range_count = declared;
    for (int i = 0; i < 14; i++) {
        const struct tensor *in[OPERANDS_MAX];
        for (size_t k = 0; k < m->inputs; k++)
            in[k] = draw(m, k);
        if (i < 8)
            kit_set(&m->kit, in);
        if (i == 7)
            kit_run(&m->kit);
        if (i >= 8)
            kit_compare(&m->kit, in, 2e-5, 1e-3);
        if (i == 8) {
            kit_tamper_hints(&m->kit, in);
            if (tampers)
                kit_tamper_circuit(&m->kit, in, 30);
        }
    }
    kit_release(&m->kit);
}

static void qkv(struct model *m, int heads, int kv_heads, int queries, int keys, int width)
{
    begin(m);
    operand(m, 'f', kit_shape(4, 2, heads, queries, width), 0);
    operand(m, 'f', kit_shape(4, 2, kv_heads, keys, width), 0);
    operand(m, 'f', kit_shape(4, 2, kv_heads, keys, width + 1), 0);
}

TEST(attention_of_heads_and_groups)
{
    struct model m;
    qkv(&m, 2, 2, 3, 4, 2);
    node(&m, OP_ATTENTION, 1);
    finish(&m, true);
    qkv(&m, 4, 2, 2, 3, 2);
    node(&m, OP_ATTENTION, 4);
    kit_attribute_float(&m.kit, "scale", 0.7);
    kit_attribute_float(&m.kit, "softcap", 1.5);
    kit_attribute_int(&m.kit, "qk_matmul_output_mode", 1);
    finish(&m, false);
}

TEST(packed_heads)
{
    struct model m;
    begin(&m);
    operand(&m, 'f', kit_shape(3, 2, 3, 8), 0);
    operand(&m, 'f', kit_shape(3, 2, 4, 4), 0);
    operand(&m, 'f', kit_shape(3, 2, 4, 6), 0);
    node(&m, OP_ATTENTION, 1);
    kit_attribute_int(&m.kit, "q_num_heads", 4);
    kit_attribute_int(&m.kit, "kv_num_heads", 2);
    kit_attribute_int(&m.kit, "is_causal", 1);
    finish(&m, false);
}

TEST(caches_and_causality)
{
    struct model m;
    qkv(&m, 2, 2, 2, 2, 2);
    absent(&m);
    operand(&m, 'f', kit_shape(4, 2, 2, 3, 2), 0);
    operand(&m, 'f', kit_shape(4, 2, 2, 3, 3), 0);
    node(&m, OP_ATTENTION, 4);
    kit_attribute_int(&m.kit, "is_causal", 1);
    kit_attribute_int(&m.kit, "qk_matmul_output_mode", 3);
    finish(&m, false);
}

static void masked(char kind, struct shape mask, int causal, int left, int right, size_t outputs)
{
    struct model m;
    qkv(&m, 2, 2, 3, 4, 2);
    operand(&m, kind, mask, 0);
    node(&m, OP_ATTENTION, outputs);
    kit_attribute_int(&m.kit, "is_causal", causal);
    kit_attribute_int(&m.kit, "left_window_size", left);
    kit_attribute_int(&m.kit, "right_window_size", right);
    kit_attribute_int(&m.kit, "qk_matmul_output_mode", 2);
    finish(&m, outputs == 4);
}

TEST(masks_of_run_time)
{
    masked('b', kit_shape(2, 3, 4), 0, -1, -1, 1);
    masked('m', kit_shape(2, 3, 4), 0, -1, -1, 4);
    masked('f', kit_shape(4, 2, 1, 3, 4), 1, -1, -1, 4);
    masked('m', kit_shape(4, 1, 2, 3, 1), 0, 1, 0, 1);
    /* Fewer keys: those after them are masked. */
    masked('b', kit_shape(4, 2, 2, 3, 3), 0, -1, -1, 1);
    masked('f', kit_shape(2, 3, 2), 0, -1, 2, 1);
}

TEST(lengths_of_run_time)
{
    for (int causal = 0; causal < 2; causal++) {
        struct model m;
        qkv(&m, 2, 1, 3, 4, 2);
        for (int k = 0; k < 3; k++)
            absent(&m);
        operand(&m, 'l', kit_shape(1, 2), 4);
        node(&m, OP_ATTENTION, 1);
        kit_attribute_int(&m.kit, "is_causal", causal);
        kit_attribute_int(&m.kit, "left_window_size", causal == 1 ? 1 : -1);
        finish(&m, causal == 1);
    }
}

/* ---- masks in a graph ---- */

TEST(a_stored_mask_before_a_softmax)
{
    struct model m;
    begin(&m);
    operand(&m, 'f', kit_shape(2, 3, 4), 0);
    static const double numbers[12] = {0,         -INFINITY, -INFINITY, -INFINITY, 0.5, 0,
                                       -INFINITY, -INFINITY, 0,         0.25,      0,   0};
    uint32_t mask = kit_parameter(&m.kit, "mask", kit_shape(2, 3, 4), numbers);
    uint32_t masked_scores = kit_binary(&m.kit, OP_ADD, m.in[0], mask);
    kit_output(&m.kit, kit_unary(&m.kit, OP_SOFTMAX, masked_scores));
    finish(&m, true);
}

TEST(a_chosen_mask_before_a_softmax)
{
    for (int kind = 0; kind < 2; kind++) {
        struct model m;
        begin(&m);
        operand(&m, 'f', kit_shape(2, 3, 4), 0);
        uint32_t condition;
        if (kind == 0) {
            operand(&m, 'b', kit_shape(2, 3, 4), 0);
            condition = m.in[1];
        } else {
            static const double lower[12] = {1, -1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1};
            condition = kit_binary(
                &m.kit, OP_GREATER, kit_parameter(&m.kit, "triangle", kit_shape(2, 3, 4), lower),
                kit_parameter(&m.kit, "zero", kit_shape(0), (const double[]){0}));
        }
        uint32_t least =
            kit_parameter(&m.kit, "least", kit_shape(0), (const double[]){-0x1.fffffep127});
        uint32_t chosen =
            kit_node(&m.kit, OP_WHERE, (const uint32_t[]){condition, m.in[0], least}, 3);
        uint32_t turned = kit_unary(&m.kit, OP_TRANSPOSE, chosen);
        uint32_t p = kit_unary(&m.kit, OP_SOFTMAX, turned);
        kit_attribute_int(&m.kit, "axis", 0);
        kit_output(&m.kit, kit_binary(&m.kit, OP_ADD, p, p));
        /* Now and then a row of nothing else: equal probabilities. */
        finish(&m, true);
    }
}

/* scores + (1 - m) * least, as exporters of BERT write it. */
static uint32_t added_mask(struct model *m, uint32_t scores, uint32_t mask, double least)
{
    uint32_t one = kit_parameter(&m->kit, "one", kit_shape(0), (const double[]){1}),
             low = kit_parameter(&m->kit, "least", kit_shape(0), &least);
    uint32_t factor = kit_binary(&m->kit, OP_SUB, one, mask);
    return kit_binary(&m->kit, OP_ADD, scores, kit_binary(&m->kit, OP_MUL, factor, low));
}

TEST(a_mask_made_by_a_product_before_a_softmax)
{
    for (int kind = 0; kind < 3; kind++) {
        struct model m;
        begin(&m);
        operand(&m, 'f', kit_shape(3, 2, 2, 4), 0);
        operand(&m, kind == 0 ? 'b' : 'w', kit_shape(3, 2, 1, 4), 0);
        uint32_t mask = m.in[1], scores = kit_binary(&m.kit, OP_ADD, m.in[0], m.in[0]);
        if (kind == 0) {
            mask = kit_unary(&m.kit, OP_CAST, mask);
            kit_attribute_int(&m.kit, "to", ELEMENT_F32);
        }
        uint32_t added = added_mask(&m, scores, mask, kind == 2 ? -1e16 : -0x1.fffffep127);
        kit_output(&m.kit, kit_unary(&m.kit, OP_SOFTMAX, added));
        finish(&m, true);
    }
}

/* 1 - m below 0 would put the element as far above the others. */
TEST(a_mask_made_by_a_negative_product_has_no_proof)
{
    struct model m;
    begin(&m);
    operand(&m, 'f', kit_shape(1, 4), 0);
    operand(&m, 'w', kit_shape(1, 4), 0);
    uint32_t scores = kit_binary(&m.kit, OP_ADD, m.in[0], m.in[0]);
    kit_output(&m.kit,
               kit_unary(&m.kit, OP_SOFTMAX, added_mask(&m, scores, m.in[1], -0x1.fffffep127)));
    const struct tensor *in[2] = {draw(&m, 0), draw(&m, 1)};
    in[1]->data.real[1] = 1;
    kit_set(&m.kit, in);
    kit_run(&m.kit);
    kit_compare(&m.kit, in, 2e-5, 1e-3);
    in[1]->data.real[2] = 1.5;
    kit_refuse(&m.kit, in);
    kit_release(&m.kit);
}

/* What asks whether a whole row of a mask is minus infinity says that it is one. */
TEST(rows_of_minus_infinity_are_told)
{
    struct model m;
    begin(&m);
    operand(&m, 'f', kit_shape(2, 3, 3), 0);
    operand(&m, 'm', kit_shape(2, 3, 3), 0);
    uint32_t scores = kit_binary(&m.kit, OP_ADD, m.in[0], m.in[0]);
    uint32_t p = kit_unary(&m.kit, OP_SOFTMAX, kit_binary(&m.kit, OP_ADD, scores, m.in[1]));
    uint32_t axis = kit_constant_i64(&m.kit, kit_shape(1, 1), (const int64_t[]){-1});
    uint32_t top = kit_binary(&m.kit, OP_REDUCE_MAX, m.in[1], axis);
    uint32_t least = kit_parameter(&m.kit, "least", kit_shape(0), (const double[]){-INFINITY});
    uint32_t empty = kit_binary(&m.kit, OP_EQUAL, top, least);
    uint32_t zero = kit_parameter(&m.kit, "zero", kit_shape(0), (const double[]){0});
    kit_output(&m.kit, kit_node(&m.kit, OP_WHERE, (const uint32_t[]){empty, zero, p}, 3));
    finish(&m, false);
}

TEST(masked_softmax_is_no_less_exact_inside_a_model)
{
    struct model m;
    begin(&m);
    operand(&m, 'f', kit_shape(2, 3, 5), 0);
    uint32_t p = kit_unary(&m.kit, OP_SOFTMAX, m.in[0]);
    uint32_t v = kit_random_parameter(&m.kit, "v", kit_shape(2, 5, 2), 4);
    kit_output(&m.kit, kit_binary(&m.kit, OP_MAT_MUL, p, v));
    finish(&m, true);
}

/* ---- rotary embedding ---- */

static void rotary(struct shape shape, int half, int positions, int interleaved, int heads,
                   char kind)
{
    struct model m;
    begin(&m);
    operand(&m, 'f', shape, 0);
    int batch = (int)shape.dim[0], length = (int)shape.dim[shape.rank - 2];
    struct shape cache =
        positions > 0 ? kit_shape(2, positions, half) : kit_shape(3, batch, length, half);
    stored(&m, kit_random_parameter(&m.kit, "cos", cache, 1));
    stored(&m, kit_random_parameter(&m.kit, "sin", cache, 1));
    if (kind == 'p')
        operand(&m, 'p', kit_shape(2, batch, length), positions);
    else if (kind == 'c')
        stored(&m, kit_constant_i64(&m.kit, kit_shape(2, batch, length),
                                    (const int64_t[]){2, 0, 1, 3, 1, 0}));
    node(&m, OP_ROTARY_EMBEDDING, 1);
    kit_attribute_int(&m.kit, "interleaved", interleaved);
    kit_attribute_int(&m.kit, "num_heads", heads);
    kit_attribute_int(&m.kit, "rotary_embedding_dim", 2 * half);
    finish(&m, kind == 'p');
}

TEST(pairs_of_features_are_turned)
{
    rotary(kit_shape(4, 2, 2, 3, 4), 2, 0, 0, 0, ' ');
    rotary(kit_shape(4, 2, 2, 3, 6), 2, 4, 1, 0, 'c');
    rotary(kit_shape(3, 2, 3, 8), 2, 4, 0, 2, 'p');
}
