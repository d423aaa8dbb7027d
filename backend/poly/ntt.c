/*
 * Domains and the drivers of the transforms; the loops are in ntt_loops.h and ntt_lanes.h.
 *
 * A large transform runs its top levels over columns, cut over the threads, and then the subtrees
 * below them, each on one thread and, where it is larger than the kernels take, in the same way.
 */
#include "backend/poly/ntt.h"

#include "backend/field/field_vec.h"
#include "backend/poly/ntt_kernels.h"

#include <stdlib.h>
#include <string.h>

/* Transforms below this size stay on one thread: waking the others costs more than they save. */
#define LG_PARALLEL_MIN 11
/* Fewest levels above the subtrees of a parallel transform, and columns of a top that a thread
 * takes at once. */
#define PARALLEL_LEVELS 4
#define COLUMN_CHUNK 32
/* Elements a thread takes at once in loops over elements. */
#define ELEMENT_CHUNK 1024

static const struct ntt_kernels *scalar_kernels(void)
{
#if FIELD_BUILD_ADX
    if (field_path() == FIELD_PATH_ADX)
        return &ntt_kernels_adx;
#endif
    return &ntt_kernels_portable;
}

static const struct ntt_kernels *kernels(void)
{
#if FIELD_BUILD_IFMA
    if (field_vec_path() == FIELD_VEC_IFMA)
        return &ntt_kernels_ifma;
#endif
    return scalar_kernels();
}

/* ---- Domains ---- */

enum status ntt_domain_init(struct ntt_domain *domain, unsigned lg_n, struct diag *diag)
{
    return ntt_domain_init_for(domain, lg_n, kernels(), diag);
}

enum status ntt_domain_init_for(struct ntt_domain *domain, unsigned lg_n,
                                const struct ntt_kernels *path, struct diag *diag)
{
    memset(domain, 0, sizeof *domain);
    if (lg_n > FR_TWO_ADICITY)
        return diag_set(diag, STATUS_LIMIT,
                        "2^%u rows are more than the field has roots of unity for (2^%d)", lg_n,
                        FR_TWO_ADICITY);
    if (lg_n < path->lg_least)
        path = scalar_kernels();
    size_t n = (size_t)1 << lg_n, half = n > 1 ? n / 2 : 1;
    fr *twiddle = malloc(half * sizeof *twiddle);
    if (!twiddle)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for the roots of unity of 2^%u rows",
                        lg_n);
    domain->lg_n = lg_n;
    domain->n = n;
    domain->kernels = path;
    domain->twiddle = twiddle;
    fr_root_of_unity(&domain->root, lg_n);
    fr_from_u64(&domain->n_inv, n);
    fr_inv(&domain->n_inv, &domain->n_inv);
    /* Bit j of an index stands for root^(n/4 >> j): doubling the table multiplies by that root. */
    twiddle[0] = fr_one;
    for (unsigned j = 0; j < path->twiddle_shift; j++)
        fr_double(&twiddle[0], &twiddle[0]);
    for (unsigned j = 0; j + 1 < lg_n; j++) {
        fr factor;
        fr_root_of_unity(&factor, j + 2);
        fr_vec_scale(twiddle + ((size_t)1 << j), twiddle, &factor, (size_t)1 << j);
    }
    return STATUS_OK;
}

void ntt_domain_release(struct ntt_domain *domain)
{
    free(domain->twiddle);
    memset(domain, 0, sizeof *domain);
}

/* Returns the lowest `bits` bits of i in reverse order; bits may be 0. */
static size_t reverse_bits(size_t i, unsigned bits)
{
    uint64_t v = i;
    v = (v >> 1 & 0x5555555555555555) | (v & 0x5555555555555555) << 1;
    v = (v >> 2 & 0x3333333333333333) | (v & 0x3333333333333333) << 2;
    v = (v >> 4 & 0x0f0f0f0f0f0f0f0f) | (v & 0x0f0f0f0f0f0f0f0f) << 4;
    v = __builtin_bswap64(v);
    return bits == 0 ? 0 : (size_t)(v >> (64 - bits));
}

