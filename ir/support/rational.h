/*
 * Exact positive rational scales: real = integer * scale. Used where encodings are chosen and
 * combined (passes/quantize, lowering) and printed (reports, metadata).
 *
 * value = numerator / denominator * 2^exponent with numerator and denominator odd, positive and
 * without a common factor: so every value has one form, and powers of two are 1/1 * 2^k.
 */
#ifndef SERTN_IR_SUPPORT_RATIONAL_H
#define SERTN_IR_SUPPORT_RATIONAL_H

#include "ir/support/status.h"

#include <stdbool.h>
#include <stdint.h>

struct rational {
    int64_t numerator;
    int64_t denominator;
    int32_t exponent; /* |exponent| <= RATIONAL_EXPONENT_MAX */
};

#define RATIONAL_EXPONENT_MAX 4096

/* 2^exponent. Requires: |exponent| <= RATIONAL_EXPONENT_MAX. */
struct rational rational_power_of_two(int32_t exponent);

/*
 * The functions below return false, *out untouched, when the exact result has no place in the form.
 * out may equal an input.
 */

/* numerator / denominator * 2^exponent in its one form. False also unless both are positive. */
bool rational_make(struct rational *out, int64_t numerator, int64_t denominator,
                   int32_t exponent) SERTN_MUST_CHECK;
/* The exact value of a double; false for zero, negative values, NaN and infinity. */
bool rational_from_double(struct rational *out, double value) SERTN_MUST_CHECK;
bool rational_mul(struct rational *out, struct rational a, struct rational b) SERTN_MUST_CHECK;
bool rational_div(struct rational *out, struct rational a, struct rational b) SERTN_MUST_CHECK;

bool rational_equal(struct rational a, struct rational b);
/* The sign of a - b. Exact. */
int rational_compare(struct rational a, struct rational b);
/* Whether it is 2^k. */
bool rational_is_power_of_two(struct rational a);
/* A double within a relative error of 2^-51, the same on every machine; 0 or infinity beyond the
 * range of doubles. */
double rational_to_double(struct rational a);

#endif
