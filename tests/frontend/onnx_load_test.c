/* label: fast libs: sertn_3rd_protobuf_c */
#include "frontend/onnx_load.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ir/support/file.h"
#include "tests/frontend/model_builder.h"
#include "tests/harness/harness.h"

/* y = x w + c, with an attribute or two. */
static struct builder small_model(void)
{
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "batch,2");
    model_tensor(&b, "w", ELEMENT_F32, "2,1", REALS(1, 2));
    model_tensor(&b, "c", ELEMENT_F32, "1", REALS(3));
    node_float(&b, model_node(&b, "Gemm", "x,w,c", "y"), "alpha", 2);
    model_output(&b, "y");
    return b;
}

TEST(cut_files_never_pass_for_whole_ones)
{
    struct builder b = small_model();
    size_t count;
    const uint8_t *bytes = model_bytes(&b, &count);
    struct diag diag;
    struct onnx_file file;
    for (size_t cut = 0; cut < count; cut++) {
        diag = (struct diag){0};
        enum status status = onnx_load_bytes(&file, bytes, cut, "cut.onnx", &diag);
        /* A cut between two fields gives a smaller message, which may still have its graph; never
         * more. */
        if (status == STATUS_OK)
            onnx_release(&file);
        else
            CHECK_MSG(strncmp(diag.text, "cut.onnx: not", 13) == 0, "cut at %zu: %s", cut,
                      diag.text);
    }
    REQUIRE_OK(onnx_load_bytes(&file, bytes, count, "whole", &diag), &diag);
    CHECK_U64(file.model->graph->n_node, 1);
    onnx_release(&file);
    builder_end(&b);
}

TEST(flipped_bytes_never_crash)
{
    struct builder b = small_model();
    size_t count;
    const uint8_t *bytes = model_bytes(&b, &count);
    uint8_t copy[1024];
    REQUIRE(count <= sizeof copy);
    for (size_t i = 0; i < count; i++) {
        for (unsigned flip = 1; flip < 256; flip *= 2) {
            memcpy(copy, bytes, count);
            copy[i] ^= (uint8_t)flip;
            struct onnx_file file;
            struct diag diag = {0};
            struct arena arena = {0};
            arena_init(&arena, (size_t)64 << 20);
            if (onnx_load_bytes(&file, copy, count, "flipped", &diag) == STATUS_OK) {
                struct import_options options = {0};
                struct diag_list problems = {0};
                struct import_notes notes = {0};
                struct graph *graph = NULL;
                enum status status =
                    import_graph(&graph, &file, &options, &arena, &problems, &notes);
                CHECK((status == STATUS_OK) == (problems.count == 0));
                diag_list_release(&problems);
                onnx_release(&file);
            } else {
                CHECK(diag.text[0] != 0);
            }
            arena_release(&arena);
        }
    }
    builder_end(&b);
}

static enum status load_raw(const uint8_t *bytes, size_t count, struct diag *diag)
{
    struct onnx_file file;
    enum status status = onnx_load_bytes(&file, bytes, count, "raw", diag);
    if (status == STATUS_OK)
        onnx_release(&file);
    return status;
}

