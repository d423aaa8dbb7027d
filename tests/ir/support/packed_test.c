/* label: fast */
/* Packed bytes: what is packed comes back, in one form alone, and hostile ones are refused. */
#include "ir/support/packed.h"

#include "tests/harness/harness.h"

#include <string.h>

enum { LIMIT = 1 << 26 };

static void put_number(struct buffer *out, uint64_t value)
{
    for (; value >= 128; value >>= 7)
        buffer_put_u8(out, (uint8_t)(value | 128));
    buffer_put_u8(out, (uint8_t)value);
}

/* Rounds of a loop as they stand in a program: some numbers stay, others count on. */
static void put_rounds(struct buffer *out, size_t rounds)
{
    enum { FIELDS = 60 };
    for (size_t r = 0; r < rounds; r++) {
        buffer_printf(out, "cell.%zu", r);
        for (size_t f = 0; f < FIELDS; f++)
            put_number(out, f % 3 == 0 ? 40 * r + f : f % 7 == 0 ? 9000000 - r : f * f * f);
    }
}

static void pack(struct buffer *out, const struct buffer *bytes)
{
    struct diag diag = {0};
    packed_write(out, bytes->data, bytes->count);
    REQUIRE_OK(buffer_status(out, &diag), &diag);
}

static enum status unpack(struct buffer *out, const struct buffer *packed, struct diag *diag)
{
    *diag = (struct diag){0};
    return packed_read(out, packed->data, packed->count, LIMIT, "the file", diag);
}

static void check_round_trip(const struct buffer *bytes)
{
    struct buffer packed = {0}, back = {0};
    struct diag diag;
    pack(&packed, bytes);
    CHECK_STATUS(unpack(&back, &packed, &diag), STATUS_OK, &diag);
    CHECK(back.count == bytes->count);
    CHECK(bytes->count == 0 || memcmp(back.data, bytes->data, bytes->count) == 0);
    /* Each byte once, a count for each run of them, and their number. */
    CHECK(packed.count <= bytes->count + bytes->count / 64 + 16);
    buffer_release(&packed);
    buffer_release(&back);
}

TEST(what_is_packed_comes_back)
{
    struct buffer bytes = {0};
    check_round_trip(&bytes);
    for (int i = 0; i < 400; i++) {
        buffer_clear(&bytes);
        size_t parts = 1 + test_random_below(6);
        for (size_t part = 0; part < parts; part++) {
            size_t count = test_random_below(part == 0 && i % 40 == 0 ? 100000 : 3000);
            uint64_t period = 1 + test_random_below(test_random_below(2) == 0 ? 20 : 400);
            switch (test_random_below(5)) {
            case 0: /* noise */
                for (size_t k = 0; k < count; k++)
                    buffer_put_u8(&bytes, (uint8_t)test_random_u64());
                break;
            case 1: /* few values */
                for (size_t k = 0; k < count; k++)
                    buffer_put_u8(&bytes, (uint8_t)(test_random_below(3) * 127));
                break;
            case 2: /* a period */
                for (size_t k = 0; k < count; k++)
                    buffer_put_u8(&bytes, (uint8_t)(k % period * 37));
                break;
            case 3: /* numbers that count up and down */
                for (size_t k = 0; k < count / 3; k++)
                    put_number(&bytes, k % 2 == 0 ? k * period : (5000000 - k) * period);
                break;
            default:
                put_rounds(&bytes, count / 200);
            }
        }
        check_round_trip(&bytes);
    }
    buffer_release(&bytes);
}

TEST(rounds_are_said_once)
{
    size_t packed_bytes[2], bytes_count[2];
    for (int i = 0; i < 2; i++) {
        struct buffer bytes = {0}, packed = {0};
        put_rounds(&bytes, i == 0 ? 100 : 4000);
        pack(&packed, &bytes);
        packed_bytes[i] = packed.count;
        bytes_count[i] = bytes.count;
        buffer_release(&bytes);
        buffer_release(&packed);
    }
    CHECK_MSG(packed_bytes[1] * 25 < bytes_count[1], "%zu of %zu", packed_bytes[1], bytes_count[1]);
    CHECK_MSG(packed_bytes[1] < 20 * packed_bytes[0], "%zu, %zu", packed_bytes[0], packed_bytes[1]);
}

/* Seven bits and a carry: a number that goes on is one copy, through every carry. */
TEST(numbers_of_one_length_go_on)
{
    struct buffer bytes = {0}, packed = {0};
    for (uint64_t r = 0; r < 300; r++) {
        buffer_put(&bytes, "a round:", 8);
        put_number(&bytes, 300000 + 1201 * r);
        put_number(&bytes, 2000000 - 127 * r);
    }
    REQUIRE(bytes.count == 300 * (8 + 3 + 3));
    pack(&packed, &bytes);
    CHECK_MSG(packed.count < 48, "%zu bytes", packed.count);
    buffer_release(&bytes);
    buffer_release(&packed);
}

