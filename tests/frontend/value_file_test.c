/* label: fast */
#include "frontend/value_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ir/support/file.h"
#include "tests/harness/harness.h"

static struct value_spec spec(const char *name, enum element_type type, unsigned rank, int64_t a,
                              int64_t b)
{
    return (struct value_spec){
        .name = name, .type = type, .shape_known = true, .shape = {(uint8_t)rank, {a, b}}};
}

/* Reads text as a file of this name. */
static enum status read_text(struct value_sets *sets, const char *name, const char *text,
                             const struct value_spec *specs, size_t count, struct arena *arena,
                             struct diag *diag)
{
    *sets = (struct value_sets){0};
    *diag = (struct diag){0};
    return value_bytes_read(sets, name, text, strlen(text), specs, count, arena, diag);
}

/* One input x, one data set: its elements are the expected ones. */
static void check_one(const char *file, int line, const char *name, const char *text,
                      struct value_spec x, const double *expected, size_t count)
{
    struct arena arena = {0};
    struct value_sets sets;
    struct diag diag;
    if (test_check_status(file, line, text, read_text(&sets, name, text, &x, 1, &arena, &diag),
                          STATUS_OK, &diag)) {
        const struct tensor *tensor = sets.set[0].tensor[0];
        if (sets.count != 1 || tensor->count != count)
            test_fail(file, line, "%zu sets, %zu elements", sets.count, tensor->count);
        for (size_t i = 0; i < count && i < tensor->count; i++) {
            double got = element_type_is_float(tensor->type) ? tensor->data.real[i]
                                                             : (double)tensor->data.integer[i];
            if (!(got == expected[i] || (isnan(got) && isnan(expected[i]))))
                test_fail(file, line, "element %zu is %g, expected %g", i, got, expected[i]);
        }
    }
    arena_release(&arena);
}
#define CHECK_ONE(name, text, x, ...)                                                              \
    check_one(__FILE__, __LINE__, name, text, x, (const double[]){__VA_ARGS__},                    \
              sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

static void check_error(const char *file, int line, const char *name, const char *text,
                        struct value_spec x, const char *expected)
{
    struct arena arena = {0};
    struct value_sets sets;
    struct diag diag;
    enum status status = read_text(&sets, name, text, &x, 1, &arena, &diag);
    if (status == STATUS_OK || strstr(diag.text, expected) == NULL)
        test_fail(file, line, "%s: '%s', expected '%s'", text,
                  status == STATUS_OK ? "accepted" : diag.text, expected);
    if (sets.count != 0)
        test_fail(file, line, "a data set is left over");
    arena_release(&arena);
}
#define CHECK_ERROR(name, text, x, expected)                                                       \
    check_error(__FILE__, __LINE__, name, text, x, expected)

TEST(json_by_name_position_and_list)
{
    struct value_spec x = spec("x", ELEMENT_F32, 2, 1, 3);
    CHECK_ONE("in.json", "{\"x\": [[1, 2.5, -3]]}", x, 1, 2.5, -3);
    CHECK_ONE("in.json", "{\"x\": [1, 2.5, -3]}", x, 1, 2.5, -3); /* row-major */
    CHECK_ONE("in.json", "{\"input_data\": [[1, 2.5, -3]]}", x, 1, 2.5, -3);
    CHECK_ONE("in.json", "{\"input_data\": [[[1, 2.5, -3]]]}", x, 1, 2.5, -3);
    CHECK_ONE("in.json", "[[1, 2.5, -3]]", x, 1, 2.5, -3);
    CHECK_ONE("anything", " \n{\"x\": [[1, 2.5, -3]]}\n", x, 1, 2.5, -3);
    CHECK_ONE("in.json", "{\"x\": [[\"NaN\", \"-Infinity\", \"1e3\"]]}", x, NAN, -INFINITY, 1000);
    CHECK_ONE("in.json", "{\"input_data\": 4}", spec("input_data", ELEMENT_F32, 0, 0, 0), 4);
}

TEST(json_takes_unknown_dimensions_from_the_lists)
{
    struct value_spec x = spec("x", ELEMENT_F32, 2, -1, 2);
    CHECK_ONE("in.json", "{\"x\": [[1, 2], [3, 4]]}", x, 1, 2, 3, 4);
    CHECK_ONE("in.json", "{\"input_data\": [[1, 2, 3, 4]]}", x, 1, 2, 3, 4);
    CHECK_ONE("in.json", "{\"input_data\": [[1, 2], [3, 4]]}", x, 1, 2, 3, 4);
    CHECK_ERROR("in.json", "{\"x\": [[1, 2], [3]]}", x, "uneven");
    CHECK_ERROR("in.json", "{\"x\": [[1, 2, 3]]}", x, "shape [1, 3], but the model takes [?, 2]");
    CHECK_ERROR("in.json", "{\"x\": [1, 2, 3]}", x, "3 numbers, but the model takes shape [?, 2]");
}

TEST(json_integers_stay_exact)
{
    struct arena arena = {0};
    struct value_sets sets;
    struct diag diag;
    struct value_spec x = spec("x", ELEMENT_I64, 1, 2, 0);
    REQUIRE_OK(read_text(&sets, "in.json", "{\"x\": [\"9223372036854775807\", 9007199254740991]}",
                         &x, 1, &arena, &diag),
               &diag);
    CHECK_I64(sets.set[0].tensor[0]->data.integer[0], INT64_MAX);
    CHECK_I64(sets.set[0].tensor[0]->data.integer[1], ((int64_t)1 << 53) - 1);
    CHECK_ERROR("in.json", "{\"x\": [9007199254740993, 1]}", x, "have to be strings");
    CHECK_ERROR("in.json", "{\"x\": [1.5, 1]}", x, "does not fit into int64");
    CHECK_ERROR("in.json", "{\"x\": [\"9223372036854775808\", 1]}", x, "is not a int64");
    CHECK_ERROR("in.json", "{\"x\": [300, 1]}", spec("x", ELEMENT_U8, 1, 2, 0),
                "does not fit into uint8");
    CHECK_ERROR("in.json", "{\"x\": [-1, 1]}", spec("x", ELEMENT_U64, 1, 2, 0),
                "does not fit into uint64");
    CHECK_ONE("in.json", "{\"x\": [true, 0]}", spec("x", ELEMENT_BOOL, 1, 2, 0), 1, 0);
    CHECK_ERROR("in.json", "{\"x\": [2, 0]}", spec("x", ELEMENT_BOOL, 1, 2, 0),
                "does not fit into bool");
    arena_release(&arena);
}

TEST(json_errors_are_sentences)
{
    struct value_spec x = spec("x", ELEMENT_F32, 1, 2, 0);
    CHECK_ERROR("in.json", "", x, "the file is empty");
    CHECK_ERROR("in.json", "hello", x, "not JSON");
    CHECK_ERROR("in.json", "{\"x\": [1, NaN]}", x, "write NaN and infinity as the strings");
    CHECK_ERROR("in.json", "{\"x\": [1, 2]} {", x, "more text after the end");
    CHECK_ERROR("in.json", "{\"y\": [1, 2]}", x, "no input is called \"y\": the inputs are 'x'");
    CHECK_ERROR("in.json", "{\"x\": [1, 2], \"x\": [1, 2]}", x, "given twice");
    CHECK_ERROR("in.json", "{}", x, "nothing is given for input 'x'");
    CHECK_ERROR("in.json", "{\"x\": [1, null]}", x, "element 1 is neither number nor string");
    CHECK_ERROR("in.json", "{\"x\": [1, \"one\"]}", x,
                "element 1 is \"one\", which is not a float32");
    CHECK_ERROR("in.json", "{\"x\": [1, \"0x10\"]}", x, "is not a float32");
    CHECK_ERROR("in.json", "{\"x\": [1, 1e39]}", x, "does not fit into float32");
    CHECK_ERROR("in.json", "{\"x\": {\"a\": 1}}", x, "input 'x'");
    CHECK_ERROR("in.json", "{\"x\": [[[[[[[[[[1]]]]]]]]]]}", x, "nested deeper than 8");
    /* Deeper than the JSON parser goes. */
    char deep[4001];
    memset(deep, '[', 4000);
    deep[4000] = 0;
    CHECK_ERROR("in.json", deep, x, "not JSON");
}

TEST(several_inputs_and_sets)
{
    struct arena arena = {0};
    struct value_sets sets;
    struct diag diag;
    struct value_spec specs[2] = {spec("x", ELEMENT_F32, 1, 2, 0), spec("n", ELEMENT_I64, 0, 0, 0)};
    REQUIRE_OK(read_text(&sets, "in.json", "[{\"n\": 3, \"x\": [1, 2]}, {\"x\": [4, 5], \"n\": 6}]",
                         specs, 2, &arena, &diag),
               &diag);
    CHECK_U64(sets.count, 2);
    CHECK_I64(sets.set[1].tensor[1]->data.integer[0], 6);
    CHECK_TEXT(sets.set[1].name, "in.json[1]");
    REQUIRE_OK(
        read_text(&sets, "in.json", "{\"input_data\": [[1, 2], 3]}", specs, 2, &arena, &diag),
        &diag);
    CHECK_I64(sets.set[0].tensor[1]->data.integer[0], 3);
    CHECK_STATUS(read_text(&sets, "in.json", "{\"input_data\": [[1, 2]]}", specs, 2, &arena, &diag),
                 STATUS_BAD_INPUT, &diag);
    CHECK_STATUS(read_text(&sets, "in.json", "[1, 2]", specs, 2, &arena, &diag), STATUS_BAD_INPUT,
                 &diag);
    CHECK_STATUS(read_text(&sets, "in.json", "[{\"n\": 3, \"x\": [1, 2]}, {\"x\": [4, 5]}]", specs,
                           2, &arena, &diag),
                 STATUS_BAD_INPUT, &diag);
    CHECK_TEXT(diag.text, "in.json: entry 1: nothing is given for input 'n'");
    CHECK_U64(sets.count, 0);
    arena_release(&arena);
}

TEST(tables)
{
    struct value_spec x = spec("x", ELEMENT_F32, 2, -1, 3);
    CHECK_ONE("in.csv", "1,2,3\n4,5,6\n", x, 1, 2, 3, 4, 5, 6);
    CHECK_ONE("in.csv", "a,b,c\n1,2,3\n4,5,6", x, 1, 2, 3, 4, 5, 6);
    CHECK_ONE("in.csv", "1;2;3\r\n4;5;6\r\n", x, 1, 2, 3, 4, 5, 6);
    CHECK_ONE("in.csv", "\"1\", 2 ,3\n\n4,,nan\n", x, 1, 2, 3, 4, NAN, NAN);
    CHECK_ONE("in.csv", "1,2,3", spec("x", ELEMENT_F32, 1, 3, 0), 1, 2, 3);
    CHECK_ERROR("in.csv", "1,2,3\n4,5\n", x, "row 2 has 2 cells, the first has 3");
    CHECK_ERROR("in.csv", "1,2\n3,4\n", x, "shape [2, 2], but the model takes [?, 3]");
    CHECK_ERROR("in.csv", "1,2,3\n4,five,6\n", x, "row 2, column 2: \"five\" is not a float32");
    CHECK_ERROR("in.csv", "\n\n", x, "the table is empty");
    CHECK_ERROR("in.csv", "1,,3\n", spec("x", ELEMENT_I64, 2, -1, 3), "is not a int64");
}

TEST(rows_of_a_table_may_be_data_sets)
{
    struct arena arena = {0};
    struct value_sets sets;
    struct diag diag;
    struct value_spec x = spec("x", ELEMENT_F32, 2, 1, 2);
    REQUIRE_OK(read_text(&sets, "in.csv", "a,b\n1,2\n3,4\n5,6\n", &x, 1, &arena, &diag), &diag);
    CHECK_U64(sets.count, 3);
    CHECK(sets.set[2].tensor[0]->data.real[1] == 6);
    CHECK_TEXT(sets.set[2].name, "in.csv row 4");
    struct value_spec columns[2] = {spec("age", ELEMENT_F32, 2, -1, 1),
                                    spec("rooms", ELEMENT_I64, 2, -1, 1)};
    REQUIRE_OK(
        read_text(&sets, "in.csv", "rooms,city,age\n3,x,1.5\n4,y,2.5\n", columns, 2, &arena, &diag),
        &diag);
    CHECK_U64(sets.count, 1);
    CHECK(sets.set[0].tensor[0]->data.real[1] == 2.5);
    CHECK_I64(sets.set[0].tensor[1]->data.integer[0], 3);
    CHECK_STATUS(read_text(&sets, "in.csv", "rooms,city\n3,x\n", columns, 2, &arena, &diag),
                 STATUS_BAD_INPUT, &diag);
    arena_release(&arena);
}

TEST(words_become_numbers)
{
    struct arena arena = {0};
    struct value_sets sets;
    struct diag diag;
    const char *words[] = {"red", "green"};
    struct tensor table = {ELEMENT_STRING, {1, {2}}, 2, {.text = words}};
    struct value_spec x = spec("x", ELEMENT_STRING, 2, 1, 3);
    x.text_table = &table;
    REQUIRE_OK(read_text(&sets, "in.json", "{\"x\": [[\"green\", \"blue\", \"red\"]]}", &x, 1,
                         &arena, &diag),
               &diag);
    const struct tensor *tensor = sets.set[0].tensor[0];
    CHECK(tensor->type == ELEMENT_I64);
    CHECK(tensor->data.integer[0] == 1 && tensor->data.integer[1] == -1 &&
          tensor->data.integer[2] == 0);
    CHECK_ERROR("in.json", "{\"x\": [[1, 2, 3]]}", x, "is 1");
    x.text_table = NULL;
    REQUIRE_OK(read_text(&sets, "in.csv", "green,blue,red\n", &x, 1, &arena, &diag), &diag);
    CHECK_TEXT(sets.set[0].tensor[0]->data.text[1], "blue");
    arena_release(&arena);
}

TEST(maps_become_rows)
{
    struct arena arena = {0};
    struct value_sets sets;
    struct diag diag;
    const char *keys[] = {"a", "b", "c"};
    struct tensor table = {ELEMENT_STRING, {1, {3}}, 3, {.text = keys}};
    struct value_spec x = spec("x", ELEMENT_F32, 2, 1, 3);
    x.map_keys = &table;
    REQUIRE_OK(read_text(&sets, "in.json", "{\"x\": {\"c\": 5, \"a\": 2, \"other\": 7}}", &x, 1,
                         &arena, &diag),
               &diag);
    const struct tensor *row = sets.set[0].tensor[0];
    CHECK(row->data.real[0] == 2 && row->data.real[1] == 0 && row->data.real[2] == 5);
    arena_release(&arena);
}

/* Reads a file of tests/frontend/arrays. */
static enum status read_array(struct value_sets *sets, const char *name,
                              const struct value_spec *specs, size_t count, struct arena *arena,
                              struct diag *diag)
{
    char path[300];
    snprintf(path, sizeof path, "tests/frontend/arrays/%s", name);
    *sets = (struct value_sets){0};
    *diag = (struct diag){0};
    return value_file_read(sets, test_source_path(path), specs, count, arena, diag);
}

TEST(numpy_arrays)
{
    static const char *const files[] = {"float32.npy", "columns_first.npy", "big_endian.npy",
                                        "half.npy"};
    struct arena arena = {0};
    struct value_sets sets;
    struct diag diag;
    struct value_spec x = spec("x", ELEMENT_F32, 2, -1, 3);
    for (size_t i = 0; i < 4; i++) {
        REQUIRE_OK(read_array(&sets, files[i], &x, 1, &arena, &diag), &diag);
        for (size_t k = 0; k < 6; k++)
            CHECK_MSG(sets.set[0].tensor[0]->data.real[k] == (double)k, "%s element %zu", files[i],
                      k);
    }
    struct value_spec n = spec("n", ELEMENT_I64, 2, 1, 3), flag = spec("f", ELEMENT_BOOL, 1, 2, 0);
    struct value_spec one = spec("s", ELEMENT_F32, 0, 0, 0),
                      word = spec("w", ELEMENT_STRING, 1, 3, 0);
    REQUIRE_OK(read_array(&sets, "int64.npy", &n, 1, &arena, &diag), &diag);
    CHECK_I64(sets.set[0].tensor[0]->data.integer[1], ((int64_t)1 << 53) + 1);
    REQUIRE_OK(read_array(&sets, "bool.npy", &flag, 1, &arena, &diag), &diag);
    CHECK_I64(sets.set[0].tensor[0]->data.integer[0], 1);
    REQUIRE_OK(read_array(&sets, "scalar.npy", &one, 1, &arena, &diag), &diag);
    CHECK(sets.set[0].tensor[0]->data.real[0] == 2.5);
    REQUIRE_OK(read_array(&sets, "empty.npy", &x, 1, &arena, &diag), &diag);
    CHECK_U64(sets.set[0].tensor[0]->count, 0);
    REQUIRE_OK(read_array(&sets, "words.npy", &word, 1, &arena, &diag), &diag);
    CHECK_TEXT(sets.set[0].tensor[0]->data.text[1], "h\xc3\xa4schen");
    CHECK_TEXT(sets.set[0].tensor[0]->data.text[2], "\xe7\x8a\xac");
    CHECK_STATUS(read_array(&sets, "float32.npy", &n, 1, &arena, &diag), STATUS_BAD_INPUT, &diag);
    CHECK(strstr(diag.text, "shape [2, 3], but the model takes [1, 3]") != NULL);
    arena_release(&arena);
}

TEST(numpy_archives)
{
    struct arena arena = {0};
    struct value_sets sets;
    struct diag diag;
    struct value_spec specs[2] = {{.name = "x", .type = ELEMENT_F32},
                                  spec("z", ELEMENT_I64, 1, 1, 0)};
    REQUIRE_OK(read_array(&sets, "stored.npz", specs, 2, &arena, &diag), &diag);
    CHECK(sets.set[0].tensor[0]->data.real[5] == 5);
    CHECK_I64(sets.set[0].tensor[1]->data.integer[0], 7);
    REQUIRE_OK(read_array(&sets, "deflated.npz", specs, 2, &arena, &diag), &diag);
    CHECK_U64(sets.set[0].tensor[0]->count, 2000);
    CHECK_I64(sets.set[0].tensor[1]->data.integer[0], 7);
    REQUIRE_OK(read_array(&sets, "noise.npz", specs, 1, &arena, &diag), &diag); /* arr_0 */
    double sum = 0;
    for (size_t i = 0; i < 900; i++)
        sum += sets.set[0].tensor[0]->data.real[i];
    CHECK_MSG(sum == 3606, "sum %g", sum);
    CHECK_STATUS(read_array(&sets, "stored.npz", specs, 1, &arena, &diag), STATUS_BAD_INPUT, &diag);
    CHECK(strstr(diag.text, "no input is called \"z\"") != NULL);
    arena_release(&arena);
}

TEST(broken_arrays_never_crash)
{
    static const char *const files[] = {"float32.npy", "words.npy", "stored.npz", "deflated.npz",
                                        "noise.npz"};
    struct value_spec specs[2] = {{.name = "x", .type = ELEMENT_F32},
                                  {.name = "z", .type = ELEMENT_I64}};
    for (size_t f = 0; f < sizeof files / sizeof files[0]; f++) {
        char path[300];
        snprintf(path, sizeof path, "tests/frontend/arrays/%s", files[f]);
        struct buffer bytes = {0};
        REQUIRE_OK(file_read(test_source_path(path), 1 << 20, &bytes, NULL), NULL);
        for (int round = 0; round < 400; round++) {
            struct arena arena = {0};
            struct value_sets sets = {0};
            struct diag diag = {0};
            arena_init(&arena, (size_t)32 << 20);
            size_t at = test_random_below(bytes.count), count = bytes.count;
            uint8_t saved = bytes.data[at];
            if (round % 2 == 0)
                bytes.data[at] ^= (uint8_t)(1u << test_random_below(8));
            else
                count = at;
            enum status status =
                value_bytes_read(&sets, files[f], bytes.data, count, specs, 2, &arena, &diag);
            CHECK((status == STATUS_OK) == (diag.text[0] == 0));
            bytes.data[at] = saved;
            arena_release(&arena);
        }
        buffer_release(&bytes);
    }
}

static void put(const char *folder, const char *name, const void *bytes, size_t count)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    REQUIRE_OK(file_write(path, bytes, count, FILE_MODE_PUBLIC, false, NULL), NULL);
}

