/* What the commands of several programs stand on when they speak to a chain: nodes, an account, its
 * journal. */
#ifndef SERTN_RUNTIME_TOOLS_CHAIN_SIDE_H
#define SERTN_RUNTIME_TOOLS_CHAIN_SIDE_H

#include "runtime/signer.h"
#include "runtime/tools/cli.h"

struct chain_side_options {
    const char *rpc;
    struct signer_options signer;
    uint64_t chain_id; /* the nodes must be of this chain; 0: any */
};

struct chain_side {
    struct endpoints nodes;
    struct journal journal;
    struct account account;
};

/* Reaches the nodes. Safe to close after a failure. */
enum status chain_side_open(struct chain_side *side, const struct chain_side_options *options,
                            struct diag *diag) SERTN_MUST_CHECK;
/* Opens keystore and journal (by default the one beside the store), too. */
enum status chain_side_open_account(struct chain_side *side,
                                    const struct chain_side_options *options,
                                    struct diag *diag) SERTN_MUST_CHECK;
void chain_side_close(struct chain_side *side);

/* The fields transaction, gas, block, was_known. */
void chain_side_add_result(cJSON *object, const struct account_result *result);

#endif
