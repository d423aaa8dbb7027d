/* The node pools of a market: what is assigned to whom. See market.h. */
#include "runtime/market_internal.h"

#include <string.h>

enum status market_assignment(struct market_assignment *out, const struct market *market,
                              struct market_job_id id, struct diag *diag)
{
    uint8_t word[ABI_WORD];
    struct buffer answer = {0};
    *out = (struct market_assignment){0};
    if (!market->has_pools)
        return STATUS_OK;
    market_job_word(word, id);
    enum status status =
        contract_ask(&answer, market->nodes, market->pools, "assignmentOf(uint256)", word, 1, diag);
    if (status == STATUS_OK) {
        struct abi_reader r = {answer.data, answer.count, false};
        memcpy(out->node, abi_word(&r, 0, 0) + 12, ABI_ADDRESS);
        out->since = abi_u64(&r, 0, 1);
        out->until = abi_u64(&r, 0, 2);
        out->attempts = (unsigned)abi_u64(&r, 0, 3);
        out->units = abi_u64(&r, 0, 4);
        out->penalty = amount_read(&r, 0, 5);
        if (r.failed)
            status = market_bad_answer("an assignment", diag);
    }
    buffer_release(&answer);
    return status;
}

enum status market_assigned_up_to(uint64_t *place, const struct market *market, uint64_t model,
                                  struct diag *diag)
{
    uint8_t word[ABI_WORD];
    amount value = 0;
    market_number_word(word, model);
    enum status status =
        market_ask_amount(&value, market, market->pools, "assignedUpTo(uint256)", word, 1, diag);
    *place = (uint64_t)value;
    return status;
}

enum status market_units(struct market_units *out, const struct market *market, uint64_t model,
                         const uint8_t *node, struct diag *diag)
{
    uint8_t words[2][ABI_WORD];
    struct buffer answer = {0};
    market_number_word(words[0], model);
    if (node != NULL)
        market_address_word(words[1], node);
    enum status status = contract_ask(&answer, market->nodes, market->pools,
                                      node != NULL ? "unitsOf(uint256,address)" : "poolOf(uint256)",
                                      words[0], node != NULL ? 2 : 1, diag);
    if (status == STATUS_OK) {
        struct abi_reader r = {answer.data, answer.count, false};
        out->committed = abi_u64(&r, 0, 0);
        out->assigned = abi_u64(&r, 0, 1);
        out->next = abi_u64(&r, 0, 2);
        if (r.failed)
            status = market_bad_answer("the units of a pool", diag);
    }
    buffer_release(&answer);
    return status;
}
