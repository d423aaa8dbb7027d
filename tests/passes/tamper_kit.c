/* See tamper_kit.h. */
#include "tests/passes/tamper_kit.h"

#include <stdlib.h>
#include <string.h>

#include "tests/passes/tamper_subject.h"

/* ---- one cell, one class ---- */

/* A random place to begin, and which of `all` changes to try when only `most` may be. */
static bool is_chosen(const struct subject *s, size_t all)
{
    return s->most >= all || test_random_below(all) < s->most;
}

/* What random_delta gives as a number; 0: no small one. */
static const int64_t delta_of[3] = {1, -1, 0};

static void random_delta(fr *delta, unsigned which)
{
    uint8_t bytes[64];
    test_random_bytes(bytes, sizeof bytes);
    if (which == 0)
        *delta = fr_one;
    else if (which == 1)
        fr_neg(delta, &fr_one);
    else
        fr_from_wide_bytes_be(delta, bytes);
}

/*
 * Whether a constraint reads the cell at all: a gate coefficient, a held sum, a lookup slot or a
 * copy. In a product row a factor counts when the other is not zero: 0 * x = 0 for every x.
 */
static bool is_read(struct subject *s, uint32_t row, unsigned column)
{
    const struct circuit_row *fixed = &s->circuit.rows[row];
    const fr *other = column < 2 ? &s->column[1 - column][row] : NULL;
    bool by_slot = fixed->slot_memory != 0 || (column < 2 && fixed->slot_table != 0) ||
                   (column == 2 && fixed->slot_range != 0);
    bool by_gate;
    if (column == 2)
        by_gate = fixed->c3 != 0;
    else if (fixed->term == TERM_PRODUCT)
        by_gate = !fr_is_zero(other);
    else if (column == 1)
        by_gate = fixed->c2 != 0 || (fixed->term == TERM_WEIGHTED && s->circuit.param_columns > 1);
    else
        by_gate = fixed->term == TERM_LINEAR3 || fixed->term == TERM_WEIGHTED;
    bool by_held_sum = fixed->hold == HOLD_STEP || (column == 0 && fixed->hold == HOLD_ADVICE);
    return by_slot || by_gate || by_held_sum || s->is_copied[row * 4 + column];
}

/*
 * A helper that may be anything: of a zero, whose inverse no gate asks for. The result of the zero
 * test does not depend on it.
 */
static bool is_free_helper(const struct subject *s, const struct fill *f)
{
    return f->kind == FILL_INVERSE && fr_is_zero(&s->column[0][f->row]);
}

static void change_class(struct subject *s, uint32_t root, const fr *delta)
{
    for (uint32_t row = 0; row < s->circuit.usable_rows; row++)
        for (unsigned k = 0; k < CIRCUIT_ADVICE; k++)
            if (subject_class(s, row * 4 + k) == root)
                fr_add(&s->column[k][row], &s->column[k][row], delta);
}

/* The input whose cells a class is, with its element; false when it is no input. */
static bool is_input_class(struct subject *s, uint32_t root, uint32_t *tensor, uint32_t *element)
{
    for (size_t i = 0; i < s->circuit.fill_count; i++) {
        const struct fill *f = &s->circuit.fills[i];
        if (f->column >= CIRCUIT_ADVICE || f->kind != FILL_TENSOR ||
            subject_class(s, f->row * 4 + f->column) != root)
            continue;
        enum relation_role role = s->program.tensors[f->tensor].role;
        *tensor = f->tensor;
        *element = f->element;
        if (role == ROLE_PRIVATE_INPUT || role == ROLE_PUBLIC_INPUT)
            return true;
    }
    return false;
}

/*
 * Whether the columns are the honest witness of another input, which happens to give the same
 * outputs: then they were rightly accepted.
 */
