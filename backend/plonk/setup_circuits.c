/*
 * The circuits of the setup proof, for one parameter column at a time.
 *
 * Arithmetic of one cell, limbs of L bits: v = sum_i limb_i 2^(L i) over k limbs, limb_i in
 * [0, 2^L) below the top and the top limb in [low / 2^s, (high + 1) / 2^s), s = L (k - 1), which
 * is exact when 2^s divides low and high + 1. With k = 1 any range works. The cell's weighted row
 * holds limb 0 in a2, looked up together with a1 = 1, and limb 1 in a3; each further row holds two
 * more in a2 and a3. Rows go down from the cell's row, or up to it where those are taken.
 */
#include "backend/plonk/setup_proof.h"

#include <string.h>

enum { LIMB_BITS_MAX = 16, LIMBS_MAX = 256, SETUP_CIRCUITS_MAX = 256 };

/* A table of the integers low .. low + size - 1, each with y. */
struct range_table {
    int64_t low;
    uint32_t size;
    uint8_t y;
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
    uint32_t table_rows;
};

/* The circuits of one column being built. */
struct building {
    struct plonk_setup *setup;
    const struct circuit *circuit;
    unsigned column;
    unsigned limb_bits;
    size_t first_circuit; /* of this column in setup->circuits */
    uint32_t *free_rows;  /* rows without a used cell of this column */
    uint32_t free_count;
    struct open_circuit *open; /* by circuit of the setup */
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

/* Cuts the range of a cell into limbs of `limb_bits`; false when no number of limbs is exact. */
static bool split_range(struct split *split, const struct circuit *circuit,
                        const struct param_cell *cell, unsigned limb_bits)
{
    wide low = *constant(circuit, cell->low), end, size;
    if (!wide_add(&end, *constant(circuit, cell->high), wide_from_i64(1)) ||
        !wide_sub(&size, end, low))
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

/* Rows of a cell: its own with two limbs, then two limbs each. */
static uint32_t rows_of(const struct split *split)
{
    return (split->limbs + 1) / 2;
}

/* Rows of the tables that a range needs. */
static uint32_t table_rows_of(const struct split *split, unsigned limb_bits)
{
    uint32_t limb_size = (uint32_t)1 << limb_bits, total = split->top_size;
    if (split->limbs > 1)
        total += limb_size; /* of limb 0, with a1 = 1 */
    if (split->limbs > 2 && (split->top_low != 0 || split->top_size != limb_size))
        total += limb_size;
    return total;
}

/* Rows that all cells take together with limbs of this width; 0 when a range cannot be cut. */
static uint64_t total_rows(const struct building *building, unsigned limb_bits)
{
    uint64_t total = 0;
    for (size_t i = 0; i < building->circuit->param_cell_count; i++) {
        const struct param_cell *cell = &building->circuit->param_cells[i];
        struct split split;
        if (cell->column != building->column)
            continue;
        if (!split_range(&split, building->circuit, cell, limb_bits) ||
            table_rows_of(&split, limb_bits) > building->free_count)
            return 0;
        total += rows_of(&split);
    }
    return total;
}

/* The width that takes the fewest rows, the narrowest of those. */
static enum status choose_limb_bits(struct building *building)
{
    uint64_t least = 0;
    for (unsigned bits = 1; bits <= LIMB_BITS_MAX; bits++) {
        uint64_t total = total_rows(building, bits);
        if (total != 0 && (least == 0 || total < least)) {
            least = total;
            building->limb_bits = bits;
        }
    }
    if (least != 0)
        return STATUS_OK;
    return diag_set(building->diag, STATUS_LIMIT,
                    "the declared ranges of the parameters cannot be proved with the %u rows that "
                    "hold none: the circuit needs more rows, or ranges of a power of two's size",
                    building->free_count);
}

/* Finds the tag of a table in an open circuit, adding it when there is room; 0 when there is none.
 */
static uint16_t table_tag(const struct building *building, struct open_circuit *open, int64_t low,
                          uint32_t size, uint8_t y)
{
    for (size_t i = 0; i < open->table_count; i++)
        if (open->tables[i].low == low && open->tables[i].size == size && open->tables[i].y == y)
            return open->tables[i].tag;
    if (size > building->free_count - open->table_rows || open->table_count == CIRCUIT_TAG_MAX)
        return 0;
    uint16_t tag = (uint16_t)(open->table_count + 1);
    open->tables[open->table_count++] = (struct range_table){low, size, y, tag};
    open->table_rows += size;
    return tag;
}

/* Tags of the tables of a cell's limbs: of limb 0, of those between, of the top. */
struct limb_tags {
    uint16_t first, middle, top;
};

/* Finds or adds the tables of a cell; false, the circuit unchanged, when they have no room. */
static bool tags_for(struct limb_tags *tags, const struct building *building,
                     struct open_circuit *open, const struct split *split)
{
    uint32_t limb_size = (uint32_t)1 << building->limb_bits;
    struct open_circuit before = *open;
    *tags = (struct limb_tags){0, 0, 0};
    bool fits = true;
    if (split->limbs > 1) {
        tags->first = table_tag(building, open, 0, limb_size, 1);
        fits = tags->first != 0;
    }
    if (split->limbs > 2) {
        tags->middle = table_tag(building, open, 0, limb_size, 0);
        fits = fits && tags->middle != 0;
    }
    tags->top = table_tag(building, open, split->top_low, split->top_size, split->limbs == 1);
    if (!fits || tags->top == 0) {
        *open = before;
        return false;
    }
    return true;
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

/* Tables a circuit can hold: each has a row at least. */
static size_t table_capacity(const struct building *building)
{
    return building->free_count < CIRCUIT_TAG_MAX ? building->free_count : CIRCUIT_TAG_MAX;
}

static enum status new_circuit(struct building *building)
{
    struct arena *arena = &building->setup->arena;
    uint32_t usable = building->circuit->usable_rows;
    if (building->setup->count == SETUP_CIRCUITS_MAX)
        return diag_set(building->diag, STATUS_LIMIT,
                        "the declared ranges of the parameters need more than %d setup proofs",
                        SETUP_CIRCUITS_MAX);
    struct open_circuit *open = &building->open[building->setup->count];
    struct plonk_setup_circuit *new = &building->setup->circuits[building->setup->count];
    struct circuit *circuit = &new->circuit;
    new->column = building->column;
    new->limb_bits = building->limb_bits;
    circuit->lg_rows = building->circuit->lg_rows;
    circuit->usable_rows = usable;
    circuit->param_columns = 1;
    circuit->rows = arena_array(arena, struct circuit_row, usable);
    circuit->table = arena_array(arena, struct circuit_table_row, usable);
    circuit->origins = arena_array(arena, struct row_origin, usable);
    /* Zero and the negated powers of two. */
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

/* Table row k of a cell's run, k = 0 its own: going down or, when the run ends at the cell, up. */
static uint32_t run_row(const struct plonk_setup_item *item, uint32_t row, uint32_t k)
{
    return item->first == row ? row + k : row - k;
}

/* Limb i stands in row i / 2 of the run. Even ones stand in a2, odd ones in a3; the last of an odd
 * number beyond one stands in a3 too, for its table has no y. */
static bool is_in_a2(const struct split *split, unsigned limb)
{
    return limb == 0 || (limb % 2 == 0 && limb + 1 < split->limbs);
}

static void write_rows(struct building *building, const struct plonk_setup_item *item,
                       const struct param_cell *cell, const struct split *split,
                       struct limb_tags tags)
{
    struct circuit *circuit = &building->setup->circuits[item->circuit].circuit;
    for (uint32_t k = 0; k < item->rows; k++) {
        struct circuit_row *fixed = &circuit->rows[item->first + k];
        bool is_first = k == 0, is_last = k + 1 == item->rows;
        fixed->chain = is_first ? (is_last ? CHAIN_SINGLE : CHAIN_START)
                                : (is_last ? CHAIN_END : CHAIN_CONTINUE);
    }
    circuit->rows[cell->row].term = TERM_WEIGHTED;
    for (unsigned limb = 0; limb < split->limbs; limb++) {
        struct circuit_row *fixed = &circuit->rows[run_row(item, cell->row, limb / 2)];
        bool is_top = limb + 1 == split->limbs;
        uint16_t tag = is_top ? tags.top : limb == 0 ? tags.first : tags.middle;
        uint32_t coefficient = minus_power(circuit, building->limb_bits * limb);
        if (is_in_a2(split, limb)) {
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
    if (!find_run(&item->first, building, open, row, item->rows) ||
        !tags_for(tags, building, open, split))
        return false;
    item->circuit = (uint32_t)i;
    for (uint32_t k = 0; k < item->rows; k++)
        open->is_taken[item->first + k] = true;
    return true;
}

/* Puts a cell into the first circuit of its column that has rows and tables for it. */
static enum status place_cell(struct building *building, uint32_t index)
{
    const struct param_cell *cell = &building->circuit->param_cells[index];
    struct split split;
    bool is_cut = split_range(&split, building->circuit, cell, building->limb_bits);
    ASSERT(is_cut);
    struct plonk_setup_item item = {.cell = index, .rows = rows_of(&split)};
    struct limb_tags tags;
    size_t i = building->first_circuit;
    while (i < building->setup->count && !take_place(&tags, &item, building, i, &split))
        i++;
    if (i == building->setup->count) {
        enum status status = new_circuit(building);
        if (status != STATUS_OK)
            return status;
        if (!take_place(&tags, &item, building, i, &split))
            return diag_set(building->diag, STATUS_LIMIT,
                            "the range of the parameter in row %u cannot be proved: it needs %u "
                            "rows in a run",
                            cell->row, item.rows);
    }
    write_rows(building, &item, cell, &split, tags);
    building->setup->items[building->setup->item_count++] = item;
    return STATUS_OK;
}

/* Writes the tables of a finished circuit beside unused parameter cells. */
static void write_tables(struct building *building, size_t i)
{
    struct circuit *circuit = &building->setup->circuits[i].circuit;
    const struct open_circuit *open = &building->open[i];
    uint32_t next = 0;
    for (size_t t = 0; t < open->table_count; t++) {
        const struct range_table *table = &open->tables[t];
        for (uint32_t k = 0; k < table->size; k++)
            circuit->table[building->free_rows[next++]] =
                (struct circuit_table_row){table->tag, table->low + k, table->y};
    }
    ASSERT(next <= building->free_count);
}

/* Lists the rows without a used cell of the column, and counts the cells. */
static enum status list_free_rows(struct building *building, size_t *cells, struct arena *scratch)
{
    const struct circuit *circuit = building->circuit;
    bool *is_used = arena_array(scratch, bool, circuit->usable_rows);
    building->free_rows = arena_array(scratch, uint32_t, circuit->usable_rows);
    if (is_used == NULL || building->free_rows == NULL)
        return arena_failure(scratch, circuit->usable_rows, "the setup circuits", building->diag);
    for (size_t i = 0; i < circuit->param_cell_count; i++) {
        if (circuit->param_cells[i].column != building->column)
            continue;
        is_used[circuit->param_cells[i].row] = true;
        ++*cells;
    }
    for (uint32_t row = 0; row < circuit->usable_rows; row++)
        if (!is_used[row])
            building->free_rows[building->free_count++] = row;
    return STATUS_OK;
}

static enum status build_column(struct building *building, struct arena *scratch)
{
    const struct circuit *circuit = building->circuit;
    size_t cells = 0;
    enum status status = list_free_rows(building, &cells, scratch);
    if (status != STATUS_OK || cells == 0)
        return status;
    status = choose_limb_bits(building);
    for (size_t i = 0; i < circuit->param_cell_count && status == STATUS_OK; i++)
        if (circuit->param_cells[i].column == building->column)
            status = place_cell(building, (uint32_t)i);
    for (size_t i = building->first_circuit; i < building->setup->count && status == STATUS_OK; i++)
        write_tables(building, i);
    return status;
}

static enum status build_all(struct plonk_setup *setup, const struct circuit *circuit,
                             struct arena *scratch, struct diag *diag)
{
    struct open_circuit *open = arena_array(scratch, struct open_circuit, SETUP_CIRCUITS_MAX);
    setup->circuits = arena_array(&setup->arena, struct plonk_setup_circuit, SETUP_CIRCUITS_MAX);
    setup->items = arena_array(&setup->arena, struct plonk_setup_item, circuit->param_cell_count);
    if (open == NULL || setup->circuits == NULL || setup->items == NULL)
        return arena_failure(&setup->arena, circuit->param_cell_count * sizeof *setup->items,
                             "the setup circuits", diag);
    enum status status = STATUS_OK;
    for (unsigned column = 0; column < circuit->param_columns && status == STATUS_OK; column++) {
        struct building building = {.setup = setup,
                                    .circuit = circuit,
                                    .column = column,
                                    .first_circuit = setup->count,
                                    .open = open,
                                    .diag = diag};
        status = build_column(&building, scratch);
    }
    return status;
}

enum status plonk_setup_circuits(struct plonk_setup *setup, const struct circuit *circuit,
                                 struct diag *diag)
{
    memset(setup, 0, sizeof *setup);
    if (circuit->param_cell_count == 0)
        return STATUS_OK;
    struct arena scratch = {0};
    enum status status = build_all(setup, circuit, &scratch, diag);
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
    unsigned limb_bits = setup->circuits[item->circuit].limb_bits;
    struct split split;
    bool is_cut = split_range(&split, circuit, cell, limb_bits);
    ASSERT(is_cut);
    fr low, difference;
    wide offset;
    plonk_fr_from_wide(&low, *constant(circuit, cell->low));
    fr_sub(&difference, value, &low);
    fr_to_limbs(offset.limb, &difference);
    advice[0][cell->row] = fr_one;
    uint64_t mask = ((uint64_t)1 << limb_bits) - 1;
    for (unsigned limb = 0; limb < split.limbs; limb++) {
        bool is_top = limb + 1 == split.limbs;
        uint64_t bits = wide_shift_right(offset, limb_bits * limb).limb[0];
        fr *target = &advice[is_in_a2(&split, limb) ? 1 : 2][run_row(item, cell->row, limb / 2)];
        if (is_top)
            fr_from_i64(target, split.top_low + (int64_t)(bits & UINT32_MAX));
        else
            fr_from_u64(target, bits & mask);
    }
}

void plonk_setup_fill(fr *const advice[CIRCUIT_ADVICE], const struct plonk_setup *setup,
                      size_t index, const struct circuit *circuit, const fr *parameter)
{
    for (unsigned j = 0; j < CIRCUIT_ADVICE; j++)
        memset(advice[j], 0, circuit->usable_rows * sizeof(fr));
    for (size_t i = 0; i < setup->item_count; i++) {
        const struct plonk_setup_item *item = &setup->items[i];
        if (item->circuit == index)
            fill_item(advice, setup, circuit, item,
                      &parameter[circuit->param_cells[item->cell].row]);
    }
}
