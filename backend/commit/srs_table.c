/*
 * Window tables. See srs_table.h.
 */
#include "backend/commit/srs_table.h"

#include "backend/commit/srs.h"

#include <stdlib.h>
#include <string.h>

#include "ir/support/large_memory.h"
#include "backend/commit/srs_cache.h"

void srs_points_release(struct srs_points *points)
{
    point_file_close(&points->file);
    free(points->owned);
    memset(points, 0, sizeof *points);
}

/* Points that a thread copies at once. */
#define COPY_CHUNK 16384

struct copy_job {
    g1_affine *to;
    const g1_affine *from;
};

static void copy_task(void *context, size_t begin, size_t end, unsigned worker)
{
    const struct copy_job *job = context;
    (void)worker;
    memcpy(job->to + begin, job->from + begin, (end - begin) * sizeof *job->to);
}

const g1_affine *srs_points_settle(struct srs_points *points, size_t count, struct machine *machine)
{
    size_t bytes = count * sizeof(g1_affine);
    if (points->owned || bytes < LARGE_MEMORY_BYTES)
        return points->owned ? points->owned : points->file.point;
    points->owned = large_alloc(bytes);
    if (!points->owned)
        return points->file.point;
    struct copy_job job = {points->owned, points->file.point};
    machine_parallel_for(machine, count, COPY_CHUNK, copy_task, &job);
    point_file_close(&points->file);
    return points->owned;
}

/* Makes the table of a shape in memory; null without memory. */
static g1_affine *make_table(const struct msm_bases *bases, const struct msm_bases *shape,
                             struct machine *machine)
{
    g1_affine *table = large_alloc(shape->count * shape->levels * sizeof *table);
    void *scratch = malloc(MSM_TABLE_SCRATCH * machine_threads(machine));
    if (table && scratch) {
        memcpy(table, bases->point, shape->count * sizeof *table);
        msm_fill_table(table, shape, machine, scratch);
    } else {
        free(table);
        table = NULL;
    }
    free(scratch);
    return table;
}

void srs_exchange_for_table(struct msm_bases *bases, struct srs_points *points,
                            const struct point_file_head *head, size_t most_bytes,
                            struct machine *machine)
{
    struct msm_bases shape = {.count = bases->count};
    struct srs_points table = {0};
    size_t level_limit = most_bytes / (bases->count * sizeof(g1_affine));
    msm_choose_table(&shape, bases->count,
                     level_limit < SRS_TABLE_LEVELS ? (unsigned)level_limit : SRS_TABLE_LEVELS);
    if (shape.levels < 2)
        return;
    struct point_file_head table_head = *head;
    table_head.count = shape.count * shape.levels;
    table_head.levels = shape.levels;
    table_head.shift_bits = shape.shift_bits;
    table_head.window_bits = shape.window_bits;
    if (srs_cache_open(&table.file, &table_head, table_head.count, machine)) {
        shape.point = srs_points_settle(&table, shape.count * shape.levels, machine);
    } else {
        table.owned = make_table(bases, &shape, machine);
        shape.point = table.owned;
        if (!table.owned || !srs_cache_store(&table_head, table.owned)) {
            srs_points_release(&table);
            return;
        }
    }
    srs_points_release(points);
    *points = table;
    *bases = shape;
}
