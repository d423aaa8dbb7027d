/*
 * Field arithmetic on eight elements at a time: five limbs of 52 bits, one vector of eight a limb.
 *
 * The layer between AVX-512 IFMA and loops over arrays (field_vec_lanes.h and its like). The file
 * that includes it says first what a vector is:
 *   LANES_IFMA      AVX-512 with IFMA, in files named *_ifma.c;
 *   LANES_EMULATED  the same instructions in plain C, so that tests run everything above them on
 *                   any CPU.
 *
 * Three forms, three types. What a function costs is said in vector instructions: a CPU does two a
 * cycle, whatever they are, loads and stores apart.
 *   lanes_words   eight elements as they lie in memory, four words each.
 *   lanes         an integer as the sum of limb[i] 2^(52 i), limbs signed and |limb[i]| < 2^61, so
 *                 that sums and differences need no carries. It is NORMAL when limbs 0 to 3 are in
 *                 [0, 2^52); the top limb then has the sign.
 *   lanes_factor  what products take: an integer in [0, 2^260), carries done, whatever stands above
 *                 bit 51 of a limb being ignored by the instructions.
 *
 * Montgomery. Elements in memory are those of field.h, with R = 2^256. A product here divides by
 * 2^260, all five limbs, which spares shifts by four bits; so a loop over memory takes 16 a as one
 * of its factors (lanes_factor_of_16), and loops of several products choose constants to match.
 *
 * Bounds are multiples of the modulus m; 2^260 > 84 m.
 *   lanes_mul     takes a < x m, b < y m, gives a b / 2^260 mod m below (1.13 + 0.012 x y) m.
 *   lanes_reduce  with k takes [0, 2 k m), gives normal limbs below m.
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
#ifdef LANES_EMULATED
#define LANES_UNROLL
#elif defined(__clang__)
#define LANES_UNROLL _Pragma("unroll")
#else
#define LANES_UNROLL _Pragma("GCC unroll 10")
#endif
/* A product is long, but a call would send ten vectors through memory. */
#ifdef LANES_EMULATED
/* Inlined everywhere, emulated lanes take a compiler minutes. */
#define LANES_INLINE static __attribute__((noinline, unused))
#else
#define LANES_INLINE static inline __attribute__((always_inline))
#endif

#ifdef LANES_EMULATED
#include "backend/field/lanes_emulated.h"
#else
#include "backend/field/lanes_ifma.h"
#endif

#define LANES_LIMB ((UINT64_C(1) << 52) - 1)

struct lanes {
    lane_word limb[5];
};

struct lanes_factor {
    lane_word limb[5];
};

struct lanes_words {
    lane_word word[4];
};

/* Multiples of a modulus that are at hand: 0 to 16 times. */
#define LANES_MULTIPLES 17
/* The units of its top limb that the limbs below may amount to; see lanes_reduce. */
#define LANES_DOUBT 512

/* What lanes need of a modulus m; limbs of 52 bits, least significant first. */
struct lanes_modulus {
    uint64_t multiple[LANES_MULTIPLES][5]; /* [k][i] = k m[i] */
    uint64_t below[LANES_MULTIPLES];       /* LANES_DOUBT - k m[4] mod 2^64 */
    uint64_t sure[LANES_MULTIPLES];        /* k m[4] + LANES_DOUBT + k */
    uint64_t fold[5]; /* (m neg_inv + 1) / 2^52, below m / 7: t and t / 2^52 + (t mod 2^52) fold
                       * agree mod m up to the factor 2^52 */
    uint64_t neg_inv; /* -1/m mod 2^52 */
};

static const uint64_t lanes_limb_mask = LANES_LIMB;

