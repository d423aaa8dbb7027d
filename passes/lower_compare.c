/*
 * Lowering of comparisons, choices and logic. x >= 0 for |x| < 2^k is the bit floor((x + 2^k) /
 * 2^k): exact, with one possible value.
 */
#include <math.h>

#include "passes/lower_internal.h"

static uint32_t ones(struct lowering *l, int64_t value)
{
    return lowering_constant_i64(l, value);
}

uint32_t lowering_is_not_negative(struct lowering *l, uint32_t x)
{
    struct range range = lowering_range_of(l, x);
    if (!wide_is_negative(range.low))
        return ones(l, 1);
    if (wide_is_negative(range.high))
        return ones(l, 0);
    wide power = lowering_power_of_two(l, range_bits(range));
    uint32_t shifted = lowering_affine(l, 1, x, power);
    struct range bit = range_of_i64(0, 1);
    return lowering_rescale(l, shifted, power, ROUND_FLOOR, form_integer(), &bit, NULL);
}

uint32_t lowering_difference(struct lowering *l, const struct shape *shape, uint32_t a, uint32_t b)
{
    return lowering_sum2(l, shape, a, 1, b, -1);
}

/* Both operands at the larger of their fractions. */
static int32_t align(struct lowering *l, uint32_t *a, uint32_t *b)
{
    int32_t fa = lowering_fraction(l, *a), fb = lowering_fraction(l, *b),
            fraction = fa > fb ? fa : fb;
    *a = lowering_to_fraction(l, *a, fraction);
    *b = lowering_to_fraction(l, *b, fraction);
    return fraction;
}

uint32_t lowering_select(struct lowering *l, const struct shape *shape, uint32_t bit, uint32_t x,
                         uint32_t y)
{
    int32_t fraction = align(l, &x, &y);
    struct relation_term terms[3] = {lowering_term_product(l, 1, bit, x, shape),
                                     lowering_term_product(l, -1, bit, y, shape),
                                     lowering_term(l, 1, y, shape)};
    struct form form = lowering_form(l, x);
    form.fraction = fraction;
    uint32_t chosen = lowering_product(l, shape, form, terms, 3, wide_from_i64(0));
    lowering_state_chosen(l, chosen, bit, x, y);
    lowering_limit(l, chosen, fmax(lowering_most(l, x), lowering_most(l, y)),
                   fmax(lowering_ideal(l, x), lowering_ideal(l, y)));
    return chosen;
}

/* -1 where x < 0, else 0. Requires: both happen, as far as its range says. */
static uint32_t minus_if_negative(struct lowering *l, uint32_t x)
{
    struct range minus = range_of_i64(-1, 0);
    return lowering_rescale(l, x, lowering_power_of_two(l, range_bits(lowering_range_of(l, x))),
                            ROUND_FLOOR, form_integer(), &minus, NULL);
}

/*
 * b + sign y d, where d = sign (b - a), y = -1 where d < 0: the greater of a and b for sign 1, the
 * smaller for -1. In a chain of such, a is read by d alone and needs no cell.
 */
static uint32_t extreme(struct lowering *l, const struct shape *shape, uint32_t a, uint32_t b,
                        int64_t sign)
{
    align(l, &a, &b);
    uint32_t d = lowering_sum2(l, shape, b, sign, a, -sign);
    struct range range = lowering_range_of(l, d);
    if (!wide_is_negative(range.low) || wide_is_negative(range.high)) {
        uint32_t best = lowering_expand(l, wide_is_negative(range.high) ? a : b, shape);
        /* The ideal one may be the other where they are not further apart than they are off. */
        double apart = fmin(bound_of_wide(range.low), bound_of_wide(range.high)),
               off = bound_add(lowering_error(l, a), lowering_error(l, b));
        if (!(bound_scale(off, lowering_fraction(l, d)) <= apart * (1 - 0x1p-50)))
            lowering_state_greater(l, best, a, b);
        return best;
    }
    struct relation_term terms[2] = {
        lowering_term_product(l, sign, minus_if_negative(l, d), d, shape),
        lowering_term(l, 1, b, shape)};
    uint32_t best = lowering_product(l, shape, lowering_form(l, b), terms, 2, wide_from_i64(0));
    lowering_state_greater(l, best, a, b);
    lowering_limit(l, best, fmax(lowering_most(l, a), lowering_most(l, b)),
                   fmax(lowering_ideal(l, a), lowering_ideal(l, b)));
    double least_a = lowering_least(l, a), least_b = lowering_least(l, b);
    lowering_assure(l, best, sign > 0 ? fmax(least_a, least_b) : fmin(least_a, least_b));
    return best;
}

