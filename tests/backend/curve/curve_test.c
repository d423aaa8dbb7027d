#include "backend/curve/curve.h"

#include <stdlib.h>
#include <string.h>

#include "backend/curve/affine_batch.h"
#include "backend/curve/curve_constants.h"
#include "backend/curve/fixed_base.h"
#include "backend/curve/msm.h"
#include "tests/backend/curve/oracle.h"
#include "tests/backend/curve/vectors.h"
#include "tests/harness/harness.h"

/* ---- G1 against GMP ------------------------------------------------------------------------- */

/* A working form of a with a random denominator. */
static void scramble(g1 *r, const g1_affine *a)
{
    g1_from_affine(r, a);
    if (g1_affine_is_infinity(a))
        return;
    fp z, zz, zzz;
    REQUIRE(fp_random(&z));
    fp_sqr(&zz, &z);
    fp_mul(&zzz, &zz, &z);
    fp_mul(&r->x, &r->x, &zz);
    fp_mul(&r->y, &r->y, &zzz);
    r->zz = zz;
    r->zzz = zzz;
}

/* Every addition of the library, in every aliasing, for one pair. */
static void check_sum(const g1_affine *a, const g1_affine *b)
{
    g1_affine expected, got, pair[2] = {*a, *b};
    g1 wa, wb, sum;
    fp scratch[AFFINE_SCRATCH(1)];
    const uint16_t first = 0;
    oracle_sum(&expected, a, b);
    scramble(&wa, a);
    scramble(&wb, b);
    g1_add(&sum, &wa, &wb);
    g1_to_affine(&got, &sum);
    CHECK(g1_affine_eq(&got, &expected));
    sum = wb;
    g1_add(&sum, &wa, &sum);
    g1_to_affine(&got, &sum);
    CHECK(g1_affine_eq(&got, &expected));
    sum = wa;
    g1_add_affine(&sum, &sum, b);
    g1_to_affine(&got, &sum);
    CHECK(g1_affine_eq(&got, &expected));
    g1_from_affine(&sum, &expected);
    g1_add_affine(&wa, &wa, b);
    CHECK(g1_eq(&sum, &wa));
    affine_add_pairs(pair, &first, 1, 1, NULL, scratch);
    CHECK(g1_affine_eq(&pair[0], &expected));
    affine_add_arrays(&got, a, b, 1, scratch);
    CHECK(g1_affine_eq(&got, &expected));
}

TEST(addition_agrees_with_affine_formulas)
{
    g1_affine p[6], minus;
    g1_affine_set_infinity(&p[0]);
    p[1] = g1_generator;
    for (int i = 2; i < 6; i++)
        random_g1(&p[i]);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) {
            check_sum(&p[i], &p[j]);
            g1_affine_neg(&minus, &p[j]);
            check_sum(&p[i], &minus);
        }
}

TEST(small_multiples_agree_exhaustively)
{
    g1_affine base, multiple, got;
    random_g1(&base);
    g1_affine_set_infinity(&multiple);
    for (int64_t k = 0; k < 300; k++) {
        for (int sign = 0; sign < 2; sign++) {
            fr scalar;
            g1 product;
            fr_from_i64(&scalar, sign ? -k : k);
            g1_mul(&product, &base, &scalar);
            if (sign)
                g1_neg(&product, &product);
            g1_to_affine(&got, &product);
            CHECK_MSG(g1_affine_eq(&got, &multiple), "k = %lld", (long long)k);
        }
        oracle_sum(&multiple, &multiple, &base);
    }
}

TEST(multiplication_agrees_with_double_and_add)
{
    mpz_t k;
    struct oracle_point p, product;
    mpz_init(k);
    oracle_init(&p);
    oracle_init(&product);
    for (int round = 0; round < 100; round++) {
        fr scalar;
        g1_affine base, expected, got;
        g1 point;
        random_g1(&base);
        random_edge_fr(&scalar);
        oracle_scalar(k, &scalar);
        oracle_from_g1(&p, &base);
        oracle_mul(&product, &p, k);
        oracle_to_g1(&expected, &product);
        g1_mul(&point, &base, &scalar);
        g1_to_affine(&got, &point);
        CHECK_MSG(g1_affine_eq(&got, &expected), "round %d", round);
    }
    oracle_clear(&p);
    oracle_clear(&product);
    mpz_clear(k);
}

TEST(scalar_halves_are_short_and_add_up)
{
    for (int round = 0; round < 2000; round++) {
        fr k, sum, k1, k2, lambda = glv_lambda;
        struct glv_halves halves;
        random_edge_fr(&k);
        glv_split(&halves, &k);
        CHECK(halves.k1[1] >> 63 == 0 && halves.k2[1] >> 63 == 0);
        fr_from_signed_limbs(&k1, halves.k1, 2, halves.k1_negative);
        fr_from_signed_limbs(&k2, halves.k2, 2, halves.k2_negative);
        fr_mul(&sum, &k2, &lambda);
        fr_add(&sum, &sum, &k1);
        CHECK(fr_eq(&sum, &k));
    }
}

