/* Interval arithmetic on relations; see range.h. */
#include "passes/range.h"

#include <stdlib.h>
#include <string.h>

static wide wide_min(wide a, wide b)
{
    return wide_compare(a, b) <= 0 ? a : b;
}

static wide wide_max(wide a, wide b)
{
    return wide_compare(a, b) >= 0 ? a : b;
}

struct range range_make(wide low, wide high)
{
    ASSERT(wide_compare(low, high) <= 0);
    return (struct range){low, high};
}

struct range range_of_i64(int64_t low, int64_t high)
{
    return range_make(wide_from_i64(low), wide_from_i64(high));
}

struct range range_hull(struct range a, struct range b)
{
    return (struct range){wide_min(a.low, b.low), wide_max(a.high, b.high)};
}

bool range_contains(struct range outer, struct range inner)
{
    return wide_compare(outer.low, inner.low) <= 0 && wide_compare(inner.high, outer.high) <= 0;
}

bool range_add(struct range *out, struct range a, struct range b)
{
    struct range sum;
    if (!wide_add(&sum.low, a.low, b.low) || !wide_add(&sum.high, a.high, b.high))
        return false;
    *out = sum;
    return true;
}

bool range_scale(struct range *out, struct range a, wide coefficient)
{
    wide x, y;
    if (!wide_mul(&x, a.low, coefficient) || !wide_mul(&y, a.high, coefficient))
        return false;
    *out = (struct range){wide_min(x, y), wide_max(x, y)};
    return true;
}

bool range_product(struct range *out, struct range a, struct range b)
{
    struct range x, y;
    if (!range_scale(&x, a, b.low) || !range_scale(&y, a, b.high))
        return false;
    *out = range_hull(x, y);
    return true;
}

static wide floor_quotient(wide a, wide d)
{
    wide quotient, rest;
    wide_divide_floor(&quotient, &rest, a, d);
    return quotient;
}

struct range range_divide_floor(struct range a, struct range d)
{
    struct range small = {floor_quotient(a.low, d.low), floor_quotient(a.high, d.low)};
    struct range large = {floor_quotient(a.low, d.high), floor_quotient(a.high, d.high)};
    return range_hull(small, large);
}

unsigned range_bits(struct range a)
{
    unsigned bits = wide_is_negative(a.high) ? 0 : wide_bit_length(a.high);
    if (wide_is_negative(a.low)) {
        wide below;
        ASSERT(wide_add(&below, a.low, wide_from_i64(1)));
        unsigned negative = wide_bit_length(below);
        bits = negative > bits ? negative : bits;
    }
    return bits;
}

struct range range_round_up(struct range a)
{
    unsigned bits = range_bits(a);
    struct range out = {wide_from_i64(0), wide_from_i64(0)};
    wide power = wide_power_of_two(bits);
    ASSERT(wide_sub(&out.high, power, wide_from_i64(1)));
    if (wide_is_negative(a.low))
        ASSERT(wide_neg(&out.low, power));
    return out;
}

/* ---- relations ---- */

static size_t space_count(const struct relation *relation)
{
    size_t count = 1;
    for (unsigned d = 0; d < relation->space_rank; d++)
        count *= (size_t)relation->space[d];
    return count;
}

static bool view_may_be_zero(const struct relation *relation, const struct relation_view *view)
{
    if (view->index_list == NULL) {
        for (unsigned d = 0; d < relation->space_rank; d++) {
            if (view->low[d] > 0 || view->high[d] < relation->space[d])
                return true;
        }
        return false;
    }
    size_t count = space_count(relation);
    for (size_t p = 0; p < count; p++) {
        if (view->index_list[p] < 0)
            return true;
    }
    return false;
}

struct range range_of_view(const struct relation_program *program, const struct relation *relation,
                           const struct relation_view *view)
{
    const struct relation_tensor *tensor = &program->tensors[view->tensor];
    struct range range = {tensor->low, tensor->high};
    return view_may_be_zero(relation, view) ? range_hull(range, range_of_i64(0, 0)) : range;
}

