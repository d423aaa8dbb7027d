/* Small ONNX models for tests: see model_builder.h. */
#include "tests/frontend/model_builder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir/ops.h"
#include "tests/harness/harness.h"

/* The tests' own mistakes end the program. */
static void *take(struct builder *b, size_t bytes)
{
    void *memory = arena_alloc(&b->arena, bytes);
    ASSERT(memory != NULL);
    return memory;
}

static char *copy(struct builder *b, const char *text)
{
    char *result = arena_strdup(&b->arena, text);
    ASSERT(result != NULL);
    return result;
}

/* Adds a pointer to a list of the message, which has room for BUILDER_LIST_MAX. */
#define APPEND(b, list, count, item)                                                               \
    do {                                                                                           \
        if ((list) == NULL)                                                                        \
            (list) = take(b, BUILDER_LIST_MAX * sizeof *(list));                                   \
        ASSERT((count) < BUILDER_LIST_MAX);                                                        \
        (list)[(count)++] = (item);                                                                \
    } while (0)

struct builder builder_start(int opset)
{
    struct builder b = {.problems = {0}};
    Onnx__Model model = ONNX__MODEL__INIT;
    Onnx__Graph graph = ONNX__GRAPH__INIT;
    b.model = take(&b, sizeof model);
    *b.model = model;
    b.graph = take(&b, sizeof graph);
    *b.graph = graph;
    b.model->graph = b.graph;
    b.model->has_ir_version = 1;
    b.model->ir_version = 14;
    b.graph->name = copy(&b, "test");
    model_import(&b, "", opset);
    model_import(&b, "ai.onnx.ml", 3);
    diag_list_init(&b.problems);
    return b;
}

void builder_end(struct builder *b)
{
    diag_list_release(&b->problems);
    arena_release(&b->arena);
}

void model_import(struct builder *b, const char *domain, int version)
{
    Onnx__OpsetImport init = ONNX__OPSET_IMPORT__INIT;
    Onnx__OpsetImport *import = take(b, sizeof init);
    *import = init;
    import->domain = copy(b, domain);
    import->has_version = 1;
    import->version = version;
    APPEND(b, b->model->opset_import, b->model->n_opset_import, import);
}

/* The next part of a list separated by commas; false after the last. *list is NULL before an end.
 */
static bool next_part(struct builder *b, const char **list, char **part)
{
    if (*list == NULL)
        return false;
    size_t length = strcspn(*list, ",");
    *part = arena_strndup(&b->arena, *list, length);
    ASSERT(*part != NULL);
    *list = (*list)[length] == 0 ? NULL : *list + length + 1;
    return true;
}

static Onnx__Shape *make_shape(struct builder *b, const char *dims)
{
    Onnx__Shape init = ONNX__SHAPE__INIT;
    Onnx__Shape *shape = take(b, sizeof init);
    char *part;
    *shape = init;
    if (dims[0] == 0)
        return shape;
    while (next_part(b, &dims, &part)) {
        Onnx__Shape__Dim dim_init = ONNX__SHAPE__DIM__INIT;
        Onnx__Shape__Dim *dim = take(b, sizeof dim_init);
        *dim = dim_init;
        if (strcmp(part, "?") == 0) {
            dim->value_case = ONNX__SHAPE__DIM__VALUE__NOT_SET;
        } else if (strspn(part, "-0123456789") == strlen(part)) {
            dim->value_case = ONNX__SHAPE__DIM__VALUE_DIM_VALUE;
            dim->dim_value = atoll(part);
        } else {
            dim->value_case = ONNX__SHAPE__DIM__VALUE_DIM_PARAM;
            dim->dim_param = part;
        }
        APPEND(b, shape->dim, shape->n_dim, dim);
    }
    return shape;
}

static Onnx__ValueInfo *make_info(struct builder *b, const char *name)
{
    Onnx__ValueInfo init = ONNX__VALUE_INFO__INIT;
    Onnx__ValueInfo *info = take(b, sizeof init);
    *info = init;
    info->name = copy(b, name);
    return info;
}

