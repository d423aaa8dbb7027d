/* See signed_request.h. */
#include "runtime/signed_request.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "ir/support/file.h"
#include "runtime/json_fields.h"
#include "runtime/market_internal.h"
#include "runtime/signature.h"
#include "runtime/signer.h"

enum { FILE_BYTES_MOST = 4 << 20, SIGNATURE_BYTES_MOST = 4096 };

static const char domain_name[] = "Sertn InferenceMarket", domain_version[] = "1";

/* The members of the structure that is signed, in its order (contracts/src/market/
 * InferenceMarket.sol). */
static const struct {
    const char *type, *name;
} members[] = {
    {"address", "requester"},  {"uint256", "modelId"},       {"bytes", "input"},
    {"bytes32", "inputHash"},  {"bytes32", "precommitment"}, {"uint16", "inputWords"},
    {"uint8", "inputBits"},    {"uint256", "requirement"},   {"address", "destination"},
    {"uint32", "callbackGas"}, {"uint40", "deadline"},       {"uint96", "maxPrice"},
    {"uint256", "nonce"},      {"uint256", "expiry"},
};
static const struct {
    const char *type, *name;
} domain_members[] = {
    {"string", "name"},
    {"string", "version"},
    {"uint256", "chainId"},
    {"address", "verifyingContract"},
};
enum { MEMBERS = sizeof members / sizeof *members };

void signed_request_release(struct signed_request *s)
{
    buffer_release(&s->input);
    buffer_release(&s->signature);
}

/* ---- signing -------------------------------------------------------------------------------- */

static void amount_word(uint8_t word[ABI_WORD], amount value)
{
    for (int i = 0; i < ABI_WORD; i++)
        word[ABI_WORD - 1 - i] = (uint8_t)(i < 16 ? value >> (8 * i) : 0);
}

void signed_request_digest(uint8_t digest[32], const struct signed_request *s)
{
    const struct market_request *r = &s->request;
    struct eip712_domain domain = {domain_name, domain_version, s->chain_id, {0}};
    uint8_t words[MEMBERS][ABI_WORD], separator[32], hash[32];
    char type[600];
    size_t at = (size_t)snprintf(type, sizeof type, "Request(");
    for (int i = 0; i < MEMBERS; i++)
        at += (size_t)snprintf(type + at, sizeof type - at, "%s%s %s", i == 0 ? "" : ",",
                               members[i].type, members[i].name);
    snprintf(type + at, sizeof type - at, ")");
    market_address_word(words[0], s->requester);
    market_number_word(words[1], r->model);
    keccak256(words[2], r->input, r->input_bytes);
    memcpy(words[3], r->input_hash, ABI_WORD);
    memcpy(words[4], r->precommitment, ABI_WORD);
    market_number_word(words[5], r->input_words);
    market_number_word(words[6], r->input_bits);
    memcpy(words[7], r->requirement, ABI_WORD);
    market_address_word(words[8], r->destination);
    market_number_word(words[9], r->callback_gas);
    market_number_word(words[10], r->deadline);
    amount_word(words[11], r->most_price);
    memcpy(words[12], s->nonce, ABI_WORD);
    market_number_word(words[13], s->expiry);
    memcpy(domain.contract, s->market, ABI_ADDRESS);
    eip712_domain_separator(separator, &domain);
    eip712_struct_hash(hash, type, words[0], sizeof words);
    eip712_digest(digest, separator, hash);
}

enum status signed_request_sign(struct signed_request *s, const uint8_t key[32], struct diag *diag)
{
    uint8_t digest[32], signature[SIGNATURE_BYTES];
    signed_request_digest(digest, s);
    enum status status = signature_sign(signature, digest, key, diag);
    if (status != STATUS_OK)
        return status;
    buffer_clear(&s->signature);
    buffer_put(&s->signature, signature, sizeof signature);
    return buffer_status(&s->signature, diag);
}

/* ---- writing -------------------------------------------------------------------------------- */

static bool add_type(cJSON *list, const char *type, const char *name)
{
    cJSON *item = cJSON_CreateObject();
    return item != NULL && cJSON_AddItemToArray(list, item) && json_add_text(item, "name", name) &&
           json_add_text(item, "type", type);
}

