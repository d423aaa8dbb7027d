/*
 * Proofs of one model handed in together: they share a pairing on the chain, so that each takes a
 * fraction of the gas it takes alone.
 *
 * The rule: proofs that are ready wait for others until batch.jobs of them are there, or the first
 * has waited batch.seconds, or one comes within batch.margin_seconds of its deadline or of the end
 * of this node's time for it, or as many wait as may, or, with --drain, nothing of the model is
 * under way. Then those whose time is over first go together; a single one goes alone, and so do
 * all when the chain says that they take no less gas together.
 *
 * Who belongs to a batch is on disk before it is sent, its name in the journal follows from that,
 * and what became of each answer is read from the events of its receipt. An answer that is refused
 * leaves the batch and goes alone, which says why.
 */
#include "runtime/node_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"

enum {
    /* Nodes of the network pass on transactions of 128 KiB at most. */
    BYTES_MOST = 120000,
    /* Below what one transaction may take, by the most that its answers could. */
    GAS_MOST = 12000000,
};

/* Gas of a callback: a 64th of what it is given does not reach it. */
static uint64_t callback_gas(uint32_t gas)
{
    return (uint64_t)gas * 64 / 63 + 1;
}

/* ---- the rule ------------------------------------------------------------------------------- */

void node_batch_collect(struct node *n, const struct node_job *job,
                        const struct market_job *on_chain, uint64_t until)
{
    struct node_ready *r = &n->ready[n->ready_count];
    char name[NODE_NAME_BYTES];
    if (n->ready_count == NODE_READY_MOST)
        return; /* the next look finds it */
    n->ready_count++;
    node_name_step(name, "settle", on_chain, 0);
    *r = (struct node_ready){.id = job->id, .since = job->ready, .gas = on_chain->callback_gas};
    r->latest = on_chain->deadline < until ? on_chain->deadline : until;
    keccak256(r->digest, name, strlen(name));
}

static int compare_latest(const void *a, const void *b)
{
    const struct node_ready *x = a, *y = b;
    if (x->latest != y->latest)
        return x->latest < y->latest ? -1 : 1;
    return x->id.place < y->id.place ? -1 : x->id.place > y->id.place;
}

static bool is_due(const struct node *n, const struct node_served *served,
                   const struct node_ready *ready, size_t count)
{
    /* A full list has no room for those that are behind, and might be late. */
    bool due = count >= n->config->batch.jobs || (n->options->drain && served->under_way == 0) ||
               n->ready_count == NODE_READY_MOST;
    for (size_t i = 0; i < count; i++) {
        const struct node_ready *r = &ready[i];
        /* A clock that was set back has made it wait long enough. */
        due = due || n->clock < r->since || n->clock - r->since >= n->config->batch.seconds ||
              n->now + n->config->batch.margin_seconds >= r->latest;
    }
    return due;
}

/* As many of the first as one transaction takes. */
static size_t choose_count(const struct node *n, const struct node_served *served,
                           const struct node_ready *ready, size_t count)
{
    size_t each =
        7 * ABI_WORD + ABI_WORD * served->model.circuit.public_word_count + PLONK_PROOF_BYTES_MAX;
    size_t bytes = abi_bytes_size(served->model.vk_bytes) + 5 * ABI_WORD, chosen = 0;
    uint64_t gas = 0;
    while (chosen < count && chosen < n->config->batch.jobs && chosen < NODE_BATCH_MOST) {
        bytes += each;
        gas += served->gas + callback_gas(ready[chosen].gas);
        if (chosen > 0 && (bytes > BYTES_MOST || gas > GAS_MOST))
            break;
        chosen++;
    }
    return chosen;
}

/* Makes a batch of proofs of a model that have waited enough. */
static enum status form_batch(struct node *n, const struct node_served *served, struct diag *diag)
{
    struct node_ready ready[NODE_READY_MOST];
    struct market_job_id ids[NODE_BATCH_MOST];
    struct keccak256 hash;
    uint8_t digest[KECCAK256_BYTES];
    char name[NODE_NAME_BYTES];
    size_t count = 0;
    for (size_t i = 0; i < n->ready_count; i++) {
        if (n->ready[i].id.model == served->number)
            ready[count++] = n->ready[i];
    }
    if (count == 0)
        return STATUS_OK;
    qsort(ready, count, sizeof *ready, compare_latest);
    if (!is_due(n, served, ready, count))
        return STATUS_OK;
    count = choose_count(n, served, ready, count);
    if (count == 1)
        return node_store_set_alone(&n->store, ready[0].id, diag);
    keccak256_init(&hash);
    for (size_t i = 0; i < count; i++) {
        ids[i] = ready[i].id;
        keccak256_update(&hash, ready[i].digest, sizeof ready[i].digest);
    }
    keccak256_final(&hash, digest);
    int at = snprintf(name, sizeof name, "settle %zu of model %" PRIu64 " ", count, served->number);
    for (int i = 0; i < 16; i++)
        at += snprintf(name + at, sizeof name - (size_t)at, "%02x", digest[i]);
    return node_store_add_batch(&n->store, name, ids, count, diag);
}

