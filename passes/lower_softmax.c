/*
 * Lowering of the softmax family: exponentials of what is left below the greatest element, over
 * their sum. Every exponential is at most 1, so absolute precision is enough.
 *
 * Masked elements count as minus infinity: their exponential is 0, and none is computed where the
 * mask is known. A row in which nothing is left gives zeros; where great negative numbers stand for
 * infinity, it gives equal probabilities, as such numbers do.
 */
#include <math.h>

#include "passes/lower_smooth.h"

struct exponentials {
    uint32_t shifted; /* x - max, [rows, n]; of flat elements when the mask is known */
    uint32_t max;     /* [rows, 1] */
    uint32_t e;       /* exp(shifted), 0 where masked; the same shape */
    uint32_t sum;     /* [rows, 1], at least almost 1 */
    int32_t fraction; /* of e and sum */
    /* A known mask: e has the elements that count only. */
    int64_t count;    /* -1: all of them */
    int64_t *element; /* [count]: place in [rows, n] */
    int64_t *row;     /* [count] */
    int64_t *place;   /* [rows n]: place among the elements that count, or -1 */
};

/* exp(x), x <= 0: by one table when there are enough elements, else by small tables and products.
 */
static uint32_t exp_below_zero(struct lowering *l, uint32_t x, int32_t fraction)
{
    enum { ELEMENT_ROWS = 27 };
    const double ln2 = 0.69314718055994531;
    struct smooth_domain domain = {-ceil((fraction + 2) * ln2), 0, true, false};
    double rows = lowering_exp_rows(l) + ELEMENT_ROWS * (double)lowering_tensor(l, x)->count;
    uint32_t argument = smooth_argument(l, x);
    if (rows < lowering_smooth_rows(l, TABLE_EXP, argument, lowering_range_of(l, argument), domain,
                                    fraction))
        return lowering_exp(l, x, 0, fraction);
    uint32_t y = lowering_smooth(l, TABLE_EXP, x, domain, fraction);
    /* What lies below the domain counts as its end, where exp is below 2^-(fraction + 2). */
    lowering_widen_error(l, y, 0.25);
    return y;
}

/* ---- known masks ---- */

static void list_elements(struct lowering *l, struct exponentials *e, uint32_t rows,
                          uint32_t absent)
{
    const struct relation_tensor *t = lowering_tensor(l, rows);
    const wide *bits = lowering_tensor(l, absent)->values;
    e->count = 0;
    e->element = lowering_array(l, int64_t, t->count);
    e->row = lowering_array(l, int64_t, t->count);
    e->place = lowering_array(l, int64_t, t->count);
    for (size_t i = 0; i < t->count; i++) {
        e->place[i] = -1;
        if (!wide_is_zero(bits[i]))
            continue;
        e->element[e->count] = (int64_t)i;
        e->row[e->count] = (int64_t)i / t->shape[1];
        e->place[i] = e->count++;
    }
}

/*
 * Greatest of the elements that count, [rows, 1]; 0 where there is none. Rows with the same number
 * of elements are reduced together.
 */
static uint32_t known_max(struct lowering *l, const struct exponentials *e, uint32_t rows)
{
    int64_t height = lowering_tensor(l, rows)->shape[0], n = lowering_tensor(l, rows)->shape[1];
    int64_t *counts = lowering_array(l, int64_t, (size_t)height),
            *first = lowering_array(l, int64_t, (size_t)height);
    for (int64_t k = e->count; k-- > 0;) {
        counts[e->row[k]]++;
        first[e->row[k]] = k;
    }
    struct relation_term *terms = lowering_array(l, struct relation_term, (size_t)n);
    size_t term_count = 0;
    for (int64_t size = 1; size <= n; size++) {
        int64_t *picked = lowering_array(l, int64_t, (size_t)(height * size)),
                *placed = lowering_array(l, int64_t, (size_t)height), members = 0;
        for (int64_t r = 0; r < height; r++) {
            placed[r] = counts[r] == size ? members : -1;
            for (int64_t k = 0; k < size && counts[r] == size; k++)
                picked[members * size + k] = e->element[first[r] + k];
            members += counts[r] == size;
        }
        if (members == 0)
            continue;
        struct shape block = shape_of(2, members, size);
        uint32_t greatest = lowering_max_rows(l, lowering_pick(l, rows, &block, picked));
        terms[term_count++] = lowering_term_view(
            wide_from_i64(1), (struct relation_view){.tensor = greatest, .index_list = placed});
    }
    struct shape column = shape_of(2, height, (int64_t)1);
    return lowering_moved(l, &column, lowering_form(l, rows), terms, term_count);
}

