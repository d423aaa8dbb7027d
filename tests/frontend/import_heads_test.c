/* label: fast libs: sertn_3rd_protobuf_c */
/*
 * Attentions of com.microsoft, FlexAttention, LinearAttention and CausalConvWithState against the
 * same written with other operators of ONNX.
 */
#include "frontend/import.h"

#include <math.h>
#include <stdio.h>

#include "tests/frontend/model_builder.h"
#include "tests/harness/harness.h"

struct pair {
    struct builder own, plain;
};

static struct pair pair_start(void)
{
    struct pair p = {builder_start(27), builder_start(27)};
    model_import(&p.own, "com.microsoft", 1);
    model_import(&p.own, "ai.onnx.preview", 1);
    return p;
}

static void pair_input(struct pair *p, const char *name, const char *dims)
{
    model_input(&p->own, name, ELEMENT_F32, dims);
    model_input(&p->plain, name, ELEMENT_F32, dims);
}

static void pair_tensor(struct pair *p, const char *name, enum element_type type, const char *dims,
                        const double *values)
{
    model_tensor(&p->own, name, type, dims, values);
    model_tensor(&p->plain, name, type, dims, values);
}

static void pair_output(struct pair *p, const char *name)
{
    model_output(&p->own, name);
    model_output(&p->plain, name);
}

/* Ends a comparison at its last output. */
#define PAIR_AGREES(p)                                                                             \
    do {                                                                                           \
        CHECK_AGREE(&(p)->own, &(p)->plain);                                                       \
        builder_end(&(p)->own);                                                                    \
        builder_end(&(p)->plain);                                                                  \
    } while (0)

/* The same for a result and the caches behind it. */
#define PAIR_AGREES_WITH_CACHE(p)                                                                  \
    do {                                                                                           \
        pair_output(p, "y");                                                                       \
        pair_output(p, "nk");                                                                      \
        pair_output(p, "nv");                                                                      \
        PAIR_AGREES(p);                                                                            \
    } while (0)

/* The node of com.microsoft, with two heads. */
static Onnx__Node *own_node(struct pair *p, const char *op, const char *in, const char *out)
{
    Onnx__Node *node = model_node_of(&p->own, "com.microsoft", op, in, out);
    node_int(&p->own, node, "num_heads", 2);
    return node;
}

/* ONNX's Attention with `kv` of two heads. */
static Onnx__Node *plain_attention(struct pair *p, int64_t kv, const char *in, const char *out)
{
    Onnx__Node *node = model_node(&p->plain, "Attention", in, out);
    node_int(&p->plain, node, "q_num_heads", 2);
    node_int(&p->plain, node, "kv_num_heads", kv);
    return node;
}

/* ---- Attention: a projection first ---- */

static struct pair projected_pair(void)
{
    struct pair p = pair_start();
    pair_input(&p, "x", "2,3,6");
    pair_input(&p, "w", "6,12");
    pair_input(&p, "c", "12");
    model_node(&p.plain, "MatMul", "x,w", "m");
    model_node(&p.plain, "Add", "m,c", "a");
    node_int(&p.plain, model_node(&p.plain, "Split", "a", "q,k,v"), "axis", 2);
    node_int(&p.plain, p.plain.graph->node[2], "num_outputs", 3);
    return p;
}

TEST(attention_projects_and_may_look_back_only)
{
    for (int causal = 0; causal < 2; causal++) {
        struct pair p = projected_pair();
        Onnx__Node *node = own_node(&p, "Attention", "x,w,c", "y");
        node_int(&p.own, node, "unidirectional", causal);
        node_float(&p.own, node, "scale", 0.25);
        Onnx__Node *same = plain_attention(&p, 2, "q,k,v", "y");
        node_int(&p.plain, same, "is_causal", causal);
        node_float(&p.plain, same, "scale", 0.25);
        pair_output(&p, "y");
        PAIR_AGREES(&p);
    }
}

