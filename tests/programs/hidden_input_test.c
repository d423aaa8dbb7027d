/* label: prover network libs: test_helpers_frontend sertn_frontend sertn_3rd_cjson */
/*
 * Jobs whose input the chain never sees, on a real anvil: the model shows a salted hash of it, the
 * requester commits to that, and the input reaches the nodes sealed to their keys, or in a store
 * that they share.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "tests/frontend/model_builder.h"
#include "tests/programs/node_kit.h"

static const char request_type[] =
    "request((uint256,bytes,bytes32,bytes32,uint16,uint8,uint256,address,uint32,uint40,uint96))";

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = kit_member(object, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static void publish_folder(const struct network *n, const char *model)
{
    struct test_output out = kit_shell(
        "$SERTN_REGISTRY publish %s --rpc %s --registry %s --keystore %s --password-file "
        "%s --journal %s/journal --royalty 1000 --quiet",
        model, n->url, n->registry, n->keystore[NETWORK_OWNER], n->password, test_temp_dir());
    kit_done(&out, "publish");
}

/* A model with hashed inputs, as model 2 of the network; once a test program, and published anew on
 * each chain. */
static const char *publish(const struct network *n)
{
    const char *model = kit_text("%s/hidden.sertn", n->folder);
    if (!file_exists(model)) {
        struct test_output out = SERTNC(kit_model("linear_regression", "model.onnx"), "-o", model,
                                        "--data", kit_model("linear_regression", "test_data_set_0"),
                                        "--input", "hashed", "--quiet");
        kit_done(&out, "compile");
        out = SERTN_RUN("keys", model, "--srs", network_powers(), "--quiet");
        kit_done(&out, "keys");
    }
    publish_folder(n, model);
    return model;
}

/* A node that serves it. */
static const char *config_of(const struct network *n, enum network_account account,
                             const char *model, const char *more)
{
    const char *path = network_config(n, account, test_temp_dir(), more);
    struct test_output out = kit_shell(
        "sed -i 's|\"number\":1,\"folder\":\"[^\"]*\"|\"number\":2,\"folder\":\"%s\"|' %s", model,
        path);
    kit_done(&out, "configuration");
    return path;
}

static const char *sealing_key(const struct network *n, enum network_account account)
{
    struct test_output out = kit_shell("$SERTN_REGISTRY sealing-key --keystore %s --password-file "
                                       "%s | tr -d '\\n'",
                                       n->keystore[account], n->password);
    kit_done(&out, "sealing-key");
    REQUIRE(out.text_bytes == 64);
    return kit_text("%s", out.text);
}

static struct test_output ask(const struct network *n, const char *model, const char *more)
{
    return network_run(n, NETWORK_OWNER, "request %s --input %s --number 2 --deadline 7200 %s",
                       model, n->input, more);
}

/* All that the chain knows: calls and events of all blocks. */
static bool chain_knows(const struct network *n, const char *hex)
{
    cJSON *head = network_call(n, "eth_blockNumber", "[]");
    unsigned long long last = strtoull(head->valuestring, NULL, 16);
    bool known = false;
    cJSON_Delete(head);
    for (unsigned long long block = 0; block <= last && !known; block++) {
        cJSON *all[] = {
            network_call(n, "eth_getBlockByNumber", kit_text("[\"0x%llx\",true]", block)),
            network_call(n, "eth_getBlockReceipts", kit_text("[\"0x%llx\"]", block))};
        for (int i = 0; i < 2; i++) {
            char *text = cJSON_PrintUnformatted(all[i]);
            known = known || strstr(text, hex) != NULL;
            free(text);
            cJSON_Delete(all[i]);
        }
    }
    return known;
}

/* {"X":[[3.0 of the input in hex. */
static const char input_hex[] = "7b2258223a5b5b33";

