/* label: prover network libs: sertn_3rd_cjson */
/*
 * Proofs that a node hands in together, on a real anvil: when they wait and when they go, what they
 * cost beside single ones, and what becomes of those that the market refuses.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/programs/node_kit.h"

/* Transactions of the node that were mined, and their gas, block by block. */
static unsigned long long gas_of(const struct network *n, unsigned *transactions)
{
    cJSON *head = network_call(n, "eth_blockNumber", "[]");
    unsigned long long last = strtoull(head->valuestring, NULL, 16), sum = 0;
    cJSON_Delete(head);
    *transactions = 0;
    for (unsigned long long block = 0; block <= last; block++) {
        cJSON *receipts = network_call(n, "eth_getBlockReceipts", kit_text("[\"0x%llx\"]", block));
        const cJSON *receipt;
        cJSON_ArrayForEach(receipt, receipts)
        {
            const cJSON *from = kit_member(receipt, "from"), *gas = kit_member(receipt, "gasUsed");
            if (strcasecmp(from->valuestring, n->address[NETWORK_NODE]) == 0) {
                sum += strtoull(gas->valuestring, NULL, 16);
                ++*transactions;
            }
        }
        cJSON_Delete(receipts);
    }
    return sum;
}

TEST(four_proofs_go_in_one_transaction_for_three_fifths_of_the_gas)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    unsigned transactions;
    network_request(n, 0, 4);
    const char *mark = network_mark(n);
    struct test_output out =
        node_drain(network_config(n, NETWORK_NODE, test_temp_dir(), ",\"batch\":{\"jobs\":1}"));
    kit_done(&out, "one by one");
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "1216000000000000");
    unsigned long long single = gas_of(n, &transactions);
    CHECK_U64(transactions, 4);
    network_go_back(n, mark);
    out = node_drain(network_config(n, NETWORK_NODE, test_temp_dir(),
                                    ",\"batch\":{\"jobs\":4,\"seconds\":600}"));
    kit_done(&out, "together");
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "1216000000000000");
    unsigned long long together = gas_of(n, &transactions);
    CHECK_U64(transactions, 1);
    CHECK_MSG(together * 5 < single * 3, "%llu gas together, %llu one by one", together, single);
    printf("%llu gas together, %llu one by one\n", together, single);
    /* What it says it saved is what the chain says, but for what estimates are off. */
    const char *said = strstr(out.errors, "4 jobs of model 1 were paid together: ");
    REQUIRE(said != NULL);
    unsigned long long used, less;
    REQUIRE(sscanf(said + 38, "%llu gas, %llu less", &used, &less) == 2);
    CHECK_U64(used, together);
    CHECK_MSG(less + used < single + single / 20 && less + used > single - single / 20,
              "it says %llu less than %llu", less, single);
}

/* Two and two as they are ready, and the last one alone. */
TEST(more_proofs_than_a_batch_takes_go_in_several)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    unsigned transactions;
    network_request(n, 0, 5);
    struct test_output out = node_drain(
        network_config(n, NETWORK_NODE, test_temp_dir(),
                       ",\"limits\":{\"workers\":2},\"batch\":{\"jobs\":2,\"seconds\":600}"));
    kit_done(&out, "node");
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "1520000000000000");
    (void)gas_of(n, &transactions);
    CHECK_MSG(transactions == 3, "%u transactions: %s", transactions, out.errors);
}

