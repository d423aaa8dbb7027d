/* label: fast libs: sertn_runtime */
/*
 * Proven errors: by hand where a few numbers say it all; no further than a stated factor from the
 * worst of many inputs, operator by operator; never exceeded by graphs of operators put together at
 * random; and absent, with the node that is to blame, where nothing is proven.
 */
#include "passes/error_bound.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/passes/lower_kit.h"

/* ---- arithmetic ---- */

TEST(arithmetic_of_bounds_never_rounds_down)
{
    CHECK(bound_add(1, 0x1p-80) > 1 && bound_add(1, 0) == 1 && bound_add(0, 0) == 0);
    CHECK(bound_mul(0, INFINITY) == 0 && bound_mul(3, 5) >= 15);
    for (int i = 0; i < 1000; i++) {
        double a = 1 + fabs(kit_random(1)) / 3, b = 1 + fabs(kit_random(1)) / 7;
        long double sum = (long double)a + b, product = (long double)a * b,
                    quotient = (long double)a / b;
        CHECK((long double)bound_add(a, b) >= sum && (long double)bound_mul(a, b) >= product);
        CHECK((long double)bound_div(a, b) >= quotient);
        CHECK((long double)bound_root(a) * bound_root(a) >= a);
        CHECK(bound_add(a, b) <= (double)sum * (1 + 0x1p-50));
    }
    wide odd;
    CHECK(wide_add(&odd, wide_power_of_two(100), wide_from_i64(1)));
    CHECK(bound_of_wide(odd) > 0x1p100 && bound_below(odd) <= 0x1p100);
    CHECK(bound_of_wide(wide_from_i64(-7)) == 7 && bound_below(wide_from_i64(-7)) == -7);
}

/* ---- small graphs ---- */

struct subject {
    struct kit kit;
    struct declared_range range;
    struct shape shape;
    uint32_t x;
};

static void subject_init(struct subject *s, struct shape shape, double low, double high)
{
    kit_init(&s->kit);
    s->shape = shape;
    s->range = (struct declared_range){"x", low, high};
    s->kit.options.quantize.ranges = &s->range;
    s->kit.options.quantize.range_count = 1;
    s->x = kit_input(&s->kit, "x", ELEMENT_F32, shape);
}

static struct tensor *any_input(struct subject *s)
{
    struct tensor *t = kit_random_tensor(&s->kit, s->shape, 1);
    double middle = (s->range.low + s->range.high) / 2, half = (s->range.high - s->range.low) / 2;
    for (size_t e = 0; e < t->count; e++)
        t->data.real[e] = element_round(ELEMENT_F32, middle + half * 0.9999 * t->data.real[e]);
    /* Ends of the range, where errors are largest. */
    if (test_random_below(4) == 0)
        t->data.real[test_random_below(t->count)] =
            test_random_below(2) == 0 ? s->range.low : s->range.high;
    return t;
}

static void subject_run(struct subject *s, uint32_t y)
{
    kit_output(&s->kit, y);
    for (int i = 0; i < 3; i++)
        kit_set(&s->kit, (const struct tensor *[]){any_input(s)});
    kit_run(&s->kit);
}

static double bound_of(const struct subject *s)
{
    return s->kit.result.report.outputs[0].proven_error;
}

/* Half a unit of the input. */
static double input_error(const struct subject *s)
{
    return ldexp(0.5, -s->kit.result.report.inputs[0].fraction_bits);
}

static double worst_of(struct subject *s, int runs)
{
    double worst = 0;
    for (int i = 0; i < runs; i++) {
        double one;
        kit_check_bounds(&s->kit, (const struct tensor *[]){any_input(s)}, &one);
        worst = fmax(worst, one);
    }
    return worst;
}

#define CHECK_CLOSE(a, b)                                                                          \
    CHECK_MSG(fabs((a) - (b)) <= 1e-9 * fabs(b), "%.12g, expected %.12g", (double)(a), (double)(b))

