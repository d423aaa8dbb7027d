/* Lowering of running sums and products along an axis: one step for each place. */
#include "passes/lower_internal.h"

/* Column k of [rows, n], as [rows]. */
static uint32_t column(struct lowering *l, uint32_t x, int64_t k)
{
    const struct relation_tensor *t = lowering_tensor(l, x);
    struct shape shape = shape_of(1, t->shape[0]);
    struct relation_view view = {
        .tensor = x, .offset = k, .stride = {t->shape[1]}, .high = {t->shape[0]}};
    struct relation_term term = lowering_term_view(wide_from_i64(1), view);
    return lowering_linear(l, &shape, lowering_form(l, x), &term, 1, wide_from_i64(0));
}

/* pieces [n] of [rows] as the columns of [rows, n], at the largest fraction among them. */
static uint32_t beside(struct lowering *l, uint32_t *pieces, int64_t rows, int64_t n)
{
    struct relation_term *terms = lowering_array(l, struct relation_term, (size_t)n);
    struct shape shape = shape_of(2, rows, n);
    struct form form = lowering_form(l, pieces[0]);
    for (int64_t k = 1; k < n; k++)
        if (lowering_fraction(l, pieces[k]) > form.fraction)
            form = lowering_form(l, pieces[k]);
    for (int64_t k = 0; k < n; k++) {
        struct relation_view view = {.tensor = lowering_to_fraction(l, pieces[k], form.fraction),
                                     .stride = {1, 0},
                                     .low = {0, k},
                                     .high = {rows, k + 1}};
        terms[k] = lowering_term_view(wide_from_i64(1), view);
    }
    return lowering_moved(l, &shape, form, terms, (size_t)n);
}

typedef uint32_t (*step_rule)(struct lowering *l, uint32_t so_far, uint32_t x);

static void run_along_axis(struct lowering *l, uint32_t x, int64_t neutral, step_rule step)
{
    struct shape shape = lowering_shape(l, x);
    unsigned axis = lowering_axis(l, lowering_known(l, 1)->data.integer[0], shape.rank);
    bool exclusive = lowering_attribute_int(l, "exclusive", 0) != 0,
         reverse = lowering_attribute_int(l, "reverse", 0) != 0;
    if (lowering_tensor(l, x)->count == 0) {
        lowering_output(l, 0, x);
        return;
    }
    uint32_t rows = lowering_rows(l, x, 1u << axis);
    int64_t count = lowering_tensor(l, rows)->shape[0], n = lowering_tensor(l, rows)->shape[1];
    struct shape line = shape_of(1, count);
    uint32_t *pieces = lowering_array(l, uint32_t, (size_t)n), so_far = RELATION_NONE;
    for (int64_t i = 0; i < n; i++) {
        int64_t k = reverse ? n - 1 - i : i;
        bool is_needed = !exclusive || i + 1 < n;
        if (exclusive)
            pieces[k] = so_far != RELATION_NONE
                            ? so_far
                            : lowering_expand(l, lowering_constant_i64(l, neutral), &line);
        if (is_needed)
            so_far =
                so_far == RELATION_NONE ? column(l, rows, k) : step(l, so_far, column(l, rows, k));
        if (!exclusive)
            pieces[k] = so_far;
    }
    lowering_output(l, 0, lowering_from_rows(l, beside(l, pieces, count, n), &shape, axis));
}

static uint32_t add_step(struct lowering *l, uint32_t so_far, uint32_t x)
{
    struct shape shape = lowering_shape(l, x);
    return lowering_sum2(l, &shape, so_far, 1, x, 1);
}

void lower_cum_sum(struct lowering *l)
{
    run_along_axis(l, lowering_input(l, 0), 0, add_step);
}

/* Widths stay near those of the result; integers wrap as they go. */
static uint32_t multiply_step(struct lowering *l, uint32_t so_far, uint32_t x)
{
    struct shape shape = lowering_shape(l, x);
    enum element_type type = l->graph->values[l->node->outputs[0]].type;
    struct relation_term term = lowering_term_product(l, 1, so_far, x, &shape);
    struct form form = lowering_form(l, x);
    form.fraction += lowering_fraction(l, so_far);
    uint32_t product = lowering_product(l, &shape, form, &term, 1, wide_from_i64(0));
    if (element_type_is_integer(type))
        return lowering_wrap(l, product, type);
    return lowering_trim(l, product, lowering_output_fraction(l, 0) + 4, 8);
}

void lower_cum_prod(struct lowering *l)
{
    run_along_axis(l, lowering_factor(l, 0), 1, multiply_step);
}
