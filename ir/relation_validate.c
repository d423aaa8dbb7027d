/*
 * Structure of a relation program.
 *
 * Called after lowering and by whoever reads a program from a file, which may come from anybody.
 * That no hint is left free is relation_pinned.c's.
 */
#include "ir/relation_validate_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *kind_name(enum relation_kind kind)
{
    /* ORDER enum relation_kind */
    static const char *const names[] = {"linear",  "contract", "product", "is_zero",
                                        "rescale", "range",    "table",   "read",
                                        "permute", "hint",     "digest"};
    return names[kind];
}

enum status relation_invalid(const struct validation *v, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    diag_set_v(v->diag, STATUS_BAD_INPUT, format, arguments);
    va_end(arguments);
    if (v->relation == NULL)
        return STATUS_BAD_INPUT;
    uint32_t node = v->relation->node;
    return diag_prefix(v->diag, STATUS_BAD_INPUT, "relation %zu (%s) of node %s",
                       (size_t)(v->relation - v->program->relations), kind_name(v->relation->kind),
                       node < v->program->node_count ? v->program->node_names[node] : "(compiler)");
}

size_t relation_space_count(const struct relation *relation)
{
    size_t count = 1;
    for (unsigned d = 0; d < relation->space_rank; d++)
        count *= (size_t)relation->space[d];
    return count;
}

/* Whether low .. high is held by a target of so many bits: two numbers of the range that are equal
 * modulo its modulus are equal. */
static bool fits(wide low, wide high, unsigned bits)
{
    wide size;
    return wide_bit_length(low) <= bits && wide_bit_length(high) <= bits &&
           wide_sub(&size, high, low) && wide_bit_length(size) <= bits;
}

/* ---- tensors ---- */

static enum status check_tensor(const struct validation *v, uint32_t index)
{
    const struct relation_tensor *t = &v->program->tensors[index];
    const char *name = t->name == NULL ? "" : t->name;
    if (t->name == NULL || t->rank > RELATION_RANK_MAX)
        return relation_invalid(v, "tensor %u has no name or too many dimensions", index);
    size_t count = 1;
    for (unsigned d = 0; d < t->rank; d++) {
        if (t->shape[d] < 0 || __builtin_mul_overflow(count, (size_t)t->shape[d], &count))
            return relation_invalid(v, "tensor '%s' has an impossible shape", name);
    }
    if (count != t->count || t->scale.numerator <= 0 || t->scale.denominator <= 0)
        return relation_invalid(v, "tensor '%s' has a wrong count or scale", name);
    if (wide_compare(t->low, t->high) > 0)
        return relation_invalid(v, "tensor '%s' has an empty range", name);
    uint32_t producer = v->producer[index];
    bool is_digest =
        producer != RELATION_NONE && v->program->relations[producer].kind == RELATION_DIGEST;
    unsigned capacity = is_digest ? 254 : v->capacity_bits;
    if (!fits(t->low, t->high, capacity))
        return relation_invalid(
            v, "tensor '%s' has a range of more than the %u bits that the target holds", name,
            capacity);
    if ((t->role == ROLE_WITNESS) != (producer != RELATION_NONE))
        return relation_invalid(v,
                                t->role == ROLE_WITNESS ? "tensor '%s' is never computed"
                                                        : "tensor '%s' is given and computed",
                                name);
    if ((t->role == ROLE_CONSTANT) != (t->values != NULL) && t->count > 0)
        return relation_invalid(v, "tensor '%s': constants, and only they, have values", name);
    for (size_t e = 0; t->role == ROLE_CONSTANT && e < t->count; e++) {
        if (wide_compare(t->values[e], t->low) < 0 || wide_compare(t->values[e], t->high) > 0)
            return relation_invalid(v, "constant '%s' leaves its range at element %zu", name, e);
    }
    return STATUS_OK;
}

/* ---- views ---- */

/* Lowest and highest element an affine view can name; false when it names none. */
static bool affine_extent(const struct relation_view *view, const struct relation *relation,
                          int64_t *low, int64_t *high)
{
    *low = *high = view->offset;
    for (unsigned d = 0; d < relation->space_rank; d++) {
        int64_t first = view->low[d] > 0 ? view->low[d] : 0;
        int64_t last =
            (view->high[d] < relation->space[d] ? view->high[d] : relation->space[d]) - 1;
        if (first > last)
            return false;
        int64_t a, b;
        if (__builtin_mul_overflow(view->stride[d], first, &a) ||
            __builtin_mul_overflow(view->stride[d], last, &b) ||
            __builtin_add_overflow(*low, a < b ? a : b, low) ||
            __builtin_add_overflow(*high, a < b ? b : a, high)) {
            *low = INT64_MIN;
            return true;
        }
    }
    return true;
}

