/* Keccak-256; see keccak.h. One round is written out over 25 local lanes so that they stay in
 * registers as far as there are any. */
#include "backend/hash/keccak.h"

#include <string.h>

static const uint64_t round_constant[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

static inline uint64_t rotl(uint64_t v, unsigned n)
{
    return v << n | v >> (64 - n);
}

/* chi on one row: row[x] = b_x ^ (~b_(x+1) & b_(x+2)). */
static inline void chi_row(uint64_t row[5], uint64_t b0, uint64_t b1, uint64_t b2, uint64_t b3,
                           uint64_t b4)
{
    row[0] = b0 ^ (~b1 & b2);
    row[1] = b1 ^ (~b2 & b3);
    row[2] = b2 ^ (~b3 & b4);
    row[3] = b3 ^ (~b4 & b0);
    row[4] = b4 ^ (~b0 & b1);
}

/* to = round(from): theta folded into the reads, rho and pi into the choice of lane, chi a row at a
 * time, iota last. */
static inline void keccak_round(uint64_t to[25], const uint64_t from[25], uint64_t constant)
{
    uint64_t c0 = from[0] ^ from[5] ^ from[10] ^ from[15] ^ from[20];
    uint64_t c1 = from[1] ^ from[6] ^ from[11] ^ from[16] ^ from[21];
    uint64_t c2 = from[2] ^ from[7] ^ from[12] ^ from[17] ^ from[22];
    uint64_t c3 = from[3] ^ from[8] ^ from[13] ^ from[18] ^ from[23];
    uint64_t c4 = from[4] ^ from[9] ^ from[14] ^ from[19] ^ from[24];
    uint64_t d0 = c4 ^ rotl(c1, 1), d1 = c0 ^ rotl(c2, 1), d2 = c1 ^ rotl(c3, 1);
    uint64_t d3 = c2 ^ rotl(c4, 1), d4 = c3 ^ rotl(c0, 1);
    chi_row(to, from[0] ^ d0, rotl(from[6] ^ d1, 44), rotl(from[12] ^ d2, 43),
            rotl(from[18] ^ d3, 21), rotl(from[24] ^ d4, 14));
    chi_row(to + 5, rotl(from[3] ^ d3, 28), rotl(from[9] ^ d4, 20), rotl(from[10] ^ d0, 3),
            rotl(from[16] ^ d1, 45), rotl(from[22] ^ d2, 61));
    chi_row(to + 10, rotl(from[1] ^ d1, 1), rotl(from[7] ^ d2, 6), rotl(from[13] ^ d3, 25),
            rotl(from[19] ^ d4, 8), rotl(from[20] ^ d0, 18));
    chi_row(to + 15, rotl(from[4] ^ d4, 27), rotl(from[5] ^ d0, 36), rotl(from[11] ^ d1, 10),
            rotl(from[17] ^ d2, 15), rotl(from[23] ^ d3, 56));
    chi_row(to + 20, rotl(from[2] ^ d2, 62), rotl(from[8] ^ d3, 55), rotl(from[14] ^ d4, 39),
            rotl(from[15] ^ d0, 41), rotl(from[21] ^ d1, 2));
    to[0] ^= constant;
}

static void permute(uint64_t lane[25])
{
    uint64_t other[25];
    for (int i = 0; i < 24; i += 2) {
        keccak_round(other, lane, round_constant[i]);
        keccak_round(lane, other, round_constant[i + 1]);
    }
}

static uint64_t load_le(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static void absorb_byte(struct keccak256 *hash, unsigned position, uint8_t byte)
{
    hash->lane[position / 8] ^= (uint64_t)byte << (8 * (position % 8));
}

void keccak256_init(struct keccak256 *hash)
{
    memset(hash, 0, sizeof *hash);
}

void keccak256_update(struct keccak256 *hash, const void *bytes, size_t count)
{
    const uint8_t *p = bytes;
    while (count > 0) {
        if (hash->filled_bytes % 8 == 0 && count >= 8) {
            hash->lane[hash->filled_bytes / 8] ^= load_le(p);
            hash->filled_bytes += 8;
            p += 8;
            count -= 8;
        } else {
            absorb_byte(hash, hash->filled_bytes++, *p++);
            count--;
        }
        if (hash->filled_bytes == KECCAK256_RATE_BYTES) {
            permute(hash->lane);
            hash->filled_bytes = 0;
        }
    }
}

void keccak256_final(struct keccak256 *hash, uint8_t digest[KECCAK256_BYTES])
{
    absorb_byte(hash, hash->filled_bytes, 0x01);
    absorb_byte(hash, KECCAK256_RATE_BYTES - 1, 0x80);
    permute(hash->lane);
    for (int i = 0; i < KECCAK256_BYTES; i++)
        digest[i] = (uint8_t)(hash->lane[i / 8] >> (8 * (i % 8)));
}

void keccak256(uint8_t digest[KECCAK256_BYTES], const void *bytes, size_t count)
{
    struct keccak256 hash;
    keccak256_init(&hash);
    keccak256_update(&hash, bytes, count);
    keccak256_final(&hash, digest);
}
