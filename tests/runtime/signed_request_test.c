/* Files of signed requests: what is written is read back, and what is not one never crashes. */
#include "runtime/signed_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/signature.h"
#include "tests/harness/harness.h"

static const uint8_t key[32] = {[31] = 9};

static void fill(void *out, size_t count)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)test_random_below(256);
}

/* A number with as many bits as the field takes, or fewer. */
static uint64_t number(unsigned bits)
{
    uint64_t value;
    fill(&value, sizeof value);
    return value >> (64 - 1 - test_random_below(bits));
}

static void make(struct signed_request *s)
{
    struct market_request *r = &s->request;
    struct diag diag = {0};
    *s = (struct signed_request){.chain_id = number(64), .expiry = number(64)};
    size_t count = test_random_below(300);
    uint8_t input[300];
    fill(input, count);
    buffer_put(&s->input, input, count);
    r->input = s->input.data;
    r->input_bytes = count;
    fill(s->market, sizeof s->market);
    fill(s->requester, sizeof s->requester);
    fill(s->nonce, sizeof s->nonce);
    fill(r->input_hash, 32);
    fill(r->precommitment, 32);
    fill(r->requirement, 32);
    fill(r->destination, ABI_ADDRESS);
    r->model = number(64);
    r->input_words = (unsigned)number(16);
    r->input_bits = (unsigned)number(8);
    r->callback_gas = (uint32_t)number(32);
    r->deadline = number(40);
    r->most_price = (amount)number(32) << 64 | number(64);
    REQUIRE_OK(signed_request_sign(s, key, &diag), &diag);
}

static void write_text(const char *path, const struct buffer *text)
{
    struct diag diag = {0};
    REQUIRE_OK(file_write(path, text->data, text->count, FILE_MODE_PRIVATE, false, &diag), &diag);
}

TEST(what_is_written_is_read_back)
{
    const char *path = test_path(test_temp_dir(), "request.json");
    for (int round = 0; round < 200; round++) {
        struct signed_request s, back;
        struct buffer text = {0}, again = {0};
        struct diag diag = {0};
        uint8_t digest[2][32];
        make(&s);
        REQUIRE_OK(signed_request_print(&text, &s, &diag), &diag);
        write_text(path, &text);
        REQUIRE_OK(signed_request_read(&back, path, &diag), &diag);
        signed_request_digest(digest[0], &s);
        signed_request_digest(digest[1], &back);
        CHECK(memcmp(digest[0], digest[1], 32) == 0);
        REQUIRE_OK(signed_request_print(&again, &back, &diag), &diag);
        CHECK(text.count == again.count && memcmp(text.data, again.data, text.count) == 0);
        CHECK(back.signature.count == SIGNATURE_BYTES &&
              memcmp(back.signature.data, s.signature.data, SIGNATURE_BYTES) == 0);
        signed_request_release(&s);
        signed_request_release(&back);
        buffer_release(&text);
        buffer_release(&again);
    }
}

/* Each field is part of what is signed. */
TEST(every_field_is_signed)
{
    struct signed_request s;
    uint8_t digest[32], other[32];
    make(&s);
    signed_request_digest(digest, &s);
    struct {
        void *field;
        size_t count;
    } fields[] = {{&s.chain_id, 1},
                  {s.market, 20},
                  {s.requester, 20},
                  {&s.request.model, 1},
                  {s.input.data, s.input.count},
                  {s.request.input_hash, 32},
                  {s.request.precommitment, 32},
                  {&s.request.input_words, 1},
                  {&s.request.input_bits, 1},
                  {s.request.requirement, 32},
                  {s.request.destination, 20},
                  {&s.request.callback_gas, 1},
                  {&s.request.deadline, 1},
                  {&s.request.most_price, 1},
                  {s.nonce, 32},
                  {&s.expiry, 1}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        for (size_t k = 0; k < fields[i].count; k++) {
            uint8_t *byte = (uint8_t *)fields[i].field + k;
            *byte ^= 1;
            signed_request_digest(other, &s);
            CHECK_MSG(memcmp(digest, other, 32) != 0, "field %zu, byte %zu", i, k);
            *byte ^= 1;
        }
    }
    signed_request_release(&s);
}

TEST(a_file_with_any_byte_changed_is_refused_or_another_request)
{
    const char *path = test_path(test_temp_dir(), "request.json");
    struct signed_request s;
    struct buffer text = {0};
    struct diag diag = {0};
    uint8_t digest[32];
    unsigned refused = 0;
    make(&s);
    REQUIRE_OK(signed_request_print(&text, &s, &diag), &diag);
    for (int round = 0; round < 3000; round++) {
        struct signed_request back;
        struct buffer copy = {0};
        struct diag said = {0};
        buffer_put(&copy, text.data, text.count);
        size_t at = test_random_below((unsigned)copy.count);
        if (round % 3 == 0)
            copy.data[at] = (uint8_t)test_random_below(256);
        else if (round % 3 == 1)
            copy.count = at;
        else
            memmove(copy.data + at / 2, copy.data + at, copy.count - at);
        write_text(path, &copy);
        enum status status = signed_request_read(&back, path, &said);
        CHECK(status == STATUS_OK || status == STATUS_BAD_INPUT);
        CHECK_MSG((status == STATUS_OK) == (said.text[0] == '\0'), "%s", said.text);
        refused += status != STATUS_OK;
        if (status == STATUS_OK) /* it says something, the same or not */
            signed_request_digest(digest, &back);
        signed_request_release(&back);
        buffer_release(&copy);
    }
    CHECK_MSG(refused > 2000, "%u", refused);
    signed_request_release(&s);
    buffer_release(&text);
}
