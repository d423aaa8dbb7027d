#include "backend/commit/srs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/commit/kzg.h"
#include "backend/commit/srs_cache.h"
#include "backend/commit/srs_development.h"
#include "backend/poly/ntt.h"
#include "ir/support/buffer.h"
#include "tests/harness/harness.h"

static void fresh_cache(void)
{
    setenv("XDG_CACHE_HOME", test_temp_dir(), 1);
}

static const char *ceremony_path(void)
{
    return test_source_path("tests/backend/commit/ceremony_5.ptau");
}

/* The whole of a file; the caller releases it. */
static void slurp(struct buffer *out, const char *path)
{
    struct diag diag = {0};
    buffer_init(out);
    REQUIRE_OK(file_read(path, 1 << 24, out, &diag), &diag);
}

static void spill(const char *path, const void *bytes, size_t count)
{
    struct diag diag = {0};
    REQUIRE_OK(file_write(path, bytes, count, FILE_MODE_PUBLIC, false, &diag), &diag);
}

/* The path of the cached powers of an SRS; the caller frees it. */
static char *cached_powers(const struct srs *srs)
{
    struct point_file_head head = {.kind = POINT_FILE_POWERS, .levels = 1};
    head.origin = (uint32_t)srs->origin;
    memcpy(head.digest, srs->digest, sizeof head.digest);
    char *path = srs_cache_path(&head, false);
    REQUIRE(path != NULL);
    return path;
}

/* ---- the development SRS -------------------------------------------------------------------- */

/* Whether the first count powers are those of the public tau. */
static bool are_development_powers(const struct srs *srs, size_t count)
{
    fr tau, power = fr_one;
    bool good = true;
    srs_development_tau(&tau);
    for (size_t i = 0; i < count; i++) {
        g1 point;
        g1_affine expected;
        g1_mul(&point, &g1_generator, &power);
        g1_to_affine(&expected, &point);
        good = good && g1_affine_eq(&srs->powers.point[i], &expected);
        fr_mul(&power, &power, &tau);
    }
    return good;
}

