/*
 * Recoding of an integer into sparse odd digits (width-w non-adjacent form), for scalar products.
 */
#ifndef SERTN_BACKEND_CURVE_WNAF_H
#define SERTN_BACKEND_CURVE_WNAF_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes digits so that k = sum digit[i] 2^i; every non-zero digit is odd, |digit| < 2^(width - 1),
 * and among any `width` neighbours at most one is not zero. Returns the number of digits up to the
 * highest non-zero one.
 * Requires: 2 <= width <= 7; limb_count <= 4; k is limb_count limbs below 2^(64 limb_count - 1);
 * digit has 64 limb_count entries.
 */
size_t wnaf_recode(signed char *digit, const uint64_t *k, size_t limb_count, unsigned width);

#endif