/* ---- sending -------------------------------------------------------------------------------- */

/* The proofs of a batch that still wait, as they are sent. */
struct answers {
    struct market_answer *answer; /* owned, with their proofs */
    size_t count;
    uint64_t callbacks; /* gas that callbacks may take */
};

static void answers_release(struct answers *a)
{
    for (size_t i = 0; i < a->count; i++)
        proof_release(&a->answer[i].proof);
    free(a->answer);
    *a = (struct answers){0};
}

/* Adds the proof of a job; one that does not hold is made again, without the batch. */
static enum status add_answer(struct answers *a, struct node *n, const struct node_served *served,
                              struct market_job_id id, struct diag *diag)
{
    struct market_job on_chain;
    struct job_claim claim;
    struct buffer text = {0};
    struct diag reason = {0};
    struct market_answer *answer = &a->answer[a->count];
    enum status status = market_job(&on_chain, &n->market, id, diag);
    if (status == STATUS_OK && on_chain.state != MARKET_JOB_OPEN)
        return STATUS_OK; /* the next look sees why */
    if (status == STATUS_OK)
        status = node_store_proof(&text, &n->store, id, diag);
    node_make_claim(&claim, n, &on_chain);
    *answer = (struct market_answer){.id = id};
    if (status == STATUS_OK &&
        node_check_proof(&answer->proof, served, &claim, &text, &reason) == STATUS_OK) {
        a->count++;
        a->callbacks += on_chain.callback_gas == 0 ? 0 : callback_gas(on_chain.callback_gas);
    } else {
        proof_release(&answer->proof);
        if (status == STATUS_OK) {
            node_say(n, id, "is proved again: %s", reason.text);
            status = node_store_move(&n->store, id, NODE_TAKEN, reason.text, diag);
        }
    }
    buffer_release(&text);
    return status;
}

static enum status load_answers(struct answers *a, struct node *n, const struct node_served *served,
                                const struct node_batch *batch, struct diag *diag)
{
    struct node_batch_job jobs[NODE_BATCH_MOST];
    size_t count;
    enum status status = node_store_batch_jobs(jobs, &count, &n->store, batch->id, diag);
    *a = (struct answers){.answer = calloc(NODE_BATCH_MOST, sizeof *a->answer)};
    if (a->answer == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for proofs");
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (jobs[i].is_waiting)
            status = add_answer(a, n, served, jobs[i].id, diag);
    }
    return status;
}

/* Lets the jobs of a batch go alone. */
static enum status dissolve(struct node *n, const struct node_batch *batch, const char *reason,
                            struct diag *diag)
{
    node_tell(n, "the batch '%s' is given up, its jobs go alone: %s", batch->name, reason);
    return node_store_dissolve_batch(&n->store, batch->id, diag);
}

/*
 * What an answer takes alone and what all take together. *pays is false, with the reason, when
 * together is not less, or one of the two reverts.
 */
static enum status price(bool *pays, uint64_t *alone, uint64_t *together, char *reason,
                         size_t reason_bytes, struct node *n, const struct node_served *served,
                         const struct answers *a, const struct buffer *data, struct diag *diag)
{
    struct buffer single = {0};
    struct diag refused = {0};
    enum status status = market_settle_data(&single, a->answer[0].id, n->prover, &served->model,
                                            &a->answer[0].proof, diag);
    if (status != STATUS_OK) {
        buffer_release(&single);
        return status;
    }
    status = account_estimate(alone, &n->account, n->market.address, &single, &refused);
    if (status == STATUS_OK)
        status = account_estimate(together, &n->account, n->market.address, data, &refused);
    buffer_release(&single);
    *pays = status == STATUS_OK && *together < *alone * a->count;
    if (status == STATUS_OK)
        snprintf(reason, reason_bytes, "%" PRIu64 " gas, and %" PRIu64 " one by one", *together,
                 *alone * a->count);
    else
        snprintf(reason, reason_bytes, "%.*s", (int)reason_bytes - 1, refused.text);
    return status == STATUS_OK || status == STATUS_REJECTED
               ? STATUS_OK
               : diag_set(diag, status, "%s", refused.text);
}

