/*
 * The kernels under the prover: field products, multi-scalar multiplication, transforms, each on
 * random input, on one thread, in time of that thread alone: a figure is time on one core, whatever
 * else the machine does.
 */
#ifndef SERTN_BENCHMARKS_KERNELS_H
#define SERTN_BENCHMARKS_KERNELS_H

#include "benchmarks/bench.h"

/* One measured kernel on one path. */
struct kernel_figure {
    const char *name; /* the function */
    const char *path; /* "portable", "adx", "ifma"; what was in use for those that choose */
    unsigned lg_elements;
    struct bench_stats ns; /* nanoseconds an element */
    double target_ns;      /* at most; 0: none for this size and CPU */
};

enum { KERNEL_FIGURES_MAX = 24 };

struct kernel_figures {
    struct kernel_figure figure[KERNEL_FIGURES_MAX];
    size_t count;
};

/*
 * Measures all kernels on 2^options->kernel_lg elements (field products on 2^12, which stay in the
 * cache). Requires: 4 <= kernel_lg <= 24. Errors: STATUS_NO_MEMORY. Cost: about a minute at 2^20.
 */
enum status kernels_measure(struct kernel_figures *figures, const struct bench_options *options,
                            struct diag *diag) SERTN_MUST_CHECK;

#endif
