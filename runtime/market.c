/* See market.h. */
#include "runtime/market.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "runtime/signer.h"

/* ---- opening -------------------------------------------------------------------------------- */

static bool is_zero(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

enum status market_open(struct market *market, struct endpoints *nodes, const char *address,
                        struct diag *diag)
{
    static const char *const signatures[] = {"REGISTRY()", "TOKEN()", "pools()"};
    uint8_t word[3][ABI_WORD];
    *market = (struct market){.nodes = nodes};
    if (address == NULL || !abi_parse_address(market->address, address))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "give the market's address with 0x and 40 hex digits");
    for (int i = 0; i < 3; i++) {
        enum status status = contract_ask_word(word[i], nodes, market->address, signatures[i],
                                               "market of inferences", diag);
        if (status != STATUS_OK)
            return status;
    }
    market->registry.nodes = nodes;
    memcpy(market->registry.address, word[0] + 12, ABI_ADDRESS);
    memcpy(market->token, word[1] + 12, ABI_ADDRESS);
    memcpy(market->pools, word[2] + 12, ABI_ADDRESS);
    market->has_pools = !is_zero(market->pools, ABI_ADDRESS);
    return STATUS_OK;
}

/* ---- names of jobs -------------------------------------------------------------------------- */

void market_job_text(char text[MARKET_JOB_TEXT], struct market_job_id id)
{
    snprintf(text, MARKET_JOB_TEXT, "%" PRIu64 "/%" PRIu64, id.model, id.place);
}

static bool parse_u64(uint64_t *out, const char *text, const char **end)
{
    amount value;
    char digits[24];
    size_t count = strspn(text, "0123456789");
    if (count == 0 || count >= sizeof digits)
        return false;
    memcpy(digits, text, count);
    digits[count] = '\0';
    if (!amount_parse(&value, digits) || value > UINT64_MAX)
        return false;
    *out = (uint64_t)value;
    *end = text + count;
    return true;
}

bool market_parse_job(struct market_job_id *id, const char *text)
{
    const char *end;
    size_t digits = strncmp(text, "0x", 2) == 0 ? strlen(text + 2) : 0;
    if (digits > 16 && digits <= 32 && strspn(text + 2, "0123456789abcdefABCDEF") == digits) {
        char model[20] = {0};
        memcpy(model, text + 2, digits - 16);
        id->model = strtoull(model, NULL, 16);
        id->place = strtoull(text + 2 + digits - 16, NULL, 16);
    } else if (!parse_u64(&id->model, text, &end) || *end != '/' ||
               !parse_u64(&id->place, end + 1, &end) || *end != '\0') {
        return false;
    }
    return id->model != 0 && id->place != 0;
}

void market_job_word(uint8_t word[ABI_WORD], struct market_job_id id)
{
    memset(word, 0, ABI_WORD);
    for (int i = 0; i < 8; i++) {
        word[ABI_WORD - 1 - i] = (uint8_t)(id.place >> (8 * i));
        word[ABI_WORD - 9 - i] = (uint8_t)(id.model >> (8 * i));
    }
}

static bool job_of_word(struct market_job_id *id, const uint8_t word[ABI_WORD])
{
    id->model = id->place = 0;
    for (int i = 0; i < 8; i++) {
        id->model = id->model << 8 | word[16 + i];
        id->place = id->place << 8 | word[24 + i];
    }
    return is_zero(word, 16) && id->model != 0 && id->place != 0;
}

const char *market_state_name(enum market_state state)
{
    static const char *const names[] = {"none", "open", "paid", "refunded"};
    return names[state];
}

/* ---- reading -------------------------------------------------------------------------------- */

static enum status bad_answer(const char *what, struct diag *diag)
{
    return diag_set(diag, STATUS_IO, "the nodes answer for %s with something else", what);
}

