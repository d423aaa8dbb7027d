/* label: fast libs: sertn_runtime sertn_3rd_cjson */
/*
 * What strangers send to the chain client and to the stores: answers of JSON-RPC nodes, answers and
 * errors of contracts, wallets, keystores, backtests, base64url. Each ends with a status, and a
 * sentence of one line when it is not STATUS_OK.
 */
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/arweave_item.h"
#include "runtime/base64url.h"
#include "runtime/contract.h"
#include "runtime/jwk.h"
#include "runtime/keystore.h"
#include "runtime/rpc.h"
#include "runtime/storage.h"
#include "tests/fuzz/fuzz.h"
#include "tests/harness/harness.h"

/* Our sentence fits a line, whatever a stranger said. */
static void check_sentence(enum status status, const struct diag *diag)
{
    ASSERT((status == STATUS_OK) == (diag->text[0] == '\0'));
    for (const char *c = diag->text; *c != '\0'; c++)
        ASSERT((unsigned char)*c >= ' ' && *c != 0x7f);
}

static void read_rpc(const uint8_t *bytes, size_t count)
{
    cJSON *result;
    struct diag diag = {0};
    uint64_t number;
    enum status status = rpc_read_answer(&result, "http://node", "eth_call", bytes, count, &diag);
    check_sentence(status, &diag);
    ASSERT((status == STATUS_OK) == (result != NULL));
    if (cJSON_IsString(result) && rpc_parse_quantity(&number, result->valuestring))
        ASSERT(strlen(result->valuestring) <= 18);
    cJSON_Delete(result);
}

/* An answer of a contract: every kind of value at offsets it chooses. */
static void read_abi(const uint8_t *bytes, size_t count)
{
    struct abi_reader r = {bytes, count, false};
    size_t length;
    for (size_t i = 0; i < 8; i++) {
        size_t at = abi_offset(&r, 0, i);
        const uint8_t *data = abi_bytes(&length, &r, at);
        ASSERT(r.failed ? data == NULL && length == 0
                        : data >= bytes && data + length <= bytes + count);
        amount value = amount_read(&r, at, i);
        ASSERT(!r.failed || value == 0);
        if (r.failed)
            r = (struct abi_reader){bytes, count, false};
        const uint8_t *word = abi_word(&r, 32 * i, 1);
        ASSERT(r.failed || (word >= bytes && word + ABI_WORD <= bytes + count));
        r.failed = false;
    }
}

static void read_error(const uint8_t *bytes, size_t count)
{
    char text[CONTRACT_ERROR_TEXT];
    struct buffer hex = {0};
    buffer_puts(&hex, "0x");
    buffer_put_hex(&hex, bytes, count);
    if (contract_error_text(text, buffer_text(&hex))) {
        for (const char *c = text; *c != '\0'; c++)
            ASSERT(*c >= ' ' && *c <= '~');
    }
    buffer_release(&hex);
}

static void read_jwk(const uint8_t *bytes, size_t count)
{
    struct jwk wallet;
    struct diag diag = {0};
    enum status status = jwk_parse(&wallet, bytes, count, "wallet", &diag);
    check_sentence(status, &diag);
    if (status == STATUS_OK) { /* then it signs */
        uint8_t signature[JWK_BYTES];
        ASSERT(jwk_sign(signature, &wallet, "x", 1, &diag) == STATUS_OK);
        ASSERT(jwk_verify(signature, wallet.owner, "x", 1));
    }
    jwk_close(&wallet);
}

static void read_keystore(const uint8_t *bytes, size_t count)
{
    static const struct keystore_limits limits = {1 << 16, 1000};
    uint8_t key[KEYSTORE_KEY_BYTES];
    struct diag diag = {0};
    check_sentence(keystore_parse(key, bytes, count, "keystore", "p", &limits, &diag), &diag);
}

static void read_item(const uint8_t *bytes, size_t count)
{
    struct arweave_item item;
    struct diag diag = {0};
    enum status status = arweave_open_item(&item, bytes, count, &diag);
    check_sentence(status, &diag);
    if (status == STATUS_OK) {
        ASSERT(item.data >= bytes && item.data + item.data_bytes <= bytes + count);
        ASSERT(item.tag_count <= ARWEAVE_MOST_TAGS);
    }
}

static void read_base64url(const uint8_t *bytes, size_t count)
{
    struct buffer text = {0}, taken = {0}, again = {0};
    buffer_put(&text, bytes, count);
    if (base64url_take(&taken, buffer_text(&text))) {
        base64url_put(&again, taken.data, taken.count);
        ASSERT(strcmp(buffer_text(&again), buffer_text(&text)) == 0);
    }
    buffer_release(&text);
    buffer_release(&taken);
    buffer_release(&again);
}

