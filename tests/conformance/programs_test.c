/* label: slow libs: test_helpers_programs sertn_3rd_cjson */
/*
 * A spread of ONNX's node tests as users run them: `sertnc MODEL --data SET`, then `sertn-run
 * check` on the same inputs, its JSON compared with the reference by the rule of ONNX's runner.
 * Each has to end as it does inside the driver. Which data, which filter: see README.md; every
 * SERTN_CONFORMANCE_STRIDE-th test is taken.
 */
#include "tests/conformance/conformance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/programs/programs_kit.h"

enum { TENSORS_MAX = 256 };

/* ---- JSON to tensors ---- */

struct printed {
    struct arena *arena;
    struct computed *computed;
    size_t count;
};

static enum element_type type_of(const char *name)
{
    for (int type = ELEMENT_F32; type <= ELEMENT_I2; type++)
        if (strcmp(element_type_name((enum element_type)type), name) == 0)
            return (enum element_type)type;
    return strcmp(name, "string") == 0 ? ELEMENT_STRING : ELEMENT_UNDEFINED;
}

static double real_of(const cJSON *item)
{
    if (!cJSON_IsString(item))
        return cJSON_IsBool(item) ? cJSON_IsTrue(item) : item->valuedouble;
    return strcmp(item->valuestring, "NaN") == 0         ? NAN
           : strcmp(item->valuestring, "Infinity") == 0  ? INFINITY
           : strcmp(item->valuestring, "-Infinity") == 0 ? -INFINITY
                                                         : strtod(item->valuestring, NULL);
}

static int64_t integer_of(const cJSON *item, enum element_type type)
{
    if (!cJSON_IsString(item))
        return cJSON_IsBool(item) ? cJSON_IsTrue(item) : (int64_t)item->valuedouble;
    return type == ELEMENT_U64 ? (int64_t)strtoull(item->valuestring, NULL, 10)
                               : strtoll(item->valuestring, NULL, 10);
}

static void fill(struct tensor *tensor, size_t *next, const cJSON *item, struct arena *arena)
{
    const cJSON *child;
    cJSON_ArrayForEach(child, item) fill(tensor, next, child, arena);
    if (cJSON_IsArray(item) || *next >= tensor->count)
        return;
    size_t i = (*next)++;
    if (tensor->type == ELEMENT_STRING)
        tensor->data.text[i] =
            arena_strdup(arena, cJSON_IsString(item) ? item->valuestring : "(no text)");
    else if (element_type_is_float(tensor->type))
        tensor->data.real[i] = real_of(item);
    else
        tensor->data.integer[i] = integer_of(item, tensor->type);
}

/* One output, or the items of a sequence: `types` is nested as they are. */
static bool take(struct printed *printed, const char *name, const char *sequence,
                 const cJSON *value, const cJSON *types, const cJSON *shapes)
{
    if (cJSON_IsArray(types)) {
        bool done = true;
        for (int i = 0; done && i < cJSON_GetArraySize(types); i++)
            done = take(printed, name, name, cJSON_GetArrayItem(value, i),
                        cJSON_GetArrayItem(types, i), cJSON_GetArrayItem(shapes, i));
        return done;
    }
    struct shape shape = {0};
    const cJSON *dim;
    size_t next = 0;
    cJSON_ArrayForEach(dim, shapes)
    {
        if (shape.rank == TENSOR_RANK_MAX)
            return false;
        shape.dim[shape.rank++] = (int64_t)dim->valuedouble;
    }
    if (!cJSON_IsString(types) || value == NULL || printed->count == TENSORS_MAX)
        return false;
    struct tensor *tensor = tensor_new(printed->arena, type_of(types->valuestring), &shape);
    if (tensor == NULL)
        return false;
    fill(tensor, &next, value, printed->arena);
    printed->computed[printed->count++] =
        (struct computed){.name = name, .sequence = sequence, .tensor = tensor};
    return next == tensor->count;
}