/* jobOf: the struct Job, in the order of its members. */
static bool read_job(struct market_job *job, const struct buffer *answer)
{
    struct abi_reader r = {answer->data, answer->count, false};
    memcpy(job->requester, abi_word(&r, 0, 0) + 12, ABI_ADDRESS);
    job->deadline = abi_u64(&r, 0, 1);
    job->settled_at = abi_u64(&r, 0, 2);
    uint64_t state = abi_u64(&r, 0, 3);
    job->input_bits = (unsigned)abi_u64(&r, 0, 4);
    memcpy(job->destination, abi_word(&r, 0, 5) + 12, ABI_ADDRESS);
    job->price = amount_read(&r, 0, 6);
    job->royalty = amount_read(&r, 0, 7);
    job->fee = amount_read(&r, 0, 8);
    job->callback_gas = (uint32_t)abi_u64(&r, 0, 9);
    job->input_words = (unsigned)abi_u64(&r, 0, 10);
    bool has_requirement = abi_u64(&r, 0, 11) != 0;
    memcpy(job->precommitment, abi_word(&r, 0, 12), 32);
    job->state = state <= MARKET_JOB_REFUNDED ? (enum market_state)state : MARKET_NONE;
    job->requirement[0] = has_requirement;
    return !r.failed && answer->count == 13 * ABI_WORD && state <= MARKET_JOB_REFUNDED &&
           job->price >= job->royalty + job->fee && job->price >> 96 == 0;
}

enum status market_job(struct market_job *job, const struct market *market, struct market_job_id id,
                       struct diag *diag)
{
    uint8_t word[ABI_WORD];
    struct buffer answer = {0};
    struct diag reason = {0};
    *job = (struct market_job){.id = id};
    market_job_word(word, id);
    enum status status =
        contract_ask(&answer, market->nodes, market->address, "jobOf(uint256)", word, 1, &reason);
    if (status == STATUS_REJECTED) { /* JobUnknown */
        buffer_release(&answer);
        return STATUS_OK;
    }
    if (status != STATUS_OK)
        status = diag_set(diag, status, "%s", reason.text);
    else if (!read_job(job, &answer))
        status = bad_answer("a job of the market", diag);
    buffer_clear(&answer);
    if (status == STATUS_OK && job->requirement[0] != 0) {
        status = contract_ask(&answer, market->nodes, market->address, "requirementOf(uint256)",
                              word, 1, diag);
        if (status == STATUS_OK && answer.count == ABI_WORD)
            memcpy(job->requirement, answer.data, ABI_WORD);
        else if (status == STATUS_OK)
            status = bad_answer("a requirement", diag);
    }
    buffer_release(&answer);
    return status;
}

enum status market_reservation(uint8_t node[ABI_ADDRESS], uint64_t *until,
                               const struct market *market, struct market_job_id id,
                               struct diag *diag)
{
    uint8_t word[ABI_WORD];
    struct buffer answer = {0};
    market_job_word(word, id);
    enum status status = contract_ask(&answer, market->nodes, market->address,
                                      "reservationOf(uint256)", word, 1, diag);
    if (status == STATUS_OK) {
        struct abi_reader r = {answer.data, answer.count, false};
        memcpy(node, abi_word(&r, 0, 0) + 12, ABI_ADDRESS);
        *until = abi_u64(&r, 0, 1);
        if (r.failed)
            status = bad_answer("a reservation", diag);
    }
    buffer_release(&answer);
    return status;
}

enum status market_time(uint64_t *seconds, const struct market *market, struct diag *diag)
{
    static const char *const tags[] = {"[\"pending\",false]", "[\"latest\",false]"};
    for (int i = 0; i < 2; i++) {
        cJSON *block = NULL;
        struct diag reason = {0};
        enum status status =
            endpoints_any(&block, market->nodes, "eth_getBlockByNumber", tags[i], &reason);
        bool found =
            status == STATUS_OK && rpc_parse_quantity(seconds, endpoints_text(block, "timestamp"));
        cJSON_Delete(block);
        if (found)
            return STATUS_OK;
        if (status != STATUS_OK && i == 1)
            return diag_set(diag, status, "%s", reason.text);
    }
    return bad_answer("the newest block", diag);
}

