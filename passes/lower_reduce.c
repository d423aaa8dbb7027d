/*
 * Lowering of reductions: sums, extremes, positions of extremes, order.
 *
 * Every reduction brings its axes to the back, so that one row of [rows, n] is reduced to one
 * number.
 */
#include <string.h>

#include "passes/lower_internal.h"

/* ---- axes ---- */

static uint32_t reduced_axes(struct lowering *l, unsigned rank)
{
    uint32_t mask = 0;
    const struct tensor *axes = lowering_has_input(l, 1) ? lowering_known(l, 1) : NULL;
    if (axes == NULL || axes->count == 0)
        return lowering_attribute_int(l, "noop_with_empty_axes", 0) != 0 ? 0 : (1u << rank) - 1;
    for (size_t i = 0; i < axes->count; i++)
        mask |= 1u << lowering_axis(l, axes->data.integer[i], rank);
    return mask;
}

struct relation_view lowering_row_view(const struct lowering *l, uint32_t x, uint32_t axes,
                                       struct shape *space)
{
    struct shape own = lowering_shape(l, x);
    struct relation_view view = {.tensor = x};
    int64_t stride[TENSOR_RANK_MAX], step = 1;
    *space = (struct shape){0};
    for (unsigned d = own.rank; d-- > 0;) {
        stride[d] = step;
        step *= own.dim[d];
    }
    for (int reduced = 0; reduced < 2; reduced++) {
        for (unsigned d = 0; d < own.rank; d++) {
            if ((axes >> d & 1) != (uint32_t)reduced)
                continue;
            view.stride[space->rank] = stride[d];
            view.high[space->rank] = own.dim[d];
            space->dim[space->rank++] = own.dim[d];
        }
    }
    return view;
}

uint32_t lowering_rows(struct lowering *l, uint32_t x, uint32_t axes)
{
    struct shape own = lowering_shape(l, x), space, flat = shape_of(2, (int64_t)1, (int64_t)1);
    for (unsigned d = 0; d < own.rank; d++)
        flat.dim[axes >> d & 1] *= own.dim[d];
    struct relation_term term =
        lowering_term_view(wide_from_i64(1), lowering_row_view(l, x, axes, &space));
    uint32_t ordered = lowering_linear(l, &space, lowering_form(l, x), &term, 1, wide_from_i64(0));
    return lowering_reshape(l, ordered, &flat);
}

/* Operand 0 as [rows, n] by the axes of the node. */
static uint32_t reduced_rows(struct lowering *l, uint32_t x)
{
    uint32_t rows = lowering_rows(l, x, reduced_axes(l, lowering_shape(l, x).rank));
    if (lowering_tensor(l, rows)->shape[1] == 0)
        lowering_fail(l, STATUS_UNSUPPORTED, "a reduction of no elements");
    return rows;
}

/* ---- sums ---- */

uint32_t lowering_sum_rows(struct lowering *l, uint32_t rows)
{
    struct shape space = lowering_shape(l, rows), scalar = {0};
    wide one = wide_from_i64(1);
    struct relation_view a = lowering_view(l, rows, &space),
                         b = lowering_view(l, lowering_constant(l, &scalar, form_integer(), &one),
                                           &space);
    return lowering_contract(l, &space, 1, &a, &b, lowering_form(l, rows));
}

void lower_reduce_sum(struct lowering *l)
{
    lowering_output(l, 0, lowering_sum_rows(l, reduced_rows(l, lowering_input(l, 0))));
}

/* sum / count of integers, exactly, towards zero. */
static uint32_t integer_mean(struct lowering *l, uint32_t sum, int64_t count)
{
    uint32_t bit = RELATION_NONE;
    if (wide_is_negative(lowering_range_of(l, sum).low))
        sum = lowering_absolute(l, sum, &bit);
    uint32_t mean =
        lowering_rescale(l, sum, wide_from_i64(count), ROUND_FLOOR, form_integer(), NULL, NULL);
    return bit == RELATION_NONE ? mean : lowering_with_sign(l, bit, mean);
}

void lower_reduce_mean(struct lowering *l)
{
    uint32_t rows = reduced_rows(l, lowering_input(l, 0)), sum = lowering_sum_rows(l, rows);
    int64_t count = lowering_tensor(l, rows)->shape[1];
    bool is_float = element_type_is_float(l->graph->values[l->node->outputs[0]].type);
    lowering_output(
        l, 0, is_float ? lowering_divide_by_count(l, sum, count) : integer_mean(l, sum, count));
}

