/*
 * Import rules of com.microsoft's attentions and rotary embedding, which become the canonical ones.
 * Source: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 */
#include <math.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"

/* --- attentions --- */

/* What com.microsoft's attentions have in common, on its way to the canonical one. */
struct heads_form {
    uint32_t q, k,
        v; /* [batch, positions, heads x features] or [batch, heads, positions, features] */
    uint32_t mask, past_key, past_value, lengths;
    int64_t heads, kv;
    bool is_causal;
    int64_t window; /* keys before the query's own; -1: all */
    double scale;   /* 0: the usual one */
    double cap;
};

/* Emits the canonical attention; present: outputs of the node for keys and values, or SIZE_MAX. */
static void emit_attention(struct import_node *n, const struct heads_form *h, size_t present_key,
                           size_t present_value)
{
    uint32_t in[7] = {h->q, h->k, h->v, h->mask, h->past_key, h->past_value, h->lengths};
    uint32_t out[3] = {0, output_wanted(n, present_key) ? 0 : GRAPH_NONE,
                       output_wanted(n, present_value) ? 0 : GRAPH_NONE};
    if (rank_of(n, h->q) == 3)
        stage_int(n, "q_num_heads", h->heads);
    if (rank_of(n, h->k) == 3)
        stage_int(n, "kv_num_heads", h->kv);
    stage_int(n, "is_causal", h->is_causal);
    stage_int(n, "left_window_size", h->window);
    if (h->scale != 0)
        stage_float(n, "scale", h->scale);
    stage_float(n, "softcap", h->cap);
    emit_outputs(n, OP_ATTENTION, in, 7, out, 3);
    set_output(n, 0, out[0]);
    set_output(n, present_key, out[1]);
    set_output(n, present_value, out[2]);
}

/* [batch, positions, heads x features] of a tensor of either layout. */
static uint32_t packed(struct import_node *n, uint32_t x)
{
    static const int64_t positions_first[] = {0, 2, 1, 3};
    if (x == GRAPH_NONE || rank_of(n, x) != 4)
        return x;
    int64_t dims[] = {size_along(n, x, 0), size_along(n, x, 2),
                      size_along(n, x, 1) * size_along(n, x, 3)};
    return reshape_to(n, transpose_to(n, x, positions_first, 4), dims, 3);
}

/* Part `which` of [batch, positions, heads, parts, features], packed. */
static uint32_t part_of(struct import_node *n, uint32_t x, int64_t which)
{
    int64_t dims[] = {size_along(n, x, 0), size_along(n, x, 1),
                      size_along(n, x, 2) * size_along(n, x, 4)};
    return reshape_to(n, take_along(n, x, 3, which), dims, 3);
}

/*
 * A mask of whole numbers as bits that broadcast to the scores: [batch, keys], [batch, queries,
 * keys] or [batch, heads, queries, keys], 1 for keys that count. Lengths [batch] go to *lengths.
 */
static uint32_t mask_of_integers(struct import_node *n, uint32_t mask, uint32_t *lengths)
{
    if (mask == GRAPH_NONE)
        return GRAPH_NONE;
    unsigned rank = rank_of(n, mask);
    if (rank == 1) {
        *lengths = cast_to(n, mask, ELEMENT_I64);
        return GRAPH_NONE;
    }
    int64_t dims[4] = {size_along(n, mask, 0), 1, 1, size_along(n, mask, rank - 1)};
    if (rank > 2)
        dims[2] = size_along(n, mask, rank - 2);
    if (rank > 3)
        dims[1] = size_along(n, mask, 1);
    return cast_to(n, reshape_to(n, mask, dims, 4), ELEMENT_BOOL);
}

