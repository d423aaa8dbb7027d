/*
 * Lowering of casts between float types, and from floats to integers, bit by bit.
 *
 * Floats are keys (float_key in ir/tensor.h): 2^(bits - 1) + sign * M, M the pattern without its
 * sign. float16, bfloat16, float8 and float4 are held as the float32 of the same value. With the
 * exponent field e and the significand s = fraction + hidden bit of M, rounding to a narrower type
 * is y = s / D to nearest, ties to even, where D is a power of two that a table gives for e; the
 * new pattern is put together from y and e, and a carry out of the significand raises the exponent
 * by itself. Every step is exact, so each key has one image.
 */
#include <math.h>
#include <string.h>

#include "passes/lower_internal.h"

/* ---- formats ---- */

/* Of keys of 32 or 64 bits. */
struct key_format {
    uint8_t bits;
    unsigned fraction_bits;
    int bias;
};

static struct key_format format_of(uint8_t bits)
{
    return bits == 64 ? (struct key_format){64, 52, 1023} : (struct key_format){32, 23, 127};
}

/* The pattern of |value| as a float32 or float64. */
static wide pattern_of(double value, uint8_t bits)
{
    wide out;
    ASSERT(wide_sub(&out, wide_from_i128((__int128)float_key(fabs(value), bits)),
                    wide_power_of_two(bits - 1u)));
    return out;
}

static wide nan_pattern(uint8_t bits)
{
    return pattern_of(NAN, bits);
}

static wide minus(wide value)
{
    wide out;
    ASSERT(wide_neg(&out, value));
    return out;
}

/* ---- small steps ---- */

/* x == value */
static uint32_t is_equal(struct lowering *l, uint32_t x, wide value)
{
    return lowering_is_zero(l, lowering_affine(l, 1, x, minus(value)));
}

/* x > value */
static uint32_t is_above(struct lowering *l, uint32_t x, wide value)
{
    wide next;
    ASSERT(wide_add(&next, value, wide_from_i64(1)));
    return lowering_is_not_negative(l, lowering_affine(l, 1, x, minus(next)));
}

/* bit ? value : x; bit may be a scalar. */
static uint32_t replace(struct lowering *l, uint32_t x, uint32_t bit, wide value)
{
    struct shape shape = lowering_shape(l, x), scalar = {0};
    return lowering_select(l, &shape, bit,
                           lowering_constant(l, &scalar, lowering_form(l, x), &value), x);
}

/* a + b, both bits, never both 1; either may be RELATION_NONE. */
static uint32_t either(struct lowering *l, uint32_t a, uint32_t b)
{
    if (a == RELATION_NONE || b == RELATION_NONE)
        return a == RELATION_NONE ? b : a;
    struct shape shape = lowering_shape(l, a);
    struct relation_term terms[3] = {lowering_term_product(l, -1, a, b, &shape),
                                     lowering_term(l, 1, a, &shape),
                                     lowering_term(l, 1, b, &shape)};
    return lowering_product(l, &shape, form_integer(), terms, 3, wide_from_i64(0));
}

/* factor * a * b + c; b and c may be RELATION_NONE. */
static uint32_t product_plus(struct lowering *l, wide factor, uint32_t a, uint32_t b, uint32_t c)
{
    struct shape shape = lowering_shape(l, a);
    struct relation_term terms[2];
    terms[0] = lowering_term_wide(l, factor, a, &shape);
    if (b != RELATION_NONE) {
        terms[0].factors[1] = lowering_view(l, b, &shape);
        terms[0].factor_count = 2;
    }
    if (c != RELATION_NONE)
        terms[1] = lowering_term(l, 1, c, &shape);
    return lowering_product(l, &shape, form_integer(), terms, c == RELATION_NONE ? 1 : 2,
                            wide_from_i64(0));
}

/* ---- parts of a float ---- */

struct parts {
    struct key_format format;
    uint32_t positive;  /* 1 for +0, NaN and what is above */
    uint32_t magnitude; /* M */
    uint32_t exponent, fraction;
};

static struct parts take_apart(struct lowering *l, uint32_t key)
{
    struct parts p = {.format = format_of(lowering_form(l, key).key_bits)};
    struct range exponents = range_of_i64(0, 2 * p.format.bias + 1);
    uint32_t centred =
        lowering_retag(l, lowering_affine(l, 1, key, minus(wide_power_of_two(p.format.bits - 1u))),
                       form_integer());
    p.magnitude = lowering_absolute(l, centred, &p.positive);
    p.exponent = lowering_rescale(l, p.magnitude, wide_power_of_two(p.format.fraction_bits),
                                  ROUND_FLOOR, form_integer(), &exponents, &p.fraction);
    return p;
}

