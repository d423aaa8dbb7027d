/*
 * ONNX test data for tests: a model with input_K.pb and output_K.pb beside it, imported, run,
 * compared. Source of the layout: onnx/backend/test,
 * https://github.com/onnx/onnx/tree/main/onnx/backend/test.
 */
#ifndef SERTN_TESTS_CONFORMANCE_ONNX_DATA_H
#define SERTN_TESTS_CONFORMANCE_ONNX_DATA_H

#include "frontend/import.h"

enum { ONNX_DATA_VALUES_MAX = 64 };

/* Life cycle: a zeroed struct, onnx_data_load, onnx_data_release. */
struct onnx_data {
    struct arena arena;
    struct onnx_file file;
    struct graph *graph;
    struct diag_list problems;
    const struct tensor *input[ONNX_DATA_VALUES_MAX];  /* in the order of graph->inputs */
    const struct tensor *output[ONNX_DATA_VALUES_MAX]; /* in the order of graph->outputs */
    const char *unknown[ONNX_DATA_VALUES_MAX];         /* texts of the data that the model lacks */
    size_t unknown_count;
};

/*
 * Loads `folder`/model.onnx, imports it with the shapes of `folder`/`set`, and reads that set.
 * Errors: those of the importer; BAD_INPUT when a value of the set is missing or is no tensor.
 */
enum status onnx_data_load(struct onnx_data *data, const char *folder, const char *set,
                           struct diag *diag) SERTN_MUST_CHECK;
void onnx_data_release(struct onnx_data *data);

/*
 * Compares a value with the reference: type, shape, |got - want| <= absolute + relative |want|, NaN
 * equal to NaN, integers exact. text_table: what got's integers stand for when want is text.
 * Returns false with the first difference in `text`.
 */
bool onnx_data_agrees(const struct tensor *got, const struct tensor *text_table,
                      const struct tensor *want, double absolute, double relative, char text[256]);

#endif
