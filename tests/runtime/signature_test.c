#include "runtime/signature.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "ir/support/file.h"
#include "runtime/arweave.h"
#include "runtime/transaction.h"
#include "tests/harness/harness.h"
#include "tests/runtime/server_kit.h"

#define KEY_HEX "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
static const uint8_t key[SIGNATURE_KEY_BYTES] = {
    0xac, 0x09, 0x74, 0xbe, 0xc3, 0x9a, 0x17, 0xe3, 0x6b, 0xa4, 0xa6, 0xb4, 0xd2, 0x38, 0xff, 0x94,
    0x4b, 0xac, 0xb4, 0x78, 0xcb, 0xed, 0x5e, 0xfc, 0xae, 0x78, 0x4d, 0x7b, 0xf4, 0xf2, 0xff, 0x80};

static const char *cast(void)
{
    const char *path =
        test_source_path("contracts/node_modules/@foundry-rs/cast-linux-amd64/bin/cast");
    if (!file_exists(path))
        test_skip("cast is not installed: contracts/setup");
    return path;
}

static void to_hex(char *text, const uint8_t *bytes, size_t count)
{
    strcpy(text, "0x");
    for (size_t i = 0; i < count; i++)
        sprintf(text + 2 + 2 * i, "%02x", bytes[i]);
}

static void expect_signature(const char *const *argv, const uint8_t digest[32])
{
    uint8_t signature[SIGNATURE_BYTES], address[20], own[20];
    char text[2 * SIGNATURE_BYTES + 3];
    struct diag diag = {0};
    struct test_output out = test_run(argv);
    REQUIRE_OK(signature_sign(signature, digest, key, &diag), &diag);
    to_hex(text, signature, sizeof signature);
    CHECK_MSG(strncmp(out.text, text, strlen(text)) == 0, "cast: %.140s%.200s, not %s", out.text,
              out.errors, text);
    REQUIRE_OK(signature_recover(address, digest, signature, &diag), &diag);
    REQUIRE_OK(transaction_address(own, key, &diag), &diag);
    CHECK_BYTES(address, own, 20);
}

TEST(messages_are_signed_as_cast_signs_them)
{
    static const size_t lengths[] = {1, 9, 10, 48, 99, 100, 255};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint8_t message[255], digest[32];
        char text[2 * sizeof message + 3];
        test_random_bytes(message, lengths[i]);
        to_hex(text, message, lengths[i]);
        eip191_digest(digest, message, lengths[i]);
        const char *argv[] = {cast(), "wallet", "sign", "--private-key", "0x" KEY_HEX, text, NULL};
        expect_signature(argv, digest);
    }
}

TEST(structures_are_signed_as_cast_signs_them)
{
    static const char type[] = "Job(uint256 model,bytes32 input,string note,address to)";
    struct eip712_domain domain = {.name = "Sertn", .version = "1", .chain_id = 31337};
    for (int round = 0; round < 4; round++) {
        uint8_t separator[32], hash[32], digest[32], words[4 * 32] = {0};
        char input[67], to[43], contract[43], json[2000], note[40];
        uint64_t model = test_random_edge_u64() >> 12; /* a number of JSON holds it */
        test_random_bytes(words + 32, 32);
        test_random_bytes(words + 96 + 12, 20);
        test_random_bytes(domain.contract, 20);
        domain.chain_id = 1 + test_random_below(1u << 30);
        for (int i = 0; i < 8; i++)
            words[31 - i] = (uint8_t)(model >> (8 * i));
        snprintf(note, sizeof note, "note %d", round);
        keccak256(words + 64, note, strlen(note));
        to_hex(input, words + 32, 32);
        to_hex(to, words + 96 + 12, 20);
        to_hex(contract, domain.contract, 20);
        snprintf(json, sizeof json,
                 "{\"types\":{\"EIP712Domain\":[{\"name\":\"name\",\"type\":\"string\"},"
                 "{\"name\":\"version\",\"type\":\"string\"},{\"name\":\"chainId\",\"type\":"
                 "\"uint256\"},{\"name\":\"verifyingContract\",\"type\":\"address\"}],"
                 "\"Job\":[{\"name\":\"model\",\"type\":\"uint256\"},{\"name\":\"input\",\"type\":"
                 "\"bytes32\"},{\"name\":\"note\",\"type\":\"string\"},{\"name\":\"to\",\"type\":"
                 "\"address\"}]},\"primaryType\":\"Job\",\"domain\":{\"name\":\"Sertn\","
                 "\"version\":\"1\",\"chainId\":%" PRIu64 ",\"verifyingContract\":\"%s\"},"
                 "\"message\":{\"model\":%" PRIu64
                 ",\"input\":\"%s\",\"note\":\"%s\",\"to\":\"%s\"}}",
                 domain.chain_id, contract, model, input, note, to);
        eip712_domain_separator(separator, &domain);
        eip712_struct_hash(hash, type, words, sizeof words);
        eip712_digest(digest, separator, hash);
        const char *argv[] = {cast(),       "wallet", "sign", "--private-key",
                              "0x" KEY_HEX, "--data", json,   NULL};
        expect_signature(argv, digest);
    }
}

