/* label: prover network libs: sertn_3rd_cjson */
/*
 * sertn-registry publish, list, show on a real anvil: what a buyer is told is what the chain and
 * the hashes on it say, whatever owner, store and node would have him believe.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ir/support/file.h"
#include "tests/programs/network_kit.h"

static struct test_output show(const struct network *n, unsigned number, const char *more)
{
    return kit_shell("$SERTN_REGISTRY show %u --rpc %s --registry %s %s", number, n->url,
                     n->registry, more);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = kit_member(object, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

/* An address that contracts/deploy wrote down. */
static const char *address_of(const struct network *n, const char *name)
{
    struct buffer text = kit_read(kit_text("%s/network.json", n->folder));
    cJSON *all = cJSON_Parse(buffer_text(&text));
    const char *address = kit_text("%s", text_of(all, name));
    cJSON_Delete(all);
    buffer_release(&text);
    return address;
}

static cJSON *metadata_of(const struct network *n)
{
    struct buffer text = kit_read(kit_text("%s/public/metadata.json", n->model));
    cJSON *metadata = cJSON_Parse(buffer_text(&text));
    buffer_release(&text);
    REQUIRE(metadata != NULL);
    return metadata;
}

TEST(a_buyer_is_told_what_chain_and_files_say)
{
    static const char *const same[] = {
        "model_hash", "circuit_hash", "vk_hash", "input_schema_hash", "output_schema_hash",
        "inputs",     "outputs",      "graph",   "compute_cost",      "parameters"};
    struct network *n = network_start();
    const char *viewer = address_of(n, "viewer");
    struct test_output out = show(n, 1, kit_text("--viewer %s --json", viewer));
    kit_done(&out, "show");
    cJSON *said = kit_json(&out), *metadata = metadata_of(n);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        CHECK_MSG(cJSON_Compare(kit_member(said, same[i]), kit_member(metadata, same[i]), true),
                  "%s", same[i]);
    const cJSON *system = kit_member(said, "proof_system"), *files = kit_member(said, "files");
    CHECK_TEXT(text_of(system, "state"), "live");
    CHECK(cJSON_IsFalse(kit_member(system, "router_frozen")));
    CHECK(cJSON_IsFalse(kit_member(system, "development_srs")));
    CHECK_TEXT(text_of(system, "srs_digest"), text_of(metadata, "srs_digest"));
    CHECK(cJSON_IsTrue(kit_member(files, "verified")));
    CHECK(kit_number(files, "count") >= 6);
    CHECK(kit_number(said, "compute_cost_of_key") == kit_number(metadata, "rows"));
    CHECK_TEXT(text_of(said, "royalty"), "1000");
    CHECK_TEXT(text_of(said, "price"), "320000000001000");
    CHECK(strcasecmp(text_of(said, "owner"), n->address[NETWORK_OWNER]) == 0);
    CHECK(kit_number(kit_member(said, "last_jobs"), "paid") == 0);
    CHECK(cJSON_IsObject(kit_member(said, "owner_claims")));
    CHECK(kit_number(kit_member(said, "owner_claims"), "gas") > 100000);
    cJSON_Delete(metadata);
    cJSON_Delete(said);
    /* For people. */
    out = show(n, 1, "");
    kit_done(&out, "show");
    static const char *const lines[] = {"model 1 on chain 31337: ", "takes work       yes",
                                        ": live, verified at 0x",   "rows, as its key gives",
                                        "all as registered",        "the owner claims gas: "};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        CHECK_MSG(strstr(out.text, lines[i]) != NULL, "no '%s' in %s", lines[i], out.text);
}

