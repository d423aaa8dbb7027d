/*
 * Polynomials over fr in coefficient form, and the Lagrange basis of a domain. Called by the
 * openings (backend/commit) and the provers.
 *
 * A polynomial is an array of n coefficients, a[i] belonging to X^i; n may exceed its degree + 1
 * and n = 0 is the zero polynomial. machine may be null: one thread. Results do not depend on
 * threads.
 */
#ifndef SERTN_BACKEND_POLY_POLYNOMIAL_H
#define SERTN_BACKEND_POLY_POLYNOMIAL_H

#include "backend/field/field.h"
#include "backend/poly/ntt.h"
#include "ir/support/machine.h"

#include <stddef.h>

/* *r = a(x). Cost: n products. */
void polynomial_evaluate(struct machine *machine, fr *r, const fr *a, size_t n, const fr *x);

/* Divides by X - z: a = quotient (X - z) + remainder. Cost: 2 n products, n for few.
 * quotient has n - 1 elements and may be a itself; remainder is a(z) and may be null.
 * Requires: n >= 1. */
void polynomial_divide_linear(struct machine *machine, fr *quotient, fr *remainder, const fr *a,
                              size_t n, const fr *z);

/* Divides by X^t - c in place: a = quotient (X^t - c) + remainder.
 * Ensures: a[0..t) is the remainder, a[t..n) the quotient (n - t coefficients, a[t + i] belonging
 * to X^i); when n <= t the quotient is empty and a is unchanged. Requires: t >= 1. Cost: n - t
 * products. */
void polynomial_divide_binomial(struct machine *machine, fr *a, size_t n, size_t t, const fr *c);

/* Divides by (X^t - c)(X^t - d) in place.
 * Ensures: a[0..2t) is the remainder (degree below 2 t), a[2t..n) the quotient.
 * Requires: t >= 1, n >= 2 t. Cost: 2 n products. */
void polynomial_divide_two_binomials(struct machine *machine, fr *a, size_t n, size_t t,
                                     const fr *c, const fr *d);

/* *r = x^n - 1, the polynomial that vanishes on the domain, at x. */
void ntt_domain_vanishing(const struct ntt_domain *domain, fr *r, const fr *x);

/*
 * out[i] = L_(first + i)(x) for i < count, where L_j is 1 at root^j and 0 at the other elements of
 * the domain: L_j(x) = root^j (x^n - 1) / (n (x - root^j)). x may lie in the domain. Requires:
 * first + count <= n; scratch has count elements, apart from out. Cost: one inversion and about 6
 * count products.
 */
void ntt_domain_lagrange(const struct ntt_domain *domain, fr *out, size_t first, size_t count,
                         const fr *x, fr *scratch);

/*
 * *r = the value at x of the polynomial of degree below n that takes value[i] at root^i, i < n.
 * Requires: scratch has 2 n elements. x may lie in the domain.
 */
void ntt_domain_evaluate(const struct ntt_domain *domain, fr *r, const fr *value, const fr *x,
                         fr *scratch);

#endif
