/*
 * What placement takes for granted of a program, checked: the program of a published model may come
 * from somebody who left out what place_prepare adds. Called by place_circuit before anything else.
 */
#include <string.h>

#include "passes/place.h"

#define NO_RELATION UINT32_MAX

struct requirement {
    const struct relation_program *program;
    struct diag *diag;
    /* RANGE relations over a whole tensor, and LINEAR ones that subtract a whole tensor, by that
     * tensor: lists through `next`. */
    uint32_t *range_of, *next_range, *minus_of, *next_minus;
};

static enum status refuse(const struct requirement *require, const struct relation *relation,
                          const char *what)
{
    const struct relation_program *program = require->program;
    return diag_set(require->diag, STATUS_BAD_INPUT,
                    "relation %zu of node %s cannot be placed: %s; compile the model again",
                    (size_t)(relation - program->relations),
                    relation->node < program->node_count ? program->node_names[relation->node]
                                                         : "(compiler)",
                    what);
}

static size_t space_count(const struct relation *relation)
{
    size_t count = 1;
    for (unsigned d = 0; d < relation->space_rank; d++)
        count *= (size_t)relation->space[d];
    return count;
}

static bool is_whole(const struct requirement *require, const struct relation *relation,
                     const struct relation_view *view)
{
    size_t count = space_count(relation);
    if (count != require->program->tensors[view->tensor].count)
        return false;
    for (size_t p = 0; p < count; p++) {
        if (relation_view_element(view, relation->space_rank, relation->space, p) != (int64_t)p)
            return false;
    }
    return true;
}

static bool is_power_of_two(wide value)
{
    unsigned bits = wide_bit_length(value);
    return bits > 0 && wide_compare(value, wide_power_of_two(bits - 1)) == 0;
}

static bool equals(wide value, int64_t expected)
{
    return wide_compare(value, wide_from_i64(expected)) == 0;
}

/* ---- products ---- */

/* At most two variable factors a term, and one sign, 1 or -1, for all terms of two. */
static enum status require_product(const struct requirement *require,
                                   const struct relation *relation)
{
    int64_t shared = 0, sign;
    for (size_t t = 0; t < relation->term_count; t++) {
        const struct relation_term *term = &relation->terms[t];
        unsigned variables = 0;
        for (unsigned f = 0; f < term->factor_count; f++)
            variables += require->program->tensors[term->factors[f].tensor].role != ROLE_CONSTANT;
        if (variables < 2)
            continue;
        if (term->factor_count != 2 || !wide_to_i64(&sign, term->coefficient) ||
            (sign != 1 && sign != -1) || (shared != 0 && sign != shared))
            return refuse(require, relation, "its products are not of one sign and two factors");
        shared = sign;
    }
    return STATUS_OK;
}

/* ---- ranges ---- */

static enum status require_range(const struct requirement *require, const struct relation *relation)
{
    wide size;
    int64_t small;
    if (wide_sub(&size, relation->high, relation->low) && wide_add(&size, size, wide_from_i64(1)) &&
        (is_power_of_two(size) || (wide_to_i64(&small, size) && small <= PLACE_RANGE_TABLE_MAX)))
        return STATUS_OK;
    return refuse(require, relation, "the size of its range is not a power of two");
}

/* ---- remainders ---- */

static bool is_not_negative(const struct requirement *require, uint32_t tensor)
{
    for (uint32_t i = require->range_of[tensor]; i != NO_RELATION; i = require->next_range[i]) {
        if (!wide_is_negative(require->program->relations[i].low))
            return true;
    }
    return false;
}

static bool is_at_most(const struct requirement *require, uint32_t tensor, wide bound)
{
    for (uint32_t i = require->range_of[tensor]; i != NO_RELATION; i = require->next_range[i]) {
        if (wide_compare(require->program->relations[i].high, bound) <= 0)
            return true;
    }
    return false;
}

static bool same_elements(const struct relation *a, const struct relation_view *view_a,
                          const struct relation *b, const struct relation_view *view_b)
{
    size_t count = space_count(a);
    if (view_a->tensor != view_b->tensor || count != space_count(b))
        return false;
    for (size_t p = 0; p < count; p++) {
        if (relation_view_element(view_a, a->space_rank, a->space, p) !=
            relation_view_element(view_b, b->space_rank, b->space, p))
            return false;
    }
    return true;
}

