/* The walk over nodes: dispatch to rules, functions inlined, bodies built. See import_node.h. */
#include <stdio.h>
#include <string.h>

#include "frontend/import_node.h"

/* "ai.onnx" for both spellings of the default domain. */
static const char *plain_domain(const char *domain)
{
    return domain == NULL || domain[0] == 0 ? "ai.onnx" : domain;
}

/* The highest version imported for a domain; 0 when there is none. */
static int imported_version(const struct import_scope *scope, const char *domain)
{
    int64_t version = 0;
    for (size_t i = 0; i < scope->opset_count; i++)
        if (strcmp(plain_domain(scope->opsets[i]->domain), domain) == 0 &&
            scope->opsets[i]->version > version)
            version = scope->opsets[i]->version;
    return version > 1000 ? 1000 : (int)version;
}

/* The opset a node means; other domains than those of ONNX count as version 1 when they are not
 * imported. */
static int version_of(struct import_node *n)
{
    int version = imported_version(n->scope, n->domain);
    bool is_onnx = strcmp(n->domain, "ai.onnx") == 0 || strcmp(n->domain, "ai.onnx.ml") == 0;
    if (version == 0 && is_onnx)
        rule_fail(n, STATUS_BAD_INPUT,
                  "the model does not say which opset of %s it means; add it to opset_import",
                  n->domain);
    return version > 0 ? version : 1;
}

static const Onnx__Function *function_of(const Onnx__Model *model, const struct import_node *n)
{
    const char *overload = n->proto->overload == NULL ? "" : n->proto->overload;
    for (size_t i = 0; i < model->n_functions; i++) {
        const Onnx__Function *f = model->functions[i];
        if (f->name != NULL && strcmp(f->name, n->proto->op_type) == 0 &&
            strcmp(plain_domain(f->domain), n->domain) == 0 &&
            strcmp(f->overload == NULL ? "" : f->overload, overload) == 0)
            return f;
    }
    return NULL;
}

/* A function of the model; else, for what no rule knows, one of the files of functions. */
static const Onnx__Function *find_function(const struct import_node *n)
{
    const struct import_options *options = n->importer->options;
    const Onnx__Function *found = function_of(n->importer->file->model, n);
    bool exact;
    if (found != NULL || import_rule_find(n->domain, n->proto->op_type, n->version, &exact) != NULL)
        return found;
    for (size_t i = 0; i < options->function_file_count && found == NULL; i++)
        found = function_of(options->function_files[i].model, n);
    return found;
}

/* Gathers the operands; returns false when one of them comes from a node that failed. */
static bool gather_operands(struct import_node *n)
{
    bool complete = true;
    n->in = arena_array(n->importer->arena, struct binding, n->proto->n_input);
    if (n->in == NULL) {
        rule_out_of_memory(n);
        return false;
    }
    n->in_count = n->proto->n_input;
    char names[400];
    size_t undefined = 0, used = 0;
    for (size_t i = 0; i < n->in_count; i++) {
        const char *name = n->proto->input[i];
        if (name[0] == 0)
            continue;
        n->in[i] = scope_lookup(n->importer, n->scope, name);
        if (n->in[i].kind == BINDING_NONE && used < sizeof names) {
            int wrote = snprintf(names + used, sizeof names - used, "%s'%s'",
                                 undefined++ > 0 ? ", " : "", name);
            used += wrote < 0 ? 0 : (size_t)wrote;
        }
        complete = complete && n->in[i].kind != BINDING_BROKEN;
    }
    if (undefined == 1)
        rule_fail(n, STATUS_BAD_INPUT, "its input %s is not defined anywhere", names);
    else if (undefined > 1)
        rule_fail(n, STATUS_BAD_INPUT, "its inputs %s are not defined anywhere", names);
    while (n->in_count > 0 && n->in[n->in_count - 1].kind == BINDING_NONE)
        n->in_count--;
    return complete;
}

