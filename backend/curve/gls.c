/*
 * Cutting a scalar of G2 in four with psi. See mul_each.h.
 *
 * (k, 0, 0, 0) minus the nearest combination of four short relations of psi, their coordinates
 * rounded. Every part is below 2^64: half the sum of a column of the relations is at most
 * 0.81 2^64, and the rounded reciprocals add less than a fifth of that.
 */
#include "backend/curve/curve_constants.h"
#include "backend/curve/mul_each.h"
#include "backend/field/field_limbs.h"

/* out = round(k g / 2^256). */
static void mul_shift(uint64_t out[4], const uint64_t k[4], const uint64_t g[4])
{
    uint64_t product[8] = {0};
    for (int i = 0; i < 4; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 4; j++)
            product[i + j] = limb_mac(product[i + j], k[j], g[i], &carry);
        product[i + 4] = carry;
    }
    uint64_t carry = product[3] >> 63;
    for (int i = 0; i < 4; i++)
        out[i] = limb_adc(product[i + 4], 0, &carry);
}

/* acc = acc + times a mod 2^256, times small. */
static void add_multiple(uint64_t acc[4], const uint64_t a[4], int times)
{
    for (; times > 0; times--) {
        uint64_t carry = 0;
        for (int i = 0; i < 4; i++)
            acc[i] = limb_adc(acc[i], a[i], &carry);
    }
    for (; times < 0; times++) {
        uint64_t borrow = 0;
        for (int i = 0; i < 4; i++)
            acc[i] = limb_sbb(acc[i], a[i], &borrow);
    }
}

void gls_split(struct gls_parts *out, const fr *k)
{
    uint64_t v[4][4] = {{0}};
    fr_to_limbs(v[0], k);
    const uint64_t whole[4] = {v[0][0], v[0][1], v[0][2], v[0][3]};
    for (int j = 0; j < 4; j++) {
        uint64_t c[4], cx[4], carry = 0;
        mul_shift(c, whole, gls_g[j]);
        for (int i = 0; i < 4; i++)
            cx[i] = limb_mac(0, c[i], BN_X, &carry);
        int sign = gls_negative[j] ? 1 : -1;
        for (int i = 0; i < 4; i++) {
            add_multiple(v[i], cx, sign * gls_times_x[j][i]);
            add_multiple(v[i], c, sign * gls_plus[j][i]);
        }
    }
    for (int i = 0; i < 4; i++) {
        out->negative[i] = v[i][3] >> 63;
        out->part[i] = out->negative[i] ? 0 - v[i][0] : v[i][0];
    }
}
