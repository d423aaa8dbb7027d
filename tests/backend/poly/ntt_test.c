/* Transforms against evaluation by Horner's rule, on every path and with any number of threads. */
#include "backend/field/field.h"
#include "backend/field/field_vec.h"
#include "backend/poly/ntt.h"
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
static void check_size(struct machine *machine, unsigned lg_n, size_t points)
{
    struct ntt_domain domain;
    struct diag diag = {0};
    REQUIRE_OK(ntt_domain_init(&domain, lg_n, &diag), &diag);
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

static void check_sizes(struct machine *machine)
{
    for (unsigned lg_n = 0; lg_n <= 7; lg_n++)
        check_size(machine, lg_n, (size_t)1 << lg_n);
    for (unsigned lg_n = 8; lg_n <= 13; lg_n++)
        check_size(machine, lg_n, 5);
}

TEST(transforms_equal_evaluation_on_every_path)
{
    enum field_path before = field_path();
    for (int path = 0; path < FIELD_PATH_COUNT; path++) {
        if (!field_has_path((enum field_path)path))
            continue;
        field_force_path((enum field_path)path);
        check_sizes(NULL);
    }
    field_force_path(before);
}

TEST(transforms_do_not_depend_on_threads)
{
    struct machine *machine = machine_new(3);
    check_sizes(machine);
    check_size(machine, 15, 3);
    machine_free(machine);
}

TEST(transforms_of_edge_values_are_fully_reduced)
{
    /* Every element modulus - 1: the lazy sums reach their bounds. */
    struct ntt_domain domain;
    struct diag diag = {0};
    REQUIRE_OK(ntt_domain_init(&domain, 9, &diag), &diag);
    fr minus_one, expected, *a = random_array(domain.n);
    fr_neg(&minus_one, &fr_one);
    for (size_t i = 0; i < domain.n; i++)
        a[i] = minus_one;
    ntt_forward(NULL, &domain, a);
    fr_from_i64(&expected, -(int64_t)domain.n);
    CHECK(fr_eq(&a[0], &expected));
    for (size_t i = 1; i < domain.n; i++)
        CHECK(fr_is_zero(&a[i]));
    ntt_inverse(NULL, &domain, a);
    for (size_t i = 0; i < domain.n; i++)
        CHECK(fr_eq(&a[i], &minus_one));
    free(a);
    ntt_domain_release(&domain);
}

TEST(domain_elements_are_the_powers_of_the_root)
{
    for (unsigned lg_n = 0; lg_n <= 6; lg_n++) {
        struct ntt_domain domain;
        struct diag diag = {0};
        REQUIRE_OK(ntt_domain_init(&domain, lg_n, &diag), &diag);
        fr power = fr_one, element;
        for (size_t i = 0; i < 2 * domain.n; i++) {
            ntt_domain_element(&domain, &element, i);
            CHECK_MSG(fr_eq(&element, &power), "2^%u, power %zu", lg_n, i);
            fr_mul(&power, &power, &domain.root);
        }
        fr n;
        fr_from_u64(&n, domain.n);
        fr_mul(&n, &n, &domain.n_inv);
        CHECK(fr_is_one(&n));
        ntt_domain_release(&domain);
    }
}

TEST(domains_beyond_the_roots_of_the_field_are_refused)
{
    struct ntt_domain domain;
    struct diag diag = {0};
    CHECK_STATUS(ntt_domain_init(&domain, FR_TWO_ADICITY + 1, &diag), STATUS_LIMIT, &diag);
    CHECK(domain.twiddle == NULL);
    ntt_domain_release(&domain);
}
