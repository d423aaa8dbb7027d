/* label: fast libs: sertn_3rd_nettle */
/* Keccak-256 against published digests and against a plain sponge over nettle's permutation. */
#include "backend/hash/keccak.h"
#include "tests/harness/harness.h"

#include <nettle/sha3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void to_hex(char text[65], const uint8_t digest[KECCAK256_BYTES])
{
    for (int i = 0; i < KECCAK256_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

TEST(published_digests)
{
    static const struct {
        const char *text, *digest;
    } known[] = {
        {"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
        {"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"},
        {"The quick brown fox jumps over the lazy dog",
         "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15"},
        {"transfer(address,uint256)",
         "a9059cbb2ab09eb219583f4a59a5d0623ade346d962bcd4e46b11da047c9049b"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint8_t digest[KECCAK256_BYTES];
        char text[65];
        keccak256(digest, known[i].text, strlen(known[i].text));
        to_hex(text, digest);
        CHECK_TEXT(text, known[i].digest);
    }
}

/* The definition, byte by byte, over nettle's keccak-f. */
static void plain_keccak256(uint8_t digest[KECCAK256_BYTES], const uint8_t *bytes, size_t count)
{
    struct sha3_state state = {{0}};
    size_t padded = (count / KECCAK256_RATE_BYTES + 1) * KECCAK256_RATE_BYTES;
    for (size_t i = 0; i < padded; i++) {
        unsigned byte = i < count ? bytes[i] : 0;
        if (i == count)
            byte ^= 0x01;
        if (i == padded - 1)
            byte ^= 0x80;
        size_t position = i % KECCAK256_RATE_BYTES;
        state.a[position / 8] ^= (uint64_t)byte << (8 * (position % 8));
        if (position == KECCAK256_RATE_BYTES - 1)
            sha3_permute(&state);
    }
    for (int i = 0; i < KECCAK256_BYTES; i++)
        digest[i] = (uint8_t)(state.a[i / 8] >> (8 * (i % 8)));
}

TEST(every_length_around_the_rate_equals_nettle)
{
    uint8_t bytes[3 * KECCAK256_RATE_BYTES + 2], digest[32], expected[32];
    for (size_t count = 0; count <= sizeof bytes; count++) {
        test_random_bytes(bytes, sizeof bytes);
        keccak256(digest, bytes, count);
        plain_keccak256(expected, bytes, count);
        CHECK_BYTES(digest, expected, sizeof digest);
    }
}

TEST(pieces_hash_as_the_whole)
{
    uint8_t bytes[1000], digest[32], expected[32];
    for (int round = 0; round < 200; round++) {
        test_random_bytes(bytes, sizeof bytes);
        struct keccak256 hash;
        keccak256_init(&hash);
        size_t done = 0;
        while (done < sizeof bytes) {
            size_t count = (size_t)test_random_below(200);
            if (count > sizeof bytes - done)
                count = sizeof bytes - done;
            keccak256_update(&hash, bytes + done, count);
            done += count;
        }
        keccak256_final(&hash, digest);
        keccak256(expected, bytes, sizeof bytes);
        CHECK_BYTES(digest, expected, sizeof digest);
    }
}

TEST(a_digest_may_replace_its_input)
{
    uint8_t bytes[64], expected[32];
    test_random_bytes(bytes, sizeof bytes);
    keccak256(expected, bytes, sizeof bytes);
    keccak256(bytes, bytes, sizeof bytes);
    CHECK_BYTES(bytes, expected, sizeof expected);
}
