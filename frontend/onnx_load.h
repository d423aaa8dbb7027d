/*
 * From the bytes of an ONNX file to its messages, under limits.
 *
 * The bytes are scanned before protobuf-c sees them: nesting, lengths and wire types are checked
 * against the schema, because protobuf-c recurses without a limit; its memory is counted. Source:
 * Protocol Buffers encoding, frontend/onnx.proto.
 */
#ifndef SERTN_FRONTEND_ONNX_LOAD_H
#define SERTN_FRONTEND_ONNX_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "frontend/external_data.h"
#include "frontend/onnx.pb-c.h"
#include "ir/support/arena.h"
#include "ir/support/status.h"
#include "ir/tensor.h"

/* Messages within messages; a body within a body takes three. */
#define ONNX_NESTING_LIMIT 100
/* The format itself ends at 2 GiB. */
#define ONNX_FILE_BYTES_LIMIT ((size_t)1 << 31)

/* Life cycle: onnx_load_file or onnx_load_bytes, onnx_release. A zeroed struct may be released. */
struct onnx_file {
    Onnx__Model *model; /* owned; has a graph, unless it was read for its functions */
    struct external_folder folder;
    size_t memory_left_bytes; /* what protobuf-c may still take */
};

/* Reads a model from disk. Errors: IO, LIMIT, BAD_INPUT; *file is zeroed then. The diag names the
 * path. */
enum status onnx_load_file(struct onnx_file *file, const char *path,
                           struct diag *diag) SERTN_MUST_CHECK;

/* Reads a model from memory; it has no folder for external data. `name` is for messages. */
enum status onnx_load_bytes(struct onnx_file *file, const void *bytes, size_t count,
                            const char *name, struct diag *diag) SERTN_MUST_CHECK;

/*
 * Reads a file of functions: a model, whose graph is then left alone and may be missing, or one
 * serialized FunctionProto. Errors: as onnx_load_file; BAD_INPUT where there is no function.
 */
enum status onnx_load_functions(struct onnx_file *file, const char *path,
                                struct diag *diag) SERTN_MUST_CHECK;

void onnx_release(struct onnx_file *file);

/* Makes a tensor from a TensorProto of the file, external data included. Errors: as
 * tensor_from_parts and external_read. */
enum status onnx_tensor(struct tensor **out, struct onnx_file *file, const Onnx__Tensor *source,
                        struct arena *arena, struct diag *diag) SERTN_MUST_CHECK;

/* Makes a dense tensor from a SparseTensorProto. */
enum status onnx_sparse_tensor(struct tensor **out, struct onnx_file *file,
                               const Onnx__SparseTensor *source, struct arena *arena,
                               struct diag *diag) SERTN_MUST_CHECK;

#endif
