/* Images read between their pixels; see lower_sample.h. */
#include "passes/lower_sample.h"

/* Pixel at position i when positions are folded back at the ends of the axis. */
static int64_t reflected(int64_t i, int64_t dim, bool align)
{
    int64_t period = align ? 2 * (dim - 1) : 2 * dim;
    if (period == 0)
        return 0;
    int64_t m = i % period;
    m = m < 0 ? m + period : m;
    return m < dim ? m : align ? period - m : period - 1 - m;
}

struct sample_border sample_border(struct lowering *l, int64_t dim, int64_t before, int64_t after,
                                   enum sample_outside outside, bool align)
{
    struct sample_border border = {before, before + dim + after, NULL};
    border.source = lowering_array(l, int64_t, (size_t)border.count);
    for (int64_t k = 0; k < border.count; k++) {
        int64_t i = k - before;
        bool is_inside = i >= 0 && i < dim;
        border.source[k] = is_inside                 ? i
                           : outside == OUTSIDE_ZERO ? -1
                           : outside == OUTSIDE_EDGE ? (i < 0 ? 0 : dim - 1)
                                                     : reflected(i, dim, align);
    }
    return border;
}

uint32_t sample_clamp(struct lowering *l, uint32_t x, wide low, wide high)
{
    struct range range = lowering_range_of(l, x);
    if (wide_compare(range.low, low) < 0)
        x = lowering_at_least(l, x, low);
    if (wide_compare(range.high, high) > 0)
        x = lowering_at_most(l, x, high);
    return x;
}

uint32_t sample_split(struct lowering *l, uint32_t x, int32_t bits, uint32_t *rest)
{
    int32_t fraction = lowering_fraction(l, x);
    if (fraction <= 0) {
        x = lowering_to_fraction(l, x, 0);
        *rest = lowering_affine(l, 0, x, wide_from_i64(0));
        return x;
    }
    uint32_t whole = lowering_rescale(l, x, lowering_power_of_two(l, (unsigned)fraction),
                                      ROUND_FLOOR, form_integer(), NULL, rest);
    *rest = lowering_trim(l, lowering_in_units(l, *rest, fraction), bits, 4);
    return whole;
}

/* sum coefficient[k] r^k / 4, with no more than `bits` fraction bits. */
static uint32_t cubic(struct lowering *l, const uint32_t power[4], const int64_t coefficient[4],
                      int32_t bits)
{
    struct shape shape = lowering_shape(l, power[1]);
    int32_t fraction = lowering_fraction(l, power[3]);
    struct relation_term terms[3];
    unsigned count = 0;
    for (unsigned k = 1; k < 4; k++) {
        wide scale;
        if (coefficient[k] == 0)
            continue;
        lowering_require_room(
            l, wide_shift_left(&scale, wide_from_i64(coefficient[k]),
                               (unsigned)(fraction - lowering_fraction(l, power[k]))));
        terms[count++] = lowering_term_wide(l, scale, power[k], &shape);
    }
    wide constant;
    lowering_require_room(
        l, wide_shift_left(&constant, wide_from_i64(coefficient[0]), (unsigned)fraction));
    uint32_t sum = lowering_linear(l, &shape, form_fixed(fraction + 2), terms, count, constant);
    return lowering_trim(l, sum, bits, 4);
}

void sample_cubic_weights(struct lowering *l, uint32_t rest, int32_t bits, struct sample_taps *taps)
{
    static const int64_t coefficient[4][4] = {
        {0, -3, 6, -3}, {4, 0, -9, 5}, {0, 3, 6, -5}, {0, 0, -3, 3}};
    uint32_t square = lowering_square(l, rest);
    uint32_t power[4] = {RELATION_NONE, rest, square, lowering_times(l, square, rest)};
    taps->count = 4;
    for (unsigned k = 0; k < 4; k++)
        taps->weight[k] = cubic(l, power, coefficient[k], bits);
}

void sample_linear_weights(struct lowering *l, uint32_t rest, struct sample_taps *taps)
{
    wide one = lowering_power_of_two(l, (unsigned)lowering_fraction(l, rest));
    taps->count = 2;
    taps->weight[0] = lowering_affine(l, -1, rest, one);
    taps->weight[1] = rest;
}

/* ---- samples ---- */

/* Rows of all channels, one for each position of the borders, image by image. */
static uint32_t make_memory(struct lowering *l, const struct sample_image *image,
                            const struct sample_border *border, unsigned rank, const int64_t *dim)
{
    int64_t positions = 1;
    for (unsigned d = 0; d < rank; d++)
        positions *= border[d].count;
    struct shape shape = shape_of(2, image->count * positions, image->channels);
    int64_t *list = lowering_array(l, int64_t, shape_elements(&shape)), *next = list;
    for (int64_t p = 0; p < image->count * positions; p++) {
        int64_t rest = p, at = 0, unit = 1;
        bool is_zero = false;
        for (unsigned d = rank; d-- > 0;) {
            int64_t source = border[d].source[rest % border[d].count];
            rest /= border[d].count;
            is_zero |= source < 0;
            at += source * unit;
            unit *= dim[d];
        }
        for (int64_t c = 0; c < image->channels; c++)
            *next++ = is_zero ? -1 : image->first[rest] + c * image->channel_step + at;
    }
    if (image->channels == 1)
        shape = shape_of(1, shape.dim[0]);
    return lowering_pick(l, image->tensor, &shape, list);
}

