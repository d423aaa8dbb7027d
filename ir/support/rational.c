/* Exact rational scales: see rational.h. */
#include "ir/support/rational.h"

#include <math.h>

static int64_t common_factor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

struct rational rational_power_of_two(int32_t exponent)
{
    ASSERT(exponent >= -RATIONAL_EXPONENT_MAX && exponent <= RATIONAL_EXPONENT_MAX);
    return (struct rational){1, 1, exponent};
}

bool rational_make(struct rational *out, int64_t numerator, int64_t denominator, int32_t exponent)
{
    if (numerator <= 0 || denominator <= 0)
        return false;
    int up = __builtin_ctzll((uint64_t)numerator), down = __builtin_ctzll((uint64_t)denominator);
    numerator >>= up;
    denominator >>= down;
    int64_t power = (int64_t)exponent + up - down;
    if (power < -RATIONAL_EXPONENT_MAX || power > RATIONAL_EXPONENT_MAX)
        return false;
    int64_t factor = common_factor(numerator, denominator);
    *out = (struct rational){numerator / factor, denominator / factor, (int32_t)power};
    return true;
}

bool rational_from_double(struct rational *out, double value)
{
    if (!isfinite(value) || value <= 0)
        return false;
    int exponent;
    double fraction = frexp(value, &exponent);
    return rational_make(out, (int64_t)ldexp(fraction, 53), 1, exponent - 53);
}

bool rational_mul(struct rational *out, struct rational a, struct rational b)
{
    /* Crosswise first, so that the products are already without a common factor. */
    int64_t left = common_factor(a.numerator, b.denominator);
    int64_t right = common_factor(b.numerator, a.denominator);
    int64_t numerator, denominator;
    if (__builtin_mul_overflow(a.numerator / left, b.numerator / right, &numerator) ||
        __builtin_mul_overflow(a.denominator / right, b.denominator / left, &denominator))
        return false;
    return rational_make(out, numerator, denominator, a.exponent + b.exponent);
}

bool rational_div(struct rational *out, struct rational a, struct rational b)
{
    return rational_mul(out, a, (struct rational){b.denominator, b.numerator, -b.exponent});
}

bool rational_equal(struct rational a, struct rational b)
{
    return a.numerator == b.numerator && a.denominator == b.denominator && a.exponent == b.exponent;
}

int rational_compare(struct rational a, struct rational b)
{
    unsigned __int128 left = (unsigned __int128)a.numerator * (unsigned __int128)b.denominator;
    unsigned __int128 right = (unsigned __int128)b.numerator * (unsigned __int128)a.denominator;
    int shift = a.exponent - b.exponent;
    /* Both products are from 1 to 2^126: a shift of 127 and more decides alone. */
    if (shift >= 127 || shift <= -127)
        return shift > 0 ? 1 : -1;
    /* left * 2^shift against right: compared after dividing the other side, with the rest counted.
     */
    bool swapped = shift < 0;
    unsigned bits = (unsigned)(swapped ? -shift : shift);
    unsigned __int128 scaled = swapped ? right : left, plain = swapped ? left : right;
    unsigned __int128 whole = plain >> bits;
    bool has_rest = whole << bits != plain;
    int sign = scaled > whole ? 1 : scaled < whole ? -1 : has_rest ? -1 : 0;
    return swapped ? -sign : sign;
}

bool rational_is_power_of_two(struct rational a)
{
    return a.numerator == 1 && a.denominator == 1;
}

double rational_to_double(struct rational a)
{
    return ldexp((double)a.numerator / (double)a.denominator, a.exponent);
}
