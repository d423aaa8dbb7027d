/* See jit_form.h. */
#include "backend/witness/jit_form.h"

#include <string.h>

#include "ir/relation_interpret.h"

size_t jit_list_number(const struct jit_plan *plan, size_t v)
{
    return NUMBER_OFFSET + plan->view_count + v;
}

size_t jit_coefficient_number(const struct jit_plan *plan, size_t k)
{
    return NUMBER_OFFSET + 2 * plan->view_count + k;
}

static bool has_terms(const struct relation *relation)
{
    return relation->kind == RELATION_LINEAR || relation->kind == RELATION_PRODUCT;
}

/* ---- ranges ---- */

/* What a result cannot exceed in magnitude, whatever the values are. */
static wide result_bound(const struct relation *relation, const struct jit_plan *plan)
{
    bool is_index = relation->kind == RELATION_HINT &&
                    (relation->hint == HINT_ARG_MAX || relation->hint == HINT_ARG_MIN);
    if (relation->kind == RELATION_HINT && relation->hint == HINT_BIT_LENGTH)
        return wide_from_i64(256);
    return relation->kind == RELATION_TABLE || is_index ? wide_power_of_two(63) : plan->bound;
}

struct jit_check jit_check_of(const struct relation_program *program,
                              const struct relation *relation, const struct jit_plan *plan,
                              unsigned k)
{
    bool is_range = relation->kind == RELATION_RANGE;
    const struct relation_tensor *t = is_range ? NULL : &program->tensors[relation->outputs[k]];
    wide low = is_range ? relation->low : t->low, high = is_range ? relation->high : t->high;
    wide bound = result_bound(relation, plan), least;
    ASSERT(wide_neg(&least, bound));
    return (struct jit_check){.is_bad =
                                  wide_compare(low, bound) > 0 || wide_compare(high, least) < 0,
                              .low = wide_compare(low, least) > 0,
                              .high = wide_compare(high, bound) < 0};
}

/* ---- tensors ---- */

static uint32_t slot_of(uint32_t *tensors, size_t *count, uint32_t tensor)
{
    uint32_t slot = 0;
    while (slot < *count && tensors[slot] != tensor)
        slot++;
    if (slot == *count)
        tensors[(*count)++] = tensor;
    return slot;
}

/* Gathers the tensors and writes which of them each view, result and memory is. */
static bool take_tensors(struct jit_form *form, struct buffer *code,
                         const struct relation_program *program, const struct relation *relation,
                         const struct jit_plan *plan, struct arena *arena)
{
    uint32_t tensors[JIT_TENSORS_MAX];
    size_t count = 0;
    for (size_t v = 0; v < plan->view_count; v++)
        buffer_put_u32(code, slot_of(tensors, &count, plan->views[v].tensor));
    for (unsigned k = 0; k < relation->output_count; k++)
        buffer_put_u32(code, slot_of(tensors, &count, relation->outputs[k]));
    if (relation->kind == RELATION_READ) {
        const struct relation_tensor *memory = &program->tensors[relation->memory];
        buffer_put_u32(code, slot_of(tensors, &count, relation->memory));
        buffer_put_u64(code, memory->count / (size_t)memory->shape[0]);
    }
    for (size_t i = 0; i < count; i++)
        buffer_put_u8(code, relation_tensor_is_narrow(&program->tensors[tensors[i]]));
    form->tensor_count = count;
    form->tensors = arena_memdup(arena, tensors, count * sizeof *tensors);
    return form->tensors != NULL;
}

/* ---- numbers ---- */

static wide address(const void *pointer)
{
    return wide_from_i64((int64_t)(intptr_t)pointer);
}

static void take_divisor(wide *numbers, const struct relation *relation)
{
    unsigned bits = wide_bit_length(relation->divisor);
    numbers[NUMBER_DIVISOR] = relation->divisor;
    numbers[NUMBER_HALF] = wide_shift_right(relation->divisor, 1);
    ASSERT(wide_sub(&numbers[NUMBER_MASK], relation->divisor, wide_from_i64(1)));
    numbers[NUMBER_SHIFT] = wide_from_i64(bits == 0 ? 0 : (int64_t)bits - 1);
}

