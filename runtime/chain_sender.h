/*
 * Who sends transactions to a chain: an account that the node has unlocked, or the key of a
 * keystore, with which they are signed here. Private to runtime/chain.
 */
#ifndef SERTN_RUNTIME_CHAIN_SENDER_H
#define SERTN_RUNTIME_CHAIN_SENDER_H

#include "runtime/keystore.h"
#include "runtime/rpc.h"

/* Text of an address with 0x and its final zero. */
enum { CHAIN_ADDRESS_TEXT = 43 };

struct chain_sender {
    uint64_t chain_id;
    char address[CHAIN_ADDRESS_TEXT];
    bool has_key;
    uint8_t key[KEYSTORE_KEY_BYTES];
};

/*
 * keystore NULL: the node's first unlocked account. password_file as keystore_read_password.
 * Errors: STATUS_IO when the node has no account; those of the keystore. Life cycle: open, close,
 * which wipes the key.
 */
enum status chain_sender_open(struct chain_sender *sender, struct rpc *rpc, uint64_t chain_id,
                              const char *keystore, const char *password_file,
                              struct diag *diag) SERTN_MUST_CHECK;
void chain_sender_close(struct chain_sender *sender);

/*
 * Sends data to an address and waits until it is mined; *gas is what the whole transaction used.
 * limit: most gas it may use; 0 lets the node estimate it. Errors: STATUS_IO; STATUS_REJECTED when
 * it was reverted.
 */
enum status chain_send(uint64_t *gas, struct rpc *rpc, const struct chain_sender *sender,
                       const char *to, const struct buffer *data, uint64_t limit,
                       struct diag *diag) SERTN_MUST_CHECK;

#endif