/* There is one form of the bytes: what is accepted with another byte stands for other bytes. */
TEST(every_byte_counts)
{
    struct buffer bytes = {0}, packed = {0}, back = {0};
    struct diag diag;
    size_t refused = 0, tried = 0;
    put_rounds(&bytes, 12);
    pack(&packed, &bytes);
    for (size_t i = 0; i < packed.count; i++) {
        uint8_t was = packed.data[i];
        for (unsigned change = 1; change < 256; change++) {
            packed.data[i] = (uint8_t)(was ^ change);
            buffer_clear(&back);
            enum status status = unpack(&back, &packed, &diag);
            tried++;
            refused += status != STATUS_OK;
            if (status == STATUS_OK)
                CHECK(back.count != bytes.count || memcmp(back.data, bytes.data, bytes.count) != 0);
            else
                CHECK(status == STATUS_BAD_INPUT && strstr(diag.text, "the file") != NULL);
        }
        packed.data[i] = was;
    }
    /* Literal bytes are free to be others. */
    CHECK_MSG(refused > tried / 50 && refused < tried, "%zu of %zu", refused, tried);
    for (size_t count = 0; count < packed.count; count++) {
        struct buffer cut = {.data = packed.data, .count = count};
        buffer_clear(&back);
        CHECK(unpack(&back, &cut, &diag) == STATUS_BAD_INPUT);
    }
    buffer_put_u8(&packed, 0);
    buffer_clear(&back);
    CHECK(unpack(&back, &packed, &diag) == STATUS_BAD_INPUT);
    buffer_release(&bytes);
    buffer_release(&packed);
    buffer_release(&back);
}

static void check_refused(const uint8_t *packed, size_t count, const char *why)
{
    struct buffer back = {0}, file = {.data = (uint8_t *)(uintptr_t)packed, .count = count};
    struct diag diag;
    CHECK_STATUS(unpack(&back, &file, &diag), STATUS_BAD_INPUT, &diag);
    CHECK_MSG(strstr(diag.text, why) != NULL, "%s", diag.text);
    /* What was refused has taken no more than it may. */
    CHECK(back.count <= PACKED_RATIO_MOST * (count + 1));
    buffer_release(&back);
}
#define REFUSED(why, ...)                                                                          \
    check_refused((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), why)

/* 1 1 1 ... (20 of them) is: 20 bytes, 1 byte of 1, a copy of 19 from 1 back. */
TEST(other_forms_of_the_same_bytes_are_refused)
{
    struct buffer bytes = {0}, packed = {0};
    for (int i = 0; i < 20; i++)
        buffer_put_u8(&bytes, 1);
    pack(&packed, &bytes);
    CHECK(packed.count == 5 && memcmp(packed.data, (const uint8_t[]){20, 1, 1, 30, 1}, 5) == 0);
    REFUSED("another way", 20, 20, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
    REFUSED("another way", 20, 2, 1, 1, 28, 1);        /* one byte late */
    REFUSED("another way", 20, 2, 1, 1, 29, 1);        /* going on by nothing */
    REFUSED("another way", 20, 1, 1, 12, 1, 0, 10, 0); /* in two copies */
    REFUSED("another way", 20, 1, 1, 12, 1, 0, 10, 1); /* the distance said again */
    REFUSED("another way", 20, 1, 1, 28, 1, 1, 1);     /* the last byte said */
    REFUSED("another way", 20, 0x81, 0, 1, 30, 1);     /* a longer count */
    REFUSED("another way", 20, 1, 1, 30, 0x81, 0);     /* a longer distance */
    REFUSED("another way", 0x80, 0);                   /* a longer nothing */
    buffer_release(&bytes);
    buffer_release(&packed);
}

TEST(pieces_that_do_not_fit_are_refused)
{
    REFUSED("the file", 20, 1, 1, 30, 2);       /* from before the start */
    REFUSED("the file", 20, 0, 30, 1);          /* from nothing */
    REFUSED("the file", 20, 1, 1, 30, 0);       /* as far back as no copy before */
    REFUSED("the file", 20, 3, 1, 1, 1, 27, 2); /* goes on from before the start */
    REFUSED("the file", 20, 1, 1, 32, 1);       /* more than there is to be */
    REFUSED("the file", 20, 21, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
    REFUSED("the file", 20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1);
    REFUSED("the file", 20, 1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1);
    REFUSED("the file", 20, 1, 1, 30, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
    REFUSED("the file", 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 1);
    REFUSED("the file", 0x80, 0xc0, 0x00 + 1, 1, 1, 0xf8, 0x3f, 1); /* 24 kB out of 8 bytes */
    REFUSED("the file", 1);
    struct buffer back = {0};
    struct diag diag = {0};
    CHECK(packed_read(&back, "", 0, LIMIT, "the file", &diag) == STATUS_BAD_INPUT);
    /* No more than the caller allows. */
    struct buffer bytes = {0}, packed = {0};
    put_rounds(&bytes, 50);
    pack(&packed, &bytes);
    CHECK(packed_read(&back, packed.data, packed.count, bytes.count - 1, "the file", &diag) ==
          STATUS_BAD_INPUT);
    CHECK(back.count == 0);
    CHECK_STATUS(packed_read(&back, packed.data, packed.count, bytes.count, "the file", &diag),
                 STATUS_OK, &diag);
    buffer_release(&back);
    buffer_release(&bytes);
    buffer_release(&packed);
}
