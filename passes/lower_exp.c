/*
 * Lowering of exp.
 *
 * The argument is cut into digits: exp(lead) exp(digit) ... exp(rest), a table for each digit and
 * a short polynomial for the rest. Exact products, and one rounding at the end. The integers so
 * computed ARE the definition; the comments bound their distance from the real function.
 *
 * Large tables make few rows an element, small tables few rows in all: lower_options.table_bits
 * says which.
 */
#include <math.h>

#include "ir/ops.h"
#include "ir/rounded_math.h"
#include "passes/lower_internal.h"

/* Digits reach down to 2^-12; an exponent of two for a far lead; entries of the lead table. */
enum {
    DIGITS_MAX = 3,
    DIGITS_END = 12,
    LARGE_TABLE_BITS = 8,
    LARGE_LEAD_STEP = 4,
    ENTRY_BITS = 58
};
/* exp(16 j) = m 2^(23 j) with m in [1, 2), j below 12. */
enum { FAR_UNIT_BITS = 4, FAR_POWER = 23, FAR_RELATIVE = 30, FAR_COUNT_MAX = 12 };

static const double ln2 = 0.6931471805599453;

/* How an exp is cut up: x = lead 2^-step + digit[0] 2^-(step + digit_bits[0]) + ... + rest 2^-g. */
struct exp_plan {
    int32_t g;           /* fraction bits of the argument */
    int32_t relative;    /* of the tables of digits: relative precision */
    int32_t lead_bits;   /* of the lead table: absolute precision; far: relative */
    unsigned step;       /* the lead digit counts 2^-step */
    int64_t first, last; /* lead digits that occur */
    unsigned digit_bits[DIGITS_MAX], digit_count, rest_bits;
    bool is_far; /* the lead digit is cut once more, at multiples of 16 */
};

static void plan_digits(struct exp_plan *p, unsigned table_bits)
{
    unsigned end = p->g < DIGITS_END ? (unsigned)p->g : DIGITS_END, left = end - p->step;
    p->digit_count = (left + table_bits - 1) / table_bits;
    p->digit_count = p->digit_count > DIGITS_MAX ? DIGITS_MAX : p->digit_count;
    for (unsigned i = 0; i < p->digit_count; i++) {
        p->digit_bits[i] = left / (p->digit_count - i);
        left -= p->digit_bits[i];
    }
    p->rest_bits = (unsigned)p->g - end;
}

static int32_t up_to_multiple(int32_t x, int32_t unit)
{
    return (int32_t)ceil((double)x / unit) * unit;
}

/*
 * low, high: of the argument. Precisions are rounded up so that the exps of a model share tables.
 * With n digits the result is off by less than (n + 3) 2^-(fraction + 3) before it is rounded.
 */
static struct exp_plan plan_exp(const struct lowering *l, double low, double high, int32_t fraction)
{
    enum { SHARED_BITS = 4 };
    unsigned table_bits = l->options->table_bits;
    double size_bits = high / ln2 + fraction;
    struct exp_plan p = {.step = table_bits >= LARGE_TABLE_BITS ? LARGE_LEAD_STEP : 0};
    p.relative = up_to_multiple((int32_t)ceil(fmin(fmax(size_bits, 6), 40)) + 2, SHARED_BITS);
    p.lead_bits = up_to_multiple(fraction + 3, SHARED_BITS);
    p.first = (int64_t)floor(ldexp(low, (int)p.step));
    /* Rounding to g bits may raise the argument a little. */
    p.last = (int64_t)floor(ldexp(high + 0x1p-6, (int)p.step));
    p.is_far =
        p.last - p.first >= (int64_t)4 << table_bits || high / ln2 + p.lead_bits > ENTRY_BITS;
    if (p.is_far) {
        int64_t unit = (int64_t)1 << (FAR_UNIT_BITS + p.step);
        p.relative = p.relative > FAR_RELATIVE ? FAR_RELATIVE : p.relative;
        p.lead_bits = p.relative - (int32_t)floor(low / ln2) + 1;
        p.last = p.first + ((p.last - p.first) / unit + 1) * unit - 1;
    }
    p.g = p.relative < (int32_t)p.step + 2 ? (int32_t)p.step + 2 : p.relative;
    plan_digits(&p, table_bits);
    return p;
}

