/*
 * Placement: programs of every relation kind are placed, filled from relation_interpret and checked
 * by a naive twin of the gates over the prover's modulus in GMP, which shares no code with the
 * prover. Then one cell at a time is tampered with.
 */
#include "tests/passes/example.h"

#include <gmp.h>
#include <stdlib.h>

#include "tests/harness/harness.h"

#define MODULUS "21888242871839275222246405745257275088548364400416034343698204186575808495617"

/* ---- the naive twin ---- */

struct table {
    const struct circuit *circuit;
    mpz_t modulus;
    mpz_t *cell; /* [usable_rows * 5] a1 a2 a3 w1 w2 */
    size_t count;
};

static void to_mpz(mpz_t out, wide value)
{
    char text[80];
    wide_format(text, value);
    mpz_set_str(out, text, 10);
}

static void table_init(struct table *t, const struct circuit *circuit,
                       const struct relation_values *values)
{
    t->circuit = circuit;
    mpz_init_set_str(t->modulus, MODULUS, 10);
    t->count = (size_t)circuit->usable_rows * 5;
    t->cell = calloc(t->count, sizeof *t->cell);
    for (size_t i = 0; i < t->count; i++)
        mpz_init(t->cell[i]);
    for (size_t i = 0; i < circuit->fill_count; i++) {
        const struct fill *f = &circuit->fills[i];
        mpz_t *cell = &t->cell[(size_t)f->row * 5 + f->column];
        wide value = circuit->constants[f->constant];
        if (f->kind == FILL_TENSOR || (f->kind == FILL_INVERSE && f->tensor != RELATION_NONE))
            value = relation_value(values, f->tensor, f->element);
        if (f->kind == FILL_LIMB) {
            wide rest, shifted;
            REQUIRE(wide_sub(&value, relation_value(values, f->tensor, f->element), value));
            shifted = wide_shift_right(value, f->shift);
            wide_divide_floor(&value, &rest, shifted, wide_power_of_two(f->width));
            value = rest;
        }
        to_mpz(*cell, value);
        mpz_mod(*cell, *cell, t->modulus);
        if (f->kind == FILL_INVERSE && mpz_sgn(*cell) != 0)
            mpz_invert(*cell, *cell, t->modulus);
    }
}

static void table_release(struct table *t)
{
    for (size_t i = 0; i < t->count; i++)
        mpz_clear(t->cell[i]);
    free(t->cell);
    mpz_clear(t->modulus);
}

/* C of the README for one row. */
static void contribution(mpz_t out, const struct table *t, uint32_t row)
{
    const struct circuit_row *r = &t->circuit->rows[row];
    mpz_t *a = &t->cell[(size_t)row * 5], c2, c3;
    mpz_inits(c2, c3, NULL);
    to_mpz(c2, t->circuit->constants[r->c2]);
    to_mpz(c3, t->circuit->constants[r->c3]);
    mpz_mul(out, c3, a[2]);
    if (r->term == TERM_PRODUCT) {
        mpz_addmul(out, a[0], a[1]);
        mpz_add(out, out, c2);
    } else {
        mpz_addmul(out, c2, a[1]);
    }
    if (r->term == TERM_WEIGHTED) {
        mpz_addmul(out, a[3], a[0]);
        mpz_addmul(out, a[4], a[1]);
    }
    if (r->term == TERM_LINEAR3)
        mpz_sub(out, out, a[0]);
    mpz_clears(c2, c3, NULL);
}

static size_t gate_failures(const struct table *t, mpz_t rho, mpz_t final)
{
    size_t failures = 0;
    mpz_t s, c;
    mpz_inits(s, c, NULL);
    for (uint32_t row = 0; row < t->circuit->usable_rows; row++) {
        enum gate_chain chain = t->circuit->rows[row].chain;
        contribution(c, t, row);
        if (chain == CHAIN_CONTINUE || chain == CHAIN_END)
            mpz_add(c, c, s);
        if (chain == CHAIN_HORNER)
            mpz_addmul(c, s, rho);
        mpz_mod(c, c, t->modulus);
        mpz_set(s, c);
        if ((chain == CHAIN_SINGLE || chain == CHAIN_END) && mpz_sgn(c) != 0)
            failures++;
    }
    mpz_set(final, s);
    mpz_clears(s, c, NULL);
    return failures;
}

