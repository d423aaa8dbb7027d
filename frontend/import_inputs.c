/*
 * The run-time inputs of a model: what the file declares, and how symbolic dimensions become
 * numbers (DESIGN 1.1): by --dim, else by the shapes in --data, else 1 for the first axis of an
 * input; any other unbound dimension is an error that names the option to give.
 */
#include "frontend/import_inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/tensor_parts.h"

static bool is_initializer(const Onnx__Graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (graph->initializer[i]->name != NULL && strcmp(graph->initializer[i]->name, name) == 0)
            return true;
    for (size_t i = 0; i < graph->n_sparse_initializer; i++) {
        const Onnx__Tensor *values = graph->sparse_initializer[i]->values;
        if (values != NULL && values->name != NULL && strcmp(values->name, name) == 0)
            return true;
    }
    return false;
}

/* Shape of a declared tensor type, unknown dimensions -1. */
static enum status read_shape(struct value_spec *spec, const Onnx__Shape *shape,
                              struct arena *arena, struct diag *diag)
{
    if (shape == NULL)
        return STATUS_OK;
    if (shape->n_dim > TENSOR_RANK_MAX)
        return diag_set(diag, STATUS_LIMIT,
                        "input '%s' has %zu dimensions, at most %d are supported", spec->name,
                        shape->n_dim, TENSOR_RANK_MAX);
    spec->shape_known = true;
    spec->shape.rank = (uint8_t)shape->n_dim;
    for (size_t i = 0; i < shape->n_dim; i++) {
        const Onnx__Shape__Dim *dim = shape->dim[i];
        spec->shape.dim[i] = -1;
        if (dim->value_case == ONNX__SHAPE__DIM__VALUE_DIM_VALUE && dim->dim_value >= 0)
            spec->shape.dim[i] = dim->dim_value;
        if (dim->value_case != ONNX__SHAPE__DIM__VALUE_DIM_PARAM || dim->dim_param[0] == 0)
            continue;
        spec->dim_symbol[i] = arena_strdup(arena, dim->dim_param);
        if (spec->dim_symbol[i] == NULL)
            return arena_failure(arena, 0, "the inputs", diag);
    }
    return STATUS_OK;
}

/* A map is a row of values, one a key. */
static enum status read_map_spec(struct value_spec *spec, const Onnx__Graph *graph,
                                 const Onnx__Type__MapType *map, struct arena *arena,
                                 struct diag *diag)
{
    const Onnx__Type *value = map->value_type;
    struct tensor *keys = NULL;
    enum element_type type = value != NULL && value->value_case == ONNX__TYPE__VALUE_TENSOR_TYPE
                                 ? (enum element_type)value->tensor_type->elem_type
                                 : ELEMENT_UNDEFINED;
    if (!element_type_is_float(type) && !element_type_is_integer(type))
        return diag_set(diag, STATUS_UNSUPPORTED,
                        "input '%s' is a map of something else than numbers", spec->name);
    enum status status = import_map_keys(&keys, graph, spec->name, arena, diag);
    if (status != STATUS_OK)
        return status;
    spec->type = type;
    spec->shape_known = true;
    spec->shape = (struct shape){2, {1, (int64_t)keys->count}};
    spec->map_keys = keys;
    return STATUS_OK;
}

/* The tensor type within sequences and optionals, which `open` gets a letter each for. */
static enum status open_type(const Onnx__Type **type, char *open, const char *name,
                             struct diag *diag)
{
    size_t depth = 0;
    for (; *type != NULL; depth++) {
        bool is_optional = (*type)->value_case == ONNX__TYPE__VALUE_OPTIONAL_TYPE;
        if (!is_optional && (*type)->value_case != ONNX__TYPE__VALUE_SEQUENCE_TYPE)
            break;
        if (depth == VALUE_TREE_DEPTH_MAX)
            return diag_set(diag, STATUS_LIMIT, "input '%s' has more than %d levels of sequences",
                            name, VALUE_TREE_DEPTH_MAX);
        open[depth] = is_optional ? 'o' : 's';
        *type = is_optional ? (*type)->optional_type->elem_type : (*type)->sequence_type->elem_type;
    }
    open[depth] = 0;
    return STATUS_OK;
}

