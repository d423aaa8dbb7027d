/*
 * Private to graph_infer*.c and graph_interpret*.c: how an operator's rule and kernel are called.
 *
 * An operator is one row of ir/graph_kernel.def: its shape rule and its kernel. The dispatcher runs
 * the rule, makes the outputs whose shape the rule knows, and calls the kernel; a kernel whose
 * shapes depend on elements makes its outputs itself with kernel_output.
 */
#ifndef SERTN_IR_GRAPH_KERNEL_H
#define SERTN_IR_GRAPH_KERNEL_H

#include "ir/graph_infer.h"
#include "ir/graph_interpret.h"

#include <math.h>

enum { KERNEL_OPERANDS_MAX = 4 };

/* One call of a shape rule. `in[i]` is NULL for an absent operand; `out` starts zeroed. */
struct infer_call {
    const struct graph_node *node;
    const struct value_info *const *in;
    size_t in_count;
    struct value_info *out;
    size_t out_count;
    struct arena *arena;
    struct diag *diag;
};
typedef enum status (*infer_rule)(struct infer_call *call);

/* The values of a graph under computation, and those of the graphs around it. */
struct interpret_frame {
    const struct graph *graph;
    struct tensor **item;
    const struct interpret_frame *outer; /* NULL for the main graph */
};

/* One call of a kernel. `out[i]` is ready and zero-filled where the rule knew its shape. */
struct kernel_call {
    const struct graph_node *node;
    const struct tensor *const *in;
    size_t in_count;
    struct tensor **out;
    size_t out_count;
    const enum element_type *out_type; /* [out_count], by the rule */
    struct arena *arena;
    const struct interpret_frame *frame;
    struct diag *diag;
};
typedef enum status (*kernel)(struct kernel_call *call);

#define K(op, rule, run)                                                                           \
    enum status rule(struct infer_call *call);                                                     \
    enum status run(struct kernel_call *call);
#include "ir/graph_kernel.def"
#undef K

/* Memory. Both return NULL, with the diag set, when the arena is out. */
void *kernel_alloc(struct arena *arena, size_t count, size_t size, struct diag *diag);
/* The tensor of output i: the one that is ready (its shape must agree) or a new one, set in
 * call->out. */
struct tensor *kernel_output(struct kernel_call *call, size_t i, const struct shape *shape);

/* Operand i or NULL when it is absent or not there. */
const struct value_info *infer_in(const struct infer_call *call, size_t i);
const struct tensor *kernel_in(const struct kernel_call *call, size_t i);
/* The reason of a failure, without the node's name, which the dispatcher puts before it. */
#define infer_fail(call, status, ...) diag_set((call)->diag, (status), __VA_ARGS__)
#define kernel_fail(call, status, ...) diag_set((call)->diag, (status), __VA_ARGS__)

/* axis in [-rank, rank - 1] becomes [0, rank - 1]; else BAD_INPUT. */
enum status normalize_axis(struct diag *diag, int64_t axis, unsigned rank, unsigned *out);
/* Sets of axes as a bit mask; a repeated axis is BAD_INPUT. */
enum status normalize_axes(struct diag *diag, const int64_t *axes, size_t count, unsigned rank,
                           uint32_t *mask);
/* The elements of an integer tensor of any rank, as its flat array. Requires: integer type. */
enum status integers_of(struct diag *diag, const struct tensor *tensor, const char *what,
                        const int64_t **integers, size_t *count);
enum status scalar_integer(struct diag *diag, const struct tensor *tensor, const char *what,
                           int64_t *out);

/* Stores a double in a float tensor, rounded to its type, NaN made canonical. */
static inline void tensor_set_real(struct tensor *tensor, size_t i, double value)
{
    tensor->data.real[i] = isnan(value) ? NAN : element_round(tensor->type, value);
}
static inline void tensor_set_integer(struct tensor *tensor, size_t i, int64_t value)
{
    tensor->data.integer[i] = element_wrap(tensor->type, value);
}
/* Copies one element between tensors of one type. */
void tensor_copy_element(struct tensor *to, size_t i, const struct tensor *from, size_t j);
/* Row-major strides in elements. */
void shape_strides(int64_t stride[TENSOR_RANK_MAX], const struct shape *shape);

/*
 * Visits the indices of a shape in row-major order, with an offset for each of several operands.
 * walk_begin; walk_broadcast or walk_strides for each operand; then use offset[], walk_next.
 */
struct walk {
    unsigned rank, operand_count;
    int64_t dim[TENSOR_RANK_MAX], index[TENSOR_RANK_MAX];
    int64_t stride[KERNEL_OPERANDS_MAX][TENSOR_RANK_MAX];
    int64_t offset[KERNEL_OPERANDS_MAX];
};
void walk_begin(struct walk *walk, const struct shape *shape);
/* The next operand has a shape that broadcasts to the walk's. */
void walk_broadcast(struct walk *walk, const struct shape *operand);
void walk_strides(struct walk *walk, const int64_t *stride, int64_t offset);
void walk_next(struct walk *walk);

/* Rows of an axis: a tensor seen as [outer, length, inner]. */
struct axis_view {
    size_t outer, length, inner;
};
struct axis_view axis_view_of(const struct shape *shape, unsigned axis);

#endif
