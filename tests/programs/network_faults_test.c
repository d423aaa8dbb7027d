/* label: prover network libs: sertn_3rd_cjson */
/*
 * Every command that speaks to a chain against everything that goes wrong around it: nodes that are
 * not there, are of another chain, talk rubbish or lie; contracts that are none; keys that do not
 * open, or are another's; accounts without ether; stores that give other bytes. Each says one
 * sentence, with the exit status of its kind, and nothing is on the chain that was not before; when
 * the trouble is over the same command with the same journal does its work.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ir/support/file.h"
#include "tests/programs/network_kit.h"

/* What a command needs beside a node of the chain. */
enum { SIGNS = 1, PAYS = 2, READS_CONTRACT = 4, FETCHES = 8 };

/* An exit status: any but that of success, or of a crash. */
enum { ANY_FAULT = 123 };

/* A line of sh. Its variables are set by `surroundings`. */
struct command {
    const char *name, *line;
    unsigned needs;
};

#define RUN(rest) "$SERTN_RUN " rest " --rpc $T_RPC $T_CHAIN"
#define REGISTRY(rest) "$SERTN_REGISTRY " rest " --rpc $T_RPC $T_CHAIN"
#define CEREMONY(rest) REGISTRY("ceremony " rest " --ceremony $T_CEREMONY")
#define ACCOUNT " --keystore $T_KEY --password-file $T_PASSWORD --journal $T_JOURNAL"
#define MARKET " --market $T_MARKET"

static const struct command command_table[] = {
    {"verify", RUN("verify $T_MODEL $T_PROOF"), 0},
    {"verify --deploy", RUN("verify $T_MODEL $T_PROOF --deploy") ACCOUNT, SIGNS | PAYS},
    {"request", RUN("request $T_MODEL --input $T_INPUT --number 1") MARKET ACCOUNT,
     SIGNS | PAYS | READS_CONTRACT},
    {"request --sign-only",
     RUN("request $T_MODEL --input $T_INPUT --number 1 --sign-only -o $T_TO/r.json") MARKET ACCOUNT,
     SIGNS | READS_CONTRACT},
    {"send-request", RUN("send-request $T_HOME/signed.json") ACCOUNT, SIGNS | PAYS},
    {"cancel-request", RUN("cancel-request $T_HOME/signed.json") ACCOUNT, SIGNS | PAYS},
    {"deposit", RUN("deposit --amount 5") MARKET ACCOUNT, SIGNS | PAYS | READS_CONTRACT},
    {"status", RUN("status 1/1") MARKET, READS_CONTRACT},
    {"submit", RUN("submit $T_MODEL 1/1 $T_STORES $T_GATEWAY") MARKET ACCOUNT,
     SIGNS | PAYS | READS_CONTRACT | FETCHES},
    {"claim", RUN("claim --number 1") MARKET ACCOUNT, SIGNS | PAYS | READS_CONTRACT},
    {"refund", RUN("refund 1/1") MARKET ACCOUNT, SIGNS | READS_CONTRACT},
    {"publish", REGISTRY("publish $T_MODEL --registry $T_REGISTRY") ACCOUNT,
     SIGNS | PAYS | READS_CONTRACT},
    {"list", REGISTRY("list --registry $T_REGISTRY"), READS_CONTRACT},
    {"show", REGISTRY("show 1 --registry $T_REGISTRY $T_STORES $T_GATEWAY -o $T_TO/m.sertn"),
     READS_CONTRACT | FETCHES},
    {"deprecate", REGISTRY("deprecate 1 --registry $T_REGISTRY") ACCOUNT,
     SIGNS | PAYS | READS_CONTRACT},
    {"vet",
     REGISTRY(
         "vet $T_MODEL --data $T_INPUT --labels $T_LABELS -o $T_TO/b.json --number 1 --vetting "
         "$T_VETTING --from 2020-01-01 --to 2020-12-31") ACCOUNT,
     SIGNS | PAYS | READS_CONTRACT},
    {"ceremony status", CEREMONY("status"), READS_CONTRACT},
    {"ceremony enroll", CEREMONY("enroll") ACCOUNT, SIGNS | PAYS | READS_CONTRACT},
    {"ceremony contribute",
     CEREMONY("contribute --quiet $T_STORES $T_GATEWAY -o $T_TO/2.ptau") ACCOUNT,
     SIGNS | READS_CONTRACT | FETCHES},
    {"ceremony post", CEREMONY("post $T_HOME/2.ptau") ACCOUNT, SIGNS | READS_CONTRACT},
    {"ceremony skip", CEREMONY("skip") ACCOUNT, SIGNS | READS_CONTRACT},
    {"ceremony finish", CEREMONY("finish -o $T_TO/last.ptau") ACCOUNT, SIGNS | READS_CONTRACT},
    {"ceremony fetch", CEREMONY("fetch $T_STORES $T_GATEWAY -o $T_TO/f.ptau"),
     READS_CONTRACT | FETCHES},
    {"node", "timeout 60 $SERTN_RUN node --config $T_CONFIG --drain", SIGNS | READS_CONTRACT},
};
enum { COMMANDS = sizeof command_table / sizeof *command_table };

