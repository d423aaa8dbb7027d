/*
 * Evaluates relation programs. Called by the prover's witness generation, by check and by the tests
 * of every lowering; stands on ir/relation and ir/support/wide. Sums run in 128 bits and fall back
 * to 256 bits when a step would overflow; no result is ever wrapped.
 */
#include "ir/relation_interpret.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

bool relation_tensor_is_narrow(const struct relation_tensor *tensor)
{
    const int64_t bound = INT64_C(1) << 62;
    int64_t low, high;
    return wide_to_i64(&low, tensor->low) && wide_to_i64(&high, tensor->high) && low > -bound &&
           high < bound;
}

wide relation_value(const struct relation_values *values, uint32_t tensor, size_t element)
{
    return values->is_wide[tensor] ? values->full[tensor][element]
                                   : wide_from_i64(values->narrow[tensor][element]);
}

static void store(struct relation_values *values, uint32_t tensor, size_t element, wide value)
{
    if (values->is_wide[tensor]) {
        values->full[tensor][element] = value;
        return;
    }
    int64_t small;
    ASSERT(wide_to_i64(&small, value));
    values->narrow[tensor][element] = small;
}

enum status relation_values_init(struct relation_values *values,
                                 const struct relation_program *program, struct arena *arena,
                                 struct diag *diag)
{
    size_t count = program->tensor_count;
    values->tensor_count = count;
    values->is_wide = arena_array(arena, bool, count + 1);
    values->narrow = arena_array(arena, int64_t *, count + 1);
    values->full = arena_array(arena, wide *, count + 1);
    if (values->is_wide == NULL || values->narrow == NULL || values->full == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for %zu tensors", count);
    for (size_t i = 0; i < count; i++) {
        const struct relation_tensor *tensor = &program->tensors[i];
        values->is_wide[i] = !relation_tensor_is_narrow(tensor);
        if (values->is_wide[i])
            values->full[i] = arena_array(arena, wide, tensor->count + 1);
        else
            values->narrow[i] = arena_array(arena, int64_t, tensor->count + 1);
        if (values->full[i] == NULL && values->narrow[i] == NULL)
            return diag_set(diag, STATUS_NO_MEMORY, "no memory for the %zu values of '%s'",
                            tensor->count, tensor->name);
        if (tensor->role == ROLE_CONSTANT) {
            for (size_t e = 0; e < tensor->count; e++)
                store(values, (uint32_t)i, e, tensor->values[e]);
        }
    }
    return STATUS_OK;
}

static bool in_range(const struct relation_tensor *tensor, wide value)
{
    return wide_compare(value, tensor->low) >= 0 && wide_compare(value, tensor->high) <= 0;
}

bool relation_value_set(struct relation_values *values, const struct relation_program *program,
                        uint32_t tensor, size_t element, wide value)
{
    if (!in_range(&program->tensors[tensor], value))
        return false;
    store(values, tensor, element, value);
    return true;
}

/* ---- one relation at a time ---- */

struct run {
    const struct relation_program *program;
    struct relation_values *values;
    const struct relation *relation;
    struct diag *diag;
};

static const char *node_name(const struct run *run)
{
    uint32_t node = run->relation->node;
    return node < run->program->node_count ? run->program->node_names[node] : "(compiler)";
}

static enum status out_of_range(const struct run *run, const char *what, const char *name,
                                size_t element, wide value, wide low, wide high)
{
    char text[3][80];
    wide_format(text[0], value);
    wide_format(text[1], low);
    wide_format(text[2], high);
    if (wide_compare(low, high) == 0)
        return diag_set(
            run->diag, STATUS_BAD_INPUT,
            "node %s: %s of '%s' element %zu is %s and has to be %s, as it was when the "
            "circuit was compiled: where this counts results, compile with --max-dim",
            node_name(run), what, name, element, text[0], text[1]);
    return diag_set(run->diag, STATUS_BAD_INPUT,
                    "node %s: %s of '%s' element %zu is %s, outside %s..%s; this input leaves the "
                    "range the circuit was "
                    "compiled for: recompile with --range or with --data that covers it",
                    node_name(run), what, name, element, text[0], text[1], text[2]);
}

static enum status put(const struct run *run, uint32_t tensor, size_t element, wide value)
{
    const struct relation_tensor *t = &run->program->tensors[tensor];
    if (!in_range(t, value))
        return out_of_range(run, "the value", t->name, element, value, t->low, t->high);
    store(run->values, tensor, element, value);
    return STATUS_OK;
}

/* Odometer over an index space. */
struct position {
    uint8_t rank;
    const int64_t *space;
    int64_t index[RELATION_RANK_MAX];
    size_t flat;
};

static void position_next(struct position *position)
{
    position->flat++;
    for (unsigned d = position->rank; d-- > 0;) {
        if (++position->index[d] < position->space[d])
            return;
        position->index[d] = 0;
    }
}

static int64_t element_at(const struct relation_view *view, const struct position *at)
{
    if (view->index_list != NULL)
        return view->index_list[at->flat];
    int64_t element = view->offset;
    for (unsigned d = 0; d < at->rank; d++) {
        if (at->index[d] < view->low[d] || at->index[d] >= view->high[d])
            return -1;
        element += view->stride[d] * at->index[d];
    }
    return element;
}

static wide view_value(const struct run *run, const struct relation_view *view,
                       const struct position *at)
{
    int64_t element = element_at(view, at);
    return element < 0 ? wide_from_i64(0)
                       : relation_value(run->values, view->tensor, (size_t)element);
}

static size_t space_count(const struct relation *relation)
{
    size_t count = 1;
    for (unsigned d = 0; d < relation->space_rank; d++)
        count *= (size_t)relation->space[d];
    return count;
}

static struct position start(const struct relation *relation)
{
    return (struct position){.rank = relation->space_rank, .space = relation->space};
}

/* Sum that runs in 128 bits while it can. */
struct sum {
    bool is_wide, overflow;
    __int128 narrow;
    wide full;
};

static void sum_add(struct sum *sum, wide value)
{
    __int128 small, total;
    if (!sum->is_wide && wide_to_i128(&small, value) &&
        !__builtin_add_overflow(sum->narrow, small, &total)) {
        sum->narrow = total;
        return;
    }
    if (!sum->is_wide) {
        sum->full = wide_from_i128(sum->narrow);
        sum->is_wide = true;
    }
    if (!wide_add(&sum->full, sum->full, value))
        sum->overflow = true;
}

static void sum_add_product(struct sum *sum, wide a, wide b)
{
    int64_t x, y;
    if (!sum->is_wide && wide_to_i64(&x, a) && wide_to_i64(&y, b)) {
        __int128 product = (__int128)x * y, total;
        if (!__builtin_add_overflow(sum->narrow, product, &total)) {
            sum->narrow = total;
            return;
        }
    }
    wide product;
    if (!wide_mul(&product, a, b))
        sum->overflow = true;
    else
        sum_add(sum, product);
}

static enum status sum_result(const struct run *run, const struct sum *sum, wide *value)
{
    if (sum->overflow)
        return diag_set(run->diag, STATUS_LIMIT, "node %s: an exact sum leaves 256 bits",
                        node_name(run));
    *value = sum->is_wide ? sum->full : wide_from_i128(sum->narrow);
    return STATUS_OK;
}

static enum status run_linear(const struct run *run)
{
    const struct relation *relation = run->relation;
    size_t count = space_count(relation);
    struct position at = start(relation);
    for (; at.flat < count; position_next(&at)) {
        struct sum sum = {0};
        sum_add(&sum, relation->constant);
        for (size_t k = 0; k < relation->term_count; k++)
            sum_add_product(&sum, relation->terms[k].coefficient,
                            view_value(run, &relation->terms[k].factors[0], &at));
        wide value;
        enum status status = sum_result(run, &sum, &value);
        if (status == STATUS_OK)
            status = put(run, relation->outputs[0], at.flat, value);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status run_contract(const struct run *run)
{
    const struct relation *relation = run->relation;
    size_t inner = 1, count = space_count(relation);
    for (unsigned d = relation->space_rank - relation->contract_rank; d < relation->space_rank; d++)
        inner *= (size_t)relation->space[d];
    size_t outer = inner == 0 ? 0 : count / inner;
    const struct relation_tensor *out = &run->program->tensors[relation->outputs[0]];
    if (inner == 0)
        outer = out->count;
    struct position at = start(relation);
    for (size_t o = 0; o < outer; o++) {
        struct sum sum = {0};
        for (size_t k = 0; k < inner; k++, position_next(&at)) {
            int64_t a = element_at(&relation->views[0], &at),
                    b = element_at(&relation->views[1], &at);
            if (a >= 0 && b >= 0)
                sum_add_product(&sum,
                                relation_value(run->values, relation->views[0].tensor, (size_t)a),
                                relation_value(run->values, relation->views[1].tensor, (size_t)b));
        }
        wide value;
        enum status status = sum_result(run, &sum, &value);
        if (status == STATUS_OK)
            status = put(run, relation->outputs[0], o, value);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status run_product(const struct run *run)
{
    const struct relation *relation = run->relation;
    size_t count = space_count(relation);
    struct position at = start(relation);
    for (; at.flat < count; position_next(&at)) {
        struct sum sum = {0};
        sum_add(&sum, relation->constant);
        for (size_t m = 0; m < relation->term_count; m++) {
            const struct relation_term *term = &relation->terms[m];
            wide product = term->coefficient;
            for (unsigned f = 0; f + 1 < term->factor_count; f++) {
                if (!wide_mul(&product, product, view_value(run, &term->factors[f], &at)))
                    sum.overflow = true;
            }
            sum_add_product(&sum, product,
                            view_value(run, &term->factors[term->factor_count - 1], &at));
        }
        wide value;
        enum status status = sum_result(run, &sum, &value);
        if (status == STATUS_OK && !relation->is_assert)
            status = put(run, relation->outputs[0], at.flat, value);
        else if (status == STATUS_OK && !wide_is_zero(value))
            status = diag_set(run->diag, STATUS_REJECTED,
                              "node %s: an asserted polynomial is not zero at element %zu",
                              node_name(run), at.flat);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status run_rescale(const struct run *run)
{
    const struct relation *relation = run->relation;
    ASSERT(relation->rounding == ROUND_FLOOR || relation->rounding == ROUND_HALF_UP);
    size_t count = space_count(relation);
    struct position at = start(relation);
    for (; at.flat < count; position_next(&at)) {
        wide x = view_value(run, &relation->views[0], &at);
        wide d = relation->divisor_is_view ? view_value(run, &relation->views[1], &at)
                                           : relation->divisor;
        if (wide_is_negative(d) || wide_is_zero(d))
            return diag_set(run->diag, STATUS_BAD_INPUT,
                            "node %s: element %zu divides by a number that is not positive; the "
                            "circuit has no answer for this input",
                            node_name(run), at.flat);
        if (relation->rounding == ROUND_HALF_UP && !wide_add(&x, x, wide_shift_right(d, 1)))
            return diag_set(run->diag, STATUS_LIMIT, "node %s: a dividend leaves 256 bits",
                            node_name(run));
        wide y, r;
        wide_divide_floor(&y, &r, x, d);
        enum status status = put(run, relation->outputs[0], at.flat, y);
        if (status == STATUS_OK)
            status = put(run, relation->outputs[1], at.flat, r);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status run_is_zero(const struct run *run)
{
    size_t count = space_count(run->relation);
    struct position at = start(run->relation);
    for (; at.flat < count; position_next(&at)) {
        bool zero = wide_is_zero(view_value(run, &run->relation->views[0], &at));
        store(run->values, run->relation->outputs[0], at.flat, wide_from_i64(zero));
    }
    return STATUS_OK;
}

static enum status run_range(const struct run *run)
{
    const struct relation *relation = run->relation;
    size_t count = space_count(relation);
    struct position at = start(relation);
    for (; at.flat < count; position_next(&at)) {
        wide value = view_value(run, &relation->views[0], &at);
        if (wide_compare(value, relation->low) < 0 || wide_compare(value, relation->high) > 0)
            return out_of_range(run, "the value",
                                run->program->tensors[relation->views[0].tensor].name, at.flat,
                                value, relation->low, relation->high);
    }
    return STATUS_OK;
}

static enum status run_table(const struct run *run)
{
    const struct relation *relation = run->relation;
    const struct relation_table *table = &run->program->tables[relation->table];
    size_t count = space_count(relation);
    struct position at = start(relation);
    for (; at.flat < count; position_next(&at)) {
        wide x = view_value(run, &relation->views[0], &at);
        int64_t small = 0;
        int64_t last = table->x_low + (int64_t)table->size - 1;
        if (!wide_to_i64(&small, x) || small < table->x_low || small > last)
            return out_of_range(run, "the argument", table->key, at.flat, x,
                                wide_from_i64(table->x_low), wide_from_i64(last));
        for (unsigned k = 0; k < relation->output_count; k++) {
            enum status status = put(run, relation->outputs[k], at.flat,
                                     wide_from_i64(table->outputs[k][small - table->x_low]));
            if (status != STATUS_OK)
                return status;
        }
    }
    return STATUS_OK;
}

static enum status run_read(const struct run *run)
{
    const struct relation *relation = run->relation;
    const struct relation_tensor *memory = &run->program->tensors[relation->memory];
    int64_t entries = memory->shape[0];
    size_t width = entries == 0 ? 0 : memory->count / (size_t)entries;
    size_t count = space_count(relation);
    struct position at = start(relation);
    for (; at.flat < count; position_next(&at)) {
        wide index = view_value(run, &relation->views[0], &at);
        int64_t row = 0;
        if (!wide_to_i64(&row, index) || row < 0 || row >= entries)
            return out_of_range(run, "the index", memory->name, at.flat, index, wide_from_i64(0),
                                wide_from_i64(entries - 1));
        for (size_t k = 0; k < width; k++) {
            enum status status =
                put(run, relation->outputs[0], at.flat * width + k,
                    relation_value(run->values, relation->memory, (size_t)row * width + k));
            if (status != STATUS_OK)
                return status;
        }
    }
    return STATUS_OK;
}

struct sortable_row {
    const wide *cells;
    size_t width;
};

static int compare_rows(const void *a, const void *b)
{
    const struct sortable_row *x = a, *y = b;
    for (size_t k = 0; k < x->width; k++) {
        int order = wide_compare(x->cells[k], y->cells[k]);
        if (order != 0)
            return order;
    }
    return 0;
}

/* Collects a view's rows (last axis = row) sorted, to compare two multisets. */
static struct sortable_row *sorted_rows(const struct run *run, const struct relation_view *view,
                                        wide *cells, size_t rows, size_t width)
{
    struct sortable_row *list = calloc(rows + 1, sizeof *list);
    if (list == NULL)
        return NULL;
    struct position at = start(run->relation);
    for (; at.flat < rows * width; position_next(&at))
        cells[at.flat] = view_value(run, view, &at);
    for (size_t i = 0; i < rows; i++)
        list[i] = (struct sortable_row){cells + i * width, width};
    qsort(list, rows, sizeof *list, compare_rows);
    return list;
}

static enum status run_permute(const struct run *run)
{
    const struct relation *relation = run->relation;
    size_t count = space_count(relation);
    size_t width =
        relation->space_rank == 0 ? 1 : (size_t)relation->space[relation->space_rank - 1];
    size_t rows = width == 0 ? 0 : count / width;
    wide *cells = calloc(2 * count + 1, sizeof *cells);
    struct sortable_row *a =
        cells == NULL ? NULL : sorted_rows(run, &relation->views[0], cells, rows, width);
    struct sortable_row *b =
        a == NULL ? NULL : sorted_rows(run, &relation->views[1], cells + count, rows, width);
    enum status status = STATUS_OK;
    if (b == NULL)
        status = diag_set(run->diag, STATUS_NO_MEMORY, "no memory to compare %zu rows", rows);
    for (size_t i = 0; i < rows && status == STATUS_OK; i++) {
        if (compare_rows(&a[i], &b[i]) != 0)
            status =
                diag_set(run->diag, STATUS_REJECTED,
                         "node %s: one side is not a permutation of the other", node_name(run));
    }
    free(b);
    free(a);
    free(cells);
    return status;
}

struct ranked {
    wide key;
    int64_t index;
    bool descending;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    int order = wide_compare(x->key, y->key);
    if (order != 0)
        return x->descending ? -order : order;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* ARG_MAX, ARG_MIN and SORT_ORDER along the last axis: first place of a stable sort, or the whole
 * order. */
static enum status run_hint_order(const struct run *run)
{
    const struct relation *relation = run->relation;
    size_t count = space_count(relation);
    size_t width =
        relation->space_rank == 0 ? 1 : (size_t)relation->space[relation->space_rank - 1];
    bool descending = relation->hint == HINT_ARG_MAX ||
                      (relation->hint == HINT_SORT_ORDER && relation->argument == 1);
    struct ranked *list = calloc(width + 1, sizeof *list);
    if (list == NULL)
        return diag_set(run->diag, STATUS_NO_MEMORY, "no memory to sort %zu values", width);
    enum status status = STATUS_OK;
    struct position at = start(relation);
    for (size_t row = 0; width > 0 && row < count / width && status == STATUS_OK; row++) {
        for (size_t k = 0; k < width; k++, position_next(&at))
            list[k] =
                (struct ranked){view_value(run, &relation->views[0], &at), (int64_t)k, descending};
        qsort(list, width, sizeof *list, compare_ranked);
        if (relation->hint != HINT_SORT_ORDER) {
            status = put(run, relation->outputs[0], row, wide_from_i64(list[0].index));
            continue;
        }
        for (size_t k = 0; k < width && status == STATUS_OK; k++)
            status = put(run, relation->outputs[0], row * width + k, wide_from_i64(list[k].index));
    }
    free(list);
    return status;
}

static enum status run_hint(const struct run *run)
{
    const struct relation *relation = run->relation;
    if (relation->hint != HINT_DIVIDE_FLOOR && relation->hint != HINT_SQUARE_ROOT &&
        relation->hint != HINT_BIT_LENGTH)
        return run_hint_order(run);
    size_t count = space_count(relation);
    struct position at = start(relation);
    for (; at.flat < count; position_next(&at)) {
        wide x = view_value(run, &relation->views[0], &at), value = wide_from_i64(0), rest;
        if (relation->hint == HINT_SQUARE_ROOT) {
            if (!wide_is_negative(x))
                value = wide_square_root(x);
        } else if (relation->hint == HINT_BIT_LENGTH) {
            if (!wide_is_negative(x) && !wide_is_zero(x))
                value = wide_from_i64((int64_t)wide_bit_length(x) - 1);
        } else {
            wide d = view_value(run, &relation->views[1], &at);
            if (!wide_is_negative(d) && !wide_is_zero(d))
                wide_divide_floor(&value, &rest, x, d);
        }
        enum status status = put(run, relation->outputs[0], at.flat, value);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status run_digest(const struct run *run, relation_digest_fn digest, void *context)
{
    const struct relation *relation = run->relation;
    size_t count = space_count(relation);
    if (digest == NULL)
        return diag_set(run->diag, STATUS_UNSUPPORTED,
                        "node %s: this program hashes values and no digest was supplied",
                        node_name(run));
    wide *cells = calloc(count + 1, sizeof *cells);
    if (cells == NULL)
        return diag_set(run->diag, STATUS_NO_MEMORY, "no memory to hash %zu values", count);
    struct position at = start(relation);
    for (; at.flat < count; position_next(&at))
        cells[at.flat] = view_value(run, &relation->views[0], &at);
    const struct relation_tensor *source = &run->program->tensors[relation->views[0].tensor];
    wide result, salt = relation_value(run->values, relation->views[1].tensor,
                                       (size_t)relation->views[1].offset);
    enum status status =
        digest(context, &result, cells, count, source->low, source->high, salt, run->diag);
    if (status == STATUS_OK)
        status = put(run, relation->outputs[0], 0, result);
    free(cells);
    return status;
}

static enum status run_relation(const struct run *run, relation_digest_fn digest, void *context)
{
    switch (run->relation->kind) {
    case RELATION_LINEAR:
        return run_linear(run);
    case RELATION_CONTRACT:
        return run_contract(run);
    case RELATION_PRODUCT:
        return run_product(run);
    case RELATION_IS_ZERO:
        return run_is_zero(run);
    case RELATION_RESCALE:
        return run_rescale(run);
    case RELATION_RANGE:
        return run_range(run);
    case RELATION_TABLE:
        return run_table(run);
    case RELATION_READ:
        return run_read(run);
    case RELATION_PERMUTE:
        return run_permute(run);
    case RELATION_HINT:
        return run_hint(run);
    case RELATION_DIGEST:
        return run_digest(run, digest, context);
    }
    return STATUS_OK;
}

enum status relation_evaluate(const struct relation_program *program,
                              struct relation_values *values,
                              const struct relation_evaluator *evaluator, relation_digest_fn digest,
                              void *digest_context, struct diag *diag)
{
    for (size_t i = 0; i < program->relation_count; i++) {
        if (evaluator != NULL && evaluator->run(evaluator->context, i, values))
            continue;
        struct run run = {program, values, &program->relations[i], diag};
        enum status status = run_relation(&run, digest, digest_context);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status relation_interpret(const struct relation_program *program,
                               struct relation_values *values, relation_digest_fn digest,
                               void *digest_context, struct diag *diag)
{
    return relation_evaluate(program, values, NULL, digest, digest_context, diag);
}
