/*
 * The steps of the jobs of a node. A job's state says what comes next; the step is done, then the
 * next state written. Who is killed between the two does the step again: fetching and proving harm
 * nobody, and what is sent goes through the journal, under a name that is the same each time.
 */
#include "runtime/node_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "ir/support/file.h"
#include "ir/support/machine.h"

enum {
    BACKOFF_SECONDS_MOST = 300,
    LEAST_SECONDS = 15, /* before its deadline a job is not begun any more */
    GONE_TRIES = 5,     /* in 15 seconds, after which what is unknown is gone */
};

struct node_served *node_find_served(struct node *n, uint64_t number)
{
    for (size_t i = 0; i < n->served_count; i++) {
        if (n->served[i].number == number)
            return &n->served[i];
    }
    return NULL;
}

bool node_is_ours(const struct node *n, const uint8_t address[ABI_ADDRESS])
{
    return memcmp(n->prover, address, ABI_ADDRESS) == 0;
}

/* ---- states --------------------------------------------------------------------------------- */

enum status node_move(struct node *n, struct node_job *job, enum node_state state,
                      const char *reason, struct diag *diag)
{
    bool keeps_input = state < NODE_PROVED;
    /* First the input: whoever is killed between the two fetches it again. */
    enum status status = keeps_input ? STATUS_OK : node_drop_input(n, job->id, diag);
    if (status == STATUS_OK)
        status = node_store_move(&n->store, job->id, state, reason, diag);
    if (status == STATUS_OK) {
        node_say(n, job->id, "%s%s%s", node_state_name(state), reason[0] == '\0' ? "" : ": ",
                 reason);
        job->state = state;
    }
    return status;
}

/* The next try comes later, the later the more there were; returns when. */
static uint64_t put_off(struct node *n, const struct node_job *job, uint64_t tries,
                        const char *reason)
{
    uint64_t wait = UINT64_C(1) << (tries < 8 ? tries : 8);
    if (wait > BACKOFF_SECONDS_MOST)
        wait = BACKOFF_SECONDS_MOST;
    node_say(n, job->id, "will be tried again in %" PRIu64 " s: %s", wait, reason);
    return n->clock + wait;
}

enum status node_fail(struct node *n, struct node_job *job, const char *reason, struct diag *diag)
{
    if (job->tries + 1 >= n->config->limits.attempts)
        return node_move(n, job, NODE_REFUSED, reason, diag);
    return node_store_put_off(&n->store, job->id, NODE_FAILED, put_off(n, job, job->tries, reason),
                              reason, diag);
}

/* The chain does not know the job: services answer from several machines, of which one may be
 * behind the block; it is gone when none knows it for a while. */
static enum status miss(struct node *n, struct node_job *job, struct diag *diag)
{
    static const char reason[] = "the chain does not know it";
    if (job->misses + 1 >= GONE_TRIES)
        return node_move(n, job, NODE_GONE, "its block left the chain", diag);
    return node_store_put_off(&n->store, job->id, NODE_MISSED, put_off(n, job, job->misses, reason),
                              reason, diag);
}

void node_trouble(struct node *n, enum status status, const char *text)
{
    if (n->trouble.status == STATUS_OK)
        (void)diag_set(&n->trouble, status, "%s", text);
}

/* ---- taking --------------------------------------------------------------------------------- */

static enum status decide(struct node *n, struct node_job *job, const struct market_job *on_chain,
                          struct diag *diag)
{
    struct node_served *served = node_find_served(n, job->id.model);
    char reason[NODE_REASON_BYTES], text[AMOUNT_TEXT];
    double cost;
    uint64_t until;
    bool ours;
    if (served == NULL || on_chain->deadline < n->now + LEAST_SECONDS)
        return STATUS_OK;
    enum status status = node_is_for_us(&ours, &until, n, job, on_chain, diag);
    if (status != STATUS_OK || !ours)
        return status;
    amount paid = on_chain->price - on_chain->royalty - on_chain->fee;
    /* A 64th of the gas does not reach a callback. */
    uint64_t gas = served->gas + (uint64_t)on_chain->callback_gas * 64 / 63;
    if (!node_config_pays(&cost, n->config, paid, gas, n->fee, served->units)) {
        amount_format(text, paid);
        snprintf(reason, sizeof reason,
                 "does not pay: it brings %s and costs %.6g (%" PRIu64 " gas at %" PRIu64
                 " wei, %" PRIu64 " units)",
                 text, cost, gas, n->fee, served->units);
        return node_move(n, job, NODE_REFUSED, reason, diag);
    }
    return node_move(n, job, NODE_TAKEN, "", diag);
}