static size_t copy_failures(const struct table *t)
{
    size_t failures = 0;
    for (size_t i = 0; i < t->circuit->copy_count; i++) {
        struct cell a = t->circuit->copies[i].a, b = t->circuit->copies[i].b;
        failures += mpz_cmp(t->cell[(size_t)a.row * 5 + a.column],
                            t->cell[(size_t)b.row * 5 + b.column]) != 0;
    }
    return failures;
}

/* Is (tag, p0, p1, p2, p3) a table row or a provider's tuple? */
static bool has_entry(const struct table *t, uint16_t tag, mpz_t p[4])
{
    mpz_t value;
    mpz_init(value);
    bool found = false;
    for (uint32_t row = 0; row < t->circuit->usable_rows && !found; row++) {
        const struct circuit_table_row *e = &t->circuit->table[row];
        mpz_t *cell = &t->cell[(size_t)row * 5];
        if (e->tag == tag) {
            mpz_set_si(value, e->x);
            mpz_mod(value, value, t->modulus);
            bool same = mpz_cmp(value, p[0]) == 0;
            mpz_set_si(value, e->y);
            mpz_mod(value, value, t->modulus);
            found = same && mpz_cmp(value, p[1]) == 0 && mpz_cmp(cell[3], p[2]) == 0 &&
                    mpz_cmp(cell[4], p[3]) == 0;
        } else if (t->circuit->rows[row].is_provider && t->circuit->rows[row].slot_memory == tag) {
            found = mpz_cmp(cell[0], p[0]) == 0 && mpz_sgn(p[1]) == 0 &&
                    mpz_cmp(cell[1], p[2]) == 0 && mpz_cmp(cell[2], p[3]) == 0;
        }
    }
    mpz_clear(value);
    return found;
}

static size_t lookup_failures(const struct table *t)
{
    size_t failures = 0;
    mpz_t p[4];
    mpz_inits(p[0], p[1], p[2], p[3], NULL);
    for (uint32_t row = 0; row < t->circuit->usable_rows; row++) {
        const struct circuit_row *r = &t->circuit->rows[row];
        mpz_t *a = &t->cell[(size_t)row * 5];
        if (r->slot_memory != 0 && !r->is_provider) {
            mpz_set(p[0], a[0]);
            mpz_set_ui(p[1], 0);
            mpz_set(p[2], a[1]);
            mpz_set(p[3], a[2]);
            failures += !has_entry(t, r->slot_memory, p);
        }
        mpz_set_ui(p[2], 0);
        mpz_set_ui(p[3], 0);
        if (r->slot_table != 0) {
            mpz_set(p[0], a[1]);
            mpz_set(p[1], a[0]);
            failures += !has_entry(t, r->slot_table, p);
        }
        if (r->slot_range != 0) {
            mpz_set(p[0], a[2]);
            mpz_set_ui(p[1], 0);
            failures += !has_entry(t, r->slot_range, p);
        }
    }
    mpz_clears(p[0], p[1], p[2], p[3], NULL);
    return failures;
}

