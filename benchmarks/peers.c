/* The peers' scripts, run and read. */
#include "benchmarks/peers.h"

#include <cjson/cJSON.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

void peer_figures_release(struct peer_figures *figures)
{
    cJSON_Delete(figures->json);
    *figures = (struct peer_figures){0};
}

/* Both read their thread count from the environment. */
static enum status set_threads(const struct bench_options *options, struct diag *diag)
{
    char threads[16];
    if (options->threads == 0)
        return STATUS_OK;
    snprintf(threads, sizeof threads, "%u", options->threads);
    if (setenv("RAYON_NUM_THREADS", threads, 1) != 0 ||
        setenv("HARDWARE_CONCURRENCY", threads, 1) != 0)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for the environment");
    return STATUS_OK;
}

enum status peers_install(const struct bench_options *options, struct diag *diag)
{
    char script[PATH_BYTES];
    snprintf(script, sizeof script, "%s/peers/install.sh", options->data);
    const char *argv[] = {"sh", script, options->peers, options->only, NULL};
    struct bench_process process;
    bench_say(options, "installing the peers into %s", options->peers);
    enum status status = bench_process_succeed(&process, argv, diag);
    bench_process_release(&process);
    if (status != STATUS_OK)
        return diag_prefix(diag, STATUS_IO, "the peers cannot be installed");
    return set_threads(options, diag);
}

/* The number at object.first.second, or object.first when second is null; NaN when there is none.
 */
static double number_at(const cJSON *object, const char *first, const char *second)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, first);
    if (second)
        found = cJSON_GetObjectItemCaseSensitive(found, second);
    return cJSON_IsNumber(found) ? found->valuedouble : NAN;
}

/* The command of one proof; its words stay in the JSON. */
static enum status read_command(struct bench_rival *rival, const cJSON *workload,
                                const char *script, struct diag *diag)
{
    const cJSON *word, *list = cJSON_GetObjectItemCaseSensitive(workload, "prove_command");
    size_t count = 0;
    cJSON_ArrayForEach(word, list)
    {
        if (!cJSON_IsString(word) || count == BENCH_RIVAL_WORDS)
            return diag_set(diag, STATUS_BAD_INPUT, "%s printed a command that is none", script);
        rival->argv[count++] = word->valuestring;
    }
    if (count == 0)
        return diag_set(diag, STATUS_BAD_INPUT, "%s printed no command", script);
    return STATUS_OK;
}

void peer_figures_close(struct peer_figures *figures)
{
    figures->prove_seconds = figures->rival.cost.seconds.median;
    figures->prove_bytes_of_memory = figures->rival.cost.peak_bytes.median;
    figures->measured = true;
}

/* Runs a script and reads the first of its workloads. */
static enum status run_script(struct peer_figures *figures, const char *const *argv,
                              struct diag *diag)
{
    struct bench_process process;
    enum status status = bench_process_succeed(&process, argv, diag);
    if (status == STATUS_OK) {
        figures->json = cJSON_ParseWithLength(buffer_text(&process.out), process.out.count);
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(figures->json, "workloads");
        const cJSON *first = cJSON_GetArrayItem(list, 0);
        if (!first)
            status = diag_set(diag, STATUS_BAD_INPUT, "%s printed no figures", argv[1]);
        figures->lg_rows = number_at(first, "circuit", "lg_rows");
        figures->gates = number_at(first, "gates", NULL);
        figures->setup_seconds = number_at(first, "setup", "seconds");
        figures->verify_seconds = number_at(first, "verify", "seconds");
        figures->proof_bytes = number_at(first, "proof_bytes", NULL);
        figures->key_bytes = number_at(first, "pk_bytes", NULL);
        if (status == STATUS_OK)
            status = read_command(&figures->rival, first, argv[1], diag);
    }
    bench_process_release(&process);
    return status;
}

enum status peers_prepare_ezkl(struct peer_figures *figures, const struct workload *workload,
                               const struct bench_options *options, struct diag *diag)
{
    char python[PATH_BYTES], script[PATH_BYTES], work[PATH_BYTES];
    *figures = (struct peer_figures){0};
    figures->rival.runs =
        options->runs < workload->peer_runs_max ? options->runs : workload->peer_runs_max;
    snprintf(python, sizeof python, "%s/ezkl/bin/python", options->peers);
    snprintf(script, sizeof script, "%s/peers/measure_ezkl.py", options->data);
    snprintf(work, sizeof work, "%s/ezkl", options->work);
    const char *argv[] = {python,   "-B", script, workload->ezkl, "--runs", "1",
                          "--work", work, NULL};
    bench_say(options, "%s: EZKL's setup", workload->name);
    return run_script(figures, argv, diag);
}

enum status peers_prepare_bb(struct peer_figures *figures, uint32_t steps,
                             const struct bench_options *options, struct diag *diag)
{
    char folder[PATH_BYTES], script[PATH_BYTES], count[16];
    *figures = (struct peer_figures){0};
    figures->rival.runs = options->runs;
    snprintf(folder, sizeof folder, "%s/bb", options->peers);
    snprintf(script, sizeof script, "%s/peers/measure_bb.py", options->data);
    snprintf(count, sizeof count, "%u", steps);
    const char *argv[] = {"python3", "-B", script, folder, "--steps", count, "--runs", "1", NULL};
    bench_say(options, "chain of %u steps: bb's setup", steps);
    return run_script(figures, argv, diag);
}
