/*
 * Handing proofs in and being paid.
 */
#include "runtime/node_internal.h"

#include <stdio.h>
#include <string.h>

enum status node_submit(struct node *n, struct node_job *job, const struct market_job *on_chain,
                        struct diag *diag)
{
    struct node_served *served = node_find_served(n, job->id.model);
    struct buffer text = {0}, data = {0};
    struct proof proof = {0};
    struct job_claim claim;
    struct diag reason = {0};
    struct node_sending sending = {0};
    char name[NODE_NAME_BYTES];
    uint64_t until;
    bool ours = false, is_alone = job->is_alone || n->config->batch.jobs == 1;
    if (n->is_paused) {
        node_trouble(n, STATUS_LIMIT, "the market is paused; proofs wait until it goes on");
        return STATUS_OK;
    }
    if (served == NULL || job->batch != 0)
        return STATUS_OK;
    enum status status = node_is_for_us(&ours, &until, n, job, on_chain, diag);
    if (status != STATUS_OK || !ours)
        return status;
    if (!is_alone) {
        node_batch_collect(n, job, on_chain, until);
        return STATUS_OK;
    }
    /* What is under way alone never goes with others. */
    if (!job->is_alone)
        status = node_store_set_alone(&n->store, job->id, diag);
    if (status == STATUS_OK)
        status = node_store_proof(&text, &n->store, job->id, diag);
    node_make_claim(&claim, n, on_chain);
    if (status == STATUS_OK &&
        node_check_proof(&proof, served, &claim, &text, &reason) != STATUS_OK) {
        status =
            node_move(n, job, NODE_TAKEN, reason.text, diag); /* of another prover, or damaged */
    } else if (status == STATUS_OK) {
        node_name_step(name, "settle", on_chain, 0);
        status = market_settle_data(&data, job->id, n->prover, &served->model, &proof, diag);
        if (status == STATUS_OK)
            status = node_send(&sending, n, name, n->market.address, &data, diag);
        if (status == STATUS_OK && sending.refused.status != STATUS_OK)
            status = node_fail(n, job, sending.refused.text, diag);
        /* Whether it was paid the chain says, at the next look. */
    }
    proof_release(&proof);
    buffer_release(&text);
    buffer_release(&data);
    return status;
}

enum status node_end_job(struct node *n, struct node_job *job, const struct market_job *on_chain,
                         struct diag *diag)
{
    uint8_t prover[ABI_ADDRESS] = {0};
    amount paid = 0;
    bool found = false;
    char text[AMOUNT_TEXT];
    enum status status = STATUS_OK;
    if (on_chain->state == MARKET_JOB_PAID)
        status = market_find_paid(&found, prover, &paid, &n->market, job->id, job->block, diag);
    /* Nodes may have a block before its events; not for ever. */
    if (status == STATUS_OK && on_chain->state == MARKET_JOB_PAID && !found &&
        n->now <= on_chain->deadline) {
        node_trouble(n, STATUS_IO, "the nodes do not show yet who was paid for a job");
        return STATUS_OK;
    }
    if (status == STATUS_OK && found && node_is_ours(n, prover)) {
        status = node_store_pay(&n->store, job->id, paid, diag);
        amount_format(text, paid);
        node_say(n, job->id, "paid: %s", text);
    } else if (status == STATUS_OK) {
        status = node_move(n, job, NODE_OVER,
                           on_chain->state == MARKET_JOB_PAID ? "answered by another" : "refunded",
                           diag);
    }
    return status == STATUS_OK ? node_drop_input(n, job->id, diag) : status;
}