/* "float32 [1, 2], -, int64 []" */
static void operand_text(const struct import_node *n, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < n->in_count && used + 8 < bytes; i++) {
        char one[128] = "-";
        if (n->in[i].kind == BINDING_VALUE) {
            struct value_info info = unit_value_info(n->unit, n->in[i].value);
            value_info_text(one, sizeof one, &info);
        } else if (n->in[i].kind == BINDING_SEQUENCE) {
            strcpy(one, "sequence");
        } else if (n->in[i].kind == BINDING_BROKEN) {
            strcpy(one, "unknown");
        }
        int wrote = snprintf(text + used, bytes - used, "%s%s", i == 0 ? "" : ", ", one);
        used += wrote < 0 ? 0 : (size_t)wrote;
    }
}

/* A node of the file that fails for one reason again and again, in the rounds of a loop or the
 * calls of a function, is reported once. */
static bool is_told(struct import_node *n)
{
    struct names *told = &n->importer->told;
    char *key = arena_printf(n->importer->arena, "%p %s", (const void *)n->proto, n->diag.text);
    uint32_t before = told->count;
    return key != NULL && names_add(told, key) != NAME_NONE && told->count == before;
}

static void report(struct import_node *n)
{
    if (n->importer->fatal != STATUS_OK || n->is_silent || is_told(n))
        return;
    char operands[400];
    operand_text(n, operands, sizeof operands);
    import_problem(n->importer, n->status,
                   "node '%.200s' (%.100s, %.100s opset %d; inputs: %s): %s", n->name,
                   n->proto->op_type, n->domain, n->version, operands[0] == 0 ? "none" : operands,
                   n->diag.text);
}

/* Outputs that a node leaves open, and all of one that failed, so that nobody reports them as
 * undefined. Returns whether one is broken, here or by what the node hangs on. */
static bool break_outputs(struct import_node *n)
{
    bool is_broken = false;
    for (size_t i = 0; i < n->out_count; i++) {
        const char *name = n->proto->output[i];
        if (name[0] == 0)
            continue;
        uint32_t number = names_find(&n->scope->names, name);
        if (n->status != STATUS_OK || number == NAME_NONE)
            scope_break(n->importer, n->scope, name);
        is_broken = is_broken || n->status != STATUS_OK || number == NAME_NONE ||
                    n->scope->binding[number].kind == BINDING_BROKEN;
    }
    return is_broken;
}

/* What was emitted for a node that failed goes, from node `first` of its graph on. Values stay, as
 * inputs that nobody gives: initializers lie among them. */
static void drop_nodes(struct import_node *n, size_t first)
{
    struct graph *graph = n->unit->graph;
    for (size_t i = first; i < graph->node_count; i++)
        for (size_t k = 0; k < graph->nodes[i].output_count; k++)
            if (graph->nodes[i].outputs[k] != GRAPH_NONE) {
                struct graph_value *v = &graph->values[graph->nodes[i].outputs[k]];
                v->kind = VALUE_INPUT;
                v->producer = GRAPH_NONE;
            }
    graph->node_count = first;
}

static void want_binding(struct import_node *n, const struct binding *binding)
{
    if (binding->kind == BINDING_VALUE)
        import_want(n->importer, n->unit, binding->value);
    for (size_t i = 0; binding->kind == BINDING_SEQUENCE && i < binding->item_count; i++)
        want_binding(n, &binding->item[i]);
}

/* The rule of an operator, or NULL, failing the node. */
static const struct import_rule *find_rule(struct import_node *n)
{
    bool exact = true;
    const struct import_rule *rule =
        import_rule_find(n->domain, n->proto->op_type, n->version, &exact);
    bool is_known_domain =
        strcmp(n->domain, "ai.onnx") == 0 || strcmp(n->domain, "ai.onnx.ml") == 0;
    const char *similar = rule == NULL ? import_rule_similar(n->domain, n->proto->op_type) : NULL;
    if (similar != NULL)
        rule_fail(n, STATUS_UNSUPPORTED,
                  "this operator is not supported; the nearest that is, is %s: mend the name, or "
                  "give its body as a function in the model",
                  similar);
    else if (rule == NULL && is_known_domain)
        rule_fail(
            n, STATUS_UNSUPPORTED,
            "this operator is not supported; `sertnc --list-ops` lists those that are; give its "
            "body as a function in the model");
    else if (rule == NULL)
        rule_fail(
            n, STATUS_UNSUPPORTED,
            "the domain %s has no such operator here; give its body as a function in the model, "
            "or in a file with --functions",
            n->domain);
    else if (!exact)
        rule_fail(n, STATUS_BAD_INPUT, "this operator is not part of that opset but of version %d",
                  rule->since);
    return rule;
}

