/* Import rules of loops and recurrent cells: Loop, Scan, RNN, GRU, LSTM. */
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"

/* --- Loop and Scan --- */

/* Common to both: the body, how its inputs and outputs are grouped. */
struct loop_form {
    const Onnx__Graph *graph;
    size_t fixed_inputs;  /* iteration and condition of Loop */
    size_t fixed_outputs; /* condition of Loop */
    size_t carried;
    size_t scanned; /* scan inputs */
    bool has_room;  /* of a Loop: --max-dim leaves room for `most` rounds */
    int64_t most;
};

/* Builds the body with the given infos of carried values and scan slices. */
static struct import_scope *build_body(struct import_node *n, const struct loop_form *form,
                                       const struct value_info *infos)
{
    struct import_scope *body = import_body_begin(n, form->graph);
    size_t count = form->fixed_inputs + form->carried + form->scanned;
    for (size_t i = 0; body != NULL && i < count; i++)
        import_body_input(n, body,
                          form->graph->input[i]->name == NULL ? "" : form->graph->input[i]->name,
                          &infos[i]);
    return body != NULL && import_body_end(n, body, form->graph) ? body : NULL;
}

/*
 * Builds the body on the assumption that carried values keep their shapes; where the body's outputs
 * say otherwise, the shape is unknown and the body is built again.
 */
static struct import_scope *settle_body(struct import_node *n, const struct loop_form *form,
                                        struct value_info *infos)
{
    for (;;) {
        struct import_scope *body = build_body(n, form, infos);
        if (body == NULL)
            return NULL;
        bool settled = true;
        for (size_t i = 0; i < form->carried; i++) {
            struct value_info *before = &infos[form->fixed_inputs + i];
            struct value_info after = import_body_output_info(body, form->fixed_outputs + i);
            if (before->shape_known &&
                (!after.shape_known || !shape_equal(&before->shape, &after.shape))) {
                before->shape_known = false;
                settled = false;
            }
        }
        if (settled)
            return body;
    }
}

static bool check_body(struct import_node *n, const struct loop_form *form)
{
    size_t inputs = form->fixed_inputs + form->carried + form->scanned;
    if (form->graph == NULL)
        rule_fail(n, STATUS_BAD_INPUT, "its body is missing");
    else if (form->graph->n_input != inputs)
        rule_fail(n, STATUS_BAD_INPUT, "its body has %zu inputs, %zu are expected",
                  form->graph->n_input, inputs);
    else if (form->graph->n_output < form->fixed_outputs + form->carried ||
             n->out_count > form->graph->n_output - form->fixed_outputs)
        rule_fail(n, STATUS_BAD_INPUT, "its body has %zu outputs, which does not fit the node",
                  form->graph->n_output);
    return n->status == STATUS_OK;
}

/* Emits the node over a settled body and gives the outputs, which have as yet no more than types.
 */
static uint32_t *emit_loop(struct import_node *n, const struct loop_form *form,
                           const struct import_scope *body, const uint32_t *in, size_t in_count)
{
    size_t count = form->graph->n_output - form->fixed_outputs + form->has_room;
    uint32_t *out = arena_array(n->importer->arena, uint32_t, count);
    if (out == NULL) {
        rule_out_of_memory(n);
        return NULL;
    }
    stage_graph(n, "body", body->unit->graph);
    if (form->has_room) {
        stage_int(n, "count", form->most);
        stage_int(n, "padded", true);
    }
    emit_outputs(n, n->rule->kind, in, in_count, out, count);
    return n->status == STATUS_OK ? out : NULL;
}

/* The number of rounds when it is known, else -1: M with a condition that stays true. */
static int64_t known_rounds(struct import_node *n, uint32_t rounds, uint32_t condition,
                            const struct import_scope *body)
{
    const struct tensor *count = value_known(n, rounds), *first = value_known(n, condition);
    struct value_info again = import_body_output_info(body, 0);
    bool starts = condition == GRAPH_NONE || (first != NULL && first->data.integer[0] != 0);
    /* A body that hands its condition input through never stops by itself. */
    bool goes_on = body->unit->graph->outputs[0] == body->unit->graph->inputs[1] ||
                   (again.data != NULL && again.data->data.integer[0] != 0);
    if (first != NULL && first->data.integer[0] == 0)
        return 0;
    return count != NULL && count->count == 1 && starts && goes_on ? count->data.integer[0] : -1;
}