/* Bits and numbers of one mask: numbers, minus infinity where the bits are 0. */
static uint32_t joined_mask(struct import_node *n, uint32_t bits, uint32_t bias)
{
    if (bits == GRAPH_NONE || bias == GRAPH_NONE)
        return bits == GRAPH_NONE ? bias : bits;
    uint32_t least = constant_real(n, value_type(n, bias), -INFINITY);
    return emit3(n, OP_WHERE, bits, bias, least);
}

static void need_absent(struct import_node *n, size_t i, const char *what)
{
    if (operand(n, i) != GRAPH_NONE)
        rule_fail(n, STATUS_UNSUPPORTED, "input %zu, %s", i, what);
}

/* Attention on Q, K and V one beside the other. mask, past, bias: operands, or GRAPH_NONE. */
static void attend_projected(struct import_node *n, uint32_t projected, uint32_t mask,
                             uint32_t past, uint32_t bias)
{
    size_t given;
    const int64_t *sizes = attr_ints(n, "qkv_hidden_sizes", &given);
    int64_t all = size_along(n, projected, 2), own[3] = {all / 3, all / 3, all / 3}, rest = all;
    for (size_t i = 0; given == 3 && i < 3 && rest >= 0; i++) {
        own[i] = sizes[i];
        rest = own[i] < 1 || own[i] > rest ? -1 : rest - own[i];
    }
    if (given == 3 && rest != 0) {
        rule_fail(n, STATUS_BAD_INPUT, "qkv_hidden_sizes do not make up the %lld columns",
                  (long long)all);
        return;
    }
    struct heads_form h = {.heads = attr_int(n, "num_heads", 0),
                           .is_causal = attr_int(n, "unidirectional", 0) != 0,
                           .window = -1,
                           .scale = attr_float(n, "scale", 0),
                           .mask = GRAPH_NONE,
                           .past_key = GRAPH_NONE,
                           .past_value = GRAPH_NONE,
                           .lengths = GRAPH_NONE};
    h.kv = h.heads;
    need_divisor(n, own[0], h.heads, "heads");
    if (attr_int(n, "do_rotary", 0) != 0)
        rule_fail(n, STATUS_UNSUPPORTED, "do_rotary");
    h.q = slice_along(n, projected, 2, 0, own[0]);
    h.k = slice_along(n, projected, 2, own[0], own[0] + own[1]);
    h.v = slice_along(n, projected, 2, own[0] + own[1], own[0] + own[1] + own[2]);
    if (past != GRAPH_NONE) {
        h.past_key = take_along(n, past, 0, 0);
        h.past_value = take_along(n, past, 0, 1);
    }
    uint32_t bits = mask_of_integers(n, mask, &h.lengths);
    h.mask = joined_mask(n, bits, bias);
    if (!output_wanted(n, 1)) {
        emit_attention(n, &h, SIZE_MAX, SIZE_MAX);
        return;
    }
    /* present: keys and values stacked. */
    uint32_t in[7] = {h.q, h.k, h.v, h.mask, h.past_key, h.past_value, h.lengths}, out[3] = {0};
    stage_int(n, "q_num_heads", h.heads);
    stage_int(n, "kv_num_heads", h.kv);
    stage_int(n, "is_causal", h.is_causal);
    if (h.scale != 0)
        stage_float(n, "scale", h.scale);
    emit_outputs(n, OP_ATTENTION, in, 7, out, 3);
    set_output(n, 0, out[0]);
    set_output(n, 1, join_along(n, unsqueeze_at(n, out[1], 0), unsqueeze_at(n, out[2], 0), 0));
}

/* Attention of com.microsoft: one projection to Q, K and V, then attention. */
void import_ms_attention(struct import_node *n)
{
    uint32_t projected = emit2(n, OP_MAT_MUL, required(n, 0), required(n, 1)), bias = operand(n, 2);
    need_absent(n, 6, "past_sequence_length");
    if (bias != GRAPH_NONE)
        projected = emit2(n, OP_ADD, projected, bias);
    attend_projected(n, projected, operand(n, 3), operand(n, 4), operand(n, 5));
}

