/* Linear algebra lowers to exact sums whose outputs meet the tolerance. */
#include "tests/passes/lower_kit.h"

static struct shape row(int columns)
{
    return kit_shape(2, 1, columns);
}

static void calibrate(struct kit *kit, struct shape shape, double scale, int count)
{
    for (int i = 0; i < count; i++)
        kit_set(kit, (const struct tensor *[]){kit_random_tensor(kit, shape, scale)});
}

TEST(gemm_of_a_linear_regression_meets_the_tolerance)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, row(2));
    uint32_t w = kit_parameter(&kit, "w", kit_shape(2, 2, 1), (const double[]){1, 2});
    uint32_t b = kit_parameter(&kit, "b", kit_shape(1, 1), (const double[]){3});
    kit_output(&kit, kit_node(&kit, OP_GEMM, (const uint32_t[]){x, w, b}, 3));
    calibrate(&kit, row(2), 10, 3);
    kit_run(&kit);
    CHECK(kit.result.report.meets_tolerance);
    for (int i = 0; i < 20; i++)
        kit_compare(&kit, (const struct tensor *[]){kit_random_tensor(&kit, row(2), 30)}, 2e-4,
                    1e-3);
    kit_release(&kit);
}

TEST(an_mlp_rescales_once_a_layer)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, row(4));
    for (int layer = 0; layer < 3; layer++) {
        int in = layer == 0 ? 4 : 30, out = layer == 2 ? 3 : 30;
        uint32_t w = kit_random_parameter(&kit, "w", kit_shape(2, in, out), 0.5);
        uint32_t b = kit_random_parameter(&kit, "b", kit_shape(1, out), 0.5);
        x = kit_node(&kit, OP_GEMM, (const uint32_t[]){x, w, b}, 3);
        if (layer < 2)
            x = kit_unary(&kit, OP_RELU, x);
    }
    kit_output(&kit, x);
    calibrate(&kit, row(4), 3, 8);
    kit_run(&kit);
    CHECK(kit.result.report.meets_tolerance);
    size_t rescales = 0;
    for (size_t i = 0; i < kit.result.program->relation_count; i++)
        rescales += kit.result.program->relations[i].kind == RELATION_RESCALE;
    CHECK_U64(rescales, 4); /* one rounding and one sign a hidden layer */
    for (int i = 0; i < 20; i++)
        kit_compare(&kit, (const struct tensor *[]){kit_random_tensor(&kit, row(4), 3)}, 2e-5,
                    1e-3);
    kit_release(&kit);
}

/* Known numbers times known numbers within a sum of products. */
TEST(stored_integers_beside_an_input_are_summed)
{
    static const int64_t stored[3] = {1, -5, 7};
    struct shape shape = kit_shape(2, 1, 2), long_shape = kit_shape(2, 1, 3);
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_I32, shape);
    uint32_t known = kit_parameter(&kit, "known", long_shape, (const double[]){0, 0, 0});
    kit.graph->values[known].type = ELEMENT_I32;
    kit.graph->values[known].kind = VALUE_CONSTANT;
    kit.graph->values[known].data = kit_integers(&kit, ELEMENT_I32, long_shape, stored);
    uint32_t both = kit_node(&kit, OP_CONCAT, (const uint32_t[]){known, x}, 2);
    kit_attribute_int(&kit, "axis", 1);
    kit_output(&kit, kit_unary(&kit, OP_REDUCE_SUM, both));
    kit_run(&kit);
    kit_compare(&kit,
                (const struct tensor *[]){
                    kit_integers(&kit, ELEMENT_I32, shape, (const int64_t[]){40, -3})},
                0, 0);
    kit_release(&kit);
}

/* More operands than are put together at once, along either axis; most are
 * read again by the next. */
TEST(a_long_stack_has_every_element_in_its_place)
{
    enum { MANY = 131, ROWS = 2 };
    for (int64_t axis = 0; axis < 2; axis++) {
        struct kit kit;
        kit_init(&kit);
        struct shape shape = kit_shape(2, ROWS, 3);
        uint32_t x = kit_input(&kit, "x", ELEMENT_F32, shape), parts[MANY];
        double number[1];
        for (int i = 0; i < MANY; i++) {
            number[0] = (i + 1) * 0.125;
            parts[i] = kit_binary(&kit, OP_ADD, i % 5 == 0 ? x : parts[i - 1],
                                  kit_parameter(&kit, "n", kit_shape(1, 1), number));
        }
        uint32_t stack = kit_node(&kit, OP_CONCAT, parts, MANY);
        kit_attribute_int(&kit, "axis", axis);
        kit_output(&kit, stack);
        kit_set(&kit, (const struct tensor *[]){kit_random_tensor(&kit, shape, 1)});
        kit_run(&kit);
        kit_compare(&kit, (const struct tensor *[]){kit_random_tensor(&kit, shape, 1)}, 1e-4, 1e-4);
        /* What a stack says of its operands does not grow with the square of their number. */
        const struct relation_program *program = kit.result.program;
        for (size_t i = 0; i < program->relation_count; i++)
            CHECK(program->relations[i].kind != RELATION_LINEAR ||
                  program->relations[i].term_count <= 16);
        kit_release(&kit);
    }
}