static void look_into_body(struct import_node *n);

static void run_rule(struct import_node *n)
{
    if (n->status == STATUS_OK)
        n->rule = find_rule(n);
    bool complete = gather_operands(n);
    if (n->rule != NULL && n->status == STATUS_OK)
        import_check_required(n);
    bool has_body = n->rule != NULL && (n->rule->kind == OP_LOOP || n->rule->kind == OP_SCAN);
    if (n->rule != NULL && n->status == STATUS_OK)
        import_check_choices(n);
    if (n->rule != NULL && complete && n->status == STATUS_OK)
        n->rule->run(n);
    else if (has_body && n->status == STATUS_OK)
        look_into_body(n);
    n->staged_count = 0;
    for (size_t i = 0; i < n->proto->n_attribute && n->status == STATUS_OK && complete; i++) {
        const char *name = n->proto->attribute[i]->name;
        /* Opset 1 to 5 write consumed_inputs, which says how a runtime may reuse memory. */
        for (size_t k = 0; k < i && name != NULL; k++)
            if (n->proto->attribute[k]->name != NULL &&
                strcmp(n->proto->attribute[k]->name, name) == 0)
                rule_fail(n, STATUS_BAD_INPUT, "attribute '%s' is given twice", name);
        if (name != NULL && strcmp(name, "consumed_inputs") != 0 &&
            !import_rule_accepts(n->rule, name))
            rule_note(n, "attribute '%s' has no meaning for this operator and is ignored", name);
    }
}

void import_one_node(struct importer *importer, struct import_scope *scope, const Onnx__Node *proto,
                     size_t position)
{
    struct import_node *n = arena_new(importer->arena, struct import_node);
    const char *op = proto->op_type == NULL ? "" : proto->op_type;
    const char *given = proto->name == NULL ? "" : proto->name;
    if (n == NULL) {
        importer->fatal = STATUS_NO_MEMORY;
        return;
    }
    *n = (struct import_node){
        .importer = importer, .scope = scope, .unit = scope->unit, .proto = proto};
    n->name = given[0] != 0
                  ? arena_printf(importer->arena, "%s%s", scope->prefix, given)
                  : arena_printf(importer->arena, "%s%s_%zu", scope->prefix, op, position);
    n->out_count = proto->n_output;
    while (n->out_count > 0 && proto->output[n->out_count - 1][0] == 0)
        n->out_count--;
    if (n->name == NULL) {
        importer->fatal = STATUS_NO_MEMORY;
        return;
    }
    n->domain = plain_domain(proto->domain);
    if (op[0] == 0) {
        rule_fail(n, STATUS_BAD_INPUT, "it names no operator");
        import_problem(importer, STATUS_BAD_INPUT, "node '%s' names no operator", n->name);
        break_outputs(n);
        return;
    }
    n->version = version_of(n);
    const size_t first = n->unit->graph->node_count;
    const Onnx__Function *function = find_function(n);
    if (function == NULL) {
        run_rule(n);
    } else if (n->status == STATUS_OK) {
        /* What in its body does not hang on a broken operand is looked at all the same. */
        (void)gather_operands(n);
        if (n->status == STATUS_OK)
            import_call_function(n, function);
    }
    if (n->status != STATUS_OK) {
        report(n);
        drop_nodes(n, first);
    }
    bool is_broken = break_outputs(n);
    for (size_t i = 0; is_broken && i < n->in_count; i++)
        want_binding(n, &n->in[i]);
}

/* --- graphs within graphs --- */

static bool deeper(struct import_node *n)
{
    if (n->importer->depth >= IMPORT_DEPTH_MAX) {
        rule_fail(n, STATUS_LIMIT, "more than %d bodies or functions within one another",
                  IMPORT_DEPTH_MAX);
        return false;
    }
    n->importer->depth++;
    return true;
}

