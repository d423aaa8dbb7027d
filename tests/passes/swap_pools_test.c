/* Maxima go before the activations they follow, and only where that changes nothing. */
#include "passes/swap_pools.h"

#include "ir/graph_interpret.h"
#include "ir/ops.h"
#include "passes/infer_shapes.h"
#include "tests/harness/harness.h"

#include <string.h>

static struct arena arena;

/* x [1, 1, 4, 4] through an activation into a maximum of windows of two by two. */
static struct graph *pooled(enum op_kind activation, double alpha)
{
    struct diag_list problems = {0};
    memset(&arena, 0, sizeof arena);
    struct graph *graph = graph_new(&arena, "test");
    graph->inputs = arena_array(&arena, uint32_t, 1);
    graph->outputs = arena_array(&arena, uint32_t, 2);
    uint32_t x = graph_add_value(graph, "x", VALUE_INPUT, ELEMENT_F32);
    graph->values[x].shape_known = true;
    graph->values[x].shape = (struct shape){.rank = 4, .dim = {1, 1, 4, 4}};
    graph->inputs[graph->input_count++] = x;
    uint32_t y = graph_add_value(graph, "y", VALUE_NODE, ELEMENT_UNDEFINED),
             z = graph_add_value(graph, "z", VALUE_NODE, ELEMENT_UNDEFINED);
    uint32_t f = graph_add_node(graph, activation, "f", &x, 1, &y, 1);
    if (activation == OP_LEAKY_RELU) {
        struct graph_attribute a = {.name = "alpha", .kind = ATTRIBUTE_FLOAT, .real = alpha};
        REQUIRE(graph_node_add_attribute(graph, f, &a));
    }
    uint32_t pool = graph_add_node(graph, OP_MAX_POOL, "pool", &y, 1, &z, 1);
    static const int64_t two[] = {2, 2};
    struct graph_attribute kernel = {
        .name = "kernel_shape", .kind = ATTRIBUTE_INTS, .integers = two, .count = 2};
    struct graph_attribute strides = kernel;
    strides.name = "strides";
    REQUIRE(graph_node_add_attribute(graph, pool, &kernel));
    REQUIRE(graph_node_add_attribute(graph, pool, &strides));
    graph->outputs[graph->output_count++] = z;
    REQUIRE(pass_infer_shapes(graph, &problems) == STATUS_OK);
    return graph;
}

static const struct tensor *run(const struct graph *graph)
{
    struct tensor *x = tensor_new(&arena, ELEMENT_F32, &graph->values[graph->inputs[0]].shape);
    const struct tensor *inputs[1] = {x};
    struct graph_values values;
    struct diag diag = {0};
    for (size_t i = 0; i < x->count; i++)
        x->data.real[i] = (double)((i * 7) % 16) - 9;
    graph_values_init(&values, &arena);
    REQUIRE_OK(graph_interpret(graph, inputs, &values, &diag), &diag);
    return values.item[graph->outputs[0]];
}

/* Swaps, and holds the result to what the graph gave before. */
static void swap_and_compare(struct graph *graph)
{
    struct diag diag = {0};
    struct diag_list problems = {0};
    REQUIRE(pass_infer_shapes(graph, &problems) == STATUS_OK);
    REQUIRE_OK(graph_validate(graph, &diag), &diag);
    const struct tensor *before = run(graph);
    REQUIRE_OK(pass_swap_pools(graph, &diag), &diag);
    REQUIRE_OK(graph_validate(graph, &diag), &diag);
    const struct tensor *after = run(graph);
    CHECK_U64(after->count, before->count);
    for (size_t i = 0; i < after->count; i++)
        CHECK(after->data.real[i] == before->data.real[i]);
}

static bool swaps(enum op_kind activation, double alpha)
{
    struct graph *graph = pooled(activation, alpha);
    swap_and_compare(graph);
    bool swapped = graph->nodes[0].op == OP_MAX_POOL && graph->nodes[1].op == activation;
    CHECK_U64((uint64_t)graph->values[graph->nodes[0].outputs[0]].shape.dim[2], swapped ? 2 : 4);
    arena_release(&arena);
    return swapped;
}

TEST(functions_that_never_fall_change_places_with_a_maximum)
{
    CHECK(swaps(OP_RELU, 0));
    CHECK(swaps(OP_SIGMOID, 0));
    CHECK(swaps(OP_TANH, 0));
    CHECK(swaps(OP_LEAKY_RELU, 0.25));
}

TEST(functions_that_fall_stay)
{
    CHECK(!swaps(OP_LEAKY_RELU, -0.25));
    CHECK(!swaps(OP_ABS, 0));
    CHECK(!swaps(OP_NEG, 0));
}

TEST(an_activation_that_something_else_reads_stays)
{
    struct diag diag = {0};
    struct graph *graph = pooled(OP_RELU, 0);
    graph->outputs[graph->output_count++] = graph->nodes[0].outputs[0];
    REQUIRE_OK(pass_swap_pools(graph, &diag), &diag);
    CHECK(graph->nodes[0].op == OP_RELU);
    arena_release(&arena);
}

