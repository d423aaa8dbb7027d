/*
 * Lowering of normalisation: LayerNormalization, RMSNormalization, GroupNormalization,
 * InstanceNormalization, BatchNormalization, LRN.
 *
 * A row x of n elements with sum s: c = n x - s is an integer, n times what x is from the mean, and
 * S = sum c^2 is n^3 times the variance. Then (x - mean) / sqrt(variance + e) = c sqrt(n) / sqrt(S
 * + n^3 e): one root and one quotient a row, products and one rounding an element.
 */
#include <math.h>

#include "ir/rounded_math.h"
#include "passes/lower_internal.h"

/* Rows brought to mean 0 and mean square 1. */
struct normal_rows {
    uint32_t values;  /* [rows, n] */
    uint32_t mean;    /* [rows, 1]; RELATION_NONE when it is not taken off */
    uint32_t inverse; /* [rows, 1]: 1 / sqrt(variance + epsilon) */
};

static int32_t ceil_log2(double x)
{
    int exponent = 0;
    double fraction = frexp(x, &exponent);
    return fraction == 0.5 ? exponent - 1 : exponent;
}

/* [rows, n] to [rows, 1]. */
static uint32_t column_sum(struct lowering *l, uint32_t rows)
{
    struct shape column = shape_of(2, lowering_tensor(l, rows)->shape[0], (int64_t)1);
    return lowering_reshape(l, lowering_sum_rows(l, rows), &column);
}

/* Sum of squares, [rows, 1]. */
static uint32_t column_squares(struct lowering *l, uint32_t rows)
{
    struct shape space = lowering_shape(l, rows), column = shape_of(2, space.dim[0], (int64_t)1);
    struct relation_view view = lowering_view(l, rows, &space);
    uint32_t sum =
        lowering_contract(l, &space, 1, &view, &view, form_fixed(2 * lowering_fraction(l, rows)));
    return lowering_reshape(l, sum, &column);
}

/* n x - sum, [rows, n]. */
static uint32_t centred(struct lowering *l, uint32_t rows, uint32_t sum)
{
    struct shape shape = lowering_shape(l, rows);
    struct relation_term terms[2] = {lowering_term(l, shape.dim[1], rows, &shape),
                                     lowering_term(l, -1, sum, &shape)};
    return lowering_linear(l, &shape, lowering_form(l, rows), terms, 2, wide_from_i64(0));
}

/*
 * sqrt(n) / sqrt(squares + epsilon), relative to 2^-precision: the root is at least that of
 * epsilon, which says how many bits it needs; the quotient is at least 2^-least. *relative
 * receives the proven error of the quotient before it is rounded, as a part of it.
 */
static uint32_t inverse_root(struct lowering *l, uint32_t squares, double n, double epsilon,
                             int32_t precision, int32_t least, double *relative)
{
    enum { CONSTANT_BITS = 40 };
    int32_t root_bits = precision + 4;
    if (epsilon > 0)
        root_bits = precision - ceil_log2(sqrt(epsilon)) + 1;
    int32_t bits = 2 * root_bits, own = lowering_fraction(l, squares);
    bits = bits < own ? own : bits;
    squares = lowering_affine(l, 1, lowering_to_fraction(l, squares, bits),
                              lowering_real(l, epsilon, bits));
    /* Epsilon as it was rounded to float64 by its factors, and to its bits. */
    lowering_widen_error(l, squares, lowering_real_off(epsilon, bits) + ldexp(epsilon, bits - 50));
    uint32_t root = lowering_square_root(l, squares, root_bits);
    struct shape shape = lowering_shape(l, root), scalar = {0};
    wide number = lowering_real(l, sqrt(n), CONSTANT_BITS);
    uint32_t constant = lowering_constant(l, &scalar, form_fixed(CONSTANT_BITS), &number);
    /* Half a unit, and what the root lacks in float64. */
    lowering_widen_error(l, constant, sqrt(n) == 1 ? 0 : 0.5 + ldexp(sqrt(n), CONSTANT_BITS - 52));
    double off = lowering_error(l, root), room = (lowering_least(l, root) - off) * (1 - 0x1p-50);
    *relative = room > 0 ? bound_add(bound_div(off, room), lowering_error(l, constant)) : INFINITY;
    return lowering_divide(l, &shape, constant, root, precision + least + 1, NULL, NULL);
}

