/*
 * Many multiples of one point: [k_0] P, [k_1] P, ... by one table of windows of P and affine
 * additions in step. Makes the development SRS and its Lagrange bases, where the secret is known.
 */
#ifndef SERTN_BACKEND_CURVE_FIXED_BASE_H
#define SERTN_BACKEND_CURVE_FIXED_BASE_H

#include <stddef.h>

#include "backend/curve/curve.h"
#include "ir/support/machine.h"
#include "ir/support/status.h"

/*
 * out[i] = [scalars[i]] base for i < n.
 * Errors: STATUS_NO_MEMORY; out is then unspecified. Cost: 22 to 37 batch additions a point.
 */
SERTN_MUST_CHECK enum status g1_mul_fixed_base(g1_affine *out, const g1_affine *base,
                                               const fr *scalars, size_t n, struct machine *machine,
                                               struct diag *diag);

#endif
