/*
 * Lowering of quotients, remainders and roots. A quotient is the one integer y with x = y d + r,
 * 0 <= r < d; a root the one integer y with y^2 <= x < (y + 1)^2.
 */
#include <math.h>

#include "passes/lower_internal.h"

/* ---- quotients ---- */

/* The interval when it is not much wider than what calibration saw, else the calibrated range,
 * which is noted. */
static struct range quotient_range(struct lowering *l, struct range interval,
                                   const struct value_plan *plan, int32_t fraction)
{
    interval = range_round_up(interval);
    if (plan == NULL || plan->saw_infinity || (plan->low == 0 && plan->high == 0))
        return interval;
    struct range calibrated = lowering_calibrated(plan, fraction);
    if (range_bits(interval) <= range_bits(calibrated) + INTERVAL_SLACK_BITS)
        return interval;
    if (!wide_is_negative(interval.low))
        calibrated.low = wide_from_i64(0);
    lowering_note_range(l, "quotient", calibrated, fraction);
    return calibrated;
}

uint32_t lowering_hold_positive(struct lowering *l, uint32_t d, const struct value_plan *plan)
{
    struct range range = lowering_range_of(l, d);
    if (wide_compare(range.low, wide_from_i64(1)) >= 0)
        return d;
    unsigned bits = wide_bit_length(range.high);
    if (plan != NULL && !plan->saw_infinity && (plan->low != 0 || plan->high != 0)) {
        unsigned seen = range_bits(lowering_calibrated(plan, lowering_fraction(l, d)));
        bits = bits > seen + INTERVAL_SLACK_BITS ? seen : bits;
    }
    struct range positive = {wide_from_i64(1), lowering_power_of_two(l, bits)};
    lowering_note_range(l, "divisor", positive, lowering_fraction(l, d));
    return lowering_restrict(l, d, positive);
}

/*
 * Makes the divisor positive. *sign receives a tensor of 1 and -1, RELATION_NONE when it is always
 * 1; *is_negated whether it is always -1.
 */
static uint32_t positive_divisor(struct lowering *l, uint32_t d, const struct value_plan *plan,
                                 uint32_t *sign, bool *is_negated)
{
    struct range range = lowering_range_of(l, d);
    *sign = RELATION_NONE;
    bool never_positive = wide_is_negative(range.high) || wide_is_zero(range.high);
    bool seen_positive = plan != NULL && plan->low > 0,
         seen_negative = plan != NULL && plan->high < 0;
    *is_negated = never_positive || (wide_is_negative(range.low) && seen_negative);
    if (*is_negated)
        return lowering_hold_positive(l, lowering_affine(l, -1, d, wide_from_i64(0)), plan);
    if (!wide_is_negative(range.low) || seen_positive)
        return lowering_hold_positive(l, d, plan);
    uint32_t bit;
    uint32_t magnitude = lowering_absolute(l, d, &bit);
    *sign = lowering_affine(l, 2, bit, wide_from_i64(-1));
    return lowering_hold_positive(l, magnitude, plan);
}

/*
 * Y = floor(X / D) for what X and D stand for, D with its sign taken off: with ideal numbers x, d
 * the quotient is off by |X / D - x / d| = |(X / D) (d - D) + (X - x)| / |d|. d has the sign of D
 * and |d| >= least |D| - error of d, which has to be positive.
 */
void lowering_state_quotient(struct lowering *l, uint32_t y, uint32_t x, uint32_t d)
{
    const struct error_bound *bound = lowering_bound(l, d);
    if (!bound_is_proven(lowering_bound(l, x)) || !bound_is_proven(bound)) {
        lowering_state_greater(l, y, x, d);
        return;
    }
    double room = (bound->least - bound->error) * (1 - 0x1p-50);
    if (!(room > 0)) {
        lowering_leave_bound(l, y, BOUND_POLE);
        return;
    }
    double unit = ldexp(1, -lowering_fraction(l, y)),
           quotient = bound_add(lowering_most(l, y), unit),
           error =
               bound_div(bound_add(bound_mul(quotient, lowering_error(l, d)), lowering_error(l, x)),
                         bound_scale(room, -lowering_fraction(l, d)));
    lowering_state_error(l, y, x, bound_add(error, unit));
}

