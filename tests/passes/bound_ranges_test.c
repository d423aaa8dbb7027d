/* Interval arithmetic holds for every value, and a range that follows from nothing is refused. */
#include "passes/bound_ranges.h"

#include "tests/harness/harness.h"

static struct range random_range(void)
{
    int64_t a = (int64_t)test_random_below(2000) - 1000,
            b = (int64_t)test_random_below(2000) - 1000;
    return range_of_i64(a < b ? a : b, a < b ? b : a);
}

static int64_t inside(struct range range)
{
    int64_t low, high;
    REQUIRE(wide_to_i64(&low, range.low) && wide_to_i64(&high, range.high));
    if (test_random_below(4) == 0)
        return low;
    return test_random_below(4) == 0 ? high
                                     : low + (int64_t)test_random_below((uint64_t)(high - low) + 1);
}

static bool holds(struct range range, int64_t value)
{
    return range_contains(range, range_of_i64(value, value));
}

static int64_t floor_quotient(int64_t a, int64_t d)
{
    return a / d - (a % d < 0 ? 1 : 0);
}

TEST(results_lie_in_their_ranges)
{
    for (int i = 0; i < 5000; i++) {
        struct range a = random_range(), b = random_range(), out;
        int64_t x = inside(a), y = inside(b), c = (int64_t)test_random_below(21) - 10;
        CHECK(range_add(&out, a, b) && holds(out, x + y));
        CHECK(range_product(&out, a, b) && holds(out, x * y));
        CHECK(range_scale(&out, a, wide_from_i64(c)) && holds(out, x * c));
        CHECK(holds(range_hull(a, b), x) && holds(range_hull(a, b), y));
        CHECK(range_contains(range_round_up(a), a));
        struct range d =
            range_of_i64(1 + (int64_t)test_random_below(20), 21 + (int64_t)test_random_below(20));
        CHECK(holds(range_divide_floor(a, d), floor_quotient(x, inside(d))));
    }
}

TEST(ranges_round_up_to_powers_of_two)
{
    CHECK_U64(range_bits(range_of_i64(0, 0)), 0);
    CHECK_U64(range_bits(range_of_i64(-1, 0)), 0);
    CHECK_U64(range_bits(range_of_i64(-2, 1)), 1);
    CHECK_U64(range_bits(range_of_i64(0, 255)), 8);
    CHECK_U64(range_bits(range_of_i64(-257, 255)), 9);
    struct range up = range_round_up(range_of_i64(-5, 3));
    CHECK(holds(up, -8) && holds(up, 7) && !holds(up, 8) && !holds(up, -9));
    up = range_round_up(range_of_i64(2, 5));
    CHECK(holds(up, 0) && !holds(up, -1) && holds(up, 7));
}

struct bench {
    struct arena arena;
    struct relation_program program;
};

static uint32_t tensor(struct bench *b, enum relation_role role, int64_t low, int64_t high)
{
    struct relation_tensor t = {.name = "t",
                                .rank = 1,
                                .shape = {4},
                                .role = role,
                                .encoding = ENCODING_INTEGER,
                                .low = wide_from_i64(low),
                                .high = wide_from_i64(high)};
    return relation_add_tensor(&b->program, &t);
}

static struct relation_view whole(uint32_t t)
{
    return (struct relation_view){.tensor = t, .stride = {1}, .high = {4}};
}

static struct relation with_terms(enum relation_kind kind, struct relation_term *terms,
                                  size_t count, uint32_t out)
{
    return (struct relation){.kind = kind,
                             .node = RELATION_NONE,
                             .space_rank = 1,
                             .space = {4},
                             .terms = terms,
                             .term_count = count,
                             .outputs = {out},
                             .output_count = 1};
}

