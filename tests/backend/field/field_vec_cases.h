/*
 * What every table of array functions must do: equal the scalar functions, for every length up to
 * MAX, with outputs that are inputs. check_kernels(table) runs it all.
 */
#include "backend/field/field.h"
#include "backend/field/field_vec.h"
#include "tests/harness/harness.h"

#include <stdlib.h>
#include <string.h>

enum { MAX = 131 };

/* A reduced element, often one whose inner limbs are 0, all ones or just below the modulus. */
static void sample(uint64_t limb[4], const uint64_t modulus[4])
{
    uint64_t kind = test_random_below(6);
    for (int i = 0; i < 4; i++)
        limb[i] = kind < 3 ? test_random_u64() : test_random_edge_u64();
    limb[3] %= modulus[3];
    if (kind == 4)
        memset(limb, 0, 32);
    if (kind == 5) {
        memcpy(limb, modulus, 32);
        limb[0] -= 1 + test_random_below(3);
    }
}

static void fill_fr(fr *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sample(a[i].limb, fr_modulus);
}

static void fill_fp(fp *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sample(a[i].limb, fp_modulus);
}

static void expect_fr(const fr *got, const fr *expected, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++)
        CHECK_MSG(fr_eq(&got[i], &expected[i]), "%s: element %zu of %zu", what, i, n);
}

static void expect_fp(const fp *got, const fp *expected, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++)
        CHECK_MSG(fp_eq(&got[i], &expected[i]), "%s: element %zu of %zu", what, i, n);
}

typedef void fr_binary(fr *r, const fr *a, const fr *b, size_t n);
typedef void fr_scalar_binary(fr *r, const fr *a, const fr *b);
typedef void fp_binary(fp *r, const fp *a, const fp *b, size_t n);
typedef void fp_scalar_binary(fp *r, const fp *a, const fp *b);

static void check_fr_binary(fr_binary *op, fr_scalar_binary *plain, size_t n, const char *what)
{
    fr a[MAX] = {{{0}}}, b[MAX] = {{{0}}}, r[MAX] = {{{0}}}, expected[MAX] = {{{0}}};
    fill_fr(a, n);
    fill_fr(b, n);
    for (size_t i = 0; i < n; i++)
        plain(&expected[i], &a[i], &b[i]);
    op(r, a, b, n);
    expect_fr(r, expected, n, what);
    memcpy(r, b, sizeof r);
    op(r, a, r, n);
    expect_fr(r, expected, n, what);
    op(a, a, b, n);
    expect_fr(a, expected, n, what);
}

static void check_fp_binary(fp_binary *op, fp_scalar_binary *plain, size_t n, const char *what)
{
    fp a[MAX] = {{{0}}}, b[MAX] = {{{0}}}, r[MAX] = {{{0}}}, expected[MAX] = {{{0}}};
    fill_fp(a, n);
    fill_fp(b, n);
    for (size_t i = 0; i < n; i++)
        plain(&expected[i], &a[i], &b[i]);
    op(r, a, b, n);
    expect_fp(r, expected, n, what);
    memcpy(r, b, sizeof r);
    op(r, a, r, n);
    expect_fp(r, expected, n, what);
    op(a, a, b, n);
    expect_fp(a, expected, n, what);
}

static void check_accumulating(const struct field_vec_kernels *k, size_t n)
{
    fr a[MAX] = {{{0}}}, b[MAX] = {{{0}}}, r[MAX] = {{{0}}}, expected[MAX] = {{{0}}}, scalar,
       sum = fr_zero;
    fill_fr(a, n);
    fill_fr(b, n);
    fill_fr(r, n);
    fill_fr(&scalar, 1);
    for (size_t i = 0; i < n; i++) {
        fr_mul(&expected[i], &a[i], &b[i]);
        fr_add(&sum, &sum, &expected[i]);
        fr_add(&expected[i], &expected[i], &r[i]);
    }
    k->fr_mul_add(r, a, b, n);
    expect_fr(r, expected, n, "mul_add");
    fr got;
    k->fr_dot(&got, a, b, n);
    CHECK_MSG(fr_eq(&got, &sum), "dot of %zu", n);
    for (size_t i = 0; i < n; i++) {
        fr_mul(&b[i], &a[i], &scalar);
        fr_add(&expected[i], &expected[i], &b[i]);
    }
    k->fr_axpy(r, &scalar, a, n);
    expect_fr(r, expected, n, "axpy");
    k->fr_scale(a, a, &scalar, n);
    expect_fr(a, b, n, "scale");
}

