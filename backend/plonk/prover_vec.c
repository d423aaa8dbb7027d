/*
 * The constraints on a coset by array functions of the field: a block of rows at a time, every step
 * over the whole block, zero columns left out. The formulas are those of constraints.h; tests hold
 * the two to each other.
 */
#include "backend/field/field_vec.h"
#include "backend/plonk/prover_kernels.h"

#include <string.h>

/* Rows of a block: its temporary arrays stay in the first-level cache. */
enum { BLOCK = 64 };

/* A block being evaluated. Column pointers are null for zero columns. */
struct block {
    const struct plonk_quotient_job *job;
    const struct plonk_challenges *c;
    const struct field_vec_kernels *k;
    size_t n;
    const fr *at[PLONK_COLUMNS], *next[PLONK_CHALLENGE_COLUMNS];
    fr gathered[PLONK_CHALLENGE_COLUMNS][BLOCK]; /* what next points to */
    fr x[BLOCK];
    fr t[BLOCK], u[BLOCK]; /* scratch of single steps */
};

/* r += number */
static void add_number(fr *r, const fr *number, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fr_add(&r[i], &r[i], number);
}

static void set_number(fr *r, const fr *number, size_t n)
{
    for (size_t i = 0; i < n; i++)
        r[i] = *number;
}

/* Denominators are 1 or 3 times a power of two. */
static void ratio(const struct block *b, fr *r, int64_t numerator, unsigned denominator)
{
    fr_from_i64(r, numerator);
    for (; denominator % 2 == 0; denominator /= 2)
        fr_half(r, r);
    if (denominator > 1)
        fr_mul(r, r, &b->c->third);
}

/* r = g - number, g null for zero. */
static void less_number(fr *r, const fr *g, int64_t number, size_t n)
{
    fr minus;
    fr_from_i64(&minus, -number);
    if (g == NULL) {
        set_number(r, &minus, n);
        return;
    }
    memcpy(r, g, n * sizeof *r);
    add_number(r, &minus, n);
}

/* r += numerator / denominator a */
static void add_ratio(const struct block *b, fr *r, int64_t numerator, unsigned denominator,
                      const fr *a)
{
    fr factor;
    ratio(b, &factor, numerator, denominator);
    b->k->fr_axpy(r, &factor, a, b->n);
}

/* The falling products g (g - 1), g (g - 1) (g - 2), g .. (g - 3) of a selector; b4 may be null. */
static void falling(struct block *b, fr *b2, fr *b3, fr *b4, const fr *g)
{
    less_number(b->t, g, 1, b->n);
    b->k->fr_mul(b2, g, b->t, b->n);
    less_number(b->t, g, 2, b->n);
    b->k->fr_mul(b3, b2, b->t, b->n);
    if (b4 == NULL)
        return;
    less_number(b->t, g, 3, b->n);
    b->k->fr_mul(b4, b3, b->t, b->n);
}

/* The cubics of g that are 1 at 1, 2, 3 in turn, from its falling products. */
static void cubics(struct block *b, fr *one, fr *two, fr *three, const fr *g, const fr *b2,
                   const fr *b3)
{
    memcpy(one, g, b->n * sizeof *one);
    b->k->fr_sub(one, one, b2, b->n);
    add_ratio(b, one, 1, 2, b3);
    memset(two, 0, b->n * sizeof *two);
    add_ratio(b, two, 1, 2, b2);
    add_ratio(b, two, -1, 2, b3);
    memset(three, 0, b->n * sizeof *three);
    add_ratio(b, three, 1, 6, b3);
}

/* r += sign a b, null for zero. */
static void add_product(struct block *b, fr *r, int sign, const fr *x, const fr *y)
{
    if (x == NULL || y == NULL)
        return;
    if (sign > 0) {
        b->k->fr_mul_add(r, x, y, b->n);
        return;
    }
    b->k->fr_mul(b->u, x, y, b->n);
    b->k->fr_sub(r, r, b->u, b->n);
}

