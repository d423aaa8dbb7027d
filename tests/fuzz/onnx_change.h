/*
 * Changes within the messages of an ONNX model, and small models made up: flipped bytes mostly
 * break the outer form of a file, these leave it whole. Shared by the targets that take models.
 * Random numbers are the harness's. Both are a fuzz_change, which needs no corpus.
 */
#ifndef SERTN_TESTS_FUZZ_ONNX_CHANGE_H
#define SERTN_TESTS_FUZZ_ONNX_CHANGE_H

#include <stdint.h>

#include "tests/fuzz/fuzz.h"

/* 0, ends of the types, and small numbers. */
int64_t onnx_edge_integer(void);
/* 0, -0, the least and the greatest of float32, infinities, NaN, and ordinary numbers. */
float onnx_edge_float(void);

/*
 * Changes a few things of the main graph: operators, operands, attributes, elements and shapes of
 * stored tensors, types and shapes of inputs, opsets. Bytes that are no model stay as they are.
 */
void onnx_change(struct buffer *bytes, const struct fuzz_corpus *corpus);

/* Writes a model of one node of some operator that can be imported, with random operands and
 * attributes, of which one result is used. */
void onnx_make_model(struct buffer *out, const struct fuzz_corpus *corpus);

#endif
