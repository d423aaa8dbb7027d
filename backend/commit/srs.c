/*
 * Opening an SRS, its digest, the verifier's side. See srs.h.
 */
#include "backend/commit/srs.h"

#include <stdlib.h>
#include <string.h>

#include "backend/commit/ptau.h"
#include "ir/support/large_memory.h"
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

/* ---- the prover's side ---------------------------------------------------------------------- */

/* The fewest powers a cache file is made for; from there on by doubling. */
#define LEAST_CACHED POINT_FILE_BLOCK

static struct point_file_head powers_head(const struct srs *srs)
{
    struct point_file_head head = {.kind = POINT_FILE_POWERS,
                                   .origin = (uint32_t)srs->origin,
                                   .levels = 1,
                                   .tau_g2 = srs->tau_g2};
    memcpy(head.digest, srs->digest, sizeof head.digest);
    return head;
}

/* Sets what follows from tau_g2, and the head of the cache file of the powers. */
static void set_identity(struct srs *srs, struct point_file_head *head, enum srs_origin origin,
                         const g2_affine *tau_g2)
{
    memset(srs, 0, sizeof *srs);
    srs->origin = origin;
    srs->tau_g2 = *tau_g2;
    srs_compute_digest(srs->digest, origin, tau_g2);
    *head = powers_head(srs);
}

/* Uses the cached powers when there are enough. */
static bool open_cached(struct srs *srs, const struct point_file_head *head, size_t count,
                        struct machine *machine)
{
    if (!srs_cache_open(&srs->points.file, head, count, machine))
        return false;
    srs->powers = (struct msm_bases){
        .point = srs_points_settle(&srs->points, count, machine), .count = count, .levels = 1};
    return true;
}

/* Where powers come from when no cache has them. file: null for the development SRS. */
struct source {
    const struct ptau *file;
    const char *path;
};

/* Makes at least count powers in memory and keeps a cache file of them where there is a cache. */
static enum status make_powers(struct srs *srs, struct point_file_head *head,
                               const struct source *source, size_t count, struct machine *machine,
                               struct diag *diag)
{
    size_t made = LEAST_CACHED;
    while (made < count)
        made *= 2;
    if (source->file && made > source->file->count)
        made = count > source->file->count ? count : (size_t)source->file->count;
    srs->points.owned = large_alloc(made * sizeof *srs->points.owned);
    if (!srs->points.owned)
        return diag_set(diag, STATUS_NO_MEMORY, "out of memory for %zu powers of the SRS", made);
    enum status status =
        source->file
            ? ptau_read_powers(srs->points.owned, source->file, source->path, made, machine, diag)
            : srs_development_powers(srs->points.owned, made, machine, diag);
    if (status != STATUS_OK)
        return status;
    head->count = made;
    (void)srs_cache_store(head, srs->points.owned);
    srs->powers = (struct msm_bases){.point = srs->points.owned, .count = count, .levels = 1};
    return STATUS_OK;
}

enum status srs_open_development(struct srs *srs, size_t count, struct machine *machine,
                                 struct diag *diag)
{
    struct point_file_head head;
    struct source source = {NULL, NULL};
    g2_affine tau_g2;
    ASSERT(count >= 2 && count <= SRS_MOST_POWERS);
    srs_development_tau_g2(&tau_g2);
    set_identity(srs, &head, SRS_DEVELOPMENT, &tau_g2);
    if (open_cached(srs, &head, count, machine))
        return STATUS_OK;
    enum status status = make_powers(srs, &head, &source, count, machine, diag);
    if (status != STATUS_OK)
        srs_release(srs);
    return status;
}

static enum status open_ptau(struct srs *srs, const char *path, size_t count,
                             struct machine *machine, struct diag *diag)
{
    struct point_file_head head;
    struct ptau file;
    struct source source = {&file, path};
    enum status status = ptau_open(&file, path, diag);
    if (status != STATUS_OK)
        return status;
    set_identity(srs, &head, SRS_CEREMONY, &file.tau_g2);
    if (!open_cached(srs, &head, count, machine))
        status = make_powers(srs, &head, &source, count, machine, diag);
    if (status != STATUS_OK)
        srs_release(srs);
    ptau_close(&file);
    return status;
}

