/*
 * Sending transactions so that none is lost and none is sent twice, whatever is killed, restarted
 * or cut off in between.
 *
 * Each has a name that the caller chooses and uses again when it tries again. Before a node sees a
 * transaction it is in the journal, signed; who finds its name there sends the same bytes, looks
 * for its receipt, and never makes another. Fees follow eth_feeHistory: twice the next base fee and
 * the median tip of the last blocks, the middle of what several nodes say; what is not mined in
 * time is replaced by the same call under the same nonce with both fees raised by an eighth. A
 * receipt counts when `confirmations` blocks stand on its block and that block is still in the
 * chain; one that leaves the chain later is sent again, the same bytes, with the next call.
 */
#ifndef SERTN_RUNTIME_ACCOUNT_H
#define SERTN_RUNTIME_ACCOUNT_H

#include "runtime/endpoints.h"
#include "runtime/journal.h"

struct account {
    struct endpoints *nodes; /* borrowed */
    struct journal *journal; /* borrowed */
    struct journal_account id;
    uint8_t key[32];
    unsigned confirmations;   /* blocks on top of the one with the transaction */
    unsigned seconds;         /* to wait for a transaction, all its attempts together */
    unsigned replace_seconds; /* after which an attempt is replaced by a dearer one */
    uint64_t most_fee;        /* wei a gas; 0: whatever it takes */
    double reminded;          /* when the nodes last got all that is open, by machine_seconds */
};

struct account_result {
    uint64_t gas, block_number, nonce;
    char hash[JOURNAL_HASH_TEXT];
    bool was_known;  /* the name was in the journal already */
    bool is_pending; /* with STATUS_IO: it is in the journal and time is up, nothing worse */
};

/*
 * Binds a key to nodes and journal; confirmations 0, 300 seconds, replaced after 60. Errors:
 * STATUS_BAD_INPUT for a key that is none, or a journal of another chain. account_close wipes the
 * key.
 */
enum status account_open(struct account *account, struct endpoints *nodes, struct journal *journal,
                         const uint8_t key[32], struct diag *diag) SERTN_MUST_CHECK;
void account_close(struct account *account);

/*
 * Sends a call under a name and waits for it. gas_limit 0: estimated, and a fifth more. Errors:
 * STATUS_REJECTED when it reverts (before sending: nothing is journaled), when it was mined and
 * failed, or its nonce went to a stranger's transaction; STATUS_BAD_INPUT when the account cannot
 * pay it; STATUS_LIMIT above most_fee; STATUS_IO when nodes fail or time is up: it stays in the
 * journal, and the same call goes on with it.
 */
enum status account_send(struct account_result *result, struct account *account, const char *name,
                         const uint8_t to[20], const struct buffer *data, uint64_t gas_limit,
                         struct diag *diag) SERTN_MUST_CHECK;

/* The gas that a call takes, as the nodes see it, and no more. Errors: STATUS_REJECTED when it
 * reverts, or takes more than one transaction may; STATUS_IO. */
enum status account_estimate(uint64_t *gas, struct account *account, const uint8_t to[20],
                             const struct buffer *data, struct diag *diag) SERTN_MUST_CHECK;
/* Most gas that one transaction may take (EIP-7825). */
enum { ACCOUNT_GAS_MOST = 1 << 24 };

/* Settles those open transactions of the journal that are mined and have their blocks, without
 * waiting and without sending: whoever sent them may never ask for them again. Errors: STATUS_IO.
 */
enum status account_settle_mined(struct account *account, struct diag *diag) SERTN_MUST_CHECK;

/* Goes on with every transaction of the journal that is open; *settled counts those that are so no
 * more. What was reverted is settled too. Errors: STATUS_IO. */
enum status account_resume(size_t *settled, struct account *account,
                           struct diag *diag) SERTN_MUST_CHECK;

#endif
