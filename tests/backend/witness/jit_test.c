/* label: fast */
/*
 * Native code beside the interpreter: every kind of relation, over random index spaces, views and
 * ranges of 1 to 250 bits, with values on the edges of their ranges. Same values, same refusals.
 */
#include "backend/witness/jit.h"
#include "backend/witness/jit_form.h"
#include "tests/harness/harness.h"

#include <stdio.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
const char *__lsan_default_suppressions(void);
/* LLVM keeps its registries until the process ends. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libLLVM";
}
#endif

enum { RELATIONS = 48, RANK = 4 };

/* A program under test, with two sets of values. */
struct subject {
    struct arena arena;
    struct relation_program program;
    struct relation_values interpreted, native;
};

static void subject_init(struct subject *s)
{
    arena_init(&s->arena, 0);
    relation_program_init(&s->program, &s->arena);
}

/* ---- random parts ---- */

static wide random_wide(unsigned bits)
{
    wide value = wide_from_i64(0);
    for (unsigned i = 0; i < bits; i += 32) {
        unsigned more = bits - i < 32 ? bits - i : 32;
        REQUIRE(wide_shift_left(&value, value, more));
        REQUIRE(wide_add(&value, value,
                         wide_from_i64((int64_t)test_random_below((uint64_t)1 << more))));
    }
    return value;
}

static wide below(wide a)
{
    REQUIRE(wide_sub(&a, a, wide_from_i64(1)));
    return a;
}

static wide minus(wide a)
{
    REQUIRE(wide_neg(&a, a));
    return a;
}

static void random_range(wide *low, wide *high, unsigned bits)
{
    wide top = wide_power_of_two(bits);
    *low = wide_from_i64(0);
    *high = below(top);
    switch (test_random_below(4)) {
    case 0:
        break;
    case 1:
        *low = minus(top);
        break;
    case 2: /* all negative */
        *low = minus(top);
        *high = wide_from_i64(-1);
        break;
    default:
        *low = minus(random_wide(bits));
    }
}

/* Bits of a value: all sizes, and the edges of what int64 and 128 bits hold. */
static unsigned random_bits(unsigned most)
{
    static const unsigned edges[] = {1,  7,   31,  32,  60,  61,  62, 63,
                                     64, 100, 125, 126, 127, 200, 250};
    unsigned bits = edges[test_random_below(sizeof edges / sizeof edges[0])];
    return bits > most ? 1 + (unsigned)test_random_below(most) : bits;
}

static uint32_t add_tensor(struct subject *s, size_t count, wide low, wide high,
                           enum relation_role role)
{
    return relation_add_tensor(&s->program, &(struct relation_tensor){.name = "t",
                                                                      .rank = 1,
                                                                      .shape = {(int64_t)count},
                                                                      .count = count,
                                                                      .role = role,
                                                                      .scale = {1, 1, 0},
                                                                      .low = low,
                                                                      .high = high});
}

static size_t random_space(struct relation *r, unsigned least)
{
    size_t count = 1;
    r->space_rank = (uint8_t)(least + test_random_below(RANK + 1 - least));
    for (unsigned d = 0; d < r->space_rank; d++) {
        r->space[d] = 1 + (int64_t)test_random_below(5);
        count *= (size_t)r->space[d];
    }
    return count;
}

static void list_elements(struct subject *s, struct relation_view *view, size_t count,
                          size_t elements, bool misses)
{
    int64_t *list = arena_array(&s->arena, int64_t, count);
    REQUIRE(list != NULL);
    for (size_t p = 0; p < count; p++)
        list[p] = (int64_t)test_random_below(elements + misses) - misses;
    view->index_list = list;
}

/* Strides and bounds, and how many elements they need. */
static size_t random_strides(struct relation_view *view, const struct relation *r, bool misses)
{
    int64_t least = 0, most = 0, dense = 1;
    bool is_dense = test_random_below(2) == 0;
    for (unsigned d = r->space_rank; d-- > 0;) {
        view->stride[d] = is_dense ? dense : (int64_t)test_random_below(7) - 3;
        dense *= r->space[d];
        view->high[d] = r->space[d];
        if (misses && test_random_below(3) == 0) {
            view->low[d] = (int64_t)test_random_below((uint64_t)r->space[d] + 1) - 1;
            view->high[d] = view->low[d] + (int64_t)test_random_below((uint64_t)r->space[d] + 1);
        }
        int64_t first = view->low[d] < 0 ? 0 : view->low[d];
        int64_t last = (view->high[d] > r->space[d] ? r->space[d] : view->high[d]) - 1;
        int64_t a = view->stride[d] * first, b = view->stride[d] * last;
        least += a < b ? a : b;
        most += a < b ? b : a;
    }
    view->offset = (int64_t)test_random_below(3) - least;
    return (size_t)(most + view->offset) + 1 + (size_t)test_random_below(2);
}

