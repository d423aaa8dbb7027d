/* The commands of sertn-run. Each fills cli->result for --json and prints for people otherwise. */
#ifndef SERTN_RUNTIME_TOOLS_RUN_COMMANDS_H
#define SERTN_RUNTIME_TOOLS_RUN_COMMANDS_H

#include "backend/witness/jit.h"
#include "runtime/chain.h"
#include "runtime/contract.h"
#include "runtime/tools/cli.h"

/* What the commands of the market take. */
struct run_market_options {
    const char *address, *store, *ipfs, *arweave, *uri, *name, *destination, *requirement, *prover,
        *to, *config, *seal_to;
    uint64_t number, seconds, callback_gas, expiry, nonce;
    amount most_price, amount;
    bool has_most_price, has_amount, has_nonce, sign_only, drain;
};

struct run_options {
    const char *folder, *second; /* what follows the command */
    const char *proof, *input, *output, *srs, *onnx;
    struct run_market_options market;
    struct chain_options chain;
    uint8_t context[PROOF_CONTEXT_BYTES];
    bool check;
    enum jit_choice evaluator;
};

enum status run_keys(struct cli *cli, struct run_options *options,
                     struct diag *diag) SERTN_MUST_CHECK;
enum status run_prove(struct cli *cli, struct run_options *options,
                      struct diag *diag) SERTN_MUST_CHECK;
enum status run_verify(struct cli *cli, struct run_options *options,
                       struct diag *diag) SERTN_MUST_CHECK;
enum status run_calldata(struct cli *cli, struct run_options *options,
                         struct diag *diag) SERTN_MUST_CHECK;
enum status run_check(struct cli *cli, struct run_options *options,
                      struct diag *diag) SERTN_MUST_CHECK;
enum status run_eval(struct cli *cli, struct run_options *options,
                     struct diag *diag) SERTN_MUST_CHECK;
enum status run_request(struct cli *cli, struct run_options *options,
                        struct diag *diag) SERTN_MUST_CHECK;
enum status run_send_request(struct cli *cli, struct run_options *options,
                             struct diag *diag) SERTN_MUST_CHECK;
enum status run_cancel_request(struct cli *cli, struct run_options *options,
                               struct diag *diag) SERTN_MUST_CHECK;
enum status run_deposit(struct cli *cli, struct run_options *options,
                        struct diag *diag) SERTN_MUST_CHECK;
enum status run_submit(struct cli *cli, struct run_options *options,
                       struct diag *diag) SERTN_MUST_CHECK;
enum status run_status(struct cli *cli, struct run_options *options,
                       struct diag *diag) SERTN_MUST_CHECK;
enum status run_refund(struct cli *cli, struct run_options *options,
                       struct diag *diag) SERTN_MUST_CHECK;
enum status run_claim(struct cli *cli, struct run_options *options,
                      struct diag *diag) SERTN_MUST_CHECK;
enum status run_node(struct cli *cli, struct run_options *options,
                     struct diag *diag) SERTN_MUST_CHECK;
enum status run_work(struct cli *cli, struct run_options *options,
                     struct diag *diag) SERTN_MUST_CHECK;

#endif
