/*
 * The array functions of field_vec.h on eight lanes; included by field_vec_ifma.c, and by a test on
 * emulated lanes. Before it: what field_lanes.h and field_kernel.h want, and LANES_NAME(name) for
 * the table. What is left over after whole vectors runs on the scalar kernel.
 */
#include "backend/field/field_kernel.h"
#include "backend/field/field_lanes.h"
#include "backend/field/field_vec.h"

/* Words of one element and of eight. */
#define ELEMENT 4
#define VECTOR (LANES * ELEMENT)

static const uint64_t zero_words[ELEMENT] = {0, 0, 0, 0};

/* ---- Products ---- */

LANES_INLINE void read_factor(struct lanes_factor *r, const uint64_t *from)
{
    struct lanes_words w;
    lanes_read(&w, from);
    lanes_factor_from_words(r, &w);
}

LANES_INLINE void read_factor_of_16(struct lanes_factor *r, const uint64_t *from)
{
    struct lanes_words w;
    lanes_read(&w, from);
    lanes_factor_of_16(r, &w);
}

LANES_INLINE void read_normal(struct lanes *r, const uint64_t *from)
{
    struct lanes_words w;
    lanes_read(&w, from);
    lanes_from_words(r, &w);
}

LANES_INLINE void broadcast_factor_of_16(struct lanes_factor *r, const uint64_t from[ELEMENT])
{
    struct lanes_words w;
    lanes_broadcast(&w, from);
    lanes_factor_of_16(r, &w);
}

/* Writes a mod m; a in [0, 2 k m). */
LANES_INLINE void write_reduced(uint64_t *to, const struct lanes *a, unsigned k,
                                const struct lanes_modulus *field)
{
    struct lanes_words w;
    struct lanes reduced;
    lanes_reduce(&reduced, a, k, field);
    lanes_to_words(&w, &reduced);
    lanes_write(to, &w);
}

/* Vectors i and i + 1 of r = a b, or of r + a b when `sum` is not 0; or only i when not is_pair. */
LANES_INLINE void multiply_vectors(uint64_t *r, const uint64_t *a, const struct lanes_factor y[2],
                                   bool is_pair, bool is_sum, const struct lanes_modulus *field)
{
    struct lanes_factor x[2];
    struct lanes product[2], start[2];
    const unsigned k = is_sum ? 2 : 1;
    read_factor_of_16(&x[0], a);
    if (is_sum)
        read_normal(&start[0], r);
    if (is_pair) {
        read_factor_of_16(&x[1], a + VECTOR);
        if (is_sum)
            read_normal(&start[1], r + VECTOR);
        lanes_mul_add_2(product, x, y, is_sum ? start : NULL, field);
        write_reduced(r, &product[0], k, field);
        write_reduced(r + VECTOR, &product[1], k, field);
    } else {
        lanes_mul_add(&product[0], &x[0], &y[0], is_sum ? start : NULL, field);
        write_reduced(r, &product[0], k, field);
    }
}

/* r = a b over whole vectors, or r + a b. */
LANES_INLINE void multiply_arrays(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t vectors,
                                  bool is_sum, const struct lanes_modulus *field)
{
    struct lanes_factor y[2];
    size_t i = 0;
    for (; i + 2 <= vectors; i += 2) {
        read_factor(&y[0], b + i * VECTOR);
        read_factor(&y[1], b + (i + 1) * VECTOR);
        multiply_vectors(r + i * VECTOR, a + i * VECTOR, y, true, is_sum, field);
    }
    if (i < vectors) {
        read_factor(&y[0], b + i * VECTOR);
        multiply_vectors(r + i * VECTOR, a + i * VECTOR, y, false, is_sum, field);
    }
}

/* r = scalar a over whole vectors, or r + scalar a. */
LANES_INLINE void multiply_by_scalar(uint64_t *r, const uint64_t *a, const uint64_t *scalar,
                                     size_t vectors, bool is_sum, const struct lanes_modulus *field)
{
    struct lanes_words w;
    struct lanes_factor y[2];
    lanes_broadcast(&w, scalar);
    lanes_factor_from_words(&y[0], &w);
    y[1] = y[0];
    size_t i = 0;
    for (; i + 2 <= vectors; i += 2)
        multiply_vectors(r + i * VECTOR, a + i * VECTOR, y, true, is_sum, field);
    if (i < vectors)
        multiply_vectors(r + i * VECTOR, a + i * VECTOR, y, false, is_sum, field);
}

static void lanes_fr_mul(fr *r, const fr *a, const fr *b, size_t n)
{
    if (n >= LANES)
        multiply_arrays(r->limb, a->limb, b->limb, n / LANES, false, &lanes_fr);
    for (size_t i = n - n % LANES; i < n; i++)
        fr_mul(&r[i], &a[i], &b[i]);
}

