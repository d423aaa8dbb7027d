/* See signature.h. */
#include "runtime/signature.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdio.h>
#include <string.h>

#include "backend/field/system_random.h"
#include "backend/hash/keccak.h"

/* ---- digests -------------------------------------------------------------------------------- */

void eip191_digest(uint8_t digest[32], const void *message, size_t count)
{
    static const char head[] = "\x19"
                               "Ethereum Signed Message:\n";
    char length[24];
    struct keccak256 hash;
    int digits = snprintf(length, sizeof length, "%zu", count);
    keccak256_init(&hash);
    keccak256_update(&hash, head, sizeof head - 1);
    keccak256_update(&hash, length, (size_t)digits);
    keccak256_update(&hash, message, count);
    keccak256_final(&hash, digest);
}

void eip712_domain_separator(uint8_t separator[32], const struct eip712_domain *domain)
{
    uint8_t words[4 * 32] = {0};
    keccak256(words, domain->name, strlen(domain->name));
    keccak256(words + 32, domain->version, strlen(domain->version));
    for (int i = 0; i < 8; i++)
        words[95 - i] = (uint8_t)(domain->chain_id >> (8 * i));
    memcpy(words + 96 + 12, domain->contract, 20);
    eip712_struct_hash(
        separator,
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)", words,
        sizeof words);
}

void eip712_struct_hash(uint8_t hash[32], const char *type, const uint8_t *words, size_t count)
{
    struct keccak256 state;
    uint8_t type_hash[32];
    keccak256(type_hash, type, strlen(type));
    keccak256_init(&state);
    keccak256_update(&state, type_hash, sizeof type_hash);
    keccak256_update(&state, words, count);
    keccak256_final(&state, hash);
}

void eip712_digest(uint8_t digest[32], const uint8_t separator[32], const uint8_t hash[32])
{
    uint8_t bytes[2 + 64] = {0x19, 0x01};
    memcpy(bytes + 2, separator, 32);
    memcpy(bytes + 34, hash, 32);
    keccak256(digest, bytes, sizeof bytes);
}

/* ---- keys ----------------------------------------------------------------------------------- */

/* A context, blinded where the system has random bytes; null without memory. */
static secp256k1_context *open_context(void)
{
    uint8_t seed[32];
    secp256k1_context *context =
        secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
    if (context != NULL && system_random_fill(seed, sizeof seed) &&
        secp256k1_context_randomize(context, seed) != 1) {
        secp256k1_context_destroy(context);
        context = NULL;
    }
    explicit_bzero(seed, sizeof seed);
    return context;
}

static enum status check_key(const secp256k1_context *context, const uint8_t *key,
                             struct diag *diag)
{
    if (context == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to sign");
    return secp256k1_ec_seckey_verify(context, key) == 1
               ? STATUS_OK
               : diag_set(diag, STATUS_BAD_INPUT, "the key is none of secp256k1");
}

static void close_context(secp256k1_context *context)
{
    if (context != NULL)
        secp256k1_context_destroy(context);
}

enum status signature_sign(uint8_t signature[SIGNATURE_BYTES], const uint8_t digest[32],
                           const uint8_t key[SIGNATURE_KEY_BYTES], struct diag *diag)
{
    secp256k1_ecdsa_recoverable_signature made;
    int parity = 0;
    secp256k1_context *context = open_context();
    enum status status = check_key(context, key, diag);
    if (status == STATUS_OK) {
        /* Neither fails for a key that is one. */
        bool done =
            secp256k1_ecdsa_sign_recoverable(context, &made, digest, key, NULL, NULL) == 1 &&
            secp256k1_ecdsa_recoverable_signature_serialize_compact(context, signature, &parity,
                                                                    &made) == 1;
        ASSERT(done);
        signature[64] = (uint8_t)(27 + parity);
    }
    close_context(context);
    return status;
}

enum status signature_public_key(uint8_t point[SIGNATURE_POINT_BYTES],
                                 const uint8_t key[SIGNATURE_KEY_BYTES], struct diag *diag)
{
    secp256k1_pubkey made;
    size_t count = SIGNATURE_POINT_BYTES;
    secp256k1_context *context = open_context();
    enum status status = check_key(context, key, diag);
    if (status == STATUS_OK) {
        bool done = secp256k1_ec_pubkey_create(context, &made, key) == 1 &&
                    secp256k1_ec_pubkey_serialize(context, point, &count, &made,
                                                  SECP256K1_EC_UNCOMPRESSED) == 1;
        ASSERT(done);
    }
    close_context(context);
    return status;
}

/* Whether s, as it is sent, is above half the order. */
static bool is_high(const secp256k1_context *context, const uint8_t signature[SIGNATURE_BYTES])
{
    secp256k1_ecdsa_signature plain;
    return secp256k1_ecdsa_signature_parse_compact(context, &plain, signature) != 1 ||
           secp256k1_ecdsa_signature_normalize(context, NULL, &plain) == 1;
}

enum status signature_recover(uint8_t address[20], const uint8_t digest[32],
                              const uint8_t signature[SIGNATURE_BYTES], struct diag *diag)
{
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_pubkey signer;
    uint8_t point[SIGNATURE_POINT_BYTES], hash[32];
    size_t count = sizeof point;
    int parity = signature[64] - 27;
    secp256k1_context *context = open_context();
    if (context == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to check a signature");
    bool good = (parity == 0 || parity == 1) && !is_high(context, signature) &&
                secp256k1_ecdsa_recoverable_signature_parse_compact(context, &parsed, signature,
                                                                    parity) == 1 &&
                secp256k1_ecdsa_recover(context, &signer, &parsed, digest) == 1 &&
                secp256k1_ec_pubkey_serialize(context, point, &count, &signer,
                                              SECP256K1_EC_UNCOMPRESSED) == 1;
    secp256k1_context_destroy(context);
    if (!good)
        return diag_set(diag, STATUS_REJECTED, "the signature is none");
    keccak256(hash, point + 1, sizeof point - 1);
    memcpy(address, hash + 12, 20);
    return STATUS_OK;
}
