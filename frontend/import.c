/* The import of a model, start to end: see import.h. */
#include "frontend/import.h"

#include <string.h>

#include "frontend/import_inputs.h"
#include "frontend/import_node.h"
#include "frontend/tensor_parts.h"

/* IR version 14 is the newest this file was written for. */
enum { IR_VERSION_NEWEST = 14 };

static const struct import_bind *find_bind(const struct importer *importer, const char *name)
{
    for (size_t i = 0; i < importer->options->bind_count; i++)
        if (strcmp(importer->options->bind[i].input, name) == 0)
            return &importer->options->bind[i];
    return NULL;
}

static const struct import_sample *find_sample(const struct importer *importer, const char *name)
{
    for (size_t i = 0; i < importer->options->sample_count; i++)
        if (strcmp(importer->options->sample[i].input, name) == 0)
            return &importer->options->sample[i];
    return NULL;
}

/* The elements an input is fixed to, or NULL when it is given at proving time. */
static const struct tensor *fixed_elements(const struct importer *importer, const char *name)
{
    const struct import_bind *bind = find_bind(importer, name);
    if (bind != NULL)
        return bind->tensor;
    for (size_t i = 0; i < importer->needed_count; i++)
        if (strcmp(importer->needed[i], name) == 0)
            return find_sample(importer, name)->tensor;
    return NULL;
}

/* A tensor that is given at run time, or fixed. Returns GRAPH_NONE when memory is out. */
static uint32_t add_tensor_input(struct importer *importer, struct import_scope *scope,
                                 const struct value_spec *spec)
{
    struct graph *graph = scope->unit->graph;
    const struct tensor *fixed = fixed_elements(importer, spec->name);
    bool is_text = spec->type == ELEMENT_STRING;
    uint32_t value;
    if (fixed != NULL) {
        value = unit_add_stored(importer, scope->unit, spec->name, (struct tensor *)fixed);
        if (value != GRAPH_NONE)
            graph->values[value].kind = VALUE_CONSTANT;
    } else {
        value = graph_add_value(graph, spec->name, VALUE_INPUT, is_text ? ELEMENT_I64 : spec->type);
    }
    if (value == GRAPH_NONE) {
        importer->fatal = STATUS_NO_MEMORY;
        return GRAPH_NONE;
    }
    if (fixed == NULL) {
        struct graph_value *v = &graph->values[value];
        v->shape_known = true;
        v->shape = spec->shape;
        v->map_keys = spec->map_keys;
        v->text_table = is_text ? importer->input_pool->table : NULL;
        memcpy(v->dim_symbol, spec->dim_symbol, sizeof v->dim_symbol);
        v->sequence = spec->sequence;
        graph->inputs[graph->input_count++] = value;
    }
    return value;
}

/* What an input stands for; *spec moves on by as many tensors as it holds. */
static struct binding input_binding(struct importer *importer, struct import_scope *scope,
                                    const struct value_tree *tree, const struct value_spec **spec)
{
    struct binding binding = {.kind = BINDING_ABSENT};
    if (tree != NULL && tree->kind == VALUE_TREE_NOTHING)
        return binding;
    if (tree == NULL || tree->kind != VALUE_TREE_LIST) {
        binding.kind = (*spec)->is_broken ? BINDING_BROKEN : BINDING_VALUE;
        if (!(*spec)->is_broken)
            binding.value = add_tensor_input(importer, scope, *spec);
        (*spec)++;
        return binding;
    }
    binding = (struct binding){.kind = BINDING_SEQUENCE,
                               .item = arena_array(importer->arena, struct binding, tree->count),
                               .item_count = tree->count};
    if (binding.item == NULL)
        importer->fatal = STATUS_NO_MEMORY;
    for (size_t i = 0; i < tree->count && importer->fatal == STATUS_OK; i++) {
        binding.item[i] = input_binding(importer, scope, &tree->item[i], spec);
        if (binding.item[i].kind == BINDING_BROKEN)
            binding.kind = BINDING_BROKEN;
    }
    return binding;
}

