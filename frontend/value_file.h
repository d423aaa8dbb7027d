/*
 * Values of inputs from files: ONNX test data folders, TensorProto, NumPy, CSV, JSON.
 *
 * A path names one set of inputs or several:
 *   a folder test_data_set_* with input_K.pb       one set; K counts the inputs of the model in file order
 *   a folder of such folders or of input files     several sets, in name order (digits by value)
 *   .pb  one TensorProto, for a model of one input
 *   .npy one array, for a model of one input; .npz arrays by input name
 *   .csv a table with or without a header line: a row is a set (a model with one input [1, columns]), or rows are its first axis when it has that many
 *   .json {"name": nested lists, ...} by input name; {"input_data": [[...], ...]} by position (a flat list of the right length is read
 *        row-major); a list of such objects is several sets; numbers may be the strings "NaN", "Infinity", "-Infinity" or integers beyond 2^53
 *   -    JSON from standard input
 * Every size is checked before memory is taken; nothing here loads a protobuf library.
 */
#ifndef SERTN_FRONTEND_VALUE_FILE_H
#define SERTN_FRONTEND_VALUE_FILE_H

#include "frontend/value_spec.h"
#include "ir/support/arena.h"
#include "ir/support/status.h"

/* Sets of inputs: set[i][k] is input k of set i, of the type and (where the spec knows it) the shape of spec k; rounded to its type. */
struct value_sets {
    const struct tensor *const *const *set;
    const char *const *name; /* [count] what to call each set: a path, or path and row */
    size_t count;
};

/*
 * Reads every set that a path names. With `partial` an input may be missing (its tensor is NULL): calibration data may leave bound inputs out.
 * All lives in `arena`. Errors: STATUS_BAD_INPUT in one sentence naming file, input, what was found and what is expected; STATUS_LIMIT; STATUS_IO.
 */
enum status value_file_read(struct value_sets *out, const char *path, const struct value_spec *specs, size_t spec_count, bool partial,
                            struct arena *arena, struct diag *diag) SERTN_MUST_CHECK;

/* One tensor from a .pb or .npy file (for --bind NAME=PATH). type ELEMENT_UNDEFINED and an unknown shape in the spec accept any. */
enum status value_file_read_tensor(const struct tensor **out, const char *path, const struct value_spec *spec, struct arena *arena,
                                   struct diag *diag) SERTN_MUST_CHECK;
/* One tensor from JSON text (for --bind NAME=LITERAL): a number, a string or nested lists. */
enum status value_parse_literal(const struct tensor **out, const char *text, const struct value_spec *spec, struct arena *arena,
                                struct diag *diag) SERTN_MUST_CHECK;

#endif
