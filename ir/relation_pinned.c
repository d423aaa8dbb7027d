/*
 * The proof that no hint is left free: a hint says what a witness tensor holds without constraining
 * it, so each hinted element must follow from other relations. Ranges are used as facts; that they
 * hold is the proof of passes/bound_ranges. The four rules:
 *
 * Division. h is bounded, and a LINEAR relation says out = c h + (sum of other terms), where out is
 * bounded by an enforced relation (a quotient in its range and its remainder bound the dividend
 * too) and the terms that may depend on h (those produced after the hint) are bounded by their
 * proven ranges. Let S be the width of out's range plus the widths of those terms. Two values h, h'
 * that satisfy everything have |c| |h - h'| <= S, so S < |c| leaves one.
 *
 * Square root. h >= 0, t = x - h^2 >= 0 and 2 h - t >= 0 are enforced: h^2 <= x <= h^2 + 2 h <
 * (h + 1)^2. One such h exists for each x.
 *
 * Order. The n entries of a memory of width 1 are read at the n hinted indices, and differences of
 * neighbouring results, all with one sign, are enforced to be at least 1. The results are then
 * distinct, so the indices are; n distinct indices below n are a permutation, the results are the
 * memory in strict order, and that order is unique.
 *
 * Bracket. A table maps h to p[h], and a p + k_1 + x >= 0, b p + k_2 - x >= 0 are enforced for the
 * same x. When the intervals [-a p[h] - k_1, b p[h] + k_2] of all h are disjoint, x lies in one of
 * them.
 *
 * Each rule holds for all elements of the hinted tensor: views of it are the identity.
 */
#include "ir/relation_validate_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- ranges that are enforced ---- */

static void mark_view(const struct validation *v, const struct relation *r,
                      const struct relation_view *view, wide low, wide high)
{
    const struct relation_tensor *t = &v->program->tensors[view->tensor];
    bool *marks = v->enforced[view->tensor];
    if (marks == NULL || wide_compare(low, t->low) < 0 || wide_compare(high, t->high) > 0)
        return;
    size_t count = relation_space_count(r);
    for (size_t p = 0; p < count; p++) {
        int64_t element = relation_view_element(view, r->space_rank, r->space, p);
        if (element >= 0)
            marks[element] = true;
    }
}

static void mark_all(const struct validation *v, uint32_t tensor)
{
    if (v->enforced[tensor] != NULL)
        memset(v->enforced[tensor], true, v->program->tensors[tensor].count);
}

/* y d + r with y in its range and 0 <= r < d: what a constant divisor leaves to the dividend. */
static void mark_dividend(const struct validation *v, const struct relation *r)
{
    const struct relation_tensor *y = &v->program->tensors[r->outputs[0]];
    wide low, high,
        half = r->rounding == ROUND_HALF_UP ? wide_shift_right(r->divisor, 1) : wide_from_i64(0);
    if (r->divisor_is_view || !wide_mul(&low, y->low, r->divisor) || !wide_sub(&low, low, half) ||
        !wide_add(&high, y->high, wide_from_i64(1)) || !wide_mul(&high, high, r->divisor) ||
        !wide_sub(&high, high, half) || !wide_sub(&high, high, wide_from_i64(1)))
        return;
    mark_view(v, r, &r->views[0], low, high);
}

static void mark_relation(const struct validation *v, const struct relation *r)
{
    wide zero = wide_from_i64(0);
    switch (r->kind) {
    case RELATION_RANGE:
        mark_view(v, r, &r->views[0], r->low, r->high);
        break;
    case RELATION_READ:
        mark_view(v, r, &r->views[0], zero,
                  wide_from_i64(v->program->tensors[r->memory].shape[0] - 1));
        break;
    case RELATION_TABLE: {
        const struct relation_table *table = &v->program->tables[r->table];
        mark_view(v, r, &r->views[0], wide_from_i64(table->x_low),
                  wide_from_i64(table->x_low + (int64_t)table->size - 1));
        for (unsigned k = 0; k < r->output_count; k++)
            mark_all(v, r->outputs[k]);
        break;
    }
    case RELATION_RESCALE:
        mark_all(v, r->outputs[0]);
        mark_all(v, r->outputs[1]);
        mark_dividend(v, r);
        break;
    case RELATION_IS_ZERO:
        mark_all(v, r->outputs[0]);
        break;
    default:
        break;
    }
}

