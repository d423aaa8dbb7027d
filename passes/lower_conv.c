/*
 * Lowering of convolutions: one contraction over a window of the padded operand, whole, so that a
 * prover may treat it as a product of polynomials.
 */
#include "passes/lower_window.h"

#include <string.h>

/* Whole numbers times whole numbers stay integers. */
static struct form product_form(struct lowering *l, uint32_t a, uint32_t b)
{
    bool is_integer = lowering_form(l, a).encoding == ENCODING_INTEGER &&
                      lowering_form(l, b).encoding == ENCODING_INTEGER;
    return is_integer ? form_integer()
                      : form_fixed(lowering_fraction(l, a) + lowering_fraction(l, b));
}

/* [N, M, spatial of the result] */
static struct shape result_shape(const struct shape *x, int64_t channels,
                                 const struct window *window)
{
    struct shape shape = {.rank = x->rank, .dim = {x->dim[0], channels}};
    for (unsigned i = 0; i < window->rank; i++)
        shape.dim[i + 2] = window->axis[i].out;
    return shape;
}

uint32_t lowering_convolution(struct lowering *l, uint32_t x, uint32_t w,
                              const struct window *window, int64_t group)
{
    struct shape sx = lowering_shape(l, x), sw = lowering_shape(l, w);
    struct window_view view = lowering_window_view(l, x, window);
    int64_t step[TENSOR_RANK_MAX], filters = sw.dim[0] / group;
    struct space space = {0};
    lowering_strides(step, &sw);
    space_add_out(&space, sx.dim[0], view.stride[0], 0);
    space_add_out(&space, group, view.stride[1] * sw.dim[1], step[0] * filters);
    space_add_out(&space, filters, 0, step[0]);
    space_add_sum(&space, sw.dim[1], view.stride[1], step[1]);
    for (unsigned i = 0; i < window->rank; i++) {
        const struct window_axis *axis = &window->axis[i];
        space_add_out(&space, axis->out, view.stride[i + 2] * axis->stride, 0);
        space_add_sum(&space, axis->kernel, view.stride[i + 2] * axis->dilation, step[i + 2]);
    }
    struct shape shape = result_shape(&sx, sw.dim[0], window);
    return lowering_reshape(l,
                            lowering_contract_space(l, view.operand, (struct space_operand){w, 0},
                                                    &space, product_form(l, x, w)),
                            &shape);
}

uint32_t lowering_add_bias(struct lowering *l, uint32_t y, size_t i)
{
    if (!lowering_has_input(l, i))
        return y;
    struct shape shape = lowering_shape(l, y), column = {.rank = shape.rank};
    for (unsigned d = 0; d < shape.rank; d++)
        column.dim[d] = d == 1 ? shape.dim[1] : 1;
    uint32_t bias = lowering_reshape(l, lowering_factor(l, i), &column);
    return lowering_sum2(l, &shape, y, 1, bias, 1);
}

void lower_conv(struct lowering *l)
{
    struct window window;
    uint32_t x = lowering_factor(l, 0), w = lowering_factor(l, 1);
    struct shape sx = lowering_shape(l, x), sw = lowering_shape(l, w);
    lowering_require(l, window_read(l->diag, l->node, &sx, &sw, &window));
    uint32_t y = lowering_convolution(l, x, w, &window, lowering_attribute_int(l, "group", 1));
    lowering_output(l, 0, lowering_add_bias(l, y, 2));
}

/* ---- transposed ---- */

/*
 * x with stride - 1 zeros between neighbours of a spatial axis, and as many at the ends as make a
 * convolution of stride 1 with the mirrored kernel: element q of an axis is x[(q - lead) / stride],
 * lead = (kernel - 1) dilation - pad_begin.
 */
static uint32_t spread(struct lowering *l, uint32_t x, const struct window *window)
{
    struct shape shape = lowering_shape(l, x), wide_shape = shape;
    int64_t stride[TENSOR_RANK_MAX];
    lowering_strides(stride, &shape);
    for (unsigned i = 0; i < window->rank; i++) {
        const struct window_axis *axis = &window->axis[i];
        wide_shape.dim[i + 2] = axis->out + (axis->kernel - 1) * axis->dilation;
    }
    size_t count = shape_elements(&wide_shape);
    int64_t *list = lowering_array(l, int64_t, count);
    for (size_t e = 0; e < count; e++) {
        size_t rest = e;
        int64_t at = 0;
        bool is_zero = false;
        for (unsigned d = shape.rank; d-- > 0;) {
            int64_t q = (int64_t)(rest % (size_t)wide_shape.dim[d]);
            rest /= (size_t)wide_shape.dim[d];
            if (d >= 2) {
                const struct window_axis *axis = &window->axis[d - 2];
                q -= (axis->kernel - 1) * axis->dilation - axis->pad_begin;
                is_zero |= q < 0 || q % axis->stride != 0 || q / axis->stride >= axis->in;
                q /= axis->stride;
            }
            at += q * stride[d];
        }
        list[e] = is_zero ? -1 : at;
    }
    return lowering_pick(l, x, &wide_shape, list);
}

/* w: [C, M / group, spatial...] */
void lower_conv_transpose(struct lowering *l)
{
    struct window window;
    uint32_t x = lowering_factor(l, 0), w = lowering_factor(l, 1);
    struct shape sx = lowering_shape(l, x), sw = lowering_shape(l, w);
    lowering_require(l, transpose_window_read(l->diag, l->node, &sx, &sw, &window));
    int64_t group = lowering_attribute_int(l, "group", 1), channels = sx.dim[1] / group,
            from[TENSOR_RANK_MAX], step[TENSOR_RANK_MAX], last = 0;
    uint32_t z = spread(l, x, &window);
    struct shape sz = lowering_shape(l, z);
    struct space space = {0};
    lowering_strides(from, &sz);
    lowering_strides(step, &sw);
    space_add_out(&space, sx.dim[0], from[0], 0);
    space_add_out(&space, group, from[1] * channels, step[0] * channels);
    space_add_out(&space, sw.dim[1], 0, step[1]);
    space_add_sum(&space, channels, from[1], step[0]);
    for (unsigned i = 0; i < window.rank; i++) {
        const struct window_axis *axis = &window.axis[i];
        space_add_out(&space, axis->out, from[i + 2], 0);
        space_add_sum(&space, axis->kernel, from[i + 2] * axis->dilation, -step[i + 2]);
        last += (axis->kernel - 1) * step[i + 2];
    }
    struct shape shape = result_shape(&sx, sw.dim[1] * group, &window);
    uint32_t y =
        lowering_contract_space(l, (struct space_operand){z, 0}, (struct space_operand){w, last},
                                &space, product_form(l, z, w));
    lowering_output(l, 0, lowering_add_bias(l, lowering_reshape(l, y, &shape), 2));
}
