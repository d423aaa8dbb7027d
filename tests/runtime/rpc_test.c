/* label: fast libs: sertn_3rd_cjson */
/*
 * JSON-RPC with servers that are no good nodes: each failure is one sentence that names the node,
 * and nothing of what a stranger says reaches a terminal as it is.
 */
#include "runtime/endpoints.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/machine.h"
#include "tests/harness/harness.h"
#include "tests/runtime/server_kit.h"

static enum status ask(struct server *server, const char *body, struct diag *diag)
{
    struct rpc rpc;
    uint64_t value = 0;
    memset(diag, 0, sizeof *diag);
    if (body != NULL)
        server->answer = (struct server_answer){.body = body, .count = strlen(body)};
    REQUIRE_OK(rpc_open(&rpc, server->url, diag), diag);
    rpc.seconds = server->answer.is_silent ? 1 : RPC_SECONDS_MAX;
    enum status status = rpc_call_quantity(&value, &rpc, "eth_chainId", "[]", diag);
    rpc_close(&rpc);
    return status;
}

#define ANSWER(rest) "{\"jsonrpc\":\"2.0\",\"id\":1," rest "}"

TEST(rubbish_is_one_sentence_that_names_the_node)
{
    static const struct {
        const char *body, *says;
        enum status status;
    } cases[] = {
        {"", "not JSON-RPC", STATUS_IO},
        {"<html>no</html>", "not JSON-RPC", STATUS_IO},
        {"[]", "not JSON-RPC", STATUS_IO},
        {"{", "not JSON-RPC", STATUS_IO},
        {"null", "not JSON-RPC", STATUS_IO},
        {ANSWER("\"result\":7"), "no text", STATUS_IO},
        {ANSWER("\"result\":\"7\""), "no number", STATUS_IO},
        {ANSWER("\"result\":\"0x\""), "no number", STATUS_IO},
        {ANSWER("\"result\":\"0x-1\""), "no number", STATUS_IO},
        {ANSWER("\"result\":\"0x11112222333344445\""), "no number", STATUS_IO},
        {ANSWER("\"result\":\"0x1\\u0000\""), NULL, STATUS_OK},
        {ANSWER("\"error\":{}"), "no reason given", STATUS_IO},
        {ANSWER("\"error\":{\"code\":-32601,\"message\":\"no such method\"}"), "no such method",
         STATUS_IO},
        {ANSWER("\"error\":{\"code\":3,\"message\":\"execution reverted\"}"), "reverted",
         STATUS_REJECTED},
        {ANSWER("\"error\":{\"message\":\"\\u001b[2J\\nroot: all is well\"}"),
         "refuses eth_chainId:  [2J root: all is well", STATUS_IO},
    };
    struct server server;
    struct diag diag;
    server_start(&server);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_STATUS(ask(&server, cases[i].body, &diag), cases[i].status, &diag);
        if (cases[i].says == NULL)
            continue;
        CHECK_MSG(strstr(diag.text, cases[i].says) != NULL, "no '%s' in: %s", cases[i].says,
                  diag.text);
        CHECK(strstr(diag.text, server.url) != NULL && strchr(diag.text, '\n') == NULL &&
              strchr(diag.text, '\033') == NULL);
    }
    server_stop(&server);
}

TEST(servers_that_fail_are_said_to_be_out_of_reach)
{
    struct server server;
    struct diag diag;
    server_start(&server);
    server.answer = (struct server_answer){.is_silent = true};
    CHECK_STATUS(ask(&server, NULL, &diag), STATUS_IO, &diag);
    CHECK_MSG(strstr(diag.text, "cannot be reached") != NULL, "%s", diag.text);
    server.answer = (struct server_answer){.body = "{", .count = 1, .announced = 100};
    CHECK_STATUS(ask(&server, NULL, &diag), STATUS_IO, &diag);
    size_t much = (size_t)RPC_ANSWER_BYTES_MAX + 10;
    char *spaces = malloc(much);
    REQUIRE(spaces != NULL);
    memset(spaces, ' ', much);
    server.answer = (struct server_answer){.body = spaces, .count = much};
    CHECK_STATUS(ask(&server, NULL, &diag), STATUS_IO, &diag);
    server_stop(&server); /* it may still be sending */
    free(spaces);
    CHECK_STATUS(ask(&server, NULL, &diag), STATUS_IO, &diag); /* gone */
    CHECK_MSG(strstr(diag.text, server.url) != NULL, "%s", diag.text);
}

