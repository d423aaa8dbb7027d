/* The tensor graph and the table of operators: see graph.h and ops.h. */
#include "ir/graph.h"

#include <string.h>

#include "ir/ops.h"

static const struct op_info infos[] = {
#define X(name, onnx, domain, min_in, max_in, min_out, max_out, traits)                            \
    {onnx, domain, min_in, max_in, min_out, max_out, traits},
#include "ir/ops.def"
#undef X
};
_Static_assert(sizeof infos / sizeof infos[0] == OP_COUNT, "one row an operator");

const struct op_info *op_info(enum op_kind kind)
{
    ASSERT(kind < OP_COUNT);
    return &infos[kind];
}

bool op_input_is_constant(enum op_kind kind, size_t index)
{
    return index < 8 && (op_info(kind)->traits & TRAIT_CONSTANT_INPUT(index)) != 0;
}

const char *op_name(enum op_kind kind)
{
    return op_info(kind)->name;
}

struct graph *graph_new(struct arena *arena, const char *name)
{
    struct graph *graph = arena_array(arena, struct graph, 1);
    if (graph != NULL)
        *graph = (struct graph){.arena = arena, .name = name};
    return graph;
}

/* Makes room for one more value, in the array of outer values too. */
static bool reserve_value(struct graph *graph)
{
    if (graph->value_count < graph->value_capacity)
        return true;
    size_t capacity = graph->value_capacity == 0 ? 16 : 2 * graph->value_capacity;
    struct graph_value *values = arena_array(graph->arena, struct graph_value, capacity);
    uint32_t *outer = arena_array(graph->arena, uint32_t, capacity);
    if (values == NULL || outer == NULL || capacity > GRAPH_NONE)
        return false;
    for (size_t i = 0; i < graph->value_count; i++) {
        values[i] = graph->values[i];
        outer[i] = graph->outer_values[i];
    }
    graph->values = values;
    graph->outer_values = outer;
    graph->value_capacity = capacity;
    return true;
}

uint32_t graph_add_value(struct graph *graph, const char *name, enum graph_value_kind kind,
                         enum element_type type)
{
    ASSERT(name != NULL);
    if (!reserve_value(graph))
        return GRAPH_NONE;
    uint32_t index = (uint32_t)graph->value_count++;
    graph->values[index] =
        (struct graph_value){.name = name, .kind = kind, .type = type, .producer = GRAPH_NONE};
    graph->outer_values[index] = GRAPH_NONE;
    return index;
}

uint32_t graph_add_outer_value(struct graph *graph, uint32_t parent_value)
{
    ASSERT(graph->parent != NULL && parent_value < graph->parent->value_count);
    for (size_t i = 0; i < graph->value_count; i++)
        if (graph->outer_values[i] == parent_value)
            return (uint32_t)i;
    struct graph_value source = graph->parent->values[parent_value];
    uint32_t index = graph_add_value(graph, source.name, VALUE_NODE, source.type);
    if (index == GRAPH_NONE)
        return GRAPH_NONE;
    source.producer = GRAPH_NONE;
    if (source.kind == VALUE_INPUT)
        source.kind = VALUE_NODE;
    graph->values[index] = source;
    graph->outer_values[index] = parent_value;
    return index;
}

static bool reserve_node(struct graph *graph)
{
    if (graph->node_count < graph->node_capacity)
        return true;
    size_t capacity = graph->node_capacity == 0 ? 16 : 2 * graph->node_capacity;
    struct graph_node *nodes = arena_array(graph->arena, struct graph_node, capacity);
    if (nodes == NULL || capacity > GRAPH_NONE)
        return false;
    for (size_t i = 0; i < graph->node_count; i++)
        nodes[i] = graph->nodes[i];
    graph->nodes = nodes;
    graph->node_capacity = capacity;
    return true;
}

/* A copy of a list of values in the arena; NULL only when memory is out. */
static uint32_t *copy_list(struct arena *arena, const uint32_t *list, size_t count)
{
    uint32_t *copy = arena_array(arena, uint32_t, count == 0 ? 1 : count);
    if (copy != NULL && count != 0)
        memcpy(copy, list, count * sizeof *copy);
    return copy;
}

