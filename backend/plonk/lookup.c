/* The table index and multiplicities. Values come from a witness, so any field element may turn up.
 */
#include "backend/plonk/lookup.h"

#include <stdlib.h>
#include <string.h>

/* Rows of one tag: entries [first, first + count) of the sorted list. */
struct tag_range {
    uint32_t first, count;
    int64_t x_low;
    bool is_dense; /* entry i has x = x_low + i */
};

struct entry {
    int64_t x, y;
    uint32_t row;
    uint16_t tag;
};

struct plonk_lookup_index {
    struct tag_range *range; /* [tag_count] by tag */
    size_t tag_count;
    struct entry *entry; /* by (tag, x, y, row) */
    size_t entry_count;
};

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->tag != b->tag)
        return a->tag < b->tag ? -1 : 1;
    if (a->x != b->x)
        return a->x < b->x ? -1 : 1;
    if (a->y != b->y)
        return a->y < b->y ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

static void fill_ranges(struct plonk_lookup_index *index)
{
    for (size_t i = 0; i < index->entry_count; i++) {
        const struct entry *entry = &index->entry[i];
        struct tag_range *range = &index->range[entry->tag];
        if (range->count == 0) {
            range->first = (uint32_t)i;
            range->x_low = entry->x;
            range->is_dense = true;
        }
        uint64_t distance = (uint64_t)entry->x - (uint64_t)range->x_low;
        range->is_dense = range->is_dense && distance == range->count;
        range->count++;
    }
}

struct plonk_lookup_index *plonk_lookup_index_new(struct arena *arena,
                                                  const struct circuit *circuit)
{
    struct plonk_lookup_index *index = arena_new(arena, struct plonk_lookup_index);
    if (index == NULL)
        return NULL;
    unsigned tag_max = 0;
    for (uint32_t row = 0; row < circuit->usable_rows; row++) {
        unsigned tag = circuit->table[row].tag;
        index->entry_count += tag != 0;
        tag_max = tag > tag_max ? tag : tag_max;
    }
    index->tag_count = (size_t)tag_max + 1;
    index->range = arena_array(arena, struct tag_range, index->tag_count);
    index->entry = arena_array(arena, struct entry, index->entry_count);
    if (index->range == NULL || index->entry == NULL)
        return NULL;
    size_t count = 0;
    bool is_sorted = true;
    for (uint32_t row = 0; row < circuit->usable_rows; row++) {
        const struct circuit_table_row *table = &circuit->table[row];
        if (table->tag == 0)
            continue;
        index->entry[count] = (struct entry){table->x, table->y, row, table->tag};
        is_sorted = is_sorted && (count == 0 || compare_entries(&index->entry[count - 1],
                                                                &index->entry[count]) < 0);
        count++;
    }
    if (!is_sorted)
        qsort(index->entry, count, sizeof *index->entry, compare_entries);
    fill_ranges(index);
    return index;
}

void plonk_tuple_of(struct plonk_tuple *tuple, enum plonk_slot slot, const struct circuit_row *row,
                    const struct plonk_witness *witness, uint32_t index)
{
    const fr *a1 = &witness->advice[0][index], *a2 = &witness->advice[1][index],
             *a3 = &witness->advice[2][index];
    memset(tuple, 0, sizeof *tuple);
    switch (slot) {
    case PLONK_SLOT_MEMORY:
        tuple->tag = row->slot_memory;
        tuple->e[0] = *a1;
        tuple->e[2] = *a2;
        tuple->e[3] = *a3;
        break;
    case PLONK_SLOT_TABLE:
        tuple->tag = row->slot_table;
        tuple->e[0] = *a2;
        tuple->e[1] = *a1;
        break;
    case PLONK_SLOT_RANGE:
    case PLONK_SLOTS:
        tuple->tag = row->slot_range;
        tuple->e[0] = *a3;
        break;
    }
}

/* Order of provider rows: tag, then the bytes of the cells (any order will do), then row. */
struct provider_key {
    fr cell[CIRCUIT_ADVICE];
    uint32_t row;
    uint16_t tag;
};

static struct provider_key provider_key(const struct circuit *circuit,
                                        const struct plonk_witness *witness, uint32_t row)
{
    struct provider_key key = {.row = row, .tag = circuit->rows[row].slot_memory};
    for (unsigned j = 0; j < CIRCUIT_ADVICE; j++)
        key.cell[j] = witness->advice[j][row];
    return key;
}

static int compare_contents(const struct provider_key *a, const struct provider_key *b)
{
    if (a->tag != b->tag)
        return a->tag < b->tag ? -1 : 1;
    return memcmp(a->cell, b->cell, sizeof a->cell);
}

static int compare_providers(const void *left, const void *right)
{
    const struct provider_key *a = left, *b = right;
    int order = compare_contents(a, b);
    if (order != 0)
        return order;
    return a->row < b->row ? -1 : a->row > b->row;
}