void lower_reduce_sum_square(struct lowering *l)
{
    uint32_t rows = reduced_rows(l, lowering_factor(l, 0));
    struct shape space = lowering_shape(l, rows);
    struct relation_view view = lowering_view(l, rows, &space);
    struct form form = lowering_form(l, rows);
    form.fraction *= 2;
    lowering_output(l, 0, lowering_contract(l, &space, 1, &view, &view, form));
}

/* Columns [from, from + count) of [rows, n]. */
static uint32_t columns(struct lowering *l, uint32_t rows, int64_t from, int64_t count)
{
    const struct relation_tensor *t = lowering_tensor(l, rows);
    struct shape shape = shape_of(2, t->shape[0], count);
    struct relation_view view = {
        .tensor = rows, .offset = from, .stride = {t->shape[1], 1}, .high = {t->shape[0], count}};
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    return lowering_linear(l, &shape, lowering_form(l, rows), &term, 1, wide_from_i64(0));
}

/* a [rows, n] beside b [rows, m]. */
static uint32_t beside(struct lowering *l, uint32_t a, uint32_t b)
{
    const struct relation_tensor *ta = lowering_tensor(l, a), *tb = lowering_tensor(l, b);
    int64_t rows = ta->shape[0], n = ta->shape[1], m = tb->shape[1];
    struct shape shape = shape_of(2, rows, n + m);
    struct relation_view left = {.tensor = a, .stride = {n, 1}, .high = {rows, n}};
    struct relation_view right = {
        .tensor = b, .offset = -n, .stride = {m, 1}, .low = {0, n}, .high = {rows, n + m}};
    struct relation_term terms[2] = {lowering_term_view(wide_from_i64(1), left),
                                     lowering_term_view(wide_from_i64(1), right)};
    return lowering_moved(l, &shape, lowering_form(l, a), terms, 2);
}

typedef uint32_t (*combine_rule)(struct lowering *l, const struct shape *shape, uint32_t a,
                                 uint32_t b);

/* Combines the columns of [rows, n] pairwise until one is left: [rows]. */
static uint32_t fold_columns(struct lowering *l, uint32_t rows, combine_rule combine)
{
    for (;;) {
        int64_t count = lowering_tensor(l, rows)->shape[0], n = lowering_tensor(l, rows)->shape[1];
        if (n == 1) {
            struct shape shape = shape_of(1, count);
            return lowering_reshape(l, rows, &shape);
        }
        struct shape half = shape_of(2, count, n / 2);
        uint32_t joined =
            combine(l, &half, columns(l, rows, 0, n / 2), columns(l, rows, n / 2, n / 2));
        if (n % 2 == 1) {
            uint32_t last = columns(l, rows, n - 1, 1);
            joined = beside(l, joined, lowering_to_fraction(l, last, lowering_fraction(l, joined)));
        }
        rows = joined;
    }
}

/* A product of two that stays below a width: rescaled to what the result needs when it grows past
 * it, or wrapped to the type of integers. */
static uint32_t multiply(struct lowering *l, const struct shape *shape, uint32_t a, uint32_t b)
{
    enum { PRODUCT_BITS = 100 };
    struct relation_term term = lowering_term_product(l, 1, a, b, shape);
    enum element_type type = l->graph->values[l->node->outputs[0]].type;
    uint32_t product =
        lowering_product(l, shape, form_fixed(lowering_fraction(l, a) + lowering_fraction(l, b)),
                         &term, 1, wide_from_i64(0));
    bool is_wide = range_bits(lowering_range_of(l, product)) > PRODUCT_BITS;
    if (is_wide && !element_type_is_float(type))
        product = lowering_wrap(l, product, type);
    else if (is_wide)
        product = lowering_trim(l, product, lowering_output_fraction(l, 0) + 4, 8);
    return product;
}

/* With an odd number of columns the last has another scale than products: it joins with an exact 1.
 */
void lower_reduce_prod(struct lowering *l)
{
    lowering_output(l, 0, fold_columns(l, reduced_rows(l, lowering_factor(l, 0)), multiply));
}

/* ---- extremes ---- */

/* A few columns one after the other: a chain of extremes takes fewer rows than a tree. */
static uint32_t extreme_of(struct lowering *l, uint32_t rows, combine_rule combine)
{
    enum { CHAIN_MAX = 16 };
    int64_t count = lowering_tensor(l, rows)->shape[0], n = lowering_tensor(l, rows)->shape[1];
    if (n > CHAIN_MAX)
        return fold_columns(l, rows, combine);
    struct shape column = shape_of(2, count, (int64_t)1), line = shape_of(1, count);
    uint32_t result = columns(l, rows, 0, 1);
    for (int64_t i = 1; i < n; i++)
        result = combine(l, &column, result, columns(l, rows, i, 1));
    return lowering_reshape(l, result, &line);
}

