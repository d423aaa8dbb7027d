/* See onnx_change.h. */
#include "tests/fuzz/onnx_change.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "frontend/import_node.h"
#include "frontend/onnx_load.h"
#include "tests/harness/harness.h"

#define PICK(list) ((list)[test_random_below(sizeof(list) / sizeof *(list))])

int64_t onnx_edge_integer(void)
{
    static const int64_t values[] = {0, 1,   -1,      2,         3,         7,
                                     8, 127, 1 << 20, INT32_MAX, INT64_MAX, INT64_MIN};
    return PICK(values);
}

float onnx_edge_float(void)
{
    static const float values[] = {0,       -0.0f,   1e-45f,       1e-38f,  -1e-38f,  1e38f,
                                   -1e38f,  3.4e38f, 1e30f,        -1e30f,  1e-30f,   INFINITY,
                                   NAN,     1,       -1,           0.5f,    1e-5f,    2,
                                   0x1p31f, 1e9f,    9.007199e15f, 0x1p63f, -0x1p63f, 1e19f};
    return PICK(values);
}

/* Mostly an ordinary number, so that not everything is lost in one that is not. */
static float some_float(void)
{
    return test_random_below(4) == 0 ? onnx_edge_float()
                                     : ((float)test_random_below(2049) - 1024) / 256;
}

static int64_t some_integer(void)
{
    return test_random_below(4) == 0 ? onnx_edge_integer() : (int64_t)test_random_below(6) - 1;
}

static size_t rule_count(void)
{
    size_t count = 0;
    while (import_rule_at(count) != NULL)
        count++;
    return count;
}

/* ---- changes of what is there ---- */

static void change_element(Onnx__Tensor *tensor)
{
    float number = onnx_edge_float();
    int64_t integer = onnx_edge_integer();
    if (tensor->n_float_data != 0)
        tensor->float_data[test_random_below(tensor->n_float_data)] = number;
    if (tensor->n_double_data != 0)
        tensor->double_data[test_random_below(tensor->n_double_data)] = (double)number * 1e200;
    if (tensor->n_int64_data != 0)
        tensor->int64_data[test_random_below(tensor->n_int64_data)] = integer;
    if (tensor->n_int32_data != 0)
        tensor->int32_data[test_random_below(tensor->n_int32_data)] = (int32_t)integer;
    size_t raw = tensor->raw_data.len, width = tensor->data_type == ELEMENT_F32 ? 4 : 8;
    if (raw < width)
        return;
    uint8_t *place = tensor->raw_data.data + test_random_below(raw / width) * width;
    if (width == 4)
        memcpy(place, &number, width);
    else
        memcpy(place, &integer, width);
}

static void change_tensor(Onnx__Tensor *tensor)
{
    switch (test_random_below(5)) {
    case 0:
        if (tensor->n_dims != 0)
            tensor->dims[test_random_below(tensor->n_dims)] = onnx_edge_integer();
        break;
    case 1:
        tensor->data_type = (int32_t)test_random_below(30);
        break;
    default:
        change_element(tensor);
        break;
    }
}

static void change_attribute(Onnx__Attribute *attribute)
{
    switch (test_random_below(6)) {
    case 0:
        attribute->i = onnx_edge_integer();
        attribute->has_i = 1;
        break;
    case 1:
        attribute->f = onnx_edge_float();
        attribute->has_f = 1;
        break;
    case 2:
        if (attribute->n_ints != 0)
            attribute->ints[test_random_below(attribute->n_ints)] = onnx_edge_integer();
        if (attribute->n_floats != 0)
            attribute->floats[test_random_below(attribute->n_floats)] = onnx_edge_float();
        if (attribute->t != NULL)
            change_tensor(attribute->t);
        break;
    case 3:
        attribute->type = (int32_t)test_random_below(16);
        break;
    default:
        if (attribute->n_ints > 1)
            attribute->n_ints = test_random_below(attribute->n_ints);
        else if (attribute->n_floats > 1)
            attribute->n_floats = test_random_below(attribute->n_floats);
        else if (attribute->has_f)
            attribute->f = onnx_edge_float();
        else if (attribute->has_i)
            attribute->i = onnx_edge_integer();
        break;
    }
}