TEST(attention_masks_of_every_rank_and_a_bias)
{
    static const double keys[] = {1, 1, 0, 1, 1, 1};
    static const double all[] = {1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 1};
    for (int rank = 1; rank <= 3; rank++) {
        struct pair p = projected_pair();
        pair_input(&p, "bias", "2,2,3,3");
        model_tensor(&p.own, "mask", ELEMENT_I32,
                     rank == 3   ? "2,3,3"
                     : rank == 2 ? "2,3"
                                 : "2",
                     rank == 3   ? all
                     : rank == 2 ? keys
                                 : REALS(2, 3));
        model_tensor(&p.plain, "bits", ELEMENT_BOOL, rank == 3 ? "2,1,3,3" : "2,1,1,3",
                     rank == 3   ? all
                     : rank == 2 ? keys
                                 : REALS(1, 1, 0, 1, 1, 1));
        double least = -INFINITY;
        model_tensor(&p.plain, "least", ELEMENT_F32, "", &least);
        own_node(&p, "Attention", "x,w,c,mask,,bias", "y");
        model_node(&p.plain, "Where", "bits,bias,least", "both");
        plain_attention(&p, 2, "q,k,v,both", "y");
        pair_output(&p, "y");
        PAIR_AGREES(&p);
    }
}

TEST(attention_appends_to_a_stacked_cache)
{
    struct pair p = projected_pair();
    pair_input(&p, "past", "2,2,2,4,2");
    node_int(&p.own, own_node(&p, "Attention", "x,w,c,,past", "y,present"), "unidirectional", 1);
    model_tensor(&p.plain, "zero", ELEMENT_I64, "", REALS(0));
    model_tensor(&p.plain, "one", ELEMENT_I64, "", REALS(1));
    model_tensor(&p.plain, "axis", ELEMENT_I64, "1", REALS(0));
    model_node(&p.plain, "Gather", "past,zero", "pk");
    model_node(&p.plain, "Gather", "past,one", "pv");
    node_int(&p.plain, plain_attention(&p, 2, "q,k,v,,pk,pv", "y,k1,v1"), "is_causal", 1);
    model_node(&p.plain, "Unsqueeze", "k1,axis", "k2");
    model_node(&p.plain, "Unsqueeze", "v1,axis", "v2");
    node_int(&p.plain, model_node(&p.plain, "Concat", "k2,v2", "present"), "axis", 0);
    pair_output(&p, "y");
    pair_output(&p, "present");
    PAIR_AGREES(&p);
}

/* ---- MultiHeadAttention ---- */

TEST(packed_heads_are_the_same_heads)
{
    struct pair p = pair_start();
    pair_input(&p, "qkv", "2,3,2,3,2");
    pair_input(&p, "q", "2,3,4");
    pair_input(&p, "kv", "2,5,2,2,2");
    own_node(&p, "MultiHeadAttention", "qkv", "y");
    own_node(&p, "MultiHeadAttention", "q,kv", "z");
    static const char *const at[] = {"0", "1", "2"};
    for (int i = 0; i < 3; i++)
        model_tensor(&p.plain, at[i], ELEMENT_I64, "", REALS(i));
    model_tensor(&p.plain, "flat", ELEMENT_I64, "3", REALS(0, 0, -1));
    static const char *const part[][3] = {
        {"qkv,0", "q0", "q1"}, {"qkv,1", "k0", "k1"}, {"qkv,2", "v0", "v1"},
        {"kv,0", "k2", "k3"},  {"kv,1", "v2", "v3"},
    };
    for (int i = 0; i < 5; i++) {
        char in[32];
        node_int(&p.plain, model_node(&p.plain, "Gather", part[i][0], part[i][1]), "axis", 3);
        snprintf(in, sizeof in, "%s,flat", part[i][1]);
        model_node(&p.plain, "Reshape", in, part[i][2]);
    }
    plain_attention(&p, 2, "q1,k1,v1", "y");
    plain_attention(&p, 2, "q,k3,v3", "z");
    pair_output(&p, "y");
    pair_output(&p, "z");
    PAIR_AGREES(&p);
}

