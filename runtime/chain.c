/* See chain.h. The verifier is deployed by CREATE2, so its address follows from its code and the
 * SRS alone and nothing need be remembered. */
#include "runtime/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/hash/keccak.h"
#include "runtime/chain_sender.h"
#include "runtime/embedded.h"

/* The deterministic deployment proxy that development chains and most public ones carry. */
static const char deployer[] = "0x4e59b44847b379578588920ca78fbf26c0b4956c";
static const uint8_t deployer_bytes[CHAIN_ADDRESS_BYTES] = {
    0x4e, 0x59, 0xb4, 0x48, 0x47, 0xb3, 0x79, 0x57, 0x85, 0x88,
    0x92, 0x0c, 0xa7, 0x8f, 0xbf, 0x26, 0xc0, 0xb4, 0x95, 0x6c};
/* Explicit gas limits: far above what is used, and they save the round trip of an estimate. */
enum { VERIFY_GAS_LIMIT = 2000000, DEPLOY_GAS_LIMIT = 8000000, WORD = 32 };
enum { LAG_TRIES = 20, LAG_WAIT_US = 500000 };

/* ---- ABI ---- */

const char chain_verify_signature[] = "verify(bytes32,bytes,bytes32,uint256[],bytes)";

static void put_word(struct buffer *out, uint64_t value)
{
    uint8_t word[WORD] = {0};
    for (unsigned i = 0; i < 8; i++)
        word[WORD - 1 - i] = (uint8_t)(value >> (8 * i));
    buffer_put(out, word, sizeof word);
}

static size_t padded(size_t count)
{
    return (count + WORD - 1) / WORD * WORD;
}

static void put_bytes(struct buffer *out, const uint8_t *bytes, size_t count)
{
    static const uint8_t zeros[WORD];
    put_word(out, count);
    buffer_put(out, bytes, count);
    buffer_put(out, zeros, padded(count) - count);
}

enum status chain_verify_calldata(struct buffer *out, const struct proof *proof,
                                  const struct model *model,
                                  const uint8_t context[PROOF_CONTEXT_BYTES], struct diag *diag)
{
    if (proof->mode != PLONK_MODE_GAS)
        return diag_set(
            diag, STATUS_UNSUPPORTED,
            "proofs of mode fast are for use off chain; compile with --mode gas for a chain");
    uint8_t selector[KECCAK256_BYTES];
    keccak256(selector, chain_verify_signature, sizeof chain_verify_signature - 1);
    buffer_put(out, selector, 4);
    size_t vk = 5 * WORD, words = vk + WORD + padded(model->vk_bytes),
           bytes = words + WORD + WORD * proof->word_count;
    buffer_put(out, model->key.digest, WORD);
    put_word(out, vk);
    buffer_put(out, context, WORD);
    put_word(out, words);
    put_word(out, bytes);
    put_bytes(out, model->vk, model->vk_bytes);
    put_word(out, proof->word_count);
    buffer_put(out, proof->words, WORD * proof->word_count);
    put_bytes(out, proof->bytes, proof->byte_count);
    return buffer_status(out, diag);
}

/* ---- the verifier contract ---- */

/* Creation code with its constructor arguments: [tau]_2 and the origin. */
static enum status creation_code(struct buffer *out, const struct srs_verifier *srs,
                                 struct diag *diag)
{
    for (size_t i = 0; i + 1 < embedded_verifier_code_bytes; i += 2) {
        char pair[3] = {(char)embedded_verifier_code[i], (char)embedded_verifier_code[i + 1], 0};
        if (pair[0] == '\n')
            break;
        buffer_put_u8(out, (uint8_t)strtoul(pair, NULL, 16));
    }
    uint8_t tau[G2_BYTES];
    g2_affine_to_bytes(tau, &srs->tau_g2);
    buffer_put(out, tau, sizeof tau);
    put_word(out, (uint64_t)srs->origin);
    return buffer_status(out, diag);
}

static void create2_address(uint8_t address[CHAIN_ADDRESS_BYTES], const struct buffer *code)
{
    uint8_t input[1 + CHAIN_ADDRESS_BYTES + WORD + KECCAK256_BYTES] = {0xff},
                                                   digest[KECCAK256_BYTES];
    memcpy(input + 1, deployer_bytes, sizeof deployer_bytes);
    keccak256(input + 1 + CHAIN_ADDRESS_BYTES + WORD, code->data, code->count);
    keccak256(digest, input, sizeof input);
    memcpy(address, digest + 12, CHAIN_ADDRESS_BYTES);
}

