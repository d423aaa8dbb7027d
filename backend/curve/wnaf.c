/*
 * Width-w non-adjacent form. See wnaf.h.
 */
#include "backend/curve/wnaf.h"

#include <string.h>

#include "backend/field/field_limbs.h"
#include "ir/support/status.h"

#define MOST_LIMBS 4

static uint64_t any_bit(const uint64_t *k, size_t limb_count)
{
    uint64_t bits = 0;
    for (size_t j = 0; j < limb_count; j++)
        bits |= k[j];
    return bits;
}

/* k = k - d, where the low bits of k are those of d. */
static void subtract_digit(uint64_t *k, size_t limb_count, int d)
{
    if (d >= 0) {
        k[0] -= (uint64_t)d;
        return;
    }
    uint64_t carry = 0;
    k[0] = limb_adc(k[0], (uint64_t)-d, &carry);
    for (size_t j = 1; j < limb_count; j++)
        k[j] = limb_adc(k[j], 0, &carry);
}

size_t wnaf_recode(signed char *digit, const uint64_t *k, size_t limb_count, unsigned width)
{
    ASSERT(limb_count >= 1 && limb_count <= MOST_LIMBS && width >= 2 && width <= 7);
    uint64_t rest[MOST_LIMBS] = {0};
    memcpy(rest, k, limb_count * sizeof *k);
    memset(digit, 0, 64 * limb_count);
    const int modulus = 1 << width;
    size_t length = 0;
    for (size_t i = 0; any_bit(rest, limb_count); i++) {
        if (rest[0] & 1) {
            int d = (int)(rest[0] & (uint64_t)(modulus - 1));
            if (d >= modulus / 2)
                d -= modulus;
            digit[i] = (signed char)d;
            length = i + 1;
            subtract_digit(rest, limb_count, d);
        }
        for (size_t j = 0; j + 1 < limb_count; j++)
            rest[j] = rest[j] >> 1 | rest[j + 1] << 63;
        rest[limb_count - 1] >>= 1;
    }
    return length;
}
