/*
 * Import rule of Gradient (ai.onnx.preview.training 1): derivatives of the sum of a tensor y by
 * tensors xs, by reverse accumulation over the nodes imported so far. What the rule emits are
 * ordinary nodes, so that a derivative is proved as any other value.
 *
 * Each node's rule gives, for the gradient g of its output, what its operands receive; broadcast
 * axes are summed. Where a function has a corner the derivative is that of PyTorch: 0 for Relu and
 * Abs at 0.
 */
#include <math.h>
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"

/* The derivatives under way, by the values that were there before the rule began. */
struct tape {
    struct import_node *n;
    uint32_t *gradient; /* GRAPH_NONE where nothing has arrived yet */
    bool *depends;      /* on one of xs */
    size_t value_count, node_count;
};

/* --- pieces --- */

static uint32_t shape_of(struct import_node *n, uint32_t value)
{
    const struct shape *shape = value_shape(n, value);
    return shape == NULL ? GRAPH_NONE : constant_ints(n, shape->dim, shape->rank);
}

/* A number in the shape of a value. */
static uint32_t filled_like(struct import_node *n, uint32_t value, double number)
{
    uint32_t one = constant_real(n, value_type(n, value), number);
    return rank_of(n, value) == 0 ? one : emit2(n, OP_EXPAND, one, shape_of(n, value));
}

static uint32_t times(struct import_node *n, uint32_t value, double factor)
{
    return factor == 1 ? value
                       : emit2(n, OP_MUL, value, constant_real(n, value_type(n, value), factor));
}

static uint32_t sum_along(struct import_node *n, uint32_t value, const int64_t *axes, size_t count)
{
    uint32_t list = constant_ints(n, axes, count);
    stage_int(n, "keepdims", 1);
    return emit2(n, OP_REDUCE_SUM, value, list);
}

/* Sums the axes along which an operand of this shape was repeated. */
static uint32_t unbroadcast(struct import_node *n, uint32_t g, uint32_t operand_value)
{
    const struct shape *from = value_shape(n, g), *to = value_shape(n, operand_value);
    int64_t axes[TENSOR_RANK_MAX];
    size_t count = 0;
    if (from == NULL || to == NULL || n->status != STATUS_OK || shape_equal(from, to))
        return g;
    struct shape wanted = *to;
    unsigned lead = from->rank > to->rank ? from->rank - to->rank : 0;
    for (unsigned i = 0; i < from->rank; i++)
        if (i < lead || (to->dim[i - lead] == 1 && from->dim[i] != 1))
            axes[count++] = i;
    if (count != 0)
        g = sum_along(n, g, axes, count);
    return lead == 0 ? g : reshape_to(n, g, wanted.dim, wanted.rank);
}

/* Adds what a value receives. */
static void receive(struct tape *tape, uint32_t value, uint32_t g)
{
    struct import_node *n = tape->n;
    if (n->status != STATUS_OK || value == GRAPH_NONE || !tape->depends[value])
        return;
    g = unbroadcast(n, g, value);
    uint32_t *sum = &tape->gradient[value];
    *sum = *sum == GRAPH_NONE ? g : emit2(n, OP_ADD, *sum, g);
}

static int64_t node_int(const struct graph_node *node, const char *name, int64_t fallback)
{
    const struct graph_attribute *attribute = graph_attribute(node, name);
    return attribute == NULL ? fallback : attribute->integer;
}

static double node_real(const struct graph_node *node, const char *name, double fallback)
{
    const struct graph_attribute *attribute = graph_attribute(node, name);
    return attribute == NULL ? fallback : attribute->real;
}

static uint32_t swapped(struct import_node *n, uint32_t value)
{
    int64_t perm[TENSOR_RANK_MAX];
    unsigned rank = rank_of(n, value);
    for (unsigned i = 0; i < rank; i++)
        perm[i] = i + 2 < rank ? i : 2 * (int64_t)rank - 3 - i;
    return transpose_to(n, value, perm, rank);
}

