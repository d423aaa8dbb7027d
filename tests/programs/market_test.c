/* label: prover checked network libs: sertn_3rd_cjson */
/*
 * The market from the command line, on a real anvil: a job is asked for, proved, paid; whoever
 * repeats a step repeats nothing on the chain; what cannot be is refused in a sentence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "tests/programs/network_kit.h"

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = kit_member(object, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static const char *balance(const struct network *n, enum network_account account)
{
    return network_ask(n, n->market, "balanceOf(address)(uint256)", n->address[account]);
}

/* The payment that waits in job 1/1; cast says its prover before, in 42 characters. */
static const char *kept(const struct network *n)
{
    return network_ask(n, n->market, "keptOf(uint256)(address,uint256)", "0x10000000000000001") +
           42;
}

/* test_temp_dir is a fresh one at each call: files of a case go to one. */
TEST(a_job_is_asked_for_proved_and_paid_once)
{
    struct network *n = network_start();
    const char *journal = test_path(test_temp_dir(), "journal");
    const char *request = kit_text(
        "$SERTN_RUN request %s --input %s --number 1 --rpc %s --market %s --keystore %s "
        "--password-file %s --journal %s --json",
        n->model, n->input, n->url, n->market, n->keystore[NETWORK_OWNER], n->password, journal);
    struct test_output out = kit_shell("%s", request);
    kit_done(&out, "request");
    cJSON *asked = kit_json(&out);
    CHECK_TEXT(text_of(asked, "job"), "1/1");
    CHECK(cJSON_IsFalse(kit_member(asked, "was_known")));
    out = kit_shell("%s", request);
    kit_done(&out, "the same request");
    cJSON *again = kit_json(&out);
    CHECK_TEXT(text_of(again, "job"), "1/1");
    CHECK(cJSON_IsTrue(kit_member(again, "was_known")));
    CHECK_TEXT(network_ask(n, n->market, "queueLength(uint256)(uint256)", "1"), "1");
    /* 32 rows at 1e13, and the royalty. */
    CHECK_TEXT(text_of(asked, "price"), "320000000001000");
    cJSON_Delete(asked);
    cJSON_Delete(again);

    const char *submit =
        kit_text("$SERTN_RUN submit %s 1/1 --rpc %s --market %s --keystore %s --password-file %s "
                 "--journal %s --json",
                 n->model, n->url, n->market, n->keystore[NETWORK_NODE], n->password, journal);
    out = kit_shell("%s", submit);
    kit_done(&out, "submit");
    cJSON *paid = kit_json(&out);
    CHECK_TEXT(text_of(paid, "paid"), "304000000000000");
    cJSON_Delete(paid);
    /* A prover without an account: the payment waits in the job. */
    CHECK_TEXT(balance(n, NETWORK_NODE), "0");
    CHECK_TEXT(kept(n), "304000000000000");
    out = kit_shell("%s", submit);
    kit_done(&out, "the same submission");
    CHECK_TEXT(kept(n), "304000000000000");
    out = kit_shell("$SERTN_RUN status 1/1 --rpc %s --market %s --json", n->url, n->market);
    kit_done(&out, "status");
    cJSON *state = kit_json(&out);
    CHECK_TEXT(text_of(state, "state"), "paid");
    cJSON_Delete(state);

    out = network_run(n, NETWORK_NODE_2, "submit %s 1/1", n->model);
    kit_refused(&out, 1, "paid already", "another one's submission");
    out = network_run(n, NETWORK_NODE, "refund 1/1");
    kit_refused(&out, 1, "paid already", "refund of a paid job");
    out = network_run(n, NETWORK_NODE, "claim --json");
    kit_done(&out, "claim");
    cJSON *claimed = kit_json(&out);
    CHECK_TEXT(text_of(claimed, "withdrawn"), "304000000000000");
    cJSON_Delete(claimed);
    CHECK_TEXT(network_ask(n, n->token, "balanceOf(address)(uint256)", n->address[NETWORK_NODE]),
               "1000000304000000000000");
    CHECK_TEXT(kept(n), "0");
    out = network_run(n, NETWORK_NODE, "claim --json");
    kit_done(&out, "claim of nothing");
    claimed = kit_json(&out);
    CHECK_TEXT(text_of(claimed, "withdrawn"), "0");
    cJSON_Delete(claimed);
    out = network_run(n, NETWORK_OWNER, "claim --number 1 --json");
    kit_done(&out, "claim of the owner");
    claimed = kit_json(&out);
    CHECK_TEXT(text_of(claimed, "withdrawn"), "1000");
    cJSON_Delete(claimed);
}

