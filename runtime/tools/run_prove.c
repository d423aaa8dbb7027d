/* sertn-run keys, prove. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/plan.h"
#include "ir/support/file.h"
#include "runtime/prover.h"
#include "runtime/tools/run_common.h"

static void add_keys(struct cli *cli, const struct keys_result *keys)
{
    cli->result = cJSON_CreateObject();
    run_add_hex(cli->result, "vk_digest", keys->vk_digest, sizeof keys->vk_digest);
    cJSON_AddNumberToObject(cli->result, "vk_bytes", (double)keys->vk_bytes);
    cJSON_AddNumberToObject(cli->result, "setup_bytes", (double)keys->setup_bytes);
    cJSON_AddNumberToObject(cli->result, "keys_seconds", keys->seconds);
    run_add_memory(cli->result);
}

static void warn_development(const struct cli *cli, const struct session *session)
{
    if (session->srs.origin == SRS_DEVELOPMENT)
        cli_say(cli, "keys made over the DEVELOPMENT parameters: anybody can forge proofs; for "
                     "real use give --srs FILE.ptau");
}

enum status run_keys(struct cli *cli, struct run_options *options, struct diag *diag)
{
    struct keys_result result = {0};
    if (options->check) {
        enum status checked =
            keys_check(&result, options->folder, options->srs, cli->threads, diag);
        if (checked == STATUS_OK) {
            add_keys(cli, &result);
            cJSON_AddBoolToObject(cli->result, "verified", true);
            cli_say(
                cli,
                "the key is that of the circuit, and its parameters are in their declared ranges");
        }
        return checked;
    }
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    struct cli_progress progress;
    struct plonk_progress callback = cli_progress_begin(&progress, cli);
    enum status status = session_open(session, options->folder, MODEL_TO_KEY, cli->threads, diag);
    if (status == STATUS_OK)
        status = prover_make_keys(&result, session, options->srs, &callback, diag);
    cli_progress_end(&progress);
    if (status == STATUS_OK) {
        warn_development(cli, session);
        add_keys(cli, &result);
        cli_say(cli, "keys of '%s' made in %.3g s", options->folder, result.seconds);
    }
    session_close(session);
    free(session);
    return status;
}

/* ---- prove ---- */

struct proving {
    struct prover prover;
    struct arena arena; /* inputs */
};

static enum status open_proving(struct proving *p, struct cli *cli,
                                const struct run_options *options, struct diag *diag)
{
    struct cli_progress progress;
    struct plonk_progress callback = cli_progress_begin(&progress, cli);
    enum status status =
        prover_open(&p->prover, options->folder, options->srs, cli->threads, &callback, diag);
    cli_progress_end(&progress);
    if (status == STATUS_OK && p->prover.made_keys)
        warn_development(cli, &p->prover.session);
    return status;
}

static bool is_standard_output(const char *path)
{
    return strcmp(path, "-") == 0;
}

static enum status write_proof(const struct proof *proof, const struct model *model,
                               const char *path, struct diag *diag)
{
    char *text = proof_print(proof, model);
    if (text == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to write the proof");
    enum status status = STATUS_OK;
    if (is_standard_output(path))
        puts(text);
    else
        status = file_write(path, text, strlen(text), FILE_MODE_PUBLIC, false, diag);
    free(text);
    return status;
}

static enum status prove_one(struct proving *p, struct cli *cli, const struct run_options *options,
                             const struct value_sets *sets, size_t index, const char *path,
                             cJSON *object, struct diag *diag)
{
    double start = machine_seconds();
    struct proof proof = {0};
    struct cli_progress progress;
    struct plonk_progress callback = cli_progress_begin(&progress, cli);
    enum status status = prover_prove(&proof, &p->prover, run_inputs(sets, index), options->context,
                                      &callback, diag);
    cli_progress_end(&progress);
    if (status != STATUS_OK)
        status = diag_prefix(diag, status, "%s", sets->set[index].name);
    if (status == STATUS_OK)
        status = write_proof(&proof, &p->prover.session.model, path, diag);
    if (status == STATUS_OK) {
        cJSON_AddNumberToObject(object, "proof_bytes", (double)proof.byte_count);
        cJSON_AddNumberToObject(object, "prove_seconds", machine_seconds() - start);
        cJSON_AddNumberToObject(object, "rows", (double)p->prover.key.vk.layout.rows);
        cJSON_AddNumberToObject(object, "columns", plan_columns(p->prover.key.circuit));
        cJSON_AddStringToObject(object, "proof_file", path);
        if (!run_add_outputs(object, &p->prover.session))
            status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the outputs");
    }
    proof_release(&proof);
    return status;
}

/* Many inputs: proof_0.json, proof_1.json, ... in a folder. */
static enum status prove_many(struct proving *p, struct cli *cli, const struct run_options *options,
                              const struct value_sets *sets, struct diag *diag)
{
    enum status status = file_make_dir(options->output, 0755, diag);
    cJSON *list = cJSON_AddArrayToObject(cli->result, "proofs");
    for (size_t i = 0; i < sets->count && status == STATUS_OK; i++) {
        char name[48];
        snprintf(name, sizeof name, "proof_%zu.json", i);
        char *path = file_join(options->output, name);
        cJSON *object = cJSON_CreateObject();
        if (path == NULL || object == NULL || !cJSON_AddItemToArray(list, object))
            status = diag_set(diag, STATUS_NO_MEMORY, "no memory for %zu proofs", sets->count);
        if (status == STATUS_OK)
            status = prove_one(p, cli, options, sets, i, path, object, diag);
        if (status == STATUS_OK)
            cli_say(cli, "%s: %s", sets->set[i].name, path);
        free(path);
    }
    return status;
}

enum status run_prove(struct cli *cli, struct run_options *options, struct diag *diag)
{
    double start = machine_seconds();
    struct proving *p = calloc(1, sizeof *p);
    struct value_sets sets = {0};
    if (p == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    arena_init(&p->arena, 0);
    cli->result = cJSON_CreateObject();
    enum status status = run_check_input(options, diag);
    if (status == STATUS_OK && options->output == NULL)
        status = diag_set(diag, STATUS_BAD_INPUT, "give the file for the proof with -o");
    bool to_output = status == STATUS_OK && is_standard_output(options->output);
    if (to_output && cli->json)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "-o - prints the proof and --json the result: give a file for the proof");
    if (status == STATUS_OK)
        status = open_proving(p, cli, options, diag);
    if (status == STATUS_OK)
        status = run_read_inputs(&sets, options, &p->prover.session.model, &p->arena, diag);
    if (status == STATUS_OK)
        run_choose_evaluator(cli, options, &p->prover.session, sets.count);
    if (status == STATUS_OK && sets.count == 1) {
        status = prove_one(p, cli, options, &sets, 0, options->output, cli->result, diag);
    } else if (status == STATUS_OK && to_output) {
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "%zu inputs give %zu proofs: give a folder for them with -o", sets.count,
                          sets.count);
    } else if (status == STATUS_OK) {
        status = prove_many(p, cli, options, &sets, diag);
    }
    if (status == STATUS_OK) {
        cJSON_AddNumberToObject(cli->result, "total_seconds", machine_seconds() - start);
        run_add_memory(cli->result);
        if (!to_output)
            run_print_outputs(cli, cJSON_GetObjectItem(cli->result, "outputs"));
        if (sets.count == 1 && !to_output)
            cli_say(cli, "proof of %d bytes in '%s'",
                    cJSON_GetObjectItem(cli->result, "proof_bytes")->valueint, options->output);
    }
    prover_close(&p->prover);
    arena_release(&p->arena);
    free(p);
    return status;
}
