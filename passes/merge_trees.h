/*
 * Joins tree ensembles over one table whose answers are only added up: second half of pass
 * fuse_trees.
 */
#ifndef SERTN_PASSES_MERGE_TREES_H
#define SERTN_PASSES_MERGE_TREES_H

#include "ir/graph.h"

/*
 * Rewrites Add and Sum nodes in place into the ensemble of all trees of their operands; the
 * operands are left without a reader. *changed is set when something was. Requires: known shapes.
 * Returns false without memory.
 */
bool merge_trees(struct graph *graph, bool *changed);

#endif
