/* label: fast libs: sertn_runtime */
/* Every composition of relations gives what the float model says, on random and edge inputs, and
 * leaves no hint free. */
#include "tests/passes/lower_kit.h"

#include <math.h>

/* A model of one operator (after what `build` puts before it), tried on many inputs. */
struct op_case {
    struct kit kit;
    struct shape shape;
    double scale, shift; /* inputs: shift + uniform in [-scale, scale) */
    bool positive;       /* inputs: magnitude at least scale / 64 */
    bool coarse;         /* inputs: multiples of 1/4 */
};

static struct tensor *case_input(struct op_case *c)
{
    struct tensor *tensor = kit_random_tensor(&c->kit, c->shape, c->scale);
    for (size_t i = 0; i < tensor->count; i++) {
        double value = tensor->data.real[i] + c->shift;
        if (c->positive)
            value = fmax(fabs(value), c->scale / 64);
        /* Edges: zero, and numbers that meet. */
        if (!c->positive && test_random_below(8) == 0)
            value = 0;
        if (test_random_below(8) == 0)
            value = rint(value);
        if (c->positive && value <= 0)
            value = 1;
        if (c->coarse)
            value = rint(value * 4) / 4;
        tensor->data.real[i] = element_round(ELEMENT_F32, value);
    }
    return tensor;
}

static uint32_t case_begin(struct op_case *c, struct shape shape, double scale, double shift,
                           bool positive)
{
    kit_init(&c->kit);
    c->shape = shape;
    c->scale = scale;
    c->shift = shift;
    c->positive = positive;
    c->coarse = false;
    return kit_input(&c->kit, "x", ELEMENT_F32, shape);
}

/* Calibrates, lowers, compares on fresh inputs and tampers with hints. Returns how many hint
 * changes were refused. */
static size_t case_finish(struct op_case *c, uint32_t output, double absolute, double relative)
{
    kit_output(&c->kit, output);
    for (int i = 0; i < 50; i++)
        kit_set(&c->kit, (const struct tensor *[]){case_input(c)});
    kit_run(&c->kit);
    size_t tampered = 0;
    for (int i = 0; i < 25; i++) {
        const struct tensor *inputs[] = {case_input(c)};
        kit_compare(&c->kit, inputs, absolute, relative);
        if (i < 2)
            tampered += kit_tamper_hints(&c->kit, inputs);
    }
    kit_release(&c->kit);
    return tampered;
}

static struct shape row(int columns)
{
    return kit_shape(2, 2, columns);
}

/* One elementwise operator of x. */
static void unary(enum op_kind op, double scale, bool positive)
{
    struct op_case c;
    uint32_t x = case_begin(&c, row(5), scale, 0, positive);
    case_finish(&c, kit_unary(&c.kit, op, x), 4e-6, 1e-3);
}

/* op(x, x reversed). */
static void binary(enum op_kind op, double scale, bool positive)
{
    struct op_case c;
    uint32_t x = case_begin(&c, row(6), scale, 0, positive);
    uint32_t y = kit_unary(&c.kit, OP_TRANSPOSE, x);
    y = kit_binary(&c.kit, OP_RESHAPE, y,
                   kit_constant_i64(&c.kit, kit_shape(1, 2), (const int64_t[]){2, 6}));
    case_finish(&c, kit_binary(&c.kit, op, x, y), 4e-6, 1e-3);
}

TEST(activations)
{
    unary(OP_RELU, 4, false);
    unary(OP_ABS, 4, false);
    unary(OP_LEAKY_RELU, 4, false);
    unary(OP_NEG, 4, false);
    unary(OP_SIGMOID, 12, false);
    unary(OP_SIGMOID, 0.01, false);
    unary(OP_TANH, 5, false);
    unary(OP_ERF, 5, false);
}

TEST(exponentials_and_logarithms)
{
    unary(OP_EXP, 0.1, false);
    unary(OP_EXP, 3, false);
    unary(OP_EXP, 12, false);
    unary(OP_LOG, 8, true);
    unary(OP_LOG, 1000, true);
    unary(OP_LOG, 0.01, true);
}

TEST(roots_and_reciprocals)
{
    unary(OP_SQRT, 9, true);
    unary(OP_SQRT, 1e4, true);
    unary(OP_RECIPROCAL, 4, true);
    /* Zero has a root, though no error bound near it. */
    struct op_case c;
    uint32_t x = case_begin(&c, row(5), 9, 0, false);
    CHECK(case_finish(&c, kit_unary(&c.kit, OP_SQRT, kit_unary(&c.kit, OP_ABS, x)), 1e-3, 1e-3) >
          0);
}

TEST(arithmetic_of_two_values)
{
    binary(OP_ADD, 4, false);
    binary(OP_SUB, 4, false);
    binary(OP_MUL, 4, false);
    binary(OP_DIV, 4, true);
    binary(OP_MAX, 4, false);
    binary(OP_MIN, 4, false);
}

