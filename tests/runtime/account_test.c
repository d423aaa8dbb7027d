/*
 * Transactions through the journal, on a real anvil: nothing is lost and nothing is sent twice.
 */
#include "runtime/account.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ir/support/file.h"
#include "ir/support/machine.h"
#include "runtime/logs.h"
#include "runtime/transaction.h"
#include "tests/harness/harness.h"
#include "tests/runtime/server_kit.h"

/* The first account of the test mnemonic, which anvil funds. */
static const uint8_t key[32] = {0xac, 0x09, 0x74, 0xbe, 0xc3, 0x9a, 0x17, 0xe3, 0x6b, 0xa4, 0xa6,
                                0xb4, 0xd2, 0x38, 0xff, 0x94, 0x4b, 0xac, 0xb4, 0x78, 0xcb, 0xed,
                                0x5e, 0xfc, 0xae, 0x78, 0x4d, 0x7b, 0xf4, 0xf2, 0xff, 0x80};

struct chain {
    pid_t process;
    char url[64];
    struct endpoints nodes;
    struct journal journal;
    struct account account;
    const char *path; /* of the journal */
};

static const char *anvil(void)
{
    const char *path =
        test_source_path("contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
    if (!file_exists(path))
        test_skip("anvil is not installed: contracts/setup");
    return path;
}

/* An anvil that mines at once, or only when told, by the rules of a fork. */
static void start_fork(struct chain *c, bool mines, const char *fork_name)
{
    const char *program = anvil();
    struct diag diag = {0};
    for (int tries = 0; tries < 5; tries++) {
        unsigned port = 20000 + (unsigned)test_random_below(12000);
        char text[16];
        snprintf(text, sizeof text, "%u", port);
        snprintf(c->url, sizeof c->url, "http://127.0.0.1:%u", port);
        c->process = fork();
        REQUIRE(c->process >= 0);
        if (c->process == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            const char *argv[] = {program,
                                  "--port",
                                  text,
                                  "-q",
                                  "--hardfork",
                                  fork_name,
                                  "--max-persisted-states",
                                  "0",
                                  mines ? NULL : "--no-mining",
                                  NULL};
            execv(program, (char *const *)argv);
            _exit(127);
        }
        /* One that ends at once found its port taken: who answers there is another. */
        bool runs = true;
        for (int i = 0; i < 300 && runs; i++) {
            struct endpoints nodes;
            if (endpoints_open(&nodes, c->url, &diag) == STATUS_OK) {
                endpoints_close(&nodes);
                return;
            }
            usleep(50000);
            runs = waitpid(c->process, NULL, WNOHANG) == 0;
        }
        if (runs) {
            kill(c->process, SIGKILL);
            waitpid(c->process, NULL, 0);
        }
    }
    REQUIRE(!"anvil starts");
}

static void start_node(struct chain *c, bool mines)
{
    start_fork(c, mines, "osaka");
}

static void open_account(struct chain *c)
{
    struct diag diag = {0};
    REQUIRE_OK(endpoints_open(&c->nodes, c->url, &diag), &diag);
    REQUIRE_OK(journal_open(&c->journal, c->path, &diag), &diag);
    REQUIRE_OK(account_open(&c->account, &c->nodes, &c->journal, key, &diag), &diag);
    c->account.seconds = 30;
}

static void close_account(struct chain *c)
{
    account_close(&c->account);
    journal_close(&c->journal);
    endpoints_close(&c->nodes);
}

static void start(struct chain *c, bool mines)
{
    memset(c, 0, sizeof *c);
    c->path = test_path(test_temp_dir(), "journal");
    start_node(c, mines);
    open_account(c);
}

static void stop(struct chain *c)
{
    close_account(c);
    kill(c->process, SIGKILL);
    waitpid(c->process, NULL, 0);
}

static void tell(struct chain *c, const char *method, const char *params)
{
    cJSON *result;
    struct diag diag = {0};
    REQUIRE_OK(rpc_call(&result, &c->nodes.node[0], method, params, &diag), &diag);
    cJSON_Delete(result);
}

static uint64_t ask(struct chain *c, const char *method, const char *params)
{
    uint64_t value = 0;
    struct diag diag = {0};
    REQUIRE_OK(endpoints_agree_quantity(&value, &c->nodes, method, params, &diag), &diag);
    return value;
}

static uint64_t sent_by(struct chain *c)
{
    char params[80];
    snprintf(params, sizeof params, "[\"%s\",\"latest\"]", c->account.id.address);
    return ask(c, "eth_getTransactionCount", params);
}

/* A call of an account without code: it does nothing, and costs gas. */
static const uint8_t to[20] = {0x12, 0x34};

static enum status send(struct account_result *result, struct chain *c, const char *name,
                        struct diag *diag)
{
    struct buffer data = {0};
    buffer_puts(&data, name);
    enum status status = account_send(result, &c->account, name, to, &data, 0, diag);
    buffer_release(&data);
    return status;
}

/* What attempt number n of a name, from the newest on, offers for a gas; false without one. */
static bool attempt_fee(uint64_t *fee, struct chain *c, const char *name, unsigned n)
{
    struct journal_attempt attempt;
    struct journal_entry entry;
    struct diag diag = {0};
    bool found;
    REQUIRE_OK(journal_find(&found, &entry, &c->journal, &c->account.id, name, &diag), &diag);
    REQUIRE(found);
    REQUIRE_OK(journal_attempt(&found, &attempt, &c->journal, entry.id, n, &diag), &diag);
    *fee = found ? attempt.fee : 0;
    buffer_release(&attempt.raw);
    return found;
}

TEST(a_name_is_sent_once)
{
    struct chain c;
    struct account_result first, again;
    struct diag diag = {0};
    start(&c, true);
    REQUIRE_OK(send(&first, &c, "one", &diag), &diag);
    CHECK(!first.was_known && first.nonce == 0 && first.gas >= 21000);
    REQUIRE_OK(send(&again, &c, "one", &diag), &diag);
    CHECK(again.was_known);
    CHECK_TEXT(again.hash, first.hash);
    CHECK_U64(sent_by(&c), 1);
    close_account(&c); /* and in the next process */
    open_account(&c);
    REQUIRE_OK(send(&again, &c, "one", &diag), &diag);
    CHECK_TEXT(again.hash, first.hash);
    REQUIRE_OK(send(&again, &c, "two", &diag), &diag);
    CHECK_U64(again.nonce, 1);
    CHECK_U64(sent_by(&c), 2);
    stop(&c);
}

/* Killed between any two steps: the child is killed after a time that grows. */
TEST(who_is_killed_at_any_time_pays_once)
{
    struct chain c;
    struct account_result result;
    struct diag diag = {0};
    enum { ROUNDS = 25 };
    start(&c, true);
    close_account(&c);
    for (unsigned round = 0; round < ROUNDS; round++) {
        char name[32];
        snprintf(name, sizeof name, "job %u", round);
        for (unsigned kills = 0; kills < 2; kills++) {
            pid_t child = fork();
            REQUIRE(child >= 0);
            if (child == 0) {
                struct diag own = {0};
                if (endpoints_open(&c.nodes, c.url, &own) == STATUS_OK &&
                    journal_open(&c.journal, c.path, &own) == STATUS_OK &&
                    account_open(&c.account, &c.nodes, &c.journal, key, &own) == STATUS_OK &&
                    send(&result, &c, name, &own) == STATUS_OK)
                    _exit(0);
                _exit(1);
            }
            usleep(2000 * round + (unsigned)test_random_below(3000));
            kill(child, SIGKILL);
            waitpid(child, NULL, 0);
        }
        open_account(&c);
        size_t settled;
        REQUIRE_OK(account_resume(&settled, &c.account, &diag), &diag);
        REQUIRE_OK(send(&result, &c, name, &diag), &diag);
        CHECK_U64(sent_by(&c), round + 1);
        close_account(&c);
    }
    open_account(&c);
    stop(&c);
}

TEST(what_was_written_and_never_sent_is_sent)
{
    struct chain c;
    struct account_result result;
    struct diag diag = {0};
    start(&c, false); /* mines nothing */
    c.account.seconds = 0;
    CHECK_STATUS(send(&result, &c, "waits", &diag), STATUS_IO, &diag);
    CHECK_MSG(strstr(diag.text, "it is in the journal") != NULL, "%s", diag.text);
    tell(&c, "anvil_dropAllTransactions", "[]"); /* the node forgets it */
    CHECK_U64(sent_by(&c), 0);
    tell(&c, "evm_setAutomine", "[true]");
    c.account.seconds = 30;
    size_t settled;
    REQUIRE_OK(account_resume(&settled, &c.account, &diag), &diag);
    CHECK_U64(settled, 1);
    CHECK_U64(sent_by(&c), 1);
    REQUIRE_OK(send(&result, &c, "waits", &diag), &diag);
    CHECK(result.was_known && result.nonce == 0);
    stop(&c);
}

TEST(what_is_too_cheap_is_replaced)
{
    struct chain c;
    struct account_result result;
    struct diag diag = {0};
    start(&c, false);
    c.account.seconds = 4;
    c.account.replace_seconds = 1;
    CHECK_STATUS(send(&result, &c, "cheap", &diag), STATUS_IO, &diag);
    uint64_t last = 0, before = 0;
    REQUIRE(attempt_fee(&last, &c, "cheap", 0) && attempt_fee(&before, &c, "cheap", 1));
    CHECK(last > before + before / 10);
    tell(&c, "evm_setAutomine", "[true]");
    tell(&c, "evm_mine", "[]");
    REQUIRE_OK(send(&result, &c, "cheap", &diag), &diag);
    CHECK_U64(sent_by(&c), 1);
    stop(&c);
}

/* In another process, after gas has become dearer than was offered: the same call, dearer. */
TEST(what_no_block_takes_any_more_is_replaced_by_whoever_goes_on)
{
    struct chain c;
    struct account_result result;
    struct diag diag = {0};
    uint64_t fee;
    start(&c, false);
    c.account.seconds = 0;
    CHECK_STATUS(send(&result, &c, "stuck", &diag), STATUS_IO, &diag);
    CHECK(result.is_pending && !result.was_known);
    tell(&c, "anvil_setNextBlockBaseFeePerGas", "[\"0x174876e800\"]");
    tell(&c, "evm_mine", "[]");
    CHECK_U64(sent_by(&c), 0);
    close_account(&c);
    open_account(&c);
    c.account.seconds = 0;
    CHECK_STATUS(send(&result, &c, "stuck", &diag), STATUS_IO, &diag);
    CHECK(result.is_pending && result.was_known);
    CHECK(attempt_fee(&fee, &c, "stuck", 1));
    /* Dear enough now: nothing more is made of it. */
    CHECK_STATUS(send(&result, &c, "stuck", &diag), STATUS_IO, &diag);
    CHECK(!attempt_fee(&fee, &c, "stuck", 2));
    tell(&c, "evm_mine", "[]");
    REQUIRE_OK(send(&result, &c, "stuck", &diag), &diag);
    CHECK_U64(sent_by(&c), 1);
    stop(&c);
}

TEST(a_reorganised_chain_gets_it_again)
{
    struct chain c;
    struct account_result result;
    struct diag diag = {0};
    start(&c, true);
    tell(&c, "anvil_mine", "[\"0x5\"]");
    c.account.confirmations = 3;
    c.account.seconds = 0;
    CHECK_STATUS(send(&result, &c, "deep", &diag), STATUS_IO, &diag); /* mined soon, not deep */
    for (int i = 0; i < 200 && sent_by(&c) == 0; i++)
        usleep(20000);
    CHECK_U64(sent_by(&c), 1);
    tell(&c, "anvil_reorg", "[2, []]");
    CHECK_U64(sent_by(&c), 0);
    c.account.seconds = 30;
    tell(&c, "evm_setIntervalMining", "[1]");
    REQUIRE_OK(send(&result, &c, "deep", &diag), &diag);
    CHECK(result.was_known);
    CHECK_U64(sent_by(&c), 1);
    stop(&c);
}

TEST(a_stranger_who_takes_the_nonce_is_noticed)
{
    struct chain c;
    struct account_result result;
    struct diag diag = {0};
    start(&c, false);
    c.account.seconds = 0;
    CHECK_STATUS(send(&result, &c, "ours", &diag), STATUS_IO, &diag);
    tell(&c, "anvil_dropAllTransactions", "[]");
    char params[200];
    snprintf(params, sizeof params, "[{\"from\":\"%s\",\"to\":\"%s\",\"value\":\"0x1\"}]",
             c.account.id.address, c.account.id.address);
    tell(&c, "eth_sendTransaction", params);
    tell(&c, "evm_mine", "[]");
    c.account.seconds = 30;
    CHECK_STATUS(send(&result, &c, "ours", &diag), STATUS_REJECTED, &diag);
    CHECK_MSG(strstr(diag.text, "not in the journal") != NULL, "%s", diag.text);
    tell(&c, "evm_setAutomine", "[true]");
    REQUIRE_OK(send(&result, &c, "next", &diag), &diag);
    CHECK_U64(result.nonce, 1);
    stop(&c);
}

TEST(what_cannot_be_paid_or_reverts_is_not_written_down)
{
    static const uint8_t poor[32] = {[31] = 7};
    struct chain c;
    struct account_result result;
    struct journal_entry entry;
    struct account other;
    struct buffer data = {0};
    struct diag diag = {0};
    bool found;
    start(&c, true);
    REQUIRE_OK(account_open(&other, &c.nodes, &c.journal, poor, &diag), &diag);
    CHECK_STATUS(account_send(&result, &other, "x", to, &data, 21000, &diag), STATUS_BAD_INPUT,
                 &diag);
    CHECK_MSG(strstr(diag.text, "send it some") != NULL, "%s", diag.text);
    REQUIRE_OK(journal_find(&found, &entry, &c.journal, &other.id, "x", &diag), &diag);
    CHECK(!found);
    account_close(&other);
    /* Code that reverts. */
    char params[200] = "[\"0x1234000000000000000000000000000000000000\",\"0x5f5ffd\"]";
    tell(&c, "anvil_setCode", params);
    CHECK_STATUS(send(&result, &c, "y", &diag), STATUS_REJECTED, &diag);
    REQUIRE_OK(journal_find(&found, &entry, &c.journal, &c.account.id, "y", &diag), &diag);
    CHECK(!found && sent_by(&c) == 0);
    /* With a gas limit of ours it is sent, and found to have failed. */
    CHECK_STATUS(account_send(&result, &c.account, "z", to, &data, 50000, &diag), STATUS_REJECTED,
                 &diag);
    CHECK_STATUS(account_send(&result, &c.account, "z", to, &data, 50000, &diag), STATUS_REJECTED,
                 &diag);
    CHECK_U64(sent_by(&c), 1);
    tell(&c, "anvil_setCode", "[\"0x1234000000000000000000000000000000000000\",\"0x\"]");
    c.account.most_fee = 1;
    CHECK_STATUS(send(&result, &c, "dear", &diag), STATUS_LIMIT, &diag);
    stop(&c);
}

TEST(chains_without_a_base_fee_get_transactions_of_one_price)
{
    struct chain c;
    struct account_result result;
    struct diag diag = {0};
    char params[100];
    cJSON *sent;
    memset(&c, 0, sizeof c);
    c.path = test_path(test_temp_dir(), "journal");
    start_fork(&c, true, "berlin");
    open_account(&c);
    REQUIRE_OK(send(&result, &c, "old", &diag), &diag);
    CHECK_U64(sent_by(&c), 1);
    snprintf(params, sizeof params, "[\"%s\"]", result.hash);
    REQUIRE_OK(rpc_call(&sent, &c.nodes.node[0], "eth_getTransactionByHash", params, &diag), &diag);
    CHECK_TEXT(endpoints_text(sent, "type"), "0x0");
    cJSON_Delete(sent);
    stop(&c);
}

/* There, too, what has become too cheap is replaced, without waiting. */
TEST(one_price_that_is_too_low_by_now_is_raised)
{
    struct chain c;
    struct account_result result;
    struct diag diag = {0};
    uint64_t fee = 0, dearer = 0;
    char price[40];
    memset(&c, 0, sizeof c);
    c.path = test_path(test_temp_dir(), "journal");
    start_fork(&c, false, "berlin");
    open_account(&c);
    c.account.seconds = 0;
    CHECK_STATUS(send(&result, &c, "stuck", &diag), STATUS_IO, &diag);
    REQUIRE(attempt_fee(&fee, &c, "stuck", 0));
    snprintf(price, sizeof price, "[\"0x%" PRIx64 "\"]", fee + fee / 2);
    tell(&c, "anvil_setMinGasPrice", price);
    CHECK_STATUS(send(&result, &c, "stuck", &diag), STATUS_IO, &diag);
    CHECK_MSG(result.is_pending && result.was_known, "%s", diag.text);
    CHECK(attempt_fee(&dearer, &c, "stuck", 0));
    CHECK_MSG(dearer >= fee + fee / 2, "%" PRIu64 " after %" PRIu64, dearer, fee);
    tell(&c, "evm_mine", "[]");
    REQUIRE_OK(send(&result, &c, "stuck", &diag), &diag);
    CHECK(result.was_known);
    CHECK_U64(sent_by(&c), 1);
    stop(&c);
}

/* A development chain that was started anew has the id of the one before. */
TEST(a_journal_of_another_chain_is_refused)
{
    struct chain c;
    struct diag diag = {0};
    start(&c, true);
    struct account_result result;
    REQUIRE_OK(send(&result, &c, "one", &diag), &diag);
    account_close(&c.account);
    REQUIRE_OK(journal_bind_chain(&c.journal, 5, "0xaa", &diag), &diag);
    CHECK_STATUS(journal_bind_chain(&c.journal, 5, "0xbb", &diag), STATUS_BAD_INPUT, &diag);
    REQUIRE_OK(journal_bind_chain(&c.journal, 5, "0xaa", &diag), &diag);
    stop(&c);
}

TEST(a_file_that_is_no_journal_is_refused)
{
    struct journal journal;
    struct diag diag = {0};
    const char *path = test_path(test_temp_dir(), "x");
    static const char rubbish[4096] = "this is no database at all";
    REQUIRE_OK(file_write(path, rubbish, sizeof rubbish, FILE_MODE_PUBLIC, false, &diag), &diag);
    CHECK_STATUS(journal_open(&journal, path, &diag), STATUS_BAD_INPUT, &diag);
    CHECK_STATUS(journal_open(&journal, test_path(test_temp_dir(), "no/where"), &diag), STATUS_IO,
                 &diag);
}

/* ---- several nodes -------------------------------------------------------------------------- */

TEST(one_node_that_lies_is_outvoted)
{
    struct chain c;
    struct server liar;
    struct endpoints nodes;
    struct diag diag = {0};
    char urls[200];
    uint64_t block;
    start(&c, true);
    tell(&c, "anvil_mine", "[\"0x5\"]");
    server_start(&liar);
    static const char id[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x7a69\"}";
    static const char lie[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0xffff\"}";
    liar.answer = (struct server_answer){.body = id, .count = sizeof id - 1};
    snprintf(urls, sizeof urls, "%s,%s,%s", liar.url, c.url, c.url);
    REQUIRE_OK(endpoints_open(&nodes, urls, &diag), &diag);
    liar.answer = (struct server_answer){.body = lie, .count = sizeof lie - 1};
    REQUIRE_OK(endpoints_agree_quantity(&block, &nodes, "eth_blockNumber", "[]", &diag), &diag);
    CHECK_U64(block, 5);
    liar.answer = (struct server_answer){.body = "<html>", .count = 6};
    REQUIRE_OK(endpoints_agree_quantity(&block, &nodes, "eth_blockNumber", "[]", &diag), &diag);
    CHECK_U64(block, 5);
    endpoints_close(&nodes);
    /* One against one is no majority. */
    liar.answer = (struct server_answer){.body = id, .count = sizeof id - 1};
    snprintf(urls, sizeof urls, "%s,%s", liar.url, c.url);
    REQUIRE_OK(endpoints_open(&nodes, urls, &diag), &diag);
    liar.answer = (struct server_answer){.body = lie, .count = sizeof lie - 1};
    CHECK_STATUS(endpoints_agree_quantity(&block, &nodes, "eth_blockNumber", "[]", &diag),
                 STATUS_IO, &diag);
    CHECK_MSG(strstr(diag.text, "do not agree") != NULL, "%s", diag.text);
    endpoints_close(&nodes);
    /* Nodes of two chains. */
    static const char other[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x1\"}";
    liar.answer = (struct server_answer){.body = other, .count = sizeof other - 1};
    CHECK_STATUS(endpoints_open(&nodes, urls, &diag), STATUS_BAD_INPUT, &diag);
    CHECK_STATUS(endpoints_open(&nodes, "http://a,,http://b", &diag), STATUS_BAD_INPUT, &diag);
    CHECK_STATUS(endpoints_open(&nodes, "ftp://a", &diag), STATUS_BAD_INPUT, &diag);
    server_stop(&liar);
    stop(&c);
}

TEST(a_receipt_that_one_node_invents_is_not_believed)
{
    struct chain c;
    struct server liar;
    struct endpoints nodes;
    struct diag diag = {0};
    char urls[200], receipt[600];
    cJSON *found;
    static const char hash[] = "0x1111111111111111111111111111111111111111111111111111111111111111";
    static const char id[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x7a69\"}";
    start(&c, true);
    server_start(&liar);
    liar.answer = (struct server_answer){.body = id, .count = sizeof id - 1};
    snprintf(urls, sizeof urls, "%s,%s,%s", liar.url, c.url, c.url);
    REQUIRE_OK(endpoints_open(&nodes, urls, &diag), &diag);
    snprintf(
        receipt, sizeof receipt,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"transactionHash\":\"%s\",\"blockHash\":\"%s\","
        "\"blockNumber\":\"0x1\",\"status\":\"0x1\",\"gasUsed\":\"0x1\"}}",
        hash, hash);
    liar.answer = (struct server_answer){.body = receipt, .count = strlen(receipt)};
    REQUIRE_OK(endpoints_receipt(&found, &nodes, hash, &diag), &diag);
    CHECK(found == NULL);
    cJSON_Delete(found);
    endpoints_close(&nodes);
    server_stop(&liar);
    stop(&c);
}

/* ---- a node that counts before it finds ------------------------------------------------------ */

/* Answers as a node of one block, in which a transaction is mined between the first question for
 * its receipt and the question for the nonce; or as one of an empty chain. */
struct slow_node {
    char text[900];
    bool is_empty;
    double blind_until;      /* it finds no receipts before */
    unsigned receipts, sent; /* asked for, and what was sent to it */
};

static void answer_slowly(struct server_answer *answer, void *context, const struct buffer *request)
{
    struct slow_node *node = context;
    const char *body = (const char *)request->data, *result = "\"0x1\"";
    char receipt[700];
#define ASKS(method) (memmem(body, request->count, method, strlen(method)) != NULL)
    if (ASKS("eth_chainId"))
        result = "\"0x7a69\"";
    else if (ASKS("eth_getBalance"))
        result = "\"0xffffffffffffff\"";
    else if (ASKS("eth_getTransactionCount"))
        result = node->receipts == 0 || node->is_empty ? "\"0x0\"" : "\"0x1\"";
    else if (ASKS("eth_sendRawTransaction"))
        node->sent++;
    else if (ASKS("eth_getBlockByNumber"))
        result = "{\"hash\":\"0x1111111111111111111111111111111111111111111111111111111111111111\","
                 "\"baseFeePerGas\":\"0x1\"}";
    else if (ASKS("eth_feeHistory"))
        result = "{\"baseFeePerGas\":[\"0x1\",\"0x1\"],\"reward\":[[\"0x1\"]]}";
    else if (ASKS("eth_getTransactionReceipt") &&
             (node->receipts++ == 0 || node->is_empty || machine_seconds() < node->blind_until))
        result = "null";
    else if (ASKS("eth_getTransactionReceipt")) {
        const char *hash = memmem(body, request->count, "[\"0x", 4);
        snprintf(receipt, sizeof receipt,
                 "{\"transactionHash\":\"%.66s\",\"blockHash\":\"0x11111111111111111111111111111111"
                 "11111111111111111111111111111111\",\"blockNumber\":\"0x1\",\"status\":\"0x1\","
                 "\"gasUsed\":\"0x5208\"}",
                 hash + 2);
        result = receipt;
    }
#undef ASKS
    snprintf(node->text, sizeof node->text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":%s}", result);
    answer->body = node->text;
    answer->count = strlen(node->text);
}

/* An account without transactions, at a server that answers as the node. */
static void ask_slow_node(struct chain *c, struct server *server, struct slow_node *node)
{
    server_start(server);
    server->context = node;
    server->respond = answer_slowly;
    snprintf(c->url, sizeof c->url, "%s", server->url);
    c->path = test_path(test_temp_dir(), "journal");
    open_account(c);
}

/* This waited for ever for blocks that did not come, when the nonce was counted before the receipt
 * was found: what happens to processes that are stopped between the two. */
TEST(who_waits_for_blocks_ends_when_time_is_up)
{
    struct chain c = {0};
    struct account_result result;
    struct slow_node node = {.receipts = 0};
    struct server server;
    struct buffer data = {0};
    struct diag diag = {0};
    ask_slow_node(&c, &server, &node);
    c.account.confirmations = 3;
    c.account.seconds = 1;
    alarm(60);
    CHECK_STATUS(account_send(&result, &c.account, "deep", to, &data, 21000, &diag), STATUS_IO,
                 &diag);
    alarm(0);
    CHECK(result.is_pending);
    CHECK_MSG(node.receipts > 2, "%u", node.receipts);
    close_account(&c);
    server_stop(&server);
}

/* Of the machines that a service answers from the one that finds receipts is seconds behind the one
 * that counts: nothing is lost for that, or the call would be made once more. */
TEST(a_receipt_that_is_found_later_is_waited_for)
{
    struct chain c = {0};
    struct account_result result;
    struct slow_node node = {.blind_until = machine_seconds() + 5};
    struct server server;
    struct buffer data = {0};
    struct diag diag = {0};
    ask_slow_node(&c, &server, &node);
    REQUIRE_OK(account_send(&result, &c.account, "late", to, &data, 21000, &diag), &diag);
    CHECK_U64(result.gas, 21000);
    close_account(&c);
    server_stop(&server);
}

/* Many that wait are not all sent again with each of them: that would be their square. */
TEST(what_waits_is_sent_again_once_in_a_while)
{
    enum { MANY = 12 };
    struct chain c = {0};
    struct account_result result;
    struct slow_node node = {.is_empty = true};
    struct server server;
    struct buffer data = {0};
    struct diag diag = {0};
    ask_slow_node(&c, &server, &node);
    c.account.seconds = 0;
    for (int i = 0; i < 2 * MANY; i++) {
        char name[20];
        snprintf(name, sizeof name, "call %d", i % MANY);
        CHECK_STATUS(account_send(&result, &c.account, name, to, &data, 21000, &diag), STATUS_IO,
                     &diag);
        CHECK_MSG(result.is_pending, "%s", diag.text);
    }
    CHECK_MSG(node.sent >= 2 * MANY && node.sent < 4 * MANY, "%u", node.sent);
    close_account(&c);
    /* Another process sends them all at once: nodes forget. */
    open_account(&c);
    c.account.seconds = 0;
    node.sent = 0;
    CHECK_STATUS(account_send(&result, &c.account, "call 0", to, &data, 21000, &diag), STATUS_IO,
                 &diag);
    CHECK_MSG(node.sent == MANY + 1, "%u", node.sent);
    close_account(&c);
    server_stop(&server);
}

/* ---- events --------------------------------------------------------------------------------- */

/* Events told and not taken back, by block. */
struct told {
    uint64_t block[200];
    char hash[200][LOGS_HASH_TEXT];
    size_t count;
    unsigned rewinds;
};

static enum status take_event(void *context, const cJSON *event, struct diag *diag)
{
    struct told *told = context;
    (void)diag;
    REQUIRE(told->count < 200);
    REQUIRE(rpc_parse_quantity(&told->block[told->count], endpoints_text(event, "blockNumber")));
    snprintf(told->hash[told->count++], LOGS_HASH_TEXT, "%s", endpoints_text(event, "blockHash"));
    return STATUS_OK;
}

static enum status take_back(void *context, uint64_t kept, struct diag *diag)
{
    struct told *told = context;
    (void)diag;
    told->rewinds++;
    while (told->count > 0 && told->block[told->count - 1] > kept)
        told->count--;
    return STATUS_OK;
}

/* What was told is what the node says now, event by event. */
static void same_as_node(struct chain *c, const struct told *told)
{
    cJSON *all;
    struct diag diag = {0};
    REQUIRE_OK(rpc_call(&all, &c->nodes.node[0], "eth_getLogs",
                        "[{\"fromBlock\":\"0x0\",\"toBlock\":\"latest\",\"address\":"
                        "\"0x1234000000000000000000000000000000000000\"}]",
                        &diag),
               &diag);
    CHECK_U64((uint64_t)cJSON_GetArraySize(all), told->count);
    for (size_t i = 0; i < told->count; i++)
        CHECK_TEXT(told->hash[i], endpoints_text(cJSON_GetArrayItem(all, (int)i), "blockHash"));
    cJSON_Delete(all);
}

TEST(events_are_followed_through_reorganisations)
{
    struct chain c;
    struct logs logs;
    static struct told told;
    struct account_result result;
    struct diag diag = {0};
    struct logs_reader reader = {take_event, take_back, &told};
    memset(&told, 0, sizeof told);
    start(&c, true);
    /* log0 of nothing. */
    tell(&c, "anvil_setCode", "[\"0x1234000000000000000000000000000000000000\",\"0x5f5fa000\"]");
    logs_init(&logs, &c.nodes, "0x1234000000000000000000000000000000000000", 0);
    for (unsigned round = 0; round < 12; round++) {
        for (unsigned i = 0; i < 3; i++) {
            char name[32];
            snprintf(name, sizeof name, "%u %u", round, i);
            REQUIRE_OK(send(&result, &c, name, &diag), &diag);
        }
        if (round % 2 == 0)
            REQUIRE_OK(logs_poll(&logs, &reader, &diag), &diag);
        if (round % 3 == 2) {
            char params[40];
            snprintf(params, sizeof params, "[%u, []]", 1 + (unsigned)test_random_below(4));
            tell(&c, "anvil_reorg", params);
        }
        REQUIRE_OK(logs_poll(&logs, &reader, &diag), &diag);
        same_as_node(&c, &told);
    }
    CHECK(told.rewinds > 0);
    /* Long stretches at once. */
    for (int i = 0; i < 10; i++)
        tell(&c, "anvil_mine", "[\"0x100\"]");
    REQUIRE_OK(send(&result, &c, "late", &diag), &diag);
    REQUIRE_OK(logs_poll(&logs, &reader, &diag), &diag);
    same_as_node(&c, &told);
    CHECK_U64(logs.next, ask(&c, "eth_blockNumber", "[]") + 1);
    stop(&c);
}
