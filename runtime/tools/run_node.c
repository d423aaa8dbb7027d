/* sertn-run node: the daemon; and work, what it starts for each proof. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "runtime/node.h"
#include "runtime/tools/run_commands.h"
#include "runtime/worker.h"

static volatile sig_atomic_t stopped;

static void stop(int signal_)
{
    (void)signal_;
    stopped = 1;
}

static void say(void *context, const char *line)
{
    cli_say(context, "%s", line);
}

enum status run_node(struct cli *cli, struct run_options *o, struct diag *diag)
{
    struct node_config config;
    struct node_summary summary = {0, 0, 0, 0, 0};
    struct sigaction action = {.sa_handler = stop}, ignore = {.sa_handler = SIG_IGN};
    cli->result = cJSON_CreateObject();
    if (o->market.config == NULL)
        return diag_set(diag, STATUS_BAD_INPUT, "give the configuration with --config FILE");
    enum status status = node_config_read(&config, o->market.config, diag);
    if (status != STATUS_OK)
        return status;
    if (config.limits.threads == 0)
        config.limits.threads = cli->threads;
    const struct node_options options = {&config, o->market.drain, &stopped, say, cli};
    /* The account's key stays out of core dumps and of other programs' sight. */
    prctl(PR_SET_DUMPABLE, 0);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    status = node_run(&summary, &options, diag);
    node_config_release(&config);
    if (status == STATUS_OK) {
        cJSON_AddNumberToObject(cli->result, "paid", (double)summary.paid);
        cJSON_AddNumberToObject(cli->result, "refused", (double)summary.refused);
        cJSON_AddNumberToObject(cli->result, "over", (double)summary.over);
        cJSON_AddNumberToObject(cli->result, "kept", (double)summary.kept);
        cJSON_AddNumberToObject(cli->result, "earned", summary.earned);
    }
    return status;
}

enum status run_work(struct cli *cli, struct run_options *o, struct diag *diag)
{
    return worker_run(o->folder, cli->threads, diag);
}
