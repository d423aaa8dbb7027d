/*
 * Lowering of the functions made from exp and log: logistic ones, softmax; and of erf.
 */
#include <math.h>

#include "ir/rounded_math.h"
#include "passes/lower_internal.h"

/* ---- logistic functions ---- */

/* exp(-|x|) and the bit x >= 0. */
static uint32_t decay(struct lowering *l, uint32_t x, int64_t factor, int32_t fraction,
                      uint32_t *bit)
{
    uint32_t magnitude = lowering_absolute(l, x, bit);
    return lowering_exp(l, lowering_affine(l, -factor, magnitude, wide_from_i64(0)), 0, fraction);
}

/* num / (1 + e) in [0, 1], e in [0, 1]. */
static uint32_t over_one_plus(struct lowering *l, uint32_t num, uint32_t e, int32_t fraction)
{
    int32_t own = lowering_fraction(l, e);
    struct shape shape = lowering_shape(l, e);
    uint32_t d = lowering_affine(l, 1, e, wide_power_of_two((unsigned)own));
    struct relation_term term =
        lowering_term_wide(l, wide_power_of_two((unsigned)fraction), num, &shape);
    uint32_t scaled =
        lowering_linear(l, &shape, form_fixed(own + fraction), &term, 1, wide_from_i64(0));
    struct range unit =
        range_round_up(range_make(wide_from_i64(0), wide_power_of_two((unsigned)fraction)));
    return lowering_divide_floor(l, &shape, scaled, d, form_fixed(fraction), &unit, NULL);
}

/* 1 / (1 + e) for x >= 0, e / (1 + e) below, e = exp(-|x|). */
void lower_sigmoid(struct lowering *l)
{
    int32_t fraction = lowering_output_fraction(l, 0) + 1, inner = fraction + 2;
    fraction = fraction < 1 ? 1 : fraction;
    uint32_t x = lowering_trim(l, lowering_input(l, 0),
                               lowering_input_fraction(l, 0), 6),
             bit;
    struct shape shape = lowering_shape(l, x);
    uint32_t e = decay(l, x, 1, inner, &bit);
    wide one = wide_power_of_two((unsigned)inner);
    struct relation_term terms[3] = {lowering_term_product(l, -1, bit, e, &shape),
                                     lowering_term_wide(l, one, bit, &shape),
                                     lowering_term(l, 1, e, &shape)};
    uint32_t num = lowering_product(l, &shape, form_fixed(inner), terms, 3, wide_from_i64(0));
    lowering_output(l, 0, over_one_plus(l, num, e, fraction));
}

/* (2 bit - 1) y */
static uint32_t with_sign(struct lowering *l, uint32_t bit, uint32_t y)
{
    struct shape shape = lowering_shape(l, y);
    struct relation_term terms[2] = {lowering_term_product(l, 2, bit, y, &shape),
                                     lowering_term(l, -1, y, &shape)};
    return lowering_product(l, &shape, lowering_form(l, y), terms, 2, wide_from_i64(0));
}

/* sign(x) (1 - e) / (1 + e), e = exp(-2 |x|). */
void lower_tanh(struct lowering *l)
{
    int32_t fraction = lowering_output_fraction(l, 0) + 1, inner = fraction + 3;
    fraction = fraction < 1 ? 1 : fraction;
    uint32_t x = lowering_trim(l, lowering_input(l, 0),
                               lowering_input_fraction(l, 0), 6),
             bit;
    uint32_t e = decay(l, x, 2, inner, &bit);
    uint32_t num = lowering_affine(l, -1, e, wide_power_of_two((unsigned)inner));
    lowering_output(l, 0, with_sign(l, bit, over_one_plus(l, num, e, fraction)));
}

/* ---- softmax ---- */

struct exponentials {
    uint32_t shifted; /* x - max, [rows, n] */
    uint32_t max;     /* [rows, 1] */
    uint32_t e;       /* exp(shifted) */
    uint32_t sum;     /* [rows, 1], at least almost 1 */
    int32_t fraction; /* of e and sum */
};

