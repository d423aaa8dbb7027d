/*
 * Facts about the canonical operators, read from ir/ops.def: name, domain, arity, traits.
 * Used by the importer, the passes and the validator.
 */
#ifndef SERTN_IR_OPS_H
#define SERTN_IR_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ir/graph.h"

enum op_trait {
    TRAIT_NONE = 0,
    TRAIT_ELEMENTWISE =
        1 << 0, /* output shape is the numpy broadcast of the inputs', element by element */
    TRAIT_MOVEMENT =
        1 << 1,          /* output elements are copies of input elements or of constants: exact */
    TRAIT_SAME = 1 << 2, /* output 0 has the element type of input 0 */
    TRAIT_BOOL = 1 << 3, /* output is bool */
    TRAIT_I64 = 1 << 4,  /* output is int64 */
    TRAIT_FUNCTION =
        1 << 5, /* a smooth real function of one input and of attributes: a table will do */
    TRAIT_REDUCE = 1 << 6, /* (data, axes?) with keepdims and noop_with_empty_axes */
    TRAIT_BODY = 1 << 7,   /* has graphs among its attributes */
    TRAIT_WHOLE =
        1 << 8, /* results up to min_outputs are made whenever one is: the others come from them */
};

/* Input i decides shapes or structure, so it has to be known at compile time. i <= 7. */
#define TRAIT_CONSTANT_INPUT(i) (1u << (16 + (i)))

struct op_info {
    const char *name;   /* as in ONNX */
    const char *domain; /* "ai.onnx", "ai.onnx.ml", "sertn" */
    uint32_t min_inputs, max_inputs, min_outputs, max_outputs;
    uint32_t traits;
};

/* Returns the row of an operator. Requires: kind < OP_COUNT. The result is static. */
const struct op_info *op_info(enum op_kind kind);

/* Returns whether input `index` has to be known at compile time. */
bool op_input_is_constant(enum op_kind kind, size_t index);

#endif
