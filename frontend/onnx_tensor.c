/* Tensors of a model file: see onnx_load.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/onnx_load.h"
#include "frontend/tensor_parts.h"

/* A decimal number without sign that fills the text. */
static bool parse_number(const char *text, uint64_t *value)
{
    if (text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    *value = number;
    return errno == 0 && *end == 0;
}

/* The keys of external_data. Without a length, the shape says it. */
static enum status external_range_of(const Onnx__Tensor *source, size_t raw_bytes,
                                     struct external_range *range, struct diag *diag)
{
    *range = (struct external_range){NULL, 0, raw_bytes};
    for (size_t i = 0; i < source->n_external_data; i++) {
        const char *key = source->external_data[i]->key, *value = source->external_data[i]->value;
        uint64_t number = 0;
        if (key == NULL || value == NULL)
            continue;
        bool is_offset = strcmp(key, "offset") == 0, is_length = strcmp(key, "length") == 0;
        if (strcmp(key, "location") == 0)
            range->location = value;
        if ((is_offset || is_length) && !parse_number(value, &number))
            return diag_set(diag, STATUS_BAD_INPUT, "external data %s '%s' is not a number", key,
                            value);
        if (is_offset)
            range->offset = number;
        if (is_length && number != raw_bytes)
            return diag_set(diag, STATUS_BAD_INPUT,
                            "external data of %llu bytes where the shape asks for %zu",
                            (unsigned long long)number, raw_bytes);
    }
    if (range->location == NULL)
        return diag_set(diag, STATUS_BAD_INPUT, "external data without a location");
    return STATUS_OK;
}

static enum status external_tensor(struct tensor **out, struct onnx_file *file,
                                   const Onnx__Tensor *source, struct tensor_parts *parts,
                                   struct arena *arena, struct diag *diag)
{
    struct shape shape;
    struct external_range range;
    size_t count;
    enum status status = tensor_parts_check(parts, &shape, &count, diag);
    if (status == STATUS_OK && parts->data_type == ELEMENT_STRING)
        status = diag_set(diag, STATUS_BAD_INPUT, "strings cannot be external data");
    size_t raw_bytes =
        status == STATUS_OK ? tensor_raw_bytes((enum element_type)parts->data_type, count) : 0;
    if (status == STATUS_OK)
        status = external_range_of(source, raw_bytes, &range, diag);
    if (status == STATUS_OK)
        status = external_check(&file->folder, &range, diag);
    if (status != STATUS_OK)
        return status;
    uint8_t *raw = malloc(raw_bytes + 1);
    if (raw == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "out of memory for %zu bytes of external data",
                        raw_bytes);
    status = external_read(&file->folder, &range, raw, diag);
    if (status == STATUS_OK) {
        parts->has_raw = true;
        parts->raw = raw;
        parts->raw_count = raw_bytes;
        status = tensor_from_parts(out, parts, arena, diag);
    }
    free(raw);
    return status;
}

enum status onnx_tensor(struct tensor **out, struct onnx_file *file, const Onnx__Tensor *source,
                        struct arena *arena, struct diag *diag)
{
    if (source->segment != NULL)
        return diag_set(diag, STATUS_UNSUPPORTED, "a tensor stored in segments");
    struct tensor_parts parts = {
        .data_type = source->data_type,
        .dims = source->dims,
        .dim_count = source->n_dims,
        .has_raw = source->has_raw_data,
        .raw = source->raw_data.data,
        .raw_count = source->raw_data.len,
        .floats = source->float_data,
        .float_count = source->n_float_data,
        .doubles = source->double_data,
        .double_count = source->n_double_data,
        .int32s = source->int32_data,
        .int32_count = source->n_int32_data,
        .int64s = source->int64_data,
        .int64_count = source->n_int64_data,
        .uint64s = source->uint64_data,
        .uint64_count = source->n_uint64_data,
        .text_count = source->n_string_data,
    };
    /* Some writers give an empty raw_data beside a filled list. */
    if (parts.raw_count == 0 && parts.float_count + parts.double_count + parts.int32_count +
                                        parts.int64_count + parts.uint64_count !=
                                    0)
        parts.has_raw = false;
    if (source->has_data_location && source->data_location == 1)
        return external_tensor(out, file, source, &parts, arena, diag);
    struct tensor_text *texts = NULL;
    if (parts.text_count != 0) {
        texts = malloc(parts.text_count * sizeof *texts);
        if (texts == NULL)
            return diag_set(diag, STATUS_NO_MEMORY, "out of memory for strings");
        for (size_t i = 0; i < parts.text_count; i++)
            texts[i] =
                (struct tensor_text){source->string_data[i].data, source->string_data[i].len};
        parts.texts = texts;
    }
    enum status status = tensor_from_parts(out, &parts, arena, diag);
    free(texts);
    return status;
}

/* Row-major position of the non-zero element i; false when it lies outside. */
static bool sparse_position(const struct tensor *indices, const struct shape *shape, size_t count,
                            size_t i, size_t *position)
{
    if (indices->shape.rank == 1) {
        int64_t index = indices->data.integer[i];
        *position = (size_t)index;
        return index >= 0 && (uint64_t)index < count;
    }
    size_t at = 0;
    for (unsigned d = 0; d < shape->rank; d++) {
        int64_t index = indices->data.integer[i * shape->rank + d];
        if (index < 0 || index >= shape->dim[d])
            return false;
        at = at * (size_t)shape->dim[d] + (size_t)index;
    }
    *position = at;
    return true;
}

enum status onnx_sparse_tensor(struct tensor **out, struct onnx_file *file,
                               const Onnx__SparseTensor *source, struct arena *arena,
                               struct diag *diag)
{
    struct tensor *values = NULL, *indices = NULL;
    if (source->values == NULL || source->indices == NULL)
        return diag_set(diag, STATUS_BAD_INPUT, "a sparse tensor without values or indices");
    enum status status = onnx_tensor(&values, file, source->values, arena, diag);
    if (status == STATUS_OK)
        status = onnx_tensor(&indices, file, source->indices, arena, diag);
    if (status != STATUS_OK)
        return status;
    struct tensor_parts parts = {
        .data_type = (int32_t)values->type, .dims = source->dims, .dim_count = source->n_dims};
    struct shape shape;
    size_t count;
    status = tensor_parts_check(&parts, &shape, &count, diag);
    if (status != STATUS_OK)
        return status;
    bool is_flat = indices->shape.rank == 1 && indices->count == values->count;
    bool is_listed = indices->shape.rank == 2 && indices->shape.dim[0] == (int64_t)values->count &&
                     indices->shape.dim[1] == shape.rank;
    if (values->type == ELEMENT_STRING || values->shape.rank != 1 || indices->type != ELEMENT_I64 ||
        !(is_flat || is_listed))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "a sparse tensor whose indices do not fit its values");
    struct tensor *tensor = tensor_new(arena, values->type, &shape);
    if (tensor == NULL)
        return arena_failure(arena, 8 * count, "a tensor", diag);
    for (size_t i = 0; i < values->count; i++) {
        size_t at;
        if (!sparse_position(indices, &shape, count, i, &at))
            return diag_set(diag, STATUS_BAD_INPUT,
                            "index %zu of a sparse tensor is outside its shape", i);
        /* Elements of every type but strings take eight bytes. */
        tensor->data.integer[at] = values->data.integer[i];
    }
    *out = tensor;
    return STATUS_OK;
}
