/*
 * The circuits of the setup proof.
 *
 * Arithmetic of one cell, limbs of L bits: v = sum_i limb_i 2^(L i) over k limbs, limb_i in
 * [0, 2^L) below the top and the top limb in [low / 2^s, (high + 1) / 2^s), s = L (k - 1), which
 * is exact when 2^s divides low and high + 1. With k = 1 any range works. The cell's weighted row
 * holds limb 0 in a3, each further row two more limbs in a2 and a3. Rows go down from the cell's
 * row, or up to it where those are taken.
 */
#include "backend/plonk/setup_proof.h"

#include <string.h>

enum {
    TAG_SELECT = 1,
    TAG_FIRST_RANGE = CIRCUIT_PARAM_MAX + 1,
    LIMB_BITS_MAX = 16,
    LIMBS_MAX = 256,
    SETUP_CIRCUITS_MAX = 256
};

/* A table of the integers low .. low + size - 1. */
struct range_table {
    int64_t low;
    uint32_t size;
    uint16_t tag;
};

/* How the range of a cell is taken apart. */
struct split {
    unsigned limbs;
    unsigned shift; /* of the top limb */
    int64_t top_low;
    uint32_t top_size;
};

/* A circuit being filled. */
struct open_circuit {
    bool *is_taken; /* [U] rows that a cell's limbs use */
    struct range_table *tables;
    size_t table_count;
    uint32_t table_rows; /* used, selector entries included */
};

struct building {
    struct plonk_setup *setup;
    const struct circuit *circuit;
    uint32_t *free_rows; /* rows without a used parameter cell */
    uint32_t free_count;
    struct open_circuit *open; /* [capacity], setup->count in use */
    size_t capacity;
    struct diag *diag;
};

static const wide *constant(const struct circuit *circuit, uint32_t index)
{
    return &circuit->constants[index];
}

/* Whether 2^bits divides a. */
static bool is_multiple(wide a, unsigned bits)
{
    wide shifted;
    return wide_shift_left(&shifted, wide_shift_right(a, bits), bits) &&
           wide_compare(shifted, a) == 0;
}

/* Cuts [low, high] into limbs of `limb_bits`; false when no number of limbs is exact. */
static bool split_range(struct split *split, wide low, wide high, unsigned limb_bits)
{
    wide end, size;
    if (!wide_add(&end, high, wide_from_i64(1)) || !wide_sub(&size, end, low))
        return false;
    for (unsigned limbs = 1; limbs <= LIMBS_MAX; limbs++) {
        unsigned shift = limb_bits * (limbs - 1);
        int64_t top_low, top_size;
        if (shift > 253 || !is_multiple(low, shift) || !is_multiple(end, shift))
            return false;
        if (wide_to_i64(&top_low, wide_shift_right(low, shift)) &&
            wide_to_i64(&top_size, wide_shift_right(size, shift)) &&
            top_size <= (int64_t)1 << limb_bits && top_low >= INT64_MIN / 2 &&
            top_low <= INT64_MAX / 2) {
            *split = (struct split){limbs, shift, top_low, (uint32_t)top_size};
            return true;
        }
    }
    return false;
}

/* Rows of a cell: its own with limb 0, then two limbs each. */
static uint32_t rows_of(const struct split *split)
{
    return 1 + split->limbs / 2;
}

/* Table rows that a range needs beside the selectors: the limbs' table and the top's. */
static uint32_t table_rows_of(const struct split *split, unsigned limb_bits)
{
    uint32_t base = split->limbs > 1 ? (uint32_t)1 << limb_bits : 0;
    bool is_shared = base != 0 && split->top_low == 0 && split->top_size == base;
    return base + (is_shared ? 0 : split->top_size);
}

