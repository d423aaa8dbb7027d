/* See rounded_math.h. One loop serves all functions; each adds its ball form and its special
 * values. */
#include "ir/rounded_math.h"

#include "ir/support/status.h"

#include <arb.h>
#include <arb_hypgeom.h>
#include <math.h>
#include <stdbool.h>

typedef void (*ball_function)(arb_t out, const arb_t x, const arb_t y, slong precision);

enum { FIRST_PRECISION = 72, LAST_PRECISION = 8192 };

/*
 * Evaluates f(x, y) with growing precision. A ball that still straddles two doubles at the last
 * precision is taken for an exact tie, which rounds to even at its midpoint.
 */
static double ball_round(ball_function f, double x, double y)
{
    arb_t in_x, in_y, out;
    arf_t low, high;
    arb_init(in_x);
    arb_init(in_y);
    arb_init(out);
    arf_init(low);
    arf_init(high);
    arb_set_d(in_x, x);
    arb_set_d(in_y, y);
    double result = NAN;
    for (slong precision = FIRST_PRECISION; precision <= LAST_PRECISION; precision *= 2) {
        f(out, in_x, in_y, precision);
        if (!arb_is_finite(out))
            continue;
        arb_get_lbound_arf(low, out, precision + 30);
        arb_get_ubound_arf(high, out, precision + 30);
        double lower = arf_get_d(low, ARF_RND_NEAR);
        double upper = arf_get_d(high, ARF_RND_NEAR);
        result = arf_get_d(arb_midref(out), ARF_RND_NEAR);
        if (lower == upper)
            break;
    }
    arb_clear(in_x);
    arb_clear(in_y);
    arb_clear(out);
    arf_clear(low);
    arf_clear(high);
    return result;
}

/* The ball form of a function of one argument that Arb has itself. */
#define BALL(name, arb_name)                                                                       \
    static void ball_##name(arb_t out, const arb_t x, const arb_t y, slong precision)              \
    {                                                                                              \
        (void)y;                                                                                   \
        arb_name(out, x, precision);                                                               \
    }

BALL(exp, arb_exp)
BALL(expm1, arb_expm1)
BALL(log, arb_log)
BALL(log1p, arb_log1p)
BALL(sin, arb_sin)
BALL(cos, arb_cos)
BALL(tan, arb_tan)
BALL(asin, arb_asin)
BALL(acos, arb_acos)
BALL(atan, arb_atan)
BALL(sinh, arb_sinh)
BALL(cosh, arb_cosh)
BALL(tanh, arb_tanh)
BALL(asinh, arb_asinh)
BALL(acosh, arb_acosh)
BALL(atanh, arb_atanh)
BALL(erf, arb_hypgeom_erf)

static void ball_log2(arb_t out, const arb_t x, const arb_t y, slong precision)
{
    (void)y;
    arb_log_base_ui(out, x, 2, precision);
}

static void ball_sigmoid(arb_t out, const arb_t x, const arb_t y, slong precision)
{
    (void)y;
    arb_neg(out, x);
    arb_exp(out, out, precision);
    arb_add_ui(out, out, 1, precision);
    arb_inv(out, out, precision);
}

static void ball_softplus(arb_t out, const arb_t x, const arb_t y, slong precision)
{
    (void)y;
    arb_exp(out, x, precision);
    arb_log1p(out, out, precision);
}

static void ball_normal_cdf(arb_t out, const arb_t x, const arb_t y, slong precision)
{
    arb_t root;
    (void)y;
    arb_init(root);
    arb_sqrt_ui(root, 2, precision);
    arb_div(out, x, root, precision);
    arb_neg(out, out);
    arb_hypgeom_erfc(out, out, precision);
    arb_mul_2exp_si(out, out, -1);
    arb_clear(root);
}

static void ball_pow(arb_t out, const arb_t x, const arb_t y, slong precision)
{
    arb_pow(out, x, y, precision);
}

static void ball_cos_turn(arb_t out, const arb_t x, const arb_t y, slong precision)
{
    arb_div(out, x, y, precision + 64);
    arb_mul_2exp_si(out, out, 1);
    arb_cos_pi(out, out, precision);
}

static void ball_sin_turn(arb_t out, const arb_t x, const arb_t y, slong precision)
{
    arb_div(out, x, y, precision + 64);
    arb_mul_2exp_si(out, out, 1);
    arb_sin_pi(out, out, precision);
}

/* The largest and smallest arguments whose exponential is neither infinite nor rounds to zero. */
#define EXP_HIGHEST 709.79
#define EXP_LOWEST (-745.14)

double rounded_exp(double x)
{
    if (isnan(x))
        return NAN;
    if (x > EXP_HIGHEST)
        return INFINITY;
    if (x < EXP_LOWEST)
        return 0.0;
    return ball_round(ball_exp, x, 0.0);
}

double rounded_expm1(double x)
{
    if (isnan(x))
        return NAN;
    if (x == 0.0)
        return x;
    if (x > EXP_HIGHEST)
        return INFINITY;
    if (x < -80.0)
        return -1.0;
    return ball_round(ball_expm1, x, 0.0);
}

double rounded_log(double x)
{
    if (isnan(x) || x < 0.0)
        return NAN;
    if (x == 0.0)
        return -INFINITY;
    if (isinf(x))
        return INFINITY;
    return ball_round(ball_log, x, 0.0);
}

double rounded_log2(double x)
{
    if (isnan(x) || x < 0.0)
        return NAN;
    if (x == 0.0)
        return -INFINITY;
    if (isinf(x))
        return INFINITY;
    return ball_round(ball_log2, x, 0.0);
}

