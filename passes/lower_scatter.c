/*
 * Lowering of ScatterElements, ScatterND and TensorScatter (ONNX 18, 18, 24).
 *
 * Known indices: updates that meet one element are taken in their order, one round for each; a
 * round touches its own elements only. Computed indices: data are lines of n places of `width`
 * elements; the j-th update of every line is compared with each place and put where they agree, so
 * later updates win as they do in ONNX's reference.
 */
#include <string.h>

#include "passes/lower_internal.h"

enum reduction { REDUCE_NONE, REDUCE_ADD, REDUCE_MUL, REDUCE_MAX, REDUCE_MIN };

static enum reduction reduction_of(struct lowering *l)
{
    static const char *const names[] = {"none", "add", "mul", "max", "min"};
    const char *text = graph_attribute_text(l->node, "reduction", "none");
    for (int i = 0; i < 5; i++)
        if (strcmp(text, names[i]) == 0)
            return (enum reduction)i;
    lowering_fail(l, STATUS_UNSUPPORTED, "reduction '%s'; give it none, add, mul, max or min",
                  text);
}

/* a combined with b, which comes later. */
static uint32_t combine(struct lowering *l, enum reduction reduction, uint32_t a, uint32_t b)
{
    struct shape sa = lowering_shape(l, a), sb = lowering_shape(l, b), shape;
    ASSERT(shape_broadcast(&shape, &sa, &sb));
    switch (reduction) {
    case REDUCE_NONE:
        return b;
    case REDUCE_ADD:
        return lowering_sum2(l, &shape, a, 1, b, 1);
    case REDUCE_MUL:
        return lowering_trim(l, lowering_times(l, b, lowering_expand(l, a, &shape)),
                             lowering_output_fraction(l, 0) + 4, 8);
    case REDUCE_MAX:
        return lowering_maximum(l, &shape, a, b);
    case REDUCE_MIN:
        return lowering_minimum(l, &shape, a, b);
    }
    return b;
}

/* Operands 0 and `i` at one fraction. */
static uint32_t both_inputs(struct lowering *l, size_t i, uint32_t *updates)
{
    uint32_t data = lowering_input(l, 0);
    *updates = lowering_input(l, i);
    int32_t a = lowering_fraction(l, data), b = lowering_fraction(l, *updates),
            fraction = a > b ? a : b;
    *updates = lowering_to_fraction(l, *updates, fraction);
    return lowering_to_fraction(l, data, fraction);
}

/* ---- known indices ---- */

/* Elements of `list` that are not -1, counted. */
static size_t used(const int64_t *list, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += list[i] >= 0;
    return found;
}

/* x, but y at the places that list gives, y's elements in order of the places. */
static uint32_t put_back(struct lowering *l, uint32_t x, uint32_t y, const int64_t *list)
{
    struct shape shape = lowering_shape(l, x);
    size_t count = shape_elements(&shape);
    int64_t *kept = lowering_array(l, int64_t, count), *put = lowering_array(l, int64_t, count),
            at = 0;
    int32_t fx = lowering_fraction(l, x), fy = lowering_fraction(l, y),
            fraction = fx > fy ? fx : fy;
    x = lowering_to_fraction(l, x, fraction);
    y = lowering_to_fraction(l, y, fraction);
    for (size_t p = 0; p < count; p++) {
        kept[p] = list[p] < 0 ? (int64_t)p : -1;
        put[p] = list[p] < 0 ? -1 : at++;
    }
    struct relation_term terms[2] = {
        lowering_term_view(wide_from_i64(1),
                           (struct relation_view){.tensor = x, .index_list = kept}),
        lowering_term_view(wide_from_i64(1),
                           (struct relation_view){.tensor = y, .index_list = put})};
    return lowering_moved(l, &shape, lowering_form(l, x), terms, 2);
}

