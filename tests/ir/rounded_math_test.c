/* The elementary functions against MPFR, which rounds correctly too, and their special values. */
#include "ir/rounded_math.h"
#include "tests/harness/harness.h"

#include <math.h>
#include <mpfr.h>
#include <string.h>

typedef double (*rounded_function)(double);
typedef int (*mpfr_function)(mpfr_t, const mpfr_t, mpfr_rnd_t);

static int erf_of(mpfr_t out, const mpfr_t x, mpfr_rnd_t mode)
{
    return mpfr_erf(out, x, mode);
}

static const struct {
    const char *name;
    rounded_function ours;
    mpfr_function theirs;
    double low, high;
} functions[] = {
    {"exp", rounded_exp, mpfr_exp, -700, 700},
    {"expm1", rounded_expm1, mpfr_expm1, -30, 30},
    {"log", rounded_log, mpfr_log, 1e-300, 1e3},
    {"log1p", rounded_log1p, mpfr_log1p, -0.999, 1e3},
    {"log2", rounded_log2, mpfr_log2, 1e-3, 1e3},
    {"sin", rounded_sin, mpfr_sin, -1e6, 1e6},
    {"cos", rounded_cos, mpfr_cos, -1e6, 1e6},
    {"tan", rounded_tan, mpfr_tan, -1e3, 1e3},
    {"asin", rounded_asin, mpfr_asin, -1, 1},
    {"acos", rounded_acos, mpfr_acos, -1, 1},
    {"atan", rounded_atan, mpfr_atan, -1e3, 1e3},
    {"sinh", rounded_sinh, mpfr_sinh, -700, 700},
    {"cosh", rounded_cosh, mpfr_cosh, -700, 700},
    {"tanh", rounded_tanh, mpfr_tanh, -20, 20},
    {"asinh", rounded_asinh, mpfr_asinh, -1e3, 1e3},
    {"acosh", rounded_acosh, mpfr_acosh, 1, 1e3},
    {"atanh", rounded_atanh, mpfr_atanh, -0.9999, 0.9999},
    {"erf", rounded_erf, erf_of, -6, 6},
};

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* A double between low and high: uniform, or of a uniform exponent, so that small ones occur. */
static double random_between(double low, double high)
{
    double unit = (double)(test_random_u64() >> 11) * 0x1p-53;
    double x = low + unit * (high - low);
    if (test_random_below(2) == 0)
        x = ldexp(x, -(int)test_random_below(60));
    return x < low ? low : x > high ? high : x;
}

TEST(functions_are_correctly_rounded)
{
    mpfr_t x, y;
    mpfr_init2(x, 53);
    mpfr_init2(y, 53);
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++)
        for (int i = 0; i < 3000; i++) {
            double in = i == 0   ? functions[f].low
                        : i == 1 ? functions[f].high
                                 : random_between(functions[f].low, functions[f].high);
            mpfr_set_d(x, in, MPFR_RNDN);
            functions[f].theirs(y, x, MPFR_RNDN);
            double got = functions[f].ours(in), want = mpfr_get_d(y, MPFR_RNDN);
            CHECK_MSG(same_bits(got, want), "%s(%.17g) is %.17g, not %.17g", functions[f].name, in,
                      got, want);
        }
    mpfr_clear(x);
    mpfr_clear(y);
}

TEST(powers_are_correctly_rounded)
{
    mpfr_t x, y, z;
    mpfr_init2(x, 53);
    mpfr_init2(y, 53);
    mpfr_init2(z, 53);
    for (int i = 0; i < 5000; i++) {
        double base = random_between(1e-6, 1e6), exponent = random_between(-20, 20);
        if (i % 3 == 0)
            exponent = floor(exponent);
        if (i % 5 == 0)
            exponent = 0.5 * floor(exponent);
        if (i % 4 == 0 && exponent == floor(exponent))
            base = -base;
        mpfr_set_d(x, base, MPFR_RNDN);
        mpfr_set_d(y, exponent, MPFR_RNDN);
        mpfr_pow(z, x, y, MPFR_RNDN);
        double got = rounded_pow(base, exponent), want = mpfr_get_d(z, MPFR_RNDN);
        CHECK_MSG(same_bits(got, want), "pow(%.17g, %.17g) is %.17g, not %.17g", base, exponent,
                  got, want);
    }
    mpfr_clear(x);
    mpfr_clear(y);
    mpfr_clear(z);
}

