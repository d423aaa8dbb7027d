/*
 * Pass fuse_trees: what is computed from one tree's answer is put into its leaves.
 *
 * Exporters write an ensemble whose members do more than add up (IsolationForest, AdaBoost) as one
 * TreeEnsemble node a tree and a few dozen nodes behind each. A value that depends on the answer of
 * a single tree alone has one value a leaf, so the tree can give it itself. Three rewrites:
 *
 * - a chain of operators that treat each row alone, fed by one tree and by stored numbers, goes
 *   into the leaves of the tree, which then has a target for each number that is needed;
 * - a tree over a choice of columns reads the whole table;
 * - the sum of ensembles over one table is one ensemble.
 *
 * The leaves hold what graph_interpret computes, rounded to the declared types as the model says.
 * Whether a tree takes what stands behind it in depends on private numbers in one way: each number
 * that leaves the tree must be finite in every leaf, and at most 2^24 when it is whole. Like widths,
 * that is seen from the circuit.
 * Called after fold_constants, which takes what is no longer needed out when it runs again.
 */
#ifndef SERTN_PASSES_FUSE_TREES_H
#define SERTN_PASSES_FUSE_TREES_H

#include "ir/graph.h"

/*
 * Rewrites the graph in place; *changed: whether it did. Requires: known shapes, constants folded,
 * a graph that graph_validate accepts; graph_validate accepts it after. Errors: STATUS_NO_MEMORY.
 */
enum status pass_fuse_trees(struct graph *graph, bool *changed, struct diag *diag) SERTN_MUST_CHECK;

#endif
