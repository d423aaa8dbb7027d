/*
 * See fold_constants.h. The walk copies the source graph node by node into a new one, folding as it
 * goes; a second step keeps what the outputs need. Bodies are brought in by inline_bodies.c.
 */
#include "passes/fold_constants.h"

#include "ir/graph_infer.h"
#include "ir/graph_interpret.h"
#include "ir/ops.h"
#include "passes/fold_walk.h"
#include "passes/infer_shapes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * A private tensor larger than this is not made by copying (Expand, Tile): views are free in a
 * circuit, committed parameters are not.
 */
enum { PARAMETER_COPY_MAX = 1 << 16 };

bool fold_no_memory(struct fold_walk *walk)
{
    if (walk->fatal == STATUS_OK)
        walk->fatal = diag_list_add(walk->problems, STATUS_NO_MEMORY,
                                    "out of memory while folding constants");
    return false;
}

bool fold_report(struct fold_walk *walk, enum status status, const char *format, ...)
{
    struct diag diag = {0};
    va_list arguments;
    va_start(arguments, format);
    diag_set_v(&diag, status, format, arguments);
    va_end(arguments);
    diag_list_add_diag(walk->problems, &diag);
    return false;
}

/* --- values --------------------------------------------------------------------------------------
 */

/* A deep copy in the arena of the new graph. */
static struct tensor *keep_tensor(struct fold_walk *walk, const struct tensor *tensor)
{
    struct tensor *copy = tensor_new(walk->next->arena, tensor->type, &tensor->shape);
    if (copy == NULL) {
        fold_no_memory(walk);
        return NULL;
    }
    memcpy(copy->data.integer, tensor->data.integer, tensor->count * sizeof(int64_t));
    return copy;
}

/* Adds a value; VALUE_BROKEN when memory is out. */
static uint32_t add_value(struct fold_walk *walk, const char *name, enum graph_value_kind kind,
                          enum element_type type)
{
    uint32_t index = graph_add_value(walk->next, name, kind, type);
    if (index == GRAPH_NONE) {
        fold_no_memory(walk);
        return VALUE_BROKEN;
    }
    return index;
}

/* Adds a value whose elements are known. The tensor is kept as it is. */
static uint32_t add_known(struct fold_walk *walk, const char *name, enum graph_value_kind kind,
                          struct tensor *data)
{
    uint32_t index = add_value(walk, name, kind, data->type);
    if (index == VALUE_BROKEN)
        return index;
    struct graph_value *value = &walk->next->values[index];
    value->shape_known = true;
    value->shape = data->shape;
    value->data = data;
    return index;
}

static void copy_labels(struct graph_value *to, const struct graph_value *from)
{
    if (from->map_keys != NULL)
        to->map_keys = from->map_keys;
    if (from->text_table != NULL)
        to->text_table = from->text_table;
    if (from->sequence != NULL)
        to->sequence = from->sequence;
}

uint32_t fold_resolve(struct fold_walk *walk, struct fold_scope *scope, uint32_t value)
{
    while (scope->graph->outer_values != NULL && scope->graph->outer_values[value] != GRAPH_NONE) {
        value = scope->graph->outer_values[value];
        scope = scope->outer;
    }
    if (scope->map[value] != VALUE_UNSEEN)
        return scope->map[value];
    const struct graph_value *source = &scope->graph->values[value];
    if (source->data == NULL) {
        fold_report(walk, STATUS_BAD_INPUT, "value %s is used but nothing computes it",
                    source->name);
        scope->map[value] = VALUE_BROKEN;
        return VALUE_BROKEN;
    }
    uint32_t index = add_known(walk, source->name, source->kind, source->data);
    if (index != VALUE_BROKEN)
        copy_labels(&walk->next->values[index], source);
    scope->map[value] = index;
    return index;
}

uint32_t fold_integer(struct fold_walk *walk, int64_t value, bool is_scalar)
{
    struct shape shape = {is_scalar ? 0 : 1, {1}};
    struct tensor *data = tensor_new(walk->next->arena, ELEMENT_I64, &shape);
    if (data == NULL) {
        fold_no_memory(walk);
        return VALUE_BROKEN;
    }
    data->data.integer[0] = value;
    return add_known(walk, "integer", VALUE_CONSTANT, data);
}