uint32_t lowering_divide(struct lowering *l, const struct shape *shape, uint32_t x, uint32_t d,
                         int32_t fraction, const struct value_plan *d_plan,
                         const struct value_plan *y_plan)
{
    uint32_t sign, numerator = x, divisor;
    bool is_negated;
    d = divisor = positive_divisor(l, d, d_plan, &sign, &is_negated);
    if (is_negated)
        x = lowering_affine(l, -1, x, wide_from_i64(0));
    if (sign != RELATION_NONE) {
        struct relation_term term = lowering_term_product(l, 1, x, sign, shape);
        x = lowering_product(l, shape, form_fixed(lowering_fraction(l, x)), &term, 1,
                             wide_from_i64(0));
    }
    /* y 2^-F = (x 2^-a) / (d 2^-b): scale x up by F + b - a bits, or d when that is negative. */
    int32_t shift = fraction + lowering_fraction(l, d) - lowering_fraction(l, x);
    uint32_t *scaled = shift >= 0 ? &x : &d;
    int32_t up = shift >= 0 ? shift : -shift;
    if (up > 0) {
        struct shape own = lowering_shape(l, *scaled);
        if (up > 240)
            lowering_fail(l, STATUS_LIMIT, "a quotient of numbers %d bits apart", up);
        struct relation_term term =
            lowering_term_wide(l, lowering_power_of_two(l, (unsigned)up), *scaled, &own);
        *scaled = lowering_linear(l, &own, form_fixed(lowering_fraction(l, *scaled) + up), &term, 1,
                                  wide_from_i64(0));
    }
    struct range interval = range_divide_floor(lowering_range_of(l, x), lowering_range_of(l, d));
    struct range held = quotient_range(l, interval, y_plan, fraction);
    uint32_t y = lowering_divide_floor(l, shape, x, d, form_fixed(fraction), &held, NULL);
    lowering_state_quotient(l, y, numerator, divisor);
    return y;
}

void check_div(struct lowering *l)
{
    const struct tensor *data = lowering_data(l, 1);
    bool is_float = element_type_is_float(lowering_graph_value(l, 0)->type) && data != NULL &&
                    element_type_is_float(data->type);
    for (size_t e = 0; is_float && e < data->count; e++)
        if (data->data.real[e] == 0)
            lowering_fail(l, STATUS_UNSUPPORTED,
                          "division by a stored zero; divide by other numbers");
}

/* Reciprocals of stored numbers, none of which is 0, exact enough for a product with x to meet the
 * result's fraction.
 */
static uint32_t stored_reciprocal(struct lowering *l, size_t i, uint32_t x)
{
    const struct tensor *data = lowering_data(l, i);
    double *values = lowering_array(l, double, data->count);
    for (size_t e = 0; e < data->count; e++) {
        double value =
            element_type_is_float(data->type) ? data->data.real[e] : (double)data->data.integer[e];
        values[e] = 1 / value;
    }
    int32_t whole = (int32_t)range_bits(lowering_range_of(l, x)) - lowering_fraction(l, x);
    int32_t fraction = lowering_output_fraction(l, 0) + (whole < 0 ? 0 : whole) + 2;
    uint32_t inverse;
    if (lowering_is_parameter(l, i)) {
        inverse = lowering_parameter(l, lowering_graph_value(l, i)->name, &data->shape, values, 1,
                                     fraction);
    } else {
        wide *integers = lowering_array(l, wide, data->count);
        for (size_t e = 0; e < data->count; e++)
            integers[e] = lowering_real(l, values[e], fraction);
        inverse = lowering_constant(l, &data->shape, form_fixed(fraction), integers);
        lowering_widen_error(l, inverse, 0.5);
    }
    /* 1 / value was rounded to float64. */
    lowering_widen_error(l, inverse, ldexp(bound_add(lowering_bound(l, inverse)->most, 1), -52));
    return inverse;
}