/* ---- surroundings --------------------------------------------------------------------------- */

struct surroundings {
    struct network *network;
    const char *home, *vetting, *ceremony;
};

static void write_text(const char *path, const char *text)
{
    kit_write(path, text, strlen(text));
}

/* As all is well. */
static void set_good(const struct surroundings *s, enum network_account account)
{
    const struct network *n = s->network;
    setenv("T_RPC", n->url, 1);
    setenv("T_CHAIN", "", 1);
    setenv("T_CHAIN_ID", "31337", 1);
    setenv("T_MARKET", n->market, 1);
    setenv("T_REGISTRY", n->registry, 1);
    setenv("T_VETTING", s->vetting, 1);
    setenv("T_CEREMONY", s->ceremony, 1);
    setenv("T_MODEL", n->model, 1);
    setenv("T_INPUT", n->input, 1);
    setenv("T_KEY", n->keystore[account], 1);
    setenv("T_PASSWORD", n->password, 1);
    setenv("T_JOURNAL", kit_text("%s/journal_%d", s->home, account), 1);
    setenv("T_STORES", kit_text("--store %s/store", s->home), 1);
    setenv("T_GATEWAY", "", 1);
    setenv("T_HOME", s->home, 1);
    setenv("T_PROOF", test_path(s->home, "proof.json"), 1);
    setenv("T_LABELS", test_path(s->home, "labels"), 1);
    setenv("T_TO", test_path(s->home, "to"), 1);
    setenv("T_CONFIG", test_path(s->home, "node.json"), 1);
}

/* A ceremony with one contribution, the turn of NODE_2, and the file that it may post. */
static void start_ceremony(struct surroundings *s)
{
    const char *zero = test_path(s->home, "0.ptau");
    s->ceremony = network_ceremony(s->network, zero);
    for (enum network_account a = NETWORK_NODE; a <= NETWORK_NODE_2; a++) {
        set_good(s, a);
        struct test_output out = kit_shell("%s", CEREMONY("enroll") ACCOUNT);
        kit_done(&out, "enroll");
    }
    set_good(s, NETWORK_NODE);
    struct test_output out = kit_shell(
        "%s && $SERTN_REGISTRY ceremony contribute $T_HOME/1.ptau -o $T_HOME/2.ptau --quiet",
        CEREMONY("contribute $T_HOME/0.ptau $T_STORES -o $T_HOME/1.ptau --quiet") ACCOUNT);
    kit_done(&out, "contribute");
}

static struct surroundings start(void)
{
    struct surroundings s = {.network = network_start(), .home = test_temp_dir()};
    struct network *n = s.network;
    network_join(n, NETWORK_NODE, 4096);
    network_join(n, NETWORK_NODE_2, 4096);
    s.vetting = network_vetting(n);
    s.ceremony = "";
    set_good(&s, NETWORK_OWNER);
    struct test_output out =
        kit_shell("mkdir %s/to && cp -r $XDG_DATA_HOME/sertn/store %s/store && "
                  "$SERTN_RUN prove $T_MODEL --input $T_INPUT -o $T_PROOF --quiet",
                  s.home, s.home);
    kit_done(&out, "prove");
    write_text(test_path(s.home, "labels"), "1\n");
    start_ceremony(&s);
    set_good(&s, NETWORK_OWNER);
    out = kit_shell("%s", RUN("request $T_MODEL --input $T_INPUT --number 1 $T_STORES --name first "
                              "--quiet") MARKET ACCOUNT);
    kit_done(&out, "request");
    out = kit_shell("%s", RUN("request $T_MODEL --input $T_INPUT --number 1 --sign-only -o "
                              "$T_HOME/signed.json --quiet") MARKET ACCOUNT);
    kit_done(&out, "request --sign-only");
    return s;
}

