/*
 * What the operands and attributes of DFT-20 and STFT-17 say, and the roots of unity they sum with.
 * Read here for the shape rules, the kernels and the lowering.
 */
#ifndef SERTN_IR_GRAPH_SIGNAL_H
#define SERTN_IR_GRAPH_SIGNAL_H

#include "ir/graph.h"

struct dft {
    unsigned axis;
    size_t length; /* of the transform: input is cut or padded with zeros */
    size_t bins;   /* of the result */
    size_t parts;  /* 1: real input, 2: complex */
    bool inverse;
    bool halved; /* one-sided inverse: the operand is half a spectrum, the result is real */
};

/* shape: of the operand; length and axis: operands 1 and 2, or NULL. Errors: BAD_INPUT,
 * UNSUPPORTED. */
enum status dft_read(struct diag *diag, const struct graph_node *node, const struct shape *shape,
                     const struct tensor *length, const struct tensor *axis,
                     struct dft *dft) SERTN_MUST_CHECK;

struct stft {
    size_t step, length, frames, bins, parts;
};

/* window: shape of operand 2, or NULL; length: operand 3, or NULL. Errors: as dft_read. */
enum status stft_read(struct diag *diag, const struct graph_node *node, const struct shape *signal,
                      const struct tensor *step, const struct shape *window,
                      const struct tensor *length, struct stft *stft) SERTN_MUST_CHECK;

/* [2 k], [2 k + 1]: cosine and sine of 2 pi k / length, correctly rounded; NULL without memory. */
double *roots_of_unity(struct arena *arena, size_t length, struct diag *diag);

#endif
