/* label: fast libs: sertn_3rd_protobuf_c */
/*
 * Quantized attention, recurrence and convolution of com.microsoft, its Fourier transforms, Inverse
 * and Unique, against the same written with operators of ONNX, or by hand; graphs of quantized
 * operators against those of quantized values.
 */
#include "frontend/import.h"

#include <math.h>
#include <stdio.h>

#include "tests/frontend/model_pair.h"
#include "tests/harness/harness.h"

static void pair_random(struct pair *p, const char *name, enum element_type type, const char *dims,
                        size_t count, double low, double high)
{
    double values[512];
    REQUIRE(count <= 512);
    for (size_t i = 0; i < count; i++) {
        double unit = (double)test_random_below(1 << 20) * 0x1p-20;
        values[i] = low + (high - low) * unit;
        if (!element_type_is_float(type))
            values[i] = rint(values[i]);
    }
    pair_tensor(p, name, type, dims, values);
}

static void pair_agrees(int line, struct pair *p, const char *outputs)
{
    for (const char *c = outputs; *c != 0; c++) {
        char name[2] = {*c, 0};
        model_output(&p->own, name);
        model_output(&p->plain, name);
    }
    check_agree(__FILE__, line, &p->own, &p->plain);
    builder_end(&p->own);
    builder_end(&p->plain);
}

static Onnx__Node *own_node(struct pair *p, const char *op, const char *in, const char *out)
{
    return model_node_of(&p->own, "com.microsoft", op, in, out);
}

TEST(quantized_attention_is_attention_on_what_it_stands_for)
{
    struct pair p = pair_start();
    pair_input(&p, "x", ELEMENT_U8, "2,3,4");
    pair_random(&p, "w", ELEMENT_I8, "4,12", 48, -100, 100);
    pair_random(&p, "b", ELEMENT_F32, "12", 12, -1, 1);
    pair_tensor(&p, "s", ELEMENT_F32, "", REALS(0.25));
    pair_random(&p, "t", ELEMENT_F32, "12", 12, 0.01, 0.02);
    pair_tensor(&p, "z", ELEMENT_U8, "", REALS(3));
    pair_tensor(&p, "m", ELEMENT_I32, "2,3", REALS(1, 1, 0, 1, 1, 1));
    Onnx__Node *own = own_node(&p, "QAttention", "x,w,b,s,t,m,z", "y");
    node_int(&p.own, own, "num_heads", 2);
    node_int(&p.own, own, "unidirectional", 1);
    model_node(&p.plain, "DequantizeLinear", "x,s,z", "a");
    model_node(&p.plain, "DequantizeLinear", "w,t", "v");
    Onnx__Node *plain = model_node_of(&p.plain, "com.microsoft", "Attention", "a,v,b,m", "y");
    node_int(&p.plain, plain, "num_heads", 2);
    node_int(&p.plain, plain, "unidirectional", 1);
    pair_agrees(__LINE__, &p, "y");
}

/* The last two of three axes change places. */
static void turn_last(struct builder *b, const char *in, const char *out)
{
    node_ints(b, model_node(b, "Transpose", in, out), "perm", INTS(0, 2, 1));
}

/* Input, weights, first states and scales of a quantized LSTM of two units over a batch. */
static struct pair quantized_lstm(int64_t steps, int64_t batch)
{
    struct pair p = pair_start();
    char x[32], state[32];
    snprintf(x, sizeof x, "%lld,%lld,2", (long long)steps, (long long)batch);
    snprintf(state, sizeof state, "1,%lld,2", (long long)batch);
    pair_input(&p, "x", ELEMENT_F32, x);
    pair_random(&p, "w", ELEMENT_I8, "1,2,8", 16, -128, 127);
    pair_random(&p, "r", ELEMENT_I8, "1,2,8", 16, -128, 127);
    pair_random(&p, "i", ELEMENT_F32, state, 2 * (size_t)batch, -1, 1);
    pair_random(&p, "j", ELEMENT_F32, state, 2 * (size_t)batch, -1, 1);
    pair_tensor(&p, "s", ELEMENT_F32, "1", REALS(0.03125));
    pair_tensor(&p, "z", ELEMENT_I8, "1", REALS(0));
    return p;
}