/* A scope of its own for what a node stands for, its names starting with the node's. */
static struct import_scope *inner_scope(struct import_node *n, struct import_scope *parent,
                                        struct import_unit *unit)
{
    struct import_scope *scope = scope_new(n->importer, parent, unit);
    if (scope == NULL ||
        (scope->prefix = arena_printf(n->importer->arena, "%s/", n->name)) == NULL) {
        rule_out_of_memory(n);
        return NULL;
    }
    return scope;
}

/* Names of value infos, in the arena. */
static const char **names_of(struct import_node *n, Onnx__ValueInfo *const *infos, size_t count)
{
    const char **names = arena_array(n->importer->arena, const char *, count);
    if (names == NULL) {
        rule_out_of_memory(n);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        names[i] = infos[i]->name == NULL ? "" : infos[i]->name;
    return names;
}

/* What the outputs of an inner scope stand for. */
static void lookup_outputs(struct import_node *n, struct import_scope *scope,
                           const char *const *names, struct binding *outputs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        outputs[i] = (struct binding){.kind = BINDING_ABSENT};
        if (names[i][0] == 0)
            continue;
        outputs[i] = scope_lookup(n->importer, scope, names[i]);
        if (outputs[i].kind == BINDING_NONE)
            rule_fail(n, STATUS_BAD_INPUT, "the output '%s' of its body is not defined", names[i]);
    }
}

void import_inline_call(struct import_node *n, const Onnx__Graph *graph,
                        const struct binding *inputs, size_t input_count, struct binding *outputs,
                        size_t output_count)
{
    if (n->status != STATUS_OK || !deeper(n))
        return;
    struct import_scope *scope = inner_scope(n, n->scope, n->unit);
    const char **names = names_of(n, graph->output, graph->n_output);
    if (graph->n_output < output_count)
        rule_fail(n, STATUS_BAD_INPUT, "its body has %zu outputs, the node %zu", graph->n_output,
                  output_count);
    if (input_count > 0 && graph->n_input != input_count)
        rule_fail(n, STATUS_BAD_INPUT, "its body has %zu inputs, %zu are given", graph->n_input,
                  input_count);
    for (size_t i = 0; i < input_count && n->status == STATUS_OK; i++) {
        const char *name = graph->input[i]->name == NULL ? "" : graph->input[i]->name;
        if (!scope_define(n->importer, scope, name, &inputs[i]))
            rule_fail(n, STATUS_BAD_INPUT, "an input of its body has no name of its own");
    }
    if (n->status == STATUS_OK) {
        define_initializers(n->importer, scope, graph);
        import_nodes(n->importer, scope, graph->node, graph->n_node, names, output_count);
        lookup_outputs(n, scope, names, outputs, output_count);
    }
    n->importer->depth--;
}

void import_inline_turn(struct import_node *n, const Onnx__Graph *graph, size_t turn,
                        const struct binding *inputs, size_t input_count, struct binding *outputs,
                        size_t output_count)
{
    const char *name = n->name;
    n->name = arena_printf(n->importer->arena, "%s.%zu", name, turn);
    if (n->name == NULL)
        rule_out_of_memory(n);
    else
        import_inline_call(n, graph, inputs, input_count, outputs, output_count);
    n->name = name;
}

void import_inline_graph(struct import_node *n, const Onnx__Graph *graph, struct binding *outputs,
                         size_t output_count)
{
    import_inline_call(n, graph, NULL, 0, outputs, output_count);
}