/* They wait for more, until one comes near its deadline. */
TEST(proofs_wait_for_others_but_not_into_their_deadline)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    unsigned port = kit_free_port(), transactions;
    const char *metrics = kit_text("http://127.0.0.1:%u/metrics", port);
    struct buffer answer = {0};
    network_request(n, 0, 2);
    pid_t node = node_start(network_config(
        n, NETWORK_NODE, test_temp_dir(),
        kit_text(",\"listen\":\"127.0.0.1:%u\",\"batch\":{\"seconds\":3600}", port)));
    bool proved = false;
    for (int i = 0; i < 300 && !proved; i++) {
        usleep(100000);
        proved = node_get(metrics, &answer) == 200 &&
                 strstr(buffer_text(&answer), "sertn_node_jobs{state=\"proved\"} 2\n") != NULL;
    }
    CHECK(proved);
    usleep(1000000);
    CHECK_TEXT(node_sent(n, "latest"), "0x0");
    network_pass_time(n, 7150);
    CHECK(node_earns(n, NETWORK_NODE, "608000000000000"));
    (void)gas_of(n, &transactions);
    CHECK_U64(transactions, 1);
    static const char *const lines[] = {"sertn_node_batches_total 1\n",
                                        "sertn_node_batched_jobs_total 2\n"};
    bool shown = false;
    for (int i = 0; i < 100 && !shown; i++) {
        usleep(100000);
        shown = node_get(metrics, &answer) == 200 && strstr(buffer_text(&answer), lines[0]) != NULL;
    }
    CHECK_MSG(shown && strstr(buffer_text(&answer), lines[1]) != NULL, "%s", buffer_text(&answer));
    CHECK(node_stop(node, SIGTERM) == 0);
    buffer_release(&answer);
}

TEST(proofs_wait_no_longer_than_told)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    network_request(n, 0, 1);
    pid_t node =
        node_start(network_config(n, NETWORK_NODE, test_temp_dir(), ",\"batch\":{\"seconds\":4}"));
    CHECK(node_earns(n, NETWORK_NODE, "304000000000000"));
    CHECK(node_stop(node, SIGTERM) == 0);
}

/* Proofs that wait make room for those behind them, which might be late. */
TEST(more_proofs_than_may_wait_wait_no_longer)
{
#ifndef SERTN_CHECKED
    test_skip("this build lets 256 proofs wait, the checked one 8");
#endif
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    network_request(n, 0, 9);
    pid_t node = node_start(network_config(n, NETWORK_NODE, test_temp_dir(),
                                           ",\"batch\":{\"jobs\":64,\"seconds\":3600}"));
    CHECK(node_earns(n, NETWORK_NODE, "2432000000000000"));
    CHECK(node_stop(node, SIGTERM) == 0);
}

/* The batch was sent and dropped by the chain's nodes, the node killed; meanwhile the jobs became
 * another node's. The batch is refused, and they go alone when that node has missed them. */
TEST(what_a_batch_is_refused_for_is_read_from_events_and_goes_alone)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *config =
        network_config(n, NETWORK_NODE, test_temp_dir(), ",\"batch\":{\"jobs\":2,\"seconds\":600}");
    network_request(n, 0, 2);
    node_kill_unmined(n, node_start_unmined(n, config, 1));
    network_join(n, NETWORK_NODE_2, 4096);
    for (int i = 0; i < 2; i++)
        network_send(n, NETWORK_OWNER, n->pools, "assign(uint256)", "1");
    static const char *const sentences[] = {
        "job 1/1: was refused in a batch and goes alone: Reserved",
        "job 1/2: was refused in a batch and goes alone: Reserved", NULL};
    const char *said = node_until(config, true, sentences, SIGKILL);
    for (int i = 0; i < 2; i++)
        CHECK_MSG(strstr(said, sentences[i]) != NULL, "%s", said);
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "0");
    network_pass_time(n, 1300);
    struct test_output out = node_drain(config);
    kit_done(&out, "after the other's time");
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "608000000000000");
}

/* The block of a batch leaves the chain, and the same batch is sent again. */
TEST(a_batch_whose_block_is_taken_back_is_paid_again)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    unsigned transactions;
    network_request(n, 0, 2);
    const char *mark = network_mark(n);
    pid_t node = node_start(network_config(n, NETWORK_NODE, test_temp_dir(),
                                           ",\"batch\":{\"jobs\":2,\"seconds\":600}"));
    CHECK(node_earns(n, NETWORK_NODE, "608000000000000"));
    network_go_back(n, mark);
    cJSON_Delete(network_call(n, "anvil_mine", "[\"0x5\"]"));
    CHECK(node_earns(n, NETWORK_NODE, "608000000000000"));
    (void)gas_of(n, &transactions);
    CHECK_U64(transactions, 1);
    /* A reorganisation without the transactions of anybody. */
    cJSON_Delete(network_call(n, "anvil_mine", "[\"0x2\"]"));
    cJSON_Delete(network_call(n, "anvil_reorg", "[4, []]"));
    cJSON_Delete(network_call(n, "anvil_mine", "[\"0x2\"]"));
    CHECK(node_earns(n, NETWORK_NODE, "608000000000000"));
    CHECK(node_stop(node, SIGTERM) == 0);
}

