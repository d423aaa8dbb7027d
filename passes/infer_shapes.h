/*
 * Pass infer_shapes: shape and type of every value of a graph whose shapes no longer depend on
 * arithmetic (fold_constants has run, or the graph never had any). Rules are those of
 * ir/graph_infer. Run it again after a pass that adds nodes without saying their shapes.
 */
#ifndef SERTN_PASSES_INFER_SHAPES_H
#define SERTN_PASSES_INFER_SHAPES_H

#include "ir/graph.h"

/*
 * Sets type, shape_known, shape and text_table of every computed value of the main graph.
 * Requires: graph_validate accepts the graph. The shapes of its inputs must be known and bound: an
 * unbound dimension is a problem that names the input, the axis and its symbol.
 * Ensures: on success every value has shape_known with all dims >= 0, and a type.
 * Errors: all problems go to `problems` (node, operator, opset, operands, reason); what only
 * follows from an earlier problem is not repeated. Returns the status of the first problem, or
 * NO_MEMORY.
 */
enum status pass_infer_shapes(struct graph *graph, struct diag_list *problems) SERTN_MUST_CHECK;

/*
 * Reports that the shape of a node's output `name` depends on the input data, and which option
 * gives it a size.
 */
void report_open_shape(struct diag_list *problems, const struct graph_node *node, const char *name);

#endif
