/* What a path gives to polynomial.c; see polynomial_loops.h. Private to backend/poly. */
#ifndef SERTN_BACKEND_POLY_POLYNOMIAL_KERNELS_H
#define SERTN_BACKEND_POLY_POLYNOMIAL_KERNELS_H

#include "backend/field/field.h"
#include "backend/field/field_limbs_adx.h"

#include <stddef.h>

/* Pieces that one call of divide_pieces takes. */
#define POLYNOMIAL_LANES 4

struct polynomial_kernels {
    void (*horner)(fr *r, const fr *a, size_t n, const fr *x);
    void (*divide_linear)(fr *q, fr *rest, const fr *a, size_t n, const fr *z, const fr *carry);
    void (*divide_pieces)(fr *q, const fr *a, size_t n, const fr *z, const fr *carry);
    void (*divide_binomial)(fr *a, size_t n, size_t t, const fr *c, size_t first, size_t last);
};

extern const struct polynomial_kernels polynomial_kernels_portable;
#if FIELD_BUILD_ADX
extern const struct polynomial_kernels polynomial_kernels_adx;
#endif

#endif
