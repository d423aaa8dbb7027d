/*
 * What is left of a body in which a node failed. The body is not emitted, but its other nodes can
 * be judged: those whose shapes are known stand in the enclosing graph as if they ran there, the
 * inputs of the body being inputs. Only for a model that is refused. See import_node.h.
 */
#include <string.h>

#include "frontend/import_node.h"

void import_want(struct importer *importer, struct import_unit *unit, uint32_t value)
{
    if (unit->wanted_count == unit->wanted_capacity) {
        size_t capacity = unit->wanted_capacity == 0 ? 16 : 2 * unit->wanted_capacity;
        uint32_t *grown = arena_array(importer->arena, uint32_t, capacity);
        if (grown == NULL) {
            importer->fatal = STATUS_NO_MEMORY;
            return;
        }
        if (unit->wanted_count > 0)
            memcpy(grown, unit->wanted, unit->wanted_count * sizeof *grown);
        unit->wanted = grown;
        unit->wanted_capacity = capacity;
    }
    unit->wanted[unit->wanted_count++] = value;
}

/* Values of a body and what they are in the enclosing graph, GRAPH_NONE when nothing. */
struct hoist {
    struct importer *importer;
    struct graph *from, *to;
    uint32_t *map;
};

static uint32_t copy_value(struct hoist *h, uint32_t v)
{
    const struct graph_value *source = &h->from->values[v];
    uint32_t copy = graph_add_value(h->to, source->name, source->kind, source->type);
    if (copy == GRAPH_NONE) {
        h->importer->fatal = STATUS_NO_MEMORY;
        return copy;
    }
    struct graph_value *value = &h->to->values[copy];
    value->shape_known = source->shape_known;
    value->shape = source->shape;
    value->data = source->data;
    value->map_keys = source->map_keys;
    value->text_table = source->text_table;
    return copy;
}

static void add_input(struct hoist *h, uint32_t value)
{
    uint32_t *grown = arena_array(h->importer->arena, uint32_t, h->to->input_count + 1);
    if (grown == NULL) {
        h->importer->fatal = STATUS_NO_MEMORY;
        return;
    }
    if (h->to->input_count > 0)
        memcpy(grown, h->to->inputs, h->to->input_count * sizeof *grown);
    grown[h->to->input_count++] = value;
    h->to->inputs = grown;
}

/* Whether everything that the node reads and gives has a place and a shape outside, and no body of
 * its own looks into this one. */
static bool can_stand(const struct hoist *h, const struct graph_node *node)
{
    bool can = true;
    for (size_t i = 0; i < node->input_count; i++)
        can = can && (node->inputs[i] == GRAPH_NONE || h->map[node->inputs[i]] != GRAPH_NONE);
    for (size_t i = 0; i < node->output_count; i++)
        can = can &&
              (node->outputs[i] == GRAPH_NONE || h->from->values[node->outputs[i]].shape_known);
    for (size_t i = 0; i < node->attribute_count; i++)
        can = can && node->attributes[i].kind != ATTRIBUTE_GRAPH;
    return can;
}

static void hoist_node(struct hoist *h, const struct graph_node *node)
{
    struct arena *arena = h->importer->arena;
    uint32_t *in = arena_array(arena, uint32_t, node->input_count),
             *out = arena_array(arena, uint32_t, node->output_count);
    if (in == NULL || out == NULL) {
        h->importer->fatal = STATUS_NO_MEMORY;
        return;
    }
    for (size_t i = 0; i < node->input_count; i++)
        in[i] = node->inputs[i] == GRAPH_NONE ? GRAPH_NONE : h->map[node->inputs[i]];
    for (size_t i = 0; i < node->output_count; i++) {
        out[i] = GRAPH_NONE;
        if (node->outputs[i] != GRAPH_NONE)
            out[i] = h->map[node->outputs[i]] = copy_value(h, node->outputs[i]);
        if (h->importer->fatal != STATUS_OK)
            return;
    }
    uint32_t index =
        graph_add_node(h->to, node->op, node->name, in, node->input_count, out, node->output_count);
    bool complete = index != GRAPH_NONE;
    for (size_t i = 0; i < node->attribute_count && complete; i++)
        complete = graph_node_add_attribute(h->to, index, &node->attributes[i]);
    if (complete)
        h->to->nodes[index].opset = node->opset;
    else
        h->importer->fatal = STATUS_NO_MEMORY;
}

static void want_mapped(struct hoist *h, struct import_unit *unit, const struct binding *binding)
{
    if (binding->kind == BINDING_VALUE && h->map[binding->value] != GRAPH_NONE)
        import_want(h->importer, unit, h->map[binding->value]);
    for (size_t i = 0; binding->kind == BINDING_SEQUENCE && i < binding->item_count; i++)
        want_mapped(h, unit, &binding->item[i]);
}

void import_hoist_body(struct import_node *n, struct import_unit *body,
                       const struct binding *outputs, size_t count)
{
    struct importer *importer = n->importer;
    struct hoist h = {importer, body->graph, n->unit->graph,
                      arena_array(importer->arena, uint32_t, body->graph->value_count)};
    n->unit->has_hoisted = true;
    if (importer->fatal != STATUS_OK)
        return;
    if (h.map == NULL) {
        importer->fatal = STATUS_NO_MEMORY;
        return;
    }
    for (uint32_t v = 0; v < h.from->value_count && importer->fatal == STATUS_OK; v++) {
        const struct graph_value *value = &h.from->values[v];
        bool is_stored = value->kind == VALUE_CONSTANT || value->kind == VALUE_PARAMETER;
        bool is_input = value->kind == VALUE_INPUT && value->shape_known;
        h.map[v] = h.from->outer_values[v];
        if (h.map[v] == GRAPH_NONE && (is_stored || is_input))
            h.map[v] = copy_value(&h, v);
        if (is_input && h.map[v] != GRAPH_NONE && h.from->outer_values[v] == GRAPH_NONE)
            add_input(&h, h.map[v]);
    }
    for (size_t i = 0; i < h.from->node_count && importer->fatal == STATUS_OK; i++)
        if (can_stand(&h, &h.from->nodes[i]))
            hoist_node(&h, &h.from->nodes[i]);
    for (size_t i = 0; i < body->wanted_count && importer->fatal == STATUS_OK; i++)
        want_mapped(&h, n->unit,
                    &(struct binding){.kind = BINDING_VALUE, .value = body->wanted[i]});
    for (size_t i = 0; i < count && importer->fatal == STATUS_OK; i++)
        want_mapped(&h, n->unit, &outputs[i]);
}