static bool split_cell(struct split *split, const struct building *building,
                       const struct param_cell *cell, unsigned limb_bits)
{
    uint32_t room = building->free_count - CIRCUIT_PARAM_MAX;
    wide low = *constant(building->circuit, cell->low),
         high = *constant(building->circuit, cell->high);
    return split_range(split, low, high, limb_bits) && table_rows_of(split, limb_bits) <= room;
}

/* Rows that all cells take together with limbs of this width; 0 when a range cannot be cut. */
static uint64_t total_rows(const struct building *building, unsigned limb_bits)
{
    uint64_t total = 0;
    for (size_t i = 0; i < building->circuit->param_cell_count; i++) {
        struct split split;
        if (!split_cell(&split, building, &building->circuit->param_cells[i], limb_bits))
            return 0;
        total += rows_of(&split);
    }
    return total;
}

static enum status choose_limb_bits(struct building *building)
{
    uint64_t least = 0;
    for (unsigned bits = 1; bits <= LIMB_BITS_MAX && building->free_count > CIRCUIT_PARAM_MAX;
         bits++) {
        uint64_t total = total_rows(building, bits);
        if (total != 0 && (least == 0 || total < least)) {
            least = total;
            building->setup->limb_bits = bits;
        }
    }
    if (least != 0)
        return STATUS_OK;
    return diag_set(building->diag, STATUS_LIMIT,
                    "the declared ranges of the parameters cannot be proved with the %u rows that "
                    "hold none: the circuit "
                    "needs more rows",
                    building->free_count);
}

/* Finds the tag of a table in an open circuit, adding the table when there is room; 0 when there is
 * none. */
static uint16_t table_tag(struct building *building, struct open_circuit *open, int64_t low,
                          uint32_t size)
{
    for (size_t i = 0; i < open->table_count; i++)
        if (open->tables[i].low == low && open->tables[i].size == size)
            return open->tables[i].tag;
    if (size > building->free_count - open->table_rows)
        return 0;
    uint16_t tag = (uint16_t)(TAG_FIRST_RANGE + open->table_count);
    open->tables[open->table_count++] = (struct range_table){low, size, tag};
    open->table_rows += size;
    return tag;
}

/* Tables a circuit can hold: each has a row at least. */
static size_t table_capacity(const struct building *building)
{
    size_t tags = CIRCUIT_TAG_MAX - TAG_FIRST_RANGE;
    return building->free_count < tags ? building->free_count : tags;
}

static bool is_run_free(const struct open_circuit *open, uint32_t first, uint32_t rows)
{
    for (uint32_t row = first; row < first + rows; row++)
        if (open->is_taken[row])
            return false;
    return true;
}

/* Finds rows for a cell in an open circuit, going down from its row or up to it. */
static bool find_run(uint32_t *first, const struct building *building,
                     const struct open_circuit *open, uint32_t row, uint32_t rows)
{
    if (row + rows <= building->circuit->usable_rows && is_run_free(open, row, rows)) {
        *first = row;
        return true;
    }
    if (row + 1 >= rows && is_run_free(open, row + 1 - rows, rows)) {
        *first = row + 1 - rows;
        return true;
    }
    return false;
}

static enum status new_circuit(struct building *building)
{
    struct arena *arena = &building->setup->arena;
    const struct circuit *of = building->circuit;
    uint32_t usable = of->usable_rows;
    if (building->setup->count == building->capacity)
        return diag_set(building->diag, STATUS_LIMIT,
                        "the declared ranges of the parameters need more than %zu setup proofs",
                        building->capacity);
    struct open_circuit *open = &building->open[building->setup->count];
    struct circuit *circuit = &building->setup->circuits[building->setup->count];
    circuit->lg_rows = of->lg_rows;
    circuit->usable_rows = usable;
    circuit->param_columns = of->param_columns;
    circuit->rows = arena_array(arena, struct circuit_row, usable);
    circuit->table = arena_array(arena, struct circuit_table_row, usable);
    circuit->origins = arena_array(arena, struct row_origin, usable);
    /* Zero and the negated powers of two; minus one is the first of them. */
    circuit->constants = arena_array(arena, wide, 1 + LIMBS_MAX);
    circuit->constant_count = 1;
    open->is_taken = arena_array(arena, bool, usable);
    open->tables = arena_array(arena, struct range_table, table_capacity(building));
    if (circuit->rows == NULL || circuit->table == NULL || circuit->origins == NULL ||
        circuit->constants == NULL || open->is_taken == NULL || open->tables == NULL)
        return arena_failure(arena, usable * sizeof *circuit->rows, "the setup circuits",
                             building->diag);
    for (uint32_t row = 0; row < usable; row++)
        circuit->origins[row] = (struct row_origin){UINT32_MAX, UINT32_MAX};
    open->table_rows = CIRCUIT_PARAM_MAX;
    building->setup->count++;
    return STATUS_OK;
}