static Onnx__ValueInfo *make_typed_info(struct builder *b, const char *name, enum element_type type,
                                        const char *dims)
{
    Onnx__ValueInfo *info = make_info(b, name);
    Onnx__Type type_init = ONNX__TYPE__INIT;
    Onnx__Type__TensorType tensor_init = ONNX__TYPE__TENSOR_TYPE__INIT;
    info->type = take(b, sizeof type_init);
    *info->type = type_init;
    info->type->value_case = ONNX__TYPE__VALUE_TENSOR_TYPE;
    info->type->tensor_type = take(b, sizeof tensor_init);
    *info->type->tensor_type = tensor_init;
    info->type->tensor_type->has_elem_type = 1;
    info->type->tensor_type->elem_type = (int32_t)type;
    if (dims != NULL)
        info->type->tensor_type->shape = make_shape(b, dims);
    return info;
}

void model_input(struct builder *b, const char *name, enum element_type type, const char *dims)
{
    Onnx__ValueInfo *info = make_typed_info(b, name, type, dims);
    APPEND(b, b->graph->input, b->graph->n_input, info);
}

void model_map_input(struct builder *b, const char *name, enum element_type key,
                     enum element_type value)
{
    model_input(b, name, value, NULL);
    Onnx__ValueInfo *info = b->graph->input[b->graph->n_input - 1];
    Onnx__Type type_init = ONNX__TYPE__INIT;
    Onnx__Type__MapType map_init = ONNX__TYPE__MAP_TYPE__INIT;
    Onnx__Type__MapType *map = take(b, sizeof map_init);
    *map = map_init;
    map->has_key_type = 1;
    map->key_type = (int32_t)key;
    map->value_type = info->type;
    info->type = take(b, sizeof type_init);
    *info->type = type_init;
    info->type->value_case = ONNX__TYPE__VALUE_MAP_TYPE;
    info->type->map_type = map;
}

void model_list_input(struct builder *b, const char *name, const char *open, enum element_type type,
                      const char *dims)
{
    model_input(b, name, type, dims);
    Onnx__ValueInfo *info = b->graph->input[b->graph->n_input - 1];
    for (size_t i = strlen(open); i-- > 0;) {
        Onnx__Type type_init = ONNX__TYPE__INIT;
        Onnx__Type__ListType list_init = ONNX__TYPE__LIST_TYPE__INIT;
        Onnx__Type__ListType *list = take(b, sizeof list_init);
        *list = list_init;
        list->elem_type = info->type;
        info->type = take(b, sizeof type_init);
        *info->type = type_init;
        info->type->value_case =
            open[i] == 's' ? ONNX__TYPE__VALUE_SEQUENCE_TYPE : ONNX__TYPE__VALUE_OPTIONAL_TYPE;
        if (open[i] == 's')
            info->type->sequence_type = list;
        else
            info->type->optional_type = list;
    }
}

void model_output(struct builder *b, const char *name)
{
    Onnx__ValueInfo *info = make_info(b, name);
    APPEND(b, b->graph->output, b->graph->n_output, info);
}

void model_typed_output(struct builder *b, const char *name, enum element_type type,
                        const char *dims)
{
    Onnx__ValueInfo *info = make_typed_info(b, name, type, dims);
    APPEND(b, b->graph->output, b->graph->n_output, info);
}

static struct shape parse_dims(struct builder *b, const char *dims)
{
    struct shape shape = {0};
    char *part;
    if (dims[0] != 0)
        while (next_part(b, &dims, &part))
            shape.dim[shape.rank++] = atoll(part);
    return shape;
}

struct tensor *make_tensor(struct builder *b, enum element_type type, const char *dims,
                           const double *values)
{
    struct shape shape = parse_dims(b, dims);
    struct tensor *tensor = tensor_new(&b->arena, type, &shape);
    ASSERT(tensor != NULL);
    for (size_t i = 0; i < tensor->count; i++) {
        if (element_type_is_float(type))
            tensor->data.real[i] = values[i];
        else
            tensor->data.integer[i] = (int64_t)values[i];
    }
    return tensor;
}

