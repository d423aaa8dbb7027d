/*
 * The constraints of README section 1, written once, inline: the verifier and the prover's check
 * call them with the functions of field.h, the prover's loops include this header after
 * field_kernel.h and get them inlined.
 *
 * Every function takes one row's values, or the values of the columns at one point; degrees are
 * stated under the factors and hold in X when the arguments are polynomials of degree 1 each (times
 * n - 1).
 */
#ifndef SERTN_BACKEND_PLONK_CONSTRAINTS_H
#define SERTN_BACKEND_PLONK_CONSTRAINTS_H

#include "backend/field/field.h"
#include "backend/plonk/layout.h"

/* Everything squeezed up to alpha, with the powers the formulas use. */
struct plonk_challenges {
    fr rho, beta, gamma, chi, sigma;
    fr theta[5];  /* theta^i */
    fr alpha[11]; /* alpha^i */
    fr third;     /* 1/3, for the selectors */
    fr rho_square, rho_inverse;
};

/* Values of all columns at a point, and of z, phi, s, h at omega times it. Missing columns are
 * zero. */
struct plonk_values {
    fr at[PLONK_COLUMNS];
    fr next[PLONK_CHALLENGE_COLUMNS]; /* z, phi, s, h */
};

/* Which optional columns there are: the work of the others is left out. */
struct plonk_shape {
    unsigned param_columns;
    bool has_contraction;
};

/* The selectors of a row: quartics N, A, H of g1 and cubics S_W, S_P, S_L of g2. */
struct plonk_selectors {
    fr n, a, h, w, p, l;
};

/* The cubics of g that are 1 at 1, 2, 3 in turn and 0 at the other three of 0..3. */
static inline void plonk_cubics_of(fr *one, fr *two, fr *three, const fr *g,
                                   const struct plonk_challenges *c)
{
    fr t, b2, unit = fr_one;
    fr_sub(&t, g, &unit);
    fr_mul(&b2, g, &t);
    fr_half(&b2, &b2);
    fr_sub(&t, &t, &unit);
    fr_mul(three, &b2, &t);
    fr_mul(three, three, &c->third);
    fr_double(&t, three);
    fr_add(&t, &t, three); /* 3 b_3 */
    fr_sub(two, &b2, &t);
    fr_add(one, g, &t);
    fr_double(&b2, &b2);
    fr_sub(one, one, &b2);
}

/*
 * In Newton's form over the binomials b_k = g (g - 1) .. (g - k + 1) / k!:
 *   N = 1 - g + 2 b_2 - 4 b_3 + 8 b_4,  A = b_2 - 2 b_3 + 2 b_4,  H = b_4  through their values at
 * 0..4; S_W = g - 2 b_2 + 3 b_3,  S_P = b_2 - 3 b_3,  S_L = b_3               through theirs at
 * 0..3.
 */
static inline void plonk_selectors_of(struct plonk_selectors *out, const fr *chain, const fr *term,
                                      const struct plonk_challenges *c)
{
    fr one = fr_one, two, three, b2, b3, b4, t;
    fr_double(&two, &one);
    fr_add(&three, &two, &one);

    fr_sub(&t, chain, &one);
    fr_mul(&b2, chain, &t);
    fr_half(&b2, &b2);
    fr_sub(&t, chain, &two);
    fr_mul(&b3, &b2, &t);
    fr_mul(&b3, &b3, &c->third);
    fr_sub(&t, chain, &three);
    fr_mul(&b4, &b3, &t);
    fr_half(&b4, &b4);
    fr_half(&b4, &b4);

    out->h = b4;
    fr_double(&t, &b4);
    fr_sub(&t, &t, &b3);
    fr_sub(&t, &t, &b3); /* 2 b_4 - 2 b_3 */
    fr_add(&out->a, &t, &b2);
    fr_double(&b4, &b4);
    fr_add(&t, &t, &b4); /* 4 b_4 - 2 b_3 */
    fr_add(&t, &t, &b2);
    fr_double(&t, &t);
    fr_sub(&t, &t, chain);
    fr_add(&out->n, &t, &one);

    plonk_cubics_of(&out->w, &out->p, &out->l, term, c);
}

