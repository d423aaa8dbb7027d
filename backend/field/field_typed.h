/* The functions fr and fp share, written once over limb kernels and included by fr.c and fp.c, each
 * of which defines
 *   FIELD_T          the element type,
 *   FIELD(name)      the function or constant of that field, fr_name or fp_name,
 *   FIELD_NEG_INV    -1/modulus mod 2^64.
 * Contracts are in field.h.
 */
#include "backend/field/field_constants.h"
#include "backend/field/field_inv.h"
#include "backend/field/field_limbs.h"
#include "backend/field/field_limbs_adx.h"
#include "backend/field/field_path.h"
#include "backend/field/system_random.h"

#include <string.h>

const FIELD_T FIELD(zero) = {{0, 0, 0, 0}};

static const uint64_t limbs_zero[4] = {0, 0, 0, 0};

/* ---- ring ---- */

#if FIELD_BUILD_ADX
/* These two use the base instruction set alone, so they need no choice of path. */
#define typed_add limbs_add_adx
#define typed_sub limbs_sub_adx
#else
#define typed_add limbs_add
#define typed_sub limbs_sub
#endif

void FIELD(add)(FIELD_T *r, const FIELD_T *a, const FIELD_T *b)
{
    typed_add(r->limb, a->limb, b->limb, FIELD(m));
}

void FIELD(sub)(FIELD_T *r, const FIELD_T *a, const FIELD_T *b)
{
    typed_sub(r->limb, a->limb, b->limb, FIELD(m));
}

void FIELD(neg)(FIELD_T *r, const FIELD_T *a)
{
    typed_sub(r->limb, limbs_zero, a->limb, FIELD(m));
}

void FIELD(double)(FIELD_T *r, const FIELD_T *a)
{
    typed_add(r->limb, a->limb, a->limb, FIELD(m));
}

void FIELD(half)(FIELD_T *r, const FIELD_T *a)
{
    limbs_half(r->limb, a->limb, FIELD(m));
}

static inline void mul_limbs(uint64_t r[4], const uint64_t a[4], const uint64_t b[4])
{
#if FIELD_BUILD_ADX
    if (__builtin_expect(field_uses_adx(), 1)) {
        limbs_mul_adx(r, a, b, FIELD(m), FIELD_NEG_INV);
        return;
    }
#endif
    limbs_mul(r, a, b, FIELD(m), FIELD_NEG_INV);
}

void FIELD(mul)(FIELD_T *r, const FIELD_T *a, const FIELD_T *b)
{
    mul_limbs(r->limb, a->limb, b->limb);
}

void FIELD(sqr)(FIELD_T *r, const FIELD_T *a)
{
    mul_limbs(r->limb, a->limb, a->limb);
}

/* ---- powers and inverses ---- */

void FIELD(pow)(FIELD_T *r, const FIELD_T *a, const uint64_t *e, size_t e_limbs)
{
    FIELD_T base = *a, acc = FIELD(one);
    bool started = false;
    for (size_t i = e_limbs; i-- > 0;) {
        for (int bit = 63; bit >= 0; bit--) {
            if (started)
                FIELD(sqr)(&acc, &acc);
            if (e[i] >> bit & 1) {
                FIELD(mul)(&acc, &acc, &base);
                started = true;
            }
        }
    }
    *r = acc;
}

void FIELD(pow_u64)(FIELD_T *r, const FIELD_T *a, uint64_t e)
{
    FIELD(pow)(r, a, &e, 1);
}

void FIELD(inv)(FIELD_T *r, const FIELD_T *a)
{
    /* a = x R, so 1/a = 1/(x R); two factors R^2 / R bring it to R/x. */
    uint64_t t[4];
    limbs_inverse(t, a->limb, FIELD(m), FIELD_NEG_INV);
    mul_limbs(r->limb, t, FIELD(r3));
}

void FIELD(inv_consttime)(FIELD_T *r, const FIELD_T *a)
{
    /* The exponent modulus - 2 is public, so branching on its bits tells nothing. */
    uint64_t e[4] = {FIELD(m)[0] - 2, FIELD(m)[1], FIELD(m)[2], FIELD(m)[3]};
    FIELD(pow)(r, a, e, 4);
}

void FIELD(batch_inv)(FIELD_T *a, size_t n, FIELD_T *scratch)
{
    FIELD_T acc = FIELD(one);
    for (size_t i = 0; i < n; i++) {
        scratch[i] = acc;
        if (!FIELD(is_zero)(&a[i]))
            FIELD(mul)(&acc, &acc, &a[i]);
    }
    FIELD(inv)(&acc, &acc);
    for (size_t i = n; i-- > 0;) {
        if (FIELD(is_zero)(&a[i]))
            continue;
        FIELD_T inverse;
        FIELD(mul)(&inverse, &acc, &scratch[i]);
        FIELD(mul)(&acc, &acc, &a[i]);
        a[i] = inverse;
    }
}

bool FIELD(is_square)(const FIELD_T *a)
{
    /* Euler: a^((m-1)/2) is 1 for squares, -1 for the rest. */
    uint64_t e[4];
    for (int i = 0; i < 3; i++)
        e[i] = FIELD(m)[i] >> 1 | FIELD(m)[i + 1] << 63;
    e[3] = FIELD(m)[3] >> 1;
    FIELD_T t;
    FIELD(pow)(&t, a, e, 4);
    return FIELD(is_zero)(a) || FIELD(is_one)(&t);
}

