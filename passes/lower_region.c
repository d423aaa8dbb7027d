/*
 * Lowering of RoiAlign and MaxRoiPool: regions whose corners are computed in the circuit.
 */
#include "passes/lower_sample.h"

#include <string.h>

#include "ir/graph_window.h"

enum { COEFFICIENT_BITS = 40 };

/* Column k of the regions [R, width]: [R]. */
static uint32_t region_column(struct lowering *l, uint32_t regions, unsigned k)
{
    const struct relation_tensor *t = lowering_tensor(l, regions);
    struct shape line = shape_of(1, t->shape[0]);
    struct relation_view view = {
        .tensor = regions, .offset = k, .stride = {t->shape[1]}, .high = {t->shape[0]}};
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    return lowering_linear(l, &line, lowering_form(l, regions), &term, 1, wide_from_i64(0));
}

/* Which image each region is of, held to those there are. */
static uint32_t image_numbers(struct lowering *l, uint32_t numbers, int64_t images)
{
    return lowering_restrict_to(l, lowering_truncate(l, numbers), range_of_i64(0, images - 1));
}

/* ---- RoiAlign ---- */

struct align {
    double scale, offset;
    bool is_half, is_max;
    bool is_adaptive;                     /* a region says how many samples there are */
    int64_t regions, bins[2], samples[2]; /* samples of a bin along each axis, or room for them */
};

/*
 * How many samples a bin of each region has along one axis, [R]: ceil(size / bins), no less than 0,
 * held to the room there is. Runtimes compute the quotient in float32, where what is off a whole
 * number by less than 2^-16 is that number as a rule: so it is here.
 */
static uint32_t sample_counts(struct lowering *l, const struct align *a, uint32_t size,
                              unsigned axis)
{
    int32_t fraction = lowering_fraction(l, size);
    if (fraction < 0)
        size = lowering_to_fraction(l, size, fraction = 0);
    wide unit, shift, slack = wide_from_i64(0), one = wide_from_i64(1);
    lowering_require_room(l,
                          wide_shift_left(&unit, wide_from_i64(a->bins[axis]), (unsigned)fraction));
    if (fraction > 16)
        lowering_require_room(
            l, wide_shift_left(&slack, wide_from_i64(a->bins[axis]), (unsigned)fraction - 16));
    /* ceil((x - slack) / d) = floor((x - slack + d - 1) / d) */
    lowering_require_room(l, wide_sub(&shift, unit, slack) && wide_sub(&shift, shift, one));
    uint32_t count = lowering_rescale(l, lowering_affine(l, 1, size, shift), unit, ROUND_FLOOR,
                                      form_integer(), NULL, NULL);
    return lowering_restrict_to(l, lowering_at_least(l, count, wide_from_i64(0)),
                                range_of_i64(0, a->samples[axis]));
}

/* Row n[r] of a table [room + 1, room] of real numbers for every region: [R, room]. */
static uint32_t by_count(struct lowering *l, const char *name, const double *table, int64_t room,
                         uint32_t count, int32_t fraction)
{
    struct shape shape = room == 1 ? shape_of(1, (int64_t)2) : shape_of(2, room + 1, room);
    struct shape rows = shape_of(2, lowering_shape(l, count).dim[0], room);
    uint32_t memory = lowering_stored(l, name, &shape, table, fraction, false);
    return lowering_reshape(l, lowering_read(l, memory, count), &rows);
}

/*
 * What depends on the number n of samples: *parts [R, bins room] receives (bin + (i + 1/2) / n) /
 * bins, that of the last sample for those from the n-th on; *share [R, bins room] what a sample
 * counts: 1 / n, and nothing from the n-th on, for means; for maxima, where the last one may count
 * again and again, 1 unless there is none at all.
 */