/* A view of a new input tensor with such a range; misses: some positions may have no element. */
static struct relation_view random_view(struct subject *s, const struct relation *r, wide low,
                                        wide high, bool misses)
{
    struct relation_view view = {0};
    size_t count = 1, elements = 1 + (size_t)test_random_below(9);
    for (unsigned d = 0; d < r->space_rank; d++)
        count *= (size_t)r->space[d];
    if (test_random_below(4) == 0)
        list_elements(s, &view, count, elements, misses);
    else
        elements = random_strides(&view, r, misses);
    view.tensor = add_tensor(s, elements, low, high, ROLE_PRIVATE_INPUT);
    return view;
}

static struct relation_view view_of_bits(struct subject *s, const struct relation *r, unsigned most)
{
    wide low, high;
    random_range(&low, &high, random_bits(most));
    return random_view(s, r, low, high, true);
}

/* An output that takes everything, or one of a few bits, which refuses some values. */
static void add_output(struct subject *s, struct relation *r, size_t count)
{
    wide low = minus(wide_power_of_two(253)), high = wide_power_of_two(253);
    if (test_random_below(3) == 0)
        random_range(&low, &high, random_bits(250));
    r->outputs[r->output_count++] = add_tensor(s, count, low, high, ROLE_WITNESS);
}

static wide random_coefficient(void)
{
    wide value = random_wide(random_bits(70));
    return test_random_below(2) == 0 ? value : minus(value);
}

/* ---- relations ---- */

static void make_terms(struct subject *s, struct relation *r, unsigned factors_most, unsigned bits)
{
    size_t count = random_space(r, 0);
    r->term_count = test_random_below(4);
    r->terms = arena_array(&s->arena, struct relation_term, r->term_count + 1);
    REQUIRE(r->terms != NULL);
    for (size_t k = 0; k < r->term_count; k++) {
        struct relation_term *term = &r->terms[k];
        term->coefficient = random_coefficient();
        term->factor_count = (uint8_t)(1 + test_random_below(factors_most));
        for (unsigned f = 0; f < term->factor_count; f++)
            term->factors[f] = view_of_bits(s, r, bits);
    }
    r->constant = random_coefficient();
    add_output(s, r, count);
}

static void make_linear(struct subject *s, struct relation *r)
{
    r->kind = RELATION_LINEAR;
    make_terms(s, r, 1, 250);
}

static void make_product(struct subject *s, struct relation *r)
{
    r->kind = RELATION_PRODUCT;
    make_terms(s, r, RELATION_FACTOR_MAX, test_random_below(2) == 0 ? 15 : 100);
    r->is_assert = test_random_below(3) == 0;
    if (r->is_assert) {
        r->output_count = 0;
        if (test_random_below(2) == 0) { /* one that holds */
            r->term_count = 0;
            r->constant = wide_from_i64(0);
        }
    }
}

static void make_contract(struct subject *s, struct relation *r)
{
    size_t count = random_space(r, 0), inner = 1;
    r->kind = RELATION_CONTRACT;
    r->contract_rank = (uint8_t)test_random_below(r->space_rank + 1u);
    for (unsigned d = r->space_rank - r->contract_rank; d < r->space_rank; d++)
        inner *= (size_t)r->space[d];
    r->view_count = 2;
    unsigned bits = test_random_below(2) == 0 ? 30 : 130;
    r->views[0] = view_of_bits(s, r, bits);
    r->views[1] = view_of_bits(s, r, bits);
    add_output(s, r, count / inner);
}

static void make_is_zero(struct subject *s, struct relation *r)
{
    size_t count = random_space(r, 0);
    r->kind = RELATION_IS_ZERO;
    r->view_count = 1;
    r->views[0] = view_of_bits(s, r, test_random_below(2) == 0 ? 1 : 250);
    r->outputs[r->output_count++] =
        add_tensor(s, count, wide_from_i64(0), wide_from_i64(1), ROLE_WITNESS);
}

