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
#include "runtime/signer.h"

enum {
    BACKOFF_SECONDS_MOST = 300,
    LEAST_SECONDS = 15, /* before its deadline a job is not begun any more */
    NAME_BYTES = JOURNAL_NAME_BYTES - 20,
};

struct node_served *node_find_served(struct node *n, uint64_t number)
{
    for (size_t i = 0; i < n->served_count; i++) {
        if (n->served[i].number == number)
            return &n->served[i];
    }
    return NULL;
}

static bool is_ours(const struct node *n, const uint8_t address[ABI_ADDRESS])
{
    return memcmp(n->prover, address, ABI_ADDRESS) == 0;
}

static bool is_nobody(const uint8_t address[ABI_ADDRESS])
{
    static const uint8_t zero[ABI_ADDRESS];
    return memcmp(zero, address, ABI_ADDRESS) == 0;
}

/* ---- states --------------------------------------------------------------------------------- */

static enum status move(struct node *n, struct node_job *job, enum node_state state,
                        const char *reason, struct diag *diag)
{
    enum status status = node_store_move(&n->store, job->id, state, reason, diag);
    if (status == STATUS_OK) {
        node_say(n, job->id, "%s%s%s", node_state_name(state), reason[0] == '\0' ? "" : ": ",
                 reason);
        job->state = state;
    }
    return status;
}

/* The step failed for a reason that may pass; after too many tries the job is given up. */
static enum status fail(struct node *n, struct node_job *job, const char *reason, struct diag *diag)
{
    if (job->tries + 1 >= n->config->limits.attempts)
        return move(n, job, NODE_REFUSED, reason, diag);
    uint64_t wait = UINT64_C(1) << (job->tries < 8 ? job->tries : 8);
    if (wait > BACKOFF_SECONDS_MOST)
        wait = BACKOFF_SECONDS_MOST;
    n->failures++;
    node_say(n, job->id, "will be tried again in %" PRIu64 " s: %s", wait, reason);
    return node_store_fail(&n->store, job->id, n->clock + wait, reason, diag);
}

/* A reason that lies with this node, not with the job: it is shown, and costs no try. */
static void trouble(struct node *n, enum status status, const char *text)
{
    if (n->trouble.status == STATUS_OK)
        (void)diag_set(&n->trouble, status, "%s", text);
}

/* ---- sending -------------------------------------------------------------------------------- */

/* What became of a call. */
struct sending {
    bool is_mined;
    bool is_new;         /* it is in the journal since now */
    struct diag refused; /* what the contract objects, if it does */
};

/*
 * Sends a call. One that is on its way, or that this account cannot pay at the moment, is no
 * failure of the job: the next look goes on.
 */
static enum status send(struct sending *out, struct node *n, const char *name,
                        const uint8_t to[ABI_ADDRESS], const struct buffer *data, struct diag *diag)
{
    struct account_result result = {0};
    struct diag reason = {0};
    *out = (struct sending){0};
    enum status status = signer_send(&result, &n->account, name, to, data, 0, &reason);
    out->is_mined = status == STATUS_OK;
    out->is_new = (status == STATUS_OK || result.is_pending) && !result.was_known;
    if (status == STATUS_REJECTED) {
        out->refused = reason;
    } else if (status == STATUS_BAD_INPUT || status == STATUS_LIMIT) {
        trouble(n, status, reason.text);
    } else if (status != STATUS_OK && !result.is_pending) {
        return diag_set(diag, status, "%s", reason.text);
    }
    return STATUS_OK;
}

static enum status send_word(struct sending *out, struct node *n, const char *name,
                             const uint8_t to[ABI_ADDRESS], const char *signature,
                             const uint8_t word[ABI_WORD], struct diag *diag)
{
    struct buffer data = {0};
    enum status status = market_word_data(&data, signature, word, diag);
    if (status == STATUS_OK)
        status = send(out, n, name, to, &data, diag);
    buffer_release(&data);
    return status;
}

/* Names a transaction about a job as it was asked for: another request under its number, after a
 * reorganisation, has another name. */
