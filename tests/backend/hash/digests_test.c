#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/blake2b.h"
#include "backend/hash/sha256.h"
#include "ir/support/file.h"
#include "tests/harness/harness.h"

static void to_hex(char *text, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sprintf(text + 2 * i, "%02x", bytes[i]);
}

/* What a program of the system says about the bytes. */
static void expect_as_program(const char *program, const uint8_t *bytes, size_t count,
                              const uint8_t *digest, size_t digest_bytes)
{
    char text[2 * BLAKE2B_BYTES + 1];
    struct diag diag = {0};
    const char *path = test_path(test_temp_dir(), "data");
    REQUIRE_OK(file_write(path, bytes, count, FILE_MODE_PUBLIC, false, &diag), &diag);
    const char *run[] = {program, path, NULL};
    struct test_output out = test_run(run);
    to_hex(text, digest, digest_bytes);
    CHECK_MSG(strncmp(out.text, text, 2 * digest_bytes) == 0, "%s of %zu bytes: %.130s, not %s",
              program, count, out.text, text);
}

/* Absorbs in pieces of any length. */
TEST(digests_are_those_of_the_system)
{
    static uint8_t bytes[1000];
    static const size_t lengths[] = {0,   1,   3,   55,  56,  63,  64,  65,  111, 119,
                                     120, 127, 128, 129, 255, 256, 257, 384, 999, 1000};
    test_random_bytes(bytes, sizeof bytes);
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        uint8_t digest[BLAKE2B_BYTES];
        struct blake2b blake;
        struct sha256 sha;
        blake2b_init(&blake);
        sha256_init(&sha);
        for (size_t at = 0; at < lengths[l];) {
            size_t left = lengths[l] - at, piece = 1 + test_random_below(300);
            piece = piece < left ? piece : left;
            blake2b_update(&blake, bytes + at, piece);
            sha256_update(&sha, bytes + at, piece);
            at += piece;
        }
        blake2b_final(&blake, digest);
        expect_as_program("/usr/bin/b2sum", bytes, lengths[l], digest, BLAKE2B_BYTES);
        sha256_final(&sha, digest);
        expect_as_program("/usr/bin/sha256sum", bytes, lengths[l], digest, SHA256_BYTES);
        sha256(digest, bytes, lengths[l]);
        expect_as_program("/usr/bin/sha256sum", bytes, lengths[l], digest, SHA256_BYTES);
    }
}
