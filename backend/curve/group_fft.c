/*
 * Transforms of points. See group_fft.h.
 *
 * Cooley and Tukey with decimation in time. The products by roots of unity are done in blocks, all
 * points of a block in step, so that they share inversions: each scalar is cut in halves by the
 * endomorphism, and both halves go through signed windows of four bits over one table of eight
 * multiples.
 */
#include "backend/curve/group_fft.h"

#include <stdlib.h>

#include "backend/curve/affine_batch.h"

/* Points done in step. */
#define BLOCK 256
#define WINDOW_BITS 4
#define MULTIPLES 8 /* 1 .. 2^(WINDOW_BITS - 1) */
#define WINDOWS 33  /* of a half below 2^127, with the last carry */

/* What one thread needs. */
struct block {
    g1_affine low[BLOCK], high[BLOCK], addend[BLOCK];
    fr scalar[BLOCK];
    fp scratch[AFFINE_SCRATCH(BLOCK)];
    g1_affine table[MULTIPLES][BLOCK];
    signed char digit[2][WINDOWS][BLOCK];
};

/* Signed digits of the half of scalar i. */
static void recode_half(signed char (*digit)[BLOCK], size_t i, const uint64_t k[2], bool negative)
{
    int carry = 0;
    for (unsigned j = 0; j < WINDOWS; j++) {
        unsigned bit = j * WINDOW_BITS;
        int d = (bit < 128 ? (int)(k[bit / 64] >> (bit % 64) & 15) : 0) + carry;
        carry = d > MULTIPLES;
        d -= carry * 16;
        digit[j][i] = (signed char)(negative ? -d : d);
    }
}

/* addend[i] = digit i times the point, through the endomorphism for the second half. */
static void look_up(struct block *b, int half, unsigned window, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int d = b->digit[half][window][i];
        if (d == 0) {
            g1_affine_set_infinity(&b->addend[i]);
            continue;
        }
        b->addend[i] = b->table[(d < 0 ? -d : d) - 1][i];
        if (half == 1)
            g1_affine_endomorphism(&b->addend[i], &b->addend[i]);
        if (d < 0)
            g1_affine_neg(&b->addend[i], &b->addend[i]);
    }
}

/* high[i] = [scalar[i]] high[i] for i < n <= BLOCK. */
static void multiply_block(struct block *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct glv_halves halves;
        glv_split(&halves, &b->scalar[i]);
        recode_half(b->digit[0], i, halves.k1, halves.k1_negative);
        recode_half(b->digit[1], i, halves.k2, halves.k2_negative);
        b->table[0][i] = b->high[i];
        g1_affine_set_infinity(&b->high[i]);
    }
    for (int m = 1; m < MULTIPLES; m++)
        affine_add_arrays(b->table[m], b->table[m - 1], b->table[0], n, b->scratch);
    for (unsigned window = WINDOWS; window-- > 0;) {
        for (int i = 0; i < WINDOW_BITS && window + 1 < WINDOWS; i++)
            affine_double_array(b->high, b->high, n, b->scratch);
        for (int half = 0; half < 2; half++) {
            look_up(b, half, window, n);
            affine_add_arrays(b->high, b->high, b->addend, n, b->scratch);
        }
    }
}

struct stage {
    g1_affine *point;
    const fr *root; /* root[k] = w^(-k), k < n / 2; of the whole transform */
    size_t n, half; /* butterflies join points `half` apart */
    fr factor;      /* of the last pass */
    struct block *block;
};

/* Butterflies begin .. end - 1 of a stage: number q joins low = (q / half) 2 half + q % half. */
static void butterfly_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct stage *s = ctx;
    struct block *b = &s->block[worker];
    size_t n = end - begin, step = s->n / (2 * s->half);
    for (size_t i = 0; i < n; i++) {
        size_t q = begin + i, at = q / s->half * 2 * s->half + q % s->half;
        b->low[i] = s->point[at];
        b->high[i] = s->point[at + s->half];
        b->scalar[i] = s->root[q % s->half * step];
    }
    if (s->half > 1) /* all factors of the first stage are 1 */
        multiply_block(b, n);
    affine_add_arrays(b->addend, b->low, b->high, n, b->scratch);
    for (size_t i = 0; i < n; i++)
        g1_affine_neg(&b->high[i], &b->high[i]);
    affine_add_arrays(b->high, b->low, b->high, n, b->scratch);
    for (size_t i = 0; i < n; i++) {
        size_t q = begin + i, at = q / s->half * 2 * s->half + q % s->half;
        s->point[at] = b->addend[i];
        s->point[at + s->half] = b->high[i];
    }
}

static void scale_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct stage *s = ctx;
    struct block *b = &s->block[worker];
    for (size_t i = begin; i < end; i++) {
        b->high[i - begin] = s->point[i];
        b->scalar[i - begin] = s->factor;
    }
    multiply_block(b, end - begin);
    for (size_t i = begin; i < end; i++)
        s->point[i] = b->high[i - begin];
}

static void bit_reverse(g1_affine *point, unsigned lg_n)
{
    size_t n = (size_t)1 << lg_n;
    for (size_t i = 0, j = 0; i < n; i++) {
        if (i < j) {
            g1_affine t = point[i];
            point[i] = point[j];
            point[j] = t;
        }
        size_t bit = n >> 1;
        for (; bit && (j & bit); bit >>= 1)
            j ^= bit;
        j |= bit;
    }
}

enum status g1_inverse_fft(g1_affine *point, unsigned lg_n, struct machine *machine,
                           struct diag *diag)
{
    size_t n = (size_t)1 << lg_n;
    fr *root = malloc((n / 2 + 1) * sizeof *root);
    struct stage s = {.point = point, .n = n};
    s.block = malloc(machine_threads(machine) * sizeof *s.block);
    if (!root || !s.block) {
        free(root);
        free(s.block);
        return diag_set(diag, STATUS_NO_MEMORY, "out of memory for a transform of %zu points", n);
    }
    fr inverse_root;
    fr_root_of_unity(&inverse_root, lg_n);
    fr_inv(&inverse_root, &inverse_root);
    root[0] = fr_one;
    for (size_t k = 1; k < n / 2; k++)
        fr_mul(&root[k], &root[k - 1], &inverse_root);
    s.root = root;
    bit_reverse(point, lg_n);
    for (s.half = 1; s.half < n; s.half *= 2)
        machine_parallel_for(machine, n / 2, BLOCK, butterfly_task, &s);
    fr_from_u64(&s.factor, n);
    fr_inv(&s.factor, &s.factor);
    machine_parallel_for(machine, n, BLOCK, scale_task, &s);
    free(root);
    free(s.block);
    return STATUS_OK;
}