/* The configuration of a node, as the variables stand. */
static void write_config(const struct surroundings *s)
{
    const char *text =
        kit_text("{\"rpc\":\"%s\",\"chain_id\":%s,\"market\":\"%s\",\"keystore\":\"%s\","
                 "\"password_file\":\"%s\",\"data\":\"data\",\"poll_ms\":50,"
                 "\"models\":[{\"number\":1,\"folder\":\"%s\"}],"
                 "\"economics\":{\"token_per_wei\":0,\"token_per_unit\":1}}",
                 getenv("T_RPC"), getenv("T_CHAIN_ID"), getenv("T_MARKET"), getenv("T_KEY"),
                 getenv("T_PASSWORD"), s->network->model);
    write_text(test_path(s->home, "node.json"), text);
}

static const char *height(const struct surroundings *s)
{
    cJSON *number = network_call(s->network, "eth_blockNumber", "[]");
    const char *text = kit_text("%s", number->valuestring);
    cJSON_Delete(number);
    return text;
}

/* ---- faults --------------------------------------------------------------------------------- */

/*
 * Runs every command that needs `of` (0: every one) and not `but`: each is refused with one of two
 * exit statuses, says `says`, writes nothing, and the chain stays as it is.
 */
static void all_refuse(const struct surroundings *s, const char *fault, unsigned of, unsigned but,
                       int exit_status, int or_status, const char *says)
{
    const char *before = height(s);
    write_config(s);
    for (size_t i = 0; i < COMMANDS; i++) {
        const struct command *c = &command_table[i];
        if ((c->needs & of) != of || (c->needs & but) != 0)
            continue;
        struct test_output out = kit_shell("%s", c->line);
        const char *what = kit_text("%s: %s", fault, c->name);
        bool fits = out.exit_status == or_status ||
                    (exit_status == ANY_FAULT && out.exit_status >= 1 && out.exit_status <= 3);
        kit_refused(&out, fits ? out.exit_status : exit_status, says, what);
        CHECK_MSG(kit_entries(test_path(s->home, "to")) == 0, "%s: wrote something", what);
    }
    CHECK_TEXT(height(s), before);
}

static void serve(const struct kit_answer *answers, const char *status_line)
{
    setenv("T_RPC", kit_server_start(answers, status_line), 1);
}

TEST(nodes_that_are_none)
{
    struct surroundings s = start();
    setenv("T_RPC", "http://127.0.0.1:1", 1);
    all_refuse(&s, "nobody listens", 0, 0, 3, 3, "cannot be reached");
    setenv("T_RPC", "ftp://127.0.0.1", 1);
    all_refuse(&s, "no http", 0, 0, 2, 2, "http");
    static const struct kit_answer silent[] = {{"", NULL}, {NULL, NULL}};
    serve(silent, "HTTP/1.1 200 OK");
    all_refuse(&s, "hangs up", 0, 0, 3, 3, "cannot be reached");
    static const struct kit_answer page[] = {{"", "<html>hello</html>"}, {NULL, NULL}};
    serve(page, "HTTP/1.1 200 OK");
    all_refuse(&s, "a page", 0, 0, 3, 3, "not JSON-RPC");
    serve(page, "HTTP/1.1 500 Internal Server Error");
    all_refuse(&s, "an error page", 0, 0, 3, 3, "not JSON-RPC");
    static const struct kit_answer busy[] = {
        {"", "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32005,\"message\":\"slow\\n"
             "down\"}}"},
        {NULL, NULL}};
    serve(busy, "HTTP/1.1 429 Too Many Requests");
    all_refuse(&s, "a busy one", 0, 0, 3, 3, "slow down");
    kit_server_stop();
}