/* QAttention: (input, weight, bias, input scale, weight scale, mask?, input zero?, weight zero?,
 * past?), the projection in integers. */
void import_qattention(struct import_node *n)
{
    uint32_t projected =
        emit_scaled_product(n, required(n, 0), required(n, 3), operand(n, 6), required(n, 1),
                            required(n, 4), operand(n, 7), GRAPH_NONE);
    projected = emit2(n, OP_ADD, projected, required(n, 2));
    attend_projected(n, projected, operand(n, 5), operand(n, 8), GRAPH_NONE);
}

/* MultiHeadAttention of com.microsoft: projections already made, packed in one of several ways. */
void import_multi_head_attention(struct import_node *n)
{
    uint32_t q = required(n, 0), k = operand(n, 1), v = operand(n, 2), bias = operand(n, 3);
    struct heads_form h = {.heads = attr_int(n, "num_heads", 0),
                           .is_causal = attr_int(n, "unidirectional", 0) != 0,
                           .window = -1,
                           .scale = attr_float(n, "scale", 0),
                           .past_key = operand(n, 6),
                           .past_value = operand(n, 7),
                           .lengths = GRAPH_NONE};
    h.kv = h.heads;
    need_absent(n, 8, "past_sequence_length");
    need_absent(n, 9, "cache_indirection");
    if (k == GRAPH_NONE && rank_of(n, q) == 5) {
        k = part_of(n, q, 1);
        v = part_of(n, q, 2);
        q = part_of(n, q, 0);
    } else if (k != GRAPH_NONE && rank_of(n, k) == 5) {
        v = part_of(n, k, 1);
        k = part_of(n, k, 0);
    }
    h.q = packed(n, q);
    h.k = packed(n, k == GRAPH_NONE ? required(n, 1) : k);
    h.v = packed(n, v == GRAPH_NONE ? required(n, 2) : v);
    if (bias != GRAPH_NONE) {
        int64_t a = size_along(n, h.q, 2), b = a + size_along(n, h.k, 2),
                c = b + size_along(n, h.v, 2);
        h.q = emit2(n, OP_ADD, h.q, slice_along(n, bias, 0, 0, a));
        h.k = emit2(n, OP_ADD, h.k, slice_along(n, bias, 0, a, b));
        h.v = emit2(n, OP_ADD, h.v, slice_along(n, bias, 0, b, c));
    }
    uint32_t bits = mask_of_integers(n, operand(n, 4), &h.lengths);
    h.mask = joined_mask(n, bits, operand(n, 5));
    emit_attention(n, &h, 1, 2);
}

/* --- rotary embedding --- */

/*
 * Turns x, packed or not, by the angles of positions first + 0, 1, 2 ... or of `positions` [batch,
 * length]. scaled: caches hold what is needed.
 */
static uint32_t rotated(struct import_node *n, uint32_t x, uint32_t cosine, uint32_t sine,
                        uint32_t positions, int64_t heads, bool interleaved)
{
    int64_t half = size_along(n, cosine, 1), width;
    bool is_packed = rank_of(n, x) == 3;
    width =
        is_packed && heads > 0 ? size_along(n, x, 2) / heads : size_along(n, x, is_packed ? 2 : 3);
    if (2 * half < width)
        stage_int(n, "rotary_embedding_dim", 2 * half);
    stage_int(n, "interleaved", interleaved);
    if (is_packed)
        stage_int(n, "num_heads", heads);
    return emit_list(n, OP_ROTARY_EMBEDDING, (uint32_t[]){x, cosine, sine, positions}, 4);
}