TEST(development_srs_never_changes)
{
    /* Keys over the development SRS stay valid only as long as this digest does. */
    static struct srs_verifier verifier;
    char hex[2 * SRS_DIGEST_BYTES + 1];
    srs_verifier_init_development(&verifier);
    for (size_t i = 0; i < SRS_DIGEST_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", verifier.digest[i]);
    CHECK_TEXT(hex, "97f2c02880f4655143e63ce5e6974ec58fb89d79b7f0b659e6a3a2661c82ba92");
    CHECK(verifier.origin == SRS_DEVELOPMENT);
    fr tau;
    g2 point;
    g2_affine tau_g2;
    srs_development_tau(&tau);
    g2_mul(&point, &g2_generator, &tau);
    g2_to_affine(&tau_g2, &point);
    CHECK(g2_affine_eq(&verifier.tau_g2, &tau_g2));
    CHECK(g2_affine_in_group(&verifier.tau_g2));
}

TEST(development_powers_are_made_once_and_read_back)
{
    struct srs first, second;
    struct diag diag = {0};
    fresh_cache();
    REQUIRE_OK(srs_open_development(&first, 50, NULL, &diag), &diag);
    CHECK(first.points.owned != NULL && are_development_powers(&first, 50));
    REQUIRE_OK(srs_open_development(&second, 1024, NULL, &diag), &diag);
    CHECK(second.points.owned == NULL && second.powers.count == 1024);
    CHECK(memcmp(first.powers.point, second.powers.point, 50 * sizeof(g1_affine)) == 0);
    srs_release(&second);
    /* More than the file has: made again, longer. */
    REQUIRE_OK(srs_open_development(&second, 1025, NULL, &diag), &diag);
    CHECK(second.points.owned != NULL);
    srs_release(&second);
    REQUIRE_OK(srs_open_development(&second, 2048, NULL, &diag), &diag);
    CHECK(second.points.owned == NULL && are_development_powers(&second, 60));
    srs_release(&second);
    srs_release(&first);
}

TEST(development_powers_do_not_depend_on_threads)
{
    struct srs one, two;
    struct diag diag = {0};
    struct machine *machine = machine_new(2);
    fresh_cache();
    REQUIRE_OK(srs_open_development(&one, 3000, NULL, &diag), &diag);
    fresh_cache();
    REQUIRE_OK(srs_open_development(&two, 3000, machine, &diag), &diag);
    CHECK(two.points.owned != NULL);
    CHECK(memcmp(one.powers.point, two.powers.point, 3000 * sizeof(g1_affine)) == 0);
    srs_release(&one);
    srs_release(&two);
    machine_free(machine);
}

TEST(damaged_cache_is_made_again)
{
    struct srs srs;
    struct diag diag = {0};
    struct buffer bytes;
    fresh_cache();
    REQUIRE_OK(srs_open_development(&srs, 10, NULL, &diag), &diag);
    char *path = cached_powers(&srs);
    srs_release(&srs);
    slurp(&bytes, path);
    for (int kind = 0; kind < 6; kind++) {
        struct buffer damaged = {0};
        size_t count = bytes.count;
        if (kind == 4)
            count -= 1 + test_random_below(4096);
        buffer_put(&damaged, bytes.data, count);
        if (kind == 0)
            damaged.data[test_random_below(200)] ^= 1; /* the head */
        else if (kind == 1)
            damaged.data[4096 + test_random_below(640)] ^= 16; /* a point in use */
        else if (kind == 2)
            damaged.data[bytes.count - 1 - test_random_below(8)] ^= 1; /* a checksum */
        else if (kind == 3)
            damaged.data[300 + test_random_below(3700)] ^= 1; /* the zeros of the head */
        else if (kind == 5)
            buffer_put_u8(&damaged, 0);
        spill(path, damaged.data, damaged.count);
        REQUIRE_OK(srs_open_development(&srs, 10, NULL, &diag), &diag);
        CHECK_MSG(srs.points.owned != NULL && are_development_powers(&srs, 10), "kind %d", kind);
        srs_release(&srs);
        REQUIRE_OK(srs_open_development(&srs, 10, NULL, &diag), &diag);
        CHECK_MSG(srs.points.owned == NULL && are_development_powers(&srs, 10), "kind %d", kind);
        srs_release(&srs);
        buffer_release(&damaged);
    }
    buffer_release(&bytes);
    free(path);
}

TEST(everything_works_without_a_cache)
{
    struct srs srs;
    struct srs_lagrange lagrange;
    struct diag diag = {0};
    char *home = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
    const char *places[] = {NULL, "/proc/no/such/place", "relative"};
    for (int i = 0; i < 3; i++) {
        unsetenv("HOME");
        if (places[i])
            setenv("XDG_CACHE_HOME", places[i], 1);
        else
            unsetenv("XDG_CACHE_HOME");
        REQUIRE_OK(srs_open_development(&srs, 40, NULL, &diag), &diag);
        CHECK(are_development_powers(&srs, 40));
        REQUIRE_OK(srs_lagrange_open(&lagrange, &srs, 3, 5, NULL, &diag), &diag);
        srs_lagrange_release(&lagrange);
        srs_release(&srs);
    }
    if (home)
        setenv("HOME", home, 1);
    free(home);
}

TEST(lagrange_bases_are_read_back_and_need_enough_powers)
{
    struct srs srs;
    struct srs_lagrange first, second;
    struct diag diag = {0};
    fresh_cache();
    REQUIRE_OK(srs_open_development(&srs, 5 * 32, NULL, &diag), &diag);
    REQUIRE_OK(srs_lagrange_open(&first, &srs, 5, 5, NULL, &diag), &diag);
    REQUIRE_OK(srs_lagrange_open(&second, &srs, 5, 5, NULL, &diag), &diag);
    CHECK(first.points.owned != NULL && second.points.owned == NULL);
    CHECK(memcmp(first.bases.point, second.bases.point, 160 * sizeof(g1_affine)) == 0);
    srs_lagrange_release(&first);
    srs_lagrange_release(&second);
    CHECK_STATUS(srs_lagrange_open(&first, &srs, 5, 6, NULL, &diag), STATUS_LIMIT, &diag);
    CHECK(first.bases.point == NULL);
    srs_release(&srs);
}

/* ---- .ptau ---------------------------------------------------------------------------------- */

TEST(ceremony_of_snarkjs_is_imported)
{
    struct srs srs, again;
    struct diag diag = {0};
    static struct srs_verifier verifier;
    fresh_cache();
    REQUIRE_OK(srs_open_file(&srs, ceremony_path(), 63, NULL, &diag), &diag);
    CHECK(srs.origin == SRS_CEREMONY && srs.powers.count == 63 && srs.points.owned != NULL);
    srs_verifier_init(&verifier, SRS_CEREMONY, &srs.tau_g2);
    for (int i = 0; i < 62; i++)
        CHECK(kzg_check(&verifier, &srs.powers.point[i + 1], &srs.powers.point[i]));
    CHECK(!kzg_check(&verifier, &srs.powers.point[5], &srs.powers.point[3]));
    /* The second time from the cache: by the .ptau file, by the digest, by the cached file itself.
     */
    REQUIRE_OK(srs_open_file(&again, ceremony_path(), 63, NULL, &diag), &diag);
    CHECK(again.points.owned == NULL);
    srs_release(&again);
    REQUIRE_OK(srs_open_digest(&again, srs.digest, 60, NULL, &diag), &diag);
    CHECK(again.points.owned == NULL && again.origin == SRS_CEREMONY);
    CHECK(memcmp(again.powers.point, srs.powers.point, 60 * sizeof(g1_affine)) == 0);
    srs_release(&again);
    char *path = cached_powers(&srs);
    REQUIRE_OK(srs_open_file(&again, path, 63, NULL, &diag), &diag);
    CHECK(memcmp(again.digest, srs.digest, sizeof srs.digest) == 0);
    srs_release(&again);
    CHECK_STATUS(srs_open_file(&again, path, 64, NULL, &diag), STATUS_LIMIT, &diag);
    free(path);
    CHECK_STATUS(srs_open_digest(&again, srs.digest, 64, NULL, &diag), STATUS_BAD_INPUT, &diag);
    CHECK(strstr(diag.text, "--srs") != NULL);
    srs_release(&srs);
}

TEST(development_and_ceremony_digests_differ_by_origin)
{
    uint8_t a[SRS_DIGEST_BYTES], b[SRS_DIGEST_BYTES];
    srs_compute_digest(a, SRS_DEVELOPMENT, &g2_generator);
    srs_compute_digest(b, SRS_CEREMONY, &g2_generator);
    CHECK(memcmp(a, b, sizeof a) != 0);
    struct srs srs;
    struct diag diag = {0};
    static struct srs_verifier verifier;
    fresh_cache();
    srs_verifier_init_development(&verifier);
    REQUIRE_OK(srs_open_digest(&srs, verifier.digest, 10, NULL, &diag), &diag);
    CHECK(srs.origin == SRS_DEVELOPMENT);
    srs_release(&srs);
}

TEST(lagrange_bases_of_a_ceremony_commit_to_the_same_points)
{
    struct srs srs;
    struct diag diag = {0};
    fresh_cache();
    REQUIRE_OK(srs_open_file(&srs, ceremony_path(), 63, NULL, &diag), &diag);
    for (unsigned lg_rows = 0; lg_rows <= 4; lg_rows++) {
        size_t rows = (size_t)1 << lg_rows;
        struct ntt_domain domain;
        REQUIRE_OK(ntt_domain_init(&domain, lg_rows, &diag), &diag);
        for (unsigned arity = 1; arity * rows <= 63 && arity <= 7; arity++) {
            struct srs_lagrange lagrange;
            fr value[7][16];
            const fr *coefficient[7];
            struct kzg_column column[7];
            g1_affine by_values, by_coefficients;
            REQUIRE_OK(srs_lagrange_open(&lagrange, &srs, lg_rows, arity, NULL, &diag), &diag);
            static fr kept[7][16];
            for (unsigned i = 0; i < arity; i++) {
                for (size_t j = 0; j < rows; j++) {
                    REQUIRE(fr_random(&value[i][j]));
                    kept[i][j] = value[i][j];
                }
                ntt_inverse(NULL, &domain, value[i]);
                coefficient[i] = value[i];
                column[i] = (struct kzg_column){.full = kept[i]};
            }
            REQUIRE_OK(kzg_commit_values(&by_values, &lagrange, column, NULL, &diag), &diag);
            REQUIRE_OK(
                kzg_commit_group(&by_coefficients, &srs, coefficient, arity, rows, NULL, &diag),
                &diag);
            CHECK_MSG(g1_affine_eq(&by_values, &by_coefficients), "rows %zu, arity %u", rows,
                      arity);
            srs_lagrange_release(&lagrange);
        }
        ntt_domain_release(&domain);
    }
    srs_release(&srs);
}

/* Where things are in ceremony_5.ptau: the sections in the order snarkjs writes them. */
enum {
    AT_SECTION_COUNT = 8,
    AT_HEAD = 12 + 12,
    AT_G1 = AT_HEAD + 44 + 12,
    AT_G2 = AT_G1 + 63 * 64 + 12
};

/* Opens the bytes as a .ptau file without a cache in the way. Returns the status. */
static enum status open_bytes(const uint8_t *bytes, size_t count, struct diag *diag)
{
    struct srs srs;
    char path[4096];
    fresh_cache();
    snprintf(path, sizeof path, "%s/altered.ptau", getenv("XDG_CACHE_HOME"));
    spill(path, bytes, count);
    memset(diag, 0, sizeof *diag);
    enum status status = srs_open_file(&srs, path, 63, NULL, diag);
    if (status != STATUS_OK) {
        CHECK(srs.powers.point == NULL && srs.points.owned == NULL);
        CHECK_MSG(strstr(diag->text, "altered.ptau") != NULL, "%s", diag->text);
    }
    srs_release(&srs);
    return status;
}

TEST(altered_ptau_files_are_refused)
{
    struct buffer good;
    struct diag diag;
    slurp(&good, ceremony_path());
    CHECK_STATUS(open_bytes(good.data, good.count, &diag), STATUS_OK, &diag);
    /* Every byte of what is used: heads, prime, power, a sample of G1 and the first two of G2. */
    for (size_t at = 0; at < AT_G2 + 256; at++) {
        if (at >= AT_G1 && at < AT_G1 + 63 * 64 && test_random_below(40) != 0)
            continue;
        uint8_t kept = good.data[at];
        good.data[at] ^= (uint8_t)(1u << test_random_below(8));
        enum status status = open_bytes(good.data, good.count, &diag);
        CHECK_MSG(status == STATUS_BAD_INPUT ||
                      (status == STATUS_OK && at >= AT_HEAD + 40 && at < AT_HEAD + 44),
                  "byte %zu: %s", at, diag.text);
        good.data[at] = kept;
    }
    buffer_release(&good);
}

TEST(ptau_files_of_good_points_and_wrong_powers_are_refused)
{
    struct buffer good;
    struct diag diag;
    slurp(&good, ceremony_path());
    uint8_t kept[64];
    for (size_t i = 1; i < 63; i += 7) {
        /* One power replaced by its neighbour: on the curve, finite, wrong. */
        uint8_t *power = good.data + AT_G1 + 64 * i;
        memcpy(kept, power, 64);
        memcpy(power, power - 64, 64);
        CHECK_STATUS(open_bytes(good.data, good.count, &diag), STATUS_BAD_INPUT, &diag);
        memset(power, 0, 64);
        CHECK_STATUS(open_bytes(good.data, good.count, &diag), STATUS_BAD_INPUT, &diag);
        memcpy(power, kept, 64);
    }
    /* [tau]_2 replaced by [tau^2]_2, and by infinity. */
    uint8_t tau[128];
    memcpy(tau, good.data + AT_G2 + 128, 128);
    memcpy(good.data + AT_G2 + 128, good.data + AT_G2 + 256, 128);
    CHECK_STATUS(open_bytes(good.data, good.count, &diag), STATUS_BAD_INPUT, &diag);
    CHECK(strstr(diag.text, "[tau]_2") != NULL);
    memset(good.data + AT_G2 + 128, 0, 128);
    CHECK_STATUS(open_bytes(good.data, good.count, &diag), STATUS_BAD_INPUT, &diag);
    memcpy(good.data + AT_G2 + 128, tau, 128);
    CHECK_STATUS(open_bytes(good.data, good.count, &diag), STATUS_OK, &diag);
    buffer_release(&good);
}

TEST(cut_and_lengthened_ptau_files_are_refused)
{
    struct buffer good;
    struct diag diag;
    slurp(&good, ceremony_path());
    for (size_t count = 0; count < good.count;
         count += 1 + test_random_below(count < 100 ? 1 : 300))
        CHECK_STATUS(open_bytes(good.data, count, &diag), STATUS_BAD_INPUT, &diag);
    buffer_put_u8(&good, 0);
    CHECK_STATUS(open_bytes(good.data, good.count, &diag), STATUS_BAD_INPUT, &diag);
    /* A length that reaches beyond any file. */
    memset(good.data + AT_G1 - 8, 0xff, 8);
    CHECK_STATUS(open_bytes(good.data, good.count, &diag), STATUS_BAD_INPUT, &diag);
    buffer_release(&good);
    CHECK_STATUS(open_bytes((const uint8_t *)"hello", 5, &diag), STATUS_BAD_INPUT, &diag);
}

TEST(ptau_files_that_are_too_small_say_so)
{
    struct srs srs;
    struct diag diag = {0};
    fresh_cache();
    CHECK_STATUS(srs_open_file(&srs, ceremony_path(), 64, NULL, &diag), STATUS_LIMIT, &diag);
    CHECK(strstr(diag.text, "63") != NULL && strstr(diag.text, "64") != NULL);
    CHECK_STATUS(srs_open_file(&srs, "/no/such/file.ptau", 64, NULL, &diag), STATUS_BAD_INPUT,
                 &diag);
}

TEST(window_tables_change_nothing_but_time)
{
    struct srs srs;
    struct srs_lagrange lagrange;
    struct diag diag = {0};
    static fr value[5][64];
    const fr *column[5];
    struct kzg_column values[5];
    for (unsigned i = 0; i < 5; i++) {
        REQUIRE(fr_random_array(value[i], 64));
        column[i] = value[i];
        values[i] = (struct kzg_column){.full = value[i]};
    }
    fresh_cache();
    for (int round = 0; round < 2; round++) {
        g1_affine plain, by_table;
        REQUIRE_OK(srs_open_development(&srs, 320, NULL, &diag), &diag);
        REQUIRE_OK(srs_lagrange_open(&lagrange, &srs, 6, 5, NULL, &diag), &diag);
        REQUIRE_OK(kzg_commit_group(&plain, &srs, column, 5, 64, NULL, &diag), &diag);
        srs_use_table(&srs, 1000, NULL);
        CHECK(srs.powers.levels == 1);
        srs_use_table(&srs, 1 << 20, NULL);
        CHECK(srs.powers.levels > 1 && srs.powers.count == 320);
        CHECK(round == 0 ? srs.points.owned != NULL : srs.points.owned == NULL);
        REQUIRE_OK(kzg_commit_group(&by_table, &srs, column, 5, 64, NULL, &diag), &diag);
        CHECK(g1_affine_eq(&plain, &by_table));
        REQUIRE_OK(kzg_commit_values(&plain, &lagrange, values, NULL, &diag), &diag);
        srs_lagrange_use_table(&lagrange, &srs, 1 << 20, NULL);
        CHECK(lagrange.bases.levels > 1);
        REQUIRE_OK(kzg_commit_values(&by_table, &lagrange, values, NULL, &diag), &diag);
        CHECK(g1_affine_eq(&plain, &by_table));
        srs_lagrange_release(&lagrange);
        srs_release(&srs);
    }
}