/* A node that takes the call and never answers: all commands wait at the same time. */
TEST(nodes_that_never_answer)
{
    if (getenv("SERTN_SILENCE") == NULL)
        test_skip("a minute of silence: ctest -R network_faults_silence");
    struct surroundings s = start();
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t bytes = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 &&
            listen(listener, 64) == 0 &&
            getsockname(listener, (struct sockaddr *)&address, &bytes) == 0);
    setenv("T_RPC", kit_text("http://127.0.0.1:%u", ntohs(address.sin_port)), 1);
    write_config(&s);
    struct buffer script = {0};
    for (size_t i = 0; i < COMMANDS; i++)
        buffer_printf(&script, "(%s >$T_HOME/out%zu 2>&1; echo $? >$T_HOME/rc%zu) &\n",
                      command_table[i].line, i, i);
    buffer_puts(&script, "wait\n");
    kit_write(test_path(s.home, "all.sh"), script.data, script.count);
    struct test_output out = kit_shell("sed -i 's/timeout 60/timeout 120/' $T_HOME/all.sh && sh "
                                       "$T_HOME/all.sh");
    kit_done(&out, "all commands");
    for (size_t i = 0; i < COMMANDS; i++) {
        struct buffer said = kit_read(kit_text("%s/out%zu", s.home, i)),
                      code = kit_read(kit_text("%s/rc%zu", s.home, i));
        const char *text = buffer_text(&said), *line = strchr(text, '\n');
        CHECK_MSG(strcmp(buffer_text(&code), "3\n") == 0 && line != NULL && line[1] == '\0' &&
                      strstr(text, "cannot be reached: Timeout") != NULL,
                  "%s: %s %s", command_table[i].name, buffer_text(&code), text);
        buffer_release(&said);
        buffer_release(&code);
    }
    buffer_release(&script);
    close(listener);
}

TEST(nodes_of_another_chain)
{
    struct surroundings s = start();
    setenv("T_CHAIN", "--chain-id 5", 1);
    setenv("T_CHAIN_ID", "5", 1);
    all_refuse(&s, "another chain is wanted", 0, 0, 2, 2, "chain 31337");
    static const struct kit_answer other[] = {
        {"eth_chainId", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x1\"}"}, {NULL, NULL}};
    serve(other, "HTTP/1.1 200 OK");
    setenv("T_CHAIN", "--chain-id 31337", 1);
    setenv("T_CHAIN_ID", "31337", 1);
    all_refuse(&s, "it is of another", 0, 0, 2, 2, "chain 1");
    kit_server_stop();
}

/* Right chain, and one answer to everything else. */
TEST(nodes_that_lie)
{
    static const char *const lies[] = {
        "\"0x\"",
        "null",
        "\"0x0\"",
        "[]",
        "17",
        "\"0x00000000000000000000000000000000000000000000000000000000000000ff\"",
        "\"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"",
        "{\"hash\":\"0x00\",\"number\":\"0x1\",\"timestamp\":\"0xffffffffffffffff\"}"};
    struct surroundings s = start();
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        const char *body = kit_text("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":%s}", lies[i]);
        const struct kit_answer liar[] = {
            {"eth_chainId", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x7a69\"}"},
            {"", body},
            {NULL, NULL}};
        serve(liar, "HTTP/1.1 200 OK");
        all_refuse(&s, lies[i], 0, 0, ANY_FAULT, 3, NULL);
    }
    static const struct kit_answer reverts[] = {
        {"eth_chainId", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x7a69\"}"},
        {"", "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":3,\"message\":\"execution "
             "reverted\",\"data\":\"0x01\"}}"},
        {NULL, NULL}};
    serve(reverts, "HTTP/1.1 200 OK");
    all_refuse(&s, "all reverts", 0, 0, 1, 2, NULL);
    kit_server_stop();
}

TEST(contracts_that_are_none)
{
    struct surroundings s = start();
    static const char *const names[] = {"T_MARKET", "T_REGISTRY", "T_VETTING", "T_CEREMONY"};
    for (size_t i = 0; i < 4; i++)
        setenv(names[i], s.network->token, 1);
    all_refuse(&s, "another contract", READS_CONTRACT, 0, 2, 2, "there is no");
    for (size_t i = 0; i < 4; i++)
        setenv(names[i], s.network->address[NETWORK_OWNER], 1);
    all_refuse(&s, "an account", READS_CONTRACT, 0, 2, 2, "there is no");
    for (size_t i = 0; i < 4; i++)
        setenv(names[i], "0x12", 1);
    all_refuse(&s, "no address", READS_CONTRACT, 0, 2, 2, "0x and 40 hex digits");
}

TEST(keys_that_do_not_open)
{
    struct surroundings s = start();
    const char *file = test_path(s.home, "file");
    write_text(file, "other\n");
    setenv("T_PASSWORD", file, 1);
    all_refuse(&s, "another password", SIGNS, 0, 2, 2, "the password does not open");
    setenv("T_PASSWORD", "/nosuch/file", 1);
    all_refuse(&s, "no password", SIGNS, 0, 2, 2, "/nosuch/file");
    setenv("T_PASSWORD", s.network->password, 1);
    setenv("T_KEY", file, 1);
    all_refuse(&s, "no keystore", SIGNS, 0, 2, 2, "is not a keystore that can be read");
    setenv("T_KEY", "/nosuch/file", 1);
    all_refuse(&s, "no file", SIGNS, 0, 2, 2, "/nosuch/file");
}