static void add_inputs(struct importer *importer, struct import_scope *scope,
                       const struct value_spec *spec, size_t count)
{
    const struct value_spec *end = spec + count;
    const Onnx__Graph *graph = importer->file->model->graph;
    const struct value_tree *tree = importer->options->trees;
    for (size_t i = 0; i < graph->n_input && importer->fatal == STATUS_OK; i++) {
        if (!import_is_input(graph, i))
            continue;
        const char *name = graph->input[i]->name == NULL ? "" : graph->input[i]->name;
        struct binding binding = {.kind = BINDING_BROKEN};
        if (spec < end && spec->type == ELEMENT_UNDEFINED && strcmp(spec->name, name) == 0)
            spec++;
        else
            binding = input_binding(importer, scope, tree, &spec);
        if (importer->fatal == STATUS_OK && !scope_define(importer, scope, name, &binding))
            import_problem(importer, STATUS_BAD_INPUT, "two inputs are called '%s'", name);
        tree += tree != NULL;
    }
}

/* One output of the file: a value, or the items of a sequence, each an output. sequence: name of
 * the outermost sequence, NULL outside one. */
static void add_output(struct importer *importer, struct import_scope *scope, const char *name,
                       const char *sequence, const struct binding *binding)
{
    struct graph *graph = scope->unit->graph;
    if (binding->kind == BINDING_BROKEN)
        return;
    if (binding->kind == BINDING_SEQUENCE) {
        for (size_t i = 0; i < binding->item_count; i++) {
            char *item = arena_printf(importer->arena, "%s[%zu]", name, i);
            if (item == NULL)
                importer->fatal = STATUS_NO_MEMORY;
            else
                add_output(importer, scope, item, sequence == NULL ? name : sequence,
                           &binding->item[i]);
        }
        return;
    }
    uint32_t value = binding->value;
    bool is_named =
        graph->values[value].kind == VALUE_NODE && strcmp(graph->values[value].name, name) == 0;
    for (size_t i = 0; i < graph->output_count; i++)
        is_named = is_named && graph->outputs[i] != value;
    if (!is_named) {
        /* An output has its own name, and is computed: an input or a constant handed through is
         * copied. */
        char *copy = arena_strdup(importer->arena, name);
        struct graph_value source = graph->values[value];
        const struct tensor *known = unit_value_info(scope->unit, value).data;
        uint32_t out =
            copy == NULL ? GRAPH_NONE : graph_add_value(graph, copy, VALUE_NODE, source.type);
        if (out == GRAPH_NONE ||
            graph_add_node(graph, OP_IDENTITY, copy, &value, 1, &out, 1) == GRAPH_NONE) {
            importer->fatal = STATUS_NO_MEMORY;
            return;
        }
        graph->values[out].shape_known = source.shape_known;
        graph->values[out].shape = source.shape;
        graph->values[out].map_keys = source.map_keys;
        graph->values[out].text_table = source.text_table;
        if (known != NULL)
            unit_set_known(importer, scope->unit, out, known);
        value = out;
    }
    graph->values[value].sequence =
        sequence == NULL ? NULL : arena_strdup(importer->arena, sequence);
    uint32_t *grown = arena_array(importer->arena, uint32_t, graph->output_count + 1);
    if (grown == NULL) {
        importer->fatal = STATUS_NO_MEMORY;
        return;
    }
    if (graph->output_count != 0)
        memcpy(grown, graph->outputs, graph->output_count * sizeof *grown);
    grown[graph->output_count++] = value;
    graph->outputs = grown;
}

void importer_add_count(struct importer *importer, const char *name, uint32_t value)
{
    struct result_count *count = arena_new(importer->arena, struct result_count), **end;
    if (count == NULL) {
        importer->fatal = STATUS_NO_MEMORY;
        return;
    }
    for (end = &importer->counts; *end != NULL; end = &(*end)->next)
        ;
    *count = (struct result_count){NULL, name, value};
    *end = count;
}