static void name_step(char name[NAME_BYTES], const char *verb, const struct market_job *job,
                      uint64_t stamp)
{
    char text[MARKET_JOB_TEXT];
    market_job_text(text, job->id);
    size_t at = (size_t)snprintf(name, NAME_BYTES, "%s %s ", verb, text);
    for (int i = 0; i < 8; i++)
        at += (size_t)snprintf(name + at, NAME_BYTES - at, "%02x", job->precommitment[i]);
    snprintf(name + at, NAME_BYTES - at, " %" PRIu64 " %" PRIu64, job->deadline, stamp);
}

/* A call of the pools about a job. */
static enum status send_pools(struct sending *out, struct node *n, const char *verb,
                              const struct market_job *job, uint64_t stamp, struct diag *diag)
{
    char name[NAME_BYTES], signature[40];
    uint8_t word[ABI_WORD];
    market_job_word(word, job->id);
    name_step(name, verb, job, stamp);
    snprintf(signature, sizeof signature, "%s(uint256)", verb);
    return send_word(out, n, name, n->market.pools, signature, word, diag);
}

/* ---- assignments ---------------------------------------------------------------------------- */

/* What is left of an assignment of ours when the job has ended: its penalty is unlocked, or it is
 * given back in time. */
static enum status end_assignment(struct node *n, struct node_job *job,
                                  const struct market_job *on_chain, struct diag *diag)
{
    struct market_assignment a;
    struct sending sending = {0};
    bool wanted = false;
    enum status status = market_assignment(&a, &n->market, job->id, diag);
    if (status == STATUS_OK && is_ours(n, a.node) && on_chain->state == MARKET_JOB_PAID &&
        on_chain->settled_at <= a.until) {
        wanted = true;
        status = send_pools(&sending, n, "release", on_chain, a.since, diag);
    } else if (status == STATUS_OK && is_ours(n, a.node) && on_chain->state == MARKET_JOB_OPEN &&
               n->now <= a.since + (a.until - a.since) / 2) {
        wanted = true;
        status = send_pools(&sending, n, "decline", on_chain, a.since, diag);
    }
    if (status == STATUS_OK && (!wanted || sending.is_mined || sending.refused.status != STATUS_OK))
        status = node_store_assign(&n->store, job->id, false, diag);
    if (status == STATUS_OK && sending.is_new)
        node_say(n, job->id, "assignment %s",
                 on_chain->state == MARKET_JOB_PAID ? "released" : "declined");
    return status;
}

/* Whose a job is: ours to serve now, or not (yet). */
static enum status is_for_us(bool *ours, struct node *n, struct node_job *job,
                             const struct market_job *on_chain, struct diag *diag)
{
    uint8_t reserved[ABI_ADDRESS];
    uint64_t until = 0, up_to = 0;
    struct market_assignment a = {{0}, 0, 0, 0, 0, 0};
    struct market_units pool = {0, 0, 0};
    struct sending sending = {0};
    *ours = false;
    enum status status = market_reservation(reserved, &until, &n->market, job->id, diag);
    if (status != STATUS_OK || (until >= n->now && !is_ours(n, reserved)))
        return status;
    if (!n->market.has_pools) {
        *ours = true;
        return STATUS_OK;
    }
    status = market_assignment(&a, &n->market, job->id, diag);
    if (status != STATUS_OK)
        return status;
    if (is_ours(n, a.node)) {
        *ours = true;
        return job->is_assigned ? STATUS_OK : node_store_assign(&n->store, job->id, true, diag);
    }
    if (!is_nobody(a.node)) { /* another's, who missed it */
        status = send_pools(&sending, n, "penalize", on_chain, a.since, diag);
        if (status == STATUS_OK && sending.is_new)
            node_say(n, job->id, "was missed by another node, which is penalized");
        /* One with an excuse does not keep it to itself either. */
        *ours = status == STATUS_OK && sending.refused.status != STATUS_OK;
        return status;
    }
    status = market_assigned_up_to(&up_to, &n->market, job->id.model, diag);
    if (status == STATUS_OK && up_to < job->id.place)
        status = market_units(&pool, &n->market, job->id.model, NULL, diag);
    /* One that was passed over, or given to nodes twice, is anybody's; so is one in a pool without
     * nodes. */
    *ours =
        status == STATUS_OK && (up_to >= job->id.place || (pool.committed == 0 && pool.next == 0));
    return status;
}