static bool is_other_input(struct subject *s, uint32_t root, int64_t delta)
{
    uint32_t tensor, element;
    struct arena scratch;
    struct diag diag = {0};
    struct relation_values values;
    fr *changed[CIRCUIT_ADVICE];
    if (delta == 0 || !is_input_class(s, root, &tensor, &element))
        return false;
    arena_init(&scratch, 0);
    for (unsigned k = 0; k < CIRCUIT_ADVICE; k++)
        changed[k] = arena_memdup(&scratch, s->column[k], s->circuit.usable_rows * sizeof(fr));
    REQUIRE_OK(relation_values_init(&values, &s->program, &scratch, &diag), &diag);
    subject_copy_given(&s->program, &values, &s->values);
    wide value = relation_value(&values, tensor, element);
    REQUIRE(wide_add(&value, value, wide_from_i64(delta)));
    bool same = relation_value_set(&values, &s->program, tensor, element, value) &&
                relation_interpret(&s->program, &values, digest_values, NULL, &diag) == STATUS_OK &&
                subject_fill(s, &s->program, &values);
    for (unsigned k = 0; k < CIRCUIT_ADVICE; k++) {
        size_t bytes = s->circuit.usable_rows * sizeof(fr);
        same = same && memcmp(changed[k], s->column[k], bytes) == 0;
        memcpy(s->column[k], changed[k], bytes);
    }
    same =
        same && memcmp(s->words, s->honest_words, s->circuit.public_word_count * sizeof(fr)) == 0;
    memcpy(s->words, s->honest_words, s->circuit.public_word_count * sizeof(fr));
    arena_release(&scratch);
    return same;
}

static void tamper_cells(struct subject *s)
{
    for (size_t i = 0; i < s->circuit.fill_count; i++) {
        const struct fill *f = &s->circuit.fills[i];
        if (f->column >= CIRCUIT_ADVICE || !is_chosen(s, s->circuit.fill_count))
            continue;
        fr *cell = &s->column[f->column][f->row], honest = *cell, delta;
        bool is_free = is_free_helper(s, f);
        uint32_t root = subject_class(s, f->row * 4 + f->column);
        CHECK_MSG(is_free || is_read(s, f->row, f->column),
                  "row %u, a%u (kind %u, tensor %u '%s') is filled and nothing reads it", f->row,
                  f->column + 1u, f->kind, f->tensor,
                  f->kind == FILL_TENSOR ? s->program.tensors[f->tensor].name : "");
        for (unsigned k = 0; k < 3; k++) {
            random_delta(&delta, k);
            fr_add(cell, &honest, &delta);
            bool accepted = subject_accepts(s);
            bool is_right = is_free ? accepted : !accepted || is_other_input(s, root, delta_of[k]);
            CHECK_MSG(is_right, "row %u, a%u (kind %u, tensor %u '%s'): change %u goes unnoticed",
                      f->row, f->column + 1u, f->kind, f->tensor,
                      f->kind == FILL_TENSOR ? s->program.tensors[f->tensor].name : "", k);
            s->count.cells++;
        }
        *cell = honest;
    }
}

static void tamper_classes(struct subject *s)
{
    size_t all = 0;
    for (uint32_t cell = 0; cell < s->circuit.usable_rows * 4; cell++)
        all += cell % 4 < CIRCUIT_ADVICE && subject_class(s, cell) == cell && s->is_copied[cell];
    for (uint32_t cell = 0; cell < s->circuit.usable_rows * 4; cell++) {
        if (cell % 4 >= CIRCUIT_ADVICE || subject_class(s, cell) != cell || !s->is_copied[cell] ||
            !is_chosen(s, all))
            continue;
        for (unsigned k = 0; k < 3; k++) {
            fr delta, back;
            random_delta(&delta, k);
            fr_neg(&back, &delta);
            change_class(s, cell, &delta);
            CHECK_MSG(!subject_accepts(s) || is_other_input(s, cell, delta_of[k]),
                      "the value copied to row %u, a%u: change %u goes unnoticed", cell / 4,
                      cell % 4 + 1u, k);
            change_class(s, cell, &back);
            s->count.classes++;
        }
    }
}

/* ---- results of relations ---- */

/* Runs a loose program from the honest inputs with some tensors given; false when it has no run. */
static bool run_loose(struct subject *s, const struct relation_program *program,
                      struct relation_values *values)
{
    struct diag diag = {0};
    return relation_interpret(program, values, digest_values, NULL, &diag) == STATUS_OK &&
           subject_fill(s, program, values);
}

static bool is_result(const struct relation *r)
{
    return r->kind == RELATION_RESCALE || r->kind == RELATION_TABLE || r->kind == RELATION_READ ||
           r->kind == RELATION_IS_ZERO || r->kind == RELATION_HINT || r->kind == RELATION_DIGEST;
}

/* The loose program in which relation `at` computes nothing and its outputs are given. */
static struct relation_program without(struct subject *s, size_t at, struct arena *arena)
{
    struct relation_program program = s->loose;
    program.tensors =
        arena_memdup(arena, program.tensors, program.tensor_count * sizeof *program.tensors);
    program.relations =
        arena_memdup(arena, program.relations, program.relation_count * sizeof *program.relations);
    const struct relation *removed = &s->loose.relations[at];
    for (unsigned k = 0; k < removed->output_count; k++)
        program.tensors[removed->outputs[k]].role = ROLE_PRIVATE_INPUT;
    program.relations[at] =
        (struct relation){.kind = RELATION_PRODUCT, .is_assert = true, .space_rank = 1};
    return program;
}