/* Sends a batch that is not in the journal yet. */
static enum status send_batch(struct node *n, const struct node_batch *batch, struct diag *diag)
{
    const struct node_served *served = node_find_served(n, batch->model);
    struct answers a = {0};
    struct buffer data = {0};
    struct account_result result = {0};
    struct diag said = {0};
    char reason[NODE_REASON_BYTES] = "there are no two left";
    uint64_t alone = 0, together = 0;
    bool pays = false;
    if (n->is_paused)
        return STATUS_OK;
    if (served == NULL)
        return dissolve(n, batch, "its model is not served any more", diag);
    enum status status = load_answers(&a, n, served, batch, diag);
    if (status == STATUS_OK && a.count > 1)
        status =
            market_settle_batch_data(&data, a.answer, a.count, n->prover, &served->model, diag);
    if (status == STATUS_OK && a.count > 1)
        status = price(&pays, &alone, &together, reason, sizeof reason, n, served, &a, &data, diag);
    if (status == STATUS_OK && !pays)
        status = dissolve(n, batch, reason, diag);
    if (status == STATUS_OK && pays)
        status = node_store_price_batch(&n->store, batch->id, alone, diag);
    if (status == STATUS_OK && pays) {
        /* What callbacks take is up to strangers: all of it is there for each, or one could leave
         * too little for those behind it. */
        uint64_t gas = together + together / 5 + a.callbacks;
        node_tell(n, "%zu proofs of model %" PRIu64 " go together: about %s", a.count, batch->model,
                  reason);
        enum status sent = account_send(&result, &n->account, batch->name, n->market.address, &data,
                                        gas > ACCOUNT_GAS_MOST ? ACCOUNT_GAS_MOST : gas, &said);
        status = node_after_sending(n, sent, &result, &said, diag);
    }
    answers_release(&a);
    buffer_release(&data);
    return status;
}

/* ---- what became of it ---------------------------------------------------------------------- */

static enum status read_receipt(struct node *n, const struct node_batch *batch,
                                const struct account_result *mined, const cJSON *receipt,
                                struct diag *diag)
{
    struct node_batch_job jobs[NODE_BATCH_MOST];
    size_t count, paid = 0;
    enum status status = node_store_batch_jobs(jobs, &count, &n->store, batch->id, diag);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        struct market_verdict verdict;
        market_read_verdict(&verdict, &n->market, receipt, jobs[i].id);
        paid += verdict.is_paid;
        if (verdict.is_paid || !jobs[i].is_waiting)
            continue; /* what was paid to whom the next look reads from the chain */
        node_say(n, jobs[i].id, "was refused in a batch and goes alone: %s",
                 verdict.is_refused ? verdict.reason : "it had no answer to it");
        status = node_store_set_alone(&n->store, jobs[i].id, diag);
    }
    if (status == STATUS_OK)
        status = node_store_end_batch(&n->store, batch->id, paid, mined->gas, diag);
    if (status == STATUS_OK)
        node_tell(n,
                  "%zu jobs of model %" PRIu64 " were paid together: %" PRIu64 " gas, %.0f less"
                  " than one by one",
                  paid, batch->model, mined->gas,
                  (double)batch->alone_gas * (double)paid - (double)mined->gas);
    return status;
}

/* Goes on with a batch: sends it, waits for it, or reads what became of it. */
static enum status advance(struct node *n, const struct node_batch *batch, struct diag *diag)
{
    struct journal_entry entry;
    struct account_result result = {0};
    struct diag said = {0};
    struct buffer nothing = {0}; /* what was written down stays what it is */
    cJSON *receipt = NULL;
    bool is_known;
    enum status status =
        journal_find(&is_known, &entry, &n->journal, &n->account.id, batch->name, diag);
    if (status != STATUS_OK || !is_known)
        return status == STATUS_OK ? send_batch(n, batch, diag) : status;
    enum status sent =
        account_send(&result, &n->account, batch->name, n->market.address, &nothing, 0, &said);
    if (sent == STATUS_REJECTED)
        return dissolve(n, batch, said.text, diag);
    if (sent != STATUS_OK)
        return node_after_sending(n, sent, &result, &said, diag);
    status = endpoints_receipt(&receipt, &n->nodes, result.hash, diag);
    if (status == STATUS_OK && receipt != NULL)
        status = read_receipt(n, batch, &result, receipt, diag);
    cJSON_Delete(receipt);
    return status;
}

enum status node_step_batches(struct node *n, struct diag *diag)
{
    struct node_batch batch = {.id = 0};
    bool found = true;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n->served_count && status == STATUS_OK; i++)
        status = form_batch(n, &n->served[i], diag);
    while (status == STATUS_OK && found && *n->options->stop == 0) {
        status = node_store_next_batch(&found, &batch, &n->store, batch.id, diag);
        if (status == STATUS_OK && found)
            status = advance(n, &batch, diag);
    }
    return status;
}