enum status node_step_assign(struct node *n, struct diag *diag)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n->served_count && n->market.has_pools && status == STATUS_OK; i++) {
        struct node_served *served = &n->served[i];
        struct market_units own = {0, 0, 0}, pool = {0, 0, 0};
        struct market_job job;
        uint64_t up_to = 0;
        char name[NAME_BYTES];
        uint8_t word[ABI_WORD] = {0};
        struct sending sending = {0};
        status = market_units(&own, &n->market, served->number, n->prover, diag);
        if (status == STATUS_OK)
            status = market_units(&pool, &n->market, served->number, NULL, diag);
        if (status != STATUS_OK || own.committed == 0 ||
            pool.committed - pool.assigned < served->units)
            continue;
        status = market_assigned_up_to(&up_to, &n->market, served->number, diag);
        if (status == STATUS_OK)
            status = market_job(&job, &n->market, (struct market_job_id){served->number, up_to + 1},
                                diag);
        if (status != STATUS_OK || job.state == MARKET_NONE)
            continue;
        for (int k = 0; k < 8; k++)
            word[ABI_WORD - 1 - k] = (uint8_t)(served->number >> (8 * k));
        name_step(name, "assign", &job, 0);
        status = send_word(&sending, n, name, n->market.pools, "assign(uint256)", word, diag);
        if (status == STATUS_OK && sending.is_new)
            node_say(n, job.id, "was given to a node");
    }
    return status;
}

/* ---- taking --------------------------------------------------------------------------------- */

static enum status decide(struct node *n, struct node_job *job, const struct market_job *on_chain,
                          struct diag *diag)
{
    struct node_served *served = node_find_served(n, job->id.model);
    char reason[NODE_REASON_BYTES], text[AMOUNT_TEXT];
    double cost;
    bool ours;
    if (served == NULL || on_chain->deadline < n->now + LEAST_SECONDS)
        return STATUS_OK;
    enum status status = is_for_us(&ours, n, job, on_chain, diag);
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
        return move(n, job, NODE_REFUSED, reason, diag);
    }
    return move(n, job, NODE_TAKEN, "", diag);
}

/* ---- inputs --------------------------------------------------------------------------------- */

static char *input_path(const struct node *n, struct market_job_id id)
{
    char name[64];
    snprintf(name, sizeof name, "%" PRIu64 "-%" PRIu64, id.model, id.place);
    return file_join(n->inputs, name);
}

static enum status drop_input(struct node *n, struct market_job_id id, struct diag *diag)
{
    char *path = input_path(n, id);
    enum status status = path == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory for a path")
                                      : file_remove_tree(path, diag);
    free(path);
    return status;
}

/* Bytes of all inputs on disk, by the jobs that have one. */
static enum status disk_used(uint64_t *bytes, struct node *n, struct diag *diag)
{
    struct market_job_id after = {0, 0};
    bool found = true;
    enum status status = STATUS_OK;
    *bytes = 0;
    while (status == STATUS_OK && found) {
        struct node_job job;
        status = node_store_next(&found, &job, &n->store, after, diag);
        if (status == STATUS_OK && found) {
            char *path = job.state == NODE_FETCHED ? input_path(n, job.id) : NULL;
            *bytes += path == NULL ? 0 : file_size_bytes(path);
            after = job.id;
            free(path);
            node_job_release(&job);
        }
    }
    return status;
}

