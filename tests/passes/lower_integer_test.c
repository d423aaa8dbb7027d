/* Integer operators wrap as the interpreter says, for every width, over whole ranges and edges. */
#include "tests/passes/lower_kit.h"

#include <string.h>

static const enum element_type types[] = {ELEMENT_U2,  ELEMENT_I2,  ELEMENT_U4,  ELEMENT_I4,
                                          ELEMENT_U8,  ELEMENT_I8,  ELEMENT_U16, ELEMENT_I16,
                                          ELEMENT_U32, ELEMENT_I32, ELEMENT_U64, ELEMENT_I64};
enum { TYPES = sizeof types / sizeof *types, COUNT = 12, TRIALS = 4 };

static struct tensor *edges(struct kit *kit, enum element_type type)
{
    int64_t values[COUNT];
    for (int i = 0; i < COUNT; i++)
        values[i] = i == 0   ? INT64_MIN >> (64 - element_type_bits(type))
                    : i == 1 ? -1
                             : (int64_t)test_random_edge_u64();
    return kit_integers(kit, type, kit_shape(1, COUNT), values);
}

/* Declares the whole range of the type. */
static void declare_all(struct kit *kit, struct declared_range *range, const char *name,
                        enum element_type type)
{
    unsigned bits = element_type_bits(type);
    double high = bits == 64 ? 0x1p64 : (double)((uint64_t)1 << bits);
    bool is_signed = element_type_is_signed(type);
    range[kit->options.quantize.range_count++] =
        (struct declared_range){name, is_signed ? -high / 2 : 0, is_signed ? high / 2 - 1 : high};
    kit->options.quantize.ranges = range;
}

struct integer_case {
    enum op_kind op;
    unsigned operands;
    const char *attribute, *text; /* a text attribute */
    int64_t fmod;
    bool second_is_small, second_not_zero;
};

static const struct integer_case cases[] = {
    {.op = OP_ADD, .operands = 2},
    {.op = OP_SUB, .operands = 2},
    {.op = OP_MUL, .operands = 2},
    {.op = OP_NEG, .operands = 1},
    {.op = OP_ABS, .operands = 1},
    {.op = OP_MAX, .operands = 2},
    {.op = OP_MIN, .operands = 2},
    {.op = OP_EQUAL, .operands = 2},
    {.op = OP_LESS, .operands = 2},
    {.op = OP_GREATER_OR_EQUAL, .operands = 2},
    {.op = OP_BITWISE_NOT, .operands = 1},
    {.op = OP_BITWISE_AND, .operands = 2},
    {.op = OP_BITWISE_OR, .operands = 2},
    {.op = OP_BITWISE_XOR, .operands = 2},
    {.op = OP_BIT_SHIFT,
     .operands = 2,
     .attribute = "direction",
     .text = "LEFT",
     .second_is_small = true},
    {.op = OP_BIT_SHIFT,
     .operands = 2,
     .attribute = "direction",
     .text = "RIGHT",
     .second_is_small = true},
    {.op = OP_MOD, .operands = 2, .second_not_zero = true},
    {.op = OP_MOD, .operands = 2, .fmod = 1, .second_not_zero = true},
    {.op = OP_DIV, .operands = 2, .second_not_zero = true},
};

static void set_second(struct tensor *x, const struct integer_case *c)
{
    for (size_t e = 0; e < x->count; e++) {
        /* No places, too many, and of signed types less than none. */
        int64_t below = element_type_is_signed(x->type) ? 3 : 0;
        if (c->second_is_small)
            x->data.integer[e] =
                element_wrap(x->type, (int64_t)test_random_below(element_type_bits(x->type) + 2u +
                                                                 (uint64_t)below) -
                                          below);
        if (c->second_not_zero && x->data.integer[e] == 0)
            x->data.integer[e] = 1;
    }
}

