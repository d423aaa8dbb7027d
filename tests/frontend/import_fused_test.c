/* label: fast libs: sertn_3rd_protobuf_c */
/* Fused operators of com.microsoft against the same written with the operators of ONNX. */
#include "frontend/import.h"

#include <math.h>

#include "tests/frontend/model_builder.h"
#include "tests/harness/harness.h"

/* Two models that have to agree. */
struct pair {
    struct builder fused, plain;
};

static struct pair pair_start(void)
{
    struct pair p = {builder_start(23), builder_start(23)};
    model_import(&p.fused, "com.microsoft", 1);
    return p;
}

static void pair_input(struct pair *p, const char *name, const char *dims)
{
    model_input(&p->fused, name, ELEMENT_F32, dims);
    model_input(&p->plain, name, ELEMENT_F32, dims);
}

static Onnx__Node *fused_node(struct pair *p, const char *op, const char *in, const char *out)
{
    return model_node_of(&p->fused, "com.microsoft", op, in, out);
}

static void pair_output(struct pair *p, const char *name)
{
    model_output(&p->fused, name);
    model_output(&p->plain, name);
}

/* Ends a comparison at its last output. */
#define PAIR_AGREES(p)                                                                             \
    do {                                                                                           \
        CHECK_AGREE(&(p)->fused, &(p)->plain);                                                     \
        builder_end(&(p)->fused);                                                                  \
        builder_end(&(p)->plain);                                                                  \
    } while (0)

static void scalar(struct builder *b, const char *name, double value)
{
    model_tensor(b, name, ELEMENT_F32, "", &value);
}

TEST(gelu_by_the_error_function_takes_a_bias)
{
    struct pair p = pair_start();
    pair_input(&p, "x", "3,4");
    pair_input(&p, "c", "4");
    fused_node(&p, "BiasGelu", "x,c", "y");
    fused_node(&p, "Gelu", "x", "z");
    model_node(&p.plain, "Add", "x,c", "s");
    model_node(&p.plain, "Gelu", "s", "y");
    model_node(&p.plain, "Gelu", "x", "z");
    pair_output(&p, "y");
    pair_output(&p, "z");
    PAIR_AGREES(&p);
}

TEST(fast_gelu_is_the_one_by_tanh_with_or_without_a_bias)
{
    struct pair p = pair_start();
    pair_input(&p, "x", "3,4");
    pair_input(&p, "c", "4");
    fused_node(&p, "FastGelu", "x,c", "y");
    fused_node(&p, "FastGelu", "x", "z");
    model_node(&p.plain, "Add", "x,c", "s");
    node_text(&p.plain, model_node(&p.plain, "Gelu", "s", "y"), "approximate", "tanh");
    node_text(&p.plain, model_node(&p.plain, "Gelu", "x", "z"), "approximate", "tanh");
    pair_output(&p, "y");
    pair_output(&p, "z");
    PAIR_AGREES(&p);
}

TEST(quick_gelu_is_x_times_sigmoid_of_alpha_x)
{
    for (int given = 0; given < 2; given++) {
        struct pair p = pair_start();
        pair_input(&p, "x", "3,4");
        Onnx__Node *node = fused_node(&p, "QuickGelu", "x", "y");
        if (given == 1)
            node_float(&p.fused, node, "alpha", 0.5);
        scalar(&p.plain, "alpha", given == 1 ? 0.5 : 1.702);
        model_node(&p.plain, "Mul", "x,alpha", "a");
        model_node(&p.plain, "Sigmoid", "a", "s");
        model_node(&p.plain, "Mul", "x,s", "y");
        pair_output(&p, "y");
        PAIR_AGREES(&p);
    }
}

TEST(bias_add_adds_three)
{
    struct pair p = pair_start();
    pair_input(&p, "x", "2,3,4");
    pair_input(&p, "c", "4");
    pair_input(&p, "skip", "2,3,4");
    fused_node(&p, "BiasAdd", "x,c,skip", "y");
    model_node(&p.plain, "Sum", "x,c,skip", "y");
    pair_output(&p, "y");
    PAIR_AGREES(&p);
}

