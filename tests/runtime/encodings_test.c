/* label: fast libs: sertn_3rd_cjson */
/*
 * Every encoding of the chain client against cast, in tables: keccak, RLP, the ABI both ways,
 * selectors, numbers, addresses, keystores. Signed transactions are in transaction_test.c,
 * signatures of messages and structures in signature_test.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "ir/support/file.h"
#include "runtime/contract.h"
#include "runtime/keystore.h"
#include "runtime/rlp.h"
#include "runtime/transaction.h"
#include "tests/harness/harness.h"

static const char *cast(void)
{
    const char *path =
        test_source_path("contracts/node_modules/@foundry-rs/cast-linux-amd64/bin/cast");
    if (!file_exists(path))
        test_skip("cast is not installed: contracts/setup");
    return path;
}

/* What cast prints, without its last line end. */
static const char *says(const char *const *arguments)
{
    const char *argv[24] = {cast()};
    size_t count = 1;
    for (; arguments[count - 1] != NULL; count++)
        argv[count] = arguments[count - 1];
    struct test_output out = test_run(argv);
    CHECK_MSG(out.exit_status == 0, "cast %s: %.300s", arguments[0], out.errors);
    out.text[strcspn(out.text, "\n")] = '\0';
    return out.text;
}
#define CAST(...) says((const char *const[]){__VA_ARGS__, NULL})

static const char *hex_of(struct buffer *text, const void *bytes, size_t count)
{
    buffer_clear(text);
    buffer_puts(text, "0x");
    buffer_put_hex(text, bytes, count);
    return buffer_text(text);
}

TEST(hashes_are_those_of_cast)
{
    static const size_t lengths[] = {1, 31, 32, 33, 134, 135, 136, 137, 271, 272, 273, 1000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint8_t bytes[1000], digest[KECCAK256_BYTES];
        struct buffer in = {0}, out = {0};
        test_random_bytes(bytes, lengths[i]);
        keccak256(digest, bytes, lengths[i]);
        CHECK_TEXT(CAST("keccak", hex_of(&in, bytes, lengths[i])),
                   hex_of(&out, digest, sizeof digest));
        buffer_release(&in);
        buffer_release(&out);
    }
}

/* ---- RLP ------------------------------------------------------------------------------------ */

/* A random item as JSON for cast, and encoded here. */
static void put_item(struct buffer *json, struct buffer *rlp, unsigned depth)
{
    static const size_t lengths[] = {0, 1, 1, 2, 8, 20, 32, 54, 55, 56, 57, 255, 256, 300};
    if (depth > 0 && test_random_below(2) == 0) {
        struct buffer items = {0};
        uint64_t count = test_random_below(5);
        buffer_puts(json, "[");
        for (uint64_t i = 0; i < count; i++) {
            buffer_puts(json, i == 0 ? "" : ",");
            put_item(json, &items, depth - 1);
        }
        buffer_puts(json, "]");
        rlp_put_list(rlp, &items);
        buffer_release(&items);
        return;
    }
    uint8_t bytes[300];
    size_t count = lengths[test_random_below(sizeof lengths / sizeof *lengths)];
    test_random_bytes(bytes, sizeof bytes);
    if (test_random_below(3) == 0)
        bytes[0] = (uint8_t)(0x7e + test_random_below(4));
    buffer_puts(json, "\"0x");
    buffer_put_hex(json, bytes, count);
    buffer_puts(json, "\"");
    rlp_put_bytes(rlp, bytes, count);
}

TEST(lists_and_bytes_are_those_of_cast)
{
    for (int i = 0; i < 24; i++) {
        struct buffer json = {0}, rlp = {0}, text = {0};
        put_item(&json, &rlp, 4);
        CHECK_TEXT(CAST("to-rlp", buffer_text(&json)), hex_of(&text, rlp.data, rlp.count));
        buffer_release(&json);
        buffer_release(&rlp);
        buffer_release(&text);
    }
}

TEST(numbers_have_no_leading_zeros)
{
    static const uint64_t numbers[] = {0, 1, 127, 128, 255, 256, 65535, 65536, UINT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct buffer rlp = {0}, text = {0}, json = {0};
        char hex[20];
        snprintf(hex, sizeof hex, "%" PRIx64, numbers[i]);
        rlp_put_u64(&rlp, numbers[i]);
        buffer_printf(&json, "\"0x%s%s\"", strlen(hex) % 2 == 0 ? "" : "0",
                      numbers[i] == 0 ? "" : hex);
        if (numbers[i] == 0) {
            buffer_clear(&json);
            buffer_puts(&json, "\"0x\"");
        }
        CHECK_TEXT(CAST("to-rlp", buffer_text(&json)), hex_of(&text, rlp.data, rlp.count));
        buffer_release(&json);
        buffer_release(&rlp);
        buffer_release(&text);
    }
}