static void add_to(struct relation_values *values, const struct relation_program *program,
                   uint32_t tensor, size_t element, wide delta)
{
    wide value = relation_value(values, tensor, element);
    REQUIRE(wide_add(&value, value, delta));
    REQUIRE(relation_value_set(values, program, tensor, element, value));
}

/* One change of element `e` of a relation's outputs, and what follows from it. */
static void tamper_result(struct subject *s, size_t at, unsigned output, size_t e, int64_t delta)
{
    const struct relation *r = &s->program.relations[at];
    struct arena scratch;
    struct diag diag = {0};
    struct relation_values values;
    arena_init(&scratch, 0);
    struct relation_program program = without(s, at, &scratch);
    REQUIRE_OK(relation_values_init(&values, &program, &scratch, &diag), &diag);
    subject_copy_given(&s->program, &values, &s->values);
    for (unsigned k = 0; k < r->output_count; k++)
        for (size_t i = 0; i < program.tensors[r->outputs[k]].count; i++)
            REQUIRE(relation_value_set(&values, &program, r->outputs[k], i,
                                       relation_value(&s->values, r->outputs[k], i)));
    add_to(&values, &program, r->outputs[output], e, wide_from_i64(delta));
    /* x = y d + r goes on holding: only the bounds of y and r are left to object. */
    if (r->kind == RELATION_RESCALE && output == 0) {
        wide d = r->divisor, change;
        if (r->divisor_is_view) {
            int64_t element = relation_view_element(&r->views[1], r->space_rank, r->space, e);
            d = relation_value(&s->values, r->views[1].tensor, (size_t)element);
        }
        REQUIRE(wide_mul(&change, d, wide_from_i64(-delta)));
        add_to(&values, &program, r->outputs[1], e, change);
    }
    if (run_loose(s, &program, &values) && !subject_is_honest(s)) {
        CHECK_MSG(!subject_accepts(s),
                  "relation %zu (kind %d): result %u, element %zu moved by %lld goes unnoticed", at,
                  (int)r->kind, output, e, (long long)delta);
        s->count.results++;
    }
    arena_release(&scratch);
}

static void tamper_results(struct subject *s)
{
    static const int64_t delta[] = {1, -1, 2, -7, 1000, INT64_C(1) << 33};
    enum { DELTAS = sizeof delta / sizeof delta[0] };
    size_t all = 0;
    for (size_t i = 0; i < s->program.relation_count; i++)
        for (unsigned k = 0;
             is_result(&s->program.relations[i]) && k < s->program.relations[i].output_count; k++)
            all += s->program.tensors[s->program.relations[i].outputs[k]].count * DELTAS;
    for (size_t i = 0; i < s->program.relation_count; i++) {
        const struct relation *r = &s->program.relations[i];
        for (unsigned k = 0; is_result(r) && k < r->output_count; k++)
            for (size_t e = 0; e < s->program.tensors[r->outputs[k]].count; e++)
                for (unsigned d = 0; d < DELTAS; d++)
                    if (is_chosen(s, all))
                        tamper_result(s, i, k, e, delta[d]);
    }
}

/* ---- inputs and parameters ---- */

/* Somewhere in the declared range, at its ends, or beyond them when `beyond`. */
static wide other_value(const struct relation_tensor *t, wide honest, bool beyond)
{
    wide size, offset, rest, result = honest;
    uint8_t bytes[32];
    uint64_t choice = test_random_below(beyond ? 8 : 5);
    REQUIRE(wide_sub(&size, t->high, t->low) && wide_add(&size, size, wide_from_i64(1)));
    test_random_bytes(bytes, sizeof bytes);
    bytes[0] = 0;
    switch (choice) {
    case 0:
        return t->low;
    case 1:
        return t->high;
    case 2:
        return honest;
    case 5:
        REQUIRE(wide_add(&result, t->high, wide_from_i64(1)));
        return result;
    case 6:
        REQUIRE(wide_sub(&result, t->low, wide_from_i64(1)));
        return result;
    case 7:
        REQUIRE(wide_add(&result, honest, size));
        return result;
    default:
        wide_divide_floor(&offset, &rest, wide_from_bytes_be(bytes), size);
        REQUIRE(wide_add(&result, t->low, rest));
        return result;
    }
}

