/* The transcript against its definition, pinned values made elsewhere, and damaged proofs. */
#include "backend/hash/transcript.h"
#include "tests/harness/harness.h"

#include <gmp.h>
#include <stdio.h>
#include <string.h>

/* y of the curve point with x = 1 is 2, and -2. */
static void curve_point(fp *x, fp *y, bool negated)
{
    fp_from_u64(x, 1);
    fp_from_u64(y, 2);
    if (negated)
        fp_neg(y, y);
}

static void expect_decimal(const fr *got, const char *decimal)
{
    mpz_t z;
    uint64_t expected[4] = {0}, limb[4];
    mpz_init_set_str(z, decimal, 10);
    mpz_export(expected, NULL, -1, 8, 0, 0, z);
    fr_to_limbs(limb, got);
    CHECK_MSG(memcmp(limb, expected, sizeof limb) == 0, "challenge is not %s", decimal);
    mpz_clear(z);
}

/* What the observer saw, as text: one line a step. */
struct manifest {
    char text[4096];
    size_t used;
};

static void record(void *context, enum transcript_step step, const char *label,
                   const uint8_t *bytes, size_t count)
{
    struct manifest *manifest = context;
    int written = snprintf(manifest->text + manifest->used, sizeof manifest->text - manifest->used,
                           "%s %s %zu %02x%02x\n", step == TRANSCRIPT_ABSORB ? "absorb" : "squeeze",
                           label, count, bytes[0], bytes[count - 1]);
    REQUIRE(written > 0 && (size_t)written < sizeof manifest->text - manifest->used);
    manifest->used += (size_t)written;
}

TEST(challenges_and_manifest_are_pinned)
{
    /* The challenges were computed with the keccak256 and integers of ethers.js. */
    struct transcript t;
    struct manifest manifest = {{0}, 0};
    uint8_t proof[160];
    struct proof_writer writer;
    fr value[2], challenge;
    fp x, y;
    transcript_init(&t, "sertn transcript test");
    transcript_observe(&t, record, &manifest);
    proof_writer_init(&writer, proof, sizeof proof);
    transcript_absorb_u64(&t, "count", 7);
    fr_neg(&value[0], &fr_one);
    fr_from_u64(&value[1], 5);
    transcript_absorb_fr(&t, "words", value, 2);
    transcript_squeeze(&t, "beta", &challenge);
    expect_decimal(&challenge, "797507814037635007650331821634804109021171591572804030789082705546"
                               "1598094624");
    transcript_squeeze(&t, "gamma", &challenge);
    expect_decimal(&challenge, "761366232039331121084696256287107647892208828292470234391172524604"
                               "4315569595");
    curve_point(&x, &y, false);
    REQUIRE(transcript_absorb_point(&t, "srs", &x, &y));
    transcript_squeeze(&t, "alpha", &challenge);
    expect_decimal(&challenge, "159177462740405199897095290506663563777442354762795179141819409261"
                               "4034285791");
    curve_point(&x, &y, true);
    REQUIRE(transcript_write_point(&t, &writer, "C1", &x, &y));
    fr_from_u64(&value[0], 123456789);
    transcript_write_fr(&t, &writer, "evaluation", value, 1);
    transcript_squeeze(&t, "xi", &challenge);
    expect_decimal(&challenge, "145404704520760904578140757408485450661352438759121198066780751620"
                               "87271320452");
    CHECK_U64(writer.used, 96);
    CHECK_TEXT(manifest.text, "absorb count 32 0007\n"
                              "absorb words 32 3000\n"
                              "absorb words 32 0005\n"
                              "squeeze beta 32 4221\n"
                              "squeeze gamma 32 10bb\n"
                              "absorb srs 64 0002\n"
                              "squeeze alpha 32 c5e3\n"
                              "absorb C1 64 0045\n"
                              "absorb evaluation 32 0015\n"
                              "squeeze xi 32 b187\n");
}

/* The definition with an explicit pending buffer, to hold the running hash against. */
struct plain_transcript {
    uint8_t bytes[32 + 2048];
    size_t used;
};

static void plain_squeeze(struct plain_transcript *t, fr *challenge)
{
    keccak256(t->bytes, t->bytes, t->used);
    t->used = 32;
    fr_from_bytes_be_reduce(challenge, t->bytes);
}

TEST(random_schedules_equal_the_definition)
{
    for (int round = 0; round < 50; round++) {
        struct transcript t;
        struct plain_transcript plain;
        transcript_init(&t, "domain");
        keccak256(plain.bytes, "domain", 6);
        plain.used = 32;
        for (int step = 0; step < 60; step++) {
            fr value, a, b;
            uint8_t wide[64];
            test_random_bytes(wide, sizeof wide);
            fr_from_wide_bytes_be(&value, wide);
            if (test_random_below(4) && plain.used + 64 < sizeof plain.bytes) {
                transcript_absorb_fr(&t, "value", &value, 1);
                fr_to_bytes_be(plain.bytes + plain.used, &value);
                plain.used += 32;
            } else {
                transcript_squeeze(&t, "challenge", &a);
                plain_squeeze(&plain, &b);
                CHECK(fr_eq(&a, &b));
            }
        }
    }
}

/* A proof with one of each part: point, two elements, hint. */
enum { PROOF_BYTES = 64 + 64 + 32 };

