/*
 * Signed 256-bit integers: the widest integer that may stand in a relation or a circuit.
 *
 * Two's complement, little-endian limbs. The prover's field has capacity of 253 bits, so every
 * value that `bound_ranges` accepts fits with room to spare; arithmetic that leaves 256 bits is
 * reported, never wrapped. Used by relation_interpret (third tier), circuit constants and public
 * word packing.
 */
#ifndef SERTN_IR_SUPPORT_WIDE_H
#define SERTN_IR_SUPPORT_WIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t limb[4];
} wide;

/* Those that interpreters and passes call for every number are here, to be compiled in place. */
static inline wide wide_from_i64(int64_t value)
{
    uint64_t fill = value < 0 ? UINT64_MAX : 0;
    return (wide){{(uint64_t)value, fill, fill, fill}};
}
wide wide_from_i128(__int128 value);
/* Returns whether the value fits; *out is written only then. */
static inline bool wide_to_i64(int64_t *out, wide value)
{
    int64_t low = (int64_t)value.limb[0];
    uint64_t fill = low < 0 ? UINT64_MAX : 0;
    if (((value.limb[1] ^ fill) | (value.limb[2] ^ fill) | (value.limb[3] ^ fill)) != 0)
        return false;
    *out = low;
    return true;
}
bool wide_to_i128(__int128 *out, wide value);

static inline bool wide_is_negative(wide a)
{
    return (a.limb[3] >> 63) != 0;
}
static inline bool wide_is_zero(wide a)
{
    return (a.limb[0] | a.limb[1] | a.limb[2] | a.limb[3]) == 0;
}
/* Below, equal, above: -1, 0, 1. */
static inline int wide_compare(wide a, wide b)
{
    if (a.limb[3] != b.limb[3])
        return (int64_t)a.limb[3] < (int64_t)b.limb[3] ? -1 : 1;
    for (int i = 2; i >= 0; i--) {
        if (a.limb[i] != b.limb[i])
            return a.limb[i] < b.limb[i] ? -1 : 1;
    }
    return 0;
}

/* Each returns false, leaving *out alone, when the exact result does not fit in 256 bits. Outputs
 * may equal inputs. */
bool wide_add(wide *out, wide a, wide b);
bool wide_sub(wide *out, wide a, wide b);
bool wide_mul(wide *out, wide a, wide b);
bool wide_neg(wide *out, wide a);
bool wide_shift_left(wide *out, wide a, unsigned bits);
/* Arithmetic shift: floor(a / 2^bits). */
wide wide_shift_right(wide a, unsigned bits);
/* a = quotient * b + remainder with 0 <= remainder < b. Requires b > 0. */
void wide_divide_floor(wide *quotient, wide *remainder, wide a, wide b);
/* 2^bits, bits <= 254. */
wide wide_power_of_two(unsigned bits);
/* Number of bits of |a|: 0 for 0, 1 for 1, 8 for 255. */
unsigned wide_bit_length(wide a);
/* floor(sqrt(a)). Requires a >= 0. */
wide wide_square_root(wide a);
double wide_to_double(wide a);
/* Rounds to nearest, ties to even. Returns false for NaN, infinity or magnitudes of 2^254 and more.
 */
bool wide_from_double(wide *out, double value);

/* Decimal text; `text` needs 80 bytes. Parsing accepts an optional sign and decimal digits or 0x
 * hex, whole string. */
void wide_format(char *text, wide a);
bool wide_parse(wide *out, const char *text);
/* 32 bytes big-endian two's complement. */
void wide_to_bytes_be(uint8_t out[32], wide a);
wide wide_from_bytes_be(const uint8_t in[32]);

#endif
