/* label: fast libs: sertn_runtime */
/* Reductions of no elements, whose results are known, and Hardmax along every axis. */
#include "tests/passes/lower_kit.h"
#include "tests/passes/tamper_kit.h"

#include <math.h>

/* One reduction of [2, 0, 3] over the empty axis beside an input that has elements. */
static void check_empty(enum op_kind op)
{
    struct kit kit;
    int64_t axis = 1;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(3, 2, 0, 3)),
             z = kit_input(&kit, "z", ELEMENT_F32, kit_shape(1, 4));
    uint32_t axes = kit_constant_i64(&kit, kit_shape(1, 1), &axis);
    uint32_t reduced = kit_binary(&kit, op, x, axes);
    kit_output(&kit, reduced);
    kit_output(&kit, kit_unary(&kit, OP_RELU, z));
    const struct tensor *in[] = {kit_tensor(&kit, kit_shape(3, 2, 0, 3), NULL),
                                 kit_random_tensor(&kit, kit_shape(1, 4), 2)};
    kit_set(&kit, in);
    kit_run(&kit);
    kit_compare(&kit, in, 1e-7, 1e-6);
    kit_release(&kit);
}

TEST(reductions_of_nothing_are_what_they_begin_with)
{
    check_empty(OP_REDUCE_SUM);
    check_empty(OP_REDUCE_SUM_SQUARE);
    check_empty(OP_REDUCE_PROD);
    check_empty(OP_REDUCE_MAX);
    check_empty(OP_REDUCE_MIN);
    check_empty(OP_REDUCE_LOG_SUM_EXP);
}

/* -12 / 6 is -2, and not a little less than it cut off. */
TEST(means_of_integers_are_exact)
{
    static const int64_t counts[] = {1, 2, 3, 6, 7};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        struct kit kit;
        struct shape shape = kit_shape(2, 40, (int)counts[c]);
        int64_t axis = 1, numbers[40 * 7];
        kit_init(&kit);
        uint32_t x = kit_input(&kit, "x", ELEMENT_I32, shape);
        kit_output(&kit, kit_binary(&kit, OP_REDUCE_MEAN, x,
                                    kit_constant_i64(&kit, kit_shape(1, 1), &axis)));
        for (int64_t i = 0; i < 40 * counts[c]; i++)
            numbers[i] = (int64_t)test_random_below(19) - 9;
        const struct tensor *in[] = {kit_integers(&kit, ELEMENT_I32, shape, numbers)};
        kit_set(&kit, in);
        kit_run(&kit);
        CHECK(kit_compare(&kit, in, 0, 0) == 0);
        kit_release(&kit);
    }
}

TEST(products_of_many_integers_wrap)
{
    struct kit kit;
    struct shape shape = kit_shape(1, 33);
    int64_t numbers[33];
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_I32, shape);
    kit_output(&kit, kit_unary(&kit, OP_REDUCE_PROD, x));
    for (size_t i = 0; i < 33; i++)
        numbers[i] = 2 * (int64_t)test_random_below(1000) - 999;
    const struct tensor *in[] = {kit_integers(&kit, ELEMENT_I32, shape, numbers)};
    kit_set(&kit, in);
    kit_run(&kit);
    CHECK(kit_compare(&kit, in, 0, 0) == 0);
    kit_release(&kit);
}

TEST(hardmax_along_every_axis_marks_the_first_of_the_largest)
{
    for (int64_t axis = -3; axis < 3; axis++) {
        for (int64_t flatten = 0; flatten < 2; flatten++) {
            struct kit kit;
            kit_init(&kit);
            uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(3, 2, 3, 4));
            uint32_t y = kit_unary(&kit, OP_HARDMAX, x);
            kit_attribute_int(&kit, "axis", axis);
            kit_attribute_int(&kit, "flatten", flatten);
            kit_output(&kit, y);
            double values[24];
            for (int i = 0; i < 24; i++)
                values[i] = (double)test_random_below(3);
            const struct tensor *in[] = {kit_tensor(&kit, kit_shape(3, 2, 3, 4), values)};
            kit_set(&kit, in);
            kit_run(&kit);
            CHECK(kit_compare(&kit, in, 0, 0) == 0);
            if (axis == 1)
                CHECK(kit_tamper_circuit(&kit, in, 40).cells > 0);
            kit_release(&kit);
        }
    }
}

/* Stored results with infinities are shown as float keys; those of weights stay weights. */
TEST(infinities_of_weights_are_no_constants)
{
    for (int through_node = 0; through_node < 2; through_node++) {
        struct kit kit;
        kit_init(&kit);
        uint32_t z = kit_input(&kit, "z", ELEMENT_F32, kit_shape(1, 4));
        uint32_t w =
            kit_parameter(&kit, "w", kit_shape(1, 3), (const double[]){0.25, (double)INFINITY, 3});
        kit_output(&kit, through_node ? kit_unary(&kit, OP_IDENTITY, w) : w);
        kit_output(&kit, kit_unary(&kit, OP_RELU, z));
        const struct tensor *in[] = {kit_random_tensor(&kit, kit_shape(1, 4), 2)};
        kit_set(&kit, in);
        kit_run(&kit);
        const struct relation_program *program = kit.result.program;
        CHECK(program->tensors[kit.result.interface.outputs[0].tensor].role != ROLE_CONSTANT);
        CHECK_U64(kit.result.parameter_count, 1);
        kit_compare(&kit, in, 1e-6, 1e-6);
        kit_release(&kit);
    }
}
