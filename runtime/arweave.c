/* See arweave.h. */
#include "runtime/arweave.h"

#include <cjson/cJSON.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/sha256.h"
#include "runtime/arweave_item.h"
#include "runtime/base64url.h"
#include "runtime/http.h"
#include "runtime/signature.h"

/* ---- deep hash ------------------------------------------------------------------------------ */

enum { H = ARWEAVE_DEEP_HASH_BYTES };

static enum status sha384(uint8_t out[H], const void *bytes, size_t count, struct diag *diag)
{
    return EVP_Digest(bytes, count, out, NULL, EVP_sha384(), NULL) == 1
               ? STATUS_OK
               : diag_set(diag, STATUS_NO_MEMORY, "OpenSSL cannot hash");
}

/* out = H(H(word || count) || tail) where tail is H(bytes) for a blob, nothing for a list. */
static enum status hash_head(uint8_t out[H], const char *word, size_t count, struct diag *diag)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%s%zu", word, count);
    return sha384(out, text, (size_t)length, diag);
}

enum status arweave_deep_hash(uint8_t hash[H], const struct arweave_node *node, struct diag *diag)
{
    uint8_t pair[2 * H];
    bool is_list = node->items != NULL;
    enum status status = hash_head(pair, is_list ? "list" : "blob", node->count, diag);
    if (status == STATUS_OK && !is_list) {
        status = sha384(pair + H, node->bytes, node->count, diag);
        if (status == STATUS_OK)
            status = sha384(hash, pair, sizeof pair, diag);
        return status;
    }
    for (size_t i = 0; i < node->count && status == STATUS_OK; i++) {
        status = arweave_deep_hash(pair + H, &node->items[i], diag);
        if (status == STATUS_OK)
            status = sha384(pair, pair, sizeof pair, diag);
    }
    if (status == STATUS_OK)
        memcpy(hash, pair, H);
    return status;
}

/* ---- tags ----------------------------------------------------------------------------------- */

/* A long of Avro: zigzag, seven bits a byte, least first. */
static void put_long(struct buffer *out, size_t value)
{
    uint64_t rest = (uint64_t)value * 2;
    for (; rest >= 0x80; rest >>= 7)
        buffer_put_u8(out, (uint8_t)(rest | 0x80));
    buffer_put_u8(out, (uint8_t)rest);
}

static void put_text(struct buffer *out, const char *text)
{
    put_long(out, strlen(text));
    buffer_put(out, text, strlen(text));
}

static enum status put_tags(struct buffer *out, const struct arweave_tag *tags, size_t count,
                            struct diag *diag)
{
    if (count > ARWEAVE_MOST_TAGS)
        return diag_set(diag, STATUS_BAD_INPUT, "a data item takes at most %d tags",
                        ARWEAVE_MOST_TAGS);
    if (count > 0) {
        put_long(out, count);
        for (size_t i = 0; i < count; i++) {
            if (tags[i].name[0] == '\0' || tags[i].value[0] == '\0')
                return diag_set(diag, STATUS_BAD_INPUT, "a tag of a data item is empty");
            put_text(out, tags[i].name);
            put_text(out, tags[i].value);
        }
        buffer_put_u8(out, 0);
    }
    if (out->count > ARWEAVE_MOST_TAG_BYTES)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the tags of a data item take %zu bytes, at most %d", out->count,
                        ARWEAVE_MOST_TAG_BYTES);
    return buffer_status(out, diag);
}

/* ---- data items ----------------------------------------------------------------------------- */

static enum status sign_item(uint8_t signature[SIGNATURE_BYTES],
                             const uint8_t owner[SIGNATURE_POINT_BYTES], const struct buffer *tags,
                             const void *data, size_t count, const uint8_t key[32],
                             struct diag *diag)
{
    uint8_t hash[H], digest[32];
    const struct arweave_node items[] = {
        {.bytes = "dataitem", .count = 8},
        {.bytes = "1", .count = 1},
        {.bytes = "3", .count = 1},
        {.bytes = owner, .count = SIGNATURE_POINT_BYTES},
        {.bytes = "", .count = 0},
        {.bytes = "", .count = 0},
        {.bytes = tags->count == 0 ? (const void *)"" : tags->data, .count = tags->count},
        {.bytes = count == 0 ? "" : data, .count = count},
    };
    const struct arweave_node list = {.count = sizeof items / sizeof *items, .items = items};
    enum status status = arweave_deep_hash(hash, &list, diag);
    if (status != STATUS_OK)
        return status;
    eip191_digest(digest, hash, sizeof hash);
    return signature_sign(signature, digest, key, diag);
}