/* What was done in a market is not taken for done in another, where jobs have the same numbers. */
TEST(what_is_done_in_one_market_is_not_done_in_another)
{
    struct network *n = network_start();
    const struct network twin = network_twin(n), *const markets[] = {n, &twin};
    const char *journal = test_path(test_temp_dir(), "journal");
    for (int i = 0; i < 2; i++) {
        const struct network *m = markets[i];
        const char *common =
            kit_text("--rpc %s --market %s --keystore %s --password-file %s --journal %s", m->url,
                     m->market, m->keystore[NETWORK_NODE], m->password, journal);
        network_open_account(m, NETWORK_NODE);
        struct test_output out = kit_shell("$SERTN_RUN deposit --amount 1000 %s --json", common);
        kit_done(&out, "deposit");
        CHECK_TEXT(balance(m, NETWORK_NODE), "1000");
        out = kit_shell("$SERTN_RUN request %s --input %s --number 1 --name same %s --json",
                        m->model, m->input, common);
        kit_done(&out, "request");
        CHECK_MSG(strstr(out.text, "\"was_known\":false") != NULL, "%s", out.text);
        out = kit_shell("$SERTN_RUN submit %s 1/1 %s --json", m->model, common);
        kit_done(&out, "submit");
        CHECK_TEXT(balance(m, NETWORK_NODE), "304000000000000");
        out = kit_shell("$SERTN_RUN request %s --input %s --number 1 --name late %s --json",
                        m->model, m->input, common);
        kit_done(&out, "another request");
    }
    network_pass_time(n, 3700);
    for (int i = 0; i < 2; i++) {
        const struct network *m = markets[i];
        struct test_output out =
            kit_shell("$SERTN_RUN refund 1/2 --rpc %s --market %s --keystore %s --password-file %s "
                      "--journal %s --json",
                      m->url, m->market, m->keystore[NETWORK_NODE], m->password, journal);
        kit_done(&out, "refund");
        CHECK_TEXT(balance(m, NETWORK_NODE), "320000000001000");
    }
}

/* The same name for another input is another request. */
TEST(a_name_does_not_stand_for_another_input)
{
    struct network *n = network_start();
    const char *journal = test_path(test_temp_dir(), "journal");
    for (int i = 0; i < 2; i++) {
        const char *input = kit_text("%s/in_%d.json", test_temp_dir(), i);
        const char *text = kit_text("{\"X\": [[%d.0, 1.5]]}", i + 1);
        kit_write(input, text, strlen(text));
        struct test_output out = kit_shell(
            "$SERTN_RUN request %s --input %s --number 1 --name mine --rpc %s --market %s "
            "--keystore %s --password-file %s --journal %s --json",
            n->model, input, n->url, n->market, n->keystore[NETWORK_OWNER], n->password, journal);
        kit_done(&out, "request");
        CHECK_MSG(strstr(out.text, kit_text("\"job\":\"1/%d\"", i + 1)) != NULL, "%s", out.text);
    }
}

/* A chain that had no block for a while: the deadline counts from the next one. */
TEST(a_deadline_counts_from_the_block_to_come)
{
    struct network *n = network_start();
    cJSON_Delete(network_call(n, "evm_increaseTime", "[\"0xe00\"]")); /* and no block */
    struct test_output out = network_run(n, NETWORK_OWNER,
                                         "request %s --input %s --number 1 "
                                         "--deadline 700 --quiet",
                                         n->model, n->input);
    kit_done(&out, "request");
}

TEST(a_job_without_an_answer_is_refunded)
{
    struct network *n = network_start();
    network_request(n, 0, 1);
    struct test_output out = network_run(n, NETWORK_NODE, "refund 1/1");
    kit_refused(&out, 1, "is over in", "an early refund");
    cJSON_Delete(network_call(n, "evm_increaseTime", "[\"0x2000\"]"));
    cJSON_Delete(network_call(n, "evm_mine", "[]"));
    out = network_run(n, NETWORK_NODE, "submit %s 1/1", n->model);
    kit_refused(&out, 1, "deadline of job 1/1 is over", "a late answer");
    out = network_run(n, NETWORK_NODE, "refund 1/1 --quiet");
    kit_done(&out, "refund");
    CHECK_TEXT(balance(n, NETWORK_OWNER), "320000000001000");
}

/* The input is stored, its address posted; other bytes under it are refused. */
TEST(an_input_may_lie_in_a_store)
{
    struct network *n = network_start();
    const char *store = test_path(test_temp_dir(), "store"), *empty = test_temp_dir();
    struct test_output out =
        network_run(n, NETWORK_OWNER, "request %s --input %s --number 1 --store %s --quiet",
                    n->model, n->input, store);
    kit_done(&out, "request");
    out = network_run(n, NETWORK_NODE, "submit %s 1/1 --store %s", n->model, empty);
    kit_refused(&out, 2, "is not in the local store", "a store without the input");
    out = network_run(n, NETWORK_NODE, "submit %s 1/1 --store %s --input %s", n->model, empty,
                      kit_model("linear_regression", "test_data_set_1/input_0.pb"));
    CHECK(out.exit_status == 1 || out.exit_status == 2);
    network_open_account(n, NETWORK_NODE);
    out = network_run(n, NETWORK_NODE, "submit %s 1/1 --store %s --quiet", n->model, store);
    kit_done(&out, "submit");
    CHECK_TEXT(balance(n, NETWORK_NODE), "304000000000000");
}

