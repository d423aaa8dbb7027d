/*
 * Import rules of strings and labels: LabelEncoder, CategoryMapper, ZipMap, TfIdfVectorizer, casts
 * of constants. Every string of a model has a number; in the graph a string is that number, int64,
 * and the value carries the table that leads back.
 */
#include <stdio.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"

/* --- casts of constants --- */

static bool parse_element(const char *text, enum element_type to, struct tensor *out, size_t i)
{
    char *end;
    errno = 0;
    if (element_type_is_float(to)) {
        out->data.real[i] = element_round(to, strtod(text, &end));
    } else {
        out->data.integer[i] = strtoll(text, &end, 10);
        if (errno != 0 || element_wrap(to, out->data.integer[i]) != out->data.integer[i])
            return false;
    }
    return end != text && *end == 0;
}

static const char *print_element(struct arena *arena, const struct tensor *from, size_t i)
{
    if (!element_type_is_float(from->type))
        return arena_printf(arena, "%" PRId64, from->data.integer[i]);
    double value = from->data.real[i];
    if (isnan(value))
        return "NaN";
    if (isinf(value))
        return value < 0 ? "-INF" : "INF";
    return arena_printf(arena, from->type == ELEMENT_F64 ? "%.17g" : "%.9g", value);
}

enum status text_tensor_cast(struct tensor **out, struct importer *importer,
                             const struct tensor *known, const struct text_pool *from,
                             enum element_type to, struct diag *diag)
{
    struct tensor *result = tensor_new(importer->arena, to, &known->shape);
    if (result == NULL)
        return arena_failure(importer->arena, 8 * known->count, "a constant", diag);
    for (size_t i = 0; i < known->count; i++) {
        if (from == NULL) {
            result->data.text[i] = print_element(importer->arena, known, i);
            if (result->data.text[i] == NULL)
                return arena_failure(importer->arena, 0, "a string", diag);
            continue;
        }
        const char *text = names_text(&from->names, (uint32_t)known->data.integer[i]);
        if (!parse_element(text, to, result, i))
            return diag_set(diag, STATUS_BAD_INPUT, "the string '%s' is not a %s", text,
                            element_type_name(to));
    }
    *out = result;
    return STATUS_OK;
}

/* --- LabelEncoder --- */

static struct tensor *list_tensor(struct import_node *n, enum element_type type, size_t count)
{
    struct tensor *list =
        tensor_new(n->importer->arena, type, &(struct shape){1, {(int64_t)count}});
    if (list == NULL)
        rule_out_of_memory(n);
    return list;
}

/* Reads keys_* or values_*; `what` is "keys" or "values". */
static struct tensor *label_items(struct import_node *n, const char *what)
{
    char name[40];
    size_t count;
    snprintf(name, sizeof name, "%s_tensor", what);
    if (has_attr(n, name)) {
        struct tensor *tensor = attr_tensor(n, name);
        if (tensor != NULL)
            tensor->shape = (struct shape){1, {(int64_t)tensor->count}};
        return tensor;
    }
    snprintf(name, sizeof name, "%s_strings", what);
    if (has_attr(n, name)) {
        const char **texts = attr_texts(n, name, &count);
        struct tensor *list = list_tensor(n, ELEMENT_STRING, count);
        if (list != NULL && count != 0 && texts != NULL)
            memcpy(list->data.text, texts, count * sizeof *texts);
        return list;
    }
    snprintf(name, sizeof name, "%s_int64s", what);
    if (has_attr(n, name)) {
        const int64_t *values = attr_ints(n, name, &count);
        struct tensor *list = list_tensor(n, ELEMENT_I64, count);
        if (list != NULL && count != 0 && values != NULL)
            memcpy(list->data.integer, values, count * sizeof *values);
        return list;
    }
    snprintf(name, sizeof name, "%s_floats", what);
    const double *values = attr_floats(n, name, &count);
    struct tensor *list = list_tensor(n, ELEMENT_F32, count);
    if (list != NULL && count != 0 && values != NULL)
        memcpy(list->data.real, values, count * sizeof *values);
    if (values == NULL)
        rule_fail(n, STATUS_BAD_INPUT, "it has no %s", what);
    return list;
}