/* Without --max-dim the largest number of rounds has to be known, and, where results are stacked,
 * whether it runs at all. */
static void want_rounds(struct import_node *n, const struct loop_form *form)
{
    bool stacks = form->graph->n_output > form->fixed_outputs + form->carried;
    for (size_t i = 0; i < (stacks ? 2 : 1); i++) {
        uint32_t value = operand(n, i);
        if (value != GRAPH_NONE && value_known(n, value) == NULL)
            want_known(n, value);
    }
}

/* --- Loop over sequences --- */

static uint32_t constant_truth(struct import_node *n)
{
    struct tensor *yes = tensor_new(n->importer->arena, ELEMENT_BOOL, &(struct shape){0});
    if (yes == NULL) {
        rule_out_of_memory(n);
        return GRAPH_NONE;
    }
    yes->data.integer[0] = 1;
    return constant_tensor(n, yes);
}

/* Whether a graph, or one within it, makes or reads sequences or optionals. */
static bool uses_sequences(const Onnx__Graph *graph)
{
    for (size_t i = 0; i < graph->n_node; i++) {
        const Onnx__Node *node = graph->node[i];
        const char *op = node->op_type == NULL ? "" : node->op_type;
        if (strstr(op, "Sequence") == op || strstr(op, "Optional") == op ||
            strcmp(op, "SplitToSequence") == 0 || strcmp(op, "ConcatFromSequence") == 0)
            return true;
        for (size_t k = 0; k < node->n_attribute; k++)
            if (node->attribute[k]->g != NULL && uses_sequences(node->attribute[k]->g))
                return true;
    }
    return false;
}

static bool carries_sequences(const struct import_node *n)
{
    for (size_t i = 2; i < n->in_count; i++)
        if (n->in[i].kind != BINDING_VALUE)
            return true;
    return false;
}

/* A truth value that has to be known: a sequence has as many items as there were rounds. */
static bool known_truth(struct import_node *n, const struct binding *condition, bool *truth)
{
    *truth = true;
    if (condition->kind == BINDING_BROKEN)
        rule_break(n);
    if (condition->kind == BINDING_NONE || condition->kind == BINDING_ABSENT)
        return true;
    uint32_t value = condition->kind == BINDING_VALUE ? condition->value : GRAPH_NONE;
    const struct tensor *known = value_known(n, value);
    if (known == NULL)
        want_known(n, value);
    if (known == NULL || known->count != 1 || element_type_is_float(known->type)) {
        rule_fail(n, STATUS_UNSUPPORTED,
                  "how often it runs depends on the input data, and so does the length of its "
                  "sequences; bind the input that decides it with --bind");
        return false;
    }
    *truth = known->data.integer[0] != 0;
    return true;
}

/* The slices of every turn, stacked along a new first axis. */
static uint32_t stack_slices(struct import_node *n, const struct binding *slice, size_t step,
                             size_t count)
{
    uint32_t *in = arena_array(n->importer->arena, uint32_t, count);
    if (in == NULL)
        rule_out_of_memory(n);
    if (count == 0)
        rule_fail(n, STATUS_UNSUPPORTED,
                  "its body never runs, so the shape of its outputs is open");
    for (size_t i = 0; i < count && n->status == STATUS_OK; i++) {
        if (slice[i * step].kind == BINDING_BROKEN)
            rule_break(n);
        else if (slice[i * step].kind != BINDING_VALUE)
            rule_fail(n, STATUS_BAD_INPUT, "a scan output of its body is no tensor");
        else
            in[i] = unsqueeze_at(n, slice[i * step].value, 0);
    }
    stage_int(n, "axis", 0);
    return n->status == STATUS_OK ? emit_list(n, OP_CONCAT, in, count) : GRAPH_NONE;
}

enum { LOOP_ROUNDS_MAX = 1 << 16 };

/*
 * A Loop whose body works on sequences: its body once for every round, here, because sequences
 * leave no trace in the graph. The number of rounds has to be known.
 */
