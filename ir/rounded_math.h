/*
 * Elementary functions, correctly rounded to the nearest double: the same bits on every machine.
 *
 * The C library's exp, tanh or pow differ in their last bits between versions and CPUs; calibration
 * and folding must not. Each function here is evaluated in ball arithmetic (Arb; F. Johansson,
 * "Arb: efficient arbitrary-precision midpoint-radius interval arithmetic", 2017) with growing
 * precision until every point of the ball rounds to one double (Ziv's strategy).
 *
 * All functions: domain errors give NaN, poles give infinities of IEEE 754-2019's sign, NaN gives
 * the canonical NaN. Zero's sign follows IEEE 754-2019 section 9.2. About one microsecond a call.
 * sqrt, floor, ceil, rint, fmod and fma of <math.h> are exactly rounded everywhere; use those
 * directly.
 */
#ifndef SERTN_IR_ROUNDED_MATH_H
#define SERTN_IR_ROUNDED_MATH_H

double rounded_exp(double x);
double rounded_expm1(double x);
double rounded_log(double x);
double rounded_log1p(double x);
double rounded_sin(double x);
double rounded_cos(double x);
double rounded_tan(double x);
double rounded_asin(double x);
double rounded_acos(double x);
double rounded_atan(double x);
double rounded_sinh(double x);
double rounded_cosh(double x);
double rounded_tanh(double x);
double rounded_asinh(double x);
double rounded_acosh(double x);
double rounded_atanh(double x);
double rounded_erf(double x);
double rounded_log2(double x);

/* 1 / (1 + exp(-x)). */
double rounded_sigmoid(double x);
/* log(1 + exp(x)). */
double rounded_softplus(double x);
/* The distribution function of the standard normal law: (1 + erf(x / sqrt 2)) / 2. */
double rounded_normal_cdf(double x);

/* x to the power y with the special cases of C17 F.10.4.4. */
double rounded_pow(double x, double y);

/* exp(2 pi i k / n) as its cosine and sine. Requires: n > 0. */
void rounded_root_of_unity(double *cosine, double *sine, long k, long n);

#endif