/*
 * y = c inverse of exact rows: at most sqrt(n), of which the inverse is off by a part, and by its
 * last place for each c.
 */
static void state_normal(struct lowering *l, uint32_t y, uint32_t c, uint32_t inverse, double n,
                         double relative)
{
    double size = sqrt(n) * (1 + 0x1p-50), unit = ldexp(1, -lowering_fraction(l, inverse)),
           error = bound_add(bound_mul(size, relative), bound_mul(lowering_most(l, c), unit));
    if (isfinite(error) && bound_is_proven(lowering_bound(l, y)))
        lowering_state_error(l, y, c, error);
}

/*
 * y_i = (x_i - mean) / s, s^2 = variance + epsilon: dy_i / dx_j = ([i = j] - 1 / n - y_i y_j / n) /
 * s, whose sizes sum up to (2 + sqrt n) / s at most; without the mean to (1 + sqrt n) / s. 1 / s
 * changes by y_j / (n s^2), in all 1 / s^2. An epsilon of -0 is one of 0.
 */
static void close_normal(struct lowering *l, const struct bound_scope *scope,
                         const struct normal_rows *rows, double n, double epsilon, bool takes_mean)
{
    double size = sqrt(n) * (1 + 0x1p-50),
           steepest = bound_div(1, sqrt(fabs(epsilon)) * (1 - 0x1p-50)),
           own = lowering_error(l, rows->values);
    struct bound_result results[3] = {
        {rows->values, bound_mul((takes_mean ? 2 : 1) + size, steepest), 2 * size},
        {rows->inverse, bound_mul(steepest, steepest), steepest},
        {rows->mean, 1, 0}};
    lowering_close_bound(l, scope, results, 3);
    lowering_limit(l, rows->values, bound_add(size, own), size);
}

/*
 * Normalised values are at most sqrt(n); their range says so, whatever their interval.
 * plan: of the tensor behind `rows`.
 */
static struct normal_rows normalise(struct lowering *l, uint32_t rows, bool takes_mean,
                                    double epsilon, const struct value_plan *plan)
{
    struct normal_rows out = {.mean = RELATION_NONE};
    struct bound_scope scope = lowering_open_bound(l, rows);
    struct shape shape = lowering_shape(l, rows), column = shape_of(2, shape.dim[0], (int64_t)1);
    double n = (double)shape.dim[1], scale = takes_mean ? n : 1;
    int32_t fraction = lowering_value_fraction(l) + 1, whole = ceil_log2(sqrt(n) * 1.01),
            precision = fraction + whole + 2;
    double seen = fmax(fabs(plan->low), fabs(plan->high));
    int32_t largest = ceil_log2(fmax(seen, 0x1p-20) * scale) + 2;
    uint32_t c = rows;
    if (takes_mean) {
        uint32_t sum = column_sum(l, rows);
        out.mean = lowering_divide_by_count(l, sum, shape.dim[1]);
        c = centred(l, rows, sum);
    }
    double relative;
    uint32_t inverse = inverse_root(l, column_squares(l, c), n, epsilon * n * scale * scale,
                                    precision, largest, &relative);
    struct relation_term grown = lowering_term(l, (int64_t)scale, inverse, &column);
    out.inverse =
        lowering_linear(l, &column, lowering_form(l, inverse), &grown, 1, wide_from_i64(0));
    struct relation_term term = lowering_term_product(l, 1, c, inverse, &shape);
    int32_t exact = lowering_fraction(l, c) + lowering_fraction(l, inverse);
    out.values = lowering_product(l, &shape, form_fixed(exact), &term, 1, wide_from_i64(0));
    state_normal(l, out.values, c, inverse, n, relative);
    if (exact <= fraction) {
        close_normal(l, &scope, &out, n, epsilon, takes_mean);
        return out;
    }
    double own = lowering_error(l, out.values);
    wide high = lowering_power_of_two(l, (unsigned)(whole + fraction));
    struct range range = {wide_from_i64(0), wide_from_i64(0)};
    lowering_require_room(l, wide_neg(&range.low, high) &&
                                 wide_sub(&range.high, high, wide_from_i64(1)));
    out.values =
        lowering_rescale(l, out.values, lowering_power_of_two(l, (unsigned)(exact - fraction)),
                         ROUND_HALF_UP, form_fixed(fraction), &range, NULL);
    if (isfinite(own))
        lowering_state_error(l, out.values, rows, bound_add(own, ldexp(0.5, -fraction)));
    else
        lowering_leave_bound(l, out.values, BOUND_POLE);
    close_normal(l, &scope, &out, n, epsilon, takes_mean);
    return out;
}

