/* ONNX bytes to messages: see onnx_load.h. */
#include "frontend/onnx_load.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/buffer.h"
#include "ir/support/file.h"

/* --- the scan ------------------------------------------------------------------------------------
 */

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct scan {
    const uint8_t *at, *end;
};

static bool scan_varint(struct scan *scan, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && scan->at < scan->end; shift += 7) {
        uint8_t byte = *scan->at++;
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0)
            return true;
    }
    return false;
}

/* Whether a known field may come with this wire type; repeated numbers also come packed. */
static bool wire_fits(const ProtobufCFieldDescriptor *field, unsigned wire)
{
    bool is_list = field->label == PROTOBUF_C_LABEL_REPEATED;
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
        return wire == WIRE_BYTES;
    case PROTOBUF_C_TYPE_FLOAT:
        return wire == WIRE_32 || (is_list && wire == WIRE_BYTES);
    case PROTOBUF_C_TYPE_DOUBLE:
        return wire == WIRE_64 || (is_list && wire == WIRE_BYTES);
    default:
        return wire == WIRE_VARINT || (is_list && wire == WIRE_BYTES);
    }
}

static const char *scan_message(struct scan scan, const ProtobufCMessageDescriptor *message,
                                unsigned depth, const uint8_t **where);

/* Steps over one field; returns NULL, or what is wrong. */
static const char *scan_field(struct scan *scan, const ProtobufCMessageDescriptor *message,
                              unsigned depth, const uint8_t **where)
{
    uint64_t tag, length = 0;
    *where = scan->at;
    if (!scan_varint(scan, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1FFFFFFF)
        return "a broken field tag";
    unsigned wire = (unsigned)(tag & 7);
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(message, (unsigned)(tag >> 3));
    if (field != NULL && !wire_fits(field, wire))
        return "a field of another type than ONNX gives it";
    if (wire == WIRE_VARINT)
        return scan_varint(scan, &length) ? NULL : "a broken number";
    if (wire == WIRE_32 || wire == WIRE_64)
        length = wire == WIRE_32 ? 4 : 8;
    else if (wire != WIRE_BYTES)
        return "a group, which ONNX does not use";
    else if (!scan_varint(scan, &length))
        return "a broken length";
    if (length > (uint64_t)(scan->end - scan->at))
        return "a field that is longer than the file: it is cut off";
    struct scan inner = {scan->at, scan->at + length};
    scan->at += length;
    if (field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE)
        return scan_message(inner, field->descriptor, depth + 1, where);
    return NULL;
}

static const char *scan_message(struct scan scan, const ProtobufCMessageDescriptor *message,
                                unsigned depth, const uint8_t **where)
{
    if (depth > ONNX_NESTING_LIMIT)
        return "too many levels of nesting";
    const char *trouble = NULL;
    while (trouble == NULL && scan.at < scan.end)
        trouble = scan_field(&scan, message, depth, where);
    return trouble;
}

/* --- protobuf-c under a memory limit --- */

enum { HEADER_BYTES = alignof(max_align_t) };

static void *counted_alloc(void *data, size_t size)
{
    struct onnx_file *file = data;
    if (size > file->memory_left_bytes || size > SIZE_MAX - HEADER_BYTES)
        return NULL;
    uint8_t *block = malloc(size + HEADER_BYTES);
    if (block == NULL)
        return NULL;
    memcpy(block, &size, sizeof size);
    file->memory_left_bytes -= size;
    return block + HEADER_BYTES;
}

static void counted_free(void *data, void *pointer)
{
    if (pointer == NULL)
        return;
    struct onnx_file *file = data;
    uint8_t *block = (uint8_t *)pointer - HEADER_BYTES;
    size_t size;
    memcpy(&size, block, sizeof size);
    file->memory_left_bytes += size;
    free(block);
}

static ProtobufCAllocator allocator_of(struct onnx_file *file)
{
    return (ProtobufCAllocator){counted_alloc, counted_free, file};
}

/* Fills file->model. An honest file takes a few times its size; small messages take most. */
static enum status unpack(struct onnx_file *file, const uint8_t *bytes, size_t count,
                          const char *name, struct diag *diag)
{
    const uint8_t *where = bytes;
    const char *trouble =
        scan_message((struct scan){bytes, bytes + count}, &onnx__model__descriptor, 0, &where);
    if (trouble != NULL)
        return diag_set(diag, STATUS_BAD_INPUT, "%s: not a whole ONNX file: %s at byte %zu", name,
                        trouble, (size_t)(where - bytes));
    file->memory_left_bytes = 64 * count + ((size_t)1 << 20);
    size_t granted = file->memory_left_bytes;
    ProtobufCAllocator allocator = allocator_of(file);
    file->model = onnx__model__unpack(&allocator, count, bytes);
    if (file->model == NULL)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s: not an ONNX file, or one that needs more than %zu bytes of memory",
                        name, granted);
    return STATUS_OK;
}

