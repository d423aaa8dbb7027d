/* label: slow
 *
 * A model that is refused is refused in one go: every problem with node, operator, reason and what
 * to do, within seconds. Every model of ../shared/models (or the folder SERTN_MODELS names), with
 * every third of its operators made one that nobody knows; and those that no table holds.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "frontend/import.h"
#include "ir/support/names.h"
#include "runtime/compile.h"
#include "tests/conformance/conformance.h"
#include "tests/harness/harness.h"

/* Of processor time: other processes do not count. */
static const double seconds_most = 2;

static char unknown[] = "NoSuchOperator";

static double seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* Names that a node reads, those of its bodies with them. */
static void want_inputs(struct names *wanted, const Onnx__Node *node)
{
    for (size_t i = 0; i < node->n_input; i++)
        REQUIRE(names_add(wanted, node->input[i]) != NAME_NONE);
    for (size_t a = 0; a < node->n_attribute; a++) {
        const Onnx__Graph *body = node->attribute[a]->g;
        for (size_t k = 0; body != NULL && k < body->n_node; k++)
            want_inputs(wanted, body->node[k]);
        for (size_t k = 0; body != NULL && k < body->n_output; k++)
            REQUIRE(names_add(wanted, body->output[k]->name) != NAME_NONE);
    }
}

static bool is_wanted(const struct names *wanted, const Onnx__Node *node)
{
    for (size_t i = 0; i < node->n_output; i++)
        if (node->output[i][0] != 0 && names_find(wanted, node->output[i]) != NAME_NONE)
            return true;
    return false;
}

/* Replaces operators of nodes that outputs need; was: their own, NULL for the others. Returns how
 * many. */
static size_t spoil(Onnx__Graph *graph, char **was, struct arena *arena)
{
    struct names wanted;
    bool *is_needed = arena_array(arena, bool, graph->n_node + 1);
    size_t count = 0, spoiled = 0;
    names_init(&wanted, arena);
    for (size_t i = 0; i < graph->n_output; i++)
        REQUIRE(names_add(&wanted, graph->output[i]->name) != NAME_NONE);
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t n = graph->n_node; n-- > 0;) {
            if (is_needed[n] || !is_wanted(&wanted, graph->node[n]))
                continue;
            is_needed[n] = changed = true;
            want_inputs(&wanted, graph->node[n]);
        }
    }
    for (size_t n = 0; n < graph->n_node; n++) {
        if (!is_needed[n] || count++ % 3 != 0)
            continue;
        was[n] = graph->node[n]->op_type;
        graph->node[n]->op_type = unknown;
        spoiled++;
    }
    return spoiled;
}

/* A size for every dimension that has none: else that would be all there is to say. */
static void bind_dims(struct import_options *options, const Onnx__Graph *graph, struct arena *arena)
{
    struct import_dim *dims = arena_array(arena, struct import_dim, 8 * graph->n_input + 1);
    for (size_t i = 0; i < graph->n_input; i++) {
        const Onnx__Type *type = graph->input[i]->type;
        const Onnx__Shape *shape = type != NULL && type->value_case == ONNX__TYPE__VALUE_TENSOR_TYPE
                                       ? type->tensor_type->shape
                                       : NULL;
        for (size_t d = 0; shape != NULL && d < shape->n_dim && d < 8; d++)
            if (shape->dim[d]->value_case != ONNX__SHAPE__DIM__VALUE_DIM_VALUE)
                dims[options->dim_count++] =
                    (struct import_dim){arena_printf(arena, "%s:%zu", graph->input[i]->name, d), 1};
    }
    options->dim = dims;
}

static void check_refusal(const char *folder, const char *name)
{
    char path[4096];
    struct onnx_file file;
    struct arena arena;
    struct diag diag = {0};
    struct diag_list problems = {0};
    struct import_notes notes = {0};
    struct import_options options = {0};
    struct graph *graph;
    snprintf(path, sizeof path, "%s/%s/model.onnx", folder, name);
    arena_init(&arena, 0);
    double start = seconds();
    REQUIRE_OK(onnx_load_file(&file, path, &diag), &diag);
    Onnx__Graph *model = file.model->graph;
    char **was = arena_array(&arena, char *, model->n_node + 1);
    size_t spoiled = spoil(model, was, &arena), found = 0;
    bind_dims(&options, model, &arena);
    enum status status = import_graph(&graph, &file, &options, &arena, &problems, &notes);
    CHECK_MSG(status == STATUS_UNSUPPORTED || status == STATUS_BAD_INPUT, "%s: '%s'", name,
              status_name(status));
    double took = seconds() - start;
    for (size_t i = 0; i < problems.count; i++) {
        const char *text = problems.item[i].text;
        CHECK_MSG(strncmp(text, "node '", 6) == 0, "%s: %s", name, text);
        if (strstr(text, unknown) == NULL)
            continue;
        found++;
        CHECK_MSG(strstr(text, "is not supported; `sertnc --list-ops`") != NULL, "%s: %s", name,
                  text);
    }
    CHECK_MSG(found == spoiled || problems.lost > 0, "%s: %zu of %zu problems are listed", name,
              found, spoiled);
    CHECK_MSG(spoiled > 0 && took < seconds_most, "%s: refused in %.2f s", name, took);
    printf("%-28s %4zu problems, %.2f s\n", name, problems.count + problems.lost, took);
    for (size_t n = 0; n < model->n_node; n++)
        if (was[n] != NULL)
            model->node[n]->op_type = was[n];
    diag_list_release(&problems);
    onnx_release(&file);
    arena_release(&arena);
}

static const char *models_folder(void)
{
    return conformance_setting("SERTN_MODELS", test_source_path("../shared/models"));
}

TEST(every_operator_that_nobody_knows_is_listed_at_once)
{
    const char *folder = models_folder();
    DIR *dir = opendir(folder);
    size_t count = 0;
    if (dir == NULL)
        test_skip("no models in %s", folder);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s/model.onnx", folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        if (file == NULL)
            continue;
        fclose(file);
        check_refusal(folder, entry->d_name);
        count++;
    }
    closedir(dir);
    CHECK(count > 0);
}

/* 25 million weights and 9 million activations. */
TEST(a_model_that_no_table_holds_is_refused_before_it_is_run)
{
    char path[4096];
    struct compilation compilation = {0};
    struct diag_list problems = {0};
    struct import_notes notes = {0};
    snprintf(path, sizeof path, "%s/light_resnet50/model.onnx", models_folder());
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        test_skip("no model %s", path);
    fclose(file);
    struct compile_options options = {.model_path = path, .threads = 1};
    double start = seconds();
    CHECK_STATUS(compile_model(&compilation, &options, &problems, &notes), STATUS_LIMIT, NULL);
    double took = seconds() - start;
    CHECK(problems.count == 1 && strstr(problems.item[0].text, "the limit is 2^26") != NULL);
    CHECK_MSG(took < seconds_most, "refused in %.2f s", took);
    compilation_release(&compilation);
    diag_list_release(&problems);
}