/* Weights are held by the setup proof; a salt is any element of the field. */
static bool is_held_elsewhere(const struct relation_program *program, uint32_t tensor)
{
    for (size_t i = 0; i < program->relation_count; i++) {
        const struct relation *r = &program->relations[i];
        if (r->kind == RELATION_DIGEST && r->views[1].tensor == tensor)
            return true;
    }
    return program->tensors[tensor].role == ROLE_PARAMETER;
}

/* The circuit and the interpreter agree on a run with other inputs, or weights of the owner's. */
static void tamper_input(struct subject *s)
{
    struct arena scratch;
    struct diag diag = {0};
    struct relation_values strict, loose;
    bool is_inside = true, has_loose = true, beyond = test_random_below(2) == 0;
    arena_init(&scratch, 0);
    REQUIRE_OK(relation_values_init(&strict, &s->program, &scratch, &diag), &diag);
    REQUIRE_OK(relation_values_init(&loose, &s->loose, &scratch, &diag), &diag);
    bool change_weights = test_random_below(4) == 0;
    uint64_t share = test_random_below(3);
    for (uint32_t t = 0; t < s->program.tensor_count; t++) {
        enum relation_role role = s->program.tensors[t].role;
        if (role == ROLE_WITNESS || role == ROLE_CONSTANT)
            continue;
        for (size_t e = 0; e < s->program.tensors[t].count; e++) {
            wide value = relation_value(&s->values, t, e);
            bool may = role != ROLE_PARAMETER || change_weights;
            if (may && (share == 0 || test_random_below(4) == 0))
                value = other_value(&s->program.tensors[t], value,
                                    beyond && !is_held_elsewhere(&s->program, t));
            is_inside &= relation_value_set(&strict, &s->program, t, e, value);
            has_loose &= relation_value_set(&loose, &s->loose, t, e, value);
        }
    }
    bool expected = is_inside && relation_interpret(&s->program, &strict, digest_values, NULL,
                                                    &diag) == STATUS_OK;
    bool filled = expected ? subject_fill(s, &s->program, &strict)
                           : has_loose && run_loose(s, &s->loose, &loose);
    CHECK_MSG(!expected || filled, "a run of the interpreter fills no witness");
    if (filled) {
        bool accepted = subject_accepts(s);
        CHECK_MSG(accepted == expected, "a run that the interpreter %s is %s by check: %s",
                  expected ? "accepts" : "refuses", accepted ? "accepted" : "rejected",
                  expected ? "" : diag.text);
        s->count.inputs++;
    }
    arena_release(&scratch);
}

/* Every change takes time by the rows, so `most` is less where there are many. */
static size_t share_of(const struct subject *s, size_t most)
{
    enum { SOME = 12, SOME_ROWS = 8000, MANY_ROWS = 1 << 19 };
    size_t rows = s->circuit.usable_rows;
    if (most == TAMPER_SOME)
        return 1 + SOME_ROWS / rows < SOME ? 1 + SOME_ROWS / rows : SOME;
    if (most == TAMPER_MANY)
        return 1 + MANY_ROWS / rows;
    return most;
}

struct tamper_count tamper_program(const struct relation_program *program,
                                   const struct relation_values *given, size_t most)
{
    static _Thread_local struct subject s;
    enum { INPUTS = 40 };
    subject_init(&s, program, given, most);
    s.most = share_of(&s, most);
    tamper_cells(&s);
    tamper_classes(&s);
    for (size_t i = 0; i < INPUTS && i < s.most; i++)
        tamper_input(&s);
    tamper_results(&s);
    struct tamper_count count = s.count;
    subject_release(&s);
    return count;
}

struct tamper_count kit_tamper_circuit(struct kit *kit, const struct tensor *const *inputs,
                                       size_t most)
{
    enum { SOME_ELEMENTS = 20000 };
    const struct relation_program *program = kit->result.program;
    struct diag diag = {0};
    struct relation_values values;
    size_t elements = 0;
    for (uint32_t t = 0; t < program->tensor_count; t++)
        elements += program->tensors[t].role != ROLE_CONSTANT ? program->tensors[t].count : 0;
    if (most == TAMPER_SOME && elements > SOME_ELEMENTS)
        return (struct tamper_count){0};
    REQUIRE_OK(relation_values_init(&values, program, &kit->arena, &diag), &diag);
    REQUIRE_OK(pipeline_evaluate(&values, &kit->result, inputs, kit->options.digest,
                                 kit->options.digest_context, &diag),
               &diag);
    return tamper_program(program, &values, most);
}
