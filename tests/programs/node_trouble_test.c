/* label: prover network libs: sertn_3rd_cjson */
/*
 * A node in bad surroundings: nodes of the chain that lie, talk rubbish or fall silent, stores that
 * give other bytes, an account without ether. It says what is wrong, loses nothing, and goes on.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "ir/support/file.h"
#include "ir/support/machine.h"
#include "runtime/database.h"
#include "tests/programs/node_kit.h"

/* The configuration with other nodes of the chain. */
static const char *with_nodes(const struct network *n, const char *config, const char *urls)
{
    struct test_output out =
        kit_shell("sed -i 's#\"rpc\":\"%s\"#\"rpc\":\"%s\"#' %s", n->url, urls, config);
    kit_done(&out, "sed");
    return config;
}

static const char *config_of(const struct network *n, const char *more)
{
    return network_config(n, NETWORK_NODE, test_temp_dir(), more);
}

TEST(a_node_of_the_chain_that_talks_rubbish_is_refused_at_the_start)
{
    struct network *n = network_start();
    static const struct kit_answer rubbish[] = {{"", "<html>hello</html>"}, {NULL, NULL}};
    const char *url = kit_server_start(rubbish, "HTTP/1.1 200 OK");
    struct test_output out = node_drain(with_nodes(n, config_of(n, ""), url));
    kit_refused(&out, 3, "not JSON-RPC", "rubbish");
    static const struct kit_answer silent[] = {{"", NULL}, {NULL, NULL}};
    url = kit_server_start(silent, "HTTP/1.1 200 OK");
    out = node_drain(with_nodes(n, config_of(n, ""), url));
    kit_refused(&out, 3, "cannot be reached", "silence");
    static const struct kit_answer other[] = {
        {"eth_chainId", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x1\"}"}, {NULL, NULL}};
    url = kit_server_start(other, "HTTP/1.1 200 OK");
    out = node_drain(with_nodes(n, config_of(n, ""), url));
    kit_refused(&out, 2, "is of chain 1 and the configuration names chain 31337", "another chain");
    out = node_drain(with_nodes(n, config_of(n, ""), "http://127.0.0.1:1"));
    kit_refused(&out, 3, "cannot be reached", "nobody");
}

/* Says that it is of the chain, that all deadlines are over, that gas is dear and calls take none,
 * and that everything else is nothing. */
static const struct kit_answer liar[] = {
    {"eth_chainId", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x7a69\"}"},
    {"eth_getLogs", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[]}"},
    {"eth_getBlockByNumber", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"hash\":\"0x00\","
                             "\"number\":\"0x1\",\"timestamp\":\"0xffffffffff\"}}"},
    {"eth_gasPrice", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0xffffffffffffff\"}"},
    {"eth_estimateGas", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x5208\"}"},
    {"", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x0\"}"},
    {NULL, NULL}};

TEST(one_that_lies_is_outvoted)
{
    struct network *n = network_start();
    network_request(n, 0, 1);
    network_open_account(n, NETWORK_NODE);
    const char *url = kit_server_start(liar, "HTTP/1.1 200 OK");
    struct test_output out =
        node_drain(with_nodes(n, config_of(n, ""), kit_text("%s,%s,%s", n->url, n->url, url)));
    kit_done(&out, "node");
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "304000000000000");
    /* The first one, too, whose word counts for no more. */
    network_request(n, 1, 1);
    const char *config = with_nodes(n, config_of(n, ""), kit_text("%s,%s,%s", url, n->url, n->url));
    out = kit_shell("sed -i 's/\"token_per_wei\":0,/\"token_per_wei\":1e-6,/' %s", config);
    kit_done(&out, "sed");
    out = node_drain(config);
    kit_done(&out, "node");
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "608000000000000");
    /* One against one decides nothing, and nothing is done. */
    out = node_drain(with_nodes(n, config_of(n, ""), kit_text("%s,%s", n->url, url)));
    kit_refused(&out, 3, "do not agree", "one against one");
}

/* Of two nodes one is ahead of the chain by ages: no deadline is over for that. */
TEST(one_clock_that_is_ahead_ends_no_deadline)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    network_request(n, 0, 1);
    const char *url = kit_liar_start(n->url, "\"pending\"",
                                     "\"result\":{\"timestamp\":\"0xffffffffff\"}", 0, UINT_MAX);
    struct test_output out =
        node_drain(with_nodes(n, config_of(n, ""), kit_text("%s,%s", url, n->url)));
    kit_done(&out, "node");
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "304000000000000");
    kit_server_stop();
}

