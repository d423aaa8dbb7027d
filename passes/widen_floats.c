/* See widen_floats.h. */
#include "passes/widen_floats.h"

#include <string.h>

#include "ir/ops.h"

static bool is_small_type(enum element_type type)
{
    return type == ELEMENT_F16 || type == ELEMENT_BF16;
}

static bool is_small(const struct graph *graph, uint32_t v)
{
    return v != GRAPH_NONE && is_small_type(graph->values[v].type);
}

/* Whether a node reads or writes the pattern of a number, or chooses by its type. */
static bool depends_on_type(const struct graph *graph, const struct graph_node *node)
{
    bool touches = false;
    for (size_t i = 0; i < node->input_count; i++)
        touches |= is_small(graph, node->inputs[i]);
    for (size_t k = 0; k < node->output_count; k++)
        touches |= is_small(graph, node->outputs[k]);
    return touches && (node->op == OP_BIT_CAST || node->op == OP_QUANTIZE_LINEAR ||
                       node->op == OP_DEQUANTIZE_LINEAR || node->op == OP_DYNAMIC_QUANTIZE_LINEAR);
}

/* Numbers that are computed, and so rounded; 0 when the model has to stay. */
static uint64_t count_rounded(const struct graph *graph)
{
    uint64_t rounded = 0;
    for (size_t o = 0; o < graph->output_count; o++)
        if (is_small(graph, graph->outputs[o]) &&
            graph->values[graph->outputs[o]].producer == GRAPH_NONE)
            return 0;
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct graph_node *node = &graph->nodes[n];
        bool moves = (op_info(node->op)->traits & TRAIT_MOVEMENT) != 0 || node->op == OP_RELU ||
                     node->op == OP_MAX_POOL;
        if (depends_on_type(graph, node))
            return 0;
        for (size_t k = 0; k < node->output_count && !moves; k++) {
            size_t count = 0;
            if (is_small(graph, node->outputs[k]) &&
                shape_count(&graph->values[node->outputs[k]].shape, SIZE_MAX, &count))
                rounded += count;
        }
    }
    return rounded;
}

struct widening {
    struct graph *graph;
    struct graph_node *nodes; /* the new list */
    size_t count;
    bool failed;
};

/* Appends a Cast to the new list. */
static void append_cast(struct widening *w, const char *name, uint32_t from, uint32_t to)
{
    struct arena *arena = w->graph->arena;
    uint32_t *in = arena_array(arena, uint32_t, 1), *out = arena_array(arena, uint32_t, 1);
    struct graph_attribute *type = arena_new(arena, struct graph_attribute);
    w->failed |= in == NULL || out == NULL || type == NULL;
    if (w->failed)
        return;
    *in = from;
    *out = to;
    *type = (struct graph_attribute){
        .name = "to", .kind = ATTRIBUTE_INT, .integer = w->graph->values[to].type};
    w->nodes[w->count++] = (struct graph_node){.op = OP_CAST,
                                               .name = name,
                                               .opset = 13,
                                               .inputs = in,
                                               .input_count = 1,
                                               .outputs = out,
                                               .output_count = 1,
                                               .attributes = type,
                                               .attribute_count = 1};
}

/* A computed value beside v, of another type; GRAPH_NONE without memory. */
static uint32_t add_beside(struct widening *w, uint32_t v, const char *suffix,
                           enum element_type type)
{
    struct graph *graph = w->graph;
    const char *name = arena_printf(graph->arena, "%s.%s", graph->values[v].name, suffix);
    uint32_t made = name == NULL ? GRAPH_NONE : graph_add_value(graph, name, VALUE_NODE, type);
    w->failed |= made == GRAPH_NONE;
    if (w->failed)
        return GRAPH_NONE;
    graph->values[made].shape = graph->values[v].shape;
    graph->values[made].shape_known = true;
    return made;
}

static void replace_uses(struct graph *graph, uint32_t from, uint32_t to)
{
    for (size_t n = 0; n < graph->node_count; n++)
        for (size_t i = 0; i < graph->nodes[n].input_count; i++)
            if (graph->nodes[n].inputs[i] == from)
                graph->nodes[n].inputs[i] = to;
}

