/* Lane operations of lanes_ifma.h in plain C, instruction by instruction as Intel's manual gives
 * them; only tests include this, through field_lanes.h. */
#ifndef SERTN_BACKEND_FIELD_LANES_EMULATED_H
#define SERTN_BACKEND_FIELD_LANES_EMULATED_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LANES 8

typedef struct {
    uint64_t lane[LANES];
} lane_word;

typedef uint8_t lane_mask;

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
LANE_BINARY(xor, x ^ y)

/* Defines lane_<name>(a, b) as the mask of the lanes where `condition` holds of x and y. */
#define LANE_COMPARISON(name, condition)                                                           \
    static inline lane_mask lane_##name(lane_word a, lane_word b)                                  \
    {                                                                                              \
        unsigned mask = 0;                                                                         \
        for (int i = 0; i < LANES; i++) {                                                          \
            uint64_t x = a.lane[i], y = b.lane[i];                                                 \
            mask |= (unsigned)(condition) << i;                                                    \
        }                                                                                          \
        return (lane_mask)mask;                                                                    \
    }

LANE_COMPARISON(is_greater, (int64_t)x > (int64_t)y)
LANE_COMPARISON(is_below, x < y)
LANE_COMPARISON(is_equal, x == y)

static inline lane_word lane_set1(uint64_t v)
{
    lane_word r;
    for (int i = 0; i < LANES; i++)
        r.lane[i] = v;
    return r;
}

static inline lane_word lane_constant(const uint64_t *at)
{
    return lane_set1(*at);
}

static inline lane_word lane_zero(void)
{
    return lane_set1(0);
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

static inline lane_word lane_shift_right_signed(lane_word a, unsigned bits)
{
    for (int i = 0; i < LANES; i++)
        a.lane[i] = (uint64_t)((int64_t)a.lane[i] >> bits);
    return a;
}

/* Requires: 0 < bits < 64. */
static inline lane_word lane_shift_right_pair(lane_word low, lane_word high, unsigned bits)
{
    for (int i = 0; i < LANES; i++)
        low.lane[i] = low.lane[i] >> bits | high.lane[i] << (64 - bits);
    return low;
}

static inline lane_mask lane_is_zero(lane_word a)
{
    return lane_is_equal(a, lane_zero());
}

static inline lane_word lane_select(lane_mask mask, lane_word a, lane_word b)
{
    for (int i = 0; i < LANES; i++)
        a.lane[i] = mask >> i & 1 ? a.lane[i] : b.lane[i];
    return a;
}

static inline lane_word lane_sub_where(lane_mask mask, lane_word a, lane_word b)
{
    return lane_select(mask, lane_sub(a, b), a);
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

static inline lane_word lane_load(const uint64_t from[LANES])
{
    lane_word r;
    memcpy(r.lane, from, sizeof r.lane);
    return r;
}

static inline void lane_store(uint64_t to[LANES], lane_word a)
{
    memcpy(to, a.lane, sizeof a.lane);
}

static inline void lane_transpose_8(lane_word row[8])
{
    for (int i = 0; i < LANES; i++) {
        for (int j = 0; j < i; j++) {
            uint64_t t = row[i].lane[j];
            row[i].lane[j] = row[j].lane[i];
            row[j].lane[i] = t;
        }
    }
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

#define LANE_ORDER                                                                                 \
    {                                                                                              \
        0, 2, 4, 6, 1, 3, 5, 7                                                                     \
    }

static inline void lane_words_load(lane_word w[4], const uint64_t *from)
{
    static const int order[LANES] = LANE_ORDER;
    const uint64_t *at[LANES];
    for (int i = 0; i < LANES; i++)
        at[i] = from + 4 * order[i];
    lane_words_gather(w, at);
}

static inline void lane_words_store(uint64_t *to, const lane_word w[4])
{
    static const int order[LANES] = LANE_ORDER;
    uint64_t *at[LANES];
    for (int i = 0; i < LANES; i++)
        at[i] = to + 4 * order[i];
    lane_words_scatter(at, w);
}

#endif
