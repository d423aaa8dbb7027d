/* Interval arithmetic holds for every value, and a range that follows from nothing is refused. */
#include "passes/bound_ranges.h"

#include "passes/place.h"
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

TEST(a_greater_of_two_lies_where_they_do)
{
    struct bench b;
    arena_init(&b.arena, 0);
    relation_program_init(&b.program, &b.arena);
    /* d = y - x, s = -1 where d < 0, else 0: y + s d is x or y. */
    uint32_t x = tensor(&b, ROLE_PRIVATE_INPUT, -20, 7), y = tensor(&b, ROLE_PRIVATE_INPUT, -30, 9),
             d = tensor(&b, ROLE_WITNESS, -37, 29), s = tensor(&b, ROLE_WITNESS, -1, 0);
    struct relation_term difference[2] = {
        {.coefficient = wide_from_i64(1), .factor_count = 1, .factors = {whole(y)}},
        {.coefficient = wide_from_i64(-1), .factor_count = 1, .factors = {whole(x)}}};
    struct relation linear = with_terms(RELATION_LINEAR, difference, 2, d);
    relation_add(&b.program, &linear);
    struct relation_term greater[2] = {
        {.coefficient = wide_from_i64(1), .factor_count = 2, .factors = {whole(s), whole(d)}},
        {.coefficient = wide_from_i64(1), .factor_count = 1, .factors = {whole(y)}}};
    struct relation relation =
        with_terms(RELATION_PRODUCT, greater, 2, tensor(&b, ROLE_WITNESS, -30, 9));
    struct range range;
    REQUIRE(range_of_output(&b.program, &relation, 0, &range));
    CHECK(holds(range, -30) && holds(range, 9) && !holds(range, -31) && !holds(range, 10));
    /* With -2 among its values s is no bit. */
    b.program.tensors[s].low = wide_from_i64(-2);
    REQUIRE(range_of_output(&b.program, &relation, 0, &range));
    CHECK(holds(range, 9 + 74) && holds(range, -30 - 58));
    /* The smaller one, from the product with the other sign. */
    b.program.tensors[s].low = wide_from_i64(-1);
    difference[0].coefficient = wide_from_i64(-1);
    difference[1].coefficient = wide_from_i64(1);
    greater[0].coefficient = wide_from_i64(-1);
    b.program.relations[0].terms[0].coefficient = wide_from_i64(-1);
    b.program.relations[0].terms[1].coefficient = wide_from_i64(1);
    REQUIRE(range_of_output(&b.program, &relation, 0, &range));
    CHECK(holds(range, -30) && holds(range, 9) && !holds(range, -31) && !holds(range, 10));
    arena_release(&b.arena);
}

static void add_range(struct bench *b, uint32_t t, int64_t low, int64_t high)
{
    struct relation range = {.kind = RELATION_RANGE,
                             .node = RELATION_NONE,
                             .space_rank = 1,
                             .space = {4},
                             .views = {whole(t)},
                             .view_count = 1,
                             .low = wide_from_i64(low),
                             .high = wide_from_i64(high)};
    relation_add(&b->program, &range);
}

static void bench_init(struct bench *b)
{
    arena_init(&b->arena, 0);
    relation_program_init(&b->program, &b->arena);
}

/* An input that a RANGE holds. */
static uint32_t held_input(struct bench *b, int64_t low, int64_t high)
{
    uint32_t x = tensor(b, ROLE_PRIVATE_INPUT, low, high);
    add_range(b, x, low, high);
    return x;
}

static void expect(struct bench *b, enum status status)
{
    struct diag diag = {0};
    CHECK_STATUS(pass_bound_ranges(&b->program, 253, &diag), status, &diag);
    arena_release(&b->arena);
}

/* c x + constant, declared as low .. high. */
static uint32_t add_affine(struct bench *b, int64_t c, uint32_t x, int64_t constant, int64_t low,
                           int64_t high)
{
    struct relation_term t = {
        .coefficient = wide_from_i64(c), .factor_count = 1, .factors = {whole(x)}};
    uint32_t y = tensor(b, ROLE_WITNESS, low, high);
    struct relation linear = with_terms(RELATION_LINEAR, &t, 1, y);
    linear.constant = wide_from_i64(constant);
    relation_add(&b->program, &linear);
    return y;
}

