/* label: fast libs: sertn_runtime */
/*
 * Every relation kind, placed from a program by hand: the honest witness passes check, each cell,
 * copied value and result changed is rejected, and check accepts just what the interpreter accepts.
 * Programs that placement must refuse stand at the end.
 */
#include "tests/passes/tamper_kit.h"

#include "passes/bound_ranges.h"
#include "runtime/digest_spec.h"
#include "tests/passes/example.h"

enum { COUNT = 3 };

static uint32_t add_tensor(struct example *e, enum relation_role role, int64_t count, int64_t width,
                           int64_t low, int64_t high, const wide *values)
{
    struct relation_tensor t = {.name = "t",
                                .rank = width == 1 ? 1 : 2,
                                .shape = {count, width},
                                .role = role,
                                .encoding = ENCODING_INTEGER,
                                .low = wide_from_i64(low),
                                .high = wide_from_i64(high),
                                .values = values};
    return relation_add_tensor(&e->program, &t);
}

static uint32_t tensor(struct example *e, enum relation_role role, int64_t low, int64_t high)
{
    return add_tensor(e, role, COUNT, 1, low, high, NULL);
}

static struct relation relation(enum relation_kind kind)
{
    return (struct relation){
        .kind = kind, .node = RELATION_NONE, .space_rank = 1, .space = {COUNT}};
}

static struct relation_view whole(uint32_t t)
{
    return (struct relation_view){.tensor = t, .stride = {1}, .high = {COUNT}};
}

static struct relation_term term(int64_t coefficient, uint32_t a)
{
    return (struct relation_term){
        .coefficient = wide_from_i64(coefficient), .factor_count = 1, .factors = {whole(a)}};
}

static struct relation_term product(int64_t coefficient, uint32_t a, uint32_t b)
{
    return (struct relation_term){.coefficient = wide_from_i64(coefficient),
                                  .factor_count = 2,
                                  .factors = {whole(a), whole(b)}};
}

static void range(struct example *e, uint32_t t, int64_t low, int64_t high)
{
    struct relation r = relation(RELATION_RANGE);
    r.space[0] = (int64_t)e->program.tensors[t].count;
    r.views[0] = (struct relation_view){.tensor = t, .stride = {1}, .high = {r.space[0]}};
    r.view_count = 1;
    r.low = wide_from_i64(low);
    r.high = wide_from_i64(high);
    relation_add(&e->program, &r);
}

static uint32_t input(struct example *e, int64_t low, int64_t high)
{
    uint32_t t = tensor(e, ROLE_PRIVATE_INPUT, low, high);
    range(e, t, low, high);
    return t;
}

/* Adds a relation with one output of that range. */
static uint32_t one_output(struct example *e, struct relation r, int64_t low, int64_t high)
{
    r.output_count = 1;
    r.outputs[0] = tensor(e, ROLE_WITNESS, low, high);
    relation_add(&e->program, &r);
    return r.outputs[0];
}

static uint32_t sum(struct example *e, enum relation_kind kind, struct relation_term *terms,
                    size_t count, int64_t constant, int64_t low, int64_t high)
{
    struct relation r = relation(kind);
    r.terms = terms;
    r.term_count = count;
    r.constant = wide_from_i64(constant);
    return one_output(e, r, low, high);
}

/* x by a number, or by d when that is a tensor. */
static uint32_t rescale(struct example *e, uint32_t x, int64_t number, uint32_t d,
                        enum relation_rounding rounding, int64_t y_low, int64_t y_high,
                        uint32_t *rest)
{
    struct relation r = relation(RELATION_RESCALE);
    r.views[0] = whole(x);
    r.view_count = 1;
    r.rounding = rounding;
    r.divisor = wide_from_i64(number);
    int64_t last = number - 1;
    if (d != RELATION_NONE) {
        r.divisor_is_view = true;
        r.views[r.view_count++] = whole(d);
        wide_to_i64(&last, e->program.tensors[d].high);
        last--;
    }
    r.output_count = 2;
    r.outputs[0] = tensor(e, ROLE_WITNESS, y_low, y_high);
    r.outputs[1] = tensor(e, ROLE_WITNESS, 0, last);
    relation_add(&e->program, &r);
    if (rest != NULL)
        *rest = r.outputs[1];
    return r.outputs[0];
}

