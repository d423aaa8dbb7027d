/* The constraints against a naive twin that follows the tables of README section 1 word by word. */
#include "backend/plonk/constraints.h"
#include "backend/plonk/protocol.h"
#include "ir/circuit.h"
#include "tests/harness/harness.h"

#include <string.h>

static void random_fr(fr *out)
{
    uint8_t bytes[64];
    test_random_bytes(bytes, sizeof bytes);
    fr_from_wide_bytes_be(out, bytes);
}

static void random_point(struct plonk_values *values, struct plonk_challenges *c)
{
    fr *value = values->at, theta, alpha, three;
    for (size_t i = 0; i < sizeof *values / sizeof(fr); i++)
        random_fr(&value[i]);
    random_fr(&c->rho);
    random_fr(&c->beta);
    random_fr(&c->gamma);
    random_fr(&c->chi);
    random_fr(&theta);
    random_fr(&alpha);
    for (unsigned i = 0; i < 5; i++)
        fr_pow_u64(&c->theta[i], &theta, i);
    for (unsigned i = 0; i < 11; i++)
        fr_pow_u64(&c->alpha[i], &alpha, i);
    random_fr(&c->sigma);
    fr_sqr(&c->rho_square, &c->rho);
    fr_inv(&c->rho_inverse, &c->rho);
    fr_from_u64(&three, 3);
    fr_inv(&c->third, &three);
}

/* sum of value[i] prod_(j != i) (x - j) / (i - j): interpolation through 0 .. count - 1. */
static void interpolate(fr *out, const int64_t *value, unsigned count, const fr *x)
{
    *out = fr_zero;
    for (unsigned i = 0; i < count; i++) {
        fr term, t, j_value;
        fr_from_i64(&term, value[i]);
        for (unsigned j = 0; j < count; j++) {
            if (j == i)
                continue;
            fr_from_u64(&j_value, j);
            fr_sub(&t, x, &j_value);
            fr_mul(&term, &term, &t);
            fr_from_i64(&t, (int64_t)i - (int64_t)j);
            fr_inv(&t, &t);
            fr_mul(&term, &term, &t);
        }
        fr_add(out, out, &term);
    }
}

TEST(selectors_are_the_interpolations_of_their_tables)
{
    static const int64_t n[5] = {1, 0, 1, 0, 1}, a[5] = {0, 0, 1, 1, 0}, h[5] = {0, 0, 0, 0, 1};
    static const int64_t w[4] = {0, 1, 0, 0}, p[4] = {0, 0, 1, 0}, l[4] = {0, 0, 0, 1};
    for (unsigned i = 0; i < 20; i++) {
        struct plonk_values values;
        struct plonk_challenges c;
        struct plonk_selectors s;
        fr expected;
        random_point(&values, &c);
        if (i < 5) {
            fr_from_u64(&values.at[PLONK_G1], i);
            fr_from_u64(&values.at[PLONK_G2], i);
        }
        plonk_selectors_of(&s, &values.at[PLONK_G1], &values.at[PLONK_G2], &c);
        interpolate(&expected, n, 5, &values.at[PLONK_G1]);
        CHECK(fr_eq(&expected, &s.n));
        interpolate(&expected, a, 5, &values.at[PLONK_G1]);
        CHECK(fr_eq(&expected, &s.a));
        interpolate(&expected, h, 5, &values.at[PLONK_G1]);
        CHECK(fr_eq(&expected, &s.h));
        interpolate(&expected, w, 4, &values.at[PLONK_G2]);
        CHECK(fr_eq(&expected, &s.w));
        interpolate(&expected, p, 4, &values.at[PLONK_G2]);
        CHECK(fr_eq(&expected, &s.p));
        interpolate(&expected, l, 4, &values.at[PLONK_G2]);
        CHECK(fr_eq(&expected, &s.l));
    }
}

/* r += sign * a * b */
static void add_product(fr *r, int sign, const fr *a, const fr *b)
{
    fr t;
    fr_mul(&t, a, b);
    if (sign < 0)
        fr_sub(r, r, &t);
    else
        fr_add(r, r, &t);
}