/* y = 2 x, declared as low .. high, enforced or not. */
static void declare(int64_t low, int64_t high, bool enforce, enum status status)
{
    struct bench b;
    bench_init(&b);
    uint32_t y = add_affine(&b, 2, held_input(&b, -4, 4), 0, low, high);
    if (enforce)
        add_range(&b, y, low, high);
    expect(&b, status);
}

TEST(a_declared_range_is_implied_or_enforced)
{
    declare(-8, 8, false, STATUS_OK);
    declare(-9, 100, false, STATUS_OK);
    declare(-8, 7, false, STATUS_BAD_INPUT);
    declare(-8, 7, true, STATUS_OK);
}

TEST(an_input_needs_a_relation_that_holds_it)
{
    struct bench b;
    bench_init(&b);
    uint32_t x = tensor(&b, ROLE_PRIVATE_INPUT, -4, 4);
    add_affine(&b, 2, x, 0, -8, 8);
    expect(&b, STATUS_BAD_INPUT);
    bench_init(&b);
    x = tensor(&b, ROLE_PUBLIC_INPUT, -4, 4);
    add_range(&b, x, -4, 5);
    expect(&b, STATUS_BAD_INPUT);
    bench_init(&b);
    x = tensor(&b, ROLE_PUBLIC_INPUT, -4, 4);
    add_range(&b, x, -4, 4);
    expect(&b, STATUS_OK);
    /* Two ranges that meet in it. */
    bench_init(&b);
    x = tensor(&b, ROLE_PRIVATE_INPUT, -4, 4);
    add_range(&b, x, -4, 11);
    expect(&b, STATUS_BAD_INPUT);
    bench_init(&b);
    x = tensor(&b, ROLE_PRIVATE_INPUT, -4, 4);
    add_range(&b, x, -4, 11);
    add_range(&b, add_affine(&b, -1, x, 4, 0, 15), 0, 15);
    expect(&b, STATUS_OK);
    /* 1 - x in -3 .. 5 holds x just as well. */
    bench_init(&b);
    x = tensor(&b, ROLE_PRIVATE_INPUT, -4, 4);
    add_range(&b, add_affine(&b, -1, x, 1, -3, 5), -3, 5);
    expect(&b, STATUS_OK);
}

/* Digest of four values under a salt that `is_used` elsewhere too. */
static void salted(bool is_used, enum status status)
{
    struct bench b;
    bench_init(&b);
    uint32_t x = held_input(&b, 0, 7), salt = tensor(&b, ROLE_PRIVATE_INPUT, 0, 1 << 30),
             out = tensor(&b, ROLE_WITNESS, 0, 0);
    ASSERT(wide_sub(&b.program.tensors[out].high, wide_power_of_two(254), wide_from_i64(1)));
    struct relation digest = {.kind = RELATION_DIGEST,
                              .node = RELATION_NONE,
                              .space_rank = 1,
                              .space = {4},
                              .views = {whole(x), {.tensor = salt, .high = {4}}},
                              .view_count = 2,
                              .outputs = {out},
                              .output_count = 1};
    relation_add(&b.program, &digest);
    if (is_used)
        add_affine(&b, 1, salt, 0, 0, 1 << 30);
    expect(&b, status);
}

TEST(a_salt_is_no_number)
{
    salted(false, STATUS_OK);
    salted(true, STATUS_BAD_INPUT);
}

/* x = y d + r over x in x_low .. x_high, y declared as 0 .. y_high. */
static uint32_t add_quotient(struct bench *b, uint32_t x, int64_t d, int64_t y_high)
{
    struct relation rescale = {
        .kind = RELATION_RESCALE,
        .node = RELATION_NONE,
        .space_rank = 1,
        .space = {4},
        .views = {whole(x)},
        .view_count = 1,
        .divisor = wide_from_i64(d),
        .outputs = {tensor(b, ROLE_WITNESS, 0, y_high), tensor(b, ROLE_WITNESS, 0, d - 1)},
        .output_count = 2};
    relation_add(&b->program, &rescale);
    return rescale.outputs[0];
}

