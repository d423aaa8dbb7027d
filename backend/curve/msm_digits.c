/*
 * Signed digits of scalars, and their sort into buckets. See msm.c for the method.
 *
 * Scalars are looked at in blocks of neighbours, each with the bit length of its largest: windows
 * above it are skipped, so that a few large values among small ones cost little. A digit becomes a
 * code, the key of its bucket and its sign; codes are counted as they are made. Few keys are sorted
 * by one pass over the codes; many, whose open ends would not fit the first-level cache, by two:
 * first by the upper bits of the key, then each part by the lower ones.
 */
#include <string.h>

#include "backend/curve/msm_parts.h"
#include "backend/field/field_limbs.h"

/* Scalars of one block. */
#define BLOCK 256
/* Scalars that a thread looks at together; whole blocks. */
#define SURVEY_CHUNK 1024

/* ---- recoding ------------------------------------------------------------------------------- */

static unsigned bit_length(const uint64_t k[4])
{
    for (unsigned i = 4; i-- > 0;)
        if (k[i])
            return 64 * i + 64 - (unsigned)__builtin_clzll(k[i]);
    return 0;
}

/* out = the integer of k in (-r/2, r/2), two's complement; returns the bit length of its magnitude.
 */
static unsigned centre(uint64_t out[4], const fr *k)
{
    uint64_t negated[4], borrow = 0;
    fr_to_limbs(out, k);
    for (int i = 0; i < 4; i++)
        negated[i] = limb_sbb(fr_modulus[i], out[i], &borrow);
    if (limbs_less(out, negated))
        return bit_length(out);
    borrow = 0;
    for (int i = 0; i < 4; i++)
        out[i] = limb_sbb(0, negated[i], &borrow);
    return bit_length(negated);
}

static unsigned small_bits(int64_t v)
{
    uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    return size ? 64 - (unsigned)__builtin_clzll(size) : 0;
}

struct survey_job {
    const struct msm *msm;
    const struct msm_piece *piece;
    size_t at;           /* of the first full scalar of the piece in msm->recoded */
    uint8_t *bits;       /* of each scalar of the piece */
    uint8_t *block_bits; /* of each of its blocks */
};

static void survey_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct survey_job *job = ctx;
    (void)worker;
    for (size_t k = begin; k < end; k++) {
        unsigned bits;
        if (job->piece->full) {
            uint64_t limb[4];
            bits = centre(limb, &job->piece->full[k]);
            for (int i = 0; i < 4; i++)
                job->msm->recoded[i][job->at + k] = limb[i];
        } else {
            bits = small_bits(job->piece->small[k]);
        }
        job->bits[k] = (uint8_t)bits;
        uint8_t *most = &job->block_bits[k / BLOCK];
        *most = k % BLOCK == 0 || bits > *most ? (uint8_t)bits : *most;
    }
}

size_t msm_block_count(size_t scalars)
{
    return scalars / BLOCK + MSM_MOST_PIECES;
}

void msm_survey_scalars(struct msm *m, struct msm_histogram *histogram)
{
    struct survey_job job = {.msm = m, .block_bits = m->block_bits};
    memset(histogram, 0, sizeof *histogram);
    for (size_t p = 0; p < m->piece_count; p++) {
        const struct msm_piece *piece = &m->piece[p];
        job.piece = piece;
        job.bits = (uint8_t *)m->code; /* not in use yet */
        machine_parallel_for(m->machine, piece->count, SURVEY_CHUNK, survey_task, &job);
        for (size_t k = 0; k < piece->count; k++)
            histogram->count[job.bits[k]]++;
        m->piece_block[p] = (size_t)(job.block_bits - m->block_bits);
        job.block_bits += (piece->count + BLOCK - 1) / BLOCK;
        job.at += piece->full ? piece->count : 0;
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
    const struct msm *msm;
    uint64_t offset[4];
};

static void offset_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct offset_job *job = ctx;
    (void)worker;
    for (size_t k = begin; k < end; k++) {
        uint64_t carry = 0;
        for (int i = 0; i < 4; i++) {
            uint64_t *limb = &job->msm->recoded[i][k];
            *limb = limb_adc(*limb, job->offset[i], &carry);
        }
    }
}