/* Limb i of an integer of four words. */
#define LANES_LIMB_0(w0, w1, w2, w3) ((w0)&LANES_LIMB)
#define LANES_LIMB_1(w0, w1, w2, w3) (((w0) >> 52 | (w1) << 12) & LANES_LIMB)
#define LANES_LIMB_2(w0, w1, w2, w3) (((w1) >> 40 | (w2) << 24) & LANES_LIMB)
#define LANES_LIMB_3(w0, w1, w2, w3) (((w2) >> 28 | (w3) << 36) & LANES_LIMB)
#define LANES_LIMB_4(w0, w1, w2, w3) ((w3) >> 16)
#define LANES_MULTIPLE(k, ...)                                                                     \
    {                                                                                              \
        (k) * LANES_LIMB_0(__VA_ARGS__), (k)*LANES_LIMB_1(__VA_ARGS__),                            \
            (k)*LANES_LIMB_2(__VA_ARGS__), (k)*LANES_LIMB_3(__VA_ARGS__),                          \
            (k)*LANES_LIMB_4(__VA_ARGS__)                                                          \
    }
#define LANES_BELOW(k, ...) (LANES_DOUBT - (k)*LANES_LIMB_4(__VA_ARGS__))
#define LANES_SURE(k, ...) ((k)*LANES_LIMB_4(__VA_ARGS__) + LANES_DOUBT + (k))
/* An entry for each multiple, made by `macro` from its number and the words of the modulus. */
#define LANES_FOR_MULTIPLES(macro, ...)                                                            \
    {                                                                                              \
        macro(0, __VA_ARGS__), macro(1, __VA_ARGS__), macro(2, __VA_ARGS__),                       \
            macro(3, __VA_ARGS__), macro(4, __VA_ARGS__), macro(5, __VA_ARGS__),                   \
            macro(6, __VA_ARGS__), macro(7, __VA_ARGS__), macro(8, __VA_ARGS__),                   \
            macro(9, __VA_ARGS__), macro(10, __VA_ARGS__), macro(11, __VA_ARGS__),                 \
            macro(12, __VA_ARGS__), macro(13, __VA_ARGS__), macro(14, __VA_ARGS__),                \
            macro(15, __VA_ARGS__), macro(16, __VA_ARGS__)                                         \
    }

#define LANES_FR_WORDS                                                                             \
    UINT64_C(0x43e1f593f0000001), UINT64_C(0x2833e84879b97091), UINT64_C(0xb85045b68181585d),      \
        UINT64_C(0x30644e72e131a029)
#define LANES_FP_WORDS                                                                             \
    UINT64_C(0x3c208c16d87cfd47), UINT64_C(0x97816a916871ca8d), UINT64_C(0xb85045b68181585d),      \
        UINT64_C(0x30644e72e131a029)

static const struct lanes_modulus lanes_fr = {
    .multiple = LANES_FOR_MULTIPLES(LANES_MULTIPLE, LANES_FR_WORDS),
    .below = LANES_FOR_MULTIPLES(LANES_BELOW, LANES_FR_WORDS),
    .sure = LANES_FOR_MULTIPLES(LANES_SURE, LANES_FR_WORDS),
    .fold = {0x82e644ee4c3d2, 0xf93893c98b1de, 0xd46fe04d0a4c7, 0x8f0aad55e2a1f, 0x5ed0447de83},
    .neg_inv = FR_NEG_INV & LANES_LIMB,
};

static const struct lanes_modulus lanes_fp = {
    .multiple = LANES_FOR_MULTIPLES(LANES_MULTIPLE, LANES_FP_WORDS),
    .below = LANES_FOR_MULTIPLES(LANES_BELOW, LANES_FP_WORDS),
    .sure = LANES_FOR_MULTIPLES(LANES_SURE, LANES_FP_WORDS),
    .fold = {0xc93a3dee22c55, 0xe15f4ea250777, 0x37f0b49e7cd63, 0x2079e650a0895, 0x6234192d7a1},
    .neg_inv = FP_NEG_INV & LANES_LIMB,
};

/* ---- Reading and writing --------------------------------------------------------------------- */

/* Eight elements of four words that follow each other; 8. Which lane an element goes to is
 * LANE_ORDER, the same for reading and writing. */
LANES_INLINE void lanes_read(struct lanes_words *w, const uint64_t *from)
{
    lane_words_load(w->word, from);
}