/* sum -= C */
static void subtract_gate(struct block *b, fr *sum)
{
    fr b2[BLOCK], b3[BLOCK], weight[BLOCK], product[BLOCK], linear[BLOCK], part[BLOCK];
    const fr *const *at = b->at;
    size_t n = b->n;
    add_product(b, sum, -1, at[PLONK_C3], at[PLONK_A3]);
    memset(part, 0, sizeof part); /* c2 a2 */
    add_product(b, part, 1, at[PLONK_C2], at[PLONK_A2]);
    b->k->fr_sub(sum, sum, part, n);
    if (at[PLONK_G2] == NULL)
        return;
    falling(b, b2, b3, NULL, at[PLONK_G2]);
    cubics(b, weight, product, linear, at[PLONK_G2], b2, b3);
    add_product(b, sum, 1, linear, at[PLONK_A1]);
    b->k->fr_mul(b2, at[PLONK_A1], at[PLONK_A2], n);
    if (at[PLONK_C2] != NULL)
        b->k->fr_add(b2, b2, at[PLONK_C2], n);
    b->k->fr_sub(b2, b2, part, n);
    add_product(b, sum, -1, product, b2);
    if (b->job->shape.param_columns == 0)
        return;
    b->k->fr_mul(b3, at[PLONK_W1], at[PLONK_A1], n);
    if (b->job->shape.param_columns > 1)
        add_product(b, b3, 1, at[PLONK_W2], at[PLONK_A2]);
    add_product(b, sum, -1, weight, b3);
}

/* MAIN without what is taken from the held sum. */
static void main_value(struct block *b, fr *sum)
{
    fr b2[BLOCK], b3[BLOCK], b4[BLOCK], selector[BLOCK];
    const fr *g = b->at[PLONK_G1];
    size_t n = b->n;
    if (g == NULL) { /* every row starts: N = 1, A = H = 0 */
        memcpy(sum, b->next[2], n * sizeof *sum);
        subtract_gate(b, sum);
        return;
    }
    falling(b, b2, b3, b4, g);
    /* N = 1 - g + b2 - 2/3 b3 + b4 / 3 in falling products */
    less_number(selector, g, 1, n);
    memset(sum, 0, n * sizeof *sum);
    b->k->fr_sub(selector, sum, selector, n);
    b->k->fr_add(selector, selector, b2, n);
    add_ratio(b, selector, -2, 3, b3);
    add_ratio(b, selector, 1, 3, b4);
    b->k->fr_mul(sum, selector, b->next[2], n);
    /* A + rho H = b2 / 2 - b3 / 3 + (1 / 12 + rho / 24) b4 */
    memset(selector, 0, sizeof selector);
    add_ratio(b, selector, 1, 2, b2);
    add_ratio(b, selector, -1, 3, b3);
    fr factor, t;
    ratio(b, &factor, 1, 24);
    fr_mul(&factor, &factor, &b->c->rho);
    ratio(b, &t, 1, 12);
    fr_add(&factor, &factor, &t);
    b->k->fr_axpy(selector, &factor, b4, n);
    add_product(b, sum, -1, selector, b->at[PLONK_S]);
    subtract_gate(b, sum);
}

