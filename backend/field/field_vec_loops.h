/* The array functions of one scalar path; included by field_vec_portable.c and field_vec_adx.c as
 * field_kernel.h describes. Contracts are in field_vec.h. */
#include "backend/field/field_kernel.h"
#include "backend/field/field_vec.h"

static void vec_fr_add(fr *r, const fr *a, const fr *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fr_add(&r[i], &a[i], &b[i]);
}

static void vec_fr_sub(fr *r, const fr *a, const fr *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fr_sub(&r[i], &a[i], &b[i]);
}

static void vec_fr_mul(fr *r, const fr *a, const fr *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fr_mul(&r[i], &a[i], &b[i]);
}

static void vec_fr_mul_add(fr *r, const fr *a, const fr *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fr term;
        fr_mul(&term, &a[i], &b[i]);
        fr_add(&r[i], &r[i], &term);
    }
}

static void vec_fr_scale(fr *r, const fr *a, const fr *scalar, size_t n)
{
    fr s = *scalar;
    for (size_t i = 0; i < n; i++)
        fr_mul(&r[i], &a[i], &s);
}

static void vec_fr_axpy(fr *r, const fr *scalar, const fr *a, size_t n)
{
    fr s = *scalar;
    for (size_t i = 0; i < n; i++) {
        fr term;
        fr_mul(&term, &a[i], &s);
        fr_add(&r[i], &r[i], &term);
    }
}

static void vec_fr_powers(fr *r, const fr *first, const fr *base, size_t n)
{
    /* Each power from the one four before it: four independent chains hide the product's latency.
     */
    enum { STRIDE = 4 };
    fr step = *base;
    fr_sqr(&step, &step);
    fr_sqr(&step, &step);
    fr b = *base, power = *first;
    for (size_t i = 0; i < n && i < STRIDE; i++) {
        r[i] = power;
        fr_mul(&power, &power, &b);
    }
    for (size_t i = STRIDE; i < n; i++)
        fr_mul(&r[i], &r[i - STRIDE], &step);
}

static void vec_fr_dot(fr *r, const fr *a, const fr *b, size_t n)
{
    fr sum = {{0, 0, 0, 0}};
    for (size_t i = 0; i < n; i++) {
        fr term;
        fr_mul_lazy(&term, &a[i], &b[i]);
        fr_add_lazy(&sum, &sum, &term);
    }
    fr_reduce(r, &sum);
}

/* Batch inversion in four interleaved chains (element i belongs to chain i mod 4), so that products
 * overlap; the four chains share one inversion. */
#define BATCH_CHAINS 4

static void vec_fr_batch_inv(fr *a, size_t n, fr *scratch)
{
    fr acc[BATCH_CHAINS], inverse[BATCH_CHAINS], spare[BATCH_CHAINS];
    for (int j = 0; j < BATCH_CHAINS; j++)
        acc[j] = fr_one;
    for (size_t i = 0; i < n; i++) {
        fr *chain = &acc[i % BATCH_CHAINS];
        scratch[i] = *chain;
        if (!fr_is_zero(&a[i]))
            fr_mul(chain, chain, &a[i]);
    }
    for (int j = 0; j < BATCH_CHAINS; j++)
        inverse[j] = acc[j];
    fr_batch_inv(inverse, BATCH_CHAINS, spare);
    for (size_t i = n; i-- > 0;) {
        fr *chain = &inverse[i % BATCH_CHAINS];
        if (fr_is_zero(&a[i]))
            continue;
        fr_mul(&scratch[i], &scratch[i], chain);
        fr_mul(chain, chain, &a[i]);
        a[i] = scratch[i];
    }
}

static void vec_fp_add(fp *r, const fp *a, const fp *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fp_add(&r[i], &a[i], &b[i]);
}

static void vec_fp_sub(fp *r, const fp *a, const fp *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fp_sub(&r[i], &a[i], &b[i]);
}

static void vec_fp_mul(fp *r, const fp *a, const fp *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fp_mul(&r[i], &a[i], &b[i]);
}

static void vec_fp_sqr(fp *r, const fp *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fp_sqr(&r[i], &a[i]);
}

static void vec_fp_batch_inv(fp *a, size_t n, fp *scratch)
{
    fp acc[BATCH_CHAINS], inverse[BATCH_CHAINS], spare[BATCH_CHAINS];
    for (int j = 0; j < BATCH_CHAINS; j++)
        acc[j] = fp_one;
    for (size_t i = 0; i < n; i++) {
        fp *chain = &acc[i % BATCH_CHAINS];
        scratch[i] = *chain;
        if (!fp_is_zero(&a[i]))
            fp_mul(chain, chain, &a[i]);
    }
    for (int j = 0; j < BATCH_CHAINS; j++)
        inverse[j] = acc[j];
    fp_batch_inv(inverse, BATCH_CHAINS, spare);
    for (size_t i = n; i-- > 0;) {
        fp *chain = &inverse[i % BATCH_CHAINS];
        if (fp_is_zero(&a[i]))
            continue;
        fp_mul(&scratch[i], &scratch[i], chain);
        fp_mul(chain, chain, &a[i]);
        a[i] = scratch[i];
    }
}

const struct field_vec_kernels FIELD_PATH_NAME(field_vec_kernels) = {
    .fr_add = vec_fr_add,
    .fr_sub = vec_fr_sub,
    .fr_mul = vec_fr_mul,
    .fr_mul_add = vec_fr_mul_add,
    .fr_scale = vec_fr_scale,
    .fr_axpy = vec_fr_axpy,
    .fr_powers = vec_fr_powers,
    .fr_dot = vec_fr_dot,
    .fr_batch_inv = vec_fr_batch_inv,
    .fp_add = vec_fp_add,
    .fp_sub = vec_fp_sub,
    .fp_mul = vec_fp_mul,
    .fp_sqr = vec_fp_sqr,
    .fp_batch_inv = vec_fp_batch_inv,
};
