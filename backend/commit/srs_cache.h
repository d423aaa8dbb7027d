/*
 * The user's cache folder for files of points. Private to backend/commit.
 *
 * Everything here is best effort: a cache that is missing, full, damaged or forbidden is no error.
 */
#ifndef SERTN_BACKEND_COMMIT_SRS_CACHE_H
#define SERTN_BACKEND_COMMIT_SRS_CACHE_H

#include <stdbool.h>

#include "backend/commit/point_file.h"

/* Which file: the powers of an SRS (levels = 1), a window table of the first of them, or Lagrange
 * bases, by the numbers of the head. Powers of one SRS share one file whatever their count. */

/* The folder of all of them, owned; null when the user has none. */
char *srs_cache_folder(void);

/* Returns the path of the file that belongs to this head, owned; null when there is no cache. make:
 * also makes the folders. */
char *srs_cache_path(const struct point_file_head *head, bool make);

/*
 * Opens the cached file for `wanted` and checks its first `count` points (all levels when levels >
 * 1). Returns false, closed, when there is none that fits: same kind, digest and numbers, and at
 * least count points.
 */
bool srs_cache_open(struct point_file *file, const struct point_file_head *wanted, uint64_t count,
                    struct machine *machine);

/* Writes a file for the head; returns whether it is there now. */
bool srs_cache_store(const struct point_file_head *head, const g1_affine *point);

#endif
