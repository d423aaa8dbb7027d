/*
 * Operators whose result has a size that depends on elements: Compress, NonZero, Unique,
 * NonMaxSuppression (and Loop, in import_control.c). The size is one that the file declares for the
 * result, or that the first data set gives, which an input then has to give too, or a bound that
 * --max-dim gives, up to which the result is filled with zeros. And RoiAlign, which may take as
 * many samples as a region has pixels: no more than the data need, or --max-dim says.
 */
#include "frontend/import_rules.h"

#include <string.h>

#include "ir/graph_interpret.h"
#include "ir/graph_window.h"

/* What the main graph declares of a value, or NULL. */
static const Onnx__ValueInfo *declared(const struct import_node *n, const char *name)
{
    const Onnx__Graph *graph = n->importer->file->model->graph;
    if (n->scope->parent != NULL || n->scope->call != NULL)
        return NULL;
    for (size_t i = 0; i < graph->n_output; i++)
        if (graph->output[i]->name != NULL && strcmp(graph->output[i]->name, name) == 0)
            return graph->output[i];
    for (size_t i = 0; i < graph->n_value_info; i++)
        if (graph->value_info[i]->name != NULL && strcmp(graph->value_info[i]->name, name) == 0)
            return graph->value_info[i];
    return NULL;
}

/* What --max-dim says of a name. Values of bodies have none: their numbers would not be outputs. */
static bool find_bound(const struct import_node *n, const char *name, int64_t *count)
{
    const struct import_options *options = n->importer->options;
    if (n->unit->parent != NULL)
        return false;
    for (size_t i = 0; name != NULL && i < options->max_dim_count; i++) {
        if (strcmp(options->max_dim[i].name, name) == 0) {
            *count = options->max_dim[i].value;
            n->importer->max_dim_used[i] = true;
            return true;
        }
    }
    return false;
}

bool max_dim_of_node(const struct import_node *n, int64_t *most)
{
    for (size_t i = 0; i < n->proto->n_output; i++)
        if (output_wanted(n, i) && find_bound(n, n->proto->output[i], most))
            return true;
    return find_bound(n, n->name, most);
}

void add_count_of_node(struct import_node *n, uint32_t count)
{
    bool is_main = n->scope->call == NULL && output_wanted(n, 0);
    importer_add_count(n->importer, is_main ? n->proto->output[0] : n->name, count);
}

/* Size of an axis of output i of the node: from --max-dim (*padded) or from the file. */
static bool axis_size(const struct import_node *n, size_t i, size_t axis, int64_t *count,
                      bool *padded)
{
    const char *name = i < n->proto->n_output ? n->proto->output[i] : NULL;
    *padded = true;
    if (name == NULL || name[0] == '\0')
        return false;
    if (find_bound(n, name, count) || find_bound(n, n->name, count))
        return true;
    const Onnx__ValueInfo *info = declared(n, name);
    if (info == NULL || info->type == NULL ||
        info->type->value_case != ONNX__TYPE__VALUE_TENSOR_TYPE ||
        info->type->tensor_type->shape == NULL || axis >= info->type->tensor_type->shape->n_dim)
        return false;
    const Onnx__Shape__Dim *dim = info->type->tensor_type->shape->dim[axis];
    if (dim->value_case == ONNX__SHAPE__DIM__VALUE_DIM_PARAM)
        return find_bound(n, dim->dim_param, count);
    *padded = false;
    *count = dim->dim_value;
    return dim->value_case == ONNX__SHAPE__DIM__VALUE_DIM_VALUE && dim->dim_value >= 0;
}

/* ---- the first data set ---- */

void import_forget_trial(struct importer *importer)
{
    if (importer->trial.has_begun)
        arena_release(&importer->trial.arena);
    importer->trial = (struct import_trial){0};
}

/* Makes room for the values that the graph has by now, and takes those that are stored in it. */
static bool grow_trial(struct import_trial *trial, const struct graph *graph)
{
    if (graph->value_count > trial->capacity) {
        size_t capacity = 2 * graph->value_count;
        struct tensor **grown = arena_array(&trial->arena, struct tensor *, capacity);
        if (grown == NULL)
            return false;
        if (trial->value_count > 0)
            memcpy(grown, trial->item, trial->value_count * sizeof *grown);
        trial->item = grown;
        trial->capacity = capacity;
    }
    for (; trial->value_count < graph->value_count; trial->value_count++)
        trial->item[trial->value_count] = graph->values[trial->value_count].data;
    return true;
}

