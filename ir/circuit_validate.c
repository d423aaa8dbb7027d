/*
 * Structure rules of a circuit (backend/plonk/README.md, 1.1 and 1.3), checked on every circuit
 * that is placed or read. A circuit may come from somebody who wants a wrong proof accepted, so
 * whatever the protocol's argument rests on is tested here, not assumed.
 */
#include <stdlib.h>
#include <string.h>

#include "ir/circuit.h"

struct state {
    const struct circuit *circuit;
    struct diag *diag;
    uint32_t *parent;   /* union-find over cells row * 4 + column */
    uint8_t *is_zero;   /* by root: constrained to zero */
    uint8_t *has_param; /* by row: bit k = parameter column k is used */
    int64_t *constant;  /* by root: 1 + constant index of a cell that a gate fixes, 0 none */
};

static enum status bad(const struct state *state, uint32_t row, const char *rule)
{
    return diag_set(state->diag, STATUS_BAD_INPUT, "the circuit is not valid: row %u: %s", row,
                    rule);
}

static uint32_t find(uint32_t *parent, uint32_t cell)
{
    while (parent[cell] != cell) {
        parent[cell] = parent[parent[cell]];
        cell = parent[cell];
    }
    return cell;
}

static bool valid_constant(const struct circuit *circuit, uint32_t index)
{
    return index < circuit->constant_count;
}

static enum status check_sizes(const struct state *state)
{
    const struct circuit *c = state->circuit;
    if (c->lg_rows < 4 || c->lg_rows > CIRCUIT_LG_ROWS_MAX ||
        c->param_columns > CIRCUIT_PARAM_MAX ||
        c->usable_rows != ((uint32_t)1 << c->lg_rows) - CIRCUIT_GATED_ROWS)
        return bad(state, 0, "the table size is out of bounds");
    if (c->has_contraction && c->param_columns > 1)
        return bad(state, 0, "a contraction circuit has one parameter column at most");
    if (c->constant_count == 0 || !wide_is_zero(c->constants[0]))
        return bad(state, 0, "constant 0 must be zero");
    for (size_t i = 0; i < c->copy_count; i++) {
        if (c->copies[i].a.row >= c->usable_rows || c->copies[i].b.row >= c->usable_rows ||
            c->copies[i].a.column >= CIRCUIT_ADVICE || c->copies[i].b.column >= CIRCUIT_ADVICE)
            return bad(state, c->copies[i].a.row, "a copy names a cell outside the table");
    }
    for (size_t i = 0; i < c->fill_count; i++) {
        const struct fill *fill = &c->fills[i];
        bool is_limb = fill->kind == FILL_LIMB;
        if (fill->row >= c->usable_rows || fill->column >= CIRCUIT_ADVICE + c->param_columns ||
            fill->kind > FILL_REST || !valid_constant(c, fill->constant) ||
            (is_limb && (fill->width == 0 || fill->width > 16 || fill->shift > 253)))
            return bad(state, fill->row, "a cell is filled from something that does not exist");
    }
    return STATUS_OK;
}

/* Whether s' of the row is (c3 / rho) s + ..: the step back of a held sum. */
static bool steps_back(const struct circuit_row *row)
{
    return (row->hold == HOLD_WEIGHT || row->hold == HOLD_ADVICE) && row->c3 != 0;
}

static bool resets(const struct circuit_row *row)
{
    return (row->chain == CHAIN_START && !steps_back(row)) || row->chain == CHAIN_SINGLE;
}

