/*
 * Pippenger's method on the plan of msm_plan.h.
 *
 * For each group of bucket sets: (1) recoded scalars give signed digits, a counting sort brings the
 * entries (signed point indices) into bucket order; (2) chunks of entries become bucket sums by
 * rounds of batch additions within each bucket; (3) the buckets of a set, seen as a matrix, give
 * row and column sums by the same two steps, and sum b S_b = 2^m sum hi R_hi + sum lo C_lo + sum
 * R_hi over those. All of (1) to (3) is shared by full and small scalars and by tables of shifted
 * bases.
 */
#include "backend/curve/msm.h"

#include <string.h>

#include "backend/curve/affine_batch.h"
#include "backend/curve/msm_plan.h"
#include "backend/field/field_limbs.h"
#include "ir/support/status.h"

/* Entries in bucket order: those of key k are entry[start[k]] .. entry[start[k + 1] - 1]. */
struct sorted {
    uint32_t *entry;
    uint32_t *start; /* keys + 1 */
    size_t keys;
};

/* Runs of a chunk that are summed side by side. */
struct run {
    uint16_t start, length;
};

/* What one thread needs for a chunk. */
struct worker {
    g1_affine *point;
    fp *scratch;
    uint16_t *pair;
    struct run *run;
};

/* A bucket sum of which other chunks hold parts. */
struct partial {
    size_t key; /* NO_KEY: none */
    g1_affine point;
};

#define NO_KEY SIZE_MAX

struct msm {
    const struct msm_bases *bases;
    const struct msm_piece *piece;
    size_t piece_count, scalars;
    unsigned piece_bits[MSM_MOST_PIECES]; /* bit length of the largest magnitude */
    struct machine *machine;
    struct msm_plan plan;
    /* scratch */
    uint64_t (*recoded)[4]; /* full scalars in order: |k| signed, plus the offset of the digits */
    uint32_t *counter;      /* [slice][key] */
    struct sorted by_bucket, by_line;
    g1_affine *bucket; /* [set][bucket] of one group */
    g1_affine *line;   /* [set][rows, then columns] */
    struct partial *partial;
    g1 *merged; /* sums of partials, and their keys */
    size_t *merged_key;
    struct worker *worker;
    unsigned first_set; /* the group being done */
    unsigned group;
};

/* ---- memory --------------------------------------------------------------------------------- */

/* Takes `bytes` from the scratch at *cursor, or only counts them when base is null. */
static void *take(char *base, size_t *cursor, size_t bytes)
{
    size_t at = *cursor;
    *cursor += (bytes + 63) / 64 * 64;
    return base ? base + at : NULL;
}

/* Lays out the scratch; returns its length. base may be null. */
static size_t lay_out(struct msm *m, char *base, const struct msm_limits *limits, size_t full)
{
    size_t at = 0;
    m->recoded = take(base, &at, full * sizeof *m->recoded);
    m->counter = take(base, &at, limits->slices * limits->keys * sizeof *m->counter);
    m->by_bucket.entry = take(base, &at, limits->entries * sizeof(uint32_t));
    m->by_bucket.start = take(base, &at, (limits->keys + 1) * sizeof(uint32_t));
    /* A set of 2^b buckets has at most 2^b + 1 rows and columns. */
    m->by_line.start = take(base, &at, (2 * limits->keys + 2) * sizeof(uint32_t));
    m->by_line.entry = m->by_bucket.entry;
    m->bucket = take(base, &at, limits->keys * sizeof *m->bucket);
    m->line = take(base, &at, 2 * limits->keys * sizeof *m->line);
    m->partial = take(base, &at, 2 * limits->chunks * sizeof *m->partial);
    m->merged = take(base, &at, 2 * limits->chunks * sizeof *m->merged);
    m->merged_key = take(base, &at, 2 * limits->chunks * sizeof *m->merged_key);
    m->worker = take(base, &at, limits->threads * sizeof *m->worker);
    for (unsigned t = 0; t < limits->threads; t++) {
        struct worker w = {
            .point = take(base, &at, MSM_CHUNK * sizeof(g1_affine)),
            .scratch = take(base, &at, AFFINE_SCRATCH(MSM_CHUNK / 2) * sizeof(fp)),
            .pair = take(base, &at, MSM_CHUNK / 2 * sizeof(uint16_t)),
            .run = take(base, &at, MSM_CHUNK * sizeof(struct run)),
        };
        if (base)
            m->worker[t] = w;
    }
    return at;
}

size_t msm_scratch_bytes(const struct msm_bases *bases, size_t full_count, size_t small_count,
                         const struct machine *machine)
{
    struct msm_limits limits;
    struct msm m;
    msm_limits(&limits, bases, full_count + small_count, machine);
    return lay_out(&m, NULL, &limits, full_count);
}