uint32_t fold_zeros(struct fold_walk *walk, enum element_type type, const struct shape *shape)
{
    struct tensor *data = tensor_new(walk->next->arena, type, shape);
    if (data == NULL) {
        fold_no_memory(walk);
        return VALUE_BROKEN;
    }
    return add_known(walk, "zeros", VALUE_CONSTANT, data);
}

uint32_t fold_real(struct fold_walk *walk, enum element_type type, double value)
{
    struct shape scalar = {0};
    uint32_t index = fold_zeros(walk, type, &scalar);
    if (index != VALUE_BROKEN) {
        walk->next->values[index].name = "number";
        walk->next->values[index].data->data.real[0] = element_round(type, value);
    }
    return index;
}

bool fold_known_integer(const struct fold_walk *walk, uint32_t value, int64_t *out)
{
    const struct graph_value *v = &walk->next->values[value];
    if (v->kind != VALUE_CONSTANT || v->data->count != 1 || element_type_is_float(v->type))
        return false;
    *out = v->data->data.integer[0];
    return true;
}

static struct value_info info_of(const struct graph_value *value)
{
    return (struct value_info){.type = value->type,
                               .shape_known = value->shape_known,
                               .shape = value->shape,
                               .data = value->data,
                               .map_keys = value->map_keys,
                               .text_table = value->text_table};
}

/* --- one node ------------------------------------------------------------------------------------
 */

/* A node whose operands are indices of the new graph, on its way to be computed or added. */
struct fold_item {
    struct graph_node node; /* inputs: new indices; outputs: GRAPH_NONE or not, nothing else */
    struct value_info *in, *out;
    uint32_t *result; /* [output_count] new indices, VALUE_BROKEN, or VALUE_UNSEEN for none */
    const char *const *name; /* [output_count] */
    const struct graph_value *const
        *source; /* [output_count] declared values, entries may be NULL */
};

/* A stored float that decides a shape becomes public for this use. */
static bool publish_structure(struct fold_walk *walk, struct fold_item *item)
{
    for (size_t i = 0; i < item->node.input_count; i++) {
        uint32_t v = item->node.inputs[i];
        if (v == GRAPH_NONE || !op_input_is_constant(item->node.op, i) ||
            walk->next->values[v].kind != VALUE_PARAMETER)
            continue;
        uint32_t copy =
            add_known(walk, walk->next->values[v].name, VALUE_CONSTANT, walk->next->values[v].data);
        if (copy == VALUE_BROKEN)
            return false;
        item->node.inputs[i] = copy;
    }
    return true;
}

/* Returns whether the operator looks at nothing but the shape and type of its operand. */
static bool needs_shape_only(enum op_kind op)
{
    return op == OP_SHAPE || op == OP_SIZE || op == OP_EYE_LIKE;
}

static bool is_empty(const struct graph_value *value)
{
    size_t count;
    return value->shape_known && shape_count(&value->shape, SIZE_MAX, &count) && count == 0;
}

/* Returns whether the node can be computed now, a value without elements being known; *kind is what
 * its results are. */
static bool is_known(const struct fold_walk *walk, const struct fold_item *item,
                     enum graph_value_kind *kind)
{
    size_t operand_elements = 0, result_elements = 0, count;
    *kind = VALUE_CONSTANT;
    const struct graph_attribute *stored = graph_attribute(&item->node, "value");
    if (stored != NULL && stored->kind == ATTRIBUTE_TENSOR &&
        element_type_is_float(stored->tensor->type))
        *kind = VALUE_PARAMETER;
    for (size_t i = 0; i < item->node.input_count; i++) {
        uint32_t v = item->node.inputs[i];
        if (v == GRAPH_NONE || needs_shape_only(item->node.op))
            continue;
        const struct graph_value *value = &walk->next->values[v];
        if (value->data == NULL && is_empty(value))
            continue;
        if (value->data == NULL)
            return false;
        if (value->kind == VALUE_PARAMETER)
            *kind = VALUE_PARAMETER;
        operand_elements += value->data->count;
    }
    if (*kind != VALUE_PARAMETER || (item->node.op != OP_EXPAND && item->node.op != OP_TILE))
        return true;
    if (!item->out[0].shape_known || !shape_count(&item->out[0].shape, SIZE_MAX, &count))
        return true;
    result_elements = count;
    return result_elements <= PARAMETER_COPY_MAX || result_elements <= operand_elements;
}