bool range_same_view(const struct relation *relation, const struct relation_view *a,
                     const struct relation_view *b)
{
    if (a->tensor != b->tensor || a->offset != b->offset ||
        (a->index_list == NULL) != (b->index_list == NULL))
        return false;
    if (a->index_list != NULL)
        return a->index_list == b->index_list ||
               memcmp(a->index_list, b->index_list,
                      space_count(relation) * sizeof *a->index_list) == 0;
    for (unsigned d = 0; d < relation->space_rank; d++) {
        if (a->stride[d] != b->stride[d] || a->low[d] != b->low[d] || a->high[d] != b->high[d])
            return false;
    }
    return true;
}

/* A monomial: which views it multiplies, with multiplicity, in the order they stand. */
struct monomial {
    wide coefficient;
    const struct relation_view *factors[RELATION_FACTOR_MAX];
    unsigned count;
};

static bool same_monomial(const struct relation *relation, const struct monomial *a,
                          const struct monomial *b)
{
    bool used[RELATION_FACTOR_MAX] = {false};
    if (a->count != b->count)
        return false;
    for (unsigned i = 0; i < a->count; i++) {
        unsigned j = 0;
        while (j < b->count &&
               (used[j] || !range_same_view(relation, a->factors[i], b->factors[j])))
            j++;
        if (j == b->count)
            return false;
        used[j] = true;
    }
    return true;
}

/* Adds like terms up; false when a coefficient leaves 256 bits. */
static bool add_monomial(const struct relation *relation, struct monomial *list, size_t *count,
                         const struct monomial *term)
{
    for (size_t i = 0; i < *count; i++) {
        if (same_monomial(relation, &list[i], term))
            return wide_add(&list[i].coefficient, list[i].coefficient, term->coefficient);
    }
    list[(*count)++] = *term;
    return true;
}

/*
 * What putting a bit to a value says of another view: b = floor((x + 2^k) / 2^k) in 0..1 is 1
 * exactly when x >= 0.
 */
struct condition {
    const struct relation_view *bit; /* NULL: nothing is known */
    uint32_t compared;               /* x, viewed as the bit is */
    bool is_one;
    int64_t one; /* what the bit is when it is not 0: 1 or -1 */
};

static bool same_geometry(const struct relation *relation, const struct relation_view *a,
                          const struct relation_view *b)
{
    struct relation_view renamed = *b;
    renamed.tensor = a->tensor;
    return range_same_view(relation, a, &renamed);
}

static struct range conditional_range(const struct relation_program *program,
                                      const struct relation *relation,
                                      const struct relation_view *view,
                                      const struct condition *condition)
{
    struct range range = range_of_view(program, relation, view);
    /* Outside its box a view gives 0 and says nothing. */
    if (condition->bit == NULL || view->tensor != condition->compared ||
        !same_geometry(relation, condition->bit, view) || view_may_be_zero(relation, view))
        return range;
    wide zero = wide_from_i64(0), minus = wide_from_i64(-1);
    if (condition->is_one && wide_compare(range.low, zero) < 0 &&
        wide_compare(range.high, zero) >= 0)
        range.low = zero;
    if (!condition->is_one && wide_compare(range.high, minus) > 0 &&
        wide_compare(range.low, minus) <= 0)
        range.high = minus;
    return range;
}

/* Range of a product of views; a view that stands twice is a square, which is not negative. */
static bool monomial_range(const struct relation_program *program, const struct relation *relation,
                           const struct monomial *term, const struct condition *condition,
                           struct range *out)
{
    struct range range = range_of_i64(1, 1);
    bool done[RELATION_FACTOR_MAX] = {false};
    for (unsigned i = 0; i < term->count; i++) {
        if (done[i])
            continue;
        struct range factor = conditional_range(program, relation, term->factors[i], condition);
        unsigned j = i + 1;
        while (j < term->count &&
               (done[j] || !range_same_view(relation, term->factors[i], term->factors[j])))
            j++;
        if (j < term->count) {
            done[j] = true;
            struct range square;
            if (!range_product(&square, factor, factor))
                return false;
            square.low = wide_max(square.low, wide_from_i64(0));
            factor = square;
        }
        if (!range_product(&range, range, factor))
            return false;
    }
    return range_scale(out, range, term->coefficient);
}