/* b = (x >= 0) as lowering writes it. */
static uint32_t sign_bit(struct bench *b, uint32_t x)
{
    struct relation_term t = {
        .coefficient = wide_from_i64(1), .factor_count = 1, .factors = {whole(x)}};
    uint32_t shifted = tensor(b, ROLE_WITNESS, 0, 63);
    struct relation linear = with_terms(RELATION_LINEAR, &t, 1, shifted);
    linear.constant = wide_from_i64(32);
    relation_add(&b->program, &linear);
    struct relation rescale = {
        .kind = RELATION_RESCALE,
        .node = RELATION_NONE,
        .space_rank = 1,
        .space = {4},
        .views = {whole(shifted)},
        .view_count = 1,
        .divisor = wide_from_i64(32),
        .outputs = {tensor(b, ROLE_WITNESS, 0, 1), tensor(b, ROLE_WITNESS, 0, 31)},
        .output_count = 2};
    relation_add(&b->program, &rescale);
    return rescale.outputs[0];
}

TEST(a_sign_bounds_what_it_multiplies)
{
    struct bench b;
    arena_init(&b.arena, 0);
    relation_program_init(&b.program, &b.arena);
    uint32_t x = tensor(&b, ROLE_PRIVATE_INPUT, -32, 31), bit = sign_bit(&b, x);
    /* 2 bit x - x is |x|, bit x is max(0, x), bit x + y - bit y is x or y. */
    struct relation_term absolute[2] = {
        {.coefficient = wide_from_i64(2), .factor_count = 2, .factors = {whole(bit), whole(x)}},
        {.coefficient = wide_from_i64(-1), .factor_count = 1, .factors = {whole(x)}}};
    struct relation relation =
        with_terms(RELATION_PRODUCT, absolute, 2, tensor(&b, ROLE_WITNESS, 0, 32));
    struct range range;
    REQUIRE(range_of_output(&b.program, &relation, 0, &range));
    CHECK(holds(range, 0) && holds(range, 32) && !holds(range, -1) && !holds(range, 33));
    absolute[0].coefficient = wide_from_i64(1);
    relation.term_count = 1;
    REQUIRE(range_of_output(&b.program, &relation, 0, &range));
    CHECK(holds(range, 31) && !holds(range, -1) && !holds(range, 32));
    uint32_t y = tensor(&b, ROLE_PRIVATE_INPUT, 5, 9);
    struct relation_term select[3] = {
        {.coefficient = wide_from_i64(1), .factor_count = 2, .factors = {whole(bit), whole(x)}},
        {.coefficient = wide_from_i64(-1), .factor_count = 2, .factors = {whole(bit), whole(y)}},
        {.coefficient = wide_from_i64(1), .factor_count = 1, .factors = {whole(y)}}};
    relation = with_terms(RELATION_PRODUCT, select, 3, tensor(&b, ROLE_WITNESS, 0, 31));
    REQUIRE(range_of_output(&b.program, &relation, 0, &range));
    CHECK(holds(range, 0) && holds(range, 31) && !holds(range, -1) && !holds(range, 32));
    arena_release(&b.arena);
}

/* y = 2 x, declared as low .. high, enforced or not. */
static enum status declare(int64_t low, int64_t high, bool enforce)
{
    struct bench b;
    struct diag diag = {0};
    arena_init(&b.arena, 0);
    relation_program_init(&b.program, &b.arena);
    uint32_t x = tensor(&b, ROLE_PRIVATE_INPUT, -4, 4), y = tensor(&b, ROLE_WITNESS, low, high);
    struct relation_term t = {
        .coefficient = wide_from_i64(2), .factor_count = 1, .factors = {whole(x)}};
    struct relation linear = with_terms(RELATION_LINEAR, &t, 1, y);
    relation_add(&b.program, &linear);
    struct relation range = {.kind = RELATION_RANGE,
                             .node = RELATION_NONE,
                             .space_rank = 1,
                             .space = {4},
                             .views = {whole(y)},
                             .view_count = 1,
                             .low = wide_from_i64(low),
                             .high = wide_from_i64(high)};
    if (enforce)
        relation_add(&b.program, &range);
    enum status status = pass_bound_ranges(&b.program, 253, &diag);
    arena_release(&b.arena);
    return status;
}

TEST(a_declared_range_is_implied_or_enforced)
{
    CHECK_STATUS(declare(-8, 8, false), STATUS_OK, NULL);
    CHECK_STATUS(declare(-9, 100, false), STATUS_OK, NULL);
    CHECK_STATUS(declare(-8, 7, false), STATUS_BAD_INPUT, NULL);
    CHECK_STATUS(declare(-8, 7, true), STATUS_OK, NULL);
}
