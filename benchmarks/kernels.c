/* The kernels, timed. */
#include "benchmarks/kernels.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ir/support/large_memory.h"
#include "backend/curve/fixed_base.h"
#include "backend/curve/msm.h"
#include "backend/field/field_vec.h"
#include "backend/poly/ntt.h"
#include "ir/support/machine.h"

/* Arrays of field products stay in the first-level caches. */
enum { PRODUCT_LG = 9, PRODUCT_PASSES = 256, REPEATS = 7, CHAIN_PRODUCTS = 1 << 16 };

/* Targets in nanoseconds: products by path; sums and small sums at 2^20, without and with IFMA. */
static const double product_target[FIELD_VEC_PATH_COUNT] = {0, 14, 3.5};
enum { TARGET_LG = 20 };

/* Classes of scalars, with targets at 2^TARGET_LG without and with IFMA. */
static const struct scalar_class {
    const char *name;
    uint64_t mask; /* 0: full */
    double target[2];
} scalar_class[] = {
    {"msm_g1 full", 0, {2000, 1000}},
    {"msm_g1_small u16", 0xffff, {0, 0}},
    {"msm_g1_small u8", 0xff, {120, 60}},
    {"msm_g1_small bits", 1, {0, 0}},
};

struct arrays {
    size_t n;
    unsigned lg;
    fr *a, *b;
    fp *c, *d; /* of 2^PRODUCT_LG elements */
    int64_t *small;
    g1_affine *bases;
    void *scratch;
};

/* Seconds that this thread has had a CPU: what other processes take does not count. */
static double thread_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void random_elements(fr *out, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        for (int limb = 0; limb < 4; limb++)
            out[i].limb[limb] = next_random(&seed);
        out[i].limb[3] &= UINT64_C(0x0fffffffffffffff);
    }
}

static void arrays_release(struct arrays *arrays)
{
    free(arrays->a);
    free(arrays->b);
    free(arrays->c);
    free(arrays->d);
    free(arrays->small);
    free(arrays->bases);
    free(arrays->scratch);
}

static enum status arrays_init(struct arrays *arrays, unsigned lg, struct diag *diag)
{
    size_t n = (size_t)1 << lg, least = n < (1 << PRODUCT_LG) ? (1 << PRODUCT_LG) : n;
    const struct msm_bases plain = {.count = n, .levels = 1};
    *arrays = (struct arrays){.n = n, .lg = lg};
    size_t scratch_bytes = msm_scratch_bytes(&plain, n, n, NULL);
    arrays->a = large_alloc(least * sizeof(fr));
    arrays->b = large_alloc(least * sizeof(fr));
    arrays->c = large_alloc(sizeof(fp) << PRODUCT_LG);
    arrays->d = large_alloc(sizeof(fp) << PRODUCT_LG);
    arrays->small = malloc(n * sizeof(int64_t));
    arrays->bases = large_alloc(n * sizeof(g1_affine));
    arrays->scratch = large_alloc(scratch_bytes);
    if (!arrays->a || !arrays->b || !arrays->c || !arrays->d || !arrays->small || !arrays->bases ||
        !arrays->scratch)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for kernels of 2^%u elements", lg);
    random_elements(arrays->a, least, 1);
    random_elements(arrays->b, least, 2);
    memcpy(arrays->c, arrays->a, sizeof(fp) << PRODUCT_LG);
    memcpy(arrays->d, arrays->b, sizeof(fp) << PRODUCT_LG);
    return g1_mul_fixed_base(arrays->bases, &g1_generator, arrays->a, n, NULL, diag);
}

static void keep(struct kernel_figures *figures, struct kernel_figure figure, double *ns,
                 unsigned count)
{
    ASSERT(figures->count < KERNEL_FIGURES_MAX);
    figure.ns = bench_stats_of(ns, count);
    figures->figure[figures->count++] = figure;
}

/* Each product needs the one before: the latency of the scalar function. */
static void measure_scalar_products(struct kernel_figures *figures, const struct arrays *arrays)
{
    enum field_path chosen = field_path();
    for (int path = 0; path < FIELD_PATH_COUNT; path++) {
        double ns[REPEATS];
        if (!field_has_path((enum field_path)path))
            continue;
        field_force_path((enum field_path)path);
        fr y = arrays->a[0];
        for (int repeat = 0; repeat < REPEATS; repeat++) {
            double begin = thread_seconds();
            for (int i = 0; i < CHAIN_PRODUCTS; i++)
                fr_mul(&y, &y, &arrays->b[0]);
            ns[repeat] = 1e9 * (thread_seconds() - begin) / CHAIN_PRODUCTS;
        }
        arrays->a[0] = y;
        keep(figures,
             (struct kernel_figure){.name = "fr_mul",
                                    .path = field_path_name((enum field_path)path)},
             ns, REPEATS);
    }
    field_force_path(chosen);
}

