/*
 * Quantized operators and types with few bits: every integer is that of the interpreter, ties and
 * saturation with them.
 */
#include "tests/passes/lower_kit.h"

#include <math.h>
#include <string.h>

enum { ROWS = 3, COLUMNS = 8, COUNT = ROWS * COLUMNS, TRIALS = 4 };

static const enum element_type integers[] = {ELEMENT_U8, ELEMENT_I8, ELEMENT_U16, ELEMENT_I16,
                                             ELEMENT_U4, ELEMENT_I4, ELEMENT_U2,  ELEMENT_I2};
static const enum element_type small_floats[] = {
    ELEMENT_F8E4M3FN, ELEMENT_F8E4M3FNUZ, ELEMENT_F8E5M2, ELEMENT_F8E5M2FNUZ, ELEMENT_F4E2M1};

/* Odd multiples of half a scale, and their neighbours: what rounds to a tie. */
static struct tensor *near_ties(struct kit *kit, enum element_type type, const double *scales,
                                size_t scale_count)
{
    struct shape shape = kit_shape(2, ROWS, COLUMNS);
    struct tensor *x = tensor_new(&kit->arena, type, &shape);
    for (size_t e = 0; e < COUNT; e++) {
        double scale = scales[scale_count == 1 ? 0 : e % COLUMNS];
        double steps = (double)test_random_below(600) - 300 + 0.5 * (double)test_random_below(2);
        x->data.real[e] = element_round(type, steps * scale);
        if (test_random_below(3) == 0)
            x->data.real[e] = element_round(
                type, x->data.real[e] * (1 + ((double)test_random_below(3) - 1) * 0x1p-23));
    }
    return x;
}

static uint32_t zero_points(struct kit *kit, enum element_type type, struct shape shape)
{
    uint32_t v = graph_add_value(kit->graph, "zero", VALUE_CONSTANT, type);
    struct tensor *data = tensor_new(&kit->arena, type, &shape);
    for (size_t i = 0; i < data->count; i++) {
        if (element_type_is_float(type))
            data->data.real[i] = 0;
        else
            data->data.integer[i] = element_wrap(type, (int64_t)test_random_below(3));
    }
    kit->graph->values[v].data = data;
    kit->graph->values[v].shape = shape;
    kit->graph->values[v].shape_known = true;
    return v;
}

static void run_all(struct kit *kit, const struct tensor *inputs[TRIALS][2], double relative)
{
    for (int t = 0; t < TRIALS; t++)
        kit_set(kit, inputs[t]);
    kit_run(kit);
    for (int t = 0; t < TRIALS; t++)
        kit_compare(kit, inputs[t], relative, relative);
    kit_tamper_hints(kit, inputs[0]);
    kit_release(kit);
}

static void run_quantize(enum element_type from, enum element_type to, bool per_axis, bool tie_free)
{
    struct kit kit;
    double scales[COLUMNS];
    const struct tensor *inputs[TRIALS][2];
    kit_init(&kit);
    for (int k = 0; k < COLUMNS; k++)
        scales[k] = element_round(ELEMENT_F32, tie_free ? 0.1 + 0.01 * k : ldexp(1, -k));
    uint32_t in[3] = {kit_input(&kit, "x", from, kit_shape(2, ROWS, COLUMNS))};
    struct shape line = per_axis ? kit_shape(1, COLUMNS) : kit_shape(0);
    in[1] = kit_parameter(&kit, "scale", line, scales);
    in[2] = zero_points(&kit, to, line);
    uint32_t y = kit_node(&kit, OP_QUANTIZE_LINEAR, in, 3);
    kit_attribute_int(&kit, "axis", 1);
    kit_output(&kit, y);
    uint32_t back[3] = {y, in[1], in[2]};
    kit_output(&kit, kit_node(&kit, OP_DEQUANTIZE_LINEAR, back, 3));
    kit_attribute_int(&kit, "axis", -1);
    for (int t = 0; t < TRIALS; t++)
        inputs[t][0] = near_ties(&kit, from, scales, per_axis ? COLUMNS : 1);
    run_all(&kit, inputs, 1e-4);
}

TEST(quantized_inputs_round_as_floats_do)
{
    for (int k = 0; k < 8; k++)
        for (int flags = 0; flags < 4; flags++)
            run_quantize(ELEMENT_F32, integers[k], (flags & 1) != 0, (flags & 2) != 0);
    for (int k = 0; k < 5; k++)
        for (int flags = 0; flags < 4; flags++)
            run_quantize(ELEMENT_F32, small_floats[k], (flags & 1) != 0, (flags & 2) != 0);
}

