/* All figures of one run of sertn-bench, as a table for people and as JSON. */
#ifndef SERTN_BENCHMARKS_REPORT_H
#define SERTN_BENCHMARKS_REPORT_H

#include <stdio.h>

#include "benchmarks/chain.h"
#include "benchmarks/kernels.h"
#include "benchmarks/models.h"
#include "benchmarks/peers.h"

struct report {
    struct model_figures model[WORKLOAD_COUNT];
    struct peer_figures ezkl[WORKLOAD_COUNT]; /* of the model of the same index */
    size_t model_count;
    bool has_chain, has_kernels;
    struct chain_figures chain;
    struct peer_figures bb;
    struct kernel_figures kernels;
};

void report_release(struct report *report);

/* Prints tables of what was measured, each figure beside its target where it has one. */
void report_print(FILE *out, const struct report *report, const struct bench_options *options);

/* Prints one JSON object. Errors: STATUS_NO_MEMORY. */
enum status report_print_json(FILE *out, const struct report *report,
                              const struct bench_options *options,
                              struct diag *diag) SERTN_MUST_CHECK;

/* Returns whether every target that was measured is met. */
bool report_targets_met(const struct report *report);

#endif
