/*
 * Lowering of powers: by squaring for whole exponents, through logarithms else.
 */
#include <math.h>
#include <string.h>

#include "ir/rounded_math.h"
#include "passes/lower_internal.h"

uint32_t lowering_square(struct lowering *l, uint32_t x)
{
    struct shape shape = lowering_shape(l, x);
    struct relation_term term = lowering_term_product(l, 1, x, x, &shape);
    return lowering_product(l, &shape, form_fixed(2 * lowering_fraction(l, x)), &term, 1,
                            wide_from_i64(0));
}

/* x^n, n >= 0, by squaring; widths are cut back to `fraction` bits on the way. */
static uint32_t whole_power(struct lowering *l, uint32_t x, unsigned n, int32_t fraction)
{
    enum { POWER_BITS = 110 };
    uint32_t result = RELATION_NONE;
    struct shape shape = lowering_shape(l, x);
    for (; n > 0; n /= 2) {
        if (n % 2 == 1) {
            struct relation_term term = result == RELATION_NONE
                                            ? lowering_term(l, 1, x, &shape)
                                            : lowering_term_product(l, 1, result, x, &shape);
            struct form form =
                form_fixed(lowering_fraction(l, x) +
                           (result == RELATION_NONE ? 0 : lowering_fraction(l, result)));
            result = result == RELATION_NONE
                         ? x
                         : lowering_product(l, &shape, form, &term, 1, wide_from_i64(0));
            if (range_bits(lowering_range_of(l, result)) > POWER_BITS)
                result = lowering_trim(l, result, fraction + 4, 8);
        }
        if (n > 1)
            x = lowering_square(l, x);
        if (range_bits(lowering_range_of(l, x)) > POWER_BITS)
            x = lowering_trim(l, x, fraction + 4, 8);
    }
    return result == RELATION_NONE ? lowering_expand(l, lowering_constant_i64(l, 1), &shape)
                                   : result;
}

/* 1 / d, positive. */
static uint32_t reciprocal(struct lowering *l, uint32_t d, int32_t fraction)
{
    struct shape shape = lowering_shape(l, d);
    return lowering_divide(l, &shape, lowering_constant_i64(l, 1), d, fraction, NULL,
                           lowering_output_plan(l, 0));
}

/* x^p for one known exponent. */
static uint32_t one_power(struct lowering *l, uint32_t x, double p)
{
    int32_t fraction = lowering_output_fraction(l, 0) + 1;
    double size = fabs(p);
    if (size == rint(size) && size <= 64) {
        uint32_t power = whole_power(l, x, (unsigned)size, fraction + 8);
        return p < 0 ? reciprocal(l, power, fraction) : power;
    }
    if (lowering_traces_nan(l)) {
        int32_t own = lowering_fraction(l, x);
        x = lowering_replace_below(l, x, wide_from_i64(0),
                                   lowering_power_of_two(l, own > 0 ? (unsigned)own : 0));
    }
    if (size * 2 == rint(size * 2) && size <= 16) {
        uint32_t root = lowering_square_root(l, x, fraction + 4),
                 whole = whole_power(l, x, (unsigned)floor(size), fraction + 8);
        struct shape shape = lowering_shape(l, x);
        struct relation_term term = lowering_term_product(l, 1, root, whole, &shape);
        uint32_t power = size < 1 ? root
                                  : lowering_product(l, &shape,
                                                     form_fixed(lowering_fraction(l, root) +
                                                                lowering_fraction(l, whole)),
                                                     &term, 1, wide_from_i64(0));
        return p < 0 ? reciprocal(l, power, fraction) : power;
    }
    return lowering_real_power(l, x, lowering_input_plan(l, 0), p,
                               lowering_largest(lowering_output_plan(l, 0)), fraction);
}

/* log of what calibration saw of the result, and room above it. */
static double log_bound(const struct lowering *l)
{
    const struct value_plan *y = lowering_output_plan(l, 0);
    return rounded_log(fmax(fmax(fabs(y->low), fabs(y->high)), 0x1p-20)) + 2;
}