TEST(folders)
{
    struct arena arena = {0};
    struct value_sets sets = {0};
    struct diag diag = {0};
    struct value_spec x = spec("x", ELEMENT_F32, 1, 2, 0);
    const char *folder = test_temp_dir();
    CHECK_STATUS(value_file_read(&sets, folder, &x, 1, &arena, &diag), STATUS_BAD_INPUT, &diag);
    CHECK(strstr(diag.text, "holds no inputs") != NULL);
    put(folder, "b10.json", "[3, 4]", 6);
    put(folder, "b9.json", "[1, 2]", 6);
    put(folder, "notes.txt", "no data", 7);
    put(folder, ".hidden.json", "?", 1);
    REQUIRE_OK(value_file_read(&sets, folder, &x, 1, &arena, &diag), &diag);
    CHECK_U64(sets.count, 2);
    CHECK(sets.set[0].tensor[0]->data.real[0] == 1); /* 9 before 10 */
    put(folder, "c.csv", "oops", 4);
    CHECK_STATUS(value_file_read(&sets, folder, &x, 1, &arena, &diag), STATUS_BAD_INPUT, &diag);
    CHECK_U64(sets.count, 2); /* what was there before */
    CHECK_STATUS(value_file_read(&sets, "/nonexistent/in.json", &x, 1, &arena, &diag),
                 STATUS_BAD_INPUT, &diag);
    arena_release(&arena);
}

