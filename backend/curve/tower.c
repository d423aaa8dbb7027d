/*
 * The tower fp2, fp6, fp12. See tower.h for the shape and the sources.
 */
#include "backend/curve/tower.h"

#include "backend/curve/curve_constants.h"
#include "ir/support/status.h"

/* ---- fp2 ------------------------------------------------------------------------------------ */

void fp2_set_zero(fp2 *r)
{
    r->c0 = fp_zero;
    r->c1 = fp_zero;
}

void fp2_set_one(fp2 *r)
{
    r->c0 = fp_one;
    r->c1 = fp_zero;
}

bool fp2_is_zero(const fp2 *a)
{
    return fp_is_zero(&a->c0) && fp_is_zero(&a->c1);
}

bool fp2_eq(const fp2 *a, const fp2 *b)
{
    return fp_eq(&a->c0, &b->c0) && fp_eq(&a->c1, &b->c1);
}

void fp2_add(fp2 *r, const fp2 *a, const fp2 *b)
{
    fp_add(&r->c0, &a->c0, &b->c0);
    fp_add(&r->c1, &a->c1, &b->c1);
}

void fp2_sub(fp2 *r, const fp2 *a, const fp2 *b)
{
    fp_sub(&r->c0, &a->c0, &b->c0);
    fp_sub(&r->c1, &a->c1, &b->c1);
}

void fp2_neg(fp2 *r, const fp2 *a)
{
    fp_neg(&r->c0, &a->c0);
    fp_neg(&r->c1, &a->c1);
}

void fp2_double(fp2 *r, const fp2 *a)
{
    fp_double(&r->c0, &a->c0);
    fp_double(&r->c1, &a->c1);
}

void fp2_conj(fp2 *r, const fp2 *a)
{
    r->c0 = a->c0;
    fp_neg(&r->c1, &a->c1);
}

void fp2_mul(fp2 *r, const fp2 *a, const fp2 *b)
{
    fp m0, m1, sa, sb;
    fp_add(&sa, &a->c0, &a->c1);
    fp_add(&sb, &b->c0, &b->c1);
    fp_mul(&m0, &a->c0, &b->c0);
    fp_mul(&m1, &a->c1, &b->c1);
    fp_mul(&sa, &sa, &sb);
    fp_sub(&r->c0, &m0, &m1);
    fp_sub(&sa, &sa, &m0);
    fp_sub(&r->c1, &sa, &m1);
}

void fp2_sqr(fp2 *r, const fp2 *a)
{
    fp sum, difference, product;
    fp_add(&sum, &a->c0, &a->c1);
    fp_sub(&difference, &a->c0, &a->c1);
    fp_mul(&product, &a->c0, &a->c1);
    fp_mul(&r->c0, &sum, &difference);
    fp_double(&r->c1, &product);
}

void fp2_inv(fp2 *r, const fp2 *a)
{
    fp norm, t;
    fp_sqr(&norm, &a->c0);
    fp_sqr(&t, &a->c1);
    fp_add(&norm, &norm, &t);
    fp_inv(&norm, &norm);
    fp_mul(&r->c0, &a->c0, &norm);
    fp_neg(&norm, &norm);
    fp_mul(&r->c1, &a->c1, &norm);
}

/* The complex method: with s^2 = norm(a), (c0 + c1 u)^2 = a for c0^2 = (a0 +- s) / 2, one of which
 * is a square in fp, and c1 = a1 / (2 c0). */
bool fp2_sqrt(fp2 *r, const fp2 *a)
{
    fp norm, t, c0;
    fp2 in = *a;
    fp2_set_zero(r);
    if (fp_is_zero(&in.c1)) {
        if (fp_sqrt(&r->c0, &in.c0))
            return true;
        fp_neg(&t, &in.c0); /* -1 is no square, so -a0 is one */
        return fp_sqrt(&r->c1, &t);
    }
    fp_sqr(&norm, &in.c0);
    fp_sqr(&t, &in.c1);
    fp_add(&norm, &norm, &t);
    if (!fp_sqrt(&norm, &norm))
        return false;
    fp_add(&t, &in.c0, &norm);
    fp_half(&t, &t);
    if (!fp_sqrt(&c0, &t)) {
        fp_sub(&t, &in.c0, &norm);
        fp_half(&t, &t);
        if (!fp_sqrt(&c0, &t))
            return false;
    }
    r->c0 = c0;
    fp_double(&t, &c0);
    fp_inv(&t, &t);
    fp_mul(&r->c1, &in.c1, &t);
    return true;
}