TEST(a_quotient_has_its_range_from_limbs_a_later_relation_or_its_dividend)
{
    struct bench b;
    bench_init(&b);
    add_quotient(&b, held_input(&b, 0, 1000), 8, 31); /* less than 125, but limbs hold it */
    expect(&b, STATUS_OK);
    bench_init(&b);
    add_quotient(&b, held_input(&b, 0, 1000), 8, 125); /* what x gives */
    expect(&b, STATUS_OK);
    bench_init(&b);
    add_quotient(&b, held_input(&b, 0, 1000), 8, 100); /* limbs would hold it to 0 .. 127 */
    expect(&b, STATUS_BAD_INPUT);
    bench_init(&b);
    add_range(&b, add_quotient(&b, held_input(&b, 0, 1000), 8, 100), 0, 100);
    expect(&b, STATUS_OK);
    bench_init(&b);
    uint32_t y = add_quotient(&b, held_input(&b, 0, 1000), 8, 100);
    add_range(&b, add_affine(&b, 1, y, 5, 5, 105), 5, 105);
    expect(&b, STATUS_OK);
}

TEST(a_dividend_and_its_quotient_do_not_hold_each_other)
{
    /* A hint has no range but what relations enforce. */
    static const struct {
        int64_t high, y_high;
        enum status status;
    } cases[] = {{1023, 127, STATUS_OK}, {807, 100, STATUS_BAD_INPUT}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench b;
        bench_init(&b);
        uint32_t x = held_input(&b, 0, 1000), h = tensor(&b, ROLE_WITNESS, 0, cases[i].high);
        struct relation hint = {.kind = RELATION_HINT,
                                .node = RELATION_NONE,
                                .space_rank = 1,
                                .space = {4},
                                .hint = HINT_SQUARE_ROOT,
                                .views = {whole(x)},
                                .view_count = 1,
                                .outputs = {h},
                                .output_count = 1};
        relation_add(&b.program, &hint);
        add_quotient(&b, h, 8, cases[i].y_high);
        expect(&b, cases[i].status);
    }
}

/* x^power, declared wide enough when it is no assert. */
static void raise(unsigned bits, unsigned power, bool is_assert, enum status status)
{
    struct bench b;
    bench_init(&b);
    uint32_t x = tensor(&b, ROLE_PRIVATE_INPUT, 0, 0);
    ASSERT(wide_sub(&b.program.tensors[x].high, wide_power_of_two(bits), wide_from_i64(1)));
    add_range(&b, x, 0, 0);
    b.program.relations[0].high = b.program.tensors[x].high;
    struct relation_term t = {
        .coefficient = wide_from_i64(1), .factor_count = (uint8_t)power, .factors = {whole(x)}};
    for (unsigned f = 0; f < power; f++)
        t.factors[f] = whole(x);
    struct relation product = with_terms(RELATION_PRODUCT, &t, 1, 0);
    product.is_assert = is_assert;
    product.output_count = is_assert ? 0 : 1;
    if (!is_assert) {
        product.outputs[0] = tensor(&b, ROLE_WITNESS, 0, 0);
        ASSERT(wide_sub(&b.program.tensors[product.outputs[0]].high,
                        wide_power_of_two(bits * power > 253 ? 253 : bits * power),
                        wide_from_i64(1)));
    }
    relation_add(&b.program, &product);
    expect(&b, status);
}

TEST(sums_that_pass_the_modulus_are_refused)
{
    raise(63, 4, false, STATUS_OK);
    raise(64, 4, false, STATUS_BAD_INPUT);
    raise(63, 4, true, STATUS_OK);
    raise(64, 4, true, STATUS_LIMIT);
    /* A result held to a small range may still be a large number less the modulus. */
    struct bench b;
    bench_init(&b);
    uint32_t x = tensor(&b, ROLE_PRIVATE_INPUT, 0, 0);
    b.program.tensors[x].high = wide_power_of_two(252);
    add_range(&b, x, 0, 0);
    b.program.relations[0].high = b.program.tensors[x].high;
    add_range(&b, add_affine(&b, 2, x, 0, 0, 7), 0, 7);
    expect(&b, STATUS_LIMIT);
}

