/* Inputs in JSON (RFC 8259), parsed by cJSON, whose nesting limit (1000) bounds our recursion. See
 * value_file.h. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/value_format.h"

struct json_tensor {
    const struct value_spec *spec;
    struct tensor *tensor;
    size_t next;
    struct diag *diag;
};

/* Nesting as a shape: the lengths along the first element of each level. False when the rank is too
 * large. */
static bool nested_shape(const cJSON *item, struct shape *shape)
{
    shape->rank = 0;
    while (cJSON_IsArray(item)) {
        if (shape->rank == TENSOR_RANK_MAX)
            return false;
        shape->dim[shape->rank++] = cJSON_GetArraySize(item);
        item = item->child;
        if (item == NULL)
            break;
    }
    return true;
}

static enum status bad_element(const struct json_tensor *out, const cJSON *item)
{
    const char *type = element_type_name(out->tensor->type);
    if (cJSON_IsNumber(item))
        return diag_set(out->diag, STATUS_BAD_INPUT,
                        "input '%s': element %zu is %.17g, which does not fit into %s; integers of "
                        "2^53 and more "
                        "have to be strings",
                        out->spec->name, out->next, item->valuedouble, type);
    if (cJSON_IsString(item))
        return diag_set(out->diag, STATUS_BAD_INPUT,
                        "input '%s': element %zu is \"%.60s\", which is not a %s", out->spec->name,
                        out->next, item->valuestring, type);
    return diag_set(out->diag, STATUS_BAD_INPUT,
                    "input '%s': element %zu is neither number nor string", out->spec->name,
                    out->next);
}

static enum status store_element(struct json_tensor *out, const cJSON *item)
{
    struct tensor *tensor = out->tensor;
    bool fits = false;
    if (cJSON_IsString(item))
        fits = value_parse_element(tensor, out->next, item->valuestring);
    else if (cJSON_IsNumber(item))
        fits = value_store_double(tensor, out->next, item->valuedouble);
    else if (cJSON_IsBool(item))
        fits = tensor->type != ELEMENT_STRING &&
               value_store_double(tensor, out->next, cJSON_IsTrue(item));
    if (!fits)
        return bad_element(out, item);
    out->next++;
    return STATUS_OK;
}

