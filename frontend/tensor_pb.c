/* TensorProto by hand: see tensor_pb.h. */
#include "frontend/tensor_pb.h"

#include <string.h>

#include "frontend/tensor_parts.h"

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };
enum field {
    FIELD_DIMS = 1,
    FIELD_DATA_TYPE = 2,
    FIELD_SEGMENT = 3,
    FIELD_FLOATS = 4,
    FIELD_INT32S = 5,
    FIELD_TEXTS = 6,
    FIELD_INT64S = 7,
    FIELD_NAME = 8,
    FIELD_RAW = 9,
    FIELD_DOUBLES = 10,
    FIELD_UINT64S = 11,
    FIELD_LOCATION = 14
};

struct cursor {
    const uint8_t *at, *end;
};

/* One field: its number, and either a number or a stretch of bytes. */
struct field_value {
    uint64_t field;
    unsigned wire;
    uint64_t number;
    const uint8_t *bytes;
    size_t count;
};

static bool read_varint(struct cursor *cursor, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0)
            return true;
    }
    return false;
}

static bool read_field(struct cursor *cursor, struct field_value *out)
{
    uint64_t tag, length = 0;
    if (!read_varint(cursor, &tag))
        return false;
    *out = (struct field_value){.field = tag >> 3, .wire = (unsigned)(tag & 7)};
    if (out->field == 0)
        return false;
    if (out->wire == WIRE_VARINT)
        return read_varint(cursor, &out->number);
    if (out->wire == WIRE_32 || out->wire == WIRE_64)
        length = out->wire == WIRE_32 ? 4 : 8;
    else if (out->wire != WIRE_BYTES || !read_varint(cursor, &length))
        return false;
    if (length > (uint64_t)(cursor->end - cursor->at))
        return false;
    out->bytes = cursor->at;
    out->count = (size_t)length;
    cursor->at += length;
    return true;
}

/* A list under construction: sized by the first pass over the message, filled by the second. */
struct list {
    uint64_t *item; /* patterns: integers, or bits of floats */
    size_t count, capacity;
};

struct message {
    struct list dims, floats, doubles, int32s, int64s, uint64s;
    struct tensor_text *texts;
    size_t text_count, text_capacity;
    struct tensor_parts parts;
    const uint8_t *name;
    size_t name_count;
    bool is_external, has_segment;
};

static struct list *list_of(struct message *message, uint64_t field, unsigned *width)
{
    *width = 0;
    switch (field) {
    case FIELD_DIMS:
        return &message->dims;
    case FIELD_INT32S:
        return &message->int32s;
    case FIELD_INT64S:
        return &message->int64s;
    case FIELD_UINT64S:
        return &message->uint64s;
    case FIELD_FLOATS:
        *width = 4;
        return &message->floats;
    case FIELD_DOUBLES:
        *width = 8;
        return &message->doubles;
    default:
        return NULL;
    }
}