static bool is_cell(enum op_kind op)
{
    return op == OP_RNN || op == OP_GRU || op == OP_LSTM;
}

bool fold_constants_replaces(enum op_kind op)
{
    const struct op_info *info = op_info(op);
    if (op == OP_IF || op == OP_LOOP || op == OP_SCAN || is_cell(op) || needs_shape_only(op))
        return true;
    for (size_t i = 0; i < info->max_inputs; i++)
        if (!op_input_is_constant(op, i))
            return false;
    return true;
}

/*
 * Stands for an operand that is not known: the type, the shape and the count are all that is read
 * of it (see needs_shape_only), or there is nothing else to it. NULL when there is no memory.
 */
static struct tensor *stand_in(struct fold_walk *walk, const struct value_info *info)
{
    size_t count;
    if (!shape_count(&info->shape, SIZE_MAX, &count))
        return NULL;
    if (count == 0)
        return tensor_new(walk->scratch, info->type, &info->shape);
    struct tensor *shaped = arena_new(walk->scratch, struct tensor);
    if (shaped != NULL)
        *shaped = (struct tensor){.type = info->type, .shape = info->shape, .count = count};
    return shaped;
}

/* The operands' tensors for the interpreter. */
static const struct tensor **operand_tensors(struct fold_walk *walk, const struct fold_item *item)
{
    const struct tensor **in =
        arena_array(walk->scratch, const struct tensor *, item->node.input_count);
    for (size_t i = 0; in != NULL && i < item->node.input_count; i++) {
        uint32_t v = item->node.inputs[i];
        if (v == GRAPH_NONE)
            continue;
        in[i] = walk->next->values[v].data;
        if (in[i] == NULL)
            in[i] = stand_in(walk, &item->in[i]);
        if (in[i] == NULL)
            in = NULL;
    }
    if (in == NULL)
        fold_no_memory(walk);
    return in;
}

static void break_results(struct fold_item *item)
{
    for (size_t i = 0; i < item->node.output_count; i++)
        item->result[i] = VALUE_BROKEN;
}

/* Computes the node; its results are known values. */
static void compute(struct fold_walk *walk, struct fold_item *item, enum graph_value_kind kind)
{
    struct diag diag = {0};
    const struct tensor **in = operand_tensors(walk, item);
    struct tensor **out = arena_array(walk->scratch, struct tensor *, item->node.output_count);
    if (in == NULL || out == NULL) {
        fold_no_memory(walk);
        return;
    }
    enum status status =
        graph_interpret_node(walk->next, &item->node, in, out, NULL, walk->scratch, &diag);
    if (status != STATUS_OK) {
        diag_list_add_diag(walk->problems, &diag);
        break_results(item);
        return;
    }
    for (size_t i = 0; i < item->node.output_count; i++) {
        if (item->node.outputs[i] == GRAPH_NONE || out[i] == NULL)
            continue;
        struct tensor *kept = keep_tensor(walk, out[i]);
        if (kept == NULL)
            return;
        item->result[i] = add_known(walk, item->name[i], kind, kept);
        if (item->result[i] != VALUE_BROKEN)
            walk->next->values[item->result[i]].text_table = item->out[i].text_table;
    }
}