void ntt_domain_element(const struct ntt_domain *domain, fr *r, size_t i)
{
    size_t half = domain->n / 2;
    i &= domain->n - 1;
    if (domain->n == 1) {
        *r = fr_one;
        return;
    }
    *r = domain->twiddle[reverse_bits(i & (half - 1), domain->lg_n - 1)];
    for (unsigned j = 0; j < domain->kernels->twiddle_shift; j++)
        fr_half(r, r);
    if (i & half)
        fr_neg(r, r);
}

/* ---- Loops over elements ---- */

struct element_job {
    fr *a;
    const fr *shift; /* one, or n powers of it for scale_by_table_task */
    fr first;
    unsigned lg_n;
};

static void reverse_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    struct element_job *job = ctx;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        /* The smaller index of a pair swaps it, so no two chunks touch the same pair. */
        size_t j = reverse_bits(i, job->lg_n);
        if (i < j) {
            fr t = job->a[i];
            job->a[i] = job->a[j];
            job->a[j] = t;
        }
    }
}

void ntt_bit_reverse(struct machine *machine, fr *a, unsigned lg_n)
{
    struct element_job job = {.a = a, .lg_n = lg_n};
    machine_parallel_for(machine, (size_t)1 << lg_n, 8 * ELEMENT_CHUNK, reverse_task, &job);
}

static void scale_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    enum { WINDOW = 128 };
    const struct element_job *job = ctx;
    (void)worker;
    fr power[WINDOW], first, step;
    fr_pow_u64(&first, job->shift, begin);
    fr_mul(&first, &first, &job->first);
    fr_pow_u64(&step, job->shift, WINDOW);
    for (size_t i = begin; i < end; i += WINDOW) {
        size_t count = end - i < WINDOW ? end - i : WINDOW;
        fr_vec_powers(power, &first, job->shift, count);
        fr_vec_mul(job->a + i, job->a + i, power, count);
        fr_mul(&first, &first, &step);
    }
}

static void scale_by_table_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct element_job *job = ctx;
    (void)worker;
    fr_vec_mul(job->a + begin, job->a + begin, job->shift + begin, end - begin);
}

/* a[i] = first shift^i a[i]. */
static void scale(struct machine *machine, fr *a, size_t n, const fr *first, const fr *shift)
{
    struct element_job job = {.a = a, .shift = shift, .first = *first};
    machine_parallel_for(machine, n, ELEMENT_CHUNK, scale_task, &job);
}

void ntt_scale_by_powers(struct machine *machine, fr *a, size_t n, const fr *shift)
{
    scale(machine, a, n, &fr_one, shift);
}

/* ---- Transforms ---- */

struct transform_job {
    const struct ntt_domain *domain;
    fr *a;
    unsigned lg_size; /* of the subtree at a, or of each of a row of them */
    unsigned levels;  /* of its top */
    size_t block;
    bool is_inverse;
    const struct ntt_division *division; /* null: none at the end of this part */
};

static void top_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct transform_job *job = ctx;
    const struct ntt_kernels *k = job->domain->kernels;
    (void)worker;
    if (job->is_inverse)
        k->inverse_top(job->a, job->lg_size, job->levels, job->block, begin, end,
                       job->domain->twiddle, job->division);
    else
        k->forward_top(job->a, job->lg_size, job->levels, job->block, begin, end,
                       job->domain->twiddle);
}

static void run_top(struct machine *machine, struct transform_job *job)
{
    machine_parallel_for(machine, (size_t)1 << (job->lg_size - job->levels), COLUMN_CHUNK, top_task,
                         job);
}

static void subtree_task(void *ctx, size_t begin, size_t end, unsigned worker);

/* All levels of the subtree of a job. */
static void run_subtree(struct machine *machine, const struct transform_job *job, unsigned least)
{
    const struct ntt_kernels *k = job->domain->kernels;
    unsigned above = job->lg_size > k->lg_resident ? job->lg_size - k->lg_resident : 0;
    struct transform_job top = *job, below = *job;
    top.levels = above > least ? above : least;
    top.levels = top.levels < k->top_levels ? top.levels : k->top_levels;
    if (top.levels == 0) {
        if (job->is_inverse)
            k->inverse_subtree(job->a, job->lg_size, job->block, job->domain->twiddle,
                               job->division);
        else
            k->forward_subtree(job->a, job->lg_size, job->block, job->domain->twiddle);
        return;
    }
    below.lg_size = job->lg_size - top.levels;
    below.block = job->block << top.levels;
    below.division = NULL;
    if (!job->is_inverse)
        run_top(machine, &top);
    machine_parallel_for(machine, (size_t)1 << top.levels, 1, subtree_task, &below);
    if (job->is_inverse)
        run_top(machine, &top);
}

