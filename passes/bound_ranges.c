/* See bound_ranges.h. */
#include "passes/bound_ranges.h"

#include <stdlib.h>
#include <string.h>

static size_t space_count(const struct relation *relation)
{
    size_t count = 1;
    for (unsigned d = 0; d < relation->space_rank; d++)
        count *= (size_t)relation->space[d];
    return count;
}

enum { KEEPS_LOW = 1, KEEPS_HIGH = 2, KEEPS_BOTH = 3 };

struct proof {
    const struct relation_program *program;
    unsigned capacity_bits;
    /* [tensor_count][count]: enforced relations keep the element above the low end of its declared
     * range (KEEPS_LOW) and below the high end (KEEPS_HIGH). For inputs, and for results whose
     * range no producer implies; NULL for others. */
    uint8_t **enforced;
    uint32_t *producer; /* [tensor_count]: relation, RELATION_NONE for none */
};

static struct range declared_range(const struct relation_tensor *tensor)
{
    return (struct range){tensor->low, tensor->high};
}

/* Two integers of the range that are equal modulo the target's modulus are equal. */
static bool is_held(struct range range, unsigned capacity_bits)
{
    wide size;
    return range_bits(range) <= capacity_bits && wide_sub(&size, range.high, range.low) &&
           wide_bit_length(size) <= capacity_bits;
}

/* range of x when x * coefficient + constant lies in `range`, coefficient 1 or -1. */
static bool shift_back(struct range *range, const struct relation *linear)
{
    int64_t coefficient;
    struct range rest;
    if (!wide_to_i64(&coefficient, linear->terms[0].coefficient) ||
        (coefficient != 1 && coefficient != -1) ||
        !wide_sub(&rest.low, range->low, linear->constant) ||
        !wide_sub(&rest.high, range->high, linear->constant))
        return false;
    *range = rest;
    return coefficient == 1 ||
           (wide_neg(&range->low, rest.high) && wide_neg(&range->high, rest.low));
}

/*
 * Ends of the declared range that an element in `range` keeps. When one relation keeps it above and
 * another below, both ranges and the declared one together must be held, so each takes half.
 */
static uint8_t kept_ends(const struct proof *proof, const struct relation_tensor *tensor,
                         struct range range)
{
    struct range declared = declared_range(tensor);
    if (range_contains(declared, range))
        return KEEPS_BOTH;
    if (!is_held(range_hull(declared, range), proof->capacity_bits - 1))
        return 0;
    return (uint8_t)((wide_compare(range.low, declared.low) >= 0 ? KEEPS_LOW : 0) |
                     (wide_compare(range.high, declared.high) <= 0 ? KEEPS_HIGH : 0));
}

/* An element is kept in `range`: so is what it is +-x + constant of. */
static void mark_element(const struct proof *proof, uint32_t tensor, int64_t element,
                         struct range range)
{
    const struct relation_program *program = proof->program;
    while (element >= 0) {
        uint8_t *marks = proof->enforced[tensor];
        if (marks != NULL)
            marks[element] |= kept_ends(proof, &program->tensors[tensor], range);
        if (proof->producer[tensor] == RELATION_NONE)
            return;
        const struct relation *linear = &program->relations[proof->producer[tensor]];
        if (linear->kind != RELATION_LINEAR || linear->term_count != 1 ||
            !shift_back(&range, linear))
            return;
        const struct relation_view *view = &linear->terms[0].factors[0];
        element = relation_view_element(view, linear->space_rank, linear->space, (size_t)element);
        tensor = view->tensor;
    }
}

static void mark(const struct proof *proof, const struct relation *relation, struct range range)
{
    const struct relation_view *view = &relation->views[0];
    size_t count = space_count(relation);
    for (size_t p = 0; p < count; p++)
        mark_element(proof, view->tensor,
                     relation_view_element(view, relation->space_rank, relation->space, p), range);
}

static bool is_marked(const struct proof *proof, uint32_t tensor)
{
    const uint8_t *marks = proof->enforced[tensor];
    for (size_t e = 0; e < proof->program->tensors[tensor].count; e++) {
        if (marks == NULL || marks[e] != KEEPS_BOTH)
            return false;
    }
    return true;
}

/* A range that limbs hold a quotient to exactly. */
static bool is_rounded(const struct relation_tensor *tensor)
{
    struct range declared = declared_range(tensor);
    return range_contains(declared, range_round_up(declared));
}