static void write_proof(uint8_t proof[PROOF_BYTES], fr *challenge)
{
    struct transcript t;
    struct proof_writer writer;
    fp x, y;
    fr value[2];
    transcript_init(&t, "damage");
    proof_writer_init(&writer, proof, PROOF_BYTES);
    curve_point(&x, &y, false);
    REQUIRE(transcript_write_point(&t, &writer, "C1", &x, &y));
    fr_from_u64(&value[0], 11);
    fr_from_u64(&value[1], 12);
    transcript_write_fr(&t, &writer, "evaluations", value, 2);
    proof_writer_fr(&writer, &value[0]);
    CHECK_U64(writer.used, PROOF_BYTES);
    transcript_squeeze(&t, "eta", challenge);
}

static enum status read_proof(const uint8_t *proof, size_t count, fr *challenge, struct diag *diag)
{
    struct transcript t;
    struct proof_reader reader;
    fp x, y;
    fr value[2], hint;
    transcript_init(&t, "damage");
    proof_reader_init(&reader, proof, count);
    enum status status = transcript_read_point(&t, &reader, "C1", &x, &y, diag);
    if (status == STATUS_OK)
        status = transcript_read_fr(&t, &reader, "evaluations", value, 2, diag);
    if (status == STATUS_OK)
        status = proof_reader_fr(&reader, "hint", &hint, diag);
    if (status == STATUS_OK)
        status = proof_reader_finish(&reader, diag);
    transcript_squeeze(&t, "eta", challenge);
    return status;
}

TEST(reader_and_writer_draw_the_same_challenge)
{
    uint8_t proof[PROOF_BYTES];
    fr a, b;
    struct diag diag = {0};
    write_proof(proof, &a);
    REQUIRE_OK(read_proof(proof, sizeof proof, &b, &diag), &diag);
    CHECK(fr_eq(&a, &b));
}

TEST(every_changed_bit_is_refused_or_changes_the_challenge)
{
    uint8_t proof[PROOF_BYTES];
    fr honest, challenge;
    write_proof(proof, &honest);
    for (size_t bit = 0; bit < 8 * (PROOF_BYTES - 32); bit++) {
        struct diag diag = {0};
        proof[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        enum status status = read_proof(proof, sizeof proof, &challenge, &diag);
        CHECK_MSG(status == STATUS_REJECTED || !fr_eq(&challenge, &honest), "bit %zu", bit);
        /* x = 1 with any other y than 2 is no point, nor is another x with y = 2. */
        if (bit < 8 * 64)
            CHECK_STATUS(status, STATUS_REJECTED, &diag);
        proof[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

TEST(truncated_and_overlong_proofs_are_refused)
{
    uint8_t proof[PROOF_BYTES + 1] = {0};
    fr challenge;
    write_proof(proof, &challenge);
    for (size_t count = 0; count <= PROOF_BYTES + 1; count++) {
        struct diag diag = {0};
        enum status status = read_proof(proof, count, &challenge, &diag);
        CHECK_STATUS(status, count == PROOF_BYTES ? STATUS_OK : STATUS_REJECTED, &diag);
        CHECK((diag.text[0] != 0) == (status != STATUS_OK));
    }
}

/* Adds the modulus to the 32-byte big-endian word. */
static void add_modulus(uint8_t word[32], const uint64_t modulus[4])
{
    unsigned carry = 0;
    for (int i = 31; i >= 0; i--) {
        carry += word[i] + (unsigned)(modulus[(31 - i) / 8] >> (8 * ((31 - i) % 8)) & 0xff);
        word[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

TEST(words_at_or_above_the_modulus_are_refused)
{
    for (size_t word = 0; word < PROOF_BYTES / 32; word++) {
        uint8_t proof[PROOF_BYTES];
        fr challenge;
        struct diag diag = {0};
        write_proof(proof, &challenge);
        add_modulus(proof + 32 * word, word < 2 ? fp_modulus : fr_modulus);
        CHECK_STATUS(read_proof(proof, sizeof proof, &challenge, &diag), STATUS_REJECTED, &diag);
        CHECK(strstr(diag.text, "modulus") != NULL);
    }
}

TEST(infinity_is_neither_written_nor_read)
{
    struct transcript t, before;
    struct proof_writer writer;
    struct proof_reader reader;
    uint8_t proof[64] = {0};
    struct diag diag = {0};
    fp x, y;
    transcript_init(&t, "infinity");
    before = t;
    proof_writer_init(&writer, proof, sizeof proof);
    CHECK(!transcript_write_point(&t, &writer, "C1", &fp_zero, &fp_zero));
    CHECK_U64(writer.used, 0);
    proof_reader_init(&reader, proof, sizeof proof);
    CHECK_STATUS(transcript_read_point(&t, &reader, "C1", &x, &y, &diag), STATUS_REJECTED, &diag);
    CHECK(fp_is_zero(&x) && fp_is_zero(&y));
    /* Nothing was absorbed by either. */
    CHECK(memcmp(&t.hash, &before.hash, sizeof t.hash) == 0);
}

TEST(refused_elements_leave_nothing_behind)
{
    struct transcript t, before;
    struct proof_reader reader;
    uint8_t proof[96];
    struct diag diag = {0};
    fr value[3];
    transcript_init(&t, "refused");
    before = t;
    memset(proof, 0, 64);
    memset(proof + 64, 0xff, 32);
    proof[31] = 5;
    proof_reader_init(&reader, proof, sizeof proof);
    CHECK_STATUS(transcript_read_fr(&t, &reader, "evaluations", value, 3, &diag), STATUS_REJECTED,
                 &diag);
    for (int i = 0; i < 3; i++)
        CHECK(fr_is_zero(&value[i]));
    CHECK(memcmp(&t.hash, &before.hash, sizeof t.hash) == 0);
}