/* Adds the node itself, with the shapes the rule found. */
static void append(struct fold_walk *walk, struct fold_item *item)
{
    struct graph_node *node = &item->node;
    uint32_t *outputs = arena_array(walk->scratch, uint32_t, node->output_count);
    if (outputs == NULL || walk->next->node_count >= FOLD_NODES_MAX) {
        if (outputs == NULL)
            fold_no_memory(walk);
        else if (walk->fatal == STATUS_OK)
            walk->fatal = diag_list_add(
                walk->problems, STATUS_LIMIT,
                "the model has more than %d nodes once its loops are unrolled", FOLD_NODES_MAX);
        return;
    }
    for (size_t i = 0; i < node->output_count; i++) {
        outputs[i] = GRAPH_NONE;
        if (node->outputs[i] == GRAPH_NONE)
            continue;
        outputs[i] = add_value(walk, item->name[i], VALUE_NODE, item->out[i].type);
        if (outputs[i] == VALUE_BROKEN)
            return;
        struct graph_value *value = &walk->next->values[outputs[i]];
        value->shape_known = true;
        value->shape = item->out[i].shape;
        value->text_table = item->out[i].text_table;
        item->result[i] = outputs[i];
    }
    uint32_t index = graph_add_node(walk->next, node->op, node->name, node->inputs,
                                    node->input_count, outputs, node->output_count);
    if (index == GRAPH_NONE) {
        fold_no_memory(walk);
        return;
    }
    walk->next->nodes[index].opset = node->opset;
    walk->next->nodes[index].repeat = node->repeat;
    for (size_t i = 0; i < node->attribute_count; i++)
        if (!graph_node_add_attribute(walk->next, index, &node->attributes[i]))
            fold_no_memory(walk);
}

/* The result is operand 0 itself: no node is needed. */
static bool is_renaming(const struct fold_item *item)
{
    enum op_kind op = item->node.op;
    return op == OP_IDENTITY ||
           ((op == OP_CAST || op == OP_CAST_LIKE) && item->out[0].type == item->in[0].type);
}

/* Reports the first output whose shape stays open. */
static bool shapes_are_open(struct fold_walk *walk, const struct fold_item *item)
{
    for (size_t i = 0; i < item->node.output_count; i++) {
        if (item->node.outputs[i] == GRAPH_NONE || item->out[i].shape_known)
            continue;
        report_open_shape(walk->problems, &item->node, item->name[i]);
        return true;
    }
    return false;
}

/* Infers, then renames, computes or appends. item->result is set for every output that is used. */
static void fold_item(struct fold_walk *walk, struct fold_item *item)
{
    struct diag diag = {0};
    size_t ins = item->node.input_count, outs = item->node.output_count;
    if (item->node.repeat == 0)
        item->node.repeat = walk->place;
    if (walk->place != 0)
        walk->place = fold_place(walk->place, 0);
    for (size_t i = 0; i < ins; i++)
        if (item->node.inputs[i] == VALUE_BROKEN) {
            break_results(item);
            return;
        }
    if (!publish_structure(walk, item))
        return;
    item->in = arena_array(walk->scratch, struct value_info, ins + outs);
    if (item->in == NULL) {
        fold_no_memory(walk);
        return;
    }
    item->out = item->in + ins;
    for (size_t i = 0; i < ins; i++)
        if (item->node.inputs[i] != GRAPH_NONE)
            item->in[i] = info_of(&walk->next->values[item->node.inputs[i]]);
    enum status status = graph_infer_node(&item->node, item->in, item->out, walk->scratch, &diag);
    if (status != STATUS_OK) {
        diag_list_add_diag(walk->problems, &diag);
        break_results(item);
        return;
    }
    enum graph_value_kind kind;
    if (is_renaming(item))
        item->result[0] = item->node.inputs[0];
    else if (is_known(walk, item, &kind))
        compute(walk, item, kind);
    else if (shapes_are_open(walk, item))
        break_results(item);
    else
        append(walk, item);
}

/* A name with the scope's suffix, or the name itself. */
static const char *scoped_name(struct fold_walk *walk, const struct fold_scope *scope,
                               const char *name)
{
    if (scope->suffix[0] == '\0')
        return name;
    char *longer = arena_printf(walk->next->arena, "%s%s", name, scope->suffix);
    if (longer == NULL)
        fold_no_memory(walk);
    return longer != NULL ? longer : name;
}

