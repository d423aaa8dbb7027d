/* See transaction.h. */
#include "runtime/transaction.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "ir/support/reader.h"
#include "runtime/rlp.h"

enum { SCALAR = 32, POINT = 65, TYPE = 2 };

/* ---- what is signed ---- */

static void put_call(struct buffer *out, const struct transaction *t)
{
    rlp_put_u64(out, t->gas);
    rlp_put_bytes(out, t->to, sizeof t->to);
    rlp_put_u64(out, 0); /* value */
    rlp_put_bytes(out, t->data->data, t->data->count);
}

static void put_fields(struct buffer *out, const struct transaction *t)
{
    static const struct buffer nothing;
    if (t->is_legacy) {
        rlp_put_u64(out, t->nonce);
        rlp_put_u64(out, t->fee);
        put_call(out, t);
        return;
    }
    rlp_put_u64(out, t->chain_id);
    rlp_put_u64(out, t->nonce);
    rlp_put_u64(out, t->priority_fee);
    rlp_put_u64(out, t->fee);
    put_call(out, t);
    rlp_put_list(out, &nothing); /* access list */
}

static void put_envelope(struct buffer *out, const struct transaction *t,
                         const struct buffer *fields)
{
    if (!t->is_legacy)
        buffer_put_u8(out, TYPE);
    rlp_put_list(out, fields);
}

/* Before the signature a legacy transaction ends with the chain and two zeros. */
static void put_unsigned(struct buffer *out, const struct transaction *t,
                         const struct buffer *fields)
{
    struct buffer all = {0};
    buffer_put(&all, fields->data, fields->count);
    if (t->is_legacy) {
        rlp_put_u64(&all, t->chain_id);
        rlp_put_u64(&all, 0);
        rlp_put_u64(&all, 0);
    }
    put_envelope(out, t, &all);
    buffer_release(&all);
}

/* v: the parity, or 35 + 2 * chain id + parity, which takes more than 64 bits for large ids. */
static void put_parity(struct buffer *out, const struct transaction *t, int parity)
{
    uint8_t bytes[16];
    unsigned __int128 v = t->is_legacy ? (unsigned __int128)t->chain_id * 2 + 35 : 0;
    v += (unsigned)parity;
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(v >> (8 * (sizeof bytes - 1 - i)));
    rlp_put_number(out, bytes, sizeof bytes);
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

static enum status sign(struct buffer *fields, const struct transaction *t,
                        const uint8_t key[TRANSACTION_KEY_BYTES], struct diag *diag)
{
    struct buffer unsigned_bytes = {0};
    uint8_t digest[KECCAK256_BYTES], scalars[2 * SCALAR];
    secp256k1_ecdsa_recoverable_signature signature;
    int parity = 0;
    enum status status;
    secp256k1_context *context = open_context(key, diag, &status);
    if (context == NULL)
        return status;
    put_unsigned(&unsigned_bytes, t, fields);
    status = buffer_status(&unsigned_bytes, diag);
    if (status == STATUS_OK) {
        keccak256(digest, unsigned_bytes.data, unsigned_bytes.count);
        bool done =
            secp256k1_ecdsa_sign_recoverable(context, &signature, digest, key, NULL, NULL) == 1 &&
            secp256k1_ecdsa_recoverable_signature_serialize_compact(context, scalars, &parity,
                                                                    &signature) == 1;
        ASSERT(done);
        put_parity(fields, t, parity);
        rlp_put_number(fields, scalars, SCALAR);
        rlp_put_number(fields, scalars + SCALAR, SCALAR);
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
        status = sign(&fields, transaction, key, diag);
    if (status == STATUS_OK) {
        put_envelope(out, transaction, &fields);
        status = buffer_status(out, diag);
    }
    buffer_release(&fields);
    return status;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* The head of an item: where its content is. Lengths as put_length writes them. */
static const uint8_t *take_item(struct reader *r, unsigned base, size_t *count)
{
    uint8_t first = reader_u8(r);
    size_t length = 0;
    if (base == 0x80 && first < 0x80) { /* a byte that stands for itself */
        *count = 1;
        return r->failed ? NULL : r->data + r->offset - 1;
    }
    if (first < base || first >= base + 64) {
        reader_fail(r);
    } else if (first < base + 56) {
        length = first - base;
    } else {
        for (unsigned i = first - base - 55; i > 0; i--) {
            length = length << 8 | reader_u8(r);
            if (length > r->count)
                reader_fail(r);
        }
    }
    *count = r->failed ? 0 : length;
    return base == 0xc0 ? NULL : reader_bytes(r, length);
}

static uint64_t take_u64(struct reader *r)
{
    size_t count;
    uint64_t value = 0;
    const uint8_t *bytes = take_item(r, 0x80, &count);
    if (count > 8)
        reader_fail(r);
    for (size_t i = 0; i < count && !r->failed; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* The chain of a legacy transaction: see put_parity. */
static uint64_t take_chain(struct reader *r)
{
    size_t count;
    unsigned __int128 v = 0;
    const uint8_t *bytes = take_item(r, 0x80, &count);
    if (count > 9)
        reader_fail(r);
    for (size_t i = 0; i < count && !r->failed; i++)
        v = v << 8 | bytes[i];
    if (v < 35 || (v - 35) / 2 > UINT64_MAX)
        reader_fail(r);
    return (uint64_t)((v - 35) / 2);
}

/* What put_call wrote. */
static void take_call(struct transaction *out, struct buffer *data, struct reader *r)
{
    size_t count;
    out->gas = take_u64(r);
    const uint8_t *to = take_item(r, 0x80, &count);
    if (!r->failed && count == sizeof out->to)
        memcpy(out->to, to, count);
    else
        reader_fail(r);
    if (take_u64(r) != 0)
        reader_fail(r);
    const uint8_t *call = take_item(r, 0x80, &count);
    if (!r->failed)
        buffer_put(data, call, count);
}

bool transaction_parse(struct transaction *out, struct buffer *data, const struct buffer *raw)
{
    struct reader r;
    size_t count;
    *out = (struct transaction){.data = data, .is_legacy = raw->count > 0 && raw->data[0] >= 0xc0};
    reader_init(&r, raw->data, raw->count);
    if (!out->is_legacy && reader_u8(&r) != TYPE)
        reader_fail(&r);
    take_item(&r, 0xc0, &count);
    if (count != reader_left(&r))
        reader_fail(&r);
    out->chain_id = out->is_legacy ? 0 : take_u64(&r);
    out->nonce = take_u64(&r);
    out->priority_fee = out->is_legacy ? 0 : take_u64(&r);
    out->fee = take_u64(&r);
    take_call(out, data, &r);
    if (out->is_legacy)
        out->chain_id = take_chain(&r);
    return !r.failed && !data->failed;
}
