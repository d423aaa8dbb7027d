/*
 * Fuzzing that needs no special compiler: every target is a function of bytes, run on mutations of
 * a corpus for a few seconds in the fast tests, and for as long as one likes by libFuzzer:
 *
 *     clang -fsanitize=fuzzer,address,undefined -DSERTN_LIBFUZZER -I. -I<build>/generated \
 *         tests/fuzz/<name>_fuzz_test.c <objects> -o fuzz && ./fuzz tests/fuzz/corpus/<name>
 *
 * What a run finds is fixed and kept in tests/fuzz/corpus. Without libFuzzer, a long run is asked
 * for by the environment: SERTN_FUZZ_SECONDS=600; SERTN_FUZZ_CORPUS=FOLDER gives other files to
 * start from, which 0 seconds try as they are; SERTN_FUZZ_KEEP=FILE has each input written there
 * before it is tried.
 */
#ifndef SERTN_TESTS_FUZZ_FUZZ_H
#define SERTN_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "ir/support/buffer.h"

/* A target: must neither crash nor leak nor hang, whatever the bytes. */
typedef void (*fuzz_target)(const uint8_t *bytes, size_t count);

/* Files read as a starting point. Zero-initialised: empty. */
struct fuzz_corpus {
    struct buffer *item; /* owned */
    size_t count, capacity;
};

/* Adds every file of a folder given from the root of the sources, those of folders within too. */
void fuzz_add_folder(struct fuzz_corpus *corpus, const char *folder, const char *ending);
void fuzz_add(struct fuzz_corpus *corpus, const void *bytes, size_t count);
void fuzz_release(struct fuzz_corpus *corpus);

/* Changes the bytes in a few random places: bits, edge values, cuts, repeats, parts of others. */
void fuzz_mutate(struct buffer *bytes, const struct fuzz_corpus *corpus);

/* Makes another input of one of the corpus. */
typedef void (*fuzz_change)(struct buffer *bytes, const struct fuzz_corpus *corpus);

/* Runs the target on the corpus as it is, then on mutations of it, for about this many seconds. No
 * input may take FUZZ_HANG_SECONDS of CPU. */
void fuzz_run(const struct fuzz_corpus *corpus, fuzz_target target, double seconds);
void fuzz_run_changed(const struct fuzz_corpus *corpus, fuzz_target target, fuzz_change change,
                      double seconds);
#define FUZZ_HANG_SECONDS 20.0

/* Seconds of a fuzz run of the fast tests. */
#define FUZZ_SECONDS 2.0

/* The entry point of libFuzzer, defined by each target's file when it is built for it. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
#define FUZZ_ENTRY(target)                                                                         \
    int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)                                 \
    {                                                                                              \
        target(bytes, count);                                                                      \
        return 0;                                                                                  \
    }

#endif