TEST(what_is_no_signature_is_rejected)
{
    uint8_t signature[SIGNATURE_BYTES], digest[32], own[20], address[20];
    struct diag diag = {0};
    test_random_bytes(digest, sizeof digest);
    REQUIRE_OK(signature_sign(signature, digest, key, &diag), &diag);
    REQUIRE_OK(transaction_address(own, key, &diag), &diag);
    for (size_t i = 0; i < SIGNATURE_BYTES; i++) {
        uint8_t bit = (uint8_t)(1u << test_random_below(8));
        signature[i] ^= bit;
        enum status status = signature_recover(address, digest, signature, &diag);
        CHECK_MSG(status == STATUS_REJECTED || memcmp(address, own, 20) != 0, "byte %zu, bit %u", i,
                  bit);
        signature[i] ^= bit;
    }
    /* The other signature of the same message: n - s and the other parity. */
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
                                      0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b,
                                      0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
    int borrow = 0;
    for (int i = 31; i >= 0; i--) {
        int d = order[i] - signature[32 + i] - borrow;
        borrow = d < 0;
        signature[32 + i] = (uint8_t)(d + 256 * borrow);
    }
    signature[64] = (uint8_t)(27 + 28 - signature[64]);
    CHECK_STATUS(signature_recover(address, digest, signature, &diag), STATUS_REJECTED, &diag);
    uint8_t zero[32] = {0};
    CHECK_STATUS(signature_sign(signature, digest, zero, &diag), STATUS_BAD_INPUT, &diag);
}

/* ---- Arweave -------------------------------------------------------------------------------- */

/* Line number n of a text, its beginning when it is long. */
static void line_of(char out[160], const char *text, int n)
{
    for (; n > 0 && text != NULL; n--) {
        text = strchr(text, '\n');
        text = text == NULL ? NULL : text + 1;
    }
    snprintf(out, 160, "%.*s", text == NULL ? 0 : (int)strcspn(text, "\n"),
             text == NULL ? "" : text);
}

static struct test_output python(const char *what, const void *bytes, size_t count)
{
    struct diag diag = {0};
    const char *path = test_path(test_temp_dir(), "bytes");
    REQUIRE_OK(file_write(path, bytes, count, FILE_MODE_PUBLIC, false, &diag), &diag);
    const char *argv[] = {"/usr/bin/python3", test_source_path("tests/runtime/arweave_check.py"),
                          what, path, NULL};
    if (!file_exists(argv[0]))
        test_skip("python3 is not installed");
    struct test_output out = test_run(argv);
    REQUIRE(out.exit_status == 0);
    return out;
}

TEST(data_items_are_what_another_program_reads)
{
    static const struct arweave_tag tags[] = {
        {"Content-Type", "application/octet-stream"},
        {"App", "Sertn"},
        {"Long", "0123456789012345678901234567890123456789012345678901234567890123456789"}};
    static const size_t lengths[] = {0, 1, 100, 70000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint8_t *data = malloc(lengths[i] + 1), id[ARWEAVE_ID_BYTES];
        struct buffer item = {0};
        struct diag diag = {0};
        char text[44];
        test_random_bytes(data, lengths[i]);
        REQUIRE_OK(arweave_make_item(&item, id, data, lengths[i], tags, i % 4, key, &diag), &diag);
        struct test_output out = python("item", item.data, item.count);
        char deep[160], signature[160], line[160];
        arweave_id_text(text, id);
        line_of(line, out.text, 3);
        CHECK_TEXT(line, text);
        line_of(line, out.text, 4);
        CHECK_MSG(i % 4 == 0 || strstr(line, "Content-Type") != NULL, "%s", line);
        /* The signature is over the deep hash that python finds, says cast. */
        line_of(deep, out.text, 0);
        line_of(signature, out.text, 2);
        const char *argv[] = {
            cast(), "wallet",  "verify", "--address", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            deep,   signature, NULL};
        out = test_run(argv);
        CHECK_MSG(out.exit_status == 0, "cast: %s%s", out.text, out.errors);
        signature[20] = signature[20] == '1' ? '2' : '1';
        out = test_run(argv);
        CHECK(out.exit_status != 0);
        buffer_release(&item);
        free(data);
    }
}

TEST(bundlers_are_held_to_the_id)
{
    struct server server;
    struct storage_id id;
    char uri[STORAGE_URI_BYTES], answer[100];
    uint8_t item_id[ARWEAVE_ID_BYTES];
    struct buffer item = {0};
    struct diag diag = {0};
    char text[44];
    size_t count;
    server_start(&server);
    REQUIRE_OK(arweave_make_item(&item, item_id, "data", 4, NULL, 0, key, &diag), &diag);
    arweave_id_text(text, item_id);
    snprintf(answer, sizeof answer, "{\"id\":\"%s\"}", text);
    server.answer = (struct server_answer){.body = answer, .count = strlen(answer)};
    REQUIRE_OK(storage_put_arweave(uri, &id, server.url, 1, "data", 4, NULL, 0, key, &diag), &diag);
    CHECK(strncmp(uri, "ar://", 5) == 0 && strcmp(uri + 5, text) == 0);
    const uint8_t *body = server_body(&server, &count);
    CHECK(count == item.count && memcmp(body, item.data, count) == 0);
    answer[10] = answer[10] == 'A' ? 'B' : 'A';
    CHECK_STATUS(storage_put_arweave(uri, &id, server.url, 1, "data", 4, NULL, 0, key, &diag),
                 STATUS_REJECTED, &diag);
    server.answer = (struct server_answer){.body = "<html>", .count = 6};
    CHECK_STATUS(storage_put_arweave(uri, &id, server.url, 1, "data", 4, NULL, 0, key, &diag),
                 STATUS_IO, &diag);
    server.answer =
        (struct server_answer){.status = "402 Payment Required", .body = "no", .count = 2};
    CHECK_STATUS(storage_put_arweave(uri, &id, server.url, 1, "data", 4, NULL, 0, key, &diag),
                 STATUS_IO, &diag);
    CHECK_MSG(strstr(diag.text, "402") != NULL, "%s", diag.text);
    static const struct arweave_tag empty = {"", "x"};
    CHECK_STATUS(arweave_make_item(&item, item_id, "", 0, &empty, 1, key, &diag), STATUS_BAD_INPUT,
                 &diag);
    server_stop(&server);
    buffer_release(&item);
}