static void measure_array_products(struct kernel_figures *figures, const struct arrays *arrays)
{
    const size_t n = (size_t)1 << PRODUCT_LG;
    for (int path = 0; path < FIELD_VEC_PATH_COUNT; path++) {
        double fr_ns[REPEATS], fp_ns[REPEATS];
        if (!field_vec_has_path((enum field_vec_path)path))
            continue;
        const struct field_vec_kernels *kernels = field_vec_kernels_of((enum field_vec_path)path);
        for (int repeat = 0; repeat < REPEATS; repeat++) {
            double begin = thread_seconds();
            for (int pass = 0; pass < PRODUCT_PASSES; pass++)
                kernels->fr_mul(arrays->a, arrays->a, arrays->b, n);
            double middle = thread_seconds();
            for (int pass = 0; pass < PRODUCT_PASSES; pass++)
                kernels->fp_mul(arrays->c, arrays->c, arrays->d, n);
            double products = (double)n * PRODUCT_PASSES;
            fr_ns[repeat] = 1e9 * (middle - begin) / products;
            fp_ns[repeat] = 1e9 * (thread_seconds() - middle) / products;
        }
        struct kernel_figure figure = {.name = "fr_vec_mul",
                                       .path = field_vec_path_name((enum field_vec_path)path),
                                       .lg_elements = PRODUCT_LG,
                                       .target_ns = product_target[path]};
        keep(figures, figure, fr_ns, REPEATS);
        figure.name = "fp_vec_mul";
        keep(figures, figure, fp_ns, REPEATS);
    }
}

static void measure_sums(struct kernel_figures *figures, const struct arrays *arrays,
                         unsigned repeats)
{
    const int has_ifma = field_vec_path() == FIELD_VEC_IFMA;
    for (size_t c = 0; c < sizeof scalar_class / sizeof *scalar_class; c++) {
        const struct scalar_class *class = &scalar_class[c];
        double ns[REPEATS];
        uint64_t state = 3;
        for (size_t i = 0; i < arrays->n; i++)
            arrays->small[i] = (int64_t)(next_random(&state) & class->mask);
        for (unsigned repeat = 0; repeat < repeats; repeat++) {
            g1 sum;
            double begin = thread_seconds();
            if (class->mask == 0)
                msm_g1(&sum, arrays->bases, arrays->a, arrays->n, NULL, arrays->scratch);
            else
                msm_g1_small(&sum, arrays->bases, arrays->small, arrays->n, NULL, arrays->scratch);
            ns[repeat] = 1e9 * (thread_seconds() - begin) / (double)arrays->n;
        }
        struct kernel_figure figure = {.name = class->name,
                                       .path = field_vec_path_name(field_vec_path()),
                                       .lg_elements = arrays->lg};
        if (arrays->lg == TARGET_LG)
            figure.target_ns = class->target[has_ifma];
        keep(figures, figure, ns, repeats);
    }
}

static enum status measure_transforms(struct kernel_figures *figures, const struct arrays *arrays,
                                      unsigned repeats, struct diag *diag)
{
    double forward_ns[REPEATS], inverse_ns[REPEATS];
    struct ntt_domain domain;
    enum status status = ntt_domain_init(&domain, arrays->lg, diag);
    if (status != STATUS_OK)
        return status;
    for (unsigned repeat = 0; repeat < repeats; repeat++) {
        double begin = thread_seconds();
        ntt_forward_scrambled(NULL, &domain, arrays->a);
        double middle = thread_seconds();
        ntt_inverse_scrambled(NULL, &domain, arrays->a);
        forward_ns[repeat] = 1e9 * (middle - begin) / (double)arrays->n;
        inverse_ns[repeat] = 1e9 * (thread_seconds() - middle) / (double)arrays->n;
    }
    ntt_domain_release(&domain);
    struct kernel_figure figure = {.name = "ntt_forward_scrambled",
                                   .path = field_vec_path_name(field_vec_path()),
                                   .lg_elements = arrays->lg};
    keep(figures, figure, forward_ns, repeats);
    figure.name = "ntt_inverse_scrambled";
    keep(figures, figure, inverse_ns, repeats);
    return STATUS_OK;
}

enum status kernels_measure(struct kernel_figures *figures, const struct bench_options *options,
                            struct diag *diag)
{
    ASSERT(options->kernel_lg >= 4 && options->kernel_lg <= 24);
    struct arrays arrays;
    figures->count = 0;
    bench_say(options, "kernels on 2^%u elements, one thread", options->kernel_lg);
    enum status status = arrays_init(&arrays, options->kernel_lg, diag);
    unsigned repeats = options->kernel_lg >= 18 ? 5 : REPEATS;
    if (status == STATUS_OK) {
        measure_scalar_products(figures, &arrays);
        measure_array_products(figures, &arrays);
        measure_sums(figures, &arrays, repeats);
        status = measure_transforms(figures, &arrays, repeats, diag);
    }
    arrays_release(&arrays);
    return status;
}