/* The Horner value of the public words, by the README's formula. */
static void words_value(mpz_t out, const struct circuit *circuit,
                        const struct relation_values *values, mpz_t rho, const mpz_t modulus)
{
    mpz_t word, part;
    mpz_inits(word, part, NULL);
    mpz_set_ui(out, 0);
    for (uint32_t w = 0; w < circuit->public_word_count; w++) {
        mpz_set_ui(word, 0);
        for (size_t i = 0; i < circuit->public_part_count; i++) {
            const struct public_part *p = &circuit->public_parts[i];
            wide value;
            if (p->word != w)
                continue;
            REQUIRE(wide_sub(&value, relation_value(values, p->tensor, p->element),
                             circuit->constants[p->low]));
            CHECK(!wide_is_negative(value) && wide_bit_length(value) <= p->bits);
            to_mpz(part, value);
            mpz_mul_2exp(part, part, p->shift);
            mpz_add(word, word, part);
        }
        mpz_mul(out, out, rho);
        mpz_add(out, out, word);
        mpz_mod(out, out, modulus);
    }
    mpz_clears(word, part, NULL);
}

static size_t all_failures(const struct table *t, const struct relation_values *values)
{
    mpz_t rho, final, expected;
    mpz_init_set_ui(rho, 1234567891);
    mpz_inits(final, expected, NULL);
    size_t failures = gate_failures(t, rho, final) + copy_failures(t) + lookup_failures(t);
    words_value(expected, t->circuit, values, rho, t->modulus);
    failures += mpz_cmp(final, expected) != 0;
    mpz_clears(rho, final, expected, NULL);
    return failures;
}

/* ---- programs ---- */

static struct relation relation(enum relation_kind kind, int64_t count)
{
    return (struct relation){
        .kind = kind, .node = RELATION_NONE, .space_rank = 1, .space = {count}};
}

static struct relation_view whole(struct example *e, uint32_t t, int64_t count)
{
    return relation_view_whole(&e->program, t, 1, &count);
}

static void range(struct example *e, uint32_t t, int64_t count, int64_t low, int64_t high)
{
    struct relation r = relation(RELATION_RANGE, count);
    r.view_count = 1;
    r.views[0] = whole(e, t, count);
    r.low = wide_from_i64(low);
    r.high = wide_from_i64(high);
    relation_add(&e->program, &r);
}

static void rescale(struct example *e, uint32_t x, int64_t count, int64_t d, uint32_t y,
                    uint32_t rest, enum relation_rounding rounding)
{
    struct relation r = relation(RELATION_RESCALE, count);
    r.view_count = 1;
    r.views[0] = whole(e, x, count);
    r.divisor = wide_from_i64(d);
    r.rounding = rounding;
    r.output_count = 2;
    r.outputs[0] = y;
    r.outputs[1] = rest;
    relation_add(&e->program, &r);
}

static void prepare(struct example *e)
{
    CHECK_STATUS(place_prepare(&e->program, &e->diag), STATUS_OK, &e->diag);
    struct place_options options = {.capacity_bits = 253};
    REQUIRE(place_circuit(&e->circuit, &e->summary, &e->program, &options, &e->arena, &e->diag) ==
            STATUS_OK);
    CHECK_STATUS(circuit_validate(&e->circuit, &e->diag), STATUS_OK, &e->diag);
    REQUIRE(relation_values_init(&e->values, &e->program, &e->arena, &e->diag) == STATUS_OK);
}

static void set(struct example *e, uint32_t t, size_t element, int64_t value)
{
    REQUIRE(relation_value_set(&e->values, &e->program, t, element, wide_from_i64(value)));
}

/* Honest witness passes; then each filled cell, changed by one, must be noticed by some constraint.
 */
