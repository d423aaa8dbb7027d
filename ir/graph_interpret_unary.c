/* Kernels of elementwise operators with one operand, and Cast. See graph_interpret.h. */
#include "ir/graph_kernel_shared.h"
#include "ir/rounded_math.h"

#include <math.h>
#include <string.h>

/* Attributes of parametric functions, with ONNX's names. */
struct unary_parameters {
    double alpha, beta, gamma;
    bool tanh_form;
};
typedef double (*unary_function)(double x, const struct unary_parameters *p);

/* A function without parameters. */
#define PLAIN(name, expression)                                                                    \
    static double unary_##name(double x, const struct unary_parameters *p)                         \
    {                                                                                              \
        (void)p;                                                                                   \
        return expression;                                                                         \
    }
/* A function of p->alpha and so on. */
#define PARAMETRIC(name, expression)                                                               \
    static double unary_##name(double x, const struct unary_parameters *p)                         \
    {                                                                                              \
        return expression;                                                                         \
    }

PLAIN(abs, fabs(x))
PLAIN(neg, -x)
PLAIN(sign, isnan(x) ? x : (double)((x > 0) - (x < 0)))
PLAIN(floor, floor(x))
PLAIN(ceil, ceil(x))
PLAIN(round, rint(x))
PLAIN(sqrt, sqrt(x))
PLAIN(reciprocal, 1.0 / x)
PLAIN(exp, rounded_exp(x))
PLAIN(log, rounded_log(x))
PLAIN(erf, rounded_erf(x))
PLAIN(sin, rounded_sin(x))
PLAIN(cos, rounded_cos(x))
PLAIN(tan, rounded_tan(x))
PLAIN(asin, rounded_asin(x))
PLAIN(acos, rounded_acos(x))
PLAIN(atan, rounded_atan(x))
PLAIN(sinh, rounded_sinh(x))
PLAIN(cosh, rounded_cosh(x))
PLAIN(tanh, rounded_tanh(x))
PLAIN(asinh, rounded_asinh(x))
PLAIN(acosh, rounded_acosh(x))
PLAIN(atanh, rounded_atanh(x))
PLAIN(sigmoid, rounded_sigmoid(x))
PLAIN(relu, x < 0 ? 0.0 : x)
PLAIN(softplus, rounded_softplus(x))
PLAIN(softsign, isinf(x) ? copysign(1.0, x) : x / (1.0 + fabs(x)))
PLAIN(mish, isinf(x) && x < 0 ? -0.0 : x * rounded_tanh(rounded_softplus(x)))
PARAMETRIC(leaky_relu, x < 0 ? p->alpha * x : x)
PARAMETRIC(thresholded_relu, x > p->alpha ? x : (isnan(x) ? x : 0.0))
PARAMETRIC(shrink, x<-p->beta ? x + p->gamma : x> p->beta ? x - p->gamma : isnan(x) ? x : 0.0)
PARAMETRIC(hard_sigmoid, isnan(x) ? x : fmax(0.0, fmin(1.0, p->alpha *x + p->beta)))
PARAMETRIC(elu, x < 0 ? p->alpha * rounded_expm1(x) : x)
PARAMETRIC(celu, x < 0 ? p->alpha * rounded_expm1(x / p->alpha) : x)
PARAMETRIC(selu, p->gamma *(x <= 0 ? p->alpha * rounded_expm1(x) : x))
PARAMETRIC(swish, x *rounded_sigmoid(p->alpha *x))

static double unary_gelu(double x, const struct unary_parameters *p)
{
    if (isinf(x))
        return x > 0 ? x : -0.0;
    if (!p->tanh_form)
        return x * rounded_normal_cdf(x);
    double root_2_over_pi = 0x1.9884533d43651p-1;
    return 0.5 * x * (1.0 + rounded_tanh(root_2_over_pi * (x + 0.044715 * x * x * x)));
}

/* ORDER op_kind: operators that are not here are handled by name below. */
static const unary_function functions[OP_COUNT] = {
    [OP_ABS] = unary_abs,
    [OP_NEG] = unary_neg,
    [OP_SIGN] = unary_sign,
    [OP_FLOOR] = unary_floor,
    [OP_CEIL] = unary_ceil,
    [OP_ROUND] = unary_round,
    [OP_SQRT] = unary_sqrt,
    [OP_RECIPROCAL] = unary_reciprocal,
    [OP_EXP] = unary_exp,
    [OP_LOG] = unary_log,
    [OP_ERF] = unary_erf,
    [OP_SIN] = unary_sin,
    [OP_COS] = unary_cos,
    [OP_TAN] = unary_tan,
    [OP_ASIN] = unary_asin,
    [OP_ACOS] = unary_acos,
    [OP_ATAN] = unary_atan,
    [OP_SINH] = unary_sinh,
    [OP_COSH] = unary_cosh,
    [OP_TANH] = unary_tanh,
    [OP_ASINH] = unary_asinh,
    [OP_ACOSH] = unary_acosh,
    [OP_ATANH] = unary_atanh,
    [OP_SIGMOID] = unary_sigmoid,
    [OP_RELU] = unary_relu,
    [OP_LEAKY_RELU] = unary_leaky_relu,
    [OP_THRESHOLDED_RELU] = unary_thresholded_relu,
    [OP_SHRINK] = unary_shrink,
    [OP_HARD_SIGMOID] = unary_hard_sigmoid,
    [OP_ELU] = unary_elu,
    [OP_CELU] = unary_celu,
    [OP_SELU] = unary_selu,
    [OP_GELU] = unary_gelu,
    [OP_SWISH] = unary_swish,
    [OP_MISH] = unary_mish,
    [OP_SOFTPLUS] = unary_softplus,
    [OP_SOFTSIGN] = unary_softsign,
};