/* The value of keys that are not listed, in the type of the values. */
static struct tensor *label_default(struct import_node *n, enum element_type type)
{
    if (has_attr(n, "default_tensor")) {
        struct tensor *tensor = attr_tensor(n, "default_tensor");
        if (tensor != NULL && (tensor->count != 1 || tensor->type != type))
            rule_fail(n, STATUS_BAD_INPUT, "default_tensor does not fit the values");
        if (tensor != NULL)
            tensor->shape = (struct shape){0};
        return tensor;
    }
    struct tensor *one = tensor_new(n->importer->arena, type, &(struct shape){0});
    if (one == NULL)
        rule_out_of_memory(n);
    else if (type == ELEMENT_STRING)
        one->data.text[0] = attr_text(n, "default_string", "_Unused");
    else if (element_type_is_float(type))
        one->data.real[0] = attr_float(n, "default_float", -0.0);
    else
        one->data.integer[0] = attr_int(n, "default_int64", -1);
    return one;
}

/* A list of labels or one label as a value: strings by their numbers in `pool`. */
static uint32_t label_value(struct import_node *n, struct text_pool *pool, struct tensor *list)
{
    if (list->type != ELEMENT_STRING)
        return stored_tensor(n, list);
    struct tensor *numbers = text_numbers(n->importer, pool, list->data.text, list->count);
    if (numbers != NULL)
        numbers->shape = list->shape;
    return text_constant(n, pool, numbers);
}

/* x -> values[k] for the first k with keys[k] == x */
static void encode_labels(struct import_node *n, uint32_t x, struct tensor *keys,
                          struct tensor *values, struct tensor *other)
{
    if (n->status != STATUS_OK)
        return;
    bool text_keys = keys->type == ELEMENT_STRING;
    if (keys->count != values->count)
        rule_fail(n, STATUS_BAD_INPUT, "%zu keys and %zu values", keys->count, values->count);
    if (text_keys != value_is_text(n, x))
        rule_fail(n, STATUS_BAD_INPUT, "its keys are %s, its input is not",
                  text_keys ? "strings" : "numbers");
    struct text_pool *from = text_pool_of(n->importer, n->unit->graph->values[x].text_table);
    struct text_pool *to = text_pool_new(n->importer);
    if (n->status != STATUS_OK || to == NULL)
        return;
    uint32_t in[4] = {x, label_value(n, from, keys), GRAPH_NONE, GRAPH_NONE};
    in[2] = label_value(n, to, values);
    in[3] = label_value(n, to, other);
    if (!text_keys)
        in[0] = cast_to(n, x, keys->type);
    set_output(n, 0, emit_list(n, OP_LABEL_ENCODER, in, 4));
}

/* LabelEncoder, version 1: a list of strings and their positions, in either direction. */
void import_label_encoder_1(struct import_node *n)
{
    uint32_t x = required(n, 0);
    size_t count;
    const char **texts = attr_texts(n, "classes_strings", &count);
    struct tensor *classes = list_tensor(n, ELEMENT_STRING, count);
    struct tensor *positions = list_tensor(n, ELEMENT_I64, count);
    for (size_t i = 0; i < count && n->status == STATUS_OK; i++) {
        classes->data.text[i] = texts[i];
        positions->data.integer[i] = (int64_t)i;
    }
    if (value_is_text(n, x))
        encode_labels(n, x, classes, positions, label_default(n, ELEMENT_I64));
    else
        encode_labels(n, x, positions, classes, label_default(n, ELEMENT_STRING));
}

/* LabelEncoder since version 2 */
void import_label_encoder(struct import_node *n)
{
    uint32_t x = required(n, 0);
    struct tensor *keys = label_items(n, "keys");
    struct tensor *values = label_items(n, "values");
    struct tensor *other = n->status == STATUS_OK ? label_default(n, values->type) : NULL;
    encode_labels(n, x, keys, values, other);
}

/* CategoryMapper: two lists side by side, in either direction. */
void import_category_mapper(struct import_node *n)
{
    uint32_t x = required(n, 0);
    size_t text_count, int_count;
    const char **texts = attr_texts(n, "cats_strings", &text_count);
    const int64_t *ints = attr_ints(n, "cats_int64s", &int_count);
    if (text_count != int_count)
        rule_fail(n, STATUS_BAD_INPUT, "%zu strings and %zu integers", text_count, int_count);
    struct tensor *names = list_tensor(n, ELEMENT_STRING, text_count);
    struct tensor *numbers = list_tensor(n, ELEMENT_I64, text_count);
    for (size_t i = 0; i < text_count && n->status == STATUS_OK; i++) {
        names->data.text[i] = texts[i];
        numbers->data.integer[i] = ints[i];
    }
    if (value_is_text(n, x))
        encode_labels(n, x, names, numbers, label_default(n, ELEMENT_I64));
    else
        encode_labels(n, x, numbers, names, label_default(n, ELEMENT_STRING));
}