/* Random inputs in their ranges; then every change there is. */
static void tamper(struct example *e, uint32_t output)
{
    struct diag diag = {0};
    publish(e, output);
    REQUIRE_OK(relation_validate(&e->program, 253, &diag), &diag);
    REQUIRE_OK(pass_bound_ranges(&e->program, 253, &diag), &diag);
    REQUIRE_OK(relation_values_init(&e->values, &e->program, &e->arena, &diag), &diag);
    for (uint32_t t = 0; t < e->program.tensor_count; t++) {
        const struct relation_tensor *x = &e->program.tensors[t];
        int64_t low, high;
        if (x->role == ROLE_WITNESS || x->role == ROLE_CONSTANT)
            continue;
        REQUIRE(wide_to_i64(&low, x->low) && wide_to_i64(&high, x->high));
        for (size_t i = 0; i < x->count; i++) {
            int64_t value = low + (int64_t)test_random_below((uint64_t)(high - low) + 1);
            REQUIRE(relation_value_set(&e->values, &e->program, t, i, wide_from_i64(value)));
        }
    }
    struct tamper_count count = tamper_program(&e->program, &e->values, SIZE_MAX);
    CHECK(count.cells > 0 && count.inputs > 0);
    end(e);
}

TEST(linear)
{
    struct example e;
    begin(&e);
    uint32_t x = input(&e, -100, 200), y = input(&e, 0, 15),
             w = tensor(&e, ROLE_PARAMETER, -64, 63);
    struct relation_term terms[4] = {term(3, x), term(-7, y), term(1, w), term(1, x)};
    /* Its own view of x: one element, reversed. */
    terms[3].factors[0] =
        (struct relation_view){.tensor = x, .offset = COUNT - 1, .stride = {-1}, .high = {2}};
    tamper(&e, sum(&e, RELATION_LINEAR, terms, 4, -5, -2000, 2000));
}

TEST(contract)
{
    for (int is_private = 0; is_private < 2; is_private++) {
        struct example e;
        begin(&e);
        uint32_t x = input(&e, -100, 200), y = input(&e, -8, 7),
                 w = tensor(&e, ROLE_PARAMETER, -64, 63);
        struct relation r = relation(RELATION_CONTRACT);
        r.space_rank = 2;
        r.space[1] = COUNT;
        r.contract_rank = 1;
        r.views[0] = (struct relation_view){
            .tensor = x, .stride = {0, 1}, .high = {COUNT, COUNT}, .low = {1, 0}};
        r.views[1] = (struct relation_view){
            .tensor = is_private ? w : y, .stride = {0, 1}, .high = {COUNT, COUNT}};
        r.view_count = 2;
        tamper(&e, one_output(&e, r, -40000, 40000));
    }
}

TEST(products_of_every_degree)
{
    struct example e;
    begin(&e);
    uint32_t x = input(&e, -10, 20), y = input(&e, 0, 15), w = tensor(&e, ROLE_PARAMETER, -8, 7);
    struct relation_term terms[4] = {product(-3, x, y), product(1, x, x), term(2, w),
                                     product(1, x, w)};
    terms[0].factors[2] = whole(w);
    terms[0].factors[3] = whole(x);
    terms[0].factor_count = 4;
    tamper(&e, sum(&e, RELATION_PRODUCT, terms, 4, 9, -(1 << 20), 1 << 20));
}

/* Twice what a sum of weights is, by way of a copy: the sum has a cell, or each weight would have
 * two, which nothing ties together. */
TEST(a_product_with_weights_that_two_results_are_made_of_is_one)
{
    struct example e;
    begin(&e);
    uint32_t x = input(&e, -10, 20), w = tensor(&e, ROLE_PARAMETER, -8, 7), copy, minus;
    struct relation_term terms[2] = {product(1, x, w)}, two[2];
    uint32_t y = sum(&e, RELATION_PRODUCT, terms, 1, 3, -200, 200);
    terms[0] = term(1, y);
    terms[0].factors[0] =
        (struct relation_view){.tensor = y, .offset = COUNT - 1, .stride = {-1}, .high = {COUNT}};
    copy = sum(&e, RELATION_LINEAR, terms, 1, 0, -200, 200);
    terms[0] = term(-1, copy);
    minus = sum(&e, RELATION_LINEAR, terms, 1, 0, -200, 200);
    two[0] = term(1, rescale(&e, minus, 8, RELATION_NONE, ROUND_FLOOR, -64, 63, NULL));
    two[1] = term(100, rescale(&e, minus, 7, RELATION_NONE, ROUND_FLOOR, -64, 63, NULL));
    tamper(&e, sum(&e, RELATION_LINEAR, two, 2, 0, -10000, 10000));
}