/* y scale + bias; bias may be RELATION_NONE. Both broadcast to shape. */
static uint32_t scale_and_shift(struct lowering *l, const struct shape *shape, uint32_t y,
                                uint32_t scale, uint32_t bias)
{
    struct relation_term term = lowering_term_product(l, 1, y, scale, shape);
    uint32_t scaled = lowering_product(
        l, shape, form_fixed(lowering_fraction(l, y) + lowering_fraction(l, scale)), &term, 1,
        wide_from_i64(0));
    return bias == RELATION_NONE ? scaled : lowering_sum2(l, shape, scaled, 1, bias, 1);
}

static double epsilon_of(struct lowering *l)
{
    double epsilon = lowering_attribute_float(l, "epsilon", (double)1e-5f);
    if (!(epsilon >= 0))
        lowering_fail(l, STATUS_UNSUPPORTED, "epsilon = %g; give it a positive one", epsilon);
    return epsilon;
}

/* x as rows of the axes from `axis` on. */
static uint32_t last_axes(struct lowering *l, uint32_t x)
{
    struct shape shape = lowering_shape(l, x), flat = shape_of(2, (int64_t)1, (int64_t)1);
    unsigned axis = lowering_axis(l, lowering_attribute_int(l, "axis", -1), shape.rank);
    for (unsigned d = 0; d < shape.rank; d++)
        flat.dim[d < axis ? 0 : 1] *= shape.dim[d];
    return lowering_reshape(l, x, &flat);
}

/* Nothing to normalise. */
static bool is_empty(struct lowering *l, uint32_t x)
{
    if (lowering_tensor(l, x)->count > 0)
        return false;
    for (size_t i = 0; i < l->node->output_count; i++) {
        if (!lowering_has_output(l, i))
            continue;
        struct shape shape = lowering_output_shape(l, i);
        if (shape_elements(&shape) > 0)
            lowering_fail(l, STATUS_UNSUPPORTED, "the mean of no elements");
        lowering_output(l, i, lowering_constant(l, &shape, form_fixed(0), NULL));
    }
    return true;
}

/* Outputs: Y, Mean?, InvStdDev?. */
void lower_layer_normalization(struct lowering *l)
{
    uint32_t x = lowering_planned_input(l);
    if (is_empty(l, x))
        return;
    struct normal_rows rows =
        normalise(l, last_axes(l, x), true, epsilon_of(l), lowering_input_plan(l, 0));
    struct shape shape = lowering_shape(l, x);
    uint32_t bias = lowering_has_input(l, 2) ? lowering_input(l, 2) : RELATION_NONE;
    lowering_output(l, 0,
                    scale_and_shift(l, &shape, lowering_reshape(l, rows.values, &shape),
                                    lowering_input(l, 1), bias));
    if (lowering_has_output(l, 1))
        lowering_output(l, 1, rows.mean);
    if (lowering_has_output(l, 2))
        lowering_output(l, 2, rows.inverse);
}

void lower_rms_normalization(struct lowering *l)
{
    uint32_t x = lowering_planned_input(l);
    if (is_empty(l, x))
        return;
    struct normal_rows rows =
        normalise(l, last_axes(l, x), false, epsilon_of(l), lowering_input_plan(l, 0));
    struct shape shape = lowering_shape(l, x);
    lowering_output(l, 0,
                    scale_and_shift(l, &shape, lowering_reshape(l, rows.values, &shape),
                                    lowering_input(l, 1), RELATION_NONE));
}

/* One number a channel (axis 1) beside x. */
static uint32_t beside_channels(struct lowering *l, uint32_t x, const struct shape *shape)
{
    struct shape spread = {.rank = shape->rank > 1 ? (uint8_t)(shape->rank - 1) : 1, .dim = {1}};
    for (unsigned d = 0; d < spread.rank; d++)
        spread.dim[d] = d == 0 ? (int64_t)lowering_tensor(l, x)->count : 1;
    return lowering_reshape(l, x, &spread);
}

