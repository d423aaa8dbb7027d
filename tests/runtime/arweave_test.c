/*
 * Transactions of Arweave against two other programs: Python by hashlib alone, and arweave-js where
 * contracts/setup installed it; and against a gateway of our own that behaves, fails and lies.
 */
#include "runtime/arweave_transaction.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/sha256.h"
#include "ir/support/file.h"
#include "runtime/arweave_item.h"
#include "runtime/base64url.h"
#include "tests/harness/harness.h"
#include "tests/runtime/server_kit.h"

/* ---- base64url ------------------------------------------------------------------------------ */

TEST(base64url_has_one_text_for_bytes)
{
    static const struct {
        const char *bytes, *text;
    } known[] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xff\xfe\xfb", "__77"}};
    static const char *const bad[] = {"Z", "Zh", "Zm9", "Zg==", "Zm9v ", "Zm+v", "Zm/v", "Zm9vY"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct buffer text = {0}, bytes = {0};
        base64url_put(&text, known[i].bytes, strlen(known[i].bytes));
        CHECK_TEXT(buffer_text(&text), known[i].text);
        CHECK(base64url_take(&bytes, known[i].text));
        CHECK_TEXT(buffer_text(&bytes), known[i].bytes);
        buffer_release(&bytes);
        buffer_release(&text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buffer bytes = {0};
        buffer_puts(&bytes, "before");
        CHECK_MSG(!base64url_take(&bytes, bad[i]) && bytes.count == 6, "'%s'", bad[i]);
        buffer_release(&bytes);
    }
}

/* ---- wallets -------------------------------------------------------------------------------- */

static void put_number(struct buffer *json, const EVP_PKEY *key, const char *name,
                       const char *parameter)
{
    BIGNUM *number = NULL;
    uint8_t bytes[JWK_BYTES];
    REQUIRE(EVP_PKEY_get_bn_param(key, parameter, &number) == 1);
    int count = BN_bn2bin(number, bytes);
    buffer_printf(json, ",\"%s\":\"", name);
    base64url_put(json, bytes, (size_t)count);
    buffer_puts(json, "\"");
    BN_free(number);
}

/* A fresh wallet of 4096 bits as JSON, made by OpenSSL; the same one for all cases. */
static const struct buffer *wallet_text(void)
{
    static struct buffer json;
    static const char *const parts[][2] = {
        {"n", "n"},
        {"e", "e"},
        {"d", "d"},
        {"p", "rsa-factor1"},
        {"q", "rsa-factor2"},
        {"dp", "rsa-exponent1"},
        {"dq", "rsa-exponent2"},
        {"qi", "rsa-coefficient1"},
    };
    if (json.count > 0)
        return &json;
    EVP_PKEY *key = EVP_RSA_gen(4096);
    REQUIRE(key != NULL);
    buffer_puts(&json, "{\"kty\":\"RSA\"");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        put_number(&json, key, parts[i][0], parts[i][1]);
    buffer_puts(&json, "}");
    EVP_PKEY_free(key);
    return &json;
}

static const char *write_file(const char *name, const void *bytes, size_t count)
{
    struct diag diag = {0};
    const char *path = test_path(test_temp_dir(), name);
    REQUIRE_OK(file_write(path, bytes, count, FILE_MODE_PRIVATE, false, &diag), &diag);
    return path;
}

static const char *wallet_file(void)
{
    return write_file("wallet.json", wallet_text()->data, wallet_text()->count);
}

static void open_wallet(struct jwk *wallet)
{
    struct diag diag = {0};
    REQUIRE_OK(jwk_open(wallet, wallet_file(), &diag), &diag);
}

TEST(wallets_sign_and_verify)
{
    struct jwk wallet;
    uint8_t signature[JWK_BYTES];
    struct diag diag = {0};
    open_wallet(&wallet);
    CHECK_U64(strlen(wallet.address), 43);
    REQUIRE_OK(jwk_sign(signature, &wallet, "bytes", 5, &diag), &diag);
    CHECK(jwk_verify(signature, wallet.owner, "bytes", 5));
    CHECK(!jwk_verify(signature, wallet.owner, "Bytes", 5));
    for (size_t i = 0; i < JWK_BYTES; i += 37) {
        signature[i] ^= 4;
        CHECK(!jwk_verify(signature, wallet.owner, "bytes", 5));
        signature[i] ^= 4;
        wallet.owner[i] ^= 4;
        CHECK(!jwk_verify(signature, wallet.owner, "bytes", 5));
        wallet.owner[i] ^= 4;
    }
    jwk_close(&wallet);
}

/* Each replaces the first occurrence of a text by another. */
TEST(files_that_are_no_wallets_are_refused)
{
    static const char *const changes[][2] = {
        {"\"kty\":\"RSA\"", "\"kty\":\"EC\""},
        {"\"e\":\"AQAB\"", "\"e\":\"Aw\""},
        {"\"e\":\"AQAB\"", "\"e\":\"\""},
        {"\"n\":\"", "\"n\":\"AAAA"},
        {"\"n\":\"", "\"m\":\""},
        {"\"d\":\"", "\"x\":\""},
        {"\"p\":\"", "\"p\":\"+"},
        {"\"qi\":\"", "\"qi\":17,\"x\":\""},
        {"{", "["},
    };
    const char *text = buffer_text(wallet_text());
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct buffer changed = {0};
        struct jwk wallet;
        struct diag diag = {0};
        const char *at = strstr(text, changes[i][0]);
        REQUIRE(at != NULL);
        buffer_put(&changed, text, (size_t)(at - text));
        buffer_puts(&changed, changes[i][1]);
        buffer_puts(&changed, at + strlen(changes[i][0]));
        CHECK_STATUS(jwk_parse(&wallet, changed.data, changed.count, "w", &diag), STATUS_BAD_INPUT,
                     &diag);
        CHECK_MSG(strstr(diag.text, "'w' is not a wallet") != NULL, "%s: %s", changes[i][1],
                  diag.text);
        buffer_release(&changed);
    }
    /* Another modulus of the same length: what is signed does not verify. */
    struct jwk wallet;
    struct diag diag = {0};
    struct buffer other = {0};
    buffer_puts(&other, text);
    char *n = strstr((char *)other.data, "\"n\":\"") + 100;
    *n = *n == 'a' ? 'b' : 'a';
    CHECK_STATUS(jwk_parse(&wallet, other.data, other.count, "w", &diag), STATUS_BAD_INPUT, &diag);
    CHECK_MSG(strstr(diag.text, "do not belong together") != NULL, "%s", diag.text);
    buffer_release(&other);
    CHECK_STATUS(jwk_open(&wallet, "/nosuch/wallet", &diag), STATUS_BAD_INPUT, &diag);
    CHECK_STATUS(jwk_open(&wallet, write_file("empty", "", 0), &diag), STATUS_BAD_INPUT, &diag);
}