static void adaptive_samples(struct lowering *l, const struct align *a, uint32_t size,
                             unsigned axis, uint32_t *parts, uint32_t *share)
{
    int64_t room = a->samples[axis], bins = a->bins[axis];
    uint32_t count = sample_counts(l, a, size, axis);
    double *place = lowering_array(l, double, (size_t)((room + 1) * room)),
           *weight = lowering_array(l, double, (size_t)((room + 1) * room));
    for (int64_t n = 0; n <= room; n++)
        for (int64_t i = 0; i < room; i++) {
            double last = (double)(i < n ? i : n > 0 ? n - 1 : 0), all = (double)(n > 0 ? n : 1);
            place[n * room + i] = (last + 0.5) / all / (double)bins;
            weight[n * room + i] = a->is_max ? n > 0 : i < n ? 1 / all : 0;
        }
    uint32_t own = by_count(l, "places in a bin", place, room, count, COEFFICIENT_BITS);
    uint32_t part = by_count(l, "shares of samples", weight, room, count,
                             a->is_max ? 0 : sample_weight_bits(l) + 4);
    struct shape space = shape_of(3, a->regions, bins, room),
                 flat = shape_of(2, a->regions, bins * room), line = shape_of(2, bins, (int64_t)1),
                 row = shape_of(3, a->regions, (int64_t)1, room);
    double *starts = lowering_array(l, double, (size_t)bins);
    for (int64_t b = 0; b < bins; b++)
        starts[b] = (double)b / (double)bins;
    uint32_t start = lowering_stored(l, "bins", &line, starts, COEFFICIENT_BITS, false);
    *parts = lowering_reshape(
        l, lowering_sum2(l, &space, lowering_reshape(l, own, &row), 1, start, 1), &flat);
    struct relation_term term = lowering_term(l, 1, lowering_reshape(l, part, &row), &space);
    *share =
        lowering_reshape(l, lowering_moved(l, &space, lowering_form(l, part), &term, 1), &flat);
}

/*
 * Coordinates of the samples along one axis, [R, bins samples]: start + (bin + (i + 1/2) / samples)
 * size / bins. *share: as above, RELATION_NONE when all samples count alike.
 */
static uint32_t sample_places(struct lowering *l, const struct align *a, unsigned axis,
                              uint32_t *share)
{
    uint32_t regions = lowering_trim(l, lowering_input(l, 1), lowering_input_fraction(l, 1), 8),
             begin = region_column(l, regions, 1 - axis), end = region_column(l, regions, 3 - axis);
    struct shape line = lowering_shape(l, begin);
    uint32_t size = lowering_scale(l, lowering_difference(l, &line, end, begin), a->scale);
    begin = lowering_scale(l, begin, a->scale);
    if (!a->is_half)
        size = lowering_at_least(
            l, size,
            lowering_real(l, 1, lowering_fraction(l, size) < 0 ? 0 : lowering_fraction(l, size)));
    int64_t samples = a->samples[axis], count = a->bins[axis] * samples;
    struct shape space = shape_of(2, a->regions, count),
                 column = shape_of(2, a->regions, (int64_t)1), row = shape_of(1, count);
    uint32_t part;
    *share = RELATION_NONE;
    if (a->is_adaptive) {
        adaptive_samples(l, a, size, axis, &part, share);
    } else {
        double *parts = lowering_array(l, double, (size_t)count);
        for (int64_t i = 0; i < count; i++)
            parts[i] = ((double)(i / samples) + ((double)(i % samples) + 0.5) / (double)samples) /
                       (double)a->bins[axis];
        part = lowering_stored(l, "parts", &row, parts, COEFFICIENT_BITS, false);
    }
    struct relation_term term =
        lowering_term_product(l, 1, part, lowering_reshape(l, size, &column), &space);
    uint32_t inner = lowering_product(
        l, &space, form_fixed(lowering_fraction(l, part) + lowering_fraction(l, size)), &term, 1,
        wide_from_i64(0));
    uint32_t place = lowering_sum2(l, &space, inner, 1, lowering_reshape(l, begin, &column), 1);
    if (a->offset == 0)
        return place;
    int32_t fraction = lowering_fraction(l, place);
    if (fraction < 1)
        place = lowering_to_fraction(l, place, fraction = 1);
    return lowering_affine(l, 1, place, lowering_real(l, -a->offset, fraction));
}

/*
 * Neighbours along one axis. A sample further than a pixel outside the image is zero; `share`, when
 * it is not RELATION_NONE, is what each counts.
 */
