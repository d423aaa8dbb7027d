/* Polynomial division and evaluation against schoolbook products, on every path and with threads.
 */
#include "backend/field/field.h"
#include "backend/poly/polynomial.h"
#include "tests/harness/harness.h"

#include <stdlib.h>
#include <string.h>

static void random_fr(fr *r)
{
    uint8_t wide[64];
    test_random_bytes(wide, sizeof wide);
    fr_from_wide_bytes_be(r, wide);
}

static fr *random_array(size_t n)
{
    fr *a = calloc(n + 1, sizeof *a);
    REQUIRE(a);
    for (size_t i = 0; i < n; i++)
        random_fr(&a[i]);
    return a;
}

static void horner(fr *r, const fr *a, size_t n, const fr *x)
{
    fr sum = fr_zero;
    for (size_t i = n; i-- > 0;) {
        fr_mul(&sum, &sum, x);
        fr_add(&sum, &sum, &a[i]);
    }
    *r = sum;
}

/* Runs a check on one thread on every path, then with three threads. */
static void everywhere(void (*check)(struct machine *machine))
{
    enum field_path before = field_path();
    for (int path = 0; path < FIELD_PATH_COUNT; path++) {
        if (field_has_path((enum field_path)path)) {
            field_force_path((enum field_path)path);
            check(NULL);
        }
    }
    field_force_path(before);
    struct machine *machine = machine_new(3);
    check(machine);
    machine_free(machine);
}

/* Around 4 pieces of 2048, and of more than 64 of them, too. */
static const size_t sizes[] = {0,    1,    2,    3,    4,    5,    7,    8,     9,     31,    100,
                               2049, 5000, 6146, 7001, 8193, 8194, 9001, 16385, 25000, 140001};
#define SIZES (sizeof sizes / sizeof *sizes)

static void check_evaluate(struct machine *machine)
{
    for (size_t s = 0; s < SIZES; s++) {
        fr x, got, expected, *a = random_array(sizes[s]);
        random_fr(&x);
        polynomial_evaluate(machine, &got, a, sizes[s], &x);
        horner(&expected, a, sizes[s], &x);
        CHECK_MSG(fr_eq(&got, &expected), "%zu coefficients", sizes[s]);
        polynomial_evaluate(machine, &got, a, sizes[s], &fr_zero);
        CHECK(fr_eq(&got, sizes[s] ? &a[0] : &fr_zero));
        free(a);
    }
}

TEST(evaluation_is_horners_rule)
{
    everywhere(check_evaluate);
}

static void check_divide_linear(struct machine *machine)
{
    for (size_t s = 1; s < SIZES; s++) {
        size_t n = sizes[s];
        fr z, x, left, right, remainder, value, *a = random_array(n), *q = random_array(n);
        random_fr(&z);
        random_fr(&x);
        fr kept = q[n - 1];
        polynomial_divide_linear(machine, q, &remainder, a, n, &z);
        CHECK(fr_eq(&q[n - 1], &kept)); /* the quotient has n - 1 elements */
        horner(&value, a, n, &z);
        CHECK(fr_eq(&remainder, &value));
        /* a(x) = q(x) (x - z) + remainder at a random x, by degrees an identity. */
        horner(&left, a, n, &x);
        horner(&right, q, n - 1, &x);
        fr_sub(&value, &x, &z);
        fr_mul(&right, &right, &value);
        fr_add(&right, &right, &remainder);
        CHECK_MSG(fr_eq(&left, &right), "%zu coefficients", n);
        polynomial_divide_linear(machine, a, NULL, a, n, &z);
        CHECK(memcmp(a, q, (n - 1) * sizeof *a) == 0);
        free(a);
        free(q);
    }
}

TEST(division_by_a_linear_factor_multiplies_back)
{
    everywhere(check_divide_linear);
}

/* Checks original(x) = quotient(x) divisor(x) + remainder(x) for the in-place layout with `low`
 * coefficients of remainder. */
static void check_identity(const fr *original, const fr *divided, size_t n, size_t low, const fr *x,
                           const fr *divisor)
{
    fr left, right, rest;
    horner(&left, original, n, x);
    horner(&right, divided + low, n - low, x);
    fr_mul(&right, &right, divisor);
    horner(&rest, divided, low, x);
    fr_add(&right, &right, &rest);
    CHECK_MSG(fr_eq(&left, &right), "%zu coefficients, %zu of remainder", n, low);
}

