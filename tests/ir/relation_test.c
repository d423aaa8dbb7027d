/* Builders copy, views address, and the validator refuses broken structure and free hints. */
#include "ir/relation.h"

#include <string.h>

#include "ir/relation_codec.h"
#include "tests/harness/harness.h"

struct bench {
    struct arena arena;
    struct relation_program program;
};

static void bench_init(struct bench *b)
{
    arena_init(&b->arena, 0);
    relation_program_init(&b->program, &b->arena);
}

static uint32_t tensor(struct bench *b, enum relation_role role, int64_t count, int64_t low,
                       int64_t high)
{
    struct relation_tensor t = {.name = "t",
                                .rank = 1,
                                .shape = {count},
                                .role = role,
                                .encoding = ENCODING_INTEGER,
                                .low = wide_from_i64(low),
                                .high = wide_from_i64(high)};
    return relation_add_tensor(&b->program, &t);
}

static struct relation_view whole(uint32_t t, int64_t count)
{
    return (struct relation_view){.tensor = t, .stride = {1}, .high = {count}};
}

static struct relation in_space(enum relation_kind kind, int64_t count)
{
    return (struct relation){
        .kind = kind, .node = RELATION_NONE, .space_rank = 1, .space = {count}};
}

static struct relation_term term(int64_t coefficient, struct relation_view view)
{
    return (struct relation_term){
        .coefficient = wide_from_i64(coefficient), .factor_count = 1, .factors = {view}};
}

static void add_range(struct bench *b, uint32_t t, int64_t count, int64_t low, int64_t high)
{
    struct relation r = in_space(RELATION_RANGE, count);
    r.views[0] = whole(t, count);
    r.view_count = 1;
    r.low = wide_from_i64(low);
    r.high = wide_from_i64(high);
    relation_add(&b->program, &r);
}

static uint32_t add_linear(struct bench *b, int64_t count, const struct relation_term *terms,
                           size_t term_count, int64_t constant, int64_t low, int64_t high)
{
    struct relation r = in_space(RELATION_LINEAR, count);
    r.terms = (struct relation_term *)terms;
    r.term_count = term_count;
    r.constant = wide_from_i64(constant);
    r.outputs[0] = tensor(b, ROLE_WITNESS, count, low, high);
    r.output_count = 1;
    relation_add(&b->program, &r);
    return r.outputs[0];
}

static uint32_t add_hint(struct bench *b, enum relation_hint hint, uint32_t x, int64_t count,
                         int64_t low, int64_t high)
{
    struct relation r = in_space(RELATION_HINT, count);
    r.hint = hint;
    r.views[0] = whole(x, count);
    r.views[1] = whole(x, count);
    r.view_count = hint == HINT_DIVIDE_FLOOR ? 2 : 1;
    r.outputs[0] = tensor(b, ROLE_WITNESS, count, low, high);
    r.output_count = 1;
    relation_add(&b->program, &r);
    return r.outputs[0];
}

static void expect(struct bench *b, enum status status)
{
    struct diag diag = {0};
    CHECK_STATUS(relation_validate(&b->program, 253, &diag), status, &diag);
    arena_release(&b->arena);
}

TEST(builders_copy_what_they_are_given)
{
    struct bench b;
    bench_init(&b);
    int64_t list[3] = {2, -1, 0};
    wide values[3] = {wide_from_i64(5), wide_from_i64(6), wide_from_i64(7)};
    struct relation_tensor constant = {.name = "c",
                                       .rank = 1,
                                       .shape = {3},
                                       .role = ROLE_CONSTANT,
                                       .low = wide_from_i64(5),
                                       .high = wide_from_i64(7),
                                       .values = values};
    uint32_t c = relation_add_tensor(&b.program, &constant);
    struct relation_term t = term(1, (struct relation_view){.tensor = c, .index_list = list});
    add_linear(&b, 3, &t, 1, 0, 0, 7);
    list[0] = 100;
    values[0] = wide_from_i64(100);
    t.coefficient = wide_from_i64(9);
    CHECK_I64(b.program.relations[0].terms[0].factors[0].index_list[0], 2);
    CHECK(wide_compare(b.program.tensors[c].values[0], wide_from_i64(5)) == 0);
    CHECK(wide_compare(b.program.relations[0].terms[0].coefficient, wide_from_i64(1)) == 0);
    expect(&b, STATUS_OK);
}