/*
 * A quotient in its range and its remainder bound the dividend. The quotient's range must not
 * follow from the dividend's in turn: limbs hold it, or a relation that stands later does.
 */
static void mark_dividend(const struct proof *proof, const struct relation *relation)
{
    const struct relation_tensor *y = &proof->program->tensors[relation->outputs[0]];
    if (!is_rounded(y) && !is_marked(proof, relation->outputs[0]))
        return;
    struct range range = declared_range(y);
    wide one = wide_from_i64(1), half = relation->rounding == ROUND_HALF_UP
                                            ? wide_shift_right(relation->divisor, 1)
                                            : wide_from_i64(0);
    if (relation->divisor_is_view || !wide_mul(&range.low, range.low, relation->divisor) ||
        !wide_sub(&range.low, range.low, half) || !wide_add(&range.high, range.high, one) ||
        !wide_mul(&range.high, range.high, relation->divisor) ||
        !wide_sub(&range.high, range.high, half) || !wide_sub(&range.high, range.high, one))
        return;
    mark(proof, relation, range);
}

static void mark_relation(const struct proof *proof, const struct relation *relation)
{
    if (relation->kind == RELATION_RESCALE) {
        mark_dividend(proof, relation);
    } else if (relation->kind == RELATION_RANGE) {
        mark(proof, relation, range_make(relation->low, relation->high));
    } else if (relation->kind == RELATION_READ) {
        int64_t entries = proof->program->tensors[relation->memory].shape[0];
        if (entries > 0)
            mark(proof, relation, range_of_i64(0, entries - 1));
    } else if (relation->kind == RELATION_TABLE) {
        const struct relation_table *table = &proof->program->tables[relation->table];
        mark(proof, relation, range_of_i64(table->x_low, table->x_low + (int64_t)table->size - 1));
    }
}

static bool is_quotient(const struct relation *relation, unsigned k)
{
    return relation->kind == RELATION_RESCALE && k == 0;
}

/* By the ranges of the operands. A digest has the whole field. */
static bool is_implied(const struct relation_program *program, const struct relation *relation,
                       unsigned k)
{
    const struct relation_tensor *tensor = &program->tensors[relation->outputs[k]];
    struct range implied;
    return tensor->count == 0 || relation->kind == RELATION_DIGEST ||
           (range_of_output(program, relation, k, &implied) &&
            range_contains(declared_range(tensor), implied));
}

/* Whether relations must enforce the range, or may: a quotient that limbs do not hold to its range
 * has it from a later relation or from its dividend. */
static bool has_marks(const struct relation_program *program, const struct relation *relation,
                      unsigned k)
{
    if (is_quotient(relation, k))
        return !is_rounded(&program->tensors[relation->outputs[k]]);
    return !is_implied(program, relation, k);
}

/*
 * The circuit shows a sum modulo the target's modulus. It is the sum of integers when whatever the
 * sum can be and the declared range (zero for an assert) are held together.
 */
static enum status check_sum(const struct proof *proof, const struct relation *relation,
                             struct diag *diag)
{
    struct range sum, declared = range_of_i64(0, 0);
    bool is_sum = relation->kind == RELATION_LINEAR || relation->kind == RELATION_CONTRACT ||
                  relation->kind == RELATION_PRODUCT;
    if (!is_sum || space_count(relation) == 0)
        return STATUS_OK;
    if (relation->output_count > 0)
        declared = declared_range(&proof->program->tensors[relation->outputs[0]]);
    if (range_of_output(proof->program, relation, 0, &sum) &&
        is_held(range_hull(sum, declared), proof->capacity_bits))
        return STATUS_OK;
    return diag_set(diag, STATUS_LIMIT,
                    "relation %zu of node %s: a sum leaves the %u bits that the target holds",
                    (size_t)(relation - proof->program->relations),
                    relation->node < proof->program->node_count
                        ? proof->program->node_names[relation->node]
                        : "(compiler)",
                    proof->capacity_bits);
}