static void lanes_fp_mul(fp *r, const fp *a, const fp *b, size_t n)
{
    if (n >= LANES)
        multiply_arrays(r->limb, a->limb, b->limb, n / LANES, false, &lanes_fp);
    for (size_t i = n - n % LANES; i < n; i++)
        fp_mul(&r[i], &a[i], &b[i]);
}

static void lanes_fp_sqr(fp *r, const fp *a, size_t n)
{
    lanes_fp_mul(r, a, a, n);
}

static void lanes_fr_mul_add(fr *r, const fr *a, const fr *b, size_t n)
{
    if (n >= LANES)
        multiply_arrays(r->limb, a->limb, b->limb, n / LANES, true, &lanes_fr);
    for (size_t i = n - n % LANES; i < n; i++) {
        fr term;
        fr_mul(&term, &a[i], &b[i]);
        fr_add(&r[i], &r[i], &term);
    }
}

static void lanes_fr_scale(fr *r, const fr *a, const fr *scalar, size_t n)
{
    const fr s = *scalar;
    if (n >= LANES)
        multiply_by_scalar(r->limb, a->limb, s.limb, n / LANES, false, &lanes_fr);
    for (size_t i = n - n % LANES; i < n; i++)
        fr_mul(&r[i], &a[i], &s);
}

