/*
 * Builders and views of relation programs. Called by passes/lower and by tests; stands on the arena
 * alone.
 *
 * Everything a builder is given is copied, so a caller may keep its descriptions on the stack.
 */
#include "ir/relation.h"

#include <string.h>

void relation_program_init(struct relation_program *program, struct arena *arena)
{
    memset(program, 0, sizeof *program);
    program->arena = arena;
}

/* Makes room for one more entry; arenas never give back, so the old array is left behind. */
static bool reserve_one(struct arena *arena, void **array, size_t count, size_t *capacity,
                        size_t size)
{
    if (count < *capacity)
        return true;
    size_t larger = *capacity == 0 ? 32 : 2 * *capacity;
    void *copy = arena_alloc_array(arena, larger, size);
    if (copy == NULL)
        return false;
    if (count > 0)
        memcpy(copy, *array, count * size);
    *array = copy;
    *capacity = larger;
    return true;
}

static size_t product_of(uint8_t rank, const int64_t *shape)
{
    size_t count = 1;
    for (unsigned d = 0; d < rank; d++)
        count *= (size_t)shape[d];
    return count;
}

uint32_t relation_add_tensor(struct relation_program *program, const struct relation_tensor *tensor)
{
    ASSERT(tensor->rank <= RELATION_RANK_MAX);
    struct relation_tensor copy = *tensor;
    copy.count = product_of(tensor->rank, tensor->shape);
    if (copy.scale.numerator == 0)
        copy.scale.numerator = 1;
    if (copy.scale.denominator == 0)
        copy.scale.denominator = 1;
    void *array = program->tensors;
    if (!reserve_one(program->arena, &array, program->tensor_count, &program->tensor_capacity,
                     sizeof copy))
        return RELATION_NONE;
    program->tensors = array;
    copy.name = arena_strdup(program->arena, tensor->name == NULL ? "" : tensor->name);
    if (copy.name == NULL)
        return RELATION_NONE;
    if (tensor->values != NULL) {
        copy.values =
            arena_memdup(program->arena, tensor->values, copy.count * sizeof *copy.values);
        if (copy.values == NULL)
            return RELATION_NONE;
    }
    program->tensors[program->tensor_count] = copy;
    return (uint32_t)program->tensor_count++;
}

/* Number of index list entries of a view in the relation's own space. */
static bool copy_view(struct arena *arena, struct relation_view *view, size_t count)
{
    if (view->index_list == NULL)
        return true;
    view->index_list = arena_memdup(arena, view->index_list, count * sizeof *view->index_list);
    return view->index_list != NULL;
}

static bool copy_terms(struct arena *arena, struct relation *relation, size_t count)
{
    if (relation->term_count == 0)
        return true;
    relation->terms =
        arena_memdup(arena, relation->terms, relation->term_count * sizeof *relation->terms);
    if (relation->terms == NULL)
        return false;
    for (size_t t = 0; t < relation->term_count; t++) {
        for (unsigned f = 0; f < relation->terms[t].factor_count; f++) {
            if (!copy_view(arena, &relation->terms[t].factors[f], count))
                return false;
        }
    }
    return true;
}

uint32_t relation_add(struct relation_program *program, const struct relation *relation)
{
    ASSERT(relation->space_rank <= RELATION_RANK_MAX && relation->view_count <= 3 &&
           relation->output_count <= TABLE_OUTPUT_MAX);
    struct relation copy = *relation;
    size_t count = product_of(relation->space_rank, relation->space);
    void *array = program->relations;
    if (!reserve_one(program->arena, &array, program->relation_count, &program->relation_capacity,
                     sizeof copy))
        return RELATION_NONE;
    program->relations = array;
    if (!copy_terms(program->arena, &copy, count))
        return RELATION_NONE;
    for (unsigned v = 0; v < copy.view_count; v++) {
        if (!copy_view(program->arena, &copy.views[v], count))
            return RELATION_NONE;
    }
    program->relations[program->relation_count] = copy;
    return (uint32_t)program->relation_count++;
}

uint32_t relation_add_table(struct relation_program *program, const struct relation_table *table)
{
    ASSERT(table->output_count >= 1 && table->output_count <= TABLE_OUTPUT_MAX &&
           table->key != NULL);
    for (size_t i = 0; i < program->table_count; i++) {
        if (strcmp(program->tables[i].key, table->key) == 0)
            return (uint32_t)i;
    }
    void *array = program->tables;
    if (!reserve_one(program->arena, &array, program->table_count, &program->table_capacity,
                     sizeof *table))
        return RELATION_NONE;
    program->tables = array;
    struct relation_table copy = *table;
    copy.key = arena_strdup(program->arena, table->key);
    if (copy.key == NULL)
        return RELATION_NONE;
    for (unsigned k = 0; k < table->output_count; k++) {
        copy.outputs[k] = arena_memdup(program->arena, table->outputs[k],
                                       table->size * sizeof *table->outputs[k]);
        if (copy.outputs[k] == NULL)
            return RELATION_NONE;
    }
    program->tables[program->table_count] = copy;
    return (uint32_t)program->table_count++;
}

void relation_table_ends(const struct relation_table *table, unsigned k, int64_t *low,
                         int64_t *high)
{
    int64_t least = table->outputs[k][0], greatest = least;
    for (size_t i = 1; i < table->size; i++) {
        int64_t entry = table->outputs[k][i];
        least = entry < least ? entry : least;
        greatest = entry > greatest ? entry : greatest;
    }
    *low = least;
    *high = greatest;
}

struct relation_view relation_view_whole(const struct relation_program *program, uint32_t tensor,
                                         uint8_t rank, const int64_t *space)
{
    const struct relation_tensor *source = &program->tensors[tensor];
    ASSERT(source->rank <= rank && rank <= RELATION_RANK_MAX);
    struct relation_view view = {.tensor = tensor};
    int64_t stride = 1;
    for (unsigned d = rank; d-- > 0;) {
        view.high[d] = space[d];
        unsigned missing = (unsigned)(rank - source->rank);
        if (d < missing)
            continue;
        int64_t dim = source->shape[d - missing];
        ASSERT(dim == space[d] || dim == 1);
        view.stride[d] = dim == 1 ? 0 : stride;
        stride *= dim;
    }
    return view;
}

int64_t relation_view_element(const struct relation_view *view, uint8_t rank, const int64_t *space,
                              size_t position)
{
    if (view->index_list != NULL)
        return view->index_list[position];
    int64_t element = view->offset;
    for (unsigned d = rank; d-- > 0;) {
        int64_t index = (int64_t)(position % (size_t)space[d]);
        position /= (size_t)space[d];
        if (index < view->low[d] || index >= view->high[d])
            return -1;
        element += view->stride[d] * index;
    }
    return element;
}
