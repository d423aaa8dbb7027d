/*
 * GMP oracle for G1 and random inputs. See oracle.h.
 */
#include "tests/backend/curve/oracle.h"

#include <stdlib.h>

#include "backend/curve/affine_batch.h"
#include "tests/harness/harness.h"

static void modulus(mpz_t p)
{
    mpz_import(p, 4, -1, 8, 0, 0, fp_modulus);
}

void oracle_init(struct oracle_point *a)
{
    mpz_inits(a->x, a->y, NULL);
    a->is_infinity = true;
}

void oracle_clear(struct oracle_point *a)
{
    mpz_clears(a->x, a->y, NULL);
}

static void from_fp(mpz_t r, const fp *a)
{
    uint8_t bytes[FIELD_BYTES];
    fp_to_bytes_be(bytes, a);
    mpz_import(r, FIELD_BYTES, 1, 1, 0, 0, bytes);
}

static void to_fp(fp *r, const mpz_t a)
{
    uint64_t limb[4] = {0};
    mpz_export(limb, NULL, -1, 8, 0, 0, a);
    REQUIRE(fp_from_limbs(r, limb));
}

void oracle_from_g1(struct oracle_point *r, const g1_affine *a)
{
    r->is_infinity = g1_affine_is_infinity(a);
    from_fp(r->x, &a->x);
    from_fp(r->y, &a->y);
}

void oracle_to_g1(g1_affine *r, const struct oracle_point *a)
{
    g1_affine_set_infinity(r);
    if (a->is_infinity)
        return;
    to_fp(&r->x, a->x);
    to_fp(&r->y, a->y);
}

static void copy(struct oracle_point *r, const struct oracle_point *a)
{
    mpz_set(r->x, a->x);
    mpz_set(r->y, a->y);
    r->is_infinity = a->is_infinity;
}

/* r = the sum by a chord or tangent of slope numerator / denominator. */
static void chord(struct oracle_point *r, const struct oracle_point *a,
                  const struct oracle_point *b, mpz_t numerator, mpz_t denominator, const mpz_t p)
{
    mpz_t x;
    mpz_init(x);
    mpz_invert(denominator, denominator, p);
    mpz_mul(numerator, numerator, denominator);
    mpz_mul(x, numerator, numerator);
    mpz_sub(x, x, a->x);
    mpz_sub(x, x, b->x);
    mpz_mod(x, x, p);
    mpz_sub(denominator, a->x, x);
    mpz_mul(denominator, denominator, numerator);
    mpz_sub(denominator, denominator, a->y);
    mpz_mod(r->y, denominator, p);
    mpz_set(r->x, x);
    r->is_infinity = false;
    mpz_clear(x);
}

void oracle_add(struct oracle_point *r, const struct oracle_point *a, const struct oracle_point *b)
{
    if (a->is_infinity || b->is_infinity) {
        copy(r, a->is_infinity ? b : a);
        return;
    }
    mpz_t p, numerator, denominator;
    mpz_inits(p, numerator, denominator, NULL);
    modulus(p);
    if (mpz_cmp(a->x, b->x) != 0) {
        mpz_sub(numerator, b->y, a->y);
        mpz_sub(denominator, b->x, a->x);
        mpz_mod(denominator, denominator, p);
        chord(r, a, b, numerator, denominator, p);
    } else if (mpz_cmp(a->y, b->y) == 0) {
        mpz_mul(numerator, a->x, a->x);
        mpz_mul_ui(numerator, numerator, 3);
        mpz_mul_ui(denominator, a->y, 2);
        chord(r, a, b, numerator, denominator, p);
    } else {
        r->is_infinity = true;
    }
    mpz_clears(p, numerator, denominator, NULL);
}

void oracle_sum(g1_affine *r, const g1_affine *a, const g1_affine *b)
{
    struct oracle_point x, y, sum;
    oracle_init(&x);
    oracle_init(&y);
    oracle_init(&sum);
    oracle_from_g1(&x, a);
    oracle_from_g1(&y, b);
    oracle_add(&sum, &x, &y);
    oracle_to_g1(r, &sum);
    oracle_clear(&x);
    oracle_clear(&y);
    oracle_clear(&sum);
}

void oracle_mul(struct oracle_point *r, const struct oracle_point *a, const mpz_t k)
{
    struct oracle_point sum;
    oracle_init(&sum);
    for (size_t i = mpz_sizeinbase(k, 2); i-- > 0;) {
        oracle_add(&sum, &sum, &sum);
        if (mpz_tstbit(k, i))
            oracle_add(&sum, &sum, a);
    }
    copy(r, &sum);
    oracle_clear(&sum);
}

void oracle_scalar(mpz_t r, const fr *k)
{
    uint8_t bytes[FIELD_BYTES];
    fr_to_bytes_be(bytes, k);
    mpz_import(r, FIELD_BYTES, 1, 1, 0, 0, bytes);
}

void random_fr(fr *r)
{
    uint8_t bytes[64];
    test_random_bytes(bytes, sizeof bytes);
    fr_from_wide_bytes_be(r, bytes);
}

void random_edge_fr(fr *r)
{
    switch (test_random_below(4)) {
    case 0:
        random_fr(r);
        return;
    case 1:
        fr_from_u64(r, test_random_edge_u64());
        return;
    case 2:
        fr_from_u64(r, test_random_edge_u64());
        fr_neg(r, r);
        return;
    default: {
        fr two;
        fr_from_u64(&two, 2);
        fr_pow_u64(r, &two, test_random_below(254));
        if (test_random_below(2))
            fr_sub(r, r, &fr_one);
    }
    }
}

void random_g1(g1_affine *r)
{
    fr k;
    g1 p;
    random_fr(&k);
    g1_mul(&p, &g1_generator, &k);
    g1_to_affine(r, &p);
}

void random_g1_array(g1_affine *r, size_t n)
{
    size_t seeds = n < 16 ? n : 16;
    fp *scratch = malloc(AFFINE_SCRATCH(n) * sizeof *scratch);
    REQUIRE(scratch != NULL);
    for (size_t i = 0; i < seeds; i++)
        random_g1(&r[i]);
    /* Doubling the filled part: r[have + i] = 2 r[i] + r[(i + 1) mod have]. */
    for (size_t have = seeds; have < n;) {
        size_t more = n - have < have ? n - have : have;
        affine_add_arrays(r + have, r, r, more, scratch);
        affine_add_arrays(r + have, r + have, r + 1, more - 1, scratch);
        affine_add_arrays(r + have + more - 1, r + have + more - 1, r, 1, scratch);
        have += more;
    }
    free(scratch);
}