/* ---- proving -------------------------------------------------------------------------------- */

void node_make_claim(struct job_claim *claim, const struct node *n, const struct market_job *job)
{
    memset(claim, 0, sizeof *claim); /* its bytes go to a child */
    market_context(claim->context, &n->market, job->id, n->prover);
    memcpy(claim->precommitment, job->precommitment, 32);
    memcpy(claim->requirement, job->requirement, ABI_WORD);
    claim->input_words = job->input_words;
    claim->input_bits = job->input_bits;
}

static bool is_running(const struct node *n, struct market_job_id id)
{
    for (uint64_t i = 0; i < n->config->limits.workers; i++) {
        if (n->slot[i].is_used && memcmp(&n->slot[i].id, &id, sizeof id) == 0)
            return true;
    }
    return false;
}

static struct node_slot *free_slot(struct node *n)
{
    for (uint64_t i = 0; i < n->config->limits.workers; i++) {
        if (!n->slot[i].is_used)
            return &n->slot[i];
    }
    return NULL;
}

static enum status prove(struct node *n, struct node_job *job, const struct market_job *on_chain,
                         struct diag *diag)
{
    struct node_served *served = node_find_served(n, job->id.model);
    struct node_slot *slot = free_slot(n);
    struct buffer input = {0};
    uint8_t digest[KECCAK256_BYTES];
    struct diag reason = {0};
    if (served == NULL || slot == NULL)
        return STATUS_OK;
    char *path = node_input_path(n, job->id);
    enum status status =
        path == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory for a path") : STATUS_OK;
    if (status == STATUS_OK) {
        bool there = file_read(path, n->config->limits.input_bytes, &input, &reason) == STATUS_OK;
        keccak256(digest, input.data, input.count);
        if (!there || memcmp(digest, job->request.input_hash, sizeof digest) != 0)
            status = node_move(n, job, NODE_TAKEN, "its input is not on disk any more", diag);
    }
    enum status opened = STATUS_OK;
    if (status == STATUS_OK && job->state == NODE_FETCHED)
        opened = node_open_input(&input, n, job, &reason);
    if (opened != STATUS_OK)
        status = node_is_final(opened) ? node_move(n, job, NODE_REFUSED, reason.text, diag)
                                       : node_fail(n, job, reason.text, diag);
    if (status == STATUS_OK && opened == STATUS_OK && job->state == NODE_FETCHED) {
        const struct worker_options options = {
            served->folder,
            (unsigned)n->config->limits.threads,
            {n->config->limits.memory_bytes, n->config->limits.seconds}};
        node_make_claim(&slot->claim, n, on_chain);
        status = worker_start(&slot->worker, &options, &slot->claim, &input, diag);
        slot->is_used = status == STATUS_OK;
        slot->id = job->id;
        slot->start = machine_seconds();
        slot->seconds = 0;
    }
    free(path);
    node_release_secret(&input);
    return status;
}

enum status node_check_proof(struct proof *proof, const struct node_served *served,
                             const struct job_claim *claim, const struct buffer *text,
                             struct diag *diag)
{
    cJSON *values = NULL;
    enum status status =
        proof_parse(proof, buffer_text(text), text->count, "the proof of a child", diag);
    if (status == STATUS_OK)
        status = job_check_words(&served->model, claim, proof->words, proof->word_count, diag);
    if (status == STATUS_OK)
        status = proof_verify(&values, proof, &served->model, claim->context, &served->srs, diag);
    cJSON_Delete(values);
    return status;
}

/* The job of a child that has ended, if it still waits for a proof. */
static enum status find_job(bool *found, struct node_job *job, struct node *n,
                            struct market_job_id id, struct diag *diag)
{
    struct market_job_id before = {id.model, id.place - 1};
    enum status status = node_store_next(found, job, &n->store, before, diag);
    if (status == STATUS_OK && *found &&
        (memcmp(&job->id, &id, sizeof id) != 0 || job->state != NODE_FETCHED)) {
        node_job_release(job);
        *found = false;
    }
    return status;
}

/* Keeps what a child has proved. Whether the job still wants it the next look sees: a chain that
 * does not answer just now is no reason to prove anew. */
