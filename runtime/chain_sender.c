/* See chain_sender.h. */
#include "runtime/chain_sender.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A development chain mines at once. */
enum { TRIES = 200, WAIT_US = 20000 };

/* ---- the account ---- */

static enum status unlocked_account(struct chain_sender *sender, struct diag *diag)
{
    cJSON *list;
    struct rpc *node = &sender->nodes->node[0];
    enum status status = rpc_call(&list, node, "eth_accounts", "[]", diag);
    if (status != STATUS_OK)
        return status;
    const cJSON *first = cJSON_GetArrayItem(list, 0);
    uint8_t address[ABI_ADDRESS];
    if (cJSON_IsString(first) && abi_parse_address(address, first->valuestring))
        memcpy(sender->unlocked, first->valuestring, CHAIN_ADDRESS_TEXT);
    else
        status =
            diag_set(diag, STATUS_IO,
                     "the node at %s has no unlocked account: give --keystore FILE, or start a "
                     "development chain with: anvil",
                     node->shown);
    cJSON_Delete(list);
    return status;
}

enum status chain_sender_open(struct chain_sender *sender, struct endpoints *nodes,
                              const struct signer_options *options, struct diag *diag)
{
    memset(sender, 0, sizeof *sender);
    sender->nodes = nodes;
    if (options->keystore == NULL)
        return unlocked_account(sender, diag);
    enum status status = signer_open(&sender->journal, &sender->account, nodes, options, diag);
    sender->has_key = status == STATUS_OK;
    return status;
}

void chain_sender_close(struct chain_sender *sender)
{
    if (sender->has_key)
        signer_close(&sender->journal, &sender->account);
    memset(sender, 0, sizeof *sender);
}

/* ---- an unlocked account ---- */

static enum status wait_receipt(cJSON **receipt, struct endpoints *nodes, const char *hash,
                                struct diag *diag)
{
    for (unsigned i = 0; i < TRIES; i++) {
        enum status status = endpoints_receipt(receipt, nodes, hash, diag);
        if (status != STATUS_OK || *receipt != NULL)
            return status;
        usleep(WAIT_US);
    }
    return diag_set(diag, STATUS_IO, "the transaction %.66s was not mined in time", hash);
}

static enum status read_receipt(uint64_t *gas, const cJSON *receipt, const char *hash,
                                struct diag *diag)
{
    const char *done = endpoints_text(receipt, "status");
    bool failed = strcmp(done, "0x0") == 0;
    if (!rpc_parse_quantity(gas, endpoints_text(receipt, "gasUsed")) ||
        (!failed && strcmp(done, "0x1") != 0))
        return diag_set(diag, STATUS_IO, "the node's receipt of %.66s makes no sense", hash);
    return failed
               ? diag_set(diag, STATUS_REJECTED, "the transaction %.66s was mined and failed", hash)
               : STATUS_OK;
}

/* The node signs. */
static enum status send_unlocked(uint64_t *gas, struct chain_sender *sender, const uint8_t to[20],
                                 const struct buffer *data, uint64_t limit, struct diag *diag)
{
    struct buffer call = {0};
    char *hash = NULL;
    cJSON *receipt = NULL;
    buffer_printf(&call, "[{\"from\":\"%s\",\"to\":\"0x", sender->unlocked);
    buffer_put_hex(&call, to, 20);
    if (limit != 0)
        buffer_printf(&call, "\",\"gas\":\"0x%" PRIx64, limit);
    buffer_puts(&call, "\",\"data\":\"0x");
    buffer_put_hex(&call, data->data, data->count);
    buffer_puts(&call, "\"}]");
    enum status status = buffer_status(&call, diag);
    if (status == STATUS_OK)
        status = rpc_call_text(&hash, &sender->nodes->node[0], "eth_sendTransaction",
                               buffer_text(&call), diag);
    if (status == STATUS_OK)
        status = wait_receipt(&receipt, sender->nodes, hash, diag);
    if (status == STATUS_OK)
        status = read_receipt(gas, receipt, hash, diag);
    cJSON_Delete(receipt);
    free(hash);
    buffer_release(&call);
    return status;
}

enum status chain_send(uint64_t *gas, struct chain_sender *sender, const char *name,
                       const uint8_t to[20], const struct buffer *data, uint64_t limit,
                       struct diag *diag)
{
    struct account_result result;
    if (!sender->has_key)
        return send_unlocked(gas, sender, to, data, limit, diag);
    enum status status = signer_send(&result, &sender->account, name, to, data, limit, diag);
    *gas = status == STATUS_OK ? result.gas : 0;
    return status;
}