static struct exponentials exponentials_of(struct lowering *l, uint32_t rows, int32_t fraction)
{
    struct exponentials out;
    struct shape shape = lowering_shape(l, rows), column = shape_of(2, shape.dim[0], (int64_t)1);
    int32_t spare = 2;
    while ((int64_t)1 << (spare - 2) < shape.dim[1])
        spare++;
    out.fraction = fraction + spare;
    out.max = lowering_reshape(l, lowering_max_rows(l, rows), &column);
    out.shifted = lowering_difference(l, &shape, rows, out.max);
    out.e = lowering_exp(l, out.shifted, 0, out.fraction);
    uint32_t sum = lowering_reshape(l, lowering_sum_rows(l, out.e), &column);
    /* The greatest element gives exp(0), so the sum is positive: a fact the range states and
     * enforces. */
    struct range range = {wide_from_i64(1),
                          wide_power_of_two(wide_bit_length(lowering_range_of(l, sum).high))};
    out.sum = lowering_restrict(l, sum, range);
    return out;
}

/* Rows of the axes a softmax normalises. */
static uint32_t softmax_axes(struct lowering *l, unsigned rank)
{
    int64_t axis = lowering_attribute_int(l, "axis", -1);
    if (lowering_attribute_int(l, "flatten", 0) == 0)
        return 1u << lowering_axis(l, axis, rank);
    axis = axis < 0 ? axis + (int64_t)rank : axis;
    return ((1u << rank) - 1) & ~((1u << axis) - 1);
}

/* Puts [rows, n] back where lowering_rows took it from. */
static uint32_t restore_rows(struct lowering *l, uint32_t rows, const struct shape *shape,
                             uint32_t axes)
{
    struct relation_view view = {.tensor = rows};
    int64_t inner = 1, outer = lowering_tensor(l, rows)->shape[1];
    for (unsigned d = shape->rank; d-- > 0;) {
        int64_t *stride = (axes >> d & 1) != 0 ? &inner : &outer;
        view.high[d] = shape->dim[d];
        view.stride[d] = *stride;
        *stride *= shape->dim[d];
    }
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    return lowering_linear(l, shape, lowering_form(l, rows), &term, 1, wide_from_i64(0));
}

static uint32_t softmax_input(struct lowering *l)
{
    return lowering_trim(l, lowering_input(l, 0),
                         lowering_input_fraction(l, 0), 6);
}

void lower_softmax(struct lowering *l)
{
    uint32_t x = softmax_input(l);
    struct shape shape = lowering_shape(l, x);
    uint32_t axes = softmax_axes(l, shape.rank), rows = lowering_rows(l, x, axes);
    int32_t fraction = lowering_output_fraction(l, 0) + 1;
    fraction = fraction < 1 ? 1 : fraction;
    struct exponentials e = exponentials_of(l, rows, fraction);
    struct shape flat = lowering_shape(l, rows);
    struct relation_term term =
        lowering_term_wide(l, wide_power_of_two((unsigned)fraction), e.e, &flat);
    uint32_t scaled =
        lowering_linear(l, &flat, form_fixed(e.fraction + fraction), &term, 1, wide_from_i64(0));
    struct range unit =
        range_round_up(range_make(wide_from_i64(0), wide_power_of_two((unsigned)fraction)));
    uint32_t y = lowering_divide_floor(l, &flat, scaled, e.sum, form_fixed(fraction), &unit, NULL);
    lowering_output(l, 0, restore_rows(l, y, &shape, axes));
}

void lower_log_softmax(struct lowering *l)
{
    uint32_t x = softmax_input(l);
    struct shape shape = lowering_shape(l, x);
    uint32_t axes = softmax_axes(l, shape.rank), rows = lowering_rows(l, x, axes);
    int32_t fraction = lowering_output_fraction(l, 0) + 1;
    struct exponentials e = exponentials_of(l, rows, fraction);
    struct shape flat = lowering_shape(l, rows);
    uint32_t y = lowering_difference(l, &flat, e.shifted, lowering_log(l, e.sum, NULL, fraction));
    lowering_output(l, 0, restore_rows(l, y, &shape, axes));
}

void lower_reduce_log_sum_exp(struct lowering *l)
{
    uint32_t x = softmax_input(l), axes = 0;
    unsigned rank = lowering_shape(l, x).rank;
    const struct tensor *known = lowering_has_input(l, 1) ? lowering_known(l, 1) : NULL;
    for (size_t i = 0; known != NULL && i < known->count; i++)
        axes |= 1u << lowering_axis(l, known->data.integer[i], rank);
    if (axes == 0 && lowering_attribute_int(l, "noop_with_empty_axes", 0) == 0)
        axes = (1u << rank) - 1;
    int32_t fraction = lowering_output_fraction(l, 0) + 1;
    struct exponentials e = exponentials_of(l, lowering_rows(l, x, axes), fraction);
    struct shape column = lowering_shape(l, e.max);
    lowering_output(l, 0,
                    lowering_sum2(l, &column, e.max, 1, lowering_log(l, e.sum, NULL, fraction), 1));
}

