/*
 * Signatures of messages and of structured data by Ethereum accounts: EIP-191, EIP-712. What
 * transactions sign is in transaction.h.
 */
#ifndef SERTN_RUNTIME_SIGNATURE_H
#define SERTN_RUNTIME_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include "ir/support/status.h"

/* r, s, v with v 27 or 28; s in the lower half. */
enum { SIGNATURE_BYTES = 65, SIGNATURE_KEY_BYTES = 32, SIGNATURE_POINT_BYTES = 65 };

/* digest = keccak256("\x19Ethereum Signed Message:\n" || length in decimal || message). */
void eip191_digest(uint8_t digest[32], const void *message, size_t count);

/* The domain of EIP-712 with name, version, chainId and verifyingContract. */
struct eip712_domain {
    const char *name, *version;
    uint64_t chain_id;
    uint8_t contract[20];
};

/* The hash of a domain. */
void eip712_domain_separator(uint8_t separator[32], const struct eip712_domain *domain);

/* hash = keccak256(keccak256(type) || words): the hash of a structure of this type, as
 * "Job(uint256 model,bytes32 input)". words has 32 bytes a member: numbers big-endian, dynamic
 * members and structures by their hash. */
void eip712_struct_hash(uint8_t hash[32], const char *type, const uint8_t *words, size_t count);

/* digest = keccak256(0x19 0x01 || separator || hash). */
void eip712_digest(uint8_t digest[32], const uint8_t separator[32], const uint8_t hash[32]);

/* Signs a digest, deterministically (RFC 6979). Errors: STATUS_BAD_INPUT for a key that is none. */
enum status signature_sign(uint8_t signature[SIGNATURE_BYTES], const uint8_t digest[32],
                           const uint8_t key[SIGNATURE_KEY_BYTES],
                           struct diag *diag) SERTN_MUST_CHECK;

/* The public key, 04 || x || y. Errors: the same. */
enum status signature_public_key(uint8_t point[SIGNATURE_POINT_BYTES],
                                 const uint8_t key[SIGNATURE_KEY_BYTES],
                                 struct diag *diag) SERTN_MUST_CHECK;

/* The address that signed a digest. Errors: STATUS_REJECTED for what is no signature, also with s
 * in the upper half (a second one of the same message). */
enum status signature_recover(uint8_t address[20], const uint8_t digest[32],
                              const uint8_t signature[SIGNATURE_BYTES],
                              struct diag *diag) SERTN_MUST_CHECK;

#endif
