/*
 * Intervals of integers, and what relations make of them: exact interval arithmetic.
 *
 * Lowering asks for the interval of each relation it adds; passes/bound_ranges proves declared
 * ranges with it.
 */
#ifndef SERTN_PASSES_RANGE_H
#define SERTN_PASSES_RANGE_H

#include "ir/relation.h"

struct range {
    wide low, high; /* inclusive */
};

struct range range_make(wide low, wide high);
struct range range_of_i64(int64_t low, int64_t high);
/* Smallest range that holds both. */
struct range range_hull(struct range a, struct range b);
bool range_contains(struct range outer, struct range inner);
/* Each returns false, *out untouched, when a bound leaves 256 bits. */
bool range_add(struct range *out, struct range a, struct range b);
bool range_scale(struct range *out, struct range a, wide coefficient);
bool range_product(struct range *out, struct range a, struct range b);
/* floor(low / d) .. floor(high / d) over every divisor in [d.low, d.high]. Requires: d.low > 0. */
struct range range_divide_floor(struct range a, struct range d);
/* [-2^k, 2^k - 1], or [0, 2^k - 1] when low >= 0: the smallest such range that holds a. */
struct range range_round_up(struct range a);
/* k of range_round_up: bits of magnitude without the sign. */
unsigned range_bits(struct range a);

/* Values a view can give: the tensor's range, and zero when some index of the space is outside the
 * view's box or list. */
struct range range_of_view(const struct relation_program *program, const struct relation *relation,
                           const struct relation_view *view);

/* Whether two views of a relation are written alike, so that they give the same values. */
bool range_same_view(const struct relation *relation, const struct relation_view *a,
                     const struct relation_view *b);

/*
 * Range of output `k` of a relation from the ranges of its operands. Quotients, table outputs and
 * what is read have ranges of their own; hints and digests have none: false. False also when a
 * bound leaves 256 bits.
 */
bool range_of_output(const struct relation_program *program, const struct relation *relation,
                     unsigned k, struct range *out);

#endif
