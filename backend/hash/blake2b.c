/* BLAKE2b; see blake2b.h. */
#include "backend/hash/blake2b.h"

#include <string.h>

static const uint64_t iv[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

static const uint8_t sigma[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline uint64_t rotr(uint64_t v, unsigned n)
{
    return v >> n | v << (64 - n);
}

static inline void mix(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d, uint64_t x, uint64_t y)
{
    *a += *b + x;
    *d = rotr(*d ^ *a, 32);
    *c += *d;
    *b = rotr(*b ^ *c, 24);
    *a += *b + y;
    *d = rotr(*d ^ *a, 16);
    *c += *d;
    *b = rotr(*b ^ *c, 63);
}

static uint64_t read_word(const uint8_t *bytes)
{
    uint64_t v = 0;
    for (unsigned i = 8; i-- > 0;)
        v = v << 8 | bytes[i];
    return v;
}

/* total_bytes: of the message up to the end of this block. */
static void compress(uint64_t state[8], const uint8_t block[BLAKE2B_BLOCK_BYTES],
                     uint64_t total_bytes, uint64_t last)
{
    uint64_t m[16], v[16];
    for (int i = 0; i < 16; i++)
        m[i] = read_word(block + 8 * i);
    for (int i = 0; i < 8; i++) {
        v[i] = state[i];
        v[8 + i] = iv[i];
    }
    v[12] ^= total_bytes;
    v[14] ^= last;
    for (int round = 0; round < 12; round++) {
        const uint8_t *s = sigma[round % 10];
        mix(&v[0], &v[4], &v[8], &v[12], m[s[0]], m[s[1]]);
        mix(&v[1], &v[5], &v[9], &v[13], m[s[2]], m[s[3]]);
        mix(&v[2], &v[6], &v[10], &v[14], m[s[4]], m[s[5]]);
        mix(&v[3], &v[7], &v[11], &v[15], m[s[6]], m[s[7]]);
        mix(&v[0], &v[5], &v[10], &v[15], m[s[8]], m[s[9]]);
        mix(&v[1], &v[6], &v[11], &v[12], m[s[10]], m[s[11]]);
        mix(&v[2], &v[7], &v[8], &v[13], m[s[12]], m[s[13]]);
        mix(&v[3], &v[4], &v[9], &v[14], m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; i++)
        state[i] ^= v[i] ^ v[8 + i];
}

void blake2b_init(struct blake2b *hash)
{
    memset(hash, 0, sizeof *hash);
    memcpy(hash->state, iv, sizeof iv);
    hash->state[0] ^= 0x01010000 ^ BLAKE2B_BYTES;
}

void blake2b_update(struct blake2b *hash, const void *bytes, size_t count)
{
    const uint8_t *next = bytes;
    while (count > 0) {
        if (hash->filled_bytes == BLAKE2B_BLOCK_BYTES) {
            hash->compressed_bytes += BLAKE2B_BLOCK_BYTES;
            compress(hash->state, hash->block, hash->compressed_bytes, 0);
            hash->filled_bytes = 0;
        }
        size_t room = BLAKE2B_BLOCK_BYTES - hash->filled_bytes;
        size_t take = count < room ? count : room;
        memcpy(hash->block + hash->filled_bytes, next, take);
        hash->filled_bytes += take;
        next += take;
        count -= take;
    }
}

void blake2b_final(struct blake2b *hash, uint8_t digest[BLAKE2B_BYTES])
{
    memset(hash->block + hash->filled_bytes, 0, BLAKE2B_BLOCK_BYTES - hash->filled_bytes);
    compress(hash->state, hash->block, hash->compressed_bytes + hash->filled_bytes, UINT64_MAX);
    for (int i = 0; i < BLAKE2B_BYTES; i++)
        digest[i] = (uint8_t)(hash->state[i / 8] >> (8 * (i % 8)));
    explicit_bzero(hash, sizeof *hash);
}
