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

static bool takes_maximum(const struct graph_node *node)
{
    bool is_maximum =
        node->op == OP_MAX_POOL || node->op == OP_GLOBAL_MAX_POOL || node->op == OP_REDUCE_MAX;
    return is_maximum && node->output_count == 1;
}

/* f and the maximum that reads it: their operators, names and attributes change places. */
static void swap(struct graph *graph, struct graph_node *f, struct graph_node *maximum)
{
    struct graph_node old = *f;
    uint32_t x = f->inputs[0], between = f->outputs[0];
    *f = *maximum;
    *maximum = old;
    /* Operand lists go with the operators: a ReduceMax has axes. */
    f->inputs[0] = x;
    maximum->inputs[0] = between;
    uint32_t *outputs = f->outputs;
    f->outputs = maximum->outputs;
    maximum->outputs = outputs;
    graph->values[between].shape = graph->values[maximum->outputs[0]].shape;
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
        struct graph_node *maximum = &graph->nodes[i];
        if (!takes_maximum(maximum))
            continue;
        uint32_t value = maximum->inputs[0], producer = graph->values[value].producer;
        /* The operands of the maximum must exist where f stands: constants do. */
        bool moves =
            producer != GRAPH_NONE && uses[value] == 1 && never_falls(&graph->nodes[producer]);
        for (size_t k = 1; k < maximum->input_count; k++)
            moves = moves && (maximum->inputs[k] == GRAPH_NONE ||
                              graph->values[maximum->inputs[k]].producer == GRAPH_NONE);
        if (moves)
            swap(graph, &graph->nodes[producer], maximum);
    }
    arena_release(&arena);
    return STATUS_OK;
}
