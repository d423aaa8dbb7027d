/*
 * Lowering of RandomBits whose seed is an input; one that is known was computed when constants were
 * folded. The rounds of ir/random_bits.h are products, and divisions by powers of two with
 * remainder, so that the numbers follow from the seed alone.
 */
#include "ir/random_bits.h"
#include "passes/lower_internal.h"

/* floor(x / 2^bits); remainder may be NULL. */
static uint32_t divide(struct lowering *l, uint32_t x, unsigned bits, uint32_t *remainder)
{
    return lowering_rescale(l, x, wide_power_of_two(bits), ROUND_FLOOR, form_integer(), NULL,
                            remainder);
}

static uint32_t modulo_64(struct lowering *l, uint32_t x)
{
    uint32_t rest;
    divide(l, x, 64, &rest);
    return rest;
}

/* (x x + y, or x x + y + key) mod 2^64; key: RELATION_NONE for none. */
static uint32_t square(struct lowering *l, const struct shape *shape, uint32_t x, uint32_t y,
                       uint32_t key)
{
    struct relation_term terms[3] = {lowering_term_product(l, 1, x, x, shape),
                                     lowering_term(l, 1, y, shape)};
    if (key != RELATION_NONE)
        terms[2] = lowering_term(l, 1, key, shape);
    return modulo_64(l, lowering_product(l, shape, form_integer(), terms,
                                         key == RELATION_NONE ? 2 : 3, wide_from_i64(0)));
}

/* A number of 64 bits with its halves swapped. */
static uint32_t swap_halves(struct lowering *l, const struct shape *shape, uint32_t x)
{
    uint32_t low, high = divide(l, x, 32, &low);
    struct relation_term terms[2] = {lowering_term_wide(l, wide_power_of_two(32), low, shape),
                                     lowering_term(l, 1, high, shape)};
    return lowering_linear(l, shape, form_integer(), terms, 2, wide_from_i64(0));
}

/* The leading bits of word(i, key), for y = i key mod 2^64. */
static uint32_t leading_bits(struct lowering *l, const struct shape *shape, uint32_t y,
                             uint32_t key, unsigned bits)
{
    uint32_t x = y;
    for (int round = 0; round < 3; round++)
        x = swap_halves(l, shape, square(l, shape, x, y, round == 1 ? key : RELATION_NONE));
    return divide(l, square(l, shape, x, y, key), 64 - bits, NULL);
}

/* key(seed, stream), seed a tensor of one element. */
static uint32_t stream_key(struct lowering *l, uint32_t seed, int64_t stream)
{
    struct shape two = shape_of(1, (int64_t)2), scalar = {0};
    wide first = wide_from_i128((__int128)RANDOM_FIRST_KEY), at[2], twice;
    ASSERT(wide_mul(&at[0], first, wide_from_i128((__int128)stream << 33)) &&
           wide_add(&at[1], at[0], first) && wide_add(&twice, first, first));
    struct relation_term terms[2] = {
        lowering_term_wide(l, twice, seed, &two),
        lowering_term(l, 1, lowering_constant(l, &two, form_integer(), at), &two)};
    uint32_t y = modulo_64(l, lowering_linear(l, &two, form_integer(), terms, 2, wide_from_i64(0)));
    uint32_t words =
        leading_bits(l, &two, y, lowering_constant(l, &scalar, form_integer(), &first), 32);
    uint32_t high = lowering_pick(l, words, &scalar, (const int64_t[]){0}),
             low = divide(l, lowering_pick(l, words, &scalar, (const int64_t[]){1}), 1, NULL);
    struct relation_term parts[2] = {lowering_term_wide(l, wide_power_of_two(32), high, &scalar),
                                     lowering_term(l, 2, low, &scalar)};
    return lowering_linear(l, &scalar, form_integer(), parts, 2, wide_from_i64(1));
}

void lower_random_bits(struct lowering *l)
{
    struct shape out = lowering_output_shape(l, 0), scalar = {0};
    size_t count = shape_elements(&out);
    wide *indices = lowering_array(l, wide, count);
    uint32_t seed =
        lowering_reshape(l, lowering_wrap(l, lowering_input(l, 0), ELEMENT_U32), &scalar);
    uint32_t key = stream_key(l, seed, lowering_attribute_int(l, "stream", 0));
    for (size_t i = 0; i < count; i++)
        indices[i] = wide_from_i64((int64_t)i);
    struct relation_term term =
        lowering_term_product(l, 1, lowering_constant(l, &out, form_integer(), indices), key, &out);
    uint32_t y =
        modulo_64(l, lowering_product(l, &out, form_integer(), &term, 1, wide_from_i64(0)));
    lowering_output(l, 0, leading_bits(l, &out, y, key, RANDOM_NUMBER_BITS));
}
