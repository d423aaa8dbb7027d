/*
 * Recursive length prefix, the encoding of Ethereum's transactions (Yellow Paper, appendix B).
 */
#ifndef SERTN_RUNTIME_RLP_H
#define SERTN_RUNTIME_RLP_H

#include "ir/support/buffer.h"

void rlp_put_bytes(struct buffer *out, const void *bytes, size_t count);
/* A number, big-endian: without leading zeros, zero as no bytes. */
void rlp_put_number(struct buffer *out, const uint8_t *bytes, size_t count);
void rlp_put_u64(struct buffer *out, uint64_t value);
/* A list of items that are encoded already, one after the other. */
void rlp_put_list(struct buffer *out, const struct buffer *items);

#endif
