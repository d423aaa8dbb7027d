/* See chain.h. The verifier is deployed by CREATE2, so its address follows from its code and the
 * SRS alone and nothing need be remembered. */
#include "runtime/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static enum status has_code(bool *out, struct rpc *rpc, const char *address, struct diag *diag)
{
    char params[96], *text;
    snprintf(params, sizeof params, "[\"%s\",\"latest\"]", address);
    enum status status = rpc_call_text(&text, rpc, "eth_getCode", params, diag);
    if (status == STATUS_OK)
        *out = strlen(text) > 2;
    free(text);
    return status;
}

/* ---- deployment ---- */

static void address_text(char text[CHAIN_ADDRESS_TEXT], const uint8_t address[CHAIN_ADDRESS_BYTES])
{
    char *hex = proof_print_hex(address, CHAIN_ADDRESS_BYTES);
    memcpy(text, hex == NULL ? "" : hex, hex == NULL ? 1 : CHAIN_ADDRESS_TEXT);
    free(hex);
}

static enum status deploy(struct chain_result *result, struct rpc *rpc,
                          const struct chain_sender *sender, const struct buffer *code,
                          const char *address, struct diag *diag)
{
    struct buffer data;
    bool present = false;
    buffer_init(&data);
    put_word(&data, 0); /* salt */
    buffer_put(&data, code->data, code->count);
    enum status status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = has_code(&present, rpc, deployer, diag);
    if (status == STATUS_OK && !present)
        status =
            diag_set(diag, STATUS_IO,
                     "the verifier cannot be deployed: chain %llu has no deployment proxy at %s",
                     (unsigned long long)result->chain_id, deployer);
    if (status == STATUS_OK)
        status = chain_send(&result->deploy_gas, rpc, sender, deployer, &data,
                            sender->has_key ? 0 : DEPLOY_GAS_LIMIT, diag);
    if (status == STATUS_OK)
        status = has_code(&present, rpc, address, diag);
    if (status == STATUS_OK && !present)
        status = diag_set(diag, STATUS_IO, "the verifier was deployed, but is not at %s", address);
    buffer_release(&data);
    return status;
}

/* The address that the user gives. */
static enum status take_address(char address[CHAIN_ADDRESS_TEXT], struct chain_result *result,
                                const char *given, struct diag *diag)
{
    char lower[CHAIN_ADDRESS_TEXT] = "";
    for (size_t i = 0; i < CHAIN_ADDRESS_TEXT - 1 && given[i] != '\0'; i++)
        lower[i] = (char)(given[i] >= 'A' && given[i] <= 'F' ? given[i] - 'A' + 'a' : given[i]);
    if (strlen(given) != CHAIN_ADDRESS_TEXT - 1 ||
        !proof_parse_hex(result->verifier, CHAIN_ADDRESS_BYTES, lower))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "--verifier takes an address of 0x and 40 hex digits");
    memcpy(address, lower, sizeof lower);
    return STATUS_OK;
}

/* Address of the verifier: the one given, or the one that follows from its code, deployed there
 * when there is somebody to send it. */
static enum status find_verifier(char address[CHAIN_ADDRESS_TEXT], struct chain_result *result,
                                 struct rpc *rpc, const struct chain_options *options,
                                 const struct chain_sender *sender, const struct srs_verifier *srs,
                                 struct diag *diag)
{
    struct buffer code;
    bool present = false;
    if (options->verifier != NULL)
        return take_address(address, result, options->verifier, diag);
    buffer_init(&code);
    enum status status = creation_code(&code, srs, diag);
    if (status == STATUS_OK) {
        create2_address(result->verifier, &code);
        address_text(address, result->verifier);
        status = has_code(&present, rpc, address, diag);
    }
    if (status == STATUS_OK && !present && sender == NULL)
        status =
            diag_set(diag, STATUS_BAD_INPUT,
                     "the verifier is not on chain %llu at %s: give its address with --verifier, "
                     "or deploy it with --deploy --keystore FILE",
                     (unsigned long long)result->chain_id, address);
    if (status == STATUS_OK && !present)
        status = deploy(result, rpc, sender, &code, address, diag);
    buffer_release(&code);
    return status;
}