enum status market_is_paused(bool *paused, const struct market *market, struct diag *diag)
{
    uint8_t word[ABI_WORD];
    enum status status = contract_ask_word(word, market->nodes, market->address, "lastPauseEnd()",
                                           "market of inferences", diag);
    struct abi_reader r = {word, sizeof word, false};
    if (status == STATUS_OK)
        *paused = abi_u64(&r, 0, 0) == (UINT64_C(1) << 40) - 1;
    return status;
}

static enum status ask_amount(amount *out, const struct market *market,
                              const uint8_t to[ABI_ADDRESS], const char *signature,
                              const uint8_t *words, size_t count, struct diag *diag)
{
    struct buffer answer = {0};
    enum status status = contract_ask(&answer, market->nodes, to, signature, words, count, diag);
    struct abi_reader r = {answer.data, answer.count, false};
    if (status == STATUS_OK) {
        *out = amount_read(&r, 0, 0);
        /* An allowance without end is more than any amount. */
        if (r.failed && answer.count == ABI_WORD)
            *out = (amount)1 << 126;
        else if (r.failed)
            status = bad_answer(signature, diag);
    }
    buffer_release(&answer);
    return status;
}

static void address_word(uint8_t word[ABI_WORD], const uint8_t address[ABI_ADDRESS])
{
    memset(word, 0, 12);
    memcpy(word + 12, address, ABI_ADDRESS);
}

static void number_word(uint8_t word[ABI_WORD], uint64_t value)
{
    memset(word, 0, ABI_WORD);
    for (int i = 0; i < 8; i++)
        word[ABI_WORD - 1 - i] = (uint8_t)(value >> (8 * i));
}

enum status market_balance(amount *out, const struct market *market,
                           const uint8_t account[ABI_ADDRESS], struct diag *diag)
{
    uint8_t word[ABI_WORD];
    address_word(word, account);
    return ask_amount(out, market, market->address, "balanceOf(address)", word, 1, diag);
}

enum status market_price(struct market_price *out, const struct market *market,
                         const struct registry_model *model, uint32_t callback_gas,
                         struct diag *diag)
{
    struct buffer answer = {0};
    enum status status =
        contract_ask(&answer, market->nodes, market->address, "parameters()", NULL, 0, diag);
    struct abi_reader r = {answer.data, answer.count, false},
                      royalty = {model->royalty, ABI_WORD, false};
    if (status == STATUS_OK) {
        amount work = amount_read(&r, 0, 0) * model->compute_cost;
        amount callback = amount_read(&r, 0, 1) * callback_gas;
        out->royalty = amount_read(&royalty, 0, 0);
        out->fee = work * abi_u64(&r, 0, 2) / 10000;
        out->price = work + callback + out->royalty;
        out->least_seconds = abi_u64(&r, 0, 3);
        out->most_seconds = abi_u64(&r, 0, 4);
        if (r.failed || royalty.failed)
            status = bad_answer("the parameters of the market", diag);
    }
    buffer_release(&answer);
    return status;
}

void market_context(uint8_t context[PROOF_CONTEXT_BYTES], const struct market *market,
                    struct market_job_id id, const uint8_t prover[ABI_ADDRESS])
{
    static const char domain[] = "sertn.context.v1";
    uint8_t words[5][ABI_WORD];
    keccak256(words[0], domain, sizeof domain - 1);
    number_word(words[1], market->nodes->chain_id);
    address_word(words[2], market->address);
    market_job_word(words[3], id);
    address_word(words[4], prover);
    keccak256(context, words, sizeof words);
}

/* Bits [shift, shift + count) of a big-endian word; at most 112 of them. */
static amount bits_of(const uint8_t word[ABI_WORD], unsigned shift, unsigned count)
{
    amount value = 0;
    for (unsigned i = count; i-- > 0;) {
        unsigned bit = shift + i;
        unsigned set = bit < 256 ? word[ABI_WORD - 1 - bit / 8] >> bit % 8 & 1 : 0;
        value = value << 1 | set;
    }
    return value;
}

