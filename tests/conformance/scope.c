/*
 * Which tests ask for something that has no deterministic numeric meaning, by the operators of the
 * model alone: random numbers (the standard names no generator), texts made from texts or numbers
 * and read, image files. And whether a test contradicts itself. See conformance.h.
 */
#include "tests/conformance/conformance.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *op, *reason;
} outside[] = {
    {"Bernoulli", "random: the standard names no generator"},
    {"Multinomial", "random: the standard names no generator"},
    {"RandomNormal", "random: the standard names no generator"},
    {"RandomNormalLike", "random: the standard names no generator"},
    {"RandomUniform", "random: the standard names no generator"},
    {"RandomUniformLike", "random: the standard names no generator"},
    {"StringNormalizer", "makes texts from texts"},
    {"StringConcat", "makes texts from texts"},
    {"StringSplit", "makes texts from texts"},
    {"RegexFullMatch", "matches texts"},
    {"ImageDecoder", "decodes image files"},
};

/* The first element of a graph input in the first data set; false when there is none. */
static bool input_element(double *value, struct onnx_file *file, const char *folder,
                          const char *name, struct arena *arena)
{
    const Onnx__Graph *graph = file->model->graph;
    char path[4096];
    struct diag diag = {0};
    struct tensor *tensor = NULL;
    for (size_t i = 0; i < graph->n_input; i++) {
        if (graph->input[i]->name == NULL || strcmp(graph->input[i]->name, name) != 0)
            continue;
        snprintf(path, sizeof path, "%s/test_data_set_0/input_%zu.pb", folder, i);
        if (expected_read_tensor(&tensor, file, path, arena, &diag) != STATUS_OK ||
            tensor->count == 0 || tensor->type == ELEMENT_STRING)
            return false;
        *value = element_type_is_float(tensor->type) ? tensor->data.real[0]
                                                     : (double)tensor->data.integer[0];
        return true;
    }
    return false;
}

/* Dropout drops at random when it trains (its third operand) and its ratio is not 0. */
static bool is_random_dropout(struct onnx_file *file, const char *folder, const Onnx__Node *node,
                              struct arena *arena)
{
    double training = 0, ratio = 0.5;
    if (strcmp(node->op_type, "Dropout") != 0 || node->n_input < 3)
        return false;
    bool is_known = input_element(&training, file, folder, node->input[2], arena);
    if (node->input[1][0] != 0)
        input_element(&ratio, file, folder, node->input[1], arena);
    return is_known && training != 0 && ratio != 0;
}

static bool is_text_input(const Onnx__Graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_input; i++) {
        const Onnx__Type *type = graph->input[i]->type;
        if (graph->input[i]->name != NULL && strcmp(graph->input[i]->name, name) == 0)
            return type != NULL && type->value_case == ONNX__TYPE__VALUE_TENSOR_TYPE &&
                   type->tensor_type->elem_type == ELEMENT_STRING;
    }
    return false;
}

/* A cast between the texts and the numbers of inputs, which nobody knows before. */
static const char *casts_texts(const Onnx__Graph *graph, const Onnx__Node *node)
{
    bool is_like = strcmp(node->op_type, "CastLike") == 0 && node->n_input == 2;
    bool makes_text = is_like && is_text_input(graph, node->input[1]);
    if (!is_like && strcmp(node->op_type, "Cast") != 0)
        return NULL;
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(node->attribute[i]->name, "to") == 0)
            makes_text = node->attribute[i]->i == ELEMENT_STRING;
    bool reads_text = node->n_input > 0 && is_text_input(graph, node->input[0]);
    return makes_text == reads_text ? NULL
           : makes_text             ? "makes texts from numbers"
                                    : "reads numbers from texts";
}

static const char *search(struct onnx_file *file, const Onnx__Graph *graph, const char *folder,
                          struct arena *arena)
{
    const char *reason = NULL;
    for (size_t n = 0; reason == NULL && n < graph->n_node; n++) {
        const Onnx__Node *node = graph->node[n];
        if (node->op_type == NULL)
            continue;
        for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
            if (strcmp(node->op_type, outside[i].op) == 0)
                reason = outside[i].reason;
        if (reason == NULL && is_random_dropout(file, folder, node, arena))
            reason = "random: the standard names no generator";
        if (reason == NULL)
            reason = casts_texts(file->model->graph, node);
        for (size_t a = 0; reason == NULL && a < node->n_attribute; a++)
            if (node->attribute[a]->g != NULL)
                reason = search(file, node->attribute[a]->g, folder, arena);
    }
    return reason;
}

const char *conformance_out_of_scope(struct onnx_file *file, const char *folder,
                                     struct arena *arena)
{
    return search(file, file->model->graph, folder, arena);
}

/* ---- contradictions ---- */

static bool agrees(const Onnx__Shape *shape, const struct shape *found)
{
    if (shape->n_dim != found->rank)
        return false;
    for (size_t i = 0; i < shape->n_dim; i++)
        if (shape->dim[i]->value_case == ONNX__SHAPE__DIM__VALUE_DIM_VALUE &&
            shape->dim[i]->dim_value >= 0 && shape->dim[i]->dim_value != found->dim[i])
            return false;
    return true;
}

static bool is_initializer(const Onnx__Graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (graph->initializer[i]->name != NULL && strcmp(graph->initializer[i]->name, name) == 0)
            return true;
    return false;
}

bool conformance_contradicts(char *reason, size_t bytes, struct onnx_file *file, const char *folder,
                             struct arena *arena)
{
    const Onnx__Graph *graph = file->model->graph;
    char path[4096];
    size_t given = 0; /* initializers among the inputs have no data */
    for (size_t i = 0; i < graph->n_input; i++) {
        const Onnx__Type *type = graph->input[i]->type;
        struct diag diag = {0};
        struct tensor *tensor = NULL;
        if (is_initializer(graph, graph->input[i]->name))
            continue;
        snprintf(path, sizeof path, "%s/test_data_set_0/input_%zu.pb", folder, given++);
        if (type == NULL || type->value_case != ONNX__TYPE__VALUE_TENSOR_TYPE ||
            type->tensor_type->shape == NULL)
            continue;
        if (expected_read_tensor(&tensor, file, path, arena, &diag) != STATUS_OK ||
            agrees(type->tensor_type->shape, &tensor->shape))
            continue;
        snprintf(
            reason, bytes,
            "its data contradict its model: input '%s' has %zu elements and %u dimensions, and "
            "another shape is declared",
            graph->input[i]->name, tensor->count, tensor->shape.rank);
        return true;
    }
    return false;
}
