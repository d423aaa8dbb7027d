/* See jit_plan.h. */
#include "backend/witness/jit_plan.h"

#include "ir/relation_interpret.h"

static size_t space_count(const struct relation *relation)
{
    size_t count = 1;
    for (unsigned d = 0; d < relation->space_rank; d++)
        count *= (size_t)relation->space[d];
    return count;
}

static bool has_terms(const struct relation *relation)
{
    return relation->kind == RELATION_LINEAR || relation->kind == RELATION_PRODUCT;
}

static size_t count_views(const struct relation *relation)
{
    if (!has_terms(relation))
        return relation->view_count;
    size_t count = 0;
    for (size_t k = 0; k < relation->term_count; k++)
        count += relation->terms[k].factor_count;
    return count;
}

size_t jit_relation_steps(const struct relation *relation)
{
    return space_count(relation) * (count_views(relation) + 1);
}

/* ---- integers ---- */

static wide larger(wide a, wide b)
{
    return wide_compare(a, b) < 0 ? b : a;
}

bool jit_magnitude(wide *magnitude, const struct relation_tensor *tensor)
{
    wide low = tensor->low, high = tensor->high;
    if ((wide_is_negative(low) && !wide_neg(&low, low)) ||
        (wide_is_negative(high) && !wide_neg(&high, high)))
        return false;
    *magnitude = larger(larger(low, high), wide_from_i64(1));
    return true;
}

static bool view_magnitude(wide *magnitude, const struct relation_program *program,
                           const struct relation_view *view)
{
    return jit_magnitude(magnitude, &program->tensors[view->tensor]);
}

/* |constant| + sum |coefficient| product of magnitudes, none of them below 1: bounds partial
 * products too. */
static bool bound_terms(wide *bound, const struct relation_program *program,
                        const struct relation *relation)
{
    *bound = relation->constant;
    if (wide_is_negative(*bound) && !wide_neg(bound, *bound))
        return false;
    for (size_t k = 0; k < relation->term_count; k++) {
        const struct relation_term *term = &relation->terms[k];
        wide product = term->coefficient, factor;
        if (wide_is_negative(product) && !wide_neg(&product, product))
            return false;
        product = larger(product, wide_from_i64(1));
        for (unsigned f = 0; f < term->factor_count; f++) {
            if (!view_magnitude(&factor, program, &term->factors[f]) ||
                !wide_mul(&product, product, factor))
                return false;
        }
        if (!wide_add(bound, *bound, product))
            return false;
    }
    return true;
}

static bool bound_views(wide *bound, const struct relation_program *program,
                        const struct relation *relation)
{
    *bound = wide_from_i64(1);
    for (unsigned k = 0; k < relation->view_count; k++) {
        wide magnitude;
        if (!view_magnitude(&magnitude, program, &relation->views[k]))
            return false;
        *bound = larger(*bound, magnitude);
    }
    return true;
}

static bool bound_contract(wide *bound, const struct relation_program *program,
                           const struct relation *relation)
{
    wide a, b;
    int64_t inner = 1;
    for (unsigned d = relation->space_rank - relation->contract_rank; d < relation->space_rank; d++)
        inner *= relation->space[d];
    return view_magnitude(&a, program, &relation->views[0]) &&
           view_magnitude(&b, program, &relation->views[1]) && wide_mul(&a, a, b) &&
           wide_mul(bound, a, wide_from_i64(inner));
}

/* x, x + d / 2, d, y d and the rest. */
static bool bound_rescale(wide *bound, const struct relation_program *program,
                          const struct relation *relation)
{
    wide d = relation->divisor;
    return bound_views(bound, program, relation) &&
           (!relation->divisor_is_view || view_magnitude(&d, program, &relation->views[1])) &&
           wide_add(bound, *bound, d);
}

static bool bound_read(wide *bound, const struct relation_program *program,
                       const struct relation *relation)
{
    wide memory;
    bool is_known = bound_views(bound, program, relation) &&
                    jit_magnitude(&memory, &program->tensors[relation->memory]);
    if (is_known)
        *bound = larger(*bound, memory);
    return is_known;
}