TEST(quantized_lstm_is_lstm_with_the_weights_turned)
{
    struct pair p = pair_start();
    /* One step: there is no state yet that could be quantized. */
    pair_input(&p, "x", ELEMENT_F32, "1,3,2");
    pair_random(&p, "w", ELEMENT_U8, "2,2,8", 32, 0, 255);
    pair_random(&p, "r", ELEMENT_I8, "2,2,8", 32, -128, 127);
    pair_random(&p, "b", ELEMENT_F32, "2,16", 32, -1, 1);
    pair_random(&p, "s", ELEMENT_F32, "2", 2, 0.005, 0.01);
    pair_tensor(&p, "z", ELEMENT_U8, "2", REALS(120, 130));
    pair_random(&p, "t", ELEMENT_F32, "2,8", 16, 0.005, 0.01);
    pair_tensor(&p, "o", ELEMENT_I8, "2,8", (const double[16]){0});
    Onnx__Node *own = own_node(&p, "DynamicQuantizeLSTM", "x,w,r,b,,,,,s,z,t,o", "y,h,c");
    model_node(&p.plain, "DynamicQuantizeLinear", "x", "xq,xs,xz");
    model_node(&p.plain, "DequantizeLinear", "xq,xs,xz", "xd");
    /* One scale a direction: the first axis; one a column: the last of each direction. */
    node_int(&p.plain, model_node(&p.plain, "DequantizeLinear", "w,s,z", "wd"), "axis", 0);
    model_node(&p.plain, "Cast", "r", "rf");
    node_int(&p.plain, p.plain.graph->node[p.plain.graph->n_node - 1], "to", ELEMENT_F32);
    model_tensor(&p.plain, "middle", ELEMENT_I64, "1", REALS(1));
    model_node(&p.plain, "Unsqueeze", "t,middle", "tm");
    model_node(&p.plain, "Mul", "rf,tm", "rd");
    turn_last(&p.plain, "wd", "wt");
    turn_last(&p.plain, "rd", "rt");
    Onnx__Node *plain = model_node(&p.plain, "LSTM", "xd,wt,rt,b", "y,h,c");
    node_int(&p.own, own, "hidden_size", 2);
    node_int(&p.plain, plain, "hidden_size", 2);
    node_text(&p.own, own, "direction", "bidirectional");
    node_text(&p.plain, plain, "direction", "bidirectional");
    pair_agrees(__LINE__, &p, "yhc");
}

/* A batch whose state is quantized as a whole before each step, and an input that is quantized up
 * to the end of the longest sequence. */
TEST(quantized_lstm_quantizes_its_state)
{
    struct pair p = quantized_lstm(2, 2);
    pair_random(&p, "b", ELEMENT_F32, "1,16", 16, -1, 1);
    Onnx__Node *own = own_node(&p, "DynamicQuantizeLSTM", "x,w,r,b,,i,j,,s,z,s,z", "y,h,c");
    node_int(&p.own, own, "hidden_size", 2);
    struct builder *b = &p.plain;
    model_node(b, "DynamicQuantizeLinear", "x", "xq,xs,xz");
    model_node(b, "DequantizeLinear", "xq,xs,xz", "xd");
    node_int(b, model_node(b, "Split", "xd", "x0,x1"), "num_outputs", 2);
    model_node(b, "DequantizeLinear", "w,s,z", "wd");
    model_node(b, "DequantizeLinear", "r,s,z", "rd");
    turn_last(b, "wd", "wt");
    turn_last(b, "rd", "rt");
    model_node(b, "DynamicQuantizeLinear", "i", "iq,is,iz");
    model_node(b, "DequantizeLinear", "iq,is,iz", "id");
    node_int(b, model_node(b, "LSTM", "x0,wt,rt,b,,id,j", "y0,h0,c0"), "hidden_size", 2);
    model_node(b, "DynamicQuantizeLinear", "h0", "hq,hs,hz");
    model_node(b, "DequantizeLinear", "hq,hs,hz", "hd");
    node_int(b, model_node(b, "LSTM", "x1,wt,rt,b,,hd,c0", "y1,h,c"), "hidden_size", 2);
    node_int(b, model_node(b, "Concat", "y0,y1", "y"), "axis", 0);
    pair_agrees(__LINE__, &p, "yhc");
}