/* Whether what check printed is the reference. */
static bool agrees(const char *folder, const cJSON *result, struct arena *arena,
                   const char **reason)
{
    struct computed computed[TENSORS_MAX];
    struct printed printed = {arena, computed, 0};
    struct onnx_file file = {0};
    struct expected expected;
    struct diag diag = {0};
    const cJSON *value, *outputs = cJSON_GetObjectItemCaseSensitive(result, "outputs"),
                        *types = cJSON_GetObjectItemCaseSensitive(result, "output_types"),
                        *shapes = cJSON_GetObjectItemCaseSensitive(result, "output_shapes");
    bool done = true;
    cJSON_ArrayForEach(value, outputs) done =
        done && take(&printed, value->string, NULL, value,
                     cJSON_GetObjectItemCaseSensitive(types, value->string),
                     cJSON_GetObjectItemCaseSensitive(shapes, value->string));
    *reason = "the printed outputs do not have the types and shapes that are printed";
    enum status status = onnx_load_file(&file, test_path(folder, "model.onnx"), &diag);
    if (status == STATUS_OK)
        status =
            expected_read(&expected, &file, test_path(folder, "test_data_set_0"), arena, &diag);
    if (status == STATUS_OK && done)
        status =
            expected_compare(&expected, computed, printed.count, CONFORMANCE_ONNX_TOLERANCE, &diag);
    if (status != STATUS_OK)
        *reason = kit_text("%s", diag.text);
    onnx_release(&file);
    return done && status == STATUS_OK;
}

/* ---- the programs ---- */

static bool passes(const char *folder, const char **reason)
{
    struct arena arena;
    const char *compiled = test_path(test_temp_dir(), "m.sertn");
    const char *data = test_path(folder, "test_data_set_0");
    struct test_output out =
        SERTNC(test_path(folder, "model.onnx"), "-o", compiled, "--data", data, "--quiet");
    *reason = kit_text("sertnc: %.300s", out.errors);
    if (out.exit_status != 0)
        return false;
    out = SERTN_RUN("check", compiled, "--input", data, "--json");
    cJSON *result = kit_json(&out);
    *reason = kit_text("check: %.300s", out.text);
    arena_init(&arena, 0);
    bool is_good = out.exit_status == 0 && agrees(folder, result, &arena, reason);
    arena_release(&arena);
    cJSON_Delete(result);
    return is_good;
}

TEST(a_spread_of_node_tests_ends_with_the_programs_as_in_the_driver)
{
    struct conformance_suite all = {0};
    struct conformance_limits limits = conformance_limits(300, 4096, CONFORMANCE_ONNX_TOLERANCE);
    size_t stride = strtoul(conformance_setting("SERTN_CONFORMANCE_STRIDE", "11"), NULL, 10);
    size_t count = 0, passed = 0;
    REQUIRE(
        conformance_suite_add_data(&all, conformance_setting("SERTN_CONFORMANCE_FILTER", NULL)));
    if (all.count == 0)
        test_skip("no ONNX test data");
    struct conformance_test *tests = calloc(all.count, sizeof *tests); /* strings are the suite's */
    REQUIRE(tests != NULL && stride > 0);
    for (size_t i = 0; i < all.count; i += stride)
        tests[count++] = all.tests[i];
    conformance_run_all(tests, count, &limits, NULL);
    for (size_t i = 0; i < count; i++) {
        const struct conformance_test *test = &tests[i];
        const char *reason = "";
        bool in_driver = test->result.outcome == CONFORMANCE_PASSED;
        bool by_programs = passes(test->folder, &reason);
        passed += by_programs;
        CHECK_MSG(in_driver == by_programs, "%s %s: %s in the driver (%s), %s by the programs (%s)",
                  test->release, test->name, in_driver ? "passes" : "does not pass",
                  test->result.reason, by_programs ? "passes" : "does not pass",
                  by_programs ? "" : reason);
    }
    printf("%zu of %zu tests pass by the programs\n", passed, count);
    CHECK(passed > 0);
    free(tests);
    conformance_suite_release(&all);
}
