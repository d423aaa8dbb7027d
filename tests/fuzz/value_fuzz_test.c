/* label: fast libs: sertn_frontend */
/* Inputs of a model from hostile bytes. */
#include <string.h>

#include "frontend/tensor_pb.h"
#include "frontend/value_file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/harness/harness.h"

/* The first byte picks the ending of the name, which decides between formats that look alike. */
static void read_values(const uint8_t *bytes, size_t count)
{
    static const char *const names[] = {"in.json", "in.csv", "in.npy", "in.npz", "in.pb", "in"};
    static const char *const words[] = {"a", "b"};
    static const struct tensor table = {
        ELEMENT_STRING, {1, {2}}, 2, {.text = (const char **)(uintptr_t)words}};
    const struct value_spec specs[3] = {
        {.name = "x", .type = ELEMENT_F32, .shape_known = true, .shape = {2, {-1, 3}}},
        {.name = "n", .type = ELEMENT_I64, .shape_known = true, .shape = {1, {2}}},
        {.name = "w", .type = ELEMENT_STRING, .text_table = &table},
    };
    if (count == 0)
        return;
    const char *name = names[bytes[0] % 6];
    for (size_t specs_used = 1; specs_used <= 3; specs_used += 2) {
        struct arena arena;
        struct value_sets sets = {0};
        struct diag diag = {0};
        arena_init(&arena, (size_t)16 << 20);
        enum status status =
            value_bytes_read(&sets, name, bytes + 1, count - 1, specs, specs_used, &arena, &diag);
        ASSERT((status == STATUS_OK) == (diag.text[0] == 0));
        ASSERT(status == STATUS_OK || sets.count == 0);
        for (size_t i = 0; i < sets.count; i++)
            for (size_t k = 0; k < specs_used; k++)
                ASSERT(sets.set[i].tensor[k] != NULL);
        arena_release(&arena);
    }
}

#ifdef SERTN_LIBFUZZER
FUZZ_ENTRY(read_values)
#else
static void add_with_kind(struct fuzz_corpus *corpus, const char *folder, const char *ending,
                          uint8_t kind)
{
    struct fuzz_corpus raw = {0};
    fuzz_add_folder(&raw, folder, ending);
    for (size_t i = 0; i < raw.count; i++) {
        struct buffer bytes = {0};
        buffer_put_u8(&bytes, kind);
        buffer_put(&bytes, raw.item[i].data, raw.item[i].count);
        fuzz_add(corpus, bytes.data, bytes.count);
        buffer_release(&bytes);
    }
    fuzz_release(&raw);
}

TEST(value_files_never_crash)
{
    static const char *const text[] = {"\0{\"x\": [[1, 2, 3]], \"n\": [\"4\", 5], \"w\": \"a\"}",
                                       "\0{\"input_data\": [[[1, 2, 3]], [4, 5], \"b\"]}",
                                       "\0[[1, 2.5, \"NaN\"], [4, 5, 6]]",
                                       "\1x1,x2,x3\n1,2,3\n4,\"5\",6\n", "\1x;n;w\n1;2;a\n"};
    struct fuzz_corpus corpus = {0};
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
        fuzz_add(&corpus, text[i], 1 + strlen(text[i] + 1));
    add_with_kind(&corpus, "tests/frontend/arrays", ".npy", 2);
    add_with_kind(&corpus, "tests/frontend/arrays", ".npz", 3);
    add_with_kind(&corpus, "tests/models/linear_gemm", ".pb", 4);
    fuzz_add_folder(&corpus, "tests/fuzz/corpus/values", "");
    fuzz_run(&corpus, read_values, FUZZ_SECONDS);
    fuzz_release(&corpus);
}
#endif
