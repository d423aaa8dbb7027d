/*
 * Import rules of movement: reshape, slice, pad, split, resize, and of constants. Older versions
 * keep as attributes what the canonical form takes as inputs. The name of the operator stands above
 * each rule.
 */
#include <math.h>
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/import_rules.h"

/* A list attribute as a rank-1 constant; GRAPH_NONE when it is not written. */
static uint32_t list_operand(struct import_node *n, const char *name)
{
    size_t count;
    const int64_t *list = attr_ints(n, name, &count);
    return list == NULL ? GRAPH_NONE : constant_ints(n, list, count);
}

/* The elements of an operand that has to be known now, or NULL, failing the node. */
static const struct tensor *known_operand(struct import_node *n, uint32_t value, const char *what)
{
    const struct tensor *known = value_known(n, value);
    if (known == NULL && n->status == STATUS_OK) {
        want_known(n, value);
        rule_fail(n, STATUS_UNSUPPORTED, "%s is not known at compile time", what);
    }
    return n->status == STATUS_OK ? known : NULL;
}

/* Reshape, opset 1 to 4 */
void import_reshape_1(struct import_node *n)
{
    uint32_t x = required(n, 0);
    uint32_t shape = n->in_count > 1 ? operand(n, 1) : list_operand(n, "shape");
    if (shape == GRAPH_NONE)
        rule_fail(n, STATUS_BAD_INPUT, "attribute 'shape' is missing");
    set_output(n, 0, emit2(n, OP_RESHAPE, x, shape));
}

/* Concat, opset 1 to 3: along axis 1 by default. */
void import_concat_1(struct import_node *n)
{
    uint32_t *in = arena_array(n->importer->arena, uint32_t, n->in_count);
    if (in == NULL) {
        rule_out_of_memory(n);
        return;
    }
    for (size_t i = 0; i < n->in_count; i++)
        in[i] = required(n, i);
    stage_int(n, "axis", attr_int(n, "axis", 1));
    set_output(n, 0, emit_list(n, OP_CONCAT, in, n->in_count));
}

/* Slice, opset 1 to 9 */
void import_slice_1(struct import_node *n)
{
    uint32_t in[4] = {required(n, 0), GRAPH_NONE, GRAPH_NONE, GRAPH_NONE};
    in[1] = list_operand(n, "starts");
    in[2] = list_operand(n, "ends");
    in[3] = list_operand(n, "axes");
    if (in[1] == GRAPH_NONE || in[2] == GRAPH_NONE)
        rule_fail(n, STATUS_BAD_INPUT, "attribute 'starts' or 'ends' is missing");
    set_output(n, 0, emit_list(n, OP_SLICE, in, 4));
}

static void split_into(struct import_node *n, uint32_t x, uint32_t sizes, int64_t axis)
{
    if (n->out_count == 0)
        return;
    uint32_t *out = arena_array(n->importer->arena, uint32_t, n->out_count);
    if (out == NULL) {
        rule_out_of_memory(n);
        return;
    }
    stage_int(n, "axis", axis);
    emit_outputs(n, OP_SPLIT, (uint32_t[]){x, sizes}, 2, out, n->out_count);
    for (size_t i = 0; i < n->out_count; i++)
        set_output(n, i, out[i]);
}

/* Split, opset 1 to 12: sizes are an attribute, in opset 1 perhaps an input. */
void import_split_1(struct import_node *n)
{
    uint32_t x = required(n, 0), sizes = operand(n, 1);
    if (sizes == GRAPH_NONE)
        sizes = list_operand(n, "split");
    split_into(n, x, sizes, attr_int(n, "axis", 0));
}

/* Split since opset 13 */
void import_split(struct import_node *n)
{
    uint32_t x = required(n, 0), sizes = operand(n, 1);
    int64_t parts = attr_int(n, "num_outputs", (int64_t)n->proto->n_output);
    if (parts != (int64_t)n->proto->n_output)
        rule_fail(n, STATUS_BAD_INPUT, "num_outputs = %lld, but the node has %zu outputs",
                  (long long)parts, n->proto->n_output);
    /* Outputs left out at the end still count as parts. */
    n->out_count = n->proto->n_output;
    split_into(n, x, sizes, attr_int(n, "axis", 0));
}