static struct sample_taps region_taps(struct lowering *l, uint32_t place, int64_t dim,
                                      struct sample_border *border, uint32_t share)
{
    struct sample_taps taps;
    struct shape shape = lowering_shape(l, place);
    int32_t fraction = lowering_fraction(l, place);
    if (fraction < 0)
        place = lowering_to_fraction(l, place, fraction = 0);
    wide one = lowering_power_of_two(l, (unsigned)fraction), zero = wide_from_i64(0), last, end;
    lowering_require_room(l, wide_shift_left(&last, wide_from_i64(dim - 1), (unsigned)fraction));
    lowering_require_room(l, wide_add(&end, last, one));
    uint32_t after = lowering_is_not_negative(l, lowering_affine(l, 1, place, one)),
             before = lowering_is_not_negative(l, lowering_affine(l, -1, place, end));
    struct relation_term term = lowering_term_product(l, 1, after, before, &shape);
    uint32_t valid = lowering_product(l, &shape, form_integer(), &term, 1, zero);
    if (share != RELATION_NONE)
        valid = lowering_times(l, valid, share);
    uint32_t rest,
        whole = sample_split(l, sample_clamp(l, place, zero, last), sample_weight_bits(l), &rest);
    *border = sample_border(l, dim, 0, 1, OUTSIDE_EDGE, false);
    taps.first = whole;
    sample_linear_weights(l, rest, &taps);
    /* Outside every weight is zero. */
    for (unsigned k = 0; k < taps.count; k++)
        taps.weight[k] = lowering_times(l, valid, taps.weight[k]);
    return taps;
}

/* x [R, count] of an axis at every point [R, rows, columns]. */
static uint32_t at_points(struct lowering *l, uint32_t x, int64_t regions, int64_t rows,
                          int64_t columns, unsigned axis)
{
    struct shape space = shape_of(3, regions, rows, columns),
                 line = shape_of(1, regions * rows * columns);
    struct relation_view view = {.tensor = x, .high = {regions, rows, columns}};
    view.stride[0] = axis == 0 ? rows : axis == 1 ? columns : 1;
    view.stride[1] = axis == 0 ? 1 : 0;
    view.stride[2] = axis == 1 ? 1 : 0;
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    return lowering_reshape(l, lowering_moved(l, &space, lowering_form(l, x), &term, 1), &line);
}

static struct samples region_samples(struct lowering *l, uint32_t x, const struct align *a)
{
    struct shape shape = lowering_shape(l, x);
    int64_t plane = shape.dim[2] * shape.dim[3], rows = a->bins[0] * a->samples[0],
            columns = a->bins[1] * a->samples[1];
    struct sample_border border[2];
    struct sample_taps taps[2];
    for (unsigned i = 0; i < 2; i++) {
        uint32_t share, place = sample_places(l, a, i, &share);
        taps[i] = region_taps(l, place, shape.dim[i + 2], &border[i], share);
        taps[i].first = at_points(l, taps[i].first, a->regions, rows, columns, i);
        for (unsigned k = 0; k < 2; k++)
            taps[i].weight[k] = at_points(l, taps[i].weight[k], a->regions, rows, columns, i);
    }
    int64_t *first = lowering_array(l, int64_t, (size_t)shape.dim[0]);
    for (int64_t n = 0; n < shape.dim[0]; n++)
        first[n] = n * shape.dim[1] * plane;
    uint32_t image = at_points(l, image_numbers(l, lowering_input(l, 2), shape.dim[0]), a->regions,
                               rows, columns, 2);
    struct sample_image images = {x, first, shape.dim[0], shape.dim[1], plane};
    return sample_image(l, &images, border, shape.dim + 2, taps, 2, image,
                        a->regions * rows * columns);
}

/* Strides of [R, bins, samples, bins, samples] times `unit`. */
static void point_axes(struct space *space, const struct align *a, int64_t by_weights,
                       int64_t by_values)
{
    int64_t rows = a->samples[0], columns = a->samples[1], row = a->bins[1] * columns,
            region = row * a->bins[0] * rows;
    space_add_out(space, a->regions, region * by_weights, region * by_values);
    space_add_out(space, a->bins[0], row * rows * by_weights, row * rows * by_values);
    space_add_out(space, a->bins[1], columns * by_weights, columns * by_values);
    space_add_sum(space, rows, row * by_weights, row * by_values);
    space_add_sum(space, columns, by_weights, by_values);
}

