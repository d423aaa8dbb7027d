/* label: slow
 *
 * ONNX's node tests (package libonnx-testdata, or the folder SERTN_ONNX_TESTDATA names) through
 * importer and interpreter, and through folding and the interpreter again. Rule of comparison: rtol
 * 1e-3, atol 1e-7.
 */
#include "ir/graph_infer.h"
#include "ir/graph_interpret.h"
#include "passes/fold_constants.h"
#include "tests/harness/harness.h"
#include "tests/conformance_onnx/onnx_data.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum outcome { OUTCOME_PASSED, OUTCOME_FAILED, OUTCOME_UNSUPPORTED };

static size_t folded_count;

/* The first value that differs, or OK. */
static enum status run_and_compare(struct onnx_data *data, double absolute, struct diag *diag)
{
    struct graph_values values;
    char text[256];
    graph_values_init(&values, &data->arena);
    enum status status = graph_interpret(data->graph, data->input, &values, diag);
    for (size_t i = 0; status == STATUS_OK && i < data->graph->output_count; i++) {
        uint32_t v = data->graph->outputs[i];
        if (values.item[v] == NULL)
            return diag_set(diag, STATUS_REJECTED, "output %zu has no value", i);
        if (!onnx_data_agrees(values.item[v], data->graph->values[v].text_table, data->output[i],
                              absolute, 1e-3, text))
            return diag_set(diag, STATUS_REJECTED, "output %zu: %s", i, text);
    }
    return status;
}

/* Folding must not change what the graph says; a shape that depends on data is no failure. */
static enum status fold_and_compare(struct onnx_data *data, double absolute, struct diag *diag)
{
    struct arena scratch;
    arena_init(&scratch, 0);
    enum status status = pass_fold_constants(data->graph, &scratch, &data->problems);
    arena_release(&scratch);
    if (status == STATUS_UNSUPPORTED)
        return STATUS_OK;
    if (status != STATUS_OK)
        return diag_set(diag, status, "fold: %s",
                        data->problems.count > 0 ? data->problems.item[0].text : "?");
    folded_count++;
    status = graph_validate(data->graph, diag);
    if (status == STATUS_OK)
        status = run_and_compare(data, absolute, diag);
    return status == STATUS_OK ? status : diag_prefix(diag, status, "folded");
}

/*
 * Data of release 1.12 that contradicts its model: another rank than declared; a bfloat16 cut where
 * the standard rounds; an optional where the model has a tensor. Later releases mended or dropped
 * them.
 */
static const char *const contradictory[] = {
    "test_cast_FLOAT_to_BFLOAT16",     "test_if_opt",
    "test_optional_has_element_empty", "test_optional_has_element_empty_optional_input",
    "test_castlike_BFLOAT16_to_FLOAT", "test_castlike_BFLOAT16_to_FLOAT_expanded",
    "test_castlike_FLOAT_to_BFLOAT16", "test_castlike_FLOAT_to_BFLOAT16_expanded",
};

static bool is_contradictory(const char *name)
{
    for (size_t i = 0; i < sizeof contradictory / sizeof *contradictory; i++)
        if (strcmp(name, contradictory[i]) == 0)
            return true;
    return false;
}

static enum outcome run_folder(const char *root, const char *name)
{
    char folder[4096];
    struct onnx_data data;
    struct diag diag = {0};
    snprintf(folder, sizeof folder, "%s/%s", root, name);
    enum status status = onnx_data_load(&data, folder, "test_data_set_0", &diag);
    bool loaded = status == STATUS_OK;
    double absolute = strncmp(name, "test_dft", 8) == 0 ? 1e-6 : 1e-7;
    if (loaded)
        status = run_and_compare(&data, absolute, &diag);
    if (status == STATUS_OK)
        status = fold_and_compare(&data, absolute, &diag);
    onnx_data_release(&data);
    if (status == STATUS_OK)
        return OUTCOME_PASSED;
    printf("  %s %s: %s: %s\n", status == STATUS_UNSUPPORTED ? "-" : "!", name, status_name(status),
           diag.text);
    return status == STATUS_UNSUPPORTED ? OUTCOME_UNSUPPORTED : OUTCOME_FAILED;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_test(const struct dirent *entry)
{
    return strncmp(entry->d_name, "test_", 5) == 0;
}

TEST(onnx_node_tests_give_the_reference_outputs)
{
    const char *root = getenv("SERTN_ONNX_TESTDATA");
    const char *only = getenv("SERTN_ONNX_TEST");
    root = root != NULL ? root : "/usr/share/libonnx-testdata/data/node";
    struct dirent **entry;
    int count = scandir(root, &entry, is_test, by_name);
    if (count <= 0)
        test_skip("no ONNX test data in %s", root);
    size_t tally[3] = {0};
    folded_count = 0;
    for (int i = 0; i < count; i++) {
        bool wanted = only == NULL || strstr(entry[i]->d_name, only) != NULL;
        if (wanted && !is_contradictory(entry[i]->d_name))
            tally[run_folder(root, entry[i]->d_name)]++;
        free(entry[i]);
    }
    free(entry);
    printf("  %zu passed (%zu of them folded too), %zu failed, %zu unsupported of %d\n",
           tally[OUTCOME_PASSED], folded_count, tally[OUTCOME_FAILED], tally[OUTCOME_UNSUPPORTED],
           count);
    CHECK(tally[OUTCOME_FAILED] == 0);
    /* What is unsupported is random, textual, a sequence, or training; that is less than a tenth.
     */
    CHECK(only != NULL || tally[OUTCOME_UNSUPPORTED] * 10 < (size_t)count);
}
