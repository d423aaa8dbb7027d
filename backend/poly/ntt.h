/*
 * Number-theoretic transforms over fr: polynomials of degree below n = 2^lg_n to their values on
 * the n-th roots of unity, or on a coset of them, and back. Called by the provers.
 *
 * Forms. Coefficients: a[i] belongs to X^i. Evaluations: a[i] is the value at shift * root^i, i in
 * natural order. The _scrambled functions leave or take evaluations in bit-reversed order (a[i] is
 * the value at shift * root^reverse(i), reverse over lg_n bits) and save two permutations where the
 * order does not matter. All elements are fully reduced on both sides. All work in place.
 *
 * Inside, a forward transform walks the tree X^n - 1 = (X^(n/2) - 1)(X^(n/2) + 1) = ... : at node
 * (level, block) the polynomial mod X^h - w^2 splits into its remainders mod X^(h/2) - w and
 * X^(h/2) + w with one product by w a pair. All nodes of a level read a prefix of one table, and
 * the leftmost node of every level has w = 1. The inverse walks back.
 *
 * Results do not depend on the machine, its threads, or the path. machine may be null: one thread.
 *
 * Source: J. Cooley, J. Tukey (1965) in the form of D. Bernstein, Multidigit multiplication for
 * mathematicians (2001), section 4; lazy butterflies: D. Harvey, Faster arithmetic for
 * number-theoretic transforms, J. Symb. Comp. 60 (2014).
 */
#ifndef SERTN_BACKEND_POLY_NTT_H
#define SERTN_BACKEND_POLY_NTT_H

#include "backend/field/field.h"
#include "ir/support/machine.h"
#include "ir/support/status.h"

#include <stddef.h>

/* A group of roots of unity. Read-only after init: threads may share it. */
struct ntt_domain {
    unsigned lg_n;
    size_t n;                          /* 2^lg_n */
    fr root;                           /* fr_root_of_unity(lg_n) */
    fr n_inv;                          /* 1 / n */
    const struct ntt_kernels *kernels; /* of the path in use when the domain was made */
    fr *twiddle; /* owned, max(n / 2, 1): root^reverse(i), reverse over lg_n - 1 bits, times a power
                  * of 2 of the kernels */
};

/*
 * Builds the domain of size 2^lg_n.
 * Errors: STATUS_LIMIT when lg_n > FR_TWO_ADICITY; STATUS_NO_MEMORY. The domain is zero then.
 * Cost: n / 2 products, 16 n bytes.
 */
SERTN_MUST_CHECK enum status ntt_domain_init(struct ntt_domain *domain, unsigned lg_n,
                                             struct diag *diag);

/* Frees what init took; a zeroed domain is fine. */
void ntt_domain_release(struct ntt_domain *domain);

/* r = root^i for any i; the order of root is n. */
void ntt_domain_element(const struct ntt_domain *domain, fr *r, size_t i);

/* Coefficients to evaluations at root^i. a has n elements. */
void ntt_forward(struct machine *machine, const struct ntt_domain *domain, fr *a);

/* Evaluations at root^i to coefficients. */
void ntt_inverse(struct machine *machine, const struct ntt_domain *domain, fr *a);

/* Coefficients to evaluations at shift * root^i. Requires: shift != 0. */
void ntt_coset_forward(struct machine *machine, const struct ntt_domain *domain, fr *a,
                       const fr *shift);

/*
 * As ntt_coset_forward with power[i] = shift^i, i < n, from fr_vec_powers: one product an element
 * less, for callers that transform many polynomials onto one coset.
 */
void ntt_coset_forward_by_powers(struct machine *machine, const struct ntt_domain *domain, fr *a,
                                 const fr *power);

/* Evaluations at shift * root^i to coefficients. Requires: shift != 0. */
void ntt_coset_inverse(struct machine *machine, const struct ntt_domain *domain, fr *a,
                       const fr *shift);

/* As ntt_forward, evaluations left in bit-reversed order. */
void ntt_forward_scrambled(struct machine *machine, const struct ntt_domain *domain, fr *a);

/* As ntt_inverse, evaluations taken in bit-reversed order. */
void ntt_inverse_scrambled(struct machine *machine, const struct ntt_domain *domain, fr *a);

/* a[i] = shift^i a[i] for i < n: takes coefficients of f(X) to those of f(shift X). */
void ntt_scale_by_powers(struct machine *machine, fr *a, size_t n, const fr *shift);

/* Moves a[i] to a[reverse(i)], reverse over lg_n bits; a has 2^lg_n elements. */
void ntt_bit_reverse(struct machine *machine, fr *a, unsigned lg_n);

#endif
