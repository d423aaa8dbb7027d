/*
 * Lowering of NonMaxSuppression (ONNX 11).
 *
 * The boxes of one class are put in descending order of score. A box is kept when its score is high
 * enough, no kept box before it overlaps it by more than the threshold, and there is room. Overlap
 * above a threshold t is common - t joined > 0, exact in the coordinates: nothing is divided.
 */
#include "passes/lower_compact.h"

/* Coordinates of N boxes: low and high along two axes, each [N]. */
struct boxes {
    int64_t n;
    uint32_t low[2], high[2];
    uint32_t area;
};

/* Entry k of every box of a batch, [N]. */
static uint32_t coordinate(struct lowering *l, uint32_t boxes, int64_t batch, int64_t n, int64_t k)
{
    struct shape line = shape_of(1, n);
    struct relation_view view = {
        .tensor = boxes, .offset = batch * n * 4 + k, .stride = {4}, .high = {n}};
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    return lowering_linear(l, &line, lowering_form(l, boxes), &term, 1, wide_from_i64(0));
}

/* 2 a + sign b at one more fraction bit: a + sign b / 2. */
static uint32_t half_apart(struct lowering *l, uint32_t a, uint32_t b, int64_t sign)
{
    struct shape shape = lowering_shape(l, a);
    struct relation_term terms[2] = {lowering_term(l, 2, a, &shape),
                                     lowering_term(l, sign, b, &shape)};
    return lowering_linear(l, &shape, form_fixed(lowering_fraction(l, a) + 1), terms, 2,
                           wide_from_i64(0));
}

static struct boxes boxes_of(struct lowering *l, uint32_t all, int64_t batch, int64_t n)
{
    struct boxes b = {.n = n};
    struct shape line = shape_of(1, n);
    bool center = lowering_attribute_int(l, "center_point_box", 0) != 0;
    for (int64_t d = 0; d < 2; d++) {
        uint32_t first = coordinate(l, all, batch, n, d),
                 second = coordinate(l, all, batch, n, d + 2), p = first, q = second;
        if (center) {
            p = half_apart(l, first, second, -1);
            q = half_apart(l, first, second, 1);
        }
        b.low[d] = lowering_minimum(l, &line, p, q);
        b.high[d] = lowering_maximum(l, &line, p, q);
    }
    b.area = lowering_times(l, lowering_difference(l, &line, b.high[0], b.low[0]),
                            lowering_difference(l, &line, b.high[1], b.low[1]));
    return b;
}

/* x [N] along one axis of [N, N]. */
static uint32_t along(struct lowering *l, uint32_t x, int64_t n, bool rows)
{
    struct shape shape = rows ? shape_of(2, n, (int64_t)1) : shape_of(2, (int64_t)1, n);
    return lowering_reshape(l, x, &shape);
}

/* [i, j]: boxes i and j overlap by more than the threshold. */
static uint32_t overlaps(struct lowering *l, const struct boxes *b, uint32_t threshold)
{
    struct shape square = shape_of(2, b->n, b->n);
    uint32_t common = RELATION_NONE;
    for (unsigned d = 0; d < 2; d++) {
        uint32_t end = lowering_minimum(l, &square, along(l, b->high[d], b->n, true),
                                        along(l, b->high[d], b->n, false)),
                 begin = lowering_maximum(l, &square, along(l, b->low[d], b->n, true),
                                          along(l, b->low[d], b->n, false)),
                 side = lowering_at_least(l, lowering_difference(l, &square, end, begin),
                                          wide_from_i64(0));
        common = common == RELATION_NONE ? side : lowering_times(l, side, common);
    }
    uint32_t areas = lowering_sum2(l, &square, along(l, b->area, b->n, true), 1,
                                   along(l, b->area, b->n, false), 1);
    uint32_t joined = lowering_difference(l, &square, areas, common);
    uint32_t bound = lowering_times(l, threshold, joined);
    uint32_t excess = lowering_difference(l, &square, common, bound);
    return lowering_is_not_negative(l, lowering_affine(l, 1, excess, wide_from_i64(-1)));
}