static bool begin_trial(struct import_trial *trial, const struct graph *graph,
                        const struct import_options *options)
{
    trial->has_begun = true;
    arena_init(&trial->arena, 0);
    if (!grow_trial(trial, graph))
        return false;
    for (size_t i = 0; i < graph->input_count; i++) {
        const struct graph_value *input = &graph->values[graph->inputs[i]];
        struct tensor *given = NULL;
        for (size_t s = 0; s < options->sample_count; s++)
            if (strcmp(options->sample[s].input, input->name) == 0)
                given = (struct tensor *)options->sample[s].tensor;
        if (given == NULL || given->type != input->type ||
            !shape_equal(&given->shape, &input->shape))
            return false;
        trial->item[graph->inputs[i]] = given;
    }
    return true;
}

static bool find_operands(const struct tensor **out, const struct import_trial *trial,
                          const uint32_t *in, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = in[i] == GRAPH_NONE ? NULL : trial->item[in[i]];
        if (in[i] != GRAPH_NONE && out[i] == NULL)
            return false;
    }
    return true;
}

static bool run_next(struct import_trial *trial, const struct graph *graph)
{
    const struct graph_node *node = &graph->nodes[trial->node_count];
    const struct graph_values scope = {&trial->arena, trial->item, trial->value_count};
    const struct tensor **in = arena_array(&trial->arena, const struct tensor *, node->input_count);
    struct tensor **out = arena_array(&trial->arena, struct tensor *, node->output_count);
    struct diag ignored = {0};
    if (in == NULL || out == NULL || !find_operands(in, trial, node->inputs, node->input_count) ||
        graph_interpret_node(graph, node, in, out, &scope, &trial->arena, &ignored) != STATUS_OK)
        return false;
    for (size_t k = 0; k < node->output_count; k++)
        if (node->outputs[k] != GRAPH_NONE)
            trial->item[node->outputs[k]] = out[k];
    trial->node_count++;
    return true;
}

/* Computes what the graph has by now, each node once however often this is asked. */
static bool run_trial(struct importer *importer, const struct graph *graph)
{
    struct import_trial *trial = &importer->trial;
    if (!trial->has_begun)
        trial->has_failed = !begin_trial(trial, graph, importer->options);
    if (!trial->has_failed)
        trial->has_failed = !grow_trial(trial, graph);
    while (!trial->has_failed && trial->node_count < graph->node_count)
        trial->has_failed = !run_next(trial, graph);
    return !trial->has_failed;
}

/* The node over the first data set, with what is staged: its results, or false. */
static bool run_on_data(struct import_node *n, enum op_kind op, const uint32_t *in, size_t in_count,
                        struct tensor **results, size_t result_count, struct arena *scratch)
{
    const struct graph *graph = n->unit->graph;
    const struct tensor *operands[8] = {NULL};
    struct diag ignored = {0};
    uint32_t outputs[8] = {0};
    if (in_count > 8 || result_count > 8 || !run_trial(n->importer, graph) ||
        !find_operands(operands, &n->importer->trial, in, in_count))
        return false;
    struct graph_node node = {.op = op,
                              .name = n->name,
                              .opset = n->version,
                              .inputs = (uint32_t *)in,
                              .input_count = in_count,
                              .outputs = outputs,
                              .output_count = result_count,
                              .attributes = n->staged,
                              .attribute_count = n->staged_count};
    return graph_interpret_node(graph, &node, operands, results, NULL, scratch, &ignored) ==
           STATUS_OK;
}

/*
 * Size of an axis of result `result` of the operator, output i of the file's node, on the first
 * data set: that of every input, when nothing else says one.
 */
static bool size_in_data(struct import_node *n, enum op_kind op, const uint32_t *in,
                         size_t in_count, size_t result, size_t i, size_t axis, int64_t *count)
{
    struct tensor *results[8] = {NULL};
    struct arena scratch;
    bool found = false;
    if (n->unit->parent != NULL || n->status != STATUS_OK || i >= n->proto->n_output)
        return false;
    arena_init(&scratch, 0);
    if (run_on_data(n, op, in, in_count, results, result + 1, &scratch) &&
        results[result] != NULL && axis < results[result]->shape.rank) {
        *count = results[result]->shape.dim[axis];
        const char *name = n->proto->output[i][0] != 0 ? n->proto->output[i] : n->name;
        import_note(n->importer,
                    "'%s' has %lld results, as many as --data gives; inputs that give another "
                    "number have no proof; --max-dim %s=N leaves room for some",
                    name, (long long)*count, name);
        found = true;
    }
    arena_release(&scratch);
    return found;
}

