/*
 * Sums of sorted entries: buckets, and lines of buckets. See msm.c for the method.
 *
 * A chunk of entries is summed by rounds of batch additions of neighbours within each key, while
 * rounds are long enough to be worth an inversion. What is left, and what keys share with other
 * chunks, goes on to a next level, whose entries are the points left; the last level is one chunk
 * and ends with one point a key.
 */
#include "backend/curve/affine_batch.h"
#include "backend/curve/msm_parts.h"
#include "ir/support/status.h"

/* Fewest additions of a round when other chunks are left over as well. */
#define LEAST_PAIRS 128
/* A chunk leaves points of keys that have pairs, three for each pair at most, and of the two keys
 * that it shares with its neighbours. */
#define MOST_REST (3 * LEAST_PAIRS + 2)
/* Points of a chunk after its first round: runs of three leave two, single entries none or one. */
#define CHUNK_POINTS (MSM_CHUNK / 3 * 2 + 4)

/* Points of a chunk that are summed side by side: `length` of them, from `start`. */
struct msm_run {
    uint16_t start, length;
};

struct sum_job {
    const struct msm *msm;
    const struct msm_sorted *sorted;
    const g1_affine *source;
    g1_affine *out; /* of every key */
    struct msm_rest *rest;
    size_t chunk;
    size_t least_pairs;
};

/* ---- memory --------------------------------------------------------------------------------- */

static size_t chunk_count(size_t entries, size_t chunk)
{
    return (entries + chunk - 1) / chunk;
}

static void lay_out_rest(struct msm_rest *rest, char *base, size_t *at, size_t chunks)
{
    size_t points = chunks * MOST_REST;
    rest->point = msm_take(base, at, points * sizeof *rest->point);
    rest->key = msm_take(base, at, points * sizeof *rest->key);
    rest->count = msm_take(base, at, chunks * sizeof *rest->count);
    rest->sorted.entry = msm_take(base, at, points * sizeof(uint32_t));
    rest->sorted.start = msm_take(base, at, (points + 1) * sizeof(uint32_t));
    rest->name = msm_take(base, at, points * sizeof *rest->name);
    rest->sorted.name = rest->name;
}

void msm_lay_out_sums(struct msm *m, char *base, size_t *at, const struct msm_limits *limits)
{
    /* Levels take turns with two memories; a level needs less than the one before it. */
    size_t chunks = limits->chunks;
    for (int turn = 0; turn < 2; turn++) {
        lay_out_rest(&m->rest[turn], base, at, chunks);
        chunks = chunk_count(chunks * MOST_REST, MSM_LEAST_CHUNK);
    }
    m->worker = msm_take(base, at, limits->threads * sizeof *m->worker);
    for (unsigned t = 0; t < limits->threads; t++) {
        struct msm_worker w = {
            .point = msm_take(base, at, CHUNK_POINTS * sizeof(g1_affine)),
            .scratch = msm_take(base, at, AFFINE_SCRATCH(MSM_CHUNK / 2) * sizeof(fp)),
            .pair = msm_take(base, at, MSM_CHUNK / 2 * sizeof(uint16_t)),
            .to = msm_take(base, at, MSM_CHUNK / 2 * sizeof(uint16_t)),
            .run = msm_take(base, at, CHUNK_POINTS * sizeof(struct msm_run)),
        };
        if (base)
            m->worker[t] = w;
    }
}

/* ---- one chunk ------------------------------------------------------------------------------ */

/* Where the entries of one key lie in a chunk. */
struct span {
    size_t from, to;
    bool is_whole; /* none of its entries in another chunk */
};

static inline struct span span_of(const struct msm_sorted *s, size_t k, size_t begin, size_t end)
{
    struct span span = {s->start[k], s->start[k + 1], true};
    if (span.from < begin || span.to > end) {
        span.is_whole = false;
        span.from = span.from < begin ? begin : span.from;
        span.to = span.to > end ? end : span.to;
    }
    return span;
}

static inline size_t name_of(const struct msm_sorted *s, size_t k)
{
    return s->name ? s->name[k] : k;
}

/* The last key whose entries start at or before `at`; at is below the number of entries. */
static size_t key_of_entry(const struct msm_sorted *s, size_t at)
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

static inline void copy_entry(g1_affine *r, const g1_affine *source, uint32_t entry)
{
    *r = source[entry >> 1];
    if (entry & 1)
        g1_affine_neg(r, r);
}

/* Adds neighbours of every key from `first` on; keys of one entry and no other chunk are done.
 * Returns the number of runs left, in the order of keys. */