double rounded_log1p(double x)
{
    if (isnan(x) || x < -1.0)
        return NAN;
    if (x == -1.0)
        return -INFINITY;
    if (x == 0.0 || isinf(x))
        return x;
    return ball_round(ball_log1p, x, 0.0);
}

/* sin and tan keep the sign of zero; none of the three has a limit at infinity. */
static double periodic(ball_function f, double x, bool odd)
{
    if (isnan(x) || isinf(x))
        return NAN;
    if (odd && x == 0.0)
        return x;
    return ball_round(f, x, 0.0);
}

double rounded_sin(double x)
{
    return periodic(ball_sin, x, true);
}

double rounded_cos(double x)
{
    return periodic(ball_cos, x, false);
}

double rounded_tan(double x)
{
    return periodic(ball_tan, x, true);
}

double rounded_asin(double x)
{
    if (isnan(x) || fabs(x) > 1.0)
        return NAN;
    return x == 0.0 ? x : ball_round(ball_asin, x, 0.0);
}

double rounded_acos(double x)
{
    if (isnan(x) || fabs(x) > 1.0)
        return NAN;
    return ball_round(ball_acos, x, 0.0);
}

double rounded_atan(double x)
{
    if (isnan(x))
        return NAN;
    if (isinf(x))
        return copysign(0x1.921fb54442d18p+0, x);
    return x == 0.0 ? x : ball_round(ball_atan, x, 0.0);
}

double rounded_sinh(double x)
{
    if (isnan(x))
        return NAN;
    if (x == 0.0)
        return x;
    if (fabs(x) > 711.0)
        return copysign(INFINITY, x);
    return ball_round(ball_sinh, x, 0.0);
}

double rounded_cosh(double x)
{
    if (isnan(x))
        return NAN;
    if (fabs(x) > 711.0)
        return INFINITY;
    return ball_round(ball_cosh, x, 0.0);
}

double rounded_tanh(double x)
{
    if (isnan(x))
        return NAN;
    if (x == 0.0)
        return x;
    if (fabs(x) > 40.0)
        return copysign(1.0, x);
    return ball_round(ball_tanh, x, 0.0);
}

double rounded_asinh(double x)
{
    if (isnan(x))
        return NAN;
    return x == 0.0 || isinf(x) ? x : ball_round(ball_asinh, x, 0.0);
}

double rounded_acosh(double x)
{
    if (isnan(x) || x < 1.0)
        return NAN;
    return isinf(x) ? x : ball_round(ball_acosh, x, 0.0);
}

double rounded_atanh(double x)
{
    if (isnan(x) || fabs(x) > 1.0)
        return NAN;
    if (fabs(x) == 1.0)
        return copysign(INFINITY, x);
    return x == 0.0 ? x : ball_round(ball_atanh, x, 0.0);
}

double rounded_erf(double x)
{
    if (isnan(x))
        return NAN;
    if (x == 0.0)
        return x;
    if (fabs(x) > 7.0)
        return copysign(1.0, x);
    return ball_round(ball_erf, x, 0.0);
}

double rounded_sigmoid(double x)
{
    if (isnan(x))
        return NAN;
    if (x > 60.0)
        return 1.0;
    if (x < -746.0)
        return 0.0;
    return ball_round(ball_sigmoid, x, 0.0);
}

double rounded_softplus(double x)
{
    if (isnan(x))
        return NAN;
    if (x > 60.0)
        return x; /* log(1 + exp(x)) - x < exp(-60), under half a unit in the last place of x */
    if (x < -746.0)
        return 0.0;
    return ball_round(ball_softplus, x, 0.0);
}

double rounded_normal_cdf(double x)
{
    if (isnan(x))
        return NAN;
    if (x > 10.0)
        return 1.0;
    if (x < -40.0)
        return 0.0;
    return ball_round(ball_normal_cdf, x, 0.0);
}

static bool is_odd_integer(double y)
{
    return fabs(y) < 0x1p53 && fmod(y, 2.0) != 0.0 && y == floor(y);
}

/* pow where x or y is zero or infinite; x is not NaN, y is neither 0 nor NaN, x is not 1. */
static double pow_special(double x, double y)
{
    if (isinf(y)) {
        if (x == -1.0)
            return 1.0;
        return (fabs(x) > 1.0) == (y > 0.0) ? INFINITY : 0.0;
    }
    double magnitude = (x == 0.0) == (y < 0.0) ? INFINITY : 0.0;
    return is_odd_integer(y) ? copysign(magnitude, x) : magnitude;
}

double rounded_pow(double x, double y)
{
    if (y == 0.0 || x == 1.0)
        return 1.0;
    if (isnan(x) || isnan(y))
        return NAN;
    if (x == 0.0 || isinf(x) || isinf(y))
        return pow_special(x, y);
    if (x < 0.0 && y != floor(y))
        return NAN;
    bool negative = x < 0.0 && is_odd_integer(y);
    /* An estimate to within 1% of the exponent tells overflow and underflow, which balls cannot
     * hold. */
    double exponent = y * rounded_log2(fabs(x));
    double result;
    if (exponent > 1100.0)
        result = INFINITY;
    else if (exponent < -1200.0)
        result = 0.0;
    else if (y == 2.0)
        result = x * x;
    else
        result = ball_round(ball_pow, fabs(x), y);
    return negative ? -result : result;
}

void rounded_root_of_unity(double *cosine, double *sine, long k, long n)
{
    ASSERT(n > 0);
    *cosine = ball_round(ball_cos_turn, (double)k, (double)n);
    *sine = ball_round(ball_sin_turn, (double)k, (double)n);
}
