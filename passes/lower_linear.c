/*
 * Lowering of linear algebra: sums, products, matrix products, reductions that add up. Accumulators
 * are exact.
 */
#include <math.h>
#include <string.h>

#include "passes/lower_internal.h"

/* ---- elementwise ---- */

/* Integers stay integers; anything else is fixed point. */
static struct form result_form(const struct lowering *l, int32_t fraction)
{
    enum element_type type = l->graph->values[l->node->outputs[0]].type;
    return element_type_is_float(type) || fraction != 0 ? form_fixed(fraction) : form_integer();
}

/* Sum of all operands with the given signs at the largest fraction among them. */
static uint32_t signed_sum(struct lowering *l, const int64_t *signs)
{
    size_t count = l->node->input_count;
    struct shape shape = lowering_output_shape(l, 0);
    int32_t fraction = INT32_MIN;
    for (size_t i = 0; i < count; i++) {
        int32_t own = lowering_fraction(l, lowering_input(l, i));
        fraction = own > fraction ? own : fraction;
    }
    struct relation_term *terms = lowering_array(l, struct relation_term, count);
    for (size_t i = 0; i < count; i++) {
        uint32_t x = lowering_input(l, i);
        wide coefficient;
        if (!wide_shift_left(&coefficient, wide_from_i64(signs == NULL ? 1 : signs[i]),
                             (unsigned)(fraction - lowering_fraction(l, x))))
            lowering_fail(l, STATUS_LIMIT, "operands differ by %d bits in their scales",
                          fraction - lowering_fraction(l, x));
        terms[i] = lowering_term_wide(l, coefficient, x, &shape);
    }
    return lowering_linear(l, &shape, result_form(l, fraction), terms, count, wide_from_i64(0));
}

void lower_add(struct lowering *l)
{
    lowering_output(l, 0, signed_sum(l, NULL));
    lowering_join_absent(l);
}

void lower_sub(struct lowering *l)
{
    lowering_output(l, 0, signed_sum(l, (const int64_t[]){1, -1}));
    lowering_join_absent(l);
}

void lower_neg(struct lowering *l)
{
    lowering_output(l, 0, lowering_affine(l, -1, lowering_input(l, 0), wide_from_i64(0)));
}

/* Bits an operand may have: more where it is summed up with stored weights to fewer numbers, which
 * are then cheaper to round. */
static unsigned factor_room(struct lowering *l, size_t i, uint32_t x)
{
    enum { FACTOR_BITS = 100, PRODUCT_BITS = 180 };
    struct shape out = lowering_output_shape(l, 0);
    bool has_other = i < 2 && l->node->input_count > 1 && lowering_has_input(l, 1 - i);
    if (!has_other || lowering_data(l, 1 - i) == NULL ||
        lowering_tensor(l, x)->count <= shape_elements(&out))
        return FACTOR_BITS;
    unsigned other = range_bits(lowering_range_of(l, lowering_input(l, 1 - i)));
    return other + FACTOR_BITS < PRODUCT_BITS ? PRODUCT_BITS - other : FACTOR_BITS;
}

/*
 * Whether rounding an operand takes fewer rows than the bits that it would add to the results, each
 * of which is rounded once.
 */
static bool rounding_pays(struct lowering *l, uint32_t x, int32_t fraction)
{
    /* Rows of a rounding without its limbs, and bits that two limbs of a row hold. */
    enum { ROUNDING_ROWS = 3, ROW_BITS = 26, EXCESS_LEAST = 8 };
    struct shape out = lowering_output_shape(l, 0);
    double excess = lowering_fraction(l, x) - fraction,
           count = (double)lowering_tensor(l, x)->count;
    return excess >= EXCESS_LEAST && count * (ROUNDING_ROWS + excess / ROW_BITS) <
                                         (double)shape_elements(&out) * excess / ROW_BITS;
}

uint32_t lowering_factor(struct lowering *l, size_t i)
{
    enum { SPARE_BITS = 6 };
    uint32_t x = lowering_input(l, i);
    int32_t fraction = lowering_input_fraction(l, i);
    if (lowering_tensor(l, x)->role != ROLE_WITNESS)
        return x;
    uint32_t rounded = lowering_known_rounding(l, x, fraction, fraction + SPARE_BITS);
    if (rounded != RELATION_NONE)
        return rounded;
    bool is_wide = range_bits(lowering_range_of(l, x)) > factor_room(l, i, x);
    return is_wide || rounding_pays(l, x, fraction) ? lowering_trim(l, x, fraction, 1) : x;
}

