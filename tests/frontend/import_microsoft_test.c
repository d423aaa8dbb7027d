/* label: fast libs: sertn_3rd_protobuf_c */
/*
 * Movement of com.microsoft, channels that stand last, and weights of few bits, against the same
 * written with operators of ONNX, or by hand.
 */
#include "frontend/import.h"

#include <stdio.h>

#include "tests/frontend/model_pair.h"
#include "tests/harness/harness.h"

static Onnx__Node *own_node(struct pair *p, const char *op, const char *in)
{
    return model_node_of(&p->own, "com.microsoft", op, in, "y");
}

#define PAIR_AGREES(p)                                                                             \
    do {                                                                                           \
        model_output(&(p)->own, "y");                                                              \
        model_output(&(p)->plain, "y");                                                            \
        CHECK_AGREE(&(p)->own, &(p)->plain);                                                       \
        builder_end(&(p)->own);                                                                    \
        builder_end(&(p)->plain);                                                                  \
    } while (0)

TEST(a_dimension_is_put_in)
{
    struct pair p = pair_start();
    pair_input(&p, "x", ELEMENT_F32, "2,3");
    model_tensor(&p.own, "a", ELEMENT_I32, "", REALS(-2));
    model_tensor(&p.plain, "a", ELEMENT_I64, "1", REALS(1));
    own_node(&p, "ExpandDims", "x,a");
    model_node(&p.plain, "Unsqueeze", "x,a", "y");
    PAIR_AGREES(&p);
}

TEST(pads_may_be_a_row)
{
    struct pair p = pair_start();
    pair_input(&p, "x", ELEMENT_F32, "2,3");
    model_tensor(&p.own, "p", ELEMENT_I64, "1,4", REALS(1, 0, 0, 2));
    model_tensor(&p.plain, "p", ELEMENT_I64, "4", REALS(1, 0, 0, 2));
    model_tensor(&p.own, "v", ELEMENT_F32, "1", REALS(0.5));
    model_tensor(&p.plain, "v", ELEMENT_F32, "", REALS(0.5));
    own_node(&p, "Pad", "x,p,v");
    model_node(&p.plain, "Pad", "x,p,v", "y");
    PAIR_AGREES(&p);
}

TEST(a_range_may_lack_its_step)
{
    struct builder b = builder_start(21);
    model_import(&b, "com.microsoft", 1);
    model_tensor(&b, "a", ELEMENT_F32, "1", REALS(2));
    model_tensor(&b, "b", ELEMENT_F32, "", REALS(5));
    model_input(&b, "x", ELEMENT_F32, "3");
    model_node_of(&b, "com.microsoft", "Range", "a,b", "r");
    model_node(&b, "Add", "x,r", "y");
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(0, 0, 0), 2, 3, 4);
    builder_end(&b);
}

TEST(slices_that_overlap_stand_one_behind_the_other)
{
    struct builder b = builder_start(21);
    model_import(&b, "com.microsoft", 1);
    model_input(&b, "x", ELEMENT_F32, "5,2");
    Onnx__Node *node = model_node_of(&b, "com.microsoft", "UnfoldTensor", "x", "y");
    node_int(&b, node, "dim", 0);
    node_int(&b, node, "size", 3);
    node_int(&b, node, "step", 2);
    model_output(&b, "y");
    /* [slices, columns, elements] */
    CHECK_MODEL(&b, REALS(0, 10, 1, 11, 2, 12, 3, 13, 4, 14), 0, 1, 2, 10, 11, 12, 2, 3, 4, 12, 13,
                14);
    builder_end(&b);
}

TEST(maxima_with_channels_last)
{
    static const int64_t size[2] = {2, 2}, pads[4] = {1, 0, 0, 1};
    struct pair p = pair_start();
    pair_input(&p, "x", ELEMENT_U8, "1,3,4,2");
    Onnx__Node *own = own_node(&p, "NhwcMaxPool", "x");
    node_ints(&p.own, own, "kernel_shape", size, 2);
    node_ints(&p.own, own, "pads", pads, 4);
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "x", "a"), "perm", INTS(0, 3, 1, 2));
    Onnx__Node *plain = model_node(&p.plain, "MaxPool", "a", "b");
    node_ints(&p.plain, plain, "kernel_shape", size, 2);
    node_ints(&p.plain, plain, "pads", pads, 4);
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "b", "y"), "perm", INTS(0, 2, 3, 1));
    PAIR_AGREES(&p);
}