uint32_t lowering_maximum(struct lowering *l, const struct shape *shape, uint32_t a, uint32_t b)
{
    return extreme(l, shape, a, b, 1);
}

uint32_t lowering_minimum(struct lowering *l, const struct shape *shape, uint32_t a, uint32_t b)
{
    return extreme(l, shape, a, b, -1);
}

/* bit * x + constant, where bit is the sign of x: constant + max(0, x). */
static uint32_t positive_part(struct lowering *l, uint32_t x, wide constant)
{
    struct shape shape = lowering_shape(l, x);
    uint32_t bit = lowering_is_not_negative(l, x);
    struct relation_term term = lowering_term_product(l, 1, bit, x, &shape);
    uint32_t y = lowering_product(l, &shape, lowering_form(l, x), &term, 1, constant);
    double base = bound_scale(bound_of_wide(constant), -lowering_fraction(l, x));
    lowering_state_function(l, y, x, 1, 0);
    lowering_limit(l, y, bound_add(base, lowering_most(l, x)),
                   bound_add(base, lowering_ideal(l, x)));
    double least = bound_below(constant) + fmax(0, lowering_bound(l, x)->least);
    lowering_assure(l, y, ldexp(least - fabs(least) * 0x1p-52, -lowering_fraction(l, y)));
    return y;
}

uint32_t lowering_replace_below(struct lowering *l, uint32_t x, wide bound, wide value)
{
    wide minus;
    struct shape shape = lowering_shape(l, x), scalar = {0};
    if (wide_compare(lowering_range_of(l, x).low, bound) >= 0)
        return x;
    if (!wide_neg(&minus, bound))
        lowering_fail(l, STATUS_LIMIT, "a bound leaves 256 bits");
    uint32_t good = lowering_is_not_negative(l, lowering_affine(l, 1, x, minus));
    lowering_mark_nan(l, lowering_affine(l, -1, good, wide_from_i64(1)));
    return lowering_select(l, &shape, good, x,
                           lowering_constant(l, &scalar, lowering_form(l, x), &value));
}

uint32_t lowering_at_least(struct lowering *l, uint32_t x, wide bound)
{
    wide minus;
    if (wide_compare(lowering_range_of(l, x).low, bound) >= 0)
        return x;
    if (!wide_neg(&minus, bound))
        lowering_fail(l, STATUS_LIMIT, "a bound leaves 256 bits");
    return positive_part(l, lowering_affine(l, 1, x, minus), bound);
}

uint32_t lowering_at_most(struct lowering *l, uint32_t x, wide bound)
{
    if (wide_compare(lowering_range_of(l, x).high, bound) <= 0)
        return x;
    /* min(x, c) = c - max(0, c - x) */
    uint32_t rest = positive_part(l, lowering_affine(l, -1, x, bound), wide_from_i64(0));
    return lowering_affine(l, -1, rest, bound);
}

/* ---- infinite operands ---- */

static bool has_infinity(const struct lowering *l, size_t i)
{
    const struct tensor *data = lowering_data(l, i);
    for (size_t e = 0; data != NULL && element_type_is_float(data->type) && e < data->count; e++) {
        if (isinf(data->data.real[e]))
            return true;
    }
    return false;
}

