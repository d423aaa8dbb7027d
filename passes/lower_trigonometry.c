/*
 * Lowering of circular and hyperbolic functions and their inverses.
 *
 * Circular: the argument is divided by the period, an integer remainder of which no rounding is
 * left, and a table covers one period. Hyperbolic: exponentials. Inverses: a table near zero, and
 * an identity that brings other arguments there.
 */
#include <math.h>

#include "ir/rounded_math.h"
#include "passes/lower_smooth.h"

/* Bits of the largest |x| above the point. */
static int32_t whole_bits(const struct lowering *l, uint32_t x)
{
    int32_t bits = (int32_t)range_bits(lowering_range_of(l, x)) - lowering_fraction(l, x);
    return bits < 0 ? 0 : bits;
}

/* ---- sine, cosine, tangent ---- */

/* An argument in a domain that a table covers. */
struct angle {
    uint32_t x;
    struct smooth_domain domain;
};

/*
 * x = k P + r, 0 <= r < P, P the integer nearest to 2 pi 2^m: the error of P, at most half a unit,
 * moves r by |k| / 2 units, below 2^-(fraction + 2) of a radian. Small arguments stay as they are.
 */
static struct angle reduce_angle(struct lowering *l, uint32_t x, int32_t fraction)
{
    enum { SMALL_BITS = 2, PERIOD_BITS = 2 };
    int32_t whole = whole_bits(l, x), own = lowering_fraction(l, x);
    if (whole <= SMALL_BITS)
        return (struct angle){x, {-(1 << SMALL_BITS), 1 << SMALL_BITS, false, false}};
    int32_t m = fraction + 2 + whole - PERIOD_BITS;
    m = m < own ? own : m;
    wide period = table_number(TABLE_PI, 2, 0, m);
    uint32_t rest;
    lowering_rescale(l, lowering_to_fraction(l, x, m), period, ROUND_FLOOR, form_integer(), NULL,
                     &rest);
    uint32_t angle = lowering_in_units(l, rest, m);
    /* Against x - k 2 pi, whose sine and cosine are those of x. */
    double turns = bound_add(bound_div(lowering_most(l, x), 6.28), 1);
    lowering_state_function(l, angle, x, 1, bound_scale(turns * 0.5001 + 0.5, -m));
    return (struct angle){angle, {0, 6.5, false, false}};
}

void lower_sin(struct lowering *l)
{
    int32_t fraction = lowering_value_fraction(l);
    struct angle a = reduce_angle(l, lowering_planned_input(l), fraction);
    lowering_output(l, 0, lowering_smooth(l, TABLE_SIN, a.x, a.domain, fraction));
}

void lower_cos(struct lowering *l)
{
    int32_t fraction = lowering_value_fraction(l);
    struct angle a = reduce_angle(l, lowering_planned_input(l), fraction);
    lowering_output(l, 0, lowering_smooth(l, TABLE_COS, a.x, a.domain, fraction));
}

/* sin / cos: |tan| <= 2^k needs 2 k more bits of both. */
void lower_tan(struct lowering *l)
{
    const struct value_plan *plan = lowering_output_plan(l, 0);
    int exponent = 0;
    frexp(fmax(fabs(plan->low), fabs(plan->high)), &exponent);
    int32_t fraction = lowering_value_fraction(l), inner = fraction + 3 +
                                                           2 * (exponent < 0    ? 0
                                                                : exponent > 16 ? 16
                                                                                : exponent);
    struct angle a = reduce_angle(l, lowering_planned_input(l), inner);
    uint32_t sine = lowering_smooth(l, TABLE_SIN, a.x, a.domain, inner),
             cosine = lowering_smooth(l, TABLE_COS, a.x, a.domain, inner);
    struct shape shape = lowering_shape(l, sine);
    lowering_output(l, 0, lowering_divide(l, &shape, sine, cosine, fraction, NULL, plan));
}

/* ---- inverses ---- */

