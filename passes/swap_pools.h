/*
 * Pass swap_pools: a maximum of windows goes before the activation that it follows.
 *
 * MaxPool(f(x)) = f(MaxPool(x)) for every f that never falls, and f is then computed for one
 * element a window. So Relu, LeakyRelu and Sigmoid and the like, whose only reader is a MaxPool
 * without indices, a GlobalMaxPool or a ReduceMax, change places with it; so does the addition of
 * stored numbers, one a channel, before a pool, and with it the bias of a convolution, which makes
 * no difference between two numbers of a channel. Called after fold_constants.
 */
#ifndef SERTN_PASSES_SWAP_POOLS_H
#define SERTN_PASSES_SWAP_POOLS_H

#include "ir/graph.h"

/*
 * Rewrites the graph in place; no value is dropped. Requires: known shapes, a graph that
 * graph_validate accepts; graph_validate accepts it after. Errors: STATUS_NO_MEMORY.
 */
enum status pass_swap_pools(struct graph *graph, struct diag *diag) SERTN_MUST_CHECK;

#endif
