/* Functions made from tables: the same numbers with every size of tables; where exp ends. */
#include "tests/passes/lower_kit.h"

#include <math.h>

/* exp, log, sigmoid, softmax, log-softmax, tanh and a root of order 10/3 of one input. */
static void build(struct kit *kit, struct shape shape)
{
    uint32_t x = kit_input(kit, "x", ELEMENT_F32, shape);
    uint32_t e = kit_unary(kit, OP_EXP, x);
    kit_output(kit, e);
    kit_output(kit, kit_unary(kit, OP_LOG, kit_binary(kit, OP_ADD, e, e)));
    kit_output(kit, kit_unary(kit, OP_SIGMOID, x));
    kit_output(kit, kit_unary(kit, OP_SOFTMAX, x));
    kit_output(kit, kit_unary(kit, OP_LOG_SOFTMAX, x));
    kit_output(kit, kit_unary(kit, OP_TANH, x));
    uint32_t p = kit_parameter(kit, "p", kit_shape(0), (const double[]){0.3});
    kit_output(kit, kit_binary(kit, OP_POW, e, p));
}

static void every_function(unsigned table_bits, double scale)
{
    struct kit kit;
    struct shape shape = kit_shape(2, 2, 4);
    kit_init(&kit);
    kit.options.table_bits = table_bits;
    build(&kit, shape);
    double ends[8];
    for (int k = 0; k < 8; k++)
        ends[k] = k % 2 == 0 ? scale : -scale;
    kit_set(&kit, (const struct tensor *[]){kit_tensor(&kit, shape, ends)});
    for (int i = 0; i < 40; i++)
        kit_set(&kit, (const struct tensor *[]){kit_random_tensor(&kit, shape, scale)});
    kit_run(&kit);
    kit_compare(&kit, (const struct tensor *[]){kit_tensor(&kit, shape, ends)}, 4e-6, 1e-3);
    for (int i = 0; i < 25; i++) {
        const struct tensor *inputs[] = {kit_random_tensor(&kit, shape, scale)};
        kit_compare(&kit, inputs, 4e-6, 1e-3);
        if (i < 2)
            CHECK(kit_tamper_hints(&kit, inputs) > 0);
    }
    kit_release(&kit);
}

TEST(tables_of_every_size_give_the_functions)
{
    for (unsigned bits = 4; bits <= 8; bits++) {
        every_function(bits, 0.25);
        every_function(bits, 8);
    }
}

TEST(smaller_tables_have_fewer_entries)
{
    static const double values[] = {-8, 8, 3, -2};
    size_t entries[3] = {0};
    for (unsigned i = 0; i < 3; i++) {
        struct kit kit;
        struct shape shape = kit_shape(2, 1, 4);
        kit_init(&kit);
        kit.options.table_bits = 4 + 2 * i;
        build(&kit, shape);
        kit_set(&kit, (const struct tensor *[]){kit_tensor(&kit, shape, values)});
        kit_run(&kit);
        for (size_t t = 0; t < kit.result.program->table_count; t++)
            entries[i] +=
                kit.result.program->tables[t].size * kit.result.program->tables[t].output_count;
        kit_release(&kit);
    }
    CHECK_MSG(entries[0] < entries[1] && 2 * entries[1] < entries[2], "%zu, %zu, %zu", entries[0],
              entries[1], entries[2]);
}

/* An argument known to lie on one side of zero: a range that ends before the magnitude's begins. */
static void on_one_side(enum op_kind op, double low, double high)
{
    struct kit kit;
    struct shape shape = kit_shape(1, 6);
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, shape),
             ends[2] = {kit_parameter(&kit, "low", kit_shape(0), &low),
                        kit_parameter(&kit, "high", kit_shape(0), &high)};
    uint32_t clipped = kit_node(&kit, OP_CLIP, (const uint32_t[]){x, ends[0], ends[1]}, 3);
    kit_output(&kit, kit_unary(&kit, op, clipped));
    for (int i = 0; i < 4; i++)
        kit_set(&kit, (const struct tensor *[]){kit_random_tensor(&kit, shape, 8)});
    kit_run(&kit);
    for (int i = 0; i < 4; i++) {
        const struct tensor *inputs[] = {kit_random_tensor(&kit, shape, 8)};
        kit_compare(&kit, inputs, 4e-6, 1e-3);
    }
    kit_release(&kit);
}

