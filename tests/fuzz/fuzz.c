/* Mutation of a corpus: see fuzz.h. Random numbers are the harness's, so that --seed repeats a run.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "ir/support/file.h"
#include "tests/harness/harness.h"

/* Mutations stay small, so that many are tried. */
#define FUZZ_BYTES_LIMIT ((size_t)1 << 18)

void fuzz_add(struct fuzz_corpus *corpus, const void *bytes, size_t count)
{
    if (corpus->count == corpus->capacity) {
        corpus->capacity = corpus->capacity == 0 ? 16 : 2 * corpus->capacity;
        corpus->item = realloc(corpus->item, corpus->capacity * sizeof *corpus->item);
        ASSERT(corpus->item != NULL);
    }
    struct buffer *item = &corpus->item[corpus->count++];
    buffer_init(item);
    buffer_put(item, bytes, count);
}

void fuzz_release(struct fuzz_corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++)
        buffer_release(&corpus->item[i]);
    free(corpus->item);
    *corpus = (struct fuzz_corpus){0};
}

static bool ends_in(const char *name, const char *ending)
{
    size_t a = strlen(name), b = strlen(ending);
    return a >= b && strcmp(name + a - b, ending) == 0;
}

static void add_path(struct fuzz_corpus *corpus, const char *path, const char *ending)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return;
    if (S_ISREG(info.st_mode)) {
        struct buffer bytes = {0};
        if (ends_in(path, ending) && file_read(path, FUZZ_BYTES_LIMIT, &bytes, NULL) == STATUS_OK)
            fuzz_add(corpus, bytes.data, bytes.count);
        buffer_release(&bytes);
        return;
    }
    struct dirent **entries = NULL;
    int count = S_ISDIR(info.st_mode) ? scandir(path, &entries, NULL, alphasort) : 0;
    for (int i = 0; i < count; i++) {
        char inner[4096];
        snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            add_path(corpus, inner, ending);
        free(entries[i]);
    }
    free(entries);
}

void fuzz_add_folder(struct fuzz_corpus *corpus, const char *folder, const char *ending)
{
    add_path(corpus, test_source_path(folder), ending);
}

/* Puts `count` bytes in the place of `removed` bytes at `at`. */
static void splice(struct buffer *bytes, size_t at, size_t removed, const void *put, size_t count)
{
    struct buffer result = {0};
    buffer_put(&result, bytes->data, at);
    buffer_put(&result, put, count);
    buffer_put(&result, bytes->data + at + removed, bytes->count - at - removed);
    buffer_release(bytes);
    *bytes = result;
}

static void mutate_once(struct buffer *bytes, const struct fuzz_corpus *corpus)
{
    static const char *const words[] = {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                                        "NaN",
                                        "-1",
                                        "1e999",
                                        "[",
                                        "]",
                                        "{",
                                        "}",
                                        "\"",
                                        ",",
                                        "\\u0000",
                                        "\x80\x80\x80\x80\x08",
                                        "9223372036854775808",
                                        "\n"};
    size_t at = bytes->count == 0 ? 0 : test_random_below(bytes->count);
    size_t left = bytes->count - at;
    size_t span = left == 0 ? 0 : test_random_below(left < 64 ? left : 64);
    uint64_t edge = test_random_edge_u64();
    switch (test_random_below(8)) {
    case 0:
    case 1:
        if (left != 0)
            bytes->data[at] ^= (uint8_t)(1u << test_random_below(8));
        break;
    case 2:
        if (left != 0)
            bytes->data[at] = (uint8_t)edge;
        break;
    case 3:
        splice(bytes, at, span, NULL, 0);
        break;
    case 4: {
        const char *word = words[test_random_below(sizeof words / sizeof words[0])];
        splice(bytes, at, 0, word, strlen(word));
        break;
    }
    case 5: {
        uint8_t copy[64];
        if (span != 0)
            memcpy(copy, bytes->data + at, span);
        splice(bytes, at, 0, copy, span);
        break;
    }
    case 6: {
        const struct buffer *other = &corpus->item[test_random_below(corpus->count)];
        size_t from = other->count == 0 ? 0 : test_random_below(other->count);
        size_t most = other->count - from < 256 ? other->count - from : 256;
        splice(bytes, at, span, other->data + from, most == 0 ? 0 : test_random_below(most));
        break;
    }
    default:
        if (left >= 8)
            memcpy(bytes->data + at, &edge, left >= 8 ? 8 : left);
        break;
    }
}

void fuzz_mutate(struct buffer *bytes, const struct fuzz_corpus *corpus)
{
    uint64_t times = 1 + test_random_below(6);
    while (times-- > 0 && bytes->count < FUZZ_BYTES_LIMIT)
        mutate_once(bytes, corpus);
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* One input; how long it may take is CPU time, since machines are shared. */
static void try_input(fuzz_target target, const struct buffer *bytes)
{
    const char *keep = getenv("SERTN_FUZZ_KEEP");
    struct diag diag = {0};
    if (keep != NULL)
        REQUIRE_OK(file_write(keep, bytes->data, bytes->count, 0644, false, &diag), &diag);
    double start = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    target(bytes->data, bytes->count);
    double taken = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - start;
    if (taken >= FUZZ_HANG_SECONDS) {
        test_fail(__FILE__, __LINE__, "an input of %zu bytes takes %.0f s", bytes->count, taken);
        test_end_case();
    }
}

/* Files of a folder that is not part of the sources. */
static void add_given(struct fuzz_corpus *corpus)
{
    const char *folder = getenv("SERTN_FUZZ_CORPUS");
    if (folder != NULL)
        add_path(corpus, folder, "");
}

void fuzz_run_changed(const struct fuzz_corpus *given, fuzz_target target, fuzz_change change,
                      double seconds)
{
    const char *asked = getenv("SERTN_FUZZ_SECONDS");
    struct fuzz_corpus more = {0};
    add_given(&more);
    const struct fuzz_corpus *corpus = more.count > 0 ? &more : given;
    REQUIRE(given->count != 0);
    for (size_t i = 0; i < given->count; i++)
        try_input(target, &given->item[i]);
    seconds = asked != NULL ? atof(asked) : seconds;
    for (size_t i = 0; i < more.count && seconds <= 0; i++)
        try_input(target, &more.item[i]);
    double end = seconds_of(CLOCK_MONOTONIC) + seconds;
    size_t runs = 0;
    for (; seconds_of(CLOCK_MONOTONIC) < end; runs++) {
        const struct buffer *start = &corpus->item[test_random_below(corpus->count)];
        struct buffer bytes = {0};
        buffer_put(&bytes, start->data, start->count);
        change(&bytes, corpus);
        try_input(target, &bytes);
        buffer_release(&bytes);
    }
    if (asked != NULL)
        printf("    %zu inputs made and tried\n", runs);
    fuzz_release(&more);
    CHECK(runs > 0 || seconds <= 0);
}

void fuzz_run(const struct fuzz_corpus *corpus, fuzz_target target, double seconds)
{
    fuzz_run_changed(corpus, target, fuzz_mutate, seconds);
}
