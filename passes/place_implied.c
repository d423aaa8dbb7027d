/*
 * Which quotients and remainders need no range of their own, since a later relation bounds them.
 * One of two things must hold:
 *
 * - the bound lies within the declared range;
 * - the declared range follows from that of the dividend, which holds by itself, and the bound is
 *   small enough that x = y d + r modulo the target's modulus is so among the integers: then y is
 *   floor(x / d), which lies in the declared range.
 *
 * Whatever else follows from a quotient follows from its declared range. Relations are looked at
 * from the last to the first, so that it is known how a quotient that bounds its dividend is
 * bounded itself.
 */
#include "passes/bound_ranges.h"
#include "passes/place_internal.h"

struct interval {
    wide low, high; /* inclusive */
};

/* Bounds of a quotient without limbs: its declared range, or 2^bits to either side. ORDER
 * is_implied: 0 stands for limbs. */
enum { IMPLIED_DECLARED = 255, IMPLIED_BITS_MOST = 240 };

/* What the circuit leaves to a quotient. */
static bool quotient_interval(const struct place *place, uint32_t tensor, size_t element,
                              struct interval *out)
{
    const struct relation_tensor *y = &place->program->tensors[tensor];
    uint8_t implied = place->is_implied[place_global(place, tensor, (uint32_t)element)];
    unsigned bits;
    *out = (struct interval){y->low, y->high};
    if (implied == IMPLIED_DECLARED)
        return true;
    if (implied > 0) {
        out->high = wide_power_of_two(implied);
        return wide_neg(&out->low, out->high);
    }
    relation_rounded_range(y, &out->low, &bits);
    return wide_add(&out->high, out->low, wide_power_of_two(bits)) &&
           wide_sub(&out->high, out->high, wide_from_i64(1));
}

/* What an enforced relation leaves to element i of its first view: false when it leaves everything,
 * or when a bound does not fit. */
static bool enforced_interval(const struct place *place, const struct relation *relation, size_t i,
                              struct interval *out)
{
    const struct relation_program *program = place->program;
    switch (relation->kind) {
    case RELATION_TABLE: {
        const struct relation_table *table = &program->tables[relation->table];
        out->low = wide_from_i64(table->x_low);
        return wide_add(&out->high, out->low, wide_from_i64((int64_t)table->size - 1));
    }
    case RELATION_RANGE:
        *out = (struct interval){relation->low, relation->high};
        return true;
    case RELATION_READ:
        *out = (struct interval){wide_from_i64(0),
                                 wide_from_i64(program->tensors[relation->memory].shape[0] - 1)};
        return true;
    case RELATION_RESCALE: {
        /* y d - half .. (y + 1) d - half - 1 over all y that are left */
        struct interval y;
        wide half = relation->rounding == ROUND_HALF_UP ? wide_shift_right(relation->divisor, 1)
                                                        : wide_from_i64(0);
        return !relation->divisor_is_view &&
               quotient_interval(place, relation->outputs[0], i, &y) &&
               wide_mul(&out->low, y.low, relation->divisor) &&
               wide_sub(&out->low, out->low, half) &&
               wide_add(&out->high, y.high, wide_from_i64(1)) &&
               wide_mul(&out->high, out->high, relation->divisor) &&
               wide_sub(&out->high, out->high, half) &&
               wide_sub(&out->high, out->high, wide_from_i64(1));
    }
    case RELATION_LINEAR:
    case RELATION_CONTRACT:
    case RELATION_PRODUCT:
    case RELATION_IS_ZERO:
    case RELATION_PERMUTE:
    case RELATION_HINT:
    case RELATION_DIGEST:
        break;
    }
    return false;
}

/*
 * Follows aliases and +-x + constant to an element with cells of its own, and carries the interval
 * of the item back to it. False when the item is something else or a bound does not fit.
 */
