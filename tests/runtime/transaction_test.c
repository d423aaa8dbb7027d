/* label: fast */
#include "runtime/transaction.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "tests/harness/harness.h"

static const uint8_t key[TRANSACTION_KEY_BYTES] = {
    0xac, 0x09, 0x74, 0xbe, 0xc3, 0x9a, 0x17, 0xe3, 0x6b, 0xa4, 0xa6, 0xb4, 0xd2, 0x38, 0xff, 0x94,
    0x4b, 0xac, 0xb4, 0x78, 0xcb, 0xed, 0x5e, 0xfc, 0xae, 0x78, 0x4d, 0x7b, 0xf4, 0xf2, 0xff, 0x80};

/* The first account of the test mnemonic "test test ... junk", as every development chain has it.
 */
TEST(addresses_are_those_of_the_keys)
{
    static const uint8_t expected[TRANSACTION_ADDRESS_BYTES] = {
        0xf3, 0x9f, 0xd6, 0xe5, 0x1a, 0xad, 0x88, 0xf6, 0xf4, 0xce,
        0x6a, 0xb8, 0x82, 0x72, 0x79, 0xcf, 0xff, 0xb9, 0x22, 0x66};
    uint8_t address[TRANSACTION_ADDRESS_BYTES];
    struct diag diag = {0};
    REQUIRE_OK(transaction_address(address, key, &diag), &diag);
    CHECK_BYTES(address, expected, sizeof expected);
}

TEST(keys_that_are_none_sign_nothing)
{
    static const struct buffer nothing;
    const struct transaction t = {.chain_id = 1, .data = &nothing};
    struct buffer out = {0};
    uint8_t address[TRANSACTION_ADDRESS_BYTES], zero[TRANSACTION_KEY_BYTES] = {0},
                                                large[TRANSACTION_KEY_BYTES];
    struct diag diag = {0};
    memset(large, 0xff, sizeof large);
    CHECK_STATUS(transaction_address(address, zero, &diag), STATUS_BAD_INPUT, &diag);
    CHECK_STATUS(transaction_address(address, large, &diag), STATUS_BAD_INPUT, &diag);
    CHECK_STATUS(transaction_sign(&out, &t, zero, &diag), STATUS_BAD_INPUT, &diag);
    CHECK_STATUS(transaction_sign(&out, &t, large, &diag), STATUS_BAD_INPUT, &diag);
    CHECK(out.count == 0);
    buffer_release(&out);
}

/* What was signed is read back as it was. */
static void check_parsed(const struct transaction *t, const struct buffer *raw)
{
    struct transaction again;
    struct buffer data = {0}, cut = {0};
    REQUIRE(transaction_parse(&again, &data, raw));
    CHECK(again.is_legacy == t->is_legacy);
    CHECK_U64(again.chain_id, t->chain_id);
    CHECK_U64(again.nonce, t->nonce);
    CHECK_U64(again.fee, t->fee);
    CHECK_U64(again.priority_fee, t->is_legacy ? 0 : t->priority_fee);
    CHECK_U64(again.gas, t->gas);
    CHECK_BYTES(again.to, t->to, sizeof t->to);
    CHECK_U64(data.count, t->data->count);
    CHECK(data.count == 0 || memcmp(data.data, t->data->data, data.count) == 0);
    for (size_t count = 0; count < raw->count; count += 1 + raw->count / 50) {
        buffer_clear(&cut);
        buffer_put(&cut, raw->data, count);
        CHECK_MSG(!transaction_parse(&again, &data, &cut), "%zu of %zu bytes", count, raw->count);
    }
    buffer_release(&cut);
    buffer_release(&data);
}