/* ---- against other programs ----------------------------------------------------------------- */

/* Ends the case where arweave-js is not installed; before it has anything to free. */
static void require_js(void)
{
    if (!file_exists(test_source_path("contracts/node_modules/arweave/package.json")))
        test_skip("arweave-js is not installed: contracts/setup");
}

static struct test_output run_js(const char *what, const char *file, const char *wallet)
{
    const char *argv[] = {
        "/usr/bin/env", "node", test_source_path("tests/runtime/arweave_check.mjs"), what, file,
        wallet,         NULL};
    struct test_output out = test_run(argv);
    CHECK_MSG(out.exit_status == 0, "%.600s", out.errors);
    REQUIRE(out.exit_status == 0);
    return out;
}

static const size_t lengths[] = {1,          32767,  32768,   262143, 262144, 262145,
                                 280000,     294911, 294912,  524288, 524289, 530000,
                                 786432 + 5, 786432, 1048576, 1300000};
enum { LENGTHS = sizeof lengths / sizeof *lengths, LONGEST = 1300000 };

static uint8_t *random_data(void)
{
    uint8_t *data = malloc(LONGEST);
    REQUIRE(data != NULL);
    test_random_bytes(data, LONGEST);
    return data;
}

/* What the tree says, in the words of arweave_check.mjs. */
static void print_tree(struct buffer *out, const struct arweave_tree *tree)
{
    base64url_put(out, tree->root, 32);
    buffer_puts(out, "\n");
    for (size_t i = 0; i < tree->count; i++) {
        buffer_printf(out, "%zu ", tree->chunk[i].end - 1);
        base64url_put(out, tree->chunk[i].path.data, tree->chunk[i].path.count);
        buffer_printf(out, " %zu\n", tree->chunk[i].begin);
    }
}

