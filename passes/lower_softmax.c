/*
 * Lowering of the softmax family: exponentials of what is left below the greatest element, over
 * their sum. Every exponential is at most 1, so absolute precision is enough.
 */
#include <math.h>

#include "passes/lower_smooth.h"

struct exponentials {
    uint32_t shifted; /* x - max, [rows, n] */
    uint32_t max;     /* [rows, 1] */
    uint32_t e;       /* exp(shifted) */
    uint32_t sum;     /* [rows, 1], at least almost 1 */
    int32_t fraction; /* of e and sum */
};

/* exp(x), x <= 0: by one table when there are enough elements, else by small tables and products.
 */
static uint32_t exp_below_zero(struct lowering *l, uint32_t x, int32_t fraction)
{
    enum { ELEMENT_ROWS = 27 };
    const double ln2 = 0.69314718055994531;
    struct smooth_domain domain = {-ceil((fraction + 2) * ln2), 0, true, false};
    double rows = lowering_exp_rows(l) + ELEMENT_ROWS * (double)lowering_tensor(l, x)->count;
    return rows < lowering_smooth_rows(l, TABLE_EXP, x, domain, fraction)
               ? lowering_exp(l, x, 0, fraction)
               : lowering_smooth(l, TABLE_EXP, x, domain, fraction);
}

static struct exponentials exponentials_of(struct lowering *l, uint32_t rows, int32_t fraction)
{
    struct exponentials out;
    struct shape shape = lowering_shape(l, rows), column = shape_of(2, shape.dim[0], (int64_t)1);
    int32_t spare = 2;
    while ((int64_t)1 << (spare - 2) < shape.dim[1])
        spare++;
    out.fraction = fraction + spare;
    out.max = lowering_reshape(l, lowering_max_rows(l, rows), &column);
    out.shifted = lowering_difference(l, &shape, rows, out.max);
    out.e = exp_below_zero(l, out.shifted, out.fraction);
    uint32_t sum = lowering_reshape(l, lowering_sum_rows(l, out.e), &column);
    /* The greatest element gives exp(0), so the sum is positive: a fact the range states and
     * enforces. */
    struct range range = {wide_from_i64(1),
                          wide_power_of_two(wide_bit_length(lowering_range_of(l, sum).high))};
    out.sum = lowering_restrict(l, sum, range);
    return out;
}

/* Rows of the axes a softmax normalises. */
static uint32_t softmax_axes(struct lowering *l, unsigned rank)
{
    int64_t axis = lowering_attribute_int(l, "axis", -1);
    if (lowering_attribute_int(l, "flatten", 0) == 0)
        return 1u << lowering_axis(l, axis, rank);
    axis = axis < 0 ? axis + (int64_t)rank : axis;
    return ((1u << rank) - 1) & ~((1u << axis) - 1);
}

/* Puts [rows, n] back where lowering_rows took it from. */
static uint32_t restore_rows(struct lowering *l, uint32_t rows, const struct shape *shape,
                             uint32_t axes)
{
    struct relation_view view = {.tensor = rows};
    int64_t inner = 1, outer = lowering_tensor(l, rows)->shape[1];
    for (unsigned d = shape->rank; d-- > 0;) {
        int64_t *stride = (axes >> d & 1) != 0 ? &inner : &outer;
        view.high[d] = shape->dim[d];
        view.stride[d] = *stride;
        *stride *= shape->dim[d];
    }
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    return lowering_linear(l, shape, lowering_form(l, rows), &term, 1, wide_from_i64(0));
}

void lower_softmax(struct lowering *l)
{
    uint32_t x = lowering_planned_input(l);
    struct shape shape = lowering_shape(l, x);
    uint32_t axes = softmax_axes(l, shape.rank), rows = lowering_rows(l, x, axes);
    int32_t fraction = lowering_output_fraction(l, 0) + 1;
    fraction = fraction < 1 ? 1 : fraction;
    struct exponentials e = exponentials_of(l, rows, fraction);
    struct shape flat = lowering_shape(l, rows);
    struct relation_term term =
        lowering_term_wide(l, wide_power_of_two((unsigned)fraction), e.e, &flat);
    uint32_t scaled =
        lowering_linear(l, &flat, form_fixed(e.fraction + fraction), &term, 1, wide_from_i64(0));
    struct range unit =
        range_round_up(range_make(wide_from_i64(0), wide_power_of_two((unsigned)fraction)));
    uint32_t y = lowering_divide_floor(l, &flat, scaled, e.sum, form_fixed(fraction), &unit, NULL);
    lowering_output(l, 0, restore_rows(l, y, &shape, axes));
}

uint32_t lowering_log_softmax_rows(struct lowering *l, uint32_t rows, int32_t fraction)
{
    struct exponentials e = exponentials_of(l, rows, fraction);
    struct shape flat = lowering_shape(l, rows);
    return lowering_difference(l, &flat, e.shifted, lowering_log(l, e.sum, NULL, fraction));
}

void lower_log_softmax(struct lowering *l)
{
    uint32_t x = lowering_planned_input(l);
    struct shape shape = lowering_shape(l, x);
    uint32_t axes = softmax_axes(l, shape.rank), rows = lowering_rows(l, x, axes);
    uint32_t y = lowering_log_softmax_rows(l, rows, lowering_output_fraction(l, 0) + 1);
    lowering_output(l, 0, restore_rows(l, y, &shape, axes));
}

void lower_reduce_log_sum_exp(struct lowering *l)
{
    uint32_t x = lowering_planned_input(l), axes = 0;
    unsigned rank = lowering_shape(l, x).rank;
    const struct tensor *known = lowering_has_input(l, 1) ? lowering_known(l, 1) : NULL;
    for (size_t i = 0; known != NULL && i < known->count; i++)
        axes |= 1u << lowering_axis(l, known->data.integer[i], rank);
    if (axes == 0 && lowering_attribute_int(l, "noop_with_empty_axes", 0) == 0)
        axes = (1u << rank) - 1;
    int32_t fraction = lowering_output_fraction(l, 0) + 1;
    struct exponentials e = exponentials_of(l, lowering_rows(l, x, axes), fraction);
    struct shape column = lowering_shape(l, e.max);
    lowering_output(l, 0,
                    lowering_sum2(l, &column, e.max, 1, lowering_log(l, e.sum, NULL, fraction), 1));
}
