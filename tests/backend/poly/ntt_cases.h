/*
 * What the transforms of every path must do: equal evaluation by Horner's rule, and undo each
 * other. check_sizes(machine, make_domain) runs it all.
 */
#include "backend/field/field.h"
#include "backend/field/field_vec.h"
#include "backend/poly/ntt.h"
#include "tests/harness/harness.h"

#include <stdlib.h>
#include <string.h>

typedef enum status domain_maker(struct ntt_domain *domain, unsigned lg_n, struct diag *diag);

static void random_fr(fr *r)
{
    uint8_t wide[64];
    test_random_bytes(wide, sizeof wide);
    fr_from_wide_bytes_be(r, wide);
}

static fr *random_array(size_t n)
{
    fr *a = malloc(n * sizeof *a);
    REQUIRE(a);
    for (size_t i = 0; i < n; i++)
        random_fr(&a[i]);
    return a;
}

static fr *copy_array(const fr *a, size_t n)
{
    fr *b = malloc(n * sizeof *b);
    REQUIRE(b);
    memcpy(b, a, n * sizeof *b);
    return b;
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

static bool arrays_equal(const fr *a, const fr *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

static size_t reverse(size_t i, unsigned bits)
{
    size_t r = 0;
    for (unsigned b = 0; b < bits; b++)
        r |= (i >> b & 1) << (bits - 1 - b);
    return r;
}

/* Checks one size on the path in use: `points` evaluations against Horner, then the way back. */
static void check_size(struct machine *machine, domain_maker *make_domain, unsigned lg_n,
                       size_t points)
{
    struct ntt_domain domain;
    struct diag diag = {0};
    REQUIRE_OK(make_domain(&domain, lg_n, &diag), &diag);
    size_t n = domain.n;
    fr *a = random_array(n), *b = copy_array(a, n), *c = copy_array(a, n), *d = copy_array(a, n);
    fr *power = random_array(n), *e = copy_array(a, n), shift, x, expected;
    random_fr(&shift);
    fr_vec_powers(power, &fr_one, &shift, n);
    ntt_coset_forward_by_powers(machine, &domain, e, power);
    ntt_forward(machine, &domain, b);
    ntt_coset_forward(machine, &domain, c, &shift);
    ntt_forward_scrambled(machine, &domain, d);
    for (size_t k = 0; k < points; k++) {
        size_t i = points == n ? k : (size_t)test_random_below(n);
        fr_pow_u64(&x, &domain.root, i);
        horner(&expected, a, n, &x);
        CHECK_MSG(fr_eq(&b[i], &expected), "size 2^%u, value %zu", lg_n, i);
        CHECK_MSG(fr_eq(&d[reverse(i, lg_n)], &expected), "size 2^%u scrambled, value %zu", lg_n,
                  i);
        fr_mul(&x, &x, &shift);
        horner(&expected, a, n, &x);
        CHECK_MSG(fr_eq(&c[i], &expected), "size 2^%u coset, value %zu", lg_n, i);
    }
    CHECK_MSG(arrays_equal(c, e, n), "size 2^%u: a table of powers is not the shift", lg_n);
    ntt_inverse(machine, &domain, b);
    CHECK_MSG(arrays_equal(a, b, n), "size 2^%u: the inverse does not undo", lg_n);
    ntt_coset_inverse(machine, &domain, c, &shift);
    CHECK_MSG(arrays_equal(a, c, n), "size 2^%u: the coset inverse does not undo", lg_n);
    ntt_inverse_scrambled(machine, &domain, d);
    CHECK_MSG(arrays_equal(a, d, n), "size 2^%u: the scrambled inverse does not undo", lg_n);
    free(a);
    free(b);
    free(c);
    free(d);
    free(e);
    free(power);
    ntt_domain_release(&domain);
}

static void check_sizes(struct machine *machine, domain_maker *make_domain)
{
    for (unsigned lg_n = 0; lg_n <= 7; lg_n++)
        check_size(machine, make_domain, lg_n, (size_t)1 << lg_n);
    for (unsigned lg_n = 8; lg_n <= 13; lg_n++)
        check_size(machine, make_domain, lg_n, 5);
}

/* Every element modulus - 1, and such elements and zeros in patterns: lazy sums reach their bounds.
 */
static void check_edge_values(domain_maker *make_domain, unsigned lg_n)
{
    struct ntt_domain domain;
    struct diag diag = {0};
    REQUIRE_OK(make_domain(&domain, lg_n, &diag), &diag);
    fr largest = {{0}}, *a = random_array(domain.n), *b;
    memcpy(largest.limb, fr_modulus, sizeof largest);
    largest.limb[0]--;
    for (size_t period = 1; period <= domain.n; period *= 2) {
        for (size_t i = 0; i < domain.n; i++)
            a[i] = (i / period) % 2 == 0 ? largest : fr_zero;
        b = copy_array(a, domain.n);
        ntt_forward_scrambled(NULL, &domain, b);
        for (size_t i = 0; i < domain.n; i++) {
            fr again;
            CHECK_MSG(fr_from_limbs(&again, b[i].limb), "period %zu, value %zu is not reduced",
                      period, i);
        }
        ntt_inverse_scrambled(NULL, &domain, b);
        CHECK_MSG(arrays_equal(a, b, domain.n), "period %zu", period);
        ntt_inverse_scrambled(NULL, &domain, b);
        for (size_t i = 0; i < domain.n; i++) {
            fr again;
            CHECK_MSG(fr_from_limbs(&again, b[i].limb),
                      "period %zu, coefficient %zu is not reduced", period, i);
        }
        ntt_forward_scrambled(NULL, &domain, b);
        CHECK_MSG(arrays_equal(a, b, domain.n), "period %zu, back first", period);
        free(b);
    }
    free(a);
    ntt_domain_release(&domain);
}
