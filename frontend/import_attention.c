/*
 * Import rules of what stands beside attention in transformers: FlexAttention, LinearAttention,
 * CausalConvWithState, SwiGLU. All of them become canonical operators.
 */
#include <math.h>
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"

/* --- SwiGLU --- */

/* SwiGLU: swish(A) B */
void import_swiglu(struct import_node *n)
{
    uint32_t a = required(n, 0), b = required(n, 1);
    stage_float(n, "alpha", attr_float(n, "alpha", 1));
    uint32_t gate = emit1(n, OP_SWISH, a);
    set_output(n, 0, emit2(n, OP_MUL, gate, b));
}

/* --- FlexAttention --- */

/* The modifier graph of an attribute on x; x itself when there is none. */
static uint32_t modified(struct import_node *n, const char *attribute, uint32_t x)
{
    const Onnx__Graph *graph = attr_graph(n, attribute);
    if (graph == NULL || n->status != STATUS_OK)
        return x;
    struct binding in = {.kind = BINDING_VALUE, .value = x}, out = {.kind = BINDING_NONE};
    import_inline_call(n, graph, &in, 1, &out, 1);
    if (n->status == STATUS_OK && out.kind == BINDING_BROKEN)
        rule_break(n);
    if (n->status == STATUS_OK && out.kind != BINDING_VALUE)
        rule_fail(n, STATUS_BAD_INPUT, "%s gives no tensor", attribute);
    return n->status == STATUS_OK ? out.value : GRAPH_NONE;
}

/* FlexAttention: softmax(score_mod(scale Q K^T)), prob_mod, times V; a K/V head serves a group. */
void import_flex_attention(struct import_node *n)
{
    static const int64_t last_two[] = {0, 1, 3, 2};
    uint32_t q = required(n, 0), k = required(n, 1), v = required(n, 2);
    enum element_type type = value_type(n, q);
    enum element_type precise = (enum element_type)attr_int(
        n, "softmax_precision", type == ELEMENT_F64 ? ELEMENT_F64 : ELEMENT_F32);
    int64_t batch = size_along(n, q, 0), heads = size_along(n, q, 1), queries = size_along(n, q, 2),
            width = size_along(n, q, 3), kv = size_along(n, k, 1), keys = size_along(n, k, 2),
            out = size_along(n, v, 3);
    need_divisor(n, heads, kv, "key heads");
    if (n->status != STATUS_OK)
        return;
    double scale = attr_float(n, "scale", 1 / sqrt((double)width));
    int64_t grouped[] = {batch, kv, heads / kv * queries, width},
            scores[] = {batch, heads, queries, keys},
            mixed[] = {batch, kv, heads / kv * queries, keys},
            result[] = {batch, heads, queries, out};
    uint32_t turned = transpose_to(n, k, last_two, 4);
    uint32_t x = emit2(n, OP_MAT_MUL, reshape_to(n, q, grouped, 4), turned);
    x = cast_to(n, reshape_to(n, x, scores, 4), precise);
    uint32_t factor = constant_real(n, precise, scale);
    x = modified(n, "score_mod", emit2(n, OP_MUL, x, factor));
    stage_int(n, "axis", 3);
    x = modified(n, "prob_mod", emit1(n, OP_SOFTMAX, x));
    x = emit2(n, OP_MAT_MUL, reshape_to(n, x, mixed, 4), cast_to(n, v, precise));
    set_output(n, 0, cast_to(n, reshape_to(n, x, result, 4), type));
}

/* --- LinearAttention --- */

struct recurrence {
    int64_t batch, steps, heads, kv, key, value;
    bool is_gated, is_delta;
    uint32_t q, k, v, decay, beta; /* [batch, steps, heads, features], float32; decay as a factor */
};

/* Operand i as [batch, steps, heads, the rest], float32. */
static uint32_t unpacked(struct import_node *n, const struct recurrence *r, size_t i, int64_t heads)
{
    uint32_t x = cast_to(n, required(n, i), ELEMENT_F32);
    int64_t packed = size_along(n, x, 2);
    need_divisor(n, packed, heads, "heads");
    if (n->status != STATUS_OK)
        return GRAPH_NONE;
    return reshape_to(n, x, (int64_t[]){r->batch, r->steps, heads, packed / heads}, 4);
}