static void change_input(Onnx__ValueInfo *input)
{
    Onnx__Type *type = input->type;
    if (type == NULL || type->value_case != ONNX__TYPE__VALUE_TENSOR_TYPE)
        return;
    Onnx__Shape *shape = type->tensor_type->shape;
    if (shape == NULL || shape->n_dim == 0 || test_random_below(2) == 0) {
        type->tensor_type->elem_type = (int32_t)test_random_below(30);
        return;
    }
    Onnx__Shape__Dim *dim = shape->dim[test_random_below(shape->n_dim)];
    if (dim->value_case == ONNX__SHAPE__DIM__VALUE_DIM_VALUE)
        dim->dim_value =
            test_random_below(2) == 0 ? (int64_t)test_random_below(8) : onnx_edge_integer();
}

/* A name of the graph: an operand or result of some node. Borrowed. */
static char *some_name(const Onnx__Graph *graph)
{
    const Onnx__Node *node = graph->node[test_random_below(graph->n_node)];
    if (node->n_input != 0 && test_random_below(2) == 0)
        return node->input[test_random_below(node->n_input)];
    return node->n_output != 0 ? node->output[test_random_below(node->n_output)] : NULL;
}

static void pack(struct buffer *out, const Onnx__Model *model)
{
    uint8_t *bytes = buffer_extend(out, onnx__model__get_packed_size(model));
    if (bytes != NULL)
        onnx__model__pack(model, bytes);
}

/* Packs a model whose node has other texts for the moment: the message owns its own. */
static void pack_with(struct buffer *out, Onnx__Model *model, char **place, char *text)
{
    char *saved = *place;
    *place = text;
    pack(out, model);
    *place = saved;
}

/* Changes one thing in the main graph, which has nodes. */
static void change_model(struct buffer *out, Onnx__Model *model)
{
    Onnx__Graph *graph = model->graph;
    Onnx__Node *node = graph->node[test_random_below(graph->n_node)];
    char *name = some_name(graph), nothing[1] = {0}, text[64];
    switch (test_random_below(9)) {
    case 0:
        snprintf(text, sizeof text, "%s", import_rule_at(test_random_below(rule_count()))->op);
        pack_with(out, model, &node->op_type, text);
        return;
    case 1:
        if (node->n_input == 0 || name == NULL)
            break;
        pack_with(out, model, &node->input[test_random_below(node->n_input)], name);
        return;
    case 2:
        if (node->n_input == 0)
            break;
        pack_with(out, model, &node->input[test_random_below(node->n_input)], nothing);
        return;
    case 3:
    case 4:
        if (node->n_attribute != 0)
            change_attribute(node->attribute[test_random_below(node->n_attribute)]);
        break;
    case 5:
    case 6:
        if (graph->n_initializer != 0)
            change_tensor(graph->initializer[test_random_below(graph->n_initializer)]);
        break;
    case 7:
        if (model->n_opset_import != 0)
            model->opset_import[test_random_below(model->n_opset_import)]->version =
                1 + (int64_t)test_random_below(OPSET_NEWEST);
        break;
    default:
        if (graph->n_input != 0)
            change_input(graph->input[test_random_below(graph->n_input)]);
        break;
    }
    pack(out, model);
}

void onnx_change(struct buffer *bytes, const struct fuzz_corpus *corpus)
{
    (void)corpus;
    struct onnx_file file;
    for (uint64_t times = 1 + test_random_below(4); times > 0; times--) {
        if (onnx_load_bytes(&file, bytes->data, bytes->count, "fuzz", NULL) != STATUS_OK)
            return;
        if (file.model->graph->n_node != 0) {
            buffer_clear(bytes);
            change_model(bytes, file.model);
        }
        onnx_release(&file);
    }
}

/* ---- models of one node ---- */

enum { OPERANDS_MAX = 6, ATTRIBUTES_MAX = 24, LIST_MAX = 4, ELEMENTS_MAX = 64 };

/* All that the messages of one model point to. */
struct made {
    int64_t dims[OPERANDS_MAX][LIST_MAX];
    float numbers[OPERANDS_MAX][ELEMENTS_MAX];
    int64_t integers[OPERANDS_MAX][ELEMENTS_MAX];
    int32_t bytes[OPERANDS_MAX][ELEMENTS_MAX];
    char name[OPERANDS_MAX][24];
    char *input[OPERANDS_MAX];
    Onnx__Tensor tensor[OPERANDS_MAX], *stored[OPERANDS_MAX];
    Onnx__Shape__Dim dim[OPERANDS_MAX][LIST_MAX], *dim_list[OPERANDS_MAX][LIST_MAX];
    Onnx__Shape shape[OPERANDS_MAX];
    Onnx__Type__TensorType tensor_type[OPERANDS_MAX];
    Onnx__Type type[OPERANDS_MAX];
    Onnx__ValueInfo info[OPERANDS_MAX], *inputs[OPERANDS_MAX];
    char attribute_name[ATTRIBUTES_MAX][64];
    int64_t ints[ATTRIBUTES_MAX][LIST_MAX];
    float floats[ATTRIBUTES_MAX][LIST_MAX];
    Onnx__Attribute attribute[ATTRIBUTES_MAX], *attributes[ATTRIBUTES_MAX];
};