/* Sequences that run backwards begin together, whatever their lengths. */
TEST(quantized_lstm_turns_each_sequence_by_itself)
{
    struct pair p = quantized_lstm(4, 3);
    pair_tensor(&p, "l", ELEMENT_I32, "3", REALS(4, 1, 2));
    pair_tensor(&p, "n", ELEMENT_I64, "3", REALS(4, 1, 2));
    Onnx__Node *own = own_node(&p, "DynamicQuantizeLSTM", "x,w,r,,l,i,j,,s,z,s,z", "y,h,c");
    node_int(&p.own, own, "hidden_size", 2);
    node_text(&p.own, own, "direction", "reverse");
    struct builder *b = &p.plain;
    model_tensor(b, "one", ELEMENT_I64, "1", REALS(1));
    model_node(b, "ReverseSequence", "x,n", "xt");
    own = model_node_of(b, "com.microsoft", "DynamicQuantizeLSTM", "xt,w,r,,l,i,j,,s,z,s,z",
                        "yt,h,c");
    node_int(b, own, "hidden_size", 2);
    model_node(b, "Squeeze", "yt,one", "ys");
    model_node(b, "ReverseSequence", "ys,n", "yr");
    model_node(b, "Unsqueeze", "yr,one", "y");
    pair_agrees(__LINE__, &p, "yhc");
}

TEST(quantized_convolution_may_have_its_channels_last)
{
    struct pair p = pair_start();
    pair_input(&p, "x", ELEMENT_U8, "1,4,5,2");
    pair_random(&p, "w", ELEMENT_I8, "3,2,2,2", 24, -100, 100);
    pair_tensor(&p, "s", ELEMENT_F32, "", REALS(0.5));
    pair_tensor(&p, "z", ELEMENT_U8, "", REALS(1));
    pair_tensor(&p, "t", ELEMENT_F32, "", REALS(0.125));
    pair_tensor(&p, "o", ELEMENT_I8, "", REALS(0));
    pair_tensor(&p, "u", ELEMENT_U8, "", REALS(128));
    node_int(&p.own, own_node(&p, "QLinearConv", "x,s,z,w,t,o,s,u", "y"), "channels_last", 1);
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "x", "a"), "perm", INTS(0, 3, 1, 2));
    model_node(&p.plain, "QLinearConv", "a,s,z,w,t,o,s,u", "c");
    node_ints(&p.plain, model_node(&p.plain, "Transpose", "c", "y"), "perm", INTS(0, 2, 3, 1));
    pair_agrees(__LINE__, &p, "y");
}

/* Convolution, sum, mean and product of 8 bits: as one operator each, and as floats between
 * DequantizeLinear and QuantizeLinear. */
