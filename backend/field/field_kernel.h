/* Inline field arithmetic for hot loops, compiled once per path.
 *
 * The pattern. A file with hot loops (MSM, NTT, quotient, array functions) is written once as a
 * header X_loops.h and included by two small files, each of which picks a path first:
 *
 *     X_portable.c:  #define FIELD_KERNEL_PORTABLE     X_adx.c:  #include
 * "backend/field/field_limbs_adx.h" #include "backend/.../X_loops.h"            #if FIELD_BUILD_ADX
 *                                                                #define FIELD_KERNEL_ADX
 *                                                                #include "backend/.../X_loops.h"
 *                                                                #endif
 *
 * X_loops.h includes this header and writes fr_mul, fp_add, ... as everybody does, which are inline
 * functions of the chosen path there. It names what it exports FIELD_PATH_NAME(X_run), which
 * becomes X_run_portable or X_run_adx. The caller branches on field_path() once per array. No
 * compiler flag is needed: the assembly names its instructions itself.
 *
 * Beside the fully reduced operations of field.h there are lazy ones, whose values stay below
 * 2 * modulus; fr_reduce brings one back. Lazy and reduced values have one type: a function that
 * takes or leaves lazy values has _lazy in its name.
 */
#ifndef SERTN_BACKEND_FIELD_FIELD_KERNEL_H
#define SERTN_BACKEND_FIELD_FIELD_KERNEL_H

#include "backend/field/field.h"
#include "backend/field/field_constants.h"
#include "backend/field/field_limbs.h"
#include "backend/field/field_limbs_adx.h"

#if defined(FIELD_KERNEL_PORTABLE) == defined(FIELD_KERNEL_ADX)
#error "define exactly one of FIELD_KERNEL_PORTABLE and FIELD_KERNEL_ADX before this header"
#endif

#ifdef FIELD_KERNEL_ADX
#define FIELD_PATH_NAME(name) name##_adx
#define kernel_mul limbs_mul_adx
#define kernel_mul_lazy limbs_mul_lazy_adx
#define kernel_add limbs_add_adx
#define kernel_sub limbs_sub_adx
#define kernel_reduce_once limbs_reduce_once_adx
#define kernel_butterfly limbs_butterfly_adx
#define kernel_butterfly_back limbs_butterfly_back_adx
#else
#define FIELD_PATH_NAME(name) name##_portable
#define kernel_mul limbs_mul
#define kernel_mul_lazy limbs_mul_lazy
#define kernel_add limbs_add
#define kernel_sub limbs_sub
#define kernel_reduce_once limbs_reduce_once
#define kernel_butterfly limbs_butterfly
#define kernel_butterfly_back limbs_butterfly_back
#endif

/* From here on calls by the plain names mean the inline functions below. */
#define fr_add(r, a, b) fr_add_inline(r, a, b)
#define fr_sub(r, a, b) fr_sub_inline(r, a, b)
#define fr_neg(r, a) fr_neg_inline(r, a)
#define fr_double(r, a) fr_double_inline(r, a)
#define fr_half(r, a) fr_half_inline(r, a)
#define fr_mul(r, a, b) fr_mul_inline(r, a, b)
#define fr_sqr(r, a) fr_sqr_inline(r, a)
#define fr_eq(a, b) fr_eq_inline(a, b)
#define fr_is_zero(a) fr_is_zero_inline(a)
#define fp_add(r, a, b) fp_add_inline(r, a, b)
#define fp_sub(r, a, b) fp_sub_inline(r, a, b)
#define fp_neg(r, a) fp_neg_inline(r, a)
#define fp_double(r, a) fp_double_inline(r, a)
#define fp_half(r, a) fp_half_inline(r, a)
#define fp_mul(r, a, b) fp_mul_inline(r, a, b)
#define fp_sqr(r, a) fp_sqr_inline(r, a)
#define fp_eq(a, b) fp_eq_inline(a, b)
#define fp_is_zero(a) fp_is_zero_inline(a)

static inline void fr_add_inline(fr *r, const fr *a, const fr *b)
{
    kernel_add(r->limb, a->limb, b->limb, fr_m);
}

static inline void fr_sub_inline(fr *r, const fr *a, const fr *b)
{
    kernel_sub(r->limb, a->limb, b->limb, fr_m);
}

static inline void fr_neg_inline(fr *r, const fr *a)
{
    static const uint64_t zero[4] = {0};
    kernel_sub(r->limb, zero, a->limb, fr_m);
}

static inline void fr_double_inline(fr *r, const fr *a)
{
    kernel_add(r->limb, a->limb, a->limb, fr_m);
}

static inline void fr_half_inline(fr *r, const fr *a)
{
    limbs_half(r->limb, a->limb, fr_m);
}

static inline void fr_mul_inline(fr *r, const fr *a, const fr *b)
{
    kernel_mul(r->limb, a->limb, b->limb, fr_m, FR_NEG_INV);
}

