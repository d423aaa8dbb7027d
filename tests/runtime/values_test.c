/* label: fast libs: sertn_3rd_cjson */
/* Values as JSON: what is printed reads back as the same number, bit for bit. */
#include "runtime/values.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/harness.h"

enum { COUNT = 4000 };

/* The elements of a tensor of one axis, printed and parsed again. */
static cJSON *round_trip(struct tensor *tensor, struct port *port)
{
    port->type = tensor->type;
    port->shape = (struct shape){.rank = 1, .dim = {(int64_t)tensor->count}};
    cJSON *made = values_nested_json(port, values_tensor_item, tensor);
    char *text = cJSON_PrintUnformatted(made);
    cJSON *read = cJSON_Parse(text);
    free(text);
    cJSON_Delete(made);
    REQUIRE(cJSON_GetArraySize(read) == (int)tensor->count);
    return read;
}

static struct tensor *make(struct arena *arena, enum element_type type)
{
    struct shape shape = {.rank = 1, .dim = {COUNT}};
    arena_init(arena, 0);
    struct tensor *tensor = tensor_new(arena, type, &shape);
    REQUIRE(tensor != NULL);
    return tensor;
}

TEST(doubles_read_back_bit_for_bit)
{
    static const double edges[] = {0,
                                   -0.0,
                                   1,
                                   -1,
                                   0.1,
                                   1.0 / 3,
                                   DBL_MAX,
                                   -DBL_MAX,
                                   DBL_MIN,
                                   0x1p-1074,
                                   9007199254740991.0,
                                   1e21,
                                   1e-7,
                                   123456789.125};
    enum { EDGES = sizeof edges / sizeof *edges };
    struct arena arena;
    struct port port = {0};
    struct tensor *tensor = make(&arena, ELEMENT_F64);
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t bits = test_random_u64();
        memcpy(&tensor->data.real[i], &bits, sizeof bits);
        if (i < EDGES)
            tensor->data.real[i] = edges[i];
        else if (!isfinite(tensor->data.real[i]))
            tensor->data.real[i] = (double)(int64_t)bits / 1e9;
    }
    cJSON *read = round_trip(tensor, &port);
    const cJSON *item = read->child;
    for (size_t i = 0; i < COUNT; i++, item = item->next)
        CHECK_MSG(cJSON_IsNumber(item) && memcmp(&item->valuedouble, &tensor->data.real[i], 8) == 0,
                  "%a reads back as %a", tensor->data.real[i], item->valuedouble);
    cJSON_Delete(read);
    arena_release(&arena);
}

/* Up to 2^53 as numbers, beyond as strings. */
TEST(integers_read_back_digit_for_digit)
{
    struct arena arena;
    struct port port = {0};
    struct tensor *tensor = make(&arena, ELEMENT_I64);
    for (size_t i = 0; i < COUNT; i++)
        tensor->data.integer[i] = i < 4 ? (int64_t[]){(INT64_C(1) << 53) - 1, -(INT64_C(1) << 53),
                                                      INT64_MAX, INT64_MIN}[i]
                                        : (int64_t)test_random_edge_u64();
    cJSON *read = round_trip(tensor, &port);
    const cJSON *item = read->child;
    for (size_t i = 0; i < COUNT; i++, item = item->next) {
        int64_t want = tensor->data.integer[i];
        bool small = want >= -(INT64_C(1) << 53) && want <= INT64_C(1) << 53;
        CHECK(cJSON_IsNumber(item) == small && cJSON_IsString(item) == !small);
        CHECK_I64(small ? (int64_t)item->valuedouble : strtoll(item->valuestring, NULL, 10), want);
    }
    cJSON_Delete(read);
    arena_release(&arena);
}

TEST(numbers_that_are_none_are_words)
{
    struct arena arena;
    struct port port = {0};
    struct tensor *tensor = make(&arena, ELEMENT_F32);
    for (size_t i = 0; i < COUNT; i++)
        tensor->data.real[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -INFINITY;
    cJSON *read = round_trip(tensor, &port);
    CHECK_TEXT(cJSON_GetArrayItem(read, 0)->valuestring, "NaN");
    CHECK_TEXT(cJSON_GetArrayItem(read, 1)->valuestring, "Infinity");
    CHECK_TEXT(cJSON_GetArrayItem(read, 2)->valuestring, "-Infinity");
    cJSON_Delete(read);
    arena_release(&arena);
}
