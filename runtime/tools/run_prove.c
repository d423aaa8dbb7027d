/* sertn-run keys, prove. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/keys.h"
#include "runtime/solidity.h"
#include "runtime/tools/run_common.h"

static void add_keys(struct cli *cli, const struct keys_result *keys)
{
    cli->result = cJSON_CreateObject();
    run_add_hex(cli->result, "vk_digest", keys->vk_digest, sizeof keys->vk_digest);
    cJSON_AddNumberToObject(cli->result, "vk_bytes", (double)keys->vk_bytes);
    cJSON_AddNumberToObject(cli->result, "setup_bytes", (double)keys->setup_bytes);
    cJSON_AddNumberToObject(cli->result, "keys_seconds", keys->seconds);
    cJSON_AddNumberToObject(cli->result, "peak_memory_bytes", (double)machine_peak_memory_bytes());
}

/* Makes keys and the Solidity that belongs to them. */
static enum status make_keys(struct keys_result *result, struct session *session, const char *srs,
                             struct cli *cli, struct diag *diag)
{
    struct cli_progress progress;
    struct plonk_progress callback = cli_progress_begin(&progress, cli);
    enum status status = keys_make(result, session, srs, &callback, diag);
    cli_progress_end(&progress);
    if (status == STATUS_OK)
        status = solidity_write(&session->model, diag);
    if (status == STATUS_OK && session->srs.origin == SRS_DEVELOPMENT)
        cli_say(cli, "keys made over the DEVELOPMENT parameters: anybody can forge proofs; for "
                     "real use give --srs FILE.ptau");
    return status;
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
    enum status status = session_open(session, options->folder, cli->threads, diag);
    if (status == STATUS_OK)
        status = make_keys(&result, session, options->srs, cli, diag);
    if (status == STATUS_OK) {
        add_keys(cli, &result);
        cli_say(cli, "keys of '%s' made in %.3g s", options->folder, result.seconds);
    }
    session_close(session);
    free(session);
    return status;
}

/* ---- prove ---- */

struct proving {
    struct session session;
    struct plonk_proving_key key;
    struct plonk_parameter_tail tail;
    struct arena arena; /* inputs */
};

static enum status open_proving(struct proving *p, struct cli *cli,
                                const struct run_options *options, struct diag *diag)
{
    struct keys_result made;
    enum status status = session_open(&p->session, options->folder, cli->threads, diag);
    if (status == STATUS_OK && !p->session.model.has_key)
        status = make_keys(&made, &p->session, options->srs, cli, diag);
    if (status == STATUS_OK && !p->session.has_srs)
        status = session_open_srs(&p->session, options->srs, diag);
    if (status == STATUS_OK)
        status = keys_load_tail(&p->tail, &p->session.model, diag);
    if (status == STATUS_OK)
        status = plonk_proving_key_load(&p->key, &p->session.model.circuit, &p->session.model.key,
                                        &p->session.srs, p->session.machine, diag);
    if (status == STATUS_OK)
        status = plonk_proving_key_open_bases(&p->key, diag);
    return status;
}

static void close_proving(struct proving *p)
{
    plonk_parameter_tail_wipe(&p->tail);
    plonk_proving_key_release(&p->key);
    session_close(&p->session);
    arena_release(&p->arena);
}

static enum status write_proof(const struct proof *proof, const struct model *model,
                               const char *path, struct diag *diag)
{
    char *text = proof_print(proof, model);
    if (text == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to write the proof");
    enum status status = file_write(path, text, strlen(text), FILE_MODE_PUBLIC, false, diag);
    free(text);
    return status;
}

static enum status prove_one(struct proving *p, struct cli *cli, const struct run_options *options,
                             const struct tensor *const *inputs, const char *path, cJSON *object,
                             struct diag *diag)
{
    double start = machine_seconds();
    struct proof proof = {0};
    struct cli_progress progress;
    struct plonk_progress callback = cli_progress_begin(&progress, cli);
    enum status status = session_run(&p->session, inputs, diag);
    if (status == STATUS_OK)
        status = session_fill(&p->session, diag);
    if (status == STATUS_OK)
        status =
            proof_make(&proof, &p->session, &p->key, &p->tail, options->context, &callback, diag);
    cli_progress_end(&progress);
    if (status == STATUS_OK)
        status = write_proof(&proof, &p->session.model, path, diag);
    if (status == STATUS_OK) {
        cJSON_AddNumberToObject(object, "proof_bytes", (double)proof.byte_count);
        cJSON_AddNumberToObject(object, "prove_seconds", machine_seconds() - start);
        cJSON_AddNumberToObject(object, "rows", (double)p->key.vk.layout.rows);
        cJSON_AddStringToObject(object, "proof_file", path);
        if (!run_add_outputs(object, &p->session))
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
            status = prove_one(p, cli, options, run_inputs(sets, i), path, object, diag);
        if (status == STATUS_OK)
            cli_say(cli, "%s: %s", sets->set[i].name, path);
        else
            status = diag_prefix(diag, status, "%s", sets->set[i].name);
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
    enum status status = STATUS_OK;
    if (options->output == NULL)
        status = diag_set(diag, STATUS_BAD_INPUT, "give the file for the proof with -o");
    if (status == STATUS_OK)
        status = open_proving(p, cli, options, diag);
    if (status == STATUS_OK)
        status = run_read_inputs(&sets, options, &p->session.model, &p->arena, diag);
    if (status == STATUS_OK && sets.count == 1)
        status =
            prove_one(p, cli, options, run_inputs(&sets, 0), options->output, cli->result, diag);
    else if (status == STATUS_OK)
        status = prove_many(p, cli, options, &sets, diag);
    if (status == STATUS_OK) {
        cJSON_AddNumberToObject(cli->result, "total_seconds", machine_seconds() - start);
        cJSON_AddNumberToObject(cli->result, "peak_memory_bytes",
                                (double)machine_peak_memory_bytes());
        run_print_outputs(cli, cJSON_GetObjectItem(cli->result, "outputs"));
        if (sets.count == 1)
            cli_say(cli, "proof of %d bytes in '%s'",
                    cJSON_GetObjectItem(cli->result, "proof_bytes")->valueint, options->output);
    }
    close_proving(p);
    free(p);
    return status;
}
