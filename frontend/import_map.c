/*
 * Import rules of maps: DictVectorizer and CastMap of ai.onnx.ml. A map is a row of values, one a
 * key, and its keys are known while the model is imported: those of ZipMap, or, for an input, those
 * that its consumer asks for.
 */
#include <stdlib.h>
#include <string.h>

#include "frontend/import_inputs.h"
#include "frontend/import_node.h"
#include "frontend/import_rules.h"

static const Onnx__Attribute *find_attribute(const Onnx__Node *node, const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (node->attribute[i]->name != NULL && strcmp(node->attribute[i]->name, name) == 0)
            return node->attribute[i];
    return NULL;
}

static struct tensor *text_keys(const Onnx__Attribute *list, struct arena *arena)
{
    struct tensor *keys =
        tensor_new(arena, ELEMENT_STRING, &(struct shape){1, {(int64_t)list->n_strings}});
    for (size_t i = 0; keys != NULL && i < keys->count; i++) {
        keys->data.text[i] =
            arena_strndup(arena, (const char *)list->strings[i].data, list->strings[i].len);
        if (keys->data.text[i] == NULL)
            return NULL;
    }
    return keys;
}

static struct tensor *integer_keys(const int64_t *list, size_t count, struct arena *arena)
{
    struct tensor *keys = tensor_new(arena, ELEMENT_I64, &(struct shape){1, {(int64_t)count}});
    for (size_t i = 0; keys != NULL && i < count; i++)
        keys->data.integer[i] = list == NULL ? (int64_t)i : list[i];
    return keys;
}

/* The largest map that CastMap may ask for: its keys are 0, 1, ... */
#define MAP_KEYS_LIMIT (1 << 20)

enum status import_map_keys(struct tensor **out, const Onnx__Graph *graph, const char *input,
                            struct arena *arena, struct diag *diag)
{
    *out = NULL;
    for (size_t i = 0; i < graph->n_node && *out == NULL; i++) {
        const Onnx__Node *node = graph->node[i];
        const char *op = node->op_type == NULL ? "" : node->op_type;
        if (node->n_input != 1 || strcmp(node->input[0], input) != 0)
            continue;
        const Onnx__Attribute *words = find_attribute(node, "string_vocabulary");
        const Onnx__Attribute *numbers = find_attribute(node, "int64_vocabulary");
        const Onnx__Attribute *largest = find_attribute(node, "max_map");
        bool is_cast = strcmp(op, "CastMap") == 0;
        if (strcmp(op, "DictVectorizer") == 0 && words != NULL)
            *out = text_keys(words, arena);
        else if (strcmp(op, "DictVectorizer") == 0 && numbers != NULL)
            *out = integer_keys(numbers->ints, numbers->n_ints, arena);
        else if (is_cast && largest != NULL && largest->i > 0 && largest->i <= MAP_KEYS_LIMIT)
            *out = integer_keys(NULL, (size_t)largest->i, arena);
        else
            continue;
        if (*out == NULL)
            return arena_failure(arena, 0, "the keys of a map", diag);
    }
    if (*out == NULL)
        return diag_set(
            diag, STATUS_UNSUPPORTED,
            "input '%s' is a map, and no DictVectorizer or sparse CastMap says which keys it has",
            input);
    return STATUS_OK;
}

static bool same_key(const struct tensor *a, size_t i, const struct tensor *b, size_t k)
{
    if (a->type == ELEMENT_STRING)
        return strcmp(a->data.text[i], b->data.text[k]) == 0;
    return a->data.integer[i] == b->data.integer[k];
}

