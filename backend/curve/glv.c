/*
 * Cutting scalars with the endomorphism of G1, and products of few points by it.
 *
 * Used by g1_mul and by the verifier's combination of about a dozen points. Source: Gallant,
 * Lambert, Vanstone (see curve.h); E. Straus, "Addition chains of vectors", 1964: all terms share
 * the doublings.
 */
#include "backend/curve/curve.h"
#include "backend/curve/msm.h"

#include "backend/curve/curve_constants.h"
#include "backend/curve/wnaf.h"
#include "backend/field/field_limbs.h"

/* Returns, in two limbs, round(k g / 2^256); k has four limbs, g three. */
static void mul_shift(uint64_t out[2], const uint64_t k[4], const uint64_t g[3])
{
    uint64_t product[7] = {0};
    for (int i = 0; i < 3; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 4; j++)
            product[i + j] = limb_mac(product[i + j], k[j], g[i], &carry);
        product[i + 4] = carry;
    }
    uint64_t carry = product[3] >> 63;
    out[0] = limb_adc(product[4], 0, &carry);
    out[1] = product[5] + carry;
}

/* acc = acc - a b mod 2^256. */
static void sub_product(uint64_t acc[4], const uint64_t a[2], const uint64_t b[2])
{
    uint64_t product[4] = {0}, borrow = 0;
    for (int i = 0; i < 2; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 2; j++)
            product[i + j] = limb_mac(product[i + j], a[i], b[j], &carry);
        product[i + 2] = carry;
    }
    for (int i = 0; i < 4; i++)
        acc[i] = limb_sbb(acc[i], product[i], &borrow);
}

/* Sets out to |v| and returns the sign of v, a two's complement integer of four limbs, |v| < 2^127.
 */
static bool signed_magnitude(uint64_t out[2], const uint64_t v[4])
{
    bool negative = v[3] >> 63;
    uint64_t borrow = 0;
    for (int i = 0; i < 2; i++)
        out[i] = negative ? limb_sbb(0, v[i], &borrow) : v[i];
    return negative;
}

void glv_split(struct glv_halves *out, const fr *k)
{
    /* (k1, k2) = (k, 0) - c1 (a1, -b1) - c2 (a2, b2) with c1, c2 the rounded coordinates of (k, 0).
     */
    uint64_t c1[2], c2[2], k1[4], k2[4] = {0};
    fr_to_limbs(k1, k);
    mul_shift(c1, k1, glv_g1);
    mul_shift(c2, k1, glv_g2);
    sub_product(k1, c1, glv_a1);
    sub_product(k1, c2, glv_a2);
    sub_product(k2, c2, glv_b2);
    uint64_t minus_c1_b1[4] = {0}, borrow = 0;
    sub_product(minus_c1_b1, c1, glv_b1);
    for (int i = 0; i < 4; i++)
        k2[i] = limb_sbb(k2[i], minus_c1_b1[i], &borrow);
    out->k1_negative = signed_magnitude(out->k1, k1);
    out->k2_negative = signed_magnitude(out->k2, k2);
}

/* ---- few points ----------------------------------------------------------------------------- */

/* Digits below 2^(width - 1): each term has a table of a, 3a, ... 15a. */
#define WIDTH 5
#define ENTRIES 8
#define DIGITS 128
/* Terms that share one row of doublings; bounds the stack to about 50 kB. */
#define BLOCK 16

struct straus_term {
    g1_affine odd[ENTRIES];
    signed char digit[2][DIGITS]; /* of k1 and of k2 */
    bool negative[2];
};

/* Fills the tables of n <= BLOCK terms with one inversion. */
static void make_tables(struct straus_term *term, const g1_affine *bases, size_t n)
{
    g1 odd[BLOCK * ENTRIES];
    g1_affine affine[BLOCK * ENTRIES];
    fp scratch[BLOCK * ENTRIES];
    for (size_t t = 0; t < n; t++) {
        g1 *row = odd + t * ENTRIES, twice;
        g1_from_affine(&row[0], &bases[t]);
        g1_double(&twice, &row[0]);
        for (int i = 1; i < ENTRIES; i++)
            g1_add(&row[i], &row[i - 1], &twice);
    }
    g1_batch_to_affine(affine, odd, n * ENTRIES, scratch);
    for (size_t i = 0; i < n * ENTRIES; i++)
        term[i / ENTRIES].odd[i % ENTRIES] = affine[i];
}

/* sum += digit * (table or its image under the endomorphism). */
static void add_digit(g1 *sum, const struct straus_term *term, int half, size_t position)
{
    int d = term->digit[half][position];
    if (d == 0)
        return;
    g1_affine p = term->odd[(d < 0 ? -d : d) / 2];
    if (half == 1)
        g1_affine_endomorphism(&p, &p);
    if ((d < 0) != term->negative[half])
        g1_affine_neg(&p, &p);
    g1_add_affine(sum, sum, &p);
}

/* sum = sum over n <= BLOCK terms of scalars[i] bases[i]. */
static void straus_block(g1 *sum, const g1_affine *bases, const fr *scalars, size_t n)
{
    struct straus_term term[BLOCK];
    size_t length = 0;
    make_tables(term, bases, n);
    for (size_t t = 0; t < n; t++) {
        struct glv_halves halves;
        glv_split(&halves, &scalars[t]);
        size_t length1 = wnaf_recode(term[t].digit[0], halves.k1, 2, WIDTH);
        size_t length2 = wnaf_recode(term[t].digit[1], halves.k2, 2, WIDTH);
        term[t].negative[0] = halves.k1_negative;
        term[t].negative[1] = halves.k2_negative;
        length = length < length1 ? length1 : length;
        length = length < length2 ? length2 : length;
    }
    g1_set_infinity(sum);
    for (size_t position = length; position-- > 0;) {
        g1_double(sum, sum);
        for (size_t t = 0; t < n; t++) {
            add_digit(sum, &term[t], 0, position);
            add_digit(sum, &term[t], 1, position);
        }
    }
}

void msm_g1_few(g1 *out, const g1_affine *bases, const fr *scalars, size_t n)
{
    g1 sum;
    g1_set_infinity(&sum);
    for (size_t first = 0; first < n; first += BLOCK) {
        g1 block;
        straus_block(&block, bases + first, scalars + first, n - first < BLOCK ? n - first : BLOCK);
        g1_add(&sum, &sum, &block);
    }
    *out = sum;
}

void g1_mul(g1 *r, const g1_affine *a, const fr *k)
{
    msm_g1_few(r, a, k, 1);
}