/* Operand i for a comparison with operand j: a stored infinity becomes a number beyond every value
 * of j. */
static uint32_t comparable(struct lowering *l, size_t i, size_t j)
{
    if (!has_infinity(l, i) || lowering_data(l, j) != NULL)
        return lowering_input(l, i);
    const struct tensor *data = lowering_data(l, i);
    uint32_t other = lowering_input(l, j);
    int32_t whole = (int32_t)range_bits(lowering_range_of(l, other)) - lowering_fraction(l, other);
    double beyond = ldexp(1, (whole < 0 ? 0 : whole) + 1);
    double *values = lowering_array(l, double, data->count);
    for (size_t e = 0; e < data->count; e++)
        values[e] =
            isinf(data->data.real[e]) ? copysign(beyond, data->data.real[e]) : data->data.real[e];
    int32_t fraction = lowering_input_fraction(l, i);
    return lowering_parameter(l, lowering_graph_value(l, i)->name, &data->shape, values, 1,
                              fraction < 0 ? 0 : fraction);
}

/* ---- activations ---- */

/* Operand 0 without more fraction bits than the result needs: a comparison pays for every bit. */
static uint32_t compared_input(struct lowering *l)
{
    return lowering_trim(l, lowering_input(l, 0), lowering_output_fraction(l, 0), 6);
}

void lower_relu(struct lowering *l)
{
    lowering_output(l, 0, positive_part(l, compared_input(l), wide_from_i64(0)));
}

void lower_abs(struct lowering *l)
{
    uint32_t x = compared_input(l);
    lowering_output(l, 0, lowering_absolute(l, x, NULL));
}

uint32_t lowering_absolute(struct lowering *l, uint32_t x, uint32_t *is_not_negative)
{
    struct shape shape = lowering_shape(l, x);
    uint32_t bit = lowering_is_not_negative(l, x);
    struct relation_term terms[2] = {lowering_term_product(l, 2, bit, x, &shape),
                                     lowering_term(l, -1, x, &shape)};
    if (is_not_negative != NULL)
        *is_not_negative = bit;
    uint32_t y = lowering_product(l, &shape, lowering_form(l, x), terms, 2, wide_from_i64(0));
    lowering_state_function(l, y, x, 1, 0);
    lowering_limit(l, y, lowering_most(l, x), lowering_ideal(l, x));
    lowering_assure(l, y, fmax(0, lowering_least(l, x)));
    return y;
}

void lower_sign(struct lowering *l)
{
    uint32_t x = lowering_input(l, 0);
    struct shape shape = lowering_shape(l, x);
    struct relation_term terms[2] = {lowering_term(l, 2, lowering_is_not_negative(l, x), &shape),
                                     lowering_term(l, -1, lowering_is_zero(l, x), &shape)};
    uint32_t sign = lowering_linear(l, &shape, form_integer(), terms, 2, wide_from_i64(-1));
    lowering_state_sign(l, sign, 0);
    lowering_output(l, 0, sign);
}

/* x < 0 ? slope x : x, slope a tensor or a number: x + (1 - bit) (slope - 1) x. */
static uint32_t leak(struct lowering *l, uint32_t x, uint32_t slope, const struct shape *shape)
{
    uint32_t bit = lowering_is_not_negative(l, x);
    struct relation_term scaled = lowering_term_product(l, 1, x, slope, shape);
    uint32_t product = lowering_product(
        l, shape, form_fixed(lowering_fraction(l, x) + lowering_fraction(l, slope)), &scaled, 1,
        wide_from_i64(0));
    uint32_t y = lowering_select(l, shape, bit, x, product);
    /* x + (slope - 1) min(0, x): no steeper in x than the greater of 1 and |slope|. */
    if (bound_is_proven(lowering_bound(l, x)) && bound_is_proven(lowering_bound(l, slope))) {
        double steep = fmax(1, bound_add(lowering_most(l, slope), lowering_error(l, slope)));
        lowering_state_function(l, y, x, steep,
                                bound_mul(lowering_error(l, slope), lowering_most(l, x)));
    } else {
        lowering_state_greater(l, y, x, slope);
    }
    return y;
}

