/* See abi.h. */
#include "runtime/abi.h"

#include <string.h>

#include "backend/hash/keccak.h"

void abi_put_selector(struct buffer *out, const char *signature)
{
    uint8_t digest[KECCAK256_BYTES];
    keccak256(digest, signature, strlen(signature));
    buffer_put(out, digest, 4);
}

void abi_put_u64(struct buffer *out, uint64_t value)
{
    uint8_t word[ABI_WORD] = {0};
    for (int i = 0; i < 8; i++)
        word[ABI_WORD - 1 - i] = (uint8_t)(value >> (8 * i));
    buffer_put(out, word, sizeof word);
}

void abi_put_word(struct buffer *out, const uint8_t word[ABI_WORD])
{
    buffer_put(out, word, ABI_WORD);
}

void abi_put_address(struct buffer *out, const uint8_t address[ABI_ADDRESS])
{
    uint8_t word[ABI_WORD] = {0};
    memcpy(word + ABI_WORD - ABI_ADDRESS, address, ABI_ADDRESS);
    buffer_put(out, word, sizeof word);
}

size_t abi_bytes_size(size_t count)
{
    return ABI_WORD + (count + ABI_WORD - 1) / ABI_WORD * ABI_WORD;
}

void abi_put_bytes(struct buffer *out, const void *bytes, size_t count)
{
    static const uint8_t zeros[ABI_WORD];
    abi_put_u64(out, count);
    buffer_put(out, bytes, count);
    buffer_put(out, zeros, abi_bytes_size(count) - ABI_WORD - count);
}

/* ---- reading -------------------------------------------------------------------------------- */

const uint8_t *abi_word(struct abi_reader *reader, size_t base, size_t i)
{
    static const uint8_t zeros[ABI_WORD];
    if (base > reader->count || (reader->count - base) / ABI_WORD <= i)
        reader->failed = true;
    return reader->failed ? zeros : reader->data + base + i * ABI_WORD;
}

uint64_t abi_u64(struct abi_reader *reader, size_t base, size_t i)
{
    const uint8_t *word = abi_word(reader, base, i);
    uint64_t value = 0;
    for (int k = 0; k < ABI_WORD; k++) {
        if (k < ABI_WORD - 8 && word[k] != 0)
            reader->failed = true;
        value = value << 8 | word[k];
    }
    return reader->failed ? 0 : value;
}

size_t abi_offset(struct abi_reader *reader, size_t base, size_t i)
{
    uint64_t offset = abi_u64(reader, base, i);
    if (base > reader->count || offset > reader->count - base)
        reader->failed = true;
    return reader->failed ? 0 : base + (size_t)offset;
}

const uint8_t *abi_bytes(size_t *count, struct abi_reader *reader, size_t at)
{
    uint64_t length = abi_u64(reader, at, 0);
    if (!reader->failed && length > reader->count - at - ABI_WORD)
        reader->failed = true;
    *count = reader->failed ? 0 : (size_t)length;
    return reader->failed ? NULL : reader->data + at + ABI_WORD;
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool abi_parse_hex(struct buffer *out, const char *text)
{
    if (strncmp(text, "0x", 2) != 0 || strlen(text) % 2 != 0)
        return false;
    for (const char *at = text + 2; *at != '\0'; at += 2) {
        int high = digit_of(at[0]), low = digit_of(at[1]);
        if (high < 0 || low < 0)
            return false;
        buffer_put_u8(out, (uint8_t)(high << 4 | low));
    }
    return true;
}

bool abi_parse_address(uint8_t address[ABI_ADDRESS], const char *text)
{
    struct buffer bytes = {0};
    bool good = strlen(text) == 2 + 2 * ABI_ADDRESS && abi_parse_hex(&bytes, text) &&
                bytes.count == ABI_ADDRESS;
    if (good)
        memcpy(address, bytes.data, ABI_ADDRESS);
    buffer_release(&bytes);
    return good;
}
