/* See logs.h. */
#include "runtime/logs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void logs_init(struct logs *logs, struct endpoints *nodes, const char *address, uint64_t first)
{
    *logs = (struct logs){.nodes = nodes, .next = first, .step = LOGS_RANGE_BLOCKS};
    snprintf(logs->address, sizeof logs->address, "%s", address);
}

/* The hash of a block; "" when there is none of this number. */
static enum status block_hash(char hash[LOGS_HASH_TEXT], struct logs *logs, uint64_t number,
                              struct diag *diag)
{
    char params[40];
    cJSON *block;
    snprintf(params, sizeof params, "[\"0x%" PRIx64 "\",false]", number);
    enum status status = endpoints_agree(&block, logs->nodes, "eth_getBlockByNumber", params, diag);
    snprintf(hash, LOGS_HASH_TEXT, "%s", endpoints_text(block, "hash"));
    cJSON_Delete(block);
    return status;
}

/* Drops the marks that are not in the chain any more, and tells the reader. */
static enum status rewind_marks(struct logs *logs, const struct logs_reader *reader,
                                struct diag *diag)
{
    size_t kept = logs->marks;
    for (; kept > 0; kept--) {
        const struct logs_mark *mark = &logs->mark[kept - 1];
        char hash[LOGS_HASH_TEXT];
        enum status status = block_hash(hash, logs, mark->number, diag);
        if (status != STATUS_OK)
            return status;
        if (strcasecmp(hash, mark->hash) == 0)
            break;
    }
    if (kept == logs->marks)
        return STATUS_OK;
    logs->is_lost = kept == 0;
    if (logs->is_lost)
        return diag_set(
            diag, STATUS_IO,
            "the chain changed deeper than the last %zu ranges that were read; read the "
            "events of %s from the beginning",
            logs->marks, logs->address);
    uint64_t last = logs->mark[kept - 1].number;
    enum status status = reader->rewind(reader->context, last, diag);
    if (status == STATUS_OK) {
        logs->marks = kept;
        logs->next = last + 1;
    }
    return status;
}

/* Whether an event is of the contract and the range. */
static bool is_asked_for(const struct logs *logs, const cJSON *event, uint64_t first, uint64_t last)
{
    uint64_t number;
    return strcasecmp(endpoints_text(event, "address"), logs->address) == 0 &&
           rpc_parse_quantity(&number, endpoints_text(event, "blockNumber")) && number >= first &&
           number <= last && !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(event, "removed"));
}

static void add_mark(struct logs *logs, uint64_t number, const char *hash)
{
    if (logs->marks == LOGS_KEPT_BLOCKS) {
        memmove(logs->mark, logs->mark + 1, (LOGS_KEPT_BLOCKS - 1) * sizeof *logs->mark);
        logs->marks--;
    }
    struct logs_mark *mark = &logs->mark[logs->marks++];
    mark->number = number;
    snprintf(mark->hash, sizeof mark->hash, "%s", hash);
}

/* Reads one range and tells its events. *done is false when its last block left the chain
 * meanwhile.
 */
static enum status read_range(bool *done, struct logs *logs, uint64_t last,
                              const struct logs_reader *reader, struct diag *diag)
{
    char before[LOGS_HASH_TEXT], after[LOGS_HASH_TEXT] = "", params[200];
    cJSON *events = NULL;
    *done = false;
    enum status status = block_hash(before, logs, last, diag);
    if (status != STATUS_OK || before[0] == '\0')
        return status;
    snprintf(params, sizeof params,
             "[{\"address\":\"%s\",\"fromBlock\":\"0x%" PRIx64 "\",\"toBlock\":\"0x%" PRIx64 "\"}]",
             logs->address, logs->next, last);
    status = endpoints_agree(&events, logs->nodes, "eth_getLogs", params, diag);
    if (status == STATUS_OK)
        status = block_hash(after, logs, last, diag);
    const cJSON *event;
    bool good = cJSON_IsArray(events);
    cJSON_ArrayForEach(event, events) good = good && is_asked_for(logs, event, logs->next, last);
    if (status == STATUS_OK && !good)
        status = diag_set(diag, STATUS_IO,
                          "the nodes answer eth_getLogs with something that was not asked for");
    if (status == STATUS_OK && strcasecmp(before, after) == 0) {
        cJSON_ArrayForEach(event, events)
        {
            if (status == STATUS_OK)
                status = reader->event(reader->context, event, diag);
        }
        *done = status == STATUS_OK;
    }
    cJSON_Delete(events);
    if (*done) {
        add_mark(logs, last, after);
        logs->next = last + 1;
    }
    return status;
}