TEST(comparisons_are_exact)
{
    static const enum op_kind ops[] = {OP_GREATER, OP_GREATER_OR_EQUAL, OP_LESS, OP_LESS_OR_EQUAL,
                                       OP_EQUAL};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct op_case c;
        uint32_t x = case_begin(&c, row(6), 16, 0, false);
        c.coarse = true;
        x = kit_unary(&c.kit, OP_ROUND, x);
        uint32_t y =
            kit_parameter(&c.kit, "y", kit_shape(1, 6), (const double[]){-3, 0, 2, 5, 7, -16});
        case_finish(&c, kit_binary(&c.kit, ops[i], x, y), 0, 0);
    }
}

/* Operators that ask on which side of 0 a number lies; then how it comes from the input. */
static uint32_t sign_test(struct kit *kit, size_t which, uint32_t x)
{
    static const enum op_kind comparisons[] = {OP_EQUAL, OP_LESS, OP_LESS_OR_EQUAL, OP_GREATER,
                                               OP_GREATER_OR_EQUAL};
    if (which == 0)
        return kit_unary(kit, OP_SIGN, x);
    if (which == 1) {
        uint32_t bit = kit_unary(kit, OP_CAST, x);
        kit_attribute_int(kit, "to", ELEMENT_BOOL);
        return bit;
    }
    uint32_t zero = kit_parameter(kit, "zero", kit_shape(0), (const double[]){0});
    return which % 2 == 0 ? kit_binary(kit, comparisons[(which - 2) / 2], x, zero)
                          : kit_binary(kit, comparisons[(which - 2) / 2], zero, x);
}

TEST(only_zero_is_zero)
{
    static const double numbers[] = {1e-20, 0, -1e-20, 1e-38, 3, -0x1p-149, -2, 1e-7};
    enum { TESTS = 12, COUNT = sizeof numbers / sizeof *numbers };
    for (size_t i = 0; i < TESTS; i++) {
        struct kit kit;
        kit_init(&kit);
        struct shape shape = kit_shape(2, 2, COUNT / 2);
        uint32_t x = kit_input(&kit, "x", ELEMENT_F32, shape);
        uint32_t y = sign_test(&kit, i, kit_unary(&kit, OP_NEG, kit_unary(&kit, OP_TRANSPOSE, x)));
        kit_output(&kit, y);
        if (i % 2 == 0)
            kit_output(&kit, kit_unary(&kit, OP_EXP, x));
        for (int run = 0; run < 5; run++)
            kit_set(&kit, (const struct tensor *[]){kit_random_tensor(&kit, shape, 4)});
        kit_run(&kit);
        CHECK(kit.result.report.outputs[0].proven_error == 0);
        kit_compare(&kit, (const struct tensor *[]){kit_tensor(&kit, shape, numbers)}, 4e-6, 1e-3);
        kit_release(&kit);
    }
}

TEST(choices_follow_their_condition)
{
    struct op_case c;
    uint32_t x = case_begin(&c, row(6), 4, 0, false);
    uint32_t zero = kit_parameter(&c.kit, "zero", kit_shape(0), (const double[]){0});
    uint32_t condition = kit_binary(&c.kit, OP_GREATER_OR_EQUAL, x, zero);
    uint32_t other = kit_random_parameter(&c.kit, "other", row(6), 3);
    case_finish(&c, kit_node(&c.kit, OP_WHERE, (const uint32_t[]){condition, x, other}, 3), 4e-6,
                1e-3);
    x = case_begin(&c, row(6), 4, 0, false);
    uint32_t low = kit_parameter(&c.kit, "low", kit_shape(0), (const double[]){-1}),
             high = kit_parameter(&c.kit, "high", kit_shape(0), (const double[]){2.5});
    case_finish(&c, kit_node(&c.kit, OP_CLIP, (const uint32_t[]){x, low, high}, 3), 4e-6, 1e-3);
}

TEST(logic_of_bits)
{
    static const enum op_kind ops[] = {OP_AND, OP_OR, OP_XOR};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct op_case c;
        uint32_t x = case_begin(&c, row(6), 4, 0, false);
        uint32_t a = kit_binary(&c.kit, OP_GREATER, x,
                                kit_parameter(&c.kit, "a", kit_shape(0), (const double[]){1}));
        uint32_t b = kit_binary(&c.kit, OP_LESS, x, kit_random_parameter(&c.kit, "b", row(6), 4));
        uint32_t both = kit_binary(&c.kit, ops[i], a, kit_unary(&c.kit, OP_NOT, b));
        case_finish(&c, both, 0, 0);
    }
}

