/*
 * Modular inversion by division steps, 62 of them at a time on single words.
 *
 * A pair (f, g), f odd, starts as (m, a). One step, with a counter delta that starts as 1:
 *   delta > 0 and g odd:  (delta, f, g) -> (1 - delta, g, (g - f) / 2)
 *   otherwise:            (delta, f, g) -> (1 + delta, f, (g + (g mod 2) f) / 2)
 * ends with g = 0 and f = gcd = 1 or -1. 62 steps depend on the low 62 bits of f and g alone and
 * amount to a matrix over 2^62, which is then applied to f and g, and modulo m to the pair (d, e)
 * that keeps f = d a and g = e a mod m.
 *
 * Source: D. Bernstein, B.-Y. Yang, Fast constant-time gcd computation and modular inversion, TCHES
 * 2019 (3), eprint 2019/266; the variable-time batching of steps follows from their definition, as
 * said at divide_steps.
 */
#include "backend/field/field_inv.h"

#include "backend/field/field_limbs.h"

#include <stdbool.h>
#include <string.h>

#define STEPS 62
#define LIMB62 (UINT64_MAX >> 2)

/* A signed integer, sum limb[i] 2^(62 i): limbs 0..3 in [0, 2^62), the sign in limb 4. */
struct signed62 {
    int64_t limb[5];
};

/* (f, g) -> (u f + v g, q f + r g) / 2^62. Rows have |u| + |v| <= 2^62, |q| + |r| <= 2^62. */
struct step_matrix {
    int64_t u, v, q, r;
};

static void to_signed62(struct signed62 *out, const uint64_t a[4])
{
    out->limb[0] = (int64_t)(a[0] & LIMB62);
    out->limb[1] = (int64_t)((a[0] >> 62 | a[1] << 2) & LIMB62);
    out->limb[2] = (int64_t)((a[1] >> 60 | a[2] << 4) & LIMB62);
    out->limb[3] = (int64_t)((a[2] >> 58 | a[3] << 6) & LIMB62);
    out->limb[4] = (int64_t)(a[3] >> 56);
}

/*
 * Runs 62 steps on the low words and returns the new delta.
 *
 * Even g: a run of k zeros is k steps that shift. Odd g with delta > 0: the pair is exchanged once,
 * after which delta <= 0. With delta <= 0 the next 1 - delta steps exchange nothing: each adds f
 * when g is odd and halves, so any k <= 1 - delta of them add the multiple w f that clears k bits
 * of g, w = -g / f mod 2^k, and shift.
 */
static int64_t divide_steps(struct step_matrix *t, int64_t delta, uint64_t f, uint64_t g)
{
    uint64_t u = 1, v = 0, q = 0, r = 1;
    unsigned left = STEPS;
    for (;;) {
        /* The bit at `left` stops the count where the steps end. */
        unsigned zeros = (unsigned)__builtin_ctzll(g | UINT64_MAX << left);
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        delta += zeros;
        left -= zeros;
        if (left == 0)
            break;
        if (delta > 0) {
            uint64_t old_f = f, old_u = u, old_v = v;
            delta = -delta;
            f = g;
            u = q;
            v = r;
            g = 0 - old_f;
            q = 0 - old_u;
            r = 0 - old_v;
        }
        uint64_t k = (uint64_t)(1 - delta) < left ? (uint64_t)(1 - delta) : left;
        uint64_t mask = k < 6 ? (UINT64_C(1) << k) - 1 : 63;
        /* f (2 - f f) is 1/f mod 64 for odd f. */
        uint64_t w = g * f * (f * f - 2) & mask;
        g += w * f;
        q += w * u;
        r += w * v;
    }
    *t = (struct step_matrix){(int64_t)u, (int64_t)v, (int64_t)q, (int64_t)r};
    return delta;
}

/* Applies the matrix to f and g; both results are exact multiples of 2^62 before the division. */
static void update_fg(struct signed62 *f, struct signed62 *g, const struct step_matrix *t)
{
    __int128 cf = 0, cg = 0;
    for (int i = 0; i < 5; i++) {
        int64_t fi = f->limb[i], gi = g->limb[i];
        cf += (__int128)t->u * fi + (__int128)t->v * gi;
        cg += (__int128)t->q * fi + (__int128)t->r * gi;
        if (i > 0) {
            f->limb[i - 1] = (int64_t)((uint64_t)cf & LIMB62);
            g->limb[i - 1] = (int64_t)((uint64_t)cg & LIMB62);
        }
        cf >>= 62;
        cg >>= 62;
    }
    f->limb[4] = (int64_t)cf;
    g->limb[4] = (int64_t)cg;
}

/* out = (u d + v e) / 2^62 mod m, below m. Requires: d, e < m; |u| + |v| <= 2^62. */
static void combine(uint64_t out[4], int64_t u, int64_t v, const uint64_t d[4], const uint64_t e[4],
                    const uint64_t m[4], uint64_t neg_inv)
{
    static const uint64_t zero[4] = {0, 0, 0, 0};
    uint64_t x[4], y[4], sum[5] = {0, 0, 0, 0, 0};
    /* Negative factors move their sign to the element. */
    uint64_t u_size = u < 0 ? 0 - (uint64_t)u : (uint64_t)u;
    uint64_t v_size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    memcpy(x, d, sizeof x);
    memcpy(y, e, sizeof y);
    if (u < 0)
        limbs_sub(x, zero, d, m);
    if (v < 0)
        limbs_sub(y, zero, e, m);
    for (int i = 0; i < 4; i++)
        sum[i] = limb_mac(0, x[i], u_size, &sum[4]);
    uint64_t carry = 0;
    for (int i = 0; i < 4; i++)
        sum[i] = limb_mac(sum[i], y[i], v_size, &carry);
    sum[4] += carry;
    /* Below 2^62 m; adding (2^62 - 1) m at most makes it a multiple of 2^62 below 2^63 m. */
    uint64_t factor = sum[0] * neg_inv & LIMB62;
    carry = 0;
    for (int i = 0; i < 4; i++)
        sum[i] = limb_mac(sum[i], m[i], factor, &carry);
    sum[4] += carry;
    for (int i = 0; i < 4; i++)
        sum[i] = sum[i] >> 62 | sum[i + 1] << 2;
    limbs_reduce_once(out, sum, m);
}

static bool is_zero(const struct signed62 *a)
{
    return (a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3] | a->limb[4]) == 0;
}

void limbs_inverse(uint64_t r[4], const uint64_t a[4], const uint64_t m[4], uint64_t neg_inv)
{
    static const uint64_t zero[4] = {0, 0, 0, 0};
    struct signed62 f, g;
    uint64_t d[4] = {0, 0, 0, 0}, e[4] = {1, 0, 0, 0};
    int64_t delta = 1;
    to_signed62(&f, m);
    to_signed62(&g, a);
    while (!is_zero(&g)) {
        struct step_matrix t;
        uint64_t next[4];
        delta = divide_steps(&t, delta, (uint64_t)f.limb[0], (uint64_t)g.limb[0]);
        update_fg(&f, &g, &t);
        combine(next, t.u, t.v, d, e, m, neg_inv);
        combine(e, t.q, t.r, d, e, m, neg_inv);
        memcpy(d, next, sizeof d);
    }
    /* f is 1 or -1, or m when a is 0; d is 0 in the last case. */
    if (f.limb[4] < 0)
        limbs_sub(d, zero, d, m);
    memcpy(r, d, sizeof d);
}