static bool polynomial_range(const struct relation_program *program,
                             const struct relation *relation, const struct monomial *list,
                             size_t count, const struct condition *condition, struct range *out)
{
    struct range sum = range_make(relation->constant, relation->constant);
    for (size_t i = 0; i < count; i++) {
        struct range term;
        if (!monomial_range(program, relation, &list[i], condition, &term) ||
            !range_add(&sum, sum, term))
            return false;
    }
    *out = sum;
    return true;
}

/* The relation's polynomial: products that were split into tensors of their own are multiplied out,
 * and so are sums of two that a bit chooses from. */
struct polynomial {
    struct monomial *terms;
    size_t count;
};

/* The polynomial with the condition's bit put in; like terms are added up first. */
static bool substituted_range(const struct relation_program *program,
                              const struct relation *relation, const struct polynomial *polynomial,
                              const struct condition *condition, struct monomial *list,
                              struct range *out)
{
    size_t count = 0;
    for (size_t t = 0; t < polynomial->count; t++) {
        struct monomial term = {.coefficient = polynomial->terms[t].coefficient};
        bool vanishes = false;
        for (unsigned f = 0; f < polynomial->terms[t].count; f++) {
            const struct relation_view *factor = polynomial->terms[t].factors[f];
            if (condition->bit != NULL && range_same_view(relation, condition->bit, factor)) {
                vanishes |= !condition->is_one;
                if (!wide_mul(&term.coefficient, term.coefficient, wide_from_i64(condition->one)))
                    return false;
            } else
                term.factors[term.count++] = factor;
        }
        if (!vanishes && !add_monomial(relation, list, &count, &term))
            return false;
    }
    return polynomial_range(program, relation, list, count, condition, out);
}

/* 1 for values of 0 and 1, -1 for -1 and 0, else 0. */
static int64_t bit_of(const struct relation_program *program, const struct relation_view *view)
{
    const struct relation_tensor *tensor = &program->tensors[view->tensor];
    struct range range = {tensor->low, tensor->high};
    return range_contains(range_of_i64(0, 1), range)    ? 1
           : range_contains(range_of_i64(-1, 0), range) ? -1
                                                        : 0;
}

/* The last relation before `before` that computes a tensor, NULL when there is none. */
static const struct relation *producer_before(const struct relation_program *program,
                                              uint32_t tensor, size_t before)
{
    for (size_t i = before; i-- > 0;) {
        const struct relation *relation = &program->relations[i];
        for (unsigned k = 0; k < relation->output_count; k++) {
            if (relation->outputs[k] == tensor)
                return relation;
        }
    }
    return NULL;
}

static bool is_whole(const struct relation_program *program, const struct relation *relation,
                     const struct relation_view *view)
{
    const struct relation_tensor *tensor = &program->tensors[view->tensor];
    if (tensor->rank != relation->space_rank ||
        memcmp(tensor->shape, relation->space, tensor->rank * sizeof *tensor->shape) != 0)
        return false;
    struct relation_view whole =
        relation_view_whole(program, view->tensor, relation->space_rank, relation->space);
    return range_same_view(relation, &whole, view);
}

/* x when bit is the sign of x as lowering writes it, RELATION_NONE otherwise. */
static uint32_t compared_tensor(const struct relation_program *program, uint32_t bit, size_t before)
{
    const struct relation *rescale = producer_before(program, bit, before);
    if (rescale == NULL || rescale->kind != RELATION_RESCALE || rescale->divisor_is_view ||
        rescale->rounding != ROUND_FLOOR || rescale->outputs[0] != bit ||
        !is_whole(program, rescale, &rescale->views[0]))
        return RELATION_NONE;
    const struct relation *linear =
        producer_before(program, rescale->views[0].tensor, (size_t)(rescale - program->relations));
    if (linear == NULL || linear->kind != RELATION_LINEAR || linear->term_count != 1 ||
        wide_compare(linear->constant, rescale->divisor) != 0 ||
        wide_compare(linear->terms[0].coefficient, wide_from_i64(1)) != 0 ||
        !is_whole(program, linear, &linear->terms[0].factors[0]))
        return RELATION_NONE;
    return linear->terms[0].factors[0].tensor;
}

