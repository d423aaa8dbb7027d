/*
 * Lowering of operators that look elements up: by known indices a copy, by computed ones a read of
 * a memory.
 */
#include <string.h>

#include "passes/lower_internal.h"

uint32_t lowering_plain_index(struct lowering *l, uint32_t index, int64_t n, bool is_enforced_later)
{
    index = lowering_to_fraction(l, index, 0);
    struct range range = lowering_range_of(l, index), valid = range_of_i64(0, n - 1);
    if (wide_is_negative(range.low)) {
        struct shape shape = lowering_shape(l, index);
        struct relation_term terms[2] = {
            lowering_term(l, -n, lowering_is_not_negative(l, index), &shape),
            lowering_term(l, 1, index, &shape)};
        index = lowering_linear(l, &shape, form_integer(), terms, 2, wide_from_i64(n));
        range = lowering_range_of(l, index);
    }
    return is_enforced_later || range_contains(valid, range) ? index
                                                             : lowering_restrict(l, index, valid);
}

/* values[i] = first + step * i for every i. */
static bool is_progression(const wide *values, size_t count, wide *step)
{
    *step = wide_from_i64(0);
    for (size_t i = 1; i < count; i++) {
        wide gap;
        if (!wide_sub(&gap, values[i], values[i - 1]) || (i > 1 && wide_compare(gap, *step) != 0))
            return false;
        *step = gap;
    }
    return true;
}

/* An element of memory at an exact index is off as it is there. */
static void state_read(struct lowering *l, uint32_t y, uint32_t memory, uint32_t index)
{
    lowering_state_chosen(l, y, index, memory, memory);
    lowering_limit(l, y, lowering_most(l, memory), lowering_ideal(l, memory));
}

/* Public numbers by a computed index: a line when they lie on one, else a table. RELATION_NONE when
 * they fit neither. */