/* |x|, refused beyond 1 but for what rounding before it may add, and no more than 1 then. */
static uint32_t unit_magnitude(struct lowering *l, uint32_t x, uint32_t *bit)
{
    int32_t own = lowering_fraction(l, x);
    if (own < 1) {
        own = 1;
        x = lowering_to_fraction(l, x, own);
    }
    wide one = lowering_power_of_two(l, (unsigned)own);
    uint32_t magnitude = lowering_absolute(l, x, bit);
    struct range range = {wide_from_i64(0), lowering_power_of_two(l, (unsigned)own + 1)};
    lowering_require_room(l, wide_sub(&range.high, range.high, wide_from_i64(1)));
    if (!range_contains(range, lowering_range_of(l, magnitude))) {
        wide slack = own > 8 ? lowering_power_of_two(l, (unsigned)own - 8) : wide_from_i64(0);
        lowering_require_room(l, wide_add(&range.high, one, slack));
        lowering_note_range(l, "magnitude of the argument", range, own);
        magnitude = lowering_restrict(l, magnitude, range);
    }
    return lowering_at_most(l, magnitude, one);
}

/*
 * y = asin t and the bit `far`, t = |x| below 1/2, sqrt((1 - |x|) / 2) from there on, where asin
 * |x| = pi / 2 - 2 y. One root serves both: below 1/2 it is that of x^2.
 */
static uint32_t half_angle(struct lowering *l, uint32_t magnitude, uint32_t *far, int32_t fraction)
{
    int32_t own = lowering_fraction(l, magnitude), root = fraction + 2;
    root = root < own ? own : root;
    struct shape shape = lowering_shape(l, magnitude);
    wide minus_half;
    lowering_require_room(l, wide_neg(&minus_half, lowering_power_of_two(l, (unsigned)own - 1)));
    *far = lowering_is_not_negative(l, lowering_affine(l, 1, magnitude, minus_half));
    /* (1 - x) / 2 at 2 own bits is (2^own - X) 2^(own - 1). */
    wide unit = lowering_power_of_two(l, (unsigned)own - 1), minus;
    lowering_require_room(l, wide_neg(&minus, unit));
    struct relation_term terms[2] = {lowering_term_wide(l, minus, magnitude, &shape),
                                     lowering_term_product(l, 1, magnitude, magnitude, &shape)};
    uint32_t rest = lowering_linear(l, &shape, form_fixed(2 * own), terms, 1,
                                    lowering_power_of_two(l, 2 * (unsigned)own - 1));
    uint32_t square =
        lowering_product(l, &shape, form_fixed(2 * own), &terms[1], 1, wide_from_i64(0));
    uint32_t radicand = lowering_select(l, &shape, *far, rest, square);
    uint32_t t = lowering_square_root(l, radicand, root);
    return lowering_smooth(l, TABLE_ASIN, t, (struct smooth_domain){0, 0.5, false, false},
                           fraction);
}

/*
 * An arc is off by 2 y at most and half a last place for each pi / 2. Between X and x it moves by
 * no more than from 1 to 1 - |X - x|: acos(1 - e) <= pi / 2 sqrt(2 e).
 */
static void close_inverse(struct lowering *l, const struct bound_scope *scope, uint32_t arc,
                          uint32_t y)
{
    double error = bound_scale(scope->saved.error, -lowering_fraction(l, scope->operand));
    lowering_state_function(l, arc, y, 2, ldexp(1, -lowering_fraction(l, arc)));
    lowering_close_bound(l, scope, &(struct bound_result){arc, 0, 0}, 1);
    if (bound_is_proven(&scope->saved))
        lowering_widen_error(
            l, arc,
            bound_scale(fmin(1.571 * bound_root(2 * error), 3.15), lowering_fraction(l, arc)));
    lowering_output(l, 0, arc);
}