uint32_t graph_add_node(struct graph *graph, enum op_kind op, const char *name,
                        const uint32_t *inputs, size_t input_count, const uint32_t *outputs,
                        size_t output_count)
{
    ASSERT(name != NULL && op < OP_COUNT);
    uint32_t *in = copy_list(graph->arena, inputs, input_count);
    uint32_t *out = copy_list(graph->arena, outputs, output_count);
    if (in == NULL || out == NULL || !reserve_node(graph))
        return GRAPH_NONE;
    uint32_t index = (uint32_t)graph->node_count++;
    graph->nodes[index] = (struct graph_node){.op = op,
                                              .name = name,
                                              .inputs = in,
                                              .input_count = input_count,
                                              .outputs = out,
                                              .output_count = output_count};
    for (size_t i = 0; i < output_count; i++) {
        if (out[i] == GRAPH_NONE)
            continue;
        ASSERT(out[i] < graph->value_count && graph->values[out[i]].producer == GRAPH_NONE);
        graph->values[out[i]].kind = VALUE_NODE;
        graph->values[out[i]].producer = index;
    }
    return index;
}

bool graph_node_add_attribute(struct graph *graph, uint32_t node_index,
                              const struct graph_attribute *attribute)
{
    ASSERT(node_index < graph->node_count && attribute->name != NULL);
    struct graph_node *node = &graph->nodes[node_index];
    size_t count = node->attribute_count;
    /* Capacity is the least power of two, from four up, that holds the count: no field is needed.
     */
    if (count == 0 || (count >= 4 && (count & (count - 1)) == 0)) {
        struct graph_attribute *grown =
            arena_array(graph->arena, struct graph_attribute, count == 0 ? 4 : 2 * count);
        if (grown == NULL)
            return false;
        for (size_t i = 0; i < count; i++)
            grown[i] = node->attributes[i];
        node->attributes = grown;
    }
    node->attributes[node->attribute_count++] = *attribute;
    return true;
}

const struct graph_attribute *graph_attribute(const struct graph_node *node, const char *name)
{
    for (size_t i = 0; i < node->attribute_count; i++)
        if (strcmp(node->attributes[i].name, name) == 0)
            return &node->attributes[i];
    return NULL;
}

int64_t graph_attribute_int(const struct graph_node *node, const char *name, int64_t fallback)
{
    const struct graph_attribute *attribute = graph_attribute(node, name);
    return attribute != NULL && attribute->kind == ATTRIBUTE_INT ? attribute->integer : fallback;
}

double graph_attribute_float(const struct graph_node *node, const char *name, double fallback)
{
    const struct graph_attribute *attribute = graph_attribute(node, name);
    return attribute != NULL && attribute->kind == ATTRIBUTE_FLOAT ? attribute->real : fallback;
}

const char *graph_attribute_text(const struct graph_node *node, const char *name,
                                 const char *fallback)
{
    const struct graph_attribute *attribute = graph_attribute(node, name);
    return attribute != NULL && attribute->kind == ATTRIBUTE_TEXT ? attribute->text : fallback;
}

/* --- validation --------------------------------------------------------------------------------
 */

static enum status broken(struct diag *diag, const struct graph *graph, const char *what,
                          const char *name)
{
    return diag_set(diag, STATUS_BAD_INPUT, "graph '%s': %s '%s'",
                    graph->name == NULL ? "" : graph->name, what, name == NULL ? "" : name);
}

static enum status validate_value(const struct graph *graph, uint32_t index, struct diag *diag)
{
    const struct graph_value *value = &graph->values[index];
    if (value->name == NULL)
        return broken(diag, graph, "a value has no name, before", "");
    bool is_stored = value->kind == VALUE_CONSTANT || value->kind == VALUE_PARAMETER;
    if (is_stored != (value->data != NULL))
        return broken(diag, graph, is_stored ? "no data for" : "unexpected data for", value->name);
    if (is_stored && (value->data->type != value->type || !value->shape_known ||
                      !shape_equal(&value->data->shape, &value->shape)))
        return broken(diag, graph, "type or shape differs from the data of", value->name);
    if (value->shape.rank > TENSOR_RANK_MAX)
        return broken(diag, graph, "rank too large of", value->name);
    uint32_t outer = graph->outer_values[index];
    if (outer != GRAPH_NONE && (graph->parent == NULL || outer >= graph->parent->value_count ||
                                value->producer != GRAPH_NONE))
        return broken(diag, graph, "bad reference to the enclosing graph of", value->name);
    if (value->kind == VALUE_NODE && outer == GRAPH_NONE && value->producer >= graph->node_count)
        return broken(diag, graph, "nothing computes", value->name);
    return STATUS_OK;
}