static double near_sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* What the C library gives, off by a few units of the last place of a double at most: enough to
 * tell which float it is. */
static double (*const near_functions[OP_COUNT])(double x) = {[OP_EXP] = exp,
                                                             [OP_LOG] = log,
                                                             [OP_ERF] = erf,
                                                             [OP_SIN] = sin,
                                                             [OP_COS] = cos,
                                                             [OP_TANH] = tanh,
                                                             [OP_SIGMOID] = near_sigmoid};

/*
 * Sets an element when all numbers within 2^-40 of the function's value, relatively, round to one
 * number of the tensor's type: it is then what the exact value, rounded to a double first, rounds
 * to, on every machine. One float of 2^14 is left to ball arithmetic, which takes fifty times as
 * long.
 */
static bool set_near(struct tensor *out, size_t i, double (*near)(double x), double x)
{
    if (!(fabs(x) < 0x1p20))
        return false;
    double y = near(x);
    if (!(fabs(y) > 0x1p-100 && fabs(y) < 0x1p100))
        return false;
    double low = element_round(out->type, y - y * 0x1p-40),
           high = element_round(out->type, y + y * 0x1p-40);
    if (low != high)
        return false;
    out->data.real[i] = low;
    return true;
}

static struct unary_parameters read_parameters(const struct graph_node *node)
{
    struct unary_parameters p = {.alpha = 1.0};
    switch (node->op) {
    case OP_LEAKY_RELU:
        p.alpha = (double)0.01f;
        break;
    case OP_SHRINK:
        p.beta = graph_attribute_float(node, "lambd", 0.5);
        p.gamma = graph_attribute_float(node, "bias", 0.0);
        break;
    case OP_HARD_SIGMOID:
        p.alpha = (double)0.2f;
        p.beta = graph_attribute_float(node, "beta", 0.5);
        break;
    case OP_SELU:
        p.alpha = 1.67326319217681884765625;
        p.gamma = graph_attribute_float(node, "gamma", 1.05070102214813232421875);
        break;
    case OP_GELU:
        p.tanh_form = strcmp(graph_attribute_text(node, "approximate", "none"), "tanh") == 0;
        break;
    default:
        break;
    }
    p.alpha = graph_attribute_float(node, "alpha", p.alpha);
    return p;
}

/* The few functions that have a meaning on integers; wrapping is the caller's. */
static int64_t integer_function(enum op_kind op, enum element_type type, int64_t x)
{
    bool is_unsigned = element_wrap(type, -1) > 0 || type == ELEMENT_U64;
    switch (op) {
    case OP_NEG:
        return (int64_t)(0 - (uint64_t)x);
    case OP_ABS:
        return x < 0 && !is_unsigned ? (int64_t)(0 - (uint64_t)x) : x;
    case OP_SIGN:
        return is_unsigned ? x != 0 : (x > 0) - (x < 0);
    case OP_RELU:
        return is_unsigned || x > 0 ? x : 0;
    case OP_BITWISE_NOT:
        return ~x;
    case OP_NOT:
        return x == 0;
    default:
        return x; /* Floor, Ceil, Round of an integer */
    }
}

static bool has_integer_form(enum op_kind op)
{
    return op == OP_NEG || op == OP_ABS || op == OP_SIGN || op == OP_RELU || op == OP_BITWISE_NOT ||
           op == OP_NOT || op == OP_FLOOR || op == OP_CEIL || op == OP_ROUND;
}

enum status run_unary(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    struct tensor *out = call->out[0];
    enum op_kind op = call->node->op;
    if (!element_type_is_float(in->type)) {
        if (!has_integer_form(op))
            return kernel_fail(call, STATUS_UNSUPPORTED, "the operator has no meaning on %s",
                               element_type_name(in->type));
        for (size_t i = 0; i < in->count; i++)
            tensor_set_integer(out, i, integer_function(op, in->type, in->data.integer[i]));
        return STATUS_OK;
    }
    unary_function f = functions[op];
    if (f == NULL)
        return kernel_fail(call, STATUS_UNSUPPORTED, "the operator has no meaning on %s",
                           element_type_name(in->type));
    struct unary_parameters p = read_parameters(call->node);
    double (*near)(double x) = out->type == ELEMENT_F64 ? NULL : near_functions[op];
    for (size_t i = 0; i < in->count; i++) {
        if (near == NULL || !set_near(out, i, near, in->data.real[i]))
            tensor_set_real(out, i, f(in->data.real[i], &p));
    }
    return STATUS_OK;
}

enum status run_is_nan(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    for (size_t i = 0; i < in->count; i++)
        call->out[0]->data.integer[i] = element_type_is_float(in->type) && isnan(in->data.real[i]);
    return STATUS_OK;
}

enum status run_is_inf(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    bool negative = graph_attribute_int(call->node, "detect_negative", 1) != 0;
    bool positive = graph_attribute_int(call->node, "detect_positive", 1) != 0;
    for (size_t i = 0; i < in->count; i++) {
        double x = element_type_is_float(in->type) ? in->data.real[i] : 0.0;
        call->out[0]->data.integer[i] = isinf(x) && (x > 0 ? positive : negative);
    }
    return STATUS_OK;
}

enum status run_identity(struct kernel_call *call)
{
    call->out[0] = (struct tensor *)call->in[0];
    return STATUS_OK;
}
