/*
 * Casts, comparisons and tests of floats that are carried as keys or patterns say bit for bit what
 * the interpreter says, for NaN, infinities, subnormal numbers and ties too.
 */
#include "tests/passes/lower_kit.h"

#include <math.h>
#include <string.h>

enum { COUNT = 24, TRIALS = 6 };

static const enum element_type floats[] = {
    ELEMENT_F64,        ELEMENT_F32,    ELEMENT_F16,        ELEMENT_BF16,   ELEMENT_F8E4M3FN,
    ELEMENT_F8E4M3FNUZ, ELEMENT_F8E5M2, ELEMENT_F8E5M2FNUZ, ELEMENT_F4E2M1, ELEMENT_F8E8M0};
enum { FLOATS = sizeof floats / sizeof *floats };

/* A number of type `from` close to where type `to` rounds, overflows or becomes subnormal. */
static double edge(enum element_type from, enum element_type to)
{
    static const double special[] = {0, -0.0, NAN, INFINITY, -INFINITY, 1, -1, 3.402823e38};
    struct float_format format = element_float_format(element_type_is_float(to) ? to : ELEMENT_F16);
    uint64_t choice = test_random_below(5), pattern = test_random_u64();
    double value;
    if (choice == 0)
        return element_round(from, special[test_random_below(8)]);
    if (choice == 1) {
        memcpy(&value, &pattern, sizeof value);
        return element_round(from, value);
    }
    int low = format.least_exponent - (int)format.fraction_bits - 3,
        high = ilogb(format.largest) + 2;
    int exponent = low + (int)test_random_below((uint64_t)(high - low + 1));
    /* A half, or next to one, in the last place of the target. */
    double mantissa =
        (double)((pattern >> 20 & ((UINT64_C(2) << format.fraction_bits) - 1)) * 2 + 1);
    value = ldexp(mantissa, exponent - (int)format.fraction_bits - 2);
    if (choice == 3)
        value = nextafter(value, (pattern & 1) != 0 ? INFINITY : 0);
    return element_round(from, (pattern & 2) != 0 ? -value : value);
}

static struct tensor *edges(struct kit *kit, enum element_type from, enum element_type to)
{
    struct shape shape = kit_shape(1, COUNT);
    struct tensor *tensor = tensor_new(&kit->arena, from, &shape);
    for (size_t i = 0; i < tensor->count; i++)
        tensor->data.real[i] = edge(from, to);
    return tensor;
}

static void run_trials(struct kit *kit, enum element_type a, enum element_type b,
                       enum element_type near)
{
    const struct tensor *inputs[TRIALS][2];
    for (int trial = 0; trial < TRIALS; trial++) {
        inputs[trial][0] = edges(kit, a, near);
        struct tensor *second = edges(kit, b, near);
        for (size_t e = 0; e < COUNT; e += 3)
            second->data.real[e] = element_round(b, inputs[trial][0]->data.real[e]);
        inputs[trial][1] = second;
        kit_set(kit, inputs[trial]);
    }
    kit_run(kit);
    for (int trial = 0; trial < TRIALS; trial++)
        kit_compare(kit, inputs[trial], 0, 0);
    kit_tamper_hints(kit, inputs[0]);
    kit_release(kit);
}

static void run_cast(enum element_type from, enum element_type to, bool saturate, const char *mode)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", from, kit_shape(1, COUNT));
    uint32_t y = kit_unary(&kit, OP_CAST, x);
    kit_attribute_int(&kit, "to", to);
    kit_attribute_int(&kit, "saturate", saturate);
    kit_attribute_text(&kit, "round_mode", mode);
    kit_output(&kit, y);
    if (!element_type_is_float(to)) {
        /* Keys are asked for by something else. */
        kit_output(&kit, kit_unary(&kit, OP_IS_NAN, x));
    }
    run_trials(&kit, from, from, to);
}

TEST(casts_between_floats_round_bit_by_bit)
{
    static const char *const modes[] = {"up", "down", "nearest"};
    for (int a = 0; a < FLOATS; a++)
        for (int b = 0; b < FLOATS; b++)
            for (int k = 0; k < (floats[b] == ELEMENT_F8E8M0 ? 6 : 2); k++)
                if (floats[a] != floats[b] &&
                    !(floats[a] == ELEMENT_F64 && floats[b] == ELEMENT_F8E8M0))
                    run_cast(floats[a], floats[b], k % 2 == 0, modes[k / 2]);
}

TEST(casts_from_float_keys_to_integers_cut)
{
    static const enum element_type integers[] = {ELEMENT_U8,   ELEMENT_I8,  ELEMENT_I16,
                                                 ELEMENT_U32,  ELEMENT_I32, ELEMENT_I64,
                                                 ELEMENT_BOOL, ELEMENT_I4};
    for (int a = 0; a < FLOATS; a++)
        for (int b = 0; b < 8; b++)
            run_cast(floats[a], integers[b], true, "up");
}