TEST(multi_head_attention_adds_its_bias_and_hides_padding)
{
    struct pair p = pair_start();
    pair_input(&p, "q", "2,3,4");
    pair_input(&p, "k", "2,5,4");
    pair_input(&p, "v", "2,5,6");
    pair_input(&p, "c", "14");
    pair_tensor(&p, "sizes", ELEMENT_I64, "3", REALS(4, 4, 6));
    model_tensor(&p.own, "lengths", ELEMENT_I32, "2", REALS(5, 2));
    model_tensor(&p.plain, "bits", ELEMENT_BOOL, "2,1,1,5", REALS(1, 1, 1, 1, 1, 1, 1, 0, 0, 0));
    own_node(&p, "MultiHeadAttention", "q,k,v,c,lengths", "y");
    node_int(&p.plain, model_node(&p.plain, "Split", "c,sizes", "cq,ck,cv"), "axis", 0);
    model_node(&p.plain, "Add", "q,cq", "q1");
    model_node(&p.plain, "Add", "k,ck", "k1");
    model_node(&p.plain, "Add", "v,cv", "v1");
    plain_attention(&p, 2, "q1,k1,v1,bits", "y");
    pair_output(&p, "y");
    PAIR_AGREES(&p);
}

TEST(multi_head_attention_of_operands_with_heads_and_a_cache)
{
    struct pair p = pair_start();
    pair_input(&p, "q", "2,3,4");
    pair_input(&p, "k", "2,2,3,2");
    pair_input(&p, "v", "2,2,3,2");
    pair_input(&p, "pk", "2,2,4,2");
    pair_input(&p, "pv", "2,2,4,2");
    node_int(&p.own, own_node(&p, "MultiHeadAttention", "q,k,v,,,,pk,pv", "y,nk,nv"),
             "unidirectional", 1);
    model_tensor(&p.plain, "flat", ELEMENT_I64, "3", REALS(0, 0, -1));
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "k", "kt"), "perm", INTS(0, 2, 1, 3));
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "v", "vt"), "perm", INTS(0, 2, 1, 3));
    model_node(&p.plain, "Reshape", "kt,flat", "k3");
    model_node(&p.plain, "Reshape", "vt,flat", "v3");
    node_int(&p.plain, plain_attention(&p, 2, "q,k3,v3,,pk,pv", "y,nk,nv"), "is_causal", 1);
    PAIR_AGREES_WITH_CACHE(&p);
}

/* ---- rotary embedding ---- */

TEST(rotary_embedding_counts_from_its_offset)
{
    for (int packed = 0; packed < 2; packed++) {
        struct pair p = pair_start();
        pair_input(&p, "x", packed == 1 ? "2,3,8" : "2,2,3,4");
        pair_input(&p, "cos", "9,2");
        pair_input(&p, "sin", "9,2");
        model_tensor(&p.own, "first", ELEMENT_I64, "1", REALS(4));
        model_tensor(&p.plain, "at", ELEMENT_I64, "2,3", REALS(4, 5, 6, 4, 5, 6));
        node_int(&p.own,
                 model_node_of(&p.own, "com.microsoft", "RotaryEmbedding", "x,first,cos,sin", "y"),
                 "interleaved", packed);
        Onnx__Node *same = model_node(&p.plain, "RotaryEmbedding", "x,cos,sin,at", "y");
        node_int(&p.plain, same, "interleaved", packed);
        if (packed == 1)
            node_int(&p.plain, same, "num_heads", 2);
        pair_output(&p, "y");
        PAIR_AGREES(&p);
    }
}

/* ---- GroupQueryAttention ---- */

/* The node with one key head for its two. */
static Onnx__Node *own_group(struct pair *p, const char *in, const char *out)
{
    Onnx__Node *node = own_node(p, "GroupQueryAttention", in, out);
    node_int(&p->own, node, "kv_num_heads", 1);
    return node;
}

