/* label: fast */
#include "frontend/value_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ir/support/file.h"
#include "tests/harness/harness.h"

/* SequenceProto x of two float tensors, [1] and [2]; OptionalProto o of nothing, and of a [1];
 * TensorProto c, int64 of rank 0. */
static const char sequence[] = "\x0a\x01"
                               "x\x10\x01"
                               "\x1a\x0a\x08\x01\x10\x01\x4a\x04\0\0\x80\x3f"
                               "\x1a\x0e\x08\x02\x10\x01\x4a\x08\0\0\0\x40\0\0\x40\x40";
static const char nothing[] = "\x0a\x01"
                              "o\x10\0";
static const char something[] = "\x0a\x01"
                                "o\x10\x01"
                                "\x1a\x0a\x08\x01\x10\x01\x4a\x04\0\0\x80\x3f";
static const char constant[] = "\x10\x07\x42\x01"
                               "c\x4a\x08\x05\0\0\0\0\0\0\0";

static void write_bytes(const char *folder, const char *name, const char *bytes, size_t count)
{
    struct diag diag = {0};
    REQUIRE_OK(file_write(test_path(folder, name), bytes, count, 0644, false, &diag), &diag);
}

static const char *folder_of(const char *name)
{
    const char *folder = test_path(test_temp_dir(), name);
    REQUIRE(mkdir(folder, 0755) == 0);
    return folder;
}

/* x, a sequence; o, an optional; c, a tensor: as import_inputs gives them before data is read. */
static const struct value_spec declared[3] = {
    {.name = "x", .type = ELEMENT_F32, .open = "s"},
    {.name = "o", .type = ELEMENT_F32, .open = "o"},
    {.name = "c", .type = ELEMENT_I64, .shape_known = true},
};

static void check_trees(const struct value_tree *tree, enum value_tree_kind optional)
{
    REQUIRE(tree[0].kind == VALUE_TREE_LIST && tree[0].count == 2);
    CHECK(tree[0].item[1].kind == VALUE_TREE_TENSOR);
    CHECK_I64(tree[0].item[1].shape.dim[0], 2);
    CHECK(tree[1].kind == optional);
    CHECK(tree[2].kind == VALUE_TREE_DECLARED);
}

TEST(a_test_data_folder_says_what_sequences_and_optionals_hold)
{
    struct arena arena = {0};
    struct diag diag = {0};
    struct value_tree full[3] = {0}, empty[3] = {0};
    const char *parent = folder_of("parent"), *folder = test_path(parent, "test_data_set_0");
    REQUIRE(mkdir(folder, 0755) == 0);
    write_bytes(folder, "input_0.pb", sequence, sizeof sequence - 1);
    write_bytes(folder, "input_1.pb", something, sizeof something - 1);
    write_bytes(folder, "input_2.pb", constant, sizeof constant - 1);
    REQUIRE_OK(value_structure_read(full, parent, declared, 3, &arena, &diag), &diag);
    check_trees(full, VALUE_TREE_TENSOR);
    write_bytes(folder, "input_1.pb", nothing, sizeof nothing - 1);
    REQUIRE_OK(value_structure_read(empty, folder, declared, 3, &arena, &diag), &diag);
    check_trees(empty, VALUE_TREE_NOTHING);
    arena_release(&arena);
}

TEST(json_says_what_sequences_and_optionals_hold)
{
    struct arena arena = {0};
    struct diag diag = {0};
    struct value_tree full[3] = {0}, empty[3] = {0};
    const char *path = test_path(folder_of("json"), "in.json");
    const char *text = "{\"x\": [[1], [2, 3]], \"o\": [1], \"c\": 5}";
    REQUIRE_OK(file_write(path, text, strlen(text), 0644, false, &diag), &diag);
    REQUIRE_OK(value_structure_read(full, path, declared, 3, &arena, &diag), &diag);
    check_trees(full, VALUE_TREE_TENSOR);
    text = "[{\"x\": [[1], [2, 3]], \"o\": null, \"c\": 5}]";
    REQUIRE_OK(file_write(path, text, strlen(text), 0644, false, &diag), &diag);
    REQUIRE_OK(value_structure_read(empty, path, declared, 3, &arena, &diag), &diag);
    check_trees(empty, VALUE_TREE_NOTHING);
    text = "{\"x\": 3}";
    REQUIRE_OK(file_write(path, text, strlen(text), 0644, false, &diag), &diag);
    CHECK_STATUS(value_structure_read(empty, path, declared, 3, &arena, &diag), STATUS_BAD_INPUT,
                 &diag);
    CHECK(strstr(diag.text, "input 'x' is a sequence") != NULL);
    arena_release(&arena);
}