TEST(blocks_have_scales_of_their_own)
{
    struct kit kit;
    double scales[ROWS * 2];
    const struct tensor *inputs[TRIALS][2];
    kit_init(&kit);
    for (int k = 0; k < ROWS * 2; k++)
        scales[k] = 0.5 + k;
    uint32_t in[3] = {kit_input(&kit, "x", ELEMENT_F32, kit_shape(2, ROWS, COLUMNS))};
    in[1] = kit_parameter(&kit, "scale", kit_shape(2, ROWS, 2), scales);
    in[2] = zero_points(&kit, ELEMENT_I8, kit_shape(2, ROWS, 2));
    uint32_t y = kit_node(&kit, OP_QUANTIZE_LINEAR, in, 3);
    kit_attribute_int(&kit, "axis", 1);
    kit_attribute_int(&kit, "block_size", COLUMNS / 2);
    kit_output(&kit, y);
    for (int t = 0; t < TRIALS; t++)
        inputs[t][0] = near_ties(&kit, ELEMENT_F32, scales, 1);
    run_all(&kit, inputs, 0);
}

TEST(dynamic_scales_are_those_of_float32)
{
    struct kit kit;
    const struct tensor *inputs[TRIALS][2];
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(2, ROWS, COLUMNS)), out[3];
    for (int k = 0; k < 3; k++)
        out[k] = graph_add_value(kit.graph, "y", VALUE_NODE, ELEMENT_UNDEFINED);
    graph_add_node(kit.graph, OP_DYNAMIC_QUANTIZE_LINEAR, "node", &x, 1, out, 3);
    for (int k = 0; k < 3; k++)
        kit_output(&kit, out[k]);
    for (int t = 0; t < TRIALS; t++)
        inputs[t][0] = t == 3 ? kit_random_tensor(&kit, kit_shape(2, ROWS, COLUMNS), 0)
                              : kit_random_tensor(&kit, kit_shape(2, ROWS, COLUMNS), 2.0 + t);
    run_all(&kit, inputs, 0);
}

/* Calibration has seen numbers up to 2. */
TEST(dynamic_scales_may_be_far_from_those_of_calibration)
{
    static const double scales[] = {0, 0x1p-7, 0.1, 24};
    struct kit kit;
    const struct tensor *seen[1], *other[1];
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(2, ROWS, COLUMNS)), out[3];
    for (int k = 0; k < 3; k++)
        out[k] = graph_add_value(kit.graph, "y", VALUE_NODE, ELEMENT_UNDEFINED);
    graph_add_node(kit.graph, OP_DYNAMIC_QUANTIZE_LINEAR, "node", &x, 1, out, 3);
    for (int k = 0; k < 3; k++)
        kit_output(&kit, out[k]);
    for (int t = 0; t < TRIALS; t++) {
        seen[0] = kit_random_tensor(&kit, kit_shape(2, ROWS, COLUMNS), 2);
        kit_set(&kit, seen);
    }
    kit_run(&kit);
    for (size_t t = 0; t < sizeof scales / sizeof *scales; t++) {
        other[0] = kit_random_tensor(&kit, kit_shape(2, ROWS, COLUMNS), scales[t]);
        kit_compare(&kit, other, 0, 0);
    }
    kit_release(&kit);
}

static struct tensor *random_integers(struct kit *kit, enum element_type type, struct shape shape)
{
    struct tensor *x = tensor_new(&kit->arena, type, &shape);
    for (size_t e = 0; e < x->count; e++)
        x->data.integer[e] = element_wrap(type, (int64_t)test_random_u64());
    return x;
}

static uint32_t stored_integers(struct kit *kit, enum element_type type, struct shape shape)
{
    uint32_t v = graph_add_value(kit->graph, "weights", VALUE_CONSTANT, type);
    kit->graph->values[v].data = random_integers(kit, type, shape);
    kit->graph->values[v].shape = shape;
    kit->graph->values[v].shape_known = true;
    return v;
}

static bool has_parameter(const struct kit *kit, const char *name)
{
    const struct relation_program *program = kit->result.program;
    for (size_t t = 0; t < program->tensor_count; t++)
        if (program->tensors[t].role == ROLE_PARAMETER &&
            strcmp(program->tensors[t].name, name) == 0)
            return true;
    return false;
}

