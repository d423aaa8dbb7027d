/*
 * The optimal ate pairing e: G1 x G2 -> GT of BN254, as EIP-197 checks it.
 *
 * Used by KZG verification and by the checks of a structured reference string. A point of G2 that
 * stays fixed is prepared once: its Miller loop lines depend on it alone.
 *
 * Source: F. Vercauteren, "Optimal pairings", eprint 2008/096, the loop over 6x + 2 with two
 * Frobenius steps; M. Scott, N. Benger, M. Charlemagne, L. Dominguez Perez, E. Kachisa, "On the
 * final exponentiation for calculating pairings on ordinary elliptic curves", eprint 2008/490,
 * which gives the exact power (p^12 - 1) / r.
 */
#ifndef SERTN_BACKEND_CURVE_PAIRING_H
#define SERTN_BACKEND_CURVE_PAIRING_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/curve/curve.h"
#include "backend/curve/tower.h"

/* Lines of one Miller loop: 65 doublings, 21 additions, two Frobenius steps. */
#define PAIRING_LINES 88

/* The line through (twisted) points T of slope s: coefficient of w, over x_P, and of w^3. */
struct pairing_line {
    fp2 minus_slope; /* -s */
    fp2 offset;      /* s x_T - y_T */
};

/* A point of G2 with the lines of its Miller loop, in the order they are used. 11 kB. */
struct g2_prepared {
    struct pairing_line line[PAIRING_LINES];
    bool is_infinity;
};

/* Requires: q is in G2 (g2_affine_in_group), infinity included. Cost: about 90 inversions in fp. */
void g2_prepare(struct g2_prepared *out, const g2_affine *q);

/* out = e(p, q), exactly the power (p^12 - 1) / r of the Miller value; 1 when p or q is infinity.
 * Requires: p is on the curve, q is in G2. */
void pairing(fp12 *out, const g1_affine *p, const g2_affine *q);

/* Returns whether the product of e(p[i], q[i]) over i < n is 1; true for n = 0.
 * Requires: every p[i] is on the curve, every q[i] is in G2: the parsers of curve.h see to it. */
bool pairing_check(const g1_affine *p, const g2_affine *q, size_t n);

/* As pairing_check, for prepared points; q has n pointers. */
bool pairing_check_prepared(const g1_affine *p, const struct g2_prepared *const *q, size_t n);

#endif
