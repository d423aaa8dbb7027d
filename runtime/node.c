/* See node.h. */
#include "runtime/node_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "backend/hash/keccak.h"
#include "backend/plan.h"
#include "ir/support/file.h"
#include "ir/support/machine.h"
#include "runtime/chain.h"
#include "runtime/keystore.h"

enum {
    SETTLE_GAS = 90000,   /* of a settlement beyond the verifier's own, call data included */
    VERIFY_GAS = 260000,  /* of the verifier, where no contract verifies */
    CONFIRMATIONS = 3,    /* elsewhere than on a development chain */
    OVERLAP_BLOCKS = 256, /* read again after a start: the chain may have changed meanwhile */
    WORKER_WAIT_US = 20000,
    STALE_SECONDS = 120,
    FETCH_SECONDS = 10,
    FETCH_BYTES_SECOND = 1 << 18,
    LOCK_SECONDS = 10, /* that a killed node's child may take to end */
    FORGET_SECONDS =
        3600, /* after its deadline nothing becomes of a job, whatever the chain does */
};

void node_say(struct node *n, struct market_job_id id, const char *format, ...)
{
    char line[DIAG_TEXT_BYTES + 100], text[MARKET_JOB_TEXT];
    va_list arguments;
    market_job_text(text, id);
    size_t at = (size_t)snprintf(line, sizeof line, "job %s: ", text);
    va_start(arguments, format);
    vsnprintf(line + at, sizeof line - at, format, arguments);
    va_end(arguments);
    n->options->say(n->options->context, line);
}

void node_tell(struct node *n, const char *format, ...)
{
    char line[DIAG_TEXT_BYTES + 100];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    n->options->say(n->options->context, line);
}

/* ---- opening -------------------------------------------------------------------------------- */

/* The gas of verifying, by the circuit itself, and of settling on top. What the owner's report says
 * is no ground to work on. */
static uint64_t gas_of(const struct model *model)
{
    struct plan plan;
    plan_circuit(&plan, &model->circuit, model->mode, 1);
    return SETTLE_GAS + (plan.gas > 0 && plan.gas < 1e9 ? (uint64_t)plan.gas : VERIFY_GAS);
}

static enum status open_model(struct node_served *served, const struct node_model *given,
                              const struct market *market, struct diag *diag)
{
    struct registry_model registered;
    served->number = given->number;
    served->folder = given->folder;
    enum status status = model_load(&served->model, given->folder, MODEL_HEAD, diag);
    if (status == STATUS_OK)
        status = registry_show(&registered, &market->registry, given->number, diag);
    if (status == STATUS_OK && !served->model.has_key)
        status =
            diag_set(diag, STATUS_BAD_INPUT,
                     "'%s' has no key; its owner makes it, and publishes the model", given->folder);
    if (status == STATUS_OK && memcmp(registered.vk_hash, served->model.key.digest, 32) != 0)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "model %" PRIu64 " of the registry has another key than '%s'",
                          given->number, given->folder);
    if (status == STATUS_OK)
        status = proof_open_verifier(&served->srs, &served->model, NULL, diag);
    if (status == STATUS_OK) {
        served->units = registered.compute_cost;
        served->gas = gas_of(&served->model);
    }
    return status;
}