TEST(whole_numbers)
{
    static const enum op_kind ops[] = {OP_FLOOR, OP_CEIL, OP_ROUND, OP_SIGN};
    struct op_case c;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        uint32_t v = case_begin(&c, row(5), 40, 0, false);
        c.coarse = true;
        case_finish(&c, kit_unary(&c.kit, ops[i], v), 0, 0);
    }
    uint32_t x = case_begin(&c, row(5), 30, 0, false);
    c.coarse = true;
    uint32_t y = kit_unary(&c.kit, OP_CAST, x);
    kit_attribute_int(&c.kit, "to", ELEMENT_I64);
    case_finish(&c, y, 0, 0);
    x = case_begin(&c, row(5), 2, 0, false);
    y = kit_unary(&c.kit, OP_CAST, x);
    kit_attribute_int(&c.kit, "to", ELEMENT_BOOL);
    case_finish(&c, y, 0, 0);
}

static void reduce(enum op_kind op, struct shape shape, const int64_t *axes, int axis_count,
                   double scale, bool positive)
{
    struct op_case c;
    uint32_t x = case_begin(&c, shape, scale, 0, positive);
    uint32_t list = kit_constant_i64(&c.kit, kit_shape(1, axis_count), axes);
    uint32_t y = kit_binary(&c.kit, op, x, list);
    kit_attribute_int(&c.kit, "keepdims", test_random_below(2) == 0);
    case_finish(&c, y, 2e-5, 1e-3);
}

TEST(reductions)
{
    static const enum op_kind ops[] = {OP_REDUCE_SUM, OP_REDUCE_MEAN,       OP_REDUCE_MAX,
                                       OP_REDUCE_MIN, OP_REDUCE_SUM_SQUARE, OP_REDUCE_LOG_SUM_EXP};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        reduce(ops[i], kit_shape(3, 2, 3, 4), (const int64_t[]){1}, 1, 3, false);
        reduce(ops[i], kit_shape(3, 2, 3, 5), (const int64_t[]){0, 2}, 2, 3, false);
    }
    reduce(OP_REDUCE_PROD, kit_shape(2, 2, 5), (const int64_t[]){1}, 1, 2, false);
}

static void arg(enum op_kind op, int columns, bool last)
{
    struct op_case c;
    uint32_t x = case_begin(&c, row(columns), 3, 0, false);
    c.coarse = true;
    /* Few distinct numbers, so that ties are met. */
    uint32_t y = kit_unary(&c.kit, OP_ROUND, x);
    y = kit_unary(&c.kit, op, y);
    kit_attribute_int(&c.kit, "axis", -1);
    kit_attribute_int(&c.kit, "select_last_index", last);
    case_finish(&c, y, 0, 0);
}

TEST(places_of_extremes_with_ties)
{
    for (int columns = 1; columns < 9; columns++) {
        arg(OP_ARG_MAX, columns, false);
        arg(OP_ARG_MAX, columns, true);
        arg(OP_ARG_MIN, columns, false);
        arg(OP_ARG_MIN, columns, true);
    }
}

TEST(the_order_of_top_k_is_pinned)
{
    for (int largest = 0; largest < 2; largest++) {
        struct op_case c;
        uint32_t x = case_begin(&c, row(7), 3, 0, false);
        c.coarse = true;
        uint32_t k = kit_constant_i64(&c.kit, kit_shape(1, 1), (const int64_t[]){3});
        uint32_t rounded = kit_unary(&c.kit, OP_ROUND, x);
        uint32_t outputs[2] = {
            graph_add_value(c.kit.graph, "values", VALUE_NODE, ELEMENT_UNDEFINED),
            graph_add_value(c.kit.graph, "indices", VALUE_NODE, ELEMENT_UNDEFINED)};
        graph_add_node(c.kit.graph, OP_TOP_K, "top", (const uint32_t[]){rounded, k}, 2, outputs, 2);
        kit_attribute_int(&c.kit, "axis", -1);
        kit_attribute_int(&c.kit, "largest", largest);
        kit_output(&c.kit, outputs[0]);
        CHECK(case_finish(&c, outputs[1], 0, 0) > 0);
    }
}

TEST(softmax_sums_to_one)
{
    for (int i = 0; i < 2; i++) {
        struct op_case c;
        uint32_t x = case_begin(&c, row(4), i == 0 ? 3 : 40, 0, false);
        uint32_t y = kit_unary(&c.kit, OP_SOFTMAX, x);
        case_finish(&c, y, 4e-6, 1e-3);
        x = case_begin(&c, row(4), i == 0 ? 3 : 40, 0, false);
        y = kit_unary(&c.kit, OP_LOG_SOFTMAX, x);
        CHECK(case_finish(&c, y, 2e-5, 1e-3) > 0);
    }
}

