/* Private to frontend/value_*.c: the readers of single formats. */
#ifndef SERTN_FRONTEND_VALUE_FORMAT_H
#define SERTN_FRONTEND_VALUE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/value_file.h"
#include "frontend/value_tree.h"

/* What every reader works on. */
struct value_source {
    const char *name; /* of the file */
    const uint8_t *bytes;
    size_t count;
    const struct value_spec *specs;
    size_t spec_count;
    struct arena *arena;
    struct value_sets *out;
    struct diag *diag;
};

enum status value_read_json(struct value_source *source);
enum status value_read_csv(struct value_source *source);
enum status value_read_npy(struct value_source *source);
enum status value_read_npz(struct value_source *source);
/* A serialized tensor, sequence or optional is the only input. */
enum status value_read_pb(struct value_source *source);
/*
 * STEM_0.pb, STEM_1.pb, ... of the folder source->name: one file an input, by the name inside when
 * that is an input's, else by position. Files that no input takes are of inputs that the compiled
 * model does not have any more; positions count only where there are none.
 */
enum status value_read_tensor_files(struct value_set *set, struct value_source *source,
                                    const char *stem);
/*
 * What the open specs hold in the first data set of a .json or .pb file: tree[spec_count], entries
 * of other specs are left alone. A set that says nothing of an input leaves an empty optional.
 */
enum status value_json_trees(struct value_tree *tree, struct value_source *source);
enum status value_pb_trees(struct value_tree *tree, struct value_source *source);
/* The same from input_0.pb, input_1.pb, ... of the folder source->name. */
enum status value_folder_trees(struct value_tree *tree, struct value_source *source);

bool value_is_file(const char *path);
bool value_is_folder(const char *path);
/* Whether it is a folder test_data_set_*. */
bool value_is_set_folder(const char *path);
/* Whether it is a file whose name ends as those of data do. */
bool value_is_data_file(const char *path);
bool value_name_ends_in(const char *name, const char *ending);
/* Names in a folder, hidden ones left out, in order; numbers within names count as numbers. */
enum status value_list_folder(const char ***out, size_t *count, const char *path,
                              struct arena *arena, struct diag *diag);
/* NO_MEMORY, said in the diag. */
enum status value_no_memory(const struct value_source *source);
/* Adds an empty data set to out, whose tensors the caller fills in; NULL when memory is out. */
struct value_set *value_add_set(struct value_source *source, const char *name);
/* The fixed input of this name, or NULL. */
const struct value_fixed *value_find_fixed(const struct value_source *source, const char *name);
/* A source of that input alone, for the functions that read by index. */
struct value_source value_source_of_fixed(const struct value_source *source,
                                          const struct value_fixed *fixed);
/* What a file holds for a fixed input is what it was fixed to; else BAD_INPUT. */
enum status value_check_fixed(const struct value_source *source, const struct value_fixed *fixed,
                              const struct tensor *given);
/* Which input has this name; false when none has. */
bool value_find_spec(const struct value_source *source, const char *name, size_t *index);
/* One past the last spec that belongs with `first`: the items of one sequence belong together. */
size_t value_group_end(const struct value_source *source, size_t first);
/* The name of the input that spec `first` is, or is an item of. */
const char *value_group_name(const struct value_source *source, size_t first);
/* "the inputs are 'a', 'b'" for messages, in the arena; never NULL. */
const char *value_names_text(const struct value_source *source);
/* Every tensor of a set is there; else BAD_INPUT that names the first that is not. */
enum status value_check_complete(const struct value_source *source, const struct value_set *set);

/*
 * Shape of `count` numbers that came without one, or with shape `given` (NULL for none), for a
 * spec: the given one when it fits; else the spec's, with one unknown dimension computed.
 */
enum status value_shape_for(struct shape *out, const struct value_spec *spec, size_t count,
                            const struct shape *given, struct diag *diag);

/* One element from text, as it stands in CSV or in a JSON string. False when it does not fit the
 * type. */
bool value_parse_element(struct tensor *tensor, size_t i, const char *text);
/* One element from a double; integers have to be whole and below 2^53 in magnitude. */
bool value_store_double(struct tensor *tensor, size_t i, double value);

#endif
