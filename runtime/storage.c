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

static bool is_same(const struct storage_id *a, const struct storage_id *b)
{
    return a->count_bytes == b->count_bytes && memcmp(a->sha256, b->sha256, 32) == 0 &&
           memcmp(a->keccak256, b->keccak256, 32) == 0;
}

static uint64_t limit_of(const struct storage *storage)
{
    return storage->limit_bytes == 0 ? LIMIT_BYTES : storage->limit_bytes;
}

static enum status open_server(struct http *http, const struct storage *storage, uint64_t limit,
                               struct diag *diag)
{
    return http_open(http, storage->seconds == 0 ? SECONDS : storage->seconds, limit, diag);
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

/* The file of a digest in the folder. Owned text. */
static enum status local_path(char **path, const struct storage *storage, const uint8_t digest[32],
                              struct diag *diag)
{
    char cid[STORAGE_CID_BYTES], *made = NULL;
    enum status status = storage->folder == NULL ? storage_default_folder(&made, diag) : STATUS_OK;
    *path = NULL;
    if (status == STATUS_OK && storage->folder != NULL)
        status = file_make_dir(storage->folder, 0755, diag);
    if (status != STATUS_OK)
        return status;
    storage_cid(cid, digest);
    *path = file_join(made == NULL ? storage->folder : made, cid);
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
    enum status status = local_path(&path, storage, id->sha256, diag);
    if (status == STATUS_OK)
        status = file_write(path, bytes, count, FILE_MODE_PUBLIC, true, diag);
    storage_cid(cid, id->sha256);
    set_uri(uri, cid);
    free(path);
    return status;
}

/* Whether the folder has the bytes whole; what is there else counts as nothing. */
static bool get_local(struct buffer *out, const struct storage *storage,
                      const struct storage_id *id)
{
    struct diag ignored = {0};
    struct storage_id found;
    char *path;
    size_t before = out->count;
    if (local_path(&path, storage, id->sha256, &ignored) != STATUS_OK)
        return false;
    bool good = file_exists(path) && file_read(path, limit_of(storage), out, &ignored) == STATUS_OK;
    free(path);
    if (good)
        storage_identify(&found, out->data + before, out->count - before);
    if (good && is_same(&found, id))
        return true;
    out->count = before;
    return false;
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

/* The address that gives the bytes of a URI, and whether it wants a POST. */
static enum status find_server(struct buffer *url, bool *post, const struct storage *storage,
                               const char *uri, const struct storage_id *id, struct diag *diag)
{
    uint8_t digest[32];
    bool is_ipfs = strncmp(uri, "ipfs://", 7) == 0, is_arweave = strncmp(uri, "ar://", 5) == 0;
    const char *name = uri + (is_ipfs ? 7 : 5);
    size_t length = is_ipfs || is_arweave ? strspn(name, "abcdefghijklmnopqrstuvwxyz"
                                                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
                                          : 0;
    *post = is_ipfs;
    if (length == 0 || name[length] != '\0' || length > 120 || (is_arweave && length != 43))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%.120s' is no address of stored bytes: ipfs://CID or ar://ID", uri);
    if (is_ipfs && storage_parse_cid(digest, name) && memcmp(digest, id->sha256, 32) != 0)
        return diag_set(diag, STATUS_REJECTED, "%s names other bytes than those wanted", uri);
    const char *server = is_ipfs ? storage->ipfs : storage->arweave;
    if (server == NULL)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s is not in the local store, and no %s is given to fetch it from", uri,
                        is_ipfs ? "IPFS node" : "gateway of Arweave");
    buffer_printf(url, is_ipfs ? "%s/api/v0/cat?arg=%s" : "%s/%s", server, name);
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
                              const struct storage_id *id, struct diag *diag)
{
    struct buffer url = {0}, bytes = {0};
    struct storage_id found;
    bool post;
    enum status status = find_server(&url, &post, storage, uri, id, diag);
    if (status == STATUS_OK && id->count_bytes > limit_of(storage))
        status =
            diag_set(diag, STATUS_LIMIT, "%s has %llu bytes, more than the limit of %llu", uri,
                     (unsigned long long)id->count_bytes, (unsigned long long)limit_of(storage));
    if (status == STATUS_OK)
        status = exchange(&bytes, storage, buffer_text(&url), post, id->count_bytes, diag);
    if (status == STATUS_OK) {
        storage_identify(&found, bytes.data, bytes.count);
        if (is_same(&found, id))
            buffer_put(out, bytes.data, bytes.count);
        else
            status =
                diag_set(diag, STATUS_REJECTED,
                         "%.*s gives other bytes than those of %s: %zu, with another hash",
                         (int)strcspn(buffer_text(&url), "?"), buffer_text(&url), uri, bytes.count);
    }
    buffer_release(&url);
    buffer_release(&bytes);
    return status == STATUS_OK ? buffer_status(out, diag) : status;
}

/* The file of the folder that an IPFS address names. */
static void read_local(struct buffer *bytes, const struct storage *storage, const char *uri,
                       uint64_t most_bytes)
{
    uint8_t digest[32];
    char *path = NULL;
    struct diag ignored = {0};
    if (strncmp(uri, "ipfs://", 7) != 0 || !storage_parse_cid(digest, uri + 7) ||
        local_path(&path, storage, digest, &ignored) != STATUS_OK)
        return;
    if (file_exists(path) && file_read(path, most_bytes, bytes, &ignored) != STATUS_OK)
        buffer_clear(bytes);
    free(path);
}

static bool is_wanted(const struct buffer *bytes, const struct storage_id *wanted, bool has_sha)
{
    struct storage_id found;
    storage_identify(&found, bytes->data, bytes->count);
    return memcmp(found.keccak256, wanted->keccak256, 32) == 0 &&
           (!has_sha || memcmp(found.sha256, wanted->sha256, 32) == 0);
}

enum status storage_get_keccak(struct buffer *out, const struct storage *storage, const char *uri,
                               const uint8_t digest[32], uint64_t most_bytes, struct diag *diag)
{
    struct storage_id wanted = {0};
    struct buffer bytes = {0}, url = {0};
    bool post,
        has_sha = strncmp(uri, "ipfs://", 7) == 0 && storage_parse_cid(wanted.sha256, uri + 7);
    memcpy(wanted.keccak256, digest, 32);
    read_local(&bytes, storage, uri, most_bytes);
    enum status status = STATUS_OK;
    if (bytes.count == 0 || !is_wanted(&bytes, &wanted, has_sha)) {
        buffer_clear(&bytes);
        status = find_server(&url, &post, storage, uri, &wanted, diag);
        if (status == STATUS_OK)
            status = exchange(&bytes, storage, buffer_text(&url), post, most_bytes, diag);
        if (status == STATUS_OK && bytes.count > most_bytes)
            status = diag_set(diag, STATUS_LIMIT, "%s has more than the limit of %llu bytes", uri,
                              (unsigned long long)most_bytes);
        if (status == STATUS_OK && !is_wanted(&bytes, &wanted, has_sha))
            status = diag_set(diag, STATUS_REJECTED,
                              "%.*s gives other bytes for %s than those wanted: their hash differs",
                              (int)strcspn(buffer_text(&url), "?"), buffer_text(&url), uri);
    }
    if (status == STATUS_OK) {
        buffer_put(out, bytes.data, bytes.count);
        status = buffer_status(out, diag);
    }
    buffer_release(&bytes);
    buffer_release(&url);
    return status;
}

enum status storage_get(struct buffer *out, const struct storage *storage, const char *uri,
                        const struct storage_id *id, struct diag *diag)
{
    if (get_local(out, storage, id))
        return STATUS_OK;
    return get_remote(out, storage, uri, id, diag);
}
