/*
 * Lowering of operators that are linear in their operand with public coefficients known when the
 * circuit is made: Resize, AffineGrid, Col2Im.
 */
#include "passes/lower_window.h"

#include <math.h>
#include <string.h>

/* ---- Resize ---- */

/* Taps of every output index of one axis. */
struct axis_taps {
    struct resize_taps *taps; /* [out] */
    unsigned most;            /* the largest count */
    bool is_copy;             /* one tap of weight 1 each */
    bool has_outside;
};

static struct axis_taps read_taps(struct lowering *l, const struct resize_plan *plan, unsigned axis,
                                  int64_t in)
{
    int64_t out = plan->out.dim[axis];
    struct axis_taps result = {.taps = lowering_array(l, struct resize_taps, (size_t)out),
                               .is_copy = true};
    for (int64_t o = 0; o < out; o++) {
        struct resize_taps *taps = &result.taps[o];
        lowering_require(l, resize_taps_at(l->diag, l->node, plan, axis, in, o, taps));
        result.has_outside |= taps->outside;
        unsigned kept = 0;
        for (unsigned k = 0; k < taps->count; k++) {
            if (taps->weight[k] == 0)
                continue;
            taps->index[kept] = taps->index[k];
            taps->weight[kept++] = taps->weight[k];
        }
        taps->count = kept;
        result.most = kept > result.most ? kept : result.most;
        result.is_copy &= kept == 1 && taps->weight[0] == 1;
    }
    return result;
}

/* Weights [out, most] of an axis, zero where an index has fewer taps. */
static uint32_t axis_weights(struct lowering *l, const struct axis_taps *axis, int64_t out)
{
    struct shape shape = shape_of(2, out, (int64_t)axis->most);
    double *weights = lowering_array(l, double, shape_elements(&shape));
    for (int64_t o = 0; o < out; o++)
        for (unsigned k = 0; k < axis->taps[o].count; k++)
            weights[(size_t)o * axis->most + k] = axis->taps[o].weight[k];
    double largest = lowering_largest(lowering_input_plan(l, 0));
    uint32_t stored = lowering_stored(l, "weights", &shape, weights,
                                      lowering_coefficient_bits(l, largest, axis->most), false);
    /* Weights are computed in float64. */
    lowering_widen_error(l, stored, ldexp(bound_add(lowering_bound(l, stored)->most, 1), -44));
    return stored;
}

/* Resizes one axis of x. */
static uint32_t resize_axis(struct lowering *l, uint32_t x, unsigned d,
                            const struct axis_taps *axis, int64_t out)
{
    struct shape from = lowering_shape(l, x), to = from;
    int64_t inner = 1, outer = 1, most = axis->is_copy ? 1 : axis->most;
    to.dim[d] = out;
    for (unsigned i = 0; i < from.rank; i++)
        *(i < d ? &outer : &inner) *= i == d ? 1 : from.dim[i];
    struct shape space = shape_of(4, outer, out, inner, most);
    int64_t *list = lowering_array(l, int64_t, shape_elements(&space)), *next = list;
    for (int64_t a = 0; a < outer; a++)
        for (int64_t o = 0; o < out; o++)
            for (int64_t b = 0; b < inner; b++)
                for (int64_t k = 0; k < most; k++)
                    *next++ = k < axis->taps[o].count
                                  ? (a * from.dim[d] + axis->taps[o].index[k]) * inner + b
                                  : -1;
    if (axis->is_copy)
        return lowering_pick(l, x, &to, list);
    uint32_t weights = axis_weights(l, axis, out);
    struct relation_view values = {.tensor = x, .index_list = list},
                         factors = {.tensor = weights,
                                    .stride = {0, most, 0, 1},
                                    .high = {outer, out, inner, most}};
    int32_t fraction = lowering_fraction(l, x) + lowering_fraction(l, weights);
    return lowering_reshape(
        l, lowering_contract(l, &space, 1, &values, &factors, form_fixed(fraction)), &to);
}

