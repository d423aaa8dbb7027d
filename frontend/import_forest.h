/* Private to frontend/import*.c: tree ensembles in the flat form of TREE_ENSEMBLE (ir/ops.def),
 * read from either form of ONNX. */
#ifndef SERTN_FRONTEND_IMPORT_FOREST_H
#define SERTN_FRONTEND_IMPORT_FOREST_H

#include "frontend/import_node.h"

/* The flat form; all in the importer's arena. */
struct forest {
    size_t interior_count, leaf_count, entry_count, tree_count;
    int64_t *roots;
    int64_t *features, *modes, *missing, *yes, *no; /* [interior_count] */
    struct tensor *splits;
    int64_t *leaf_offsets; /* [leaf_count + 1] */
    int64_t *targets;
    struct tensor *weights;
    int64_t *set_offsets; /* [interior_count + 1] */
    struct tensor *sets;
};

/*
 * Reads the lists of versions 1 and 3; prefix is "class" or "target". only_first: of several
 * weights of one leaf the first counts. Returns false after a failure of the node: lists of unequal
 * length, ids that do not exist, nodes above themselves.
 */
bool forest_read_lists(struct import_node *n, const char *prefix, bool only_first,
                       struct forest *forest);
/* Reads the attributes of version 5. Likewise. */
bool forest_read_flat(struct import_node *n, struct forest *forest);

/* A list of numbers from a list attribute (float32) or from its tensor twin of version 3; empty
 * when neither is written. */
struct tensor *forest_numbers(struct import_node *n, const char *name, const char *twin);
/* A zeroed list of reals. */
struct tensor *forest_reals(struct import_node *n, enum element_type type, size_t count);

#endif
