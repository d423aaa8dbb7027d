/*
 * The peers, measured in the same run by the scripts of benchmarks/peers: EZKL on the workloads,
 * Barretenberg's bb on the chain. Installed from PyPI and npm into a folder of their own.
 */
#ifndef SERTN_BENCHMARKS_PEERS_H
#define SERTN_BENCHMARKS_PEERS_H

#include "benchmarks/bench.h"
#include "benchmarks/workloads.h"

struct peer_figures {
    bool measured;
    double lg_rows, gates; /* NaN where the peer has no such thing */
    double setup_seconds, prove_seconds, prove_bytes_of_memory, verify_seconds;
    double proof_bytes, key_bytes;
    struct cJSON *json; /* owned; all that the script said, for the report */
};

void peer_figures_release(struct peer_figures *figures);

/* Installs what is missing. Errors: STATUS_IO with the script's words. */
enum status peers_install(const struct bench_options *options, struct diag *diag) SERTN_MUST_CHECK;

/* Measures EZKL on one workload. */
enum status peers_measure_ezkl(struct peer_figures *figures, const struct workload *workload,
                               const struct bench_options *options,
                               struct diag *diag) SERTN_MUST_CHECK;

/* Measures bb on a chain of so many steps. */
enum status peers_measure_bb(struct peer_figures *figures, uint32_t steps,
                             const struct bench_options *options,
                             struct diag *diag) SERTN_MUST_CHECK;

#endif