static bool add_types(cJSON *root)
{
    cJSON *types = cJSON_AddObjectToObject(root, "types"),
          *domain = cJSON_AddArrayToObject(types, "EIP712Domain"),
          *request = cJSON_AddArrayToObject(types, "Request");
    bool done = domain != NULL && request != NULL;
    for (size_t i = 0; i < sizeof domain_members / sizeof *domain_members && done; i++)
        done = add_type(domain, domain_members[i].type, domain_members[i].name);
    for (size_t i = 0; i < MEMBERS && done; i++)
        done = add_type(request, members[i].type, members[i].name);
    return done;
}

/* As text beyond the 15 digits that cJSON prints for sure. */
static bool add_number(cJSON *object, const char *name, uint64_t value)
{
    char text[AMOUNT_TEXT];
    amount_format(text, value);
    if (value >= UINT64_C(1000000000000000))
        return json_add_text(object, name, text);
    return cJSON_AddNumberToObject(object, name, (double)value) != NULL;
}

static bool add_message(cJSON *root, const struct signed_request *s)
{
    const struct market_request *r = &s->request;
    cJSON *m = cJSON_AddObjectToObject(root, "message");
    char price[AMOUNT_TEXT];
    amount_format(price, r->most_price);
    return m != NULL && json_add_hex(m, "requester", s->requester, ABI_ADDRESS) &&
           add_number(m, "modelId", r->model) &&
           json_add_hex(m, "input", r->input, r->input_bytes) &&
           json_add_hex(m, "inputHash", r->input_hash, 32) &&
           json_add_hex(m, "precommitment", r->precommitment, 32) &&
           add_number(m, "inputWords", r->input_words) &&
           add_number(m, "inputBits", r->input_bits) &&
           json_add_hex(m, "requirement", r->requirement, ABI_WORD) &&
           json_add_hex(m, "destination", r->destination, ABI_ADDRESS) &&
           add_number(m, "callbackGas", r->callback_gas) &&
           add_number(m, "deadline", r->deadline) && json_add_text(m, "maxPrice", price) &&
           json_add_hex(m, "nonce", s->nonce, ABI_WORD) && add_number(m, "expiry", s->expiry);
}

enum status signed_request_print(struct buffer *out, const struct signed_request *s,
                                 struct diag *diag)
{
    cJSON *root = cJSON_CreateObject(), *domain;
    bool done = root != NULL && add_types(root) && json_add_text(root, "primaryType", "Request") &&
                (domain = cJSON_AddObjectToObject(root, "domain")) != NULL &&
                json_add_text(domain, "name", domain_name) &&
                json_add_text(domain, "version", domain_version) &&
                add_number(domain, "chainId", s->chain_id) &&
                json_add_hex(domain, "verifyingContract", s->market, ABI_ADDRESS) &&
                add_message(root, s) &&
                json_add_hex(root, "signature", s->signature.data, s->signature.count);
    char *text = done ? cJSON_Print(root) : NULL;
    cJSON_Delete(root);
    if (text != NULL) {
        buffer_puts(out, text);
        buffer_puts(out, "\n");
    }
    free(text);
    return text != NULL ? buffer_status(out, diag)
                        : diag_set(diag, STATUS_NO_MEMORY, "no memory for a request");
}

/* ---- reading -------------------------------------------------------------------------------- */

/* A file being read; the first thing that is wrong with it stays. */
struct reading {
    const char *path, *wrong; /* wrong: a field; NULL: nothing */
};

static const cJSON *take(struct reading *r, const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (item == NULL && r->wrong == NULL)
        r->wrong = name;
    return item;
}

