/*
 * Lowering of the quantized operators (ONNX QuantizeLinear-25 and its family). Sums of products of
 * integers are exact; each result is one quotient of exact numbers, rounded once to nearest, ties
 * to even, and clipped to its type.
 *
 * QuantizeLinear of an input rounds x / scale to the type of the scale first, as ONNX says: ties
 * depend on it. What a circuit has computed was never rounded so, and is rounded once.
 */
#include <math.h>
#include <string.h>

#include "passes/find_encodings.h"
#include "passes/lower_window.h"

/* ---- operands ---- */

/*
 * Operand i of few elements as a tensor that broadcasts to `shape`: one element for all, one for
 * each place of `axis`, or one for each block of block_size places.
 */
static uint32_t spread(struct lowering *l, size_t i, uint32_t tensor, const struct shape *shape)
{
    struct shape own = lowering_shape(l, tensor), scalar = {0};
    int64_t block = lowering_attribute_int(l, "block_size", 0);
    if (shape_elements(&own) == 1 && own.rank <= 1)
        return lowering_reshape(l, tensor, &scalar);
    unsigned axis = lowering_axis(l, lowering_attribute_int(l, "axis", 1), shape->rank);
    if (block == 0) {
        struct shape line = {.rank = shape->rank};
        for (unsigned d = 0; d < shape->rank; d++)
            line.dim[d] = d == axis ? shape->dim[d] : 1;
        if (shape_elements(&own) != shape_elements(&line))
            lowering_fail(l, STATUS_BAD_INPUT, "operand %zu has %zu elements for an axis of %lld",
                          i, shape_elements(&own), (long long)shape->dim[axis]);
        return lowering_reshape(l, tensor, &line);
    }
    int64_t *list = lowering_array(l, int64_t, shape_elements(shape)), inner = 1,
            blocks = shape->dim[axis] / block + (shape->dim[axis] % block != 0);
    for (unsigned d = axis + 1; d < shape->rank; d++)
        inner *= shape->dim[d];
    for (size_t e = 0; e < shape_elements(shape); e++) {
        int64_t at = (int64_t)e, k = at / inner % shape->dim[axis],
                outer = at / inner / shape->dim[axis];
        list[e] = (outer * blocks + k / block) * inner + at % inner;
        if (list[e] >= (int64_t)shape_elements(&own))
            lowering_fail(l, STATUS_BAD_INPUT, "operand %zu has too few elements for its blocks",
                          i);
    }
    return lowering_pick(l, tensor, shape, list);
}

/*
 * What a scale is held to, in units of 2^-fraction: powers of two around what calibration saw, with
 * `below` and `above` bits of room.
 */
static struct range scale_range(struct lowering *l, const struct value_plan *plan, int32_t fraction,
                                int32_t below, int32_t above)
{
    int32_t low = ilogb(plan->low) - below + fraction,
            high = ilogb(plan->high) + 1 + above + fraction;
    return (struct range){lowering_power_of_two(l, low < 0 ? 0 : (unsigned)low),
                          lowering_power_of_two(l, high < 1 ? 1 : (unsigned)high)};
}

/*
 * d, a scale, held to a range around what calibration saw: a quotient by one that may be anything
 * would be too wide. A stored scale is what it is; others get two bits on either side.
 */
static uint32_t hold_scale(struct lowering *l, uint32_t d, const struct value_plan *plan,
                           bool is_stored)
{
    int32_t fraction = lowering_fraction(l, d), room = is_stored ? 0 : 2;
    if (!(plan->low > 0))
        return lowering_hold_positive(l, d, plan);
    struct range range = scale_range(l, plan, fraction, room, room);
    if (range_contains(range, lowering_range_of(l, d)))
        return d;
    if (!is_stored)
        lowering_note_range(l, "scale", range, fraction);
    return lowering_restrict(l, d, range);
}

static bool is_given(const struct lowering *l, size_t i);

/* Scale i; a computed one is rounded to its type, since ties of what it divides depend on it. */
static uint32_t scale_input(struct lowering *l, size_t i)
{
    uint32_t scale = lowering_input(l, i);
    bool is_stored = lowering_data(l, i) != NULL;
    if (!is_stored && !is_given(l, i) && lowering_graph_value(l, i)->type != ELEMENT_F64)
        scale = lowering_round_float(l, scale, lowering_graph_value(l, i)->type, false);
    return hold_scale(l, scale, lowering_input_plan(l, i), is_stored);
}