bool market_meets(const uint8_t *words, size_t word_count, const uint8_t requirement[ABI_WORD])
{
    if (is_zero(requirement, ABI_WORD))
        return true;
    size_t index = (size_t)requirement[0] << 8 | requirement[1];
    unsigned shift = requirement[2], width = requirement[3];
    if (index >= word_count || width > 112)
        return false;
    amount value = bits_of(words + ABI_WORD * index, shift, width);
    return value >= bits_of(requirement, 112, 112) && value <= bits_of(requirement, 0, 112);
}

/* ---- sending -------------------------------------------------------------------------------- */

enum status market_word_data(struct buffer *out, const char *signature,
                             const uint8_t word[ABI_WORD], struct diag *diag)
{
    abi_put_selector(out, signature);
    abi_put_word(out, word);
    return buffer_status(out, diag);
}

static enum status approve(struct account *account, const struct market *market, const char *name,
                           amount value, struct diag *diag)
{
    char step[JOURNAL_NAME_BYTES];
    struct account_result result;
    struct buffer data = {0};
    snprintf(step, sizeof step, "approve for %s", name);
    abi_put_selector(&data, "approve(address,uint256)");
    abi_put_address(&data, market->address);
    amount_put(&data, value);
    enum status status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = signer_send(&result, account, step, market->token, &data, 0, diag);
    buffer_release(&data);
    return status;
}

static enum status deposit(struct account *account, const struct market *market, const char *name,
                           const uint8_t owner[ABI_ADDRESS], amount value, struct diag *diag)
{
    char step[JOURNAL_NAME_BYTES];
    struct account_result result;
    struct buffer data = {0};
    snprintf(step, sizeof step, "deposit for %s", name);
    abi_put_selector(&data, "deposit(address,uint256)");
    abi_put_address(&data, owner);
    amount_put(&data, value);
    enum status status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = signer_send(&result, account, step, market->address, &data, 0, diag);
    buffer_release(&data);
    return status;
}

/* Moves into the market what the price lacks there. */
static enum status fund(struct account *account, const struct market *market, const char *name,
                        amount price, struct diag *diag)
{
    uint8_t owner[ABI_ADDRESS], words[2][ABI_WORD];
    amount held = 0, tokens = 0, allowed = 0;
    char text[2][AMOUNT_TEXT];
    bool is_address = abi_parse_address(owner, account->id.address);
    ASSERT(is_address);
    enum status status = market_balance(&held, market, owner, diag);
    if (status != STATUS_OK || held >= price)
        return status;
    amount lacks = price - held;
    address_word(words[0], owner);
    address_word(words[1], market->address);
    status = ask_amount(&tokens, market, market->token, "balanceOf(address)", words[0], 1, diag);
    if (status == STATUS_OK && tokens < lacks) {
        amount_format(text[0], lacks);
        amount_format(text[1], tokens);
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "the account %s has %s tokens and the job needs %s more than it holds in "
                          "the market; send it some",
                          account->id.address, text[1], text[0]);
    }
    if (status == STATUS_OK)
        status = ask_amount(&allowed, market, market->token, "allowance(address,address)", words[0],
                            2, diag);
    if (status == STATUS_OK && allowed < lacks)
        status = approve(account, market, name, lacks, diag);
    if (status == STATUS_OK)
        status = deposit(account, market, name, owner, lacks, diag);
    return status;
}

static void put_request(struct buffer *out, const struct market_request *r)
{
    abi_put_selector(out, "request((uint256,bytes,bytes32,bytes32,uint16,uint8,uint256,address,"
                          "uint32,uint40,uint96))");
    abi_put_u64(out, ABI_WORD);
    abi_put_u64(out, r->model);
    abi_put_u64(out, 11 * ABI_WORD);
    abi_put_word(out, r->input_hash);
    abi_put_word(out, r->precommitment);
    abi_put_u64(out, r->input_words);
    abi_put_u64(out, r->input_bits);
    abi_put_word(out, r->requirement);
    abi_put_address(out, r->destination);
    abi_put_u64(out, r->callback_gas);
    abi_put_u64(out, r->deadline);
    amount_put(out, r->most_price);
    abi_put_bytes(out, r->input, r->input_bytes);
}

