/* Private to graph_interpret*.c: running graphs inside graphs. */
#ifndef SERTN_IR_GRAPH_INTERPRET_RUN_H
#define SERTN_IR_GRAPH_INTERPRET_RUN_H

#include "ir/graph_kernel.h"

/* The tensor of a value seen from a frame, or NULL when it is not computed. */
const struct tensor *interpret_value(const struct interpret_frame *frame, uint32_t value);
/* A table of tensors for a graph, constants filled in. */
enum status interpret_items(struct tensor ***items, const struct graph *graph, struct arena *arena,
                            struct diag *diag);
/* Runs all nodes; inputs are in frame->item already. */
enum status interpret_frame_run(struct interpret_frame *frame, struct arena *arena,
                                struct diag *diag);
enum status interpret_node(const struct interpret_frame *frame, const struct graph_node *node,
                           const struct tensor *const *in, struct tensor **out, struct arena *arena,
                           struct diag *diag);

#endif
