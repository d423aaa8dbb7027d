/*
 * ONNX's own conformance tests through the whole compiler and the constraint check: one folder with
 * model.onnx and test_data_set_K is compiled as sertnc does with --data, run, checked as sertn-run
 * check does, compared with its reference outputs. No key is made.
 *
 * Who calls it: the tests of this folder. Source of the data's layout and of the comparison:
 * onnx/backend/test/runner, https://github.com/onnx/onnx/tree/main/onnx/backend/test.
 */
#ifndef SERTN_TESTS_CONFORMANCE_H
#define SERTN_TESTS_CONFORMANCE_H

#include "frontend/onnx_load.h"
#include "ir/tensor.h"

enum { CONFORMANCE_REASON_BYTES = 480, CONFORMANCE_SETS_MAX = 8 };

enum conformance_outcome {
    CONFORMANCE_FAILED,
    CONFORMANCE_PASSED,
    CONFORMANCE_OUT_OF_SCOPE, /* it did not pass, and the standard gives it no numeric meaning */
    CONFORMANCE_OUTCOMES
};

/* Lives in memory shared with the process that runs the test, so it holds no pointers. */
struct conformance_result {
    enum conformance_outcome outcome;
    char stage[24];       /* where it failed: a pass of the compiler, or run, check, compare */
    char operator_of[64]; /* its node's operator; empty for a graph of several nodes */
    char reason[CONFORMANCE_REASON_BYTES];
    bool is_refused;                    /* by the compiler, in a sentence */
    bool is_interpreted;                /* the float interpreter gives the reference outputs */
    unsigned outputs, proven;           /* outputs, and those with a proven error, which held */
    char gap[CONFORMANCE_REASON_BYTES]; /* why one of the others has none */
    unsigned rows;
    uint64_t dot_gate_rows; /* of the table, were every product spelled out */
    double compile_seconds, check_seconds;
    uint64_t compile_memory_bytes, peak_memory_bytes;
};

struct conformance_test {
    const char *release, *kind, *name; /* "1.12", "node", "test_abs" */
    const char *folder;
    struct conformance_result result;
};

/* How outputs are compared: |got - want| <= absolute + relative |want|. */
struct conformance_tolerance {
    double relative, absolute;
};

struct conformance_limits {
    unsigned jobs;           /* tests at a time */
    unsigned seconds;        /* of CPU, for one test */
    size_t memory_megabytes; /* of address space, for one test */
    struct conformance_tolerance tolerance;
};

/* The rule of ONNX's runner. */
#define CONFORMANCE_ONNX_TOLERANCE ((struct conformance_tolerance){1e-3, 1e-7})

/* Runs one folder in this process; `result` is zeroed and says what happened. */
void conformance_run(struct conformance_result *result, const char *folder,
                     struct conformance_tolerance tolerance);

/*
 * Runs tests, each in a process of its own: one that crashes or goes beyond a limit fails alone.
 * Calls `done` (may be null) for each, in the order of the array.
 */
void conformance_run_all(struct conformance_test *tests, size_t count,
                         const struct conformance_limits *limits,
                         void (*done)(const struct conformance_test *test));

/* Why the standard gives the graph no numeric meaning (by its operators), or null. */
const char *conformance_out_of_scope(struct onnx_file *file, const char *folder,
                                     struct arena *arena);

/* Whether the first data set gives an input another shape than the model declares; says which. Such
 * a test counts as failed: it asks for what the model forbids. */
bool conformance_contradicts(char *reason, size_t bytes, struct onnx_file *file, const char *folder,
                             struct arena *arena);

/* ---- reference outputs ---- */

/* The tensors of one graph output: one, or the items of a sequence; none for an absent optional. */
struct expected_output {
    const char *name;
    struct tensor **items;
    size_t count;
};

struct expected {
    struct expected_output *outputs; /* of the model's graph, in its order */
    size_t count;
};

/* Reads output_K.pb of a data set, each by the declared type. Errors: BAD_INPUT, IO, NO_MEMORY. */
enum status expected_read(struct expected *expected, struct onnx_file *file, const char *folder,
                          struct arena *arena, struct diag *diag) SERTN_MUST_CHECK;

/* Reads a TensorProto file. Errors: as expected_read. */
enum status expected_read_tensor(struct tensor **out, struct onnx_file *file, const char *path,
                                 struct arena *arena, struct diag *diag) SERTN_MUST_CHECK;

/* A computed output tensor. */
struct computed {
    const char *name, *sequence;     /* as in struct port */
    const struct tensor *text_table; /* what its integers stand for when the reference is text */
    const struct tensor *tensor;
};

/*
 * Compares with the reference: as many tensors for each output, equal type and shape, floats within
 * the tolerance, NaN equal to NaN, everything else exact. A map (ZipMap) is its row of values.
 * Errors: REJECTED with the first difference.
 */
enum status expected_compare(const struct expected *expected, const struct computed *computed,
                             size_t count, struct conformance_tolerance tolerance,
                             struct diag *diag) SERTN_MUST_CHECK;

/* ---- the data ---- */

/* Tests of several releases, by release, kind and name. Life cycle: zeroed, add, release. */
struct conformance_suite {
    struct conformance_test *tests;
    size_t count, capacity;
};

/*
 * Adds the tests of one release: the folders node, simple, pytorch-operator and pytorch-converted
 * of `root`, those whose name contains `filter` (null: all). Returns false without memory.
 */
bool conformance_suite_add(struct conformance_suite *suite, const char *release, const char *root,
                           const char *filter);
/* The same for all releases that SERTN_CONFORMANCE_DATA names, or, without it, for Debian's. */
bool conformance_suite_add_data(struct conformance_suite *suite, const char *filter);
/* The same for the test folders of one folder, as of kind `kind`. */
bool conformance_suite_add_kind(struct conformance_suite *suite, const char *release,
                                const char *kind, const char *folder, const char *filter);
void conformance_suite_release(struct conformance_suite *suite);

/* The environment variable, or the fallback when it is not set. */
const char *conformance_setting(const char *name, const char *fallback);
/* As the environment asks (README.md), else as given. */
struct conformance_limits conformance_limits(unsigned seconds, size_t memory_megabytes,
                                             struct conformance_tolerance tolerance);

/* Prints a test and what became of it, in one line. */
void conformance_print(const struct conformance_test *test);

/* ---- reports ---- */

/*
 * Writes a page for readers (.md) and a table for diffing (.csv): counts by release, a table by
 * operator, every test that did not pass with its reason. Returns false when a file cannot be
 * written.
 */
bool conformance_write_report(const char *path, const struct conformance_test *tests, size_t count);
/* The page of proven errors: how many outputs have one, by operator, and why others have none. */
bool conformance_write_bounds(const char *path, const struct conformance_test *tests, size_t count);
/* The page for whole models: rows, seconds, memory of each. */
bool conformance_write_models(const char *path, const struct conformance_test *tests, size_t count);
bool conformance_write_csv(const char *path, const struct conformance_test *tests, size_t count);

typedef bool conformance_page_fn(const char *path, const struct conformance_test *tests,
                                 size_t count);

/*
 * Prints totals; writes the report NAME.md and NAME.csv into the folder that
 * SERTN_CONFORMANCE_REPORT names; without that, fails the running case for each test that
 * benchmarks/results/NAME.csv says passed and that does not any more.
 */
void conformance_conclude(const struct conformance_test *tests, size_t count, const char *name,
                          conformance_page_fn *page);
/* Writes bounds.md into that folder, if there is one. */
void conformance_conclude_bounds(const struct conformance_test *tests, size_t count);

#endif
