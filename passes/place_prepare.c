/*
 * Rewrites a relation program into the form place_circuit takes; see place.h. Reads and writes
 * programs only: no rows here.
 */
#include <string.h>

#include "passes/place.h"
#include "passes/place_internal.h"
#include "passes/range.h"

struct prepare {
    struct relation_program *program;
    struct relation *old;
    size_t old_count;
    struct diag *diag;
    enum status status;
};

static void fail(struct prepare *prepare, const char *what)
{
    if (prepare->status == STATUS_OK)
        prepare->status = diag_set(prepare->diag, STATUS_LIMIT, "%s leaves 256 bits", what);
}

struct interval {
    wide low, high;
};

/* A view may read zero outside its box, so its interval includes zero when it has one. */
static struct interval view_interval(const struct prepare *prepare,
                                     const struct relation_view *view)
{
    const struct relation_tensor *tensor = &prepare->program->tensors[view->tensor];
    struct interval result = {tensor->low, tensor->high};
    wide zero = wide_from_i64(0);
    if (wide_compare(zero, result.low) < 0)
        result.low = zero;
    if (wide_compare(zero, result.high) > 0)
        result.high = zero;
    return result;
}

/* New witness tensor in the relation's own index space. */
static uint32_t new_tensor(struct prepare *prepare, const struct relation *relation,
                           struct interval range)
{
    struct relation_tensor tensor = {.name = "prepared",
                                     .rank = relation->space_rank,
                                     .count = 1,
                                     .role = ROLE_WITNESS,
                                     .encoding = ENCODING_INTEGER,
                                     .scale = {1, 1, 0},
                                     .low = range.low,
                                     .high = range.high};
    for (unsigned d = 0; d < relation->space_rank; d++) {
        tensor.shape[d] = relation->space[d];
        tensor.count *= (size_t)relation->space[d];
    }
    return relation_add_tensor(prepare->program, &tensor);
}

static struct relation_view whole(const struct prepare *prepare, uint32_t tensor,
                                  const struct relation *relation)
{
    return relation_view_whole(prepare->program, tensor, relation->space_rank, relation->space);
}

/* ---- products ---- */

static bool is_variable(const struct prepare *prepare, const struct relation_view *view)
{
    return prepare->program->tensors[view->tensor].role != ROLE_CONSTANT;
}

/* The two variable factors to join: equal ones, whose product is known not to be negative, else the
 * first. */
static void choose_factors(const struct prepare *prepare, const struct relation *relation,
                           const struct relation_term *term, unsigned at[2])
{
    unsigned found = 0;
    for (unsigned i = 0; i < term->factor_count; i++) {
        if (!is_variable(prepare, &term->factors[i]))
            continue;
        if (found < 2)
            at[found++] = i;
        for (unsigned j = i + 1; j < term->factor_count; j++) {
            if (range_same_view(relation, &term->factors[i], &term->factors[j])) {
                at[0] = i;
                at[1] = j;
                return;
            }
        }
    }
}

/* Replaces two variable factors of a term by one new tensor. */
static void join_factors(struct prepare *prepare, const struct relation *relation,
                         struct relation_term *term)
{
    unsigned at[2] = {0, 0};
    choose_factors(prepare, relation, term, at);
    struct relation_view a = term->factors[at[0]], b = term->factors[at[1]];
    struct relation product = {.kind = RELATION_PRODUCT,
                               .node = relation->node,
                               .space_rank = relation->space_rank,
                               .output_count = 1,
                               .term_count = 1};
    memcpy(product.space, relation->space, sizeof product.space);
    struct relation_term joined = {
        .coefficient = wide_from_i64(1), .factor_count = 2, .factors = {a, b}};
    product.terms = &joined;
    struct range range;
    if (!range_of_output(prepare->program, &product, 0, &range)) {
        fail(prepare, "a product");
        return;
    }
    product.outputs[0] = new_tensor(prepare, relation, (struct interval){range.low, range.high});
    relation_add(prepare->program, &product);
    term->factors[at[0]] = whole(prepare, product.outputs[0], relation);
    memmove(&term->factors[at[1]], &term->factors[at[1] + 1],
            (size_t)(term->factor_count - at[1] - 1) * sizeof a);
    term->factor_count--;
}

static void prepare_product(struct prepare *prepare, struct relation relation)
{
    struct relation_term *terms =
        arena_array(prepare->program->arena, struct relation_term, relation.term_count + 1);
    if (terms == NULL) {
        prepare->status = diag_set(prepare->diag, STATUS_NO_MEMORY,
                                   "no memory for a product of %zu terms", relation.term_count);
        return;
    }
    if (relation.term_count > 0)
        memcpy(terms, relation.terms, relation.term_count * sizeof *terms);
    relation.terms = terms;
    int64_t shared_sign = 0;
    for (size_t m = 0; m < relation.term_count && prepare->status == STATUS_OK; m++) {
        struct relation_term *term = &terms[m];
        for (;;) {
            unsigned variables = 0;
            for (unsigned f = 0; f < term->factor_count; f++)
                variables += is_variable(prepare, &term->factors[f]) ? 1 : 0;
            if (variables < 2)
                break;
            int64_t sign = 0;
            bool is_unit = wide_to_i64(&sign, term->coefficient) && (sign == 1 || sign == -1);
            bool keeps = variables == 2 && term->factor_count == 2 && is_unit &&
                         (shared_sign == 0 || sign == shared_sign);
            if (keeps) {
                shared_sign = sign;
                break;
            }
            join_factors(prepare, &relation, term);
        }
    }
    relation_add(prepare->program, &relation);
}

/* ---- ranges ---- */

