/*
 * Growable bytes and text, for writing files, reports and JSON.
 *
 * A buffer that meets the end of memory remembers it and ignores what follows, so that a long
 * series of writes is checked once, by buffer_status. Integers are written little-endian.
 */
#ifndef SERTN_IR_SUPPORT_BUFFER_H
#define SERTN_IR_SUPPORT_BUFFER_H

#include "ir/support/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    uint8_t *data; /* owned; `count` bytes, then one zero byte; null while nothing was written */
    size_t count;
    size_t capacity;
    bool failed; /* memory ran out: the contents are not to be used */
};

/* Makes an empty buffer; a zeroed struct is one too. */
void buffer_init(struct buffer *buffer);
/* Frees the bytes and makes the buffer empty. */
void buffer_release(struct buffer *buffer);
/* Makes it empty and keeps the memory. */
void buffer_clear(struct buffer *buffer);

/* STATUS_OK, or STATUS_NO_MEMORY when any write since the start was lost. */
enum status buffer_status(const struct buffer *buffer, struct diag *diag) SERTN_MUST_CHECK;
/* Returns the contents as text, never null, borrowed until the next write. */
const char *buffer_text(const struct buffer *buffer);
/* Hands the bytes to the caller, who frees them with free(); null when empty or failed. */
uint8_t *buffer_take(struct buffer *buffer, size_t *count);

void buffer_put(struct buffer *buffer, const void *bytes, size_t count);
/* Adds `count` zero bytes and returns where they start, or null. */
uint8_t *buffer_extend(struct buffer *buffer, size_t count);
void buffer_put_u8(struct buffer *buffer, uint8_t value);
void buffer_put_u16(struct buffer *buffer, uint16_t value);
void buffer_put_u32(struct buffer *buffer, uint32_t value);
void buffer_put_u64(struct buffer *buffer, uint64_t value);
/* A u32 length, then the bytes of the text without its zero. Requires: under 2^32 bytes. */
void buffer_put_string(struct buffer *buffer, const char *text);

void buffer_puts(struct buffer *buffer, const char *text);
void buffer_printf(struct buffer *buffer, const char *format, ...) SERTN_PRINTF(2, 3);
/* Two lower-case hexadecimal digits a byte. */
void buffer_put_hex(struct buffer *buffer, const void *bytes, size_t count);

/*
 * A JSON string (RFC 8259), quotes included. Bytes that are not valid UTF-8 become U+FFFD, so that
 * the result is always valid JSON.
 */
void buffer_put_json(struct buffer *buffer, const char *text);
/*
 * A JSON number that reads back as the same double, in its shortest such form; NaN and the
 * infinities as the strings "NaN", "Infinity", "-Infinity".
 */
void buffer_put_json_double(struct buffer *buffer, double value);
/* A JSON number, or a string of digits where |value| > 2^53, which JSON readers would round. */
void buffer_put_json_i64(struct buffer *buffer, int64_t value);
void buffer_put_json_u64(struct buffer *buffer, uint64_t value);

#endif
