/* label: fast libs: sertn_runtime */
/*
 * Programs of a few relations chosen at random: inputs, weights, numbers and computed values in
 * every operand's place, views that repeat, drop and pad elements. Each is placed, filled honestly
 * and tampered with. SERTN_TAMPER=many runs for minutes instead of seconds.
 */
#include "tests/passes/tamper_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "passes/bound_ranges.h"
#include "passes/range.h"
#include "tests/passes/example.h"

enum { TENSORS_MAX = 80, ELEMENTS_MAX = 6, BITS_MAX = 40, PUBLIC_MAX = 2, MADE_LEAST = 60 };

struct making {
    struct example e;
    uint32_t list[TENSORS_MAX]; /* what operands are chosen from */
    size_t count;
    uint32_t public[PUBLIC_MAX + 3]; /* in the order of the words */
    size_t public_count;
};

static const struct relation_tensor *tensor_of(const struct making *m, uint32_t t)
{
    return &m->e.program.tensors[t];
}

static int64_t random_between(int64_t low, int64_t high)
{
    return low + (int64_t)test_random_below((uint64_t)(high - low) + 1);
}

static bool one_in(unsigned n)
{
    return test_random_below(n) == 0;
}

static struct range range_of_tensor(const struct making *m, uint32_t t)
{
    return range_make(tensor_of(m, t)->low, tensor_of(m, t)->high);
}

static uint32_t any_tensor(const struct making *m)
{
    /* The last ones twice as often, so that chains grow. */
    size_t from = one_in(2) && m->count > 4 ? m->count - 4 : 0;
    return m->list[from + test_random_below(m->count - from)];
}

static uint32_t add_tensor(struct making *m, enum relation_role role, int64_t count,
                           struct range range, const wide *values)
{
    struct relation_tensor t = {.name = "t",
                                .rank = 1,
                                .shape = {count, 1},
                                .role = role,
                                .encoding = ENCODING_INTEGER,
                                .scale = {1, 1, 0},
                                .low = range.low,
                                .high = range.high,
                                .values = values};
    uint32_t tensor = relation_add_tensor(&m->e.program, &t);
    if (m->count < TENSORS_MAX)
        m->list[m->count++] = tensor;
    return tensor;
}

static void set_shape(struct making *m, uint32_t tensor, int64_t rows, int64_t width)
{
    struct relation_tensor *t = &m->e.program.tensors[tensor];
    t->rank = width == 1 ? 1 : 2;
    t->shape[0] = rows;
    t->shape[1] = width;
}

static struct relation relation(enum relation_kind kind, int64_t count)
{
    return (struct relation){
        .kind = kind, .node = RELATION_NONE, .space_rank = 1, .space = {count}};
}

static struct relation_view whole(const struct making *m, uint32_t t)
{
    return (struct relation_view){
        .tensor = t, .stride = {1}, .high = {(int64_t)tensor_of(m, t)->count}};
}

/* Any elements of a tensor at `count` positions: itself, one of them everywhere, a list with holes,
 * a part with zeros around. */
static struct relation_view any_view(struct making *m, uint32_t t, int64_t count)
{
    int64_t own = (int64_t)tensor_of(m, t)->count;
    if (own == count && !one_in(4))
        return whole(m, t);
    if (one_in(3))
        return (struct relation_view){
            .tensor = t, .offset = random_between(0, own - 1), .high = {count}};
    if (own < count && one_in(2)) {
        int64_t from = random_between(0, count - own);
        return (struct relation_view){
            .tensor = t, .offset = -from, .stride = {1}, .low = {from}, .high = {from + own}};
    }
    int64_t *list = arena_array(&m->e.arena, int64_t, (size_t)count), hole = one_in(3) ? -1 : 0;
    for (int64_t i = 0; i < count; i++)
        list[i] = random_between(hole, own - 1);
    return (struct relation_view){.tensor = t, .index_list = list};
}

static int64_t any_count(void)
{
    return one_in(3) ? 1 : random_between(1, ELEMENTS_MAX);
}

