/* See backtest_chain.h. */
#include "runtime/backtest_chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "runtime/logs.h"
#include "runtime/signer.h"

#define PLAN                                                                                       \
    "(uint256,bytes32,uint32,uint16,uint8,uint16,uint8,uint8,uint128,uint40,uint40,uint40,string)"
enum { PLAN_WORDS = 13, RESULT_WORDS = 13, ROW_WORDS = 5, DAY_SECONDS = 86400 };

enum status vetting_open(struct vetting *vetting, struct endpoints *nodes, const char *address,
                         struct diag *diag)
{
    uint8_t word[ABI_WORD];
    memset(vetting, 0, sizeof *vetting);
    vetting->nodes = nodes;
    vetting->registry.nodes = nodes;
    if (address == NULL || !abi_parse_address(vetting->address, address))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "give the contract of backtests with --vetting 0x and 40 hex digits");
    enum status status = contract_ask_word(word, nodes, vetting->address, "REGISTRY()",
                                           "contract of backtests", diag);
    if (status == STATUS_OK)
        memcpy(vetting->registry.address, word + ABI_WORD - ABI_ADDRESS, ABI_ADDRESS);
    return status;
}

enum status vetting_check_model(const struct vetting *vetting, const struct backtest *test,
                                uint64_t number, struct diag *diag)
{
    struct registry_model registered;
    enum status status = registry_show(&registered, &vetting->registry, number, diag);
    if (status == STATUS_OK && memcmp(registered.vk_hash, test->model->key.digest, 32) != 0)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "model %" PRIu64 " of the registry has another key than '%s'", number,
                          test->model->folder);
    return status;
}

/* The time of the newest block: the chain's clock, not ours. */
static enum status ask_time(uint64_t *now, struct endpoints *nodes, struct diag *diag)
{
    return endpoints_median_block(now, nodes, "[\"latest\",false]", "timestamp", diag);
}

/* ---- publishing ----------------------------------------------------------------------------- */

static void put_plan(struct buffer *out, const struct backtest *test, uint64_t number,
                     const char *uri, uint64_t closes_at)
{
    abi_put_selector(out, "publish(" PLAN ")");
    abi_put_u64(out, ABI_WORD);
    abi_put_u64(out, number);
    abi_put_word(out, test->root);
    abi_put_u64(out, test->count);
    abi_put_u64(out, test->layout.words);
    abi_put_u64(out, test->layout.bits);
    abi_put_u64(out, test->word);
    abi_put_u64(out, test->shift);
    abi_put_u64(out, test->bits);
    amount_put(out, test->tolerance);
    abi_put_u64(out, test->from);
    abi_put_u64(out, test->to);
    abi_put_u64(out, closes_at);
    abi_put_u64(out, PLAN_WORDS * ABI_WORD);
    abi_put_bytes(out, uri, strlen(uri));
}

static void hash_published(uint8_t topic[KECCAK256_BYTES])
{
    static const char signature[] = "Published(uint256,uint256,address," PLAN ")";
    keccak256(topic, signature, sizeof signature - 1);
}

/* A topic of a log as bytes; false when there is none. */
static bool read_topic(uint8_t out[ABI_WORD], const cJSON *log, int i)
{
    const cJSON *topic = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(log, "topics"), i);
    struct buffer bytes = {0};
    bool good = cJSON_IsString(topic) && abi_parse_hex(&bytes, topic->valuestring) &&
                bytes.count == ABI_WORD;
    if (good)
        memcpy(out, bytes.data, ABI_WORD);
    buffer_release(&bytes);
    return good;
}

/* The number of the backtest, from the event in the receipt. */
static enum status read_number(uint64_t *number, const struct vetting *vetting, const char *hash,
                               struct diag *diag)
{
    uint8_t expected[KECCAK256_BYTES], topic[ABI_WORD], address[ABI_ADDRESS];
    cJSON *receipt;
    const cJSON *log;
    bool found = false;
    hash_published(expected);
    enum status status = endpoints_receipt(&receipt, vetting->nodes, hash, diag);
    cJSON_ArrayForEach(log, cJSON_GetObjectItemCaseSensitive(receipt, "logs"))
    {
        if (!abi_parse_address(address, endpoints_text(log, "address")) ||
            memcmp(address, vetting->address, ABI_ADDRESS) != 0 || !read_topic(topic, log, 0) ||
            memcmp(topic, expected, ABI_WORD) != 0 || !read_topic(topic, log, 1))
            continue;
        struct abi_reader r = {topic, sizeof topic, false};
        *number = abi_u64(&r, 0, 0);
        found = !r.failed && *number != 0;
    }
    cJSON_Delete(receipt);
    if (status == STATUS_OK && !found)
        status = diag_set(diag, STATUS_IO, "the receipt of %s tells of no backtest", hash);
    return status;
}