/* C17 annex F gives these; the C library follows it exactly at such points. */
TEST(special_values_of_pow_are_those_of_the_standard)
{
    const double values[] = {0.0,       -0.0, 1.0,  -1.0, 2.0,    -2.0,  3.0,
                             -3.0,      0.5,  -0.5, 4.0,  -4.0,   1e300, INFINITY,
                             -INFINITY, NAN,  2.5,  -2.5, 1e-300, -1e300};
    size_t count = sizeof values / sizeof *values;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            double got = rounded_pow(values[i], values[j]), want = pow(values[i], values[j]);
            bool exact_case = isnan(want) || isinf(want) || want == 0.0 || fabs(want) == 1.0;
            if (!exact_case)
                continue;
            CHECK_MSG(isnan(want) ? isnan(got) : same_bits(got, want), "pow(%g, %g) is %g, not %g",
                      values[i], values[j], got, want);
        }
}

TEST(limits_and_domain_errors)
{
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++)
        CHECK_MSG(isnan(functions[f].ours(NAN)), "%s(NaN)", functions[f].name);
    CHECK(rounded_exp(-INFINITY) == 0.0 && isinf(rounded_exp(INFINITY)));
    CHECK(rounded_log(0.0) == -INFINITY && isnan(rounded_log(-1.0)));
    CHECK(isinf(rounded_log(INFINITY)) && isnan(rounded_sin(INFINITY)));
    CHECK(rounded_tanh(-INFINITY) == -1.0 && rounded_erf(INFINITY) == 1.0);
    CHECK(rounded_acos(1.0) == 0.0 && rounded_acosh(1.0) == 0.0 && isnan(rounded_asin(1.5)));
    CHECK(isinf(rounded_atanh(1.0)) && signbit(rounded_sin(-0.0)));
    CHECK(rounded_sigmoid(0.0) == 0.5 && rounded_sigmoid(INFINITY) == 1.0);
    CHECK(rounded_sigmoid(-INFINITY) == 0.0 && isinf(rounded_softplus(INFINITY)));
    CHECK(rounded_softplus(-INFINITY) == 0.0 && rounded_normal_cdf(0.0) == 0.5);
    CHECK(rounded_exp(-745.0) > 0.0 && rounded_exp(-746.0) == 0.0);
    CHECK(isinf(rounded_exp(710.0)) && rounded_exp(709.0) < INFINITY);
}

TEST(composed_functions_agree_with_their_definition)
{
    for (int i = 0; i < 2000; i++) {
        double x = random_between(-30, 30);
        double sigmoid = 1.0 / (1.0 + exp(-x)), softplus = log1p(exp(x));
        CHECK(fabs(rounded_sigmoid(x) - sigmoid) <= 1e-14 * sigmoid);
        CHECK(fabs(rounded_softplus(x) - softplus) <= 1e-14 * softplus);
        CHECK(fabs(rounded_normal_cdf(x) - 0.5 * erfc(-x / sqrt(2.0))) <=
              1e-12 * rounded_normal_cdf(x));
    }
}

TEST(roots_of_unity_lie_on_the_axes)
{
    double c, s;
    rounded_root_of_unity(&c, &s, 1, 4);
    CHECK(c == 0.0 && s == 1.0);
    rounded_root_of_unity(&c, &s, -3, 6);
    CHECK(c == -1.0 && s == 0.0);
    rounded_root_of_unity(&c, &s, 1, 8);
    CHECK(c == s);
}
