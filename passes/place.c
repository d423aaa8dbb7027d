/*
 * Drives one placement: classifies tensors, counts uses, places every relation, and fits rows and
 * tables into the smallest table over all limb widths. See place.h and place_internal.h.
 */
#include "passes/place.h"

#include <stdlib.h>
#include <string.h>

#include "passes/place_internal.h"

enum { LG_ROWS_MIN = 5 };

/* Likely ones first: a trial ends when it needs more rows than the best one's table has. A program
 * whose first trial is large tries those before the gap alone: each takes seconds, and narrow limbs
 * never win there. */
static const uint8_t limb_widths[] = {12, 14, 16, 0, 8, 10, 9, 11, 13, 15, 7, 6, 5, 4};
enum { LARGE_ROWS = 1 << 18 };

/* Where a program has so many numbers, the widest limbs take the fewest rows whatever their table
 * takes, and are tried alone. */
enum { WIDEST_LIMB = 16, LARGE_ELEMENTS = 1 << 22 };

/* ---- classification ---- */

/* A copy: each element is one element of one term, or zero. */
static bool is_alias(const struct relation *relation)
{
    if (relation->kind != RELATION_LINEAR || relation->term_count == 0 ||
        !wide_is_zero(relation->constant))
        return false;
    for (size_t k = 0; k < relation->term_count; k++) {
        if (wide_compare(relation->terms[k].coefficient, wide_from_i64(1)) != 0)
            return false;
    }
    size_t count = space_count(relation);
    for (size_t i = 0; i < count && relation->term_count > 1; i++) {
        unsigned present = 0;
        for (size_t k = 0; k < relation->term_count; k++)
            present += relation_view_element(&relation->terms[k].factors[0], relation->space_rank,
                                             relation->space, i) >= 0;
        if (present > 1)
            return false;
    }
    return true;
}

static bool is_contraction(const struct place *place, uint32_t relation)
{
    return place->contractions != NULL && place->contractions->of_relation[relation] != 0;
}

static uint8_t classify(const struct place *place, uint32_t tensor)
{
    switch (place->program->tensors[tensor].role) {
    case ROLE_CONSTANT:
        return STATE_CONSTANT;
    case ROLE_PARAMETER:
        return STATE_PARAMETER;
    case ROLE_WITNESS:
    case ROLE_PUBLIC_INPUT:
    case ROLE_PRIVATE_INPUT:
        break;
    }
    if (place->producer[tensor] == RELATION_NONE)
        return STATE_CELL;
    const struct relation *relation = &place->program->relations[place->producer[tensor]];
    if (is_alias(relation))
        return STATE_ALIAS;
    if (is_contraction(place, place->producer[tensor]))
        return STATE_CELL;
    bool is_expression = relation->kind == RELATION_LINEAR || relation->kind == RELATION_CONTRACT ||
                         relation->kind == RELATION_PRODUCT;
    return is_expression ? STATE_VIRTUAL : STATE_CELL;
}

static bool init_tensors(struct place *place)
{
    const struct relation_program *program = place->program;
    place->base = arena_array(place->arena, size_t, program->tensor_count + 1);
    place->state = arena_array(place->arena, uint8_t, program->tensor_count + 1);
    place->producer = arena_array(place->arena, uint32_t, program->tensor_count + 1);
    place->is_memory = arena_array(place->arena, bool, program->tensor_count + 1);
    if (place->base == NULL || place->state == NULL || place->producer == NULL ||
        place->is_memory == NULL)
        return false;
    for (size_t i = 0; i < program->tensor_count; i++) {
        place->base[i] = place->element_count;
        place->producer[i] = RELATION_NONE;
        place->element_count += program->tensors[i].count;
    }
    for (size_t i = 0; i < program->relation_count; i++) {
        for (unsigned k = 0; k < program->relations[i].output_count; k++)
            place->producer[program->relations[i].outputs[k]] = (uint32_t)i;
        if (program->relations[i].kind == RELATION_READ)
            place->is_memory[program->relations[i].memory] = true;
    }
    for (size_t i = 0; i < program->tensor_count; i++)
        place->state[i] = classify(place, (uint32_t)i);
    size_t count = place->element_count + 1;
    place->first_cell = arena_array(place->arena, uint32_t, count);
    place->linear_uses = arena_array(place->arena, uint32_t, count);
    place->hard_uses = arena_array(place->arena, uint32_t, count);
    place->is_implied = arena_array(place->arena, uint8_t, count);
    if (place->first_cell == NULL || place->linear_uses == NULL || place->hard_uses == NULL ||
        place->is_implied == NULL)
        return false;
    memset(place->first_cell, 0xff, count * sizeof *place->first_cell);
    size_t kernels = 1;
    for (size_t i = 0; place->contractions != NULL && i < place->contractions->count; i++)
        if (place->contractions->item[i].form.kernels > kernels)
            kernels = place->contractions->item[i].form.kernels;
    place->kernel = arena_array(place->arena, size_t, kernels);
    place->shift = arena_array(place->arena, size_t, kernels);
    return place->kernel != NULL && place->shift != NULL;
}

