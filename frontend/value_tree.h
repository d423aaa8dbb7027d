/*
 * What an input that is a sequence or an optional holds. Its structure (how many items, of which
 * shapes; whether there is anything) is fixed when the model is compiled and read from --data:
 * in the compiled model every tensor in it is an input of its own, called by the input's name and
 * [i], once a level of sequences. Optionals add no level.
 *
 * Made by frontend/value_structure and by the runtime from a compiled model; read by
 * frontend/import.
 */
#ifndef SERTN_FRONTEND_VALUE_TREE_H
#define SERTN_FRONTEND_VALUE_TREE_H

#include <stddef.h>

#include "ir/tensor.h"

enum value_tree_kind {
    VALUE_TREE_DECLARED, /* a tensor of the declared shape */
    VALUE_TREE_NOTHING,  /* an optional that is empty */
    VALUE_TREE_TENSOR,
    VALUE_TREE_LIST,
};

/* No input may have more tensors, or deeper levels, in it. */
enum { VALUE_TREE_ITEMS_MAX = 1 << 16, VALUE_TREE_DEPTH_MAX = 8 };

struct value_tree {
    enum value_tree_kind kind;
    struct shape shape;          /* TENSOR */
    const struct tensor *tensor; /* TENSOR: its elements, or NULL where only the shape counts */
    struct value_tree *item;     /* LIST */
    size_t count;
};

#endif