void msm_add_offsets(struct msm *m, size_t full_count)
{
    struct offset_job job = {.msm = m};
    digit_offset(job.offset, m->plan.window_bits, m->plan.windows - 1);
    machine_parallel_for(m->machine, full_count, 4096, offset_task, &job);
}

/* ---- digits --------------------------------------------------------------------------------- */

/* One window of one block of scalars. */
struct digits {
    const struct msm_piece *piece;
    size_t begin, end; /* scalars of the piece */
    size_t recoded;    /* where begin stands among the recoded scalars, if full */
    unsigned window;
    size_t key;    /* of the first bucket of the window's set */
    size_t point;  /* of scalar begin at the window's level */
    uint32_t none; /* the code of 0 */
};

/* The code of a digit: its key, counted on from `key`, and whether it is negative. */
static inline uint32_t code_of(int32_t digit, const struct digits *d)
{
    uint32_t sign = (uint32_t)digit >> 31, size = ((uint32_t)digit ^ (0 - sign)) + sign;
    uint32_t code = ((uint32_t)d->key + size - 1) << 1 | sign;
    return digit ? code : d->none;
}

static void encode_full(uint32_t *code, const struct msm *m, const struct digits *d)
{
    const unsigned c = m->plan.window_bits, bit = c * d->window, limb = bit / 64, shift = bit % 64;
    const uint64_t mask = (UINT64_C(1) << c) - 1;
    const int32_t half = 1 << (c - 1);
    const uint64_t *low = m->recoded[limb] + d->recoded;
    const size_t n = d->end - d->begin;
    if (d->window + 1 == m->plan.windows) { /* the top limb, with its sign */
        for (size_t k = 0; k < n; k++)
            code[k] = code_of((int32_t)((int64_t)low[k] >> shift), d);
    } else if (shift + c <= 64) {
        for (size_t k = 0; k < n; k++)
            code[k] = code_of((int32_t)(low[k] >> shift & mask) - half, d);
    } else {
        const uint64_t *high = m->recoded[limb + 1] + d->recoded;
        for (size_t k = 0; k < n; k++)
            code[k] =
                code_of((int32_t)((low[k] >> shift | high[k] << (64 - shift)) & mask) - half, d);
    }
}

/* Windows of an int64_t of so many bits: its top digit takes no carry. */
static void encode_small(uint32_t *code, const struct msm *m, const struct digits *d,
                         unsigned windows)
{
    const unsigned c = m->plan.window_bits, shift = c * d->window;
    const int64_t *value = d->piece->small + d->begin;
    const size_t n = d->end - d->begin;
    uint64_t offset_limb[4];
    digit_offset(offset_limb, c, windows - 1);
    const __int128 offset = (__int128)((unsigned __int128)offset_limb[1] << 64 | offset_limb[0]);
    const __int128 half = (__int128)1 << (c - 1), mask = 2 * half - 1;
    if (windows == 1) {
        for (size_t k = 0; k < n; k++)
            code[k] = code_of((int32_t)value[k], d);
    } else if (d->window + 1 == windows) {
        for (size_t k = 0; k < n; k++)
            code[k] = code_of((int32_t)((value[k] + offset) >> shift), d);
    } else {
        for (size_t k = 0; k < n; k++)
            code[k] = code_of((int32_t)(((value[k] + offset) >> shift & mask) - half), d);
    }
}

/* ---- sorting -------------------------------------------------------------------------------- */

/* Lower bits of keys that are sorted last. */
#define FINE_BITS 8

/* What is done with the windows of one slice of the scalars, first to last. */
struct slice {
    const struct msm *msm;
    uint32_t *code;    /* of the digits of the slice, in the order of the visits */
    uint32_t *counter; /* of every key, or of its upper bits: how many, then the next free place */
    uint32_t none;
    unsigned fine_bits;
};