static void subtree_task(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const struct transform_job *row = ctx;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        struct transform_job job = *row;
        job.a = row->a + (i << row->lg_size);
        job.block = row->block + i;
        run_subtree(NULL, &job, 0);
    }
}

/* Transforms too small for the kernels of any path: 1 and 2 elements. */
static void transform_tiny(fr *a, unsigned lg_n, bool is_divided)
{
    if (lg_n == 1) {
        fr t = a[1];
        fr_sub(&a[1], &a[0], &t);
        fr_add(&a[0], &a[0], &t);
        if (is_divided) {
            fr_half(&a[0], &a[0]);
            fr_half(&a[1], &a[1]);
        }
    }
}

static void transform(struct machine *machine, struct transform_job *job)
{
    unsigned lg_n = job->lg_size;
    if (lg_n < 2)
        transform_tiny(job->a, lg_n, job->division != NULL);
    else
        run_subtree(machine, job,
                    machine_threads(machine) > 1 && lg_n >= LG_PARALLEL_MIN ? PARALLEL_LEVELS : 0);
}

void ntt_forward_scrambled(struct machine *machine, const struct ntt_domain *domain, fr *a)
{
    struct transform_job job = {.domain = domain, .a = a, .lg_size = domain->lg_n};
    transform(machine, &job);
}

/* The inverse without its factor 1 / n, elements left below 3 times the modulus. */
static void inverse_unscaled(struct machine *machine, const struct ntt_domain *domain, fr *a)
{
    struct transform_job job = {
        .domain = domain, .a = a, .lg_size = domain->lg_n, .is_inverse = true};
    transform(machine, &job);
}

void ntt_inverse_scrambled(struct machine *machine, const struct ntt_domain *domain, fr *a)
{
    struct ntt_division division = {domain->lg_n, domain->n_inv};
    for (unsigned i = 0; i < domain->kernels->twiddle_shift; i++)
        fr_double(&division.factor, &division.factor);
    struct transform_job job = {.domain = domain,
                                .a = a,
                                .lg_size = domain->lg_n,
                                .is_inverse = true,
                                .division = &division};
    transform(machine, &job);
}

void ntt_forward(struct machine *machine, const struct ntt_domain *domain, fr *a)
{
    ntt_forward_scrambled(machine, domain, a);
    ntt_bit_reverse(machine, a, domain->lg_n);
}

void ntt_inverse(struct machine *machine, const struct ntt_domain *domain, fr *a)
{
    ntt_bit_reverse(machine, a, domain->lg_n);
    ntt_inverse_scrambled(machine, domain, a);
}

void ntt_coset_forward(struct machine *machine, const struct ntt_domain *domain, fr *a,
                       const fr *shift)
{
    ASSERT(!fr_is_zero(shift));
    scale(machine, a, domain->n, &fr_one, shift);
    ntt_forward(machine, domain, a);
}

void ntt_coset_forward_by_powers(struct machine *machine, const struct ntt_domain *domain, fr *a,
                                 const fr *power)
{
    struct element_job job = {.a = a, .shift = power};
    machine_parallel_for(machine, domain->n, ELEMENT_CHUNK, scale_by_table_task, &job);
    ntt_forward(machine, domain, a);
}

void ntt_coset_inverse(struct machine *machine, const struct ntt_domain *domain, fr *a,
                       const fr *shift)
{
    ASSERT(!fr_is_zero(shift));
    fr inverse;
    fr_inv(&inverse, shift);
    ntt_bit_reverse(machine, a, domain->lg_n);
    inverse_unscaled(machine, domain, a);
    /* The products take elements below 3 times the modulus and reduce fully. */
    scale(machine, a, domain->n, &domain->n_inv, &inverse);
}