/* The chain says paid before its events say to whom: it is no other's for that. */
TEST(who_was_paid_may_show_later)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    network_request(n, 0, 1);
    struct test_output out =
        kit_shell("%s sig-event 'JobPaid(uint256,address,uint256,bytes32,uint256[])' | tr -d '\\n'",
                  kit_tool("cast"));
    kit_done(&out, "topic");
    const char *url = kit_liar_start(n->url, kit_text("%s", out.text), "\"result\":[]", 0, 3);
    out = node_drain(with_nodes(n, config_of(n, ""), url));
    kit_done(&out, "node");
    CHECK_MSG(strstr(out.errors, "job 1/1: paid: 304000000000000") != NULL, "%s", out.errors);
    CHECK(strstr(out.errors, "the nodes do not show yet who was paid") != NULL);
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "304000000000000");
    kit_server_stop();
}

static uint64_t count_in(const char *path, unsigned version, const char *sql)
{
    struct database file;
    struct diag diag = {0};
    bool found;
    REQUIRE_OK(database_open(&file, path, "file", "", version, &diag), &diag);
    struct query q = query_begin(&file, sql);
    REQUIRE_OK(query_step(&found, &q, &diag), &diag);
    uint64_t count = query_number(&q, 0);
    query_end(&q);
    database_close(&file);
    return count;
}

/* Services answer from several machines, of which one may not have the block yet. */
TEST(a_job_that_is_not_known_at_once_is_not_gone)
{
    struct test_output out = kit_shell("%s sig 'jobOf(uint256)' | tr -d '\\n'", kit_tool("cast"));
    kit_done(&out, "selector");
    const char *selector = kit_text("%s", out.text);
    /* At the first look and the second; and when the proof is there. */
    static const unsigned before[] = {0, 3}, times[] = {2, 1};
    for (int i = 0; i < 2; i++) {
        struct network *n = network_start();
        network_open_account(n, NETWORK_NODE);
        network_request(n, 0, 1);
        const char *url = kit_liar_start(
            n->url, selector, "\"error\":{\"code\":3,\"message\":\"execution reverted\"}",
            before[i], times[i]);
        out = node_drain(with_nodes(n, config_of(n, ",\"limits\":{\"attempts\":1}"), url));
        kit_done(&out, "node");
        CHECK_MSG(strcmp(node_earned(n, NETWORK_NODE), "304000000000000") == 0, "%s", out.errors);
        CHECK_MSG(strstr(out.errors, "the chain does not know it") != NULL, "%s", out.errors);
        kit_server_stop();
    }
}

/* The node of the chain falls when the prover has begun, and the node is killed before there is
 * another one: what was proved is on disk all the same, and is handed in without proving again. */
TEST(a_proof_is_kept_whatever_the_chain_does_meanwhile)
{
    struct test_output out = kit_shell("%s sig 'jobOf(uint256)' | tr -d '\\n'", kit_tool("cast"));
    kit_done(&out, "selector");
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    network_request(n, 0, 1);
    const char *url = kit_liar_start(n->url, kit_text("%s", out.text), NULL, 2, 1),
               *folder = test_temp_dir(), *config = network_config(n, NETWORK_NODE, folder, "");
    pid_t node = node_start(with_nodes(n, config, url));
    uint64_t proved = 0;
    for (int i = 0; i < 600 && proved == 0; i++) {
        usleep(100000);
        if (file_exists(test_path(folder, "data/jobs")))
            proved = count_in(test_path(folder, "data/jobs"), 4,
                              "SELECT COUNT(*) FROM job WHERE state = 3");
    }
    CHECK_U64(proved, 1);
    CHECK(node_stop(node, SIGKILL) == 128 + SIGKILL);
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "0");
    out = node_drain(network_config(n, NETWORK_NODE, folder, ""));
    kit_done(&out, "node");
    CHECK_MSG(strstr(out.errors, "proved in") == NULL, "%s", out.errors);
    CHECK_MSG(strcmp(node_earned(n, NETWORK_NODE), "304000000000000") == 0, "%s", out.errors);
    CHECK_U64(kit_entries(test_path(folder, "data/inputs")), 0);
    kit_server_stop();
}

