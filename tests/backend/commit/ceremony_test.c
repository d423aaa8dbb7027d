/* label: prover */
#include "backend/commit/ceremony.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/commit/srs.h"
#include "backend/curve/curve_constants.h"
#include "backend/field/system_random.h"
#include "tests/harness/harness.h"

/* Adds a contribution of a random seed; a beacon for a null name. */
static void contribute(const char *from, const char *to, const char *name)
{
    struct ceremony old;
    struct ceremony_contribution added;
    struct diag diag = {0};
    uint8_t seed[CEREMONY_SEED_BYTES];
    struct machine *machine = machine_new(2);
    REQUIRE_OK(ceremony_make_seed(seed, "text", 4, &diag), &diag);
    struct ceremony_addition addition = {.name = name, .seed = seed};
    if (name == NULL)
        addition = (struct ceremony_addition){
            .name = "", .beacon = (const uint8_t *)"beacon", .beacon_bytes = 6, .lg_rounds = 10};
    REQUIRE_OK(ceremony_open(&old, from, &diag), &diag);
    REQUIRE_OK(ceremony_contribute(&added, &old, to, &addition, machine, NULL, &diag), &diag);
    CHECK(added.is_beacon == (name == NULL));
    ceremony_close(&old);
    machine_free(machine);
}

/* Two contributions and a beacon. Returns the path of the file. */
static const char *make_ceremony(uint32_t power)
{
    const char *folder = test_temp_dir();
    const char *path[4];
    uint8_t challenge[CEREMONY_HASH_BYTES];
    struct diag diag = {0};
    for (int i = 0; i < 4; i++) {
        char name[24];
        snprintf(name, sizeof name, "%d.ptau", i);
        path[i] = test_path(folder, name);
    }
    REQUIRE_OK(ceremony_new(challenge, path[0], power, NULL, &diag), &diag);
    contribute(path[0], path[1], "alice");
    contribute(path[1], path[2], "");
    contribute(path[2], path[3], NULL);
    return path[3];
}

static enum status verify(const char *path, struct diag *diag)
{
    struct ceremony ceremony;
    enum status status = ceremony_open(&ceremony, path, diag);
    if (status == STATUS_OK)
        status = ceremony_verify(&ceremony, NULL, NULL, diag);
    ceremony_close(&ceremony);
    return status;
}

TEST(ceremonies_of_every_small_power_are_accepted)
{
    for (uint32_t power = 1; power <= 6; power++) {
        struct ceremony ceremony;
        struct diag diag = {0};
        const char *path = make_ceremony(power);
        REQUIRE_OK(verify(path, &diag), &diag);
        REQUIRE_OK(ceremony_open(&ceremony, path, &diag), &diag);
        CHECK_U64(ceremony.count, 3);
        CHECK_TEXT(ceremony.contribution[0].name, "alice");
        CHECK_TEXT(ceremony.contribution[1].name, "");
        CHECK(ceremony.contribution[2].is_beacon && ceremony.contribution[2].lg_rounds == 10);
        ceremony_close(&ceremony);
    }
}

/* More points than are done at a time. */
TEST(large_ceremonies_are_accepted)
{
    struct diag diag = {0};
    uint8_t challenge[CEREMONY_HASH_BYTES];
    const char *folder = test_temp_dir();
    const char *first = test_path(folder, "0"), *second = test_path(folder, "1");
    REQUIRE_OK(ceremony_new(challenge, first, 15, NULL, &diag), &diag);
    contribute(first, second, "one");
    REQUIRE_OK(verify(second, &diag), &diag);
}

TEST(powers_of_a_ceremony_are_imported)
{
    struct srs srs;
    struct diag diag = {0};
    setenv("XDG_CACHE_HOME", test_temp_dir(), 1);
    REQUIRE_OK(srs_open_file(&srs, make_ceremony(4), 31, NULL, &diag), &diag);
    CHECK(srs.powers.count == 31 && srs.origin == SRS_CEREMONY);
    srs_release(&srs);
}

TEST(a_ceremony_without_contributions_is_rejected)
{
    struct diag diag = {0};
    uint8_t challenge[CEREMONY_HASH_BYTES];
    const char *path = test_path(test_temp_dir(), "new.ptau");
    REQUIRE_OK(ceremony_new(challenge, path, 3, NULL, &diag), &diag);
    CHECK_STATUS(verify(path, &diag), STATUS_REJECTED, &diag);
}

/* ---- tampering ------------------------------------------------------------------------------ */

struct file_bytes {
    uint8_t *data;
    size_t count;
    const char *path; /* where changed bytes go */
};

static struct file_bytes load(const char *path)
{
    struct file_bytes f = {.path = test_path(test_temp_dir(), "changed.ptau")};
    struct buffer buffer;
    struct diag diag = {0};
    buffer_init(&buffer);
    REQUIRE_OK(file_read(path, 1 << 24, &buffer, &diag), &diag);
    f.data = malloc(buffer.count);
    REQUIRE(f.data != NULL);
    memcpy(f.data, buffer.data, buffer.count);
    f.count = buffer.count;
    buffer_release(&buffer);
    return f;
}

