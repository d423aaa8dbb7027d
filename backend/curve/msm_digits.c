/*
 * Signed digits of scalars, and their counting sort into buckets. See msm.c for the method.
 */
#include <string.h>

#include "backend/curve/msm_parts.h"
#include "backend/field/field_limbs.h"

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

void msm_survey_scalars(struct msm *m, struct msm_histogram *histogram)
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

void msm_add_offsets(struct msm *m, size_t full_count)
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

void msm_sort_entries(struct msm *m)
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