/* Rows are groups of neighbouring channels of one batch element. */
static void normalise_groups(struct lowering *l, int64_t groups)
{
    uint32_t x = lowering_planned_input(l);
    struct shape shape = lowering_shape(l, x);
    if (is_empty(l, x))
        return;
    int64_t count = shape.dim[0] * groups;
    struct shape flat = shape_of(2, count, (int64_t)lowering_tensor(l, x)->count / count);
    struct normal_rows rows =
        normalise(l, lowering_reshape(l, x, &flat), true, epsilon_of(l), lowering_input_plan(l, 0));
    uint32_t y = lowering_reshape(l, rows.values, &shape);
    lowering_output(l, 0,
                    scale_and_shift(l, &shape, y, beside_channels(l, lowering_input(l, 1), &shape),
                                    beside_channels(l, lowering_input(l, 2), &shape)));
}

void lower_group_normalization(struct lowering *l)
{
    normalise_groups(l, lowering_attribute_int(l, "num_groups", 1));
}

void lower_instance_normalization(struct lowering *l)
{
    struct shape shape = lowering_graph_value(l, 0)->shape;
    normalise_groups(l, shape.rank > 1 ? shape.dim[1] : 1);
}

/* ---- one channel, one factor ---- */

/* (x - mean) / sqrt(var + epsilon) scale + B with everything but x stored: x a + b, both stored. */
static void stored_batch(struct lowering *l, uint32_t x, const struct shape *shape)
{
    const struct tensor *in[5] = {NULL};
    bool is_private = false;
    for (size_t i = 1; i < 5; i++) {
        in[i] = lowering_data(l, i);
        is_private |= lowering_is_parameter(l, i);
    }
    size_t count = in[1]->count;
    double *a = lowering_array(l, double, count), *b = lowering_array(l, double, count);
    double epsilon = epsilon_of(l);
    for (size_t c = 0; c < count; c++) {
        a[c] = in[1]->data.real[c] / sqrt(in[4]->data.real[c] + epsilon);
        b[c] = in[2]->data.real[c] - in[3]->data.real[c] * a[c];
    }
    int32_t fraction = lowering_value_fraction(l) + 1,
            more = ceil_log2(fmax(lowering_largest(lowering_input_plan(l, 0)), 1));
    struct shape line = shape_of(1, (int64_t)count);
    uint32_t factor = lowering_stored(l, "scale", &line, a, fraction + more, is_private),
             shift = lowering_stored(l, "shift", &line, b, fraction, is_private);
    /* Both were computed in float64, a with four roundings, b with six. */
    double size = 0;
    for (size_t c = 0; c < count; c++)
        size = fmax(size, fabs(in[2]->data.real[c]) + fabs(in[3]->data.real[c] * a[c]));
    lowering_widen_error(l, factor, ldexp(bound_add(lowering_bound(l, factor)->most, 1), -50));
    lowering_widen_error(l, shift, ldexp(size, lowering_fraction(l, shift) - 49));
    lowering_output(l, 0,
                    scale_and_shift(l, shape, x, beside_channels(l, factor, shape),
                                    beside_channels(l, shift, shape)));
}

void lower_batch_normalization(struct lowering *l)
{
    uint32_t x = lowering_planned_input(l);
    struct shape shape = lowering_shape(l, x);
    bool is_stored = true;
    for (size_t i = 1; i < 5; i++)
        is_stored &= lowering_data(l, i) != NULL;
    if (is_empty(l, x))
        return;
    if (is_stored) {
        stored_batch(l, x, &shape);
        return;
    }
    /* (x - mean) is at most what the operands are. */
    double size =
        lowering_largest(lowering_input_plan(l, 0)) + lowering_largest(lowering_input_plan(l, 3));
    int32_t fraction = lowering_value_fraction(l) + 2, seen = ceil_log2(fmax(size, 0x1p-20)) + 2,
            factor = ceil_log2(fmax(lowering_largest(lowering_input_plan(l, 1)), 1));
    double ignored;
    uint32_t inverse = inverse_root(l, lowering_input(l, 4), 1, epsilon_of(l),
                                    fraction + factor + seen, 0, &ignored);
    uint32_t mean = beside_channels(l, lowering_input(l, 3), &shape);
    uint32_t centred_x =
        lowering_trim(l, lowering_difference(l, &shape, x, mean), fraction + factor + 4, 16);
    uint32_t scale =
        lowering_trim(l, lowering_times(l, inverse, lowering_input(l, 1)), fraction + seen, 8);
    lowering_output(l, 0,
                    scale_and_shift(l, &shape, centred_x, beside_channels(l, scale, &shape),
                                    beside_channels(l, lowering_input(l, 2), &shape)));
}