/* y, and extrapolation_value where some axis reads beyond the operand. */
static uint32_t extrapolate(struct lowering *l, uint32_t y, const struct axis_taps *axes)
{
    struct shape shape = lowering_shape(l, y);
    size_t count = shape_elements(&shape);
    int64_t *kept = lowering_array(l, int64_t, count), *filled = lowering_array(l, int64_t, count);
    for (size_t e = 0; e < count; e++) {
        size_t rest = e;
        bool is_outside = false;
        for (unsigned d = shape.rank; d-- > 0;) {
            is_outside |= axes[d].taps[rest % (size_t)shape.dim[d]].outside;
            rest /= (size_t)shape.dim[d];
        }
        kept[e] = is_outside ? -1 : (int64_t)e;
        filled[e] = is_outside ? 0 : -1;
    }
    double number = lowering_attribute_float(l, "extrapolation_value", 0);
    uint32_t constant = lowering_number_beside(l, &y, number);
    struct relation_view views[2] = {{.tensor = y, .index_list = kept},
                                     {.tensor = constant, .index_list = filled}};
    struct relation_term terms[2] = {lowering_term_view(wide_from_i64(1), views[0]),
                                     lowering_term_view(wide_from_i64(1), views[1])};
    return lowering_moved(l, &shape, lowering_form(l, y), terms, number == 0 ? 1 : 2);
}

void lower_resize(struct lowering *l)
{
    enum { WIDTH_MOST = 120 };
    uint32_t x = lowering_input(l, 0);
    struct shape shape = lowering_shape(l, x);
    struct resize_plan plan;
    struct axis_taps axes[TENSOR_RANK_MAX];
    const struct tensor *known[4] = {NULL};
    bool has_outside = false;
    for (size_t i = 1; i < 4; i++)
        known[i] = lowering_has_input(l, i) ? lowering_known(l, i) : NULL;
    lowering_require(l, resize_read(l->diag, l->node, &shape, known[1], known[2], known[3], &plan));
    for (unsigned d = 0; d < shape.rank; d++) {
        axes[d] = read_taps(l, &plan, d, shape.dim[d]);
        has_outside |= axes[d].has_outside;
    }
    /* Axes that shrink go first: fewer elements for the others. */
    for (int grows = 0; grows < 2; grows++) {
        for (unsigned d = 0; d < shape.rank; d++) {
            if ((plan.out.dim[d] > shape.dim[d]) != (grows == 1))
                continue;
            x = resize_axis(l, x, d, &axes[d], plan.out.dim[d]);
            if (range_bits(lowering_range_of(l, x)) > WIDTH_MOST)
                x = lowering_trim(l, x, lowering_output_fraction(l, 0) + 6, 8);
        }
    }
    if (has_outside)
        x = extrapolate(l, x, axes);
    int32_t fraction = lowering_fraction(l, x);
    if (fraction > 0 && element_type_is_integer(l->graph->values[l->node->outputs[0]].type))
        x = lowering_round_even(l, x, lowering_power_of_two(l, (unsigned)fraction), form_integer());
    lowering_output(l, 0, x);
}

/* ---- AffineGrid ---- */

/* theta times the public coordinates (..., 1) of every point, x first. */
void lower_affine_grid(struct lowering *l)
{
    uint32_t theta = lowering_planned_input(l);
    struct shape result = lowering_output_shape(l, 0);
    bool align = lowering_attribute_int(l, "align_corners", 0) != 0;
    unsigned rank = result.rank - 2u;
    int64_t points = 1, width = rank + 1;
    for (unsigned i = 0; i < rank; i++)
        points *= result.dim[i + 1];
    struct shape table = shape_of(2, points, width);
    double *base = lowering_array(l, double, shape_elements(&table));
    for (int64_t p = 0; p < points; p++) {
        int64_t rest = p;
        for (unsigned i = 0; i < rank; i++) {
            double n = (double)result.dim[rank - i], k = (double)(rest % result.dim[rank - i]);
            rest /= result.dim[rank - i];
            base[p * width + i] =
                align ? (n > 1 ? 2.0 * k / (n - 1.0) - 1.0 : -1.0) : (2.0 * k + 1.0) / n - 1.0;
        }
        base[p * width + rank] = 1;
    }
    uint32_t grid = lowering_stored(
        l, "grid", &table, base,
        lowering_coefficient_bits(l, lowering_largest(lowering_input_plan(l, 0)), (double)width),
        false);
    /* Coordinates are computed in float64. */
    lowering_widen_error(l, grid, ldexp(bound_add(lowering_bound(l, grid)->most, 1), -50));
    struct space space = {0};
    space_add_out(&space, result.dim[0], rank * width, 0);
    space_add_out(&space, points, 0, width);
    space_add_out(&space, rank, width, 0);
    space_add_sum(&space, width, 1, 1);
    struct form form = form_fixed(lowering_fraction(l, theta) + lowering_fraction(l, grid));
    uint32_t y = lowering_contract_space(l, (struct space_operand){theta, 0},
                                         (struct space_operand){grid, 0}, &space, form);
    lowering_output(l, 0, lowering_reshape(l, y, &result));
}

