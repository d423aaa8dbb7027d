/*
 * Keccak-256 as the EVM computes it (opcode KECCAK256): sponge of rate 136 bytes over
 * keccak-f[1600], padding 0x01 ... 0x80 of the original submission, not the 0x06 of SHA3-256. Used
 * by the transcript, by digests of keys and circuits, and by the chain client.
 *
 * Source: G. Bertoni, J. Daemen, M. Peeters, G. Van Assche, The Keccak reference, version 3.0
 * (2011); Ethereum Yellow Paper, appendix H (KEC).
 */
#ifndef SERTN_BACKEND_HASH_KECCAK_H
#define SERTN_BACKEND_HASH_KECCAK_H

#include <stddef.h>
#include <stdint.h>

#define KECCAK256_BYTES 32
#define KECCAK256_RATE_BYTES 136

/* A digest under way. Plain data: copying it forks the computation. Nothing to release. */
struct keccak256 {
    uint64_t lane[25];     /* the state, lane (x, y) at index x + 5 y */
    unsigned filled_bytes; /* bytes absorbed into the current block, 0..135 */
};

/* Starts a digest. */
void keccak256_init(struct keccak256 *hash);

/* Absorbs bytes[0..count). bytes may be null when count is 0. */
void keccak256_update(struct keccak256 *hash, const void *bytes, size_t count);

/* Pads and writes the digest. The state is spent: only keccak256_init may follow. */
void keccak256_final(struct keccak256 *hash, uint8_t digest[KECCAK256_BYTES]);

/* digest = Keccak-256 of bytes[0..count). digest may overlap bytes. */
void keccak256(uint8_t digest[KECCAK256_BYTES], const void *bytes, size_t count);

#endif
