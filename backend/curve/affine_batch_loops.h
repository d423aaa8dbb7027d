/*
 * The hot loops of affine point additions, compiled once per field path by affine_batch_portable.c
 * and affine_batch_adx.c. affine_batch.c chooses; the contract is affine_batch.h.
 *
 * An addition costs about six products: one for the running product of denominators, two to take
 * its inverse out again, one for the slope, one square and one product for the coordinates. Values
 * stay below 2p between them and are reduced when they are stored.
 *
 * Infinity is (0, 0), and no point of G1 has x = 0 (3 is no square mod p), so x alone tells.
 */
#include "backend/curve/affine_batch.h"
#include "backend/field/field_kernel.h"

/* Products are worth inlining here: a call saves and loads registers that they all need. */
#define FLATTEN __attribute__((flatten))
#define UNLIKELY(condition) __builtin_expect(condition, 0)
/* Additions ahead of the one being read whose operands are asked for, on the way there and on the
 * way back: a block's points are more than the first-level cache keeps in between. */
#define PREFETCH_DISTANCE 16

static inline bool is_infinity(const g1_affine *a)
{
    return fp_is_zero(&a->x);
}

/* The denominator of the slope of a + b when x coordinates agree or a point is infinite: 2y for a
 * doubling, 1 where no slope is needed. */
static __attribute__((noinline)) void rare_denominator(fp *d, const g1_affine *a,
                                                       const g1_affine *b)
{
    if (is_infinity(a) || is_infinity(b) || !fp_eq(&a->y, &b->y))
        *d = fp_one;
    else
        fp_double(d, &a->y);
}

/* d = x_b - x_a, or what rare_denominator says; never zero. Returns whether it is the rare case. */
static inline bool denominator(fp *d, const g1_affine *a, const g1_affine *b)
{
    fp_sub(d, &b->x, &a->x);
    if (UNLIKELY(fp_is_zero(d) || is_infinity(a) || is_infinity(b))) {
        rare_denominator(d, a, b);
        return true;
    }
    return false;
}

/* r = the third point of a line of this numerator / denominator through (x_a, y_a) and one of
 * abscissa x_b, mirrored. y_a, numerator and inverse are lazy. r may be the place of x_a and y_a.
 */
static inline void finish_sum(g1_affine *r, const fp *x_a, const fp *y_a, const fp *x_b,
                              const fp *numerator, const fp *inverse)
{
    fp slope, x, t;
    fp_mul_lazy(&slope, numerator, inverse);
    fp_mul_lazy(&x, &slope, &slope);
    fp_sub_lazy(&x, &x, x_a);
    fp_sub_lazy(&x, &x, x_b);
    fp_reduce(&x, &x);
    fp_sub(&t, x_a, &x);
    fp_mul_lazy(&t, &t, &slope);
    fp_sub_lazy(&t, &t, y_a);
    r->x = x;
    fp_reduce(&r->y, &t);
}

/* r = a + b in the rare cases; inverse is that of rare_denominator. */
static __attribute__((noinline)) void rare_sum(g1_affine *r, const g1_affine *a, const g1_affine *b,
                                               const fp *inverse)
{
    if (is_infinity(a)) {
        *r = *b;
    } else if (is_infinity(b)) {
        *r = *a;
    } else if (!fp_eq(&a->y, &b->y)) {
        *r = (g1_affine){fp_zero, fp_zero};
    } else {
        fp numerator, square;
        const fp x = a->x;
        fp_sqr(&square, &a->x);
        fp_double(&numerator, &square);
        fp_add(&numerator, &numerator, &square);
        finish_sum(r, &a->x, &a->y, &x, &numerator, inverse);
    }
}

/* Running products of every CHAINS-th addition, so that one product need not wait for the one
 * before. */
enum { CHAINS = 4 };
struct chains {
    fp product[CHAINS];
};

/* Replaces all products by their inverses. */
static __attribute__((noinline)) void invert_chains(struct chains *c)
{
    fp before[CHAINS], all = fp_one, t;
    for (int k = 0; k < CHAINS; k++) {
        before[k] = all;
        fp_mul(&all, &all, &c->product[k]);
    }
    fp_inv(&all, &all);
    for (int k = CHAINS; k-- > 0;) {
        fp_mul(&t, &all, &before[k]);
        fp_mul(&all, &all, &c->product[k]);
        c->product[k] = t;
    }
}

/* before[i] becomes the chain of addition i before it; the chains stand at 1 at the last CHAINS. */
static inline void start_chains(struct chains *c, fp *before, size_t n)
{
    for (int k = 0; k < CHAINS; k++)
        c->product[k] = fp_one;
    for (size_t i = n; i > 0 && i + CHAINS > n; i--)
        before[i - 1] = fp_one;
}

/* Takes d into the chain of addition i, which goes on with addition i - CHAINS. */
static inline void take_product(struct chains *c, fp *before, size_t i, const fp *d)
{
    fp_mul_lazy(i >= CHAINS ? &before[i - CHAINS] : &c->product[i], &before[i], d);
}

