#include "backend/commit/kzg.h"

#include <stdlib.h>
#include <string.h>

#include "backend/commit/srs_development.h"
#include "backend/poly/ntt.h"
#include "tests/harness/harness.h"

/* The development SRS with its cache in a fresh folder. */
static void open_srs(struct srs *srs, size_t count)
{
    setenv("XDG_CACHE_HOME", test_temp_dir(), 1);
    struct diag diag = {0};
    REQUIRE_OK(srs_open_development(srs, count, NULL, &diag), &diag);
}

static void random_fr(fr *r)
{
    uint8_t bytes[64];
    test_random_bytes(bytes, sizeof bytes);
    fr_from_wide_bytes_be(r, bytes);
}

TEST(commitment_is_the_value_at_tau)
{
    struct srs srs;
    open_srs(&srs, 100);
    fr tau, value, coefficient[100];
    srs_development_tau(&tau);
    for (size_t count = 0; count <= 100; count += 25) {
        value = fr_zero;
        for (size_t k = count; k-- > 0;) {
            random_fr(&coefficient[k]);
            fr_mul(&value, &value, &tau);
            fr_add(&value, &value, &coefficient[k]);
        }
        g1_affine got, expected;
        g1 point;
        struct diag diag = {0};
        REQUIRE_OK(kzg_commit(&got, &srs, coefficient, count, NULL, &diag), &diag);
        g1_mul(&point, &g1_generator, &value);
        g1_to_affine(&expected, &point);
        CHECK_MSG(g1_affine_eq(&got, &expected), "%zu coefficients", count);
    }
    srs_release(&srs);
}

TEST(values_and_coefficients_give_one_commitment)
{
    const unsigned lg_rows = 5, tail = 5;
    const size_t rows = (size_t)1 << lg_rows;
    struct srs srs;
    struct diag diag = {0};
    struct ntt_domain domain;
    open_srs(&srs, 7 * rows);
    REQUIRE_OK(ntt_domain_init(&domain, lg_rows, &diag), &diag);
    for (unsigned arity = 1; arity <= 7; arity++) {
        struct srs_lagrange lagrange;
        REQUIRE_OK(srs_lagrange_open(&lagrange, &srs, lg_rows, arity, NULL, &diag), &diag);
        int64_t small[7][32];
        fr full[7][32], value[7][32];
        const fr *coefficient[7];
        struct kzg_column column[7];
        for (unsigned i = 0; i < arity; i++) {
            /* One column in three is all field elements, the others integers with a tail. */
            size_t integers = i % 3 == 2 ? 0 : rows - tail;
            for (size_t j = 0; j < rows; j++) {
                small[i][j] = (int64_t)test_random_edge_u64();
                random_fr(&full[i][j]);
                if (j < integers)
                    fr_from_i64(&value[i][j], small[i][j]);
                else
                    value[i][j] = full[i][j - integers];
            }
            ntt_inverse(NULL, &domain, value[i]);
            coefficient[i] = value[i];
            column[i] = (struct kzg_column){small[i], integers, full[i]};
        }
        g1_affine by_values, by_coefficients;
        REQUIRE_OK(kzg_commit_values(&by_values, &lagrange, column, NULL, &diag), &diag);
        REQUIRE_OK(kzg_commit_group(&by_coefficients, &srs, coefficient, arity, rows, NULL, &diag),
                   &diag);
        CHECK_MSG(g1_affine_eq(&by_values, &by_coefficients), "arity %u", arity);
        srs_lagrange_release(&lagrange);
    }
    ntt_domain_release(&domain);
    srs_release(&srs);
}