/* A number of any size: JSON, decimal text, or 0x and at most 64 digits. */
static void take_word(struct reading *r, uint8_t word[ABI_WORD], const cJSON *object,
                      const char *name)
{
    const cJSON *item = take(r, object, name);
    char digits[2 + 2 * ABI_WORD + 1];
    struct buffer bytes = {0};
    amount value;
    bool good = false;
    memset(word, 0, ABI_WORD);
    if (cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= 9007199254740992.0 &&
        item->valuedouble == floor(item->valuedouble)) {
        market_number_word(word, (uint64_t)item->valuedouble);
        good = true;
    } else if (cJSON_IsString(item) && strncmp(item->valuestring, "0x", 2) == 0) {
        size_t count = strlen(item->valuestring + 2);
        memset(digits, '0', sizeof digits);
        digits[1] = 'x';
        if (count > 0 && count <= 2 * ABI_WORD) {
            memcpy(digits + 2 + 2 * ABI_WORD - count, item->valuestring + 2, count);
            digits[2 + 2 * ABI_WORD] = '\0';
            good = abi_parse_hex(&bytes, digits) && bytes.count == ABI_WORD;
        }
        if (good)
            memcpy(word, bytes.data, ABI_WORD);
    } else if (cJSON_IsString(item) && amount_parse(&value, item->valuestring)) {
        amount_word(word, value);
        good = true;
    }
    buffer_release(&bytes);
    if (!good && r->wrong == NULL)
        r->wrong = name;
}

static amount take_amount(struct reading *r, const cJSON *object, const char *name, unsigned bits)
{
    uint8_t word[ABI_WORD];
    take_word(r, word, object, name);
    struct abi_reader reader = {word, sizeof word, false};
    amount value = amount_read(&reader, 0, 0);
    if ((reader.failed || value >> bits != 0) && r->wrong == NULL)
        r->wrong = name;
    return value;
}

static uint64_t take_number(struct reading *r, const cJSON *object, const char *name, unsigned bits)
{
    return (uint64_t)take_amount(r, object, name, bits);
}

static void take_hex(struct reading *r, struct buffer *out, const cJSON *object, const char *name)
{
    const cJSON *item = take(r, object, name);
    if ((!cJSON_IsString(item) || !abi_parse_hex(out, item->valuestring)) && r->wrong == NULL)
        r->wrong = name;
}

static void take_bytes(struct reading *r, uint8_t *out, size_t count, const cJSON *object,
                       const char *name)
{
    struct buffer bytes = {0};
    take_hex(r, &bytes, object, name);
    if (bytes.count == count)
        memcpy(out, bytes.data, count);
    else if (r->wrong == NULL)
        r->wrong = name;
    buffer_release(&bytes);
}

static void take_constant(struct reading *r, const cJSON *object, const char *name,
                          const char *wanted)
{
    const cJSON *item = take(r, object, name);
    if ((!cJSON_IsString(item) || strcmp(item->valuestring, wanted) != 0) && r->wrong == NULL)
        r->wrong = name;
}

/* The type is ours, or what was signed means something else. */
static void check_type(struct reading *r, const cJSON *root)
{
    const cJSON *list = take(r, take(r, root, "types"), "Request");
    bool same = cJSON_GetArraySize(list) == MEMBERS;
    for (int i = 0; i < MEMBERS && same; i++) {
        const cJSON *item = cJSON_GetArrayItem(list, i),
                    *name = cJSON_GetObjectItemCaseSensitive(item, "name"),
                    *type = cJSON_GetObjectItemCaseSensitive(item, "type");
        same = cJSON_IsString(name) && cJSON_IsString(type) &&
               strcmp(name->valuestring, members[i].name) == 0 &&
               strcmp(type->valuestring, members[i].type) == 0;
    }
    if (!same && r->wrong == NULL)
        r->wrong = "types";
}

static void check_count(struct reading *r, const cJSON *object, int most, const char *name)
{
    if (cJSON_GetArraySize(object) > most && r->wrong == NULL)
        r->wrong = name;
}