/* Nor is one that has failed before, which says nothing of the chain. */
TEST(failures_do_not_make_a_job_gone)
{
    struct test_output out = kit_shell("%s sig 'jobOf(uint256)' | tr -d '\\n'", kit_tool("cast"));
    kit_done(&out, "selector");
    const char *selector = kit_text("%s", out.text);
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    network_request(n, 0, 1);
    const char *folder = test_temp_dir(),
               *config = network_config(n, NETWORK_NODE, folder, ",\"limits\":{\"attempts\":9}");
    node_kill_unmined(n, node_start_unmined(n, config, 1));
    CHECK_U64(count_in(test_path(folder, "data/jobs"), 4,
                       "UPDATE job SET tries = 7 WHERE state = 3 RETURNING tries"),
              7);
    const char *url = kit_liar_start(
        n->url, selector, "\"error\":{\"code\":3,\"message\":\"execution reverted\"}", 0, 1);
    out = node_drain(with_nodes(n, config, url));
    kit_done(&out, "node");
    CHECK_MSG(strstr(out.errors, "tried again in 1 s: the chain does not know it") != NULL, "%s",
              out.errors);
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "304000000000000");
    kit_server_stop();
}

/* The bytes are asked of a store that has others. */
TEST(other_bytes_are_not_proved)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *store = test_temp_dir(), *empty = test_temp_dir();
    struct test_output out =
        network_run(n, NETWORK_OWNER, "request %s --input %s --number 1 --store %s --quiet",
                    n->model, n->input, store);
    kit_done(&out, "request");
    static const struct kit_answer other[] = {{"", "{\"X\": [[9, 9]]}"}, {NULL, NULL}};
    const char *url = kit_server_start(other, "HTTP/1.1 200 OK");
    out = node_drain(config_of(n, kit_text(",\"store\":\"%s\",\"ipfs\":\"%s\",\"limits\":{"
                                           "\"attempts\":2}",
                                           empty, url)));
    kit_done(&out, "node");
    CHECK_MSG(strstr(out.errors, "gives other bytes") != NULL, "%s", out.errors);
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "0");
    /* An answer without end. */
    out = node_drain(config_of(n, kit_text(",\"store\":\"%s\",\"ipfs\":\"%s\",\"limits\":{"
                                           "\"input_bytes\":10}",
                                           store, url)));
    kit_done(&out, "node with a small limit");
    CHECK_MSG(strstr(out.errors, "refused: ") != NULL, "%s", out.errors);
    out = node_drain(config_of(n, kit_text(",\"store\":\"%s\"", store)));
    kit_done(&out, "node with the store");
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "304000000000000");
}

/* It waits for ether, says so, and loses nothing. */
TEST(an_account_without_ether_waits)
{
    struct network *n = network_start();
    unsigned port = kit_free_port();
    const char *health = kit_text("http://127.0.0.1:%u/health", port),
               *who = n->address[NETWORK_NODE];
    struct buffer answer = {0};
    network_request(n, 0, 1);
    network_open_account(n, NETWORK_NODE);
    cJSON_Delete(network_call(n, "anvil_setBalance", kit_text("[\"%s\",\"0x0\"]", who)));
    pid_t node = node_start(config_of(n, kit_text(",\"listen\":\"127.0.0.1:%u\"", port)));
    bool says = false;
    for (int i = 0; i < 100 && !says; i++) {
        says = node_get(health, &answer) == 503 &&
               strstr(buffer_text(&answer), "send it some") != NULL;
        usleep(100000);
    }
    CHECK_MSG(says, "%s", buffer_text(&answer));
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "0");
    cJSON_Delete(
        network_call(n, "anvil_setBalance", kit_text("[\"%s\",\"0xde0b6b3a7640000\"]", who)));
    CHECK(node_earns(n, NETWORK_NODE, "304000000000000"));
    CHECK(node_wait_for(health, 200, &answer) == 200);
    CHECK(node_stop(node, SIGTERM) == 0);
    buffer_release(&answer);
}