/* Outputs NAME_count that say how many results the values of --max-dim hold. */
static void add_counts(struct importer *importer, struct import_scope *scope)
{
    for (const struct result_count *c = importer->counts; c != NULL; c = c->next) {
        struct binding binding = {.kind = BINDING_VALUE, .value = c->value};
        char *name = arena_printf(importer->arena, "%s_count", c->name);
        if (scope->unit->graph->values[c->value].kind != VALUE_NODE)
            continue;
        if (name == NULL)
            importer->fatal = STATUS_NO_MEMORY;
        else
            add_output(importer, scope, name, NULL, &binding);
    }
    const struct import_options *options = importer->options;
    bool is_whole = import_is_clean(importer);
    for (size_t i = 0; is_whole && i < options->max_dim_count; i++)
        if (!importer->max_dim_used[i])
            import_problem(importer, STATUS_BAD_INPUT,
                           "--max-dim %s: no operator of the main graph has a result of that name "
                           "whose size depends on elements",
                           options->max_dim[i].name);
}

/*
 * A declared output that contradicts what the nodes give. A wrong type is refused; wrong shapes are
 * common in what scikit-learn's exporter writes, and harmless, so they are noted.
 */
static void check_declared(struct importer *importer, struct import_scope *scope,
                           const Onnx__ValueInfo *info, uint32_t value)
{
    const struct graph_value *v = &scope->unit->graph->values[value];
    const Onnx__Type *type = info->type;
    if (type == NULL || type->value_case != ONNX__TYPE__VALUE_TENSOR_TYPE)
        return;
    enum element_type declared = (enum element_type)type->tensor_type->elem_type;
    enum element_type found = v->text_table != NULL ? ELEMENT_STRING : v->type;
    if (declared != ELEMENT_UNDEFINED && found != ELEMENT_UNDEFINED && declared != found)
        import_problem(importer, STATUS_BAD_INPUT,
                       "output '%s' is declared %s but is %s; declare it as it is, or cast it",
                       info->name, element_type_name(declared), element_type_name(found));
    const Onnx__Shape *shape = type->tensor_type->shape;
    if (shape == NULL || !v->shape_known)
        return;
    bool agrees = shape->n_dim == v->shape.rank;
    for (size_t i = 0; agrees && i < shape->n_dim; i++)
        agrees = shape->dim[i]->value_case != ONNX__SHAPE__DIM__VALUE_DIM_VALUE ||
                 shape->dim[i]->dim_value < 0 || shape->dim[i]->dim_value == v->shape.dim[i];
    struct value_info computed = unit_value_info(scope->unit, value);
    char text[200];
    value_info_text(text, sizeof text, &computed);
    if (!agrees)
        import_note(importer, "output '%s' is %s, which its declared shape contradicts", info->name,
                    text);
}

static void add_outputs(struct importer *importer, struct import_scope *scope,
                        const Onnx__Graph *graph)
{
    for (size_t i = 0; i < graph->n_output && importer->fatal == STATUS_OK; i++) {
        const char *name = graph->output[i]->name == NULL ? "" : graph->output[i]->name;
        struct binding binding = scope_lookup(importer, scope, name);
        if (binding.kind == BINDING_VALUE)
            check_declared(importer, scope, graph->output[i], binding.value);
        bool is_optional = graph->output[i]->type != NULL &&
                           graph->output[i]->type->value_case == ONNX__TYPE__VALUE_OPTIONAL_TYPE;
        if (binding.kind == BINDING_VALUE || binding.kind == BINDING_SEQUENCE)
            add_output(importer, scope, name, NULL, &binding);
        else if (binding.kind != BINDING_BROKEN && !(binding.kind == BINDING_ABSENT && is_optional))
            import_problem(importer, STATUS_BAD_INPUT, "output '%s' is not defined anywhere", name);
        else if (binding.kind == BINDING_BROKEN && import_is_clean(importer))
            import_problem(importer, STATUS_UNSUPPORTED,
                           "output '%s' is one that its node leaves open here; take it out", name);
    }
    add_counts(importer, scope);
    if (graph->n_output == 0)
        import_problem(importer, STATUS_BAD_INPUT, "the model has no outputs");
}