typedef void slice_visit(struct slice *s, const struct digits *d, unsigned windows);

static void encode_and_count(struct slice *s, const struct digits *d, unsigned windows)
{
    const size_t n = d->end - d->begin;
    const unsigned shift = 1 + s->fine_bits;
    if (d->piece->full)
        encode_full(s->code, s->msm, d);
    else
        encode_small(s->code, s->msm, d, windows);
    for (size_t k = 0; k < n; k++)
        s->counter[s->code[k] >> shift]++;
    s->code += n;
}

static void place_entries(struct slice *s, const struct digits *d, unsigned windows)
{
    const size_t n = d->end - d->begin, stride = d->piece->stride;
    uint32_t *entry = s->msm->place;
    uint32_t point = (uint32_t)d->point;
    (void)windows;
    for (size_t k = 0; k < n; k++, point += (uint32_t)stride)
        entry[s->counter[s->code[k] >> 1]++] = point << 1 | (s->code[k] & 1);
    s->code += n;
}

/* As place_entries by upper bits alone; an item is an entry below the lower bits of its key. */
static void place_items(struct slice *s, const struct digits *d, unsigned windows)
{
    const size_t n = d->end - d->begin, stride = d->piece->stride;
    const uint32_t fine_mask = (1u << FINE_BITS) - 1;
    uint64_t *item = s->msm->place;
    uint32_t point = (uint32_t)d->point;
    (void)windows;
    for (size_t k = 0; k < n; k++, point += (uint32_t)stride) {
        uint32_t key = s->code[k] >> 1;
        item[s->counter[key >> FINE_BITS]++] =
            (uint64_t)(key & fine_mask) << 32 | (point << 1 | (s->code[k] & 1));
    }
    s->code += n;
}

/* Windows of the scalars of a block. */
static unsigned windows_of(const struct msm *m, const struct msm_piece *piece, unsigned bits)
{
    /* All windows of full scalars but the top one carry on, so a value needs one bit more. */
    unsigned windows = msm_window_count(piece->full ? bits + 1 : bits, m->plan.window_bits);
    return windows < m->plan.windows ? windows : m->plan.windows;
}

/* Visits the windows j with j % sets in the group of the scalars begin .. end - 1 of a piece. */
static void visit_piece(struct slice *s, size_t p, size_t recoded, size_t begin, size_t end,
                        slice_visit *visit)
{
    const struct msm *m = s->msm;
    const struct msm_piece *piece = &m->piece[p];
    struct digits d = {.piece = piece, .none = s->none};
    for (size_t at = begin; at < end; at = d.end) {
        unsigned bits = m->block_bits[m->piece_block[p] + at / BLOCK];
        unsigned windows = windows_of(m, piece, bits);
        d.begin = at;
        d.end = at / BLOCK * BLOCK + BLOCK < end ? at / BLOCK * BLOCK + BLOCK : end;
        d.recoded = recoded + at;
        for (unsigned j = 0; bits > 0 && j < windows; j++) {
            unsigned set = j % m->plan.sets - m->first_set, level = j / m->plan.sets;
            if (set >= m->group)
                continue;
            d.window = j;
            d.key = set * m->plan.buckets;
            d.point = level * m->bases->count + piece->first + at * piece->stride;
            visit(s, &d, windows);
        }
    }
}

/* Visits the scalars begin .. end - 1, counted over all pieces. */
static void visit_scalars(struct slice *s, size_t begin, size_t end, slice_visit *visit)
{
    const struct msm *m = s->msm;
    size_t before = 0, recoded = 0;
    for (size_t p = 0; p < m->piece_count && before < end; p++) {
        size_t count = m->piece[p].count;
        size_t from = begin > before ? begin - before : 0;
        size_t to = end - before < count ? end - before : count;
        if (from < to)
            visit_piece(s, p, recoded, from, to, visit);
        recoded += m->piece[p].full ? count : 0;
        before += count;
    }
}