/* [batch, length] of first, first + 1, ...; first one number for all, or one a batch element. */
static uint32_t counted_positions(struct import_node *n, uint32_t first, int64_t batch,
                                  int64_t length)
{
    struct shape shape = {2, {1, length}};
    struct tensor *line = tensor_new(n->importer->arena, ELEMENT_I64, &shape);
    if (line == NULL) {
        rule_out_of_memory(n);
        return GRAPH_NONE;
    }
    for (int64_t t = 0; t < length; t++)
        line->data.integer[t] = t;
    int64_t all[] = {batch, length}, column[] = {-1, 1};
    uint32_t counted = constant_tensor(n, line);
    if (first != GRAPH_NONE)
        counted =
            emit2(n, OP_ADD, counted, reshape_to(n, cast_to(n, first, ELEMENT_I64), column, 2));
    return emit2(n, OP_EXPAND, counted, constant_ints(n, all, 2));
}

/* RotaryEmbedding of com.microsoft: (input, position_ids, cos_cache, sin_cache) */
void import_ms_rotary(struct import_node *n)
{
    uint32_t x = required(n, 0), positions = required(n, 1), cosine = required(n, 2),
             sine = required(n, 3);
    int64_t heads = attr_int(n, "num_heads", 0);
    bool is_packed = rank_of(n, x) == 3;
    int64_t batch = size_along(n, x, 0), length = size_along(n, x, is_packed ? 1 : 2);
    if (attr_float(n, "scale", 1) != 1 || attr_int(n, "is_packed_batching", 0) != 0)
        rule_fail(n, STATUS_UNSUPPORTED, "scale or is_packed_batching");
    if (is_packed && heads == 0 && n->status == STATUS_OK) {
        /* The width of a head is that of the caches. */
        int64_t width = 2 * size_along(n, cosine, 1);
        need_divisor(n, size_along(n, x, 2), width, "features of a head");
        heads = n->status == STATUS_OK ? size_along(n, x, 2) / width : 1;
    }
    if (rank_of(n, positions) == 1)
        positions = counted_positions(n, positions, batch, length);
    set_output(n, 0,
               rotated(n, x, cosine, sine, positions, heads, attr_int(n, "interleaved", 0) != 0));
}

/* --- GroupQueryAttention --- */

/* Attention with a cache: keys and values of element b are its first `before` ones and the new. */
struct cache {
    int64_t batch, length, kept, size; /* new positions, positions kept, of the result */
    int64_t *before;                   /* NULL: none is kept */
    bool is_whole;                     /* the cache is full, the result has the new behind it */
};

/*
 * What seqlens_k says: positions of each element less one, the new ones among them. Without a cache
 * all positions are new, and those behind the end take no part in what stands before them.
 */
static struct cache read_cache(struct import_node *n, uint32_t past, uint32_t last, int64_t batch,
                               int64_t length)
{
    struct cache c = {.batch = batch, .length = length};
    const struct tensor *known = value_known(n, last);
    if (past == GRAPH_NONE || n->status != STATUS_OK)
        return c;
    c.kept = size_along(n, past, 2);
    if (known == NULL || known->count != (size_t)batch) {
        rule_fail(n, STATUS_UNSUPPORTED, "seqlens_k is not known at compile time");
        return c;
    }
    c.before = arena_array(n->importer->arena, int64_t, known->count + 1);
    if (c.before == NULL) {
        rule_out_of_memory(n);
        return c;
    }
    const struct tensor *total = value_known(n, operand(n, 6));
    c.is_whole = true;
    c.size = c.kept;
    if (total != NULL && total->count == 1 && total->data.integer[0] > c.size &&
        total->data.integer[0] <= c.kept + length)
        c.size = total->data.integer[0];
    for (size_t b = 0; b < known->count; b++) {
        int64_t end = known->data.integer[b];
        if (end < length - 1 || end - length >= c.kept) {
            rule_fail(n, STATUS_BAD_INPUT,
                      "seqlens_k %lld, with %lld new positions and a cache of %lld", (long long)end,
                      (long long)length, (long long)c.kept);
            return c;
        }
        c.before[b] = end + 1 - length;
        c.is_whole &= c.before[b] == c.kept;
        c.size = end + 1 > c.size ? end + 1 : c.size;
    }
    return c;
}

