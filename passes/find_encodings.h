/*
 * Which float values are carried in another form than fixed point. Part of quantize; decided by the
 * structure of the graph alone, never by data or weights, but for one thing: outputs that had NaN
 * in calibration (saw_nan) are shown with it.
 */
#ifndef SERTN_PASSES_FIND_ENCODINGS_H
#define SERTN_PASSES_FIND_ENCODINGS_H

#include "passes/quantize.h"

/*
 * Sets is_key, key_bits, is_bits, takes_nan, traces_nan and keeps_sign of values
 * [graph->value_count]; what else stands in them is left alone. Errors: NO_MEMORY.
 */
enum status find_encodings(const struct graph *graph, struct value_plan *values,
                           struct arena *scratch, struct diag *diag) SERTN_MUST_CHECK;

/* Whether a node copies floats of its first operands (of all, for Concat) to its results. */
bool moves_floats(const struct graph *graph, const struct graph_node *node);
/* Whether the operands that say where are known. */
bool moves_constantly(const struct graph *graph, const struct graph_node *node);

#endif