/* ---- uses ---- */

static void count_use(struct place *place, uint32_t tensor, int64_t element, bool is_hard)
{
    struct item item = place_resolve(place, tensor, element);
    if (item.kind == ITEM_CONSTANT)
        return;
    size_t global = place_global_of(place, &item);
    if (!is_hard)
        place->linear_uses[global]++;
    else if (place->state[item.tensor] == STATE_PARAMETER)
        place->linear_uses[global] += 2; /* more than one use: it gets a cell */
    else
        place->hard_uses[global]++;
}

static void count_view(struct place *place, const struct relation *relation,
                       const struct relation_view *view, bool is_hard)
{
    size_t count = space_count(relation);
    for (size_t i = 0; i < count; i++)
        count_use(place, view->tensor,
                  relation_view_element(view, relation->space_rank, relation->space, i), is_hard);
}

/* Factors of one product at one position: a lone variable is linear, a parameter counts as a
 * weight, anything else needs a cell. */
static void count_factors(struct place *place, const struct relation *relation,
                          const struct relation_view *views, unsigned count, size_t i)
{
    struct item items[RELATION_FACTOR_MAX];
    unsigned variables = 0;
    for (unsigned f = 0; f < count; f++) {
        struct item item = place_resolve(
            place, views[f].tensor,
            relation_view_element(&views[f], relation->space_rank, relation->space, i));
        if (item.kind == ITEM_CONSTANT && wide_is_zero(place->constants[item.constant]))
            return;
        if (item.kind != ITEM_CONSTANT)
            items[variables++] = item;
    }
    for (unsigned f = 0; f < variables; f++) {
        bool is_hard = variables > 1 && place->state[items[f].tensor] != STATE_PARAMETER;
        count_use(place, items[f].tensor, items[f].element, is_hard);
    }
}

static void count_products(struct place *place, const struct relation *relation)
{
    size_t count = space_count(relation);
    for (size_t i = 0; i < count; i++) {
        if (relation->kind == RELATION_CONTRACT)
            count_factors(place, relation, relation->views, 2, i);
        for (size_t m = 0; relation->kind == RELATION_PRODUCT && m < relation->term_count; m++)
            count_factors(place, relation, relation->terms[m].factors,
                          relation->terms[m].factor_count, i);
    }
}

static void count_relation(struct place *place, const struct relation *relation)
{
    switch (relation->kind) {
    case RELATION_LINEAR:
        for (size_t k = 0;
             k < relation->term_count && place->state[relation->outputs[0]] != STATE_ALIAS; k++)
            count_view(place, relation, &relation->terms[k].factors[0], false);
        break;
    case RELATION_CONTRACT:
    case RELATION_PRODUCT:
        count_products(place, relation);
        break;
    case RELATION_RESCALE:
        count_view(place, relation, &relation->views[0], false);
        if (relation->divisor_is_view)
            count_view(place, relation, &relation->views[1], true);
        break;
    case RELATION_RANGE:
        count_view(place, relation, &relation->views[0], false);
        break;
    case RELATION_READ: {
        count_view(place, relation, &relation->views[0], true);
        const struct relation_tensor *memory = &place->program->tensors[relation->memory];
        for (size_t e = 0; place->state[relation->memory] != STATE_PARAMETER && e < memory->count;
             e++)
            count_use(place, relation->memory, (int64_t)e, true);
        break;
    }
    case RELATION_IS_ZERO:
    case RELATION_TABLE:
    case RELATION_DIGEST:
        for (unsigned k = 0; k < relation->view_count; k++)
            count_view(place, relation, &relation->views[k], true);
        break;
    case RELATION_PERMUTE:
    case RELATION_HINT:
        break;
    }
}

