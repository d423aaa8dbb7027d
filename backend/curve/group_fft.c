/*
 * Transforms of points. See group_fft.h.
 *
 * Cooley and Tukey with decimation in time. The products by roots of unity are done in blocks, all
 * points of a block in step, so that they share inversions (mul_each.h).
 */
#include "backend/curve/group_fft.h"

#include <stdlib.h>

#include "backend/curve/affine_batch.h"
#include "backend/curve/mul_each.h"

#define BLOCK G1_MUL_BLOCK

/* What one thread needs; the high points of a block are in product.point. */
struct block {
    g1_affine low[BLOCK];
    struct g1_mul_block product;
};

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
    struct block *block = &s->block[worker];
    struct g1_mul_block *b = &block->product;
    size_t n = end - begin, step = s->n / (2 * s->half);
    for (size_t i = 0; i < n; i++) {
        size_t q = begin + i, at = q / s->half * 2 * s->half + q % s->half;
        block->low[i] = s->point[at];
        b->point[i] = s->point[at + s->half];
        b->scalar[i] = s->root[q % s->half * step];
    }
    if (s->half > 1) /* all factors of the first stage are 1 */
        g1_mul_block(b, n);
    affine_add_arrays(b->addend, block->low, b->point, n, b->scratch);
    for (size_t i = 0; i < n; i++)
        g1_affine_neg(&b->point[i], &b->point[i]);
    affine_add_arrays(b->point, block->low, b->point, n, b->scratch);
    for (size_t i = 0; i < n; i++) {
        size_t q = begin + i, at = q / s->half * 2 * s->half + q % s->half;
        s->point[at] = b->addend[i];
        s->point[at + s->half] = b->point[i];
    }
}

static void scale_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct stage *s = ctx;
    struct g1_mul_block *b = &s->block[worker].product;
    for (size_t i = begin; i < end; i++) {
        b->point[i - begin] = s->point[i];
        b->scalar[i - begin] = s->factor;
    }
    g1_mul_block(b, end - begin);
    for (size_t i = begin; i < end; i++)
        s->point[i] = b->point[i - begin];
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