/* ---- neighbouring channels ---- */

/* Sum of squares over the channels that LRN takes for each: [N, C, ...]. */
static uint32_t neighbour_squares(struct lowering *l, uint32_t x, int64_t size)
{
    struct shape shape = lowering_shape(l, x), padded = shape, space = shape;
    /* Beyond the channels there is nothing. */
    int64_t most = shape.dim[1] - 1, after = size / 2 < most ? size / 2 : most,
            before = (size - 1) / 2 < most ? (size - 1) / 2 : most, inner = 1;
    size = before + after + 1;
    for (unsigned d = 2; d < shape.rank; d++)
        inner *= shape.dim[d];
    padded = shape_of(3, shape.dim[0], shape.dim[1] + size - 1, inner);
    struct relation_view view = {.tensor = x,
                                 .offset = -before * inner,
                                 .stride = {shape.dim[1] * inner, inner, 1},
                                 .low = {0, before, 0},
                                 .high = {padded.dim[0], before + shape.dim[1], inner}};
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    uint32_t all = lowering_moved(l, &padded, lowering_form(l, x), &term, 1);
    space = shape_of(4, shape.dim[0], shape.dim[1], inner, size);
    struct relation_view window = {.tensor = all,
                                   .stride = {padded.dim[1] * inner, inner, 1, inner},
                                   .high = {space.dim[0], space.dim[1], inner, size}};
    uint32_t sums =
        lowering_contract(l, &space, 1, &window, &window, form_fixed(2 * lowering_fraction(l, x)));
    return lowering_reshape(l, sums, &shape);
}

void check_lrn(struct lowering *l)
{
    double alpha = lowering_attribute_float(l, "alpha", (double)1e-4f),
           beta = lowering_attribute_float(l, "beta", 0.75),
           bias = lowering_attribute_float(l, "bias", 1);
    if (!(bias > 0) || alpha < 0 || beta < 0)
        lowering_fail(
            l, STATUS_UNSUPPORTED,
            "bias %g, alpha %g, beta %g; give it a positive bias, and no negative alpha or beta",
            bias, alpha, beta);
}

/* x (bias + alpha / size * squares of neighbouring channels)^-beta */
void lower_lrn(struct lowering *l)
{
    enum { CONSTANT_BITS = 40 };
    uint32_t x = lowering_planned_input(l);
    struct shape shape = lowering_shape(l, x);
    if (is_empty(l, x))
        return;
    int64_t size = lowering_attribute_int(l, "size", 1);
    double alpha = lowering_attribute_float(l, "alpha", (double)1e-4f) / (double)size,
           beta = lowering_attribute_float(l, "beta", 0.75),
           bias = lowering_attribute_float(l, "bias", 1);
    double seen = lowering_largest(lowering_input_plan(l, 0));
    int32_t fraction = lowering_value_fraction(l) + 1 + ceil_log2(fmax(seen, 1));
    uint32_t squares = neighbour_squares(l, x, size);
    struct relation_term term =
        lowering_term_wide(l, lowering_real(l, alpha, CONSTANT_BITS), squares, &shape);
    int32_t own = 2 * lowering_fraction(l, x) + CONSTANT_BITS;
    uint32_t base =
        lowering_linear(l, &shape, form_fixed(own), &term, 1, lowering_real(l, bias, own));
    /* Alpha over size, and both constants, are rounded. */
    double alpha_off = lowering_real_off(alpha, CONSTANT_BITS) + ldexp(alpha, CONSTANT_BITS - 52);
    lowering_widen_error(l, base,
                         bound_add(bound_mul(alpha_off, lowering_ideal_most(l, squares)),
                                   lowering_real_off(bias, own)));
    base = lowering_trim(l, base, fraction - ceil_log2(fmin(bias, 1)) + 4, 8);
    struct value_plan plan = {.low = bias, .high = bias + alpha * (double)size * seen * seen};
    uint32_t power = lowering_real_power(l, base, &plan, -beta, rounded_pow(bias, -beta), fraction);
    lowering_output(l, 0, lowering_times(l, power, x));
}