/* The job of the request that the transaction made. */
static enum status job_of_receipt(struct market_job_id *id, const struct market *market,
                                  const char *hash, struct diag *diag)
{
    cJSON *receipt;
    bool found = false;
    enum status status = endpoints_receipt(&receipt, market->nodes, hash, diag);
    const cJSON *log;
    cJSON_ArrayForEach(log, cJSON_GetObjectItemCaseSensitive(receipt, "logs"))
    {
        struct market_requested event;
        struct diag ignored = {0};
        bool is_one;
        if (!found && market_read_requested(&is_one, &event, log, &ignored) == STATUS_OK &&
            is_one) {
            found = true;
            *id = event.id;
            market_requested_release(&event);
        }
    }
    cJSON_Delete(receipt);
    if (status == STATUS_OK && !found)
        status = diag_set(diag, STATUS_IO, "the receipt of %s has no job", hash);
    return status;
}

enum status market_send_request(struct market_job_id *id, struct account_result *result,
                                const struct market *market, struct account *account,
                                const char *name, const struct market_request *request,
                                amount price, struct diag *diag)
{
    struct buffer data = {0};
    struct journal_entry entry;
    bool is_known = false;
    enum status status =
        journal_find(&is_known, &entry, account->journal, &account->id, name, diag);
    if (status == STATUS_OK && !is_known)
        status = fund(account, market, name, price, diag);
    put_request(&data, request);
    if (status == STATUS_OK)
        status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = signer_send(result, account, name, market->address, &data, 0, diag);
    if (status == STATUS_OK)
        status = job_of_receipt(id, market, result->hash, diag);
    buffer_release(&data);
    return status;
}

/* ---- events --------------------------------------------------------------------------------- */

static const char requested_signature[] =
    "JobRequested(uint256,uint256,address,(uint256,bytes,bytes32,bytes32,uint16,uint8,uint256,"
    "address,uint32,uint40,uint96),uint96,uint96,uint96)";

void market_requested_release(struct market_requested *event)
{
    buffer_release(&event->input);
}

/* The words of the topics, appended. */
static bool read_topics(struct buffer *out, const cJSON *log)
{
    const cJSON *topic;
    cJSON_ArrayForEach(topic, cJSON_GetObjectItemCaseSensitive(log, "topics"))
    {
        if (!cJSON_IsString(topic) || !abi_parse_hex(out, topic->valuestring))
            return false;
    }
    return out->count % ABI_WORD == 0;
}

static bool read_request(struct market_requested *event, const struct buffer *data)
{
    struct abi_reader r = {data->data, data->count, false};
    struct market_request *request = &event->request;
    size_t tuple = abi_offset(&r, 0, 0), count;
    event->price = amount_read(&r, 0, 1);
    event->royalty = amount_read(&r, 0, 2);
    event->fee = amount_read(&r, 0, 3);
    request->model = abi_u64(&r, tuple, 0);
    const uint8_t *input = abi_bytes(&count, &r, abi_offset(&r, tuple, 1));
    memcpy(request->input_hash, abi_word(&r, tuple, 2), 32);
    memcpy(request->precommitment, abi_word(&r, tuple, 3), 32);
    request->input_words = (unsigned)abi_u64(&r, tuple, 4);
    request->input_bits = (unsigned)abi_u64(&r, tuple, 5);
    memcpy(request->requirement, abi_word(&r, tuple, 6), ABI_WORD);
    memcpy(request->destination, abi_word(&r, tuple, 7) + 12, ABI_ADDRESS);
    request->callback_gas = (uint32_t)abi_u64(&r, tuple, 8);
    request->deadline = abi_u64(&r, tuple, 9);
    request->most_price = amount_read(&r, tuple, 10);
    if (r.failed)
        return false;
    buffer_put(&event->input, input, count);
    request->input = event->input.data;
    request->input_bytes = count;
    return !event->input.failed;
}

