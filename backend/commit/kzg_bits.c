/*
 * Commitments to columns of bits. See kzg.h.
 *
 * Four rows are one quad. The fifteen sums of some of its four bases are made once for all columns;
 * a column then adds one of them a quad instead of one base a row (V. Arlazarov, E. Dinic,
 * M. Kronrod, I. Faradzev, "On economical construction of the transitive closure", 1970). All
 * additions of a round, over all quads and columns at hand, share one inversion.
 */
#include "backend/commit/kzg.h"

#include <stdlib.h>
#include <string.h>

#include "backend/curve/affine_batch.h"

enum { QUAD = 4, SUBSETS = 16, CHUNK_QUADS = 128, BATCH_COLUMNS = 32 };

/* What one thread needs. */
struct workspace {
    g1_affine subset[SUBSETS][CHUNK_QUADS]; /* [s][q]: the sum of the bases of quad q in s */
    g1_affine point[BATCH_COLUMNS * CHUNK_QUADS];
    uint16_t pair[BATCH_COLUMNS * CHUNK_QUADS / 2];
    uint16_t length[BATCH_COLUMNS]; /* of the run of a column, which starts at its first point */
    fp scratch[AFFINE_SCRATCH(BATCH_COLUMNS * CHUNK_QUADS / 2)];
};

struct job {
    const struct kzg_bits *bits;
    const g1_affine *base;
    size_t words;                /* of a row */
    g1_affine *partial;          /* [chunk][column] */
    g1_affine *out;              /* [column] sums of the rows of bits */
    g1 *total;                   /* [column] with the full rows */
    struct workspace *workspace; /* one a thread */
};

/* Sums of two or more bases: s is s without its lowest base, and that base. */
static void fill_subsets(struct workspace *w, const g1_affine *base, size_t quads)
{
    for (size_t q = 0; q < quads; q++)
        for (unsigned i = 0; i < QUAD; i++)
            w->subset[1u << i][q] = base[QUAD * q + i];
    for (unsigned s = 3; s < SUBSETS; s++)
        if ((s & (s - 1)) != 0)
            affine_add_arrays(w->subset[s], w->subset[s & (s - 1)], w->subset[s & (0 - s)], quads,
                              w->scratch);
}

/* Which of the four rows of a quad have the bit of a column. */
static unsigned subset_of(const uint64_t *row, size_t words, unsigned column)
{
    unsigned shift = column % 64, subset = 0;
    row += column / 64;
    for (unsigned i = 0; i < QUAD; i++)
        subset |= (unsigned)(row[i * words] >> shift & 1) << i;
    return subset;
}

/* Leaves the sum of each column's run in its first point. */
static void sum_runs(struct workspace *w, unsigned columns)
{
    for (size_t distance = 1;; distance *= 2) {
        size_t pairs = 0;
        for (unsigned k = 0; k < columns; k++)
            for (size_t a = 0; a + distance < w->length[k]; a += 2 * distance)
                w->pair[pairs++] = (uint16_t)(k * CHUNK_QUADS + a);
        if (pairs == 0)
            return;
        affine_add_pairs(w->point, w->pair, pairs, distance, NULL, w->scratch);
    }
}

/* Sums of the quads begin .. end - 1 in every column. */
static void chunk_task(void *context, size_t begin, size_t end, unsigned worker)
{
    const struct job *job = context;
    struct workspace *w = &job->workspace[worker];
    const struct kzg_bits *bits = job->bits;
    g1_affine *partial = job->partial + begin / CHUNK_QUADS * bits->count;
    fill_subsets(w, job->base + QUAD * begin, end - begin);
    for (unsigned first = 0; first < bits->count; first += BATCH_COLUMNS) {
        unsigned columns = bits->count - first;
        columns = columns < BATCH_COLUMNS ? columns : BATCH_COLUMNS;
        for (unsigned k = 0; k < columns; k++) {
            g1_affine *run = w->point + k * CHUNK_QUADS;
            w->length[k] = 0;
            for (size_t q = begin; q < end; q++) {
                unsigned subset =
                    subset_of(bits->row + QUAD * q * job->words, job->words, first + k);
                if (subset != 0)
                    run[w->length[k]++] = w->subset[subset][q - begin];
            }
        }
        sum_runs(w, columns);
        for (unsigned k = 0; k < columns; k++) {
            if (w->length[k] == 0)
                g1_affine_set_infinity(&partial[first + k]);
            else
                partial[first + k] = w->point[k * CHUNK_QUADS];
        }
    }
}

/* Adds the rows of field elements to columns begin .. end - 1. */
static void full_rows_task(void *context, size_t begin, size_t end, unsigned worker)
{
    const struct job *job = context;
    const struct kzg_bits *bits = job->bits;
    g1_affine base[KZG_MOST_FULL_ROWS];
    (void)worker;
    for (unsigned i = 0; i < bits->full_count; i++)
        base[i] = job->base[bits->full_row[i]];
    for (size_t k = begin; k < end; k++) {
        msm_g1_few(&job->total[k], base, bits->full + k * bits->full_count, bits->full_count);
        g1_add_affine(&job->total[k], &job->total[k], &job->out[k]);
    }
}

enum status kzg_commit_bits(g1_affine *out, const struct srs_lagrange *bases,
                            const struct kzg_bits *bits, struct machine *machine, struct diag *diag)
{
    size_t quads = ((size_t)1 << bases->lg_rows) / QUAD;
    size_t chunks = (quads + CHUNK_QUADS - 1) / CHUNK_QUADS;
    ASSERT(bases->arity == 1 && bases->lg_rows >= 2 && bits->full_count <= KZG_MOST_FULL_ROWS);
    if (bits->count == 0)
        return STATUS_OK;
    struct job job = {.bits = bits, .base = bases->bases.point, .out = out};
    job.words = KZG_BIT_WORDS(bits->count);
    job.partial = malloc(chunks * bits->count * sizeof *job.partial);
    job.total = malloc(bits->count * sizeof *job.total);
    job.workspace = malloc(machine_threads(machine) * sizeof *job.workspace);
    fp *scratch = malloc(AFFINE_SCRATCH(bits->count) * sizeof *scratch);
    enum status status = STATUS_OK;
    if (job.partial && job.total && job.workspace && scratch) {
        machine_parallel_for(machine, quads, CHUNK_QUADS, chunk_task, &job);
        memcpy(out, job.partial, bits->count * sizeof *out);
        for (size_t c = 1; c < chunks; c++)
            affine_add_arrays(out, out, job.partial + c * bits->count, bits->count, scratch);
        machine_parallel_for(machine, bits->count, 4, full_rows_task, &job);
        g1_batch_to_affine(out, job.total, bits->count, scratch);
    } else {
        status = diag_set(diag, STATUS_NO_MEMORY, "out of memory for a commitment to bits");
    }
    free(job.partial);
    free(job.total);
    free(job.workspace);
    free(scratch);
    return status;
}