static void check_example(struct example *e)
{
    CHECK_STATUS(relation_interpret(&e->program, &e->values, NULL, NULL, &e->diag), STATUS_OK,
                 &e->diag);
    struct table t;
    table_init(&t, &e->circuit, &e->values);
    CHECK_U64(all_failures(&t, &e->values), 0);
    size_t stride = e->circuit.fill_count / 150 + 1;
    for (size_t i = 0; i < e->circuit.fill_count; i += stride) {
        const struct fill *f = &e->circuit.fills[i];
        mpz_t *cell = &t.cell[(size_t)f->row * 5 + f->column];
        /* A zero has no inverse, and x * helper = 0 holds for any helper: the output does not
         * depend on it. */
        bool is_free_helper = f->kind == FILL_INVERSE && mpz_sgn(*cell) == 0;
        if (f->column >= CIRCUIT_ADVICE || is_free_helper)
            continue;
        mpz_add_ui(*cell, *cell, 1);
        CHECK_MSG(all_failures(&t, &e->values) > 0,
                  "row %u column %u kind %u may be changed unnoticed", f->row, f->column, f->kind);
        mpz_sub_ui(*cell, *cell, 1);
    }
    table_release(&t);
    struct buffer bytes, again;
    struct circuit copy;
    buffer_init(&bytes);
    buffer_init(&again);
    circuit_serialize(&e->circuit, &bytes);
    CHECK_STATUS(circuit_parse(&copy, &e->arena, bytes.data, bytes.count, &e->diag), STATUS_OK,
                 &e->diag);
    circuit_serialize(&copy, &again);
    CHECK(again.count == bytes.count && memcmp(again.data, bytes.data, bytes.count) == 0);
    buffer_release(&again);
    buffer_release(&bytes);
}

TEST(dot_product_with_private_weights_and_rescale)
{
    struct example e;
    begin(&e);
    uint32_t x = integers(&e, ROLE_PRIVATE_INPUT, 5, -512, 511, NULL),
             w = integers(&e, ROLE_PARAMETER, 5, -128, 127, NULL);
    uint32_t bias = integers(&e, ROLE_PARAMETER, 1, -4096, 4095, NULL),
             acc = integers(&e, ROLE_WITNESS, 1, -400000, 400000, NULL);
    uint32_t sum = integers(&e, ROLE_WITNESS, 1, -410000, 410000, NULL),
             y = integers(&e, ROLE_WITNESS, 1, -30000, 30000, NULL);
    uint32_t rest = integers(&e, ROLE_WITNESS, 1, 0, 15, NULL);
    range(&e, x, 5, -512, 511);
    struct relation dot = relation(RELATION_CONTRACT, 1);
    dot.space_rank = 2;
    dot.space[1] = 5;
    dot.contract_rank = 1;
    dot.view_count = 2;
    dot.output_count = 1;
    dot.outputs[0] = acc;
    for (int k = 0; k < 2; k++)
        dot.views[k] =
            (struct relation_view){.tensor = k == 0 ? x : w, .stride = {0, 1}, .high = {1, 5}};
    relation_add(&e.program, &dot);
    struct relation add = relation(RELATION_LINEAR, 1);
    struct relation_term terms[2] = {{wide_from_i64(1), 1, {whole(&e, acc, 1)}},
                                     {wide_from_i64(1), 1, {whole(&e, bias, 1)}}};
    add.terms = terms;
    add.term_count = 2;
    add.output_count = 1;
    add.outputs[0] = sum;
    relation_add(&e.program, &add);
    rescale(&e, sum, 1, 16, y, rest, ROUND_HALF_UP);
    publish(&e, y);
    prepare(&e);
    for (size_t i = 0; i < 5; i++) {
        set(&e, x, i, (int64_t)i * 100 - 200);
        set(&e, w, i, 7 - 3 * (int64_t)i);
    }
    set(&e, bias, 0, -1234);
    check_example(&e);
    CHECK_U64(e.circuit.param_cell_count, 6);
    end(&e);
}

