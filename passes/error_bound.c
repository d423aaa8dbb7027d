/* Proven errors of sums, products and decisions; see error_bound.h. */
#include "passes/error_bound.h"

#include <math.h>

#include "passes/range.h"

/* ---- numbers that are not rounded down ---- */

/* The next double: what a correctly rounded result may lack. 0 stays, since no product here comes
 * near the least double. */
static double up(double x)
{
    return x == 0 ? 0 : nextafter(x, INFINITY);
}

double bound_add(double a, double b)
{
    return a == 0 || b == 0 ? a + b : up(a + b);
}

double bound_mul(double a, double b)
{
    return a == 0 || b == 0 ? 0 : up(a * b);
}

double bound_div(double a, double b)
{
    return a == 0 ? 0 : up(a / b);
}

double bound_root(double a)
{
    return up(sqrt(a));
}

double bound_of_wide(wide a)
{
    double size = fabs(wide_to_double(a));
    return size < 0x1p53 ? size : up(size);
}

double bound_below(wide a)
{
    double value = wide_to_double(a);
    return fabs(value) < 0x1p53 ? value : nextafter(value, -INFINITY);
}

double bound_scale(double x, int32_t bits)
{
    return ldexp(x, bits);
}

/* ---- bounds ---- */

bool bound_is_proven(const struct error_bound *bound)
{
    return bound->gap == BOUND_PROVEN;
}

bool bound_is_exact(const struct error_bound *bound)
{
    return bound->gap == BOUND_PROVEN && bound->error == 0;
}

void bound_leave(struct error_bound *bound, enum bound_gap gap, uint32_t node)
{
    bound->gap = gap;
    bound->node = node;
    bound->error = INFINITY;
}

void bound_set(struct error_bound *bound, double error)
{
    ASSERT(!(error < 0));
    if (!isfinite(error)) {
        bound_leave(bound, BOUND_OVERFLOW, bound->node);
        return;
    }
    bound->gap = BOUND_PROVEN;
    bound->error = error;
    bound->ideal = bound_add(bound->most, error);
}

void bound_limit(struct error_bound *bound, double most, double ideal)
{
    bound->most = fmin(bound->most, most);
    if (!bound_is_proven(bound))
        return;
    bound->ideal = fmin(bound->ideal, ideal);
    bound->error = fmin(bound->error, bound_add(bound->most, bound->ideal));
}

/* |integer| as the range of the tensor says. */
static double most_of_range(const struct relation_tensor *t)
{
    return fmax(bound_of_wide(t->low), bound_of_wide(t->high));
}

/* A result of at most `most`, ideally `ideal`, with an error, or the gap of the first operand that
 * has one. */
static void give(struct error_bound *bound, const struct relation_tensor *t, double most,
                 double error, double ideal, const struct error_bound *gap, uint32_t node)
{
    *bound = (struct error_bound){
        .least = bound_below(t->low), .most = fmin(most, most_of_range(t)), .node = node};
    if (gap != NULL) {
        bound_leave(bound, gap->gap, gap->node);
        return;
    }
    /* An error beyond float64 is still no more than what both numbers are. */
    bound_set(bound, fmin(error, bound_add(bound->most, ideal)));
    bound_limit(bound, most, ideal);
}

/* ---- relations ---- */

/* Whether a view has an element of its tensor everywhere. */
static bool is_whole(const struct relation *r, const struct relation_view *view)
{
    size_t count = 1;
    for (unsigned d = 0; d < r->space_rank; d++) {
        count *= (size_t)r->space[d];
        if (view->index_list == NULL && (view->low[d] > 0 || view->high[d] < r->space[d]))
            return false;
    }
    for (size_t e = 0; view->index_list != NULL && e < count; e++) {
        if (view->index_list[e] < 0)
            return false;
    }
    return true;
}

/* ---- what integers are at least ---- */

static double down(double x)
{
    return nextafter(x, -INFINITY);
}

/* Numbers between two ends, by what is known of them. */
struct ends {
    double low, high;
};

static struct ends ends_of(const struct error_bound *bounds, const struct relation *r,
                           const struct relation_view *view)
{
    const struct error_bound *x = &bounds[view->tensor];
    struct ends ends = {fmax(x->least, -x->most), x->most};
    if (ends.low > 0 && !is_whole(r, view))
        ends.low = 0;
    return ends;
}

/* Products of ends, with a margin for their rounding; anything where one is beyond float64. */
static struct ends times(struct ends a, struct ends b)
{
    if (!isfinite(a.low) || !isfinite(a.high) || !isfinite(b.low) || !isfinite(b.high))
        return (struct ends){-INFINITY, INFINITY};
    double p[4] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
    struct ends out = {fmin(fmin(p[0], p[1]), fmin(p[2], p[3])),
                       fmax(fmax(p[0], p[1]), fmax(p[2], p[3]))};
    return (struct ends){out.low == 0 ? 0 : down(out.low), out.high == 0 ? 0 : -down(-out.high)};
}

