/* Rows, cells, constants and tags of a placement; see place_internal.h. Called by the other
 * place*.c files. */
#include <stdlib.h>
#include <string.h>

#include "passes/place_internal.h"

void place_fail(struct place *place, enum status status, const char *format, ...)
{
    if (place->status != STATUS_OK)
        return;
    va_list arguments;
    va_start(arguments, format);
    place->status = diag_set_v(place->diag, status, format, arguments);
    va_end(arguments);
}

bool place_grow(struct place *place, void **array, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity)
        return true;
    size_t grown = *capacity < 64 ? 64 : *capacity;
    while (grown < needed)
        grown *= 2;
    void *bigger = arena_alloc(place->arena, grown * size);
    if (bigger == NULL) {
        place_fail(place, STATUS_NO_MEMORY, "no memory for a circuit of %zu cells", needed);
        return false;
    }
    if (*capacity > 0)
        memcpy(bigger, *array, *capacity * size);
    *array = bigger;
    *capacity = grown;
    return true;
}

/* The large arrays: from the heap, where they can grow in place, a quarter at a time. */
static bool grow_large(struct place *place, void **array, size_t *capacity, size_t needed,
                       size_t size)
{
    if (needed <= *capacity)
        return true;
    size_t grown = *capacity + *capacity / 4 + 64;
    grown = grown < needed ? needed : grown;
    void *bigger = grown > SIZE_MAX / size ? NULL : realloc(*array, grown * size);
    if (bigger == NULL) {
        place_fail(place, STATUS_NO_MEMORY, "no memory for a circuit of %zu cells", needed);
        return false;
    }
    *array = bigger;
    *capacity = grown;
    return true;
}

struct fill *place_new_fill(struct place *place)
{
    if (place->only_counts)
        return place->status == STATUS_OK ? &place->unused : NULL;
    void *array = place->fills;
    if (place->status != STATUS_OK || !grow_large(place, &array, &place->fill_capacity,
                                                  place->fill_count + 1, sizeof *place->fills))
        return NULL;
    place->fills = array;
    return &place->fills[place->fill_count++];
}

void place_release(struct place *place)
{
    free(place->rows);
    free(place->fills);
    free(place->copies);
    place->rows = NULL;
    place->fills = NULL;
    place->copies = NULL;
}

