/* label: prover checked network libs: sertn_3rd_cjson */
/*
 * The node on a real anvil: it serves what it is given and what pays, takes over what others miss,
 * tells how it is, and says in a sentence what is wrong with its surroundings.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/programs/node_kit.h"

/* Without nodes in its pool a job is anybody's. */
TEST(a_node_serves_an_open_market)
{
    struct network *n = network_start();
    network_request(n, 0, 3);
    network_open_account(n, NETWORK_NODE);
    struct test_output out = node_drain(network_config(n, NETWORK_NODE, test_temp_dir(), ""));
    kit_done(&out, "node");
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "912000000000000");
}

TEST(a_node_serves_what_its_pool_gives_it_and_frees_its_stake)
{
    struct network *n = network_start();
    network_join(n, NETWORK_NODE, 4096);
    network_request(n, 0, 2);
    struct test_output out = node_drain(network_config(n, NETWORK_NODE, test_temp_dir(), ""));
    kit_done(&out, "node");
    CHECK(strstr(out.errors, "was given to a node") != NULL);
    CHECK(strstr(out.errors, "assignment released") != NULL);
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "608000000000000");
    /* operator, stake, unbonding, unbondsAt, locked, committed, missed, served */
    struct test_output node = kit_shell(
        "%s call --rpc-url %s %s "
        "'nodeOf(address)((address,uint96,uint96,uint40,uint96,uint64,uint32,uint32))' %s",
        kit_tool("cast"), n->url, n->pools, n->address[NETWORK_NODE]);
    CHECK_MSG(strstr(node.text, ", 0, 0, 0, 4096, 0, 2)") != NULL, "%s", node.text);
}

/* The hot key signs, and another address is paid; it has no account, and takes all at once. */
TEST(a_node_may_prove_for_a_cold_address)
{
    struct network *n = network_start();
    network_request(n, 0, 2);
    const char *more = kit_text(",\"prover\":\"%s\"", n->address[NETWORK_NODE_2]);
    struct test_output out = node_drain(network_config(n, NETWORK_NODE, test_temp_dir(), more));
    kit_done(&out, "node");
    CHECK_TEXT(node_earned(n, NETWORK_NODE_2), "0");
    out = network_run(n, NETWORK_NODE, "claim --json");
    kit_done(&out, "claim with the hot key");
    CHECK(strstr(out.text, "\"withdrawn\":\"0\"") != NULL);
    out = network_run(n, NETWORK_NODE_2, "claim --json");
    kit_done(&out, "claim with the cold key");
    CHECK_MSG(strstr(out.text, "\"withdrawn\":\"608000000000000\"") != NULL, "%s", out.text);
}

/* One node falls with the job in its hands; the other takes it, and the reporter's part. */
TEST(what_a_dead_node_leaves_another_takes_over)
{
    struct network *n = network_start();
    network_join(n, NETWORK_NODE, 4096);
    network_request(n, 0, 1);
    /* Nobody runs the node that is given the job. */
    network_send(n, NETWORK_OWNER, n->pools, "assign(uint256)", "1");
    network_join(n, NETWORK_NODE_2, 4096);
    struct test_output out = node_drain(network_config(n, NETWORK_NODE_2, test_temp_dir(), ""));
    kit_done(&out, "node");
    CHECK(strstr(out.errors, "was missed by another node") != NULL);
    CHECK_TEXT(node_earned(n, NETWORK_NODE_2), "304000000000000");
    CHECK_TEXT(network_ask(n, n->pools, "claimable(address)(uint256)", n->address[NETWORK_NODE_2]),
               "32000000000000");
}

TEST(work_that_does_not_pay_is_refused_and_given_back)
{
    struct network *n = network_start();
    network_join(n, NETWORK_NODE, 4096);
    network_request(n, 0, 1);
    const char *folder = test_temp_dir(), *config = network_config(n, NETWORK_NODE, folder, "");
    struct test_output out = kit_shell(
        "sed -i 's/\"token_per_wei\":0/\"token_per_wei\":1000/' %s && timeout 300 $SERTN_RUN node "
        "--config %s --drain",
        config, config);
    kit_done(&out, "node");
    CHECK_MSG(strstr(out.errors, "does not pay") != NULL, "%s", out.errors);
    CHECK_MSG(strstr(out.errors, "assignment declined") != NULL, "%s", out.errors);
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "0");
}

