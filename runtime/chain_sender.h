/*
 * Who sends transactions to a chain: the key of a keystore, through the journal, or, on a
 * development chain, an account that the node has unlocked. Private to runtime/chain.
 */
#ifndef SERTN_RUNTIME_CHAIN_SENDER_H
#define SERTN_RUNTIME_CHAIN_SENDER_H

#include "runtime/abi.h"
#include "runtime/signer.h"

/* Text of an address with 0x and its final zero. */
enum { CHAIN_ADDRESS_TEXT = 43 };

struct chain_sender {
    struct endpoints *nodes; /* borrowed */
    bool has_key;
    struct journal journal; /* these two when has_key */
    struct account account;
    char unlocked[CHAIN_ADDRESS_TEXT]; /* else: an account of the first node */
};

/*
 * Without a keystore: the first node's first unlocked account. Errors: STATUS_IO when it has none;
 * those of signer_open. Life cycle: open, close, which wipes the key and is safe on a zeroed one.
 */
enum status chain_sender_open(struct chain_sender *sender, struct endpoints *nodes,
                              const struct signer_options *options,
                              struct diag *diag) SERTN_MUST_CHECK;
void chain_sender_close(struct chain_sender *sender);

/*
 * Sends data to an address and waits until it is mined; *gas is what the whole transaction used.
 * name: what it is, for the journal; a transaction of this name that was sent before is not sent
 * again. limit: most gas it may use; 0 lets the node estimate it. Errors: those of account_send.
 */
enum status chain_send(uint64_t *gas, struct chain_sender *sender, const char *name,
                       const uint8_t to[20], const struct buffer *data, uint64_t limit,
                       struct diag *diag) SERTN_MUST_CHECK;

#endif