TEST(chunks_and_paths_are_those_of_arweave_js)
{
    require_js();
    uint8_t *data = random_data();
    for (size_t i = 0; i < LENGTHS; i++) {
        struct arweave_tree tree;
        struct buffer own = {0};
        struct diag diag = {0};
        REQUIRE_OK(arweave_tree_build(&tree, data, lengths[i], &diag), &diag);
        print_tree(&own, &tree);
        struct test_output out = run_js("chunks", write_file("data", data, lengths[i]), NULL);
        CHECK_MSG(strcmp(out.text, buffer_text(&own)) == 0, "%zu bytes", lengths[i]);
        buffer_release(&own);
        arweave_tree_release(&tree);
    }
    free(data);
}

TEST(data_roots_are_those_of_another_program)
{
    if (!file_exists("/usr/bin/python3"))
        test_skip("python3 is not installed");
    uint8_t *data = random_data();
    for (size_t i = 0; i < LENGTHS; i++) {
        struct arweave_tree tree;
        struct buffer hex = {0};
        struct diag diag = {0};
        REQUIRE_OK(arweave_tree_build(&tree, data, lengths[i], &diag), &diag);
        const char *argv[] = {"/usr/bin/python3",
                              test_source_path("tests/runtime/arweave_check.py"), "root",
                              write_file("data", data, lengths[i]), NULL};
        struct test_output out = test_run(argv);
        buffer_put_hex(&hex, tree.root, 32);
        CHECK_MSG(strncmp(out.text, buffer_text(&hex), 64) == 0, "%zu bytes: %s", lengths[i],
                  out.text);
        buffer_release(&hex);
        arweave_tree_release(&tree);
    }
    free(data);
}

/* Line number n of a text. */
static const char *line_of(const char *text, int n)
{
    for (; n > 0; n--)
        text += strcspn(text, "\n") + (strchr(text, '\n') != NULL);
    return text;
}

TEST(transactions_are_those_of_arweave_js)
{
    static const struct arweave_tag tags[] = {
        {"Content-Type", "application/json"}, {"App-Name", "Sertn"}, {"Ünïcode", "\xe2\x82\xac"}};
    struct jwk wallet;
    uint8_t root[32];
    require_js();
    open_wallet(&wallet);
    for (size_t i = 0; i <= 3; i++) {
        struct arweave_transaction t = {.tags = tags,
                                        .tag_count = i,
                                        .reward = i == 0 ? "0" : "123456789012",
                                        .anchor_count = i == 3 ? 32 : 48,
                                        .data_root = root,
                                        .data_size = i == 0 ? 1 : UINT64_C(1) << (10 * i)};
        struct buffer json = {0};
        struct diag diag = {0};
        char id[44];
        test_random_bytes(root, sizeof root);
        test_random_bytes(t.anchor, sizeof t.anchor);
        REQUIRE_OK(arweave_sign_transaction(&json, id, &t, &wallet, &diag), &diag);
        struct test_output out =
            run_js("transaction", write_file("tx", json.data, json.count), wallet_file());
        CHECK_MSG(strncmp(line_of(out.text, 1), id, 43) == 0, "%s", out.text);
        CHECK_MSG(strncmp(line_of(out.text, 2), "true\ntrue\n", 10) == 0, "%s", out.text);
        CHECK_MSG(strncmp(line_of(out.text, 4), wallet.address, 43) == 0, "%s", out.text);
        buffer_release(&json);
    }
    jwk_close(&wallet);
}