static bool is_narrow(struct range r)
{
    return range_bits(r) <= BITS_MAX;
}

/* Adds a relation with its outputs when their ranges are narrow enough. */
static bool add_computed(struct making *m, struct relation *r, int64_t count)
{
    ASSERT(count > 0);
    struct range range;
    if (!range_of_output(&m->e.program, r, 0, &range) || !is_narrow(range))
        return false;
    if (one_in(2))
        range = range_round_up(range);
    r->output_count = 1;
    r->outputs[0] = add_tensor(m, ROLE_WITNESS, count, range, NULL);
    relation_add(&m->e.program, r);
    return true;
}

/* ---- what a program begins with ---- */

static void add_range(struct making *m, uint32_t t, struct range range)
{
    struct relation r = relation(RELATION_RANGE, (int64_t)tensor_of(m, t)->count);
    r.views[0] = whole(m, t);
    r.view_count = 1;
    r.low = range.low;
    r.high = range.high;
    relation_add(&m->e.program, &r);
}

/* Rows of several elements, for those who read rows. */
static void stack_rows(struct making *m)
{
    uint32_t t = m->list[m->count - 1];
    int64_t count = (int64_t)tensor_of(m, t)->count, width = count % 3 == 0 && one_in(2) ? 3 : 2;
    if (count % width == 0 && one_in(2))
        set_shape(m, t, count / width, width);
}

static struct range any_range(void)
{
    int64_t size = one_in(3) ? random_between(1, 16) : INT64_C(1) << random_between(0, 9);
    int64_t low = one_in(2) ? 0 : one_in(2) ? -size / 2 : random_between(-50, 50);
    return range_of_i64(low, low + size - 1);
}

static void add_given(struct making *m)
{
    struct range range = any_range();
    int64_t count = any_count(), low, high;
    switch (test_random_below(4)) {
    case 0:
    case 1: {
        bool is_public = one_in(3) && m->public_count < PUBLIC_MAX;
        uint32_t t =
            add_tensor(m, is_public ? ROLE_PUBLIC_INPUT : ROLE_PRIVATE_INPUT, count, range, NULL);
        add_range(m, t, range);
        if (is_public)
            m->public[m->public_count++] = t;
        break;
    }
    case 2:
        add_tensor(m, ROLE_PARAMETER, count, range, NULL);
        break;
    default: {
        wide *values = arena_array(&m->e.arena, wide, (size_t)count);
        REQUIRE(wide_to_i64(&low, range.low) && wide_to_i64(&high, range.high));
        for (int64_t i = 0; i < count; i++)
            values[i] =
                wide_from_i64(one_in(4) && low <= 0 && high >= 0 ? 0 : random_between(low, high));
        add_tensor(m, ROLE_CONSTANT, count, range, values);
        break;
    }
    }
    stack_rows(m);
}

/* ---- relations ---- */

static void add_copy(struct making *m)
{
    int64_t count = any_count();
    struct relation_term terms[2];
    struct relation r = relation(RELATION_LINEAR, count);
    r.terms = terms;
    if (one_in(2) || count < 2) {
        terms[0] = (struct relation_term){wide_from_i64(1), 1, {any_view(m, any_tensor(m), count)}};
        r.term_count = 1;
    } else { /* two tensors, one behind the other */
        uint32_t a = any_tensor(m), b = any_tensor(m);
        int64_t first = random_between(1, count - 1);
        int64_t *list[2];
        for (int k = 0; k < 2; k++) {
            list[k] = arena_array(&m->e.arena, int64_t, (size_t)count);
            for (int64_t i = 0; i < count; i++)
                list[k][i] =
                    (i < first) == (k == 0)
                        ? random_between(0, (int64_t)tensor_of(m, k == 0 ? a : b)->count - 1)
                        : -1;
            terms[k] = (struct relation_term){
                wide_from_i64(1), 1, {{.tensor = k == 0 ? a : b, .index_list = list[k]}}};
        }
        r.term_count = 2;
    }
    add_computed(m, &r, count);
}