/* x [1, 2, 4, 4] plus stored numbers of a shape, into a maximum of windows of two by two. */
static bool addition_swaps(struct shape stored, bool is_first)
{
    struct graph *graph = pooled(OP_RELU, 0);
    struct graph_node *f = &graph->nodes[0];
    graph->values[graph->inputs[0]].shape.dim[1] = 2;
    uint32_t zero = graph_add_value(graph, "x + 0", VALUE_NODE, ELEMENT_UNDEFINED),
             b = graph_add_value(graph, "b", VALUE_PARAMETER, ELEMENT_F32);
    struct tensor *data = tensor_new(&arena, ELEMENT_F32, &stored);
    for (size_t i = 0; i < data->count; i++)
        data->data.real[i] = 3 - 2 * (double)i;
    graph->values[b].data = data;
    graph->values[b].shape = stored;
    graph->values[b].shape_known = true;
    /* x -> Relu -> Add -> MaxPool */
    uint32_t y = f->outputs[0], z = graph->outputs[0];
    graph->nodes[0].outputs[0] = zero;
    graph->values[zero].producer = 0;
    graph->values[y].producer = GRAPH_NONE;
    struct graph_node pool = graph->nodes[1];
    graph_add_node(graph, OP_ADD, "add",
                   (const uint32_t[]){is_first ? b : zero, is_first ? zero : b}, 2, &y, 1);
    struct graph_node add = graph->nodes[2];
    graph->nodes[1] = add;
    graph->nodes[2] = pool;
    graph->values[y].producer = 1;
    graph->values[z].producer = 2;
    swap_and_compare(graph);
    bool swapped = graph->nodes[0].op == OP_MAX_POOL;
    CHECK(graph->nodes[swapped ? 1 : 0].op == OP_RELU);
    arena_release(&arena);
    return swapped;
}

TEST(what_is_added_to_channels_changes_places_with_a_pool)
{
    CHECK(addition_swaps((struct shape){.rank = 3, .dim = {2, 1, 1}}, false));
    CHECK(addition_swaps((struct shape){.rank = 4, .dim = {1, 2, 1, 1}}, true));
    CHECK(addition_swaps((struct shape){.rank = 0}, false));
}

TEST(what_differs_within_a_channel_stays)
{
    CHECK(!addition_swaps((struct shape){.rank = 3, .dim = {2, 1, 4}}, false));
    CHECK(!addition_swaps((struct shape){.rank = 2, .dim = {4, 4}}, true));
    CHECK(!addition_swaps((struct shape){.rank = 1, .dim = {4}}, false));
}

/* x [1, 1, 4, 4] through a convolution of two filters and a Relu into a pool. */
static bool bias_moves(bool is_stored, bool is_read_twice)
{
    struct graph *graph = pooled(OP_RELU, 0);
    uint32_t x = graph->inputs[0], w = graph_add_value(graph, "w", VALUE_PARAMETER, ELEMENT_F32),
             b = graph_add_value(graph, "b", VALUE_PARAMETER, ELEMENT_F32),
             y = graph_add_value(graph, "convolved", VALUE_NODE, ELEMENT_UNDEFINED);
    struct shape kernel = {.rank = 4, .dim = {2, 1, 1, 1}}, line = {.rank = 1, .dim = {2}};
    graph->values[w].data = tensor_new(&arena, ELEMENT_F32, &kernel);
    graph->values[b].data = tensor_new(&arena, ELEMENT_F32, &line);
    graph->values[w].shape = kernel;
    graph->values[b].shape = line;
    graph->values[w].shape_known = graph->values[b].shape_known = true;
    for (size_t i = 0; i < 2; i++) {
        graph->values[w].data->data.real[i] = i == 0 ? 2 : -1;
        graph->values[b].data->data.real[i] = i == 0 ? 3 : -5;
    }
    struct graph_node relu = graph->nodes[0], pool = graph->nodes[1];
    graph_add_node(graph, OP_CONV, "conv", (const uint32_t[]){x, w, b}, is_stored ? 3 : 2, &y, 1);
    struct graph_node conv = graph->nodes[2];
    relu.inputs[0] = y;
    graph->nodes[0] = conv;
    graph->nodes[1] = relu;
    graph->nodes[2] = pool;
    for (uint32_t n = 0; n < 3; n++)
        graph->values[graph->nodes[n].outputs[0]].producer = n;
    if (is_read_twice)
        graph->outputs[graph->output_count++] = y;
    swap_and_compare(graph);
    bool moved = graph->node_count == 4;
    if (moved)
        CHECK(graph->nodes[0].op == OP_CONV && graph->nodes[1].op == OP_MAX_POOL &&
              graph->nodes[2].op == OP_ADD && graph->nodes[3].op == OP_RELU);
    arena_release(&arena);
    return moved;
}

TEST(the_bias_of_a_convolution_goes_behind_a_pool)
{
    CHECK(bias_moves(true, false));
    CHECK(!bias_moves(true, true));
    CHECK(!bias_moves(false, false));
}