/* Takes the denominator of addition i. Returns whether it is a rare case. */
static inline bool take_denominator(struct chains *c, fp *before, size_t i, const g1_affine *a,
                                    const g1_affine *b)
{
    fp d;
    bool rare = denominator(&d, a, b);
    take_product(c, before, i, &d);
    return rare;
}

/* What an addition in the usual case reads: its points, the left ordinate and the difference of
 * ordinates, both lazy. */
struct operands {
    const fp *x_a, *x_b;
    fp y_a, numerator;
};

/* r[k] = the sums of additions first .. first + SIDE - 1, in the reverse order of take_product.
 * Step by step side by side: a step waits for the one before it. */
enum { SIDE = 2 };
#define EACH _Pragma("GCC unroll 2") for (int k = 0; k < SIDE; k++)

static inline void finish_usual(struct chains *c, const fp *before, size_t first,
                                g1_affine *const r[SIDE], const struct operands o[SIDE])
{
    fp d[SIDE], inverse[SIDE], slope[SIDE], x[SIDE], t[SIDE];
    EACH
    {
        fp *chain = &c->product[(first + (size_t)k) % CHAINS];
        fp_sub(&d[k], o[k].x_b, o[k].x_a);
        fp_mul_lazy(&inverse[k], chain, &before[k]);
        fp_mul_lazy(chain, chain, &d[k]);
    }
    EACH fp_mul_lazy(&slope[k], &o[k].numerator, &inverse[k]);
    EACH
    {
        fp_mul_lazy(&x[k], &slope[k], &slope[k]);
        fp_sub_lazy(&x[k], &x[k], o[k].x_a);
        fp_sub_lazy(&x[k], &x[k], o[k].x_b);
        fp_reduce(&x[k], &x[k]);
        fp_sub(&t[k], o[k].x_a, &x[k]);
    }
    EACH
    {
        fp_mul_lazy(&t[k], &t[k], &slope[k]);
        fp_sub_lazy(&t[k], &t[k], &o[k].y_a);
        r[k]->x = x[k];
        fp_reduce(&r[k]->y, &t[k]);
    }
}

/* One addition where rare cases may be. */
static __attribute__((noinline)) void finish_any(struct chains *c, const fp *before, size_t i,
                                                 g1_affine *r, const g1_affine *a,
                                                 const g1_affine *b)
{
    fp d, inverse, numerator;
    const fp x_b = b->x;
    bool rare = denominator(&d, a, b);
    fp_mul_lazy(&inverse, &c->product[i % CHAINS], before);
    fp_mul_lazy(&c->product[i % CHAINS], &c->product[i % CHAINS], &d);
    if (rare) {
        rare_sum(r, a, b, &inverse);
        return;
    }
    fp_sub(&numerator, &b->y, &a->y);
    finish_sum(r, &a->x, &a->y, &x_b, &numerator, &inverse);
}

/* The operands of a + b. */
static inline void set_operands(struct operands *o, const g1_affine *a, const g1_affine *b)
{
    o->x_a = &a->x;
    o->x_b = &b->x;
    o->y_a = a->y;
    fp_sub_lazy(&o->numerator, &b->y, &a->y);
}

static inline void prefetch_pair(const g1_affine *a, size_t distance)
{
    __builtin_prefetch(a);
    __builtin_prefetch(a + distance);
}

FLATTEN void FIELD_PATH_NAME(affine_add_pairs)(g1_affine *point, const uint16_t *pair, size_t n,
                                               size_t distance, struct affine_ahead *ahead,
                                               fp *scratch)
{
    struct chains c;
    struct operands o[SIDE];
    bool rare = false;
    start_chains(&c, scratch, n);
    for (size_t i = n; i-- > 0;) {
        const g1_affine *a = &point[pair[i]];
        if (i >= PREFETCH_DISTANCE)
            prefetch_pair(&point[pair[i - PREFETCH_DISTANCE]], distance);
        rare |= take_denominator(&c, scratch, i, a, a + distance);
    }
    invert_chains(&c);
    size_t i = 0;
    for (; !rare && i + SIDE <= n; i += SIDE) {
        g1_affine *r[SIDE];
        if (i % 4 == 0)
            affine_ask_ahead(ahead);
        EACH
        {
            if (i + SIDE + PREFETCH_DISTANCE <= n)
                prefetch_pair(&point[pair[i + (size_t)k + PREFETCH_DISTANCE]], distance);
            r[k] = &point[pair[i + (size_t)k]];
            set_operands(&o[k], r[k], r[k] + distance);
        }
        finish_usual(&c, &scratch[i], i, r, o);
    }
    for (; i < n; i++) {
        g1_affine *a = &point[pair[i]];
        finish_any(&c, &scratch[i], i, a, a, a + distance);
    }
}