/* 2^(bits - 1) + sign * magnitude */
static uint32_t put_together(struct lowering *l, uint32_t positive, uint32_t magnitude,
                             uint8_t bits)
{
    struct shape shape = lowering_shape(l, magnitude);
    struct relation_term terms[2] = {lowering_term_product(l, 2, positive, magnitude, &shape),
                                     lowering_term(l, -1, magnitude, &shape)};
    return lowering_product(l, &shape, form_key(bits), terms, 2, wide_power_of_two(bits - 1u));
}

static uint32_t is_nan(struct lowering *l, const struct parts *p)
{
    return is_equal(l, p->magnitude, nan_pattern(p->format.bits));
}

/* ---- narrower floats ---- */

/* How the numbers of one exponent field are rounded to a type. */
struct rounding_row {
    unsigned shift; /* D = 2^shift */
    bool is_normal; /* the hidden bit is 1 */
    int64_t base;   /* added to the pattern of the result */
    int64_t unit;   /* what y counts in the pattern of the result */
};

/* Whether small numbers of the type are small numbers of float32 too: their patterns are multiples.
 */
static bool shares_subnormals(const struct float_format *to)
{
    return to->least_exponent == -126;
}

static struct rounding_row rounding_row_of(const struct key_format *from,
                                           const struct float_format *to, int64_t field)
{
    enum { KEY_FRACTION = 23, KEY_BIAS = 127 };
    int t = (int)to->fraction_bits, p = (int)from->fraction_bits;
    int exponent = (int)(field > 0 ? field : 1) - from->bias;
    int quantum = (exponent > to->least_exponent ? exponent : to->least_exponent) - t;
    int shift = quantum - exponent + p;
    struct rounding_row row = {.shift = (unsigned)(shift > p + 2 ? p + 2 : shift),
                               .is_normal = field > 0};
    int result = exponent + KEY_BIAS;
    result = result > 2 * KEY_BIAS + 1 ? 2 * KEY_BIAS + 1 : result;
    bool is_small = exponent < -126;
    row.base = is_small ? 0 : ((int64_t)result - 1) << KEY_FRACTION;
    row.unit = shares_subnormals(to) ? (int64_t)1 << (KEY_FRACTION - t)
                                     : (int64_t)1 << (row.shift - (unsigned)(p - KEY_FRACTION));
    return row;
}

/*
 * Fields that matter: below, everything rounds to 0; above, everything is too large. All of them
 * when a larger table costs less than holding `count` exponents to the bounds.
 */
static void field_bounds(const struct key_format *from, const struct float_format *to, size_t count,
                         int64_t *first, int64_t *last)
{
    enum { HOLDING_ROWS = 3 };
    int64_t all = 2 * from->bias + 1;
    *first = to->least_exponent - (int)to->fraction_bits - 3 + from->bias;
    *last = ilogb(to->largest) + 2 + from->bias;
    *first = *first < 0 ? 0 : *first;
    *last = *last > all ? all : *last;
    if (all - (*last - *first) < HOLDING_ROWS * (int64_t)count) {
        *first = 0;
        *last = all;
    }
}

/* The four numbers of rounding_row for each element. */
struct rounding {
    uint32_t divisor, hidden, base, unit;
};