uint32_t lowering_max_rows(struct lowering *l, uint32_t rows)
{
    return extreme_of(l, rows, lowering_maximum);
}

/* Operand 0 without more fraction bits than the result needs. */
static uint32_t trimmed_input(struct lowering *l)
{
    return lowering_trim(l, lowering_input(l, 0), lowering_output_fraction(l, 0), 6);
}

void lower_reduce_max(struct lowering *l)
{
    uint32_t x = trimmed_input(l), absent = lowering_absent(l, 0);
    if (absent == RELATION_NONE) {
        lowering_output(l, 0, lowering_max_rows(l, reduced_rows(l, x)));
        return;
    }
    /* The least number where there is none; minus infinity where there is nothing else. */
    lowering_output(l, 0,
                    lowering_max_rows(l, reduced_rows(l, lowering_fill_absent(l, x, absent))));
    uint32_t rows = lowering_rows(l, absent, reduced_axes(l, lowering_shape(l, absent).rank));
    int64_t n = lowering_tensor(l, rows)->shape[1];
    uint32_t missing = lowering_affine(l, 1, lowering_sum_rows(l, rows), wide_from_i64(-n));
    lowering_mark_absent(l, 0, lowering_is_zero(l, missing));
}

void lower_reduce_min(struct lowering *l)
{
    lowering_output(l, 0, extreme_of(l, reduced_rows(l, trimmed_input(l)), lowering_minimum));
}

static unsigned index_bits(int64_t n)
{
    return n <= 1 ? 1 : wide_bit_length(wide_from_i64(n - 1));
}

uint32_t lowering_ranked_keys(struct lowering *l, uint32_t rows, bool negated, bool first_wins)
{
    struct shape shape = lowering_shape(l, rows), line = shape_of(1, shape.dim[1]);
    unsigned bits = index_bits(shape.dim[1]);
    wide unit = lowering_power_of_two(l, bits);
    if (negated)
        lowering_require_room(l, wide_neg(&unit, unit));
    wide *ties = lowering_array(l, wide, (size_t)shape.dim[1]);
    for (int64_t i = 0; i < shape.dim[1]; i++)
        ties[i] = wide_from_i64(first_wins ? shape.dim[1] - 1 - i : i);
    struct relation_term terms[2] = {
        lowering_term_wide(l, unit, rows, &shape),
        lowering_term(l, 1, lowering_constant(l, &line, form_integer(), ties), &shape)};
    return lowering_linear(l, &shape, form_fixed(lowering_fraction(l, rows) + (int32_t)bits), terms,
                           2, wide_from_i64(0));
}

/* Every second column of [rows, n], count of them. */
static uint32_t every_second(struct lowering *l, uint32_t rows, int64_t from, int64_t count)
{
    const struct relation_tensor *t = lowering_tensor(l, rows);
    struct shape shape = shape_of(2, t->shape[0], count);
    struct relation_view view = {
        .tensor = rows, .offset = from, .stride = {t->shape[1], 2}, .high = {t->shape[0], count}};
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    return lowering_linear(l, &shape, lowering_form(l, rows), &term, 1, wide_from_i64(0));
}

/*
 * The place of the greatest of a few columns: neighbours are compared, value and index of the
 * winner go on; nobody needs the value of the last one. Returns [rows, 1].
 */
static uint32_t arg_of_few(struct lowering *l, uint32_t rows, bool last_wins)
{
    int64_t count = lowering_tensor(l, rows)->shape[0], n = lowering_tensor(l, rows)->shape[1];
    struct shape column = shape_of(2, count, (int64_t)1);
    /* Places count from the first column of their block; blocks double in every round. */
    uint32_t place = lowering_expand(l, lowering_constant_i64(l, 0), &column);
    for (int64_t block = 1; n > 1; n = (n + 1) / 2, block *= 2) {
        struct shape half = shape_of(2, count, n / 2);
        uint32_t left = every_second(l, rows, 0, n / 2), right = every_second(l, rows, 1, n / 2);
        /* right wins when it is greater, or as great and the last wins */
        uint32_t gap = lowering_difference(l, &half, right, left);
        uint32_t bit = lowering_is_not_negative(
            l, last_wins ? gap : lowering_affine(l, 1, gap, wide_from_i64(-1)));
        uint32_t value = n == 2 ? RELATION_NONE : lowering_select(l, &half, bit, right, left);
        uint32_t next = lowering_expand(l, bit, &half);
        if (block > 1) {
            uint32_t a = every_second(l, place, 0, n / 2), b = every_second(l, place, 1, n / 2);
            struct relation_term terms[4] = {lowering_term_product(l, 1, bit, b, &half),
                                             lowering_term_product(l, -1, bit, a, &half),
                                             lowering_term(l, block, bit, &half),
                                             lowering_term(l, 1, a, &half)};
            next = lowering_product(l, &half, form_integer(), terms, 4, wide_from_i64(0));
        }
        if (n % 2 == 1) {
            value = beside(l, value, columns(l, rows, n - 1, 1));
            next = beside(l, next, block == 1 ? place : columns(l, place, n - 1, 1));
        }
        rows = value;
        place = next;
    }
    return place;
}