TEST(a_linear_map_is_off_by_the_sizes_of_its_weights)
{
    struct subject s;
    subject_init(&s, kit_shape(2, 1, 3), -8, 8);
    /* Columns of sizes 3.5 and 2.25. */
    uint32_t w =
        kit_parameter(&s.kit, "w", kit_shape(2, 3, 2), (const double[]){1, -0.25, 2, 1, -0.5, -1});
    uint32_t b = kit_parameter(&s.kit, "b", kit_shape(1, 2), (const double[]){4, -3});
    subject_run(&s, kit_node(&s.kit, OP_GEMM, (const uint32_t[]){s.x, w, b}, 3));
    CHECK_CLOSE(bound_of(&s), 3.5 * input_error(&s));
    CHECK(worst_of(&s, 50) > 0.3 * bound_of(&s));
    kit_release(&s.kit);
}

TEST(rounded_weights_count_as_often_as_the_input_is_large)
{
    struct subject s;
    subject_init(&s, kit_shape(1, 64), -8, 8);
    uint32_t w = kit_parameter(&s.kit, "w", kit_shape(1, 1), (const double[]){1.0 / 3});
    subject_run(&s, kit_binary(&s.kit, OP_MUL, s.x, w));
    /* The stored number is a float32, and the circuit's has as many bits as the plan gave it. */
    double third = element_round(ELEMENT_F32, 1.0 / 3), off = 1, e = input_error(&s);
    const struct parameter_values *p = &s.kit.result.parameters[0];
    int32_t fraction = -s.kit.result.program->tensors[p->tensor].scale.exponent;
    off = fabs(ldexp(wide_to_double(p->values[0]), -fraction) - third);
    CHECK_MSG(bound_of(&s) <= (third + off) * e + (8 + e) * off + 1e-12, "%.12g is more than %.12g",
              bound_of(&s), (third + off) * e + 8 * off);
    CHECK(bound_of(&s) >= (third - off) * e + 8 * off - 1e-12);
    kit_release(&s.kit);
}

TEST(what_is_no_steeper_than_one_keeps_the_error)
{
    static const enum op_kind ops[] = {OP_RELU, OP_ABS, OP_NEG, OP_REDUCE_MAX, OP_GLOBAL_MAX_POOL};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct subject s;
        subject_init(&s, kit_shape(4, 1, 2, 3, 3), -8, 8);
        subject_run(&s, kit_unary(&s.kit, ops[i], s.x));
        CHECK_CLOSE(bound_of(&s), input_error(&s));
        kit_release(&s.kit);
    }
}

TEST(errors_of_operands_put_together_do_not_add_up)
{
    struct subject s;
    subject_init(&s, kit_shape(1, 4), -8, 8);
    uint32_t y = kit_node(&s.kit, OP_CONCAT, (const uint32_t[]){s.x, s.x, s.x}, 3);
    kit_attribute_int(&s.kit, "axis", 0);
    subject_run(&s, y);
    CHECK_CLOSE(bound_of(&s), input_error(&s));
    kit_release(&s.kit);
}

/* ---- not silly ---- */

struct operator_case {
    enum op_kind op;
    double low, high;
    double factor; /* the bound is no more than this many times the worst that is seen */
    const char *attribute;
    double value;
};

static void check_operator(const struct operator_case *c)
{
    struct subject s;
    subject_init(&s, kit_shape(2, 8, 40), c->low, c->high);
    uint32_t y = kit_unary(&s.kit, c->op, s.x);
    if (c->attribute != NULL)
        kit_attribute_float(&s.kit, c->attribute, c->value);
    subject_run(&s, y);
    double worst = worst_of(&s, 20), bound = bound_of(&s);
    CHECK_MSG(bound <= c->factor * worst, "%s: %.4g is proven, %.4g the worst that was seen",
              op_name(c->op), bound, worst);
    kit_release(&s.kit);
}