TEST(group_query_attention_of_a_prompt_has_a_window_and_a_cap)
{
    struct pair p = pair_start();
    pair_input(&p, "q", "2,5,4");
    pair_input(&p, "k", "2,5,2");
    pair_input(&p, "v", "2,5,2");
    model_tensor(&p.own, "last", ELEMENT_I32, "2", REALS(4, 4));
    model_tensor(&p.own, "total", ELEMENT_I32, "", REALS(5));
    Onnx__Node *node = own_group(&p, "q,k,v,,,last,total", "y,nk,nv");
    node_int(&p.own, node, "local_window_size", 2);
    node_float(&p.own, node, "softcap", 0.5);
    Onnx__Node *same = plain_attention(&p, 1, "q,k,v", "y,nk,nv");
    node_int(&p.plain, same, "is_causal", 1);
    node_int(&p.plain, same, "left_window_size", 1);
    node_float(&p.plain, same, "softcap", 0.5);
    PAIR_AGREES_WITH_CACHE(&p);
}

TEST(group_query_attention_turns_by_position_in_a_full_cache)
{
    struct pair p = pair_start();
    pair_input(&p, "all", "1,2,8");
    pair_input(&p, "pk", "1,1,3,2");
    pair_input(&p, "pv", "1,1,3,2");
    pair_input(&p, "cos", "9,1");
    pair_input(&p, "sin", "9,1");
    model_tensor(&p.own, "last", ELEMENT_I32, "1", REALS(4));
    model_tensor(&p.own, "total", ELEMENT_I32, "", REALS(5));
    node_int(&p.own, own_group(&p, "all,,,pk,pv,last,total,cos,sin", "y,nk,nv"), "do_rotary", 1);
    model_tensor(&p.plain, "sizes", ELEMENT_I64, "3", REALS(4, 2, 2));
    model_tensor(&p.plain, "at", ELEMENT_I64, "1,2", REALS(3, 4));
    node_int(&p.plain, model_node(&p.plain, "Split", "all,sizes", "q,k,v"), "axis", 2);
    node_int(&p.plain, model_node(&p.plain, "RotaryEmbedding", "q,cos,sin,at", "q1"), "num_heads",
             2);
    node_int(&p.plain, model_node(&p.plain, "RotaryEmbedding", "k,cos,sin,at", "k1"), "num_heads",
             1);
    node_int(&p.plain, plain_attention(&p, 1, "q1,k1,v,,pk,pv", "y,nk,nv"), "is_causal", 1);
    PAIR_AGREES_WITH_CACHE(&p);
}

/* Element b of a cache of 4 positions holds `ends[b]`, of which one is new. */
TEST(a_cache_that_is_not_full_takes_the_new_behind_its_end)
{
    struct pair p = pair_start();
    pair_input(&p, "q", "2,1,4");
    pair_input(&p, "k", "2,1,2");
    pair_input(&p, "v", "2,1,2");
    pair_input(&p, "pk", "2,1,4,2");
    pair_input(&p, "pv", "2,1,4,2");
    model_tensor(&p.own, "last", ELEMENT_I32, "2", REALS(3, 1));
    model_tensor(&p.own, "total", ELEMENT_I32, "", REALS(4));
    own_group(&p, "q,k,v,pk,pv,last,total", "y");
    /* What is kept is scattered behind the end, the rest hidden. */
    model_tensor(&p.plain, "ends", ELEMENT_I64, "2", REALS(3, 1));
    model_tensor(&p.plain, "bits", ELEMENT_BOOL, "2,1,1,4", REALS(1, 1, 1, 1, 1, 1, 0, 0));
    model_tensor(&p.plain, "axis", ELEMENT_I64, "1", REALS(1));
    model_tensor(&p.plain, "flat", ELEMENT_I64, "3", REALS(2, 4, 2));
    model_node(&p.plain, "Unsqueeze", "k,axis", "k4");
    model_node(&p.plain, "Unsqueeze", "v,axis", "v4");
    model_node(&p.plain, "TensorScatter", "pk,k4,ends", "nk");
    model_node(&p.plain, "TensorScatter", "pv,v4,ends", "nv");
    model_node(&p.plain, "Reshape", "nk,flat", "k3");
    model_node(&p.plain, "Reshape", "nv,flat", "v3");
    plain_attention(&p, 1, "q,k3,v3,bits", "y");
    pair_output(&p, "y");
    PAIR_AGREES(&p);
}