/* A node of the source graph. */
static void fold_source_node(struct fold_walk *walk, struct fold_scope *scope,
                             const struct graph_node *node)
{
    size_t ins = node->input_count, outs = node->output_count;
    uint32_t *in = arena_array(walk->scratch, uint32_t, ins);
    uint32_t *result = arena_array(walk->scratch, uint32_t, outs);
    const char **name = arena_array(walk->scratch, const char *, outs);
    if (in == NULL || result == NULL || name == NULL) {
        fold_no_memory(walk);
        return;
    }
    for (size_t i = 0; i < ins; i++)
        in[i] =
            node->inputs[i] == GRAPH_NONE ? GRAPH_NONE : fold_resolve(walk, scope, node->inputs[i]);
    for (size_t i = 0; i < outs; i++) {
        result[i] = VALUE_UNSEEN;
        if (node->outputs[i] != GRAPH_NONE)
            name[i] = scoped_name(walk, scope, scope->graph->values[node->outputs[i]].name);
    }
    struct fold_item item = {.node = *node, .result = result, .name = name};
    item.node.inputs = in;
    item.node.name = scoped_name(walk, scope, node->name);
    fold_item(walk, &item);
    for (size_t i = 0; i < outs; i++) {
        if (node->outputs[i] == GRAPH_NONE)
            continue;
        scope->map[node->outputs[i]] = result[i] == VALUE_UNSEEN ? VALUE_BROKEN : result[i];
        if (result[i] == VALUE_UNSEEN || result[i] == VALUE_BROKEN || is_renaming(&item))
            continue;
        copy_labels(&walk->next->values[result[i]], &scope->graph->values[node->outputs[i]]);
    }
}

/* Whether an operand is computed from inputs. */
static bool has_unknown(struct fold_walk *walk, struct fold_scope *scope,
                        const struct graph_node *node)
{
    for (size_t i = 0; i < node->input_count; i++) {
        uint32_t v = node->inputs[i] == GRAPH_NONE ? VALUE_BROKEN
                                                   : fold_resolve(walk, scope, node->inputs[i]);
        if (v != VALUE_BROKEN && walk->next->values[v].data == NULL)
            return true;
    }
    return false;
}

