/* See endpoints.h. */
#include "runtime/endpoints.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URL_BYTES = 500 };

const char *endpoints_text(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(member) ? member->valuestring : "";
}

/* ---- opening -------------------------------------------------------------------------------- */

static enum status open_nodes(struct endpoints *nodes, const char *urls, struct diag *diag)
{
    for (const char *at = urls;; at++) {
        size_t length = strcspn(at, ",");
        if (nodes->count == ENDPOINTS_MOST)
            return diag_set(diag, STATUS_LIMIT, "at most %d nodes are asked", ENDPOINTS_MOST);
        if (length == 0 || length > URL_BYTES)
            return diag_set(
                diag, STATUS_BAD_INPUT,
                "the addresses of nodes take commas between them, and at most %d bytes each",
                URL_BYTES);
        char *url = strndup(at, length);
        if (url == NULL)
            return diag_set(diag, STATUS_NO_MEMORY, "no memory");
        enum status status = rpc_open(&nodes->node[nodes->count], url, diag);
        if (status != STATUS_OK) {
            free(url);
            return status;
        }
        nodes->count++; /* owns the url from here on */
        at += length;
        if (*at == '\0')
            return STATUS_OK;
    }
}

static enum status check_chain(struct endpoints *nodes, struct diag *diag)
{
    size_t answered = 0;
    enum status last = STATUS_OK;
    for (size_t i = 0; i < nodes->count; i++) {
        uint64_t id;
        enum status status = rpc_call_quantity(&id, &nodes->node[i], "eth_chainId", "[]", diag);
        if (status != STATUS_OK) {
            last = status;
            continue;
        }
        if (answered > 0 && id != nodes->chain_id)
            return diag_set(diag, STATUS_BAD_INPUT,
                            "the node at %s is of chain %llu, another one of chain %llu",
                            nodes->node[i].shown, (unsigned long long)id,
                            (unsigned long long)nodes->chain_id);
        nodes->chain_id = id;
        answered++;
    }
    return answered >= nodes->quorum ? STATUS_OK : last;
}

enum status endpoints_open(struct endpoints *nodes, const char *urls, struct diag *diag)
{
    struct diag tried = {0};
    memset(nodes, 0, sizeof *nodes);
    enum status status = open_nodes(nodes, urls, &tried);
    nodes->quorum = nodes->count / 2 + 1;
    if (status == STATUS_OK)
        status = check_chain(nodes, &tried);
    if (status != STATUS_OK) {
        endpoints_close(nodes);
        return diag_set(diag, status, "%s", tried.text);
    }
    return STATUS_OK;
}

void endpoints_close(struct endpoints *nodes)
{
    for (size_t i = 0; i < nodes->count; i++) {
        free((char *)nodes->node[i].url);
        rpc_close(&nodes->node[i]);
    }
    nodes->count = 0;
}

enum status endpoints_check_chain(const struct endpoints *nodes, uint64_t wanted, struct diag *diag)
{
    if (wanted == 0 || nodes->chain_id == wanted)
        return STATUS_OK;
    return diag_set(diag, STATUS_BAD_INPUT,
                    "%s is a node of chain %llu, not of chain %llu that --chain-id asks for",
                    nodes->node[0].shown, (unsigned long long)nodes->chain_id,
                    (unsigned long long)wanted);
}

/* ---- asking --------------------------------------------------------------------------------- */

struct votes {
    cJSON *answer[ENDPOINTS_MOST]; /* null: none */
    enum status status[ENDPOINTS_MOST];
    struct diag diag[ENDPOINTS_MOST];
};

static void ask_all(struct votes *votes, struct endpoints *nodes, const char *method,
                    const char *params)
{
    memset(votes, 0, sizeof *votes);
    for (size_t i = 0; i < nodes->count; i++)
        votes->status[i] =
            rpc_call(&votes->answer[i], &nodes->node[i], method, params, &votes->diag[i]);
}

static void forget(struct votes *votes)
{
    for (size_t i = 0; i < ENDPOINTS_MOST; i++)
        cJSON_Delete(votes->answer[i]);
}

static size_t count_like(const struct votes *votes, const struct endpoints *nodes, size_t i)
{
    size_t same = 0;
    for (size_t j = 0; j < nodes->count; j++) {
        bool both = votes->status[i] == STATUS_OK && votes->status[j] == STATUS_OK &&
                    cJSON_Compare(votes->answer[i], votes->answer[j], true);
        bool both_revert =
            votes->status[i] == STATUS_REJECTED && votes->status[j] == STATUS_REJECTED;
        same += both || both_revert;
    }
    return same;
}

/* Why there is no agreement. */
static enum status disagreement(const struct votes *votes, const struct endpoints *nodes,
                                const char *method, struct diag *diag)
{
    size_t answered = 0;
    for (size_t i = 0; i < nodes->count; i++)
        answered += votes->status[i] == STATUS_OK;
    for (size_t i = 0; i < nodes->count && answered < nodes->quorum; i++) {
        if (votes->status[i] != STATUS_OK)
            return diag_set(diag, votes->status[i], "%s", votes->diag[i].text);
    }
    return diag_set(diag, STATUS_IO,
                    "the nodes do not agree on %s: fewer than %zu of %zu say the same; ask others",
                    method, nodes->quorum, nodes->count);
}

/* What every node says of a block, and of an event. Beyond that each program has members of its
 * own. */
static const char *const block_members[] = {"number", "hash", "parentHash", "timestamp", NULL};
static const char *const event_members[] = {"address",     "topics",    "data",
                                            "blockNumber", "blockHash", "transactionHash",
                                            "logIndex",    "removed",   NULL};