TEST(journals_that_are_none)
{
    struct surroundings s = start();
    const char *file = test_path(s.home, "file"),
               *text = "this is no journal, but long enough for one";
    write_text(file, kit_text("%s %s %s", text, text, text));
    setenv("T_JOURNAL", file, 1);
    struct test_output out = kit_shell("mkdir -p $T_HOME/data && cp %s $T_HOME/data/journal", file);
    kit_done(&out, "cp");
    all_refuse(&s, "a text", SIGNS, 0, 2, 2, "journal");
    setenv("T_JOURNAL", "/nosuch/journal", 1);
    out = kit_shell("rm $T_HOME/data/journal && mkdir $T_HOME/data/journal");
    kit_done(&out, "mkdir");
    all_refuse(&s, "no folder", SIGNS, 0, 3, 3, "journal");
}

/* An account that nobody knows and that has no ether. */
TEST(accounts_without_ether)
{
    struct surroundings s = start();
    for (int i = 0; i < NETWORK_ACCOUNTS; i++)
        cJSON_Delete(network_call(s.network, "anvil_setBalance",
                                  kit_text("[\"%s\",\"0x0\"]", s.network->address[i])));
    /* What the account may do; a node waits (node_trouble_test.c). */
    static const struct {
        enum network_account account;
        const char *name;
    } each[] = {{NETWORK_OWNER, "verify --deploy"},
                {NETWORK_OWNER, "request"},
                {NETWORK_OWNER, "deposit"},
                {NETWORK_OWNER, "cancel-request"},
                {NETWORK_NODE, "submit"},
                {NETWORK_OWNER, "publish"},
                {NETWORK_OWNER, "deprecate"},
                {NETWORK_OWNER, "vet"},
                {NETWORK_NODE, "ceremony enroll"},
                {NETWORK_NODE_2, "ceremony post"},
                {NETWORK_NODE_2, "ceremony contribute"}};
    const char *before = height(&s);
    for (size_t k = 0; k < sizeof each / sizeof *each; k++) {
        set_good(&s, each[k].account);
        setenv("T_JOURNAL", test_path(s.home, kit_text("journal_poor_%zu", k)), 1);
        for (size_t i = 0; i < COMMANDS; i++) {
            if (strcmp(command_table[i].name, each[k].name) != 0)
                continue;
            struct test_output out = kit_shell("%s", command_table[i].line);
            kit_refused(&out, 2, "send it some", each[k].name);
        }
    }
    CHECK_TEXT(height(&s), before);
}

/* Keys that are good, of somebody who may not. */
TEST(keys_of_somebody_else)
{
    struct surroundings s = start();
    static const struct {
        enum network_account account;
        const char *name, *says;
        int exit_status;
    } each[] = {{NETWORK_NODE, "deprecate", "does not own model 1", 1},
                {NETWORK_NODE, "ceremony contribute", "it is the turn of", 2},
                {NETWORK_OWNER, "ceremony enroll", "less stake", 1},
                {NETWORK_NODE, "ceremony post", "only the node or its operator", 1},
                {NETWORK_NODE_2, "cancel-request", "only its requester", 2},
                {NETWORK_NODE_2, "refund", "is over in", 1}};
    const char *before = height(&s);
    for (size_t k = 0; k < sizeof each / sizeof *each; k++) {
        set_good(&s, each[k].account);
        for (size_t i = 0; i < COMMANDS; i++) {
            if (strcmp(command_table[i].name, each[k].name) != 0)
                continue;
            struct test_output out = kit_shell("%s", command_table[i].line);
            kit_refused(&out, each[k].exit_status, each[k].says, each[k].name);
        }
    }
    CHECK_TEXT(height(&s), before);
}

/* ---- good again ----------------------------------------------------------------------------- */

static void does(const struct surroundings *s, enum network_account account, const char *name,
                 const char *rpc)
{
    set_good(s, account);
    setenv("T_RPC", rpc, 1);
    write_config(s);
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(command_table[i].name, name) != 0)
            continue;
        struct test_output out = kit_shell("%s", command_table[i].line);
        kit_done(&out, name);
    }
}

