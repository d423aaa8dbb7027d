/* See saturate_stored.h. */
#include "passes/saturate_stored.h"

#include <math.h>
#include <string.h>

#include "ir/ops.h"
#include "passes/find_encodings.h"

/* Between which numbers it makes a difference what a value is: all below `low` act alike, and all
 * above `high`. */
struct span {
    double low, high;
};

static const struct span everywhere = {-INFINITY, INFINITY}, nowhere = {INFINITY, -INFINITY};

static struct span join(struct span a, struct span b)
{
    return (struct span){fmin(a.low, b.low), fmax(a.high, b.high)};
}

/* Operand i of a node when it is stored floats, else NULL. */
static const struct tensor *stored_reals(const struct graph *graph, const struct graph_node *node,
                                         size_t i)
{
    if (i >= node->input_count || node->inputs[i] == GRAPH_NONE)
        return NULL;
    const struct tensor *data = graph->values[node->inputs[i]].data;
    return data != NULL && element_type_is_float(data->type) ? data : NULL;
}

/* Whatever its zero point, |x / scale| of twice as many steps as the integers have is beyond them.
 */
static struct span quantized(const struct graph *graph, const struct graph_node *node)
{
    const struct tensor *scale = stored_reals(graph, node, 1);
    enum element_type type = graph->values[node->outputs[0]].type;
    double most = 0;
    if (scale == NULL || !element_type_is_integer(type))
        return everywhere;
    for (size_t e = 0; e < scale->count; e++) {
        if (!(scale->data.real[e] > 0))
            return everywhere;
        most = fmax(most, scale->data.real[e]);
    }
    most *= ldexp(1, (int)element_type_bits(type) + 1);
    return (struct span){-most, most};
}

static struct span clipped(const struct graph *graph, const struct graph_node *node)
{
    double ends[2] = {-INFINITY, INFINITY};
    for (size_t i = 1; i < node->input_count && i < 3; i++) {
        const struct tensor *bound = stored_reals(graph, node, i);
        if (node->inputs[i] != GRAPH_NONE && (bound == NULL || bound->count != 1))
            return everywhere;
        if (bound != NULL)
            ends[i - 1] = bound->data.real[0];
    }
    return ends[0] <= ends[1] ? (struct span){ends[0], ends[1]} : everywhere;
}

/* What use as operand i asks; of: that of the values, known for the node's results. */
static struct span span_of_use(const struct graph *graph, const struct graph_node *node, size_t i,
                               const struct span *of)
{
    bool moves = node->op == OP_WHERE
                     ? i > 0
                     : node->op != OP_CAST && moves_floats(graph, node) &&
                           moves_constantly(graph, node) && (i == 0 || node->op == OP_CONCAT);
    if (!moves && i > 0)
        return everywhere;
    if (!moves && node->op == OP_QUANTIZE_LINEAR)
        return quantized(graph, node);
    if (!moves && node->op == OP_CLIP)
        return clipped(graph, node);
    if (!moves)
        return node->op == OP_RELU ? (struct span){0, INFINITY} : everywhere;
    struct span all = nowhere;
    for (size_t k = 0; k < node->output_count; k++) {
        if (node->outputs[k] != GRAPH_NONE)
            all = join(all, of[node->outputs[k]]);
    }
    return all;
}

/* From the last node to the first: all uses of a result come before the node that makes it. */
static void look_back(struct span *of, const struct graph *graph)
{
    for (size_t v = 0; v < graph->value_count; v++)
        of[v] = nowhere;
    for (size_t o = 0; o < graph->output_count; o++)
        of[graph->outputs[o]] = everywhere;
    for (size_t n = graph->node_count; n-- > 0;) {
        const struct graph_node *node = &graph->nodes[n];
        for (size_t i = 0; i < node->input_count; i++) {
            uint32_t v = node->inputs[i];
            if (v != GRAPH_NONE)
                of[v] = join(of[v], span_of_use(graph, node, i, of));
        }
    }
}

static bool saturates(double x, struct span span)
{
    return isinf(x) && isfinite(x < 0 ? span.low : span.high);
}

static bool saturate(struct graph_value *value, struct span span, struct arena *arena)
{
    const struct tensor *data = value->data;
    bool any = false;
    for (size_t e = 0; e < data->count && !any; e++)
        any = saturates(data->data.real[e], span);
    if (!any)
        return true;
    struct tensor *finite = tensor_new(arena, data->type, &data->shape);
    if (finite == NULL)
        return false;
    for (size_t e = 0; e < data->count; e++) {
        double x = data->data.real[e];
        finite->data.real[e] = saturates(x, span) ? x < 0 ? span.low : span.high : x;
    }
    value->data = finite;
    return true;
}

enum status pass_saturate_stored(struct graph *graph, struct diag *diag)
{
    struct arena scratch;
    arena_init(&scratch, 0);
    struct span *of = arena_array(&scratch, struct span, graph->value_count + 1);
    bool is_done = of != NULL;
    if (is_done)
        look_back(of, graph);
    for (size_t v = 0; v < graph->value_count && is_done; v++) {
        struct graph_value *value = &graph->values[v];
        if (value->data != NULL && element_type_is_float(value->type))
            is_done = saturate(value, of[v], graph->arena);
    }
    arena_release(&scratch);
    return is_done ? STATUS_OK : diag_set(diag, STATUS_NO_MEMORY, "no memory for stored numbers");
}