/* Rows to read: [points, K]. image: [points], the image of each, or RELATION_NONE. */
static uint32_t make_index(struct lowering *l, const struct sample_border *border,
                           const struct sample_taps *taps, unsigned rank, uint32_t image,
                           int64_t points, int64_t count)
{
    struct shape shape = shape_of(2, points, count), line = shape_of(1, count),
                 column = shape_of(2, points, (int64_t)1);
    wide *shifts = lowering_array(l, wide, (size_t)count);
    struct relation_term terms[SAMPLE_AXES_MAX + 2];
    unsigned used = 0;
    for (int64_t k = 0; k < count; k++) {
        int64_t rest = k, unit = 1, at = 0;
        for (unsigned d = rank; d-- > 0;) {
            at += rest % taps[d].count * unit;
            rest /= taps[d].count;
            unit *= border[d].count;
        }
        shifts[k] = wide_from_i64(at);
    }
    int64_t unit = 1;
    for (unsigned d = rank; d-- > 0;) {
        terms[used++] = lowering_term(l, unit, lowering_reshape(l, taps[d].first, &column), &shape);
        unit *= border[d].count;
    }
    if (image != RELATION_NONE)
        terms[used++] = lowering_term(l, unit, lowering_reshape(l, image, &column), &shape);
    terms[used++] =
        lowering_term(l, 1, lowering_constant(l, &line, form_integer(), shifts), &shape);
    return lowering_linear(l, &shape, form_integer(), terms, used, wide_from_i64(0));
}

/* Weights of one axis side by side: [points, taps]. */
static uint32_t axis_weights(struct lowering *l, const struct sample_taps *taps, int64_t points)
{
    struct shape shape = shape_of(2, points, (int64_t)taps->count);
    struct relation_term terms[SAMPLE_TAPS_MAX];
    int32_t fraction = 0;
    for (unsigned k = 0; k < taps->count; k++) {
        int32_t own = lowering_fraction(l, taps->weight[k]);
        fraction = own > fraction ? own : fraction;
    }
    for (unsigned k = 0; k < taps->count; k++) {
        struct relation_view view = {.tensor = lowering_to_fraction(l, taps->weight[k], fraction),
                                     .stride = {1, 0},
                                     .low = {0, k},
                                     .high = {points, k + 1}};
        terms[k] = lowering_term_view(wide_from_i64(1), view);
    }
    return lowering_moved(l, &shape, form_fixed(fraction), terms, taps->count);
}

/* Products of the weights of all axes: [points, K]. */
static uint32_t make_weights(struct lowering *l, const struct sample_taps *taps, unsigned rank,
                             int64_t points, int32_t bits)
{
    uint32_t weights = RELATION_NONE;
    int64_t count = 1;
    for (unsigned d = 0; d < rank; d++) {
        if (taps[d].count == 1)
            continue;
        uint32_t own = axis_weights(l, &taps[d], points);
        int64_t more = taps[d].count;
        if (weights != RELATION_NONE) {
            struct shape space = shape_of(3, points, count, more),
                         flat = shape_of(2, points, count * more);
            struct relation_term term = {
                .coefficient = wide_from_i64(1),
                .factor_count = 2,
                .factors = {
                    {.tensor = weights, .stride = {count, 1, 0}, .high = {points, count, more}},
                    {.tensor = own, .stride = {more, 0, 1}, .high = {points, count, more}}}};
            struct form form =
                form_fixed(lowering_fraction(l, weights) + lowering_fraction(l, own));
            own = lowering_product(l, &space, form, &term, 1, wide_from_i64(0));
            own = lowering_trim(l, lowering_reshape(l, own, &flat), bits, 4);
        }
        weights = own;
        count *= more;
    }
    return weights;
}

int32_t sample_weight_bits(const struct lowering *l)
{
    return lowering_coefficient_bits(l, lowering_largest(lowering_input_plan(l, 0)), 16);
}

struct samples sample_image(struct lowering *l, const struct sample_image *image,
                            const struct sample_border *border, const int64_t *dim,
                            const struct sample_taps *taps, unsigned rank, uint32_t image_index,
                            int64_t points)
{
    struct samples s = {.points = points, .taps = 1, .channels = image->channels};
    for (unsigned d = 0; d < rank; d++)
        s.taps *= taps[d].count;
    uint32_t memory = make_memory(l, image, border, rank, dim);
    s.values =
        lowering_read(l, memory, make_index(l, border, taps, rank, image_index, points, s.taps));
    s.weights = make_weights(l, taps, rank, points, sample_weight_bits(l));
    return s;
}

uint32_t sample_sums(struct lowering *l, const struct samples *s)
{
    struct shape shape = shape_of(2, s->points, s->channels);
    if (s->weights == RELATION_NONE)
        return lowering_reshape(l, s->values, &shape);
    struct space space = {0};
    space_add_out(&space, s->points, s->taps, s->taps * s->channels);
    space_add_out(&space, s->channels, 0, 1);
    space_add_sum(&space, s->taps, 1, s->channels);
    struct form form =
        form_fixed(lowering_fraction(l, s->weights) + lowering_fraction(l, s->values));
    return lowering_reshape(l,
                            lowering_contract_space(l, (struct space_operand){s->weights, 0},
                                                    (struct space_operand){s->values, 0}, &space,
                                                    form),
                            &shape);
}
