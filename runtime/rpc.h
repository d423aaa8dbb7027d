/*
 * One JSON-RPC call at a time over HTTP.
 *
 * libcurl does the transport, cJSON the text. Quantities are hex strings on the wire, never JSON
 * numbers.
 */
#ifndef SERTN_RUNTIME_RPC_H
#define SERTN_RUNTIME_RPC_H

#include <cjson/cJSON.h>

#include "ir/support/buffer.h"
#include "runtime/http.h"
#include "ir/support/status.h"

/* Largest answer that is read, and how long one call may take. */
enum { RPC_ANSWER_BYTES_MAX = 32 << 20, RPC_SECONDS_MAX = 60 };

struct rpc {
    const char *url;              /* borrowed; its path may be a key to a service: never printed */
    char shown[HTTP_SHOWN_BYTES]; /* for sentences: scheme, host and port */
    void *curl;                   /* CURL *, owned */
    unsigned next_id;
    unsigned seconds; /* that one call may take; RPC_SECONDS_MAX after rpc_open */
    bool is_silent;   /* the last call ran out of time */
};

enum status rpc_open(struct rpc *rpc, const char *url, struct diag *diag) SERTN_MUST_CHECK;
void rpc_close(struct rpc *rpc);

/*
 * Calls `method` with the JSON array text `params`; *result is owned by the caller.
 * Errors: STATUS_IO with what the node said; STATUS_REJECTED when the execution was reverted.
 */
enum status rpc_call(cJSON **result, struct rpc *rpc, const char *method, const char *params,
                     struct diag *diag) SERTN_MUST_CHECK;
/* The same for a result that is a quantity or data. */
enum status rpc_call_quantity(uint64_t *out, struct rpc *rpc, const char *method,
                              const char *params, struct diag *diag) SERTN_MUST_CHECK;
enum status rpc_call_text(char **out, struct rpc *rpc, const char *method, const char *params,
                          struct diag *diag) SERTN_MUST_CHECK;

/*
 * Reads what a node, shown as `url`, answered to a call; *result is owned by the caller, NULL
 * unless STATUS_OK. The bytes are anybody's. Errors: as rpc_call; the sentence is one line of
 * visible characters.
 */
enum status rpc_read_answer(cJSON **result, const char *url, const char *method, const void *answer,
                            size_t count, struct diag *diag) SERTN_MUST_CHECK;

/* "0x1f" to 31; false for anything that is not a 64-bit quantity. */
bool rpc_parse_quantity(uint64_t *out, const char *text);

#endif
