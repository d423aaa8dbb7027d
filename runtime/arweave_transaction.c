/* See arweave_transaction.h. */
#include "runtime/arweave_transaction.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/hash/sha256.h"
#include "ir/support/file.h"
#include "runtime/base64url.h"
#include "runtime/http.h"

enum { SECONDS = 60, ANSWER_BYTES = 1 << 16, RECORD_BYTES = 1 << 16, TRIES = 4, TRY_US = 250000 };

/* ---- signing -------------------------------------------------------------------------------- */

static bool is_amount(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= 20 && text[digits] == '\0' && (digits == 1 || text[0] != '0');
}

static enum status check_tags(const struct arweave_transaction *t, struct diag *diag)
{
    size_t bytes = 0;
    if (t->tag_count > ARWEAVE_MOST_TAGS)
        return diag_set(diag, STATUS_BAD_INPUT, "a transaction takes at most %d tags",
                        ARWEAVE_MOST_TAGS);
    for (size_t i = 0; i < t->tag_count; i++) {
        if (t->tags[i].name[0] == '\0' || t->tags[i].value[0] == '\0')
            return diag_set(diag, STATUS_BAD_INPUT, "a tag of a transaction is empty");
        bytes += strlen(t->tags[i].name) + strlen(t->tags[i].value);
    }
    return bytes <= ARWEAVE_MOST_TRANSACTION_TAG_BYTES
               ? STATUS_OK
               : diag_set(diag, STATUS_BAD_INPUT,
                          "the tags of a transaction take %zu bytes, at most %d", bytes,
                          ARWEAVE_MOST_TRANSACTION_TAG_BYTES);
}

static struct arweave_node text_node(const char *text)
{
    return (struct arweave_node){.bytes = text, .count = strlen(text)};
}

static enum status hash_transaction(uint8_t hash[ARWEAVE_DEEP_HASH_BYTES],
                                    const struct arweave_transaction *t, const char *size,
                                    const struct jwk *wallet, struct diag *diag)
{
    static const struct arweave_node none;
    struct arweave_node pair[ARWEAVE_MOST_TAGS][2], tag[ARWEAVE_MOST_TAGS];
    for (size_t i = 0; i < t->tag_count; i++) {
        pair[i][0] = text_node(t->tags[i].name);
        pair[i][1] = text_node(t->tags[i].value);
        tag[i] = (struct arweave_node){.count = 2, .items = pair[i]};
    }
    const struct arweave_node items[] = {
        text_node("2"),
        {.bytes = wallet->owner, .count = JWK_BYTES},
        text_node(""),  /* target */
        text_node("0"), /* quantity */
        text_node(t->reward),
        {.bytes = t->anchor, .count = t->anchor_count},
        {.count = t->tag_count, .items = t->tag_count == 0 ? &none : tag},
        text_node(size),
        {.bytes = t->data_root, .count = 32},
    };
    const struct arweave_node list = {.count = sizeof items / sizeof *items, .items = items};
    return arweave_deep_hash(hash, &list, diag);
}

static void put_field(struct buffer *json, const char *name, const void *bytes, size_t count)
{
    buffer_printf(json, "\"%s\":\"", name);
    base64url_put(json, bytes, count);
    buffer_puts(json, "\"");
}