/* -2 heads and twice one key head are none to divide by. */
/* One query on a full cache: the same as attention with one more key of zeros, whose score is a
 * bias. */
TEST(group_query_attention_gives_a_part_to_no_key)
{
    for (int given = 0; given < 2; given++) {
        struct pair p = pair_start();
        pair_input(&p, "q", "1,1,4");
        pair_input(&p, "k", "1,1,2");
        pair_input(&p, "v", "1,1,2");
        pair_input(&p, "pk", "1,1,2,2");
        pair_input(&p, "pv", "1,1,2,2");
        model_tensor(&p.own, "last", ELEMENT_I32, "1", REALS(2));
        model_tensor(&p.own, "total", ELEMENT_I32, "", REALS(3));
        model_tensor(&p.own, "sink", ELEMENT_F32, "2", REALS(0.5, -0.25));
        Onnx__Node *node = own_group(
            &p, given ? "q,k,v,pk,pv,last,total,,,,,sink" : "q,k,v,pk,pv,last,total", "y,nk,nv");
        if (!given)
            node_int(&p.own, node, "smooth_softmax", 1);
        const double a = given ? 0.5 : 0, b = given ? -0.25 : 0;
        model_tensor(&p.plain, "heads", ELEMENT_I64, "4", REALS(1, 2, 1, 2));
        model_tensor(&p.plain, "head", ELEMENT_I64, "4", REALS(1, 1, 1, 2));
        model_tensor(&p.plain, "all", ELEMENT_I64, "3", REALS(1, 1, 4));
        model_tensor(&p.plain, "none", ELEMENT_F32, "1,1,1,2", REALS(0, 0));
        model_tensor(&p.plain, "m", ELEMENT_F32, "1,2,1,4", REALS(0, 0, 0, a, 0, 0, 0, b));
        model_node(&p.plain, "Reshape", "q,heads", "q4");
        model_node(&p.plain, "Reshape", "k,head", "k4");
        model_node(&p.plain, "Reshape", "v,head", "v4");
        node_int(&p.plain, model_node(&p.plain, "Concat", "pk,k4", "nk"), "axis", 2);
        node_int(&p.plain, model_node(&p.plain, "Concat", "pv,v4", "nv"), "axis", 2);
        node_int(&p.plain, model_node(&p.plain, "Concat", "nk,none", "k5"), "axis", 2);
        node_int(&p.plain, model_node(&p.plain, "Concat", "nv,none", "v5"), "axis", 2);
        model_node(&p.plain, "Attention", "q4,k5,v5,m", "y4");
        model_node(&p.plain, "Reshape", "y4,all", "y");
        PAIR_AGREES_WITH_CACHE(&p);
    }
}