static Onnx__Tensor *make_stored(struct builder *b, enum element_type type, const char *dims,
                                 const double *values)
{
    Onnx__Tensor init = ONNX__TENSOR__INIT;
    Onnx__Tensor *stored = take(b, sizeof init);
    struct tensor *tensor = make_tensor(b, type, dims, values);
    *stored = init;
    stored->has_data_type = 1;
    stored->data_type = (int32_t)type;
    stored->n_dims = tensor->shape.rank;
    stored->dims = take(b, sizeof tensor->shape.dim);
    memcpy(stored->dims, tensor->shape.dim, sizeof tensor->shape.dim);
    if (type == ELEMENT_F32) {
        stored->n_float_data = tensor->count;
        stored->float_data = take(b, 4 * tensor->count);
        for (size_t i = 0; i < tensor->count; i++)
            stored->float_data[i] = (float)values[i];
    } else if (type == ELEMENT_F64) {
        stored->n_double_data = tensor->count;
        stored->double_data = tensor->data.real;
    } else if (type == ELEMENT_I64) {
        stored->n_int64_data = tensor->count;
        stored->int64_data = tensor->data.integer;
    } else {
        stored->n_int32_data = tensor->count;
        stored->int32_data = take(b, 4 * tensor->count);
        for (size_t i = 0; i < tensor->count; i++)
            stored->int32_data[i] = (int32_t)values[i];
    }
    return stored;
}

void model_tensor(struct builder *b, const char *name, enum element_type type, const char *dims,
                  const double *values)
{
    Onnx__Tensor *stored = make_stored(b, type, dims, values);
    stored->name = copy(b, name);
    APPEND(b, b->graph->initializer, b->graph->n_initializer, stored);
}

Onnx__Node *model_node_of(struct builder *b, const char *domain, const char *op, const char *inputs,
                          const char *outputs)
{
    Onnx__Node init = ONNX__NODE__INIT;
    Onnx__Node *node = take(b, sizeof init);
    char *part;
    *node = init;
    node->op_type = copy(b, op);
    node->domain = copy(b, domain);
    if (inputs[0] != 0)
        while (next_part(b, &inputs, &part))
            APPEND(b, node->input, node->n_input, part);
    while (next_part(b, &outputs, &part))
        APPEND(b, node->output, node->n_output, part);
    APPEND(b, b->graph->node, b->graph->n_node, node);
    return node;
}

Onnx__Node *model_node(struct builder *b, const char *op, const char *inputs, const char *outputs)
{
    return model_node_of(b, "", op, inputs, outputs);
}

Onnx__Graph *model_body(struct builder *b)
{
    Onnx__Graph init = ONNX__GRAPH__INIT;
    Onnx__Graph *graph = take(b, sizeof init);
    *graph = init;
    graph->name = copy(b, "body");
    return graph;
}

Onnx__Function *model_function(struct builder *b, const char *name, const char *inputs,
                               const char *outputs)
{
    Onnx__Function init = ONNX__FUNCTION__INIT;
    Onnx__Function *function = take(b, sizeof init);
    char *part;
    *function = init;
    function->name = copy(b, name);
    function->domain = copy(b, "local");
    while (next_part(b, &inputs, &part))
        APPEND(b, function->input, function->n_input, part);
    while (next_part(b, &outputs, &part))
        APPEND(b, function->output, function->n_output, part);
    APPEND(b, b->model->functions, b->model->n_functions, function);
    return function;
}

static Onnx__Attribute *add_attribute(struct builder *b, Onnx__Node *node, const char *name,
                                      int type)
{
    Onnx__Attribute init = ONNX__ATTRIBUTE__INIT;
    Onnx__Attribute *attribute = take(b, sizeof init);
    *attribute = init;
    attribute->name = copy(b, name);
    attribute->has_type = 1;
    attribute->type = type;
    APPEND(b, node->attribute, node->n_attribute, attribute);
    return attribute;
}

void node_int(struct builder *b, Onnx__Node *node, const char *name, int64_t value)
{
    Onnx__Attribute *attribute = add_attribute(b, node, name, ONNX__ATTRIBUTE__ATTRIBUTE_KIND__INT);
    attribute->has_i = 1;
    attribute->i = value;
}

void node_float(struct builder *b, Onnx__Node *node, const char *name, double value)
{
    Onnx__Attribute *attribute =
        add_attribute(b, node, name, ONNX__ATTRIBUTE__ATTRIBUTE_KIND__FLOAT);
    attribute->has_f = 1;
    attribute->f = (float)value;
}

void node_text(struct builder *b, Onnx__Node *node, const char *name, const char *value)
{
    Onnx__Attribute *attribute =
        add_attribute(b, node, name, ONNX__ATTRIBUTE__ATTRIBUTE_KIND__STRING);
    attribute->has_s = 1;
    attribute->s.data = (uint8_t *)copy(b, value);
    attribute->s.len = strlen(value);
}

