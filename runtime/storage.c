/* See storage.h. */
#include "runtime/storage.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/field/system_random.h"
#include "backend/hash/keccak.h"
#include "backend/hash/sha256.h"
#include "ir/support/file.h"
#include "runtime/http.h"

enum { SECONDS = 60 };
#define LIMIT_BYTES ((uint64_t)4 << 30)

/* ---- names ---------------------------------------------------------------------------------- */

void storage_identify(struct storage_id *id, const void *bytes, size_t count)
{
    sha256(id->sha256, bytes, count);
    keccak256(id->keccak256, bytes, count);
    id->count_bytes = count;
}

/* Version 1, raw bytes, sha2-256 of 32 bytes. */
static const uint8_t cid_head[4] = {0x01, 0x55, 0x12, 0x20};
static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

void storage_cid(char text[STORAGE_CID_BYTES], const uint8_t digest[32])
{
    uint8_t bytes[sizeof cid_head + 32];
    memcpy(bytes, cid_head, sizeof cid_head);
    memcpy(bytes + sizeof cid_head, digest, 32);
    unsigned bits = 0, held = 0, at = 0;
    text[at++] = 'b';
    for (size_t i = 0; i < sizeof bytes; i++) {
        held = held << 8 | bytes[i];
        for (bits += 8; bits >= 5; bits -= 5)
            text[at++] = base32[held >> (bits - 5) & 31];
    }
    text[at++] = base32[held << (5 - bits) & 31];
    text[at] = '\0';
}

bool storage_parse_cid(uint8_t digest[32], const char *text)
{
    uint8_t bytes[sizeof cid_head + 32] = {0};
    char again[STORAGE_CID_BYTES];
    unsigned bits = 0, held = 0;
    size_t at = 0;
    if (strlen(text) != STORAGE_CID_BYTES - 1 || text[0] != 'b')
        return false;
    for (const char *c = text + 1; *c != '\0'; c++) {
        const char *digit = strchr(base32, *c);
        if (digit == NULL)
            return false;
        held = held << 5 | (unsigned)(digit - base32);
        bits += 5;
        if (bits >= 8 && at < sizeof bytes) {
            bits -= 8;
            bytes[at++] = (uint8_t)(held >> bits);
        }
    }
    memcpy(digest, bytes + sizeof cid_head, 32);
    storage_cid(again, digest);
    return strcmp(again, text) == 0; /* the head, and the bits left over */
}

void storage_arweave_uri(char uri[STORAGE_URI_BYTES], const char id[44], const uint8_t digest[32])
{
    int at = snprintf(uri, STORAGE_URI_BYTES, "ar://%.43s#", id);
    for (size_t i = 0; i < 32; i++)
        at += snprintf(uri + at, STORAGE_URI_BYTES - (size_t)at, "%02x", digest[i]);
}