/* Operand i; stored integers are private, whatever the importer took them for. */
static uint32_t private_input(struct lowering *l, size_t i)
{
    const struct tensor *data = lowering_data(l, i);
    if (data == NULL || element_type_is_float(data->type))
        return lowering_input(l, i);
    wide *values = lowering_array(l, wide, data->count);
    for (size_t e = 0; e < data->count; e++)
        values[e] = lowering_element(data, e);
    return lowering_parameter_wide(l, lowering_graph_value(l, i)->name, &data->shape,
                                   form_integer(), values);
}

/* x - zero point, or x. */
static uint32_t without_zero(struct lowering *l, uint32_t x, uint32_t zero)
{
    struct shape shape = lowering_shape(l, x);
    return zero == RELATION_NONE ? x : lowering_difference(l, &shape, x, zero);
}

/* Elements of operand i less those of zero point z, both stored: one private parameter. line: the
 * shape in which the zero point broadcasts to the operand. */
static uint32_t stored_weights(struct lowering *l, size_t i, size_t z, const struct shape *line)
{
    const struct tensor *data = lowering_data(l, i),
                        *zero = lowering_has_input(l, z) ? lowering_data(l, z) : NULL;
    wide *values = lowering_array(l, wide, data->count);
    for (size_t e = 0; e < data->count; e++) {
        wide shift = wide_from_i64(0);
        if (zero != NULL)
            shift = lowering_element(zero, shape_broadcast_element(line, &data->shape, e));
        lowering_require_room(l, wide_sub(&values[e], lowering_element(data, e), shift));
    }
    return lowering_parameter_wide(l, lowering_graph_value(l, i)->name, &data->shape,
                                   form_integer(), values);
}

/* Scale or zero point i, x, of rows or columns of a matrix, as something that broadcasts to it. */
static uint32_t as_line(struct lowering *l, uint32_t x, size_t i, const struct shape *matrix,
                        bool of_rows)
{
    struct shape line, own = lowering_graph_value(l, i)->shape;
    if (!shape_of_line(&line, &own, matrix, of_rows))
        lowering_fail(l, STATUS_BAD_INPUT, "operand %zu is not one number, or one for each %s", i,
                      of_rows ? "row" : "column");
    return lowering_reshape(l, x, &line);
}

/*
 * Operand i of a matrix product less its zero point, which is one for all, for each row of A, or
 * for each column of B.
 */
static uint32_t centred(struct lowering *l, size_t i, size_t z, bool of_rows)
{
    struct shape line = {0}, own = lowering_graph_value(l, i)->shape;
    bool has_zero = lowering_has_input(l, z);
    if (lowering_data(l, i) != NULL && (!has_zero || lowering_data(l, z) != NULL)) {
        if (has_zero)
            (void)shape_of_line(&line, &lowering_graph_value(l, z)->shape, &own, of_rows);
        return stored_weights(l, i, z, &line);
    }
    uint32_t x = lowering_input(l, i);
    if (!has_zero)
        return x;
    return without_zero(l, x, as_line(l, private_input(l, z), z, &own, of_rows));
}

/* ---- quotients ---- */

/* x / d of fixed-point numbers as a quotient of integers; *fraction more bits when it is not 0. */
static void as_integers(struct lowering *l, uint32_t *x, uint32_t *d, int32_t fraction)
{
    int32_t shift = lowering_fraction(l, *d) - lowering_fraction(l, *x) + fraction;
    uint32_t *raised = shift >= 0 ? x : d;
    int32_t up = shift >= 0 ? shift : -shift;
    struct shape shape = lowering_shape(l, *raised);
    if (up > 200)
        lowering_fail(l, STATUS_LIMIT, "a number and its scale are %d bits apart", up);
    struct relation_term term =
        lowering_term_wide(l, lowering_power_of_two(l, (unsigned)up), *raised, &shape);
    *raised = lowering_linear(l, &shape, form_integer(), &term, 1, wide_from_i64(0));
    uint32_t *other = shift >= 0 ? d : x;
    *other = lowering_retag(l, *other, form_integer());
}

/* round(x / d), a known power of two d by shifting. */
static uint32_t rounded_quotient(struct lowering *l, const struct shape *shape, uint32_t x,
                                 uint32_t d)
{
    const struct relation_tensor *t = lowering_tensor(l, d);
    as_integers(l, &x, &d, 0);
    if (t->role != ROLE_CONSTANT || t->count != 1)
        return lowering_round_quotient(l, shape, x, d);
    return lowering_round_even(l, lowering_expand(l, x, shape), lowering_range_of(l, d).low,
                               form_integer());
}