void fp2_mul_fp(fp2 *r, const fp2 *a, const fp *s)
{
    fp_mul(&r->c0, &a->c0, s);
    fp_mul(&r->c1, &a->c1, s);
}

void fp2_mul_xi(fp2 *r, const fp2 *a)
{
    /* (c0 + c1 u)(9 + u) = (9 c0 - c1) + (9 c1 + c0) u */
    fp2 t;
    fp2_double(&t, a);
    fp2_double(&t, &t);
    fp2_double(&t, &t);
    fp2_add(&t, &t, a);
    fp c0 = a->c0;
    fp_sub(&r->c0, &t.c0, &a->c1);
    fp_add(&r->c1, &t.c1, &c0);
}

/* ---- fp6 ------------------------------------------------------------------------------------ */

void fp6_add(fp6 *r, const fp6 *a, const fp6 *b)
{
    fp2_add(&r->c0, &a->c0, &b->c0);
    fp2_add(&r->c1, &a->c1, &b->c1);
    fp2_add(&r->c2, &a->c2, &b->c2);
}

void fp6_sub(fp6 *r, const fp6 *a, const fp6 *b)
{
    fp2_sub(&r->c0, &a->c0, &b->c0);
    fp2_sub(&r->c1, &a->c1, &b->c1);
    fp2_sub(&r->c2, &a->c2, &b->c2);
}

void fp6_neg(fp6 *r, const fp6 *a)
{
    fp2_neg(&r->c0, &a->c0);
    fp2_neg(&r->c1, &a->c1);
    fp2_neg(&r->c2, &a->c2);
}

/* r = (a0 + a1)(b0 + b1) - m0 - m1, the cross term of a Karatsuba product. */
static void cross_term(fp2 *r, const fp2 *a0, const fp2 *a1, const fp2 *b0, const fp2 *b1,
                       const fp2 *m0, const fp2 *m1)
{
    fp2 sa, sb;
    fp2_add(&sa, a0, a1);
    fp2_add(&sb, b0, b1);
    fp2_mul(&sa, &sa, &sb);
    fp2_sub(&sa, &sa, m0);
    fp2_sub(r, &sa, m1);
}

void fp6_mul(fp6 *r, const fp6 *a, const fp6 *b)
{
    fp2 m0, m1, m2, t01, t02, t12;
    fp2_mul(&m0, &a->c0, &b->c0);
    fp2_mul(&m1, &a->c1, &b->c1);
    fp2_mul(&m2, &a->c2, &b->c2);
    cross_term(&t01, &a->c0, &a->c1, &b->c0, &b->c1, &m0, &m1);
    cross_term(&t02, &a->c0, &a->c2, &b->c0, &b->c2, &m0, &m2);
    cross_term(&t12, &a->c1, &a->c2, &b->c1, &b->c2, &m1, &m2);
    fp2_mul_xi(&t12, &t12);
    fp2_add(&r->c0, &m0, &t12);
    fp2_mul_xi(&m2, &m2);
    fp2_add(&r->c1, &t01, &m2);
    fp2_add(&r->c2, &t02, &m1);
}

void fp6_mul_01(fp6 *r, const fp6 *a, const fp2 *b0, const fp2 *b1)
{
    fp2 m0, m1, t01, t02, t12;
    fp2_mul(&m0, &a->c0, b0);
    fp2_mul(&m1, &a->c1, b1);
    cross_term(&t01, &a->c0, &a->c1, b0, b1, &m0, &m1);
    fp2_mul(&t02, &a->c2, b0);
    fp2_mul(&t12, &a->c2, b1);
    fp2_mul_xi(&t12, &t12);
    fp2_add(&r->c0, &m0, &t12);
    r->c1 = t01;
    fp2_add(&r->c2, &t02, &m1);
}

void fp6_mul_v(fp6 *r, const fp6 *a)
{
    fp2 top;
    fp2_mul_xi(&top, &a->c2);
    r->c2 = a->c1;
    r->c1 = a->c0;
    r->c0 = top;
}

