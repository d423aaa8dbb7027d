/* Private to frontend/import*.c: what the families of rules share. The rules themselves are
 * declared by import_rules.def. */
#ifndef SERTN_FRONTEND_IMPORT_RULES_H
#define SERTN_FRONTEND_IMPORT_RULES_H

#include "frontend/import_node.h"

#define RULE(domain, op, since, until, kind, run, attributes, types, restriction)                  \
    void run(struct import_node *n);
#include "frontend/import_rules.def"
#undef RULE

/* Emits the rule's own operator with the staged attributes and gives the node's outputs
 * (import_math.c). */
void emit_plain(struct import_node *n, const uint32_t *in, size_t in_count);

/*
 * Casts a constant between strings and numbers (import_text.c). from: the pool when the elements of
 * `known` are numbers of strings, else NULL. The result has type `to`, which may be STRING. Errors:
 * BAD_INPUT for a string that is no number.
 */
enum status text_tensor_cast(struct tensor **out, struct importer *importer,
                             const struct tensor *known, const struct text_pool *from,
                             enum element_type to, struct diag *diag) SERTN_MUST_CHECK;

/* Sums of products of a and b less their zero points, as reals of a scale that belongs to the
 * columns of b (import_quantized.c). bias: int32 or GRAPH_NONE. */
uint32_t emit_scaled_product(struct import_node *n, uint32_t a, uint32_t a_scale, uint32_t a_zero,
                             uint32_t b, uint32_t b_scale, uint32_t b_zero, uint32_t bias);

/* --- ai.onnx.ml (import_score.c) --- */

enum post_transform { POST_NONE, POST_SOFTMAX, POST_LOGISTIC, POST_SOFTMAX_ZERO, POST_PROBIT };

/* Attribute post_transform as text; NONE when it is not written. */
enum post_transform attr_post_transform(struct import_node *n);
uint32_t emit_post_transform(struct import_node *n, uint32_t scores, enum post_transform post);

/* Class labels of a classifier: int64, strings as numbers, or 0, 1, 2, ... when the node gives
 * none. */
struct class_labels {
    struct tensor *list;    /* int64 [count] */
    struct text_pool *pool; /* of strings; NULL for integers */
};
/* Reads both attributes; `classes` is the number there have to be, 0 when the labels decide. */
struct class_labels attr_class_labels(struct import_node *n, const char *ints, const char *texts,
                                      size_t classes);
/* labels[index], an int64 tensor, the labels' text table with it. */
uint32_t emit_labels(struct import_node *n, uint32_t index, const struct class_labels *labels);
/* condition ? labels[1] : labels[0], condition of rank 1 */
uint32_t emit_binary_labels(struct import_node *n, uint32_t condition,
                            const struct class_labels *labels);

/* --- sizes that depend on elements (import_dynamic.c) --- */

/* What --max-dim says of a node of the main graph, by one of its results or its own name. */
bool max_dim_of_node(const struct import_node *n, int64_t *most);
/* Makes `count`, the number of results of the node, an output of the model. */
void add_count_of_node(struct import_node *n, uint32_t count);

/* --- rows and columns (import_ml.c) --- */

/* Operand 0 as float32 [N, F]; one row when it is a list. */
uint32_t float_rows(struct import_node *n);
/* Size of the last axis; 0 after a failure. */
int64_t column_count(struct import_node *n, uint32_t x);
/*
 * The two columns of a binary classifier with one score s a row: [1 - s, s] when complement, else
 * [-s, s]; LOGISTIC is applied to
 * [-s, s] and PROBIT to [1 - s, s] in either case, other transforms are not, as in onnxruntime.
 */
uint32_t two_columns(struct import_node *n, uint32_t score, bool complement,
                     enum post_transform post);
/* score > bound for [N, 1], as a list. */
uint32_t column_above(struct import_node *n, uint32_t score, double bound);
/* Index of the largest score of each row, the first when tied. */
uint32_t arg_max_rows(struct import_node *n, uint32_t scores);

#endif