/* Index of the constant -2^shift. */
static uint32_t minus_power(struct circuit *circuit, unsigned shift)
{
    wide value = wide_power_of_two(shift);
    bool fits = wide_neg(&value, value);
    ASSERT(fits);
    for (size_t i = 1; i < circuit->constant_count; i++)
        if (wide_compare(circuit->constants[i], value) == 0)
            return (uint32_t)i;
    ASSERT(circuit->constant_count < 1 + LIMBS_MAX);
    circuit->constants[circuit->constant_count] = value;
    return (uint32_t)circuit->constant_count++;
}

/* Tags of the tables of a cell's limbs; 0 in top when one has no room. */
struct limb_tags {
    uint16_t base, top;
};

static struct limb_tags tags_for(struct building *building, struct open_circuit *open,
                                 const struct split *split)
{
    struct limb_tags tags = {0, 0};
    struct open_circuit before = *open;
    if (split->limbs > 1)
        tags.base = table_tag(building, open, 0, (uint32_t)1 << building->setup->limb_bits);
    if (split->limbs == 1 || tags.base != 0)
        tags.top = table_tag(building, open, split->top_low, split->top_size);
    if (tags.top == 0)
        *open = before;
    return tags;
}

/* The row of limb i, i >= 1, counted from the cell's own row; and whether it stands in a2. */
static uint32_t limb_row(unsigned limb)
{
    return (limb + 1) / 2;
}

/* Table row k of a cell's run, k = 0 its own: going down or, when the run ends at the cell, up. */
static uint32_t run_row(const struct plonk_setup_item *item, uint32_t row, uint32_t k)
{
    return item->first == row ? row + k : row - k;
}

/* An even number of limbs leaves the a2 of the last row empty: its limb stands in a3. */
static bool is_in_a2(const struct split *split, unsigned limb)
{
    return limb % 2 == 1 && limb + 1 < split->limbs;
}

static void write_rows(struct building *building, const struct plonk_setup_item *item,
                       const struct param_cell *cell, const struct split *split,
                       struct limb_tags tags)
{
    struct circuit *circuit = &building->setup->circuits[item->circuit];
    for (uint32_t k = 0; k < item->rows; k++) {
        uint32_t row = item->first + k;
        struct circuit_row *fixed = &circuit->rows[row];
        bool is_first = k == 0, is_last = k + 1 == item->rows;
        fixed->chain = is_first ? (is_last ? CHAIN_SINGLE : CHAIN_START)
                                : (is_last ? CHAIN_END : CHAIN_CONTINUE);
        fixed->term = TERM_LINEAR;
    }
    struct circuit_row *own = &circuit->rows[cell->row];
    own->term = TERM_WEIGHTED;
    own->slot_table = (uint16_t)(TAG_SELECT + cell->column);
    for (unsigned limb = 0; limb < split->limbs; limb++) {
        struct circuit_row *fixed =
            &circuit->rows[run_row(item, cell->row, limb == 0 ? 0 : limb_row(limb))];
        bool is_top = limb + 1 == split->limbs;
        uint32_t coefficient =
            minus_power(circuit, is_top ? split->shift : building->setup->limb_bits * limb);
        uint16_t tag = is_top ? tags.top : tags.base;
        if (limb > 0 && is_in_a2(split, limb)) {
            fixed->c2 = coefficient;
            fixed->slot_table = tag;
        } else {
            fixed->c3 = coefficient;
            fixed->slot_range = tag;
        }
    }
}

