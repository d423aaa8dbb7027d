/*
 * Reads one serialized TensorProto, SequenceProto or OptionalProto, the forms of ONNX test data
 * (input_0.pb), by hand: the prover reads its inputs so and never loads protobuf-c. Source:
 * Protocol Buffers encoding; field numbers in frontend/onnx.proto and ONNX's onnx-data.proto.
 */
#ifndef SERTN_FRONTEND_TENSOR_PB_H
#define SERTN_FRONTEND_TENSOR_PB_H

#include <stddef.h>

#include "frontend/value_tree.h"
#include "ir/support/arena.h"
#include "ir/support/status.h"
#include "ir/tensor.h"

/*
 * Makes the tensor in the arena; *name is the tensor's name in the arena, "" when it has none.
 * Every length is checked against the bytes that are left. Errors: as tensor_from_parts; BAD_INPUT
 * for bytes that are no TensorProto, and for external data.
 */
enum status tensor_pb_read(struct tensor **out, const char **name, const void *bytes, size_t count,
                           struct arena *arena, struct diag *diag) SERTN_MUST_CHECK;

/*
 * The same for a SequenceProto or OptionalProto, which share their field numbers. open: the nesting
 * as in struct value_spec; NULL when it is not known: every level then is a list. Errors: as
 * tensor_pb_read; UNSUPPORTED for maps and sparse tensors; LIMIT.
 */
enum status tensor_pb_read_tree(struct value_tree *out, const char **name, const void *bytes,
                                size_t count, const char *open, struct arena *arena,
                                struct diag *diag) SERTN_MUST_CHECK;

#endif
