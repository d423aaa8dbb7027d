/* See onnx_data.h. */
#include "tests/conformance_onnx/onnx_data.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a whole file; the caller frees. */
static void *read_bytes(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t used = 0, room = 0;
    while (file != NULL && !feof(file) && !ferror(file)) {
        if (used == room) {
            room = room == 0 ? 4096 : 2 * room;
            uint8_t *grown = realloc(bytes, room);
            if (grown == NULL)
                break;
            bytes = grown;
        }
        used += fread(bytes + used, 1, room - used, file);
    }
    if (file == NULL || ferror(file)) {
        free(bytes);
        bytes = NULL;
    }
    if (file != NULL)
        fclose(file);
    *count = used;
    return bytes;
}

static enum status read_tensor(struct onnx_data *data, const char *path, struct tensor **out,
                               struct diag *diag)
{
    size_t count;
    void *bytes = read_bytes(path, &count);
    if (bytes == NULL)
        return diag_set(diag, STATUS_IO, "%s: cannot read it", path);
    if (count == 0) {
        free(bytes);
        return diag_set(diag, STATUS_UNSUPPORTED, "%s: an absent optional", path);
    }
    Onnx__Tensor *message = onnx__tensor__unpack(NULL, count, bytes);
    enum status status = message == NULL || message->data_type == 0
                             ? diag_set(diag, STATUS_BAD_INPUT, "%s: no tensor", path)
                             : onnx_tensor(out, &data->file, message, &data->arena, diag);
    if (message != NULL)
        onnx__tensor__free_unpacked(message, NULL);
    free(bytes);
    return status;
}

/* Some releases store bfloat16 as the uint16 of its pattern. */
static struct tensor *as_declared(struct onnx_data *data, enum element_type declared,
                                  struct tensor *tensor)
{
    if (tensor == NULL || declared != ELEMENT_BF16 || tensor->type != ELEMENT_U16)
        return tensor;
    struct tensor *real = tensor_new(&data->arena, ELEMENT_BF16, &tensor->shape);
    for (size_t i = 0; real != NULL && i < tensor->count; i++) {
        uint32_t pattern = (uint32_t)tensor->data.integer[i] << 16;
        float value;
        memcpy(&value, &pattern, sizeof value);
        real->data.real[i] = (double)value;
    }
    return real;
}

/* --- what ZipMap returns: SequenceProto of MapProto (onnx-data.proto)
 * ------------------------------ */

struct wire {
    const uint8_t *at, *end;
};