static enum status check_rows(const struct state *state)
{
    const struct circuit *c = state->circuit;
    for (uint32_t i = 0; i < c->usable_rows; i++) {
        const struct circuit_row *row = &c->rows[i];
        if (row->chain > CHAIN_HORNER || row->term > TERM_LINEAR3 || row->is_provider > 1 ||
            row->hold > HOLD_STEP)
            return bad(state, i, "unknown gate");
        if (c->has_contraction ? row->is_provider != 0 : row->hold != HOLD_NONE)
            return bad(state, i, "the circuit has no column for this selector");
        if (!valid_constant(c, row->c2) || !valid_constant(c, row->c3))
            return bad(state, i, "a coefficient names no constant");
        bool previous_free =
            i == 0 || c->rows[i - 1].chain == CHAIN_SINGLE || c->rows[i - 1].chain == CHAIN_END;
        if (previous_free && !resets(row))
            return bad(state, i, "a chain goes on from an accumulator that nothing fixed");
        if (row->is_provider && (row->slot_memory == 0 || c->table[i].tag != 0))
            return bad(state, i, "a memory provider needs a tag and an empty table row");
    }
    const struct circuit_row *last = &c->rows[c->usable_rows - 1];
    if (last->chain == CHAIN_SINGLE || last->chain == CHAIN_END)
        return bad(state, c->usable_rows - 1, "the last row leaves the public accumulator free");
    return STATUS_OK;
}

/* Tags of memories and tables never meet, and no two entries of a tag have one index. */
struct entry {
    uint16_t tag;
    int64_t x;
    uint32_t row;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *p = a, *q = b;
    if (p->tag != q->tag)
        return p->tag < q->tag ? -1 : 1;
    return p->x < q->x ? -1 : p->x > q->x;
}

static enum status check_tables(const struct state *state)
{
    const struct circuit *c = state->circuit;
    struct entry *entries = calloc((size_t)c->usable_rows + 1, sizeof *entries);
    uint8_t *kind =
        calloc(CIRCUIT_TAG_MAX + 1, 1); /* 1 fixed table, 2 parameter memory, 4 witness memory */
    enum status status = STATUS_OK;
    size_t count = 0;
    if (entries == NULL || kind == NULL)
        status = diag_set(state->diag, STATUS_NO_MEMORY, "no memory to check a circuit");
    for (uint32_t i = 0; i < c->usable_rows && status == STATUS_OK; i++) {
        const struct circuit_table_row *t = &c->table[i];
        if (t->tag != 0) {
            entries[count++] = (struct entry){t->tag, t->x, i};
            kind[t->tag] |= state->has_param[i] ? 2 : 1;
            if (state->has_param[i] && t->y != 0)
                status = bad(state, i, "a parameter memory row has a fixed value");
        } else if (t->x != 0 || t->y != 0) {
            status = bad(state, i, "an empty table row holds a value");
        }
        if (c->rows[i].is_provider)
            kind[c->rows[i].slot_memory] |= 4;
    }
    for (uint32_t i = 0; i < c->usable_rows && status == STATUS_OK; i++) {
        const struct circuit_row *row = &c->rows[i];
        bool bad_kind =
            (kind[row->slot_memory] != 2 && kind[row->slot_memory] != 4 && row->slot_memory != 0) ||
            (row->slot_table != 0 && kind[row->slot_table] != 1) ||
            (row->slot_range != 0 && kind[row->slot_range] != 1);
        if (bad_kind)
            status = bad(state, i, "a lookup's tag is not that of one table or memory of its kind");
    }
    if (count > 0)
        qsort(entries, count, sizeof *entries, compare_entries);
    for (size_t i = 1; i < count && status == STATUS_OK; i++) {
        if (compare_entries(&entries[i - 1], &entries[i]) == 0)
            status = bad(state, entries[i].row, "two table rows have one tag and argument");
    }
    free(kind);
    free(entries);
    return status;
}

static bool is_zero_class(const struct state *state, uint32_t row, uint8_t column)
{
    return state->is_zero[find(state->parent, row * 4 + column)] != 0;
}

static bool is_constant(const struct circuit *c, uint32_t constant, int64_t value)
{
    return wide_compare(c->constants[constant], wide_from_i64(value)) == 0;
}

/* README 1.5: h is zero before the first step; a row that multiplies h adds nothing else to s, and
 * a step back has its a3 pinned to zero. */