static void take_table(wide *numbers, const struct relation_table *table)
{
    numbers[NUMBER_FIRST] = wide_from_i64(table->x_low);
    numbers[NUMBER_LAST] = wide_from_i64(table->x_low + (int64_t)table->size - 1);
    for (unsigned k = 0; k < table->output_count; k++)
        numbers[NUMBER_TABLE + k] = address(table->outputs[k]);
}

static bool take_numbers(struct jit_form *form, const struct relation_program *program,
                         const struct relation *relation, const struct jit_plan *plan,
                         struct arena *arena)
{
    size_t terms = has_terms(relation) ? relation->term_count : 0;
    wide *numbers = arena_array(arena, wide, jit_coefficient_number(plan, terms));
    if (numbers == NULL)
        return false;
    form->numbers = numbers;
    numbers[NUMBER_CONSTANT] = relation->constant;
    if (relation->kind == RELATION_RESCALE)
        take_divisor(numbers, relation);
    if (relation->kind == RELATION_TABLE)
        take_table(numbers, &program->tables[relation->table]);
    if (relation->kind == RELATION_READ)
        numbers[NUMBER_LAST] = wide_from_i64(program->tensors[relation->memory].shape[0] - 1);
    for (unsigned k = 0; k < relation->output_count; k++) {
        numbers[NUMBER_LOW + k] = program->tensors[relation->outputs[k]].low;
        numbers[NUMBER_HIGH + k] = program->tensors[relation->outputs[k]].high;
    }
    if (relation->kind == RELATION_RANGE) {
        numbers[NUMBER_LOW] = relation->low;
        numbers[NUMBER_HIGH] = relation->high;
    }
    for (size_t v = 0; v < plan->view_count; v++) {
        numbers[NUMBER_OFFSET + v] = wide_from_i64(plan->views[v].offset);
        numbers[jit_list_number(plan, v)] = address(plan->views[v].list);
    }
    for (size_t k = 0; k < terms; k++)
        numbers[jit_coefficient_number(plan, k)] = relation->terms[k].coefficient;
    return true;
}

/* ---- code ---- */

static void write_view(struct buffer *code, const struct jit_plan *plan,
                       const struct jit_view *view)
{
    buffer_put_u8(code, view->list != NULL);
    buffer_put_u8(code, view->may_miss);
    for (unsigned d = 0; d < plan->rank; d++) {
        buffer_put_u64(code, (uint64_t)view->stride[d]);
        buffer_put_u8(code, view->is_bounded[d]);
        buffer_put_u64(code, view->is_bounded[d] ? (uint64_t)view->low[d] : 0);
        buffer_put_u64(code, view->is_bounded[d] ? (uint64_t)view->high[d] : 0);
    }
}

static void write_terms(struct buffer *code, const struct relation *relation)
{
    buffer_put_u8(code, wide_is_zero(relation->constant));
    buffer_put_u8(code, relation->is_assert);
    for (size_t k = 0; k < relation->term_count; k++) {
        buffer_put_u8(code, relation->terms[k].factor_count);
        buffer_put_u8(code, jit_is_one(relation->terms[k].coefficient));
    }
}

static void write_rescale(struct buffer *code, const struct relation *relation,
                          const struct jit_plan *plan)
{
    bool is_shift = !relation->divisor_is_view && jit_is_power_of_two(relation->divisor);
    buffer_put_u8(code, (uint8_t)relation->rounding);
    buffer_put_u8(code, relation->divisor_is_view);
    buffer_put_u8(code, is_shift);
    /* Dividing by a number that is known takes a fraction of the time. */
    if (!is_shift && !relation->divisor_is_view && plan->bits == 64)
        buffer_put(code, &relation->divisor, sizeof relation->divisor);
}

static void write_checks(struct buffer *code, const struct relation_program *program,
                         const struct relation *relation, const struct jit_plan *plan)
{
    unsigned count = relation->kind == RELATION_RANGE ? 1 : relation->output_count;
    for (unsigned k = 0; k < count; k++) {
        struct jit_check check = jit_check_of(program, relation, plan, k);
        buffer_put_u8(code, check.is_bad);
        buffer_put_u8(code, check.low);
        buffer_put_u8(code, check.high);
    }
}