/* Integers truncate toward zero: sign (|x| / |d|). */
static void divide_integers(struct lowering *l, const struct shape *shape)
{
    uint32_t x_bit, d_bit, x = lowering_absolute(l, lowering_input(l, 0), &x_bit),
                           d = lowering_absolute(l, lowering_input(l, 1), &d_bit);
    d = lowering_hold_positive(l, d, lowering_input_plan(l, 1));
    uint32_t y = lowering_divide_floor(l, shape, x, d, form_integer(), NULL, NULL);
    /* (2 a - 1) (2 b - 1) y */
    struct relation_term terms[4] = {lowering_term_product(l, 4, x_bit, d_bit, shape),
                                     lowering_term_product(l, -2, x_bit, y, shape),
                                     lowering_term_product(l, -2, d_bit, y, shape),
                                     lowering_term(l, 1, y, shape)};
    terms[0].factors[2] = lowering_view(l, y, shape);
    terms[0].factor_count = 3;
    lowering_output(l, 0, lowering_product(l, shape, form_integer(), terms, 4, wide_from_i64(0)));
}

/*
 * Operand i as a divisor, without more fraction bits than the result needs. One that was positive
 * before rounding stays so.
 */
static uint32_t divisor_input(struct lowering *l, size_t i)
{
    uint32_t x = lowering_input(l, i), d = lowering_trim(l, x, lowering_input_fraction(l, i), 4);
    bool was_positive = wide_compare(lowering_range_of(l, x).low, wide_from_i64(1)) >= 0;
    return was_positive ? lowering_at_least(l, d, wide_from_i64(1)) : d;
}

void lower_div(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    if (!element_type_is_float(lowering_graph_value(l, 0)->type)) {
        divide_integers(l, &shape);
        return;
    }
    if (lowering_data(l, 1) != NULL) {
        uint32_t x = lowering_factor(l, 0), inverse = stored_reciprocal(l, 1, x);
        struct relation_term term = lowering_term_product(l, 1, x, inverse, &shape);
        struct form form = form_fixed(lowering_fraction(l, x) + lowering_fraction(l, inverse));
        lowering_output(l, 0, lowering_product(l, &shape, form, &term, 1, wide_from_i64(0)));
        return;
    }
    uint32_t d = divisor_input(l, 1);
    uint32_t x = lowering_factor(l, 0);
    if (lowering_traces_nan(l)) {
        /* Where d is 0 the quotient becomes 0 / (last place): NaN for 0 / 0, else an infinity. */
        uint32_t bad = lowering_is_zero(l, d);
        struct relation_term both =
            lowering_term_product(l, 1, bad, lowering_is_zero(l, x), &shape);
        uint32_t nan = lowering_product(l, &shape, form_integer(), &both, 1, wide_from_i64(0));
        lowering_mark_nan(l, nan);
        lowering_mark_infinite(l, lowering_sum2(l, &shape, bad, 1, nan, -1));
        struct shape own = lowering_shape(l, d);
        struct relation_term raised[2] = {lowering_term(l, 1, d, &own),
                                          lowering_term(l, 1, bad, &own)};
        d = lowering_linear(l, &own, lowering_form(l, d), raised, 2, wide_from_i64(0));
        struct relation_term kept[2] = {lowering_term_product(l, -1, bad, x, &shape),
                                        lowering_term(l, 1, x, &shape)};
        x = lowering_product(l, &shape, lowering_form(l, x), kept, 2, wide_from_i64(0));
    }
    lowering_output(l, 0,
                    lowering_divide(l, &shape, x, d, lowering_output_fraction(l, 0) + 1,
                                    lowering_input_plan(l, 1), lowering_output_plan(l, 0)));
}

void lower_reciprocal(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    uint32_t d = divisor_input(l, 0);
    lowering_output(l, 0,
                    lowering_divide(l, &shape, lowering_constant_i64(l, 1), d,
                                    lowering_output_fraction(l, 0) + 1, lowering_input_plan(l, 0),
                                    lowering_output_plan(l, 0)));
}

/* ---- roots ---- */

/* max(0, x): a float run would give NaN below zero, where only rounding can have led. */
static uint32_t not_negative(struct lowering *l, uint32_t x)
{
    return lowering_at_least(l, x, wide_from_i64(0));
}