TEST(a_sign_counts_as_a_bit)
{
    static const struct {
        unsigned low_bits, high_bits;
        enum status status;
    } cases[] = {{252, 252, STATUS_OK},
                 {0, 253, STATUS_OK},
                 {253, 253, STATUS_LIMIT},
                 {0, 254, STATUS_LIMIT}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench b;
        bench_init(&b);
        uint32_t x = tensor(&b, ROLE_PARAMETER, 0, 0);
        struct relation_tensor *t = &b.program.tensors[x];
        ASSERT(wide_sub(&t->high, wide_power_of_two(cases[i].high_bits), wide_from_i64(1)));
        if (cases[i].low_bits > 0)
            ASSERT(wide_neg(&t->low, wide_power_of_two(cases[i].low_bits)));
        expect(&b, cases[i].status);
    }
}

/* x y y k, then z times it: what a product of more than two factors is split into must be as well
 * known as the product, or a circuit's own ranges would not follow from it. */
TEST(split_products_keep_what_is_known_of_squares)
{
    struct bench b;
    struct diag diag = {0};
    bench_init(&b);
    uint32_t x = tensor(&b, ROLE_PRIVATE_INPUT, 0, 31), y = tensor(&b, ROLE_PRIVATE_INPUT, -16, 15),
             z = tensor(&b, ROLE_PRIVATE_INPUT, -14, 0), k = tensor(&b, ROLE_PARAMETER, 0, 7),
             square = tensor(&b, ROLE_WITNESS, 0, 31 * 256 * 7),
             out = tensor(&b, ROLE_WITNESS, -14 * 31 * 256 * 7, 0);
    add_range(&b, x, 0, 31);
    add_range(&b, y, -16, 15);
    add_range(&b, z, -14, 0);
    struct relation_term four = {.coefficient = wide_from_i64(1),
                                 .factor_count = 4,
                                 .factors = {whole(x), whole(y), whole(y), whole(k)}},
                         two = {.coefficient = wide_from_i64(1),
                                .factor_count = 2,
                                .factors = {whole(z), whole(square)}};
    struct relation first = with_terms(RELATION_PRODUCT, &four, 1, square),
                    second = with_terms(RELATION_PRODUCT, &two, 1, out);
    relation_add(&b.program, &first);
    relation_add(&b.program, &second);
    REQUIRE_OK(pass_bound_ranges(&b.program, 253, &diag), &diag);
    REQUIRE_OK(place_prepare(&b.program, &diag), &diag);
    CHECK(b.program.relation_count > 5);
    expect(&b, STATUS_OK);
}

/* 2 y^4 - x^2 with y = 2 x, as wide as the sum in x is. */
TEST(split_products_of_products_are_multiplied_out)
{
    struct bench b;
    struct diag diag = {0};
    bench_init(&b);
    uint32_t x = tensor(&b, ROLE_PARAMETER, 25, 27), y = tensor(&b, ROLE_WITNESS, 0, 63), out;
    struct relation_term twice = {.coefficient = wide_from_i64(2),
                                  .factor_count = 1,
                                  .factors = {whole(x)}},
                         sum[2] = {{.coefficient = wide_from_i64(-1),
                                    .factor_count = 2,
                                    .factors = {whole(x), whole(x)}},
                                   {.coefficient = wide_from_i64(2),
                                    .factor_count = 4,
                                    .factors = {whole(y), whole(y), whole(y), whole(y)}}};
    out = tensor(&b, ROLE_WITNESS, 32 * 25 * 25 * 25 * 25 - 27 * 27,
                 32 * 27 * 27 * 27 * 27 - 25 * 25);
    struct relation first = with_terms(RELATION_PRODUCT, &twice, 1, y),
                    second = with_terms(RELATION_PRODUCT, sum, 2, out);
    relation_add(&b.program, &first);
    relation_add(&b.program, &second);
    REQUIRE_OK(pass_bound_ranges(&b.program, 253, &diag), &diag);
    REQUIRE_OK(place_prepare(&b.program, &diag), &diag);
    CHECK(b.program.relation_count > 2);
    expect(&b, STATUS_OK);
}