void fp6_inv(fp6 *r, const fp6 *a)
{
    fp2 t0, t1, t2, norm, s;
    /* The adjugate: t0 = a0^2 - xi a1 a2, t1 = xi a2^2 - a0 a1, t2 = a1^2 - a0 a2. */
    fp2_mul(&s, &a->c1, &a->c2);
    fp2_mul_xi(&s, &s);
    fp2_sqr(&t0, &a->c0);
    fp2_sub(&t0, &t0, &s);
    fp2_sqr(&t1, &a->c2);
    fp2_mul_xi(&t1, &t1);
    fp2_mul(&s, &a->c0, &a->c1);
    fp2_sub(&t1, &t1, &s);
    fp2_sqr(&t2, &a->c1);
    fp2_mul(&s, &a->c0, &a->c2);
    fp2_sub(&t2, &t2, &s);
    /* norm = a0 t0 + xi (a2 t1 + a1 t2) */
    fp2_mul(&norm, &a->c2, &t1);
    fp2_mul(&s, &a->c1, &t2);
    fp2_add(&norm, &norm, &s);
    fp2_mul_xi(&norm, &norm);
    fp2_mul(&s, &a->c0, &t0);
    fp2_add(&norm, &norm, &s);
    fp2_inv(&norm, &norm);
    fp2_mul(&r->c0, &t0, &norm);
    fp2_mul(&r->c1, &t1, &norm);
    fp2_mul(&r->c2, &t2, &norm);
}

/* ---- fp12 ----------------------------------------------------------------------------------- */

void fp12_set_one(fp12 *r)
{
    *r = (fp12){0};
    fp2_set_one(&r->c0.c0);
}

bool fp12_eq(const fp12 *a, const fp12 *b)
{
    return fp2_eq(&a->c0.c0, &b->c0.c0) && fp2_eq(&a->c0.c1, &b->c0.c1) &&
           fp2_eq(&a->c0.c2, &b->c0.c2) && fp2_eq(&a->c1.c0, &b->c1.c0) &&
           fp2_eq(&a->c1.c1, &b->c1.c1) && fp2_eq(&a->c1.c2, &b->c1.c2);
}

bool fp12_is_one(const fp12 *a)
{
    fp12 one;
    fp12_set_one(&one);
    return fp12_eq(a, &one);
}

void fp12_conj(fp12 *r, const fp12 *a)
{
    r->c0 = a->c0;
    fp6_neg(&r->c1, &a->c1);
}

void fp12_mul(fp12 *r, const fp12 *a, const fp12 *b)
{
    fp6 m0, m1, sa, sb;
    fp6_add(&sa, &a->c0, &a->c1);
    fp6_add(&sb, &b->c0, &b->c1);
    fp6_mul(&m0, &a->c0, &b->c0);
    fp6_mul(&m1, &a->c1, &b->c1);
    fp6_mul(&sa, &sa, &sb);
    fp6_sub(&sa, &sa, &m0);
    fp6_sub(&r->c1, &sa, &m1);
    fp6_mul_v(&m1, &m1);
    fp6_add(&r->c0, &m0, &m1);
}

void fp12_sqr(fp12 *r, const fp12 *a)
{
    /* c0 = (a0 + a1)(a0 + v a1) - m - v m, c1 = 2 m, m = a0 a1 */
    fp6 sum, mixed, m, vm;
    fp6_add(&sum, &a->c0, &a->c1);
    fp6_mul_v(&mixed, &a->c1);
    fp6_add(&mixed, &mixed, &a->c0);
    fp6_mul(&m, &a->c0, &a->c1);
    fp6_mul(&sum, &sum, &mixed);
    fp6_mul_v(&vm, &m);
    fp6_sub(&sum, &sum, &m);
    fp6_sub(&r->c0, &sum, &vm);
    fp6_add(&r->c1, &m, &m);
}

void fp12_inv(fp12 *r, const fp12 *a)
{
    fp6 norm, t;
    fp6_mul(&norm, &a->c0, &a->c0);
    fp6_mul(&t, &a->c1, &a->c1);
    fp6_mul_v(&t, &t);
    fp6_sub(&norm, &norm, &t);
    fp6_inv(&norm, &norm);
    fp6_mul(&r->c0, &a->c0, &norm);
    fp6_neg(&norm, &norm);
    fp6_mul(&r->c1, &a->c1, &norm);
}

void fp12_mul_line(fp12 *r, const fp12 *a, const fp2 *b1, const fp2 *b3)
{
    /* w^3 = v w, so the line is 1 + (b1 + b3 v) w. */
    fp6 m1, t;
    fp6_mul_01(&m1, &a->c1, b1, b3);
    fp6_mul_01(&t, &a->c0, b1, b3);
    fp6_add(&r->c1, &a->c1, &t);
    fp6_mul_v(&m1, &m1);
    fp6_add(&r->c0, &a->c0, &m1);
}

/* ---- Frobenius ------------------------------------------------------------------------------ */

