/* label: prover network libs: sertn_3rd_cjson */
/*
 * sertn-run verify --rpc and calldata against a real anvil of the Osaka fork, and against nodes
 * that are down or answer rubbish: what the C verifier accepts the chain accepts, what was touched
 * neither does, and keys over the development parameters leave no development chain.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "tests/programs/chain_kit.h"

#define MODEL "linear_regression"
enum { DEVELOPMENT = 31337, DEPLOY_GAS_MOST = 3000000, VERIFY_GAS_MOST = 250000 };

/* The first account of every anvil. */
static const char rich_key[] = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

static cJSON *verify_on(const char *folder, const char *proof, const char *url)
{
    struct test_output out = SERTN_RUN("verify", folder, proof, "--rpc", url, "--json");
    kit_done(&out, "verify --rpc");
    CHECK_TEXT(out.errors, "");
    return kit_json(&out);
}

static bool has_member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name) != NULL;
}

/* ---- a development chain ---- */

TEST(a_development_chain_accepts_and_gets_the_verifier_once)
{
    const char *folder = kit_keyed(MODEL), *proof = kit_proved(folder, MODEL);
    const char *url = kit_chain_start(DEVELOPMENT);
    cJSON *first = verify_on(folder, proof, url), *second = verify_on(folder, proof, url);
    CHECK(cJSON_IsTrue(kit_member(first, "verified")));
    CHECK(kit_number(first, "deploy_gas") > 0);
    CHECK(kit_number(first, "deploy_gas") <= DEPLOY_GAS_MOST);
    CHECK(!has_member(second, "deploy_gas"));
    CHECK_TEXT(kit_member(first, "verifier")->valuestring,
               kit_member(second, "verifier")->valuestring);
    CHECK(kit_number(first, "chain_id") == DEVELOPMENT);
    CHECK(kit_number(first, "gas") > 100000 && kit_number(first, "gas") <= VERIFY_GAS_MOST);
    CHECK(kit_number(first, "gas") == kit_number(second, "gas"));
    CHECK(cJSON_IsObject(kit_member(first, "outputs")));
    printf("universal verifier: %.0f gas to deploy\n", kit_number(first, "deploy_gas"));

    /* Another model on the same verifier: nothing is deployed. */
    const char *other = kit_keyed("mlp"), *other_proof = kit_proved(other, "mlp");
    cJSON *third = verify_on(other, other_proof, url);
    CHECK(!has_member(third, "deploy_gas"));
    CHECK_TEXT(kit_member(third, "verifier")->valuestring,
               kit_member(first, "verifier")->valuestring);
    cJSON_Delete(third);
    cJSON_Delete(second);
    cJSON_Delete(first);
}

TEST(people_are_told_what_it_cost)
{
    const char *folder = kit_keyed(MODEL), *proof = kit_proved(folder, MODEL);
    struct test_output out =
        SERTN_RUN("verify", folder, proof, "--rpc", kit_chain_start(DEVELOPMENT));
    kit_done(&out, "verify");
    CHECK(strstr(out.errors, "accepted on chain 31337: ") != NULL);
    CHECK(strstr(out.errors, " gas (the verifier was deployed first)") != NULL);
    out = SERTN_RUN("verify", folder, proof, "--rpc", kit_chain_start(DEVELOPMENT), "--quiet");
    kit_done(&out, "verify --quiet");
    CHECK(out.errors_bytes == 0 && out.text_bytes == 0);
}

TEST(the_context_is_bound_on_chain_too)
{
    static const char context[] =
        "0x11223344556677889900aabbccddeeff11223344556677889900aabbccddeeff";
    const char *folder = kit_keyed(MODEL), *proof = test_path(test_temp_dir(), "p.json");
    const char *url = kit_chain_start(DEVELOPMENT);
    struct test_output out = SERTN_RUN("prove", folder, "--input", kit_model(MODEL, "input.json"),
                                       "-o", proof, "--context", context, "--quiet");
    kit_done(&out, "prove");
    out = SERTN_RUN("verify", folder, proof, "--rpc", url, "--context", context, "--quiet");
    kit_done(&out, "verify");
    out = SERTN_RUN("verify", folder, proof, "--rpc", url);
    kit_refused(&out, 1, "context", "without the context");
}

