/*
 * Which quotients need no range of their own, since a later relation keeps them in it. Only a bound
 * within the declared range counts: whatever follows from the quotient was bounded by that range.
 */
#include "passes/place_internal.h"

struct interval {
    wide low, high; /* inclusive */
};

/* What an enforced relation leaves to its first view: false when it leaves everything, or when a
 * bound does not fit. */
static bool enforced_interval(const struct place *place, const struct relation *relation,
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
        /* y d - half .. (y + 1) d - half - 1 over all y of its range */
        const struct relation_tensor *y = &program->tensors[relation->outputs[0]];
        wide half = relation->rounding == ROUND_HALF_UP ? wide_shift_right(relation->divisor, 1)
                                                        : wide_from_i64(0);
        return !relation->divisor_is_view && wide_mul(&out->low, y->low, relation->divisor) &&
               wide_sub(&out->low, out->low, half) &&
               wide_add(&out->high, y->high, wide_from_i64(1)) &&
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

void place_mark_implied(struct place *place)
{
    for (size_t k = 0; k < place->program->relation_count; k++) {
        const struct relation *relation = &place->program->relations[k];
        struct interval enforced, interval;
        if (!enforced_interval(place, relation, &enforced))
            continue;
        size_t count = 1;
        for (unsigned d = 0; d < relation->space_rank; d++)
            count *= (size_t)relation->space[d];
        for (size_t i = 0; i < count; i++) {
            const struct relation_view *view = &relation->views[0];
            int64_t element = relation_view_element(view, relation->space_rank, relation->space, i);
            struct item base;
            interval = enforced;
            if (!follow_affine(place, place_resolve(place, view->tensor, element), &base,
                               &interval))
                continue;
            uint32_t producer = place->producer[base.tensor];
            const struct relation_tensor *tensor = &place->program->tensors[base.tensor];
            if (producer == RELATION_NONE || producer >= k ||
                place->program->relations[producer].kind != RELATION_RESCALE ||
                place->program->relations[producer].outputs[0] != base.tensor)
                continue;
            if (wide_compare(tensor->low, interval.low) <= 0 &&
                wide_compare(interval.high, tensor->high) <= 0)
                place->is_implied[place_global(place, base.tensor, base.element)] = 1;
        }
    }
}
