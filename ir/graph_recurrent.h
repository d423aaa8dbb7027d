/*
 * What the attributes of RNN-22, GRU-22 and LSTM-22 say: sizes and activation functions. Read here
 * for the shape rule, the kernel and the pass that writes a cell out step by step.
 */
#ifndef SERTN_IR_GRAPH_RECURRENT_H
#define SERTN_IR_GRAPH_RECURRENT_H

#include "ir/graph.h"

/* Sizes of one call. X is [sequence, batch, input], or [batch, sequence, input] with layout = 1. */
struct recurrent_sizes {
    size_t sequence, batch, input, hidden, directions;
    unsigned gates; /* 4 LSTM (i, o, f, c), 3 GRU (z, r, h), 1 RNN */
    bool batch_first;
};

/* x, w, r: shapes of operands 0 to 2. Errors: BAD_INPUT when they do not fit the attributes. */
enum status recurrent_sizes_read(struct diag *diag, const struct graph_node *node,
                                 const struct shape *x, const struct shape *w,
                                 const struct shape *r,
                                 struct recurrent_sizes *sizes) SERTN_MUST_CHECK;

/* alpha and beta are NaN where the function has no such parameter. */
struct recurrent_activation {
    const char *name; /* as in known names: "Relu", "ScaledTanh", ... */
    double alpha, beta;
};

enum { RECURRENT_ACTIVATIONS = 3 };

struct recurrent_activations {
    struct recurrent_activation of[2][RECURRENT_ACTIVATIONS]; /* [direction][f, g, h] */
};

/* Names without regard to case; alpha and beta go in order to the functions that have them. Errors:
 * BAD_INPUT, UNSUPPORTED. */
enum status recurrent_activations_read(struct diag *diag, const struct graph_node *node,
                                       size_t directions,
                                       struct recurrent_activations *out) SERTN_MUST_CHECK;

#endif