bool plonk_providers_init(struct plonk_providers *providers, struct arena *arena,
                          const struct circuit *circuit, const struct plonk_witness *witness)
{
    size_t count = 0;
    for (uint32_t row = 0; row < circuit->usable_rows; row++)
        count += circuit->rows[row].is_provider;
    providers->count = count;
    providers->row = arena_array(arena, uint32_t, count);
    struct arena_mark mark = arena_checkpoint(arena);
    struct provider_key *key = arena_array(arena, struct provider_key, count);
    if (providers->row == NULL || key == NULL)
        return false;
    count = 0;
    for (uint32_t row = 0; row < circuit->usable_rows; row++)
        if (circuit->rows[row].is_provider)
            key[count++] = provider_key(circuit, witness, row);
    if (count > 0)
        qsort(key, count, sizeof *key, compare_providers);
    for (size_t i = 0; i < count; i++)
        providers->row[i] = key[i].row;
    arena_rewind(arena, mark);
    return true;
}

static bool is_small(const fr *value, int64_t expected)
{
    if (expected == 0)
        return fr_is_zero(value);
    fr t;
    fr_from_i64(&t, expected);
    return fr_eq(value, &t);
}

/* First entry of a range with x at least the given one. */
static size_t lower_bound(const struct entry *entry, size_t count, int64_t x)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entry[middle].x < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool parameter_matches(const struct plonk_witness *witness, unsigned param_columns,
                              uint32_t row, const fr *e)
{
    for (unsigned j = 0; j < CIRCUIT_PARAM_MAX; j++) {
        const fr *cell = j < param_columns ? &witness->parameters[j][row] : &fr_zero;
        if (!fr_eq(cell, &e[j]))
            return false;
    }
    return true;
}

static int64_t find_in_table(const struct plonk_lookup_index *index, const struct circuit *circuit,
                             const struct plonk_witness *witness, const struct plonk_tuple *tuple)
{
    int64_t x;
    if (tuple->tag >= index->tag_count || !fr_to_i64(&x, &tuple->e[0]))
        return -1;
    const struct tag_range *range = &index->range[tuple->tag];
    const struct entry *entry = &index->entry[range->first];
    uint64_t distance = (uint64_t)x - (uint64_t)range->x_low;
    size_t i = range->is_dense ? (distance < range->count ? distance : range->count)
                               : lower_bound(entry, range->count, x);
    for (; i < range->count && entry[i].x == x; i++)
        if (is_small(&tuple->e[1], entry[i].y) &&
            parameter_matches(witness, circuit->param_columns, entry[i].row, &tuple->e[2]))
            return entry[i].row;
    return -1;
}

static int64_t find_provider(const struct plonk_providers *providers, const struct circuit *circuit,
                             const struct plonk_witness *witness, const struct plonk_tuple *tuple)
{
    if (!fr_is_zero(&tuple->e[1]))
        return -1;
    struct provider_key wanted = {.cell = {tuple->e[0], tuple->e[2], tuple->e[3]},
                                  .tag = tuple->tag};
    size_t low = 0, high = providers->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct provider_key key = provider_key(circuit, witness, providers->row[middle]);
        if (compare_contents(&key, &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == providers->count)
        return -1;
    struct provider_key key = provider_key(circuit, witness, providers->row[low]);
    return compare_contents(&key, &wanted) == 0 ? (int64_t)key.row : -1;
}

int64_t plonk_lookup_find(const struct plonk_lookup_index *index,
                          const struct plonk_providers *providers, const struct circuit *circuit,
                          const struct plonk_witness *witness, const struct plonk_tuple *tuple)
{
    int64_t row = find_in_table(index, circuit, witness, tuple);
    return row >= 0 ? row : find_provider(providers, circuit, witness, tuple);
}

bool plonk_lookup_multiplicities(int64_t *m, struct plonk_lookup_miss *miss,
                                 const struct plonk_lookup_index *index,
                                 const struct circuit *circuit, const struct plonk_witness *witness,
                                 struct arena *scratch)
{
    *miss = (struct plonk_lookup_miss){0};
    memset(m, 0, circuit->usable_rows * sizeof *m);
    struct arena_mark mark = arena_checkpoint(scratch);
    struct plonk_providers providers;
    if (!plonk_providers_init(&providers, scratch, circuit, witness))
        return false;
    for (uint32_t row = 0; row < circuit->usable_rows; row++) {
        const struct circuit_row *fixed = &circuit->rows[row];
        for (unsigned slot = 0; slot < PLONK_SLOTS; slot++) {
            struct plonk_tuple tuple;
            if (slot == PLONK_SLOT_MEMORY && (fixed->is_provider || fixed->slot_memory == 0))
                continue;
            plonk_tuple_of(&tuple, (enum plonk_slot)slot, fixed, witness, row);
            if (tuple.tag == 0)
                continue;
            int64_t found = plonk_lookup_find(index, &providers, circuit, witness, &tuple);
            if (found >= 0)
                m[found] += tuple.tag;
            else if (miss->count++ == 0)
                *miss = (struct plonk_lookup_miss){1, row, (enum plonk_slot)slot};
        }
    }
    arena_rewind(scratch, mark);
    return true;
}