static uint64_t load_le(const uint8_t *bytes, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

/* Adds the numbers of one field to its list, or only counts them while the list has no memory yet.
 */
static bool add_numbers(struct list *list, unsigned width, const struct field_value *value)
{
    struct cursor packed = {value->bytes, value->bytes + value->count};
    uint64_t number = value->number;
    if (value->wire != WIRE_BYTES) {
        unsigned expected = width == 4 ? WIRE_32 : width == 8 ? WIRE_64 : WIRE_VARINT;
        if (value->wire != expected)
            return false;
        if (width != 0)
            number = load_le(value->bytes, width);
        if (list->item != NULL)
            list->item[list->count] = number;
        list->count++;
        return true;
    }
    if (width != 0 && value->count % width != 0)
        return false;
    while (packed.at < packed.end) {
        if (width == 0) {
            if (!read_varint(&packed, &number))
                return false;
        } else {
            number = load_le(packed.at, width);
            packed.at += width;
        }
        if (list->item != NULL)
            list->item[list->count] = number;
        list->count++;
    }
    return true;
}

static bool take_field(struct message *message, const struct field_value *value)
{
    unsigned width;
    struct list *list = list_of(message, value->field, &width);
    if (list != NULL)
        return add_numbers(list, width, value);
    bool is_bytes = value->wire == WIRE_BYTES;
    switch (value->field) {
    case FIELD_DATA_TYPE:
        message->parts.data_type = (int32_t)value->number;
        return value->wire == WIRE_VARINT && value->number <= INT32_MAX;
    case FIELD_LOCATION:
        message->is_external = value->number == 1;
        return value->wire == WIRE_VARINT;
    case FIELD_SEGMENT:
        message->has_segment = true;
        return is_bytes;
    case FIELD_NAME:
        message->name = value->bytes;
        message->name_count = value->count;
        return is_bytes;
    case FIELD_RAW:
        message->parts.has_raw = true;
        message->parts.raw = value->bytes;
        message->parts.raw_count = value->count;
        return is_bytes;
    case FIELD_TEXTS:
        if (message->texts != NULL)
            message->texts[message->text_count] = (struct tensor_text){value->bytes, value->count};
        message->text_count++;
        return is_bytes;
    default:
        return true;
    }
}

static bool take_fields(struct message *message, const uint8_t *bytes, size_t count)
{
    struct cursor cursor = {bytes, bytes + count};
    struct field_value value;
    while (cursor.at < cursor.end)
        if (!read_field(&cursor, &value) || !take_field(message, &value))
            return false;
    return true;
}

static bool make_list(struct list *list, struct arena *arena)
{
    list->capacity = list->count;
    list->count = 0;
    list->item = arena_array(arena, uint64_t, list->capacity);
    return list->item != NULL;
}

static bool make_lists(struct message *message, struct arena *arena)
{
    message->text_capacity = message->text_count;
    message->text_count = 0;
    message->texts = arena_array(arena, struct tensor_text, message->text_capacity);
    return message->texts != NULL && make_list(&message->dims, arena) &&
           make_list(&message->floats, arena) && make_list(&message->doubles, arena) &&
           make_list(&message->int32s, arena) && make_list(&message->int64s, arena) &&
           make_list(&message->uint64s, arena);
}

/* Turns lists of patterns into lists of their types, in place where the width allows. */
static void set_parts(struct message *message)
{
    struct tensor_parts *parts = &message->parts;
    parts->dims = (const int64_t *)message->dims.item;
    parts->dim_count = message->dims.count;
    parts->int64s = (const int64_t *)message->int64s.item;
    parts->int64_count = message->int64s.count;
    parts->uint64s = message->uint64s.item;
    parts->uint64_count = message->uint64s.count;
    parts->texts = message->texts;
    parts->text_count = message->text_count;
    double *doubles = (double *)(void *)message->doubles.item;
    for (size_t i = 0; i < message->doubles.count; i++)
        memcpy(&doubles[i], &message->doubles.item[i], sizeof *doubles);
    parts->doubles = doubles;
    parts->double_count = message->doubles.count;
    float *floats = (float *)(void *)message->floats.item;
    for (size_t i = 0; i < message->floats.count; i++) {
        uint32_t low = (uint32_t)message->floats.item[i];
        memcpy(&floats[i], &low, sizeof low);
    }
    parts->floats = floats;
    parts->float_count = message->floats.count;
    int32_t *int32s = (int32_t *)(void *)message->int32s.item;
    for (size_t i = 0; i < message->int32s.count; i++) {
        uint32_t low = (uint32_t)message->int32s.item[i];
        memcpy(&int32s[i], &low, sizeof low);
    }
    parts->int32s = int32s;
    parts->int32_count = message->int32s.count;
}

enum status tensor_pb_read(struct tensor **out, const char **name, const void *bytes, size_t count,
                           struct arena *arena, struct diag *diag)
{
    struct message message = {0};
    struct shape shape;
    size_t elements;
    if (!take_fields(&message, bytes, count) || message.parts.data_type == 0)
        return diag_set(diag, STATUS_BAD_INPUT, "not a serialized ONNX tensor");
    if (message.is_external || message.has_segment)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "a tensor whose elements are in another file or in segments");
    if (!make_lists(&message, arena) || !take_fields(&message, bytes, count))
        return arena_failure(arena, count, "a tensor", diag);
    set_parts(&message);
    if (message.parts.raw_count == 0 && message.floats.count + message.doubles.count +
                                                message.int32s.count + message.int64s.count +
                                                message.uint64s.count !=
                                            0)
        message.parts.has_raw = false;
    enum status status = tensor_parts_check(&message.parts, &shape, &elements, diag);
    if (status == STATUS_OK)
        status = tensor_from_parts(out, &message.parts, arena, diag);
    if (status != STATUS_OK)
        return status;
    *name = arena_strndup(
        arena, (const char *)message.name,
        message.name_count == 0 ? 0 : strnlen((const char *)message.name, message.name_count));
    return *name == NULL ? arena_failure(arena, message.name_count, "a name", diag) : STATUS_OK;
}

/* --- sequences and optionals --- */

/* SequenceProto and OptionalProto. */
enum list_field {
    LIST_NAME = 1,
    LIST_ELEM_TYPE = 2,
    LIST_TENSOR = 3,
    LIST_SPARSE = 4,
    LIST_SEQUENCE = 5,
    LIST_MAP = 6,
    LIST_OPTIONAL = 7
};