/* The finalizer of splitmix64 (Steele, Lea, Flood 2014). */
uint64_t fold_place(uint64_t outer, uint64_t inner)
{
    uint64_t z = outer + (inner + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return z == 0 ? 1 : z;
}

uint64_t fold_body_place(struct fold_walk *walk, uint64_t which)
{
    return fold_place(walk->place != 0 ? walk->place : ++walk->bodies, which);
}

static void want_value(struct fold_walk *walk, uint32_t value)
{
    if (walk->wanted_count == walk->wanted_capacity) {
        size_t capacity = walk->wanted_capacity == 0 ? 16 : 2 * walk->wanted_capacity;
        uint32_t *grown = arena_array(walk->next->arena, uint32_t, capacity);
        if (grown == NULL) {
            fold_no_memory(walk);
            return;
        }
        if (walk->wanted_count > 0)
            memcpy(grown, walk->wanted, walk->wanted_count * sizeof *grown);
        walk->wanted = grown;
        walk->wanted_capacity = capacity;
    }
    walk->wanted[walk->wanted_count++] = value;
}

/* Where a problem, here or before, left a node out, what it reads is still needed. */
static void want_operands(struct fold_walk *walk, const struct fold_scope *scope,
                          const struct graph_node *node)
{
    bool is_broken = false;
    for (size_t i = 0; i < node->output_count; i++)
        is_broken |= node->outputs[i] != GRAPH_NONE && scope->map[node->outputs[i]] == VALUE_BROKEN;
    for (size_t i = 0; is_broken && i < node->input_count; i++) {
        uint32_t value = node->inputs[i];
        const struct fold_scope *at = scope;
        while (value != GRAPH_NONE && at->graph->outer_values != NULL &&
               at->graph->outer_values[value] != GRAPH_NONE) {
            value = at->graph->outer_values[value];
            at = at->outer;
        }
        uint32_t now = value == GRAPH_NONE ? VALUE_UNSEEN : at->map[value];
        if (now != VALUE_UNSEEN && now != VALUE_BROKEN &&
            walk->next->values[now].kind == VALUE_NODE)
            want_value(walk, now);
    }
}

void fold_nodes(struct fold_walk *walk, struct fold_scope *scope)
{
    const uint64_t body = walk->place;
    for (size_t i = 0; walk->fatal == STATUS_OK && i < scope->graph->node_count; i++) {
        const struct graph_node *node = &scope->graph->nodes[i];
        walk->place = body == 0 ? 0 : fold_place(body, i + 1);
        if (node->op == OP_IF) {
            fold_if(walk, scope, node);
        } else if (node->op == OP_LOOP) {
            fold_loop(walk, scope, node);
        } else if (node->op == OP_SCAN) {
            fold_scan(walk, scope, node);
        } else if (is_cell(node->op) && has_unknown(walk, scope, node)) {
            fold_recurrent(walk, scope, node);
        } else {
            struct arena_mark mark = arena_checkpoint(walk->scratch);
            fold_source_node(walk, scope, node);
            arena_rewind(walk->scratch, mark);
        }
        want_operands(walk, scope, node);
    }
    walk->place = body;
}

enum { ADDED_OUTPUTS_MAX = 4 };

bool fold_add_outputs(struct fold_walk *walk, const struct graph_node *like, const char *suffix,
                      enum op_kind op, const uint32_t *in, size_t in_count,
                      const struct graph_attribute *attributes, size_t attribute_count,
                      uint32_t *out, size_t out_count)
{
    uint32_t wanted[ADDED_OUTPUTS_MAX];
    const char *names[ADDED_OUTPUTS_MAX];
    ASSERT(out_count <= ADDED_OUTPUTS_MAX);
    struct arena_mark mark = arena_checkpoint(walk->scratch);
    char *name = arena_printf(walk->next->arena, "%s/%s", like->name, suffix);
    uint32_t *inputs = arena_array(walk->scratch, uint32_t, in_count);
    struct graph_attribute *kept =
        arena_array(walk->next->arena, struct graph_attribute, attribute_count);
    bool complete = name != NULL && inputs != NULL && kept != NULL;
    for (size_t i = 0; i < out_count; i++) {
        wanted[i] = out[i];
        out[i] = VALUE_UNSEEN;
        names[i] = i == 0 || !complete ? name : arena_printf(walk->next->arena, "%s.%zu", name, i);
        complete = complete && names[i] != NULL;
    }
    if (!complete) {
        for (size_t i = 0; i < out_count; i++)
            out[i] = wanted[i] == GRAPH_NONE ? GRAPH_NONE : VALUE_BROKEN;
        return fold_no_memory(walk);
    }
    memcpy(inputs, in, in_count * sizeof *inputs);
    if (attribute_count > 0)
        memcpy(kept, attributes, attribute_count * sizeof *kept);
    struct fold_item item = {.node = {.op = op,
                                      .name = name,
                                      .opset = like->opset,
                                      .inputs = inputs,
                                      .input_count = in_count,
                                      .outputs = wanted,
                                      .output_count = out_count,
                                      .attributes = kept,
                                      .attribute_count = attribute_count},
                             .result = out,
                             .name = names};
    fold_item(walk, &item);
    arena_rewind(walk->scratch, mark);
    bool is_whole = true;
    for (size_t i = 0; i < out_count; i++) {
        if (wanted[i] == GRAPH_NONE)
            continue;
        out[i] = out[i] == VALUE_UNSEEN ? VALUE_BROKEN : out[i];
        is_whole = is_whole && out[i] != VALUE_BROKEN;
    }
    return is_whole;
}

uint32_t fold_add(struct fold_walk *walk, const struct graph_node *like, const char *suffix,
                  enum op_kind op, const uint32_t *in, size_t in_count,
                  const struct graph_attribute *attributes, size_t attribute_count)
{
    uint32_t out = 0;
    fold_add_outputs(walk, like, suffix, op, in, in_count, attributes, attribute_count, &out, 1);
    return out;
}

/* --- the whole graph
 * ------------------------------------------------------------------------------- */

static void copy_inputs(struct fold_walk *walk, struct fold_scope *scope)
{
    const struct graph *graph = scope->graph;
    walk->next->inputs = arena_array(graph->arena, uint32_t, graph->input_count);
    if (walk->next->inputs == NULL) {
        fold_no_memory(walk);
        return;
    }
    for (size_t i = 0; i < graph->input_count; i++) {
        const struct graph_value *source = &graph->values[graph->inputs[i]];
        bool open = !source->shape_known;
        for (unsigned k = 0; !open && k < source->shape.rank; k++)
            open = source->shape.dim[k] < 0;
        if (open) {
            fold_report(walk, STATUS_BAD_INPUT,
                        "input %s: its shape is not bound; give it with --dim or --data",
                        source->name);
            scope->map[graph->inputs[i]] = VALUE_BROKEN;
            continue;
        }
        uint32_t index = add_value(walk, source->name, VALUE_INPUT, source->type);
        if (index == VALUE_BROKEN)
            return;
        walk->next->values[index] = *source;
        walk->next->values[index].producer = GRAPH_NONE;
        walk->next->inputs[walk->next->input_count++] = index;
        scope->map[graph->inputs[i]] = index;
    }
}

/* Gives every output a value of its own, under the output's name. */
static void copy_outputs(struct fold_walk *walk, struct fold_scope *scope)
{
    const struct graph *graph = scope->graph;
    walk->next->outputs = arena_array(graph->arena, uint32_t, graph->output_count);
    bool *taken = arena_array(walk->scratch, bool, walk->next->value_count);
    size_t known_count = walk->next->value_count;
    if (walk->next->outputs == NULL || taken == NULL) {
        fold_no_memory(walk);
        return;
    }
    for (size_t i = 0; i < graph->output_count; i++) {
        const struct graph_value *source = &graph->values[graph->outputs[i]];
        uint32_t v = fold_resolve(walk, scope, graph->outputs[i]);
        if (v == VALUE_BROKEN)
            continue;
        bool own = walk->next->values[v].kind == VALUE_NODE && v < known_count && !taken[v];
        if (!own) {
            uint32_t copy = add_value(walk, source->name, VALUE_NODE, walk->next->values[v].type);
            if (copy == VALUE_BROKEN)
                return;
            struct graph_value original = walk->next->values[v];
            walk->next->values[copy].shape_known = true;
            walk->next->values[copy].shape = original.shape;
            walk->next->values[copy].text_table = original.text_table;
            uint32_t node = graph_add_node(walk->next, OP_IDENTITY, source->name, &v, 1, &copy, 1);
            if (node == GRAPH_NONE) {
                fold_no_memory(walk);
                return;
            }
            v = copy;
        } else {
            taken[v] = true;
            walk->next->values[v].name = source->name;
        }
        copy_labels(&walk->next->values[v], source);
        walk->next->outputs[walk->next->output_count++] = v;
    }
}

/* Of a graph with problems: what is left out needs values as outputs do. */
static void add_wanted(struct fold_walk *walk)
{
    struct graph *next = walk->next;
    bool *is_output = arena_array(walk->scratch, bool, next->value_count);
    uint32_t *outputs = arena_array(next->arena, uint32_t, next->output_count + walk->wanted_count);
    if (is_output == NULL || outputs == NULL) {
        fold_no_memory(walk);
        return;
    }
    for (size_t i = 0; i < next->output_count; i++) {
        outputs[i] = next->outputs[i];
        is_output[outputs[i]] = true;
    }
    for (size_t i = 0; i < walk->wanted_count; i++) {
        if (!is_output[walk->wanted[i]])
            outputs[next->output_count++] = walk->wanted[i];
        is_output[walk->wanted[i]] = true;
    }
    next->outputs = outputs;
}

/* Marks what the outputs need, from the last node to the first. */
static void mark_needed(const struct graph *graph, bool *value_needed, bool *node_needed)
{
    for (size_t i = 0; i < graph->output_count; i++)
        value_needed[graph->outputs[i]] = true;
    for (size_t i = 0; i < graph->input_count; i++)
        value_needed[graph->inputs[i]] = true;
    for (size_t n = graph->node_count; n-- > 0;) {
        const struct graph_node *node = &graph->nodes[n];
        for (size_t i = 0; i < node->output_count; i++)
            if (node->outputs[i] != GRAPH_NONE && value_needed[node->outputs[i]])
                node_needed[n] = true;
        for (size_t i = 0; node_needed[n] && i < node->input_count; i++)
            if (node->inputs[i] != GRAPH_NONE)
                value_needed[node->inputs[i]] = true;
        const struct op_info *info = op_info(node->op);
        bool is_whole = node_needed[n] && (info->traits & TRAIT_WHOLE) != 0;
        for (size_t i = 0; is_whole && i < info->min_outputs; i++)
            if (node->outputs[i] != GRAPH_NONE)
                value_needed[node->outputs[i]] = true;
    }
}

static void renumber(uint32_t *list, size_t count, const uint32_t *number)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] != GRAPH_NONE)
            list[i] = number[list[i]];
}