/* --- ZipMap, TfIdfVectorizer --- */

/* ZipMap: a renaming: the tensor stays as it is and learns the keys of its columns. */
void import_zip_map(struct import_node *n)
{
    uint32_t x = required(n, 0);
    size_t text_count, int_count;
    const char **texts = attr_texts(n, "classlabels_strings", &text_count);
    const int64_t *ints = attr_ints(n, "classlabels_int64s", &int_count);
    struct tensor *keys = list_tensor(n, text_count != 0 ? ELEMENT_STRING : ELEMENT_I64,
                                      text_count != 0 ? text_count : int_count);
    int64_t columns = column_count(n, x);
    if (n->status == STATUS_OK && (uint64_t)keys->count != (uint64_t)columns)
        rule_fail(n, STATUS_BAD_INPUT, "%zu keys for %lld columns", keys->count,
                  (long long)columns);
    uint32_t out = emit1(n, OP_IDENTITY, x);
    if (n->status != STATUS_OK)
        return;
    if (text_count != 0)
        memcpy(keys->data.text, texts, text_count * sizeof *texts);
    else if (int_count != 0)
        memcpy(keys->data.integer, ints, int_count * sizeof *ints);
    n->unit->graph->values[out].map_keys = keys;
    set_output(n, 0, out);
}

/*
 * The weights of n-grams, by the coordinates that the n-grams have. Several n-grams of one
 * coordinate have to have one weight, since only their sum is known there.
 */
static uint32_t coordinate_weights(struct import_node *n, const double *list, size_t count)
{
    size_t index_count;
    const int64_t *index = attr_ints(n, "ngram_indexes", &index_count);
    const int64_t most = (int64_t)1 << 24;
    int64_t last = -1, width;
    for (size_t i = 0; i < index_count; i++)
        last = index[i] > last ? index[i] : last;
    if (count != index_count || last >= most) {
        rule_fail(n, STATUS_BAD_INPUT, "%zu weights for %zu n-grams of coordinates up to %lld",
                  count, index_count, (long long)last);
        return GRAPH_NONE;
    }
    width = last + 1;
    double *weights = arena_array(n->importer->arena, double, (size_t)width);
    bool *is_set = arena_array(n->importer->arena, bool, (size_t)width);
    if (weights == NULL || is_set == NULL) {
        rule_out_of_memory(n);
        return GRAPH_NONE;
    }
    for (size_t i = 0; i < index_count; i++) {
        int64_t at = index[i];
        if (at < 0 || (is_set[at] && weights[at] != list[i])) {
            rule_fail(n, at < 0 ? STATUS_BAD_INPUT : STATUS_UNSUPPORTED,
                      "n-grams of different weights have coordinate %lld", (long long)at);
            return GRAPH_NONE;
        }
        is_set[at] = true;
        weights[at] = list[i];
    }
    return parameter_list(n, ELEMENT_F32, weights, (size_t)width, &width, 1);
}

/* TfIdfVectorizer: a pool of strings becomes the pool of their numbers. */
void import_tfidf(struct import_node *n)
{
    uint32_t x = required(n, 0), weights = GRAPH_NONE;
    size_t count;
    const char *const *pool = attr_texts(n, "pool_strings", &count);
    const double *list;
    stage_attributes_except(n, "pool_strings weights");
    if (count != 0 && !value_is_text(n, x))
        rule_fail(n, STATUS_BAD_INPUT, "its pool has strings, its input has none");
    if (count != 0 && n->status == STATUS_OK) {
        struct text_pool *of_input =
            text_pool_of(n->importer, n->unit->graph->values[x].text_table);
        struct tensor *numbers = text_numbers(n->importer, of_input, pool, count);
        if (numbers == NULL)
            rule_out_of_memory(n);
        else
            stage_ints(n, "pool_int64s", numbers->data.integer, count);
    }
    list = attr_floats(n, "weights", &count);
    if (list != NULL)
        weights = coordinate_weights(n, list, count);
    set_output(n, 0, emit2(n, OP_TFIDF_VECTORIZER, x, weights));
}
