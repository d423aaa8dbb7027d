/* Emission of canonical nodes and constants, with shape and type of every result. See
 * import_node.h. */
#include <stdio.h>
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/tensor_parts.h"
#include "ir/graph_interpret.h"

/* A node whose operands are known and small is computed at once, for the shapes that may hang on
 * it. */
#define KNOWN_ELEMENT_LIMIT 4096

struct value_info unit_value_info(const struct import_unit *unit, uint32_t value)
{
    struct value_info info = {0};
    if (value == GRAPH_NONE)
        return info;
    const struct graph_value *v = &unit->graph->values[value];
    info.type = v->type;
    info.shape_known = v->shape_known;
    info.shape = v->shape;
    info.map_keys = v->map_keys;
    info.text_table = v->text_table;
    info.data = v->data != NULL                ? v->data
                : value < unit->known_capacity ? unit->known[value]
                                               : NULL;
    return info;
}

void unit_set_known(struct importer *importer, struct import_unit *unit, uint32_t value,
                    const struct tensor *known)
{
    if (value >= unit->known_capacity) {
        size_t capacity = unit->graph->value_capacity;
        const struct tensor **grown = arena_array(importer->arena, const struct tensor *, capacity);
        if (grown == NULL)
            return; /* knowing is a help, not a need */
        if (unit->known_capacity != 0)
            memcpy(grown, unit->known, unit->known_capacity * sizeof *grown);
        unit->known = grown;
        unit->known_capacity = capacity;
    }
    unit->known[value] = known;
}

static void set_info(struct importer *importer, struct import_unit *unit, uint32_t value,
                     const struct value_info *info)
{
    struct graph_value *v = &unit->graph->values[value];
    v->type = info->type;
    v->shape_known = info->shape_known;
    v->shape = info->shape;
    v->map_keys = info->map_keys;
    v->text_table = info->text_table;
    if (info->data != NULL)
        unit_set_known(importer, unit, value, info->data);
}

/* Computes a node all of whose operands are known, when that is cheap. */
static void compute_if_known(struct import_node *n, const struct graph_node *node,
                             const struct value_info *in, struct value_info *out)
{
    const struct tensor *tensors[8];
    struct tensor *results[4] = {0};
    size_t elements = 0;
    if (node->input_count > 8 || node->output_count > 4 ||
        (op_info(node->op)->traits & TRAIT_BODY) != 0)
        return;
    for (size_t i = 0; i < node->input_count; i++) {
        tensors[i] = node->inputs[i] == GRAPH_NONE ? NULL : in[i].data;
        if (node->inputs[i] != GRAPH_NONE && in[i].data == NULL)
            return;
        elements += tensors[i] == NULL ? 0 : tensors[i]->count;
    }
    for (size_t i = 0; i < node->output_count; i++) {
        size_t count = 0;
        if (out[i].shape_known && !shape_count(&out[i].shape, KNOWN_ELEMENT_LIMIT, &count))
            return;
        elements += count;
    }
    struct diag diag;
    if (elements > KNOWN_ELEMENT_LIMIT ||
        graph_interpret_node(n->unit->graph, node, tensors, results, NULL, n->importer->arena,
                             &diag) != STATUS_OK)
        return;
    for (size_t i = 0; i < node->output_count; i++) {
        if (results[i] == NULL)
            continue;
        out[i].data = results[i];
        out[i].type = results[i]->type;
        out[i].shape = results[i]->shape;
        out[i].shape_known = true;
    }
}