/* ---- the ABI -------------------------------------------------------------------------------- */

TEST(selectors_are_those_of_cast)
{
    static const char *const signatures[] = {
        "register((bytes32,bytes32,bytes32,bytes4,uint96,string),bytes,uint256)",
        "getModel(uint256)",
        "termsOf(uint256)",
        "schemasOf(uint256)",
        "deprecateModel(uint256)",
        "routeOf(bytes4)",
        "lastJobs(uint256,uint256)",
        "priceOf(uint256,uint32)",
        "approve(address,uint256)",
        "allowance(address,address)",
        "verify(bytes32,bytes,bytes32,uint256[],bytes)",
        "prove(uint256,bytes,(uint32,uint128,bytes32[],uint256[],bytes)[])",
    };
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        struct buffer own = {0}, text = {0};
        abi_put_selector(&own, signatures[i]);
        CHECK_TEXT(CAST("sig", signatures[i]), hex_of(&text, own.data, own.count));
        buffer_release(&own);
        buffer_release(&text);
    }
}

/* What is written, and what is read back from cast's own bytes. */
TEST(calls_are_those_of_cast)
{
    static const char signature[] =
        "f(uint256,address,bytes32,bytes,string,uint256[],(bytes,uint64)[])";
    static const size_t lengths[] = {0, 1, 31, 32, 33, 64, 65, 200};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint64_t number = test_random_edge_u64(), inner = test_random_u64();
        uint8_t address[ABI_ADDRESS], word[ABI_WORD], bytes[200];
        size_t n = lengths[i];
        struct buffer own = {0}, text = {0}, tuple = {0}, cast_bytes = {0};
        struct buffer address_hex = {0}, word_hex = {0}, bytes_hex = {0}, tuples = {0}, list = {0};
        char number_text[24], string[201];
        test_random_bytes(address, sizeof address);
        test_random_bytes(word, sizeof word);
        test_random_bytes(bytes, sizeof bytes);
        for (size_t k = 0; k < n; k++)
            string[k] = (char)('a' + test_random_below(26));
        string[n] = '\0';
        snprintf(number_text, sizeof number_text, "%" PRIu64, number);
        buffer_printf(&list, "[%" PRIu64 ",%s]", inner, number_text);
        hex_of(&bytes_hex, bytes, n);
        buffer_printf(&tuples, "[(%s,%" PRIu64 ")]", buffer_text(&bytes_hex), inner);
        const char *expected =
            CAST("calldata", signature, number_text, hex_of(&address_hex, address, 20),
                 hex_of(&word_hex, word, 32), buffer_text(&bytes_hex), n == 0 ? "" : string,
                 buffer_text(&list), buffer_text(&tuples));
        /* The same by abi_put: heads, then tails in their order. */
        size_t at = 7 * ABI_WORD;
        abi_put_selector(&own, signature);
        abi_put_u64(&own, number);
        abi_put_address(&own, address);
        abi_put_word(&own, word);
        abi_put_u64(&own, at);
        abi_put_u64(&own, at += abi_bytes_size(n));
        abi_put_u64(&own, at += abi_bytes_size(n));
        abi_put_u64(&own, at += 3 * ABI_WORD);
        abi_put_bytes(&own, bytes, n);
        abi_put_bytes(&own, string, n);
        abi_put_u64(&own, 2);
        abi_put_u64(&own, inner);
        abi_put_u64(&own, number);
        abi_put_u64(&own, 1);
        abi_put_u64(&own, ABI_WORD); /* one tuple */
        abi_put_u64(&own, 2 * ABI_WORD);
        abi_put_u64(&own, inner);
        abi_put_bytes(&own, bytes, n);
        CHECK_TEXT(hex_of(&text, own.data, own.count), expected);
        /* And read. */
        REQUIRE(abi_parse_hex(&cast_bytes, expected));
        struct abi_reader r = {cast_bytes.data + 4, cast_bytes.count - 4, false};
        size_t count;
        CHECK_U64(abi_u64(&r, 0, 0), number);
        CHECK_BYTES(abi_word(&r, 0, 1) + 12, address, 20);
        CHECK_BYTES(abi_word(&r, 0, 2), word, 32);
        const uint8_t *read = abi_bytes(&count, &r, abi_offset(&r, 0, 3));
        CHECK(count == n && memcmp(read, bytes, n) == 0);
        read = abi_bytes(&count, &r, abi_offset(&r, 0, 4));
        CHECK(count == n && memcmp(read, string, n) == 0);
        size_t array = abi_offset(&r, 0, 5);
        CHECK_U64(abi_u64(&r, array, 0), 2);
        CHECK_U64(abi_u64(&r, array, 1), inner);
        size_t items = abi_offset(&r, 0, 6) + ABI_WORD, item = abi_offset(&r, items, 0);
        CHECK_U64(abi_u64(&r, item, 1), inner);
        read = abi_bytes(&count, &r, abi_offset(&r, item, 0));
        CHECK(count == n && memcmp(read, bytes, n) == 0 && !r.failed);
        /* Cut anywhere, the reader fails or stays within. */
        for (size_t cut = 0; cut < cast_bytes.count - 4; cut += 13) {
            struct abi_reader cut_reader = {cast_bytes.data + 4, cut, false};
            read = abi_bytes(&count, &cut_reader, abi_offset(&cut_reader, 0, 3));
            CHECK(cut_reader.failed == (read == NULL));
        }
        buffer_release(&own);
        buffer_release(&text);
        buffer_release(&tuple);
        buffer_release(&cast_bytes);
        buffer_release(&address_hex);
        buffer_release(&word_hex);
        buffer_release(&bytes_hex);
        buffer_release(&tuples);
        buffer_release(&list);
    }
}