TEST(graphs_of_quantized_operators_and_of_quantized_values_agree)
{
    struct pair p = pair_start();
    pair_input(&p, "x", ELEMENT_U8, "1,2,4,4");
    pair_random(&p, "w", ELEMENT_I8, "2,2,3,3", 36, -100, 100);
    pair_random(&p, "v", ELEMENT_I8, "2,3", 6, -100, 100);
    pair_tensor(&p, "s", ELEMENT_F32, "", REALS(0.5));
    pair_tensor(&p, "t", ELEMENT_F32, "", REALS(0.03125));
    pair_tensor(&p, "z", ELEMENT_U8, "", REALS(7));
    pair_tensor(&p, "o", ELEMENT_I8, "", REALS(0));
    pair_tensor(&p, "two", ELEMENT_I64, "2", REALS(1, 2));
    node_ints(&p.own, model_node(&p.own, "QLinearConv", "x,s,z,w,t,o,s,z", "c"), "pads",
              INTS(1, 1, 1, 1));
    own_node(&p, "QLinearAdd", "c,s,z,x,s,z,s,z", "a");
    own_node(&p, "QLinearGlobalAveragePool", "a,s,z,s,z", "g");
    model_node(&p.own, "Reshape", "g,two", "f");
    model_node(&p.own, "QLinearMatMul", "f,s,z,v,t,o,s,z", "y");
    model_node(&p.plain, "DequantizeLinear", "x,s,z", "xd");
    model_node(&p.plain, "DequantizeLinear", "w,t,o", "wd");
    model_node(&p.plain, "DequantizeLinear", "v,t,o", "vd");
    node_ints(&p.plain, model_node(&p.plain, "Conv", "xd,wd", "cf"), "pads", INTS(1, 1, 1, 1));
    model_node(&p.plain, "QuantizeLinear", "cf,s,z", "cq");
    model_node(&p.plain, "DequantizeLinear", "cq,s,z", "cd");
    model_node(&p.plain, "Add", "cd,xd", "af");
    model_node(&p.plain, "QuantizeLinear", "af,s,z", "aq");
    model_node(&p.plain, "DequantizeLinear", "aq,s,z", "ad");
    model_node(&p.plain, "GlobalAveragePool", "ad", "gf");
    model_node(&p.plain, "QuantizeLinear", "gf,s,z", "gq");
    model_node(&p.plain, "DequantizeLinear", "gq,s,z", "gd");
    model_node(&p.plain, "Reshape", "gd,two", "f");
    model_node(&p.plain, "MatMul", "f,vd", "yf");
    model_node(&p.plain, "QuantizeLinear", "yf,s,z", "y");
    pair_agrees(__LINE__, &p, "y");
}

/* Zero points of each row and each column, of each matrix of a batch, and of one kind alone. */
TEST(zero_points_are_of_rows_and_columns)
{
    static const char *const rows[] = {"", "3", "2,3,1", "1,3,1", "2,1,1"}, *const columns[] = {
                                                                                "", "5", "2,1,5",
                                                                                "1,5", "2,1,1"};
    static const size_t row_count[] = {1, 3, 6, 3, 2}, column_count[] = {1, 5, 10, 5, 2};
    for (size_t i = 0; i < 5; i++) {
        struct pair p = pair_start();
        pair_input(&p, "a", ELEMENT_U8, "2,3,4");
        pair_random(&p, "b", ELEMENT_I8, "2,4,5", 40, -128, 127);
        pair_random(&p, "r", ELEMENT_U8, rows[i], row_count[i], 0, 255);
        pair_random(&p, "c", ELEMENT_I8, columns[i], column_count[i], -128, 127);
        model_node(&p.own, "MatMulInteger", "a,b,r,c", "y");
        static const char *const names[4][2] = {{"a", "ai"}, {"b", "bi"}, {"r", "ri"}, {"c", "ci"}};
        for (size_t k = 0; k < 4; k++)
            node_int(&p.plain, model_node(&p.plain, "Cast", names[k][0], names[k][1]), "to",
                     ELEMENT_I32);
        model_tensor(&p.plain, "last", ELEMENT_I64, "1", REALS(-1));
        if (i == 1)
            model_node(&p.plain, "Unsqueeze", "ri,last", "rl");
        model_node(&p.plain, "Sub", i == 1 ? "ai,rl" : "ai,ri", "as");
        model_node(&p.plain, "Sub", "bi,ci", "bs");
        model_node(&p.plain, "MatMul", "as,bs", "y");
        pair_agrees(__LINE__, &p, "y");
    }
}

