/* Serialized ONNX values, alone and in test data folders: see value_format.h. */
#include <string.h>

#include "frontend/tensor_pb.h"
#include "frontend/value_format.h"
#include "ir/support/buffer.h"
#include "ir/support/file.h"

/* One file of a test data folder: a tensor, a sequence or an optional, in either case by `items`.
 */
struct data_file {
    const char *path, *name; /* name: what the message inside says, "" when it says nothing */
    struct tensor **items;
    size_t count;
    bool is_used;
};

enum { DATA_FILES_MAX = 1 << 16 };

static enum status flatten(struct data_file *file, const struct value_tree *tree,
                           struct value_source *source)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; tree->kind == VALUE_TREE_LIST && i < tree->count && status == STATUS_OK; i++)
        status = flatten(file, &tree->item[i], source);
    if (tree->kind != VALUE_TREE_TENSOR)
        return status;
    if (file->count % 16 == 0) {
        struct tensor **grown = arena_array(source->arena, struct tensor *, file->count + 16);
        if (grown == NULL)
            return value_no_memory(source);
        if (file->count != 0)
            memcpy(grown, file->items, file->count * sizeof *grown);
        file->items = grown;
    }
    file->items[file->count++] = (struct tensor *)tree->tensor;
    return STATUS_OK;
}

/* What the bytes hold: the three messages share numbers, so it is a tensor when it can be one. */
static enum status read_message(struct data_file *file, const struct buffer *bytes,
                                struct value_source *source)
{
    struct tensor *tensor = NULL;
    struct value_tree tree;
    struct diag aside = {0};
    enum status status = tensor_pb_read(&tensor, &file->name, bytes->data, bytes->count,
                                        source->arena, source->diag);
    if (status == STATUS_OK)
        return flatten(file, &(struct value_tree){.kind = VALUE_TREE_TENSOR, .tensor = tensor},
                       source);
    enum status as_list = tensor_pb_read_tree(&tree, &file->name, bytes->data, bytes->count, NULL,
                                              source->arena, &aside);
    if (as_list == STATUS_OK)
        return flatten(file, &tree, source);
    /* Bytes that are neither are told about as a tensor. */
    if (as_list == STATUS_BAD_INPUT)
        return status;
    *source->diag = aside;
    return as_list;
}

/* Reads STEM_0.pb, STEM_1.pb, ... up to the first that is not there. */
static enum status read_data_files(struct data_file **out, size_t *count,
                                   struct value_source *source, const char *stem)
{
    size_t capacity = 0;
    *out = NULL;
    for (*count = 0; *count < DATA_FILES_MAX; (*count)++) {
        struct buffer bytes = {0};
        const char *path = arena_printf(source->arena, "%s/%s_%zu.pb", source->name, stem, *count);
        if (path == NULL)
            return value_no_memory(source);
        if (!value_is_file(path))
            return STATUS_OK;
        if (*count == capacity) {
            capacity = capacity == 0 ? 16 : 2 * capacity;
            struct data_file *grown = arena_array(source->arena, struct data_file, capacity);
            if (grown == NULL)
                return value_no_memory(source);
            if (*count != 0)
                memcpy(grown, *out, *count * sizeof *grown);
            *out = grown;
        }
        struct data_file *file = &(*out)[*count];
        *file = (struct data_file){.path = path, .name = ""};
        enum status status = file_read(path, VALUE_FILE_BYTES_LIMIT, &bytes, source->diag);
        if (status == STATUS_OK)
            status = read_message(file, &bytes, source);
        buffer_release(&bytes);
        if (status != STATUS_OK)
            return diag_prefix(source->diag, status, "%s", path);
    }
    return STATUS_OK;
}

size_t value_group_end(const struct value_source *source, size_t first)
{
    const char *sequence = source->specs[first].sequence;
    size_t end = first + 1;
    while (sequence != NULL && end < source->spec_count && source->specs[end].sequence != NULL &&
           strcmp(source->specs[end].sequence, sequence) == 0)
        end++;
    return end;
}

const char *value_group_name(const struct value_source *source, size_t first)
{
    const struct value_spec *spec = &source->specs[first];
    return spec->sequence != NULL ? spec->sequence : spec->name;
}

/* Gives the tensors of one file to the specs first .. end - 1. */
static enum status take_file(struct value_set *set, struct data_file *file,
                             struct value_source *source, size_t first, size_t end)
{
    enum status status = STATUS_OK;
    file->is_used = true;
    if (file->count != end - first)
        return diag_set(source->diag, STATUS_BAD_INPUT,
                        "%s: input '%s': %zu tensors, but the model takes %zu", file->path,
                        value_group_name(source, first), file->count, end - first);
    for (size_t i = first; i < end && status == STATUS_OK; i++)
        status = value_fit(&set->tensor[i], file->items[i - first], &source->specs[i],
                           source->arena, source->diag);
    return status == STATUS_OK ? status : diag_prefix(source->diag, status, "%s", file->path);
}

/* A file of an input that was fixed when the model was compiled. */
static enum status check_fixed(const struct data_file *file, struct value_source *source)
{
    const struct value_fixed *fixed = value_find_fixed(source, file->name);
    struct tensor *given = NULL;
    if (fixed == NULL || file->is_used || file->count != 1)
        return STATUS_OK;
    enum status status =
        value_fit(&given, file->items[0], &fixed->spec, source->arena, source->diag);
    if (status == STATUS_OK)
        status = value_check_fixed(source, fixed, given);
    return status == STATUS_OK ? status : diag_prefix(source->diag, status, "%s", file->path);
}