/* x / d rounded to a float type; what is below a quarter need not be exact. */
static uint32_t float_quotient(struct lowering *l, const struct shape *shape, uint32_t x,
                               uint32_t d, enum element_type type)
{
    int32_t bits = (int32_t)element_float_format(type).fraction_bits + 3;
    as_integers(l, &x, &d, bits);
    return lowering_round_float(l, lowering_sticky_quotient(l, shape, x, d, bits), type, false);
}

/* Whether operand i is an input of the model, or moved from one: not computed. */
static bool is_given(const struct lowering *l, size_t i)
{
    const struct graph *graph = l->graph;
    uint32_t v = lowering_value(l, i);
    while (graph->values[v].kind == VALUE_NODE) {
        const struct graph_node *node = &graph->nodes[graph->values[v].producer];
        if (!moves_floats(graph, node))
            return false;
        v = node->inputs[0];
    }
    return true;
}

/*
 * round(x / d) as QuantizeLinear says: the quotient is rounded to `type` first when x is exact, or
 * when the type has fewer bits than float32.
 */
static uint32_t quantized(struct lowering *l, const struct shape *shape, uint32_t x, uint32_t d,
                          enum element_type type, bool is_exact)
{
    if (!is_exact && element_type_bits(type) > 16)
        return rounded_quotient(l, shape, x, d);
    uint32_t quotient = float_quotient(l, shape, x, d, type);
    int32_t fraction = lowering_fraction(l, quotient);
    return lowering_round_even(l, quotient, lowering_power_of_two(l, (unsigned)fraction),
                               form_integer());
}

/* y + zero point, clipped to the type of the result. */
static uint32_t clipped(struct lowering *l, uint32_t y, uint32_t zero, enum element_type type)
{
    struct shape shape = lowering_shape(l, y);
    struct range range = lowering_type_range(type);
    if (zero != RELATION_NONE)
        y = lowering_sum2(l, &shape, y, 1, zero, 1);
    return lowering_at_most(l, lowering_at_least(l, y, range.low), range.high);
}

/* ---- QuantizeLinear, DequantizeLinear ---- */

static enum element_type type_of_output(const struct lowering *l, size_t i)
{
    return l->graph->values[l->node->outputs[i]].type;
}

static uint32_t zero_point(struct lowering *l, size_t i, const struct shape *shape)
{
    return lowering_has_input(l, i) ? spread(l, i, private_input(l, i), shape) : RELATION_NONE;
}

/* The type x / scale is rounded to. */
static enum element_type quotient_type(const struct lowering *l)
{
    int64_t precision = lowering_attribute_int(l, "precision", 0);
    return precision != 0 ? (enum element_type)precision : lowering_graph_value(l, 1)->type;
}

/* To float8 and float4: x / scale + zero point, rounded to the type. */
static void quantize_to_float(struct lowering *l, uint32_t x, uint32_t scale,
                              const struct shape *shape)
{
    enum element_type type = type_of_output(l, 0);
    uint32_t zero = zero_point(l, 2, shape), y;
    if (is_given(l, 0) || element_type_bits(quotient_type(l)) <= 16) {
        y = float_quotient(l, shape, x, scale, quotient_type(l));
    } else {
        struct float_format format = element_float_format(type);
        int32_t bits = (int32_t)format.fraction_bits - format.least_exponent + 1;
        as_integers(l, &x, &scale, bits);
        y = lowering_sticky_quotient(l, shape, x, scale, bits);
    }
    if (zero != RELATION_NONE)
        y = lowering_sum2(l, shape, y, 1, zero, 1);
    bool saturate = lowering_attribute_int(l, "saturate", 1) != 0 || type == ELEMENT_F4E2M1;
    lowering_output(l, 0, lowering_round_float(l, y, type, saturate));
}

void lower_quantize_linear(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    uint32_t x = lowering_input(l, 0), scale = spread(l, 1, scale_input(l, 1), &shape);
    enum element_type type = type_of_output(l, 0);
    if (element_type_is_float(type)) {
        quantize_to_float(l, x, scale, &shape);
        return;
    }
    uint32_t y = quantized(l, &shape, x, scale, quotient_type(l), is_given(l, 0));
    lowering_output(l, 0, clipped(l, y, zero_point(l, 2, &shape), type));
}