/* ---- recoding ------------------------------------------------------------------------------- */

static unsigned bit_length(const uint64_t k[4])
{
    for (unsigned i = 4; i-- > 0;)
        if (k[i])
            return 64 * i + 64 - (unsigned)__builtin_clzll(k[i]);
    return 0;
}

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

/* out = the integer of k in (-r/2, r/2), two's complement. */
static void centre(uint64_t out[4], const fr *k)
{
    uint64_t negated[4], borrow = 0;
    fr_to_limbs(out, k);
    for (int i = 0; i < 4; i++)
        negated[i] = limb_sbb(fr_modulus[i], out[i], &borrow);
    if (limbs_less(out, negated))
        return;
    borrow = 0;
    for (int i = 0; i < 4; i++)
        out[i] = limb_sbb(0, negated[i], &borrow);
}

/* Bit length of the magnitude of a two's complement integer. */
static unsigned signed_bits(const uint64_t k[4])
{
    uint64_t negated[4], borrow = 0;
    if (!(k[3] >> 63))
        return bit_length(k);
    for (int i = 0; i < 4; i++)
        negated[i] = limb_sbb(0, k[i], &borrow);
    return bit_length(negated);
}

static unsigned small_bits(int64_t v)
{
    uint64_t size = magnitude(v);
    return size ? 64 - (unsigned)__builtin_clzll(size) : 0;
}

struct centre_job {
    uint64_t (*recoded)[4];
    const fr *scalar;
};

static void centre_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    struct centre_job *job = ctx;
    (void)worker;
    for (size_t k = begin; k < end; k++)
        centre(job->recoded[k], &job->scalar[k]);
}

/* Centres the full scalars, and counts the bit lengths of all. */
static void survey_scalars(struct msm *m, struct msm_histogram *histogram)
{
    uint64_t(*recoded)[4] = m->recoded;
    memset(histogram, 0, sizeof *histogram);
    for (size_t p = 0; p < m->piece_count; p++) {
        const struct msm_piece *piece = &m->piece[p];
        unsigned most = 0;
        if (piece->full) {
            struct centre_job job = {recoded, piece->full};
            machine_parallel_for(m->machine, piece->count, 1024, centre_task, &job);
        }
        for (size_t k = 0; k < piece->count; k++) {
            unsigned bits = piece->full ? signed_bits(recoded[k]) : small_bits(piece->small[k]);
            histogram->count[bits]++;
            most = bits > most ? bits : most;
        }
        recoded += piece->full ? piece->count : 0;
        m->piece_bits[p] = most;
    }
}

/* Offset of windows 0 .. count - 1: sum 2^(c - 1 + c j), so that every digit of k + offset, less
 * 2^(c - 1), is a signed digit of k without carries. */