enum status market_read_requested(bool *found, struct market_requested *event, const cJSON *log,
                                  struct diag *diag)
{
    uint8_t topic[KECCAK256_BYTES];
    struct buffer topics = {0}, data = {0};
    enum status status = STATUS_OK;
    *event = (struct market_requested){0};
    keccak256(topic, requested_signature, sizeof requested_signature - 1);
    *found = read_topics(&topics, log) && topics.count >= ABI_WORD &&
             memcmp(topics.data, topic, ABI_WORD) == 0;
    if (*found) {
        bool good = topics.count == 4 * ABI_WORD &&
                    job_of_word(&event->id, topics.data + ABI_WORD) &&
                    rpc_parse_quantity(&event->block, endpoints_text(log, "blockNumber")) &&
                    abi_parse_hex(&data, endpoints_text(log, "data")) && read_request(event, &data);
        if (good)
            memcpy(event->requester, topics.data + 3 * ABI_WORD + 12, ABI_ADDRESS);
        if (!good || event->request.model != event->id.model)
            status = bad_answer("an event of the market", diag);
    }
    if (status != STATUS_OK)
        market_requested_release(event);
    buffer_release(&topics);
    buffer_release(&data);
    return status;
}

/* The events of one kind about a job, from a block on. */
static enum status find_logs(cJSON **logs, const struct market *market, const char *signature,
                             struct market_job_id id, uint64_t first, struct diag *diag)
{
    uint8_t topic[KECCAK256_BYTES], word[ABI_WORD];
    struct buffer params = {0};
    keccak256(topic, signature, strlen(signature));
    market_job_word(word, id);
    buffer_puts(&params, "[{\"address\":\"");
    contract_put_hex(&params, market->address, ABI_ADDRESS);
    buffer_printf(
        &params, "\",\"fromBlock\":\"0x%" PRIx64 "\",\"toBlock\":\"latest\",\"topics\":[\"", first);
    contract_put_hex(&params, topic, sizeof topic);
    buffer_puts(&params, "\",\"");
    contract_put_hex(&params, word, sizeof word);
    buffer_puts(&params, "\"]}]");
    *logs = NULL;
    enum status status = buffer_status(&params, diag);
    if (status == STATUS_OK)
        status = endpoints_agree(logs, market->nodes, "eth_getLogs", buffer_text(&params), diag);
    buffer_release(&params);
    return status;
}

enum status market_find_requested(struct market_requested *event, const struct market *market,
                                  struct market_job_id id, struct diag *diag)
{
    cJSON *logs;
    bool found = false;
    char text[MARKET_JOB_TEXT];
    enum status status = find_logs(&logs, market, requested_signature, id, 0, diag);
    const cJSON *log;
    cJSON_ArrayForEach(log, logs)
    {
        if (status == STATUS_OK && !found)
            status = market_read_requested(&found, event, log, diag);
    }
    market_job_text(text, id);
    if (status == STATUS_OK && !found)
        status = diag_set(diag, STATUS_BAD_INPUT, "the market has no job %s", text);
    if (status == STATUS_OK && memcmp(&event->id, &id, sizeof id) != 0) {
        market_requested_release(event);
        status = bad_answer("the request of a job", diag);
    }
    cJSON_Delete(logs);
    return status;
}

enum status market_find_paid(bool *found, uint8_t prover[ABI_ADDRESS], amount *paid,
                             const struct market *market, struct market_job_id id, uint64_t first,
                             struct diag *diag)
{
    static const char signature[] = "JobPaid(uint256,address,uint256,bytes32,uint256[])";
    cJSON *logs;
    *found = false;
    enum status status = find_logs(&logs, market, signature, id, first, diag);
    const cJSON *log;
    cJSON_ArrayForEach(log, logs)
    {
        struct buffer topics = {0}, data = {0};
        if (read_topics(&topics, log) && topics.count == 3 * ABI_WORD &&
            abi_parse_hex(&data, endpoints_text(log, "data"))) {
            struct abi_reader r = {data.data, data.count, false};
            *paid = amount_read(&r, 0, 0);
            memcpy(prover, topics.data + 2 * ABI_WORD + 12, ABI_ADDRESS);
            *found = !r.failed;
        }
        buffer_release(&topics);
        buffer_release(&data);
    }
    cJSON_Delete(logs);
    return status;
}

