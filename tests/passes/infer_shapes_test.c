/* Shapes and types of nodes that a pass has added, and how problems are told. */
#include "passes/infer_shapes.h"

#include "tests/harness/harness.h"

#include <string.h>

static struct arena arena;

static struct graph *begin(void)
{
    memset(&arena, 0, sizeof arena);
    struct graph *graph = graph_new(&arena, "test");
    graph->inputs = arena_array(&arena, uint32_t, 4);
    return graph;
}

static uint32_t input(struct graph *graph, enum element_type type, struct shape shape)
{
    uint32_t v = graph_add_value(graph, "x", VALUE_INPUT, type);
    graph->values[v].shape_known = true;
    graph->values[v].shape = shape;
    graph->inputs[graph->input_count++] = v;
    return v;
}

static uint32_t node(struct graph *graph, enum op_kind op, const uint32_t *in, size_t count)
{
    uint32_t out = graph_add_value(graph, "y", VALUE_NODE, ELEMENT_UNDEFINED);
    graph_add_node(graph, op, "node", in, count, &out, 1);
    return out;
}

static void check_shape(const struct graph *graph, uint32_t value, enum element_type type,
                        struct shape shape)
{
    CHECK(graph->values[value].shape_known && graph->values[value].type == type);
    CHECK(shape_equal(&graph->values[value].shape, &shape));
}

TEST(shapes_follow_the_rules_of_the_operators)
{
    struct diag_list problems = {0};
    struct graph *g = begin();
    uint32_t a = input(g, ELEMENT_F32, (struct shape){3, {2, 3, 4}});
    uint32_t b = input(g, ELEMENT_F32, (struct shape){2, {4, 5}});
    uint32_t product = node(g, OP_MAT_MUL, (uint32_t[]){a, b}, 2);
    uint32_t sum = node(g, OP_REDUCE_SUM, &product, 1);
    uint32_t less = node(g, OP_LESS, (uint32_t[]){sum, product}, 2);
    uint32_t turned = node(g, OP_TRANSPOSE, &less, 1);
    REQUIRE(pass_infer_shapes(g, &problems) == STATUS_OK);
    check_shape(g, product, ELEMENT_F32, (struct shape){3, {2, 3, 5}});
    check_shape(g, sum, ELEMENT_F32, (struct shape){3, {1, 1, 1}});
    check_shape(g, less, ELEMENT_BOOL, (struct shape){3, {2, 3, 5}});
    check_shape(g, turned, ELEMENT_BOOL, (struct shape){3, {5, 3, 2}});
    diag_list_release(&problems);
    arena_release(&arena);
}

TEST(every_problem_is_told_once)
{
    struct diag_list problems = {0};
    struct graph *g = begin();
    uint32_t a = input(g, ELEMENT_F32, (struct shape){1, {2}});
    uint32_t b = input(g, ELEMENT_I64, (struct shape){1, {2}});
    uint32_t c = input(g, ELEMENT_F32, (struct shape){1, {3}});
    uint32_t mixed = node(g, OP_ADD, (uint32_t[]){a, b}, 2);
    node(g, OP_EXP, &mixed, 1);
    node(g, OP_MUL, (uint32_t[]){a, c}, 2);
    CHECK(pass_infer_shapes(g, &problems) == STATUS_BAD_INPUT);
    REQUIRE(problems.count == 2);
    CHECK(strstr(problems.item[0].text, "one type") != NULL);
    CHECK(strstr(problems.item[0].text, "int64 [2]") != NULL);
    CHECK(strstr(problems.item[1].text, "broadcast") != NULL);
    diag_list_release(&problems);
    arena_release(&arena);
}

TEST(an_unbound_axis_is_named_with_its_symbol)
{
    struct diag_list problems = {0};
    struct graph *g = begin();
    uint32_t x = input(g, ELEMENT_F32, (struct shape){2, {-1, 3}});
    g->values[x].dim_symbol[0] = "batch";
    CHECK(pass_infer_shapes(g, &problems) == STATUS_BAD_INPUT);
    REQUIRE(problems.count == 1);
    CHECK(strstr(problems.item[0].text, "--dim batch=N") != NULL);
    diag_list_release(&problems);
    arena_release(&arena);
}

/* What is computed with a factor of integers is whole; beta is none where nothing is added. */
TEST(factors_of_integers_are_whole_where_they_are_used)
{
    static const double factors[][2] = {{2, 3}, {2, 0.5}, {0.5, 1}, {0x1p31, 1}};
    for (size_t i = 0; i < 2 * sizeof factors / sizeof *factors; i++) {
        const double *factor = factors[i / 2];
        const size_t operands = 2 + i % 2;
        struct diag_list problems = {0};
        struct graph *g = begin();
        uint32_t a = input(g, ELEMENT_I32, (struct shape){2, {2, 2}});
        node(g, OP_GEMM, (uint32_t[]){a, a, a}, operands);
        const struct graph_attribute alpha = {
            .name = "alpha", .kind = ATTRIBUTE_FLOAT, .real = factor[0]};
        const struct graph_attribute beta = {
            .name = "beta", .kind = ATTRIBUTE_FLOAT, .real = factor[1]};
        REQUIRE(graph_node_add_attribute(g, 0, &alpha) && graph_node_add_attribute(g, 0, &beta));
        bool is_whole = factor[0] == 2 && (operands == 2 || factor[1] == 3);
        CHECK(pass_infer_shapes(g, &problems) == (is_whole ? STATUS_OK : STATUS_BAD_INPUT));
        CHECK(is_whole || strstr(problems.item[0].text, "whole numbers") != NULL);
        diag_list_release(&problems);
        arena_release(&arena);
    }
}