LANES_INLINE void lanes_write(uint64_t *to, const struct lanes_words *w)
{
    lane_words_store(to, w->word);
}

/* The element of lane i at at[i]; 12. */
LANES_INLINE void lanes_read_at(struct lanes_words *w, const uint64_t *const at[LANES])
{
    lane_words_gather(w->word, at);
}

LANES_INLINE void lanes_write_at(uint64_t *const at[LANES], const struct lanes_words *w)
{
    lane_words_scatter(at, w->word);
}

/* Every lane takes the same element. */
LANES_INLINE void lanes_broadcast(struct lanes_words *w, const uint64_t from[4])
{
    LANES_UNROLL
    for (int i = 0; i < 4; i++)
        w->word[i] = lane_set1(from[i]);
}

/* Normal limbs; 8. */
LANES_INLINE void lanes_from_words(struct lanes *r, const struct lanes_words *w)
{
    const lane_word *word = w->word, mask = lane_constant(&lanes_limb_mask);
    r->limb[0] = lane_and(word[0], mask);
    r->limb[1] = lane_and(lane_shift_right_pair(word[0], word[1], 52), mask);
    r->limb[2] = lane_and(lane_shift_right_pair(word[1], word[2], 40), mask);
    r->limb[3] = lane_and(lane_shift_right_pair(word[2], word[3], 28), mask);
    r->limb[4] = lane_shift_right(word[3], 16);
}

/* The same as a factor; 4. */
LANES_INLINE void lanes_factor_from_words(struct lanes_factor *r, const struct lanes_words *w)
{
    const lane_word *word = w->word;
    r->limb[0] = word[0];
    r->limb[1] = lane_shift_right_pair(word[0], word[1], 52);
    r->limb[2] = lane_shift_right_pair(word[1], word[2], 40);
    r->limb[3] = lane_shift_right_pair(word[2], word[3], 28);
    r->limb[4] = lane_shift_right(word[3], 16);
}

/* 16 times the elements as a factor; 5. */
LANES_INLINE void lanes_factor_of_16(struct lanes_factor *r, const struct lanes_words *w)
{
    const lane_word *word = w->word;
    r->limb[0] = lane_shift_left(word[0], 4);
    r->limb[1] = lane_shift_right_pair(word[0], word[1], 48);
    r->limb[2] = lane_shift_right_pair(word[1], word[2], 36);
    r->limb[3] = lane_shift_right_pair(word[2], word[3], 24);
    r->limb[4] = lane_shift_right(word[3], 12);
}

/* Requires: a normal, in [0, 2^256); 8. */
LANES_INLINE void lanes_to_words(struct lanes_words *w, const struct lanes *a)
{
    const lane_word *limb = a->limb;
    w->word[0] = lane_or(limb[0], lane_shift_left(limb[1], 52));
    w->word[1] = lane_shift_right_pair(lane_shift_left(limb[1], 12), limb[2], 24);
    w->word[2] = lane_shift_right_pair(lane_shift_left(limb[2], 12), limb[3], 36);
    w->word[3] = lane_shift_right_pair(lane_shift_left(limb[3], 12), limb[4], 48);
}

/* Where the elements are 0 as integers; 4. */
LANES_INLINE lane_mask lanes_are_zero(const struct lanes_words *w)
{
    return lane_is_zero(lane_or(lane_or(w->word[0], w->word[1]), lane_or(w->word[2], w->word[3])));
}

/* Where the integers are equal; 5. */
LANES_INLINE lane_mask lanes_are_equal(const struct lanes_words *a, const struct lanes_words *b)
{
    lane_word difference = lane_zero();
    LANES_UNROLL
    for (int i = 0; i < 4; i++)
        difference = lane_or(difference, lane_xor(a->word[i], b->word[i]));
    return lane_is_zero(difference);
}

/* Vectors of a lanes_factor or of lanes in memory of one's own, without transposition. */
#define LANES_STORED 40

LANES_INLINE void lanes_factor_save(uint64_t to[LANES_STORED], const struct lanes_factor *a)
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        lane_store(to + LANES * i, a->limb[i]);
}