static enum status end_proving(struct node *n, struct node_slot *slot, enum status ended,
                               const struct diag *said, struct diag *diag)
{
    struct node_job job;
    struct proof proof = {0};
    struct diag reason = *said;
    bool found;
    enum status status = find_job(&found, &job, n, slot->id, diag);
    if (status != STATUS_OK || !found)
        return status;
    if (ended == STATUS_OK &&
        node_check_proof(&proof, node_find_served(n, job.id.model), &slot->claim,
                         &slot->worker.answer, &reason) != STATUS_OK)
        ended = STATUS_IO; /* another try */
    if (ended == STATUS_OK) {
        status = node_store_set_proof(&n->store, job.id, buffer_text(&slot->worker.answer),
                                      slot->seconds, n->clock, diag);
        if (status == STATUS_OK)
            node_say(n, job.id, "proved in %.2f s", slot->seconds);
        if (status == STATUS_OK)
            status = node_drop_input(n, job.id, diag);
    } else if (ended == STATUS_REJECTED || ended == STATUS_BAD_INPUT) {
        status = node_move(n, &job, NODE_REFUSED, reason.text, diag);
    } else {
        status = node_fail(n, &job, reason.text, diag);
    }
    proof_release(&proof);
    node_job_release(&job);
    return status;
}

enum status node_step_workers(struct node *n, struct diag *diag)
{
    enum status status = STATUS_OK;
    for (uint64_t i = 0; i < n->config->limits.workers && status == STATUS_OK; i++) {
        struct node_slot *slot = &n->slot[i];
        struct diag said = {0};
        bool done;
        if (!slot->is_used)
            continue;
        enum status ended = worker_poll(&done, &slot->worker, &said);
        if (!done)
            continue;
        if (slot->seconds <= 0)
            slot->seconds = machine_seconds() - slot->start;
        status = end_proving(n, slot, ended, &said, diag);
        if (status == STATUS_OK) {
            worker_close(&slot->worker);
            slot->is_used = false;
        }
    }
    return status;
}

static enum status step_job(struct node *n, struct node_job *job, struct diag *diag)
{
    struct market_job on_chain;
    /* A wait that is longer than any is one of a clock that was ahead. */
    bool waits = job->not_before > n->clock && job->not_before - n->clock <= BACKOFF_SECONDS_MOST;
    if (waits || is_running(n, job->id))
        return STATUS_OK;
    enum status status = market_job(&on_chain, &n->market, job->id, diag);
    if (status != STATUS_OK)
        return status;
    bool has_ended = job->state >= NODE_PAID;
    if (on_chain.state == MARKET_NONE && !has_ended)
        return miss(n, job, diag);
    if (job->misses > 0)
        status = node_store_meet(&n->store, job->id, diag);
    if (status != STATUS_OK)
        return status;
    if (has_ended)
        return node_end_assignment(n, job, &on_chain, diag);
    if (on_chain.state != MARKET_JOB_OPEN)
        return node_end_job(n, job, &on_chain, diag);
    if (n->now > on_chain.deadline)
        return node_move(n, job, NODE_OVER, "its deadline is over", diag);
    switch (job->state) {
    case NODE_SEEN:
        return decide(n, job, &on_chain, diag);
    case NODE_TAKEN:
        return node_step_fetch(n, job, diag);
    case NODE_FETCHED:
        return prove(n, job, &on_chain, diag);
    default:
        return node_submit(n, job, &on_chain, diag);
    }
}

enum status node_step_jobs(struct node *n, bool *is_idle, struct diag *diag)
{
    struct market_job_id after = {0, 0};
    bool found = true;
    enum status status = STATUS_OK;
    *is_idle = true;
    n->ready_count = 0;
    n->is_disk_known = false;
    for (size_t i = 0; i < n->served_count; i++)
        n->served[i].under_way = 0;
    while (status == STATUS_OK && found && *n->options->stop == 0) {
        struct node_job job;
        status = node_store_next(&found, &job, &n->store, after, diag);
        if (status != STATUS_OK || !found)
            break;
        after = job.id;
        *is_idle = false;
        status = step_job(n, &job, diag);
        struct node_served *served = node_find_served(n, job.id.model);
        if (served != NULL && job.state < NODE_PROVED)
            served->under_way++;
        node_job_release(&job);
    }
    if (status == STATUS_OK && !found)
        node_drop_fetches(n);
    return status == STATUS_OK ? node_step_batches(n, diag) : status;
}