static struct rounding look_up_rounding(struct lowering *l, const struct parts *p,
                                        enum element_type type, const struct float_format *to)
{
    int64_t first, last, *entries[4];
    field_bounds(&p->format, to, lowering_tensor(l, p->exponent)->count, &first, &last);
    uint32_t field = lowering_at_most(l, lowering_at_least(l, p->exponent, wide_from_i64(first)),
                                      wide_from_i64(last));
    size_t size = (size_t)(last - first + 1);
    struct relation_table table = {.key = arena_printf(l->arena, "rounding of float%u to %s",
                                                       p->format.bits, element_type_name(type)),
                                   .x_low = first,
                                   .size = size,
                                   .output_count = shares_subnormals(to) ? 3 : 4};
    if (table.key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    for (unsigned k = 0; k < 4; k++)
        table.outputs[k] = entries[k] = lowering_array(l, int64_t, size);
    for (size_t i = 0; i < size; i++) {
        struct rounding_row row = rounding_row_of(&p->format, to, first + (int64_t)i);
        entries[0][i] = (int64_t)1 << row.shift;
        entries[1][i] = row.is_normal ? (int64_t)1 << p->format.fraction_bits : 0;
        entries[2][i] = row.base;
        entries[3][i] = row.unit;
    }
    struct form forms[4] = {form_integer(), form_integer(), form_integer(), form_integer()};
    uint32_t out[4] = {0};
    lowering_table(l, &table, field, forms, out);
    return (struct rounding){out[0], out[1], out[2], out[3]};
}

/* The pattern, as a float32, of the nearest number of the type, before overflow is looked at. */
static uint32_t rounded_pattern(struct lowering *l, const struct parts *p, enum element_type type,
                                const struct float_format *to)
{
    enum { KEY_FRACTION = 23 };
    struct rounding r = look_up_rounding(l, p, type, to);
    struct shape shape = lowering_shape(l, p->fraction);
    uint32_t significand = product_plus(l, wide_from_i64(1), p->fraction, RELATION_NONE, r.hidden);
    uint32_t y = lowering_round_quotient(l, &shape, significand, r.divisor);
    if (shares_subnormals(to))
        return product_plus(l, wide_power_of_two(KEY_FRACTION - to->fraction_bits), y,
                            RELATION_NONE, r.base);
    uint32_t sum = product_plus(l, wide_from_i64(1), y, r.unit, r.base);
    return replace(l, sum, lowering_is_zero(l, y), wide_from_i64(0));
}

/* Keys of 32 bits rounded to a float type; saturate: as the attribute of Cast. */
static uint32_t narrow(struct lowering *l, uint32_t key, enum element_type type, bool saturate)
{
    struct float_format to = element_float_format(type);
    struct parts p = take_apart(l, key);
    bool is_small = element_type_bits(type) <= 8,
         clips = to.overflow == OVERFLOW_SATURATE || (saturate && is_small),
         gives_nan = !clips && to.overflow == OVERFLOW_NAN;
    uint32_t pattern = rounded_pattern(l, &p, type, &to);
    uint32_t over = is_above(l, pattern, pattern_of(to.largest, 32));
    if (!gives_nan)
        pattern = replace(l, pattern, over, pattern_of(clips ? to.largest : INFINITY, 32));
    uint32_t out = put_together(l, p.positive, pattern, 32);
    /* NaN is too large for any type; float4 has none and gives 0. */
    uint32_t to_nan = gives_nan ? over : is_nan(l, &p);
    wide nan = wide_from_i128((__int128)float_key(type == ELEMENT_F4E2M1 ? 0 : NAN, 32));
    return replace(l, out, to_nan, nan);
}

/*
 * float8e8m0, a power of two from 2^-127 on: |x| up, down or to the nearest. Field 0 of a float32
 * holds what is below 2^-126.
 */
static uint32_t to_power_of_two(struct lowering *l, uint32_t key, bool saturate)
{
    enum { FIELDS = 256, LARGEST = 254 };
    const char *mode = graph_attribute_text(l->node, "round_mode", "up");
    struct parts p = take_apart(l, key);
    bool up = strcmp(mode, "up") == 0, nearest = strcmp(mode, "nearest") == 0;
    int64_t half = (int64_t)1 << 22, never = (int64_t)1 << 23;
    if (p.format.bits != 32)
        lowering_fail(l, STATUS_UNSUPPORTED, "a cast from float64 to float8e8m0");
    /* The fraction from which on the exponent is raised. */
    wide small = wide_from_i64(up        ? half + 1
                               : nearest ? half + half / 2
                                         : never),
         normal = wide_from_i64(up        ? 1
                                : nearest ? half
                                          : never),
         gap;
    ASSERT(wide_sub(&gap, small, normal));
    uint32_t is_small = lowering_is_zero(l, p.exponent);
    uint32_t bound = product_plus(l, gap, is_small, RELATION_NONE, RELATION_NONE);
    struct shape shape = lowering_shape(l, key);
    uint32_t raise = lowering_is_not_negative(
        l,
        lowering_affine(l, 1, lowering_sum2(l, &shape, p.fraction, 1, bound, -1), minus(normal)));
    uint32_t field = lowering_sum2(l, &shape, p.exponent, 1, raise, 1);
    uint32_t over = is_above(l, field, wide_from_i64(LARGEST)), nan = is_nan(l, &p);
    field = replace(l, field, over, wide_from_i64(LARGEST));
    /* 2^(field - 127); field 0 is 2^-127, half of the least normal float32. */
    struct relation_term terms[2] = {lowering_term(l, never, field, &shape),
                                     lowering_term(l, half, lowering_is_zero(l, field), &shape)};
    uint32_t out = lowering_linear(l, &shape, form_key(32), terms, 2, wide_power_of_two(31));
    return replace(l, out, saturate ? nan : either(l, nan, over),
                   wide_from_i128((__int128)float_key(NAN, 32)));
}

/* ---- wider keys ---- */

/* A float32 as a float64: exact. */
static uint32_t widen(struct lowering *l, uint32_t key)
{
    enum { UP = 29, BIAS_GAP = 896, FRACTION = 23 };
    struct parts p = take_apart(l, key);
    struct shape shape = lowering_shape(l, key);
    wide gap, nan_excess;
    ASSERT(wide_shift_left(&gap, wide_from_i64(BIAS_GAP), 52));
    ASSERT(wide_sub(&nan_excess, wide_from_i64(1), wide_power_of_two(UP)));
    uint32_t top = is_equal(l, p.exponent, wide_from_i64(2 * p.format.bias + 1));
    /* Normal: the same fields, the exponent rebased; infinity and NaN keep the highest field. */
    struct relation_term terms[3] = {
        lowering_term_wide(l, wide_power_of_two(UP), p.magnitude, &shape),
        lowering_term_wide(l, gap, top, &shape),
        lowering_term_wide(l, nan_excess, is_nan(l, &p), &shape)};
    uint32_t normal = lowering_linear(l, &shape, form_integer(), terms, 3, gap);
    /* Below 2^-126: fraction * 2^-149 with its leading bit at h has the exponent h - 149. */
    uint32_t none = lowering_is_zero(l, p.fraction), h;
    uint32_t led =
        lowering_normalise(l, lowering_sum2(l, &shape, p.fraction, 1, none, 1), FRACTION, &h);
    wide rest;
    ASSERT(wide_shift_left(&rest, wide_from_i64(1023 - 149 - 1), 52));
    struct relation_term small_terms[2] = {
        lowering_term_wide(l, wide_power_of_two(52), h, &shape),
        lowering_term_wide(l, wide_power_of_two(52 - FRACTION + 1), led, &shape)};
    uint32_t small = lowering_linear(l, &shape, form_integer(), small_terms, 2, rest);
    small = replace(l, small, none, wide_from_i64(0));
    uint32_t magnitude = lowering_select(l, &shape, lowering_is_zero(l, p.exponent), small, normal);
    return put_together(l, p.positive, magnitude, 64);
}

static uint32_t with_bits(struct lowering *l, uint32_t key, uint8_t bits)
{
    uint8_t own = lowering_form(l, key).key_bits;
    if (own == bits)
        return key;
    return bits == 64 ? widen(l, key) : narrow(l, key, ELEMENT_F32, false);
}

/* ---- operands ---- */

uint32_t lowering_key(struct lowering *l, size_t i, uint8_t bits)
{
    const struct tensor *data = lowering_data(l, i);
    if (data == NULL)
        return with_bits(l, lowering_input(l, i), bits);
    wide *keys = lowering_array(l, wide, data->count);
    for (size_t e = 0; e < data->count; e++)
        keys[e] = wide_from_i128((__int128)float_key(data->data.real[e], bits));
    if (!lowering_is_parameter(l, i))
        return lowering_constant(l, &data->shape, form_key(bits), keys);
    return lowering_parameter_wide(l, lowering_graph_value(l, i)->name, &data->shape,
                                   form_key(bits), keys);
}

uint32_t lowering_key_is_nan(struct lowering *l, size_t i, uint32_t key)
{
    const struct tensor *data = lowering_is_parameter(l, i) ? NULL : lowering_data(l, i);
    bool possible = data == NULL;
    for (size_t e = 0; data != NULL && e < data->count; e++)
        possible |= isnan(data->data.real[e]);
    if (!possible)
        return RELATION_NONE;
    return is_equal(l, lowering_retag(l, key, form_integer()),
                    wide_from_i128((__int128)float_key(NAN, lowering_form(l, key).key_bits)));
}

/* ---- integers ---- */

/*
 * Toward zero: s 2^(E - p) = floor(s A / B). Numbers of 2^63 and more, infinity and NaN have no
 * meaning; they give the lowest 64-bit integer, wrapped, as the interpreter does.
 */
static uint32_t to_integer(struct lowering *l, uint32_t key, enum element_type type)
{
    enum { LARGEST = 64, FIELDS = LARGEST + 2 };
    struct parts p = take_apart(l, key);
    struct shape shape = lowering_shape(l, key);
    int fraction = (int)p.format.fraction_bits;
    int64_t first = p.format.bias - 1, *entries[3];
    uint32_t field = lowering_at_most(l, lowering_at_least(l, p.exponent, wide_from_i64(first)),
                                      wide_from_i64(first + FIELDS - 1));
    struct relation_table table = {.key = arena_printf(l->arena, "cutting float%u to %s",
                                                       p.format.bits,
                                                       type == ELEMENT_U64 ? "uint64" : "integers"),
                                   .x_low = first,
                                   .size = FIELDS,
                                   .output_count = 3};
    if (table.key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    for (unsigned k = 0; k < 3; k++)
        table.outputs[k] = entries[k] = lowering_array(l, int64_t, FIELDS);
    for (int e = -1; e <= LARGEST; e++) {
        int gap = e - fraction, last = type == ELEMENT_U64 ? 63 : 62;
        entries[0][e + 1] = (int64_t)1 << (gap > 0 ? gap : 0);
        entries[1][e + 1] = (int64_t)1 << (gap < 0 ? -gap : 0);
        entries[2][e + 1] = e <= last;
    }
    struct form forms[3] = {form_integer(), form_integer(), form_integer()};
    uint32_t out[3];
    lowering_table(l, &table, field, forms, out);
    uint32_t significand = lowering_affine(l, 1, p.fraction, wide_power_of_two((unsigned)fraction));
    uint32_t whole = lowering_divide_floor(
        l, &shape, product_plus(l, wide_from_i64(1), significand, out[0], RELATION_NONE), out[1],
        form_integer(), NULL, NULL);
    struct relation_term terms[2] = {lowering_term_product(l, 2, p.positive, whole, &shape),
                                     lowering_term(l, -1, whole, &shape)};
    uint32_t number = lowering_product(l, &shape, form_integer(), terms, 2, wide_from_i64(0));
    return replace(l, number, lowering_affine(l, -1, out[2], wide_from_i64(1)),
                   minus(wide_power_of_two(63)));
}

/* ---- the cast ---- */

/* Whether every value of a type, infinity and NaN with them, is one of another type. */
static bool is_part_of(enum element_type from, enum element_type to)
{
    struct float_format a = element_float_format(from), b = element_float_format(to);
    bool specials = a.overflow == OVERFLOW_INFINITY ? b.overflow == OVERFLOW_INFINITY
                    : a.overflow == OVERFLOW_NAN    ? b.overflow != OVERFLOW_SATURATE
                                                    : true;
    return specials && a.fraction_bits <= b.fraction_bits && a.largest <= b.largest &&
           a.least_exponent - (int)a.fraction_bits >= b.least_exponent - (int)b.fraction_bits;
}

void lowering_cast_key(struct lowering *l)
{
    enum element_type from = lowering_graph_value(l, 0)->type,
                      to = l->graph->values[l->node->outputs[0]].type;
    uint32_t key = lowering_input(l, 0);
    bool saturate = lowering_attribute_int(l, "saturate", 1) != 0;
    if (to == ELEMENT_BOOL) {
        uint8_t bits = lowering_form(l, key).key_bits;
        uint32_t zero =
            is_equal(l, lowering_retag(l, key, form_integer()), wide_power_of_two(bits - 1u));
        lowering_output(l, 0, lowering_affine(l, -1, zero, wide_from_i64(1)));
        return;
    }
    if (!element_type_is_float(to)) {
        lowering_output(l, 0, to_integer(l, key, to));
        return;
    }
    uint8_t bits = lowering_output_plan(l, 0)->key_bits;
    bool is_exact = is_part_of(from, to);
    if (to == ELEMENT_F8E8M0 && !is_exact)
        key = to_power_of_two(l, key, saturate);
    else if (!is_exact && !(to == ELEMENT_F32 && lowering_form(l, key).key_bits == 32))
        key = narrow(l, key, to, saturate);
    lowering_output(l, 0, with_bits(l, key, bits));
}