/* A liar is the first of three: what is only useful is asked of him before the others. */
TEST(a_liar_among_three_is_outvoted)
{
    struct surroundings s = start();
    static const struct kit_answer liar[] = {
        {"eth_chainId", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x7a69\"}"},
        {"eth_getLogs", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[]}"},
        {"eth_getBlockByNumber",
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"hash\":\"0x00\",\"number\":\"0x1\","
         "\"timestamp\":\"0xffffffffff\",\"baseFeePerGas\":\"0x1\"}}"},
        {"eth_estimateGas", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x5208\"}"},
        {"eth_gasPrice", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0xffffffffffff\"}"},
        {"", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x0\"}"},
        {NULL, NULL}};
    const char *rpc = kit_text("%s,%s,%s", kit_server_start(liar, "HTTP/1.1 200 OK"),
                               s.network->url, s.network->url);
    does(&s, NETWORK_OWNER, "verify --deploy", rpc);
    does(&s, NETWORK_NODE, "submit", rpc);
    does(&s, NETWORK_NODE, "node", rpc);
    does(&s, NETWORK_OWNER, "request", rpc);
    does(&s, NETWORK_OWNER, "status", rpc);
    does(&s, NETWORK_NODE, "claim", rpc);
    does(&s, NETWORK_OWNER, "request --sign-only", rpc);
    does(&s, NETWORK_OWNER, "deposit", rpc);
    does(&s, NETWORK_OWNER, "cancel-request", rpc);
    does(&s, NETWORK_OWNER, "publish", rpc);
    does(&s, NETWORK_OWNER, "list", rpc);
    does(&s, NETWORK_OWNER, "show", rpc);
    does(&s, NETWORK_OWNER, "vet", rpc);
    does(&s, NETWORK_OWNER, "deprecate", rpc);
    does(&s, NETWORK_OWNER, "ceremony status", rpc);
    does(&s, NETWORK_OWNER, "ceremony fetch", rpc);
    does(&s, NETWORK_NODE_2, "ceremony post", rpc);
    CHECK_TEXT(network_ask(s.network, s.ceremony, "contributions()(uint256)", ""), "2");
    CHECK_TEXT(network_ask(s.network, s.network->market, "queueLength(uint256)(uint256)", "1"),
               "2");
    /* 100 of 1000 tokens are bonded, and one job was paid. */
    CHECK_TEXT(network_ask(s.network, s.network->token, "balanceOf(address)(uint256)",
                           s.network->address[NETWORK_NODE]),
               "900000304000000000000");
    kit_server_stop();
}

/* A service that shows events of a thousand blocks at a time, long after they happened. */
TEST(nodes_that_show_few_blocks_at_a_time)
{
    struct surroundings s = start();
    network_mine(s.network, 2500);
    const char *rpc = kit_proxy_start(s.network->url, 1000);
    does(&s, NETWORK_OWNER, "status", rpc);
    does(&s, NETWORK_NODE, "submit", rpc);
    network_mine(s.network, 2500);
    does(&s, NETWORK_OWNER, "ceremony status", rpc);
    does(&s, NETWORK_OWNER, "ceremony fetch", rpc);
    does(&s, NETWORK_OWNER, "vet", rpc);
    /* A node reads all events, and learns how many blocks it may ask for. */
    rpc = kit_proxy_start(s.network->url, 100);
    does(&s, NETWORK_NODE, "node", rpc);
    kit_server_stop();
}

/* Stores that have other bytes, or none. */
TEST(stores_that_give_other_bytes)
{
    struct surroundings s = start();
    const char *empty = test_temp_dir();
    static const struct kit_answer other[] = {{"", "other bytes"}, {NULL, NULL}};
    set_good(&s, NETWORK_NODE_2);
    setenv("T_STORES", kit_text("--store %s", empty), 1);
    all_refuse(&s, "an empty store", FETCHES, 0, 2, 2, "is not in the local store");
    setenv("T_STORES", kit_text("--store %s --ipfs http://127.0.0.1:1", empty), 1);
    all_refuse(&s, "a server that is down", FETCHES, 0, 3, 3, "http://127.0.0.1:1");
    static const char *const lines[] = {"HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found"};
    for (int i = 0; i < 2; i++) {
        const char *url = kit_server_start(other, lines[i]);
        setenv("T_STORES", kit_text("--store %s --ipfs %s", empty, url), 1);
        all_refuse(&s, lines[i], FETCHES, 0, i == 0 ? 1 : 3, i == 0 ? 1 : 3, NULL);
    }
    kit_server_stop();
}
