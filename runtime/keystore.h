/*
 * Ethereum keystores: the secret key of an account in a file, encrypted with a password.
 *
 * Version 3 of the Web3 Secret Storage Definition: key derivation by scrypt (RFC 7914) or
 * PBKDF2-HMAC-SHA-256 (RFC 8018), AES-128-CTR, and keccak256(derived[16..32) || ciphertext) as
 * authentication. OpenSSL does the first two, loaded when a keystore is opened.
 */
#ifndef SERTN_RUNTIME_KEYSTORE_H
#define SERTN_RUNTIME_KEYSTORE_H

#include <stddef.h>
#include <stdint.h>

#include "ir/support/status.h"

enum { KEYSTORE_KEY_BYTES = 32, KEYSTORE_FILE_BYTES_MAX = 1 << 16 };

/*
 * Decrypts the key of a keystore file. The caller wipes it.
 * Errors: STATUS_BAD_INPUT for a file that is no keystore, parameters beyond 1 GiB of memory, or a
 * wrong password; STATUS_IO; STATUS_NO_MEMORY.
 */
enum status keystore_open(uint8_t key[KEYSTORE_KEY_BYTES], const char *path, const char *password,
                          struct diag *diag) SERTN_MUST_CHECK;

/* The same of the file's text, with bounds of what it may cost; path is for messages. */
struct keystore_limits {
    uint64_t memory_bytes; /* of scrypt */
    uint64_t rounds;       /* of PBKDF2 */
};
enum status keystore_parse(uint8_t key[KEYSTORE_KEY_BYTES], const void *text, size_t count,
                           const char *path, const char *password,
                           const struct keystore_limits *limits,
                           struct diag *diag) SERTN_MUST_CHECK;

/*
 * Reads a password: the first line of a file, or, without one, what is typed at the terminal
 * unseen. Errors: STATUS_BAD_INPUT when there is neither, or it is longer than size - 1 bytes. The
 * caller wipes it.
 */
enum status keystore_read_password(char *password, unsigned size, const char *path,
                                   struct diag *diag) SERTN_MUST_CHECK;

#endif