/* a^y for a known base a > 0: exp(y log a). The base decides what is computed, so it is public. */
static void known_base(struct lowering *l, double value)
{
    enum { LOG_BITS = 40 };
    uint32_t y = lowering_trim(l, lowering_input(l, 1), lowering_input_fraction(l, 1), 6);
    struct shape shape = lowering_shape(l, y), out = lowering_output_shape(l, 0);
    double log_base = rounded_log(value);
    struct relation_term term =
        lowering_term_wide(l, lowering_real(l, log_base, LOG_BITS), y, &shape);
    uint32_t t = lowering_linear(l, &shape, form_fixed(lowering_fraction(l, y) + LOG_BITS), &term,
                                 1, wide_from_i64(0));
    /* The coefficient, rounded to float64 and to LOG_BITS. */
    lowering_widen_error(
        l, t,
        bound_mul(lowering_real_off(log_base, LOG_BITS) + ldexp(fabs(log_base), LOG_BITS - 52),
                  lowering_ideal_most(l, y)));
    uint32_t power = lowering_exp_within(l, t, log_bound(l), lowering_output_fraction(l, 0) + 1);
    lowering_output(l, 0, lowering_expand(l, power, &out));
}

/* ---- exponents known at run time only ---- */

/* The whole number y; one with a fraction has no witness. */
static uint32_t hold_whole(struct lowering *l, uint32_t y)
{
    int32_t fraction = lowering_fraction(l, y);
    if (fraction <= 0)
        return lowering_to_fraction(l, y, 0);
    uint32_t rest, whole = lowering_rescale(l, y, lowering_power_of_two(l, (unsigned)fraction),
                                            ROUND_FLOOR, form_integer(), NULL, &rest);
    lowering_enforce(l, rest, range_of_i64(0, 0));
    return whole;
}

/* x held to what calibration saw when its interval is wider by more than `slack` bits. */
static uint32_t hold_calibrated(struct lowering *l, uint32_t x, const struct value_plan *plan,
                                const char *what, unsigned slack)
{
    int32_t fraction = lowering_fraction(l, x);
    struct range held = lowering_calibrated(plan, fraction);
    if (range_bits(lowering_range_of(l, x)) <= range_bits(held) + slack)
        return x;
    lowering_note_range(l, what, held, fraction);
    return lowering_restrict(l, x, held);
}

/* bit ? x : 1 */
static uint32_t or_one(struct lowering *l, uint32_t bit, uint32_t x)
{
    struct shape shape = lowering_shape(l, x), scalar = {0};
    int32_t own = lowering_fraction(l, x);
    wide one = lowering_power_of_two(l, own < 0 ? 0 : (unsigned)own);
    uint32_t constant = lowering_constant(l, &scalar, form_fixed(own < 0 ? 0 : own), &one);
    return lowering_select(l, &shape, bit, x, constant);
}

/*
 * x^n, n >= 0: with n = sum b_i 2^i, the product of p_i where b_i, p_0 = x, p_(i+1) = p_i^2 while n
 * has higher bits and 1 after that, so that no |p_i| exceeds max(1, |x^n|).
 */
