/*
 * Import rule of If. A condition that is known picks its branch; otherwise both branches are
 * computed and each tensor of their outputs is chosen, so that outputs which are sequences have to
 * agree in their structure.
 */
#include <stdio.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"

/* A branch as a body, and what its outputs are. Returns NULL after a failure, reported or not. */
static struct import_scope *import_branch(struct import_node *n, const char *attribute,
                                          struct binding *outputs)
{
    const Onnx__Graph *graph = attr_graph(n, attribute);
    if (graph != NULL && graph->n_output < n->out_count) {
        rule_fail(n, STATUS_BAD_INPUT, "its %s has %zu outputs, the node %zu", attribute,
                  graph->n_output, n->out_count);
        return NULL;
    }
    struct import_scope *body = import_body_begin(n, graph);
    if (body == NULL || !import_body_end_any(n, body, graph, outputs, n->out_count))
        return NULL;
    stage_graph(n, attribute, body->unit->graph);
    return body;
}

/* "a sequence of 3 items" */
static void describe(char text[64], const struct binding *binding)
{
    if (binding->kind == BINDING_SEQUENCE)
        snprintf(text, 64, "a sequence of %zu item%s", binding->item_count,
                 binding->item_count == 1 ? "" : "s");
    else
        snprintf(text, 64, "%s", binding->kind == BINDING_VALUE ? "a tensor" : "an empty optional");
}

/* Which of two sequences it is, and how long they are, is structure, which a condition that is
 * computed cannot decide: both branches have to agree in it. */
static void require_same_structure(struct import_node *n, size_t output, const struct binding *yes,
                                   const struct binding *no)
{
    if (yes->kind != no->kind || yes->item_count != no->item_count) {
        char a[64], b[64];
        describe(a, yes);
        describe(b, no);
        rule_fail(n, STATUS_UNSUPPORTED,
                  "output %zu is, or holds, %s in then_branch and %s in else_branch, and which of "
                  "them depends on the input data; bind the input that decides it with --bind, or "
                  "give both branches the same structure",
                  output, a, b);
    }
    for (size_t i = 0;
         n->status == STATUS_OK && yes->kind == BINDING_SEQUENCE && i < yes->item_count; i++)
        require_same_structure(n, output, &yes->item[i], &no->item[i]);
}

/* Puts the results of the node, in order, into the place of a branch's tensors. */
static void take_results(struct import_node *n, struct binding *binding, const uint32_t **result)
{
    if (binding->kind == BINDING_VALUE)
        binding->value = *(*result)++;
    if (binding->kind != BINDING_SEQUENCE)
        return;
    struct binding *item = arena_array(n->importer->arena, struct binding, binding->item_count);
    if (item == NULL) {
        rule_out_of_memory(n);
        return;
    }
    for (size_t i = 0; i < binding->item_count; i++) {
        item[i] = binding->item[i];
        take_results(n, &item[i], result);
    }
    binding->item = item;
}

/* If of a condition that is computed: both branches are, and each tensor of their outputs is
 * chosen, also those within sequences. */
static void keep_if(struct import_node *n, uint32_t condition)
{
    struct binding *outputs = arena_array(n->importer->arena, struct binding, 2 * n->out_count);
    if (outputs == NULL) {
        rule_out_of_memory(n);
        return;
    }
    struct binding *others = outputs + n->out_count;
    struct import_scope *yes = import_branch(n, "then_branch", outputs);
    struct import_scope *no = import_branch(n, "else_branch", others);
    if (yes == NULL || no == NULL)
        return;
    for (size_t i = 0; i < n->out_count && n->status == STATUS_OK; i++)
        require_same_structure(n, i, &outputs[i], &others[i]);
    size_t count = yes->unit->graph->output_count;
    uint32_t *out = arena_array(n->importer->arena, uint32_t, count);
    if (out == NULL)
        rule_out_of_memory(n);
    if (n->status != STATUS_OK)
        return;
    if (count > 0)
        emit_outputs(n, OP_IF, &condition, 1, out, count);
    for (size_t k = 0; k < count; k++) {
        struct value_info a = import_body_output_info(yes, k), b = import_body_output_info(no, k);
        a.shape_known = a.shape_known && b.shape_known && shape_equal(&a.shape, &b.shape);
        import_set_info(n, out[k], &a);
    }
    const uint32_t *result = out;
    for (size_t i = 0; i < n->out_count; i++) {
        take_results(n, &outputs[i], &result);
        if (outputs[i].kind == BINDING_VALUE)
            set_output(n, i, outputs[i].value);
        else
            set_output_binding(n, i, &outputs[i]);
    }
}

/* If: a condition known now picks its branch, which then stands in the place of the node. */
void import_if(struct import_node *n)
{
    uint32_t condition = required(n, 0);
    const struct tensor *known = value_known(n, condition);
    if (n->status != STATUS_OK)
        return;
    if (known == NULL || known->count != 1 || known->type != ELEMENT_BOOL) {
        want_switch(n, condition, 1);
        keep_if(n, condition);
        return;
    }
    const Onnx__Graph *branch =
        attr_graph(n, known->data.integer[0] != 0 ? "then_branch" : "else_branch");
    if (branch == NULL) {
        rule_fail(n, STATUS_BAD_INPUT, "its branch is missing");
        return;
    }
    struct binding *outputs = arena_array(n->importer->arena, struct binding, n->out_count);
    if (outputs == NULL) {
        rule_out_of_memory(n);
        return;
    }
    import_inline_graph(n, branch, outputs, n->out_count);
    for (size_t i = 0; i < n->out_count; i++)
        set_output_binding(n, i, &outputs[i]);
}
