/*
 * Inputs of a model from files: JSON, CSV, NPY, NPZ, serialized ONNX tensors, an ONNX test data
 * folder, a folder of any of these, standard input. Called by every program that takes --input or
 * --data; loads no ONNX library.
 *
 * A file gives one data set or several: a tensor for each input, of the input's element type
 * (numbers are converted when they fit exactly or, to a float type, round; uint16 is taken for the
 * bits of a bfloat16), its shape checked against the spec. Integers beyond 2^53 stay exact: JSON
 * has to write them as strings, as our own output does.
 */
#ifndef SERTN_FRONTEND_VALUE_FILE_H
#define SERTN_FRONTEND_VALUE_FILE_H

#include <stddef.h>

#include "frontend/value_spec.h"
#include "frontend/value_tree.h"
#include "ir/support/arena.h"
#include "ir/support/status.h"

/* One data set. */
struct value_set {
    const char *name;       /* the file it came from, and its place in it, for messages */
    struct tensor **tensor; /* [spec_count], in the order of the specs, none NULL */
};

/* An input that was fixed when the model was compiled. */
struct value_fixed {
    struct value_spec spec;
    const struct tensor *tensor;
};

/*
 * All in the arena. A zeroed struct is an empty list. fixed: inputs that a file may hold besides
 * those of the specs, with these values and no others; set by the caller before reading.
 */
struct value_sets {
    struct value_set *set;
    size_t count, capacity;
    const struct value_fixed *fixed;
    size_t fixed_count;
};

/* No input file may be larger. */
#define VALUE_FILE_BYTES_LIMIT ((size_t)1 << 30)

/*
 * Reads every data set of a path ("-": standard input) and adds it to *out.
 *   JSON: an object by input name, or {"input_data": [one entry an input]}, or a list when there is
 * one input, or a list of such objects. Nested lists; a flat list of the right length is read
 * row-major; "NaN", "Infinity", "-Infinity" and integers may be strings. CSV: a table for the only
 * input, or a header that names the inputs, one column each. When the first dimension is fixed and
 * there are more rows, every so many rows are a data set. .npy, .pb: the only input. .npz: arrays
 * by input name. Folders: input_0.pb, input_1.pb ... are one data set; folders test_data_set_* are
 * one each; else every file is read, in order of names. For a model without inputs a folder is a
 * data set of nothing. A sequence is a list of its items in JSON, and a SequenceProto in a folder;
 * an empty optional is null, or an OptionalProto. Errors: BAD_INPUT with the file, what is
 * wrong, what to do; LIMIT; IO; NO_MEMORY. *out then holds what was there before.
 */
enum status value_file_read(struct value_sets *out, const char *path,
                            const struct value_spec *specs, size_t spec_count, struct arena *arena,
                            struct diag *diag) SERTN_MUST_CHECK;

/* The same from bytes in memory; `name` is for messages, its ending decides between formats. */
enum status value_bytes_read(struct value_sets *out, const char *name, const void *bytes,
                             size_t count, const struct value_spec *specs, size_t spec_count,
                             struct arena *arena, struct diag *diag) SERTN_MUST_CHECK;

/*
 * What the open specs (value_spec.h) hold in the first data set of a path: tree[spec_count],
 * entries of other specs are left alone. Errors: as value_file_read; BAD_INPUT where the nesting is
 * not the declared one, or the format knows no sequences.
 */
enum status value_structure_read(struct value_tree *tree, const char *path,
                                 const struct value_spec *specs, size_t spec_count,
                                 struct arena *arena, struct diag *diag) SERTN_MUST_CHECK;

/*
 * Reads output_0.pb, output_1.pb ... of a test data folder: expected results, converted as inputs
 * are.
 */
enum status value_outputs_read(struct value_set *out, const char *folder,
                               const struct value_spec *specs, size_t spec_count,
                               struct arena *arena, struct diag *diag) SERTN_MUST_CHECK;

/*
 * Reads one value written on the command line: a number, a JSON list, or the path of a file. For
 * --bind NAME=VALUE.
 */
enum status value_literal_read(struct tensor **out, const char *text, const struct value_spec *spec,
                               struct arena *arena, struct diag *diag) SERTN_MUST_CHECK;

/*
 * Fits a tensor to a spec: element type, strings to numbers, shape. The diag says "input 'x': ...".
 */
enum status value_fit(struct tensor **out, const struct tensor *from, const struct value_spec *spec,
                      struct arena *arena, struct diag *diag) SERTN_MUST_CHECK;

#endif