static void keep_members(cJSON *object, const char *const *names)
{
    for (cJSON *item = object == NULL ? NULL : object->child, *next; item != NULL; item = next) {
        bool is_kept = false;
        next = item->next;
        for (size_t i = 0; names[i] != NULL && !is_kept; i++)
            is_kept = item->string != NULL && strcmp(item->string, names[i]) == 0;
        if (!is_kept)
            cJSON_Delete(cJSON_DetachItemViaPointer(object, item));
    }
}

/* Leaves of an answer what can be compared. */
static void reduce(cJSON *answer, const char *method)
{
    cJSON *item;
    if (strcmp(method, "eth_getBlockByNumber") == 0 && cJSON_IsObject(answer))
        keep_members(answer, block_members);
    if (strcmp(method, "eth_getLogs") != 0 || !cJSON_IsArray(answer))
        return;
    cJSON_ArrayForEach(item, answer)
    {
        if (cJSON_IsObject(item))
            keep_members(item, event_members);
    }
}

enum status endpoints_agree(cJSON **result, struct endpoints *nodes, const char *method,
                            const char *params, struct diag *diag)
{
    struct votes *votes = malloc(sizeof *votes);
    *result = NULL;
    if (votes == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for answers");
    ask_all(votes, nodes, method, params);
    for (size_t k = 0; k < nodes->count; k++)
        reduce(votes->answer[k], method);
    enum status status = STATUS_OK;
    size_t i = 0;
    while (i < nodes->count && count_like(votes, nodes, i) < nodes->quorum)
        i++;
    if (i == nodes->count) {
        status = disagreement(votes, nodes, method, diag);
    } else if (votes->status[i] != STATUS_OK) {
        status = diag_set(diag, votes->status[i], "%s", votes->diag[i].text);
    } else {
        *result = votes->answer[i];
        votes->answer[i] = NULL;
    }
    forget(votes);
    free(votes);
    return status;
}

enum status endpoints_agree_quantity(uint64_t *out, struct endpoints *nodes, const char *method,
                                     const char *params, struct diag *diag)
{
    cJSON *result;
    enum status status = endpoints_agree(&result, nodes, method, params, diag);
    if (status == STATUS_OK &&
        (!cJSON_IsString(result) || !rpc_parse_quantity(out, result->valuestring)))
        status = diag_set(diag, STATUS_IO, "the nodes answer %s with something that is no number",
                          method);
    cJSON_Delete(result);
    return status;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

enum status endpoints_median(uint64_t *out, struct endpoints *nodes, const char *method,
                             const char *params, const char *member, struct diag *diag)
{
    struct votes *votes = malloc(sizeof *votes);
    uint64_t value[ENDPOINTS_MOST];
    size_t count = 0, refusals = 0, last = 0;
    *out = 0;
    if (votes == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for answers");
    ask_all(votes, nodes, method, params);
    for (size_t i = 0; i < nodes->count; i++) {
        const cJSON *answer = votes->answer[i];
        const cJSON *item =
            member == NULL ? answer : cJSON_GetObjectItemCaseSensitive(answer, member);
        if (cJSON_IsString(item) && rpc_parse_quantity(&value[count], item->valuestring))
            count++;
        if (votes->status[i] == STATUS_REJECTED) {
            refusals++;
            last = i;
        }
    }
    enum status status = STATUS_OK;
    if (refusals >= nodes->quorum) {
        status = diag_set(diag, STATUS_REJECTED, "%s", votes->diag[last].text);
    } else if (count < nodes->quorum) {
        size_t answered = 0;
        for (size_t i = 0; i < nodes->count; i++)
            answered += votes->status[i] == STATUS_OK;
        status = answered < nodes->quorum
                     ? disagreement(votes, nodes, method, diag)
                     : diag_set(diag, STATUS_IO,
                                "the nodes answer %s with something that is no number", method);
    } else {
        qsort(value, count, sizeof *value, compare_u64);
        *out = value[count / 2];
    }
    forget(votes);
    free(votes);
    return status;
}

/* Whether two receipts say the same of what matters. */
static bool is_same_receipt(const cJSON *a, const cJSON *b)
{
    static const char *const members[] = {"transactionHash", "blockHash", "blockNumber", "status",
                                          "gasUsed"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (strcasecmp(endpoints_text(a, members[i]), endpoints_text(b, members[i])) != 0)
            return false;
    }
    return true;
}

enum status endpoints_receipt(cJSON **receipt, struct endpoints *nodes, const char *hash,
                              struct diag *diag)
{
    struct votes *votes = malloc(sizeof *votes);
    char params[96];
    *receipt = NULL;
    if (votes == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for answers");
    snprintf(params, sizeof params, "[\"%.66s\"]", hash);
    ask_all(votes, nodes, "eth_getTransactionReceipt", params);
    size_t answered = 0, most = 0, best = 0, with_one = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        size_t same = 0;
        answered += votes->status[i] == STATUS_OK;
        if (!cJSON_IsObject(votes->answer[i]) ||
            strcasecmp(endpoints_text(votes->answer[i], "transactionHash"), hash) != 0)
            continue;
        with_one++;
        for (size_t j = 0; j < nodes->count; j++)
            same += cJSON_IsObject(votes->answer[j]) &&
                    is_same_receipt(votes->answer[i], votes->answer[j]);
        if (same > most) {
            most = same;
            best = i;
        }
    }
    enum status status = STATUS_OK;
    if (answered < nodes->quorum || (with_one >= nodes->quorum && most < nodes->quorum)) {
        status = disagreement(votes, nodes, "eth_getTransactionReceipt", diag);
    } else if (most >= nodes->quorum) {
        *receipt = votes->answer[best];
        votes->answer[best] = NULL;
    }
    forget(votes);
    free(votes);
    return status;
}
