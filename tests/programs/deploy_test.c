/* label: prover checked network libs: sertn_3rd_cjson */
/*
 * sertn-run verify --rpc --deploy --keystore on chains that are no development chains: the
 * transaction goes through the journal, a second run finds what was deployed, several nodes must
 * agree, and what goes wrong is said in one sentence. What the chain has is read with cast.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ir/support/file.h"
#include "tests/programs/chain_kit.h"

#define MODEL "linear_regression"
enum { CHAIN = 8453 };

/* The first account of every anvil, and one that nobody ever paid. */
static const char rich_key[] = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
static const char poor_key[] = "0x00000000000000000000000000000000000000000000000000000000000f00d1";

struct subject {
    const char *folder, *proof, *rich, *poor, *password, *journal, *url;
};

static const char *keystore(const char *home, const char *name, const char *key)
{
    struct test_output out = kit_shell("%s wallet import --keystore-dir %s %s --private-key %s "
                                       "--unsafe-password 'a secret'",
                                       kit_tool("cast"), home, name, key);
    kit_done(&out, "cast wallet import");
    return test_path(home, name);
}

/* A model with keys over a ceremony, a proof, two keystores, a chain. */
static struct subject prepare(void)
{
    const char *home = test_temp_dir();
    struct subject s = {.folder = test_path(home, "m.sertn"),
                        .password = test_path(home, "password"),
                        .journal = test_path(home, "journal")};
    struct test_output out =
        SERTNC(kit_model(MODEL, "model.onnx"), "-o", s.folder, "--data",
               kit_model(MODEL, "test_data_set_0"), "--srs", kit_ceremony("prepared"), "--quiet");
    kit_done(&out, "sertnc --srs");
    s.proof = kit_proved(s.folder, MODEL);
    s.rich = keystore(home, "rich", rich_key);
    s.poor = keystore(home, "poor", poor_key);
    kit_write(s.password, "a secret\n", 9);
    s.url = kit_chain_start(CHAIN);
    return s;
}

static struct test_output deploy(const struct subject *s, const char *url, const char *keystore_)
{
    return SERTN_RUN("verify", s->folder, s->proof, "--rpc", url, "--deploy", "--keystore",
                     keystore_, "--password-file", s->password, "--journal", s->journal, "--json");
}

static const char *cast_line(const char *url, const char *command)
{
    struct test_output out = kit_shell("%s %s --rpc-url %s", kit_tool("cast"), command, url);
    kit_done(&out, command);
    out.text[strcspn(out.text, "\n")] = '\0';
    return out.text;
}

