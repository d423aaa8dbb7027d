/* See chain_sender.h. */
#include "runtime/chain_sender.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/proof.h"
#include "runtime/transaction.h"

/* A development chain mines at once; others take a few blocks of some seconds. */
enum { DEVELOPMENT = 31337, QUICK_TRIES = 200, QUICK_WAIT_US = 20000, SLOW_TRIES = 300 };
/* What one transaction may use since Osaka (EIP-7825). */
enum { GAS_MAX = 1 << 24 };

/* ---- the account ---- */

static enum status unlocked_account(struct chain_sender *sender, struct rpc *rpc, struct diag *diag)
{
    cJSON *list;
    enum status status = rpc_call(&list, rpc, "eth_accounts", "[]", diag);
    if (status != STATUS_OK)
        return status;
    const cJSON *first = cJSON_GetArrayItem(list, 0);
    if (cJSON_IsString(first) && strlen(first->valuestring) == CHAIN_ADDRESS_TEXT - 1)
        memcpy(sender->address, first->valuestring, CHAIN_ADDRESS_TEXT);
    else
        status =
            diag_set(diag, STATUS_IO,
                     "the node at %s has no unlocked account: give --keystore FILE, or start a "
                     "development chain with: anvil",
                     rpc->url);
    cJSON_Delete(list);
    return status;
}

