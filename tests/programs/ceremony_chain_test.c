/* label: prover network libs: sertn_3rd_cjson */
/* A ceremony whose contributions are on a chain: nodes in turn, the beacon, keys over the result,
 * and what is refused on the way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "tests/programs/network_kit.h"

/* A ceremony of power 7 for the pools of the network, in which both nodes have stake, and its file
 * without contributions. */
struct ceremony_on_chain {
    struct network *network;
    const char *address, *folder, *zero;
};

static struct ceremony_on_chain start(void)
{
    struct ceremony_on_chain c = {.network = network_start(), .folder = test_temp_dir()};
    c.zero = test_path(c.folder, "0.ptau");
    network_join(c.network, NETWORK_NODE, 4096);
    network_join(c.network, NETWORK_NODE_2, 4096);
    c.address = network_ceremony(c.network, c.zero);
    return c;
}

/* sertn-registry ceremony with the ceremony's address, and an account where it signs. */
static struct test_output run(const struct ceremony_on_chain *c, enum network_account account,
                              const char *what)
{
    bool reads = strncmp(what, "status", 6) == 0 || strncmp(what, "fetch", 5) == 0;
    return kit_shell("cd %s && $SERTN_REGISTRY ceremony %s --rpc %s --ceremony %s %s", c->folder,
                     what, c->network->url, c->address,
                     reads
                         ? ""
                         : kit_text("--keystore %s --password-file %s --journal journal_%d",
                                    c->network->keystore[account], c->network->password, account));
}

static void do_it(const struct ceremony_on_chain *c, enum network_account account, const char *what)
{
    struct test_output out = run(c, account, kit_text("%s --quiet", what));
    kit_done(&out, what);
    if (out.exit_status != 0)
        test_end_case();
}

static cJSON *state_of(const struct ceremony_on_chain *c)
{
    struct test_output out = run(c, NETWORK_OWNER, "status --json");
    kit_done(&out, "status");
    return kit_json(&out);
}

static void check_contributions(const struct ceremony_on_chain *c, double count)
{
    cJSON *state = state_of(c);
    double found = kit_number(state, "contributions");
    CHECK_MSG(found == count, "%g contributions instead of %g", found, count);
    cJSON_Delete(state);
}

static void mine(const struct ceremony_on_chain *c, unsigned blocks)
{
    network_mine(c->network, blocks);
}

/* Both nodes contribute; the second gets the file of the first from the store. */
static void contribute_twice(const struct ceremony_on_chain *c)
{
    do_it(c, NETWORK_NODE, "enroll");
    do_it(c, NETWORK_NODE_2, "enroll");
    do_it(c, NETWORK_NODE, "contribute 0.ptau -o 1.ptau --name one");
    do_it(c, NETWORK_NODE_2, "contribute -o 2.ptau --name two");
    check_contributions(c, 2);
}

/* Enrolment closes, the beacon is announced, its block comes. */
static void finish(const struct ceremony_on_chain *c)
{
    network_pass_time(c->network, 601);
    struct test_output out = run(c, NETWORK_OWNER, "finish -o last.ptau");
    kit_refused(&out, 1, "review of the last contribution", "finish before the review is over");
    out = run(c, NETWORK_OWNER, "status");
    kit_done(&out, "status");
    CHECK(strstr(out.text, "beacon: not before the last contribution was reviewed") != NULL);
    CHECK(strstr(out.text, "enrolment: closed") != NULL);
    network_pass_time(c->network, 3 * 24 * 3600);
    out = run(c, NETWORK_OWNER, "finish -o last.ptau --json");
    kit_done(&out, "announce");
    cJSON *result = kit_json(&out);
    CHECK(cJSON_IsFalse(kit_member(result, "finished")));
    CHECK(kit_number(result, "beacon_block") > 0);
    cJSON_Delete(result);
    CHECK(!file_exists(test_path(c->folder, "last.ptau")));
    out = run(c, NETWORK_OWNER, "finish -o last.ptau --json"); /* too early: nothing happens */
    kit_done(&out, "wait");
    CHECK(strstr(out.text, "\"finished\":false") != NULL);
    mine(c, 66);
    out = run(c, NETWORK_OWNER, "finish -o last.ptau --json");
    kit_done(&out, "finish");
    CHECK(strstr(out.text, "\"finished\":true") != NULL);
}

