/* label: fast */
#include "ir/support/reader.h"

#include "ir/support/buffer.h"
#include "tests/harness/harness.h"

#include <stdlib.h>
#include <string.h>

TEST(what_a_buffer_wrote_reads_back)
{
    struct buffer buffer = {0};
    struct arena arena = {0};
    buffer_put_u8(&buffer, 1);
    buffer_put_u16(&buffer, 60000);
    buffer_put_u32(&buffer, 4000000000u);
    buffer_put_u64(&buffer, UINT64_MAX - 1);
    buffer_put_string(&buffer, "scores");
    buffer_put_u64(&buffer, 3);
    buffer_put(&buffer, "abc", 3);
    struct reader reader;
    reader_init(&reader, buffer.data, buffer.count);
    CHECK(reader_bool(&reader));
    CHECK_U64(reader_u16(&reader), 60000);
    CHECK_U64(reader_u32(&reader), 4000000000u);
    CHECK_U64(reader_u64(&reader), UINT64_MAX - 1);
    CHECK_TEXT(reader_string(&reader, &arena, 6), "scores");
    CHECK_U64(reader_count(&reader, 1, 100), 3);
    char text[3];
    reader_copy(&reader, text, 3);
    CHECK_BYTES(text, "abc", 3);
    CHECK_STATUS(reader_finish(&reader, "it", NULL), STATUS_OK, NULL);
    arena_release(&arena);
    buffer_release(&buffer);
}

TEST(reading_past_the_end_fails_for_good_and_gives_zeros)
{
    struct reader reader;
    reader_init(&reader, "\xFF\xFF\xFF", 3);
    CHECK_U64(reader_u32(&reader), 0);
    CHECK_U64(reader_u8(&reader), 0);
    CHECK_U64(reader_left(&reader), 0);
    char text[2] = {'x', 'x'};
    reader_copy(&reader, text, 2);
    CHECK_BYTES(text, "\0\0", 2);
    struct diag diag = {0};
    CHECK_STATUS(reader_finish(&reader, "k.bin", &diag), STATUS_BAD_INPUT, NULL);
    CHECK_TEXT(diag.text, "k.bin is damaged or cut short at byte 0 of 3");
}

TEST(bytes_too_many_are_refused)
{
    struct reader reader;
    struct diag diag = {0};
    reader_init(&reader, "ab", 2);
    reader_u8(&reader);
    CHECK_STATUS(reader_status(&reader, "it", &diag), STATUS_OK, NULL);
    CHECK_STATUS(reader_finish(&reader, "it", &diag), STATUS_BAD_INPUT, NULL);
    CHECK_TEXT(diag.text, "it has 1 bytes too many after byte 1");
}

TEST(counts_are_held_against_the_bytes_left)
{
    for (uint64_t count = 0; count < 12; count++) {
        struct buffer buffer = {0};
        buffer_put_u64(&buffer, count);
        buffer_extend(&buffer, 20);
        struct reader reader;
        reader_init(&reader, buffer.data, buffer.count);
        bool fits = 4 * count <= 20 && count <= 4;
        CHECK_U64(reader_count(&reader, 4, 4), fits ? count : 0);
        CHECK(reader.failed == !fits);
        buffer_release(&buffer);
    }
    struct reader reader;
    reader_init(&reader, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8);
    CHECK_U64(reader_count(&reader, 1, SIZE_MAX), 0);
    CHECK(reader.failed);
}

TEST(strings_with_zero_bytes_or_over_the_limit_are_refused)
{
    struct arena arena = {0};
    struct reader reader;
    reader_init(&reader, "\x03\0\0\0a\0b", 7);
    CHECK(reader_string(&reader, &arena, 10) == NULL);
    CHECK(reader.failed);
    reader_init(&reader, "\x03\0\0\0abc", 7);
    CHECK(reader_string(&reader, &arena, 2) == NULL);
    reader_init(&reader,
                "\xFF\xFF\xFF\xFF"
                "abc",
                7);
    CHECK(reader_string(&reader, &arena, SIZE_MAX) == NULL);
    CHECK_U64(arena.used_bytes, 0);
    arena_release(&arena);
}

TEST(booleans_are_zero_or_one)
{
    for (int value = 0; value < 256; value++) {
        uint8_t byte = (uint8_t)value;
        struct reader reader;
        reader_init(&reader, &byte, 1);
        CHECK(reader_bool(&reader) == (value == 1));
        CHECK(reader.failed == (value > 1));
    }
}

/* One random read; returns false when the reader says it has failed. */
static bool read_something(struct reader *reader, struct arena *arena)
{
    switch (test_random_below(8)) {
    case 0:
        reader_u8(reader);
        break;
    case 1:
        reader_u16(reader);
        break;
    case 2:
        reader_u32(reader);
        break;
    case 3:
        reader_u64(reader);
        break;
    case 4: {
        const uint8_t *bytes = reader_bytes(reader, test_random_below(40));
        CHECK((bytes == NULL) == reader->failed);
        break;
    }
    case 5: {
        size_t element = 1 + test_random_below(20);
        size_t count = reader_count(reader, element, SIZE_MAX);
        CHECK(count <= reader_left(reader) / element);
        break;
    }
    case 6:
        reader_string(reader, arena, test_random_below(100));
        break;
    default:
        reader_bool(reader);
    }
    return !reader->failed;
}

/* The bytes stand in a heap block of just their size, so that the checked build sees an overrun. */
TEST(no_series_of_reads_leaves_the_bytes)
{
    for (int round = 0; round < 20000; round++) {
        size_t count = test_random_below(80);
        uint8_t *data = malloc(count == 0 ? 1 : count);
        REQUIRE(data != NULL);
        for (size_t i = 0; i < count; i++)
            data[i] =
                (uint8_t)(test_random_below(3) == 0 ? test_random_u64() : test_random_below(4));
        struct arena arena = {0};
        struct reader reader;
        reader_init(&reader, data, count);
        bool alive = true;
        for (int reads = 0; reads < 40; reads++) {
            alive = read_something(&reader, &arena) && alive;
            CHECK(reader.offset <= count);
            CHECK(alive == !reader.failed);
        }
        arena_release(&arena);
        free(data);
    }
}
