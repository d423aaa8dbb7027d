/* Walks the table once for each kind of constraint; README sections 1.1 to 1.3 without challenges.
 */
#include "backend/check/check.h"

#include "backend/check/explain.h"
#include "backend/check/held.h"
#include "backend/plonk/lookup.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {"gate",  "copy",        "memory read", "table lookup",
                                         "range", "public word", "parameter"};
_Static_assert(sizeof kind_names / sizeof kind_names[0] == CHECK_KINDS, "ORDER check_kind");

const char *check_kind_name(enum check_kind kind)
{
    ASSERT(kind < CHECK_KINDS);
    return kind_names[kind];
}

struct checking {
    struct check_report *report;
    struct explain explain; /* circuit, program, witness */
    struct buffer text;     /* of the failure being written */
    fr *constants;
    struct held_point point;
    struct arena *arena; /* scratch */
    bool is_out_of_memory;
};

/* Ends the text begun in checking->text and files the failure. */
static void file_failure(struct checking *checking, enum check_kind kind, uint32_t row)
{
    struct check_report *report = checking->report;
    if (report->count == CHECK_FAILURES_MAX) {
        report->lost++;
    } else {
        const struct row_origin *origin = &checking->explain.circuit->origins[row];
        char *text = arena_strdup(&report->arena, buffer_text(&checking->text));
        checking->is_out_of_memory =
            checking->is_out_of_memory || text == NULL || checking->text.failed;
        if (!checking->is_out_of_memory)
            report->failures[report->count++] =
                (struct check_failure){kind, row, origin->relation, origin->element, text};
    }
    buffer_clear(&checking->text);
}

/* The value of C in a row. */
static void gate_value(fr *out, const struct checking *checking, uint32_t row)
{
    const struct circuit *circuit = checking->explain.circuit;
    const struct plonk_witness *witness = checking->explain.witness;
    const struct circuit_row *fixed = &circuit->rows[row];
    const fr *a1 = &witness->advice[0][row], *a2 = &witness->advice[1][row],
             *a3 = &witness->advice[2][row];
    fr t;
    fr_mul(out, &checking->constants[fixed->c3], a3);
    if (fixed->term == TERM_PRODUCT) {
        fr_mul(&t, a1, a2);
        fr_add(out, out, &t);
        fr_add(out, out, &checking->constants[fixed->c2]);
        return;
    }
    fr_mul(&t, &checking->constants[fixed->c2], a2);
    fr_add(out, out, &t);
    if (fixed->term == TERM_LINEAR3)
        fr_sub(out, out, a1);
    if (fixed->term == TERM_WEIGHTED) {
        for (unsigned j = 0; j < circuit->param_columns; j++) {
            fr_mul(&t, &witness->parameters[j][row], j == 0 ? a1 : a2);
            fr_add(out, out, &t);
        }
    }
}

/* A chain under way: its sums at the powers of rho, highest first, and the row each began at. */
struct chain {
    fr *sum; /* [capacity], from the heap: as long as the longest chain */
    uint32_t *first;
    size_t count, capacity;
};

/* Room for so many rows; false without memory. */
static bool chain_reserve(struct chain *chain, size_t rows)
{
    if (rows <= chain->capacity)
        return true;
    size_t capacity = 2 * chain->capacity > rows ? 2 * chain->capacity : rows;
    fr *sum = realloc(chain->sum, capacity * sizeof *sum);
    if (sum == NULL)
        return false;
    chain->sum = sum;
    uint32_t *first = realloc(chain->first, capacity * sizeof *first);
    if (first == NULL)
        return false;
    chain->first = first;
    chain->capacity = capacity;
    return true;
}

static void chain_release(struct chain *chain)
{
    free(chain->sum);
    free(chain->first);
}

static bool chain_push(struct chain *chain, uint32_t row, const fr *value)
{
    if (!chain_reserve(chain, chain->count + 1))
        return false;
    chain->first[chain->count] = row;
    chain->sum[chain->count++] = *value;
    return true;
}