void lower_leaky_relu(struct lowering *l)
{
    uint32_t x = compared_input(l);
    enum { SLOPE_BITS = 30 };
    struct shape shape = lowering_shape(l, x), scalar = {0};
    double alpha = lowering_attribute_float(l, "alpha", 0.01);
    wide slope = lowering_real(l, alpha, SLOPE_BITS);
    uint32_t constant = lowering_constant(l, &scalar, form_fixed(SLOPE_BITS), &slope);
    lowering_widen_error(l, constant, lowering_real_off(alpha, SLOPE_BITS));
    lowering_output(l, 0, leak(l, x, constant, &shape));
}

void lower_prelu(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    lowering_output(l, 0, leak(l, compared_input(l), lowering_input(l, 1), &shape));
}

void lower_max(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    bool is_pair = l->node->input_count == 2;
    uint32_t best = is_pair ? comparable(l, 0, 1) : lowering_input(l, 0);
    for (size_t i = 1; i < l->node->input_count; i++)
        best =
            lowering_maximum(l, &shape, best, is_pair ? comparable(l, 1, 0) : lowering_input(l, i));
    lowering_output(l, 0, lowering_expand(l, best, &shape));
}

void lower_min(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    bool is_pair = l->node->input_count == 2;
    uint32_t best = is_pair ? comparable(l, 0, 1) : lowering_input(l, 0);
    for (size_t i = 1; i < l->node->input_count; i++)
        best =
            lowering_minimum(l, &shape, best, is_pair ? comparable(l, 1, 0) : lowering_input(l, i));
    lowering_output(l, 0, lowering_expand(l, best, &shape));
}

/* min(max, max(min, x)); a bound that is infinite in the model bounds nothing. */
static bool is_bound(const struct lowering *l, size_t i)
{
    if (!lowering_has_input(l, i))
        return false;
    const struct tensor *data = lowering_data(l, i);
    return data == NULL || !element_type_is_float(data->type) ||
           (data->data.real[0] < 3e38 && data->data.real[0] > -3e38);
}

/* Bound i as a scalar: it may have axes of one where x has none. */
static uint32_t bound_of(struct lowering *l, size_t i, uint32_t x)
{
    struct shape scalar = {0};
    return lowering_reshape(l, lowering_trim(l, lowering_input(l, i), lowering_fraction(l, x), 1),
                            &scalar);
}

void lower_clip(struct lowering *l)
{
    uint32_t x = compared_input(l);
    struct shape shape = lowering_shape(l, x);
    if (is_bound(l, 1))
        x = lowering_maximum(l, &shape, x, bound_of(l, 1, x));
    if (is_bound(l, 2))
        x = lowering_minimum(l, &shape, x, bound_of(l, 2, x));
    lowering_output(l, 0, x);
}

/* ---- comparisons ---- */

/* a >= b, or a > b when strict. */
static uint32_t not_below(struct lowering *l, uint32_t a, uint32_t b, bool strict)
{
    struct shape shape = lowering_output_shape(l, 0);
    uint32_t gap = lowering_difference(l, &shape, a, b);
    if (strict)
        gap = lowering_affine(l, 1, gap, wide_from_i64(-1));
    return lowering_expand(l, lowering_is_not_negative(l, gap), &shape);
}

/* Bits of the keys two operands are compared as; 0 when they are no keys. */
static uint8_t compared_bits(const struct lowering *l)
{
    uint8_t bits = 0;
    for (size_t i = 0; i < 2; i++) {
        const struct value_plan *plan = lowering_input_plan(l, i);
        if (plan->is_key && plan->key_bits > bits)
            bits = plan->key_bits;
    }
    return bits;
}

