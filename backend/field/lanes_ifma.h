/* Lane operations in AVX-512 with IFMA and VBMI2; see field_lanes.h, which alone includes this. */
#ifndef SERTN_BACKEND_FIELD_LANES_IFMA_H
#define SERTN_BACKEND_FIELD_LANES_IFMA_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define LANES 8

typedef __m512i lane_word;
/* One bit a lane. */
typedef __mmask8 lane_mask;

static inline lane_word lane_set1(uint64_t v)
{
    return _mm512_set1_epi64((long long)v);
}

/* A constant in every lane. The compiler is kept from knowing its value: it would build it in a
 * general register and send it through one of the two vector ports, where a load is free. */
static inline lane_word lane_constant(const uint64_t *at)
{
    __asm__("" : "+r"(at));
    return _mm512_set1_epi64((long long)*at);
}

static inline lane_word lane_zero(void)
{
    return _mm512_setzero_si512();
}

static inline lane_word lane_add(lane_word a, lane_word b)
{
    return _mm512_add_epi64(a, b);
}

static inline lane_word lane_sub(lane_word a, lane_word b)
{
    return _mm512_sub_epi64(a, b);
}

static inline lane_word lane_and(lane_word a, lane_word b)
{
    return _mm512_and_si512(a, b);
}

static inline lane_word lane_or(lane_word a, lane_word b)
{
    return _mm512_or_si512(a, b);
}

static inline lane_word lane_xor(lane_word a, lane_word b)
{
    return _mm512_xor_si512(a, b);
}

#define lane_shift_left(a, bits) _mm512_slli_epi64(a, bits)
#define lane_shift_right(a, bits) _mm512_srli_epi64(a, bits)
/* Copies of the sign bit come in from the left. */
#define lane_shift_right_signed(a, bits) _mm512_srai_epi64(a, bits)
/* The low 64 bits of (high 2^64 + low) / 2^bits. */
#define lane_shift_right_pair(low, high, bits) _mm512_shrdi_epi64(low, high, bits)

/* Where a is 0. */
static inline lane_mask lane_is_zero(lane_word a)
{
    return _mm512_testn_epi64_mask(a, a);
}

/* Where a > b, as signed integers. */
static inline lane_mask lane_is_greater(lane_word a, lane_word b)
{
    return _mm512_cmpgt_epi64_mask(a, b);
}

/* Where a < b, as unsigned integers. */
static inline lane_mask lane_is_below(lane_word a, lane_word b)
{
    return _mm512_cmplt_epu64_mask(a, b);
}

/* a where the mask has a bit, b elsewhere. */
static inline lane_word lane_select(lane_mask mask, lane_word a, lane_word b)
{
    return _mm512_mask_mov_epi64(b, mask, a);
}

/* a - b where the mask has a bit, a elsewhere. */
static inline lane_word lane_sub_where(lane_mask mask, lane_word a, lane_word b)
{
    return _mm512_mask_sub_epi64(a, mask, a, b);
}

/* Adds the low and the high 52 bits of the 104-bit products of the low 52 bits of a and b. */
static inline lane_word lane_multiply_add_low(lane_word sum, lane_word a, lane_word b)
{
    return _mm512_madd52lo_epu64(sum, a, b);
}

static inline lane_word lane_multiply_add_high(lane_word sum, lane_word a, lane_word b)
{
    return _mm512_madd52hi_epu64(sum, a, b);
}

static inline lane_word lane_load(const uint64_t from[LANES])
{
    return _mm512_loadu_si512(from);
}

static inline void lane_store(uint64_t to[LANES], lane_word a)
{
    _mm512_storeu_si512(to, a);
}

/* Two 4 x 4 blocks of words, side by side, transposed; its own inverse. Vector i of `row` holds two
 * elements of four words. */
static inline void lane_transpose(lane_word out[4], const lane_word row[4])
{
    lane_word low01 = _mm512_unpacklo_epi64(row[0], row[1]);
    lane_word high01 = _mm512_unpackhi_epi64(row[0], row[1]);
    lane_word low23 = _mm512_unpacklo_epi64(row[2], row[3]);
    lane_word high23 = _mm512_unpackhi_epi64(row[2], row[3]);
    const lane_word first = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    const lane_word second = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    out[0] = _mm512_permutex2var_epi64(low01, first, low23);
    out[1] = _mm512_permutex2var_epi64(high01, first, high23);
    out[2] = _mm512_permutex2var_epi64(low01, second, low23);
    out[3] = _mm512_permutex2var_epi64(high01, second, high23);
}