/* 64 digits of hex, lower case. */
static bool parse_digest(uint8_t digest[32], const char *text)
{
    static const char digits[] = "0123456789abcdef";
    if (strlen(text) != 64 || strspn(text, digits) != 64)
        return false;
    for (size_t i = 0; i < 32; i++) {
        size_t high = (size_t)(strchr(digits, text[2 * i]) - digits),
               low = (size_t)(strchr(digits, text[2 * i + 1]) - digits);
        digest[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool storage_uri_digest(uint8_t digest[32], const char *uri)
{
    if (strncmp(uri, "ipfs://", 7) == 0)
        return storage_parse_cid(digest, uri + 7);
    const char *hash = strchr(uri, '#');
    return strncmp(uri, "ar://", 5) == 0 && hash != NULL && parse_digest(digest, hash + 1);
}

/* What is known of bytes. */
struct wanted {
    struct storage_id id;
    bool has_sha256, has_keccak256, has_count;
    uint64_t most; /* bytes */
};

static bool is_wanted(const struct wanted *wanted, const void *bytes, size_t count)
{
    struct storage_id found;
    storage_identify(&found, bytes, count);
    return (!wanted->has_sha256 || memcmp(found.sha256, wanted->id.sha256, 32) == 0) &&
           (!wanted->has_keccak256 || memcmp(found.keccak256, wanted->id.keccak256, 32) == 0) &&
           (!wanted->has_count || count == wanted->id.count_bytes) && count <= wanted->most;
}

static uint64_t limit_of(const struct storage *storage)
{
    return storage->limit_bytes == 0 ? LIMIT_BYTES : storage->limit_bytes;
}

static enum status open_server(struct http *http, const struct storage *storage, uint64_t limit,
                               struct diag *diag)
{
    enum status status =
        http_open(http, storage->seconds == 0 ? SECONDS : storage->seconds, limit, diag);
    http->most_seconds = storage->most_seconds;
    http->stops = storage->stops;
    return status;
}

/* ---- the folder ----------------------------------------------------------------------------- */

enum status storage_default_folder(char **folder, struct diag *diag)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    static const char *const under_home[] = {".local", "share", "sertn", "store"};
    bool has_data = data != NULL && data[0] == '/';
    *folder = NULL;
    if (!has_data && (home == NULL || home[0] != '/'))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "there is no folder for the store: set HOME or XDG_DATA_HOME");
    char *path = strdup(has_data ? data : home);
    enum status status = path == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory") : STATUS_OK;
    if (status == STATUS_OK && has_data)
        status = file_make_dir(path, 0755, diag);
    for (size_t i = has_data ? 2 : 0; i < 4 && status == STATUS_OK; i++) {
        char *deeper = file_join(path, under_home[i]);
        free(path);
        path = deeper;
        status = path == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory")
                              : file_make_dir(path, 0755, diag);
    }
    if (status == STATUS_OK)
        *folder = path;
    else
        free(path);
    return status;
}

enum status storage_local_path(char **path, const struct storage *storage, const uint8_t digest[32],
                               const char *ending, struct diag *diag)
{
    char cid[STORAGE_CID_BYTES], name[STORAGE_CID_BYTES + 40], *made = NULL;
    enum status status = storage->folder == NULL ? storage_default_folder(&made, diag) : STATUS_OK;
    *path = NULL;
    if (status == STATUS_OK && storage->folder != NULL)
        status = file_make_dir(storage->folder, 0755, diag);
    if (status != STATUS_OK)
        return status;
    storage_cid(cid, digest);
    snprintf(name, sizeof name, "%s%s", cid, ending);
    *path = file_join(made == NULL ? storage->folder : made, name);
    free(made);
    return *path != NULL ? STATUS_OK : diag_set(diag, STATUS_NO_MEMORY, "no memory for a path");
}

static void set_uri(char uri[STORAGE_URI_BYTES], const char *cid)
{
    snprintf(uri, STORAGE_URI_BYTES, "ipfs://%s", cid);
}

enum status storage_put_local(char uri[STORAGE_URI_BYTES], struct storage_id *id,
                              const struct storage *storage, const void *bytes, size_t count,
                              struct diag *diag)
{
    char *path, cid[STORAGE_CID_BYTES];
    storage_identify(id, bytes, count);
    enum status status = storage_local_path(&path, storage, id->sha256, "", diag);
    if (status == STATUS_OK)
        status = file_write(path, bytes, count, FILE_MODE_PUBLIC, true, diag);
    storage_cid(cid, id->sha256);
    set_uri(uri, cid);
    free(path);
    return status;
}

/* Whether the folder has the bytes whole; what is there else counts as nothing. */
static bool get_local(struct buffer *out, const struct storage *storage,
                      const struct wanted *wanted)
{
    struct diag ignored = {0};
    char *path;
    struct buffer bytes = {0};
    if (!wanted->has_sha256 ||
        storage_local_path(&path, storage, wanted->id.sha256, "", &ignored) != STATUS_OK)
        return false;
    bool good = file_exists(path) && file_read(path, wanted->most, &bytes, &ignored) == STATUS_OK &&
                is_wanted(wanted, bytes.data, bytes.count);
    free(path);
    if (good)
        buffer_put(out, bytes.data, bytes.count);
    buffer_release(&bytes);
    return good;
}

/* ---- IPFS ----------------------------------------------------------------------------------- */

/* The one part of a form. Its boundary is random, so that bytes cannot hold it but by chance. */
static enum status put_form(struct buffer *form, char boundary[40], const void *bytes, size_t count,
                            struct diag *diag)
{
    uint8_t random[16];
    if (!system_random_fill(random, sizeof random))
        return diag_set(diag, STATUS_IO, "the operating system gives no random bytes");
    for (size_t i = 0; i < sizeof random; i++)
        sprintf(boundary + 2 * i, "%02x", random[i]);
    buffer_printf(form,
                  "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"data\"\r\n"
                  "Content-Type: application/octet-stream\r\n\r\n",
                  boundary);
    buffer_put(form, bytes, count);
    buffer_printf(form, "\r\n--%s--\r\n", boundary);
    return buffer_status(form, diag);
}

static enum status check_cid(char uri[STORAGE_URI_BYTES], const struct storage_id *id,
                             const char *server, const struct buffer *answer, struct diag *diag)
{
    cJSON *root = cJSON_ParseWithLength((const char *)answer->data, answer->count);
    const cJSON *hash = cJSON_GetObjectItemCaseSensitive(root, "Hash");
    char cid[STORAGE_CID_BYTES];
    enum status status = STATUS_OK;
    storage_cid(cid, id->sha256);
    const char *text = cJSON_IsString(hash) ? hash->valuestring : "";
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    if (length < 40 || length > 120 || text[length] != '\0')
        status = diag_set(diag, STATUS_IO,
                          "the IPFS node at %s answers with something that is no CID", server);
    else if (id->count_bytes <= STORAGE_BLOCK_BYTES && strcmp(text, cid) != 0)
        status =
            diag_set(diag, STATUS_REJECTED, "the IPFS node at %s says %s for bytes whose CID is %s",
                     server, text, cid);
    else
        set_uri(uri, text);
    cJSON_Delete(root);
    return status;
}

enum status storage_put_ipfs(char uri[STORAGE_URI_BYTES], struct storage_id *id,
                             const struct storage *storage, const void *bytes, size_t count,
                             struct diag *diag)
{
    struct http http = {0};
    struct buffer form = {0}, answer = {0}, url = {0};
    char boundary[40], type[80];
    if (storage->ipfs == NULL)
        return diag_set(diag, STATUS_BAD_INPUT, "no IPFS node is given");
    storage_identify(id, bytes, count);
    buffer_printf(&url, "%s/api/v0/add?cid-version=1&raw-leaves=true&pin=true&chunker=size-%zu",
                  storage->ipfs, STORAGE_BLOCK_BYTES);
    enum status status = buffer_status(&url, diag);
    if (status == STATUS_OK)
        status = put_form(&form, boundary, bytes, count, diag);
    if (status == STATUS_OK)
        status = open_server(&http, storage, 1 << 16, diag);
    if (status == STATUS_OK) {
        snprintf(type, sizeof type, "multipart/form-data; boundary=%s", boundary);
        struct http_request request = {buffer_text(&url), type, form.data, form.count};
        status = http_succeed(&answer, &http, &request, diag);
    }
    if (status == STATUS_OK)
        status = check_cid(uri, id, storage->ipfs, &answer, diag);
    http_close(&http);
    buffer_release(&url);
    buffer_release(&form);
    buffer_release(&answer);
    return status;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* The name in a URI, after ipfs:// or ar://, without what follows a '#'; its length, 0 when it is
 * none. */
static size_t name_of(const char **name, const char *uri)
{
    uint8_t digest[32];
    bool is_ipfs = strncmp(uri, "ipfs://", 7) == 0, is_arweave = strncmp(uri, "ar://", 5) == 0;
    if (!is_ipfs && !is_arweave)
        return 0;
    *name = uri + (is_ipfs ? 7 : 5);
    size_t length = strspn(*name, "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    const char *rest = *name + length;
    bool good = *rest == '\0' || (is_arweave && *rest == '#' && parse_digest(digest, rest + 1));
    return good && length <= 120 && (is_ipfs || length == 43) ? length : 0;
}

/* The address that gives the bytes of a URI, and whether it wants a POST. */
static enum status find_server(struct buffer *url, bool *post, const struct storage *storage,
                               const char *uri, const struct wanted *wanted, struct diag *diag)
{
    uint8_t digest[32];
    const char *name = "";
    size_t length = name_of(&name, uri);
    bool is_ipfs = uri[0] == 'i';
    *post = is_ipfs;
    if (length == 0)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%.120s' is no address of stored bytes: ipfs://CID or ar://ID", uri);
    if (wanted->has_sha256 && storage_uri_digest(digest, uri) &&
        memcmp(digest, wanted->id.sha256, 32) != 0)
        return diag_set(diag, STATUS_REJECTED, "%s names other bytes than those wanted", uri);
    const char *server = is_ipfs ? storage->ipfs : storage->arweave;
    if (server == NULL)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s is not in the local store, and no %s is given to fetch it from", uri,
                        is_ipfs ? "IPFS node" : "gateway of Arweave");
    buffer_printf(url, is_ipfs ? "%s/api/v0/cat?arg=%.*s" : "%s/%.*s", server, (int)length, name);
    return buffer_status(url, diag);
}

/* The bytes that a server has under an address; what they are is not checked. */
static enum status exchange(struct buffer *bytes, const struct storage *storage, const char *url,
                            bool post, uint64_t most_bytes, struct diag *diag)
{
    struct http http = {0};
    /* An answer of another status may be longer than the bytes. */
    enum status status = open_server(&http, storage, most_bytes < 4096 ? 4096 : most_bytes, diag);
    if (status == STATUS_OK) {
        struct http_request request = {url, post ? "application/x-www-form-urlencoded" : NULL, NULL,
                                       0};
        status = http_succeed(bytes, &http, &request, diag);
    }
    http_close(&http);
    return status;
}

static enum status get_remote(struct buffer *out, const struct storage *storage, const char *uri,
                              const struct wanted *wanted, struct diag *diag)
{
    struct buffer url = {0}, bytes = {0};
    char name[HTTP_SHOWN_BYTES];
    bool post;
    enum status status = find_server(&url, &post, storage, uri, wanted, diag);
    if (status == STATUS_OK && wanted->most > limit_of(storage))
        status = diag_set(diag, STATUS_LIMIT, "%s has %llu bytes, more than the limit of %llu", uri,
                          (unsigned long long)wanted->most, (unsigned long long)limit_of(storage));
    if (status == STATUS_OK)
        status = exchange(&bytes, storage, buffer_text(&url), post, wanted->most, diag);
    if (status == STATUS_OK && !wanted->has_count && bytes.count > wanted->most)
        status = diag_set(diag, STATUS_LIMIT, "%s has more than the limit of %llu bytes", uri,
                          (unsigned long long)wanted->most);
    else if (status == STATUS_OK && is_wanted(wanted, bytes.data, bytes.count))
        buffer_put(out, bytes.data, bytes.count);
    else if (status == STATUS_OK)
        status = diag_set(diag, STATUS_REJECTED,
                          "%s gives other bytes than those of %s: %zu, with another hash",
                          http_shown(name, buffer_text(&url), true), uri, bytes.count);
    buffer_release(&url);
    buffer_release(&bytes);
    return status == STATUS_OK ? buffer_status(out, diag) : status;
}

static enum status get(struct buffer *out, const struct storage *storage, const char *uri,
                       const struct wanted *wanted, struct diag *diag)
{
    if (get_local(out, storage, wanted))
        return STATUS_OK;
    return get_remote(out, storage, uri, wanted, diag);
}

enum status storage_get(struct buffer *out, const struct storage *storage, const char *uri,
                        const struct storage_id *id, struct diag *diag)
{
    const struct wanted wanted = {*id, true, true, true, id->count_bytes};
    return get(out, storage, uri, &wanted, diag);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

enum status storage_get_keccak(struct buffer *out, const struct storage *storage, const char *uri,
                               const uint8_t digest[32], uint64_t most_bytes, struct diag *diag)
{
    struct wanted wanted = {.has_keccak256 = true, .most = least(most_bytes, limit_of(storage))};
    memcpy(wanted.id.keccak256, digest, 32);
    wanted.has_sha256 = storage_uri_digest(wanted.id.sha256, uri);
    return get(out, storage, uri, &wanted, diag);
}

enum status storage_get_named(struct buffer *out, const struct storage *storage, const char *uri,
                              uint64_t limit_bytes, struct diag *diag)
{
    struct wanted wanted = {.has_sha256 = true, .most = least(limit_bytes, limit_of(storage))};
    const char *name;
    if (name_of(&name, uri) == 0)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%.120s' is no address of stored bytes: ipfs://CID or ar://ID#SHA256",
                        uri);
    if (!storage_uri_digest(wanted.id.sha256, uri))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%.120s' does not name its bytes by their hash, so that nothing shows "
                        "what they should be",
                        uri);
    return get(out, storage, uri, &wanted, diag);
}

enum status storage_get_unknown(struct buffer *out, const struct storage *storage, const char *uri,
                                struct diag *diag)
{
    struct wanted wanted = {.most = limit_of(storage)};
    wanted.has_sha256 = storage_uri_digest(wanted.id.sha256, uri);
    return get(out, storage, uri, &wanted, diag);
}