TEST(test_data_folders)
{
    struct arena arena = {0};
    struct value_sets sets = {0};
    struct value_set outputs;
    struct diag diag = {0};
    const char *folder = test_source_path("tests/models/linear_gemm");
    struct value_spec x = {.name = "x", .type = ELEMENT_F32},
                      y = {.name = "y", .type = ELEMENT_F32};
    REQUIRE_OK(value_file_read(&sets, folder, &x, 1, &arena, &diag), &diag);
    CHECK(sets.count >= 3);
    char set[4200];
    snprintf(set, sizeof set, "%s/test_data_set_0", folder);
    REQUIRE_OK(value_outputs_read(&outputs, set, &y, 1, &arena, &diag), &diag);
    CHECK(outputs.tensor[0]->count > 0);
    struct value_spec two[2] = {y, {.name = "more", .type = ELEMENT_F32}};
    CHECK_STATUS(value_outputs_read(&outputs, set, two, 2, &arena, &diag), STATUS_BAD_INPUT, &diag);
    CHECK(strstr(diag.text, "nothing is given for input 'more'") != NULL);
    arena_release(&arena);
}

TEST(literals)
{
    struct arena arena = {0};
    struct diag diag = {0};
    struct tensor *tensor;
    struct value_spec rate = spec("sr", ELEMENT_I64, 0, 0, 0),
                      list = spec("l", ELEMENT_I64, 1, 2, 0);
    REQUIRE_OK(value_literal_read(&tensor, "16000", &rate, &arena, &diag), &diag);
    CHECK_I64(tensor->data.integer[0], 16000);
    REQUIRE_OK(value_literal_read(&tensor, "[3, -1]", &list, &arena, &diag), &diag);
    CHECK_I64(tensor->data.integer[1], -1);
    CHECK_STATUS(value_literal_read(&tensor, "abc", &rate, &arena, &diag), STATUS_BAD_INPUT, &diag);
    CHECK_STATUS(value_literal_read(&tensor, "5", &list, &arena, &diag), STATUS_BAD_INPUT, &diag);
    arena_release(&arena);
}