/*
 * C = S_W (w1 a1 + w2 a2) + S_P (a1 a2 + c2 - c2 a2) + c2 a2 - S_L a1 + c3 a3
 *      3   1  1             3    1  1                                            degree 5
 */
static inline void plonk_gate_value(fr *out, const struct plonk_selectors *s,
                                    const struct plonk_values *v, struct plonk_shape shape)
{
    const fr *a1 = &v->at[PLONK_A1], *a2 = &v->at[PLONK_A2];
    fr sum, t, product;
    fr_mul(&product, &v->at[PLONK_C2], a2);
    fr_mul(&t, a1, a2);
    fr_add(&t, &t, &v->at[PLONK_C2]);
    fr_sub(&t, &t, &product);
    fr_mul(&sum, &s->p, &t);
    fr_add(&sum, &sum, &product);
    fr_mul(&t, &v->at[PLONK_C3], &v->at[PLONK_A3]);
    fr_add(&sum, &sum, &t);
    fr_mul(&t, &s->l, a1);
    fr_sub(&sum, &sum, &t);
    if (shape.param_columns > 0) {
        fr_mul(&t, &v->at[PLONK_W1], a1);
        if (shape.param_columns > 1) {
            fr_mul(&product, &v->at[PLONK_W2], a2);
            fr_add(&t, &t, &product);
        }
        fr_mul(&t, &t, &s->w);
        fr_add(&sum, &sum, &t);
    }
    *out = sum;
}

/*
 * (X_W w1 + X_A a1) h + (X_W + X_A) c3 s / rho, with the cubics X_W, X_A of g3
 *  3   1         1       3            1  1                                      degree 5
 */
static inline void plonk_held_product(fr *out, const struct plonk_values *v,
                                      const struct plonk_challenges *c)
{
    fr weight, advice, step, t;
    plonk_cubics_of(&weight, &advice, &step, &v->at[PLONK_G3], c);
    fr_mul(&t, &v->at[PLONK_C3], &v->at[PLONK_S]);
    fr_mul(&t, &t, &c->rho_inverse);
    fr_add(&step, &weight, &advice);
    fr_mul(&t, &t, &step);
    fr_mul(&weight, &weight, &v->at[PLONK_W1]);
    fr_mul(&advice, &advice, &v->at[PLONK_A1]);
    fr_add(&weight, &weight, &advice);
    fr_mul(&weight, &weight, &v->at[PLONK_H]);
    fr_add(out, &t, &weight);
}

/* MAIN = N s' - (A + rho H) s - C, and minus plonk_held_product where there is h degree 5 */
static inline void plonk_main_value(fr *out, const struct plonk_values *v,
                                    const struct plonk_challenges *c, struct plonk_shape shape)
{
    struct plonk_selectors s;
    fr gate, t;
    plonk_selectors_of(&s, &v->at[PLONK_G1], &v->at[PLONK_G2], c);
    plonk_gate_value(&gate, &s, v, shape);
    fr_mul(&t, &c->rho, &s.h);
    fr_add(&t, &t, &s.a);
    fr_mul(&t, &t, &v->at[PLONK_S]);
    fr_add(&gate, &gate, &t);
    if (shape.has_contraction) {
        plonk_held_product(&t, v, c);
        fr_add(&gate, &gate, &t);
    }
    fr_mul(&t, &s.n, &v->next[2]);
    fr_sub(out, &t, &gate);
}