/* Means of a bin's samples: [R, bins, bins, C]. */
static uint32_t bin_means(struct lowering *l, const struct samples *s, const struct align *a)
{
    struct space space = {0};
    point_axes(&space, a, s->taps, s->taps * s->channels);
    space_add_out(&space, s->channels, 0, 1);
    space_add_sum(&space, s->taps, 1, s->channels);
    struct form form =
        form_fixed(lowering_fraction(l, s->weights) + lowering_fraction(l, s->values));
    uint32_t sums = lowering_contract_space(l, (struct space_operand){s->weights, 0},
                                            (struct space_operand){s->values, 0}, &space, form);
    return a->is_adaptive ? sums : lowering_divide_by_count(l, sums, a->samples[0] * a->samples[1]);
}

/* The largest weighted neighbour of a bin's samples, as ONNX's reference takes it. */
static uint32_t bin_maxima(struct lowering *l, const struct samples *s, const struct align *a)
{
    struct shape all = shape_of(3, s->points, s->taps, s->channels);
    struct relation_view weights = {
        .tensor = s->weights, .stride = {s->taps, 1, 0}, .high = {s->points, s->taps, s->channels}};
    struct relation_term term = {
        .coefficient = wide_from_i64(1),
        .factor_count = 2,
        .factors = {weights, lowering_view(l, lowering_reshape(l, s->values, &all), &all)}};
    struct form form =
        form_fixed(lowering_fraction(l, s->weights) + lowering_fraction(l, s->values));
    uint32_t parts = lowering_trim(l, lowering_product(l, &all, form, &term, 1, wide_from_i64(0)),
                                   lowering_output_fraction(l, 0) + 1, 4);
    int64_t columns = a->bins[1] * a->samples[1], unit = s->taps * s->channels,
            row_count = a->regions * a->bins[0] * a->bins[1] * s->channels;
    struct shape rows = shape_of(2, row_count, a->samples[0] * a->samples[1] * s->taps);
    int64_t *list = lowering_array(l, int64_t, shape_elements(&rows)), *next = list;
    for (int64_t r = 0; r < row_count; r++) {
        int64_t c = r % s->channels, j = r / s->channels % a->bins[1],
                i = r / s->channels / a->bins[1]; /* region and bin row together */
        for (int64_t y = 0; y < a->samples[0]; y++)
            for (int64_t x = 0; x < a->samples[1]; x++)
                for (int64_t k = 0; k < s->taps; k++)
                    *next++ = ((i * a->samples[0] + y) * columns + j * a->samples[1] + x) * unit +
                              k * s->channels + c;
    }
    return lowering_max_rows(l, lowering_pick(l, parts, &rows, list));
}

void check_roi_align(struct lowering *l)
{
    bool is_adaptive = lowering_attribute_int(l, "sampling_ratio", 0) < 1;
    if (is_adaptive && (roi_align_room(l->node, 0) < 1 || roi_align_room(l->node, 1) < 1))
        lowering_fail(l, STATUS_UNSUPPORTED,
                      "sampling_ratio 0 takes as many samples as the regions have pixels, and how "
                      "many those are is not known; give regions with --data");
}

void lower_roi_align(struct lowering *l)
{
    uint32_t x = lowering_planned_input(l);
    struct shape out = lowering_output_shape(l, 0);
    const char *mode =
        graph_attribute_text(l->node, "coordinate_transformation_mode", "half_pixel");
    bool is_half = strcmp(mode, "half_pixel") == 0;
    int64_t ratio = lowering_attribute_int(l, "sampling_ratio", 0);
    struct align a = {.scale = lowering_attribute_float(l, "spatial_scale", 1),
                      .offset = is_half ? 0.5 : 0,
                      .is_half = is_half,
                      .is_max = strcmp(graph_attribute_text(l->node, "mode", "avg"), "max") == 0,
                      .is_adaptive = ratio < 1,
                      .regions = out.dim[0],
                      .bins = {out.dim[2], out.dim[3]},
                      .samples = {ratio, ratio}};
    for (unsigned axis = 0; a.is_adaptive && axis < 2; axis++)
        a.samples[axis] = roi_align_room(l->node, axis);
    struct samples samples = region_samples(l, x, &a);
    uint32_t bins = a.is_max ? bin_maxima(l, &samples, &a) : bin_means(l, &samples, &a);
    int64_t plane = a.bins[0] * a.bins[1];
    struct relation_view view = {.tensor = bins,
                                 .stride = {plane * out.dim[1], 1, out.dim[1]},
                                 .high = {a.regions, out.dim[1], plane}};
    struct shape order = shape_of(3, a.regions, out.dim[1], plane);
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    lowering_output(l, 0, lowering_moved(l, &order, lowering_form(l, bins), &term, 1));
}