static void fail_gate(struct checking *checking, uint32_t first, uint32_t last, const fr *sum)
{
    if (first == last)
        buffer_puts(&checking->text, "the gate");
    else
        buffer_printf(&checking->text, "the sum of rows %u to %u", first, last);
    buffer_puts(&checking->text, " must be 0 and is ");
    explain_value(&checking->text, sum);
    uint32_t shown = last - first < 8 ? last : first + 7;
    for (uint32_t row = first; row <= shown; row++)
        explain_gate(&checking->text, &checking->explain, row);
    if (shown < last)
        buffer_puts(&checking->text, "; ...");
    explain_origin(&checking->text, &checking->explain, last);
    file_failure(checking, CHECK_GATE, last);
}

static void end_chain(struct checking *checking, const struct chain *chain, uint32_t row)
{
    for (size_t i = 0; i < chain->count; i++) {
        uint32_t last = i + 1 < chain->count ? chain->first[i + 1] - 1 : row;
        if (!fr_is_zero(&chain->sum[i]))
            fail_gate(checking, chain->first[i], last, &chain->sum[i]);
    }
}

/* The chain that reaches the end row must be the words, as polynomials in rho. */
static void end_words(struct checking *checking, const struct chain *chain, const fr *words,
                      size_t word_count)
{
    size_t length = chain->count > word_count ? chain->count : word_count;
    for (size_t i = 0; i < length; i++) {
        size_t from_end = length - i;
        const fr *sum = from_end <= chain->count ? &chain->sum[chain->count - from_end] : &fr_zero;
        const fr *word = from_end <= word_count ? &words[word_count - from_end] : &fr_zero;
        if (fr_eq(sum, word))
            continue;
        uint32_t row = checking->explain.circuit->usable_rows - 1;
        if (from_end <= chain->count)
            row = chain->first[chain->count - from_end];
        if (from_end <= word_count)
            buffer_printf(&checking->text, "public word %zu is ", word_count - from_end);
        else
            buffer_puts(&checking->text,
                        "the end of the table, which no public word names, must be ");
        explain_value(&checking->text, word);
        buffer_puts(&checking->text, " and the circuit computes ");
        explain_value(&checking->text, sum);
        explain_origin(&checking->text, &checking->explain, row);
        file_failure(checking, CHECK_WORD, row);
    }
}

enum { HELD_SHOWN = 8 };

/* A chain with held sums: rows first .. last, whose values of C are in gate. */
static void check_held_chain(struct checking *checking, uint32_t first, uint32_t last,
                             const fr *gate)
{
    struct held_chain chain = {&checking->explain, first, last, gate};
    struct held_failure failure[HELD_SHOWN];
    if (held_chain_is_zero(&chain, &checking->point))
        return;
    struct arena_mark mark = arena_checkpoint(checking->arena);
    size_t count = held_chain_failures(failure, HELD_SHOWN, &chain, checking->arena);
    arena_rewind(checking->arena, mark);
    checking->is_out_of_memory = checking->is_out_of_memory || count == 0;
    for (size_t i = 0; i < count; i++) {
        buffer_printf(&checking->text,
                      "in the contraction of rows %u to %u the products that belong to a%u of row "
                      "%u, which is ",
                      first, last, failure[i].column + 1u, failure[i].row);
        explain_value(&checking->text,
                      &checking->explain.witness->advice[failure[i].column][failure[i].row]);
        buffer_puts(&checking->text, ", differ from it by ");
        explain_value(&checking->text, &failure[i].excess);
        explain_origin(&checking->text, &checking->explain, failure[i].row);
        file_failure(checking, CHECK_GATE, failure[i].row);
    }
}

/* The row that ends the chain begun in `row` when the chain has held sums, else 0. */
static uint32_t held_chain_end(const struct circuit *circuit, uint32_t row)
{
    bool is_held = circuit->rows[row].hold != HOLD_NONE;
    if (!circuit->has_contraction || circuit->rows[row].chain != CHAIN_START)
        return 0;
    for (uint32_t i = row + 1; i < circuit->usable_rows; i++) {
        const struct circuit_row *fixed = &circuit->rows[i];
        bool steps_back =
            (fixed->hold == HOLD_WEIGHT || fixed->hold == HOLD_ADVICE) && fixed->c3 != 0;
        is_held = is_held || fixed->hold != HOLD_NONE;
        if (fixed->chain == CHAIN_END)
            return is_held ? i : 0;
        if (fixed->chain == CHAIN_SINGLE || (fixed->chain == CHAIN_START && !steps_back))
            return 0;
    }
    return 0;
}

