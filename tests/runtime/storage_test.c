#include "runtime/storage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "tests/harness/harness.h"
#include "tests/runtime/server_kit.h"

static const char text[] = "what is published";
enum { COUNT = sizeof text - 1 };

/* Of nothing: the CID that IPFS nodes give it, widely known; the other by Python from hashlib and
 * base64. */
TEST(names_are_those_of_ipfs)
{
    static const struct {
        const char *bytes, *cid;
    } known[] = {
        {"", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"},
        {"hello world", "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct storage_id id;
        uint8_t digest[32];
        char cid[STORAGE_CID_BYTES];
        storage_identify(&id, known[i].bytes, strlen(known[i].bytes));
        storage_cid(cid, id.sha256);
        CHECK_TEXT(cid, known[i].cid);
        REQUIRE(storage_parse_cid(digest, cid));
        CHECK_BYTES(digest, id.sha256, 32);
    }
}

TEST(no_other_text_is_a_name)
{
    uint8_t digest[32];
    char cid[STORAGE_CID_BYTES];
    struct storage_id id;
    storage_identify(&id, text, COUNT);
    storage_cid(cid, id.sha256);
    for (size_t i = 0; cid[i] != '\0'; i++) {
        char kept = cid[i];
        cid[i] = '1'; /* no digit of base32 */
        CHECK(!storage_parse_cid(digest, cid));
        cid[i] = kept == 'q' ? 'r' : 'q';
        bool other = storage_parse_cid(digest, cid) && memcmp(digest, id.sha256, 32) != 0;
        CHECK(i == 7 || i == 58 || other == (i > 7));
        cid[i] = kept;
    }
    CHECK(!storage_parse_cid(digest, ""));
    CHECK(!storage_parse_cid(digest, "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"));
}

static void got(const struct storage *storage, const char *uri, const struct storage_id *id)
{
    struct buffer out = {0};
    struct diag diag = {0};
    buffer_puts(&out, "before ");
    CHECK_STATUS(storage_get(&out, storage, uri, id, &diag), STATUS_OK, &diag);
    CHECK(out.count == 7 + COUNT && memcmp(out.data + 7, text, COUNT) == 0);
    buffer_release(&out);
}

/* Nothing is appended and the sentence says why. */
static void refused(const struct storage *storage, const char *uri, const struct storage_id *id,
                    enum status status, const char *word)
{
    struct buffer out = {0};
    struct diag diag = {0};
    buffer_puts(&out, "before ");
    CHECK_STATUS(storage_get(&out, storage, uri, id, &diag), status, &diag);
    CHECK_U64(out.count, 7);
    CHECK_MSG(strstr(diag.text, word) != NULL, "no '%s' in: %s", word, diag.text);
    buffer_release(&out);
}

TEST(the_folder_gives_back_what_was_put)
{
    struct storage storage = {.folder = test_path(test_temp_dir(), "store")};
    struct storage_id id;
    char uri[STORAGE_URI_BYTES];
    struct diag diag = {0};
    REQUIRE_OK(storage_put_local(uri, &id, &storage, text, COUNT, &diag), &diag);
    CHECK(strncmp(uri, "ipfs://bafkrei", 14) == 0);
    got(&storage, uri, &id);
    /* A damaged file is as good as none. */
    const char *path = test_path(storage.folder, uri + 7);
    REQUIRE_OK(file_write(path, "what was published", 18, FILE_MODE_PUBLIC, false, &diag), &diag);
    refused(&storage, uri, &id, STATUS_BAD_INPUT, "not in the local store");
}

TEST(the_default_folder_is_made)
{
    char uri[STORAGE_URI_BYTES], *folder;
    struct storage storage = {0};
    struct storage_id id;
    struct diag diag = {0};
    setenv("XDG_DATA_HOME", test_temp_dir(), 1);
    REQUIRE_OK(storage_put_local(uri, &id, &storage, text, COUNT, &diag), &diag);
    got(&storage, uri, &id);
    REQUIRE_OK(storage_default_folder(&folder, &diag), &diag);
    CHECK(file_exists(test_path(folder, uri + 7)));
    free(folder);
}

/* A server behind which the folder is empty. */
static void start(struct server *server, struct storage *storage, struct storage_id *id, char *uri)
{
    char cid[STORAGE_CID_BYTES];
    server_start(server);
    *storage = (struct storage){.folder = test_path(test_temp_dir(), "empty"),
                                .ipfs = server->url,
                                .arweave = server->url,
                                .seconds = 1};
    storage_identify(id, text, COUNT);
    storage_cid(cid, id->sha256);
    snprintf(uri, STORAGE_URI_BYTES, "ipfs://%s", cid);
    server->answer = (struct server_answer){.body = text, .count = COUNT};
}

TEST(bytes_come_from_ipfs_and_arweave)
{
    struct server server;
    struct storage storage;
    struct storage_id id;
    char uri[STORAGE_URI_BYTES];
    start(&server, &storage, &id, uri);
    got(&storage, uri, &id);
    const char *head = buffer_text(&server.request);
    CHECK_MSG(strncmp(head, "POST /api/v0/cat?arg=bafkrei", 28) == 0, "%.60s", head);
    got(&storage, "ar://0123456789-0123456789_0123456789-0123456789", &id);
    head = buffer_text(&server.request);
    CHECK_MSG(strncmp(head, "GET /0123456789-0123456789_", 27) == 0, "%.60s", head);
    server_stop(&server);
}

TEST(a_server_that_lies_or_fails_is_found_out)
{
    struct server server;
    struct storage storage;
    struct storage_id id;
    char uri[STORAGE_URI_BYTES], other[COUNT + 1];
    start(&server, &storage, &id, uri);
    memcpy(other, text, COUNT);
    for (size_t i = 0; i < COUNT; i++) { /* one bit of other bytes */
        other[i] ^= 4;
        server.answer = (struct server_answer){.body = other, .count = COUNT};
        refused(&storage, uri, &id, STATUS_REJECTED, "other bytes");
        other[i] ^= 4;
    }
    server.answer = (struct server_answer){.body = text, .count = COUNT - 1};
    refused(&storage, uri, &id, STATUS_REJECTED, "other bytes");
    server.answer = (struct server_answer){.body = text, .count = 5, .announced = COUNT};
    refused(&storage, uri, &id, STATUS_IO, server.url); /* cut short */
    server.answer = (struct server_answer){.status = "404 Not Found", .body = "\033no", .count = 3};
    refused(&storage, uri, &id, STATUS_IO, "404:  no");
    server.answer = (struct server_answer){.status = "200", .body = "", .count = 0};
    refused(&storage, uri, &id, STATUS_REJECTED, "other bytes");
    char *much = calloc(1, 100000);
    server.answer = (struct server_answer){.body = much, .count = 100000};
    refused(&storage, uri, &id, STATUS_LIMIT, "more than");
    server.answer = (struct server_answer){.status = "302 Found",
                                           .headers = "Location: file:///etc/passwd\r\n"};
    refused(&storage, "ar://0123456789-0123456789_0123456789-0123456789", &id, STATUS_IO,
            server.url);
    server.answer.is_silent = true;
    refused(&storage, uri, &id, STATUS_IO, server.url);
    server_stop(&server);
    free(much);                                         /* what is sent until then */
    refused(&storage, uri, &id, STATUS_IO, server.url); /* gone */
}

TEST(uris_that_are_none_are_refused)
{
    struct server server;
    struct storage storage;
    struct storage_id id, other;
    char uri[STORAGE_URI_BYTES];
    start(&server, &storage, &id, uri);
    static const char *const bad[] = {"",
                                      "ipfs://",
                                      "ipfs://../../etc/passwd",
                                      "ar://short",
                                      "ar://0123456789-0123456789_0123456789-0123456789?x=1",
                                      "http://127.0.0.1/",
                                      "file:///etc/passwd",
                                      "ipfs://a&arg=b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(&storage, bad[i], &id, STATUS_BAD_INPUT, "no address of stored bytes");
    storage_identify(&other, "x", 1);
    refused(&storage, uri, &other, STATUS_REJECTED, "other bytes than those wanted");
    storage.limit_bytes = 3;
    refused(&storage, uri, &id, STATUS_LIMIT, "limit");
    storage.ipfs = NULL;
    refused(&storage, uri, &id, STATUS_BAD_INPUT, "no IPFS node");
    server_stop(&server);
}

TEST(bytes_go_to_ipfs_whole)
{
    struct server server;
    struct storage storage;
    struct storage_id id;
    char uri[STORAGE_URI_BYTES], wanted[STORAGE_URI_BYTES], answer[200];
    struct diag diag = {0};
    size_t count;
    start(&server, &storage, &id, wanted);
    snprintf(answer, sizeof answer, "{\"Name\":\"data\",\"Hash\":\"%s\",\"Size\":\"17\"}",
             wanted + 7);
    server.answer = (struct server_answer){.body = answer, .count = strlen(answer)};
    REQUIRE_OK(storage_put_ipfs(uri, &id, &storage, text, COUNT, &diag), &diag);
    CHECK_TEXT(uri, wanted);
    const uint8_t *body = server_body(&server, &count);
    CHECK(memmem(body, count, text, COUNT) != NULL);
    answer[strlen(answer) - 20]++; /* another CID */
    CHECK_STATUS(storage_put_ipfs(uri, &id, &storage, text, COUNT, &diag), STATUS_REJECTED, &diag);
    static const char *const rubbish[] = {
        "", "{}", "[]", "{\"Hash\":7}", "{\"Hash\":\"../x\"}", "<html>"};
    for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; i++) {
        server.answer = (struct server_answer){.body = rubbish[i], .count = strlen(rubbish[i])};
        CHECK_STATUS(storage_put_ipfs(uri, &id, &storage, text, COUNT, &diag), STATUS_IO, &diag);
    }
    server_stop(&server);
}