/* Lane j of row[i] becomes lane i of row[j]. */
static inline void lane_transpose_8(lane_word row[8])
{
    lane_word low01 = _mm512_unpacklo_epi64(row[0], row[1]);
    lane_word high01 = _mm512_unpackhi_epi64(row[0], row[1]);
    lane_word low23 = _mm512_unpacklo_epi64(row[2], row[3]);
    lane_word high23 = _mm512_unpackhi_epi64(row[2], row[3]);
    lane_word low45 = _mm512_unpacklo_epi64(row[4], row[5]);
    lane_word high45 = _mm512_unpackhi_epi64(row[4], row[5]);
    lane_word low67 = _mm512_unpacklo_epi64(row[6], row[7]);
    lane_word high67 = _mm512_unpackhi_epi64(row[6], row[7]);
    /* Blocks of two lanes, as a 4 x 4 matrix for even and one for odd j: halves, then quarters. */
    lane_word even0 = _mm512_shuffle_i64x2(low01, low23, 0x44);
    lane_word even1 = _mm512_shuffle_i64x2(low45, low67, 0x44);
    lane_word even2 = _mm512_shuffle_i64x2(low01, low23, 0xee);
    lane_word even3 = _mm512_shuffle_i64x2(low45, low67, 0xee);
    lane_word odd0 = _mm512_shuffle_i64x2(high01, high23, 0x44);
    lane_word odd1 = _mm512_shuffle_i64x2(high45, high67, 0x44);
    lane_word odd2 = _mm512_shuffle_i64x2(high01, high23, 0xee);
    lane_word odd3 = _mm512_shuffle_i64x2(high45, high67, 0xee);
    row[0] = _mm512_shuffle_i64x2(even0, even1, 0x88);
    row[2] = _mm512_shuffle_i64x2(even0, even1, 0xdd);
    row[4] = _mm512_shuffle_i64x2(even2, even3, 0x88);
    row[6] = _mm512_shuffle_i64x2(even2, even3, 0xdd);
    row[1] = _mm512_shuffle_i64x2(odd0, odd1, 0x88);
    row[3] = _mm512_shuffle_i64x2(odd0, odd1, 0xdd);
    row[5] = _mm512_shuffle_i64x2(odd2, odd3, 0x88);
    row[7] = _mm512_shuffle_i64x2(odd2, odd3, 0xdd);
}

/* Eight elements that follow each other: element LANE_ORDER[i] goes to lane i, an order that spares
 * half of the loads and stores their extra work. */
#define LANE_ORDER                                                                                 \
    {                                                                                              \
        0, 2, 4, 6, 1, 3, 5, 7                                                                     \
    }

static inline void lane_words_load(lane_word w[4], const uint64_t *from)
{
    lane_word row[4] = {_mm512_loadu_si512(from), _mm512_loadu_si512(from + 8),
                        _mm512_loadu_si512(from + 16), _mm512_loadu_si512(from + 24)};
    lane_transpose(w, row);
}

static inline void lane_words_store(uint64_t *to, const lane_word w[4])
{
    lane_word row[4];
    lane_transpose(row, w);
    _mm512_storeu_si512(to, row[0]);
    _mm512_storeu_si512(to + 8, row[1]);
    _mm512_storeu_si512(to + 16, row[2]);
    _mm512_storeu_si512(to + 24, row[3]);
}

/* Two elements of four words in one vector. */
static inline lane_word lane_join(const uint64_t *low, const uint64_t *high)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)low);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)high);
    return _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1);
}

static inline void lane_part(uint64_t *low, uint64_t *high, lane_word row)
{
    _mm256_storeu_si256((__m256i *)(void *)low, _mm512_castsi512_si256(row));
    _mm256_storeu_si256((__m256i *)(void *)high, _mm512_extracti64x4_epi64(row, 1));
}

/* The element of lane i at at[i]. */
static inline void lane_words_gather(lane_word w[4], const uint64_t *const at[LANES])
{
    lane_word row[4] = {lane_join(at[0], at[4]), lane_join(at[1], at[5]), lane_join(at[2], at[6]),
                        lane_join(at[3], at[7])};
    lane_transpose(w, row);
}

static inline void lane_words_scatter(uint64_t *const at[LANES], const lane_word w[4])
{
    lane_word row[4];
    lane_transpose(row, w);
    lane_part(at[0], at[4], row[0]);
    lane_part(at[1], at[5], row[1]);
    lane_part(at[2], at[6], row[2]);
    lane_part(at[3], at[7], row[3]);
}

#endif