/* A chain: float64 to float16, which goes on as float64 and as float8. */
TEST(a_rounded_value_is_cast_on)
{
    static const enum element_type targets[] = {ELEMENT_F64, ELEMENT_F32, ELEMENT_F8E5M2};
    for (int t = 0; t < 3; t++) {
        struct kit kit;
        kit_init(&kit);
        uint32_t x = kit_input(&kit, "x", ELEMENT_F64, kit_shape(1, COUNT));
        uint32_t half = kit_unary(&kit, OP_CAST, x);
        kit_attribute_int(&kit, "to", ELEMENT_F16);
        uint32_t y = kit_unary(&kit, OP_CAST, half);
        kit_attribute_int(&kit, "to", targets[t]);
        kit_output(&kit, y);
        kit_output(&kit, half);
        run_trials(&kit, ELEMENT_F64, ELEMENT_F64, ELEMENT_F16);
    }
}

TEST(comparisons_with_nan_are_false)
{
    static const enum op_kind ops[] = {OP_EQUAL, OP_LESS, OP_LESS_OR_EQUAL, OP_GREATER,
                                       OP_GREATER_OR_EQUAL};
    for (int k = 0; k < 5; k++)
        for (int is_double = 0; is_double < 2; is_double++) {
            struct kit kit;
            enum element_type type = is_double != 0 ? ELEMENT_F64 : ELEMENT_F32;
            kit_init(&kit);
            uint32_t a = kit_input(&kit, "a", type, kit_shape(1, COUNT)),
                     b = kit_input(&kit, "b", type, kit_shape(1, COUNT));
            uint32_t less = kit_binary(&kit, ops[k], a, b);
            uint32_t nan = kit_unary(&kit, OP_IS_NAN, a);
            kit_output(&kit, less);
            kit_output(&kit, kit_node(&kit, OP_WHERE, (uint32_t[]){nan, b, a}, 3));
            kit_output(&kit, kit_unary(&kit, OP_IS_INF, b));
            kit_attribute_int(&kit, "detect_negative", k % 2);
            run_trials(&kit, type, type, ELEMENT_F32);
        }
}

TEST(keys_meet_stored_numbers)
{
    static const double stored[COUNT] = {NAN, INFINITY, -INFINITY, 0, 1, -1, 1e-40, -3e38};
    struct kit kit;
    kit_init(&kit);
    uint32_t a = kit_input(&kit, "a", ELEMENT_F32, kit_shape(1, COUNT));
    uint32_t c = kit_parameter(&kit, "c", kit_shape(1, COUNT), stored);
    kit_output(&kit, kit_binary(&kit, OP_EQUAL, a, c));
    kit_output(&kit, kit_binary(&kit, OP_LESS, c, a));
    uint32_t both = kit_node(&kit, OP_CONCAT, (uint32_t[]){a, c}, 2);
    kit_attribute_int(&kit, "axis", 0);
    kit_output(&kit, kit_unary(&kit, OP_IS_INF, both));
    kit_output(&kit,
               kit_unary(&kit, OP_IS_NAN, kit_input(&kit, "b", ELEMENT_F32, kit_shape(1, COUNT))));
    run_trials(&kit, ELEMENT_F32, ELEMENT_F32, ELEMENT_F32);
}

static void run_bit_cast(enum element_type from, enum element_type to)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", from, kit_shape(1, COUNT));
    struct declared_range range = {"x", -0x1p63, 0x1p64};
    kit.options.quantize.ranges = &range;
    kit.options.quantize.range_count = element_type_is_float(from) ? 0 : 1;
    uint32_t y = kit_unary(&kit, OP_BIT_CAST, x);
    kit_attribute_int(&kit, "to", to);
    kit_output(&kit, y);
    int64_t values[COUNT];
    for (int i = 0; i < COUNT; i++)
        values[i] = (int64_t)test_random_edge_u64();
    const struct tensor *inputs[1] = {element_type_is_float(from)
                                          ? edges(&kit, from, from)
                                          : kit_integers(&kit, from, kit_shape(1, COUNT), values)};
    kit_set(&kit, inputs);
    kit_run(&kit);
    kit_compare(&kit, inputs, 0, 0);
    kit_release(&kit);
}

TEST(bit_casts_reread_patterns)
{
    static const enum element_type by_width[4][5] = {
        {ELEMENT_U8, ELEMENT_I8},
        {ELEMENT_U16, ELEMENT_I16, ELEMENT_F16, ELEMENT_BF16},
        {ELEMENT_U32, ELEMENT_I32, ELEMENT_F32},
        {ELEMENT_U64, ELEMENT_I64, ELEMENT_F64}};
    for (int w = 0; w < 4; w++)
        for (int a = 0; a < 5; a++)
            for (int b = 0; b < 5; b++)
                if (by_width[w][a] != 0 && by_width[w][b] != 0)
                    run_bit_cast(by_width[w][a], by_width[w][b]);
}