/* Keys or values of all elements, [batch, heads, size, features], zeros behind the last. */
static uint32_t filled_cache(struct import_node *n, const struct cache *c, uint32_t past,
                             uint32_t new, int64_t heads)
{
    static const int64_t heads_first[] = {0, 2, 1, 3};
    int64_t width = size_along(n, past, 3), parts[] = {c->batch, c->length, heads, width};
    uint32_t all = GRAPH_NONE,
             turned = transpose_to(n, reshape_to(n, new, parts, 4), heads_first, 4);
    for (int64_t b = 0; b < c->batch && n->status == STATUS_OK; b++) {
        int64_t rest[] = {1, heads, c->size - c->before[b] - c->length, width};
        uint32_t row = GRAPH_NONE;
        if (c->before[b] > 0)
            row = slice_along(n, slice_along(n, past, 0, b, b + 1), 2, 0, c->before[b]);
        row = join_along(n, row, slice_along(n, turned, 0, b, b + 1), 2);
        if (rest[2] > 0)
            row = join_along(n, row, constant_zeros(n, value_type(n, row), rest, 4), 2);
        all = join_along(n, all, row, 0);
    }
    return all;
}

/* [batch] of positions that are kept, plus `more`. */
static uint32_t cache_ends(struct import_node *n, const struct cache *c, int64_t more)
{
    int64_t *ends = arena_array(n->importer->arena, int64_t, (size_t)c->batch + 1);
    if (ends == NULL) {
        rule_out_of_memory(n);
        return GRAPH_NONE;
    }
    for (int64_t b = 0; b < c->batch; b++)
        ends[b] = (c->before == NULL ? 0 : c->before[b]) + more;
    return constant_ints(n, ends, (size_t)c->batch);
}

/* Queries, keys and values of operands 0, 1, 2, which may be packed in the first. */
static void read_heads(struct import_node *n, struct heads_form *h)
{
    h->q = required(n, 0);
    h->k = operand(n, 1);
    h->v = operand(n, 2);
    need_divisor(n, h->heads, h->kv, "key heads");
    if (h->heads < 1 || h->heads > INT32_MAX)
        rule_fail(n, STATUS_BAD_INPUT, "num_heads = %lld", (long long)h->heads);
    if (h->k != GRAPH_NONE || n->status != STATUS_OK) {
        h->v = h->v == GRAPH_NONE ? required(n, 2) : h->v;
        return;
    }
    int64_t width = size_along(n, h->q, 2) / (h->heads + 2 * h->kv), a = h->heads * width,
            b = a + h->kv * width;
    uint32_t all = h->q;
    h->q = slice_along(n, all, 2, 0, a);
    h->k = slice_along(n, all, 2, a, b);
    h->v = slice_along(n, all, 2, b, b + h->kv * width);
}

/* [batch, heads, positions, features] of [batch, positions, heads x features]. */
static uint32_t unpacked_heads(struct import_node *n, uint32_t x, int64_t heads)
{
    static const int64_t heads_first[] = {0, 2, 1, 3};
    int64_t dims[] = {size_along(n, x, 0), size_along(n, x, 1), heads, size_along(n, x, 2) / heads};
    return transpose_to(n, reshape_to(n, x, dims, 4), heads_first, 4);
}

/* x [batch, positions, heads x features], each head divided by its root mean square. */
static uint32_t normed_heads(struct import_node *n, uint32_t x, uint32_t weight, int64_t heads,
                             const char *epsilon)
{
    if (weight == GRAPH_NONE)
        return x;
    int64_t whole[] = {size_along(n, x, 0), size_along(n, x, 1), size_along(n, x, 2)},
            parts[] = {whole[0], whole[1], heads, whole[2] / heads};
    double shared = attr_float(n, "qk_norm_epsilon", 1e-6);
    uint32_t rows = reshape_to(n, x, parts, 4);
    stage_int(n, "axis", -1);
    stage_float(n, "epsilon", attr_float(n, epsilon, shared));
    return reshape_to(n, emit2(n, OP_RMS_NORMALIZATION, rows, weight), whole, 3);
}