TEST(nodes_contribute_in_turn_and_keys_stand_on_the_result)
{
    struct ceremony_on_chain c = start();
    check_contributions(&c, 0);
    contribute_twice(&c);
    /* What the contract says of it by itself. */
    CHECK_TEXT(network_ask(c.network, c.address, "contributions()(uint256)", ""), "2");
    finish(&c);
    cJSON *state = state_of(&c);
    CHECK(cJSON_IsTrue(kit_member(state, "finished")));
    const char *digest = kit_text("%s", kit_member(state, "srs_digest")->valuestring);
    cJSON_Delete(state);
    CHECK_TEXT(network_ask(c.network, c.address, "srsDigest()(bytes32)", ""), digest);
    struct test_output out = run(&c, NETWORK_OWNER, "fetch -o result.ptau");
    kit_done(&out, "fetch");
    CHECK(kit_same_file(test_path(c.folder, "result.ptau"), test_path(c.folder, "last.ptau")));
    setenv("XDG_CACHE_HOME", test_temp_dir(), 1);
    out = kit_shell("cd %s && $SERTN_REGISTRY ceremony import result.ptau --json", c.folder);
    kit_done(&out, "import");
    cJSON *result = kit_json(&out);
    const cJSON *list = kit_member(result, "contributions");
    CHECK_U64((uint64_t)cJSON_GetArraySize(list), 3);
    CHECK_TEXT(kit_member(cJSON_GetArrayItem(list, 1), "name")->valuestring, "two");
    CHECK_TEXT(kit_member(result, "srs_digest")->valuestring, digest + 2);
    cJSON_Delete(result);
    const char *folder = kit_compiled("linear_regression");
    out = SERTN_RUN("keys", folder, "--srs", test_path(c.folder, "result.ptau"), "--quiet");
    kit_done(&out, "keys over the result");
}

/* A file that was made away from the chain is handed in later, and twice does no harm. */
TEST(a_contribution_made_elsewhere_is_posted_once)
{
    struct ceremony_on_chain c = start();
    do_it(&c, NETWORK_NODE, "enroll");
    struct test_output out = kit_shell(
        "cd %s && $SERTN_REGISTRY ceremony contribute 0.ptau -o 1.ptau --quiet", c.folder);
    kit_done(&out, "contribute offline");
    out = run(&c, NETWORK_NODE, "contribute 1.ptau -o 2.ptau");
    kit_refused(&out, 2, "ceremony post", "on top of what the chain has not");
    do_it(&c, NETWORK_NODE, "post 1.ptau");
    out = run(&c, NETWORK_NODE, "post 1.ptau --json");
    kit_done(&out, "again");
    CHECK(strstr(out.text, "\"was_on_chain\":true") != NULL);
    check_contributions(&c, 1);
}

/* Nothing was written, and the chain is what it was. */
static void check_refused(const struct ceremony_on_chain *c, enum network_account account,
                          int exit_status, const char *what, const char *says)
{
    struct test_output out = run(c, account, what);
    kit_refused(&out, exit_status, says, what);
    CHECK_MSG(!file_exists(test_path(c->folder, "to.ptau")), "%s: wrote", what);
    CHECK_MSG(!file_exists(test_path(c->folder, "to.ptau.before")), "%s: left a file", what);
    CHECK_MSG(!file_exists(test_path(c->folder, "to.ptau.before.fetched")), "%s: left", what);
}