static uint32_t known_shifted(struct lowering *l, const struct exponentials *e, uint32_t rows)
{
    struct shape line = shape_of(1, e->count);
    struct relation_term terms[2] = {
        lowering_term_view(wide_from_i64(1),
                           (struct relation_view){.tensor = rows, .index_list = e->element}),
        lowering_term_view(wide_from_i64(-1),
                           (struct relation_view){.tensor = e->max, .index_list = e->row})};
    return lowering_linear(l, &line, lowering_form(l, rows), terms, 2, wide_from_i64(0));
}

/* Flat elements back among [rows, n], zero elsewhere. */
static uint32_t spread(struct lowering *l, const struct exponentials *e, uint32_t flat,
                       const struct shape *shape)
{
    return e->count < 0 ? flat : lowering_pick(l, flat, shape, e->place);
}

/* ---- exponentials ---- */

/* Greatest element, what is below it, exponentials. absent: 1 where masked, or RELATION_NONE. */
static void exponentiate(struct lowering *l, struct exponentials *e, uint32_t rows, uint32_t absent)
{
    struct shape shape = lowering_shape(l, rows), column = shape_of(2, shape.dim[0], (int64_t)1);
    bool is_known = absent != RELATION_NONE && lowering_tensor(l, absent)->role == ROLE_CONSTANT;
    e->count = -1;
    if (is_known) {
        list_elements(l, e, rows, absent);
        e->max = known_max(l, e, rows);
        e->shifted = known_shifted(l, e, rows);
        e->e = exp_below_zero(l, e->shifted, e->fraction);
        return;
    }
    if (absent != RELATION_NONE)
        rows = lowering_fill_absent(l, rows, absent);
    e->max = lowering_reshape(l, lowering_max_rows(l, rows), &column);
    e->shifted = lowering_difference(l, &shape, rows, e->max);
    e->e = exp_below_zero(l, e->shifted, e->fraction);
    if (absent == RELATION_NONE)
        return;
    struct relation_term kept[2] = {lowering_term_product(l, -1, absent, e->e, &shape),
                                    lowering_term(l, 1, e->e, &shape)};
    e->e = lowering_product(l, &shape, form_fixed(e->fraction), kept, 2, wide_from_i64(0));
}

/* Sums of the rows; 1 in the last place where nothing is left. */
static uint32_t sums_of(struct lowering *l, const struct exponentials *e, const struct shape *shape,
                        bool is_masked)
{
    struct shape column = shape_of(2, shape->dim[0], (int64_t)1);
    uint32_t sum = lowering_reshape(l, lowering_sum_rows(l, spread(l, e, e->e, shape)), &column);
    if (is_masked && e->count < 0) {
        struct relation_term terms[2] = {lowering_term(l, 1, sum, &column),
                                         lowering_term(l, 1, lowering_is_zero(l, sum), &column)};
        sum = lowering_linear(l, &column, form_fixed(e->fraction), terms, 2, wide_from_i64(0));
    } else if (is_masked) {
        wide *empty = lowering_array(l, wide, (size_t)shape->dim[0]);
        for (int64_t r = 0; r < shape->dim[0]; r++)
            empty[r] = wide_from_i64(1);
        for (int64_t k = 0; k < e->count; k++)
            empty[e->row[k]] = wide_from_i64(0);
        struct relation_term terms[2] = {
            lowering_term(l, 1, sum, &column),
            lowering_term(l, 1, lowering_constant(l, &column, form_integer(), empty), &column)};
        sum = lowering_linear(l, &column, form_fixed(e->fraction), terms, 2, wide_from_i64(0));
    }
    /* The greatest element gives exp(0), so the sum is positive: a fact the range states and
     * enforces. */
    struct range range = {
        wide_from_i64(1),
        lowering_power_of_two(l, wide_bit_length(lowering_range_of(l, sum).high))};
    return lowering_restrict(l, sum, range);
}

static bool has_empty_row(const struct exponentials *e, int64_t rows)
{
    int64_t seen = 0, last = -1;
    for (int64_t k = 0; k < e->count; k++) {
        seen += e->row[k] != last;
        last = e->row[k];
    }
    return seen < rows;
}