/* Gas is dearer than the limit. */
TEST(dear_gas_is_waited_out)
{
    struct network *n = network_start();
    const char *folder = test_temp_dir(), *config = network_config(n, NETWORK_NODE, folder, "");
    network_request(n, 0, 1);
    network_open_account(n, NETWORK_NODE);
    static const char *const of_one[] = {"more than the limit of 1;", NULL},
                             *const of_none[] = {"more than the limit of 200000000000;", NULL};
    struct test_output out = kit_shell(
        "sed -i 's/\"token_per_wei\":0/\"token_per_wei\":0,\"most_wei_per_gas\":1/' %s", config);
    kit_done(&out, "sed");
    const char *said = node_until(config, false, of_one, SIGTERM);
    CHECK_MSG(strstr(said, of_one[0]) != NULL, "%s", said);
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "0");
    /* Nobody set a limit, and a gas costs 300 gwei. */
    cJSON_Delete(network_call(n, "anvil_setNextBlockBaseFeePerGas", "[\"0x45d964b800\"]"));
    cJSON_Delete(network_call(n, "evm_mine", "[]"));
    out = kit_shell("sed -i 's/,\"most_wei_per_gas\":1//' %s", config);
    kit_done(&out, "sed");
    said = node_until(config, false, of_none, SIGTERM);
    CHECK_MSG(strstr(said, of_none[0]) != NULL, "%s", said);
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "0");
    out = kit_shell(
        "sed -i 's/\"token_per_wei\":0/\"token_per_wei\":0,\"most_wei_per_gas\":0/' %s && "
        "timeout 300 $SERTN_RUN node --config %s --drain",
        config, config);
    kit_done(&out, "node");
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "304000000000000");
    /* Going back to the snapshot does not bring the price back. */
    cJSON_Delete(network_call(n, "anvil_setNextBlockBaseFeePerGas", "[\"0x3b9aca00\"]"));
    cJSON_Delete(network_call(n, "evm_mine", "[]"));
}

/* A prover that is given too little is cut off; the node lives, and gives the job up. */
TEST(a_prover_beyond_its_memory_is_cut_off)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    test_skip("sanitizers take all the address space there is");
#endif
    struct network *n = network_start();
    network_request(n, 0, 1);
    network_open_account(n, NETWORK_NODE);
    const char *more = ",\"limits\":{\"memory_bytes\":67108864,\"attempts\":1,\"threads\":64}";
    const char *folder = test_temp_dir();
    struct test_output out = node_drain(network_config(n, NETWORK_NODE, folder, more));
    kit_done(&out, "node");
    CHECK_MSG(strstr(out.errors, "refused: the prover") != NULL, "%s", out.errors);
    /* Inputs of jobs that were given up would fill the disk. */
    CHECK_U64(kit_entries(test_path(folder, "data/inputs")), 0);
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "0");
}

/* The clock was years ahead when a step failed, and was set right since. */
TEST(a_clock_that_was_ahead_holds_nothing_up)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    network_request(n, 0, 1);
    const char *folder = test_temp_dir(), *empty = test_temp_dir();
    const char *config =
        network_config(n, NETWORK_NODE, folder, kit_text(",\"store\":\"%s\"", empty));
    static const char *const taken[] = {"job 1/1: taken", NULL};
    (void)node_until(config, false, taken, SIGTERM);
    CHECK_U64(count_in(test_path(folder, "data/jobs"), 4,
                       "UPDATE job SET not_before = 4102444800, state = 1, tries = 1"
                       " RETURNING state"),
              1);
    struct test_output out = node_drain(network_config(n, NETWORK_NODE, folder, ""));
    kit_done(&out, "node");
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "304000000000000");
}

/* The disk takes one input at a time: the others wait, and none is given up. */
TEST(inputs_wait_for_room_on_the_disk)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    network_request(n, 0, 3);
    struct test_output out = node_drain(
        config_of(n, ",\"limits\":{\"input_bytes\":1000,\"disk_bytes\":1010,\"attempts\":1}"));
    kit_done(&out, "node");
    CHECK_MSG(strstr(out.errors, "inputs fill the disk up to limits.disk_bytes") != NULL, "%s",
              out.errors);
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "912000000000000");
    /* Room for none. */
    network_request(n, 3, 1);
    static const char *const full[] = {"inputs fill the disk up to limits.disk_bytes", NULL};
    const char *said =
        node_until(config_of(n, ",\"limits\":{\"input_bytes\":1000,\"disk_bytes\":999}"), false,
                   full, SIGTERM);
    CHECK_MSG(strstr(said, full[0]) != NULL && strstr(said, "fetched") == NULL, "%s", said);
}