static void make_rescale(struct subject *s, struct relation *r)
{
    size_t count = random_space(r, 0);
    r->kind = RELATION_RESCALE;
    r->rounding = test_random_below(2) == 0 ? ROUND_FLOOR : ROUND_HALF_UP;
    r->view_count = 1;
    r->views[0] = view_of_bits(s, r, 250);
    r->divisor_is_view = test_random_below(3) == 0;
    unsigned bits = random_bits(120);
    if (r->divisor_is_view) {
        r->view_count = 2;
        r->views[1] =
            random_view(s, r, wide_from_i64(1), wide_power_of_two(bits), test_random_below(8) == 0);
    } else {
        r->divisor = wide_power_of_two(bits);
        if (test_random_below(2) == 0)
            REQUIRE(wide_add(&r->divisor, random_wide(bits), wide_from_i64(1)));
    }
    add_output(s, r, count);
    add_output(s, r, count);
}

static void make_range(struct subject *s, struct relation *r)
{
    random_space(r, 0);
    r->kind = RELATION_RANGE;
    r->view_count = 1;
    r->views[0] = view_of_bits(s, r, 250);
    random_range(&r->low, &r->high, random_bits(250));
}

static void make_table(struct subject *s, struct relation *r)
{
    static const int64_t firsts[] = {0, -5, INT64_MIN, INT64_MAX - 20};
    struct relation_table table = {.size = 1 + (size_t)test_random_below(20), .output_count = 2};
    size_t count = random_space(r, 0);
    char *key = arena_array(&s->arena, char, 32);
    REQUIRE(key != NULL);
    snprintf(key, 32, "table %zu", s->program.table_count);
    table.key = key;
    table.x_low = firsts[test_random_below(4)];
    for (unsigned k = 0; k < 2; k++) {
        int64_t *values = arena_array(&s->arena, int64_t, table.size);
        REQUIRE(values != NULL);
        for (size_t i = 0; i < table.size; i++)
            values[i] = (int64_t)test_random_edge_u64();
        table.outputs[k] = values;
    }
    r->kind = RELATION_TABLE;
    r->table = relation_add_table(&s->program, &table);
    r->view_count = 1;
    wide low = wide_from_i64(table.x_low), high = wide_from_i64((int64_t)table.size - 1);
    REQUIRE(wide_add(&high, low, high));
    bool is_inside = test_random_below(2) == 0;
    if (!is_inside)
        random_range(&low, &high, random_bits(66));
    r->views[0] = random_view(s, r, low, high, !is_inside || table.x_low == -5);
    add_output(s, r, count);
    add_output(s, r, count);
}

static void make_read(struct subject *s, struct relation *r)
{
    int64_t entries = 1 + (int64_t)test_random_below(6), width = 1 + (int64_t)test_random_below(4);
    size_t count = random_space(r, 0);
    wide low, high, last = wide_from_i64(entries - 1);
    random_range(&low, &high, random_bits(250));
    r->kind = RELATION_READ;
    r->memory = add_tensor(s, (size_t)(entries * width), low, high, ROLE_PRIVATE_INPUT);
    struct relation_tensor *memory = &s->program.tensors[r->memory];
    memory->rank = 2;
    memory->shape[0] = entries;
    memory->shape[1] = width;
    r->view_count = 1;
    low = wide_from_i64(0);
    if (test_random_below(3) == 0)
        random_range(&low, &last, random_bits(66));
    r->views[0] = random_view(s, r, low, last, true);
    add_output(s, r, count * (size_t)width);
}

static void make_permute(struct subject *s, struct relation *r)
{
    random_space(r, 1);
    r->kind = RELATION_PERMUTE;
    r->view_count = 2;
    r->views[0] = view_of_bits(s, r, 250);
    r->views[1] = test_random_below(2) == 0 ? r->views[0] : view_of_bits(s, r, 250);
}

static void make_divide(struct subject *s, struct relation *r)
{
    size_t count = random_space(r, 0);
    r->kind = RELATION_HINT;
    r->hint = HINT_DIVIDE_FLOOR;
    r->view_count = 2;
    r->views[0] = view_of_bits(s, r, 250);
    r->views[1] = view_of_bits(s, r, 130); /* zero, negative and absent divisors too */
    add_output(s, r, count);
}

