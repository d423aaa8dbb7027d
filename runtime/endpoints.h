/*
 * Several nodes of one chain. What decides over money is asked of all and believed when enough say
 * the same; what is sent goes to all. One that let a call run out of time rests: for a while it is
 * asked only where the others do not do, or it would hold everything up.
 */
#ifndef SERTN_RUNTIME_ENDPOINTS_H
#define SERTN_RUNTIME_ENDPOINTS_H

#include "runtime/rpc.h"

enum { ENDPOINTS_MOST = 8 };

struct endpoints {
    struct rpc node[ENDPOINTS_MOST];
    double rests_until[ENDPOINTS_MOST]; /* by machine_seconds */
    size_t count;
    size_t quorum; /* nodes that must agree: more than half */
    uint64_t chain_id;
};

/*
 * Opens nodes; urls are separated by commas. Errors: STATUS_BAD_INPUT for a text that is none, or
 * nodes of different chains; STATUS_IO when fewer than the quorum answer.
 */
enum status endpoints_open(struct endpoints *nodes, const char *urls,
                           struct diag *diag) SERTN_MUST_CHECK;
void endpoints_close(struct endpoints *nodes);

/* Calls one of the nodes. Errors: those of rpc_call. */
enum status endpoints_call(cJSON **result, struct endpoints *nodes, size_t node, const char *method,
                           const char *params, struct diag *diag) SERTN_MUST_CHECK;
/* Whether a node rests, and others do not. */
bool endpoints_rests(const struct endpoints *nodes, size_t node);

/* Whether the nodes are of a chain; wanted 0: any. Errors: STATUS_BAD_INPUT. */
enum status endpoints_check_chain(const struct endpoints *nodes, uint64_t wanted,
                                  struct diag *diag) SERTN_MUST_CHECK;

/* The result that at least the quorum gives; of blocks and events the members that every node has
 * are compared, and kept. Errors: STATUS_IO when nodes do not answer or
 * disagree; STATUS_REJECTED when the quorum says that the call reverts. */
enum status endpoints_agree(cJSON **result, struct endpoints *nodes, const char *method,
                            const char *params, struct diag *diag) SERTN_MUST_CHECK;
enum status endpoints_agree_quantity(uint64_t *out, struct endpoints *nodes, const char *method,
                                     const char *params, struct diag *diag) SERTN_MUST_CHECK;

/*
 * A number on which nodes need not agree to the unit - a price, the gas of a call: the middle of
 * what they say, the upper one of two, so that one of three decides nothing. Errors: as
 * endpoints_agree.
 */
enum status endpoints_median(uint64_t *out, struct endpoints *nodes, const char *method,
                             const char *params, struct diag *diag) SERTN_MUST_CHECK;
/* The same of a block's time or number, `params` those of eth_getBlockByNumber; the lower of two:
 * one that is ahead would end every deadline. */
enum status endpoints_median_block(uint64_t *out, struct endpoints *nodes, const char *params,
                                   const char *member, struct diag *diag) SERTN_MUST_CHECK;

/*
 * The receipt of a transaction: *receipt is null (not an error) while fewer than the quorum have
 * one that says the same block, success and gas. Nodes may lag; they may not contradict each other:
 * STATUS_IO.
 */
enum status endpoints_receipt(cJSON **receipt, struct endpoints *nodes, const char *hash,
                              struct diag *diag) SERTN_MUST_CHECK;

/* Text of a member of an object, "" when there is none. */
const char *endpoints_text(const cJSON *object, const char *name);

#endif
