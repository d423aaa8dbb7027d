/*
 * NaN and infinities, traced by bits beside the values: where a float run would have NaN on its
 * way to an IsNaN, and where a mask is minus infinity on its way to a softmax
 * (passes/find_masks.h). The elements themselves are then anything harmless.
 */
#include <string.h>

#include "passes/find_masks.h"
#include "passes/lower_internal.h"

static uint32_t known_either(struct lowering *l, const struct shape *shape, uint32_t a, uint32_t b);

/* ---- NaN that is computed ---- */

bool lowering_traces_nan(const struct lowering *l)
{
    return lowering_has_output(l, 0) && lowering_output_plan(l, 0)->traces_nan;
}

void lowering_mark_nan(struct lowering *l, uint32_t bit)
{
    l->own_nan = bit;
}

void lowering_mark_infinite(struct lowering *l, uint32_t bit)
{
    l->own_infinite = bit;
}

uint32_t lowering_nan_of(const struct lowering *l, size_t i)
{
    return l->nan_bit[lowering_value(l, i)];
}

/* a + b - a b, either of which may be absent. */
uint32_t lowering_either(struct lowering *l, const struct shape *shape, uint32_t a, uint32_t b)
{
    if (a == RELATION_NONE || b == RELATION_NONE)
        return a == RELATION_NONE ? b : a;
    if (lowering_tensor(l, a)->role == ROLE_CONSTANT &&
        lowering_tensor(l, b)->role == ROLE_CONSTANT)
        return known_either(l, shape, a, b);
    if (a == b)
        return lowering_expand(l, a, shape);
    struct relation_term terms[3] = {lowering_term_product(l, -1, a, b, shape),
                                     lowering_term(l, 1, a, shape), lowering_term(l, 1, b, shape)};
    return lowering_product(l, shape, form_integer(), terms, 3, wide_from_i64(0));
}

/* a (1 - b), where a may be absent and b too. */
static uint32_t but_not(struct lowering *l, const struct shape *shape, uint32_t a, uint32_t b)
{
    if (a == RELATION_NONE || b == RELATION_NONE)
        return a;
    struct relation_term terms[2] = {lowering_term_product(l, -1, a, b, shape),
                                     lowering_term(l, 1, a, shape)};
    return lowering_product(l, shape, form_integer(), terms, 2, wide_from_i64(0));
}

static void hold_nowhere(struct lowering *l, uint32_t bit)
{
    struct range zero = {wide_from_i64(0), wide_from_i64(0)};
    if (lowering_tensor(l, bit)->role == ROLE_WITNESS)
        l->program->tensors[bit].name = "infinity";
    lowering_enforce(l, bit, zero);
}

void lowering_hold_finite(struct lowering *l, uint32_t v)
{
    if (l->infinite_bit[v] == RELATION_NONE)
        return;
    hold_nowhere(l, l->infinite_bit[v]);
    l->infinite_bit[v] = RELATION_NONE;
}

/* Whether an infinite operand i makes the result infinite, if nothing makes it NaN. */
static bool passes_infinity(const struct lowering *l, size_t i)
{
    switch (l->node->op) {
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_NEG:
    case OP_SUM:
    case OP_CAST:
        return true;
    default:
        return l->node->op == OP_DIV && i == 0;
    }
}

/* The infinity of operand i where the other factor is 0. */
static uint32_t infinity_times_zero(struct lowering *l, const struct shape *shape, size_t i)
{
    struct relation_term term =
        lowering_term_product(l, 1, l->infinite_bit[lowering_value(l, i)],
                              lowering_is_zero(l, lowering_input(l, 1 - i)), shape);
    return lowering_product(l, shape, form_integer(), &term, 1, wide_from_i64(0));
}

/* Two infinities together have no proof: their signs would have to be known. */
static uint32_t infinity_of_operands(struct lowering *l, const struct shape *shape, uint32_t *nan)
{
    uint32_t sum = RELATION_NONE;
    for (size_t i = 0; i < l->node->input_count; i++) {
        if (!lowering_has_input(l, i))
            continue;
        uint32_t bit = l->infinite_bit[lowering_value(l, i)];
        if (bit == RELATION_NONE || l->node->op == OP_IS_NAN)
            continue;
        if (!passes_infinity(l, i)) {
            lowering_hold_finite(l, lowering_value(l, i));
            continue;
        }
        if (l->node->op == OP_MUL)
            *nan = lowering_either(l, shape, *nan, infinity_times_zero(l, shape, i));
        if (sum != RELATION_NONE) {
            struct relation_term both = lowering_term_product(l, 1, sum, bit, shape);
            hold_nowhere(l, lowering_product(l, shape, form_integer(), &both, 1, wide_from_i64(0)));
        }
        sum = lowering_either(l, shape, sum, bit);
    }
    return sum;
}