/* One data set, all of it where the function is flat; then inputs where it is not. */
TEST(functions_that_calibration_saw_flat_are_exact_where_they_are_steep)
{
    static const enum op_kind ops[] = {OP_SOFTMAX, OP_SIGMOID, OP_TANH,
                                       OP_ERF,     OP_ATAN,    OP_SOFTSIGN};
    static const double far[] = {200, 50, -240, 90, -70, 130}, near[] = {0.5, 1.75, -1, 0.3, 3, 2};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct kit kit;
        struct shape shape = kit_shape(2, 3, 2);
        kit_init(&kit);
        kit_output(&kit, kit_unary(&kit, ops[i], kit_input(&kit, "x", ELEMENT_F32, shape)));
        kit_set(&kit, (const struct tensor *[]){kit_tensor(&kit, shape, far)});
        kit_run(&kit);
        kit_compare(&kit, (const struct tensor *[]){kit_tensor(&kit, shape, near)}, 1e-4, 1e-3);
        kit_release(&kit);
    }
}

TEST(powers)
{
    static const double exponents[] = {0, 1, 2, 3, -1, 0.5, -2, 1.5, 0.3};
    for (size_t i = 0; i < sizeof exponents / sizeof *exponents; i++) {
        struct op_case c;
        uint32_t x = case_begin(&c, row(4), 3, 0, true);
        uint32_t p = kit_parameter(&c.kit, "p", kit_shape(0), &exponents[i]);
        case_finish(&c, kit_binary(&c.kit, OP_POW, x, p), 2e-5, 1e-3);
    }
    struct op_case c;
    uint32_t x = case_begin(&c, row(4), 3, 0, true);
    uint32_t p = kit_parameter(&c.kit, "p", kit_shape(1, 4), (const double[]){2, 0.5, 2, -1});
    case_finish(&c, kit_binary(&c.kit, OP_POW, x, p), 2e-5, 1e-3);
}

TEST(division_by_stored_and_signed_numbers)
{
    struct op_case c;
    uint32_t x = case_begin(&c, row(4), 3, 0, false);
    uint32_t p = kit_parameter(&c.kit, "p", kit_shape(1, 4), (const double[]){3, -7, 0.125, 11});
    case_finish(&c, kit_binary(&c.kit, OP_DIV, x, p), 2e-5, 1e-3);
    /* A divisor of both signs: x + 5 or x - 5, never near zero. */
    x = case_begin(&c, row(4), 3, 0, false);
    p = kit_parameter(&c.kit, "p", kit_shape(1, 4), (const double[]){5, -5, 6, -6});
    uint32_t d = kit_binary(&c.kit, OP_ADD, x, p);
    case_finish(&c, kit_binary(&c.kit, OP_DIV, x, d), 2e-5, 1e-3);
}

TEST(movement_moves)
{
    struct op_case c;
    uint32_t x = case_begin(&c, kit_shape(3, 2, 3, 4), 4, 0, false);
    uint32_t t = kit_unary(&c.kit, OP_TRANSPOSE, x);
    uint32_t s = kit_node(
        &c.kit, OP_SLICE,
        (const uint32_t[]){t, kit_constant_i64(&c.kit, kit_shape(1, 1), (const int64_t[]){3}),
                           kit_constant_i64(&c.kit, kit_shape(1, 1), (const int64_t[]){-100}),
                           kit_constant_i64(&c.kit, kit_shape(1, 1), (const int64_t[]){0}),
                           kit_constant_i64(&c.kit, kit_shape(1, 1), (const int64_t[]){-2})},
        5);
    uint32_t g = kit_binary(&c.kit, OP_GATHER, s,
                            kit_constant_i64(&c.kit, kit_shape(1, 2), (const int64_t[]){1, -1}));
    kit_attribute_int(&c.kit, "axis", 1);
    uint32_t both = kit_node(&c.kit, OP_CONCAT, (const uint32_t[]){g, s}, 2);
    kit_attribute_int(&c.kit, "axis", 1);
    case_finish(&c, both, 1e-6, 1e-6);
}

TEST(computed_indices_read_memories)
{
    for (int kind = 0; kind < 3; kind++) {
        struct op_case c;
        uint32_t x = case_begin(&c, row(5), 3, 0, false);
        uint32_t i = kit_unary(&c.kit, OP_ARG_MAX, x);
        kit_attribute_int(&c.kit, "axis", 1);
        kit_attribute_int(&c.kit, "keepdims", kind == 2);
        uint32_t y;
        if (kind == 0) {
            y = kit_binary(&c.kit, OP_GATHER,
                           kit_random_parameter(&c.kit, "table", kit_shape(2, 5, 3), 2), i);
            kit_attribute_int(&c.kit, "axis", 0);
        } else if (kind == 1) {
            y = kit_binary(
                &c.kit, OP_GATHER,
                kit_constant_i64(&c.kit, kit_shape(1, 5), (const int64_t[]){4, -7, 9, 2, 2}), i);
        } else {
            y = kit_binary(&c.kit, OP_GATHER_ELEMENTS, x, i);
            kit_attribute_int(&c.kit, "axis", 1);
        }
        case_finish(&c, y, 4e-6, 1e-3);
    }
}

