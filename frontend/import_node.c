/* What every import rule uses: failures, notes, operands, outputs. See import_node.h. */
#include "frontend/import_node.h"

#include <stdarg.h>
#include <string.h>

void rule_fail(struct import_node *n, enum status status, const char *format, ...)
{
    if (n->status != STATUS_OK)
        return;
    va_list arguments;
    va_start(arguments, format);
    n->status = diag_set_v(&n->diag, status, format, arguments);
    va_end(arguments);
}

void rule_break(struct import_node *n)
{
    if (n->status != STATUS_OK)
        return;
    n->status = STATUS_BAD_INPUT;
    n->is_silent = true;
}

void rule_out_of_memory(struct import_node *n)
{
    n->importer->fatal = arena_failure(n->importer->arena, 0, "the graph", &n->diag);
    n->status = n->importer->fatal;
}

static void add_note(struct importer *importer, const char *text)
{
    struct import_notes *notes = importer->notes;
    uint32_t before = importer->notes_seen.count;
    uint32_t number = names_add(&importer->notes_seen, text);
    if (number == NAME_NONE || importer->notes_seen.count == before)
        return;
    if (notes->count == notes->capacity) {
        size_t capacity = notes->capacity == 0 ? 8 : 2 * notes->capacity;
        const char **grown = arena_array(importer->arena, const char *, capacity);
        if (grown == NULL)
            return;
        if (notes->count != 0)
            memcpy(grown, notes->text, notes->count * sizeof *grown);
        notes->text = grown;
        notes->capacity = capacity;
    }
    notes->text[notes->count++] = names_text(&importer->notes_seen, number);
}

void import_note(struct importer *importer, const char *format, ...)
{
    struct diag diag;
    va_list arguments;
    va_start(arguments, format);
    diag_set_v(&diag, STATUS_BAD_INPUT, format, arguments);
    va_end(arguments);
    add_note(importer, diag.text);
}

void rule_note(struct import_node *n, const char *format, ...)
{
    struct diag diag, full;
    va_list arguments;
    va_start(arguments, format);
    diag_set_v(&diag, STATUS_BAD_INPUT, format, arguments);
    va_end(arguments);
    diag_set(&full, STATUS_BAD_INPUT, "%s (%s %d): %s", n->proto->op_type, n->domain, n->version,
             diag.text);
    add_note(n->importer, full.text);
}

void import_problem(struct importer *importer, enum status status, const char *format, ...)
{
    struct diag diag;
    va_list arguments;
    va_start(arguments, format);
    diag_set_v(&diag, status, format, arguments);
    va_end(arguments);
    uint32_t before = importer->told.count;
    if (names_add(&importer->told, diag.text) == NAME_NONE || importer->told.count > before)
        diag_list_add_diag(importer->problems, &diag);
}

bool import_is_clean(const struct importer *importer)
{
    return importer->problems->count + importer->problems->lost == importer->problems_before;
}

uint32_t operand(struct import_node *n, size_t i)
{
    if (n->status != STATUS_OK || i >= n->in_count)
        return GRAPH_NONE;
    if (n->in[i].kind == BINDING_SEQUENCE)
        rule_fail(n, STATUS_BAD_INPUT, "input %zu is a sequence where a tensor is expected", i);
    return n->in[i].kind == BINDING_VALUE ? n->in[i].value : GRAPH_NONE;
}

uint32_t required(struct import_node *n, size_t i)
{
    uint32_t value = operand(n, i);
    if (value == GRAPH_NONE)
        rule_fail(n, STATUS_BAD_INPUT, "input %zu is missing", i);
    return value;
}

enum element_type value_type(const struct import_node *n, uint32_t value)
{
    return value == GRAPH_NONE ? ELEMENT_UNDEFINED : n->unit->graph->values[value].type;
}

const struct shape *value_shape(struct import_node *n, uint32_t value)
{
    if (n->status != STATUS_OK || value == GRAPH_NONE)
        return NULL;
    const struct graph_value *v = &n->unit->graph->values[value];
    if (!v->shape_known) {
        rule_fail(n, STATUS_UNSUPPORTED, "the shape of '%s' is not known at compile time", v->name);
        return NULL;
    }
    return &v->shape;
}

const struct tensor *value_known(const struct import_node *n, uint32_t value)
{
    if (value == GRAPH_NONE)
        return NULL;
    return unit_value_info(n->unit, value).data;
}

bool value_is_text(const struct import_node *n, uint32_t value)
{
    return value != GRAPH_NONE && n->unit->graph->values[value].text_table != NULL;
}

bool output_wanted(const struct import_node *n, size_t i)
{
    return i < n->out_count && n->proto->output[i][0] != 0;
}

void set_output_binding(struct import_node *n, size_t i, const struct binding *binding)
{
    if (n->status != STATUS_OK || !output_wanted(n, i))
        return;
    const char *name = n->proto->output[i];
    if (scope_define(n->importer, n->scope, name, binding) || n->importer->fatal != STATUS_OK)
        return;
    /* A name that a cycle, or a second node, has broken stays so. */
    if (n->scope->binding[names_find(&n->scope->names, name)].kind != BINDING_BROKEN)
        rule_fail(n, STATUS_BAD_INPUT,
                  "output '%s' has the name of an input or initializer; give it another", name);
}

void set_output(struct import_node *n, size_t i, uint32_t value)
{
    if (n->status != STATUS_OK || value == GRAPH_NONE || !output_wanted(n, i))
        return;
    struct graph *graph = n->unit->graph;
    struct graph_value *v = &graph->values[value];
    bool computed_here = v->producer != GRAPH_NONE && v->producer + n->emitted >= graph->node_count;
    if (computed_here) {
        char *name = arena_strdup(n->importer->arena, n->proto->output[i]);
        if (name == NULL) {
            rule_out_of_memory(n);
            return;
        }
        v->name = name;
    }
    set_output_binding(n, i, &(struct binding){.kind = BINDING_VALUE, .value = value});
}