static uint32_t power_by_bits(struct lowering *l, uint32_t x, uint32_t n, int32_t fraction)
{
    struct value_plan bound = *lowering_output_plan(l, 0);
    bound.high = fmax(bound.high, 1);
    bool is_whole = lowering_form(l, x).encoding == ENCODING_INTEGER;
    uint32_t result = RELATION_NONE, p = x;
    unsigned bits = range_bits(lowering_range_of(l, n));
    for (unsigned i = 0; i < (bits == 0 ? 1 : bits); i++) {
        uint32_t bit;
        n = lowering_rescale(l, n, wide_from_i64(2), ROUND_FLOOR, form_integer(), NULL, &bit);
        uint32_t factor = or_one(l, bit, p);
        result = result == RELATION_NONE ? factor : lowering_times(l, result, factor);
        if (!is_whole)
            result = lowering_trim(l, result, fraction, 4);
        result = hold_calibrated(l, result, &bound, "power", 2);
        if (i + 1 >= bits)
            break;
        uint32_t more = lowering_affine(l, -1, lowering_is_zero(l, n), wide_from_i64(1));
        p = or_one(l, more, lowering_square(l, p));
        if (!is_whole)
            p = lowering_trim(l, p, fraction, 4);
        p = hold_calibrated(l, p, &bound, "power", 2);
    }
    return result;
}

static int32_t whole_bits_of(const struct value_plan *plan)
{
    int exponent = 0;
    frexp(fmax(fabs(plan->low), fabs(plan->high)), &exponent);
    return exponent < 0 ? 0 : exponent;
}

static void whole_exponent(struct lowering *l, uint32_t x, uint32_t y, const struct shape *shape)
{
    enum { EXPONENT_BITS_MAX = 10 };
    int32_t fraction = lowering_output_fraction(l, 0) + 1,
            inner = fraction + 8 + 2 * whole_bits_of(lowering_output_plan(l, 0));
    y = hold_calibrated(l, hold_whole(l, y), lowering_input_plan(l, 1), "exponent", 0);
    if (range_bits(lowering_range_of(l, y)) > EXPONENT_BITS_MAX)
        lowering_fail(l, STATUS_LIMIT, "exponents of %u bits", range_bits(lowering_range_of(l, y)));
    uint32_t not_negative, n = lowering_absolute(l, y, &not_negative);
    x = lowering_expand(l, x, shape);
    n = lowering_expand(l, n, shape);
    if (lowering_form(l, x).encoding != ENCODING_INTEGER)
        x = lowering_trim(l, x, inner, 4);
    bool may_divide = lowering_input_plan(l, 1)->low < 0;
    if (!may_divide) {
        lowering_output(l, 0, power_by_bits(l, x, n, inner));
        return;
    }
    if (lowering_form(l, x).encoding == ENCODING_INTEGER)
        lowering_fail(l, STATUS_UNSUPPORTED, "a negative power of an integer");
    uint32_t power = power_by_bits(l, x, n, inner), inverse = reciprocal(l, power, fraction);
    lowering_output(l, 0, lowering_select(l, shape, not_negative, power, inverse));
}

/* Bits of a power whose base may be negative: where it is minus that of the magnitude, and where it
 * is NaN, as the exponent is no whole number. */
struct sign_bits {
    uint32_t minus, nan;
};

/* Takes the sign off x; where there is no power it becomes 1. */
static struct sign_bits take_sign(struct lowering *l, uint32_t *x, uint32_t y,
                                  const struct shape *shape)
{
    uint32_t not_negative, whole, rest = RELATION_NONE, odd;
    int32_t fraction = lowering_fraction(l, y);
    *x = lowering_absolute(l, *x, &not_negative);
    uint32_t negative = lowering_affine(l, -1, not_negative, wide_from_i64(1));
    if (fraction > 0)
        whole = lowering_rescale(l, y, lowering_power_of_two(l, (unsigned)fraction), ROUND_FLOOR,
                                 form_integer(), NULL, &rest);
    else
        whole = lowering_to_fraction(l, y, 0);
    uint32_t broken = rest == RELATION_NONE
                          ? lowering_constant_i64(l, 0)
                          : lowering_affine(l, -1, lowering_is_zero(l, rest), wide_from_i64(1));
    lowering_rescale(l, whole, wide_from_i64(2), ROUND_FLOOR, form_integer(), NULL, &odd);
    struct relation_term minus = lowering_term_product(l, 1, negative, odd, shape),
                         nan = lowering_term_product(l, 1, negative, broken, shape);
    struct sign_bits bits = {
        lowering_product(l, shape, form_integer(), &minus, 1, wide_from_i64(0)),
        lowering_product(l, shape, form_integer(), &nan, 1, wide_from_i64(0))};
    *x = or_one(l, lowering_affine(l, -1, bits.nan, wide_from_i64(1)),
                lowering_expand(l, *x, shape));
    return bits;
}

