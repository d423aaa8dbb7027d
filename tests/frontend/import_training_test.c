/* label: fast libs: sertn_3rd_protobuf_c */
/* Optimizers against their formulas. */
#include "frontend/import.h"

#include <math.h>

#include "tests/frontend/model_builder.h"
#include "tests/harness/harness.h"

/* Steps of two tensors, x of 2 and z of 1 elements; `state` lists' names, each for both. */
static struct builder optimizer(const char *op, const char *in, const char *out, Onnx__Node **node)
{
    struct builder b = builder_start(17);
    model_import(&b, "ai.onnx.preview.training", 1);
    model_input(&b, "rate", ELEMENT_F32, "");
    model_input(&b, "turn", ELEMENT_I64, "");
    for (const char *c = in; *c != 0; c++) {
        char name[2] = {*c, 0};
        if (*c >= 'a' && *c <= 'z')
            model_input(&b, name, ELEMENT_F32, "2");
        if (*c >= 'A' && *c <= 'Z')
            model_input(&b, name, ELEMENT_F32, "1");
    }
    char all[64] = "rate,turn,";
    size_t at = 10;
    for (const char *c = in; *c != 0; c++)
        all[at++] = *c;
    all[at] = 0;
    *node = model_node_of(&b, "ai.onnx.preview.training", op, all, out);
    return b;
}

static void outputs(struct builder *b, const char *names)
{
    for (const char *c = names; *c != 0; c++)
        if (*c != ',')
            model_output(b, (char[]){*c, 0});
}

/* in: rate, turn, then x x X g g G h h H: three elements by themselves in each list. */
TEST(adagrad_divides_by_the_root_of_the_squares)
{
    static const double in[] = {0.5, 3, 1, 2, 3, 0.5, -0.25, 2, 4, 1, 0};
    double expected[6];
    for (int i = 0; i < 3; i++) {
        double g = 0.125 * in[2 + i] + in[5 + i], h = in[8 + i] + g * g;
        expected[i] = in[2 + i] - 0.5 / (1 + 3 * 0.25) * g / (sqrt(h) + 0.0625);
        expected[3 + i] = h;
    }
    Onnx__Node *node;
    struct builder b = optimizer("Adagrad", "x,X,g,G,h,H", "y,Y,k,K", &node);
    node_float(&b, node, "decay_factor", 0.25);
    node_float(&b, node, "epsilon", 0.0625);
    node_float(&b, node, "norm_coefficient", 0.125);
    outputs(&b, "y,Y,k,K");
    check_model(__FILE__, __LINE__, &b, in, expected, 6);
    builder_end(&b);
}

TEST(adam_corrects_its_rate_after_the_first_turn)
{
    for (int turn = 0; turn < 4; turn++) {
        double in[] = {0.5, turn, 1, 2, 3, 0.5, -0.25, 2, 4, 1, 0, 0.5, 1, 2}, expected[9];
        double rate = turn == 0 ? 0.5 : 0.5 * sqrt(1 - pow(0.75, turn)) / (1 - pow(0.5, turn));
        for (int i = 0; i < 3; i++) {
            double g = 0.125 * in[2 + i] + in[5 + i], v = 0.5 * in[8 + i] + 0.5 * g,
                   h = 0.75 * in[11 + i] + 0.25 * g * g;
            expected[i] = 0.5 * (in[2 + i] - rate * v / (sqrt(h) + 0.0625));
            expected[3 + i] = v;
            expected[6 + i] = h;
        }
        Onnx__Node *node;
        struct builder b = optimizer("Adam", "x,X,g,G,v,V,h,H", "y,Y,w,W,k,K", &node);
        node_float(&b, node, "alpha", 0.5);
        node_float(&b, node, "beta", 0.75);
        node_float(&b, node, "epsilon", 0.0625);
        node_float(&b, node, "norm_coefficient", 0.125);
        node_float(&b, node, "norm_coefficient_post", 0.5);
        outputs(&b, "y,Y,w,W,k,K");
        check_model(__FILE__, __LINE__, &b, in, expected, 9);
        builder_end(&b);
    }
}

TEST(momentum_of_both_modes_begins_without_beta)
{
    for (int i = 0; i < 4; i++) {
        bool is_nesterov = i % 2 == 1, is_first = i / 2 == 0;
        double in[] = {0.5, is_first ? 0 : 2, 1, 2, 3, 0.5, -0.25, 2, 4, 1, 0}, expected[6];
        for (int e = 0; e < 3; e++) {
            double g = 0.125 * in[2 + e] + in[5 + e],
                   v = 0.75 * in[8 + e] + (is_first ? 1 : 0.25) * g;
            expected[e] = in[2 + e] - 0.5 * (is_nesterov ? g + 0.75 * v : v);
            expected[3 + e] = v;
        }
        Onnx__Node *node;
        struct builder b = optimizer("Momentum", "x,X,g,G,v,V", "y,Y,w,W", &node);
        node_float(&b, node, "alpha", 0.75);
        node_float(&b, node, "beta", 0.25);
        node_float(&b, node, "norm_coefficient", 0.125);
        node_text(&b, node, "mode", is_nesterov ? "nesterov" : "standard");
        outputs(&b, "y,Y,w,W");
        check_model(__FILE__, __LINE__, &b, in, expected, 6);
        builder_end(&b);
    }
}

TEST(an_optimizer_with_a_tensor_too_few_is_refused)
{
    Onnx__Node *node;
    struct builder b = optimizer("Adagrad", "x,X,g,G,h", "y", &node);
    model_output(&b, "y");
    CHECK_REFUSED(&b, STATUS_BAD_INPUT, "7 inputs, where 2 and a multiple of 3 are expected");
    builder_end(&b);
}