TEST(tags_and_rewards_have_bounds)
{
    static char much[ARWEAVE_MOST_TRANSACTION_TAG_BYTES + 2];
    static const char *const amounts[] = {"", "-1", "1.5", "01", "1e5", "123456789012345678901"};
    struct jwk wallet;
    struct buffer json = {0};
    struct diag diag = {0};
    const uint8_t root[32] = {0};
    char id[44];
    open_wallet(&wallet);
    memset(much, 'x', sizeof much - 1);
    const struct arweave_tag long_tag = {"x", much}, empty = {"", "x"}, no_value = {"x", ""};
    const struct arweave_tag *bad[] = {&long_tag, &empty, &no_value};
    struct arweave_transaction t = {
        .reward = "1", .data_root = root, .data_size = 1, .tag_count = 1};
    for (size_t i = 0; i < 3; i++) {
        t.tags = bad[i];
        CHECK_STATUS(arweave_sign_transaction(&json, id, &t, &wallet, &diag), STATUS_BAD_INPUT,
                     &diag);
    }
    t.tag_count = 0;
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) {
        t.reward = amounts[i];
        CHECK_STATUS(arweave_sign_transaction(&json, id, &t, &wallet, &diag), STATUS_BAD_INPUT,
                     &diag);
    }
    CHECK_U64(json.count, 0);
    jwk_close(&wallet);
}

/* ---- a gateway ------------------------------------------------------------------------------ */

/* What it has been given, and how it misbehaves. */
struct gateway {
    struct server server;
    struct buffer data, path;
    char text[4096], id[44], root[44];
    size_t data_size, posts, chunks;
    const char *price, *balance, *anchor; /* null: sound ones */
    const char *refuse;                   /* status line of POST /tx */
    size_t fail_chunk;                    /* this many posts of chunks fail first */
    const char *chunk_status;             /* with what */
    bool lies;                            /* gives back other bytes */
    bool dies;                            /* says nothing to chunks */
};

static void text_of(struct server_answer *a, struct gateway *g, const char *text)
{
    snprintf(g->text, sizeof g->text, "%s", text);
    a->body = g->text;
    a->count = strlen(g->text);
}

