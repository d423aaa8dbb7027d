/* Runs a graph node by node; kernels are rows of graph_kernel.def. See graph_interpret.h. */
#include "ir/graph_interpret_run.h"
#include "ir/graph_kernel_shared.h"

#include <inttypes.h>
#include <string.h>

/* ORDER op_kind: indexed by operator; operators without a row stay NULL. */
static const kernel kernel_of[OP_COUNT] = {
#define K(op, rule, run) [op] = run,
#include "ir/graph_kernel.def"
#undef K
};

void graph_values_init(struct graph_values *values, struct arena *arena)
{
    *values = (struct graph_values){.arena = arena};
}

/* Makes the outputs whose shapes the rule knows. */
static enum status make_outputs(struct kernel_call *call, const struct value_info *info)
{
    for (size_t i = 0; i < call->out_count; i++) {
        call->out[i] = NULL;
        if (call->node->outputs[i] == GRAPH_NONE || !info[i].shape_known)
            continue;
        if (info[i].data != NULL) /* Shape and Size: the rule has the elements already */
            call->out[i] = (struct tensor *)info[i].data;
        else if (kernel_output(call, i, &info[i].shape) == NULL)
            return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

static enum status run_kernel(struct kernel_call *call, const struct value_info *in,
                              struct value_info *info, enum element_type *types)
{
    enum status status = graph_infer_node(call->node, in, info, call->arena, call->diag);
    if (status != STATUS_OK)
        return status;
    bool ready = call->out_count > 0;
    for (size_t i = 0; i < call->out_count; i++) {
        types[i] = info[i].type;
        ready = ready && info[i].data != NULL;
    }
    status = make_outputs(call, info);
    if (status == STATUS_OK && !ready)
        status = kernel_of[call->node->op](call);
    if (status != STATUS_OK) {
        const struct value_info **operands =
            kernel_alloc(call->arena, call->in_count, sizeof *operands, NULL);
        for (size_t i = 0; operands != NULL && i < call->in_count; i++)
            operands[i] = call->in[i] == NULL ? NULL : &in[i];
        return kernel_blame(call->node, operands, operands == NULL ? 0 : call->in_count, call->diag,
                            status);
    }
    return STATUS_OK;
}

enum status interpret_node(const struct interpret_frame *frame, const struct graph_node *node,
                           const struct tensor *const *in, struct tensor **out, struct arena *arena,
                           struct diag *diag)
{
    size_t ins = node->input_count, outs = node->output_count;
    struct value_info *info = kernel_alloc(arena, ins + outs, sizeof *info, diag);
    enum element_type *types = kernel_alloc(arena, outs, sizeof *types, diag);
    if (info == NULL || types == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < ins; i++) {
        info[i] = (struct value_info){0};
        if (in[i] != NULL)
            info[i] = value_info_of_tensor(in[i]);
    }
    struct kernel_call call = {.node = node,
                               .in = in,
                               .in_count = ins,
                               .out = out,
                               .out_count = outs,
                               .out_type = types,
                               .arena = arena,
                               .frame = frame,
                               .diag = diag};
    return run_kernel(&call, info, info + ins, types);
}

enum status graph_interpret_node(const struct graph *graph, const struct graph_node *node,
                                 const struct tensor *const *in, struct tensor **out,
                                 const struct graph_values *scope, struct arena *arena,
                                 struct diag *diag)
{
    struct interpret_frame frame = {.graph = graph, .item = scope != NULL ? scope->item : NULL};
    return interpret_node(&frame, node, in, out, arena, diag);
}

const struct tensor *interpret_value(const struct interpret_frame *frame, uint32_t value)
{
    while (frame != NULL) {
        const struct graph *graph = frame->graph;
        if (graph->outer_values != NULL && graph->outer_values[value] != GRAPH_NONE) {
            value = graph->outer_values[value];
            frame = frame->outer;
            continue;
        }
        if (graph->values[value].data != NULL)
            return graph->values[value].data;
        return frame->item != NULL ? frame->item[value] : NULL;
    }
    return NULL;
}

static enum status run_node(const struct interpret_frame *frame, const struct graph_node *node,
                            struct arena *arena, struct diag *diag)
{
    const struct tensor **in = kernel_alloc(arena, node->input_count, sizeof *in, diag);
    struct tensor **out = kernel_alloc(arena, node->output_count, sizeof *out, diag);
    if (in == NULL || out == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < node->input_count; i++) {
        uint32_t v = node->inputs[i];
        in[i] = v == GRAPH_NONE ? NULL : interpret_value(frame, v);
        if (v != GRAPH_NONE && in[i] == NULL)
            return diag_set(diag, STATUS_BAD_INPUT, "node %s: operand %s has no value", node->name,
                            frame->graph->values[v].name);
    }
    enum status status = interpret_node(frame, node, in, out, arena, diag);
    for (size_t i = 0; status == STATUS_OK && i < node->output_count; i++)
        if (node->outputs[i] != GRAPH_NONE)
            frame->item[node->outputs[i]] = out[i];
    return status;
}

enum status interpret_frame_run(struct interpret_frame *frame, struct arena *arena,
                                struct diag *diag)
{
    const struct graph *graph = frame->graph;
    for (size_t i = 0; i < graph->node_count; i++) {
        enum status status = run_node(frame, &graph->nodes[i], arena, diag);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* One input against its declaration. */
static enum status check_input(const struct graph_value *value, const struct tensor *given,
                               struct diag *diag)
{
    struct value_info got = value_info_of_tensor(given);
    char text[96];
    value_info_text(text, sizeof text, &got);
    if (value->type != ELEMENT_UNDEFINED && value->type != given->type)
        return diag_set(diag, STATUS_BAD_INPUT, "input %s is %s, the model declares %s",
                        value->name, text, element_type_name(value->type));
    if (!value->shape_known)
        return STATUS_OK;
    if (value->shape.rank != given->shape.rank)
        return diag_set(diag, STATUS_BAD_INPUT, "input %s is %s, the model declares %u dimensions",
                        value->name, text, value->shape.rank);
    for (unsigned i = 0; i < given->shape.rank; i++)
        if (value->shape.dim[i] >= 0 && value->shape.dim[i] != given->shape.dim[i])
            return diag_set(diag, STATUS_BAD_INPUT,
                            "input %s is %s, the model declares %" PRId64 " for axis %u",
                            value->name, text, value->shape.dim[i], i);
    return STATUS_OK;
}

enum status interpret_items(struct tensor ***items, const struct graph *graph, struct arena *arena,
                            struct diag *diag)
{
    struct tensor **item = kernel_alloc(arena, graph->value_count, sizeof *item, diag);
    if (item == NULL)
        return STATUS_NO_MEMORY;
    for (size_t v = 0; v < graph->value_count; v++)
        item[v] = graph->values[v].data;
    *items = item;
    return STATUS_OK;
}

enum status graph_interpret(const struct graph *graph, const struct tensor *const *inputs,
                            struct graph_values *out, struct diag *diag)
{
    ASSERT(out->arena != NULL);
    out->item = NULL;
    out->count = 0;
    struct tensor **item;
    enum status status = interpret_items(&item, graph, out->arena, diag);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < graph->input_count; i++) {
        uint32_t v = graph->inputs[i];
        status = check_input(&graph->values[v], inputs[i], diag);
        if (status != STATUS_OK)
            return status;
        item[v] = (struct tensor *)inputs[i];
    }
    struct interpret_frame frame = {.graph = graph, .item = item};
    status = interpret_frame_run(&frame, out->arena, diag);
    if (status != STATUS_OK)
        return status;
    out->item = item;
    out->count = graph->value_count;
    return STATUS_OK;
}
