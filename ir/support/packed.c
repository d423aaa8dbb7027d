/* See packed.h. */
#include "ir/support/packed.h"

#include "ir/support/reader.h"

#include <stdlib.h>
#include <string.h>

enum { WORD = 8, COPY_LEAST = 4, COPY_MOST = 4096 };

/*
 * The search: a copy from as far back as the last one is taken from COPY_LEAST bytes on. Another
 * place, the last one where these eight bytes began outside a copy, must give FOUND_LEAST, and
 * BETTER_BY more than that; it is not looked for where ENOUGH are found already.
 */
enum { FOUND_LEAST = 8, BETTER_BY = 4, ENOUGH = 256, SLOT_BITS_LEAST = 6, SLOT_BITS_MOST = 16 };

/* ---- both directions ---- */

static uint64_t load(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* The byte that goes on from `far` to `near`; *carry is from the byte before and to the next. */
static uint8_t go_on(uint8_t near, uint8_t far, int *carry)
{
    int sum = 2 * (near & 127) - (far & 127) + *carry; /* -128 .. 256 */
    *carry = near >= 128 ? (sum + 128) / 128 - 1 : 0;
    return (uint8_t)((near & 128) | ((sum + 128) & 127));
}

/* ---- writing ---- */

struct packing {
    const uint8_t *data;
    size_t count;
    uint32_t *slots; /* place + 1 by hash of the eight bytes there; 0: none */
    unsigned slot_bits;
    size_t distance; /* of the copy before; 0: none */
};

struct copy {
    size_t length, distance;
    bool goes_on;
};

/* How many of `most` bytes are those from `distance` before. */
static size_t count_same(const uint8_t *at, size_t distance, size_t most)
{
    size_t i = 0;
    for (; i + WORD <= most; i += WORD) {
        uint64_t differs = load(at + i) ^ load(at + i - distance);
        if (differs != 0)
            return i + (size_t)__builtin_ctzll(differs) / 8;
    }
    while (i < most && at[i] == (at + i)[-(ptrdiff_t)distance])
        i++;
    return i;
}

/* How many of `most` bytes go on from the two before. */
static size_t count_going_on(const uint8_t *at, size_t distance, size_t most)
{
    int carry = 0;
    for (size_t i = 0; i < most;) {
        const uint8_t *near = at + i - distance, *far = near - distance;
        if (carry == 0 && i + WORD <= most && load(near) == load(far)) {
            uint64_t differs = load(at + i) ^ load(near);
            if (differs != 0)
                return i + (size_t)__builtin_ctzll(differs) / 8;
            i += WORD;
            continue;
        }
        if (go_on(*near, *far, &carry) != at[i])
            return i;
        i++;
    }
    return most;
}

static void consider(const struct packing *p, size_t at, size_t distance, bool goes_on,
                     size_t least, struct copy *best)
{
    if (distance > (goes_on ? at / 2 : at))
        return;
    size_t most = p->count - at < COPY_MOST ? p->count - at : COPY_MOST;
    size_t length = goes_on ? count_going_on(p->data + at, distance, most)
                            : count_same(p->data + at, distance, most);
    if (length >= least && length > best->length)
        *best = (struct copy){length, distance, goes_on};
}

static struct copy find_copy(struct packing *p, size_t at)
{
    struct copy best = {0};
    if (p->distance != 0) {
        consider(p, at, p->distance, false, COPY_LEAST, &best);
        consider(p, at, p->distance, true, COPY_LEAST, &best);
    }
    if (p->count - at < WORD)
        return best;
    uint64_t word = load(p->data + at);
    uint32_t *slot = &p->slots[word * UINT64_C(0x9e3779b97f4a7c15) >> (64 - p->slot_bits)];
    size_t found = *slot;
    if (at < UINT32_MAX)
        *slot = (uint32_t)at + 1;
    if (found == 0 || best.length >= ENOUGH || load(p->data + found - 1) != word)
        return best;
    size_t distance = at - (found - 1), least = best.length + BETTER_BY + 1;
    least = least < FOUND_LEAST ? FOUND_LEAST : least;
    consider(p, at, distance, false, least, &best);
    consider(p, at, distance, true, least, &best);
    return best;
}

static void put_count(struct buffer *out, uint64_t value)
{
    for (; value >= 128; value >>= 7)
        buffer_put_u8(out, (uint8_t)(value | 128));
    buffer_put_u8(out, (uint8_t)value);
}

static void put_bytes(struct buffer *out, const uint8_t *bytes, size_t count)
{
    put_count(out, count);
    buffer_put(out, bytes, count);
}

void packed_write(struct buffer *out, const void *bytes, size_t count)
{
    struct packing p = {.data = bytes, .count = count, .slot_bits = SLOT_BITS_LEAST};
    while (p.slot_bits < SLOT_BITS_MOST && (count >> p.slot_bits) > 1)
        p.slot_bits++;
    p.slots = calloc((size_t)1 << p.slot_bits, sizeof *p.slots);
    if (p.slots == NULL) {
        out->failed = true;
        return;
    }
    put_count(out, count);
    size_t said = 0;
    for (size_t at = 0; at < count;) {
        struct copy copy = find_copy(&p, at);
        if (copy.length == 0) {
            at++;
            continue;
        }
        put_bytes(out, p.data + said, at - said);
        put_count(out, 2 * (copy.length - COPY_LEAST) + copy.goes_on);
        put_count(out, copy.distance == p.distance ? 0 : copy.distance);
        p.distance = copy.distance;
        at += copy.length;
        said = at;
    }
    if (said < count)
        put_bytes(out, p.data + said, count - said);
    free(p.slots);
}

/* ---- reading ---- */

static uint64_t get_count(struct reader *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
        uint8_t byte = reader_u8(in);
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    reader_fail(in);
    return 0;
}

static void copy_same(uint8_t *to, size_t distance, size_t length)
{
    size_t i = 0;
    for (; distance >= WORD && i + WORD <= length; i += WORD)
        memcpy(to + i, to + i - distance, WORD);
    for (; i < length; i++)
        to[i] = (to + i)[-(ptrdiff_t)distance];
}

static void copy_going_on(uint8_t *to, size_t distance, size_t length)
{
    int carry = 0;
    for (size_t i = 0; i < length;) {
        const uint8_t *near = to + i - distance, *far = near - distance;
        if (carry == 0 && distance >= WORD && i + WORD <= length && load(near) == load(far)) {
            memcpy(to + i, near, WORD);
            i += WORD;
            continue;
        }
        to[i++] = go_on(*near, *far, &carry);
    }
}

/* Fills `to`; the reader fails where the pieces do not give just that. */
static void unpack(struct reader *in, uint8_t *to, size_t count)
{
    uint64_t distance = 0;
    for (size_t at = 0; at < count && !in->failed;) {
        uint64_t said = get_count(in);
        const uint8_t *bytes = said <= count - at ? reader_bytes(in, (size_t)said) : NULL;
        if (bytes == NULL) {
            reader_fail(in);
            return;
        }
        memcpy(to + at, bytes, (size_t)said);
        at += (size_t)said;
        if (at == count)
            return;
        uint64_t form = get_count(in), length = form / 2 + COPY_LEAST, back = get_count(in);
        distance = back == 0 ? distance : back;
        bool goes_on = form % 2 == 1;
        if (in->failed || length > COPY_MOST || length > count - at || distance == 0 ||
            distance > (goes_on ? at / 2 : at)) {
            reader_fail(in);
            return;
        }
        if (goes_on)
            copy_going_on(to + at, (size_t)distance, (size_t)length);
        else
            copy_same(to + at, (size_t)distance, (size_t)length);
        at += (size_t)length;
    }
}

/* Whether these are the bytes that packed_write writes. */
static enum status require_canonical(const struct buffer *unpacked, const void *packed,
                                     size_t count, const char *what, struct diag *diag)
{
    struct buffer again = {0};
    packed_write(&again, unpacked->data, unpacked->count);
    enum status status = buffer_status(&again, diag);
    if (status == STATUS_OK && (again.count != count || memcmp(again.data, packed, count) != 0))
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "%s is packed in another way than this version packs it; compile the "
                          "model again",
                          what);
    buffer_release(&again);
    return status;
}

enum status packed_read(struct buffer *out, const void *packed, size_t count, uint64_t limit,
                        const char *what, struct diag *diag)
{
    struct reader in;
    reader_init(&in, packed, count);
    uint64_t bytes = get_count(&in);
    if (bytes > limit || bytes / PACKED_RATIO_MOST > count)
        reader_fail(&in);
    if (!in.failed && bytes > 0) {
        uint8_t *to = buffer_extend(out, (size_t)bytes);
        if (to == NULL)
            return buffer_status(out, diag);
        unpack(&in, to, (size_t)bytes);
    }
    enum status status = reader_finish(&in, what, diag);
    return status == STATUS_OK ? require_canonical(out, packed, count, what, diag) : status;
}
