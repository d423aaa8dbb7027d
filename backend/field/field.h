/* The two prime fields of the curve BN254 (alt_bn128 of EIP-196 and EIP-197).
 *
 * fr is the scalar field (circuits, polynomials, transcripts), fp the base field (coordinates of
 * points). Both moduli are below 2^254, both live in four 64-bit limbs, least significant first, in
 * Montgomery form with R = 2^256. Everything above (curve, poly, hash, ...) stands on this header.
 *
 * Chief invariant: every value handed to or returned by a function of this header is fully reduced,
 * 0 <= value < modulus, so equal field elements are equal bytes. Kernels that keep values below
 * twice the modulus are in field_kernel.h and say so in their names.
 *
 * Paths: products run on mulx/adcx/adox where the CPU has BMI2 and ADX, in portable C elsewhere;
 * the path is probed once and every path gives the same bytes. The functions here are out of line
 * and pay one predicted branch; a hot loop includes field_kernel.h instead, which compiles the same
 * source once per path.
 *
 * Aliasing: an output may be the same object as any input, never overlap one partly.
 * Time: functions branch on data unless their name ends in _consttime. add, sub, neg, double, mul,
 * sqr and the conversions to and from bytes happen to be free of secret-dependent branches but only
 * _consttime names promise it.
 *
 * Source: P. Montgomery, Modular multiplication without trial division, Math. Comp. 44 (1985);
 * C. Koc, T. Acar, B. Kaliski, Analyzing and comparing Montgomery multiplication algorithms, IEEE
 * Micro 16 (1996), the CIOS form, with the last carry dropped because the modulus has two spare
 * bits.
 */
#ifndef SERTN_BACKEND_FIELD_FIELD_H
#define SERTN_BACKEND_FIELD_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Element of the scalar field, modulus
 * 21888242871839275222246405745257275088548364400416034343698204186575808495617. */
typedef struct {
    uint64_t limb[4];
} fr;

/* Element of the base field, modulus
 * 21888242871839275222246405745257275088696311157297823662689037894645226208583. */
typedef struct {
    uint64_t limb[4];
} fp;

/* r - 1 = 2^FR_TWO_ADICITY * odd. */
#define FR_TWO_ADICITY 28
/* Least generator of the multiplicative group of fr. */
#define FR_GENERATOR 5
/* Length of an element as canonical big-endian bytes. */
#define FIELD_BYTES 32

/* The moduli as plain integers (not in Montgomery form), least significant limb first. */
extern const uint64_t fr_modulus[4];
extern const uint64_t fp_modulus[4];

extern const fr fr_zero, fr_one;
extern const fp fp_zero, fp_one;

/* ---- Path selection ------------------------------------------------------------------------- */

/* How scalar products are computed. ORDER field_path. */
enum field_path {
    FIELD_PATH_PORTABLE, /* C with 128-bit products */
    FIELD_PATH_ADX,      /* x86-64 with BMI2 and ADX */
    FIELD_PATH_COUNT,
};

/* Returns the path in use: the best one the CPU has, unless field_force_path chose another. */
enum field_path field_path(void);

/* Returns whether this CPU (and this build) can run a path. */
bool field_has_path(enum field_path path);

/* Makes `path` the path in use, for tests and benchmarks.
 * Requires: field_has_path(path); no other thread is inside a field function. */
void field_force_path(enum field_path path);

/* Returns "portable" or "adx", a static string. */
const char *field_path_name(enum field_path path);

/* ---- fr: ring operations -------------------------------------------------------------------- */

void fr_add(fr *r, const fr *a, const fr *b); /* r = a + b */
void fr_sub(fr *r, const fr *a, const fr *b); /* r = a - b */
void fr_neg(fr *r, const fr *a);              /* r = -a */
void fr_double(fr *r, const fr *a);           /* r = 2 a */
void fr_half(fr *r, const fr *a);             /* r = a / 2 */
void fr_mul(fr *r, const fr *a, const fr *b); /* r = a b */
void fr_sqr(fr *r, const fr *a);              /* r = a^2 */

/* r = 1 / a, and 0 when a = 0. Variable time: never on a secret whose timing an outsider sees. */
void fr_inv(fr *r, const fr *a);

/* r = 1 / a, and 0 when a = 0, by a fixed sequence of products. Cost: about 320 products. */
void fr_inv_consttime(fr *r, const fr *a);

/* Replaces every a[i] by 1 / a[i]; zeros stay zero.
 * Requires: a and scratch have n elements each and do not overlap; n may be 0.
 * Cost: three products an element and one inversion. */
void fr_batch_inv(fr *a, size_t n, fr *scratch);

/* r = a^e, with a^0 = 1 for every a including 0. */
void fr_pow_u64(fr *r, const fr *a, uint64_t e);

/* r = a^e for an exponent of e_limbs limbs, least significant first; e is read as a plain integer.
 */
void fr_pow(fr *r, const fr *a, const uint64_t *e, size_t e_limbs);

/* Returns whether a is a square; 0 is one. */
bool fr_is_square(const fr *a);

/* r = one of the two roots of a (the even one as an integer); returns false, r = 0, when a has
 * none. */
bool fr_sqrt(fr *r, const fr *a);

/* ---- fr: comparison and choice -------------------------------------------------------------- */

bool fr_eq(const fr *a, const fr *b);
bool fr_is_zero(const fr *a);
bool fr_is_one(const fr *a);