static uint32_t read_constant(struct lowering *l, uint32_t memory, uint32_t index)
{
    const struct relation_tensor *t = lowering_tensor(l, memory);
    wide step;
    struct shape shape = lowering_shape(l, index);
    struct form form = lowering_form(l, memory);
    bool is_bounded =
        range_contains(range_of_i64(0, (int64_t)t->count - 1), lowering_range_of(l, index));
    if (is_bounded && is_progression(t->values, t->count, &step)) {
        wide first = t->values[0];
        struct relation_term term = lowering_term_wide(l, step, index, &shape);
        uint32_t line = lowering_linear(l, &shape, form, &term, 1, first);
        state_read(l, line, memory, index);
        return line;
    }
    int64_t *entries = lowering_array(l, int64_t, t->count);
    for (size_t i = 0; i < t->count; i++) {
        if (!wide_to_i64(&entries[i], t->values[i]))
            return RELATION_NONE;
    }
    struct relation_table table = {
        .key = arena_printf(l->arena, "entries of %s at node %u", t->name, l->node_index),
        .size = t->count,
        .output_count = 1,
        .outputs = {entries}};
    if (table.key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    uint32_t out;
    lowering_table(l, &table, index, &form, &out);
    state_read(l, out, memory, index);
    return out;
}

/* data as [entries, width]: stored values directly, so that a private memory stays one. */
static uint32_t as_memory(struct lowering *l, int64_t entries, int64_t width)
{
    uint32_t data = lowering_input(l, 0);
    const struct relation_tensor *t = lowering_tensor(l, data);
    struct shape shape = width == 1 ? shape_of(1, entries) : shape_of(2, entries, width),
                 own = lowering_shape(l, data);
    if (shape_equal(&shape, &own))
        return data;
    uint32_t memory = RELATION_NONE;
    if (t->role == ROLE_CONSTANT)
        memory = lowering_constant(l, &shape, lowering_form(l, data), t->values);
    for (size_t k = 0; t->role == ROLE_PARAMETER && k < l->result->parameter_count; k++) {
        if (l->result->parameters[k].tensor == data) {
            memory = lowering_parameter_wide(l, t->name, &shape, lowering_form(l, data),
                                             l->result->parameters[k].values);
            break;
        }
    }
    if (memory == RELATION_NONE)
        return lowering_reshape(l, data, &shape);
    lowering_state_error(l, memory, data, lowering_error(l, data));
    return memory;
}

/* Rows of `width` elements of data at flat row numbers. */
static uint32_t read_rows(struct lowering *l, uint32_t index, int64_t entries, int64_t width)
{
    uint32_t memory = as_memory(l, entries, width);
    if (width == 1 && lowering_tensor(l, memory)->role == ROLE_CONSTANT) {
        uint32_t out = read_constant(l, memory, index);
        if (out != RELATION_NONE)
            return out;
    }
    return lowering_read(l, memory, index);
}

uint32_t lowering_gather(struct lowering *l, uint32_t index, unsigned axis)
{
    struct shape shape = lowering_graph_value(l, 0)->shape;
    int64_t before = 1, n = shape.dim[axis], after = 1;
    for (unsigned d = 0; d < shape.rank; d++)
        *(d < axis ? &before : d > axis ? &after : &n) *= d == axis ? 1 : shape.dim[d];
    size_t count = lowering_tensor(l, index)->count;
    if (before > 1) {
        /* Row b n + i of the flat memory for each b. */
        struct shape both = shape_of(2, before, (int64_t)count),
                     column = shape_of(2, before, (int64_t)1), line = shape_of(1, (int64_t)count);
        wide *starts = lowering_array(l, wide, (size_t)before);
        for (int64_t b = 0; b < before; b++)
            starts[b] = wide_from_i64(b * n);
        struct relation_term terms[2] = {
            lowering_term(l, 1, lowering_reshape(l, index, &line), &both),
            lowering_term(l, 1, lowering_constant(l, &column, form_integer(), starts), &both)};
        index = lowering_linear(l, &both, form_integer(), terms, 2, wide_from_i64(0));
    }
    return read_rows(l, index, before * n, after);
}

uint32_t lowering_gather_flat(struct lowering *l, uint32_t places)
{
    struct shape shape = lowering_graph_value(l, 0)->shape;
    return read_rows(l, places, (int64_t)shape_elements(&shape), 1);
}

/* Whether the indices are structure, and not made from weights, which no circuit shows. */
static bool has_public_indices(struct lowering *l)
{
    return lowering_data(l, 1) != NULL &&
           (!lowering_is_parameter(l, 1) ||
            lowering_tensor(l, lowering_input(l, 1))->role == ROLE_CONSTANT);
}

static void require_place(struct lowering *l, int64_t index, int64_t n)
{
    if (index < -n || index >= n)
        lowering_fail(l, STATUS_BAD_INPUT,
                      "index %lld of %lld places; give it indices of places that are there",
                      (long long)index, (long long)n);
}

void check_gather(struct lowering *l)
{
    const struct shape *shape = &lowering_graph_value(l, 0)->shape;
    unsigned axis = lowering_axis(l, lowering_attribute_int(l, "axis", 0), shape->rank);
    const struct tensor *known = lowering_is_parameter(l, 1) ? NULL : lowering_data(l, 1);
    for (size_t i = 0; known != NULL && i < known->count; i++)
        require_place(l, known->data.integer[i], shape->dim[axis]);
}

void check_gather_nd(struct lowering *l)
{
    const struct shape *shape = &lowering_graph_value(l, 0)->shape;
    int64_t first = lowering_attribute_int(l, "batch_dims", 0);
    const struct tensor *known = lowering_is_parameter(l, 1) ? NULL : lowering_data(l, 1);
    size_t depth =
        known == NULL || known->count == 0 ? 1 : (size_t)known->shape.dim[known->shape.rank - 1];
    for (size_t i = 0; known != NULL && i < known->count; i++)
        require_place(l, known->data.integer[i], shape->dim[(size_t)first + i % depth]);
}

void lower_gather(struct lowering *l)
{
    if (has_public_indices(l)) {
        lower_movement(l);
        return;
    }
    struct shape shape = lowering_graph_value(l, 0)->shape;
    unsigned axis = lowering_axis(l, lowering_attribute_int(l, "axis", 0), shape.rank);
    bool is_first = true;
    for (unsigned d = 0; d < axis; d++)
        is_first &= shape.dim[d] == 1;
    uint32_t index = lowering_plain_index(l, lowering_input(l, 1), shape.dim[axis], is_first);
    lowering_output(l, 0, lowering_gather(l, index, axis));
}

/* data[.., index[..], ..]: flat positions of the elements, all but the axis known. */
void lower_gather_elements(struct lowering *l)
{
    if (lowering_data(l, 1) != NULL) {
        lower_movement(l);
        return;
    }
    struct shape data = lowering_graph_value(l, 0)->shape,
                 shape = lowering_graph_value(l, 1)->shape;
    unsigned axis = lowering_axis(l, lowering_attribute_int(l, "axis", 0), data.rank);
    uint32_t index = lowering_plain_index(l, lowering_input(l, 1), data.dim[axis], false);
    size_t count = shape_elements(&shape);
    wide *starts = lowering_array(l, wide, count);
    int64_t unit = 1;
    for (unsigned d = data.rank; d-- > axis + 1;)
        unit *= data.dim[d];
    for (size_t e = 0; e < count; e++) {
        int64_t rest = (int64_t)e, stride = 1, at = 0;
        for (unsigned d = shape.rank; d-- > 0;) {
            at += d == axis ? 0 : stride * (rest % shape.dim[d]);
            rest /= shape.dim[d];
            stride *= data.dim[d];
        }
        starts[e] = wide_from_i64(at);
    }
    struct relation_term terms[2] = {
        lowering_term(l, unit, index, &shape),
        lowering_term(l, 1, lowering_constant(l, &shape, form_integer(), starts), &shape)};
    uint32_t flat = lowering_linear(l, &shape, form_integer(), terms, 2, wide_from_i64(0));
    lowering_output(l, 0, read_rows(l, flat, (int64_t)shape_elements(&data), 1));
}

uint32_t lowering_tuple_index(struct lowering *l, uint32_t tuples, const struct shape *data,
                              unsigned first, unsigned depth)
{
    struct shape own = lowering_shape(l, tuples), shape = own;
    shape.rank = (uint8_t)(own.rank - 1);
    size_t count = shape_elements(&shape);
    if (depth == 0)
        return lowering_expand(l, lowering_constant_i64(l, 0), &shape);
    struct relation_term *terms = lowering_array(l, struct relation_term, depth);
    int64_t unit = 1;
    for (unsigned d = depth; d-- > 0;) {
        int64_t *list = lowering_array(l, int64_t, count), n = data->dim[first + d];
        for (size_t i = 0; i < count; i++)
            list[i] = (int64_t)(i * depth + d);
        /* One coordinate alone is held to its axis by what reads there. */
        uint32_t coordinate =
            lowering_plain_index(l, lowering_pick(l, tuples, &shape, list), n, false);
        terms[d] = lowering_term(l, unit, coordinate, &shape);
        unit *= n;
    }
    return lowering_linear(l, &shape, form_integer(), terms, depth, wide_from_i64(0));
}

/* Rows of the axes that the tuples do not name, batch by batch. */
void lower_gather_nd(struct lowering *l)
{
    if (lowering_data(l, 1) != NULL && !lowering_is_parameter(l, 1)) {
        lower_movement(l);
        return;
    }
    struct shape data = lowering_graph_value(l, 0)->shape,
                 tuples = lowering_graph_value(l, 1)->shape, shape;
    int64_t batch_dims = lowering_attribute_int(l, "batch_dims", 0), entries = 1, width = 1,
            per_batch = 1;
    unsigned depth = (unsigned)tuples.dim[tuples.rank - 1], first = (unsigned)batch_dims;
    for (unsigned d = 0; d < data.rank; d++) {
        *(d < first + depth ? &entries : &width) *= data.dim[d];
        per_batch *= d >= first && d < first + depth ? data.dim[d] : 1;
    }
    uint32_t index = lowering_tuple_index(l, lowering_input(l, 1), &data, first, depth);
    shape = lowering_shape(l, index);
    size_t count = shape_elements(&shape), batches = 1;
    for (unsigned d = 0; d < first; d++)
        batches *= (size_t)tuples.dim[d];
    wide *starts = lowering_array(l, wide, count);
    for (size_t i = 0; i < count; i++)
        starts[i] = wide_from_i64((int64_t)(i / (count / batches)) * per_batch);
    if (first > 0)
        index = lowering_sum2(l, &shape, index, 1,
                              lowering_constant(l, &shape, form_integer(), starts), 1);
    lowering_output(l, 0, read_rows(l, index, entries, width));
}

/* 0, step, 2 step, ... */
static uint32_t multiples(struct lowering *l, const struct shape *shape, int64_t step)
{
    size_t count = shape_elements(shape);
    wide *numbers = lowering_array(l, wide, count);
    for (size_t i = 0; i < count; i++)
        numbers[i] = wide_from_i64(step * (int64_t)i);
    return lowering_constant(l, shape, form_integer(), numbers);
}

/*
 * Step t of a sequence of n comes from step n - 1 - t when t < n, else from t. The time and the
 * batch are the first two axes, in either order.
 */
void lower_reverse_sequence(struct lowering *l)
{
    if (lowering_data(l, 1) != NULL && !lowering_is_parameter(l, 1)) {
        lower_movement(l);
        return;
    }
    struct shape data = lowering_graph_value(l, 0)->shape;
    unsigned time = lowering_attribute_int(l, "time_axis", 0) != 0, batch = 1 - time;
    int64_t steps = data.dim[time], sequences = data.dim[batch], width = 1;
    for (unsigned d = 2; d < data.rank; d++)
        width *= data.dim[d];
    if (shape_elements(&lowering_graph_value(l, 1)->shape) != (size_t)sequences)
        lowering_fail(l, STATUS_BAD_INPUT, "it wants a length for each of %lld sequences",
                      (long long)sequences);
    struct shape both = shape_of(2, data.dim[0], data.dim[1]),
                 along_time = shape_of(2, (int64_t)1, (int64_t)1), along_batch = along_time;
    along_time.dim[time] = steps;
    along_batch.dim[batch] = sequences;
    uint32_t lengths = lowering_restrict(
        l, lowering_reshape(l, lowering_to_fraction(l, lowering_input(l, 1), 0), &along_batch),
        range_of_i64(0, steps));
    uint32_t t = multiples(l, &along_time, 1);
    struct relation_term gap[2] = {lowering_term(l, 1, lengths, &both),
                                   lowering_term(l, -1, t, &both)};
    uint32_t is_inside = lowering_is_not_negative(
        l, lowering_linear(l, &both, form_integer(), gap, 2, wide_from_i64(-1)));
    gap[1] = lowering_term(l, -2, t, &both);
    uint32_t shift = lowering_times(
        l, is_inside, lowering_linear(l, &both, form_integer(), gap, 2, wide_from_i64(-1)));
    int64_t step_stride = time == 0 ? sequences : 1, stride = time == 0 ? 1 : steps;
    struct relation_term place[3] = {
        lowering_term(l, step_stride, shift, &both), lowering_term(l, step_stride, t, &both),
        lowering_term(l, 1, multiples(l, &along_batch, stride), &both)};
    uint32_t index = lowering_linear_within(l, &both, form_integer(), place, 3, wide_from_i64(0),
                                            range_of_i64(0, steps * sequences - 1));
    lowering_output(l, 0, read_rows(l, index, steps * sequences, width));
}

/* off + (on - off) (index == k) along a new axis. */
void lower_one_hot(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0), own = lowering_graph_value(l, 0)->shape;
    unsigned axis = lowering_axis(l, lowering_attribute_int(l, "axis", -1), shape.rank);
    int64_t depth = shape.dim[axis];
    if (depth < 1)
        lowering_fail(l, STATUS_UNSUPPORTED, "its result is empty; give it a depth of at least 1");
    if (shape_elements(&lowering_graph_value(l, 2)->shape) != 2)
        lowering_fail(l, STATUS_BAD_INPUT, "values must be [off, on]");
    uint32_t index = lowering_plain_index(l, lowering_input(l, 0), depth, true),
             values = lowering_input(l, 2);
    struct shape with_axis = {.rank = shape.rank}, line = {.rank = shape.rank};
    for (unsigned d = 0; d < shape.rank; d++) {
        with_axis.dim[d] = d == axis ? 1 : own.dim[d < axis ? d : d - 1];
        line.dim[d] = d == axis ? depth : 1;
    }
    wide *numbers = lowering_array(l, wide, (size_t)depth);
    for (int64_t k = 0; k < depth; k++)
        numbers[k] = wide_from_i64(k);
    uint32_t gap = lowering_difference(l, &shape, lowering_reshape(l, index, &with_axis),
                                       lowering_constant(l, &line, form_integer(), numbers));
    struct shape scalar = {0};
    uint32_t off = lowering_pick(l, values, &scalar, (const int64_t[]){0}),
             on = lowering_pick(l, values, &scalar, (const int64_t[]){1});
    lowering_output(l, 0, lowering_select(l, &shape, lowering_is_zero(l, gap), on, off));
}