/* ---- MaxRoiPool ---- */

/*
 * round(x scale), halves away from zero, as an integer. Runtimes compute the product in float32,
 * where what is less than 2^-16 below a half is a half as a rule: so it is here.
 */
static uint32_t rounded_edge(struct lowering *l, uint32_t x, double scale)
{
    uint32_t bit, size = lowering_absolute(l, lowering_scale(l, x, scale), &bit);
    int32_t fraction = lowering_fraction(l, size);
    if (fraction > 16)
        size = lowering_affine(l, 1, size, lowering_power_of_two(l, (unsigned)fraction - 16));
    if (fraction > 0)
        size = lowering_rescale(l, size, lowering_power_of_two(l, (unsigned)fraction),
                                ROUND_HALF_UP, form_integer(), NULL, NULL);
    return lowering_to_fraction(l, lowering_with_sign(l, bit, size), 0);
}

/*
 * For each bin of each region whether it holds each place of an axis: [R, bins, dim] of 0 and 1.
 * Bin k holds floor(k size / bins) + start up to ceil((k + 1) size / bins) + start, without the
 * end.
 */
static uint32_t bin_masks(struct lowering *l, uint32_t regions, unsigned axis, int64_t bins,
                          int64_t dim)
{
    double scale = lowering_attribute_float(l, "spatial_scale", 1);
    uint32_t start = rounded_edge(l, region_column(l, regions, 2 - axis), scale),
             end = rounded_edge(l, region_column(l, regions, 4 - axis), scale);
    struct shape line = lowering_shape(l, start), row = shape_of(1, bins), scalar = {0};
    int64_t count = line.dim[0];
    struct shape column = shape_of(2, count, (int64_t)1), table = shape_of(2, count, bins),
                 tall = shape_of(3, count, bins, (int64_t)1), space = shape_of(3, count, bins, dim),
                 places = shape_of(1, dim);
    uint32_t size = lowering_at_least(
        l, lowering_affine(l, 1, lowering_difference(l, &line, end, start), wide_from_i64(1)),
        wide_from_i64(1));
    wide *numbers = lowering_array(l, wide, (size_t)(bins > dim ? bins : dim));
    uint32_t edge[2];
    for (int64_t side = 0; side < 2; side++) {
        /* ceil(a / b) = floor((a + b - 1) / b) */
        for (int64_t k = 0; k < bins; k++)
            numbers[k] = wide_from_i64(k + side);
        wide *factors = lowering_array(l, wide, (size_t)bins);
        memcpy(factors, numbers, (size_t)bins * sizeof *factors);
        struct relation_term term =
            lowering_term_product(l, 1, lowering_constant(l, &row, form_integer(), factors),
                                  lowering_reshape(l, size, &column), &table);
        uint32_t parts =
            lowering_product(l, &table, form_integer(), &term, 1, wide_from_i64(side * (bins - 1)));
        parts = lowering_rescale(l, parts, wide_from_i64(bins), ROUND_FLOOR, form_integer(), NULL,
                                 NULL);
        edge[side] = lowering_sum2(l, &table, parts, 1, lowering_reshape(l, start, &column), 1);
    }
    for (int64_t k = 0; k < dim; k++)
        numbers[k] = wide_from_i64(k);
    uint32_t place = lowering_constant(l, &places, form_integer(), numbers),
             after = lowering_is_not_negative(
                 l, lowering_difference(l, &space, place, lowering_reshape(l, edge[0], &tall))),
             one = lowering_constant_i64(l, 1);
    uint32_t last = lowering_difference(l, &table, edge[1], lowering_reshape(l, one, &scalar));
    uint32_t before = lowering_is_not_negative(
        l, lowering_difference(l, &space, lowering_reshape(l, last, &tall), place));
    struct relation_term both = lowering_term_product(l, 1, after, before, &space);
    return lowering_product(l, &space, form_integer(), &both, 1, wide_from_i64(0));
}