LANES_INLINE void lanes_save(uint64_t to[LANES_STORED], const struct lanes *a)
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        lane_store(to + LANES * i, a->limb[i]);
}

LANES_INLINE void lanes_restore(struct lanes *r, const uint64_t from[LANES_STORED])
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        r->limb[i] = lane_load(from + LANES * i);
}

LANES_INLINE void lanes_factor_restore(struct lanes_factor *r, const uint64_t from[LANES_STORED])
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        r->limb[i] = lane_load(from + LANES * i);
}

/* ---- Sums ------------------------------------------------------------------------------------ */

/* r = a + b; 5. */
LANES_INLINE void lanes_add(struct lanes *r, const struct lanes *a, const struct lanes *b)
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        r->limb[i] = lane_add(a->limb[i], b->limb[i]);
}

/* r = a - b; 5. */
LANES_INLINE void lanes_sub(struct lanes *r, const struct lanes *a, const struct lanes *b)
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        r->limb[i] = lane_sub(a->limb[i], b->limb[i]);
}

/* r = k m in every lane, k < LANES_MULTIPLES; loads only. */
LANES_INLINE void lanes_multiple(struct lanes *r, unsigned k, const struct lanes_modulus *field)
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        r->limb[i] = lane_constant(&field->multiple[k][i]);
}

/* r = 4 a; 5. Requires: limbs of a below 2^59. */
LANES_INLINE void lanes_times_4(struct lanes *r, const struct lanes *a)
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        r->limb[i] = lane_shift_left(a->limb[i], 2);
}

/* Makes r normal; 12. */
LANES_INLINE void lanes_carry(struct lanes *r)
{
    lane_word mask = lane_constant(&lanes_limb_mask);
    LANES_UNROLL
    for (int i = 0; i < 4; i++) {
        r->limb[i + 1] = lane_add(r->limb[i + 1], lane_shift_right_signed(r->limb[i], 52));
        r->limb[i] = lane_and(r->limb[i], mask);
    }
}

/* r = a. Requires: a in [0, 2^260); 8. */
LANES_INLINE void lanes_to_factor(struct lanes_factor *r, const struct lanes *a)
{
    r->limb[0] = a->limb[0];
    LANES_UNROLL
    for (int i = 0; i < 4; i++)
        r->limb[i + 1] = lane_add(a->limb[i + 1], lane_shift_right_signed(r->limb[i], 52));
}

/* r = a. Requires: a normal, in [0, 2^260). */
LANES_INLINE void lanes_normal_factor(struct lanes_factor *r, const struct lanes *a)
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        r->limb[i] = a->limb[i];
}

/* r = a where the mask has a bit, b elsewhere; 5. */
LANES_INLINE void lanes_select(struct lanes *r, lane_mask mask, const struct lanes *a,
                               const struct lanes *b)
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        r->limb[i] = lane_select(mask, a->limb[i], b->limb[i]);
}

/* r = m - r where the mask has a bit; 5. */
LANES_INLINE void lanes_negate_where(struct lanes *r, lane_mask mask,
                                     const struct lanes_modulus *field)
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++) {
        lane_word m = lane_constant(&field->multiple[1][i]);
        r->limb[i] = lane_select(mask, lane_sub(m, r->limb[i]), r->limb[i]);
    }
}

/* r = -m in every lane; 5. */
LANES_INLINE void lanes_minus_modulus(struct lanes *r, const struct lanes_modulus *field)
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        r->limb[i] = lane_sub(lane_zero(), lane_constant(&field->multiple[1][i]));
}

/* a = a - k m where the top limb leaves no doubt that a >= k m; 6. What stays is below (k + 2^-34)
 * m.
 */
LANES_INLINE void lanes_subtract_if_surely_above(struct lanes *a, unsigned k,
                                                 const struct lanes_modulus *field)
{
    lane_mask above = lane_is_greater(a->limb[4], lane_constant(&field->sure[k]));
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        a->limb[i] = lane_sub_where(above, a->limb[i], lane_constant(&field->multiple[k][i]));
}