void lower_mul(struct lowering *l)
{
    if (lowering_output_plan(l, 0)->takes_mask) {
        lowering_mask_product(l);
        return;
    }
    struct shape shape = lowering_output_shape(l, 0);
    uint32_t a = lowering_factor(l, 0), b = lowering_factor(l, 1);
    struct relation_term term = lowering_term_product(l, 1, a, b, &shape);
    lowering_output(
        l, 0,
        lowering_product(l, &shape,
                         result_form(l, lowering_fraction(l, a) + lowering_fraction(l, b)), &term,
                         1, wide_from_i64(0)));
}

uint32_t lowering_scale(struct lowering *l, uint32_t x, double c)
{
    enum { SIGNIFICANT_BITS = 40 };
    int exponent = 0;
    frexp(c, &exponent);
    int32_t bits = 0, most = SIGNIFICANT_BITS - exponent;
    while (bits < most && ldexp(c, bits) != floor(ldexp(c, bits)))
        bits++;
    struct shape shape = lowering_shape(l, x);
    struct relation_term term = lowering_term_wide(l, lowering_real(l, c, bits), x, &shape);
    uint32_t y = lowering_linear(l, &shape, form_fixed(lowering_fraction(l, x) + bits), &term, 1,
                                 wide_from_i64(0));
    lowering_widen_error(l, y, bound_mul(lowering_real_off(c, bits), lowering_ideal_most(l, x)));
    return y;
}

/* ---- matrix products ---- */

static void row_major(int64_t *strides, const struct shape *shape)
{
    int64_t stride = 1;
    for (unsigned d = shape->rank; d-- > 0;) {
        strides[d] = stride;
        stride *= shape->dim[d];
    }
}

static struct relation_view view_in(uint32_t tensor, const struct shape *space,
                                    const int64_t *strides)
{
    struct relation_view view = {.tensor = tensor};
    for (unsigned d = 0; d < space->rank; d++) {
        view.high[d] = space->dim[d];
        view.stride[d] = strides[d];
    }
    return view;
}

/* Batch dimensions of a product of shapes a and b. */
static unsigned batch_axes(struct lowering *l, const struct shape *a, const struct shape *b)
{
    unsigned rank = a->rank > b->rank ? a->rank : b->rank, batch = rank > 2 ? rank - 2 : 0;
    if (batch + 3 > TENSOR_RANK_MAX)
        lowering_fail(l, STATUS_LIMIT,
                      "a matrix product with %u batch dimensions; reshape them into at most %d",
                      batch, TENSOR_RANK_MAX - 3);
    return batch;
}

void check_matmul(struct lowering *l)
{
    (void)batch_axes(l, &lowering_graph_value(l, 0)->shape, &lowering_graph_value(l, 1)->shape);
}

void check_q_linear_matmul(struct lowering *l)
{
    (void)batch_axes(l, &lowering_graph_value(l, 0)->shape, &lowering_graph_value(l, 3)->shape);
}

/* numpy.matmul over the space (batch..., rows, columns, inner). */
uint32_t lowering_matmul(struct lowering *l, uint32_t a, uint32_t b)
{
    struct shape sa = lowering_shape(l, a), sb = lowering_shape(l, b);
    int64_t step_a[TENSOR_RANK_MAX], step_b[TENSOR_RANK_MAX];
    row_major(step_a, &sa);
    row_major(step_b, &sb);
    unsigned batch_a = sa.rank > 2 ? sa.rank - 2u : 0, batch_b = sb.rank > 2 ? sb.rank - 2u : 0;
    unsigned batch = batch_axes(l, &sa, &sb);
    struct shape space = {.rank = (uint8_t)(batch + 3)}, out = {0};
    int64_t va[TENSOR_RANK_MAX] = {0}, vb[TENSOR_RANK_MAX] = {0};
    for (unsigned d = 0; d < batch; d++) {
        int64_t x = d + batch_a >= batch ? sa.dim[d + batch_a - batch] : 1,
                y = d + batch_b >= batch ? sb.dim[d + batch_b - batch] : 1;
        space.dim[d] = x == 1 ? y : x;
        va[d] = x == 1 ? 0 : step_a[d + batch_a - batch];
        vb[d] = y == 1 ? 0 : step_b[d + batch_b - batch];
        out.dim[out.rank++] = space.dim[d];
    }
    space.dim[batch] = sa.rank > 1 ? sa.dim[sa.rank - 2] : 1;
    va[batch] = sa.rank > 1 ? step_a[sa.rank - 2] : 0;
    space.dim[batch + 1] = sb.rank > 1 ? sb.dim[sb.rank - 1] : 1;
    vb[batch + 1] = sb.rank > 1 ? step_b[sb.rank - 1] : 0;
    space.dim[batch + 2] = sa.dim[sa.rank - 1];
    va[batch + 2] = step_a[sa.rank - 1];
    vb[batch + 2] = sb.rank > 1 ? step_b[sb.rank - 2] : step_b[0];
    if (sa.rank > 1)
        out.dim[out.rank++] = space.dim[batch];
    if (sb.rank > 1)
        out.dim[out.rank++] = space.dim[batch + 1];
    struct relation_view view_a = view_in(a, &space, va), view_b = view_in(b, &space, vb);
    uint32_t product =
        lowering_contract(l, &space, 1, &view_a, &view_b,
                          form_fixed(lowering_fraction(l, a) + lowering_fraction(l, b)));
    return lowering_reshape(l, product, &out);
}