/* HOLD = h' - (X_W + X_A) h - X_S (sigma h + rho^2 a1 + rho a2 + a3)             degree 4 */
static inline void plonk_hold_value(fr *out, const struct plonk_values *v,
                                    const struct plonk_challenges *c)
{
    fr weight, advice, step, sum, t;
    plonk_cubics_of(&weight, &advice, &step, &v->at[PLONK_G3], c);
    fr_mul(&sum, &c->rho_square, &v->at[PLONK_A1]);
    fr_mul(&t, &c->rho, &v->at[PLONK_A2]);
    fr_add(&sum, &sum, &t);
    fr_add(&sum, &sum, &v->at[PLONK_A3]);
    fr_mul(&t, &c->sigma, &v->at[PLONK_H]);
    fr_add(&sum, &sum, &t);
    fr_mul(&sum, &sum, &step);
    fr_add(&t, &weight, &advice);
    fr_mul(&t, &t, &v->at[PLONK_H]);
    fr_add(&sum, &sum, &t);
    fr_sub(out, &v->next[3], &sum);
}

/* r = 5 a */
static inline void plonk_times_five(fr *r, const fr *a)
{
    fr t;
    fr_double(&t, a);
    fr_double(&t, &t);
    fr_add(r, &t, a);
}

/*
 * The two products of PERM without z: over j, a_j + beta K_j x + gamma and a_j + beta S_j + gamma.
 * beta_x is beta times the point (omega^i on row i).
 */
static inline void plonk_permutation_products(fr *identity, fr *mapped,
                                              const struct plonk_values *v, const fr *beta_x,
                                              const struct plonk_challenges *c)
{
    fr shift = *beta_x, t;
    for (unsigned j = 0; j < 3; j++) {
        fr base;
        fr_add(&base, &v->at[PLONK_A1 + j], &c->gamma);
        fr_add(&t, &base, &shift);
        if (j == 0)
            *identity = t;
        else
            fr_mul(identity, identity, &t);
        plonk_times_five(&shift, &shift);
        fr_mul(&t, &c->beta, &v->at[PLONK_S1 + j]);
        fr_add(&t, &t, &base);
        if (j == 0)
            *mapped = t;
        else
            fr_mul(mapped, mapped, &t);
    }
}

/* PERM = z' prod_j (a_j + beta S_j + gamma) - z prod_j (a_j + beta K_j x + gamma)      degree 4 */
static inline void plonk_perm_value(fr *out, const struct plonk_values *v, const fr *beta_x,
                                    const struct plonk_challenges *c)
{
    fr identity, mapped;
    plonk_permutation_products(&identity, &mapped, v, beta_x, c);
    fr_mul(&mapped, &mapped, &v->next[0]);
    fr_mul(&identity, &identity, &v->at[PLONK_Z]);
    fr_sub(out, &mapped, &identity);
}

/* Ttag + theta Tx + theta^2 Ty: the part of D_T that fixed columns give. */
static inline void plonk_table_tuple(fr *out, const fr *tag, const fr *x, const fr *y,
                                     const struct plonk_challenges *c)
{
    fr t;
    fr_mul(&t, &c->theta[1], x);
    fr_add(out, tag, &t);
    fr_mul(&t, &c->theta[2], y);
    fr_add(out, out, &t);
}

/* The four denominators of a row, each of degree 1. */
struct plonk_denominators {
    fr memory, table, range, provider; /* D_F, D_2, D_3, D_T */
};

/* table: what plonk_table_tuple gives. */
static inline void plonk_denominators_of(struct plonk_denominators *d, const struct plonk_values *v,
                                         const fr *table, const struct plonk_challenges *c,
                                         struct plonk_shape shape)
{
    const fr *a1 = &v->at[PLONK_A1], *a2 = &v->at[PLONK_A2], *a3 = &v->at[PLONK_A3];
    fr t, a1_theta;
    fr_mul(&a1_theta, &c->theta[1], a1);
    fr_add(&d->memory, &c->chi, &v->at[PLONK_TF]);
    fr_add(&d->memory, &d->memory, &a1_theta);
    fr_mul(&t, &c->theta[3], a2);
    fr_add(&d->memory, &d->memory, &t);
    fr_mul(&t, &c->theta[4], a3);
    fr_add(&d->memory, &d->memory, &t);

