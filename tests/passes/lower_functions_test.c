/* label: fast libs: sertn_runtime */
/*
 * Elementwise functions: every way of lowering each gives what the float model says, on random and
 * edge inputs, and its hints are pinned.
 */
#include "tests/passes/lower_kit.h"

#include <math.h>

/* One function of x, tried on `columns` numbers of two rows. */
struct function_case {
    enum op_kind op;
    double low, high; /* inputs */
    double absolute;
    const char *attribute;
    double value;
};

static struct tensor *inputs_of(struct kit *kit, const struct function_case *c, int columns)
{
    struct tensor *tensor = kit_random_tensor(kit, kit_shape(2, 2, columns), 1);
    for (size_t i = 0; i < tensor->count; i++) {
        double x = c->low + (c->high - c->low) * (tensor->data.real[i] + 1) / 2;
        /* Edges: zero, the ends, whole numbers. */
        switch (test_random_below(12)) {
        case 0:
            x = c->low <= 0 && c->high >= 0 ? 0 : c->low;
            break;
        case 1:
            x = c->high;
            break;
        case 2:
            x = c->low;
            break;
        case 3:
            x = fmax(c->low, fmin(c->high, rint(x)));
            break;
        default:
            break;
        }
        tensor->data.real[i] = element_round(ELEMENT_F32, x);
    }
    return tensor;
}

/* Returns the number of refused changes of hints. */
static size_t try_function(const struct function_case *c, int columns, bool declared)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(2, 2, columns));
    struct declared_range range = {"x", c->low, c->high};
    if (declared) {
        kit.options.quantize.ranges = &range;
        kit.options.quantize.range_count = 1;
    }
    uint32_t y = kit_unary(&kit, c->op, x);
    if (c->attribute != NULL)
        kit_attribute_float(&kit, c->attribute, c->value);
    kit_output(&kit, y);
    enum { SETS_MOST = 12 };
    int sets = columns < 100 ? SETS_MOST : 2;
    const struct tensor *seen[SETS_MOST];
    for (int i = 0; i < sets; i++) {
        seen[i] = inputs_of(&kit, c, columns);
        kit_set(&kit, &seen[i]);
    }
    kit_run(&kit);
    size_t tampered = 0;
    for (int i = 0; i < sets; i++) {
        const struct tensor *inputs[] = {inputs_of(&kit, c, columns)};
        /* The data that the widths were chosen by, nearly to the tolerance of ONNX's runner. */
        kit_compare(&kit, &seen[i], 3e-7, 1e-3);
        kit_compare(&kit, inputs, c->absolute, 1e-3);
        if (i == 0)
            tampered = kit_tamper_hints(&kit, inputs);
    }
    kit_release(&kit);
    return tampered;
}

/* Few elements and many, narrow ranges and wide ones, choose different ways. */
static void check_function(const struct function_case *c)
{
    try_function(c, 3, false);
    try_function(c, 3, true);
    try_function(c, 200, false);
    try_function(c, 1500, true);
}

#define CHECK_FUNCTIONS(list)                                                                      \
    for (size_t i = 0; i < sizeof(list) / sizeof *(list); i++)                                     \
    check_function(&(list)[i])

TEST(bounded_and_ramp_like_activations)
{
    static const struct function_case cases[] = {
        {OP_SIGMOID, -12, 12, 2e-6, NULL, 0},    {OP_TANH, -6, 6, 2e-6, NULL, 0},
        {OP_ERF, -5, 5, 2e-6, NULL, 0},          {OP_SOFTPLUS, -15, 30, 2e-6, NULL, 0},
        {OP_GELU, -6, 9, 2e-6, NULL, 0},         {OP_SWISH, -9, 20, 2e-6, NULL, 0},
        {OP_SWISH, -9, 9, 2e-6, "alpha", 1.702}, {OP_SWISH, -9, 9, 4e-6, "alpha", -0.3},
        {OP_SWISH, -9, 9, 2e-6, "alpha", 0},     {OP_MISH, -9, 9, 2e-6, NULL, 0},
        {OP_SOFTSIGN, -30, 30, 2e-6, NULL, 0},
    };
    CHECK_FUNCTIONS(cases);
}

/* Arguments of every magnitude: what has no place in a table is never counted in pieces of one. */
TEST(activations_of_arguments_far_beyond_every_table)
{
    static const enum op_kind ops[] = {OP_SIGMOID, OP_TANH, OP_ERF,  OP_SOFTPLUS,
                                       OP_GELU,    OP_MISH, OP_SWISH};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        for (int bits = 40; bits <= 72; bits++) {
            double far = ldexp(1, bits);
            struct declared_range range = {"x", -far, far};
            struct kit kit;
            kit_init(&kit);
            uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(1, 4));
            kit.options.quantize.ranges = &range;
            kit.options.quantize.range_count = 1;
            kit_output(&kit, kit_unary(&kit, ops[i], x));
            const struct tensor *in =
                kit_tensor(&kit, kit_shape(1, 4), (const double[]){-far, -1.5, 0.25, far});
            kit_set(&kit, &in);
            kit_run(&kit);
            if (bits % 16 == 8)
                kit_compare(&kit, &in, 1e-5, 1e-3);
            kit_release(&kit);
        }
    }
}

