/*
 * Builds small ONNX models in memory for the importer's tests, imports and runs them.
 *
 *     struct builder b = builder_start(6);
 *     model_input(&b, "x", ELEMENT_F32, "2,3");
 *     node_int(&b, model_node(&b, "Softmax", "x", "y"), "axis", 1);
 *     model_output(&b, "y");
 *     CHECK_MODEL(&b, REALS(1, 2, 3, 4, 5, 6), 0.09, ...);
 *     builder_end(&b);
 */
#ifndef SERTN_TESTS_FRONTEND_MODEL_BUILDER_H
#define SERTN_TESTS_FRONTEND_MODEL_BUILDER_H

#include "frontend/import.h"
#include "ir/graph_interpret.h"

enum { BUILDER_LIST_MAX = 64 };

struct builder {
    struct arena arena;
    Onnx__Model *model;
    Onnx__Graph *graph; /* what nodes, inputs, outputs and tensors are added to */
    struct import_options options;
    struct diag_list problems;
    struct import_notes notes;
};

/* A model of the newest IR version with this opset of ai.onnx, and ai.onnx.ml 3. */
struct builder builder_start(int opset);
void builder_end(struct builder *b);

/* Imports another operator set, or one more time. */
void model_import(struct builder *b, const char *domain, int version);
/* dims: "N,4,?" - a name, a number, unknown; "" is rank 0, NULL no shape at all. */
void model_input(struct builder *b, const char *name, enum element_type type, const char *dims);
/* An input that is a map from keys of one type to tensors' elements of another. */
void model_map_input(struct builder *b, const char *name, enum element_type key,
                     enum element_type value);
/* An input that is a sequence ('s') or an optional ('o') of tensors; open: outermost first. */
void model_list_input(struct builder *b, const char *name, const char *open, enum element_type type,
                      const char *dims);
void model_output(struct builder *b, const char *name);
void model_typed_output(struct builder *b, const char *name, enum element_type type,
                        const char *dims);
/* An initializer; values as doubles whatever the type. */
void model_tensor(struct builder *b, const char *name, enum element_type type, const char *dims,
                  const double *values);
/* Names separated by commas, empty ones allowed. The node has no name of its own. */
Onnx__Node *model_node(struct builder *b, const char *op, const char *inputs, const char *outputs);
Onnx__Node *model_node_of(struct builder *b, const char *domain, const char *op, const char *inputs,
                          const char *outputs);
/* A new graph for a body. */
Onnx__Graph *model_body(struct builder *b);
/* A model-local function of domain "local" whose nodes are given by a body. */
Onnx__Function *model_function(struct builder *b, const char *name, const char *inputs,
                               const char *outputs);

void node_int(struct builder *b, Onnx__Node *node, const char *name, int64_t value);
void node_float(struct builder *b, Onnx__Node *node, const char *name, double value);
void node_text(struct builder *b, Onnx__Node *node, const char *name, const char *value);
void node_ints(struct builder *b, Onnx__Node *node, const char *name, const int64_t *values,
               size_t count);
void node_floats(struct builder *b, Onnx__Node *node, const char *name, const double *values,
                 size_t count);
void node_texts(struct builder *b, Onnx__Node *node, const char *name, const char *values);
void node_graph(struct builder *b, Onnx__Node *node, const char *name, Onnx__Graph *value);
void node_tensor(struct builder *b, Onnx__Node *node, const char *name, enum element_type type,
                 const char *dims, const double *values);
/* The attribute takes its value from the attribute of the function's caller. */
void node_refer(struct builder *b, Onnx__Node *node, const char *name, const char *outer, int type);

#define REALS(...) ((const double[]){__VA_ARGS__})
#define INTS(...) ((const int64_t[]){__VA_ARGS__}), sizeof((const int64_t[]){__VA_ARGS__}) / 8
#define FLOATS(...) ((const double[]){__VA_ARGS__}), sizeof((const double[]){__VA_ARGS__}) / 8

/* The serialized model, in the builder's arena. */
const uint8_t *model_bytes(struct builder *b, size_t *count);

/* Loads and imports. Returns the status; *graph is set on success. */
enum status model_import_graph(struct builder *b, struct graph **graph);
/* The same, failing the test case with the problems when it does not succeed. */
struct graph *model_graph(struct builder *b);
/* Whether some problem (of a failed import), or note, has this text within. */
bool model_has_problem(const struct builder *b, const char *text);
bool model_has_note(const struct builder *b, const char *text);
/* Imports, and checks that it is refused with this status and a problem that has the text within.
 */
void check_refused(const char *file, int line, struct builder *b, enum status status,
                   const char *text);
#define CHECK_REFUSED(b, status, text) check_refused(__FILE__, __LINE__, b, status, text)

/* A tensor from doubles. */
struct tensor *make_tensor(struct builder *b, enum element_type type, const char *dims,
                           const double *values);

/* Runs a graph. in: elements of each input one after the other, as doubles; returns the outputs. */
struct tensor **model_run(struct builder *b, const struct graph *graph, const double *in);

/* Imports, runs, and compares all elements of all outputs, one after the other, with `expected`. */
void check_model(const char *file, int line, struct builder *b, const double *in,
                 const double *expected, size_t expected_count);
#define CHECK_MODEL(b, in, ...)                                                                    \
    check_model(__FILE__, __LINE__, b, in, (const double[]){__VA_ARGS__},                          \
                sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

/*
 * Imports two models of the same inputs, runs both on the same random elements - floats of -2 .. 2,
 * integers 0 .. 1 - and compares all elements of all outputs.
 */
void check_agree(const char *file, int line, struct builder *one, struct builder *other);
#define CHECK_AGREE(one, other) check_agree(__FILE__, __LINE__, one, other)

/* Number of nodes of a graph with this operator. */
size_t count_nodes(const struct graph *graph, enum op_kind op);

#endif