/* Inputs under construction. */
struct inputs {
    const Onnx__Graph *graph;
    struct value_spec *spec;
    size_t count, capacity;
    struct arena *arena;
    struct diag *diag;
};

static struct value_spec *add_spec(struct inputs *inputs)
{
    if (inputs->count == inputs->capacity) {
        size_t capacity = 2 * inputs->capacity + 16;
        struct value_spec *grown = arena_array(inputs->arena, struct value_spec, capacity);
        if (grown == NULL)
            return NULL;
        if (inputs->count != 0)
            memcpy(grown, inputs->spec, inputs->count * sizeof *grown);
        inputs->spec = grown;
        inputs->capacity = capacity;
    }
    return &inputs->spec[inputs->count++];
}

static enum status read_tensor_spec(struct value_spec *spec, const Onnx__Graph *graph,
                                    const Onnx__Type *type, struct arena *arena, struct diag *diag)
{
    if (type == NULL || type->value_case == ONNX__TYPE__VALUE__NOT_SET)
        return diag_set(diag, STATUS_BAD_INPUT, "input '%s' has no type", spec->name);
    if (type->value_case == ONNX__TYPE__VALUE_MAP_TYPE && spec->open == NULL)
        return read_map_spec(spec, graph, type->map_type, arena, diag);
    if (type->value_case != ONNX__TYPE__VALUE_TENSOR_TYPE)
        return diag_set(diag, STATUS_UNSUPPORTED,
                        "input '%s' is sparse, or holds maps in a sequence; tensors, sequences and "
                        "optionals of tensors, and maps are supported as inputs",
                        spec->name);
    struct shape unused;
    size_t count;
    struct tensor_parts parts = {.data_type = type->tensor_type->elem_type};
    enum status status = tensor_parts_check(&parts, &unused, &count, diag);
    if (status != STATUS_OK)
        return diag_prefix(diag, status, "input '%s'", spec->name);
    spec->type = (enum element_type)type->tensor_type->elem_type;
    return read_shape(spec, type->tensor_type->shape, arena, diag);
}

/* A spec for each tensor of a sequence. like: what its items have in common. */
static enum status add_items(struct inputs *inputs, const struct value_spec *like, const char *name,
                             const struct value_tree *tree)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; tree->kind == VALUE_TREE_LIST && i < tree->count && status == STATUS_OK;
         i++) {
        const char *item = arena_printf(inputs->arena, "%s[%zu]", name, i);
        status = item == NULL ? arena_failure(inputs->arena, 0, "the inputs", inputs->diag)
                              : add_items(inputs, like, item, &tree->item[i]);
    }
    if (tree->kind != VALUE_TREE_TENSOR)
        return status;
    struct value_spec *spec = add_spec(inputs);
    if (spec == NULL)
        return arena_failure(inputs->arena, 0, "the inputs", inputs->diag);
    *spec = (struct value_spec){.name = name,
                                .type = like->type,
                                .shape_known = true,
                                .shape = tree->shape,
                                .sequence = name == like->name ? NULL : like->name};
    return STATUS_OK;
}

