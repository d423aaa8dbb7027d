/*
 * The peers: EZKL on the workloads, Barretenberg's bb on the chain, installed from PyPI and npm
 * into a folder of their own. The scripts of benchmarks/peers set them up; their proofs are then
 * measured in turn with ours.
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
    struct bench_rival rival; /* its proofs, to be measured in turn with ours */
    struct cJSON *json;       /* owned; all that the script said, for the report */
};

void peer_figures_release(struct peer_figures *figures);

/* Installs what is missing. Errors: STATUS_IO with the script's words. */
enum status peers_install(const struct bench_options *options, struct diag *diag) SERTN_MUST_CHECK;

/* Prepares EZKL on one workload: settings, keys, one proof, its verification. The times to prove
 * come from the rival, see peer_figures_close. */
enum status peers_prepare_ezkl(struct peer_figures *figures, const struct workload *workload,
                               const struct bench_options *options,
                               struct diag *diag) SERTN_MUST_CHECK;

/* The same for bb on a chain of so many steps. */
enum status peers_prepare_bb(struct peer_figures *figures, uint32_t steps,
                             const struct bench_options *options,
                             struct diag *diag) SERTN_MUST_CHECK;

/* Takes over what bench_process_repeat measured of the rival. */
void peer_figures_close(struct peer_figures *figures);

#endif