static enum status check_held_sums(const struct state *state)
{
    const struct circuit *c = state->circuit;
    if (c->rows[0].hold != HOLD_NONE)
        return bad(state, 0, "a held sum begins at nothing");
    for (uint32_t i = 0; i < c->usable_rows; i++) {
        const struct circuit_row *row = &c->rows[i];
        if (row->hold != HOLD_WEIGHT && row->hold != HOLD_ADVICE)
            continue;
        if (row->term != TERM_LINEAR || row->c2 != 0)
            return bad(state, i, "a row that multiplies the held sum has a term of its own");
        if (row->hold == HOLD_WEIGHT && (state->has_param[i] & 1) == 0)
            return bad(state, i, "the held sum meets an unused weight");
        if (row->c3 == 0)
            continue;
        if (row->chain != CHAIN_START || !is_constant(c, row->c3, 1) || !is_zero_class(state, i, 2))
            return bad(state, i, "a step back of the held sum is not what it must be");
    }
    return STATUS_OK;
}

static bool is_minus_one(const struct circuit *c, uint32_t constant)
{
    return is_constant(c, constant, -1);
}

/* Marks classes that gates fix: -a1 = 0, then 0 * 0 + c2 - a3 = 0. */
static void mark_fixed_classes(struct state *state)
{
    const struct circuit *c = state->circuit;
    for (uint32_t i = 0; i < c->usable_rows; i++) {
        const struct circuit_row *row = &c->rows[i];
        if (row->chain == CHAIN_SINGLE && row->term == TERM_LINEAR3 && row->c2 == 0 && row->c3 == 0)
            state->is_zero[find(state->parent, i * 4)] = 1;
    }
    for (uint32_t i = 0; i < c->usable_rows; i++) {
        const struct circuit_row *row = &c->rows[i];
        if (row->chain == CHAIN_SINGLE && row->term == TERM_PRODUCT && is_minus_one(c, row->c3) &&
            is_zero_class(state, i, 0) && is_zero_class(state, i, 1))
            state->constant[find(state->parent, i * 4 + 2)] = (int64_t)row->c2 + 1;
    }
}

static bool class_constant(const struct state *state, uint32_t row, uint8_t column, wide *value)
{
    uint32_t root = find(state->parent, row * 4 + column);
    if (state->is_zero[root]) {
        *value = wide_from_i64(0);
        return true;
    }
    if (state->constant[root] == 0)
        return false;
    *value = state->circuit->constants[state->constant[root] - 1];
    return true;
}

static enum status check_weighted_and_providers(const struct state *state)
{
    const struct circuit *c = state->circuit;
    struct entry *entries = calloc((size_t)c->usable_rows + 1, sizeof *entries);
    size_t count = 0;
    enum status status = STATUS_OK;
    if (entries == NULL)
        return diag_set(state->diag, STATUS_NO_MEMORY, "no memory to check a circuit");
    for (uint32_t i = 0; i < c->usable_rows && status == STATUS_OK; i++) {
        const struct circuit_row *row = &c->rows[i];
        for (uint8_t k = 0; k < c->param_columns && row->term == TERM_WEIGHTED; k++) {
            if ((state->has_param[i] >> k & 1) == 0 && !is_zero_class(state, i, k))
                status = bad(state, i, "an unused weight meets a cell that is not pinned to zero");
        }
        wide index;
        int64_t small = 0;
        if (row->is_provider && status == STATUS_OK) {
            if (!class_constant(state, i, 2, &index) || !wide_to_i64(&small, index))
                status = bad(state, i, "a memory provider's index is not a constant");
            entries[count++] = (struct entry){row->slot_memory, small, i};
        }
    }
    if (count > 0)
        qsort(entries, count, sizeof *entries, compare_entries);
    for (size_t i = 1; i < count && status == STATUS_OK; i++) {
        if (compare_entries(&entries[i - 1], &entries[i]) == 0)
            status = bad(state, entries[i].row, "two memory providers have one tag and index");
    }
    free(entries);
    return status;
}