void lowering_trace_nan(struct lowering *l)
{
    if (!lowering_traces_nan(l)) {
        for (size_t i = 0; i < l->node->input_count && l->node->op != OP_IS_NAN; i++) {
            if (lowering_has_input(l, i))
                lowering_hold_finite(l, lowering_value(l, i));
        }
        return;
    }
    struct shape shape = lowering_output_shape(l, 0);
    uint32_t nan = l->own_nan, v = l->node->outputs[0];
    for (size_t i = 0; i < l->node->input_count; i++)
        nan = lowering_either(l, &shape, nan, lowering_nan_of(l, i));
    uint32_t infinite =
        lowering_either(l, &shape, infinity_of_operands(l, &shape, &nan), l->own_infinite);
    if (nan != RELATION_NONE)
        l->nan_bit[v] = lowering_expand(l, nan, &shape);
    /* What the node makes itself is one or the other. */
    if (nan != l->own_nan || infinite != l->own_infinite)
        infinite = but_not(l, &shape, infinite, nan);
    if (infinite != RELATION_NONE)
        l->infinite_bit[v] = lowering_expand(l, infinite, &shape);
}

/* ---- minus infinity ---- */

static uint32_t stored_bits(struct lowering *l, const struct tensor *data)
{
    wide *bits = lowering_array(l, wide, data->count);
    for (size_t e = 0; e < data->count; e++)
        bits[e] = wide_from_i64(data->data.real[e] <= MASK_NUMBER);
    return lowering_constant(l, &data->shape, form_integer(), bits);
}

uint32_t lowering_stored_mask(struct lowering *l, uint32_t v, bool is_private, int32_t fraction)
{
    const struct graph_value *value = &l->graph->values[v];
    const struct tensor *data = value->data;
    double *numbers = lowering_array(l, double, data->count);
    wide *integers = lowering_array(l, wide, data->count);
    bool is_plain = true, is_masked = false;
    for (size_t e = 0; e < data->count; e++) {
        bool is_absent = data->data.real[e] <= MASK_NUMBER;
        numbers[e] = is_absent ? 0 : data->data.real[e];
        integers[e] = lowering_real(l, numbers[e], fraction);
        is_plain &= numbers[e] == 0;
        is_masked |= is_absent;
    }
    if (is_masked)
        l->absent[v] = stored_bits(l, data);
    /* Zeros beside minus infinity are structure as well. */
    if (is_private && !is_plain)
        return lowering_parameter(l, value->name, &data->shape, numbers, 1, fraction);
    uint32_t mask = lowering_constant(l, &data->shape, form_fixed(fraction), integers);
    lowering_widen_error(l, mask, is_plain ? 0 : 0.5);
    return mask;
}

void lowering_given_mask(struct lowering *l, uint32_t v)
{
    uint32_t x = l->tensor_of[v];
    wide minus;
    if (!wide_neg(&minus, lowering_range_of(l, x).low))
        lowering_fail(l, STATUS_LIMIT, "a mask of more than 256 bits");
    l->absent[v] =
        lowering_is_zero(l, lowering_retag(l, lowering_affine(l, 1, x, minus), form_integer()));
}

void lowering_mask_product(struct lowering *l)
{
    size_t i = is_mask_factor(&l->graph->values[lowering_value(l, 0)]) ? 1 : 0;
    struct shape shape = lowering_output_shape(l, 0);
    uint32_t x = lowering_input(l, i);
    struct range range = lowering_range_of(l, x);
    wide zero = wide_from_i64(0), *zeros = lowering_array(l, wide, shape_elements(&shape));
    if (wide_compare(range.high, zero) < 0)
        lowering_fail(l, STATUS_UNSUPPORTED,
                      "a product with %g that is always positive, on its way to a softmax",
                      MASK_NUMBER);
    /* Below 0 the product is as far above all others as it is below them otherwise. */
    if (wide_compare(range.low, zero) < 0)
        x = lowering_restrict(l, x, (struct range){zero, range.high});
    uint32_t is_zero = lowering_is_zero(l, lowering_retag(l, x, form_integer()));
    uint32_t y = lowering_constant(l, &shape, form_fixed(lowering_output_fraction(l, 0)), zeros);
    lowering_leave_bound(l, y, BOUND_SPECIAL);
    lowering_output(l, 0, y);
    lowering_mark_absent(l, 0, lowering_affine(l, -1, is_zero, wide_from_i64(1)));
}