TEST(endomorphism_is_multiplication_by_lambda)
{
    g1_affine p, image, expected;
    g1 product;
    random_g1(&p);
    /* lambda by plain doubling, since g1_mul rests on the endomorphism. */
    mpz_t k;
    struct oracle_point a, b;
    mpz_init(k);
    oracle_init(&a);
    oracle_init(&b);
    oracle_scalar(k, &glv_lambda);
    oracle_from_g1(&a, &p);
    oracle_mul(&b, &a, k);
    oracle_to_g1(&expected, &b);
    g1_affine_endomorphism(&image, &p);
    CHECK(g1_affine_eq(&image, &expected));
    g1_mul(&product, &p, &glv_lambda);
    g1_to_affine(&image, &product);
    CHECK(g1_affine_eq(&image, &expected));
    oracle_clear(&a);
    oracle_clear(&b);
    mpz_clear(k);
}

TEST(batch_normalisation_agrees_with_single)
{
    g1 p[40];
    g1_affine got[40], expected;
    fp scratch[40];
    for (int i = 0; i < 40; i++) {
        g1_affine a;
        random_g1(&a);
        if (i % 7 == 0)
            g1_affine_set_infinity(&a);
        scramble(&p[i], &a);
    }
    g1_batch_to_affine(got, p, 40, scratch);
    for (int i = 0; i < 40; i++) {
        g1_to_affine(&expected, &p[i]);
        CHECK(g1_affine_eq(&got[i], &expected));
    }
    g1_batch_to_affine(got, p, 0, scratch);
}

TEST(many_multiples_of_a_point_agree_with_single_ones)
{
    static fr k[1500];
    static g1_affine got[1500];
    g1_affine base;
    struct diag diag = {0};
    random_g1(&base);
    static const size_t sizes[] = {1, 2, 50, 1024, 1500};
    for (size_t s = 0; s < 5; s++) {
        for (size_t i = 0; i < sizes[s]; i++)
            random_edge_fr(&k[i]);
        REQUIRE_OK(g1_mul_fixed_base(got, &base, k, sizes[s], NULL, &diag), &diag);
        for (size_t i = 0; i<sizes[s]; i += sizes[s]> 100 ? 37 : 1) {
            g1 expected, point;
            g1_mul(&expected, &base, &k[i]);
            g1_from_affine(&point, &got[i]);
            CHECK_MSG(g1_eq(&point, &expected), "%zu of %zu", i, sizes[s]);
        }
    }
}

/* ---- bytes ---------------------------------------------------------------------------------- */

TEST(g1_bytes_round_trip_and_refuse_what_is_no_point)
{
    uint8_t bytes[G1_BYTES], again[G1_BYTES];
    g1_affine p, q;
    for (int i = 0; i < 20; i++) {
        random_g1(&p);
        g1_affine_to_bytes(bytes, &p);
        CHECK(g1_affine_from_bytes(&q, bytes) && g1_affine_eq(&p, &q));
        /* One bit more or less is off the curve, or not canonical. */
        bytes[test_random_below(G1_BYTES)] ^= (uint8_t)(1u << test_random_below(8));
        CHECK(!g1_affine_from_bytes(&q, bytes) && g1_affine_is_infinity(&q));
    }
    g1_affine_set_infinity(&p);
    g1_affine_to_bytes(bytes, &p);
    memset(again, 0, sizeof again);
    CHECK_BYTES(bytes, again, sizeof bytes);
    CHECK(g1_affine_from_bytes(&q, bytes) && g1_affine_is_infinity(&q));
    /* x + p is the same point to a careless reader: it must be refused. */
    mpz_t x, modulus;
    mpz_inits(x, modulus, NULL);
    mpz_import(modulus, 4, -1, 8, 0, 0, fp_modulus);
    g1_affine_to_bytes(bytes, &g1_generator);
    mpz_import(x, 32, 1, 1, 0, 0, bytes);
    mpz_add(x, x, modulus);
    memset(bytes, 0, 32);
    mpz_export(bytes + 32 - (mpz_sizeinbase(x, 2) + 7) / 8, NULL, 1, 1, 0, 0, x);
    CHECK(!g1_affine_from_bytes(&q, bytes));
    mpz_clears(x, modulus, NULL);
}