#define GROW(place, field)                                                                         \
    place_grow(place, (void **)&(place)->field##s, &(place)->field##_capacity,                     \
               (place)->field##_count + 1, sizeof *(place)->field##s)

size_t place_global(const struct place *place, uint32_t tensor, uint32_t element)
{
    return place->base[tensor] + element;
}

/* ---- constants ---- */

static size_t constant_hash(const wide *value)
{
    uint64_t h = 0;
    for (int i = 0; i < 4; i++)
        h = (h ^ value->limb[i]) * UINT64_C(0x9e3779b97f4a7c15) + (h >> 29);
    return (size_t)(h ^ h >> 32);
}

static void rehash_constants(struct place *place)
{
    size_t slots = place->constant_slot_count == 0 ? 256 : 2 * place->constant_slot_count;
    uint32_t *table = arena_array(place->arena, uint32_t, slots);
    if (table == NULL) {
        place_fail(place, STATUS_NO_MEMORY, "no memory for constants");
        return;
    }
    for (size_t i = 0; i < place->constant_count; i++) {
        size_t at = constant_hash(&place->constants[i]) & (slots - 1);
        while (table[at] != 0)
            at = (at + 1) & (slots - 1);
        table[at] = (uint32_t)i + 1;
    }
    place->constant_slots = table;
    place->constant_slot_count = slots;
}

uint32_t place_constant(struct place *place, wide value)
{
    if (2 * (place->constant_count + 1) > place->constant_slot_count)
        rehash_constants(place);
    if (place->status != STATUS_OK || !GROW(place, constant) ||
        !place_grow(place, (void **)&place->constant_cell, &place->constant_cell_capacity,
                    place->constant_count + 1, sizeof *place->constant_cell))
        return 0;
    size_t mask = place->constant_slot_count - 1, at = constant_hash(&value) & mask;
    while (place->constant_slots[at] != 0) {
        uint32_t index = place->constant_slots[at] - 1;
        if (wide_compare(place->constants[index], value) == 0)
            return index;
        at = (at + 1) & mask;
    }
    uint32_t index = (uint32_t)place->constant_count++;
    place->constants[index] = value;
    place->constant_cell[index] = NO_CELL;
    place->constant_slots[at] = index + 1;
    return index;
}

/* ---- items ---- */

struct item item_element(uint32_t tensor, uint32_t element)
{
    return (struct item){.kind = ITEM_ELEMENT, .tensor = tensor, .element = element};
}

struct item item_constant(struct place *place, wide value)
{
    return (struct item){.kind = ITEM_CONSTANT, .constant = place_constant(place, value)};
}

struct item place_resolve(struct place *place, uint32_t tensor, int64_t element)
{
    while (element >= 0 && place->state[tensor] == STATE_ALIAS) {
        const struct relation *relation = &place->program->relations[place->producer[tensor]];
        int64_t source = -1;
        for (size_t k = 0; k < relation->term_count && source < 0; k++) {
            const struct relation_view *view = &relation->terms[k].factors[0];
            source =
                relation_view_element(view, relation->space_rank, relation->space, (size_t)element);
            tensor = view->tensor;
        }
        element = source;
    }
    if (element < 0)
        return item_constant(place, wide_from_i64(0));
    if (place->state[tensor] == STATE_CONSTANT)
        return item_constant(place, place->program->tensors[tensor].values[element]);
    return item_element(tensor, (uint32_t)element);
}

struct item place_view_item(struct place *place, const struct relation *relation, unsigned view,
                            size_t position)
{
    const struct relation_view *v = &relation->views[view];
    return place_resolve(place, v->tensor,
                         relation_view_element(v, relation->space_rank, relation->space, position));
}

size_t place_global_of(const struct place *place, const struct item *item)
{
    ASSERT(item->kind == ITEM_ELEMENT);
    return place_global(place, item->tensor, item->element);
}

enum element_state place_state_of(const struct place *place, const struct item *item)
{
    ASSERT(item->kind == ITEM_ELEMENT);
    return place->state[item->tensor];
}

bool item_is_param(const struct place *place, const struct item *item)
{
    return item->kind == ITEM_ELEMENT && place->state[item->tensor] == STATE_PARAMETER &&
           place->first_cell[place_global_of(place, item)] == NO_CELL;
}

bool item_is_weight(const struct place *place, const struct item *item)
{
    return item_is_param(place, item) && !place->is_memory[item->tensor] &&
           place->linear_uses[place_global_of(place, item)] == 1;
}

/* ---- rows and cells ---- */

uint32_t place_new_row(struct place *place)
{
    if (place->row_limit != 0 && place->row_count >= place->row_limit &&
        place->status == STATUS_OK) {
        place->status = STATUS_LIMIT;
        place->is_stopped = true;
    }
    void *array = place->rows;
    if (place->status != STATUS_OK ||
        !grow_large(place, &array, &place->row_capacity, place->row_count + 1, sizeof *place->rows))
        return 0;
    place->rows = array;
    struct place_row *row = &place->rows[place->row_count];
    memset(row, 0, sizeof *row);
    row->origin = place->origin;
    return (uint32_t)place->row_count++;
}

static void add_copy(struct place *place, uint32_t a, uint32_t b)
{
    if (place->only_counts)
        return;
    void *array = place->copies;
    if (place->status != STATUS_OK || !grow_large(place, &array, &place->copy_capacity,
                                                  place->copy_count + 1, sizeof *place->copies))
        return;
    place->copies = array;
    struct cell *pair = place->copies[place->copy_count++];
    pair[0] = (struct cell){a / 4, (uint8_t)(a % 4)};
    pair[1] = (struct cell){b / 4, (uint8_t)(b % 4)};
}

static void join(struct place *place, uint32_t *first, uint32_t cell)
{
    if (*first == NO_CELL)
        *first = cell;
    else
        add_copy(place, *first, cell);
}

void place_item(struct place *place, uint32_t row, uint8_t column, const struct item *item)
{
    struct fill *fill = place_new_fill(place);
    if (fill == NULL)
        return;
    *fill = (struct fill){.row = row, .column = column};
    uint32_t cell = row * 4 + column;
    switch (item->kind) {
    case ITEM_ELEMENT:
        fill->kind = FILL_TENSOR;
        fill->tensor = item->tensor;
        fill->element = item->element;
        join(place, &place->first_cell[place_global_of(place, item)], cell);
        break;
    case ITEM_CONSTANT:
        fill->kind = FILL_CONST;
        fill->constant = item->constant;
        ASSERT(place->constant_cell[item->constant] != NO_CELL);
        join(place, &place->constant_cell[item->constant], cell);
        break;
    case ITEM_LIMB:
        fill->kind = FILL_LIMB;
        fill->tensor = item->tensor;
        fill->element = item->element;
        fill->constant = item->constant;
        fill->shift = item->shift;
        fill->width = item->width;
        break;
    case ITEM_INVERSE:
        fill->kind = FILL_INVERSE;
        fill->tensor = item->tensor;
        fill->element = item->element;
        fill->constant = item->constant;
        break;
    case ITEM_REST:
        fill->kind = FILL_REST;
        fill->tensor = item->tensor;
        fill->element = item->element;
        break;
    case ITEM_DIGEST:
        fill->kind = FILL_DIGEST;
        fill->tensor = item->tensor;
        fill->element = item->element;
        join(place, &place->digest_cell[item->element], cell);
        break;
    }
}

void place_zero(struct place *place, uint32_t row, uint8_t column)
{
    add_copy(place, place->zero_cell, row * 4 + column);
}

void place_zero_row(struct place *place)
{
    uint32_t row = place_new_row(place);
    if (place->status != STATUS_OK)
        return;
    place->rows[row].fixed.chain = CHAIN_SINGLE;
    place->rows[row].fixed.term = TERM_LINEAR3;
    place->zero_cell = row * 4;
}

void place_constant_cell(struct place *place, uint32_t constant)
{
    if (place->status != STATUS_OK || place->constant_cell[constant] != NO_CELL)
        return;
    if (wide_is_zero(place->constants[constant])) {
        place->constant_cell[constant] = place->zero_cell;
        return;
    }
    struct row_origin origin = place->origin;
    place->origin = (struct row_origin){RELATION_NONE, 0};
    uint32_t minus_one = place_constant(place, wide_from_i64(-1));
    uint32_t row = place_new_row(place);
    place->origin = origin;
    struct fill *fill = place_new_fill(place);
    if (fill == NULL)
        return;
    struct circuit_row *fixed = &place->rows[row].fixed;
    fixed->chain = CHAIN_SINGLE;
    fixed->term = TERM_PRODUCT;
    fixed->c2 = constant;
    fixed->c3 = minus_one;
    place_zero(place, row, 0);
    place_zero(place, row, 1);
    place->constant_cell[constant] = row * 4 + 2;
    *fill = (struct fill){.row = row, .column = 2, .kind = FILL_CONST, .constant = constant};
}

/* ---- tags ---- */

static uint16_t take_tag(struct place *place)
{
    if (place->next_tag == CIRCUIT_TAG_MAX)
        place_fail(place, STATUS_LIMIT, "the model needs more than %d lookup tables",
                   CIRCUIT_TAG_MAX);
    else
        place->next_tag++;
    return place->next_tag;
}

static uint16_t find_table(struct place *place, uint32_t table, uint8_t output, int64_t low,
                           size_t size)
{
    for (size_t i = 0; i < place->table_count; i++) {
        const struct table_use *use = &place->tables[i];
        if (use->table == table && use->output == output && use->low == low && use->size == size)
            return use->tag;
    }
    if (place->status != STATUS_OK || !GROW(place, table))
        return 1;
    uint16_t tag = take_tag(place);
    place->tables[place->table_count++] = (struct table_use){tag, output, table, size, low};
    return tag;
}

uint16_t place_range_tag(struct place *place, int64_t low, size_t size)
{
    return find_table(place, RELATION_NONE, 0, low, size);
}

uint16_t place_table_tag(struct place *place, uint32_t table, uint8_t output)
{
    return find_table(place, table, output, place->program->tables[table].x_low,
                      place->program->tables[table].size);
}

uint16_t place_memory_tag(struct place *place, uint32_t memory, uint32_t pair, bool is_param)
{
    for (size_t i = 0; i < place->memory_count; i++) {
        if (place->memories[i].memory == memory && place->memories[i].pair == pair)
            return place->memories[i].tag;
    }
    void *array = place->memories;
    if (place->status != STATUS_OK || !place_grow(place, &array, &place->memory_capacity,
                                                  place->memory_count + 1, sizeof *place->memories))
        return 1;
    place->memories = array;
    uint16_t tag = take_tag(place);
    place->memories[place->memory_count++] = (struct memory_use){tag, memory, pair, is_param};
    return tag;
}
