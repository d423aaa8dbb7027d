/*
 * Rows of ranges and of RESCALE relations: x + half = y d + r, with limbs that hold y and r.
 *
 * A quotient that only another quotient is made of has no cell: what it is made of stands in its
 * place, so that a number is cut into digits by one equation.
 */
#include "passes/place_internal.h"

/* ---- limbs ---- */

/* Adds scale * sum of limbs of (tensor[element] - bias), `bits` in all, to the equation. */
static void add_limbs(struct place *place, struct equation *equation, struct item value,
                      uint32_t bias, unsigned bits, wide scale)
{
    unsigned shift = 0;
    ASSERT(value.kind == ITEM_ELEMENT);
    while (shift < bits && place->status == STATUS_OK) {
        unsigned width = bits - shift < place->limb_bits ? bits - shift : place->limb_bits;
        wide coefficient;
        if (!wide_shift_left(&coefficient, scale, shift))
            place_fail(place, STATUS_LIMIT, "a limb leaves 256 bits");
        struct item limb = value;
        limb.kind = ITEM_LIMB;
        limb.constant = bias;
        limb.shift = (uint8_t)shift;
        limb.width = (uint8_t)width;
        equation_add(place, equation, coefficient, limb,
                     place_range_tag(place, 0, (size_t)1 << width));
        shift += width;
    }
}

/*
 * A cell that is an element itself and whose range is a table of its own: looked up where it
 * stands. Tables begin at 0; that of a sign, at -1.
 */
static bool is_single_limb(const struct place *place, wide low, wide size, int64_t *from)
{
    int64_t small;
    if (!wide_to_i64(&small, size) || !wide_to_i64(from, low))
        return false;
    return (*from == 0 && small <= ((int64_t)1 << place->limb_bits)) || (*from == -1 && small == 2);
}

void place_range(struct place *place, struct item x, wide low, wide size)
{
    int64_t small = 0, from;
    wide above;
    if (x.kind == ITEM_CONSTANT) {
        if (!wide_sub(&above, place->constants[x.constant], low) || wide_is_negative(above) ||
            wide_compare(above, size) >= 0)
            place_fail(place, STATUS_BAD_INPUT,
                       "a constant is outside the range it is held to, which nothing can prove");
        return;
    }
    bool plain = place_state_of(place, &x) != STATE_VIRTUAL;
    if (plain && is_single_limb(place, low, size, &from)) {
        ASSERT(wide_to_i64(&small, size));
        x = place_materialise(place, x);
        place_lookup_single(place, &(struct term){wide_from_i64(0), x,
                                                  place_range_tag(place, from, (size_t)small)});
        return;
    }
    struct equation equation;
    equation_init(&equation);
    wide minus;
    if (!wide_neg(&minus, low)) {
        place_fail(place, STATUS_LIMIT, "a range leaves 256 bits");
        return;
    }
    equation_expand(place, &equation, wide_from_i64(1), x);
    equation_add_constant(place, &equation, minus);
    uint32_t bias = place_constant(place, low);
    unsigned bits = wide_bit_length(size) - 1;
    if (wide_compare(size, wide_power_of_two(bits)) == 0) {
        add_limbs(place, &equation, x, bias, bits, wide_from_i64(-1));
    } else {
        ASSERT(wide_to_i64(&small, size) && small <= PLACE_RANGE_TABLE_MAX);
        struct item limb = x;
        limb.kind = ITEM_LIMB;
        limb.constant = bias;
        limb.width = (uint8_t)(bits + 1);
        equation_add(place, &equation, wide_from_i64(-1), limb,
                     place_range_tag(place, 0, (size_t)small));
    }
    equation_emit(place, &equation);
}

/* ---- ranges of single cells ---- */

void place_flush_pending(struct place *place)
{
    if (!place->has_pending || place->status != STATUS_OK)
        return;
    uint32_t row = place_new_row(place);
    place->has_pending = false;
    if (place->status != STATUS_OK)
        return;
    place->rows[row].fixed.slot_range = place->pending.range_tag;
    place_item(place, row, 2, &place->pending.item);
}

void place_lookup_single(struct place *place, const struct term *term)
{
    if (!place->has_pending) {
        place->pending = *term;
        place->has_pending = true;
        return;
    }
    place_flush_pending(place);
    if (place->status != STATUS_OK)
        return;
    uint32_t row = (uint32_t)place->row_count - 1;
    place->rows[row].fixed.slot_table = term->range_tag;
    place_item(place, row, 1, &term->item);
}

/* ---- which quotients are spelled out ---- */

static bool is_power_of_two(wide value)
{
    unsigned bits = wide_bit_length(value);
    return bits > 0 && wide_compare(value, wide_power_of_two(bits - 1)) == 0;
}

/* Whether an element is the quotient of a RESCALE by a number, and nothing but its one use bounds
 * or reads it. */
static bool is_spare_quotient(const struct place *place, const struct item *item)
{
    if (item->kind != ITEM_ELEMENT || place->state[item->tensor] != STATE_CELL ||
        place->producer[item->tensor] == RELATION_NONE)
        return false;
    const struct relation *producer = &place->program->relations[place->producer[item->tensor]];
    size_t global = place_global_of(place, item);
    return producer->kind == RELATION_RESCALE && producer->outputs[0] == item->tensor &&
           !producer->divisor_is_view && place->is_implied[global] != 0 &&
           place->linear_uses[global] == 1 && place->hard_uses[global] == 0;
}

