/*
 * Lowering of log and of powers with an exponent that is no small number.
 *
 * The argument is brought to m in [1, 2) by a power of two. Factors close to 1 / m from one large
 * or two small tables (lower_options.table_bits) bring m to 1 + t; a short polynomial in t and one
 * rounding do the rest. The integers so computed ARE the definition; the comments bound their
 * distance from the real function.
 */
#include <float.h>
#include <math.h>

#include "ir/rounded_math.h"
#include "passes/lower_internal.h"

enum { ARGUMENT_BITS = 62, LARGE_TABLE_BITS = 8 };
/* Leading bits that choose a factor: of the only table, or of each of two; fraction bits of the
 * factors. */
enum { LEAST_BITS = 6, MOST_BITS = 40 };
enum { HEAD_BITS = 8, FIRST_BITS = 4, FIRST_INVERSE_BITS = 8, INVERSE_BITS = 12, THIRD_BITS = 12 };

/* Bits that a logarithm at `fraction` bits is computed with. */
static int32_t log_bits(int32_t fraction)
{
    int32_t bits = fraction + 4;
    return bits < LEAST_BITS ? LEAST_BITS : bits > MOST_BITS ? MOST_BITS : bits;
}

/* Fraction bits of x when it is cut to at most 62 bits. */
static int32_t kept_fraction(const struct lowering *l, uint32_t x)
{
    int32_t bits = (int32_t)range_bits(lowering_range_of(l, x)), own = lowering_fraction(l, x);
    return bits <= ARGUMENT_BITS ? own : own + ARGUMENT_BITS - 2 - bits;
}

/* Whether that leaves the smallest argument seen fewer than `bits` bits. */
static bool is_cut_short(struct lowering *l, uint32_t x, const struct value_plan *plan,
                         int32_t bits)
{
    int32_t kept = kept_fraction(l, x);
    return kept != lowering_fraction(l, x) && plan != NULL && plan->smallest > 0 &&
           ldexp(plan->smallest, kept) < ldexp(1, bits);
}

/*
 * x, or floor(x / 2^s) where x >= 2^60, until 62 bits hold it: log(x) loses s log 2, and at most
 * 2^(s - 60) by the rounding. Returns s summed up, one number an element.
 */
static uint32_t divide_large(struct lowering *l, uint32_t *x, int32_t bits)
{
    enum { HIGH_BIT = ARGUMENT_BITS - 2, LEAST_STEP = 12 };
    struct shape shape = lowering_shape(l, *x);
    uint32_t sum = RELATION_NONE;
    wide minus;
    lowering_require_room(l, wide_neg(&minus, lowering_power_of_two(l, HIGH_BIT)));
    while (range_bits(lowering_range_of(l, *x)) > ARGUMENT_BITS) {
        int32_t excess = (int32_t)range_bits(lowering_range_of(l, *x)) - HIGH_BIT,
                step = HIGH_BIT - 2 - bits < LEAST_STEP ? LEAST_STEP : HIGH_BIT - 2 - bits;
        step = step < excess ? step : excess;
        struct form form = lowering_form(l, *x);
        uint32_t high = lowering_rescale(l, *x, lowering_power_of_two(l, (unsigned)step),
                                         ROUND_FLOOR, form, NULL, NULL),
                 is_large = lowering_is_not_negative(l, lowering_affine(l, 1, *x, minus));
        struct range held = {lowering_range_of(l, *x).low, lowering_range_of(l, high).high};
        if (wide_compare(held.high, lowering_power_of_two(l, HIGH_BIT)) < 0)
            held.high = lowering_power_of_two(l, HIGH_BIT);
        *x = lowering_restrict(l, lowering_select(l, &shape, is_large, high, *x), held);
        struct relation_term terms[2] = {lowering_term(l, step, is_large, &shape)};
        if (sum != RELATION_NONE)
            terms[1] = lowering_term(l, 1, sum, &shape);
        sum = lowering_linear(l, &shape, form_integer(), terms, sum == RELATION_NONE ? 1 : 2,
                              wide_from_i64(0));
    }
    return sum;
}

