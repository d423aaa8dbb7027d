/* See output_kit.h. */
#include "tests/programs/output_kit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/tensor_pb.h"

static const double relative_tolerance = 1e-3, absolute_tolerance = 1e-6;

static bool real_agrees(const cJSON *got, double want)
{
    if (cJSON_IsString(got)) {
        const char *text = got->valuestring;
        return isnan(want)   ? strcmp(text, "NaN") == 0
               : isinf(want) ? strcmp(text, want > 0 ? "Infinity" : "-Infinity") == 0
                             : false;
    }
    return cJSON_IsNumber(got) &&
           fabs(got->valuedouble - want) <= absolute_tolerance + relative_tolerance * fabs(want);
}

/* Walks nested lists and compares with the elements of a tensor, row-major. */
static bool agrees(const cJSON *got, const struct tensor *want, size_t *at)
{
    if (cJSON_IsArray(got)) {
        const cJSON *item;
        cJSON_ArrayForEach(item, got)
        {
            if (!agrees(item, want, at))
                return false;
        }
        return true;
    }
    if (*at == want->count)
        return false;
    size_t i = (*at)++;
    if (want->type == ELEMENT_STRING)
        return cJSON_IsString(got) && strcmp(got->valuestring, want->data.text[i]) == 0;
    if (element_type_is_float(want->type))
        return real_agrees(got, want->data.real[i]);
    return (cJSON_IsNumber(got) && got->valuedouble == (double)want->data.integer[i]) ||
           (cJSON_IsBool(got) && (got->valueint != 0) == (want->data.integer[i] != 0));
}

/* Compares with output_<k>.pb, when that file holds a tensor and not ZipMap's sequence. */
static void check_tensor(const cJSON *got, const char *path, const char *what)
{
    struct arena arena;
    struct tensor *want = NULL;
    const char *name;
    struct diag diag = {0};
    struct buffer bytes = kit_read(path);
    arena_init(&arena, 0);
    bool is_tensor =
        tensor_pb_read(&want, &name, bytes.data, bytes.count, &arena, &diag) == STATUS_OK;
    if (is_tensor) {
        size_t at = 0;
        char *text = cJSON_PrintUnformatted(got);
        CHECK_MSG(agrees(got, want, &at) && at == want->count, "%s: %s differs from %s", what, text,
                  path);
        free(text);
    }
    arena_release(&arena);
    buffer_release(&bytes);
}

bool output_json_agrees(const cJSON *got, const cJSON *want)
{
    if (!cJSON_IsArray(want) && !cJSON_IsObject(want))
        return cJSON_IsString(want) ? cJSON_Compare(got, want, true)
                                    : real_agrees(got, want->valuedouble);
    if (cJSON_GetArraySize(got) != cJSON_GetArraySize(want))
        return false;
    const cJSON *a = got->child;
    for (const cJSON *b = want->child; b != NULL; b = b->next, a = a->next) {
        if (!output_json_agrees(a, b))
            return false;
    }
    return true;
}

void output_check_set(const cJSON *result, const char *folder, const char *what)
{
    const cJSON *types = kit_member(result, "output_types"),
                *shapes = kit_member(result, "output_shapes"), *item;
    unsigned k = 0;
    cJSON_ArrayForEach(item, kit_member(result, "outputs"))
    {
        check_tensor(item, test_path(folder, kit_text("output_%u.pb", k++)), what);
        const cJSON *type = kit_member(types, item->string),
                    *shape = kit_member(shapes, item->string);
        /* A sequence has a list: of types, of shapes. */
        bool is_sequence = cJSON_IsArray(type);
        CHECK(is_sequence ? cJSON_GetArraySize(type) == cJSON_GetArraySize(item)
                          : cJSON_IsString(type));
        CHECK(cJSON_IsArray(shape) &&
              (!is_sequence || cJSON_GetArraySize(shape) == cJSON_GetArraySize(item)));
    }
    CHECK(k > 0);
}