static enum status verify_bytes(const struct file_bytes *f, struct diag *diag)
{
    struct diag write = {0};
    memset(diag, 0, sizeof *diag);
    REQUIRE_OK(file_write(f->path, f->data, f->count, FILE_MODE_PUBLIC, false, &write), &write);
    return verify(f->path, diag);
}

/* Offset of a section's content. */
static size_t section_at(const struct file_bytes *f, int id)
{
    size_t at = 12;
    for (;;) {
        uint64_t bytes;
        int found = f->data[at];
        memcpy(&bytes, f->data + at + 4, sizeof bytes);
        if (found == id)
            return at + 12;
        at += 12 + (size_t)bytes;
    }
}

/* Bytes of a contribution, those before its parameters. */
enum {
    AT_PROOFS = 3 * 64 + 2 * 128,
    AT_PARTIAL = AT_PROOFS + CEREMONY_PROOFS_BYTES,
    AT_CHALLENGE = AT_PARTIAL + 216,
    AT_TYPE = AT_CHALLENGE + 64,
    HEAD_BYTES = AT_TYPE + 8,
};

/* Whether a byte says nothing about the powers: names; what lies in the block of a digest behind
 * its bytes, and the zeros after it; the digest of a response that is not the last one, which its
 * maker alone can compare. */
static bool is_free(const struct file_bytes *f, size_t offset)
{
    size_t at = section_at(f, PTAU_CONTRIBUTIONS) + 4;
    while (at < f->count) {
        uint32_t parameters;
        memcpy(&parameters, f->data + at + AT_TYPE + 4, sizeof parameters);
        size_t filled = f->data[at + AT_PARTIAL + 200], inside = offset - at;
        if (offset >= at && inside < HEAD_BYTES + parameters) {
            bool is_last = at + HEAD_BYTES + parameters == f->count;
            if (inside >= AT_PARTIAL && inside < AT_CHALLENGE && !is_last)
                return true;
            if (inside >= AT_PARTIAL + filled && inside < AT_PARTIAL + 128)
                return true;
            if (inside >= AT_PARTIAL + 208 && inside < AT_CHALLENGE)
                return true;
            return inside >= HEAD_BYTES + 2 && f->data[at + HEAD_BYTES] == 1;
        }
        at += HEAD_BYTES + parameters;
    }
    return false;
}

TEST(a_changed_bit_anywhere_is_noticed)
{
    struct file_bytes f = load(make_ceremony(1));
    struct diag diag;
    REQUIRE_OK(verify_bytes(&f, &diag), &diag);
    size_t free_bytes = 0, tried = 0;
    for (size_t i = 0; i < f.count; i += 1 + test_random_below(20), tried++) {
        uint8_t bit = (uint8_t)(1u << test_random_below(8));
        if (is_free(&f, i)) {
            free_bytes++;
            continue;
        }
        f.data[i] ^= bit;
        enum status status = verify_bytes(&f, &diag);
        CHECK_MSG(status != STATUS_OK, "byte %zu of %zu, bit %u: accepted", i, f.count, bit);
        CHECK_MSG(strstr(diag.text, "changed.ptau") != NULL, "byte %zu: %s", i, diag.text);
        f.data[i] ^= bit;
    }
    CHECK(free_bytes < tried / 4);
    free(f.data);
}

TEST(a_file_cut_or_continued_anywhere_is_refused)
{
    struct file_bytes f = load(make_ceremony(1));
    struct diag diag;
    size_t whole = f.count;
    for (size_t cut = 1; cut < whole; cut += 1 + test_random_below(40)) {
        f.count = whole - cut;
        CHECK_STATUS(verify_bytes(&f, &diag), STATUS_BAD_INPUT, &diag);
    }
    free(f.data);
}

static void rejected(const struct file_bytes *f, const char *word)
{
    struct diag diag;
    CHECK_STATUS(verify_bytes(f, &diag), STATUS_REJECTED, &diag);
    CHECK_MSG(strstr(diag.text, word) != NULL, "no '%s' in: %s", word, diag.text);
}

/* Swaps `bytes` bytes. */
static void swap(uint8_t *a, uint8_t *b, size_t bytes)
{
    uint8_t t[128];
    memcpy(t, a, bytes);
    memcpy(a, b, bytes);
    memcpy(b, t, bytes);
}