struct sort_job {
    struct msm *msm;
    size_t keys;
    size_t counters;    /* of a slice */
    uint32_t *start;    /* of each counter's entries or items */
    unsigned fine_bits; /* 0: one pass */
    uint32_t none;
    bool is_counting;
};

static void slice_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct sort_job *job = ctx;
    struct msm *m = job->msm;
    (void)worker;
    for (size_t k = begin; k < end; k++) {
        size_t first = m->scalars * k / m->plan.slices,
               last = m->scalars * (k + 1) / m->plan.slices;
        struct slice s = {.msm = m,
                          .code = m->code + first * m->plan.most_digits,
                          .counter = m->counter + k * job->counters,
                          .none = job->none,
                          .fine_bits = job->fine_bits};
        if (job->is_counting)
            memset(s.counter, 0, job->counters * sizeof *s.counter);
        visit_scalars(&s, first, last,
                      job->is_counting ? encode_and_count
                      : job->fine_bits ? place_items
                                       : place_entries);
    }
}

/* Turns counts into places, keys first, slices within a key. */
static void place_counters(const struct sort_job *job)
{
    const struct msm *m = job->msm;
    uint32_t at = 0;
    for (size_t key = 0; key < job->counters; key++) {
        job->start[key] = at;
        for (size_t slice = 0; slice < m->plan.slices; slice++) {
            uint32_t *counter = &m->counter[slice * job->counters + key];
            uint32_t count = *counter;
            *counter = at;
            at += count;
        }
    }
}

/* Sorts the items of some upper bits by the lower ones. */
static void fine_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct sort_job *job = ctx;
    struct msm *m = job->msm;
    const uint64_t *item = m->place;
    (void)worker;
    for (size_t part = begin; part < end; part++) {
        uint32_t counter[1 << FINE_BITS] = {0}, at = job->start[part];
        size_t from = at, to = job->start[part + 1], key = part << FINE_BITS;
        for (size_t i = from; i < to; i++)
            counter[item[i] >> 32]++;
        for (size_t fine = 0; fine < 1 << FINE_BITS && key < job->keys; fine++, key++) {
            uint32_t count = counter[fine];
            m->by_bucket.start[key] = counter[fine] = at;
            at += count;
        }
        for (size_t i = from; i < to; i++)
            m->by_bucket.entry[counter[item[i] >> 32]++] = (uint32_t)item[i];
    }
}

void msm_sort_entries(struct msm *m)
{
    struct sort_job job = {.msm = m, .keys = m->group * m->plan.buckets, .is_counting = true};
    size_t parts = job.keys;
    job.start = m->by_bucket.start;
    m->by_bucket.keys = job.keys;
    m->by_bucket.entry = m->place;
    if (job.keys > MSM_DIRECT_KEYS) {
        job.fine_bits = FINE_BITS;
        parts = (job.keys + (1 << FINE_BITS) - 1) >> FINE_BITS;
        job.start = m->part_start;
        m->by_bucket.entry = m->code; /* every code is an item by then */
    }
    /* Digits that are 0 go to a key, and a part, of their own behind the others. */
    job.counters = parts + 1;
    job.none = (uint32_t)(parts << job.fine_bits) << 1;
    machine_parallel_for(m->machine, m->plan.slices, 1, slice_task, &job);
    place_counters(&job);
    job.is_counting = false;
    machine_parallel_for(m->machine, m->plan.slices, 1, slice_task, &job);
    if (job.fine_bits)
        machine_parallel_for(m->machine, parts, 4, fine_task, &job);
    m->by_bucket.start[job.keys] = job.start[parts];
}

size_t msm_counter_count(const struct msm_limits *limits)
{
    size_t parts = limits->keys >> FINE_BITS;
    return (limits->keys > MSM_DIRECT_KEYS && parts > MSM_DIRECT_KEYS ? parts : MSM_DIRECT_KEYS) +
           2;
}
