/*
 * Lowering of integer arithmetic modulo the width of a type: wrapping, bits, shifts, remainders.
 *
 * Bit operations cut both operands into digits of four bits, from the lowest up: x = 16 q + r with
 * floor division gives the digits of two's complement, and a last quotient of 0 or -1. A table of
 * 256 entries combines two digits.
 */
#include <string.h>

#include "passes/lower_internal.h"

enum { DIGIT_BITS = 4, DIGITS_MAX = 16 };

/* ---- ranges of types ---- */

struct range lowering_type_range(enum element_type type)
{
    struct range range = {wide_from_i64(0), wide_from_i64(0)};
    unsigned bits = element_type_bits(type);
    wide power = wide_power_of_two(element_type_is_signed(type) ? bits - 1 : bits);
    if (element_type_is_signed(type))
        ASSERT(wide_neg(&range.low, power));
    ASSERT(wide_sub(&range.high, power, wide_from_i64(1)));
    return range;
}

/* x - low modulo 2^bits, plus low. */
uint32_t lowering_wrap(struct lowering *l, uint32_t x, enum element_type type)
{
    struct range range = lowering_type_range(type);
    wide minus;
    uint32_t rest;
    if (range_contains(range, lowering_range_of(l, x)))
        return x;
    ASSERT(wide_neg(&minus, range.low));
    lowering_rescale(l, lowering_affine(l, 1, x, minus), wide_power_of_two(element_type_bits(type)),
                     ROUND_FLOOR, form_integer(), NULL, &rest);
    return lowering_affine(l, 1, rest, range.low);
}

static enum element_type output_type(const struct lowering *l)
{
    return l->graph->values[l->node->outputs[0]].type;
}

static enum element_type unsigned_of(unsigned bits)
{
    return bits == 8    ? ELEMENT_U8
           : bits == 16 ? ELEMENT_U16
           : bits == 32 ? ELEMENT_U32
                        : ELEMENT_U64;
}

/* ---- bits ---- */

void check_bits(struct lowering *l)
{
    for (size_t i = 0; i < l->node->input_count; i++) {
        enum element_type type = lowering_graph_value(l, i)->type;
        if (!element_type_is_integer(type))
            lowering_fail(l, STATUS_BAD_INPUT,
                          "operand %zu is %s, and it takes the bits of integers; cast it to an "
                          "integer type",
                          i, element_type_name(type));
    }
}

/* -1 - x, which is 2^bits - 1 - x for unsigned types. */
void lower_bitwise_not(struct lowering *l)
{
    enum element_type type = output_type(l);
    wide top = element_type_is_signed(type) ? wide_from_i64(-1) : lowering_type_range(type).high;
    lowering_output(l, 0, lowering_affine(l, -1, lowering_input(l, 0), top));
}

/* Digits of x in two's complement, the lowest first. */
static void split_digits(struct lowering *l, uint32_t x, unsigned digit, unsigned count,
                         bool is_signed, uint32_t digits[DIGITS_MAX])
{
    struct range rest = range_of_i64(is_signed ? -1 : 0, 0);
    for (unsigned i = 0; i < count; i++)
        x = lowering_rescale(l, x, wide_from_i64((int64_t)1 << digit), ROUND_FLOOR, form_integer(),
                             i + 1 == count ? &rest : NULL, &digits[i]);
}

enum bit_function { BITS_AND, BITS_OR, BITS_XOR };