static wide any_coefficient(void)
{
    static const int64_t list[] = {1, 1, -1, -1, 2, -2, 3, -5, 256, 0};
    return wide_from_i64(list[test_random_below(sizeof list / sizeof *list)]);
}

static void add_sum(struct making *m, enum relation_kind kind)
{
    enum { TERMS_MAX = 4 };
    struct relation_term terms[TERMS_MAX];
    int64_t count = any_count();
    struct relation r = relation(kind, count);
    r.terms = terms;
    r.term_count = 1 + test_random_below(TERMS_MAX);
    r.constant = wide_from_i64(one_in(2) ? 0 : random_between(-20, 20));
    for (size_t k = 0; k < r.term_count; k++) {
        terms[k] = (struct relation_term){.coefficient = any_coefficient(), .factor_count = 1};
        if (kind == RELATION_PRODUCT)
            terms[k].factor_count = (uint8_t)(1 + test_random_below(one_in(4) ? 4 : 2));
        for (unsigned f = 0; f < terms[k].factor_count; f++)
            terms[k].factors[f] = any_view(m, any_tensor(m), count);
    }
    add_computed(m, &r, count);
}

static void add_contract(struct making *m)
{
    int64_t count = random_between(1, 3), inner = random_between(1, ELEMENTS_MAX);
    struct relation r = {.kind = RELATION_CONTRACT,
                         .node = RELATION_NONE,
                         .space_rank = 2,
                         .space = {count, inner},
                         .contract_rank = 1,
                         .view_count = 2};
    for (unsigned k = 0; k < 2; k++) {
        uint32_t t = any_tensor(m);
        int64_t own = (int64_t)tensor_of(m, t)->count;
        if (own >= count * inner) {
            r.views[k] =
                (struct relation_view){.tensor = t, .stride = {inner, 1}, .high = {count, inner}};
        } else if (own >= inner) {
            r.views[k] =
                (struct relation_view){.tensor = t, .stride = {0, 1}, .high = {count, inner}};
        } else {
            r.views[k] = (struct relation_view){
                .tensor = t, .stride = {0, 1}, .low = {one_in(2), 0}, .high = {count, own}};
        }
    }
    add_computed(m, &r, count);
}

static void add_rescale(struct making *m)
{
    uint32_t x = any_tensor(m), d = any_tensor(m);
    int64_t own = (int64_t)tensor_of(m, x)->count,
            count = own <= ELEMENTS_MAX && one_in(2) ? own : any_count();
    struct relation r = relation(RELATION_RESCALE, count);
    struct range divisor = range_of_tensor(m, d), dividend, rest;
    r.views[0] = any_view(m, x, count);
    r.view_count = 1;
    r.output_count = 2;
    dividend = range_of_view(&m->e.program, &r, &r.views[0]);
    bool by_value = wide_compare(divisor.low, wide_from_i64(1)) >= 0 && one_in(2);
    if (by_value) {
        r.divisor_is_view = true;
        r.views[r.view_count++] =
            (struct relation_view){.tensor = d,
                                   .offset = random_between(0, (int64_t)tensor_of(m, d)->count - 1),
                                   .high = {count}};
    } else {
        int64_t number = one_in(2) ? INT64_C(1) << random_between(0, 10) : random_between(1, 200);
        divisor = range_of_i64(number, number);
        r.divisor = wide_from_i64(number);
        r.rounding = one_in(2) ? ROUND_FLOOR : ROUND_HALF_UP;
    }
    rest = divisor;
    REQUIRE(wide_sub(&rest.high, divisor.high, wide_from_i64(1)));
    rest.low = wide_from_i64(0);
    if (r.rounding == ROUND_HALF_UP && !by_value) {
        wide half = wide_shift_right(divisor.low, 1);
        REQUIRE(range_add(&dividend, dividend, range_make(half, half)));
    }
    struct range quotient = range_divide_floor(dividend, divisor);
    if (one_in(2))
        quotient = range_round_up(quotient);
    r.outputs[0] = add_tensor(m, ROLE_WITNESS, count, quotient, NULL);
    r.outputs[1] = add_tensor(m, ROLE_WITNESS, count, rest, NULL);
    relation_add(&m->e.program, &r);
}

