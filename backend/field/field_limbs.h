/* Portable arithmetic on four 64-bit limbs modulo an odd m < 2^254, least significant limb first.
 *
 * The kernel under fr and fp, written once; the modulus and -1/m mod 2^64 are arguments that the
 * typed wrappers of field_kernel.h pass as constants. Plain C with 128-bit products: it is the path
 * of last resort and the in-house oracle for the assembly.
 *
 * Source: CIOS Montgomery product, Koc, Acar, Kaliski (1996). With m < 2^254 the running sum never
 * needs a fifth limb: after each round it is below 2 max(a, m) <= 4 m < 2^256.
 */
#ifndef SERTN_BACKEND_FIELD_FIELD_LIMBS_H
#define SERTN_BACKEND_FIELD_FIELD_LIMBS_H

#include <stdint.h>

typedef unsigned __int128 limbs_wide;

/* Keeps a limb in a general register: gcc 12 would pack four of them into vector registers, which
 * costs these carry chains a third of their speed. No instruction. */
#if defined(__GNUC__)
#define LIMB_STAYS_SCALAR(limb) __asm__("" : "+r"(limb))
#else
#define LIMB_STAYS_SCALAR(limb) ((void)0)
#endif

/* Returns the low limb of a + b + *carry and sets *carry to the rest (0 or 1). Compilers of today
 * make better code of comparisons than of 128-bit sums here. */
static inline uint64_t limb_adc(uint64_t a, uint64_t b, uint64_t *carry)
{
    uint64_t partial = a + *carry, sum = partial + b;
    *carry = (uint64_t)(partial < a) | (uint64_t)(sum < b);
    return sum;
}

/* Returns the low limb of a - b - *borrow and sets *borrow to 1 when the difference is negative. */
static inline uint64_t limb_sbb(uint64_t a, uint64_t b, uint64_t *borrow)
{
    uint64_t partial = a - b, difference = partial - *borrow;
    *borrow = (uint64_t)(a < b) | (uint64_t)(partial < *borrow);
    return difference;
}

/* Returns the low limb of acc + a b + *carry and sets *carry to the high limb. */
static inline uint64_t limb_mac(uint64_t acc, uint64_t a, uint64_t b, uint64_t *carry)
{
    limbs_wide s = (limbs_wide)a * b + acc + *carry;
    *carry = (uint64_t)(s >> 64);
    return (uint64_t)s;
}

/* r = a when a < m, a - m otherwise. Requires: a < 2 m. */
static inline void limbs_reduce_once(uint64_t r[4], const uint64_t a[4], const uint64_t m[4])
{
    uint64_t d[4], borrow = 0;
    for (int i = 0; i < 4; i++)
        d[i] = limb_sbb(a[i], m[i], &borrow);
    uint64_t keep = 0 - borrow;
    for (int i = 0; i < 4; i++) {
        uint64_t limb = d[i] ^ ((d[i] ^ a[i]) & keep);
        LIMB_STAYS_SCALAR(limb);
        r[i] = limb;
    }
}

/* r = a + b, reduced once by m. Requires: a + b < 2 m <= 2^256. */
static inline void limbs_add(uint64_t r[4], const uint64_t a[4], const uint64_t b[4],
                             const uint64_t m[4])
{
    uint64_t s[4], carry = 0;
    for (int i = 0; i < 4; i++)
        s[i] = limb_adc(a[i], b[i], &carry);
    limbs_reduce_once(r, s, m);
}

/* r = a - b, plus m when negative. Requires: a, b < m (or both below the m passed). */
static inline void limbs_sub(uint64_t r[4], const uint64_t a[4], const uint64_t b[4],
                             const uint64_t m[4])
{
    uint64_t d[4], borrow = 0, carry = 0;
    for (int i = 0; i < 4; i++)
        d[i] = limb_sbb(a[i], b[i], &borrow);
    uint64_t mask = 0 - borrow;
    for (int i = 0; i < 4; i++)
        r[i] = limb_adc(d[i], m[i] & mask, &carry);
}