static bool follow_affine(struct place *place, struct item item, struct item *base,
                          struct interval *interval)
{
    while (item.kind == ITEM_ELEMENT && place->state[item.tensor] == STATE_VIRTUAL) {
        const struct relation *relation = &place->program->relations[place->producer[item.tensor]];
        int64_t coefficient;
        if (relation->kind != RELATION_LINEAR || relation->term_count != 1 ||
            !wide_to_i64(&coefficient, relation->terms[0].coefficient) ||
            (coefficient != 1 && coefficient != -1))
            return false;
        struct interval rest;
        if (!wide_sub(&rest.low, interval->low, relation->constant) ||
            !wide_sub(&rest.high, interval->high, relation->constant))
            return false;
        *interval = rest;
        if (coefficient == -1 &&
            (!wide_neg(&interval->low, rest.high) || !wide_neg(&interval->high, rest.low)))
            return false;
        const struct relation_view *view = &relation->terms[0].factors[0];
        item = place_resolve(
            place, view->tensor,
            relation_view_element(view, relation->space_rank, relation->space, item.element));
    }
    *base = item;
    return item.kind == ITEM_ELEMENT && place->state[item.tensor] == STATE_CELL;
}

/* Whether the declared range of a tensor follows from what it is computed from, not from a relation
 * that stands later. */
static bool holds_by_itself(const struct place *place, uint32_t tensor)
{
    const struct relation_tensor *x = &place->program->tensors[tensor];
    uint32_t producer = place->producer[tensor];
    struct range range;
    if (producer == RELATION_NONE)
        return x->role == ROLE_CONSTANT || x->role == ROLE_PARAMETER;
    return range_of_output(place->program, &place->program->relations[producer], 0, &range) &&
           place->program->relations[producer].outputs[0] == tensor &&
           range_contains((struct range){x->low, x->high}, range);
}

static unsigned magnitude_bits(const struct interval *interval)
{
    unsigned low = wide_bit_length(interval->low), high = wide_bit_length(interval->high);
    return low > high ? low : high;
}

/* How a quotient that a relation leaves in `bound` is kept; 0 when it needs limbs. */
static uint8_t bound_quotient(const struct place *place, const struct relation *rescale,
                              const struct interval *bound)
{
    const struct relation_tensor *y = &place->program->tensors[rescale->outputs[0]];
    if (wide_compare(y->low, bound->low) <= 0 && wide_compare(bound->high, y->high) <= 0)
        return IMPLIED_DECLARED;
    wide d = rescale->divisor_is_view ? place->program->tensors[rescale->views[1].tensor].high
                                      : rescale->divisor;
    unsigned bits = magnitude_bits(bound) + 1;
    struct range quotient;
    bool follows = holds_by_itself(place, rescale->views[0].tensor) &&
                   range_of_output(place->program, rescale, 0, &quotient) &&
                   range_contains((struct range){y->low, y->high}, quotient);
    return follows && bits + wide_bit_length(d) + 2 < IMPLIED_BITS_MOST ? (uint8_t)bits : 0;
}

/* The same for the remainder by a number: 0 .. d - 1. */
static uint8_t bound_remainder(const struct relation *rescale, const struct interval *bound)
{
    bool is_within = !rescale->divisor_is_view && !wide_is_negative(bound->low) &&
                     wide_compare(bound->high, rescale->divisor) < 0;
    return is_within ? IMPLIED_DECLARED : 0;
}

static void bound_element(struct place *place, size_t k, size_t i)
{
    const struct relation *relation = &place->program->relations[k];
    const struct relation_view *view = &relation->views[0];
    struct interval interval;
    struct item base;
    int64_t element = relation_view_element(view, relation->space_rank, relation->space, i);
    if (!enforced_interval(place, relation, i, &interval) ||
        !follow_affine(place, place_resolve(place, view->tensor, element), &base, &interval))
        return;
    uint32_t producer = place->producer[base.tensor];
    if (producer == RELATION_NONE || producer >= k ||
        place->program->relations[producer].kind != RELATION_RESCALE)
        return;
    const struct relation *rescale = &place->program->relations[producer];
    uint8_t *implied = &place->is_implied[place_global_of(place, &base)];
    uint8_t found = rescale->outputs[0] == base.tensor ? bound_quotient(place, rescale, &interval)
                                                       : bound_remainder(rescale, &interval);
    if (found == IMPLIED_DECLARED || *implied == 0)
        *implied = found;
}

void place_mark_implied(struct place *place)
{
    for (size_t k = place->program->relation_count; k-- > 0;) {
        const struct relation *relation = &place->program->relations[k];
        bool bounds = relation->kind == RELATION_TABLE || relation->kind == RELATION_RANGE ||
                      relation->kind == RELATION_READ || relation->kind == RELATION_RESCALE;
        size_t count = bounds ? space_count(relation) : 0;
        for (size_t i = 0; i < count; i++)
            bound_element(place, k, i);
    }
}