static enum status check_params(struct state *state)
{
    const struct circuit *c = state->circuit;
    for (size_t i = 0; i < c->param_cell_count; i++) {
        const struct param_cell *cell = &c->param_cells[i];
        if (cell->row >= c->usable_rows || cell->column >= c->param_columns ||
            !valid_constant(c, cell->low) || !valid_constant(c, cell->high) ||
            wide_compare(c->constants[cell->low], c->constants[cell->high]) > 0)
            return bad(state, cell->row, "a parameter cell is out of bounds");
        if (state->has_param[cell->row] >> cell->column & 1)
            return bad(state, cell->row, "a parameter cell is listed twice");
        state->has_param[cell->row] |= (uint8_t)(1u << cell->column);
    }
    return STATUS_OK;
}

/* The last rows compute the words: the first starts the chain, each later one begins with a Horner
 * row. */
static enum status check_public(const struct state *state)
{
    const struct circuit *c = state->circuit;
    uint32_t next = 0, used = 0;
    for (size_t i = 0; i < c->public_part_count; i++) {
        const struct public_part *part = &c->public_parts[i];
        bool whole = part->bits == 254;
        bool follows = i > 0 && part->word + 1 == next;
        if (!follows) {
            if (part->word != next)
                return bad(state, 0, "public parts are not in the order of their words");
            next++;
            used = 0;
        }
        if (!valid_constant(c, part->low) || part->bits == 0 || part->bits > 254 ||
            part->shift != used || (whole && used != 0) ||
            (!whole && part->shift + part->bits > 253))
            return bad(state, 0, "a public part does not fit its word");
        used += part->bits;
    }
    if (next != c->public_word_count)
        return bad(state, 0, "the number of public words is wrong");
    uint32_t horner = 0, row = c->usable_rows;
    while (row > 0 && horner < c->public_word_count) {
        row--;
        enum gate_chain chain = c->rows[row].chain;
        if (chain == CHAIN_START || chain == CHAIN_HORNER)
            horner++;
        if (chain == CHAIN_SINGLE || chain == CHAIN_END ||
            (chain == CHAIN_START && horner != c->public_word_count) ||
            (chain == CHAIN_HORNER && horner == c->public_word_count))
            return bad(state, row, "the rows of the public words are not one chain");
    }
    if (horner != c->public_word_count)
        return bad(state, 0, "rows of public words are missing");
    return STATUS_OK;
}

enum status circuit_validate(const struct circuit *circuit, struct diag *diag)
{
    struct state state = {.circuit = circuit, .diag = diag};
    enum status status = check_sizes(&state);
    if (status != STATUS_OK)
        return status;
    size_t cells = (size_t)circuit->usable_rows * 4;
    state.parent = calloc(cells, sizeof *state.parent);
    state.is_zero = calloc(cells, 1);
    state.constant = calloc(cells, sizeof *state.constant);
    state.has_param = calloc(circuit->usable_rows, 1);
    if (state.parent == NULL || state.is_zero == NULL || state.constant == NULL ||
        state.has_param == NULL) {
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory to check a circuit");
        goto done;
    }
    for (size_t i = 0; i < cells; i++)
        state.parent[i] = (uint32_t)i;
    for (size_t i = 0; i < circuit->copy_count; i++) {
        uint32_t a = find(state.parent, circuit->copies[i].a.row * 4 + circuit->copies[i].a.column);
        uint32_t b = find(state.parent, circuit->copies[i].b.row * 4 + circuit->copies[i].b.column);
        state.parent[a] = b;
    }
    mark_fixed_classes(&state);
    status = check_params(&state);
    if (status == STATUS_OK)
        status = check_rows(&state);
    if (status == STATUS_OK)
        status = check_tables(&state);
    if (status == STATUS_OK)
        status = check_weighted_and_providers(&state);
    if (status == STATUS_OK)
        status = check_held_sums(&state);
    if (status == STATUS_OK)
        status = check_public(&state);
done:
    free(state.has_param);
    free(state.constant);
    free(state.is_zero);
    free(state.parent);
    return status;
}

