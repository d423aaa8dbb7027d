/*
 * Field arithmetic on eight elements at a time: five limbs of 52 bits, one vector of eight a limb.
 *
 * The layer between AVX-512 IFMA and loops over arrays (field_vec_lanes.h). The file that includes
 * it says first what a vector is: LANES_IFMA      AVX-512 with IFMA, in files named *_ifma.c;
 *   LANES_EMULATED  the same instructions in plain C, so that tests run everything above them on
 * any CPU.
 *
 * Values. An element is the same integer as in field.h (Montgomery, R = 2^256), so constants are
 * shared. A limb is below 2^52 before and after every function: the multiply-add instructions read
 * 52 bits and would drop the rest in silence. Bounds are multiples of the modulus m; 2^256 > 5.28
 * m. lanes_mul       takes a < x m, b < y m with x y <= 5.28, gives r < 2 m. lanes_add_raw   gives
 * r < (x + y) m. lanes_sub_raw with k takes b < k m, gives r < (x + k) m. lanes_reduce    with k
 * takes a < 2 k m, gives r < k m. k is 1 or 2. lanes_load      reads any 256-bit integers;
 * lanes_store writes them, and field.h wants them < m.
 *
 * Products by halves of doubles (AVX2 with FMA) were measured for this layer on a Zen 3 CPU: 13 to
 * 16 ns a product, 17 to 22 with the transpositions, against 17 ns scalar. So they are not here.
 *
 * Source: S. Gueron, V. Krasnov, Accelerating big integer arithmetic using Intel IFMA extensions,
 * ARITH 2016.
 */
#ifndef SERTN_BACKEND_FIELD_FIELD_LANES_H
#define SERTN_BACKEND_FIELD_FIELD_LANES_H

#include "backend/field/field.h"
#include "backend/field/field_constants.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(LANES_IFMA) == defined(LANES_EMULATED)
#error "define exactly one of LANES_IFMA and LANES_EMULATED before this header"
#endif

/* gcc leaves loops over limbs rolled, and so arrays of limbs in memory, unless told. */
#ifdef __clang__
#define LANES_UNROLL _Pragma("unroll")
#else
#define LANES_UNROLL _Pragma("GCC unroll 10")
#endif

#ifdef LANES_EMULATED
#include "backend/field/lanes_emulated.h"
#else
#include "backend/field/lanes_ifma.h"
#endif

#define LANES_LIMB ((UINT64_C(1) << 52) - 1)

/* Eight elements of one field. */
struct lanes {
    lane_word limb[5];
};

/* What lanes_mul and its like need of a modulus m; limbs of 52 bits, least significant first. */
struct lanes_modulus {
    uint64_t m[5];
    uint64_t neg_inv; /* -1/m mod 2^52 */
    uint64_t fold[5]; /* (m neg_inv + 1) / 2^52: t and t / 2^52 + (t mod 2^52) fold agree mod m
                       * up to the factor 2^52 */
    /* Limbs of k m for subtraction: each but the last at least 2^52, so that no limb of
     * borrow[k - 1] - b is negative for normal b < k m. */
    uint64_t borrow[2][5];
    /* Limbs of 2^260 - k m: adding it carries out of the top limb exactly when a >= k m. */
    uint64_t complement[2][5];
};

/* The limbs of a four-limb integer; usable in constant expressions. */
#define LANES_SPLIT(w0, w1, w2, w3)                                                                \
    {                                                                                              \
        (w0) & LANES_LIMB, ((w0) >> 52 | (w1) << 12) & LANES_LIMB,                                 \
            ((w1) >> 40 | (w2) << 24) & LANES_LIMB, ((w2) >> 28 | (w3) << 36) & LANES_LIMB,        \
            (w3) >> 16                                                                             \
    }

static const struct lanes_modulus lanes_fr = {
    .m = LANES_SPLIT(UINT64_C(0x43e1f593f0000001), UINT64_C(0x2833e84879b97091),
                     UINT64_C(0xb85045b68181585d), UINT64_C(0x30644e72e131a029)),
    .neg_inv = FR_NEG_INV & LANES_LIMB,
    .fold = {0x82e644ee4c3d2, 0xf93893c98b1de, 0xd46fe04d0a4c7, 0x8f0aad55e2a1f, 0x5ed0447de83},
    .borrow = {{0x21f593f0000001, 0x24879b9709143c, 0x2181585d2833e6, 0x2a029b85045b66,
                0x30644e72e12f},
               {0x23eb27e0000002, 0x290f372e12287a, 0x2302b0ba5067ce, 0x2405370a08b6ce,
                0x60c89ce5c261}},
    .complement = {{0xe0a6c0fffffff, 0xb786468f6ebc1, 0xe7ea7a2d7cc17, 0x5fd647afba497,
                    0xfcf9bb18d1ece},
                   {0xc14d81ffffffe, 0x6f0c8d1edd783, 0xcfd4f45af982f, 0xbfac8f5f7492f,
                    0xf9f37631a3d9c}},
};

