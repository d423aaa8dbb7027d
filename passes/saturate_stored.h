/*
 * Pass saturate_stored: a stored infinity becomes a finite number where every use of it saturates.
 *
 * QuantizeLinear by a stored scale gives the least or the greatest integer for an infinity and for
 * all numbers from some one on, Clip by stored bounds the bound, Relu 0 for what is below. Numbers
 * have a fixed-point form, infinities none. Quantizers that also quantize attention masks leave
 * them so: Where(c, -inf, 0) into a QuantizeLinear. Called after fold_constants.
 */
#ifndef SERTN_PASSES_SATURATE_STORED_H
#define SERTN_PASSES_SATURATE_STORED_H

#include "ir/graph.h"

/*
 * Gives such values other data, from the graph's arena; nothing else is changed. Requires: a graph
 * that graph_validate accepts. Errors: STATUS_NO_MEMORY.
 */
enum status pass_saturate_stored(struct graph *graph, struct diag *diag) SERTN_MUST_CHECK;

#endif