/* What a graph input is read as. */
static void widen_input(struct widening *w, uint32_t v)
{
    uint32_t wide = is_small(w->graph, v) ? add_beside(w, v, "float32", ELEMENT_F32) : GRAPH_NONE;
    if (wide == GRAPH_NONE)
        return;
    replace_uses(w->graph, v, wide);
    append_cast(w, w->graph->values[wide].name, v, wide);
}

/* An output that a node computes gets a value of its own: v, which that node computes, comes to
 * have more bits. */
static void narrow_output(struct widening *w, size_t o)
{
    struct graph *graph = w->graph;
    uint32_t v = graph->outputs[o];
    if (!is_small(graph, v))
        return;
    uint32_t shown = add_beside(w, v, "float32", graph->values[v].type);
    if (shown == GRAPH_NONE)
        return;
    const char *name = graph->values[shown].name;
    struct graph_value own = graph->values[v];
    graph->values[v].name = name;
    graph->values[v].map_keys = graph->values[v].text_table = NULL;
    graph->values[v].sequence = NULL;
    own.producer = GRAPH_NONE;
    graph->values[shown] = own;
    graph->outputs[o] = shown;
    append_cast(w, own.name, v, shown);
}

/* Attributes that name a type of 16 bits. */
static void widen_attributes(struct graph_node *node)
{
    for (size_t a = 0; a < node->attribute_count; a++) {
        struct graph_attribute *attribute = &node->attributes[a];
        bool is_type = strcmp(attribute->name, "to") == 0 ||
                       strcmp(attribute->name, "dtype") == 0 ||
                       strcmp(attribute->name, "output_dtype") == 0;
        if (is_type && attribute->kind == ATTRIBUTE_INT &&
            is_small_type((enum element_type)attribute->integer))
            attribute->integer = ELEMENT_F32;
    }
}

static bool is_output(const struct graph *graph, uint32_t v)
{
    for (size_t o = 0; o < graph->output_count; o++)
        if (graph->outputs[o] == v)
            return true;
    return false;
}

/* Stored and computed values; outputs keep their type. */
static void widen_values(struct widening *w)
{
    struct graph *graph = w->graph;
    for (uint32_t v = 0; v < graph->value_count; v++) {
        struct graph_value *value = &graph->values[v];
        if (!is_small_type(value->type) || value->kind == VALUE_INPUT || is_output(graph, v))
            continue;
        value->type = ELEMENT_F32;
        if (value->data == NULL)
            continue;
        struct tensor *data = arena_memdup(graph->arena, value->data, sizeof *data);
        w->failed |= data == NULL;
        if (w->failed)
            return;
        data->type = ELEMENT_F32;
        value->data = data;
    }
}

static void widen(struct widening *w)
{
    struct graph *graph = w->graph;
    for (size_t i = 0; i < graph->input_count; i++)
        widen_input(w, graph->inputs[i]);
    for (size_t n = 0; n < graph->node_count && !w->failed; n++) {
        widen_attributes(&graph->nodes[n]);
        w->nodes[w->count++] = graph->nodes[n];
    }
    for (size_t o = 0; o < graph->output_count && !w->failed; o++)
        narrow_output(w, o);
    if (w->failed)
        return;
    graph->nodes = w->nodes;
    graph->node_count = graph->node_capacity = w->count;
    widen_values(w);
    for (uint32_t v = 0; v < graph->value_count; v++)
        graph->values[v].producer = GRAPH_NONE;
    for (size_t n = 0; n < graph->node_count; n++)
        for (size_t k = 0; k < graph->nodes[n].output_count; k++)
            if (graph->nodes[n].outputs[k] != GRAPH_NONE)
                graph->values[graph->nodes[n].outputs[k]].producer = (uint32_t)n;
}

enum status pass_widen_floats(struct graph *graph, uint64_t *count, struct diag *diag)
{
    *count = count_rounded(graph);
    if (*count < WIDEN_ELEMENTS_MIN) {
        *count = 0;
        return STATUS_OK;
    }
    struct widening w = {
        .graph = graph,
        .nodes = arena_array(graph->arena, struct graph_node,
                             graph->node_count + graph->input_count + graph->output_count + 1)};
    w.failed = w.nodes == NULL;
    if (!w.failed)
        widen(&w);
    return w.failed ? diag_set(diag, STATUS_NO_MEMORY, "no memory to widen %llu numbers",
                               (unsigned long long)*count)
                    : STATUS_OK;
}