static enum status fetch(struct node *n, struct node_job *job, struct diag *diag)
{
    struct buffer bytes = {0};
    struct diag reason = {0};
    char *path = input_path(n, job->id);
    uint64_t used = 0, most = n->config->limits.input_bytes;
    enum status status = path == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory for a path")
                                      : disk_used(&used, n, diag);
    if (status == STATUS_OK && used + most > n->config->limits.disk_bytes) {
        trouble(n, STATUS_LIMIT, "inputs fill the disk up to limits.disk_bytes");
        free(path);
        return STATUS_OK;
    }
    enum status fetched = STATUS_OK;
    if (status == STATUS_OK)
        fetched = job_fetch_input(&bytes, &job->request, &n->storage, most, &reason);
    if (status == STATUS_OK && fetched == STATUS_OK)
        status = file_write(path, bytes.data, bytes.count, FILE_MODE_PRIVATE, true, diag);
    if (status == STATUS_OK && fetched == STATUS_OK)
        status = move(n, job, NODE_FETCHED, "", diag);
    else if (status == STATUS_OK && fetched == STATUS_LIMIT)
        status = move(n, job, NODE_REFUSED, reason.text, diag);
    else if (status == STATUS_OK)
        status = fail(n, job, reason.text, diag);
    buffer_release(&bytes);
    free(path);
    return status;
}

/* ---- proving -------------------------------------------------------------------------------- */

static void make_claim(struct job_claim *claim, const struct node *n, const struct market_job *job)
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
    struct job_claim claim;
    uint8_t digest[KECCAK256_BYTES];
    struct diag reason = {0};
    if (served == NULL || slot == NULL)
        return STATUS_OK;
    char *path = input_path(n, job->id);
    enum status status =
        path == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory for a path") : STATUS_OK;
    if (status == STATUS_OK) {
        bool there = file_read(path, n->config->limits.input_bytes, &input, &reason) == STATUS_OK;
        keccak256(digest, input.data, input.count);
        if (!there || memcmp(digest, job->request.input_hash, sizeof digest) != 0)
            status = move(n, job, NODE_TAKEN, "its input is not on disk any more", diag);
    }
    if (status == STATUS_OK && job->state == NODE_FETCHED) {
        const struct worker_options options = {
            served->folder,
            (unsigned)n->config->limits.threads,
            {n->config->limits.memory_bytes, n->config->limits.seconds}};
        make_claim(&claim, n, on_chain);
        status = worker_start(&slot->worker, &options, &claim, &input, diag);
        slot->is_used = status == STATUS_OK;
        slot->id = job->id;
        slot->start = machine_seconds();
    }
    free(path);
    buffer_release(&input);
    return status;
}

