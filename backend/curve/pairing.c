/*
 * Miller loop with precomputed lines, final exponentiation. See pairing.h.
 *
 * The twist takes (x, y) of G2 to (x w^2, y w^3). The line of slope s w through the image of T, at
 * a point P of G1, is  y_P - s x_P w + (s x_T - y_T) w^3;  divided by y_P, which no final
 * exponentiation sees, it is 1 + b1 w + b3 w^3. Vertical lines lie in fp6 and are left out for the
 * same reason.
 */
#include "backend/curve/pairing.h"

#include "backend/curve/curve_constants.h"
#include "ir/support/status.h"

_Static_assert(PAIRING_LINES == ATE_LOOP_DIGITS - 1 + ATE_LOOP_ADDITIONS + 2,
               "one line for each step of the loop");

/* ---- lines ---------------------------------------------------------------------------------- */

/* Completes a step: the line of this slope through t, and t = t + other, x_other given. */
static void line_and_sum(struct pairing_line *line, g2_affine *t, const fp2 *slope,
                         const fp2 *x_other)
{
    fp2 x, y;
    fp2_neg(&line->minus_slope, slope);
    fp2_mul(&line->offset, slope, &t->x);
    fp2_sub(&line->offset, &line->offset, &t->y);
    fp2_sqr(&x, slope);
    fp2_sub(&x, &x, &t->x);
    fp2_sub(&x, &x, x_other);
    /* y = s (x_t - x) - y_t = offset - s x */
    fp2_mul(&y, slope, &x);
    fp2_sub(&t->y, &line->offset, &y);
    t->x = x;
}

static void double_step(struct pairing_line *line, g2_affine *t)
{
    fp2 slope, denominator, x = t->x;
    fp2_sqr(&slope, &t->x);
    fp2_double(&denominator, &slope);
    fp2_add(&slope, &slope, &denominator);
    fp2_double(&denominator, &t->y);
    fp2_inv(&denominator, &denominator);
    fp2_mul(&slope, &slope, &denominator);
    line_and_sum(line, t, &slope, &x);
}

static void add_step(struct pairing_line *line, g2_affine *t, const g2_affine *q)
{
    fp2 slope, denominator;
    fp2_sub(&slope, &q->y, &t->y);
    fp2_sub(&denominator, &q->x, &t->x);
    fp2_inv(&denominator, &denominator);
    fp2_mul(&slope, &slope, &denominator);
    line_and_sum(line, t, &slope, &q->x);
}

void g2_prepare(struct g2_prepared *out, const g2_affine *q)
{
    out->is_infinity = g2_affine_is_infinity(q);
    if (out->is_infinity)
        return;
    g2_affine t = *q, minus_q, image;
    g2_affine_neg(&minus_q, q);
    struct pairing_line *line = out->line;
    for (int i = ATE_LOOP_DIGITS - 2; i >= 0; i--) {
        double_step(line++, &t);
        if (ate_loop_digit[i] != 0)
            add_step(line++, &t, ate_loop_digit[i] > 0 ? q : &minus_q);
    }
    g2_affine_psi(&image, q);
    add_step(line++, &t, &image);
    g2_affine_psi(&image, &image);
    g2_affine_neg(&image, &image);
    add_step(line, &t, &image);
}

/* ---- Miller loop ---------------------------------------------------------------------------- */

/* Pairs that share one row of squarings. */
#define BLOCK 4

struct miller_pair {
    fp x_over_y, one_over_y;
    const struct pairing_line *line; /* the next one to use */
};

static void mul_by_lines(fp12 *f, struct miller_pair *pair, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fp2 b1, b3;
        fp2_mul_fp(&b1, &pair[i].line->minus_slope, &pair[i].x_over_y);
        fp2_mul_fp(&b3, &pair[i].line->offset, &pair[i].one_over_y);
        fp12_mul_line(f, f, &b1, &b3);
        pair[i].line++;
    }
}

/* f = the product of the Miller functions of n <= BLOCK pairs. */
static void miller_block(fp12 *f, const g1_affine *p, const struct g2_prepared *const *q, size_t n)
{
    struct miller_pair pair[BLOCK];
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (g1_affine_is_infinity(&p[i]) || q[i]->is_infinity)
            continue;
        fp_inv(&pair[count].one_over_y, &p[i].y);
        fp_mul(&pair[count].x_over_y, &p[i].x, &pair[count].one_over_y);
        pair[count++].line = q[i]->line;
    }
    fp12_set_one(f);
    if (count == 0)
        return;
    for (int i = ATE_LOOP_DIGITS - 2; i >= 0; i--) {
        fp12_sqr(f, f);
        mul_by_lines(f, pair, count);
        if (ate_loop_digit[i] != 0)
            mul_by_lines(f, pair, count);
    }
    mul_by_lines(f, pair, count);
    mul_by_lines(f, pair, count);
}