/* C of a row by its term. */
static void naive_gate(fr *out, const struct plonk_values *v, enum gate_term term,
                       unsigned param_columns)
{
    const fr *at = v->at;
    *out = fr_zero;
    add_product(out, 1, &at[PLONK_C3], &at[PLONK_A3]);
    if (term == TERM_PRODUCT) {
        add_product(out, 1, &at[PLONK_A1], &at[PLONK_A2]);
        fr_add(out, out, &at[PLONK_C2]);
    } else {
        add_product(out, 1, &at[PLONK_C2], &at[PLONK_A2]);
    }
    if (term == TERM_WEIGHTED && param_columns > 0)
        add_product(out, 1, &at[PLONK_W1], &at[PLONK_A1]);
    if (term == TERM_WEIGHTED && param_columns > 1)
        add_product(out, 1, &at[PLONK_W2], &at[PLONK_A2]);
    if (term == TERM_LINEAR3)
        fr_sub(out, out, &at[PLONK_A1]);
}

/* s' (or 0) minus s (or rho s, or 0) minus C: zero exactly when the row's equation holds. */
static void naive_main(fr *out, const struct plonk_values *v, const struct plonk_challenges *c,
                       enum gate_chain chain, enum gate_term term, unsigned param_columns)
{
    fr gate;
    naive_gate(&gate, v, term, param_columns);
    fr_neg(out, &gate);
    if (chain == CHAIN_START || chain == CHAIN_CONTINUE || chain == CHAIN_HORNER)
        fr_add(out, out, &v->next[2]);
    if (chain == CHAIN_CONTINUE || chain == CHAIN_END)
        fr_sub(out, out, &v->at[PLONK_S]);
    if (chain == CHAIN_HORNER)
        add_product(out, -1, &c->rho, &v->at[PLONK_S]);
}

/* MAIN and HOLD of a row with a held sum, by its selectors. */
static void naive_held(fr *main, fr *hold, const struct plonk_values *v,
                       const struct plonk_challenges *c, enum gate_chain chain,
                       enum gate_term term, enum gate_hold kind)
{
    const fr *h = &v->at[PLONK_H];
    fr t;
    naive_main(main, v, c, chain, term, 1);
    *hold = v->next[3];
    if (kind == HOLD_WEIGHT)
        add_product(main, -1, h, &v->at[PLONK_W1]);
    if (kind == HOLD_ADVICE)
        add_product(main, -1, h, &v->at[PLONK_A1]);
    if (kind == HOLD_WEIGHT || kind == HOLD_ADVICE) {
        fr_mul(&t, &v->at[PLONK_C3], &v->at[PLONK_S]);
        add_product(main, -1, &t, &c->rho_inverse);
        fr_sub(hold, hold, h);
    }
    if (kind == HOLD_STEP) {
        add_product(hold, -1, &c->sigma, h);
        fr_sqr(&t, &c->rho);
        add_product(hold, -1, &t, &v->at[PLONK_A1]);
        add_product(hold, -1, &c->rho, &v->at[PLONK_A2]);
        fr_sub(hold, hold, &v->at[PLONK_A3]);
    }
}

TEST(every_held_row_is_what_its_table_says)
{
    for (unsigned chain = 0; chain <= CHAIN_HORNER; chain++)
        for (unsigned term = 0; term <= TERM_LINEAR3; term++)
            for (unsigned hold = 0; hold <= HOLD_STEP; hold++) {
                struct plonk_values v;
                struct plonk_challenges c;
                fr main, held, got;
                random_point(&v, &c);
                fr_from_u64(&v.at[PLONK_G1], chain);
                fr_from_u64(&v.at[PLONK_G2], term);
                fr_from_u64(&v.at[PLONK_G3], hold);
                naive_held(&main, &held, &v, &c, (enum gate_chain)chain, (enum gate_term)term,
                           (enum gate_hold)hold);
                plonk_main_value(&got, &v, &c, (struct plonk_shape){1, true});
                CHECK(fr_eq(&main, &got));
                plonk_hold_value(&got, &v, &c);
                CHECK(fr_eq(&held, &got));
            }
}