/* Rows of weights that a product takes too, as the embedding of a language model is also its last
 * layer. */
TEST(weights_in_a_memory_and_in_a_product_are_the_same)
{
    for (int64_t width = 1; width < 4; width++) {
        struct example e;
        begin(&e);
        uint32_t x = input(&e, -10, 20),
                 w = add_tensor(&e, ROLE_PARAMETER, COUNT, width, -8, 7, NULL),
                 index = input(&e, 0, COUNT - 1);
        struct relation r = relation(RELATION_READ);
        r.views[0] = whole(index);
        r.view_count = 1;
        r.memory = w;
        r.output_count = 1;
        r.outputs[0] = add_tensor(&e, ROLE_WITNESS, COUNT, width, -8, 7, NULL);
        relation_add(&e.program, &r);
        struct relation_term terms[3] = {product(1, x, w), product(1, x, r.outputs[0]), term(1, w)};
        terms[0].factors[1].stride[0] = width;
        terms[1].factors[1].stride[0] = width;
        terms[2].factors[0].offset = width - 1;
        terms[2].factors[0].stride[0] = width;
        tamper(&e, sum(&e, RELATION_PRODUCT, terms, 3, 0, -1000, 1000));
    }
}

TEST(an_assert)
{
    struct example e;
    begin(&e);
    uint32_t x = input(&e, -100, 100), zero_of, one = tensor(&e, ROLE_PARAMETER, -2, 1);
    struct relation is_zero = relation(RELATION_IS_ZERO);
    is_zero.views[0] = whole(x);
    is_zero.view_count = 1;
    zero_of = one_output(&e, is_zero, 0, 1);
    /* b x = 0 holds for every x. */
    struct relation_term terms[2] = {product(1, zero_of, x), product(1, zero_of, one)};
    struct relation r = relation(RELATION_PRODUCT);
    r.is_assert = true;
    r.terms = terms;
    r.term_count = 1;
    relation_add(&e.program, &r);
    struct relation_term out[3] = {term(1, x), term(3, zero_of), terms[1]};
    tamper(&e, sum(&e, RELATION_PRODUCT, out, 3, 0, -200, 200));
}

TEST(zero_tests)
{
    for (int64_t high = 0; high < 3; high++) {
        struct example e;
        begin(&e);
        uint32_t x = input(&e, 0, high == 0 ? 0 : 1 << high);
        struct relation r = relation(RELATION_IS_ZERO);
        r.views[0] = whole(x);
        r.view_count = 1;
        tamper(&e, one_output(&e, r, 0, 1));
    }
}

TEST(a_zero_test_of_constants)
{
    struct example e;
    begin(&e);
    const wide values[COUNT] = {wide_from_i64(0), wide_from_i64(5), wide_from_i64(-1)};
    uint32_t x = input(&e, 0, 7), c = add_tensor(&e, ROLE_CONSTANT, COUNT, 1, -1, 5, values);
    struct relation r = relation(RELATION_IS_ZERO);
    r.views[0] = whole(c);
    r.view_count = 1;
    struct relation_term terms[2] = {term(1, x), term(100, one_output(&e, r, 0, 1))};
    tamper(&e, sum(&e, RELATION_LINEAR, terms, 2, 0, 0, 107));
}

/* floor(v / d) and the remainder by a number, used or not. */
static void by_number(int64_t divisor, enum relation_rounding rounding, bool uses_rest)
{
    struct example e;
    begin(&e);
    uint32_t x = input(&e, -3000, 4000), rest, y;
    y = rescale(&e, x, divisor, RELATION_NONE, rounding, -4096, 4095, &rest);
    struct relation_term terms[2] = {term(1, y), term(10000, rest)};
    tamper(&e, sum(&e, RELATION_LINEAR, terms, uses_rest ? 2 : 1, 0, -50000000, 50000000));
}

TEST(quotients_by_numbers_in_each_rounding_mode)
{
    static const int64_t divisors[] = {1, 2, 3, 7, 16, 17, 100, 256, 4096, 4097};
    for (size_t i = 0; i < sizeof divisors / sizeof *divisors; i++)
        for (int uses_rest = 0; uses_rest < 2; uses_rest++) {
            by_number(divisors[i], ROUND_FLOOR, uses_rest);
            by_number(divisors[i], ROUND_HALF_UP, uses_rest);
        }
}