bool place_find_spelled(struct place *place)
{
    size_t count = place->element_count + 1;
    place->spelled = arena_array(place->arena, uint32_t, count);
    place->spelled_at = arena_array(place->arena, uint32_t, count);
    if (place->spelled == NULL || place->spelled_at == NULL)
        return false;
    for (size_t k = 0; k < place->program->relation_count; k++) {
        const struct relation *relation = &place->program->relations[k];
        if (relation->kind != RELATION_RESCALE || relation->divisor_is_view)
            continue;
        for (size_t i = 0, n = space_count(relation); i < n; i++) {
            struct item x = place_view_item(place, relation, 0, i);
            if (!is_spare_quotient(place, &x) || place->producer[x.tensor] >= k)
                continue;
            size_t global = place_global_of(place, &x);
            place->spelled[global] = (uint32_t)k + 1;
            place->spelled_at[global] = (uint32_t)i;
        }
    }
    return true;
}

/* ---- rescale ---- */

/* How the rows of one quotient and remainder are made. */
struct quotient {
    const struct relation *relation;
    struct item y, r;
    wide low; /* y is low .. low + 2^bits - 1 */
    unsigned bits;
    bool needs_limbs; /* y: nothing else bounds it */
    bool is_direct;   /* y: looked up where it stands in the equation, in a table from `from` on */
    int64_t from;
    bool is_split;     /* r: limbs stand in the equation in its place */
    bool is_looked_up; /* r: a cell, with a range of its own */
};

static struct quotient plan_quotient(const struct place *place, uint32_t index, size_t i)
{
    const struct relation *relation = &place->program->relations[index];
    uint32_t y = relation->outputs[0], r = relation->outputs[1];
    struct quotient q = {
        .relation = relation, .y = item_element(y, (uint32_t)i), .r = item_element(r, (uint32_t)i)};
    relation_rounded_range(tensor_of(place, y), &q.low, &q.bits);
    size_t r_global = place_global(place, r, (uint32_t)i);
    q.needs_limbs = place->is_implied[place_global(place, y, (uint32_t)i)] == 0;
    q.is_direct = q.needs_limbs && !relation->divisor_is_view &&
                  is_single_limb(place, q.low, wide_power_of_two(q.bits), &q.from);
    bool is_power = !relation->divisor_is_view && is_power_of_two(relation->divisor);
    bool has_uses = place->linear_uses[r_global] + place->hard_uses[r_global] > 0;
    q.is_split = is_power && !has_uses;
    q.is_looked_up = is_power && has_uses && place->is_implied[r_global] == 0;
    return q;
}

/* Adds coefficient * (d y + r - half), d a number: what the dividend is. */
static void add_dividend(struct place *place, struct equation *equation, wide coefficient,
                         uint32_t index, size_t i)
{
    struct quotient q = plan_quotient(place, index, i);
    wide d = q.relation->divisor, scaled, half;
    if (!wide_mul(&scaled, coefficient, d) ||
        !wide_mul(&half, coefficient, wide_shift_right(d, 1)) || !wide_neg(&half, half)) {
        place_fail(place, STATUS_LIMIT, "a divisor leaves 256 bits");
        return;
    }
    if (q.relation->rounding == ROUND_HALF_UP)
        equation_add_constant(place, equation, half);
    size_t global = place_global_of(place, &q.y);
    if (place->spelled[global] != 0)
        add_dividend(place, equation, scaled, place->spelled[global] - 1,
                     place->spelled_at[global]);
    else
        equation_add(place, equation, scaled, q.y,
                     q.is_direct ? place_range_tag(place, q.from, (size_t)1 << q.bits) : 0);
    if (q.is_split)
        add_limbs(place, equation, q.r, place_constant(place, wide_from_i64(0)),
                  wide_bit_length(d) - 1, coefficient);
    else
        equation_add(place, equation, coefficient, q.r, 0);
}

static void emit_quotient(struct place *place, uint32_t index, size_t i)
{
    const struct relation *relation = &place->program->relations[index];
    struct item x = place_view_item(place, relation, 0, i);
    if (x.kind == ITEM_ELEMENT && place->spelled[place_global_of(place, &x)] != 0)
        return; /* part of the equation of the quotient that x is */
    struct equation equation;
    equation_init(&equation);
    if (relation->divisor_is_view) {
        /* y * d is a product, so x - y d is kept with sign -1 on the product. */
        equation_add_product(place, &equation, -1, item_element(relation->outputs[0], (uint32_t)i),
                             place_view_item(place, relation, 1, i));
        if (relation->rounding == ROUND_HALF_UP) {
            place_fail(
                place, STATUS_UNSUPPORTED,
                "half-up rounding by a witness divisor: lowering must add half the divisor itself");
            return;
        }
        equation_add(place, &equation, wide_from_i64(-1),
                     item_element(relation->outputs[1], (uint32_t)i), 0);
    }
    equation_expand(place, &equation, wide_from_i64(1), x);
    if (!relation->divisor_is_view)
        add_dividend(place, &equation, wide_from_i64(-1), index, i);
    equation_emit(place, &equation);
}

void place_rescale(struct place *place, uint32_t index)
{
    const struct relation *relation = &place->program->relations[index];
    size_t count = space_count(relation);
    for (size_t i = 0; i < count && place->status == STATUS_OK; i++) {
        place->origin.element = (uint32_t)i;
        emit_quotient(place, index, i);
        struct quotient q = plan_quotient(place, index, i);
        if (q.is_looked_up)
            place_range(place, q.r, wide_from_i64(0), relation->divisor);
        if (q.needs_limbs && !q.is_direct)
            place_range(place, q.y, q.low, wide_power_of_two(q.bits));
    }
}