static void lanes_fr_axpy(fr *r, const fr *scalar, const fr *a, size_t n)
{
    const fr s = *scalar;
    if (n >= LANES)
        multiply_by_scalar(r->limb, a->limb, s.limb, n / LANES, true, &lanes_fr);
    for (size_t i = n - n % LANES; i < n; i++) {
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
    enum { ROUND = STREAMS * LANES };
    fr power = *first, step = *base;
    const fr b = *base;
    for (size_t i = 0; i < n && i < LANES; i++) {
        r[i] = power;
        fr_mul(&power, &power, &b);
    }
    size_t i = LANES;
    /* Doubles what there is until each stream has its vector. */
    for (int j = 0; j < 3; j++)
        fr_sqr(&step, &step);
    for (; i < n && i < ROUND; i *= 2) {
        lanes_fr_scale(r + i, r, &step, n - i < i ? n - i : i);
        fr_sqr(&step, &step);
    }
    if (i >= n)
        return;
    struct lanes_factor stream[STREAMS], factor[STREAMS];
    for (int s = 0; s < STREAMS; s++) {
        read_factor(&stream[s], r[s * LANES].limb);
        broadcast_factor_of_16(&factor[s], step.limb);
    }
    for (; i + ROUND <= n; i += ROUND) {
        for (int s = 0; s < STREAMS; s += 2) {
            struct lanes product[2];
            lanes_mul_add_2(product, &stream[s], &factor[s], NULL, &lanes_fr);
            for (int j = 0; j < 2; j++) {
                lanes_to_factor(&stream[s + j], &product[j]);
                write_reduced(r[i + (size_t)(s + j) * LANES].limb, &product[j], 1, &lanes_fr);
            }
        }
    }
    lanes_fr_scale(r + i, r + i - ROUND, &step, n - i);
}

/* Products of one sum of columns. */
#define DOT_BLOCK 256

/* *r = sum a b over whole vectors. */
static void dot_vectors(fr *r, const uint64_t *a, const uint64_t *b, size_t vectors)
{
    fr part[LANES];
    struct lanes sum, one;
    struct lanes_factor x, y;
    struct lanes_words w;
    lanes_multiple(&sum, 0, &lanes_fr);
    for (size_t i = 0; i < vectors;) {
        size_t end = vectors - i < DOT_BLOCK ? vectors : i + DOT_BLOCK;
        struct lanes_columns c;
        lanes_columns_start(&c, &sum);
        for (; i < end; i++) {
            read_factor(&x, a + i * VECTOR);
            read_factor(&y, b + i * VECTOR);
            lanes_columns_add_product(&c, &x, &y);
        }
        LANES_UNROLL
        for (int k = 0; k < 5; k++)
            lanes_columns_clear_limb(&c, k, &lanes_fr);
        lanes_columns_finish(&sum, &c);
        /* Below (1 + 256 * 0.012 + 1.13) m. */
        lanes_reduce(&one, &sum, 4, &lanes_fr);
        sum = one;
    }
    lanes_to_words(&w, &sum);
    lanes_write(part[0].limb, &w);
    fr total = {{0, 0, 0, 0}};
    for (size_t i = 0; i < LANES; i++)
        fr_add(&total, &total, &part[i]);
    /* From a division by 2^260 to one by 2^256. */
    for (int i = 0; i < 4; i++)
        fr_double(&total, &total);
    *r = total;
}

static void lanes_fr_dot(fr *r, const fr *a, const fr *b, size_t n)
{
    fr total = {{0, 0, 0, 0}};
    if (n >= LANES)
        dot_vectors(&total, a->limb, b->limb, n / LANES);
    for (size_t i = n - n % LANES; i < n; i++) {
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
LANES_INLINE lane_mask read_nonzero(struct lanes_factor *x, const uint64_t *a,
                                    const uint64_t *one_words)
{
    struct lanes_words w, one;
    lanes_read(&w, a);
    lanes_broadcast(&one, one_words);
    lane_mask zero = lanes_are_zero(&w);
    for (int i = 0; i < ELEMENT; i++)
        w.word[i] = lane_select(zero, one.word[i], w.word[i]);
    lanes_factor_from_words(x, &w);
    return zero;
}

/* Products drop a factor 2^4 each; what the way forward drops, the way back finds again. */
LANES_INLINE void chain_products(uint64_t *chain, uint64_t *scratch, const uint64_t *a,
                                 size_t rounds, const uint64_t *one_words,
                                 const struct lanes_modulus *field)
{
    struct lanes product[STREAMS];
    struct lanes_factor acc[STREAMS], x[STREAMS];
    struct lanes_words one, w;
    lanes_broadcast(&one, one_words);
    for (int s = 0; s < STREAMS; s++)
        lanes_from_words(&product[s], &one);
    for (size_t i = 0; i < rounds; i++) {
        for (int s = 0; s < STREAMS; s++) {
            size_t at = i * STREAMS * VECTOR + (size_t)s * VECTOR;
            (void)read_nonzero(&x[s], a + at, one_words);
            lanes_carry(&product[s]);
            lanes_to_words(&w, &product[s]);
            lanes_write(scratch + at, &w);
            lanes_to_factor(&acc[s], &product[s]);
        }
        for (int s = 0; s < STREAMS; s += 2)
            lanes_mul_add_2(&product[s], &acc[s], &x[s], NULL, field);
    }
    for (int s = 0; s < STREAMS; s++)
        write_reduced(chain + s * VECTOR, &product[s], 1, field);
}

/* The way back: chain holds the inverses of the whole products. */
LANES_INLINE void chain_inverses(uint64_t *a, const uint64_t *scratch, const uint64_t *chain,
                                 size_t rounds, const uint64_t *one_words,
                                 const struct lanes_modulus *field)
{
    struct lanes_factor acc[STREAMS];
    struct lanes none;
    struct lanes_words zero;
    lanes_broadcast(&zero, zero_words);
    lanes_from_words(&none, &zero);
    for (int s = 0; s < STREAMS; s++)
        read_factor(&acc[s], chain + s * VECTOR);
    for (size_t i = rounds; i-- > 0;) {
        for (int s = 0; s < STREAMS; s++) {
            size_t at = i * STREAMS * VECTOR + (size_t)s * VECTOR;
            struct lanes_factor x[2], twice[2] = {acc[s], acc[s]};
            struct lanes product[2];
            read_factor(&x[0], scratch + at);
            lane_mask is_zero = read_nonzero(&x[1], a + at, one_words);
            lanes_mul_add_2(product, x, twice, NULL, field);
            lanes_to_factor(&acc[s], &product[1]);
            lanes_select(&product[0], is_zero, &none, &product[0]);
            write_reduced(a + at, &product[0], 1, field);
        }
    }
}

static void lanes_fr_batch_inv(fr *a, size_t n, fr *scratch)
{
    fr chain[2 * CHAINS], spare[2 * CHAINS];
    size_t rounds = n / CHAINS, whole = rounds * CHAINS;
    if (rounds == 0) {
        fr_batch_inv(a, n, scratch);
        return;
    }
    chain_products(chain[0].limb, scratch[0].limb, a[0].limb, rounds, fr_one.limb, &lanes_fr);
    for (size_t i = whole; i < n; i++)
        chain[CHAINS + i - whole] = a[i];
    fr_batch_inv(chain, CHAINS + n - whole, spare);
    chain_inverses(a[0].limb, scratch[0].limb, chain[0].limb, rounds, fr_one.limb, &lanes_fr);
    for (size_t i = whole; i < n; i++)
        a[i] = chain[CHAINS + i - whole];
}

static void lanes_fp_batch_inv(fp *a, size_t n, fp *scratch)
{
    fp chain[2 * CHAINS], spare[2 * CHAINS];
    size_t rounds = n / CHAINS, whole = rounds * CHAINS;
    if (rounds == 0) {
        fp_batch_inv(a, n, scratch);
        return;
    }
    chain_products(chain[0].limb, scratch[0].limb, a[0].limb, rounds, fp_one.limb, &lanes_fp);
    for (size_t i = whole; i < n; i++)
        chain[CHAINS + i - whole] = a[i];
    fp_batch_inv(chain, CHAINS + n - whole, spare);
    chain_inverses(a[0].limb, scratch[0].limb, chain[0].limb, rounds, fp_one.limb, &lanes_fp);
    for (size_t i = whole; i < n; i++)
        a[i] = chain[CHAINS + i - whole];
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