enum status arweave_sign_transaction(struct buffer *json, char id[44],
                                     const struct arweave_transaction *t, const struct jwk *wallet,
                                     struct diag *diag)
{
    uint8_t hash[ARWEAVE_DEEP_HASH_BYTES], signature[JWK_BYTES], digest[32];
    char size[24];
    ASSERT(t->anchor_count <= ARWEAVE_ANCHOR_MOST);
    if (!is_amount(t->reward))
        return diag_set(diag, STATUS_BAD_INPUT, "'%.40s' is no reward in winston", t->reward);
    snprintf(size, sizeof size, "%" PRIu64, t->data_size);
    enum status status = check_tags(t, diag);
    if (status == STATUS_OK)
        status = hash_transaction(hash, t, size, wallet, diag);
    if (status == STATUS_OK)
        status = jwk_sign(signature, wallet, hash, sizeof hash, diag);
    if (status != STATUS_OK)
        return status;
    sha256(digest, signature, sizeof signature);
    arweave_id_text(id, digest);
    buffer_puts(json, "{\"format\":2,");
    put_field(json, "id", digest, sizeof digest);
    buffer_puts(json, ",");
    put_field(json, "last_tx", t->anchor, t->anchor_count);
    buffer_puts(json, ",");
    put_field(json, "owner", wallet->owner, JWK_BYTES);
    buffer_puts(json, ",\"tags\":[");
    for (size_t i = 0; i < t->tag_count; i++) {
        buffer_puts(json, i == 0 ? "{" : ",{");
        put_field(json, "name", t->tags[i].name, strlen(t->tags[i].name));
        buffer_puts(json, ",");
        put_field(json, "value", t->tags[i].value, strlen(t->tags[i].value));
        buffer_puts(json, "}");
    }
    buffer_printf(json, "],\"target\":\"\",\"quantity\":\"0\",\"data_size\":\"%s\",", size);
    put_field(json, "data_root", t->data_root, 32);
    buffer_printf(json, ",\"reward\":\"%s\",", t->reward);
    put_field(json, "signature", signature, sizeof signature);
    buffer_puts(json, ",\"data\":\"\"}");
    return buffer_status(json, diag);
}

/* ---- talking to a gateway ------------------------------------------------------------------- */

struct uploader {
    const struct arweave_upload *upload;
    struct http http;
    const void *bytes;
    size_t count;
    struct arweave_tree tree;
    char *record;       /* path of the signed transaction; owned */
    struct buffer json; /* the signed transaction */
    char id[44];
    bool is_old; /* it was signed in an earlier call */
};

/* Asks the gateway for a path, or gives it a body. *code is the HTTP status. */
static enum status exchange(long *code, struct buffer *answer, struct uploader *u, const char *path,
                            const struct buffer *body, struct diag *diag)
{
    struct buffer url = {0};
    buffer_printf(&url, "%s%s", u->upload->gateway, path);
    enum status status = buffer_status(&url, diag);
    if (status == STATUS_OK) {
        struct http_request request = {buffer_text(&url), body == NULL ? NULL : "application/json",
                                       body == NULL ? NULL : body->data,
                                       body == NULL ? 0 : body->count};
        status = http_exchange(code, answer, &u->http, &request, diag);
    }
    buffer_release(&url);
    return status;
}

/* What a gateway said, fit to be printed: at most 120 characters, all of them visible. */
static void to_printable(char out[124], const struct buffer *answer)
{
    size_t n = answer->count < 120 ? answer->count : 120;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(answer->data[i] >= ' ' && answer->data[i] <= '~' ? answer->data[i] : ' ');
    out[n] = '\0';
}

/* A decimal number that the gateway answers a GET with. */
static enum status ask_amount(uint64_t *out, struct uploader *u, const char *path,
                              struct diag *diag)
{
    struct buffer answer = {0};
    long code;
    enum status status = exchange(&code, &answer, u, path, NULL, diag);
    if (status == STATUS_OK &&
        (code != 200 || !is_amount(buffer_text(&answer)) || strlen(buffer_text(&answer)) > 19))
        status = diag_set(diag, STATUS_IO,
                          "the gateway %s answers GET %s with something that is no amount of "
                          "winston (HTTP status %ld)",
                          u->upload->gateway, path, code);
    if (status == STATUS_OK)
        *out = strtoull(buffer_text(&answer), NULL, 10);
    buffer_release(&answer);
    return status;
}

static enum status ask_anchor(struct arweave_transaction *t, struct uploader *u, struct diag *diag)
{
    struct buffer answer = {0}, anchor = {0};
    long code;
    enum status status = exchange(&code, &answer, u, "/tx_anchor", NULL, diag);
    if (status == STATUS_OK && (code != 200 || !base64url_take(&anchor, buffer_text(&answer)) ||
                                anchor.count == 0 || anchor.count > sizeof t->anchor))
        status = diag_set(diag, STATUS_IO,
                          "the gateway %s answers GET /tx_anchor with something that is no anchor "
                          "(HTTP status %ld)",
                          u->upload->gateway, code);
    if (status == STATUS_OK) {
        memcpy(t->anchor, anchor.data, anchor.count);
        t->anchor_count = anchor.count;
    }
    buffer_release(&anchor);
    buffer_release(&answer);
    return status;
}