/* exp(y log x), and 0 for x = 0. Where calibration saw negative bases, those have a power for whole
 * exponents. */
static void real_exponent(struct lowering *l, uint32_t x, uint32_t y, const struct shape *shape)
{
    int32_t fraction = lowering_output_fraction(l, 0) + 1,
            relative = fraction + 4 + 2 * whole_bits_of(lowering_output_plan(l, 0));
    uint32_t zero = RELATION_NONE;
    bool has_sign = lowering_input_plan(l, 0)->low < 0;
    struct sign_bits bits;
    if (has_sign)
        bits = take_sign(l, &x, y, shape);
    if (wide_compare(lowering_range_of(l, x).low, wide_from_i64(1)) < 0 &&
        lowering_input_plan(l, 0)->low <= 0) {
        x = lowering_replace_zeros(l, lowering_at_least(l, x, wide_from_i64(0)), &zero);
    }
    uint32_t t = lowering_log(l, x, lowering_input_plan(l, 0), relative);
    struct relation_term term = lowering_term_product(l, 1, t, y, shape);
    t = lowering_product(l, shape, form_fixed(lowering_fraction(l, t) + lowering_fraction(l, y)),
                         &term, 1, wide_from_i64(0));
    uint32_t power = lowering_exp_within(l, t, log_bound(l), fraction);
    if (zero != RELATION_NONE) {
        struct relation_term kept[2] = {lowering_term_product(l, -1, zero, power, shape),
                                        lowering_term(l, 1, power, shape)};
        power = lowering_product(l, shape, lowering_form(l, power), kept, 2, wide_from_i64(0));
    }
    if (has_sign && lowering_traces_nan(l))
        lowering_mark_nan(l, bits.nan);
    if (has_sign)
        power = lowering_with_sign(l, lowering_affine(l, -1, bits.minus, wide_from_i64(1)), power);
    lowering_output(l, 0, power);
}

/*
 * Whole exponents by their bits: those of integer type, and floats that were whole in calibration
 * where the base was not positive throughout, as only they have a meaning there.
 */
static void computed_exponent(struct lowering *l)
{
    const struct tensor *base = lowering_data(l, 0);
    if (base != NULL && base->count == 1 && element_type_is_float(base->type) &&
        base->data.real[0] > 0) {
        known_base(l, base->data.real[0]);
        return;
    }
    struct shape shape = lowering_output_shape(l, 0);
    uint32_t x = lowering_factor(l, 0), y = lowering_input(l, 1);
    const struct value_plan *exponent = lowering_input_plan(l, 1);
    bool is_whole = !element_type_is_float(lowering_graph_value(l, 1)->type),
         base_is_whole = !element_type_is_float(lowering_graph_value(l, 0)->type);
    is_whole |= exponent->is_whole && (base_is_whole || lowering_input_plan(l, 0)->low < 0);
    if (is_whole)
        whole_exponent(l, x, y, &shape);
    else if (base_is_whole)
        lowering_fail(l, STATUS_UNSUPPORTED, "a power of integers whose exponent is not whole");
    else
        real_exponent(l, x, lowering_trim(l, y, lowering_input_fraction(l, 1), 6), &shape);
}

/* Elements of the result that share an exponent. */
struct power_part {
    double exponent;
    size_t count;
    int64_t *picked; /* [count]: elements of the base */
    int64_t *placed; /* [elements of the result]: place among picked, -1 elsewhere */
    uint32_t value, nan;
};

