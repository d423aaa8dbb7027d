/* See swap_pools.h. */
#include "passes/swap_pools.h"

#include "ir/ops.h"
#include "ir/support/arena.h"

/* Whether an operator is a function of its one operand that never falls. */
static bool never_falls(const struct graph_node *node)
{
    switch (node->op) {
    case OP_RELU:
    case OP_SIGMOID:
    case OP_TANH:
    case OP_ERF:
    case OP_SOFTSIGN:
        return true;
    case OP_LEAKY_RELU:
        return graph_attribute_float(node, "alpha", 0.01) >= 0;
    default:
        return false;
    }
}

/* Whether a node adds stored numbers to a computed operand, the same in all of a channel's places;
 * *x: which operand is computed. */
static bool adds_to_channels(const struct graph *graph, const struct graph_node *node, size_t *x)
{
    if (node->op != OP_ADD || node->input_count != 2)
        return false;
    *x = graph->values[node->inputs[0]].producer != GRAPH_NONE ? 0 : 1;
    const struct graph_value *computed = &graph->values[node->inputs[*x]],
                             *stored = &graph->values[node->inputs[1 - *x]];
    const struct shape *all = &computed->shape, *some = &stored->shape;
    if (computed->producer == GRAPH_NONE || stored->data == NULL ||
        !shape_equal(all, &graph->values[node->outputs[0]].shape))
        return false;
    for (unsigned d = 2; d < all->rank; d++) {
        if (d + some->rank >= all->rank && some->dim[d + some->rank - all->rank] != 1)
            return false;
    }
    return true;
}

static bool takes_maximum(const struct graph_node *node)
{
    bool is_maximum =
        node->op == OP_MAX_POOL || node->op == OP_GLOBAL_MAX_POOL || node->op == OP_REDUCE_MAX;
    return is_maximum && node->output_count == 1;
}

/* f and the maximum that reads it: their operators, names and attributes change places. */
static void swap(struct graph *graph, struct graph_node *f, size_t operand,
                 struct graph_node *maximum)
{
    struct graph_node old = *f;
    uint32_t x = f->inputs[operand], between = f->outputs[0];
    *f = *maximum;
    *maximum = old;
    /* Operand lists go with the operators: a ReduceMax has axes. */
    f->inputs[0] = x;
    maximum->inputs[operand] = between;
    uint32_t *outputs = f->outputs;
    f->outputs = maximum->outputs;
    maximum->outputs = outputs;
    graph->values[between].shape = graph->values[maximum->outputs[0]].shape;
}

/* Swaps the maximum at node i with the function before it; returns where the maximum is now,
 * SIZE_MAX when it stays. */
static size_t swap_before(struct graph *graph, size_t i, const uint32_t *uses)
{
    struct graph_node *maximum = &graph->nodes[i];
    if (!takes_maximum(maximum))
        return SIZE_MAX;
    uint32_t value = maximum->inputs[0], producer = graph->values[value].producer;
    if (producer == GRAPH_NONE || uses[value] != 1)
        return SIZE_MAX;
    struct graph_node *f = &graph->nodes[producer];
    size_t operand = 0;
    bool moves =
        never_falls(f) || (maximum->op != OP_REDUCE_MAX && adds_to_channels(graph, f, &operand));
    /* The operands of the maximum must exist where f stands: constants do. */
    for (size_t k = 1; k < maximum->input_count; k++)
        moves = moves && (maximum->inputs[k] == GRAPH_NONE ||
                          graph->values[maximum->inputs[k]].producer == GRAPH_NONE);
    if (!moves)
        return SIZE_MAX;
    swap(graph, f, operand, maximum);
    return producer;
}

/* ---- biases of convolutions ---- */

struct readers {
    uint32_t *uses; /* [value_count] */
    uint32_t *node; /* [value_count] the last that reads it */
};

static bool find_readers(struct readers *readers, const struct graph *graph, struct arena *arena)
{
    readers->uses = arena_array(arena, uint32_t, graph->value_count + 1);
    readers->node = arena_array(arena, uint32_t, graph->value_count + 1);
    if (readers->uses == NULL || readers->node == NULL)
        return false;
    for (size_t i = 0; i < graph->node_count; i++) {
        for (size_t k = 0; k < graph->nodes[i].input_count; k++) {
            uint32_t v = graph->nodes[i].inputs[k];
            if (v == GRAPH_NONE)
                continue;
            readers->uses[v]++;
            readers->node[v] = (uint32_t)i;
        }
    }
    for (size_t i = 0; i < graph->output_count; i++)
        readers->uses[graph->outputs[i]]++;
    return true;
}