static enum status has_code(bool *out, struct endpoints *nodes, const char *address,
                            struct diag *diag)
{
    char params[96];
    cJSON *code;
    snprintf(params, sizeof params, "[\"%s\",\"latest\"]", address);
    enum status status = endpoints_agree(&code, nodes, "eth_getCode", params, diag);
    if (status != STATUS_OK)
        return status;
    if (!cJSON_IsString(code) || strncmp(code->valuestring, "0x", 2) != 0)
        status = diag_set(diag, STATUS_IO, "the nodes answer eth_getCode with no code");
    else
        *out = strlen(code->valuestring) > 2;
    cJSON_Delete(code);
    return status;
}

/* What chain_verify works with. */
struct verifying {
    const struct chain_options *options;
    struct endpoints nodes;
    struct chain_sender sender;
    bool has_sender;
    uint8_t verifier[CHAIN_ADDRESS_BYTES];
    char address[CHAIN_ADDRESS_TEXT]; /* the same as text */
};

/* The sender is opened when something is to be sent, not before: who finds the verifier needs no
 * password. */
static enum status need_sender(struct verifying *v, struct diag *diag)
{
    if (v->has_sender)
        return STATUS_OK;
    enum status status = chain_sender_open(&v->sender, &v->nodes, &v->options->signer, diag);
    v->has_sender = status == STATUS_OK;
    return status;
}

/* ---- deployment ---- */

static void address_text(char text[CHAIN_ADDRESS_TEXT], const uint8_t address[CHAIN_ADDRESS_BYTES])
{
    char *hex = proof_print_hex(address, CHAIN_ADDRESS_BYTES);
    memcpy(text, hex == NULL ? "" : hex, hex == NULL ? 1 : CHAIN_ADDRESS_TEXT);
    free(hex);
}

/* Whether the code is there; after it was mined, nodes that lag behind others have some seconds. */
static enum status await_code(bool *present, struct verifying *v, bool is_mined, struct diag *diag)
{
    enum status status = has_code(present, &v->nodes, v->address, diag);
    for (unsigned i = 0; i < LAG_TRIES && is_mined && status == STATUS_OK && !*present; i++) {
        usleep(LAG_WAIT_US);
        status = has_code(present, &v->nodes, v->address, diag);
    }
    return status;
}

/* Sends the creation code. Somebody else may be doing the same: what counts is that the code is
 * there in the end. */
static enum status deploy(struct chain_result *result, struct verifying *v,
                          const struct buffer *code, struct diag *diag)
{
    struct buffer data = {0};
    bool present = false;
    char name[JOURNAL_NAME_BYTES];
    put_word(&data, 0); /* salt */
    buffer_put(&data, code->data, code->count);
    snprintf(name, sizeof name, "deploy the verifier at %s", v->address);
    enum status status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = has_code(&present, &v->nodes, deployer, diag);
    if (status == STATUS_OK && !present)
        status =
            diag_set(diag, STATUS_IO,
                     "the verifier cannot be deployed: chain %llu has no deployment proxy at %s",
                     (unsigned long long)v->nodes.chain_id, deployer);
    if (status == STATUS_OK)
        status = need_sender(v, diag);
    if (status == STATUS_OK) {
        struct diag failure = {0};
        enum status sent = chain_send(&result->deploy_gas, &v->sender, name, deployer_bytes, &data,
                                      v->sender.has_key ? 0 : DEPLOY_GAS_LIMIT, &failure);
        status = await_code(&present, v, sent == STATUS_OK, diag);
        if (status == STATUS_OK && !present && sent != STATUS_OK)
            status = diag_set(diag, sent, "%s", failure.text);
    }
    if (status == STATUS_OK && !present)
        status =
            diag_set(diag, STATUS_IO, "the verifier was deployed, but is not at %s", v->address);
    buffer_release(&data);
    return status;
}

/* The address that the user gives. */
static enum status take_address(struct verifying *v, struct diag *diag)
{
    const char *given = v->options->verifier;
    if (!abi_parse_address(v->verifier, given))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "--verifier takes an address of 0x and 40 hex digits");
    address_text(v->address, v->verifier);
    return STATUS_OK;
}

/* Whether the verifier may be deployed here, by whom. */
static enum status may_deploy(const struct verifying *v, struct diag *diag)
{
    if (v->nodes.chain_id == CHAIN_DEVELOPMENT)
        return STATUS_OK;
    if (!v->options->deploy)
        return diag_set(
            diag, STATUS_BAD_INPUT,
            "the verifier is not on chain %llu at %s: give its address with --verifier, "
            "or deploy it with --deploy --keystore FILE",
            (unsigned long long)v->nodes.chain_id, v->address);
    if (v->options->signer.keystore == NULL)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "--deploy on chain %llu takes the account that pays: --keystore FILE",
                        (unsigned long long)v->nodes.chain_id);
    return STATUS_OK;
}

/* Address of the verifier: the one given, or the one that follows from its code, deployed there
 * when it is missing and somebody pays. */
