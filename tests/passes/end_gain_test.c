/* What an error of a value does to the outputs, and how many bits a deep graph is given by it. */
#include "tests/passes/lower_kit.h"

#include <math.h>

#include "ir/graph_interpret.h"
#include "passes/end_gain.h"
#include "passes/infer_shapes.h"
#include "passes/quantize.h"

enum { WIDTH = 8, LAYERS = 24 };

/* Hadamard's matrix over sqrt 8: two of them are the identity, one adds up eight errors of any
 * sign. */
static void hadamard(double *out)
{
    for (unsigned r = 0; r < WIDTH; r++)
        for (unsigned c = 0; c < WIDTH; c++)
            out[r * WIDTH + c] = (__builtin_popcount(r & c) % 2 != 0 ? -1 : 1) * sqrt(0.125);
}

/* size: magnitude of the inputs; kept: what the outputs are multiplied by. */
static void deep_model(struct kit *kit, double size, const double *kept)
{
    double matrix[WIDTH * WIDTH];
    hadamard(matrix);
    kit_init(kit);
    uint32_t x = kit_input(kit, "x", ELEMENT_F32, kit_shape(2, 1, WIDTH));
    for (int i = 0; i < LAYERS; i++)
        x = kit_binary(kit, OP_MAT_MUL, x,
                       kit_parameter(kit, "w", kit_shape(2, WIDTH, WIDTH), matrix));
    uint32_t factors = kit_parameter(kit, "kept", kit_shape(1, WIDTH), kept);
    kit_output(kit, kit_binary(kit, OP_MUL, x, factors));
    for (int i = 0; i < 2; i++)
        kit_set(kit,
                (const struct tensor *[]){kit_random_tensor(kit, kit_shape(2, 1, WIDTH), size)});
}

TEST(a_deep_graph_asks_for_the_bits_that_its_outputs_need)
{
    struct kit kit;
    deep_model(&kit, 1, (const double[WIDTH]){1, 1, 1, 1, 1, 1, 1, 1});
    kit_run(&kit);
    CHECK(kit.result.report.meets_tolerance);
    /* One bit a layer would be 24 more. */
    CHECK_MSG(kit.result.report.inputs[0].fraction_bits < 30, "%d bits",
              kit.result.report.inputs[0].fraction_bits);
    kit_compare(&kit, (const struct tensor *[]){kit_random_tensor(&kit, kit_shape(2, 1, WIDTH), 1)},
                1e-5, 1e-2);
    kit_release(&kit);
}

/* An output that is zero asks for an error far below what the float run rounds on the way to the
 * others: small steps show nothing but that. */
TEST(what_the_float_run_rounds_is_not_taken_for_a_gain)
{
    enum { SIZE = 300, MODELS = 6 };
    int bits = 0;
    for (int i = 0; i < MODELS; i++) {
        struct kit kit;
        deep_model(&kit, SIZE, (const double[WIDTH]){0, 1, 1, 1, 1, 1, 1, 1});
        kit_run(&kit);
        bits += kit.result.report.inputs[0].fraction_bits;
        kit_compare(
            &kit, (const struct tensor *[]){kit_random_tensor(&kit, kit_shape(2, 1, WIDTH), SIZE)},
            1e-3, 1e-2);
        kit_release(&kit);
    }
    /* One model by chance has more. */
    CHECK_MSG(bits < 34 * MODELS, "%d bits each", bits / MODELS);
}

TEST(a_graph_too_large_to_be_measured_asks_for_no_bits_without_end)
{
    struct kit kit;
    deep_model(&kit, 1, (const double[WIDTH]){1, 1, 1, 1, 1, 1, 1, 1});
    kit.options.quantize.measuring_work = 1;
    kit_run(&kit);
    CHECK(kit.result.report.meets_tolerance);
    CHECK_MSG(kit.result.report.inputs[0].fraction_bits < 36, "%d bits",
              kit.result.report.inputs[0].fraction_bits);
    kit_release(&kit);
}

