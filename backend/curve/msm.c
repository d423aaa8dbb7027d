/*
 * Pippenger's method on the plan of msm_plan.h.
 *
 * For each group of bucket sets: (1) recoded scalars give signed digits, a counting sort brings the
 * entries (signed point indices) into bucket order (msm_digits.c); (2) entries become bucket sums
 * by batch additions (msm_buckets.c); (3) the buckets of a set, seen as a matrix, give row and
 * column sums in the same way, and sum b S_b = 2^m sum hi R_hi + sum lo C_lo + sum R_hi over those.
 * All of (1) to (3) is shared by full and small scalars and by tables of shifted bases.
 */
#include "backend/curve/msm.h"

#include <string.h>

#include "backend/curve/msm_parts.h"
#include "ir/support/status.h"

/* ---- memory --------------------------------------------------------------------------------- */

void *msm_take(char *base, size_t *cursor, size_t bytes)
{
    size_t at = *cursor;
    *cursor += (bytes + 63) / 64 * 64;
    return base ? base + at : NULL;
}

/* Lays out the scratch; returns its length. base may be null. */
static size_t lay_out(struct msm *m, char *base, const struct msm_limits *limits, size_t full,
                      size_t scalars)
{
    size_t at = 0, counters = msm_counter_count(limits);
    for (int i = 0; i < 4; i++)
        m->recoded[i] = msm_take(base, &at, full * sizeof **m->recoded);
    m->block_bits = msm_take(base, &at, msm_block_count(scalars) * sizeof *m->block_bits);
    m->counter = msm_take(base, &at, limits->slices * counters * sizeof *m->counter);
    m->part_start = msm_take(base, &at, counters * sizeof *m->part_start);
    m->code = msm_take(base, &at, limits->entries * sizeof *m->code);
    m->place = msm_take(base, &at,
                        limits->entries *
                            (limits->keys > MSM_DIRECT_KEYS ? sizeof(uint64_t) : sizeof(uint32_t)));
    m->by_bucket.start = msm_take(base, &at, (limits->keys + 2) * sizeof(uint32_t));
    /* A set of 2^b buckets has at most 2^b + 1 rows and columns. */
    m->by_line.start = msm_take(base, &at, (2 * limits->keys + 2) * sizeof(uint32_t));
    m->bucket = msm_take(base, &at, limits->keys * sizeof *m->bucket);
    m->line = msm_take(base, &at, 2 * limits->keys * sizeof *m->line);
    msm_lay_out_sums(m, base, &at, limits);
    return at;
}

size_t msm_scratch_bytes(const struct msm_bases *bases, size_t full_count, size_t small_count,
                         const struct machine *machine)
{
    struct msm_limits limits;
    struct msm m;
    msm_limits(&limits, bases, full_count + small_count, machine);
    return lay_out(&m, NULL, &limits, full_count, full_count + small_count);
}

/* ---- weighted sums of buckets --------------------------------------------------------------- */

/* A set of 2^b buckets as a matrix: bucket (hi << low_bits | lo) stands in row hi, column lo. */
static unsigned low_bits(const struct msm_plan *plan)
{
    return (plan->window_bits - 1) / 2;
}

static size_t row_count(const struct msm_plan *plan)
{
    return plan->buckets >> low_bits(plan);
}

static size_t column_count(const struct msm_plan *plan)
{
    return (size_t)1 << low_bits(plan);
}

/* Appends bucket b of the group to line `at` of by_line unless it is empty. */
static void append_bucket(struct msm *m, size_t b, uint32_t *at)
{
    if (m->by_bucket.start[b] != m->by_bucket.start[b + 1])
        m->by_line.entry[(*at)++] = (uint32_t)b << 1;
}

/* Fills by_line: for each set the buckets of every row, then those of every column. */
static void list_lines(struct msm *m)
{
    const struct msm_plan *plan = &m->plan;
    size_t rows = row_count(plan), columns = column_count(plan), line = 0;
    uint32_t at = 0;
    m->by_line.entry = m->by_bucket.entry;
    for (size_t set = 0; set < m->group; set++) {
        size_t first = set * plan->buckets;
        for (size_t row = 0; row < rows; row++) {
            m->by_line.start[line++] = at;
            for (size_t column = 0; column < columns; column++)
                append_bucket(m, first + row * columns + column, &at);
        }
        for (size_t column = 0; column < columns; column++) {
            m->by_line.start[line++] = at;
            for (size_t row = 0; row < rows; row++)
                append_bucket(m, first + row * columns + column, &at);
        }
    }
    m->by_line.start[line] = at;
    m->by_line.keys = line;
}

