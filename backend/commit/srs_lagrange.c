/*
 * Strided Lagrange bases. The contract is srs.h.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/commit/srs.h"
#include "ir/support/large_memory.h"
#include "backend/commit/srs_cache.h"
#include "backend/commit/srs_development.h"
#include "backend/curve/group_fft.h"

/* By transforms: the powers tau^(arity k + i), k < n, of each residue i give the points of column
 * i. */
static enum status transform_powers(g1_affine *out, const struct srs *srs, unsigned lg_rows,
                                    unsigned arity, struct machine *machine, struct diag *diag)
{
    size_t n = (size_t)1 << lg_rows;
    enum status status = STATUS_OK;
    g1_affine *column = malloc(n * sizeof *column);
    if (!column)
        return diag_set(diag, STATUS_NO_MEMORY, "out of memory for a transform of %zu points", n);
    for (unsigned i = 0; i < arity && status == STATUS_OK; i++) {
        for (size_t k = 0; k < n; k++)
            column[k] = srs->powers.point[k * arity + i];
        status = g1_inverse_fft(column, lg_rows, machine, diag);
        for (size_t j = 0; j < n; j++)
            out[j * arity + i] = column[j];
    }
    free(column);
    return status;
}

/* Makes the points in memory. */
static enum status make_points(struct srs_lagrange *out, const struct srs *srs,
                               struct machine *machine, struct diag *diag)
{
    size_t count = (size_t)out->arity << out->lg_rows;
    out->points.owned = large_alloc(count * sizeof *out->points.owned);
    if (!out->points.owned)
        return diag_set(diag, STATUS_NO_MEMORY, "out of memory for Lagrange bases of %zu points",
                        count);
    if (srs->origin == SRS_DEVELOPMENT)
        return srs_development_lagrange(out->points.owned, out->lg_rows, out->arity, machine, diag);
    return transform_powers(out->points.owned, srs, out->lg_rows, out->arity, machine, diag);
}

static struct point_file_head lagrange_head(const struct srs *srs, unsigned lg_rows, unsigned arity)
{
    struct point_file_head head = {.kind = POINT_FILE_LAGRANGE,
                                   .origin = (uint32_t)srs->origin,
                                   .lg_rows = lg_rows,
                                   .arity = arity,
                                   .levels = 1,
                                   .count = (uint64_t)arity << lg_rows,
                                   .tau_g2 = srs->tau_g2};
    memcpy(head.digest, srs->digest, sizeof head.digest);
    return head;
}

/* Sets the numbers, and the points when they are in the cache; returns whether they are. */
static bool open_cached(struct srs_lagrange *out, const struct point_file_head *head,
                        struct machine *machine)
{
    memset(out, 0, sizeof *out);
    out->lg_rows = head->lg_rows;
    out->arity = head->arity;
    out->bases.count = (size_t)head->count;
    out->bases.levels = 1;
    if (!srs_cache_open(&out->points.file, head, head->count, machine))
        return false;
    out->bases.point = srs_points_settle(&out->points, (size_t)head->count, machine);
    return true;
}

enum status srs_lagrange_open(struct srs_lagrange *out, const struct srs *srs, unsigned lg_rows,
                              unsigned arity, struct machine *machine, struct diag *diag)
{
    memset(out, 0, sizeof *out);
    ASSERT(arity >= 1 && lg_rows <= FR_TWO_ADICITY);
    struct point_file_head head = lagrange_head(srs, lg_rows, arity);
    if (head.count > srs->powers.count)
        return diag_set(diag, STATUS_LIMIT,
                        "Lagrange bases of %llu points need an SRS with as many powers, this one "
                        "has %zu",
                        (unsigned long long)head.count, srs->powers.count);
    if (open_cached(out, &head, machine))
        return STATUS_OK;
    enum status status = make_points(out, srs, machine, diag);
    if (status == STATUS_OK)
        (void)srs_cache_store(&head, out->points.owned);
    else
        srs_lagrange_release(out);
    out->bases.point = out->points.owned;
    return status;
}

bool srs_lagrange_open_quick(struct srs_lagrange *out, const struct srs *srs, unsigned lg_rows,
                             unsigned arity, struct machine *machine)
{
    struct point_file_head head = lagrange_head(srs, lg_rows, arity);
    if (srs->origin == SRS_DEVELOPMENT)
        return srs_lagrange_open(out, srs, lg_rows, arity, machine, NULL) == STATUS_OK;
    if (head.count <= srs->powers.count && open_cached(out, &head, machine))
        return true;
    memset(out, 0, sizeof *out);
    return false;
}

void srs_lagrange_use_table(struct srs_lagrange *bases, const struct srs *srs, size_t most_bytes,
                            struct machine *machine)
{
    struct point_file_head head = lagrange_head(srs, bases->lg_rows, bases->arity);
    if (bases->bases.levels == 1)
        srs_exchange_for_table(&bases->bases, &bases->points, &head, most_bytes, machine);
}

void srs_lagrange_release(struct srs_lagrange *bases)
{
    srs_points_release(&bases->points);
    memset(bases, 0, sizeof *bases);
}