/* ---- forged proofs: the contract alone ---- */

/* eth_call of the verifier with the given call data; true when it answers one. */
static bool contract_accepts(const char *url, const char *verifier, const char *calldata)
{
    struct test_output out =
        kit_shell("%s call --rpc-url %s %s --data \"$(cat %s)\" --gas-limit 3000000",
                  kit_tool("cast"), url, verifier, calldata);
    return out.exit_status == 0 &&
           strstr(out.text, "0000000000000000000000000000000000000000000000000000000000000001") !=
               NULL;
}

TEST(forged_call_data_is_rejected_by_the_contract)
{
    enum { SELECTOR = 8, TRIES = 24 };
    const char *folder = kit_keyed(MODEL), *proof = kit_proved(folder, MODEL);
    const char *url = kit_chain_start(DEVELOPMENT), *file = test_path(test_temp_dir(), "data");
    cJSON *result = verify_on(folder, proof, url);
    const char *verifier = kit_text("%s", kit_member(result, "verifier")->valuestring);
    cJSON_Delete(result);
    struct test_output out = SERTN_RUN("calldata", folder, proof, "--json");
    kit_done(&out, "calldata");
    cJSON *said = kit_json(&out);
    char *hex = strdup(kit_member(said, "calldata")->valuestring);
    size_t digits = strlen(hex) - 2;
    kit_write(file, hex, strlen(hex));
    CHECK(contract_accepts(url, verifier, file));
    /* The last bytes are the proof's, before them the words and the key. */
    for (size_t i = 0; i < TRIES; i++) {
        size_t at = 2 + SELECTOR + test_random_below(digits - SELECTOR);
        char was = hex[at];
        hex[at] = was == '7' ? '8' : '7';
        kit_write(file, hex, strlen(hex));
        CHECK_MSG(!contract_accepts(url, verifier, file), "digit %zu of %zu", at, digits);
        hex[at] = was;
    }
    kit_write(file, hex, strlen(hex) - 64);
    CHECK(!contract_accepts(url, verifier, file));
    cJSON_Delete(said);
    free(hex);
}

TEST(forged_proof_files_are_rejected_before_anything_is_sent)
{
    const char *folder = kit_keyed(MODEL), *proof = kit_proved(folder, MODEL);
    const char *url = kit_chain_start(DEVELOPMENT), *forged = test_path(test_temp_dir(), "f.json");
    struct buffer text = kit_read(proof);
    char *at = strstr(buffer_text(&text), "\"proof\":");
    REQUIRE(at != NULL);
    at += strlen("\"proof\": \"0x") + 100;
    *at = *at == '7' ? '8' : '7';
    kit_write(forged, text.data, text.count);
    struct test_output out = SERTN_RUN("verify", folder, forged, "--rpc", url);
    kit_refused(&out, 1, NULL, "a forged proof");
    out = kit_shell("%s block-number --rpc-url %s", kit_tool("cast"), url);
    CHECK_TEXT(out.text, "0\n");
    buffer_release(&text);
}

/* ---- other chains ---- */

TEST(development_keys_are_refused_by_other_chains)
{
    static const unsigned chains[] = {1, 8453, 1337};
    const char *folder = kit_keyed(MODEL), *proof = kit_proved(folder, MODEL);
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
        const char *url = kit_chain_start(chains[i]);
        struct test_output out = SERTN_RUN("verify", folder, proof, "--rpc", url);
        kit_refused(&out, 2, "--srs", kit_text("chain %u", chains[i]));
        CHECK(strstr(out.errors, kit_text("chain %u", chains[i])) != NULL);
        out = SERTN_RUN("verify", folder, proof, "--rpc", url, "--deploy", "--keystore", "/nosuch");
        kit_refused(&out, 2, "--srs", "asked to deploy");
        out = kit_shell("%s block-number --rpc-url %s", kit_tool("cast"), url);
        CHECK_TEXT(out.text, "0\n");
    }
}

