/*
 * Which tests ask for something that has no deterministic numeric meaning, by the operators of the
 * model alone: random numbers (the standard names no generator), texts made from texts, image
 * files. See conformance.h.
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