TEST(every_gate_is_what_its_table_says)
{
    for (unsigned chain = 0; chain <= CHAIN_HORNER; chain++)
        for (unsigned term = 0; term <= TERM_LINEAR3; term++)
            for (unsigned params = 0; params <= 2; params++) {
                struct plonk_values values;
                struct plonk_challenges c;
                fr expected, got;
                random_point(&values, &c);
                fr_from_u64(&values.at[PLONK_G1], chain);
                fr_from_u64(&values.at[PLONK_G2], term);
                naive_main(&expected, &values, &c, (enum gate_chain)chain, (enum gate_term)term,
                           params);
                plonk_main_value(&got, &values, &c, (struct plonk_shape){params, false});
                CHECK_MSG(fr_eq(&expected, &got), "g1 = %u, g2 = %u, %u parameter columns", chain,
                          term, params);
            }
}

TEST(the_permutation_constraint_is_its_formula)
{
    static const uint64_t k[3] = {1, 5, 25};
    struct plonk_values values;
    struct plonk_challenges c;
    fr x, beta_x, got, left, right, t, factor;
    random_point(&values, &c);
    random_fr(&x);
    left = values.next[0];
    right = values.at[PLONK_Z];
    for (unsigned j = 0; j < 3; j++) {
        fr_mul(&t, &c.beta, &values.at[PLONK_S1 + j]);
        fr_add(&t, &t, &values.at[PLONK_A1 + j]);
        fr_add(&t, &t, &c.gamma);
        fr_mul(&left, &left, &t);
        fr_from_u64(&factor, k[j]);
        fr_mul(&t, &c.beta, &factor);
        fr_mul(&t, &t, &x);
        fr_add(&t, &t, &values.at[PLONK_A1 + j]);
        fr_add(&t, &t, &c.gamma);
        fr_mul(&right, &right, &t);
    }
    fr_sub(&left, &left, &right);
    fr_mul(&beta_x, &c.beta, &x);
    plonk_perm_value(&got, &values, &beta_x, &c);
    CHECK(fr_eq(&left, &got));
}

/* a / b */
static void divide(fr *out, const fr *a, const fr *b)
{
    fr t;
    fr_inv(&t, b);
    fr_mul(out, a, &t);
}

TEST(the_lookup_constraint_is_its_fractions_over_one_denominator)
{
    for (unsigned params = 0; params <= 2; params++)
        for (unsigned provider = 0; provider <= 1; provider++) {
            struct plonk_values v;
            struct plonk_challenges c;
            random_point(&v, &c);
            fr_from_u64(&v.at[PLONK_QM], provider);
            if (params < 2)
                v.at[PLONK_W2] = fr_zero;
            if (params < 1)
                v.at[PLONK_W1] = fr_zero;
            fr memory, table, range, row, t, sum, got, tuple;
            fr_add(&memory, &c.chi, &v.at[PLONK_TF]);
            add_product(&memory, 1, &c.theta[1], &v.at[PLONK_A1]);
            add_product(&memory, 1, &c.theta[3], &v.at[PLONK_A2]);
            add_product(&memory, 1, &c.theta[4], &v.at[PLONK_A3]);
            fr_add(&table, &c.chi, &v.at[PLONK_T2]);
            add_product(&table, 1, &c.theta[1], &v.at[PLONK_A2]);
            add_product(&table, 1, &c.theta[2], &v.at[PLONK_A1]);
            fr_add(&range, &c.chi, &v.at[PLONK_T3]);
            add_product(&range, 1, &c.theta[1], &v.at[PLONK_A3]);
            fr_add(&row, &c.chi, &v.at[PLONK_TTAG]);
            add_product(&row, 1, &c.theta[1], &v.at[PLONK_TX]);
            add_product(&row, 1, &c.theta[2], &v.at[PLONK_TY]);
            add_product(&row, 1, &c.theta[3], &v.at[PLONK_W1]);
            add_product(&row, 1, &c.theta[4], &v.at[PLONK_W2]);

            /* phi' - phi - tF / D_F - t2 / D_2 - t3 / D_3 + m / D_T, or + m / D_F and no tF for a
             * provider */
            fr_sub(&sum, &v.next[1], &v.at[PLONK_PHI]);
            if (provider == 0) {
                divide(&t, &v.at[PLONK_TF], &memory);
                fr_sub(&sum, &sum, &t);
            }
            divide(&t, &v.at[PLONK_M], provider == 0 ? &row : &memory);
            fr_add(&sum, &sum, &t);
            divide(&t, &v.at[PLONK_T2], &table);
            fr_sub(&sum, &sum, &t);
            divide(&t, &v.at[PLONK_T3], &range);
            fr_sub(&sum, &sum, &t);
            fr_mul(&sum, &sum, &memory);
            fr_mul(&sum, &sum, &table);
            fr_mul(&sum, &sum, &range);
            fr_mul(&sum, &sum, &row);
            plonk_table_tuple(&tuple, &v.at[PLONK_TTAG], &v.at[PLONK_TX], &v.at[PLONK_TY], &c);
            plonk_lookup_value(&got, &v, &tuple, &c, (struct plonk_shape){params, false});
            CHECK_MSG(fr_eq(&sum, &got), "%u parameter columns, qM = %u", params, provider);
        }
}

