/* label: fast */
#include "ir/graph.h"

#include <string.h>

#include "ir/ops.h"
#include "tests/harness/harness.h"

/* y = x + w, then z = -y. */
static struct graph *small_graph(struct arena *arena)
{
    struct graph *graph = graph_new(arena, "small");
    uint32_t x = graph_add_value(graph, "x", VALUE_INPUT, ELEMENT_F32);
    uint32_t w = graph_add_value(graph, "w", VALUE_PARAMETER, ELEMENT_F32);
    uint32_t y = graph_add_value(graph, "y", VALUE_NODE, ELEMENT_F32);
    uint32_t z = graph_add_value(graph, "z", VALUE_NODE, ELEMENT_F32);
    graph->values[w].data = tensor_new(arena, ELEMENT_F32, &(struct shape){1, {2}});
    graph->values[w].shape_known = true;
    graph->values[w].shape = graph->values[w].data->shape;
    graph_add_node(graph, OP_ADD, "add", (uint32_t[]){x, w}, 2, &y, 1);
    graph_add_node(graph, OP_NEG, "neg", &y, 1, &z, 1);
    graph->inputs = arena_memdup(arena, &x, sizeof x);
    graph->input_count = 1;
    graph->outputs = arena_memdup(arena, &z, sizeof z);
    graph->output_count = 1;
    return graph;
}

TEST(rows_of_the_operator_table_make_sense)
{
    for (int k = 0; k < OP_COUNT; k++) {
        const struct op_info *info = op_info((enum op_kind)k);
        CHECK_MSG(info->min_inputs <= info->max_inputs && info->min_outputs <= info->max_outputs,
                  "%s", info->name);
        CHECK_MSG(strcmp(info->domain, "ai.onnx") == 0 || strcmp(info->domain, "ai.onnx.ml") == 0 ||
                      strcmp(info->domain, "sertn") == 0,
                  "%s", info->name);
        CHECK_TEXT(op_name((enum op_kind)k), info->name);
        for (size_t i = 0; i < 8; i++)
            if (op_input_is_constant((enum op_kind)k, i))
                CHECK_MSG(i < info->max_inputs, "%s input %zu", info->name, i);
        for (int other = 0; other < k; other++)
            CHECK_MSG(strcmp(info->name, op_name((enum op_kind)other)) != 0, "%s twice",
                      info->name);
    }
    CHECK(op_input_is_constant(OP_RESHAPE, 1) && !op_input_is_constant(OP_RESHAPE, 0));
    CHECK(!op_input_is_constant(OP_RESHAPE, 100));
}

TEST(producers_and_order)
{
    struct arena arena = {0};
    struct graph *graph = small_graph(&arena);
    CHECK_STATUS(graph_validate(graph, NULL), STATUS_OK, NULL);
    CHECK_U64(graph->values[graph->nodes[0].outputs[0]].producer, 0);
    CHECK_U64(graph->values[graph->outputs[0]].producer, 1);
    arena_release(&arena);
}

TEST(attributes_are_found_by_name_and_kind)
{
    struct arena arena = {0};
    struct graph *graph = small_graph(&arena);
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    for (size_t i = 0; i < 9; i++) {
        struct graph_attribute attribute = {
            .name = names[i], .kind = ATTRIBUTE_INT, .integer = (int64_t)i};
        CHECK(graph_node_add_attribute(graph, 0, &attribute));
    }
    struct graph_attribute text = {.name = "t", .kind = ATTRIBUTE_TEXT, .text = "word"};
    struct graph_attribute real = {.name = "r", .kind = ATTRIBUTE_FLOAT, .real = 0.5};
    CHECK(graph_node_add_attribute(graph, 0, &text) && graph_node_add_attribute(graph, 0, &real));
    const struct graph_node *node = &graph->nodes[0];
    for (size_t i = 0; i < 9; i++)
        CHECK_I64(graph_attribute_int(node, names[i], -1), (int64_t)i);
    CHECK_I64(graph_attribute_int(node, "t", -1), -1);
    CHECK_TEXT(graph_attribute_text(node, "t", ""), "word");
    CHECK(graph_attribute_float(node, "r", 0) == 0.5);
    CHECK(graph_attribute(node, "absent") == NULL);
    arena_release(&arena);
}

TEST(a_body_sees_values_of_its_parent_once)
{
    struct arena arena = {0};
    struct graph *graph = small_graph(&arena);
    struct graph *body = graph_new(&arena, "body");
    body->parent = graph;
    uint32_t w = graph_add_outer_value(body, 1), x = graph_add_outer_value(body, 0);
    CHECK_U64(graph_add_outer_value(body, 1), w);
    CHECK(body->values[w].kind == VALUE_PARAMETER && body->values[w].data == graph->values[1].data);
    CHECK(body->values[x].kind == VALUE_NODE && body->values[x].producer == GRAPH_NONE);
    body->outputs = arena_memdup(&arena, &x, sizeof x);
    body->output_count = 1;
    CHECK_STATUS(graph_validate(body, NULL), STATUS_OK, NULL);
    arena_release(&arena);
}

/* Each way to break the small graph is found. */
static void break_graph(struct graph *graph, int way)
{
    switch (way) {
    case 0:
        graph->nodes[0].inputs[1] = 99;
        break;
    case 1:
        graph->nodes[0].inputs[0] = graph->outputs[0];
        break;
    case 2:
        graph->nodes[0].input_count = 1;
        break;
    case 3:
        graph->nodes[0].inputs[0] = GRAPH_NONE;
        break;
    case 4:
        graph->nodes[1].output_count = 0;
        break;
    case 5:
        graph->values[1].data = NULL;
        break;
    case 6:
        graph->values[1].type = ELEMENT_I64;
        break;
    case 7:
        graph->values[1].shape.dim[0] = 3;
        break;
    case 8:
        graph->values[2].producer = 1;
        break;
    case 9:
        graph->values[3].producer = GRAPH_NONE;
        break;
    case 10:
        graph->inputs[0] = 1;
        break;
    case 11:
        graph->outputs[0] = 50;
        break;
    case 12:
        graph->values[0].name = NULL;
        break;
    case 13:
        graph->outer_values[0] = 0;
        break;
    default:
        graph->nodes[1].op = OP_COUNT;
        break;
    }
}

TEST(broken_graphs_are_found)
{
    for (int way = 0; way <= 14; way++) {
        struct arena arena = {0};
        struct diag diag = {0};
        struct graph *graph = small_graph(&arena);
        break_graph(graph, way);
        CHECK_MSG(graph_validate(graph, &diag) == STATUS_BAD_INPUT, "way %d", way);
        CHECK(diag.text[0] != 0);
        arena_release(&arena);
    }
}

TEST(a_full_arena_is_reported)
{
    struct arena arena;
    arena_init(&arena, 4096);
    struct graph *graph = graph_new(&arena, "full");
    REQUIRE(graph != NULL);
    uint32_t value = 0;
    for (int i = 0; i < 10000 && value != GRAPH_NONE; i++)
        value = graph_add_value(graph, "v", VALUE_INPUT, ELEMENT_F32);
    CHECK_U64(value, GRAPH_NONE);
    arena_release(&arena);
}
