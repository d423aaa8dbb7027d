/*
 * Proven errors during lowering: what the tensors of a program start with, and what lowerings say
 * of functions that error_bound.c cannot follow. See error_bound.h.
 */
#include <math.h>

#include "passes/lower_internal.h"

void lowering_track(struct lowering *l, uint32_t tensor)
{
    void *array = l->bounds;
    lowering_grow(l, &array, &l->bound_capacity, tensor + (size_t)1, sizeof *l->bounds);
    l->bounds = array;
    const struct relation_tensor *t = lowering_tensor(l, tensor);
    struct error_bound *bound = &l->bounds[tensor];
    *bound = (struct error_bound){.least = bound_below(t->low),
                                  .most = fmax(bound_of_wide(t->low), bound_of_wide(t->high)),
                                  .node = l->node_index,
                                  .known = t->values};
    if (t->role == ROLE_CONSTANT)
        bound_set(bound, 0);
}

void lowering_track_stored(struct lowering *l, uint32_t tensor, const wide *values)
{
    struct error_bound *bound = lowering_bound(l, tensor);
    double most = 0, least = INFINITY;
    size_t count = lowering_tensor(l, tensor)->count;
    for (size_t e = 0; e < count; e++) {
        most = fmax(most, bound_of_wide(values[e]));
        least = fmin(least, bound_below(values[e]));
    }
    bound->known = values;
    bound->most = most;
    bound->least = count == 0 ? 0 : least;
    bound_set(bound, 0);
}

struct error_bound *lowering_bound(const struct lowering *l, uint32_t tensor)
{
    ASSERT(tensor < l->program->tensor_count && tensor < l->bound_capacity);
    return &l->bounds[tensor];
}

double lowering_error(const struct lowering *l, uint32_t x)
{
    const struct error_bound *bound = lowering_bound(l, x);
    return bound_is_proven(bound) ? bound_scale(bound->error, -lowering_fraction(l, x)) : INFINITY;
}

double lowering_least(const struct lowering *l, uint32_t x)
{
    return ldexp(lowering_bound(l, x)->least, -lowering_fraction(l, x));
}

double lowering_most(const struct lowering *l, uint32_t x)
{
    return bound_scale(lowering_bound(l, x)->most, -lowering_fraction(l, x));
}

double lowering_ideal_most(const struct lowering *l, uint32_t x)
{
    const struct error_bound *bound = lowering_bound(l, x);
    return bound_is_proven(bound) ? bound->ideal : INFINITY;
}

double lowering_ideal(const struct lowering *l, uint32_t x)
{
    return bound_scale(lowering_ideal_most(l, x), -lowering_fraction(l, x));
}

void lowering_leave_bound(struct lowering *l, uint32_t y, enum bound_gap gap)
{
    bound_leave(lowering_bound(l, y), gap, l->node_index);
}

void lowering_state_sign(struct lowering *l, uint32_t y, size_t i)
{
    struct error_bound *bound = lowering_bound(l, y);
    if (lowering_input_plan(l, i)->keeps_sign)
        bound_set(bound, 0);
    else if (bound->gap == BOUND_DECISION && bound->node == l->node_index)
        bound_leave(bound, BOUND_ZERO, bound->node);
}

/* Takes over why x has no bound. */
static void take_gap(struct lowering *l, uint32_t y, uint32_t x)
{
    const struct error_bound *from = lowering_bound(l, x);
    bound_leave(lowering_bound(l, y), from->gap, from->node);
}

void lowering_state_error(struct lowering *l, uint32_t y, uint32_t x, double error)
{
    if (!bound_is_proven(lowering_bound(l, x)))
        take_gap(l, y, x);
    else
        bound_set(lowering_bound(l, y), bound_scale(error, lowering_fraction(l, y)));
}

void lowering_state_function(struct lowering *l, uint32_t y, uint32_t x, double slope, double own)
{
    double error = bound_add(bound_mul(slope, lowering_error(l, x)), own);
    lowering_state_error(l, y, x, error);
}

void lowering_state_greater(struct lowering *l, uint32_t y, uint32_t a, uint32_t b)
{
    if (!bound_is_proven(lowering_bound(l, a)))
        take_gap(l, y, a);
    else
        lowering_state_error(l, y, b, fmax(lowering_error(l, a), lowering_error(l, b)));
}

void lowering_state_chosen(struct lowering *l, uint32_t y, uint32_t bit, uint32_t a, uint32_t b)
{
    const struct error_bound *choice = lowering_bound(l, bit);
    if (bound_is_exact(choice))
        lowering_state_greater(l, y, a, b);
    else if (bound_is_proven(choice))
        bound_leave(lowering_bound(l, y), BOUND_DECISION, choice->node);
    else
        take_gap(l, y, bit);
}

