/*
 * Strings as numbers. A pool numbers the strings of one kind: those of all inputs together, the
 * labels of one classifier, the values of one encoder. Values carry the table of their pool, so
 * that what is published of an output holds its own strings and no others. Where strings of two
 * pools meet in one operator, one side is renumbered.
 */
#include <string.h>

#include "frontend/import_node.h"

struct text_pool *text_pool_new(struct importer *importer)
{
    struct text_pool *pool = arena_new(importer->arena, struct text_pool);
    struct tensor *table = tensor_new(importer->arena, ELEMENT_STRING, &(struct shape){1, {0}});
    if (pool == NULL || table == NULL) {
        importer->fatal = STATUS_NO_MEMORY;
        return NULL;
    }
    *pool = (struct text_pool){.next = importer->pools, .table = table};
    names_init(&pool->names, importer->arena);
    importer->pools = pool;
    return pool;
}

struct text_pool *text_pool_of(const struct importer *importer, const struct tensor *table)
{
    struct text_pool *pool = importer->pools;
    while (pool != NULL && pool->table != table)
        pool = pool->next;
    return pool;
}

struct tensor *text_numbers(struct importer *importer, struct text_pool *pool,
                            const char *const *texts, size_t count)
{
    struct shape shape = {.rank = 1, .dim = {(int64_t)count}};
    struct tensor *numbers = pool == NULL ? NULL : tensor_new(importer->arena, ELEMENT_I64, &shape);
    for (size_t i = 0; numbers != NULL && i < count; i++) {
        uint32_t number = names_add(&pool->names, texts[i]);
        if (number == NAME_NONE)
            return NULL;
        numbers->data.integer[i] = number;
    }
    return numbers;
}

uint32_t text_constant(struct import_node *n, struct text_pool *pool, struct tensor *numbers)
{
    uint32_t value = constant_tensor(n, numbers);
    if (value != GRAPH_NONE)
        n->unit->graph->values[value].text_table = pool->table;
    return value;
}

void text_pools_fill(struct importer *importer)
{
    for (struct text_pool *pool = importer->pools; pool != NULL; pool = pool->next) {
        size_t count = pool->names.count;
        struct tensor *table =
            tensor_new(importer->arena, ELEMENT_STRING, &(struct shape){1, {(int64_t)count}});
        if (table == NULL) {
            importer->fatal = STATUS_NO_MEMORY;
            return;
        }
        for (size_t i = 0; i < count; i++)
            table->data.text[i] = names_text(&pool->names, (uint32_t)i);
        /* In place: every value of the pool points here already. */
        *pool->table = *table;
    }
}

/* The numbers that the strings of `from` have in `to`. */
static struct tensor *translation(struct import_node *n, const struct text_pool *from,
                                  struct text_pool *to)
{
    return text_numbers(n->importer, to, from->names.text, from->names.count);
}

/* A constant renumbered at once. */
static uint32_t recode_constant(struct import_node *n, const struct tensor *data,
                                const struct tensor *numbers, struct text_pool *to)
{
    struct tensor *result = tensor_new(n->importer->arena, ELEMENT_I64, &data->shape);
    for (size_t i = 0; result != NULL && i < data->count; i++) {
        int64_t number = data->data.integer[i];
        bool is_known = number >= 0 && (size_t)number < numbers->count;
        result->data.integer[i] = is_known ? numbers->data.integer[number] : -1;
    }
    return text_constant(n, to, result);
}

static uint32_t recode(struct import_node *n, uint32_t value, struct text_pool *to)
{
    const struct graph_value *v = &n->unit->graph->values[value];
    struct text_pool *from = text_pool_of(n->importer, v->text_table);
    struct tensor *numbers = from == NULL ? NULL : translation(n, from, to);
    if (numbers == NULL) {
        rule_out_of_memory(n);
        return GRAPH_NONE;
    }
    if (v->data != NULL)
        return recode_constant(n, v->data, numbers, to);
    struct tensor *places = tensor_new(n->importer->arena, ELEMENT_I64, &numbers->shape);
    for (size_t i = 0; places != NULL && i < places->count; i++)
        places->data.integer[i] = (int64_t)i;
    uint32_t in[4] = {value, constant_tensor(n, places), GRAPH_NONE, GRAPH_NONE};
    in[2] = text_constant(n, to, numbers);
    in[3] = constant_int(n, -1);
    return emit_list(n, OP_LABEL_ENCODER, in, 4);
}

void unify_texts(struct import_node *n, uint32_t *in, size_t count)
{
    struct text_pool *common = NULL;
    bool differ = false;
    for (size_t i = 0; i < count; i++) {
        const struct tensor *table =
            in[i] == GRAPH_NONE ? NULL : n->unit->graph->values[in[i]].text_table;
        if (table == NULL)
            continue;
        struct text_pool *pool = text_pool_of(n->importer, table);
        differ = differ || (common != NULL && pool != common);
        /* The pool of the inputs may still grow, so that only others can be renumbered whole. */
        common = common == NULL || pool == n->importer->input_pool ? pool : common;
    }
    for (size_t i = 0; differ && i < count && n->status == STATUS_OK; i++)
        if (in[i] != GRAPH_NONE && n->unit->graph->values[in[i]].text_table != NULL &&
            n->unit->graph->values[in[i]].text_table != common->table)
            in[i] = recode(n, in[i], common);
}