static struct exponentials exponentials_of(struct lowering *l, uint32_t rows, uint32_t absent,
                                           int32_t fraction)
{
    struct exponentials out;
    struct shape shape = lowering_shape(l, rows);
    int32_t spare = 2;
    while ((int64_t)1 << (spare - 2) < shape.dim[1])
        spare++;
    out.fraction = fraction + spare;
    exponentiate(l, &out, rows, absent);
    out.sum = sums_of(l, &out, &shape, absent != RELATION_NONE);
    if (absent == RELATION_NONE || (out.count >= 0 && !has_empty_row(&out, shape.dim[0])))
        /* The greatest element gives 1. */
        lowering_assure(l, out.sum, (1 - fmin(lowering_error(l, out.sum), 1)) * (1 - 0x1p-50));
    return out;
}

/* ---- softmax ---- */

/* Rounded quotients: results that are shown have no more bits than they need. */
static uint32_t quotients(struct lowering *l, const struct exponentials *e, int32_t fraction)
{
    struct shape shape = lowering_shape(l, e->e);
    struct relation_term term =
        lowering_term_wide(l, lowering_power_of_two(l, (unsigned)fraction), e->e, &shape);
    uint32_t scaled =
        lowering_linear(l, &shape, form_fixed(e->fraction + fraction), &term, 1, wide_from_i64(0));
    struct range unit =
        range_round_up(range_make(wide_from_i64(0), lowering_power_of_two(l, (unsigned)fraction)));
    uint32_t sum = e->sum;
    if (e->count >= 0)
        sum = lowering_pick(l, sum, &shape, e->row);
    uint32_t y = lowering_divide_floor(l, &shape, scaled, sum, form_fixed(fraction), &unit, NULL);
    lowering_state_quotient(l, y, e->e, sum);
    return y;
}

/* Exact products with one reciprocal a row. */
static uint32_t products(struct lowering *l, const struct exponentials *e, int32_t fraction)
{
    struct shape shape = lowering_shape(l, e->e), column = lowering_shape(l, e->sum);
    uint32_t inverse =
        lowering_divide(l, &column, lowering_constant_i64(l, 1), e->sum, fraction + 2, NULL, NULL);
    if (e->count >= 0)
        inverse = lowering_pick(l, inverse, &shape, e->row);
    struct relation_term term = lowering_term_product(l, 1, e->e, inverse, &shape);
    return lowering_product(l, &shape, form_fixed(e->fraction + lowering_fraction(l, inverse)),
                            &term, 1, wide_from_i64(0));
}

/* Known bits without those of rows that have no other, whose elements become 0. */
static uint32_t fill_known_rows(struct lowering *l, uint32_t absent, uint32_t *rows)
{
    struct shape shape = lowering_shape(l, absent);
    int64_t n = shape.dim[1];
    const wide *bits = lowering_tensor(l, absent)->values;
    wide *left = lowering_array(l, wide, shape_elements(&shape));
    int64_t *list = lowering_array(l, int64_t, shape_elements(&shape));
    for (int64_t r = 0; r < shape.dim[0]; r++) {
        bool is_empty = true;
        for (int64_t k = 0; k < n; k++)
            is_empty &= !wide_is_zero(bits[r * n + k]);
        for (int64_t k = 0; k < n; k++) {
            left[r * n + k] = is_empty ? wide_from_i64(0) : bits[r * n + k];
            list[r * n + k] = is_empty ? -1 : r * n + k;
        }
    }
    *rows = lowering_pick(l, *rows, &shape, list);
    return lowering_constant(l, &shape, form_integer(), left);
}

/* The same for bits of run time: such rows hold one number throughout. */
static uint32_t fill_rows(struct lowering *l, uint32_t absent, uint32_t *rows)
{
    if (lowering_tensor(l, absent)->role == ROLE_CONSTANT)
        return fill_known_rows(l, absent, rows);
    struct shape shape = lowering_shape(l, absent), column = shape_of(2, shape.dim[0], (int64_t)1);
    /* 1 where not all of a row is masked. */
    uint32_t left =
        lowering_affine(l, 1, lowering_sum_rows(l, absent), wide_from_i64(-shape.dim[1]));
    left = lowering_affine(l, -1, lowering_is_zero(l, left), wide_from_i64(1));
    *rows = lowering_fill_absent(l, *rows, absent);
    struct relation_term term =
        lowering_term_product(l, 1, absent, lowering_reshape(l, left, &column), &shape);
    return lowering_product(l, &shape, form_integer(), &term, 1, wide_from_i64(0));
}