static enum status validate_bodies(const struct graph *graph, const struct graph_node *node,
                                   struct diag *diag)
{
    for (size_t i = 0; i < node->attribute_count; i++) {
        const struct graph_attribute *attribute = &node->attributes[i];
        if (attribute->kind != ATTRIBUTE_GRAPH)
            continue;
        if (attribute->graph == NULL || attribute->graph->parent != graph)
            return broken(diag, graph, "bad body in node", node->name);
        enum status status = graph_validate(attribute->graph, diag);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* Each operand must be there before node `index` runs: computed earlier, or not computed by a node.
 */
static enum status validate_operands(const struct graph *graph, uint32_t index, struct diag *diag)
{
    const struct graph_node *node = &graph->nodes[index];
    for (size_t i = 0; i < node->input_count; i++) {
        uint32_t value = node->inputs[i];
        if (value == GRAPH_NONE)
            continue;
        if (value >= graph->value_count)
            return broken(diag, graph, "bad operand of node", node->name);
        uint32_t producer = graph->values[value].producer;
        if (producer != GRAPH_NONE && producer >= index)
            return broken(diag, graph, "operand computed too late for node", node->name);
    }
    for (size_t i = 0; i < node->output_count; i++) {
        uint32_t value = node->outputs[i];
        if (value == GRAPH_NONE)
            continue;
        if (value >= graph->value_count || graph->values[value].kind != VALUE_NODE ||
            graph->values[value].producer != index)
            return broken(diag, graph, "bad result of node", node->name);
    }
    return STATUS_OK;
}

static enum status validate_node(const struct graph *graph, uint32_t index, struct diag *diag)
{
    const struct graph_node *node = &graph->nodes[index];
    if (node->name == NULL || node->op >= OP_COUNT)
        return broken(diag, graph, "no name or no operator in node", node->name);
    const struct op_info *info = op_info(node->op);
    if (node->input_count < info->min_inputs || node->input_count > info->max_inputs)
        return broken(diag, graph, "wrong number of operands of node", node->name);
    for (size_t i = 0; i < node->input_count && i < info->min_inputs; i++)
        if (node->inputs[i] == GRAPH_NONE && node->op != OP_LOOP)
            return broken(diag, graph, "a required operand is missing in node", node->name);
    if (node->output_count < info->min_outputs || node->output_count > info->max_outputs)
        return broken(diag, graph, "wrong number of results of node", node->name);
    enum status status = validate_operands(graph, index, diag);
    return status == STATUS_OK ? validate_bodies(graph, node, diag) : status;
}

enum status graph_validate(const struct graph *graph, struct diag *diag)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < graph->value_count && status == STATUS_OK; i++)
        status = validate_value(graph, (uint32_t)i, diag);
    for (size_t i = 0; i < graph->node_count && status == STATUS_OK; i++)
        status = validate_node(graph, (uint32_t)i, diag);
    for (size_t i = 0; i < graph->input_count && status == STATUS_OK; i++) {
        uint32_t value = graph->inputs[i];
        if (value >= graph->value_count || graph->values[value].kind != VALUE_INPUT)
            status = broken(diag, graph, "a graph input is not an input value, in", "inputs");
    }
    for (size_t i = 0; i < graph->output_count && status == STATUS_OK; i++)
        if (graph->outputs[i] >= graph->value_count)
            status = broken(diag, graph, "a graph output does not exist, in", "outputs");
    return status;
}

bool graph_list_uses(struct graph_uses *uses, const struct graph *graph, struct arena *arena)
{
    uint32_t *first = arena_array(arena, uint32_t, graph->value_count + 2);
    *uses = (struct graph_uses){.first = first};
    if (first == NULL)
        return false;
    for (size_t n = 0; n < graph->node_count; n++)
        for (size_t i = 0; i < graph->nodes[n].input_count; i++)
            if (graph->nodes[n].inputs[i] != GRAPH_NONE)
                first[graph->nodes[n].inputs[i] + 2]++;
    for (size_t v = 0; v < graph->value_count; v++)
        first[v + 2] += first[v + 1];
    uses->item = arena_array(arena, struct graph_use, first[graph->value_count + 1] + 1);
    if (uses->item == NULL)
        return false;
    /* first[v + 1] runs from the first use of v to that of v + 1. */
    for (size_t n = 0; n < graph->node_count; n++)
        for (size_t i = 0; i < graph->nodes[n].input_count; i++)
            if (graph->nodes[n].inputs[i] != GRAPH_NONE)
                uses->item[first[graph->nodes[n].inputs[i] + 1]++] =
                    (struct graph_use){(uint32_t)n, (uint32_t)i};
    return true;
}

bool graph_value_is_called(const struct graph_value *value, const char *name)
{
    return strcmp(value->name, name) == 0 ||
           (value->sequence != NULL && strcmp(value->sequence, name) == 0);
}
