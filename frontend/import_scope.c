/* Names of graphs, bodies and functions, and what they stand for. See import_node.h. */
#include <string.h>

#include "frontend/import_node.h"

struct import_unit *unit_new(struct importer *importer, const char *name,
                             struct import_unit *parent)
{
    struct import_unit *unit = arena_new(importer->arena, struct import_unit);
    struct graph *graph = graph_new(importer->arena, name);
    if (unit == NULL || graph == NULL) {
        importer->fatal = STATUS_NO_MEMORY;
        return NULL;
    }
    graph->parent = parent == NULL ? NULL : parent->graph;
    *unit = (struct import_unit){.graph = graph, .parent = parent};
    return unit;
}

struct import_scope *scope_new(struct importer *importer, struct import_scope *parent,
                               struct import_unit *unit)
{
    struct import_scope *scope = arena_new(importer->arena, struct import_scope);
    if (scope == NULL || unit == NULL) {
        importer->fatal = STATUS_NO_MEMORY;
        return NULL;
    }
    *scope = (struct import_scope){.parent = parent, .unit = unit, .prefix = ""};
    if (parent != NULL) {
        scope->call = parent->call;
        scope->opsets = parent->opsets;
        scope->opset_count = parent->opset_count;
        scope->prefix = parent->prefix;
    }
    names_init(&scope->names, importer->arena);
    return scope;
}

bool scope_define(struct importer *importer, struct import_scope *scope, const char *name,
                  const struct binding *binding)
{
    uint32_t before = scope->names.count;
    uint32_t number = names_add(&scope->names, name);
    if (number == NAME_NONE) {
        importer->fatal = STATUS_NO_MEMORY;
        return false;
    }
    if (number >= scope->binding_capacity) {
        size_t capacity = scope->binding_capacity == 0 ? 16 : 2 * scope->binding_capacity;
        struct binding *grown = arena_array(importer->arena, struct binding, capacity);
        if (grown == NULL) {
            importer->fatal = STATUS_NO_MEMORY;
            return false;
        }
        if (scope->binding_capacity != 0)
            memcpy(grown, scope->binding, scope->binding_capacity * sizeof *grown);
        scope->binding = grown;
        scope->binding_capacity = capacity;
    }
    if (scope->names.count == before)
        return false;
    scope->binding[number] = *binding;
    return true;
}

void scope_break(struct importer *importer, struct import_scope *scope, const char *name)
{
    struct binding broken = {.kind = BINDING_BROKEN};
    uint32_t number = names_find(&scope->names, name);
    if (number == NAME_NONE)
        (void)scope_define(importer, scope, name, &broken);
    else
        scope->binding[number] = broken;
}

/* Turns an initializer into a value of the unit of the scope that defines it. */
static void make_stored(struct importer *importer, struct import_scope *scope, const char *name,
                        struct binding *binding)
{
    struct tensor *tensor = NULL;
    struct diag diag = {0};
    enum status status =
        binding->stored != NULL
            ? onnx_tensor(&tensor, importer->file, binding->stored, importer->arena, &diag)
            : onnx_sparse_tensor(&tensor, importer->file, binding->stored_sparse, importer->arena,
                                 &diag);
    binding->kind = BINDING_BROKEN;
    if (status != STATUS_OK) {
        import_problem(importer, status, "initializer '%s': %s", name, diag.text);
        return;
    }
    char *copy = arena_strdup(importer->arena, name);
    uint32_t value =
        copy == NULL ? GRAPH_NONE : unit_add_stored(importer, scope->unit, copy, tensor);
    if (value == GRAPH_NONE) {
        importer->fatal = STATUS_NO_MEMORY;
        return;
    }
    *binding = (struct binding){.kind = BINDING_VALUE, .value = value};
}

/* The same thing as seen from unit `to`, which is `from` or lies within it. */
static struct binding carry(struct importer *importer, struct import_unit *to,
                            const struct import_unit *from, struct binding binding)
{
    if (to == from || (binding.kind != BINDING_VALUE && binding.kind != BINDING_SEQUENCE))
        return binding;
    ASSERT(to->parent != NULL);
    binding = carry(importer, to->parent, from, binding);
    struct binding broken = {.kind = BINDING_BROKEN};
    if (binding.kind == BINDING_VALUE) {
        const struct tensor *known = unit_value_info(to->parent, binding.value).data;
        uint32_t value = graph_add_outer_value(to->graph, binding.value);
        if (value == GRAPH_NONE) {
            importer->fatal = STATUS_NO_MEMORY;
            return broken;
        }
        if (known != NULL && to->graph->values[value].data == NULL)
            unit_set_known(importer, to, value, known);
        binding.value = value;
        return binding;
    }
    struct binding *item = arena_array(importer->arena, struct binding, binding.item_count);
    if (item == NULL) {
        importer->fatal = STATUS_NO_MEMORY;
        return broken;
    }
    for (size_t i = 0; i < binding.item_count; i++)
        item[i] = carry(importer, to, to->parent, binding.item[i]);
    binding.item = item;
    return binding;
}

struct binding scope_lookup(struct importer *importer, struct import_scope *scope, const char *name)
{
    for (struct import_scope *at = scope; at != NULL; at = at->parent) {
        uint32_t number = names_find(&at->names, name);
        if (number == NAME_NONE)
            continue;
        if (at->binding[number].kind == BINDING_STORED)
            make_stored(importer, at, name, &at->binding[number]);
        return carry(importer, scope->unit, at->unit, at->binding[number]);
    }
    return (struct binding){.kind = BINDING_NONE};
}

void define_initializers(struct importer *importer, struct import_scope *scope,
                         const Onnx__Graph *graph)
{
    for (size_t i = 0; i < graph->n_initializer; i++) {
        const Onnx__Tensor *stored = graph->initializer[i];
        if (stored->name == NULL || stored->name[0] == 0)
            continue;
        if (!scope_define(importer, scope, stored->name,
                          &(struct binding){.kind = BINDING_STORED, .stored = stored}))
            import_problem(importer, STATUS_BAD_INPUT, "initializer '%s' is defined twice",
                           stored->name);
    }
    for (size_t i = 0; i < graph->n_sparse_initializer; i++) {
        const Onnx__SparseTensor *stored = graph->sparse_initializer[i];
        const char *name = stored->values == NULL ? NULL : stored->values->name;
        if (name == NULL || name[0] == 0)
            continue;
        if (!scope_define(importer, scope, name,
                          &(struct binding){.kind = BINDING_STORED, .stored_sparse = stored}))
            import_problem(importer, STATUS_BAD_INPUT, "initializer '%s' is defined twice", name);
    }
}
