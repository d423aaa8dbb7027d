/* See reference.h. */
#include "runtime/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/import_inputs.h"
#include "frontend/value_file.h"
#include "ir/graph_interpret.h"
#include "ir/support/file.h"
#include "passes/fold_constants.h"
#include "runtime/values.h"

static bool add_path(cJSON *list, const char *given)
{
    char *path = realpath(given, NULL);
    bool done = cJSON_AddItemToArray(list, cJSON_CreateString(path == NULL ? given : path));
    free(path);
    return done;
}

/* {"type": ..., "shape": [...], "values": ["1", ...]} */
static bool add_fixed(cJSON *object, const struct import_bind *bind)
{
    const struct tensor *tensor = bind->tensor;
    cJSON *item = cJSON_AddObjectToObject(object, bind->input), *shape = NULL, *values = NULL;
    if (item != NULL &&
        cJSON_AddStringToObject(item, "type", element_type_name(tensor->type)) != NULL)
        shape = cJSON_AddArrayToObject(item, "shape");
    values = shape == NULL ? NULL : cJSON_AddArrayToObject(item, "values");
    bool done = values != NULL;
    for (unsigned d = 0; d < tensor->shape.rank && done; d++)
        done = cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)tensor->shape.dim[d]));
    for (size_t i = 0; i < tensor->count && done; i++) {
        char text[40];
        if (element_type_is_float(tensor->type))
            snprintf(text, sizeof text, "%.17g", tensor->data.real[i]);
        else
            snprintf(text, sizeof text, "%lld", (long long)tensor->data.integer[i]);
        done = cJSON_AddItemToArray(values, cJSON_CreateString(text));
    }
    return done;
}

char *reference_source_json(const struct compilation *c, const struct compile_options *options)
{
    cJSON *root = cJSON_CreateObject(), *binds = NULL;
    char *path = realpath(options->model_path, NULL);
    if (root != NULL &&
        cJSON_AddStringToObject(root, "model", path == NULL ? options->model_path : path) != NULL)
        binds = cJSON_AddObjectToObject(root, "binds");
    bool done = binds != NULL;
    for (size_t i = 0; i < options->bind_count && done; i++)
        done =
            cJSON_AddStringToObject(binds, options->binds[i].name, options->binds[i].value) != NULL;
    for (size_t i = 0; i < c->taken_count && done; i++)
        done = cJSON_AddStringToObject(binds, c->taken[i].name, c->taken[i].value) != NULL;
    cJSON *fixed = done ? cJSON_AddObjectToObject(root, "fixed") : NULL;
    done = fixed != NULL;
    for (size_t i = 0; i < c->fixed_count && done; i++)
        done = add_fixed(fixed, &c->fixed[i]);
    cJSON *functions = done ? cJSON_AddArrayToObject(root, "functions") : NULL;
    cJSON *max_dims = functions != NULL ? cJSON_AddObjectToObject(root, "max_dims") : NULL;
    done = max_dims != NULL;
    for (size_t i = 0; i < options->function_path_count && done; i++)
        done = add_path(functions, options->function_paths[i]);
    for (size_t i = 0; i < options->max_dim_count && done; i++)
        done = cJSON_AddNumberToObject(max_dims, options->max_dims[i].name,
                                       (double)options->max_dims[i].value) != NULL;
    done = done && cJSON_AddNumberToObject(root, "seed", options->seed) != NULL &&
           (options->seed_input == NULL ||
            cJSON_AddStringToObject(root, "seed_input", options->seed_input) != NULL);
    char *text = done ? cJSON_Print(root) : NULL;
    cJSON_Delete(root);
    free(path);
    return text;
}

/* A whole number that is no less than 0 and that a double holds. */
static bool is_size(const cJSON *item)
{
    return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= 1LL << 53 &&
           item->valuedouble == floor(item->valuedouble);
}

