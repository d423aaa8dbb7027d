/*
 * Deflate, RFC 1951: see inflate.h. Codes are decoded bit by bit by the canonical rule of
 * section 3.2.2: codes of one length are consecutive, so the first code and the count of each
 * length are all it takes. Slow and short, which suits input files.
 */
#include "frontend/inflate.h"

#include <string.h>

enum { LENGTH_MAX = 15, SYMBOLS_MAX = 288, DISTANCES_MAX = 30 };

struct bits {
    const uint8_t *at, *end;
    uint32_t held;
    unsigned count;
    bool failed;
};

struct code {
    uint16_t count[LENGTH_MAX + 1]; /* codes of each length */
    uint16_t symbol[SYMBOLS_MAX];   /* in the order of their codes */
};

struct output {
    uint8_t *data;
    size_t count, capacity;
};

static uint32_t take_bits(struct bits *bits, unsigned count)
{
    while (bits->count < count) {
        if (bits->at == bits->end) {
            bits->failed = true;
            return 0;
        }
        bits->held |= (uint32_t)*bits->at++ << bits->count;
        bits->count += 8;
    }
    uint32_t value = bits->held & ((1u << count) - 1);
    bits->held >>= count;
    bits->count -= count;
    return value;
}

/* Builds a code from the length of each symbol; false when the lengths ask for more codes than
 * there are. */
static bool build_code(struct code *code, const uint8_t *length, unsigned symbols)
{
    uint16_t offset[LENGTH_MAX + 2] = {0};
    memset(code, 0, sizeof *code);
    for (unsigned i = 0; i < symbols; i++)
        code->count[length[i]]++;
    code->count[0] = 0;
    int left = 1;
    for (unsigned i = 1; i <= LENGTH_MAX; i++) {
        left = 2 * left - code->count[i];
        if (left < 0)
            return false;
        offset[i + 1] = (uint16_t)(offset[i] + code->count[i]);
    }
    for (unsigned i = 0; i < symbols; i++)
        if (length[i] != 0)
            code->symbol[offset[length[i]]++] = (uint16_t)i;
    return true;
}

/* The next symbol, or -1. */
static int take_symbol(struct bits *bits, const struct code *code)
{
    int value = 0, first = 0, index = 0;
    for (unsigned length = 1; length <= LENGTH_MAX && !bits->failed; length++) {
        value |= (int)take_bits(bits, 1);
        int count = code->count[length];
        if (value - first < count)
            return bits->failed ? -1 : code->symbol[index + value - first];
        index += count;
        first = 2 * (first + count);
        value *= 2;
    }
    return -1;
}

static bool copy_stored(struct bits *bits, struct output *out)
{
    bits->held = 0;
    bits->count = 0;
    if (bits->end - bits->at < 4)
        return false;
    size_t length = (size_t)bits->at[0] | (size_t)bits->at[1] << 8;
    size_t check = (size_t)bits->at[2] | (size_t)bits->at[3] << 8;
    bits->at += 4;
    if (length != (check ^ 0xFFFF) || length > (size_t)(bits->end - bits->at) ||
        length > out->capacity - out->count)
        return false;
    memcpy(out->data + out->count, bits->at, length);
    bits->at += length;
    out->count += length;
    return true;
}

/* Copies an earlier stretch, which may overlap what it writes. */
static bool copy_back(struct bits *bits, struct output *out, const struct code *distances,
                      int symbol)
{
    static const uint16_t length_base[] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                           15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                           67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t length_bits[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                          2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    static const uint16_t distance_base[] = {
        1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
        193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    if (symbol > 28)
        return false;
    size_t length = length_base[symbol] + take_bits(bits, length_bits[symbol]);
    int far = take_symbol(bits, distances);
    if (far < 0 || far >= DISTANCES_MAX)
        return false;
    size_t distance = distance_base[far] + take_bits(bits, far < 4 ? 0 : (unsigned)far / 2 - 1);
    if (bits->failed || distance > out->count || length > out->capacity - out->count)
        return false;
    for (size_t i = 0; i < length; i++, out->count++)
        out->data[out->count] = out->data[out->count - distance];
    return true;
}

static bool inflate_block(struct bits *bits, struct output *out, const struct code *symbols,
                          const struct code *distances)
{
    for (;;) {
        int symbol = take_symbol(bits, symbols);
        if (symbol < 0)
            return false;
        if (symbol == 256)
            return true;
        if (symbol > 256) {
            if (!copy_back(bits, out, distances, symbol - 257))
                return false;
        } else {
            if (out->count == out->capacity)
                return false;
            out->data[out->count++] = (uint8_t)symbol;
        }
    }
}

static bool read_fixed(struct code *symbols, struct code *distances)
{
    uint8_t length[SYMBOLS_MAX];
    for (unsigned i = 0; i < SYMBOLS_MAX; i++)
        length[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    uint8_t distance[DISTANCES_MAX];
    memset(distance, 5, sizeof distance);
    return build_code(symbols, length, SYMBOLS_MAX) &&
           build_code(distances, distance, DISTANCES_MAX);
}

/* Code lengths, themselves coded: section 3.2.7. */
static bool read_dynamic(struct bits *bits, struct code *symbols, struct code *distances)
{
    static const uint8_t order[] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                    11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t length[SYMBOLS_MAX + 32] = {0};
    unsigned symbol_count = take_bits(bits, 5) + 257, distance_count = take_bits(bits, 5) + 1;
    unsigned order_count = take_bits(bits, 4) + 4;
    for (unsigned i = 0; i < order_count; i++)
        length[order[i]] = (uint8_t)take_bits(bits, 3);
    struct code lengths;
    if (symbol_count > 286 || distance_count > DISTANCES_MAX || !build_code(&lengths, length, 19))
        return false;
    memset(length, 0, sizeof length);
    for (unsigned i = 0; i < symbol_count + distance_count;) {
        int symbol = take_symbol(bits, &lengths);
        if (symbol < 0 || (symbol == 16 && i == 0))
            return false;
        if (symbol < 16) {
            length[i++] = (uint8_t)symbol;
            continue;
        }
        uint8_t value = symbol == 16 ? length[i - 1] : 0;
        unsigned repeat = symbol == 16   ? 3 + take_bits(bits, 2)
                          : symbol == 17 ? 3 + take_bits(bits, 3)
                                         : 11 + take_bits(bits, 7);
        if (bits->failed || repeat > symbol_count + distance_count - i)
            return false;
        while (repeat-- > 0)
            length[i++] = value;
    }
    return length[256] != 0 && build_code(symbols, length, symbol_count) &&
           build_code(distances, length + symbol_count, distance_count);
}

bool inflate_bytes(uint8_t *out, size_t out_count, const uint8_t *packed, size_t packed_count)
{
    struct bits bits = {.at = packed, .end = packed + packed_count};
    struct output output = {out, 0, out_count};
    struct code symbols, distances;
    for (bool is_last = false; !is_last;) {
        is_last = take_bits(&bits, 1) != 0;
        uint32_t kind = take_bits(&bits, 2);
        bool complete;
        if (bits.failed || kind == 3)
            return false;
        if (kind == 0)
            complete = copy_stored(&bits, &output);
        else
            complete = (kind == 1 ? read_fixed(&symbols, &distances)
                                  : read_dynamic(&bits, &symbols, &distances)) &&
                       inflate_block(&bits, &output, &symbols, &distances);
        if (!complete)
            return false;
    }
    return output.count == out_count;
}