static void read_all(struct reading *r, struct signed_request *s, const cJSON *root)
{
    struct market_request *request = &s->request;
    const cJSON *domain = take(r, root, "domain"), *m = take(r, root, "message");
    check_count(r, root, 5, "(one that is not known)");
    check_count(r, domain, 4, "domain");
    check_count(r, m, MEMBERS, "message");
    check_type(r, root);
    take_constant(r, root, "primaryType", "Request");
    take_constant(r, domain, "name", domain_name);
    take_constant(r, domain, "version", domain_version);
    s->chain_id = take_number(r, domain, "chainId", 64);
    take_bytes(r, s->market, ABI_ADDRESS, domain, "verifyingContract");
    take_bytes(r, s->requester, ABI_ADDRESS, m, "requester");
    request->model = take_number(r, m, "modelId", 64);
    take_hex(r, &s->input, m, "input");
    request->input = s->input.data;
    request->input_bytes = s->input.count;
    take_bytes(r, request->input_hash, 32, m, "inputHash");
    take_bytes(r, request->precommitment, 32, m, "precommitment");
    request->input_words = (unsigned)take_number(r, m, "inputWords", 16);
    request->input_bits = (unsigned)take_number(r, m, "inputBits", 8);
    take_word(r, request->requirement, m, "requirement");
    take_bytes(r, request->destination, ABI_ADDRESS, m, "destination");
    request->callback_gas = (uint32_t)take_number(r, m, "callbackGas", 32);
    request->deadline = take_number(r, m, "deadline", 40);
    request->most_price = take_amount(r, m, "maxPrice", 96);
    take_word(r, s->nonce, m, "nonce");
    s->expiry = take_number(r, m, "expiry", 64);
    take_hex(r, &s->signature, root, "signature");
    if (s->signature.count > SIGNATURE_BYTES_MOST && r->wrong == NULL)
        r->wrong = "signature";
}

enum status signed_request_read(struct signed_request *s, const char *path, struct diag *diag)
{
    struct reading r = {path, NULL};
    struct buffer text = {0};
    *s = (struct signed_request){.chain_id = 0};
    enum status status = file_read(path, FILE_BYTES_MOST, &text, diag);
    cJSON *root = status == STATUS_OK
                      ? cJSON_ParseWithLengthOpts(buffer_text(&text), text.count + 1, NULL, true)
                      : NULL;
    if (status == STATUS_OK && !cJSON_IsObject(root))
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "'%s' is no signed request: no JSON object; sertn-run request "
                          "--sign-only makes one",
                          path);
    if (status == STATUS_OK)
        read_all(&r, s, root);
    if (status == STATUS_OK && (s->input.failed || s->signature.failed))
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for '%s'", path);
    if (status == STATUS_OK && r.wrong != NULL)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "'%s' is no signed request of this version: its field '%s' is missing or "
                          "makes no sense; sertn-run request --sign-only makes one",
                          path, r.wrong);
    cJSON_Delete(root);
    buffer_release(&text);
    return status;
}

/* ---- checking ------------------------------------------------------------------------------- */

/* A contract as requester answers for its signatures itself (ERC-1271). */
static enum status is_contract(bool *yes, const struct market *market,
                               const uint8_t address[ABI_ADDRESS], struct diag *diag)
{
    char text[CONTRACT_ADDRESS_TEXT], params[80];
    cJSON *code;
    contract_address_text(text, address);
    snprintf(params, sizeof params, "[\"%s\",\"latest\"]", text);
    *yes = false;
    enum status status = endpoints_agree(&code, market->nodes, "eth_getCode", params, diag);
    if (status == STATUS_OK)
        *yes = cJSON_IsString(code) && strlen(code->valuestring) > 2;
    cJSON_Delete(code);
    return status;
}

static enum status check_signature(const struct signed_request *s, const struct market *market,
                                   struct diag *diag)
{
    uint8_t digest[32], signer[ABI_ADDRESS] = {0};
    char text[2][CONTRACT_ADDRESS_TEXT];
    struct diag reason = {0};
    bool is_one = false;
    signed_request_digest(digest, s);
    bool is_signature = s->signature.count == SIGNATURE_BYTES &&
                        signature_recover(signer, digest, s->signature.data, &reason) == STATUS_OK;
    if (is_signature && memcmp(signer, s->requester, ABI_ADDRESS) == 0)
        return STATUS_OK;
    enum status status = is_contract(&is_one, market, s->requester, diag);
    if (status != STATUS_OK || is_one)
        return status;
    contract_address_text(text[0], s->requester);
    contract_address_text(text[1], signer);
    return is_signature
               ? diag_set(diag, STATUS_REJECTED,
                          "the request is not signed by its requester %s: what is signed is "
                          "another text, or another key signed it (that of %s)",
                          text[0], text[1])
               : diag_set(diag, STATUS_REJECTED,
                          "the request is not signed by its requester %s: "
                          "its signature is none",
                          text[0]);
}