/* A file of powers that is somewhere else than in the cache, or there. */
static enum status open_point_file(struct srs *srs, const char *path, size_t count,
                                   struct machine *machine, struct diag *diag)
{
    struct point_file_head head;
    struct point_file file;
    enum status status = point_file_open(&file, path, diag);
    if (status != STATUS_OK)
        return status;
    set_identity(srs, &head, (enum srs_origin)file.head.origin, &file.head.tau_g2);
    srs->points.file = file;
    if (file.head.kind != POINT_FILE_POWERS || file.head.levels != 1 ||
        file.head.origin > SRS_CEREMONY || g2_affine_is_infinity(&srs->tau_g2) ||
        memcmp(srs->digest, file.head.digest, sizeof srs->digest) != 0)
        status = diag_set(diag, STATUS_BAD_INPUT, "%s: not a file of the powers of an SRS", path);
    else if (file.head.count < count)
        status = diag_set(diag, STATUS_LIMIT,
                          "%s: has %llu powers of tau, %zu are needed; import a larger .ptau file",
                          path, (unsigned long long)file.head.count, count);
    else
        status = point_file_check(&file, path, 0, count, machine, diag);
    if (status != STATUS_OK) {
        srs_release(srs);
        return status;
    }
    srs->powers = (struct msm_bases){
        .point = srs_points_settle(&srs->points, count, machine), .count = count, .levels = 1};
    return status;
}

enum status srs_open_file(struct srs *srs, const char *path, size_t count, struct machine *machine,
                          struct diag *diag)
{
    struct file_map map = {0};
    memset(srs, 0, sizeof *srs);
    ASSERT(count >= 2 && count <= SRS_MOST_POWERS);
    enum status status = file_map_open(&map, path, UINT64_MAX / 2, diag);
    if (status != STATUS_OK)
        return status;
    bool is_point_file = point_file_has_magic(map.data, map.count);
    file_map_close(&map);
    return is_point_file ? open_point_file(srs, path, count, machine, diag)
                         : open_ptau(srs, path, count, machine, diag);
}

enum status srs_open_digest(struct srs *srs, const uint8_t digest[SRS_DIGEST_BYTES], size_t count,
                            struct machine *machine, struct diag *diag)
{
    uint8_t development[SRS_DIGEST_BYTES];
    g2_affine tau_g2;
    memset(srs, 0, sizeof *srs);
    srs_development_tau_g2(&tau_g2);
    srs_compute_digest(development, SRS_DEVELOPMENT, &tau_g2);
    if (memcmp(development, digest, sizeof development) == 0)
        return srs_open_development(srs, count, machine, diag);
    struct point_file_head head = {.kind = POINT_FILE_POWERS, .origin = SRS_CEREMONY, .levels = 1};
    memcpy(head.digest, digest, sizeof head.digest);
    char *path = srs_cache_path(&head, false);
    enum status status = STATUS_BAD_INPUT;
    if (path && file_exists(path))
        status = open_point_file(srs, path, count, machine, NULL);
    free(path);
    if (status == STATUS_OK && memcmp(srs->digest, digest, sizeof srs->digest) == 0)
        return STATUS_OK;
    srs_release(srs);
    return diag_set(diag, STATUS_BAD_INPUT,
                    "the SRS of these keys (digest %02x%02x%02x%02x...) is not in the cache with "
                    "%zu powers; give its file with --srs FILE.ptau",
                    digest[0], digest[1], digest[2], digest[3], count);
}

void srs_use_table(struct srs *srs, size_t most_bytes, struct machine *machine)
{
    struct point_file_head head = powers_head(srs);
    if (srs->powers.levels == 1)
        srs_exchange_for_table(&srs->powers, &srs->points, &head, most_bytes, machine);
}

void srs_release(struct srs *srs)
{
    srs_points_release(&srs->points);
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
    srs_development_tau_g2(&tau_g2);
    srs_verifier_init(out, SRS_DEVELOPMENT, &tau_g2);
}
