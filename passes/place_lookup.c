/*
 * Rows of TABLE relations. The first output of an element that some equation holds in its second
 * cell is looked up in that row: a linear row leaves the first cell free.
 */
#include "passes/place_internal.h"

bool place_find_readers(struct place *place)
{
    size_t count = place->element_count + 1;
    place->reader = arena_array(place->arena, uint32_t, count);
    place->reader_at = arena_array(place->arena, uint32_t, count);
    if (place->reader == NULL || place->reader_at == NULL)
        return false;
    for (size_t k = 0; k < place->program->relation_count; k++) {
        const struct relation *relation = &place->program->relations[k];
        for (size_t i = 0, n = relation->kind == RELATION_TABLE ? space_count(relation) : 0; i < n;
             i++) {
            struct item x = place_view_item(place, relation, 0, i);
            if (x.kind != ITEM_ELEMENT || place->state[x.tensor] != STATE_CELL)
                continue;
            size_t global = place_global_of(place, &x);
            if (place->reader[global] != 0)
                continue;
            place->reader[global] = (uint32_t)k + 1;
            place->reader_at[global] = (uint32_t)i;
        }
    }
    return true;
}

/* The first output of what looks an item up, when it has no cell yet. */
static bool waiting_output(const struct place *place, const struct item *item, struct item *y)
{
    if (item->kind != ITEM_ELEMENT)
        return false;
    size_t global = place_global_of(place, item);
    if (place->reader[global] == 0)
        return false;
    const struct relation *relation = &place->program->relations[place->reader[global] - 1];
    *y = item_element(relation->outputs[0], place->reader_at[global]);
    return place->first_cell[place_global_of(place, y)] == NO_CELL;
}

bool place_waits_for_row(const struct place *place, const struct term *term)
{
    struct item y;
    return term->range_tag == 0 && waiting_output(place, &term->item, &y);
}

static void look_up(struct place *place, uint32_t row, uint32_t table, uint8_t output,
                    const struct item *y)
{
    uint16_t tag = place_table_tag(place, table, output);
    if (place->status != STATUS_OK)
        return;
    place->rows[row].fixed.slot_table = tag;
    place_item(place, row, 0, y);
}

void place_read_in_row(struct place *place, uint32_t row, const struct item *item)
{
    struct item y;
    if (!waiting_output(place, item, &y))
        return;
    const struct relation *relation = &place->program->relations[place->producer[y.tensor]];
    look_up(place, row, relation->table, 0, &y);
}

void place_table(struct place *place, const struct relation *relation)
{
    size_t count = space_count(relation);
    for (size_t i = 0; i < count && place->status == STATUS_OK; i++) {
        place->origin.element = (uint32_t)i;
        struct item x = place_materialise(place, place_view_item(place, relation, 0, i));
        for (unsigned k = 0; k < relation->output_count; k++) {
            struct item y = item_element(relation->outputs[k], (uint32_t)i);
            if (place->first_cell[place_global_of(place, &y)] != NO_CELL)
                continue;
            uint32_t row = place_new_row(place);
            if (place->status != STATUS_OK)
                return;
            place_item(place, row, 1, &x);
            look_up(place, row, relation->table, (uint8_t)k, &y);
        }
    }
}
