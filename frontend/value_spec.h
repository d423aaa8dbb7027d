/*
 * What is expected of one input of a model: name, element type, shape. Made by import_inputs from a
 * model file and by the runtime from a compiled model; read by frontend/value_file. An input that
 * is a sequence is a spec for each tensor in it, one after the other.
 */
#ifndef SERTN_FRONTEND_VALUE_SPEC_H
#define SERTN_FRONTEND_VALUE_SPEC_H

#include <stdbool.h>

#include "ir/tensor.h"

struct value_spec {
    const char *name;
    enum element_type type;
    bool shape_known;
    struct shape shape;                      /* dim -1: any size */
    const char *dim_symbol[TENSOR_RANK_MAX]; /* name of a dimension, or NULL */
    /* Strings become indices into this table (int64, -1 for a string it lacks); NULL leaves them
     * strings. */
    const struct tensor *text_table;
    /* A map input stands for a row of values, one a key; NULL for tensors. */
    const struct tensor *map_keys;
    /* The sequence it is an item of, or NULL; `name` is then this name and [i], once a level. */
    const char *sequence;
    /* An input whose structure is not known yet: 's' for each sequence and 'o' for each optional
     * around its tensors, outermost first. NULL for every other. */
    const char *open;
};

#endif