/* Years of transactions leave the journal, and the account goes on with its nonces. */
TEST(a_journal_is_no_longer_than_told)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    cJSON_Delete(network_call(n, "anvil_setNonce",
                              kit_text("[\"%s\",\"0x190\"]", n->address[NETWORK_NODE])));
    const char *folder = test_temp_dir(), *journal = test_path(folder, "data/journal");
    const char *config =
        network_config(n, NETWORK_NODE, folder, ",\"limits\":{\"ended_transactions\":256}");
    network_request(n, 0, 1);
    struct test_output out = node_drain(config);
    kit_done(&out, "node");
    (void)count_in(journal, 1,
                   "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE"
                   " i < 399) INSERT INTO entry(chain, sender, name, nonce, state)"
                   " SELECT chain, sender, 'old ' || i, i, 1 FROM n, entry"
                   " WHERE nonce = 400 RETURNING id");
    CHECK_U64(count_in(journal, 1, "SELECT COUNT(*) FROM entry"), 401);
    network_request(n, 1, 1);
    out = node_drain(config);
    kit_done(&out, "node with a long journal");
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "608000000000000");
    CHECK_U64(count_in(journal, 1, "SELECT COUNT(*) FROM entry WHERE state <> 0"), 256);
    CHECK_U64(count_in(journal, 1, "SELECT MAX(nonce) FROM entry"), 401);
    network_request(n, 2, 1);
    out = node_drain(config);
    kit_done(&out, "node");
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "912000000000000");
}

/* Who serves a model no more sends no batch of it, and keeps none. */
TEST(a_batch_of_a_model_that_is_not_served_is_given_up)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *folder = test_temp_dir(), *jobs = test_path(folder, "data/jobs");
    const char *config = network_config(n, NETWORK_NODE, folder, "");
    struct test_output out = node_drain(config);
    kit_done(&out, "node");
    (void)count_in(jobs, 4, "INSERT INTO batch(model, name) VALUES(9, 'settle 2') RETURNING id");
    out = node_drain(config);
    kit_done(&out, "node");
    CHECK_U64(count_in(jobs, 4, "SELECT COUNT(*) FROM batch"), 0);
}

/* A job that is seen to be paid asks for its transaction no more: it is settled all the same, when
 * blocks stand on it. */
TEST(what_was_mined_is_open_no_longer)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *folder = test_temp_dir(), *journal = test_path(folder, "data/journal");
    const char *open = "SELECT COUNT(*) FROM entry WHERE state = 0";
    network_request(n, 0, 2);
    pid_t node = node_start_unmined(
        n, network_config(n, NETWORK_NODE, folder, ",\"confirmations\":2,\"batch\":{\"jobs\":1}"),
        2);
    cJSON_Delete(network_call(n, "evm_setAutomine", "[true]"));
    cJSON_Delete(network_call(n, "evm_mine", "[]"));
    CHECK(node_earns(n, NETWORK_NODE, "608000000000000"));
    usleep(1000000);
    CHECK_U64(count_in(journal, 1, open), 2);
    cJSON_Delete(network_call(n, "anvil_mine", "[\"0x3\"]"));
    uint64_t count = 2;
    for (int i = 0; i < 100 && count != 0; i++) {
        usleep(100000);
        count = count_in(journal, 1, open);
    }
    CHECK_U64(count, 0);
    CHECK(node_stop(node, SIGTERM) == 0);
}

/* The small disk of the next case, which may end early. */
static char mounted[600];

static void unmount(void)
{
    if (mounted[0] != '\0' && umount2(mounted, MNT_DETACH) == 0)
        mounted[0] = '\0';
}

/* Nothing is done that cannot be written down; when there is room again it goes on. */
TEST(a_full_disk_is_waited_out)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *folder = test_temp_dir(), *data = test_path(folder, "data");
    unsigned port = kit_free_port();
    const char *health = kit_text("http://127.0.0.1:%u/health", port);
    struct buffer answer = {0};
    struct test_output out =
        kit_shell("mkdir %s && mount -t tmpfs -o size=300k tmpfs %s", data, data);
    if (out.exit_status != 0)
        test_skip("a small disk takes the right to mount one");
    snprintf(mounted, sizeof mounted, "%s", data);
    atexit(unmount);
    const char *fill = kit_text("dd if=/dev/zero of=%s/fill bs=1k 2>/dev/null; true", data);
    const char *config =
        network_config(n, NETWORK_NODE, folder, kit_text(",\"listen\":\"127.0.0.1:%u\"", port));
    out = kit_shell("%s", fill);
    out = node_drain(config);
    kit_refused(&out, 3, NULL, "no room at the start");
    out = kit_shell("rm %s/fill", data);
    pid_t node = node_start(config);
    CHECK(node_wait_for(health, 200, &answer) == 200);
    out = kit_shell("%s", fill);
    network_request(n, 0, 1);
    CHECK(node_wait_for(health, 503, &answer) == 503);
    CHECK_MSG(strstr(buffer_text(&answer), "full") != NULL ||
                  strstr(buffer_text(&answer), "No space") != NULL,
              "%s", buffer_text(&answer));
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "0");
    out = kit_shell("rm %s/fill", data);
    CHECK(node_earns(n, NETWORK_NODE, "304000000000000"));
    CHECK(node_wait_for(health, 200, &answer) == 200);
    CHECK(node_stop(node, SIGTERM) == 0);
    unmount();
    buffer_release(&answer);
}