TEST(powers_that_are_none_are_rejected)
{
    struct file_bytes f = load(make_ceremony(3));
    for (int id = PTAU_G1; id <= PTAU_BETA_G1; id++) {
        size_t bytes = id == PTAU_G2 ? 128 : 64;
        uint8_t *at = f.data + section_at(&f, id);
        char word[24];
        snprintf(word, sizeof word, "section %d", id);
        swap(at + 4 * bytes, at + 5 * bytes, bytes); /* good points in the wrong places */
        rejected(&f, word);
        swap(at + 4 * bytes, at + 5 * bytes, bytes);
        swap(at, at + bytes, bytes); /* the first ones */
        rejected(&f, word);
        swap(at, at + bytes, bytes);
        uint64_t kept[16];
        memcpy(kept, at + 3 * bytes, bytes); /* infinity */
        memset(at + 3 * bytes, 0, bytes);
        rejected(&f, "not in its group");
        memcpy(at + 3 * bytes, kept, bytes);
    }
    /* A point of G2 and one of order 10069: every pairing is what it was. */
    size_t at = section_at(&f, PTAU_G2) + 5 * 128;
    static const uint64_t part[4] = {0x6c3cd334915f1659, 0x207142f7671af448, 0x9e28bcf65b5681da,
                                     0x00013af7a58fce69};
    g2_affine point, other;
    g2 sum;
    memcpy(&point, f.data + at, sizeof point);
    do {
        const uint64_t *factor[2] = {fr_modulus, part};
        fp2 t;
        do {
            REQUIRE(fp_random(&other.x.c0) && fp_random(&other.x.c1));
            fp2_sqr(&t, &other.x);
            fp2_mul(&t, &t, &other.x);
            fp2_add(&t, &t, &g2_curve_b);
        } while (!fp2_sqrt(&other.y, &t));
        for (int k = 0; k < 2; k++) {
            g2_set_infinity(&sum);
            for (unsigned bit = 256; bit-- > 0;) {
                g2_double(&sum, &sum);
                if (factor[k][bit / 64] >> (bit % 64) & 1)
                    g2_add_affine(&sum, &sum, &other);
            }
            g2_to_affine(&other, &sum);
        }
    } while (g2_affine_is_infinity(&other));
    g2_from_affine(&sum, &point);
    g2_add_affine(&sum, &sum, &other);
    g2_to_affine(&other, &sum);
    memcpy(f.data + at, &other, sizeof other);
    rejected(&f, "not in its group");
    free(f.data);
}

/* Somebody who replaces what others did by his own, and cannot prove that he follows them. */
TEST(contributions_of_other_ceremonies_are_rejected)
{
    struct file_bytes f = load(make_ceremony(2)), g = load(make_ceremony(2));
    size_t at = section_at(&f, PTAU_CONTRIBUTIONS) + 4;
    size_t first = HEAD_BYTES + 7; /* with the name alice */
    memcpy(f.data + at, g.data + at, first);
    rejected(&f, "contribution 2 is false");
    free(f.data);
    f = load(make_ceremony(2));
    memcpy(f.data + at + AT_PROOFS, g.data + at + AT_PROOFS, CEREMONY_PROOFS_BYTES);
    rejected(&f, "contribution 1 is false");
    free(f.data);
    f = load(make_ceremony(2)); /* all powers of another */
    memcpy(f.data, g.data, at - 16);
    rejected(&f, "section 2");
    free(f.data);
    free(g.data);
}

TEST(beacons_that_are_none_are_rejected)
{
    struct file_bytes f = load(make_ceremony(2));
    struct diag diag;
    f.data[f.count - 1] ^= 1;
    rejected(&f, "beacon");
    f.data[f.count - 1] ^= 1;
    f.data[f.count - 9] = 11; /* rounds */
    rejected(&f, "beacon");
    f.data[f.count - 9] = 63;
    CHECK_STATUS(verify_bytes(&f, &diag), STATUS_LIMIT, &diag);
    free(f.data);
}

TEST(contributing_refuses_its_own_input_and_bad_points)
{
    struct ceremony old;
    struct ceremony_contribution added;
    struct diag diag = {0};
    uint8_t seed[CEREMONY_SEED_BYTES] = {1};
    struct ceremony_addition addition = {.name = "", .seed = seed};
    const char *path = make_ceremony(3);
    struct file_bytes f = load(path);
    REQUIRE_OK(ceremony_open(&old, path, &diag), &diag);
    CHECK_STATUS(ceremony_contribute(&added, &old, path, &addition, NULL, NULL, &diag),
                 STATUS_BAD_INPUT, &diag);
    ceremony_close(&old);
    REQUIRE_OK(verify(path, &diag), &diag);
    memset(f.data + section_at(&f, PTAU_G2) + 128, 0, 128);
    CHECK_STATUS(verify_bytes(&f, &diag), STATUS_REJECTED, &diag);
    REQUIRE_OK(ceremony_open(&old, f.path, &diag), &diag);
    const char *to = test_path(test_temp_dir(), "to.ptau");
    CHECK_STATUS(ceremony_contribute(&added, &old, to, &addition, NULL, NULL, &diag),
                 STATUS_BAD_INPUT, &diag);
    CHECK(!file_exists(to));
    ceremony_close(&old);
    free(f.data);
}