TEST(the_value_at_xi_is_the_sum_of_section_1_4)
{
    for (unsigned params = 0; params <= 2; params++) {
        struct plonk_layout layout;
        struct plonk_values v;
        struct plonk_challenges c;
        struct plonk_point point;
        fr xi, public_value, evaluation[PLONK_EVALUATIONS_MAX], inverse[2], got, expected, t, total,
            table;
        plonk_layout_init(&layout, PLONK_MODE_GAS, 5, params, false);
        random_point(&v, &c);
        random_fr(&xi);
        random_fr(&public_value);
        plonk_point_init(&point, &layout, &xi);
        for (unsigned column = 0; column < PLONK_COLUMNS; column++) {
            int i = plonk_evaluation_index(&layout, (enum plonk_column)column, false);
            if (i < 0)
                v.at[column] = fr_zero;
            else
                evaluation[i] = v.at[column];
            if (column >= PLONK_Z && column <= PLONK_S)
                evaluation[plonk_evaluation_index(&layout, (enum plonk_column)column, true)] =
                    v.next[column - PLONK_Z];
        }
        plonk_table_tuple(&table, &v.at[PLONK_TTAG], &v.at[PLONK_TX], &v.at[PLONK_TY], &c);
        plonk_gated_value(&total, &v, &table, &xi, &c, plonk_shape_of(&layout));
        add_product(&total, 1, &c.alpha[3], &v.at[PLONK_W1]);
        add_product(&total, 1, &c.alpha[4], &v.at[PLONK_W2]);
        /* Z_off by its definition. */
        expected = total;
        for (unsigned j = 26; j < 32; j++) {
            fr_pow_u64(&t, &point.omega, j);
            fr_sub(&t, &xi, &t);
            fr_mul(&expected, &expected, &t);
        }
        /* L_i(xi) = prod over the other rows of (xi - omega^j) / (omega^i - omega^j) */
        static const unsigned row[2] = {0, 26};
        for (unsigned which = 0; which < 2; which++) {
            fr basis = fr_one, root, other;
            fr_pow_u64(&root, &point.omega, row[which]);
            for (unsigned j = 0; j < 32; j++) {
                if (j == row[which])
                    continue;
                fr_pow_u64(&other, &point.omega, j);
                fr_sub(&t, &xi, &other);
                fr_mul(&basis, &basis, &t);
                fr_sub(&t, &root, &other);
                divide(&basis, &basis, &t);
            }
            const fr *alpha = &c.alpha[which == 0 ? 5 : 7];
            total = fr_zero;
            fr_sub(&t, &v.at[PLONK_Z], &fr_one);
            add_product(&total, 1, &alpha[0], &t);
            add_product(&total, 1, &alpha[1], &v.at[PLONK_PHI]);
            if (which == 1) {
                fr_sub(&t, &v.at[PLONK_S], &public_value);
                add_product(&total, 1, &alpha[2], &t);
            }
            add_product(&expected, 1, &total, &basis);
        }
        for (unsigned i = 0; i < 2; i++)
            fr_inv(&inverse[i], &point.denominator[1 + i]);
        plonk_full_value(&got, &layout, &point, &c, evaluation, inverse, &public_value);
        CHECK_MSG(fr_eq(&expected, &got), "%u parameter columns", params);
    }
}
