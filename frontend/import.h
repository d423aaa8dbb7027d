/*
 * ONNX to the tensor graph: every IR version, opset 1 to 28 of ai.onnx, 1 to 5 of ai.onnx.ml.
 *
 * Older forms become the canonical ones of ir/ops.def; model-local functions are inlined, If with a
 * known condition is replaced by its branch, nodes that no output needs are dropped. All problems
 * of a model are found in one run. Called by the compiler (runtime) after onnx_load; stands on
 * ir/graph_infer for shapes and types. Source: ONNX operator specifications,
 * https://onnx.ai/onnx/operators.
 */
#ifndef SERTN_FRONTEND_IMPORT_H
#define SERTN_FRONTEND_IMPORT_H

#include <stddef.h>
#include <stdint.h>

#include "frontend/onnx_load.h"
#include "frontend/value_spec.h"
#include "frontend/value_tree.h"
#include "ir/graph.h"
#include "ir/support/arena.h"
#include "ir/support/status.h"

/* --dim: the size of a named dimension ("batch"), or of one axis of one input ("input:0"). */
struct import_dim {
    const char *name;
    int64_t value; /* >= 1 */
};

/* --max-dim: the most results of an operator whose number depends on elements, rounds of a Loop, or
 * samples along a bin of a RoiAlign, by the name of the result, of its symbolic dimension, or of
 * the node. */
struct import_max_dim {
    const char *name;
    int64_t value; /* >= 1 */
};

/*
 * An input of the first data set of --data. Its shape binds dimensions; its elements are used, and
 * a note says so, when an operator needs them at compile time and the tensor is small (rank at most
 * 1, at most 16 elements).
 */
struct import_sample {
    const char *input;
    const struct tensor *tensor;
};

/* --bind: an input that becomes a constant of the graph. */
struct import_bind {
    const char *input;
    const struct tensor *tensor;
};

/* All borrowed while import_graph runs; tensors longer, as long as the graph. A zeroed struct asks
 * for nothing. */
struct import_options {
    const struct import_dim *dim;
    size_t dim_count;
    const struct import_sample *sample;
    size_t sample_count;
    const struct import_bind *bind;
    size_t bind_count;
    const struct import_max_dim *max_dim;
    size_t max_dim_count;
    /* What inputs that are sequences or optionals hold, as for import_inputs; NULL when the model
     * has none. */
    const struct value_tree *trees;
    /* Seed of random operators without one of their own, or the input of one integer that holds it.
     */
    uint32_t seed;
    const char *seed_input; /* NULL: `seed` */
    /* --functions: files whose functions stand for operators that neither the model nor the rules
     * know; their tensors lie within. */
    const struct onnx_file *function_files;
    size_t function_file_count;
};

struct import_notes {
    const char **text;
    size_t count, capacity;
};

/*
 * What the file says of its run-time inputs, in file order, initializers left out: enough to read
 * --data before dimensions are bound. Unknown dimensions are -1. trees: what each of these inputs
 * holds, entries of tensors unused; a sequence then is a spec for each tensor in it, and an empty
 * optional none. NULL: sequences and optionals are one spec each, with `open` set. Errors:
 * BAD_INPUT and UNSUPPORTED for an input that is neither tensor, map, sequence nor optional of
 * tensors, and for a sequence that `trees` says nothing of; NO_MEMORY.
 */
enum status import_inputs(struct value_spec **out, size_t *count, const struct onnx_file *file,
                          const struct value_tree *trees, struct arena *arena,
                          struct diag *diag) SERTN_MUST_CHECK;

/*
 * Builds the graph in the arena. problems collects every reason why it cannot be built, each with
 * node, operator, domain, opset, operand types and shapes, reason; it is borrowed, initialised by
 * the caller. notes collects what the user should know (defaults taken, rules not insisted on); its
 * texts live in the arena. A zeroed struct is an empty list. Ensures: on success *out is a graph
 * that graph_validate accepts, with no symbolic dimension, and problems is as before. After
 * problems *out is such a graph of the nodes that neither failed nor hang on what did, so that
 * others can judge them too: its outputs are those that are left, and what left-out nodes read;
 * NULL when nothing can be said. Returns the status of the first problem.
 */
enum status import_graph(struct graph **out, struct onnx_file *file,
                         const struct import_options *options, struct arena *arena,
                         struct diag_list *problems, struct import_notes *notes) SERTN_MUST_CHECK;

#endif