/* Keys over a ceremony. Skips where snarkjs is not installed. */
static const char *ceremony_model(const char **proof)
{
    const char *folder = test_path(test_temp_dir(), "m.sertn");
    struct test_output out =
        SERTNC(kit_model(MODEL, "model.onnx"), "-o", folder, "--data",
               kit_model(MODEL, "test_data_set_0"), "--srs", kit_ceremony("prepared"), "--quiet");
    kit_done(&out, "sertnc --srs");
    *proof = kit_proved(folder, MODEL);
    return folder;
}

TEST(other_chains_are_called_read_only_once_the_verifier_is_deployed)
{
    const char *proof, *folder = ceremony_model(&proof), *home = test_temp_dir();
    const char *url = kit_chain_start(1), *password = test_path(home, "password"),
               *wrong = test_path(home, "wrong"), *keystore = test_path(home, "account");
    struct test_output out = SERTN_RUN("verify", folder, proof, "--rpc", url);
    kit_refused(&out, 2, "--deploy --keystore FILE", "no verifier there");
    out = SERTN_RUN("verify", folder, proof, "--rpc", url, "--deploy");
    kit_refused(&out, 2, "--keystore FILE", "nobody pays");
    out = kit_shell("%s wallet import --keystore-dir %s account --private-key %s "
                    "--unsafe-password 'a secret'",
                    kit_tool("cast"), home, rich_key);
    kit_done(&out, "cast wallet import");
    kit_write(password, "a secret\n", 9);
    kit_write(wrong, "another\n", 8);
    out = SERTN_RUN("verify", folder, proof, "--rpc", url, "--deploy", "--keystore", keystore,
                    "--password-file", wrong);
    kit_refused(&out, 2, "password", "a wrong password");
    out = SERTN_RUN("verify", folder, proof, "--rpc", url, "--deploy", "--keystore", keystore,
                    "--password-file", password, "--journal", test_path(home, "journal"), "--json");
    kit_done(&out, "deploy");
    cJSON *deployed = kit_json(&out);
    CHECK(kit_number(deployed, "deploy_gas") > 1000000);
    CHECK(kit_number(deployed, "deploy_gas") <= DEPLOY_GAS_MOST);
    CHECK(!has_member(deployed, "gas"));
    struct test_output blocks = kit_shell("%s block-number --rpc-url %s", kit_tool("cast"), url);
    cJSON *called = verify_on(folder, proof, url);
    CHECK(cJSON_IsTrue(kit_member(called, "verified")));
    CHECK(!has_member(called, "gas") && !has_member(called, "deploy_gas"));
    out = kit_shell("%s block-number --rpc-url %s", kit_tool("cast"), url);
    CHECK_TEXT(out.text, blocks.text);
    out = SERTN_RUN("verify", folder, proof, "--rpc", url, "--verifier",
                    kit_member(deployed, "verifier")->valuestring, "--quiet");
    kit_done(&out, "verify --verifier");
    cJSON_Delete(called);
    cJSON_Delete(deployed);
}

/* A keystore also pays on a development chain; the verifier of a ceremony is another contract. */
TEST(a_keystore_sends_on_a_development_chain)
{
    const char *proof, *folder = ceremony_model(&proof), *home = test_temp_dir();
    const char *url = kit_chain_start(DEVELOPMENT), *password = test_path(home, "password");
    kit_write(password, "p", 1);
    struct test_output out =
        kit_shell("%s wallet import --keystore-dir %s account --private-key %s "
                  "--unsafe-password p",
                  kit_tool("cast"), home, rich_key);
    kit_done(&out, "cast wallet import");
    out = SERTN_RUN("verify", folder, proof, "--rpc", url, "--keystore", test_path(home, "account"),
                    "--password-file", password, "--json");
    kit_done(&out, "verify");
    cJSON *result = kit_json(&out);
    CHECK(kit_number(result, "gas") > 100000 && kit_number(result, "gas") <= VERIFY_GAS_MOST);
    cJSON_Delete(result);
    const char *dev = kit_keyed(MODEL), *dev_proof = kit_proved(dev, MODEL);
    result = verify_on(dev, dev_proof, url);
    CHECK(has_member(result, "deploy_gas"));
    cJSON_Delete(result);
}