static struct test_output cast_signs(const struct transaction *t, const char *to_hex,
                                     const char *data_hex)
{
    char chain[24], nonce[24], gas[24], fee[24], priority[24], private_key[80] = "0x";
    for (size_t i = 0; i < sizeof key; i++)
        snprintf(private_key + 2 + 2 * i, 3, "%02x", key[i]);
    snprintf(chain, sizeof chain, "%" PRIu64, t->chain_id);
    snprintf(nonce, sizeof nonce, "%" PRIu64, t->nonce);
    snprintf(gas, sizeof gas, "%" PRIu64, t->gas);
    snprintf(fee, sizeof fee, "%" PRIu64, t->fee);
    snprintf(priority, sizeof priority, "%" PRIu64, t->priority_fee);
    const char *argv[] = {
        test_source_path("contracts/node_modules/@foundry-rs/cast-linux-amd64/bin/cast"),
        "mktx",
        "--private-key",
        private_key,
        "--chain",
        chain,
        "--nonce",
        nonce,
        "--gas-limit",
        gas,
        "--gas-price",
        fee,
        t->is_legacy ? "--legacy" : "--priority-gas-price",
        t->is_legacy ? to_hex : priority,
        t->is_legacy ? data_hex : to_hex,
        t->is_legacy ? NULL : data_hex,
        NULL};
    return test_run(argv);
}

/* Byte for byte what cast signs: numbers and data of every length around the forms of RLP. */
static void compare_with_cast(bool is_legacy)
{
    /* cast signs the older type for chains it knows to lack EIP-1559: so small numbers are chosen,
     * larger ones at random. */
    static const uint64_t chains[] = {1, 31337, 8453, 11155111, 10};
    static const size_t counts[] = {1, 2, 31, 54, 55, 56, 57, 255, 256, 300, 5000};
    if (!file_exists(
            test_source_path("contracts/node_modules/@foundry-rs/cast-linux-amd64/bin/cast")))
        test_skip("cast is not installed: contracts/setup");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct buffer data = {0}, out = {0}, data_hex = {0}, to_hex = {0};
        struct diag diag = {0};
        uint8_t *bytes = buffer_extend(&data, counts[i]);
        REQUIRE(bytes != NULL);
        test_random_bytes(bytes, counts[i]);
        struct transaction t = {.is_legacy = is_legacy,
                                .chain_id =
                                    i % 2 == 0 ? chains[i / 2 % 5] : 1 + test_random_below(1 << 30),
                                .nonce = i < 2 ? i : test_random_below(UINT64_C(1) << (4 * i)),
                                .fee = 1000 + test_random_below(UINT64_C(1) << 40),
                                .priority_fee = i == 0 ? 0 : test_random_below(1000),
                                .gas = 21000 + test_random_below(1 << 24),
                                .data = &data};
        test_random_bytes(t.to, sizeof t.to);
        t.to[0] = i % 2 == 0 ? 0 : t.to[0];
        buffer_puts(&data_hex, "0x");
        buffer_put_hex(&data_hex, data.data, data.count);
        buffer_puts(&to_hex, "0x");
        buffer_put_hex(&to_hex, t.to, sizeof t.to);
        REQUIRE_OK(transaction_sign(&out, &t, key, &diag), &diag);
        check_parsed(&t, &out);
        struct buffer hex = {0};
        buffer_puts(&hex, "0x");
        buffer_put_hex(&hex, out.data, out.count);
        buffer_puts(&hex, "\n");
        struct test_output cast = cast_signs(&t, buffer_text(&to_hex), buffer_text(&data_hex));
        CHECK_MSG(cast.exit_status == 0, "cast: %.300s", cast.errors);
        CHECK_TEXT(buffer_text(&hex), cast.text);
        buffer_release(&hex);
        buffer_release(&to_hex);
        buffer_release(&data_hex);
        buffer_release(&out);
        buffer_release(&data);
    }
}

TEST(signed_transactions_are_those_of_cast)
{
    compare_with_cast(false);
}

/* EIP-155: the chain is in v. */
TEST(legacy_transactions_are_those_of_cast)
{
    compare_with_cast(true);
}

/* The example of EIP-155 itself signs a value, which calls here have not; a large chain id does
 * not fit v into 64 bits. */
TEST(chains_of_the_largest_number_are_signed_for)
{
    static const struct buffer nothing;
    struct transaction t = {
        .is_legacy = true, .chain_id = UINT64_MAX, .gas = 21000, .data = &nothing};
    struct buffer out = {0};
    struct diag diag = {0};
    REQUIRE_OK(transaction_sign(&out, &t, key, &diag), &diag);
    /* v = 2^65 + 33 or 34: nine bytes, 0x89 0x02 0x00... */
    CHECK(memmem(out.data, out.count, "\x89\x02\0\0\0\0\0\0\0", 9) != NULL);
    check_parsed(&t, &out);
    buffer_release(&out);
}