TEST(the_files_that_show_keeps_verify_proofs)
{
    struct network *n = network_start();
    const char *folder = test_path(test_temp_dir(), "bought.sertn");
    struct test_output out = show(n, 1, kit_text("-o %s --quiet", folder));
    kit_done(&out, "show -o");
    CHECK(!file_exists(test_path(folder, "private")));
    CHECK(kit_same_file(test_path(folder, "public/vk"), kit_text("%s/public/vk", n->model)));
    out = SERTN_RUN("verify", folder, kit_text("%s/proof.json", n->folder), "--quiet");
    kit_done(&out, "verify with what was bought");
    out = SERTN_RUN("keys", folder, "--check", "--quiet");
    kit_done(&out, "keys --check of what was bought");
    /* A folder of something else is not overwritten. */
    const char *other = test_temp_dir();
    kit_write(test_path(other, "mine"), "x", 1);
    out = show(n, 1, kit_text("-o %s", other));
    CHECK(out.exit_status != 0 && file_exists(test_path(other, "mine")));
}

TEST(what_takes_no_work_is_said)
{
    struct network *n = network_start();
    const char *router = address_of(n, "router");
    network_send(n, NETWORK_OWNER, n->registry, "deprecateModel(uint256)", "1");
    struct test_output out = show(n, 1, "");
    kit_done(&out, "deprecated");
    CHECK_MSG(strstr(out.text, "no, it is deprecated") != NULL, "%s", out.text);
    out = kit_shell("%s send --rpc-url %s --unlocked --from "
                    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 %s 'stopRoute(bytes4)' "
                    "$(%s keccak sertn-plonk-bn254-v1 | cut -c1-10) && %s send --rpc-url %s "
                    "--unlocked --from 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 %s 'freeze()'",
                    kit_tool("cast"), n->url, router, kit_tool("cast"), kit_tool("cast"), n->url,
                    router);
    kit_done(&out, "stop and freeze");
    out = show(n, 1, "");
    kit_done(&out, "stopped");
    CHECK_MSG(strstr(out.text, "STOPPED") != NULL, "%s", out.text);
    CHECK_MSG(strstr(out.text, "frozen: no proof system is added any more") != NULL, "%s",
              out.text);
    out = show(n, 1, "--json");
    cJSON *said = kit_json(&out);
    CHECK_TEXT(text_of(kit_member(said, "proof_system"), "state"), "stopped");
    CHECK(cJSON_IsTrue(kit_member(kit_member(said, "proof_system"), "router_frozen")));
    cJSON_Delete(said);
}

TEST(files_that_cannot_be_had_are_said_to_be_unseen)
{
    struct network *n = network_start();
    const char *empty = test_temp_dir();
    struct test_output out = show(n, 1, kit_text("--store %s", empty));
    kit_done(&out, "without files");
    CHECK_MSG(strstr(out.text, "not seen: ") != NULL, "%s", out.text);
    CHECK_MSG(strstr(out.text, "as the chain says") != NULL, "%s", out.text);
    CHECK(strstr(out.text, "the owner claims") == NULL);
    out = show(n, 1, kit_text("--store %s --json", empty));
    cJSON *said = kit_json(&out);
    CHECK(cJSON_IsFalse(kit_member(kit_member(said, "files"), "verified")));
    CHECK(cJSON_GetObjectItem(said, "inputs") == NULL);
    cJSON_Delete(said);
    out = show(n, 1, kit_text("--store %s -o %s/m.sertn", empty, empty));
    kit_refused(&out, 2, "not in the local store", "asked to keep them");
    CHECK(!file_exists(test_path(empty, "m.sertn")));
    /* A store that gives other bytes under the name. */
    const char *damaged = test_path(test_temp_dir(), "store");
    out = kit_shell("cp -r %s/sertn/store %s && for f in %s/*; do echo x >>$f; done", n->folder,
                    damaged, damaged);
    kit_done(&out, "damage the store");
    out = show(n, 1, kit_text("--store %s", damaged));
    kit_done(&out, "a damaged store is as good as none");
    CHECK_MSG(strstr(out.text, "not seen: ") != NULL, "%s", out.text);
    static const struct kit_answer other[] = {{"", "{\"version\":1,\"files\":[]}"}, {NULL, NULL}};
    out = show(n, 1,
               kit_text("--store %s --ipfs %s", empty, kit_server_start(other, "HTTP/1.1 200 OK")));
    kit_refused(&out, 1, "other bytes", "an IPFS node that lies");
}