TEST(wrong_verifier_addresses_are_refused)
{
    static const char nobody[] = "0x00000000000000000000000000000000000000ff";
    const char *folder = kit_keyed(MODEL), *proof = kit_proved(folder, MODEL);
    const char *url = kit_chain_start(DEVELOPMENT);
    struct test_output out = SERTN_RUN("verify", folder, proof, "--rpc", url, "--verifier", "0x12");
    kit_refused(&out, 2, "40 hex digits", "a short address");
    out = SERTN_RUN("verify", folder, proof, "--rpc", url, "--verifier", nobody);
    kit_refused(&out, 2, "no contract", "nobody's address");
    out = SERTN_RUN("verify", folder, proof, "--rpc", url, "--verifier",
                    "0x4e59b44847b379578588920cA78FbF26c0B4956C");
    kit_refused(&out, 1, "does not accept", "another contract");
    out = SERTN_RUN("verify", folder, proof, "--verifier", nobody);
    kit_refused(&out, 2, "--rpc", "no chain");
}

TEST(proofs_of_fast_mode_are_for_no_chain)
{
    const char *folder = test_path(test_temp_dir(), "m.sertn");
    struct test_output out =
        SERTNC(kit_model(MODEL, "model.onnx"), "-o", folder, "--mode", "fast", "--quiet");
    kit_done(&out, "sertnc");
    const char *proof = kit_proved(folder, MODEL);
    out = SERTN_RUN("verify", folder, proof, "--rpc", kit_chain_start(DEVELOPMENT));
    kit_refused(&out, 2, "--mode gas", "verify");
    out = SERTN_RUN("calldata", folder, proof);
    kit_refused(&out, 2, "--mode gas", "calldata");
}

/* ---- nodes that are none ---- */

TEST(nodes_that_are_down_are_failures_of_the_surroundings)
{
    static const struct {
        const char *url;
        int exit_status;
    } cases[] = {{"http://127.0.0.1:1", 3},
                 {"http://no-such-host.invalid", 3},
                 {"http://", 3},
                 {"ftp://127.0.0.1", 2},
                 {"127.0.0.1:8545", 2},
                 {"file:///etc/passwd", 2},
                 {"", 2}};
    const char *folder = kit_keyed(MODEL), *proof = kit_proved(folder, MODEL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct test_output out = SERTN_RUN("verify", folder, proof, "--rpc", cases[i].url);
        kit_refused(&out, cases[i].exit_status, cases[i].url, cases[i].url);
        out = SERTN_RUN("verify", folder, proof, "--rpc", cases[i].url, "--json");
        cJSON *said = kit_json(&out);
        CHECK(cJSON_IsFalse(kit_member(said, "verified")));
        CHECK(cJSON_IsString(kit_member(said, "error")));
        cJSON_Delete(said);
    }
}

static void refuse_server(const char *folder, const char *proof, const struct kit_answer *answers,
                          const char *status_line, int exit_status)
{
    const char *url = kit_server_start(answers, status_line);
    struct test_output out = SERTN_RUN("verify", folder, proof, "--rpc", url);
    kit_refused(&out, exit_status, NULL, answers[0].body == NULL ? "closed" : answers[0].body);
}

TEST(servers_that_are_no_nodes_are_failures_of_the_surroundings)
{
    static const char *const bodies[] = {
        NULL,
        "",
        "<html>hello</html>",
        "{",
        "[]",
        "null",
        "{}",
        "{\"jsonrpc\":\"2.0\",\"id\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":31337}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"31337\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0xzz\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x-1\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x1ffffffffffffffffffffffff\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":[]}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"no such method\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":\"broken\"}",
    };
    const char *folder = kit_keyed(MODEL), *proof = kit_proved(folder, MODEL);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const struct kit_answer answers[] = {{"", bodies[i]}, {NULL, NULL}};
        refuse_server(folder, proof, answers, "HTTP/1.1 200 OK", 3);
        if (i < 4)
            refuse_server(folder, proof, answers, "HTTP/1.1 500 Internal Server Error", 3);
    }
}

#define RESULT(text) "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":" text "}"
#define CHAIN                                                                                      \
    {                                                                                              \
        "eth_chainId", RESULT("\"0x7a69\"")                                                        \
    }
#define CODE                                                                                       \
    {                                                                                              \
        "eth_getCode", RESULT("\"0x60\"")                                                          \
    }