uint32_t lowering_softmax_rows(struct lowering *l, uint32_t rows, uint32_t absent, int32_t fraction,
                               bool is_shown)
{
    struct shape shape = lowering_shape(l, rows);
    if (lowering_tensor(l, rows)->count == 0)
        return rows;
    struct bound_scope scope = lowering_open_bound(l, rows);
    struct exponentials e = exponentials_of(l, rows, absent, fraction);
    uint32_t y =
        spread(l, &e, is_shown ? quotients(l, &e, fraction) : products(l, &e, fraction), &shape);
    double own = lowering_error(l, y);
    /* |dy_i / dx_j| sums up to 2 y_i (1 - y_i). */
    lowering_close_bound(l, &scope, &(struct bound_result){y, 0.5, 1}, 1);
    lowering_limit(l, y, bound_add(1, own), 1);
    return y;
}

uint32_t lowering_softmax_axes(struct lowering *l, unsigned rank)
{
    int64_t axis = lowering_attribute_int(l, "axis", -1);
    if (lowering_attribute_int(l, "flatten", 0) == 0)
        return 1u << lowering_axis(l, axis, rank);
    axis = axis < 0 ? axis + (int64_t)rank : axis;
    return ((1u << rank) - 1) & ~((1u << axis) - 1);
}

uint32_t lowering_restore_rows(struct lowering *l, uint32_t rows, const struct shape *shape,
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

void lower_softmax(struct lowering *l)
{
    uint32_t x = lowering_planned_input(l), absent = lowering_absent(l, 0);
    struct shape shape = lowering_shape(l, x);
    uint32_t axes = lowering_softmax_axes(l, shape.rank), rows = lowering_rows(l, x, axes);
    if (absent != RELATION_NONE)
        absent = lowering_known_rows(l, absent, axes);
    if (absent != RELATION_NONE && lowering_input_plan(l, 0)->mask_is_finite)
        absent = fill_rows(l, absent, &rows);
    uint32_t y = lowering_softmax_rows(l, rows, absent, lowering_value_fraction(l),
                                       lowering_output_plan(l, 0)->is_output);
    lowering_output(l, 0, lowering_restore_rows(l, y, &shape, axes));
}

uint32_t lowering_log_softmax_rows(struct lowering *l, uint32_t rows, int32_t fraction)
{
    struct bound_scope scope = lowering_open_bound(l, rows);
    struct exponentials e = exponentials_of(l, rows, RELATION_NONE, fraction);
    struct shape flat = lowering_shape(l, rows);
    uint32_t y = lowering_difference(l, &flat, e.shifted, lowering_log(l, e.sum, NULL, fraction));
    /* dy_i / dx_j = [i = j] - softmax_j */
    lowering_close_bound(l, &scope, &(struct bound_result){y, 2, 0}, 1);
    return y;
}

void lower_log_softmax(struct lowering *l)
{
    uint32_t x = lowering_planned_input(l);
    struct shape shape = lowering_shape(l, x);
    uint32_t axes = lowering_softmax_axes(l, shape.rank), rows = lowering_rows(l, x, axes);
    uint32_t y = lowering_log_softmax_rows(l, rows, lowering_output_fraction(l, 0) + 1);
    lowering_output(l, 0, lowering_restore_rows(l, y, &shape, axes));
}

void lower_reduce_log_sum_exp(struct lowering *l)
{
    uint32_t x = lowering_planned_input(l), axes = 0;
    unsigned rank = lowering_shape(l, x).rank;
    const struct tensor *known = lowering_has_input(l, 1) ? lowering_known(l, 1) : NULL;
    for (size_t i = 0; known != NULL && i < known->count; i++)
        axes |= 1u << lowering_axis(l, known->data.integer[i], rank);
    if (axes == 0 && lowering_attribute_int(l, "noop_with_empty_axes", 0) == 0)
        axes = (1u << rank) - 1;
    int32_t fraction = lowering_output_fraction(l, 0) + 1;
    uint32_t rows = lowering_rows(l, x, axes);
    struct bound_scope scope = lowering_open_bound(l, rows);
    struct exponentials e = exponentials_of(l, rows, RELATION_NONE, fraction);
    struct shape column = lowering_shape(l, e.max);
    uint32_t y = lowering_sum2(l, &column, e.max, 1, lowering_log(l, e.sum, NULL, fraction), 1);
    lowering_close_bound(l, &scope, &(struct bound_result){y, 1, 0}, 1);
    lowering_output(l, 0, y);
}