/* ---- one trial ---- */

struct trial {
    struct place place;
    struct circuit circuit;
    uint32_t public_start;
    uint32_t table_rows, memory_rows, blocked_rows;
    unsigned lg_rows;
};

static void run_trial(struct trial *trial)
{
    struct place *place = &trial->place;
    if (!init_tensors(place)) {
        place_fail(place, STATUS_NO_MEMORY, "no memory to place %zu tensors",
                   place->program->tensor_count);
        return;
    }
    place->zero_cell = NO_CELL;
    place->origin = (struct row_origin){RELATION_NONE, 0};
    uint32_t zero = place_constant(place, wide_from_i64(0));
    ASSERT(zero == 0);
    place_zero_row(place);
    for (size_t i = 0; i < place->program->relation_count; i++)
        if (!is_contraction(place, (uint32_t)i))
            count_relation(place, &place->program->relations[i]);
    size_t contractions = place->contractions != NULL ? place->contractions->count : 0;
    for (size_t i = 0; i < contractions; i++)
        place_count_contraction(place, &place->contractions->item[i]);
    for (size_t p = 0; p < place->program->public_tensor_count; p++) {
        uint32_t tensor = place->program->public_tensors[p];
        for (size_t e = 0; e < place->program->tensors[tensor].count; e++)
            count_use(place, tensor, (int64_t)e, true);
    }
    place_mark_implied(place);
    if (!place_find_spelled(place) || !place_find_readers(place))
        place_fail(place, STATUS_NO_MEMORY, "no memory to place %zu elements",
                   place->element_count);
    for (size_t i = 0; i < place->program->relation_count && place->status == STATUS_OK; i++)
        place_relation(place, (uint32_t)i);
    for (size_t i = 0; i < contractions && place->status == STATUS_OK; i++)
        place_contraction(place, &place->contractions->item[i]);
    place_public(place, &trial->circuit);
    trial->public_start = (uint32_t)place->row_count;
    place_public_rows(place, &trial->circuit);
    for (size_t i = 0; i < place->table_count; i++)
        trial->table_rows += (uint32_t)place->tables[i].size;
    for (size_t i = 0; i < place->memory_count; i++) {
        if (place->memories[i].is_param)
            trial->memory_rows +=
                (uint32_t)place->program->tensors[place->memories[i].memory].shape[0];
    }
    for (size_t i = 0; i < place->row_count; i++)
        trial->blocked_rows += place->rows[i].param[0] != 0 || place->rows[i].fixed.is_provider;
    size_t needed = place->row_count + 1;
    size_t table_needed = (size_t)trial->blocked_rows + trial->table_rows + trial->memory_rows;
    needed = (needed > table_needed ? needed : table_needed) + CIRCUIT_GATED_ROWS;
    trial->lg_rows = LG_ROWS_MIN;
    while (((size_t)1 << trial->lg_rows) < needed)
        trial->lg_rows++;
}

/* ---- building the circuit ---- */

struct build {
    struct trial *trial;
    struct circuit *circuit;
    uint32_t next_free; /* next row to try for a table entry */
    size_t param_capacity;
};

static uint32_t final_row(const struct build *build, uint32_t row)
{
    const struct trial *trial = build->trial;
    return row < trial->public_start
               ? row
               : build->circuit->usable_rows - ((uint32_t)trial->place.row_count - row);
}

static uint32_t take_table_row(struct build *build)
{
    for (;;) {
        uint32_t row = build->next_free++;
        ASSERT(row < build->circuit->usable_rows);
        const struct circuit_row *fixed = &build->circuit->rows[row];
        if (!fixed->is_provider && fixed->term != TERM_WEIGHTED && fixed->hold != HOLD_WEIGHT)
            return row;
    }
}

static void add_param_cell(struct build *build, uint32_t row, uint8_t column, uint32_t tensor,
                           uint32_t element)
{
    struct place *place = &build->trial->place;
    void *array = build->circuit->param_cells;
    if (!place_grow(place, &array, &build->param_capacity, build->circuit->param_cell_count + 1,
                    sizeof(struct param_cell)))
        return;
    struct fill *fill = place_new_fill(place);
    if (fill == NULL)
        return;
    build->circuit->param_cells = array;
    const struct relation_tensor *t = &place->program->tensors[tensor];
    build->circuit->param_cells[build->circuit->param_cell_count++] =
        (struct param_cell){.row = row,
                            .column = column,
                            .tensor = tensor,
                            .element = element,
                            .low = place_constant(place, t->low),
                            .high = place_constant(place, t->high)};
    *fill = (struct fill){.row = row,
                          .column = (uint8_t)(CIRCUIT_ADVICE + column),
                          .kind = FILL_TENSOR,
                          .tensor = tensor,
                          .element = element};
}

