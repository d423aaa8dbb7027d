/*
 * Piecewise polynomials: the bounds of derivatives that choose their widths are proved by ball
 * arithmetic on power series, and every table is held to the function it stands for.
 */
#include "passes/lower_smooth.h"
#include "tests/harness/harness.h"

#include <math.h>

#include <arb_hypgeom.h>
#include <arb_poly.h>

enum { SERIES = 5, PRECISION = 96 };

/* ---- the functions once more, on power series ---- */

/* 1 / (1 + exp p) */
static void logistic_series(arb_poly_t out, const arb_poly_t p)
{
    arb_poly_t e;
    arb_poly_init(e);
    arb_poly_exp_series(e, p, SERIES, PRECISION);
    arb_poly_add_si(e, e, 1, PRECISION);
    arb_poly_inv_series(out, e, SERIES, PRECISION);
    arb_poly_clear(e);
}

/* w = sqrt(8 / pi) (x + 0.044715 x^3) */
static void gelu_argument(arb_poly_t out, const arb_poly_t x)
{
    arb_t k;
    arb_poly_t cube;
    arb_init(k);
    arb_poly_init(cube);
    arb_poly_pow_ui_trunc_binexp(cube, x, 3, SERIES, PRECISION);
    arb_set_ui(k, 44715);
    arb_div_ui(k, k, 1000000, PRECISION);
    arb_poly_scalar_mul(cube, cube, k, PRECISION);
    arb_poly_add(cube, cube, x, PRECISION);
    arb_const_pi(k, PRECISION);
    arb_ui_div(k, 8, k, PRECISION);
    arb_sqrt(k, k, PRECISION);
    arb_poly_scalar_mul(out, cube, k, PRECISION);
    arb_poly_clear(cube);
    arb_clear(k);
}

/* x tanh s - max(0, x), s = log(1 + exp x), tanh s - 1 = -2 / (exp(2 s) + 1) */
static void mish_series(arb_poly_t out, const arb_poly_t x, bool above)
{
    arb_poly_t s;
    arb_poly_init(s);
    arb_poly_exp_series(s, x, SERIES, PRECISION);
    arb_poly_add_si(s, s, 1, PRECISION);
    arb_poly_log_series(s, s, SERIES, PRECISION);
    arb_poly_scalar_mul_2exp_si(s, s, 1);
    logistic_series(s, s);
    arb_poly_scalar_mul_2exp_si(s, s, 1);
    arb_poly_neg(s, s);
    if (!above)
        arb_poly_add_si(s, s, 1, PRECISION);
    arb_poly_mullow(out, s, x, SERIES, PRECISION);
    arb_poly_clear(s);
}

/* x erfc(x / sqrt 2) / 2 */
static void gelu_series(arb_poly_t out, const arb_poly_t x)
{
    arb_t k;
    arb_poly_t p;
    arb_init(k);
    arb_poly_init(p);
    arb_sqrt_ui(k, 2, PRECISION);
    arb_poly_scalar_div(p, x, k, PRECISION);
    arb_hypgeom_erfc_series(p, p, SERIES, PRECISION);
    arb_poly_mullow(p, p, x, SERIES, PRECISION);
    arb_poly_scalar_mul_2exp_si(out, p, -1);
    arb_poly_clear(p);
    arb_clear(k);
}

static void series_of(arb_poly_t out, enum table_function f, const arb_poly_t x, bool above)
{
    arb_poly_t p;
    arb_poly_init(p);
    switch (f) {
    case TABLE_ERF:
        arb_hypgeom_erf_series(out, x, SERIES, PRECISION);
        break;
    case TABLE_LOGISTIC_TAIL:
        logistic_series(out, x);
        break;
    case TABLE_SOFTPLUS_TAIL:
        arb_poly_neg(p, x);
        arb_poly_exp_series(p, p, SERIES, PRECISION);
        arb_poly_add_si(p, p, 1, PRECISION);
        arb_poly_log_series(out, p, SERIES, PRECISION);
        break;
    case TABLE_SWISH_TAIL:
        logistic_series(p, x);
        arb_poly_mullow(out, p, x, SERIES, PRECISION);
        break;
    case TABLE_MISH_TAIL:
        mish_series(out, x, above);
        break;
    case TABLE_GELU_TAIL:
        gelu_series(out, x);
        break;
    case TABLE_GELU_TANH_TAIL:
        gelu_argument(p, x);
        logistic_series(p, p);
        arb_poly_mullow(out, p, x, SERIES, PRECISION);
        break;
    case TABLE_EXP:
    case TABLE_EXP_MINUS_1:
        arb_poly_exp_series(out, x, SERIES, PRECISION);
        if (f == TABLE_EXP_MINUS_1)
            arb_poly_add_si(out, out, -1, PRECISION);
        break;
    case TABLE_SIN:
        arb_poly_sin_series(out, x, SERIES, PRECISION);
        break;
    case TABLE_COS:
        arb_poly_cos_series(out, x, SERIES, PRECISION);
        break;
    case TABLE_ASIN:
        arb_poly_asin_series(out, x, SERIES, PRECISION);
        break;
    case TABLE_ATAN:
        arb_poly_atan_series(out, x, SERIES, PRECISION);
        break;
    case TABLE_LOG:
    case TABLE_PI:
    case TABLE_FUNCTION_COUNT:
        test_fail(__FILE__, __LINE__, "no such table");
    }
    arb_poly_clear(p);
}

/* ---- what is asked of each ---- */