static void make_hint(struct subject *s, struct relation *r)
{
    static const enum relation_hint hints[] = {HINT_SQUARE_ROOT, HINT_BIT_LENGTH, HINT_SORT_ORDER};
    size_t count = random_space(r, 1);
    r->kind = RELATION_HINT;
    r->hint = hints[test_random_below(3)];
    r->argument = (int64_t)test_random_below(2);
    r->view_count = 1;
    r->views[0] = view_of_bits(s, r, 250);
    add_output(s, r, count);
}

static void make_extreme(struct subject *s, struct relation *r)
{
    size_t count = random_space(r, 0);
    r->kind = RELATION_HINT;
    r->hint = test_random_below(2) == 0 ? HINT_ARG_MAX : HINT_ARG_MIN;
    r->view_count = 1;
    r->views[0] = view_of_bits(s, r, test_random_below(2) == 0 ? 2 : 250);
    add_output(s, r, r->space_rank == 0 ? 1 : count / (size_t)r->space[r->space_rank - 1]);
}

/* ---- twins: the same relation over other tensors, with other numbers ---- */

enum { TWIN_OFFSET = 3 };

struct twins {
    uint32_t of[JIT_TENSORS_MAX], twin[JIT_TENSORS_MAX];
    size_t count;
};

static uint32_t twin_of(struct subject *s, struct twins *twins, uint32_t tensor)
{
    for (size_t i = 0; i < twins->count; i++) {
        if (twins->of[i] == tensor)
            return twins->twin[i];
    }
    struct relation_tensor copy = s->program.tensors[tensor];
    if (copy.rank == 1) { /* no memory */
        copy.count += TWIN_OFFSET;
        copy.shape[0] += TWIN_OFFSET;
    }
    REQUIRE(twins->count < JIT_TENSORS_MAX);
    twins->of[twins->count] = tensor;
    twins->twin[twins->count] = relation_add_tensor(&s->program, &copy);
    return twins->twin[twins->count++];
}

/* Another offset, or the list backwards. */
static void make_twin_view(struct subject *s, struct twins *twins, struct relation_view *view,
                           size_t positions)
{
    view->tensor = twin_of(s, twins, view->tensor);
    view->offset += TWIN_OFFSET;
    if (view->index_list == NULL)
        return;
    int64_t *list = arena_array(&s->arena, int64_t, positions);
    REQUIRE(list != NULL);
    for (size_t p = 0; p < positions; p++)
        list[p] = view->index_list[positions - 1 - p];
    view->index_list = list;
}

/* A number of no more bits; 0 and 1 stay what they are. */
static wide twin_number(wide a)
{
    unsigned bits = wide_bit_length(a);
    if (bits < 2)
        return a;
    wide value = random_wide(bits);
    return wide_is_negative(a) ? minus(value) : value;
}

static uint32_t twin_table(struct subject *s, uint32_t of)
{
    struct relation_table table = s->program.tables[of];
    table.key = arena_printf(&s->arena, "twin of %s", table.key);
    REQUIRE(table.key != NULL);
    for (unsigned k = 0; k < table.output_count; k++) {
        int64_t *values = arena_array(&s->arena, int64_t, table.size);
        REQUIRE(values != NULL);
        for (size_t i = 0; i < table.size; i++)
            values[i] = (int64_t)test_random_edge_u64();
        table.outputs[k] = values;
    }
    return relation_add_table(&s->program, &table);
}

static void add_twin(struct subject *s, size_t index)
{
    struct relation r = s->program.relations[index];
    struct twins twins = {.count = 0};
    size_t positions = 1;
    bool has_terms = r.kind == RELATION_LINEAR || r.kind == RELATION_PRODUCT;
    for (unsigned d = 0; d < r.space_rank; d++)
        positions *= (size_t)r.space[d];
    struct relation_term terms[4];
    for (size_t k = 0; has_terms && k < r.term_count; k++) {
        terms[k] = r.terms[k];
        terms[k].coefficient = twin_number(terms[k].coefficient);
        for (unsigned f = 0; f < terms[k].factor_count; f++)
            make_twin_view(s, &twins, &terms[k].factors[f], positions);
    }
    r.terms = terms;
    r.constant = twin_number(r.constant);
    for (unsigned v = 0; !has_terms && v < r.view_count; v++)
        make_twin_view(s, &twins, &r.views[v], positions);
    for (unsigned k = 0; k < r.output_count; k++)
        r.outputs[k] = relation_add_tensor(&s->program, &s->program.tensors[r.outputs[k]]);
    if (r.kind == RELATION_RESCALE && jit_is_power_of_two(r.divisor))
        r.divisor = wide_power_of_two((unsigned)test_random_below(wide_bit_length(r.divisor)));
    if (r.kind == RELATION_TABLE)
        r.table = twin_table(s, r.table);
    if (r.kind == RELATION_READ)
        r.memory = twin_of(s, &twins, r.memory);
    if (r.kind == RELATION_RANGE && test_random_below(2) == 0)
        random_range(&r.low, &r.high, random_bits(250));
    relation_add(&s->program, &r);
}