void import_call_function(struct import_node *n, const Onnx__Function *function)
{
    if (n->status != STATUS_OK || !deeper(n))
        return;
    struct importer *importer = n->importer;
    for (const struct import_call *outer = n->scope->call; outer != NULL; outer = outer->outer)
        if (outer->function == function)
            rule_fail(n, STATUS_BAD_INPUT, "the function '%s' calls itself", function->name);
    struct import_scope *scope = inner_scope(n, NULL, n->unit);
    struct import_call *call = arena_new(importer->arena, struct import_call);
    struct binding *outputs = arena_array(importer->arena, struct binding, function->n_output);
    if (scope == NULL || call == NULL || outputs == NULL) {
        rule_out_of_memory(n);
        return;
    }
    *call = (struct import_call){.node = n->proto, .function = function, .outer = n->scope->call};
    scope->call = call;
    scope->opsets = function->n_opset_import != 0 ? function->opset_import : n->scope->opsets;
    scope->opset_count =
        function->n_opset_import != 0 ? function->n_opset_import : n->scope->opset_count;
    if (n->in_count > function->n_input || n->out_count > function->n_output)
        rule_fail(n, STATUS_BAD_INPUT, "the function has %zu inputs and %zu outputs",
                  function->n_input, function->n_output);
    for (size_t i = 0; i < function->n_input && n->status == STATUS_OK; i++) {
        struct binding binding = {.kind = BINDING_ABSENT};
        if (i < n->in_count && n->in[i].kind != BINDING_NONE)
            binding = n->in[i];
        if (!scope_define(importer, scope, function->input[i], &binding))
            rule_fail(n, STATUS_BAD_INPUT, "the function has two inputs '%s'", function->input[i]);
    }
    if (n->status == STATUS_OK) {
        import_nodes(importer, scope, function->node, function->n_node,
                     (const char *const *)function->output, n->out_count);
        lookup_outputs(n, scope, (const char *const *)function->output, outputs, n->out_count);
    }
    for (size_t i = 0; i < n->out_count && n->status == STATUS_OK; i++)
        set_output_binding(n, i, &outputs[i]);
    importer->depth--;
}

struct import_scope *import_body_begin(struct import_node *n, const Onnx__Graph *graph)
{
    if (n->status != STATUS_OK || graph == NULL) {
        rule_fail(n, STATUS_BAD_INPUT, "its body is missing");
        return NULL;
    }
    if (!deeper(n))
        return NULL;
    const char *name = arena_printf(n->importer->arena, "%s/body", n->name);
    struct import_unit *unit = name == NULL ? NULL : unit_new(n->importer, name, n->unit);
    struct import_scope *scope = unit == NULL ? NULL : inner_scope(n, n->scope, unit);
    if (scope == NULL) {
        rule_out_of_memory(n);
        return NULL;
    }
    define_initializers(n->importer, scope, graph);
    return scope;
}

uint32_t import_body_input(struct import_node *n, struct import_scope *body, const char *name,
                           const struct value_info *info)
{
    if (n->status != STATUS_OK)
        return GRAPH_NONE;
    struct graph *graph = body->unit->graph;
    char *copy = arena_strdup(n->importer->arena, name);
    uint32_t value =
        copy == NULL ? GRAPH_NONE : graph_add_value(graph, copy, VALUE_INPUT, info->type);
    uint32_t *grown = arena_array(n->importer->arena, uint32_t, graph->input_count + 1);
    if (value == GRAPH_NONE || grown == NULL) {
        rule_out_of_memory(n);
        return GRAPH_NONE;
    }
    graph->values[value].shape_known = info->shape_known;
    graph->values[value].shape = info->shape;
    graph->values[value].text_table = info->text_table;
    if (graph->input_count != 0)
        memcpy(grown, graph->inputs, graph->input_count * sizeof *grown);
    grown[graph->input_count++] = value;
    graph->inputs = grown;
    if (!scope_define(n->importer, body, name,
                      &(struct binding){.kind = BINDING_VALUE, .value = value}))
        rule_fail(n, STATUS_BAD_INPUT, "its body has two values '%s'", name);
    return value;
}

/* The tensors of an output, those within its sequences too. */
static size_t count_tensors(const struct binding *output)
{
    size_t count = output->kind == BINDING_VALUE;
    for (size_t i = 0; output->kind == BINDING_SEQUENCE && i < output->item_count; i++)
        count += count_tensors(&output->item[i]);
    return count;
}

static void list_tensors(struct graph *graph, const struct binding *output)
{
    if (output->kind == BINDING_VALUE)
        graph->outputs[graph->output_count++] = output->value;
    for (size_t i = 0; output->kind == BINDING_SEQUENCE && i < output->item_count; i++)
        list_tensors(graph, &output->item[i]);
}