TEST(deep_answers_do_not_overflow)
{
    struct server server;
    struct diag diag;
    struct buffer deep = {0};
    server_start(&server);
    buffer_puts(&deep, "{\"result\":");
    for (int i = 0; i < 200000; i++)
        buffer_puts(&deep, "[");
    CHECK_STATUS(ask(&server, buffer_text(&deep), &diag), STATUS_IO, &diag);
    server_stop(&server); /* it may still be sending */
    buffer_release(&deep);
}

/* Counts the calls that a server takes and does not answer. */
static void count_call(struct server_answer *answer, void *context, const struct buffer *request)
{
    (void)request;
    atomic_fetch_add((atomic_uint *)context, 1);
    *answer = (struct server_answer){.is_silent = true};
}

/* Of three nodes one takes calls and lets them run out of time: once in a while, not each time. */
TEST(a_node_that_is_silent_is_left_alone_while_the_others_do)
{
    static const char seven[] = ANSWER("\"result\":\"0x7\"");
    const struct server_answer good = {.body = seven, .count = sizeof seven - 1};
    atomic_uint asked = 0;
    struct server server[3];
    struct endpoints nodes;
    struct diag diag = {0};
    char urls[200];
    uint64_t value = 0;
    for (int i = 0; i < 3; i++) {
        server_start(&server[i]);
        server[i].answer = good;
    }
    snprintf(urls, sizeof urls, "%s,%s,%s", server[0].url, server[1].url, server[2].url);
    REQUIRE_OK(endpoints_open(&nodes, urls, &diag), &diag);
    nodes.node[0].seconds = 1;
    server[0].context = &asked;
    server[0].respond = count_call;
    double start = machine_seconds();
    for (int i = 0; i < 6; i++) {
        REQUIRE_OK(endpoints_agree_quantity(&value, &nodes, "eth_blockNumber", "[]", &diag), &diag);
        CHECK_U64(value, 7);
        REQUIRE_OK(endpoints_median(&value, &nodes, "eth_gasPrice", "[]", &diag), &diag);
        CHECK_U64(value, 7);
    }
    /* After ten times the time that it took it is asked once more. */
    double most = 1 + (machine_seconds() - start) / 10;
    CHECK_MSG(asked >= 1 && asked <= most, "%u calls, at most %.1f", asked, most);
    server[0].respond = NULL;
    /* The others do not agree, or are not enough: it is asked again. */
    server[0].answer = good;
    server[1].answer =
        (struct server_answer){.body = ANSWER("\"result\":\"0x8\""), .count = sizeof seven - 1};
    REQUIRE_OK(endpoints_agree_quantity(&value, &nodes, "eth_blockNumber", "[]", &diag), &diag);
    CHECK_U64(value, 7);
    server_stop(&server[1]);
    REQUIRE_OK(endpoints_agree_quantity(&value, &nodes, "eth_blockNumber", "[]", &diag), &diag);
    REQUIRE_OK(endpoints_median(&value, &nodes, "eth_gasPrice", "[]", &diag), &diag);
    CHECK_U64(value, 7);
    server_stop(&server[2]);
    CHECK_STATUS(endpoints_agree_quantity(&value, &nodes, "eth_blockNumber", "[]", &diag),
                 STATUS_IO, &diag);
    endpoints_close(&nodes);
    server_stop(&server[0]);
}

/* Addresses of services have keys in their paths, and names with passwords. */
TEST(keys_in_addresses_are_not_shown)
{
    char shown[HTTP_SHOWN_BYTES];
    CHECK_TEXT(http_shown(shown, "https://user:pass@node.example:8545/v3/KEY?q=KEY#KEY", false),
               "https://node.example:8545");
    CHECK_TEXT(http_shown(shown, "https://user:p@ss@ipfs.example/api/v0/cat?arg=KEY", true),
               "https://ipfs.example/api/v0/cat");
    CHECK_TEXT(http_shown(shown, "http://127.0.0.1:1", false), "http://127.0.0.1:1");
    CHECK_TEXT(http_shown(shown, "http://host/a@b", true), "http://host/a@b");
    CHECK_TEXT(http_shown(shown, "nothing", true), "nothing");
    struct endpoints nodes;
    struct diag diag = {0};
    CHECK(endpoints_open(&nodes, "http://user:SECRET@127.0.0.1:1/v3/SECRET", &diag) == STATUS_IO);
    CHECK_MSG(strstr(diag.text, "SECRET") == NULL && strstr(diag.text, "127.0.0.1:1") != NULL, "%s",
              diag.text);
    diag = (struct diag){0};
    CHECK(endpoints_open(&nodes, "wss://user:SECRET@127.0.0.1:1/v3/SECRET", &diag) ==
          STATUS_BAD_INPUT);
    CHECK_MSG(strstr(diag.text, "SECRET") == NULL, "%s", diag.text);
}
