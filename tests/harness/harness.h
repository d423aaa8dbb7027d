/*
 * The test harness. A test program is a set of cases:
 *
 *     TEST(addition_is_commutative)
 *     {
 *         CHECK(a + b == b + a);
 *     }
 *
 * A failed CHECK is recorded and the case goes on; a failed REQUIRE ends the case. The names of
 * cases say the claim. Random input comes from test_random_*, whose seed is printed and depends on
 * the name of the case alone beside it, so that `--seed N --filter case` repeats a failure.
 *
 * Options of every test program: --list, --filter TEXT, --seed N, --threads N.
 * Exit status: 0 passed, 1 a case failed, 77 every case was skipped, 2 bad usage.
 */
#ifndef SERTN_TESTS_HARNESS_HARNESS_H
#define SERTN_TESTS_HARNESS_HARNESS_H

#include "ir/support/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test_case {
    const char *name;
    void (*run)(void);
    struct test_case *next;
};

/* Adds a case to the program; TEST calls it before main. */
void test_register(struct test_case *test);

#define TEST(test_name)                                                                            \
    static void test_##test_name(void);                                                            \
    __attribute__((constructor)) static void register_##test_name(void)                            \
    {                                                                                              \
        static struct test_case test = {#test_name, test_##test_name, NULL};                       \
        test_register(&test);                                                                      \
    }                                                                                              \
    static void test_##test_name(void)

/* Record a failure: where it was and a sentence. Only for the macros below, and for helpers. */
void test_fail(const char *file, int line, const char *format, ...) SERTN_PRINTF(3, 4);
/* Ends the running case as it stands. */
_Noreturn void test_end_case(void);
/* Ends the running case as skipped: this machine lacks what it needs. */
_Noreturn void test_skip(const char *format, ...) SERTN_PRINTF(1, 2);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            test_fail(__FILE__, __LINE__, "%s", #condition);                                       \
    } while (0)

/* CHECK with a sentence that says which input failed. */
#define CHECK_MSG(condition, ...)                                                                  \
    do {                                                                                           \
        if (!(condition))                                                                          \
            test_fail(__FILE__, __LINE__, __VA_ARGS__);                                            \
    } while (0)

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            test_fail(__FILE__, __LINE__, "%s", #condition);                                       \
            test_end_case();                                                                       \
        }                                                                                          \
    } while (0)

#define CHECK_U64(got, expected)                                                                   \
    test_check_u64(__FILE__, __LINE__, #got, (uint64_t)(got), (uint64_t)(expected))
#define CHECK_I64(got, expected)                                                                   \
    test_check_i64(__FILE__, __LINE__, #got, (int64_t)(got), (int64_t)(expected))
#define CHECK_TEXT(got, expected) test_check_text(__FILE__, __LINE__, #got, (got), (expected))
#define CHECK_BYTES(got, expected, count)                                                          \
    test_check_bytes(__FILE__, __LINE__, #got, (got), (expected), (count))
/* The status is the expected one; else the text of `diag` (may be null) is shown. */
#define CHECK_STATUS(got, expected, diag)                                                          \
    test_check_status(__FILE__, __LINE__, #got, (got), (expected), (diag))
/* The status is STATUS_OK, or the case ends here. */
#define REQUIRE_OK(got, diag)                                                                      \
    do {                                                                                           \
        if (!test_check_status(__FILE__, __LINE__, #got, (got), STATUS_OK, (diag)))                \
            test_end_case();                                                                       \
    } while (0)

bool test_check_u64(const char *file, int line, const char *what, uint64_t got, uint64_t expected);
bool test_check_i64(const char *file, int line, const char *what, int64_t got, int64_t expected);
bool test_check_text(const char *file, int line, const char *what, const char *got,
                     const char *expected);
bool test_check_bytes(const char *file, int line, const char *what, const void *got,
                      const void *expected, size_t count);
bool test_check_status(const char *file, int line, const char *what, enum status got,
                       enum status expected, const struct diag *diag);

/* Uniform 64 bits. */
uint64_t test_random_u64(void);
/* Uniform in [0, bound - 1]. Requires: bound > 0. */
uint64_t test_random_below(uint64_t bound);
/* Fills with uniform bytes. */
void test_random_bytes(void *bytes, size_t count);
/*
 * 64 bits that favour edges: 0, 1, 2^k - 1, 2^k, 2^k + 1, all ones, and now and then uniform ones.
 */
uint64_t test_random_edge_u64(void);

/* The value of --threads, 0 when it was not given: "as many as the machine has". */
unsigned test_threads(void);

/* Returns "<folder>/<name>". Valid until the case ends. */
const char *test_path(const char *folder, const char *name);
/* Returns the path of a file of the source tree, given from its root. Likewise. */
const char *test_source_path(const char *path);
/* Returns the path of a program in the build folder: test_program_path("sertnc"). Likewise. */
const char *test_program_path(const char *name);
/* Returns the build folder. */
const char *test_build_dir(void);
/* Returns a fresh empty folder, removed with all in it when the case ends. Likewise. */
const char *test_temp_dir(void);

/* What a command did. Text is zero-terminated and valid until the case ends. */
struct test_output {
    int exit_status; /* 128 + n when signal n ended it */
    char *text;      /* standard output */
    char *errors;    /* standard error */
    size_t text_bytes;
    size_t errors_bytes;
};

/*
 * Runs a program and waits for it. argument ends with a null pointer; its first is the program's
 * path. A program that cannot be started fails the case.
 */
struct test_output test_run(const char *const *argument);

#endif
