/*
 * Multiples of one point. See fixed_base.h.
 *
 * The table holds d 2^(c j) P for 1 <= d <= 2^(c - 1) and every window j; a scalar has one signed
 * digit a window, and blocks of points go through the windows together.
 */
#include "backend/curve/fixed_base.h"

#include <stdlib.h>

#include "backend/curve/affine_batch.h"

#define SCALAR_BITS 254
/* Points that go through the windows in step. */
#define BLOCK 1024

struct table {
    unsigned window_bits, windows;
    size_t multiples; /* 2^(window_bits - 1) */
    g1_affine *point; /* [multiple - 1][window] */
};

/* The window that makes table and sums together cheapest. */
static unsigned choose_window(size_t n)
{
    unsigned best = 2;
    double best_cost = 0;
    for (unsigned c = 2; c <= 14; c++) {
        double cost = (double)(SCALAR_BITS / c + 1) * ((double)n + (double)(1u << (c - 1)));
        if (c == 2 || cost < best_cost) {
            best_cost = cost;
            best = c;
        }
    }
    return best;
}

/* Row 0: 2^(c j) P for every window. */
static void fill_first_row(const struct table *t, const g1_affine *base)
{
    g1 p;
    g1_from_affine(&p, base);
    for (unsigned j = 0; j < t->windows; j++) {
        g1_to_affine(&t->point[j], &p);
        for (unsigned i = 0; i < t->window_bits; i++)
            g1_double(&p, &p);
    }
}

/* Rows 1 ...: rows [s, 2s) are rows [0, s) plus row s - 1, for s = 1, 2, 4, ... copy and scratch
 * have half as many elements as the table, at least one row. */
static void fill_table(const struct table *t, const g1_affine *base, g1_affine *copy, fp *scratch)
{
    fill_first_row(t, base);
    for (size_t s = 1; s < t->multiples; s *= 2) {
        const g1_affine *last = t->point + (s - 1) * t->windows;
        for (size_t i = 0; i < s * t->windows; i++)
            copy[i] = last[i % t->windows];
        affine_add_arrays(t->point + s * t->windows, t->point, copy, s * t->windows, scratch);
    }
}

/* digit[j][i]: signed digits of scalar i < n, magnitudes up to 2^(c - 1). */
static void recode(const struct table *t, int32_t (*digit)[BLOCK], const fr *scalar, size_t n)
{
    const unsigned c = t->window_bits;
    const int32_t half = 1 << (c - 1);
    for (size_t i = 0; i < n; i++) {
        uint64_t k[5] = {0};
        int32_t carry = 0;
        fr_to_limbs(k, &scalar[i]);
        for (unsigned j = 0; j < t->windows; j++) {
            unsigned limb = c * j / 64, shift = c * j % 64;
            uint64_t v = k[limb] >> shift;
            if (shift + c > 64)
                v |= k[limb + 1] << (64 - shift);
            int32_t d = (int32_t)(v & ((UINT64_C(1) << c) - 1)) + carry;
            carry = d > half;
            digit[j][i] = d - carry * 2 * half;
        }
    }
}

/* What one thread needs for a block. */
struct block_scratch {
    g1_affine addend[BLOCK];
    fp inverse[AFFINE_SCRATCH(BLOCK)];
    int32_t digit[SCALAR_BITS][BLOCK];
};

struct job {
    struct table table;
    const fr *scalar;
    g1_affine *out;
    struct block_scratch *scratch; /* one a thread */
};

static void block_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    struct job *job = ctx;
    const struct table *t = &job->table;
    struct block_scratch *s = &job->scratch[worker];
    size_t n = end - begin;
    recode(t, s->digit, job->scalar + begin, n);
    for (size_t i = 0; i < n; i++)
        g1_affine_set_infinity(&job->out[begin + i]);
    for (unsigned j = 0; j < t->windows; j++) {
        for (size_t i = 0; i < n; i++) {
            int32_t d = s->digit[j][i];
            if (d == 0)
                g1_affine_set_infinity(&s->addend[i]);
            else
                s->addend[i] = t->point[(size_t)(d < 0 ? -d - 1 : d - 1) * t->windows + j];
            if (d < 0)
                g1_affine_neg(&s->addend[i], &s->addend[i]);
        }
        affine_add_arrays(job->out + begin, job->out + begin, s->addend, n, s->inverse);
    }
}

enum status g1_mul_fixed_base(g1_affine *out, const g1_affine *base, const fr *scalars, size_t n,
                              struct machine *machine, struct diag *diag)
{
    struct job job = {.scalar = scalars, .out = out};
    struct table *t = &job.table;
    t->window_bits = choose_window(n);
    t->windows = SCALAR_BITS / t->window_bits + 1;
    t->multiples = (size_t)1 << (t->window_bits - 1);
    size_t points = t->multiples * t->windows;
    t->point = malloc(points * sizeof *t->point);
    g1_affine *copy = malloc(points * sizeof *copy);
    fp *scratch = malloc(AFFINE_SCRATCH(points) * sizeof *scratch);
    job.scratch = malloc(machine_threads(machine) * sizeof *job.scratch);
    enum status status = STATUS_OK;
    if (t->point && copy && scratch && job.scratch) {
        fill_table(t, base, copy, scratch);
        machine_parallel_for(machine, n, BLOCK, block_task, &job);
    } else {
        status = diag_set(diag, STATUS_NO_MEMORY, "out of memory for multiples of a point");
    }
    free(t->point);
    free(copy);
    free(scratch);
    free(job.scratch);
    return status;
}