void onnx_release(struct onnx_file *file)
{
    if (file->model != NULL) {
        ProtobufCAllocator allocator = allocator_of(file);
        onnx__model__free_unpacked(file->model, &allocator);
    }
    external_folder_release(&file->folder);
    *file = (struct onnx_file){0};
}

enum status onnx_load_bytes(struct onnx_file *file, const void *bytes, size_t count,
                            const char *name, struct diag *diag)
{
    static const uint8_t nothing[1];
    if (count == 0)
        bytes = nothing;
    *file = (struct onnx_file){0};
    if (count > ONNX_FILE_BYTES_LIMIT)
        return diag_set(diag, STATUS_LIMIT, "%s: larger than 2 GiB, the limit of the format", name);
    enum status status = unpack(file, bytes, count, name, diag);
    if (status == STATUS_OK && file->model->graph == NULL)
        status = diag_set(diag, STATUS_BAD_INPUT, "%s: not an ONNX model: it holds no graph", name);
    if (status != STATUS_OK)
        onnx_release(file);
    return status;
}

enum status onnx_load_file(struct onnx_file *file, const char *path, struct diag *diag)
{
    *file = (struct onnx_file){0};
    struct buffer bytes = {0};
    enum status status = file_read(path, ONNX_FILE_BYTES_LIMIT, &bytes, diag);
    if (status == STATUS_OK)
        status = onnx_load_bytes(file, bytes.data, bytes.count, path, diag);
    buffer_release(&bytes);
    if (status == STATUS_OK)
        status = external_folder_init(&file->folder, path, diag);
    if (status != STATUS_OK)
        onnx_release(file);
    return status;
}

/* --- functions --- */

/* ModelProto: functions. */
enum { FIELD_FUNCTIONS = 25 };

/* The function as a model of nothing else. */
static bool wrap_function(struct buffer *model, const struct buffer *function)
{
    uint64_t number = FIELD_FUNCTIONS << 3 | WIRE_BYTES;
    for (int i = 0; i < 2; i++, number = function->count)
        for (bool more = true; more; number >>= 7) {
            more = number >= 0x80;
            buffer_put_u8(model, (uint8_t)((number & 0x7F) | (more ? 0x80 : 0)));
        }
    buffer_put(model, function->data, function->count);
    return !model->failed;
}

enum status onnx_load_functions(struct onnx_file *file, const char *path, struct diag *diag)
{
    struct buffer bytes = {0}, wrapped = {0};
    struct diag as_model = {0};
    *file = (struct onnx_file){0};
    enum status status = file_read(path, ONNX_FILE_BYTES_LIMIT, &bytes, diag);
    if (status == STATUS_OK &&
        unpack(file, bytes.data, bytes.count, path, &as_model) != STATUS_OK) {
        onnx_release(file);
        status = wrap_function(&wrapped, &bytes)
                     ? unpack(file, wrapped.data, wrapped.count, path, diag)
                     : diag_set(diag, STATUS_NO_MEMORY, "%s: no memory", path);
    }
    buffer_release(&bytes);
    buffer_release(&wrapped);
    if (status == STATUS_OK &&
        (file->model->n_functions == 0 || file->model->functions[0]->name == NULL))
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "%s: it holds no function; a model with model-local functions or one "
                          "serialized FunctionProto is expected",
                          path);
    if (status != STATUS_OK)
        onnx_release(file);
    return status;
}
