/* label: prover network libs: sertn_3rd_cjson */
/*
 * The chain goes away and comes back, once without its last second. Each case has a chain of its
 * own: what anvil keeps of a chain that was loaded already has two blocks 0.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/programs/node_kit.h"

enum { DEVELOPMENT = 31337 };

struct scene {
    struct network *n;
    pid_t node;
    const char *health;
    struct buffer answer;
    char state[600];
};

static void start(struct scene *s, const char *name)
{
    unsigned port = kit_free_port();
    *s = (struct scene){.health = kit_text("http://127.0.0.1:%u/health", port)};
    snprintf(s->state, sizeof s->state, "%s/tests/%s_%d.state", test_build_dir(), name,
             (int)getpid());
    network_stop();
    kit_chain_keep(s->state);
    s->n = network_start();
    network_request(s->n, 0, 1);
    network_open_account(s->n, NETWORK_NODE);
    s->node = node_start(network_config(s->n, NETWORK_NODE, test_temp_dir(),
                                        kit_text(",\"listen\":\"127.0.0.1:%u\"", port)));
    CHECK(node_earns(s->n, NETWORK_NODE, "304000000000000"));
    CHECK(node_wait_for(s->health, 200, &s->answer) == 200);
}

static void stop(struct scene *s)
{
    CHECK(node_wait_for(s->health, 200, &s->answer) == 200);
    CHECK(node_stop(s->node, SIGTERM) == 0);
    network_stop();
    unlink(s->state);
    buffer_release(&s->answer);
}

TEST(a_chain_that_restarts_is_served_on)
{
    struct scene s;
    start(&s, "restart");
    kit_chain_restart(true, DEVELOPMENT);
    CHECK(node_wait_for(s.health, 200, &s.answer) == 200);
    CHECK_TEXT(node_earned(s.n, NETWORK_NODE), "304000000000000");
    network_request(s.n, 1, 1);
    CHECK(node_earns(s.n, NETWORK_NODE, "608000000000000"));
    stop(&s);
}

/* What was asked and paid last is lost; the requester's journal has it too. */
TEST(a_chain_that_loses_its_end_is_served_again)
{
    struct scene s;
    start(&s, "cut");
    struct network *n = s.n;
    const char *request =
        kit_text("$SERTN_RUN request %s --input %s --number 1 --rpc %s --market %s --keystore %s "
                 "--password-file %s --journal %s --deadline 7200 --name again --quiet",
                 n->model, n->input, n->url, n->market, n->keystore[NETWORK_OWNER], n->password,
                 test_path(test_temp_dir(), "journal"));
    kit_chain_wait_kept();
    struct test_output out = kit_shell("%s", request);
    kit_done(&out, "request");
    CHECK(node_earns(n, NETWORK_NODE, "608000000000000"));
    kit_chain_restart(false, DEVELOPMENT);
    out = kit_shell("%s", request);
    kit_done(&out, "the request again");
    CHECK(node_earns(n, NETWORK_NODE, "608000000000000"));
    stop(&s);
}
