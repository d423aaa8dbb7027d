/* What is asked of a market, and what it answers with: requests, their events, answers. See
 * market.h.
 */
#include "runtime/market_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "runtime/logs.h"
#include "runtime/signer.h"

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

static enum status deposit(struct account_result *result, struct account *account,
                           const struct market *market, const char *name,
                           const uint8_t owner[ABI_ADDRESS], amount value, struct diag *diag)
{
    char step[JOURNAL_NAME_BYTES];
    struct buffer data = {0};
    snprintf(step, sizeof step, "deposit for %s", name);
    abi_put_selector(&data, "deposit(address,uint256)");
    abi_put_address(&data, owner);
    amount_put(&data, value);
    enum status status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = signer_send(result, account, step, market->address, &data, 0, diag);
    buffer_release(&data);
    return status;
}

/* Lets the market take tokens of an account that has them; words: account and market. */
static enum status allow(struct account *account, const struct market *market, const char *name,
                         const uint8_t words[2][ABI_WORD], amount value, struct diag *diag)
{
    amount tokens = 0, allowed = 0;
    char text[2][AMOUNT_TEXT];
    enum status status =
        market_ask_amount(&tokens, market, market->token, "balanceOf(address)", words[0], 1, diag);
    if (status == STATUS_OK && tokens < value) {
        amount_format(text[0], value);
        amount_format(text[1], tokens);
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "the account %s has %s tokens and %s are to go into the market; send it "
                          "some",
                          account->id.address, text[1], text[0]);
    }
    if (status == STATUS_OK)
        status = market_ask_amount(&allowed, market, market->token, "allowance(address,address)",
                                   words[0], 2, diag);
    if (status == STATUS_OK && allowed < value)
        status = approve(account, market, name, value, diag);
    return status;
}

enum status market_deposit(struct account_result *result, const struct market *market,
                           struct account *account, const char *name,
                           const uint8_t owner[ABI_ADDRESS], amount value, struct diag *diag)
{
    uint8_t payer[ABI_ADDRESS], words[2][ABI_WORD];
    char step[JOURNAL_NAME_BYTES];
    struct journal_entry entry;
    bool is_known = false;
    bool is_address = abi_parse_address(payer, account->id.address);
    ASSERT(is_address);
    market_address_word(words[0], payer);
    market_address_word(words[1], market->address);
    /* One that was made or is under way asks for no more tokens. */
    snprintf(step, sizeof step, "deposit for %s", name);
    enum status status =
        journal_find(&is_known, &entry, account->journal, &account->id, step, diag);
    if (status == STATUS_OK && !is_known)
        status = allow(account, market, name, words, value, diag);
    if (status == STATUS_OK)
        status = deposit(result, account, market, name, owner, value, diag);
    return status;
}

/* Moves into the market what the price lacks there. */
static enum status fund(struct account *account, const struct market *market, const char *name,
                        amount price, struct diag *diag)
{
    uint8_t owner[ABI_ADDRESS];
    struct account_result result;
    amount held = 0;
    bool is_address = abi_parse_address(owner, account->id.address);
    ASSERT(is_address);
    enum status status = market_balance(&held, market, owner, diag);
    if (status != STATUS_OK || held >= price)
        return status;
    return market_deposit(&result, market, account, name, owner, price - held, diag);
}

size_t market_request_size(const struct market_request *r)
{
    return 11 * ABI_WORD + abi_bytes_size(r->input_bytes);
}

void market_put_request(struct buffer *out, const struct market_request *r)
{
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

enum status market_job_of_receipt(struct market_job_id *id, const struct market *market,
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
    abi_put_selector(&data, "request((uint256,bytes,bytes32,bytes32,uint16,uint8,uint256,address,"
                            "uint32,uint40,uint96))");
    abi_put_u64(&data, ABI_WORD);
    market_put_request(&data, request);
    if (status == STATUS_OK)
        status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = signer_send(result, account, name, market->address, &data, 0, diag);
    if (status == STATUS_OK)
        status = market_job_of_receipt(id, market, result->hash, diag);
    buffer_release(&data);
    return status;
}

/* ---- events --------------------------------------------------------------------------------- */

static const char requested_signature[] =
    "JobRequested(uint256,uint256,address,(uint256,bytes,bytes32,bytes32,uint16,uint8,uint256,"
    "address,uint32,uint40,uint96),uint96,uint96,uint96)";

static const char paid_signature[] = "JobPaid(uint256,address,uint256,bytes32,uint256[])";

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
                    market_job_of_word(&event->id, topics.data + ABI_WORD) &&
                    rpc_parse_quantity(&event->block, endpoints_text(log, "blockNumber")) &&
                    abi_parse_hex(&data, endpoints_text(log, "data")) && read_request(event, &data);
        if (good)
            memcpy(event->requester, topics.data + 3 * ABI_WORD + 12, ABI_ADDRESS);
        if (!good || event->request.model != event->id.model)
            status = market_bad_answer("an event of the market", diag);
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
    uint8_t topic[ABI_WORD], word[ABI_WORD];
    const uint8_t *const topics[2] = {topic, word};
    keccak256(topic, signature, strlen(signature));
    market_job_word(word, id);
    return logs_find(logs, market->nodes, market->address, topics, 2, first, false, diag);
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
        status = market_bad_answer("the request of a job", diag);
    }
    cJSON_Delete(logs);
    return status;
}