static enum status read_input(struct inputs *inputs, const Onnx__ValueInfo *info,
                              const struct value_tree *tree)
{
    const Onnx__Type *type = info->type;
    char open[VALUE_TREE_DEPTH_MAX + 1];
    struct value_spec spec = {
        .name = arena_strdup(inputs->arena, info->name == NULL ? "" : info->name)};
    if (spec.name == NULL)
        return arena_failure(inputs->arena, 0, "the inputs", inputs->diag);
    enum status status = open_type(&type, open, spec.name, inputs->diag);
    spec.open = open[0] == 0 ? NULL : open;
    if (status == STATUS_OK)
        status = read_tensor_spec(&spec, inputs->graph, type, inputs->arena, inputs->diag);
    if (status != STATUS_OK)
        return status;
    bool is_list = strchr(open, 's') != NULL;
    if (spec.open != NULL && tree != NULL && is_list && tree->kind == VALUE_TREE_DECLARED)
        return diag_set(inputs->diag, STATUS_BAD_INPUT,
                        "input '%s' is a sequence; give inputs with --data, which say how many "
                        "items it has",
                        spec.name);
    if (spec.open != NULL && tree != NULL && (is_list || tree->kind == VALUE_TREE_NOTHING))
        return add_items(inputs, &spec, spec.name, tree);
    struct value_spec *out = add_spec(inputs);
    spec.open = spec.open != NULL && tree == NULL ? arena_strdup(inputs->arena, open) : NULL;
    if (out == NULL || (open[0] != 0 && tree == NULL && spec.open == NULL))
        return arena_failure(inputs->arena, 0, "the inputs", inputs->diag);
    *out = spec;
    return STATUS_OK;
}

bool import_is_input(const Onnx__Graph *graph, size_t i)
{
    return graph->input[i]->name == NULL || !is_initializer(graph, graph->input[i]->name);
}

enum status import_inputs(struct value_spec **out, size_t *count, const struct onnx_file *file,
                          const struct value_tree *trees, struct arena *arena, struct diag *diag)
{
    const Onnx__Graph *graph = file->model->graph;
    struct inputs inputs = {.graph = graph,
                            .spec = arena_array(arena, struct value_spec, graph->n_input),
                            .capacity = graph->n_input,
                            .arena = arena,
                            .diag = diag};
    size_t found = 0;
    if (inputs.spec == NULL)
        return arena_failure(arena, 0, "the inputs", diag);
    for (size_t i = 0; i < graph->n_input; i++) {
        if (!import_is_input(graph, i))
            continue;
        enum status status =
            read_input(&inputs, graph->input[i], trees == NULL ? NULL : &trees[found]);
        found++;
        if (status != STATUS_OK)
            return status;
    }
    *out = inputs.spec;
    *count = inputs.count;
    return STATUS_OK;
}

void import_list_inputs(struct importer *importer, struct value_spec **specs, size_t *count)
{
    const Onnx__Graph *graph = importer->file->model->graph;
    const struct value_tree *trees = importer->options->trees;
    struct diag diag = {0};
    struct inputs inputs = {.graph = graph,
                            .spec = arena_array(importer->arena, struct value_spec, graph->n_input),
                            .capacity = graph->n_input,
                            .arena = importer->arena,
                            .diag = &diag};
    size_t found = 0;
    if (inputs.spec == NULL)
        importer->fatal = STATUS_NO_MEMORY;
    for (size_t i = 0; i < graph->n_input && importer->fatal == STATUS_OK; i++) {
        if (!import_is_input(graph, i))
            continue;
        const size_t before = inputs.count;
        enum status status =
            read_input(&inputs, graph->input[i], trees == NULL ? NULL : &trees[found++]);
        if (status == STATUS_OK)
            continue;
        inputs.count = before;
        struct value_spec *spec = status == STATUS_NO_MEMORY ? NULL : add_spec(&inputs);
        if (spec == NULL) {
            importer->fatal = STATUS_NO_MEMORY;
            break;
        }
        const char *name = graph->input[i]->name == NULL ? "" : graph->input[i]->name;
        *spec = (struct value_spec){
            .name = arena_strdup(importer->arena, name), .shape_known = true, .is_broken = true};
        if (spec->name == NULL)
            importer->fatal = STATUS_NO_MEMORY;
        import_problem(importer, status, "%s", diag.text);
    }
    *specs = inputs.spec;
    *count = importer->fatal == STATUS_OK ? inputs.count : 0;
}