static void import_loop_rounds(struct import_node *n, const struct loop_form *form)
{
    size_t outputs = form->graph->n_output, inputs = 2 + form->carried, round = 0;
    size_t scans = outputs - 1 - form->carried, capacity = 0;
    uint32_t limit_value = operand(n, 0);
    const struct tensor *limit = value_known(n, limit_value);
    struct binding *in = arena_array(n->importer->arena, struct binding, inputs), *slices = NULL;
    struct binding *out = arena_array(n->importer->arena, struct binding, outputs);
    bool goes_on = false;
    if (in == NULL || out == NULL)
        rule_out_of_memory(n);
    if (limit_value != GRAPH_NONE && (limit == NULL || limit->count != 1))
        rule_fail(n, STATUS_UNSUPPORTED,
                  "how often it runs depends on the input data, and so does the length of its "
                  "sequences; bind the input that decides it with --bind");
    if (n->status != STATUS_OK)
        return;
    for (size_t i = 1; i < inputs; i++)
        in[i] = i < n->in_count ? n->in[i] : (struct binding){.kind = BINDING_NONE};
    int64_t rounds = limit == NULL ? INT64_MAX : limit->data.integer[0];
    while (n->status == STATUS_OK && known_truth(n, &in[1], &goes_on) && goes_on &&
           (int64_t)round < rounds) {
        if (round == LOOP_ROUNDS_MAX)
            rule_fail(n, STATUS_LIMIT, "it runs more than %d times", LOOP_ROUNDS_MAX);
        in[0] = (struct binding){.kind = BINDING_VALUE, .value = constant_int(n, (int64_t)round)};
        if (in[1].kind == BINDING_NONE || in[1].kind == BINDING_ABSENT)
            in[1] = (struct binding){.kind = BINDING_VALUE, .value = constant_truth(n)};
        import_inline_turn(n, form->graph, round, in, inputs, out, outputs);
        if (n->status != STATUS_OK)
            return;
        memcpy(in + 1, out, (1 + form->carried) * sizeof *in);
        if (scans > 0 && round == capacity) {
            capacity = capacity == 0 ? 16 : 2 * capacity;
            struct binding *grown =
                arena_array(n->importer->arena, struct binding, capacity * scans);
            if (grown == NULL) {
                rule_out_of_memory(n);
                return;
            }
            if (round > 0)
                memcpy(grown, slices, round * scans * sizeof *grown);
            slices = grown;
        }
        if (scans > 0)
            memcpy(slices + round * scans, out + 1 + form->carried, scans * sizeof *slices);
        round++;
    }
    for (size_t i = 0; i < form->carried && n->status == STATUS_OK; i++)
        set_output_binding(n, i, &in[2 + i]);
    for (size_t i = 0; i < scans && n->status == STATUS_OK; i++)
        if (output_wanted(n, form->carried + i))
            set_output(n, form->carried + i, stack_slices(n, slices + i, scans, round));
}

/* Loop */
void import_loop(struct import_node *n)
{
    struct loop_form form = {.graph = attr_graph(n, "body"), .fixed_inputs = 2, .fixed_outputs = 1};
    form.carried = n->in_count > 2 ? n->in_count - 2 : 0;
    if (n->status != STATUS_OK || !check_body(n, &form))
        return;
    if (carries_sequences(n) || uses_sequences(form.graph)) {
        want_rounds(n, &form);
        import_loop_rounds(n, &form);
        return;
    }
    size_t in_count = 2 + form.carried;
    uint32_t *in = arena_array(n->importer->arena, uint32_t, in_count);
    struct value_info *infos = arena_array(n->importer->arena, struct value_info, in_count);
    if (in == NULL || infos == NULL) {
        rule_out_of_memory(n);
        return;
    }
    for (size_t i = 0; i < in_count; i++) {
        in[i] = i < 2 ? operand(n, i) : required(n, i);
        infos[i] = unit_value_info(n->unit, in[i]);
        infos[i].data = NULL;
    }
    infos[0] = (struct value_info){.type = ELEMENT_I64, .shape_known = true};
    infos[1] = (struct value_info){.type = ELEMENT_BOOL, .shape_known = true};
    form.has_room = max_dim_of_node(n, &form.most);
    if (!form.has_room)
        want_rounds(n, &form);
    struct import_scope *body = settle_body(n, &form, infos);
    uint32_t *out = body == NULL ? NULL : emit_loop(n, &form, body, in, in_count);
    if (out == NULL)
        return;
    int64_t rounds = form.has_room ? form.most : known_rounds(n, in[0], in[1], body);
    if (form.has_room) {
        uint32_t count = out[form.graph->n_output - 1];
        import_set_info(n, count, &(struct value_info){.type = ELEMENT_I64, .shape_known = true});
        add_count_of_node(n, count);
    }
    for (size_t i = 0; i + 1 < form.graph->n_output; i++) {
        struct value_info info = import_body_output_info(body, 1 + i);
        info.data = NULL;
        if (i < form.carried) {
            info.shape_known = infos[2 + i].shape_known;
            info.shape = infos[2 + i].shape;
        } else if (info.shape_known && rounds >= 0 && info.shape.rank < TENSOR_RANK_MAX) {
            memmove(info.shape.dim + 1, info.shape.dim, info.shape.rank * sizeof info.shape.dim[0]);
            info.shape.dim[0] = rounds;
            info.shape.rank++;
        } else {
            info.shape_known = false;
        }
        import_set_info(n, out[i], &info);
        set_output(n, i, out[i]);
    }
}

