/* sertn-run verify, calldata. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/chain.h"
#include "runtime/tools/run_common.h"

struct verification {
    struct model model;
    struct proof proof;
    struct srs_verifier srs;
};

static void close_verification(struct verification *v)
{
    proof_release(&v->proof);
    model_release(&v->model);
    free(v);
}

/* Reads what verifying needs: public/ and the proof. */
static enum status open_verification(struct verification **out, const struct run_options *options,
                                     struct diag *diag)
{
    struct verification *v = calloc(1, sizeof *v);
    *out = v;
    if (v == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    enum status status = model_load(&v->model, options->folder, MODEL_HEAD, diag);
    if (status == STATUS_OK && !v->model.has_key)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "'%s' has no verifying key; its owner makes it with: sertn-run keys %s",
                          options->folder, options->folder);
    if (status == STATUS_OK)
        status = proof_read(&v->proof, options->proof, diag);
    if (status == STATUS_OK)
        status = proof_open_verifier(&v->srs, &v->model, options->srs, diag);
    return status;
}

static void add_chain(struct cli *cli, const struct chain_result *chain)
{
    cJSON_AddNumberToObject(cli->result, "gas", (double)chain->gas);
    cJSON_AddNumberToObject(cli->result, "deploy_gas", (double)chain->deploy_gas);
    cJSON_AddNumberToObject(cli->result, "chain_id", (double)chain->chain_id);
    run_add_hex(cli->result, "verifier", chain->verifier, sizeof chain->verifier);
    cli_say(cli, "accepted on chain %llu: %llu gas%s", (unsigned long long)chain->chain_id,
            (unsigned long long)chain->gas,
            chain->deploy_gas > 0 ? " (the verifier was deployed first)" : "");
}

enum status run_verify(struct cli *cli, struct run_options *options, struct diag *diag)
{
    double start = machine_seconds();
    struct verification *v;
    struct chain_result chain = {0};
    cJSON *values = NULL;
    cli->result = cJSON_CreateObject();
    enum status status = open_verification(&v, options, diag);
    double ready = machine_seconds();
    if (status == STATUS_OK)
        status = proof_verify(&values, &v->proof, &v->model, options->context, &v->srs, diag);
    double verified = machine_seconds();
    if (status == STATUS_OK && options->rpc != NULL)
        status = chain_verify(&chain, options->rpc, options->verifier, &v->proof, &v->model,
                              options->context, &v->srs, diag);
    cJSON_AddBoolToObject(cli->result, "verified", status == STATUS_OK);
    if (status == STATUS_OK) {
        cJSON_AddNumberToObject(cli->result, "proof_bytes", (double)v->proof.byte_count);
        cJSON_AddNumberToObject(cli->result, "verify_seconds", verified - ready);
        cJSON_AddNumberToObject(cli->result, "load_seconds", ready - start);
        cli_say(cli, "accepted");
        if (options->rpc != NULL)
            add_chain(cli, &chain);
        run_print_outputs(cli, values);
        cJSON_AddItemToObject(cli->result, "outputs", values);
        values = NULL;
        cJSON_AddNumberToObject(cli->result, "peak_memory_bytes",
                                (double)machine_peak_memory_bytes());
    }
    cJSON_Delete(values);
    if (v != NULL)
        close_verification(v);
    return status;
}

enum status run_calldata(struct cli *cli, struct run_options *options, struct diag *diag)
{
    struct verification *v;
    struct buffer calldata;
    buffer_init(&calldata);
    cli->result = cJSON_CreateObject();
    enum status status = open_verification(&v, options, diag);
    if (status == STATUS_OK)
        status = chain_verify_calldata(&calldata, &v->proof, &v->model, options->context, diag);
    if (status == STATUS_OK) {
        static const char signature[] = "verify(bytes32,bytes,bytes32,uint256[],bytes)";
        run_add_hex(cli->result, "calldata", calldata.data, calldata.count);
        cJSON_AddStringToObject(cli->result, "signature", signature);
        run_add_hex(cli->result, "vk_digest", v->model.key.digest, 32);
        run_add_hex(cli->result, "vk", v->model.vk, v->model.vk_bytes);
        run_add_hex(cli->result, "context", options->context, sizeof options->context);
        cJSON *words = cJSON_AddArrayToObject(cli->result, "words");
        for (size_t i = 0; i < v->proof.word_count && words != NULL; i++) {
            char *text = proof_print_hex(v->proof.words + 32 * i, 32);
            cJSON_AddItemToArray(words, cJSON_CreateString(text == NULL ? "" : text));
            free(text);
        }
        run_add_hex(cli->result, "proof", v->proof.bytes, v->proof.byte_count);
        if (!cli->json)
            printf("%s\n", cJSON_GetObjectItem(cli->result, "calldata")->valuestring);
    }
    buffer_release(&calldata);
    if (v != NULL)
        close_verification(v);
    return status;
}