static enum status check_view(const struct validation *v, const struct relation_view *view)
{
    const struct relation *relation = v->relation;
    if (view->tensor >= v->program->tensor_count)
        return relation_invalid(v, "a view names tensor %u of %zu", view->tensor,
                                v->program->tensor_count);
    const struct relation_tensor *t = &v->program->tensors[view->tensor];
    size_t here = (size_t)(relation - v->program->relations);
    if (v->producer[view->tensor] != RELATION_NONE && v->producer[view->tensor] >= here)
        return relation_invalid(v, "tensor '%s' is used before it is computed", t->name);
    int64_t low, high;
    if (view->index_list == NULL) {
        if (affine_extent(view, relation, &low, &high) && (low < 0 || high >= (int64_t)t->count))
            return relation_invalid(v, "a view leaves tensor '%s'", t->name);
        return STATUS_OK;
    }
    size_t count = relation_space_count(relation);
    for (size_t p = 0; p < count; p++) {
        if (view->index_list[p] < -1 || view->index_list[p] >= (int64_t)t->count)
            return relation_invalid(v, "a view leaves tensor '%s'", t->name);
    }
    return STATUS_OK;
}

bool relation_view_is_identity(const struct relation_view *view, const struct relation *relation,
                               const struct relation_program *program)
{
    size_t count = relation_space_count(relation);
    if (count != program->tensors[view->tensor].count)
        return false;
    for (size_t p = 0; p < count; p++) {
        if (relation_view_element(view, relation->space_rank, relation->space, p) != (int64_t)p)
            return false;
    }
    return true;
}

/* ---- relations ---- */

static enum status check_output_counts(const struct validation *v)
{
    const struct relation *r = v->relation;
    size_t count = relation_space_count(r), expected = count;
    if (r->kind == RELATION_CONTRACT) {
        expected = 1;
        for (unsigned d = 0; d + r->contract_rank < r->space_rank; d++)
            expected *= (size_t)r->space[d];
    } else if (r->kind == RELATION_READ) {
        const struct relation_tensor *memory = &v->program->tensors[r->memory];
        expected = memory->shape[0] == 0 ? 0 : count * (memory->count / (size_t)memory->shape[0]);
    } else if (r->kind == RELATION_HINT && (r->hint == HINT_ARG_MAX || r->hint == HINT_ARG_MIN)) {
        size_t width = r->space_rank == 0 ? 1 : (size_t)r->space[r->space_rank - 1];
        expected = width == 0 ? 0 : count / width;
    } else if (r->kind == RELATION_DIGEST) {
        expected = 1;
    }
    for (unsigned k = 0; k < r->output_count; k++) {
        if (v->program->tensors[r->outputs[k]].count != expected)
            return relation_invalid(v, "output '%s' has %zu elements, %zu are computed",
                                    v->program->tensors[r->outputs[k]].name,
                                    v->program->tensors[r->outputs[k]].count, expected);
    }
    return STATUS_OK;
}

/*
 * x = y d + r modulo the target's modulus, y in the rounded range that limbs hold it to: unique
 * when all y d + r are held, and equal to x as an integer when they and x are held together.
 */
static bool quotient_is_held(const struct validation *v, const struct relation *r, wide d_high)
{
    const struct relation_tensor *x = &v->program->tensors[r->views[0].tensor];
    wide low, high,
        half = r->rounding == ROUND_HALF_UP ? wide_shift_right(d_high, 1) : wide_from_i64(0);
    unsigned bits;
    relation_rounded_range(&v->program->tensors[r->outputs[0]], &low, &bits);
    if (bits >= 254 || !wide_add(&high, low, wide_power_of_two(bits)) ||
        !wide_mul(&low, low, d_high) || !wide_sub(&low, low, half) ||
        !wide_mul(&high, high, d_high) || !wide_sub(&high, high, wide_from_i64(1)))
        return false;
    if (wide_compare(x->low, low) < 0)
        low = x->low;
    if (wide_compare(x->high, high) > 0)
        high = x->high;
    return fits(low, high, v->capacity_bits);
}

static enum status check_rescale(const struct validation *v)
{
    const struct relation *r = v->relation;
    const struct relation_tensor *rest = &v->program->tensors[r->outputs[1]];
    wide d_low = r->divisor, d_high = r->divisor, top;
    if (r->divisor_is_view) {
        d_low = v->program->tensors[r->views[1].tensor].low;
        d_high = v->program->tensors[r->views[1].tensor].high;
    }
    if (r->rounding != ROUND_FLOOR && r->rounding != ROUND_HALF_UP)
        return relation_invalid(v, "this rounding must be written out in other relations");
    if (wide_is_negative(d_low) || wide_is_zero(d_low))
        return relation_invalid(v, "the divisor may be zero or negative");
    if (!wide_is_zero(rest->low) || !wide_sub(&top, d_high, wide_from_i64(1)) ||
        wide_compare(rest->high, top) != 0)
        return relation_invalid(v, "the remainder's range is not 0 to divisor - 1");
    if (!quotient_is_held(v, r, d_high))
        return relation_invalid(v, "quotient times divisor leaves %u bits", v->capacity_bits);
    return STATUS_OK;
}