static uint64_t read_varint(struct wire *wire)
{
    uint64_t value = 0;
    for (unsigned shift = 0; wire->at < wire->end && shift < 64; shift += 7) {
        uint8_t byte = *wire->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    return value;
}

/* The next field; its bytes for length-delimited ones. Returns its number, 0 at the end. */
static unsigned read_field(struct wire *wire, struct wire *inner)
{
    if (wire->at >= wire->end)
        return 0;
    uint64_t tag = read_varint(wire);
    *inner = (struct wire){wire->at, wire->at};
    if ((tag & 7) != 2) {
        read_varint(wire);
        return (unsigned)(tag >> 3);
    }
    uint64_t length = read_varint(wire);
    if (length > (uint64_t)(wire->end - wire->at))
        length = (uint64_t)(wire->end - wire->at);
    *inner = (struct wire){wire->at, wire->at + length};
    wire->at += length;
    return (unsigned)(tag >> 3);
}

/* Appends the numbers of one map, in the order of its keys. */
static bool read_map(struct onnx_data *data, struct wire map, double *row, size_t room,
                     size_t *count, enum element_type *type)
{
    struct wire field, tensor;
    struct diag diag = {0};
    *count = 0;
    for (unsigned number; (number = read_field(&map, &field)) != 0;) {
        if (number != 5) /* values: a SequenceProto */
            continue;
        for (unsigned inner; (inner = read_field(&field, &tensor)) != 0;) {
            struct tensor *value = NULL;
            if (inner != 3) /* tensor_values */
                continue;
            Onnx__Tensor *message =
                onnx__tensor__unpack(NULL, (size_t)(tensor.end - tensor.at), tensor.at);
            bool good =
                message != NULL && *count < room &&
                onnx_tensor(&value, &data->file, message, &data->arena, &diag) == STATUS_OK &&
                value->count == 1 && element_type_is_float(value->type);
            if (message != NULL)
                onnx__tensor__free_unpacked(message, NULL);
            if (!good)
                return false;
            *type = value->type;
            row[(*count)++] = value->data.real[0];
        }
    }
    return true;
}

enum { MAP_KEYS_MAX = 64, MAP_ROWS_MAX = 4096 };

/* The maps of a sequence as the rows of one tensor. */
static enum status read_maps(struct onnx_data *data, const char *path, struct tensor **out,
                             struct diag *diag)
{
    static double rows[MAP_ROWS_MAX][MAP_KEYS_MAX];
    size_t bytes, keys = 0, row_count = 0;
    uint8_t *content = read_bytes(path, &bytes);
    if (content == NULL)
        return diag_set(diag, STATUS_IO, "%s: cannot read it", path);
    struct wire wire = {content, content + bytes}, field;
    enum element_type type = ELEMENT_F32;
    bool good = true;
    for (unsigned number; good && (number = read_field(&wire, &field)) != 0;)
        if (number == 6) /* map_values */
            good = row_count < MAP_ROWS_MAX &&
                   read_map(data, field, rows[row_count++], MAP_KEYS_MAX, &keys, &type);
    free(content);
    struct shape shape = {2, {(int64_t)row_count, (int64_t)keys}};
    *out = good && row_count > 0 ? tensor_new(&data->arena, type, &shape) : NULL;
    if (*out == NULL)
        return diag_set(diag, STATUS_BAD_INPUT, "%s: no maps", path);
    for (size_t i = 0; i < row_count; i++)
        memcpy((*out)->data.real + i * keys, rows[i], keys * sizeof(double));
    return STATUS_OK;
}

/* The index of a text in a table, -1 when it is not there. */
static int64_t text_index(const struct tensor *table, const char *text)
{
    for (size_t i = 0; table != NULL && i < table->count; i++)
        if (strcmp(table->data.text[i], text) == 0)
            return (int64_t)i;
    return -1;
}

/* A number for a text that the model does not know: equal texts get equal ones. */
static int64_t unknown_text(struct onnx_data *data, const char *text)
{
    size_t i = 0;
    while (i < data->unknown_count && strcmp(data->unknown[i], text) != 0)
        i++;
    if (i == data->unknown_count && i < ONNX_DATA_VALUES_MAX)
        data->unknown[data->unknown_count++] = text;
    return -1 - (int64_t)i;
}

/* Texts become what the graph computes with: indices into the table of its input. */
static const struct tensor *as_input(struct onnx_data *data, const struct graph_value *value,
                                     const struct tensor *given)
{
    if (given->type != ELEMENT_STRING)
        return given;
    struct tensor *indices = tensor_new(&data->arena, ELEMENT_I64, &given->shape);
    for (size_t i = 0; indices != NULL && i < given->count; i++)
        indices->data.integer[i] = text_index(value->text_table, given->data.text[i]);
    for (size_t i = 0; indices != NULL && i < given->count; i++)
        if (indices->data.integer[i] < 0)
            indices->data.integer[i] = unknown_text(data, given->data.text[i]);
    return indices;
}

static enum status bind_inputs(struct onnx_data *data, const struct import_sample *sample,
                               size_t count, struct diag *diag)
{
    struct graph *graph = data->graph;
    if (graph->input_count > ONNX_DATA_VALUES_MAX)
        return diag_set(diag, STATUS_LIMIT, "too many inputs");
    for (size_t i = 0; i < graph->input_count; i++) {
        const struct graph_value *value = &graph->values[graph->inputs[i]];
        for (size_t k = 0; k < count; k++)
            if (strcmp(sample[k].input, value->name) == 0)
                data->input[i] = as_input(data, value, sample[k].tensor);
        if (data->input[i] == NULL)
            return diag_set(diag, STATUS_BAD_INPUT, "no data for input %s", value->name);
    }
    return STATUS_OK;
}

/*
 * Imports with all inputs at run time; when that fails, with integer scalars bound (a sample rate
 * that chooses between branches, whose other branch the data does not fit).
 */
static enum status import_once(struct onnx_data *data, const struct import_sample *sample,
                               size_t count, struct diag *diag)
{
    struct import_bind bind[ONNX_DATA_VALUES_MAX];
    struct import_options options = {.sample = sample, .sample_count = count, .bind = bind};
    struct import_notes notes = {0};
    enum status status = STATUS_OK;
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        for (size_t i = 0; attempt == 1 && i < count; i++)
            if (sample[i].tensor->shape.rank == 0 && sample[i].tensor->type == ELEMENT_I64)
                bind[options.bind_count++] =
                    (struct import_bind){sample[i].input, sample[i].tensor};
        if (attempt == 1 && options.bind_count == 0)
            break;
        diag_list_release(&data->problems);
        status = import_graph(&data->graph, &data->file, &options, &data->arena, &data->problems,
                              &notes);
        if (status == STATUS_OK)
            return status;
    }
    return diag_set(diag, status, "%s",
                    data->problems.count > 0 ? data->problems.item[0].text : "no reason given");
}