TEST(running_sums)
{
    for (int mode = 0; mode < 4; mode++) {
        struct op_case c;
        uint32_t x = case_begin(&c, row(5), 3, 0, false);
        uint32_t y = kit_binary(&c.kit, OP_CUM_SUM, x,
                                kit_constant_i64(&c.kit, kit_shape(0), (const int64_t[]){1}));
        kit_attribute_int(&c.kit, "exclusive", mode & 1);
        kit_attribute_int(&c.kit, "reverse", mode >> 1);
        case_finish(&c, y, 2e-5, 1e-3);
    }
}

TEST(matrix_products_of_every_rank)
{
    static const int ranks[][2] = {{1, 2}, {2, 1}, {2, 2}, {3, 2}, {2, 3}};
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
        struct op_case c;
        struct shape a = ranks[i][0] == 1   ? kit_shape(1, 4)
                         : ranks[i][0] == 2 ? kit_shape(2, 3, 4)
                                            : kit_shape(3, 2, 3, 4);
        struct shape b = ranks[i][1] == 1   ? kit_shape(1, 4)
                         : ranks[i][1] == 2 ? kit_shape(2, 4, 2)
                                            : kit_shape(3, 2, 4, 2);
        uint32_t x = case_begin(&c, a, 3, 0, false);
        case_finish(&c, kit_binary(&c.kit, OP_MAT_MUL, x, kit_random_parameter(&c.kit, "w", b, 1)),
                    2e-5, 1e-3);
    }
    struct op_case c;
    uint32_t x = case_begin(&c, kit_shape(2, 3, 3), 2, 0, false);
    case_finish(&c, kit_binary(&c.kit, OP_MAT_MUL, x, x), 2e-5, 1e-3);
    for (int flips = 0; flips < 4; flips++) {
        x = case_begin(&c, flips & 1 ? kit_shape(2, 4, 3) : kit_shape(2, 3, 4), 2, 0, false);
        uint32_t w = kit_random_parameter(&c.kit, "w",
                                          flips & 2 ? kit_shape(2, 2, 4) : kit_shape(2, 4, 2), 1);
        uint32_t y = kit_node(
            &c.kit, OP_GEMM,
            (const uint32_t[]){x, w, kit_random_parameter(&c.kit, "b", kit_shape(1, 2), 1)}, 3);
        kit_attribute_int(&c.kit, "transA", flips & 1);
        kit_attribute_int(&c.kit, "transB", flips >> 1);
        kit_attribute_float(&c.kit, "alpha", 0.75);
        kit_attribute_float(&c.kit, "beta", -2);
        case_finish(&c, y, 2e-5, 1e-3);
    }
}

TEST(missing_values_are_replaced)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, row(4));
    uint32_t y =
        kit_node(&kit, OP_WHERE,
                 (const uint32_t[]){
                     kit_unary(&kit, OP_IS_NAN, x),
                     kit_parameter(&kit, "mean", kit_shape(1, 4), (const double[]){1, 2, 3, 4}), x},
                 3);
    kit_output(&kit, y);
    for (int i = 0; i < 20; i++) {
        struct tensor *tensor = kit_random_tensor(&kit, row(4), 5);
        for (size_t e = 0; e < tensor->count; e++)
            tensor->data.real[e] = test_random_below(3) == 0 ? NAN : tensor->data.real[e];
        if (i < 8)
            kit_set(&kit, (const struct tensor *[]){tensor});
        else
            kit_compare(&kit, (const struct tensor *[]){tensor}, 4e-6, 1e-3);
        if (i == 7)
            kit_run(&kit);
    }
    kit_release(&kit);
}

TEST(a_missing_value_without_meaning_is_refused)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(1, 2));
    kit_output(&kit, kit_unary(&kit, OP_RELU, x));
    kit_set(&kit, (const struct tensor *[]){kit_random_tensor(&kit, kit_shape(1, 2), 5)});
    kit_run(&kit);
    kit_refuse(&kit, (const struct tensor *[]){
                         kit_tensor(&kit, kit_shape(1, 2), (const double[]){NAN, 1})});
    kit_refuse(&kit, (const struct tensor *[]){
                         kit_tensor(&kit, kit_shape(1, 2), (const double[]){1e9, 1})});
    kit_release(&kit);
}