/* The entry of a list attribute for one scan operand; zero when the list is not written. */
static int64_t list_entry(struct import_node *n, const char *name, size_t i)
{
    size_t count;
    const int64_t *list = attr_ints(n, name, &count);
    return i < count ? list[i] : 0;
}

/* What the body sees of scan input i: one slice along its axis. Returns the number of slices, -1
 * when it is not known. */
static int64_t scan_slice(struct import_node *n, size_t i, struct value_info *info)
{
    int64_t axis = list_entry(n, "scan_input_axes", i);
    info->data = NULL;
    if (!info->shape_known)
        return -1;
    if (axis < 0)
        axis += info->shape.rank;
    if (axis < 0 || axis >= info->shape.rank) {
        rule_fail(n, STATUS_BAD_INPUT, "scan axis %lld of scan input %zu", (long long)axis, i);
        return -1;
    }
    int64_t rounds = info->shape.dim[axis];
    info->shape.rank--;
    memmove(info->shape.dim + axis, info->shape.dim + axis + 1,
            (size_t)(info->shape.rank - axis) * sizeof info->shape.dim[0]);
    return rounds;
}

/* What the node gives for one scan output: the slices stacked along its axis. */
static void scan_stack(struct import_node *n, size_t i, int64_t rounds, struct value_info *info)
{
    int64_t axis = list_entry(n, "scan_output_axes", i);
    int64_t rank = info->shape.rank;
    info->data = NULL;
    if (axis < 0)
        axis += rank + 1;
    info->shape_known =
        info->shape_known && rounds >= 0 && rank < TENSOR_RANK_MAX && axis >= 0 && axis <= rank;
    if (!info->shape_known)
        return;
    memmove(info->shape.dim + axis + 1, info->shape.dim + axis,
            (size_t)(rank - axis) * sizeof info->shape.dim[0]);
    info->shape.dim[axis] = rounds;
    info->shape.rank++;
}

static void scan_operands(struct import_node *n, struct loop_form *form, uint32_t *in)
{
    struct value_info *infos = arena_array(n->importer->arena, struct value_info, n->in_count);
    if (infos == NULL) {
        rule_out_of_memory(n);
        return;
    }
    int64_t rounds = -1;
    for (size_t i = 0; i < n->in_count; i++) {
        infos[i] = unit_value_info(n->unit, in[i]);
        infos[i].data = NULL;
        if (i < form->carried)
            continue;
        int64_t slices = scan_slice(n, i - form->carried, &infos[i]);
        if (rounds >= 0 && slices >= 0 && slices != rounds)
            rule_fail(n, STATUS_BAD_INPUT, "scan inputs of %lld and %lld slices", (long long)rounds,
                      (long long)slices);
        rounds = slices >= 0 ? slices : rounds;
    }
    struct import_scope *body = n->status == STATUS_OK ? settle_body(n, form, infos) : NULL;
    if (body == NULL)
        return;
    stage_attributes(n);
    uint32_t *out = emit_loop(n, form, body, in, n->in_count);
    for (size_t i = 0; out != NULL && i < form->graph->n_output; i++) {
        struct value_info info = import_body_output_info(body, i);
        if (i < form->carried)
            info = infos[i];
        else
            scan_stack(n, i - form->carried, rounds, &info);
        info.data = NULL;
        import_set_info(n, out[i], &info);
        set_output(n, i, out[i]);
    }
}