/* ---- comparison and choice ---- */

bool FIELD(eq)(const FIELD_T *a, const FIELD_T *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

bool FIELD(is_zero)(const FIELD_T *a)
{
    return (a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}

bool FIELD(is_one)(const FIELD_T *a)
{
    return FIELD(eq)(a, &FIELD(one));
}

int FIELD(cmp)(const FIELD_T *a, const FIELD_T *b)
{
    uint64_t x[4], y[4];
    FIELD(to_limbs)(x, a);
    FIELD(to_limbs)(y, b);
    return limbs_less(y, x) - limbs_less(x, y);
}

void FIELD(select_consttime)(FIELD_T *r, const FIELD_T *a, const FIELD_T *b, uint64_t flag)
{
    uint64_t mask = 0 - flag;
    for (int i = 0; i < 4; i++)
        r->limb[i] = a->limb[i] ^ (mask & (a->limb[i] ^ b->limb[i]));
}

bool FIELD(eq_consttime)(const FIELD_T *a, const FIELD_T *b)
{
    uint64_t d = 0;
    for (int i = 0; i < 4; i++)
        d |= a->limb[i] ^ b->limb[i];
    return (1 & ~((d | (0 - d)) >> 63)) != 0;
}

void FIELD(wipe)(FIELD_T *a, size_t n)
{
    if (n == 0)
        return;
    memset(a, 0, n * sizeof *a);
    /* Tells the compiler that somebody reads the zeros. */
    __asm__ volatile("" : : "r"(a) : "memory");
}

/* ---- conversion ---- */

void FIELD(to_limbs)(uint64_t out[4], const FIELD_T *a)
{
    static const uint64_t one[4] = {1, 0, 0, 0};
    mul_limbs(out, a->limb, one);
}

bool FIELD(from_limbs)(FIELD_T *r, const uint64_t in[4])
{
    if (!limbs_less(in, FIELD(m))) {
        *r = FIELD(zero);
        return false;
    }
    mul_limbs(r->limb, in, FIELD(r2));
    return true;
}

void FIELD(from_u64)(FIELD_T *r, uint64_t v)
{
    uint64_t t[4] = {v, 0, 0, 0};
    mul_limbs(r->limb, t, FIELD(r2));
}

void FIELD(from_i64)(FIELD_T *r, int64_t v)
{
    uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    FIELD(from_u64)(r, magnitude);
    if (v < 0)
        FIELD(neg)(r, r);
}

static void limbs_from_bytes_be(uint64_t out[4], const uint8_t *in)
{
    for (int i = 0; i < 4; i++) {
        uint64_t v = 0;
        for (int j = 0; j < 8; j++)
            v = v << 8 | in[8 * (3 - i) + j];
        out[i] = v;
    }
}

void FIELD(to_bytes_be)(uint8_t out[FIELD_BYTES], const FIELD_T *a)
{
    uint64_t t[4];
    FIELD(to_limbs)(t, a);
    for (int i = 0; i < FIELD_BYTES; i++)
        out[i] = (uint8_t)(t[3 - i / 8] >> (56 - 8 * (i % 8)));
}

bool FIELD(from_bytes_be)(FIELD_T *r, const uint8_t in[FIELD_BYTES])
{
    uint64_t t[4];
    limbs_from_bytes_be(t, in);
    return FIELD(from_limbs)(r, t);
}

/* r = v mod modulus in Montgomery form for any 256-bit v. */
static void from_any_limbs(FIELD_T *r, const uint64_t v[4])
{
    /* 2^256 / modulus < 6, and a product wants both factors below twice the modulus. */
    uint64_t t[4] = {v[0], v[1], v[2], v[3]};
    while (!limbs_less(t, FIELD(m))) {
        uint64_t borrow = 0;
        for (int i = 0; i < 4; i++)
            t[i] = limb_sbb(t[i], FIELD(m)[i], &borrow);
    }
    mul_limbs(r->limb, t, FIELD(r2));
}

void FIELD(from_bytes_be_reduce)(FIELD_T *r, const uint8_t in[FIELD_BYTES])
{
    uint64_t t[4];
    limbs_from_bytes_be(t, in);
    from_any_limbs(r, t);
}

void FIELD(from_wide_bytes_be)(FIELD_T *r, const uint8_t in[64])
{
    uint64_t t[4];
    FIELD_T high, low;
    limbs_from_bytes_be(t, in);
    from_any_limbs(&high, t);
    limbs_from_bytes_be(t, in + 32);
    from_any_limbs(&low, t);
    /* high 2^256 in Montgomery form is high R, and R^2 as a factor multiplies by R. */
    mul_limbs(high.limb, high.limb, FIELD(r2));
    FIELD(add)(r, &high, &low);
}

bool FIELD(random)(FIELD_T *r)
{
    uint8_t bytes[64];
    bool ok = system_random_fill(bytes, sizeof bytes);
    *r = FIELD(zero);
    if (ok)
        FIELD(from_wide_bytes_be)(r, bytes);
    memset(bytes, 0, sizeof bytes);
    __asm__ volatile("" : : "r"(bytes) : "memory");
    return ok;
}
