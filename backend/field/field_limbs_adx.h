/* The operations of field_limbs.h in x86-64 assembly; see there for what each requires.
 *
 * Products use mulx (BMI2) and the two carry chains of adcx and adox (ADX): call them only after
 * field_has_path(FIELD_PATH_ADX). The rest uses the base instruction set. On other machines, and
 * with FIELD_BUILD_ADX 0, nothing is defined.
 *
 * Products are CIOS as in field_limbs.h. In each round one chain (adox) adds the low halves of the
 * partial products, the other (adcx) the high halves, so that no carry waits for the other chain.
 */
#ifndef SERTN_BACKEND_FIELD_FIELD_LIMBS_ADX_H
#define SERTN_BACKEND_FIELD_FIELD_LIMBS_ADX_H

#include "backend/field/field_limbs.h"

#ifndef FIELD_BUILD_ADX
#if defined(__x86_64__) && !defined(__ILP32__)
#define FIELD_BUILD_ADX 1
#else
#define FIELD_BUILD_ADX 0
#endif
#endif
/* Whether files named *_ifma.c are compiled to something: every x86-64 compiler we build with knows
 * IFMA. */
#define FIELD_BUILD_IFMA FIELD_BUILD_ADX

#if FIELD_BUILD_ADX

/* A four-limb memory operand: tells the compiler that the assembly reads all of it. */
#define LIMBS_INPUT(p) "m"(*(const uint64_t(*)[4])(p))

static inline void limbs_reduce_once_adx(uint64_t r[4], const uint64_t a[4], const uint64_t m[4])
{
    uint64_t t0 = a[0], t1 = a[1], t2 = a[2], t3 = a[3], d0 = t0, d1 = t1, d2 = t2, d3 = t3;
    __asm__("subq   (%[m]), %[d0]\n\t"
            "sbbq  8(%[m]), %[d1]\n\t"
            "sbbq 16(%[m]), %[d2]\n\t"
            "sbbq 24(%[m]), %[d3]\n\t"
            "cmovcq %[t0], %[d0]\n\t"
            "cmovcq %[t1], %[d1]\n\t"
            "cmovcq %[t2], %[d2]\n\t"
            "cmovcq %[t3], %[d3]\n\t"
            : [d0] "+&r"(d0), [d1] "+&r"(d1), [d2] "+&r"(d2), [d3] "+&r"(d3)
            : [t0] "r"(t0), [t1] "r"(t1), [t2] "r"(t2), [t3] "r"(t3), [m] "r"(m), LIMBS_INPUT(m)
            : "cc");
    r[0] = d0;
    r[1] = d1;
    r[2] = d2;
    r[3] = d3;
}

static inline void limbs_add_adx(uint64_t r[4], const uint64_t a[4], const uint64_t b[4],
                                 const uint64_t m[4])
{
    uint64_t s0 = a[0], s1 = a[1], s2 = a[2], s3 = a[3], d0, d1, d2, d3;
    __asm__("addq   (%[b]), %[s0]\n\t"
            "adcq  8(%[b]), %[s1]\n\t"
            "adcq 16(%[b]), %[s2]\n\t"
            "adcq 24(%[b]), %[s3]\n\t"
            "movq %[s0], %[d0]\n\t"
            "movq %[s1], %[d1]\n\t"
            "movq %[s2], %[d2]\n\t"
            "movq %[s3], %[d3]\n\t"
            "subq   (%[m]), %[d0]\n\t"
            "sbbq  8(%[m]), %[d1]\n\t"
            "sbbq 16(%[m]), %[d2]\n\t"
            "sbbq 24(%[m]), %[d3]\n\t"
            "cmovcq %[s0], %[d0]\n\t"
            "cmovcq %[s1], %[d1]\n\t"
            "cmovcq %[s2], %[d2]\n\t"
            "cmovcq %[s3], %[d3]\n\t"
            : [s0] "+&r"(s0), [s1] "+&r"(s1), [s2] "+&r"(s2), [s3] "+&r"(s3), [d0] "=&r"(d0),
              [d1] "=&r"(d1), [d2] "=&r"(d2), [d3] "=&r"(d3)
            : [b] "r"(b), [m] "r"(m), LIMBS_INPUT(b), LIMBS_INPUT(m)
            : "cc");
    r[0] = d0;
    r[1] = d1;
    r[2] = d2;
    r[3] = d3;
}

