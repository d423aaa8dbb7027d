/*
 * Extension tower of the BN254 base field, used by G2 and by the pairing.
 *
 *   fp2  = fp[u]  / (u^2 + 1)
 *   fp6  = fp2[v] / (v^3 - xi),  xi = 9 + u
 *   fp12 = fp6[w] / (w^2 - v),   so w^6 = xi
 *
 * The same tower as EIP-197 (i = u). Every component is a fully reduced fp in Montgomery form.
 * All functions: outputs first, outputs may equal inputs exactly, never overlap partly. None can
 * fail; the inverse of zero is zero, as for fp_inv.
 *
 * Sources: Devegili, O hEigeartaigh, Scott, Dahab, "Multiplication and squaring on pairing-friendly
 * fields", eprint 2006/471; Granger, Scott, "Faster squaring in the cyclotomic subgroup of sixth
 * degree extensions", eprint 2009/565.
 */
#ifndef SERTN_BACKEND_CURVE_TOWER_H
#define SERTN_BACKEND_CURVE_TOWER_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/field/field.h"

typedef struct {
    fp c0, c1; /* c0 + c1 u */
} fp2;

typedef struct {
    fp2 c0, c1, c2; /* c0 + c1 v + c2 v^2 */
} fp6;

typedef struct {
    fp6 c0, c1; /* c0 + c1 w */
} fp12;

void fp2_set_zero(fp2 *r);
void fp2_set_one(fp2 *r);
bool fp2_is_zero(const fp2 *a);
bool fp2_eq(const fp2 *a, const fp2 *b);
void fp2_add(fp2 *r, const fp2 *a, const fp2 *b);
void fp2_sub(fp2 *r, const fp2 *a, const fp2 *b);
void fp2_neg(fp2 *r, const fp2 *a);
void fp2_double(fp2 *r, const fp2 *a);
void fp2_mul(fp2 *r, const fp2 *a, const fp2 *b);
void fp2_sqr(fp2 *r, const fp2 *a);
void fp2_inv(fp2 *r, const fp2 *a);
/* r = one of the two roots of a; returns false, r = 0, when a has none. */
bool fp2_sqrt(fp2 *r, const fp2 *a);
/* r = a * s for s in fp. */
void fp2_mul_fp(fp2 *r, const fp2 *a, const fp *s);
/* r = a * xi, xi = 9 + u: additions only. */
void fp2_mul_xi(fp2 *r, const fp2 *a);
/* r = c0 - c1 u, which is a^p. */
void fp2_conj(fp2 *r, const fp2 *a);

void fp6_add(fp6 *r, const fp6 *a, const fp6 *b);
void fp6_sub(fp6 *r, const fp6 *a, const fp6 *b);
void fp6_neg(fp6 *r, const fp6 *a);
void fp6_mul(fp6 *r, const fp6 *a, const fp6 *b);
void fp6_inv(fp6 *r, const fp6 *a);
/* r = a * v. */
void fp6_mul_v(fp6 *r, const fp6 *a);
/* r = a * (b0 + b1 v). */
void fp6_mul_01(fp6 *r, const fp6 *a, const fp2 *b0, const fp2 *b1);

void fp12_set_one(fp12 *r);
bool fp12_is_one(const fp12 *a);
bool fp12_eq(const fp12 *a, const fp12 *b);
void fp12_mul(fp12 *r, const fp12 *a, const fp12 *b);
void fp12_sqr(fp12 *r, const fp12 *a);
void fp12_inv(fp12 *r, const fp12 *a);
/* r = c0 - c1 w, which is a^(p^6): the inverse of an element of norm one over fp6. */
void fp12_conj(fp12 *r, const fp12 *a);
/* r = a^(p^power). Requires: 1 <= power <= 3. */
void fp12_frobenius(fp12 *r, const fp12 *a, unsigned power);
/*
 * r = a^2 for a in the cyclotomic subgroup, that is a^(p^4 - p^2 + 1) = 1; half the cost of
 * fp12_sqr. Requires: a in that subgroup (every value after the easy part of the final
 * exponentiation is), otherwise the result is meaningless.
 */
void fp12_cyclotomic_sqr(fp12 *r, const fp12 *a);
/* r = a * (1 + b1 w + b3 w^3): the shape of a pairing line scaled to constant term one. */
void fp12_mul_line(fp12 *r, const fp12 *a, const fp2 *b1, const fp2 *b3);

#endif
