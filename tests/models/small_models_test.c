/* label: prover libs: sertn_benchmarks sertn_3rd_cjson */
/*
 * Every small model is compiled, proved and verified by the programs, and its outputs are those of
 * onnxruntime: the way of a user from the file to an accepted proof.
 */
#include <cjson/cJSON.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "benchmarks/models.h"
#include "ir/support/file.h"
#include "tests/harness/harness.h"

enum { FILE_BYTES_MAX = 1 << 20 };

static cJSON *read_json(const char *path)
{
    struct buffer text = {0};
    struct diag diag = {0};
    REQUIRE_OK(file_read(path, FILE_BYTES_MAX, &text, &diag), &diag);
    cJSON *made = cJSON_Parse(buffer_text(&text));
    buffer_release(&text);
    REQUIRE(made != NULL);
    return made;
}

/* Runs a command that must succeed and returns the object it prints. */
static cJSON *run_json(const char *model, const char *const *argv)
{
    struct test_output ran = test_run(argv);
    cJSON *said = cJSON_Parse(ran.text);
    CHECK_MSG(ran.exit_status == 0, "%s, %s: %s%s", model, argv[1], ran.text, ran.errors);
    CHECK_MSG(said != NULL, "%s, %s printed no JSON: %s", model, argv[1], ran.text);
    return said;
}

/* The compiled model, or null when that failed. Set 1 and 2 calibrate too, where they are. */
static const char *compile(const char *name, const char *folder)
{
    const char *out = test_path(test_temp_dir(), "model.sertn");
    const char *argv[] = {test_program_path("sertnc"),
                          test_path(folder, "model.onnx"),
                          "-o",
                          out,
                          "--data",
                          test_path(folder, "test_data_set_0"),
                          "--data",
                          test_path(folder, "test_data_set_1"),
                          "--data",
                          test_path(folder, "test_data_set_2"),
                          "--json",
                          NULL};
    cJSON *said = run_json(name, argv);
    bool done = said != NULL && !cJSON_GetObjectItemCaseSensitive(said, "error");
    cJSON_Delete(said);
    return done ? out : NULL;
}

static void goes_all_the_way(const char *name, const char *folder)
{
    const char *model = compile(name, folder);
    if (model == NULL)
        return;
    const char *proof = test_path(test_temp_dir(), "proof.json");
    const char *program = test_program_path("sertn-run");
    const char *prove[] = {program, "prove", model,    "--input", test_path(folder, "input.json"),
                           "-o",    proof,   "--json", NULL};
    const char *verify[] = {program, "verify", model, proof, "--json", NULL};
    cJSON *reference = read_json(test_path(folder, "output.json"));
    double error = 0;
    cJSON *said = run_json(name, prove);
    const cJSON *outputs = cJSON_GetObjectItemCaseSensitive(said, "outputs");
    char *printed = cJSON_PrintUnformatted(outputs);
    CHECK_MSG(outputs && model_same_values(outputs, reference, &error), "%s gives %s", name,
              printed ? printed : "nothing");
    free(printed);
    cJSON_Delete(said);
    cJSON_Delete(reference);
    said = run_json(name, verify);
    CHECK_MSG(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(said, "verified")), "%s", name);
    cJSON_Delete(said);
}

TEST(every_small_model_is_proved_with_the_right_outputs)
{
    const char *models = test_source_path("tests/models");
    DIR *listing = opendir(models);
    size_t count = 0;
    REQUIRE(listing != NULL);
    for (struct dirent *entry = readdir(listing); entry; entry = readdir(listing)) {
        const char *folder = test_path(models, entry->d_name);
        if (entry->d_name[0] == '.' || !file_exists(test_path(folder, "output.json")))
            continue;
        goes_all_the_way(entry->d_name, folder);
        count++;
    }
    closedir(listing);
    CHECK(count >= 24);
}