/* Whether an enforced relation keeps every element of the tensor in its range. */
static bool is_enforced(const struct validation *v, uint32_t tensor)
{
    const bool *marks = v->enforced[tensor];
    if (marks == NULL)
        return false;
    for (size_t e = 0; e < v->program->tensors[tensor].count; e++) {
        if (!marks[e])
            return false;
    }
    return true;
}

/* Marks are kept for hinted tensors and for what is computed after the first hint: only those are
 * asked for. */
static enum status note_enforced(struct validation *v, struct arena *arena, size_t first_hint)
{
    const struct relation_program *program = v->program;
    for (size_t t = 0; t < program->tensor_count; t++) {
        if (v->producer[t] == RELATION_NONE || v->producer[t] < first_hint)
            continue;
        v->enforced[t] = arena_array(arena, bool, program->tensors[t].count + 1);
        if (v->enforced[t] == NULL)
            return diag_set(v->diag, STATUS_NO_MEMORY, "no memory to check the hints");
    }
    for (size_t i = 0; i < program->relation_count; i++)
        mark_relation(v, &program->relations[i]);
    return STATUS_OK;
}

/* ---- rules ---- */

/* The coefficient of h in a LINEAR relation whose only view of h is the identity; false when there
 * is none or several. */
static bool coefficient_of(const struct validation *v, const struct relation *r, uint32_t h,
                           wide *coefficient)
{
    unsigned seen = 0;
    for (size_t t = 0; t < r->term_count; t++) {
        if (r->terms[t].factors[0].tensor != h)
            continue;
        seen++;
        *coefficient = r->terms[t].coefficient;
        if (!relation_view_is_identity(&r->terms[t].factors[0], r, v->program))
            return false;
    }
    return seen == 1;
}

static bool add_span(wide *span, wide coefficient, const struct relation_tensor *t)
{
    wide width;
    if (wide_is_negative(coefficient) && !wide_neg(&coefficient, coefficient))
        return false;
    wide low = t->low, high = t->high, zero = wide_from_i64(0);
    /* A view may also give zero. */
    if (wide_compare(low, zero) > 0)
        low = zero;
    if (wide_compare(high, zero) < 0)
        high = zero;
    return wide_sub(&width, high, low) && wide_mul(&width, width, coefficient) &&
           wide_add(span, *span, width);
}

static bool pinned_by_division(const struct validation *v, const struct relation *r, uint32_t h)
{
    wide coefficient, span;
    if (r->kind != RELATION_LINEAR || !coefficient_of(v, r, h, &coefficient) ||
        !is_enforced(v, r->outputs[0]) || !is_enforced(v, h))
        return false;
    const struct relation_tensor *out = &v->program->tensors[r->outputs[0]];
    if (!wide_sub(&span, out->high, out->low))
        return false;
    for (size_t t = 0; t < r->term_count; t++) {
        uint32_t other = r->terms[t].factors[0].tensor;
        bool is_independent =
            v->producer[other] == RELATION_NONE || v->producer[other] < v->producer[h];
        if (other != h && !is_independent &&
            !add_span(&span, r->terms[t].coefficient, &v->program->tensors[other]))
            return false;
    }
    if (wide_is_negative(coefficient) && !wide_neg(&coefficient, coefficient))
        return false;
    return wide_compare(span, coefficient) < 0;
}

static bool is_one(wide value)
{
    return wide_compare(value, wide_from_i64(1)) == 0;
}

static bool is_at_least(const struct validation *v, uint32_t tensor, int64_t bound)
{
    return wide_compare(v->program->tensors[tensor].low, wide_from_i64(bound)) >= 0 &&
           is_enforced(v, tensor);
}

/* r is t = (anything without h) - h h. */
static bool is_minus_square(const struct validation *v, const struct relation *r, uint32_t h)
{
    if (r->kind != RELATION_PRODUCT || r->is_assert)
        return false;
    unsigned seen = 0;
    for (size_t t = 0; t < r->term_count; t++) {
        const struct relation_term *term = &r->terms[t];
        bool uses = false;
        for (unsigned f = 0; f < term->factor_count; f++)
            uses |= term->factors[f].tensor == h ||
                    (v->producer[term->factors[f].tensor] != RELATION_NONE &&
                     v->producer[term->factors[f].tensor] >= v->producer[h]);
        if (!uses)
            continue;
        seen++;
        if (term->factor_count != 2 || wide_compare(term->coefficient, wide_from_i64(-1)) != 0)
            return false;
        for (unsigned f = 0; f < 2; f++) {
            if (term->factors[f].tensor != h ||
                !relation_view_is_identity(&term->factors[f], r, v->program))
                return false;
        }
    }
    return seen == 1;
}