void node_ints(struct builder *b, Onnx__Node *node, const char *name, const int64_t *values,
               size_t count)
{
    Onnx__Attribute *attribute =
        add_attribute(b, node, name, ONNX__ATTRIBUTE__ATTRIBUTE_KIND__INTS);
    attribute->n_ints = count;
    attribute->ints = take(b, 8 * count);
    memcpy(attribute->ints, values, 8 * count);
}

void node_floats(struct builder *b, Onnx__Node *node, const char *name, const double *values,
                 size_t count)
{
    Onnx__Attribute *attribute =
        add_attribute(b, node, name, ONNX__ATTRIBUTE__ATTRIBUTE_KIND__FLOATS);
    attribute->n_floats = count;
    attribute->floats = take(b, 4 * count);
    for (size_t i = 0; i < count; i++)
        attribute->floats[i] = (float)values[i];
}

void node_texts(struct builder *b, Onnx__Node *node, const char *name, const char *values)
{
    Onnx__Attribute *attribute =
        add_attribute(b, node, name, ONNX__ATTRIBUTE__ATTRIBUTE_KIND__STRINGS);
    char *part;
    while (next_part(b, &values, &part)) {
        ProtobufCBinaryData text = {strlen(part), (uint8_t *)part};
        APPEND(b, attribute->strings, attribute->n_strings, text);
    }
}

void node_graph(struct builder *b, Onnx__Node *node, const char *name, Onnx__Graph *value)
{
    add_attribute(b, node, name, ONNX__ATTRIBUTE__ATTRIBUTE_KIND__GRAPH)->g = value;
}

void node_tensor(struct builder *b, Onnx__Node *node, const char *name, enum element_type type,
                 const char *dims, const double *values)
{
    add_attribute(b, node, name, ONNX__ATTRIBUTE__ATTRIBUTE_KIND__TENSOR)->t =
        make_stored(b, type, dims, values);
}

void node_refer(struct builder *b, Onnx__Node *node, const char *name, const char *outer, int type)
{
    add_attribute(b, node, name, type)->ref_attr_name = copy(b, outer);
}

/* --- import and run --- */

const uint8_t *model_bytes(struct builder *b, size_t *count)
{
    *count = onnx__model__get_packed_size(b->model);
    uint8_t *bytes = take(b, *count);
    ASSERT(onnx__model__pack(b->model, bytes) == *count);
    return bytes;
}

enum status model_import_graph(struct builder *b, struct graph **graph)
{
    struct onnx_file file;
    struct diag diag = {0};
    size_t count;
    const uint8_t *bytes = model_bytes(b, &count);
    enum status status = onnx_load_bytes(&file, bytes, count, "model", &diag);
    if (status != STATUS_OK)
        return diag_list_add_diag(&b->problems, &diag);
    status = import_graph(graph, &file, &b->options, &b->arena, &b->problems, &b->notes);
    onnx_release(&file);
    return status;
}

struct graph *model_graph(struct builder *b)
{
    struct graph *graph = NULL;
    enum status status = model_import_graph(b, &graph);
    for (size_t i = 0; i < b->problems.count; i++)
        test_fail(__FILE__, __LINE__, "%s", b->problems.item[i].text);
    REQUIRE(status == STATUS_OK && graph != NULL);
    return graph;
}

bool model_has_problem(const struct builder *b, const char *text)
{
    for (size_t i = 0; i < b->problems.count; i++)
        if (strstr(b->problems.item[i].text, text) != NULL)
            return true;
    return false;
}

void check_refused(const char *file, int line, struct builder *b, enum status status,
                   const char *text)
{
    struct graph *graph;
    enum status given = model_import_graph(b, &graph);
    if (given != status)
        test_fail(file, line, "the import ends with status %d, not %d", (int)given, (int)status);
    if (!model_has_problem(b, text))
        test_fail(file, line, "no problem says '%s'; the first of %zu: %s", text, b->problems.count,
                  b->problems.count == 0 ? "none" : b->problems.item[0].text);
}

bool model_has_note(const struct builder *b, const char *text)
{
    for (size_t i = 0; i < b->notes.count; i++)
        if (strstr(b->notes.text[i], text) != NULL)
            return true;
    return false;
}