TEST(words_beyond_the_table_have_numbers_of_their_own_in_each_set)
{
    struct arena arena = {0};
    struct value_sets sets;
    struct diag diag;
    struct tensor *table = tensor_new(&arena, ELEMENT_STRING, &(struct shape){1, {1}});
    table->data.text[0] = "known";
    const char *room[3];
    struct value_words words = {.word = room, .most = 3};
    struct value_spec specs[2] = {spec("x", ELEMENT_I64, 1, 3, 0), spec("y", ELEMENT_I64, 1, 1, 0)};
    specs[0].text_table = specs[1].text_table = table;
    specs[0].words = specs[1].words = &words;
    const char *text = "[{\"x\": [\"a\", \"known\", \"b\"], \"y\": [\"b\"]},"
                       " {\"x\": [\"b\", \"b\", \"a\"], \"y\": [\"c\"]}]";
    REQUIRE_OK(read_text(&sets, "in.json", text, specs, 2, &arena, &diag), &diag);
    static const int64_t expected[2][4] = {{-1, 0, -2, -2}, {-1, -1, -2, -3}};
    REQUIRE(sets.count == 2);
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < 4; i++)
            CHECK_I64(sets.set[s].tensor[i / 3]->data.integer[i % 3], expected[s][i]);
    specs[0].words = NULL;
    REQUIRE_OK(read_text(&sets, "in.json", text, specs, 2, &arena, &diag), &diag);
    CHECK_I64(sets.set[0].tensor[0]->data.integer[2], -1);
    arena_release(&arena);
}