TEST(bias_softmax_takes_its_bias_along_inner_or_outer_axes)
{
    for (int inner = 0; inner < 2; inner++) {
        struct pair p = pair_start();
        pair_input(&p, "x", "2,3,4");
        pair_input(&p, "c", inner == 1 ? "1,1,4" : "2,1");
        Onnx__Node *node = fused_node(&p, "BiasSoftmax", "x,c", "y");
        node_int(&p.fused, node, "axis", 2);
        node_int(&p.fused, node, "is_inner_broadcast", inner);
        model_tensor(&p.plain, "to", ELEMENT_I64, "3",
                     inner == 1 ? REALS(1, 1, 4) : REALS(2, 1, 1));
        model_node(&p.plain, "Reshape", "c,to", "d");
        model_node(&p.plain, "Add", "x,d", "s");
        node_int(&p.plain, model_node(&p.plain, "Softmax", "s", "y"), "axis", 2);
        pair_output(&p, "y");
        PAIR_AGREES(&p);
    }
}

TEST(skip_layer_normalization_gives_what_it_normalised)
{
    struct pair p = pair_start();
    pair_input(&p, "x", "2,3,4");
    pair_input(&p, "skip", "2,3,4");
    pair_input(&p, "gamma", "4");
    pair_input(&p, "beta", "4");
    pair_input(&p, "c", "4");
    node_float(&p.fused,
               fused_node(&p, "SkipLayerNormalization", "x,skip,gamma,beta,c", "y,mean,dev,s"),
               "epsilon", 0.25);
    model_node(&p.plain, "Sum", "x,skip,c", "s");
    node_float(&p.plain, model_node(&p.plain, "LayerNormalization", "s,gamma,beta", "y,mean,dev"),
               "epsilon", 0.25);
    pair_output(&p, "y");
    pair_output(&p, "mean");
    pair_output(&p, "dev");
    pair_output(&p, "s");
    PAIR_AGREES(&p);
}

TEST(simplified_layer_normalization_is_the_rms_one)
{
    struct pair p = pair_start();
    pair_input(&p, "x", "2,3,4");
    pair_input(&p, "skip", "2,3,4");
    pair_input(&p, "gamma", "4");
    node_float(&p.fused,
               fused_node(&p, "SkipSimplifiedLayerNormalization", "x,skip,gamma", "y,,dev,s"),
               "epsilon", 0.25);
    node_float(&p.fused, fused_node(&p, "SimplifiedLayerNormalization", "x,gamma", "z"), "epsilon",
               0.5);
    node_float(&p.fused, model_node(&p.fused, "SimplifiedLayerNormalization", "x,gamma", "w"),
               "epsilon", 0.5);
    model_node(&p.plain, "Add", "x,skip", "s");
    node_float(&p.plain, model_node(&p.plain, "RMSNormalization", "s,gamma", "y"), "epsilon", 0.25);
    node_float(&p.plain, model_node(&p.plain, "RMSNormalization", "x,gamma", "z"), "epsilon", 0.5);
    model_node(&p.plain, "Identity", "z", "w");
    scalar(&p.plain, "quarter", 0.25);
    model_tensor(&p.plain, "last", ELEMENT_I64, "1", REALS(-1));
    model_node(&p.plain, "Mul", "s,s", "s2");
    model_node(&p.plain, "ReduceMean", "s2,last", "m");
    model_node(&p.plain, "Add", "m,quarter", "v");
    model_node(&p.plain, "Sqrt", "v", "r");
    model_node(&p.plain, "Reciprocal", "r", "dev");
    pair_output(&p, "y");
    pair_output(&p, "dev");
    pair_output(&p, "s");
    pair_output(&p, "z");
    pair_output(&p, "w");
    PAIR_AGREES(&p);
}

