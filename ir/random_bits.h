/*
 * The generator behind the random operators (RandomNormal, RandomUniform, their Like forms,
 * Multinomial, Bernoulli, Dropout in training), which ONNX leaves open. This file is its
 * definition; the float interpreter and passes/lower_random.c stand on it.
 *
 * Squares (Widynski, "Squares: a fast counter-based RNG", arXiv 2004.06278), which is made of
 * squares, sums and shifts alone, and these are cheap in a circuit. All arithmetic is modulo 2^64:
 *
 *     word(i, k):  y = i k,  z = y + k,  x = y
 *                  x = x x + y, halves swapped;  x = x x + z, halves swapped;
 *                  x = x x + y, halves swapped;  floor((x x + z) / 2^32)
 *     key(s, t):   c = 2 (s + 2^32 t);  2^32 word(c, K) + word(c + 1, K), its last bit set
 *
 * Number i of stream t under seed s is floor(word(i, key(s, t)) / 2^8): 24 bits, which float32
 * holds exactly. s < 2^32, t < 2^31, i < 2^32. K is the key of the paper's example.
 *
 * The seed is public: part of the circuit, or a public input. It makes results repeatable and
 * checkable, not secret: whoever knows the model knows its random numbers.
 */
#ifndef SERTN_IR_RANDOM_BITS_H
#define SERTN_IR_RANDOM_BITS_H

#include <stdint.h>

#define RANDOM_FIRST_KEY 0x548c9decbce65297u /* K */
enum { RANDOM_NUMBER_BITS = 24 };

static inline uint64_t random_square(uint64_t x, uint64_t add)
{
    x = x * x + add;
    return x >> 32 | x << 32;
}

static inline uint32_t random_word(uint64_t index, uint64_t key)
{
    uint64_t y = index * key, z = y + key,
             x = random_square(random_square(random_square(y, y), z), y);
    return (uint32_t)((x * x + z) >> 32);
}

static inline uint64_t random_key(uint32_t seed, uint32_t stream)
{
    uint64_t c = 2 * (seed + ((uint64_t)stream << 32));
    uint64_t high = random_word(c, RANDOM_FIRST_KEY), low = random_word(c + 1, RANDOM_FIRST_KEY);
    return high << 32 | low | 1;
}

/* Number `index` of the stream that the key belongs to. */
static inline uint32_t random_number(uint64_t key, uint32_t index)
{
    return random_word(index, key) >> (32 - RANDOM_NUMBER_BITS);
}

#endif
