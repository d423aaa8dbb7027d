/*
 * The parts of a multi-scalar multiplication: msm.c drives msm_digits.c and msm_buckets.c. Private
 * to these three.
 */
#ifndef SERTN_BACKEND_CURVE_MSM_PARTS_H
#define SERTN_BACKEND_CURVE_MSM_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/curve/msm.h"
#include "backend/curve/msm_plan.h"

/*
 * Entries in order of keys, an entry being a signed point as affine_add_entries takes it: those of
 * key k are entry[start[k]] .. entry[start[k + 1] - 1].
 */
struct msm_sorted {
    uint32_t *entry;
    uint32_t *start; /* keys + 1 */
    size_t keys;
    const uint32_t *name; /* where the sum of key k goes; null: to k itself */
};

/* What one thread needs for a chunk. */
struct msm_worker {
    g1_affine *point;
    fp *scratch;
    uint16_t *pair, *to;
    struct msm_run *run;
};

/* What the chunks of one level of sums leave to the next level. */
struct msm_rest {
    g1_affine *point; /* [chunk][] */
    uint32_t *key;    /* of each point */
    uint32_t *count;  /* [chunk] */
    uint32_t *name;   /* sorted.name */
    struct msm_sorted sorted;
};

struct msm {
    const struct msm_bases *bases;
    const struct msm_piece *piece;
    size_t piece_count, scalars;
    size_t piece_block[MSM_MOST_PIECES]; /* the first entry of block_bits */
    struct machine *machine;
    struct msm_plan plan;
    /* scratch */
    uint64_t *recoded[4]; /* limbs of full scalars: |k| signed, plus the offset of the digits */
    uint8_t *block_bits;  /* bit length of the largest magnitude of each block of scalars */
    uint32_t *counter;    /* [slice][msm_counter_count] */
    uint32_t *part_start; /* [msm_counter_count] */
    uint32_t *code;       /* of the digits of one group */
    void *place;          /* entries, or items of 8 bytes when there are more than
                             MSM_DIRECT_KEYS keys */
    struct msm_sorted by_bucket, by_line;
    g1_affine *bucket; /* [set][bucket] of one group */
    g1_affine *line;   /* [set][rows, then columns] */
    struct msm_rest rest[2];
    struct msm_worker *worker;
    unsigned first_set; /* the group being done */
    unsigned group;
};

/* Centres the full scalars of m, and counts the bit lengths of all. */
void msm_survey_scalars(struct msm *m, struct msm_histogram *histogram);

/* Adds to the centred scalars the offset that the digits of the plan want. */
void msm_add_offsets(struct msm *m, size_t full_count);

/* Fills by_bucket with the entries of the group, in memory that by_line.entry may use later. The
 * order within a bucket is that of the scalars, whatever the slices. */
void msm_sort_entries(struct msm *m);

/* Keys that one pass sorts. */
#define MSM_DIRECT_KEYS 4096

/* Most blocks of so many scalars, and most counters of one slice. */
size_t msm_block_count(size_t scalars);
size_t msm_counter_count(const struct msm_limits *limits);

/* Takes the scratch of the sums from base at *cursor, or only counts it when base is null. */
void msm_lay_out_sums(struct msm *m, char *base, size_t *cursor, const struct msm_limits *limits);

/* out[key] = the sum of the entries of each key that has any; other out[key] stay as they are. */
void msm_sum_sorted(struct msm *m, const struct msm_sorted *sorted, const g1_affine *source,
                    g1_affine *out);

/* Takes `bytes` from base at *cursor, or only counts them when base is null. */
void *msm_take(char *base, size_t *cursor, size_t bytes);

#endif
