/* See endpoints.h. */
#include "runtime/endpoints.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/machine.h"

enum { URL_BYTES = 500 };

const char *endpoints_text(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(member) ? member->valuestring : "";
}

/* ---- one of them ---------------------------------------------------------------------------- */

/* How many times longer than it took one that was silent rests: it takes a tenth of the time. */
enum { REST_FACTOR = 10 };

static bool is_resting(const struct endpoints *nodes, size_t i)
{
    return nodes->rests_until[i] > machine_seconds();
}

bool endpoints_rests(const struct endpoints *nodes, size_t node)
{
    bool others = false;
    for (size_t i = 0; i < nodes->count; i++)
        others = others || !is_resting(nodes, i);
    return others && is_resting(nodes, node);
}

/* After a call: whether the node rests now. */
static void note_silence(struct endpoints *nodes, size_t i)
{
    const struct rpc *rpc = &nodes->node[i];
    nodes->rests_until[i] =
        rpc->is_silent ? machine_seconds() + REST_FACTOR * (double)rpc->seconds : 0;
}

enum status endpoints_call(cJSON **result, struct endpoints *nodes, size_t node, const char *method,
                           const char *params, struct diag *diag)
{
    enum status status = rpc_call(result, &nodes->node[node], method, params, diag);
    note_silence(nodes, node);
    return status;
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
        note_silence(nodes, i);
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
    bool is_asked[ENDPOINTS_MOST];
};

static void ask(struct votes *votes, struct endpoints *nodes, size_t i, const char *method,
                const char *params)
{
    votes->is_asked[i] = true;
    votes->diag[i] = (struct diag){0};
    votes->status[i] = endpoints_call(&votes->answer[i], nodes, i, method, params, &votes->diag[i]);
}

/* Asks all but those that rest. */
static void ask_all(struct votes *votes, struct endpoints *nodes, const char *method,
                    const char *params)
{
    memset(votes, 0, sizeof *votes);
    for (size_t i = 0; i < nodes->count; i++) {
        votes->status[i] =
            diag_set(&votes->diag[i], STATUS_IO, "the node at %s did not answer in time lately",
                     nodes->node[i].shown);
        if (!endpoints_rests(nodes, i))
            ask(votes, nodes, i, method, params);
    }
}

/* Asks those that rest, because the others do not do; false when all were asked. */
static bool ask_more(struct votes *votes, struct endpoints *nodes, const char *method,
                     const char *params)
{
    bool more = false;
    for (size_t i = 0; i < nodes->count; i++) {
        more = more || !votes->is_asked[i];
        if (!votes->is_asked[i])
            ask(votes, nodes, i, method, params);
    }
    return more;
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
    enum status status = STATUS_OK;
    size_t i;
    do {
        for (size_t k = 0; k < nodes->count; k++)
            reduce(votes->answer[k], method);
        i = 0;
        while (i < nodes->count && count_like(votes, nodes, i) < nodes->quorum)
            i++;
    } while (i == nodes->count && ask_more(votes, nodes, method, params));
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

/* The numbers among the answers, and those who say that the call reverts. */
struct numbers {
    uint64_t value[ENDPOINTS_MOST];
    size_t count, refusals, last; /* last: who refuses */
};

static struct numbers read_numbers(const struct votes *votes, const struct endpoints *nodes,
                                   const char *member)
{
    struct numbers n = {.count = 0};
    for (size_t i = 0; i < nodes->count; i++) {
        const cJSON *answer = votes->answer[i];
        const cJSON *item =
            member == NULL ? answer : cJSON_GetObjectItemCaseSensitive(answer, member);
        if (cJSON_IsString(item) && rpc_parse_quantity(&n.value[n.count], item->valuestring))
            n.count++;
        if (votes->status[i] == STATUS_REJECTED) {
            n.refusals++;
            n.last = i;
        }
    }
    return n;
}

/* member: of the result, when that is an object; else NULL. */
static enum status median(uint64_t *out, struct endpoints *nodes, const char *method,
                          const char *params, const char *member, bool is_lower, struct diag *diag)
{
    struct votes *votes = malloc(sizeof *votes);
    struct numbers n;
    *out = 0;
    if (votes == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for answers");
    ask_all(votes, nodes, method, params);
    do
        n = read_numbers(votes, nodes, member);
    while (n.count < nodes->quorum && n.refusals < nodes->quorum &&
           ask_more(votes, nodes, method, params));
    enum status status = STATUS_OK;
    if (n.refusals >= nodes->quorum) {
        status = diag_set(diag, STATUS_REJECTED, "%s", votes->diag[n.last].text);
    } else if (n.count < nodes->quorum) {
        size_t answered = 0;
        for (size_t i = 0; i < nodes->count; i++)
            answered += votes->status[i] == STATUS_OK;
        status = answered < nodes->quorum
                     ? disagreement(votes, nodes, method, diag)
                     : diag_set(diag, STATUS_IO,
                                "the nodes answer %s with something that is no number", method);
    } else {
        qsort(n.value, n.count, sizeof *n.value, compare_u64);
        *out = n.value[is_lower ? (n.count - 1) / 2 : n.count / 2];
    }
    forget(votes);
    free(votes);
    return status;
}

enum status endpoints_median(uint64_t *out, struct endpoints *nodes, const char *method,
                             const char *params, struct diag *diag)
{
    return median(out, nodes, method, params, NULL, false, diag);
}

enum status endpoints_median_block(uint64_t *out, struct endpoints *nodes, const char *params,
                                   const char *member, struct diag *diag)
{
    return median(out, nodes, "eth_getBlockByNumber", params, member, true, diag);
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

/* What nodes say of a receipt: how many answered, how many have one, and the most that agree. */
struct receipts {
    size_t answered, with_one, most, best;
};

static struct receipts compare_receipts(const struct votes *votes, const struct endpoints *nodes,
                                        const char *hash)
{
    struct receipts r = {0, 0, 0, 0};
    for (size_t i = 0; i < nodes->count; i++) {
        size_t same = 0;
        r.answered += votes->status[i] == STATUS_OK;
        if (!cJSON_IsObject(votes->answer[i]) ||
            strcasecmp(endpoints_text(votes->answer[i], "transactionHash"), hash) != 0)
            continue;
        r.with_one++;
        for (size_t j = 0; j < nodes->count; j++)
            same += cJSON_IsObject(votes->answer[j]) &&
                    is_same_receipt(votes->answer[i], votes->answer[j]);
        if (same > r.most) {
            r.most = same;
            r.best = i;
        }
    }
    return r;
}

enum status endpoints_receipt(cJSON **receipt, struct endpoints *nodes, const char *hash,
                              struct diag *diag)
{
    static const char method[] = "eth_getTransactionReceipt";
    struct votes *votes = malloc(sizeof *votes);
    struct receipts r;
    char params[96];
    bool is_split;
    *receipt = NULL;
    if (votes == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for answers");
    snprintf(params, sizeof params, "[\"%.66s\"]", hash);
    ask_all(votes, nodes, method, params);
    do {
        r = compare_receipts(votes, nodes, hash);
        is_split =
            r.answered < nodes->quorum || (r.with_one >= nodes->quorum && r.most < nodes->quorum);
    } while (is_split && ask_more(votes, nodes, method, params));
    enum status status = STATUS_OK;
    if (is_split) {
        status = disagreement(votes, nodes, method, diag);
    } else if (r.most >= nodes->quorum) {
        *receipt = votes->answer[r.best];
        votes->answer[r.best] = NULL;
    }
    forget(votes);
    free(votes);
    return status;
}