/* Registers the key of model 1 again with another word about it. */
static void register_with(const struct network *n, const char *input, const char *output,
                          const char *model, const char *uri)
{
    struct test_output out =
        kit_shell("%s send --rpc-url %s --unlocked --from %s %s 'approve(address,uint256)' %s "
                  "100000000000000000000 && %s send --rpc-url %s --unlocked --from %s %s "
                  "'register((bytes32,bytes32,bytes32,bytes4,uint96,string),bytes,uint256)' "
                  "\"(%s,%s,%s,$(%s keccak sertn-plonk-bn254-v1 | cut -c1-10),0,%s)\" "
                  "0x$(od -An -v -tx1 %s/public/vk | tr -d ' \\n') 10000000000000000000",
                  kit_tool("cast"), n->url, n->address[NETWORK_OWNER], n->token, n->registry,
                  kit_tool("cast"), n->url, n->address[NETWORK_OWNER], n->registry, input, output,
                  model, kit_tool("cast"), uri, n->model);
    kit_done(&out, "register");
}

/* Puts a text into the store; its uri. */
static const char *stored(const struct network *n, const char *text)
{
    char digest[80] = "";
    const char *file = test_path(test_temp_dir(), "manifest");
    kit_write(file, text, strlen(text));
    struct test_output out = kit_shell(
        "python3 -c \"import base64,hashlib;print('b'+base64.b32encode(b'\\x01\\x55\\x12\\x20'+"
        "hashlib.sha256(open('%s','rb').read()).digest()).decode().lower().rstrip('='),end='')\"",
        file);
    kit_done(&out, "cid");
    snprintf(digest, sizeof digest, "%s", out.text);
    out = kit_shell("cp %s %s/sertn/store/%s", file, n->folder, digest);
    kit_done(&out, "cp");
    return kit_text("ipfs://%s", digest);
}