/* ---- answers -------------------------------------------------------------------------------- */

/* settle(vk, (jobId, prover, words, proof)). */
enum status market_settle_data(struct buffer *out, struct market_job_id id,
                               const uint8_t prover[ABI_ADDRESS], const struct model *model,
                               const struct proof *proof, struct diag *diag)
{
    uint8_t word[ABI_WORD];
    market_job_word(word, id);
    abi_put_selector(out, "settle(bytes,(uint256,address,uint256[],bytes))");
    abi_put_u64(out, 2 * ABI_WORD);
    abi_put_u64(out, 2 * ABI_WORD + abi_bytes_size(model->vk_bytes));
    abi_put_bytes(out, model->vk, model->vk_bytes);
    abi_put_word(out, word);
    abi_put_address(out, prover);
    abi_put_u64(out, 4 * ABI_WORD);
    abi_put_u64(out, 5 * ABI_WORD + ABI_WORD * proof->word_count);
    abi_put_u64(out, proof->word_count);
    buffer_put(out, proof->words, ABI_WORD * proof->word_count);
    abi_put_bytes(out, proof->bytes, proof->byte_count);
    return buffer_status(out, diag);
}

/* ---- pools ---------------------------------------------------------------------------------- */

enum status market_assignment(struct market_assignment *out, const struct market *market,
                              struct market_job_id id, struct diag *diag)
{
    uint8_t word[ABI_WORD];
    struct buffer answer = {0};
    *out = (struct market_assignment){0};
    if (!market->has_pools)
        return STATUS_OK;
    market_job_word(word, id);
    enum status status =
        contract_ask(&answer, market->nodes, market->pools, "assignmentOf(uint256)", word, 1, diag);
    if (status == STATUS_OK) {
        struct abi_reader r = {answer.data, answer.count, false};
        memcpy(out->node, abi_word(&r, 0, 0) + 12, ABI_ADDRESS);
        out->since = abi_u64(&r, 0, 1);
        out->until = abi_u64(&r, 0, 2);
        out->attempts = (unsigned)abi_u64(&r, 0, 3);
        out->units = abi_u64(&r, 0, 4);
        out->penalty = amount_read(&r, 0, 5);
        if (r.failed)
            status = bad_answer("an assignment", diag);
    }
    buffer_release(&answer);
    return status;
}

enum status market_assigned_up_to(uint64_t *place, const struct market *market, uint64_t model,
                                  struct diag *diag)
{
    uint8_t word[ABI_WORD];
    amount value = 0;
    number_word(word, model);
    enum status status =
        ask_amount(&value, market, market->pools, "assignedUpTo(uint256)", word, 1, diag);
    *place = (uint64_t)value;
    return status;
}

enum status market_units(struct market_units *out, const struct market *market, uint64_t model,
                         const uint8_t *node, struct diag *diag)
{
    uint8_t words[2][ABI_WORD];
    struct buffer answer = {0};
    number_word(words[0], model);
    if (node != NULL)
        address_word(words[1], node);
    enum status status = contract_ask(&answer, market->nodes, market->pools,
                                      node != NULL ? "unitsOf(uint256,address)" : "poolOf(uint256)",
                                      words[0], node != NULL ? 2 : 1, diag);
    if (status == STATUS_OK) {
        struct abi_reader r = {answer.data, answer.count, false};
        out->committed = abi_u64(&r, 0, 0);
        out->assigned = abi_u64(&r, 0, 1);
        out->next = abi_u64(&r, 0, 2);
        if (r.failed)
            status = bad_answer("the units of a pool", diag);
    }
    buffer_release(&answer);
    return status;
}
