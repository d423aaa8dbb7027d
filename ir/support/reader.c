/* The bounded reader: see reader.h. */
#include "ir/support/reader.h"

#include <string.h>

void reader_init(struct reader *reader, const void *data, size_t count)
{
    *reader = (struct reader){.data = data, .count = count};
}

void reader_fail(struct reader *reader)
{
    reader->failed = true;
}

size_t reader_left(const struct reader *reader)
{
    return reader->failed ? 0 : reader->count - reader->offset;
}

const uint8_t *reader_bytes(struct reader *reader, size_t count)
{
    static const uint8_t nothing[1];
    if (reader->failed || count > reader->count - reader->offset) {
        reader->failed = true;
        return NULL;
    }
    if (count == 0)
        return nothing;
    const uint8_t *start = reader->data + reader->offset;
    reader->offset += count;
    return start;
}

void reader_copy(struct reader *reader, void *out, size_t count)
{
    if (count == 0)
        return;
    const uint8_t *bytes = reader_bytes(reader, count);
    if (bytes == NULL)
        memset(out, 0, count);
    else
        memcpy(out, bytes, count);
}

static uint64_t read_little_endian(struct reader *reader, size_t count)
{
    const uint8_t *bytes = reader_bytes(reader, count);
    uint64_t value = 0;
    for (size_t i = 0; bytes != NULL && i < count; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

uint8_t reader_u8(struct reader *reader)
{
    return (uint8_t)read_little_endian(reader, 1);
}

uint16_t reader_u16(struct reader *reader)
{
    return (uint16_t)read_little_endian(reader, 2);
}

uint32_t reader_u32(struct reader *reader)
{
    return (uint32_t)read_little_endian(reader, 4);
}

uint64_t reader_u64(struct reader *reader)
{
    return read_little_endian(reader, 8);
}

bool reader_bool(struct reader *reader)
{
    uint8_t value = reader_u8(reader);
    if (value > 1)
        reader->failed = true;
    return value == 1;
}

size_t reader_count(struct reader *reader, size_t element_bytes, size_t limit)
{
    ASSERT(element_bytes > 0);
    uint64_t count = reader_u64(reader);
    if (count > limit || count > reader_left(reader) / element_bytes) {
        reader->failed = true;
        return 0;
    }
    return (size_t)count;
}

char *reader_string(struct reader *reader, struct arena *arena, size_t limit)
{
    uint32_t length = reader_u32(reader);
    if (length > limit)
        reader->failed = true;
    const uint8_t *bytes = reader_bytes(reader, length);
    if (bytes == NULL || memchr(bytes, 0, length) != NULL) {
        reader->failed = true;
        return NULL;
    }
    return arena_strndup(arena, (const char *)bytes, length);
}

enum status reader_status(const struct reader *reader, const char *what, struct diag *diag)
{
    if (reader->failed)
        return diag_set(diag, STATUS_BAD_INPUT, "%s is damaged or cut short at byte %zu of %zu",
                        what, reader->offset, reader->count);
    return STATUS_OK;
}

enum status reader_finish(const struct reader *reader, const char *what, struct diag *diag)
{
    if (!reader->failed && reader->offset != reader->count)
        return diag_set(diag, STATUS_BAD_INPUT, "%s has %zu bytes too many after byte %zu", what,
                        reader->count - reader->offset, reader->offset);
    return reader_status(reader, what, diag);
}
