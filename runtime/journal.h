/*
 * The journal of transactions: what an account means to send is on the disk, signed, before a node
 * sees it, so that whoever is killed and started again sends the same bytes and never pays twice.
 *
 * A SQLite database, written through to the disk at every step. An entry has a name given by the
 * caller ("publish <digest>"), one nonce for good, and one attempt or more: the same call with
 * higher fees. Whichever of them is mined settles it. Several processes may share a journal.
 */
#ifndef SERTN_RUNTIME_JOURNAL_H
#define SERTN_RUNTIME_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/database.h"

/* ORDER journal_state: the numbers in the file. */
enum journal_state {
    JOURNAL_OPEN = 0,     /* signed; sent or not */
    JOURNAL_MINED = 1,    /* done */
    JOURNAL_REVERTED = 2, /* mined and failed */
    JOURNAL_LOST = 3,     /* its nonce went to a transaction that is not ours */
};

/* Texts of hashes and addresses with 0x and their final zero. */
enum { JOURNAL_HASH_TEXT = 67, JOURNAL_ADDRESS_TEXT = 43, JOURNAL_NAME_BYTES = 300 };

struct journal {
    struct database database;
};

struct journal_attempt {
    char hash[JOURNAL_HASH_TEXT];
    uint64_t fee, priority_fee;
    struct buffer raw; /* owned */
};

struct journal_entry {
    int64_t id;
    uint64_t nonce;
    enum journal_state state;
    char hash[JOURNAL_HASH_TEXT];  /* of the attempt that was mined */
    char block[JOURNAL_HASH_TEXT]; /* the hash of its block */
    uint64_t block_number, gas;
};

/* Whose entries: one account on one chain. */
struct journal_account {
    uint64_t chain_id;
    char address[JOURNAL_ADDRESS_TEXT];
};

/* Opens or makes a journal. Errors: STATUS_BAD_INPUT for a file that is none, or of another
 * version; STATUS_IO. */
enum status journal_open(struct journal *journal, const char *path,
                         struct diag *diag) SERTN_MUST_CHECK;
void journal_close(struct journal *journal);

/*
 * Binds the chain id to the hash of block 0 at first use. Errors: STATUS_BAD_INPUT when the journal
 * knows another chain under this id (a development chain that was started anew): its nonces mean
 * nothing here.
 */
enum status journal_bind_chain(struct journal *journal, uint64_t chain_id, const char *genesis,
                               struct diag *diag) SERTN_MUST_CHECK;

/* *found says whether there is an entry of this name. */
enum status journal_find(bool *found, struct journal_entry *entry, struct journal *journal,
                         const struct journal_account *account, const char *name,
                         struct diag *diag) SERTN_MUST_CHECK;

/* Gives the name of an entry that is open, the one with the least nonce above `after` (-1: from the
 * first); *found says whether there is one. */
enum status journal_next_open(bool *found, char name[JOURNAL_NAME_BYTES], int64_t *nonce,
                              struct journal *journal, const struct journal_account *account,
                              int64_t after, struct diag *diag) SERTN_MUST_CHECK;

/* Opens again what was mined with a nonce from `nonce` on: the chain that had it is gone. *any says
 * whether there was something. */
enum status journal_reopen(bool *any, struct journal *journal,
                           const struct journal_account *account, uint64_t nonce,
                           struct diag *diag) SERTN_MUST_CHECK;

/* One more than the highest nonce of the account, 0 without entries. */
enum status journal_next_nonce(uint64_t *nonce, struct journal *journal,
                               const struct journal_account *account,
                               struct diag *diag) SERTN_MUST_CHECK;

/* Between these nobody else writes, so that nonces are given once. journal_end keeps what was
 * written when `keep`, else nothing of it. */
enum status journal_begin(struct journal *journal, struct diag *diag) SERTN_MUST_CHECK;
enum status journal_end(struct journal *journal, bool keep, struct diag *diag) SERTN_MUST_CHECK;

/* Adds an entry with its first attempt. Requires: within journal_begin and journal_end. */
enum status journal_add(struct journal_entry *entry, struct journal *journal,
                        const struct journal_account *account, const char *name, uint64_t nonce,
                        const struct journal_attempt *attempt, struct diag *diag) SERTN_MUST_CHECK;
/* One more attempt of an entry. */
enum status journal_add_attempt(struct journal *journal, int64_t id,
                                const struct journal_attempt *attempt,
                                struct diag *diag) SERTN_MUST_CHECK;
/* Attempt number n, from the newest on; *found says whether there is one. The caller releases its
 * raw. */
enum status journal_attempt(bool *found, struct journal_attempt *attempt, struct journal *journal,
                            int64_t id, unsigned n, struct diag *diag) SERTN_MUST_CHECK;

/*
 * Forgets entries that are settled beyond the last `keep` of them, by nonce, all at once or
 * nothing. Their names are as new then: for what the chain does once however often it is asked.
 * Requires: keep > 0, and more than a reorganisation could take back, or nonces would be missing.
 */
enum status journal_forget(struct journal *journal, const struct journal_account *account,
                           uint64_t keep, struct diag *diag) SERTN_MUST_CHECK;

/* Writes state, hash, block, block_number and gas of the entry. */
enum status journal_settle(struct journal *journal, const struct journal_entry *entry,
                           struct diag *diag) SERTN_MUST_CHECK;

#endif