TEST(embed_layer_normalization_sums_three_tables_and_counts_the_mask)
{
    struct pair p = pair_start();
    struct builder *both[] = {&p.fused, &p.plain};
    for (int i = 0; i < 2; i++) {
        model_input(both[i], "ids", ELEMENT_I32, "2,3");
        model_input(both[i], "segments", ELEMENT_I32, "2,3");
        model_input(both[i], "mask", ELEMENT_I32, "2,3");
        model_input(both[i], "words", ELEMENT_F32, "2,4");
        model_input(both[i], "places", ELEMENT_F32, "5,4");
        model_input(both[i], "parts", ELEMENT_F32, "2,4");
        model_input(both[i], "gamma", ELEMENT_F32, "4");
        model_input(both[i], "beta", ELEMENT_F32, "4");
    }
    node_float(&p.fused,
               fused_node(&p, "EmbedLayerNormalization",
                          "ids,segments,words,places,parts,gamma,beta,mask", "y,count,s"),
               "epsilon", 0.25);
    model_tensor(&p.plain, "three", ELEMENT_I64, "3", REALS(0, 1, 2));
    model_tensor(&p.plain, "one", ELEMENT_I64, "1", REALS(1));
    model_node(&p.plain, "Gather", "words,ids", "a");
    model_node(&p.plain, "Gather", "places,three", "b");
    model_node(&p.plain, "Gather", "parts,segments", "c");
    model_node(&p.plain, "Sum", "a,b,c", "s");
    node_float(&p.plain, model_node(&p.plain, "LayerNormalization", "s,gamma,beta", "y"), "epsilon",
               0.25);
    node_int(&p.plain, model_node(&p.plain, "ReduceSum", "mask,one", "count"), "keepdims", 0);
    pair_output(&p, "y");
    pair_output(&p, "count");
    pair_output(&p, "s");
    PAIR_AGREES(&p);
}

TEST(group_norm_has_its_channels_last_and_swish_behind)
{
    struct pair p = pair_start();
    pair_input(&p, "x", "2,2,3,4");
    pair_input(&p, "gamma", "4");
    pair_input(&p, "beta", "4");
    Onnx__Node *node = fused_node(&p, "GroupNorm", "x,gamma,beta", "y");
    node_int(&p.fused, node, "groups", 2);
    node_int(&p.fused, node, "activation", 1);
    node_float(&p.fused, node, "epsilon", 0.25);
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "x", "t"), "perm", INTS(0, 3, 1, 2));
    Onnx__Node *norm = model_node(&p.plain, "GroupNormalization", "t,gamma,beta", "g");
    node_int(&p.plain, norm, "num_groups", 2);
    node_float(&p.plain, norm, "epsilon", 0.25);
    model_node(&p.plain, "Sigmoid", "g", "sg");
    model_node(&p.plain, "Mul", "g,sg", "h");
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "h", "y"), "perm", INTS(0, 2, 3, 1));
    pair_output(&p, "y");
    PAIR_AGREES(&p);
}

/* FusedMatMul with operands stored in `a` and `b`, which `turn_a` and `turn_b` make plain. */
static void check_product(const char *a, const char *b, const char *flags, const int64_t *turn_a,
                          const int64_t *turn_b)
{
    struct pair p = pair_start();
    pair_input(&p, "a", a);
    pair_input(&p, "b", b);
    Onnx__Node *node = fused_node(&p, "FusedMatMul", "a,b", "y");
    node_int(&p.fused, node, "transA", flags[0] == '1');
    node_int(&p.fused, node, "transB", flags[1] == '1');
    node_int(&p.fused, node, "transBatchA", flags[2] == '1');
    node_int(&p.fused, node, "transBatchB", flags[3] == '1');
    node_float(&p.fused, node, "alpha", 0.5);
    scalar(&p.plain, "half", 0.5);
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "a", "ta"), "perm", turn_a, 3);
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "b", "tb"), "perm", turn_b, 3);
    model_node(&p.plain, "MatMul", "ta,tb", "m");
    model_node(&p.plain, "Mul", "m,half", "y");
    pair_output(&p, "y");
    PAIR_AGREES(&p);
}

TEST(fused_products_turn_rows_columns_and_batches)
{
    static const int64_t as_is[] = {0, 1, 2}, rows[] = {0, 2, 1}, batch[] = {1, 0, 2},
                         both[] = {1, 2, 0};
    check_product("2,3,4", "2,4,5", "0000", as_is, as_is);
    check_product("2,4,3", "2,4,5", "1000", rows, as_is);
    check_product("2,3,4", "2,5,4", "0100", as_is, rows);
    check_product("3,2,4", "2,4,5", "0010", batch, as_is);
    check_product("4,2,3", "2,4,5", "1010", both, as_is);
    check_product("2,3,4", "4,2,5", "0001", as_is, batch);
}