/* ---- values ---- */

/* The edges of the range more often than not. */
static wide random_value(const struct relation_tensor *t)
{
    wide value;
    switch (test_random_below(6)) {
    case 0:
        return t->low;
    case 1:
        return t->high;
    case 2:
        value = wide_from_i64((int64_t)test_random_below(7) - 3);
        break;
    default: {
        wide width;
        REQUIRE(wide_sub(&width, t->high, t->low));
        REQUIRE(wide_add(&value, t->low, random_wide(wide_bit_length(width))));
    }
    }
    if (wide_compare(value, t->low) < 0)
        return t->low;
    return wide_compare(value, t->high) > 0 ? t->high : value;
}

static void fill_values(struct subject *s)
{
    struct diag diag = {0};
    REQUIRE_OK(relation_values_init(&s->interpreted, &s->program, &s->arena, &diag), &diag);
    REQUIRE_OK(relation_values_init(&s->native, &s->program, &s->arena, &diag), &diag);
    for (uint32_t t = 0; t < s->program.tensor_count; t++) {
        const struct relation_tensor *tensor = &s->program.tensors[t];
        for (size_t i = 0; tensor->role == ROLE_PRIVATE_INPUT && i < tensor->count; i++) {
            wide value = random_value(tensor);
            REQUIRE(relation_value_set(&s->interpreted, &s->program, t, i, value));
            REQUIRE(relation_value_set(&s->native, &s->program, t, i, value));
        }
    }
}

static bool same_values(const struct subject *s, uint32_t tensor)
{
    for (size_t i = 0; i < s->program.tensors[tensor].count; i++) {
        if (wide_compare(relation_value(&s->interpreted, tensor, i),
                         relation_value(&s->native, tensor, i)) != 0)
            return false;
    }
    return true;
}

static struct jit *make_jit(const struct relation_program *program, struct machine *machine)
{
    struct diag diag = {0};
    struct jit *jit;
    enum status status = jit_new(&jit, program, JIT_ALWAYS, 1, machine, &diag);
    if (status == STATUS_UNSUPPORTED)
        test_skip("%s", diag.text);
    REQUIRE_OK(status, &diag);
    return jit;
}

/* What is known of the native code of a program. */
struct tally {
    size_t agreed, native, functions;
};

/* Counts the relations that gave values by native code. */
static void compare_all(struct subject *s, struct tally *tally)
{
    struct jit *jit = make_jit(&s->program, NULL);
    tally->functions += jit_function_count(jit);
    struct relation_evaluator evaluator = jit_evaluator(jit);
    for (size_t i = 0; i < s->program.relation_count; i++) {
        struct diag diag = {0};
        const struct relation *r = &s->program.relations[i];
        struct relation_program one = s->program;
        one.relations += i;
        one.relation_count = 1;
        enum status status = relation_interpret(&one, &s->interpreted, NULL, NULL, &diag);
        bool expected = status == STATUS_OK && jit_takes(jit, i);
        bool ran = evaluator.run(evaluator.context, i, &s->native);
        CHECK_MSG(ran == expected, "relation %zu of kind %d: native code says %d, interpreter %d",
                  i, (int)r->kind, ran, (int)status);
        for (unsigned k = 0; ran && expected && k < r->output_count; k++)
            CHECK_MSG(same_values(s, r->outputs[k]), "relation %zu of kind %d, output %u", i,
                      (int)r->kind, k);
        tally->agreed += ran;
        tally->native += jit_takes(jit, i);
    }
    jit_free(jit);
}