/* Operands of one node have shapes that fit one another now and then. */
static void make_shape(struct made *made, size_t k, unsigned rank, int64_t *dims, size_t *count)
{
    *count = 1;
    for (unsigned d = 0; d < rank; d++) {
        dims[d] = 1 + (int64_t)test_random_below(3);
        if (k > 0 && test_random_below(3) != 0)
            dims[d] = made->dims[0][d];
        *count *= (size_t)dims[d];
    }
    if (*count > ELEMENTS_MAX) {
        dims[0] = dims[1] = 1;
        *count /= 9;
    }
}

static void make_stored(struct made *made, size_t k, unsigned rank, size_t count)
{
    Onnx__Tensor *tensor = &made->tensor[k];
    onnx__tensor__init(tensor);
    tensor->name = made->name[k];
    tensor->n_dims = rank;
    tensor->dims = made->dims[k];
    tensor->has_data_type = 1;
    for (size_t e = 0; e < count; e++) {
        made->numbers[k][e] = some_float();
        made->integers[k][e] = some_integer();
        made->bytes[k][e] = (int32_t)test_random_below(2);
    }
    switch (test_random_below(5)) {
    case 0:
    case 1:
        tensor->data_type = ELEMENT_I64;
        tensor->int64_data = made->integers[k];
        tensor->n_int64_data = count;
        break;
    case 2:
        tensor->data_type = test_random_below(2) == 0 ? ELEMENT_BOOL : ELEMENT_U8;
        tensor->int32_data = made->bytes[k];
        tensor->n_int32_data = count;
        break;
    default:
        tensor->data_type = ELEMENT_F32;
        tensor->float_data = made->numbers[k];
        tensor->n_float_data = count;
        break;
    }
}

static void make_input(struct made *made, size_t k, unsigned rank)
{
    static const enum element_type types[] = {ELEMENT_F32, ELEMENT_F32,  ELEMENT_F32,
                                              ELEMENT_F64, ELEMENT_F16,  ELEMENT_I64,
                                              ELEMENT_I32, ELEMENT_BOOL, ELEMENT_U8};
    onnx__shape__init(&made->shape[k]);
    onnx__type__tensor_type__init(&made->tensor_type[k]);
    onnx__type__init(&made->type[k]);
    onnx__value_info__init(&made->info[k]);
    for (unsigned d = 0; d < rank; d++) {
        onnx__shape__dim__init(&made->dim[k][d]);
        made->dim[k][d].value_case = ONNX__SHAPE__DIM__VALUE_DIM_VALUE;
        made->dim[k][d].dim_value = made->dims[k][d];
        made->dim_list[k][d] = &made->dim[k][d];
    }
    made->shape[k].n_dim = rank;
    made->shape[k].dim = made->dim_list[k];
    made->tensor_type[k].has_elem_type = 1;
    made->tensor_type[k].elem_type = (int32_t)PICK(types);
    made->tensor_type[k].shape = &made->shape[k];
    made->type[k].value_case = ONNX__TYPE__VALUE_TENSOR_TYPE;
    made->type[k].tensor_type = &made->tensor_type[k];
    made->info[k].name = made->name[k];
    made->info[k].type = &made->type[k];
}

static void make_operands(struct made *made, Onnx__Graph *graph, Onnx__Node *node)
{
    unsigned rank = (unsigned)test_random_below(LIST_MAX + 1);
    node->n_input = 1 + test_random_below(OPERANDS_MAX - 1);
    node->input = made->input;
    for (size_t k = 0; k < node->n_input; k++) {
        size_t count;
        if (k > 0 && test_random_below(3) == 0)
            rank = (unsigned)test_random_below(3);
        make_shape(made, k, rank, made->dims[k], &count);
        snprintf(made->name[k], sizeof made->name[k], "x%zu", k);
        made->input[k] = made->name[k];
        if (k > 0 && test_random_below(2) == 0) {
            make_stored(made, k, rank, count);
            made->stored[graph->n_initializer++] = &made->tensor[k];
        } else {
            make_input(made, k, rank);
            made->inputs[graph->n_input++] = &made->info[k];
        }
    }
    graph->initializer = made->stored;
    graph->input = made->inputs;
}