/* One round: at place p the update list[p], -1 for none. */
static uint32_t apply_round(struct lowering *l, enum reduction reduction, uint32_t data,
                            uint32_t updates, const int64_t *list)
{
    size_t count = lowering_tensor(l, data)->count, touched = used(list, count), at = 0;
    int64_t *places = lowering_array(l, int64_t, touched),
            *from = lowering_array(l, int64_t, touched);
    struct shape line = shape_of(1, (int64_t)touched);
    for (size_t p = 0; p < count; p++) {
        if (list[p] < 0)
            continue;
        places[at] = (int64_t)p;
        from[at++] = list[p];
    }
    uint32_t old = lowering_pick(l, data, &line, places),
             update = lowering_pick(l, updates, &line, from);
    return put_back(l, data, combine(l, reduction, old, update), list);
}

/* target: place of each update. */
static void scatter_known(struct lowering *l, size_t i, enum reduction reduction,
                          const int64_t *target)
{
    uint32_t updates, data = both_inputs(l, i, &updates);
    size_t count = lowering_tensor(l, data)->count,
           update_count = lowering_tensor(l, updates)->count;
    size_t *hits = lowering_array(l, size_t, count + 1), rounds = 0;
    for (size_t u = 0; u < update_count; u++) {
        hits[target[u]]++;
        rounds = hits[target[u]] > rounds ? hits[target[u]] : rounds;
    }
    int64_t *list = lowering_array(l, int64_t, count);
    memset(list, 0xff, count * sizeof *list);
    for (size_t u = 0; u < update_count && reduction == REDUCE_NONE; u++)
        list[target[u]] = (int64_t)u;
    if (reduction == REDUCE_NONE && update_count > 0)
        data = apply_round(l, reduction, data, updates, list);
    for (size_t r = 0; r < rounds && reduction != REDUCE_NONE; r++) {
        int64_t *own = lowering_array(l, int64_t, count);
        memset(own, 0xff, count * sizeof *own);
        memset(hits, 0, count * sizeof *hits);
        for (size_t u = 0; u < update_count; u++)
            if (hits[target[u]]++ == r)
                own[target[u]] = (int64_t)u;
        data = apply_round(l, reduction, data, updates, own);
    }
    lowering_output(l, 0, data);
}

static int64_t plain(struct lowering *l, int64_t index, int64_t n)
{
    if (index < -n || index >= n)
        lowering_fail(l, STATUS_BAD_INPUT,
                      "index %lld of %lld places; give it indices of places that are there",
                      (long long)index, (long long)n);
    return index < 0 ? index + n : index;
}

/* ---- computed indices ---- */

/* index [lines, updates], updates [lines, updates, width], data [lines, n, width]. */
struct lines {
    uint32_t data, index, updates;
    int64_t line_count, n, update_count, width;
};

static void require_few_cells(struct lowering *l, const struct lines *s)
{
    enum { CELLS_MAX = 1 << 22 };
    int64_t updates = s->update_count > 0 ? s->update_count : 1;
    if (s->line_count * s->n > CELLS_MAX / updates / (s->width > 0 ? s->width : 1))
        lowering_fail(l, STATUS_LIMIT,
                      "%lld updates at computed places of %lld x %lld are too many; give it fewer, "
                      "or known indices",
                      (long long)s->update_count, (long long)s->line_count, (long long)s->n);
}

/* Update j of every line, [lines, 1, width]; its index, [lines, 1, 1]. */
static uint32_t column(struct lowering *l, uint32_t x, int64_t lines, int64_t count, int64_t width,
                       int64_t j)
{
    struct shape shape = shape_of(3, lines, (int64_t)1, width);
    struct relation_view view = {.tensor = x,
                                 .offset = j * width,
                                 .stride = {count * width, 0, 1},
                                 .high = {lines, 1, width}};
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    return lowering_linear(l, &shape, lowering_form(l, x), &term, 1, wide_from_i64(0));
}

/* [0, 1, .., n - 1] as [1, n, 1]. */
static uint32_t place_numbers(struct lowering *l, int64_t n)
{
    struct shape shape = shape_of(3, (int64_t)1, n, (int64_t)1);
    wide *numbers = lowering_array(l, wide, (size_t)n);
    for (int64_t k = 0; k < n; k++)
        numbers[k] = wide_from_i64(k);
    return lowering_constant(l, &shape, form_integer(), numbers);
}