/* r = a^(p) for the powers w^i of the basis: w^p = xi^((p - 1) / 6) w. */
static void frobenius_once(fp12 *r, const fp12 *a)
{
    fp2 t;
    fp2_conj(&r->c0.c0, &a->c0.c0);
    fp2_conj(&t, &a->c1.c0);
    fp2_mul(&r->c1.c0, &t, &frobenius_coefficient[0]);
    fp2_conj(&t, &a->c0.c1);
    fp2_mul(&r->c0.c1, &t, &frobenius_coefficient[1]);
    fp2_conj(&t, &a->c1.c1);
    fp2_mul(&r->c1.c1, &t, &frobenius_coefficient[2]);
    fp2_conj(&t, &a->c0.c2);
    fp2_mul(&r->c0.c2, &t, &frobenius_coefficient[3]);
    fp2_conj(&t, &a->c1.c2);
    fp2_mul(&r->c1.c2, &t, &frobenius_coefficient[4]);
}

/* r = a^(p^2): components stay, the powers of w pick up factors of fp. */
static void frobenius_twice(fp12 *r, const fp12 *a)
{
    r->c0.c0 = a->c0.c0;
    fp2_mul_fp(&r->c1.c0, &a->c1.c0, &frobenius_squared_coefficient[0]);
    fp2_mul_fp(&r->c0.c1, &a->c0.c1, &frobenius_squared_coefficient[1]);
    fp2_mul_fp(&r->c1.c1, &a->c1.c1, &frobenius_squared_coefficient[2]);
    fp2_mul_fp(&r->c0.c2, &a->c0.c2, &frobenius_squared_coefficient[3]);
    fp2_mul_fp(&r->c1.c2, &a->c1.c2, &frobenius_squared_coefficient[4]);
}

void fp12_frobenius(fp12 *r, const fp12 *a, unsigned power)
{
    ASSERT(power >= 1 && power <= 3);
    if (power == 1) {
        frobenius_once(r, a);
        return;
    }
    frobenius_twice(r, a);
    if (power == 3)
        frobenius_once(r, r);
}

/* ---- the cyclotomic subgroup ---------------------------------------------------------------- */

/* (r0, r1) = (a0 + a1 s)^2 in fp4 = fp2[s] / (s^2 - xi). */
static void fp4_sqr(fp2 *r0, fp2 *r1, const fp2 *a0, const fp2 *a1)
{
    fp2 s0, s1, t;
    fp2_sqr(&s0, a0);
    fp2_sqr(&s1, a1);
    fp2_add(&t, a0, a1);
    fp2_sqr(&t, &t);
    fp2_sub(&t, &t, &s0);
    fp2_sub(r1, &t, &s1);
    fp2_mul_xi(&s1, &s1);
    fp2_add(r0, &s0, &s1);
}

/* r = 3 t + sign 2 a. */
static void three_t_two_a(fp2 *r, const fp2 *t, const fp2 *a, bool minus)
{
    fp2 s;
    if (minus)
        fp2_sub(&s, t, a);
    else
        fp2_add(&s, t, a);
    fp2_double(&s, &s);
    fp2_add(r, &s, t);
}

void fp12_cyclotomic_sqr(fp12 *r, const fp12 *a)
{
    /* Granger and Scott: fp12 as fp4[w] with s = w^3, a = g0 + g1 w + g2 w^2, g_i in fp4:
     * g0 = (c0.c0, c1.c1), g1 = (c1.c0, c0.c2), g2 = (c0.c1, c1.c2). On the subgroup
     * a^2 = 3 g0^2 - 2 conj(g0) + (3 s g2^2 + 2 conj(g1)) w + (3 g1^2 - 2 conj(g2)) w^2. */
    fp2 t0, t1;
    fp12 q;
    fp4_sqr(&t0, &t1, &a->c0.c0, &a->c1.c1);
    three_t_two_a(&q.c0.c0, &t0, &a->c0.c0, true);
    three_t_two_a(&q.c1.c1, &t1, &a->c1.c1, false);
    fp4_sqr(&t0, &t1, &a->c1.c0, &a->c0.c2);
    three_t_two_a(&q.c0.c1, &t0, &a->c0.c1, true);
    three_t_two_a(&q.c1.c2, &t1, &a->c1.c2, false);
    fp4_sqr(&t0, &t1, &a->c0.c1, &a->c1.c2);
    fp2_mul_xi(&t1, &t1);
    three_t_two_a(&q.c1.c0, &t1, &a->c1.c0, false);
    three_t_two_a(&q.c0.c2, &t0, &a->c0.c2, true);
    *r = q;
}
