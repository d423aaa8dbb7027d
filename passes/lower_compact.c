/*
 * Lowering of operators whose result has a size that depends on elements: Compress, NonZero, Unique
 * (ONNX 11, 13, 11). See ir/ops.def for how the size is given.
 *
 * Places where a bit is set are the first ones of an order: keys n b + (n - place) are distinct, so
 * sorting them leaves one order, the set bits first and each part from its first place on.
 */
#include "passes/lower_compact.h"

/* ---- places ---- */

static uint32_t count_of_bits(struct lowering *l, uint32_t bits)
{
    struct shape row = shape_of(2, (int64_t)1, (int64_t)lowering_tensor(l, bits)->count),
                 scalar = {0};
    return lowering_reshape(l, lowering_sum_rows(l, lowering_reshape(l, bits, &row)), &scalar);
}

/* list[i] = i < count ? i : -1 */
static int64_t *first_places(struct lowering *l, int64_t size, int64_t count)
{
    int64_t *list = lowering_array(l, int64_t, (size_t)size);
    for (int64_t i = 0; i < size; i++)
        list[i] = i < count ? i : -1;
    return list;
}

static uint32_t numbers_below(struct lowering *l, int64_t n)
{
    struct shape shape = shape_of(1, n);
    wide *numbers = lowering_array(l, wide, (size_t)n);
    for (int64_t k = 0; k < n; k++)
        numbers[k] = wide_from_i64(k);
    return lowering_constant(l, &shape, form_integer(), numbers);
}

/* [k < count] for k = 0 .. size - 1. */
static uint32_t below_count(struct lowering *l, uint32_t count, int64_t size)
{
    struct shape shape = shape_of(1, size);
    struct relation_term terms[2] = {lowering_term(l, 1, count, &shape),
                                     lowering_term(l, -1, numbers_below(l, size), &shape)};
    return lowering_is_not_negative(
        l, lowering_linear(l, &shape, form_integer(), terms, 2, wide_from_i64(-1)));
}

/* The number of set bits, held to the room that the node has for results. */
static uint32_t count_in_room(struct lowering *l, uint32_t bits)
{
    int64_t n = (int64_t)lowering_tensor(l, bits)->count,
            size = lowering_attribute_int(l, "count", -1);
    int64_t most = size < n ? size : n;
    bool padded = lowering_attribute_int(l, "padded", 0) != 0;
    return lowering_restrict(l, count_of_bits(l, bits),
                             range_of_i64(padded ? 0 : size, padded ? most : size));
}

struct compaction lowering_compact(struct lowering *l, uint32_t bits)
{
    int64_t n = (int64_t)lowering_tensor(l, bits)->count,
            size = lowering_attribute_int(l, "count", -1);
    struct compaction out = {.size = size, .padded = lowering_attribute_int(l, "padded", 0) != 0};
    struct shape line = shape_of(1, n), result = shape_of(1, size);
    ASSERT(size >= 0);
    int64_t most = size < n ? size : n;
    out.count = count_in_room(l, bits);
    if (most == 0) {
        out.places = lowering_expand(l, lowering_constant_i64(l, 0), &result);
        out.valid = out.places;
        return out;
    }
    struct relation_term terms[2] = {lowering_term(l, n, lowering_reshape(l, bits, &line), &line),
                                     lowering_term(l, -1, numbers_below(l, n), &line)};
    struct shape row = shape_of(2, (int64_t)1, n);
    uint32_t keys = lowering_reshape(
        l, lowering_linear(l, &line, form_integer(), terms, 2, wide_from_i64(n)), &row);
    struct ordered_row order = lowering_sort_row(l, keys, 0, n);
    uint32_t places = lowering_pick(l, order.indices, &result, first_places(l, size, n));
    out.valid = RELATION_NONE;
    if (out.padded) {
        out.valid = below_count(l, out.count, size);
        places = lowering_times(l, out.valid, places);
    }
    out.places = places;
    return out;
}

uint32_t lowering_valid_only(struct lowering *l, const struct compaction *c, uint32_t x,
                             unsigned axis)
{
    if (c->valid == RELATION_NONE)
        return x;
    struct shape shape = lowering_shape(l, x), line = {.rank = shape.rank};
    for (unsigned d = 0; d < shape.rank; d++)
        line.dim[d] = d == axis ? shape.dim[d] : 1;
    return lowering_times(l, lowering_reshape(l, c->valid, &line), x);
}