/* What the readers below count on; the file may come from anybody. */
static bool is_source(const cJSON *root)
{
    static const char *const objects[] = {"binds", "fixed", "max_dims"};
    const cJSON *item, *functions = cJSON_GetObjectItemCaseSensitive(root, "functions");
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        const cJSON *object = cJSON_GetObjectItemCaseSensitive(root, objects[i]);
        if (object != NULL && !cJSON_IsObject(object))
            return false;
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(root, "max_dims"))
    {
        if (!is_size(item))
            return false;
    }
    const cJSON *seed = cJSON_GetObjectItemCaseSensitive(root, "seed");
    return cJSON_IsObject(root) &&
           cJSON_IsString(cJSON_GetObjectItemCaseSensitive(root, "model")) &&
           (functions == NULL || cJSON_IsArray(functions)) &&
           (seed == NULL || (is_size(seed) && seed->valuedouble <= UINT32_MAX));
}

static enum status read_source(cJSON **root, const struct model *model, struct diag *diag)
{
    struct buffer text;
    char *path = model_path(model->folder, "private/source.json");
    buffer_init(&text);
    enum status status = path == NULL
                             ? diag_set(diag, STATUS_NO_MEMORY, "no memory")
                             : model_read_part(&text, model->folder, "private/source.json",
                                               "compile the model again with sertnc", diag);
    *root = status == STATUS_OK ? cJSON_ParseWithLength((const char *)text.data, text.count) : NULL;
    if (status == STATUS_OK && !is_source(*root))
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "'%s' is damaged; compile the model again with sertnc", path);
    buffer_release(&text);
    free(path);
    return status;
}

static bool read_fixed(struct value_fixed *out, const cJSON *item, struct arena *arena)
{
    const cJSON *dims = cJSON_GetObjectItemCaseSensitive(item, "shape"),
                *values = cJSON_GetObjectItemCaseSensitive(item, "values"), *at;
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "type"));
    struct shape shape = {0};
    struct tensor *tensor = NULL;
    size_t i = 0, given = (size_t)cJSON_GetArraySize(values), count;
    cJSON_ArrayForEach(at, dims)
    {
        if (shape.rank == TENSOR_RANK_MAX || !is_size(at))
            return false;
        shape.dim[shape.rank++] = integer_of_real(at->valuedouble);
    }
    if (!shape_count(&shape, given, &count) || count != given)
        return false;
    for (int t = ELEMENT_F32; t <= ELEMENT_I2 && type != NULL && tensor == NULL; t++)
        if (t != ELEMENT_STRING && strcmp(element_type_name((enum element_type)t), type) == 0)
            tensor = tensor_new(arena, (enum element_type)t, &shape);
    if (tensor == NULL)
        return false;
    cJSON_ArrayForEach(at, values)
    {
        if (!cJSON_IsString(at))
            return false;
        if (element_type_is_float(tensor->type))
            tensor->data.real[i++] = strtod(at->valuestring, NULL);
        else
            tensor->data.integer[i++] = strtoll(at->valuestring, NULL, 10);
    }
    out->spec = (struct value_spec){.name = arena_strdup(arena, item->string),
                                    .type = tensor->type,
                                    .shape_known = true,
                                    .shape = shape};
    out->tensor = tensor;
    return out->spec.name != NULL;
}

enum status reference_fixed_inputs(struct value_sets *sets, const struct model *model,
                                   struct arena *arena, struct diag *diag)
{
    char *path = model_path(model->folder, "private/source.json");
    bool is_there = path != NULL && file_exists(path);
    cJSON *root = NULL;
    free(path);
    if (!is_there)
        return STATUS_OK;
    enum status status = read_source(&root, model, diag);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "fixed"), *item;
    struct value_fixed *fixed =
        arena_array(arena, struct value_fixed, (size_t)cJSON_GetArraySize(list) + 1);
    if (status == STATUS_OK && fixed == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for inputs");
    cJSON_ArrayForEach(item, list)
    {
        if (status == STATUS_OK && !read_fixed(&fixed[sets->fixed_count++], item, arena))
            status = diag_set(diag, STATUS_BAD_INPUT,
                              "'%s/private/source.json' is damaged; compile the model again with "
                              "sertnc",
                              model->folder);
    }
    sets->fixed = fixed;
    cJSON_Delete(root);
    return status;
}