#define ACCOUNT                                                                                    \
    {                                                                                              \
        "eth_accounts", RESULT("[\"0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266\"]")                 \
    }
#define YES                                                                                        \
    {                                                                                              \
        "eth_call",                                                                                \
            RESULT("\"0x0000000000000000000000000000000000000000000000000000000000000001\"")       \
    }
#define SENT                                                                                       \
    {                                                                                              \
        "eth_sendTransaction", RESULT("\"0x11\"")                                                  \
    }

/* Nodes that go wrong half-way. */
TEST(nodes_that_fail_half_way_are_not_taken_for_an_answer)
{
    static const struct {
        struct kit_answer answers[8];
        int exit_status;
    } cases[] = {
        {{CHAIN, {"eth_accounts", RESULT("[]")}, {NULL, NULL}}, 3},
        {{CHAIN, {"eth_accounts", RESULT("[1]")}, {NULL, NULL}}, 3},
        {{CHAIN, ACCOUNT, {"eth_getCode", RESULT("7")}, {NULL, NULL}}, 3},
        {{CHAIN, ACCOUNT, CODE, {"eth_call", RESULT("\"0x\"")}, {NULL, NULL}}, 2},
        {{CHAIN, ACCOUNT, CODE, {"eth_call", RESULT("\"0x01\"")}, {NULL, NULL}}, 1},
        {{CHAIN, ACCOUNT, CODE, {"eth_call", RESULT("\"rubbish\"")}, {NULL, NULL}}, 1},
        {{CHAIN, ACCOUNT, CODE, YES, {"eth_send", NULL}, {NULL, NULL}}, 3},
        {{CHAIN, ACCOUNT, CODE, YES, SENT, {"Receipt", RESULT("{}")}, {NULL, NULL}}, 3},
        {{CHAIN,
          ACCOUNT,
          CODE,
          YES,
          SENT,
          {"Receipt",
           RESULT("{\"transactionHash\":\"0x11\",\"status\":\"0x0\",\"gasUsed\":\"0x5208\"}")},
          {NULL, NULL}},
         1},
        {{CHAIN, ACCOUNT, CODE, YES, SENT, {"Receipt", RESULT("null")}, {NULL, NULL}}, 3},
    };
    const char *folder = kit_keyed(MODEL), *proof = kit_proved(folder, MODEL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse_server(folder, proof, cases[i].answers, "HTTP/1.1 200 OK", cases[i].exit_status);
}

TEST(an_answer_beyond_every_size_is_refused)
{
    enum { BYTES = 40 << 20 };
    char *body = malloc(BYTES + 1);
    REQUIRE(body != NULL);
    memset(body, ' ', BYTES);
    body[BYTES] = '\0';
    const struct kit_answer answers[] = {{"", body}, {NULL, NULL}};
    const char *folder = kit_keyed(MODEL), *proof = kit_proved(folder, MODEL);
    struct test_output out =
        SERTN_RUN("verify", folder, proof, "--rpc", kit_server_start(answers, "HTTP/1.1 200 OK"));
    kit_refused(&out, 3, NULL, "40 MB of spaces");
    free(body);
}

/* ---- call data ---- */

TEST(call_data_is_what_cast_encodes)
{
    const char *folder = kit_keyed("mlp"), *proof = kit_proved(folder, "mlp");
    const char *file = test_path(test_temp_dir(), "calldata");
    struct test_output out = kit_shell("$SERTN_RUN calldata %s %s >%s", folder, proof, file);
    kit_done(&out, "calldata");
    /* The first line is the call data; the rest the signature and the arguments, one a line. */
    out = kit_shell("%s calldata \"$(sed -n 2p %s)\" \"$(sed -n 3p %s)\" \"$(sed -n 4p %s)\" "
                    "\"$(sed -n 5p %s)\" \"$(sed -n 6p %s)\" \"$(sed -n 7p %s)\" >%s.cast && "
                    "head -1 %s | cmp - %s.cast",
                    kit_tool("cast"), file, file, file, file, file, file, file, file, file);
    kit_done(&out, "cast calldata gives the same");
    out = kit_shell("wc -l <%s", file);
    CHECK_I64(strtol(out.text, NULL, 10), 7);
}
