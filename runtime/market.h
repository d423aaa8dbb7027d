/*
 * The market of inferences on the chain: the calls of contracts/src/market/InferenceMarket.sol and
 * contracts/src/nodes/NodePools.sol, and the events that jobs come by.
 */
#ifndef SERTN_RUNTIME_MARKET_H
#define SERTN_RUNTIME_MARKET_H

#include "runtime/account.h"
#include "runtime/contract.h"
#include "runtime/proof.h"
#include "runtime/registry.h"

struct market {
    struct endpoints *nodes; /* borrowed */
    uint8_t address[ABI_ADDRESS], token[ABI_ADDRESS], pools[ABI_ADDRESS];
    struct registry registry;
    bool has_pools;
};

/* Asks the market for its registry, token and pools. Errors: STATUS_BAD_INPUT when the text is no
 * address or there is no market; STATUS_IO. */
enum status market_open(struct market *market, struct endpoints *nodes, const char *address,
                        struct diag *diag) SERTN_MUST_CHECK;

/* Names what is done in a market for a journal, "settle 1/7 at 0x...": the same job of two markets
 * is two jobs, and one account has one journal. */
void market_name_step(char name[JOURNAL_NAME_BYTES], const struct market *market,
                      const char *format, ...) SERTN_PRINTF(3, 4);

/* ---- jobs ---- */

/* A job is place number `place`, from 1 on, of the queue of a model; written MODEL/PLACE. */
struct market_job_id {
    uint64_t model, place;
};
enum { MARKET_JOB_TEXT = 42 };
void market_job_text(char text[MARKET_JOB_TEXT], struct market_job_id id);
/* MODEL/PLACE, or the number on the chain in hex. */
bool market_parse_job(struct market_job_id *id, const char *text);
void market_job_word(uint8_t word[ABI_WORD], struct market_job_id id);

/* ORDER JobState of contracts/src/types/Job.sol. */
enum market_state { MARKET_NONE, MARKET_JOB_OPEN, MARKET_JOB_PAID, MARKET_JOB_REFUNDED };
const char *market_state_name(enum market_state state);

struct market_job {
    struct market_job_id id;
    enum market_state state; /* MARKET_NONE: there is none; the rest is zero then */
    uint8_t requester[ABI_ADDRESS], destination[ABI_ADDRESS];
    uint64_t deadline, settled_at; /* seconds */
    amount price, royalty, fee;    /* the prover gets price - royalty - fee */
    uint32_t callback_gas;
    unsigned input_words, input_bits;
    uint8_t precommitment[32];
    uint8_t requirement[ABI_WORD]; /* zero for none */
};
enum status market_job(struct market_job *job, const struct market *market, struct market_job_id id,
                       struct diag *diag) SERTN_MUST_CHECK;

/* The node that a job is reserved for and until when; zero for none. */
enum status market_reservation(uint8_t node[ABI_ADDRESS], uint64_t *until,
                               const struct market *market, struct market_job_id id,
                               struct diag *diag) SERTN_MUST_CHECK;

/* The time of the block to come, in seconds; of the newest one where nodes tell no other. */
enum status market_time(uint64_t *seconds, const struct market *market,
                        struct diag *diag) SERTN_MUST_CHECK;
enum status market_is_paused(bool *paused, const struct market *market,
                             struct diag *diag) SERTN_MUST_CHECK;
/* What the account holds in the market. */
enum status market_balance(amount *out, const struct market *market,
                           const uint8_t account[ABI_ADDRESS], struct diag *diag) SERTN_MUST_CHECK;

/* Payments that wait in jobs, because their prover had no account in the market. */
struct market_kept {
    struct market_job_id *ids; /* owned */
    size_t count;
    amount sum;
};
void market_kept_release(struct market_kept *kept);
/* Those of an account that it has not collected. */
enum status market_find_kept(struct market_kept *kept, const struct market *market,
                             const uint8_t account[ABI_ADDRESS],
                             struct diag *diag) SERTN_MUST_CHECK;
/* Call data of collect: to `to` goes what waits in jobs `first` .. `first + count - 1` of them. */
enum status market_collect_data(struct buffer *out, const struct market_kept *kept, size_t first,
                                size_t count, const uint8_t to[ABI_ADDRESS],
                                struct diag *diag) SERTN_MUST_CHECK;

/* What a job of a model costs now. */
struct market_price {
    amount price, royalty, fee;
    uint64_t least_seconds, most_seconds; /* from request to deadline */
};
enum status market_price(struct market_price *out, const struct market *market,
                         const struct registry_model *model, uint32_t callback_gas,
                         struct diag *diag) SERTN_MUST_CHECK;

/* What a proof of this job by this prover is bound to (contracts/src/libraries/ProofContext.sol).
 */
void market_context(uint8_t context[PROOF_CONTEXT_BYTES], const struct market *market,
                    struct market_job_id id, const uint8_t prover[ABI_ADDRESS]);

