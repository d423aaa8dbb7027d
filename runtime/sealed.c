/* See sealed.h. */
#include "runtime/sealed.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "ir/support/file.h"
#include "ir/support/file_set.h"
#include "ir/support/reader.h"
#include "runtime/proof.h"

/* What is sealed, and how refusals call it. */
struct kind {
    char magic[8];
    const char *name, *whole, *owner;
};
static const struct kind model_kind = {"SRTNSEAL", "model", "the sealed model", "owner"},
                         input_kind = {"SRTNSINP", "input", "the sealed input", "requester"};

enum {
    VERSION = 1,
    CONTENT_KEY = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    BOX = CONTENT_KEY + crypto_box_SEALBYTES,
};

static enum status start(struct diag *diag)
{
    return sodium_init() >= 0 ? STATUS_OK
                              : diag_set(diag, STATUS_DEVICE, "libsodium does not start");
}

/* The pair of keys of an account. */
static void derive(uint8_t public[SEALED_KEY_BYTES], uint8_t secret[SEALED_KEY_BYTES],
                   const uint8_t account[32])
{
    static const char domain[] = "sertn.seal.v1";
    uint8_t text[sizeof domain - 1 + 32], seed[KECCAK256_BYTES];
    memcpy(text, domain, sizeof domain - 1);
    memcpy(text + sizeof domain - 1, account, 32);
    keccak256(seed, text, sizeof text);
    crypto_box_seed_keypair(public, secret, seed);
    explicit_bzero(text, sizeof text);
    explicit_bzero(seed, sizeof seed);
}

enum status sealed_public_key(uint8_t key[SEALED_KEY_BYTES], const uint8_t account[32],
                              struct diag *diag)
{
    uint8_t secret[SEALED_KEY_BYTES];
    enum status status = start(diag);
    if (status == STATUS_OK)
        derive(key, secret, account);
    explicit_bzero(secret, sizeof secret);
    return status;
}

enum status sealed_parse_keys(uint8_t (**keys)[SEALED_KEY_BYTES], size_t *count, const char *text,
                              struct diag *diag)
{
    enum { DIGITS = 2 * SEALED_KEY_BYTES };
    size_t length = strlen(text), wanted = (length + 1) / (DIGITS + 1);
    *count = 0;
    *keys = NULL;
    if (length == 0 || (length + 1) % (DIGITS + 1) != 0)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "keys of nodes have 64 hex digits each, with commas between; a node's "
                        "operator gets its own with sertn-registry sealing-key");
    if (wanted > SEALED_NODES_MOST)
        return diag_set(diag, STATUS_LIMIT, "at most %d nodes are admitted at once",
                        SEALED_NODES_MOST);
    *keys = calloc(wanted, sizeof **keys);
    if (*keys == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for keys");
    for (size_t i = 0; i < wanted; i++) {
        char hex[2 + DIGITS + 1] = "0x";
        memcpy(hex + 2, text + i * (DIGITS + 1), DIGITS);
        if (!proof_parse_hex((*keys)[i], SEALED_KEY_BYTES, hex) ||
            (i + 1 < wanted && text[(i + 1) * (DIGITS + 1) - 1] != ',')) {
            free(*keys);
            *keys = NULL;
            return diag_set(diag, STATUS_BAD_INPUT, "'%.64s' is no key of a node", hex + 2);
        }
    }
    *count = wanted;
    return STATUS_OK;
}

/* ---- sealing -------------------------------------------------------------------------------- */

static enum status put_part(struct buffer *out, const struct model *model, const char *name,
                            struct diag *diag)
{
    struct buffer bytes = {0};
    enum status status =
        model_read_part(&bytes, model->folder, name, "only who has it can seal it", diag);
    if (status == STATUS_OK) {
        buffer_put_u64(out, bytes.count);
        buffer_put(out, bytes.data, bytes.count);
        status = buffer_status(out, diag);
    }
    if (bytes.data != NULL)
        explicit_bzero(bytes.data, bytes.count);
    buffer_release(&bytes);
    return status;
}