TEST(rfft_is_half_a_spectrum)
{
    struct pair p = pair_start();
    pair_input(&p, "x", ELEMENT_F32, "2,6");
    node_int(&p.own, own_node(&p, "Rfft", "x", "y"), "signal_ndim", 1);
    model_tensor(&p.plain, "last", ELEMENT_I64, "1", REALS(2));
    model_tensor(&p.plain, "axis", ELEMENT_I64, "", REALS(1));
    model_node(&p.plain, "Unsqueeze", "x,last", "c");
    node_int(&p.plain, model_node(&p.plain, "DFT", "c,,axis", "y"), "onesided", 1);
    pair_agrees(__LINE__, &p, "y");
}

/* Forth and back along one axis and along two. */
TEST(irfft_undoes_rfft)
{
    for (int64_t axes = 1; axes < 3; axes++) {
        struct pair p = pair_start();
        pair_input(&p, "x", ELEMENT_F32, "3,8");
        node_int(&p.own, own_node(&p, "Rfft", "x", "s"), "signal_ndim", axes);
        node_int(&p.own, own_node(&p, "Irfft", "s", "y"), "signal_ndim", axes);
        model_node(&p.plain, "Identity", "x", "y");
        pair_agrees(__LINE__, &p, "y");
    }
}

TEST(transforms_that_are_scaled_are_refused)
{
    struct builder b = builder_start(21);
    model_import(&b, "com.microsoft", 1);
    model_input(&b, "x", ELEMENT_F32, "4");
    Onnx__Node *node = model_node_of(&b, "com.microsoft", "Rfft", "x", "y");
    node_int(&b, node, "normalized", 1);
    model_output(&b, "y");
    CHECK_REFUSED(&b, STATUS_UNSUPPORTED, "normalized has to be 0");
    builder_end(&b);
}

/* Matrices with zeros where elimination without exchange of rows would begin. */
TEST(a_matrix_times_its_inverse_is_one)
{
    struct builder b = builder_start(21);
    model_import(&b, "com.microsoft", 1);
    model_input(&b, "x", ELEMENT_F32, "2,3,3");
    model_node_of(&b, "com.microsoft", "Inverse", "x", "i");
    model_node(&b, "MatMul", "x,i", "y");
    model_output(&b, "y");
    CHECK_MODEL(&b, REALS(0, 2, 1, 1, 0, 3, 2, 1, 0, 4, -1, 2, 0, 3, 5, 1, 1, 1), 1, 0, 0, 0, 1, 0,
                0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1);
    builder_end(&b);
}

TEST(the_inverse_of_one_and_of_four_numbers)
{
    struct builder b = builder_start(21);
    model_import(&b, "com.microsoft", 1);
    model_input(&b, "x", ELEMENT_F32, "1,1");
    model_input(&b, "z", ELEMENT_F32, "2,2");
    model_node_of(&b, "com.microsoft", "Inverse", "x", "y");
    model_node_of(&b, "com.microsoft", "Inverse", "z", "i");
    model_output(&b, "y");
    model_output(&b, "i");
    CHECK_MODEL(&b, REALS(4, 1, 2, 3, 4), 0.25, -2, 1, 1.5, -0.5);
    builder_end(&b);
}

TEST(unique_lists_in_the_order_of_first_appearance)
{
    struct builder b = builder_start(21);
    model_import(&b, "com.microsoft", 1);
    model_input(&b, "x", ELEMENT_F32, "6");
    model_node_of(&b, "com.microsoft", "Unique", "x", "y,i,c");
    model_typed_output(&b, "y", ELEMENT_F32, "3");
    model_typed_output(&b, "i", ELEMENT_I64, "6");
    model_typed_output(&b, "c", ELEMENT_I64, "3");
    CHECK_MODEL(&b, REALS(5, 2, 5, 7, 2, 5), 5, 2, 7, 0, 1, 0, 2, 1, 0, 3, 2, 1);
    builder_end(&b);
}