static void put_name(char name[JOURNAL_NAME_BYTES], const char *what, const struct vetting *vetting)
{
    char address[CONTRACT_ADDRESS_TEXT];
    contract_address_text(address, vetting->address);
    snprintf(name, JOURNAL_NAME_BYTES, "%s at %s", what, address);
}

enum status vetting_publish(struct backtest *test, const struct vetting *vetting,
                            struct account *account, uint64_t number, const char *uri,
                            unsigned days, struct diag *diag)
{
    char name[JOURNAL_NAME_BYTES], what[120];
    struct buffer data = {0};
    struct account_result result;
    uint8_t digest[KECCAK256_BYTES];
    uint64_t now = 0;
    int at = snprintf(what, sizeof what, "vet model %" PRIu64 " ", number);
    put_plan(&data, test, number, uri, 0);
    keccak256(digest, data.data, data.count);
    buffer_clear(&data);
    for (size_t i = 0; i < sizeof digest; i++)
        at += snprintf(what + at, sizeof what - (size_t)at, "%02x", digest[i]);
    put_name(name, what, vetting);
    enum status status = vetting_check_model(vetting, test, number, diag);
    if (status == STATUS_OK)
        status = ask_time(&now, vetting->nodes, diag);
    put_plan(&data, test, number, uri, now + (uint64_t)days * DAY_SECONDS);
    if (status == STATUS_OK)
        status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = signer_send(&result, account, name, vetting->address, &data, 0, diag);
    if (status == STATUS_OK)
        status = read_number(&test->binding.number, vetting, result.hash, diag);
    if (status == STATUS_OK) {
        bool is_address = abi_parse_address(test->binding.publisher, account->id.address);
        ASSERT(is_address);
        test->binding.chain_id = vetting->nodes->chain_id;
        memcpy(test->binding.contract, vetting->address, ABI_ADDRESS);
    }
    buffer_release(&data);
    return status;
}

/* ---- proofs --------------------------------------------------------------------------------- */

static enum status is_proved(bool *out, const struct vetting *vetting, uint64_t number, size_t row,
                             struct diag *diag)
{
    struct buffer words = {0}, answer = {0};
    abi_put_u64(&words, number);
    abi_put_u64(&words, row);
    enum status status = buffer_status(&words, diag);
    if (status == STATUS_OK)
        status = contract_ask(&answer, vetting->nodes, vetting->address, "isProved(uint256,uint32)",
                              words.data, 2, diag);
    if (status == STATUS_OK && answer.count != ABI_WORD)
        status = diag_set(diag, STATUS_IO, "the contract of backtests answers with something else");
    if (status == STATUS_OK)
        *out = answer.data[ABI_WORD - 1] != 0;
    buffer_release(&answer);
    buffer_release(&words);
    return status;
}

/* (row, label, path, words, proof). */
static void put_row(struct buffer *out, const struct backtest *test, size_t row)
{
    const struct backtest_row *r = &test->row[row];
    struct buffer path = {0};
    backtest_path(&path, test, row);
    size_t words = ROW_WORDS * ABI_WORD + ABI_WORD + path.count,
           proof = words + ABI_WORD + ABI_WORD * r->proof.word_count;
    abi_put_u64(out, row);
    amount_put(out, r->label);
    abi_put_u64(out, ROW_WORDS * ABI_WORD);
    abi_put_u64(out, words);
    abi_put_u64(out, proof);
    abi_put_u64(out, path.count / ABI_WORD);
    buffer_put(out, path.data, path.count);
    abi_put_u64(out, r->proof.word_count);
    buffer_put(out, r->proof.words, ABI_WORD * r->proof.word_count);
    abi_put_bytes(out, r->proof.bytes, r->proof.byte_count);
    if (path.failed)
        out->failed = true;
    buffer_release(&path);
}

static void put_rows(struct buffer *out, const struct backtest *test, const size_t *rows,
                     size_t count)
{
    const struct model *model = test->model;
    struct buffer tuples = {0};
    size_t offset[BACKTEST_MOST_BATCH];
    for (size_t i = 0; i < count; i++) {
        offset[i] = count * ABI_WORD + tuples.count;
        put_row(&tuples, test, rows[i]);
    }
    abi_put_selector(out, "prove(uint256,bytes,(uint32,uint128,bytes32[],uint256[],bytes)[])");
    abi_put_u64(out, test->binding.number);
    abi_put_u64(out, 3 * ABI_WORD);
    abi_put_u64(out, 3 * ABI_WORD + abi_bytes_size(model->vk_bytes));
    abi_put_bytes(out, model->vk, model->vk_bytes);
    abi_put_u64(out, count);
    for (size_t i = 0; i < count; i++)
        abi_put_u64(out, offset[i]);
    buffer_put(out, tuples.data, tuples.count);
    if (tuples.failed)
        out->failed = true;
    buffer_release(&tuples);
}

