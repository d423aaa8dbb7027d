/* Workloads through the programs. */
#include "benchmarks/models.h"

#include <cjson/cJSON.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/arena.h"
#include "ir/support/file.h"

/* Compiling and making keys are slower than proving and are asked for less often. */
enum { KEY_RUNS = 3, START_RUNS = 10, DATA_SETS = 3, ARGUMENTS_MAX = 24 };
enum { PATHS_BYTES_MAX = 1 << 20, FILE_BYTES_MAX = 1 << 26 };

struct paths {
    char *onnx, *input, *expected, *model, *model_public, *model_private, *proof, *data[DATA_SETS];
    const char *threads;
};

static enum status paths_init(struct paths *paths, struct arena *arena,
                              const struct workload *workload, const struct bench_options *options,
                              struct diag *diag)
{
    char *folder = arena_printf(arena, "%s/models/%s", options->data, workload->name);
    char *work = arena_printf(arena, "%s/%s", options->work, workload->name);
    if (!folder || !work)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for paths");
    paths->onnx = arena_printf(arena, "%s/model.onnx", folder);
    paths->input = arena_printf(arena, "%s/input.json", folder);
    paths->expected = arena_printf(arena, "%s/output.json", folder);
    paths->model = arena_printf(arena, "%s.sertn", work);
    paths->model_public = arena_printf(arena, "%s.sertn/public", work);
    paths->model_private = arena_printf(arena, "%s.sertn/private", work);
    paths->proof = arena_printf(arena, "%s.proof.json", work);
    for (int k = 0; k < DATA_SETS; k++)
        paths->data[k] = arena_printf(arena, "%s/test_data_set_%d", folder, k);
    paths->threads = arena_printf(arena, "%u", options->threads);
    if (!paths->threads || !paths->data[DATA_SETS - 1] || !paths->proof || !paths->onnx)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for paths");
    return STATUS_OK;
}

/* Appends --threads N when the user gave a number, a last word, and null. */
static void finish(const char **argv, size_t at, const struct bench_options *options,
                   const struct paths *paths, const char *last)
{
    if (options->threads > 0) {
        argv[at++] = "--threads";
        argv[at++] = paths->threads;
    }
    argv[at++] = last;
    argv[at] = NULL;
}

static void compile_command(const char **argv, const struct bench_options *options,
                            const struct paths *paths, const char *last)
{
    size_t at = 0;
    argv[at++] = options->sertnc;
    argv[at++] = paths->onnx;
    argv[at++] = "-o";
    argv[at++] = paths->model;
    for (int k = 0; k < DATA_SETS; k++) {
        argv[at++] = "--data";
        argv[at++] = paths->data[k];
    }
    finish(argv, at, options, paths, last);
}

static void keys_command(const char **argv, const struct bench_options *options,
                         const struct paths *paths)
{
    argv[0] = options->sertn_run;
    argv[1] = "keys";
    argv[2] = paths->model;
    finish(argv, 3, options, paths, "--quiet");
}

static void prove_command(const char **argv, const struct bench_options *options,
                          const struct paths *paths, const char *last)
{
    const char *start[] = {options->sertn_run, "prove", paths->model, "--input",
                           paths->input,       "-o",    paths->proof};
    memcpy(argv, start, sizeof start);
    finish(argv, 7, options, paths, last);
}

/* Runs a command and reads the one JSON object it prints; the caller deletes it. */
static enum status run_json(cJSON **json, const char *const *argv, struct diag *diag)
{
    struct bench_process process;
    *json = NULL;
    enum status status = bench_process_succeed(&process, argv, diag);
    if (status == STATUS_OK) {
        *json = cJSON_ParseWithLength(buffer_text(&process.out), process.out.count);
        if (!*json)
            status = diag_set(diag, STATUS_BAD_INPUT, "%s %s --json printed no JSON object",
                              argv[0], argv[1]);
    }
    bench_process_release(&process);
    return status;
}

/* A number by name; NaN when there is none. */
static double number(const cJSON *object, const char *name)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(found) ? found->valuedouble : NAN;
}

static enum status predict(struct model_figures *figures, const struct bench_options *options,
                           const struct paths *paths, struct diag *diag)
{
    const char *argv[ARGUMENTS_MAX];
    cJSON *report;
    compile_command(argv, options, paths, "--json");
    enum status status = run_json(&report, argv, diag);
    if (status != STATUS_OK)
        return status;
    figures->predicted = (struct model_prediction){
        .rows = number(report, "rows"),
        .proof_bytes = number(report, "proof_bytes"),
        .gas = number(report, "gas"),
        .prove_seconds = number(report, "prove_seconds"),
        .peak_memory_bytes = number(report, "prove_memory_bytes"), /* not the compiler's own */
    };
    cJSON_Delete(report);
    return STATUS_OK;
}

/* Compile and keys, each time into a folder that is not there. */
static enum status measure_keys(struct model_figures *figures, const struct bench_options *options,
                                const struct paths *paths, struct diag *diag)
{
    const char *compile[ARGUMENTS_MAX], *keys[ARGUMENTS_MAX];
    double value[2][3][KEY_RUNS];
    compile_command(compile, options, paths, "--quiet");
    keys_command(keys, options, paths);
    for (int run = -1; run < KEY_RUNS; run++) {
        enum status status = file_remove_tree(paths->model, diag);
        const char *const *const command[2] = {compile, keys};
        for (int i = 0; status == STATUS_OK && i < 2; i++) {
            struct bench_process process;
            status = bench_process_succeed(&process, command[i], diag);
            bench_process_release(&process);
            if (run < 0) {
                figures->first_keys_seconds = process.seconds;
                continue;
            }
            value[i][0][run] = process.seconds;
            value[i][1][run] = process.cpu_seconds;
            value[i][2][run] = process.peak_bytes;
        }
        if (status != STATUS_OK)
            return status;
    }
    struct bench_cost *cost[2] = {&figures->compile, &figures->keys};
    for (int i = 0; i < 2; i++) {
        cost[i]->seconds = bench_stats_of(value[i][0], KEY_RUNS);
        cost[i]->cpu_seconds = bench_stats_of(value[i][1], KEY_RUNS);
        cost[i]->peak_bytes = bench_stats_of(value[i][2], KEY_RUNS);
    }
    figures->public_bytes = bench_folder_bytes(paths->model_public);
    figures->private_bytes = bench_folder_bytes(paths->model_private);
    return STATUS_OK;
}