TEST(products_of_high_degree_and_mixed_sign)
{
    struct example e;
    begin(&e);
    uint32_t a = integers(&e, ROLE_PRIVATE_INPUT, 3, 0, 15, NULL),
             b = integers(&e, ROLE_PRIVATE_INPUT, 3, 0, 15, NULL);
    uint32_t p = integers(&e, ROLE_PARAMETER, 3, -8, 7, NULL),
             y = integers(&e, ROLE_WITNESS, 3, -2000000, 2000000, NULL);
    range(&e, a, 3, 0, 15);
    range(&e, b, 3, 0, 15);
    struct relation product = relation(RELATION_PRODUCT, 3);
    struct relation_view va = whole(&e, a, 3), vb = whole(&e, b, 3), vp = whole(&e, p, 3);
    struct relation_term terms[3] = {{wide_from_i64(5), 4, {va, va, vb, vp}},
                                     {wide_from_i64(1), 2, {va, vb}},
                                     {wide_from_i64(-1), 2, {vb, vb}}};
    product.terms = terms;
    product.term_count = 3;
    product.constant = wide_from_i64(-77);
    product.output_count = 1;
    product.outputs[0] = y;
    relation_add(&e.program, &product);
    publish(&e, y);
    prepare(&e);
    for (size_t i = 0; i < 3; i++) {
        set(&e, a, i, (int64_t)i + 5);
        set(&e, b, i, 15 - (int64_t)i);
        set(&e, p, i, (int64_t)i - 8);
    }
    check_example(&e);
    end(&e);
}

TEST(tables_ranges_of_odd_size_and_zero_tests)
{
    struct example e;
    begin(&e);
    static const int64_t squares[9] = {16, 9, 4, 1, 0, 1, 4, 9, 16};
    struct relation_table table = {
        .key = "square", .x_low = -4, .size = 9, .output_count = 1, .outputs = {squares}};
    uint32_t t = relation_add_table(&e.program, &table);
    uint32_t x = integers(&e, ROLE_PRIVATE_INPUT, 4, -4, 4, NULL),
             y = integers(&e, ROLE_WITNESS, 4, 0, 16, NULL);
    uint32_t z = integers(&e, ROLE_PRIVATE_INPUT, 4, -50, 949, NULL),
             zero = integers(&e, ROLE_WITNESS, 4, 0, 1, NULL);
    range(&e, x, 4, -4, 4);
    range(&e, z, 4, -50, 949);
    struct relation look = relation(RELATION_TABLE, 4);
    look.view_count = 1;
    look.views[0] = whole(&e, x, 4);
    look.table = t;
    look.output_count = 1;
    look.outputs[0] = y;
    relation_add(&e.program, &look);
    struct relation test = relation(RELATION_IS_ZERO, 4);
    test.view_count = 1;
    test.views[0] = whole(&e, x, 4);
    test.output_count = 1;
    test.outputs[0] = zero;
    relation_add(&e.program, &test);
    uint32_t sum = integers(&e, ROLE_WITNESS, 4, -1000, 2000, NULL);
    struct relation add = relation(RELATION_LINEAR, 4);
    struct relation_term terms[3] = {{wide_from_i64(1), 1, {whole(&e, y, 4)}},
                                     {wide_from_i64(100), 1, {whole(&e, zero, 4)}},
                                     {wide_from_i64(1), 1, {whole(&e, z, 4)}}};
    add.terms = terms;
    add.term_count = 3;
    add.output_count = 1;
    add.outputs[0] = sum;
    relation_add(&e.program, &add);
    publish(&e, sum);
    prepare(&e);
    for (size_t i = 0; i < 4; i++) {
        set(&e, x, i, 2 * (int64_t)i - 4);
        set(&e, z, i, i == 0 ? -50 : 949 - (int64_t)i);
    }
    check_example(&e);
    end(&e);
}

TEST(division_by_a_witness)
{
    struct example e;
    begin(&e);
    uint32_t x = integers(&e, ROLE_PRIVATE_INPUT, 3, -100000, 100000, NULL),
             d = integers(&e, ROLE_PRIVATE_INPUT, 3, 1, 1000, NULL);
    uint32_t y = integers(&e, ROLE_WITNESS, 3, -100000, 100000, NULL),
             r = integers(&e, ROLE_WITNESS, 3, 0, 999, NULL);
    range(&e, x, 3, -100000, 100000);
    range(&e, d, 3, 1, 1000);
    struct relation divide = relation(RELATION_RESCALE, 3);
    divide.view_count = 2;
    divide.divisor_is_view = true;
    divide.views[0] = whole(&e, x, 3);
    divide.views[1] = whole(&e, d, 3);
    divide.rounding = ROUND_FLOOR;
    divide.output_count = 2;
    divide.outputs[0] = y;
    divide.outputs[1] = r;
    relation_add(&e.program, &divide);
    publish(&e, y);
    prepare(&e);
    int64_t xs[3] = {-99999, 7, 100000}, ds[3] = {1000, 8, 3};
    for (size_t i = 0; i < 3; i++) {
        set(&e, x, i, xs[i]);
        set(&e, d, i, ds[i]);
    }
    check_example(&e);
    end(&e);
}