/* What is chosen of one class: bits in descending order of score, and which boxes they are for. */
struct choice {
    uint32_t kept, index; /* [N] */
};

/* Element k of a line, rank 0. */
static uint32_t element(struct lowering *l, uint32_t x, int64_t k)
{
    struct shape scalar = {0};
    return lowering_pick(l, x, &scalar, &k);
}

/*
 * over: overlaps of the boxes in order of score, [N, N]. kept_k = good_k and no j < k is kept with
 * over_jk, as long as fewer than `most` are kept.
 */
static uint32_t keep_best(struct lowering *l, uint32_t over, uint32_t good, int64_t n, int64_t most)
{
    uint32_t *kept = lowering_array(l, uint32_t, (size_t)n);
    struct shape scalar = {0}, line = shape_of(1, n);
    struct relation_term *terms = lowering_array(l, struct relation_term, (size_t)n);
    for (int64_t k = 0; k < n; k++) {
        uint32_t bit = most == 0               ? lowering_constant_i64(l, 0)
                       : good == RELATION_NONE ? lowering_constant_i64(l, 1)
                                               : element(l, good, k);
        for (int64_t j = 0; j < k; j++)
            terms[j] = lowering_term_product(l, 1, kept[j], element(l, over, j * n + k), &scalar);
        if (k > 0)
            bit = lowering_times(
                l,
                lowering_is_zero(l, lowering_product(l, &scalar, form_integer(), terms, (size_t)k,
                                                     wide_from_i64(0))),
                bit);
        bool may_be_full = most > 0 && k >= most;
        for (int64_t j = 0; j < k && may_be_full; j++)
            terms[j] = lowering_term(l, -1, kept[j], &scalar);
        if (may_be_full)
            bit = lowering_times(
                l,
                lowering_is_not_negative(l, lowering_linear(l, &scalar, form_integer(), terms,
                                                            (size_t)k, wide_from_i64(most - 1))),
                bit);
        kept[k] = bit;
    }
    return lowering_reshape(l, lowering_stack(l, kept, n, 1), &line);
}

/* Whether an operand of one number is there; one without elements is not. */
static bool has_number(const struct lowering *l, size_t i)
{
    return lowering_has_input(l, i) && shape_elements(&lowering_graph_value(l, i)->shape) > 0;
}

/* Row `row` of scores [classes, N]. */
static struct choice choose(struct lowering *l, uint32_t scores, int64_t row, uint32_t over,
                            int64_t n, int64_t most)
{
    struct shape square = shape_of(2, n, n), line = shape_of(1, n);
    struct ordered_row order =
        lowering_sort_row(l, lowering_ranked_keys(l, scores, false, true), row, n);
    /* Overlaps in order of score: element index_j n + index_k of the matrix. */
    struct relation_term terms[2] = {
        lowering_term(l, n, along(l, order.indices, n, true), &square),
        lowering_term(l, 1, along(l, order.indices, n, false), &square)};
    struct shape flat = shape_of(1, n * n);
    uint32_t at = lowering_linear(l, &square, form_integer(), terms, 2, wide_from_i64(0));
    uint32_t sorted = n > 1 ? lowering_read(l, lowering_reshape(l, over, &flat), at) : over;
    uint32_t good = RELATION_NONE;
    if (has_number(l, 4)) {
        struct shape whole = shape_of(1, (int64_t)lowering_tensor(l, scores)->count);
        int64_t *list = lowering_array(l, int64_t, (size_t)n);
        for (int64_t k = 0; k < n; k++)
            list[k] = row * n + k;
        uint32_t own = lowering_pick(l, lowering_reshape(l, scores, &whole), &line, list);
        uint32_t above = lowering_difference(l, &line, own, element(l, lowering_input(l, 4), 0));
        good = lowering_is_not_negative(l, lowering_affine(l, 1, above, wide_from_i64(-1)));
        good = n > 1 ? lowering_read(l, good, order.indices) : good;
    }
    return (struct choice){keep_best(l, sorted, good, n, most), order.indices};
}

