/*
 * Window tables of fixed bases, kept as files beside the SRS. Private to backend/commit.
 */
#ifndef SERTN_BACKEND_COMMIT_SRS_TABLE_H
#define SERTN_BACKEND_COMMIT_SRS_TABLE_H

#include <stddef.h>

#include "backend/commit/point_file.h"
#include "backend/curve/msm.h"
#include "ir/support/machine.h"

/* Points that are in a file or in memory of their own. Zero-initialised: none. */
struct srs_points {
    struct point_file file;
    g1_affine *owned;
};

/* Frees them; safe on zeroed ones. */
void srs_points_release(struct srs_points *points);

/* Where the first count points are, once they are where they are best: many go from the file into
 * memory on huge pages, as far as there is memory; few stay in the mapped file. */
const g1_affine *srs_points_settle(struct srs_points *points, size_t count,
                                   struct machine *machine);

/*
 * Exchanges plain bases for a table of at most most_bytes bytes that speeds up sums of about
 * bases->count full scalars, and releases the plain ones. Best effort: without a cache, memory or
 * gain everything stays as it is. head: that of the plain bases. Cost on first use: about 254
 * doublings a base.
 */
void srs_exchange_for_table(struct msm_bases *bases, struct srs_points *points,
                            const struct point_file_head *head, size_t most_bytes,
                            struct machine *machine);

#endif
