/* label: fast libs: sertn_frontend sertn_3rd_protobuf_c */
/*
 * Models from hostile bytes: load, import, and what an import may promise. Flipped bytes mostly
 * break the outer form of a file, so half of the runs change the messages instead: other operators,
 * edge values in attributes and shapes, operands exchanged.
 */
#include <string.h>

#include "frontend/import.h"
#include "frontend/import_node.h"
#include "tests/fuzz/fuzz.h"
#include "tests/harness/harness.h"

static void import_bytes(const uint8_t *bytes, size_t count)
{
    struct onnx_file file;
    struct arena arena;
    struct diag diag = {0};
    struct diag_list problems = {0};
    struct import_notes notes = {0};
    struct import_options options = {0};
    struct graph *graph = NULL;
    arena_init(&arena, (size_t)64 << 20);
    if (onnx_load_bytes(&file, bytes, count, "fuzz", &diag) != STATUS_OK) {
        ASSERT(diag.text[0] != 0);
        return;
    }
    enum status status = import_graph(&graph, &file, &options, &arena, &problems, &notes);
    ASSERT((status == STATUS_OK) == (problems.count == 0));
    if (status == STATUS_OK)
        ASSERT(graph_validate(graph, &diag) == STATUS_OK);
    onnx_release(&file);
    diag_list_release(&problems);
    arena_release(&arena);
}

#ifdef SERTN_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    import_bytes(bytes, count);
    return 0;
}
#else

/* --- changes within the messages --- */

static int64_t edge_integer(void)
{
    static const int64_t values[] = {0, 1,   -1,      2,         3,         7,
                                     8, 127, 1 << 20, INT32_MAX, INT64_MAX, INT64_MIN};
    return values[test_random_below(sizeof values / sizeof values[0])];
}

static void change_attribute(Onnx__Attribute *attribute)
{
    switch (test_random_below(4)) {
    case 0:
        attribute->i = edge_integer();
        attribute->has_i = 1;
        break;
    case 1:
        if (attribute->n_ints != 0)
            attribute->ints[test_random_below(attribute->n_ints)] = edge_integer();
        if (attribute->t != NULL && attribute->t->n_dims != 0)
            attribute->t->dims[0] = edge_integer();
        break;
    case 2:
        attribute->type = (int32_t)test_random_below(16);
        break;
    default:
        if (attribute->n_ints > 1)
            attribute->n_ints = test_random_below(attribute->n_ints);
        else if (attribute->n_floats > 1)
            attribute->n_floats = test_random_below(attribute->n_floats);
        break;
    }
}

/* A name of the graph: an operand or result of some node. Borrowed. */
static char *some_name(const Onnx__Graph *graph)
{
    const Onnx__Node *node = graph->node[test_random_below(graph->n_node)];
    if (node->n_input != 0 && test_random_below(2) == 0)
        return node->input[test_random_below(node->n_input)];
    return node->n_output != 0 ? node->output[test_random_below(node->n_output)] : NULL;
}

/* Packs a model whose node has other texts for the moment: the message owns its own. */
static void pack_with(struct buffer *out, Onnx__Model *model, char **place, char *text)
{
    char *saved = *place;
    *place = text;
    size_t count = onnx__model__get_packed_size(model);
    uint8_t *bytes = buffer_extend(out, count);
    if (bytes != NULL)
        onnx__model__pack(model, bytes);
    *place = saved;
}

static size_t rule_count(void)
{
    size_t count = 0;
    while (import_rule_at(count) != NULL)
        count++;
    return count;
}

/* Changes one thing in the first graph that has nodes. */
static void change_model(struct buffer *out, Onnx__Model *model)
{
    Onnx__Graph *graph = model->graph;
    Onnx__Node *node = graph->node[test_random_below(graph->n_node)];
    char *name = some_name(graph);
    uint64_t choice = test_random_below(7);
    if (choice == 0) {
        const char *op = import_rule_at(test_random_below(rule_count()))->op;
        char text[64];
        strcpy(text, op);
        pack_with(out, model, &node->op_type, text);
        return;
    }
    if (choice == 1 && node->n_input != 0 && name != NULL) {
        pack_with(out, model, &node->input[test_random_below(node->n_input)], name);
        return;
    }
    if (choice == 2 && node->n_attribute != 0)
        change_attribute(node->attribute[test_random_below(node->n_attribute)]);
    if (choice == 3 && graph->n_initializer != 0) {
        Onnx__Tensor *tensor = graph->initializer[test_random_below(graph->n_initializer)];
        if (tensor->n_dims != 0)
            tensor->dims[test_random_below(tensor->n_dims)] = edge_integer();
        else
            tensor->data_type = (int32_t)test_random_below(30);
    }
    if (choice == 4 && model->n_opset_import != 0)
        model->opset_import[test_random_below(model->n_opset_import)]->version =
            1 + (int64_t)test_random_below(28);
    if (choice == 5 && graph->n_input != 0) {
        Onnx__Type *type = graph->input[test_random_below(graph->n_input)]->type;
        if (type != NULL && type->value_case == ONNX__TYPE__VALUE_TENSOR_TYPE)
            type->tensor_type->elem_type = (int32_t)test_random_below(30);
    }
    if (choice == 6 && node->n_input != 0) {
        char nothing[1] = {0};
        pack_with(out, model, &node->input[test_random_below(node->n_input)], nothing);
        return;
    }
    pack_with(out, model, &node->op_type, node->op_type);
}

static void change_and_import(const uint8_t *bytes, size_t count)
{
    struct onnx_file file;
    struct buffer changed = {0};
    buffer_put(&changed, bytes, count);
    for (uint64_t times = 1 + test_random_below(4); times > 0; times--) {
        if (onnx_load_bytes(&file, changed.data, changed.count, "fuzz", NULL) != STATUS_OK)
            break;
        if (file.model->graph->n_node != 0) {
            buffer_clear(&changed);
            change_model(&changed, file.model);
        }
        onnx_release(&file);
    }
    import_bytes(changed.data, changed.count);
    buffer_release(&changed);
}

static void fill(struct fuzz_corpus *corpus)
{
    fuzz_add_folder(corpus, "tests/models", ".onnx");
    fuzz_add_folder(corpus, "tests/fuzz/corpus/onnx", "");
}

TEST(files_never_crash)
{
    struct fuzz_corpus corpus = {0};
    fill(&corpus);
    fuzz_run(&corpus, import_bytes, FUZZ_SECONDS);
    fuzz_release(&corpus);
}

TEST(messages_never_crash)
{
    struct fuzz_corpus corpus = {0};
    fill(&corpus);
    fuzz_run(&corpus, change_and_import, FUZZ_SECONDS);
    fuzz_release(&corpus);
}
#endif