/* Exponent of each element of the result. */
static double *exponents_of(struct lowering *l, const struct shape *shape)
{
    const struct tensor *data = lowering_data(l, 1);
    size_t count = shape_elements(shape);
    double *of = lowering_array(l, double, count);
    for (size_t e = 0; e < count; e++) {
        size_t at = shape_broadcast_element(&data->shape, shape, e);
        of[e] = element_type_is_float(data->type) ? data->data.real[at]
                                                  : (double)data->data.integer[at];
    }
    return of;
}

static struct power_part *find_part(struct lowering *l, struct power_part *parts, size_t *found,
                                    double exponent, size_t count)
{
    for (size_t k = 0; k < *found; k++) {
        if (parts[k].exponent == exponent)
            return &parts[k];
    }
    struct power_part *part = &parts[(*found)++];
    *part = (struct power_part){.exponent = exponent,
                                .picked = lowering_array(l, int64_t, count),
                                .placed = lowering_array(l, int64_t, count),
                                .nan = RELATION_NONE};
    memset(part->placed, 0xff, count * sizeof *part->placed);
    return part;
}

/* Puts the parts together: their values at one fraction, or their NaN bits. */
static uint32_t join_parts(struct lowering *l, const struct shape *shape,
                           const struct power_part *parts, size_t found, bool nan)
{
    struct relation_term *terms = lowering_array(l, struct relation_term, found);
    size_t count = 0;
    int32_t fraction = nan ? 0 : lowering_fraction(l, parts[0].value);
    for (size_t k = 1; k < found && !nan; k++)
        fraction = lowering_fraction(l, parts[k].value) > fraction
                       ? lowering_fraction(l, parts[k].value)
                       : fraction;
    for (size_t k = 0; k < found; k++) {
        if (nan && parts[k].nan == RELATION_NONE)
            continue;
        uint32_t piece = nan ? parts[k].nan : lowering_to_fraction(l, parts[k].value, fraction);
        terms[count++] = lowering_term_view(
            wide_from_i64(1),
            (struct relation_view){.tensor = piece, .index_list = parts[k].placed});
    }
    return count == 0 ? RELATION_NONE
                      : lowering_moved(l, shape, nan ? form_integer() : form_fixed(fraction), terms,
                                       count);
}

/*
 * Pow. An exponent decides what is computed, so one that is
 * known at compile time is public, stored with the model or not. Elements with one exponent are
 * computed together.
 */
void lower_pow(struct lowering *l)
{
    if (lowering_data(l, 1) == NULL) {
        computed_exponent(l);
        return;
    }
    struct shape shape = lowering_output_shape(l, 0);
    uint32_t x = lowering_factor(l, 0);
    struct relation_view source = lowering_view(l, x, &shape);
    size_t count = shape_elements(&shape), found = 0;
    double *of = exponents_of(l, &shape);
    struct power_part *parts = lowering_array(l, struct power_part, count);
    for (size_t e = 0; e < count; e++) {
        struct power_part *part = find_part(l, parts, &found, of[e], count);
        part->placed[e] = (int64_t)part->count;
        part->picked[part->count++] = relation_view_element(&source, shape.rank, shape.dim, e);
    }
    if (count == 0) {
        lowering_output(l, 0, lowering_constant(l, &shape, form_fixed(0), &(wide){{0}}));
        return;
    }
    if (found == 1) {
        lowering_output(l, 0, lowering_expand(l, one_power(l, x, parts[0].exponent), &shape));
        return;
    }
    for (size_t k = 0; k < found; k++) {
        struct shape line = shape_of(1, (int64_t)parts[k].count);
        lowering_mark_nan(l, RELATION_NONE);
        parts[k].value =
            one_power(l, lowering_pick(l, x, &line, parts[k].picked), parts[k].exponent);
        parts[k].nan = l->own_nan;
    }
    lowering_mark_nan(l, join_parts(l, &shape, parts, found, true));
    lowering_output(l, 0, join_parts(l, &shape, parts, found, false));
}
