/* The power-of-two range around a tensor's own; see relation.h. */
#include "ir/relation.h"

void relation_rounded_range(const struct relation_tensor *tensor, wide *low, unsigned *bits)
{
    *low = wide_from_i64(0);
    *bits = wide_bit_length(tensor->high);
    if (!wide_is_negative(tensor->low))
        return;
    wide below; /* -low - 1 needs as many bits as the positive side may have */
    ASSERT(wide_add(&below, tensor->low, wide_from_i64(1)) && wide_neg(&below, below));
    unsigned negative = wide_is_negative(below) ? 0 : wide_bit_length(below);
    unsigned half = negative > *bits ? negative : *bits;
    ASSERT(wide_neg(low, wide_power_of_two(half)));
    *bits = half + 1;
}
