/* QuantizeLinear-25, DequantizeLinear-25, DynamicQuantizeLinear-11, with their shape rules. */
#include "ir/graph_kernel_shared.h"

#include <inttypes.h>

/* --- rules
 * -------------------------------------------------------------------------------------------- */

enum status infer_quantize_linear(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_same(call);
    if (status != STATUS_OK)
        return status;
    const struct value_info *zero = infer_in(call, 2);
    enum element_type type = zero != NULL ? zero->type : ELEMENT_U8, precision;
    status = infer_type_attribute(call, "output_dtype", type, &type);
    if (status == STATUS_OK)
        status = infer_type_attribute(call, "precision", ELEMENT_F32, &precision);
    if (status != STATUS_OK)
        return status;
    call->out[0].type = type;
    if (!element_type_is_float(precision))
        return infer_fail(call, STATUS_BAD_INPUT, "precision is %s, which is no type of floats",
                          element_type_name(precision));
    if (zero != NULL && zero->type != type)
        return infer_fail(call, STATUS_BAD_INPUT, "the zero point is %s, the result %s",
                          element_type_name(zero->type), element_type_name(type));
    bool small = element_type_is_integer(type) && element_type_bits(type) <= 32;
    if (!small && !element_type_is_float(type))
        return infer_fail(call, STATUS_UNSUPPORTED, "cannot quantize to %s",
                          element_type_name(type));
    return infer_need_floats(call, (size_t[]){1}, 1);
}

enum status infer_dequantize_linear(struct infer_call *call)
{
    enum status status = infer_need(call, 2);
    if (status == STATUS_OK)
        status = infer_same(call);
    if (status != STATUS_OK)
        return status;
    status = infer_type_attribute(call, "output_dtype", call->in[1]->type, &call->out[0].type);
    if (status != STATUS_OK)
        return status;
    if (!element_type_is_float(call->out[0].type))
        return infer_fail(call, STATUS_BAD_INPUT, "the result must be a float");
    return infer_need_floats(call, (size_t[]){1}, 1);
}

enum status infer_dynamic_quantize_linear(struct infer_call *call)
{
    enum status status = infer_same_float(call);
    struct shape scalar = {0};
    if (status != STATUS_OK)
        return status;
    call->out[0].type = ELEMENT_U8;
    infer_result(call, 1, ELEMENT_F32, &scalar);
    infer_result(call, 2, ELEMENT_U8, &scalar);
    return STATUS_OK;
}

/* --- kernels
 * -------------------------------------------------------------------------------------------- */

/* Which scale an element has: one for all, one a slice of `axis`, or one a block along `axis`. */
struct scale_map {
    struct axis_view view;
    size_t block;  /* elements of the axis that share a scale */
    size_t blocks; /* scales along the axis; 0: one scale for all */
    bool per_axis; /* no other axis counts */
};

static enum status scale_map_read(struct kernel_call *call, struct scale_map *map)
{
    const struct tensor *x = call->in[0], *scale = call->in[1], *zero = kernel_in(call, 2);
    *map = (struct scale_map){.block = 1};
    if (zero != NULL && zero->count != scale->count)
        return kernel_fail(call, STATUS_BAD_INPUT, "%zu scales and %zu zero points", scale->count,
                           zero->count);
    if (scale->count == 1 && scale->shape.rank <= 1)
        return STATUS_OK;
    unsigned axis;
    enum status status = normalize_axis(call->diag, graph_attribute_int(call->node, "axis", 1),
                                        x->shape.rank, &axis);
    if (status != STATUS_OK)
        return status;
    map->view = axis_view_of(&x->shape, axis);
    int64_t block = graph_attribute_int(call->node, "block_size", 0);
    map->per_axis = block == 0;
    map->block = block > 0 ? (size_t)block : 1;
    map->blocks = (map->view.length + map->block - 1) / map->block;
    size_t expected =
        map->per_axis ? map->view.length : map->view.outer * map->blocks * map->view.inner;
    if (block < 0 || scale->count != expected)
        return kernel_fail(call, STATUS_BAD_INPUT, "%zu scales, expected %zu", scale->count,
                           expected);
    return STATUS_OK;
}

