/*
 * The structured reference string: powers [tau^i]_1 of a secret tau, [1]_2 and [tau]_2.
 *
 * Two origins. A ceremony's, imported from a snarkjs .ptau file and checked; and the DEVELOPMENT
 * SRS, UNSAFE for anything but trials: its tau is a public number, so anybody can forge proofs over
 * it. It is the default so that everything works without a download; commands that publish refuse
 * it.
 *
 * The SRS digest names an SRS wherever keys and verifiers refer to one:
 *     keccak256( "sertn srs v1" padded with zeros to 32 bytes || origin as 32 bytes big-endian
 *                || [tau]_2 as the 128 bytes of EIP-197 )
 * with origin 0 for the development SRS, 1 for a ceremony. It does not depend on how many powers
 * are loaded.
 *
 * Files are kept in the user's cache folder ($XDG_CACHE_HOME/sertn, else $HOME/.cache/sertn) and
 * are only a cache: without a folder, or with one that cannot be written, everything is computed in
 * memory.
 *
 * Source: A. Kate, G. Zaverucha, I. Goldberg, "Constant-size commitments to polynomials", ASIACRYPT
 * 2010; strided Lagrange bases: proof system notes of plonk/README.md.
 */
#ifndef SERTN_BACKEND_COMMIT_SRS_H
#define SERTN_BACKEND_COMMIT_SRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/commit/point_file.h"
#include "backend/commit/srs_table.h"
#include "backend/curve/msm.h"
#include "backend/curve/pairing.h"
#include "ir/support/machine.h"
#include "ir/support/status.h"

/* ORDER srs_origin: the number in the digest. */
enum srs_origin { SRS_DEVELOPMENT = 0, SRS_CEREMONY = 1 };

#define SRS_DIGEST_BYTES POINT_FILE_DIGEST_BYTES
/* Most powers of one SRS. */
#define SRS_MOST_POWERS (UINT64_C(1) << 28)

/* digest as defined above. */
void srs_compute_digest(uint8_t digest[SRS_DIGEST_BYTES], enum srs_origin origin,
                        const g2_affine *tau_g2);

/* ---- The prover's side ---------------------------------------------------------------------- */

/*
 * An open SRS. Life cycle: srs_open_..., srs_release; zero-initialised is closed. Read-only
 * between: threads may share it.
 */
struct srs {
    struct msm_bases powers; /* point[i] = [tau^i]_1 for i < count; may have shifted levels */
    g2_affine tau_g2;
    enum srs_origin origin;
    uint8_t digest[SRS_DIGEST_BYTES];
    struct srs_points points; /* what powers points to */
};

/*
 * Opens the development SRS with at least `count` powers, made on first use and cached.
 * Requires: 2 <= count <= SRS_MOST_POWERS.
 * Errors: STATUS_NO_MEMORY. Damaged or unwritable cache files are no error.
 * Cost: on first use about 3 us * core a power.
 */
SERTN_MUST_CHECK enum status srs_open_development(struct srs *srs, size_t count,
                                                  struct machine *machine, struct diag *diag);

/*
 * Opens an SRS from a file with at least `count` powers: a snarkjs .ptau file, of which the powers
 * used are checked (the first time: the result is cached under the SRS digest), or a file of powers
 * that an earlier import left in the cache. Requires: 2 <= count <= SRS_MOST_POWERS. Errors:
 * STATUS_BAD_INPUT for a file that is neither, damaged, or not an SRS; STATUS_LIMIT when it has
 * fewer powers; STATUS_NO_MEMORY; STATUS_IO.
 */
SERTN_MUST_CHECK enum status srs_open_file(struct srs *srs, const char *path, size_t count,
                                           struct machine *machine, struct diag *diag);

/*
 * Opens the SRS of a digest with at least `count` powers: the development SRS, or one whose import
 * is in the cache. Errors: STATUS_BAD_INPUT when it is neither (the sentence asks for the .ptau
 * file); STATUS_NO_MEMORY.
 */
SERTN_MUST_CHECK enum status srs_open_digest(struct srs *srs,
                                             const uint8_t digest[SRS_DIGEST_BYTES], size_t count,
                                             struct machine *machine, struct diag *diag);

/*
 * The most that a window table of the powers may take. A larger one costs more to read from its
 * file than its levels save: at 2^11 rows 6 MB are faster than 4, 10 or 24.
 */
#define SRS_TABLE_BYTES ((size_t)6 << 20)
/* And its most levels, for the same reason: at 2^9 rows 8 are an eighth faster than 20. */
#define SRS_TABLE_LEVELS 8

/*
 * Gives the powers a window table of at most most_bytes bytes, made on first use and cached: sums
 * over them become up to a third faster. Best effort, results do not change; nothing where two
 * levels do not fit. Requires: nobody else uses srs.
 */
void srs_use_table(struct srs *srs, size_t most_bytes, struct machine *machine);

/* Frees what it holds; safe on a zeroed one. */
void srs_release(struct srs *srs);

/* ---- Strided Lagrange bases ----------------------------------------------------------------- */

/*
 * Bases for a group of `arity` columns of n = 2^lg_rows values: point[j * arity + i] =
 * [tau^i L_j(tau^arity)]_1, where L_j is 1 on the j-th n-th root of unity
 * (fr_root_of_unity(lg_rows)^j) and 0 on the others. Then sum_ij f_i(root^j) point[j * arity + i]
 * commits to F(X) = sum_i X^i f_i(X^arity), as the powers do to its coefficients.
 */
struct srs_lagrange {
    struct msm_bases bases; /* n * arity points, may have shifted levels */
    unsigned lg_rows, arity;
    struct srs_points points; /* what bases points to */
};

/*
 * Opens the bases, made from the SRS on first use and cached for (SRS, rows, arity).
 * Requires: arity >= 1; arity * 2^lg_rows <= the powers of srs.
 * Errors: STATUS_NO_MEMORY; STATUS_LIMIT when the SRS has too few powers.
 */
SERTN_MUST_CHECK enum status srs_lagrange_open(struct srs_lagrange *out, const struct srs *srs,
                                               unsigned lg_rows, unsigned arity,
                                               struct machine *machine, struct diag *diag);

/*
 * Opens the bases when that costs little: they are in the cache, or the SRS is the development one.
 * Returns false, *out closed, when they are not or there is no memory: a caller who also has
 * coefficients then does better with those.
 */
bool srs_lagrange_open_quick(struct srs_lagrange *out, const struct srs *srs, unsigned lg_rows,
                             unsigned arity, struct machine *machine);

/* As srs_use_table; for groups with many full-size values. */
void srs_lagrange_use_table(struct srs_lagrange *bases, const struct srs *srs, size_t most_bytes,
                            struct machine *machine);
void srs_lagrange_release(struct srs_lagrange *bases);

/* ---- The verifier's side -------------------------------------------------------------------- */

/* What checking needs: [1]_2 and [tau]_2 with their lines. Plain data of 23 kB. */
struct srs_verifier {
    struct g2_prepared one, tau;
    g2_affine tau_g2;
    enum srs_origin origin;
    uint8_t digest[SRS_DIGEST_BYTES];
};

/* Requires: tau_g2 is in G2 and not infinity (g2_affine_from_bytes checks the former). Cost: below
 * 2 ms. */
void srs_verifier_init(struct srs_verifier *out, enum srs_origin origin, const g2_affine *tau_g2);

/* The same for the development SRS. */
void srs_verifier_init_development(struct srs_verifier *out);

#endif