static bool is_power_of_two(wide value)
{
    unsigned bits = wide_bit_length(value);
    return bits > 0 && wide_compare(value, wide_power_of_two(bits - 1)) == 0;
}

static void add_range(struct prepare *prepare, const struct relation *like,
                      struct relation_view view, wide low, wide high)
{
    struct relation range = {.kind = RELATION_RANGE,
                             .node = like->node,
                             .space_rank = like->space_rank,
                             .view_count = 1,
                             .low = low,
                             .high = high};
    memcpy(range.space, like->space, sizeof range.space);
    range.views[0] = view;
    relation_add(prepare->program, &range);
}

/* low <= x <= high as 0 <= x - low < 2^k and 0 <= high - x < 2^k when the size is no power of two.
 */
static void prepare_range(struct prepare *prepare, const struct relation *relation)
{
    wide size;
    if (!wide_sub(&size, relation->high, relation->low) ||
        !wide_add(&size, size, wide_from_i64(1))) {
        fail(prepare, "a range");
        return;
    }
    int64_t small;
    if (is_power_of_two(size) || (wide_to_i64(&small, size) && small <= PLACE_RANGE_TABLE_MAX)) {
        relation_add(prepare->program, relation);
        return;
    }
    wide span = wide_power_of_two(wide_bit_length(size)), last;
    bool fits = wide_add(&last, relation->low, span) && wide_sub(&last, last, wide_from_i64(1));
    struct interval x = view_interval(prepare, &relation->views[0]), gap;
    fits = fits && wide_sub(&gap.low, relation->high, x.high) &&
           wide_sub(&gap.high, relation->high, x.low);
    if (!fits) {
        fail(prepare, "a range");
        return;
    }
    add_range(prepare, relation, relation->views[0], relation->low, last);
    struct relation_term minus = {
        .coefficient = wide_from_i64(-1), .factor_count = 1, .factors = {relation->views[0]}};
    struct relation linear = {.kind = RELATION_LINEAR,
                              .node = relation->node,
                              .space_rank = relation->space_rank,
                              .output_count = 1,
                              .terms = &minus,
                              .term_count = 1,
                              .constant = relation->high};
    memcpy(linear.space, relation->space, sizeof linear.space);
    linear.outputs[0] = new_tensor(prepare, relation, gap);
    relation_add(prepare->program, &linear);
    struct interval above = {wide_from_i64(0), wide_from_i64(0)};
    if (!wide_sub(&above.high, span, wide_from_i64(1)))
        fail(prepare, "a range");
    add_range(prepare, relation, whole(prepare, linear.outputs[0], relation), above.low,
              above.high);
}

/* ---- rescale ---- */

static void prepare_rescale(struct prepare *prepare, const struct relation *relation)
{
    relation_add(prepare->program, relation);
    struct relation_view r = whole(prepare, relation->outputs[1], relation);
    if (!relation->divisor_is_view) {
        if (is_power_of_two(relation->divisor))
            return;
        struct relation range = {.kind = RELATION_RANGE,
                                 .node = relation->node,
                                 .space_rank = relation->space_rank,
                                 .view_count = 1};
        memcpy(range.space, relation->space, sizeof range.space);
        range.views[0] = r;
        if (!wide_sub(&range.high, relation->divisor, wide_from_i64(1)))
            fail(prepare, "a divisor");
        prepare_range(prepare, &range);
        return;
    }
    /* 0 <= r < 2^k and 0 <= d - 1 - r < 2^k with 2^k above the largest divisor. */
    wide top = wide_power_of_two(
             wide_bit_length(prepare->program->tensors[relation->views[1].tensor].high)),
         last, minus;
    if (!wide_sub(&last, top, wide_from_i64(1)) || !wide_neg(&minus, top)) {
        fail(prepare, "a divisor");
        return;
    }
    add_range(prepare, relation, r, wide_from_i64(0), last);
    struct relation_term terms[2] = {
        {.coefficient = wide_from_i64(1), .factor_count = 1, .factors = {relation->views[1]}},
        {.coefficient = wide_from_i64(-1), .factor_count = 1, .factors = {r}}};
    struct relation linear = {.kind = RELATION_LINEAR,
                              .node = relation->node,
                              .space_rank = relation->space_rank,
                              .output_count = 1,
                              .terms = terms,
                              .term_count = 2,
                              .constant = wide_from_i64(-1)};
    memcpy(linear.space, relation->space, sizeof linear.space);
    linear.outputs[0] = new_tensor(prepare, relation, (struct interval){minus, last});
    relation_add(prepare->program, &linear);
    add_range(prepare, relation, whole(prepare, linear.outputs[0], relation), wide_from_i64(0),
              last);
}

enum status place_prepare(struct relation_program *program, struct diag *diag)
{
    struct prepare prepare = {program, program->relations, program->relation_count, diag,
                              STATUS_OK};
    program->relations = NULL;
    program->relation_count = 0;
    program->relation_capacity = 0;
    for (size_t i = 0; i < prepare.old_count && prepare.status == STATUS_OK; i++) {
        const struct relation *relation = &prepare.old[i];
        switch (relation->kind) {
        case RELATION_PRODUCT:
            prepare_product(&prepare, *relation);
            break;
        case RELATION_RANGE:
            prepare_range(&prepare, relation);
            break;
        case RELATION_RESCALE:
            prepare_rescale(&prepare, relation);
            break;
        case RELATION_LINEAR:
        case RELATION_CONTRACT:
        case RELATION_IS_ZERO:
        case RELATION_TABLE:
        case RELATION_READ:
        case RELATION_PERMUTE:
        case RELATION_HINT:
        case RELATION_DIGEST:
            relation_add(program, relation);
            break;
        }
    }
    return prepare.status;
}