TEST(a_fused_convolution_with_channels_last)
{
    struct pair p = pair_start();
    pair_input(&p, "x", ELEMENT_F32, "1,3,4,2");
    pair_input(&p, "z", ELEMENT_F32, "1,2,3,1");
    pair_input(&p, "w", ELEMENT_F32, "1,2,2,2");
    pair_input(&p, "c", ELEMENT_F32, "1");
    node_text(&p.own, own_node(&p, "NhwcFusedConv", "x,w,c,z"), "activation", "Relu");
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "x", "a"), "perm", INTS(0, 3, 1, 2));
    model_node(&p.plain, "Conv", "a,w,c", "b");
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "b", "d"), "perm", INTS(0, 2, 3, 1));
    model_node(&p.plain, "Add", "d,z", "e");
    model_node(&p.plain, "Relu", "e", "y");
    PAIR_AGREES(&p);
}

static double stored[64];

static const double *random_stored(size_t count, uint64_t below)
{
    for (size_t i = 0; i < count; i++)
        stored[i] = (double)test_random_below(below);
    return stored;
}

TEST(rows_of_a_table_in_blocks)
{
    struct pair p = pair_start();
    pair_input(&p, "i", ELEMENT_I64, "2,2");
    pair_tensor(&p, "d", ELEMENT_U8, "2,32", random_stored(64, 256));
    pair_tensor(&p, "s", ELEMENT_F32, "2,2", REALS(0.5, 0.25, 2, 1));
    pair_tensor(&p, "z", ELEMENT_U8, "2,2", REALS(1, 2, 130, 255));
    Onnx__Node *own = own_node(&p, "GatherBlockQuantized", "d,i,s,z");
    node_int(&p.own, own, "bits", 8);
    node_int(&p.own, own, "block_size", 16);
    Onnx__Node *plain = model_node(&p.plain, "DequantizeLinear", "d,s,z", "t");
    node_int(&p.plain, plain, "axis", 1);
    node_int(&p.plain, plain, "block_size", 16);
    model_node(&p.plain, "Gather", "t,i", "y");
    PAIR_AGREES(&p);
}

/* Two numbers a byte, the first in the lower half; 8 in the place of a zero point. */
TEST(rows_of_a_table_of_four_bits)
{
    for (int given = 0; given < 2; given++) {
        struct builder b = builder_start(21);
        double bytes[16] = {0x21, 0xf3};
        model_import(&b, "com.microsoft", 1);
        model_input(&b, "i", ELEMENT_I64, "1");
        model_tensor(&b, "d", ELEMENT_U8, "1,16", bytes);
        model_tensor(&b, "s", ELEMENT_F32, "1,2", REALS(0.5, 2));
        model_tensor(&b, "z", ELEMENT_U8, "1,1", REALS(0x31));
        node_int(&b,
                 model_node_of(&b, "com.microsoft", "GatherBlockQuantized",
                               given ? "d,i,s,z" : "d,i,s", "t"),
                 "block_size", 16);
        model_tensor(&b, "places", ELEMENT_I64, "5", REALS(0, 1, 2, 3, 31));
        node_int(&b, model_node(&b, "Gather", "t,places", "y"), "axis", 1);
        model_output(&b, "y");
        if (given)
            CHECK_MODEL(&b, REALS(0), 0, 0.5, 1, 7, -6);
        else
            CHECK_MODEL(&b, REALS(0), -3.5, -3, -2.5, 3.5, -16);
        builder_end(&b);
    }
}

TEST(scales_that_do_not_fit_are_refused)
{
    struct builder b = builder_start(21);
    model_import(&b, "com.microsoft", 1);
    model_input(&b, "i", ELEMENT_I64, "1");
    model_tensor(&b, "d", ELEMENT_U8, "2,16", random_stored(32, 256));
    model_tensor(&b, "s", ELEMENT_F32, "1,4", REALS(1, 1, 1, 1));
    node_int(&b, model_node_of(&b, "com.microsoft", "GatherBlockQuantized", "d,i,s", "y"),
             "block_size", 16);
    model_output(&b, "y");
    CHECK_REFUSED(&b, STATUS_BAD_INPUT, "data, scales, zero points and attributes do not fit");
    builder_end(&b);
}

/* The first of two numbers stands in the upper half of a byte. */
TEST(products_of_floats_of_four_bits)
{
    for (int64_t is_normal = 0; is_normal < 2; is_normal++) {
        struct builder b = builder_start(21);
        double bytes[16] = {0x3f, 0x0b}, x[17] = {[0] = 1, [1] = 10, [3] = 100, [16] = 1};
        model_import(&b, "com.microsoft", 1);
        model_input(&b, "a", ELEMENT_F32, "1,32");
        model_tensor(&b, "b", ELEMENT_U8, "16", bytes);
        model_tensor(&b, "m", ELEMENT_F32, "2", REALS(2, 3));
        Onnx__Node *node = model_node_of(&b, "com.microsoft", "MatMulBnb4", "a,b,m", "y");
        node_int(&b, node, "N", 1);
        node_int(&b, node, "K", 32);
        node_int(&b, node, "block_size", 16);
        node_int(&b, node, "quant_type", is_normal);
        model_output(&b, "y");
        double input[32] = {0};
        for (size_t k = 0; k < 17; k++)
            input[k] = x[k];
        /* Codes 3, 15, 11 of the first block, 0 of the second. */
        if (is_normal)
            CHECK_MODEL(&b, input, 2 * (-0.39491748809814453 + 10 + 100 * 0.33791524171829224) - 3);
        else
            CHECK_MODEL(&b, input, 2 * (1 - 2.5 - 100));
        builder_end(&b);
    }
}

