/* The interpreter: single operators with hand-computed results, whole graphs, errors. */
#include "ir/graph_interpret.h"
#include "ir/rounded_math.h"
#include "tests/harness/harness.h"

#include <math.h>
#include <string.h>

/* A graph of one node whose operands are graph inputs. */
struct fixture {
    struct arena arena;
    struct graph *graph;
    const struct tensor *input[8];
    struct graph_values values;
};

static struct tensor *reals(struct arena *arena, enum element_type type, struct shape shape,
                            const double *elements)
{
    struct tensor *tensor = tensor_new(arena, type, &shape);
    REQUIRE(tensor != NULL);
    memcpy(tensor->data.real, elements, tensor->count * sizeof *elements);
    return tensor;
}

static struct tensor *integers(struct arena *arena, enum element_type type, struct shape shape,
                               const int64_t *elements)
{
    struct tensor *tensor = tensor_new(arena, type, &shape);
    REQUIRE(tensor != NULL);
    memcpy(tensor->data.integer, elements, tensor->count * sizeof *elements);
    return tensor;
}

static void fixture_begin(struct fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->graph = graph_new(&fixture->arena, "test");
    fixture->graph->inputs = arena_array(&fixture->arena, uint32_t, 8);
    fixture->graph->outputs = arena_array(&fixture->arena, uint32_t, 8);
    graph_values_init(&fixture->values, &fixture->arena);
}

static uint32_t add_input(struct fixture *fixture, const struct tensor *tensor)
{
    struct graph *graph = fixture->graph;
    uint32_t value = graph_add_value(graph, "x", VALUE_INPUT, tensor->type);
    fixture->input[graph->input_count] = tensor;
    graph->inputs[graph->input_count++] = value;
    return value;
}

static uint32_t add_node(struct fixture *fixture, enum op_kind op, const uint32_t *in, size_t count)
{
    uint32_t out = graph_add_value(fixture->graph, "y", VALUE_NODE, ELEMENT_UNDEFINED);
    graph_add_node(fixture->graph, op, "node", in, count, &out, 1);
    return out;
}

static void set_int(struct fixture *fixture, const char *name, int64_t value)
{
    struct graph_attribute attribute = {.name = name, .kind = ATTRIBUTE_INT, .integer = value};
    REQUIRE(graph_node_add_attribute(fixture->graph, (uint32_t)fixture->graph->node_count - 1,
                                     &attribute));
}

static const struct tensor *run(struct fixture *fixture, uint32_t value)
{
    struct diag diag = {0};
    REQUIRE_OK(graph_interpret(fixture->graph, fixture->input, &fixture->values, &diag), &diag);
    REQUIRE(fixture->values.item[value] != NULL);
    return fixture->values.item[value];
}

TEST(cast_then_gemm_is_a_linear_model)
{
    struct fixture f;
    fixture_begin(&f);
    uint32_t x = add_input(
        &f, integers(&f.arena, ELEMENT_I64, (struct shape){2, {2, 2}}, (int64_t[]){1, 2, -3, 5}));
    uint32_t w =
        add_input(&f, reals(&f.arena, ELEMENT_F32, (struct shape){2, {1, 2}}, (double[]){1, 2}));
    uint32_t b = add_input(&f, reals(&f.arena, ELEMENT_F32, (struct shape){1, {1}}, (double[]){3}));
    uint32_t real = add_node(&f, OP_CAST, &x, 1);
    set_int(&f, "to", ELEMENT_F32);
    uint32_t y = add_node(&f, OP_GEMM, (uint32_t[]){real, w, b}, 3);
    set_int(&f, "transB", 1);
    const struct tensor *out = run(&f, y);
    CHECK_U64(out->shape.rank, 2);
    CHECK_I64(out->shape.dim[0], 2);
    CHECK_I64(out->shape.dim[1], 1);
    CHECK(out->data.real[0] == 8.0);
    CHECK(out->data.real[1] == 10.0);
    arena_release(&f.arena);
}

TEST(results_are_rounded_to_their_declared_type)
{
    struct fixture f;
    fixture_begin(&f);
    uint32_t a = add_input(&f, reals(&f.arena, ELEMENT_F16, (struct shape){0}, (double[]){2048}));
    uint32_t b = add_input(&f, reals(&f.arena, ELEMENT_F16, (struct shape){0}, (double[]){1}));
    uint32_t y = add_node(&f, OP_ADD, (uint32_t[]){a, b}, 2);
    CHECK(run(&f, y)->data.real[0] == 2048.0); /* 2049 is half way between two float16 */
    arena_release(&f.arena);
}

