/*
 * Forests as records: what a tree ensemble keeps in its private memory. Made by lower_tree.c from
 * the attributes of a TreeEnsemble node, walked by lower_tree_walk.c. Private to those two.
 *
 * Every step of a walk is one comparison: right when x[slot] >= threshold, left otherwise, and the
 * right child's record follows the left one's. Every branch mode becomes that form: <= and < with
 * the threshold moved to the next number, >= and > with the children exchanged, == , != and set
 * membership as a search among interval ends. A leaf stands for itself: its slot holds a number
 * below every threshold, so that a walk of public length stays there.
 */
#ifndef SERTN_PASSES_LOWER_TREE_H
#define SERTN_PASSES_LOWER_TREE_H

#include "passes/lower_internal.h"

struct tree_record {
    wide threshold; /* in units of x; leaves: unused */
    uint32_t slot;  /* of the features memory */
    uint32_t left;  /* record */
    bool is_leaf;
    uint32_t leaf; /* number of the leaf */
};

struct forest {
    /* what is compared */
    struct form form; /* of x */
    unsigned features;
    unsigned compare_bits; /* B: x and thresholds less `offset` lie in [-2^B, 2^B - 1] */
    wide offset;           /* 2^31 or 2^63 for keys, else 0 */
    bool needs_low_copy;   /* a second copy of the features in which NaN is the lowest key */
    unsigned child_bits;   /* the number of records plus 2 is below 2^child_bits */
    uint32_t slot_count;   /* features, their low copies, the slot below everything */

    /* trees: records 0 .. tree_count - 1 are the roots */
    size_t tree_count;
    struct tree_record *records;
    size_t record_count;
    unsigned *depth; /* [tree_count] */
    unsigned depth_max;

    /* leaves */
    size_t leaf_count, target_count;
    const int64_t *leaf_offsets, *leaf_targets;
    const double *leaf_weights;
    int64_t aggregate; /* 0 average, 1 sum, 2 min, 3 max */
};

/*
 * Whether a value of the graph is an operand of tree ensembles and of moves to such operands, and
 * nothing else. Keys that are no float's then do no harm: one below that of -infinity goes where
 * -infinity goes, one above that of NaN where NaN goes.
 */
bool forest_is_only_use(const struct graph *graph, uint32_t value);

/* Reads the node's attributes. Fails on what makes no forest. */
void forest_build(struct lowering *l, struct forest *forest, uint32_t x);

#endif