/* Read-only call; accepted only when the answer is exactly one. */
static enum status call_verifier(struct rpc *rpc, const char *address,
                                 const struct buffer *calldata, struct diag *diag)
{
    static const char yes[] = "0x0000000000000000000000000000000000000000000000000000000000000001";
    struct buffer params;
    char *answer = NULL;
    buffer_init(&params);
    buffer_printf(&params, "[{\"to\":\"%s\",\"gas\":\"0x%x\",\"data\":\"0x", address,
                  VERIFY_GAS_LIMIT);
    buffer_put_hex(&params, calldata->data, calldata->count);
    buffer_puts(&params, "\"},\"latest\"]");
    enum status status = rpc_call_text(&answer, rpc, "eth_call", buffer_text(&params), diag);
    if (status == STATUS_OK && strcmp(answer, "0x") == 0)
        status =
            diag_set(diag, STATUS_BAD_INPUT, "there is no contract at %s on this chain", address);
    if (status == STATUS_REJECTED || (status == STATUS_OK && strcmp(answer, yes) != 0))
        status = diag_set(diag, STATUS_REJECTED,
                          "the verifier contract at %s does not accept the proof", address);
    free(answer);
    buffer_release(&params);
    return status;
}

/* Who pays: on a development chain somebody always, elsewhere only for a deployment asked for. */
static enum status open_sender(struct chain_sender *sender, bool *sends, struct rpc *rpc,
                               const struct chain_options *options, uint64_t chain_id,
                               struct diag *diag)
{
    bool is_development = chain_id == CHAIN_DEVELOPMENT;
    *sends = false;
    if (options->deploy && options->keystore == NULL && !is_development)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "--deploy on chain %llu takes the account that pays: --keystore FILE",
                        (unsigned long long)chain_id);
    if (!is_development && !options->deploy)
        return STATUS_OK;
    *sends = true;
    return chain_sender_open(sender, rpc, chain_id, options->keystore, options->password_file,
                             diag);
}

enum status chain_verify(struct chain_result *result, const struct chain_options *options,
                         const struct proof *proof, const struct model *model,
                         const uint8_t context[PROOF_CONTEXT_BYTES], const struct srs_verifier *srs,
                         struct diag *diag)
{
    struct rpc rpc;
    struct buffer calldata;
    struct chain_sender sender = {0};
    bool sends = false;
    char address[CHAIN_ADDRESS_TEXT];
    *result = (struct chain_result){0};
    buffer_init(&calldata);
    enum status status = rpc_open(&rpc, options->rpc, diag);
    if (status == STATUS_OK)
        status = chain_verify_calldata(&calldata, proof, model, context, diag);
    if (status == STATUS_OK)
        status = rpc_call_quantity(&result->chain_id, &rpc, "eth_chainId", "[]", diag);
    if (status == STATUS_OK && srs->origin == SRS_DEVELOPMENT &&
        result->chain_id != CHAIN_DEVELOPMENT)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "the key was made over the development parameters, which anybody can "
                          "forge; chain %llu needs one made with --srs",
                          (unsigned long long)result->chain_id);
    if (status == STATUS_OK)
        status = open_sender(&sender, &sends, &rpc, options, result->chain_id, diag);
    if (status == STATUS_OK)
        status = find_verifier(address, result, &rpc, options, sends ? &sender : NULL, srs, diag);
    if (status == STATUS_OK)
        status = call_verifier(&rpc, address, &calldata, diag);
    if (status == STATUS_OK && result->chain_id == CHAIN_DEVELOPMENT)
        status =
            chain_send(&result->gas, &rpc, &sender, address, &calldata, VERIFY_GAS_LIMIT, diag);
    chain_sender_close(&sender);
    buffer_release(&calldata);
    rpc_close(&rpc);
    return status;
}