bool binding_is_whole(const struct binding *binding)
{
    bool is_whole = binding->kind != BINDING_BROKEN;
    for (size_t i = 0; binding->kind == BINDING_SEQUENCE && i < binding->item_count; i++)
        is_whole = is_whole && binding_is_whole(&binding->item[i]);
    return is_whole;
}

/* Hoists a broken body, of each in the file the first that is built. */
static void hoist(struct import_node *n, struct import_scope *body, const Onnx__Graph *graph,
                  const struct binding *outputs, size_t count)
{
    struct names *told = &n->importer->told;
    char *key = arena_printf(n->importer->arena, "%p body", (const void *)graph);
    uint32_t before = told->count;
    if (key != NULL && names_add(told, key) != NAME_NONE && told->count > before)
        import_hoist_body(n, body->unit, outputs, count);
}

/* The body of a Loop or Scan with a broken operand: what it says of itself. */
static void look_into_body(struct import_node *n)
{
    struct importer *importer = n->importer;
    const Onnx__Graph *graph = attr_graph(n, "body");
    struct import_scope *body = import_body_begin(n, graph);
    if (body == NULL)
        return;
    const char **names = names_of(n, graph->output, graph->n_output);
    for (size_t i = 0; i < graph->n_input; i++)
        if (graph->input[i]->name != NULL)
            scope_break(importer, body, graph->input[i]->name);
    if (names != NULL)
        import_nodes(importer, body, graph->node, graph->n_node, names, graph->n_output);
    importer->depth--;
    hoist(n, body, graph, NULL, 0);
}

bool import_body_end_any(struct import_node *n, struct import_scope *body, const Onnx__Graph *graph,
                         struct binding *outputs, size_t count)
{
    struct graph *inner = body->unit->graph;
    const char **names = names_of(n, graph->output, graph->n_output);
    if (n->status == STATUS_OK) {
        import_nodes(n->importer, body, graph->node, graph->n_node, names, count);
        lookup_outputs(n, body, names, outputs, count);
    }
    n->importer->depth--;
    size_t tensors = 0;
    bool is_broken = body->unit->has_hoisted;
    for (size_t i = 0; i < count && n->status == STATUS_OK; i++) {
        is_broken = is_broken || !binding_is_whole(&outputs[i]);
        tensors += count_tensors(&outputs[i]);
    }
    if (is_broken && n->status == STATUS_OK) {
        hoist(n, body, graph, outputs, count);
        return false;
    }
    inner->outputs = arena_array(n->importer->arena, uint32_t, tensors);
    if (inner->outputs == NULL)
        rule_out_of_memory(n);
    for (size_t i = 0; i < count && n->status == STATUS_OK; i++)
        list_tensors(inner, &outputs[i]);
    return n->status == STATUS_OK;
}

bool import_body_end(struct import_node *n, struct import_scope *body, const Onnx__Graph *graph)
{
    struct binding *outputs = arena_array(n->importer->arena, struct binding, graph->n_output);
    if (outputs == NULL) {
        rule_out_of_memory(n);
        n->importer->depth--;
        return false;
    }
    if (!import_body_end_any(n, body, graph, outputs, graph->n_output))
        return false;
    for (size_t i = 0; i < graph->n_output; i++) {
        if (outputs[i].kind != BINDING_VALUE)
            rule_fail(n, STATUS_UNSUPPORTED, "output %zu of its body is no tensor", i);
    }
    return n->status == STATUS_OK;
}

struct value_info import_body_output_info(const struct import_scope *body, size_t i)
{
    return unit_value_info(body->unit, body->unit->graph->outputs[i]);
}

void import_set_info(struct import_node *n, uint32_t value, const struct value_info *info)
{
    if (n->status != STATUS_OK || value == GRAPH_NONE)
        return;
    struct graph_value *v = &n->unit->graph->values[value];
    v->type = info->type;
    v->shape_known = info->shape_known;
    v->shape = info->shape;
    v->text_table = info->text_table;
    v->map_keys = info->map_keys;
}