TEST(a_second_run_finds_what_was_deployed)
{
    struct subject s = prepare();
    struct test_output out = deploy(&s, s.url, s.rich);
    kit_done(&out, "deploy");
    cJSON *first = kit_json(&out);
    CHECK(kit_number(first, "deploy_gas") > 1000000);
    const char *verifier = kit_text("%s", kit_member(first, "verifier")->valuestring);
    /* One transaction, of type 2, from the keystore's account, to the deployment proxy; the gas is
     * that of its receipt, and the address follows from the code. */
    CHECK_TEXT(cast_line(s.url, "block-number"), "1");
    CHECK(strlen(cast_line(s.url, kit_text("code %s", verifier))) > 10000);
    out = kit_shell("%s block 1 --full --json --rpc-url %s", kit_tool("cast"), s.url);
    kit_done(&out, "cast block");
    cJSON *block = kit_json(&out);
    const cJSON *sent = cJSON_GetArrayItem(kit_member(block, "transactions"), 0);
    CHECK_TEXT(kit_member(sent, "from")->valuestring, "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
    CHECK_TEXT(kit_member(sent, "to")->valuestring, "0x4e59b44847b379578588920ca78fbf26c0b4956c");
    CHECK_TEXT(kit_member(sent, "type")->valuestring, "0x2");
    const char *gas =
        cast_line(s.url, kit_text("receipt %s gasUsed", kit_member(sent, "hash")->valuestring));
    CHECK_MSG(strtod(gas, NULL) == kit_number(first, "deploy_gas"), "%s", gas);
    const char *code = test_path(test_temp_dir(), "code"),
               *input = kit_member(sent, "input")->valuestring + 2 + 64; /* after the salt */
    kit_write(code, input, strlen(input));
    out = kit_shell("%s create2 --deployer 0x4e59b44847b379578588920ca78fbf26c0b4956c --salt "
                    "0x%064d --init-code-hash $(%s keccak 0x$(cat %s))",
                    kit_tool("cast"), 0, kit_tool("cast"), code);
    kit_done(&out, "cast create2");
    CHECK_MSG(strcasestr(out.text, verifier) != NULL, "%s, not %s", out.text, verifier);
    /* Asked again, nothing is sent and no password is needed. */
    out = SERTN_RUN("verify", s.folder, s.proof, "--rpc", s.url, "--deploy", "--keystore", s.rich,
                    "--password-file", "/nosuch", "--journal", s.journal, "--json");
    kit_done(&out, "again");
    cJSON *second = kit_json(&out);
    CHECK(cJSON_GetObjectItem(second, "deploy_gas") == NULL);
    CHECK_TEXT(kit_member(second, "verifier")->valuestring, verifier);
    CHECK_TEXT(cast_line(s.url, "block-number"), "1");
    cJSON_Delete(second);
    cJSON_Delete(block);
    cJSON_Delete(first);
}

/* Killed at any time, the next run goes on with the same transaction. */
TEST(who_is_killed_deploys_once)
{
    struct subject s = prepare();
    for (unsigned round = 0; round < 12; round++) {
        const char *program = test_program_path("sertn-run");
        fflush(NULL);
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            const char *argv[] = {
                program,    "verify",    s.folder,     s.proof,   "--rpc",
                s.url,      "--deploy",  "--keystore", s.rich,    "--password-file",
                s.password, "--journal", s.journal,    "--quiet", NULL};
            execv(program, (char *const *)argv);
            _exit(127);
        }
        usleep(20000 * round + (unsigned)test_random_below(20000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    struct test_output out = deploy(&s, s.url, s.rich);
    kit_done(&out, "in the end");
    CHECK_TEXT(cast_line(s.url, "nonce 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"), "1");
}

TEST(what_goes_wrong_is_one_sentence)
{
    struct subject s = prepare();
    const char *wrong = test_path(test_temp_dir(), "wrong");
    kit_write(wrong, "another\n", 8);
#define VERIFY(...)                                                                                \
    SERTN_RUN("verify", s.folder, s.proof, "--rpc", s.url, "--deploy", "--journal", s.journal,     \
              __VA_ARGS__)
    struct test_output out = VERIFY("--keystore", s.rich, "--password-file", wrong);
    kit_refused(&out, 2, "password does not open", "a wrong password");
    out = VERIFY("--keystore", s.poor, "--password-file", s.password);
    kit_refused(&out, 2, "send it some", "no funds");
    out = VERIFY("--keystore", s.rich, "--password-file", s.password, "--chain-id", "1");
    kit_refused(&out, 2, "a node of chain 8453, not of chain 1", "the wrong chain");
    out = VERIFY("--keystore", s.rich, "--password-file", s.password, "--chain-id", "0x1");
    kit_refused(&out, 2, "--chain-id takes", "a chain in hex");
    out = VERIFY("--keystore", "/nosuch", "--password-file", s.password);
    kit_refused(&out, 2, "/nosuch", "no keystore");
    out = VERIFY("--keystore", s.password, "--password-file", s.password);
    kit_refused(&out, 2, "not a keystore", "another file");
    kit_write(wrong, "no database", 11);
    out = SERTN_RUN("verify", s.folder, s.proof, "--rpc", s.url, "--deploy", "--journal", wrong,
                    "--keystore", s.rich, "--password-file", s.password);
    kit_refused(&out, 2, "journal", "no journal");
#undef VERIFY
    CHECK_TEXT(cast_line(s.url, "block-number"), "0");
    /* A journal of another chain of this id: block 0 is another one. */
    out = deploy(&s, s.url, s.rich);
    kit_done(&out, "deploy");
    /* Block 0 tells chains apart by the second in which they began. */
    for (time_t now = time(NULL); time(NULL) == now;)
        usleep(10000);
    const char *anew = kit_chain_start(CHAIN);
    out = SERTN_RUN("verify", s.folder, s.proof, "--rpc", anew, "--deploy", "--journal", s.journal,
                    "--keystore", s.rich, "--password-file", s.password);
    kit_refused(&out, 2, "another chain with the id 8453", "a chain started anew");
    CHECK_TEXT(cast_line(anew, "block-number"), "0");
}

#define RESULT(text) "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":" text "}"
#define YES "\"0x0000000000000000000000000000000000000000000000000000000000000001\""

/* A node that says that everything is there and true. */
TEST(one_node_that_lies_is_outvoted)
{
    static const struct kit_answer lies[] = {{"eth_chainId", RESULT("\"0x2105\"")},
                                             {"eth_getCode", RESULT("\"0x60\"")},
                                             {"eth_call", RESULT(YES)},
                                             {"", RESULT("null")},
                                             {NULL, NULL}};
    struct subject s = prepare();
    const char *liar = kit_server_start(lies, "HTTP/1.1 200 OK");
    struct test_output out =
        SERTN_RUN("verify", s.folder, s.proof, "--rpc", kit_text("%s,%s", liar, s.url));
    kit_refused(&out, 3, "do not agree on eth_getCode", "one against one");
    const char *urls = kit_text("%s,%s,%s", s.url, liar, s.url);
    out = SERTN_RUN("verify", s.folder, s.proof, "--rpc", urls);
    kit_refused(&out, 2, "--deploy --keystore FILE", "outvoted: it is not there");
    out = deploy(&s, urls, s.rich);
    kit_done(&out, "deploy with a liar among three");
    CHECK_TEXT(cast_line(s.url, "block-number"), "1");
    kit_server_stop();
    out = deploy(&s, urls, s.rich);
    kit_done(&out, "with one of three down");
    out = SERTN_RUN("verify", s.folder, s.proof, "--rpc", kit_text("%s,http://127.0.0.1:1", s.url));
    kit_refused(&out, 3, "127.0.0.1:1", "one of two is down");
    /* Nodes of two chains. */
    static const struct kit_answer other[] = {{"", RESULT("\"0x1\"")}, {NULL, NULL}};
    liar = kit_server_start(other, "HTTP/1.1 200 OK");
    out = SERTN_RUN("verify", s.folder, s.proof, "--rpc", kit_text("%s,%s", s.url, liar));
    kit_refused(&out, 2, "of chain 1, another one of chain 8453", "two chains");
}

/* A node that invents fees to make an account pay them to whoever mines: nothing is signed. */
TEST(invented_fees_are_not_paid)
{
    struct subject s = prepare();
    struct test_output out =
        kit_shell("%s rpc anvil_setNextBlockBaseFeePerGas 0x1000000000000 --rpc-url %s && "
                  "%s rpc evm_mine --rpc-url %s",
                  kit_tool("cast"), s.url, kit_tool("cast"), s.url);
    kit_done(&out, "a dear chain");
    out = SERTN_RUN("verify", s.folder, s.proof, "--rpc", s.url, "--deploy", "--journal", s.journal,
                    "--keystore", s.rich, "--password-file", s.password);
    kit_refused(&out, 2, "more than the limit", "too dear");
    out = SERTN_RUN("verify", s.folder, s.proof, "--rpc", s.url, "--max-gas-price", "much");
    kit_refused(&out, 2, "--max-gas-price takes gwei", "no price");
    CHECK_TEXT(cast_line(s.url, "nonce 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"), "0");
    out = SERTN_RUN("verify", s.folder, s.proof, "--rpc", s.url, "--deploy", "--journal", s.journal,
                    "--keystore", s.rich, "--password-file", s.password, "--max-gas-price",
                    "400000", "--quiet");
    kit_done(&out, "with a higher limit");
}

/* Without --journal a development chain has a journal of its own, so that one that is started anew
 * is no stranger. */
TEST(development_chains_have_journals_of_their_own)
{
    struct subject s = prepare();
    setenv("XDG_DATA_HOME", test_temp_dir(), 1);
    for (int round = 0; round < 2; round++) {
        const char *url = kit_chain_start(31337);
        for (int again = 0; again < 2; again++) {
            struct test_output out =
                SERTN_RUN("verify", s.folder, s.proof, "--rpc", url, "--keystore", s.rich,
                          "--password-file", s.password, "--json");
            kit_done(&out, "verify");
            cJSON *result = kit_json(&out);
            CHECK(kit_number(result, "gas") > 100000);
            CHECK((cJSON_GetObjectItem(result, "deploy_gas") == NULL) == (again == 1));
            cJSON_Delete(result);
            CHECK_TEXT(cast_line(url, "block-number"), "2");
        }
    }
}
