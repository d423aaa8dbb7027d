/* The fill program puts the right numbers into the right cells. */
#include "backend/witness/fill.h"
#include "tests/harness/harness.h"

#include <string.h>

enum { ROWS = 16, USABLE = ROWS - CIRCUIT_GATED_ROWS };

/* One tensor of four elements, of which the last is wide. */
static wide element(void *context, uint32_t tensor, uint32_t index)
{
    (void)context;
    CHECK_U64(tensor, 7);
    static const int64_t value[3] = {5, -300, 0};
    return index < 3 ? wide_from_i64(value[index]) : wide_power_of_two(200);
}

static bool digest_word(void *context, uint32_t relation, uint32_t word, fr *value)
{
    (void)context;
    fr_from_u64(value, 1000 + word);
    return relation == 2 && word < 3;
}

struct fixture {
    struct circuit circuit;
    wide constants[4];
    struct fill fills[8];
    struct public_part parts[4];
    struct witness_source source;
    fr cell[WITNESS_COLUMNS][USABLE];
    fr *column[WITNESS_COLUMNS];
};

static void init(struct fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->circuit.lg_rows = 4;
    fixture->circuit.usable_rows = USABLE;
    fixture->circuit.param_columns = 2;
    fixture->circuit.constants = fixture->constants;
    fixture->circuit.constant_count = 4;
    fixture->circuit.fills = fixture->fills;
    fixture->circuit.public_parts = fixture->parts;
    fixture->constants[1] = wide_from_i64(-1024);
    fixture->constants[2] = wide_from_i64(-9);
    fixture->source = (struct witness_source){.element = element, .digest_word = digest_word};
    for (unsigned i = 0; i < WITNESS_COLUMNS; i++)
        fixture->column[i] = fixture->cell[i];
}

static void add(struct fixture *fixture, struct fill fill)
{
    fixture->fills[fixture->circuit.fill_count++] = fill;
}

static bool holds(const fr *cell, int64_t value)
{
    fr expected;
    fr_from_i64(&expected, value);
    return fr_eq(cell, &expected);
}

TEST(every_kind_of_fill_writes_its_value)
{
    static struct fixture fixture;
    struct diag diag = {0};
    init(&fixture);
    add(&fixture,
        (struct fill){.row = 1, .column = 0, .kind = FILL_TENSOR, .tensor = 7, .element = 1});
    add(&fixture, (struct fill){.row = 2,
                                .column = 1,
                                .kind = FILL_LIMB,
                                .shift = 4,
                                .width = 5,
                                .tensor = 7,
                                .element = 1,
                                .constant = 1});
    add(&fixture, (struct fill){.row = 3, .column = 2, .kind = FILL_CONST, .constant = 2});
    add(&fixture,
        (struct fill){.row = 4, .column = 0, .kind = FILL_INVERSE, .tensor = 7, .element = 0});
    add(&fixture,
        (struct fill){.row = 4, .column = 1, .kind = FILL_INVERSE, .tensor = 7, .element = 2});
    add(&fixture,
        (struct fill){.row = 5, .column = 2, .kind = FILL_DIGEST, .tensor = 2, .element = 1});
    add(&fixture,
        (struct fill){.row = 9, .column = 4, .kind = FILL_TENSOR, .tensor = 7, .element = 3});
    memset(fixture.cell, 0xff, sizeof fixture.cell);
    REQUIRE_OK(witness_fill(fixture.column, &fixture.circuit, &fixture.source, &diag), &diag);
    CHECK(holds(&fixture.cell[0][0], 0));
    CHECK(holds(&fixture.cell[0][1], -300));
    CHECK(holds(&fixture.cell[1][2], ((1024 - 300) >> 4) & 31));
    CHECK(holds(&fixture.cell[2][3], -9));
    fr five, product;
    fr_from_u64(&five, 5);
    fr_mul(&product, &five, &fixture.cell[0][4]);
    CHECK(fr_is_one(&product));
    CHECK(holds(&fixture.cell[1][4], 0));
    CHECK(holds(&fixture.cell[2][5], 1001));
    fr wide_value, two;
    fr_from_u64(&two, 2);
    fr_pow_u64(&wide_value, &two, 200);
    CHECK(fr_eq(&wide_value, &fixture.cell[4][9]));

    fr parameter[2][USABLE];
    fr *column[2] = {parameter[0], parameter[1]};
    REQUIRE_OK(witness_fill_parameters(column, &fixture.circuit, &fixture.source, &diag), &diag);
    CHECK(fr_eq(&wide_value, &parameter[1][9]) && fr_is_zero(&parameter[0][1]));
}

TEST(a_value_below_its_bias_is_refused)
{
    static struct fixture fixture;
    struct diag diag = {0};
    init(&fixture);
    add(&fixture,
        (struct fill){.kind = FILL_LIMB, .width = 8, .tensor = 7, .element = 1, .constant = 2});
    CHECK_STATUS(witness_fill(fixture.column, &fixture.circuit, &fixture.source, &diag),
                 STATUS_REJECTED, &diag);
}

TEST(a_digest_word_that_does_not_exist_is_refused)
{
    static struct fixture fixture;
    struct diag diag = {0};
    init(&fixture);
    add(&fixture, (struct fill){.kind = FILL_DIGEST, .tensor = 2, .element = 3});
    CHECK_STATUS(witness_fill(fixture.column, &fixture.circuit, &fixture.source, &diag),
                 STATUS_BAD_INPUT, &diag);
}

TEST(public_words_pack_their_parts_and_refuse_wider_ones)
{
    static struct fixture fixture;
    struct diag diag = {0};
    init(&fixture);
    fixture.circuit.public_word_count = 2;
    fixture.circuit.public_part_count = 3;
    fixture.parts[0] =
        (struct public_part){.word = 0, .tensor = 7, .element = 1, .low = 1, .bits = 11};
    fixture.parts[1] =
        (struct public_part){.word = 0, .tensor = 7, .element = 0, .shift = 11, .bits = 3};
    fixture.parts[2] = (struct public_part){.word = 1, .tensor = 7, .element = 3, .bits = 254};
    fr words[2];
    REQUIRE_OK(witness_public_words(words, &fixture.circuit, &fixture.source, &diag), &diag);
    CHECK(holds(&words[0], 1024 - 300 + (5 << 11)));
    uint8_t bytes[32];
    fr_to_bytes_be(bytes, &words[1]);
    CHECK_U64(bytes[31 - 25], 1);
    fixture.parts[1].bits = 2;
    CHECK_STATUS(witness_public_words(words, &fixture.circuit, &fixture.source, &diag),
                 STATUS_REJECTED, &diag);
    fixture.parts[1].bits = 3;
    fixture.parts[2].element = 1;
    CHECK_STATUS(witness_public_words(words, &fixture.circuit, &fixture.source, &diag),
                 STATUS_REJECTED, &diag);
}