/* ---- digits ---- */

/* Digits of x at g bits, lead first, and the rest: RELATION_NONE when there is none. The tables
 * they are looked up in enforce the range of every quotient. */
static void split(struct lowering *l, const struct exp_plan *p, uint32_t x, uint32_t *digits,
                  uint32_t *rest)
{
    int64_t unit = 1;
    for (unsigned i = 0; i < p->digit_count; i++)
        unit <<= p->digit_bits[i];
    *rest = RELATION_NONE;
    if (p->rest_bits > 0) {
        struct range range = range_of_i64(p->first * unit, p->last * unit + unit - 1);
        x = lowering_rescale(l, x, lowering_power_of_two(l, p->rest_bits), ROUND_FLOOR,
                             form_integer(), &range, rest);
    }
    for (unsigned i = p->digit_count; i-- > 0;) {
        unit >>= p->digit_bits[i];
        struct range range = range_of_i64(p->first * unit, p->last * unit + unit - 1);
        x = lowering_rescale(l, x, lowering_power_of_two(l, p->digit_bits[i]), ROUND_FLOOR,
                             form_integer(), &range, &digits[i + 1]);
    }
    digits[0] = x;
}

/* 1 + t + t^2 / 2 for t = rest 2^-g: exp(t) within t^3 / 6 < 2^-38. Without the square within t^2 /
 * 2 < 2^-25. */
static uint32_t rest_factor(struct lowering *l, uint32_t rest, unsigned g, bool with_square)
{
    struct shape shape = lowering_shape(l, rest);
    if (!with_square) {
        struct relation_term term = lowering_term(l, 1, rest, &shape);
        return lowering_linear(l, &shape, form_fixed((int32_t)g), &term, 1,
                               lowering_power_of_two(l, g));
    }
    struct relation_term terms[2] = {
        lowering_term_product(l, 1, rest, rest, &shape),
        lowering_term_wide(l, lowering_power_of_two(l, g + 1), rest, &shape)};
    return lowering_product(l, &shape, form_fixed(2 * (int32_t)g + 1), terms, 2,
                            lowering_power_of_two(l, 2 * g + 1));
}

static uint32_t look_up_exp(struct lowering *l, uint32_t x, int64_t first, size_t size,
                            unsigned shift, int32_t bits)
{
    struct relation_table table =
        lowering_function_table(l, "exp", TABLE_EXP, first, size, shift, bits);
    return lowering_look_up(l, &table, x, bits);
}

/* ---- a lead of many multiples of 16 ---- */

/* Entry j of output k: m 2^relative, or the power's share of exp(16 j), two units of 23 bits an
 * output. */
static int64_t far_entry(const struct exp_plan *p, unsigned k, int j)
{
    if (k == 0) {
        int64_t m;
        ASSERT(wide_to_i64(&m, table_number(TABLE_EXP, 16 * j, 0, p->relative - FAR_POWER * j)));
        return m;
    }
    int taken = j - 2 * ((int)k - 1);
    taken = taken < 0 ? 0 : taken > 2 ? 2 : taken;
    return (int64_t)1 << FAR_POWER * taken;
}

