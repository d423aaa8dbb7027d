/*
 * Transforms of points: the discrete Fourier transform over fr with points of G1 in place of field
 * elements. Turns powers of tau into Lagrange bases without knowing tau.
 */
#ifndef SERTN_BACKEND_CURVE_GROUP_FFT_H
#define SERTN_BACKEND_CURVE_GROUP_FFT_H

#include "backend/curve/curve.h"
#include "ir/support/machine.h"
#include "ir/support/status.h"

/*
 * point[j] = (1/n) sum_k root^(-j k) point[k] for n = 2^lg_n, root = fr_root_of_unity(lg_n); natural
 * order on both sides. From point[k] = [x^k] P it makes [L_j(x)] P.
 * Requires: lg_n <= FR_TWO_ADICITY. Errors: STATUS_NO_MEMORY; the points are then unspecified.
 * Cost: n (lg_n / 2 + 1) scalar products of about 200 batch additions each.
 */
SERTN_MUST_CHECK enum status g1_inverse_fft(g1_affine *point, unsigned lg_n,
                                            struct machine *machine, struct diag *diag);

#endif
