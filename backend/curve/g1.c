/*
 * G1: the group law over fp, bytes, batch normalisation. The contract is curve.h.
 */
#include "backend/curve/curve.h"

#include "backend/curve/curve_constants.h"

const g1_affine g1_generator = {G1_GENERATOR_X, G1_GENERATOR_Y};

#define POINT(name) g1_##name
#define COORD(name) fp_##name
#define point g1
#define point_affine g1_affine
#define coord fp
#define CURVE_B g1_curve_b
#define COORD_SET_ZERO(r) (*(r) = fp_zero)
#define COORD_SET_ONE(r) (*(r) = fp_one)
#include "backend/curve/group_typed.h"

void g1_affine_to_bytes(uint8_t out[G1_BYTES], const g1_affine *a)
{
    fp_to_bytes_be(out, &a->x);
    fp_to_bytes_be(out + FIELD_BYTES, &a->y);
}

bool g1_affine_from_bytes(g1_affine *r, const uint8_t in[G1_BYTES])
{
    if (fp_from_bytes_be(&r->x, in) && fp_from_bytes_be(&r->y, in + FIELD_BYTES) &&
        g1_affine_is_on_curve(r))
        return true;
    g1_affine_set_infinity(r);
    return false;
}

void g1_batch_to_affine(g1_affine *out, const g1 *in, size_t n, fp *scratch)
{
    /* Montgomery's trick: scratch[i] = product of the zzz before i, infinity left out. */
    fp product = fp_one;
    for (size_t i = 0; i < n; i++) {
        scratch[i] = product;
        if (!g1_is_infinity(&in[i]))
            fp_mul(&product, &product, &in[i].zzz);
    }
    fp inverse;
    fp_inv(&inverse, &product);
    for (size_t i = n; i-- > 0;) {
        if (g1_is_infinity(&in[i])) {
            g1_affine_set_infinity(&out[i]);
            continue;
        }
        fp own;
        fp_mul(&own, &inverse, &scratch[i]);
        fp_mul(&inverse, &inverse, &in[i].zzz);
        scale_to_affine(&out[i], &in[i], &own);
    }
}

void g1_affine_endomorphism(g1_affine *r, const g1_affine *a)
{
    fp_mul(&r->x, &a->x, &glv_beta);
    r->y = a->y;
}