/* Whatever way a float result is found, it is the correctly rounded double, rounded. */
TEST(functions_of_short_floats_are_those_of_doubles_rounded)
{
    static const struct {
        enum op_kind op;
        double (*exact)(double x);
    } function[] = {{OP_EXP, rounded_exp},        {OP_LOG, rounded_log}, {OP_ERF, rounded_erf},
                    {OP_SIN, rounded_sin},        {OP_COS, rounded_cos}, {OP_TANH, rounded_tanh},
                    {OP_SIGMOID, rounded_sigmoid}};
    static const enum element_type types[] = {ELEMENT_F32, ELEMENT_F16};
    enum { COUNT = 6000, SPECIAL = 12 };
    static const double special[SPECIAL] = {0,        -0.0,   1,     -1,       INFINITY,  -INFINITY,
                                            0x1p-149, -745.2, 709.9, 0x1p-120, 0x1.8p100, NAN};
    double x[COUNT];
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        for (int i = 0; i < COUNT; i++) {
            int size = (int)test_random_below(60) - 40;
            double number = ldexp((double)(int64_t)test_random_u64(), size - 60);
            x[i] = element_round(types[k], i < SPECIAL ? special[i] : number);
        }
        for (size_t n = 0; n < sizeof function / sizeof *function; n++) {
            struct fixture f;
            fixture_begin(&f);
            uint32_t a = add_input(&f, reals(&f.arena, types[k], (struct shape){1, {COUNT}}, x));
            const struct tensor *out = run(&f, add_node(&f, function[n].op, &a, 1));
            for (int i = 0; i < COUNT; i++) {
                double expected = element_round(types[k], function[n].exact(x[i]));
                double got = out->data.real[i];
                CHECK_MSG(isnan(expected) ? isnan(got)
                                          : got == expected && signbit(got) == signbit(expected),
                          "%s(%a) is %a, not %a", op_name(function[n].op), x[i], got, expected);
            }
            arena_release(&f.arena);
        }
    }
}

TEST(integers_wrap_at_their_width)
{
    struct fixture f;
    fixture_begin(&f);
    uint32_t a = add_input(
        &f, integers(&f.arena, ELEMENT_I8, (struct shape){1, {2}}, (int64_t[]){127, -128}));
    uint32_t b = add_input(&f, integers(&f.arena, ELEMENT_I8, (struct shape){0}, (int64_t[]){2}));
    uint32_t y = add_node(&f, OP_MUL, (uint32_t[]){a, b}, 2);
    CHECK_I64(run(&f, y)->data.integer[0], -2);
    CHECK_I64(run(&f, y)->data.integer[1], 0);
    arena_release(&f.arena);
}

TEST(a_wrong_input_is_named_with_its_shape)
{
    struct fixture f;
    struct diag diag = {0};
    fixture_begin(&f);
    uint32_t x =
        add_input(&f, reals(&f.arena, ELEMENT_F32, (struct shape){1, {2}}, (double[]){1, 2}));
    f.graph->values[x].shape_known = true;
    f.graph->values[x].shape = (struct shape){1, {3}};
    add_node(&f, OP_EXP, &x, 1);
    CHECK_STATUS(graph_interpret(f.graph, f.input, &f.values, &diag), STATUS_BAD_INPUT, &diag);
    CHECK(strstr(diag.text, "float32 [2]") != NULL && strstr(diag.text, "3") != NULL);
    arena_release(&f.arena);
}

TEST(operands_that_do_not_fit_name_the_node)
{
    struct fixture f;
    struct diag diag = {0};
    fixture_begin(&f);
    double six[6] = {0};
    uint32_t a = add_input(&f, reals(&f.arena, ELEMENT_F32, (struct shape){2, {2, 3}}, six));
    uint32_t y = add_node(&f, OP_MAT_MUL, (uint32_t[]){a, a}, 2);
    (void)y;
    CHECK_STATUS(graph_interpret(f.graph, f.input, &f.values, &diag), STATUS_BAD_INPUT, &diag);
    CHECK(strstr(diag.text, "node node (MatMul") != NULL);
    CHECK(strstr(diag.text, "float32 [2, 3]") != NULL);
    arena_release(&f.arena);
}