/* ---- Compress ---- */

/* Bits of the condition over n places: what it does not reach is left out. */
static uint32_t condition_bits(struct lowering *l, int64_t n)
{
    uint32_t condition = lowering_input(l, 1);
    int64_t own = (int64_t)lowering_tensor(l, condition)->count;
    struct shape line = shape_of(1, n);
    return lowering_pick(l, condition, &line, first_places(l, n, own));
}

void lower_compress(struct lowering *l)
{
    if (graph_attribute(l->node, "count") == NULL) {
        lower_movement(l);
        return;
    }
    bool flat = graph_attribute(l->node, "axis") == NULL;
    struct shape shape = lowering_graph_value(l, 0)->shape, out = lowering_output_shape(l, 0);
    unsigned axis = flat ? 0 : lowering_axis(l, lowering_attribute_int(l, "axis", 0), shape.rank);
    struct compaction c = lowering_compact(
        l, condition_bits(l, flat ? (int64_t)shape_elements(&shape) : shape.dim[axis]));
    uint32_t y = flat ? lowering_gather_flat(l, c.places) : lowering_gather(l, c.places, axis);
    lowering_output(l, 0, lowering_valid_only(l, &c, lowering_reshape(l, y, &out), axis));
    lowering_output(l, 1, c.count);
}

/* ---- NonZero ---- */

/* [rank, count]: coordinates of the places in a shape. */
static uint32_t coordinates(struct lowering *l, uint32_t places, const struct shape *shape)
{
    uint32_t *rows = lowering_array(l, uint32_t, shape->rank + 1u), rest = places;
    int64_t size = (int64_t)lowering_tensor(l, places)->count;
    for (unsigned d = shape->rank; d-- > 1;)
        rest = lowering_rescale(l, rest, wide_from_i64(shape->dim[d]), ROUND_FLOOR, form_integer(),
                                NULL, &rows[d]);
    rows[0] = rest;
    return lowering_stack(l, rows, shape->rank, size);
}

void lower_non_zero(struct lowering *l)
{
    uint32_t x = lowering_input(l, 0);
    struct shape shape = lowering_shape(l, x);
    if (graph_attribute(l->node, "count") == NULL)
        lowering_fail(l, STATUS_UNSUPPORTED, "the number of results is not known; see --max-dim");
    uint32_t bits = lowering_affine(l, -1, lowering_is_zero(l, x), wide_from_i64(1));
    lowering_state_sign(l, bits, 0);
    if (!lowering_has_output(l, 0)) {
        lowering_output(l, 1, count_in_room(l, bits));
        return;
    }
    struct compaction c = lowering_compact(l, bits);
    struct shape out = lowering_output_shape(l, 0);
    lowering_output(l, 1, c.count);
    if (shape_elements(&out) == 0)
        lowering_output(l, 0, lowering_expand(l, lowering_constant_i64(l, 0), &out));
    else
        lowering_output(l, 0, coordinates(l, c.places, &shape));
}

/* ---- Unique ---- */

/* Blocks along the axis as numbers [n] whose order is that of the blocks, element by element. */
static uint32_t block_numbers(struct lowering *l, uint32_t x, bool flat, unsigned axis)
{
    enum { NUMBER_BITS = 200 };
    struct shape shape = lowering_shape(l, x);
    if (flat || shape.rank == 1) {
        struct shape line = shape_of(1, (int64_t)shape_elements(&shape));
        return lowering_reshape(l, x, &line);
    }
    /* [n, elements of a block]: the axis first, the others in their order. */
    uint32_t rows = lowering_rows(l, x, ((1u << shape.rank) - 1) & ~(1u << axis));
    int64_t n = lowering_tensor(l, rows)->shape[0], width = lowering_tensor(l, rows)->shape[1];
    struct range range = lowering_range_of(l, rows);
    unsigned bits = range_bits(range) + (wide_is_negative(range.low) ? 1 : 0);
    if (width > 1 && bits * (uint64_t)width > NUMBER_BITS)
        lowering_fail(l, STATUS_LIMIT,
                      "blocks of %lld elements of %u bits are too wide to be put in order",
                      (long long)width, bits);
    struct shape line = shape_of(1, n);
    struct relation_term *terms = lowering_array(l, struct relation_term, (size_t)width);
    for (int64_t k = 0; k < width; k++) {
        struct relation_view view = {.tensor = rows, .offset = k, .stride = {width}, .high = {n}};
        terms[k] =
            lowering_term_view(lowering_power_of_two(l, bits * (unsigned)(width - 1 - k)), view);
    }
    return lowering_linear(l, &line, form_integer(), terms, (size_t)width, wide_from_i64(0));
}