/* The place of the extreme: the low bits of the greatest key, when there are many. */
static void arg_extreme(struct lowering *l, bool is_min)
{
    enum { FEW = 4 };
    uint32_t x = lowering_input(l, 0);
    unsigned rank = lowering_shape(l, x).rank,
             axis = lowering_axis(l, lowering_attribute_int(l, "axis", 0), rank);
    bool last = lowering_attribute_int(l, "select_last_index", 0) != 0;
    uint32_t rows = lowering_rows(l, x, 1u << axis), tie;
    int64_t n = lowering_tensor(l, rows)->shape[1];
    if (n <= FEW) {
        lowering_output(
            l, 0,
            arg_of_few(l, is_min ? lowering_affine(l, -1, rows, wide_from_i64(0)) : rows, last));
        return;
    }
    uint32_t best = lowering_max_rows(l, lowering_ranked_keys(l, rows, is_min, !last));
    lowering_rescale(l, best, lowering_power_of_two(l, index_bits(n)), ROUND_FLOOR, form_integer(),
                     NULL, &tie);
    if (!last)
        tie = lowering_affine(l, -1, tie, wide_from_i64(n - 1));
    lowering_output(l, 0, tie);
}

void lower_arg_max(struct lowering *l)
{
    arg_extreme(l, false);
}

void lower_arg_min(struct lowering *l)
{
    arg_extreme(l, true);
}

/* 1 where the index is that of the first maximum. */
void lower_hardmax(struct lowering *l)
{
    uint32_t x = lowering_input(l, 0);
    struct shape shape = lowering_shape(l, x);
    uint32_t axes = lowering_softmax_axes(l, shape.rank),
             keys = lowering_ranked_keys(l, lowering_rows(l, x, axes), false, true);
    struct shape flat = lowering_shape(l, keys), column = shape_of(2, flat.dim[0], (int64_t)1);
    uint32_t best = lowering_reshape(l, lowering_max_rows(l, keys), &column);
    uint32_t bits = lowering_is_zero(l, lowering_difference(l, &flat, keys, best));
    lowering_output(l, 0, lowering_restore_rows(l, bits, &shape, axes));
}

/* ---- order ---- */

/* One row in order: indices hinted, their keys read from a memory and strictly monotone, which
 * leaves one order. */
struct ordered_row lowering_sort_row(struct lowering *l, uint32_t keys, int64_t row, int64_t n)
{
    struct shape line = shape_of(1, n), gaps = shape_of(1, n - 1);
    struct relation_view source = {.tensor = keys, .offset = row * n, .stride = {1}, .high = {n}};
    struct relation_term copy = lowering_term_view(wide_from_i64(1), source);
    uint32_t memory = lowering_linear(l, &line, lowering_form(l, keys), &copy, 1, wide_from_i64(0));
    struct relation_view whole = lowering_view(l, memory, &line);
    struct ordered_row out;
    out.indices =
        lowering_hint(l, HINT_SORT_ORDER, 1, &line, &whole, 1, &line, range_of_i64(0, n - 1));
    out.keys = lowering_read(l, memory, out.indices);
    struct relation_view here = {.tensor = out.keys, .stride = {1}, .high = {n - 1}}, next = here;
    next.offset = 1;
    struct relation_term terms[2] = {lowering_term_view(wide_from_i64(1), here),
                                     lowering_term_view(wide_from_i64(-1), next)};
    struct range range = lowering_range_of(l, keys), gap = {wide_from_i64(1), wide_from_i64(0)};
    wide width;
    lowering_require_room(l, wide_sub(&width, range.high, range.low));
    gap.high = lowering_power_of_two(l, wide_bit_length(width));
    if (n > 1)
        lowering_enforce(
            l, lowering_linear_within(l, &gaps, form_integer(), terms, 2, wide_from_i64(0), gap),
            gap);
    return out;
}

