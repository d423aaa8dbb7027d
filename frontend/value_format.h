/* Private to frontend/value_*.c: the readers of single formats. */
#ifndef SERTN_FRONTEND_VALUE_FORMAT_H
#define SERTN_FRONTEND_VALUE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/value_file.h"

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

/* Adds an empty data set to out, whose tensors the caller fills in; NULL when memory is out. */
struct value_set *value_add_set(struct value_source *source, const char *name);
/* Which input has this name; false when none has. */
bool value_find_spec(const struct value_source *source, const char *name, size_t *index);
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
