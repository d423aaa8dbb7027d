/*
 * Calibration data and bound inputs of a compilation: reads --data and --bind as the model's inputs
 * ask. Private to runtime/compile.
 */
#ifndef SERTN_RUNTIME_COMPILE_DATA_H
#define SERTN_RUNTIME_COMPILE_DATA_H

#include "runtime/compile.h"

struct compile_data {
    struct value_spec *specs; /* inputs of the file */
    size_t spec_count;
    struct value_tree *trees;     /* what sequences and optionals hold; NULL when there are none */
    const struct tensor ***rows;  /* [set_count][spec_count], in file order */
    struct calibration_set *sets; /* in the order of the graph's inputs, after compile_data_order */
    size_t set_count;
    struct import_sample *samples; /* of the first set */
    size_t sample_count;
    struct import_bind *binds;
    size_t bind_count;
};

/* Errors: what reading a value file says, and BAD_INPUT for a --bind of no input. */
enum status compile_data_read(struct compile_data *data, struct onnx_file *file,
                              const struct compile_options *options, struct arena *arena,
                              struct diag *diag) SERTN_MUST_CHECK;
/* Brings the sets into the order of the graph's inputs (bound ones left out). */
enum status compile_data_order(struct compile_data *data, const struct graph *graph,
                               struct arena *arena, struct diag *diag) SERTN_MUST_CHECK;

#endif
