/*
 * Pass fuse_channels: a stored factor of each channel goes into the weights of the convolution
 * before it.
 *
 * A (W * x + b) + c = (A W) * x + (A b + c), where A and c have one number a channel: that is a
 * BatchNormalization of stored statistics, of which an addition is left, and a Mul by stored
 * numbers that are the same in all of a channel's places. Such an Add goes into a bias that is
 * there; else it stays, as additions go behind pools (swap_pools.h). The results of the convolution
 * are then rounded once, and take no product of their own. Weights stay private: the new ones are
 * parameters when any of the old numbers was one. Nodes of 16 bits and fewer stay, as they round
 * after each step. Called after fold_constants, which takes what is no longer needed out when it
 * runs again.
 */
#ifndef SERTN_PASSES_FUSE_CHANNELS_H
#define SERTN_PASSES_FUSE_CHANNELS_H

#include "ir/graph.h"

/*
 * Rewrites the graph in place; *changed: set to true when it did. Requires: known shapes, constants
 * folded, a graph that graph_validate accepts; graph_validate accepts it after. Errors:
 * STATUS_NO_MEMORY.
 */
enum status pass_fuse_channels(struct graph *graph, bool *changed,
                               struct diag *diag) SERTN_MUST_CHECK;

#endif