TEST(what_does_not_fit_is_said_before_anything_is_made)
{
    struct ceremony_on_chain c = start();
    check_refused(&c, NETWORK_NODE, 2, "contribute 0.ptau -o to.ptau", "nobody's turn");
    check_refused(&c, NETWORK_OWNER, 1, "enroll", "less stake");
    check_refused(&c, NETWORK_OWNER, 1,
                  kit_text("enroll --node %s", c.network->address[NETWORK_NODE]),
                  "only the node or its operator");
    check_refused(&c, NETWORK_NODE, 2, "fetch -o to.ptau", "no contribution yet");
    do_it(&c, NETWORK_NODE, "enroll");
    do_it(&c, NETWORK_NODE, "enroll"); /* again: it is in the journal */
    check_refused(&c, NETWORK_NODE_2, 2, "contribute 0.ptau -o to.ptau", "it is the turn of");
    check_refused(&c, NETWORK_NODE, 1, "skip", "TurnNotOver");
    check_refused(&c, NETWORK_NODE, 1, "finish -o to.ptau", "NotReady");
    check_refused(&c, NETWORK_NODE, 2, "contribute -o to.ptau", "no contribution yet");
    check_refused(&c, NETWORK_NODE, 1, "post 0.ptau", "nobody has contributed");
    struct test_output out =
        kit_shell("cd %s && $SERTN_REGISTRY ceremony new --power 2 -o small && "
                  "$SERTN_REGISTRY ceremony contribute small -o small1 --quiet "
                  ">/dev/null",
                  c.folder);
    kit_done(&out, "another ceremony");
    check_refused(&c, NETWORK_NODE, 1, "post small1", "is of another power");
    do_it(&c, NETWORK_NODE, "contribute 0.ptau -o 1.ptau");
    check_refused(&c, NETWORK_NODE, 1, "post small1", "is not the one that the chain has");
    check_refused(&c, NETWORK_NODE, 1, "post 0.ptau", "has 0 contributions and the chain 1");
    check_contributions(&c, 1);
}

/* The store loses or changes the file of the last contribution. */
TEST(a_store_that_gives_another_file_is_found_out)
{
    struct ceremony_on_chain c = start();
    do_it(&c, NETWORK_NODE, "enroll");
    do_it(&c, NETWORK_NODE,
          "contribute 0.ptau -o 1.ptau --uri ipfs://QmTree11111111111111111111111111111111111111");
    do_it(&c, NETWORK_NODE_2, "enroll");
    check_refused(&c, NETWORK_NODE_2, 2, "contribute -o to.ptau", "no IPFS node is given");
    const struct kit_answer rubbish[] = {{"", "rubbish"}, {NULL, NULL}};
    const char *url = kit_server_start(rubbish, "HTTP/1.1 200 OK");
    check_refused(&c, NETWORK_NODE_2, 1, kit_text("contribute -o to.ptau --ipfs %s", url),
                  "gives no ceremony of powers of tau");
    kit_server_stop();
    /* The file itself is at hand: it is held to the chain. */
    do_it(&c, NETWORK_NODE_2, "contribute 1.ptau -o 2.ptau");
    check_contributions(&c, 2);
}

/* Whoever does not come is passed over. */
TEST(a_turn_that_nobody_uses_is_skipped)
{
    struct ceremony_on_chain c = start();
    do_it(&c, NETWORK_NODE, "enroll");
    do_it(&c, NETWORK_NODE_2, "enroll");
    network_pass_time(c.network, 601);
    check_refused(&c, NETWORK_NODE, 2, "contribute 0.ptau -o to.ptau", "is over: anybody");
    do_it(&c, NETWORK_OWNER, "skip");
    do_it(&c, NETWORK_NODE, "enroll"); /* not what the journal has: that is over */
    do_it(&c, NETWORK_NODE, "enroll");
    do_it(&c, NETWORK_NODE_2, "contribute 0.ptau -o 1.ptau");
    check_contributions(&c, 1);
    /* Enrolment is over, but one more contribution is wanted. */
    struct test_output out = run(&c, NETWORK_OWNER, "status");
    kit_done(&out, "status");
    CHECK(strstr(out.text, "enrolment: open, contributions are missing") != NULL);
    do_it(&c, NETWORK_NODE, "contribute 1.ptau -o 2.ptau");
    check_contributions(&c, 2);
}

