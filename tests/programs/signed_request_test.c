/* label: prover network libs: sertn_3rd_cjson */
/*
 * Requests that are signed by one account and sent by another, on a real anvil and beside `cast`:
 * the sender pays the gas, the signer's account in the market the job, and what must not be sent is
 * refused in a sentence before anything is paid.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/programs/network_kit.h"

/* The key of NETWORK_OWNER. */
static const char owner_key[] =
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
static const char price[] = "320000000001000";

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = kit_member(object, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static void deposit(const struct network *n)
{
    struct test_output out =
        network_run(n, NETWORK_OWNER, "deposit --amount 1000000000000000 --quiet");
    kit_done(&out, "deposit");
}

/* A request signed by NETWORK_OWNER; returns its file. */
static const char *sign(const struct network *n, const char *more)
{
    const char *path = test_path(test_temp_dir(), "request.json");
    struct test_output out = network_run(
        n, NETWORK_OWNER, "request %s --input %s --number 1 --sign-only -o %s %s --json", n->model,
        n->input, path, more);
    kit_done(&out, "sign");
    return path;
}

/* sertn-run send-request with the market of the file. */
static struct test_output send_as(const struct network *n, enum network_account account,
                                  const char *file)
{
    return kit_shell("$SERTN_RUN send-request %s --rpc %s --keystore %s --password-file %s "
                     "--journal %s/journal",
                     file, n->url, n->keystore[account], n->password, test_temp_dir());
}

/* The file with what sed makes of it. */
static const char *changed(const char *file, const char *how)
{
    const char *path = test_path(test_temp_dir(), "changed.json");
    struct test_output out =
        kit_shell("sed '%s' %s >%s && ! cmp -s %s %s", how, file, path, file, path);
    kit_done(&out, how);
    return path;
}

static const char *ether(const struct network *n, enum network_account account)
{
    cJSON *balance =
        network_call(n, "eth_getBalance", kit_text("[\"%s\",\"latest\"]", n->address[account]));
    const char *text = kit_text("%s", balance->valuestring);
    cJSON_Delete(balance);
    return text;
}

TEST(the_sender_pays_the_gas_and_the_signer_the_job)
{
    struct network *n = network_start();
    deposit(n);
    const char *before = ether(n, NETWORK_OWNER), *file = sign(n, "");
    struct stat info;
    REQUIRE(stat(file, &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    struct test_output out =
        kit_shell("$SERTN_RUN send-request %s --rpc %s --keystore %s "
                  "--password-file %s --journal %s/journal --json",
                  file, n->url, n->keystore[NETWORK_NODE], n->password, test_temp_dir());
    kit_done(&out, "send-request");
    cJSON *sent = kit_json(&out);
    CHECK_TEXT(text_of(sent, "job"), "1/1");
    CHECK(strcasecmp(text_of(sent, "requester"), n->address[NETWORK_OWNER]) == 0);
    cJSON_Delete(sent);
    CHECK_TEXT(ether(n, NETWORK_OWNER), before);
    CHECK_TEXT(network_ask(n, n->market, "balanceOf(address)(uint256)", n->address[NETWORK_OWNER]),
               "679999999999000");
    CHECK_TEXT(network_ask(n, n->token, "balanceOf(address)(uint256)", n->address[NETWORK_NODE]),
               "1000000000000000000000");
    out = network_run(n, NETWORK_NODE_2, "submit %s 1/1 --quiet", n->model);
    kit_done(&out, "submit");
    out = kit_shell("$SERTN_RUN status 1/1 --rpc %s --market %s --json", n->url, n->market);
    kit_done(&out, "status");
    cJSON *state = kit_json(&out);
    CHECK_TEXT(text_of(state, "state"), "paid");
    CHECK_TEXT(text_of(state, "price"), price);
    CHECK(strcasecmp(text_of(state, "requester"), n->address[NETWORK_OWNER]) == 0);
    cJSON_Delete(state);
}

/* The file is typed data as cast takes it; signatures are deterministic, so they are the same. */
TEST(cast_signs_the_same)
{
    struct network *n = network_start();
    const char *const more[] = {
        "--nonce 7 --expiry 60 --deadline 3000",
        "--nonce 18446744073709551615 --callback-gas 77 --max-price 79228162514264337593543950335 "
        "--destination 0x00000000000000000000000000000000b0b0b0b0",
        "--requirement 0x0002000a00000000000000000000000000010000000000000000000000000ff0"};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        const char *file = sign(n, more[i]);
        struct buffer bytes = kit_read(file);
        cJSON *ours = cJSON_Parse(buffer_text(&bytes));
        struct test_output out =
            kit_shell("%s wallet sign --data --from-file %s --private-key %s | tr -d '\\n'",
                      kit_tool("cast"), file, owner_key);
        kit_done(&out, "cast wallet sign");
        CHECK_TEXT(text_of(ours, "signature"), kit_text("%s", out.text));
        cJSON_Delete(ours);
        buffer_release(&bytes);
    }
}

/* What cast signed is taken. */
TEST(another_wallet_may_sign)
{
    struct network *n = network_start();
    deposit(n);
    const char *file = sign(n, ""),
               *bare = changed(file, "s/\"signature\":.*/\"signature\": \"0x\"/");
    struct test_output out = send_as(n, NETWORK_NODE, bare);
    kit_refused(&out, 1, "its signature is none", "no signature");
    out = kit_shell("%s wallet sign --data --from-file %s --private-key %s | tr -d '\\n'",
                    kit_tool("cast"), bare, owner_key);
    kit_done(&out, "cast wallet sign");
    const char *by_cast = changed(bare, kit_text("s/\"0x\"$/\"%s\"/", out.text));
    out = send_as(n, NETWORK_NODE, by_cast);
    kit_done(&out, "send-request");
}

/* A contract as requester answers for its signatures itself (ERC-1271): this one takes all, and
 * another one none. */
TEST(a_contract_may_be_the_requester)
{
    struct network *n = network_start();
    static const char wallet[] = "0x00000000000000000000000000000000000ca5e5";
    const char *file = sign(n, ""),
               *its =
                   changed(file, kit_text("s/\"requester\":.*,/\"requester\": \"%s\",/", wallet));
    struct test_output out =
        network_run(n, NETWORK_OWNER, "deposit --amount 1000000000000000 --to %s --quiet", wallet);
    kit_done(&out, "deposit");
    cJSON_Delete(network_call(n, "anvil_setCode", kit_text("[\"%s\",\"0x5f5ffd\"]", wallet)));
    out = send_as(n, NETWORK_NODE, its);
    kit_refused(&out, 1, "BadSignature", "a contract that takes no signature");
    cJSON_Delete(network_call(n, "anvil_setCode",
                              kit_text("[\"%s\",\"0x631626ba7e60e01b5f5260205ff3\"]", wallet)));
    out = send_as(n, NETWORK_NODE, its);
    kit_done(&out, "send-request");
    CHECK_TEXT(network_ask(n, n->market, "balanceOf(address)(uint256)", wallet), "679999999999000");
}

TEST(a_request_is_sent_once)
{
    struct network *n = network_start();
    deposit(n);
    const char *file = sign(n, ""), *journal = test_path(test_temp_dir(), "journal");
    const char *command = kit_text(
        "$SERTN_RUN send-request %s --rpc %s --keystore %s --password-file %s --journal %s --json",
        file, n->url, n->keystore[NETWORK_NODE], n->password, journal);
    for (int i = 0; i < 2; i++) {
        struct test_output out = kit_shell("%s", command);
        kit_done(&out, "send-request");
        cJSON *sent = kit_json(&out);
        CHECK_TEXT(text_of(sent, "job"), "1/1");
        CHECK(cJSON_IsTrue(kit_member(sent, "was_known")) == (i == 1));
        cJSON_Delete(sent);
    }
    const char *gas = ether(n, NETWORK_NODE_2);
    struct test_output out = send_as(n, NETWORK_NODE_2, file);
    kit_refused(&out, 1, "was sent before, or its requester took it back", "a replay");
    CHECK_TEXT(ether(n, NETWORK_NODE_2), gas);
    CHECK_TEXT(network_ask(n, n->market, "queueLength(uint256)(uint256)", "1"), "1");
}

TEST(what_was_taken_back_is_not_sent)
{
    struct network *n = network_start();
    deposit(n);
    const char *file = sign(n, "");
    struct test_output out = network_run(n, NETWORK_NODE, "cancel-request %s", file);
    kit_refused(&out, 2, "only its requester", "a stranger");
    out = network_run(n, NETWORK_OWNER, "cancel-request %s --quiet", file);
    kit_done(&out, "cancel-request");
    out = send_as(n, NETWORK_NODE, file);
    kit_refused(&out, 1, "its nonce is used", "a request that was taken back");
    CHECK_TEXT(network_ask(n, n->market, "queueLength(uint256)(uint256)", "1"), "0");
}

TEST(what_must_not_be_sent_is_refused_before_it_costs)
{
    struct network *n = network_start();
    const char *file = sign(n, "");
    struct test_output out = send_as(n, NETWORK_NODE, file);
    kit_refused(&out, 1, "holds 0 in the market", "an empty account");
    deposit(n);
    /* Every word of the message is signed. */
    static const char *const forged[] = {
        "s/\"modelId\":.*1/\"modelId\": 1.0/; s/\"inputWords\":\\(.*\\),/\"inputWords\": 9,/",
        "s/\"input\":.*\"0x7b/\"input\": \"0x7c/",
        "s/\"inputHash\":.*\"0x./\"inputHash\": \"0x0/; s/\"precommitment\":.*\"0x./"
        "\"precommitment\": \"0x5/",
        "s/\"inputBits\":\\(.*\\),/\"inputBits\": 9,/",
        "s/\"callbackGas\":\\(.*\\)0,/\"callbackGas\": 1,/",
        "s/\"maxPrice\":.*\"3/\"maxPrice\": \"4/",
        "s/\"deadline\":\\(.*\\).,/\"deadline\":\\11,/; "
        "s/\"expiry\":\\(.*\\)[0-9]$/\"expiry\":\\10/",
        "s/\"destination\":.*\"0x0/\"destination\": \"0x1/",
        "s/\"requirement\":.*\"0x0/\"requirement\": \"0x1/",
        "s/\"nonce\":.*\"0x0/\"nonce\": \"0x1/",
    };
    const char *gas = ether(n, NETWORK_NODE);
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        out = send_as(n, NETWORK_NODE, changed(file, forged[i]));
        kit_refused(&out, 1, "is not signed by its requester", forged[i]);
    }
    out = send_as(n, NETWORK_NODE,
                  changed(file, kit_text("s/\"requester\":.*,/\"requester\": \"%s\",/",
                                         n->address[NETWORK_NODE_2])));
    kit_refused(&out, 1, "is not signed by its requester", "another requester");
    out = send_as(n, NETWORK_NODE, changed(file, "s/\"chainId\":.*31337/\"chainId\": 1/"));
    kit_refused(&out, 2, "signed for chain 1, and the nodes of --rpc are of chain 31337",
                "another chain");
    out = network_run(n, NETWORK_NODE, "send-request %s --chain-id 5", file);
    kit_refused(&out, 2, "not of chain 5", "--chain-id");
    out = kit_shell("$SERTN_RUN send-request %s --rpc %s --market %s --keystore %s "
                    "--password-file %s",
                    file, n->url, n->token, n->keystore[NETWORK_NODE], n->password);
    kit_refused(&out, 2, "signed for the market at", "another market");
    out = send_as(n, NETWORK_NODE,
                  changed(file, kit_text("s/\"verifyingContract\":.*\"/\"verifyingContract\": "
                                         "\"%s\"/",
                                         n->token)));
    kit_refused(&out, 2, "there is no market", "a contract that is no market");
    static const char *const broken[][2] = {
        {"s/\"primaryType\":.*\"Request\"/\"primaryType\": \"Other\"/", "'primaryType'"},
        {"s/\"uint96\"/\"uint128\"/", "'types'"},
        {"s/\"maxPrice\":.*\"3/\"maxPrice\": \"-3/", "'maxPrice'"},
        {"s/\"inputWords\":\\(.*\\),/\"inputWords\": 70000,/", "'inputWords'"},
        {"s/\"deadline\":\\(.*\\),/\"deadline\": 1.5,/", "'deadline'"},
        {"s/\"nonce\":.*\"0x/\"nonce\": \"0x1/", "'nonce'"},
        {"s/\"version\":.*\"1\"/\"version\": \"2\"/", "'version'"},
        {"s/\"primaryType\"/\"more\": 1, \"primaryType\"/", "not known"},
        {"s/\"modelId\":/\"more\": 1, \"modelId\":/", "'message'"},
        {"s/\"expiry\":.*[0-9]$/\"expirys\": 1/", "'expiry'"},
        {"1s/{/[{/", "is no signed request"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        out = send_as(n, NETWORK_NODE, changed(file, broken[i][0]));
        kit_refused(&out, 2, broken[i][1], broken[i][0]);
    }
    out = send_as(n, NETWORK_NODE, "/nowhere/request.json");
    CHECK(out.exit_status == 2 || out.exit_status == 3);
    const char *soon = sign(n, "--expiry 60");
    network_pass_time(n, 100);
    out = send_as(n, NETWORK_NODE, soon);
    kit_refused(&out, 1, "expired", "an expired request");
    CHECK_TEXT(ether(n, NETWORK_NODE), gas);
    /* The one that was not touched is good. */
    out = send_as(n, NETWORK_NODE, file);
    kit_done(&out, "send-request");
}

TEST(a_deposit_is_made_once)
{
    struct network *n = network_start();
    const char *journal = test_path(test_temp_dir(), "journal");
    for (int i = 0; i < 3; i++) {
        struct test_output out =
            kit_shell("$SERTN_RUN deposit --amount 1000 --to %s --rpc %s --market %s --keystore %s "
                      "--password-file %s --journal %s --json %s",
                      n->address[NETWORK_NODE], n->url, n->market, n->keystore[NETWORK_OWNER],
                      n->password, journal, i == 2 ? "--name again" : "");
        kit_done(&out, "deposit");
        cJSON *made = kit_json(&out);
        CHECK_TEXT(text_of(made, "held"), i == 2 ? "2000" : "1000");
        cJSON_Delete(made);
    }
    struct test_output out = network_run(n, NETWORK_OWNER, "deposit");
    kit_refused(&out, 2, "--amount", "no amount");
    out = network_run(n, NETWORK_OWNER, "deposit --amount 5000000000000000000000");
    kit_refused(&out, 2, "send it some", "more than there is");
    out = network_run(n, NETWORK_OWNER, "request %s --input %s --number 1 --sign-only", n->model,
                      n->input);
    kit_refused(&out, 2, "-o", "no file");
}
