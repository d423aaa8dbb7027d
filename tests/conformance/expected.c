/*
 * Reference outputs: TensorProto, SequenceProto, OptionalProto, MapProto files, and the comparison.
 * Source: onnx/onnx-data.proto (field numbers below), onnx/onnx.proto.
 */
#include "tests/conformance/conformance.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/buffer.h"
#include "ir/support/file.h"

enum {
    FILE_BYTES_MAX = 1 << 30,
    ITEMS_MAX = 4096,
    NESTING_MAX = 8,
    /* SequenceProto and OptionalProto share these numbers. */
    FIELD_TENSOR = 3,
    FIELD_SEQUENCE = 5,
    FIELD_MAP = 6,
    FIELD_OPTIONAL = 7,
    MAP_FIELD_VALUES = 5,
};

struct wire {
    const uint8_t *at, *end;
};

struct reading {
    struct onnx_file *file;
    struct arena *arena;
    const char *path;
    struct tensor **items;
    size_t count;
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

static enum status add_tensor(struct reading *reading, struct wire bytes, struct diag *diag)
{
    if (reading->count == ITEMS_MAX)
        return diag_set(diag, STATUS_LIMIT, "%s: more than %d tensors", reading->path, ITEMS_MAX);
    Onnx__Tensor *message = onnx__tensor__unpack(NULL, (size_t)(bytes.end - bytes.at), bytes.at);
    if (message == NULL)
        return diag_set(diag, STATUS_BAD_INPUT, "%s: no tensor", reading->path);
    struct tensor *tensor = NULL;
    enum status status = onnx_tensor(&tensor, reading->file, message, reading->arena, diag);
    onnx__tensor__free_unpacked(message, NULL);
    if (status == STATUS_OK)
        reading->items[reading->count++] = tensor;
    return status;
}

/* The tensors of a SequenceProto or OptionalProto, in their order. */
static enum status add_list(struct reading *reading, struct wire bytes, unsigned depth,
                            struct diag *diag)
{
    struct wire field, entry;
    enum status status = STATUS_OK;
    if (depth > NESTING_MAX)
        return diag_set(diag, STATUS_LIMIT, "%s: nested too deep", reading->path);
    for (unsigned number; status == STATUS_OK && (number = read_field(&bytes, &field)) != 0;) {
        if (number == FIELD_TENSOR)
            status = add_tensor(reading, field, diag);
        else if (number == FIELD_SEQUENCE || number == FIELD_OPTIONAL)
            status = add_list(reading, field, depth + 1, diag);
        for (unsigned inner; number == FIELD_MAP && status == STATUS_OK &&
                             (inner = read_field(&field, &entry)) != 0;)
            if (inner == MAP_FIELD_VALUES)
                status = add_list(reading, entry, depth + 1, diag);
    }
    return status;
}

static bool has_map(const Onnx__Type *type)
{
    for (unsigned depth = 0; type != NULL && depth < NESTING_MAX; depth++) {
        if (type->value_case == ONNX__TYPE__VALUE_MAP_TYPE)
            return true;
        if (type->value_case != ONNX__TYPE__VALUE_SEQUENCE_TYPE)
            return false;
        type = type->sequence_type->elem_type;
    }
    return false;
}

/* The values of maps, one row a map, are one tensor. */
static enum status join_rows(struct reading *reading, struct diag *diag)
{
    struct shape shape = {1, {(int64_t)reading->count}};
    struct tensor *joined =
        reading->count == 0 ? NULL : tensor_new(reading->arena, reading->items[0]->type, &shape);
    if (joined == NULL)
        return diag_set(diag, STATUS_BAD_INPUT, "%s: no maps", reading->path);
    for (size_t i = 0; i < reading->count; i++) {
        const struct tensor *item = reading->items[i];
        if (item->count != 1 || item->type != joined->type)
            return diag_set(diag, STATUS_BAD_INPUT, "%s: a map of no numbers", reading->path);
        if (element_type_is_float(joined->type))
            joined->data.real[i] = item->data.real[0];
        else
            joined->data.integer[i] = item->data.integer[0];
    }
    reading->items[0] = joined;
    reading->count = 1;
    return STATUS_OK;
}

/* Old releases store bfloat16 as the uint16 of its pattern. */
static enum status as_declared(struct reading *reading, const Onnx__Type *type, struct diag *diag)
{
    struct tensor *from = reading->count == 1 ? reading->items[0] : NULL;
    if (from == NULL || from->type != ELEMENT_U16 ||
        type->value_case != ONNX__TYPE__VALUE_TENSOR_TYPE ||
        type->tensor_type->elem_type != ELEMENT_BF16)
        return STATUS_OK;
    struct tensor *real = tensor_new(reading->arena, ELEMENT_BF16, &from->shape);
    if (real == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for '%s'", reading->path);
    for (size_t i = 0; i < from->count; i++) {
        uint32_t pattern = (uint32_t)from->data.integer[i] << 16;
        float value;
        memcpy(&value, &pattern, sizeof value);
        real->data.real[i] = (double)value;
    }
    reading->items[0] = real;
    return STATUS_OK;
}

/* type: NULL for a tensor. */
static enum status read_items(struct reading *reading, const Onnx__Type *type, struct diag *diag)
{
    struct buffer bytes;
    buffer_init(&bytes);
    bool is_list = type != NULL && type->value_case != ONNX__TYPE__VALUE_TENSOR_TYPE;
    enum status status = file_read(reading->path, FILE_BYTES_MAX, &bytes, diag);
    struct wire wire = {bytes.data, bytes.data + bytes.count};
    if (status == STATUS_OK)
        status = is_list ? add_list(reading, wire, 0, diag) : add_tensor(reading, wire, diag);
    buffer_release(&bytes);
    if (status == STATUS_OK && has_map(type))
        status = join_rows(reading, diag);
    if (status == STATUS_OK && type != NULL)
        status = as_declared(reading, type, diag);
    return status;
}

enum status expected_read_tensor(struct tensor **out, struct onnx_file *file, const char *path,
                                 struct arena *arena, struct diag *diag)
{
    struct tensor *item[ITEMS_MAX];
    struct reading reading = {file, arena, path, item, 0};
    enum status status = read_items(&reading, NULL, diag);
    if (status == STATUS_OK)
        *out = item[0];
    return status;
}

enum status expected_read(struct expected *expected, struct onnx_file *file, const char *folder,
                          struct arena *arena, struct diag *diag)
{
    const Onnx__Graph *graph = file->model->graph;
    struct tensor *item[ITEMS_MAX];
    char path[4096];
    enum status status = STATUS_OK;
    *expected = (struct expected){arena_array(arena, struct expected_output, graph->n_output + 1),
                                  graph->n_output};
    if (expected->outputs == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for reference outputs");
    for (size_t k = 0; status == STATUS_OK && k < graph->n_output; k++) {
        struct reading reading = {file, arena, path, item, 0};
        struct expected_output *output = &expected->outputs[k];
        snprintf(path, sizeof path, "%s/output_%zu.pb", folder, k);
        status = read_items(&reading, graph->output[k]->type, diag);
        *output = (struct expected_output){
            graph->output[k]->name, arena_memdup(arena, item, reading.count * sizeof *item + 1),
            reading.count};
        if (status == STATUS_OK && output->items == NULL)
            status = diag_set(diag, STATUS_NO_MEMORY, "no memory for reference outputs");
    }
    return status;
}

/* ---- comparison ---- */

static bool reals_agree(double got, double want, struct conformance_tolerance tolerance)
{
    if (isnan(got) || isnan(want))
        return isnan(got) && isnan(want);
    if (isinf(got) || isinf(want))
        return got == want;
    return fabs(got - want) <= tolerance.absolute + tolerance.relative * fabs(want);
}

static enum status compare_element(const struct computed *computed, const struct tensor *want,
                                   size_t i, struct conformance_tolerance tolerance,
                                   struct diag *diag)
{
    const struct tensor *got = computed->tensor, *table = computed->text_table;
    if (want->type == ELEMENT_STRING) {
        bool is_text = got->type == ELEMENT_STRING;
        int64_t index = is_text ? 0 : got->data.integer[i];
        bool is_known = is_text || (table != NULL && index >= 0 && (size_t)index < table->count);
        const char *word = is_text    ? got->data.text[i]
                           : is_known ? table->data.text[index]
                                      : "(a text without a number)";
        return is_known && strcmp(word, want->data.text[i]) == 0
                   ? STATUS_OK
                   : diag_set(diag, STATUS_REJECTED, "output '%s' element %zu is '%s', not '%s'",
                              computed->name, i, word, want->data.text[i]);
    }
    if (element_type_is_float(want->type))
        return reals_agree(got->data.real[i], want->data.real[i], tolerance)
                   ? STATUS_OK
                   : diag_set(diag, STATUS_REJECTED, "output '%s' element %zu is %.9g, not %.9g",
                              computed->name, i, got->data.real[i], want->data.real[i]);
    return got->data.integer[i] == want->data.integer[i]
               ? STATUS_OK
               : diag_set(diag, STATUS_REJECTED,
                          "output '%s' element %zu is %" PRId64 ", not %" PRId64, computed->name, i,
                          got->data.integer[i], want->data.integer[i]);
}

static enum status compare_shape(const struct computed *computed, const struct tensor *want,
                                 bool is_map, struct diag *diag)
{
    const struct tensor *got = computed->tensor;
    if (is_map ? got->count == want->count : shape_equal(&got->shape, &want->shape))
        return STATUS_OK;
    char have[256] = "", need[256] = "";
    for (unsigned d = 0; d < got->shape.rank; d++)
        snprintf(have + strlen(have), sizeof have - strlen(have), "%s%" PRId64, d > 0 ? "," : "",
                 got->shape.dim[d]);
    for (unsigned d = 0; d < want->shape.rank; d++)
        snprintf(need + strlen(need), sizeof need - strlen(need), "%s%" PRId64, d > 0 ? "," : "",
                 want->shape.dim[d]);
    return diag_set(diag, STATUS_REJECTED, "output '%s' has shape [%s], not [%s]", computed->name,
                    have, need);
}

static enum status compare_tensor(const struct computed *computed, const struct tensor *want,
                                  struct conformance_tolerance tolerance, struct diag *diag)
{
    const struct tensor *got = computed->tensor;
    bool is_text = want->type == ELEMENT_STRING && got->type == ELEMENT_I64;
    if (got->type != want->type && !is_text)
        return diag_set(diag, STATUS_REJECTED, "output '%s' is %s, not %s", computed->name,
                        element_type_name(got->type), element_type_name(want->type));
    /* Rows of maps carry no shape of their own. */
    bool is_map = want->shape.rank == 1 && got->shape.rank == 2;
    enum status status = compare_shape(computed, want, is_map, diag);
    for (size_t i = 0; status == STATUS_OK && i < want->count; i++)
        status = compare_element(computed, want, i, tolerance, diag);
    return status;
}

static bool belongs_to(const struct computed *computed, const struct expected_output *output)
{
    return strcmp(computed->sequence != NULL ? computed->sequence : computed->name, output->name) ==
           0;
}

enum status expected_compare(const struct expected *expected, const struct computed *computed,
                             size_t count, struct conformance_tolerance tolerance,
                             struct diag *diag)
{
    enum status status = STATUS_OK;
    for (size_t k = 0; status == STATUS_OK && k < expected->count; k++) {
        const struct expected_output *output = &expected->outputs[k];
        size_t found = 0;
        for (size_t i = 0; status == STATUS_OK && i < count; i++) {
            if (!belongs_to(&computed[i], output))
                continue;
            if (found < output->count)
                status = compare_tensor(&computed[i], output->items[found], tolerance, diag);
            found++;
        }
        if (status == STATUS_OK && found != output->count)
            status = diag_set(diag, STATUS_REJECTED, "output '%s' has %zu tensors, not %zu",
                              output->name, found, output->count);
    }
    return status;
}