TEST(arguments_on_one_side_of_zero)
{
    static const enum op_kind ops[] = {OP_SIGMOID, OP_TANH, OP_SOFTPLUS, OP_ERF,
                                       OP_GELU,    OP_MISH, OP_SWISH,    OP_EXP};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        on_one_side(ops[i], -6, -2);
        on_one_side(ops[i], -0x1p-10, -0x1p-12);
        on_one_side(ops[i], 2, 6);
        on_one_side(ops[i], -60, -50);
    }
}

/* ---- where exp ends ---- */

struct ending {
    enum element_type type;
    bool divides; /* 1 / exp(x), else exp(x) itself */
    double seen;  /* greatest x of calibration */
    double beyond;
};

static struct tensor *one_number(struct kit *kit, enum element_type type, double value)
{
    struct shape shape = kit_shape(1, 1);
    struct tensor *tensor = tensor_new(&kit->arena, type, &shape);
    tensor->data.real[0] = value;
    return tensor;
}

/* Whether the report says that it saturates; *accepts: whether `beyond` has a proof, and 0 as its
 * result. */
static bool saturates(const struct ending *ending, bool *accepts)
{
    struct kit kit;
    struct diag diag = {0};
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ending->type, kit_shape(1, 1));
    uint32_t e = kit_unary(&kit, OP_EXP, x);
    kit_output(&kit, ending->divides ? kit_unary(&kit, OP_RECIPROCAL, e) : e);
    for (int k = 0; k <= 4; k++)
        kit_set(&kit, (const struct tensor *[]){
                          one_number(&kit, ending->type, ending->seen * (double)k / 4)});
    kit_run(&kit);
    bool found = false;
    for (size_t i = 0; i < kit.result.report.range_count; i++)
        found |= kit.result.report.ranges[i].saturates;
    struct relation_values values;
    REQUIRE_OK(relation_values_init(&values, kit.result.program, &kit.arena, &diag), &diag);
    const struct tensor *inputs[] = {one_number(&kit, ending->type, ending->beyond)};
    *accepts = pipeline_evaluate(&values, &kit.result, inputs, NULL, NULL, &diag) == STATUS_OK;
    if (*accepts) {
        double y;
        int64_t ignored;
        uint32_t out = kit.result.interface.outputs[0].tensor;
        port_decode(&y, &ignored, &kit.result.program->tensors[out], ELEMENT_F64,
                    relation_value(&values, out, 0));
        CHECK_MSG(fabs(y) < 1e-6, "%g", y);
    }
    kit_release(&kit);
    return found;
}

TEST(exp_saturates_only_where_float32_divides_by_its_infinity)
{
    static const struct {
        struct ending ending;
        bool saturates, accepts;
    } cases[] = {
        {{ELEMENT_F32, true, 80, 200}, true, true},   {{ELEMENT_BF16, true, 80, 200}, true, true},
        {{ELEMENT_F16, true, 11, 40}, false, false},  {{ELEMENT_F32, true, 20, 60}, false, false},
        {{ELEMENT_F32, false, 20, 60}, false, false}, {{ELEMENT_F32, false, 80, 89}, false, false},
        {{ELEMENT_F64, true, 30, 70}, false, false},  {{ELEMENT_F64, false, 30, 70}, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool accepts;
        CHECK_MSG(saturates(&cases[i].ending, &accepts) == cases[i].saturates, "case %zu", i);
        CHECK_MSG(accepts == cases[i].accepts, "case %zu", i);
    }
}