/* ---- against the program ---- */

static bool is_element(const struct relation_program *program, uint32_t tensor, uint32_t element)
{
    return tensor < program->tensor_count && element < program->tensors[tensor].count;
}

static bool is_fill_of(const struct fill *fill, const struct relation_program *program)
{
    bool is_param = fill->column >= CIRCUIT_ADVICE;
    switch (fill->kind) {
    case FILL_CONST:
        return !is_param;
    case FILL_INVERSE:
        return !is_param &&
               (fill->tensor == FILL_NO_TENSOR || is_element(program, fill->tensor, fill->element));
    case FILL_DIGEST:
        return !is_param && fill->tensor < program->relation_count &&
               program->relations[fill->tensor].kind == RELATION_DIGEST;
    case FILL_REST: /* which coefficients there are is asked when it is filled */
        return !is_param && fill->tensor < program->relation_count &&
               program->relations[fill->tensor].kind == RELATION_CONTRACT;
    case FILL_LIMB:
        return !is_param && is_element(program, fill->tensor, fill->element);
    default:
        return is_element(program, fill->tensor, fill->element) &&
               (!is_param || program->tensors[fill->tensor].role == ROLE_PARAMETER);
    }
}

static int compare_elements(const void *a, const void *b)
{
    const struct param_cell *x = *(const struct param_cell *const *)a,
                            *y = *(const struct param_cell *const *)b;
    return x->tensor != y->tensor     ? (x->tensor < y->tensor ? -1 : 1)
           : x->element != y->element ? (x->element < y->element ? -1 : 1)
                                      : 0;
}

/* One cell an element: nothing ties two parameter cells together, so that an owner could pin two
 * values of one weight. */
static enum status check_single_cells(const struct state *state)
{
    const struct circuit *c = state->circuit;
    const struct param_cell **order = calloc(c->param_cell_count + 1, sizeof *order);
    if (order == NULL)
        return diag_set(state->diag, STATUS_NO_MEMORY, "no memory to check a circuit");
    for (size_t i = 0; i < c->param_cell_count; i++)
        order[i] = &c->param_cells[i];
    qsort(order, c->param_cell_count, sizeof *order, compare_elements);
    enum status status = STATUS_OK;
    for (size_t i = 1; i < c->param_cell_count && status == STATUS_OK; i++) {
        if (compare_elements(&order[i - 1], &order[i]) == 0)
            status = bad(state, order[i]->row, "an element of a parameter has two cells");
    }
    free(order);
    return status;
}

enum status circuit_validate_program(const struct circuit *circuit,
                                     const struct relation_program *program, struct diag *diag)
{
    const struct state state = {.circuit = circuit, .diag = diag};
    for (size_t i = 0; i < circuit->public_part_count; i++) {
        const struct public_part *part = &circuit->public_parts[i];
        if (part->word >= circuit->public_word_count ||
            !is_element(program, part->tensor, part->element))
            return bad(&state, 0, "a public word names a value that does not exist");
    }
    for (size_t i = 0; i < circuit->fill_count; i++) {
        if (!is_fill_of(&circuit->fills[i], program))
            return bad(&state, circuit->fills[i].row,
                       "a cell is filled from a value that does not exist");
    }
    for (size_t i = 0; i < circuit->param_cell_count; i++) {
        const struct param_cell *cell = &circuit->param_cells[i];
        if (!is_element(program, cell->tensor, cell->element) ||
            program->tensors[cell->tensor].role != ROLE_PARAMETER)
            return bad(&state, cell->row, "a parameter cell names no parameter");
    }
    return check_single_cells(&state);
}