TEST(einsum_of_every_kind)
{
    static const struct {
        const char *equation;
        bool is_pair, is_square;
    } cases[] = {{"ij->ji", false, false},     {"ij->i", false, false},
                 {"ii->i", false, true},       {"ii", false, true},
                 {"ij,jk->ik", true, false},   {"ij,jk", true, false},
                 {"ij,jk->kji", true, false},  {"ij,jk->", true, false},
                 {"...j->...", false, false},  {"...ii->...i", false, true},
                 {"...j->j...", false, false}, {"i...,...k->ik...", true, false},
                 {"...j,jk", true, false},     {"...,jk->j...", true, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct op_case c;
        uint32_t x = case_begin(&c, kit_shape(2, 3, cases[i].is_square ? 3 : 4), 2, 0, false);
        uint32_t w = kit_random_parameter(&c.kit, "w", kit_shape(2, 4, 2), 1);
        uint32_t y =
            kit_node(&c.kit, OP_EINSUM, (const uint32_t[]){x, w}, cases[i].is_pair ? 2 : 1);
        kit_attribute_text(&c.kit, "equation", cases[i].equation);
        case_finish(&c, y, 2e-5, 1e-3);
    }
    struct op_case c;
    uint32_t x = case_begin(&c, kit_shape(2, 3, 4), 2, 0, false);
    uint32_t w = kit_random_parameter(&c.kit, "w", kit_shape(2, 4, 4), 1);
    uint32_t y = kit_node(&c.kit, OP_EINSUM, (const uint32_t[]){x, w, x}, 3);
    kit_attribute_text(&c.kit, "equation", "ij,jk,ik->i");
    case_finish(&c, y, 4e-5, 1e-3);
}

/* op makes NaN below zero; what an Imputer behind it does. */
static void replaced(enum op_kind op, double exponent)
{
    struct op_case c;
    uint32_t x = case_begin(&c, row(5), 4, 0.3, false), y = GRAPH_NONE;
    if (op == OP_POW)
        y = kit_binary(&c.kit, op, x, kit_parameter(&c.kit, "p", kit_shape(0), &exponent));
    else
        y = kit_unary(&c.kit, op, x);
    y = kit_binary(&c.kit, OP_MUL, y,
                   kit_parameter(&c.kit, "two", kit_shape(0), (const double[]){2}));
    uint32_t seven = kit_parameter(&c.kit, "seven", kit_shape(0), (const double[]){7});
    y = kit_node(&c.kit, OP_WHERE, (const uint32_t[]){kit_unary(&c.kit, OP_IS_NAN, y), seven, y},
                 3);
    c.coarse = true;
    case_finish(&c, y, 2e-5, 1e-3);
}

TEST(nan_that_is_computed_is_traced)
{
    replaced(OP_SQRT, 0);
    replaced(OP_POW, 0.3);
    replaced(OP_POW, 1.5);
}

/* What makes an infinity of 0, times 0 or 1, and an Imputer behind it. Calibrated where the product
 * is a number or NaN. */
static void multiplied(enum op_kind op)
{
    struct kit kit;
    const double given[4] = {0, 2, 0.5, 0}, factors[4] = {0, 1, 1, 0}, bad[4] = {0, 2, 0, 0};
    struct shape shape = kit_shape(1, 4);
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, shape), y = GRAPH_NONE;
    if (op == OP_DIV)
        y = kit_binary(&kit, OP_DIV,
                       kit_parameter(&kit, "three", kit_shape(0), (const double[]){3}), x);
    else
        y = kit_unary(&kit, op, x);
    y = kit_binary(&kit, OP_MUL, kit_parameter(&kit, "mask", shape, factors),
                   kit_unary(&kit, OP_NEG, y));
    uint32_t seven = kit_parameter(&kit, "seven", kit_shape(0), (const double[]){7});
    kit_output(&kit, kit_node(&kit, OP_WHERE,
                              (const uint32_t[]){kit_unary(&kit, OP_IS_NAN, y), seven, y}, 3));
    const struct tensor *in[] = {kit_tensor(&kit, shape, given)},
                        *refused[] = {kit_tensor(&kit, shape, bad)};
    kit_set(&kit, in);
    kit_run(&kit);
    kit_compare(&kit, in, 1e-5, 1e-4);
    /* An infinity does not go on as a number. */
    kit_refuse(&kit, refused);
    kit_release(&kit);
}

TEST(infinities_become_nan_times_zero_and_nothing_else)
{
    multiplied(OP_LOG);
    multiplied(OP_DIV);
}

/* Of two 0 / 0 and 1 / 0, NaN is the first. */
TEST(quotients_by_zero_are_nan_of_zero_only)
{
    struct kit kit;
    const double good[2][3] = {{0, 1, -3}, {0, 2, 4}}, bad[2][3] = {{0, 1, -3}, {0, 2, 0}};
    struct shape shape = kit_shape(1, 3);
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, shape),
             y = kit_binary(&kit, OP_DIV, x, kit_input(&kit, "d", ELEMENT_F32, shape));
    uint32_t seven = kit_parameter(&kit, "seven", kit_shape(0), (const double[]){7});
    kit_output(&kit, kit_node(&kit, OP_WHERE,
                              (const uint32_t[]){kit_unary(&kit, OP_IS_NAN, y), seven, y}, 3));
    const struct tensor *in[] = {kit_tensor(&kit, shape, good[0]),
                                 kit_tensor(&kit, shape, good[1])},
                        *refused[] = {kit_tensor(&kit, shape, bad[0]),
                                      kit_tensor(&kit, shape, bad[1])};
    kit_set(&kit, in);
    kit_run(&kit);
    kit_compare(&kit, in, 1e-5, 1e-4);
    kit_refuse(&kit, refused);
    kit_release(&kit);
}