/* --- rules --- */

/* f'(x) for y = f(x), one operand; GRAPH_NONE when it is not known. */
static uint32_t derivative(struct import_node *n, const struct graph_node *node, uint32_t x,
                           uint32_t y)
{
    enum element_type type = value_type(n, x);
    uint32_t one = constant_real(n, type, 1), zero = constant_real(n, type, 0);
    switch (node->op) {
    case OP_EXP:
        return y;
    case OP_LOG:
        return emit1(n, OP_RECIPROCAL, x);
    case OP_SQRT:
        return emit1(n, OP_RECIPROCAL, times(n, y, 2));
    case OP_RECIPROCAL:
        return emit1(n, OP_NEG, emit2(n, OP_MUL, y, y));
    case OP_SIGMOID:
        return emit2(n, OP_MUL, y, emit2(n, OP_SUB, one, y));
    case OP_TANH:
        return emit2(n, OP_SUB, one, emit2(n, OP_MUL, y, y));
    case OP_SIN:
        return emit1(n, OP_COS, x);
    case OP_COS:
        return emit1(n, OP_NEG, emit1(n, OP_SIN, x));
    case OP_SOFTPLUS:
        return emit1(n, OP_SIGMOID, x);
    case OP_ERF:
        return times(n, emit1(n, OP_EXP, emit1(n, OP_NEG, emit2(n, OP_MUL, x, x))),
                     2 / sqrt(acos(-1)));
    case OP_ABS:
        return emit1(n, OP_SIGN, x);
    case OP_RELU:
        return cast_to(n, emit2(n, OP_GREATER, x, zero), type);
    case OP_LEAKY_RELU: {
        uint32_t alpha = constant_real(n, type, node_real(node, "alpha", 0.01));
        return emit3(n, OP_WHERE, emit2(n, OP_GREATER, x, zero), one, alpha);
    }
    default:
        return GRAPH_NONE;
    }
}

static void two_operands(struct tape *tape, const struct graph_node *node, uint32_t g)
{
    struct import_node *n = tape->n;
    uint32_t a = node->inputs[0], b = node->inputs[1], y = node->outputs[0];
    switch (node->op) {
    case OP_ADD:
        receive(tape, a, g);
        receive(tape, b, g);
        break;
    case OP_SUB:
        receive(tape, a, g);
        if (tape->depends[b])
            receive(tape, b, emit1(n, OP_NEG, g));
        break;
    case OP_MUL:
        if (tape->depends[a])
            receive(tape, a, emit2(n, OP_MUL, g, b));
        if (tape->depends[b])
            receive(tape, b, emit2(n, OP_MUL, g, a));
        break;
    case OP_DIV:
        if (tape->depends[a])
            receive(tape, a, emit2(n, OP_DIV, g, b));
        if (tape->depends[b])
            receive(tape, b, emit1(n, OP_NEG, emit2(n, OP_DIV, emit2(n, OP_MUL, g, y), b)));
        break;
    default: {
        uint32_t one = constant_real(n, value_type(n, b), 1);
        uint32_t lower = emit2(n, OP_POW, a, emit2(n, OP_SUB, b, one));
        if (tape->depends[a])
            receive(tape, a,
                    emit2(n, OP_MUL, g, emit2(n, OP_MUL, cast_to(n, b, value_type(n, a)), lower)));
        if (tape->depends[b])
            receive(tape, b, emit2(n, OP_MUL, g, emit2(n, OP_MUL, y, emit1(n, OP_LOG, a))));
        break;
    }
    }
}