/* Whether public words meet a requirement (contracts/src/libraries/PublicWords.sol). */
bool market_meets(const uint8_t *words, size_t word_count, const uint8_t requirement[ABI_WORD]);

/* ---- requests ---- */

struct market_request {
    uint64_t model;
    const uint8_t *input; /* the input, or a URI of it; borrowed */
    size_t input_bytes;
    uint8_t input_hash[32], precommitment[32];
    unsigned input_words, input_bits;
    uint8_t requirement[ABI_WORD], destination[ABI_ADDRESS];
    uint32_t callback_gas;
    uint64_t deadline;
    amount most_price;
};

/*
 * Puts a job into the queue, after moving what its price lacks from the account's tokens into the
 * market. `name` names the request in the journal: the same again gives the same job. Errors: those
 * of account_send; STATUS_BAD_INPUT without the tokens.
 */
enum status market_send_request(struct market_job_id *id, struct account_result *result,
                                const struct market *market, struct account *account,
                                const char *name, const struct market_request *request,
                                amount price, struct diag *diag) SERTN_MUST_CHECK;

/*
 * Moves tokens of the account into `owner`'s account in the market. `name` names the deposit in the
 * journal: the same again is the same deposit. Errors: those of account_send; STATUS_BAD_INPUT
 * without the tokens.
 */
enum status market_deposit(struct account_result *result, const struct market *market,
                           struct account *account, const char *name,
                           const uint8_t owner[ABI_ADDRESS], amount value,
                           struct diag *diag) SERTN_MUST_CHECK;

/* What an event JobRequested says. Release with market_requested_release. */
struct market_requested {
    struct market_job_id id;
    uint8_t requester[ABI_ADDRESS];
    struct market_request request; /* its input is in `input` */
    struct buffer input;
    amount price, royalty, fee;
    uint64_t block;
};
void market_requested_release(struct market_requested *event);
/* *found is false for an event of another kind. Errors: STATUS_IO for one that makes no sense. */
enum status market_read_requested(bool *found, struct market_requested *event, const cJSON *log,
                                  struct diag *diag) SERTN_MUST_CHECK;
/* Finds the event of a job. Errors: STATUS_BAD_INPUT when there is none. */
enum status market_find_requested(struct market_requested *event, const struct market *market,
                                  struct market_job_id id, struct diag *diag) SERTN_MUST_CHECK;

/* Who was paid for a job, from the event of a block from `first` on; *found is false when there is
 * none. */
enum status market_find_paid(bool *found, uint8_t prover[ABI_ADDRESS], amount *paid,
                             const struct market *market, struct market_job_id id, uint64_t first,
                             struct diag *diag) SERTN_MUST_CHECK;

/* ---- answers and money ---- */

/* Appends the call data of settle. */
enum status market_settle_data(struct buffer *out, struct market_job_id id,
                               const uint8_t prover[ABI_ADDRESS], const struct model *model,
                               const struct proof *proof, struct diag *diag) SERTN_MUST_CHECK;
/* The same of settleBatch, for answers to jobs of one model by one prover. Requires: count > 0. */
struct market_answer {
    struct market_job_id id;
    struct proof proof;
};
enum status market_settle_batch_data(struct buffer *out, const struct market_answer *answers,
                                     size_t count, const uint8_t prover[ABI_ADDRESS],
                                     const struct model *model, struct diag *diag) SERTN_MUST_CHECK;

/* What a batch did with one answer, by the events of its receipt: paid, or refused for a reason;
 * neither when the batch had no answer to this job. */
struct market_verdict {
    bool is_paid, is_refused;
    amount paid;
    char reason[CONTRACT_ERROR_TEXT];
};
void market_read_verdict(struct market_verdict *out, const struct market *market,
                         const cJSON *receipt, struct market_job_id id);

/* Call data of a function of one job or model. */
enum status market_word_data(struct buffer *out, const char *signature,
                             const uint8_t word[ABI_WORD], struct diag *diag) SERTN_MUST_CHECK;

/* ---- pools ---- */

struct market_assignment {
    uint8_t node[ABI_ADDRESS]; /* zero: none */
    uint64_t since, until;
    unsigned attempts;
    uint64_t units;
    amount penalty;
};
enum status market_assignment(struct market_assignment *out, const struct market *market,
                              struct market_job_id id, struct diag *diag) SERTN_MUST_CHECK;
/* Jobs of a model up to this place were given to nodes or passed over. */
enum status market_assigned_up_to(uint64_t *place, const struct market *market, uint64_t model,
                                  struct diag *diag) SERTN_MUST_CHECK;
struct market_units {
    uint64_t committed, assigned, next;
};
/* A node's units in a pool, or with node NULL the whole pool's. */
enum status market_units(struct market_units *out, const struct market *market, uint64_t model,
                         const uint8_t *node, struct diag *diag) SERTN_MUST_CHECK;

#endif