void lowering_limit(struct lowering *l, uint32_t y, double most, double ideal)
{
    int32_t fraction = lowering_fraction(l, y);
    bound_limit(lowering_bound(l, y), bound_scale(most, fraction), bound_scale(ideal, fraction));
}

void lowering_assure(struct lowering *l, uint32_t y, double least)
{
    struct error_bound *bound = lowering_bound(l, y);
    bound->least = fmax(bound->least, ldexp(least, lowering_fraction(l, y)));
}

void lowering_widen_error(struct lowering *l, uint32_t y, double more)
{
    struct error_bound *bound = lowering_bound(l, y);
    if (!bound_is_proven(bound))
        return;
    double ideal = bound_add(bound->ideal, more);
    bound_set(bound, bound_add(bound->error, more));
    bound_limit(bound, bound->most, ideal);
}

double lowering_real_off(double value, int32_t fraction)
{
    double scaled = ldexp(value, fraction);
    return fabs(scaled - rint(scaled));
}

/* ---- compositions with exact operands ---- */

struct bound_scope lowering_open_bound(struct lowering *l, uint32_t x)
{
    struct bound_scope scope = {.operand = x,
                                .saved = *lowering_bound(l, x),
                                .first_tensor = (uint32_t)l->program->tensor_count,
                                .first_rescaled = l->rescaled_count};
    if (bound_is_proven(&scope.saved))
        bound_set(lowering_bound(l, x), 0);
    return scope;
}

static bool is_result(uint32_t tensor, const struct bound_result *results, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        if (results[k].tensor == tensor)
            return true;
    }
    return false;
}

/* What x was rounded to inside is met by other nodes, with the error that x has for them. */
static void correct_rounded(struct lowering *l, const struct bound_scope *scope)
{
    for (size_t i = scope->first_rescaled; i < l->rescaled_count; i++) {
        const struct rescaled *r = &l->rescaled[i];
        if (r->source == scope->operand)
            lowering_state_function(
                l, r->result, r->source, 1,
                r->fraction < lowering_fraction(l, r->source) ? ldexp(0.5, -r->fraction) : 0);
    }
}

void lowering_close_bound(struct lowering *l, const struct bound_scope *scope,
                          const struct bound_result *results, size_t count)
{
    *lowering_bound(l, scope->operand) = scope->saved;
    for (size_t k = 0; k < count; k++) {
        uint32_t y = results[k].tensor;
        if (y == RELATION_NONE || y < scope->first_tensor || !bound_is_proven(lowering_bound(l, y)))
            continue;
        double moved = bound_mul(results[k].slope, lowering_error(l, scope->operand));
        if (results[k].spread > 0)
            moved = fmin(moved, results[k].spread);
        lowering_state_error(l, y, scope->operand, bound_add(moved, lowering_error(l, y)));
    }
    /* Nothing else that was made inside has a bound: it is one for exact operands. */
    for (uint32_t t = scope->first_tensor; t < l->program->tensor_count; t++) {
        enum relation_role role = lowering_tensor(l, t)->role;
        if (role == ROLE_WITNESS && !is_result(t, results, count) &&
            bound_is_proven(lowering_bound(l, t)))
            lowering_leave_bound(l, t, BOUND_UNKNOWN);
    }
    correct_rounded(l, scope);
}

/* ---- what is said of outputs ---- */

struct output_bound lowering_output_bound(struct lowering *l, uint32_t tensor)
{
    const struct error_bound *bound = lowering_bound(l, tensor);
    if (bound_is_proven(bound))
        return (struct output_bound){.error = lowering_error(l, tensor)};
    const char *node = bound->node < l->program->node_count ? l->program->node_names[bound->node]
                                                            : "the inputs",
               *why = NULL;
    switch (bound->gap) {
    case BOUND_DECISION:
        why = arena_printf(l->arena, "%s decides on inexact numbers", node);
        break;
    case BOUND_ZERO:
        why = arena_printf(l->arena,
                           "%s takes computed numbers too small for their fraction bits for 0; "
                           "have it test inputs of the model, or hold sizes to a threshold",
                           node);
        break;
    case BOUND_POLE:
        why = arena_printf(l->arena, "%s may be asked where it has no result", node);
        break;
    case BOUND_SPECIAL:
        why = arena_printf(l->arena, "NaN or infinity may stand for numbers at %s", node);
        break;
    case BOUND_OVERFLOW:
        why = arena_printf(l->arena, "the bound at %s is beyond float64", node);
        break;
    case BOUND_UNKNOWN:
    case BOUND_NO_RULE:
    case BOUND_PROVEN:
        why = arena_printf(l->arena, "%s has no rule for it", node);
        break;
    }
    if (why == NULL)
        lowering_fail(l, STATUS_NO_MEMORY, "no memory for the report");
    return (struct output_bound){.error = INFINITY, .gap = why};
}
