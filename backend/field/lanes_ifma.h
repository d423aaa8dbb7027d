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

/* Eight elements that follow each other: element LANE_ORDER[i] goes to lane i, an order that spares
 * half of the loads and stores their extra work. */
#define LANE_ORDER                                                                                 \
    {                                                                                              \
        0, 2, 4, 6, 1, 3, 5, 7                                                                     \
    }

static inline void lane_words_load(lane_word w[4], const uint64_t *from)
{
    lane_word row[4];
    for (int i = 0; i < 4; i++)
        row[i] = _mm512_loadu_si512(from + 8 * i);
    lane_transpose(w, row);
}

static inline void lane_words_store(uint64_t *to, const lane_word w[4])
{
    lane_word row[4];
    lane_transpose(row, w);
    for (int i = 0; i < 4; i++)
        _mm512_storeu_si512(to + 8 * i, row[i]);
}

/* The element of lane i at at[i]. */
static inline void lane_words_gather(lane_word w[4], const uint64_t *const at[LANES])
{
    lane_word row[4];
    for (int i = 0; i < 4; i++) {
        __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)at[i]);
        __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)at[i + 4]);
        row[i] = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
    lane_transpose(w, row);
}

static inline void lane_words_scatter(uint64_t *const at[LANES], const lane_word w[4])
{
    lane_word row[4];
    lane_transpose(row, w);
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_si256((__m256i *)(void *)at[i], _mm512_castsi512_si256(row[i]));
        _mm256_storeu_si256((__m256i *)(void *)at[i + 4], _mm512_extracti64x4_epi64(row[i], 1));
    }
}

#endif
