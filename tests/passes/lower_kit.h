/*
 * Helpers of the lowering tests: small graphs by hand, the whole pipeline on them, and what came
 * out beside the float64 meaning.
 */
#ifndef SERTN_TESTS_PASSES_LOWER_KIT_H
#define SERTN_TESTS_PASSES_LOWER_KIT_H

#include "passes/pipeline.h"
#include "tests/harness/harness.h"

struct kit {
    struct arena arena;
    struct graph *graph;
    struct pipeline_options options;
    struct pipeline_result result;
    struct diag_list problems;
    bool was_tampered; /* by kit_compare, since kit_run */
};

void kit_init(struct kit *kit);
void kit_release(struct kit *kit);

/* Values. rank and dims describe the shape. */
uint32_t kit_input(struct kit *kit, const char *name, enum element_type type, struct shape shape);
uint32_t kit_parameter(struct kit *kit, const char *name, struct shape shape, const double *values);
uint32_t kit_constant_i64(struct kit *kit, struct shape shape, const int64_t *values);
/* A parameter with random numbers in [-scale, scale). */
uint32_t kit_random_parameter(struct kit *kit, const char *name, struct shape shape, double scale);
/* A node with one output, whose shape and type the pipeline infers. */
uint32_t kit_node(struct kit *kit, enum op_kind op, const uint32_t *inputs, size_t count);
uint32_t kit_unary(struct kit *kit, enum op_kind op, uint32_t x);
uint32_t kit_binary(struct kit *kit, enum op_kind op, uint32_t a, uint32_t b);
void kit_attribute_int(struct kit *kit, const char *name, int64_t value);
void kit_attribute_float(struct kit *kit, const char *name, double value);
void kit_attribute_text(struct kit *kit, const char *name, const char *value);
void kit_attribute_texts(struct kit *kit, const char *name, const char *const *texts, size_t count);
void kit_attribute_ints(struct kit *kit, const char *name, const int64_t *values, size_t count);
void kit_attribute_tensor(struct kit *kit, const char *name, enum element_type type,
                          const double *values, size_t count);
void kit_output(struct kit *kit, uint32_t value);

struct shape kit_shape(unsigned rank, ...);
/* Uniform in [-scale, scale), a multiple of 2^-20. */
double kit_random(double scale);

/* Adds a calibration set; one tensor an input. */
void kit_set(struct kit *kit, const struct tensor *const *inputs);
/* A float input tensor with the given or random numbers. */
struct tensor *kit_tensor(struct kit *kit, struct shape shape, const double *values);
/* An integer input tensor; values are wrapped to the type. */
struct tensor *kit_integers(struct kit *kit, enum element_type type, struct shape shape,
                            const int64_t *values);
struct tensor *kit_random_tensor(struct kit *kit, struct shape shape, double scale);

/* Runs the pipeline; ends the case with the problems when it fails. */
void kit_run(struct kit *kit);
/*
 * Evaluates the lowered program and the float graph on inputs, and checks every float output within
 * absolute + relative |ref| and every other one exactly. Returns the largest error.
 *
 * No output may be further from exact arithmetic than its proven bound.
 *
 * The first inputs of a run are tampered with as well, and the program must not depend on what
 * private weights are: see tamper_kit.h. The environment variable
 * SERTN_TAMPER=many tries many more, all where the program is small.
 */
double kit_compare(struct kit *kit, const struct tensor *const *inputs, double absolute,
                   double relative);

/* Calibrates with sets of at most two inputs, runs the pipeline and compares on each of them. */
void kit_compare_sets(struct kit *kit, const struct tensor *const (*sets)[2], size_t count,
                      double absolute, double relative);
/* Checks that the lowered program has no witness of inputs, whose first problem is the input's. */
void kit_refuse(struct kit *kit, const struct tensor *const *inputs);

/*
 * Evaluates both on inputs, float32 taken as float64, which here stands for real arithmetic, and
 * checks every output that has a proven bound against it: kit_compare does so too. worst: largest
 * error of each output, may be NULL.
 */
void kit_check_bounds(struct kit *kit, const struct tensor *const *inputs, double *worst);

/*
 * Makes hinted tensors inputs of a copy of the program, runs it honestly, then changes one hinted
 * element by each of a few offsets and checks that every change is refused. Returns how many
 * changes were tried.
 */
size_t kit_tamper_hints(struct kit *kit, const struct tensor *const *inputs);

#endif
