/* The loops of polynomial.c for one scalar path; see field_kernel.h for the pattern. Included by
 * polynomial_portable.c and polynomial_adx.c. */
#include "backend/field/field_kernel.h"
#include "backend/poly/polynomial_kernels.h"

/* *r = sum a[i] x^i in four interleaved Horner chains, so that products overlap. */
static void horner(fr *r, const fr *a, size_t n, const fr *x)
{
    enum { CHAINS = 4 };
    fr x1 = *x, x4, chain[CHAINS];
    fr_sqr(&x4, &x1);
    fr_sqr(&x4, &x4);
    size_t blocks = n / CHAINS, done = blocks * CHAINS;
    /* The last coefficients, fewer than a block, belong to the powers from x^done up. */
    for (size_t j = 0; j < CHAINS; j++)
        chain[j] = done + j < n ? a[done + j] : (fr){{0, 0, 0, 0}};
    for (size_t k = blocks; k-- > 0;) {
        for (size_t j = 0; j < CHAINS; j++) {
            fr_mul_lazy(&chain[j], &x4, &chain[j]);
            fr_add_lazy(&chain[j], &chain[j], &a[k * CHAINS + j]);
        }
    }
    fr sum = chain[CHAINS - 1];
    for (size_t j = CHAINS - 1; j-- > 0;) {
        fr_mul_lazy(&sum, &x1, &sum);
        fr_add_lazy(&sum, &sum, &chain[j]);
    }
    fr_reduce(r, &sum);
}

/* With b[n] = carry and b[i] = a[i] + z b[i + 1]: q[i] = b[i + 1] for i < n, *rest = b[0]. q may be
 * a. */
static void divide_linear(fr *q, fr *rest, const fr *a, size_t n, const fr *z, const fr *carry)
{
    fr factor = *z, sum = *carry;
    for (size_t i = n; i-- > 0;) {
        fr coefficient = a[i];
        q[i] = sum;
        fr_mul(&sum, &factor, &sum);
        fr_add(&sum, &sum, &coefficient);
    }
    *rest = sum;
}

/* divide_linear for POLYNOMIAL_LANES pieces of n coefficients one behind the other, each with its
 * carry: a step of one waits for the step before it, and the others' fill that time. */
static void divide_pieces(fr *q, const fr *a, size_t n, const fr *z, const fr *carry)
{
    fr factor = *z, sum[POLYNOMIAL_LANES];
    for (size_t j = 0; j < POLYNOMIAL_LANES; j++)
        sum[j] = carry[j];
    for (size_t i = n; i-- > 0;) {
        for (size_t j = 0; j < POLYNOMIAL_LANES; j++) {
            fr coefficient = a[j * n + i];
            q[j * n + i] = sum[j];
            fr_mul(&sum[j], &factor, &sum[j]);
            fr_add(&sum[j], &sum[j], &coefficient);
        }
    }
}

/* a[i] += c a[i + t] for i = n - t - 1 down to 0, over the residues first .. last - 1 of i mod t.
 */
static void divide_binomial(fr *a, size_t n, size_t t, const fr *c, size_t first, size_t last)
{
    fr factor = *c;
    if (n <= t)
        return;
    for (size_t row = (n - t - 1) / t + 1; row-- > 0;) {
        for (size_t j = first; j < last; j++) {
            size_t i = row * t + j;
            if (i + t >= n)
                break;
            fr term;
            fr_mul(&term, &factor, &a[i + t]);
            fr_add(&a[i], &a[i], &term);
        }
    }
}

const struct polynomial_kernels FIELD_PATH_NAME(polynomial_kernels) = {
    .horner = horner,
    .divide_linear = divide_linear,
    .divide_pieces = divide_pieces,
    .divide_binomial = divide_binomial,
};