TEST(broken_bytes_are_explained)
{
    static const struct {
        const char *bytes;
        size_t count;
        const char *text;
    } cases[] = {
        {"", 0, "holds no graph"},
        {"hello, world", 12, "a group"},
        {"\x3a\x05\x0a", 3, "longer than the file"},
        {"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "longer than the file"},
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, "a broken number"},
        {"\x38\x01", 2, "another type"},
        {"\x00", 1, "a broken field tag"},
        {"\x3b\x3c", 2, "a field of another type"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct diag diag = {0};
        CHECK_STATUS(load_raw((const uint8_t *)cases[i].bytes, cases[i].count, &diag),
                     STATUS_BAD_INPUT, &diag);
        CHECK_MSG(strstr(diag.text, cases[i].text) != NULL, "case %zu: %s", i, diag.text);
    }
}

TEST(nesting_has_a_limit)
{
    /* Sequences of sequences of ..., each two bytes of tag and length around the next. */
    static uint8_t bytes[1 << 14];
    size_t count = 0;
    uint8_t *end = bytes + sizeof bytes, *at = end;
    for (int i = 0; i < 3000; i++) {
        size_t inner = (size_t)(end - at);
        /* type.sequence_type (4) . elem_type (1), inside out */
        for (int field = 0; field < 2; field++) {
            *--at = (uint8_t)(inner >> 7 & 0x7F);
            *--at = (uint8_t)(inner & 0x7F) | 0x80;
            *--at = field == 0 ? 0x0A : 0x22;
            inner = (size_t)(end - at);
        }
        if ((size_t)(end - at) > sizeof bytes - 64)
            break;
    }
    /* graph { input { type { ... } } } */
    static const uint8_t tags[] = {0x12, 0x5A, 0x3A};
    for (size_t i = 0; i < sizeof tags; i++) {
        size_t inner = (size_t)(end - at);
        *--at = (uint8_t)(inner >> 7 & 0x7F);
        *--at = (uint8_t)(inner & 0x7F) | 0x80;
        *--at = tags[i];
    }
    count = (size_t)(end - at);
    struct diag diag = {0};
    CHECK_STATUS(load_raw(at, count, &diag), STATUS_BAD_INPUT, &diag);
    CHECK_MSG(strstr(diag.text, "too many levels of nesting") != NULL, "%s", diag.text);
}

TEST(files_that_are_none)
{
    struct onnx_file file;
    struct diag diag = {0};
    CHECK(onnx_load_file(&file, "/nonexistent/model.onnx", &diag) != STATUS_OK);
    CHECK(strstr(diag.text, "/nonexistent/model.onnx") != NULL);
    diag = (struct diag){0};
    CHECK_STATUS(onnx_load_file(&file, test_temp_dir(), &diag), STATUS_BAD_INPUT, &diag);
}

/* --- external data --- */

/* A folder with a model whose only weight, two floats, lies in `location`, and weights.bin with
 * four. */
static const char *external_model(const char *location, const char *offset, const char *length)
{
    static char path[4096];
    const char *folder = test_temp_dir();
    struct builder b = builder_start(13);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_tensor(&b, "w", ELEMENT_F32, "2", REALS(0, 0));
    Onnx__Tensor *w = b.graph->initializer[0];
    w->n_float_data = 0;
    w->has_data_location = 1;
    w->data_location = 1;
    Onnx__Property entries[3] = {ONNX__PROPERTY__INIT, ONNX__PROPERTY__INIT, ONNX__PROPERTY__INIT};
    Onnx__Property *list[3] = {&entries[0], &entries[1], &entries[2]};
    entries[0].key = "location";
    entries[0].value = (char *)location;
    entries[1].key = "offset";
    entries[1].value = (char *)offset;
    entries[2].key = "length";
    entries[2].value = (char *)length;
    w->external_data = list;
    w->n_external_data = length == NULL ? offset == NULL ? 1 : 2 : 3;
    model_node(&b, "Add", "x,w", "y");
    model_output(&b, "y");
    size_t count;
    const uint8_t *bytes = model_bytes(&b, &count);
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    REQUIRE_OK(file_write(path, bytes, count, FILE_MODE_PUBLIC, false, NULL), NULL);
    const float weights[4] = {1, 2, 3, 4};
    char other[4200];
    snprintf(other, sizeof other, "%s/weights.bin", folder);
    REQUIRE_OK(file_write(other, weights, sizeof weights, FILE_MODE_PUBLIC, false, NULL), NULL);
    builder_end(&b);
    return path;
}

static enum status import_file(const char *path, struct diag *diag, double *weight)
{
    struct onnx_file file;
    struct arena arena = {0};
    struct diag_list problems = {0};
    struct import_notes notes = {0};
    struct import_options options = {0};
    struct graph *graph = NULL;
    REQUIRE_OK(onnx_load_file(&file, path, diag), diag);
    enum status status = import_graph(&graph, &file, &options, &arena, &problems, &notes);
    if (status != STATUS_OK)
        *diag = problems.item[0];
    for (size_t i = 0; status == STATUS_OK && i < graph->value_count; i++)
        if (graph->values[i].kind == VALUE_PARAMETER)
            *weight = graph->values[i].data->data.real[0];
    onnx_release(&file);
    diag_list_release(&problems);
    arena_release(&arena);
    return status;
}

TEST(external_data_is_read_from_its_place)
{
    static const struct {
        const char *location, *offset, *length;
        double first;
    } cases[] = {{"weights.bin", NULL, NULL, 1},
                 {"weights.bin", "8", NULL, 3},
                 {"./weights.bin", "4", "8", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct diag diag = {0};
        double weight = 0;
        const char *path = external_model(cases[i].location, cases[i].offset, cases[i].length);
        CHECK_STATUS(import_file(path, &diag, &weight), STATUS_OK, &diag);
        CHECK_MSG(weight == cases[i].first, "case %zu: %g", i, weight);
    }
}

TEST(external_data_stays_in_the_folder)
{
    static const struct {
        const char *location, *offset, *length, *text;
    } cases[] = {
        {"../weights.bin", NULL, NULL, "is refused"},
        {"sub/../../weights.bin", NULL, NULL, "is refused"},
        {"/etc/hostname", NULL, NULL, "is refused"},
        {"", NULL, NULL, "is refused"},
        {"..\\weights.bin", NULL, NULL, "is refused"},
        {"absent.bin", NULL, NULL, "is not in the model's folder"},
        {"weights.bin", "12", NULL, "has 16 bytes, but bytes 12 to 20"},
        {"weights.bin", "18446744073709551615", NULL, "has 16 bytes"},
        {"weights.bin", "-4", NULL, "is not a number"},
        {"weights.bin", "four", NULL, "is not a number"},
        {"weights.bin", "0", "7", "7 bytes where the shape asks for 8"},
        {"link.bin", NULL, NULL, "symbolic link"},
        {"linked/weights.bin", NULL, NULL, "symbolic link"},
        {"hard.bin", NULL, NULL, "hard link"},
        {"pipe", NULL, NULL, "not a regular file"},
        {".", NULL, NULL, "not a regular file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct diag diag = {0};
        double weight = 0;
        const char *path = external_model(cases[i].location, cases[i].offset, cases[i].length);
        int folder = open(path, O_RDONLY);
        REQUIRE(folder >= 0);
        close(folder);
        char parent[4096], hard[4200];
        snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(path, '/') - path), path);
        folder = open(parent, O_RDONLY | O_DIRECTORY);
        REQUIRE(folder >= 0);
        CHECK(symlinkat("weights.bin", folder, "link.bin") == 0);
        CHECK(symlinkat(".", folder, "linked") == 0);
        CHECK(mkfifoat(folder, "pipe", 0600) == 0);
        snprintf(hard, sizeof hard, "%s/other", parent);
        REQUIRE_OK(file_write(hard, "12345678", 8, FILE_MODE_PUBLIC, false, NULL), NULL);
        CHECK(linkat(folder, "other", folder, "hard.bin", 0) == 0);
        close(folder);
        CHECK_STATUS(import_file(path, &diag, &weight), STATUS_BAD_INPUT, &diag);
        CHECK_MSG(strstr(diag.text, cases[i].text) != NULL, "case %zu: %s", i, diag.text);
    }
}

TEST(external_data_without_a_folder_is_refused)
{
    struct builder b = builder_start(13);
    Onnx__Property entry = ONNX__PROPERTY__INIT, *list[1] = {&entry};
    entry.key = "location";
    entry.value = "weights.bin";
    model_input(&b, "x", ELEMENT_F32, "2");
    model_tensor(&b, "w", ELEMENT_F32, "2", REALS(0, 0));
    b.graph->initializer[0]->n_float_data = 0;
    b.graph->initializer[0]->has_data_location = 1;
    b.graph->initializer[0]->data_location = 1;
    b.graph->initializer[0]->external_data = list;
    b.graph->initializer[0]->n_external_data = 1;
    model_node(&b, "Add", "x,w", "y");
    model_output(&b, "y");
    CHECK_REFUSED(&b, STATUS_BAD_INPUT, "this model has no folder");
    builder_end(&b);
}