TEST(quotients_by_values)
{
    for (int uses_rest = 0; uses_rest < 2; uses_rest++) {
        struct example e;
        begin(&e);
        uint32_t x = input(&e, -3000, 4000), d = input(&e, 1, 60), rest,
                 y = rescale(&e, x, 0, d, ROUND_FLOOR, -4096, 4095, &rest);
        struct relation_term terms[2] = {term(1, y), term(10000, rest)};
        tamper(&e, sum(&e, RELATION_LINEAR, terms, uses_rest ? 2 : 1, 0, -(1 << 30), 1 << 30));
    }
}

/* A quotient held to less than its dividend gives, by limbs or by what stands behind it. */
static void narrow_quotient(int64_t y_low, int64_t y_high, int64_t table_low, size_t table_size)
{
    struct example e;
    begin(&e);
    uint32_t x = input(&e, -3000, 4000),
             y = rescale(&e, x, 16, RELATION_NONE, ROUND_FLOOR, y_low, y_high, NULL);
    int64_t entries[600];
    for (size_t i = 0; i < table_size; i++)
        entries[i] = (int64_t)(i * i % 97);
    struct relation_table table = {.key = "f",
                                   .x_low = table_low,
                                   .size = table_size,
                                   .output_count = 1,
                                   .outputs = {entries}};
    struct relation r = relation(RELATION_TABLE);
    r.table = relation_add_table(&e.program, &table);
    r.views[0] = whole(y);
    r.view_count = 1;
    uint32_t z = one_output(&e, r, 0, 96);
    struct relation_term terms[2] = {term(1, y), term(1, z)};
    uint32_t out = sum(&e, RELATION_LINEAR, terms, 2, 0, y_low, y_high + 96);
    /* Inputs that are inside, so that the run has an answer. */
    struct diag diag = {0};
    publish(&e, out);
    REQUIRE_OK(relation_validate(&e.program, 253, &diag), &diag);
    REQUIRE_OK(pass_bound_ranges(&e.program, 253, &diag), &diag);
    REQUIRE_OK(relation_values_init(&e.values, &e.program, &e.arena, &diag), &diag);
    for (size_t i = 0; i < COUNT; i++)
        REQUIRE(
            relation_value_set(&e.values, &e.program, x, i, wide_from_i64(16 * (int64_t)i + 140)));
    tamper_program(&e.program, &e.values, SIZE_MAX);
    end(&e);
}

TEST(a_quotient_stays_in_its_declared_range_whatever_reads_it)
{
    narrow_quotient(0, 15, -200, 500);  /* the table would take more */
    narrow_quotient(-64, 63, -64, 128); /* the table holds it */
    narrow_quotient(0, 99, 0, 100);     /* as above, no power of two */
    narrow_quotient(0, 31, 5, 20);      /* the table takes less */
}

/*
 * y = floor((3 x + 1) / 16), read by a quotient of its own that leaves it more than its range. The
 * range of 3 x + 1 is what x gives, or less, which then only y enforces.
 */
static void chained_quotients(int64_t z_low, int64_t z_high, int64_t y_low, int64_t y_high)
{
    struct example e;
    begin(&e);
    uint32_t x = input(&e, -3000, 4000);
    struct relation_term terms[2] = {term(3, x)};
    uint32_t z = sum(&e, RELATION_LINEAR, terms, 1, 1, z_low, z_high),
             y = rescale(&e, z, 16, RELATION_NONE, ROUND_FLOOR, y_low, y_high, NULL),
             bit = rescale(&e, y, 1 << 14, RELATION_NONE, ROUND_FLOOR, -1, 0, NULL);
    terms[0] = term(1, y);
    terms[1] = term(5, bit);
    uint32_t out = sum(&e, RELATION_LINEAR, terms, 2, 0, -20000, 20000);
    struct diag diag = {0};
    publish(&e, out);
    REQUIRE_OK(relation_validate(&e.program, 253, &diag), &diag);
    REQUIRE_OK(pass_bound_ranges(&e.program, 253, &diag), &diag);
    REQUIRE_OK(relation_values_init(&e.values, &e.program, &e.arena, &diag), &diag);
    for (size_t i = 0; i < COUNT; i++)
        REQUIRE(relation_value_set(&e.values, &e.program, x, i, wide_from_i64(7 * (int64_t)i)));
    struct tamper_count count = tamper_program(&e.program, &e.values, SIZE_MAX);
    CHECK(count.cells > 0 && count.inputs > 0);
    end(&e);
}