static uint32_t scatter_lines(struct lowering *l, enum reduction reduction, const struct lines *s)
{
    struct shape cells = shape_of(3, s->line_count, s->n, (int64_t)1),
                 whole = shape_of(3, s->line_count, s->n, s->width);
    uint32_t out = lowering_reshape(l, s->data, &whole), numbers = place_numbers(l, s->n);
    for (int64_t j = 0; j < s->update_count; j++) {
        uint32_t index = column(l, s->index, s->line_count, s->update_count, 1, j),
                 update = column(l, s->updates, s->line_count, s->update_count, s->width, j);
        uint32_t here = lowering_is_zero(l, lowering_difference(l, &cells, index, numbers));
        uint32_t next = combine(l, reduction, out, update);
        out = lowering_select(l, &whole, here, next, out);
    }
    return out;
}

/* ---- ScatterElements ---- */

/* Places of all updates, or of the first along the axis (index 0) when indices are not known. */
static int64_t *element_targets(struct lowering *l, const struct tensor *known,
                                const struct shape *data, const struct shape *indices,
                                unsigned axis)
{
    size_t count = shape_elements(indices);
    int64_t *target = lowering_array(l, int64_t, count);
    for (size_t u = 0; u < count; u++) {
        int64_t rest = (int64_t)u, stride = 1, at = 0;
        for (unsigned d = indices->rank; d-- > 0;) {
            int64_t place = rest % indices->dim[d];
            if (d == axis)
                place = known == NULL ? 0 : plain(l, known->data.integer[u], data->dim[axis]);
            at += stride * place;
            rest /= indices->dim[d];
            stride *= data->dim[d];
        }
        target[u] = at;
    }
    return target;
}

/* Indices that are known, and public. */
static const struct tensor *known_indices(struct lowering *l)
{
    return lowering_is_parameter(l, 1) ? NULL : lowering_data(l, 1);
}

void check_scatter_elements(struct lowering *l)
{
    struct shape data = lowering_graph_value(l, 0)->shape,
                 indices = lowering_graph_value(l, 1)->shape;
    unsigned axis = lowering_axis(l, lowering_attribute_int(l, "axis", 0), data.rank);
    const struct tensor *known = known_indices(l);
    struct lines s = {
        .line_count = 1, .n = data.dim[axis], .update_count = indices.dim[axis], .width = 1};
    (void)reduction_of(l);
    for (unsigned d = 0; d < indices.rank; d++)
        s.line_count *= d == axis ? 1 : indices.dim[d];
    for (size_t u = 0; known != NULL && u < known->count; u++)
        (void)plain(l, known->data.integer[u], s.n);
    if (known == NULL)
        require_few_cells(l, &s);
}