static enum status check_table(const struct validation *v)
{
    const struct relation *r = v->relation;
    if (r->table >= v->program->table_count)
        return relation_invalid(v, "no such table");
    const struct relation_table *table = &v->program->tables[r->table];
    if (table->size == 0 || r->output_count == 0 || r->output_count > table->output_count)
        return relation_invalid(v, "table '%s' has too few outputs or no entry", table->key);
    int64_t last;
    if (table->size > INT64_MAX || __builtin_add_overflow(table->x_low, table->size - 1, &last))
        return relation_invalid(v, "table '%s' reaches beyond 64 bits", table->key);
    for (unsigned k = 0; k < r->output_count; k++) {
        const struct relation_tensor *out = &v->program->tensors[r->outputs[k]];
        int64_t low, high;
        relation_table_ends(table, k, &low, &high);
        if (wide_compare(wide_from_i64(low), out->low) < 0 ||
            wide_compare(wide_from_i64(high), out->high) > 0)
            return relation_invalid(v, "table '%s' leaves the range of '%s'", table->key,
                                    out->name);
    }
    return STATUS_OK;
}

/* The value and the range are held together, so that a value elsewhere is no value of the range. */
static enum status check_range(const struct validation *v)
{
    const struct relation *r = v->relation;
    const struct relation_tensor *t = &v->program->tensors[r->views[0].tensor];
    if (wide_compare(r->low, r->high) > 0)
        return relation_invalid(v, "an empty range");
    if (!fits(wide_compare(r->low, t->low) < 0 ? r->low : t->low,
              wide_compare(r->high, t->high) > 0 ? r->high : t->high, v->capacity_bits))
        return relation_invalid(v, "'%s' and its range leave %u bits", t->name, v->capacity_bits);
    return STATUS_OK;
}

/* The salt is one element. */
static enum status check_digest(const struct validation *v)
{
    const struct relation_view *salt = &v->relation->views[1];
    if (salt->index_list != NULL || salt->offset < 0 ||
        (size_t)salt->offset >= v->program->tensors[salt->tensor].count)
        return relation_invalid(v, "no such salt");
    return STATUS_OK;
}

static enum status check_terms(const struct validation *v)
{
    const struct relation *r = v->relation;
    unsigned most = r->kind == RELATION_LINEAR ? 1 : RELATION_FACTOR_MAX;
    for (size_t t = 0; t < r->term_count; t++) {
        if (r->terms[t].factor_count < 1 || r->terms[t].factor_count > most)
            return relation_invalid(v, "term %zu has %u factors", t, r->terms[t].factor_count);
        for (unsigned f = 0; f < r->terms[t].factor_count; f++) {
            enum status status = check_view(v, &r->terms[t].factors[f]);
            if (status != STATUS_OK)
                return status;
        }
    }
    return STATUS_OK;
}

/* Views and outputs each kind must have. ORDER enum relation_kind */
static const struct {
    int views, outputs; /* -1: more than one number is right */
} arity[] = {{0, 1},  {2, 1}, {0, -1}, {1, 1},  {-1, 2}, {1, 0},
             {1, -1}, {1, 1}, {2, 0},  {-1, 1}, {2, 1}};

static enum status check_arity(const struct validation *v)
{
    const struct relation *r = v->relation;
    int views = arity[r->kind].views, outputs = arity[r->kind].outputs;
    if (r->kind == RELATION_RESCALE)
        views = r->divisor_is_view ? 2 : 1;
    if (r->kind == RELATION_PRODUCT)
        outputs = r->is_assert ? 0 : 1;
    if (r->kind == RELATION_HINT)
        views = r->hint == HINT_DIVIDE_FLOOR ? 2 : 1;
    if ((views >= 0 && r->view_count != views) || (outputs >= 0 && r->output_count != outputs) ||
        r->output_count > TABLE_OUTPUT_MAX)
        return relation_invalid(v, "%u views and %u outputs", r->view_count, r->output_count);
    if (r->space_rank > RELATION_RANK_MAX || r->contract_rank > r->space_rank ||
        (r->contract_rank > 0 && r->kind != RELATION_CONTRACT))
        return relation_invalid(v, "its index space has a wrong rank");
    size_t count = 1;
    for (unsigned d = 0; d < r->space_rank; d++) {
        if (r->space[d] < 0 || __builtin_mul_overflow(count, (size_t)r->space[d], &count) ||
            count > (size_t)1 << 40)
            return relation_invalid(v, "its index space is too large");
    }
    return STATUS_OK;
}

