/*
 * Each point of G1 times a scalar of its own. See mul_each.h; G2 is in mul_each_g2.c.
 *
 * Both halves of a scalar go through signed windows of four bits over one table of eight multiples.
 */
#include "backend/curve/mul_each.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_BITS 4

/* Signed digits of the half of scalar i. */
static void recode_half(signed char (*digit)[G1_MUL_BLOCK], size_t i, const uint64_t k[2],
                        bool negative)
{
    int carry = 0;
    for (unsigned j = 0; j < G1_MUL_WINDOWS; j++) {
        unsigned bit = j * WINDOW_BITS;
        int d = (bit < 128 ? (int)(k[bit / 64] >> (bit % 64) & 15) : 0) + carry;
        carry = d > G1_MUL_MULTIPLES;
        d -= carry * 16;
        digit[j][i] = (signed char)(negative ? -d : d);
    }
}

/* addend[i] = digit i times the point, through the endomorphism for the second half. */
static void look_up(struct g1_mul_block *b, int half, unsigned window, size_t n)
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

void g1_mul_block(struct g1_mul_block *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct glv_halves halves;
        glv_split(&halves, &b->scalar[i]);
        recode_half(b->digit[0], i, halves.k1, halves.k1_negative);
        recode_half(b->digit[1], i, halves.k2, halves.k2_negative);
        b->table[0][i] = b->point[i];
        g1_affine_set_infinity(&b->point[i]);
    }
    affine_double_array(b->table[1], b->table[0], n, b->scratch);
    for (int m = 2; m < G1_MUL_MULTIPLES; m++)
        affine_add_arrays(b->table[m], b->table[m - 1], b->table[0], n, b->scratch);
    for (unsigned window = G1_MUL_WINDOWS; window-- > 0;) {
        for (int i = 0; i < WINDOW_BITS && window + 1 < G1_MUL_WINDOWS; i++)
            affine_double_array(b->point, b->point, n, b->scratch);
        for (int half = 0; half < 2; half++) {
            look_up(b, half, window, n);
            affine_add_arrays(b->point, b->point, b->addend, n, b->scratch);
        }
    }
}

struct job {
    g1_affine *point;
    const fr *scalar;
    struct g1_mul_block *block;
};

static void mul_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct job *job = ctx;
    struct g1_mul_block *b = &job->block[worker];
    size_t n = end - begin;
    memcpy(b->point, job->point + begin, n * sizeof *b->point);
    memcpy(b->scalar, job->scalar + begin, n * sizeof *b->scalar);
    g1_mul_block(b, n);
    memcpy(job->point + begin, b->point, n * sizeof *b->point);
}

enum status g1_mul_each(g1_affine *point, const fr *scalar, size_t n, struct machine *machine,
                        struct diag *diag)
{
    struct job job = {point, scalar, NULL};
    size_t threads = machine_threads(machine);
    job.block = malloc(threads * sizeof *job.block);
    if (job.block == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "out of memory for products of %zu points", n);
    machine_parallel_for(machine, n, G1_MUL_BLOCK, mul_task, &job);
    explicit_bzero(job.block, threads * sizeof *job.block);
    free(job.block);
    return STATUS_OK;
}