/* x at 2F bits, rounded down: its root at F bits, rounded down, is that of x. */
static uint32_t square_of_root(struct lowering *l, uint32_t x, int32_t fraction)
{
    int32_t drop = lowering_fraction(l, x) - 2 * fraction;
    if (drop <= 0)
        return lowering_to_fraction(l, x, 2 * fraction);
    uint32_t y = lowering_rescale(l, x, lowering_power_of_two(l, (unsigned)drop), ROUND_FLOOR,
                                  form_fixed(2 * fraction), NULL, NULL);
    lowering_state_function(l, y, x, 1, ldexp(1, -2 * fraction));
    return y;
}

/*
 * y is the root of what X >= 0 stands for, rounded down. |sqrt X - sqrt x| is at most the root of
 * |X - x|, and |X - x| / (sqrt X + sqrt x).
 */
static void state_root(struct lowering *l, uint32_t y, uint32_t x)
{
    double error = lowering_error(l, x),
           least = ldexp(lowering_bound(l, x)->least, -lowering_fraction(l, x)),
           off = bound_root(error);
    least = least < 0 ? 0 : least;
    double below = least > error ? (least - error) * (1 - 0x1p-50) : 0,
           roots = (sqrt(least) + sqrt(below)) * (1 - 0x1p-50);
    if (roots > 0)
        off = fmin(off, bound_div(error, roots));
    lowering_state_error(l, y, x, bound_add(off, ldexp(1, -lowering_fraction(l, y))));
    lowering_assure(l, y, sqrt(least) * (1 - 0x1p-50) - ldexp(1, -lowering_fraction(l, y)));
}

/* Where the roots of x lie: from that of its least value, over as many integers as a power of two.
 */
static struct range root_range(struct range x)
{
    wide low = wide_is_negative(x.low) ? wide_from_i64(0) : wide_square_root(x.low), size;
    struct range root = {low, low};
    ASSERT(wide_sub(&size, wide_square_root(x.high), low));
    ASSERT(wide_add(&root.high, low, wide_power_of_two(wide_bit_length(size))) &&
           wide_sub(&root.high, root.high, wide_from_i64(1)));
    return root;
}

uint32_t lowering_square_root(struct lowering *l, uint32_t x, int32_t fraction)
{
    uint32_t operand = x;
    /* (y 2^-F)^2 = X 2^-2F */
    x = not_negative(l, square_of_root(l, x, fraction));
    struct shape shape = lowering_shape(l, x);
    unsigned bits = (wide_bit_length(lowering_range_of(l, x).high) + 1) / 2;
    struct range root = root_range(lowering_range_of(l, x)), rest = range_of_i64(0, 0);
    lowering_require_room(l, wide_sub(&rest.high, wide_power_of_two(bits + 1), wide_from_i64(1)));
    struct relation_view view = lowering_view(l, x, &shape);
    uint32_t y = lowering_hint(l, HINT_SQUARE_ROOT, 0, &shape, &view, 1, &shape, root);
    l->program->tensors[y].scale.exponent = -fraction;
    l->program->tensors[y].encoding = ENCODING_FIXED;
    lowering_enforce(l, y, root);
    struct relation_term terms[2] = {lowering_term_product(l, -1, y, y, &shape),
                                     lowering_term(l, 1, x, &shape)};
    uint32_t over = lowering_product_within(l, &shape, form_fixed(2 * fraction), terms, 2,
                                            wide_from_i64(0), rest);
    lowering_enforce(l, over, rest);
    struct relation_term under[2] = {lowering_term(l, 2, y, &shape),
                                     lowering_term(l, -1, over, &shape)};
    uint32_t room = lowering_linear_within(l, &shape, form_fixed(2 * fraction), under, 2,
                                           wide_from_i64(0), rest);
    lowering_enforce(l, room, rest);
    state_root(l, y, operand);
    return y;
}

/* Rounded down once, so that comparing the root with a number of few bits is comparing the exact
 * operand with its square: radii of neighbours ask for that. */
void lower_sqrt(struct lowering *l)
{
    int32_t fraction = lowering_output_fraction(l, 0) + 1;
    uint32_t x = square_of_root(l, lowering_input(l, 0), fraction);
    if (lowering_traces_nan(l))
        x = lowering_replace_below(l, x, wide_from_i64(0), wide_from_i64(0));
    lowering_output(l, 0, lowering_square_root(l, x, fraction));
}