static enum status find_verifier(struct chain_result *result, struct verifying *v,
                                 const struct srs_verifier *srs, struct diag *diag)
{
    struct buffer code = {0};
    bool present = false;
    if (v->options->verifier != NULL)
        return take_address(v, diag);
    enum status status = creation_code(&code, srs, diag);
    if (status == STATUS_OK) {
        create2_address(v->verifier, &code);
        address_text(v->address, v->verifier);
        status = has_code(&present, &v->nodes, v->address, diag);
    }
    if (status == STATUS_OK && !present)
        status = may_deploy(v, diag);
    if (status == STATUS_OK && !present)
        status = deploy(result, v, &code, diag);
    buffer_release(&code);
    return status;
}

/* Read-only call; accepted only when the answer is exactly one. */
static enum status call_verifier(struct verifying *v, const struct buffer *calldata,
                                 struct diag *diag)
{
    static const char yes[] = "0x0000000000000000000000000000000000000000000000000000000000000001";
    struct buffer params = {0};
    cJSON *answer = NULL;
    buffer_printf(&params, "[{\"to\":\"%s\",\"gas\":\"0x%x\",\"data\":\"0x", v->address,
                  VERIFY_GAS_LIMIT);
    buffer_put_hex(&params, calldata->data, calldata->count);
    buffer_puts(&params, "\"},\"latest\"]");
    enum status status = buffer_status(&params, diag);
    if (status == STATUS_OK)
        status = endpoints_agree(&answer, &v->nodes, "eth_call", buffer_text(&params), diag);
    const char *text = cJSON_IsString(answer) ? answer->valuestring : "";
    if (status == STATUS_OK && strcmp(text, "0x") == 0)
        status = diag_set(diag, STATUS_BAD_INPUT, "there is no contract at %s on this chain",
                          v->address);
    if (status == STATUS_REJECTED || (status == STATUS_OK && strcmp(text, yes) != 0))
        status = diag_set(diag, STATUS_REJECTED,
                          "the verifier contract at %s does not accept the proof", v->address);
    cJSON_Delete(answer);
    buffer_release(&params);
    return status;
}

/* On a development chain the proof is sent too, which tells what it costs. */
static enum status send_proof(struct chain_result *result, struct verifying *v,
                              const struct buffer *calldata, struct diag *diag)
{
    uint8_t digest[KECCAK256_BYTES];
    char name[JOURNAL_NAME_BYTES];
    size_t at;
    if (v->nodes.chain_id != CHAIN_DEVELOPMENT)
        return STATUS_OK;
    keccak256(digest, calldata->data, calldata->count);
    at = (size_t)snprintf(name, sizeof name, "verify at %s ", v->address);
    for (size_t i = 0; i < sizeof digest; i++)
        at += (size_t)snprintf(name + at, sizeof name - at, "%02x", digest[i]);
    enum status status = need_sender(v, diag);
    if (status == STATUS_OK)
        status = chain_send(&result->gas, &v->sender, name, v->verifier, calldata, VERIFY_GAS_LIMIT,
                            diag);
    return status;
}

static enum status check_chain(const struct verifying *v, const struct srs_verifier *srs,
                               struct diag *diag)
{
    uint64_t found = v->nodes.chain_id;
    enum status status = endpoints_check_chain(&v->nodes, v->options->chain_id, diag);
    if (status != STATUS_OK)
        return status;
    if (srs->origin == SRS_DEVELOPMENT && found != CHAIN_DEVELOPMENT)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the key was made over the development parameters, which anybody can "
                        "forge; chain %llu needs one made with --srs",
                        (unsigned long long)found);
    return STATUS_OK;
}

enum status chain_verify(struct chain_result *result, const struct chain_options *options,
                         const struct proof *proof, const struct model *model,
                         const uint8_t context[PROOF_CONTEXT_BYTES], const struct srs_verifier *srs,
                         struct diag *diag)
{
    struct buffer calldata = {0};
    struct verifying *v = calloc(1, sizeof *v);
    *result = (struct chain_result){0};
    if (v == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    v->options = options;
    enum status status = chain_verify_calldata(&calldata, proof, model, context, diag);
    if (status == STATUS_OK)
        status = endpoints_open(&v->nodes, options->rpc, diag);
    if (status == STATUS_OK)
        status = check_chain(v, srs, diag);
    if (status == STATUS_OK)
        status = find_verifier(result, v, srs, diag);
    if (status == STATUS_OK)
        status = call_verifier(v, &calldata, diag);
    if (status == STATUS_OK)
        status = send_proof(result, v, &calldata, diag);
    result->chain_id = v->nodes.chain_id;
    memcpy(result->verifier, v->verifier, sizeof result->verifier);
    chain_sender_close(&v->sender);
    endpoints_close(&v->nodes);
    buffer_release(&calldata);
    free(v);
    return status;
}