/* Whether the divisor is positive at every position. */
static bool divides_always(const struct relation_program *program, const struct jit_plan *plan,
                           const struct relation *relation)
{
    wide low = relation->divisor_is_view ? program->tensors[relation->views[1].tensor].low
                                         : relation->divisor;
    return !wide_is_negative(low) && !wide_is_zero(low) &&
           !(relation->divisor_is_view && plan->views[1].may_miss);
}

bool jit_is_one(wide a)
{
    return wide_compare(a, wide_from_i64(1)) == 0;
}

bool jit_is_power_of_two(wide a)
{
    unsigned bits = wide_bit_length(a);
    return bits > 0 && wide_compare(a, wide_power_of_two(bits - 1)) == 0;
}

/* Integers of 256 bits are divided by powers of two only. */
static unsigned bits_of(const struct relation *relation, wide bound)
{
    unsigned length = wide_bit_length(bound);
    unsigned bits = length <= 62 ? 64 : length <= 126 ? 128 : length <= 254 ? 256 : 0;
    bool divides = (relation->kind == RELATION_RESCALE &&
                    (relation->divisor_is_view || !jit_is_power_of_two(relation->divisor))) ||
                   (relation->kind == RELATION_HINT && relation->hint == HINT_DIVIDE_FLOOR);
    return divides && bits > 128 ? 0 : bits;
}

static bool bound_steps(wide *bound, const struct relation_program *program,
                        const struct jit_plan *plan, const struct relation *relation)
{
    switch (relation->kind) {
    case RELATION_LINEAR:
    case RELATION_PRODUCT:
        return bound_terms(bound, program, relation);
    case RELATION_CONTRACT:
        return bound_contract(bound, program, relation);
    case RELATION_RESCALE:
        return (relation->rounding == ROUND_FLOOR || relation->rounding == ROUND_HALF_UP) &&
               divides_always(program, plan, relation) && bound_rescale(bound, program, relation);
    case RELATION_READ:
        return bound_read(bound, program, relation);
    case RELATION_IS_ZERO:
    case RELATION_RANGE:
    case RELATION_TABLE:
        return bound_views(bound, program, relation);
    case RELATION_HINT:
        /* Sorting and roots are library code in either case. */
        return relation->hint != HINT_SORT_ORDER && relation->hint != HINT_SQUARE_ROOT &&
               bound_views(bound, program, relation);
    case RELATION_PERMUTE:
    case RELATION_DIGEST:
        return false;
    }
    return false;
}

/* ---- loops ---- */

static void take_view(struct jit_view *out, const struct relation_view *view,
                      const struct relation *relation)
{
    *out = (struct jit_view){.tensor = view->tensor, .list = view->index_list};
    if (view->index_list != NULL) {
        out->may_miss = true;
        return;
    }
    out->offset = view->offset;
    for (unsigned d = 0; d < relation->space_rank; d++) {
        out->stride[d] = view->stride[d];
        out->low[d] = view->low[d];
        out->high[d] = view->high[d];
        out->is_bounded[d] = view->low[d] > 0 || view->high[d] < relation->space[d];
        out->may_miss = out->may_miss || out->is_bounded[d];
    }
}

/* Row-major position of the first `axes` axes. */
static void take_position(struct jit_view *out, const struct relation *relation, unsigned axes)
{
    *out = (struct jit_view){0};
    int64_t stride = 1;
    for (unsigned d = axes; d-- > 0;) {
        out->stride[d] = stride;
        stride *= relation->space[d];
    }
}

static void move_axis(struct jit_plan *plan, unsigned to, unsigned from)
{
    plan->count[to] = plan->count[from];
    for (size_t v = 0; v < plan->view_count + 2; v++) {
        struct jit_view *view = &plan->views[v];
        view->stride[to] = view->stride[from];
        view->is_bounded[to] = view->is_bounded[from];
        view->low[to] = view->low[from];
        view->high[to] = view->high[from];
    }
}