enum status vetting_send(uint64_t *gas, const struct backtest *test, const struct vetting *vetting,
                         struct account *account, size_t first, size_t count, struct diag *diag)
{
    size_t rows[BACKTEST_MOST_BATCH], missing = 0;
    char name[JOURNAL_NAME_BYTES], what[120];
    struct buffer data = {0};
    struct account_result result = {0};
    enum status status = STATUS_OK;
    *gas = 0;
    ASSERT(count <= BACKTEST_MOST_BATCH);
    for (size_t i = first; i < first + count && status == STATUS_OK; i++) {
        bool proved = false;
        status = is_proved(&proved, vetting, test->binding.number, i, diag);
        if (!proved)
            rows[missing++] = i;
    }
    if (status != STATUS_OK || missing == 0)
        return status;
    snprintf(what, sizeof what, "prove backtest %" PRIu64 " rows %zu-%zu", test->binding.number,
             first, first + count - 1);
    put_name(name, what, vetting);
    put_rows(&data, test, rows, missing);
    status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = signer_send(&result, account, name, vetting->address, &data, 0, diag);
    *gas = result.gas;
    buffer_release(&data);
    return status;
}

/* ---- comparing ------------------------------------------------------------------------------ */

static enum status differs(const struct backtest *test, const char *what, struct diag *diag)
{
    return diag_set(diag, STATUS_REJECTED, "backtest %" PRIu64 " on the chain has another %s",
                    test->binding.number, what);
}

/* A call with `count` numbers whose answer is `words` words. */
static enum status ask(struct buffer *answer, const struct vetting *vetting, const char *signature,
                       const uint64_t *numbers, size_t count, size_t words, struct diag *diag)
{
    struct buffer arguments = {0};
    for (size_t i = 0; i < count; i++)
        abi_put_u64(&arguments, numbers[i]);
    enum status status = buffer_status(&arguments, diag);
    if (status == STATUS_OK)
        status = contract_ask(answer, vetting->nodes, vetting->address, signature, arguments.data,
                              count, diag);
    if (status == STATUS_OK && answer->count != words * ABI_WORD)
        status = diag_set(diag, STATUS_IO, "the contract of backtests answers with something else");
    buffer_release(&arguments);
    return status;
}

/* resultOf: (publisher, modelId, rows, proved, hits, totalError, closesAt, inputWords, inputBits,
 * word, shift, width, tolerance). */
enum status vetting_read(struct vetting_result *out, const struct vetting *vetting, uint64_t number,
                         struct diag *diag)
{
    struct buffer answer = {0};
    *out = (struct vetting_result){.number = number};
    enum status status = ask(&answer, vetting, "resultOf(uint256)", &number, 1, RESULT_WORDS, diag);
    if (status == STATUS_OK) {
        struct abi_reader r = {answer.data, answer.count, false};
        memcpy(out->publisher, abi_word(&r, 0, 0) + ABI_WORD - ABI_ADDRESS, ABI_ADDRESS);
        out->model = abi_u64(&r, 0, 1);
        out->rows = abi_u64(&r, 0, 2);
        out->proved = abi_u64(&r, 0, 3);
        out->hits = abi_u64(&r, 0, 4);
        memcpy(out->total_error, abi_word(&r, 0, 5), ABI_WORD);
        out->closes_at = abi_u64(&r, 0, 6);
        out->input_words = abi_u64(&r, 0, 7);
        out->input_bits = abi_u64(&r, 0, 8);
        out->word = abi_u64(&r, 0, 9);
        out->shift = abi_u64(&r, 0, 10);
        out->width = abi_u64(&r, 0, 11);
        out->tolerance = amount_read(&r, 0, 12);
        if (r.failed)
            status =
                diag_set(diag, STATUS_IO, "the contract of backtests answers with something else");
    }
    buffer_release(&answer);
    return status;
}

static enum status ask_number(uint64_t *out, const struct vetting *vetting, const char *signature,
                              const uint64_t *numbers, size_t count, struct diag *diag)
{
    struct buffer answer = {0};
    enum status status = ask(&answer, vetting, signature, numbers, count, 1, diag);
    struct abi_reader r = {answer.data, answer.count, false};
    if (status == STATUS_OK) {
        *out = abi_u64(&r, 0, 0);
        if (r.failed)
            status =
                diag_set(diag, STATUS_IO, "the contract of backtests answers with something else");
    }
    buffer_release(&answer);
    return status;
}

