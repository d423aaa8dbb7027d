/*
 * G2: the group law over fp2, bytes, the subgroup test. The contract is curve.h.
 */
#include "backend/curve/curve.h"

#include "backend/curve/curve_constants.h"
#include "backend/curve/wnaf.h"

const g2_affine g2_generator = {G2_GENERATOR_X, G2_GENERATOR_Y};

#define POINT(name) g2_##name
#define COORD(name) fp2_##name
#define point g2
#define point_affine g2_affine
#define coord fp2
#define CURVE_B g2_curve_b
#define COORD_SET_ZERO(r) fp2_set_zero(r)
#define COORD_SET_ONE(r) fp2_set_one(r)
#include "backend/curve/group_typed.h"

void g2_affine_to_bytes(uint8_t out[G2_BYTES], const g2_affine *a)
{
    fp_to_bytes_be(out, &a->x.c1);
    fp_to_bytes_be(out + FIELD_BYTES, &a->x.c0);
    fp_to_bytes_be(out + 2 * FIELD_BYTES, &a->y.c1);
    fp_to_bytes_be(out + 3 * FIELD_BYTES, &a->y.c0);
}

bool g2_affine_from_bytes(g2_affine *r, const uint8_t in[G2_BYTES])
{
    if (fp_from_bytes_be(&r->x.c1, in) && fp_from_bytes_be(&r->x.c0, in + FIELD_BYTES) &&
        fp_from_bytes_be(&r->y.c1, in + 2 * FIELD_BYTES) &&
        fp_from_bytes_be(&r->y.c0, in + 3 * FIELD_BYTES) && g2_affine_in_group(r))
        return true;
    g2_affine_set_infinity(r);
    return false;
}

/* Digits are odd and below 2^(width - 1), so the table holds a, 3a, 5a, 7a. */
#define G2_WNAF_WIDTH 4
#define G2_WNAF_ENTRIES 4

/* r = [k] a for a plain integer k < 2^255. */
static void mul_limbs(g2 *r, const g2_affine *a, const uint64_t k[4])
{
    signed char digit[256];
    size_t length = wnaf_recode(digit, k, 4, G2_WNAF_WIDTH);
    g2 odd[G2_WNAF_ENTRIES], twice;
    g2_from_affine(&odd[0], a);
    g2_double(&twice, &odd[0]);
    for (int i = 1; i < G2_WNAF_ENTRIES; i++)
        g2_add(&odd[i], &odd[i - 1], &twice);
    g2 sum;
    g2_set_infinity(&sum);
    for (size_t i = length; i-- > 0;) {
        g2_double(&sum, &sum);
        if (digit[i] == 0)
            continue;
        g2 term = odd[(digit[i] < 0 ? -digit[i] : digit[i]) / 2];
        if (digit[i] < 0)
            g2_neg(&term, &term);
        g2_add(&sum, &sum, &term);
    }
    *r = sum;
}

void g2_mul(g2 *r, const g2_affine *a, const fr *k)
{
    uint64_t limb[4];
    fr_to_limbs(limb, k);
    mul_limbs(r, a, limb);
}

bool g2_affine_in_group(const g2_affine *a)
{
    if (!g2_affine_is_on_curve(a))
        return false;
    g2 multiple;
    mul_limbs(&multiple, a, fr_modulus);
    return g2_is_infinity(&multiple);
}

void g2_affine_psi(g2_affine *r, const g2_affine *a)
{
    fp2_conj(&r->x, &a->x);
    fp2_mul(&r->x, &r->x, &frobenius_coefficient[1]);
    fp2_conj(&r->y, &a->y);
    fp2_mul(&r->y, &r->y, &frobenius_coefficient[2]);
}