/* --- binding of dimensions --- */

/* "dimension 1 ('width') of input 'x'" */
static const char *dim_text(char *text, size_t bytes, const struct value_spec *spec, unsigned axis)
{
    if (spec->dim_symbol[axis] != NULL)
        snprintf(text, bytes, "dimension %u ('%s') of input '%s'", axis, spec->dim_symbol[axis],
                 spec->name);
    else
        snprintf(text, bytes, "dimension %u of input '%s'", axis, spec->name);
    return text;
}

/* Gives a dimension a size, and every other of its name. A contradiction is a problem. */
static void bind_dim(struct importer *importer, struct value_spec *specs, size_t count,
                     size_t input, unsigned axis, int64_t size, const char *source)
{
    char text[300];
    const char *symbol = specs[input].dim_symbol[axis];
    int64_t *dim = &specs[input].shape.dim[axis];
    if (*dim >= 0 && *dim != size) {
        specs[input].is_broken = true;
        import_problem(importer, STATUS_BAD_INPUT, "%s is %lld, but %s gives %lld",
                       dim_text(text, sizeof text, &specs[input], axis), (long long)*dim, source,
                       (long long)size);
    }
    if (*dim >= 0)
        return;
    *dim = size;
    for (size_t i = 0; symbol != NULL && i < count; i++)
        for (unsigned d = 0; specs[i].shape_known && d < specs[i].shape.rank; d++)
            if (specs[i].shape.dim[d] < 0 && specs[i].dim_symbol[d] != NULL &&
                strcmp(specs[i].dim_symbol[d], symbol) == 0)
                specs[i].shape.dim[d] = size;
}

/* NAME:AXIS, the last colon counting; returns false when no such axis is there. */
static bool find_axis(const char *name, const struct value_spec *specs, size_t count, size_t *input,
                      unsigned *axis)
{
    const char *colon = strrchr(name, ':');
    if (colon == NULL || colon[1] < '0' || colon[1] > '9')
        return false;
    char *end;
    unsigned long number = strtoul(colon + 1, &end, 10);
    size_t length = (size_t)(colon - name);
    for (size_t i = 0; i < count && *end == 0; i++) {
        if (strlen(specs[i].name) == length && memcmp(specs[i].name, name, length) == 0 &&
            specs[i].shape_known && number < specs[i].shape.rank) {
            *input = i;
            *axis = (unsigned)number;
            return true;
        }
    }
    return false;
}

static void bind_option(struct importer *importer, struct value_spec *specs, size_t count,
                        const struct import_dim *option)
{
    size_t input;
    unsigned axis;
    char source[200];
    snprintf(source, sizeof source, "--dim %.150s", option->name);
    for (size_t i = 0; i < count; i++) {
        for (unsigned d = 0; specs[i].shape_known && d < specs[i].shape.rank; d++) {
            if (specs[i].dim_symbol[d] != NULL &&
                strcmp(specs[i].dim_symbol[d], option->name) == 0) {
                bind_dim(importer, specs, count, i, d, option->value, source);
                return;
            }
        }
    }
    if (find_axis(option->name, specs, count, &input, &axis))
        bind_dim(importer, specs, count, input, axis, option->value, source);
    else
        import_problem(importer, STATUS_BAD_INPUT,
                       "--dim %s: no input has a dimension of that name, nor is it INPUT:AXIS",
                       option->name);
}

/* Takes the shape of a tensor that the user gave for an input. */
static void bind_shape(struct importer *importer, struct value_spec *specs, size_t count,
                       size_t input, const struct shape *shape, const char *source)
{
    struct value_spec *spec = &specs[input];
    if (!spec->shape_known) {
        spec->shape_known = true;
        spec->shape = *shape;
        return;
    }
    if (spec->shape.rank != shape->rank) {
        spec->is_broken = true;
        import_problem(importer, STATUS_BAD_INPUT,
                       "input '%s' has %u dimensions, but %s gives it %u", spec->name,
                       spec->shape.rank, source, shape->rank);
        return;
    }
    for (unsigned d = 0; d < shape->rank; d++)
        bind_dim(importer, specs, count, input, d, shape->dim[d], source);
}

