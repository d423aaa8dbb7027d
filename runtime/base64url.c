/* See base64url.h. */
#include "runtime/base64url.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_put(struct buffer *out, const void *bytes, size_t count)
{
    const uint8_t *from = bytes;
    unsigned held = 0, bits = 0;
    for (size_t i = 0; i < count; i++) {
        held = held << 8 | from[i];
        for (bits += 8; bits >= 6; bits -= 6)
            buffer_put_u8(out, (uint8_t)digits[held >> (bits - 6) & 63]);
    }
    if (bits > 0)
        buffer_put_u8(out, (uint8_t)digits[held << (6 - bits) & 63]);
}

bool base64url_take(struct buffer *out, const char *text)
{
    size_t before = out->count;
    unsigned held = 0, bits = 0;
    bool good = strlen(text) % 4 != 1;
    for (; *text != '\0' && good; text++) {
        const char *digit = strchr(digits, *text);
        good = digit != NULL;
        held = held << 6 | (good ? (unsigned)(digit - digits) : 0);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buffer_put_u8(out, (uint8_t)(held >> bits));
        }
    }
    /* The bits left over are zero in the one text of the bytes. */
    if (good && (held & ((1u << bits) - 1)) == 0)
        return true;
    if (out->count > before)
        out->count = before;
    return false;
}
