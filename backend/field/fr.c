/* The scalar field: what fr and fp share (field_typed.h) and what only circuits need. */
#include "backend/field/field.h"

#define FIELD_T fr
#define FIELD(name) fr_##name
#define FIELD_NEG_INV FR_NEG_INV
#include "backend/field/field_typed.h"

const uint64_t fr_modulus[4] = {0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d,
                                0x30644e72e131a029};
const fr fr_one = {
    {0xac96341c4ffffffb, 0x36fc76959f60cd29, 0x666ea36f7879462e, 0x0e0a77c19a07df2f}};

void fr_from_u128(fr *r, unsigned __int128 v)
{
    uint64_t t[4] = {(uint64_t)v, (uint64_t)(v >> 64), 0, 0};
    mul_limbs(r->limb, t, fr_r2);
}

void fr_from_i128(fr *r, __int128 v)
{
    unsigned __int128 magnitude = (unsigned __int128)v;
    fr_from_u128(r, v < 0 ? 0 - magnitude : magnitude);
    if (v < 0)
        fr_neg(r, r);
}

void fr_from_signed_limbs(fr *r, const uint64_t *limb, size_t limb_count, bool negative)
{
    /* Horner over blocks of four limbs, the top block first. */
    fr acc = fr_zero;
    size_t block = (limb_count + 3) / 4;
    while (block-- > 0) {
        uint64_t t[4] = {0, 0, 0, 0};
        for (size_t i = 0; i < 4 && 4 * block + i < limb_count; i++)
            t[i] = limb[4 * block + i];
        fr term;
        from_any_limbs(&term, t);
        mul_limbs(acc.limb, acc.limb, fr_r2);
        fr_add(&acc, &acc, &term);
    }
    if (negative)
        fr_neg(&acc, &acc);
    *r = acc;
}

bool fr_to_i64(int64_t *v, const fr *a)
{
    uint64_t t[4];
    fr_to_limbs(t, a);
    if ((t[1] | t[2] | t[3]) == 0 && t[0] <= (uint64_t)INT64_MAX) {
        *v = (int64_t)t[0];
        return true;
    }
    fr negated;
    fr_neg(&negated, a);
    fr_to_limbs(t, &negated);
    if ((t[1] | t[2] | t[3]) == 0 && t[0] <= (uint64_t)INT64_MAX + 1) {
        *v = (int64_t)(0 - t[0]);
        return true;
    }
    return false;
}

bool fr_random_array(fr *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!fr_random(&r[i])) {
            fr_wipe(r, n);
            return false;
        }
    }
    return true;
}

void fr_root_of_unity(fr *r, unsigned lg_n)
{
    fr root;
    memcpy(root.limb, fr_root_2_28, sizeof root.limb);
    for (unsigned k = FR_TWO_ADICITY; k > lg_n; k--)
        fr_sqr(&root, &root);
    *r = root;
}

bool fr_sqrt(fr *r, const fr *a)
{
    /* Tonelli and Shanks: with modulus - 1 = 2^28 q, x = a^((q+1)/2) and t = a^q satisfy x^2 = a t;
     * t lies in the 2-power roots of unity and is driven to 1. */
    uint64_t half_q[4];
    for (int i = 0; i < 4; i++)
        half_q[i] = fr_m[i] >> 29 | (i < 3 ? fr_m[i + 1] << 35 : 0);
    fr x, t, w;
    fr_pow(&w, a, half_q, 4); /* a^((q-1)/2) */
    fr_mul(&x, &w, a);
    fr_mul(&t, &x, &w);
    fr z;
    memcpy(z.limb, fr_root_2_28, sizeof z.limb);
    /* Invariant: x^2 = a t and t^(2^(order-1)) = 1, z of order 2^order. */
    unsigned order = FR_TWO_ADICITY;
    while (!fr_is_zero(a) && !fr_is_one(&t)) {
        unsigned k = 0;
        for (w = t; k < order && !fr_is_one(&w); k++)
            fr_sqr(&w, &w);
        if (k >= order) {
            *r = fr_zero;
            return false;
        }
        for (; order > k + 1; order--)
            fr_sqr(&z, &z);
        fr_mul(&x, &x, &z);
        fr_sqr(&z, &z);
        order--;
        fr_mul(&t, &t, &z);
    }
    uint64_t canonical[4];
    fr_to_limbs(canonical, &x);
    if (canonical[0] & 1)
        fr_neg(&x, &x);
    *r = x;
    return true;
}
