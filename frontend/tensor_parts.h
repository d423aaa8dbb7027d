/*
 * From what a TensorProto says to a tensor: the rules both readers of that message share, the one
 * of models (frontend/onnx_tensor, over protobuf-c) and the one of value files (frontend/tensor_pb,
 * by hand).
 *
 * Source: ONNX IR specification, TensorProto, IR version 14. Every size is checked before memory is
 * taken.
 */
#ifndef SERTN_FRONTEND_TENSOR_PARTS_H
#define SERTN_FRONTEND_TENSOR_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ir/support/arena.h"
#include "ir/support/status.h"
#include "ir/tensor.h"

struct tensor_text {
    const uint8_t *data;
    size_t count;
};

/* The fields of a TensorProto; all pointers are borrowed, and valid while tensor_from_parts runs.
 */
struct tensor_parts {
    int32_t data_type;
    const int64_t *dims;
    size_t dim_count;
    bool has_raw;
    const uint8_t *raw; /* little-endian, sub-byte types packed from the low bits up */
    size_t raw_count;
    const float *floats;
    size_t float_count;
    const double *doubles;
    size_t double_count;
    const int32_t *int32s;
    size_t int32_count;
    const int64_t *int64s;
    size_t int64_count;
    const uint64_t *uint64s;
    size_t uint64_count;
    const struct tensor_text *texts;
    size_t text_count;
};

/* No tensor of a file may have more elements. */
#define TENSOR_ELEMENT_LIMIT ((size_t)1 << 31)

/*
 * Checks type and dims: a known type, rank at most TENSOR_RANK_MAX, no negative dimension, at most
 * TENSOR_ELEMENT_LIMIT elements. On success *shape and *count are set. Errors: BAD_INPUT,
 * UNSUPPORTED (complex, float6), LIMIT.
 */
enum status tensor_parts_check(const struct tensor_parts *parts, struct shape *shape, size_t *count,
                               struct diag *diag) SERTN_MUST_CHECK;

/* Bytes that raw data of `count` elements takes. Requires: a type that tensor_parts_check accepts,
 * not STRING. */
size_t tensor_raw_bytes(enum element_type type, size_t count);

/*
 * Makes the tensor in the arena. Exactly one store of elements must be there and hold exactly the
 * elements that dims ask for. Integers out of the range of their type are BAD_INPUT. Strings are
 * copied, without a zero byte inside.
 */
enum status tensor_from_parts(struct tensor **out, const struct tensor_parts *parts,
                              struct arena *arena, struct diag *diag) SERTN_MUST_CHECK;

#endif