bool jit_form_make(struct jit_form *form, struct buffer *code,
                   const struct relation_program *program, const struct relation *relation,
                   const struct jit_plan *plan, struct arena *arena)
{
    buffer_clear(code);
    buffer_put_u8(code, (uint8_t)relation->kind);
    buffer_put_u8(code, relation->kind == RELATION_HINT ? (uint8_t)relation->hint : 0);
    buffer_put_u32(code, plan->bits);
    buffer_put_u32(code, plan->rank);
    buffer_put_u32(code, plan->inner);
    buffer_put_u32(code, relation->output_count);
    buffer_put_u64(code, plan->view_count);
    buffer_put_u64(code, has_terms(relation) ? relation->term_count : 0);
    for (unsigned d = 0; d < plan->rank; d++)
        buffer_put_u64(code, (uint64_t)plan->count[d]);
    for (size_t v = 0; v < plan->view_count + 2; v++)
        write_view(code, plan, &plan->views[v]);
    if (has_terms(relation))
        write_terms(code, relation);
    if (relation->kind == RELATION_RESCALE)
        write_rescale(code, relation, plan);
    write_checks(code, program, relation, plan);
    return take_tensors(form, code, program, relation, plan, arena) &&
           take_numbers(form, program, relation, plan, arena) && !code->failed;
}

/* ---- groups ---- */

/* FNV-1a. */
static uint64_t hash_of(const uint8_t *bytes, size_t count)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

/* Open addressing over a power of two of slots, each an index + 1. */
static uint32_t find_group(struct jit_groups *groups, uint32_t *slots, size_t slot_count,
                           const struct buffer *code, struct arena *arena)
{
    uint64_t hash = hash_of(code->data, code->count);
    size_t at = (size_t)hash & (slot_count - 1);
    for (; slots[at] != 0; at = (at + 1) & (slot_count - 1)) {
        const struct jit_group *group = &groups->item[slots[at] - 1];
        if (group->hash == hash && group->code_bytes == code->count &&
            memcmp(group->code, code->data, code->count) == 0)
            return slots[at] - 1;
    }
    const uint8_t *copy = arena_memdup(arena, code->data, code->count);
    if (copy == NULL)
        return RELATION_NONE;
    groups->item[groups->count++] = (struct jit_group){
        .first = RELATION_NONE, .code = copy, .code_bytes = code->count, .hash = hash};
    slots[at] = (uint32_t)groups->count;
    return (uint32_t)groups->count - 1;
}

bool jit_groups_find(struct jit_groups *groups, const struct relation_program *program,
                     struct arena *arena)
{
    struct buffer code;
    struct arena scratch;
    size_t count = program->relation_count, slot_count = 16;
    while (slot_count < 2 * count)
        slot_count *= 2;
    arena_init(&scratch, 0);
    buffer_init(&code);
    uint32_t *slots = arena_array(arena, uint32_t, slot_count);
    *groups = (struct jit_groups){.item = arena_array(arena, struct jit_group, count + 1),
                                  .of = arena_array(arena, uint32_t, count + 1),
                                  .forms = arena_array(arena, struct jit_form, count + 1)};
    /* The first block stays when the arena is rewound. */
    bool complete = arena_alloc(&scratch, 1) != NULL && slots != NULL && groups->item != NULL &&
                    groups->of != NULL && groups->forms != NULL;
    for (uint32_t i = 0; complete && i < count; i++) {
        struct arena_mark mark = arena_checkpoint(&scratch);
        struct jit_plan plan;
        groups->of[i] = RELATION_NONE;
        jit_plan_relation(&plan, program, &program->relations[i], &scratch);
        if (plan.bits != 0)
            complete = jit_form_make(&groups->forms[i], &code, program, &program->relations[i],
                                     &plan, arena) &&
                       (groups->of[i] = find_group(groups, slots, slot_count, &code, arena)) !=
                           RELATION_NONE;
        if (complete && plan.bits != 0) {
            struct jit_group *group = &groups->item[groups->of[i]];
            group->first = group->members == 0 ? i : group->first;
            group->members++;
            group->steps += (double)plan.steps;
        }
        arena_rewind(&scratch, mark);
    }
    buffer_release(&code);
    arena_release(&scratch);
    return complete;
}