TEST(a_sealed_input_is_proved_by_who_is_admitted_and_seen_by_nobody_else)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *model = publish(n);
    const char *more = kit_text("--seal-to %s --quiet", sealing_key(n, NETWORK_NODE));
    struct test_output out = ask(n, model, more);
    kit_done(&out, "request");
    out = network_run(n, NETWORK_NODE_2, "submit %s 2/1", model);
    kit_refused(&out, 1, "not sealed to this account", "a stranger");
    out = node_drain(config_of(n, NETWORK_NODE_2, model, ""));
    kit_done(&out, "a node that is not admitted");
    CHECK_MSG(strstr(out.errors, "job 2/1: refused: the input is not sealed to this account") !=
                  NULL,
              "%s", out.errors);
    out = node_drain(config_of(n, NETWORK_NODE, model, ""));
    kit_done(&out, "an admitted node");
    CHECK_MSG(strstr(out.errors, "job 2/1: paid") != NULL, "%s", out.errors);
    out = kit_shell("$SERTN_RUN status 2/1 --rpc %s --market %s --json", n->url, n->market);
    kit_done(&out, "status");
    cJSON *state = kit_json(&out);
    CHECK_TEXT(text_of(state, "state"), "paid");
    cJSON_Delete(state);
    CHECK(strcmp(node_earned(n, NETWORK_NODE), "0") != 0);
    CHECK(!chain_knows(n, input_hex));
    /* The check sees an input that is there. */
    network_request(n, 0, 1);
    CHECK(chain_knows(n, "7b2258223a5b5b31"));
}

/* Nothing of the input is on the disk of the node but what is sealed. */
TEST(a_sealed_input_stays_sealed_on_the_disk)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *model = publish(n);
    struct test_output out =
        ask(n, model, kit_text("--seal-to %s --quiet", sealing_key(n, NETWORK_NODE)));
    kit_done(&out, "request");
    const char *config = config_of(n, NETWORK_NODE, model, "");
    for (unsigned at = 1; at < 60; at += 4) {
        out = node_run_killed(config, at);
        struct test_output found =
            kit_shell("! grep -r -l -a -F '{\"X\":[[3' $(dirname %s)/data", config);
        kit_done(&found, kit_text("killed at write %u", at));
        if (out.exit_status != NODE_KILLED)
            break;
    }
    out = node_drain(config);
    kit_done(&out, "node");
    CHECK(strcmp(node_earned(n, NETWORK_NODE), "0") != 0);
}

/* What job 2/PLACE commits to. */
static const char *commitment_of(const struct network *n, unsigned place)
{
    struct test_output out = kit_shell(
        "%s call --rpc-url %s %s 'jobOf(uint256)((address,uint40,uint40,uint8,uint8,address,uint96,"
        "uint96,uint96,uint32,uint16,bool,bytes32))' 0x2%016x | grep -o '0x[0-9a-f]*)' | tr -d "
        "')\\n'",
        kit_tool("cast"), n->url, n->market, place);
    kit_done(&out, "jobOf");
    REQUIRE(out.text_bytes == 66);
    return kit_text("%s", out.text);
}

/* Salts follow from key, input and name: nobody else can tell that two jobs ask the same. */
TEST(the_same_request_again_is_the_same_job)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *model = publish(n), *journal = test_path(test_temp_dir(), "journal"),
               *key = sealing_key(n, NETWORK_NODE);
    static const char *const names[] = {"", "", "--name other"}, *const jobs[] = {"2/1", "2/1",
                                                                                  "2/2"};
    for (int i = 0; i < 3; i++) {
        struct test_output out = kit_shell(
            "$SERTN_RUN request %s --input %s --number 2 --rpc %s --market %s --keystore %s "
            "--password-file %s --journal %s --seal-to %s %s --json",
            model, n->input, n->url, n->market, n->keystore[NETWORK_OWNER], n->password, journal,
            key, names[i]);
        kit_done(&out, "request");
        cJSON *asked = kit_json(&out);
        CHECK_TEXT(text_of(asked, "job"), jobs[i]);
        cJSON_Delete(asked);
    }
    struct test_output out =
        network_run(n, NETWORK_NODE_2, "request %s --input %s --number 2 --seal-to %s --quiet",
                    model, n->input, key);
    kit_done(&out, "another requester");
    const char *first = commitment_of(n, 1), *second = commitment_of(n, 2),
               *third = commitment_of(n, 3);
    CHECK(strcmp(first, second) != 0 && strcmp(first, third) != 0 && strcmp(second, third) != 0);
    out = node_drain(config_of(n, NETWORK_NODE, model, ""));
    kit_done(&out, "node");
    CHECK_MSG(strstr(out.errors, "job 2/3: paid") != NULL, "%s", out.errors);
}