static void check_gates(struct checking *checking, struct chain *chain, const fr *words,
                        size_t word_count)
{
    const struct circuit *circuit = checking->explain.circuit;
    fr value;
    for (uint32_t row = 0; row < circuit->usable_rows; row++) {
        uint32_t end = held_chain_end(circuit, row);
        if (end != 0) {
            if (!chain_reserve(chain, end - row + 1)) {
                checking->is_out_of_memory = true;
                return;
            }
            for (uint32_t i = row; i <= end; i++)
                gate_value(&chain->sum[i - row], checking, i);
            check_held_chain(checking, row, end, chain->sum);
            chain->count = 0;
            row = end;
            continue;
        }
        gate_value(&value, checking, row);
        enum gate_chain kind = (enum gate_chain)circuit->rows[row].chain;
        if (kind == CHAIN_START || kind == CHAIN_SINGLE)
            chain->count = 0;
        if (kind == CHAIN_CONTINUE || kind == CHAIN_END)
            fr_add(&chain->sum[chain->count - 1], &chain->sum[chain->count - 1], &value);
        else if (!chain_push(chain, row, &value)) {
            checking->is_out_of_memory = true;
            return;
        }
        if (kind == CHAIN_SINGLE || kind == CHAIN_END) {
            end_chain(checking, chain, row);
            chain->count = 0;
        }
    }
    if (circuit->rows[circuit->usable_rows - 1].chain != CHAIN_SINGLE &&
        circuit->rows[circuit->usable_rows - 1].chain != CHAIN_END)
        end_words(checking, chain, words, word_count);
}

static void check_copies(struct checking *checking)
{
    const struct circuit *circuit = checking->explain.circuit;
    for (size_t i = 0; i < circuit->copy_count; i++) {
        struct cell a = circuit->copies[i].a, b = circuit->copies[i].b;
        const fr *value_a = &checking->explain.witness->advice[a.column][a.row];
        const fr *value_b = &checking->explain.witness->advice[b.column][b.row];
        if (fr_eq(value_a, value_b))
            continue;
        buffer_printf(&checking->text, "a%u of row %u and a%u of row %u must be equal and are ",
                      a.column + 1u, a.row, b.column + 1u, b.row);
        explain_value(&checking->text, value_a);
        buffer_puts(&checking->text, " and ");
        explain_value(&checking->text, value_b);
        explain_origin(&checking->text, &checking->explain, a.row);
        if (circuit->origins[b.row].relation != circuit->origins[a.row].relation)
            explain_origin(&checking->text, &checking->explain, b.row);
        file_failure(checking, CHECK_COPY, a.row);
    }
}

static void check_lookups(struct checking *checking, const struct plonk_lookup_index *index,
                          const struct plonk_providers *providers)
{
    static const enum check_kind kind_of[PLONK_SLOTS] = {CHECK_MEMORY, CHECK_TABLE, CHECK_RANGE};
    const struct circuit *circuit = checking->explain.circuit;
    const struct plonk_witness *witness = checking->explain.witness;
    for (uint32_t row = 0; row < circuit->usable_rows; row++) {
        for (unsigned slot = 0; slot < PLONK_SLOTS; slot++) {
            struct plonk_tuple tuple;
            if (slot == PLONK_SLOT_MEMORY && circuit->rows[row].is_provider)
                continue;
            plonk_tuple_of(&tuple, (enum plonk_slot)slot, &circuit->rows[row], witness, row);
            if (tuple.tag == 0 ||
                plonk_lookup_find(index, providers, circuit, witness, &tuple) >= 0)
                continue;
            explain_lookup(&checking->text, &checking->explain, (enum plonk_slot)slot, &tuple);
            explain_origin(&checking->text, &checking->explain, row);
            file_failure(checking, kind_of[slot], row);
        }
    }
}

/* Whether low <= value <= high, value read in (-r/2, r/2): value - low as an integer is at most
 * high - low. */
static bool is_in_range(const struct checking *checking, const fr *value, uint32_t low,
                        uint32_t high)
{
    const wide *constants = checking->explain.circuit->constants;
    wide size, offset;
    fr difference;
    fr_sub(&difference, value, &checking->constants[low]);
    fr_to_limbs(offset.limb, &difference);
    return wide_sub(&size, constants[high], constants[low]) && wide_compare(offset, size) <= 0;
}