/* Shapes and types of a new node's results. */
static void infer_node(struct import_node *n, uint32_t index)
{
    struct graph *graph = n->unit->graph;
    const struct graph_node *node = &graph->nodes[index];
    struct value_info *in = arena_array(n->importer->arena, struct value_info, node->input_count);
    struct value_info *out = arena_array(n->importer->arena, struct value_info, node->output_count);
    if (in == NULL || out == NULL) {
        rule_out_of_memory(n);
        return;
    }
    for (size_t i = 0; i < node->input_count; i++)
        in[i] = unit_value_info(n->unit, node->inputs[i]);
    struct diag diag = {0};
    enum status status = graph_infer_node(node, in, out, n->importer->arena, &diag);
    if (status != STATUS_OK) {
        /* The reason alone: who and on what is said by the report of the node. */
        const char *reason = strstr(diag.text, "): ");
        rule_fail(n, status, "%s%s%s", n->emitted > 1 ? op_name(node->op) : "",
                  n->emitted > 1 ? ": " : "", reason == NULL ? diag.text : reason + 3);
        return;
    }
    for (size_t i = 0; i < node->output_count; i++) {
        size_t count;
        if (out[i].shape_known && !shape_count(&out[i].shape, TENSOR_ELEMENT_LIMIT, &count)) {
            rule_fail(n, STATUS_LIMIT, "its result has more than %zu elements",
                      TENSOR_ELEMENT_LIMIT);
            return;
        }
    }
    compute_if_known(n, node, in, out);
    for (size_t i = 0; i < node->output_count; i++)
        if (node->outputs[i] != GRAPH_NONE)
            set_info(n->importer, n->unit, node->outputs[i], &out[i]);
}

/* Notes that an input of the model has to be known, when --data can tell; returns false when it
 * cannot. */
static bool need_input(struct importer *importer, const struct graph_value *input)
{
    const struct import_options *options = importer->options;
    size_t count = 0;
    if (!shape_count(&input->shape, 16, &count) || input->shape.rank > 1)
        return false;
    for (size_t i = 0; i < importer->needed_count; i++)
        if (strcmp(importer->needed[i], input->name) == 0)
            return true;
    for (size_t i = 0; i < options->sample_count; i++) {
        if (strcmp(options->sample[i].input, input->name) != 0)
            continue;
        const char **grown = arena_array(importer->arena, const char *, importer->needed_count + 1);
        if (grown == NULL)
            return false;
        if (importer->needed_count != 0)
            memcpy(grown, importer->needed, importer->needed_count * sizeof *grown);
        grown[importer->needed_count++] = options->sample[i].input;
        importer->needed = grown;
        import_note(importer, "input '%s' has to be known at compile time and is taken from --data",
                    input->name);
        return true;
    }
    return false;
}

/* Whether an input of the model is more than a switch: floats, or more than `most` elements. */
static bool is_data(const struct graph_value *input, size_t most)
{
    size_t count;
    return element_type_is_float(input->type) || !shape_count(&input->shape, most, &count);
}

/* The first input of the model whose elements a value depends on and, with `most`, is_data; or
 * GRAPH_NONE. Shapes are known, so Shape and Size end the search. */
static uint32_t find_input(struct import_node *n, uint32_t value, const size_t *most)
{
    const struct graph *graph = n->unit->graph;
    struct arena scratch = {0};
    bool *seen = arena_array(&scratch, bool, graph->value_count);
    uint32_t *stack = arena_array(&scratch, uint32_t, graph->value_count), found = GRAPH_NONE;
    size_t depth = 0;
    if (seen != NULL && stack != NULL)
        stack[depth++] = value;
    while (depth > 0 && found == GRAPH_NONE) {
        uint32_t at = stack[--depth];
        const struct graph_value *v = &graph->values[at];
        if (v->kind == VALUE_INPUT && (most == NULL || is_data(v, *most)))
            found = at;
        if (v->producer == GRAPH_NONE || unit_value_info(n->unit, at).data != NULL)
            continue;
        const struct graph_node *node = &graph->nodes[v->producer];
        if (node->op == OP_SHAPE || node->op == OP_SIZE)
            continue;
        for (size_t i = 0; i < node->input_count; i++) {
            uint32_t next = node->inputs[i];
            if (next == GRAPH_NONE || seen[next])
                continue;
            seen[next] = true;
            stack[depth++] = next;
        }
    }
    arena_release(&scratch);
    return found;
}