/* Another was faster with one of them: the other one is paid by the same batch. */
TEST(one_that_another_answered_does_no_harm_to_the_rest)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    network_open_account(n, NETWORK_NODE_2);
    unsigned transactions;
    const char *config =
        network_config(n, NETWORK_NODE, test_temp_dir(), ",\"batch\":{\"jobs\":2,\"seconds\":600}");
    network_request(n, 0, 2);
    node_kill_unmined(n, node_start_unmined(n, config, 1));
    struct test_output out = network_run(n, NETWORK_NODE_2, "submit %s 1/1 --quiet", n->model);
    kit_done(&out, "the other's answer");
    out = node_drain(config);
    kit_done(&out, "node");
    CHECK_MSG(strstr(out.errors, "1 jobs of model 1 were paid together") != NULL, "%s", out.errors);
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "304000000000000");
    CHECK_TEXT(node_earned(n, NETWORK_NODE_2), "304000000000000");
    (void)gas_of(n, &transactions);
    CHECK_U64(transactions, 1);
}

/* Destinations that burn all they are given leave enough for those behind them. */
TEST(callbacks_of_strangers_do_not_starve_a_batch)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    static const char burner[] = "0x00000000000000000000000000000000b0b0b0b0";
    unsigned transactions;
    cJSON_Delete(network_call(n, "anvil_setCode", kit_text("[\"%s\",\"0x5b5f56\"]", burner)));
    for (int i = 0; i < 2; i++) {
        struct test_output out = network_run(
            n, NETWORK_OWNER,
            "request %s --input %s --number 1 --name b%d --destination %s --callback-gas 400000 "
            "--deadline 7200 --quiet",
            n->model, n->input, i, burner);
        kit_done(&out, "request");
    }
    struct test_output out = node_drain(network_config(n, NETWORK_NODE, test_temp_dir(),
                                                       ",\"batch\":{\"jobs\":2,\"seconds\":600}"));
    kit_done(&out, "node");
    CHECK_MSG(strstr(out.errors, "2 jobs of model 1 were paid together") != NULL, "%s", out.errors);
    CHECK(gas_of(n, &transactions) > 800000);
    CHECK_U64(transactions, 1);
}

/* Proofs wait out a pause, however long; nothing is given up. */
TEST(a_pause_of_the_market_is_waited_out)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    static const char guardian[] = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    unsigned port = kit_free_port(), transactions;
    const char *health = kit_text("http://127.0.0.1:%u/health", port);
    struct buffer answer = {0};
    network_request(n, 0, 2);
    struct test_output out =
        kit_shell("%s send --rpc-url %s --unlocked --from %s %s 'pause()' >/dev/null",
                  kit_tool("cast"), n->url, guardian, n->market);
    kit_done(&out, "pause");
    pid_t node = node_start(network_config(
        n, NETWORK_NODE, test_temp_dir(),
        kit_text(",\"listen\":\"127.0.0.1:%u\",\"limits\":{\"attempts\":1},\"batch\":{\"jobs\":2,"
                 "\"seconds\":600}",
                 port)));
    bool waits = false;
    for (int i = 0; i < 300 && !waits; i++) {
        usleep(100000);
        waits = node_get(health, &answer) == 503 &&
                strstr(buffer_text(&answer), "the market is paused") != NULL;
    }
    CHECK(waits);
    usleep(2000000);
    out = kit_shell("%s send --rpc-url %s --unlocked --from %s %s 'unpause()' >/dev/null",
                    kit_tool("cast"), n->url, guardian, n->market);
    kit_done(&out, "unpause");
    CHECK(node_earns(n, NETWORK_NODE, "608000000000000"));
    CHECK(node_wait_for(health, 200, &answer) == 200);
    (void)gas_of(n, &transactions);
    CHECK_U64(transactions, 1);
    CHECK(node_stop(node, SIGTERM) == 0);
    buffer_release(&answer);
}
