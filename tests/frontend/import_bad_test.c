/* label: fast */
/* Every model of tests/models/bad is refused with a sentence, or, where only a later stage can
 * know, imports without harm. */
#include <stdio.h>
#include <string.h>

#include "frontend/import.h"
#include "ir/support/file.h"
#include "tests/harness/harness.h"

/* What the importer lets through: numbers whose meaning depends on what they reach, a declared
 * shape that is only a remark. */
static bool is_left_to_others(const char *name)
{
    static const char *const names[] = {"nan_weight.onnx", "infinite_bias.onnx", "nan_gamma.onnx",
                                        "output_shape_wrong.onnx"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static enum status import_path(const char *path, struct diag *diag)
{
    struct onnx_file file;
    struct arena arena = {0};
    struct diag_list problems = {0};
    struct import_notes notes = {0};
    struct import_options options = {0};
    struct graph *graph = NULL;
    arena_init(&arena, (size_t)256 << 20);
    enum status status = onnx_load_file(&file, path, diag);
    if (status != STATUS_OK)
        return status;
    status = import_graph(&graph, &file, &options, &arena, &problems, &notes);
    if (status != STATUS_OK && problems.count != 0)
        *diag = problems.item[0];
    onnx_release(&file);
    diag_list_release(&problems);
    arena_release(&arena);
    return status;
}

TEST(every_bad_model_is_refused_in_a_sentence)
{
    struct buffer list = {0};
    REQUIRE_OK(file_read(test_source_path("tests/models/bad/list.tsv"), 1 << 20, &list, NULL),
               NULL);
    char *save = NULL;
    size_t count = 0;
    for (char *line = strtok_r((char *)list.data, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char path[300];
        struct diag diag = {0};
        line[strcspn(line, "\t")] = 0;
        snprintf(path, sizeof path, "tests/models/bad/%s", line);
        enum status status = import_path(test_source_path(path), &diag);
        count++;
        if (is_left_to_others(line))
            continue;
        CHECK_MSG(status == STATUS_BAD_INPUT || status == STATUS_UNSUPPORTED ||
                      status == STATUS_LIMIT,
                  "%s: %s", line, status_name(status));
        CHECK_MSG(strlen(diag.text) > 10 && strchr(diag.text, '\n') == NULL, "%s: '%s'", line,
                  diag.text);
    }
    CHECK(count > 50);
    buffer_release(&list);
}