uint32_t lowering_stack(struct lowering *l, const uint32_t *pieces, int64_t rows, int64_t width)
{
    struct relation_term *terms = lowering_array(l, struct relation_term, (size_t)rows);
    struct shape shape = shape_of(2, rows, width);
    for (int64_t r = 0; r < rows; r++) {
        struct relation_view view = {
            .tensor = pieces[r], .stride = {0, 1}, .low = {r, 0}, .high = {r + 1, width}};
        terms[r] = lowering_term_view(wide_from_i64(1), view);
    }
    return lowering_moved(l, &shape, lowering_form(l, pieces[0]), terms, (size_t)rows);
}

uint32_t lowering_from_rows(struct lowering *l, uint32_t rows, const struct shape *shape,
                            unsigned axis)
{
    struct relation_view view = {.tensor = rows};
    int64_t stride = shape->dim[axis];
    for (unsigned d = shape->rank; d-- > 0;) {
        view.high[d] = shape->dim[d];
        view.stride[d] = d == axis ? 1 : stride;
        if (d != axis)
            stride *= shape->dim[d];
    }
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    return lowering_linear(l, shape, lowering_form(l, rows), &term, 1, wide_from_i64(0));
}

void check_top_k(struct lowering *l)
{
    const struct shape *shape = &lowering_graph_value(l, 0)->shape;
    int64_t n = shape->dim[lowering_axis(l, lowering_attribute_int(l, "axis", -1), shape->rank)],
            k = lowering_known(l, 1)->data.integer[0];
    if (k < 0 || k > n)
        lowering_fail(l, STATUS_BAD_INPUT, "k = %lld of %lld elements; ask for at most all of them",
                      (long long)k, (long long)n);
    if (k == 0 || shape_elements(shape) == 0)
        lowering_fail(l, STATUS_UNSUPPORTED, "its result is empty; leave the node out");
}

void lower_top_k(struct lowering *l)
{
    uint32_t x = lowering_has_output(l, 0) ? trimmed_input(l) : lowering_input(l, 0);
    unsigned rank = lowering_shape(l, x).rank,
             axis = lowering_axis(l, lowering_attribute_int(l, "axis", -1), rank);
    bool largest = lowering_attribute_int(l, "largest", 1) != 0;
    int64_t k = lowering_known(l, 1)->data.integer[0];
    uint32_t rows = lowering_rows(l, x, 1u << axis);
    int64_t count = lowering_tensor(l, rows)->shape[0], n = lowering_tensor(l, rows)->shape[1];
    uint32_t keys = lowering_ranked_keys(l, rows, !largest, true);
    uint32_t *values = lowering_array(l, uint32_t, (size_t)count),
             *indices = lowering_array(l, uint32_t, (size_t)count);
    struct shape line = shape_of(1, k);
    int64_t sign = largest ? 1 : -1;
    for (int64_t r = 0; r < count; r++) {
        struct ordered_row order = lowering_sort_row(l, keys, r, n);
        struct relation_view first_keys = {.tensor = order.keys, .stride = {1}, .high = {k}},
                             first_indices = first_keys;
        first_indices.tensor = order.indices;
        /* key - (n - 1 - index) is x 2^m, up to sign. */
        struct relation_term terms[2] = {lowering_term_view(wide_from_i64(sign), first_keys),
                                         lowering_term_view(wide_from_i64(sign), first_indices)};
        values[r] = lowering_linear(l, &line, lowering_form(l, keys), terms, 2,
                                    wide_from_i64(-sign * (n - 1)));
        /* The k-th greatest moves no further than the elements do. */
        lowering_state_function(l, values[r], rows, 1, 0);
        indices[r] = lowering_linear(l, &line, form_integer(),
                                     &(struct relation_term){.coefficient = wide_from_i64(1),
                                                             .factor_count = 1,
                                                             .factors = {first_indices}},
                                     1, wide_from_i64(0));
    }
    struct shape shape =
        lowering_has_output(l, 0) ? lowering_output_shape(l, 0) : lowering_output_shape(l, 1);
    if (lowering_has_output(l, 0))
        lowering_output(l, 0,
                        lowering_from_rows(l, lowering_stack(l, values, count, k), &shape, axis));
    if (lowering_has_output(l, 1))
        lowering_output(l, 1,
                        lowering_from_rows(l, lowering_stack(l, indices, count, k), &shape, axis));
}