static void run_case(const struct integer_case *c, enum element_type type)
{
    struct kit kit;
    struct declared_range ranges[2];
    const struct tensor *inputs[TRIALS][2];
    kit_init(&kit);
    uint32_t in[2] = {kit_input(&kit, "a", type, kit_shape(1, COUNT)), 0};
    declare_all(&kit, ranges, "a", type);
    if (c->operands == 2) {
        in[1] = kit_input(&kit, "b", type, kit_shape(1, COUNT));
        declare_all(&kit, ranges, "b", type);
    }
    uint32_t out = kit_node(&kit, c->op, in, c->operands);
    if (c->attribute != NULL)
        kit_attribute_text(&kit, c->attribute, c->text);
    if (c->fmod != 0)
        kit_attribute_int(&kit, "fmod", c->fmod);
    kit_output(&kit, out);
    for (int trial = 0; trial < TRIALS; trial++) {
        struct tensor *b = edges(&kit, type);
        inputs[trial][0] = edges(&kit, type);
        set_second(b, c);
        inputs[trial][1] = b;
        kit_set(&kit, inputs[trial]);
    }
    kit_run(&kit);
    for (int trial = 0; trial < TRIALS; trial++)
        kit_compare(&kit, inputs[trial], 0, 0);
    kit_release(&kit);
}

TEST(integer_operators_wrap_at_every_width)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int t = 0; t < TYPES; t++)
            run_case(&cases[i], types[t]);
}

static void run_cumulative(enum op_kind op, enum element_type type, bool exclusive, bool reverse)
{
    struct kit kit;
    struct declared_range ranges[1];
    int64_t axis = 1;
    kit_init(&kit);
    uint32_t in[2] = {kit_input(&kit, "x", type, kit_shape(3, 2, 3, 2)),
                      kit_constant_i64(&kit, kit_shape(0), &axis)};
    if (element_type_is_integer(type))
        declare_all(&kit, ranges, "x", type);
    uint32_t out = kit_node(&kit, op, in, 2);
    kit_attribute_int(&kit, "exclusive", exclusive);
    kit_attribute_int(&kit, "reverse", reverse);
    kit_output(&kit, out);
    struct tensor *x = element_type_is_integer(type)
                           ? edges(&kit, type)
                           : kit_random_tensor(&kit, kit_shape(3, 2, 3, 2), 3);
    x->shape = kit_shape(3, 2, 3, 2);
    const struct tensor *inputs[1] = {x};
    kit_set(&kit, inputs);
    kit_run(&kit);
    kit_compare(&kit, inputs, 1e-5, 1e-4);
    kit_release(&kit);
}

TEST(running_sums_and_products_go_both_ways)
{
    static const enum element_type some[] = {ELEMENT_I32, ELEMENT_I64, ELEMENT_F32};
    for (int t = 0; t < 3; t++)
        for (int flags = 0; flags < 4; flags++) {
            run_cumulative(OP_CUM_SUM, some[t], (flags & 1) != 0, (flags & 2) != 0);
            run_cumulative(OP_CUM_PROD, some[t], (flags & 1) != 0, (flags & 2) != 0);
        }
}

/* Budgets that follow the greatest number lost all of the small ones, and minutes of a time. */
TEST(casts_to_integers_are_exact_beside_great_numbers)
{
    static const double seen[] = {1600000001, 1600000002.5, -3, 1.75, 0, -1600000000.25};
    struct shape shape = kit_shape(1, 6);
    struct kit kit;
    kit_init(&kit);
    uint32_t y = kit_unary(&kit, OP_CAST, kit_input(&kit, "x", ELEMENT_F64, shape));
    kit_attribute_int(&kit, "to", ELEMENT_I64);
    kit_output(&kit, y);
    struct tensor *x = tensor_new(&kit.arena, ELEMENT_F64, &shape);
    memcpy(x->data.real, seen, sizeof seen);
    kit_set(&kit, (const struct tensor *[]){x});
    kit_run(&kit);
    kit_compare(&kit, (const struct tensor *[]){x}, 0, 0);
    kit_release(&kit);
}
