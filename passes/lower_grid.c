/*
 * Lowering of GridSample and DeformConv: images read between their pixels (lower_sample.h).
 */
#include "passes/lower_sample.h"

#include <string.h>

/* ---- GridSample ---- */

enum sampling { SAMPLING_NEAREST, SAMPLING_LINEAR, SAMPLING_CUBIC };

struct sampler {
    enum sampling sampling;
    enum sample_outside outside;
    bool align;
};

static struct sampler read_sampler(const struct lowering *l)
{
    const char *mode = graph_attribute_text(l->node, "mode", "linear"),
               *padding = graph_attribute_text(l->node, "padding_mode", "zeros");
    return (struct sampler){.sampling = strcmp(mode, "nearest") == 0 ? SAMPLING_NEAREST
                                        : strcmp(mode, "cubic") == 0 ? SAMPLING_CUBIC
                                                                     : SAMPLING_LINEAR,
                            .outside = strcmp(padding, "border") == 0       ? OUTSIDE_EDGE
                                       : strcmp(padding, "reflection") == 0 ? OUTSIDE_REFLECTED
                                                                            : OUTSIDE_ZERO,
                            .align = lowering_attribute_int(l, "align_corners", 0) != 0};
}

/* Pixels from -1 .. 1: (g + 1) (dim - 1) / 2, or ((g + 1) dim - 1) / 2; exact. */
static uint32_t pixel_coordinate(struct lowering *l, uint32_t g, int64_t dim, bool align)
{
    int32_t fraction = lowering_fraction(l, g);
    if (fraction < 0)
        g = lowering_to_fraction(l, g, fraction = 0);
    struct shape shape = lowering_shape(l, g);
    int64_t factor = align ? dim - 1 : dim, offset = dim - 1;
    struct relation_term term = lowering_term(l, factor, g, &shape);
    wide constant;
    lowering_require_room(l, wide_shift_left(&constant, wide_from_i64(offset), (unsigned)fraction));
    return lowering_linear(l, &shape, form_fixed(fraction + 1), &term, 1, constant);
}

/* x folded back into [low, low + range], low = 0 or -1/2. */
static uint32_t fold_back(struct lowering *l, uint32_t x, int64_t dim, bool align)
{
    int32_t fraction = lowering_fraction(l, x);
    int64_t range = align ? dim - 1 : dim;
    if (range == 0)
        return lowering_affine(l, 0, x, wide_from_i64(0));
    if (fraction < 1)
        x = lowering_to_fraction(l, x, fraction = 1);
    wide half = align ? wide_from_i64(0) : lowering_power_of_two(l, (unsigned)fraction - 1), period,
         minus_half;
    lowering_require_room(l,
                          wide_shift_left(&period, wide_from_i64(2 * range), (unsigned)fraction));
    lowering_require_room(l, wide_neg(&minus_half, half));
    uint32_t turned;
    lowering_rescale(l, lowering_affine(l, 1, x, half), period, ROUND_FLOOR, form_integer(), NULL,
                     &turned);
    turned = lowering_in_units(l, turned, fraction);
    struct shape shape = lowering_shape(l, turned);
    uint32_t other = lowering_affine(l, -1, turned, period);
    return lowering_affine(l, 1, lowering_minimum(l, &shape, turned, other), minus_half);
}

/* x, but the last pixel beyond it by more than half of one, and the first likewise. */
static uint32_t hold_to_edge(struct lowering *l, uint32_t x, int64_t dim, const struct sampler *s)
{
    int32_t fraction = lowering_fraction(l, x);
    struct shape shape = lowering_shape(l, x);
    wide last, zero = wide_from_i64(0);
    if (s->sampling == SAMPLING_CUBIC && !s->align && fraction < 1)
        x = lowering_to_fraction(l, x, fraction = 1);
    lowering_require_room(l, wide_shift_left(&last, wide_from_i64(dim - 1), (unsigned)fraction));
    if (s->sampling != SAMPLING_CUBIC || s->align)
        return sample_clamp(l, x, zero, last);
    /* Within half a pixel a cubic goes on with the edge for its neighbours. */
    wide half = lowering_power_of_two(l, (unsigned)fraction - 1), beyond;
    lowering_require_room(l, wide_add(&beyond, last, half));
    uint32_t is_high = lowering_is_not_negative(l, lowering_affine(l, -1, x, beyond)),
             is_low = lowering_is_not_negative(l, lowering_affine(l, 1, x, half));
    struct shape scalar = {0};
    uint32_t first_pixel = lowering_constant(l, &scalar, form_fixed(fraction), &zero),
             last_pixel = lowering_constant(l, &scalar, form_fixed(fraction), &last);
    x = lowering_select(l, &shape, is_high, x, last_pixel);
    return lowering_select(l, &shape, is_low, x, first_pixel);
}

