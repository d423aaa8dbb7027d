/*
 * Lowering of rounding to nearest, ties to even: quotients to integers, and fixed-point numbers to
 * the float types with few bits.
 */
#include <math.h>

#include "passes/lower_internal.h"

/* y - [rest == 0] (y mod 2): half up, where rest is 0 at a tie, becomes half to even. */
static uint32_t tie_to_even(struct lowering *l, uint32_t y, uint32_t rest)
{
    struct shape shape = lowering_shape(l, y);
    uint32_t odd;
    lowering_rescale(l, y, wide_from_i64(2), ROUND_FLOOR, form_integer(), NULL, &odd);
    struct relation_term terms[2] = {
        lowering_term_product(l, -1, lowering_is_zero(l, rest), odd, &shape),
        lowering_term(l, 1, y, &shape)};
    return lowering_product(l, &shape, lowering_form(l, y), terms, 2, wide_from_i64(0));
}

/* An odd divisor has no ties. */
uint32_t lowering_round_even(struct lowering *l, uint32_t x, wide divisor, struct form form)
{
    uint32_t rest, y = lowering_rescale(l, x, divisor, ROUND_HALF_UP, form, NULL, &rest);
    bool is_even = (divisor.limb[0] & 1) == 0;
    return is_even ? tie_to_even(l, y, rest) : y;
}

/* y = floor((2 x + d) / 2 d): a tie leaves no remainder. */
uint32_t lowering_round_quotient(struct lowering *l, const struct shape *shape, uint32_t x,
                                 uint32_t d)
{
    uint32_t rest;
    struct relation_term terms[2] = {lowering_term(l, 2, x, shape), lowering_term(l, 1, d, shape)};
    uint32_t doubled = lowering_linear(l, shape, form_integer(), terms, 2, wide_from_i64(0));
    uint32_t y = lowering_divide_floor(
        l, shape, doubled, lowering_affine(l, 2, d, wide_from_i64(0)), form_integer(), NULL, &rest);
    return tie_to_even(l, y, rest);
}

/* 2 floor(x / d) + [a remainder is left]: enough to round the quotient to any coarser step. */
uint32_t lowering_sticky_quotient(struct lowering *l, const struct shape *shape, uint32_t x,
                                  uint32_t d, int32_t fraction)
{
    uint32_t rest;
    uint32_t y = lowering_divide_floor(l, shape, x, d, form_integer(), NULL, &rest);
    struct relation_term terms[2] = {lowering_term(l, 2, y, shape),
                                     lowering_term(l, -1, lowering_is_zero(l, rest), shape)};
    return lowering_linear(l, shape, form_fixed(fraction + 1), terms, 2, wide_from_i64(1));
}

/* ---- float types ---- */

enum { POWER_BITS_MAX = 60 };

/* x without fraction bits that cannot matter; what is cut off is kept as a last bit. */
static uint32_t with_sticky_bit(struct lowering *l, uint32_t x, const struct float_format *format)
{
    int32_t fraction = lowering_fraction(l, x),
            finest = (int32_t)format->fraction_bits - format->least_exponent + 1,
            bits = (int32_t)range_bits(lowering_range_of(l, x)), drop = fraction - finest;
    drop = drop > 0 ? drop : 0;
    if (bits - drop > POWER_BITS_MAX - 1)
        drop = bits - POWER_BITS_MAX + 1;
    if (drop < 2)
        return x;
    struct shape shape = lowering_shape(l, x);
    uint32_t rest, y = lowering_rescale(l, x, lowering_power_of_two(l, (unsigned)drop), ROUND_FLOOR,
                                        form_integer(), NULL, &rest);
    struct relation_term terms[2] = {lowering_term(l, 2, y, &shape),
                                     lowering_term(l, -1, lowering_is_zero(l, rest), &shape)};
    return lowering_linear(l, &shape, form_fixed(fraction - drop + 1), terms, 2, wide_from_i64(1));
}

/* D of a number whose leading bit is at h, as a power of two. */
static unsigned step_at(const struct float_format *format, int32_t fraction, unsigned h)
{
    int32_t normal = (int32_t)h - (int32_t)format->fraction_bits,
            subnormal = format->least_exponent - (int32_t)format->fraction_bits + fraction,
            step = normal > subnormal ? normal : subnormal;
    return (unsigned)(step > 0 ? step : 0);
}

/*
 * 2^step_at for each element of x in [0, 2^w): h is hinted, a table gives 2^h and D, and 2^h <= x <
 * 2^(h + 1) pins it. Zero counts as 1.
 */