static inline void limbs_sub_adx(uint64_t r[4], const uint64_t a[4], const uint64_t b[4],
                                 const uint64_t m[4])
{
    uint64_t d0 = a[0], d1 = a[1], d2 = a[2], d3 = a[3], n0 = m[0], n1 = m[1], n2 = m[2], n3 = m[3];
    uint64_t zero = 0;
    __asm__("subq   (%[b]), %[d0]\n\t"
            "sbbq  8(%[b]), %[d1]\n\t"
            "sbbq 16(%[b]), %[d2]\n\t"
            "sbbq 24(%[b]), %[d3]\n\t"
            "cmovncq %[zero], %[n0]\n\t"
            "cmovncq %[zero], %[n1]\n\t"
            "cmovncq %[zero], %[n2]\n\t"
            "cmovncq %[zero], %[n3]\n\t"
            "addq %[n0], %[d0]\n\t"
            "adcq %[n1], %[d1]\n\t"
            "adcq %[n2], %[d2]\n\t"
            "adcq %[n3], %[d3]\n\t"
            : [d0] "+&r"(d0), [d1] "+&r"(d1), [d2] "+&r"(d2), [d3] "+&r"(d3), [n0] "+&r"(n0),
              [n1] "+&r"(n1), [n2] "+&r"(n2), [n3] "+&r"(n3)
            : [zero] "r"(zero), [b] "r"(b), LIMBS_INPUT(b)
            : "cc");
    r[0] = d0;
    r[1] = d1;
    r[2] = d2;
    r[3] = d3;
}

static inline void limbs_butterfly_adx(uint64_t x[4], uint64_t y[4], const uint64_t t[4],
                                       const uint64_t m2[4])
{
    uint64_t d0 = x[0], d1 = x[1], d2 = x[2], d3 = x[3], s0 = d0, s1 = d1, s2 = d2, s3 = d3;
    __asm__("subq   (%[m2]), %[s0]\n\t"
            "sbbq  8(%[m2]), %[s1]\n\t"
            "sbbq 16(%[m2]), %[s2]\n\t"
            "sbbq 24(%[m2]), %[s3]\n\t"
            "cmovcq %[d0], %[s0]\n\t"
            "cmovcq %[d1], %[s1]\n\t"
            "cmovcq %[d2], %[s2]\n\t"
            "cmovcq %[d3], %[s3]\n\t"
            "movq %[s0], %[d0]\n\t"
            "movq %[s1], %[d1]\n\t"
            "movq %[s2], %[d2]\n\t"
            "movq %[s3], %[d3]\n\t"
            "addq %[t0], %[d0]\n\t"
            "adcq %[t1], %[d1]\n\t"
            "adcq %[t2], %[d2]\n\t"
            "adcq %[t3], %[d3]\n\t"
            "subq %[t0], %[s0]\n\t"
            "sbbq %[t1], %[s1]\n\t"
            "sbbq %[t2], %[s2]\n\t"
            "sbbq %[t3], %[s3]\n\t"
            "addq   (%[m2]), %[s0]\n\t"
            "adcq  8(%[m2]), %[s1]\n\t"
            "adcq 16(%[m2]), %[s2]\n\t"
            "adcq 24(%[m2]), %[s3]\n\t"
            : [d0] "+&r"(d0), [d1] "+&r"(d1), [d2] "+&r"(d2), [d3] "+&r"(d3), [s0] "+&r"(s0),
              [s1] "+&r"(s1), [s2] "+&r"(s2), [s3] "+&r"(s3)
            : [t0] "rm"(t[0]), [t1] "rm"(t[1]), [t2] "rm"(t[2]), [t3] "rm"(t[3]), [m2] "r"(m2),
              LIMBS_INPUT(m2)
            : "cc");
    x[0] = d0;
    x[1] = d1;
    x[2] = d2;
    x[3] = d3;
    y[0] = s0;
    y[1] = s1;
    y[2] = s2;
    y[3] = s3;
}

static inline void limbs_butterfly_back_adx(uint64_t x[4], uint64_t d[4], const uint64_t y[4],
                                            const uint64_t m2[4])
{
    uint64_t d0 = x[0], d1 = x[1], d2 = x[2], d3 = x[3], s0 = d0, s1 = d1, s2 = d2, s3 = d3;
    __asm__("subq   (%[y]), %[d0]\n\t"
            "sbbq  8(%[y]), %[d1]\n\t"
            "sbbq 16(%[y]), %[d2]\n\t"
            "sbbq 24(%[y]), %[d3]\n\t"
            "addq   (%[m2]), %[d0]\n\t"
            "adcq  8(%[m2]), %[d1]\n\t"
            "adcq 16(%[m2]), %[d2]\n\t"
            "adcq 24(%[m2]), %[d3]\n\t"
            "addq   (%[y]), %[s0]\n\t"
            "adcq  8(%[y]), %[s1]\n\t"
            "adcq 16(%[y]), %[s2]\n\t"
            "adcq 24(%[y]), %[s3]\n\t"
            : [d0] "+&r"(d0), [d1] "+&r"(d1), [d2] "+&r"(d2), [d3] "+&r"(d3), [s0] "+&r"(s0),
              [s1] "+&r"(s1), [s2] "+&r"(s2), [s3] "+&r"(s3)
            : [y] "r"(y), [m2] "r"(m2), LIMBS_INPUT(y), LIMBS_INPUT(m2)
            : "cc");
    d[0] = d0;
    d[1] = d1;
    d[2] = d2;
    d[3] = d3;
    uint64_t s[4] = {s0, s1, s2, s3};
    limbs_reduce_once_adx(x, s, m2);
}

