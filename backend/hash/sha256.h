/*
 * SHA-256, for beacons of ceremonies, content addresses and storage networks.
 *
 * Source: FIPS 180-4.
 */
#ifndef SERTN_BACKEND_HASH_SHA256_H
#define SERTN_BACKEND_HASH_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

/* A digest under way. Plain data; nothing to release. */
struct sha256 {
    uint32_t state[8];
    uint64_t count_bytes;
    uint8_t block[64];
};

void sha256_init(struct sha256 *hash);
/* Absorbs bytes[0..count). bytes may be null when count is 0. */
void sha256_update(struct sha256 *hash, const void *bytes, size_t count);
/* Pads and writes the digest; only sha256_init may follow. */
void sha256_final(struct sha256 *hash, uint8_t digest[SHA256_BYTES]);
/* digest = SHA-256 of bytes[0..count). digest may overlap bytes. */
void sha256(uint8_t digest[SHA256_BYTES], const void *bytes, size_t count);

#endif