bool want_known(struct import_node *n, uint32_t value)
{
    uint32_t input =
        value == GRAPH_NONE || n->unit->parent != NULL ? GRAPH_NONE : find_input(n, value, NULL);
    return input != GRAPH_NONE && need_input(n->importer, &n->unit->graph->values[input]);
}

bool want_switch(struct import_node *n, uint32_t value, size_t most)
{
    if (value == GRAPH_NONE || n->unit->parent != NULL || find_input(n, value, &most) != GRAPH_NONE)
        return false;
    return want_known(n, value);
}

/*
 * Operands that decide shapes have to be known now. In a body they may depend on the round, which
 * is known when it is unrolled. What is merely too large to be computed here is left to the pass
 * that folds constants.
 */
static void check_constant_operands(struct import_node *n, enum op_kind op, const uint32_t *in,
                                    size_t in_count)
{
    char binds[300] = "";
    const struct graph_value *first = NULL;
    size_t used = 0, position = 0, inputs = 0;
    for (size_t i = 0; i < in_count && n->unit->parent == NULL && n->status == STATUS_OK; i++) {
        if (!op_input_is_constant(op, i) || in[i] == GRAPH_NONE || value_known(n, in[i]) != NULL)
            continue;
        uint32_t input = find_input(n, in[i], NULL);
        if (input == GRAPH_NONE)
            continue;
        const struct graph_value *v = &n->unit->graph->values[input];
        if (need_input(n->importer, v) || v == first)
            continue;
        position = first == NULL ? i : position;
        first = first == NULL ? v : first;
        int wrote = used >= sizeof binds
                        ? 0
                        : snprintf(binds + used, sizeof binds - used, " --bind %s=VALUE", v->name);
        used += wrote < 0 ? 0 : (size_t)wrote;
        inputs++;
    }
    if (inputs == 1)
        rule_fail(n, STATUS_UNSUPPORTED,
                  "input %zu of %s decides the shape of the result and depends on the model's "
                  "input '%s'; "
                  "fix that input with%s",
                  position, op_name(op), first->name, binds);
    else if (inputs > 1)
        rule_fail(n, STATUS_UNSUPPORTED,
                  "%zu inputs of %s decide the shape of the result and depend on inputs of the "
                  "model; fix those with%s",
                  inputs, op_name(op), binds);
}

/* "node", or "node/Op_k" from its second canonical node on. */
static const char *next_name(struct import_node *n, enum op_kind op)
{
    if (n->emitted == 0)
        return n->name;
    return arena_printf(n->importer->arena, "%s/%s_%u", n->name, op_name(op), n->emitted);
}

/* A node has as many operands as its operator takes, and the required ones are there. */
static void check_operands(struct import_node *n, enum op_kind op, const uint32_t *in,
                           size_t in_count)
{
    const struct op_info *info = op_info(op);
    if (in_count < info->min_inputs || in_count > info->max_inputs)
        rule_fail(n, STATUS_BAD_INPUT, "%zu operands, but %s takes %u to %u", in_count, info->name,
                  info->min_inputs, info->max_inputs);
    for (size_t i = 0; i < in_count && i < info->min_inputs; i++)
        if (in[i] == GRAPH_NONE && op != OP_LOOP)
            rule_fail(n, STATUS_BAD_INPUT, "operand %zu of %s is missing", i, info->name);
}