/* Neighbours along one axis of coordinates g, -1 and 1 being the ends. */
static struct sample_taps grid_taps(struct lowering *l, const struct sampler *s, uint32_t g,
                                    int64_t dim, struct sample_border *border)
{
    struct sample_taps taps = {.count = 1};
    uint32_t x = pixel_coordinate(l, g, dim, s->align), rest = RELATION_NONE;
    /* How far neighbours of the outermost whole part reach. */
    int64_t before = s->sampling == SAMPLING_CUBIC ? 1 : 0,
            after = s->sampling == SAMPLING_CUBIC    ? 2
                    : s->sampling == SAMPLING_LINEAR ? 1
                                                     : 0;
    if (s->sampling == SAMPLING_NEAREST)
        x = lowering_round_even(l, x, lowering_power_of_two(l, (unsigned)lowering_fraction(l, x)),
                                form_integer());
    if (s->outside == OUTSIDE_EDGE)
        x = hold_to_edge(l, x, dim, s);
    else if (s->outside == OUTSIDE_REFLECTED)
        x = fold_back(l, x, dim, s->align);
    uint32_t whole = x;
    if (s->sampling != SAMPLING_NEAREST || lowering_fraction(l, x) > 0)
        whole = sample_split(l, x, sample_weight_bits(l), &rest);
    int64_t low = -1, high = dim;
    if (s->outside == OUTSIDE_ZERO) {
        /* There no neighbour is a pixel. */
        low = -1 - after;
        high = dim + before;
        whole = sample_clamp(l, whole, wide_from_i64(low), wide_from_i64(high));
    }
    *border = sample_border(l, dim, before - low, high - (dim - 1) + after, s->outside, s->align);
    taps.first = lowering_affine(l, 1, whole, wide_from_i64(border->before - before));
    if (s->sampling == SAMPLING_LINEAR)
        sample_linear_weights(l, rest, &taps);
    else if (s->sampling == SAMPLING_CUBIC)
        sample_cubic_weights(l, rest, sample_weight_bits(l), &taps);
    return taps;
}

/* Column `axis` of the grid of one batch element: [points]. */
static uint32_t grid_column(struct lowering *l, uint32_t grid, int64_t first, int64_t points,
                            unsigned rank, unsigned axis)
{
    struct shape line = shape_of(1, points);
    struct relation_view view = {
        .tensor = grid, .offset = first * points * rank + axis, .stride = {rank}, .high = {points}};
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    return lowering_linear(l, &line, lowering_form(l, grid), &term, 1, wide_from_i64(0));
}

/* [N] pieces of [points, C] as [N, C, points]. */
static uint32_t channels_first(struct lowering *l, const uint32_t *pieces, int64_t batch,
                               int64_t points, int64_t channels)
{
    struct shape line = shape_of(1, points * channels),
                 shape = shape_of(3, batch, channels, points);
    uint32_t *flat = lowering_array(l, uint32_t, (size_t)batch);
    int32_t fraction = lowering_fraction(l, pieces[0]);
    for (int64_t n = 1; n < batch; n++) {
        int32_t own = lowering_fraction(l, pieces[n]);
        fraction = own > fraction ? own : fraction;
    }
    for (int64_t n = 0; n < batch; n++)
        flat[n] = lowering_reshape(l, lowering_to_fraction(l, pieces[n], fraction), &line);
    struct relation_view view = {.tensor = lowering_stack(l, flat, batch, points * channels),
                                 .stride = {points * channels, 1, channels},
                                 .high = {batch, channels, points}};
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    return lowering_moved(l, &shape, form_fixed(fraction), &term, 1);
}