static void check_model(struct importer *importer, const Onnx__Model *model)
{
    if (model->has_ir_version && model->ir_version > IR_VERSION_NEWEST)
        import_note(importer, "the file has IR version %lld; %d is the newest known",
                    (long long)model->ir_version, IR_VERSION_NEWEST);
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const char *domain =
            model->opset_import[i]->domain == NULL ? "" : model->opset_import[i]->domain;
        int64_t version = model->opset_import[i]->version;
        bool is_ml = strcmp(domain, "ai.onnx.ml") == 0;
        int newest = is_ml ? OPSET_ML_NEWEST : OPSET_NEWEST;
        if ((is_ml || domain[0] == 0 || strcmp(domain, "ai.onnx") == 0) &&
            (version < 1 || version > newest))
            import_problem(
                importer, STATUS_UNSUPPORTED,
                "opset %lld of %s: versions 1 to %d are known; export the model with one of them",
                (long long)version, is_ml ? domain : "ai.onnx", newest);
        for (size_t k = 0; k < i; k++) {
            const char *other = model->opset_import[k]->domain;
            if (strcmp(domain, other == NULL ? "" : other) == 0)
                import_note(importer,
                            "opset domain '%s' is imported twice; the higher version counts",
                            domain);
        }
    }
}

/* Whether two strings that nobody knows now are compared with each other. */
static bool compares_texts(const struct graph *graph)
{
    for (size_t i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        bool compares = node->op == OP_EQUAL || node->op == OP_UNIQUE;
        for (size_t k = 0; k < node->input_count; k++) {
            const struct graph_value *v =
                node->inputs[k] == GRAPH_NONE ? NULL : &graph->values[node->inputs[k]];
            compares = compares && v != NULL && v->text_table != NULL && v->data == NULL;
        }
        for (size_t k = 0; k < node->attribute_count; k++)
            compares = compares || (node->attributes[k].graph != NULL &&
                                    compares_texts(node->attributes[k].graph));
        if (compares)
            return true;
    }
    return false;
}

/* Where strings of inputs are compared, words that the model does not have differ too. */
static void tell_words_apart(struct graph *graph)
{
    int64_t words = 0;
    for (size_t i = 0; i < graph->input_count; i++) {
        const struct graph_value *v = &graph->values[graph->inputs[i]];
        size_t count;
        if (v->text_table != NULL && shape_count(&v->shape, TENSOR_ELEMENT_LIMIT, &count))
            words += (int64_t)count;
    }
    bool compares = words > 0 && compares_texts(graph);
    for (size_t i = 0; i < graph->input_count && compares; i++)
        if (graph->values[graph->inputs[i]].text_table != NULL)
            graph->values[graph->inputs[i]].unknown_words = words;
}

/* Of a model with problems: what left-out nodes read is needed as outputs are. */
static void add_wanted(struct importer *importer, const struct import_unit *unit)
{
    struct graph *graph = unit->graph;
    size_t count = 0;
    bool *is_output = arena_array(importer->arena, bool, graph->value_count);
    uint32_t *outputs =
        arena_array(importer->arena, uint32_t, graph->output_count + unit->wanted_count);
    if (is_output == NULL || outputs == NULL) {
        importer->fatal = STATUS_NO_MEMORY;
        return;
    }
    for (size_t i = 0; i < graph->output_count + unit->wanted_count; i++) {
        uint32_t value =
            i < graph->output_count ? graph->outputs[i] : unit->wanted[i - graph->output_count];
        if (graph->values[value].kind == VALUE_NODE && !is_output[value])
            outputs[count++] = value;
        is_output[value] = true;
    }
    graph->outputs = outputs;
    graph->output_count = count;
}

/* One pass over the file; the result counts only when no input was found to be needed, and is the
 * whole model only when no problem came. */