static void check_parameters(struct checking *checking)
{
    const struct circuit *circuit = checking->explain.circuit;
    for (size_t i = 0; i < circuit->param_cell_count; i++) {
        const struct param_cell *cell = &circuit->param_cells[i];
        const fr *value = &checking->explain.witness->parameters[cell->column][cell->row];
        if (is_in_range(checking, value, cell->low, cell->high))
            continue;
        char low[80], high[80];
        wide_format(low, circuit->constants[cell->low]);
        wide_format(high, circuit->constants[cell->high]);
        buffer_printf(&checking->text, "parameter w%u of row %u must be in %s .. %s and is ",
                      cell->column + 1u, cell->row, low, high);
        explain_value(&checking->text, value);
        explain_parameter(&checking->text, &checking->explain, cell);
        file_failure(checking, CHECK_PARAMETER, cell->row);
    }
}

static int compare_failures(const void *left, const void *right)
{
    const struct check_failure *a = left, *b = right;
    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    return (int)a->kind - (int)b->kind;
}

/* Scratch of one run. */
struct check_memory {
    struct arena arena;
    struct chain chain;
    struct plonk_lookup_index *index;
    struct plonk_providers providers;
};

static enum status prepare(struct check_memory *memory, struct checking *checking,
                           struct diag *diag)
{
    const struct circuit *circuit = checking->explain.circuit;
    checking->constants = arena_array(&memory->arena, fr, circuit->constant_count);
    checking->report->failures =
        arena_array(&checking->report->arena, struct check_failure, CHECK_FAILURES_MAX);
    memory->index = plonk_lookup_index_new(&memory->arena, circuit);
    if (checking->constants == NULL || memory->index == NULL ||
        checking->report->failures == NULL ||
        !plonk_providers_init(&memory->providers, &memory->arena, circuit,
                              checking->explain.witness))
        return arena_failure(&memory->arena, circuit->usable_rows * sizeof(fr), "check", diag);
    for (size_t i = 0; i < circuit->constant_count; i++)
        plonk_fr_from_wide(&checking->constants[i], circuit->constants[i]);
    checking->arena = &memory->arena;
    if (circuit->has_contraction && !held_point_draw(&checking->point))
        return diag_set(diag, STATUS_IO, "the operating system gives no random bytes");
    return STATUS_OK;
}

static enum status summarise(const struct check_report *report, struct diag *diag)
{
    if (report->count == 0)
        return STATUS_OK;
    const struct check_failure *first = &report->failures[0];
    size_t more = report->count - 1 + report->lost;
    if (more == 0)
        return diag_set(diag, STATUS_REJECTED, "row %u: %s", first->row, first->text);
    return diag_set(diag, STATUS_REJECTED, "row %u: %s (and %zu more)", first->row, first->text,
                    more);
}

enum status check_witness(struct check_report *report, const struct circuit *circuit,
                          const struct relation_program *program,
                          const struct plonk_witness *witness, const fr *words, size_t word_count,
                          struct diag *diag)
{
    memset(report, 0, sizeof *report);
    if (word_count != circuit->public_word_count)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the circuit has %u public words and %zu were given",
                        circuit->public_word_count, word_count);
    struct checking checking = {.report = report, .explain = {circuit, program, witness}};
    struct check_memory memory = {.chain = {0}};
    enum status status = prepare(&memory, &checking, diag);
    if (status == STATUS_OK) {
        check_gates(&checking, &memory.chain, words, word_count);
        check_copies(&checking);
        check_lookups(&checking, memory.index, &memory.providers);
        check_parameters(&checking);
        if (report->count > 0)
            qsort(report->failures, report->count, sizeof *report->failures, compare_failures);
        status = checking.is_out_of_memory
                     ? diag_set(diag, STATUS_NO_MEMORY, "no memory to check or to explain")
                     : summarise(report, diag);
    }
    buffer_release(&checking.text);
    chain_release(&memory.chain);
    arena_release(&memory.arena);
    return status;
}

void check_report_release(struct check_report *report)
{
    arena_release(&report->arena);
    memset(report, 0, sizeof *report);
}