void check_grid_sample(struct lowering *l)
{
    unsigned axes = lowering_graph_value(l, 0)->shape.rank - 2u;
    if (axes > SAMPLE_AXES_MAX)
        lowering_fail(l, STATUS_UNSUPPORTED, "%u spatial axes; give it at most %d", axes,
                      SAMPLE_AXES_MAX);
}

void lower_grid_sample(struct lowering *l)
{
    struct sampler s = read_sampler(l);
    uint32_t x = lowering_planned_input(l), grid = lowering_input(l, 1);
    struct shape shape = lowering_shape(l, x), out = lowering_output_shape(l, 0);
    unsigned rank = shape.rank - 2u;
    int64_t points = 1, plane = 1, batch = shape.dim[0], channels = shape.dim[1];
    for (unsigned i = 0; i < rank; i++) {
        points *= out.dim[i + 2];
        plane *= shape.dim[i + 2];
    }
    grid = lowering_trim(l, grid, lowering_input_fraction(l, 1), 8);
    uint32_t *pieces = lowering_array(l, uint32_t, (size_t)batch);
    for (int64_t n = 0; n < batch; n++) {
        struct sample_border border[SAMPLE_AXES_MAX];
        struct sample_taps taps[SAMPLE_AXES_MAX];
        for (unsigned i = 0; i < rank; i++) /* the grid names the last axis first */
            taps[i] = grid_taps(l, &s, grid_column(l, grid, n, points, rank, rank - 1 - i),
                                shape.dim[i + 2], &border[i]);
        int64_t first = n * channels * plane;
        struct sample_image image = {x, &first, 1, channels, plane};
        struct samples samples =
            sample_image(l, &image, border, shape.dim + 2, taps, rank, RELATION_NONE, points);
        pieces[n] = sample_sums(l, &samples);
    }
    lowering_output(l, 0, channels_first(l, pieces, batch, points, channels));
}

/* ---- DeformConv ---- */

/* Places of the window's elements without their offsets: [kernel, out], axis 0 or 1. */
static uint32_t window_places(struct lowering *l, const struct window *window, unsigned axis)
{
    const struct window_axis *a = &window->axis[axis], *y = &window->axis[0], *x = &window->axis[1];
    int64_t kernel = y->kernel * x->kernel, out = y->out * x->out;
    struct shape shape = shape_of(1, kernel * out);
    wide *places = lowering_array(l, wide, (size_t)(kernel * out));
    for (int64_t k = 0; k < kernel; k++)
        for (int64_t o = 0; o < out; o++) {
            int64_t ki = axis == 0 ? k / x->kernel : k % x->kernel,
                    oi = axis == 0 ? o / x->out : o % x->out;
            places[k * out + o] = wide_from_i64(oi * a->stride + ki * a->dilation - a->pad_begin);
        }
    return lowering_constant(l, &shape, form_integer(), places);
}

/* Linear neighbours of x, zero outside. */
static struct sample_taps zero_padded_taps(struct lowering *l, uint32_t x, int64_t dim,
                                           struct sample_border *border)
{
    struct sample_taps taps;
    uint32_t rest, whole = sample_split(l, x, sample_weight_bits(l), &rest);
    whole = sample_clamp(l, whole, wide_from_i64(-2), wide_from_i64(dim));
    *border = sample_border(l, dim, 2, 2, OUTSIDE_ZERO, false);
    taps.first = lowering_affine(l, 1, whole, wide_from_i64(2));
    sample_linear_weights(l, rest, &taps);
    return taps;
}