static void tensor_of_global(const struct place *place, uint32_t global, uint32_t *tensor,
                             uint32_t *element)
{
    size_t low = 0, high = place->program->tensor_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (place->base[middle] <= global)
            low = middle;
        else
            high = middle;
    }
    /* Empty tensors share a base with their successor; the last one with this base holds the
     * element. */
    *tensor = (uint32_t)low;
    *element = global - (uint32_t)place->base[low];
}

static void build_rows(struct build *build)
{
    struct place *place = &build->trial->place;
    struct circuit *circuit = build->circuit;
    for (uint32_t i = 0; i < circuit->usable_rows; i++)
        circuit->origins[i] = (struct row_origin){RELATION_NONE, 0};
    for (size_t i = 0; i < place->row_count; i++) {
        uint32_t row = final_row(build, (uint32_t)i);
        circuit->rows[row] = place->rows[i].fixed;
        circuit->origins[row] = place->rows[i].origin;
        for (uint8_t k = 0; k < CIRCUIT_PARAM_MAX; k++) {
            uint32_t tensor, element;
            if (place->rows[i].param[k] == 0)
                continue;
            tensor_of_global(place, place->rows[i].param[k] - 1, &tensor, &element);
            add_param_cell(build, row, k, tensor, element);
        }
    }
    for (size_t i = 0; i < place->fill_count; i++) {
        if (place->fills[i].column < CIRCUIT_ADVICE)
            place->fills[i].row = final_row(build, place->fills[i].row);
    }
    for (size_t i = 0; i < place->copy_count; i++) {
        place->copies[i][0].row = final_row(build, place->copies[i][0].row);
        place->copies[i][1].row = final_row(build, place->copies[i][1].row);
    }
}

static void build_tables(struct build *build)
{
    struct place *place = &build->trial->place;
    const struct relation_program *program = place->program;
    for (size_t i = 0; i < place->memory_count; i++) {
        const struct memory_use *use = &place->memories[i];
        if (!use->is_param)
            continue;
        uint32_t entries = (uint32_t)program->tensors[use->memory].shape[0];
        uint32_t width = (uint32_t)(program->tensors[use->memory].count / entries);
        for (uint32_t e = 0; e < entries && place->status == STATUS_OK; e++) {
            uint32_t row = take_table_row(build);
            build->circuit->table[row] = (struct circuit_table_row){use->tag, e, 0};
            for (uint8_t k = 0;
                 k < place->param_columns && use->pair * place->param_columns + k < width; k++)
                add_param_cell(build, row, k, use->memory,
                               e * width + use->pair * place->param_columns + k);
        }
    }
    for (size_t i = 0; i < place->table_count; i++) {
        const struct table_use *use = &place->tables[i];
        for (size_t x = 0; x < use->size; x++) {
            uint32_t row = take_table_row(build);
            struct circuit_table_row *entry = &build->circuit->table[row];
            *entry = (struct circuit_table_row){use->tag, use->low + (int64_t)x, 0};
            if (use->table != RELATION_NONE) {
                const struct relation_table *table = &program->tables[use->table];
                entry->y = table->outputs[use->output][x];
            }
        }
    }
}

/* The trial's cells, in arrays that are as long as they have to be. */
static enum status keep_cells(struct circuit *circuit, struct place *place, struct arena *arena)
{
    circuit->fill_count = place->fill_count;
    circuit->fills = arena_memdup(arena, place->fills, place->fill_count * sizeof *place->fills);
    free(place->fills);
    place->fills = NULL;
    circuit->copy_count = place->copy_count;
    circuit->copies = arena_alloc(arena, (place->copy_count + 1) * sizeof *circuit->copies);
    if (circuit->fills == NULL || circuit->copies == NULL)
        return diag_set(place->diag, STATUS_NO_MEMORY, "no memory for %zu cells and %zu copies",
                        place->fill_count, place->copy_count);
    for (size_t i = 0; i < place->copy_count; i++) {
        circuit->copies[i].a = place->copies[i][0];
        circuit->copies[i].b = place->copies[i][1];
    }
    return STATUS_OK;
}

