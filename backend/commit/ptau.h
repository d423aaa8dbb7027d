/*
 * Reading and checking .ptau files, the powers-of-tau format of snarkjs. Private to backend/commit.
 *
 * Layout, integers little-endian: "ptau", u32 version 1, u32 number of sections, then sections: u32
 * id, u64 length, content. Used here: 1 (u32 32, prime q as 32 bytes, u32 power, u32 ceremony
 * power), 2 ([tau^i]_1, 64 bytes each), 3 ([tau^i]_2, 128 bytes each). Coordinates are 32 bytes
 * little-endian in Montgomery form with R = 2^256. Files cut down to these sections are accepted,
 * and section 2 may hold fewer powers than a whole ceremony.
 *
 * What is checked: magic, version, sizes against the file, the prime, the power; coordinates below
 * q; the first points are the generators; no used point is infinity; all used points are on the
 * curve, [tau]_2 is in the subgroup; and for random 128-bit rho_i, e(sum rho_i P_i, [tau]_2) =
 * e(sum rho_i P_(i+1), [1]_2), which a file whose powers are no powers of the tau of [tau]_2 passes
 * with probability 2^-128. That the contributions were honest is the business of the ceremony.
 *
 * Source: snarkjs 0.7, the powers-of-tau file as its reader and writer treat it.
 */
#ifndef SERTN_BACKEND_COMMIT_PTAU_H
#define SERTN_BACKEND_COMMIT_PTAU_H

#include <stddef.h>
#include <stdint.h>

#include "backend/curve/curve.h"
#include "ir/support/file.h"
#include "ir/support/machine.h"
#include "ir/support/status.h"

/* An open file whose frame has been checked. Zero-initialised: closed. */
struct ptau {
    struct file_map map;
    const uint8_t *powers; /* section 2 */
    uint64_t count;        /* powers in it */
    g2_affine tau_g2;      /* checked to be in G2, not infinity */
};

SERTN_MUST_CHECK enum status ptau_open(struct ptau *file, const char *path, struct diag *diag);

/* out[i] = [tau^i]_1 for i < count, checked as said above.
 * Errors: STATUS_LIMIT when the file has fewer; STATUS_BAD_INPUT; STATUS_NO_MEMORY; STATUS_IO
 * without randomness. Cost: two sums of count points with scalars of 128 bits. */
SERTN_MUST_CHECK enum status ptau_read_powers(g1_affine *out, const struct ptau *file,
                                              const char *path, size_t count,
                                              struct machine *machine, struct diag *diag);

void ptau_close(struct ptau *file);

#endif