/* gap is d - 1 - r, d a number or what the rescale divides by. */
static bool is_room(const struct relation *gap, const struct relation *rescale, uint32_t r)
{
    wide last;
    if (!rescale->divisor_is_view)
        return gap->term_count == 1 && wide_sub(&last, rescale->divisor, wide_from_i64(1)) &&
               wide_compare(gap->constant, last) == 0;
    if (gap->term_count != 2 || !equals(gap->constant, -1))
        return false;
    const struct relation_term *other = &gap->terms[gap->terms[0].factors[0].tensor == r ? 1 : 0];
    return equals(other->coefficient, 1) && other->factors[0].tensor != r &&
           same_elements(gap, &other->factors[0], rescale, &rescale->views[1]);
}

/* Limbs keep the remainder of a power of two below it; any other needs 0 <= r and r <= d - 1. */
static enum status require_rescale(const struct requirement *require,
                                   const struct relation *relation)
{
    uint32_t r = relation->outputs[1];
    wide last;
    if (!relation->divisor_is_view && is_power_of_two(relation->divisor))
        return STATUS_OK;
    if (require->program->tensors[r].count == 0)
        return STATUS_OK;
    if (is_not_negative(require, r)) {
        if (!relation->divisor_is_view && wide_sub(&last, relation->divisor, wide_from_i64(1)) &&
            is_at_most(require, r, last))
            return STATUS_OK;
        for (uint32_t i = require->minus_of[r]; i != NO_RELATION; i = require->next_minus[i]) {
            const struct relation *gap = &require->program->relations[i];
            if (is_room(gap, relation, r) && is_not_negative(require, gap->outputs[0]))
                return STATUS_OK;
        }
    }
    return refuse(require, relation, "nothing keeps its remainder below the divisor");
}

/* ---- the whole ---- */

static bool collect(struct requirement *require, struct arena *arena)
{
    const struct relation_program *program = require->program;
    size_t tensors = program->tensor_count + 1, relations = program->relation_count + 1;
    require->range_of = arena_array(arena, uint32_t, tensors);
    require->minus_of = arena_array(arena, uint32_t, tensors);
    require->next_range = arena_array(arena, uint32_t, relations);
    require->next_minus = arena_array(arena, uint32_t, relations);
    if (require->range_of == NULL || require->minus_of == NULL || require->next_range == NULL ||
        require->next_minus == NULL)
        return false;
    memset(require->range_of, 0xff, tensors * sizeof(uint32_t));
    memset(require->minus_of, 0xff, tensors * sizeof(uint32_t));
    for (uint32_t i = 0; i < program->relation_count; i++) {
        const struct relation *r = &program->relations[i];
        if (r->kind == RELATION_RANGE && is_whole(require, r, &r->views[0])) {
            require->next_range[i] = require->range_of[r->views[0].tensor];
            require->range_of[r->views[0].tensor] = i;
        }
        if (r->kind != RELATION_LINEAR || r->term_count < 1 || r->term_count > 2)
            continue;
        const struct relation_term *last = &r->terms[r->term_count - 1];
        if (equals(last->coefficient, -1) && is_whole(require, r, &last->factors[0])) {
            require->next_minus[i] = require->minus_of[last->factors[0].tensor];
            require->minus_of[last->factors[0].tensor] = i;
        }
    }
    return true;
}

enum status place_require_prepared(const struct relation_program *program, struct diag *diag)
{
    struct requirement require = {.program = program, .diag = diag};
    struct arena arena;
    arena_init(&arena, 0);
    enum status status = collect(&require, &arena)
                             ? STATUS_OK
                             : diag_set(diag, STATUS_NO_MEMORY, "no memory to place %zu relations",
                                        program->relation_count);
    for (size_t i = 0; i < program->relation_count && status == STATUS_OK; i++) {
        const struct relation *relation = &program->relations[i];
        if (relation->kind == RELATION_PRODUCT)
            status = require_product(&require, relation);
        else if (relation->kind == RELATION_RANGE)
            status = require_range(&require, relation);
        else if (relation->kind == RELATION_RESCALE)
            status = require_rescale(&require, relation);
    }
    arena_release(&arena);
    return status;
}
