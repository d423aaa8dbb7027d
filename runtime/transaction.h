/*
 * Signed Ethereum transactions: of type 2 (EIP-1559), and those before types, bound to their chain
 * (EIP-155), for chains without a base fee. And the addresses of keys.
 *
 * ECDSA over secp256k1 with deterministic nonces (RFC 6979)
 * and low s, by libsecp256k1.
 */
#ifndef SERTN_RUNTIME_TRANSACTION_H
#define SERTN_RUNTIME_TRANSACTION_H

#include <stdbool.h>

#include "ir/support/buffer.h"
#include "ir/support/status.h"

enum { TRANSACTION_ADDRESS_BYTES = 20, TRANSACTION_KEY_BYTES = 32 };

/* A call without value. Fees in wei a gas; of a legacy one `fee` is its gas price. */
struct transaction {
    bool is_legacy;
    uint64_t chain_id, nonce, priority_fee, fee, gas;
    uint8_t to[TRANSACTION_ADDRESS_BYTES];
    const struct buffer *data; /* borrowed */
};

/* Errors: STATUS_BAD_INPUT for a key that is zero or not below the order of the curve. */
enum status transaction_address(uint8_t address[TRANSACTION_ADDRESS_BYTES],
                                const uint8_t key[TRANSACTION_KEY_BYTES],
                                struct diag *diag) SERTN_MUST_CHECK;

/* Appends the bytes that eth_sendRawTransaction takes. Errors: as transaction_address;
 * STATUS_NO_MEMORY. */
enum status transaction_sign(struct buffer *out, const struct transaction *transaction,
                             const uint8_t key[TRANSACTION_KEY_BYTES],
                             struct diag *diag) SERTN_MUST_CHECK;

/*
 * Takes a transaction that transaction_sign made apart again, to make a dearer one of the same
 * call. The bytes of the call go to `data`, which `out` borrows. False for any other bytes.
 */
bool transaction_parse(struct transaction *out, struct buffer *data, const struct buffer *raw);

#endif