TEST(bounds_are_near_the_worst_that_is_seen)
{
    static const struct operator_case cases[] = {
        {OP_SIGMOID, -6, 6, 4, NULL, 0},      {OP_TANH, -4, 4, 4, NULL, 0},
        {OP_ERF, -3, 3, 4, NULL, 0},          {OP_GELU, -4, 4, 4, NULL, 0},
        {OP_SOFTPLUS, -6, 9, 4, NULL, 0},     {OP_SWISH, -6, 6, 4, NULL, 0},
        {OP_SWISH, -6, 6, 4, "alpha", 1.7},   {OP_MISH, -6, 6, 4, NULL, 0},
        {OP_SOFTSIGN, -9, 9, 4, NULL, 0},     {OP_ELU, -5, 5, 4, NULL, 0},
        {OP_CELU, -5, 5, 4, "alpha", 0.4},    {OP_SELU, -5, 5, 4, NULL, 0},
        {OP_HARD_SIGMOID, -5, 5, 4, NULL, 0}, {OP_LEAKY_RELU, -5, 5, 3, NULL, 0},
        {OP_EXP, -3, 3, 6, NULL, 0},          {OP_LOG, 0.5, 9, 6, NULL, 0},
        {OP_SQRT, 0.25, 9, 4, NULL, 0},       {OP_RECIPROCAL, 0.5, 9, 4, NULL, 0},
        {OP_SIN, -20, 20, 5, NULL, 0},        {OP_COS, -2, 2, 5, NULL, 0},
        {OP_ATAN, -9, 9, 5, NULL, 0},         {OP_SINH, -3, 3, 8, NULL, 0},
        {OP_COSH, -3, 3, 8, NULL, 0},         {OP_ASINH, -3, 3, 6, NULL, 0},
        {OP_SOFTMAX, -3, 3, 60, NULL, 0},     {OP_LOG_SOFTMAX, -3, 3, 30, NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_operator(&cases[i]);
}

/* ---- no bound ---- */

static void check_gap(const struct subject *s, size_t output, const char *part)
{
    const struct output_report *report = &s->kit.result.report.outputs[output];
    CHECK(isinf(report->proven_error));
    CHECK_MSG(report->no_bound != NULL && strstr(report->no_bound, part) != NULL,
              "'%s' does not say '%s'", report->no_bound == NULL ? "" : report->no_bound, part);
}

TEST(decisions_on_inexact_numbers_have_no_bound)
{
    static const enum op_kind ops[] = {OP_FLOOR, OP_ROUND, OP_ARG_MAX, OP_HARDMAX};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct subject s;
        char part[64];
        subject_init(&s, kit_shape(2, 2, 3), -8, 8);
        subject_run(&s, kit_unary(&s.kit, ops[i], s.x));
        snprintf(part, sizeof part, "%s_0 (%s) decides on inexact numbers", op_name(ops[i]),
                 op_name(ops[i]));
        check_gap(&s, 0, part);
        kit_release(&s.kit);
    }
}

TEST(computed_numbers_that_may_be_taken_for_zero_are_named)
{
    struct subject s;
    subject_init(&s, kit_shape(1, 5), -8, 8);
    subject_run(&s, kit_unary(&s.kit, OP_SIGN, kit_unary(&s.kit, OP_TANH, s.x)));
    check_gap(&s, 0,
              "Sign_1 (Sign) takes computed numbers too small for their fraction bits for 0");
    kit_release(&s.kit);
}

TEST(a_choice_by_an_inexact_comparison_names_the_comparison)
{
    struct subject s;
    subject_init(&s, kit_shape(1, 5), -8, 8);
    uint32_t half = kit_parameter(&s.kit, "half", kit_shape(0), (const double[]){0.5});
    uint32_t bit = kit_binary(&s.kit, OP_GREATER, kit_unary(&s.kit, OP_SIGMOID, s.x), half);
    uint32_t chosen = kit_node(&s.kit, OP_WHERE, (const uint32_t[]){bit, s.x, half}, 3);
    subject_run(&s, kit_unary(&s.kit, OP_TANH, chosen));
    check_gap(&s, 0, "Greater_1 (Greater) decides on inexact numbers");
    kit_release(&s.kit);
}

TEST(a_divisor_that_may_be_zero_has_no_bound)
{
    struct subject s;
    subject_init(&s, kit_shape(1, 5), -8, 8);
    subject_run(&s, kit_binary(&s.kit, OP_DIV, s.x, kit_binary(&s.kit, OP_MUL, s.x, s.x)));
    check_gap(&s, 0, "(Div) may be asked where it has no result");
    kit_release(&s.kit);
}

TEST(an_operator_without_a_rule_is_named)
{
    struct subject s;
    subject_init(&s, kit_shape(1, 6), -2, 2);
    uint32_t d = kit_parameter(&s.kit, "d", kit_shape(1, 1), (const double[]){0.75});
    uint32_t y = kit_binary(&s.kit, OP_MOD, s.x, d);
    kit_attribute_int(&s.kit, "fmod", 1);
    subject_run(&s, y);
    check_gap(&s, 0, "Mod_0 (Mod) has no rule");
    kit_release(&s.kit);
}

TEST(integers_are_exact_and_so_is_what_they_decide)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t n = kit_input(&kit, "n", ELEMENT_I64, kit_shape(1, 4));
    uint32_t three = kit_constant_i64(&kit, kit_shape(1, 1), (const int64_t[]){3});
    uint32_t bit = kit_binary(&kit, OP_GREATER, n, three);
    uint32_t a = kit_parameter(&kit, "a", kit_shape(1, 1), (const double[]){0.5}),
             b = kit_parameter(&kit, "b", kit_shape(1, 1), (const double[]){-1.25});
    kit_output(&kit, kit_node(&kit, OP_WHERE, (const uint32_t[]){bit, a, b}, 3));
    kit_output(&kit, kit_binary(&kit, OP_MOD, n, three));
    kit_set(&kit, (const struct tensor *[]){kit_integers(&kit, ELEMENT_I64, kit_shape(1, 4),
                                                         (const int64_t[]){1, 5, -7, 3})});
    kit_run(&kit);
    for (size_t o = 0; o < 2; o++)
        CHECK(kit.result.report.outputs[o].no_bound == NULL &&
              kit.result.report.outputs[o].proven_error == 0);
    kit_release(&kit);
}