/* A salt is no number: any will do, and only its digest looks at it. */
static bool is_salt(const struct relation_program *program, uint32_t tensor)
{
    bool is_used = false;
    for (size_t i = 0; i < program->relation_count; i++) {
        const struct relation *r = &program->relations[i];
        for (size_t t = 0; t < r->term_count; t++)
            for (unsigned f = 0; f < r->terms[t].factor_count; f++)
                is_used |= r->terms[t].factors[f].tensor == tensor;
        for (unsigned v = 0; v < r->view_count; v++)
            is_used |= r->views[v].tensor == tensor && !(r->kind == RELATION_DIGEST && v == 1);
        is_used |= r->kind == RELATION_READ && r->memory == tensor;
    }
    for (size_t i = 0; i < program->public_tensor_count; i++)
        is_used |= program->public_tensors[i] == tensor;
    return !is_used;
}

static bool is_input(const struct relation_tensor *tensor)
{
    return tensor->role == ROLE_PUBLIC_INPUT || tensor->role == ROLE_PRIVATE_INPUT;
}

/* Which tensors need marks. */
static bool open_marks(struct proof *proof, struct arena *arena)
{
    const struct relation_program *program = proof->program;
    proof->enforced = arena_array(arena, uint8_t *, program->tensor_count + 1);
    proof->producer = arena_array(arena, uint32_t, program->tensor_count + 1);
    bool done = proof->enforced != NULL && proof->producer != NULL;
    for (uint32_t t = 0; t < program->tensor_count && done; t++)
        proof->producer[t] = RELATION_NONE;
    for (uint32_t t = 0; t < program->tensor_count && done; t++) {
        if (!is_input(&program->tensors[t]) || is_salt(program, t))
            continue;
        proof->enforced[t] = arena_array(arena, uint8_t, program->tensors[t].count + 1);
        done = proof->enforced[t] != NULL;
    }
    for (size_t i = 0; i < program->relation_count && done; i++) {
        const struct relation *relation = &program->relations[i];
        for (unsigned k = 0; k < relation->output_count && done; k++) {
            uint32_t out = relation->outputs[k];
            proof->producer[out] = (uint32_t)i;
            if (!has_marks(program, relation, k))
                continue;
            proof->enforced[out] = arena_array(arena, uint8_t, program->tensors[out].count + 1);
            done = proof->enforced[out] != NULL;
        }
    }
    return done;
}

static enum status prove(struct proof *proof, struct arena *arena, struct diag *diag)
{
    const struct relation_program *program = proof->program;
    if (!open_marks(proof, arena))
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to bound %zu tensors",
                        program->tensor_count);
    for (size_t i = program->relation_count; i-- > 0;)
        mark_relation(proof, &program->relations[i]);
    for (size_t i = 0; i < program->relation_count; i++) {
        const struct relation *relation = &program->relations[i];
        if (is_quotient(relation, 0) && is_implied(program, relation, 0))
            proof->enforced[relation->outputs[0]] = NULL;
    }
    for (size_t t = 0; t < program->tensor_count; t++) {
        for (size_t e = 0; proof->enforced[t] != NULL && e < program->tensors[t].count; e++) {
            if (proof->enforced[t][e] != KEEPS_BOTH)
                return diag_set(diag, STATUS_BAD_INPUT,
                                "the range of tensor '%s' at element %zu follows from nothing",
                                program->tensors[t].name, e);
        }
    }
    enum status status = STATUS_OK;
    for (size_t i = 0; i < program->relation_count && status == STATUS_OK; i++)
        status = check_sum(proof, &program->relations[i], diag);
    return status;
}

static bool is_digest(const struct relation_program *program, uint32_t tensor)
{
    for (size_t i = 0; i < program->relation_count; i++) {
        const struct relation *r = &program->relations[i];
        if (r->kind == RELATION_DIGEST && r->outputs[0] == tensor)
            return true;
    }
    return false;
}

enum status pass_bound_ranges(const struct relation_program *program, unsigned capacity_bits,
                              struct diag *diag)
{
    for (uint32_t t = 0; t < program->tensor_count; t++) {
        struct range range = declared_range(&program->tensors[t]);
        if (!is_held(range, capacity_bits) && !is_digest(program, t))
            return diag_set(
                diag, STATUS_LIMIT, "tensor '%s' needs %u bits of integer, the target holds %u",
                program->tensors[t].name, range_bits(range) + (wide_is_negative(range.low) ? 1 : 0),
                capacity_bits);
    }
    struct arena scratch;
    arena_init(&scratch, 0);
    struct proof proof = {.program = program, .capacity_bits = capacity_bits};
    enum status status = prove(&proof, &scratch, diag);
    arena_release(&scratch);
    return status;
}