TEST(group_query_attention_norms_its_heads)
{
    struct pair p = pair_start();
    pair_input(&p, "q", "1,3,4");
    pair_input(&p, "k", "1,3,2");
    pair_input(&p, "v", "1,3,2");
    model_tensor(&p.own, "last", ELEMENT_I32, "1", REALS(2));
    model_tensor(&p.own, "total", ELEMENT_I32, "", REALS(3));
    for (int i = 0; i < 2; i++) {
        struct builder *b = i == 0 ? &p.own : &p.plain;
        model_tensor(b, "qw", ELEMENT_F32, "2", REALS(0.5, 2));
        model_tensor(b, "kw", ELEMENT_F32, "2", REALS(-1, 1.5));
    }
    Onnx__Node *node = own_group(&p, "q,k,v,,,last,total,,,,,,,,qw,kw", "y,nk,nv");
    node_float(&p.own, node, "k_norm_epsilon", 0.25);
    model_tensor(&p.plain, "heads", ELEMENT_I64, "4", REALS(1, 3, 2, 2));
    model_tensor(&p.plain, "whole", ELEMENT_I64, "3", REALS(1, 3, 4));
    model_node(&p.plain, "Reshape", "q,heads", "q4");
    node_float(&p.plain, model_node(&p.plain, "RMSNormalization", "q4,qw", "qn"), "epsilon", 1e-6);
    node_float(&p.plain, model_node(&p.plain, "RMSNormalization", "k,kw", "k3"), "epsilon", 0.25);
    model_node(&p.plain, "Reshape", "qn,whole", "q3");
    node_int(&p.plain, plain_attention(&p, 1, "q3,k3,v", "y,nk,nv"), "is_causal", 1);
    PAIR_AGREES_WITH_CACHE(&p);
}

TEST(what_group_query_attention_cannot_do_is_refused)
{
    struct builder b = builder_start(17);
    model_import(&b, "com.microsoft", 1);
    model_input(&b, "q", ELEMENT_F32, "1,1,4");
    model_input(&b, "last", ELEMENT_I32, "1");
    model_input(&b, "s", ELEMENT_F32, "1");
    Onnx__Node *node =
        model_node_of(&b, "com.microsoft", "GroupQueryAttention", "q,q,q,,,last,last,,,,,,s", "y");
    node_int(&b, node, "num_heads", 2);
    node_int(&b, node, "kv_num_heads", 2);
    model_output(&b, "y");
    CHECK_REFUSED(&b, STATUS_UNSUPPORTED, "input 12, k_scale");
    builder_end(&b);
}

TEST(heads_below_zero_are_refused)
{
    struct builder b = builder_start(17);
    model_import(&b, "com.microsoft", 1);
    model_input(&b, "q", ELEMENT_F32, "1,1,4");
    model_input(&b, "last", ELEMENT_I32, "1");
    Onnx__Node *node = model_node_of(&b, "com.microsoft", "GroupQueryAttention", "q,,,,,last", "y");
    node_int(&b, node, "num_heads", -2);
    node_int(&b, node, "kv_num_heads", 1);
    model_output(&b, "y");
    CHECK_REFUSED(&b, STATUS_BAD_INPUT, "1 key heads do not divide -2");
    builder_end(&b);
}

TEST(a_cache_of_unknown_length_is_refused)
{
    struct builder b = builder_start(17);
    model_import(&b, "com.microsoft", 1);
    model_input(&b, "q", ELEMENT_F32, "1,1,4");
    model_input(&b, "k", ELEMENT_F32, "1,1,4");
    model_input(&b, "pk", ELEMENT_F32, "1,2,3,2");
    model_input(&b, "last", ELEMENT_I32, "1");
    Onnx__Node *node =
        model_node_of(&b, "com.microsoft", "GroupQueryAttention", "q,k,k,pk,pk,last", "y");
    node_int(&b, node, "num_heads", 2);
    node_int(&b, node, "kv_num_heads", 2);
    model_output(&b, "y");
    CHECK_REFUSED(&b, STATUS_UNSUPPORTED, "seqlens_k is not known at compile time");
    builder_end(&b);
}

/* ---- FlexAttention ---- */

/* A body of one input s that gives t = op(s, operand). */
static Onnx__Graph *modifier(struct builder *b, const char *op, double operand)
{
    Onnx__Graph *outer = b->graph;
    b->graph = model_body(b);
    Onnx__Graph *body = b->graph;
    model_input(b, "s", ELEMENT_F32, "2,4,3,5");
    model_tensor(b, "operand", ELEMENT_F32, "", &operand);
    model_node(b, op, "s,operand", "t");
    model_output(b, "t");
    b->graph = outer;
    return body;
}