/* Hashed and public inputs of one model, in any order. */
TEST(some_inputs_may_be_hidden_and_others_not)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *folder = test_temp_dir(), *onnx = test_path(folder, "m.onnx"),
               *model = test_path(folder, "m.sertn"), *input = test_path(folder, "in.json");
    static const char json[] = "{\"a\": [1.5, -2], \"b\": [0.25, 3], \"c\": [-7, 0.5, 2]}";
    size_t count;
    struct builder b = builder_start(17);
    model_input(&b, "a", ELEMENT_F32, "2");
    model_input(&b, "b", ELEMENT_F32, "2");
    model_input(&b, "c", ELEMENT_F32, "3");
    model_node(&b, "Add", "a,b", "y");
    model_node(&b, "Relu", "c", "z");
    model_output(&b, "y");
    model_output(&b, "z");
    const uint8_t *bytes = model_bytes(&b, &count);
    kit_write(onnx, bytes, count);
    builder_end(&b);
    kit_write(input, json, strlen(json));
    struct test_output out = SERTNC(onnx, "-o", model, "--data", input, "--range", "a=-8:8",
                                    "--range", "b=-8:8", "--range", "c=-8:8", "--input", "a=hashed",
                                    "--input", "b=public", "--input", "c=hashed", "--quiet");
    kit_done(&out, "compile");
    out = SERTN_RUN("keys", model, "--srs", network_powers(), "--quiet");
    kit_done(&out, "keys");
    publish_folder(n, model);
    out = network_run(n, NETWORK_OWNER, "request %s --input %s --number 2 --seal-to %s --quiet",
                      model, input, sealing_key(n, NETWORK_NODE));
    kit_done(&out, "request");
    out = node_drain(config_of(n, NETWORK_NODE, model, ""));
    kit_done(&out, "node");
    CHECK_MSG(strstr(out.errors, "job 2/1: paid") != NULL, "%s", out.errors);
    CHECK(!chain_knows(n, "7b2261223a5b312e")); /* {"a":[1. */
}

/* Signed by the requester, sent by another, proved by an admitted node. */
TEST(a_signed_request_may_have_a_sealed_input)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *model = publish(n), *file = test_path(test_temp_dir(), "request.json");
    struct test_output out =
        network_run(n, NETWORK_OWNER, "deposit --amount 100000000000000000 --quiet");
    kit_done(&out, "deposit");
    out =
        ask(n, model,
            kit_text("--seal-to %s --sign-only -o %s --quiet", sealing_key(n, NETWORK_NODE), file));
    kit_done(&out, "sign");
    out = network_run(n, NETWORK_NODE_2, "send-request %s --quiet", file);
    kit_done(&out, "send-request");
    out = network_run(n, NETWORK_NODE, "submit %s 2/1 --quiet", model);
    kit_done(&out, "submit");
    CHECK(strcmp(node_earned(n, NETWORK_NODE), "0") != 0);
    CHECK(!chain_knows(n, input_hex));
}

/* Without nodes to seal to, it lies in a store; other bytes there are not proved. */
TEST(a_hidden_input_may_lie_in_a_store)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *model = publish(n), *store = test_path(test_temp_dir(), "store");
    struct test_output out = ask(n, model, kit_text("--store %s", store));
    kit_done(&out, "request");
    CHECK_MSG(strstr(out.errors, "stored as ipfs://") != NULL, "%s", out.errors);
    CHECK(!chain_knows(n, input_hex));
    out = node_drain(
        config_of(n, NETWORK_NODE, model,
                  kit_text(",\"store\":\"%s\",\"limits\":{\"attempts\":1}", test_temp_dir())));
    kit_done(&out, "a node that cannot reach it");
    CHECK_MSG(strstr(out.errors, "is not in the local store") != NULL, "%s", out.errors);
    const char *bad = test_path(test_temp_dir(), "store");
    out = kit_shell("cp -r %s %s && for f in $(find %s -type f); do printf x >>$f; done", store,
                    bad, bad);
    kit_done(&out, "damage");
    out = node_drain(config_of(n, NETWORK_NODE, model,
                               kit_text(",\"store\":\"%s\",\"limits\":{\"attempts\":1}", bad)));
    kit_done(&out, "a node with other bytes");
    CHECK_MSG(strstr(out.errors, "job 2/1: refused") != NULL, "%s", out.errors);
    CHECK_TEXT(node_earned(n, NETWORK_NODE), "0");
    out = node_drain(config_of(n, NETWORK_NODE, model, kit_text(",\"store\":\"%s\"", store)));
    kit_done(&out, "a node with the store");
    CHECK(strcmp(node_earned(n, NETWORK_NODE), "0") != 0);
}