static void read_uri(const uint8_t *bytes, size_t count)
{
    uint8_t digest[32];
    char uri[STORAGE_URI_BYTES + 64], *copy = strndup((const char *)bytes, count);
    char cid[STORAGE_CID_BYTES];
    ASSERT(copy != NULL);
    if (storage_uri_digest(digest, copy) && strncmp(copy, "ipfs://", 7) == 0) {
        storage_cid(cid, digest);
        ASSERT(strcmp(copy + 7, cid) == 0);
    }
    (void)uri;
    free(copy);
}

static void (*const targets[])(const uint8_t *bytes, size_t count) = {
    read_rpc, read_abi, read_error, read_jwk, read_keystore, read_item, read_base64url, read_uri};
enum { TARGETS = sizeof targets / sizeof *targets };

#ifdef SERTN_LIBFUZZER
static void any_target(const uint8_t *bytes, size_t count)
{
    if (count > 0)
        targets[bytes[0] % TARGETS](bytes + 1, count - 1);
}
FUZZ_ENTRY(any_target)
#else
static const char *const answers[] = {
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x7a69\"}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"number\":\"0x1\",\"logs\":[{\"topics\":[]}]}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":3,\"message\":\"execution reverted\","
    "\"data\":\"0x08c379a0000000000000000000000000000000000000000000000000000000000000002000000000"
    "000000000000000000000000000000000000000000000000000000036162630000000000000000000000000000"
    "000000000000000000000000000000\"}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,\"message\":\"no\\n\\u001b[2J\"}}",
};

static void run(void (*target)(const uint8_t *bytes, size_t count), const char *folder,
                const void *start, size_t count)
{
    struct fuzz_corpus corpus = {0};
    if (start != NULL)
        fuzz_add(&corpus, start, count);
    fuzz_add_folder(&corpus, folder, "");
    fuzz_run(&corpus, target, FUZZ_SECONDS);
    fuzz_release(&corpus);
}

TEST(answers_of_nodes_never_crash)
{
    struct fuzz_corpus corpus = {0};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        fuzz_add(&corpus, answers[i], strlen(answers[i]));
    fuzz_add_folder(&corpus, "tests/fuzz/corpus/rpc", "");
    fuzz_run(&corpus, read_rpc, FUZZ_SECONDS);
    fuzz_release(&corpus);
}

/* Words that are small numbers, offsets and lengths among them. */
TEST(answers_of_contracts_never_crash)
{
    uint8_t words[24 * ABI_WORD] = {0};
    for (size_t i = 0; i < 24; i++)
        words[i * ABI_WORD + ABI_WORD - 1] = (uint8_t)(i % 3 == 0 ? 32 * i : i);
    run(read_abi, "tests/fuzz/corpus/abi", words, sizeof words);
    run(read_error, "tests/fuzz/corpus/abi", words + 28, 200);
}

TEST(wallets_never_crash)
{
    struct buffer text = {0};
    struct diag diag = {0};
    REQUIRE_OK(
        file_read(test_source_path("tests/fuzz/corpus/jwk/wallet.json"), 1 << 16, &text, &diag),
        &diag);
    run(read_jwk, "tests/fuzz/corpus/jwk", text.data, text.count);
    buffer_release(&text);
}

TEST(keystores_never_crash)
{
    run(read_keystore, "tests/fuzz/corpus/keystore", NULL, 0);
}

TEST(data_items_never_crash)
{
    static const struct arweave_tag tags[] = {{"Content-Type", "text/plain"}, {"App", "Sertn"}};
    static const uint8_t key[32] = {[31] = 5};
    struct buffer item = {0};
    uint8_t id[ARWEAVE_ID_BYTES];
    struct diag diag = {0};
    REQUIRE_OK(arweave_make_item(&item, id, "data of an item", 15, tags, 2, key, &diag), &diag);
    run(read_item, "tests/fuzz/corpus/item", item.data, item.count);
    buffer_release(&item);
}

TEST(names_and_texts_never_crash)
{
    static const char text[] = "Zm9vYmFyAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    static const char uri[] = "ipfs://bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
    run(read_base64url, "tests/fuzz/corpus/base64url", text, sizeof text - 1);
    run(read_uri, "tests/fuzz/corpus/uri", uri, sizeof uri - 1);
}
#endif