TEST(amounts_are_those_of_cast)
{
    for (int i = 0; i < 12; i++) {
        amount value = (amount)test_random_edge_u64() << 62 | test_random_edge_u64(), again = 0;
        char text[AMOUNT_TEXT];
        struct buffer word = {0}, hex = {0};
        amount_format(text, value);
        amount_put(&word, value);
        CHECK_TEXT(CAST("to-dec", hex_of(&hex, word.data, word.count)), text);
        CHECK(amount_parse(&again, text) && again == value);
        struct abi_reader r = {word.data, word.count, false};
        CHECK(amount_read(&r, 0, 0) == value && !r.failed);
        buffer_release(&word);
        buffer_release(&hex);
    }
}

/* ---- keys ----------------------------------------------------------------------------------- */

static void random_key(uint8_t key[32], char text[67])
{
    test_random_bytes(key, 32);
    key[0] &= 0x7f; /* below the order */
    strcpy(text, "0x");
    for (int i = 0; i < 32; i++)
        sprintf(text + 2 + 2 * i, "%02x", key[i]);
}

TEST(addresses_are_those_of_cast)
{
    for (int i = 0; i < 8; i++) {
        uint8_t key[32], address[20];
        char text[67], own[CONTRACT_ADDRESS_TEXT];
        struct diag diag = {0};
        random_key(key, text);
        REQUIRE_OK(transaction_address(address, key, &diag), &diag);
        contract_address_text(own, address);
        const char *theirs = CAST("wallet", "address", "--private-key", text);
        CHECK_MSG(strcasecmp(theirs, own) == 0, "%s, not %s", theirs, own);
        uint8_t parsed[20]; /* with the capitals of its checksum */
        CHECK(abi_parse_address(parsed, theirs) && memcmp(parsed, address, 20) == 0);
    }
}

TEST(keystores_of_cast_open)
{
    static const char long_password[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789012345678901234567890123456789";
    static const char *const passwords[] = {"a", "two words", "p\xc3\xa4ss \xe2\x82\xac",
                                            "\"quoted\" \\ $HOME", long_password};
    for (size_t i = 0; i < sizeof passwords / sizeof *passwords; i++) {
        uint8_t key[32], opened[32];
        char text[67];
        const char *folder = test_temp_dir();
        struct diag diag = {0};
        random_key(key, text);
        CAST("wallet", "import", "account", "--keystore-dir", folder, "--private-key", text,
             "--unsafe-password", passwords[i]);
        REQUIRE_OK(keystore_open(opened, test_path(folder, "account"), passwords[i], &diag), &diag);
        CHECK_BYTES(opened, key, 32);
        CHECK_STATUS(keystore_open(opened, test_path(folder, "account"), "another", &diag),
                     STATUS_BAD_INPUT, &diag);
    }
}