/* Why a node does not take a job that nothing pays for. */
static const char *refusal_of(const struct network *n)
{
    const char *config = network_config(n, NETWORK_NODE, test_temp_dir(), "");
    struct test_output out = kit_shell("sed -i 's/\"token_per_wei\":0/\"token_per_wei\":1e9/' %s "
                                       "&& timeout 60 $SERTN_RUN node --config "
                                       "%s --drain 2>&1 | grep -o '[0-9]* gas at'",
                                       config, config);
    kit_done(&out, "node");
    return kit_text("%s", out.text);
}

/* The owner's report is one of the files that anybody can write. */
TEST(what_the_owner_says_of_gas_is_not_believed)
{
    struct network *n = network_start();
    network_request(n, 0, 1);
    const char *honest = refusal_of(n), *path = kit_text("%s/public/report.json", n->model);
    CHECK_MSG(strlen(honest) > 10, "%s", honest);
    struct test_output out =
        kit_shell("cp %s %s.kept && sed -i 's/\"gas\": *[0-9.]*/\"gas\":100001/' %s "
                  "&& ! cmp -s %s %s.kept",
                  path, path, path, path, path);
    kit_done(&out, "another report");
    CHECK_TEXT(refusal_of(n), honest);
    out = kit_shell("mv %s.kept %s", path, path);
    kit_done(&out, "mv");
}

/* An input that is not what was committed to, and one that is none, cost no gas. */
TEST(what_cannot_be_proved_is_refused)
{
    struct network *n = network_start();
    /* keccak256("{}"), and commitments of nobody: request by hand. */
    network_send(n, NETWORK_OWNER, n->token, "approve(address,uint256)",
                 kit_text("%s 1000000000000000000", n->market));
    network_send(n, NETWORK_OWNER, n->market, "deposit(address,uint256)",
                 kit_text("%s 1000000000000000000", n->address[NETWORK_OWNER]));
    cJSON *block = network_call(n, "eth_getBlockByNumber", "[\"latest\",false]");
    const cJSON *time = cJSON_GetObjectItem(block, "timestamp");
    unsigned long long deadline = strtoull(time->valuestring, NULL, 16) + 7200;
    cJSON_Delete(block);
    network_send(
        n, NETWORK_OWNER, n->market,
        "request((uint256,bytes,bytes32,bytes32,uint16,uint8,uint256,address,uint32,uint40,"
        "uint96))",
        kit_text("\"(1,0x7b7d,$(%s keccak 0x7b7d),$(%s keccak 0x00),0,0,0,"
                 "0x0000000000000000000000000000000000000000,0,%llu,1000000000000000000)\"",
                 kit_tool("cast"), kit_tool("cast"), deadline));
    network_send(
        n, NETWORK_OWNER, n->market,
        "request((uint256,bytes,bytes32,bytes32,uint16,uint8,uint256,address,uint32,uint40,"
        "uint96))",
        kit_text("\"(1,0x6e6f,$(%s keccak 0x7b7d),$(%s keccak 0x00),0,60,0,"
                 "0x0000000000000000000000000000000000000000,0,%llu,1000000000000000000)\"",
                 kit_tool("cast"), kit_tool("cast"), deadline));
    struct test_output out = node_drain(
        network_config(n, NETWORK_NODE, test_temp_dir(), ",\"limits\":{\"attempts\":2}"));
    kit_done(&out, "node");
    CHECK_MSG(strstr(out.errors, "job 1/1: refused: the job takes 0 words") != NULL, "%s",
              out.errors);
    CHECK_MSG(strstr(out.errors, "job 1/2: refused: 'no' is no address") != NULL, "%s", out.errors);
    CHECK_TEXT(node_sent(n, "latest"), "0x0");
}

/* ---- health --------------------------------------------------------------------------------- */

