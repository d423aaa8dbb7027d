/* label: fast libs: sertn_frontend sertn_3rd_protobuf_c */
/*
 * Models from hostile bytes: load, import, and what an import may promise. Flipped bytes mostly
 * break the outer form of a file, so half of the runs change the messages instead (onnx_change.h).
 */
#include "frontend/import.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/onnx_change.h"
#include "tests/harness/harness.h"

static void import_bytes(const uint8_t *bytes, size_t count)
{
    struct onnx_file file;
    struct arena arena;
    struct diag diag = {0};
    struct diag_list problems = {0};
    struct import_notes notes = {0};
    struct import_options options = {0};
    struct graph *graph = NULL;
    arena_init(&arena, (size_t)64 << 20);
    if (onnx_load_bytes(&file, bytes, count, "fuzz", &diag) != STATUS_OK) {
        ASSERT(diag.text[0] != 0);
        return;
    }
    enum status status = import_graph(&graph, &file, &options, &arena, &problems, &notes);
    ASSERT((status == STATUS_OK) == (problems.count == 0));
    if (status == STATUS_OK)
        ASSERT(graph_validate(graph, &diag) == STATUS_OK);
    onnx_release(&file);
    diag_list_release(&problems);
    arena_release(&arena);
}

#ifdef SERTN_LIBFUZZER
FUZZ_ENTRY(import_bytes)
#else

static void run(fuzz_change change)
{
    struct fuzz_corpus corpus = {0};
    fuzz_add_folder(&corpus, "tests/models", ".onnx");
    fuzz_add_folder(&corpus, "tests/fuzz/corpus/onnx", "");
    fuzz_run_changed(&corpus, import_bytes, change, FUZZ_SECONDS);
    fuzz_release(&corpus);
}

TEST(files_never_crash)
{
    run(fuzz_mutate);
}

TEST(messages_never_crash)
{
    run(onnx_change);
}
#endif