static const char *member(const cJSON *root, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static void take_transaction(struct server_answer *a, struct gateway *g, const cJSON *root)
{
    g->posts++;
    if (g->refuse != NULL) {
        a->status = g->refuse;
        text_of(a, g, "Transaction verification failed.");
        return;
    }
    if (strcmp(g->id, member(root, "id")) != 0)
        buffer_clear(&g->data);
    snprintf(g->id, sizeof g->id, "%s", member(root, "id"));
    snprintf(g->root, sizeof g->root, "%s", member(root, "data_root"));
    g->data_size = strtoull(member(root, "data_size"), NULL, 10);
    if (member(root, "data")[0] != '\0' && g->data.count == 0)
        base64url_take(&g->data, member(root, "data"));
    text_of(a, g, "OK");
}

static void take_chunk(struct server_answer *a, struct gateway *g, const cJSON *root)
{
    struct buffer chunk = {0};
    bool good = strcmp(member(root, "data_root"), g->root) == 0 &&
                base64url_take(&chunk, member(root, "chunk"));
    size_t end = strtoull(member(root, "offset"), NULL, 10) + 1;
    if (g->dies) {
        a->is_silent = true;
    } else if (g->fail_chunk > 0) {
        g->fail_chunk--;
        a->status = g->chunk_status;
    } else if (good && end <= g->data_size && chunk.count <= end) {
        if (g->data.count < end)
            buffer_extend(&g->data, end - g->data.count);
        memcpy(g->data.data + end - chunk.count, chunk.data, chunk.count);
        g->chunks++;
    } else {
        a->status = "400 Bad Request";
    }
    buffer_release(&chunk);
}

static void respond(struct server_answer *a, void *context, const struct buffer *request)
{
    struct gateway *g = context;
    const char *head = (const char *)request->data;
    size_t count;
    const uint8_t *body = server_body(&g->server, &count);
    cJSON *root = cJSON_ParseWithLength((const char *)body, count);
    *a = (struct server_answer){0};
    char path[80];
    snprintf(path, sizeof path, "GET /%s ", g->id);
    if (strncmp(head, "GET /tx_anchor", 14) == 0)
        text_of(a, g,
                g->anchor != NULL
                    ? g->anchor
                    : "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v");
    else if (strncmp(head, "GET /price/", 11) == 0)
        text_of(a, g, g->price != NULL ? g->price : "65000000");
    else if (strncmp(head, "GET /wallet/", 12) == 0)
        text_of(a, g, g->balance != NULL ? g->balance : "1000000000000");
    else if (strncmp(head, "POST /tx ", 9) == 0)
        take_transaction(a, g, root);
    else if (strncmp(head, "POST /chunk ", 12) == 0)
        take_chunk(a, g, root);
    else if (strncmp(head, "GET /tx/", 8) == 0 && g->id[0] != '\0' &&
             strncmp(head + 8, g->id, 43) == 0)
        text_of(a, g, "Pending");
    else if (g->id[0] != '\0' && strncmp(head, path, strlen(path)) == 0) {
        if (g->lies && g->data.count > 0)
            g->data.data[g->data.count / 2] ^= 1;
        a->body = g->data.data;
        a->count = g->data.count;
        g->lies = false;
    } else {
        a->status = "404 Not Found";
    }
    cJSON_Delete(root);
}

static void start(struct gateway *g)
{
    memset(g, 0, sizeof *g);
    server_start(&g->server);
    g->server.context = g;
    g->server.respond = respond;
}

static void stop(struct gateway *g)
{
    server_stop(&g->server);
    buffer_release(&g->data);
}

static enum status put(char *uri, struct storage_id *id, struct gateway *g,
                       const struct jwk *wallet, const struct storage *storage, const void *bytes,
                       size_t count, struct diag *diag)
{
    static const struct arweave_tag tag = {"Content-Type", "application/octet-stream"};
    const struct arweave_upload upload = {
        .gateway = g->server.url, .wallet = wallet, .tags = &tag, .tag_count = 1, .seconds = 1};
    return storage_put_arweave_paid(uri, id, storage, &upload, bytes, count, diag);
}

TEST(data_of_every_length_come_back)
{
    static const size_t some[] = {1, 1000, 262144, 262145, 700000};
    struct gateway g;
    struct jwk wallet;
    uint8_t *data = random_data();
    open_wallet(&wallet);
    start(&g);
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        struct storage_id id;
        char uri[STORAGE_URI_BYTES];
        struct buffer out = {0};
        struct diag diag = {0};
        const struct storage full = {.folder = test_path(test_temp_dir(), "full")},
                             empty = {.folder = test_path(test_temp_dir(), "none"),
                                      .arweave = g.server.url};
        REQUIRE_OK(put(uri, &id, &g, &wallet, &full, data, some[i], &diag), &diag);
        CHECK(strncmp(uri, "ar://", 5) == 0 && strncmp(uri + 5, g.id, 43) == 0 && uri[48] == '#');
        REQUIRE_OK(storage_get(&out, &empty, uri, &id, &diag), &diag);
        CHECK(out.count == some[i] && memcmp(out.data, data, some[i]) == 0);
        buffer_clear(&out);
        REQUIRE_OK(storage_get_named(&out, &empty, uri, LONGEST, &diag), &diag);
        CHECK(out.count == some[i]);
        /* Once more it is the same transaction, and the gateway is not given it again. */
        size_t posts = g.posts;
        char again[STORAGE_URI_BYTES];
        REQUIRE_OK(put(again, &id, &g, &wallet, &full, data, some[i], &diag), &diag);
        CHECK_TEXT(again, uri);
        CHECK_U64(g.posts, posts);
        /* Other bytes than those named. */
        g.lies = true;
        buffer_clear(&out);
        CHECK_STATUS(storage_get_named(&out, &empty, uri, LONGEST, &diag), STATUS_REJECTED, &diag);
        CHECK_MSG(out.count == 0 && strstr(diag.text, "other bytes") != NULL, "%s", diag.text);
        buffer_release(&out);
    }
    stop(&g);
    jwk_close(&wallet);
    free(data);
}