/* Stages the size of the result; false when nothing says it. */
static bool stage_size(struct import_node *n, size_t i, size_t axis, bool *padded)
{
    int64_t count;
    if (!axis_size(n, i, axis, &count, padded)) {
        *padded = false;
        return false;
    }
    stage_int(n, "count", count);
    stage_int(n, "padded", *padded);
    return true;
}

/* The same from the data. */
static void stage_size_in_data(struct import_node *n, enum op_kind op, const uint32_t *in,
                               size_t in_count, size_t result, size_t axis)
{
    int64_t count;
    if (!size_in_data(n, op, in, in_count, result, 0, axis, &count))
        return;
    stage_int(n, "count", count);
    stage_int(n, "padded", false);
}

/*
 * Emits the operator with `results` outputs of the file, and one more that says how many results
 * there are when the room for them is padded.
 */
static void emit_with_count(struct import_node *n, enum op_kind op, const uint32_t *in,
                            size_t in_count, size_t results, bool padded)
{
    uint32_t out[IMPORT_STAGED_MAX];
    for (size_t i = 0; i < results; i++)
        out[i] = output_wanted(n, i) ? 0 : GRAPH_NONE;
    out[results] = padded ? 0 : GRAPH_NONE;
    emit_outputs(n, op, in, in_count, out, results + 1);
    for (size_t i = 0; i < results; i++)
        if (output_wanted(n, i))
            set_output(n, i, out[i]);
    if (padded && n->status == STATUS_OK)
        add_count_of_node(n, out[results]);
}

/* Axis of an attribute, counted from the first. */
static size_t axis_of(struct import_node *n, uint32_t x)
{
    const struct shape *shape = value_shape(n, x);
    int64_t axis = attr_int(n, "axis", 0);
    return shape == NULL ? 0 : (size_t)(axis < 0 ? axis + shape->rank : axis);
}

void import_non_zero(struct import_node *n)
{
    uint32_t x = required(n, 0);
    bool padded = false;
    if (value_known(n, x) == NULL && !stage_size(n, 0, 1, &padded))
        stage_size_in_data(n, OP_NON_ZERO, &x, 1, 0, 1);
    emit_with_count(n, OP_NON_ZERO, &x, 1, 1, padded);
}

void import_unique(struct import_node *n)
{
    uint32_t x = required(n, 0);
    bool padded = false, has_size = value_known(n, x) != NULL;
    size_t axis = has_attr(n, "axis") ? axis_of(n, x) : 0;
    stage_attributes(n);
    if (!has_size)
        has_size = stage_size(n, 0, axis, &padded);
    for (size_t i = 1; i < 4 && !has_size; i++)
        has_size = i != 2 && stage_size(n, i, 0, &padded);
    if (!has_size)
        stage_size_in_data(n, OP_UNIQUE, &x, 1, 0, axis);
    emit_with_count(n, OP_UNIQUE, &x, 1, 4, padded);
}

/* Unique of com.microsoft: of a list, in the order of first appearance. Outputs: values, where each
 * element went, counts. */
void import_ms_unique(struct import_node *n)
{
    static const size_t place[3] = {0, 2, 3};
    uint32_t x = required(n, 0), out[5] = {GRAPH_NONE, GRAPH_NONE, GRAPH_NONE, GRAPH_NONE};
    bool padded = false;
    stage_int(n, "sorted", 0);
    if (value_known(n, x) == NULL && !stage_size(n, 0, 0, &padded) && !stage_size(n, 2, 0, &padded))
        stage_size_in_data(n, OP_UNIQUE, &x, 1, 0, 0);
    for (size_t i = 0; i < 3; i++)
        out[place[i]] = output_wanted(n, i) ? 0 : GRAPH_NONE;
    out[4] = padded ? 0 : GRAPH_NONE;
    emit_outputs(n, OP_UNIQUE, &x, 1, out, 5);
    for (size_t i = 0; i < 3; i++)
        if (output_wanted(n, i))
            set_output(n, i, out[place[i]]);
    if (padded && n->status == STATUS_OK)
        add_count_of_node(n, out[4]);
}

enum { CONDITION_MAX = 16 };