/* Whether circuit i has rows and tables for a cell; takes them. */
static bool take_place(struct limb_tags *tags, struct plonk_setup_item *item,
                       struct building *building, size_t i, const struct split *split)
{
    struct open_circuit *open = &building->open[i];
    uint32_t row = building->circuit->param_cells[item->cell].row;
    if (!find_run(&item->first, building, open, row, item->rows))
        return false;
    *tags = tags_for(building, open, split);
    if (tags->top == 0)
        return false;
    item->circuit = (uint32_t)i;
    for (uint32_t k = 0; k < item->rows; k++)
        open->is_taken[item->first + k] = true;
    return true;
}

/* Puts a cell into the first circuit that has rows and tables for it. */
static enum status place_cell(struct building *building, uint32_t index)
{
    const struct param_cell *cell = &building->circuit->param_cells[index];
    struct split split;
    bool is_cut = split_cell(&split, building, cell, building->setup->limb_bits);
    ASSERT(is_cut);
    struct plonk_setup_item item = {.cell = index, .rows = rows_of(&split)};
    struct limb_tags tags;
    size_t i = 0;
    while (i < building->setup->count && !take_place(&tags, &item, building, i, &split))
        i++;
    if (i == building->setup->count) {
        enum status status = new_circuit(building);
        if (status != STATUS_OK)
            return status;
        if (!take_place(&tags, &item, building, i, &split))
            return diag_set(
                building->diag, STATUS_LIMIT,
                "the range of the parameter in row %u cannot be proved: it needs %u rows in a run",
                cell->row, item.rows);
    }
    write_rows(building, &item, cell, &split, tags);
    building->setup->items[building->setup->item_count++] = item;
    return STATUS_OK;
}

/* Writes the tables of a finished circuit beside unused parameter cells. */
static void write_tables(struct building *building, size_t i)
{
    struct circuit *circuit = &building->setup->circuits[i];
    const struct open_circuit *open = &building->open[i];
    uint32_t next = 0;
    for (unsigned column = 0; column < circuit->param_columns; column++)
        circuit->table[building->free_rows[next++]] =
            (struct circuit_table_row){.tag = (uint16_t)(TAG_SELECT + column),
                                       .x = column == 0 ? 0 : 1,
                                       .y = column == 0 ? 1 : 0};
    for (size_t t = 0; t < open->table_count; t++)
        for (uint32_t k = 0; k < open->tables[t].size; k++)
            circuit->table[building->free_rows[next++]] = (struct circuit_table_row){
                .tag = open->tables[t].tag, .x = open->tables[t].low + k};
    ASSERT(next <= building->free_count);
}

static enum status list_free_rows(struct building *building, struct arena *scratch)
{
    const struct circuit *circuit = building->circuit;
    bool *is_used = arena_array(scratch, bool, circuit->usable_rows);
    building->free_rows = arena_array(scratch, uint32_t, circuit->usable_rows);
    if (is_used == NULL || building->free_rows == NULL)
        return arena_failure(scratch, circuit->usable_rows, "the setup circuits", building->diag);
    for (size_t i = 0; i < circuit->param_cell_count; i++)
        is_used[circuit->param_cells[i].row] = true;
    for (uint32_t row = 0; row < circuit->usable_rows; row++)
        if (!is_used[row])
            building->free_rows[building->free_count++] = row;
    return STATUS_OK;
}