uint32_t lowering_absent(struct lowering *l, size_t i)
{
    if (!lowering_has_input(l, i) || !lowering_input_plan(l, i)->takes_mask)
        return RELATION_NONE;
    lowering_input_or_nan(l, i);
    return l->absent[lowering_value(l, i)];
}

/* Known bits stay known, so that a softmax can leave out what they say is masked. */
static bool is_known(const struct lowering *l, uint32_t bits)
{
    return lowering_tensor(l, bits)->role == ROLE_CONSTANT;
}

static bool bit_at(struct lowering *l, uint32_t bits, const struct shape *shape, size_t e)
{
    struct relation_view view = lowering_view(l, bits, shape);
    return !wide_is_zero(
        lowering_tensor(l, bits)->values[relation_view_element(&view, shape->rank, shape->dim, e)]);
}

static uint32_t known_bits(struct lowering *l, const struct shape *shape, const wide *bits)
{
    for (size_t e = 0; e < shape_elements(shape); e++) {
        if (!wide_is_zero(bits[e]))
            return lowering_constant(l, shape, form_integer(), bits);
    }
    return RELATION_NONE;
}

void lowering_mark_absent(struct lowering *l, size_t k, uint32_t bits)
{
    if (bits == RELATION_NONE || !lowering_has_output(l, k))
        return;
    if (!lowering_output_plan(l, k)->takes_mask)
        lowering_fail(l, STATUS_UNSUPPORTED,
                      "output %zu is minus infinity in places, which what uses it does not know",
                      k);
    struct shape shape = lowering_output_shape(l, k);
    if (lowering_tensor(l, bits)->count == shape_elements(&shape) && is_known(l, bits))
        bits = lowering_constant(l, &shape, form_integer(), lowering_tensor(l, bits)->values);
    else if (lowering_tensor(l, bits)->count == shape_elements(&shape))
        bits = lowering_reshape(l, bits, &shape);
    else
        bits = lowering_either(l, &shape, bits, bits);
    l->absent[l->node->outputs[k]] = bits;
}

/* OR, where both are known. */
static uint32_t known_either(struct lowering *l, const struct shape *shape, uint32_t a, uint32_t b)
{
    wide *bits = lowering_array(l, wide, shape_elements(shape));
    for (size_t e = 0; e < shape_elements(shape); e++)
        bits[e] = wide_from_i64(bit_at(l, a, shape, e) || bit_at(l, b, shape, e));
    return known_bits(l, shape, bits);
}

void lowering_join_absent(struct lowering *l)
{
    uint32_t bits = RELATION_NONE;
    struct shape shape = lowering_output_shape(l, 0);
    for (size_t i = 0; i < l->node->input_count; i++)
        bits = lowering_either(l, &shape, bits, lowering_absent(l, i));
    lowering_mark_absent(l, 0, bits);
}

/* Bits of known condition and operands. */
static uint32_t known_choice(struct lowering *l, const struct shape *shape, uint32_t condition,
                             uint32_t a, uint32_t b)
{
    wide *bits = lowering_array(l, wide, shape_elements(shape));
    for (size_t e = 0; e < shape_elements(shape); e++) {
        uint32_t chosen = bit_at(l, condition, shape, e) ? a : b;
        bits[e] = wide_from_i64(chosen != RELATION_NONE && bit_at(l, chosen, shape, e));
    }
    return known_bits(l, shape, bits);
}

void lowering_choose_absent(struct lowering *l, uint32_t condition, size_t x, size_t y)
{
    uint32_t a = lowering_absent(l, x), b = lowering_absent(l, y);
    struct shape shape = lowering_output_shape(l, 0);
    struct relation_term terms[3];
    size_t count = 0;
    bool all_known = is_known(l, condition) && (a == RELATION_NONE || is_known(l, a)) &&
                     (b == RELATION_NONE || is_known(l, b));
    if (a == RELATION_NONE && b == RELATION_NONE)
        return;
    if (all_known) {
        lowering_mark_absent(l, 0, known_choice(l, &shape, condition, a, b));
        return;
    }
    if (a != RELATION_NONE)
        terms[count++] = lowering_term_product(l, 1, condition, a, &shape);
    if (b != RELATION_NONE) {
        terms[count++] = lowering_term_product(l, -1, condition, b, &shape);
        terms[count++] = lowering_term(l, 1, b, &shape);
    }
    lowering_mark_absent(
        l, 0, lowering_product(l, &shape, form_integer(), terms, count, wide_from_i64(0)));
}

