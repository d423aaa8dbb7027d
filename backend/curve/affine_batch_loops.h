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
/* Additions ahead of the one being read whose operands are asked for. */
#define PREFETCH_DISTANCE 8

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

/* r = the third point of a line of this numerator / denominator through a and one of abscissa x_b,
 * mirrored. inverse is lazy. */
static inline void finish_sum(g1_affine *r, const g1_affine *a, const fp *x_b, const fp *numerator,
                              const fp *inverse)
{
    fp slope, x, t;
    fp_mul_lazy(&slope, numerator, inverse);
    fp_mul_lazy(&x, &slope, &slope);
    fp_sub_lazy(&x, &x, &a->x);
    fp_sub_lazy(&x, &x, x_b);
    fp_reduce(&x, &x);
    fp_sub(&t, &a->x, &x);
    fp_mul_lazy(&t, &t, &slope);
    fp_sub_lazy(&t, &t, &a->y);
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
        finish_sum(r, a, &x, &numerator, inverse);
    }
}

/* r = a + b given the inverse of their denominator, in the usual case. r may be a or b. */
static inline void usual_sum(g1_affine *r, const g1_affine *a, const g1_affine *b,
                             const fp *inverse)
{
    fp numerator;
    const fp x_b = b->x;
    fp_sub(&numerator, &b->y, &a->y);
    finish_sum(r, a, &x_b, &numerator, inverse);
}

/* Two running products, of the even and of the odd additions, so that one product need not wait for
 * the one before. */
struct chains {
    fp product[2];
};

/* Replaces both products by their inverses. */
static __attribute__((noinline)) void invert_chains(struct chains *c)
{
    fp both, even;
    fp_mul(&both, &c->product[0], &c->product[1]);
    fp_inv(&both, &both);
    fp_mul(&even, &both, &c->product[1]);
    fp_mul(&c->product[1], &both, &c->product[0]);
    c->product[0] = even;
}

/* before[i] becomes the chain of addition i before it; the chains stand at 1 at the last two. */
static inline void start_chains(struct chains *c, fp *before, size_t n)
{
    c->product[0] = c->product[1] = fp_one;
    for (size_t i = n; i > 0 && i + 2 > n; i--)
        before[i - 1] = fp_one;
}

/* Takes the denominator of addition i into its chain, which goes on with addition i - 2. Returns
 * whether it is a rare case. */
static inline bool take_denominator(struct chains *c, fp *before, size_t i, const g1_affine *a,
                                    const g1_affine *b)
{
    fp d;
    bool rare = denominator(&d, a, b);
    fp_mul_lazy(i >= 2 ? &before[i - 2] : &c->product[i], &before[i], &d);
    return rare;
}

/* r = a + b for addition i, in the reverse order of take_denominator. */
static inline void finish_usual(struct chains *c, const fp *before, size_t i, g1_affine *r,
                                const g1_affine *a, const g1_affine *b)
{
    fp d, inverse;
    fp_sub(&d, &b->x, &a->x);
    fp_mul_lazy(&inverse, &c->product[i & 1], before);
    fp_mul_lazy(&c->product[i & 1], &c->product[i & 1], &d);
    usual_sum(r, a, b, &inverse);
}

/* The same where rare cases may be. */
static __attribute__((noinline)) void finish_any(struct chains *c, const fp *before, size_t i,
                                                 g1_affine *r, const g1_affine *a,
                                                 const g1_affine *b)
{
    fp d, inverse;
    bool rare = denominator(&d, a, b);
    fp_mul_lazy(&inverse, &c->product[i & 1], before);
    fp_mul_lazy(&c->product[i & 1], &c->product[i & 1], &d);
    if (rare)
        rare_sum(r, a, b, &inverse);
    else
        usual_sum(r, a, b, &inverse);
}

FLATTEN void FIELD_PATH_NAME(affine_add_pairs)(g1_affine *point, const uint16_t *pair, size_t n,
                                               size_t distance, struct affine_ahead *ahead,
                                               fp *scratch)
{
    struct chains c;
    bool rare = false;
    start_chains(&c, scratch, n);
    for (size_t i = n; i-- > 0;) {
        const g1_affine *a = &point[pair[i]];
        rare |= take_denominator(&c, scratch, i, a, a + distance);
    }
    invert_chains(&c);
    if (UNLIKELY(rare)) {
        for (size_t i = 0; i < n; i++) {
            g1_affine *a = &point[pair[i]];
            finish_any(&c, &scratch[i], i, a, a, a + distance);
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        g1_affine *a = &point[pair[i]];
        if (i % 4 == 0)
            affine_ask_ahead(ahead);
        finish_usual(&c, &scratch[i], i, a, a, a + distance);
    }
}

FLATTEN void FIELD_PATH_NAME(affine_add_arrays)(g1_affine *r, const g1_affine *a,
                                                const g1_affine *b, size_t n, fp *scratch)
{
    struct chains c;
    bool rare = false;
    start_chains(&c, scratch, n);
    for (size_t i = n; i-- > 0;)
        rare |= take_denominator(&c, scratch, i, &a[i], &b[i]);
    invert_chains(&c);
    if (UNLIKELY(rare)) {
        for (size_t i = 0; i < n; i++)
            finish_any(&c, &scratch[i], i, &r[i], &a[i], &b[i]);
        return;
    }
    for (size_t i = 0; i < n; i++)
        finish_usual(&c, &scratch[i], i, &r[i], &a[i], &b[i]);
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
    g1_affine a, b;
    bool rare = false;
    start_chains(&c, scratch, n);
    for (size_t i = n; i-- > 0;) {
        const uint32_t *e = &entry[pair[i]];
        if (i >= PREFETCH_DISTANCE)
            prefetch_entries(source, &entry[pair[i - PREFETCH_DISTANCE]]);
        signed_point(&a, source, e[0]);
        signed_point(&b, source, e[1]);
        rare |= take_denominator(&c, scratch, i, &a, &b);
    }
    invert_chains(&c);
    for (size_t i = 0; i < n; i++) {
        const uint32_t *e = &entry[pair[i]];
        if (i % 4 == 0)
            affine_ask_ahead(ahead);
        signed_point(&a, source, e[0]);
        signed_point(&b, source, e[1]);
        if (UNLIKELY(rare))
            finish_any(&c, &scratch[i], i, &out[to[i]], &a, &b);
        else
            finish_usual(&c, &scratch[i], i, &out[to[i]], &a, &b);
    }
}
