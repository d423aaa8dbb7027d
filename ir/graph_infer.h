/*
 * Shape and type of what one node computes, from what is known of its operands.
 *
 * Stands below two users: graph_interpret lays its results out by it, and passes/infer_shapes walks
 * a whole graph with it, so that a rule is written once. The rules follow the newest opset of each
 * operator (https://onnx.ai/onnx/operators), like the table ir/ops.def.
 */
#ifndef SERTN_IR_GRAPH_INFER_H
#define SERTN_IR_GRAPH_INFER_H

#include "ir/graph.h"

/*
 * What is known of a value. `data`, when not NULL, is its elements, and type and shape are then
 * those of the tensor. A rule may read `data` of operands that fix shapes (axes, sizes, counts)
 * only.
 */
struct value_info {
    enum element_type type; /* ELEMENT_UNDEFINED when unknown */
    bool shape_known;
    struct shape shape; /* every dim >= 0 when shape_known, else meaningless */
    const struct tensor *data;
    const struct tensor *map_keys;   /* as in struct graph_value */
    const struct tensor *text_table; /* likewise: every text the value can hold, in order */
};

/*
 * Fills out[0 .. node->output_count - 1] from in[0 .. node->input_count - 1].
 * in: entries for absent operands are ignored. arena: borrowed, receives shape data (the value of
 * Shape and Size is known as soon as its operand's shape is, and comes back as `data`).
 * Ensures: on success the type of every output is known, but for If, Loop and Scan, whose bodies
 * say it (pass fold_constants brings them into the graph); shape_known is false when the shape
 * depends on the elements of an operand that has no `data`, on the shape of an operand that is not
 * known, or on the run of a body (If, Loop, Scan). Errors: BAD_INPUT when operands break the
 * operator's rules; UNSUPPORTED when no rule is known; NO_MEMORY. The diag names the node, the
 * operator, its opset, the operands, the reason.
 */
enum status graph_infer_node(const struct graph_node *node, const struct value_info *in,
                             struct value_info *out, struct arena *arena,
                             struct diag *diag) SERTN_MUST_CHECK;

/* Returns whether the interpreter can compute the operator at all. */
bool graph_op_is_supported(enum op_kind op);

/* What is known of a tensor. */
struct value_info value_info_of_tensor(const struct tensor *tensor);

/* Writes "f32 [2, 3]", "i64 [?]" ... for messages; cut when longer than `bytes`. */
void value_info_text(char *text, size_t bytes, const struct value_info *info);

#endif
