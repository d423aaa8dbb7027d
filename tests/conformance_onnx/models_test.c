/* label: slow
 *
 * Whole models with reference outputs through importer and interpreter, and through folding and the
 * interpreter again: those of tests/models, and those of ../shared/models (or the folder
 * SERTN_MODELS names) when it is there. Comparison: labels exact, rtol 1e-3, atol 1e-6.
 */
#include "ir/graph_interpret.h"
#include "passes/fold_constants.h"
#include "tests/conformance_onnx/onnx_data.h"
#include "tests/harness/harness.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static double largest(const struct tensor *tensor)
{
    double top = 0.0;
    for (size_t i = 0; element_type_is_float(tensor->type) && i < tensor->count; i++)
        top = fmax(top, fabs(tensor->data.real[i]));
    return top;
}

static enum status compare(struct onnx_data *data, struct diag *diag)
{
    struct graph_values values;
    char text[256];
    graph_values_init(&values, &data->arena);
    enum status status = graph_interpret(data->graph, data->input, &values, diag);
    for (size_t i = 0; status == STATUS_OK && i < data->graph->output_count; i++) {
        uint32_t v = data->graph->outputs[i];
        const struct tensor *want = data->output[i];
        double relative = want->type == ELEMENT_F16 ? 1e-2 : 1e-3;
        if (!onnx_data_agrees(values.item[v], data->graph->values[v].text_table, want,
                              1e-6 * fmax(1.0, largest(want)), relative, text))
            return diag_set(diag, STATUS_REJECTED, "output %zu: %s", i, text);
    }
    return status;
}

static void run_set(const char *folder, const char *set)
{
    struct onnx_data data;
    struct diag diag = {0};
    struct arena scratch = {0};
    enum status status = onnx_data_load(&data, folder, set, &diag);
    if (status == STATUS_OK)
        status = compare(&data, &diag);
    size_t before = data.graph != NULL ? data.graph->node_count : 0;
    if (status == STATUS_OK) {
        status = pass_fold_constants(data.graph, &scratch, &data.problems);
        if (status != STATUS_OK && data.problems.count > 0)
            diag_set(&diag, status, "%s", data.problems.item[0].text);
        if (status == STATUS_OK)
            status = graph_validate(data.graph, &diag);
        if (status == STATUS_OK)
            status = compare(&data, &diag);
    }
    CHECK_MSG(status == STATUS_OK, "%s/%s: %s: %s", folder, set, status_name(status), diag.text);
    if (status == STATUS_OK)
        printf("  %s/%s: %zu nodes, %zu folded\n", folder, set, before, data.graph->node_count);
    arena_release(&scratch);
    onnx_data_release(&data);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Runs every data set of every model in a folder; returns how many there were. */
static size_t run_models(const char *root)
{
    const char *only = getenv("SERTN_MODEL");
    struct dirent **entry;
    size_t sets = 0;
    int count = scandir(root, &entry, is_visible, by_name);
    for (int i = 0; i < count; i++) {
        for (unsigned k = 0; only == NULL || strstr(entry[i]->d_name, only) != NULL; k++) {
            char folder[2048], set[32], path[4096];
            struct stat info;
            snprintf(folder, sizeof folder, "%s/%s", root, entry[i]->d_name);
            snprintf(set, sizeof set, "test_data_set_%u", k);
            snprintf(path, sizeof path, "%s/%s", folder, set);
            if (stat(path, &info) != 0)
                break;
            run_set(folder, set);
            sets++;
        }
        free(entry[i]);
    }
    if (count >= 0)
        free(entry);
    return sets;
}

TEST(our_test_models_give_the_reference_outputs)
{
    CHECK(run_models(test_source_path("tests/models")) > 0);
}

TEST(public_models_give_the_reference_outputs)
{
    const char *root = getenv("SERTN_MODELS");
    if (run_models(root != NULL ? root : test_source_path("../shared/models")) == 0)
        test_skip("no reference models beside the source tree");
}
