/* See chain_side.h. */
#include "runtime/tools/chain_side.h"

#include <string.h>

#include "runtime/chain.h"

void chain_side_close(struct chain_side *side)
{
    signer_close(&side->journal, &side->account);
    endpoints_close(&side->nodes);
}

enum status chain_side_open(struct chain_side *side, const struct chain_side_options *o,
                            struct diag *diag)
{
    memset(side, 0, sizeof *side);
    if (o->rpc == NULL)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "give a node, or several with commas, with --rpc URL");
    enum status status = endpoints_open(&side->nodes, o->rpc, diag);
    if (status == STATUS_OK)
        status = endpoints_check_chain(&side->nodes, o->chain_id, diag);
    return status;
}

enum status chain_side_open_account(struct chain_side *side, const struct chain_side_options *o,
                                    struct diag *diag)
{
    enum status status =
        signer_open(&side->journal, &side->account, &side->nodes, &o->signer, diag);
    /* A development chain has nobody who could take a block back. */
    if (status == STATUS_OK)
        side->account.confirmations = side->nodes.chain_id == CHAIN_DEVELOPMENT ? 0 : 3;
    return status;
}

void chain_side_add_result(cJSON *object, const struct account_result *result)
{
    cJSON_AddStringToObject(object, "transaction", result->hash);
    cJSON_AddNumberToObject(object, "gas", (double)result->gas);
    cJSON_AddNumberToObject(object, "block", (double)result->block_number);
    cJSON_AddBoolToObject(object, "was_known", result->was_known);
}
