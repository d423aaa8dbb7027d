/*
 * The chain y = y*y + 3 of private full-size values, in fast mode: the one statement that bb and
 * Sertn's prover can both be given directly, one gate a step.
 *
 * The circuit is built here, one product row a step with its copies and one public word at the end.
 * Setup, prove and verify are steps of sertn-bench itself, so that each is a process of its own
 * that reads and writes files, as bb's are.
 */
#ifndef SERTN_BENCHMARKS_CHAIN_H
#define SERTN_BENCHMARKS_CHAIN_H

#include "benchmarks/bench.h"

/* Most steps; 2^20 rows. */
enum { CHAIN_STEPS_MAX = (1 << 20) - 8 };

/*
 * Runs one step in this process: "setup" writes circuit and vk into the folder, "prove" reads them
 * and writes proof and words, "verify" reads these and checks. steps is used by setup alone.
 * Errors: STATUS_BAD_INPUT for another step; else those of what it does.
 */
enum status chain_step(const char *step, const char *folder, uint32_t steps, unsigned threads,
                       struct diag *diag) SERTN_MUST_CHECK;

struct chain_figures {
    uint32_t steps;
    unsigned lg_rows;
    struct bench_cost prove, verify;
    double setup_seconds;
    uint64_t proof_bytes;
};

/* Measures the steps as whole processes, proofs in turn with the rival's when there is one. */
enum status chain_measure(struct chain_figures *figures, const struct bench_options *options,
                          uint32_t steps, struct bench_rival *rival,
                          struct diag *diag) SERTN_MUST_CHECK;

#endif
