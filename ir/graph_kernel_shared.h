/*
 * Private to graph_infer*.c and graph_interpret*.c: the parts of rules that kernels and other rules
 * use too, so that an axis list or an einsum equation is read in one place.
 */
#ifndef SERTN_IR_GRAPH_KERNEL_SHARED_H
#define SERTN_IR_GRAPH_KERNEL_SHARED_H

#include "ir/graph_kernel.h"
#include "ir/graph_window.h"

/* Puts "node n (Op, opset v) on (operands)" before the reason in diag. */
enum status kernel_blame(const struct graph_node *node, const struct value_info *const *in,
                         size_t in_count, struct diag *diag, enum status status);

/* --- for rules ------------------------------------------------------------------------------- */

/* The first `count` operands must be present, and an output too. */
enum status infer_need(struct infer_call *call, size_t count);
/* Sets output i (nothing when the node has no such output). shape: NULL for not known. */
void infer_result(struct infer_call *call, size_t i, enum element_type type,
                  const struct shape *shape);
const struct shape *infer_shape_of(const struct value_info *info);
/* numpy broadcast of the present operands among [first, first + count). */
enum status infer_broadcast(struct infer_call *call, size_t first, size_t count,
                            struct shape *shape, bool *known);
enum status infer_same_type(struct infer_call *call, size_t first, size_t count);
/* The named operands, as far as they are there, must be integers of at most 32 bits, or floats. */
enum status infer_need_small_integers(struct infer_call *call, const size_t *operand, size_t count);
enum status infer_need_floats(struct infer_call *call, const size_t *operand, size_t count);
/* An element type written as an attribute; `fallback` when it is absent or 0. Never text. */
enum status infer_type_attribute(struct infer_call *call, const char *name,
                                 enum element_type fallback, enum element_type *type);
/* An axis attribute, normalised against a shape. */
enum status infer_axis(struct infer_call *call, const char *attribute, int64_t fallback,
                       const struct shape *shape, unsigned *axis);

/* --- for both -------------------------------------------------------------------------------- */

enum status matmul_shape(struct diag *diag, const struct shape *a, const struct shape *b,
                         struct shape *out);

/* Axes of a Reduce operator; given: the operand is there. */
enum status reduce_axes(const struct graph_node *node, const struct tensor *axes, bool given,
                        unsigned rank, struct diag *diag, uint32_t *mask);
struct shape reduced_shape(const struct shape *shape, uint32_t mask, bool keep);

/* zero + real rounded to nearest, ties to even, saturated to the integer type. */
int64_t quantize_element(enum element_type type, double real, int64_t zero);
/* What DynamicQuantizeLinear takes for x: scale (0 when all of x is 0), zero point; and the number
 * that stands for an element. */
struct dynamic_scale {
    double scale;
    int64_t zero;
};
struct dynamic_scale dynamic_scale_of(const double *x, size_t count);
int64_t dynamic_quantize(const struct dynamic_scale *by, double x);
/* The least and largest value of an integer type of at most 32 bits. */
void integer_bounds(enum element_type type, int64_t *low, int64_t *high);

/* An einsum equation against the shapes of its operands; every index gets a number. */
enum { EINSUM_OPERANDS_MAX = 8, EINSUM_LABELS_MAX = 32 };
struct einsum_plan {
    unsigned label_count, out_rank; /* labels [0, out_rank) are the output's axes in order */
    int64_t size[EINSUM_LABELS_MAX];
    int64_t stride[EINSUM_OPERANDS_MAX]
                  [EINSUM_LABELS_MAX]; /* elements; 0 where absent or broadcast */
    struct shape out;
};
enum status einsum_parse(struct diag *diag, const char *equation, const struct shape *const *shapes,
                         size_t count, struct einsum_plan *plan);

/* Slice, one axis: count elements from start by step. */
struct slice_axis {
    int64_t start, step, count;
};
/* Slice operands against a shape; in[1..4] are the tensors (starts, ends, axes?, steps?). */
enum status slice_axes(struct diag *diag, const struct shape *shape, const struct tensor *const *in,
                       size_t in_count, struct slice_axis axis[TENSOR_RANK_MAX]);

enum status transpose_axes(struct diag *diag, const struct graph_node *node, unsigned rank,
                           unsigned axis[TENSOR_RANK_MAX]);
/* Lengths of the parts of a Split; split is NULL for equal parts. */
enum status split_lengths(struct diag *diag, const struct tensor *split, size_t parts, int64_t size,
                          int64_t *length);
/* Number of elements of a Range of scalars; at most 2^62. */
size_t range_count(const struct tensor *start, const struct tensor *limit,
                   const struct tensor *delta);

/* Padding of every axis, begin then end; in[1] pads, in[3] axes or NULL. */
enum status pad_axes(struct diag *diag, const struct shape *shape, const struct tensor *pads,
                     const struct tensor *axes, int64_t begin[TENSOR_RANK_MAX],
                     int64_t end[TENSOR_RANK_MAX]);

/* Reshape's target, with 0 and -1 resolved. */
enum status reshape_shape(struct diag *diag, const struct shape *from, const struct tensor *target,
                          bool allow_zero, struct shape *out);

/* Room for results whose number depends on elements: attributes count and padded. */
struct room {
    bool is_given, padded;
    int64_t count;
};
struct room room_of(const struct graph_node *node);
/* Length of the result for `found` results. Errors: BAD_INPUT when they do not fit. */
enum status room_length(struct kernel_call *call, size_t found, size_t *length);
/* Sets output i, when it is there, to the number of results. */
void room_set_number(struct kernel_call *call, size_t i, size_t found);

#endif