TEST(an_embedding_of_eight_bits)
{
    struct pair p = pair_start();
    pair_input(&p, "i", ELEMENT_I32, "2,3");
    pair_input(&p, "s", ELEMENT_I32, "2,3");
    pair_tensor(&p, "w", ELEMENT_U8, "2,4", random_stored(8, 256));
    pair_tensor(&p, "q", ELEMENT_U8, "3,4", random_stored(12, 256));
    pair_tensor(&p, "t", ELEMENT_U8, "2,4", random_stored(8, 256));
    pair_tensor(&p, "g", ELEMENT_U8, "4", random_stored(4, 256));
    pair_tensor(&p, "b", ELEMENT_U8, "4", random_stored(4, 256));
    static const char *const names[5] = {"w", "q", "t", "g", "b"};
    for (int k = 0; k < 5; k++) {
        double scale = 0.0078125 * (k + 1), zero = 40 * k;
        char in[32], out[16], s[8] = {names[k][0], 's'}, z[8] = {names[k][0], 'z'};
        pair_tensor(&p, s, ELEMENT_F32, "", &scale);
        pair_tensor(&p, z, ELEMENT_U8, "", &zero);
        snprintf(in, sizeof in, "%s,%s,%s", names[k], s, z);
        snprintf(out, sizeof out, "%sr", names[k]);
        model_node(&p.plain, "DequantizeLinear", in, out);
    }
    own_node(&p, "QEmbedLayerNormalization", "i,s,w,q,t,g,b,,ws,qs,ts,gs,bs,wz,qz,tz,gz,bz");
    model_node_of(&p.plain, "com.microsoft", "EmbedLayerNormalization", "i,s,wr,qr,tr,gr,br", "y");
    PAIR_AGREES(&p);
}

/* Which block's scale each column takes. */
TEST(weights_of_few_bits_in_another_order)
{
    struct builder b = builder_start(21);
    double bytes[16], groups[32];
    for (size_t k = 0; k < 16; k++)
        bytes[k] = 0x99; /* 9 - 8 = 1 in each place */
    for (size_t k = 0; k < 32; k++)
        groups[k] = k % 3 == 0;
    model_import(&b, "com.microsoft", 1);
    model_input(&b, "a", ELEMENT_F32, "32,32");
    model_tensor(&b, "b", ELEMENT_U8, "1,2,8", bytes);
    model_tensor(&b, "s", ELEMENT_F32, "2", REALS(0.5, 2));
    model_tensor(&b, "g", ELEMENT_I32, "32", groups);
    Onnx__Node *node = model_node_of(&b, "com.microsoft", "MatMulNBits", "a,b,s,,g", "c");
    node_int(&b, node, "N", 1);
    node_int(&b, node, "K", 32);
    node_int(&b, node, "block_size", 16);
    model_tensor(&b, "rows", ELEMENT_I64, "4", REALS(0, 1, 2, 30));
    model_node(&b, "Gather", "c,rows", "y");
    model_output(&b, "y");
    double unit[32 * 32] = {0};
    for (size_t k = 0; k < 32; k++)
        unit[33 * k] = 1;
    CHECK_MODEL(&b, unit, 2, 0.5, 0.5, 2);
    groups[5] = 2;
    builder_end(&b);
    b = builder_start(21);
    model_import(&b, "com.microsoft", 1);
    model_input(&b, "a", ELEMENT_F32, "32,32");
    model_tensor(&b, "b", ELEMENT_U8, "1,2,8", bytes);
    model_tensor(&b, "s", ELEMENT_F32, "2", REALS(0.5, 2));
    model_tensor(&b, "g", ELEMENT_I32, "32", groups);
    node = model_node_of(&b, "com.microsoft", "MatMulNBits", "a,b,s,,g", "y");
    node_int(&b, node, "N", 1);
    node_int(&b, node, "K", 32);
    node_int(&b, node, "block_size", 16);
    model_output(&b, "y");
    CHECK_REFUSED(&b, STATUS_BAD_INPUT, "do not fit N, K, block_size and g_idx");
    builder_end(&b);
}