static size_t scale_of(const struct scale_map *map, size_t i)
{
    if (map->blocks == 0)
        return 0;
    size_t inner = i % map->view.inner, k = i / map->view.inner % map->view.length;
    size_t outer = i / map->view.inner / map->view.length;
    return map->per_axis ? k : (outer * map->blocks + k / map->block) * map->view.inner + inner;
}

/* The largest finite value of a float8 or float4 type. */
static double largest_of(enum element_type type)
{
    switch (type) {
    case ELEMENT_F8E4M3FN:
        return 448.0;
    case ELEMENT_F8E4M3FNUZ:
        return 240.0;
    case ELEMENT_F4E2M1:
        return 6.0;
    default:
        return 57344.0;
    }
}

enum status run_quantize_linear(struct kernel_call *call)
{
    const struct tensor *x = call->in[0], *scale = call->in[1], *zero = kernel_in(call, 2);
    struct tensor *out = call->out[0];
    struct scale_map map;
    enum status status = scale_map_read(call, &map);
    if (status != STATUS_OK)
        return status;
    bool saturate = graph_attribute_int(call->node, "saturate", 1) != 0;
    int64_t precision = graph_attribute_int(call->node, "precision", 0);
    enum element_type type = precision != 0 ? (enum element_type)precision : scale->type;
    for (size_t i = 0; i < x->count; i++) {
        size_t s = scale_of(&map, i);
        /* The quotient is rounded to its type before it is rounded to an integer: ties depend on
         * it. */
        double real = element_round(type, tensor_real(x, i) / tensor_real(scale, s));
        if (!element_type_is_float(out->type)) {
            out->data.integer[i] =
                quantize_element(out->type, real, zero != NULL ? zero->data.integer[s] : 0);
            continue;
        }
        real += zero != NULL ? zero->data.real[s] : 0.0;
        double largest = largest_of(out->type);
        if (saturate && fabs(real) > largest)
            real = copysign(largest, real);
        tensor_set_real(out, i, real);
    }
    return STATUS_OK;
}

enum status run_dequantize_linear(struct kernel_call *call)
{
    const struct tensor *x = call->in[0], *scale = call->in[1], *zero = kernel_in(call, 2);
    struct scale_map map;
    enum status status = scale_map_read(call, &map);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < x->count; i++) {
        size_t s = scale_of(&map, i);
        double centred = tensor_real(x, i) - (zero != NULL ? tensor_real(zero, s) : 0.0);
        tensor_set_real(call->out[0], i, centred * tensor_real(scale, s));
    }
    return STATUS_OK;
}

struct dynamic_scale dynamic_scale_of(const double *x, size_t count)
{
    double low = 0.0, high = 0.0;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, x[i]);
        high = fmax(high, x[i]);
    }
    double scale = element_round(ELEMENT_F32, (high - low) / 255.0);
    double ratio = scale > 0 ? element_round(ELEMENT_F32, -low / scale) : 0.0;
    return (struct dynamic_scale){scale, quantize_element(ELEMENT_U8, ratio, 0)};
}

int64_t dynamic_quantize(const struct dynamic_scale *by, double x)
{
    double real = by->scale > 0 ? element_round(ELEMENT_F32, x / by->scale) : 0.0;
    return quantize_element(ELEMENT_U8, real, by->zero);
}

enum status run_dynamic_quantize_linear(struct kernel_call *call)
{
    const struct tensor *x = call->in[0];
    struct dynamic_scale by = dynamic_scale_of(x->data.real, x->count);
    for (size_t i = 0; call->out[0] != NULL && i < x->count; i++)
        call->out[0]->data.integer[i] = dynamic_quantize(&by, x->data.real[i]);
    if (call->out[1] != NULL)
        tensor_set_real(call->out[1], 0, by.scale);
    if (call->out[2] != NULL)
        tensor_set_integer(call->out[2], 0, by.zero);
    return STATUS_OK;
}