enum status market_find_paid(bool *found, uint8_t prover[ABI_ADDRESS], amount *paid,
                             const struct market *market, struct market_job_id id, uint64_t first,
                             struct diag *diag)
{
    cJSON *logs;
    *found = false;
    enum status status = find_logs(&logs, market, paid_signature, id, first, diag);
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

/* ---- payments that wait --------------------------------------------------------------------- */

void market_kept_release(struct market_kept *kept)
{
    free(kept->ids);
    *kept = (struct market_kept){0};
}

/* Adds a job when the payment that waits in it is still the account's; a job may be told of twice
 * by a node that lies. */
static enum status add_kept(struct market_kept *kept, const struct market *market,
                            const uint8_t account[ABI_ADDRESS], struct market_job_id id,
                            struct diag *diag)
{
    uint8_t word[ABI_WORD];
    struct buffer answer = {0};
    for (size_t i = 0; i < kept->count; i++) {
        if (memcmp(&kept->ids[i], &id, sizeof id) == 0)
            return STATUS_OK;
    }
    market_job_word(word, id);
    enum status status =
        contract_ask(&answer, market->nodes, market->address, "keptOf(uint256)", word, 1, diag);
    if (status == STATUS_OK) {
        struct abi_reader r = {answer.data, answer.count, false};
        const uint8_t *prover = abi_word(&r, 0, 0) + 12;
        amount waits = amount_read(&r, 0, 1);
        if (r.failed) {
            status = market_bad_answer("a payment that waits", diag);
        } else if (memcmp(prover, account, ABI_ADDRESS) == 0) {
            kept->ids[kept->count++] = id;
            kept->sum += waits;
        }
    }
    buffer_release(&answer);
    return status;
}

enum status market_find_kept(struct market_kept *kept, const struct market *market,
                             const uint8_t account[ABI_ADDRESS], struct diag *diag)
{
    static const char signature[] = "PaymentKept(uint256,address)";
    uint8_t topic[ABI_WORD], word[ABI_WORD];
    const uint8_t *const topics[3] = {topic, NULL, word};
    cJSON *logs;
    *kept = (struct market_kept){0};
    keccak256(topic, signature, sizeof signature - 1);
    market_address_word(word, account);
    enum status status = logs_find(&logs, market->nodes, market->address, topics, 3, 0, true, diag);
    size_t most = status == STATUS_OK ? (size_t)cJSON_GetArraySize(logs) : 0;
    if (most != 0 && (kept->ids = calloc(most, sizeof *kept->ids)) == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for %zu payments", most);
    const cJSON *log;
    cJSON_ArrayForEach(log, logs)
    {
        struct market_job_id id = {0, 0};
        struct buffer words = {0};
        if (status == STATUS_OK && !(read_topics(&words, log) && words.count == 3 * ABI_WORD &&
                                     market_job_of_word(&id, words.data + ABI_WORD)))
            status = market_bad_answer("an event of the market", diag);
        if (status == STATUS_OK)
            status = add_kept(kept, market, account, id, diag);
        buffer_release(&words);
    }
    cJSON_Delete(logs);
    if (status != STATUS_OK)
        market_kept_release(kept);
    return status;
}

enum status market_collect_data(struct buffer *out, const struct market_kept *kept, size_t first,
                                size_t count, const uint8_t to[ABI_ADDRESS], struct diag *diag)
{
    abi_put_selector(out, "collect(uint256[],address)");
    abi_put_u64(out, 2 * ABI_WORD);
    abi_put_address(out, to);
    abi_put_u64(out, count);
    for (size_t i = first; i < first + count; i++) {
        uint8_t word[ABI_WORD];
        market_job_word(word, kept->ids[i]);
        abi_put_word(out, word);
    }
    return buffer_status(out, diag);
}

/* ---- answers -------------------------------------------------------------------------------- */

/* Bytes of (jobId, prover, words, proof). */
static size_t answer_size(const struct proof *proof)
{
    return 5 * ABI_WORD + ABI_WORD * proof->word_count + abi_bytes_size(proof->byte_count);
}

static void put_answer(struct buffer *out, struct market_job_id id,
                       const uint8_t prover[ABI_ADDRESS], const struct proof *proof)
{
    uint8_t word[ABI_WORD];
    market_job_word(word, id);
    abi_put_word(out, word);
    abi_put_address(out, prover);
    abi_put_u64(out, 4 * ABI_WORD);
    abi_put_u64(out, 5 * ABI_WORD + ABI_WORD * proof->word_count);
    abi_put_u64(out, proof->word_count);
    buffer_put(out, proof->words, ABI_WORD * proof->word_count);
    abi_put_bytes(out, proof->bytes, proof->byte_count);
}

/* settle(vk, answer). */
enum status market_settle_data(struct buffer *out, struct market_job_id id,
                               const uint8_t prover[ABI_ADDRESS], const struct model *model,
                               const struct proof *proof, struct diag *diag)
{
    abi_put_selector(out, "settle(bytes,(uint256,address,uint256[],bytes))");
    abi_put_u64(out, 2 * ABI_WORD);
    abi_put_u64(out, 2 * ABI_WORD + abi_bytes_size(model->vk_bytes));
    abi_put_bytes(out, model->vk, model->vk_bytes);
    put_answer(out, id, prover, proof);
    return buffer_status(out, diag);
}

/* settleBatch(vk, answers). */
enum status market_settle_batch_data(struct buffer *out, const struct market_answer *answers,
                                     size_t count, const uint8_t prover[ABI_ADDRESS],
                                     const struct model *model, struct diag *diag)
{
    size_t at = ABI_WORD * count;
    abi_put_selector(out, "settleBatch(bytes,(uint256,address,uint256[],bytes)[])");
    abi_put_u64(out, 2 * ABI_WORD);
    abi_put_u64(out, 2 * ABI_WORD + abi_bytes_size(model->vk_bytes));
    abi_put_bytes(out, model->vk, model->vk_bytes);
    abi_put_u64(out, count);
    for (size_t i = 0; i < count; i++) {
        abi_put_u64(out, at);
        at += answer_size(&answers[i].proof);
    }
    for (size_t i = 0; i < count; i++)
        put_answer(out, answers[i].id, prover, &answers[i].proof);
    return buffer_status(out, diag);
}

/* ---- verdicts ------------------------------------------------------------------------------- */

static bool is_topic(const uint8_t *word, const char *signature)
{
    uint8_t topic[KECCAK256_BYTES];
    keccak256(topic, signature, strlen(signature));
    return memcmp(word, topic, ABI_WORD) == 0;
}

/* An event of the market about a job takes part in its verdict. */
static void read_verdict(struct market_verdict *out, const uint8_t *topics,
                         const struct buffer *data)
{
    struct abi_reader r = {data->data, data->count, false};
    if (is_topic(topics, paid_signature)) {
        out->paid = amount_read(&r, 0, 0);
        out->is_paid = !r.failed;
    } else if (is_topic(topics, "AnswerRefused(uint256,address,bytes4)")) {
        char selector[2 + 2 * 4 + 1];
        const uint8_t *word = abi_word(&r, 0, 0);
        snprintf(selector, sizeof selector, "0x%02x%02x%02x%02x", word[0], word[1], word[2],
                 word[3]);
        out->is_refused = !r.failed && contract_error_text(out->reason, selector);
    }
}

void market_read_verdict(struct market_verdict *out, const struct market *market,
                         const cJSON *receipt, struct market_job_id id)
{
    uint8_t wanted[ABI_WORD], address[ABI_ADDRESS];
    *out = (struct market_verdict){.is_paid = false};
    market_job_word(wanted, id);
    const cJSON *log;
    cJSON_ArrayForEach(log, cJSON_GetObjectItemCaseSensitive(receipt, "logs"))
    {
        struct buffer topics = {0}, data = {0};
        if (abi_parse_address(address, endpoints_text(log, "address")) &&
            memcmp(address, market->address, ABI_ADDRESS) == 0 && read_topics(&topics, log) &&
            topics.count == 3 * ABI_WORD && memcmp(topics.data + ABI_WORD, wanted, ABI_WORD) == 0 &&
            abi_parse_hex(&data, endpoints_text(log, "data")))
            read_verdict(out, topics.data, &data);
        buffer_release(&topics);
        buffer_release(&data);
    }
}