static void make_attribute(struct made *made, Onnx__Attribute *attribute, size_t a, char kind)
{
    static const char *const words[] = {
        "linear",  "nearest",    "cubic",      "constant", "reflect", "edge",    "forward",
        "reverse", "mean",       "sum",        "NOTSET",   "VALID",   "LEFT",    "SAME_UPPER",
        "max",     "half_pixel", "asymmetric", "tanh",     "NONE",    "LOGISTIC"};
    size_t count = 1 + test_random_below(LIST_MAX);
    for (size_t i = 0; i < count; i++) {
        made->ints[a][i] = some_integer();
        made->floats[a][i] = some_float();
    }
    attribute->has_type = 1;
    switch (kind) {
    case 'i':
        attribute->type = ONNX__ATTRIBUTE__ATTRIBUTE_KIND__INT;
        attribute->has_i = 1;
        attribute->i = made->ints[a][0];
        break;
    case 'f':
        attribute->type = ONNX__ATTRIBUTE__ATTRIBUTE_KIND__FLOAT;
        attribute->has_f = 1;
        attribute->f = made->floats[a][0];
        break;
    case 's': {
        const char *word = PICK(words);
        attribute->type = ONNX__ATTRIBUTE__ATTRIBUTE_KIND__STRING;
        attribute->has_s = 1;
        attribute->s = (ProtobufCBinaryData){strlen(word), (uint8_t *)(uintptr_t)word};
        break;
    }
    case 'I':
        attribute->type = ONNX__ATTRIBUTE__ATTRIBUTE_KIND__INTS;
        attribute->n_ints = count;
        attribute->ints = made->ints[a];
        break;
    default:
        attribute->type = ONNX__ATTRIBUTE__ATTRIBUTE_KIND__FLOATS;
        attribute->n_floats = count;
        attribute->floats = made->floats[a];
        break;
    }
}

/* Some of what the rule takes. */
static void make_attributes(struct made *made, const char *names, Onnx__Node *node)
{
    char kind = 0;
    uint64_t odds = 1 + test_random_below(4);
    node->attribute = made->attributes;
    while (*names != 0 && node->n_attribute < ATTRIBUTES_MAX) {
        size_t length = strcspn(names, " ");
        if (length == 2 && names[1] == ':') {
            kind = names[0];
        } else if (strchr("ifsIF", kind) != NULL && test_random_below(4) < odds &&
                   length < sizeof made->attribute_name[0]) {
            size_t a = node->n_attribute++;
            snprintf(made->attribute_name[a], sizeof made->attribute_name[a], "%.*s", (int)length,
                     names);
            onnx__attribute__init(&made->attribute[a]);
            made->attribute[a].name = made->attribute_name[a];
            made->attributes[a] = &made->attribute[a];
            make_attribute(made, &made->attribute[a], a, kind);
        }
        names += length + (names[length] == ' ');
    }
}

void onnx_make_model(struct buffer *out, const struct fuzz_corpus *corpus)
{
    (void)corpus;
    const struct import_rule *rule = import_rule_at(test_random_below(rule_count()));
    struct made made;
    memset(&made, 0, sizeof made);
    char op[64], domain[64], results[4][2] = {"y", "z", "v", "w"}, name[] = "graph";
    char *outputs[4] = {results[0], results[1], results[2], results[3]};
    snprintf(op, sizeof op, "%s", rule->op);
    snprintf(domain, sizeof domain, "%s", rule->domain);
    Onnx__Model model = ONNX__MODEL__INIT;
    Onnx__OpsetImport opset = ONNX__OPSET_IMPORT__INIT, *opsets[1] = {&opset};
    Onnx__Graph graph = ONNX__GRAPH__INIT;
    Onnx__Node node = ONNX__NODE__INIT, *nodes[1] = {&node};
    Onnx__ValueInfo result = ONNX__VALUE_INFO__INIT, *result_list[1] = {&result};
    opset.domain = domain;
    opset.has_version = 1;
    opset.version = rule->until != 0 ? rule->until : rule->since;
    node.op_type = op;
    node.domain = domain;
    node.output = outputs;
    node.n_output = 1 + (test_random_below(3) == 0 ? test_random_below(4) : 0);
    make_operands(&made, &graph, &node);
    make_attributes(&made, rule->attributes, &node);
    result.name = outputs[test_random_below(node.n_output)];
    graph.name = name;
    graph.node = nodes;
    graph.n_node = 1;
    graph.output = result_list;
    graph.n_output = 1;
    model.has_ir_version = 1;
    model.ir_version = 8;
    model.opset_import = opsets;
    model.n_opset_import = 1;
    model.graph = &graph;
    buffer_clear(out);
    pack(out, &model);
}