/* total += what MAIN and HOLD take from the held sum. */
static void add_held(struct block *b, fr *total)
{
    fr b2[BLOCK], b3[BLOCK], weight[BLOCK], advice[BLOCK], step[BLOCK], both[BLOCK];
    const fr *const *at = b->at, *h = at[PLONK_H];
    size_t n = b->n;
    b->k->fr_axpy(total, &b->c->alpha[10], b->next[3], n);
    if (at[PLONK_G3] == NULL)
        return;
    falling(b, b2, b3, NULL, at[PLONK_G3]);
    cubics(b, weight, advice, step, at[PLONK_G3], b2, b3);
    b->k->fr_add(both, weight, advice, n);
    /* (X_W w1 + X_A a1) h + both c3 s / rho, taken off MAIN */
    b->k->fr_mul(advice, advice, at[PLONK_A1], n);
    if (b->job->shape.param_columns > 0)
        add_product(b, advice, 1, weight, at[PLONK_W1]);
    b->k->fr_mul(advice, advice, h, n);
    if (at[PLONK_C3] != NULL) {
        b->k->fr_mul(b->t, at[PLONK_C3], at[PLONK_S], n);
        b->k->fr_scale(b->t, b->t, &b->c->rho_inverse, n);
        add_product(b, advice, 1, both, b->t);
    }
    b->k->fr_sub(total, total, advice, n);
    /* both h + X_S (sigma h + rho^2 a1 + rho a2 + a3), taken off h' */
    memcpy(b->t, at[PLONK_A3], n * sizeof *b->t);
    b->k->fr_axpy(b->t, &b->c->rho, at[PLONK_A2], n);
    b->k->fr_axpy(b->t, &b->c->rho_square, at[PLONK_A1], n);
    b->k->fr_axpy(b->t, &b->c->sigma, h, n);
    b->k->fr_mul(b->t, b->t, step, n);
    add_product(b, b->t, 1, both, h);
    fr minus;
    fr_neg(&minus, &b->c->alpha[10]);
    b->k->fr_axpy(total, &minus, b->t, n);
}

/* total += alpha PERM */
static void add_permutation(struct block *b, fr *total)
{
    fr identity[BLOCK], mapped[BLOCK], base[BLOCK];
    fr shift = b->c->beta;
    size_t n = b->n;
    for (unsigned j = 0; j < 3; j++) {
        memcpy(base, b->at[PLONK_A1 + j], n * sizeof *base);
        add_number(base, &b->c->gamma, n);
        memcpy(b->t, base, n * sizeof *base);
        b->k->fr_axpy(b->t, &shift, b->x, n);
        if (b->at[PLONK_S1 + j] != NULL)
            b->k->fr_axpy(base, &b->c->beta, b->at[PLONK_S1 + j], n);
        if (j == 0) {
            memcpy(identity, b->t, n * sizeof *identity);
            memcpy(mapped, base, n * sizeof *mapped);
        } else {
            b->k->fr_mul(identity, identity, b->t, n);
            b->k->fr_mul(mapped, mapped, base, n);
        }
        plonk_times_five(&shift, &shift);
    }
    b->k->fr_mul(mapped, mapped, b->next[0], n);
    add_product(b, mapped, -1, identity, b->at[PLONK_Z]);
    b->k->fr_axpy(total, &b->c->alpha[1], mapped, n);
}

/* r = chi + a, a null for zero. */
static void denominator(struct block *b, fr *r, const fr *a)
{
    set_number(r, &b->c->chi, b->n);
    if (a != NULL)
        b->k->fr_add(r, r, a, b->n);
}

static void add_scaled(struct block *b, fr *r, const fr *factor, const fr *a)
{
    if (a != NULL)
        b->k->fr_axpy(r, factor, a, b->n);
}