static size_t first_round(const struct sum_job *job, size_t first, size_t begin, size_t end,
                          struct affine_ahead *ahead, const struct msm_worker *w)
{
    const struct msm_sorted *s = job->sorted;
    const uint32_t *entry = s->entry + begin;
    size_t runs = 0, points = 0, pairs = 0;
    for (size_t k = first; k < s->keys && s->start[k] < end; k++) {
        struct span span = span_of(s, k, begin, end);
        size_t at = span.from - begin, to = span.to - begin, start = points;
        if (at == to)
            continue;
        if (to - at == 1 && span.is_whole) {
            copy_entry(&job->out[name_of(s, k)], job->source, entry[at]);
            continue;
        }
        for (; at + 1 < to; at += 2) {
            w->pair[pairs] = (uint16_t)at;
            w->to[pairs++] = (uint16_t)points++;
        }
        if (at < to)
            copy_entry(&w->point[points++], job->source, entry[at]);
        w->run[runs++] = (struct msm_run){(uint16_t)start, (uint16_t)(points - start)};
    }
    /* Over all rounds there are nearly twice as many additions as in this one. */
    ahead->share = (ahead->end - ahead->next) * 4 / (pairs + pairs / 2 + 1) + 1;
    affine_add_entries(w->point, w->to, job->source, entry, w->pair, pairs, ahead, w->scratch);
    return runs;
}

/* Adds points 1, 2, 4, ... apart within each run while there are least_pairs pairs; returns the
 * distance at which the points left lie from each other. */
static size_t more_rounds(const struct msm_worker *w, size_t runs, size_t least_pairs,
                          struct affine_ahead *ahead)
{
    for (size_t distance = 1;; distance *= 2) {
        size_t pairs = 0, active = 0;
        for (size_t i = 0; i < runs; i++) {
            struct msm_run run = w->run[i];
            if (run.length <= distance)
                continue;
            for (size_t a = 0; a + distance < run.length; a += 2 * distance)
                w->pair[pairs++] = (uint16_t)(run.start + a);
            w->run[active++] = run;
        }
        if (pairs == 0 || pairs < least_pairs)
            return distance;
        runs = active;
        affine_add_pairs(w->point, w->pair, pairs, distance, ahead, w->scratch);
    }
}

/* Whole keys that have come down to one point go to out, all other points to the next level. */
static void deliver(const struct sum_job *job, size_t first, size_t begin, size_t end,
                    size_t distance, const struct msm_worker *w)
{
    const struct msm_sorted *s = job->sorted;
    size_t chunk = begin / job->chunk, points = 0, left = 0;
    g1_affine *rest = job->rest->point + chunk * MOST_REST;
    uint32_t *rest_key = job->rest->key + chunk * MOST_REST;
    for (size_t k = first; k < s->keys && s->start[k] < end; k++) {
        struct span span = span_of(s, k, begin, end);
        size_t length = span.to - span.from;
        if (length == 0 || (length == 1 && span.is_whole))
            continue;
        length = (length + 1) / 2;
        if (length <= distance && span.is_whole) {
            job->out[name_of(s, k)] = w->point[points];
        } else {
            for (size_t i = 0; i < length; i += distance) {
                ASSERT(left < MOST_REST);
                rest_key[left] = (uint32_t)name_of(s, k);
                rest[left++] = w->point[points + i];
            }
        }
        points += length;
    }
    job->rest->count[chunk] = (uint32_t)left;
}

static void sum_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct sum_job *job = ctx;
    const struct msm_worker *w = &job->msm->worker[worker];
    size_t first = key_of_entry(job->sorted, begin);
    /* The chunk that this thread is likely to get next. */
    size_t entries = job->sorted->start[job->sorted->keys];
    size_t next = begin + job->chunk * machine_threads(job->msm->machine);
    struct affine_ahead ahead = {.source = job->source, .entry = job->sorted->entry};
    ahead.next = next < entries ? next : entries;
    ahead.end = entries - ahead.next < job->chunk ? entries : ahead.next + job->chunk;
    size_t runs = first_round(job, first, begin, end, &ahead, w);
    size_t distance = more_rounds(w, runs, job->least_pairs, &ahead);
    deliver(job, first, begin, end, distance, w);
}

/* ---- levels --------------------------------------------------------------------------------- */

/* Lists what `chunks` chunks have left as sorted entries; points of a key are neighbours. */
static void sort_rest(struct msm_rest *rest, size_t chunks)
{
    struct msm_sorted *s = &rest->sorted;
    size_t entries = 0;
    s->keys = 0;
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        for (size_t i = chunk * MOST_REST; i < chunk * MOST_REST + rest->count[chunk]; i++) {
            if (s->keys == 0 || rest->key[i] != rest->name[s->keys - 1]) {
                rest->name[s->keys] = rest->key[i];
                s->start[s->keys++] = (uint32_t)entries;
            }
            s->entry[entries++] = (uint32_t)i << 1;
        }
    }
    s->start[s->keys] = (uint32_t)entries;
}

void msm_sum_sorted(struct msm *m, const struct msm_sorted *sorted, const g1_affine *source,
                    g1_affine *out)
{
    struct sum_job job = {.msm = m, .sorted = sorted, .source = source, .out = out};
    for (int turn = 0;; turn ^= 1) {
        size_t entries = job.sorted->start[job.sorted->keys];
        if (entries == 0)
            return;
        job.chunk = msm_chunk(entries, machine_threads(m->machine));
        size_t chunks = chunk_count(entries, job.chunk);
        job.rest = &m->rest[turn];
        job.least_pairs = chunks > 1 ? LEAST_PAIRS : 0;
        machine_parallel_for(m->machine, entries, job.chunk, sum_task, &job);
        sort_rest(job.rest, chunks);
        job.sorted = &job.rest->sorted;
        job.source = job.rest->point;
    }
}