/* A root compared with a number of few bits: exactly as the operand with its square. */
TEST(roots_close_to_a_bound_fall_on_their_side)
{
    struct kit kit;
    const double given[4] = {1 - 0x1p-23, 1, 1 + 0x1p-22, 0.25};
    struct shape shape = kit_shape(1, 4);
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, shape);
    /* Twenty more bits than the root is asked for. */
    uint32_t power =
        kit_binary(&kit, OP_MUL, kit_binary(&kit, OP_MUL, x, x), kit_binary(&kit, OP_MUL, x, x));
    kit_output(&kit, kit_binary(&kit, OP_LESS, kit_unary(&kit, OP_SQRT, power),
                                kit_parameter(&kit, "one", kit_shape(0), (const double[]){1})));
    const struct tensor *in[] = {kit_tensor(&kit, shape, given)};
    kit_set(&kit, in);
    kit_run(&kit);
    kit_compare(&kit, in, 0, 0);
    kit_release(&kit);
}

/* The result is NaN where op has no value; bases are far enough from zero to tell. */
static void shown(enum op_kind op, double exponent, bool computed)
{
    struct op_case c;
    uint32_t x = case_begin(&c, row(5), 4, 0.3, false), y = GRAPH_NONE;
    double exponents[5] = {exponent, 2, 3, -1.25, 0.5};
    uint32_t eighth = kit_parameter(&c.kit, "eighth", kit_shape(0), (const double[]){0.125}),
             base = kit_binary(&c.kit, OP_ADD, x, eighth);
    if (op == OP_POW) {
        uint32_t p = kit_parameter(&c.kit, "p", kit_shape(1, computed ? 5 : 1), exponents);
        if (computed)
            p = kit_binary(&c.kit, OP_ADD, kit_binary(&c.kit, OP_MUL, x, eighth), p);
        y = kit_binary(&c.kit, op, base, p);
    } else {
        y = kit_unary(&c.kit, op, base);
    }
    y = kit_binary(&c.kit, OP_MUL, y,
                   kit_parameter(&c.kit, "two", kit_shape(0), (const double[]){2}));
    c.coarse = true;
    case_finish(&c, y, 4e-5, 1e-3);
}

TEST(outputs_that_are_nan_are_shown)
{
    shown(OP_SQRT, 0, false);
    shown(OP_LOG, 0, false);
    shown(OP_POW, 0.3, false);
    shown(OP_POW, 1.5, true);
}

/* A base that is negative in places has a power where the exponent is whole. */
TEST(powers_of_negative_numbers_are_signed)
{
    struct kit kit;
    kit_init(&kit);
    const double bases[6] = {-2, -2, -2, 3, -1.5, -0.5}, exponents[6] = {2, 3, 0.5, 0.5, -1, 0};
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(1, 6)),
             p = kit_input(&kit, "p", ELEMENT_F32, kit_shape(1, 6));
    kit_output(&kit, kit_binary(&kit, OP_POW, x, p));
    const struct tensor *inputs[] = {kit_tensor(&kit, kit_shape(1, 6), bases),
                                     kit_tensor(&kit, kit_shape(1, 6), exponents)};
    kit_set(&kit, inputs);
    kit_run(&kit);
    kit_compare(&kit, inputs, 1e-5, 1e-3);
    kit_release(&kit);
}

/* Zeros that calibration did not see, of more bits than a logarithm looks at. */
TEST(powers_of_zero_are_zero)
{
    struct kit kit;
    const double seen[4] = {3, 4, 2.5, 3.5}, given[4] = {0, 4, 0x1p-12, 3};
    struct shape shape = kit_shape(1, 4);
    kit_init(&kit);
    uint32_t three = kit_parameter(&kit, "three", kit_shape(0), (const double[]){3}),
             p = kit_parameter(&kit, "p", kit_shape(0), (const double[]){0.3}),
             power = kit_binary(&kit, OP_POW, kit_input(&kit, "x", ELEMENT_F32, shape), three);
    kit_output(&kit, kit_binary(&kit, OP_POW, power, p));
    kit_set(&kit, (const struct tensor *[]){kit_tensor(&kit, shape, seen)});
    kit_run(&kit);
    kit_compare(&kit, (const struct tensor *[]){kit_tensor(&kit, shape, given)}, 1e-4, 1e-3);
    kit_release(&kit);
}

