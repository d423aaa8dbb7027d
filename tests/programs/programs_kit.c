/* See programs_kit.h. */
#include "tests/programs/programs_kit.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ir/support/file.h"

enum { ARGUMENTS_MAX = 40, FILE_BYTES_MAX = 1 << 26 };

/* Before main: the caches of the programs, and what they keep, go into the build folder. */
__attribute__((constructor)) static void keep_caches_here(void)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/tests", test_build_dir());
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/tests/cache", test_build_dir());
    mkdir(path, 0755);
    setenv("XDG_CACHE_HOME", path, 1);
    snprintf(path, sizeof path, "%s/tests/data", test_build_dir());
    mkdir(path, 0755);
    setenv("XDG_DATA_HOME", path, 1);
}

const char *kit_text(const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    REQUIRE(length >= 0 && (size_t)length < sizeof text);
    /* The harness keeps paths until the case ends, and any text is a path below "". */
    return test_path("", text) + 1;
}

struct test_output kit_run(const char *program, const char *const *arguments)
{
    const char *argv[ARGUMENTS_MAX] = {test_program_path(program)};
    size_t count = 1;
    for (size_t i = 0; arguments[i] != NULL; i++) {
        REQUIRE(count + 1 < ARGUMENTS_MAX);
        argv[count++] = arguments[i];
    }
    return test_run(argv);
}

struct test_output kit_shell(const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    REQUIRE(length >= 0 && (size_t)length < sizeof text);
    setenv("SERTNC", test_program_path("sertnc"), 1);
    setenv("SERTN_RUN", test_program_path("sertn-run"), 1);
    setenv("SERTN_REGISTRY", test_program_path("sertn-registry"), 1);
    const char *argv[] = {"/bin/sh", "-c", text, NULL};
    return test_run(argv);
}

/* ---- models ---- */

const char *kit_model(const char *model, const char *file)
{
    return test_source_path(kit_text("tests/models/%s/%s", model, file));
}

const char *kit_compiled(const char *model)
{
    const char *folder = kit_text("%s/%s.sertn", test_temp_dir(), model);
    struct test_output out = SERTNC(kit_model(model, "model.onnx"), "-o", folder, "--data",
                                    kit_model(model, "test_data_set_0"), "--quiet");
    kit_done(&out, model);
    REQUIRE(file_is_dir(folder));
    return folder;
}

const char *kit_keyed(const char *model)
{
    const char *folder = kit_compiled(model);
    struct test_output out = SERTN_RUN("keys", folder, "--quiet");
    kit_done(&out, model);
    REQUIRE(file_exists(test_path(folder, "public/vk")));
    return folder;
}

const char *kit_proved(const char *folder, const char *model)
{
    const char *proof = test_path(test_temp_dir(), "proof.json");
    struct test_output out = SERTN_RUN("prove", folder, "--input", kit_model(model, "input.json"),
                                       "-o", proof, "--quiet");
    kit_done(&out, model);
    REQUIRE(file_exists(proof));
    return proof;
}

const char *kit_ceremony(const char *kind)
{
    const char *path = kit_text("%s/tests/%s_%d.ptau", test_build_dir(), kind, KIT_CEREMONY_POWER);
    const char *made = test_path(test_temp_dir(), "made.ptau");
    if (!file_exists(test_source_path("contracts/node_modules/.bin/snarkjs")))
        test_skip("snarkjs is not installed: contracts/setup");
    if (file_exists(path))
        return path;
    const char *make[] = {test_source_path("tests/backend/commit/make_ptau.sh"),
                          kit_text("%d", KIT_CEREMONY_POWER), made, kind, NULL};
    struct test_output out = test_run(make);
    kit_done(&out, "make_ptau.sh");
    struct buffer bytes = kit_read(made);
    kit_write(path, bytes.data, bytes.count);
    buffer_release(&bytes);
    return path;
}

/* ---- what they print ---- */

cJSON *kit_json(const struct test_output *output)
{
    const char *end = NULL;
    cJSON *object = cJSON_ParseWithOpts(output->text, &end, 0);
    bool whole = cJSON_IsObject(object) && strspn(end, "\n") == strlen(end);
    if (!whole) {
        cJSON_Delete(object);
        test_fail(__FILE__, __LINE__, "not one JSON object: %.300s %.300s", output->text,
                  output->errors);
        test_end_case();
    }
    return object;
}

const cJSON *kit_member(const cJSON *object, const char *name)
{
    static const cJSON nothing = {.type = cJSON_Object};
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    CHECK_MSG(item != NULL, "there is no field '%s'", name);
    return item == NULL ? &nothing : item;
}

double kit_number(const cJSON *object, const char *name)
{
    const cJSON *item = kit_member(object, name);
    CHECK_MSG(cJSON_IsNumber(item), "field '%s' is no number", name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

void kit_done(const struct test_output *output, const char *what)
{
    CHECK_MSG(output->exit_status == 0, "%s: exit status %d: %.400s", what, output->exit_status,
              output->errors);
}

void kit_refused(const struct test_output *output, int exit_status, const char *says,
                 const char *what)
{
    const char *line = strchr(output->errors, '\n');
    CHECK_MSG(line != NULL && line[1] == '\0', "%s: not one line: %.600s", what, output->errors);
    kit_refused_each(output, exit_status, says, what);
}

void kit_refused_each(const struct test_output *output, int exit_status, const char *says,
                      const char *what)
{
    CHECK_MSG(output->exit_status == exit_status, "%s: exit status %d instead of %d: %.400s", what,
              output->exit_status, exit_status, output->errors);
    CHECK_MSG(output->text_bytes == 0, "%s: printed %.300s", what, output->text);
    CHECK_MSG(output->errors_bytes > 0, "%s: says nothing", what);
    for (const char *line = output->errors; *line != '\0';) {
        const char *end = strchr(line, '\n');
        CHECK_MSG(strncmp(line, "sertn", 5) == 0 && end != NULL && end - line > 20,
                  "%s: no sentence: %.300s", what, line);
        if (end == NULL)
            break;
        line = end + 1;
    }
    CHECK_MSG(says == NULL || strstr(output->errors, says) != NULL, "%s: does not say '%s': %.300s",
              what, says == NULL ? "" : says, output->errors);
}

/* ---- files ---- */

struct buffer kit_read(const char *path)
{
    struct buffer out;
    struct diag diag = {0};
    buffer_init(&out);
    REQUIRE_OK(file_read(path, FILE_BYTES_MAX, &out, &diag), &diag);
    return out;
}

void kit_write(const char *path, const void *bytes, size_t count)
{
    struct diag diag = {0};
    REQUIRE_OK(file_write(path, bytes, count, FILE_MODE_PUBLIC, false, &diag), &diag);
}

bool kit_same_file(const char *a, const char *b)
{
    struct buffer x = kit_read(a), y = kit_read(b);
    bool same = x.count == y.count && (x.count == 0 || memcmp(x.data, y.data, x.count) == 0);
    buffer_release(&x);
    buffer_release(&y);
    return same;
}

size_t kit_entries(const char *folder)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    REQUIRE(dir != NULL);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return count;
}