/* Takes what nothing needs out of a graph, in place. */
static bool drop_unneeded(struct graph *graph, struct arena *scratch)
{
    bool *value_needed = arena_array(scratch, bool, graph->value_count);
    bool *node_needed = arena_array(scratch, bool, graph->node_count);
    uint32_t *number = arena_array(scratch, uint32_t, graph->value_count);
    if (value_needed == NULL || node_needed == NULL || number == NULL)
        return false;
    mark_needed(graph, value_needed, node_needed);
    size_t values = 0, nodes = 0;
    for (size_t v = 0; v < graph->value_count; v++) {
        number[v] = GRAPH_NONE;
        if (!value_needed[v])
            continue;
        number[v] = (uint32_t)values;
        graph->values[values++] = graph->values[v];
    }
    graph->value_count = values;
    for (size_t n = 0; n < graph->node_count; n++) {
        if (!node_needed[n])
            continue;
        struct graph_node *node = &graph->nodes[nodes];
        *node = graph->nodes[n];
        renumber(node->inputs, node->input_count, number);
        renumber(node->outputs, node->output_count, number);
        for (size_t i = 0; i < node->output_count; i++)
            if (node->outputs[i] != GRAPH_NONE)
                graph->values[node->outputs[i]].producer = (uint32_t)nodes;
        nodes++;
    }
    graph->node_count = nodes;
    renumber(graph->inputs, graph->input_count, number);
    renumber(graph->outputs, graph->output_count, number);
    for (size_t v = 0; v < graph->value_count; v++)
        graph->outer_values[v] = GRAPH_NONE;
    return true;
}