/* A product of two equal factors is no less than 0. */
static struct ends ends_of_term(const struct error_bound *bounds, const struct relation *r,
                                const struct relation_term *term)
{
    double c = wide_to_double(term->coefficient);
    bool is_exact = fabs(c) < 0x1p53;
    struct ends out = {is_exact ? c : down(c), is_exact ? c : -down(-c)};
    for (unsigned f = 0; f < term->factor_count; f++) {
        struct ends x = ends_of(bounds, r, &term->factors[f]);
        if (f + 1 < term->factor_count &&
            range_same_view(r, &term->factors[f], &term->factors[f + 1])) {
            struct ends square = times(x, x);
            double least = x.low > 0 ? down(x.low * x.low) : 0;
            out = times(out, (struct ends){least, square.high});
            f++;
        } else {
            out = times(out, x);
        }
    }
    return out;
}

/* The least that a sum may be. */
static void raise_least(struct error_bound *bounds, const struct relation *r)
{
    struct error_bound *y = &bounds[r->outputs[0]];
    double least = bound_below(r->constant);
    for (size_t t = 0; t < r->term_count; t++) {
        double low = ends_of_term(bounds, r, &r->terms[t]).low;
        least = low == 0 ? least : down(least + low);
    }
    y->least = fmax(y->least, least);
}

/*
 * Terms of a LINEAR or PRODUCT, factor by factor: |P X - p x| <= |P - p| |x| + |P| |X - x|, and
 * <= |P - p| |X| + |p| |X - x|.
 */
static void bound_terms(struct error_bound *bounds, const struct relation_program *program,
                        const struct relation *r)
{
    double most = bound_of_wide(r->constant), ideal = most, error = 0;
    const struct error_bound *gap = NULL;
    for (size_t t = 0; t < r->term_count && r->output_count > 0; t++) {
        const struct relation_term *term = &r->terms[t];
        double size = bound_of_wide(term->coefficient), ideal_size = size, off = 0;
        for (unsigned f = 0; f < term->factor_count; f++) {
            const struct error_bound *x = &bounds[term->factors[f].tensor];
            if (gap == NULL && !bound_is_proven(x))
                gap = x;
            if (gap == NULL)
                off = fmin(bound_add(bound_mul(off, x->ideal), bound_mul(size, x->error)),
                           bound_add(bound_mul(off, x->most), bound_mul(ideal_size, x->error)));
            size = bound_mul(size, x->most);
            ideal_size = gap == NULL ? bound_mul(ideal_size, x->ideal) : 0;
        }
        most = bound_add(most, size);
        ideal = bound_add(ideal, ideal_size);
        error = bound_add(error, off);
    }
    if (r->output_count == 0)
        return;
    give(&bounds[r->outputs[0]], &program->tensors[r->outputs[0]], most, error, ideal, gap,
         r->node);
    raise_least(bounds, r);
}

/* The axes of a contraction along which an operand changes, summed ones last. */
struct walk {
    unsigned rank, summed;
    int64_t size[RELATION_RANK_MAX], stride[RELATION_RANK_MAX], low[RELATION_RANK_MAX],
        high[RELATION_RANK_MAX];
    double repeats; /* of each element in one sum, along the other axes */
    double visits;
};

static struct walk walk_of(const struct relation *r, const struct relation_view *view)
{
    struct walk w = {.repeats = 1, .visits = 1};
    for (unsigned d = 0; d < r->space_rank; d++) {
        bool is_summed = d + r->contract_rank >= r->space_rank;
        if (view->stride[d] == 0) {
            w.repeats *= is_summed ? (double)r->space[d] : 1;
            continue;
        }
        w.size[w.rank] = r->space[d];
        w.stride[w.rank] = view->stride[d];
        w.low[w.rank] = view->low[d];
        w.high[w.rank++] = view->high[d];
        w.summed += is_summed;
        w.visits *= (double)r->space[d];
    }
    return w;
}

/* Sum of |element| over the axes from d on. */
static double sum_from(const struct walk *w, const wide *known, unsigned d, int64_t at)
{
    if (d == w->rank)
        return bound_of_wide(known[at]);
    double sum = 0;
    for (int64_t i = w->low[d] > 0 ? w->low[d] : 0; i < w->size[d] && i < w->high[d]; i++)
        sum = bound_add(sum, sum_from(w, known, d + 1, at + i * w->stride[d]));
    return sum;
}