TEST(formats_without_sequences_are_refused_with_what_to_do)
{
    struct arena arena = {0};
    struct diag diag = {0};
    struct value_tree tree[3] = {0};
    const char *path = test_path(folder_of("table"), "in.csv");
    REQUIRE_OK(file_write(path, "1,2\n", 4, 0644, false, &diag), &diag);
    CHECK_STATUS(value_structure_read(tree, path, declared, 3, &arena, &diag), STATUS_BAD_INPUT,
                 &diag);
    CHECK(strstr(diag.text, "give --data as JSON or as an ONNX test data folder") != NULL);
    arena_release(&arena);
}

/* The inputs of a compiled model: c has become a constant, o was there. */
static const struct value_spec compiled[3] = {
    {.name = "x[0]", .type = ELEMENT_F32, .shape_known = true, .shape = {1, {1}}, .sequence = "x"},
    {.name = "x[1]", .type = ELEMENT_F32, .shape_known = true, .shape = {1, {2}}, .sequence = "x"},
    {.name = "o", .type = ELEMENT_F32, .shape_known = true, .shape = {1, {1}}},
};

static void check_set(const struct value_sets *sets)
{
    REQUIRE(sets->count == 1);
    CHECK(sets->set[0].tensor[0]->data.real[0] == 1);
    CHECK(sets->set[0].tensor[1]->data.real[1] == 3);
    CHECK(sets->set[0].tensor[2]->data.real[0] == 1);
}

TEST(items_come_from_sequences_and_what_is_no_input_any_more_is_left)
{
    struct arena arena = {0};
    struct diag diag = {0};
    struct value_sets sets = {0}, more = {0}, other = {0};
    const char *folder = folder_of("set");
    write_bytes(folder, "input_0.pb", constant, sizeof constant - 1);
    write_bytes(folder, "input_1.pb", sequence, sizeof sequence - 1);
    write_bytes(folder, "input_2.pb", something, sizeof something - 1);
    REQUIRE_OK(value_file_read(&sets, folder, compiled, 3, &arena, &diag), &diag);
    check_set(&sets);
    const char *text = "{\"x\": [[1], [2, 3]], \"o\": [1], \"p\": null, \"q\": []}";
    REQUIRE_OK(value_bytes_read(&more, "in.json", text, strlen(text), compiled, 3, &arena, &diag),
               &diag);
    check_set(&more);
    text = "{\"input_data\": [[[1], [2, 3]], [1]]}";
    REQUIRE_OK(value_bytes_read(&other, "in.json", text, strlen(text), compiled, 3, &arena, &diag),
               &diag);
    check_set(&other);
    arena_release(&arena);
}

TEST(another_number_of_items_is_refused)
{
    struct arena arena = {0};
    struct diag diag = {0};
    struct value_sets sets = {0};
    static const char *const texts[] = {"{\"x\": [[1]], \"o\": [1]}",
                                        "{\"x\": [[1], [2, 3], [4]], \"o\": [1]}",
                                        "{\"x\": 4, \"o\": [1]}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK_STATUS(value_bytes_read(&sets, "in.json", texts[i], strlen(texts[i]), compiled, 3,
                                      &arena, &diag),
                     STATUS_BAD_INPUT, &diag);
        CHECK_MSG(strstr(diag.text, "but the model takes 2") != NULL, "%s", diag.text);
    }
    const char *folder = folder_of("few");
    write_bytes(folder, "input_0.pb", something, sizeof something - 1);
    write_bytes(folder, "input_1.pb", something, sizeof something - 1);
    CHECK_STATUS(value_file_read(&sets, folder, compiled, 3, &arena, &diag), STATUS_BAD_INPUT,
                 &diag);
    arena_release(&arena);
}

TEST(a_model_without_inputs_takes_any_folder)
{
    struct arena arena = {0};
    struct diag diag = {0};
    struct value_sets sets = {0};
    const char *folder = folder_of("none");
    write_bytes(folder, "output_0.pb", constant, sizeof constant - 1);
    REQUIRE_OK(value_file_read(&sets, folder, NULL, 0, &arena, &diag), &diag);
    CHECK_U64(sets.count, 1);
    arena_release(&arena);
}

TEST(uint16_is_the_pattern_of_a_bfloat16)
{
    struct arena arena = {0};
    struct diag diag = {0};
    struct value_spec x = {.name = "x", .type = ELEMENT_BF16};
    struct tensor *from = tensor_new(&arena, ELEMENT_U16, &(struct shape){1, {1}}), *to = NULL;
    from->data.integer[0] = 0x3f80;
    REQUIRE_OK(value_fit(&to, from, &x, &arena, &diag), &diag);
    CHECK(to->data.real[0] == 1);
    arena_release(&arena);
}
