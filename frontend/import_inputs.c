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

static enum status read_spec(struct value_spec *spec, const Onnx__Graph *graph,
                             const Onnx__ValueInfo *info, struct arena *arena, struct diag *diag)
{
    const Onnx__Type *type = info->type;
    spec->name = arena_strdup(arena, info->name == NULL ? "" : info->name);
    if (spec->name == NULL)
        return arena_failure(arena, 0, "the inputs", diag);
    if (type != NULL && type->value_case == ONNX__TYPE__VALUE_OPTIONAL_TYPE)
        type = type->optional_type->elem_type;
    if (type == NULL || type->value_case == ONNX__TYPE__VALUE__NOT_SET)
        return diag_set(diag, STATUS_BAD_INPUT, "input '%s' has no type", spec->name);
    if (type->value_case == ONNX__TYPE__VALUE_MAP_TYPE)
        return read_map_spec(spec, graph, type->map_type, arena, diag);
    if (type->value_case != ONNX__TYPE__VALUE_TENSOR_TYPE)
        return diag_set(
            diag, STATUS_UNSUPPORTED,
            "input '%s' is a sequence or sparse; only tensors and maps are supported as inputs",
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

enum status import_inputs(struct value_spec **out, size_t *count, const struct onnx_file *file,
                          struct arena *arena, struct diag *diag)
{
    const Onnx__Graph *graph = file->model->graph;
    struct value_spec *specs = arena_array(arena, struct value_spec, graph->n_input);
    size_t found = 0;
    if (specs == NULL)
        return arena_failure(arena, 0, "the inputs", diag);
    for (size_t i = 0; i < graph->n_input; i++) {
        const char *name = graph->input[i]->name;
        if (name != NULL && is_initializer(graph, name))
            continue;
        enum status status = read_spec(&specs[found++], graph, graph->input[i], arena, diag);
        if (status != STATUS_OK)
            return status;
    }
    *out = specs;
    *count = found;
    return STATUS_OK;
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
    if (*dim >= 0 && *dim != size)
        import_problem(importer, STATUS_BAD_INPUT, "%s is %lld, but %s gives %lld",
                       dim_text(text, sizeof text, &specs[input], axis), (long long)*dim, source,
                       (long long)size);
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
        } else if (spec->dim_symbol[d] != NULL) {
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
        else if (spec->type != bind->tensor->type)
            import_problem(importer, STATUS_BAD_INPUT,
                           "--bind %s: %s elements where the input has %s", bind->input,
                           element_type_name(bind->tensor->type), element_type_name(spec->type));
        else
            bind_shape(importer, specs, count, input, &bind->tensor->shape, "--bind");
    }
    for (size_t i = 0; i < options->sample_count; i++)
        if (find_spec(specs, count, options->sample[i].input, &input) != NULL)
            bind_shape(importer, specs, count, input, &options->sample[i].tensor->shape, "--data");
    for (size_t i = 0; i < count; i++) {
        size_t elements;
        bind_default(importer, specs, count, i);
        if (specs[i].shape_known && !has_unbound(&specs[i].shape) &&
            !shape_count(&specs[i].shape, TENSOR_ELEMENT_LIMIT, &elements))
            import_problem(importer, STATUS_LIMIT, "input '%s' has more than %zu elements",
                           specs[i].name, TENSOR_ELEMENT_LIMIT);
    }
}
