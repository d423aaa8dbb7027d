/* See transaction.h. */
#include "runtime/transaction.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <string.h>

#include "backend/hash/keccak.h"

enum { SCALAR = 32, POINT = 65, TYPE = 2 };

/* ---- RLP ---- */

/* Length prefix: `base` is 0x80 for text, 0xc0 for lists. */
static void put_length(struct buffer *out, unsigned base, size_t count)
{
    uint8_t big_endian[8];
    unsigned used = 0;
    if (count < 56) {
        buffer_put_u8(out, (uint8_t)(base + count));
        return;
    }
    for (size_t rest = count; rest > 0; rest >>= 8)
        used++;
    for (unsigned i = 0; i < used; i++)
        big_endian[i] = (uint8_t)(count >> (8 * (used - 1 - i)));
    buffer_put_u8(out, (uint8_t)(base + 55 + used));
    buffer_put(out, big_endian, used);
}

static void put_bytes(struct buffer *out, const uint8_t *bytes, size_t count)
{
    if (count != 1 || bytes[0] >= 0x80)
        put_length(out, 0x80, count);
    buffer_put(out, bytes, count);
}

/* A number is its big-endian bytes without leading zeros; zero is none. */
static void put_number(struct buffer *out, const uint8_t *bytes, size_t count)
{
    while (count > 0 && bytes[0] == 0) {
        bytes++;
        count--;
    }
    put_bytes(out, bytes, count);
}

static void put_u64(struct buffer *out, uint64_t value)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (56 - 8 * i));
    put_number(out, bytes, sizeof bytes);
}

static void put_fields(struct buffer *out, const struct transaction *t)
{
    put_u64(out, t->chain_id);
    put_u64(out, t->nonce);
    put_u64(out, t->priority_fee);
    put_u64(out, t->fee);
    put_u64(out, t->gas);
    put_bytes(out, t->to, sizeof t->to);
    put_u64(out, 0); /* value */
    put_bytes(out, t->data->data, t->data->count);
    put_length(out, 0xc0, 0); /* access list */
}

static void put_envelope(struct buffer *out, const struct buffer *fields)
{
    buffer_put_u8(out, TYPE);
    put_length(out, 0xc0, fields->count);
    buffer_put(out, fields->data, fields->count);
}

/* ---- keys ---- */

/* A signing context with a key that is known to be one; null otherwise. */
static secp256k1_context *open_context(const uint8_t key[TRANSACTION_KEY_BYTES], struct diag *diag,
                                       enum status *status)
{
    secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
    *status = STATUS_OK;
    if (context == NULL)
        *status = diag_set(diag, STATUS_NO_MEMORY, "no memory to sign");
    else if (secp256k1_ec_seckey_verify(context, key) != 1)
        *status = diag_set(diag, STATUS_BAD_INPUT, "the keystore holds no key of secp256k1");
    if (*status == STATUS_OK)
        return context;
    if (context != NULL)
        secp256k1_context_destroy(context);
    return NULL;
}

enum status transaction_address(uint8_t address[TRANSACTION_ADDRESS_BYTES],
                                const uint8_t key[TRANSACTION_KEY_BYTES], struct diag *diag)
{
    secp256k1_pubkey point;
    uint8_t bytes[POINT], digest[KECCAK256_BYTES];
    size_t count = sizeof bytes;
    enum status status;
    secp256k1_context *context = open_context(key, diag, &status);
    if (context == NULL)
        return status;
    /* Neither fails for a key that is one. */
    bool done = secp256k1_ec_pubkey_create(context, &point, key) == 1 &&
                secp256k1_ec_pubkey_serialize(context, bytes, &count, &point,
                                              SECP256K1_EC_UNCOMPRESSED) == 1;
    ASSERT(done);
    secp256k1_context_destroy(context);
    keccak256(digest, bytes + 1, sizeof bytes - 1);
    memcpy(address, digest + sizeof digest - TRANSACTION_ADDRESS_BYTES, TRANSACTION_ADDRESS_BYTES);
    return STATUS_OK;
}

static enum status sign(struct buffer *fields, const uint8_t key[TRANSACTION_KEY_BYTES],
                        struct diag *diag)
{
    struct buffer unsigned_bytes = {0};
    uint8_t digest[KECCAK256_BYTES], scalars[2 * SCALAR];
    secp256k1_ecdsa_recoverable_signature signature;
    int parity = 0;
    enum status status;
    secp256k1_context *context = open_context(key, diag, &status);
    if (context == NULL)
        return status;
    put_envelope(&unsigned_bytes, fields);
    status = buffer_status(&unsigned_bytes, diag);
    if (status == STATUS_OK) {
        keccak256(digest, unsigned_bytes.data, unsigned_bytes.count);
        bool done =
            secp256k1_ecdsa_sign_recoverable(context, &signature, digest, key, NULL, NULL) == 1 &&
            secp256k1_ecdsa_recoverable_signature_serialize_compact(context, scalars, &parity,
                                                                    &signature) == 1;
        ASSERT(done);
        put_u64(fields, (uint64_t)parity);
        put_number(fields, scalars, SCALAR);
        put_number(fields, scalars + SCALAR, SCALAR);
    }
    secp256k1_context_destroy(context);
    buffer_release(&unsigned_bytes);
    return status;
}

enum status transaction_sign(struct buffer *out, const struct transaction *transaction,
                             const uint8_t key[TRANSACTION_KEY_BYTES], struct diag *diag)
{
    struct buffer fields = {0};
    put_fields(&fields, transaction);
    enum status status = buffer_status(&fields, diag);
    if (status == STATUS_OK)
        status = sign(&fields, key, diag);
    if (status == STATUS_OK) {
        put_envelope(out, &fields);
        status = buffer_status(out, diag);
    }
    buffer_release(&fields);
    return status;
}