/* ---- label encoder ---- */

/* The first fraction of two tensors at which both are held. */
static uint32_t match_bits(struct lowering *l, uint32_t x, uint32_t keys, size_t k)
{
    struct shape shape = lowering_shape(l, x), scalar = {0};
    int64_t at = (int64_t)k;
    return lowering_is_zero(
        l, lowering_difference(l, &shape, x, lowering_pick(l, keys, &scalar, &at)));
}

/* Whole keys and values of a small range: a table over the range of x. */
static bool table_encoder(struct lowering *l, uint32_t x)
{
    enum { ENTRIES_MAX = 256 };
    const int64_t far = INT64_C(1) << 62;
    const struct tensor *keys = lowering_data(l, 1), *values = lowering_data(l, 2),
                        *fallback = lowering_data(l, 3);
    struct range range = lowering_range_of(l, x);
    int64_t low, high;
    if (keys == NULL || values == NULL || fallback == NULL || element_type_is_float(keys->type) ||
        element_type_is_float(values->type) || lowering_is_parameter(l, 1) ||
        lowering_is_parameter(l, 2) || !wide_to_i64(&low, range.low) ||
        !wide_to_i64(&high, range.high) || low < -far || high > far ||
        (uint64_t)high - (uint64_t)low >= ENTRIES_MAX || lowering_fraction(l, x) != 0)
        return false;
    size_t size = (size_t)(high - low) + 1;
    int64_t *entries = lowering_array(l, int64_t, size);
    for (size_t e = 0; e < size; e++) {
        size_t k = 0;
        while (k < keys->count && keys->data.integer[k] != low + (int64_t)e)
            k++;
        entries[e] = k < keys->count ? values->data.integer[k] : fallback->data.integer[0];
    }
    struct relation_table table = {.key =
                                       arena_printf(l->arena, "labels of node %u", l->node_index),
                                   .x_low = low,
                                   .size = size,
                                   .output_count = 1,
                                   .outputs = {entries}};
    if (table.key == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for a table");
    uint32_t out;
    struct form form = form_integer();
    lowering_table(l, &table, x, &form, &out);
    lowering_output(l, 0, out);
    return true;
}

/*
 * default + sum over keys of (x == key) (value - default). A key that stands twice counts at its
 * first place: later ones would add to it, so they are left out, which only whole keys, known to
 * everybody, can tell.
 */
void lower_label_encoder(struct lowering *l)
{
    uint32_t x = lowering_input(l, 0);
    if (table_encoder(l, x))
        return;
    uint32_t keys = lowering_input(l, 1), values = lowering_input(l, 2),
             fallback = lowering_input(l, 3);
    const struct tensor *known = lowering_data(l, 1);
    size_t count = lowering_tensor(l, keys)->count, used = 0;
    struct shape shape = lowering_output_shape(l, 0), scalar = {0};
    int32_t fraction = lowering_fraction(l, values) > lowering_fraction(l, fallback)
                           ? lowering_fraction(l, values)
                           : lowering_fraction(l, fallback);
    values = lowering_to_fraction(l, values, fraction);
    fallback = lowering_to_fraction(l, fallback, fraction);
    struct relation_term *terms = lowering_array(l, struct relation_term, count + 1);
    for (size_t k = 0; k < count; k++) {
        bool repeats = false;
        for (size_t j = 0; j < k && known != NULL && !element_type_is_float(known->type); j++)
            repeats |= known->data.integer[j] == known->data.integer[k];
        if (repeats)
            continue;
        int64_t at = (int64_t)k;
        uint32_t gap = lowering_difference(l, &scalar, lowering_pick(l, values, &scalar, &at),
                                           lowering_reshape(l, fallback, &scalar));
        terms[used++] = lowering_term_product(l, 1, match_bits(l, x, keys, k), gap, &shape);
    }
    terms[used++] = lowering_term(l, 1, lowering_reshape(l, fallback, &scalar), &shape);
    lowering_output(
        l, 0, lowering_product(l, &shape, lowering_form(l, values), terms, used, wide_from_i64(0)));
}
