/* label: fast libs: sertn_3rd_cjson */
/* Every model of tests/models/bad is refused by sertnc: exit status 2, a sentence, nothing written.
 */
#include <cjson/cJSON.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "tests/harness/harness.h"

enum { LIST_BYTES_MAX = 1 << 20, SENTENCE_BYTES_MAX = 2000 };

/* Reads list.tsv; calls `refuse` with each path and what is wrong with it. */
static size_t for_each_model(void (*refuse)(const char *path, const char *wrong))
{
    struct buffer list = {0};
    struct diag diag = {0};
    size_t count = 0;
    REQUIRE_OK(
        file_read(test_source_path("tests/models/bad/list.tsv"), LIST_BYTES_MAX, &list, &diag),
        &diag);
    char *rest = NULL;
    for (char *line = strtok_r((char *)list.data, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        char *tab = strchr(line, '\t');
        REQUIRE(tab != NULL);
        *tab = 0;
        refuse(line, tab + 1);
        count++;
    }
    buffer_release(&list);
    return count;
}

static void is_refused(const char *path, const char *wrong)
{
    const char *folder = test_temp_dir();
    const char *model = test_path(test_source_path("tests/models/bad"), path);
    const char *out = test_path(folder, "model.sertn");
    const char *argv[] = {test_program_path("sertnc"), model, "-o", out, NULL};
    struct test_output ran = test_run(argv);
    CHECK_MSG(ran.exit_status == 2, "%s (%s): exit status %d", path, wrong, ran.exit_status);
    CHECK_MSG(ran.text_bytes == 0, "%s: printed %s", path, ran.text);
    CHECK_MSG(strncmp(ran.errors, "sertnc: ", 8) == 0 && ran.errors_bytes < SENTENCE_BYTES_MAX,
              "%s: said %s", path, ran.errors);
    CHECK_MSG(!file_exists(out) && !file_is_dir(out), "%s: left %s behind", path, out);
}

static void is_refused_in_json(const char *path, const char *wrong)
{
    const char *out = test_path(test_temp_dir(), "model.sertn");
    const char *model = test_path(test_source_path("tests/models/bad"), path);
    const char *argv[] = {test_program_path("sertnc"), model, "-o", out, "--json", NULL};
    struct test_output ran = test_run(argv);
    cJSON *said = cJSON_Parse(ran.text);
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(said, "error");
    CHECK_MSG(ran.exit_status == 2, "%s (%s): exit status %d", path, wrong, ran.exit_status);
    CHECK_MSG(cJSON_IsString(error) && strlen(error->valuestring) > 10, "%s: %s", path, ran.text);
    cJSON_Delete(said);
}

TEST(every_bad_model_is_refused_with_a_sentence)
{
    CHECK(for_each_model(is_refused) >= 60);
}

TEST(every_bad_model_is_refused_in_json)
{
    CHECK(for_each_model(is_refused_in_json) >= 60);
}

TEST(several_problems_are_reported_at_once)
{
    const char *model = test_source_path("tests/models/bad/three_problems.onnx");
    const char *argv[] = {test_program_path("sertnc"), model, "-o",
                          test_path(test_temp_dir(), "model.sertn"), NULL};
    struct test_output ran = test_run(argv);
    CHECK(ran.exit_status == 2);
    CHECK(strstr(ran.errors, "Frobnicate") != NULL);
    CHECK(strstr(ran.errors, "com.example") != NULL);
    CHECK(strstr(ran.errors, "nowhere") != NULL);
}

/* What hangs on a problem is not listed; the order is that of the stages, and of the file. */
TEST(problems_of_every_stage_are_reported_at_once)
{
    static const char *const problems[] = {"--dim width=N", "(Rellu, ", "node open (NonZero, ",
                                           "node before (Det, ", "node beside (Det, "};
    const char *model = test_source_path("tests/models/bad/every_stage.onnx");
    const char *out = test_path(test_temp_dir(), "model.sertn");
    const char *argv[] = {test_program_path("sertnc"), model, "-o", out, NULL};
    struct test_output ran = test_run(argv);
    CHECK(ran.exit_status == 2 && !file_is_dir(out));
    const char *line = ran.errors;
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        const char *end = strchr(line, '\n'), *found = strstr(line, problems[i]);
        REQUIRE(end != NULL);
        CHECK_MSG(found != NULL && found < end, "line %zu: %s", i, line);
        line = end + 1;
    }
    CHECK_MSG(*line == 0, "more: %s", line);
}

/* A field of bytes in protobuf's encoding. */
static void put_field(struct buffer *out, unsigned field, const void *bytes, size_t count)
{
    buffer_put_u8(out, (uint8_t)(field << 3 | 2));
    size_t rest = count;
    for (; rest >= 0x80; rest >>= 7)
        buffer_put_u8(out, (uint8_t)(rest | 0x80));
    buffer_put_u8(out, (uint8_t)rest);
    buffer_put(out, bytes, count);
}

/* Nodes of an operator that nobody knows, each an output of the model. */
static struct buffer unknown_nodes(unsigned count)
{
    /* x: float32 [2]; opset 17. */
    static const uint8_t input[] = {0x0a, 1,    'x', 0x12, 10, 0x0a, 8, 0x08,
                                    1,    0x12, 4,   0x0a, 2,  0x08, 2};
    static const uint8_t opset[] = {0x10, 17};
    struct buffer graph, model, part;
    buffer_init(&graph);
    buffer_init(&model);
    buffer_init(&part);
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        int length = snprintf(name, sizeof name, "y%u", i);
        buffer_clear(&part);
        put_field(&part, 1, "x", 1);
        put_field(&part, 2, name, (size_t)length);
        put_field(&part, 4, "Frobnicate", 10);
        put_field(&graph, 1, part.data, part.count);
        buffer_clear(&part);
        put_field(&part, 1, name, (size_t)length);
        put_field(&graph, 12, part.data, part.count);
    }
    put_field(&graph, 11, input, sizeof input);
    put_field(&model, 7, graph.data, graph.count);
    put_field(&model, 8, opset, sizeof opset);
    buffer_release(&graph);
    buffer_release(&part);
    return model;
}

TEST(more_problems_than_are_listed_are_counted)
{
    const char *path = test_path(test_temp_dir(), "many.onnx");
    struct buffer model = unknown_nodes(DIAG_LIST_LIMIT + 7);
    REQUIRE_OK(file_write(path, model.data, model.count, FILE_MODE_PUBLIC, false, NULL), NULL);
    buffer_release(&model);
    const char *argv[] = {test_program_path("sertnc"), path, "--report-only", NULL};
    struct test_output ran = test_run(argv);
    CHECK(ran.exit_status == 2);
    CHECK(strstr(ran.errors, "Frobnicate_999'") != NULL);
    CHECK_MSG(strstr(ran.errors, "\nsertnc: 7 problems more, which are not listed\n") != NULL,
              "%.300s", ran.errors);
    const char *json_argv[] = {test_program_path("sertnc"), path, "--report-only", "--json", NULL};
    ran = test_run(json_argv);
    cJSON *said = cJSON_Parse(ran.text);
    CHECK(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(said, "problems")) ==
          DIAG_LIST_LIMIT);
    const cJSON *lost = cJSON_GetObjectItemCaseSensitive(said, "problems_not_listed");
    CHECK(cJSON_IsNumber(lost) && lost->valueint == 7);
    cJSON_Delete(said);
}