/* A positive argument of at most 62 bits, whose logarithm lacks `*raised` times log 2 when that is
 * a tensor. */
static uint32_t log_argument(struct lowering *l, uint32_t x, const struct value_plan *plan,
                             int32_t precision, uint32_t *raised)
{
    *raised = RELATION_NONE;
    if (is_cut_short(l, x, plan, precision)) {
        struct range held = {wide_from_i64(1), lowering_range_of(l, x).high};
        x = lowering_restrict_to(l, x, held);
        *raised = divide_large(l, &x, precision);
    }
    x = lowering_to_fraction(l, x, kept_fraction(l, x));
    struct range range = lowering_range_of(l, x);
    if (wide_compare(range.low, wide_from_i64(1)) >= 0)
        return x;
    unsigned bits = wide_bit_length(range.high);
    if (*raised == RELATION_NONE && plan != NULL && plan->high > 0) {
        unsigned seen = range_bits(lowering_calibrated(plan, lowering_fraction(l, x)));
        bits = bits > seen + 4 ? seen : bits;
    }
    struct range positive = {wide_from_i64(1), lowering_power_of_two(l, bits < 1 ? 1 : bits)};
    lowering_note_range(l, "argument of log", positive, lowering_fraction(l, x));
    return lowering_restrict(l, x, positive);
}

