/*
 * Backtests on a chain: contracts/src/vetting/Vetting.sol knows the root before anything is proved,
 * checks every proof and counts the hits itself. What is sent goes through the account's journal.
 */
#ifndef SERTN_RUNTIME_BACKTEST_CHAIN_H
#define SERTN_RUNTIME_BACKTEST_CHAIN_H

#include "runtime/account.h"
#include "runtime/backtest.h"
#include "runtime/registry.h"

struct vetting {
    struct endpoints *nodes; /* borrowed */
    uint8_t address[ABI_ADDRESS];
    struct registry registry; /* whose models it is about */
};

/* Errors: STATUS_BAD_INPUT when the address has no such contract; STATUS_IO. */
enum status vetting_open(struct vetting *vetting, struct endpoints *nodes, const char *address,
                         struct diag *diag) SERTN_MUST_CHECK;

/* Checks that a model of the registry has the key of the backtest's. Errors: STATUS_BAD_INPUT. */
enum status vetting_check_model(const struct vetting *vetting, const struct backtest *test,
                                uint64_t number, struct diag *diag) SERTN_MUST_CHECK;

/*
 * Commits to a planned backtest of model `number` and binds it to what the chain calls it: proofs
 * are made after this. uri: where inputs and labels are. days: for proving it. Called again for the
 * same plan it finds the first publication in the journal. Errors: those of account_send.
 */
enum status vetting_publish(struct backtest *test, const struct vetting *vetting,
                            struct account *account, uint64_t number, const char *uri,
                            unsigned days, struct diag *diag) SERTN_MUST_CHECK;

/* Sends the proofs of rows [first, first + count) that the chain has not yet; count at most
 * BACKTEST_MOST_BATCH. *gas is what it took. Errors: those of account_send. */
enum status vetting_send(uint64_t *gas, const struct backtest *test, const struct vetting *vetting,
                         struct account *account, size_t first, size_t count,
                         struct diag *diag) SERTN_MUST_CHECK;

/* Compares a verified backtest with the chain: model, root, plan, and the result counted there.
 * Errors: STATUS_REJECTED naming what differs; STATUS_BAD_INPUT when it is bound to no chain, or to
 * another one. */
enum status vetting_compare(const struct backtest *test, const struct vetting *vetting,
                            struct diag *diag) SERTN_MUST_CHECK;

/* What the chain has counted of a backtest, and of what: the plan's words and bits, which only who
 * has the model can hold to it (vetting_compare). */
struct vetting_result {
    uint64_t number, model, rows, proved, hits, closes_at;
    uint64_t input_words, input_bits, word, shift, width;
    amount tolerance;
    uint8_t publisher[ABI_ADDRESS], total_error[ABI_WORD];
};
enum status vetting_read(struct vetting_result *out, const struct vetting *vetting, uint64_t number,
                         struct diag *diag) SERTN_MUST_CHECK;

/* The last backtests of a model, at most `most` of them, newest first; *all is how many there are.
 * Errors: STATUS_IO. */
enum status vetting_list(struct vetting_result *out, size_t *count, uint64_t *all, size_t most,
                         const struct vetting *vetting, uint64_t model,
                         struct diag *diag) SERTN_MUST_CHECK;

#endif
