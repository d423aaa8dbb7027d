/*
 * The float64 run of the original model beside the circuit's: what `eval` compares with.
 *
 * The compiler leaves private/source.json (path of the model, bound inputs) for this; it is
 * private, as weights are.
 */
#ifndef SERTN_RUNTIME_REFERENCE_H
#define SERTN_RUNTIME_REFERENCE_H

#include <cjson/cJSON.h>

#include "frontend/onnx_load.h"
#include "frontend/value_file.h"
#include "ir/graph.h"
#include "runtime/compile.h"
#include "runtime/session.h"

struct reference {
    struct arena arena;
    struct onnx_file file;
    struct onnx_file *function_files;
    size_t function_file_count;
    struct graph *graph; /* folded; NULL when the model file is gone */
    char *missing;       /* owned sentence: why there is no reference */
};

/* Text of private/source.json: where the model came from, and what it was compiled with. Owned;
 * NULL without memory. */
char *reference_source_json(const struct compilation *c, const struct compile_options *options);

/*
 * Sets sets->fixed to what inputs were fixed to when the model was compiled, so that reading data
 * refuses other values for them. Nothing, without private/source.json. Errors: STATUS_BAD_INPUT
 * for a damaged one, STATUS_NO_MEMORY.
 */
enum status reference_fixed_inputs(struct value_sets *sets, const struct model *model,
                                   struct arena *arena, struct diag *diag) SERTN_MUST_CHECK;

/*
 * Opens the reference of a compiled model; `inputs` (the first set) bind its dimensions. model_path
 * (may be NULL) stands for the path the compiler left. Without it a file that is gone is no error:
 * reference_compare then says so. Errors: STATUS_BAD_INPUT, among others for a model with other
 * outputs; STATUS_NO_MEMORY; what importing says.
 */
enum status reference_open(struct reference *reference, const struct session *session,
                           const char *model_path, const struct tensor *const *inputs,
                           struct diag *diag) SERTN_MUST_CHECK;
void reference_close(struct reference *reference);

/*
 * Adds to an object, by output name: "quantized" (the circuit's integers as text, in the output's
 * shape), "reference" (the float64 outputs), "error" {absolute, relative, mismatches} over the
 * session's current values.
 * Errors: STATUS_NO_MEMORY, what interpreting says.
 */
enum status reference_compare(cJSON *object, struct reference *reference, struct session *session,
                              const struct tensor *const *inputs,
                              struct diag *diag) SERTN_MUST_CHECK;

#endif