/* ---- erf ---- */

enum { PIECE_SHIFT = 5, PIECES = 4 << PIECE_SHIFT, COEFFICIENT_BITS = 30 };

/*
 * Coefficients 2^30 (c0 + c1 u + c2 u^2 + c3 u^3) of the cubic through u = 0, 1/4, 3/4, 1 of piece
 * i, by divided differences. Every operation is exact or rounds once, the same everywhere.
 */
static void erf_cubic(int64_t i, int64_t *c0, int64_t *c1, int64_t *c2, int64_t *c3)
{
    static const int64_t quarters[4] = {0, 1, 3, 4};
    double v[4];
    for (int k = 0; k < 4; k++)
        v[k] = wide_to_double(
            table_number(TABLE_ERF, 4 * i + quarters[k], PIECE_SHIFT + 2, COEFFICIENT_BITS + 8));
    double first[3] = {4 * (v[1] - v[0]), 2 * (v[2] - v[1]), 4 * (v[3] - v[2])};
    double second[2] = {(first[1] - first[0]) / 0.75, (first[2] - first[1]) / 0.75};
    double third = second[1] - second[0];
    *c0 = (int64_t)rint(v[0] / 256);
    *c1 = (int64_t)rint((first[0] - second[0] / 4 + third * 0.1875) / 256);
    *c2 = (int64_t)rint((second[0] - third) / 256);
    *c3 = (int64_t)rint(third / 256);
}

/* out = a b + c 2^shift */
static uint32_t horner(struct lowering *l, uint32_t a, uint32_t b, uint32_t c, unsigned shift,
                       int32_t fraction)
{
    struct shape shape = lowering_shape(l, a);
    struct relation_term terms[2] = {lowering_term_product(l, 1, a, b, &shape),
                                     lowering_term_wide(l, wide_power_of_two(shift), c, &shape)};
    return lowering_product(l, &shape, form_fixed(fraction), terms, 2, wide_from_i64(0));
}

/*
 * sign(x) erf(|x|), |x| cut off below 4, where erf is 1 within 2^-25: one of 128 cubics, within
 * 2^-28 of the function.
 */
void lower_erf(struct lowering *l)
{
    int32_t fraction = lowering_output_fraction(l, 0) + 1, g = fraction < 8 ? 8 : fraction;
    unsigned s = (unsigned)g - PIECE_SHIFT;
    uint32_t bit, x = lowering_to_fraction(l, lowering_input(l, 0), g);
    uint32_t magnitude =
        lowering_at_most(l, lowering_absolute(l, x, &bit), lowering_real(l, 4 - 0x1p-7, g));
    struct range range = range_of_i64(0, PIECES - 1);
    uint32_t rest, piece = lowering_rescale(l, magnitude, wide_power_of_two(s), ROUND_FLOOR,
                                            form_integer(), &range, &rest);
    int64_t *c[4];
    struct relation_table table = {.key = "cubics of erf", .size = PIECES, .output_count = 4};
    struct form forms[4];
    for (int k = 0; k < 4; k++) {
        c[k] = lowering_array(l, int64_t, PIECES);
        table.outputs[k] = c[k];
        forms[k] = form_fixed(COEFFICIENT_BITS);
    }
    for (int64_t i = 0; i < PIECES; i++)
        erf_cubic(i, &c[0][i], &c[1][i], &c[2][i], &c[3][i]);
    uint32_t out[4];
    lowering_table(l, &table, piece, forms, out);
    int32_t bits = COEFFICIENT_BITS;
    uint32_t y = horner(l, out[3], rest, out[2], s, bits + (int32_t)s);
    y = horner(l, y, rest, out[1], 2 * s, bits + 2 * (int32_t)s);
    y = horner(l, y, rest, out[0], 3 * s, bits + 3 * (int32_t)s);
    lowering_output(l, 0, with_sign(l, bit, lowering_to_fraction(l, y, fraction)));
}