/* r is out = 2 h - t. */
static bool is_twice_minus(const struct validation *v, const struct relation *r, uint32_t h,
                           uint32_t t)
{
    wide two, minus;
    return r->kind == RELATION_LINEAR && r->term_count == 2 && wide_is_zero(r->constant) &&
           coefficient_of(v, r, h, &two) && coefficient_of(v, r, t, &minus) &&
           wide_compare(two, wide_from_i64(2)) == 0 && wide_compare(minus, wide_from_i64(-1)) == 0;
}

static bool pinned_by_square(const struct validation *v, const struct relation *r, uint32_t h)
{
    if (!is_minus_square(v, r, h) || !is_at_least(v, h, 0) || !is_at_least(v, r->outputs[0], 0))
        return false;
    for (size_t i = 0; i < v->program->relation_count; i++) {
        const struct relation *other = &v->program->relations[i];
        if (is_twice_minus(v, other, h, r->outputs[0]) && is_at_least(v, other->outputs[0], 0))
            return true;
    }
    return false;
}

/* r is d[i] = +-(s[i] - s[i + 1]) over all neighbours. */
static bool is_neighbour_difference(const struct validation *v, const struct relation *r,
                                    uint32_t s)
{
    size_t count = v->program->tensors[s].count;
    if (r->kind != RELATION_LINEAR || r->term_count != 2 || !wide_is_zero(r->constant) ||
        relation_space_count(r) + 1 != count)
        return false;
    const struct relation_term *a = &r->terms[0], *b = &r->terms[1];
    wide negated;
    if (a->factors[0].tensor != s || b->factors[0].tensor != s ||
        !wide_neg(&negated, b->coefficient) || wide_compare(a->coefficient, negated) != 0 ||
        !(is_one(a->coefficient) || is_one(b->coefficient)))
        return false;
    /* a looks at i and b at i + 1 throughout, or the other way round throughout. */
    int64_t first = relation_view_element(&a->factors[0], r->space_rank, r->space, 0);
    if (first != 0 && first != 1)
        return false;
    for (size_t p = 0; p + 1 < count; p++) {
        int64_t x = relation_view_element(&a->factors[0], r->space_rank, r->space, p);
        int64_t y = relation_view_element(&b->factors[0], r->space_rank, r->space, p);
        if (x != (int64_t)p + first || y != (int64_t)p + 1 - first)
            return false;
    }
    return true;
}

static bool pinned_by_order(const struct validation *v, const struct relation *r, uint32_t h)
{
    if (r->kind != RELATION_READ || r->views[0].tensor != h ||
        !relation_view_is_identity(&r->views[0], r, v->program))
        return false;
    const struct relation_tensor *memory = &v->program->tensors[r->memory];
    bool is_independent =
        v->producer[r->memory] == RELATION_NONE || v->producer[r->memory] < v->producer[h];
    if (!is_independent || (size_t)memory->shape[0] != memory->count ||
        memory->count != v->program->tensors[h].count)
        return false;
    if (memory->count <= 1)
        return true;
    for (size_t i = 0; i < v->program->relation_count; i++) {
        const struct relation *other = &v->program->relations[i];
        if (is_neighbour_difference(v, other, r->outputs[0]) &&
            is_at_least(v, other->outputs[0], 1))
            return true;
    }
    return false;
}

/* out = a p + sign x + constant, with x viewed one way: for the bracket rule. */
struct bracket {
    wide a, constant;
    int sign;
    const struct relation_view *x;
};