/* The product that a factor stands for: one term, no more, over the space of the relation that uses
 * it; NULL when the factor is something else. */
static const struct relation_term *split_product(const struct relation_program *program,
                                                 const struct relation *relation,
                                                 const struct relation_view *factor, size_t before)
{
    const struct relation *product = producer_before(program, factor->tensor, before);
    bool is_product =
        product != NULL && product->kind == RELATION_PRODUCT && product->term_count == 1 &&
        wide_is_zero(product->constant) && product->space_rank == relation->space_rank &&
        memcmp(product->space, relation->space, relation->space_rank * sizeof *relation->space) ==
            0;
    return is_product && is_whole(program, relation, factor) ? &product->terms[0] : NULL;
}

/* Multiplies the first factor out that can be; false when none can, or not within four factors. */
static bool expand_monomial(const struct relation_program *program, const struct relation *relation,
                            struct monomial *term, size_t before)
{
    for (unsigned f = 0; f < term->count; f++) {
        const struct relation_term *product =
            split_product(program, relation, term->factors[f], before);
        wide coefficient;
        if (product == NULL || term->count - 1 + product->factor_count > RELATION_FACTOR_MAX ||
            !wide_mul(&coefficient, term->coefficient, product->coefficient))
            continue;
        term->coefficient = coefficient;
        term->factors[f] = &product->factors[0];
        for (unsigned k = 1; k < product->factor_count; k++)
            term->factors[term->count++] = &product->factors[k];
        return true;
    }
    return false;
}

/* The sum of two that a factor stands for, NULL when it is something else. */
static const struct relation *split_sum(const struct relation_program *program,
                                        const struct relation *relation,
                                        const struct relation_view *factor, size_t before)
{
    const struct relation *sum = producer_before(program, factor->tensor, before);
    bool is_sum =
        sum != NULL && sum->kind == RELATION_LINEAR && sum->term_count == 2 &&
        wide_is_zero(sum->constant) && sum->space_rank == relation->space_rank &&
        memcmp(sum->space, relation->space, relation->space_rank * sizeof *relation->space) == 0;
    return is_sum && is_whole(program, relation, factor) ? sum : NULL;
}

/* A bit times a sum of two becomes two monomials: y (b - a) + b is b or a. */
static void expand_sums(struct polynomial *polynomial, const struct relation_program *program,
                        const struct relation *relation, size_t before)
{
    for (size_t t = 0, count = polynomial->count; t < count; t++) {
        struct monomial *term = &polynomial->terms[t], second = *term;
        if (term->count != 2)
            continue;
        unsigned f = bit_of(program, term->factors[0]) != 0 ? 1 : 0;
        const struct relation *sum = split_sum(program, relation, term->factors[f], before);
        wide first;
        if (bit_of(program, term->factors[1 - f]) == 0 || sum == NULL ||
            !wide_mul(&first, term->coefficient, sum->terms[0].coefficient) ||
            !wide_mul(&second.coefficient, term->coefficient, sum->terms[1].coefficient))
            continue;
        term->coefficient = first;
        term->factors[f] = &sum->terms[0].factors[0];
        second.factors[f] = &sum->terms[1].factors[0];
        polynomial->terms[polynomial->count++] = second;
    }
}

