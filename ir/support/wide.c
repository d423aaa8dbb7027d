/* Signed 256-bit integers in two's complement; see wide.h. Multiplication and division go through
 * magnitudes. */
#include "ir/support/wide.h"

#include <math.h>

#include "ir/support/status.h"

typedef unsigned __int128 u128;

static bool sign_of(const wide *a)
{
    return (a->limb[3] >> 63) != 0;
}

static wide add_wrapping(const wide *a, const wide *b, uint64_t carry)
{
    wide r;
    for (int i = 0; i < 4; i++) {
        u128 t = (u128)a->limb[i] + b->limb[i] + carry;
        r.limb[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    return r;
}

static wide complement(const wide *a)
{
    wide r;
    for (int i = 0; i < 4; i++)
        r.limb[i] = ~a->limb[i];
    return r;
}

static wide negate_wrapping(const wide *a)
{
    wide zero = {{0, 0, 0, 0}}, inverted = complement(a);
    return add_wrapping(&inverted, &zero, 1);
}

/* |a| as an unsigned 256-bit number; exact also for the most negative value. */
static wide magnitude(const wide *a)
{
    return sign_of(a) ? negate_wrapping(a) : *a;
}

wide wide_from_i128(__int128 value)
{
    uint64_t fill = value < 0 ? UINT64_MAX : 0;
    return (wide){{(uint64_t)(u128)value, (uint64_t)((u128)value >> 64), fill, fill}};
}

bool wide_to_i128(__int128 *out, wide value)
{
    __int128 low = (__int128)((u128)value.limb[1] << 64 | value.limb[0]);
    uint64_t fill = low < 0 ? UINT64_MAX : 0;
    if (((value.limb[2] ^ fill) | (value.limb[3] ^ fill)) != 0)
        return false;
    *out = low;
    return true;
}

static int compare_magnitude(const wide *a, const wide *b)
{
    for (int i = 3; i >= 0; i--) {
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    }
    return 0;
}

bool wide_add(wide *out, wide a, wide b)
{
    wide r = add_wrapping(&a, &b, 0);
    if (sign_of(&a) == sign_of(&b) && sign_of(&r) != sign_of(&a))
        return false;
    *out = r;
    return true;
}

bool wide_sub(wide *out, wide a, wide b)
{
    wide inverted = complement(&b);
    wide r = add_wrapping(&a, &inverted, 1);
    if (sign_of(&a) != sign_of(&b) && sign_of(&r) != sign_of(&a))
        return false;
    *out = r;
    return true;
}

bool wide_neg(wide *out, wide a)
{
    return wide_sub(out, wide_from_i64(0), a);
}

/* Gives a magnitude its sign; false when it does not fit in 255 bits (or is -2^255). */
static bool with_sign(wide *out, const wide *mag, bool negative)
{
    wide r = negative ? negate_wrapping(mag) : *mag;
    if (!wide_is_zero(*mag) && sign_of(&r) != negative)
        return false;
    *out = r;
    return true;
}

/* Limbs of a magnitude up to the highest that is not 0. */
static unsigned limb_count(const wide *a)
{
    unsigned count = 4;
    while (count > 0 && a->limb[count - 1] == 0)
        count--;
    return count;
}

bool wide_mul(wide *out, wide a, wide b)
{
    int64_t small_a, small_b;
    if (wide_to_i64(&small_a, a) && wide_to_i64(&small_b, b)) {
        *out = wide_from_i128((__int128)small_a * small_b);
        return true;
    }
    wide x = magnitude(&a), y = magnitude(&b);
    unsigned x_count = limb_count(&x), y_count = limb_count(&y);
    uint64_t product[8] = {0};
    for (unsigned i = 0; i < x_count; i++) {
        uint64_t carry = 0;
        for (unsigned j = 0; j < y_count; j++) {
            u128 t = (u128)x.limb[i] * y.limb[j] + product[i + j] + carry;
            product[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        product[i + y_count] = carry;
    }
    if ((product[4] | product[5] | product[6] | product[7]) != 0)
        return false;
    wide low = {{product[0], product[1], product[2], product[3]}};
    return with_sign(out, &low, sign_of(&a) != sign_of(&b));
}

unsigned wide_bit_length(wide a)
{
    wide m = magnitude(&a);
    for (int i = 3; i >= 0; i--) {
        if (m.limb[i] != 0)
            return (unsigned)(64 * i + 64 - __builtin_clzll(m.limb[i]));
    }
    return 0;
}

static wide shift_left_raw(const wide *a, unsigned bits)
{
    wide r = {{0, 0, 0, 0}};
    unsigned limbs = bits / 64, rest = bits % 64;
    for (unsigned i = limbs; i < 4; i++) {
        r.limb[i] = a->limb[i - limbs] << rest;
        if (rest != 0 && i > limbs)
            r.limb[i] |= a->limb[i - limbs - 1] >> (64 - rest);
    }
    return r;
}

bool wide_shift_left(wide *out, wide a, unsigned bits)
{
    wide m = magnitude(&a);
    if (!wide_is_zero(m) && wide_bit_length(m) + bits > 255)
        return false;
    wide r = bits < 256 ? shift_left_raw(&m, bits) : (wide){{0, 0, 0, 0}};
    return with_sign(out, &r, sign_of(&a));
}

wide wide_shift_right(wide a, unsigned bits)
{
    uint64_t fill = sign_of(&a) ? UINT64_MAX : 0;
    wide r = {{fill, fill, fill, fill}};
    unsigned limbs = bits / 64, rest = bits % 64;
    for (unsigned i = 0; limbs + i < 4; i++) {
        uint64_t low = a.limb[limbs + i];
        uint64_t high = limbs + i + 1 < 4 ? a.limb[limbs + i + 1] : fill;
        r.limb[i] = rest == 0 ? low : (low >> rest | high << (64 - rest));
    }
    return r;
}

/* Unsigned long division by shift and subtract, limb-sized divisors by 128-bit division. */
static void divide_magnitude(wide *quotient, wide *remainder, const wide *a, const wide *b)
{
    wide q = {{0, 0, 0, 0}}, r = {{0, 0, 0, 0}};
    if ((b->limb[1] | b->limb[2] | b->limb[3]) == 0) {
        u128 rest = 0;
        for (int i = 3; i >= 0; i--) {
            u128 part = rest << 64 | a->limb[i];
            q.limb[i] = (uint64_t)(part / b->limb[0]);
            rest = part % b->limb[0];
        }
        r.limb[0] = (uint64_t)rest;
    } else {
        unsigned length =
            wide_bit_length((wide){{a->limb[0], a->limb[1], a->limb[2], a->limb[3] & INT64_MAX}});
        if (a->limb[3] >> 63)
            length = 256;
        for (unsigned i = length; i-- > 0;) {
            r = shift_left_raw(&r, 1);
            r.limb[0] |= a->limb[i / 64] >> (i % 64) & 1;
            if (compare_magnitude(&r, b) >= 0) {
                wide inverted = complement(b);
                r = add_wrapping(&r, &inverted, 1);
                q.limb[i / 64] |= (uint64_t)1 << (i % 64);
            }
        }
    }
    *quotient = q;
    *remainder = r;
}

/* Which power of two b is; -1 for another number. Requires b > 0. */
static int find_power_of_two(const wide *b)
{
    int found = -1;
    for (int i = 0; i < 4; i++) {
        uint64_t limb = b->limb[i];
        if (limb == 0)
            continue;
        if (found >= 0 || (limb & (limb - 1)) != 0)
            return -1;
        found = 64 * i + __builtin_ctzll(limb);
    }
    return found;
}

void wide_divide_floor(wide *quotient, wide *remainder, wide a, wide b)
{
    ASSERT(!sign_of(&b) && !wide_is_zero(b));
    int power = find_power_of_two(&b);
    if (power >= 0) { /* nearly every rescale; the shift rounds down */
        wide minus_one = wide_from_i64(-1), mask = add_wrapping(&b, &minus_one, 0);
        for (int i = 0; i < 4; i++)
            remainder->limb[i] = a.limb[i] & mask.limb[i];
        *quotient = wide_shift_right(a, (unsigned)power);
        return;
    }
    wide m = magnitude(&a), q, r;
    divide_magnitude(&q, &r, &m, &b);
    if (sign_of(&a)) {
        q = negate_wrapping(&q);
        if (!wide_is_zero(r)) {
            wide minus_one = wide_from_i64(-1), inverted = complement(&r);
            q = add_wrapping(&q, &minus_one, 0);
            r = add_wrapping(&b, &inverted, 1);
        }
    }
    *quotient = q;
    *remainder = r;
}

wide wide_power_of_two(unsigned bits)
{
    ASSERT(bits <= 254);
    wide one = wide_from_i64(1);
    return shift_left_raw(&one, bits);
}

wide wide_square_root(wide a)
{
    ASSERT(!sign_of(&a));
    if (wide_is_zero(a))
        return a;
    /* Newton from above: the sequence falls until it reaches the floor. */
    wide x = wide_power_of_two((wide_bit_length(a) + 1) / 2);
    for (;;) {
        wide q, r, sum;
        wide_divide_floor(&q, &r, a, x);
        ASSERT(wide_add(&sum, x, q));
        wide next = wide_shift_right(sum, 1);
        if (wide_compare(next, x) >= 0)
            return x;
        x = next;
    }
}

double wide_to_double(wide a)
{
    /* Exact integers up to 64 bits by the hardware; above, the top 64 bits with a sticky bit round
     * once. */
    wide m = magnitude(&a);
    unsigned length = wide_bit_length(m);
    double value;
    if (length <= 64) {
        value = (double)m.limb[0];
    } else {
        unsigned drop = length - 64;
        wide top = wide_shift_right(m, drop);
        wide back = shift_left_raw(&(wide){{top.limb[0], 0, 0, 0}}, drop);
        uint64_t bits = top.limb[0];
        if (compare_magnitude(&back, &m) != 0)
            bits |= 1;
        value = ldexp((double)bits, (int)drop);
    }
    return sign_of(&a) ? -value : value;
}

bool wide_from_double(wide *out, double value)
{
    if (isnan(value) || isinf(value))
        return false;
    double rounded = rint(value);
    int exponent;
    double fraction = frexp(fabs(rounded), &exponent); /* fraction in [0.5, 1) */
    if (exponent > 254)
        return false;
    uint64_t mantissa = (uint64_t)ldexp(fraction, 53);
    wide m = {{mantissa, 0, 0, 0}};
    m = exponent >= 53 ? shift_left_raw(&m, (unsigned)(exponent - 53))
                       : wide_shift_right(m, (unsigned)(53 - exponent));
    return with_sign(out, &m, rounded < 0);
}

void wide_format(char *text, wide a)
{
    char digits[80];
    size_t count = 0;
    wide m = magnitude(&a);
    const wide ten = {{10, 0, 0, 0}};
    do {
        wide q, r;
        divide_magnitude(&q, &r, &m, &ten);
        digits[count++] = (char)('0' + (int)r.limb[0]);
        m = q;
    } while (!wide_is_zero(m));
    if (sign_of(&a))
        *text++ = '-';
    while (count > 0)
        *text++ = digits[--count];
    *text = '\0';
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

bool wide_parse(wide *out, const char *text)
{
    bool negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    int base = 10;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    if (*text == '\0')
        return false;
    wide sum = wide_from_i64(0);
    for (; *text != '\0'; text++) {
        int digit = digit_value(*text);
        if (digit >= base || !wide_mul(&sum, sum, wide_from_i64(base)) ||
            !wide_add(&sum, sum, wide_from_i64(digit)))
            return false;
    }
    return negative ? wide_neg(out, sum) : (*out = sum, true);
}

void wide_to_bytes_be(uint8_t out[32], wide a)
{
    for (unsigned i = 0; i < 32; i++)
        out[31 - i] = (uint8_t)(a.limb[i / 8] >> (8 * (i % 8)));
}

wide wide_from_bytes_be(const uint8_t in[32])
{
    wide a = {{0, 0, 0, 0}};
    for (unsigned i = 0; i < 32; i++)
        a.limb[i / 8] |= (uint64_t)in[31 - i] << (8 * (i % 8));
    return a;
}