/* The state after one step; the row read from it is *out. */
static uint32_t step(struct import_node *n, const struct recurrence *r, uint32_t state, int64_t t,
                     uint32_t *out)
{
    uint32_t k = take_along(n, r->k, 1, t), row = unsqueeze_at(n, take_along(n, r->v, 1, t), -2),
             column = unsqueeze_at(n, k, -1);
    if (r->is_gated)
        state = emit2(n, OP_MUL, state, unsqueeze_at(n, take_along(n, r->decay, 1, t), -1));
    if (r->is_delta) {
        uint32_t known = emit2(n, OP_MAT_MUL, unsqueeze_at(n, k, -2), state);
        uint32_t rest = emit2(n, OP_SUB, row, known);
        row = emit2(n, OP_MUL, unsqueeze_at(n, take_along(n, r->beta, 1, t), -1), rest);
    }
    state = emit2(n, OP_ADD, state, emit2(n, OP_MAT_MUL, column, row));
    int64_t group[] = {r->batch, r->kv, r->heads / r->kv, r->key},
            packed[] = {r->batch, 1, r->heads * r->value};
    uint32_t q = reshape_to(n, take_along(n, r->q, 1, t), group, 4);
    *out = reshape_to(n, emit2(n, OP_MAT_MUL, q, state), packed, 3);
    return state;
}

/* LinearAttention: one step a token, written out. */
void import_linear_attention(struct import_node *n)
{
    enum { STEPS_MAX = 1 << 16 };
    uint32_t q = required(n, 0);
    const char *rule = attr_text(n, "update_rule", "gated_delta");
    struct recurrence r = {
        .heads = attr_int(n, "q_num_heads", 0),
        .kv = attr_int(n, "kv_num_heads", 0),
        .batch = size_along(n, q, 0),
        .steps = size_along(n, q, 1),
        .is_gated = strcmp(rule, "gated") == 0 || strcmp(rule, "gated_delta") == 0,
        .is_delta = strcmp(rule, "delta") == 0 || strcmp(rule, "gated_delta") == 0};
    if (!r.is_gated && !r.is_delta && strcmp(rule, "linear") != 0)
        rule_fail(n, STATUS_BAD_INPUT, "update_rule '%s'", rule);
    need_divisor(n, r.heads, r.kv, "key heads");
    if (n->status != STATUS_OK)
        return;
    r.q = unpacked(n, &r, 0, r.heads);
    r.k = unpacked(n, &r, 1, r.kv);
    r.v = unpacked(n, &r, 2, r.kv);
    r.key = size_along(n, r.k, 3);
    r.value = size_along(n, r.v, 3);
    if (r.is_gated)
        r.decay = emit1(n, OP_EXP, unpacked(n, &r, 4, r.kv));
    if (r.is_delta)
        r.beta = unpacked(n, &r, 5, size_along(n, required(n, 5), 2));
    uint32_t past = operand(n, 3), state = past;
    enum element_type type = value_type(n, q),
                      kept = past == GRAPH_NONE ? type : value_type(n, past);
    if (past == GRAPH_NONE)
        state = constant_zeros(n, ELEMENT_F32, (int64_t[]){r.batch, r.kv, r.key, r.value}, 4);
    state = cast_to(n, state, ELEMENT_F32);
    if (r.steps > STEPS_MAX) {
        rule_fail(n, STATUS_LIMIT, "it has more than %d steps", STEPS_MAX);
        return;
    }
    uint32_t *rows = arena_array(n->importer->arena, uint32_t, (size_t)r.steps + 1);
    if (rows == NULL) {
        rule_out_of_memory(n);
        return;
    }
    for (int64_t t = 0; t < r.steps && n->status == STATUS_OK; t++)
        state = step(n, &r, state, t, &rows[t]);
    if (r.steps == 0)
        rule_fail(n, STATUS_UNSUPPORTED, "no tokens");
    double scale = attr_float(n, "scale", 0);
    uint32_t factor = constant_real(n, ELEMENT_F32, scale == 0 ? 1 / sqrt((double)r.key) : scale);
    stage_int(n, "axis", 1);
    uint32_t all = emit_list(n, OP_CONCAT, rows, (size_t)r.steps);
    set_output(n, 0, cast_to(n, emit2(n, OP_MUL, all, factor), type));
    set_output(n, 1, cast_to(n, state, kept));
}

