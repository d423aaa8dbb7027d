/* Made by make_constants.py from the BN parameter x; do not edit.
 * Field elements are in Montgomery form, limbs least significant first. */
#ifndef SERTN_BACKEND_CURVE_CURVE_CONSTANTS_H
#define SERTN_BACKEND_CURVE_CURVE_CONSTANTS_H

#include "backend/curve/tower.h"

/* clang-format off */

/* The BN parameter x; p and r are polynomials in it. */
#define BN_X UINT64_C(4965661367192848881)

/* 6x + 2 in non-adjacent form, least significant digit first. */
#define ATE_LOOP_DIGITS 66
/* Digits other than 0 below the leading one. */
#define ATE_LOOP_ADDITIONS 21
static const signed char ate_loop_digit[ATE_LOOP_DIGITS] = {
    0, 0, 0, 1, 0, 1, 0, -1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1, 0, -1,
    0, 0, 0, 1, 0, -1, 0, 0, 0, 0, -1, 0, 0, 1, 0, -1, 0, 0, 1, 0,
    0, 0, 0, 0, -1, 0, 0, -1, 0, 1, 0, -1, 0, 0, 0, -1, 0, -1, 0, 0,
    0, 1, 0, -1, 0, 1,
};

/* xi^(i (p - 1) / 6) at [i - 1]. */
static const fp2 frobenius_coefficient[5] = {
    {{{0xaf9ba69633144907, 0xca6b1d7387afb78a, 0x11bded5ef08a2087, 0x02f34d751a1f3a7c}},
     {{0xa222ae234c492d72, 0xd00f02a4565de15b, 0xdc2ff3a253dfc926, 0x10a75716b3899551}}},
    {{{0xb5773b104563ab30, 0x347f91c8a9aa6454, 0x7a007127242e0991, 0x1956bcd8118214ec}},
     {{0x6e849f1ea0aa4757, 0xaa1c7b6d89f89141, 0xb6e713cdfae0ca3a, 0x26694fbb4e82ebc3}}},
    {{{0xe4bbdd0c2936b629, 0xbb30f162e133bacb, 0x31a9d1b6f9645366, 0x253570bea500f8dd}},
     {{0xa1d77ce45ffe77c7, 0x07affd117826d1db, 0x6d16bd27bb7edc6b, 0x2c87200285defecc}}},
    {{{0x7361d77f843abe92, 0xa5bb2bd3273411fb, 0x9c941f314b3e2399, 0x15df9cddbb9fd3ec}},
     {{0x5dddfd154bd8c949, 0x62cb29a5a4445b60, 0x37bc870a0c7dd2b9, 0x24830a9d3171f0fd}}},
    {{{0xc970692f41690fe7, 0xe240342127694b0b, 0x32bee66b83c459e8, 0x12aabced0ab08841}},
     {{0x0d485d2340aebfa9, 0x05193418ab2fcc57, 0xd3b0a40b8a4910f5, 0x2f21ebb535d2925a}}},
};

/* xi^(i (p^2 - 1) / 6) at [i - 1], an element of fp. */
static const fp frobenius_squared_coefficient[5] = {
    {{0xca8d800500fa1bf2, 0xf0c5d61468b39769, 0x0e201271ad0d4418, 0x04290f65bad856e6}},
    {{0x3350c88e13e80b9c, 0x7dce557cdb5e56b9, 0x6001b4b8b615564a, 0x2682e617020217e0}},
    {{0x68c3488912edefaa, 0x8d087f6872aabf4f, 0x51e1a24709081231, 0x2259d6b14729c0fa}},
    {{0x71930c11d782e155, 0xa6bb947cffbe3323, 0xaa303344d4741444, 0x2c3b3f0d26594943}},
    {{0x08cfc388c494f1ab, 0x19b315148d1373d4, 0x584e90fdcb6c0213, 0x09e1685bdf2f8849}},
};

/* G1: y^2 = x^3 + 3, generator (1, 2). */
static const fp g1_curve_b = {{0x7a17caa950ad28d7, 0x1f6ac17ae15521b9, 0x334bea4e696bd284, 0x2a1f6744ce179d8e}};
#define G1_GENERATOR_X {{0xd35d438dc58f0d9d, 0x0a78eb28f5c70b3d, 0x666ea36f7879462c, 0x0e0a77c19a07df2f}}
#define G1_GENERATOR_Y {{0xa6ba871b8b1e1b3a, 0x14f1d651eb8e167b, 0xccdd46def0f28c58, 0x1c14ef83340fbe5e}}

