/* label: fast */
#include "ir/support/rational.h"

#include "tests/harness/harness.h"

#include <gmp.h>
#include <math.h>
#include <string.h>

static void to_mpq(mpq_t out, struct rational a)
{
    mpq_set_si(out, (long)a.numerator, (unsigned long)a.denominator);
    mpq_canonicalize(out);
    if (a.exponent >= 0)
        mpq_mul_2exp(out, out, (mp_bitcnt_t)a.exponent);
    else
        mpq_div_2exp(out, out, (mp_bitcnt_t)-a.exponent);
}

static struct rational random_rational(void)
{
    struct rational out = {1, 1, 0};
    int64_t numerator = (int64_t)(test_random_edge_u64() >> (1 + test_random_below(60)));
    int64_t denominator = (int64_t)(test_random_edge_u64() >> (1 + test_random_below(60)));
    if (!rational_make(&out, numerator, denominator, (int32_t)test_random_below(200) - 100))
        out = rational_power_of_two(3);
    return out;
}

TEST(the_form_is_unique)
{
    struct rational a, b;
    CHECK(rational_make(&a, 12, 40, 0));
    CHECK(rational_make(&b, 3, 5, -1));
    CHECK(rational_equal(a, b));
    CHECK_I64(a.numerator, 3);
    CHECK_I64(a.denominator, 5);
    CHECK_I64(a.exponent, -1);
    CHECK(rational_make(&a, 1024, 1, 0) && rational_is_power_of_two(a) && a.exponent == 10);
    CHECK(!rational_make(&a, 0, 1, 0) && !rational_make(&a, 1, -1, 0));
    CHECK(!rational_make(&a, 2, 1, RATIONAL_EXPONENT_MAX));
}

TEST(products_and_quotients_are_those_of_gmp)
{
    mpq_t x, y, z, got;
    mpq_inits(x, y, z, got, NULL);
    int done = 0;
    for (int i = 0; i < 20000; i++) {
        struct rational a = random_rational(), b = random_rational(), c;
        bool divides = test_random_below(2) == 1;
        to_mpq(x, a);
        to_mpq(y, b);
        if (!(divides ? rational_div(&c, a, b) : rational_mul(&c, a, b)))
            continue;
        done++;
        if (divides)
            mpq_div(z, x, y);
        else
            mpq_mul(z, x, y);
        to_mpq(got, c);
        CHECK(mpq_equal(z, got));
        CHECK(c.numerator % 2 == 1 && c.denominator % 2 == 1);
    }
    CHECK(done > 1000);
    mpq_clears(x, y, z, got, NULL);
}

TEST(comparison_is_that_of_gmp)
{
    mpq_t x, y;
    mpq_inits(x, y, NULL);
    for (int i = 0; i < 20000; i++) {
        struct rational a = random_rational(), b = random_rational();
        if (test_random_below(4) == 0)
            b = a;
        else if (test_random_below(4) == 0)
            b = (struct rational){a.numerator, a.denominator, a.exponent + 1};
        to_mpq(x, a);
        to_mpq(y, b);
        int expected = mpq_cmp(x, y);
        CHECK_I64(rational_compare(a, b), (expected > 0) - (expected < 0));
    }
    mpq_clears(x, y, NULL);
}

TEST(doubles_go_in_exactly_and_come_back)
{
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = test_random_u64();
        double value;
        memcpy(&value, &bits, 8);
        struct rational a;
        bool taken = rational_from_double(&a, value);
        CHECK(taken == (isfinite(value) && value > 0));
        if (taken)
            CHECK(rational_to_double(a) == value);
    }
    struct rational a;
    CHECK(rational_from_double(&a, 4.9406564584124654e-324));
    CHECK_I64(a.exponent, -1074);
    CHECK(!rational_from_double(&a, 0.0) && !rational_from_double(&a, (double)INFINITY));
}