enum status arweave_make_item(struct buffer *item, uint8_t id[ARWEAVE_ID_BYTES], const void *data,
                              size_t count, const struct arweave_tag *tags, size_t tag_count,
                              const uint8_t key[32], struct diag *diag)
{
    struct buffer encoded = {0};
    uint8_t owner[SIGNATURE_POINT_BYTES], signature[SIGNATURE_BYTES];
    enum status status = put_tags(&encoded, tags, tag_count, diag);
    if (status == STATUS_OK)
        status = signature_public_key(owner, key, diag);
    if (status == STATUS_OK)
        status = sign_item(signature, owner, &encoded, data, count, key, diag);
    if (status == STATUS_OK) {
        buffer_put_u16(item, 3);
        buffer_put(item, signature, sizeof signature);
        buffer_put(item, owner, sizeof owner);
        buffer_put_u16(item, 0); /* neither target nor anchor */
        buffer_put_u64(item, tag_count);
        buffer_put_u64(item, encoded.count);
        buffer_put(item, encoded.data, encoded.count);
        buffer_put(item, data, count);
        sha256(id, signature, sizeof signature);
        status = buffer_status(item, diag);
    }
    buffer_release(&encoded);
    return status;
}

void arweave_id_text(char text[44], const uint8_t id[ARWEAVE_ID_BYTES])
{
    struct buffer encoded = {0};
    base64url_put(&encoded, id, ARWEAVE_ID_BYTES);
    snprintf(text, 44, "%s", buffer_text(&encoded));
    buffer_release(&encoded);
}

static enum status check_answer(const char *bundler, const struct buffer *answer, const char *id,
                                struct diag *diag)
{
    cJSON *root = cJSON_ParseWithLength((const char *)answer->data, answer->count);
    const cJSON *named = cJSON_GetObjectItemCaseSensitive(root, "id");
    enum status status = STATUS_OK;
    if (!cJSON_IsString(named))
        status = diag_set(diag, STATUS_IO, "the bundler at %s answers with something that is no id",
                          bundler);
    else if (strcmp(named->valuestring, id) != 0)
        status = diag_set(diag, STATUS_REJECTED,
                          "the bundler at %s names another item than %s, which it was given",
                          bundler, id);
    cJSON_Delete(root);
    return status;
}

enum status storage_put_arweave(char uri[STORAGE_URI_BYTES], struct storage_id *id,
                                const char *bundler, unsigned seconds, const void *bytes,
                                size_t count, const struct arweave_tag *tags, size_t tag_count,
                                const uint8_t key[32], struct diag *diag)
{
    struct http http = {0};
    struct buffer item = {0}, url = {0}, answer = {0};
    uint8_t item_id[ARWEAVE_ID_BYTES];
    char text[44] = "";
    storage_identify(id, bytes, count);
    buffer_printf(&url, "%s/tx", bundler);
    enum status status = buffer_status(&url, diag);
    if (status == STATUS_OK)
        status = arweave_make_item(&item, item_id, bytes, count, tags, tag_count, key, diag);
    /* Nobody else checks what is handed over before it stands there for good. */
    struct arweave_item read;
    if (status == STATUS_OK)
        status = arweave_open_item(&read, item.data, item.count, diag);
    if (status == STATUS_OK)
        status = http_open(&http, seconds, 1 << 16, diag);
    if (status == STATUS_OK) {
        struct http_request request = {buffer_text(&url), "application/octet-stream", item.data,
                                       item.count};
        arweave_id_text(text, item_id);
        status = http_succeed(&answer, &http, &request, diag);
    }
    if (status == STATUS_OK)
        status = check_answer(bundler, &answer, text, diag);
    if (status == STATUS_OK)
        snprintf(uri, STORAGE_URI_BYTES, "ar://%s", text);
    http_close(&http);
    buffer_release(&item);
    buffer_release(&url);
    buffer_release(&answer);
    return status;
}
