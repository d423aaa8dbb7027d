/* See node_kit.h. */
#include "tests/programs/node_kit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ir/support/file.h"
#include "runtime/http.h"

enum { WRITES_MOST = 2000 };

struct test_output node_drain(const char *config)
{
    return kit_shell("timeout 300 $SERTN_RUN node --config %s --drain", config);
}

const char *node_earned(const struct network *n, enum network_account account)
{
    return network_ask(n, n->market, "balanceOf(address)(uint256)", n->address[account]);
}

/* errors: where standard error goes. */
static pid_t start(const char *config, const char *option, int errors)
{
    const char *program = test_program_path("sertn-run");
    fflush(NULL);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (dup2(errors, 2) >= 0)
            execl(program, "sertn-run", "node", "--config", config, option, (char *)NULL);
        _exit(127);
    }
    return child;
}

pid_t node_start(const char *config)
{
    return start(config, "--quiet", 2);
}

static bool says_all(const char *said, const char *const *sentences)
{
    bool all = true;
    for (size_t i = 0; sentences[i] != NULL; i++)
        all = all && strstr(said, sentences[i]) != NULL;
    return all;
}

const char *node_until(const char *config, bool drains, const char *const *sentences, int signal_)
{
    const char *path = test_path(test_temp_dir(), "said"), *said = "";
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    REQUIRE(file >= 0);
    pid_t node = start(config, drains ? "--drain" : NULL, file);
    close(file);
    for (int i = 0; i < 1200 && !says_all(said, sentences); i++) {
        usleep(100000);
        struct buffer bytes = kit_read(path);
        if (bytes.count > strlen(said))
            said = kit_text("%.*s", (int)bytes.count, (const char *)bytes.data);
        buffer_release(&bytes);
    }
    (void)node_stop(node, signal_);
    return said;
}

int node_stop(pid_t node, int signal_)
{
    int how;
    kill(node, signal_);
    REQUIRE(waitpid(node, &how, 0) == node);
    return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}

bool node_earns(const struct network *n, enum network_account account, const char *sum)
{
    for (int i = 0; i < 200; i++) {
        if (strcmp(node_earned(n, account), sum) == 0)
            return true;
        usleep(100000);
    }
    return false;
}

const char *node_sent(const struct network *n, const char *tag)
{
    cJSON *count = network_call(n, "eth_getTransactionCount",
                                kit_text("[\"%s\",\"%s\"]", n->address[NETWORK_NODE], tag));
    const char *text = kit_text("%s", cJSON_IsString(count) ? count->valuestring : "");
    cJSON_Delete(count);
    return text;
}

pid_t node_start_unmined(const struct network *n, const char *config, unsigned sent)
{
    const char *wanted = kit_text("0x%x", sent);
    cJSON_Delete(network_call(n, "evm_setAutomine", "[false]"));
    pid_t node = node_start(config);
    for (int i = 0; i < 300 && strcmp(node_sent(n, "pending"), wanted) != 0; i++)
        usleep(100000);
    CHECK_TEXT(node_sent(n, "pending"), wanted);
    return node;
}

void node_kill_unmined(const struct network *n, pid_t node)
{
    CHECK(node_stop(node, SIGKILL) == 128 + SIGKILL);
    cJSON_Delete(network_call(n, "anvil_dropAllTransactions", "[]"));
    cJSON_Delete(network_call(n, "evm_setAutomine", "[true]"));
}

long node_get(const char *url, struct buffer *answer)
{
    struct http http;
    struct diag diag = {0};
    long code = 0;
    buffer_clear(answer);
    REQUIRE_OK(http_open(&http, 10, 1 << 20, &diag), &diag);
    struct http_request request = {url, NULL, NULL, 0};
    if (http_exchange(&code, answer, &http, &request, &diag) != STATUS_OK)
        code = 0;
    http_close(&http);
    return code;
}

long node_wait_for(const char *url, long wanted, struct buffer *answer)
{
    long code = 0;
    for (int i = 0; i < 300 && (code = node_get(url, answer)) != wanted; i++)
        usleep(100000);
    return code;
}

/* ---- kills ---------------------------------------------------------------------------------- */

static const char *preload(void)
{
    return kit_text("%s/tests/libkill_at_sync.so", test_build_dir());
}

/* One run; at 0: to its end. */
static struct test_output run(const char *config, unsigned at)
{
    if (at == 0)
        return node_drain(config);
    return kit_shell("LD_PRELOAD=%s KILL_AT_SYNC=%u timeout 300 $SERTN_RUN node --config %s "
                     "--drain",
                     preload(), at, config);
}

static void check_paid(const struct network *n, unsigned jobs, const char *transactions,
                       unsigned at)
{
    const char *balance = node_earned(n, NETWORK_NODE);
    CHECK_MSG(strcmp(balance, kit_text("%u000000000000", jobs * 304)) == 0,
              "killed at write %u: earned %s", at, balance);
    CHECK_MSG(transactions == NULL || strcmp(node_sent(n, "latest"), transactions) == 0,
              "killed at write %u: %s transactions instead of %s", at, node_sent(n, "latest"),
              transactions);
}

struct test_output node_run_killed(const char *config, unsigned at)
{
    if (!file_exists(preload()))
        test_skip("there is no preloaded library in this build");
    return run(config, at);
}

unsigned node_kill_at_every_write(unsigned jobs, const char *more, const char *says, unsigned first,
                                  unsigned step)
{
    struct network *n = network_start();
    unsigned kills = 0;
    if (!file_exists(preload()))
        test_skip("there is no preloaded library in this build");
    network_join(n, NETWORK_NODE, 4096);
    network_request(n, 0, jobs);
    const char *mark = network_mark(n);
    /* Without kills. */
    const char *folder = test_temp_dir(), *config = network_config(n, NETWORK_NODE, folder, more);
    struct test_output out = run(config, 0);
    kit_done(&out, "undisturbed");
    CHECK_MSG(strstr(out.errors, says) != NULL, "%s", out.errors);
    check_paid(n, jobs, NULL, 0);
    const char *transactions = node_sent(n, "latest");
    for (unsigned at = first; at < WRITES_MOST; at += step) {
        network_go_back(n, mark);
        mark = network_mark(n);
        folder = test_temp_dir();
        config = network_config(n, NETWORK_NODE, folder, more);
        out = run(config, at);
        bool killed = out.exit_status == NODE_KILLED;
        if (!killed) {
            kit_done(&out, "more writes than it does");
            break;
        }
        kills++;
        out = run(config, 1 + (unsigned)test_random_below(60));
        kills += out.exit_status == NODE_KILLED;
        out = run(config, 0);
        kit_done(&out, kit_text("after a kill at write %u", at));
        check_paid(n, jobs, transactions, at);
    }
    return kills;
}
