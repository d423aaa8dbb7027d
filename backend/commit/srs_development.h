/*
 * The development SRS: everything from its public tau. Private to backend/commit.
 */
#ifndef SERTN_BACKEND_COMMIT_SRS_DEVELOPMENT_H
#define SERTN_BACKEND_COMMIT_SRS_DEVELOPMENT_H

#include <stddef.h>

#include "backend/curve/curve.h"
#include "ir/support/machine.h"
#include "ir/support/status.h"

/*
 * The public tau: keccak256(text || 0) || keccak256(text || 1), 64 bytes big-endian, mod r, where
 * text is "sertn development SRS, unsafe: tau is public".
 */
void srs_development_tau(fr *tau);

/* out = [tau]_2. */
void srs_development_tau_g2(g2_affine *out);

/* out[i] = [tau^i]_1 for i < count. Errors: STATUS_NO_MEMORY. */
SERTN_MUST_CHECK enum status srs_development_powers(g1_affine *out, size_t count,
                                                    struct machine *machine, struct diag *diag);

/* The points of struct srs_lagrange from tau. Errors: STATUS_NO_MEMORY. */
SERTN_MUST_CHECK enum status srs_development_lagrange(g1_affine *out, unsigned lg_rows,
                                                      unsigned arity, struct machine *machine,
                                                      struct diag *diag);

#endif