/* Cut off between two chunks, and forgotten by the gateway: the same transaction, paid once. */
TEST(an_upload_that_was_cut_off_goes_on)
{
    struct gateway g;
    struct jwk wallet;
    struct storage_id id;
    char uri[STORAGE_URI_BYTES], first[44];
    uint8_t *data = random_data();
    struct diag diag = {0};
    const struct storage storage = {.folder = test_path(test_temp_dir(), "s")};
    open_wallet(&wallet);
    start(&g);
    g.fail_chunk = 1;
    g.chunk_status = "400 Bad Request";
    CHECK_STATUS(put(uri, &id, &g, &wallet, &storage, data, 700000, &diag), STATUS_REJECTED, &diag);
    CHECK_MSG(strstr(diag.text, "chunk 1 of 3") != NULL, "%s", diag.text);
    snprintf(first, sizeof first, "%s", g.id);
    g.fail_chunk = 2;
    g.chunk_status = "503 Service Unavailable"; /* busy: tried again */
    g.price = "999999999999";                   /* nobody asks for a price again */
    REQUIRE_OK(put(uri, &id, &g, &wallet, &storage, data, 700000, &diag), &diag);
    CHECK_TEXT(g.id, first);
    CHECK_U64(g.chunks, 3);
    CHECK(g.data.count == 700000 && memcmp(g.data.data, data, 700000) == 0);
    /* The gateway forgets, and then takes it no more: said, with what to do. */
    g.id[0] = '\0';
    REQUIRE_OK(put(uri, &id, &g, &wallet, &storage, data, 700000, &diag), &diag);
    CHECK_TEXT(g.id, first);
    g.id[0] = '\0';
    g.refuse = "400 Bad Request";
    CHECK_STATUS(put(uri, &id, &g, &wallet, &storage, data, 700000, &diag), STATUS_REJECTED, &diag);
    CHECK_MSG(strstr(diag.text, "remove that file to sign another") != NULL, "%s", diag.text);
    stop(&g);
    jwk_close(&wallet);
    free(data);
}

TEST(a_gateway_that_lies_or_fails_costs_nothing)
{
    static const struct {
        const char *price, *balance, *anchor, *refuse, *says;
        enum status status;
    } cases[] = {
        {"500000000001", NULL, NULL, NULL, "more than the limit", STATUS_LIMIT},
        {"18446744073709551615", NULL, NULL, NULL, "no amount", STATUS_IO},
        {"free", NULL, NULL, NULL, "no amount", STATUS_IO},
        {"-5", NULL, NULL, NULL, "no amount", STATUS_IO},
        {"", NULL, NULL, NULL, "no amount", STATUS_IO},
        {NULL, "64999999", NULL, NULL, "send it some", STATUS_BAD_INPUT},
        {NULL, "<html>", NULL, NULL, "no amount", STATUS_IO},
        {NULL, NULL, "not base64!", NULL, "no anchor", STATUS_IO},
        {NULL, NULL, "", NULL, "no anchor", STATUS_IO},
        {NULL, NULL, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4",
         NULL, "no anchor", STATUS_IO},
        {NULL, NULL, NULL, "400 Bad Request", "Transaction verification failed", STATUS_REJECTED},
    };
    struct gateway g;
    struct jwk wallet;
    open_wallet(&wallet);
    start(&g);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct storage_id id;
        char uri[STORAGE_URI_BYTES];
        struct diag diag = {0};
        const struct storage storage = {.folder = test_temp_dir()};
        g.price = cases[i].price;
        g.balance = cases[i].balance;
        g.anchor = cases[i].anchor;
        g.refuse = cases[i].refuse;
        CHECK_STATUS(put(uri, &id, &g, &wallet, &storage, "x", 1, &diag), cases[i].status, &diag);
        CHECK_MSG(strstr(diag.text, cases[i].says) != NULL, "%zu: %s", i, diag.text);
        CHECK(g.posts == (cases[i].refuse != NULL));
    }
    stop(&g);
    struct storage_id id;
    char uri[STORAGE_URI_BYTES];
    struct diag diag = {0};
    const struct storage storage = {.folder = test_temp_dir()};
    CHECK_STATUS(put(uri, &id, &g, &wallet, &storage, "x", 1, &diag), STATUS_IO, &diag);
    jwk_close(&wallet);
}

