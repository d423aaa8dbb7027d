/* See network_kit.h. */
#include "tests/programs/network_kit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ir/support/file.h"
#include "runtime/rpc.h"

enum { DEVELOPMENT = 31337, POWER = 13 };
static const char deployer[] = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
/* Accounts 1 to 3 of the mnemonic that anvil starts with. */
static const char *const keys[NETWORK_ACCOUNTS] = {
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"};
static const char *const names[NETWORK_ACCOUNTS] = {"owner", "node", "node2"};

static struct network the;
static char folder_text[400], deployed[80]; /* the mark of the chain after the deployment */

static void remove_folder(void)
{
    struct diag ignored = {0};
    if (file_remove_tree(folder_text, &ignored) != STATUS_OK)
        fprintf(stderr, "%s\n", ignored.text);
}

static void done(struct test_output out, const char *what)
{
    kit_done(&out, what);
    if (out.exit_status != 0)
        test_end_case();
}

static cJSON *call(const char *method, const char *params)
{
    struct rpc rpc;
    struct diag diag = {0};
    cJSON *result = NULL;
    REQUIRE_OK(rpc_open(&rpc, the.url, &diag), &diag);
    enum status status = rpc_call(&result, &rpc, method, params, &diag);
    rpc_close(&rpc);
    REQUIRE_OK(status, &diag);
    return result;
}

cJSON *network_call(const struct network *network, const char *method, const char *params)
{
    (void)network;
    return call(method, params);
}

const char *network_mark(const struct network *network)
{
    cJSON *id = network_call(network, "evm_snapshot", "[]");
    REQUIRE(cJSON_IsString(id));
    const char *mark = kit_text("[\"%s\"]", id->valuestring);
    cJSON_Delete(id);
    return mark;
}

void network_go_back(const struct network *network, const char *mark)
{
    cJSON_Delete(network_call(network, "evm_revert", mark));
}

void network_reset(struct network *network)
{
    network_go_back(network, deployed);
    snprintf(deployed, sizeof deployed, "%s", network_mark(network));
}

void network_stop(void)
{
    if (the.url != NULL) {
        kit_chain_stop();
        remove_folder();
    }
    the = (struct network){0};
}

const char *network_ask(const struct network *network, const char *to, const char *signature,
                        const char *argument)
{
    struct test_output out =
        kit_shell("%s call --rpc-url %s %s '%s' %s | cut -d' ' -f1 | tr -d '\\n'", kit_tool("cast"),
                  network->url, to, signature, argument);
    kit_done(&out, signature);
    return kit_text("%s", out.text);
}

static void send(const char *from, const char *to, const char *signature, const char *arguments)
{
    done(kit_shell("%s send --rpc-url %s --unlocked --from %s %s '%s' %s >/dev/null",
                   kit_tool("cast"), the.url, from, to, signature, arguments),
         signature);
}

void network_send(const struct network *network, enum network_account from, const char *to,
                  const char *signature, const char *arguments)
{
    send(network->address[from], to, signature, arguments);
}

void network_open_account(const struct network *network, enum network_account account)
{
    send(network->address[NETWORK_OWNER], network->market, "openAccount(address)",
         network->address[account]);
}

/* A ceremony with enough powers, once a build folder. */
const char *network_powers(void)
{
    const char *path = kit_text("%s/tests/network_%d.ptau", test_build_dir(), POWER);
    if (!file_exists(path))
        done(kit_shell("cd %s && $SERTN_REGISTRY ceremony new --power %d -o 0.ptau --quiet && "
                       "$SERTN_REGISTRY ceremony contribute 0.ptau -o 1.ptau --name test --quiet "
                       ">/dev/null && $SERTN_REGISTRY ceremony beacon 1.ptau -o 2.ptau --beacon "
                       "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20 --quiet "
                       ">/dev/null && mv 2.ptau %s",
                       the.folder, POWER, path),
             "ceremony");
    return path;
}

static void make_model(void)
{
    const char *ptau = network_powers();
    snprintf(the.model, sizeof the.model, "%s/model.sertn", the.folder);
    snprintf(the.input, sizeof the.input, "%s", kit_model("linear_regression", "input.json"));
    done(SERTNC(kit_model("linear_regression", "model.onnx"), "-o", the.model, "--data",
                kit_model("linear_regression", "test_data_set_0"), "--input", "public", "--quiet"),
         "compile");
    done(SERTN_RUN("keys", the.model, "--srs", ptau, "--quiet"), "keys");
}

static void read_address(char out[43], const cJSON *object, const char *name)
{
    const cJSON *item = kit_member(object, name);
    REQUIRE(cJSON_IsString(item) && strlen(item->valuestring) == 42);
    snprintf(out, 43, "%s", item->valuestring);
}

static void deploy(void)
{
    const char *proof = kit_text("%s/proof.json", the.folder),
               *file = kit_text("%s/network.json", the.folder),
               *claim = kit_text("%s/claim.json", the.folder);
    done(SERTN_RUN("prove", the.model, "--input", the.input, "-o", proof, "--quiet"), "prove");
    struct test_output out = SERTN_RUN("verify", the.model, proof, "--rpc", the.url, "--json");
    done(out, "verify");
    cJSON *verified = kit_json(&out);
    read_address(the.verifier, verified, "verifier");
    cJSON_Delete(verified);
    done(kit_shell("$SERTN_RUN calldata %s %s --json > %s", the.model, proof, claim), "calldata");
    done(kit_shell("CANARY=%s %s %s %s %s --unlocked --sender %s", claim,
                   test_source_path("contracts/deploy"), file, the.verifier, the.url, deployer),
         "deploy");
    struct buffer text = kit_read(file);
    cJSON *addresses = cJSON_Parse(buffer_text(&text));
    read_address(the.market, addresses, "market");
    read_address(the.registry, addresses, "registry");
    read_address(the.pools, addresses, "pools");
    read_address(the.token, addresses, "token");
    read_address(the.router, addresses, "router");
    cJSON_Delete(addresses);
    buffer_release(&text);
}

static void make_accounts(void)
{
    snprintf(the.password, sizeof the.password, "%s/password", the.folder);
    kit_write(the.password, "secret\n", 7);
    for (int i = 0; i < NETWORK_ACCOUNTS; i++) {
        snprintf(the.keystore[i], sizeof the.keystore[i], "%s/keys/%s", the.folder, names[i]);
        struct test_output out = kit_shell(
            "mkdir -p %s/keys && %s wallet import %s --keystore-dir %s/keys --private-key "
            "%s --unsafe-password secret >/dev/null && %s wallet address %s | tr -d '\\n'",
            the.folder, kit_tool("cast"), names[i], the.folder, keys[i], kit_tool("cast"), keys[i]);
        done(out, "keystore");
        REQUIRE(strlen(out.text) == 42);
        snprintf(the.address[i], sizeof the.address[i], "%s", out.text);
        send(deployer, the.token, "transfer(address,uint256)",
             kit_text("%s 1000000000000000000000", the.address[i]));
    }
}

struct network *network_start(void)
{
    if (the.url != NULL) {
        network_reset(&the);
        return &the;
    }
    kit_tool("forge");
    snprintf(folder_text, sizeof folder_text, "%s/tests/network_XXXXXX", test_build_dir());
    REQUIRE(mkdtemp(folder_text) != NULL);
    static bool is_registered;
    if (!is_registered)
        is_registered = atexit(remove_folder) == 0;
    setenv("XDG_DATA_HOME", folder_text, 1);
    the.folder = folder_text;
    static char url[64];
    snprintf(url, sizeof url, "%s", kit_chain_start(DEVELOPMENT));
    the.url = url;
    make_model();
    deploy();
    make_accounts();
    done(
        kit_shell("$SERTN_REGISTRY publish %s --rpc %s --registry %s --keystore %s --password-file "
                  "%s --royalty 1000 --quiet",
                  the.model, the.url, the.registry, the.keystore[NETWORK_OWNER], the.password),
        "publish");
    snprintf(deployed, sizeof deployed, "%s", network_mark(&the));
    return &the;
}

struct test_output network_run(const struct network *network, enum network_account account,
                               const char *format, ...)
{
    char text[2000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return kit_shell("$SERTN_RUN %s --rpc %s --market %s --keystore %s --password-file %s "
                     "--journal %s/journal_%s",
                     text, network->url, network->market, network->keystore[account],
                     network->password, test_temp_dir(), names[account]);
}

void network_request(const struct network *network, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        const char *input = kit_text("%s/in_%u.json", test_temp_dir(), i);
        const char *text = kit_text("{\"X\": [[%u.0, %u.5]]}", i % 4 + 1, i % 5 + 1);
        kit_write(input, text, strlen(text));
        done(network_run(network, NETWORK_OWNER,
                         "request %s --input %s --number 1 --name job%u --quiet --deadline 7200",
                         network->model, input, i),
             "request");
    }
}

void network_pass_time(const struct network *network, unsigned seconds)
{
    cJSON_Delete(network_call(network, "evm_increaseTime", kit_text("[\"0x%x\"]", seconds)));
    cJSON_Delete(network_call(network, "evm_mine", "[]"));
}

void network_mine(const struct network *network, unsigned blocks)
{
    enum { AT_ONCE = 100 };
    for (unsigned left = blocks; left > 0;) {
        unsigned count = left < AT_ONCE ? left : AT_ONCE;
        cJSON_Delete(network_call(network, "anvil_mine", kit_text("[\"0x%x\"]", count)));
        left -= count;
    }
}

void network_join(const struct network *n, enum network_account account, unsigned units)
{
    network_send(n, account, n->token, "approve(address,uint256)",
                 kit_text("%s 100000000000000000000", n->pools));
    network_send(n, account, n->pools, "bond(address,uint256)",
                 kit_text("%s 100000000000000000000", n->address[account]));
    network_send(n, account, n->pools, "setUnits(address,uint256,uint64)",
                 kit_text("%s 1 %u", n->address[account], units));
    network_pass_time(n, 3600);
}

const char *network_config(const struct network *n, enum network_account account,
                           const char *folder, const char *more)
{
    const char *path = test_path(folder, "node.json");
    const char *text =
        kit_text("{\"rpc\":\"%s\",\"chain_id\":31337,\"market\":\"%s\",\"keystore\":\"%s\","
                 "\"password_file\":\"%s\",\"data\":\"data\",\"poll_ms\":50,"
                 "\"models\":[{\"number\":1,\"folder\":\"%s\"}],"
                 "\"economics\":{\"token_per_wei\":0,\"token_per_unit\":1}%s%s}",
                 n->url, n->market, n->keystore[account], n->password, n->model,
                 strstr(more, "\"batch\"") == NULL ? ",\"batch\":{\"seconds\":0}" : "", more);
    kit_write(path, text, strlen(text));
    return path;
}

/* ---- contracts that only some tests need ---------------------------------------------------- */

static const char *address_in(const struct network *n, const char *name)
{
    char text[43];
    struct buffer bytes = kit_read(kit_text("%s/network.json", n->folder));
    cJSON *all = cJSON_Parse(buffer_text(&bytes));
    read_address(text, all, name);
    cJSON_Delete(all);
    buffer_release(&bytes);
    return kit_text("%s", text);
}

struct network network_twin(const struct network *n)
{
    struct network twin = *n;
    snprintf(twin.market, sizeof twin.market, "0x00000000000000000000000000000000007e1122");
    struct test_output out = kit_shell(
        "cast='%s' rpc='--rpc-url %s' a=%s b=%s && "
        "$cast rpc $rpc anvil_setCode $b $($cast code $rpc $a) >/dev/null && "
        "for slot in 2 3 4 5 6 7; do "
        "$cast rpc $rpc anvil_setStorageAt $b 0x$slot $($cast storage $rpc $a $slot) || exit 1; "
        "done >/dev/null",
        kit_tool("cast"), n->url, n->market, twin.market);
    kit_done(&out, "another market");
    return twin;
}

const char *network_vetting(const struct network *n)
{
    const char *file = test_path(test_temp_dir(), "code");
    char address[43];
    struct test_output out = kit_shell(
        "cd %s && (%s inspect src/vetting/Vetting.sol:Vetting bytecode | tr -d '\\n' && "
        "%s abi-encode 'c(address,address,address)' %s %s %s | cut -c3- | tr -d '\\n') "
        ">%s && %s send --rpc-url %s --unlocked --from %s --json --create $(cat %s)",
        test_source_path("contracts"), kit_tool("forge"), kit_tool("cast"), n->market, n->registry,
        address_in(n, "router"), file, kit_tool("cast"), n->url, deployer, file);
    done(out, "deploy Vetting");
    cJSON *receipt = kit_json(&out);
    read_address(address, receipt, "contractAddress");
    cJSON_Delete(receipt);
    return kit_text("%s", address);
}

const char *network_ceremony(const struct network *n, const char *zero)
{
    struct test_output out = kit_shell("$SERTN_REGISTRY ceremony new --power 7 -o %s --json", zero);
    done(out, "ceremony new");
    cJSON *result = kit_json(&out);
    out = kit_shell("WINDOW=600 ENROLLMENT=600 LEAST=2 %s %s %s %s --unlocked --from %s",
                    test_source_path("contracts/deploy_ceremony"), n->pools,
                    kit_member(result, "next_challenge")->valuestring, n->url, deployer);
    cJSON_Delete(result);
    done(out, "deploy_ceremony");
    out.text[strcspn(out.text, "\n")] = '\0';
    REQUIRE(strlen(out.text) == 42);
    return kit_text("%s", out.text);
}
