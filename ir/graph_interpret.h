/*
 * The meaning of the tensor graph: every value, computed in float64 and rounded to its declared
 * type after each operator. Serves constant folding, calibration and the error report; DESIGN 2.1.
 *
 * Integers wrap exactly (element_wrap). The elements of one result are computed in float64
 * throughout (a dot product, a softmax, a tree ensemble's sum is rounded to the declared type once,
 * at its end), sums run in index order, multiply and add are never fused, and elementary functions
 * are correctly rounded (ir/rounded_math): the same bits on every CPU, in every build, for every
 * thread count.
 */
#ifndef SERTN_IR_GRAPH_INTERPRET_H
#define SERTN_IR_GRAPH_INTERPRET_H

#include "ir/graph.h"

/*
 * The values of one run. Life cycle: graph_values_init, any number of runs; the arena owns the
 * rest. After a run item[v] is the tensor of value v: borrowed from the caller for graph inputs,
 * from the graph for constants and parameters, else in the arena. NULL: not computed (an unused
 * output).
 */
struct graph_values {
    struct arena *arena;  /* borrowed: results live here, so one run may be rewound after use */
    struct tensor **item; /* [count] */
    size_t count;         /* graph->value_count */
};

void graph_values_init(struct graph_values *values, struct arena *arena);

/*
 * Computes every value of a graph that graph_validate accepts.
 * inputs: [graph->input_count], in the order of graph->inputs, borrowed, none NULL. Their element
 * type must be the declared one and their shape must agree with every declared dimension that is >=
 * 0. Errors: BAD_INPUT for inputs that do not fit, and for operands that break an operator's rules
 * at run time (an index out of range, say); UNSUPPORTED; NO_MEMORY; LIMIT. The diag names the node.
 */
enum status graph_interpret(const struct graph *graph, const struct tensor *const *inputs,
                            struct graph_values *out, struct diag *diag) SERTN_MUST_CHECK;

/*
 * Computes one node.
 * in: [node->input_count], NULL for absent operands. out: [node->output_count], set on success,
 * NULL where node->outputs is GRAPH_NONE or the operator leaves an optional result out. Results may
 * be the operands themselves (Identity). scope: the values of the enclosing graph, for operators
 * with bodies that look outside; NULL when the node has no such body.
 */
enum status graph_interpret_node(const struct graph *graph, const struct graph_node *node,
                                 const struct tensor *const *in, struct tensor **out,
                                 const struct graph_values *scope, struct arena *arena,
                                 struct diag *diag) SERTN_MUST_CHECK;

#endif