enum status signed_request_is_used(bool *used, const struct signed_request *s,
                                   const struct market *market, struct diag *diag)
{
    uint8_t words[2][ABI_WORD];
    amount value = 0;
    market_address_word(words[0], s->requester);
    memcpy(words[1], s->nonce, ABI_WORD);
    enum status status = market_ask_amount(&value, market, market->address,
                                           "isNonceUsed(address,uint256)", words[0], 2, diag);
    *used = value != 0;
    return status;
}

static enum status check_money(const struct signed_request *s, const struct market *market,
                               amount price, struct diag *diag)
{
    char text[2][AMOUNT_TEXT], address[CONTRACT_ADDRESS_TEXT];
    amount held;
    enum status status = market_balance(&held, market, s->requester, diag);
    amount_format(text[0], price);
    if (status == STATUS_OK && price > s->request.most_price) {
        amount_format(text[1], s->request.most_price);
        return diag_set(diag, STATUS_REJECTED,
                        "the job costs %s by now, and its requester agreed to %s", text[0],
                        text[1]);
    }
    if (status == STATUS_OK && held < price) {
        amount_format(text[1], held);
        contract_address_text(address, s->requester);
        return diag_set(diag, STATUS_REJECTED,
                        "the job costs %s and its requester %s holds %s in the market; sertn-run "
                        "deposit puts more there",
                        text[0], address, text[1]);
    }
    return status;
}

enum status signed_request_check(const struct signed_request *s, const struct market *market,
                                 uint64_t now, amount price, struct diag *diag)
{
    bool used = false;
    enum status status = check_signature(s, market, diag);
    if (status == STATUS_OK)
        status = signed_request_is_used(&used, s, market, diag);
    if (status == STATUS_OK && used)
        return diag_set(diag, STATUS_REJECTED,
                        "the request was sent before, or its requester took it back: its nonce is "
                        "used");
    if (status == STATUS_OK && now > s->expiry)
        return diag_set(diag, STATUS_REJECTED,
                        "the signed request expired %" PRIu64 " seconds ago; its requester has to "
                        "sign another",
                        now - s->expiry);
    return status == STATUS_OK ? check_money(s, market, price, diag) : status;
}

/* ---- sending -------------------------------------------------------------------------------- */

void signed_request_name(char name[JOURNAL_NAME_BYTES], const char *verb,
                         const struct signed_request *s)
{
    uint8_t digest[32];
    signed_request_digest(digest, s);
    size_t at = (size_t)snprintf(name, JOURNAL_NAME_BYTES, "%s ", verb);
    for (size_t i = 0; i < sizeof digest; i++)
        at += (size_t)snprintf(name + at, JOURNAL_NAME_BYTES - at, "%02x", digest[i]);
}

/* requestSigned(request, requester, nonce, expiry, signature). */
static void put_call(struct buffer *out, const struct signed_request *s)
{
    abi_put_selector(out, "requestSigned((uint256,bytes,bytes32,bytes32,uint16,uint8,uint256,"
                          "address,uint32,uint40,uint96),address,uint256,uint256,bytes)");
    abi_put_u64(out, 5 * ABI_WORD);
    abi_put_address(out, s->requester);
    abi_put_word(out, s->nonce);
    abi_put_u64(out, s->expiry);
    abi_put_u64(out, 5 * ABI_WORD + market_request_size(&s->request));
    market_put_request(out, &s->request);
    abi_put_bytes(out, s->signature.data, s->signature.count);
}

enum status signed_request_send(struct market_job_id *id, struct account_result *result,
                                const struct signed_request *s, const struct market *market,
                                struct account *account, struct diag *diag)
{
    struct buffer data = {0};
    char name[JOURNAL_NAME_BYTES];
    signed_request_name(name, "send request", s);
    put_call(&data, s);
    enum status status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = signer_send(result, account, name, market->address, &data, 0, diag);
    if (status == STATUS_OK)
        status = market_job_of_receipt(id, market, result->hash, diag);
    buffer_release(&data);
    return status;
}