/* Zero points and scales: one, one a row and a column, or those for each matrix of a batch. */
enum lines { ONE_LINE, LINES, LINES_OF_EACH };

static struct shape line_shape(enum lines lines, bool of_rows, int64_t count)
{
    if (lines == ONE_LINE)
        return kit_shape(0);
    if (lines == LINES)
        return kit_shape(1, count);
    return of_rows ? kit_shape(3, 2, count, 1) : kit_shape(3, 2, 1, count);
}

static struct shape right_shape(enum lines lines)
{
    return lines == LINES_OF_EACH ? kit_shape(3, 2, COLUMNS, 2) : kit_shape(2, COLUMNS, 2);
}

static void run_matmul_integer(bool stored, enum lines lines)
{
    struct kit kit;
    const struct tensor *inputs[TRIALS][2];
    kit_init(&kit);
    uint32_t in[4];
    in[0] = kit_input(&kit, "a", ELEMENT_U8, kit_shape(3, 2, ROWS, COLUMNS));
    in[1] = stored ? stored_integers(&kit, ELEMENT_I8, right_shape(lines))
                   : kit_input(&kit, "b", ELEMENT_I8, right_shape(lines));
    in[2] = zero_points(&kit, ELEMENT_U8, line_shape(lines, true, ROWS));
    in[3] = zero_points(&kit, ELEMENT_I8, line_shape(lines, false, 2));
    kit_output(&kit, kit_node(&kit, OP_MAT_MUL_INTEGER, in, 4));
    for (int t = 0; t < TRIALS; t++) {
        inputs[t][0] = random_integers(&kit, ELEMENT_U8, kit_shape(3, 2, ROWS, COLUMNS));
        inputs[t][1] = random_integers(&kit, ELEMENT_I8, right_shape(lines));
        kit_set(&kit, inputs[t]);
    }
    kit_run(&kit);
    CHECK(!stored || has_parameter(&kit, "weights"));
    for (int t = 0; t < TRIALS; t++)
        kit_compare(&kit, inputs[t], 0, 0);
    kit_release(&kit);
}

TEST(integer_products_are_exact_and_stored_weights_private)
{
    for (enum lines lines = ONE_LINE; lines <= LINES_OF_EACH; lines++) {
        run_matmul_integer(false, lines);
        run_matmul_integer(true, lines);
    }
}

static uint32_t random_scales(struct kit *kit, const char *name, struct shape shape)
{
    struct tensor *scales = kit_random_tensor(kit, shape, 0.25);
    for (size_t e = 0; e < scales->count; e++)
        scales->data.real[e] = element_round(ELEMENT_F32, (scales->data.real[e] + 1) * 0.007);
    return kit_parameter(kit, name, shape, scales->data.real);
}

static void run_requantized(enum lines lines)
{
    static const double y_scale[1] = {0.5};
    struct kit kit;
    const struct tensor *inputs[TRIALS][2];
    struct shape left =
        lines == LINES_OF_EACH ? kit_shape(3, 2, ROWS, COLUMNS) : kit_shape(2, ROWS, COLUMNS);
    kit_init(&kit);
    uint32_t in[8];
    in[0] = kit_input(&kit, "a", ELEMENT_U8, left);
    in[1] = random_scales(&kit, "a_scale", line_shape(lines, true, ROWS));
    in[2] = zero_points(&kit, ELEMENT_U8, line_shape(lines, true, ROWS));
    in[3] = stored_integers(&kit, ELEMENT_I8, right_shape(lines));
    in[4] = random_scales(&kit, "b_scale", line_shape(lines, false, 2));
    in[5] = zero_points(&kit, ELEMENT_I8, line_shape(lines, false, 2));
    in[6] = kit_parameter(&kit, "y_scale", kit_shape(1, 1), y_scale);
    in[7] = zero_points(&kit, ELEMENT_I8, line_shape(lines, true, ROWS));
    kit_output(&kit, kit_node(&kit, OP_Q_LINEAR_MAT_MUL, in, 8));
    for (int t = 0; t < TRIALS; t++)
        inputs[t][0] = random_integers(&kit, ELEMENT_U8, left);
    run_all(&kit, inputs, 0);
}

TEST(requantized_products_round_once)
{
    for (enum lines lines = ONE_LINE; lines <= LINES_OF_EACH; lines++)
        run_requantized(lines);
}