TEST(g2_points_outside_the_group_are_refused)
{
    /* Points of the curve with small x.c1: almost none is in the group of order r. */
    int outside = 0;
    for (uint64_t i = 0; outside < 5 && i < 200; i++) {
        g2_affine p = {0};
        fp2 right, root;
        fp_from_u64(&p.x.c0, i);
        p.x.c1 = fp_one;
        fp2_sqr(&right, &p.x);
        fp2_mul(&right, &right, &p.x);
        fp2_add(&right, &right, &g2_curve_b);
        /* A root in fp2: c0 = sqrt((a + |right|) / 2), c1 = right.c1 / (2 c0). */
        fp norm, t;
        fp_sqr(&norm, &right.c0);
        fp_sqr(&t, &right.c1);
        fp_add(&norm, &norm, &t);
        if (!fp_sqrt(&norm, &norm))
            continue;
        fp_add(&t, &right.c0, &norm);
        fp_half(&t, &t);
        if (!fp_sqrt(&root.c0, &t)) {
            fp_sub(&t, &right.c0, &norm);
            fp_half(&t, &t);
            if (!fp_sqrt(&root.c0, &t))
                continue;
        }
        fp_double(&t, &root.c0);
        fp_inv(&t, &t);
        fp_mul(&root.c1, &right.c1, &t);
        p.y = root;
        REQUIRE(g2_affine_is_on_curve(&p));
        uint8_t bytes[G2_BYTES];
        g2_affine_to_bytes(bytes, &p);
        CHECK(!g2_affine_in_group(&p));
        CHECK(!g2_affine_from_bytes(&p, bytes));
        outside++;
    }
    CHECK_I64(outside, 5);
}

TEST(g2_bytes_round_trip)
{
    for (int i = 0; i < 5; i++) {
        fr k;
        g2 point;
        g2_affine p, q;
        uint8_t bytes[G2_BYTES];
        random_edge_fr(&k);
        g2_mul(&point, &g2_generator, &k);
        g2_to_affine(&p, &point);
        g2_affine_to_bytes(bytes, &p);
        CHECK(g2_affine_from_bytes(&q, bytes) && g2_affine_eq(&p, &q));
        bytes[test_random_below(G2_BYTES)] ^= 4;
        CHECK(!g2_affine_from_bytes(&q, bytes));
    }
}

/* ---- published values ----------------------------------------------------------------------- */

TEST(published_sums_agree)
{
    struct vector_file file;
    struct vector v;
    size_t seen = 0;
    for (vectors_open(&file, "add"); vectors_next(&file, &v); seen++) {
        g1_affine a, b, expected, got;
        g1 sum;
        REQUIRE(g1_affine_from_bytes(&a, v.field[0]) && g1_affine_from_bytes(&b, v.field[1]) &&
                g1_affine_from_bytes(&expected, v.field[2]));
        g1_from_affine(&sum, &a);
        g1_add_affine(&sum, &sum, &b);
        g1_to_affine(&got, &sum);
        CHECK_MSG(g1_affine_eq(&got, &expected), "vector %zu", seen);
    }
    vectors_close(&file);
    CHECK(seen >= 64);
}

TEST(published_products_agree)
{
    struct vector_file file;
    struct vector v;
    size_t seen = 0;
    for (vectors_open(&file, "mul"); vectors_next(&file, &v); seen++) {
        g1_affine a, expected, got;
        fr k;
        g1 product;
        REQUIRE(g1_affine_from_bytes(&a, v.field[0]) &&
                g1_affine_from_bytes(&expected, v.field[2]));
        fr_from_bytes_be_reduce(&k, v.field[1]);
        g1_mul(&product, &a, &k);
        g1_to_affine(&got, &product);
        CHECK_MSG(g1_affine_eq(&got, &expected), "vector %zu", seen);
    }
    vectors_close(&file);
    CHECK(seen >= 38);
}

TEST(published_g2_products_agree)
{
    struct vector_file file;
    struct vector v;
    size_t seen = 0;
    for (vectors_open(&file, "g2mul"); vectors_next(&file, &v); seen++) {
        g2_affine expected, got;
        fr k;
        g2 product;
        REQUIRE(g2_affine_from_bytes(&expected, v.field[1]));
        fr_from_bytes_be_reduce(&k, v.field[0]);
        g2_mul(&product, &g2_generator, &k);
        g2_to_affine(&got, &product);
        CHECK_MSG(g2_affine_eq(&got, &expected), "vector %zu", seen);
    }
    vectors_close(&file);
    CHECK(seen >= 19);
}

TEST(constants_are_what_the_script_makes)
{
    const char *script = test_source_path("backend/curve/make_constants.py");
    const char *argument[] = {"/usr/bin/env", "python3", script, NULL};
    struct test_output out = test_run(argument);
    if (out.exit_status == 127)
        test_skip("no python3 here");
    FILE *file = fopen(test_source_path("backend/curve/curve_constants.h"), "r");
    REQUIRE(file != NULL);
    char *text = calloc(1, 1 << 16);
    REQUIRE(text != NULL);
    size_t bytes = fread(text, 1, (1 << 16) - 1, file);
    fclose(file);
    CHECK(out.exit_status == 0 && bytes == out.text_bytes && strcmp(text, out.text) == 0);
    free(text);
}