static enum status load_set(struct onnx_data *data, const char *folder, const char *set,
                            struct diag *diag)
{
    char path[4096];
    struct value_spec *spec;
    struct import_sample sample[ONNX_DATA_VALUES_MAX];
    size_t count;
    enum status status = import_inputs(&spec, &count, &data->file, &data->arena, diag);
    if (status == STATUS_OK && count > ONNX_DATA_VALUES_MAX)
        status = diag_set(diag, STATUS_LIMIT, "too many inputs");
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        struct tensor *tensor = NULL;
        snprintf(path, sizeof path, "%s/%s/input_%zu.pb", folder, set, i);
        status = read_tensor(data, path, &tensor, diag);
        tensor = as_declared(data, spec[i].type, tensor);
        sample[i] = (struct import_sample){spec[i].name, tensor};
    }
    if (status != STATUS_OK)
        return status;
    status = import_once(data, sample, count, diag);
    if (status != STATUS_OK)
        return status;
    if (data->graph->output_count > ONNX_DATA_VALUES_MAX)
        return diag_set(diag, STATUS_LIMIT, "too many outputs");
    for (size_t i = 0; status == STATUS_OK && i < data->graph->output_count; i++) {
        struct tensor *tensor = NULL;
        bool is_map = data->graph->values[data->graph->outputs[i]].map_keys != NULL;
        snprintf(path, sizeof path, "%s/%s/output_%zu.pb", folder, set, i);
        status =
            is_map ? read_maps(data, path, &tensor, diag) : read_tensor(data, path, &tensor, diag);
        data->output[i] =
            as_declared(data, data->graph->values[data->graph->outputs[i]].type, tensor);
    }
    return status == STATUS_OK ? bind_inputs(data, sample, count, diag) : status;
}

enum status onnx_data_load(struct onnx_data *data, const char *folder, const char *set,
                           struct diag *diag)
{
    char path[4096];
    memset(data, 0, sizeof *data);
    arena_init(&data->arena, (size_t)4 << 30);
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    enum status status = onnx_load_file(&data->file, path, diag);
    return status == STATUS_OK ? load_set(data, folder, set, diag) : status;
}

void onnx_data_release(struct onnx_data *data)
{
    diag_list_release(&data->problems);
    onnx_release(&data->file);
    arena_release(&data->arena);
    memset(data, 0, sizeof *data);
}

/* --- comparison ----------------------------------------------------------------------------------
 */

static bool reals_agree(double got, double want, double absolute, double relative)
{
    if (isnan(got) || isnan(want))
        return isnan(got) && isnan(want);
    if (isinf(got) || isinf(want))
        return got == want;
    return fabs(got - want) <= absolute + relative * fabs(want);
}

static bool element_agrees(const struct tensor *got, const struct tensor *table,
                           const struct tensor *want, size_t i, double absolute, double relative,
                           char text[256])
{
    if (want->type == ELEMENT_STRING) {
        int64_t index = got->data.integer[i];
        bool known = table != NULL && index >= 0 && (size_t)index < table->count;
        const char *word = known ? table->data.text[index] : "";
        snprintf(text, 256, "element %zu is '%s', not '%s'", i, word, want->data.text[i]);
        return known && strcmp(word, want->data.text[i]) == 0;
    }
    if (element_type_is_float(want->type)) {
        double x = got->data.real[i], y = want->data.real[i];
        snprintf(text, 256, "element %zu is %.17g, not %.17g", i, x, y);
        return reals_agree(x, y, absolute, relative);
    }
    snprintf(text, 256, "element %zu is %" PRId64 ", not %" PRId64, i, got->data.integer[i],
             want->data.integer[i]);
    return got->data.integer[i] == want->data.integer[i];
}

bool onnx_data_agrees(const struct tensor *got, const struct tensor *text_table,
                      const struct tensor *want, double absolute, double relative, char text[256])
{
    bool is_text = want->type == ELEMENT_STRING && got->type == ELEMENT_I64;
    if (got->type != want->type && !is_text) {
        snprintf(text, 256, "type %s, not %s", element_type_name(got->type),
                 element_type_name(want->type));
        return false;
    }
    if (!shape_equal(&got->shape, &want->shape)) {
        snprintf(text, 256, "rank %u, %zu elements, not rank %u, %zu elements", got->shape.rank,
                 got->count, want->shape.rank, want->count);
        return false;
    }
    for (size_t i = 0; i < want->count; i++)
        if (!element_agrees(got, text_table, want, i, absolute, relative, text))
            return false;
    return true;
}