/* The largest such sum over the axes that are not summed. */
static double largest_from(const struct walk *w, const wide *known, unsigned d, int64_t at)
{
    if (d + w->summed == w->rank)
        return sum_from(w, known, d, at);
    double largest = 0;
    for (int64_t i = w->low[d] > 0 ? w->low[d] : 0; i < w->size[d] && i < w->high[d]; i++)
        largest = fmax(largest, largest_from(w, known, d + 1, at + i * w->stride[d]));
    return largest;
}

/* Bound of sum |element| over the summed axes, for each output. */
static double sum_of_sizes(const struct error_bound *x, const struct relation *r,
                           const struct relation_view *view)
{
    static const double visits_most = 0x1p26;
    double terms = 1;
    for (unsigned d = 0; d < r->space_rank; d++)
        terms *= d + r->contract_rank >= r->space_rank ? (double)r->space[d] : 1;
    struct walk w = walk_of(r, view);
    if (x->known == NULL || view->index_list != NULL || w.visits > visits_most)
        return bound_mul(terms, x->most);
    return bound_mul(w.repeats, largest_from(&w, x->known, 0, view->offset));
}

static void bound_contract(struct error_bound *bounds, const struct relation_program *program,
                           const struct relation *r)
{
    const struct error_bound *a = &bounds[r->views[0].tensor], *b = &bounds[r->views[1].tensor],
                             *gap = NULL;
    double terms = 1;
    for (unsigned d = r->space_rank - r->contract_rank; d < r->space_rank; d++)
        terms *= (double)r->space[d];
    if (!bound_is_proven(a) || !bound_is_proven(b))
        gap = bound_is_proven(a) ? b : a;
    double sum_a = sum_of_sizes(a, r, &r->views[0]), sum_b = sum_of_sizes(b, r, &r->views[1]);
    double most = fmin(bound_mul(sum_a, b->most), bound_mul(sum_b, a->most)), error = 0, ideal = 0;
    if (gap == NULL) {
        /* sum |A B - a b| <= sum |B| |A - a| + |a| |B - b|, and the other way round */
        error = fmin(
            bound_add(bound_mul(sum_b, a->error), bound_mul(terms, bound_mul(a->ideal, b->error))),
            bound_add(bound_mul(sum_a, b->error), bound_mul(terms, bound_mul(b->ideal, a->error))));
        ideal = fmin(bound_mul(bound_add(sum_b, bound_mul(terms, b->error)), a->ideal),
                     bound_mul(bound_add(sum_a, bound_mul(terms, a->error)), b->ideal));
    }
    give(&bounds[r->outputs[0]], &program->tensors[r->outputs[0]], most, error, ideal, gap,
         r->node);
    if (range_same_view(r, &r->views[0], &r->views[1]))
        bounds[r->outputs[0]].least = fmax(bounds[r->outputs[0]].least, 0);
}

/* The first view, or memory, that is not exact; NULL when all are. */
static const struct error_bound *inexact_operand(const struct error_bound *bounds,
                                                 const struct relation *r)
{
    for (unsigned v = 0; v < r->view_count; v++) {
        if (!bound_is_exact(&bounds[r->views[v].tensor]))
            return &bounds[r->views[v].tensor];
    }
    return NULL;
}

/* What a function of integers, not of numbers, gives: exact for exact operands, but for what a
 * memory that it reads is off. */
static void bound_decision(struct error_bound *bounds, const struct relation_program *program,
                           const struct relation *r, const struct error_bound *memory)
{
    const struct error_bound *gap = inexact_operand(bounds, r);
    struct error_bound decision = {.gap = BOUND_DECISION, .node = r->node};
    if (gap == NULL && memory != NULL && !bound_is_proven(memory))
        gap = memory;
    if (gap != NULL && bound_is_proven(gap))
        gap = &decision;
    for (unsigned k = 0; k < r->output_count; k++)
        give(&bounds[r->outputs[k]], &program->tensors[r->outputs[k]],
             memory == NULL ? INFINITY : memory->most, memory == NULL ? 0 : memory->error,
             memory == NULL ? INFINITY : memory->ideal, gap, r->node);
}

void bound_relation(struct error_bound *bounds, const struct relation_program *program,
                    const struct relation *r)
{
    switch (r->kind) {
    case RELATION_LINEAR:
    case RELATION_PRODUCT:
        bound_terms(bounds, program, r);
        break;
    case RELATION_CONTRACT:
        bound_contract(bounds, program, r);
        break;
    case RELATION_READ:
        bound_decision(bounds, program, r, &bounds[r->memory]);
        break;
    case RELATION_IS_ZERO:
    case RELATION_RESCALE:
    case RELATION_TABLE:
    case RELATION_PERMUTE:
    case RELATION_HINT:
    case RELATION_DIGEST:
        bound_decision(bounds, program, r, NULL);
        break;
    case RELATION_RANGE:
        break;
    }
}