/* Bounds of one element bound a scalar too. */
TEST(a_scalar_is_clipped)
{
    struct op_case c;
    uint32_t x = case_begin(&c, kit_shape(0), 2, 0, false);
    uint32_t low = kit_parameter(&c.kit, "low", kit_shape(1, 1), (const double[]){-0.5}),
             high = kit_parameter(&c.kit, "high", kit_shape(1, 1), (const double[]){0.75});
    case_finish(&c, kit_node(&c.kit, OP_CLIP, (const uint32_t[]){x, low, high}, 3), 2e-5, 1e-3);
}

TEST(pairwise_probabilities_are_coupled)
{
    static const int pairs[] = {1, 3, 6};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct op_case c;
        uint32_t x = case_begin(&c, row(pairs[i]), 2, 0, false);
        uint32_t y = kit_unary(&c.kit, OP_PAIRWISE_COUPLING, kit_unary(&c.kit, OP_SIGMOID, x));
        /* A run may stop a round earlier or later when it is close to the limit: 0.005 / K. */
        case_finish(&c, y, 0.005, 0);
    }
}

TEST(exponentials_of_wide_ranges)
{
    /* The float run overflows now and then; what divides by it goes to zero. */
    struct op_case c;
    uint32_t x = case_begin(&c, row(5), 60, 0, false);
    /* The ends of the range are among the data: exp leaves no room beyond them. */
    double ends[10];
    for (int k = 0; k < 10; k++)
        ends[k] = k % 2 == 0 ? 60 : -60;
    kit_set(&c.kit, (const struct tensor *[]){kit_tensor(&c.kit, row(5), ends)});
    uint32_t one = kit_parameter(&c.kit, "one", kit_shape(0), (const double[]){1});
    uint32_t e = kit_unary(&c.kit, OP_EXP, kit_unary(&c.kit, OP_NEG, x));
    case_finish(&c, kit_unary(&c.kit, OP_RECIPROCAL, kit_binary(&c.kit, OP_ADD, e, one)), 2e-5,
                1e-3);
}

/* Arguments from 2^-43 to 2^43: more than 62 bits. */
TEST(logarithms_of_wide_ranges)
{
    struct op_case c;
    uint32_t x = case_begin(&c, row(2), 30, 0, false);
    const double ends[4] = {30, -30, 1, -30};
    kit_set(&c.kit, (const struct tensor *[]){kit_tensor(&c.kit, row(2), ends)});
    case_finish(&c, kit_unary(&c.kit, OP_LOG, kit_unary(&c.kit, OP_EXP, x)), 2e-5, 1e-3);
}

TEST(a_pad_of_nothing_may_have_any_value)
{
    struct kit kit;
    const double least = -INFINITY, numbers[] = {1, -2.5, 3};
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(1, 3));
    uint32_t in[3] = {x, kit_constant_i64(&kit, kit_shape(1, 2), (const int64_t[]){0, 0}),
                      kit_parameter(&kit, "fill", kit_shape(0), &least)};
    kit.graph->values[in[2]].kind = VALUE_CONSTANT;
    kit_output(&kit, kit_unary(&kit, OP_TANH, kit_node(&kit, OP_PAD, in, 3)));
    const struct tensor *set[] = {kit_tensor(&kit, kit_shape(1, 3), numbers)};
    kit_set(&kit, set);
    kit_run(&kit);
    kit_compare(&kit, set, 2e-6, 1e-4);
    kit_release(&kit);
}

/* Whole numbers with a fraction padded around them: it used to be rounded to a whole number,
 * without a word in the proven error. */
TEST(a_pad_beside_whole_numbers_keeps_its_fraction)
{
    static const double fills[] = {0.5, -2.3};
    for (size_t i = 0; i < sizeof fills / sizeof *fills; i++) {
        struct kit kit;
        struct shape shape = kit_shape(1, 3);
        const struct tensor *sets[3][1];
        kit_init(&kit);
        uint32_t x = kit_input(&kit, "x", ELEMENT_I32, shape), cast = kit_unary(&kit, OP_CAST, x);
        kit_attribute_int(&kit, "to", 1);
        uint32_t in[3] = {cast, kit_constant_i64(&kit, kit_shape(1, 2), (const int64_t[]){1, 2}),
                          kit_parameter(&kit, "fill", kit_shape(0), &fills[i])};
        kit.graph->values[in[2]].kind = VALUE_CONSTANT;
        kit_output(&kit, kit_node(&kit, OP_PAD, in, 3));
        for (int k = 0; k < 3; k++) {
            const int64_t numbers[] = {7 * k - 5, 1000, -k};
            sets[k][0] = kit_integers(&kit, ELEMENT_I32, shape, numbers);
            kit_set(&kit, sets[k]);
        }
        kit_run(&kit);
        for (int k = 0; k < 3; k++)
            kit_compare(&kit, sets[k], 2e-6, 1e-4);
        kit_release(&kit);
    }
}
