#include "backend/curve/pairing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/backend/curve/oracle.h"
#include "tests/backend/curve/vectors.h"
#include "tests/harness/harness.h"

#define MOST_PAIRS 16

TEST(published_checks_have_their_answer)
{
    struct vector_file file;
    struct vector v;
    size_t seen = 0;
    for (vectors_open(&file, "check"); vectors_next(&file, &v); seen++) {
        g1_affine p[MOST_PAIRS];
        g2_affine q[MOST_PAIRS];
        size_t n = v.bytes[0] / (G1_BYTES + G2_BYTES);
        REQUIRE(n <= MOST_PAIRS && v.fields == 2);
        for (size_t i = 0; i < n; i++) {
            const uint8_t *pair = v.field[0] + i * (G1_BYTES + G2_BYTES);
            REQUIRE(g1_affine_from_bytes(&p[i], pair));
            REQUIRE(g2_affine_from_bytes(&q[i], pair + G1_BYTES));
        }
        CHECK_MSG(pairing_check(p, q, n) == (v.field[1][0] == 1), "vector %zu", seen);
        struct g2_prepared *prepared = calloc(n + 1, sizeof *prepared);
        const struct g2_prepared *list[MOST_PAIRS];
        REQUIRE(prepared != NULL);
        for (size_t i = 0; i < n; i++) {
            g2_prepare(&prepared[i], &q[i]);
            list[i] = &prepared[i];
        }
        CHECK_MSG(pairing_check_prepared(p, list, n) == (v.field[1][0] == 1), "vector %zu", seen);
        free(prepared);
    }
    vectors_close(&file);
    CHECK(seen >= 12);
}

/* Parses the twelve coefficients in the order of make_vectors.py. */
static void read_fp12(fp12 *r, const uint8_t *bytes)
{
    fp *coefficient[12] = {&r->c0.c0.c0, &r->c0.c0.c1, &r->c0.c1.c0, &r->c0.c1.c1,
                           &r->c0.c2.c0, &r->c0.c2.c1, &r->c1.c0.c0, &r->c1.c0.c1,
                           &r->c1.c1.c0, &r->c1.c1.c1, &r->c1.c2.c0, &r->c1.c2.c1};
    for (int i = 0; i < 12; i++)
        REQUIRE(fp_from_bytes_be(coefficient[i], bytes + i * FIELD_BYTES));
}

TEST(published_pairing_values_are_met_exactly)
{
    struct vector_file file;
    struct vector v;
    size_t seen = 0;
    for (vectors_open(&file, "gt"); vectors_next(&file, &v); seen++) {
        g1_affine p;
        g2_affine q;
        fp12 expected, got;
        REQUIRE(g1_affine_from_bytes(&p, v.field[0]) && g2_affine_from_bytes(&q, v.field[1]));
        read_fp12(&expected, v.field[2]);
        pairing(&got, &p, &q);
        CHECK_MSG(fp12_eq(&got, &expected), "vector %zu", seen);
    }
    vectors_close(&file);
    CHECK(seen >= 3);
}

TEST(pairing_is_bilinear)
{
    for (int round = 0; round < 5; round++) {
        fr a, b, ab;
        g1 p;
        g2 q;
        g1_affine pa, pab;
        g2_affine qb;
        fp12 left, right;
        random_edge_fr(&a);
        random_fr(&b);
        fr_mul(&ab, &a, &b);
        g1_mul(&p, &g1_generator, &a);
        g1_to_affine(&pa, &p);
        g1_mul(&p, &g1_generator, &ab);
        g1_to_affine(&pab, &p);
        g2_mul(&q, &g2_generator, &b);
        g2_to_affine(&qb, &q);
        pairing(&left, &pa, &qb);
        pairing(&right, &pab, &g2_generator);
        CHECK(fp12_eq(&left, &right));
        CHECK(!fp12_is_one(&left) || fr_is_zero(&ab));
    }
}

TEST(pairing_value_has_order_r)
{
    fp12 e, power;
    pairing(&e, &g1_generator, &g2_generator);
    fp12_set_one(&power);
    for (int i = 253; i >= 0; i--) {
        fp12_sqr(&power, &power);
        if (fr_modulus[i / 64] >> (i % 64) & 1)
            fp12_mul(&power, &power, &e);
    }
    CHECK(!fp12_is_one(&e));
    CHECK(fp12_is_one(&power));
}

TEST(one_wrong_factor_fails_the_check)
{
    g1_affine p[2] = {g1_generator, g1_generator};
    g2_affine q[2] = {g2_generator, g2_generator};
    CHECK(!pairing_check(p, q, 2));
    g1_affine_neg(&p[1], &p[1]);
    CHECK(pairing_check(p, q, 2));
    g2_affine_neg(&q[1], &q[1]);
    CHECK(!pairing_check(p, q, 2));
}
