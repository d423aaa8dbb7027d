/*
 * The circuits of the setup proof, for one parameter column at a time.
 *
 * Arithmetic of one cell, limbs of L bits: v = sum_i limb_i 2^(L i) over k limbs, limb_i in
 * [0, 2^L) below the top and the top limb in [low / 2^s, (high + 1) / 2^s), s = L (k - 1), which
 * is exact when 2^s divides low and high + 1. With k = 1 any range works.
 *
 * Two ways to bring a cell to its limbs. At home: the cell's own row is weighted, with a1 = 1 and
 * limb 0 in a2, looked up together, and limb 1 in a3; each further row holds two more in a2 and
 * a3. The rows go down from the cell's row, or up to it. Away, when those rows are taken: the
 * cell's row is a memory of one entry under a tag of its own, a row anywhere reads it into a2, and
 * the rows below hold two limbs each.
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
    uint32_t tags;       /* given out, to tables and to cells away */
    uint32_t search_row; /* no row below is free for a cell away */
};

/* The circuits of one column being built. */
struct building {
    struct plonk_setup *setup;
    const struct circuit *circuit;
    unsigned column;
    unsigned limb_bits;
    uint32_t *free_rows; /* rows without a used cell of this column */
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

/* Rows of a cell at home: its own with two limbs, then two limbs each. Away one more, that reads.
 */
static uint32_t rows_of(const struct split *split, bool is_away)
{
    return (split->limbs + 1) / 2 + is_away;
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
        total += rows_of(&split, false);
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
    if (size > building->free_count - open->table_rows || open->tags == CIRCUIT_TAG_MAX)
        return 0;
    uint16_t tag = (uint16_t)++open->tags;
    open->tables[open->table_count++] = (struct range_table){low, size, y, tag};
    open->table_rows += size;
    return tag;
}

/* Tags of a cell: of the tables of limb 0, of those between, of the top; of its own when away. */
struct cell_tags {
    uint16_t first, middle, top, own;
};

/* Finds or adds the tables of a cell; false, the circuit unchanged, when they have no room. */
static bool tags_for(struct cell_tags *tags, const struct building *building,
                     struct open_circuit *open, const struct split *split, bool is_away)
{
    uint32_t limb_size = (uint32_t)1 << building->limb_bits;
    struct open_circuit before = *open;
    uint8_t y = is_away ? 0 : 1;
    *tags = (struct cell_tags){0};
    bool fits = true;
    if (split->limbs > 1) {
        tags->first = table_tag(building, open, 0, limb_size, y);
        fits = tags->first != 0;
    }
    if (split->limbs > 2) {
        tags->middle = table_tag(building, open, 0, limb_size, 0);
        fits = fits && tags->middle != 0;
    }
    tags->top =
        table_tag(building, open, split->top_low, split->top_size, split->limbs == 1 ? y : 0);
    fits = fits && tags->top != 0;
    if (is_away && fits) {
        fits = open->tags < CIRCUIT_TAG_MAX;
        tags->own = fits ? (uint16_t)++open->tags : 0;
    }
    if (!fits)
        *open = before;
    return fits;
}

static bool is_run_free(const struct open_circuit *open, uint32_t first, uint32_t rows)
{
    for (uint32_t row = first; row < first + rows; row++)
        if (open->is_taken[row])
            return false;
    return true;
}

/* Finds rows for a cell at home in an open circuit, going down from its row or up to it. */
static bool find_home(uint32_t *first, const struct building *building,
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

/* Finds the first free run anywhere in an open circuit. */
static bool find_away(uint32_t *first, const struct building *building, struct open_circuit *open,
                      uint32_t rows)
{
    uint32_t usable = building->circuit->usable_rows;
    while (open->search_row < usable && open->is_taken[open->search_row])
        open->search_row++;
    for (uint32_t row = open->search_row; row + rows <= usable; row++)
        if (is_run_free(open, row, rows)) {
            *first = row;
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
    /* Zero, one and the negated powers of two. */
    circuit->constants = arena_array(arena, wide, 2 + LIMBS_MAX);
    circuit->constant_count = 2;
    open->is_taken = arena_array(arena, bool, usable);
    open->tables = arena_array(arena, struct range_table, table_capacity(building));
    if (circuit->rows == NULL || circuit->table == NULL || circuit->origins == NULL ||
        circuit->constants == NULL || open->is_taken == NULL || open->tables == NULL)
        return arena_failure(arena, usable * sizeof *circuit->rows, "the setup circuits",
                             building->diag);
    for (uint32_t row = 0; row < usable; row++)
        circuit->origins[row] = (struct row_origin){UINT32_MAX, UINT32_MAX};
    circuit->constants[1] = wide_from_i64(1);
    building->setup->count++;
    return STATUS_OK;
}

/* Index of the constant -2^shift. */
static uint32_t minus_power(struct circuit *circuit, unsigned shift)
{
    wide value = wide_power_of_two(shift);
    bool fits = wide_neg(&value, value);
    ASSERT(fits);
    for (size_t i = 2; i < circuit->constant_count; i++)
        if (wide_compare(circuit->constants[i], value) == 0)
            return (uint32_t)i;
    ASSERT(circuit->constant_count < 2 + LIMBS_MAX);
    circuit->constants[circuit->constant_count] = value;
    return (uint32_t)circuit->constant_count++;
}

/* The row of a limb: two in each row, after the one that reads. */
static uint32_t limb_row(const struct plonk_setup_item *item, uint32_t cell_row, unsigned limb)
{
    uint32_t k = limb / 2;
    if (item->is_away)
        return item->first + 1 + k;
    return item->first == cell_row ? cell_row + k : cell_row - k;
}

/* Even limbs stand in a2, odd ones in a3; and in a3 a last one whose a2 is not needed for a1 = 1.
 */
static bool is_in_a2(const struct plonk_setup_item *item, const struct split *split, unsigned limb)
{
    return limb % 2 == 0 && (limb + 1 < split->limbs || (limb == 0 && !item->is_away));
}

static void write_rows(struct building *building, const struct plonk_setup_item *item,
                       const struct param_cell *cell, const struct split *split,
                       struct cell_tags tags)
{
    struct circuit *circuit = &building->setup->circuits[item->circuit].circuit;
    for (uint32_t k = 0; k < item->rows; k++) {
        struct circuit_row *fixed = &circuit->rows[item->first + k];
        bool is_first = k == 0, is_last = k + 1 == item->rows;
        fixed->chain = is_first ? (is_last ? CHAIN_SINGLE : CHAIN_START)
                                : (is_last ? CHAIN_END : CHAIN_CONTINUE);
    }
    if (item->is_away) {
        circuit->table[cell->row].tag = tags.own;
        circuit->rows[item->first].slot_memory = tags.own;
        circuit->rows[item->first].c2 = 1;
    } else {
        circuit->rows[cell->row].term = TERM_WEIGHTED;
    }
    for (unsigned limb = 0; limb < split->limbs; limb++) {
        struct circuit_row *fixed = &circuit->rows[limb_row(item, cell->row, limb)];
        bool is_top = limb + 1 == split->limbs;
        uint16_t tag = is_top ? tags.top : limb == 0 ? tags.first : tags.middle;
        uint32_t coefficient = minus_power(circuit, building->limb_bits * limb);
        if (is_in_a2(item, split, limb)) {
            fixed->c2 = coefficient;
            fixed->slot_table = tag;
        } else {
            fixed->c3 = coefficient;
            fixed->slot_range = tag;
        }
    }
}

/* Puts a cell into the newest circuit, at home or away; false when it has no rows or tables for it.
 */
static bool place_cell(struct building *building, uint32_t index, bool is_away)
{
    struct plonk_setup *setup = building->setup;
    const struct param_cell *cell = &building->circuit->param_cells[index];
    struct open_circuit *open = &building->open[setup->count - 1];
    struct split split;
    struct cell_tags tags;
    bool is_cut = split_range(&split, building->circuit, cell, building->limb_bits);
    ASSERT(is_cut);
    struct plonk_setup_item item = {.cell = index,
                                    .circuit = (uint32_t)setup->count - 1,
                                    .rows = rows_of(&split, is_away),
                                    .is_away = is_away};
    bool has_rows = is_away ? find_away(&item.first, building, open, item.rows)
                            : find_home(&item.first, building, open, cell->row, item.rows);
    if (!has_rows || !tags_for(&tags, building, open, &split, is_away))
        return false;
    for (uint32_t k = 0; k < item.rows; k++)
        open->is_taken[item.first + k] = true;
    write_rows(building, &item, cell, &split, tags);
    setup->items[setup->item_count++] = item;
    return true;
}

/* Puts as many of the waiting cells as go into the newest circuit; returns how many still wait. */
static size_t place_waiting(struct building *building, uint32_t *waiting, size_t count,
                            bool is_away)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        if (!place_cell(building, waiting[i], is_away))
            waiting[left++] = waiting[i];
    return left;
}

/* Circuit after circuit: first all that can be at home, then what fits away. */
static enum status place_all(struct building *building, uint32_t *waiting, size_t count)
{
    while (count > 0) {
        enum status status = new_circuit(building);
        if (status != STATUS_OK)
            return status;
        size_t before = count;
        count = place_waiting(building, waiting, count, false);
        count = place_waiting(building, waiting, count, true);
        if (count == before)
            return diag_set(building->diag, STATUS_LIMIT,
                            "the range of the parameter in row %u cannot be proved in %u rows",
                            building->circuit->param_cells[waiting[0]].row,
                            building->circuit->usable_rows);
    }
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

/* Lists the cells of the column, and the rows without one. */
static enum status list_cells(struct building *building, uint32_t **cells, size_t *count,
                              struct arena *scratch)
{
    const struct circuit *circuit = building->circuit;
    bool *is_used = arena_array(scratch, bool, circuit->usable_rows);
    building->free_rows = arena_array(scratch, uint32_t, circuit->usable_rows);
    *cells = arena_array(scratch, uint32_t, circuit->param_cell_count);
    if (is_used == NULL || building->free_rows == NULL || *cells == NULL)
        return arena_failure(scratch, circuit->usable_rows, "the setup circuits", building->diag);
    for (size_t i = 0; i < circuit->param_cell_count; i++) {
        if (circuit->param_cells[i].column != building->column)
            continue;
        is_used[circuit->param_cells[i].row] = true;
        (*cells)[(*count)++] = (uint32_t)i;
    }
    for (uint32_t row = 0; row < circuit->usable_rows; row++)
        if (!is_used[row])
            building->free_rows[building->free_count++] = row;
    return STATUS_OK;
}

static enum status build_column(struct building *building, struct arena *scratch)
{
    uint32_t *cells = NULL;
    size_t count = 0, first = building->setup->count;
    enum status status = list_cells(building, &cells, &count, scratch);
    if (status == STATUS_OK && count > 0)
        status = choose_limb_bits(building);
    if (status == STATUS_OK)
        status = place_all(building, cells, count);
    for (size_t i = first; i < building->setup->count && status == STATUS_OK; i++)
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
        struct building building = {
            .setup = setup, .circuit = circuit, .column = column, .open = open, .diag = diag};
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
    if (item->is_away)
        advice[1][item->first] = *value;
    else
        advice[0][cell->row] = fr_one;
    uint64_t mask = ((uint64_t)1 << limb_bits) - 1;
    for (unsigned limb = 0; limb < split.limbs; limb++) {
        bool is_top = limb + 1 == split.limbs;
        uint64_t bits = wide_shift_right(offset, limb_bits * limb).limb[0];
        fr *target = &advice[is_in_a2(item, &split, limb) ? 1 : 2][limb_row(item, cell->row, limb)];
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