/* result, and not NaN at operand i. */
static uint32_t unless_nan(struct lowering *l, size_t i, uint32_t key, uint32_t result)
{
    uint32_t nan = lowering_key_is_nan(l, i, key);
    if (nan == RELATION_NONE)
        return result;
    struct shape shape = lowering_output_shape(l, 0);
    struct relation_term terms[2] = {lowering_term_product(l, -1, nan, result, &shape),
                                     lowering_term(l, 1, result, &shape)};
    return lowering_product(l, &shape, form_integer(), terms, 2, wide_from_i64(0));
}

/* A comparison with 0 is exact where the sign of the other operand is kept. */
static uint32_t compared(struct lowering *l, uint32_t result)
{
    for (size_t i = 0; i < 2; i++) {
        const struct tensor *data = lowering_data(l, 1 - i);
        bool is_zero = data != NULL && element_type_is_float(data->type);
        for (size_t e = 0; is_zero && e < data->count; e++)
            is_zero = data->data.real[e] == 0;
        if (is_zero)
            lowering_state_sign(l, result, i);
    }
    return result;
}

/*
 * Operand `above` >= (or >) operand 1 - above. NaN has the greatest key, so it is enough to ask
 * whether the operand above is NaN.
 */
static void compare(struct lowering *l, size_t above, bool strict)
{
    uint8_t bits = compared_bits(l);
    if (bits == 0) {
        lowering_output(l, 0,
                        compared(l, not_below(l, comparable(l, above, 1 - above),
                                              comparable(l, 1 - above, above), strict)));
        return;
    }
    uint32_t a = lowering_retag(l, lowering_key(l, above, bits), form_integer()),
             b = lowering_retag(l, lowering_key(l, 1 - above, bits), form_integer());
    lowering_output(l, 0,
                    unless_nan(l, above, lowering_key(l, above, bits), not_below(l, a, b, strict)));
}

void lower_greater(struct lowering *l)
{
    compare(l, 0, true);
}

void lower_greater_or_equal(struct lowering *l)
{
    compare(l, 0, false);
}

void lower_less(struct lowering *l)
{
    compare(l, 1, true);
}

void lower_less_or_equal(struct lowering *l)
{
    compare(l, 1, false);
}

void lower_equal(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    uint8_t bits = compared_bits(l);
    if (lowering_equals_infinity(l))
        return;
    if (bits == 0) {
        uint32_t apart = lowering_difference(l, &shape, comparable(l, 0, 1), comparable(l, 1, 0));
        lowering_output(l, 0, compared(l, lowering_is_zero(l, apart)));
        return;
    }
    uint32_t key = lowering_key(l, 0, bits),
             gap = lowering_difference(l, &shape, lowering_retag(l, key, form_integer()),
                                       lowering_retag(l, lowering_key(l, 1, bits), form_integer()));
    lowering_output(l, 0, unless_nan(l, 0, key, lowering_is_zero(l, gap)));
}

/* Whether the condition is "operand i is NaN", so that a NaN in it is never chosen: IsNaN for
 * operand 2, its Not for operand 1. */
static bool chooses_numbers(const struct lowering *l, size_t i)
{
    uint32_t condition = lowering_value(l, 0), wanted = lowering_value(l, i);
    const struct graph *graph = l->graph;
    for (bool negated = i == 1; graph->values[condition].kind == VALUE_NODE;) {
        const struct graph_node *node = &graph->nodes[graph->values[condition].producer];
        if (node->op == OP_IS_NAN)
            return !negated && node->inputs[0] == wanted;
        if (node->op != OP_NOT)
            return false;
        negated = !negated;
        condition = node->inputs[0];
    }
    return false;
}