/* Appends a text sealed to nodes; the digest names what it belongs to. */
static enum status seal(struct buffer *out, const struct kind *kind, const uint8_t digest[32],
                        const struct buffer *text, const uint8_t (*keys)[SEALED_KEY_BYTES],
                        size_t count, struct diag *diag)
{
    uint8_t content[CONTENT_KEY], nonce[NONCE], box[BOX];
    size_t from = out->count;
    enum status status = start(diag);
    if (status != STATUS_OK)
        return status;
    randombytes_buf(content, sizeof content);
    randombytes_buf(nonce, sizeof nonce);
    buffer_put(out, kind->magic, sizeof kind->magic);
    buffer_put_u32(out, VERSION);
    buffer_put(out, digest, 32);
    buffer_put_u32(out, (uint32_t)count);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (crypto_box_seal(box, content, sizeof content, keys[i]) != 0)
            status = diag_set(diag, STATUS_BAD_INPUT, "key number %zu is none", i + 1);
        buffer_put(out, keys[i], SEALED_KEY_BYTES);
        buffer_put(out, box, sizeof box);
    }
    size_t head = out->count - from;
    if (status == STATUS_OK) {
        unsigned long long made = 0;
        buffer_put(out, nonce, sizeof nonce);
        buffer_put_u64(out, text->count + TAG);
        uint8_t *place = buffer_extend(out, text->count + TAG);
        if (place != NULL)
            crypto_aead_xchacha20poly1305_ietf_encrypt(place, &made, text->data, text->count,
                                                       out->data + from, head, NULL, nonce,
                                                       content);
        status = buffer_status(out, diag);
    }
    explicit_bzero(content, sizeof content);
    return status;
}

static void wipe(struct buffer *text)
{
    if (text->data != NULL)
        explicit_bzero(text->data, text->count);
    buffer_release(text);
}

enum status sealed_make(struct buffer *out, const struct model *model,
                        const uint8_t (*keys)[SEALED_KEY_BYTES], size_t count, struct diag *diag)
{
    struct buffer text = {0};
    if (!model->has_key)
        return diag_set(diag, STATUS_BAD_INPUT, "'%s' has no keys yet: sertn-run keys %s",
                        model->folder, model->folder);
    enum status status = put_part(&text, model, "private/parameters", diag);
    if (status == STATUS_OK)
        status = put_part(&text, model, "private/tail", diag);
    if (status == STATUS_OK)
        status = seal(out, &model_kind, model->key.digest, &text, keys, count, diag);
    wipe(&text);
    return status;
}

enum status sealed_make_input(struct buffer *out, const struct model *model,
                              const struct buffer *input, const uint8_t (*keys)[SEALED_KEY_BYTES],
                              size_t count, struct diag *diag)
{
    return seal(out, &input_kind, model->key.digest, input, keys, count, diag);
}

/* ---- opening -------------------------------------------------------------------------------- */

/* Finds our box and opens it. */
static bool open_box(uint8_t content[CONTENT_KEY], const uint8_t *nodes, size_t count,
                     const uint8_t account[32])
{
    uint8_t public[SEALED_KEY_BYTES], secret[SEALED_KEY_BYTES];
    bool found = false;
    derive(public, secret, account);
    for (size_t i = 0; i < count && !found; i++) {
        const uint8_t *node = nodes + i * (SEALED_KEY_BYTES + BOX);
        found = memcmp(node, public, SEALED_KEY_BYTES) == 0 &&
                crypto_box_seal_open(content, node + SEALED_KEY_BYTES, BOX, public, secret) == 0;
    }
    explicit_bzero(secret, sizeof secret);
    return found;
}

static enum status write_private(const struct model *model, const uint8_t *text, size_t size,
                                 struct diag *diag)
{
    static const char *const names[] = {"private/parameters", "private/tail"};
    struct file_set set = {0};
    struct reader r;
    char *folder = model_path(model->folder, "private");
    enum status status = folder == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory for a path")
                                        : file_make_dir(folder, 0700, diag);
    reader_init(&r, text, size);
    for (int i = 0; i < 2 && status == STATUS_OK; i++) {
        size_t count = reader_count(&r, 1, size);
        const uint8_t *bytes = reader_bytes(&r, count);
        char *path = model_path(model->folder, names[i]);
        status = path == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory for a path")
                              : reader_status(&r, "what was sealed", diag);
        if (status == STATUS_OK)
            status = file_set_add(&set, path, bytes, count, FILE_MODE_PRIVATE, true, diag);
        free(path);
    }
    if (status == STATUS_OK)
        status = reader_finish(&r, "what was sealed", diag);
    if (status == STATUS_OK)
        status = file_set_commit(&set, diag);
    else
        file_set_abandon(&set);
    free(folder);
    return status;
}