enum status chain_sender_open(struct chain_sender *sender, struct rpc *rpc, uint64_t chain_id,
                              const char *keystore, const char *password_file, struct diag *diag)
{
    char password[256];
    uint8_t address[TRANSACTION_ADDRESS_BYTES];
    *sender = (struct chain_sender){.chain_id = chain_id};
    if (keystore == NULL)
        return unlocked_account(sender, rpc, diag);
    enum status status = keystore_read_password(password, sizeof password, password_file, diag);
    if (status == STATUS_OK)
        status = keystore_open(sender->key, keystore, password, diag);
    explicit_bzero(password, sizeof password);
    if (status == STATUS_OK)
        status = transaction_address(address, sender->key, diag);
    char *text = status == STATUS_OK ? proof_print_hex(address, sizeof address) : NULL;
    if (status == STATUS_OK && text == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for an address");
    if (text != NULL)
        memcpy(sender->address, text, CHAIN_ADDRESS_TEXT);
    free(text);
    sender->has_key = status == STATUS_OK;
    if (status != STATUS_OK)
        chain_sender_close(sender);
    return status;
}

void chain_sender_close(struct chain_sender *sender)
{
    explicit_bzero(sender, sizeof *sender);
}

/* ---- what a signed transaction needs ---- */

/* Twice the base fee and the tip the node proposes. */
static enum status ask_fees(struct transaction *t, struct rpc *rpc, struct diag *diag)
{
    cJSON *block;
    uint64_t base = 0;
    enum status status =
        rpc_call_quantity(&t->priority_fee, rpc, "eth_maxPriorityFeePerGas", "[]", diag);
    if (status == STATUS_OK)
        status = rpc_call(&block, rpc, "eth_getBlockByNumber", "[\"latest\",false]", diag);
    if (status != STATUS_OK)
        return status;
    const cJSON *fee = cJSON_GetObjectItemCaseSensitive(block, "baseFeePerGas");
    bool good = cJSON_IsString(fee) && rpc_parse_quantity(&base, fee->valuestring) &&
                base < UINT64_MAX / 4 && t->priority_fee < UINT64_MAX / 4;
    cJSON_Delete(block);
    t->fee = 2 * base + t->priority_fee;
    return good
               ? STATUS_OK
               : diag_set(diag, STATUS_IO, "the node at %s tells no base fee (EIP-1559)", rpc->url);
}

static void put_call(struct buffer *out, const struct chain_sender *sender, const char *to,
                     const struct buffer *data, uint64_t limit)
{
    buffer_printf(out, "[{\"from\":\"%s\",\"to\":\"%s\",", sender->address, to);
    if (limit != 0)
        buffer_printf(out, "\"gas\":\"0x%" PRIx64 "\",", limit);
    buffer_puts(out, "\"data\":\"0x");
    buffer_put_hex(out, data->data, data->count);
    buffer_puts(out, "\"}]");
}

static enum status ask_gas(uint64_t *gas, struct rpc *rpc, const struct buffer *call,
                           struct diag *diag)
{
    enum status status = rpc_call_quantity(gas, rpc, "eth_estimateGas", buffer_text(call), diag);
    if (status == STATUS_OK && *gas > GAS_MAX)
        status = diag_set(diag, STATUS_REJECTED,
                          "the transaction would take %" PRIu64 " gas, more than one may", *gas);
    *gas = status == STATUS_OK ? *gas + *gas / 5 : 0;
    *gas = *gas > GAS_MAX ? GAS_MAX : *gas;
    return status;
}

/* Signs the call and sends its bytes. */
static enum status send_signed(char **hash, struct rpc *rpc, const struct chain_sender *sender,
                               const char *to, const struct buffer *data, const struct buffer *call,
                               uint64_t limit, struct diag *diag)
{
    struct transaction t = {.chain_id = sender->chain_id, .gas = limit, .data = data};
    struct buffer raw = {0}, params = {0};
    char account[80];
    snprintf(account, sizeof account, "[\"%s\",\"pending\"]", sender->address);
    bool is_address = proof_parse_hex(t.to, sizeof t.to, to);
    ASSERT(is_address);
    enum status status = rpc_call_quantity(&t.nonce, rpc, "eth_getTransactionCount", account, diag);
    if (status == STATUS_OK)
        status = ask_fees(&t, rpc, diag);
    if (status == STATUS_OK && limit == 0)
        status = ask_gas(&t.gas, rpc, call, diag);
    if (status == STATUS_OK)
        status = transaction_sign(&raw, &t, sender->key, diag);
    if (status == STATUS_OK) {
        buffer_puts(&params, "[\"0x");
        buffer_put_hex(&params, raw.data, raw.count);
        buffer_puts(&params, "\"]");
        status = rpc_call_text(hash, rpc, "eth_sendRawTransaction", buffer_text(&params), diag);
    }
    buffer_release(&params);
    buffer_release(&raw);
    return status;
}

/* ---- sending ---- */

static enum status wait_receipt(cJSON **receipt, struct rpc *rpc, const struct chain_sender *sender,
                                const char *hash, struct diag *diag)
{
    bool quick = sender->chain_id == DEVELOPMENT;
    char params[96];
    snprintf(params, sizeof params, "[\"%.66s\"]", hash);
    for (unsigned i = 0; i < (quick ? QUICK_TRIES : SLOW_TRIES); i++) {
        enum status status = rpc_call(receipt, rpc, "eth_getTransactionReceipt", params, diag);
        if (status != STATUS_OK)
            return status;
        if (cJSON_IsObject(*receipt))
            return STATUS_OK;
        cJSON_Delete(*receipt);
        *receipt = NULL;
        if (quick)
            usleep(QUICK_WAIT_US);
        else
            sleep(1);
    }
    return diag_set(diag, STATUS_IO, "the transaction %.66s was not mined in time", hash);
}

static enum status read_receipt(uint64_t *gas, const cJSON *receipt, const char *hash,
                                struct diag *diag)
{
    const cJSON *used = cJSON_GetObjectItemCaseSensitive(receipt, "gasUsed"),
                *done = cJSON_GetObjectItemCaseSensitive(receipt, "status");
    if (!cJSON_IsString(used) || !rpc_parse_quantity(gas, used->valuestring) ||
        !cJSON_IsString(done))
        return diag_set(diag, STATUS_IO, "the node's receipt of %.66s makes no sense", hash);
    if (strcmp(done->valuestring, "0x1") != 0)
        return diag_set(diag, STATUS_REJECTED, "the transaction %.66s was reverted", hash);
    return STATUS_OK;
}

enum status chain_send(uint64_t *gas, struct rpc *rpc, const struct chain_sender *sender,
                       const char *to, const struct buffer *data, uint64_t limit, struct diag *diag)
{
    struct buffer call = {0};
    char *hash = NULL;
    cJSON *receipt = NULL;
    put_call(&call, sender, to, data, limit);
    enum status status = buffer_status(&call, diag);
    if (status == STATUS_OK && sender->has_key)
        status = send_signed(&hash, rpc, sender, to, data, &call, limit, diag);
    else if (status == STATUS_OK)
        status = rpc_call_text(&hash, rpc, "eth_sendTransaction", buffer_text(&call), diag);
    if (status == STATUS_OK)
        status = wait_receipt(&receipt, rpc, sender, hash, diag);
    if (status == STATUS_OK)
        status = read_receipt(gas, receipt, hash, diag);
    cJSON_Delete(receipt);
    free(hash);
    buffer_release(&call);
    return status;
}