void emit_outputs(struct import_node *n, enum op_kind op, const uint32_t *in, size_t in_count,
                  uint32_t *out, size_t out_count)
{
    struct graph *graph = n->unit->graph;
    bool has_texts = false;
    for (size_t i = 0; i < in_count && op != OP_LABEL_ENCODER; i++)
        has_texts = has_texts || (in[i] != GRAPH_NONE && graph->values[in[i]].text_table != NULL);
    if (has_texts && n->status == STATUS_OK) {
        uint32_t *copy = arena_memdup(n->importer->arena, in, in_count * sizeof *in);
        if (copy == NULL) {
            rule_out_of_memory(n);
        } else {
            /* What renumbers operands is emitted before, without the attributes that wait here. */
            size_t waiting = n->staged_count;
            struct graph_attribute *kept =
                arena_memdup(n->importer->arena, n->staged, waiting * sizeof *kept);
            n->staged_count = 0;
            unify_texts(n, copy, in_count);
            if (kept != NULL)
                memcpy(n->staged, kept, waiting * sizeof *kept);
            n->staged_count = kept == NULL ? 0 : waiting;
            in = copy;
        }
    }
    size_t staged_count = n->staged_count;
    n->staged_count = 0;
    while (in_count > op_info(op)->min_inputs && in[in_count - 1] == GRAPH_NONE)
        in_count--;
    if (n->status == STATUS_OK)
        check_operands(n, op, in, in_count);
    const char *name = n->status == STATUS_OK ? next_name(n, op) : NULL;
    if (n->status == STATUS_OK && name == NULL)
        rule_out_of_memory(n);
    bool is_whole = (op_info(op)->traits & TRAIT_WHOLE) != 0;
    for (size_t i = 0; i < out_count; i++) {
        bool is_made = out[i] != GRAPH_NONE || (is_whole && i < op_info(op)->min_outputs);
        if (n->status != STATUS_OK)
            out[i] = GRAPH_NONE;
        else if (is_made && (out[i] = graph_add_value(graph, name, VALUE_NODE,
                                                      ELEMENT_UNDEFINED)) == GRAPH_NONE)
            rule_out_of_memory(n);
    }
    if (n->status != STATUS_OK)
        return;
    uint32_t index = graph_add_node(graph, op, name, in, in_count, out, out_count);
    bool complete = index != GRAPH_NONE;
    for (size_t i = 0; i < staged_count && complete; i++)
        complete = graph_node_add_attribute(graph, index, &n->staged[i]);
    if (!complete) {
        rule_out_of_memory(n);
        return;
    }
    graph->nodes[index].opset = n->version;
    n->emitted++;
    infer_node(n, index);
    check_constant_operands(n, op, graph->nodes[index].inputs, in_count);
}

uint32_t emit_list(struct import_node *n, enum op_kind op, const uint32_t *in, size_t in_count)
{
    uint32_t out = 0;
    emit_outputs(n, op, in, in_count, &out, 1);
    return out;
}

uint32_t emit1(struct import_node *n, enum op_kind op, uint32_t a)
{
    return emit_list(n, op, &a, 1);
}

uint32_t emit2(struct import_node *n, enum op_kind op, uint32_t a, uint32_t b)
{
    return emit_list(n, op, (uint32_t[]){a, b}, 2);
}

uint32_t emit3(struct import_node *n, enum op_kind op, uint32_t a, uint32_t b, uint32_t c)
{
    return emit_list(n, op, (uint32_t[]){a, b, c}, 3);
}

/* --- constants --- */

static uint32_t add_data(struct importer *importer, struct import_unit *unit, const char *name,
                         enum graph_value_kind kind, struct tensor *tensor)
{
    uint32_t value = graph_add_value(unit->graph, name, kind, tensor->type);
    if (value == GRAPH_NONE) {
        importer->fatal = STATUS_NO_MEMORY;
        return GRAPH_NONE;
    }
    struct graph_value *v = &unit->graph->values[value];
    v->data = tensor;
    v->shape_known = true;
    v->shape = tensor->shape;
    return value;
}

/* Floats, and integers of at most 8 bits: what quantized weights are. Wider integers are structure:
 * shapes, axes, indices. */
static bool is_weight(const struct tensor *tensor)
{
    return element_type_is_float(tensor->type) ||
           (element_type_is_integer(tensor->type) && element_type_bits(tensor->type) <= 8 &&
            tensor->count > 1);
}

