/*
 * RSA keys as JSON web keys (RFC 7517, 7518): wallets of Arweave. Signatures are RSA-PSS with
 * SHA-256 and 32 bytes of salt (RFC 8017). OpenSSL does the arithmetic, loaded when a key is
 * opened.
 */
#ifndef SERTN_RUNTIME_JWK_H
#define SERTN_RUNTIME_JWK_H

#include "ir/support/buffer.h"
#include "ir/support/status.h"

enum { JWK_BYTES = 512, JWK_FILE_BYTES_MAX = 1 << 16 };

struct jwk {
    void *key;                /* EVP_PKEY *, owned */
    uint8_t owner[JWK_BYTES]; /* the modulus, which names the key */
    char address[44];         /* base64url of its SHA-256 */
};

/*
 * Reads a key of 4096 bits with its private parts. The key is checked: the public exponent is
 * 65537, and a signature made with it verifies. Errors: STATUS_BAD_INPUT for a file that is no such
 * key; STATUS_IO; STATUS_NO_MEMORY. Life cycle: jwk_open, jwk_close (safe on a zeroed one and after
 * a failure).
 */
enum status jwk_open(struct jwk *jwk, const char *path, struct diag *diag) SERTN_MUST_CHECK;
/* The same of the file's text; path is for messages. */
enum status jwk_parse(struct jwk *jwk, const void *text, size_t count, const char *path,
                      struct diag *diag) SERTN_MUST_CHECK;
void jwk_close(struct jwk *jwk);

/* Signs bytes. Errors: STATUS_DEVICE when OpenSSL does not. */
enum status jwk_sign(uint8_t signature[JWK_BYTES], const struct jwk *jwk, const void *bytes,
                     size_t count, struct diag *diag) SERTN_MUST_CHECK;
/* Whether a signature of bytes is one of this owner's; any length of salt is. */
bool jwk_verify(const uint8_t signature[JWK_BYTES], const uint8_t owner[JWK_BYTES],
                const void *bytes, size_t count);

#endif
