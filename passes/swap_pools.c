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

enum status pass_swap_pools(struct graph *graph, struct diag *diag)
{
    struct arena arena = {0};
    uint32_t *uses = arena_array(&arena, uint32_t, graph->value_count + 1);
    if (uses == NULL)
        return arena_failure(&arena, graph->value_count * sizeof *uses, "the uses of values", diag);
    for (size_t i = 0; i < graph->node_count; i++)
        for (size_t k = 0; k < graph->nodes[i].input_count; k++)
            if (graph->nodes[i].inputs[k] != GRAPH_NONE)
                uses[graph->nodes[i].inputs[k]]++;
    for (size_t i = 0; i < graph->output_count; i++)
        uses[graph->outputs[i]]++;
    for (size_t i = 0; i < graph->node_count; i++) {
        /* As far as it can. */
        for (size_t at = i; at != SIZE_MAX;)
            at = swap_before(graph, at, uses);
    }
    arena_release(&arena);
    return STATUS_OK;
}