enum status logs_poll(struct logs *logs, const struct logs_reader *reader, struct diag *diag)
{
    uint64_t head;
    enum status status = rewind_marks(logs, reader, diag);
    if (status == STATUS_OK)
        status = endpoints_agree_quantity(&head, logs->nodes, "eth_blockNumber", "[]", diag);
    if (status != STATUS_OK || head < logs->depth)
        return status;
    head -= logs->depth;
    while (status == STATUS_OK && logs->next <= head) {
        uint64_t left = head - logs->next;
        /* Near the head the ranges are short, so that little is read again after a change. */
        uint64_t step = left > 64 ? left - 64 : 1;
        bool done;
        step = step > logs->step ? logs->step : step;
        status = read_range(&done, logs, logs->next + step - 1, reader, diag);
        /* Services bound blocks and bytes of an answer, and anybody may fill blocks with events:
         * the next poll asks for less, and more again where that goes well. */
        if (status == STATUS_IO)
            logs->step = step > 1 ? step / 2 : 1;
        else if (logs->step < LOGS_RANGE_BLOCKS)
            logs->step += 1 + logs->step / 16;
        if (status == STATUS_OK && !done)
            break; /* the next poll sees the change */
    }
    return status;
}

/* ---- single events -------------------------------------------------------------------------- */

struct question {
    struct endpoints *nodes;
    const uint8_t *address;
    const uint8_t *const *topics; /* NULL: any */
    size_t topic_count;
};

/* From block `first` to `last`, a quantity or "latest". */
static enum status ask_range(cJSON **events, const struct question *q, uint64_t first,
                             const char *last, struct diag *diag)
{
    struct buffer params = {0};
    buffer_puts(&params, "[{\"address\":\"0x");
    buffer_put_hex(&params, q->address, 20);
    buffer_printf(&params, "\",\"fromBlock\":\"0x%" PRIx64 "\",\"toBlock\":\"%s\",\"topics\":[",
                  first, last);
    for (size_t i = 0; i < q->topic_count; i++) {
        buffer_puts(&params, i == 0 ? "" : ",");
        if (q->topics[i] == NULL) {
            buffer_puts(&params, "null");
            continue;
        }
        buffer_puts(&params, "\"0x");
        buffer_put_hex(&params, q->topics[i], 32);
        buffer_puts(&params, "\"");
    }
    buffer_puts(&params, "]}]");
    *events = NULL;
    enum status status = buffer_status(&params, diag);
    if (status == STATUS_OK)
        status = endpoints_agree(events, q->nodes, "eth_getLogs", buffer_text(&params), diag);
    buffer_release(&params);
    if (status == STATUS_OK && !cJSON_IsArray(*events)) {
        cJSON_Delete(*events);
        *events = NULL;
        status = diag_set(diag, STATUS_IO, "the nodes answer eth_getLogs with no list of events");
    }
    return status;
}

enum status logs_find(cJSON **events, struct endpoints *nodes, const uint8_t address[20],
                      const uint8_t *const *topics, size_t topic_count, uint64_t first, bool all,
                      struct diag *diag)
{
    const struct question q = {nodes, address, topics, topic_count};
    struct diag refusal = {0};
    uint64_t last = 0;
    enum status status = ask_range(events, &q, first, "latest", &refusal);
    if (status == STATUS_OK)
        return status;
    struct diag ignored = {0};
    if (status != STATUS_IO ||
        endpoints_median(&last, nodes, "eth_blockNumber", "[]", &ignored) != STATUS_OK ||
        last < first || last - first < LOGS_RANGE_BLOCKS)
        return diag_set(diag, status, "%s", refusal.text);
    cJSON *found = cJSON_CreateArray();
    if (found == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for events");
    for (uint64_t width = LOGS_RANGE_BLOCKS;;) {
        char text[20];
        uint64_t from = last >= width ? last - width + 1 : 0;
        from = from < first ? first : from;
        snprintf(text, sizeof text, "0x%" PRIx64, last);
        refusal = (struct diag){0};
        status = ask_range(events, &q, from, text, &refusal);
        if (status == STATUS_IO && width > LOGS_LEAST_BLOCKS) {
            width /= 2; /* services differ in how many they bear */
            continue;
        }
        if (status != STATUS_OK) {
            cJSON_Delete(found);
            return diag_set(diag, status, "%s", refusal.text);
        }
        while (cJSON_GetArraySize(*events) > 0)
            cJSON_AddItemToArray(found, cJSON_DetachItemFromArray(*events, 0));
        cJSON_Delete(*events);
        if ((!all && cJSON_GetArraySize(found) > 0) || from == first)
            break;
        last = from - 1;
    }
    *events = found;
    return STATUS_OK;
}