static void digit_offset(uint64_t out[4], unsigned c, unsigned count)
{
    memset(out, 0, 4 * sizeof *out);
    for (unsigned j = 0; j < count; j++) {
        unsigned bit = c - 1 + c * j;
        out[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
}

struct offset_job {
    uint64_t (*recoded)[4];
    uint64_t offset[4];
};

static void offset_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    struct offset_job *job = ctx;
    (void)worker;
    for (size_t k = begin; k < end; k++) {
        uint64_t carry = 0;
        for (int i = 0; i < 4; i++)
            job->recoded[k][i] = limb_adc(job->recoded[k][i], job->offset[i], &carry);
    }
}

static void add_offsets(struct msm *m, size_t full_count)
{
    struct offset_job job = {.recoded = m->recoded};
    digit_offset(job.offset, m->plan.window_bits, m->plan.windows - 1);
    machine_parallel_for(m->machine, full_count, 4096, offset_task, &job);
}

/* ---- sorting -------------------------------------------------------------------------------- */

/* Where the digits of one slice go: counted when entry is null, else written. */
struct sink {
    uint32_t *counter; /* of this slice: a count, or the next free place, of every key */
    uint32_t *entry;
};

static inline void put_digit(const struct sink *sink, size_t set_key, int32_t digit, size_t point)
{
    if (digit == 0)
        return;
    uint32_t negative = digit < 0;
    size_t key = set_key + (size_t)(negative ? -digit : digit) - 1;
    if (sink->entry)
        sink->entry[sink->counter[key]] = (uint32_t)point << 1 | negative;
    sink->counter[key]++;
}

/* The digit of window j of a recoded full scalar. */
static inline int32_t full_digit(const uint64_t k[4], unsigned j, unsigned windows, unsigned c)
{
    unsigned bit = c * j, limb = bit / 64, shift = bit % 64;
    if (j + 1 == windows) /* the top limb, with its sign */
        return (int32_t)((int64_t)k[3] >> shift);
    uint64_t v = k[limb] >> shift;
    if (shift + c > 64)
        v |= k[limb + 1] << (64 - shift);
    return (int32_t)(v & ((UINT64_C(1) << c) - 1)) - (int32_t)(UINT32_C(1) << (c - 1));
}

/* Sends the digits of windows j with j % sets in the group. */
static void sink_full(const struct msm *m, const struct sink *sink, const struct msm_piece *piece,
                      uint64_t (*recoded)[4], unsigned bits, size_t begin, size_t end)
{
    const struct msm_plan *plan = &m->plan;
    /* All windows but the top one carry on, so a value needs one bit more than in sink_small. */
    unsigned windows = msm_window_count(bits + 1, plan->window_bits);
    if (windows > plan->windows)
        windows = plan->windows;
    for (unsigned j = 0; j < windows; j++) {
        unsigned set = j % plan->sets - m->first_set, level = j / plan->sets;
        if (set >= m->group)
            continue;
        size_t point = level * m->bases->count + piece->first + begin * piece->stride;
        for (size_t k = begin; k < end; k++, point += piece->stride)
            put_digit(sink, set * plan->buckets,
                      full_digit(recoded[k], j, plan->windows, plan->window_bits), point);
    }
}

static void sink_small(const struct msm *m, const struct sink *sink, const struct msm_piece *piece,
                       unsigned bits, size_t begin, size_t end)
{
    const struct msm_plan *plan = &m->plan;
    const unsigned c = plan->window_bits, windows = msm_window_count(bits, c);
    uint64_t offset_limb[4];
    digit_offset(offset_limb, c, windows - 1);
    const __int128 offset = (__int128)((unsigned __int128)offset_limb[1] << 64 | offset_limb[0]);
    const __int128 half = (__int128)1 << (c - 1), mask = 2 * half - 1;
    for (unsigned j = 0; j < windows; j++) {
        unsigned set = j % plan->sets - m->first_set, level = j / plan->sets;
        if (set >= m->group)
            continue;
        size_t point = level * m->bases->count + piece->first + begin * piece->stride;
        for (size_t k = begin; k < end; k++, point += piece->stride) {
            __int128 v = (piece->small[k] + offset) >> (c * j);
            put_digit(sink, set * plan->buckets,
                      (int32_t)(j + 1 == windows ? v : (v & mask) - half), point);
        }
    }
}

/* Sends the digits of scalars begin .. end - 1, counted over all pieces. */
static void sink_scalars(const struct msm *m, const struct sink *sink, size_t begin, size_t end)
{
    size_t before = 0;
    uint64_t(*recoded)[4] = m->recoded;
    for (size_t p = 0; p < m->piece_count && before < end; p++) {
        const struct msm_piece *piece = &m->piece[p];
        size_t from = begin > before ? begin - before : 0;
        size_t to = end - before < piece->count ? end - before : piece->count;
        if (from < to && piece->full)
            sink_full(m, sink, piece, recoded, m->piece_bits[p], from, to);
        else if (from < to)
            sink_small(m, sink, piece, m->piece_bits[p], from, to);
        if (piece->full)
            recoded += piece->count;
        before += piece->count;
    }
}

struct sort_job {
    struct msm *msm;
    size_t keys;
    uint32_t *entry; /* null in the counting pass */
};

static void sort_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct sort_job *job = ctx;
    const struct msm *m = job->msm;
    (void)worker;
    for (size_t slice = begin; slice < end; slice++) {
        struct sink sink = {m->counter + slice * job->keys, job->entry};
        if (!job->entry)
            memset(sink.counter, 0, job->keys * sizeof *sink.counter);
        sink_scalars(m, &sink, m->scalars * slice / m->plan.slices,
                     m->scalars * (slice + 1) / m->plan.slices);
    }
}

/* Fills by_bucket with the entries of the group. The order within a bucket is that of the scalars,
 * whatever the slices. */
static void sort_entries(struct msm *m)
{
    struct sort_job job = {m, m->group * m->plan.buckets, NULL};
    machine_parallel_for(m->machine, m->plan.slices, 1, sort_task, &job);
    uint32_t at = 0;
    for (size_t key = 0; key < job.keys; key++) {
        m->by_bucket.start[key] = at;
        for (size_t slice = 0; slice < m->plan.slices; slice++) {
            uint32_t count = m->counter[slice * job.keys + key];
            m->counter[slice * job.keys + key] = at;
            at += count;
        }
    }
    m->by_bucket.start[job.keys] = at;
    m->by_bucket.keys = job.keys;
    job.entry = m->by_bucket.entry;
    machine_parallel_for(m->machine, m->plan.slices, 1, sort_task, &job);
}