static struct graph *import_once(struct importer *importer)
{
    const Onnx__Model *model = importer->file->model;
    struct value_spec *specs;
    size_t count;
    importer->pools = NULL;
    importer->counts = NULL;
    names_init(&importer->told, importer->arena);
    importer->max_dim_used =
        arena_array(importer->arena, bool, importer->options->max_dim_count + 1);
    importer->input_pool = text_pool_new(importer);
    const char *given = model->graph->name == NULL ? "" : model->graph->name;
    char *name = arena_strdup(importer->arena, given);
    struct import_unit *unit =
        importer->input_pool == NULL || importer->max_dim_used == NULL || name == NULL
            ? NULL
            : unit_new(importer, name, NULL);
    struct import_scope *scope = unit == NULL ? NULL : scope_new(importer, NULL, unit);
    if (scope == NULL) {
        importer->fatal = STATUS_NO_MEMORY;
        return NULL;
    }
    scope->opsets = model->opset_import;
    scope->opset_count = model->n_opset_import;
    importer->random_streams = 0;
    import_forget_trial(importer);
    check_model(importer, model);
    import_list_inputs(importer, &specs, &count);
    for (size_t i = 0; i < count; i++) {
        if (specs[i].open == NULL || strchr(specs[i].open, 's') == NULL)
            continue;
        specs[i].is_broken = true;
        import_problem(importer, STATUS_BAD_INPUT,
                       "input '%s' is a sequence; give inputs with --data, which say how many "
                       "items it has",
                       specs[i].name);
    }
    import_bind_dims(importer, specs, count);
    unit->graph->inputs = arena_array(importer->arena, uint32_t, count);
    if (unit->graph->inputs == NULL)
        importer->fatal = STATUS_NO_MEMORY;
    if (importer->fatal == STATUS_OK)
        add_inputs(importer, scope, specs, count);
    if (importer->fatal == STATUS_OK)
        define_initializers(importer, scope, model->graph);
    const char **wanted = arena_array(importer->arena, const char *, model->graph->n_output);
    if (wanted == NULL)
        importer->fatal = STATUS_NO_MEMORY;
    for (size_t i = 0; wanted != NULL && i < model->graph->n_output; i++)
        wanted[i] = model->graph->output[i]->name == NULL ? "" : model->graph->output[i]->name;
    if (importer->fatal == STATUS_OK)
        import_nodes(importer, scope, model->graph->node, model->graph->n_node, wanted,
                     model->graph->n_output);
    if (importer->fatal == STATUS_OK)
        add_outputs(importer, scope, model->graph);
    if (importer->fatal == STATUS_OK && !import_is_clean(importer))
        add_wanted(importer, unit);
    if (importer->fatal == STATUS_OK) {
        text_pools_fill(importer);
        tell_words_apart(unit->graph);
    }
    return unit->graph;
}

enum status import_graph(struct graph **out, struct onnx_file *file,
                         const struct import_options *options, struct arena *arena,
                         struct diag_list *problems, struct import_notes *notes)
{
    struct importer importer = {
        .arena = arena, .file = file, .options = options, .problems = problems, .notes = notes};
    size_t before = problems->count, lost_before = problems->lost;
    importer.problems_before = before + lost_before;
    *out = NULL;
    names_init(&importer.notes_seen, arena);
    struct graph *graph = NULL;
    size_t needed_before;
    do {
        needed_before = importer.needed_count;
        problems->count = before;
        problems->lost = lost_before;
        graph = import_once(&importer);
    } while (importer.needed_count != needed_before && importer.fatal == STATUS_OK);
    import_forget_trial(&importer);
    if (importer.fatal != STATUS_OK) {
        struct diag diag = {0};
        importer.fatal = arena_failure(arena, 0, "the model", &diag);
        return diag_list_add_diag(problems, &diag);
    }
    struct diag diag = {0};
    enum status status = graph_validate(graph, &diag);
    if (status == STATUS_OK)
        *out = graph;
    if (!import_is_clean(&importer))
        return problems->count > before ? problems->item[before].status : STATUS_NO_MEMORY;
    return status == STATUS_OK ? status : diag_list_add_diag(problems, &diag);
}