/* A node that is started, paid once more and stopped: how many seconds the pay takes, and the end.
 */
struct node_times {
    double paid, stopped;
};

static struct node_times node_timed(const struct network *n, const char *config, const char *earned)
{
    double start = machine_seconds();
    pid_t node = node_start(config);
    CHECK(node_earns(n, NETWORK_NODE, earned));
    double paid = machine_seconds();
    CHECK(node_stop(node, SIGTERM) == 0);
    return (struct node_times){paid - start, machine_seconds() - paid};
}

/* Inputs that are served slowly on purpose: each takes a bounded time, 74 seconds here, and what
 * can be done meanwhile is done, in the time it takes where nothing is slow, and so is the end. */
TEST(slow_inputs_hold_nobody_up)
{
    enum { SLOW = 6 };
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *slow = test_temp_dir(), *store = test_temp_dir(), *folder = test_temp_dir();
    const char *config = network_config(
        n, NETWORK_NODE, folder,
        kit_text(",\"store\":\"%s\",\"ipfs\":\"%s\",\"limits\":{\"input_bytes\":16777216}", store,
                 kit_drip_start(200)));
    struct node_times usual = {0}, beside = {0};
    for (int i = 0; i <= SLOW + 1; i++) {
        const char *input = kit_text("%s/in_%d.json", folder, i);
        const char *text = kit_text("{\"X\": [[%d.0, 1.5]]}", i % 4 + 1 + i / 4);
        kit_write(input, text, strlen(text));
        struct test_output out = network_run(
            n, NETWORK_OWNER, "request %s --input %s --number 1 --store %s --name job%d --quiet",
            n->model, input, i == 0 || i > SLOW ? store : slow, i);
        kit_done(&out, "request");
        if (i == 0)
            usual = node_timed(n, config, "304000000000000");
    }
    beside = node_timed(n, config, "608000000000000");
    /* The machine may be busy with others: the usual time is as busy as this one. */
    double most = 2 * (usual.paid + usual.stopped) + 2.5;
    CHECK_MSG(beside.paid < most, "%.1f s, else %.1f s", beside.paid, usual.paid);
    CHECK_MSG(beside.stopped < most, "%.1f s, else %.1f s", beside.stopped, usual.stopped);
    kit_server_stop();
}

/* More of them than are fetched at a time: all have their turn, and those that are served are paid.
 */
TEST(inputs_are_fetched_in_turn)
{
    enum { SLOW = 5, GOOD = 6 };
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *store = test_temp_dir(), *empty = test_temp_dir(), *folder = test_temp_dir();
    struct kit_answer answers[SLOW + GOOD + 1] = {{NULL, NULL}};
    struct test_output out;
    for (int i = 0; i < SLOW + GOOD; i++) {
        const char *input = kit_text("%s/in_%d.json", folder, i);
        const char *text = kit_text("{\"X\": [[%d.0, 1.5]]}", i + 1);
        kit_write(input, text, strlen(text));
        out = network_run(n, NETWORK_OWNER,
                          "request %s --input %s --number 1 --store %s --name job%d --quiet",
                          n->model, input, store, i);
        kit_done(&out, "request");
        out = kit_shell("ls -t %s | head -n 1 | tr -d '\\n'", store);
        kit_done(&out, "the newest");
        struct buffer stored = kit_read(kit_text("%s/%s", store, out.text));
        answers[i] = (struct kit_answer){
            kit_text("%s", out.text),
            i < SLOW ? NULL : kit_text("%.*s", (int)stored.count, (const char *)stored.data)};
        buffer_release(&stored);
    }
    const char *url = kit_server_start(answers, "HTTP/1.1 200 OK"),
               *config = network_config(n, NETWORK_NODE, folder,
                                        kit_text(",\"store\":\"%s\",\"ipfs\":\"%s\"", empty, url));
    out = node_drain(config);
    kit_done(&out, "node");
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "1824000000000000");
    for (int i = 0; i < SLOW; i++)
        CHECK_MSG(strstr(out.errors, kit_text("job 1/%d: refused: ", i + 1)) != NULL, "%s",
                  out.errors);
    CHECK_U64(kit_entries(test_path(folder, "data/inputs")), 0);
    kit_server_stop();
}