/* Outputs from `k` on of the table of far leads; returns how many. */
static unsigned look_up_far(struct lowering *l, const struct exp_plan *p, uint32_t far,
                            int64_t last, unsigned k, unsigned outputs, uint32_t *out)
{
    struct relation_table table = {
        .key = arena_printf(l->arena, "exp(16 i) as 2^-%d m 2^(23 i), parts from %u, %lld",
                            p->relative, k, (long long)last + 1),
        .size = (size_t)last + 1};
    if (table.key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    struct form forms[TABLE_OUTPUT_MAX];
    while (k + table.output_count < outputs && table.output_count < TABLE_OUTPUT_MAX) {
        unsigned at = table.output_count++;
        int64_t *entries = lowering_array(l, int64_t, table.size);
        for (int j = 0; j <= (int)last; j++)
            entries[j] = far_entry(p, k + at, j);
        table.outputs[at] = entries;
        forms[at] = k + at == 0 ? form_fixed(p->relative) : form_integer();
    }
    lowering_table(l, &table, far, forms, out);
    return table.output_count;
}

/* near exp(16 far). Before the powers come in, what is below the relative precision goes. */
static uint32_t multiply_far(struct lowering *l, const struct exp_plan *p, uint32_t near,
                             uint32_t far, int64_t last)
{
    unsigned outputs = 1 + ((unsigned)last + 1) / 2;
    uint32_t y = lowering_to_fraction(l, near, p->lead_bits), out[TABLE_OUTPUT_MAX];
    for (unsigned k = 0; k < outputs;) {
        unsigned count = look_up_far(l, p, far, last, k, outputs, out);
        for (unsigned i = 0; i < count; i++) {
            y = lowering_times(l, y, out[i]);
            if (k + i == 0)
                y = lowering_to_fraction(l, y, p->lead_bits);
        }
        k += count;
    }
    return y;
}

/* ---- the whole ---- */

/* y times a factor of at most `p->relative` bits or so; y first loses what is far below its
 * precision when the exact product would be too wide. */
static uint32_t multiply(struct lowering *l, const struct exp_plan *p, uint32_t y, uint32_t factor)
{
    enum { PRODUCT_BITS = 200, SPARE_BITS = 6 };
    unsigned bits = range_bits(lowering_range_of(l, y)) + range_bits(lowering_range_of(l, factor));
    if (bits > PRODUCT_BITS)
        y = lowering_trim(l, y, p->lead_bits + SPARE_BITS, 1);
    return lowering_times(l, y, factor);
}

static uint32_t evaluate(struct lowering *l, const struct exp_plan *p, uint32_t x)
{
    uint32_t digits[DIGITS_MAX + 1], rest, far = RELATION_NONE, lead;
    int64_t far_last = 0;
    size_t size = (size_t)(p->last - p->first + 1);
    split(l, p, x, digits, &rest);
    lead = digits[0];
    if (p->is_far) {
        size = (size_t)1 << (FAR_UNIT_BITS + p->step);
        far_last = (p->last - p->first + 1) / (int64_t)size - 1;
        if (far_last >= FAR_COUNT_MAX)
            lowering_fail(l, STATUS_LIMIT,
                          "the argument of exp reaches from %g to %g; declare a smaller --range",
                          ldexp((double)p->first, -(int)p->step),
                          ldexp((double)p->last + 1, -(int)p->step));
        uint32_t near, from_first = lowering_affine(l, 1, lead, wide_from_i64(-p->first));
        struct range range = range_of_i64(0, far_last);
        far = lowering_rescale(l, from_first, wide_from_i64((int64_t)size), ROUND_FLOOR,
                               form_integer(), &range, &near);
        lead = lowering_affine(l, 1, near, wide_from_i64(p->first));
    }
    uint32_t y = look_up_exp(l, lead, p->first, size, p->step, p->lead_bits);
    unsigned shift = p->step;
    for (unsigned i = 0; i < p->digit_count; i++) {
        shift += p->digit_bits[i];
        y = multiply(
            l, p, y,
            look_up_exp(l, digits[i + 1], 0, (size_t)1 << p->digit_bits[i], shift, p->relative));
    }
    if (rest != RELATION_NONE)
        y = multiply(l, p, y, rest_factor(l, rest, (unsigned)p->g, p->relative > 24));
    return p->is_far ? multiply_far(l, p, y, far, far_last) : y;
}

/* Smallest power of two that is at least x, and at least 1: what may be known of calibration. */
static double power_above(double x)
{
    double power = 1;
    while (power < x)
        power *= 2;
    return power;
}

/* The least argument that has an entry: where exp rounds to 0, or, when that costs fewer entries
 * than raising smaller ones costs rows, the least of all. */
static double least_argument(const struct lowering *l, uint32_t x, double interval_low, double high,
                             int32_t fraction)
{
    enum { ROWS_OF_RAISING = 4 };
    double vanishing = floor(fmin(high, -(fraction + 2) * ln2)) - 1;
    unsigned table_bits = l->options->table_bits;
    double unit = table_bits >= LARGE_TABLE_BITS ? 1 << LARGE_LEAD_STEP : 1;
    double more = (vanishing - interval_low) * unit;
    bool is_cheap = more <= ROWS_OF_RAISING * (double)lowering_tensor(l, x)->count &&
                    (high - interval_low + 2) * unit < (double)((int64_t)4 << table_bits);
    return is_cheap ? floor(interval_low) : vanishing;
}

/*
 * How far the value of an exact argument of at most `high` is from exp: each part is off by a share
 * of its size, the lead table by a part of its last place; `is_raised`: arguments below `low` count
 * as `low`.
 */
static double exp_error(const struct exp_plan *p, double low, double high, int32_t fraction,
                        bool is_raised)
{
    enum { TRIM_BITS = 6 };
    double relative = ldexp(1, -(p->g + 1)), size = rounded_exp(high) * (1 + 0x1p-50), lead;
    /* The argument is rounded; entries of digits are at least 1; trims before products. */
    relative += p->digit_count * ldexp(1, -(p->relative + 1));
    relative += p->rest_bits == 0 ? 0 : p->relative > 24 ? 0x1p-38 : 0x1p-25;
    lead = ldexp(1, -(p->lead_bits + 1)) +
           (p->digit_count + 1) * ldexp(1, -(p->lead_bits + TRIM_BITS + 1));
    if (p->is_far) {
        /* lead_bits count from the least value on, so that these are shares as well: the lead,
         * the trims, two roundings to lead_bits and the mantissa of the far table. */
        double least = rounded_exp(low) * (1 - 0x1p-50);
        relative += (lead + 2 * ldexp(1, -(p->lead_bits + 1))) / least * (1 + 0x1p-48) +
                    ldexp(1, -(p->relative + 1));
        lead = 0;
    }
    /* Shares multiply: product of (1 + s) <= 1 + sum + sum^2 for sums below 1; what follows the
     * lead is at most e in size. */
    relative = bound_mul(relative, 1 + relative) * (1 + 0x1p-48);
    double error = bound_add(bound_mul(size, relative), 3 * lead);
    error = bound_add(error, ldexp(1, -fraction - 1));
    return is_raised ? bound_add(error, rounded_exp(low) * (1 + 0x1p-50)) : error;
}

/* Some argument of the range, at `own` bits, is no greater than `high`. */
static void require_reached(struct lowering *l, struct range range, int32_t own, double high)
{
    double low = ldexp(wide_to_double(range.low), -own);
    if (low > high)
        lowering_fail(
            l, STATUS_LIMIT,
            "every argument of exp is at least %g, and here it may be %g at most; declare "
            "a --range of smaller numbers",
            low, high);
}

/* Arguments below the least are raised to it; the lead table leaves none above `high` a proof. */
uint32_t lowering_exp(struct lowering *l, uint32_t x, double high, int32_t fraction)
{
    /* Below, every exp is 0; above, none has a place. */
    const double least = -0x1p20, greatest = 1024;
    struct range range = lowering_range_of(l, x);
    int32_t own = lowering_fraction(l, x);
    high = fmax(fmin(high, ldexp(wide_to_double(range.high), -own)), least);
    if (high > greatest)
        lowering_fail(l, STATUS_LIMIT,
                      "the argument of exp reaches up to %g; declare a smaller --range", high);
    require_reached(l, range, own, high);
    double low = least_argument(l, x, ldexp(wide_to_double(range.low), -own), high, fraction);
    struct exp_plan p = plan_exp(l, low, high, fraction);
    uint32_t operand = x;
    x = lowering_at_least(l, lowering_to_fraction(l, x, p.g), lowering_real(l, low, p.g));
    uint32_t y = lowering_to_fraction(l, evaluate(l, &p, x), fraction);
    /* The lead table ends here, the range of the argument perhaps before. */
    double most = fmin(ldexp(wide_to_double(range.high), -own) + ldexp(1, -p.g),
                       ldexp((double)p.last + 1, -(int)p.step)),
           steep = lowering_error(l, operand);
    bool is_raised = ldexp(wide_to_double(range.low), -own) < low;
    /* |exp X - exp x| <= exp X (exp |X - x| - 1) */
    double moved = steep < 700 ? bound_mul(rounded_exp(most) * (1 + 0x1p-50),
                                           rounded_expm1(steep) * (1 + 0x1p-50))
                               : INFINITY;
    lowering_state_error(l, y, operand,
                         bound_add(moved, exp_error(&p, low, most, fraction, is_raised)));
    return y;
}

uint32_t lowering_exp_within(struct lowering *l, uint32_t x, double high, int32_t fraction)
{
    struct range range = lowering_range_of(l, x);
    int32_t own = lowering_fraction(l, x);
    high = power_above(high);
    if (ldexp(wide_to_double(range.high), -own) <= high)
        return lowering_exp(l, x, HUGE_VAL, fraction);
    range.high = lowering_real(l, high, own);
    lowering_note_range(l, "argument of exp", range, own);
    return lowering_exp(l, x, high, fraction);
}

/* ---- Exp ---- */

/* Greatest argument whose exp the type holds. */
static double greatest_argument(enum element_type type)
{
    return type == ELEMENT_F64 ? 709.75 : type == ELEMENT_F16 ? 11.0625 : 88.6875;
}

static bool is_nonzero(const struct graph_value *value)
{
    if (value->data == NULL || !element_type_is_float(value->type))
        return false;
    for (size_t e = 0; e < value->data->count; e++) {
        if (value->data->data.real[e] == 0)
            return false;
    }
    return true;
}

static bool absorbs_infinity(const struct lowering *l, uint32_t value);

/* Whether an infinity in operand i of a node gives nothing that a very large number does not give
 * as well. */
static bool use_absorbs(const struct lowering *l, const struct graph_node *node, size_t i)
{
    switch (node->op) {
    case OP_RECIPROCAL:
    case OP_LESS:
    case OP_LESS_OR_EQUAL:
    case OP_GREATER:
    case OP_GREATER_OR_EQUAL:
        return true;
    case OP_DIV:
        return i == 1;
    case OP_ADD:
    case OP_SUM:
    case OP_REDUCE_SUM:
        return absorbs_infinity(l, node->outputs[0]);
    case OP_MUL:
        return is_nonzero(&l->graph->values[node->inputs[1 - i]]) &&
               absorbs_infinity(l, node->outputs[0]);
    default:
        return (op_info(node->op)->traits & TRAIT_MOVEMENT) != 0 && node->output_count == 1 &&
               absorbs_infinity(l, node->outputs[0]);
    }
}

/* Every way from a value that may be +infinity ends in a divisor or a comparison. */
static bool absorbs_infinity(const struct lowering *l, uint32_t value)
{
    for (size_t o = 0; o < l->graph->output_count; o++) {
        if (l->graph->outputs[o] == value)
            return false;
    }
    for (size_t u = l->uses.first[value]; u < l->uses.first[value + 1]; u++) {
        if (!use_absorbs(l, &l->graph->nodes[l->uses.item[u].node], l->uses.item[u].operand))
            return false;
    }
    return true;
}

/*
 * The argument and its greatest value, `*high`, by what calibration saw: exp grows so fast that an
 * interval bound is useless. Where float32 has infinity beyond, and that has the same effect as its
 * largest number (exp is divided by, or compared), greater arguments count as the greatest, and the
 * report says so; elsewhere they have no proof.
 */
static uint32_t hold_argument(struct lowering *l, uint32_t x, double *high)
{
    const struct value_plan *plan = lowering_input_plan(l, 0);
    enum element_type type = l->graph->values[l->node->outputs[0]].type;
    double most = greatest_argument(type), seen = plan->high > 0 ? 1.25 * plan->high + 2 : 2;
    int32_t own = lowering_fraction(l, x);
    struct range range = lowering_range_of(l, x);
    double interval = ldexp(wide_to_double(range.high), -own);
    *high = fmin(interval, fmin(seen, most));
    if (interval <= most || power_above(seen) < most)
        return x;
    *high = most;
    require_reached(l, range, own, most);
    range.high = lowering_real(l, most, own);
    bool is_single = type == ELEMENT_F32 || type == ELEMENT_BF16;
    if (!is_single || !absorbs_infinity(l, l->node->outputs[0])) {
        lowering_note_range(l, "argument of exp", range, own);
        return lowering_restrict(l, x, range);
    }
    lowering_note_saturation(l, "argument of exp", range, own);
    uint32_t held = lowering_at_most(l, x, range.high);
    lowering_leave_bound(l, held, BOUND_SPECIAL);
    return held;
}

void lower_exp(struct lowering *l)
{
    double high;
    int32_t fraction = lowering_output_fraction(l, 0) + 1;
    uint32_t x = hold_argument(l, lowering_input(l, 0), &high);
    lowering_output(l, 0, lowering_exp_within(l, x, high, fraction));
}