static uint32_t step_of(struct lowering *l, uint32_t x, unsigned w,
                        const struct float_format *format, enum element_type type)
{
    struct shape shape = lowering_shape(l, x);
    int32_t fraction = lowering_fraction(l, x);
    struct form form = form_fixed(fraction);
    x = lowering_sum2(l, &shape, x, 1, lowering_retag(l, lowering_is_zero(l, x), form), 1);
    int64_t *power = lowering_array(l, int64_t, w), *step = lowering_array(l, int64_t, w);
    for (unsigned h = 0; h < w; h++) {
        power[h] = (int64_t)1 << h;
        step[h] = (int64_t)1 << step_at(format, fraction, h);
    }
    struct relation_table table = {.key = arena_printf(l->arena,
                                                       "2^i, i < %u, and the step of %s 2^%d", w,
                                                       element_type_name(type), fraction),
                                   .size = w,
                                   .output_count = 2,
                                   .outputs = {power, step}};
    if (table.key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    struct relation_view view = lowering_view(l, x, &shape);
    uint32_t out[2], h = lowering_hint(l, HINT_BIT_LENGTH, 0, &shape, &view, 1, &shape,
                                       range_of_i64(0, (int64_t)w - 1));
    struct form forms[2] = {form_integer(), form_integer()};
    lowering_table(l, &table, h, forms, out);
    struct range range = {wide_from_i64(0), wide_from_i64(0)};
    lowering_require_room(l, wide_sub(&range.high, lowering_power_of_two(l, w), wide_from_i64(1)));
    struct relation_term above[2] = {lowering_term(l, 1, x, &shape),
                                     lowering_term(l, -1, out[0], &shape)};
    struct relation_term below[2] = {lowering_term(l, 2, out[0], &shape),
                                     lowering_term(l, -1, x, &shape)};
    lowering_enforce(
        l, lowering_linear_within(l, &shape, form_integer(), above, 2, wide_from_i64(0), range),
        range);
    lowering_enforce(
        l, lowering_linear_within(l, &shape, form_integer(), below, 2, wide_from_i64(-1), range),
        range);
    return out[1];
}

/*
 * x to the nearest multiple of step, ties to even, with one more fraction bit. With 2 x + step =
 * q 2 step + rest the multiple is (2 x + step - rest) / 2, less one step at a tie with odd q; put
 * so, its interval is as wide as that of x.
 */
static uint32_t round_to_steps(struct lowering *l, uint32_t x, uint32_t step)
{
    struct shape shape = lowering_shape(l, x);
    uint32_t rest, odd;
    struct relation_term terms[2] = {lowering_term(l, 2, x, &shape),
                                     lowering_term(l, 1, step, &shape)};
    uint32_t doubled = lowering_linear(l, &shape, form_integer(), terms, 2, wide_from_i64(0));
    uint32_t q =
        lowering_divide_floor(l, &shape, doubled, lowering_affine(l, 2, step, wide_from_i64(0)),
                              form_integer(), NULL, &rest);
    lowering_rescale(l, q, wide_from_i64(2), ROUND_FLOOR, form_integer(), NULL, &odd);
    uint32_t tie = lowering_times(l, lowering_is_zero(l, rest), odd);
    struct relation_term result[3] = {lowering_term_product(l, -2, tie, step, &shape),
                                      lowering_term(l, 1, doubled, &shape),
                                      lowering_term(l, -1, rest, &shape)};
    return lowering_product(l, &shape, form_fixed(lowering_fraction(l, x) + 1), result, 3,
                            wide_from_i64(0));
}

/* x >= 0 rounded. */
static uint32_t round_magnitude(struct lowering *l, uint32_t x, enum element_type type)
{
    struct float_format format = element_float_format(type);
    struct shape shape = lowering_shape(l, x);
    unsigned w = range_bits(lowering_range_of(l, x));
    int32_t fraction = lowering_fraction(l, x);
    struct form form = form_fixed(fraction);
    w = w == 0 ? 1 : w;
    unsigned least = step_at(&format, fraction, 0), most = step_at(&format, fraction, w - 1);
    if (most == 0)
        return x;
    if (least == most) {
        wide step = lowering_power_of_two(l, least);
        struct relation_term term =
            lowering_term_wide(l, step, lowering_round_even(l, x, step, form_integer()), &shape);
        return lowering_linear(l, &shape, form, &term, 1, wide_from_i64(0));
    }
    return round_to_steps(l, x, step_of(l, x, w, &format, type));
}

/* |x| <= largest of the type: clipped when saturating, else held there and noted. */
static uint32_t hold_magnitude(struct lowering *l, uint32_t x, enum element_type type,
                               bool saturate)
{
    wide largest = lowering_real(l, element_float_format(type).largest, lowering_fraction(l, x));
    struct range range = {wide_from_i64(0), wide_from_i64(0)};
    if (wide_compare(lowering_range_of(l, x).high, largest) <= 0)
        return x;
    if (saturate)
        return lowering_at_most(l, x, largest);
    lowering_require_room(l,
                          wide_sub(&range.high, lowering_power_of_two(l, wide_bit_length(largest)),
                                   wide_from_i64(1)));
    lowering_note_range(l, element_type_name(type), range, lowering_fraction(l, x));
    return lowering_restrict(l, x, range);
}

uint32_t lowering_round_float(struct lowering *l, uint32_t x, enum element_type type, bool saturate)
{
    struct float_format format = element_float_format(type);
    if (lowering_tensor(l, x)->count == 0)
        return x;
    x = with_sticky_bit(l, x, &format);
    bool has_sign = wide_is_negative(lowering_range_of(l, x).low);
    uint32_t bit, magnitude = has_sign ? lowering_absolute(l, x, &bit) : x;
    magnitude = hold_magnitude(l, round_magnitude(l, magnitude, type), type, saturate);
    return has_sign ? lowering_with_sign(l, bit, magnitude) : magnitude;
}