static bool read_polynomial(struct polynomial *out, const struct relation_program *program,
                            const struct relation *relation, size_t before)
{
    enum { EXPANSIONS_MAX = 64 };
    out->count = relation->term_count;
    out->terms = calloc(2 * out->count + 1, sizeof *out->terms);
    for (size_t t = 0; out->terms != NULL && t < out->count; t++) {
        const struct relation_term *term = &relation->terms[t];
        struct monomial *monomial = &out->terms[t];
        monomial->coefficient = term->coefficient;
        for (unsigned f = 0; f < term->factor_count; f++)
            monomial->factors[monomial->count++] = &term->factors[f];
        /* What place_prepare split is put together again here, however many parts it has. */
        for (unsigned k = 0; k < EXPANSIONS_MAX; k++)
            if (!expand_monomial(program, relation, monomial, before))
                break;
    }
    return out->terms != NULL;
}

/*
 * Plain interval arithmetic, and again with each bit of the first term put to 0 and to 1: b x + y -
 * b y is then x or y, and b x is not negative when b is the sign of x. Every such bound holds, so
 * the best does.
 */
static bool best_range(const struct relation_program *program, const struct relation *relation,
                       const struct polynomial *polynomial, size_t before, struct monomial *list,
                       struct range *out)
{
    struct range best = range_of_i64(0, 0), zero, one;
    bool found =
        substituted_range(program, relation, polynomial, &(struct condition){0}, list, &best);
    for (unsigned f = 0; polynomial->count > 0 && f < polynomial->terms[0].count; f++) {
        const struct relation_view *bit = polynomial->terms[0].factors[f];
        int64_t value = bit_of(program, bit);
        if (value == 0)
            continue;
        uint32_t compared =
            value > 0 ? compared_tensor(program, bit->tensor, before) : RELATION_NONE;
        if (!substituted_range(program, relation, polynomial,
                               &(struct condition){bit, compared, false, value}, list, &zero) ||
            !substituted_range(program, relation, polynomial,
                               &(struct condition){bit, compared, true, value}, list, &one))
            continue;
        struct range hull = range_hull(zero, one);
        struct range both = {wide_max(best.low, hull.low), wide_min(best.high, hull.high)};
        /* Bounds that exclude each other come of ranges that do not hold. */
        if (found && wide_compare(both.low, both.high) > 0)
            continue;
        best = found ? both : hull;
        found = true;
    }
    *out = best;
    return found;
}

/* *range becomes what it has in common with other, or stays when that is nothing: ranges that do
 * not hold exclude each other. */
static void range_narrow(struct range *range, struct range other)
{
    struct range both = {wide_max(range->low, other.low), wide_min(range->high, other.high)};
    if (wide_compare(both.low, both.high) <= 0)
        *range = both;
}

/* By the factors as they are, and by the sums they stand for: both bounds hold. */
static bool product_range(const struct relation_program *program, const struct relation *relation,
                          struct range *out)
{
    bool is_stored =
        relation >= program->relations && relation < program->relations + program->relation_count;
    size_t before = is_stored ? (size_t)(relation - program->relations) : program->relation_count;
    struct polynomial polynomial;
    struct monomial *list = calloc(2 * relation->term_count + 1, sizeof *list);
    bool found = list != NULL && read_polynomial(&polynomial, program, relation, before);
    if (found) {
        size_t count = polynomial.count;
        struct range by_sums;
        found = best_range(program, relation, &polynomial, before, list, out);
        expand_sums(&polynomial, program, relation, before);
        if (polynomial.count > count &&
            best_range(program, relation, &polynomial, before, list, &by_sums)) {
            if (found)
                range_narrow(out, by_sums);
            else
                *out = by_sums;
            found = true;
        }
        free(polynomial.terms);
    }
    free(list);
    return found;
}

/* Position by position, adding the ranges of the terms that are there: elements put together from
 * several tensors. */