void lowering_move_absent(struct lowering *l, size_t k, const struct shape *shape, size_t operands,
                          int64_t *const *lists, const int64_t *filled)
{
    struct relation_term *terms = lowering_array(l, struct relation_term, operands + 1);
    wide *bits = lowering_array(l, wide, shape_elements(shape)), one = wide_from_i64(1);
    bool all_known = true;
    size_t count = 0;
    for (size_t i = 0; i < operands; i++) {
        uint32_t absent = lowering_absent(l, i);
        if (absent == RELATION_NONE)
            continue;
        all_known &= is_known(l, absent);
        terms[count++] = lowering_term_view(
            one, (struct relation_view){.tensor = absent, .index_list = lists[i]});
    }
    if (filled != NULL) {
        struct shape single = shape_of(1, (int64_t)1);
        terms[count++] = lowering_term_view(
            one,
            (struct relation_view){.tensor = lowering_constant(l, &single, form_integer(), &one),
                                   .index_list = filled});
    }
    if (count == 0)
        return;
    for (size_t e = 0; e < shape_elements(shape) && all_known; e++) {
        for (size_t t = 0; t < count; t++) {
            const struct relation_view *view = &terms[t].factors[0];
            if (view->index_list[e] >= 0 &&
                !wide_is_zero(lowering_tensor(l, view->tensor)->values[view->index_list[e]]))
                bits[e] = one;
        }
    }
    lowering_mark_absent(l, k,
                         all_known ? known_bits(l, shape, bits)
                                   : lowering_moved(l, shape, form_integer(), terms, count));
}

uint32_t lowering_known_not(struct lowering *l, uint32_t bits)
{
    struct shape shape = lowering_shape(l, bits);
    wide *out = lowering_array(l, wide, shape_elements(&shape));
    for (size_t e = 0; e < shape_elements(&shape); e++)
        out[e] = wide_from_i64(wide_is_zero(lowering_tensor(l, bits)->values[e]));
    return lowering_constant(l, &shape, form_integer(), out);
}

uint32_t lowering_known_rows(struct lowering *l, uint32_t bits, uint32_t axes)
{
    if (!is_known(l, bits))
        return lowering_rows(l, bits, axes);
    struct shape own = lowering_shape(l, bits), space, flat = shape_of(2, (int64_t)1, (int64_t)1);
    struct relation_view view = lowering_row_view(l, bits, axes, &space);
    for (unsigned d = 0; d < own.rank; d++)
        flat.dim[axes >> d & 1] *= own.dim[d];
    wide *moved = lowering_array(l, wide, shape_elements(&own));
    for (size_t e = 0; e < shape_elements(&own); e++)
        moved[e] = lowering_tensor(l, bits)
                       ->values[relation_view_element(&view, space.rank, space.dim, e)];
    return lowering_constant(l, &flat, form_integer(), moved);
}

uint32_t lowering_fill_absent(struct lowering *l, uint32_t x, uint32_t absent)
{
    struct shape shape = lowering_shape(l, x), scalar = {0};
    wide least = lowering_range_of(l, x).low;
    return lowering_select(l, &shape, absent,
                           lowering_constant(l, &scalar, lowering_form(l, x), &least), x);
}

bool lowering_equals_infinity(struct lowering *l)
{
    struct shape shape = lowering_output_shape(l, 0);
    for (size_t i = 0; i < 2; i++) {
        if (!lowering_input_plan(l, i)->takes_mask || lowering_data(l, 1 - i) == NULL ||
            !lowering_input_plan(l, 1 - i)->takes_mask)
            continue;
        uint32_t absent = lowering_absent(l, i);
        if (absent == RELATION_NONE)
            absent = lowering_constant_i64(l, 0);
        lowering_output(l, 0, lowering_expand(l, absent, &shape));
        return true;
    }
    return false;
}

uint32_t lowering_show_special(struct lowering *l, uint32_t v, uint32_t x)
{
    lowering_hold_finite(l, v);
    bool is_nan = l->nan_bit[v] != RELATION_NONE;
    uint32_t where = is_nan ? l->nan_bit[v] : l->absent[v];
    if (where == RELATION_NONE || form_is_float(lowering_form(l, x)))
        return x;
    struct shape shape = lowering_shape(l, x), scalar = {0};
    struct range range = lowering_range_of(l, x);
    if (!wide_sub(&range.low, range.low, wide_from_i64(1)))
        lowering_fail(l, STATUS_LIMIT, "an output of more than 256 bits");
    uint32_t least = lowering_constant(l, &scalar, lowering_form(l, x), &range.low);
    uint32_t shown = lowering_restrict(l, lowering_select(l, &shape, where, least, x), range);
    l->program->tensors[shown].has_nan = is_nan;
    l->program->tensors[shown].has_infinity = !is_nan;
    l->program->tensors[shown].name = l->graph->values[v].name;
    return shown;
}
