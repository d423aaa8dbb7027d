/*
 * Lowering of exp, log, the functions made from them, softmax and erf.
 *
 * Small tables and exact products: an argument is cut into digits (one quotient and remainder
 * each), tables turn the leading digits into factors or terms, a short polynomial in what is left
 * does the rest, and one quotient rounds. The integers so computed ARE the definition; the comments
 * bound their distance from the real function.
 */
#include <math.h>
#include <string.h>

#include "ir/rounded_math.h"
#include "passes/lower_internal.h"

enum { TABLE_BITS_MAX = 62 };

/* ---- tables ---- */

/* Key, entries f(i / 2^shift) 2^bits for i = low .. low + size - 1. */
static struct relation_table function_table(struct lowering *l, const char *name,
                                            enum table_function f, int64_t low, size_t size,
                                            unsigned shift, int32_t bits)
{
    int64_t *entries = lowering_array(l, int64_t, size);
    for (size_t i = 0; i < size; i++) {
        if (!wide_to_i64(&entries[i], table_number(f, low + (int64_t)i, shift, bits)))
            lowering_fail(l, STATUS_LIMIT,
                          "a table of %s reaches beyond 64 bits; declare a smaller --range", name);
    }
    struct relation_table table = {.key = arena_printf(l->arena, "%s(i / 2^%u) 2^%d from %lld, %zu",
                                                       name, shift, bits, (long long)low, size),
                                   .x_low = low,
                                   .size = size,
                                   .output_count = 1,
                                   .outputs = {entries}};
    if (table.key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    return table;
}

static uint32_t look_up(struct lowering *l, const struct relation_table *table, uint32_t x,
                        int32_t fraction)
{
    uint32_t out;
    struct form form = form_fixed(fraction);
    lowering_table(l, table, x, &form, &out);
    return out;
}

static uint32_t product(struct lowering *l, uint32_t a, uint32_t b)
{
    struct shape shape = lowering_shape(l, a);
    struct relation_term term = lowering_term_product(l, 1, a, b, &shape);
    return lowering_product(l, &shape,
                            form_fixed(lowering_fraction(l, a) + lowering_fraction(l, b)), &term, 1,
                            wide_from_i64(0));
}

/* ---- exp ---- */

/* Integers of x at g bits as sixteenths, then `middle` bits, then the rest. */
enum { LEAD_SHIFT = 4, MIDDLE_BITS = 8, LEAD_ENTRIES_MAX = 1024 };

struct digits {
    uint32_t lead, middle, rest; /* rest RELATION_NONE when there is none */
    unsigned middle_bits, rest_bits;
};

/* low, high: of the lead digit, enforced. */
static struct digits split(struct lowering *l, uint32_t x, int64_t low, int64_t high)
{
    unsigned bits = (unsigned)lowering_fraction(l, x);
    struct digits d = {.rest = RELATION_NONE};
    d.middle_bits = bits - LEAD_SHIFT < MIDDLE_BITS ? bits - LEAD_SHIFT : MIDDLE_BITS;
    d.rest_bits = bits - LEAD_SHIFT - d.middle_bits;
    int64_t unit = (int64_t)1 << d.middle_bits;
    struct range both = range_of_i64(low * unit, high * unit + unit - 1),
                 lead = range_of_i64(low, high);
    uint32_t upper = x;
    if (d.rest_bits > 0)
        upper = lowering_rescale(l, x, wide_power_of_two(d.rest_bits), ROUND_FLOOR, form_integer(),
                                 &both, &d.rest);
    d.lead = lowering_rescale(l, upper, wide_from_i64(unit), ROUND_FLOOR, form_integer(), &lead,
                              &d.middle);
    return d;
}

/* 1 + t + t^2 / 2 for t = rest 2^-g: exp(t) within t^3 / 6 < 2^-38. Without the square within t^2 /
 * 2 < 2^-25. */
static uint32_t rest_factor(struct lowering *l, const struct digits *d, unsigned g,
                            bool with_square)
{
    struct shape shape = lowering_shape(l, d->rest);
    if (!with_square) {
        struct relation_term term = lowering_term(l, 1, d->rest, &shape);
        return lowering_linear(l, &shape, form_fixed((int32_t)g), &term, 1, wide_power_of_two(g));
    }
    struct relation_term terms[2] = {
        lowering_term_product(l, 1, d->rest, d->rest, &shape),
        lowering_term_wide(l, wide_power_of_two(g + 1), d->rest, &shape)};
    return lowering_product(l, &shape, form_fixed(2 * (int32_t)g + 1), terms, 2,
                            wide_power_of_two(2 * g + 1));
}

/* How an exp is cut up. */
struct exp_plan {
    int32_t g;           /* fraction bits of the argument */
    int32_t relative;    /* bits of the factor tables */
    int64_t first, last; /* lead digits, in sixteenths */
    int32_t lead_bits;   /* fraction of the lead table */
    bool is_far;         /* the lead digit is cut once more, at multiples of 16 */
};

enum { FAR_SHIFT = 8, FAR_ENTRIES_MAX = 7, FAR_POWER = 23 };

/* Relative bits that leave room for the powers of two of a far lead. */
static int32_t far_bits(int64_t far_last)
{
    return far_last > 4 ? 20 : 24;
}

/* exp(16 j) = m 2^(23 j), m in [1, 1.6): m from one table output, the power from up to three of 46
 * bits. */
static uint32_t far_factor(struct lowering *l, uint32_t far, int64_t last)
{
    int32_t bits = far_bits(last);
    size_t count = (size_t)last + 1;
    unsigned powers = last <= 2 ? 1 : last <= 4 ? 2 : 3;
    struct relation_table table = {
        .key = arena_printf(l->arena, "exp(16 i) 2^(%d - 23 i) and 2^(23 i), %zu", bits, count),
        .size = count,
        .output_count = (uint8_t)(1 + powers)};
    if (table.key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    struct form forms[4] = {form_fixed(bits), form_integer(), form_integer(), form_integer()};
    int64_t *entries[4];
    for (unsigned k = 0; k <= powers; k++)
        table.outputs[k] = entries[k] = lowering_array(l, int64_t, count);
    for (int j = 0; j < (int)count; j++) {
        ASSERT(
            wide_to_i64(&entries[0][j], table_number(TABLE_EXP, 16 * j, 0, bits - FAR_POWER * j)));
        for (int k = 0, left = j; k < (int)powers; k++) {
            int taken = left < 2 ? left : 2;
            entries[1 + k][j] = (int64_t)1 << FAR_POWER * taken;
            left -= taken;
        }
    }
    uint32_t out[4];
    lowering_table(l, &table, far, forms, out);
    for (unsigned k = 1; k <= powers; k++)
        out[0] = product(l, out[0], out[k]);
    return out[0];
}

/*
 * exp(lead / 16): a table with absolute precision; when its numbers or entries are too many,
 * exp(low) exp(near / 16) exp(16 far) with relative precision, near < 256.
 */
static uint32_t lead_factor(struct lowering *l, const struct exp_plan *p, uint32_t lead)
{
    size_t size = p->is_far ? (size_t)1 << FAR_SHIFT : (size_t)(p->last - p->first + 1);
    struct relation_table table =
        function_table(l, "exp", TABLE_EXP, p->first, size, LEAD_SHIFT, p->lead_bits);
    if (!p->is_far)
        return look_up(l, &table, lead, p->lead_bits);
    int64_t last = (p->last - p->first) >> FAR_SHIFT;
    uint32_t near, from_first = lowering_affine(l, 1, lead, wide_from_i64(-p->first));
    struct range range = range_of_i64(0, last);
    uint32_t far = lowering_rescale(l, from_first, wide_power_of_two(FAR_SHIFT), ROUND_FLOOR,
                                    form_integer(), &range, &near);
    uint32_t at = lowering_affine(l, 1, near, wide_from_i64(p->first));
    return product(l, look_up(l, &table, at, p->lead_bits), far_factor(l, far, last));
}

static struct exp_plan plan_exp(struct lowering *l, double low, double high, int32_t fraction)
{
    const double ln2 = 0.6931471805599453;
    double size_bits = high / ln2 + fraction;
    struct exp_plan p = {.relative = (int32_t)ceil(fmin(fmax(size_bits, 6), 40)) + 2};
    p.first = (int64_t)low * (1 << LEAD_SHIFT);
    p.last = (int64_t)floor(high * (1 << LEAD_SHIFT));
    p.lead_bits = fraction + 3;
    p.is_far = p.last - p.first >= LEAD_ENTRIES_MAX || size_bits > TABLE_BITS_MAX - 4;
    if (p.is_far) {
        /* All of the last far digit, so that the digits alone hold the argument. */
        int64_t far_last = (p.last - p.first) >> FAR_SHIFT;
        p.last = p.first + ((far_last + 1) << FAR_SHIFT) - 1;
        p.relative = p.relative > far_bits(far_last) ? far_bits(far_last) : p.relative;
        p.lead_bits = p.relative - (int32_t)floor(low / ln2) + 1;
        if (far_last >= FAR_ENTRIES_MAX)
            lowering_fail(l, STATUS_LIMIT,
                          "exp of numbers from %g to %g is out of reach; declare a smaller --range",
                          low, high);
    }
    p.g = p.relative < LEAD_SHIFT + 2 ? LEAD_SHIFT + 2 : p.relative;
    return p;
}

/*
 * exp(lead / 16) exp(middle / 2^12) (1 + t + ...): the lead carries absolute precision, the rest
 * relative. Arguments whose exp rounds to 0 are raised to one that does too.
 */
uint32_t lowering_exp(struct lowering *l, uint32_t x, double high, int32_t fraction)
{
    const double ln2 = 0.6931471805599453;
    struct range range = lowering_range_of(l, x);
    int32_t own = lowering_fraction(l, x);
    high = fmin(high, ldexp(wide_to_double(range.high), -own));
    double low = fmax(ldexp(wide_to_double(range.low), -own), -(fraction + 2) * ln2);
    low = floor(low > high ? high : low) - 1;
    struct exp_plan p = plan_exp(l, low, high, fraction);
    x = lowering_at_least(l, lowering_to_fraction(l, x, p.g), lowering_real(l, low, p.g));
    struct digits d = split(l, x, p.first, p.last);
    struct relation_table middle = function_table(
        l, "exp", TABLE_EXP, 0, (size_t)1 << d.middle_bits, LEAD_SHIFT + d.middle_bits, p.relative);
    uint32_t y = product(l, lead_factor(l, &p, d.lead), look_up(l, &middle, d.middle, p.relative));
    if (d.rest != RELATION_NONE)
        y = product(l, y, rest_factor(l, &d, (unsigned)p.g, p.relative > 24));
    return lowering_to_fraction(l, y, fraction);
}

/*
 * Highest argument that calibration leaves room for: exp grows so fast that an interval bound is
 * useless. The argument is held there when its interval reaches further.
 */
static uint32_t hold_argument(struct lowering *l, uint32_t x, const struct value_plan *plan,
                              double *high)
{
    int32_t own = lowering_fraction(l, x);
    double interval = ldexp(wide_to_double(lowering_range_of(l, x).high), -own);
    double seen = plan->high > 0 ? 1.25 * plan->high + 2 : 2;
    *high = interval;
    if (interval <= seen)
        return x;
    /* Where a float32 has infinity next, exp stays at its largest number: what divides by it gets 0
     * either way. */
    enum { FLOAT_MOST = 88 };
    if (seen > FLOAT_MOST / 2) {
        *high = FLOAT_MOST;
        return lowering_at_most(l, x, lowering_real(l, FLOAT_MOST, own));
    }
    double bound = 1;
    while (bound < seen)
        bound *= 2;
    *high = fmin(bound, interval);
    if (bound >= interval)
        return x;
    struct range held = lowering_range_of(l, x);
    wide top = lowering_real(l, bound, own);
    wide below;
    held = range_round_up(held);
    ASSERT(wide_sub(&below, top, wide_power_of_two(range_bits(held) + 1)) &&
           wide_add(&held.low, below, wide_from_i64(1)));
    held.high = top;
    lowering_note_range(l, "argument of exp", held, own);
    return lowering_restrict(l, x, held);
}

void lower_exp(struct lowering *l)
{
    double high;
    int32_t fraction = lowering_output_fraction(l, 0) + 1;
    uint32_t x = hold_argument(l, lowering_input(l, 0), lowering_input_plan(l, 0), &high);
    lowering_output(l, 0, lowering_exp(l, x, high, fraction));
}

/* ---- log ---- */

/* A positive argument of at most 62 bits. */
static uint32_t log_argument(struct lowering *l, uint32_t x, const struct value_plan *plan)
{
    struct range range = lowering_range_of(l, x);
    if (range_bits(range) > TABLE_BITS_MAX) {
        x = lowering_to_fraction(
            l, x, lowering_fraction(l, x) + TABLE_BITS_MAX - 2 - (int32_t)range_bits(range));
        range = lowering_range_of(l, x);
    }
    if (wide_compare(range.low, wide_from_i64(1)) >= 0)
        return x;
    unsigned bits = wide_bit_length(range.high);
    if (plan != NULL && plan->high > 0) {
        unsigned seen = range_bits(lowering_calibrated(plan, lowering_fraction(l, x)));
        bits = bits > seen + 4 ? seen : bits;
    }
    struct range positive = {wide_from_i64(1), wide_power_of_two(bits < 1 ? 1 : bits)};
    ASSERT(wide_sub(&positive.high, positive.high, wide_from_i64(0)));
    lowering_note_range(l, "argument of log", positive, lowering_fraction(l, x));
    return lowering_restrict(l, x, positive);
}

/* e = floor(log2 x), and 2^(w - 1 - e) that brings x to [2^(w-1), 2^w): pinned by 2^e <= x <
 * 2^(e+1). */
static uint32_t normalise(struct lowering *l, uint32_t x, unsigned w, uint32_t *exponent)
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
    ASSERT(wide_sub(&range.high, wide_power_of_two(w), wide_from_i64(1)));
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

/*
 * log(x) = (e - f) log 2 + log m, m = x 2^-e in [1, 2): with c close to 1 / m for the leading 8
 * bits of m, log m = -log c + log(1 + t), t = m c - 1, |t| < 2^-8; t - t^2/2 + t^3/3 is within
 * t^4/4 < 2^-34 of log(1 + t).
 */
uint32_t lowering_log(struct lowering *l, uint32_t x, const struct value_plan *plan,
                      int32_t fraction)
{
    enum { HEAD_BITS = 8, INVERSE_BITS = 12, THIRD_BITS = 12 };
    x = log_argument(l, x, plan);
    struct shape shape = lowering_shape(l, x);
    int32_t own = lowering_fraction(l, x), h = fraction + 4 < 6 ? 6 : fraction + 4,
            out_bits = 3 * h + THIRD_BITS;
    unsigned w = wide_bit_length(lowering_range_of(l, x).high);
    w = w < HEAD_BITS + 2 ? HEAD_BITS + 2 : w;
    uint32_t exponent, m = normalise(l, x, w, &exponent);
    struct range head_range = range_of_i64(1 << HEAD_BITS, (2 << HEAD_BITS) - 1);
    uint32_t head = lowering_rescale(l, m, wide_power_of_two(w - 1 - HEAD_BITS), ROUND_FLOOR,
                                     form_integer(), &head_range, NULL);
    size_t size = (size_t)1 << HEAD_BITS;
    int64_t *inverse = lowering_array(l, int64_t, size),
            *minus_log = lowering_array(l, int64_t, size);
    for (size_t i = 0; i < size; i++) {
        /* c = round(2^12 / (1 + (i + 1/2) / 2^8)) / 2^12 */
        inverse[i] =
            (int64_t)floor(ldexp(1, INVERSE_BITS) / (1 + ((double)i + 0.5) / (double)size) + 0.5);
        wide value;
        ASSERT(wide_neg(&value, table_number(TABLE_LOG, inverse[i], INVERSE_BITS, h)) &&
               wide_to_i64(&minus_log[i], value));
    }
    struct relation_table table = {.key = arena_printf(l->arena, "1/m and log m 2^%d", h),
                                   .x_low = 1 << HEAD_BITS,
                                   .size = size,
                                   .output_count = 2,
                                   .outputs = {inverse, minus_log}};
    if (table.key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    uint32_t out[2];
    struct form forms[2] = {form_fixed(INVERSE_BITS), form_fixed(h)};
    lowering_table(l, &table, head, forms, out);
    uint32_t ratio = product(l, m, out[0]);
    wide minus_one;
    ASSERT(wide_neg(&minus_one, wide_power_of_two(w - 1 + INVERSE_BITS)));
    uint32_t t = lowering_affine(l, 1, ratio, minus_one);
    struct range t_range = {wide_from_i64(0), wide_from_i64(0)};
    wide t_bound = wide_power_of_two((unsigned)h - 6);
    ASSERT(wide_neg(&t_range.low, t_bound) && wide_sub(&t_range.high, t_bound, wide_from_i64(1)));
    int32_t drop = lowering_fraction(l, t) - h;
    t = drop > 0 ? lowering_rescale(l, t, wide_power_of_two((unsigned)drop), ROUND_HALF_UP,
                                    form_fixed(h), &t_range, NULL)
                 : lowering_restrict(l, lowering_to_fraction(l, t, h), t_range);
    uint32_t square = lowering_square(l, t);
    wide half, ln2 = table_number(TABLE_LOG, 2, 0, out_bits), constant;
    ASSERT(wide_neg(&half, wide_power_of_two((unsigned)h + THIRD_BITS - 1)));
    ASSERT(wide_mul(&constant, ln2, wide_from_i64(-own)));
    struct relation_term terms[5] = {
        lowering_term_product(l, 1365, square, t, &shape), /* 2^12 / 3 */
        lowering_term_wide(l, half, square, &shape),
        lowering_term_wide(l, wide_power_of_two(2 * (unsigned)h + THIRD_BITS), t, &shape),
        lowering_term_wide(l, wide_power_of_two(2 * (unsigned)h + THIRD_BITS), out[1], &shape),
        lowering_term_wide(l, ln2, exponent, &shape)};
    uint32_t y = lowering_product(l, &shape, form_fixed(out_bits), terms, 5, constant);
    return lowering_to_fraction(l, y, fraction);
}

void lower_log(struct lowering *l)
{
    uint32_t x = lowering_trim(l, lowering_input(l, 0),
                               lowering_input_plan(l, 0)->fraction + l->plan->extra_bits, 6);
    int32_t own = lowering_fraction(l, x);
    if (lowering_traces_nan(l))
        x = lowering_replace_below(l, x, wide_from_i64(1),
                                   wide_power_of_two(own > 0 ? (unsigned)own : 0));
    lowering_output(
        l, 0, lowering_log(l, x, lowering_input_plan(l, 0), lowering_output_fraction(l, 0) + 1));
}

/* exp(p log x); for p > 0 an x of 0 is raised to 1 in its last place and its power put to 0. */
uint32_t lowering_real_power(struct lowering *l, uint32_t x, double p, int32_t fraction)
{
    enum { EXPONENT_BITS = 40 };
    const struct value_plan *y = lowering_output_plan(l, 0);
    double high = rounded_log(fmax(fmax(fabs(y->low), fabs(y->high)), 0x1p-20)) + 2;
    int32_t relative = fraction + (int32_t)ceil(fmax(high, 0) * 1.5) + 4;
    struct shape shape = lowering_shape(l, x);
    uint32_t zero = RELATION_NONE;
    if (p > 0 && wide_compare(lowering_range_of(l, x).low, wide_from_i64(1)) < 0) {
        x = lowering_at_least(l, x, wide_from_i64(0));
        zero = lowering_is_zero(l, x);
        x = lowering_sum2(l, &shape, x, 1, lowering_in_units(l, zero, lowering_fraction(l, x)), 1);
    }
    uint32_t t = lowering_log(l, x, lowering_input_plan(l, 0), relative);
    struct relation_term term =
        lowering_term_wide(l, lowering_real(l, p, EXPONENT_BITS), t, &shape);
    t = lowering_linear(l, &shape, form_fixed(relative + EXPONENT_BITS), &term, 1,
                        wide_from_i64(0));
    uint32_t power = lowering_exp(l, t, high, fraction);
    if (zero == RELATION_NONE)
        return power;
    struct relation_term kept[2] = {lowering_term_product(l, -1, zero, power, &shape),
                                    lowering_term(l, 1, power, &shape)};
    return lowering_product(l, &shape, lowering_form(l, power), kept, 2, wide_from_i64(0));
}

/* ---- logistic functions ---- */

/* exp(-|x|) and the bit x >= 0. */
static uint32_t decay(struct lowering *l, uint32_t x, int64_t factor, int32_t fraction,
                      uint32_t *bit)
{
    uint32_t magnitude = lowering_absolute(l, x, bit);
    return lowering_exp(l, lowering_affine(l, -factor, magnitude, wide_from_i64(0)), 0, fraction);
}

/* num / (1 + e) in [0, 1], e in [0, 1]. */
static uint32_t over_one_plus(struct lowering *l, uint32_t num, uint32_t e, int32_t fraction)
{
    int32_t own = lowering_fraction(l, e);
    struct shape shape = lowering_shape(l, e);
    uint32_t d = lowering_affine(l, 1, e, wide_power_of_two((unsigned)own));
    struct relation_term term =
        lowering_term_wide(l, wide_power_of_two((unsigned)fraction), num, &shape);
    uint32_t scaled =
        lowering_linear(l, &shape, form_fixed(own + fraction), &term, 1, wide_from_i64(0));
    struct range unit =
        range_round_up(range_make(wide_from_i64(0), wide_power_of_two((unsigned)fraction)));
    return lowering_divide_floor(l, &shape, scaled, d, form_fixed(fraction), &unit, NULL);
}

/* 1 / (1 + e) for x >= 0, e / (1 + e) below, e = exp(-|x|). */
void lower_sigmoid(struct lowering *l)
{
    int32_t fraction = lowering_output_fraction(l, 0) + 1, inner = fraction + 2;
    fraction = fraction < 1 ? 1 : fraction;
    uint32_t x = lowering_trim(l, lowering_input(l, 0),
                               lowering_input_plan(l, 0)->fraction + l->plan->extra_bits, 6),
             bit;
    struct shape shape = lowering_shape(l, x);
    uint32_t e = decay(l, x, 1, inner, &bit);
    wide one = wide_power_of_two((unsigned)inner);
    struct relation_term terms[3] = {lowering_term_product(l, -1, bit, e, &shape),
                                     lowering_term_wide(l, one, bit, &shape),
                                     lowering_term(l, 1, e, &shape)};
    uint32_t num = lowering_product(l, &shape, form_fixed(inner), terms, 3, wide_from_i64(0));
    lowering_output(l, 0, over_one_plus(l, num, e, fraction));
}

/* (2 bit - 1) y */
static uint32_t with_sign(struct lowering *l, uint32_t bit, uint32_t y)
{
    struct shape shape = lowering_shape(l, y);
    struct relation_term terms[2] = {lowering_term_product(l, 2, bit, y, &shape),
                                     lowering_term(l, -1, y, &shape)};
    return lowering_product(l, &shape, lowering_form(l, y), terms, 2, wide_from_i64(0));
}

/* sign(x) (1 - e) / (1 + e), e = exp(-2 |x|). */
void lower_tanh(struct lowering *l)
{
    int32_t fraction = lowering_output_fraction(l, 0) + 1, inner = fraction + 3;
    fraction = fraction < 1 ? 1 : fraction;
    uint32_t x = lowering_trim(l, lowering_input(l, 0),
                               lowering_input_plan(l, 0)->fraction + l->plan->extra_bits, 6),
             bit;
    uint32_t e = decay(l, x, 2, inner, &bit);
    uint32_t num = lowering_affine(l, -1, e, wide_power_of_two((unsigned)inner));
    lowering_output(l, 0, with_sign(l, bit, over_one_plus(l, num, e, fraction)));
}

/* ---- softmax ---- */

struct exponentials {
    uint32_t shifted; /* x - max, [rows, n] */
    uint32_t max;     /* [rows, 1] */
    uint32_t e;       /* exp(shifted) */
    uint32_t sum;     /* [rows, 1], at least almost 1 */
    int32_t fraction; /* of e and sum */
};

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
    out.e = lowering_exp(l, out.shifted, 0, out.fraction);
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

static uint32_t softmax_input(struct lowering *l)
{
    return lowering_trim(l, lowering_input(l, 0),
                         lowering_input_plan(l, 0)->fraction + l->plan->extra_bits, 6);
}

void lower_softmax(struct lowering *l)
{
    uint32_t x = softmax_input(l);
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

void lower_log_softmax(struct lowering *l)
{
    uint32_t x = softmax_input(l);
    struct shape shape = lowering_shape(l, x);
    uint32_t axes = softmax_axes(l, shape.rank), rows = lowering_rows(l, x, axes);
    int32_t fraction = lowering_output_fraction(l, 0) + 1;
    struct exponentials e = exponentials_of(l, rows, fraction);
    struct shape flat = lowering_shape(l, rows);
    uint32_t y = lowering_difference(l, &flat, e.shifted, lowering_log(l, e.sum, NULL, fraction));
    lowering_output(l, 0, restore_rows(l, y, &shape, axes));
}

void lower_reduce_log_sum_exp(struct lowering *l)
{
    uint32_t x = softmax_input(l), axes = 0;
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

/* ---- erf ---- */

enum { PIECE_SHIFT = 5, PIECES = 4 << PIECE_SHIFT, COEFFICIENT_BITS = 30 };

/*
 * Coefficients 2^30 (c0 + c1 u + c2 u^2 + c3 u^3) of the cubic through u = 0, 1/4, 3/4, 1 of piece
 * i, by divided differences. Every operation is exact or rounds once, the same everywhere.
 */
static void erf_cubic(int64_t i, int64_t *c0, int64_t *c1, int64_t *c2, int64_t *c3)
{
    static const int64_t quarters[4] = {0, 1, 3, 4};
    double v[4];
    for (int k = 0; k < 4; k++)
        v[k] = wide_to_double(
            table_number(TABLE_ERF, 4 * i + quarters[k], PIECE_SHIFT + 2, COEFFICIENT_BITS + 8));
    double first[3] = {4 * (v[1] - v[0]), 2 * (v[2] - v[1]), 4 * (v[3] - v[2])};
    double second[2] = {(first[1] - first[0]) / 0.75, (first[2] - first[1]) / 0.75};
    double third = second[1] - second[0];
    *c0 = (int64_t)rint(v[0] / 256);
    *c1 = (int64_t)rint((first[0] - second[0] / 4 + third * 0.1875) / 256);
    *c2 = (int64_t)rint((second[0] - third) / 256);
    *c3 = (int64_t)rint(third / 256);
}

/* out = a b + c 2^shift */
static uint32_t horner(struct lowering *l, uint32_t a, uint32_t b, uint32_t c, unsigned shift,
                       int32_t fraction)
{
    struct shape shape = lowering_shape(l, a);
    struct relation_term terms[2] = {lowering_term_product(l, 1, a, b, &shape),
                                     lowering_term_wide(l, wide_power_of_two(shift), c, &shape)};
    return lowering_product(l, &shape, form_fixed(fraction), terms, 2, wide_from_i64(0));
}

/*
 * sign(x) erf(|x|), |x| cut off below 4, where erf is 1 within 2^-25: one of 128 cubics, within
 * 2^-28 of the function.
 */
void lower_erf(struct lowering *l)
{
    int32_t fraction = lowering_output_fraction(l, 0) + 1, g = fraction < 8 ? 8 : fraction;
    unsigned s = (unsigned)g - PIECE_SHIFT;
    uint32_t bit, x = lowering_to_fraction(l, lowering_input(l, 0), g);
    uint32_t magnitude =
        lowering_at_most(l, lowering_absolute(l, x, &bit), lowering_real(l, 4 - 0x1p-7, g));
    struct range range = range_of_i64(0, PIECES - 1);
    uint32_t rest, piece = lowering_rescale(l, magnitude, wide_power_of_two(s), ROUND_FLOOR,
                                            form_integer(), &range, &rest);
    int64_t *c[4];
    struct relation_table table = {.key = "cubics of erf", .size = PIECES, .output_count = 4};
    struct form forms[4];
    for (int k = 0; k < 4; k++) {
        c[k] = lowering_array(l, int64_t, PIECES);
        table.outputs[k] = c[k];
        forms[k] = form_fixed(COEFFICIENT_BITS);
    }
    for (int64_t i = 0; i < PIECES; i++)
        erf_cubic(i, &c[0][i], &c[1][i], &c[2][i], &c[3][i]);
    uint32_t out[4];
    lowering_table(l, &table, piece, forms, out);
    int32_t bits = COEFFICIENT_BITS;
    uint32_t y = horner(l, out[3], rest, out[2], s, bits + (int32_t)s);
    y = horner(l, y, rest, out[1], 2 * s, bits + 2 * (int32_t)s);
    y = horner(l, y, rest, out[0], 3 * s, bits + 3 * (int32_t)s);
    lowering_output(l, 0, with_sign(l, bit, lowering_to_fraction(l, y, fraction)));
}