/* MatMul, and the product of Gemm. */
static void matrix_product(struct tape *tape, const struct graph_node *node, uint32_t g)
{
    struct import_node *n = tape->n;
    uint32_t a = node->inputs[0], b = node->inputs[1];
    bool is_gemm = node->op == OP_GEMM;
    bool flip_a = is_gemm && node_int(node, "transA", 0) != 0;
    bool flip_b = is_gemm && node_int(node, "transB", 0) != 0;
    double alpha = is_gemm ? node_real(node, "alpha", 1) : 1;
    if (rank_of(n, a) < 2 || rank_of(n, b) < 2) {
        rule_fail(n, STATUS_UNSUPPORTED, "the derivative of a product of vectors is not known");
        return;
    }
    if (is_gemm && node->input_count > 2 && node->inputs[2] != GRAPH_NONE &&
        tape->depends[node->inputs[2]])
        receive(tape, node->inputs[2], times(n, g, node_real(node, "beta", 1)));
    g = times(n, g, alpha);
    if (tape->depends[a]) {
        uint32_t right = flip_b ? b : swapped(n, b);
        uint32_t part = emit2(n, OP_MAT_MUL, g, right);
        receive(tape, a, flip_a ? swapped(n, part) : part);
    }
    if (tape->depends[b]) {
        uint32_t left = flip_a ? a : swapped(n, a);
        uint32_t part = emit2(n, OP_MAT_MUL, left, g);
        receive(tape, b, flip_b ? swapped(n, part) : part);
    }
}

/* ReduceSum and ReduceMean: everything that was summed receives the same. */
static void reduction(struct tape *tape, const struct graph_node *node, uint32_t g)
{
    struct import_node *n = tape->n;
    uint32_t x = node->inputs[0], axes = node->input_count > 1 ? node->inputs[1] : GRAPH_NONE;
    const struct shape *shape = value_shape(n, x), *result = value_shape(n, node->outputs[0]);
    const struct tensor *list = axes == GRAPH_NONE ? NULL : value_known(n, axes);
    if (axes != GRAPH_NONE && list == NULL)
        rule_fail(n, STATUS_UNSUPPORTED, "the axes of a reduction are not known");
    if (shape == NULL || result == NULL || n->status != STATUS_OK)
        return;
    struct shape kept = *shape;
    bool all = (list == NULL || list->count == 0) && node_int(node, "noop_with_empty_axes", 0) == 0;
    for (unsigned i = 0; all && i < kept.rank; i++)
        kept.dim[i] = 1;
    for (size_t i = 0; !all && list != NULL && i < list->count; i++) {
        int64_t axis = list->data.integer[i] + (list->data.integer[i] < 0 ? kept.rank : 0);
        kept.dim[axis] = 1;
    }
    size_t from = 1, to = 1;
    bool counted = shape_count(shape, SIZE_MAX, &from) && shape_count(result, SIZE_MAX, &to);
    if (counted && node->op == OP_REDUCE_MEAN && from != 0)
        g = times(n, g, (double)to / (double)from);
    g = reshape_to(n, g, kept.dim, kept.rank);
    receive(tape, x, emit2(n, OP_EXPAND, g, shape_of(n, x)));
}

static void transposition(struct tape *tape, const struct graph_node *node, uint32_t g)
{
    const struct graph_attribute *perm = graph_attribute(node, "perm");
    int64_t back[TENSOR_RANK_MAX];
    unsigned rank = rank_of(tape->n, node->inputs[0]);
    for (unsigned i = 0; i < rank; i++)
        back[perm == NULL ? rank - 1 - i : (unsigned)perm->integers[i]] = i;
    receive(tape, node->inputs[0], transpose_to(tape->n, g, back, rank));
}

static void concatenation(struct tape *tape, const struct graph_node *node, uint32_t g)
{
    struct import_node *n = tape->n;
    int64_t axis = node_int(node, "axis", 0), at = 0;
    axis += axis < 0 ? rank_of(n, g) : 0;
    for (size_t i = 0; i < node->input_count && n->status == STATUS_OK; i++) {
        int64_t size = size_along(n, node->inputs[i], (unsigned)axis);
        if (tape->depends[node->inputs[i]])
            receive(tape, node->inputs[i], slice_along(n, g, axis, at, at + size));
        at += size;
    }
}

