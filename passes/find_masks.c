/* See find_masks.h. */
#include "passes/find_masks.h"

#include <math.h>
#include <string.h>

#include "ir/ops.h"
#include "passes/find_encodings.h"

struct masks {
    const struct graph *graph;
    bool *absorbed; /* [value_count]: minus infinity there ends in softmaxes or results */
    bool *asked;    /* [value_count]: every use says that it is a mask */
    bool *used;     /* [value_count] */
    bool *carried;  /* [value_count]: may be minus infinity */
    bool *infinite; /* [value_count]: and not only a great negative number */
};

static bool is_float(const struct graph *graph, uint32_t value)
{
    return value != GRAPH_NONE && element_type_is_float(graph->values[value].type);
}

static bool has_number_below(const struct graph_value *value, double bound)
{
    bool found = false;
    for (size_t e = 0; value->data != NULL && element_type_is_float(value->type) &&
                       e < value->data->count && !found;
         e++)
        found = value->data->data.real[e] <= bound;
    return found;
}

/* Whether every stored number stands for minus infinity. */
static bool is_all_mask(const struct graph_value *value)
{
    if (value->data == NULL || !element_type_is_float(value->type))
        return false;
    for (size_t e = 0; e < value->data->count; e++) {
        if (value->data->data.real[e] > MASK_NUMBER)
            return false;
    }
    return true;
}

bool is_mask_factor(const struct graph_value *value)
{
    if (value->data == NULL || value->data->count == 0 || !element_type_is_float(value->type))
        return false;
    for (size_t e = 0; e < value->data->count; e++) {
        double number = value->data->data.real[e];
        if (!(number <= MASK_NUMBER) || isinf(number))
            return false;
    }
    return true;
}

static bool moves_masks(const struct graph *graph, const struct graph_node *node)
{
    if (node->op == OP_PAD)
        return is_float(graph, node->inputs[0]) &&
               strcmp(graph_attribute_text(node, "mode", "constant"), "constant") == 0;
    return moves_floats(graph, node) && moves_constantly(graph, node);
}

/* Whether operand i goes on into the results of a node. */
static bool passes_on(const struct graph *graph, const struct graph_node *node, size_t i)
{
    switch (node->op) {
    case OP_ADD:
    case OP_SUM:
        return true;
    case OP_SUB:
    case OP_REDUCE_MAX:
        return i == 0;
    case OP_WHERE:
        return i > 0;
    case OP_MUL:
        return is_mask_factor(&graph->values[node->inputs[i]]) &&
               graph->values[node->inputs[1 - i]].data == NULL;
    default:
        return moves_masks(graph, node) &&
               (node->op == OP_CONCAT || i == 0 || (node->op == OP_PAD && i == 2));
    }
}

static bool results_absorb(const struct masks *m, const struct graph_node *node)
{
    for (size_t k = 0; k < node->output_count; k++) {
        if (node->outputs[k] != GRAPH_NONE && !m->absorbed[node->outputs[k]])
            return false;
    }
    return true;
}

/* Whether minus infinity as operand i has a meaning, there and further on. */
static bool use_absorbs(const struct masks *m, const struct graph_node *node, size_t i)
{
    if (node->op == OP_SOFTMAX)
        return true;
    if (node->op == OP_ATTENTION)
        return i == 3;
    if (node->op == OP_EQUAL)
        return is_all_mask(&m->graph->values[node->inputs[0]]) ||
               is_all_mask(&m->graph->values[node->inputs[1]]);
    return passes_on(m->graph, node, i) && results_absorb(m, node);
}

/* Whether a use says that operand i is a mask: that of an attention, added to what is computed, or
 * asked whether it is minus infinity. */
static bool use_asks(const struct masks *m, const struct graph_node *node, size_t i)
{
    if (node->op == OP_ATTENTION)
        return i == 3;
    if (node->op == OP_ADD)
        return m->graph->values[node->inputs[1 - i]].kind == VALUE_NODE;
    if (node->op == OP_EQUAL)
        return is_all_mask(&m->graph->values[node->inputs[1 - i]]);
    if (node->op == OP_REDUCE_MAX)
        return i == 0 && m->asked[node->outputs[0]] && m->used[node->outputs[0]];
    return moves_masks(m->graph, node) && node->output_count == 1 && m->asked[node->outputs[0]] &&
           m->used[node->outputs[0]];
}

/* From the last node to the first: all uses of a result come before the node that makes it. */
static void look_back(struct masks *m)
{
    for (size_t n = m->graph->node_count; n-- > 0;) {
        const struct graph_node *node = &m->graph->nodes[n];
        for (size_t i = 0; i < node->input_count; i++) {
            uint32_t v = node->inputs[i];
            if (!is_float(m->graph, v))
                continue;
            m->used[v] = true;
            m->absorbed[v] &= use_absorbs(m, node, i);
            m->asked[v] &= use_asks(m, node, i);
        }
    }
}

/* Whether result k may be minus infinity by the node's own doing: scores with their mask. */
static bool makes_mask(const struct graph_node *node, size_t k)
{
    return node->op == OP_ATTENTION && k == 3 &&
           graph_attribute_int(node, "qk_matmul_output_mode", 0) == 2;
}

static void look_forward(struct masks *m)
{
    const struct graph *graph = m->graph;
    for (size_t v = 0; v < graph->value_count; v++) {
        m->carried[v] = has_number_below(&graph->values[v], MASK_NUMBER);
        m->infinite[v] = has_number_below(&graph->values[v], -INFINITY);
    }
    for (size_t i = 0; i < graph->input_count; i++) {
        uint32_t v = graph->inputs[i];
        m->carried[v] |= is_float(graph, v) && m->used[v] && m->asked[v];
        m->infinite[v] |= m->carried[v];
    }
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct graph_node *node = &graph->nodes[n];
        bool carries = false, is_infinite = false;
        for (size_t i = 0; i < node->input_count; i++) {
            uint32_t v = node->inputs[i];
            bool passes =
                v != GRAPH_NONE && m->carried[v] && m->absorbed[v] && passes_on(graph, node, i);
            carries |= passes;
            is_infinite |= passes && m->infinite[v];
        }
        for (size_t k = 0; k < node->output_count; k++) {
            if (!is_float(graph, node->outputs[k]))
                continue;
            m->carried[node->outputs[k]] = carries || makes_mask(node, k);
            m->infinite[node->outputs[k]] = is_infinite || makes_mask(node, k);
        }
    }
}

enum status find_masks(const struct graph *graph, struct value_plan *values, struct arena *scratch,
                       struct diag *diag)
{
    size_t count = graph->value_count + 1;
    bool *flags = arena_array(scratch, bool, 5 * count);
    if (flags == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to look for masks");
    struct masks m = {
        graph, flags, flags + count, flags + 2 * count, flags + 3 * count, flags + 4 * count};
    for (size_t v = 0; v < count; v++)
        m.absorbed[v] = m.asked[v] = true;
    look_back(&m);
    look_forward(&m);
    for (size_t v = 0; v < graph->value_count; v++) {
        values[v].takes_mask = m.carried[v] && m.absorbed[v];
        values[v].mask_is_finite = values[v].takes_mask && !m.infinite[v];
    }
    return STATUS_OK;
}