/* ---- sums of sorted entries ----------------------------------------------------------------- */

/* Leaves the sum of each run in its first point. Round k adds neighbours 2^k apart. */
static void sum_runs(const struct worker *w, size_t run_count)
{
    for (size_t distance = 1;; distance *= 2) {
        size_t pairs = 0, active = 0;
        for (size_t i = 0; i < run_count; i++) {
            struct run run = w->run[i];
            if (run.length <= distance)
                continue;
            for (size_t a = 0; a + distance < run.length; a += 2 * distance)
                w->pair[pairs++] = (uint16_t)(run.start + a);
            w->run[active++] = run;
        }
        if (pairs == 0)
            return;
        run_count = active;
        affine_add_pairs(w->point, w->pair, pairs, distance, w->scratch);
    }
}

struct sum_job {
    struct msm *msm;
    const struct sorted *sorted;
    const g1_affine *source;
    g1_affine *out; /* of every key */
};

/* The last key whose entries start at or before `at`; at is below the number of entries. */
static size_t key_of_entry(const struct sorted *s, size_t at)
{
    size_t low = 0, high = s->keys;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (s->start[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* One chunk of entries: whole keys go to out, keys shared with other chunks to the two partials. */
static void sum_chunk(const struct sum_job *job, size_t chunk, size_t begin, size_t end,
                      const struct worker *w)
{
    const struct sorted *s = job->sorted;
    struct partial *partial = job->msm->partial + 2 * chunk;
    size_t first = key_of_entry(s, begin), run_count = 0, key = first;
    affine_gather(w->point, job->source, s->entry + begin, end - begin);
    for (; key < s->keys && s->start[key] < end; key++) {
        size_t from = s->start[key] > begin ? s->start[key] : begin;
        size_t to = s->start[key + 1] < end ? s->start[key + 1] : end;
        if (from < to)
            w->run[run_count++] = (struct run){(uint16_t)(from - begin), (uint16_t)(to - from)};
    }
    sum_runs(w, run_count);
    partial[0].key = partial[1].key = NO_KEY;
    for (size_t k = first; k < key; k++) {
        size_t from = s->start[k] > begin ? s->start[k] : begin;
        if (s->start[k] == s->start[k + 1])
            continue;
        const g1_affine *sum = &w->point[from - begin];
        if (s->start[k] >= begin && s->start[k + 1] <= end)
            job->out[k] = *sum;
        else
            partial[s->start[k] < begin ? 0 : 1] = (struct partial){k, *sum};
    }
}

static void sum_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct sum_job *job = ctx;
    sum_chunk(job, begin / job->msm->plan.chunk, begin, end, &job->msm->worker[worker]);
}

/* Adds up the parts of keys that lie in several chunks; they are neighbours in the list. */
static void merge_partials(const struct sum_job *job, size_t chunk_count)
{
    struct msm *m = job->msm;
    size_t count = 0;
    for (size_t i = 0; i < 2 * chunk_count; i++) {
        const struct partial *part = &m->partial[i];
        if (part->key == NO_KEY)
            continue;
        if (count == 0 || part->key != m->merged_key[count - 1]) {
            g1_set_infinity(&m->merged[count]);
            m->merged_key[count++] = part->key;
        }
        g1_add_affine(&m->merged[count - 1], &m->merged[count - 1], &part->point);
    }
    for (size_t i = 0; i < count; i++)
        g1_to_affine(&job->out[m->merged_key[i]], &m->merged[i]);
}

/* out[key] = the sum of the entries of each key that has any; other out[key] stay as they are. */
static void sum_sorted(struct msm *m, const struct sorted *sorted, const g1_affine *source,
                       g1_affine *out)
{
    struct sum_job job = {m, sorted, source, out};
    size_t entries = sorted->start[sorted->keys];
    machine_parallel_for(m->machine, entries, m->plan.chunk, sum_task, &job);
    merge_partials(&job, (entries + m->plan.chunk - 1) / m->plan.chunk);
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
    sort_entries(m);
    sum_sorted(m, &m->by_bucket, m->bases->point, m->bucket);
    list_lines(m);
    memset(m->line, 0, m->by_line.keys * sizeof *m->line);
    sum_sorted(m, &m->by_line, m->bucket, m->line);
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
    (void)lay_out(&m, scratch, &limits, full_count);
    survey_scalars(&m, &histogram);
    msm_make_plan(&m.plan, bases, &histogram, &limits);
    add_offsets(&m, full_count);
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