static void add_is_zero(struct making *m)
{
    int64_t count = any_count();
    struct relation r = relation(RELATION_IS_ZERO, count);
    r.views[0] = any_view(m, any_tensor(m), count);
    r.view_count = 1;
    add_computed(m, &r, count);
}

/* A product of matrices that is cheaper by held sums. */
static void add_large_product(struct making *m)
{
    enum { ROWS = 20, INNER = 5, COLUMNS = 6 };
    struct range range = range_of_i64(-8, 7);
    uint32_t a = add_tensor(m, ROLE_PRIVATE_INPUT, ROWS * INNER, range, NULL), b;
    add_range(m, a, range);
    b = add_tensor(m, one_in(2) ? ROLE_PARAMETER : ROLE_PRIVATE_INPUT, INNER * COLUMNS, range,
                   NULL);
    if (tensor_of(m, b)->role == ROLE_PRIVATE_INPUT)
        add_range(m, b, range);
    struct relation r = {.kind = RELATION_CONTRACT,
                         .node = RELATION_NONE,
                         .space_rank = 3,
                         .space = {ROWS, COLUMNS, INNER},
                         .contract_rank = 1,
                         .view_count = 2};
    r.views[0] = (struct relation_view){
        .tensor = a, .stride = {INNER, 0, 1}, .high = {ROWS, COLUMNS, INNER}};
    r.views[1] = (struct relation_view){
        .tensor = b, .stride = {0, 1, COLUMNS}, .high = {ROWS, COLUMNS, INNER}};
    if (add_computed(m, &r, ROWS * COLUMNS))
        set_shape(m, m->e.program.relations[m->e.program.relation_count - 1].outputs[0], ROWS,
                  COLUMNS);
}

/* A table over the range of what is looked up. */
static void add_table(struct making *m)
{
    enum { SIZE_MOST = 64 };
    int64_t count = any_count(), low, high, outputs[2][SIZE_MOST];
    struct relation r = relation(RELATION_TABLE, count);
    r.views[0] = any_view(m, any_tensor(m), count);
    r.view_count = 1;
    struct range x = range_of_view(&m->e.program, &r, &r.views[0]);
    if (!wide_to_i64(&low, x.low) || !wide_to_i64(&high, x.high) || high - low >= SIZE_MOST)
        return;
    static unsigned serial;
    struct relation_table table = {.key = arena_printf(&m->e.arena, "f%u", serial++),
                                   .x_low = low,
                                   .size = (size_t)(high - low) + 1,
                                   .output_count = (uint8_t)(1 + test_random_below(2))};
    r.output_count = table.output_count;
    for (unsigned k = 0; k < table.output_count; k++) {
        for (size_t i = 0; i < table.size; i++)
            outputs[k][i] = random_between(-30, 30);
        table.outputs[k] = outputs[k];
        r.outputs[k] = add_tensor(m, ROLE_WITNESS, count, range_of_i64(-30, 30), NULL);
    }
    r.table = relation_add_table(&m->e.program, &table);
    relation_add(&m->e.program, &r);
}

/* Rows of any tensor at indices of an input of their own, or of what fits. */
static void add_read(struct making *m)
{
    uint32_t memory = any_tensor(m), index = any_tensor(m);
    int64_t entries = tensor_of(m, memory)->shape[0], count = any_count(),
            width = (int64_t)tensor_of(m, memory)->count / entries;
    struct range bound = range_of_i64(0, entries - 1);
    if (!range_contains(bound, range_of_tensor(m, index))) {
        if (entries != 1 && entries != 2 && entries != 4 && one_in(2))
            return;
        index = add_tensor(m, one_in(4) ? ROLE_PARAMETER : ROLE_PRIVATE_INPUT, count, bound, NULL);
        if (tensor_of(m, index)->role == ROLE_PRIVATE_INPUT)
            add_range(m, index, bound);
    }
    struct relation r = relation(RELATION_READ, count);
    r.views[0] = any_view(m, index, count);
    r.view_count = 1;
    r.memory = memory;
    r.output_count = 1;
    r.outputs[0] = add_tensor(m, ROLE_WITNESS, count * width, range_of_tensor(m, memory), NULL);
    set_shape(m, r.outputs[0], count, width);
    relation_add(&m->e.program, &r);
}