/* x -> 4 x -> (4 x)^2, and y beside it. */
TEST(a_budget_is_what_the_moved_value_does_to_the_outputs)
{
    struct kit kit;
    kit_init(&kit);
    struct shape shape = kit_shape(2, 1, 2);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, shape),
             y = kit_input(&kit, "y", ELEMENT_F32, shape);
    uint32_t twice = kit_binary(&kit, OP_ADD, x, x), four = kit_binary(&kit, OP_ADD, twice, twice);
    uint32_t square = kit_binary(&kit, OP_MUL, four, four), other = kit_unary(&kit, OP_NEG, y);
    kit_output(&kit, square);
    kit_output(&kit, other);
    REQUIRE(pass_infer_shapes(kit.graph, &kit.problems) == STATUS_OK);
    struct graph_values run;
    struct end_gain gain;
    struct diag diag = {0};
    REQUIRE(end_gain_init(&gain, kit.graph, &kit.arena));
    graph_values_init(&run, &kit.arena);
    const struct tensor *inputs[2] = {kit_tensor(&kit, shape, (const double[]){1, -0.5}),
                                      kit_tensor(&kit, shape, (const double[]){3, 4})};
    REQUIRE_OK(graph_interpret(kit.graph, inputs, &run, &diag), &diag);
    double *budgets = arena_array(&kit.arena, double, kit.graph->value_count), found;
    budgets[square] = 0.01;
    budgets[other] = 0.5;
    const double step = 0x1p-10;
    struct tensor *moved = kit_tensor(&kit, shape, (const double[]){4 + step, -2});
    REQUIRE_OK(end_gain_budget(&found, &gain, &run, four, moved, step, budgets, &kit.arena, &diag),
               &diag);
    CHECK_MSG(fabs(found - 0.01 / 8) < 1e-5, "%g", found);
    moved = kit_tensor(&kit, shape, (const double[]){3, 4 + step});
    REQUIRE_OK(end_gain_budget(&found, &gain, &run, y, moved, step, budgets, &kit.arena, &diag),
               &diag);
    CHECK_MSG(fabs(found - 0.5) < 1e-4, "%g", found);
    moved = kit_tensor(&kit, shape, (const double[]){2, -1});
    REQUIRE_OK(end_gain_budget(&found, &gain, &run, twice, moved, step, budgets, &kit.arena, &diag),
               &diag);
    CHECK(isinf(found));
    kit_release(&kit);
}

/* x -> tanh(3/4 x H + b), many times: an error shrinks each time until none is left, while the
 * gains of single products, which suppose the worst signs, double it. */
TEST(a_recurrence_that_forgets_asks_for_no_more_bits_the_longer_it_is)
{
    enum { LENGTH = 120 };
    double matrix[WIDTH * WIDTH];
    hadamard(matrix);
    for (int i = 0; i < WIDTH * WIDTH; i++)
        matrix[i] *= 0.75;
    struct kit kit;
    struct shape row = kit_shape(2, 1, WIDTH);
    kit_init(&kit);
    uint32_t first = kit_input(&kit, "x", ELEMENT_F32, row), x = first;
    uint32_t w = kit_parameter(&kit, "w", kit_shape(2, WIDTH, WIDTH), matrix);
    for (int i = 0; i < LENGTH; i++) {
        uint32_t b = kit_random_parameter(&kit, "b", row, 1);
        x = kit_binary(&kit, OP_ADD, kit_binary(&kit, OP_MAT_MUL, x, w), b);
        x = kit_unary(&kit, OP_TANH, x);
    }
    kit_output(&kit, kit_binary(&kit, OP_ADD, x, first));
    for (int i = 0; i < 2; i++)
        kit_set(&kit, (const struct tensor *[]){kit_random_tensor(&kit, row, 1)});
    kit_run(&kit);
    CHECK(kit.result.report.meets_tolerance);
    /* One bit each time is more than there is room for. */
    CHECK_MSG(kit.result.report.inputs[0].fraction_bits < 34, "%d bits",
              kit.result.report.inputs[0].fraction_bits);
    for (int i = 0; i < 2; i++)
        kit_compare(&kit, (const struct tensor *[]){kit_random_tensor(&kit, row, 1)}, 1e-4, 1e-2);
    kit_release(&kit);
}