void lower_where(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    if (lowering_output_plan(l, 0)->is_key) {
        uint8_t bits = lowering_output_plan(l, 0)->key_bits;
        lowering_output(l, 0,
                        lowering_select(l, &shape, lowering_input(l, 0), lowering_key(l, 1, bits),
                                        lowering_key(l, 2, bits)));
        return;
    }
    uint32_t x = chooses_numbers(l, 1) ? lowering_input_or_nan(l, 1) : lowering_input(l, 1);
    uint32_t y = chooses_numbers(l, 2) ? lowering_input_or_nan(l, 2) : lowering_input(l, 2);
    lowering_output(l, 0, lowering_select(l, &shape, lowering_input(l, 0), x, y));
    lowering_choose_absent(l, lowering_input(l, 0), 1, 2);
}

/* NaN of an input is one reserved integer or a key; NaN that a float run computes is traced by a
 * bit. */
void lower_is_nan(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    uint32_t x = lowering_input_or_nan(l, 0), traced = lowering_nan_of(l, 0);
    wide minus;
    if (lowering_input_plan(l, 0)->is_key) {
        lowering_output(l, 0, lowering_key_is_nan(l, 0, x));
        return;
    }
    if (!lowering_input_plan(l, 0)->takes_nan) {
        lowering_output(l, 0,
                        lowering_expand(l, traced == RELATION_NONE ? ones(l, 0) : traced, &shape));
        return;
    }
    lowering_require_room(l, wide_neg(&minus, l->nan));
    lowering_output(l, 0, lowering_is_zero(l, lowering_affine(l, 1, x, minus)));
}

/* x == the key of a number. */
static uint32_t is_key_of(struct lowering *l, uint32_t x, double number)
{
    wide minus, key = wide_from_i128((__int128)float_key(number, lowering_form(l, x).key_bits));
    lowering_require_room(l, wide_neg(&minus, key));
    return lowering_is_zero(l, lowering_retag(l, lowering_affine(l, 1, x, minus), form_integer()));
}

/* Only keys may be infinite. */
void lower_is_inf(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    struct relation_term terms[2];
    size_t count = 0;
    bool is_key = lowering_input_plan(l, 0)->is_key;
    if (is_key && lowering_attribute_int(l, "detect_positive", 1) != 0)
        terms[count++] = lowering_term(l, 1, is_key_of(l, lowering_input(l, 0), INFINITY), &shape);
    if (is_key && lowering_attribute_int(l, "detect_negative", 1) != 0)
        terms[count++] = lowering_term(l, 1, is_key_of(l, lowering_input(l, 0), -INFINITY), &shape);
    if (count == 0) {
        lowering_output(l, 0, lowering_expand(l, ones(l, 0), &shape));
        return;
    }
    lowering_output(l, 0,
                    lowering_linear(l, &shape, form_integer(), terms, count, wide_from_i64(0)));
}

/* ---- logic: bits are 0 and 1 ---- */

void lower_not(struct lowering *l)
{
    lowering_output(l, 0, lowering_affine(l, -1, lowering_input(l, 0), wide_from_i64(1)));
}

/* sum (a + b) + product ab */
static void combine(struct lowering *l, int64_t sum, int64_t product)
{
    struct shape shape = lowering_output_shape(l, 0);
    uint32_t a = lowering_input(l, 0), b = lowering_input(l, 1);
    struct relation_term terms[3] = {lowering_term_product(l, product, a, b, &shape),
                                     lowering_term(l, sum, a, &shape),
                                     lowering_term(l, sum, b, &shape)};
    lowering_output(
        l, 0,
        lowering_product(l, &shape, form_integer(), terms, sum == 0 ? 1 : 3, wide_from_i64(0)));
}

void lower_and(struct lowering *l)
{
    combine(l, 0, 1);
}

void lower_or(struct lowering *l)
{
    combine(l, 1, -1);
}

void lower_xor(struct lowering *l)
{
    combine(l, 1, -2);
}

/* ---- rounding to integers ---- */

/* floor(x), an integer. */
static uint32_t floor_of(struct lowering *l, uint32_t x)
{
    int32_t fraction = lowering_fraction(l, x);
    if (fraction <= 0)
        return lowering_to_fraction(l, x, 0);
    return lowering_rescale(l, x, lowering_power_of_two(l, (unsigned)fraction), ROUND_FLOOR,
                            form_integer(), NULL, NULL);
}