/* 1 where a bin holds any place: [R, bins]. */
static uint32_t any_place(struct lowering *l, uint32_t masks)
{
    struct shape shape = lowering_shape(l, masks),
                 rows = shape_of(2, shape.dim[0] * shape.dim[1], shape.dim[2]);
    return lowering_max_rows(l, lowering_reshape(l, masks, &rows));
}

/*
 * Maxima over the places of an axis that a bin holds, `low` where it holds none. x: [R, before,
 * dim, after], masks: [R, bins, dim]; the result is [R, before, bins, after].
 */
static uint32_t masked_maxima(struct lowering *l, uint32_t x, uint32_t masks, wide low)
{
    struct shape from = lowering_shape(l, x), mask = lowering_shape(l, masks);
    int64_t regions = from.dim[0], before = from.dim[1], dim = from.dim[2], after = from.dim[3],
            bins = mask.dim[1];
    struct shape space = {.rank = 5, .dim = {regions, before, bins, after, dim}},
                 rows = shape_of(2, regions * before * bins * after, dim),
                 to = shape_of(4, regions, before, bins, after);
    wide minus_low;
    lowering_require_room(l, wide_neg(&minus_low, low));
    /* low + bit (x - low) */
    uint32_t raised = lowering_affine(l, 1, x, minus_low);
    struct relation_view bit = {.tensor = masks,
                                .stride = {bins * dim, 0, dim, 0, 1},
                                .high = {regions, before, bins, after, dim}},
                         value = {.tensor = raised,
                                  .stride = {before * dim * after, dim * after, 0, 1, after},
                                  .high = {regions, before, bins, after, dim}};
    struct relation_term term = {
        .coefficient = wide_from_i64(1), .factor_count = 2, .factors = {bit, value}};
    uint32_t held = lowering_product(l, &space, lowering_form(l, x), &term, 1, low);
    return lowering_reshape(l, lowering_max_rows(l, lowering_reshape(l, held, &rows)), &to);
}

/* The image of each region: [R, C, H W]. */
static uint32_t region_images(struct lowering *l, uint32_t x, uint32_t regions)
{
    struct shape shape = lowering_shape(l, x);
    int64_t count = lowering_tensor(l, regions)->shape[0],
            size = shape.dim[1] * shape.dim[2] * shape.dim[3];
    struct shape memory = shape_of(2, shape.dim[0], size), space = shape_of(2, count, size);
    uint32_t numbers = image_numbers(l, region_column(l, regions, 0), shape.dim[0]);
    if (shape.dim[0] > 1)
        return lowering_read(l, lowering_reshape(l, x, &memory), numbers);
    return lowering_expand(l, lowering_reshape(l, x, &memory), &space);
}

void lower_max_roi_pool(struct lowering *l)
{
    uint32_t x = lowering_planned_input(l),
             regions = lowering_trim(l, lowering_input(l, 1), lowering_input_fraction(l, 1), 8);
    struct shape shape = lowering_shape(l, x), out = lowering_output_shape(l, 0);
    int64_t count = out.dim[0], channels = shape.dim[1], height = shape.dim[2],
            width = shape.dim[3], rows = out.dim[2], columns = out.dim[3];
    struct shape tall = {.rank = 4, .dim = {count, channels, height, width}},
                 wide_rows = {.rank = 4, .dim = {count, channels * rows, width, 1}};
    uint32_t down = bin_masks(l, regions, 0, rows, height),
             across = bin_masks(l, regions, 1, columns, width);
    wide low = lowering_range_of(l, x).low;
    uint32_t images = lowering_reshape(l, region_images(l, x, regions), &tall);
    uint32_t best = lowering_reshape(l, masked_maxima(l, images, down, low), &wide_rows);
    best = lowering_reshape(l, masked_maxima(l, best, across, low), &out);
    /* Bins that hold nothing are zero. */
    struct relation_view views[2] = {
        {.tensor = any_place(l, down), .stride = {rows, 0, 1, 0}},
        {.tensor = any_place(l, across), .stride = {columns, 0, 0, 1}}};
    for (unsigned d = 0; d < 4; d++)
        views[0].high[d] = views[1].high[d] = out.dim[d];
    struct relation_term both = {
        .coefficient = wide_from_i64(1), .factor_count = 2, .factors = {views[0], views[1]}};
    uint32_t any = lowering_product(l, &out, form_integer(), &both, 1, wide_from_i64(0));
    lowering_output(l, 0, lowering_times(l, any, best));
}