struct tensor **model_run(struct builder *b, const struct graph *graph, const double *in)
{
    const struct tensor **inputs = take(b, graph->input_count * sizeof *inputs);
    struct tensor **outputs = take(b, graph->output_count * sizeof *outputs);
    for (size_t i = 0; i < graph->input_count; i++) {
        const struct graph_value *value = &graph->values[graph->inputs[i]];
        struct tensor *tensor = tensor_new(&b->arena, value->type, &value->shape);
        ASSERT(tensor != NULL);
        for (size_t k = 0; k < tensor->count; k++, in++) {
            if (element_type_is_float(value->type))
                tensor->data.real[k] = *in;
            else
                tensor->data.integer[k] = (int64_t)*in;
        }
        inputs[i] = tensor;
    }
    struct graph_values values;
    struct diag diag = {0};
    graph_values_init(&values, &b->arena);
    REQUIRE_OK(graph_interpret(graph, inputs, &values, &diag), &diag);
    for (size_t i = 0; i < graph->output_count; i++)
        outputs[i] = values.item[graph->outputs[i]];
    return outputs;
}

void check_model(const char *file, int line, struct builder *b, const double *in,
                 const double *expected, size_t expected_count)
{
    struct graph *graph = model_graph(b);
    struct tensor **outputs = model_run(b, graph, in);
    size_t at = 0;
    for (size_t i = 0; i < graph->output_count; i++) {
        const struct graph_value *value = &graph->values[graph->outputs[i]];
        if (value->shape_known && !shape_equal(&value->shape, &outputs[i]->shape))
            test_fail(file, line, "output %zu has another shape than the import said", i);
        for (size_t k = 0; k < outputs[i]->count; k++, at++) {
            double got = element_type_is_float(outputs[i]->type)
                             ? outputs[i]->data.real[k]
                             : (double)outputs[i]->data.integer[k];
            if (at >= expected_count)
                continue;
            bool same = isnan(expected[at]) ? isnan(got)
                        : isinf(expected[at])
                            ? got == expected[at]
                            : fabs(got - expected[at]) <= 1e-6 * (1 + fabs(expected[at]));
            if (!same)
                test_fail(file, line, "element %zu is %.9g, expected %.9g", at, got, expected[at]);
        }
    }
    if (at != expected_count)
        test_fail(file, line, "%zu elements, expected %zu", at, expected_count);
}

/* Elements of all inputs of a graph, one after the other. */
static double *random_inputs(struct builder *b, const struct graph *graph)
{
    size_t total = 0, count = 0;
    for (size_t i = 0; i < graph->input_count; i++) {
        REQUIRE(shape_count(&graph->values[graph->inputs[i]].shape, SIZE_MAX, &count));
        total += count;
    }
    double *in = take(b, (total + 1) * sizeof *in), *next = in;
    for (size_t i = 0; i < graph->input_count; i++) {
        const struct graph_value *value = &graph->values[graph->inputs[i]];
        REQUIRE(shape_count(&value->shape, SIZE_MAX, &count));
        for (size_t k = 0; k < count; k++)
            *next++ = element_type_is_float(value->type)
                          ? (double)((float)test_random_below(1 << 20) / (1 << 18) - 2)
                          : (double)test_random_below(2);
    }
    return in;
}

void check_agree(const char *file, int line, struct builder *one, struct builder *other)
{
    struct graph *graph = model_graph(one);
    double *in = random_inputs(one, graph);
    struct tensor **outputs = model_run(one, graph, in);
    size_t total = 0, at = 0;
    for (size_t i = 0; i < graph->output_count; i++)
        total += outputs[i]->count;
    double *expected = take(one, (total + 1) * sizeof *expected);
    for (size_t i = 0; i < graph->output_count; i++)
        for (size_t k = 0; k < outputs[i]->count; k++)
            expected[at++] = element_type_is_float(outputs[i]->type)
                                 ? outputs[i]->data.real[k]
                                 : (double)outputs[i]->data.integer[k];
    check_model(file, line, other, in, expected, total);
}

size_t count_nodes(const struct graph *graph, enum op_kind op)
{
    size_t count = 0;
    for (size_t i = 0; i < graph->node_count; i++)
        count += graph->nodes[i].op == op;
    return count;
}