TEST(a_quotient_that_its_dividend_bounds_needs_the_dividend_to_hold_by_itself)
{
    chained_quotients(-8999, 12001, -563, 750); /* by x */
    chained_quotients(0, 1023, 0, 63);          /* by y alone */
}

TEST(ranges_of_every_form)
{
    static const int64_t ranges[][2] = {{0, 0},   {0, 1},      {-1, 0},      {5, 5},
                                        {0, 9},   {-3, 12},    {0, 15},      {-8, 7},
                                        {0, 255}, {-100, 155}, {-1000, 999}, {7, 100000}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        struct example e;
        begin(&e);
        uint32_t x = input(&e, ranges[i][0], ranges[i][1]), y = input(&e, -5, 5);
        struct relation_term terms[2] = {term(1, x), term(1, y)};
        uint32_t z = sum(&e, RELATION_LINEAR, terms, 2, 0, ranges[i][0] - 5, ranges[i][1] + 5);
        range(&e, z, ranges[i][0] - 5, ranges[i][1] + 5);
        tamper(&e, z);
    }
}

TEST(tables_of_several_outputs)
{
    struct example e;
    begin(&e);
    static const int64_t squares[9] = {16, 9, 4, 1, 0, 1, 4, 9, 16},
                         cubes[9] = {-64, -27, -8, -1, 0, 1, 8, 27, 64};
    struct relation_table table = {
        .key = "powers", .x_low = -4, .size = 9, .output_count = 2, .outputs = {squares, cubes}};
    uint32_t x = input(&e, -4, 4);
    struct relation r = relation(RELATION_TABLE);
    r.table = relation_add_table(&e.program, &table);
    r.views[0] = whole(x);
    r.view_count = 1;
    r.output_count = 2;
    r.outputs[0] = tensor(&e, ROLE_WITNESS, 0, 16);
    r.outputs[1] = tensor(&e, ROLE_WITNESS, -64, 64);
    relation_add(&e.program, &r);
    struct relation_term terms[2] = {term(1, r.outputs[0]), term(100, r.outputs[1])};
    tamper(&e, sum(&e, RELATION_LINEAR, terms, 2, 0, -7000, 7000));
}

/* Rows of a memory of `width` columns: a parameter's, a constant's, or computed. */
static void read(enum relation_role role, int64_t width)
{
    enum { ENTRIES = 5, WIDTH_MAX = 5 };
    struct example e;
    begin(&e);
    wide constants[ENTRIES * WIDTH_MAX];
    for (int i = 0; i < ENTRIES * WIDTH_MAX; i++)
        constants[i] = wide_from_i64(i * 7 % 31 - 15);
    uint32_t index = input(&e, 0, ENTRIES - 1), memory;
    memory =
        add_tensor(&e, role, ENTRIES, width, -16, 15, role == ROLE_CONSTANT ? constants : NULL);
    if (role == ROLE_PRIVATE_INPUT)
        range(&e, memory, -16, 15);
    struct relation r = relation(RELATION_READ);
    r.memory = memory;
    r.views[0] = whole(index);
    r.view_count = 1;
    r.output_count = 1;
    r.outputs[0] = add_tensor(&e, ROLE_WITNESS, COUNT, width, -16, 15, NULL);
    relation_add(&e.program, &r);
    struct relation_term terms[WIDTH_MAX];
    for (int64_t k = 0; k < width; k++) {
        terms[k] = term(1 + k * 100, r.outputs[0]);
        terms[k].factors[0].offset = k;
        terms[k].factors[0].stride[0] = width;
    }
    tamper(&e, sum(&e, RELATION_LINEAR, terms, (size_t)width, 0, -50000, 50000));
}

TEST(reads_of_every_memory)
{
    for (int64_t width = 1; width <= 5; width++) {
        read(ROLE_PARAMETER, width);
        read(ROLE_CONSTANT, width);
        read(ROLE_PRIVATE_INPUT, width);
    }
}

TEST(digests)
{
    static const int64_t ranges[][2] = {{0, 1}, {-1000, 999}, {0, (int64_t)1 << 50}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        struct example e;
        begin(&e);
        uint32_t x = input(&e, ranges[i][0], ranges[i][1]),
                 salt = add_tensor(&e, ROLE_PRIVATE_INPUT, 1, 1, 0, INT64_MAX - 1, NULL),
                 out = add_tensor(&e, ROLE_WITNESS, 1, 1, 0, 0, NULL);
        REQUIRE(wide_sub(&e.program.tensors[out].high, wide_power_of_two(254), wide_from_i64(1)));
        struct relation r = relation(RELATION_DIGEST);
        r.views[0] = whole(x);
        r.views[1] = (struct relation_view){.tensor = salt, .high = {COUNT}};
        r.view_count = 2;
        r.output_count = 1;
        r.outputs[0] = out;
        relation_add(&e.program, &r);
        tamper(&e, out);
    }
}