TEST(health_and_metrics_tell_how_it_is)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    unsigned port = kit_free_port();
    const char *base = kit_text("http://127.0.0.1:%u", port);
    struct buffer answer = {0};
    network_request(n, 0, 1);
    pid_t node = node_start(network_config(n, NETWORK_NODE, test_temp_dir(),
                                           kit_text(",\"listen\":\"127.0.0.1:%u\"", port)));
    CHECK(node_wait_for(kit_text("%s/health", base), 200, &answer) == 200);
    CHECK_TEXT(buffer_text(&answer), "ok\n");
    CHECK(node_earns(n, NETWORK_NODE, "304000000000000"));
    static const char *const lines[] = {"# TYPE sertn_node_jobs gauge\n",
                                        "sertn_node_jobs{state=\"paid\"} 1\n", "sertn_node_up 1\n",
                                        "sertn_node_proofs_total 1\n",
                                        "sertn_node_earned_total 304000000000000\n"};
    /* The chain knows it before the node does. */
    bool shown = false;
    for (int i = 0; i < 300 && !shown; i++) {
        usleep(100000);
        shown = node_get(kit_text("%s/metrics", base), &answer) == 200 &&
                strstr(buffer_text(&answer), lines[1]) != NULL;
    }
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        CHECK_MSG(strstr(buffer_text(&answer), lines[i]) != NULL, "no '%s' in %s", lines[i],
                  buffer_text(&answer));
    CHECK(node_get(kit_text("%s/etc/passwd", base), &answer) == 404);
    CHECK(node_stop(node, SIGTERM) == 0);
    buffer_release(&answer);
}

/* ---- the chain ------------------------------------------------------------------------------ */

/* A connection from one of the addresses of this machine, on which `text` was sent; -1 for none. */
static int connect_from(uint32_t from, unsigned port, const char *text)
{
    struct sockaddr_in source = {.sin_family = AF_INET}, to = source;
    struct timeval patience = {5, 0};
    source.sin_addr.s_addr = htonl(from);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)port);
    int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
                bind(peer, (struct sockaddr *)&source, sizeof source) == 0 &&
                connect(peer, (struct sockaddr *)&to, sizeof to) == 0 &&
                send(peer, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
    if (!good)
        close(peer);
    return good ? peer : -1;
}

/* Who opens connections and says nothing on them keeps nobody else from looking; neither does a
 * request without end. */
TEST(slow_and_endless_clients_keep_nobody_out)
{
    enum { MANY = 40 };
    struct network *n = network_start();
    unsigned port = kit_free_port();
    const char *folder = test_temp_dir();
    struct buffer answer = {0};
    int slow[MANY];
    char said[100] = "";
    pid_t node = node_start(
        network_config(n, NETWORK_NODE, folder, kit_text(",\"listen\":\"127.0.0.1:%u\"", port)));
    CHECK(node_wait_for(kit_text("http://127.0.0.1:%u/health", port), 200, &answer) == 200);
    for (int i = 0; i < MANY; i++)
        slow[i] = connect_from(INADDR_LOOPBACK, port, "GET /health HTTP/1.1\r\nX-Slow: ");
    int other = connect_from(INADDR_LOOPBACK + 1, port,
                             "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(other >= 0 && recv(other, said, sizeof said - 1, 0) > 0);
    CHECK_MSG(strncmp(said, "HTTP/1.1 200", 12) == 0, "%s", said);
    close(other);
    char *endless = malloc(1 << 20);
    memset(endless, 'a', 1 << 20);
    memcpy(endless, "GET /", 5);
    endless[(1 << 20) - 1] = '\0';
    other = connect_from(INADDR_LOOPBACK + 2, port, endless);
    ssize_t count = other < 0 ? 0 : recv(other, said, sizeof said - 1, 0);
    CHECK_MSG(count <= 0 || strncmp(said, "HTTP/1.1 4", 10) == 0, "%s", said);
    if (other >= 0)
        close(other);
    free(endless);
    for (int i = 0; i < MANY; i++) {
        if (slow[i] >= 0)
            close(slow[i]);
    }
    CHECK(node_wait_for(kit_text("http://127.0.0.1:%u/metrics", port), 200, &answer) == 200);
    CHECK(node_stop(node, SIGTERM) == 0);
    buffer_release(&answer);
}

/* Payment and request leave the chain, and the request comes back. */
TEST(blocks_that_are_taken_back_are_served_again)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *folder = test_temp_dir();
    network_request(n, 0, 1);
    const char *mark = network_mark(n);
    pid_t node = node_start(network_config(n, NETWORK_NODE, folder, ""));
    CHECK(node_earns(n, NETWORK_NODE, "304000000000000"));
    network_go_back(n, mark);
    cJSON_Delete(network_call(n, "anvil_mine", "[\"0x5\"]"));
    CHECK(node_earns(n, NETWORK_NODE, "304000000000000"));
    /* A reorganisation with the transactions of nobody. */
    cJSON_Delete(network_call(n, "anvil_mine", "[\"0x2\"]"));
    cJSON_Delete(network_call(n, "anvil_reorg", "[7, []]"));
    network_request(n, 1, 1);
    CHECK(node_earns(n, NETWORK_NODE, "608000000000000"));
    CHECK(node_stop(node, SIGTERM) == 0);
}