/* weighted = sum i point[i], total = sum point[i], over i < n. */
static void running_sum(g1 *weighted, g1 *total, const g1_affine *point, size_t n)
{
    g1_set_infinity(weighted);
    g1_set_infinity(total);
    for (size_t i = n; i-- > 1;) {
        g1_add_affine(total, total, &point[i]);
        g1_add(weighted, weighted, total);
    }
    g1_add_affine(total, total, &point[0]);
}

struct set_job {
    struct msm *msm;
    g1 *out;
};

/* out[set] = sum (b + 1) bucket[b] from the sums of rows and columns. */
static void set_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct set_job *job = ctx;
    const struct msm_plan *plan = &job->msm->plan;
    size_t rows = row_count(plan), columns = column_count(plan);
    (void)worker;
    for (size_t set = begin; set < end; set++) {
        const g1_affine *line = job->msm->line + set * (rows + columns);
        g1 by_row, by_column, total, again;
        running_sum(&by_row, &total, line, rows);
        running_sum(&by_column, &again, line + rows, columns);
        for (unsigned i = 0; i < low_bits(plan); i++)
            g1_double(&by_row, &by_row);
        g1_add(&by_row, &by_row, &by_column);
        g1_add(&job->out[set], &by_row, &total);
    }
}

/* out[i] = the sum of set first_set + i of the group. */
static void sum_group(struct msm *m, g1 *out)
{
    msm_sort_entries(m);
    msm_sum_sorted(m, &m->by_bucket, m->bases->point, m->bucket);
    list_lines(m);
    memset(m->line, 0, m->by_line.keys * sizeof *m->line);
    msm_sum_sorted(m, &m->by_line, m->bucket, m->line);
    struct set_job job = {m, out};
    machine_parallel_for(m->machine, m->group, 1, set_task, &job);
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* Sets of windows of two bits and more. */
#define MOST_SETS ((MSM_FULL_BITS + 2) / 2 + 1)

void msm_g1_pieces(g1 *out, const struct msm_bases *bases, const struct msm_piece *piece,
                   size_t piece_count, struct machine *machine, void *scratch)
{
    struct msm m = {.bases = bases, .piece = piece, .piece_count = piece_count, .machine = machine};
    struct msm_limits limits;
    struct msm_histogram histogram;
    g1 set_sum[MOST_SETS];
    size_t full_count = 0;
    ASSERT(piece_count <= MSM_MOST_PIECES);
    for (size_t p = 0; p < piece_count; p++) {
        m.scalars += piece[p].count;
        full_count += piece[p].full ? piece[p].count : 0;
    }
    msm_limits(&limits, bases, m.scalars, machine);
    (void)lay_out(&m, scratch, &limits, full_count, m.scalars);
    msm_survey_scalars(&m, &histogram);
    msm_make_plan(&m.plan, bases, &histogram, &limits);
    msm_add_offsets(&m, full_count);
    for (unsigned set = 0; set < m.plan.used_sets; set += m.group) {
        unsigned left = m.plan.used_sets - set;
        m.first_set = set;
        m.group = left < m.plan.set_group ? left : m.plan.set_group;
        sum_group(&m, set_sum + set);
    }
    g1 sum = set_sum[m.plan.used_sets - 1];
    for (unsigned set = m.plan.used_sets - 1; set-- > 0;) {
        for (unsigned i = 0; i < m.plan.window_bits; i++)
            g1_double(&sum, &sum);
        g1_add(&sum, &sum, &set_sum[set]);
    }
    *out = sum;
}

void msm_g1(g1 *out, const g1_affine *bases, const fr *scalars, size_t n, struct machine *machine,
            void *scratch)
{
    struct msm_bases list = {.point = bases, .count = n, .levels = 1};
    struct msm_piece piece = {.full = scalars, .count = n, .stride = 1};
    msm_g1_pieces(out, &list, &piece, 1, machine, scratch);
}

void msm_g1_small(g1 *out, const g1_affine *bases, const int64_t *scalars, size_t n,
                  struct machine *machine, void *scratch)
{
    struct msm_bases list = {.point = bases, .count = n, .levels = 1};
    struct msm_piece piece = {.small = scalars, .count = n, .stride = 1};
    msm_g1_pieces(out, &list, &piece, 1, machine, scratch);
}