/* Pinned by 2^e <= x < 2^(e+1). */
uint32_t lowering_normalise(struct lowering *l, uint32_t x, unsigned w, uint32_t *exponent)
{
    struct shape shape = lowering_shape(l, x);
    int64_t *power = lowering_array(l, int64_t, w), *raise = lowering_array(l, int64_t, w);
    for (unsigned e = 0; e < w; e++) {
        power[e] = (int64_t)1 << e;
        raise[e] = (int64_t)1 << (w - 1 - e);
    }
    struct relation_table table = {.key = arena_printf(l->arena, "2^i and 2^(%u - i)", w - 1),
                                   .size = w,
                                   .output_count = 2,
                                   .outputs = {power, raise}};
    if (table.key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    struct relation_view view = lowering_view(l, x, &shape);
    *exponent = lowering_hint(l, HINT_BIT_LENGTH, 0, &shape, &view, 1, &shape,
                              range_of_i64(0, (int64_t)w - 1));
    uint32_t out[2];
    struct form forms[2] = {form_integer(), form_integer()};
    lowering_table(l, &table, *exponent, forms, out);
    struct range range = {wide_from_i64(0), wide_from_i64(0)};
    lowering_require_room(l, wide_sub(&range.high, lowering_power_of_two(l, w), wide_from_i64(1)));
    struct relation_term above[2] = {lowering_term(l, 1, x, &shape),
                                     lowering_term(l, -1, out[0], &shape)};
    lowering_enforce(
        l, lowering_linear_within(l, &shape, form_integer(), above, 2, wide_from_i64(0), range),
        range);
    struct relation_term below[2] = {lowering_term(l, 2, out[0], &shape),
                                     lowering_term(l, -1, x, &shape)};
    lowering_enforce(
        l, lowering_linear_within(l, &shape, form_integer(), below, 2, wide_from_i64(-1), range),
        range);
    struct relation_term scaled = lowering_term_product(l, 1, x, out[1], &shape);
    return lowering_product(l, &shape, form_fixed((int32_t)w - 1), &scaled, 1, wide_from_i64(0));
}

/* c and -log c at h bits for the integer `index`, which runs from `low`. */
struct factor {
    uint32_t inverse, minus_log;
};

typedef double inverse_of(int64_t index);

/* 2^12 / m in the middle of a piece of 2^-8. */
static double middle_inverse(int64_t index)
{
    return rint(ldexp(1, INVERSE_BITS) / ldexp((double)index + 0.5, -HEAD_BITS));
}

/* 2^8 / m at the lower end of a piece of 2^-4, rounded up: m c is at least 1. */
static double upper_inverse(int64_t index)
{
    return ceil(ldexp(1, FIRST_INVERSE_BITS) / ldexp((double)index, -FIRST_BITS));
}

static struct factor look_up_factor(struct lowering *l, uint32_t index, int64_t low, size_t size,
                                    inverse_of *inverse_at, int32_t bits, int32_t h)
{
    struct relation_table table = {.key = arena_printf(l->arena,
                                                       "1/m 2^%d and log m 2^%d from %lld, %zu",
                                                       bits, h, (long long)low, size),
                                   .x_low = low,
                                   .size = size,
                                   .output_count = 2};
    if (table.key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    const struct relation_table *known = lowering_find_table(l, table.key);
    if (known != NULL) {
        table = *known;
    } else {
        int64_t *inverse = lowering_array(l, int64_t, size),
                *minus_log = lowering_array(l, int64_t, size);
        for (size_t i = 0; i < size; i++) {
            wide value;
            inverse[i] = (int64_t)inverse_at(low + (int64_t)i);
            lowering_require_room(
                l, wide_neg(&value, table_number(TABLE_LOG, inverse[i], (unsigned)bits, h)) &&
                       wide_to_i64(&minus_log[i], value));
        }
        table.outputs[0] = inverse;
        table.outputs[1] = minus_log;
        lowering_store_table(l, &table);
    }
    uint32_t out[2];
    struct form forms[2] = {form_fixed(bits), form_fixed(h)};
    lowering_table(l, &table, index, forms, out);
    return (struct factor){out[0], out[1]};
}

/* Leading digits of x at f bits: floor(x 2^bits). */
static uint32_t head_of(struct lowering *l, uint32_t x, unsigned bits, int64_t low, int64_t high)
{
    struct range range = range_of_i64(low, high);
    return lowering_rescale(l, x,
                            lowering_power_of_two(l, (unsigned)lowering_fraction(l, x) - bits),
                            ROUND_FLOOR, form_integer(), &range, NULL);
}

/* 2^bits times what a number is above 1. */
static uint32_t minus_one(struct lowering *l, uint32_t x)
{
    wide one;
    lowering_require_room(
        l, wide_neg(&one, lowering_power_of_two(l, (unsigned)lowering_fraction(l, x))));
    return lowering_affine(l, 1, x, one);
}

/*
 * t = m c1 c2 - 1 with |t| < 2^-8, and the number of factors, 1 or 2. One: c for the leading 8
 * bits of m. Two: m c1 is in [1, 1.067), so that its next bits are 18 numbers.
 */
static uint32_t reduce(struct lowering *l, uint32_t m, int32_t h, struct factor factor[2],
                       unsigned *count)
{
    enum { SECOND_COUNT = 18 };
    *count = 1;
    int64_t first = (int64_t)1 << HEAD_BITS;
    uint32_t head;
    if (l->options->table_bits >= LARGE_TABLE_BITS) {
        head = head_of(l, m, HEAD_BITS, first, 2 * first - 1);
        factor[0] = look_up_factor(l, head, first, (size_t)first, middle_inverse, INVERSE_BITS, h);
        return minus_one(l, lowering_times(l, m, factor[0].inverse));
    }
    *count = 2;
    int64_t low = (int64_t)1 << FIRST_BITS;
    head = head_of(l, m, FIRST_BITS, low, 2 * low - 1);
    factor[0] = look_up_factor(l, head, low, (size_t)low, upper_inverse, FIRST_INVERSE_BITS, h);
    uint32_t u = lowering_times(l, m, factor[0].inverse);
    head = head_of(l, u, HEAD_BITS, first, first + SECOND_COUNT - 1);
    factor[1] = look_up_factor(l, head, first, SECOND_COUNT, middle_inverse, INVERSE_BITS, h);
    return minus_one(l, lowering_times(l, u, factor[1].inverse));
}

/* t at h bits, held to |t| < 2^-6. */
static uint32_t round_rest(struct lowering *l, uint32_t t, int32_t h)
{
    struct range range = {wide_from_i64(0), wide_from_i64(0)};
    wide bound = lowering_power_of_two(l, (unsigned)h - 6);
    lowering_require_room(l, wide_neg(&range.low, bound) &&
                                 wide_sub(&range.high, bound, wide_from_i64(1)));
    int32_t drop = lowering_fraction(l, t) - h;
    return drop > 0 ? lowering_rescale(l, t, lowering_power_of_two(l, (unsigned)drop),
                                       ROUND_HALF_UP, form_fixed(h), &range, NULL)
                    : lowering_restrict(l, lowering_to_fraction(l, t, h), range);
}

/* The leading h + 1 bits of m, rounded down: still in [1, 2). */
static uint32_t shorten(struct lowering *l, uint32_t m, int32_t h)
{
    int32_t drop = lowering_fraction(l, m) - (h + 1 < 12 ? 12 : h + 1);
    if (drop <= 0)
        return m;
    return lowering_rescale(l, m, lowering_power_of_two(l, (unsigned)drop), ROUND_FLOOR,
                            form_fixed(lowering_fraction(l, m) - drop), NULL, NULL);
}

/*
 * y is the logarithm of X >= 1 unit. By itself it is off by the cut of m and the rounding of t, a
 * unit of h bits and 1.01 half ones; two factors and log 2 by half a unit each; the polynomial by
 * t^4 / 4 and, as 1365 / 2^12 stands for 1 / 3, by 2^-37; half a last place. Between X and x the
 * logarithm is no steeper than 1 / the smaller one.
 */
static void state_log(struct lowering *l, uint32_t y, uint32_t x, int32_t h, int32_t fraction)
{
    const struct error_bound *bound = lowering_bound(l, x);
    double own = ldexp(1, -h) + ldexp(1.02, -h - 1) + ldexp(2, -h - 1) + ldexp(1, -h - 12) +
                 0x1.1p-34 + 0x1p-37 + ldexp(1, -fraction - 1);
    double room = bound_is_proven(bound) ? (bound->least - bound->error) * (1 - 0x1p-50) : 1;
    if (!(room > 0))
        lowering_leave_bound(l, y, BOUND_POLE);
    else
        lowering_state_error(
            l, y, x, bound_add(bound_is_proven(bound) ? bound_div(bound->error, room) : 0, own));
}

/*
 * log(x) = (e - f) log 2 - log c + log(1 + t), m = x 2^-e in [1, 2), t = m c - 1, |t| < 2^-8: t -
 * t^2/2 + t^3/3 is within t^4/4 < 2^-34 of log(1 + t).
 */
uint32_t lowering_log(struct lowering *l, uint32_t x, const struct value_plan *plan,
                      int32_t fraction)
{
    int32_t h = log_bits(fraction);
    uint32_t raised, operand;
    operand = x = log_argument(l, x, plan, h, &raised);
    struct shape shape = lowering_shape(l, x);
    int32_t own = lowering_fraction(l, x);
    int32_t out_bits = 3 * h + THIRD_BITS;
    unsigned w = wide_bit_length(lowering_range_of(l, x).high), factors;
    w = w < HEAD_BITS + 2 ? HEAD_BITS + 2 : w;
    struct factor factor[2];
    uint32_t exponent, m = lowering_normalise(l, x, w, &exponent);
    uint32_t t = round_rest(l, reduce(l, shorten(l, m, h), h, factor, &factors), h);
    uint32_t square = lowering_square(l, t);
    wide half, log2 = table_number(TABLE_LOG, 2, 0, out_bits), constant;
    lowering_require_room(l,
                          wide_neg(&half, lowering_power_of_two(l, (unsigned)h + THIRD_BITS - 1)));
    lowering_require_room(l, wide_mul(&constant, log2, wide_from_i64(-own)));
    wide units = lowering_power_of_two(l, 2 * (unsigned)h + THIRD_BITS);
    struct relation_term terms[7] = {lowering_term_product(l, 1365, square, t, &shape), /* 2^12/3 */
                                     lowering_term_wide(l, half, square, &shape),
                                     lowering_term_wide(l, units, t, &shape),
                                     lowering_term_wide(l, log2, exponent, &shape)};
    for (unsigned i = 0; i < factors; i++)
        terms[4 + i] = lowering_term_wide(l, units, factor[i].minus_log, &shape);
    size_t count = 4 + factors;
    if (raised != RELATION_NONE)
        terms[count++] = lowering_term_wide(l, log2, raised, &shape);
    uint32_t y = lowering_product(l, &shape, form_fixed(out_bits), terms, count, constant);
    y = lowering_to_fraction(l, y, fraction);
    state_log(l, y, operand, h, fraction);
    /* Large arguments were brought down by a decision on each. */
    if (raised != RELATION_NONE)
        lowering_leave_bound(l, y, BOUND_NO_RULE);
    return y;
}

uint32_t lowering_replace_zeros(struct lowering *l, uint32_t x, uint32_t *zero)
{
    struct shape shape = lowering_shape(l, x);
    int32_t own = lowering_fraction(l, x), kept = kept_fraction(l, x);
    *zero = lowering_is_zero(l, x);
    /* By the sum the interval may take another bit. */
    return lowering_sum2(l, &shape, x, 1, lowering_in_units(l, *zero, kept == own ? own : kept - 1),
                         1);
}

/* Marks where x >= 0 is 0, and puts a small number there. */
static uint32_t log_of_zero(struct lowering *l, uint32_t x)
{
    if (wide_compare(lowering_range_of(l, x).low, wide_from_i64(1)) >= 0)
        return x;
    uint32_t zero;
    x = lowering_replace_zeros(l, x, &zero);
    lowering_mark_infinite(l, zero);
    return x;
}

void lower_log(struct lowering *l)
{
    uint32_t x = lowering_trim(l, lowering_input(l, 0), lowering_input_fraction(l, 0), 6);
    int32_t own = lowering_fraction(l, x);
    if (lowering_traces_nan(l)) {
        x = lowering_replace_below(l, x, wide_from_i64(0),
                                   lowering_power_of_two(l, own > 0 ? (unsigned)own : 0));
        x = log_of_zero(l, x);
    }
    lowering_output(
        l, 0, lowering_log(l, x, lowering_input_plan(l, 0), lowering_output_fraction(l, 0) + 1));
}

/* exp(p log x); for p > 0 an x of 0 is raised to 1 in its last place and its power put to 0. */
uint32_t lowering_real_power(struct lowering *l, uint32_t x, const struct value_plan *plan,
                             double p, double largest, int32_t fraction)
{
    enum { EXPONENT_BITS = 40 };
    double high = rounded_log(fmax(fmin(largest, DBL_MAX), 0x1p-20)) + 2;
    int32_t relative = fraction + (int32_t)ceil(fmax(high, 0) * 1.5) + 4;
    struct shape shape = lowering_shape(l, x);
    uint32_t zero = RELATION_NONE;
    if (p > 0 && wide_compare(lowering_range_of(l, x).low, wide_from_i64(1)) < 0) {
        /* What is cut to 0 has no power that shows, where calibration saw none that small. */
        if (!is_cut_short(l, x, plan, log_bits(relative)))
            x = lowering_to_fraction(l, x, kept_fraction(l, x));
        x = lowering_replace_zeros(l, lowering_at_least(l, x, wide_from_i64(0)), &zero);
    }
    uint32_t t = lowering_log(l, x, plan, relative);
    struct relation_term term =
        lowering_term_wide(l, lowering_real(l, p, EXPONENT_BITS), t, &shape);
    double off = bound_mul(lowering_real_off(p, EXPONENT_BITS), lowering_ideal_most(l, t));
    t = lowering_linear(l, &shape, form_fixed(relative + EXPONENT_BITS), &term, 1,
                        wide_from_i64(0));
    lowering_widen_error(l, t, off);
    uint32_t power = lowering_exp_within(l, t, high, fraction);
    if (zero == RELATION_NONE)
        return power;
    struct relation_term kept[2] = {lowering_term_product(l, -1, zero, power, &shape),
                                    lowering_term(l, 1, power, &shape)};
    return lowering_product(l, &shape, lowering_form(l, power), kept, 2, wide_from_i64(0));
}