static bool scan_form(struct import_node *n, struct loop_form *form, size_t operands)
{
    int64_t scanned = attr_int(n, "num_scan_inputs", 0);
    *form = (struct loop_form){.graph = attr_graph(n, "body")};
    if (scanned < 1 || (uint64_t)scanned > operands) {
        rule_fail(n, STATUS_BAD_INPUT, "num_scan_inputs = %lld of %zu inputs", (long long)scanned,
                  operands);
        return false;
    }
    form->scanned = (size_t)scanned;
    form->carried = operands - form->scanned;
    return n->status == STATUS_OK && check_body(n, form);
}

/* Scan since opset 9 */
void import_scan(struct import_node *n)
{
    struct loop_form form;
    if (!scan_form(n, &form, n->in_count))
        return;
    uint32_t *in = arena_array(n->importer->arena, uint32_t, n->in_count);
    if (in == NULL) {
        rule_out_of_memory(n);
        return;
    }
    for (size_t i = 0; i < n->in_count; i++)
        in[i] = required(n, i);
    if (n->status == STATUS_OK)
        scan_operands(n, &form, in);
}

/* Scan of opset 8, without the batch: operands of one element, cut to `length` slices. Its results
 * go to out[n_output], the stacked ones filled up to `longest` with zeros; false when there are
 * none. */
static bool scan_element(struct import_node *n, struct loop_form *form, const uint32_t *operands,
                         int64_t element, int64_t length, int64_t longest, uint32_t *out)
{
    size_t in_count = form->carried + form->scanned, direction_count;
    const int64_t *directions = attr_ints(n, "directions", &direction_count);
    uint32_t *in = arena_array(n->importer->arena, uint32_t, in_count);
    struct value_info *infos = arena_array(n->importer->arena, struct value_info, in_count);
    if (in == NULL || infos == NULL) {
        rule_out_of_memory(n);
        return false;
    }
    for (size_t i = 0; i < in_count; i++) {
        in[i] = take_along(n, operands[i], 0, element);
        if (i >= form->carried && length < longest)
            in[i] = slice_along(n, in[i], 0, 0, length);
        infos[i] = unit_value_info(n->unit, in[i]);
        infos[i].data = NULL;
        if (i >= form->carried && n->status == STATUS_OK)
            scan_slice(n, i - form->carried, &infos[i]);
    }
    struct import_scope *body = n->status == STATUS_OK ? settle_body(n, form, infos) : NULL;
    if (body == NULL)
        return false;
    stage_int(n, "num_scan_inputs", (int64_t)form->scanned);
    if (directions != NULL)
        stage_ints(n, "scan_input_directions", directions, direction_count);
    uint32_t *results = emit_loop(n, form, body, in, in_count);
    for (size_t i = 0; results != NULL && i < form->graph->n_output; i++) {
        struct value_info info = i < form->carried ? infos[i] : import_body_output_info(body, i);
        if (i >= form->carried)
            scan_stack(n, i - form->carried, length, &info);
        info.data = NULL;
        import_set_info(n, results[i], &info);
        out[i] = results[i];
        if (i < form->carried || length == longest || !info.shape_known)
            continue;
        int64_t rest[TENSOR_RANK_MAX];
        memcpy(rest, info.shape.dim, info.shape.rank * sizeof *rest);
        rest[0] = longest - length;
        out[i] = join_along(n, out[i], constant_zeros(n, info.type, rest, info.shape.rank), 0);
    }
    return results != NULL && n->status == STATUS_OK;
}

/* The number of slices of each element of the batch: all, or what the operand of lengths says. */
static int64_t *scan_lengths(struct import_node *n, int64_t batch, int64_t longest)
{
    uint32_t given = operand(n, 0);
    const struct tensor *known = value_known(n, given);
    int64_t *lengths = arena_array(n->importer->arena, int64_t, (size_t)batch + 1);
    if (lengths == NULL)
        rule_out_of_memory(n);
    if (given != GRAPH_NONE && known == NULL) {
        want_known(n, given);
        rule_fail(n, STATUS_UNSUPPORTED,
                  "the lengths of the sequences depend on the input data; bind them with --bind");
    }
    if (known != NULL && known->count != (size_t)batch)
        rule_fail(n, STATUS_BAD_INPUT, "%zu lengths for a batch of %lld", known->count,
                  (long long)batch);
    for (int64_t b = 0; b < batch && n->status == STATUS_OK; b++) {
        lengths[b] = known == NULL ? longest : known->data.integer[b];
        if (lengths[b] < 1 || lengths[b] > longest)
            rule_fail(n, STATUS_BAD_INPUT, "a length of %lld, with sequences of %lld",
                      (long long)lengths[b], (long long)longest);
    }
    return lengths;
}