static const struct {
    const char *name;
    enum table_function f;
    double low, high;
} cases[] = {
    {"erf", TABLE_ERF, 0, 6},
    {"logistic", TABLE_LOGISTIC_TAIL, 0, 40},
    {"softplus", TABLE_SOFTPLUS_TAIL, 0, 40},
    {"swish", TABLE_SWISH_TAIL, 0, 40},
    {"mish", TABLE_MISH_TAIL, -40, 20},
    {"gelu", TABLE_GELU_TAIL, 0, 10},
    {"gelu by tanh", TABLE_GELU_TANH_TAIL, 0, 10},
    {"exp", TABLE_EXP, -40, 0},
    {"exp - 1", TABLE_EXP_MINUS_1, -40, 0},
    {"sin", TABLE_SIN, -4, 7},
    {"cos", TABLE_COS, -4, 7},
    {"asin", TABLE_ASIN, 0, 0.5},
    {"atan", TABLE_ATAN, 0, 4},
};
enum { CASES = sizeof cases / sizeof *cases };

/* Holds |f^(order)| on a ball to the bounds. */
static void check_ball(size_t c, double from, double width)
{
    arb_poly_t x, y;
    arb_t ball, coefficient;
    mag_t size;
    arb_poly_init(x);
    arb_poly_init(y);
    arb_init(ball);
    arb_init(coefficient);
    mag_init(size);
    arb_set_d(ball, from + width / 2);
    arb_set_d(coefficient, width / 2);
    arb_get_mag(size, coefficient);
    arb_add_error_mag(ball, size);
    arb_poly_set_coeff_arb(x, 0, ball);
    arb_poly_set_coeff_si(x, 1, 1);
    series_of(y, cases[c].f, x, from >= 0);
    /* max(0, x) less the tail, or with it: the slope above 0, and by symmetry below. */
    double slope = smooth_ramp_slope(cases[c].f);
    if (from >= 0 && isfinite(slope)) {
        bool is_less = cases[c].f == TABLE_SWISH_TAIL || cases[c].f == TABLE_GELU_TAIL ||
                       cases[c].f == TABLE_GELU_TANH_TAIL;
        arb_poly_get_coeff_arb(coefficient, y, 1);
        if (is_less)
            arb_neg(coefficient, coefficient);
        arb_add_ui(coefficient, coefficient, 1, PRECISION);
        arb_get_mag(size, coefficient);
        CHECK_MSG(mag_get_d(size) <= slope, "%s: slope %.5g at %g, beyond %g", cases[c].name,
                  mag_get_d(size), from, slope);
    }
    for (unsigned order = 1, factorial = 1; order <= 4; order++, factorial *= order) {
        arb_poly_get_coeff_arb(coefficient, y, order);
        arb_mul_ui(coefficient, coefficient, factorial, PRECISION);
        arb_get_mag(size, coefficient);
        double bound = smooth_derivative_bound(cases[c].f, order);
        CHECK_MSG(mag_get_d(size) <= bound, "%s: derivative %u reaches %.5g at %g, beyond %g",
                  cases[c].name, order, mag_get_d(size), from, bound);
    }
    mag_clear(size);
    arb_clear(coefficient);
    arb_clear(ball);
    arb_poly_clear(y);
    arb_poly_clear(x);
}

TEST(derivatives_stay_below_their_bounds)
{
    const double width = 1.0 / 1024;
    for (size_t c = 0; c < CASES; c++) {
        for (double from = cases[c].low; from < cases[c].high; from += width)
            check_ball(c, from, width);
    }
}

/* f at a number, by its series. */
static double value_of(size_t c, double at)
{
    arb_poly_t x, y;
    arb_t number;
    arb_poly_init(x);
    arb_poly_init(y);
    arb_init(number);
    arb_set_d(number, at);
    arb_poly_set_coeff_arb(x, 0, number);
    series_of(y, cases[c].f, x, at >= 0);
    arb_poly_get_coeff_arb(number, y, 0);
    double value = arf_get_d(arb_midref(number), ARF_RND_NEAR);
    arb_clear(number);
    arb_poly_clear(y);
    arb_poly_clear(x);
    return value;
}

/* Largest |polynomial - f| over some places of one piece. */
static double piece_error(size_t c, int64_t piece, unsigned shift, unsigned degree, int32_t bits)
{
    int64_t coefficient[4];
    double worst = 0;
    table_polynomial(cases[c].f, piece, shift, degree, bits, coefficient);
    for (int k = 0; k <= 8; k++) {
        double u = k / 8.0, y = 0;
        for (unsigned d = degree + 1; d-- > 0;)
            y = y * u + ldexp((double)coefficient[d], -bits);
        worst = fmax(worst, fabs(y - value_of(c, ldexp((double)piece + u, -(int)shift))));
    }
    return worst;
}

TEST(polynomials_stay_within_their_share_of_the_last_place)
{
    static const double remainder[4] = {0, 1.0 / 8, 0.0081, 1.0 / 1536};
    enum { BITS = 40 };
    for (size_t c = 0; c < CASES; c++) {
        for (unsigned degree = 1; degree <= 3; degree++) {
            for (unsigned shift = 2; shift <= 5; shift++) {
                int64_t low = (int64_t)ldexp(cases[c].low, (int)shift),
                        high = (int64_t)ldexp(fmin(cases[c].high, 12), (int)shift);
                double allowed = remainder[degree] *
                                     smooth_derivative_bound(cases[c].f, degree + 1) *
                                     ldexp(1, -(int)(shift * (degree + 1))) +
                                 ldexp(degree + 1, -BITS - 1) + 0x1p-50;
                for (int64_t piece = low; piece < high; piece += 1 + piece % 3 * (piece > 0)) {
                    double error = piece_error(c, piece, shift, degree, BITS);
                    CHECK_MSG(error <= allowed, "%s: degree %u, piece %lld of 2^-%u: %g, not %g",
                              cases[c].name, degree, (long long)piece, shift, error, allowed);
                }
            }
        }
    }
}
