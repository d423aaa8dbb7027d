/*
 * The array functions of field_vec.h on eight lanes; included by field_vec_ifma.c, and by a test on
 * emulated lanes. Before it: what field_lanes.h and field_kernel.h want, and LANES_NAME(name) for
 * the table. What is left over after whole vectors runs on the scalar kernel.
 */
#include "backend/field/field_kernel.h"
#include "backend/field/field_lanes.h"
#include "backend/field/field_vec.h"

/* Limbs from one element to the next. */
#define ELEMENT 4

/* ---- Products ---- */

static void lanes_vec_mul(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t vectors,
                          const struct lanes_modulus *field)
{
    for (size_t i = 0; i < vectors; i++) {
        struct lanes x, y;
        lanes_load(&x, a + i * LANES * ELEMENT, ELEMENT);
        lanes_load(&y, b + i * LANES * ELEMENT, ELEMENT);
        lanes_mul(&x, &x, &y, field);
        lanes_reduce(&x, &x, 1, field);
        lanes_store(r + i * LANES * ELEMENT, ELEMENT, &x);
    }
}

static void lanes_fr_mul(fr *r, const fr *a, const fr *b, size_t n)
{
    if (n >= LANES)
        lanes_vec_mul(r->limb, a->limb, b->limb, n / LANES, &lanes_fr);
    for (size_t i = n - n % LANES; i < n; i++)
        fr_mul(&r[i], &a[i], &b[i]);
}

static void lanes_fp_mul(fp *r, const fp *a, const fp *b, size_t n)
{
    if (n >= LANES)
        lanes_vec_mul(r->limb, a->limb, b->limb, n / LANES, &lanes_fp);
    for (size_t i = n - n % LANES; i < n; i++)
        fp_mul(&r[i], &a[i], &b[i]);
}

static void lanes_fp_sqr(fp *r, const fp *a, size_t n)
{
    lanes_fp_mul(r, a, a, n);
}

/* sum = sum + product, both below 2 m before, below m after. */
static void lanes_accumulate(struct lanes *sum, const struct lanes *product)
{
    lanes_add_raw(sum, sum, product);
    lanes_reduce(sum, sum, 2, &lanes_fr);
    lanes_reduce(sum, sum, 1, &lanes_fr);
}

static void lanes_fr_mul_add(fr *r, const fr *a, const fr *b, size_t n)
{
    size_t whole = n - n % LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        struct lanes x, y, sum;
        lanes_load(&x, a[i].limb, ELEMENT);
        lanes_load(&y, b[i].limb, ELEMENT);
        lanes_load(&sum, r[i].limb, ELEMENT);
        lanes_mul(&x, &x, &y, &lanes_fr);
        lanes_accumulate(&sum, &x);
        lanes_store(r[i].limb, ELEMENT, &sum);
    }
    for (size_t i = whole; i < n; i++) {
        fr term;
        fr_mul(&term, &a[i], &b[i]);
        fr_add(&r[i], &r[i], &term);
    }
}

static void lanes_fr_scale(fr *r, const fr *a, const fr *scalar, size_t n)
{
    size_t whole = n - n % LANES;
    fr s = *scalar;
    struct lanes factor, x;
    lanes_broadcast(&factor, s.limb);
    for (size_t i = 0; i < whole; i += LANES) {
        lanes_load(&x, a[i].limb, ELEMENT);
        lanes_mul(&x, &x, &factor, &lanes_fr);
        lanes_reduce(&x, &x, 1, &lanes_fr);
        lanes_store(r[i].limb, ELEMENT, &x);
    }
    for (size_t i = whole; i < n; i++)
        fr_mul(&r[i], &a[i], &s);
}

static void lanes_fr_axpy(fr *r, const fr *scalar, const fr *a, size_t n)
{
    size_t whole = n - n % LANES;
    fr s = *scalar;
    struct lanes factor, x, sum;
    lanes_broadcast(&factor, s.limb);
    for (size_t i = 0; i < whole; i += LANES) {
        lanes_load(&x, a[i].limb, ELEMENT);
        lanes_load(&sum, r[i].limb, ELEMENT);
        lanes_mul(&x, &x, &factor, &lanes_fr);
        lanes_accumulate(&sum, &x);
        lanes_store(r[i].limb, ELEMENT, &sum);
    }
    for (size_t i = whole; i < n; i++) {
        fr term;
        fr_mul(&term, &a[i], &s);
        fr_add(&r[i], &r[i], &term);
    }
}