static inline void fr_sqr_inline(fr *r, const fr *a)
{
    kernel_mul(r->limb, a->limb, a->limb, fr_m, FR_NEG_INV);
}

static inline bool fr_is_zero_inline(const fr *a)
{
    return (a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}

static inline bool fr_eq_inline(const fr *a, const fr *b)
{
    return ((a->limb[0] ^ b->limb[0]) | (a->limb[1] ^ b->limb[1]) | (a->limb[2] ^ b->limb[2]) |
            (a->limb[3] ^ b->limb[3])) == 0;
}

/* r = a + b mod 2 * modulus. Requires and ensures: values below 2 * modulus. */
static inline void fr_add_lazy(fr *r, const fr *a, const fr *b)
{
    kernel_add(r->limb, a->limb, b->limb, fr_m2);
}

/* r = a - b mod 2 * modulus. Requires and ensures: values below 2 * modulus. */
static inline void fr_sub_lazy(fr *r, const fr *a, const fr *b)
{
    kernel_sub(r->limb, a->limb, b->limb, fr_m2);
}

/* r = a b, below 2 * modulus. Requires: a, b below 2 * modulus, or a reduced and b below 4 *
 * modulus. */
static inline void fr_mul_lazy(fr *r, const fr *a, const fr *b)
{
    kernel_mul_lazy(r->limb, a->limb, b->limb, fr_m, FR_NEG_INV);
}

/* x, y = x + t, x - t, both below 4 * modulus. Requires: x below 4, t below 2 times the modulus. */
static inline void fr_butterfly_lazy(fr *x, fr *y, const fr *t)
{
    kernel_butterfly(x->limb, y->limb, t->limb, fr_m2);
}

/* x, d = x + y, x - y; x below 2, d below 4 times the modulus. Requires: x, y below 2 times it. */
static inline void fr_butterfly_back_lazy(fr *x, fr *d, const fr *y)
{
    kernel_butterfly_back(x->limb, d->limb, y->limb, fr_m2);
}

/* r = a, below 2 * modulus. Requires: a below 4 * modulus. */
static inline void fr_reduce_to_2m_lazy(fr *r, const fr *a)
{
    kernel_reduce_once(r->limb, a->limb, fr_m2);
}

/* r = a / 2^bits, fully reduced. Requires: a below 2 * modulus, 1 <= bits <= 63. */
static inline void fr_divide_by_power_of_2(fr *r, const fr *a, unsigned bits)
{
    fr t;
    limbs_divide_by_power_of_2_lazy(t.limb, a->limb, bits, fr_m, FR_NEG_INV);
    kernel_reduce_once(r->limb, t.limb, fr_m);
}

/* r = a fully reduced. Requires: a below 2 * modulus. */
static inline void fr_reduce(fr *r, const fr *a)
{
    kernel_reduce_once(r->limb, a->limb, fr_m);
}

static inline void fp_add_inline(fp *r, const fp *a, const fp *b)
{
    kernel_add(r->limb, a->limb, b->limb, fp_m);
}

static inline void fp_sub_inline(fp *r, const fp *a, const fp *b)
{
    kernel_sub(r->limb, a->limb, b->limb, fp_m);
}

static inline void fp_neg_inline(fp *r, const fp *a)
{
    static const uint64_t zero[4] = {0};
    kernel_sub(r->limb, zero, a->limb, fp_m);
}

static inline void fp_double_inline(fp *r, const fp *a)
{
    kernel_add(r->limb, a->limb, a->limb, fp_m);
}

static inline void fp_half_inline(fp *r, const fp *a)
{
    limbs_half(r->limb, a->limb, fp_m);
}

static inline void fp_mul_inline(fp *r, const fp *a, const fp *b)
{
    kernel_mul(r->limb, a->limb, b->limb, fp_m, FP_NEG_INV);
}

static inline void fp_sqr_inline(fp *r, const fp *a)
{
    kernel_mul(r->limb, a->limb, a->limb, fp_m, FP_NEG_INV);
}

static inline bool fp_is_zero_inline(const fp *a)
{
    return (a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}

static inline bool fp_eq_inline(const fp *a, const fp *b)
{
    return ((a->limb[0] ^ b->limb[0]) | (a->limb[1] ^ b->limb[1]) | (a->limb[2] ^ b->limb[2]) |
            (a->limb[3] ^ b->limb[3])) == 0;
}

/* As the lazy functions of fr. */
static inline void fp_add_lazy(fp *r, const fp *a, const fp *b)
{
    kernel_add(r->limb, a->limb, b->limb, fp_m2);
}

static inline void fp_sub_lazy(fp *r, const fp *a, const fp *b)
{
    kernel_sub(r->limb, a->limb, b->limb, fp_m2);
}

static inline void fp_mul_lazy(fp *r, const fp *a, const fp *b)
{
    kernel_mul_lazy(r->limb, a->limb, b->limb, fp_m, FP_NEG_INV);
}

static inline void fp_reduce(fp *r, const fp *a)
{
    kernel_reduce_once(r->limb, a->limb, fp_m);
}

#endif