/* --- CausalConvWithState --- */

/* Attributes of com.microsoft that only some devices know have to say nothing. */
static void need_plain(struct import_node *n, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (attr_int(n, names[i], 0) != 0)
            rule_fail(n, STATUS_UNSUPPORTED, "%s = %lld", names[i],
                      (long long)attr_int(n, names[i], 0));
}

/*
 * CausalConvWithState: each channel by itself over the state and the input, then perhaps swish.
 * That of com.microsoft may have its channels last and space its taps.
 */
void import_causal_conv(struct import_node *n)
{
    static const int64_t swap[3] = {0, 2, 1};
    uint32_t x = required(n, 0), w = required(n, 1), bias = operand(n, 2), past = operand(n, 3);
    const char *activation = attr_text(n, "activation", "none");
    bool is_last = attr_int(n, "channels_last", 0) != 0;
    if (is_last) {
        x = transpose_to(n, x, swap, 3);
        past = past == GRAPH_NONE ? past : transpose_to(n, past, swap, 3);
    }
    int64_t batch = size_along(n, x, 0), channels = size_along(n, x, 1),
            length = size_along(n, x, 2), dilation = attr_int(n, "dilation", 1),
            before = (size_along(n, w, 2) - 1) * dilation;
    bool is_swish = strcmp(activation, "silu") == 0 || strcmp(activation, "swish") == 0;
    if (!is_swish && strcmp(activation, "none") != 0)
        rule_fail(n, STATUS_BAD_INPUT, "activation '%s'", activation);
    if (dilation < 1 || dilation > 1 << 20)
        rule_fail(n, STATUS_BAD_INPUT, "dilation %lld", (long long)dilation);
    if (n->status != STATUS_OK)
        return;
    enum element_type type = value_type(n, x);
    if (past == GRAPH_NONE && before > 0)
        past = constant_zeros(n, type, (int64_t[]){batch, channels, before}, 3);
    uint32_t padded = before > 0 ? join_along(n, past, x, 2) : x;
    stage_int(n, "group", channels);
    stage_ints(n, "dilations", &dilation, 1);
    uint32_t y = emit3(n, OP_CONV, padded, w, bias);
    if (is_swish)
        y = cast_to(n, emit1(n, OP_SWISH, cast_to(n, y, ELEMENT_F32)), type);
    uint32_t present = slice_along(n, padded, 2, length, length + before);
    set_output(n, 0, is_last ? transpose_to(n, y, swap, 3) : y);
    set_output(n, 1, is_last ? transpose_to(n, present, swap, 3) : present);
}

/* The same of com.microsoft, along one axis. */
void import_ms_causal_conv(struct import_node *n)
{
    static const char *const names[] = {"state_update_capacity", "state_window", "state_length",
                                        "input_channel_offset", "input_channels"};
    need_plain(n, names, sizeof names / sizeof *names);
    if (attr_int(n, "ndim", 1) != 1)
        rule_fail(n, STATUS_UNSUPPORTED, "ndim = %lld", (long long)attr_int(n, "ndim", 1));
    if (attr_int(n, "state_channels_last", -1) != -1)
        rule_fail(n, STATUS_UNSUPPORTED, "state_channels_last");
    import_causal_conv(n);
}

/* LinearAttention of com.microsoft, without a window of states */
void import_ms_linear_attention(struct import_node *n)
{
    static const char *const names[] = {"state_window"};
    need_plain(n, names, 1);
    import_linear_attention(n);
}