TEST(flex_attention_runs_its_modifiers_and_shares_key_heads)
{
    struct pair p = pair_start();
    pair_input(&p, "q", "2,4,3,2");
    pair_input(&p, "k", "2,2,5,2");
    pair_input(&p, "v", "2,2,5,3");
    Onnx__Node *node = model_node_of(&p.own, "ai.onnx.preview", "FlexAttention", "q,k,v", "y");
    node_float(&p.own, node, "scale", 0.5);
    node_graph(&p.own, node, "score_mod", modifier(&p.own, "Mul", 1.5));
    node_graph(&p.own, node, "prob_mod", modifier(&p.own, "Add", 0.25));
    /* softmax(0.75 q k^T) v + 0.25 sum v, heads 0, 1 with key head 0. */
    model_tensor(&p.plain, "heads", ELEMENT_I64, "4", REALS(0, 0, 1, 1));
    model_tensor(&p.plain, "scale", ELEMENT_F32, "", REALS(0.75));
    model_tensor(&p.plain, "quarter", ELEMENT_F32, "", REALS(0.25));
    node_int(&p.plain, model_node(&p.plain, "Gather", "k,heads", "k1"), "axis", 1);
    node_int(&p.plain, model_node(&p.plain, "Gather", "v,heads", "v1"), "axis", 1);
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "k1", "kt"), "perm", INTS(0, 1, 3, 2));
    model_node(&p.plain, "MatMul", "q,kt", "a");
    model_node(&p.plain, "Mul", "a,scale", "b");
    model_node(&p.plain, "Softmax", "b", "s");
    model_node(&p.plain, "Add", "s,quarter", "t");
    model_node(&p.plain, "MatMul", "t,v1", "y");
    pair_output(&p, "y");
    PAIR_AGREES(&p);
}

/* ---- LinearAttention ---- */

enum { STEPS = 3, KEY = 2, VALUE = 3 };

/* One head: state = exp(decay) state + beta k (v - k exp(decay) state), row = 0.5 q state. */
static void naive_step(const double *q, const double *k, const double *v, double decay, double beta,
                       double state[KEY][VALUE], double *row)
{
    for (int j = 0; j < VALUE; j++) {
        double known = 0, rest;
        row[j] = 0;
        for (int i = 0; i < KEY; i++) {
            state[i][j] *= exp(decay);
            known += k[i] * state[i][j];
        }
        rest = beta * (v[j] - known);
        for (int i = 0; i < KEY; i++) {
            state[i][j] += k[i] * rest;
            row[j] += 0.5 * q[i] * state[i][j];
        }
    }
}

TEST(linear_attention_is_its_recurrence)
{
    struct builder b = builder_start(27);
    double in[STEPS * (2 * KEY + VALUE + 2)], expected[STEPS * VALUE + KEY * VALUE],
        state[KEY][VALUE] = {{0}};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++)
        in[i] = (double)test_random_below(64) / 64 - 0.5;
    const double *q = in, *k = q + STEPS * KEY, *v = k + STEPS * KEY, *decay = v + STEPS * VALUE,
                 *beta = decay + STEPS;
    for (int t = 0; t < STEPS; t++)
        naive_step(q + t * KEY, k + t * KEY, v + t * VALUE, decay[t], beta[t], state,
                   expected + t * VALUE);
    for (int i = 0; i < KEY * VALUE; i++)
        expected[STEPS * VALUE + i] = state[i / VALUE][i % VALUE];
    model_input(&b, "q", ELEMENT_F32, "1,3,2");
    model_input(&b, "k", ELEMENT_F32, "1,3,2");
    model_input(&b, "v", ELEMENT_F32, "1,3,3");
    model_input(&b, "decay", ELEMENT_F32, "1,3,1");
    model_input(&b, "beta", ELEMENT_F32, "1,3,1");
    Onnx__Node *node = model_node(&b, "LinearAttention", "q,k,v,,decay,beta", "y,state");
    node_int(&b, node, "q_num_heads", 1);
    node_int(&b, node, "kv_num_heads", 1);
    node_float(&b, node, "scale", 0.5);
    node_text(&b, node, "update_rule", "gated_delta");
    model_output(&b, "y");
    model_output(&b, "state");
    check_model(__FILE__, __LINE__, &b, in, expected, sizeof expected / sizeof *expected);
    builder_end(&b);
}

