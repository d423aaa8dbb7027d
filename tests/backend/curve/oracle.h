/*
 * An oracle for G1 by GMP: textbook affine formulas over the integers mod p, no Montgomery form, no
 * projective coordinates. Used by the tests of backend/curve.
 */
#ifndef SERTN_TESTS_BACKEND_CURVE_ORACLE_H
#define SERTN_TESTS_BACKEND_CURVE_ORACLE_H

#include <gmp.h>
#include <stdbool.h>

#include "backend/curve/curve.h"

/* A point as integers; infinity is a flag. */
struct oracle_point {
    mpz_t x, y;
    bool is_infinity;
};

void oracle_init(struct oracle_point *a);
void oracle_clear(struct oracle_point *a);
void oracle_from_g1(struct oracle_point *r, const g1_affine *a);
void oracle_to_g1(g1_affine *r, const struct oracle_point *a);
void oracle_add(struct oracle_point *r, const struct oracle_point *a, const struct oracle_point *b);
/* r = a + b. */
void oracle_sum(g1_affine *r, const g1_affine *a, const g1_affine *b);
/* r = [k] a by double and add, k >= 0 any integer. */
void oracle_mul(struct oracle_point *r, const struct oracle_point *a, const mpz_t k);

/* k as an integer in [0, r). */
void oracle_scalar(mpz_t r, const fr *k);

/* A uniform field element, and one that favours edges (0, 1, -1, powers of two and neighbours). */
void random_fr(fr *r);
void random_edge_fr(fr *r);
/* A random point of G1: a random multiple of the generator. */
void random_g1(g1_affine *r);
/* Fills with n points of unknown relation, quickly: a chain of additions of random points. */
void random_g1_array(g1_affine *r, size_t n);

#endif