void lower_matmul(struct lowering *l)
{
    uint32_t a = lowering_factor(l, 0), b = lowering_factor(l, 1);
    lowering_output(l, 0, lowering_matmul(l, a, b));
}

/* A stored operand times a factor, folded into its stored numbers; others are multiplied by a
 * constant. */
static uint32_t scaled_operand(struct lowering *l, size_t i, double scale)
{
    const struct tensor *data = lowering_data(l, i);
    int32_t fraction = lowering_input_fraction(l, i);
    if (scale == 1)
        return lowering_factor(l, i);
    if (data != NULL && element_type_is_float(data->type) && lowering_is_parameter(l, i))
        return lowering_parameter(l, lowering_graph_value(l, i)->name, &data->shape,
                                  data->data.real, scale, fraction);
    uint32_t x = lowering_factor(l, i);
    int32_t bits = 0;
    while (bits < 40 && ldexp(scale, bits) != floor(ldexp(scale, bits)))
        bits++;
    struct shape shape = lowering_shape(l, x);
    struct relation_term term = lowering_term_wide(l, lowering_real(l, scale, bits), x, &shape);
    uint32_t y = lowering_linear(l, &shape, form_fixed(lowering_fraction(l, x) + bits), &term, 1,
                                 wide_from_i64(0));
    lowering_widen_error(l, y,
                         bound_mul(lowering_real_off(scale, bits), lowering_ideal_most(l, x)));
    return y;
}

void lower_gemm(struct lowering *l)
{
    double alpha = lowering_attribute_float(l, "alpha", 1),
           beta = lowering_attribute_float(l, "beta", 1);
    bool on_a = lowering_is_parameter(l, 0) && !lowering_is_parameter(l, 1);
    uint32_t a = on_a ? scaled_operand(l, 0, alpha) : lowering_factor(l, 0),
             b = on_a ? lowering_factor(l, 1) : scaled_operand(l, 1, alpha);
    struct shape sa = lowering_shape(l, a), sb = lowering_shape(l, b),
                 shape = lowering_output_shape(l, 0);
    bool flip_a = lowering_attribute_int(l, "transA", 0) != 0,
         flip_b = lowering_attribute_int(l, "transB", 0) != 0;
    struct shape space = shape_of(3, shape.dim[0], shape.dim[1], sa.dim[flip_a ? 0 : 1]);
    int64_t va[3] = {flip_a ? 1 : sa.dim[1], 0, flip_a ? sa.dim[1] : 1},
            vb[3] = {0, flip_b ? sb.dim[1] : 1, flip_b ? 1 : sb.dim[1]};
    struct relation_view view_a = view_in(a, &space, va), view_b = view_in(b, &space, vb);
    int32_t fraction = lowering_fraction(l, a) + lowering_fraction(l, b);
    uint32_t product = lowering_contract(l, &space, 1, &view_a, &view_b, form_fixed(fraction));
    if (!lowering_has_input(l, 2) || beta == 0) {
        lowering_output(l, 0, product);
        return;
    }
    uint32_t c = scaled_operand(l, 2, beta);
    lowering_output(l, 0, lowering_sum2(l, &shape, product, 1, c, 1));
}

uint32_t lowering_sum2(struct lowering *l, const struct shape *shape, uint32_t a, int64_t sign_a,
                       uint32_t b, int64_t sign_b)
{
    int32_t fa = lowering_fraction(l, a), fb = lowering_fraction(l, b),
            fraction = fa > fb ? fa : fb;
    wide ca, cb;
    if (!wide_shift_left(&ca, wide_from_i64(sign_a), (unsigned)(fraction - fa)) ||
        !wide_shift_left(&cb, wide_from_i64(sign_b), (unsigned)(fraction - fb)))
        lowering_fail(l, STATUS_LIMIT, "operands differ by %d bits in their scales",
                      fa > fb ? fa - fb : fb - fa);
    struct relation_term terms[2] = {lowering_term_wide(l, ca, a, shape),
                                     lowering_term_wide(l, cb, b, shape)};
    return lowering_linear(l, shape, form_fixed(fraction), terms, 2, wide_from_i64(0));
}
