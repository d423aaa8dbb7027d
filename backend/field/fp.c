/* The base field: what fr and fp share (field_typed.h) and what point decoding needs. */
#include "backend/field/field.h"

#define FIELD_T fp
#define FIELD(name) fp_##name
#define FIELD_NEG_INV FP_NEG_INV
#include "backend/field/field_typed.h"

const uint64_t fp_modulus[4] = {0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d,
                                0x30644e72e131a029};
const fp fp_one = {
    {0xd35d438dc58f0d9d, 0x0a78eb28f5c70b3d, 0x666ea36f7879462c, 0x0e0a77c19a07df2f}};

bool fp_sqrt(fp *r, const fp *a)
{
    /* The modulus is 3 mod 4, so a^((m+1)/4) squares to a or to -a. (m+1)/4 = (m >> 2) + 1. */
    uint64_t e[4];
    for (int i = 0; i < 4; i++)
        e[i] = fp_m[i] >> 2 | (i < 3 ? fp_m[i + 1] << 62 : 0);
    e[0] += 1;
    fp root, square;
    fp_pow(&root, a, e, 4);
    fp_sqr(&square, &root);
    bool found = fp_eq(&square, a);
    *r = found ? root : fp_zero;
    return found;
}

bool fp_is_odd(const fp *a)
{
    uint64_t t[4];
    fp_to_limbs(t, a);
    return (t[0] & 1) != 0;
}
