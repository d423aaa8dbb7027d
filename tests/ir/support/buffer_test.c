/* label: fast libs: sertn_3rd_cjson */
#include "ir/support/buffer.h"

#include "tests/harness/harness.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TEST(integers_are_little_endian)
{
    struct buffer buffer = {0};
    buffer_put_u8(&buffer, 0x01);
    buffer_put_u16(&buffer, 0x0302);
    buffer_put_u32(&buffer, 0x07060504u);
    buffer_put_u64(&buffer, 0x0F0E0D0C0B0A0908u);
    REQUIRE(buffer.count == 15);
    for (size_t i = 0; i < 15; i++)
        CHECK_U64(buffer.data[i], i + 1);
    buffer_release(&buffer);
}

TEST(text_is_whole_and_zero_terminated_at_every_length)
{
    struct buffer buffer = {0};
    CHECK_TEXT(buffer_text(&buffer), "");
    char expected[2001] = {0};
    for (size_t i = 0; i < 500; i++) {
        buffer_printf(&buffer, "%03zu", i);
        snprintf(expected + 3 * i, 4, "%03zu", i);
        CHECK_TEXT(buffer_text(&buffer), expected);
    }
    buffer_clear(&buffer);
    CHECK_TEXT(buffer_text(&buffer), "");
    buffer_printf(&buffer, "%1000d", 7);
    CHECK_U64(strlen(buffer_text(&buffer)), 1000);
    size_t count = 0;
    uint8_t *taken = buffer_take(&buffer, &count);
    CHECK_U64(count, 1000);
    CHECK(taken != NULL && taken[999] == '7');
    CHECK(buffer.data == NULL);
    free(taken);
}

TEST(a_size_that_overflows_fails_and_stays_failed)
{
    struct buffer buffer = {0};
    buffer_puts(&buffer, "before");
    CHECK(buffer_extend(&buffer, SIZE_MAX - 2) == NULL);
    buffer_puts(&buffer, "after");
    CHECK_TEXT(buffer_text(&buffer), "before");
    struct diag diag = {0};
    CHECK_STATUS(buffer_status(&buffer, &diag), STATUS_NO_MEMORY, NULL);
    buffer_release(&buffer);
}

TEST(hex_is_lower_case)
{
    struct buffer buffer = {0};
    buffer_put_hex(&buffer, "\x00\x9A\xFF", 3);
    CHECK_TEXT(buffer_text(&buffer), "009aff");
    buffer_release(&buffer);
}

TEST(json_strings_escape_and_stay_valid)
{
    struct buffer buffer = {0};
    buffer_put_json(&buffer, "a\"b\\c\n\t\x01\x7F é/");
    CHECK_TEXT(buffer_text(&buffer), "\"a\\\"b\\\\c\\n\\t\\u0001\\u007f é/\"");
    buffer_clear(&buffer);
    /* A lone continuation, an overlong slash, a surrogate, a cut character. */
    buffer_put_json(&buffer, "\x80|\xC0\xAF|\xED\xA0\x80|\xE2\x82");
    CHECK_TEXT(buffer_text(&buffer), "\"\uFFFD|\uFFFD\uFFFD|\uFFFD\uFFFD\uFFFD|\uFFFD\uFFFD\"");
    buffer_release(&buffer);
}

TEST(json_strings_read_back_by_another_parser)
{
    for (int round = 0; round < 300; round++) {
        char text[40] = {0};
        size_t length = test_random_below(sizeof text);
        for (size_t i = 0; i < length; i++)
            text[i] = (char)(1 + test_random_below(127));
        struct buffer buffer = {0};
        buffer_put_json(&buffer, text);
        cJSON *value = cJSON_Parse(buffer_text(&buffer));
        CHECK_TEXT(cJSON_GetStringValue(value), text);
        cJSON_Delete(value);
        buffer_release(&buffer);
    }
}

TEST(json_doubles_read_back_the_same)
{
    for (int round = 0; round < 2000; round++) {
        uint64_t bits = test_random_u64();
        double value;
        memcpy(&value, &bits, 8);
        if (!isfinite(value))
            continue;
        struct buffer buffer = {0};
        buffer_put_json_double(&buffer, value);
        CHECK(strtod(buffer_text(&buffer), NULL) == value);
        buffer_release(&buffer);
    }
    struct buffer buffer = {0};
    buffer_put_json_double(&buffer, 0.1);
    buffer_puts(&buffer, " ");
    buffer_put_json_double(&buffer, (double)NAN);
    buffer_puts(&buffer, " ");
    buffer_put_json_double(&buffer, -(double)INFINITY);
    CHECK_TEXT(buffer_text(&buffer), "0.1 \"NaN\" \"-Infinity\"");
    buffer_release(&buffer);
}

TEST(json_integers_beyond_two_to_53_become_strings)
{
    struct buffer buffer = {0};
    buffer_put_json_i64(&buffer, -9007199254740992);
    buffer_puts(&buffer, " ");
    buffer_put_json_i64(&buffer, -9007199254740993);
    buffer_puts(&buffer, " ");
    buffer_put_json_u64(&buffer, UINT64_MAX);
    CHECK_TEXT(buffer_text(&buffer),
               "-9007199254740992 \"-9007199254740993\" \"18446744073709551615\"");
    buffer_release(&buffer);
}