/* y (g - sum(g y)) */
static void softmax(struct tape *tape, const struct graph_node *node, uint32_t g)
{
    struct import_node *n = tape->n;
    uint32_t y = node->outputs[0];
    int64_t axis = node_int(node, "axis", -1);
    uint32_t sum = sum_along(n, emit2(n, OP_MUL, g, y), &axis, 1);
    receive(tape, node->inputs[0], emit2(n, OP_MUL, y, emit2(n, OP_SUB, g, sum)));
}

/* What the operands of a node receive for the gradient of its output. */
static void propagate(struct tape *tape, const struct graph_node *node, uint32_t g)
{
    struct import_node *n = tape->n;
    uint32_t x = node->inputs[0], zero;
    switch (node->op) {
    case OP_IDENTITY:
    case OP_SUM:
        for (size_t i = 0; i < node->input_count; i++)
            receive(tape, node->inputs[i], g);
        return;
    case OP_CAST:
        receive(tape, x, cast_to(n, g, value_type(n, x)));
        return;
    case OP_NEG:
        receive(tape, x, emit1(n, OP_NEG, g));
        return;
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_POW:
        two_operands(tape, node, g);
        return;
    case OP_MAT_MUL:
    case OP_GEMM:
        matrix_product(tape, node, g);
        return;
    case OP_REDUCE_SUM:
    case OP_REDUCE_MEAN:
        reduction(tape, node, g);
        return;
    case OP_TRANSPOSE:
        transposition(tape, node, g);
        return;
    case OP_RESHAPE:
    case OP_FLATTEN:
    case OP_SQUEEZE:
    case OP_UNSQUEEZE:
        receive(tape, x, emit2(n, OP_RESHAPE, g, shape_of(n, x)));
        return;
    case OP_EXPAND:
        receive(tape, x, g);
        return;
    case OP_CONCAT:
        concatenation(tape, node, g);
        return;
    case OP_SOFTMAX:
        softmax(tape, node, g);
        return;
    case OP_WHERE:
        zero = constant_real(n, value_type(n, g), 0);
        receive(tape, node->inputs[1], emit3(n, OP_WHERE, x, g, zero));
        receive(tape, node->inputs[2], emit3(n, OP_WHERE, x, zero, g));
        return;
    default: {
        uint32_t slope =
            node->input_count == 1 ? derivative(n, node, x, node->outputs[0]) : GRAPH_NONE;
        if (slope == GRAPH_NONE && n->status == STATUS_OK)
            rule_fail(n, STATUS_UNSUPPORTED,
                      "the derivative of %s (node '%s') is not known; write it out in the model",
                      op_name(node->op), node->name);
        receive(tape, x, emit2(n, OP_MUL, g, slope));
    }
    }
}

/* --- the walk --- */

static bool is_float_value(const struct import_node *n, uint32_t value)
{
    return element_type_is_float(value_type(n, value));
}

/* Marks what depends on xs; the values of xs themselves are where it starts. */
static bool tape_init(struct tape *tape, struct import_node *n, const uint32_t *xs, size_t count)
{
    const struct graph *graph = n->unit->graph;
    struct arena *arena = n->importer->arena;
    *tape = (struct tape){.n = n,
                          .gradient = arena_array(arena, uint32_t, graph->value_count),
                          .depends = arena_array(arena, bool, graph->value_count),
                          .value_count = graph->value_count,
                          .node_count = graph->node_count};
    if (tape->gradient == NULL || tape->depends == NULL) {
        rule_out_of_memory(n);
        return false;
    }
    for (size_t v = 0; v < tape->value_count; v++)
        tape->gradient[v] = GRAPH_NONE;
    for (size_t i = 0; i < count; i++)
        tape->depends[xs[i]] = true;
    for (size_t k = 0; k < tape->node_count; k++) {
        const struct graph_node *node = &graph->nodes[k];
        bool depends = false;
        for (size_t i = 0; i < node->input_count; i++)
            depends = depends || (node->inputs[i] != GRAPH_NONE && tape->depends[node->inputs[i]]);
        for (size_t i = 0; i < node->output_count; i++)
            if (node->outputs[i] != GRAPH_NONE && is_float_value(n, node->outputs[i]))
                tape->depends[node->outputs[i]] |= depends;
    }
    return true;
}

