/*
 * The relations of one small model a family, line by line. A change here is a circuit change: read
 * the difference, then refresh the files with SERTN_REFRESH_GOLDEN=1 and commit both together.
 */
#include "tests/passes/lower_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/relation_text.h"

static struct shape row(int columns)
{
    return kit_shape(2, 1, columns);
}

/* Fixed calibration rows around zero. */
static void calibrate(struct kit *kit, int columns)
{
    for (int set = 0; set < 4; set++) {
        double values[8];
        for (int i = 0; i < columns; i++)
            values[i] = (double)((set * 5 + i * 3) % 7 - 3) / 2 + 0.25;
        kit_set(kit, (const struct tensor *[]){kit_tensor(kit, row(columns), values)});
    }
}

static char *read_text(struct kit *kit, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return arena_strdup(&kit->arena, "");
    char *text = arena_array(&kit->arena, char, 1 << 20);
    size_t count = fread(text, 1, (1 << 20) - 1, file);
    text[count] = '\0';
    fclose(file);
    return text;
}

/* Lowers and compares with tests/passes/golden/<name>.txt. */
static void golden(struct kit *kit, uint32_t output, int columns, const char *name)
{
    kit_output(kit, output);
    calibrate(kit, columns);
    kit_run(kit);
    char *text = NULL;
    size_t count = 0;
    FILE *stream = open_memstream(&text, &count);
    REQUIRE(stream != NULL);
    relation_print(stream, kit->result.program);
    fclose(stream);
    char path[128];
    snprintf(path, sizeof path, "tests/passes/golden/%s.txt", name);
    const char *full = test_source_path(path);
    if (getenv("SERTN_REFRESH_GOLDEN") != NULL) {
        FILE *file = fopen(full, "wb");
        REQUIRE(file != NULL);
        fwrite(text, 1, count, file);
        fclose(file);
    }
    CHECK_TEXT(text, read_text(kit, full));
    free(text);
    kit_release(kit);
}

TEST(gemm_and_relu)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, row(2));
    uint32_t w = kit_parameter(&kit, "w", kit_shape(2, 2, 2), (const double[]){0.5, -1, 1.25, 2});
    uint32_t b = kit_parameter(&kit, "b", kit_shape(1, 2), (const double[]){0.25, -0.75});
    golden(&kit, kit_unary(&kit, OP_RELU, kit_node(&kit, OP_GEMM, (const uint32_t[]){x, w, b}, 3)),
           2, "gemm_relu");
}

TEST(a_tree)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_unary(&kit, OP_TREE_ENSEMBLE, kit_input(&kit, "x", ELEMENT_F32, row(2)));
    kit_attribute_int(&kit, "n_targets", 2);
    kit_attribute_int(&kit, "aggregate", 1);
    kit_attribute_ints(&kit, "tree_roots", (const int64_t[]){0}, 1);
    kit_attribute_ints(&kit, "nodes_featureids", (const int64_t[]){0, 1}, 2);
    kit_attribute_ints(&kit, "nodes_modes", (const int64_t[]){0, 1}, 2);
    kit_attribute_tensor(&kit, "nodes_splits", ELEMENT_F32, (const double[]){0.5, -0.25}, 2);
    kit_attribute_ints(&kit, "nodes_missing_tracks_true", (const int64_t[]){0, 0}, 2);
    kit_attribute_ints(&kit, "nodes_true", (const int64_t[]){1, -1}, 2);
    kit_attribute_ints(&kit, "nodes_false", (const int64_t[]){-3, -2}, 2);
    kit_attribute_ints(&kit, "leaf_offsets", (const int64_t[]){0, 1, 2, 4}, 4);
    kit_attribute_ints(&kit, "leaf_targetids", (const int64_t[]){0, 1, 0, 1}, 4);
    kit_attribute_tensor(&kit, "leaf_weights", ELEMENT_F32, (const double[]){1, 0.5, 0.25, 0.75},
                         4);
    golden(&kit, x, 2, "tree");
}

TEST(softmax)
{
    struct kit kit;
    kit_init(&kit);
    golden(&kit, kit_unary(&kit, OP_SOFTMAX, kit_input(&kit, "x", ELEMENT_F32, row(3))), 3,
           "softmax");
}

TEST(log_of_a_square)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, row(2));
    golden(&kit, kit_unary(&kit, OP_LOG, kit_binary(&kit, OP_MUL, x, x)), 2, "log");
}

TEST(square_root)
{
    struct kit kit;
    kit_init(&kit);
    golden(&kit,
           kit_unary(&kit, OP_SQRT,
                     kit_unary(&kit, OP_ABS, kit_input(&kit, "x", ELEMENT_F32, row(2)))),
           2, "sqrt");
}

TEST(quotient)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, row(2));
    uint32_t two = kit_parameter(&kit, "two", kit_shape(0), (const double[]){2});
    golden(&kit,
           kit_binary(&kit, OP_DIV, x, kit_binary(&kit, OP_ADD, kit_unary(&kit, OP_ABS, x), two)),
           2, "quotient");
}

TEST(order)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, row(3));
    uint32_t k = kit_constant_i64(&kit, kit_shape(1, 1), (const int64_t[]){2});
    uint32_t outputs[2] = {graph_add_value(kit.graph, "values", VALUE_NODE, ELEMENT_UNDEFINED),
                           graph_add_value(kit.graph, "indices", VALUE_NODE, ELEMENT_UNDEFINED)};
    graph_add_node(kit.graph, OP_TOP_K, "top", (const uint32_t[]){x, k}, 2, outputs, 2);
    kit_output(&kit, outputs[0]);
    golden(&kit, outputs[1], 3, "order");
}

TEST(label_of_the_greatest_score)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_unary(&kit, OP_ARG_MAX, kit_input(&kit, "x", ELEMENT_F32, row(5)));
    kit_attribute_int(&kit, "axis", 1);
    kit_attribute_int(&kit, "keepdims", 0);
    uint32_t labels = kit_constant_i64(&kit, kit_shape(1, 5), (const int64_t[]){7, 3, 11, 5, 2});
    golden(&kit, kit_binary(&kit, OP_GATHER, labels, x), 5, "label");
}
