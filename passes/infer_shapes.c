/* See infer_shapes.h. */
#include "passes/infer_shapes.h"

#include "ir/graph_infer.h"

#include <string.h>

/* What the walk keeps for each value beside the graph. */
struct infer_walk {
    struct graph *graph;
    bool *is_broken; /* [value_count]: a problem has been reported for it */
    struct diag_list *problems;
};

static struct value_info info_of(const struct graph_value *value)
{
    return (struct value_info){.type = value->type,
                               .shape_known = value->shape_known,
                               .shape = value->shape,
                               .data = value->data,
                               .map_keys = value->map_keys,
                               .text_table = value->text_table};
}

static void check_input(struct infer_walk *walk, uint32_t index)
{
    const struct graph_value *value = &walk->graph->values[index];
    bool bad = false;
    if (!value->shape_known) {
        diag_list_add(walk->problems, STATUS_BAD_INPUT,
                      "input %s: the model does not say its shape; give it with --data",
                      value->name);
        bad = true;
    }
    for (unsigned i = 0; value->shape_known && i < value->shape.rank; i++) {
        if (value->shape.dim[i] >= 0)
            continue;
        const char *symbol = value->dim_symbol[i];
        diag_list_add(walk->problems, STATUS_BAD_INPUT,
                      "input %s: axis %u (%s) is not bound; give it with --dim %s%s%s=N",
                      value->name, i, symbol != NULL ? symbol : "unnamed",
                      symbol != NULL ? symbol : value->name, symbol != NULL ? "" : ":",
                      symbol != NULL ? "" : "AXIS");
        bad = true;
    }
    walk->is_broken[index] = bad;
}

void report_open_shape(struct diag_list *problems, const struct graph_node *node, const char *name)
{
    bool has_bound = node->op == OP_NON_ZERO || node->op == OP_UNIQUE || node->op == OP_COMPRESS ||
                     node->op == OP_NON_MAX_SUPPRESSION || node->op == OP_LOOP;
    if (has_bound)
        diag_list_add(problems, STATUS_UNSUPPORTED,
                      "node %s (%s, opset %d): the shape of output %s depends on the input data; "
                      "give the most results it may have with --max-dim %s=N",
                      node->name, op_name(node->op), node->opset, name, name);
    else
        diag_list_add(problems, STATUS_UNSUPPORTED,
                      "node %s (%s, opset %d): the shape of output %s depends on the input data; "
                      "fix the input that decides it with --bind",
                      node->name, op_name(node->op), node->opset, name);
}

/* Stores what the rule found; a shape that is still open is a problem of this node. */
static void store_results(struct infer_walk *walk, const struct graph_node *node,
                          const struct value_info *out)
{
    for (size_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] == GRAPH_NONE)
            continue;
        struct graph_value *value = &walk->graph->values[node->outputs[i]];
        value->type = out[i].type;
        value->shape_known = out[i].shape_known;
        value->shape = out[i].shape;
        if (value->text_table == NULL)
            value->text_table = out[i].text_table;
        if (out[i].shape_known)
            continue;
        walk->is_broken[node->outputs[i]] = true;
        report_open_shape(walk->problems, node, value->name);
    }
}

static enum status infer_one(struct infer_walk *walk, const struct graph_node *node,
                             struct arena *arena)
{
    size_t ins = node->input_count, outs = node->output_count;
    struct value_info *info = arena_array(arena, struct value_info, ins + outs);
    struct diag diag = {0};
    if (info == NULL)
        return STATUS_NO_MEMORY;
    bool broken = false;
    for (size_t i = 0; i < ins; i++) {
        if (node->inputs[i] == GRAPH_NONE)
            continue;
        info[i] = info_of(&walk->graph->values[node->inputs[i]]);
        broken = broken || walk->is_broken[node->inputs[i]];
    }
    if (!broken) {
        enum status status = graph_infer_node(node, info, info + ins, arena, &diag);
        if (status == STATUS_OK)
            store_results(walk, node, info + ins);
        else
            diag_list_add_diag(walk->problems, &diag);
        broken = status != STATUS_OK;
        if (status == STATUS_NO_MEMORY || status == STATUS_LIMIT)
            return status;
    }
    for (size_t i = 0; broken && i < outs; i++)
        if (node->outputs[i] != GRAPH_NONE)
            walk->is_broken[node->outputs[i]] = true;
    return STATUS_OK;
}

enum status pass_infer_shapes(struct graph *graph, struct diag_list *problems)
{
    struct arena scratch;
    arena_init(&scratch, 0);
    struct infer_walk walk = {graph, arena_array(&scratch, bool, graph->value_count), problems};
    enum status status = walk.is_broken == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    size_t before = problems->count + problems->lost;
    for (size_t i = 0; status == STATUS_OK && i < graph->input_count; i++)
        check_input(&walk, graph->inputs[i]);
    for (size_t i = 0; status == STATUS_OK && i < graph->node_count; i++) {
        struct arena_mark mark = arena_checkpoint(&scratch);
        status = infer_one(&walk, &graph->nodes[i], &scratch);
        arena_rewind(&scratch, mark);
    }
    if (status == STATUS_NO_MEMORY)
        diag_list_add(problems, status, "out of memory while inferring shapes");
    arena_release(&scratch);
    if (status == STATUS_OK && problems->count + problems->lost > before)
        return before < problems->count ? problems->item[before].status : STATUS_BAD_INPUT;
    return status;
}