/* As lanes_reduce, by full comparisons. */
static __attribute__((noinline, cold, unused)) void
lanes_reduce_exactly(struct lanes *r, const struct lanes *a, unsigned k,
                     const struct lanes_modulus *field)
{
    struct lanes x = *a;
    lanes_carry(&x);
    for (; k > 0; k /= 2) {
        struct lanes d, multiple;
        lanes_multiple(&multiple, k, field);
        lanes_sub(&d, &x, &multiple);
        lanes_carry(&d);
        lanes_select(&x, lane_is_greater(lane_zero(), d.limb[4]), &x, &d);
    }
    *r = x;
}

/*
 * r = a mod m, normal, for a in [0, 2 k m), k in 1, 2, 4, 8, 16; 12, and 8 for each halving of k.
 *
 * Whether a >= k m is read off the top limb alone. The limbs below it amount to less than
 * LANES_DOUBT of its units, so that is sure but for one a in 2^36; then all is done again with
 * care.
 */
LANES_INLINE void lanes_reduce(struct lanes *r, const struct lanes *a, unsigned k,
                               const struct lanes_modulus *field)
{
    static const uint64_t half = LANES_DOUBT, width = 2 * LANES_DOUBT + 2 * LANES_MULTIPLES;
    struct lanes x = *a;
    lane_mask doubt = 0;
    LANES_UNROLL
    for (unsigned multiple = k; multiple > 0; multiple /= 2) {
        lane_word above = lane_add(x.limb[4], lane_constant(&field->below[multiple]));
        lane_mask subtract = lane_is_greater(above, lane_constant(&half));
        doubt |= lane_is_below(above, lane_constant(&width));
        LANES_UNROLL
        for (int i = 0; i < 5; i++)
            x.limb[i] =
                lane_sub_where(subtract, x.limb[i], lane_constant(&field->multiple[multiple][i]));
    }
    lanes_carry(&x);
    if (__builtin_expect(doubt != 0, 0))
        lanes_reduce_exactly(&x, a, k, field);
    *r = x;
}

/* ---- Products -------------------------------------------------------------------------------- */

/*
 * Columns t[k] of weight 2^(52 k) collect a b and then multiples of m, so that limb by limb the
 * lowest becomes zero: limbs 0 to 3 by `fold`, which needs no multiplier of its own but leaves a
 * result as large as (t[i] / 2^52) (m / 7) 2^(52 (i + 2)); limb 4 by the multiplier t[4] neg_inv
 * mod 2^52. The rest, columns 5 to 9, is a b / 2^260 and less than (1 + 1/7 + 2^-40) m more.
 */
struct lanes_columns {
    lane_word t[10];
};

/* t[0..5] += a b[0..4]; 10. */
LANES_INLINE void lanes_multiply_add_row(lane_word *t, lane_word a, const lane_word b[5])
{
    LANES_UNROLL
    for (int j = 0; j < 5; j++) {
        t[j] = lane_multiply_add_low(t[j], a, b[j]);
        t[j + 1] = lane_multiply_add_high(t[j + 1], a, b[j]);
    }
}

/* Columns that hold start 2^260; null: 0. */
LANES_INLINE void lanes_columns_start(struct lanes_columns *c, const struct lanes *start)
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++) {
        c->t[i] = lane_zero();
        c->t[5 + i] = start ? start->limb[i] : lane_zero();
    }
}

/* c += a b; 50. A column grows by less than 10 * 2^52, so 256 products fit. */
LANES_INLINE void lanes_columns_add_product(struct lanes_columns *c, const struct lanes_factor *a,
                                            const struct lanes_factor *b)
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        lanes_multiply_add_row(c->t + i, a->limb[i], b->limb);
}