FLATTEN void FIELD_PATH_NAME(affine_add_arrays)(g1_affine *r, const g1_affine *a,
                                                const g1_affine *b, size_t n, fp *scratch)
{
    struct chains c;
    struct operands o[SIDE];
    bool rare = false;
    start_chains(&c, scratch, n);
    for (size_t i = n; i-- > 0;)
        rare |= take_denominator(&c, scratch, i, &a[i], &b[i]);
    invert_chains(&c);
    size_t i = 0;
    for (; !rare && i + SIDE <= n; i += SIDE) {
        g1_affine *to[SIDE];
        EACH
        {
            to[k] = &r[i + (size_t)k];
            set_operands(&o[k], &a[i + (size_t)k], &b[i + (size_t)k]);
        }
        finish_usual(&c, &scratch[i], i, to, o);
    }
    for (; i < n; i++)
        finish_any(&c, &scratch[i], i, &r[i], &a[i], &b[i]);
}

void FIELD_PATH_NAME(affine_double_array)(g1_affine *r, const g1_affine *a, size_t n, fp *scratch)
{
    FIELD_PATH_NAME(affine_add_arrays)(r, a, a, n, scratch);
}

/* r = the point of an entry, with its sign. */
static inline void signed_point(g1_affine *r, const g1_affine *source, uint32_t entry)
{
    *r = source[entry >> 1];
    if (entry & 1)
        fp_neg(&r->y, &r->y);
}

static __attribute__((noinline)) void rare_entry_denominator(fp *d, const g1_affine *source,
                                                             const uint32_t *e)
{
    g1_affine a, b;
    signed_point(&a, source, e[0]);
    signed_point(&b, source, e[1]);
    rare_denominator(d, &a, &b);
}

/* r = y, or -y below 2p with `negative` = 1: signs are random, and a branch on them would be
 * guessed wrongly half of the time. Requires: y < p. */
static inline void signed_ordinate(fp *r, const fp *y, uint32_t negative)
{
    const uint64_t mask = 0 - (uint64_t)negative;
    fp taken;
    for (int i = 0; i < 4; i++) {
        r->limb[i] = y->limb[i] & ~mask;
        taken.limb[i] = y->limb[i] & mask;
    }
    fp_sub_lazy(r, r, &taken);
}

/* The operands of the sum of two entries. */
static inline void set_entry_operands(struct operands *o, const g1_affine *source,
                                      const uint32_t *e)
{
    const g1_affine *a = &source[e[0] >> 1], *b = &source[e[1] >> 1];
    o->x_a = &a->x;
    o->x_b = &b->x;
    signed_ordinate(&o->y_a, &a->y, e[0] & 1);
    signed_ordinate(&o->numerator, &b->y, e[1] & 1);
    fp_sub_lazy(&o->numerator, &o->numerator, &o->y_a);
}

static inline void prefetch_entries(const g1_affine *source, const uint32_t *entry)
{
    __builtin_prefetch(&source[entry[0] >> 1]);
    __builtin_prefetch(&source[entry[1] >> 1]);
}

FLATTEN void FIELD_PATH_NAME(affine_add_entries)(g1_affine *out, const uint16_t *to,
                                                 const g1_affine *source, const uint32_t *entry,
                                                 const uint16_t *pair, size_t n,
                                                 struct affine_ahead *ahead, fp *scratch)
{
    struct chains c;
    struct operands o[SIDE];
    bool rare = false;
    start_chains(&c, scratch, n);
    for (size_t i = n; i-- > 0;) {
        const uint32_t *e = &entry[pair[i]];
        const fp *x_a = &source[e[0] >> 1].x, *x_b = &source[e[1] >> 1].x;
        fp d;
        if (i >= PREFETCH_DISTANCE)
            prefetch_entries(source, &entry[pair[i - PREFETCH_DISTANCE]]);
        fp_sub(&d, x_b, x_a);
        if (UNLIKELY(fp_is_zero(&d) || fp_is_zero(x_a) || fp_is_zero(x_b))) {
            rare_entry_denominator(&d, source, e);
            rare = true;
        }
        take_product(&c, scratch, i, &d);
    }
    invert_chains(&c);
    size_t i = 0;
    for (; !rare && i + SIDE <= n; i += SIDE) {
        g1_affine *r[SIDE];
        if (i % 4 == 0)
            affine_ask_ahead(ahead);
        EACH
        {
            if (i + SIDE + PREFETCH_DISTANCE <= n)
                prefetch_entries(source, &entry[pair[i + (size_t)k + PREFETCH_DISTANCE]]);
            r[k] = &out[to[i + (size_t)k]];
            set_entry_operands(&o[k], source, &entry[pair[i + (size_t)k]]);
        }
        finish_usual(&c, &scratch[i], i, r, o);
    }
    for (; i < n; i++) {
        const uint32_t *e = &entry[pair[i]];
        g1_affine a, b;
        signed_point(&a, source, e[0]);
        signed_point(&b, source, e[1]);
        finish_any(&c, &scratch[i], i, &out[to[i]], &a, &b);
    }
}