TEST(equal_tables_are_one)
{
    struct bench b;
    bench_init(&b);
    const int64_t entries[2] = {1, 2};
    struct relation_table table = {.key = "f", .size = 2, .output_count = 1, .outputs = {entries}};
    uint32_t first = relation_add_table(&b.program, &table);
    CHECK_U64(relation_add_table(&b.program, &table), first);
    table.key = "g";
    CHECK(relation_add_table(&b.program, &table) != first);
    arena_release(&b.arena);
}

TEST(views_broadcast_and_cut)
{
    struct bench b;
    bench_init(&b);
    struct relation_tensor t = {.name = "t", .rank = 2, .shape = {3, 1}, .role = ROLE_PARAMETER};
    uint32_t x = relation_add_tensor(&b.program, &t);
    const int64_t space[3] = {2, 3, 4};
    struct relation_view view = relation_view_whole(&b.program, x, 3, space);
    for (size_t p = 0; p < 24; p++)
        CHECK_I64(relation_view_element(&view, 3, space, p), (int64_t)(p / 4 % 3));
    view.low[1] = 1;
    CHECK_I64(relation_view_element(&view, 3, space, 0), -1);
    CHECK_I64(relation_view_element(&view, 3, space, 4), 1);
    arena_release(&b.arena);
}

TEST(a_view_outside_its_tensor_is_refused)
{
    struct bench b;
    bench_init(&b);
    uint32_t x = tensor(&b, ROLE_PRIVATE_INPUT, 3, 0, 7);
    struct relation_term t =
        term(1, (struct relation_view){.tensor = x, .offset = 1, .stride = {1}, .high = {3}});
    add_linear(&b, 3, &t, 1, 0, 0, 7);
    expect(&b, STATUS_BAD_INPUT);
}

TEST(a_value_is_computed_once_and_before_its_use)
{
    struct bench b;
    bench_init(&b);
    uint32_t x = tensor(&b, ROLE_PRIVATE_INPUT, 2, 0, 7), later = tensor(&b, ROLE_WITNESS, 2, 0, 7);
    struct relation_term t = term(1, whole(later, 2));
    add_linear(&b, 2, &t, 1, 0, 0, 7);
    struct relation r = in_space(RELATION_LINEAR, 2);
    struct relation_term u = term(1, whole(x, 2));
    r.terms = &u;
    r.term_count = 1;
    r.outputs[0] = later;
    r.output_count = 1;
    relation_add(&b.program, &r);
    expect(&b, STATUS_BAD_INPUT);
    bench_init(&b);
    x = tensor(&b, ROLE_PRIVATE_INPUT, 2, 0, 7);
    later = tensor(&b, ROLE_WITNESS, 2, 0, 7);
    u = term(1, whole(x, 2));
    r.terms = &u;
    r.outputs[0] = later;
    relation_add(&b.program, &r);
    relation_add(&b.program, &r);
    expect(&b, STATUS_BAD_INPUT);
}

TEST(a_value_nobody_computes_is_refused)
{
    struct bench b;
    bench_init(&b);
    tensor(&b, ROLE_WITNESS, 2, 0, 7);
    expect(&b, STATUS_BAD_INPUT);
}

/* x = y d + r with the ranges given. */
static void add_rescale(struct bench *b, int64_t divisor, int64_t r_high, unsigned y_bits,
                        unsigned x_bits)
{
    uint32_t x = tensor(b, ROLE_PRIVATE_INPUT, 2, 0, 0);
    REQUIRE(wide_neg(&b->program.tensors[x].low, wide_power_of_two(x_bits)));
    struct relation r = in_space(RELATION_RESCALE, 2);
    r.views[0] = whole(x, 2);
    r.view_count = 1;
    r.divisor = wide_from_i64(divisor);
    r.outputs[0] = tensor(b, ROLE_WITNESS, 2, 0, 7);
    REQUIRE(wide_sub(&b->program.tensors[r.outputs[0]].high, wide_power_of_two(y_bits),
                     wide_from_i64(1)));
    r.outputs[1] = tensor(b, ROLE_WITNESS, 2, 0, r_high);
    r.output_count = 2;
    relation_add(&b->program, &r);
}