/* ---- Powers and sums ---- */

/* Vectors in flight where each product waits for the one before it. */
#define STREAMS 4

static void lanes_fr_powers(fr *r, const fr *first, const fr *base, size_t n)
{
    enum { HEAD = STREAMS * LANES };
    fr b = *base, power = *first, step;
    for (size_t i = 0; i < n && i < HEAD; i++) {
        r[i] = power;
        fr_mul(&power, &power, &b);
    }
    if (n <= HEAD)
        return;
    fr_pow_u64(&step, &b, HEAD);
    size_t whole = n - n % LANES;
    struct lanes factor;
    lanes_broadcast(&factor, step.limb);
    /* Each vector from the one HEAD elements before it. */
    for (size_t i = HEAD; i < whole; i += LANES) {
        struct lanes x;
        lanes_load(&x, r[i - HEAD].limb, ELEMENT);
        lanes_mul(&x, &x, &factor, &lanes_fr);
        lanes_reduce(&x, &x, 1, &lanes_fr);
        lanes_store(r[i].limb, ELEMENT, &x);
    }
    for (size_t i = whole; i < n; i++)
        fr_mul(&r[i], &r[i - HEAD], &step);
}

static void lanes_fr_dot(fr *r, const fr *a, const fr *b, size_t n)
{
    size_t whole = n - n % LANES;
    fr part[LANES], total = {{0, 0, 0, 0}};
    struct lanes sum, x, y;
    lanes_broadcast(&sum, total.limb);
    for (size_t i = 0; i < whole; i += LANES) {
        lanes_load(&x, a[i].limb, ELEMENT);
        lanes_load(&y, b[i].limb, ELEMENT);
        lanes_mul(&x, &x, &y, &lanes_fr);
        lanes_add_raw(&sum, &sum, &x);
        lanes_reduce(&sum, &sum, 2, &lanes_fr);
    }
    lanes_reduce(&sum, &sum, 1, &lanes_fr);
    lanes_store(part[0].limb, ELEMENT, &sum);
    for (size_t i = 0; i < LANES; i++)
        fr_add(&total, &total, &part[i]);
    for (size_t i = whole; i < n; i++) {
        fr term;
        fr_mul(&term, &a[i], &b[i]);
        fr_add(&total, &total, &term);
    }
    *r = total;
}

/* ---- Batch inversion ---- */

/* Elements of one round: each lane of each stream is a chain of products of its own. */
#define CHAINS (STREAMS * LANES)

/* x = the elements at a, with `one` in place of zeros; returns where they are zero. */
static lane_word load_nonzero(struct lanes *x, const uint64_t *a, const struct lanes *one)
{
    lanes_load(x, a, ELEMENT);
    lane_word zero = lanes_zero_mask(x);
    lanes_select(x, zero, one, x);
    return zero;
}

/* scratch = the product of the chain before each element; chain = the whole products, below m. */
static void lanes_chain_products(uint64_t *chain, uint64_t *scratch, const uint64_t *a,
                                 size_t rounds, const uint64_t *one_limbs,
                                 const struct lanes_modulus *field)
{
    struct lanes acc[STREAMS], one, x;
    lanes_broadcast(&one, one_limbs);
    for (size_t s = 0; s < STREAMS; s++)
        acc[s] = one;
    for (size_t i = 0; i < rounds; i++) {
        for (size_t s = 0; s < STREAMS; s++) {
            size_t at = (i * CHAINS + s * LANES) * ELEMENT;
            (void)load_nonzero(&x, a + at, &one);
            lanes_store(scratch + at, ELEMENT, &acc[s]);
            lanes_mul(&acc[s], &acc[s], &x, field);
        }
    }
    for (size_t s = 0; s < STREAMS; s++) {
        lanes_reduce(&acc[s], &acc[s], 1, field);
        lanes_store(chain + s * LANES * ELEMENT, ELEMENT, &acc[s]);
    }
}

