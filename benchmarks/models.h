/*
 * One workload through the installed programs, as a user runs them: compile, keys, prove, verify,
 * each a whole process. What a program says about itself is read from its --json.
 */
#ifndef SERTN_BENCHMARKS_MODELS_H
#define SERTN_BENCHMARKS_MODELS_H

#include "benchmarks/bench.h"
#include "benchmarks/workloads.h"

/* What the compiler's report promised; NaN where it said nothing. */
struct model_prediction {
    double rows, proof_bytes, gas, prove_seconds, peak_memory_bytes;
};

struct model_figures {
    const struct workload *workload;
    struct model_prediction predicted;
    struct bench_cost compile, keys, prove, verify;
    struct bench_stats start_seconds;  /* of a process that does nothing, to take off verify */
    double first_keys_seconds;         /* with the SRS made, when it was not in the cache */
    double rows, columns, proof_bytes; /* as prove says; NaN where it said nothing */
    double gas;                        /* measured on options->rpc; NaN without */
    uint64_t public_bytes, private_bytes;
    bool verified;
    bool outputs_right;  /* against onnxruntime: rtol 1e-3, atol 1e-6, integers and words exact */
    double output_error; /* largest |ours - reference| over the numbers of the outputs */
};

/*
 * Returns whether the values a program printed are the reference ones: nested lists of one shape,
 * objects by name (or a list in the reference's order: ZipMap's rows), numbers within rtol 1e-3 and
 * atol 1e-6, words exactly. *error becomes the largest difference of two numbers when that is
 * larger than it was.
 */
bool model_same_values(const struct cJSON *ours, const struct cJSON *reference, double *error);

/* Measures one workload, its proofs in turn with the rival's when there is one. Errors:
 * STATUS_REJECTED when a program fails, with its words; STATUS_IO; STATUS_BAD_INPUT when a
 * program's JSON cannot be read. */
enum status model_measure(struct model_figures *figures, const struct workload *workload,
                          const struct bench_options *options, struct bench_rival *rival,
                          struct diag *diag) SERTN_MUST_CHECK;

#endif