/* Squeeze and Unsqueeze, opset 1 to 12 */
void import_axes_1(struct import_node *n)
{
    uint32_t x = required(n, 0), axes = list_operand(n, "axes");
    if (axes == GRAPH_NONE && n->rule->kind == OP_UNSQUEEZE)
        rule_fail(n, STATUS_BAD_INPUT, "attribute 'axes' is missing");
    set_output(n, 0, emit2(n, n->rule->kind, x, axes));
}

/* Tile, opset 1 to 5: so many times along one axis. */
void import_tile_1(struct import_node *n)
{
    uint32_t x = required(n, 0);
    const struct tensor *tiles = known_operand(n, required(n, 1), "the number of tiles");
    const struct tensor *axis = known_operand(n, required(n, 2), "the axis");
    const struct shape *shape = value_shape(n, x);
    if (tiles == NULL || axis == NULL || shape == NULL)
        return;
    double count =
        element_type_is_float(tiles->type) ? tiles->data.real[0] : (double)tiles->data.integer[0];
    double at =
        element_type_is_float(axis->type) ? axis->data.real[0] : (double)axis->data.integer[0];
    int64_t repeats[TENSOR_RANK_MAX];
    if (!(count >= 0 && count < 1e9) || !(at >= 0 && at < shape->rank))
        rule_fail(n, STATUS_BAD_INPUT, "%g tiles along axis %g", count, at);
    if (n->status != STATUS_OK)
        return;
    for (unsigned i = 0; i < shape->rank; i++)
        repeats[i] = i == (unsigned)at ? (int64_t)count : 1;
    uint32_t sizes = constant_ints(n, repeats, shape->rank);
    set_output(n, 0, emit2(n, OP_TILE, x, sizes));
}

/* Pad, opset 1 ("paddings") to 10 */
void import_pad_1(struct import_node *n)
{
    uint32_t x = required(n, 0);
    uint32_t pads = list_operand(n, n->version == 1 ? "paddings" : "pads");
    if (pads == GRAPH_NONE)
        rule_fail(n, STATUS_BAD_INPUT, "attribute 'pads' is missing");
    uint32_t value = constant_real(n, value_type(n, x), attr_float(n, "value", 0));
    stage_text(n, "mode", attr_text(n, "mode", "constant"));
    set_output(n, 0, emit3(n, OP_PAD, x, pads, value));
}

/* --- Resize --- */

static const char *resize_mode(struct import_node *n)
{
    const char *mode = attr_text(n, "mode", "nearest");
    return strcmp(mode, "bilinear") == 0 || strcmp(mode, "trilinear") == 0 ? "linear" : mode;
}

/* Resize of opset 10 and Upsample map coordinates without a shift and round down, where they shrink
 * upwards. */
static void resize_by_scales(struct import_node *n, uint32_t x, uint32_t scales)
{
    stage_text(n, "mode", resize_mode(n));
    stage_text(n, "coordinate_transformation_mode", "asymmetric");
    stage_text(n, "nearest_mode", "simple");
    set_output(n, 0, emit3(n, OP_RESIZE, x, GRAPH_NONE, scales));
}

/* Upsample, opset 1 to 8 */
void import_upsample_1(struct import_node *n)
{
    uint32_t x = required(n, 0);
    size_t count;
    double both[4] = {1, 1, attr_float(n, "height_scale", 1), attr_float(n, "width_scale", 1)};
    const double *scales = attr_floats(n, "scales", &count);
    int64_t size = scales == NULL ? 4 : (int64_t)count;
    struct tensor *list = tensor_new(n->importer->arena, ELEMENT_F32, &(struct shape){1, {size}});
    if (list == NULL) {
        rule_out_of_memory(n);
        return;
    }
    for (size_t i = 0; i < list->count; i++)
        list->data.real[i] = scales == NULL ? both[i] : scales[i];
    resize_by_scales(n, x, constant_tensor(n, list));
}