/* Close to zero an argument of 18 fraction bits is off by half a last place, times the slope, and
 * so is the result. */
TEST(activations_with_an_exponential_below_zero)
{
    static const struct function_case cases[] = {
        {OP_ELU, -8, 5, 4e-6, NULL, 0},  {OP_ELU, -8, 5, 7e-6, "alpha", 2.5},
        {OP_CELU, -8, 5, 4e-6, NULL, 0}, {OP_CELU, -8, 5, 4e-6, "alpha", 0.4},
        {OP_SELU, -8, 5, 6e-6, NULL, 0}, {OP_SELU, -8, 5, 12e-6, "gamma", 3},
    };
    CHECK_FUNCTIONS(cases);
}

TEST(activations_with_corners)
{
    static const struct function_case cases[] = {
        {OP_HARD_SIGMOID, -5, 5, 2e-6, NULL, 0},
        {OP_HARD_SIGMOID, -5, 5, 2e-6, "alpha", 0.5},
        {OP_HARD_SIGMOID, -5, 5, 2e-6, "beta", 0.6},
        {OP_THRESHOLDED_RELU, -5, 5, 1e-6, NULL, 0},
        {OP_THRESHOLDED_RELU, -5, 5, 1e-6, "alpha", -2},
        {OP_SHRINK, -3, 3, 1e-6, NULL, 0},
        {OP_SHRINK, -3, 3, 1e-6, "bias", 0.75},
        {OP_SHRINK, -3, 3, 1e-6, "lambd", 1},
        {OP_SHRINK, -3, 3, 1e-6, "lambd", -1},
    };
    CHECK_FUNCTIONS(cases);
}

TEST(circular_functions)
{
    static const struct function_case cases[] = {
        {OP_SIN, -3, 3, 2e-6, NULL, 0},     {OP_SIN, -1000, 1000, 2e-6, NULL, 0},
        {OP_COS, -3, 3, 2e-6, NULL, 0},     {OP_COS, 0, 60, 2e-6, NULL, 0},
        {OP_TAN, -1.4, 1.4, 2e-6, NULL, 0}, {OP_TAN, 2, 4.2, 2e-6, NULL, 0},
    };
    CHECK_FUNCTIONS(cases);
}

TEST(inverse_circular_functions)
{
    static const struct function_case cases[] = {
        {OP_ASIN, -1, 1, 2e-5, NULL, 0},
        {OP_ACOS, -1, 1, 2e-5, NULL, 0},
        {OP_ATAN, -3, 3, 2e-6, NULL, 0},
        {OP_ATAN, -400, 400, 2e-6, NULL, 0},
    };
    CHECK_FUNCTIONS(cases);
}

TEST(hyperbolic_functions_and_their_inverses)
{
    static const struct function_case cases[] = {
        {OP_SINH, -3, 3, 4e-6, NULL, 0},
        {OP_COSH, -6, 6, 4e-6, NULL, 0},
        {OP_ASINH, -50, 50, 4e-6, NULL, 0},
        {OP_ACOSH, 1.125, 30, 4e-6, NULL, 0},
        {OP_ATANH, -0.9375, 0.9375, 4e-6, NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        try_function(&cases[i], 3, false);
        try_function(&cases[i], 40, true);
    }
    /* Roots and exponents of two are hints. */
    CHECK(try_function(&cases[2], 3, true) > 0);
    CHECK(try_function(&cases[3], 3, true) > 0);
}

/* The value at one point, exactly. */
static void check_exact(enum op_kind op, double x, double expected)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t v = kit_input(&kit, "x", ELEMENT_F32, kit_shape(1, 4));
    kit_output(&kit, kit_unary(&kit, op, v));
    kit_set(&kit, (const struct tensor *[]){
                      kit_tensor(&kit, kit_shape(1, 4), (const double[]){x, 0.75, 0.5, 0.875})});
    kit_run(&kit);
    struct relation_values values;
    struct diag diag = {0};
    const struct tensor *in[] = {
        kit_tensor(&kit, kit_shape(1, 4), (const double[]){x, 0.75, 0.625, 0.875})};
    REQUIRE_OK(relation_values_init(&values, kit.result.program, &kit.arena, &diag), &diag);
    REQUIRE_OK(pipeline_evaluate(&values, &kit.result, in, NULL, NULL, &diag), &diag);
    double got;
    int64_t ignored;
    uint32_t t = kit.result.interface.outputs[0].tensor;
    port_decode(&got, &ignored, &kit.result.program->tensors[t], ELEMENT_F64,
                relation_value(&values, t, 0));
    CHECK_MSG(got == expected, "%s(%g) is %.12g, not %g", op_name(op), x, got, expected);
    kit_release(&kit);
}