/* The operands of Scan of opset 8 behind the lengths, and their sizes; false when they do not fit
 * together. */
static bool scan_batch(struct import_node *n, const struct loop_form *form, uint32_t *in,
                       int64_t *batch, int64_t *longest)
{
    *batch = *longest = -1;
    for (size_t i = 0; i < form->carried + form->scanned; i++) {
        in[i] = required(n, i + 1);
        const struct shape *shape = value_shape(n, in[i]);
        bool is_scanned = i >= form->carried;
        if (shape == NULL)
            return false;
        if (shape->rank < (is_scanned ? 2 : 1) || (*batch >= 0 && shape->dim[0] != *batch) ||
            (is_scanned && *longest >= 0 && shape->dim[1] != *longest)) {
            rule_fail(n, STATUS_BAD_INPUT, "its operands differ in batch or length");
            return false;
        }
        *batch = shape->dim[0];
        *longest = is_scanned ? shape->dim[1] : *longest;
    }
    if (*batch == 0)
        rule_fail(n, STATUS_UNSUPPORTED, "a batch of none");
    return n->status == STATUS_OK;
}

/* Scan of opset 8: a batch axis before everything, and an optional operand of lengths. Each element
 * of the batch is a scan of its own. */
void import_scan_8(struct import_node *n)
{
    struct loop_form form;
    if (n->in_count < 2 || !scan_form(n, &form, n->in_count - 1)) {
        rule_fail(n, STATUS_BAD_INPUT, "nothing is scanned");
        return;
    }
    size_t results = form.graph->n_output;
    uint32_t *in = arena_array(n->importer->arena, uint32_t, n->in_count);
    uint32_t *out = arena_array(n->importer->arena, uint32_t, results);
    int64_t batch, longest;
    if (in == NULL || out == NULL) {
        rule_out_of_memory(n);
        return;
    }
    if (!scan_batch(n, &form, in, &batch, &longest))
        return;
    const int64_t *lengths = scan_lengths(n, batch, longest);
    /* Result i of element b is part [i * batch + b]. */
    uint32_t *part = arena_array(n->importer->arena, uint32_t, results * (size_t)batch);
    if (part == NULL)
        rule_out_of_memory(n);
    const char *name = n->name;
    bool is_whole = true; /* a body with problems gives nothing */
    for (int64_t b = 0; b < batch && n->status == STATUS_OK && is_whole; b++) {
        /* Nodes of the bodies have names of their own. */
        n->name =
            batch == 1 ? name : arena_printf(n->importer->arena, "%s.%lld", name, (long long)b);
        if (n->name == NULL) {
            rule_out_of_memory(n);
            break;
        }
        is_whole = scan_element(n, &form, in, b, lengths[b], longest, out);
        for (size_t i = 0; i < results && is_whole; i++)
            if (output_wanted(n, i))
                part[i * (size_t)batch + (size_t)b] = unsqueeze_at(n, out[i], 0);
    }
    n->name = name;
    for (size_t i = 0; i < results && n->status == STATUS_OK && is_whole; i++) {
        if (!output_wanted(n, i))
            continue;
        const uint32_t *parts = part + i * (size_t)batch;
        if (batch > 1)
            stage_int(n, "axis", 0);
        set_output(n, i, batch > 1 ? emit_list(n, OP_CONCAT, parts, (size_t)batch) : parts[0]);
    }
}

/* --- recurrent cells --- */

/* RNN GRU LSTM: `output_sequence` of opset 1 only says which output is wanted. */
void import_recurrent(struct import_node *n)
{
    const struct op_info *info = op_info(n->rule->kind);
    uint32_t in[8];
    if (n->in_count < info->min_inputs || n->in_count > info->max_inputs) {
        rule_fail(n, STATUS_BAD_INPUT, "%zu inputs, but it takes %u to %u", n->in_count,
                  info->min_inputs, info->max_inputs);
        return;
    }
    for (size_t i = 0; i < n->in_count; i++)
        in[i] = i < 3 ? required(n, i) : operand(n, i);
    stage_attributes_except(n, "output_sequence");
    emit_plain(n, in, n->in_count);
}