static void bind_default(struct importer *importer, struct value_spec *specs, size_t count,
                         size_t input)
{
    char text[300];
    struct value_spec *spec = &specs[input];
    if (!spec->shape_known) {
        spec->is_broken = true;
        import_problem(importer, STATUS_BAD_INPUT,
                       "input '%s' has no shape in the model; give one with --data", spec->name);
        return;
    }
    for (unsigned d = 0; d < spec->shape.rank; d++) {
        if (spec->shape.dim[d] >= 0)
            continue;
        dim_text(text, sizeof text, spec, d);
        if (d == 0) {
            import_note(importer, "%s is not bound and becomes 1", text);
            bind_dim(importer, specs, count, input, 0, 1, "");
            continue;
        }
        spec->is_broken = true;
        if (spec->dim_symbol[d] != NULL) {
            import_problem(
                importer, STATUS_BAD_INPUT,
                "%s is not bound; give --dim %s=N, or --data with inputs of the right shape", text,
                spec->dim_symbol[d]);
        } else {
            import_problem(
                importer, STATUS_BAD_INPUT,
                "%s is not bound; give --dim %s:%u=N, or --data with inputs of the right shape",
                text, spec->name, d);
        }
    }
}

static const struct value_spec *find_spec(const struct value_spec *specs, size_t count,
                                          const char *name, size_t *index)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(specs[i].name, name) == 0) {
            *index = i;
            return &specs[i];
        }
    }
    return NULL;
}

static bool has_unbound(const struct shape *shape)
{
    for (unsigned i = 0; i < shape->rank; i++)
        if (shape->dim[i] < 0)
            return true;
    return false;
}

void import_bind_dims(struct importer *importer, struct value_spec *specs, size_t count)
{
    const struct import_options *options = importer->options;
    size_t input;
    for (size_t i = 0; i < options->dim_count; i++)
        bind_option(importer, specs, count, &options->dim[i]);
    for (size_t i = 0; i < options->bind_count; i++) {
        const struct import_bind *bind = &options->bind[i];
        const struct value_spec *spec = find_spec(specs, count, bind->input, &input);
        if (spec == NULL)
            import_problem(importer, STATUS_BAD_INPUT,
                           "--bind %s: the model has no input of that name", bind->input);
        else if (spec->type == ELEMENT_UNDEFINED)
            continue;
        else if (spec->type != bind->tensor->type) {
            specs[input].is_broken = true;
            import_problem(importer, STATUS_BAD_INPUT,
                           "--bind %s: %s elements where the input has %s", bind->input,
                           element_type_name(bind->tensor->type), element_type_name(spec->type));
        } else
            bind_shape(importer, specs, count, input, &bind->tensor->shape, "--bind");
    }
    for (size_t i = 0; i < options->sample_count; i++)
        if (find_spec(specs, count, options->sample[i].input, &input) != NULL &&
            specs[input].type != ELEMENT_UNDEFINED)
            bind_shape(importer, specs, count, input, &options->sample[i].tensor->shape, "--data");
    for (size_t i = 0; i < count; i++) {
        size_t elements;
        bind_default(importer, specs, count, i);
        if (!specs[i].shape_known || has_unbound(&specs[i].shape) ||
            shape_count(&specs[i].shape, TENSOR_ELEMENT_LIMIT, &elements))
            continue;
        specs[i].is_broken = true;
        import_problem(importer, STATUS_LIMIT,
                       "input '%s' has more than %zu elements; give it smaller sizes with --dim",
                       specs[i].name, TENSOR_ELEMENT_LIMIT);
    }
}
