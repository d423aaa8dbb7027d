/*
 * What is expected of one input of a model: name, element type, shape. Made by import_inputs from a
 * model file and by the runtime from a compiled model; read by frontend/value_file. An input that
 * is a sequence is a spec for each tensor in it, one after the other.
 */
#ifndef SERTN_FRONTEND_VALUE_SPEC_H
#define SERTN_FRONTEND_VALUE_SPEC_H

#include <stdbool.h>

#include "ir/tensor.h"

/*
 * The words of one data set that a table lacks: the first is -1, the next -2, and so on up to
 * `most`, room for which the owner gives. Shared by all inputs, so that equal words have equal
 * numbers.
 */
struct value_words {
    const char **word;
    size_t count, most;
};

struct value_spec {
    const char *name;
    enum element_type type;
    bool shape_known;
    struct shape shape;                      /* dim -1: any size */
    const char *dim_symbol[TENSOR_RANK_MAX]; /* name of a dimension, or NULL */
    /* Strings become indices into this table (int64); NULL leaves them strings. A string it lacks
     * is -1, or what `words` says, when that is there. */
    const struct tensor *text_table;
    struct value_words *words;
    /* A map input stands for a row of values, one a key; NULL for tensors. */
    const struct tensor *map_keys;
    /* The sequence it is an item of, or NULL; `name` is then this name and [i], once a level. */
    const char *sequence;
    /* An input whose structure is not known yet: 's' for each sequence and 'o' for each optional
     * around its tensors, outermost first. NULL for every other. */
    const char *open;
    /* The importer found a problem with it: nothing that reads it is looked at. */
    bool is_broken;
};

#endif