/* Governance takes the last contribution back, and the beacon with it. */
static void strike(const struct ceremony_on_chain *c, unsigned number)
{
    const struct network *n = c->network;
    const char *owner = network_ask(n, c->address, "owner()(address)", "");
    cJSON_Delete(network_call(n, "anvil_impersonateAccount", kit_text("[\"%s\"]", owner)));
    cJSON_Delete(
        network_call(n, "anvil_setBalance", kit_text("[\"%s\",\"0xde0b6b3a7640000\"]", owner)));
    struct test_output out = kit_shell(
        "link=$(%s call --rpc-url %s %s 'contributionOf(uint256)(address,bytes32)' %u | tail -n 1) "
        "&& %s send --rpc-url %s --unlocked --from %s %s 'strike(uint256,bytes32,string)' %u $link "
        "lost >/dev/null",
        kit_tool("cast"), n->url, c->address, number, kit_tool("cast"), n->url, owner, c->address,
        number);
    kit_done(&out, "strike");
}

static double announce(const struct ceremony_on_chain *c)
{
    network_pass_time(c->network, 601 + 3 * 24 * 3600);
    struct test_output out = run(c, NETWORK_OWNER, "finish -o last.ptau --json");
    kit_done(&out, "announce");
    cJSON *result = kit_json(&out);
    CHECK(cJSON_IsFalse(kit_member(result, "finished")));
    double block = kit_number(result, "beacon_block");
    cJSON_Delete(result);
    return block;
}

TEST(a_beacon_is_announced_anew_after_a_strike)
{
    struct ceremony_on_chain c = start();
    contribute_twice(&c);
    double first = announce(&c);
    strike(&c, 2);
    check_contributions(&c, 1);
    do_it(&c, NETWORK_NODE_2, "enroll");
    do_it(&c, NETWORK_NODE_2, "contribute 1.ptau -o other.ptau");
    check_contributions(&c, 2);
    CHECK(announce(&c) > first);
    mine(&c, 66);
    struct test_output out = run(&c, NETWORK_OWNER, "finish -o last.ptau --json");
    kit_done(&out, "finish");
    CHECK(strstr(out.text, "\"finished\":true") != NULL);
}

/* Killed at any time and started again: one contribution is on the chain, and its file is to be
 * had. */
TEST(who_is_killed_contributes_once_and_loses_no_file)
{
    struct ceremony_on_chain c = start();
    do_it(&c, NETWORK_NODE, "enroll");
    for (unsigned round = 0; round < 12; round++) {
        struct test_output out = kit_shell(
            "cd %s && timeout -s KILL 0.%02u $SERTN_REGISTRY ceremony contribute 0.ptau -o "
            "1.ptau --quiet --rpc %s --ceremony %s --keystore %s --password-file %s "
            "--journal journal_%d",
            c.folder, 5 + 8 * round, c.network->url, c.address, c.network->keystore[NETWORK_NODE],
            c.network->password, NETWORK_NODE);
        if (out.exit_status != 128 + 9 && out.exit_status != 137)
            break;
    }
    cJSON *state = state_of(&c);
    double count = kit_number(state, "contributions");
    cJSON_Delete(state);
    if (count == 0)
        do_it(&c, NETWORK_NODE, "contribute 0.ptau -o 1.ptau");
    check_contributions(&c, 1);
    struct test_output out = run(&c, NETWORK_NODE, "fetch -o found.ptau");
    kit_done(&out, "fetch");
}