/* ---- graphs at random ---- */

enum { VALUES_MAX = 24, OPERATORS = 9, WIDTH = 3 };

/* A value of shape [WIDTH, WIDTH] made of two others. */
static uint32_t any_operator(struct subject *s, uint32_t a, uint32_t b)
{
    static const enum op_kind unary[] = {OP_RELU,     OP_SIGMOID,  OP_TANH,    OP_ABS,     OP_ERF,
                                         OP_GELU,     OP_SOFTPLUS, OP_SOFTMAX, OP_SIN,     OP_COS,
                                         OP_SOFTSIGN, OP_ATAN,     OP_MISH,    OP_IDENTITY};
    static const enum op_kind binary[] = {OP_ADD, OP_SUB, OP_MUL, OP_MAX, OP_MIN, OP_MAT_MUL};
    struct kit *kit = &s->kit;
    uint32_t one, y;
    switch (test_random_below(12)) {
    case 8:
        one = kit_random_parameter(kit, "scale", kit_shape(1, WIDTH), 1);
        y = kit_random_parameter(kit, "shift", kit_shape(1, WIDTH), 1);
        return test_random_below(2) == 0
                   ? kit_node(kit, OP_LAYER_NORMALIZATION, (const uint32_t[]){a, one, y}, 3)
                   : kit_binary(kit, OP_RMS_NORMALIZATION, a, one);
    case 9:
        /* Exponentials of what is held to [-3, 2]. */
        one = kit_parameter(kit, "low", kit_shape(0), (const double[]){-3});
        y = kit_parameter(kit, "high", kit_shape(0), (const double[]){2});
        y = kit_node(kit, OP_CLIP, (const uint32_t[]){a, one, y}, 3);
        return kit_unary(kit, test_random_below(2) == 0 ? OP_EXP : OP_SINH, y);
    case 10:
        y = kit_parameter(kit, "exponent", kit_shape(0),
                          (const double[]){(double)(2 + test_random_below(2))});
        return kit_binary(kit, OP_POW, kit_unary(kit, OP_TANH, a), y);
    case 11:
        y = kit_unary(kit, test_random_below(2) == 0 ? OP_LOG_SOFTMAX : OP_TRANSPOSE, a);
        return y;
    case 0:
    case 1:
        return kit_unary(kit, unary[test_random_below(sizeof unary / sizeof *unary)], a);
    case 2:
        y = kit_unary(kit, OP_LEAKY_RELU, a);
        kit_attribute_float(kit, "alpha", kit_random(1));
        return y;
    case 3:
        return kit_binary(kit, OP_MAT_MUL, a,
                          kit_random_parameter(kit, "weights", kit_shape(2, WIDTH, WIDTH), 1));
    case 4:
        /* a / (1 + b^2) */
        one = kit_parameter(kit, "one", kit_shape(1, 1), (const double[]){1});
        y = kit_binary(kit, OP_ADD, kit_binary(kit, OP_MUL, b, b), one);
        return kit_binary(kit, OP_DIV, a, y);
    case 5:
        /* The root, or logarithm, of what is at least 1 / 10. */
        one = kit_parameter(kit, "tenth", kit_shape(1, 1), (const double[]){0.1});
        y = kit_binary(kit, OP_ADD, kit_unary(kit, OP_ABS, a), one);
        return kit_unary(kit, test_random_below(2) == 0 ? OP_SQRT : OP_LOG, y);
    default:
        return kit_binary(kit, binary[test_random_below(sizeof binary / sizeof *binary)], a, b);
    }
}

