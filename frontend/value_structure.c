/* What sequences and optionals hold, from the first data set of a path: see value_file.h. */
#include <string.h>

#include "frontend/value_format.h"
#include "ir/support/buffer.h"
#include "ir/support/file.h"

/* The first data set of a folder: the folder itself, its first test_data_set_*, or its first file.
 */
static enum status first_of_folder(const char **out, const char *path, struct arena *arena,
                                   struct diag *diag)
{
    const char **names = NULL;
    size_t count = 0;
    const char *first = arena_printf(arena, "%s/input_0.pb", path);
    enum status status = value_list_folder(&names, &count, path, arena, diag);
    *out = path;
    if (status == STATUS_OK && first == NULL)
        return arena_failure(arena, 0, "the names of files", diag);
    if (status != STATUS_OK || value_is_file(first))
        return status;
    for (size_t i = 0; i < count; i++) {
        if (value_is_set_folder(names[i])) {
            *out = names[i];
            return STATUS_OK;
        }
    }
    for (size_t i = 0; i < count && *out == path; i++)
        if (value_is_data_file(names[i]))
            *out = names[i];
    return *out != path ? STATUS_OK
                        : diag_set(diag, STATUS_BAD_INPUT, "the folder %s holds no inputs", path);
}

static enum status read_file(struct value_tree *tree, struct value_source *source)
{
    struct buffer bytes = {0};
    enum status status = file_read(source->name, VALUE_FILE_BYTES_LIMIT, &bytes, source->diag);
    source->bytes = bytes.data;
    source->count = bytes.count;
    if (status == STATUS_OK && value_name_ends_in(source->name, ".pb"))
        status = value_pb_trees(tree, source);
    else if (status == STATUS_OK && value_name_ends_in(source->name, ".json"))
        status = value_json_trees(tree, source);
    else if (status == STATUS_OK)
        status = diag_set(source->diag, STATUS_BAD_INPUT,
                          "the model takes sequences or optionals, which this format does not "
                          "know; give --data as JSON or as an ONNX test data folder");
    buffer_release(&bytes);
    return status == STATUS_OK ? status : diag_prefix(source->diag, status, "%s", source->name);
}

enum status value_structure_read(struct value_tree *tree, const char *path,
                                 const struct value_spec *specs, size_t spec_count,
                                 struct arena *arena, struct diag *diag)
{
    struct value_source source = {
        .name = path, .specs = specs, .spec_count = spec_count, .arena = arena, .diag = diag};
    enum status status = STATUS_OK;
    if (value_is_folder(path))
        status = first_of_folder(&source.name, path, arena, diag);
    if (status != STATUS_OK)
        return status;
    return value_is_folder(source.name) ? value_folder_trees(tree, &source)
                                        : read_file(tree, &source);
}