struct tree_reader {
    struct arena *arena;
    struct diag *diag;
    size_t items; /* so far, in the whole tree */
};

static enum status not_a_list(struct diag *diag)
{
    return diag_set(diag, STATUS_BAD_INPUT, "not a serialized ONNX sequence or optional");
}

static enum status read_level(struct tree_reader *reader, struct value_tree *out, const char **name,
                              struct cursor message, const char *open, unsigned depth);

/* One entry of a level: a tensor, or a level of its own. */
static enum status read_entry(struct tree_reader *reader, struct value_tree *out,
                              const struct field_value *value, const char *open, unsigned depth)
{
    const char *unused;
    if (value->field == LIST_SPARSE || value->field == LIST_MAP)
        return diag_set(reader->diag, STATUS_UNSUPPORTED,
                        "it holds maps or sparse tensors; only tensors are supported");
    if (value->field != LIST_TENSOR)
        return read_level(reader, out, &unused,
                          (struct cursor){value->bytes, value->bytes + value->count}, open,
                          depth + 1);
    struct tensor *tensor = NULL;
    if (open != NULL && strchr(open, 's') != NULL)
        return diag_set(reader->diag, STATUS_BAD_INPUT,
                        "a tensor stands where the model takes a sequence");
    enum status status =
        tensor_pb_read(&tensor, &unused, value->bytes, value->count, reader->arena, reader->diag);
    if (status == STATUS_OK)
        *out = (struct value_tree){
            .kind = VALUE_TREE_TENSOR, .shape = tensor->shape, .tensor = tensor};
    return status;
}

/* Counts the entries of a level, and finds its name. */
static bool scan_level(struct cursor message, size_t *count, struct field_value *name)
{
    struct field_value value;
    *count = 0;
    while (message.at < message.end) {
        if (!read_field(&message, &value))
            return false;
        bool is_number = value.field == LIST_ELEM_TYPE;
        if (value.field > LIST_OPTIONAL || value.wire != (is_number ? WIRE_VARINT : WIRE_BYTES))
            return false;
        if (value.field == LIST_NAME)
            *name = value;
        *count += value.field >= LIST_TENSOR;
    }
    return true;
}

static enum status read_level(struct tree_reader *reader, struct value_tree *out, const char **name,
                              struct cursor message, const char *open, unsigned depth)
{
    struct field_value value, title = {0};
    const char *inner = open == NULL || open[0] == 0 ? open : open + 1;
    bool is_optional = open != NULL && open[0] == 'o';
    size_t count, filled = 0;
    if (!scan_level(message, &count, &title))
        return not_a_list(reader->diag);
    reader->items += count;
    if (depth >= VALUE_TREE_DEPTH_MAX || reader->items > VALUE_TREE_ITEMS_MAX)
        return diag_set(reader->diag, STATUS_LIMIT,
                        "more than %d tensors or %d levels in one input", VALUE_TREE_ITEMS_MAX,
                        VALUE_TREE_DEPTH_MAX);
    if (open != NULL && open[0] == 0)
        return diag_set(reader->diag, STATUS_BAD_INPUT,
                        "a sequence stands where the model takes a tensor");
    if (is_optional && count > 1)
        return diag_set(reader->diag, STATUS_BAD_INPUT, "an optional that holds %zu things", count);
    struct value_tree *item = arena_array(reader->arena, struct value_tree, count);
    *name = arena_strndup(reader->arena, (const char *)title.bytes,
                          title.count == 0 ? 0 : strnlen((const char *)title.bytes, title.count));
    if (item == NULL || *name == NULL)
        return arena_failure(reader->arena, 0, "a sequence", reader->diag);
    while (message.at < message.end && read_field(&message, &value)) {
        if (value.field < LIST_TENSOR)
            continue;
        enum status status = read_entry(reader, &item[filled++], &value, inner, depth);
        if (status != STATUS_OK)
            return status;
    }
    if (is_optional)
        *out = count == 0 ? (struct value_tree){.kind = VALUE_TREE_NOTHING} : item[0];
    else
        *out = (struct value_tree){.kind = VALUE_TREE_LIST, .item = item, .count = count};
    return STATUS_OK;
}

enum status tensor_pb_read_tree(struct value_tree *out, const char **name, const void *bytes,
                                size_t count, const char *open, struct arena *arena,
                                struct diag *diag)
{
    struct tree_reader reader = {arena, diag, 0};
    const uint8_t *start = bytes;
    return read_level(&reader, out, name, (struct cursor){start, start + count}, open, 0);
}