TEST(a_quotient_must_be_unique)
{
    static const struct {
        int64_t divisor, r_high;
        unsigned y_bits, x_bits;
        enum status status;
    } cases[] = {{8, 7, 20, 20, STATUS_OK},         {8, 8, 20, 20, STATUS_BAD_INPUT},
                 {8, 6, 20, 20, STATUS_BAD_INPUT},  {0, 7, 20, 20, STATUS_BAD_INPUT},
                 {-8, 7, 20, 20, STATUS_BAD_INPUT}, {8, 7, 251, 20, STATUS_BAD_INPUT},
                 {8, 7, 249, 20, STATUS_OK},        {8, 7, 250, 252, STATUS_BAD_INPUT},
                 {8, 7, 249, 252, STATUS_OK},       {7, 6, 250, 20, STATUS_OK},
                 {7, 6, 251, 20, STATUS_BAD_INPUT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench b;
        bench_init(&b);
        add_rescale(&b, cases[i].divisor, cases[i].r_high, cases[i].y_bits, cases[i].x_bits);
        expect(&b, cases[i].status);
    }
}

TEST(a_range_holds_with_its_value)
{
    static const struct {
        unsigned value_bits, range_bits;
        enum status status;
    } cases[] = {{252, 252, STATUS_OK},
                 {252, 253, STATUS_BAD_INPUT},
                 {20, 253, STATUS_BAD_INPUT},
                 {20, 252, STATUS_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench b;
        bench_init(&b);
        uint32_t x = tensor(&b, ROLE_PRIVATE_INPUT, 2, 0, 0);
        REQUIRE(wide_neg(&b.program.tensors[x].low, wide_power_of_two(cases[i].value_bits)));
        add_range(&b, x, 2, 0, 1);
        REQUIRE(wide_sub(&b.program.relations[0].high, wide_power_of_two(cases[i].range_bits),
                         wide_from_i64(1)));
        expect(&b, cases[i].status);
    }
}

TEST(a_digest_takes_one_salt_that_exists)
{
    static const struct {
        int64_t space, offset;
        enum status status;
    } cases[] = {{3, 0, STATUS_OK},         {3, 1, STATUS_OK}, {3, 2, STATUS_BAD_INPUT},
                 {3, -1, STATUS_BAD_INPUT}, {0, 1, STATUS_OK}, {0, 99, STATUS_BAD_INPUT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench b;
        bench_init(&b);
        int64_t count = cases[i].space;
        uint32_t x = tensor(&b, ROLE_PRIVATE_INPUT, 3, 0, 7),
                 salt = tensor(&b, ROLE_PRIVATE_INPUT, 2, 0, 7);
        struct relation r = in_space(RELATION_DIGEST, count);
        r.views[0] = whole(x, count);
        r.views[1] =
            (struct relation_view){.tensor = salt, .offset = cases[i].offset, .high = {count}};
        r.view_count = 2;
        r.outputs[0] = tensor(&b, ROLE_WITNESS, 1, 0, 7);
        r.output_count = 1;
        relation_add(&b.program, &r);
        expect(&b, cases[i].status);
    }
}

TEST(a_free_hint_is_refused)
{
    struct bench b;
    bench_init(&b);
    uint32_t x = tensor(&b, ROLE_PRIVATE_INPUT, 3, 0, 1000);
    uint32_t h = add_hint(&b, HINT_SQUARE_ROOT, x, 3, 0, 31);
    add_range(&b, h, 3, 0, 31);
    expect(&b, STATUS_BAD_INPUT);
}

/* h pinned by out = x - c h in 0 .. out_high. */
static void division(struct bench *b, int64_t c, int64_t out_high, bool bound_h, bool bound_out)
{
    bench_init(b);
    uint32_t x = tensor(b, ROLE_PRIVATE_INPUT, 3, 0, 1000);
    uint32_t h = add_hint(b, HINT_DIVIDE_FLOOR, x, 3, 0, 127);
    struct relation_term terms[2] = {term(1, whole(x, 3)), term(-c, whole(h, 3))};
    uint32_t out = add_linear(b, 3, terms, 2, 0, 0, out_high);
    if (bound_h)
        add_range(b, h, 3, 0, 127);
    if (bound_out)
        add_range(b, out, 3, 0, out_high);
}

TEST(the_division_rule_needs_every_bound)
{
    struct bench b;
    division(&b, 8, 7, true, true);
    expect(&b, STATUS_OK);
    division(&b, 8, 8, true, true);
    expect(&b, STATUS_BAD_INPUT);
    division(&b, 8, 7, false, true);
    expect(&b, STATUS_BAD_INPUT);
    division(&b, 8, 7, true, false);
    expect(&b, STATUS_BAD_INPUT);
}

/* y with t = x - y^2 and 2 y - t, each held to 0 .. 63 or not. */
static void square_root(struct bench *b, int64_t twice, bool hold_y, bool hold_t, bool hold_rest)
{
    bench_init(b);
    uint32_t x = tensor(b, ROLE_PRIVATE_INPUT, 3, 0, 1000);
    uint32_t y = add_hint(b, HINT_SQUARE_ROOT, x, 3, 0, 31);
    struct relation r = in_space(RELATION_PRODUCT, 3);
    struct relation_term terms[2] = {{.coefficient = wide_from_i64(-1),
                                      .factor_count = 2,
                                      .factors = {whole(y, 3), whole(y, 3)}},
                                     term(1, whole(x, 3))};
    r.terms = terms;
    r.term_count = 2;
    r.outputs[0] = tensor(b, ROLE_WITNESS, 3, 0, 63);
    r.output_count = 1;
    relation_add(&b->program, &r);
    struct relation_term under[2] = {term(twice, whole(y, 3)), term(-1, whole(r.outputs[0], 3))};
    uint32_t rest = add_linear(b, 3, under, 2, 0, 0, 63);
    if (hold_y)
        add_range(b, y, 3, 0, 31);
    if (hold_t)
        add_range(b, r.outputs[0], 3, 0, 63);
    if (hold_rest)
        add_range(b, rest, 3, 0, 63);
}

TEST(the_root_rule_needs_every_bound)
{
    struct bench b;
    square_root(&b, 2, true, true, true);
    expect(&b, STATUS_OK);
    square_root(&b, 2, false, true, true);
    expect(&b, STATUS_BAD_INPUT);
    square_root(&b, 2, true, false, true);
    expect(&b, STATUS_BAD_INPUT);
    square_root(&b, 2, true, true, false);
    expect(&b, STATUS_BAD_INPUT);
    square_root(&b, 3, true, true, true);
    expect(&b, STATUS_BAD_INPUT);
}

/* Indices of four keys, read and compared with their neighbours by differences held to low .. 64.
 */
static void order(struct bench *b, int64_t low, int64_t entries, int64_t second_sign)
{
    bench_init(b);
    uint32_t keys = tensor(b, ROLE_PRIVATE_INPUT, entries, 0, 63);
    uint32_t h = add_hint(b, HINT_SORT_ORDER, keys, 4, 0, 3);
    struct relation r = in_space(RELATION_READ, 4);
    r.memory = keys;
    r.views[0] = whole(h, 4);
    r.view_count = 1;
    r.outputs[0] = tensor(b, ROLE_WITNESS, 4, 0, 63);
    r.output_count = 1;
    relation_add(&b->program, &r);
    struct relation_view next = whole(r.outputs[0], 3);
    next.offset = 1;
    struct relation_term terms[2] = {term(1, whole(r.outputs[0], 3)), term(second_sign, next)};
    uint32_t gaps = add_linear(b, 3, terms, 2, 0, low, 64);
    add_range(b, gaps, 3, low, 64);
}

TEST(the_order_rule_wants_strict_steps_over_all_entries)
{
    struct bench b;
    order(&b, 1, 4, -1);
    expect(&b, STATUS_OK);
    order(&b, 0, 4, -1);
    expect(&b, STATUS_BAD_INPUT);
    order(&b, 1, 5, -1);
    expect(&b, STATUS_BAD_INPUT);
    order(&b, 1, 4, 1);
    expect(&b, STATUS_BAD_INPUT);
}

/* e with 2^e <= x < `factor` 2^e, from a table of powers. */
static void bracket(struct bench *b, int64_t factor, int64_t below, bool same_x)
{
    bench_init(b);
    uint32_t x = tensor(b, ROLE_PRIVATE_INPUT, 3, 1, 15),
             other = tensor(b, ROLE_PRIVATE_INPUT, 3, 1, 15);
    uint32_t e = add_hint(b, HINT_BIT_LENGTH, x, 3, 0, 3);
    const int64_t powers[4] = {1, 2, 4, 8};
    struct relation_table table = {
        .key = "powers", .size = 4, .output_count = 1, .outputs = {powers}};
    struct relation r = in_space(RELATION_TABLE, 3);
    r.table = relation_add_table(&b->program, &table);
    r.views[0] = whole(e, 3);
    r.view_count = 1;
    r.outputs[0] = tensor(b, ROLE_WITNESS, 3, 1, 8);
    r.output_count = 1;
    relation_add(&b->program, &r);
    struct relation_term above[2] = {term(1, whole(x, 3)), term(-1, whole(r.outputs[0], 3))};
    struct relation_term under[2] = {term(factor, whole(r.outputs[0], 3)),
                                     term(-1, whole(same_x ? x : other, 3))};
    uint32_t first = add_linear(b, 3, above, 2, 0, 0, 15),
             second = add_linear(b, 3, under, 2, below, 0, 15);
    add_range(b, first, 3, 0, 15);
    add_range(b, second, 3, 0, 15);
}

TEST(the_bracket_rule_wants_disjoint_intervals)
{
    struct bench b;
    bracket(&b, 2, -1, true);
    expect(&b, STATUS_OK);
    bracket(&b, 2, 0, true);
    expect(&b, STATUS_BAD_INPUT);
    bracket(&b, 3, -1, true);
    expect(&b, STATUS_BAD_INPUT);
    bracket(&b, 2, -1, false);
    expect(&b, STATUS_BAD_INPUT);
}

/* The program after its bytes; memory is the bench's. */
static struct relation_program reread(struct bench *b)
{
    struct buffer bytes;
    struct relation_program again;
    struct diag diag = {0};
    buffer_init(&bytes);
    relation_program_serialize(&b->program, &bytes);
    REQUIRE_OK(relation_program_parse(&again, &b->arena, 253, bytes.data, bytes.count, &diag),
               &diag);
    buffer_release(&bytes);
    return again;
}

TEST(what_stands_for_no_number_comes_back_from_its_bytes)
{
    for (int which = 0; which < 4; which++) {
        struct bench b;
        bench_init(&b);
        uint32_t x = tensor(&b, ROLE_PRIVATE_INPUT, 3, -4, 4);
        struct relation_tensor *t = &b.program.tensors[x];
        t->encoding = ENCODING_FIXED;
        t->has_nan = which == 1;
        t->has_infinity = which == 2;
        t->keeps_sign = which == 3;
        add_range(&b, x, 3, -4, 4);
        t = &reread(&b).tensors[x];
        CHECK(t->has_nan == (which == 1) && t->has_infinity == (which == 2) &&
              t->keeps_sign == (which == 3));
        expect(&b, STATUS_OK);
    }
}

TEST(a_table_ends_within_64_bits)
{
    const int64_t numbers[3] = {1, 2, 3};
    for (int64_t first = INT64_MAX - 3; first > INT64_MAX - 5; first -= 1) {
        for (size_t size = 2; size <= 3; size++) {
            struct bench b;
            bench_init(&b);
            uint32_t x = tensor(&b, ROLE_PRIVATE_INPUT, 1, first, first + 1);
            struct relation_table table = {.key = "far",
                                           .x_low = first + (size == 3) * 2,
                                           .size = size,
                                           .output_count = 1,
                                           .outputs = {numbers}};
            struct relation r = in_space(RELATION_TABLE, 1);
            r.table = relation_add_table(&b.program, &table);
            r.views[0] = whole(x, 1);
            r.view_count = 1;
            r.outputs[0] = tensor(&b, ROLE_WITNESS, 1, 1, 3);
            r.output_count = 1;
            relation_add(&b.program, &r);
            expect(&b, size == 3 && first == INT64_MAX - 3 ? STATUS_BAD_INPUT : STATUS_OK);
        }
    }
}

/* 2^29 multiplications of 2^15 numbers by 2^14: more positions than a file may have numbers. */
TEST(a_contraction_of_many_positions_comes_back_from_its_bytes)
{
    struct bench b;
    bench_init(&b);
    uint32_t x = tensor(&b, ROLE_PRIVATE_INPUT, 1 << 15, 0, 1),
             w = tensor(&b, ROLE_PARAMETER, 1 << 14, -2, 1);
    add_range(&b, x, 1 << 15, 0, 1);
    struct relation r = {.kind = RELATION_CONTRACT,
                         .node = RELATION_NONE,
                         .space_rank = 2,
                         .contract_rank = 1,
                         .space = {1 << 15, 1 << 14},
                         .view_count = 2,
                         .output_count = 1};
    r.views[0] = (struct relation_view){.tensor = x, .stride = {1, 0}, .high = {1 << 15, 1 << 14}};
    r.views[1] = (struct relation_view){.tensor = w, .stride = {0, 1}, .high = {1 << 15, 1 << 14}};
    r.outputs[0] = tensor(&b, ROLE_WITNESS, 1 << 15, -(1 << 15), 1 << 14);
    relation_add(&b.program, &r);
    struct relation_program again = reread(&b);
    CHECK_U64(again.relation_count, b.program.relation_count);
    CHECK_I64(again.relations[1].space[1], 1 << 14);
    expect(&b, STATUS_OK);
}
