/*
 * Pass fold_constants: one walk that infers shapes, evaluates what is known at compile time, brings
 * the bodies of If, Loop and Scan into the main graph, and drops what nothing uses.
 *
 * What the walk does, in the order of the nodes, so that shape arithmetic is known when it is
 * needed:
 *   - a node whose operands are all known is computed by ir/graph_interpret. Its results are
 *     CONSTANT, or PARAMETER when a PARAMETER took part (also a ConstantOfShape that stores its own
 *     float value): they stay private. Shape, Size and EyeLike need only the shape of their
 * operand;
 *   - Identity, and Cast or CastLike to the type a value has already, are renamed away;
 *   - If: a CONSTANT condition picks its branch; else both branches are computed and Where picks. A
 *     PARAMETER condition counts as unknown: nothing is decided by a private value;
 *   - Scan, and Loop with a known trip count: unrolled. A Loop that may stop early by a computed
 *     condition keeps its carried values by Where, and must have no scan outputs;
 *   - RNN, GRU and LSTM are written out step by step (unroll_recurrent.c);
 *   - an operand that decides shapes (TRAIT_CONSTANT_INPUT) and is a PARAMETER, as a stored float
 *     scale of Resize is, becomes a CONSTANT for that use: shapes are public;
 *   - nodes and values that no output needs are dropped. Graph inputs stay, used or not.
 */
#ifndef SERTN_PASSES_FOLD_CONSTANTS_H
#define SERTN_PASSES_FOLD_CONSTANTS_H

#include "ir/graph.h"

/* A model that unrolls to more nodes than this is refused with STATUS_LIMIT. */
enum { FOLD_NODES_MAX = 1 << 20 };

/*
 * Rewrites the main graph in place; value and node indices change. The names of graph inputs and
 * outputs, and the map_keys, text_table and sequence of outputs, stay. scratch: borrowed, rewound
 * after use. Requires: graph_validate accepts the graph; every dimension of every input is bound.
 * Ensures: on success graph_validate accepts the result, pass_infer_shapes has nothing to add, and
 * no If, Loop, Scan, recurrent cell or Identity is left but the Identity nodes that give an output
 * its own value. Errors: as pass_infer_shapes: all problems are collected, and the graph is
 * then that of the nodes without them, folded: its outputs are those that are left, and the values
 * that left-out nodes read. NO_MEMORY leaves it as it was.
 */
enum status pass_fold_constants(struct graph *graph, struct arena *scratch,
                                struct diag_list *problems) SERTN_MUST_CHECK;

/*
 * Returns whether no node of this operator is left after the pass: bodies, recurrent cells, and
 * what depends on shapes and compile-time operands alone.
 */
bool fold_constants_replaces(enum op_kind op);

#endif