static void compare_kind(void (*make)(struct subject *s, struct relation *r), size_t at_least)
{
    struct tally tally = {0};
    for (unsigned round = 0; round < 2; round++) {
        struct subject s;
        subject_init(&s);
        for (size_t i = 0; i < RELATIONS; i++) {
            struct relation r = {.node = RELATION_NONE};
            make(&s, &r);
            relation_add(&s.program, &r);
        }
        for (size_t i = 0; i < RELATIONS; i++)
            add_twin(&s, i);
        fill_values(&s);
        compare_all(&s, &tally);
        arena_release(&s.arena);
    }
    CHECK_MSG(tally.agreed >= at_least, "only %zu relations gave values by native code",
              tally.agreed);
    /* Most twins run the function of their original. */
    CHECK_MSG(4 * tally.functions <= 3 * tally.native, "%zu functions for %zu relations",
              tally.functions, tally.native);
}

/* Relations of one kind give by native code what the interpreter gives, `at_least` of each lot. */
#define KIND_TEST(kind, make, at_least)                                                            \
    TEST(kind##_are_the_interpreters)                                                              \
    {                                                                                              \
        compare_kind(make, at_least);                                                              \
    }

KIND_TEST(linear_relations, make_linear, RELATIONS / 2)
KIND_TEST(products_and_asserts, make_product, RELATIONS / 3)
KIND_TEST(contractions, make_contract, RELATIONS / 2)
KIND_TEST(zero_tests, make_is_zero, RELATIONS)
KIND_TEST(rescales, make_rescale, RELATIONS / 4)
KIND_TEST(ranges, make_range, RELATIONS / 8)
KIND_TEST(tables, make_table, RELATIONS / 8)
KIND_TEST(reads, make_read, RELATIONS / 4)
KIND_TEST(divisions, make_divide, RELATIONS / 8)
KIND_TEST(first_extremes, make_extreme, RELATIONS / 2)

TEST(permutations_and_other_hints_are_left_or_the_interpreters)
{
    compare_kind(make_permute, 0);
    compare_kind(make_hint, RELATIONS / 16);
}

/* ---- whole programs ---- */

/* x -> x * x -> halves of it, large enough that threads share the loops. */
TEST(threads_share_a_relation_and_a_refusal_names_the_element)
{
    enum { COUNT = 200000 };
    struct subject s;
    struct diag diag = {0}, expected = {0};
    subject_init(&s);
    wide low = wide_from_i64(-1000), high = wide_from_i64(1000);
    uint32_t x = add_tensor(&s, COUNT, low, high, ROLE_PRIVATE_INPUT);
    struct relation square = {.kind = RELATION_PRODUCT,
                              .node = RELATION_NONE,
                              .space_rank = 1,
                              .space = {COUNT},
                              .term_count = 1,
                              .output_count = 1};
    struct relation_view view = relation_view_whole(&s.program, x, 1, square.space);
    struct relation_term term = {wide_from_i64(1), 2, {view, view}};
    square.terms = &term;
    /* 1000 squared is beyond this range. */
    square.outputs[0] =
        add_tensor(&s, COUNT, wide_from_i64(0), wide_from_i64(999999), ROLE_WITNESS);
    relation_add(&s.program, &square);
    struct relation half = {.kind = RELATION_RESCALE,
                            .node = RELATION_NONE,
                            .space_rank = 1,
                            .space = {COUNT},
                            .view_count = 1,
                            .divisor = wide_from_i64(2),
                            .output_count = 2};
    half.views[0] = relation_view_whole(&s.program, square.outputs[0], 1, half.space);
    half.outputs[0] = add_tensor(&s, COUNT, wide_from_i64(0), wide_from_i64(500000), ROLE_WITNESS);
    half.outputs[1] = add_tensor(&s, COUNT, wide_from_i64(0), wide_from_i64(1), ROLE_WITNESS);
    relation_add(&s.program, &half);
    REQUIRE_OK(relation_values_init(&s.interpreted, &s.program, &s.arena, &diag), &diag);
    REQUIRE_OK(relation_values_init(&s.native, &s.program, &s.arena, &diag), &diag);
    for (size_t i = 0; i < COUNT; i++) {
        wide value = wide_from_i64((int64_t)test_random_below(1999) - 999);
        REQUIRE(relation_value_set(&s.interpreted, &s.program, x, i, value));
        REQUIRE(relation_value_set(&s.native, &s.program, x, i, value));
    }
    struct machine *machine = machine_new(3);
    struct jit *jit = make_jit(&s.program, machine);
    struct relation_evaluator evaluator = jit_evaluator(jit);
    CHECK(jit_takes(jit, 0) && jit_takes(jit, 1));
    REQUIRE_OK(relation_interpret(&s.program, &s.interpreted, NULL, NULL, &diag), &diag);
    REQUIRE_OK(relation_evaluate(&s.program, &s.native, &evaluator, NULL, NULL, &diag), &diag);
    CHECK(same_values(&s, square.outputs[0]) && same_values(&s, half.outputs[0]) &&
          same_values(&s, half.outputs[1]));

    REQUIRE(relation_value_set(&s.interpreted, &s.program, x, 123456, high));
    REQUIRE(relation_value_set(&s.native, &s.program, x, 123456, high));
    CHECK_STATUS(relation_interpret(&s.program, &s.interpreted, NULL, NULL, &expected),
                 STATUS_BAD_INPUT, &expected);
    CHECK_STATUS(relation_evaluate(&s.program, &s.native, &evaluator, NULL, NULL, &diag),
                 STATUS_BAD_INPUT, &diag);
    CHECK(strstr(diag.text, "element 123456 is 1000000") != NULL);
    CHECK_TEXT(diag.text, expected.text);
    jit_free(jit);
    machine_free(machine);
    arena_release(&s.arena);
}

/* ---- bodies that are written out many times ---- */

enum { ROUNDS = 7, ROW = 4 };

static struct relation element_wise(enum relation_kind kind, uint8_t outputs)
{
    return (struct relation){.kind = kind,
                             .node = RELATION_NONE,
                             .space_rank = 1,
                             .space = {ROW},
                             .output_count = outputs};
}

/* h = floor((c x[t] + h + k) / d) and y = T[r] of the rest r, all numbers other ones each round;
 * h is held to a range of its own. Returns h. */
static uint32_t add_round(struct subject *s, int64_t t, uint32_t x, uint32_t h)
{
    static int64_t entries[ROUNDS][64];
    int64_t divisor = (int64_t)2 << t % 3;
    struct relation sum = element_wise(RELATION_LINEAR, 1),
                    half = element_wise(RELATION_RESCALE, 2),
                    look = element_wise(RELATION_TABLE, 1), hold = element_wise(RELATION_RANGE, 0);
    struct relation_term terms[2] = {{.coefficient = wide_from_i64(t + 2), .factor_count = 1},
                                     {.coefficient = wide_from_i64(1), .factor_count = 1}};
    terms[0].factors[0] = relation_view_whole(&s->program, x, 1, (const int64_t[]){ROUNDS * ROW});
    terms[0].factors[0].offset = t * ROW;
    terms[0].factors[0].high[0] = ROW;
    terms[1].factors[0] = relation_view_whole(&s->program, h, 1, sum.space);
    sum.terms = terms;
    sum.term_count = 2;
    sum.constant = wide_from_i64(10 * t + 1);
    sum.outputs[0] =
        add_tensor(s, ROW, wide_from_i64(-3000 - t), wide_from_i64(3000), ROLE_WITNESS);
    relation_add(&s->program, &sum);
    half.views[0] = relation_view_whole(&s->program, sum.outputs[0], 1, half.space);
    half.view_count = 1;
    half.divisor = wide_from_i64(divisor);
    half.outputs[0] =
        add_tensor(s, ROW, wide_from_i64(-1500 - t), wide_from_i64(1500), ROLE_WITNESS);
    half.outputs[1] =
        add_tensor(s, ROW, wide_from_i64(0), wide_from_i64(divisor - 1), ROLE_WITNESS);
    relation_add(&s->program, &half);
    for (int64_t i = 0; i < divisor; i++)
        entries[t][i] = i * i + t;
    struct relation_table table = {.key = arena_printf(&s->arena, "T%d", (int)t),
                                   .size = (size_t)divisor,
                                   .output_count = 1,
                                   .outputs = {entries[t]}};
    look.views[0] = relation_view_whole(&s->program, half.outputs[1], 1, look.space);
    look.view_count = 1;
    look.table = relation_add_table(&s->program, &table);
    look.outputs[0] = add_tensor(s, ROW, wide_from_i64(0), wide_from_i64(500), ROLE_WITNESS);
    relation_add(&s->program, &look);
    hold.views[0] = relation_view_whole(&s->program, half.outputs[0], 1, hold.space);
    hold.view_count = 1;
    hold.low = wide_from_i64(-1000 - t);
    hold.high = wide_from_i64(t == ROUNDS - 1 ? 60 : 1000);
    relation_add(&s->program, &hold);
    return half.outputs[0];
}

TEST(a_body_is_compiled_once)
{
    struct subject s;
    struct diag diag = {0}, expected = {0};
    subject_init(&s);
    uint32_t x = add_tensor(&s, ROUNDS * ROW, wide_from_i64(-100), wide_from_i64(100),
                            ROLE_PRIVATE_INPUT),
             h = add_tensor(&s, ROW, wide_from_i64(-5), wide_from_i64(5), ROLE_PRIVATE_INPUT);
    for (int64_t t = 0; t < ROUNDS; t++)
        h = add_round(&s, t, x, h);
    REQUIRE_OK(relation_validate(&s.program, 253, &diag), &diag);
    fill_values(&s);
    /* No last round is beyond its range, whatever the others were. */
    for (uint32_t i = (ROUNDS - 1) * ROW; i < ROUNDS * ROW; i++) {
        REQUIRE(relation_value_set(&s.interpreted, &s.program, x, i, wide_from_i64(-100)));
        REQUIRE(relation_value_set(&s.native, &s.program, x, i, wide_from_i64(-100)));
    }
    struct jit *jit = make_jit(&s.program, NULL);
    struct relation_evaluator evaluator = jit_evaluator(jit);
    CHECK_U64(s.program.relation_count, 4 * ROUNDS);
    CHECK_U64(jit_function_count(jit), 4);
    for (size_t i = 0; i < s.program.relation_count; i++)
        CHECK_MSG(jit_takes(jit, i), "relation %zu has no native code", i);
    REQUIRE_OK(relation_interpret(&s.program, &s.interpreted, NULL, NULL, &diag), &diag);
    REQUIRE_OK(relation_evaluate(&s.program, &s.native, &evaluator, NULL, NULL, &diag), &diag);
    for (uint32_t t = 0; t < s.program.tensor_count; t++)
        CHECK_MSG(same_values(&s, t), "tensor %u", t);
    /* A value that the range of its own round alone refuses. */
    REQUIRE(
        relation_value_set(&s.interpreted, &s.program, x, ROUNDS * ROW - 1, wide_from_i64(100)));
    REQUIRE(relation_value_set(&s.native, &s.program, x, ROUNDS * ROW - 1, wide_from_i64(100)));
    CHECK_STATUS(relation_interpret(&s.program, &s.interpreted, NULL, NULL, &expected),
                 STATUS_BAD_INPUT, &expected);
    CHECK_STATUS(relation_evaluate(&s.program, &s.native, &evaluator, NULL, NULL, &diag),
                 STATUS_BAD_INPUT, &diag);
    CHECK_TEXT(diag.text, expected.text);
    jit_free(jit);
    arena_release(&s.arena);
}

TEST(native_code_pays_for_large_work_alone)
{
    struct subject s;
    subject_init(&s);
    wide low = wide_from_i64(-1000), high = wide_from_i64(1000);
    struct relation r = {.kind = RELATION_CONTRACT,
                         .node = RELATION_NONE,
                         .space_rank = 2,
                         .space = {100, 100},
                         .contract_rank = 1,
                         .view_count = 2,
                         .output_count = 1};
    for (unsigned k = 0; k < 2; k++) {
        uint32_t t = add_tensor(&s, 10000, low, high, ROLE_PRIVATE_INPUT);
        r.views[k] = (struct relation_view){t, 0, {100, 1}, {0, 0}, {100, 100}, NULL};
    }
    r.outputs[0] =
        add_tensor(&s, 100, minus(wide_power_of_two(40)), wide_power_of_two(40), ROLE_WITNESS);
    relation_add(&s.program, &r);
    CHECK(!jit_is_worth_it(&s.program, 1));
    CHECK(jit_is_worth_it(&s.program, 100000));
    /* Nothing is gained where every step leaves 254 bits. */
    for (unsigned k = 0; k < 2; k++)
        s.program.tensors[r.views[k].tensor].high = wide_power_of_two(250);
    CHECK(!jit_is_worth_it(&s.program, 100000));
    arena_release(&s.arena);
}