/* Puts a tensor into the tree of a sequence; path: "[1][0]". */
static bool place_item(struct value_tree *tree, const char *path, const struct shape *shape,
                       struct arena *arena)
{
    if (*path == 0) {
        *tree = (struct value_tree){.kind = VALUE_TREE_TENSOR, .shape = *shape};
        return true;
    }
    size_t index = strtoul(path + 1, NULL, 10);
    tree->kind = VALUE_TREE_LIST;
    if (index >= VALUE_TREE_ITEMS_MAX)
        return false;
    if (index >= tree->count) {
        struct value_tree *grown = arena_array(arena, struct value_tree, index + 1);
        if (grown == NULL)
            return false;
        if (tree->count != 0)
            memcpy(grown, tree->item, tree->count * sizeof *grown);
        for (size_t i = tree->count; i <= index; i++)
            grown[i].kind = VALUE_TREE_LIST;
        tree->item = grown;
        tree->count = index + 1;
    }
    return place_item(&tree->item[index], strchr(path, ']') + 1, shape, arena);
}

/* What the model's sequences and optionals held when it was compiled, by the names of its inputs.
 */
static enum status read_trees(struct value_tree **out, struct reference *reference,
                              const struct interface *interface, struct diag *diag)
{
    struct value_spec *specs;
    size_t count;
    enum status status =
        import_inputs(&specs, &count, &reference->file, NULL, &reference->arena, diag);
    *out =
        status == STATUS_OK ? arena_array(&reference->arena, struct value_tree, count + 1) : NULL;
    if (status == STATUS_OK && *out == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory");
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (specs[i].open == NULL)
            continue;
        (*out)[i].kind = specs[i].open[0] == 's' ? VALUE_TREE_LIST : VALUE_TREE_NOTHING;
        for (size_t p = 0; p < interface->input_count && status == STATUS_OK; p++) {
            const struct port *port = &interface->inputs[p];
            const char *owner = port->sequence == NULL ? port->name : port->sequence;
            if (strcmp(owner, specs[i].name) == 0 &&
                !place_item(&(*out)[i], port->name + strlen(owner), &port->shape,
                            &reference->arena))
                status = diag_set(diag, STATUS_NO_MEMORY, "no memory");
        }
    }
    return status;
}