static void check_divide_binomials(struct machine *machine)
{
    static const size_t t_of[] = {1, 2, 3, 5, 8, 14};
    for (size_t s = 1; s < SIZES; s++) {
        for (size_t k = 0; k < sizeof t_of / sizeof *t_of; k++) {
            size_t n = sizes[s], t = t_of[k];
            if (n > 30000 && t != 5)
                continue;
            fr c, d, x, x_t, one, two, *a = random_array(n), *b = random_array(n);
            random_fr(&c);
            random_fr(&d);
            random_fr(&x);
            fr_pow_u64(&x_t, &x, t);
            fr_sub(&one, &x_t, &c);
            fr_sub(&two, &x_t, &d);
            memcpy(b, a, n * sizeof *a);
            polynomial_divide_binomial(machine, b, n, t, &c);
            if (n > t)
                check_identity(a, b, n, t, &x, &one);
            else
                CHECK(memcmp(a, b, n * sizeof *a) == 0);
            if (n >= 2 * t) {
                memcpy(b, a, n * sizeof *a);
                polynomial_divide_two_binomials(machine, b, n, t, &c, &d);
                fr_mul(&one, &one, &two);
                check_identity(a, b, n, 2 * t, &x, &one);
            }
            free(a);
            free(b);
        }
    }
}

TEST(division_by_binomials_multiplies_back)
{
    everywhere(check_divide_binomials);
}

TEST(remainder_of_a_grouped_polynomial_is_its_values)
{
    /* F = sum X^i f_i(X^t) mod X^t - c is sum X^i f_i(c): what grouped openings rest on. */
    enum { T = 5, N = 16 };
    fr c, value, *f = random_array(T * N), part[N];
    random_fr(&c);
    fr *original = random_array(0);
    free(original);
    original = malloc(T * N * sizeof *f);
    REQUIRE(original);
    memcpy(original, f, T * N * sizeof *f);
    polynomial_divide_binomial(NULL, f, T * N, T, &c);
    for (size_t i = 0; i < T; i++) {
        for (size_t j = 0; j < N; j++)
            part[j] = original[j * T + i];
        horner(&value, part, N, &c);
        CHECK(fr_eq(&value, &f[i]));
    }
    free(f);
    free(original);
}

TEST(lagrange_basis_interpolates)
{
    for (unsigned lg_n = 0; lg_n <= 6; lg_n++) {
        struct ntt_domain domain;
        struct diag diag = {0};
        REQUIRE_OK(ntt_domain_init(&domain, lg_n, &diag), &diag);
        size_t n = domain.n;
        fr *a = random_array(n), *values = random_array(n), *scratch = random_array(2 * n);
        fr *basis = random_array(n), x, got, expected;
        memcpy(values, a, n * sizeof *a);
        ntt_forward(NULL, &domain, values);
        random_fr(&x);
        horner(&expected, a, n, &x);
        ntt_domain_evaluate(&domain, &got, values, &x, scratch);
        CHECK_MSG(fr_eq(&got, &expected), "2^%u at a random point", lg_n);
        for (size_t j = 0; j < n; j++) {
            ntt_domain_element(&domain, &x, j);
            ntt_domain_evaluate(&domain, &got, values, &x, scratch);
            CHECK_MSG(fr_eq(&got, &values[j]), "2^%u at root^%zu", lg_n, j);
            ntt_domain_vanishing(&domain, &got, &x);
            CHECK(fr_is_zero(&got));
        }
        /* A window of the basis agrees with the whole. */
        random_fr(&x);
        ntt_domain_lagrange(&domain, basis, 0, n, &x, scratch);
        fr part[3];
        size_t first = n / 2, count = n - first < 3 ? n - first : 3;
        ntt_domain_lagrange(&domain, part, first, count, &x, scratch);
        CHECK(memcmp(part, basis + first, count * sizeof *part) == 0);
        free(a);
        free(values);
        free(scratch);
        free(basis);
        ntt_domain_release(&domain);
    }
}