static bool is_one_of(uint32_t value, const uint32_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == value)
            return true;
    return false;
}

/* From the last node to the first, ending at xs. */
static void run_tape(struct tape *tape, const uint32_t *xs, size_t count)
{
    struct import_node *n = tape->n;
    for (size_t k = tape->node_count; k-- > 0 && n->status == STATUS_OK;) {
        const struct graph_node node = n->unit->graph->nodes[k];
        for (size_t i = 0; i < node.output_count; i++) {
            uint32_t out = node.outputs[i];
            if (out == GRAPH_NONE || tape->gradient[out] == GRAPH_NONE || is_one_of(out, xs, count))
                continue;
            if (i > 0)
                rule_fail(n, STATUS_UNSUPPORTED,
                          "the derivative of output %zu of %s (node '%s') is not known", i,
                          op_name(node.op), node.name);
            else
                propagate(tape, &node, tape->gradient[out]);
        }
    }
}

/* A tensor that an attribute names; it has to be the operand at `position`, when there is one. */
static uint32_t named_tensor(struct import_node *n, const char *name, size_t position)
{
    struct binding binding = scope_lookup(n->importer, n->scope, name);
    if (binding.kind == BINDING_BROKEN)
        rule_break(n);
    else if (binding.kind != BINDING_VALUE)
        rule_fail(n, STATUS_BAD_INPUT, "it names a tensor '%s', which is not defined before it",
                  name);
    else if (position < n->in_count && operand(n, position) != binding.value)
        rule_fail(n, STATUS_UNSUPPORTED,
                  "its input %zu is another tensor than '%s', which it stands for; only "
                  "derivatives at the tensors themselves are supported",
                  position, name);
    return binding.value;
}

/* Gradient */
void import_gradient(struct import_node *n)
{
    size_t count, fixed;
    const char **names = attr_texts(n, "xs", &count), **others = attr_texts(n, "zs", &fixed);
    uint32_t *xs = arena_array(n->importer->arena, uint32_t, count);
    struct tape tape;
    if (xs == NULL)
        rule_out_of_memory(n);
    if (n->unit->parent != NULL)
        rule_fail(n, STATUS_UNSUPPORTED, "it stands in the body of a loop or branch");
    if (count == 0 || n->in_count != count + fixed || n->out_count > count)
        rule_fail(n, STATUS_BAD_INPUT, "%zu inputs and %zu outputs for %zu xs and %zu zs",
                  n->in_count, n->out_count, count, fixed);
    for (size_t i = 0; i < count && n->status == STATUS_OK; i++)
        xs[i] = named_tensor(n, names[i], i);
    for (size_t i = 0; i < fixed && n->status == STATUS_OK; i++)
        named_tensor(n, others[i], count + i);
    uint32_t y =
        n->status == STATUS_OK ? named_tensor(n, attr_text(n, "y", ""), SIZE_MAX) : GRAPH_NONE;
    if (n->status == STATUS_OK && !is_float_value(n, y))
        rule_fail(n, STATUS_BAD_INPUT, "its y is no float tensor");
    if (n->status != STATUS_OK || !tape_init(&tape, n, xs, count))
        return;
    if (tape.depends[y])
        tape.gradient[y] = filled_like(n, y, 1);
    run_tape(&tape, xs, count);
    for (size_t i = 0; i < n->out_count && n->status == STATUS_OK; i++)
        if (output_wanted(n, i))
            set_output(n, i,
                       tape.gradient[xs[i]] == GRAPH_NONE
                           ? filled_like(n, xs[i], 0)
                           : emit1(n, OP_IDENTITY, tape.gradient[xs[i]]));
}