static enum status build_circuit(struct circuit *circuit, struct trial *trial, struct arena *arena)
{
    struct place *place = &trial->place;
    *circuit = trial->circuit;
    circuit->lg_rows = trial->lg_rows;
    circuit->param_columns = place->param_columns;
    circuit->has_contraction = place->contractions != NULL;
    circuit->usable_rows = ((uint32_t)1 << trial->lg_rows) - CIRCUIT_GATED_ROWS;
    circuit->rows = arena_array(arena, struct circuit_row, circuit->usable_rows);
    circuit->table = arena_array(arena, struct circuit_table_row, circuit->usable_rows);
    circuit->origins = arena_array(arena, struct row_origin, circuit->usable_rows);
    if (circuit->rows == NULL || circuit->table == NULL || circuit->origins == NULL)
        return diag_set(place->diag, STATUS_NO_MEMORY, "no memory for a circuit of 2^%u rows",
                        trial->lg_rows);
    struct build build = {.trial = trial, .circuit = circuit};
    build_rows(&build);
    free(place->rows);
    place->rows = NULL;
    build_tables(&build);
    circuit->constants = place->constants;
    circuit->constant_count = place->constant_count;
    return place->status == STATUS_OK ? keep_cells(circuit, place, arena) : place->status;
}

/* What a trial is tried with. */
struct choice {
    unsigned limb_bits, param_columns;
    const struct place_contractions *contractions; /* null: none */
    size_t row_limit;                              /* 0: none */
    bool only_counts;
};

/* Rows of a trial that is over, for the next one: to take new memory for each costs more than to
 * fill it. */
struct spare_rows {
    struct place_row *rows;
    size_t capacity;
};

static struct trial *try_choice(const struct relation_program *program,
                                const struct place_options *options, struct arena *arena,
                                struct diag *diag, const struct choice *choice,
                                struct spare_rows *spare)
{
    struct trial *trial = arena_new(arena, struct trial);
    if (trial == NULL)
        return NULL;
    trial->place = (struct place){.program = program,
                                  .options = options,
                                  .arena = arena,
                                  .diag = diag,
                                  .limb_bits = choice->limb_bits,
                                  .param_columns = choice->param_columns,
                                  .row_limit = choice->row_limit,
                                  .only_counts = choice->only_counts,
                                  .rows = spare->rows,
                                  .row_capacity = spare->capacity,
                                  .contractions = choice->contractions};
    *spare = (struct spare_rows){0};
    run_trial(trial);
    return trial;
}

static bool has_params(const struct relation_program *program)
{
    for (size_t i = 0; i < program->tensor_count; i++) {
        if (program->tensors[i].role == ROLE_PARAMETER)
            return true;
    }
    return false;
}

/* Fewer rows first, then fewer parameter columns (each costs bytes and gas), then fewer gate rows.
 */
static bool is_better(const struct trial *a, const struct trial *b)
{
    if (a->lg_rows != b->lg_rows)
        return a->lg_rows < b->lg_rows;
    if (a->place.param_columns != b->place.param_columns)
        return a->place.param_columns < b->place.param_columns;
    return a->place.row_count < b->place.row_count;
}

/* The best trial over widths and parameter columns; of it only sizes are kept. */
struct search {
    const struct relation_program *program;
    const struct place_options *options;
    struct arena *arena;
    struct diag *diag;
    struct choice choice;
    struct trial best; /* its arrays went with a rewind */
    struct spare_rows *spare;
    uint64_t dot_gate_rows;
};

static bool is_large_program(const struct relation_program *program)
{
    size_t elements = 0;
    for (size_t i = 0; i < program->tensor_count; i++)
        elements += program->tensors[i].count;
    return elements > LARGE_ELEMENTS;
}

/* Tries every width with one to `columns_most` parameter columns; keeps what is better than before.
 */