TEST(an_owner_who_says_something_else_is_found_out)
{
    static const char wrong[] =
        "0x1111111111111111111111111111111111111111111111111111111111111111";
    struct network *n = network_start();
    cJSON *metadata = metadata_of(n);
    const char *input = text_of(metadata, "input_schema_hash"),
               *output = text_of(metadata, "output_schema_hash"),
               *model = text_of(metadata, "model_hash");
    struct test_output out = show(n, 1, "--json");
    cJSON *said = kit_json(&out);
    const char *uri = kit_text("%s", text_of(said, "uri"));
    cJSON_Delete(said);
    struct buffer circuit = kit_read(kit_text("%s/public/circuit", n->model));
    buffer_release(&circuit);
    const struct {
        const char *input, *output, *model, *uri, *says;
        int exit_status;
    } cases[] = {
        {wrong, output, model, uri, "input_schema_hash differs", 1},
        {input, wrong, model, uri, "output_schema_hash differs", 1},
        {input, output, wrong, uri, "model_hash differs", 1},
        {input, output, model, stored(n, "{\"version\":1,\"files\":[]}"), "is no model", 1},
        {input, output, model, stored(n, "no JSON"), "no manifest", 0},
        {input, output, model, stored(n, "{\"version\":2,\"files\":[]}"), "no manifest", 0},
        {input, output, model, stored(n, "{\"version\":1,\"files\":[{\"name\":\"../../x\"}]}"),
         "does not belong into a public folder", 0},
        {input, output, model, stored(n, "{\"version\":1,\"files\":[{\"name\":\"vk\"}]}"),
         "no size or no hash", 0},
        {input, output, model, stored(n, "{\"version\":1,\"files\":[7]}"),
         "does not belong into a public folder", 0},
        {input, output, model,
         stored(n, "{\"version\":1,\"files\":[{\"name\":\"vk\"},{\"name\":\"vk\"}]}"), "twice", 0},
        {input, output, model, "https://example.org/model", "no address of stored bytes", 0},
        {input, output, model, "ar://0123456789-0123456789_0123456789-0123456789", "by their hash",
         0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        register_with(n, cases[i].input, cases[i].output, cases[i].model, cases[i].uri);
        out = show(n, 2 + i, "");
        if (cases[i].exit_status != 0)
            kit_refused(&out, cases[i].exit_status, cases[i].says, cases[i].says);
        else
            CHECK_MSG(out.exit_status == 0 && strstr(out.text, cases[i].says) != NULL, "%s: %s%s",
                      cases[i].says, out.text, out.errors);
    }
    cJSON_Delete(metadata);
}

TEST(bad_questions_are_refused)
{
    struct network *n = network_start();
    struct test_output out = show(n, 2, "");
    kit_refused(&out, 2, "no model 2", "no such model");
    out = show(n, 0, "");
    kit_refused(&out, 2, "no model 0", "none");
    out = show(n, 1, kit_text("--viewer %s", n->token));
    kit_refused(&out, 2, "no viewer", "another contract");
    out = show(n, 1, "--viewer 0x12");
    kit_refused(&out, 2, "--viewer", "no address");
    out = kit_shell("$SERTN_REGISTRY show 1 --rpc %s --registry %s", n->url, n->token);
    kit_refused(&out, 2, "registry", "no registry");
    out = show(n, 1, "--chain-id 1");
    kit_refused(&out, 2, "not of chain 1 that --chain-id asks for", "another chain");
    out = kit_shell("$SERTN_REGISTRY show x --rpc %s --registry %s", n->url, n->registry);
    kit_refused(&out, 2, "no number", "no number");
    out = kit_shell("$SERTN_REGISTRY show 1 --registry %s", n->registry);
    kit_refused(&out, 2, "--rpc", "no node");
}

/* ---- Arweave -------------------------------------------------------------------------------- */

static pid_t gateway;

static void stop_gateway(void)
{
    if (gateway > 0) {
        kill(gateway, SIGKILL);
        waitpid(gateway, NULL, 0);
    }
    gateway = 0;
}

/* A gateway that believes nothing that arweave-js does not find right. */
static const char *start_gateway(void)
{
    const char *file = test_path(test_temp_dir(), "url"),
               *script = test_source_path("tests/programs/arweave_gateway.mjs");
    if (!file_exists(test_source_path("contracts/node_modules/arweave/package.json")))
        test_skip("arweave-js is not installed: contracts/setup");
    stop_gateway();
    fflush(NULL);
    gateway = fork();
    REQUIRE(gateway >= 0);
    if (gateway == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("node", "node", script, file, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 400 && !file_exists(file); i++)
        usleep(50000);
    REQUIRE(file_exists(file));
    struct buffer url = kit_read(file);
    const char *text = kit_text("%s", buffer_text(&url));
    buffer_release(&url);
    return text;
}

static struct test_output publish_there(const struct network *n, const char *url,
                                        const char *wallet, const char *more)
{
    return kit_shell("$SERTN_REGISTRY publish %s --rpc %s --registry %s --keystore %s "
                     "--password-file %s --arweave %s --wallet %s %s",
                     n->model, n->url, n->registry, n->keystore[NETWORK_NODE], n->password, url,
                     wallet, more);
}

/* A wallet that only tests know. */
static const char *wallet_file(void)
{
    return test_source_path("tests/fuzz/corpus/jwk/wallet.json");
}

TEST(what_is_published_on_arweave_comes_back_from_there)
{
    struct network *n = network_start();
    const char *url = start_gateway(), *home = test_temp_dir();
    const char *more = kit_text("--store %s/store --journal %s/journal --json", home, home);
    struct test_output out = publish_there(n, url, wallet_file(), more);
    kit_done(&out, "publish on Arweave");
    cJSON *first = kit_json(&out);
    const char *uri = kit_text("%s", text_of(first, "uri"));
    CHECK_MSG(strncmp(uri, "ar://", 5) == 0 && uri[48] == '#' && strlen(uri) == 113, "%s", uri);
    CHECK(kit_number(first, "model") == 2);
    /* Again: the same transactions, there and on the chain. */
    out = publish_there(n, url, wallet_file(), more);
    kit_done(&out, "again");
    cJSON *again = kit_json(&out);
    CHECK_TEXT(text_of(again, "uri"), uri);
    CHECK(kit_number(again, "model") == 2 && cJSON_IsTrue(kit_member(again, "was_known")));
    /* A buyer with an empty store, from the gateway alone. */
    const char *bought = test_path(test_temp_dir(), "bought.sertn");
    out = show(n, 2, kit_text("--store %s/empty --arweave %s -o %s", home, url, bought));
    kit_done(&out, "show from Arweave");
    CHECK_MSG(strstr(out.text, "all as registered") != NULL, "%s", out.text);
    CHECK(kit_same_file(test_path(bought, "public/circuit"),
                        kit_text("%s/public/circuit", n->model)));
    out = kit_shell("node -e 'fetch(\"%s/lie\").then((answer) => answer.text())'", url);
    kit_done(&out, "ask the gateway to lie");
    out = show(n, 2, kit_text("--store %s/empty --arweave %s", home, url));
    kit_refused(&out, 1, "other bytes", "a gateway that lies");
    stop_gateway();
    out = show(n, 2, kit_text("--store %s/empty --arweave %s", home, url));
    kit_done(&out, "a gateway that is gone");
    CHECK(strstr(out.text, "not seen: ") != NULL);
    cJSON_Delete(again);
    cJSON_Delete(first);
}

/* Killed while it uploads, it goes on; nothing is registered before all is there. */
TEST(who_is_killed_while_publishing_publishes_once)
{
    struct network *n = network_start();
    const char *url = start_gateway(), *home = test_temp_dir();
    const char *more = kit_text("--store %s/store --journal %s/journal --json", home, home);
    for (unsigned round = 0; round < 6; round++) {
        struct test_output out = kit_shell(
            "timeout -s KILL 0.%02u $SERTN_REGISTRY publish %s --rpc %s --registry %s --keystore "
            "%s --password-file %s --arweave %s --wallet %s %s >/dev/null 2>&1; true",
            5 + 15 * round, n->model, n->url, n->registry, n->keystore[NETWORK_NODE], n->password,
            url, wallet_file(), more);
        kit_done(&out, "kill");
    }
    struct test_output out = publish_there(n, url, wallet_file(), more);
    kit_done(&out, "publish");
    CHECK_TEXT(network_ask(n, n->registry, "modelCount()(uint256)", ""), "2");
    out = show(n, 2, kit_text("--store %s/empty --arweave %s", home, url));
    kit_done(&out, "show");
    CHECK(strstr(out.text, "all as registered") != NULL);
    stop_gateway();
}

TEST(publishing_takes_wallet_and_gateway_together)
{
    struct network *n = network_start();
    struct test_output out = kit_shell(
        "$SERTN_REGISTRY publish %s --rpc %s --registry %s --keystore %s --password-file %s "
        "--arweave http://127.0.0.1:1",
        n->model, n->url, n->registry, n->keystore[NETWORK_OWNER], n->password);
    kit_refused(&out, 2, "go together", "a gateway without a wallet");
    out = publish_there(n, "http://127.0.0.1:1", n->password, "");
    kit_refused(&out, 2, "not a wallet", "a wallet that is none");
    const char *store = test_temp_dir();
    out = publish_there(n, "http://127.0.0.1:1", wallet_file(), kit_text("--store %s", store));
    kit_refused(&out, 3, "127.0.0.1:1", "no gateway");
    out = publish_there(n, start_gateway(), wallet_file(),
                        kit_text("--store %s --max-reward 5", store));
    kit_refused(&out, 2, "more than the limit of 5", "too dear");
    CHECK_TEXT(network_ask(n, n->registry, "modelCount()(uint256)", ""), "1");
    stop_gateway();
}
