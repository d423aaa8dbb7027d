/*
 * The groups G1 and G2 of BN254 (alt_bn128): points, group law, bytes.
 *
 *   G1: y^2 = x^3 + 3 over fp, prime order r, cofactor 1: every point on the curve is in the group.
 *   G2: y^2 = x^3 + 3 / (9 + u) over fp2; the curve has more points than the group, so points from
 *       outside need g2_affine_in_group.
 *
 * Two forms. Affine (g1_affine, g2_affine): stored and sent; infinity is x = y = 0, which is not on
 * either curve. Working (g1, g2): (x, y, zz, zzz) with zz^3 = zzz^2, the point (x / zz, y / zzz),
 * infinity is zz = 0. Coordinates are Montgomery, fully reduced, so equal affine points are equal
 * bytes; one point has many working forms.
 *
 * The group law is complete: equal, opposite and infinite operands are handled everywhere. Outputs
 * come first and may equal inputs exactly. Time depends on the data. Nothing here can fail but the
 * parsers.
 *
 * Sources: EIP-196, EIP-197 (curves, generators, bytes); S. Chevallier-Mames, M. Joye's XYZZ
 * formulas as in the Explicit-Formulas Database, g1p/auto-shortw-xyzz; R. Gallant, R. Lambert, S.
 * Vanstone, "Faster point multiplication on elliptic curves with efficient endomorphisms", CRYPTO
 * 2001.
 */
#ifndef SERTN_BACKEND_CURVE_CURVE_H
#define SERTN_BACKEND_CURVE_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/curve/tower.h"
#include "backend/field/field.h"

typedef struct {
    fp x, y;
} g1_affine;

typedef struct {
    fp x, y, zz, zzz;
} g1;

typedef struct {
    fp2 x, y;
} g2_affine;

typedef struct {
    fp2 x, y, zz, zzz;
} g2;

/* Bytes of a point as EIP-196 and EIP-197 write it. */
#define G1_BYTES 64
#define G2_BYTES 128

/* The generators of EIP-197: (1, 2), and the one given there for G2. */
extern const g1_affine g1_generator;
extern const g2_affine g2_generator;

/* ---- G1, affine ----------------------------------------------------------------------------- */

void g1_affine_set_infinity(g1_affine *r);
bool g1_affine_is_infinity(const g1_affine *a);
bool g1_affine_eq(const g1_affine *a, const g1_affine *b);
void g1_affine_neg(g1_affine *r, const g1_affine *a);

/* Returns whether a is infinity or satisfies the curve equation, which for G1 means a is in G1. */
bool g1_affine_is_on_curve(const g1_affine *a);

/* Writes x || y, each 32 bytes big-endian; infinity is 64 zeros. */
void g1_affine_to_bytes(uint8_t out[G1_BYTES], const g1_affine *a);

/* Reads what g1_affine_to_bytes writes. Returns false, r = infinity, when a coordinate is not below
 * the modulus or the point is not on the curve. Infinity (64 zeros) is accepted: callers whose
 * protocol forbids it test for it. This is the parser for untrusted bytes. */
bool g1_affine_from_bytes(g1_affine *r, const uint8_t in[G1_BYTES]);

/* ---- G1, working ---------------------------------------------------------------------------- */

void g1_set_infinity(g1 *r);
bool g1_is_infinity(const g1 *a);
/* Returns whether a and b are the same point. Cost: four products. */
bool g1_eq(const g1 *a, const g1 *b);
void g1_from_affine(g1 *r, const g1_affine *a);
/* Cost: one inversion. */
void g1_to_affine(g1_affine *r, const g1 *a);
void g1_neg(g1 *r, const g1 *a);
void g1_double(g1 *r, const g1 *a);                         /* r = 2 a */
void g1_add(g1 *r, const g1 *a, const g1 *b);               /* r = a + b */
void g1_add_affine(g1 *r, const g1 *a, const g1_affine *b); /* r = a + b */

/* r = [k] a. Cost: about 127 doublings and 60 additions, by the endomorphism of the curve. */
void g1_mul(g1 *r, const g1_affine *a, const fr *k);

/* out[i] = in[i] in affine form, infinity included.
 * Requires: scratch has n elements. Cost: 8 products a point and one inversion in all. */
void g1_batch_to_affine(g1_affine *out, const g1 *in, size_t n, fp *scratch);

/* ---- G2 ------------------------------------------------------------------------------------- */
/* As the functions of G1 with the same suffix. */

void g2_affine_set_infinity(g2_affine *r);
bool g2_affine_is_infinity(const g2_affine *a);
bool g2_affine_eq(const g2_affine *a, const g2_affine *b);
void g2_affine_neg(g2_affine *r, const g2_affine *a);
bool g2_affine_is_on_curve(const g2_affine *a);

/* Returns whether a, infinity included, is in the group of order r: on the curve and [r] a = 0.
 * Cost: 254 doublings of G2, about 0.3 ms. */
bool g2_affine_in_group(const g2_affine *a);

/* Writes x.c1 || x.c0 || y.c1 || y.c0, each 32 bytes big-endian; infinity is 128 zeros. */
void g2_affine_to_bytes(uint8_t out[G2_BYTES], const g2_affine *a);

/* Reads what g2_affine_to_bytes writes. Returns false, r = infinity, when a coordinate is not below
 * the modulus or the point is not in the group (g2_affine_in_group is part of it). */
bool g2_affine_from_bytes(g2_affine *r, const uint8_t in[G2_BYTES]);

void g2_set_infinity(g2 *r);
bool g2_is_infinity(const g2 *a);
bool g2_eq(const g2 *a, const g2 *b);
void g2_from_affine(g2 *r, const g2_affine *a);
void g2_to_affine(g2_affine *r, const g2 *a);
void g2_neg(g2 *r, const g2 *a);
void g2_double(g2 *r, const g2 *a);
void g2_add(g2 *r, const g2 *a, const g2 *b);
void g2_add_affine(g2 *r, const g2 *a, const g2_affine *b);

/* r = [k] a, a anywhere on the curve of G2. Cost: 254 doublings and about 85 additions. */
void g2_mul(g2 *r, const g2_affine *a, const fr *k);

/* ---- Endomorphism --------------------------------------------------------------------------- */

/* r = (beta x, y) = [lambda] a, for the lambda of glv_split. Cost: one product. */
void g1_affine_endomorphism(g1_affine *r, const g1_affine *a);

/* r = psi(a), the Frobenius of a seen on the twist: [6 x^2] a for a in the group of G2, with the BN
 * parameter x. a is anywhere on the curve of G2. */
void g2_affine_psi(g2_affine *r, const g2_affine *a);

/* A scalar cut in two: k = sign_1 |k1| + sign_2 |k2| lambda mod r, |k1|, |k2| < 2^127. */
struct glv_halves {
    uint64_t k1[2], k2[2]; /* magnitudes, least significant limb first */
    bool k1_negative, k2_negative;
};

/* Cuts k. A k with |k| < 2^63 (k read in (-r/2, r/2)) gives k1 = k, k2 = 0 when k >= 0. */
void glv_split(struct glv_halves *out, const fr *k);

#endif