TEST(what_cannot_be_is_refused)
{
    struct network *n = network_start();
    struct test_output out = network_run(
        n, NETWORK_OWNER, "request %s --input %s --number 1 --max-price 5", n->model, n->input);
    kit_refused(&out, 2, "more than --max-price", "a price above the limit");
    out = network_run(n, NETWORK_OWNER, "request %s --input %s --number 7", n->model, n->input);
    kit_refused(&out, 2, "no model 7", "a model that is not there");
    out = network_run(n, NETWORK_OWNER, "request %s --input %s --number 1 --deadline 5", n->model,
                      n->input);
    kit_refused(&out, 2, "--deadline takes from", "a deadline too early");
    out = network_run(n, NETWORK_OWNER, "request %s --input %s", n->model, n->input);
    kit_refused(&out, 2, "--number", "no model named");
    const char *hidden = kit_keyed("linear_regression");
    out = network_run(n, NETWORK_OWNER, "request %s --input %s --number 1", hidden, n->input);
    kit_refused(&out, 2, "--input public", "a model with private inputs");
    out = network_run(n, NETWORK_OWNER, "status nonsense");
    CHECK(out.exit_status == 2);
    out = kit_shell("$SERTN_RUN status nonsense --rpc %s --market %s", n->url, n->market);
    kit_refused(&out, 2, "is no job", "no job's name");
    out = kit_shell("$SERTN_RUN status 1/9 --rpc %s --market %s", n->url, n->market);
    kit_refused(&out, 2, "has no job 1/9", "a job that is not there");
    out = kit_shell("$SERTN_RUN status 1/1 --rpc %s --market %s", n->url, n->token);
    kit_refused(&out, 2, "there is no market", "a contract that is no market");
    out = kit_shell("$SERTN_RUN status 1/1 --rpc http://127.0.0.1:1 --market %s", n->market);
    kit_refused(&out, 3, "cannot be reached", "a node that is not there");
    out = kit_shell("$SERTN_RUN status 1/1 --rpc %s --market 0x12", n->url);
    kit_refused(&out, 2, "40 hex digits", "no address");
}

/* A route's known claim is the one of the file, in the words of the contract. */
static void check_route(const struct network *n, const char *router, const cJSON *claim)
{
    const cJSON *known = kit_member(claim, "claim");
    struct test_output out =
        kit_shell("%s call --rpc-url %s %s "
                  "'routeOf(bytes4)(uint8,address,(bytes32,uint16,uint8,bytes32,bytes32))' %s",
                  kit_tool("cast"), n->url, router,
                  network_ask(n, n->verifier, "proofSystemId()(bytes4)", ""));
    kit_done(&out, "routeOf");
    CHECK_MSG(
        strstr(out.text, kit_text("(%s, %g, %g, %s, %s)", text_of(claim, "vk_digest"),
                                  kit_number(known, "input_words"), kit_number(known, "input_bits"),
                                  text_of(known, "inputs"), text_of(known, "answer"))) != NULL,
        "%s", out.text);
}

/* Deploys into FILE.out with a text of a claim in FILE, another first digit in one of its fields.
 */
static struct test_output deploy_changed(const struct network *n, const char *file,
                                         const char *text, const char *field)
{
    char *changed = strdup(text), *at = changed == NULL ? NULL : strstr(changed, field);
    REQUIRE(at != NULL);
    if ((at = strstr(at, "0x")) != NULL)
        at[2] = at[2] == '0' ? '1' : '0';
    kit_write(file, changed, strlen(changed));
    free(changed);
    return kit_shell(
        "CANARY=%s %s %s.out %s %s --unlocked --sender 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        file, test_source_path("contracts/deploy"), file, n->verifier, n->url);
}

/* The claim that the deployment was told is true is the route's: a proof of another answer to its
 * inputs would stop the verifier. */
TEST(a_route_knows_a_claim_that_its_verifier_accepts)
{
    struct network *n = network_start();
    struct buffer text = kit_read(kit_text("%s/claim.json", n->folder));
    cJSON *claim = cJSON_Parse(buffer_text(&text));
    check_route(n, n->router, claim);
    const char *file = kit_text("%s/broken.json", test_temp_dir());
    /* Proved for another context, the same words have another proof: the verifier says no. */
    struct test_output out = deploy_changed(n, file, buffer_text(&text), "\"context\":");
    CHECK(out.exit_status == 2 &&
          strstr(out.errors, "deploy: the verifier does not accept the proof in ") == out.errors);
    /* A model with private inputs has no such claim. */
    out = deploy_changed(n, file, "{}", "");
    CHECK(out.exit_status == 2 && strstr(out.errors, "holds no claim; give what ") != NULL);
    CHECK(!file_exists(kit_text("%s.out", file)));
    /* The answer follows from the words that were proved, whatever the file says it is: every proof
     * of the true one would stop a route that knows another. */
    out = deploy_changed(n, file, buffer_text(&text), "\"answer\":");
    kit_done(&out, "deploy");
    struct buffer made = kit_read(kit_text("%s.out", file));
    cJSON *addresses = cJSON_Parse(buffer_text(&made));
    check_route(n, text_of(addresses, "router"), claim);
    cJSON_Delete(addresses);
    buffer_release(&made);
    cJSON_Delete(claim);
    buffer_release(&text);
}