/* Returns -1, 0 or 1 as the canonical integer of a is below, at or above that of b. */
int fr_cmp(const fr *a, const fr *b);

/* r = flag ? b : a, reading both; flag is 0 or 1. */
void fr_select_consttime(fr *r, const fr *a, const fr *b, uint64_t flag);

/* Returns whether a = b without branching on either. */
bool fr_eq_consttime(const fr *a, const fr *b);

/* Overwrites n elements with zeros in a way the compiler keeps; for blinders and witnesses. */
void fr_wipe(fr *a, size_t n);

/* ---- fr: conversion ------------------------------------------------------------------------- */

void fr_from_u64(fr *r, uint64_t v);
void fr_from_i64(fr *r, int64_t v); /* negative v becomes modulus - |v| */
void fr_from_i128(fr *r, __int128 v);
void fr_from_u128(fr *r, unsigned __int128 v);

/* r = (negative ? -1 : 1) * sum limb[i] 2^(64 i) mod modulus, for a big integer of any length. */
void fr_from_signed_limbs(fr *r, const uint64_t *limb, size_t limb_count, bool negative);

/* Writes the canonical integer of a, least significant limb first. */
void fr_to_limbs(uint64_t out[4], const fr *a);

/* r = the integer in[0..3] (least significant limb first); returns false, r = 0, when it is not
 * below the modulus. */
bool fr_from_limbs(fr *r, const uint64_t in[4]);

/* Sets *v when the value, read as the integer in (-modulus/2, modulus/2) that is congruent to a,
 * fits an int64_t; returns false and leaves *v alone otherwise. */
bool fr_to_i64(int64_t *v, const fr *a);

/* Writes the canonical integer of a in 32 bytes, most significant byte first. */
void fr_to_bytes_be(uint8_t out[FIELD_BYTES], const fr *a);

/* Reads 32 bytes, most significant first; returns false, r = 0, when the integer is not below the
 * modulus. This is the parser for untrusted bytes. */
bool fr_from_bytes_be(fr *r, const uint8_t in[FIELD_BYTES]);

/* r = the 256-bit big-endian integer mod the modulus: what the EVM computes with MOD. Uniform input
 * gives no value more than 6 / 2^256 likely, so a challenge loses below one third of a bit. */
void fr_from_bytes_be_reduce(fr *r, const uint8_t in[FIELD_BYTES]);

/* r = the 512-bit big-endian integer mod the modulus; bias below 2^-257 for uniform input. */
void fr_from_wide_bytes_be(fr *r, const uint8_t in[64]);

/* Draws a uniform element (statistical distance below 2^-257) from the operating system.
 * Returns false, r = 0, when the system gives no randomness. */
bool fr_random(fr *r);

/* Fills n elements as fr_random does; on false all n are 0. */
bool fr_random_array(fr *r, size_t n);

/* ---- fr: roots of unity --------------------------------------------------------------------- */

/* r = FR_GENERATOR^((modulus-1) / 2^lg_n), a primitive root of unity of order 2^lg_n; the roots of
 * different orders agree: the square of the root of lg_n is the root of lg_n - 1.
 * Requires: lg_n <= FR_TWO_ADICITY. */
void fr_root_of_unity(fr *r, unsigned lg_n);

/* ---- fp ------------------------------------------------------------------------------------- */
/* As the functions of fr with the same suffix. */

void fp_add(fp *r, const fp *a, const fp *b);
void fp_sub(fp *r, const fp *a, const fp *b);
void fp_neg(fp *r, const fp *a);
void fp_double(fp *r, const fp *a);
void fp_half(fp *r, const fp *a);
void fp_mul(fp *r, const fp *a, const fp *b);
void fp_sqr(fp *r, const fp *a);
void fp_inv(fp *r, const fp *a);
void fp_inv_consttime(fp *r, const fp *a);
void fp_batch_inv(fp *a, size_t n, fp *scratch);
void fp_pow_u64(fp *r, const fp *a, uint64_t e);
void fp_pow(fp *r, const fp *a, const uint64_t *e, size_t e_limbs);

/* Returns whether a is a square; 0 is one. */
bool fp_is_square(const fp *a);

/* r = the root a^((p+1)/4) when a is a square; returns false, r = 0, when a has no root. The caller
 * picks the sign. */
bool fp_sqrt(fp *r, const fp *a);

bool fp_eq(const fp *a, const fp *b);
bool fp_is_zero(const fp *a);
bool fp_is_one(const fp *a);
int fp_cmp(const fp *a, const fp *b);
void fp_select_consttime(fp *r, const fp *a, const fp *b, uint64_t flag);
bool fp_eq_consttime(const fp *a, const fp *b);
void fp_wipe(fp *a, size_t n);

void fp_from_u64(fp *r, uint64_t v);
void fp_from_i64(fp *r, int64_t v);
void fp_to_limbs(uint64_t out[4], const fp *a);
bool fp_from_limbs(fp *r, const uint64_t in[4]);
void fp_to_bytes_be(uint8_t out[FIELD_BYTES], const fp *a);
bool fp_from_bytes_be(fp *r, const uint8_t in[FIELD_BYTES]);
void fp_from_bytes_be_reduce(fp *r, const uint8_t in[FIELD_BYTES]);
void fp_from_wide_bytes_be(fp *r, const uint8_t in[64]);
bool fp_random(fp *r);

/* Returns whether the canonical integer of a is odd (the sign bit of compressed points). */
bool fp_is_odd(const fp *a);

#endif
