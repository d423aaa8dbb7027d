/*
 * The contract ABI of Ethereum: calls are written, answers and events read under their bounds.
 */
#ifndef SERTN_RUNTIME_ABI_H
#define SERTN_RUNTIME_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ir/support/buffer.h"

enum { ABI_WORD = 32, ABI_ADDRESS = 20 };

/* The first four bytes of the hash of "name(types)". */
void abi_put_selector(struct buffer *out, const char *signature);
void abi_put_u64(struct buffer *out, uint64_t value);
void abi_put_word(struct buffer *out, const uint8_t word[ABI_WORD]);
void abi_put_address(struct buffer *out, const uint8_t address[ABI_ADDRESS]);
/* Length, bytes, zeros to a whole word: the tail of a dynamic value. */
void abi_put_bytes(struct buffer *out, const void *bytes, size_t count);
/* Bytes that abi_put_bytes takes. */
size_t abi_bytes_size(size_t count);

/* An answer. Each read fails for good when it would leave the bytes. */
struct abi_reader {
    const uint8_t *data; /* borrowed */
    size_t count;
    bool failed;
};

/* Word number i after `base`; zeros when failed. */
const uint8_t *abi_word(struct abi_reader *reader, size_t base, size_t i);
/* The same as a number that has to fit. */
uint64_t abi_u64(struct abi_reader *reader, size_t base, size_t i);
/* Where the dynamic value starts whose offset is word i after `base`. */
size_t abi_offset(struct abi_reader *reader, size_t base, size_t i);
/* The bytes of a dynamic value at `at`. */
const uint8_t *abi_bytes(size_t *count, struct abi_reader *reader, size_t at);

/* "0x" and hex to bytes, appended. False for what is no hex. */
bool abi_parse_hex(struct buffer *out, const char *text);
/* An address of 42 characters. */
bool abi_parse_address(uint8_t address[ABI_ADDRESS], const char *text);

#endif