    fr_add(&t, a2, &a1_theta);
    fr_mul(&t, &c->theta[1], &t); /* theta a2 + theta^2 a1 */
    fr_add(&d->table, &c->chi, &v->at[PLONK_T2]);
    fr_add(&d->table, &d->table, &t);

    fr_mul(&t, &c->theta[1], a3);
    fr_add(&d->range, &c->chi, &v->at[PLONK_T3]);
    fr_add(&d->range, &d->range, &t);

    fr_add(&d->provider, &c->chi, table);
    if (shape.param_columns > 0) {
        fr_mul(&t, &c->theta[3], &v->at[PLONK_W1]);
        fr_add(&d->provider, &d->provider, &t);
    }
    if (shape.param_columns > 1) {
        fr_mul(&t, &c->theta[4], &v->at[PLONK_W2]);
        fr_add(&d->provider, &d->provider, &t);
    }
}

/*
 * LOOKUP = (phi' - phi) D_F D_2 D_3 D_T - N_F D_2 D_3 D_T - t2 D_F D_3 D_T - t3 D_F D_2 D_T + (1 -
 * qM) m D_F D_2 D_3 1          1   1   1   1     2   1   1   1    1   1   1   1    1  1   1   1 2
 * 1   1   1 with N_F = tF (1 - qM) - qM m degree 5
 */
static inline void plonk_lookup_value(fr *out, const struct plonk_values *v, const fr *table,
                                      const struct plonk_challenges *c, struct plonk_shape shape)
{
    struct plonk_denominators d;
    plonk_denominators_of(&d, v, table, c, shape);
    fr table_range, memory_provider, provided, sum, t;
    fr_mul(&table_range, &d.table, &d.range);
    fr_mul(&memory_provider, &d.memory, &d.provider);

    fr_mul(&provided, &v->at[PLONK_QM], &v->at[PLONK_M]); /* qM m */
    fr_sub(&sum, &v->next[1], &v->at[PLONK_PHI]);
    fr_mul(&sum, &sum, &memory_provider);
    fr_sub(&t, &v->at[PLONK_M], &provided);
    fr_mul(&t, &t, &d.memory);
    fr_add(&sum, &sum, &t); /* (phi' - phi) D_F D_T + (1 - qM) m D_F */
    fr_mul(&t, &v->at[PLONK_TF], &v->at[PLONK_QM]);
    fr_add(&t, &t, &provided);
    fr_sub(&t, &t, &v->at[PLONK_TF]); /* -N_F */
    fr_mul(&t, &t, &d.provider);
    fr_add(&sum, &sum, &t);
    fr_mul(&sum, &sum, &table_range);

    fr slots;
    fr_mul(&slots, &v->at[PLONK_T2], &d.range);
    fr_mul(&t, &v->at[PLONK_T3], &d.table);
    fr_add(&slots, &slots, &t);
    fr_mul(&slots, &slots, &memory_provider);
    fr_sub(out, &sum, &slots);
}

/* MAIN + alpha PERM + alpha^2 LOOKUP [+ alpha^10 HOLD] at point x, where table is what
 * plonk_table_tuple gives. */
static inline void plonk_gated_value(fr *out, const struct plonk_values *v, const fr *table,
                                     const fr *x, const struct plonk_challenges *c,
                                     struct plonk_shape shape)
{
    fr sum, t, beta_x;
    plonk_main_value(&sum, v, c, shape);
    fr_mul(&beta_x, &c->beta, x);
    plonk_perm_value(&t, v, &beta_x, c);
    fr_mul(&t, &t, &c->alpha[1]);
    fr_add(&sum, &sum, &t);
    plonk_lookup_value(&t, v, table, c, shape);
    fr_mul(&t, &t, &c->alpha[2]);
    fr_add(out, &sum, &t);
    if (shape.has_contraction) {
        plonk_hold_value(&t, v, c);
        fr_mul(&t, &t, &c->alpha[10]);
        fr_add(out, out, &t);
    }
}

#endif