/* Returns whether there was something to check. */
static bool random_graph(size_t *proven)
{
    struct subject s;
    uint32_t values[VALUES_MAX];
    size_t count = 1;
    subject_init(&s, kit_shape(2, WIDTH, WIDTH), -2, 2);
    values[0] = s.x;
    for (size_t i = 0; i < OPERATORS; i++) {
        uint32_t a = values[test_random_below(2) == 0 ? count - 1 : test_random_below(count)],
                 b = values[test_random_below(count)];
        values[count++] = any_operator(&s, a, b);
    }
    kit_output(&s.kit, values[count - 1]);
    for (int i = 0; i < 6; i++)
        kit_set(&s.kit, (const struct tensor *[]){any_input(&s)});
    enum status status =
        pipeline_run(&s.kit.result, s.kit.graph, &s.kit.options, &s.kit.arena, &s.kit.problems);
    for (int i = 0; i < 12 && status == STATUS_OK; i++) {
        struct tensor *input = any_input(&s);
        struct relation_values integers;
        struct diag diag = {0};
        REQUIRE_OK(relation_values_init(&integers, s.kit.result.program, &s.kit.arena, &diag),
                   &diag);
        /* Ranges that calibration put in refuse some inputs. */
        if (pipeline_evaluate(&integers, &s.kit.result, (const struct tensor *[]){input}, NULL,
                              NULL, &diag) == STATUS_OK)
            kit_check_bounds(&s.kit, (const struct tensor *[]){input}, NULL);
    }
    *proven += status == STATUS_OK && s.kit.result.report.outputs[0].no_bound == NULL;
    kit_release(&s.kit);
    return status == STATUS_OK;
}

TEST(no_graph_at_random_exceeds_its_bound)
{
    enum { SECONDS = 2, LEAST = 15 };
    time_t until = time(NULL) + SECONDS;
    size_t done = 0, proven = 0;
    while (time(NULL) < until || done < LEAST)
        done += random_graph(&proven);
    CHECK_MSG(proven * 4 > done * 3, "%zu of %zu graphs have a bound", proven, done);
}