bool model_same_values(const cJSON *ours, const cJSON *reference, double *error)
{
    if (cJSON_IsNumber(reference) && cJSON_IsNumber(ours)) {
        double difference = fabs(ours->valuedouble - reference->valuedouble);
        if (difference > *error)
            *error = difference;
        return difference <= 1e-6 + 1e-3 * fabs(reference->valuedouble);
    }
    if (cJSON_IsString(reference))
        return cJSON_IsString(ours) && strcmp(ours->valuestring, reference->valuestring) == 0;
    if (cJSON_GetArraySize(ours) != cJSON_GetArraySize(reference) ||
        (cJSON_IsObject(ours) && !cJSON_IsObject(reference)))
        return false;
    bool same = cJSON_IsArray(ours) || cJSON_IsObject(ours);
    const cJSON *item, *mine = ours ? ours->child : NULL;
    cJSON_ArrayForEach(item, reference)
    {
        const cJSON *other =
            cJSON_IsObject(ours) ? cJSON_GetObjectItemCaseSensitive(ours, item->string) : mine;
        same = other && model_same_values(other, item, error) && same;
        mine = mine ? mine->next : NULL;
    }
    return same;
}

static enum status compare_outputs(struct model_figures *figures, const cJSON *said,
                                   const struct paths *paths, struct diag *diag)
{
    struct buffer text = {0};
    enum status status = file_read(paths->expected, FILE_BYTES_MAX, &text, diag);
    if (status == STATUS_OK) {
        cJSON *reference = cJSON_ParseWithLength(buffer_text(&text), text.count);
        const cJSON *outputs = cJSON_GetObjectItemCaseSensitive(said, "outputs");
        if (!reference)
            status = diag_set(diag, STATUS_BAD_INPUT, "%s is not JSON", paths->expected);
        else
            figures->outputs_right =
                outputs && model_same_values(outputs, reference, &figures->output_error);
        cJSON_Delete(reference);
    }
    buffer_release(&text);
    return status;
}

static enum status measure_prove(struct model_figures *figures, const struct bench_options *options,
                                 const struct paths *paths, struct bench_rival *rival,
                                 struct diag *diag)
{
    const char *argv[ARGUMENTS_MAX];
    cJSON *said;
    prove_command(argv, options, paths, "--json");
    enum status status = run_json(&said, argv, diag);
    if (status != STATUS_OK)
        return status;
    figures->rows = number(said, "rows");
    figures->columns = number(said, "columns");
    figures->proof_bytes = number(said, "proof_bytes");
    status = compare_outputs(figures, said, paths, diag);
    cJSON_Delete(said);
    if (status != STATUS_OK)
        return status;
    prove_command(argv, options, paths, "--quiet");
    return bench_process_repeat(&figures->prove, argv, options->runs, rival, diag);
}

static enum status measure_verify(struct model_figures *figures,
                                  const struct bench_options *options, const struct paths *paths,
                                  struct diag *diag)
{
    const char *verify[ARGUMENTS_MAX] = {options->sertn_run, "verify", paths->model, paths->proof};
    const char *idle[] = {options->sertn_run, "--version", NULL};
    struct bench_cost start;
    cJSON *said;
    verify[4] = "--json";
    enum status status = run_json(&said, verify, diag);
    if (status != STATUS_OK)
        return status;
    figures->verified = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(said, "verified"));
    cJSON_Delete(said);
    verify[4] = "--quiet";
    if ((status = bench_process_repeat(&figures->verify, verify, options->runs, NULL, diag)) !=
            STATUS_OK ||
        (status = bench_process_repeat(&start, idle, START_RUNS, NULL, diag)) != STATUS_OK)
        return status;
    figures->start_seconds = start.seconds;
    if (!options->rpc)
        return STATUS_OK;
    verify[4] = "--rpc";
    verify[5] = options->rpc;
    verify[6] = "--json";
    if ((status = run_json(&said, verify, diag)) == STATUS_OK)
        figures->gas = number(said, "gas");
    cJSON_Delete(said);
    return status;
}

enum status model_measure(struct model_figures *figures, const struct workload *workload,
                          const struct bench_options *options, struct bench_rival *rival,
                          struct diag *diag)
{
    struct arena arena;
    struct paths paths = {0};
    *figures = (struct model_figures){.workload = workload, .gas = NAN};
    arena_init(&arena, PATHS_BYTES_MAX);
    enum status status = paths_init(&paths, &arena, workload, options, diag);
    bench_say(options, "%s: compile, keys, prove, verify", workload->name);
    if (status == STATUS_OK)
        status = predict(figures, options, &paths, diag);
    if (status == STATUS_OK)
        status = measure_keys(figures, options, &paths, diag);
    if (status == STATUS_OK)
        status = measure_prove(figures, options, &paths, rival, diag);
    if (status == STATUS_OK)
        status = measure_verify(figures, options, &paths, diag);
    arena_release(&arena);
    if (status != STATUS_OK)
        return diag_prefix(diag, status, "%s", workload->name);
    return STATUS_OK;
}
