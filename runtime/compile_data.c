/* See compile_data.h. */
#include "runtime/compile_data.h"

#include <string.h>

#include "frontend/import_inputs.h"
#include "frontend/value_file.h"

static enum status no_memory(struct diag *diag)
{
    return diag_set(diag, STATUS_NO_MEMORY, "no memory for calibration data");
}

static const struct value_spec *find_spec(const struct compile_data *data, const char *name)
{
    for (size_t i = 0; i < data->spec_count; i++) {
        if (strcmp(data->specs[i].name, name) == 0)
            return &data->specs[i];
    }
    return NULL;
}

static enum status read_binds(struct compile_data *data, const struct compile_options *options,
                              struct arena *arena, struct diag *diag)
{
    data->binds = arena_array(arena, struct import_bind, options->bind_count + 1);
    if (data->binds == NULL)
        return no_memory(diag);
    for (size_t i = 0; i < options->bind_count; i++) {
        const struct compile_bind *bind = &options->binds[i];
        const struct value_spec *spec = find_spec(data, bind->name);
        if (spec == NULL)
            return diag_set(diag, STATUS_BAD_INPUT,
                            "--bind %s: the model has no input of this name", bind->name);
        struct import_bind *out = &data->binds[data->bind_count++];
        out->input = bind->name;
        struct tensor *tensor = NULL;
        enum status status = value_literal_read(&tensor, bind->value, spec, arena, diag);
        out->tensor = tensor;
        if (status != STATUS_OK)
            return diag_prefix(diag, status, "--bind %s", bind->name);
    }
    return STATUS_OK;
}

static enum status read_sets(struct compile_data *data, const struct compile_options *options,
                             struct arena *arena, struct diag *diag)
{
    struct value_sets read = {0};
    for (size_t i = 0; i < options->data_count; i++) {
        enum status status = value_file_read(&read, options->data_paths[i], data->specs,
                                             data->spec_count, arena, diag);
        if (status != STATUS_OK)
            return diag_prefix(diag, status, "--data");
    }
    data->set_count = read.count;
    data->rows = arena_array(arena, const struct tensor **, data->set_count + 1);
    if (data->rows == NULL)
        return no_memory(diag);
    for (size_t k = 0; k < read.count; k++) {
        data->rows[k] =
            arena_memdup(arena, read.set[k].tensor, data->spec_count * sizeof(struct tensor *));
        if (data->rows[k] == NULL)
            return no_memory(diag);
    }
    return STATUS_OK;
}

/* Fixes what sequences and optionals hold, by the first data set. */
static enum status read_structure(struct compile_data *data, struct onnx_file *file,
                                  const struct compile_options *options, struct arena *arena,
                                  struct diag *diag)
{
    bool is_open = false;
    for (size_t i = 0; i < data->spec_count; i++)
        is_open = is_open || data->specs[i].open != NULL;
    if (!is_open)
        return STATUS_OK;
    data->trees = arena_array(arena, struct value_tree, data->spec_count);
    if (data->trees == NULL)
        return no_memory(diag);
    if (options->data_count > 0) {
        enum status status = value_structure_read(data->trees, options->data_paths[0], data->specs,
                                                  data->spec_count, arena, diag);
        if (status != STATUS_OK)
            return diag_prefix(diag, status, "--data");
    }
    return import_inputs(&data->specs, &data->spec_count, file, data->trees, arena, diag);
}

enum status compile_data_read(struct compile_data *data, struct onnx_file *file,
                              const struct compile_options *options, struct arena *arena,
                              struct diag *diag)
{
    enum status status = import_inputs(&data->specs, &data->spec_count, file, NULL, arena, diag);
    if (status == STATUS_OK)
        status = read_structure(data, file, options, arena, diag);
    if (status == STATUS_OK)
        status = read_binds(data, options, arena, diag);
    if (status == STATUS_OK)
        status = read_sets(data, options, arena, diag);
    if (status != STATUS_OK || data->set_count == 0)
        return status;
    data->samples = arena_array(arena, struct import_sample, data->spec_count + 1);
    if (data->samples == NULL)
        return no_memory(diag);
    for (size_t i = 0; i < data->spec_count; i++) {
        if (data->rows[0][i] != NULL)
            data->samples[data->sample_count++] =
                (struct import_sample){data->specs[i].name, data->rows[0][i]};
    }
    return STATUS_OK;
}

/* Text becomes the numbers that the graph has for it. */
static enum status code_text(const struct tensor **input, const struct graph_value *value,
                             struct value_words *words, struct arena *arena, struct diag *diag)
{
    if (value->text_table == NULL || (*input)->type != ELEMENT_STRING)
        return STATUS_OK;
    struct value_spec spec = {.name = value->name,
                              .type = value->type,
                              .shape_known = true,
                              .shape = value->shape,
                              .text_table = value->text_table,
                              .words = value->unknown_words > 0 ? words : NULL};
    struct tensor *coded = NULL;
    enum status status = value_fit(&coded, *input, &spec, arena, diag);
    *input = coded;
    return status == STATUS_OK ? status : diag_prefix(diag, status, "--data");
}

enum status compile_data_order(struct compile_data *data, const struct graph *graph,
                               struct arena *arena, struct diag *diag)
{
    data->sets = arena_array(arena, struct calibration_set, data->set_count + 1);
    if (data->sets == NULL)
        return no_memory(diag);
    for (size_t s = 0; s < data->set_count; s++) {
        const struct tensor **inputs =
            arena_array(arena, const struct tensor *, graph->input_count + 1);
        struct value_words words = {0};
        for (size_t i = 0; i < graph->input_count; i++)
            if (graph->values[graph->inputs[i]].unknown_words > 0)
                words.most = (size_t)graph->values[graph->inputs[i]].unknown_words;
        words.word = arena_array(arena, const char *, words.most + 1);
        if (inputs == NULL || words.word == NULL)
            return no_memory(diag);
        for (size_t i = 0; i < graph->input_count; i++) {
            const struct graph_value *value = &graph->values[graph->inputs[i]];
            const struct value_spec *spec = find_spec(data, value->name);
            inputs[i] = spec == NULL ? NULL : data->rows[s][spec - data->specs];
            if (inputs[i] == NULL)
                return diag_set(diag, STATUS_BAD_INPUT,
                                "--data: set %zu has no values for input '%s'", s, value->name);
            if (!shape_equal(&inputs[i]->shape, &value->shape))
                return diag_set(
                    diag, STATUS_BAD_INPUT,
                    "--data: set %zu gives input '%s' another shape than the first set or --dim", s,
                    value->name);
            enum status status = code_text(&inputs[i], value, &words, arena, diag);
            if (status != STATUS_OK)
                return status;
        }
        data->sets[s].inputs = inputs;
    }
    return STATUS_OK;
}