/* Which keys each query sees, [batch, 1, queries, keys]. */
static uint32_t seen_keys(struct import_node *n, const struct heads_form *h, const struct cache *c,
                          int64_t keys)
{
    struct shape shape = {4, {c->batch, 1, c->length, keys}};
    struct tensor *seen = tensor_new(n->importer->arena, ELEMENT_BOOL, &shape);
    if (seen == NULL) {
        rule_out_of_memory(n);
        return GRAPH_NONE;
    }
    for (size_t e = 0; e < seen->count; e++) {
        int64_t key = (int64_t)e % keys, row = (int64_t)e / keys, first = 0;
        if (c->before != NULL)
            first = c->before[row / c->length];
        int64_t own = first + row % c->length;
        seen->data.integer[e] = key < first + c->length && (!h->is_causal || key <= own) &&
                                (h->window < 0 || key >= own - h->window);
    }
    return constant_tensor(n, seen);
}

/*
 * Attention written out, with one more key in each row whose value is 0 and whose score is that of
 * its head in `sink`, or 0: what a query gives to no key. k, v: [batch, heads, keys, features].
 */
static uint32_t attend_with_sink(struct import_node *n, const struct heads_form *h,
                                 const struct cache *c, uint32_t k, uint32_t v, uint32_t sink)
{
    static const int64_t last_two[] = {0, 1, 3, 2}, positions_first[] = {0, 2, 1, 3};
    uint32_t q = unpacked_heads(n, h->q, h->heads);
    int64_t keys = size_along(n, k, 2), width = size_along(n, k, 3), value = size_along(n, v, 3),
            queries = c->length, group = h->heads / h->kv;
    int64_t grouped[] = {c->batch, h->kv, group * queries, width},
            scores[] = {c->batch, h->heads, queries, keys},
            mixed[] = {c->batch, h->kv, group * queries, keys},
            single[] = {c->batch, h->heads, queries, 1}, per_head[] = {1, h->heads, 1, 1},
            heads[] = {c->batch, h->heads, queries, value},
            result[] = {c->batch, queries, h->heads * value};
    enum element_type type = value_type(n, q);
    uint32_t turned = transpose_to(n, k, last_two, 4);
    uint32_t x = emit2(n, OP_MAT_MUL, reshape_to(n, q, grouped, 4), turned);
    uint32_t scale = constant_real(n, type, h->scale != 0 ? h->scale : 1 / sqrt((double)width));
    x = emit2(n, OP_MUL, reshape_to(n, x, scores, 4), scale);
    if (h->cap > 0) {
        uint32_t cap = constant_real(n, type, h->cap);
        x = emit2(n, OP_MUL, emit1(n, OP_TANH, emit2(n, OP_DIV, x, cap)), cap);
    }
    if (h->mask != GRAPH_NONE)
        x = emit2(n, OP_ADD, x, h->mask);
    uint32_t least = constant_real(n, type, -INFINITY);
    x = emit3(n, OP_WHERE, seen_keys(n, h, c, keys), x, least);
    if (sink != GRAPH_NONE)
        sink = cast_to(n, reshape_to(n, sink, per_head, 4), type);
    else
        sink = constant_zeros(n, type, per_head, 4);
    x = join_along(n, x, emit2(n, OP_EXPAND, sink, constant_ints(n, single, 4)), 3);
    stage_int(n, "axis", 3);
    x = emit1(n, OP_SOFTMAX, x);
    x = slice_along(n, x, 3, 0, keys);
    x = emit2(n, OP_MAT_MUL, reshape_to(n, x, mixed, 4), v);
    return reshape_to(n, transpose_to(n, reshape_to(n, x, heads, 4), positions_first, 4), result,
                      3);
}