static enum status open_models(struct node *n, struct diag *diag)
{
    n->served = calloc(n->config->model_count, sizeof *n->served);
    if (n->served == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for models");
    for (size_t i = 0; i < n->config->model_count; i++) {
        const struct node_model *given = &n->config->models[i];
        if (node_find_served(n, given->number) != NULL)
            return diag_set(diag, STATUS_BAD_INPUT,
                            "model %" PRIu64 " stands twice in the configuration", given->number);
        n->served_count++;
        enum status status = open_model(&n->served[i], given, &n->market, diag);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* Takes the lock of the data folder. A node that was killed may have left a child that has not
 * ended yet and still holds it: it is waited for. */
static enum status take_lock(struct node *n, const char *path, struct diag *diag)
{
    double start = machine_seconds();
    n->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (n->lock < 0)
        return diag_set(diag, STATUS_IO, "cannot open '%s': %s", path, strerror(errno));
    while (flock(n->lock, LOCK_EX | LOCK_NB) != 0) {
        if (machine_seconds() - start > LOCK_SECONDS || *n->options->stop != 0)
            return diag_set(diag, STATUS_BAD_INPUT,
                            "another node uses '%s'; each needs a data folder of its own",
                            n->config->data);
        usleep(WORKER_WAIT_US);
    }
    return STATUS_OK;
}

/* The folder of the journal and the jobs: one node's alone. */
static enum status open_data(struct node *n, struct diag *diag)
{
    char *jobs = file_join(n->config->data, "jobs"),
         *journal = file_join(n->config->data, "journal"),
         *lock = file_join(n->config->data, "lock");
    n->inputs = file_join(n->config->data, "inputs");
    enum status status = jobs == NULL || journal == NULL || lock == NULL || n->inputs == NULL
                             ? diag_set(diag, STATUS_NO_MEMORY, "no memory for paths")
                             : file_make_dir(n->config->data, 0700, diag);
    if (status == STATUS_OK)
        status = file_make_dir(n->inputs, 0700, diag);
    if (status == STATUS_OK)
        status = take_lock(n, lock, diag);
    if (status == STATUS_OK)
        status = journal_open(&n->journal, journal, diag);
    if (status == STATUS_OK)
        status = node_store_open(&n->store, jobs, diag);
    if (status == STATUS_OK)
        status = node_store_bind(&n->store, n->market.address, diag);
    free(jobs);
    free(journal);
    free(lock);
    return status;
}

static enum status open_account(struct node *n, struct diag *diag)
{
    char password[256];
    uint8_t key[KEYSTORE_KEY_BYTES];
    const char *prover;
    enum status status =
        keystore_read_password(password, sizeof password, n->config->password_file, diag);
    if (status == STATUS_OK)
        status = keystore_open(key, n->config->keystore, password, diag);
    explicit_bzero(password, sizeof password);
    if (status == STATUS_OK)
        status = account_open(&n->account, &n->nodes, &n->journal, key, diag);
    explicit_bzero(key, sizeof key);
    if (status != STATUS_OK)
        return status;
    n->account.seconds = 0; /* the loop waits, not the account */
    n->account.most_fee = n->config->economics.most_fee;
    n->account.confirmations = n->config->confirmations != UINT64_MAX
                                   ? (unsigned)n->config->confirmations
                               : n->nodes.chain_id == CHAIN_DEVELOPMENT ? 0
                                                                        : CONFIRMATIONS;
    prover = n->config->prover != NULL ? n->config->prover : n->account.id.address;
    if (!abi_parse_address(n->prover, prover))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the field 'prover' of the configuration takes 0x and 40 hex digits");
    return STATUS_OK;
}

static enum status start_logs(struct node *n, bool anew, struct diag *diag)
{
    char address[CONTRACT_ADDRESS_TEXT];
    uint64_t cursor = 0, first = n->config->from_block;
    enum status status = anew ? STATUS_OK : node_store_cursor(&cursor, &n->store, diag);
    if (cursor > first + OVERLAP_BLOCKS)
        first = cursor - OVERLAP_BLOCKS;
    contract_address_text(address, n->market.address);
    logs_init(&n->logs, &n->nodes, address, first);
    n->rewound = true; /* what ended before may not have */
    return status;
}

static enum status open_node(struct node *n, struct diag *diag)
{
    const struct node_config *c = n->config;
    const char *url = NULL;
    char line[120];
    if (c->limits.workers > NODE_WORKERS_MOST)
        return diag_set(diag, STATUS_BAD_INPUT, "at most %d workers", NODE_WORKERS_MOST);
    n->storage = (struct storage){.folder = c->store, .ipfs = c->ipfs, .arweave = c->arweave};
    /* What serves an input may be the requester's, and slow on purpose. */
    n->storage.most_seconds =
        FETCH_SECONDS + (unsigned)(c->limits.input_bytes / FETCH_BYTES_SECOND);
    n->storage.stops = &n->ends;
    enum status status = endpoints_open(&n->nodes, c->rpc, diag);
    if (status == STATUS_OK && n->nodes.chain_id != c->chain_id)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "the node at %s is of chain %" PRIu64
                          " and the configuration names chain %" PRIu64,
                          n->nodes.node[0].shown, n->nodes.chain_id, c->chain_id);
    if (status == STATUS_OK)
        status = market_open(&n->market, &n->nodes, c->market, diag);
    if (status == STATUS_OK)
        status = open_models(n, diag);
    if (status == STATUS_OK)
        status = open_data(n, diag);
    if (status == STATUS_OK)
        status = open_account(n, diag);
    if (status == STATUS_OK)
        status = start_logs(n, false, diag);
    if (status == STATUS_OK && c->listen != NULL)
        status = node_http_start(&n->http, &url, c->listen,
                                 STALE_SECONDS + (double)c->poll_ms / 1000, diag);
    if (status == STATUS_OK && url != NULL) {
        snprintf(line, sizeof line, "listens on %s", url);
        n->options->say(n->options->context, line);
    }
    return status;
}

static void close_node(struct node *n)
{
    node_close_fetches(n);
    for (size_t i = 0; i < NODE_WORKERS_MOST; i++) {
        if (n->slot[i].is_used)
            worker_close(&n->slot[i].worker);
    }
    node_http_stop(n->http);
    account_close(&n->account);
    journal_close(&n->journal);
    node_store_close(&n->store);
    for (size_t i = 0; i < n->served_count; i++)
        model_release(&n->served[i].model);
    free(n->served);
    free(n->inputs);
    endpoints_close(&n->nodes);
    if (n->lock >= 0)
        close(n->lock);
}

/* ---- looking -------------------------------------------------------------------------------- */

static enum status take_event(void *context, const cJSON *log, struct diag *diag)
{
    struct node *n = context;
    struct market_requested event;
    bool found;
    enum status status = market_read_requested(&found, &event, log, diag);
    if (status != STATUS_OK || !found)
        return status;
    /* One that is long over, and may have been forgotten, is not begun again. */
    if (node_find_served(n, event.id.model) != NULL &&
        event.request.deadline + FORGET_SECONDS >= n->now)
        status = node_store_add(&n->store, &event, diag);
    market_requested_release(&event);
    return status;
}

static enum status take_back(void *context, uint64_t kept, struct diag *diag)
{
    struct node *n = context;
    n->rewound = true;
    return node_store_set_cursor(&n->store, kept + 1, diag);
}

static enum status read_events(struct node *n, struct diag *diag)
{
    const struct logs_reader reader = {take_event, take_back, n};
    uint64_t before = n->logs.next;
    enum status status = logs_poll(&n->logs, &reader, diag);
    if (status != STATUS_OK && n->logs.is_lost)
        return start_logs(n, true, diag);
    if (status == STATUS_OK && n->logs.next != before)
        status = node_store_set_cursor(&n->store, n->logs.next, diag);
    return status;
}

static enum status look(struct node *n, bool *is_idle, struct diag *diag)
{
    n->clock = (uint64_t)time(NULL);
    n->polls++;
    enum status status = market_time(&n->now, &n->market, diag);
    if (status == STATUS_OK)
        status = read_events(n, diag);
    if (status == STATUS_OK)
        status = endpoints_median(&n->fee, &n->nodes, "eth_gasPrice", "[]", diag);
    if (status == STATUS_OK)
        status = market_is_paused(&n->is_paused, &n->market, diag);
    if (status == STATUS_OK && n->rewound) {
        status = node_store_recheck(&n->store, n->now, diag);
        n->rewound = status != STATUS_OK;
    }
    if (status == STATUS_OK)
        status = node_step_assign(n, diag);
    if (status == STATUS_OK)
        status = node_step_jobs(n, is_idle, diag);
    if (status == STATUS_OK && n->now > FORGET_SECONDS)
        status = node_store_forget(&n->store, n->config->limits.ended_jobs, n->now - FORGET_SECONDS,
                                   diag);
    if (status == STATUS_OK)
        status = account_settle_mined(&n->account, diag);
    /* Names are asked for until their job has ended; what is sent again after all, the contracts do
     * once. */
    if (status == STATUS_OK)
        status =
            journal_forget(&n->journal, &n->account.id, n->config->limits.ended_transactions, diag);
    return status;
}

/* Waits for the next look, and looks after the children meanwhile. Where the last look went well
 * one that ends cuts it short, and so does an input that is there. */
static enum status wait_for_children(struct node *n, bool looked, struct diag *diag)
{
    uint64_t most_ms = looked || n->config->poll_ms < 1000 ? n->config->poll_ms : 1000;
    double end = machine_seconds() + (double)most_ms / 1000;
    enum status status = STATUS_OK;
    bool worked = false;
    while (status == STATUS_OK && machine_seconds() < end && *n->options->stop == 0) {
        bool works = false;
        status = node_step_workers(n, diag);
        for (uint64_t i = 0; i < n->config->limits.workers; i++)
            works = works || n->slot[i].is_used;
        if (looked && ((worked && !works) || node_has_fetched(n)))
            return status;
        worked = works;
        usleep(WORKER_WAIT_US);
    }
    return status;
}

static enum status summarize(struct node_summary *summary, struct node *n, struct diag *diag)
{
    struct node_counts counts;
    enum status status = node_store_count(&counts, &n->store, diag);
    if (status == STATUS_OK)
        *summary = (struct node_summary){counts.jobs[NODE_PAID], counts.jobs[NODE_REFUSED],
                                         counts.jobs[NODE_OVER], counts.kept, counts.earned};
    return status;
}

enum status node_run(struct node_summary *summary, const struct node_options *options,
                     struct diag *diag)
{
    struct node *n = calloc(1, sizeof *n);
    bool is_idle = false;
    char last[DIAG_TEXT_BYTES] = "";
    if (n == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    n->options = options;
    n->config = options->config;
    n->lock = -1;
    enum status status = open_node(n, diag);
    while (status == STATUS_OK && *options->stop == 0 && !(options->drain && is_idle)) {
        struct diag trouble = {0}, ignored = {0};
        bool idle = false;
        n->trouble = (struct diag){0};
        enum status looked = look(n, &idle, &trouble), waited = STATUS_OK;
        is_idle = looked == STATUS_OK && idle;
        if (!(options->drain && is_idle))
            waited = wait_for_children(n, looked == STATUS_OK,
                                       looked == STATUS_OK ? &trouble : &ignored);
        if (looked != STATUS_OK || waited != STATUS_OK)
            n->trouble = trouble;
        if (n->trouble.status != STATUS_OK && strcmp(last, n->trouble.text) != 0)
            options->say(options->context, n->trouble.text);
        memcpy(last, n->trouble.text, sizeof last);
        node_show(n);
        if (waited != STATUS_OK)
            usleep((useconds_t)(n->config->poll_ms < 1000 ? n->config->poll_ms : 1000) * 1000);
    }
    /* What has been proved since is kept, too. */
    if (status == STATUS_OK)
        status = node_step_workers(n, diag);
    if (status == STATUS_OK)
        status = summarize(summary, n, diag);
    close_node(n);
    free(n);
    return status;
}