/* What the windows read, [kernel out, channels], for one batch element and offset group. */
static uint32_t deformed(struct lowering *l, uint32_t x, const struct window *window, int64_t n,
                         int64_t part, int64_t parts)
{
    struct shape shape = lowering_shape(l, x);
    int64_t kernel = window->axis[0].kernel * window->axis[1].kernel,
            out = window->axis[0].out * window->axis[1].out, points = kernel * out,
            channels = shape.dim[1] / parts, plane = shape.dim[2] * shape.dim[3],
            slot = (n * parts + part) * kernel,
            first = (n * shape.dim[1] + part * channels) * plane;
    uint32_t offsets = lowering_trim(l, lowering_input(l, 2), lowering_input_fraction(l, 2), 8);
    struct shape line = shape_of(1, points), space = shape_of(2, kernel, out);
    struct sample_border border[2];
    struct sample_taps taps[2];
    for (unsigned i = 0; i < 2; i++) {
        struct relation_view view = {.tensor = offsets,
                                     .offset = (2 * slot + i) * out,
                                     .stride = {2 * out, 1},
                                     .high = {kernel, out}};
        struct relation_term term = lowering_term_view(wide_from_i64(1), view);
        uint32_t shift = lowering_reshape(
            l, lowering_moved(l, &space, lowering_form(l, offsets), &term, 1), &line);
        uint32_t place = lowering_sum2(l, &line, shift, 1, window_places(l, window, i), 1);
        taps[i] = zero_padded_taps(l, place, shape.dim[i + 2], &border[i]);
    }
    struct sample_image image = {x, &first, 1, channels, plane};
    struct samples samples =
        sample_image(l, &image, border, shape.dim + 2, taps, 2, RELATION_NONE, points);
    uint32_t values = lowering_trim(l, sample_sums(l, &samples), sample_weight_bits(l), 8);
    if (!lowering_has_input(l, 4))
        return values;
    uint32_t mask = lowering_trim(l, lowering_input(l, 4), lowering_input_fraction(l, 4), 8);
    struct relation_view view = {
        .tensor = mask, .offset = slot * out, .stride = {1, 0}, .high = {points, channels}};
    struct shape both = shape_of(2, points, channels);
    struct relation_term term = {.coefficient = wide_from_i64(1),
                                 .factor_count = 2,
                                 .factors = {view, lowering_view(l, values, &both)}};
    return lowering_product(l, &both,
                            form_fixed(lowering_fraction(l, values) + lowering_fraction(l, mask)),
                            &term, 1, wide_from_i64(0));
}

/* The elements that windows read, [N, C, kernel, out]. */
static uint32_t deformed_operand(struct lowering *l, uint32_t x, const struct window *window)
{
    struct shape shape = lowering_shape(l, x);
    int64_t parts = lowering_attribute_int(l, "offset_group", 1), batch = shape.dim[0],
            kernel = window->axis[0].kernel * window->axis[1].kernel,
            points = kernel * window->axis[0].out * window->axis[1].out;
    uint32_t *pieces = lowering_array(l, uint32_t, (size_t)(batch * parts));
    for (int64_t n = 0; n < batch; n++)
        for (int64_t part = 0; part < parts; part++)
            pieces[n * parts + part] = deformed(l, x, window, n, part, parts);
    return channels_first(l, pieces, batch * parts, points, shape.dim[1] / parts);
}

void lower_deform_conv(struct lowering *l)
{
    struct window window;
    uint32_t x = lowering_planned_input(l), w = lowering_factor(l, 1);
    struct shape sx = lowering_shape(l, x), sw = lowering_shape(l, w),
                 out = lowering_output_shape(l, 0);
    lowering_require(l, window_read(l->diag, l->node, &sx, &sw, &window));
    uint32_t read = deformed_operand(l, x, &window);
    int64_t group = lowering_attribute_int(l, "group", 1), per_group = sw.dim[1],
            kernel = sw.dim[2] * sw.dim[3], plane = out.dim[2] * out.dim[3],
            filters = sw.dim[0] / group;
    struct space space = {0};
    space_add_out(&space, sx.dim[0], sx.dim[1] * kernel * plane, 0);
    space_add_out(&space, group, per_group * kernel * plane, filters * per_group * kernel);
    space_add_out(&space, filters, 0, per_group * kernel);
    space_add_out(&space, plane, 1, 0);
    space_add_sum(&space, per_group, kernel * plane, kernel);
    space_add_sum(&space, kernel, plane, 1);
    struct form form = form_fixed(lowering_fraction(l, read) + lowering_fraction(l, w));
    uint32_t y = lowering_contract_space(l, (struct space_operand){read, 0},
                                         (struct space_operand){w, 0}, &space, form);
    lowering_output(l, 0, lowering_add_bias(l, lowering_reshape(l, y, &out), 3));
}