/* sign (far ? pi / 2 - 2 y : y) */
void lower_asin(struct lowering *l)
{
    int32_t fraction = lowering_value_fraction(l) + 1;
    uint32_t operand = lowering_planned_input(l);
    struct bound_scope scope = lowering_open_bound(l, operand);
    uint32_t bit, far, x = unit_magnitude(l, operand, &bit);
    uint32_t y = half_angle(l, x, &far, fraction);
    struct shape shape = lowering_shape(l, y);
    struct relation_term terms[3] = {
        lowering_term_product(l, -3, far, y, &shape), lowering_term(l, 1, y, &shape),
        lowering_term_wide(l, table_number(TABLE_PI, 1, 1, fraction), far, &shape)};
    uint32_t positive =
                 lowering_product(l, &shape, form_fixed(fraction), terms, 3, wide_from_i64(0)),
             angle = lowering_with_sign(l, bit, positive);
    close_inverse(l, &scope, angle, y);
}

/*
 * far: 2 y for x >= 0, pi - 2 y below; else pi / 2 - sign y. With s = 2 bit - 1, P = pi / 2: P -
 * far s P + s y (3 far - 1).
 */
void lower_acos(struct lowering *l)
{
    int32_t fraction = lowering_value_fraction(l) + 1;
    uint32_t operand = lowering_planned_input(l);
    struct bound_scope scope = lowering_open_bound(l, operand);
    uint32_t bit, far, x = unit_magnitude(l, operand, &bit);
    uint32_t y = half_angle(l, x, &far, fraction);
    struct shape shape = lowering_shape(l, y);
    wide quarter = table_number(TABLE_PI, 1, 1, fraction), minus;
    lowering_require_room(l, wide_neg(&minus, quarter));
    struct relation_term inner[3] = {lowering_term_product(l, 3, far, y, &shape),
                                     lowering_term(l, -1, y, &shape),
                                     lowering_term_wide(l, minus, far, &shape)};
    uint32_t angle = lowering_with_sign(
        l, bit, lowering_product(l, &shape, form_fixed(fraction), inner, 3, wide_from_i64(0)));
    close_inverse(l, &scope, lowering_affine(l, 1, angle, quarter), y);
}

/* atan |x| by a table as far as its entries are few, else from 1 on pi / 2 - atan(1 / |x|). */
void lower_atan(struct lowering *l)
{
    enum { TABLE_BITS = 2 };
    int32_t fraction = lowering_value_fraction(l) + 1, own;
    uint32_t operand = lowering_planned_input(l);
    struct bound_scope scope = lowering_open_bound(l, operand);
    uint32_t bit, x = lowering_absolute(l, operand, &bit);
    if (whole_bits(l, x) <= TABLE_BITS) {
        struct smooth_domain domain = {0, 1 << TABLE_BITS, false, false};
        uint32_t size = lowering_smooth(l, TABLE_ATAN, x, domain, fraction),
                 signed_size = lowering_with_sign(l, bit, size);
        lowering_state_function(l, signed_size, size, 1, 0);
        lowering_close_bound(l, &scope, &(struct bound_result){signed_size, 1, 3.15}, 1);
        lowering_output(l, 0, signed_size);
        return;
    }
    own = lowering_fraction(l, x);
    if (own < 0) {
        own = 0;
        x = lowering_to_fraction(l, x, own);
    }
    struct shape shape = lowering_shape(l, x), scalar = {0};
    wide unit = lowering_power_of_two(l, (unsigned)own), minus;
    lowering_require_room(l, wide_neg(&minus, unit));
    uint32_t one = lowering_constant(l, &scalar, form_fixed(own), &unit);
    uint32_t far = lowering_is_not_negative(l, lowering_affine(l, 1, x, minus));
    uint32_t num = lowering_select(l, &shape, far, one, x);
    uint32_t den = lowering_at_least(l, x, unit);
    uint32_t t = lowering_divide(l, &shape, num, den, fraction + 2, NULL, NULL);
    uint32_t y =
        lowering_smooth(l, TABLE_ATAN, t, (struct smooth_domain){0, 1, false, false}, fraction);
    struct relation_term terms[3] = {
        lowering_term_product(l, -2, far, y, &shape), lowering_term(l, 1, y, &shape),
        lowering_term_wide(l, table_number(TABLE_PI, 1, 1, fraction), far, &shape)};
    uint32_t angle = lowering_with_sign(
        l, bit, lowering_product(l, &shape, form_fixed(fraction), terms, 3, wide_from_i64(0)));
    /* far pi / 2 +- y: pi / 2 is rounded. */
    lowering_state_function(l, angle, y, 1, ldexp(0.5, -fraction));
    lowering_close_bound(l, &scope, &(struct bound_result){angle, 1, 3.15}, 1);
    lowering_output(l, 0, angle);
}