/* total += alpha^2 LOOKUP */
static void add_lookup(struct block *b, fr *total)
{
    fr memory[BLOCK], table[BLOCK], range[BLOCK], provider[BLOCK];
    fr sum[BLOCK], pair[BLOCK], other[BLOCK];
    const fr *const *at = b->at;
    const fr *theta = b->c->theta;
    size_t n = b->n;
    denominator(b, memory, at[PLONK_TF]);
    add_scaled(b, memory, &theta[1], at[PLONK_A1]);
    add_scaled(b, memory, &theta[3], at[PLONK_A2]);
    add_scaled(b, memory, &theta[4], at[PLONK_A3]);
    denominator(b, table, at[PLONK_T2]);
    add_scaled(b, table, &theta[1], at[PLONK_A2]);
    add_scaled(b, table, &theta[2], at[PLONK_A1]);
    denominator(b, range, at[PLONK_T3]);
    add_scaled(b, range, &theta[1], at[PLONK_A3]);
    denominator(b, provider, at[PLONK_TTAG]);
    if (b->job->shape.param_columns > 0)
        add_scaled(b, provider, &theta[3], at[PLONK_W1]);
    if (b->job->shape.param_columns > 1)
        add_scaled(b, provider, &theta[4], at[PLONK_W2]);

    b->k->fr_mul(pair, memory, provider, n);
    b->k->fr_sub(sum, b->next[1], at[PLONK_PHI], n);
    b->k->fr_mul(sum, sum, pair, n);
    /* (1 - qM) m D_F - N_F D_T with N_F = tF (1 - qM) - qM m */
    memcpy(other, at[PLONK_M], n * sizeof *other);
    add_product(b, other, -1, at[PLONK_QM], at[PLONK_M]);
    b->k->fr_mul_add(sum, other, memory, n);
    if (at[PLONK_TF] != NULL || at[PLONK_QM] != NULL) {
        memset(other, 0, sizeof other);
        add_product(b, other, 1, at[PLONK_QM], at[PLONK_M]);
        add_product(b, other, 1, at[PLONK_TF], at[PLONK_QM]);
        if (at[PLONK_TF] != NULL)
            b->k->fr_sub(other, other, at[PLONK_TF], n);
        b->k->fr_mul_add(sum, other, provider, n);
    }
    b->k->fr_mul(other, table, range, n);
    b->k->fr_mul(sum, sum, other, n);
    if (at[PLONK_T2] != NULL || at[PLONK_T3] != NULL) {
        memset(other, 0, sizeof other);
        add_product(b, other, 1, at[PLONK_T2], range);
        add_product(b, other, 1, at[PLONK_T3], table);
        add_product(b, sum, -1, other, pair);
    }
    b->k->fr_axpy(total, &b->c->alpha[2], sum, n);
}

static void open_block(struct block *b, size_t first)
{
    const struct plonk_quotient_job *job = b->job;
    for (unsigned column = 0; column < PLONK_COLUMNS; column++)
        b->at[column] = job->column[column] != NULL ? job->column[column] + first : NULL;
    for (unsigned j = 0; j < PLONK_CHALLENGE_COLUMNS; j++)
        b->next[j] = job->column[PLONK_Z + j] != NULL ? b->gathered[j] : NULL;
    for (size_t i = 0; i < b->n; i++) {
        size_t next = plonk_next_point(first + i, job->rows);
        for (unsigned j = 0; j < PLONK_CHALLENGE_COLUMNS; j++)
            if (b->next[j] != NULL)
                b->gathered[j][i] = job->column[PLONK_Z + j][next];
        b->x[i] = job->root[(first + i) / 2];
    }
    b->k->fr_scale(b->x, b->x, &job->shift, b->n);
    for (size_t i = first % 2 == 0; i < b->n; i += 2)
        fr_neg(&b->x[i], &b->x[i]);
}

void plonk_quotient_vec(const struct plonk_quotient_job *job, size_t begin, size_t end)
{
    struct block b = {
        .job = job, .c = job->challenges, .k = field_vec_kernels_of(field_vec_path())};
    fr total[BLOCK];
    for (size_t first = begin; first < end; first += b.n) {
        b.n = end - first < BLOCK ? end - first : BLOCK;
        open_block(&b, first);
        main_value(&b, total);
        add_permutation(&b, total);
        add_lookup(&b, total);
        if (job->shape.has_contraction)
            add_held(&b, total);
        for (unsigned j = 0; j < PLONK_GATED_ROWS; j++) {
            fr minus;
            fr_neg(&minus, &job->tail_root[j]);
            memcpy(b.t, b.x, b.n * sizeof *b.t);
            add_number(b.t, &minus, b.n);
            b.k->fr_mul(total, total, b.t, b.n);
        }
        b.k->fr_scale(job->out + first, total, &job->zero_inverse, b.n);
    }
}