/* Fraction bits of the tanh of each round of a recurrence, its nodes numbered as rounds or not. */
static void plan_rounds(int32_t *fraction, size_t length, bool numbered)
{
    double matrix[WIDTH * WIDTH];
    hadamard(matrix);
    struct kit kit;
    struct diag diag = {0};
    struct quantize_plan plan;
    struct shape row = kit_shape(2, 1, WIDTH);
    uint32_t round[64];
    kit_init(&kit);
    REQUIRE(length <= 64);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, row);
    uint32_t w = kit_parameter(&kit, "w", kit_shape(2, WIDTH, WIDTH), matrix);
    for (size_t i = 0; i < length; i++) {
        x = kit_binary(&kit, OP_MAT_MUL, x, w);
        x = round[i] = kit_unary(&kit, OP_TANH, x);
        kit.graph->nodes[kit.graph->node_count - 1].repeat = numbered ? 7 : 0;
    }
    kit_output(&kit, kit_unary(&kit, OP_NEG, x));
    kit_set(&kit, (const struct tensor *[]){kit_random_tensor(&kit, row, 1)});
    REQUIRE(pass_infer_shapes(kit.graph, &kit.problems) == STATUS_OK);
    REQUIRE_OK(pass_quantize(&plan, kit.graph, &kit.options.quantize, &kit.arena, &diag), &diag);
    for (size_t i = 0; i < length; i++)
        fraction[i] = plan.values[round[i]].fraction;
    kit_release(&kit);
}

TEST(rounds_of_a_body_share_their_widths)
{
    enum { LENGTH = 12 };
    int32_t apart[LENGTH], shared[LENGTH];
    plan_rounds(apart, LENGTH, false);
    plan_rounds(shared, LENGTH, true);
    bool differs = false;
    for (size_t i = 1; i < LENGTH; i++) {
        differs |= apart[i] != apart[0];
        CHECK(shared[i] == shared[0]);
    }
    CHECK(differs);
}

/* Behind an addition that rounds it away a step changes nothing, and nothing is run again. */
TEST(a_step_that_is_rounded_away_has_no_budget)
{
    struct kit kit;
    kit_init(&kit);
    struct shape shape = kit_shape(1, 1);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, shape);
    uint32_t y = kit_unary(&kit, OP_NEG, x);
    uint32_t sum =
        kit_binary(&kit, OP_ADD, y, kit_parameter(&kit, "b", shape, (const double[]){0x1p20}));
    uint32_t square = kit_binary(&kit, OP_MUL, sum, sum);
    kit_output(&kit, square);
    REQUIRE(pass_infer_shapes(kit.graph, &kit.problems) == STATUS_OK);
    struct graph_values run;
    struct end_gain gain;
    struct diag diag = {0};
    REQUIRE(end_gain_init(&gain, kit.graph, &kit.arena));
    graph_values_init(&run, &kit.arena);
    const struct tensor *inputs[1] = {kit_tensor(&kit, shape, (const double[]){1})};
    REQUIRE_OK(graph_interpret(kit.graph, inputs, &run, &diag), &diag);
    double *budgets = arena_array(&kit.arena, double, kit.graph->value_count), found;
    budgets[square] = 0.01;
    const double steps[] = {0x1p-10, 0.5};
    for (int i = 0; i < 2; i++) {
        struct tensor *moved = kit_tensor(&kit, shape, (const double[]){-1 + steps[i]});
        REQUIRE_OK(
            end_gain_budget(&found, &gain, &run, y, moved, steps[i], budgets, &kit.arena, &diag),
            &diag);
        CHECK_MSG((isinf(found) != 0) == (i == 0), "%g", found);
    }
    kit_release(&kit);
}
