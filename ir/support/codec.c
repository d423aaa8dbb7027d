/* See codec.h. */
#include "ir/support/codec.h"

#include <string.h>

struct codec codec_writer(struct buffer *out)
{
    return (struct codec){.is_writing = true, .out = out};
}

struct codec codec_reader(const void *bytes, size_t count, struct arena *arena)
{
    struct codec codec = {.arena = arena};
    reader_init(&codec.in, bytes, count);
    return codec;
}

void codec_fail(struct codec *codec)
{
    codec->failed = true;
}

void codec_u8(struct codec *codec, uint8_t *value)
{
    if (codec->is_writing)
        buffer_put_u8(codec->out, *value);
    else
        *value = codec->failed ? 0 : reader_u8(&codec->in);
}

void codec_bool(struct codec *codec, bool *value)
{
    uint8_t byte = *value ? 1 : 0;
    codec_u8(codec, &byte);
    if (byte > 1)
        codec_fail(codec);
    *value = byte == 1;
}

static void write_varint(struct codec *codec, uint64_t value)
{
    for (; value >= 128; value >>= 7)
        buffer_put_u8(codec->out, (uint8_t)(value | 128));
    buffer_put_u8(codec->out, (uint8_t)value);
}

static uint64_t read_varint(struct codec *codec)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = reader_u8(&codec->in);
        if (codec->in.failed || (shift == 63 && byte > 1))
            break;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    codec_fail(codec);
    return 0;
}

void codec_u64(struct codec *codec, uint64_t *value)
{
    if (codec->is_writing)
        write_varint(codec, *value);
    else
        *value = codec->failed ? 0 : read_varint(codec);
}

void codec_i64(struct codec *codec, int64_t *value)
{
    uint64_t zigzag = ((uint64_t)*value << 1) ^ (uint64_t)(*value >> 63);
    codec_u64(codec, &zigzag);
    *value = (int64_t)(zigzag >> 1 ^ (0 - (zigzag & 1)));
}

static uint64_t bounded(struct codec *codec, uint64_t value, uint64_t limit)
{
    codec_u64(codec, &value);
    if (value > limit) {
        codec_fail(codec);
        return 0;
    }
    return value;
}

void codec_u32(struct codec *codec, uint32_t *value)
{
    *value = (uint32_t)bounded(codec, *value, UINT32_MAX);
}

void codec_u16(struct codec *codec, uint16_t *value)
{
    *value = (uint16_t)bounded(codec, *value, UINT16_MAX);
}

void codec_i32(struct codec *codec, int32_t *value)
{
    int64_t full = *value;
    codec_i64(codec, &full);
    if (full < INT32_MIN || full > INT32_MAX) {
        codec_fail(codec);
        full = 0;
    }
    *value = (int32_t)full;
}

void codec_count(struct codec *codec, size_t *count, size_t least_bytes, size_t limit)
{
    *count = (size_t)bounded(codec, *count, limit);
    if (!codec->is_writing && least_bytes > 0 && *count > reader_left(&codec->in) / least_bytes) {
        codec_fail(codec);
        *count = 0;
    }
}

/* Sign and byte count in one byte, then the magnitude little-endian without leading zeros. */
void codec_wide(struct codec *codec, wide *value)
{
    uint8_t bytes[32] = {0}, head;
    wide magnitude = *value;
    bool negative = codec->is_writing && wide_is_negative(*value);
    if (negative && !wide_neg(&magnitude, *value))
        codec_fail(codec);
    unsigned length = codec->is_writing ? (wide_bit_length(magnitude) + 7) / 8 : 0;
    head = (uint8_t)(length | (negative ? 64 : 0));
    codec_u8(codec, &head);
    length = head & 63;
    if (length > 32 || (head & 128) != 0) {
        codec_fail(codec);
        length = 0;
    }
    for (unsigned i = 0; i < length; i++)
        bytes[i] = (uint8_t)(magnitude.limb[i / 8] >> (8 * (i % 8)));
    codec_bytes(codec, bytes, length);
    if (codec->is_writing)
        return;
    wide read = {{0, 0, 0, 0}};
    for (unsigned i = 0; i < length; i++)
        read.limb[i / 8] |= (uint64_t)bytes[i] << (8 * (i % 8));
    if (wide_is_negative(read) || (length > 0 && bytes[length - 1] == 0) ||
        ((head & 64) != 0 && length == 0))
        codec_fail(codec);
    else if ((head & 64) != 0 && !wide_neg(&read, read))
        codec_fail(codec);
    *value = read;
}

void codec_bytes(struct codec *codec, void *bytes, size_t count)
{
    if (codec->is_writing)
        buffer_put(codec->out, bytes, count);
    else if (codec->failed)
        memset(bytes, 0, count);
    else
        reader_copy(&codec->in, bytes, count);
}

void codec_text(struct codec *codec, const char **text)
{
    size_t length = codec->is_writing ? strlen(*text) : 0;
    codec_count(codec, &length, 1, UINT16_MAX);
    if (codec->is_writing) {
        buffer_put(codec->out, *text, length);
        return;
    }
    *text = "";
    const uint8_t *bytes = codec->failed ? NULL : reader_bytes(&codec->in, length);
    if (bytes == NULL || memchr(bytes, 0, length) != NULL) {
        if (length > 0)
            codec_fail(codec);
        return;
    }
    char *copy = arena_strndup(codec->arena, (const char *)bytes, length);
    if (copy == NULL)
        codec->failed = codec->no_memory = true;
    else
        *text = copy;
}

void *codec_array(struct codec *codec, const void *given, size_t count, size_t element_bytes)
{
    if (codec->is_writing)
        return (void *)(uintptr_t)given;
    void *array = codec->failed ? NULL : arena_alloc_array(codec->arena, count + 1, element_bytes);
    if (array == NULL && !codec->failed)
        codec->failed = codec->no_memory = true;
    return array;
}

void codec_delta_u32(struct codec *codec, uint32_t *value, uint32_t *previous)
{
    int64_t delta = (int64_t)*value - (int64_t)*previous;
    codec_i64(codec, &delta);
    int64_t result = (int64_t)*previous + delta;
    if (delta < -(int64_t)UINT32_MAX || delta > (int64_t)UINT32_MAX || result < 0 ||
        result > (int64_t)UINT32_MAX) {
        codec_fail(codec);
        result = 0;
    }
    *value = (uint32_t)result;
    *previous = *value;
}

void codec_finish(struct codec *codec)
{
    if (!codec->is_writing && (codec->in.failed || reader_left(&codec->in) != 0))
        codec_fail(codec);
}

enum status codec_status(const struct codec *codec, const char *what, struct diag *diag)
{
    if (codec->is_writing)
        return buffer_status(codec->out, diag);
    if (codec->no_memory)
        return diag_set(diag, STATUS_NO_MEMORY, "%s: no memory to read it", what);
    if (codec->failed || codec->in.failed)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s is damaged or was made by another version; compile the model again",
                        what);
    return STATUS_OK;
}