/* 0 when the operand is absent. */
static uint32_t threshold_input(struct lowering *l, size_t i)
{
    return has_number(l, i) ? element(l, lowering_input(l, i), 0) : lowering_constant_i64(l, 0);
}

/* Rows (batch, class, box) of the chosen places among lines of n. */
static uint32_t chosen_rows(struct lowering *l, const struct compaction *c, uint32_t index,
                            int64_t n, int64_t classes)
{
    uint32_t columns[3], line, unused;
    struct shape table = shape_of(2, c->size, (int64_t)3);
    line = lowering_rescale(l, c->places, wide_from_i64(n), ROUND_FLOOR, form_integer(), NULL,
                            &unused);
    columns[0] = lowering_rescale(l, line, wide_from_i64(classes), ROUND_FLOOR, form_integer(),
                                  NULL, &columns[1]);
    columns[2] = lowering_valid_only(l, c, lowering_read(l, index, c->places), 0);
    struct relation_term terms[3];
    for (int64_t k = 0; k < 3; k++) {
        struct relation_view view = {
            .tensor = columns[k], .stride = {1, 0}, .low = {0, k}, .high = {c->size, k + 1}};
        terms[k] = lowering_term_view(wide_from_i64(1), view);
    }
    return lowering_moved(l, &table, form_integer(), terms, 3);
}

void check_non_max_suppression(struct lowering *l)
{
    enum { PAIRS_MAX = 1 << 20 };
    struct shape boxes = lowering_graph_value(l, 0)->shape,
                 scores = lowering_graph_value(l, 1)->shape, out = lowering_output_shape(l, 0);
    int64_t n = boxes.dim[1], lines = boxes.dim[0] * scores.dim[1];
    if (graph_attribute(l->node, "count") == NULL)
        lowering_fail(l, STATUS_UNSUPPORTED,
                      "the number of results is not known; give the most with --max-dim");
    if (n > 0 && (n > PAIRS_MAX / n || lines > PAIRS_MAX / (n * n)))
        lowering_fail(l, STATUS_LIMIT,
                      "%lld boxes in %lld classes are too many to compare; give it fewer",
                      (long long)n, (long long)lines);
    if (n * lines == 0 || shape_elements(&out) == 0)
        lowering_fail(l, STATUS_UNSUPPORTED,
                      "an operand or a result without elements; leave the node out");
}

void lower_non_max_suppression(struct lowering *l)
{
    uint32_t all = lowering_input(l, 0), scores = lowering_input(l, 1),
             threshold = threshold_input(l, 3);
    struct shape boxes = lowering_shape(l, all), shape = lowering_shape(l, scores);
    int64_t batches = boxes.dim[0], n = boxes.dim[1], classes = shape.dim[1],
            lines = batches * classes,
            most = has_number(l, 2) ? lowering_known(l, 2)->data.integer[0] : 0;
    uint32_t *kept = lowering_array(l, uint32_t, (size_t)lines + 1),
             *index = lowering_array(l, uint32_t, (size_t)lines + 1);
    struct shape rows = shape_of(2, lines, n), flat = shape_of(1, lines * n);
    scores = lowering_reshape(l, scores, &rows);
    for (int64_t batch = 0; batch < batches; batch++) {
        struct boxes b = boxes_of(l, all, batch, n);
        uint32_t over = overlaps(l, &b, threshold);
        for (int64_t k = 0; k < classes; k++) {
            int64_t row = batch * classes + k;
            struct choice choice = choose(l, scores, row, over, n, most < 0 ? 0 : most);
            kept[row] = choice.kept;
            index[row] = choice.index;
        }
    }
    struct compaction c = lowering_compact(l, lowering_stack(l, kept, lines, n));
    uint32_t all_index = lowering_reshape(l, lowering_stack(l, index, lines, n), &flat);
    lowering_output(l, 0, chosen_rows(l, &c, all_index, n, classes));
    lowering_output(l, 1, c.count);
}