/* t += a * rdx, a fifth limb in h. Reads t0..t3, leaves the sum in t0..t3, h. */
#define LIMBS_ADX_MULTIPLY_ADD                                                                     \
    "xorl %k[h], %k[h]\n\t"                                                                        \
    "mulxq (%[a]), %[lo], %[hi]\n\t"                                                               \
    "adoxq %[lo], %[t0]\n\t"                                                                       \
    "adcxq %[hi], %[t1]\n\t"                                                                       \
    "mulxq 8(%[a]), %[lo], %[hi]\n\t"                                                              \
    "adoxq %[lo], %[t1]\n\t"                                                                       \
    "adcxq %[hi], %[t2]\n\t"                                                                       \
    "mulxq 16(%[a]), %[lo], %[hi]\n\t"                                                             \
    "adoxq %[lo], %[t2]\n\t"                                                                       \
    "adcxq %[hi], %[t3]\n\t"                                                                       \
    "mulxq 24(%[a]), %[lo], %[hi]\n\t"                                                             \
    "adoxq %[lo], %[t3]\n\t"                                                                       \
    "adcxq %[h], %[hi]\n\t"                                                                        \
    "adoxq %[hi], %[h]\n\t"

/* t = (t + q m) / 2^64 with q = t0 * neg_inv mod 2^64. Reads t0..t3, h, leaves t0..t3. */
#define LIMBS_ADX_REDUCE                                                                           \
    "movq %[neg_inv], %%rdx\n\t"                                                                   \
    "imulq %[t0], %%rdx\n\t"                                                                       \
    "xorl %k[lo], %k[lo]\n\t"                                                                      \
    "mulxq (%[m]), %[lo], %[hi]\n\t"                                                               \
    "adcxq %[t0], %[lo]\n\t"                                                                       \
    "movq %[hi], %[t0]\n\t"                                                                        \
    "adcxq %[t1], %[t0]\n\t"                                                                       \
    "mulxq 8(%[m]), %[lo], %[t1]\n\t"                                                              \
    "adoxq %[lo], %[t0]\n\t"                                                                       \
    "adcxq %[t2], %[t1]\n\t"                                                                       \
    "mulxq 16(%[m]), %[lo], %[t2]\n\t"                                                             \
    "adoxq %[lo], %[t1]\n\t"                                                                       \
    "adcxq %[t3], %[t2]\n\t"                                                                       \
    "mulxq 24(%[m]), %[lo], %[t3]\n\t"                                                             \
    "adoxq %[lo], %[t2]\n\t"                                                                       \
    "adcxq %[h], %[t3]\n\t"                                                                        \
    "movl $0, %k[lo]\n\t"                                                                          \
    "adoxq %[lo], %[t3]\n\t"

static inline void limbs_mul_lazy_adx(uint64_t r[4], const uint64_t a[4], const uint64_t b[4],
                                      const uint64_t m[4], uint64_t neg_inv)
{
    uint64_t t0, t1, t2, t3, h, lo, hi;
    __asm__("movq (%[b]), %%rdx\n\t"
            "mulxq (%[a]), %[t0], %[t1]\n\t"
            "mulxq 8(%[a]), %[lo], %[t2]\n\t"
            "addq %[lo], %[t1]\n\t"
            "mulxq 16(%[a]), %[lo], %[t3]\n\t"
            "adcq %[lo], %[t2]\n\t"
            "mulxq 24(%[a]), %[lo], %[h]\n\t"
            "adcq %[lo], %[t3]\n\t"
            "adcq $0, %[h]\n\t" LIMBS_ADX_REDUCE
            "movq 8(%[b]), %%rdx\n\t" LIMBS_ADX_MULTIPLY_ADD LIMBS_ADX_REDUCE
            "movq 16(%[b]), %%rdx\n\t" LIMBS_ADX_MULTIPLY_ADD LIMBS_ADX_REDUCE
            "movq 24(%[b]), %%rdx\n\t" LIMBS_ADX_MULTIPLY_ADD LIMBS_ADX_REDUCE
            : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [h] "=&r"(h),
              [lo] "=&r"(lo), [hi] "=&r"(hi)
            : [a] "r"(a), [b] "r"(b), [m] "r"(m), [neg_inv] "rm"(neg_inv), LIMBS_INPUT(a),
              LIMBS_INPUT(b), LIMBS_INPUT(m)
            : "rdx", "cc");
    r[0] = t0;
    r[1] = t1;
    r[2] = t2;
    r[3] = t3;
}

static inline void limbs_mul_adx(uint64_t r[4], const uint64_t a[4], const uint64_t b[4],
                                 const uint64_t m[4], uint64_t neg_inv)
{
    uint64_t t[4];
    limbs_mul_lazy_adx(t, a, b, m, neg_inv);
    limbs_reduce_once_adx(r, t, m);
}

#endif
#endif
