/* See find_exact.h. */
#include "passes/find_exact.h"

#include <math.h>

#include "passes/find_encodings.h"

struct exact {
    const struct graph *graph;
    struct value_plan *values;
};

static bool is_scale(enum op_kind op, size_t i)
{
    switch (op) {
    case OP_QUANTIZE_LINEAR:
    case OP_DEQUANTIZE_LINEAR:
        return i == 1;
    case OP_Q_LINEAR_MAT_MUL:
    case OP_Q_LINEAR_CONV:
        return i == 1 || i == 4 || i == 6;
    default:
        return false;
    }
}

static int32_t significant_bits(enum element_type type)
{
    return (int32_t)element_float_format(type).fraction_bits;
}

/* Fraction bits that hold every number of the type from `smallest` on. */
static int32_t exact_bits(enum element_type type, double smallest)
{
    enum { MOST = 100 };
    if (!element_type_is_float(type))
        return 0;
    int32_t bits = significant_bits(type) - (smallest > 0 ? ilogb(smallest) : 0);
    return bits > MOST ? MOST : bits;
}

static void ask_exact(struct exact *e, uint32_t v, int32_t bits)
{
    int32_t *least = &e->values[v].least_fraction;
    *least = bits > *least ? bits : *least;
}

/* The same for v, and for what it is moved from. */
static void ask_exact_sources(struct exact *e, uint32_t v, int32_t bits)
{
    const struct graph *graph = e->graph;
    ask_exact(e, v, bits);
    while (graph->values[v].kind == VALUE_NODE &&
           moves_floats(graph, &graph->nodes[graph->values[v].producer])) {
        v = graph->nodes[graph->values[v].producer].inputs[0];
        ask_exact(e, v, bits);
    }
}

/*
 * Scales of quantized operators, what is quantized, boxes and scores that are compared, numbers of
 * float types with at most 8 bits, and inputs with 16.
 * A number below half a scale is quantized to 0, however it is rounded.
 */
void find_exact(const struct graph *graph, struct value_plan *values)
{
    enum { COMPUTED_BITS = 8 }; /* a computed scale is rounded to its type from these */
    struct exact exact = {graph, values}, *e = &exact;
    for (size_t v = 0; v < graph->value_count; v++) {
        enum element_type type = graph->values[v].type;
        values[v].least_fraction = INT32_MIN;
        if (element_type_is_float(type) && element_type_bits(type) <= 8 && type != ELEMENT_F8E8M0)
            values[v].least_fraction =
                significant_bits(type) - element_float_format(type).least_exponent;
        if (graph->values[v].kind == VALUE_INPUT && (type == ELEMENT_F16 || type == ELEMENT_BF16))
            ask_exact(e, (uint32_t)v, exact_bits(type, values[v].smallest));
    }
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct graph_node *node = &graph->nodes[n];
        for (size_t i = 0; i < node->input_count; i++) {
            uint32_t v = node->inputs[i];
            if (v != GRAPH_NONE && is_scale(node->op, i))
                ask_exact(e, v,
                          exact_bits(graph->values[v].type, values[v].smallest) +
                              (graph->values[v].kind == VALUE_NODE ? COMPUTED_BITS : 0));
        }
        for (size_t i = 0; node->op == OP_NON_MAX_SUPPRESSION && i < node->input_count; i++) {
            uint32_t v = node->inputs[i];
            if (v != GRAPH_NONE && element_type_is_float(graph->values[v].type))
                ask_exact_sources(e, v, exact_bits(graph->values[v].type, values[v].smallest));
        }
        double scale = node->op == OP_QUANTIZE_LINEAR ? values[node->inputs[1]].smallest
                       : node->op == OP_DYNAMIC_QUANTIZE_LINEAR && node->outputs[1] != GRAPH_NONE
                           ? values[node->outputs[1]].smallest
                           : 0;
        if (scale > 0)
            ask_exact_sources(e, node->inputs[0],
                              exact_bits(graph->values[node->inputs[0]].type, scale / 2));
    }
}
