/* Cast, CastLike, BitCast (ai.onnx opset 28). See graph_interpret.h. */
#include "ir/graph_kernel_shared.h"

#include <string.h>

/* The largest finite value of the float types whose Cast may saturate; 0 for the others. */
static double saturation_bound(enum element_type type)
{
    switch (type) {
    case ELEMENT_F8E4M3FN:
        return 448.0;
    case ELEMENT_F8E4M3FNUZ:
        return 240.0;
    case ELEMENT_F8E5M2:
    case ELEMENT_F8E5M2FNUZ:
        return 57344.0;
    default:
        return 0.0;
    }
}

/* A power of two for float8e8m0 by the round_mode attribute: "up", "down", "nearest". */
static double round_scale(double value, const char *mode, bool saturate)
{
    if (isnan(value))
        return NAN;
    value = fabs(value);
    int exponent;
    double fraction =
        frexp(value, &exponent); /* value = fraction * 2^exponent, fraction in [1/2, 1) */
    if (value == 0.0 || exponent - 1 < -127)
        return 0x1p-127;
    if (strcmp(mode, "nearest") == 0)
        exponent += fraction >= 0.75 ? 1 : 0;
    else if (strcmp(mode, "up") == 0)
        exponent += fraction > 0.5 ? 1 : 0;
    if (isinf(value) || exponent - 1 > 127)
        return saturate ? 0x1p127 : NAN;
    return ldexp(1.0, exponent - 1);
}

static double cast_real(enum element_type to, double value, bool saturate, const char *round_mode)
{
    double bound = saturation_bound(to);
    if (to == ELEMENT_F8E8M0)
        return round_scale(value, round_mode, saturate);
    if (to == ELEMENT_F4E2M1 && isnan(value))
        return -0.0; /* the type has no NaN; ONNX's tests expect this */
    if (saturate && bound > 0.0 && fabs(value) > bound)
        return copysign(bound, value);
    if (isinf(value) && bound > 0.0 && to != ELEMENT_F8E5M2)
        return NAN;
    return value;
}

/*
 * Toward zero, then modulo the width. NaN and magnitudes beyond 64 bits have no meaning in ONNX;
 * they give the pattern of INT64_MIN, as x86 hardware does, so that the result is the same on every
 * CPU.
 */
static int64_t cast_to_integer(enum element_type to, double value)
{
    if (value > -0x1p63 && value < 0x1p63)
        return element_wrap(to, (int64_t)value);
    if (to == ELEMENT_U64 && value >= 0x1p63 && value < 0x1p64)
        return (int64_t)(uint64_t)value;
    return element_wrap(to, INT64_MIN);
}

enum status run_cast(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    struct tensor *out = call->out[0];
    enum element_type to = out->type;
    bool saturate = graph_attribute_int(call->node, "saturate", 1) != 0;
    const char *round_mode = graph_attribute_text(call->node, "round_mode", "up");
    bool from_real = element_type_is_float(in->type);
    for (size_t i = 0; i < in->count; i++) {
        if (element_type_is_float(to))
            tensor_set_real(out, i, cast_real(to, tensor_real(in, i), saturate, round_mode));
        else if (to == ELEMENT_BOOL)
            out->data.integer[i] = from_real ? in->data.real[i] != 0 : in->data.integer[i] != 0;
        else if (from_real)
            out->data.integer[i] = cast_to_integer(to, in->data.real[i]);
        else
            tensor_set_integer(out, i, in->data.integer[i]);
    }
    return STATUS_OK;
}

enum status run_bit_cast(struct kernel_call *call)
{
    const struct tensor *in = call->in[0];
    struct tensor *out = call->out[0];
    for (size_t i = 0; i < in->count; i++) {
        uint64_t pattern = 0;
        double value = 0;
        bool known = true;
        if (element_type_is_float(in->type))
            known = float_pattern(in->type, in->data.real[i], &pattern);
        else
            pattern = (uint64_t)in->data.integer[i];
        if (known && element_type_is_float(out->type)) {
            known = float_from_pattern(out->type, pattern, &value);
            tensor_set_real(out, i, value);
        } else {
            tensor_set_integer(out, i, (int64_t)pattern);
        }
        if (!known)
            return kernel_fail(call, STATUS_UNSUPPORTED, "BitCast between %s and %s",
                               element_type_name(in->type), element_type_name(out->type));
    }
    return STATUS_OK;
}