static enum status ask_reward(char reward[24], struct uploader *u, struct diag *diag)
{
    uint64_t price = 0, balance = 0,
             most = u->upload->most_reward == 0 ? ARWEAVE_MOST_REWARD : u->upload->most_reward;
    char path[96];
    snprintf(path, sizeof path, "/price/%zu", u->count);
    enum status status = ask_amount(&price, u, path, diag);
    if (status == STATUS_OK && price > most)
        status = diag_set(diag, STATUS_LIMIT,
                          "the gateway %s asks %" PRIu64 " winston for %zu bytes, more than the "
                          "limit of %" PRIu64,
                          u->upload->gateway, price, u->count, most);
    snprintf(path, sizeof path, "/wallet/%s/balance", u->upload->wallet->address);
    if (status == STATUS_OK)
        status = ask_amount(&balance, u, path, diag);
    if (status == STATUS_OK && balance < price)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "the wallet %s has %" PRIu64 " winston, and %zu bytes cost %" PRIu64
                          "; send it some",
                          u->upload->wallet->address, balance, u->count, price);
    snprintf(reward, 24, "%" PRIu64, price);
    return status;
}

/* ---- the record ----------------------------------------------------------------------------- */

static bool field_is(const cJSON *root, const char *name, const void *bytes, size_t count)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, name);
    struct buffer taken = {0};
    bool same = cJSON_IsString(item) && base64url_take(&taken, item->valuestring) &&
                taken.count == count && memcmp(taken.data, bytes, count) == 0;
    buffer_release(&taken);
    return same;
}

/* The transaction that was signed for these bytes and this wallet before. */
static enum status read_record(struct uploader *u, struct diag *diag)
{
    enum status status = file_read(u->record, RECORD_BYTES, &u->json, diag);
    if (status != STATUS_OK)
        return status;
    cJSON *root = cJSON_ParseWithLength((const char *)u->json.data, u->json.count);
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(root, "id");
    static const char ending[] = ",\"data\":\"\"}";
    size_t tail = sizeof ending - 1;
    bool good = field_is(root, "data_root", u->tree.root, 32) && cJSON_IsString(id) &&
                strlen(id->valuestring) == sizeof u->id - 1 && u->json.count > tail &&
                memcmp(u->json.data + u->json.count - tail, ending, tail) == 0;
    bool is_own = field_is(root, "owner", u->upload->wallet->owner, JWK_BYTES);
    if (good)
        memcpy(u->id, id->valuestring, sizeof u->id);
    cJSON_Delete(root);
    if (!good)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%s' is no transaction over these bytes; remove it to sign another",
                        u->record);
    u->is_old = true;
    return is_own ? STATUS_OK
                  : diag_set(diag, STATUS_BAD_INPUT,
                             "'%s' was signed with another wallet; remove it to sign another, and "
                             "pay again",
                             u->record);
}

static enum status sign_and_record(struct uploader *u, struct diag *diag)
{
    char reward[24];
    struct arweave_transaction t = {.tags = u->upload->tags,
                                    .tag_count = u->upload->tag_count,
                                    .reward = reward,
                                    .data_root = u->tree.root,
                                    .data_size = u->count};
    enum status status = ask_reward(reward, u, diag);
    if (status == STATUS_OK)
        status = ask_anchor(&t, u, diag);
    if (status == STATUS_OK)
        status = arweave_sign_transaction(&u->json, u->id, &t, u->upload->wallet, diag);
    if (status == STATUS_OK)
        status = file_write(u->record, u->json.data, u->json.count, FILE_MODE_PUBLIC, true, diag);
    return status;
}

/* ---- sending -------------------------------------------------------------------------------- */

/* Gives a body to the gateway, several times when it is busy or cannot be reached. */
static enum status give(struct uploader *u, const char *path, const struct buffer *body,
                        const char *what, struct diag *diag)
{
    struct diag last = {0};
    enum status status = STATUS_IO;
    for (unsigned i = 0; i < TRIES; i++) {
        struct buffer answer = {0};
        char said[124] = "";
        long code = 0;
        usleep(i * i * TRY_US);
        status = exchange(&code, &answer, u, path, body, &last);
        to_printable(said, &answer);
        buffer_release(&answer);
        /* 208: it has it already. */
        if (status == STATUS_OK && code >= 200 && code < 300)
            return STATUS_OK;
        bool is_busy = status == STATUS_IO || code == 429 || code >= 500;
        if (status == STATUS_OK)
            status =
                diag_set(&last, is_busy ? STATUS_IO : STATUS_REJECTED,
                         "the gateway %s refuses %s of transaction %s with HTTP status %ld%s%s",
                         u->upload->gateway, what, u->id, code, said[0] == '\0' ? "" : ": ", said);
        if (!is_busy)
            break;
    }
    return diag_set(diag, status, "%s", last.text);
}