TEST(columns_of_bits_are_committed_to_like_their_values)
{
    static const struct {
        unsigned lg_rows, count, full_count;
    } shape[] = {{2, 3, 0}, {4, 1, 3}, {5, 64, 2}, {9, 5, 0}, {10, 70, 4}, {11, 33, 3}};
    for (size_t s = 0; s < sizeof shape / sizeof shape[0]; s++) {
        size_t rows = (size_t)1 << shape[s].lg_rows, words = KZG_BIT_WORDS(shape[s].count);
        struct srs srs;
        struct srs_lagrange lagrange;
        struct diag diag = {0};
        open_srs(&srs, rows);
        REQUIRE_OK(srs_lagrange_open(&lagrange, &srs, shape[s].lg_rows, 1, NULL, &diag), &diag);
        uint64_t *row = calloc(rows * words, sizeof *row);
        fr *full = calloc(shape[s].count * 4, sizeof *full), *value = calloc(rows, sizeof *value);
        uint32_t full_row[4];
        g1_affine *got[2] = {calloc(shape[s].count, sizeof **got),
                             calloc(shape[s].count, sizeof **got)};
        REQUIRE(row && full && value && got[0] && got[1]);
        for (size_t i = 0; i < rows * words; i++)
            row[i] = test_random_u64() & test_random_u64();
        for (size_t i = 0; i < rows; i++) /* the first column is zero */
            row[i * words] &= ~(uint64_t)1;
        for (unsigned i = 0; i < 4; i++)
            full_row[i] = (uint32_t)(rows - 1 - 2 * i % rows);
        for (unsigned i = 0; i < shape[s].count * shape[s].full_count; i++)
            random_fr(&full[i]);
        struct kzg_bits bits = {shape[s].count, row, full, full_row, shape[s].full_count};
        for (unsigned t = 0; t < 2; t++) {
            struct machine *machine = t == 0 ? NULL : machine_new(3);
            REQUIRE_OK(kzg_commit_bits(got[t], &lagrange, &bits, machine, &diag), &diag);
            machine_free(machine);
        }
        for (unsigned k = 0; k < shape[s].count; k++) {
            g1_affine expected;
            struct kzg_column column = {.full = value};
            for (size_t i = 0; i < rows; i++)
                fr_from_u64(&value[i], row[i * words + k / 64] >> k % 64 & 1);
            for (unsigned i = 0; i < shape[s].full_count; i++)
                fr_add(&value[full_row[i]], &value[full_row[i]],
                       &full[k * shape[s].full_count + i]);
            REQUIRE_OK(kzg_commit_values(&expected, &lagrange, &column, NULL, &diag), &diag);
            CHECK_MSG(g1_affine_eq(&got[0][k], &expected), "shape %zu, column %u", s, k);
            CHECK_MSG(g1_affine_eq(&got[1][k], &expected), "shape %zu, column %u", s, k);
        }
        free(row);
        free(full);
        free(value);
        free(got[0]);
        free(got[1]);
        srs_lagrange_release(&lagrange);
        srs_release(&srs);
    }
}

TEST(null_columns_are_zero)
{
    struct srs srs;
    struct diag diag = {0};
    open_srs(&srs, 30);
    fr f[10], zero[10];
    for (int i = 0; i < 10; i++) {
        random_fr(&f[i]);
        zero[i] = fr_zero;
    }
    const fr *with_null[3] = {NULL, f, NULL}, *with_zero[3] = {zero, f, zero};
    const fr *none[3] = {NULL, NULL, NULL};
    g1_affine a, b;
    REQUIRE_OK(kzg_commit_group(&a, &srs, with_null, 3, 10, NULL, &diag), &diag);
    REQUIRE_OK(kzg_commit_group(&b, &srs, with_zero, 3, 10, NULL, &diag), &diag);
    CHECK(g1_affine_eq(&a, &b));
    REQUIRE_OK(kzg_commit_group(&a, &srs, none, 3, 10, NULL, &diag), &diag);
    CHECK(g1_affine_is_infinity(&a));
    struct srs_lagrange lagrange;
    struct kzg_column empty[3] = {{0}};
    REQUIRE_OK(srs_lagrange_open(&lagrange, &srs, 3, 3, NULL, &diag), &diag);
    REQUIRE_OK(kzg_commit_values(&a, &lagrange, empty, NULL, &diag), &diag);
    CHECK(g1_affine_is_infinity(&a));
    srs_lagrange_release(&lagrange);
    CHECK(kzg_commit_group(&a, &srs, with_null, 3, 11, NULL, &diag) == STATUS_LIMIT);
    srs_release(&srs);
}

/* f(X) = q(X) (X - z) + y, so e([f] - y + z [q], [1]_2) = e([q], [tau]_2). */
TEST(opening_is_accepted_and_a_wrong_value_is_not)
{
    struct srs srs;
    struct diag diag = {0};
    static struct srs_verifier verifier;
    open_srs(&srs, 20);
    srs_verifier_init_development(&verifier);
    CHECK(memcmp(verifier.digest, srs.digest, sizeof srs.digest) == 0);
    fr f[20], q[20], z, y = fr_zero;
    random_fr(&z);
    for (int i = 19; i >= 0; i--) {
        random_fr(&f[i]);
        q[i] = y; /* the quotient by synthetic division */
        fr_mul(&y, &y, &z);
        fr_add(&y, &y, &f[i]);
    }
    g1_affine commitment, quotient, left;
    REQUIRE_OK(kzg_commit(&commitment, &srs, f, 20, NULL, &diag), &diag);
    REQUIRE_OK(kzg_commit(&quotient, &srs, q, 19, NULL, &diag), &diag);
    for (int wrong = 0; wrong < 2; wrong++) {
        g1 sum, term;
        fr value = y;
        if (wrong)
            fr_add(&value, &value, &fr_one);
        g1_mul(&sum, &g1_generator, &value);
        g1_neg(&sum, &sum);
        g1_mul(&term, &quotient, &z);
        g1_add(&sum, &sum, &term);
        g1_add_affine(&sum, &sum, &commitment);
        g1_to_affine(&left, &sum);
        CHECK(kzg_check(&verifier, &left, &quotient) == !wrong);
    }
    srs_release(&srs);
}