enum status value_read_tensor_files(struct value_set *set, struct value_source *source,
                                    const char *stem)
{
    struct data_file *file;
    size_t count, group = 0, groups = 0, named = 0;
    enum status status = read_data_files(&file, &count, source, stem);
    for (size_t i = 0; i < source->spec_count && status == STATUS_OK;
         i = value_group_end(source, i), groups++) {
        for (size_t k = 0; k < count && status == STATUS_OK; k++) {
            if (file[k].is_used || strcmp(file[k].name, value_group_name(source, i)) != 0)
                continue;
            named++;
            status = take_file(set, &file[k], source, i, value_group_end(source, i));
            break;
        }
    }
    for (size_t k = 0; k < count && status == STATUS_OK; k++)
        status = check_fixed(&file[k], source);
    bool by_position = named != groups && count == groups;
    for (size_t i = 0; i < source->spec_count && status == STATUS_OK && by_position;
         i = value_group_end(source, i), group++)
        if (set->tensor[i] == NULL && !file[group].is_used)
            status = take_file(set, &file[group], source, i, value_group_end(source, i));
    if (status != STATUS_OK)
        return status;
    status = value_check_complete(source, set);
    return status == STATUS_OK ? STATUS_OK : diag_prefix(source->diag, status, "%s", source->name);
}

enum status value_read_pb(struct value_source *source)
{
    struct data_file file = {.path = source->name, .name = ""};
    struct buffer bytes = {.data = (uint8_t *)source->bytes, .count = source->count};
    if (source->spec_count == 0 || value_group_end(source, 0) != source->spec_count)
        return diag_set(source->diag, STATUS_BAD_INPUT,
                        "one tensor for %zu inputs; give a folder with "
                        "input_0.pb, input_1.pb, ...",
                        source->spec_count);
    enum status status = read_message(&file, &bytes, source);
    if (status != STATUS_OK)
        return status;
    struct value_set *set = value_add_set(source, source->name);
    return set == NULL ? value_no_memory(source)
                       : take_file(set, &file, source, 0, source->spec_count);
}

/* --- structure --- */

/* Which open spec a message of this name, at this position, is for; spec_count when for none. */
static size_t open_spec(const struct value_source *source, const char *name, size_t position)
{
    for (size_t i = 0; i < source->spec_count; i++)
        if (name[0] != 0 && strcmp(source->specs[i].name, name) == 0)
            return source->specs[i].open != NULL ? i : source->spec_count;
    return position < source->spec_count && source->specs[position].open != NULL
               ? position
               : source->spec_count;
}

/* A tensor may stand for an optional of one. */
static enum status read_tree(struct value_tree *tree, const struct value_spec *spec,
                             const struct buffer *bytes, struct value_source *source)
{
    struct tensor *tensor = NULL;
    const char *name;
    struct diag aside = {0};
    if (strchr(spec->open, 's') == NULL && tensor_pb_read(&tensor, &name, bytes->data, bytes->count,
                                                          source->arena, &aside) == STATUS_OK) {
        *tree = (struct value_tree){
            .kind = VALUE_TREE_TENSOR, .shape = tensor->shape, .tensor = tensor};
        return STATUS_OK;
    }
    enum status status = tensor_pb_read_tree(tree, &name, bytes->data, bytes->count, spec->open,
                                             source->arena, source->diag);
    return status == STATUS_OK ? status
                               : diag_prefix(source->diag, status, "input '%s'", spec->name);
}

/* The name inside, of either message; "" when there is none. */
static const char *name_inside(const struct buffer *bytes, struct value_source *source)
{
    struct data_file file = {.name = ""};
    struct value_source quiet = *source;
    struct diag aside = {0};
    quiet.diag = &aside;
    return read_message(&file, bytes, &quiet) == STATUS_OK ? file.name : "";
}

enum status value_pb_trees(struct value_tree *tree, struct value_source *source)
{
    struct buffer bytes = {.data = (uint8_t *)source->bytes, .count = source->count};
    size_t i = open_spec(source, name_inside(&bytes, source), 0);
    return i < source->spec_count ? read_tree(&tree[i], &source->specs[i], &bytes, source)
                                  : STATUS_OK;
}

enum status value_folder_trees(struct value_tree *tree, struct value_source *source)
{
    for (size_t i = 0; i < source->spec_count; i++)
        if (source->specs[i].open != NULL && source->specs[i].open[0] == 'o')
            tree[i] = (struct value_tree){.kind = VALUE_TREE_NOTHING};
    for (size_t k = 0; k < DATA_FILES_MAX; k++) {
        struct buffer bytes = {0};
        const char *path = arena_printf(source->arena, "%s/input_%zu.pb", source->name, k);
        if (path == NULL)
            return value_no_memory(source);
        if (!value_is_file(path))
            break;
        enum status status = file_read(path, VALUE_FILE_BYTES_LIMIT, &bytes, source->diag);
        size_t i = status == STATUS_OK ? open_spec(source, name_inside(&bytes, source), k)
                                       : source->spec_count;
        if (i < source->spec_count)
            status = read_tree(&tree[i], &source->specs[i], &bytes, source);
        buffer_release(&bytes);
        if (status != STATUS_OK)
            return diag_prefix(source->diag, status, "%s", path);
    }
    return STATUS_OK;
}