/* A condition whose size nothing says is taken from --data, unless it is computed from floats. */
void import_compress(struct import_node *n)
{
    uint32_t in[2] = {required(n, 0), required(n, 1)};
    bool padded = false;
    stage_attributes(n);
    size_t axis = has_attr(n, "axis") ? axis_of(n, in[0]) : 0;
    if (value_known(n, in[1]) == NULL && !stage_size(n, 0, axis, &padded) &&
        !want_switch(n, in[1], CONDITION_MAX))
        stage_size_in_data(n, OP_COMPRESS, in, 2, 0, axis);
    emit_with_count(n, OP_COMPRESS, in, 2, 1, padded);
}

void import_non_max_suppression(struct import_node *n)
{
    uint32_t in[5] = {required(n, 0), required(n, 1), operand(n, 2), operand(n, 3), operand(n, 4)};
    bool padded = false;
    if (in[2] != GRAPH_NONE && value_known(n, in[2]) == NULL)
        want_known(n, in[2]);
    stage_attributes(n);
    if (!stage_size(n, 0, 0, &padded))
        stage_size_in_data(n, OP_NON_MAX_SUPPRESSION, in, 5, 0, 0);
    emit_with_count(n, OP_NON_MAX_SUPPRESSION, in, 5, 1, padded);
}

/* ---- RoiAlign ---- */

/* The most samples of a bin of any region along each axis; at least 1. */
static void count_samples(struct import_node *n, const struct tensor *regions, int64_t most[2])
{
    struct graph_node node = {.op = OP_ROI_ALIGN,
                              .name = n->name,
                              .attributes = n->staged,
                              .attribute_count = n->staged_count};
    most[0] = most[1] = 1;
    for (size_t r = 0; r + 4 <= regions->count; r += 4)
        for (unsigned axis = 0; axis < 2; axis++) {
            int64_t count = roi_align_samples(&node, regions->type, regions->data.real + r, axis);
            most[axis] = count > most[axis] ? count : most[axis];
        }
}

/* How many samples there is room for; false when nothing says it. */
static bool find_samples(struct import_node *n, uint32_t regions, const char *output,
                         int64_t most[2])
{
    const struct tensor *known = value_known(n, regions);
    if (find_bound(n, output, &most[0]) || find_bound(n, n->name, &most[0])) {
        most[1] = most[0];
        return true;
    }
    if (known != NULL) {
        count_samples(n, known, most);
        import_note(n->importer,
                    "the bins of '%s' have up to %lld by %lld samples, as many as the regions that "
                    "the model holds need; the circuit shows these numbers",
                    output, (long long)most[0], (long long)most[1]);
        return true;
    }
    if (n->unit->parent == NULL && n->status == STATUS_OK && run_trial(n->importer, n->unit->graph))
        known = n->importer->trial.item[regions];
    if (known != NULL) {
        count_samples(n, known, most);
        import_note(n->importer,
                    "the bins of '%s' have up to %lld by %lld samples, as many as --data needs; "
                    "larger regions have no proof; --max-dim %s=N leaves room for N by N",
                    output, (long long)most[0], (long long)most[1], output);
    }
    return known != NULL;
}

enum { SAMPLE_ROOM_MAX = 256 };

/* Stages that number when the regions decide it. */
static void stage_samples(struct import_node *n, uint32_t regions)
{
    const char *output = output_wanted(n, 0) ? n->proto->output[0] : n->name;
    int64_t most[2] = {0, 0};
    if (!find_samples(n, regions, output, most))
        rule_fail(n, STATUS_UNSUPPORTED,
                  "sampling_ratio 0 takes as many samples as the regions have pixels; give regions "
                  "with --data, or the most samples along a side of a bin with --max-dim %s=N",
                  output);
    else if (most[0] > SAMPLE_ROOM_MAX || most[1] > SAMPLE_ROOM_MAX)
        rule_fail(n, STATUS_LIMIT,
                  "%lld by %lld samples of a bin; up to %d along a side are supported",
                  (long long)most[0], (long long)most[1], SAMPLE_ROOM_MAX);
    else
        stage_ints(n, "most_samples", most, 2);
}

/* RoiAlign: before opset 16 there is no shift by half a pixel. */
void import_roi_align(struct import_node *n)
{
    uint32_t x = required(n, 0), rois = required(n, 1), batch = required(n, 2);
    stage_attributes(n);
    if (!staged_is(n, "coordinate_transformation_mode"))
        stage_text(n, "coordinate_transformation_mode",
                   n->version < 16 ? "output_half_pixel" : "half_pixel");
    if (attr_int(n, "sampling_ratio", 0) == 0 && element_type_is_float(value_type(n, rois)))
        stage_samples(n, rois);
    set_output(n, 0, emit3(n, OP_ROI_ALIGN, x, rois, batch));
}