static enum status build(struct building *building, struct arena *scratch)
{
    struct plonk_setup *setup = building->setup;
    size_t cells = building->circuit->param_cell_count;
    building->capacity = cells < SETUP_CIRCUITS_MAX ? cells : SETUP_CIRCUITS_MAX;
    building->open = arena_array(scratch, struct open_circuit, building->capacity);
    setup->circuits = arena_array(&setup->arena, struct circuit, building->capacity);
    setup->items = arena_array(&setup->arena, struct plonk_setup_item, cells);
    if (building->open == NULL || setup->circuits == NULL || setup->items == NULL)
        return arena_failure(&setup->arena, cells * sizeof *setup->items, "the setup circuits",
                             building->diag);
    enum status status = list_free_rows(building, scratch);
    if (status == STATUS_OK)
        status = choose_limb_bits(building);
    for (size_t i = 0; i < cells && status == STATUS_OK; i++)
        status = place_cell(building, (uint32_t)i);
    for (size_t i = 0; i < setup->count && status == STATUS_OK; i++)
        write_tables(building, i);
    return status;
}

enum status plonk_setup_circuits(struct plonk_setup *setup, const struct circuit *circuit,
                                 struct diag *diag)
{
    memset(setup, 0, sizeof *setup);
    if (circuit->param_cell_count == 0)
        return STATUS_OK;
    struct arena scratch = {0};
    struct building building = {.setup = setup, .circuit = circuit, .diag = diag};
    enum status status = build(&building, &scratch);
    arena_release(&scratch);
    if (status != STATUS_OK)
        plonk_setup_release(setup);
    return status;
}

void plonk_setup_release(struct plonk_setup *setup)
{
    arena_release(&setup->arena);
    memset(setup, 0, sizeof *setup);
}

/* Fills the run of one cell. */
static void fill_item(fr *const advice[CIRCUIT_ADVICE], const struct plonk_setup *setup,
                      const struct circuit *circuit, const struct plonk_setup_item *item,
                      const fr *value)
{
    const struct param_cell *cell = &circuit->param_cells[item->cell];
    struct split split;
    bool is_cut = split_range(&split, *constant(circuit, cell->low), *constant(circuit, cell->high),
                              setup->limb_bits);
    ASSERT(is_cut);
    fr low, difference;
    wide offset;
    plonk_fr_from_wide(&low, *constant(circuit, cell->low));
    fr_sub(&difference, value, &low);
    fr_to_limbs(offset.limb, &difference);
    advice[cell->column][cell->row] = fr_one;
    uint64_t mask = ((uint64_t)1 << setup->limb_bits) - 1;
    for (unsigned limb = 0; limb < split.limbs; limb++) {
        bool is_top = limb + 1 == split.limbs;
        uint32_t row = run_row(item, cell->row, limb == 0 ? 0 : limb_row(limb));
        uint64_t bits = wide_shift_right(offset, setup->limb_bits * limb).limb[0];
        fr *target = &advice[limb > 0 && is_in_a2(&split, limb) ? 1 : 2][row];
        if (is_top)
            fr_from_i64(target, split.top_low + (int64_t)(bits & UINT32_MAX));
        else
            fr_from_u64(target, bits & mask);
    }
}

void plonk_setup_fill(fr *const advice[CIRCUIT_ADVICE], const struct plonk_setup *setup,
                      size_t index, const struct circuit *circuit,
                      const fr *const parameters[CIRCUIT_PARAM_MAX])
{
    for (unsigned j = 0; j < CIRCUIT_ADVICE; j++)
        memset(advice[j], 0, circuit->usable_rows * sizeof(fr));
    for (size_t i = 0; i < setup->item_count; i++) {
        const struct plonk_setup_item *item = &setup->items[i];
        const struct param_cell *cell = &circuit->param_cells[item->cell];
        if (item->circuit == index)
            fill_item(advice, setup, circuit, item, &parameters[cell->column][cell->row]);
    }
}