void lower_dequantize_linear(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    uint32_t x = without_zero(l, lowering_input(l, 0), zero_point(l, 2, &shape)),
             scale = spread(l, 1, lowering_input(l, 1), &shape);
    struct relation_term term = lowering_term_product(l, 1, x, scale, &shape);
    struct form form = form_fixed(lowering_fraction(l, x) + lowering_fraction(l, scale));
    lowering_output(l, 0, lowering_product(l, &shape, form, &term, 1, wide_from_i64(0)));
}

/* Bits that a scale computed from the data may be below and above what calibration saw. */
enum { SCALE_BELOW = 8, SCALE_ABOVE = 4 };

/* The computed scale as a divisor. With nothing but zeros any number of its range does. */
static uint32_t dynamic_divisor(struct lowering *l, uint32_t scale)
{
    const struct value_plan *plan = lowering_output_plan(l, 1);
    int32_t fraction = lowering_fraction(l, scale);
    struct form form = lowering_form(l, scale);
    struct shape scalar = {0};
    uint32_t none = lowering_is_zero(l, scale);
    if (!(plan->low > 0))
        return lowering_hold_positive(
            l, lowering_sum2(l, &scalar, scale, 1, lowering_retag(l, none, form), 1), plan);
    struct range range = scale_range(l, plan, fraction, SCALE_BELOW, SCALE_ABOVE);
    struct relation_term terms[2] = {lowering_term(l, 1, scale, &scalar),
                                     lowering_term_wide(l, range.low, none, &scalar)};
    uint32_t divisor = lowering_linear(l, &scalar, form, terms, 2, wide_from_i64(0));
    if (range_contains(range, lowering_range_of(l, divisor)))
        return divisor;
    lowering_note_range(l, "scale", range, fraction);
    return lowering_restrict(l, divisor, range);
}

/*
 * scale = (high - low) / 255 over the range of x and 0, zero point = -low / scale: all of it
 * computed, each step rounded as for float32.
 */
void lower_dynamic_quantize_linear(struct lowering *l)
{
    enum { STEPS = 255 };
    uint32_t x = lowering_input(l, 0);
    struct shape shape = lowering_shape(l, x), scalar = {0}, flat;
    bool is_exact = is_given(l, 0);
    flat = shape_of(2, (int64_t)1, (int64_t)shape_elements(&shape));
    uint32_t row = lowering_reshape(l, x, &flat), zero = lowering_constant_i64(l, 0),
             minus = lowering_affine(l, -1, row, wide_from_i64(0));
    uint32_t high = lowering_maximum(l, &scalar,
                                     lowering_reshape(l, lowering_max_rows(l, row), &scalar), zero),
             low = lowering_maximum(
                 l, &scalar, lowering_reshape(l, lowering_max_rows(l, minus), &scalar), zero);
    /* low is taken with a minus sign: high + low is the width. */
    uint32_t width = lowering_sum2(l, &scalar, high, 1, low, 1),
             steps = lowering_constant_i64(l, STEPS);
    double smallest = lowering_output_plan(l, 1)->smallest;
    int32_t bits = 24 + SCALE_BELOW - ilogb(smallest > 0 ? smallest : 0x1p-10);
    bits = bits < 8 ? 8 : bits > 100 ? 100 : bits;
    as_integers(l, &width, &steps, bits);
    uint32_t scale = lowering_round_float(
        l, lowering_sticky_quotient(l, &scalar, width, steps, bits), ELEMENT_F32, false);
    lowering_output(l, 1, scale);
    uint32_t divisor = dynamic_divisor(l, scale);
    uint32_t point = clipped(l, quantized(l, &scalar, low, divisor, ELEMENT_F32, is_exact),
                             RELATION_NONE, ELEMENT_U8);
    lowering_output(l, 2, point);
    lowering_output(
        l, 0,
        clipped(l, quantized(l, &shape, x, divisor, ELEMENT_F32, is_exact), point, ELEMENT_U8));
}

/* ---- matrix products ---- */

void lower_mat_mul_integer(struct lowering *l)
{
    lowering_output(l, 0, lowering_matmul(l, centred(l, 0, 2, true), centred(l, 1, 3, false)));
}