static void check_powers(const struct field_vec_kernels *k, size_t n)
{
    fr r[MAX] = {{{0}}}, first, base;
    fill_fr(&first, 1);
    fill_fr(&base, 1);
    k->fr_powers(r, &first, &base, n);
    for (size_t i = 0; i < n; i++) {
        CHECK_MSG(fr_eq(&r[i], &first), "power %zu of %zu", i, n);
        fr_mul(&first, &first, &base);
    }
}

static void check_inverses(const struct field_vec_kernels *k, size_t n)
{
    fr a[MAX] = {{{0}}}, expected[MAX] = {{{0}}}, scratch[MAX] = {{{0}}};
    fp b[MAX] = {{{0}}}, expected_fp[MAX] = {{{0}}}, scratch_fp[MAX] = {{{0}}};
    fill_fr(a, n);
    fill_fp(b, n);
    for (size_t i = 0; i < n; i++) {
        fr_inv(&expected[i], &a[i]);
        fp_inv(&expected_fp[i], &b[i]);
    }
    k->fr_batch_inv(a, n, scratch);
    expect_fr(a, expected, n, "fr batch_inv");
    k->fp_batch_inv(b, n, scratch_fp);
    expect_fp(b, expected_fp, n, "fp batch_inv");
}

static void check_fp_sqr(const struct field_vec_kernels *k, size_t n)
{
    fp a[MAX] = {{{0}}}, expected[MAX] = {{{0}}};
    fill_fp(a, n);
    for (size_t i = 0; i < n; i++)
        fp_sqr(&expected[i], &a[i]);
    k->fp_sqr(a, a, n);
    expect_fp(a, expected, n, "fp sqr");
}

/* limb += multiple * modulus, which stays below 2^256. */
static void add_modulus(uint64_t limb[4], const uint64_t modulus[4], uint64_t multiple)
{
    for (; multiple > 0; multiple--) {
        unsigned __int128 sum = 0;
        for (int i = 0; i < 4; i++) {
            sum += (unsigned __int128)limb[i] + modulus[i];
            limb[i] = (uint64_t)sum;
            sum >>= 64;
        }
    }
}

/* Products whose first factor is not reduced: below 3 times the modulus. */
static void check_large_first_factor(const struct field_vec_kernels *k, size_t n)
{
    fr a[MAX] = {{{0}}}, b[MAX] = {{{0}}}, r[MAX] = {{{0}}};
    fp c[MAX] = {{{0}}}, d[MAX] = {{{0}}}, s[MAX] = {{{0}}};
    fill_fr(a, n);
    fill_fr(b, n);
    fill_fp(c, n);
    fill_fp(d, n);
    for (size_t i = 0; i < n; i++) {
        fr_mul(&r[i], &a[i], &b[i]);
        fp_mul(&s[i], &c[i], &d[i]);
        add_modulus(a[i].limb, fr_modulus, test_random_below(3));
        add_modulus(c[i].limb, fp_modulus, test_random_below(3));
    }
    k->fr_mul(a, a, b, n);
    k->fp_mul(c, c, d, n);
    expect_fr(a, r, n, "fr mul, large factor");
    expect_fp(c, s, n, "fp mul, large factor");
}

static void check_kernels(const struct field_vec_kernels *k)
{
    for (size_t n = 0; n <= MAX; n++) {
        for (int round = 0; round < 4; round++) {
            check_fr_binary(k->fr_add, fr_add, n, "fr add");
            check_fr_binary(k->fr_sub, fr_sub, n, "fr sub");
            check_fr_binary(k->fr_mul, fr_mul, n, "fr mul");
            check_fp_binary(k->fp_add, fp_add, n, "fp add");
            check_fp_binary(k->fp_sub, fp_sub, n, "fp sub");
            check_fp_binary(k->fp_mul, fp_mul, n, "fp mul");
            check_fp_sqr(k, n);
            check_accumulating(k, n);
            check_powers(k, n);
            check_large_first_factor(k, n);
        }
        check_inverses(k, n);
    }
}