/* ---- CausalConvWithState ---- */

TEST(causal_convolution_begins_in_its_state)
{
    struct pair p = pair_start();
    pair_input(&p, "x", "2,3,4");
    pair_input(&p, "w", "3,1,3");
    pair_input(&p, "c", "3");
    pair_input(&p, "state", "2,3,2");
    node_text(&p.own, model_node(&p.own, "CausalConvWithState", "x,w,c,state", "y,next"),
              "activation", "silu");
    model_tensor(&p.plain, "from", ELEMENT_I64, "1", REALS(4));
    model_tensor(&p.plain, "to", ELEMENT_I64, "1", REALS(6));
    model_tensor(&p.plain, "axis", ELEMENT_I64, "1", REALS(2));
    node_int(&p.plain, model_node(&p.plain, "Concat", "state,x", "a"), "axis", 2);
    node_int(&p.plain, model_node(&p.plain, "Conv", "a,w,c", "b"), "group", 3);
    model_node(&p.plain, "Sigmoid", "b", "s");
    model_node(&p.plain, "Mul", "b,s", "y");
    model_node(&p.plain, "Slice", "a,from,to,axis", "next");
    pair_output(&p, "y");
    pair_output(&p, "next");
    PAIR_AGREES(&p);
}

/* That of com.microsoft: taps two apart, channels last. */
TEST(causal_convolution_with_taps_apart_and_channels_last)
{
    struct pair p = pair_start();
    pair_input(&p, "x", "2,4,3");
    pair_input(&p, "w", "3,1,2");
    pair_input(&p, "past", "2,2,3");
    Onnx__Node *node =
        model_node_of(&p.own, "com.microsoft", "CausalConvWithState", "x,w,,past", "y,z");
    node_int(&p.own, node, "dilation", 2);
    node_int(&p.own, node, "channels_last", 1);
    node_int(&p.plain, model_node(&p.plain, "Concat", "past,x", "all"), "axis", 1);
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "all", "a"), "perm", INTS(0, 2, 1));
    Onnx__Node *conv = model_node(&p.plain, "Conv", "a,w", "b");
    node_int(&p.plain, conv, "group", 3);
    node_ints(&p.plain, conv, "dilations", INTS(2));
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "b", "y"), "perm", INTS(0, 2, 1));
    model_tensor(&p.plain, "from", ELEMENT_I64, "1", REALS(4));
    model_tensor(&p.plain, "to", ELEMENT_I64, "1", REALS(6));
    model_tensor(&p.plain, "axis", ELEMENT_I64, "1", REALS(1));
    model_node(&p.plain, "Slice", "all,from,to,axis", "z");
    pair_output(&p, "y");
    pair_output(&p, "z");
    PAIR_AGREES(&p);
}

TEST(windows_of_states_are_refused)
{
    static const char *const op[2] = {"CausalConvWithState", "LinearAttention"};
    for (int k = 0; k < 2; k++) {
        struct builder b = builder_start(17);
        model_import(&b, "com.microsoft", 1);
        model_input(&b, "x", ELEMENT_F32, "1,2,2");
        Onnx__Node *node = model_node_of(&b, "com.microsoft", op[k], "x,x,x", "y");
        node_int(&b, node, "state_window", 2);
        model_output(&b, "y");
        CHECK_REFUSED(&b, STATUS_UNSUPPORTED, "state_window = 2");
        builder_end(&b);
    }
}