static bool pieced_range(const struct relation_program *program, const struct relation *relation,
                         struct range *out)
{
    struct range *terms = calloc(relation->term_count, sizeof *terms);
    bool fits = terms != NULL;
    for (size_t t = 0; t < relation->term_count && fits; t++) {
        const struct relation_tensor *tensor =
            &program->tensors[relation->terms[t].factors[0].tensor];
        fits = range_scale(&terms[t], (struct range){tensor->low, tensor->high},
                           relation->terms[t].coefficient);
    }
    size_t count = space_count(relation);
    for (size_t p = 0; p < count && fits; p++) {
        struct range sum = range_make(relation->constant, relation->constant);
        for (size_t t = 0; t < relation->term_count && fits; t++) {
            if (relation_view_element(&relation->terms[t].factors[0], relation->space_rank,
                                      relation->space, p) >= 0)
                fits = range_add(&sum, sum, terms[t]);
        }
        *out = p == 0 ? sum : range_hull(*out, sum);
    }
    free(terms);
    return fits && count > 0;
}

static bool linear_range(const struct relation_program *program, const struct relation *relation,
                         struct range *out)
{
    for (size_t t = 0; t < relation->term_count; t++) {
        if (view_may_be_zero(relation, &relation->terms[t].factors[0]))
            return pieced_range(program, relation, out);
    }
    struct range sum = range_make(relation->constant, relation->constant);
    for (size_t t = 0; t < relation->term_count; t++) {
        struct range term = range_of_view(program, relation, &relation->terms[t].factors[0]);
        if (!range_scale(&term, term, relation->terms[t].coefficient) ||
            !range_add(&sum, sum, term))
            return false;
    }
    *out = sum;
    return true;
}

static bool contract_range(const struct relation_program *program, const struct relation *relation,
                           struct range *out)
{
    int64_t inner = 1;
    for (unsigned d = relation->space_rank - relation->contract_rank; d < relation->space_rank; d++)
        inner *= relation->space[d];
    struct range a = range_of_view(program, relation, &relation->views[0]),
                 b = range_of_view(program, relation, &relation->views[1]);
    struct range product;
    if (!range_product(&product, a, b))
        return false;
    if (range_same_view(relation, &relation->views[0], &relation->views[1]))
        product.low = wide_max(product.low, wide_from_i64(0));
    return range_scale(out, product, wide_from_i64(inner));
}

static bool rescale_range(const struct relation_program *program, const struct relation *relation,
                          unsigned k, struct range *out)
{
    struct range d = range_make(relation->divisor, relation->divisor);
    if (relation->divisor_is_view)
        d = range_of_view(program, relation, &relation->views[1]);
    if (wide_is_negative(d.low) || wide_is_zero(d.low))
        return false;
    if (k == 1) {
        *out = range_of_i64(0, 0);
        return wide_sub(&out->high, d.high, wide_from_i64(1));
    }
    struct range x = range_of_view(program, relation, &relation->views[0]);
    if (relation->rounding == ROUND_HALF_UP) {
        struct range half = {wide_shift_right(d.low, 1), wide_shift_right(d.high, 1)};
        if (!range_add(&x, x, half))
            return false;
    }
    *out = range_divide_floor(x, d);
    return true;
}

static struct range table_range(const struct relation_table *table, unsigned k)
{
    int64_t low, high;
    relation_table_ends(table, k, &low, &high);
    return range_of_i64(low, high);
}

bool range_of_output(const struct relation_program *program, const struct relation *relation,
                     unsigned k, struct range *out)
{
    switch (relation->kind) {
    case RELATION_LINEAR:
        return linear_range(program, relation, out);
    case RELATION_CONTRACT:
        return contract_range(program, relation, out);
    case RELATION_PRODUCT:
        return product_range(program, relation, out);
    case RELATION_IS_ZERO:
        *out = range_of_i64(0, 1);
        return true;
    case RELATION_RESCALE:
        return rescale_range(program, relation, k, out);
    case RELATION_TABLE:
        *out = table_range(&program->tables[relation->table], k);
        return true;
    case RELATION_READ:
        *out = (struct range){program->tensors[relation->memory].low,
                              program->tensors[relation->memory].high};
        return true;
    case RELATION_RANGE:
    case RELATION_PERMUTE:
    case RELATION_HINT:
    case RELATION_DIGEST:
        break;
    }
    return false;
}