void lower_scatter_elements(struct lowering *l)
{
    struct shape data = lowering_graph_value(l, 0)->shape,
                 indices = lowering_graph_value(l, 1)->shape;
    unsigned axis = lowering_axis(l, lowering_attribute_int(l, "axis", 0), data.rank);
    const struct tensor *known = known_indices(l);
    enum reduction reduction = reduction_of(l);
    int64_t *target = element_targets(l, known, &data, &indices, axis);
    if (known != NULL) {
        scatter_known(l, 2, reduction, target);
        return;
    }
    /* The lines of the data that updates can meet, each line's updates beside it. */
    uint32_t updates, all = both_inputs(l, 2, &updates);
    uint32_t index = lowering_plain_index(l, lowering_input(l, 1), data.dim[axis], false);
    struct lines s = {.n = data.dim[axis], .update_count = indices.dim[axis], .width = 1};
    uint32_t index_rows = lowering_rows(l, index, 1u << axis),
             update_rows = lowering_rows(l, updates, 1u << axis);
    s.line_count = lowering_tensor(l, index_rows)->shape[0];
    int64_t unit = 1;
    for (unsigned d = data.rank; d-- > axis + 1u;)
        unit *= data.dim[d];
    size_t cells = (size_t)(s.line_count * s.n), at = 0;
    int64_t *places = lowering_array(l, int64_t, cells),
            *list = lowering_array(l, int64_t, shape_elements(&data));
    memset(list, 0xff, shape_elements(&data) * sizeof *list);
    int64_t *row = lowering_array(l, int64_t, cells);
    /* Line r of lowering_rows begins at the r-th update whose own place along the axis is 0. */
    for (size_t u = 0; u < shape_elements(&indices); u++) {
        int64_t inner = 1;
        for (unsigned d = indices.rank; d-- > axis + 1u;)
            inner *= indices.dim[d];
        if ((int64_t)u / inner % indices.dim[axis] == 0)
            row[at++] = target[u];
    }
    for (int64_t r = 0; r < s.line_count; r++)
        for (int64_t k = 0; k < s.n; k++) {
            places[r * s.n + k] = row[r] + k * unit;
            list[row[r] + k * unit] = r * s.n + k;
        }
    struct shape lines = shape_of(2, s.line_count, s.n);
    s.data = lowering_pick(l, all, &lines, places);
    s.index = index_rows;
    s.updates = update_rows;
    uint32_t changed = scatter_lines(l, reduction, &s);
    /* Back to the places of the data; what no line covers stays. */
    int32_t fa = lowering_fraction(l, all), fb = lowering_fraction(l, changed),
            fraction = fa > fb ? fa : fb;
    all = lowering_to_fraction(l, all, fraction);
    changed = lowering_to_fraction(l, changed, fraction);
    int64_t *kept = lowering_array(l, int64_t, shape_elements(&data));
    for (size_t p = 0; p < shape_elements(&data); p++)
        kept[p] = list[p] < 0 ? (int64_t)p : -1;
    struct relation_term terms[2] = {
        lowering_term_view(wide_from_i64(1),
                           (struct relation_view){.tensor = changed, .index_list = list}),
        lowering_term_view(wide_from_i64(1),
                           (struct relation_view){.tensor = all, .index_list = kept})};
    bool is_partial = cells < shape_elements(&data);
    lowering_output(l, 0,
                    lowering_moved(l, &data, lowering_form(l, all), terms, is_partial ? 2 : 1));
}

/* ---- ScatterND ---- */

/* The sizes of the one line that tuples of `depth` indices name places of. */
static struct lines tuple_line(const struct shape *data, const struct shape *indices,
                               unsigned depth)
{
    struct lines s = {.line_count = 1, .n = 1, .width = 1};
    for (unsigned d = 0; d < data->rank; d++)
        *(d < depth ? &s.n : &s.width) *= data->dim[d];
    s.update_count = depth == 0 ? 1 : (int64_t)shape_elements(indices) / depth;
    return s;
}

void check_scatter_nd(struct lowering *l)
{
    struct shape data = lowering_graph_value(l, 0)->shape,
                 indices = lowering_graph_value(l, 1)->shape;
    unsigned depth = (unsigned)indices.dim[indices.rank - 1];
    struct lines s = tuple_line(&data, &indices, depth);
    const struct tensor *known = known_indices(l);
    (void)reduction_of(l);
    for (size_t u = 0; known != NULL && u < known->count; u++)
        (void)plain(l, known->data.integer[u], data.dim[u % depth]);
    if (known == NULL)
        require_few_cells(l, &s);
}

void lower_scatter_nd(struct lowering *l)
{
    struct shape data = lowering_graph_value(l, 0)->shape,
                 indices = lowering_graph_value(l, 1)->shape;
    unsigned depth = (unsigned)indices.dim[indices.rank - 1];
    const struct tensor *known = known_indices(l);
    enum reduction reduction = reduction_of(l);
    struct lines s = tuple_line(&data, &indices, depth);
    if (known != NULL) {
        int64_t *target = lowering_array(l, int64_t, (size_t)(s.update_count * s.width));
        for (int64_t u = 0; u < s.update_count; u++) {
            int64_t at = 0;
            for (unsigned d = 0; d < depth; d++)
                at = at * data.dim[d] + plain(l, known->data.integer[u * depth + d], data.dim[d]);
            for (int64_t k = 0; k < s.width; k++)
                target[u * s.width + k] = at * s.width + k;
        }
        scatter_known(l, 2, reduction, target);
        return;
    }
    s.data = both_inputs(l, 2, &s.updates);
    s.index = lowering_tuple_index(l, lowering_input(l, 1), &data, 0, depth);
    lowering_output(l, 0, scatter_lines(l, reduction, &s));
}

