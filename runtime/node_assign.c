/*
 * What the node sends about its jobs, and the pools' side of them: assignments taken, given back,
 * released, and those of others that were missed.
 */
#include "runtime/node_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/signer.h"

static bool is_nobody(const uint8_t address[ABI_ADDRESS])
{
    static const uint8_t zero[ABI_ADDRESS];
    return memcmp(zero, address, ABI_ADDRESS) == 0;
}

/* ---- sending -------------------------------------------------------------------------------- */

enum status node_after_sending(struct node *n, enum status sent,
                               const struct account_result *result, const struct diag *said,
                               struct diag *diag)
{
    if (sent == STATUS_OK || sent == STATUS_REJECTED || result->is_pending)
        return STATUS_OK;
    if (sent != STATUS_BAD_INPUT && sent != STATUS_LIMIT)
        return diag_set(diag, sent, "%s", said->text);
    node_trouble(n, sent, said->text);
    return STATUS_OK;
}

enum status node_send(struct node_sending *out, struct node *n, const char *name,
                      const uint8_t to[ABI_ADDRESS], const struct buffer *data, struct diag *diag)
{
    struct account_result result = {0};
    struct diag reason = {0};
    *out = (struct node_sending){0};
    enum status status = signer_send(&result, &n->account, name, to, data, 0, &reason);
    out->is_mined = status == STATUS_OK;
    out->is_new = (status == STATUS_OK || result.is_pending) && !result.was_known;
    if (status == STATUS_REJECTED) {
        out->refused = reason;
        return STATUS_OK;
    }
    return node_after_sending(n, status, &result, &reason, diag);
}

static enum status send_word(struct node_sending *out, struct node *n, const char *name,
                             const uint8_t to[ABI_ADDRESS], const char *signature,
                             const uint8_t word[ABI_WORD], struct diag *diag)
{
    struct buffer data = {0};
    enum status status = market_word_data(&data, signature, word, diag);
    if (status == STATUS_OK)
        status = node_send(out, n, name, to, &data, diag);
    buffer_release(&data);
    return status;
}

void node_name_step(char name[NODE_NAME_BYTES], const char *verb, const struct market_job *job,
                    uint64_t stamp)
{
    char text[MARKET_JOB_TEXT];
    market_job_text(text, job->id);
    size_t at = (size_t)snprintf(name, NODE_NAME_BYTES, "%s %s ", verb, text);
    for (int i = 0; i < 8; i++)
        at += (size_t)snprintf(name + at, NODE_NAME_BYTES - at, "%02x", job->precommitment[i]);
    snprintf(name + at, NODE_NAME_BYTES - at, " %" PRIu64 " %" PRIu64, job->deadline, stamp);
}

/* A call of the pools about a job. */
static enum status send_pools(struct node_sending *out, struct node *n, const char *verb,
                              const struct market_job *job, uint64_t stamp, struct diag *diag)
{
    char name[NODE_NAME_BYTES], signature[40];
    uint8_t word[ABI_WORD];
    market_job_word(word, job->id);
    node_name_step(name, verb, job, stamp);
    snprintf(signature, sizeof signature, "%s(uint256)", verb);
    return send_word(out, n, name, n->market.pools, signature, word, diag);
}

/* ---- assignments ---------------------------------------------------------------------------- */

enum status node_end_assignment(struct node *n, struct node_job *job,
                                const struct market_job *on_chain, struct diag *diag)
{
    struct market_assignment a;
    struct node_sending sending = {0};
    bool wanted = false;
    enum status status = market_assignment(&a, &n->market, job->id, diag);
    if (status == STATUS_OK && node_is_ours(n, a.node) && on_chain->state == MARKET_JOB_PAID &&
        on_chain->settled_at <= a.until) {
        wanted = true;
        status = send_pools(&sending, n, "release", on_chain, a.since, diag);
    } else if (status == STATUS_OK && node_is_ours(n, a.node) &&
               on_chain->state == MARKET_JOB_OPEN && n->now <= a.since + (a.until - a.since) / 2) {
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

enum status node_is_for_us(bool *ours, uint64_t *time, struct node *n, struct node_job *job,
                           const struct market_job *on_chain, struct diag *diag)
{
    uint8_t reserved[ABI_ADDRESS];
    uint64_t until = 0, up_to = 0;
    struct market_assignment a = {{0}, 0, 0, 0, 0, 0};
    struct market_units pool = {0, 0, 0};
    struct node_sending sending = {0};
    *ours = false;
    *time = UINT64_MAX;
    enum status status = market_reservation(reserved, &until, &n->market, job->id, diag);
    if (status != STATUS_OK || (until >= n->now && !node_is_ours(n, reserved)))
        return status;
    if (until >= n->now)
        *time = until;
    if (!n->market.has_pools) {
        *ours = true;
        return STATUS_OK;
    }
    status = market_assignment(&a, &n->market, job->id, diag);
    if (status != STATUS_OK)
        return status;
    if (node_is_ours(n, a.node)) {
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
        char name[NODE_NAME_BYTES];
        uint8_t word[ABI_WORD] = {0};
        struct node_sending sending = {0};
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
        node_name_step(name, "assign", &job, 0);
        status = send_word(&sending, n, name, n->market.pools, "assign(uint256)", word, diag);
        if (status == STATUS_OK && sending.is_new)
            node_say(n, job.id, "was given to a node");
    }
    return status;
}
