/*
 * Who signs: the key of a keystore, with the journal that its transactions are written to before
 * they are sent. What the commands of all programs that send anything stand on.
 */
#ifndef SERTN_RUNTIME_SIGNER_H
#define SERTN_RUNTIME_SIGNER_H

#include "runtime/account.h"

struct signer_options {
    const char *keystore;
    const char *password_file; /* null: asked at the terminal */
    const char *journal;       /* null: signer_default_journal */
    uint64_t most_fee;         /* wei a gas; 0: SIGNER_MOST_FEE */
};

/* A node that invents a fee does not empty an account: above 200 gwei a gas nothing is sent unless
 * the user raises the limit. */
#define SIGNER_MOST_FEE (UINT64_C(200) * 1000000000)

/*
 * $XDG_DATA_HOME/sertn/journal, else ~/.local/share/sertn/journal. A development chain has one of
 * its own, by the hash of its first block: it is started anew again and again, each time without
 * what was sent before. Owned text. Errors: those of storage_default_folder; STATUS_IO.
 */
enum status signer_default_journal(char **path, struct endpoints *nodes,
                                   struct diag *diag) SERTN_MUST_CHECK;

/*
 * Opens keystore, journal and account. nodes, journal: borrowed by the account. Errors: those of
 * keystore_open, journal_open and account_open; STATUS_BAD_INPUT without a keystore. signer_close
 * wipes the key, and is safe on zeroed ones and after a failure.
 */
enum status signer_open(struct journal *journal, struct account *account, struct endpoints *nodes,
                        const struct signer_options *options, struct diag *diag) SERTN_MUST_CHECK;
void signer_close(struct journal *journal, struct account *account);

/*
 * account_send under a name, as "deploy 4e59...". A transaction of this name that failed, or lost
 * its nonce, in an earlier call is not the last word: the next one is named with a number. What is
 * under way or done is found under its name, and nothing is sent twice.
 */
enum status signer_send(struct account_result *result, struct account *account, const char *name,
                        const uint8_t to[20], const struct buffer *data, uint64_t gas_limit,
                        struct diag *diag) SERTN_MUST_CHECK;

#endif