/* ---- hyperbolic functions ---- */

/* exp |x| + sign exp(-|x|), halved; *bit receives x >= 0, *steep a bound of cosh. */
static uint32_t half_sum(struct lowering *l, uint32_t operand, int64_t sign, uint32_t *bit,
                         double *steep)
{
    const struct value_plan *plan = lowering_input_plan(l, 0);
    double seen = 1.25 * fmax(fabs(plan->low), fabs(plan->high)) + 2;
    int32_t fraction = lowering_value_fraction(l);
    uint32_t x = lowering_absolute(l, operand, bit),
             rising = lowering_exp_within(l, x, seen, fraction),
             falling = lowering_exp(l, lowering_affine(l, -1, x, wide_from_i64(0)), 0, fraction);
    struct shape shape = lowering_shape(l, x);
    uint32_t sum = lowering_sum2(l, &shape, rising, 1, falling, sign);
    *steep = bound_add(lowering_most(l, rising), lowering_error(l, rising));
    return lowering_in_units(l, sum, lowering_fraction(l, sum) + 1);
}

/* Both are no steeper than cosh at |X| + |X - x|. */
static void close_hyperbolic(struct lowering *l, const struct bound_scope *scope, uint32_t y,
                             double steep)
{
    double error = bound_scale(scope->saved.error, -lowering_fraction(l, scope->operand));
    double growth = !bound_is_proven(&scope->saved) || !(error < 700)
                        ? INFINITY
                        : rounded_exp(error) * (1 + 0x1p-50);
    lowering_close_bound(l, scope, &(struct bound_result){y, bound_mul(steep, growth), 0}, 1);
    lowering_output(l, 0, y);
}

void lower_sinh(struct lowering *l)
{
    double steep;
    uint32_t bit, x = lowering_planned_input(l);
    struct bound_scope scope = lowering_open_bound(l, x);
    uint32_t size = half_sum(l, x, -1, &bit, &steep), y = lowering_with_sign(l, bit, size);
    lowering_state_function(l, y, size, 1, 0);
    close_hyperbolic(l, &scope, y, steep);
}

void lower_cosh(struct lowering *l)
{
    double steep;
    uint32_t bit, x = lowering_planned_input(l);
    struct bound_scope scope = lowering_open_bound(l, x);
    uint32_t y = half_sum(l, x, 1, &bit, &steep);
    close_hyperbolic(l, &scope, y, steep);
}

/* x^2 + constant at twice the fraction bits of x. */
static uint32_t square_plus(struct lowering *l, uint32_t x, int64_t constant)
{
    struct shape shape = lowering_shape(l, x);
    int32_t bits = 2 * lowering_fraction(l, x);
    struct relation_term term = lowering_term_product(l, 1, x, x, &shape);
    wide number;
    lowering_require_room(
        l, wide_mul(&number, lowering_power_of_two(l, (unsigned)bits), wide_from_i64(constant)));
    return lowering_product(l, &shape, form_fixed(bits), &term, 1, number);
}