TEST(records_of_others_are_refused)
{
    struct gateway g;
    struct jwk wallet;
    struct storage_id id;
    char uri[STORAGE_URI_BYTES], *path;
    struct diag diag = {0};
    const struct storage storage = {.folder = test_path(test_temp_dir(), "s")};
    open_wallet(&wallet);
    start(&g);
    REQUIRE_OK(put(uri, &id, &g, &wallet, &storage, "x", 1, &diag), &diag);
    wallet.owner[3] ^= 1; /* another wallet */
    CHECK_STATUS(put(uri, &id, &g, &wallet, &storage, "x", 1, &diag), STATUS_BAD_INPUT, &diag);
    CHECK_MSG(strstr(diag.text, "another wallet") != NULL, "%s", diag.text);
    wallet.owner[3] ^= 1;
    REQUIRE_OK(storage_local_path(&path, &storage, id.sha256, ".arweave", &diag), &diag);
    static const char *const rubbish[] = {"", "{}", "{\"id\":\"x\"}", "no JSON"};
    for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; i++) {
        REQUIRE_OK(file_write(path, rubbish[i], strlen(rubbish[i]), 0644, false, &diag), &diag);
        CHECK_STATUS(put(uri, &id, &g, &wallet, &storage, "x", 1, &diag), STATUS_BAD_INPUT, &diag);
        CHECK_MSG(strstr(diag.text, "remove it to sign another") != NULL, "%s", diag.text);
    }
    free(path);
    stop(&g);
    jwk_close(&wallet);
}

TEST(uris_without_a_hash_are_no_names)
{
    static const char *const bad[] = {
        "ar://0123456789-0123456789_0123456789-0123456789",
        "ar://0123456789-0123456789_0123456789-0123456789#",
        "ar://0123456789-0123456789_0123456789-0123456789#00",
        "ar://0123456789-0123456789_0123456789-0123456789#"
        "zz00000000000000000000000000000000000000000000000000000000000000",
        "ipfs://QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG",
        "http://127.0.0.1/",
        "",
    };
    const struct storage storage = {.folder = test_temp_dir(), .arweave = "http://127.0.0.1:1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buffer out = {0};
        struct diag diag = {0};
        CHECK_STATUS(storage_get_named(&out, &storage, bad[i], 100, &diag), STATUS_BAD_INPUT,
                     &diag);
        CHECK(out.count == 0);
    }
}

/* ---- data items ----------------------------------------------------------------------------- */

static bool is_text(const struct arweave_span *span, const char *text)
{
    return span->count == strlen(text) && memcmp(span->data, text, span->count) == 0;
}

TEST(items_are_read_as_they_were_made)
{
    static const struct arweave_tag tags[] = {{"Content-Type", "text/plain"}, {"App", "Sertn"}};
    static const uint8_t key[32] = {[31] = 9};
    static const size_t some[] = {0, 1, 5000};
    uint8_t *data = random_data();
    for (size_t i = 0; i < 3; i++) {
        struct buffer bytes = {0};
        struct arweave_item item;
        struct diag diag = {0};
        uint8_t id[ARWEAVE_ID_BYTES];
        REQUIRE_OK(arweave_make_item(&bytes, id, data, some[i], tags, i, key, &diag), &diag);
        REQUIRE_OK(arweave_open_item(&item, bytes.data, bytes.count, &diag), &diag);
        CHECK_BYTES(item.id, id, sizeof id);
        CHECK(item.data_bytes == some[i] && memcmp(item.data, data, some[i]) == 0);
        CHECK_U64(item.tag_count, i);
        for (size_t k = 0; k < i; k++)
            CHECK(is_text(&item.tag[k].name, tags[k].name) &&
                  is_text(&item.tag[k].value, tags[k].value));
        /* One bit of it, anywhere, and one byte less. */
        for (size_t at = 0; at < bytes.count; at += 1 + bytes.count / 150) {
            uint8_t bit = (uint8_t)(1u << test_random_below(8));
            bytes.data[at] ^= bit;
            enum status status = arweave_open_item(&item, bytes.data, bytes.count, &diag);
            CHECK_MSG(status != STATUS_OK, "byte %zu, bit %u", at, bit);
            bytes.data[at] ^= bit;
        }
        CHECK(arweave_open_item(&item, bytes.data, bytes.count - 1, &diag) != STATUS_OK);
        buffer_release(&bytes);
    }
    free(data);
}