/* Elements [from, from + count) of a line. */
static uint32_t part(struct lowering *l, uint32_t x, int64_t from, int64_t count)
{
    struct shape shape = shape_of(1, count);
    struct relation_view view = {.tensor = x, .offset = from, .stride = {1}, .high = {count}};
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    return lowering_linear(l, &shape, lowering_form(l, x), &term, 1, wide_from_i64(0));
}

/* Running sums of [n] bits, less one: numbers of the classes that begin at them. */
static uint32_t class_numbers(struct lowering *l, uint32_t begins, int64_t n)
{
    uint32_t *pieces = lowering_array(l, uint32_t, (size_t)n);
    struct shape one = shape_of(1, (int64_t)1), line = shape_of(1, n);
    for (int64_t k = 0; k < n; k++) {
        uint32_t bit = part(l, begins, k, 1);
        pieces[k] = k == 0 ? lowering_affine(l, 1, bit, wide_from_i64(-1))
                           : lowering_sum2(l, &one, pieces[k - 1], 1, bit, 1);
    }
    return lowering_reshape(l, lowering_stack(l, pieces, n, 1), &line);
}

/* What sorting says of the n blocks. */
struct sorted_blocks {
    int64_t n;
    uint32_t index;    /* where the block at each rank stands */
    uint32_t rank;     /* of the block at each place; RELATION_NONE when nobody asks */
    uint32_t begins;   /* 1 at ranks where another value begins */
    uint32_t class_at; /* number of the value at each rank */
};

static struct sorted_blocks sort_blocks(struct lowering *l, uint32_t numbers, bool with_rank)
{
    struct sorted_blocks s = {.n = (int64_t)lowering_tensor(l, numbers)->count};
    struct shape row = shape_of(2, (int64_t)1, s.n), line = shape_of(1, s.n);
    uint32_t rows = lowering_reshape(l, numbers, &row);
    struct ordered_row order =
        lowering_sort_row(l, lowering_ranked_keys(l, rows, true, true), 0, s.n);
    s.index = order.indices;
    /* key + index is the number, scaled and negated, plus n - 1. */
    uint32_t scaled =
        lowering_sum2(l, &line, lowering_retag(l, order.keys, form_integer()), 1, s.index, 1);
    s.begins = lowering_constant_i64(l, 1);
    if (s.n > 1) {
        struct shape gaps = shape_of(1, s.n - 1);
        uint32_t same =
            lowering_is_zero(l, lowering_difference(l, &gaps, part(l, scaled, 1, s.n - 1),
                                                    part(l, scaled, 0, s.n - 1)));
        int64_t *list = lowering_array(l, int64_t, (size_t)s.n);
        for (int64_t k = 0; k < s.n; k++)
            list[k] = k - 1;
        struct relation_view view = {.tensor = same, .index_list = list};
        struct relation_term term = lowering_term_view(wide_from_i64(-1), view);
        s.begins = lowering_linear(l, &line, form_integer(), &term, 1, wide_from_i64(1));
    }
    s.begins = lowering_reshape(l, s.begins, &line);
    s.class_at = class_numbers(l, s.begins, s.n);
    s.rank = RELATION_NONE;
    if (!with_rank)
        return s;
    /* Places in ascending order of `index`: where place 0 stands, then place 1, ... */
    uint32_t minus = lowering_reshape(l, lowering_affine(l, -1, s.index, wide_from_i64(0)), &row);
    s.rank = lowering_sort_row(l, minus, 0, s.n).indices;
    return s;
}