/* A request by hand: of an input as it is posted, and what is committed to. */
static void ask_by_hand(const struct network *n, const char *hex, const char *commitment)
{
    cJSON *block = network_call(n, "eth_getBlockByNumber", "[\"latest\",false]");
    unsigned long long deadline =
        strtoull(kit_member(block, "timestamp")->valuestring, NULL, 16) + 7200;
    cJSON_Delete(block);
    network_send(
        n, NETWORK_OWNER, n->market, request_type,
        kit_text("\"(2,%s,$(%s keccak %s),%s,1,0,0,"
                 "0x0000000000000000000000000000000000000000,0,%llu,1000000000000000000)\"",
                 hex, kit_tool("cast"), hex, commitment, deadline));
}

/* Each costs no gas. */
TEST(what_is_not_what_was_committed_to_is_refused)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *model = publish(n), *store = test_path(test_temp_dir(), "store");
    struct test_output out = ask(n, model, kit_text("--store %s --quiet", store));
    kit_done(&out, "request");
    out = network_run(n, NETWORK_OWNER, "deposit --amount 1000000000000000000 --quiet");
    kit_done(&out, "deposit");
    /* The text of the job: 8 bytes of magic, version, count, a salt of 32, the input. */
    out = kit_shell("od -An -v -tx1 $(find %s -type f | head -1) | tr -d ' \\n'", store);
    kit_done(&out, "text");
    const char *text = kit_text("0x%s", out.text), *commitment = commitment_of(n, 1);
    REQUIRE(strlen(text) > 2 + 2 * 48);
    static const struct {
        size_t at; /* of a digit of the text; 0: its end is cut */
        char digit;
        const char *why;
    } cases[] = {
        {2 + 2 * 40, '?', "the input is not the one that the requester committed to"},
        {2 + 2 * 16, 'f', "the salt of input 'X' is out of its range"},
        {2 + 2 * 8 + 1, '2', "salts in version 2"},
        {2 + 2 * 12 + 1, '2', "brings 2 salts"},
        {2 + 1, '0', "brings no salts"},
    };
    size_t count = sizeof cases / sizeof *cases;
    for (size_t i = 0; i < count; i++) {
        char *changed = strdup(text);
        REQUIRE(changed != NULL);
        char *digit = changed + cases[i].at;
        *digit = cases[i].digit != '?' ? cases[i].digit : *digit == '0' ? '1' : '0';
        ask_by_hand(n, changed, commitment);
        free(changed);
    }
    /* Another commitment, and salts cut off. */
    ask_by_hand(n, text, "0x1111111111111111111111111111111111111111111111111111111111111111");
    ask_by_hand(n, kit_text("%.*s", 2 + 2 * 40, text), commitment);
    out = node_drain(config_of(n, NETWORK_NODE, model,
                               kit_text(",\"store\":\"%s\",\"batch\":{\"jobs\":1}", store)));
    kit_done(&out, "node");
    for (size_t i = 0; i < count; i++) {
        const char *line = strstr(out.errors, kit_text("job 2/%zu: refused: ", i + 2));
        CHECK_MSG(line != NULL && strstr(line, cases[i].why) != NULL &&
                      strstr(line, cases[i].why) < strchr(line, '\n'),
                  "%s is not in %s", cases[i].why, out.errors);
    }
    CHECK_MSG(strstr(out.errors,
                     kit_text("job 2/%zu: refused: the input is not the one", count + 2)) != NULL,
              "%s", out.errors);
    CHECK_MSG(strstr(out.errors, kit_text("job 2/%zu: refused", count + 3)) != NULL, "%s",
              out.errors);
    CHECK_MSG(strstr(out.errors, "job 2/1: paid") != NULL, "%s", out.errors);
    CHECK_TEXT(node_sent(n, "latest"), "0x1");
}

TEST(what_cannot_be_hidden_is_said)
{
    struct network *n = network_start();
    network_open_account(n, NETWORK_NODE);
    const char *model = publish(n), *key = sealing_key(n, NETWORK_NODE);
    struct test_output out = network_run(
        n, NETWORK_OWNER, "request %s --input %s --number 1 --seal-to %s", n->model, n->input, key);
    kit_refused(&out, 2, "a proof shows them to everybody", "public inputs");
    out = ask(n, model, "--seal-to 1234");
    kit_refused(&out, 2, "64 hex digits", "no key");
    out = ask(n, model, kit_text("--seal-to %s --uri ipfs://x", key));
    kit_refused(&out, 2, "cannot lie at --uri", "a URI");
}