/* Makes limb i of c zero for 0 <= i < 4 in turn, or, last, for i = 4. */
LANES_INLINE void lanes_columns_clear_limb(struct lanes_columns *c, int i,
                                           const struct lanes_modulus *field)
{
    lane_word row[5], factor = c->t[i];
    LANES_UNROLL
    for (int j = 0; j < 5; j++)
        row[j] = lane_constant(i < 4 ? &field->fold[j] : &field->multiple[1][j]);
    if (i == 4)
        factor = lane_multiply_add_low(lane_zero(), c->t[4], lane_constant(&field->neg_inv));
    lanes_multiply_add_row(c->t + (i < 4 ? i + 1 : 4), factor, row);
    c->t[i + 1] = lane_add(c->t[i + 1], lane_shift_right(c->t[i], 52));
}

LANES_INLINE void lanes_columns_finish(struct lanes *r, const struct lanes_columns *c)
{
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        r->limb[i] = c->t[5 + i];
}

/* r = start + a b / 2^260; start may be null, for 0; 111. */
LANES_INLINE void lanes_mul_add(struct lanes *r, const struct lanes_factor *a,
                                const struct lanes_factor *b, const struct lanes *start,
                                const struct lanes_modulus *field)
{
    struct lanes_columns c;
    lanes_columns_start(&c, start);
    LANES_UNROLL
    for (int i = 0; i < 5; i++) {
        lanes_multiply_add_row(c.t + i, a->limb[i], b->limb);
        lanes_columns_clear_limb(&c, i, field);
    }
    lanes_columns_finish(r, &c);
}

LANES_INLINE void lanes_mul(struct lanes *r, const struct lanes_factor *a,
                            const struct lanes_factor *b, const struct lanes_modulus *field)
{
    lanes_mul_add(r, a, b, NULL, field);
}

/* Two of lanes_mul_add side by side, which hides the time that each instruction waits for others:
 * r[k] = start[k] + a[k] b[k] / 2^260. */
LANES_INLINE void lanes_mul_add_2(struct lanes r[2], const struct lanes_factor a[2],
                                  const struct lanes_factor b[2], const struct lanes *start,
                                  const struct lanes_modulus *field)
{
    struct lanes_columns c[2];
    lanes_columns_start(&c[0], start);
    lanes_columns_start(&c[1], start ? start + 1 : NULL);
    LANES_UNROLL
    for (int i = 0; i < 5; i++) {
        lanes_multiply_add_row(c[0].t + i, a[0].limb[i], b[0].limb);
        lanes_multiply_add_row(c[1].t + i, a[1].limb[i], b[1].limb);
        lanes_columns_clear_limb(&c[0], i, field);
        lanes_columns_clear_limb(&c[1], i, field);
    }
    lanes_columns_finish(&r[0], &c[0]);
    lanes_columns_finish(&r[1], &c[1]);
}

/* r = start + a^2 / 2^260; start may be null, for 0; 99. */
LANES_INLINE void lanes_sqr_add(struct lanes *r, const struct lanes_factor *a,
                                const struct lanes *start, const struct lanes_modulus *field)
{
    struct lanes_columns c;
    lanes_columns_start(&c, NULL);
    LANES_UNROLL
    for (int i = 0; i < 4; i++) {
        LANES_UNROLL
        for (int j = i + 1; j < 5; j++) {
            c.t[i + j] = lane_multiply_add_low(c.t[i + j], a->limb[i], a->limb[j]);
            c.t[i + j + 1] = lane_multiply_add_high(c.t[i + j + 1], a->limb[i], a->limb[j]);
        }
    }
    LANES_UNROLL
    for (int i = 1; i < 9; i++)
        c.t[i] = lane_add(c.t[i], c.t[i]);
    LANES_UNROLL
    for (int i = 0; i < 5; i++) {
        c.t[2 * i] = lane_multiply_add_low(c.t[2 * i], a->limb[i], a->limb[i]);
        c.t[2 * i + 1] = lane_multiply_add_high(c.t[2 * i + 1], a->limb[i], a->limb[i]);
    }
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        lanes_columns_clear_limb(&c, i, field);
    LANES_UNROLL
    for (int i = 0; i < 5; i++)
        r->limb[i] = start ? lane_add(start->limb[i], c.t[5 + i]) : c.t[5 + i];
}

#endif