static enum status check_relation(const struct validation *v)
{
    const struct relation *r = v->relation;
    enum status status = check_arity(v);
    if (status == STATUS_OK)
        status = check_terms(v);
    for (unsigned k = 0; k < r->view_count && status == STATUS_OK; k++)
        status = check_view(v, &r->views[k]);
    if (status == STATUS_OK && r->kind == RELATION_READ) {
        if (r->memory >= v->program->tensor_count || v->program->tensors[r->memory].rank == 0)
            return relation_invalid(v, "no such memory");
        if (v->producer[r->memory] != RELATION_NONE &&
            v->producer[r->memory] >= (size_t)(r - v->program->relations))
            return relation_invalid(v, "memory '%s' is used before it is computed",
                                    v->program->tensors[r->memory].name);
    }
    if (status == STATUS_OK)
        status = check_output_counts(v);
    if (status == STATUS_OK && r->kind == RELATION_RESCALE)
        status = check_rescale(v);
    if (status == STATUS_OK && r->kind == RELATION_TABLE)
        status = check_table(v);
    if (status == STATUS_OK && r->kind == RELATION_RANGE)
        status = check_range(v);
    if (status == STATUS_OK && r->kind == RELATION_DIGEST)
        status = check_digest(v);
    return status;
}

static enum status note_producers(struct validation *v)
{
    const struct relation_program *program = v->program;
    for (size_t i = 0; i < program->relation_count; i++) {
        v->relation = &program->relations[i];
        if ((unsigned)v->relation->kind > RELATION_DIGEST ||
            v->relation->output_count > TABLE_OUTPUT_MAX)
            return diag_set(v->diag, STATUS_BAD_INPUT, "relation %zu is of no known kind", i);
        for (unsigned k = 0; k < v->relation->output_count; k++) {
            uint32_t out = v->relation->outputs[k];
            if (out >= program->tensor_count)
                return relation_invalid(v, "it computes tensor %u of %zu", out,
                                        program->tensor_count);
            if (v->producer[out] != RELATION_NONE)
                return relation_invalid(v, "tensor '%s' is computed twice",
                                        program->tensors[out].name);
            v->producer[out] = (uint32_t)i;
        }
    }
    v->relation = NULL;
    return STATUS_OK;
}

static enum status check_index_lists(const struct validation *v)
{
    const struct relation_program *program = v->program;
    for (size_t i = 0; i < program->public_tensor_count; i++) {
        if (program->public_tensors[i] >= program->tensor_count)
            return relation_invalid(v, "public tensor %zu does not exist", i);
    }
    for (size_t i = 0; i < program->input_tensor_count; i++) {
        uint32_t t = program->input_tensors[i];
        if (t >= program->tensor_count || (program->tensors[t].role != ROLE_PUBLIC_INPUT &&
                                           program->tensors[t].role != ROLE_PRIVATE_INPUT))
            return relation_invalid(v, "input %zu is not carried by an input tensor", i);
    }
    return STATUS_OK;
}

static enum status validate(struct validation *v, struct arena *arena)
{
    const struct relation_program *program = v->program;
    v->producer = arena_array(arena, uint32_t, program->tensor_count + 1);
    v->enforced = arena_array(arena, bool *, program->tensor_count + 1);
    if (v->producer == NULL || v->enforced == NULL)
        return diag_set(v->diag, STATUS_NO_MEMORY, "no memory to validate %zu tensors",
                        program->tensor_count);
    memset(v->producer, 0xff, program->tensor_count * sizeof *v->producer);
    enum status status = note_producers(v);
    for (uint32_t t = 0; t < program->tensor_count && status == STATUS_OK; t++)
        status = check_tensor(v, t);
    for (size_t i = 0; i < program->relation_count && status == STATUS_OK; i++) {
        v->relation = &program->relations[i];
        status = check_relation(v);
    }
    v->relation = NULL;
    if (status == STATUS_OK)
        status = check_index_lists(v);
    if (status == STATUS_OK)
        status = relation_check_hints(v, arena);
    return status;
}

enum status relation_validate(const struct relation_program *program, unsigned capacity_bits,
                              struct diag *diag)
{
    struct arena scratch;
    arena_init(&scratch, 0);
    struct validation v = {.program = program, .capacity_bits = capacity_bits, .diag = diag};
    enum status status = validate(&v, &scratch);
    arena_release(&scratch);
    return status;
}