/* The way back: chain holds the inverses of the whole products. */
static void lanes_chain_inverses(uint64_t *a, const uint64_t *scratch, const uint64_t *chain,
                                 size_t rounds, const uint64_t *one_limbs,
                                 const struct lanes_modulus *field)
{
    struct lanes acc[STREAMS], one, none, x, before;
    const uint64_t zero_limbs[4] = {0, 0, 0, 0};
    lanes_broadcast(&one, one_limbs);
    lanes_broadcast(&none, zero_limbs);
    for (size_t s = 0; s < STREAMS; s++)
        lanes_load(&acc[s], chain + s * LANES * ELEMENT, ELEMENT);
    for (size_t i = rounds; i-- > 0;) {
        for (size_t s = 0; s < STREAMS; s++) {
            size_t at = (i * CHAINS + s * LANES) * ELEMENT;
            lane_word zero = load_nonzero(&x, a + at, &one);
            lanes_load(&before, scratch + at, ELEMENT);
            lanes_mul(&before, &before, &acc[s], field);
            lanes_mul(&acc[s], &acc[s], &x, field);
            lanes_reduce(&before, &before, 1, field);
            lanes_select(&before, zero, &none, &before);
            lanes_store(a + at, ELEMENT, &before);
        }
    }
}

static void lanes_fr_batch_inv(fr *a, size_t n, fr *scratch)
{
    fr chain[CHAINS], spare[CHAINS];
    size_t rounds = n / CHAINS, whole = rounds * CHAINS;
    if (rounds > 0) {
        lanes_chain_products(chain[0].limb, scratch[0].limb, a[0].limb, rounds, fr_one.limb,
                             &lanes_fr);
        fr_batch_inv(chain, CHAINS, spare);
        lanes_chain_inverses(a[0].limb, scratch[0].limb, chain[0].limb, rounds, fr_one.limb,
                             &lanes_fr);
    }
    if (whole < n)
        fr_batch_inv(a + whole, n - whole, scratch + whole);
}

static void lanes_fp_batch_inv(fp *a, size_t n, fp *scratch)
{
    fp chain[CHAINS], spare[CHAINS];
    size_t rounds = n / CHAINS, whole = rounds * CHAINS;
    if (rounds > 0) {
        lanes_chain_products(chain[0].limb, scratch[0].limb, a[0].limb, rounds, fp_one.limb,
                             &lanes_fp);
        fp_batch_inv(chain, CHAINS, spare);
        lanes_chain_inverses(a[0].limb, scratch[0].limb, chain[0].limb, rounds, fp_one.limb,
                             &lanes_fp);
    }
    if (whole < n)
        fp_batch_inv(a + whole, n - whole, scratch + whole);
}

/* Sums cost less than the transpositions around them, so they stay scalar. */
static void lanes_fr_add(fr *r, const fr *a, const fr *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fr_add(&r[i], &a[i], &b[i]);
}

static void lanes_fr_sub(fr *r, const fr *a, const fr *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fr_sub(&r[i], &a[i], &b[i]);
}

static void lanes_fp_add(fp *r, const fp *a, const fp *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fp_add(&r[i], &a[i], &b[i]);
}

static void lanes_fp_sub(fp *r, const fp *a, const fp *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fp_sub(&r[i], &a[i], &b[i]);
}

const struct field_vec_kernels LANES_NAME(field_vec_kernels) = {
    .fr_add = lanes_fr_add,
    .fr_sub = lanes_fr_sub,
    .fr_mul = lanes_fr_mul,
    .fr_mul_add = lanes_fr_mul_add,
    .fr_scale = lanes_fr_scale,
    .fr_axpy = lanes_fr_axpy,
    .fr_powers = lanes_fr_powers,
    .fr_dot = lanes_fr_dot,
    .fr_batch_inv = lanes_fr_batch_inv,
    .fp_add = lanes_fp_add,
    .fp_sub = lanes_fp_sub,
    .fp_mul = lanes_fp_mul,
    .fp_sqr = lanes_fp_sqr,
    .fp_batch_inv = lanes_fp_batch_inv,
};