/* A sealed file, taken apart; all borrowed. */
struct parts {
    const uint8_t *digest, *nodes, *nonce, *cipher;
    size_t node_count, head, cipher_bytes;
};

static enum status take_apart(struct parts *p, const struct kind *kind, const struct buffer *sealed,
                              struct diag *diag)
{
    struct reader r;
    reader_init(&r, sealed->data, sealed->count);
    const uint8_t *given = reader_bytes(&r, sizeof kind->magic);
    if (given == NULL || memcmp(given, kind->magic, sizeof kind->magic) != 0)
        return diag_set(diag, STATUS_BAD_INPUT, "this is no sealed %s", kind->name);
    uint32_t version = reader_u32(&r);
    if (version != VERSION)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s has version %u and this program reads version %d", kind->whole, version,
                        VERSION);
    p->digest = reader_bytes(&r, 32);
    p->node_count = reader_u32(&r);
    if (p->node_count > SEALED_NODES_MOST)
        reader_fail(&r);
    p->nodes = reader_bytes(&r, p->node_count * (SEALED_KEY_BYTES + BOX));
    p->head = r.offset;
    p->nonce = reader_bytes(&r, NONCE);
    p->cipher_bytes = reader_count(&r, 1, sealed->count);
    p->cipher = reader_bytes(&r, p->cipher_bytes);
    if (p->cipher_bytes < TAG)
        reader_fail(&r);
    return reader_finish(&r, kind->whole, diag);
}

/* Appends what is sealed to this account and belongs to the digest. */
static enum status open_sealed(struct buffer *text, const struct kind *kind,
                               const struct buffer *sealed, const struct model *model,
                               const uint8_t account[32], struct diag *diag)
{
    uint8_t content[CONTENT_KEY] = {0};
    struct parts p = {0};
    enum status status = take_apart(&p, kind, sealed, diag);
    if (status != STATUS_OK)
        return status;
    if (!model->has_key || memcmp(p.digest, model->key.digest, 32) != 0)
        return diag_set(diag, STATUS_REJECTED, "%s is of another model than '%s'", kind->whole,
                        model->folder);
    status = start(diag);
    if (status == STATUS_OK && !open_box(content, p.nodes, p.node_count, account))
        status = diag_set(diag, STATUS_REJECTED,
                          "the %s is not sealed to this account; its %s has to admit the key that "
                          "sertn-registry sealing-key prints",
                          kind->name, kind->owner);
    size_t from = text->count;
    uint8_t *place = status == STATUS_OK ? buffer_extend(text, p.cipher_bytes - TAG) : NULL;
    if (status == STATUS_OK)
        status = buffer_status(text, diag);
    unsigned long long made = 0;
    if (status == STATUS_OK &&
        crypto_aead_xchacha20poly1305_ietf_decrypt(place, &made, NULL, p.cipher, p.cipher_bytes,
                                                   sealed->data, p.head, p.nonce, content) != 0) {
        text->count = from;
        status = diag_set(diag, STATUS_REJECTED, "%s is damaged or was changed", kind->whole);
    }
    explicit_bzero(content, sizeof content);
    return status;
}

enum status sealed_open(const struct buffer *sealed, const struct model *model,
                        const uint8_t account[32], struct diag *diag)
{
    struct buffer text = {0};
    enum status status = open_sealed(&text, &model_kind, sealed, model, account, diag);
    if (status == STATUS_OK)
        status = write_private(model, text.data, text.count, diag);
    wipe(&text);
    return status;
}

bool sealed_is_input(const struct buffer *bytes)
{
    return bytes->count >= sizeof input_kind.magic &&
           memcmp(bytes->data, input_kind.magic, sizeof input_kind.magic) == 0;
}

enum status sealed_open_input(struct buffer *input, const struct buffer *sealed,
                              const struct model *model, const uint8_t account[32],
                              struct diag *diag)
{
    return open_sealed(input, &input_kind, sealed, model, account, diag);
}