enum status vetting_list(struct vetting_result *out, size_t *count, uint64_t *all, size_t most,
                         const struct vetting *vetting, uint64_t model, struct diag *diag)
{
    *count = 0;
    *all = 0;
    enum status status = ask_number(all, vetting, "backtestCount(uint256)", &model, 1, diag);
    for (uint64_t i = 0; i < *all && *count < most && status == STATUS_OK; i++) {
        const uint64_t place[] = {model, *all - 1 - i};
        uint64_t number = 0;
        status = ask_number(&number, vetting, "backtestAt(uint256,uint256)", place, 2, diag);
        if (status == STATUS_OK)
            status = vetting_read(&out[*count], vetting, number, diag);
        *count += status == STATUS_OK;
    }
    return status;
}

static enum status compare_result(const struct backtest *test, const struct vetting_result *found,
                                  struct diag *diag)
{
    if (memcmp(found->publisher, test->binding.publisher, ABI_ADDRESS) != 0)
        return differs(test, "publisher", diag);
    if (found->rows != test->result.rows)
        return differs(test, "number of rows", diag);
    if (found->proved != found->rows)
        return diag_set(diag, STATUS_REJECTED,
                        "of %" PRIu64 " rows of backtest %" PRIu64
                        " the chain has proofs of %" PRIu64 " alone",
                        found->rows, test->binding.number, found->proved);
    if (found->hits != test->result.hits ||
        memcmp(found->total_error, test->result.total_error, ABI_WORD) != 0)
        return differs(test, "result", diag);
    return STATUS_OK;
}

/* The plan that was published, from its event. */
static enum status compare_plan(const struct backtest *test, const cJSON *log, struct diag *diag)
{
    struct buffer data = {0};
    bool good = abi_parse_hex(&data, endpoints_text(log, "data"));
    struct abi_reader r = {data.data, data.count, false};
    size_t plan = abi_offset(&r, 0, 0);
    const uint64_t expected[] = {test->count, test->layout.words, test->layout.bits,
                                 test->word,  test->shift,        test->bits};
    bool same = memcmp(abi_word(&r, plan, 1), test->root, ABI_WORD) == 0;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        same = same && abi_u64(&r, plan, 2 + i) == expected[i];
    same = same && amount_read(&r, plan, 8) == test->tolerance &&
           abi_u64(&r, plan, 9) == test->from && abi_u64(&r, plan, 10) == test->to;
    buffer_release(&data);
    return good && !r.failed && same ? STATUS_OK : differs(test, "plan", diag);
}

static enum status find_plan(const struct backtest *test, const struct vetting *vetting,
                             struct diag *diag)
{
    uint8_t topics[2][ABI_WORD] = {{0}};
    cJSON *logs = NULL;
    hash_published(topics[0]);
    for (int i = 0; i < 8; i++)
        topics[1][ABI_WORD - 1 - i] = (uint8_t)(test->binding.number >> (8 * i));
    enum status status =
        logs_find(&logs, vetting->nodes, vetting->address,
                  (const uint8_t *const[]){topics[0], topics[1]}, 2, 0, false, diag);
    if (status == STATUS_OK && cJSON_GetArraySize(logs) != 1)
        status = diag_set(diag, STATUS_IO,
                          "the nodes do not tell how backtest %" PRIu64
                          " was published; ask one that keeps all logs",
                          test->binding.number);
    if (status == STATUS_OK)
        status = compare_plan(test, cJSON_GetArrayItem(logs, 0), diag);
    cJSON_Delete(logs);
    return status;
}

enum status vetting_compare(const struct backtest *test, const struct vetting *vetting,
                            struct diag *diag)
{
    const struct backtest_binding *b = &test->binding;
    struct vetting_result found;
    if (b->number == 0)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the backtest was published on no chain; verify it without --rpc");
    if (b->chain_id != vetting->nodes->chain_id ||
        memcmp(b->contract, vetting->address, ABI_ADDRESS) != 0)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the backtest was published on chain %" PRIu64 ", in another contract or "
                        "chain than the one asked",
                        b->chain_id);
    enum status status = vetting_read(&found, vetting, b->number, diag);
    if (status == STATUS_OK)
        status = compare_result(test, &found, diag);
    if (status == STATUS_OK) {
        struct diag why = {0};
        status = vetting_check_model(vetting, test, found.model, &why);
        if (status != STATUS_OK)
            status = diag_set(diag, status == STATUS_BAD_INPUT ? STATUS_REJECTED : status, "%s",
                              why.text);
    }
    if (status == STATUS_OK)
        status = find_plan(test, vetting, diag);
    return status;
}