static bool read_bracket(const struct validation *v, const struct relation *r, uint32_t p,
                         struct bracket *bracket)
{
    if (r->kind != RELATION_LINEAR || r->term_count != 2 || !coefficient_of(v, r, p, &bracket->a) ||
        !is_at_least(v, r->outputs[0], 0))
        return false;
    const struct relation_term *other = &r->terms[r->terms[0].factors[0].tensor == p ? 1 : 0];
    wide one = wide_from_i64(1), minus = wide_from_i64(-1);
    bracket->sign = wide_compare(other->coefficient, one) == 0     ? 1
                    : wide_compare(other->coefficient, minus) == 0 ? -1
                                                                   : 0;
    bracket->x = &other->factors[0];
    bracket->constant = r->constant;
    return bracket->sign != 0;
}

/* The interval of x for each table entry, ascending or descending without overlap. */
static bool brackets_disjoint(const struct relation_table *table, unsigned output,
                              const struct bracket *low, const struct bracket *high)
{
    wide previous = wide_from_i64(0);
    for (size_t i = 0; i < table->size; i++) {
        wide p = wide_from_i64(table->outputs[output][i]), from, to;
        if (!wide_mul(&from, p, low->a) || !wide_add(&from, from, low->constant) ||
            !wide_neg(&from, from) || !wide_mul(&to, p, high->a) ||
            !wide_add(&to, to, high->constant))
            return false;
        if (i > 0 && wide_compare(from, previous) <= 0)
            return false;
        /* An empty interval takes no x but still must not hide an overlap. */
        if (i == 0 || wide_compare(to, previous) > 0)
            previous = to;
    }
    return true;
}

static bool same_view(const struct relation_view *a, const struct relation_view *b,
                      const struct relation *ra, const struct relation *rb)
{
    size_t count = relation_space_count(ra);
    if (a->tensor != b->tensor || count != relation_space_count(rb))
        return false;
    for (size_t p = 0; p < count; p++) {
        if (relation_view_element(a, ra->space_rank, ra->space, p) !=
            relation_view_element(b, rb->space_rank, rb->space, p))
            return false;
    }
    return true;
}

static bool pinned_by_bracket(const struct validation *v, const struct relation *r, uint32_t h)
{
    if (r->kind != RELATION_TABLE || r->views[0].tensor != h ||
        !relation_view_is_identity(&r->views[0], r, v->program))
        return false;
    const struct relation_table *table = &v->program->tables[r->table];
    for (unsigned k = 0; k < r->output_count; k++) {
        for (size_t i = 0; i < v->program->relation_count; i++) {
            struct bracket low, high;
            const struct relation *first = &v->program->relations[i];
            if (!read_bracket(v, first, r->outputs[k], &low) || low.sign != 1)
                continue;
            uint32_t x = low.x->tensor;
            if (v->producer[x] != RELATION_NONE && v->producer[x] >= v->producer[h])
                continue;
            for (size_t j = 0; j < v->program->relation_count; j++) {
                const struct relation *second = &v->program->relations[j];
                if (read_bracket(v, second, r->outputs[k], &high) && high.sign == -1 &&
                    same_view(low.x, high.x, first, second) &&
                    brackets_disjoint(table, k, &low, &high))
                    return true;
            }
        }
    }
    return false;
}

static bool is_pinned(const struct validation *v, uint32_t h)
{
    if (v->program->tensors[h].count == 0)
        return true;
    for (size_t i = v->producer[h] + 1; i < v->program->relation_count; i++) {
        const struct relation *r = &v->program->relations[i];
        if (pinned_by_division(v, r, h) || pinned_by_square(v, r, h) || pinned_by_order(v, r, h) ||
            pinned_by_bracket(v, r, h))
            return true;
    }
    return false;
}

enum status relation_check_hints(struct validation *v, struct arena *arena)
{
    const struct relation_program *program = v->program;
    size_t first_hint = 0;
    while (first_hint < program->relation_count &&
           program->relations[first_hint].kind != RELATION_HINT)
        first_hint++;
    if (first_hint == program->relation_count)
        return STATUS_OK;
    enum status status = note_enforced(v, arena, first_hint);
    for (size_t i = first_hint; i < program->relation_count && status == STATUS_OK; i++) {
        if (program->relations[i].kind != RELATION_HINT)
            continue;
        v->relation = &program->relations[i];
        if (!is_pinned(v, v->relation->outputs[0]))
            status =
                relation_invalid(v, "the hinted tensor '%s' is not determined by other relations",
                                 program->tensors[v->relation->outputs[0]].name);
    }
    v->relation = NULL;
    return status;
}