/* f(a, b) at 2^digit a + b, as a signed number when asked for. */
static struct relation_table digit_table(struct lowering *l, enum bit_function f, unsigned digit,
                                         bool is_signed)
{
    static const char *const names[] = {"and", "or", "xor"};
    int64_t size = (int64_t)1 << 2 * digit, half = (int64_t)1 << (digit - 1);
    int64_t *entries = lowering_array(l, int64_t, (size_t)size);
    for (int64_t i = 0; i < size; i++) {
        int64_t a = i >> digit, b = i & (2 * half - 1);
        int64_t y = f == BITS_AND ? a & b : f == BITS_OR ? a | b : a ^ b;
        entries[i] = is_signed && y >= half ? y - 2 * half : y;
    }
    const char *key = arena_printf(l->arena, "%s of %s %u-bit numbers", names[f],
                                   is_signed ? "signed" : "unsigned", digit);
    if (key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    return (struct relation_table){
        .key = key, .size = (size_t)size, .output_count = 1, .outputs = {entries}};
}

/*
 * Digit by digit, as many as the ranges of the operands ask for; the top digit of a signed result
 * is signed.
 */
static void combine_bits(struct lowering *l, enum bit_function f)
{
    struct shape shape = lowering_output_shape(l, 0);
    uint32_t a[DIGITS_MAX], b[DIGITS_MAX];
    uint32_t x = lowering_input(l, 0), y = lowering_input(l, 1);
    struct range both = range_hull(lowering_range_of(l, x), lowering_range_of(l, y));
    bool is_signed = wide_is_negative(both.low);
    unsigned bits = range_bits(both) + (is_signed ? 1 : 0), own = element_type_bits(output_type(l)),
             digit = own < DIGIT_BITS ? own : DIGIT_BITS,
             count = bits == 0 ? 1 : (bits + digit - 1) / digit;
    struct relation_term terms[DIGITS_MAX];
    struct form form = form_integer();
    ASSERT(count <= DIGITS_MAX);
    split_digits(l, x, digit, count, is_signed, a);
    split_digits(l, y, digit, count, is_signed, b);
    for (unsigned i = 0; i < count; i++) {
        struct relation_table table = digit_table(l, f, digit, is_signed && i + 1 == count);
        struct relation_term pair[2] = {lowering_term(l, (int64_t)1 << digit, a[i], &shape),
                                        lowering_term(l, 1, b[i], &shape)};
        uint32_t out, index = lowering_linear(l, &shape, form_integer(), pair, 2, wide_from_i64(0));
        lowering_table(l, &table, index, &form, &out);
        terms[i] = lowering_term_wide(l, wide_power_of_two(digit * i), out, &shape);
    }
    lowering_output(l, 0,
                    lowering_linear(l, &shape, form_integer(), terms, count, wide_from_i64(0)));
}

void lower_bitwise_and(struct lowering *l)
{
    combine_bits(l, BITS_AND);
}

void lower_bitwise_or(struct lowering *l)
{
    combine_bits(l, BITS_OR);
}

void lower_bitwise_xor(struct lowering *l)
{
    combine_bits(l, BITS_XOR);
}

/*
 * BitCast: integers of one width, and patterns of floats, which are unsigned integers. A float that
 * a circuit computes with has no pattern.
 */
void lower_bit_cast(struct lowering *l)
{
    enum element_type from = lowering_graph_value(l, 0)->type, to = output_type(l);
    bool from_float = element_type_is_float(from), to_float = element_type_is_float(to);
    uint32_t x = lowering_input(l, 0);
    if ((from_float && lowering_form(l, x).encoding != ENCODING_FLOAT_BITS) ||
        (to_float && !lowering_output_plan(l, 0)->is_bits))
        lowering_fail(l, STATUS_UNSUPPORTED,
                      "the bits of a float that is computed, or used in arithmetic, are not known");
    x = lowering_retag(l, x, form_integer());
    if (!to_float) {
        lowering_output(l, 0, x);
        return;
    }
    if (wide_is_negative(lowering_range_of(l, x).low))
        x = lowering_wrap(l, x, unsigned_of(element_type_bits(from)));
    lowering_output(l, 0, lowering_retag(l, x, form_bits(to)));
}

/* ---- shifts ---- */

/* 2^n for n in 0..64, as a product of two table outputs of at most 2^32. */
static uint32_t power_of_two(struct lowering *l, uint32_t n, unsigned bits)
{
    size_t size = bits + 1;
    int64_t *low = lowering_array(l, int64_t, size), *high = lowering_array(l, int64_t, size);
    for (size_t i = 0; i < size; i++) {
        low[i] = (int64_t)1 << (i < 32 ? i : 32);
        high[i] = (int64_t)1 << (i < 32 ? 0 : i - 32);
    }
    struct relation_table table = {
        .key = arena_printf(l->arena, "2^i in two factors, i up to %u", bits),
        .size = size,
        .output_count = bits > 32 ? 2 : 1,
        .outputs = {low, high}};
    if (table.key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    struct form forms[2] = {form_integer(), form_integer()};
    uint32_t out[2];
    lowering_table(l, &table, n, forms, out);
    if (bits <= 32)
        return out[0];
    struct shape shape = lowering_shape(l, n);
    struct relation_term term = lowering_term_product(l, 1, out[0], out[1], &shape);
    return lowering_product(l, &shape, form_integer(), &term, 1, wide_from_i64(0));
}

/* A negative number of places is as many as there are. */
static uint32_t shift_places(struct lowering *l, uint32_t n, unsigned bits)
{
    wide most = wide_from_i64(bits);
    if (wide_is_negative(lowering_range_of(l, n).low)) {
        uint32_t is_shift = lowering_is_not_negative(l, n),
                 below = lowering_affine(l, 1, n, wide_from_i64(-(int64_t)bits));
        n = lowering_affine(l, 1, lowering_times(l, is_shift, below), most);
    }
    return lowering_at_most(l, n, most);
}

/*
 * x 2^n modulo the width, or floor(x / 2^n). A shift by the width or more leaves nothing, and -1 of
 * what is negative and goes to the right.
 */
void lower_bit_shift(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    unsigned bits = element_type_bits(output_type(l));
    uint32_t x = lowering_input(l, 0), n = shift_places(l, lowering_input(l, 1), bits);
    uint32_t power = power_of_two(l, n, bits);
    if (strcmp(graph_attribute_text(l->node, "direction", "LEFT"), "LEFT") == 0) {
        struct relation_term term = lowering_term_product(l, 1, x, power, &shape);
        lowering_output(l, 0,
                        lowering_product(l, &shape, form_integer(), &term, 1, wide_from_i64(0)));
        return;
    }
    struct range range = lowering_type_range(output_type(l));
    lowering_output(l, 0, lowering_divide_floor(l, &shape, x, power, form_integer(), &range, NULL));
}

/* ---- remainders ---- */

/* x times a sign given as a bit. */
static uint32_t signed_by(struct lowering *l, const struct shape *shape, uint32_t bit, uint32_t x)
{
    struct relation_term terms[2] = {lowering_term_product(l, 2, bit, x, shape),
                                     lowering_term(l, -1, x, shape)};
    return lowering_product(l, shape, lowering_form(l, x), terms, 2, wide_from_i64(0));
}

/*
 * Numbers of one fraction divide as integers. fmod = 1: sign(x) (|x| mod |d|). fmod = 0, integers
 * only: sign(d) ((sign(d) x) mod |d|), which has the sign of the divisor.
 */
void lower_mod(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    uint32_t x = lowering_input(l, 0), d = lowering_input(l, 1), d_bit, x_bit, rest;
    int32_t fraction = lowering_fraction(l, x) > lowering_fraction(l, d) ? lowering_fraction(l, x)
                                                                         : lowering_fraction(l, d);
    x = lowering_to_fraction(l, x, fraction);
    d = lowering_to_fraction(l, d, fraction);
    struct form form = lowering_form(l, x);
    bool is_negative = wide_is_negative(lowering_range_of(l, d).low);
    bool is_fmod = lowering_attribute_int(l, "fmod", 0) != 0;
    uint32_t size = is_negative ? lowering_absolute(l, d, &d_bit) : d;
    size = lowering_hold_positive(l, size, lowering_input_plan(l, 1));
    bool has_sign = is_fmod && wide_is_negative(lowering_range_of(l, x).low);
    if (has_sign)
        x = lowering_absolute(l, x, &x_bit);
    else if (!is_fmod && is_negative)
        x = signed_by(l, &shape, d_bit, lowering_expand(l, x, &shape));
    lowering_divide_floor(l, &shape, x, size, form_integer(), NULL, &rest);
    rest = lowering_retag(l, rest, form);
    if (has_sign)
        rest = signed_by(l, &shape, x_bit, rest);
    else if (!is_fmod && is_negative)
        rest = signed_by(l, &shape, d_bit, rest);
    lowering_output(l, 0, rest);
}
