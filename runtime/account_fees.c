/* What a transaction costs, by what the nodes say of it. See account.h. */
#include "runtime/account_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void account_put_hex(char *text, const uint8_t *bytes, size_t count)
{
    strcpy(text, "0x");
    for (size_t i = 0; i < count; i++)
        sprintf(text + 2 + 2 * i, "%02x", bytes[i]);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The median tip that was paid, at least 1 wei. */
static uint64_t median_tip(const cJSON *rewards)
{
    uint64_t tip[16] = {0};
    size_t count = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, rewards)
    {
        const cJSON *paid = cJSON_GetArrayItem(row, 0);
        if (count < 16 && cJSON_IsString(paid) &&
            rpc_parse_quantity(&tip[count], paid->valuestring))
            count++;
    }
    qsort(tip, count, sizeof *tip, compare_u64);
    return count > 0 && tip[count / 2] > 0 ? tip[count / 2] : 1;
}

/* The middle of several, the lower of two: with three nodes one that lies does not decide. */
static uint64_t median(uint64_t *value, size_t count)
{
    qsort(value, count, sizeof *value, compare_u64);
    return value[(count - 1) / 2];
}

/* What one node says of base fee and tip; false when it makes no sense. */
static bool read_fees(uint64_t *base, uint64_t *tip, const cJSON *history)
{
    const cJSON *fees = cJSON_GetObjectItemCaseSensitive(history, "baseFeePerGas");
    const cJSON *next = cJSON_GetArrayItem(fees, cJSON_GetArraySize(fees) - 1);
    *tip = median_tip(cJSON_GetObjectItemCaseSensitive(history, "reward"));
    return cJSON_IsString(next) && rpc_parse_quantity(base, next->valuestring) &&
           *base <= UINT64_MAX / 8 && *tip <= UINT64_MAX / 8;
}

/* Base fee and tip by one node. Blocks without a base fee are those of a chain before EIP-1559,
 * where a gas has one price: *has_base says which it is. Errors: STATUS_IO. */
static enum status ask_node(uint64_t *base, uint64_t *tip, bool *has_base, struct endpoints *nodes,
                            size_t i, struct diag *diag)
{
    struct rpc *node = &nodes->node[i];
    cJSON *block, *history = NULL;
    enum status status =
        endpoints_call(&block, nodes, i, "eth_getBlockByNumber", "[\"latest\",false]", diag);
    if (status != STATUS_OK)
        return status;
    *base = *tip = 0;
    *has_base = cJSON_GetObjectItemCaseSensitive(block, "baseFeePerGas") != NULL;
    bool is_block = endpoints_text(block, "hash")[0] != '\0';
    cJSON_Delete(block);
    if (!is_block)
        return diag_set(diag, STATUS_IO, "the node at %s gives no newest block", node->shown);
    if (!*has_base)
        return rpc_call_quantity(base, node, "eth_gasPrice", "[]", diag);
    status =
        endpoints_call(&history, nodes, i, "eth_feeHistory", "[\"0x5\",\"latest\",[50]]", diag);
    if (status == STATUS_OK && !read_fees(base, tip, history))
        status =
            diag_set(diag, STATUS_IO, "the node at %s tells no base fee (EIP-1559)", node->shown);
    cJSON_Delete(history);
    return status;
}

enum status account_ask_fees(struct transaction *t, struct account *account, struct diag *diag)
{
    uint64_t bases[ENDPOINTS_MOST], tips[ENDPOINTS_MOST];
    size_t count = 0, with_base = 0;
    struct diag tried = {0};
    enum status last = STATUS_IO;
    for (size_t i = 0; i < account->nodes->count; i++) {
        bool has_base;
        if (endpoints_rests(account->nodes, i))
            continue;
        enum status status =
            ask_node(&bases[count], &tips[count], &has_base, account->nodes, i, &tried);
        if (status != STATUS_OK) {
            last = status == STATUS_NO_MEMORY ? status : STATUS_IO;
            continue;
        }
        with_base += has_base;
        count++;
    }
    if (count == 0)
        return diag_set(diag, last, "%s", tried.text);
    t->is_legacy = with_base * 2 < count;
    uint64_t base = median(bases, count);
    if (base > UINT64_MAX / 8)
        return diag_set(diag, STATUS_IO, "the nodes say that a gas costs %" PRIu64 " wei", base);
    t->priority_fee = t->is_legacy ? 0 : median(tips, count);
    t->fee = t->is_legacy ? base : 2 * base + t->priority_fee;
    if (account->most_fee != 0 && base + t->priority_fee > account->most_fee)
        return diag_set(diag, STATUS_LIMIT,
                        "gas costs %" PRIu64 " wei, more than the limit of %" PRIu64
                        "; wait or raise the limit",
                        base + t->priority_fee, account->most_fee);
    if (account->most_fee != 0 && t->fee > account->most_fee)
        t->fee = account->most_fee;
    return STATUS_OK;
}

enum status account_check_funds(const struct transaction *t, struct account *account,
                                struct diag *diag)
{
    char params[80];
    uint64_t balance;
    cJSON *answer;
    snprintf(params, sizeof params, "[\"%s\",\"latest\"]", account->id.address);
    enum status status = endpoints_agree(&answer, account->nodes, "eth_getBalance", params, diag);
    if (status != STATUS_OK)
        return status;
    const char *text = cJSON_IsString(answer) ? answer->valuestring : "";
    bool is_number = strncmp(text, "0x", 2) == 0 && text[2] != '\0' &&
                     text[2 + strspn(text + 2, "0123456789abcdefABCDEF")] == '\0';
    bool is_small = is_number && rpc_parse_quantity(&balance, text);
    unsigned __int128 cost = (unsigned __int128)t->gas * t->fee;
    if (!is_number)
        status = diag_set(diag, STATUS_IO, "the nodes tell no balance of %s", account->id.address);
    else if (is_small && balance < cost)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "the account %s on chain %" PRIu64 " has %" PRIu64
                          " wei and may need %.0f for %" PRIu64 " gas; send it some",
                          account->id.address, account->id.chain_id, balance, (double)cost, t->gas);
    cJSON_Delete(answer);
    return status;
}

enum status account_estimate(uint64_t *gas, struct account *account, const uint8_t to[20],
                             const struct buffer *data, struct diag *diag)
{
    struct buffer call = {0};
    char text[JOURNAL_ADDRESS_TEXT];
    *gas = 0;
    account_put_hex(text, to, 20);
    buffer_printf(&call, "[{\"from\":\"%s\",\"to\":\"%s\",\"data\":\"0x", account->id.address,
                  text);
    buffer_put_hex(&call, data->data, data->count);
    buffer_puts(&call, "\"}]");
    enum status status = buffer_status(&call, diag);
    if (status == STATUS_OK)
        status = endpoints_median(gas, account->nodes, "eth_estimateGas", buffer_text(&call), diag);
    if (status == STATUS_OK && *gas > ACCOUNT_GAS_MOST)
        status = diag_set(diag, STATUS_REJECTED,
                          "the transaction would take %" PRIu64 " gas, more than one may", *gas);
    buffer_release(&call);
    return status;
}