/* ---- Col2Im ---- */

static int64_t list_entry(const struct lowering *l, const char *name, size_t i, int64_t fallback)
{
    const struct graph_attribute *list = graph_attribute(l->node, name);
    return list != NULL && i < list->count ? list->integers[i] : fallback;
}

/* Axes of the image; in: image, out: positions of the block. */
static struct window block_window(struct lowering *l, const struct shape *image)
{
    const struct tensor *block = lowering_known(l, 2);
    struct window window = {.rank = (unsigned)block->count};
    for (unsigned i = 0; i < window.rank; i++) {
        struct window_axis *axis = &window.axis[i];
        *axis = (struct window_axis){.in = image->dim[i + 2],
                                     .kernel = block->data.integer[i],
                                     .stride = list_entry(l, "strides", i, 1),
                                     .dilation = list_entry(l, "dilations", i, 1),
                                     .pad_begin = list_entry(l, "pads", i, 0),
                                     .pad_end = list_entry(l, "pads", i + window.rank, 0)};
        int64_t extent = (axis->kernel - 1) * axis->dilation + 1;
        axis->out = (axis->in + axis->pad_begin + axis->pad_end - extent) / axis->stride + 1;
    }
    return window;
}

/* Element of the operand that block element k adds to image element e; -1 for none. */
static int64_t block_source(const struct window *window, size_t k, size_t e)
{
    size_t block = 1, positions = 1, plane = 1;
    for (unsigned i = 0; i < window->rank; i++) {
        block *= (size_t)window->axis[i].kernel;
        positions *= (size_t)window->axis[i].out;
        plane *= (size_t)window->axis[i].in;
    }
    size_t rest = e % plane, channel = e / plane, at = k;
    int64_t position = 0, unit = 1;
    for (unsigned i = window->rank; i-- > 0;) {
        const struct window_axis *axis = &window->axis[i];
        int64_t to = (int64_t)(rest % (size_t)axis->in) + axis->pad_begin -
                     (int64_t)(at % (size_t)axis->kernel) * axis->dilation;
        rest /= (size_t)axis->in;
        at /= (size_t)axis->kernel;
        if (to < 0 || to % axis->stride != 0 || to / axis->stride >= axis->out)
            return -1;
        position += to / axis->stride * unit;
        unit *= axis->out;
    }
    return (int64_t)((channel * block + k) * positions) + position;
}

void lower_col2im(struct lowering *l)
{
    uint32_t x = lowering_input(l, 0);
    struct shape shape = lowering_output_shape(l, 0);
    struct window window = block_window(l, &shape);
    size_t count = shape_elements(&shape), block = 1;
    for (unsigned i = 0; i < window.rank; i++)
        block *= (size_t)window.axis[i].kernel;
    struct relation_term *terms = lowering_array(l, struct relation_term, block);
    for (size_t k = 0; k < block; k++) {
        int64_t *list = lowering_array(l, int64_t, count);
        for (size_t e = 0; e < count; e++)
            list[e] = block_source(&window, k, e);
        terms[k] = lowering_term_view(wide_from_i64(1),
                                      (struct relation_view){.tensor = x, .index_list = list});
    }
    lowering_output(
        l, 0, lowering_linear(l, &shape, lowering_form(l, x), terms, block, wide_from_i64(0)));
}