/* Upsample since opset 9, Resize of opset 10 */
void import_upsample_9(struct import_node *n)
{
    uint32_t x = required(n, 0), scales = required(n, 1);
    resize_by_scales(n, x, scales);
}

/* GridSample: modes were called bilinear and bicubic before opset 20. */
void import_grid_sample(struct import_node *n)
{
    uint32_t x = required(n, 0), grid = required(n, 1);
    const char *mode = attr_text(n, "mode", "linear");
    stage_attributes(n);
    stage_text(n, "mode",
               strcmp(mode, "bilinear") == 0  ? "linear"
               : strcmp(mode, "bicubic") == 0 ? "cubic"
                                              : mode);
    set_output(n, 0, emit2(n, OP_GRID_SAMPLE, x, grid));
}

/* --- Constant --- */

/* A tensor of rank 0 or 1 from the elements of an attribute. */
static struct tensor *constant_of(struct import_node *n, enum element_type type, unsigned rank,
                                  size_t count)
{
    struct shape shape = {.rank = (uint8_t)rank, .dim = {(int64_t)count}};
    struct tensor *tensor = tensor_new(n->importer->arena, type, &shape);
    if (tensor == NULL)
        rule_out_of_memory(n);
    return tensor;
}

static struct tensor *constant_of_reals(struct import_node *n, bool is_list)
{
    size_t count = 1;
    double one = is_list ? 0 : attr_float(n, "value_float", 0);
    const double *values = is_list ? attr_floats(n, "value_floats", &count) : &one;
    struct tensor *tensor = constant_of(n, ELEMENT_F32, is_list, count);
    for (size_t i = 0; tensor != NULL && values != NULL && i < count; i++)
        tensor->data.real[i] = values[i];
    return tensor;
}

static struct tensor *constant_of_integers(struct import_node *n, bool is_list)
{
    size_t count = 1;
    int64_t one = is_list ? 0 : attr_int(n, "value_int", 0);
    const int64_t *values = is_list ? attr_ints(n, "value_ints", &count) : &one;
    struct tensor *tensor = constant_of(n, ELEMENT_I64, is_list, count);
    for (size_t i = 0; tensor != NULL && values != NULL && i < count; i++)
        tensor->data.integer[i] = values[i];
    return tensor;
}

static struct tensor *constant_of_texts(struct import_node *n, bool is_list)
{
    size_t count = 1;
    const char *one = is_list ? "" : attr_text(n, "value_string", "");
    const char *const *values = is_list ? attr_texts(n, "value_strings", &count) : &one;
    struct tensor *tensor = constant_of(n, ELEMENT_STRING, is_list, count);
    for (size_t i = 0; tensor != NULL && values != NULL && i < count; i++)
        tensor->data.text[i] = values[i];
    return tensor;
}

/* Constant: one of eight attributes says the value. */
void import_constant(struct import_node *n)
{
    struct tensor *tensor = NULL;
    if (has_attr(n, "value"))
        tensor = attr_tensor(n, "value");
    else if (has_attr(n, "sparse_value"))
        tensor = attr_tensor(n, "sparse_value");
    else if (has_attr(n, "value_float") || has_attr(n, "value_floats"))
        tensor = constant_of_reals(n, has_attr(n, "value_floats"));
    else if (has_attr(n, "value_int") || has_attr(n, "value_ints"))
        tensor = constant_of_integers(n, has_attr(n, "value_ints"));
    else if (has_attr(n, "value_string") || has_attr(n, "value_strings"))
        tensor = constant_of_texts(n, has_attr(n, "value_strings"));
    else
        rule_fail(n, STATUS_BAD_INPUT, "it has no value");
    uint32_t value = stored_tensor(n, tensor);
    if (value != GRAPH_NONE && output_wanted(n, 0)) {
        char *name = arena_strdup(n->importer->arena, n->proto->output[0]);
        if (name == NULL)
            rule_out_of_memory(n);
        else
            n->unit->graph->values[value].name = name;
    }
    set_output(n, 0, value);
}