/* GroupQueryAttention of com.microsoft: causal, with a cache, rotary embedding inside. */
void import_group_query_attention(struct import_node *n)
{
    uint32_t past = operand(n, 3), sink = operand(n, 11);
    struct heads_form h = {.heads = attr_int(n, "num_heads", 0),
                           .kv = attr_int(n, "kv_num_heads", 0),
                           .is_causal = attr_int(n, "causal", 1) != 0,
                           .window = attr_int(n, "local_window_size", -1),
                           .scale = attr_float(n, "scale", 0),
                           .cap = attr_float(n, "softcap", 0),
                           .past_key = past,
                           .past_value = operand(n, 4),
                           .mask = operand(n, 10),
                           .lengths = GRAPH_NONE};
    /* The window counts the query's own key. */
    h.window = h.window > 0 ? h.window - 1 : -1;
    /* -1 stands for no: so do the attributes of other kinds of softmax. */
    bool has_sink = attr_int(n, "smooth_softmax", 0) > 0 || sink != GRAPH_NONE;
    need_absent(n, 12, "k_scale");
    need_absent(n, 13, "v_scale");
    need_absent(n, 16, "query_seqlens");
    if (attr_int(n, "sliding_window_cache", 0) != 0)
        rule_fail(n, STATUS_UNSUPPORTED, "sliding_window_cache");
    if (output_wanted(n, 3))
        rule_fail(n, STATUS_UNSUPPORTED, "output_qk");
    read_heads(n, &h);
    struct cache cache =
        read_cache(n, past, operand(n, 5), size_along(n, h.q, 0), size_along(n, h.q, 1));
    if (n->status == STATUS_OK) {
        h.q = normed_heads(n, h.q, operand(n, 14), h.heads, "q_norm_epsilon");
        h.k = normed_heads(n, h.k, operand(n, 15), h.kv, "k_norm_epsilon");
    }
    if (attr_int(n, "do_rotary", 0) != 0 && n->status == STATUS_OK) {
        uint32_t cosine = required(n, 7), sine = required(n, 8), positions = operand(n, 9);
        bool interleaved = attr_int(n, "rotary_interleaved", 0) != 0;
        if (positions == GRAPH_NONE)
            positions = counted_positions(n, cache_ends(n, &cache, 0), cache.batch, cache.length);
        h.q = rotated(n, h.q, cosine, sine, positions, h.heads, interleaved);
        h.k = rotated(n, h.k, cosine, sine, positions, h.kv, interleaved);
    }
    if (n->status == STATUS_OK && has_sink) {
        uint32_t k, v;
        if (past != GRAPH_NONE && !cache.is_whole) {
            k = filled_cache(n, &cache, past, h.k, h.kv);
            v = filled_cache(n, &cache, h.past_value, h.v, h.kv);
        } else {
            k = join_along(n, past, unpacked_heads(n, h.k, h.kv), 2);
            v = join_along(n, h.past_value, unpacked_heads(n, h.v, h.kv), 2);
        }
        set_output(n, 0, attend_with_sink(n, &h, &cache, k, v, sink));
        set_output(n, 1, k);
        set_output(n, 2, v);
        return;
    }
    if (past == GRAPH_NONE || cache.is_whole || n->status != STATUS_OK) {
        emit_attention(n, &h, 1, 2);
        return;
    }
    h.k = filled_cache(n, &cache, past, h.k, h.kv);
    h.v = filled_cache(n, &cache, h.past_value, h.v, h.kv);
    h.past_key = h.past_value = GRAPH_NONE;
    h.lengths = cache_ends(n, &cache, cache.length);
    emit_attention(n, &h, SIZE_MAX, SIZE_MAX);
    set_output(n, 1, h.k);
    set_output(n, 2, h.v);
}