/* Fills the tensor from lists that have to be as long as `shape` says at every level. */
static enum status store_level(struct json_tensor *out, const cJSON *item,
                               const struct shape *shape, unsigned level)
{
    if (level == shape->rank)
        return store_element(out, item);
    if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != shape->dim[level])
        return diag_set(out->diag, STATUS_BAD_INPUT,
                        "input '%s': its lists are uneven: %lld elements are expected at level %u, "
                        "before element %zu",
                        out->spec->name, (long long)shape->dim[level], level, out->next);
    for (const cJSON *child = item->child; child != NULL; child = child->next) {
        enum status status = store_level(out, child, shape, level + 1);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* A map input: an object of numbers by key becomes a row, keys that are not there 0. */
static enum status read_map(const struct value_source *source, const struct value_spec *spec,
                            const cJSON *item, struct tensor **out)
{
    struct shape shape = {2, {1, (int64_t)spec->map_keys->count}};
    struct tensor *row = tensor_new(source->arena, spec->type, &shape);
    if (row == NULL)
        return arena_failure(source->arena, 0, "an input", source->diag);
    for (const cJSON *entry = item->child; entry != NULL; entry = entry->next) {
        for (size_t i = 0; i < row->count; i++) {
            char number[24];
            const char *key = number;
            if (spec->map_keys->type == ELEMENT_STRING)
                key = spec->map_keys->data.text[i];
            else
                snprintf(number, sizeof number, "%lld", (long long)spec->map_keys->data.integer[i]);
            if (strcmp(entry->string, key) == 0 &&
                !(cJSON_IsNumber(entry) && value_store_double(row, i, entry->valuedouble)))
                return diag_set(source->diag, STATUS_BAD_INPUT,
                                "input '%s': the value of key \"%.60s\" does not fit", spec->name,
                                key);
        }
    }
    *out = row;
    return STATUS_OK;
}

static enum status read_tensor(const struct value_source *source, size_t index, const cJSON *item,
                               struct tensor **out)
{
    const struct value_spec *spec = &source->specs[index];
    struct shape nested, shape;
    size_t count;
    if (spec->map_keys != NULL && cJSON_IsObject(item))
        return read_map(source, spec, item, out);
    if (!nested_shape(item, &nested))
        return diag_set(source->diag, STATUS_BAD_INPUT, "input '%s': lists nested deeper than %d",
                        spec->name, TENSOR_RANK_MAX);
    if (!shape_count(&nested, VALUE_FILE_BYTES_LIMIT, &count))
        return diag_set(source->diag, STATUS_LIMIT, "input '%s': too many elements", spec->name);
    enum status status = value_shape_for(&shape, spec, count, &nested, source->diag);
    if (status != STATUS_OK)
        return status;
    /* The product of the lengths is bounded by the bytes of the file only when the lists are even:
       one byte an element at least. */
    if (count > source->count)
        return diag_set(source->diag, STATUS_BAD_INPUT, "input '%s': its lists are uneven",
                        spec->name);
    bool is_text = spec->text_table != NULL || spec->type == ELEMENT_STRING;
    struct json_tensor into = {
        spec, tensor_new(source->arena, is_text ? ELEMENT_STRING : spec->type, &nested), 0,
        source->diag};
    if (into.tensor == NULL)
        return arena_failure(source->arena, 8 * count, "an input", source->diag);
    status = store_level(&into, item, &nested, 0);
    if (status != STATUS_OK)
        return status;
    /* Strings belong to cJSON until here. */
    for (size_t i = 0; is_text && i < count; i++) {
        into.tensor->data.text[i] = arena_strdup(source->arena, into.tensor->data.text[i]);
        if (into.tensor->data.text[i] == NULL)
            return arena_failure(source->arena, 0, "an input", source->diag);
    }
    into.tensor->shape = shape;
    return value_fit(out, into.tensor, spec, source->arena, source->diag);
}

/* Items of a nested list, `levels` deep. */
static size_t count_items(const cJSON *list, unsigned levels)
{
    size_t count = 0;
    for (const cJSON *item = list->child; cJSON_IsArray(list) && item != NULL; item = item->next)
        count += levels == 1 ? 1 : count_items(item, levels - 1);
    return count;
}

/* An input: a tensor, or a sequence with its items in lists, one a level. */
static enum status read_group(struct value_source *source, struct value_set *set, size_t first,
                              const cJSON *value)
{
    size_t end = value_group_end(source, first), found = 0;
    const char *sequence = source->specs[first].sequence;
    if (sequence == NULL)
        return read_tensor(source, first, value, &set->tensor[first]);
    unsigned levels = 0;
    for (const char *at = source->specs[first].name + strlen(sequence); *at != 0; at++)
        levels += *at == '[';
    found = count_items(value, levels);
    for (size_t i = first; i < end; i++) {
        const cJSON *item = value;
        for (const char *at = source->specs[i].name + strlen(sequence); at != NULL && item != NULL;
             at = strchr(at + 1, '['))
            item = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, atoi(at + 1)) : NULL;
        if (item == NULL || found != end - first)
            return diag_set(source->diag, STATUS_BAD_INPUT,
                            "input '%s': %zu tensors, but the model takes %zu", sequence, found,
                            end - first);
        enum status status = read_tensor(source, i, item, &set->tensor[i]);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* Whether a value says that there is nothing: an empty optional, or a sequence without items. */
static bool is_nothing(const cJSON *value)
{
    return cJSON_IsNull(value) || (cJSON_IsArray(value) && value->child == NULL);
}

/* The first spec of the input of this name, a tensor or a sequence. */
static bool find_group(const struct value_source *source, const char *name, size_t *first)
{
    for (size_t i = 0; i < source->spec_count; i = value_group_end(source, i)) {
        if (strcmp(value_group_name(source, i), name) == 0) {
            *first = i;
            return true;
        }
    }
    return false;
}

/* {"input_data": [first input, second input, ...]} */
static enum status read_by_position(struct value_source *source, struct value_set *set,
                                    const cJSON *list)
{
    size_t count = cJSON_IsArray(list) ? (size_t)cJSON_GetArraySize(list) : 0, inputs = 0;
    for (size_t i = 0; i < source->spec_count; i = value_group_end(source, i))
        inputs++;
    if (!cJSON_IsArray(list) || (count != inputs && source->spec_count != 1))
        return diag_set(source->diag, STATUS_BAD_INPUT,
                        "\"input_data\" has to be a list of %zu lists: %s", inputs,
                        value_names_text(source));
    /* With one input the outer list may be missing. */
    struct diag aside;
    if (source->spec_count == 1) {
        struct value_source quiet = *source;
        quiet.diag = &aside;
        if (count != 1 || read_tensor(&quiet, 0, list->child, &set->tensor[0]) != STATUS_OK)
            return read_tensor(source, 0, list, &set->tensor[0]);
        return STATUS_OK;
    }
    enum status status = STATUS_OK;
    const cJSON *item = list->child;
    for (size_t i = 0; i < source->spec_count && status == STATUS_OK;
         i = value_group_end(source, i), item = item->next)
        status = read_group(source, set, i, item);
    return status;
}

static enum status read_by_name(struct value_source *source, struct value_set *set,
                                const cJSON *object)
{
    enum status status = STATUS_OK;
    for (const cJSON *item = object->child; item != NULL && status == STATUS_OK;
         item = item->next) {
        size_t index;
        bool is_found = find_group(source, item->string, &index);
        const struct value_fixed *fixed = is_found ? NULL : value_find_fixed(source, item->string);
        if (fixed != NULL) {
            struct value_source alone = value_source_of_fixed(source, fixed);
            struct tensor *given = NULL;
            status = read_tensor(&alone, 0, item, &given);
            if (status == STATUS_OK)
                status = value_check_fixed(source, fixed, given);
            continue;
        }
        /* What holds nothing is no input of the compiled model. */
        if (!is_found && is_nothing(item))
            continue;
        if (!is_found)
            return diag_set(source->diag, STATUS_BAD_INPUT, "no input is called \"%.100s\": %s",
                            item->string, value_names_text(source));
        if (set->tensor[index] != NULL)
            return diag_set(source->diag, STATUS_BAD_INPUT, "input '%s' is given twice",
                            item->string);
        status = read_group(source, set, index, item);
    }
    return status == STATUS_OK ? value_check_complete(source, set) : status;
}

static enum status read_object(struct value_source *source, const cJSON *object, const char *name)
{
    struct value_set *set = value_add_set(source, name);
    size_t unused;
    if (set == NULL)
        return arena_failure(source->arena, 0, "the inputs", source->diag);
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(object, "input_data");
    if (data != NULL && !value_find_spec(source, "input_data", &unused))
        return read_by_position(source, set, data);
    return read_by_name(source, set, object);
}

/* A list: of data sets when it holds objects, else the only input. */
static enum status read_list(struct value_source *source, const cJSON *list)
{
    size_t number = 0;
    if (cJSON_IsObject(list->child)) {
        for (const cJSON *item = list->child; item != NULL; item = item->next) {
            char *name = arena_printf(source->arena, "%s[%zu]", source->name, number++);
            if (name == NULL)
                return arena_failure(source->arena, 0, "the inputs", source->diag);
            if (!cJSON_IsObject(item))
                return diag_set(source->diag, STATUS_BAD_INPUT, "entry %zu is not an object",
                                number - 1);
            enum status status = read_object(source, item, name);
            if (status != STATUS_OK)
                return diag_prefix(source->diag, status, "entry %zu", number - 1);
        }
        return STATUS_OK;
    }
    if (source->spec_count != 1)
        return diag_set(source->diag, STATUS_BAD_INPUT, "a list for %zu inputs; give an object: %s",
                        source->spec_count, value_names_text(source));
    struct value_set *set = value_add_set(source, source->name);
    if (set == NULL)
        return arena_failure(source->arena, 0, "the inputs", source->diag);
    return read_tensor(source, 0, list, &set->tensor[0]);
}

static enum status parse(cJSON **out, struct value_source *source)
{
    const char *end = NULL, *text = (const char *)source->bytes;
    cJSON *root = cJSON_ParseWithLengthOpts(text, source->count, &end, 0);
    size_t at = end == NULL || end < text ? 0 : (size_t)(end - text);
    if (root == NULL)
        return diag_set(
            source->diag, STATUS_BAD_INPUT, "not JSON at byte %zu%s", at,
            at < source->count && (text[at] == 'N' || text[at] == 'I' || text[at] == '-')
                ? "; write NaN and infinity as the strings \"NaN\", \"Infinity\", \"-Infinity\""
                : "");
    while (at < source->count &&
           (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t'))
        at++;
    if (at != source->count) {
        cJSON_Delete(root);
        return diag_set(source->diag, STATUS_BAD_INPUT,
                        "more text after the end of the JSON at byte %zu", at);
    }
    *out = root;
    return STATUS_OK;
}

enum status value_read_json(struct value_source *source)
{
    cJSON *root = NULL;
    enum status status = parse(&root, source);
    if (status == STATUS_OK && cJSON_IsObject(root))
        status = read_object(source, root, source->name);
    else if (status == STATUS_OK)
        status = read_list(source, root);
    cJSON_Delete(root);
    return status;
}

/* --- structure --- */

static enum status read_tree(struct value_tree *out, const char *open, const cJSON *value,
                             const struct value_spec *spec, struct value_source *source)
{
    enum status status = STATUS_OK;
    for (; *open == 'o'; open++) {
        if (value == NULL || cJSON_IsNull(value)) {
            *out = (struct value_tree){.kind = VALUE_TREE_NOTHING};
            return STATUS_OK;
        }
    }
    if (value == NULL)
        return diag_set(source->diag, STATUS_BAD_INPUT, "nothing is given for input '%s'",
                        spec->name);
    if (*open == 0) {
        *out = (struct value_tree){.kind = VALUE_TREE_TENSOR};
        return nested_shape(value, &out->shape)
                   ? STATUS_OK
                   : diag_set(source->diag, STATUS_BAD_INPUT,
                              "input '%s': lists nested deeper than %d", spec->name,
                              TENSOR_RANK_MAX);
    }
    size_t count = cJSON_IsArray(value) ? (size_t)cJSON_GetArraySize(value) : 0;
    if (!cJSON_IsArray(value) || count > VALUE_TREE_ITEMS_MAX)
        return diag_set(source->diag, STATUS_BAD_INPUT,
                        "input '%s' is a sequence: a list of at most %d items is expected",
                        spec->name, VALUE_TREE_ITEMS_MAX);
    *out = (struct value_tree){.kind = VALUE_TREE_LIST,
                               .item = arena_array(source->arena, struct value_tree, count),
                               .count = count};
    if (out->item == NULL)
        return value_no_memory(source);
    const cJSON *item = value->child;
    for (size_t i = 0; i < count && status == STATUS_OK; i++, item = item->next)
        status = read_tree(&out->item[i], open + 1, item, spec, source);
    return status;
}

enum status value_json_trees(struct value_tree *tree, struct value_source *source)
{
    cJSON *root = NULL;
    enum status status = parse(&root, source);
    const cJSON *set = root;
    if (status == STATUS_OK && cJSON_IsArray(root) && cJSON_IsObject(root->child))
        set = root->child;
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(set, "input_data");
    for (size_t i = 0; i < source->spec_count && status == STATUS_OK; i++) {
        const struct value_spec *spec = &source->specs[i];
        if (spec->open == NULL)
            continue;
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(set, spec->name);
        if (value == NULL && cJSON_IsArray(list))
            value = cJSON_GetArrayItem(list, (int)i);
        else if (value == NULL && cJSON_IsArray(set) && source->spec_count == 1)
            value = set;
        status = read_tree(&tree[i], spec->open, value, spec, source);
    }
    cJSON_Delete(root);
    return status;
}