/* Whether a maximum is all that reads a value, behind functions that never fall. */
static bool only_feeds_maximum(const struct graph *graph, const struct readers *readers, uint32_t v)
{
    while (readers->uses[v] == 1 && readers->node[v] != 0) {
        const struct graph_node *node = &graph->nodes[readers->node[v]];
        if (takes_maximum(node))
            return node->op != OP_REDUCE_MAX && node->inputs[0] == v;
        if (!never_falls(node))
            return false;
        v = node->outputs[0];
    }
    return false;
}

/* Whether the bias of a convolution may be added behind a maximum. Results of 16 bits stay, which
 * are rounded before and after. */
static bool bias_moves(const struct graph *graph, const struct readers *readers,
                       const struct graph_node *node)
{
    return node->op == OP_CONV && node->input_count == 3 && node->inputs[2] != GRAPH_NONE &&
           graph->values[node->inputs[2]].data != NULL &&
           element_type_bits(graph->values[node->outputs[0]].type) >= 32 &&
           only_feeds_maximum(graph, readers, node->outputs[0]);
}

/* The bias as an addend of [channels, 1, ...], and the sum without it; false without memory. */
static bool split_bias(struct graph *graph, struct graph_node *convolution, struct graph_node *add)
{
    struct arena *arena = graph->arena;
    uint32_t y = convolution->outputs[0], b = convolution->inputs[2];
    struct tensor *column = arena_memdup(arena, graph->values[b].data, sizeof *column);
    uint32_t *in = arena_array(arena, uint32_t, 2), *own = arena_array(arena, uint32_t, 1);
    const char *name = arena_printf(arena, "%s.sum", graph->values[y].name);
    if (column == NULL || in == NULL || own == NULL || name == NULL)
        return false;
    column->shape.rank = (uint8_t)(graph->values[y].shape.rank - 1);
    for (unsigned d = 0; d < column->shape.rank; d++)
        column->shape.dim[d] = d == 0 ? (int64_t)column->count : 1;
    uint32_t sum = graph_add_value(graph, name, VALUE_NODE, graph->values[y].type),
             addend =
                 graph_add_value(graph, graph->values[b].name, graph->values[b].kind, column->type);
    if (sum == GRAPH_NONE || addend == GRAPH_NONE)
        return false;
    graph->values[sum].shape = graph->values[y].shape;
    graph->values[addend].shape = column->shape;
    graph->values[addend].data = column;
    graph->values[sum].shape_known = graph->values[addend].shape_known = true;
    in[0] = sum;
    in[1] = addend;
    *add = *convolution;
    add->op = OP_ADD;
    add->inputs = in;
    add->input_count = 2;
    add->attribute_count = 0;
    own[0] = sum;
    convolution->outputs = own;
    convolution->input_count = 2;
    return true;
}

static void find_producers(struct graph *graph)
{
    for (size_t n = 0; n < graph->node_count; n++)
        for (size_t k = 0; k < graph->nodes[n].output_count; k++)
            if (graph->nodes[n].outputs[k] != GRAPH_NONE)
                graph->values[graph->nodes[n].outputs[k]].producer = (uint32_t)n;
}

/* Biases that a maximum is taken over become additions, which go behind it: between two numbers of
 * a channel they make no difference. */
static bool split_biases(struct graph *graph, struct arena *scratch)
{
    struct readers readers;
    struct graph_node *nodes =
        arena_array(graph->arena, struct graph_node, 2 * graph->node_count + 1);
    size_t count = 0;
    if (nodes == NULL || !find_readers(&readers, graph, scratch))
        return false;
    for (size_t n = 0; n < graph->node_count; n++) {
        struct graph_node *node = &nodes[count++];
        *node = graph->nodes[n];
        if (bias_moves(graph, &readers, node) && !split_bias(graph, node, &nodes[count++]))
            return false;
    }
    if (count == graph->node_count)
        return true;
    graph->node_capacity = 2 * graph->node_count + 1;
    graph->nodes = nodes;
    graph->node_count = count;
    find_producers(graph);
    return true;
}

enum status pass_swap_pools(struct graph *graph, struct diag *diag)
{
    struct arena arena = {0};
    struct readers readers;
    if (!split_biases(graph, &arena) || !find_readers(&readers, graph, &arena)) {
        arena_release(&arena);
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for the uses of values");
    }
    const uint32_t *uses = readers.uses;
    for (size_t i = 0; i < graph->node_count; i++) {
        /* As far as it can. */
        for (size_t at = i; at != SIZE_MAX;)
            at = swap_before(graph, at, uses);
    }
    arena_release(&arena);
    return STATUS_OK;
}
