#include "backend/curve/tower.h"

#include "tests/harness/harness.h"

static void random_fp2(fp2 *r)
{
    REQUIRE(fp_random(&r->c0) && fp_random(&r->c1));
}

static void random_fp12(fp12 *r)
{
    fp2 *part[6] = {&r->c0.c0, &r->c0.c1, &r->c0.c2, &r->c1.c0, &r->c1.c1, &r->c1.c2};
    for (int i = 0; i < 6; i++)
        random_fp2(part[i]);
}

/* The coefficient of w^i. */
static const fp2 *coefficient(const fp12 *a, int i)
{
    const fp2 *c[6] = {&a->c0.c0, &a->c1.c0, &a->c0.c1, &a->c1.c1, &a->c0.c2, &a->c1.c2};
    return c[i];
}

/* r = a b, the school way: coefficients of w^0 .. w^10, then w^6 = xi. */
static void school_product(fp12 *r, const fp12 *a, const fp12 *b)
{
    fp2 c[11] = {0}, t;
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) {
            /* (x0 + x1 u)(y0 + y1 u), four products. */
            const fp2 *x = coefficient(a, i), *y = coefficient(b, j);
            fp s0, s1;
            fp_mul(&s0, &x->c0, &y->c0);
            fp_mul(&s1, &x->c1, &y->c1);
            fp_sub(&t.c0, &s0, &s1);
            fp_mul(&s0, &x->c0, &y->c1);
            fp_mul(&s1, &x->c1, &y->c0);
            fp_add(&t.c1, &s0, &s1);
            fp2_add(&c[i + j], &c[i + j], &t);
        }
    for (int i = 6; i < 11; i++) {
        fp nine, s;
        fp_from_u64(&nine, 9);
        fp_mul(&t.c0, &nine, &c[i].c0);
        fp_sub(&t.c0, &t.c0, &c[i].c1);
        fp_mul(&s, &nine, &c[i].c1);
        fp_add(&t.c1, &s, &c[i].c0);
        fp2_add(&c[i - 6], &c[i - 6], &t);
    }
    for (int i = 0; i < 6; i++)
        *(fp2 *)coefficient(r, i) = c[i];
}

TEST(products_agree_with_the_school_way)
{
    for (int round = 0; round < 50; round++) {
        fp12 a, b, expected, got;
        random_fp12(&a);
        random_fp12(&b);
        school_product(&expected, &a, &b);
        fp12_mul(&got, &a, &b);
        CHECK(fp12_eq(&got, &expected));
        got = a;
        fp12_mul(&got, &got, &b);
        CHECK(fp12_eq(&got, &expected));
        school_product(&expected, &a, &a);
        fp12_sqr(&got, &a);
        CHECK(fp12_eq(&got, &expected));
        fp12_mul(&got, &a, &a);
        CHECK(fp12_eq(&got, &expected));
    }
}

TEST(inverses_multiply_to_one)
{
    for (int round = 0; round < 20; round++) {
        fp12 a, b;
        random_fp12(&a);
        fp12_inv(&b, &a);
        fp12_mul(&b, &b, &a);
        CHECK(fp12_is_one(&b));
        fp2 c, d;
        random_fp2(&c);
        fp2_inv(&d, &c);
        fp2_mul(&d, &d, &c);
        CHECK(fp_is_one(&d.c0) && fp_is_zero(&d.c1));
        fp2_sqr(&d, &c);
        fp2_mul(&c, &c, &c);
        CHECK(fp2_eq(&c, &d));
    }
}

TEST(line_product_is_the_product_by_a_sparse_element)
{
    for (int round = 0; round < 20; round++) {
        fp12 a, line, expected, got;
        random_fp12(&a);
        fp12_set_one(&line);
        random_fp2(&line.c1.c0);
        random_fp2(&line.c1.c1);
        school_product(&expected, &a, &line);
        fp12_mul_line(&got, &a, &line.c1.c0, &line.c1.c1);
        CHECK(fp12_eq(&got, &expected));
    }
}

/* r = a^p by squaring and multiplying. */
static void power_p(fp12 *r, const fp12 *a)
{
    fp12 result;
    fp12_set_one(&result);
    for (int i = 253; i >= 0; i--) {
        fp12_sqr(&result, &result);
        if (fp_modulus[i / 64] >> (i % 64) & 1)
            fp12_mul(&result, &result, a);
    }
    *r = result;
}

TEST(frobenius_is_the_power_p)
{
    fp12 a, power, got;
    random_fp12(&a);
    power = a;
    for (unsigned k = 1; k <= 3; k++) {
        power_p(&power, &power);
        fp12_frobenius(&got, &a, k);
        CHECK_MSG(fp12_eq(&got, &power), "k = %u", k);
    }
    got = a;
    for (int k = 0; k < 6; k++)
        fp12_frobenius(&got, &got, 1);
    fp12_conj(&power, &a);
    CHECK(fp12_eq(&got, &power));
}

TEST(cyclotomic_square_is_the_square_in_the_subgroup)
{
    for (int round = 0; round < 10; round++) {
        fp12 a, t, expected, got;
        random_fp12(&a);
        /* a^((p^6 - 1)(p^2 + 1)) */
        fp12_inv(&t, &a);
        fp12_conj(&a, &a);
        fp12_mul(&a, &a, &t);
        fp12_frobenius(&t, &a, 2);
        fp12_mul(&a, &a, &t);
        fp12_sqr(&expected, &a);
        fp12_cyclotomic_sqr(&got, &a);
        CHECK(fp12_eq(&got, &expected));
        fp12_cyclotomic_sqr(&a, &a);
        CHECK(fp12_eq(&a, &expected));
    }
}