enum status pass_fold_constants(struct graph *graph, struct arena *scratch,
                                struct diag_list *problems)
{
    struct arena_mark mark = arena_checkpoint(scratch);
    size_t before = problems->count + problems->lost;
    struct fold_walk walk = {
        .next = graph_new(graph->arena, graph->name), .scratch = scratch, .problems = problems};
    struct fold_scope scope = {graph, arena_array(scratch, uint32_t, graph->value_count), NULL, ""};
    if (walk.next == NULL || scope.map == NULL) {
        fold_no_memory(&walk);
        return walk.fatal;
    }
    for (size_t v = 0; v < graph->value_count; v++)
        scope.map[v] = VALUE_UNSEEN;
    copy_inputs(&walk, &scope);
    fold_nodes(&walk, &scope);
    if (walk.fatal == STATUS_OK)
        copy_outputs(&walk, &scope);
    enum status status = walk.fatal;
    if (status == STATUS_OK && problems->count + problems->lost > before)
        status = before < problems->count ? problems->item[before].status : STATUS_BAD_INPUT;
    if (status != STATUS_OK)
        add_wanted(&walk);
    if (!drop_unneeded(walk.next, scratch)) {
        fold_no_memory(&walk);
        status = walk.fatal;
    }
    if (walk.fatal == STATUS_OK || walk.fatal == STATUS_LIMIT)
        *graph = *walk.next;
    arena_rewind(scratch, mark);
    return status;
}
