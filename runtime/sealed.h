/*
 * What a node needs of a private model, encrypted to the nodes that its owner admits: weights and
 * the random rows of their commitment, which never leave the owner otherwise.
 *
 * A sealed file has a content key in a sealed box (X25519, XSalsa20-Poly1305) for each admitted
 * node, and the two private files under that key (XChaCha20-Poly1305), which also covers the list
 * of nodes and names the verifying key. libsodium does both, loaded when first used. A node's pair
 * of keys follows from the key of its account, so that a keystore is all it keeps.
 *
 * Layout: "SRTNSEAL", u32 version, digest of the verifying key, u32 count, then for each node its
 * public key and the box, 80 bytes; nonce, 24 bytes; u64 count, ciphertext. The text: twice u64
 * count and bytes, of private/parameters and private/tail.
 */
#ifndef SERTN_RUNTIME_SEALED_H
#define SERTN_RUNTIME_SEALED_H

#include "runtime/model.h"

enum { SEALED_KEY_BYTES = 32, SEALED_NODES_MOST = 1000 };

/* The public key that models are sealed to, for a node with this account key. Errors:
 * STATUS_DEVICE when libsodium does not start. */
enum status sealed_public_key(uint8_t key[SEALED_KEY_BYTES], const uint8_t account[32],
                              struct diag *diag) SERTN_MUST_CHECK;

/* Reads keys of 64 hex digits, commas between; *keys is owned by the caller. Errors:
 * STATUS_BAD_INPUT; STATUS_LIMIT. */
enum status sealed_parse_keys(uint8_t (**keys)[SEALED_KEY_BYTES], size_t *count, const char *text,
                              struct diag *diag) SERTN_MUST_CHECK;

/* Appends the sealed file of a model with keys, for these nodes. Errors: STATUS_BAD_INPUT when the
 * model has no private files, or a key is none; STATUS_NO_MEMORY. */
enum status sealed_make(struct buffer *out, const struct model *model,
                        const uint8_t (*keys)[SEALED_KEY_BYTES], size_t count,
                        struct diag *diag) SERTN_MUST_CHECK;

/*
 * Opens a sealed file and writes private/ of the model, mode 0600. Errors: STATUS_REJECTED when it
 * is of another model, not for this account, or damaged; STATUS_BAD_INPUT for what is no such file;
 * STATUS_IO. Nothing is written then.
 */
enum status sealed_open(const struct buffer *sealed, const struct model *model,
                        const uint8_t account[32], struct diag *diag) SERTN_MUST_CHECK;

/*
 * An input for the nodes that a requester admits, sealed the same way: "SRTNSINP" in the place of
 * "SRTNSEAL", the input (hidden_input.h) as the text. Requires: the model has its verifying key.
 * Errors: as sealed_make and sealed_open; what is opened is appended, and nothing else.
 */
enum status sealed_make_input(struct buffer *out, const struct model *model,
                              const struct buffer *input, const uint8_t (*keys)[SEALED_KEY_BYTES],
                              size_t count, struct diag *diag) SERTN_MUST_CHECK;
bool sealed_is_input(const struct buffer *bytes);
enum status sealed_open_input(struct buffer *input, const struct buffer *sealed,
                              const struct model *model, const uint8_t account[32],
                              struct diag *diag) SERTN_MUST_CHECK;

#endif
