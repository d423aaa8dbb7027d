/* sertn-run verify, calldata. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "runtime/chain.h"
#include "runtime/tools/run_common.h"
#include "runtime/workload.h"

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

/* Reads public/ and the proof. */
static enum status open_verification(struct verification **out, const struct run_options *options,
                                     struct diag *diag)
{
    struct verification *v = calloc(1, sizeof *v);
    *out = v;
    if (v == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    enum status status = model_load(&v->model, options->folder, MODEL_HEAD, diag);
    if (status == STATUS_OK)
        status = proof_read(&v->proof, options->proof, diag);
    if (status == STATUS_OK)
        status = proof_check_claim(&v->proof, &v->model, options->context, diag);
    return status;
}

static void add_chain(struct cli *cli, const struct chain_result *chain)
{
    if (chain->gas > 0)
        cJSON_AddNumberToObject(cli->result, "gas", (double)chain->gas);
    if (chain->deploy_gas > 0)
        cJSON_AddNumberToObject(cli->result, "deploy_gas", (double)chain->deploy_gas);
    cJSON_AddNumberToObject(cli->result, "chain_id", (double)chain->chain_id);
    run_add_hex(cli->result, "verifier", chain->verifier, sizeof chain->verifier);
    if (chain->gas == 0)
        cli_say(cli, "accepted on chain %llu, by a call that sends nothing",
                (unsigned long long)chain->chain_id);
    else
        cli_say(cli, "accepted on chain %llu: %llu gas%s", (unsigned long long)chain->chain_id,
                (unsigned long long)chain->gas,
                chain->deploy_gas > 0 ? " (the verifier was deployed first)" : "");
}

/* Options of a chain without one. */
static enum status check_chain_options(const struct chain_options *chain, struct diag *diag)
{
    bool wants = chain->verifier != NULL || chain->deploy || chain->signer.keystore != NULL ||
                 chain->signer.password_file != NULL || chain->signer.journal != NULL ||
                 chain->chain_id != 0;
    if (chain->rpc != NULL || !wants)
        return STATUS_OK;
    return diag_set(
        diag, STATUS_BAD_INPUT,
        "--verifier, --chain-id, --deploy, --keystore, --password-file and --journal go "
        "with --rpc URL");
}

enum status run_verify(struct cli *cli, struct run_options *options, struct diag *diag)
{
    double start = machine_seconds();
    struct verification *v = NULL;
    struct chain_result chain = {0};
    cJSON *values = NULL;
    cli->result = cJSON_CreateObject();
    enum status status = check_chain_options(&options->chain, diag);
    if (status == STATUS_OK)
        status = open_verification(&v, options, diag);
    if (status == STATUS_OK)
        status = proof_open_verifier(&v->srs, &v->model, options->srs, diag);
    double ready = machine_seconds();
    if (status == STATUS_OK)
        status = proof_verify(&values, &v->proof, &v->model, options->context, &v->srs, diag);
    double verified = machine_seconds();
    if (status == STATUS_OK && options->chain.rpc != NULL)
        status = chain_verify(&chain, &options->chain, &v->proof, &v->model, options->context,
                              &v->srs, diag);
    cJSON_AddBoolToObject(cli->result, "verified", status == STATUS_OK);
    if (status == STATUS_OK) {
        cJSON_AddNumberToObject(cli->result, "proof_bytes", (double)v->proof.byte_count);
        cJSON_AddNumberToObject(cli->result, "verify_seconds", verified - ready);
        cJSON_AddNumberToObject(cli->result, "load_seconds", ready - start);
        cli_say(cli, "accepted");
        if (options->chain.rpc != NULL)
            add_chain(cli, &chain);
        run_print_outputs(cli, values);
        cJSON_AddItemToObject(cli->result, "outputs", values);
        values = NULL;
        if (!run_add_types(cli->result, &v->model))
            status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the result");
        run_add_memory(cli->result);
    }
    cJSON_Delete(values);
    if (v != NULL)
        close_verification(v);
    return status;
}

/* The ABI form: the function and its arguments, one a line in the order of the signature. */
static void print_arguments(const cJSON *result)
{
    static const char *const fields[] = {"signature", "vk_digest", "vk",
                                         "context",   "words",     "proof"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const cJSON *word, *field = cJSON_GetObjectItemCaseSensitive(result, fields[i]);
        if (cJSON_IsString(field)) {
            puts(field->valuestring);
            continue;
        }
        putchar('[');
        cJSON_ArrayForEach(word, field)
            printf("%s%s", word == field->child ? "" : ",", word->valuestring);
        puts("]");
    }
}

/* What a route of the router is told of a claim whose truth is known (IVerifierRouter.Canary); a
 * model with private inputs has no such claims. */
static void add_claim(cJSON *result, const struct verification *v)
{
    struct workload_layout layout;
    struct diag ignored = {0};
    uint8_t inputs[32], answer[KECCAK256_BYTES];
    if (workload_layout(&layout, &v->model, &ignored) != STATUS_OK ||
        !workload_commit(inputs, &layout, v->proof.words, v->proof.word_count))
        return;
    keccak256(answer, v->proof.words, 32 * v->proof.word_count);
    cJSON *claim = cJSON_AddObjectToObject(result, "claim");
    cJSON_AddNumberToObject(claim, "input_words", layout.words);
    cJSON_AddNumberToObject(claim, "input_bits", layout.bits);
    run_add_hex(claim, "inputs", inputs, sizeof inputs);
    run_add_hex(claim, "answer", answer, sizeof answer);
}

static void add_calldata(cJSON *result, const struct verification *v,
                         const struct run_options *options, const struct buffer *calldata)
{
    run_add_hex(result, "calldata", calldata->data, calldata->count);
    cJSON_AddStringToObject(result, "signature", chain_verify_signature);
    run_add_hex(result, "vk_digest", v->model.key.digest, 32);
    run_add_hex(result, "vk", v->model.vk, v->model.vk_bytes);
    run_add_hex(result, "context", options->context, sizeof options->context);
    cJSON *words = cJSON_AddArrayToObject(result, "words");
    for (size_t i = 0; i < v->proof.word_count && words != NULL; i++) {
        char *text = proof_print_hex(v->proof.words + 32 * i, 32);
        cJSON_AddItemToArray(words, cJSON_CreateString(text == NULL ? "" : text));
        free(text);
    }
    run_add_hex(result, "proof", v->proof.bytes, v->proof.byte_count);
    add_claim(result, v);
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
        add_calldata(cli->result, v, options, &calldata);
        if (!cli->json) {
            puts(cJSON_GetObjectItemCaseSensitive(cli->result, "calldata")->valuestring);
            print_arguments(cli->result);
        }
    }
    buffer_release(&calldata);
    if (v != NULL)
        close_verification(v);
    return status;
}