/* r = a / 2 mod m. Requires: a < m. */
static inline void limbs_half(uint64_t r[4], const uint64_t a[4], const uint64_t m[4])
{
    uint64_t s[4], carry = 0, mask = 0 - (a[0] & 1);
    for (int i = 0; i < 4; i++)
        s[i] = limb_adc(a[i], m[i] & mask, &carry);
    for (int i = 0; i < 3; i++)
        r[i] = s[i] >> 1 | s[i + 1] << 63;
    r[3] = s[3] >> 1;
}

/* r = a b / 2^256 mod m, below 2 m. Requires: a < 2 m and a b <= 2^256 m, as when both are below 2
 * m, or a < m and b < 4 m; neg_inv = -1/m mod 2^64. */
static inline void limbs_mul_lazy(uint64_t r[4], const uint64_t a[4], const uint64_t b[4],
                                  const uint64_t m[4], uint64_t neg_inv)
{
    uint64_t t0 = 0, t1 = 0, t2 = 0, t3 = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t ca = 0, cm = 0;
        t0 = limb_mac(t0, a[0], b[i], &ca);
        uint64_t q = t0 * neg_inv;
        (void)limb_mac(t0, q, m[0], &cm);
        t1 = limb_mac(t1, a[1], b[i], &ca);
        t0 = limb_mac(t1, q, m[1], &cm);
        t2 = limb_mac(t2, a[2], b[i], &ca);
        t1 = limb_mac(t2, q, m[2], &cm);
        t3 = limb_mac(t3, a[3], b[i], &ca);
        t2 = limb_mac(t3, q, m[3], &cm);
        t3 = ca + cm;
    }
    r[0] = t0;
    r[1] = t1;
    r[2] = t2;
    r[3] = t3;
}

/* r = a b / 2^256 mod m, fully reduced. Requires: as limbs_mul_lazy. */
static inline void limbs_mul(uint64_t r[4], const uint64_t a[4], const uint64_t b[4],
                             const uint64_t m[4], uint64_t neg_inv)
{
    uint64_t t[4];
    limbs_mul_lazy(t, a, b, m, neg_inv);
    limbs_reduce_once(r, t, m);
}

/* x, y = x + t, x - t mod 2 m, both below 4 m. Requires: x < 4 m, t < 2 m, m2 = 2 m. */
static inline void limbs_butterfly(uint64_t x[4], uint64_t y[4], const uint64_t t[4],
                                   const uint64_t m2[4])
{
    uint64_t s[4], carry = 0, borrow = 0, carry_back = 0;
    limbs_reduce_once(s, x, m2);
    for (int i = 0; i < 4; i++) {
        uint64_t difference = limb_sbb(s[i], t[i], &borrow);
        x[i] = limb_adc(s[i], t[i], &carry);
        y[i] = limb_adc(difference, m2[i], &carry_back);
    }
}

/* x, d = x + y mod 2 m, x - y + 2 m; x below 2 m, d below 4 m. Requires: x, y < 2 m, m2 = 2 m. */
static inline void limbs_butterfly_back(uint64_t x[4], uint64_t d[4], const uint64_t y[4],
                                        const uint64_t m2[4])
{
    uint64_t s[4], carry = 0, borrow = 0, carry_back = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t difference = limb_sbb(x[i], y[i], &borrow);
        s[i] = limb_adc(x[i], y[i], &carry);
        d[i] = limb_adc(difference, m2[i], &carry_back);
    }
    limbs_reduce_once(x, s, m2);
}

/* r = a / 2^bits mod m, below 2 m. Requires: a < 2 m, 1 <= bits <= 63. */
static inline void limbs_divide_by_power_of_2_lazy(uint64_t r[4], const uint64_t a[4],
                                                   unsigned bits, const uint64_t m[4],
                                                   uint64_t neg_inv)
{
    /* a + q m is a multiple of 2^bits, below (2 + 2^bits) m, so the quotient is below 2 m. */
    uint64_t t[5], q = a[0] * neg_inv & ((UINT64_C(1) << bits) - 1);
    t[4] = 0;
    for (int i = 0; i < 4; i++)
        t[i] = limb_mac(a[i], q, m[i], &t[4]);
    for (int i = 0; i < 4; i++)
        r[i] = t[i] >> bits | t[i + 1] << (64 - bits);
}

/* Returns whether a < b. */
static inline int limbs_less(const uint64_t a[4], const uint64_t b[4])
{
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++)
        (void)limb_sbb(a[i], b[i], &borrow);
    return (int)borrow;
}

#endif