static const struct lanes_modulus lanes_fp = {
    .m = LANES_SPLIT(UINT64_C(0x3c208c16d87cfd47), UINT64_C(0x97816a916871ca8d),
                     UINT64_C(0xb85045b68181585d), UINT64_C(0x30644e72e131a029)),
    .neg_inv = FP_NEG_INV & LANES_LIMB,
    .fold = {0xc93a3dee22c55, 0xe15f4ea250777, 0x37f0b49e7cd63, 0x2079e650a0895, 0x6234192d7a1},
    .borrow = {{0x208c16d87cfd47, 0x2916871ca8d3c0, 0x2181585d978168, 0x2a029b85045b66,
                0x30644e72e12f},
               {0x21182db0f9fa8e, 0x222d0e3951a782, 0x2302b0bb2f02d3, 0x2405370a08b6ce,
                0x60c89ce5c261}},
    .complement = {{0xf73e9278302b9, 0x6e978e3572c3d, 0xe7ea7a2687e95, 0x5fd647afba497,
                    0xfcf9bb18d1ece},
                   {0xee7d24f060572, 0xdd2f1c6ae587b, 0xcfd4f44d0fd2a, 0xbfac8f5f7492f,
                    0xf9f37631a3d9c}},
};

/* ---- Reading and writing --------------------------------------------------------------------- */

static inline void lanes_from_words(struct lanes *r, const lane_word w[4])
{
    lane_word mask = lane_set1(LANES_LIMB);
    r->limb[0] = lane_and(w[0], mask);
    r->limb[1] = lane_and(lane_or(lane_shift_right(w[0], 52), lane_shift_left(w[1], 12)), mask);
    r->limb[2] = lane_and(lane_or(lane_shift_right(w[1], 40), lane_shift_left(w[2], 24)), mask);
    r->limb[3] = lane_and(lane_or(lane_shift_right(w[2], 28), lane_shift_left(w[3], 36)), mask);
    r->limb[4] = lane_shift_right(w[3], 16);
}

static inline void lanes_to_words(lane_word w[4], const struct lanes *a)
{
    w[0] = lane_or(a->limb[0], lane_shift_left(a->limb[1], 52));
    w[1] = lane_or(lane_shift_right(a->limb[1], 12), lane_shift_left(a->limb[2], 40));
    w[2] = lane_or(lane_shift_right(a->limb[2], 24), lane_shift_left(a->limb[3], 28));
    w[3] = lane_or(lane_shift_right(a->limb[3], 36), lane_shift_left(a->limb[4], 16));
}

/* Lane i reads the four limbs at from + i * stride. */
static inline void lanes_load(struct lanes *r, const uint64_t *from, size_t stride)
{
    const uint64_t *at[LANES];
    lane_word w[4];
    LANES_UNROLL
    for (size_t i = 0; i < LANES; i++)
        at[i] = from + i * stride;
    lane_words_gather(w, at);
    lanes_from_words(r, w);
}

/* Lane i writes the four limbs at to + i * stride. */
static inline void lanes_store(uint64_t *to, size_t stride, const struct lanes *a)
{
    uint64_t *at[LANES];
    lane_word w[4];
    LANES_UNROLL
    for (size_t i = 0; i < LANES; i++)
        at[i] = to + i * stride;
    lanes_to_words(w, a);
    lane_words_scatter(at, w);
}

/* As lanes_load and lanes_store, lane i at at[i]. */
static inline void lanes_gather(struct lanes *r, const uint64_t *const at[LANES])
{
    lane_word w[4];
    lane_words_gather(w, at);
    lanes_from_words(r, w);
}

static inline void lanes_scatter(uint64_t *const at[LANES], const struct lanes *a)
{
    lane_word w[4];
    lanes_to_words(w, a);
    lane_words_scatter(at, w);
}

/* Every lane takes the same element. */
static inline void lanes_broadcast(struct lanes *r, const uint64_t from[4])
{
    lane_word w[4];
    LANES_UNROLL
    for (int i = 0; i < 4; i++)
        w[i] = lane_set1(from[i]);
    lanes_from_words(r, w);
}

/* ---- Arithmetic ------------------------------------------------------------------------------ */

/* Moves what exceeds 52 bits of each limb into the next; the top limb keeps its own. */
static inline void lanes_carry(struct lanes *r)
{
    lane_word mask = lane_set1(LANES_LIMB);
    LANES_UNROLL
    for (int i = 0; i < 4; i++) {
        r->limb[i + 1] = lane_add(r->limb[i + 1], lane_shift_right(r->limb[i], 52));
        r->limb[i] = lane_and(r->limb[i], mask);
    }
}