/* A range that holds anyway, of any size. */
static void add_known_range(struct making *m)
{
    int64_t count = any_count();
    struct relation r = relation(RELATION_RANGE, count);
    r.views[0] = any_view(m, any_tensor(m), count);
    r.view_count = 1;
    struct range x = range_of_view(&m->e.program, &r, &r.views[0]);
    if (one_in(2))
        x = range_round_up(x);
    r.low = x.low;
    r.high = x.high;
    relation_add(&m->e.program, &r);
}

static void add_any(struct making *m)
{
    switch (test_random_below(12)) {
    case 0:
    case 1:
        add_copy(m);
        break;
    case 2:
    case 3:
        add_sum(m, RELATION_LINEAR);
        break;
    case 4:
    case 5:
        add_sum(m, RELATION_PRODUCT);
        break;
    case 6:
        add_contract(m);
        break;
    case 7:
        add_rescale(m);
        break;
    case 8:
        add_is_zero(m);
        break;
    case 9:
        add_table(m);
        break;
    case 10:
        add_read(m);
        break;
    default:
        add_known_range(m);
        break;
    }
}

/* ---- one program ---- */

static void choose_public(struct making *m)
{
    size_t count = 0, wanted = 1 + test_random_below(3);
    for (size_t i = m->count; i-- > 0 && count < wanted;) {
        bool last = i < 3 && count == 0;
        enum relation_role role = tensor_of(m, m->list[i])->role;
        if (role == ROLE_WITNESS && (last || !one_in(3))) {
            m->public[m->public_count++] = m->list[i];
            count++;
        }
    }
    publish_all(&m->e, m->public, m->public_count);
}

static void give_values(struct making *m)
{
    for (uint32_t t = 0; t < m->e.program.tensor_count; t++) {
        const struct relation_tensor *x = tensor_of(m, t);
        int64_t low, high;
        if (x->role == ROLE_WITNESS || x->role == ROLE_CONSTANT)
            continue;
        REQUIRE(wide_to_i64(&low, x->low) && wide_to_i64(&high, x->high));
        for (size_t i = 0; i < x->count; i++)
            REQUIRE(relation_value_set(&m->e.values, &m->e.program, t, i,
                                       wide_from_i64(random_between(low, high))));
    }
}

/* Whether a program was made: it may happen to compute nothing. */
static bool run_one(size_t most)
{
    struct making m = {.count = 0};
    begin(&m.e);
    for (uint64_t i = 2 + test_random_below(4); i > 0; i--)
        add_given(&m);
    if (one_in(16))
        add_large_product(&m);
    for (uint64_t i = 2 + test_random_below(10); i > 0; i--)
        add_any(&m);
    choose_public(&m);
    bool made = m.public_count > 0;
    if (made) {
        REQUIRE_OK(relation_validate(&m.e.program, 253, &m.e.diag), &m.e.diag);
        REQUIRE_OK(pass_bound_ranges(&m.e.program, 253, &m.e.diag), &m.e.diag);
        REQUIRE_OK(relation_values_init(&m.e.values, &m.e.program, &m.e.arena, &m.e.diag),
                   &m.e.diag);
        give_values(&m);
        tamper_program(&m.e.program, &m.e.values, most);
    }
    end(&m.e);
    return made;
}

TEST(random_programs_leave_no_cell_free)
{
    const char *share = getenv("SERTN_TAMPER");
    bool many = share != NULL && strcmp(share, "many") == 0;
    time_t until = time(NULL) + (many ? 600 : 2);
    size_t count = 0;
    while (time(NULL) < until || count < MADE_LEAST)
        count += run_one(many ? 40 : 6);
}