/* Whether loop `to` followed by axis `from` is one loop for every view. */
static bool is_seamless(const struct jit_plan *plan, unsigned to, unsigned from)
{
    for (size_t v = 0; v < plan->view_count + 2; v++) {
        const struct jit_view *view = &plan->views[v];
        if (view->is_bounded[to] || view->is_bounded[from] ||
            (view->list == NULL && view->stride[to] != view->stride[from] * plan->count[from]))
            return false;
    }
    return true;
}

static bool is_trivial(const struct jit_plan *plan, unsigned axis)
{
    for (size_t v = 0; v < plan->view_count + 2; v++) {
        if (plan->views[v].is_bounded[axis])
            return false;
    }
    return plan->count[axis] == 1;
}

/* Makes loops of the axes; `outer` of them belong to the result. */
static void join_axes(struct jit_plan *plan, unsigned outer, unsigned axes)
{
    unsigned rank = 0;
    for (unsigned d = 0; d < axes; d++) {
        if (d == outer)
            plan->inner = rank;
        if (is_trivial(plan, d))
            continue;
        bool starts_part = rank == 0 || (d >= outer && rank == plan->inner);
        if (!starts_part && is_seamless(plan, rank - 1, d)) {
            int64_t count = plan->count[rank - 1];
            move_axis(plan, rank - 1, d);
            plan->count[rank - 1] *= count;
        } else {
            move_axis(plan, rank++, d);
        }
    }
    plan->rank = rank;
    if (outer == axes)
        plan->inner = rank;
}

static bool plan_loops(struct jit_plan *plan, const struct relation *relation, struct arena *arena)
{
    unsigned axes = relation->space_rank, outer = axes;
    if (relation->kind == RELATION_CONTRACT)
        outer = axes - relation->contract_rank;
    else if (relation->kind == RELATION_HINT &&
             (relation->hint == HINT_ARG_MAX || relation->hint == HINT_ARG_MIN) && axes > 0)
        outer = axes - 1;
    plan->view_count = count_views(relation);
    if (plan->view_count > JIT_VIEWS_MAX ||
        (has_terms(relation) && relation->term_count > JIT_VIEWS_MAX))
        return false;
    plan->views = arena_array(arena, struct jit_view, plan->view_count + 2);
    if (plan->views == NULL)
        return false;
    size_t v = 0;
    for (size_t k = 0; has_terms(relation) && k < relation->term_count; k++)
        for (unsigned f = 0; f < relation->terms[k].factor_count; f++)
            take_view(&plan->views[v++], &relation->terms[k].factors[f], relation);
    for (unsigned k = 0; !has_terms(relation) && k < relation->view_count; k++)
        take_view(&plan->views[v++], &relation->views[k], relation);
    take_position(&plan->views[v], relation, outer);
    take_position(&plan->views[v + 1], relation, axes);
    for (unsigned d = 0; d < axes; d++)
        plan->count[d] = relation->space[d];
    join_axes(plan, outer, axes);
    return true;
}

/* Empty tensors have no element for a view that misses to read instead. */
static bool reads_empty(const struct relation_program *program, const struct jit_plan *plan,
                        const struct relation *relation)
{
    for (size_t v = 0; v < plan->view_count; v++) {
        if (program->tensors[plan->views[v].tensor].count == 0)
            return true;
    }
    return relation->kind == RELATION_READ && program->tensors[relation->memory].count == 0;
}

void jit_plan_relation(struct jit_plan *plan, const struct relation_program *program,
                       const struct relation *relation, struct arena *arena)
{
    *plan = (struct jit_plan){.steps = jit_relation_steps(relation)};
    if (space_count(relation) == 0 || !plan_loops(plan, relation, arena) ||
        reads_empty(program, plan, relation) || !bound_steps(&plan->bound, program, plan, relation))
        return;
    plan->bits = bits_of(relation, plan->bound);
}
