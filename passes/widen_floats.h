/*
 * Pass widen_floats: a large model of float16 or bfloat16 numbers is computed as if they were
 * float32.
 *
 * A model of 16-bit floats rounds after each step, which takes some thirty rows a number: bits of
 * the exponent are found, and the number is shifted there and back. Where so many numbers are
 * rounded that these rows alone come near to all a table holds, the model is read as its float32
 * form: operands, weights and results have the values they had, what is computed between them is
 * more exact, and outputs are rounded to their declared type at the end. The report says so. It
 * depends on the number of elements alone, never on a weight.
 * Models in which a bit pattern of 16 bits is read stay as they are.
 * Called after fold_constants, which has to run again when something changed.
 */
#ifndef SERTN_PASSES_WIDEN_FLOATS_H
#define SERTN_PASSES_WIDEN_FLOATS_H

#include "ir/graph.h"

/* The fewest rounded numbers that make a model large. */
enum { WIDEN_ELEMENTS_MIN = 1 << 18 };

/*
 * Rewrites the graph in place; *count: how many numbers are not rounded any more, 0 when nothing
 * changed. Requires: known shapes and types, a graph that graph_validate accepts; graph_validate
 * accepts it after, and the types of computed values are right once fold_constants ran again.
 * Errors: STATUS_NO_MEMORY.
 */
enum status pass_widen_floats(struct graph *graph, uint64_t *count,
                              struct diag *diag) SERTN_MUST_CHECK;

#endif
