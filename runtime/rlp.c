/* See rlp.h. */
#include "runtime/rlp.h"

enum { TEXT = 0x80, LIST = 0xc0, SHORT = 56 };

static void put_length(struct buffer *out, unsigned base, size_t count)
{
    uint8_t big_endian[8];
    unsigned used = 0;
    if (count < SHORT) {
        buffer_put_u8(out, (uint8_t)(base + count));
        return;
    }
    for (size_t rest = count; rest > 0; rest >>= 8)
        used++;
    for (unsigned i = 0; i < used; i++)
        big_endian[i] = (uint8_t)(count >> (8 * (used - 1 - i)));
    buffer_put_u8(out, (uint8_t)(base + SHORT - 1 + used));
    buffer_put(out, big_endian, used);
}

void rlp_put_bytes(struct buffer *out, const void *bytes, size_t count)
{
    if (count != 1 || *(const uint8_t *)bytes >= TEXT)
        put_length(out, TEXT, count);
    buffer_put(out, bytes, count);
}

void rlp_put_number(struct buffer *out, const uint8_t *bytes, size_t count)
{
    while (count > 0 && bytes[0] == 0) {
        bytes++;
        count--;
    }
    rlp_put_bytes(out, bytes, count);
}

void rlp_put_u64(struct buffer *out, uint64_t value)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (56 - 8 * i));
    rlp_put_number(out, bytes, sizeof bytes);
}

void rlp_put_list(struct buffer *out, const struct buffer *items)
{
    put_length(out, LIST, items->count);
    buffer_put(out, items->data, items->count);
    if (items->failed)
        out->failed = true;
}