void lower_floor(struct lowering *l)
{
    lowering_output(l, 0, floor_of(l, lowering_input(l, 0)));
}

void lower_ceil(struct lowering *l)
{
    uint32_t minus = lowering_affine(l, -1, lowering_input(l, 0), wide_from_i64(0));
    lowering_output(l, 0, lowering_affine(l, -1, floor_of(l, minus), wide_from_i64(0)));
}

void lower_round(struct lowering *l)
{
    uint32_t x = lowering_input(l, 0);
    int32_t fraction = lowering_fraction(l, x);
    if (fraction <= 0)
        lowering_output(l, 0, lowering_to_fraction(l, x, 0));
    else
        lowering_output(l, 0,
                        lowering_round_even(l, x, lowering_power_of_two(l, (unsigned)fraction),
                                            form_integer()));
}

/* Toward zero: floor of x, or of x + 1 - 2^-f when x is negative. */
uint32_t lowering_truncate(struct lowering *l, uint32_t x)
{
    int32_t fraction = lowering_fraction(l, x);
    if (fraction <= 0 || !wide_is_negative(lowering_range_of(l, x).low))
        return floor_of(l, x);
    struct shape shape = lowering_shape(l, x);
    wide almost_one, minus;
    lowering_require_room(
        l, wide_sub(&almost_one, lowering_power_of_two(l, (unsigned)fraction), wide_from_i64(1)) &&
               wide_neg(&minus, almost_one));
    struct relation_term terms[2] = {
        lowering_term(l, 1, x, &shape),
        lowering_term_wide(l, minus, lowering_is_not_negative(l, x), &shape)};
    return floor_of(l, lowering_linear(l, &shape, lowering_form(l, x), terms, 2, almost_one));
}

/* Keys are exact; what they are cast to may be rounded. */
static void leave_cast(struct lowering *l)
{
    uint32_t y = l->tensor_of[l->node->outputs[0]];
    if (!form_is_float(lowering_form(l, y)))
        lowering_leave_bound(l, y, BOUND_NO_RULE);
}

/*
 * Cast. Between floats of 32 and more bits and from integers to them: the same integers. Float to
 * integer truncates; when calibration saw whole numbers only, the model computes with whole numbers
 * and the nearest one is meant.
 */
void lower_cast(struct lowering *l)
{
    if (lowering_input_plan(l, 0)->is_key) {
        lowering_cast_key(l);
        leave_cast(l);
        return;
    }
    uint32_t x =
        lowering_output_plan(l, 0)->takes_nan ? lowering_input_or_nan(l, 0) : lowering_input(l, 0);
    enum element_type from = lowering_graph_value(l, 0)->type,
                      to = l->graph->values[l->node->outputs[0]].type;
    struct shape shape = lowering_output_shape(l, 0);
    if (to == ELEMENT_BOOL && from != ELEMENT_BOOL) {
        struct relation_term term = lowering_term(l, -1, lowering_is_zero(l, x), &shape);
        uint32_t bit = lowering_linear(l, &shape, form_integer(), &term, 1, wide_from_i64(1));
        lowering_state_sign(l, bit, 0);
        lowering_output(l, 0, bit);
        return;
    }
    if (element_type_is_float(from) && !element_type_is_float(to)) {
        bool is_whole = lowering_input_plan(l, 0)->is_whole;
        uint32_t y = is_whole ? lowering_to_fraction(l, x, 0) : lowering_truncate(l, x);
        if (is_whole && lowering_fraction(l, x) > 0)
            lowering_leave_bound(l, y, BOUND_DECISION);
        lowering_output(l, 0, y);
        return;
    }
    lowering_output(l, 0, x);
    lowering_mark_absent(l, 0, lowering_absent(l, 0));
}