/* How many blocks each class has: the next beginning, or the end, less its own. */
static uint32_t class_sizes(struct lowering *l, const struct compaction *c, int64_t n)
{
    struct shape line = shape_of(1, c->size);
    int64_t *next = lowering_array(l, int64_t, (size_t)c->size);
    for (int64_t k = 0; k < c->size; k++)
        next[k] = k + 1 < c->size ? k + 1 : -1;
    uint32_t after = lowering_pick(l, c->places, &line, next), sizes;
    /* Behind the last class the end stands for the next beginning. */
    uint32_t is_last;
    if (c->valid == RELATION_NONE) {
        wide *bits = lowering_array(l, wide, (size_t)c->size);
        bits[c->size - 1] = wide_from_i64(1);
        is_last = lowering_constant(l, &line, form_integer(), bits);
    } else {
        is_last = lowering_sum2(l, &line, c->valid, 1, lowering_pick(l, c->valid, &line, next), -1);
    }
    struct relation_term terms[3] = {lowering_term(l, 1, after, &line),
                                     lowering_term(l, -1, c->places, &line),
                                     lowering_term(l, n, is_last, &line)};
    sizes = lowering_linear(l, &line, form_integer(), terms, 3, wide_from_i64(0));
    return lowering_restrict(l, sizes, range_of_i64(0, n));
}

static uint32_t read_line(struct lowering *l, uint32_t memory, uint32_t index)
{
    return lowering_read(l, memory, index);
}

struct unique {
    struct compaction c;
    uint32_t first;   /* place of the first block of each class */
    uint32_t inverse; /* class of each block */
    uint32_t sizes;
};

static struct unique unique_sorted(struct lowering *l, const struct sorted_blocks *s)
{
    struct unique u = {.c = lowering_compact(l, s->begins)};
    u.first = lowering_valid_only(l, &u.c, read_line(l, s->index, u.c.places), 0);
    if (s->rank != RELATION_NONE)
        u.inverse = read_line(l, s->class_at, s->rank);
    if (lowering_has_output(l, 3))
        u.sizes = class_sizes(l, &u.c, s->n);
    return u;
}

/* Classes in order of their first blocks. */
static struct unique unique_in_order(struct lowering *l, const struct sorted_blocks *s)
{
    struct unique in_order = unique_sorted(l, s), u;
    uint32_t is_first = read_line(l, s->begins, s->rank), numbers;
    u.c = lowering_compact(l, is_first);
    u.first = u.c.places;
    numbers = class_numbers(l, is_first, s->n);
    /* A block's class in sorted order has a first block; the number of that one counts. */
    u.inverse = read_line(l, numbers, read_line(l, in_order.first, in_order.inverse));
    if (!lowering_has_output(l, 3))
        return u;
    uint32_t sorted_class = read_line(l, in_order.inverse, u.first);
    u.sizes = lowering_valid_only(l, &u.c, read_line(l, in_order.sizes, sorted_class), 0);
    return u;
}

void lower_unique(struct lowering *l)
{
    bool flat = graph_attribute(l->node, "axis") == NULL;
    uint32_t x = lowering_input(l, 0);
    struct shape shape = lowering_shape(l, x), out = lowering_output_shape(l, 0);
    unsigned axis = flat ? 0 : lowering_axis(l, lowering_attribute_int(l, "axis", 0), shape.rank);
    if (graph_attribute(l->node, "count") == NULL)
        lowering_fail(l, STATUS_UNSUPPORTED, "the number of results is not known; see --max-dim");
    if (shape_elements(&shape) == 0 || shape_elements(&out) == 0)
        lowering_fail(l, STATUS_UNSUPPORTED, "an operand or a result without elements");
    bool sorted = lowering_attribute_int(l, "sorted", 1) != 0;
    struct sorted_blocks s =
        sort_blocks(l, block_numbers(l, x, flat, axis), !sorted || lowering_has_output(l, 2));
    struct unique u = sorted ? unique_sorted(l, &s) : unique_in_order(l, &s);
    uint32_t y = flat ? lowering_gather_flat(l, u.first) : lowering_gather(l, u.first, axis);
    lowering_output(l, 0, lowering_valid_only(l, &u.c, lowering_reshape(l, y, &out), axis));
    lowering_output(l, 1, u.first);
    lowering_output(l, 2, u.inverse);
    lowering_output(l, 3, u.sizes);
    lowering_output(l, 4, u.c.count);
}
