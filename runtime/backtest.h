/*
 * Backtests: how often a model is right, shown by proofs of its answers to inputs whose right
 * answers (labels) are known.
 *
 * One output element is scored: its bits in the public words are a number, the label is encoded
 * into the same kind of number, and an answer whose distance from the label is at most `tolerance`
 * is a hit. Rows are leaves keccak256(keccak256(row, commitment, label)), three words of 32 bytes,
 * of a Merkle tree in the order of the rows (pairs are not sorted, so that a row has one place in
 * it); a commitment is that of a job of the market (workload.h). Each proof is bound to its place:
 * on a chain to (chain, Vetting contract, backtest and row, publisher), as
 * contracts/src/vetting/Vetting.sol demands, which knows the root before anything is proved;
 * elsewhere to keccak256("sertn.vetting.v1", root, row), so that rows cannot be exchanged or proofs
 * of other rows shown.
 *
 * backtest.json has exactly: version, model_hash, vk_hash, from, to (seconds of the period of the
 * data), output, element, tolerance (as the words count), root, chain_id, contract, backtest,
 * publisher (zeros: no chain), rows [{label, words, proof}], result {rows, hits, total_error}.
 * Nothing of it is believed: backtest_verify makes all of it again from the model's public folder,
 * the words and the proofs. What the labels should have been nobody can prove: they are the
 * publisher's, and stand there for all to see.
 */
#ifndef SERTN_RUNTIME_BACKTEST_H
#define SERTN_RUNTIME_BACKTEST_H

#include "runtime/contract.h"
#include "runtime/hidden_input.h"
#include "runtime/prover.h"
#include "runtime/workload.h"

enum { BACKTEST_MOST_ROWS = 1 << 20, BACKTEST_MOST_BITS = 128, BACKTEST_MOST_BATCH = 16 };
#define BACKTEST_FILE_BYTES_MAX (UINT64_C(1) << 30)

/* What the proofs are bound to; number 0: to the root alone. */
struct backtest_binding {
    uint64_t chain_id, number;
    uint8_t contract[ABI_ADDRESS], publisher[ABI_ADDRESS];
};

struct backtest_row {
    char *label_json; /* owned: as a JSON value */
    amount label;     /* as the words count */
    uint8_t commitment[32], leaf[32];
    uint8_t (*salts)[HIDDEN_SALT_BYTES]; /* owned; of hashed inputs, NULL for none or a row read */
    struct proof proof;                  /* word_count 0: none yet */
};

struct backtest_result {
    uint32_t rows, hits;
    uint8_t total_error[ABI_WORD]; /* sum of the distances, big-endian */
    double mean_error;             /* in the units of the output; NaN where these mean nothing */
};

struct backtest {
    const struct model *model; /* borrowed */
    const struct port *port;   /* of the scored output */
    size_t element;
    unsigned word, shift, bits;
    struct workload_layout layout;
    double unit; /* what 1 in the words stands for; 0 where distances mean nothing */
    amount tolerance;
    uint64_t from, to;
    uint8_t root[32];
    struct backtest_binding binding;
    struct backtest_row *row; /* owned */
    size_t count;
    struct backtest_result result;
};

struct backtest_options {
    const char *output; /* NAME or NAME:ELEMENT; null: the first element of the first output */
    double tolerance;   /* in the units of the output */
    uint64_t from, to;
    /* Key that the salts of hashed inputs follow from, 32 bytes, so that the same backtest planned
     * again is the same; null: they are random. */
    const uint8_t *key;
};

/*
 * Plans a backtest: one row for each data set, in their order. labels: a JSON list of as many
 * numbers or texts, or lines of them. Errors: STATUS_BAD_INPUT; STATUS_UNSUPPORTED for a model
 * whose inputs are private or whose output is not public, or an output whose words are no numbers
 * that distances are taken of. Life cycle: plan or read, release (safe on a zeroed one).
 */
enum status backtest_plan(struct backtest *test, const struct model *model,
                          const struct value_sets *sets, const void *labels, size_t label_bytes,
                          const struct backtest_options *options,
                          struct diag *diag) SERTN_MUST_CHECK;
void backtest_release(struct backtest *test);

/* Siblings from leaf to root, 32 bytes each, appended. */
void backtest_path(struct buffer *out, const struct backtest *test, size_t row);
void backtest_context(uint8_t context[PROOF_CONTEXT_BYTES], const struct backtest *test,
                      size_t row);

/* Proves one row, with the inputs it was planned with. */
enum status backtest_prove(struct backtest *test, size_t row, struct prover *prover,
                           const struct tensor *const *inputs,
                           const struct plonk_progress *progress,
                           struct diag *diag) SERTN_MUST_CHECK;

/* Scores the answers. Requires: every row has a proof. */
void backtest_score(struct backtest *test);

/* Inputs and labels as JSON, what the uri on a chain names: {"version":1,"rows":[{"input":{...},
 * "label":...}]}. Of hashed inputs nothing but the row's commitment: {"commitment":"0x...",
 * "label":...}. Errors: those of workload_print. */
enum status backtest_print_data(struct buffer *out, const struct backtest *test,
                                const struct value_sets *sets, struct diag *diag) SERTN_MUST_CHECK;
/* The file. Requires: it is scored. Errors: STATUS_NO_MEMORY. */
enum status backtest_print(struct buffer *out, const struct backtest *test,
                           struct diag *diag) SERTN_MUST_CHECK;

/* Reads a file over a model with a key. Errors: STATUS_BAD_INPUT for what is no such file, or of
 * another key. */
enum status backtest_read(struct backtest *test, const struct model *model, const void *text,
                          size_t count, const char *path, struct diag *diag) SERTN_MUST_CHECK;

/*
 * Verifies what was read: every proof in its context, the commitment and label of every row against
 * the root, and the result, all made again. Errors: STATUS_REJECTED naming the row.
 */
enum status backtest_verify(struct backtest *test, const struct srs_verifier *srs,
                            struct diag *diag) SERTN_MUST_CHECK;

#endif