/* Whether the gateway has the transaction, mined or waiting. */
static bool is_there(struct uploader *u)
{
    struct buffer answer = {0};
    struct diag ignored = {0};
    char path[80];
    long code = 0;
    snprintf(path, sizeof path, "/tx/%s/status", u->id);
    enum status status = exchange(&code, &answer, u, path, NULL, &ignored);
    buffer_release(&answer);
    return status == STATUS_OK && (code == 200 || code == 202);
}

/* The transaction; the data with it when they are one chunk. */
static enum status give_transaction(struct uploader *u, struct diag *diag)
{
    struct buffer body = {0};
    if (u->is_old && is_there(u))
        return STATUS_OK;
    buffer_put(&body, u->json.data, u->json.count - 2); /* without "} */
    if (u->tree.count == 1)
        base64url_put(&body, u->bytes, u->count);
    buffer_puts(&body, "\"}");
    enum status status = buffer_status(&body, diag);
    if (status == STATUS_OK)
        status = give(u, "/tx", &body, "the beginning", diag);
    if (status == STATUS_REJECTED && u->is_old)
        status = diag_prefix(diag, status,
                             "the transaction kept in '%s' is not taken any more; "
                             "remove that file to sign another",
                             u->record);
    buffer_release(&body);
    return status;
}

static enum status give_chunk(struct uploader *u, size_t i, struct diag *diag)
{
    const struct arweave_chunk *chunk = &u->tree.chunk[i];
    struct buffer body = {0};
    char what[48];
    buffer_puts(&body, "{");
    put_field(&body, "data_root", u->tree.root, 32);
    buffer_printf(&body, ",\"data_size\":\"%zu\",", u->count);
    put_field(&body, "data_path", chunk->path.data, chunk->path.count);
    buffer_printf(&body, ",\"offset\":\"%zu\",", chunk->end - 1);
    put_field(&body, "chunk", (const uint8_t *)u->bytes + chunk->begin, chunk->end - chunk->begin);
    buffer_puts(&body, "}");
    snprintf(what, sizeof what, "chunk %zu of %zu", i + 1, u->tree.count);
    enum status status = buffer_status(&body, diag);
    if (status == STATUS_OK)
        status = give(u, "/chunk", &body, what, diag);
    buffer_release(&body);
    return status;
}

static enum status upload(struct uploader *u, struct diag *diag)
{
    enum status status = file_exists(u->record) ? read_record(u, diag) : sign_and_record(u, diag);
    if (status == STATUS_OK)
        status = give_transaction(u, diag);
    for (size_t i = 0; i < u->tree.count && u->tree.count > 1 && status == STATUS_OK; i++)
        status = give_chunk(u, i, diag);
    return status;
}

enum status storage_put_arweave_paid(char uri[STORAGE_URI_BYTES], struct storage_id *id,
                                     const struct storage *storage,
                                     const struct arweave_upload *options, const void *bytes,
                                     size_t count, struct diag *diag)
{
    struct uploader u = {.upload = options, .bytes = bytes, .count = count};
    char local[STORAGE_URI_BYTES];
    ASSERT(count > 0);
    /* The bytes lie in the folder too, beside the record. */
    enum status status = storage_put_local(local, id, storage, bytes, count, diag);
    if (status == STATUS_OK)
        status = storage_local_path(&u.record, storage, id->sha256, ".arweave", diag);
    if (status == STATUS_OK)
        status = arweave_tree_build(&u.tree, bytes, count, diag);
    if (status == STATUS_OK)
        status = http_open(&u.http, options->seconds == 0 ? SECONDS : options->seconds,
                           ANSWER_BYTES, diag);
    if (status == STATUS_OK)
        status = upload(&u, diag);
    if (status == STATUS_OK)
        storage_arweave_uri(uri, u.id, id->sha256);
    http_close(&u.http);
    arweave_tree_release(&u.tree);
    buffer_release(&u.json);
    free(u.record);
    return status;
}
