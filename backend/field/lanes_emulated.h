/* Lane operations of lanes_ifma.h in plain C, instruction by instruction as Intel's manual gives
 * them; only tests include this, through field_lanes.h. */
#ifndef SERTN_BACKEND_FIELD_LANES_EMULATED_H
#define SERTN_BACKEND_FIELD_LANES_EMULATED_H

#include <stdbool.h>
#include <stdint.h>

#define LANES 8

typedef struct {
    uint64_t lane[LANES];
} lane_word;

/* Defines lane_<name>(a, b) as `value` of x and y in each lane. */
#define LANE_BINARY(name, value)                                                                   \
    static inline lane_word lane_##name(lane_word a, lane_word b)                                  \
    {                                                                                              \
        lane_word r;                                                                               \
        for (int i = 0; i < LANES; i++) {                                                          \
            uint64_t x = a.lane[i], y = b.lane[i];                                                 \
            r.lane[i] = (value);                                                                   \
        }                                                                                          \
        return r;                                                                                  \
    }

LANE_BINARY(add, x + y)
LANE_BINARY(sub, x - y)
LANE_BINARY(and, x &y)
LANE_BINARY(or, x | y)

static inline lane_word lane_set1(uint64_t v)
{
    lane_word r;
    for (int i = 0; i < LANES; i++)
        r.lane[i] = v;
    return r;
}

static inline lane_word lane_shift_left(lane_word a, unsigned bits)
{
    for (int i = 0; i < LANES; i++)
        a.lane[i] <<= bits;
    return a;
}

static inline lane_word lane_shift_right(lane_word a, unsigned bits)
{
    for (int i = 0; i < LANES; i++)
        a.lane[i] >>= bits;
    return a;
}

static inline lane_word lane_zero_mask(lane_word a)
{
    for (int i = 0; i < LANES; i++)
        a.lane[i] = a.lane[i] == 0 ? UINT64_MAX : 0;
    return a;
}

static inline lane_word lane_select(lane_word mask, lane_word a, lane_word b)
{
    for (int i = 0; i < LANES; i++)
        a.lane[i] = (mask.lane[i] & a.lane[i]) | (~mask.lane[i] & b.lane[i]);
    return a;
}

static inline bool lane_any(lane_word mask)
{
    uint64_t any = 0;
    for (int i = 0; i < LANES; i++)
        any |= mask.lane[i];
    return any != 0;
}

/* VPMADD52LUQ and VPMADD52HUQ read 52 bits of each factor and add 52 bits of the product. */
static inline unsigned __int128 lane_product_52(uint64_t a, uint64_t b)
{
    const uint64_t mask = (UINT64_C(1) << 52) - 1;
    return (unsigned __int128)(a & mask) * (b & mask);
}

static inline lane_word lane_multiply_add_low(lane_word sum, lane_word a, lane_word b)
{
    for (int i = 0; i < LANES; i++)
        sum.lane[i] += (uint64_t)lane_product_52(a.lane[i], b.lane[i]) & ((UINT64_C(1) << 52) - 1);
    return sum;
}

static inline lane_word lane_multiply_add_high(lane_word sum, lane_word a, lane_word b)
{
    for (int i = 0; i < LANES; i++)
        sum.lane[i] += (uint64_t)(lane_product_52(a.lane[i], b.lane[i]) >> 52);
    return sum;
}

static inline void lane_words_gather(lane_word w[4], const uint64_t *const at[LANES])
{
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < 4; j++)
            w[j].lane[i] = at[i][j];
}

static inline void lane_words_scatter(uint64_t *const at[LANES], const lane_word w[4])
{
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < 4; j++)
            at[i][j] = w[j].lane[i];
}

#endif