static enum status search_widths(struct search *search, const struct place_contractions *with,
                                 unsigned columns_least, unsigned columns_most)
{
    struct choice choice = {.contractions = with, .only_counts = true};
    bool is_large = is_large_program(search->program);
    for (choice.param_columns = columns_least; choice.param_columns <= columns_most;
         choice.param_columns++) {
        for (size_t i = 0; i < sizeof limb_widths; i++) {
            choice.limb_bits = limb_widths[i];
            if (is_large && choice.limb_bits != WIDEST_LIMB)
                continue;
            if (choice.limb_bits == 0) {
                if (search->best.place.row_count > LARGE_ROWS)
                    break;
                continue;
            }
            choice.row_limit =
                search->choice.limb_bits == 0 ? 0 : (size_t)1 << search->best.lg_rows;
            struct arena_mark mark = arena_checkpoint(search->arena);
            struct trial *trial = try_choice(search->program, search->options, search->arena,
                                             search->diag, &choice, search->spare);
            if (trial == NULL)
                return diag_set(search->diag, STATUS_NO_MEMORY, "no memory to place the model");
            *search->spare = (struct spare_rows){trial->place.rows, trial->place.row_capacity};
            if (trial->place.status != STATUS_OK && !trial->place.is_stopped)
                return trial->place.status;
            if (search->choice.limb_bits == 0 ||
                (!trial->place.is_stopped && is_better(trial, &search->best))) {
                search->best = *trial;
                search->choice = choice;
                search->choice.row_limit = 0;
                search->choice.only_counts = false;
            }
            arena_rewind(search->arena, mark);
        }
    }
    return STATUS_OK;
}

/* Rows of the smallest table for so many rows of gates. */
static uint64_t table_of(uint64_t gate_rows)
{
    uint64_t rows = (uint64_t)1 << LG_ROWS_MIN;
    while (rows < gate_rows + 1 + CIRCUIT_GATED_ROWS)
        rows *= 2;
    return rows;
}

/* With held sums where they save rows; spelled out when that takes no larger table, as it needs
 * one column less. */
static enum status search_all(struct search *search, const struct place_contractions *contractions)
{
    unsigned least = has_params(search->program) ? 1 : 0, most = 2 * least;
    if (search->options->param_columns != 0)
        least = most = search->options->param_columns;
    if (contractions->count == 0 || least > 1 || search->options->dot_gates_only) {
        enum status status = search_widths(search, NULL, least, most);
        search->dot_gate_rows = (uint64_t)1 << search->best.lg_rows;
        return status;
    }
    enum status status = search_widths(search, contractions, least, least);
    uint64_t spelled_out = search->best.place.row_count + contractions->saved_rows;
    search->dot_gate_rows = table_of(spelled_out);
    if (status != STATUS_OK || spelled_out > (uint64_t)1 << search->best.lg_rows)
        return status;
    struct search direct = *search;
    direct.choice = (struct choice){0};
    status = search_widths(&direct, NULL, least, most);
    search->dot_gate_rows = direct.dot_gate_rows = (uint64_t)1 << direct.best.lg_rows;
    if (status == STATUS_OK && direct.best.lg_rows <= search->best.lg_rows)
        *search = direct;
    return status;
}

enum status place_circuit(struct circuit *circuit, struct place_summary *summary,
                          const struct relation_program *program,
                          const struct place_options *options, struct arena *arena,
                          struct diag *diag)
{
    unsigned lg_max = options->lg_rows_max == 0 ? PLACE_LG_ROWS_MAX : options->lg_rows_max;
    struct spare_rows spare = {0};
    struct search search = {
        .program = program, .options = options, .arena = arena, .diag = diag, .spare = &spare};
    struct place_contractions contractions;
    enum status status = place_require_prepared(program, diag);
    if (status != STATUS_OK)
        return status;
    if (!place_find_contractions(&contractions, program, arena))
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to place the model");
    status = search_all(&search, &contractions);
    if (status == STATUS_OK && search.best.lg_rows > lg_max)
        status = diag_set(diag, STATUS_LIMIT, "the model needs 2^%u rows and the limit is 2^%u",
                          search.best.lg_rows, lg_max);
    struct trial *trial = status == STATUS_OK
                              ? try_choice(program, options, arena, diag, &search.choice, &spare)
                              : NULL;
    free(spare.rows);
    if (status != STATUS_OK)
        return status;
    if (trial == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to place the model");
    status = trial->place.status;
    if (status == STATUS_OK) {
        *summary = (struct place_summary){
            trial->public_start,     trial->table_rows,
            trial->memory_rows,      (uint32_t)trial->place.row_count - trial->public_start,
            search.choice.limb_bits, search.dot_gate_rows};
        status = build_circuit(circuit, trial, arena);
    }
    place_release(&trial->place);
    return status;
}
