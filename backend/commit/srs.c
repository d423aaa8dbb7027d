/*
 * Opening an SRS, its digest, the verifier's side. See srs.h.
 */
#include "backend/commit/srs.h"

#include <stdlib.h>
#include <string.h>

#include "backend/commit/srs_cache.h"
#include "backend/commit/srs_development.h"
#include "backend/hash/keccak.h"

void srs_compute_digest(uint8_t digest[SRS_DIGEST_BYTES], enum srs_origin origin,
                        const g2_affine *tau_g2)
{
    uint8_t bytes[64 + G2_BYTES] = "sertn srs v1";
    bytes[63] = (uint8_t)origin;
    g2_affine_to_bytes(bytes + 64, tau_g2);
    keccak256(digest, bytes, sizeof bytes);
}

/* [tau]_2 of the development SRS. */
static void development_tau_g2(g2_affine *out)
{
    fr tau;
    g2 point;
    srs_development_tau(&tau);
    g2_mul(&point, &g2_generator, &tau);
    g2_to_affine(out, &point);
}

/* ---- the prover's side ---------------------------------------------------------------------- */

/* The fewest powers a cache file is made for; from there on by doubling. */
#define LEAST_CACHED POINT_FILE_BLOCK

/* Makes at least count powers, in memory; keeps a cache file of them where there is a cache. */
static enum status make_development_powers(struct srs *srs, struct point_file_head *head,
                                           size_t count, struct machine *machine, struct diag *diag)
{
    size_t made = LEAST_CACHED;
    while (made < count)
        made *= 2;
    srs->owned = malloc(made * sizeof *srs->owned);
    if (!srs->owned)
        return diag_set(diag, STATUS_NO_MEMORY, "out of memory for %zu powers of the SRS", made);
    enum status status = srs_development_powers(srs->owned, made, machine, diag);
    if (status != STATUS_OK)
        return status;
    head->count = made;
    (void)srs_cache_store(head, srs->owned);
    srs->powers = (struct msm_bases){.point = srs->owned, .count = count, .levels = 1};
    return STATUS_OK;
}

enum status srs_open_development(struct srs *srs, size_t count, struct machine *machine,
                                 struct diag *diag)
{
    memset(srs, 0, sizeof *srs);
    ASSERT(count >= 2 && count <= SRS_MOST_POWERS);
    srs->origin = SRS_DEVELOPMENT;
    development_tau_g2(&srs->tau_g2);
    srs_compute_digest(srs->digest, srs->origin, &srs->tau_g2);
    enum status status = STATUS_OK;
    struct point_file_head head = {
        .kind = POINT_FILE_POWERS, .origin = SRS_DEVELOPMENT, .levels = 1, .tau_g2 = srs->tau_g2};
    memcpy(head.digest, srs->digest, sizeof head.digest);
    if (srs_cache_open(&srs->file, &head, count))
        srs->powers = (struct msm_bases){.point = srs->file.point, .count = count, .levels = 1};
    else
        status = make_development_powers(srs, &head, count, machine, diag);
    if (status != STATUS_OK)
        srs_release(srs);
    return status;
}

void srs_release(struct srs *srs)
{
    point_file_close(&srs->file);
    free(srs->owned);
    memset(srs, 0, sizeof *srs);
}

/* ---- the verifier's side -------------------------------------------------------------------- */

void srs_verifier_init(struct srs_verifier *out, enum srs_origin origin, const g2_affine *tau_g2)
{
    out->origin = origin;
    out->tau_g2 = *tau_g2;
    srs_compute_digest(out->digest, origin, tau_g2);
    g2_prepare(&out->one, &g2_generator);
    g2_prepare(&out->tau, tau_g2);
}

void srs_verifier_init_development(struct srs_verifier *out)
{
    g2_affine tau_g2;
    development_tau_g2(&tau_g2);
    srs_verifier_init(out, SRS_DEVELOPMENT, &tau_g2);
}