/* sums * (a scale * b scale) / y scale, rounded, plus the zero point of y. */
static uint32_t requantized(struct lowering *l, const struct shape *shape, uint32_t sums,
                            uint32_t a_scale, uint32_t b_scale, uint32_t y_scale, uint32_t zero)
{
    struct shape both;
    struct shape sa = lowering_shape(l, a_scale), sb = lowering_shape(l, b_scale);
    ASSERT(shape_broadcast(&both, &sa, &sb));
    struct relation_term scales = lowering_term_product(l, 1, a_scale, b_scale, &both);
    struct form form = form_fixed(lowering_fraction(l, a_scale) + lowering_fraction(l, b_scale));
    uint32_t scale = lowering_product(l, &both, form, &scales, 1, wide_from_i64(0));
    struct relation_term term = lowering_term_product(l, 1, sums, scale, shape);
    uint32_t real = lowering_product(l, shape, form, &term, 1, wide_from_i64(0));
    return clipped(l, rounded_quotient(l, shape, real, y_scale), zero, type_of_output(l, 0));
}

void lower_q_linear_mat_mul(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    uint32_t sums = lowering_reshape(
        l, lowering_matmul(l, centred(l, 0, 2, true), centred(l, 3, 5, false)), &shape);
    lowering_output(l, 0,
                    requantized(l, &shape, sums, as_line(l, lowering_input(l, 1), 1, &shape, true),
                                as_line(l, lowering_input(l, 4), 4, &shape, false),
                                as_line(l, scale_input(l, 6), 6, &shape, true),
                                as_line(l, private_input(l, 7), 7, &shape, true)));
}

/* ---- convolutions ---- */

/* One number, or one for each channel, as something that broadcasts to [N, channel, spatial...]. */
static uint32_t by_channel(struct lowering *l, uint32_t x, unsigned rank)
{
    struct shape line = {.rank = (uint8_t)(rank - 1)}, scalar = {0};
    int64_t count = (int64_t)lowering_tensor(l, x)->count;
    for (unsigned d = 0; d < line.rank; d++)
        line.dim[d] = d == 0 ? count : 1;
    return lowering_reshape(l, x, count == 1 ? &scalar : &line);
}

/* Weights less their zero point, which is one for all or one for each filter. */
static uint32_t centred_filters(struct lowering *l, size_t i, size_t z)
{
    const struct tensor *data = lowering_data(l, i);
    struct shape shape = lowering_graph_value(l, i)->shape, line = {.rank = shape.rank};
    bool has_zero = lowering_has_input(l, z);
    int64_t count = has_zero ? (int64_t)shape_elements(&lowering_graph_value(l, z)->shape) : 1;
    if (count != 1 && count != shape.dim[0])
        lowering_fail(l, STATUS_BAD_INPUT,
                      "the zero point is not one number, or one for each of %lld filters",
                      (long long)shape.dim[0]);
    for (unsigned d = 0; d < line.rank; d++)
        line.dim[d] = d == 0 ? count : 1;
    if (data != NULL && (!has_zero || lowering_data(l, z) != NULL))
        return stored_weights(l, i, z, &line);
    uint32_t w = lowering_input(l, i);
    return has_zero ? without_zero(l, w, lowering_reshape(l, private_input(l, z), &line)) : w;
}

/* Sums of products of integers, x and w being operands ix and iw, their zero points zx and zw. */
static uint32_t integer_convolution(struct lowering *l, size_t ix, size_t zx, size_t iw, size_t zw)
{
    struct window window;
    struct shape scalar = {0};
    uint32_t x = lowering_input(l, ix), w = centred_filters(l, iw, zw);
    if (lowering_has_input(l, zx))
        x = without_zero(l, x, lowering_reshape(l, private_input(l, zx), &scalar));
    struct shape sx = lowering_shape(l, x), sw = lowering_shape(l, w);
    lowering_require(l, window_read(l->diag, l->node, &sx, &sw, &window));
    return lowering_convolution(l, x, w, &window, lowering_attribute_int(l, "group", 1));
}

void lower_conv_integer(struct lowering *l)
{
    lowering_output(l, 0, integer_convolution(l, 0, 2, 1, 3));
}

/* (x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B?) */
void lower_q_linear_conv(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    uint32_t sums = integer_convolution(l, 0, 2, 3, 5);
    if (lowering_has_input(l, 8))
        sums = lowering_sum2(l, &shape, sums, 1, by_channel(l, private_input(l, 8), shape.rank), 1);
    lowering_output(l, 0,
                    requantized(l, &shape, sums, by_channel(l, lowering_input(l, 1), shape.rank),
                                by_channel(l, lowering_input(l, 4), shape.rank),
                                by_channel(l, scale_input(l, 6), shape.rank),
                                by_channel(l, private_input(l, 7), shape.rank)));
}