/* A proof of the child is believed when it verifies. */
static enum status check_proof(struct proof *proof, const struct node_served *served,
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

static enum status end_proving(struct node *n, struct node_slot *slot, enum status ended,
                               const struct diag *said, struct diag *diag)
{
    struct node_job job;
    struct market_job on_chain;
    struct job_claim claim;
    struct proof proof = {0};
    struct diag reason = *said;
    double seconds = machine_seconds() - slot->start;
    bool found;
    enum status status = find_job(&found, &job, n, slot->id, diag);
    if (status != STATUS_OK || !found)
        return status;
    status = market_job(&on_chain, &n->market, job.id, diag);
    make_claim(&claim, n, &on_chain);
    if (status == STATUS_OK && ended == STATUS_OK &&
        check_proof(&proof, node_find_served(n, job.id.model), &claim, &slot->worker.answer,
                    &reason) != STATUS_OK)
        ended = STATUS_IO; /* another try */
    if (status == STATUS_OK && ended == STATUS_OK) {
        status = node_store_set_proof(&n->store, job.id, buffer_text(&slot->worker.answer), seconds,
                                      diag);
        if (status == STATUS_OK)
            status = drop_input(n, job.id, diag);
        if (status == STATUS_OK)
            node_say(n, job.id, "proved in %.2f s", seconds);
    } else if (status == STATUS_OK && (ended == STATUS_REJECTED || ended == STATUS_BAD_INPUT)) {
        status = move(n, &job, NODE_REFUSED, reason.text, diag);
        if (status == STATUS_OK)
            status = drop_input(n, job.id, diag);
    } else if (status == STATUS_OK) {
        status = fail(n, &job, reason.text, diag);
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
        status = end_proving(n, slot, ended, &said, diag);
        worker_close(&slot->worker);
        slot->is_used = false;
    }
    return status;
}

/* ---- submitting ----------------------------------------------------------------------------- */

static enum status submit(struct node *n, struct node_job *job, const struct market_job *on_chain,
                          struct diag *diag)
{
    struct node_served *served = node_find_served(n, job->id.model);
    struct buffer text = {0}, data = {0};
    struct proof proof = {0};
    struct job_claim claim;
    struct diag reason = {0};
    struct sending sending = {0};
    char name[NAME_BYTES];
    bool ours = false;
    if (served == NULL)
        return STATUS_OK;
    enum status status = is_for_us(&ours, n, job, on_chain, diag);
    if (status != STATUS_OK || !ours)
        return status;
    status = node_store_proof(&text, &n->store, job->id, diag);
    make_claim(&claim, n, on_chain);
    if (status == STATUS_OK && check_proof(&proof, served, &claim, &text, &reason) != STATUS_OK) {
        status = move(n, job, NODE_TAKEN, reason.text, diag); /* of another prover, or damaged */
    } else if (status == STATUS_OK) {
        name_step(name, "settle", on_chain, 0);
        status = market_settle_data(&data, job->id, n->prover, &served->model, &proof, diag);
        if (status == STATUS_OK)
            status = send(&sending, n, name, n->market.address, &data, diag);
        if (status == STATUS_OK && sending.refused.status != STATUS_OK)
            status = fail(n, job, sending.refused.text, diag);
        /* Whether it was paid the chain says, at the next look. */
    }
    proof_release(&proof);
    buffer_release(&text);
    buffer_release(&data);
    return status;
}

/* The job ended on the chain. */
static enum status end_job(struct node *n, struct node_job *job, const struct market_job *on_chain,
                           struct diag *diag)
{
    uint8_t prover[ABI_ADDRESS] = {0};
    amount paid = 0;
    bool found = false;
    char text[AMOUNT_TEXT];
    enum status status = STATUS_OK;
    if (on_chain->state == MARKET_JOB_PAID)
        status = market_find_paid(&found, prover, &paid, &n->market, job->id, job->block, diag);
    if (status == STATUS_OK && found && is_ours(n, prover)) {
        status = node_store_pay(&n->store, job->id, paid, diag);
        amount_format(text, paid);
        node_say(n, job->id, "paid: %s", text);
    } else if (status == STATUS_OK) {
        status =
            move(n, job, NODE_OVER,
                 on_chain->state == MARKET_JOB_PAID ? "answered by another" : "refunded", diag);
    }
    return status == STATUS_OK ? drop_input(n, job->id, diag) : status;
}

static enum status step_job(struct node *n, struct node_job *job, struct diag *diag)
{
    struct market_job on_chain;
    if (job->not_before > n->clock || is_running(n, job->id))
        return STATUS_OK;
    enum status status = market_job(&on_chain, &n->market, job->id, diag);
    if (status != STATUS_OK)
        return status;
    bool has_ended = job->state >= NODE_PAID;
    if (on_chain.state == MARKET_NONE && !has_ended)
        return move(n, job, NODE_GONE, "its block left the chain", diag);
    if (has_ended)
        return end_assignment(n, job, &on_chain, diag);
    if (on_chain.state != MARKET_JOB_OPEN)
        return end_job(n, job, &on_chain, diag);
    if (n->now > on_chain.deadline) {
        status = move(n, job, NODE_OVER, "its deadline is over", diag);
        return status == STATUS_OK ? drop_input(n, job->id, diag) : status;
    }
    switch (job->state) {
    case NODE_SEEN:
        return decide(n, job, &on_chain, diag);
    case NODE_TAKEN:
        return fetch(n, job, diag);
    case NODE_FETCHED:
        return prove(n, job, &on_chain, diag);
    default:
        return submit(n, job, &on_chain, diag);
    }
}

enum status node_step_jobs(struct node *n, bool *is_idle, struct diag *diag)
{
    struct market_job_id after = {0, 0};
    bool found = true;
    enum status status = STATUS_OK;
    *is_idle = true;
    while (status == STATUS_OK && found && *n->options->stop == 0) {
        struct node_job job;
        status = node_store_next(&found, &job, &n->store, after, diag);
        if (status != STATUS_OK || !found)
            break;
        after = job.id;
        *is_idle = false;
        status = step_job(n, &job, diag);
        node_job_release(&job);
    }
    return status;
}