/* sign(x) log(|x| + sqrt(x^2 + 1)) */
void lower_asinh(struct lowering *l)
{
    int32_t fraction = lowering_value_fraction(l);
    uint32_t x = lowering_planned_input(l), bit;
    if (lowering_fraction(l, x) < 0)
        x = lowering_to_fraction(l, x, 0);
    struct bound_scope scope = lowering_open_bound(l, x);
    uint32_t operand = x;
    x = lowering_absolute(l, operand, &bit);
    struct shape shape = lowering_shape(l, x);
    uint32_t root = lowering_square_root(l, square_plus(l, x, 1), fraction + 3),
             sum = lowering_sum2(l, &shape, root, 1, x, 1);
    /* At least 1, but the interval of a root does not say so. */
    sum = lowering_at_least(l, sum, lowering_power_of_two(l, (unsigned)lowering_fraction(l, sum)));
    uint32_t size = lowering_log(l, sum, NULL, fraction), y = lowering_with_sign(l, bit, size);
    lowering_state_function(l, y, size, 1, 0);
    lowering_close_bound(l, &scope, &(struct bound_result){y, 1, 0}, 1);
    lowering_output(l, 0, y);
}

/* log(x + sqrt(x^2 - 1)), x >= 1 */
void lower_acosh(struct lowering *l)
{
    int32_t fraction = lowering_value_fraction(l);
    uint32_t x = lowering_planned_input(l);
    if (lowering_fraction(l, x) < 0)
        x = lowering_to_fraction(l, x, 0);
    int32_t own = lowering_fraction(l, x);
    wide one = lowering_power_of_two(l, (unsigned)own);
    struct range range = lowering_range_of(l, x);
    if (wide_compare(range.low, one) < 0) {
        /* What rounding may have taken below 1 is 1; the rest is refused. */
        wide slack = own > 8 ? lowering_power_of_two(l, (unsigned)own - 8) : wide_from_i64(0);
        lowering_require_room(l, wide_sub(&range.low, one, slack));
        lowering_note_range(l, "argument", range, own);
        x = lowering_at_least(l, lowering_restrict(l, x, range), one);
    }
    struct shape shape = lowering_shape(l, x);
    uint32_t root = lowering_square_root(l, square_plus(l, x, -1), fraction + 3);
    uint32_t sum = lowering_sum2(l, &shape, root, 1, x, 1);
    lowering_output(l, 0, lowering_log(l, sum, NULL, fraction));
}

/* sign(x) log((1 + |x|) / (1 - |x|)) / 2 */
void lower_atanh(struct lowering *l)
{
    int32_t fraction = lowering_value_fraction(l);
    uint32_t x = lowering_planned_input(l), bit;
    if (lowering_fraction(l, x) < 0)
        x = lowering_to_fraction(l, x, 0);
    x = lowering_absolute(l, x, &bit);
    wide one = lowering_power_of_two(l, (unsigned)lowering_fraction(l, x));
    struct shape shape = lowering_shape(l, x);
    uint32_t above = lowering_affine(l, 1, x, one), below = lowering_affine(l, -1, x, one);
    if (wide_compare(lowering_range_of(l, below).low, wide_from_i64(1)) < 0) {
        struct range positive = {wide_from_i64(1), one};
        lowering_note_range(l, "1 less the magnitude", positive, lowering_fraction(l, x));
        below = lowering_restrict(l, below, positive);
    }
    uint32_t ratio = lowering_divide(l, &shape, above, below, fraction + 2, NULL, NULL);
    ratio = lowering_at_least(l, ratio, lowering_power_of_two(l, (unsigned)fraction + 2));
    uint32_t y = lowering_log(l, ratio, NULL, fraction),
             size = lowering_in_units(l, y, lowering_fraction(l, y) + 1),
             artanh = lowering_with_sign(l, bit, size);
    /* Where X and x have different signs, atanh |X| + atanh |x| <= atanh |X - x| <= 2 |X - x|. */
    double error = lowering_error(l, x);
    lowering_state_function(l, artanh, size, 1, error < 0.9 ? 2 * error : INFINITY);
    lowering_output(l, 0, artanh);
}