/* ---- final exponentiation ------------------------------------------------------------------- */

/* r = a^x for the BN parameter x, a in the cyclotomic subgroup. */
static void power_x(fp12 *r, const fp12 *a)
{
    fp12 result = *a;
    int top = 63 - __builtin_clzll(BN_X);
    for (int i = top - 1; i >= 0; i--) {
        fp12_cyclotomic_sqr(&result, &result);
        if (BN_X >> i & 1)
            fp12_mul(&result, &result, a);
    }
    *r = result;
}

/* f = f^((p^6 - 1)(p^2 + 1)): into the cyclotomic subgroup. Requires: f is not zero. */
static void easy_part(fp12 *f)
{
    fp12 t;
    fp12_inv(&t, f);
    fp12_conj(f, f);
    fp12_mul(f, f, &t);
    fp12_frobenius(&t, f, 2);
    fp12_mul(f, f, &t);
}

/* f = f^((p^4 - p^2 + 1) / r), by the vectorial addition chain of Scott et al., names as there. */
static void hard_part(fp12 *f)
{
    fp12 fx, fx2, fx3, y0, y1, y2, y3, y4, y5, y6, t0, t1;
    power_x(&fx, f);
    power_x(&fx2, &fx);
    power_x(&fx3, &fx2);
    fp12_frobenius(&y0, f, 1);
    fp12_frobenius(&t0, f, 2);
    fp12_mul(&y0, &y0, &t0);
    fp12_frobenius(&t0, f, 3);
    fp12_mul(&y0, &y0, &t0);
    fp12_conj(&y1, f);
    fp12_frobenius(&y2, &fx2, 2);
    fp12_frobenius(&y3, &fx, 1);
    fp12_conj(&y3, &y3);
    fp12_frobenius(&y4, &fx2, 1);
    fp12_mul(&y4, &y4, &fx);
    fp12_conj(&y4, &y4);
    fp12_conj(&y5, &fx2);
    fp12_frobenius(&y6, &fx3, 1);
    fp12_mul(&y6, &y6, &fx3);
    fp12_conj(&y6, &y6);
    /* y0 y1^2 y2^6 y3^12 y4^18 y5^30 y6^36 */
    fp12_cyclotomic_sqr(&t0, &y6);
    fp12_mul(&t0, &t0, &y4);
    fp12_mul(&t0, &t0, &y5);
    fp12_mul(&t1, &y3, &y5);
    fp12_mul(&t1, &t1, &t0);
    fp12_mul(&t0, &t0, &y2);
    fp12_cyclotomic_sqr(&t1, &t1);
    fp12_mul(&t1, &t1, &t0);
    fp12_cyclotomic_sqr(&t1, &t1);
    fp12_mul(&t0, &t1, &y1);
    fp12_mul(&t1, &t1, &y0);
    fp12_cyclotomic_sqr(&t0, &t0);
    fp12_mul(f, &t0, &t1);
}

static void final_exponentiation(fp12 *f)
{
    easy_part(f);
    hard_part(f);
}

/* ---- pairings ------------------------------------------------------------------------------- */

void pairing(fp12 *out, const g1_affine *p, const g2_affine *q)
{
    struct g2_prepared prepared;
    const struct g2_prepared *list = &prepared;
    g2_prepare(&prepared, q);
    miller_block(out, p, &list, 1);
    final_exponentiation(out);
}

bool pairing_check_prepared(const g1_affine *p, const struct g2_prepared *const *q, size_t n)
{
    fp12 product, block;
    fp12_set_one(&product);
    for (size_t first = 0; first < n; first += BLOCK) {
        miller_block(&block, p + first, q + first, n - first < BLOCK ? n - first : BLOCK);
        fp12_mul(&product, &product, &block);
    }
    final_exponentiation(&product);
    return fp12_is_one(&product);
}

bool pairing_check(const g1_affine *p, const g2_affine *q, size_t n)
{
    struct g2_prepared prepared[BLOCK];
    const struct g2_prepared *list[BLOCK];
    fp12 product, block;
    fp12_set_one(&product);
    for (size_t first = 0; first < n; first += BLOCK) {
        size_t count = n - first < BLOCK ? n - first : BLOCK;
        for (size_t i = 0; i < count; i++) {
            g2_prepare(&prepared[i], &q[first + i]);
            list[i] = &prepared[i];
        }
        miller_block(&block, p + first, list, count);
        fp12_mul(&product, &product, &block);
    }
    final_exponentiation(&product);
    return fp12_is_one(&product);
}