/* a + b, (a + b) * b, and the sum times itself, each step rounded. */
static void run_small_float(enum element_type type, double scale)
{
    struct kit kit;
    const struct tensor *inputs[TRIALS][2];
    struct shape shape = kit_shape(1, COUNT);
    kit_init(&kit);
    uint32_t a = kit_input(&kit, "a", type, shape), b = kit_input(&kit, "b", type, shape);
    uint32_t sum = kit_binary(&kit, OP_ADD, a, b);
    kit_output(&kit, sum);
    kit_output(&kit, kit_binary(&kit, OP_SUB, kit_binary(&kit, OP_MUL, sum, b), a));
    for (int t = 0; t < TRIALS; t++)
        for (int i = 0; i < 2; i++) {
            struct tensor *x = kit_random_tensor(&kit, shape, scale);
            x->type = type;
            for (size_t e = 0; e < x->count; e++)
                x->data.real[e] = element_round(type, x->data.real[e]);
            inputs[t][i] = x;
        }
    run_all(&kit, inputs, 0);
}

TEST(types_with_sixteen_bits_round_after_each_step)
{
    run_small_float(ELEMENT_F16, 8);
    run_small_float(ELEMENT_F16, 0x1p-12);
    run_small_float(ELEMENT_BF16, 8);
}

static void run_conv_integer(bool stored)
{
    static const int64_t pads[4] = {1, 0, 1, 1};
    struct kit kit;
    const struct tensor *inputs[TRIALS][2];
    struct shape x = kit_shape(4, 1, 2, 4, 3), w = kit_shape(4, 3, 2, 2, 2);
    kit_init(&kit);
    uint32_t in[4];
    in[0] = kit_input(&kit, "x", ELEMENT_U8, x);
    in[1] = stored ? stored_integers(&kit, ELEMENT_I8, w) : kit_input(&kit, "w", ELEMENT_I8, w);
    in[2] = zero_points(&kit, ELEMENT_U8, kit_shape(0));
    in[3] = zero_points(&kit, ELEMENT_I8, stored ? kit_shape(1, 3) : kit_shape(0));
    kit_output(&kit, kit_node(&kit, OP_CONV_INTEGER, in, 4));
    kit_attribute_ints(&kit, "pads", pads, 4);
    for (int t = 0; t < TRIALS; t++) {
        inputs[t][0] = random_integers(&kit, ELEMENT_U8, x);
        inputs[t][1] = random_integers(&kit, ELEMENT_I8, w);
        kit_set(&kit, inputs[t]);
    }
    kit_run(&kit);
    CHECK(!stored || has_parameter(&kit, "weights"));
    for (int t = 0; t < TRIALS; t++)
        kit_compare(&kit, inputs[t], 0, 0);
    kit_release(&kit);
}

TEST(integer_convolutions_are_exact_and_stored_weights_private)
{
    run_conv_integer(true);
    run_conv_integer(false);
}

TEST(requantized_convolutions_round_once)
{
    static const double x_scale[1] = {0.0066}, w_scale[3] = {0.00705, 0.0107, 0.5},
                        y_scale[1] = {0.5};
    struct kit kit;
    const struct tensor *inputs[TRIALS][2];
    struct shape x = kit_shape(4, 1, 2, 4, 3);
    kit_init(&kit);
    uint32_t in[9];
    in[0] = kit_input(&kit, "x", ELEMENT_U8, x);
    in[1] = kit_parameter(&kit, "x_scale", kit_shape(0), x_scale);
    in[2] = zero_points(&kit, ELEMENT_U8, kit_shape(0));
    in[3] = stored_integers(&kit, ELEMENT_I8, kit_shape(4, 3, 2, 2, 2));
    in[4] = kit_parameter(&kit, "w_scale", kit_shape(1, 3), w_scale);
    in[5] = zero_points(&kit, ELEMENT_I8, kit_shape(1, 3));
    in[6] = kit_parameter(&kit, "y_scale", kit_shape(0), y_scale);
    in[7] = zero_points(&kit, ELEMENT_U8, kit_shape(0));
    in[8] = stored_integers(&kit, ELEMENT_I32, kit_shape(1, 3));
    for (size_t i = 0; i < 3; i++)
        kit.graph->values[in[8]].data->data.integer[i] %= 5000;
    kit_output(&kit, kit_node(&kit, OP_Q_LINEAR_CONV, in, 9));
    for (int t = 0; t < TRIALS; t++)
        inputs[t][0] = random_integers(&kit, ELEMENT_U8, x);
    run_all(&kit, inputs, 0);
}