TEST(reads_of_parameter_and_witness_memory)
{
    struct example e;
    begin(&e);
    uint32_t index = integers(&e, ROLE_PRIVATE_INPUT, 4, 0, 7, NULL),
             x = integers(&e, ROLE_PRIVATE_INPUT, 8, 0, 255, NULL);
    struct relation_tensor shape = {.name = "memory",
                                    .rank = 2,
                                    .shape = {8, 3},
                                    .count = 24,
                                    .role = ROLE_PARAMETER,
                                    .encoding = ENCODING_INTEGER,
                                    .scale = {1, 1, 0},
                                    .low = wide_from_i64(-1024),
                                    .high = wide_from_i64(1023)};
    uint32_t memory = relation_add_tensor(&e.program, &shape);
    shape = (struct relation_tensor){.name = "rows",
                                     .rank = 2,
                                     .shape = {4, 3},
                                     .count = 12,
                                     .role = ROLE_WITNESS,
                                     .encoding = ENCODING_INTEGER,
                                     .scale = {1, 1, 0},
                                     .low = wide_from_i64(-1024),
                                     .high = wide_from_i64(1023)};
    uint32_t rows = relation_add_tensor(&e.program, &shape),
             got = integers(&e, ROLE_WITNESS, 4, 0, 255, NULL);
    range(&e, index, 4, 0, 7);
    range(&e, x, 8, 0, 255);
    for (int k = 0; k < 2; k++) {
        struct relation read = relation(RELATION_READ, 4);
        read.view_count = 1;
        read.views[0] = whole(&e, index, 4);
        read.memory = k == 0 ? memory : x;
        read.output_count = 1;
        read.outputs[0] = k == 0 ? rows : got;
        relation_add(&e.program, &read);
    }
    uint32_t sum = integers(&e, ROLE_WITNESS, 4, -10000, 10000, NULL);
    struct relation add = relation(RELATION_LINEAR, 4);
    struct relation_term terms[4] = {{wide_from_i64(1), 1, {whole(&e, got, 4)}}};
    for (int k = 0; k < 3; k++)
        terms[k + 1] = (struct relation_term){
            wide_from_i64(k + 1), 1, {{.tensor = rows, .offset = k, .stride = {3}, .high = {4}}}};
    add.terms = terms;
    add.term_count = 4;
    add.output_count = 1;
    add.outputs[0] = sum;
    relation_add(&e.program, &add);
    publish(&e, sum);
    prepare(&e);
    for (size_t i = 0; i < 24; i++)
        set(&e, memory, i, 1000 - 83 * (int64_t)i);
    for (size_t i = 0; i < 8; i++)
        set(&e, x, i, 31 * (int64_t)i);
    for (size_t i = 0; i < 4; i++)
        set(&e, index, i, 7 - 2 * (int64_t)i);
    check_example(&e);
    end(&e);
}

TEST(many_public_values_are_packed)
{
    struct example e;
    begin(&e);
    uint32_t x = integers(&e, ROLE_PUBLIC_INPUT, 60, -1000, 70000, NULL);
    range(&e, x, 60, -131072, 131071);
    publish(&e, x);
    prepare(&e);
    for (size_t i = 0; i < 60; i++)
        set(&e, x, i, 997 * (int64_t)i - 1000);
    check_example(&e);
    CHECK_U64(e.circuit.public_word_count, 5); /* 18 bits each, 14 a word */
    end(&e);
}
