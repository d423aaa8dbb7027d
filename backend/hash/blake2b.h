/*
 * BLAKE2b with 64-byte digests, no key. Used by ceremonies of powers of tau, whose files keep the
 * state of a digest under way.
 *
 * Source: M.-J. Saarinen, J.-P. Aumasson, RFC 7693.
 */
#ifndef SERTN_BACKEND_HASH_BLAKE2B_H
#define SERTN_BACKEND_HASH_BLAKE2B_H

#include <stddef.h>
#include <stdint.h>

#define BLAKE2B_BYTES 64
#define BLAKE2B_BLOCK_BYTES 128

/* A digest under way. Plain data: copying it forks the computation. Nothing to release. */
struct blake2b {
    uint64_t state[8];
    uint64_t compressed_bytes; /* of all blocks that went into the state */
    uint8_t block[BLAKE2B_BLOCK_BYTES];
    size_t filled_bytes; /* 0..128: a full block waits until it is known whether it is the last */
};

void blake2b_init(struct blake2b *hash);
/* Absorbs bytes[0..count). bytes may be null when count is 0. */
void blake2b_update(struct blake2b *hash, const void *bytes, size_t count);
/* Writes the digest and wipes the state: only blake2b_init may follow. */
void blake2b_final(struct blake2b *hash, uint8_t digest[BLAKE2B_BYTES]);

#endif