/* ---- what placement refuses ---- */

static void refuse(struct example *e, uint32_t output, enum status expected)
{
    struct diag diag = {0};
    struct digest_spec spec;
    struct circuit circuit;
    struct place_summary summary;
    struct place_options options = {.capacity_bits = 253, .digest = &spec};
    publish(e, output);
    REQUIRE(digest_spec_init(&spec, &e->arena));
    REQUIRE_OK(relation_validate(&e->program, 253, &diag), &diag);
    CHECK_STATUS(place_circuit(&circuit, &summary, &e->program, &options, &e->arena, &diag),
                 expected, &diag);
    CHECK(expected == STATUS_OK || diag.text[0] != 0);
    diag = (struct diag){0};
    REQUIRE_OK(place_prepare(&e->program, &diag), &diag);
    CHECK_STATUS(place_circuit(&circuit, &summary, &e->program, &options, &e->arena, &diag),
                 STATUS_OK, &diag);
    end(e);
}

TEST(remainders_that_nothing_holds_are_refused)
{
    static const struct {
        int64_t divisor, high;
        enum status status;
    } cases[] = {{8, -1, STATUS_OK},
                 {7, -1, STATUS_BAD_INPUT},
                 {7, 6, STATUS_OK},
                 {7, 7, STATUS_BAD_INPUT},
                 {13, 12, STATUS_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct example e;
        begin(&e);
        uint32_t x = input(&e, -512, 511), rest;
        uint32_t y = rescale(&e, x, cases[i].divisor, RELATION_NONE, ROUND_FLOOR, -512, 511, &rest);
        if (cases[i].high >= 0)
            range(&e, rest, 0, cases[i].high);
        refuse(&e, y, cases[i].status);
    }
}

/* d - 1 - r >= 0 with `other` in the place of d. */
static void by_value(bool holds_rest, bool holds_room, bool is_same, int64_t constant,
                     enum status status)
{
    struct example e;
    begin(&e);
    uint32_t x = input(&e, -512, 511), d = tensor(&e, ROLE_PRIVATE_INPUT, 1, 8),
             other = tensor(&e, ROLE_PRIVATE_INPUT, 1, 8), rest;
    uint32_t y = rescale(&e, x, 0, d, ROUND_FLOOR, -512, 511, &rest);
    if (holds_rest)
        range(&e, rest, 0, 7);
    struct relation_term terms[2] = {term(1, is_same ? d : other), term(-1, rest)};
    uint32_t room = sum(&e, RELATION_LINEAR, terms, 2, constant, -8, 7);
    if (holds_room)
        range(&e, room, 0, 7);
    refuse(&e, y, status);
}

TEST(remainders_by_values_need_both_bounds)
{
    by_value(true, true, true, -1, STATUS_OK);
    by_value(false, true, true, -1, STATUS_BAD_INPUT);
    by_value(true, false, true, -1, STATUS_BAD_INPUT);
    by_value(true, true, false, -1, STATUS_BAD_INPUT);
    by_value(true, true, true, 0, STATUS_BAD_INPUT);
}

TEST(products_and_ranges_that_have_no_rows_are_refused)
{
    struct relation_term terms[2];
    for (int form = 0; form < 4; form++) {
        struct example e;
        begin(&e);
        uint32_t x = input(&e, -8, 7), y = input(&e, -8, 7);
        terms[0] = product(form == 1 ? 2 : 1, x, y);
        terms[1] = product(form == 2 ? -1 : 1, y, y);
        if (form == 0) {
            terms[0].factors[2] = whole(x);
            terms[0].factor_count = 3;
        }
        refuse(&e, sum(&e, RELATION_PRODUCT, terms, 2, 0, -2000, 2000),
               form == 3 ? STATUS_OK : STATUS_BAD_INPUT);
    }
    struct example e;
    begin(&e);
    uint32_t x = tensor(&e, ROLE_PRIVATE_INPUT, 0, 99);
    range(&e, x, 0, 99);
    refuse(&e, x, STATUS_BAD_INPUT);
}