/* ---- what is wrong with the surroundings ---------------------------------------------------- */

TEST(a_wrong_configuration_is_refused)
{
    struct network *n = network_start();
    const char *folder = test_temp_dir(), *config = network_config(n, NETWORK_NODE, folder, "");
    static const char *const cases[][2] = {
        {"s/\"chain_id\":31337/\"chain_id\":1/", "names chain 1"},
        {"s/\"poll_ms\"/\"pol_ms\"/", "'pol_ms' is not known"},
        {"s/\"poll_ms\":50/\"poll_ms\":1/", "takes a whole number from 50"},
        {"s/\"data\":\"data\",//", "'data' is missing"},
        {"s/\"economics\":{.*}//; s/,$/}/", "economics"},
        {"s/\"number\":1/\"number\":9/", "no model 9"},
        {"s/^{/{{/", "is no JSON"},
        {"s/\"password_file\":\"[^\"]*\"/\"password_file\":\"node.json\"/", "password"},
        {"s/\"market\":\"0x..../\"market\":\"0x0000/", "there is no market"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *bad = test_path(folder, "bad.json");
        struct test_output out =
            kit_shell("sed '%s' %s >%s && timeout 300 $SERTN_RUN node --config %s --drain",
                      cases[i][0], config, bad, bad);
        kit_refused(&out, 2, cases[i][1], cases[i][0]);
    }
    struct test_output out = kit_shell("$SERTN_RUN node");
    kit_refused(&out, 2, "--config", "no configuration");
    out = kit_shell("$SERTN_RUN work %s </dev/null", n->model);
    kit_refused(&out, 2, "a node starts for itself", "work by hand");
}

TEST(two_nodes_do_not_share_a_data_folder)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *folder = test_temp_dir(), *config = network_config(n, NETWORK_NODE, folder, "");
    network_request(n, 0, 1);
    pid_t node = node_start(config);
    CHECK(node_earns(n, NETWORK_NODE, "304000000000000"));
    struct test_output out = node_drain(config);
    kit_refused(&out, 2, "another node uses", "a second node");
    CHECK(node_stop(node, SIGKILL) == 128 + SIGKILL);
    out = node_drain(config);
    kit_done(&out, "after it");
    /* What a killed node's child holds for a while is waited for. */
    out = kit_shell("(flock 9; sleep 2) 9>%s & sleep 0.5; timeout 300 $SERTN_RUN node --config %s "
                    "--drain; status=$?; wait; exit $status",
                    test_path(folder, "data/lock"), config);
    kit_done(&out, "while somebody still holds it");
}

/* Jobs of another market have the same numbers: its folder is another one. */
TEST(a_data_folder_is_of_one_market)
{
    struct network *n = network_start();
    const struct network twin = network_twin(n);
    const char *folder = test_temp_dir();
    network_open_account(n, NETWORK_NODE);
    network_request(n, 0, 1);
    network_request(&twin, 0, 1);
    struct test_output out = node_drain(network_config(n, NETWORK_NODE, folder, ""));
    kit_done(&out, "node");
    out = node_drain(network_config(&twin, NETWORK_NODE, folder, ""));
    kit_refused(&out, 2, "each market takes a data folder of its own", "another market");
    out = node_drain(network_config(n, NETWORK_NODE, folder, ""));
    kit_done(&out, "the first market again");
    out = node_drain(network_config(&twin, NETWORK_NODE, test_temp_dir(), ""));
    kit_done(&out, "another folder");
    out = kit_shell("$SERTN_RUN status 1/1 --rpc %s --market %s", twin.url, twin.market);
    CHECK_MSG(strstr(out.text, "state: paid") != NULL, "%s", out.text);
}

/* The short form of node_kill_test.c: some of its writes. */
TEST(a_node_killed_at_a_write_loses_nothing)
{
    CHECK(node_kill_at_every_write(2, ",\"batch\":{\"jobs\":2}", "2 jobs of model 1",
                                   1 + (unsigned)test_random_below(20), 40) > 0);
}