uint32_t unit_add_stored(struct importer *importer, struct import_unit *unit, const char *name,
                         struct tensor *tensor)
{
    if (tensor->type != ELEMENT_STRING) {
        enum graph_value_kind kind = is_weight(tensor) ? VALUE_PARAMETER : VALUE_CONSTANT;
        return add_data(importer, unit, name, kind, tensor);
    }
    struct text_pool *pool = text_pool_new(importer);
    struct tensor *numbers = text_numbers(importer, pool, tensor->data.text, tensor->count);
    if (numbers == NULL) {
        importer->fatal = STATUS_NO_MEMORY;
        return GRAPH_NONE;
    }
    numbers->shape = tensor->shape;
    uint32_t value = add_data(importer, unit, name, VALUE_CONSTANT, numbers);
    if (value != GRAPH_NONE)
        unit->graph->values[value].text_table = pool->table;
    return value;
}

uint32_t constant_tensor(struct import_node *n, struct tensor *tensor)
{
    if (n->status != STATUS_OK)
        return GRAPH_NONE;
    const char *name = tensor == NULL ? NULL
                                      : arena_printf(n->importer->arena, "%s/constant_%zu", n->name,
                                                     n->unit->graph->value_count);
    uint32_t value =
        name == NULL ? GRAPH_NONE : add_data(n->importer, n->unit, name, VALUE_CONSTANT, tensor);
    if (value == GRAPH_NONE)
        rule_out_of_memory(n);
    return value;
}

uint32_t stored_tensor(struct import_node *n, struct tensor *tensor)
{
    if (n->status != STATUS_OK)
        return GRAPH_NONE;
    const char *name = tensor == NULL ? NULL
                                      : arena_printf(n->importer->arena, "%s/parameter_%zu",
                                                     n->name, n->unit->graph->value_count);
    uint32_t value =
        name == NULL ? GRAPH_NONE : unit_add_stored(n->importer, n->unit, name, tensor);
    if (value == GRAPH_NONE)
        rule_out_of_memory(n);
    return value;
}

uint32_t constant_ints(struct import_node *n, const int64_t *values, size_t count)
{
    struct shape shape = {.rank = 1, .dim = {(int64_t)count}};
    struct tensor *tensor = tensor_new(n->importer->arena, ELEMENT_I64, &shape);
    if (tensor != NULL && count != 0)
        memcpy(tensor->data.integer, values, count * sizeof *values);
    return constant_tensor(n, tensor);
}

uint32_t constant_int(struct import_node *n, int64_t value)
{
    struct tensor *tensor = tensor_new(n->importer->arena, ELEMENT_I64, &(struct shape){0});
    if (tensor != NULL)
        tensor->data.integer[0] = value;
    return constant_tensor(n, tensor);
}

uint32_t constant_real(struct import_node *n, enum element_type type, double value)
{
    if (!element_type_is_float(type)) {
        rule_fail(n, STATUS_BAD_INPUT, "a floating-point operand is expected");
        return GRAPH_NONE;
    }
    struct tensor *tensor = tensor_new(n->importer->arena, type, &(struct shape){0});
    if (tensor != NULL)
        tensor->data.real[0] = element_round(type, value);
    return constant_tensor(n, tensor);
}

uint32_t parameter_list(struct import_node *n, enum element_type type, const double *values,
                        size_t count, const int64_t *dims, unsigned rank)
{
    if (n->status != STATUS_OK)
        return GRAPH_NONE;
    if (values == NULL && count != 0) {
        rule_fail(n, STATUS_BAD_INPUT, "a list of numbers is missing");
        return GRAPH_NONE;
    }
    struct shape shape = {.rank = (uint8_t)rank};
    size_t elements;
    for (unsigned i = 0; i < rank; i++)
        shape.dim[i] = dims[i];
    if (!shape_count(&shape, SIZE_MAX, &elements) || elements != count) {
        rule_fail(n, STATUS_BAD_INPUT, "an attribute holds %zu numbers, which does not fit", count);
        return GRAPH_NONE;
    }
    struct tensor *tensor = tensor_new(n->importer->arena, type, &shape);
    for (size_t i = 0; tensor != NULL && i < count; i++)
        tensor->data.real[i] = element_round(type, values[i]);
    return stored_tensor(n, tensor);
}