TEST(what_is_exactly_zero_comes_out_as_zero)
{
    static const enum op_kind at_zero[] = {
        OP_SIN,   OP_TAN,  OP_ASIN, OP_ATAN, OP_SINH, OP_TANH,  OP_ERF,   OP_GELU,
        OP_SWISH, OP_MISH, OP_ELU,  OP_SELU, OP_CELU, OP_ASINH, OP_ATANH, OP_SOFTSIGN};
    for (size_t i = 0; i < sizeof at_zero / sizeof *at_zero; i++)
        check_exact(at_zero[i], 0, 0);
    check_exact(OP_ACOS, 1, 0);
    check_exact(OP_LOG, 1, 0);
    check_exact(OP_COSH, 0, 1);
    check_exact(OP_EXP, 0, 1);
    check_exact(OP_COS, 0, 1);
}

TEST(arguments_outside_a_domain_are_refused)
{
    static const struct {
        enum op_kind op;
        double bad;
    } cases[] = {{OP_ASIN, 1.25}, {OP_ACOS, -1.25}, {OP_ACOSH, 0.5}, {OP_ATANH, 1}, {OP_ATANH, -2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kit kit;
        struct relation_values values;
        struct diag diag = {0};
        kit_init(&kit);
        uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(1, 1));
        kit_output(&kit, kit_unary(&kit, cases[i].op, x));
        double good = cases[i].op == OP_ACOSH ? 1.5 : 0.5;
        kit_set(&kit, (const struct tensor *[]){kit_tensor(&kit, kit_shape(1, 1), &good)});
        kit_run(&kit);
        const struct tensor *in[] = {kit_tensor(&kit, kit_shape(1, 1), &cases[i].bad)};
        REQUIRE_OK(relation_values_init(&values, kit.result.program, &kit.arena, &diag), &diag);
        CHECK_MSG(pipeline_evaluate(&values, &kit.result, in, NULL, NULL, &diag) ==
                      STATUS_BAD_INPUT,
                  "%s(%g) is accepted", op_name(cases[i].op), cases[i].bad);
        kit_release(&kit);
    }
}

/* ---- two operands ---- */

struct pair_case {
    double x_low, x_high, y_low, y_high;
    bool x_whole, y_whole;
};

static struct tensor *numbers(struct kit *kit, double low, double high, bool whole)
{
    struct tensor *tensor = kit_random_tensor(kit, kit_shape(1, 6), 1);
    for (size_t i = 0; i < tensor->count; i++) {
        double x = low + (high - low) * (tensor->data.real[i] + 1) / 2;
        tensor->data.real[i] = element_round(ELEMENT_F32, whole ? rint(x) : x);
    }
    return tensor;
}

/* Puts the corners of both ranges into the first elements: results are largest there, which other
 * runs may come near. */
static void put_corners(struct tensor *x, struct tensor *y, const struct pair_case *c)
{
    for (size_t i = 0; i < 4; i++) {
        x->data.real[i] = element_round(ELEMENT_F32, i % 2 == 0 ? c->x_low : c->x_high);
        y->data.real[i] = element_round(ELEMENT_F32, i / 2 == 0 ? c->y_low : c->y_high);
    }
}

static void try_pair(enum op_kind op, const struct pair_case *c, const char *attribute,
                     int64_t value)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(1, 6)),
             y = kit_input(&kit, "y", ELEMENT_F32, kit_shape(1, 6));
    uint32_t out = kit_binary(&kit, op, x, y);
    if (attribute != NULL)
        kit_attribute_int(&kit, attribute, value);
    kit_output(&kit, out);
    for (int i = 0; i < 40; i++) {
        struct tensor *left = numbers(&kit, c->x_low, c->x_high, c->x_whole),
                      *right = numbers(&kit, c->y_low, c->y_high, c->y_whole);
        const struct tensor *in[] = {left, right};
        if (i == 0)
            put_corners(left, right, c);
        if (i < 20)
            kit_set(&kit, in);
        else
            kit_compare(&kit, in, 2e-5, 1e-3);
        if (i == 19)
            kit_run(&kit);
        if (i == 20) {
            kit_tamper_hints(&kit, in);
        }
    }
    kit_release(&kit);
}

TEST(powers_with_exponents_of_run_time)
{
    static const struct pair_case cases[] = {
        {0.25, 4, -2, 3, false, false}, {0, 4, 0.5, 3, false, false}, {-3, 3, 0, 5, false, true},
        {-3, -1, -3, 4, false, true},   {-3, 3, 0, 6, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        try_pair(OP_POW, &cases[i], NULL, 0);
}

TEST(remainders_of_both_signs)
{
    static const struct pair_case cases[] = {
        {-9, 9, 1, 4, false, true}, {-9, 9, -4, -1, false, true}, {-40, 40, 3, 7, true, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        try_pair(OP_MOD, &cases[i], "fmod", 1);
}