static enum status read_binds(struct import_bind **out, size_t *count, struct reference *reference,
                              const struct value_tree *trees, const cJSON *binds, struct diag *diag)
{
    struct value_spec *specs;
    size_t spec_count;
    enum status status =
        import_inputs(&specs, &spec_count, &reference->file, trees, &reference->arena, diag);
    *count = 0;
    *out =
        arena_array(&reference->arena, struct import_bind, (size_t)cJSON_GetArraySize(binds) + 1);
    if (status == STATUS_OK && *out == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory");
    const cJSON *bind;
    cJSON_ArrayForEach(bind, binds)
    {
        for (size_t i = 0; i < spec_count && status == STATUS_OK; i++) {
            struct tensor *tensor = NULL;
            if (strcmp(specs[i].name, bind->string) != 0 || !cJSON_IsString(bind))
                continue;
            status =
                value_literal_read(&tensor, bind->valuestring, &specs[i], &reference->arena, diag);
            (*out)[(*count)++] = (struct import_bind){specs[i].name, tensor};
            break; /* the importer refuses more inputs of the name */
        }
    }
    return status;
}

static enum status read_max_dims(struct import_options *options, struct reference *reference,
                                 const cJSON *list, struct diag *diag)
{
    struct import_max_dim *dims =
        arena_array(&reference->arena, struct import_max_dim, (size_t)cJSON_GetArraySize(list) + 1);
    const cJSON *item;
    if (dims == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    options->max_dim = dims;
    cJSON_ArrayForEach(item, list) dims[options->max_dim_count++] =
        (struct import_max_dim){item->string, integer_of_real(item->valuedouble)};
    return STATUS_OK;
}

static enum status read_functions(struct import_options *options, struct reference *reference,
                                  const cJSON *list, struct diag *diag)
{
    reference->function_files =
        arena_array(&reference->arena, struct onnx_file, (size_t)cJSON_GetArraySize(list) + 1);
    if (reference->function_files == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const char *path = cJSON_IsString(item) ? item->valuestring : "";
        enum status status = onnx_load_functions(
            &reference->function_files[reference->function_file_count], path, diag);
        if (status != STATUS_OK)
            return status;
        reference->function_file_count++;
    }
    options->function_files = reference->function_files;
    options->function_file_count = reference->function_file_count;
    return STATUS_OK;
}

static enum status import(struct reference *reference, const struct session *session,
                          const cJSON *source, const struct tensor *const *inputs,
                          struct diag *diag)
{
    const struct interface *interface = &session->model.interface;
    struct diag_list problems = {0};
    struct import_notes notes = {0};
    struct import_options options = {0};
    struct import_bind *binds = NULL;
    struct value_tree *trees = NULL;
    struct import_sample *samples =
        arena_array(&reference->arena, struct import_sample, interface->input_count + 1);
    enum status status =
        samples == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory") : STATUS_OK;
    for (size_t i = 0; i < interface->input_count && status == STATUS_OK; i++)
        samples[i] = (struct import_sample){interface->inputs[i].name, inputs[i]};
    if (status == STATUS_OK)
        status = read_trees(&trees, reference, interface, diag);
    if (status == STATUS_OK)
        status = read_functions(&options, reference,
                                cJSON_GetObjectItemCaseSensitive(source, "functions"), diag);
    if (status == STATUS_OK)
        status = read_max_dims(&options, reference,
                               cJSON_GetObjectItemCaseSensitive(source, "max_dims"), diag);
    if (status == STATUS_OK)
        status = read_binds(&binds, &options.bind_count, reference, trees,
                            cJSON_GetObjectItemCaseSensitive(source, "binds"), diag);
    if (status == STATUS_OK) {
        options.sample = samples;
        options.sample_count = interface->input_count;
        options.bind = binds;
        options.trees = trees;
        const cJSON *seed = cJSON_GetObjectItemCaseSensitive(source, "seed");
        options.seed = cJSON_IsNumber(seed) ? (uint32_t)integer_of_real(seed->valuedouble) : 0;
        options.seed_input =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(source, "seed_input"));
        status = import_graph(&reference->graph, &reference->file, &options, &reference->arena,
                              &problems, &notes);
        struct arena scratch;
        arena_init(&scratch, 0);
        if (status == STATUS_OK)
            status = pass_fold_constants(reference->graph, &scratch, &problems);
        arena_release(&scratch);
        if (status != STATUS_OK && problems.count > 0)
            *diag = problems.item[0];
    }
    diag_list_release(&problems);
    return status;
}

/* The model at `path`; one the user named has to be there. */
static enum status open_model(struct reference *reference, const struct session *session,
                              const cJSON *source, const char *given,
                              const struct tensor *const *inputs, struct diag *diag)
{
    const char *path =
        given != NULL ? given : cJSON_GetObjectItemCaseSensitive(source, "model")->valuestring;
    struct diag gone = {0};
    if (given == NULL && !file_exists(path)) {
        if (asprintf(&reference->missing, "the model file '%s' is gone; give it with --model",
                     path) < 0)
            reference->missing = NULL;
        return STATUS_OK;
    }
    enum status status = onnx_load_file(&reference->file, path, &gone);
    if (status == STATUS_OK)
        status = import(reference, session, source, inputs, &gone);
    if (status == STATUS_OK &&
        reference->graph->output_count != session->model.interface.output_count)
        status = diag_set(&gone, STATUS_BAD_INPUT, "it has other outputs than the compiled model");
    return status == STATUS_OK
               ? status
               : diag_set(diag, status, "the reference model '%s': %s", path, gone.text);
}

enum status reference_open(struct reference *reference, const struct session *session,
                           const char *model_path, const struct tensor *const *inputs,
                           struct diag *diag)
{
    cJSON *source;
    *reference = (struct reference){0};
    arena_init(&reference->arena, 0);
    enum status status = read_source(&source, &session->model, diag);
    if (status == STATUS_OK)
        status = open_model(reference, session, source, model_path, inputs, diag);
    cJSON_Delete(source);
    if (status != STATUS_OK)
        reference_close(reference);
    return status;
}

void reference_close(struct reference *reference)
{
    free(reference->missing);
    onnx_release(&reference->file);
    for (size_t i = 0; i < reference->function_file_count; i++)
        onnx_release(&reference->function_files[i]);
    arena_release(&reference->arena);
    *reference = (struct reference){0};
}

/* ---- comparison ---- */

struct difference {
    double absolute, relative;
    size_t mismatches;
};

static void compare_element(struct difference *difference, const struct port *port, double real,
                            int64_t integer, const struct tensor *expected, size_t i)
{
    if (!element_type_is_float(port->type)) {
        difference->mismatches += integer != expected->data.integer[i];
        return;
    }
    double want = expected->data.real[i], error = fabs(real - want);
    if (isnan(want) || isnan(real) || isinf(want)) {
        difference->mismatches += !((isnan(want) && isnan(real)) || want == real);
        return;
    }
    if (error > difference->absolute)
        difference->absolute = error;
    if (want != 0 && error / fabs(want) > difference->relative)
        difference->relative = error / fabs(want);
}

static cJSON *integer_item(void *context, const struct port *port, size_t i)
{
    struct session *session = context;
    char text[80];
    wide_format(text, relation_value(&session->values, port->tensor, i));
    return cJSON_CreateString(text);
}

static bool add(cJSON *object, const struct port *port, cJSON *value)
{
    if (value != NULL && values_add_json(object, port, value))
        return true;
    cJSON_Delete(value);
    return false;
}

static cJSON *difference_json(const struct difference *difference)
{
    cJSON *error = cJSON_CreateObject();
    if (cJSON_AddNumberToObject(error, "absolute", difference->absolute) != NULL &&
        cJSON_AddNumberToObject(error, "relative", difference->relative) != NULL &&
        cJSON_AddNumberToObject(error, "mismatches", (double)difference->mismatches) != NULL)
        return error;
    cJSON_Delete(error);
    return NULL;
}

static bool compare_output(cJSON *quantized, cJSON *reference, cJSON *errors,
                           struct session *session, const struct port *port,
                           struct tensor *expected)
{
    const struct relation_tensor *tensor = &session->model.program.tensors[port->tensor];
    struct difference difference = {0};
    for (size_t i = 0; i < tensor->count; i++) {
        double real;
        int64_t integer;
        port_decode(&real, &integer, tensor, port->type,
                    relation_value(&session->values, port->tensor, i));
        compare_element(&difference, port, real, integer, expected, i);
    }
    return add(quantized, port, values_nested_json(port, integer_item, session)) &&
           add(reference, port, values_nested_json(port, values_tensor_item, expected)) &&
           add(errors, port, difference_json(&difference));
}

enum status reference_compare(cJSON *object, struct reference *reference, struct session *session,
                              const struct tensor *const *inputs, struct diag *diag)
{
    const struct interface *interface = &session->model.interface;
    if (reference->graph == NULL) {
        cJSON_AddStringToObject(object, "reference",
                                reference->missing == NULL ? "no reference" : reference->missing);
        return STATUS_OK;
    }
    struct graph_values values;
    struct arena_mark mark = arena_checkpoint(&reference->arena);
    graph_values_init(&values, &reference->arena);
    enum status status = graph_interpret(reference->graph, inputs, &values, diag);
    cJSON *quantized = cJSON_AddObjectToObject(object, "quantized"),
          *real = cJSON_AddObjectToObject(object, "reference");
    cJSON *error = cJSON_AddObjectToObject(object, "error");
    for (size_t i = 0; i < interface->output_count && status == STATUS_OK; i++) {
        struct tensor *expected = values.item[reference->graph->outputs[i]];
        if (expected == NULL ||
            expected->count != session->model.program.tensors[interface->outputs[i].tensor].count ||
            expected->type == ELEMENT_STRING)
            continue;
        if (!compare_output(quantized, real, error, session, &interface->outputs[i], expected))
            status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the comparison");
    }
    arena_rewind(&reference->arena, mark);
    return status;
}
