/* Growable bytes: see buffer.h. */
#include "ir/support/buffer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_init(struct buffer *buffer)
{
    *buffer = (struct buffer){0};
}

void buffer_release(struct buffer *buffer)
{
    free(buffer->data);
    buffer_init(buffer);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->count = 0;
    buffer->failed = false;
    if (buffer->data != NULL)
        buffer->data[0] = 0;
}

enum status buffer_status(const struct buffer *buffer, struct diag *diag)
{
    if (buffer->failed)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for more than %zu bytes of output",
                        buffer->count);
    return STATUS_OK;
}

const char *buffer_text(const struct buffer *buffer)
{
    return buffer->data == NULL ? "" : (const char *)buffer->data;
}

uint8_t *buffer_take(struct buffer *buffer, size_t *count)
{
    uint8_t *data = buffer->failed ? NULL : buffer->data;
    *count = data == NULL ? 0 : buffer->count;
    if (data == NULL)
        free(buffer->data);
    buffer_init(buffer);
    return data;
}

/* Makes room for `count` more bytes and a final zero. */
static bool reserve(struct buffer *buffer, size_t count)
{
    if (buffer->failed)
        return false;
    if (buffer->data != NULL && count < buffer->capacity - buffer->count)
        return true;
    if (count >= SIZE_MAX / 2 - buffer->count) {
        buffer->failed = true;
        return false;
    }
    size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity;
    while (capacity <= buffer->count + count)
        capacity *= 2;
    uint8_t *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

uint8_t *buffer_extend(struct buffer *buffer, size_t count)
{
    if (!reserve(buffer, count))
        return NULL;
    uint8_t *start = buffer->data + buffer->count;
    memset(start, 0, count + 1);
    buffer->count += count;
    return start;
}

void buffer_put(struct buffer *buffer, const void *bytes, size_t count)
{
    if (!reserve(buffer, count))
        return;
    if (count > 0)
        memcpy(buffer->data + buffer->count, bytes, count);
    buffer->count += count;
    buffer->data[buffer->count] = 0;
}

/* Writes the low `count` bytes of a value, lowest first. */
static void put_little_endian(struct buffer *buffer, uint64_t value, size_t count)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    buffer_put(buffer, bytes, count);
}

void buffer_put_u8(struct buffer *buffer, uint8_t value)
{
    put_little_endian(buffer, value, 1);
}

void buffer_put_u16(struct buffer *buffer, uint16_t value)
{
    put_little_endian(buffer, value, 2);
}

void buffer_put_u32(struct buffer *buffer, uint32_t value)
{
    put_little_endian(buffer, value, 4);
}

void buffer_put_u64(struct buffer *buffer, uint64_t value)
{
    put_little_endian(buffer, value, 8);
}

void buffer_put_string(struct buffer *buffer, const char *text)
{
    size_t length = strlen(text);
    ASSERT(length <= UINT32_MAX);
    buffer_put_u32(buffer, (uint32_t)length);
    buffer_put(buffer, text, length);
}

void buffer_puts(struct buffer *buffer, const char *text)
{
    buffer_put(buffer, text, strlen(text));
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    char text[256];
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length < 0)
        buffer->failed = true;
    else if ((size_t)length < sizeof text)
        buffer_put(buffer, text, (size_t)length);
    else if (reserve(buffer, (size_t)length)) {
        vsnprintf((char *)buffer->data + buffer->count, (size_t)length + 1, format, again);
        buffer->count += (size_t)length;
    }
    va_end(again);
    va_end(arguments);
}

void buffer_put_hex(struct buffer *buffer, const void *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *in = bytes;
    if (count > SIZE_MAX / 4) {
        buffer->failed = true;
        return;
    }
    uint8_t *out = buffer_extend(buffer, 2 * count);
    for (size_t i = 0; out != NULL && i < count; i++) {
        out[2 * i] = (uint8_t)digits[in[i] >> 4];
        out[2 * i + 1] = (uint8_t)digits[in[i] & 15];
    }
}

/* Returns the bytes of the valid UTF-8 character at `text`, 0 when there is none (Unicode 15, 3.9).
 */
static size_t utf8_length(const unsigned char *text)
{
    unsigned char first = text[0];
    if (first < 0x80)
        return 1;
    size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    }
    /* Overlong forms, surrogates, beyond U+10FFFF. */
    if ((first == 0xE0 && text[1] < 0xA0) || (first == 0xED && text[1] > 0x9F) ||
        (first == 0xF0 && text[1] < 0x90) || (first == 0xF4 && text[1] > 0x8F))
        return 0;
    return length;
}

/* Returns the letter of a two-character escape, 0 when the character has none. */
static char short_escape(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    default:
        return 0;
    }
}

void buffer_put_json(struct buffer *buffer, const char *text)
{
    buffer_puts(buffer, "\"");
    for (const unsigned char *c = (const unsigned char *)text; *c != 0;) {
        size_t length = utf8_length(c);
        char letter = short_escape(*c);
        if (length == 0)
            buffer_puts(buffer, "\xEF\xBF\xBD");
        else if (letter != 0)
            buffer_printf(buffer, "\\%c", letter);
        else if (*c < 0x20 || *c == 0x7F)
            buffer_printf(buffer, "\\u%04x", *c);
        else
            buffer_put(buffer, c, length);
        c += length == 0 ? 1 : length;
    }
    buffer_puts(buffer, "\"");
}

void buffer_put_json_double(struct buffer *buffer, double value)
{
    if (isnan(value)) {
        buffer_puts(buffer, "\"NaN\"");
        return;
    }
    if (isinf(value)) {
        buffer_puts(buffer, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buffer_puts(buffer, text);
}

#define LARGEST_EXACT ((int64_t)1 << 53)

void buffer_put_json_i64(struct buffer *buffer, int64_t value)
{
    bool exact = value >= -LARGEST_EXACT && value <= LARGEST_EXACT;
    buffer_printf(buffer, exact ? "%" PRId64 : "\"%" PRId64 "\"", value);
}

void buffer_put_json_u64(struct buffer *buffer, uint64_t value)
{
    buffer_printf(buffer, value <= (uint64_t)LARGEST_EXACT ? "%" PRIu64 : "\"%" PRIu64 "\"", value);
}