static inline void lanes_add_raw(struct lanes *r, const struct lanes *a, const struct lanes *b)
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        r->limb[i] = lane_add(a->limb[i], b->limb[i]);
    lanes_carry(r);
}

/* r = a - b + k m. */
static inline void lanes_sub_raw(struct lanes *r, const struct lanes *a, const struct lanes *b,
                                 unsigned k, const struct lanes_modulus *field)
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        r->limb[i] = lane_sub(lane_add(a->limb[i], lane_set1(field->borrow[k - 1][i])), b->limb[i]);
    lanes_carry(r);
}

/* r = mask ? a : b, lane by lane; mask is all ones or all zeros in each. */
static inline void lanes_select(struct lanes *r, lane_word mask, const struct lanes *a,
                                const struct lanes *b)
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        r->limb[i] = lane_select(mask, a->limb[i], b->limb[i]);
}

/* r = a - k m where that is not negative, a elsewhere. */
static inline void lanes_reduce(struct lanes *r, const struct lanes *a, unsigned k,
                                const struct lanes_modulus *field)
{
    struct lanes d;
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        d.limb[i] = lane_add(a->limb[i], lane_set1(field->complement[k - 1][i]));
    lanes_carry(&d);
    /* Bit 52 of the top limb is the carry: a >= k m. */
    lane_word below = lane_zero_mask(lane_shift_right(d.limb[4], 52));
    d.limb[4] = lane_and(d.limb[4], lane_set1(LANES_LIMB));
    lanes_select(r, below, a, &d);
}

/* All ones in the lanes where the integer a is 0 (not where it is a multiple of the modulus). */
static inline lane_word lanes_zero_mask(const struct lanes *a)
{
    lane_word any = a->limb[0];
    LANES_UNROLL
    for (int i = 1; i < 5; i++)
        any = lane_or(any, a->limb[i]);
    return lane_zero_mask(any);
}

/*
 * Products. Columns t[k] of weight 2^(52 k) collect a b and then multiples of m, so that limb by
 * limb the lowest becomes zero: limbs 0 to 2 by `fold`, which needs no multiplier of its own but
 * leaves a result as large as (t[i] / 2^52) m 2^(52 (i + 2)), harmless below i = 3; limb 3 and the
 * low 48 bits of limb 4 by the multiplier t[i] neg_inv mod 2^52 or 2^48. The sum divided by 2^256
 * is a b / 2^256 + m + something below 2^-40 m.
 */

/* The last steps: t[4] has 48 low bits zero, r = sum t[4 + i] 2^(52 i) / 2^48. */
static inline void lanes_finish_product(struct lanes *r, const lane_word t[10])
{
    r->limb[0] = lane_add(lane_shift_right(t[4], 48), lane_shift_left(t[5], 4));
    LANES_UNROLL
    for (int i = 1; i < 5; i++)
        r->limb[i] = lane_shift_left(t[5 + i], 4);
    lanes_carry(r);
}

/* t[0..5] += a b[0..4]. */
static inline void lanes_multiply_add_row(lane_word *t, lane_word a, const lane_word b[5])
{
    LANES_UNROLL
    for (int j = 0; j < 5; j++) {
        t[j] = lane_multiply_add_low(t[j], a, b[j]);
        t[j + 1] = lane_multiply_add_high(t[j + 1], a, b[j]);
    }
}

static inline void lanes_mul(struct lanes *r, const struct lanes *a, const struct lanes *b,
                             const struct lanes_modulus *field)
{
    lane_word t[10], m[5], fold[5], zero = lane_set1(0), neg_inv = lane_set1(field->neg_inv);
    LANES_UNROLL
    for (int i = 0; i < 5; i++) {
        m[i] = lane_set1(field->m[i]);
        fold[i] = lane_set1(field->fold[i]);
    }
    LANES_UNROLL
    for (int i = 0; i < 10; i++)
        t[i] = zero;
    LANES_UNROLL
    for (int i = 0; i < 3; i++) {
        lanes_multiply_add_row(t + i, a->limb[i], b->limb);
        lanes_multiply_add_row(t + i + 1, t[i], fold);
        t[i + 1] = lane_add(t[i + 1], lane_shift_right(t[i], 52));
    }
    LANES_UNROLL
    for (int i = 3; i < 5; i++) {
        lanes_multiply_add_row(t + i, a->limb[i], b->limb);
        lane_word q = lane_multiply_add_low(zero, t[i], neg_inv);
        if (i == 4)
            q = lane_and(q, lane_set1(LANES_LIMB >> 4));
        lanes_multiply_add_row(t + i, q, m);
        if (i == 3)
            t[4] = lane_add(t[4], lane_shift_right(t[3], 52));
    }
    lanes_finish_product(r, t);
}

static inline void lanes_sqr(struct lanes *r, const struct lanes *a,
                             const struct lanes_modulus *field)
{
    lanes_mul(r, a, a, field);
}

#endif