/* What one activation of FusedGemm is; the plain model computes y of g. */
static void check_activation(const char *name, double alpha, double beta)
{
    struct pair p = pair_start();
    pair_input(&p, "a", "3,4");
    pair_input(&p, "b", "5,4");
    pair_input(&p, "c", "5");
    Onnx__Node *node = fused_node(&p, "FusedGemm", "a,b,c", "y"),
               *gemm = model_node(&p.plain, "Gemm", "a,b,c", "g"),
               *act = model_node(&p.plain, name, "g", "y");
    node_int(&p.fused, node, "transB", 1);
    node_int(&p.plain, gemm, "transB", 1);
    node_text(&p.fused, node, "activation", name);
    if (!isnan(alpha)) {
        node_float(&p.fused, node, "activation_alpha", alpha);
        node_float(&p.plain, act, "alpha", alpha);
    }
    if (!isnan(beta)) {
        node_float(&p.fused, node, "activation_beta", beta);
        node_float(&p.plain, act, "beta", beta);
    }
    pair_output(&p, "y");
    PAIR_AGREES(&p);
}

TEST(fused_gemm_ends_in_its_activation)
{
    check_activation("Relu", NAN, NAN);
    check_activation("Tanh", NAN, NAN);
    check_activation("Sigmoid", NAN, NAN);
    check_activation("LeakyRelu", NAN, NAN);
    check_activation("LeakyRelu", 0.25, NAN);
    check_activation("HardSigmoid", NAN, NAN);
    check_activation("HardSigmoid", 0.5, 0.25);
    check_activation("Elu", NAN, NAN);
    check_activation("Elu", 0.5, NAN);
    check_activation("ThresholdedRelu", 0.75, NAN);
    check_activation("Softplus", NAN, NAN);
    check_activation("Softsign", NAN, NAN);
}

TEST(fused_conv_adds_a_tensor_before_its_activation)
{
    struct pair p = pair_start();
    pair_input(&p, "x", "1,2,4,4");
    pair_input(&p, "w", "3,2,3,3");
    pair_input(&p, "c", "3");
    pair_input(&p, "z", "1,3,2,2");
    Onnx__Node *node = fused_node(&p, "FusedConv", "x,w,c,z", "y");
    node_text(&p.fused, node, "activation", "Clip");
    node_floats(&p.fused, node, "activation_params", FLOATS(-1, 0.5));
    model_node(&p.plain, "Conv", "x,w,c", "a");
    model_node(&p.plain, "Add", "a,z", "s");
    scalar(&p.plain, "low", -1);
    scalar(&p.plain, "high", 0.5);
    model_node(&p.plain, "Clip", "s,low,high", "y");
    pair_output(&p, "y");
    PAIR_AGREES(&p);
}

TEST(nhwc_conv_has_its_channels_last)
{
    struct pair p = pair_start();
    pair_input(&p, "x", "1,4,5,2");
    pair_input(&p, "w", "3,2,3,3");
    pair_input(&p, "c", "3");
    node_ints(&p.fused, fused_node(&p, "NhwcConv", "x,w,c", "y"), "strides", INTS(1, 2));
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "x", "t"), "perm", INTS(0, 3, 1, 2));
    node_ints(&p.plain, model_node(&p.plain, "Conv", "t,w,c", "a"), "strides", INTS(1, 2));
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "a", "y"), "perm", INTS(0, 2, 3, 1));
    pair_output(&p, "y");
    PAIR_AGREES(&p);
}

TEST(swiglu_gates_with_swish)
{
    struct pair p = {builder_start(28), builder_start(28)};
    pair_input(&p, "a", "3,4");
    pair_input(&p, "b", "3,4");
    node_float(&p.fused, model_node(&p.fused, "SwiGLU", "a,b", "y"), "alpha", 1.5);
    scalar(&p.plain, "alpha", 1.5);
    model_node(&p.plain, "Mul", "a,alpha", "t");
    model_node(&p.plain, "Sigmoid", "t", "s");
    model_node(&p.plain, "Mul", "a,s", "g");
    model_node(&p.plain, "Mul", "g,b", "y");
    pair_output(&p, "y");
    PAIR_AGREES(&p);
}

TEST(an_activation_that_is_not_known_is_named)
{
    struct builder b = builder_start(17);
    model_import(&b, "com.microsoft", 1);
    model_input(&b, "a", ELEMENT_F32, "3,4");
    model_input(&b, "w", ELEMENT_F32, "4,5");
    node_text(&b, model_node_of(&b, "com.microsoft", "FusedGemm", "a,w", "y"), "activation",
              "Whistle");
    model_output(&b, "y");
    CHECK_REFUSED(&b, STATUS_UNSUPPORTED, "activation 'Whistle'");
    builder_end(&b);
}