/* ---- TensorScatter ---- */

static bool is_circular_scatter(const struct lowering *l)
{
    return strcmp(graph_attribute_text(l->node, "mode", "linear"), "circular") == 0;
}

void check_tensor_scatter(struct lowering *l)
{
    struct shape data = lowering_graph_value(l, 0)->shape,
                 update = lowering_graph_value(l, 1)->shape;
    unsigned axis = lowering_axis(l, lowering_attribute_int(l, "axis", -2), data.rank);
    struct lines s = {
        .line_count = 1, .n = data.dim[axis], .update_count = update.dim[axis], .width = 1};
    for (unsigned d = 0; d < data.rank; d++)
        *(d < axis ? &s.line_count : &s.width) *= d == axis ? 1 : data.dim[d];
    if (s.n == 0 || (!is_circular_scatter(l) && s.update_count > s.n))
        lowering_fail(l, STATUS_BAD_INPUT,
                      "an update of %lld slices in %lld places; give it fewer, or mode circular",
                      (long long)s.update_count, (long long)s.n);
    if (lowering_has_input(l, 2) && lowering_data(l, 2) == NULL)
        require_few_cells(l, &s);
}

/* (cache, update, write indices?): update slice s of a batch goes to write index + s, modulo the
 * length when mode is "circular". */
void lower_tensor_scatter(struct lowering *l)
{
    struct shape data = lowering_graph_value(l, 0)->shape,
                 update = lowering_graph_value(l, 1)->shape;
    unsigned axis = lowering_axis(l, lowering_attribute_int(l, "axis", -2), data.rank);
    bool is_circular = is_circular_scatter(l);
    struct lines s = {
        .line_count = 1, .n = data.dim[axis], .update_count = update.dim[axis], .width = 1};
    int64_t inner = 1;
    for (unsigned d = 0; d < data.rank; d++) {
        s.line_count *= d < axis ? data.dim[d] : 1;
        s.width *= d > axis ? data.dim[d] : 1;
        inner *= d > 0 && d < axis ? data.dim[d] : 1;
    }
    bool has_index = lowering_has_input(l, 2);
    const struct tensor *known = has_index ? lowering_data(l, 2) : NULL;
    if (!has_index || known != NULL) {
        size_t count = shape_elements(&update);
        int64_t *target = lowering_array(l, int64_t, count);
        for (size_t u = 0; u < count; u++) {
            int64_t line = (int64_t)u / (s.update_count * s.width),
                    slice = (int64_t)u / s.width % s.update_count,
                    start = known == NULL ? 0 : known->data.integer[line / inner],
                    place = is_circular ? (start + slice) % s.n : start + slice;
            target[u] = (line * s.n + plain(l, place, s.n)) * s.width + (int64_t)u % s.width;
        }
        scatter_known(l, 1, REDUCE_NONE, target);
        return;
    }
    /* Start of each line, then start + slice. */
    int64_t *batch_of = lowering_array(l, int64_t, (size_t)s.line_count);
    for (int64_t r = 0; r < s.line_count; r++)
        batch_of[r] = r / inner;
    struct shape starts = shape_of(2, s.line_count, (int64_t)1),
                 slices = shape_of(2, (int64_t)1, s.update_count),
                 all = shape_of(2, s.line_count, s.update_count);
    wide *numbers = lowering_array(l, wide, (size_t)s.update_count);
    for (int64_t k = 0; k < s.update_count; k++)
        numbers[k] = wide_from_i64(k);
    int64_t last = is_circular ? s.n : s.n - s.update_count + 1;
    uint32_t start = lowering_plain_index(l, lowering_input(l, 2), last, false);
    s.index = lowering_sum2(l, &all, lowering_pick(l, start, &starts, batch_of), 1,
                            lowering_constant(l, &slices, form_integer(), numbers), 1);
    if (is_circular) {
        uint32_t rest;
        lowering_rescale(l, s.index, wide_from_i64(s.n), ROUND_FLOOR, form_integer(), NULL, &rest);
        s.index = rest;
    }
    s.data = both_inputs(l, 1, &s.updates);
    lowering_output(l, 0, scatter_lines(l, REDUCE_NONE, &s));
}
