/*
 * Ceremonies of powers of tau on a chain: the calls of contracts/src/ceremony/Ceremony.sol, and
 * where the files of its contributions are.
 *
 * The chain keeps one hash for each contribution; the powers, and the address of the file, are in
 * its event. No store is trusted with them: a file is taken when its entries give the hashes.
 * What the powers of a file are worth, ceremony_verify says.
 */
#ifndef SERTN_RUNTIME_CEREMONY_CHAIN_H
#define SERTN_RUNTIME_CEREMONY_CHAIN_H

#include "backend/commit/ceremony.h"
#include "runtime/abi.h"
#include "runtime/account.h"
#include "runtime/storage.h"

/* BEACON_LG_ROUNDS of the contract, and how many blocks back it knows the hashes. */
enum { CEREMONY_CHAIN_LG_ROUNDS = 10, CEREMONY_CHAIN_BLOCK_HASHES = 256 };
enum { CEREMONY_CHAIN_URI_BYTES = 1025 };

struct ceremony_chain {
    struct endpoints *nodes; /* borrowed */
    uint8_t address[ABI_ADDRESS];
    uint64_t first_block; /* no event of it is older */
};

/* What the chain says of a ceremony. */
struct ceremony_state {
    uint64_t contributions, least; /* and how many it takes */
    uint64_t closes_at, window;    /* of enrolment; seconds of a turn */
    uint64_t review_ends_at;       /* last second before the beacon; 0: nobody has contributed */
    uint64_t now, block;           /* time and number of the newest block */
    uint8_t turn[ABI_ADDRESS];     /* whose it is; zero for nobody's */
    uint64_t turn_ends_at;         /* its last second */
    uint64_t beacon_block;         /* 0: not announced */
    uint8_t beacon[ABI_WORD];      /* zero until it is drawn */
    uint8_t srs_digest[ABI_WORD];  /* zero until it is over */
    bool has_turn, has_beacon, is_over;
};

/* The newest contribution, or what ended the ceremony. */
struct ceremony_entry {
    uint64_t number;
    uint8_t node[ABI_ADDRESS];
    uint8_t response[CEREMONY_HASH_BYTES];
    char uri[CEREMONY_CHAIN_URI_BYTES]; /* fit for a line; "" for what is not */
};

/* Errors: STATUS_BAD_INPUT when the address has no ceremony; STATUS_IO. */
enum status ceremony_chain_state(struct ceremony_state *state, const struct ceremony_chain *chain,
                                 struct diag *diag) SERTN_MUST_CHECK;

/* Finds the event of the last contribution, or of the end. *found is false when there is none yet.
 * Errors: STATUS_IO. */
enum status ceremony_chain_newest(bool *found, struct ceremony_entry *entry,
                                  const struct ceremony_chain *chain,
                                  const struct ceremony_state *state,
                                  struct diag *diag) SERTN_MUST_CHECK;

/*
 * Reads the newest file from where its entry says and writes it to `path`, when its entries are
 * those of the chain; what was there stays otherwise. Its powers are not verified here. Errors:
 * those of storage_get_unknown; STATUS_REJECTED for another file.
 */
enum status ceremony_chain_fetch(const char *path, const struct ceremony_chain *chain,
                                 const struct ceremony_state *state,
                                 const struct ceremony_entry *entry, const struct storage *storage,
                                 struct diag *diag) SERTN_MUST_CHECK;

/*
 * Whether a file has the contributions of the chain, by the last of them, whose hash hangs on all
 * before; *beyond says how many more the file has: none, or one. Errors: STATUS_REJECTED for
 * another ceremony, a file that lacks contributions, or has more than one more; STATUS_IO.
 */
enum status ceremony_chain_compare(size_t *beyond, const struct ceremony_chain *chain,
                                   const struct ceremony_state *state, const struct ceremony *file,
                                   struct diag *diag) SERTN_MUST_CHECK;

/*
 * Posts the last entry of a file, which is one beyond the chain's: a contribution in the turn of
 * the account's node, or the beacon's, which ends the ceremony. Errors: those of account_send;
 * STATUS_BAD_INPUT for an entry that is not what is due.
 */
enum status ceremony_chain_post(struct account_result *result, const struct ceremony_chain *chain,
                                const struct ceremony_state *state, struct account *account,
                                const struct ceremony *file, const char *uri,
                                struct diag *diag) SERTN_MUST_CHECK;

/* Puts a node into the queue. Who was passed over is put there anew, where the chain takes it; else
 * the last time stands, and was_known. Errors: those of account_send. */
enum status ceremony_chain_enroll(struct account_result *result, const struct ceremony_chain *chain,
                                  struct account *account, const uint8_t node[ABI_ADDRESS],
                                  struct diag *diag) SERTN_MUST_CHECK;

/* Ends a turn that nobody used; names the block of the beacon; takes its hash. The same errors. */
enum status ceremony_chain_skip(struct account_result *result, const struct ceremony_chain *chain,
                                const struct ceremony_state *state, struct account *account,
                                struct diag *diag) SERTN_MUST_CHECK;
enum status ceremony_chain_announce(struct account_result *result,
                                    const struct ceremony_chain *chain,
                                    const struct ceremony_state *state, struct account *account,
                                    struct diag *diag) SERTN_MUST_CHECK;
enum status ceremony_chain_draw(struct account_result *result, const struct ceremony_chain *chain,
                                const struct ceremony_state *state, struct account *account,
                                struct diag *diag) SERTN_MUST_CHECK;

#endif