/* G2: y^2 = x^3 + 3 / xi over fp2. */
static const fp2 g2_curve_b = {
     {{0x3bf938e377b802a8, 0x020b1b273633535d, 0x26b7edf049755260, 0x2514c6324384a86d}},
     {{0x38e7ecccd1dcff67, 0x65f0b37d93ce0d3e, 0xd749d0dd22ac00aa, 0x0141b9ce4a688d4d}}};
#define G2_GENERATOR_X {{{0x8e83b5d102bc2026, 0xdceb1935497b0172, 0xfbb8264797811adf, 0x19573841af96503b}}, \
     {{0xafb4737da84c6140, 0x6043dd5a5802d8c4, 0x09e950fc52a02f86, 0x14fef0833aea7b6b}}}
#define G2_GENERATOR_Y {{{0x619dfa9d886be9f6, 0xfe7fd297f59e9b78, 0xff9e1a62231b7dfe, 0x28fd7eebae9e4206}}, \
     {{0x64095b56c71856ee, 0xdc57f922327d3cbb, 0x55f935be33351076, 0x0da4a0e693fd6482}}}

/* (beta x, y) = [lambda](x, y). */
static const fp glv_beta = {{0x71930c11d782e155, 0xa6bb947cffbe3323, 0xaa303344d4741444, 0x2c3b3f0d26594943}};
static const fr glv_lambda = {{0x93e7cede4a0329b3, 0x7d4fdca77a96c167, 0x8be4ba08b19a750a, 0x1cbd5653a5661c25}};

/* Short vectors (a1, -b1), (a2, b2) with a + b lambda = 0 mod r, a1 b2 + a2 b1 = r. */
static const uint64_t glv_a1[2] = {0x89d3256894d213e3, 0x0000000000000000};
static const uint64_t glv_b1[2] = {0x8211bbeb7d4f1128, 0x6f4d8248eeb859fc};
static const uint64_t glv_a2[2] = {0x0be4e1541221250b, 0x6f4d8248eeb859fd};
static const uint64_t glv_b2[2] = {0x89d3256894d213e3, 0x0000000000000000};
/* round(2^256 b2 / r) and round(2^256 b1 / r). */
static const uint64_t glv_g1[3] = {0xd91d232ec7e0b3d7, 0x0000000000000002, 0x0000000000000000};
static const uint64_t glv_g2[3] = {0x7a7bd9d4391eb18e, 0x4ccef014a773d2cf, 0x0000000000000002};

/* Rows of small multiples of x, plus what is not one: b[j][i] = times x + plus; the sum over i
 * of b[j][i] psi^i is 0 on G2. */
#define GLS_PARTS 4
static const signed char gls_times_x[4][4] = {{1, 1, 1, -2}, {2, 1, -1, 1}, {-1, 2, 2, -1}, {1, -1, 1, 2}};
static const signed char gls_plus[4][4] = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};
/* round(2^256 |c_j| / r), where (k, 0, 0, 0) = k / r sum c_j b[j], and the signs. */
static const uint64_t gls_g[4][4] = {
    {0xc88ce3c1c9b8a83f, 0xab6994f747caaeff, 0x3d00631561b2572a, 0x0000000000000001},
    {0x46f4bda995d51bb1, 0x08e5da66fc7184ae, 0x9e80318ab0d92b93, 0x0000000000000000},
    {0xc170977dcef3cd3f, 0x55b4ca7ba3e5577d, 0x9e80318ab0d92b95, 0x0000000000000000},
    {0x2dff291532e42728, 0x55b4ca7ba3e5577f, 0x9e80318ab0d92b95, 0x0000000000000000},
};
static const bool gls_negative[4] = {0, 0, 1, 0};
/* x in non-adjacent form, least significant digit first. */
#define BN_X_DIGITS 63
static const signed char bn_x_digit[BN_X_DIGITS] = {
    1, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1,
    0, -1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, -1, 0, -1, 0,
    -1, 0, 1, 0, 1, 0, 0, -1, 0, 1, 0, 1, 0, -1, 0, 0, 1, 0, 1, 0,
    0, 0, 1,
};

#endif