/* The columns of a map in the order of other keys; 0 for those it lacks. */
static uint32_t columns_of(struct import_node *n, uint32_t x, const struct tensor *wanted)
{
    const struct tensor *keys = x == GRAPH_NONE ? NULL : n->unit->graph->values[x].map_keys;
    if (keys == NULL || keys->type != wanted->type) {
        rule_fail(n, STATUS_BAD_INPUT, "its input is not a map with keys of this kind");
        return GRAPH_NONE;
    }
    int64_t *index = arena_array(n->importer->arena, int64_t, wanted->count);
    bool is_same = keys->count == wanted->count, is_whole = true;
    if (index == NULL) {
        rule_out_of_memory(n);
        return GRAPH_NONE;
    }
    for (size_t i = 0; i < wanted->count; i++) {
        size_t k = 0;
        while (k < keys->count && !same_key(keys, k, wanted, i))
            k++;
        /* One more column, of zeros, stands after the last. */
        index[i] = (int64_t)k;
        is_same = is_same && k == i;
        is_whole = is_whole && k < keys->count;
    }
    if (is_same)
        return emit1(n, OP_IDENTITY, x);
    if (!is_whole) {
        int64_t pads[4] = {0, 0, 0, 1};
        x = emit2(n, OP_PAD, x, constant_ints(n, pads, 4));
    }
    uint32_t list = constant_ints(n, index, wanted->count);
    stage_int(n, "axis", 1);
    return emit2(n, OP_GATHER, x, list);
}

/* Drops the keys: what comes out is a plain tensor. */
static void give_plain(struct import_node *n, uint32_t value)
{
    if (n->status == STATUS_OK && value != GRAPH_NONE)
        n->unit->graph->values[value].map_keys = NULL;
    set_output(n, 0, value);
}

/* DictVectorizer */
void import_dict_vectorizer(struct import_node *n)
{
    uint32_t x = required(n, 0);
    size_t text_count, int_count;
    const char **texts = attr_texts(n, "string_vocabulary", &text_count);
    const int64_t *ints = attr_ints(n, "int64_vocabulary", &int_count);
    struct tensor *wanted = text_count == 0 ? integer_keys(ints, int_count, n->importer->arena)
                                            : tensor_new(n->importer->arena, ELEMENT_STRING,
                                                         &(struct shape){1, {(int64_t)text_count}});
    if (wanted == NULL) {
        rule_out_of_memory(n);
        return;
    }
    if (text_count != 0)
        memcpy(wanted->data.text, texts, text_count * sizeof *texts);
    if (text_count + int_count == 0)
        rule_fail(n, STATUS_BAD_INPUT, "it has no vocabulary");
    if (n->status == STATUS_OK)
        give_plain(n, columns_of(n, x, wanted));
}

static int compare_integers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* CastMap: DENSE gives the values in the order of their keys, SPARSE one column for each of 0 to
 * max_map - 1. */
void import_cast_map(struct import_node *n)
{
    uint32_t x = required(n, 0);
    const struct tensor *keys = x == GRAPH_NONE ? NULL : n->unit->graph->values[x].map_keys;
    bool is_sparse = strcmp(attr_text(n, "map_form", "DENSE"), "SPARSE") == 0;
    const char *to = attr_text(n, "cast_to", "TO_FLOAT");
    int64_t largest = attr_int(n, "max_map", 1);
    if (keys == NULL || keys->type != ELEMENT_I64)
        rule_fail(n, STATUS_BAD_INPUT, "its input is not a map with integer keys");
    else if (is_sparse && (largest < 1 || largest > MAP_KEYS_LIMIT))
        rule_fail(n, STATUS_BAD_INPUT, "max_map = %lld", (long long)largest);
    if (strcmp(to, "TO_FLOAT") != 0 && strcmp(to, "TO_INT64") != 0)
        rule_fail(n, STATUS_UNSUPPORTED, "cast_to = %s; TO_FLOAT and TO_INT64 are supported", to);
    if (n->status != STATUS_OK)
        return;
    struct tensor *wanted = is_sparse
                                ? integer_keys(NULL, (size_t)largest, n->importer->arena)
                                : integer_keys(keys->data.integer, keys->count, n->importer->arena);
    if (wanted == NULL) {
        rule_out_of_memory(n);
        return;
    }
    if (!is_sparse)
        qsort(wanted->data.integer, wanted->count, sizeof(int64_t), compare_integers);
    uint32_t row = columns_of(n, x, wanted);
    give_plain(n, cast_to(n, row, strcmp(to, "TO_FLOAT") == 0 ? ELEMENT_F32 : ELEMENT_I64));
}
