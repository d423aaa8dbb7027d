/*
 * Import rules of the experimental operators that ONNX had before opset 10 and old exporters wrote:
 * Affine, Scale, ImageScaler, Crop, ScaledTanh, ParametricSoftplus, ConstantFill. Source: the
 * experimental section of Operators.md in onnx 1.2.
 */
#include "frontend/import_node.h"
#include "frontend/import_rules.h"

/* x factor, nothing when it is 1. */
static uint32_t times(struct import_node *n, uint32_t x, double factor)
{
    return factor == 1 ? x : emit2(n, OP_MUL, x, constant_real(n, value_type(n, x), factor));
}

/* Affine: alpha x + beta. Scale: scale x. */
void import_affine(struct import_node *n)
{
    uint32_t x = times(n, required(n, 0), attr_float(n, "scale", attr_float(n, "alpha", 1)));
    double beta = attr_float(n, "beta", 0);
    if (beta != 0)
        x = emit2(n, OP_ADD, x, constant_real(n, value_type(n, x), beta));
    set_output(n, 0, x);
}

/* ImageScaler: x scale + bias, one bias a channel of [N, C, H, W]. */
void import_image_scaler(struct import_node *n)
{
    uint32_t x = times(n, required(n, 0), attr_float(n, "scale", 1));
    size_t count;
    const double *bias = attr_floats(n, "bias", &count);
    if (bias != NULL) {
        int64_t dims[2] = {(int64_t)count, 1};
        uint32_t column = parameter_list(n, value_type(n, x), bias, count, dims, 2);
        x = emit2(n, OP_ADD, x, unsqueeze_at(n, column, 1));
    }
    set_output(n, 0, x);
}

/*
 * Crop of [N, C, H, W]: border is (left, top, right, bottom). With scale, (height, width), the
 * result has that size and begins at left and top.
 */
void import_crop(struct import_node *n)
{
    uint32_t x = required(n, 0);
    size_t border_count, scale_count;
    const int64_t *border = attr_ints(n, "border", &border_count),
                  *scale = attr_ints(n, "scale", &scale_count);
    const struct shape *shape = value_shape(n, x);
    if (border == NULL || border_count != 4 || (scale != NULL && scale_count != 2))
        rule_fail(n, STATUS_BAD_INPUT, "border has 4 numbers and scale, when written, 2");
    if (n->status == STATUS_OK && shape->rank != 4)
        rule_fail(n, STATUS_BAD_INPUT, "the operand must be [batch, channel, height, width]");
    if (n->status != STATUS_OK)
        return;
    int64_t starts[2] = {border[1], border[0]}, axes[2] = {2, 3}, ends[2];
    for (unsigned i = 0; i < 2; i++) {
        int64_t dim = shape->dim[i + 2], cut = border[3 - i];
        /* Held to the axis before they are added up. */
        bool is_within = starts[i] >= 0 && starts[i] < dim;
        if (scale != NULL) {
            is_within = is_within && scale[i] >= 1 && scale[i] <= dim - starts[i];
            ends[i] = is_within ? starts[i] + scale[i] : 0;
        } else {
            is_within = is_within && cut >= 0 && cut < dim - starts[i];
            ends[i] = is_within ? dim - cut : 0;
        }
        if (!is_within)
            rule_fail(n, STATUS_BAD_INPUT,
                      "the border leaves nothing of axis %u, or reaches beyond", i + 2);
    }
    uint32_t in[4] = {x, constant_ints(n, starts, 2), constant_ints(n, ends, 2),
                      constant_ints(n, axes, 2)};
    set_output(n, 0, emit_list(n, OP_SLICE, in, 4));
}

/* ScaledTanh: alpha tanh(beta x). ParametricSoftplus: alpha softplus(beta x). */
void import_scaled_function(struct import_node *n)
{
    uint32_t x = times(n, required(n, 0), attr_float(n, "beta", 1));
    set_output(n, 0, times(n, emit1(n, n->rule->kind, x), attr_float(n, "alpha", 1)));
}

/*
 * ConstantFill: `value` in the shape that the operand holds (input_as_shape), or has, or that the
 * attribute says; extra_shape is put behind it.
 */
void import_constant_fill(struct import_node *n)
{
    size_t count, extra_count;
    const int64_t *dims = attr_ints(n, "shape", &count),
                  *extra = attr_ints(n, "extra_shape", &extra_count);
    int64_t dtype = attr_int(n, "dtype", ELEMENT_F32);
    enum element_type type = (enum element_type)dtype;
    uint32_t given = operand(n, 0), shape;
    if (dtype <= 0 || dtype > ELEMENT_I2 || element_type_bits(type) == 0)
        rule_fail(n, STATUS_UNSUPPORTED, "elements of type %lld", (long long)dtype);
    if (given == GRAPH_NONE && dims == NULL)
        rule_fail(n, STATUS_BAD_INPUT, "neither an operand nor an attribute says its shape");
    if (n->status != STATUS_OK)
        return;
    if (given == GRAPH_NONE)
        shape = constant_ints(n, dims, count);
    else if (attr_int(n, "input_as_shape", 0) != 0)
        shape = cast_to(n, given, ELEMENT_I64);
    else
        shape = emit1(n, OP_SHAPE, given);
    if (extra_count > 0) {
        stage_int(n, "axis", 0);
        shape = emit2(n, OP_CONCAT, shape, constant_ints(n, extra, extra_count));
    }
    uint32_t value = constant_real(n, ELEMENT_F32, attr_float(n, "value", 0));
    set_output(n, 0, emit2(n, OP_EXPAND, cast_to(n, value, type), shape));
}
