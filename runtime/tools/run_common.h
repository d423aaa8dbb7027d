/* What several commands of sertn-run share. */
#ifndef SERTN_RUNTIME_TOOLS_RUN_COMMON_H
#define SERTN_RUNTIME_TOOLS_RUN_COMMON_H

#include "frontend/value_file.h"
#include "runtime/tools/run_commands.h"

/* Whether --input was given: asked before anything is loaded or made. */
enum status run_check_input(const struct run_options *options, struct diag *diag) SERTN_MUST_CHECK;
/* Reads --input as the model asks. */
enum status run_read_inputs(struct value_sets *sets, const struct run_options *options,
                            const struct model *model, struct arena *arena,
                            struct diag *diag) SERTN_MUST_CHECK;
/* Chooses the evaluator that --evaluator asks for, for so many inputs, and adds its name to the
 * result. */
void run_choose_evaluator(struct cli *cli, const struct run_options *options,
                          struct session *session, size_t inputs);
/* The tensors of one set, as the session takes them. */
static inline const struct tensor *const *run_inputs(const struct value_sets *sets, size_t index)
{
    return (const struct tensor *const *)sets->set[index].tensor;
}
/* Adds output_types and output_shapes to an object. Returns false without memory. */
bool run_add_types(cJSON *object, const struct model *model);
/* The same with outputs, the session's values. */
bool run_add_outputs(cJSON *object, struct session *session);
void run_add_memory(cJSON *object);
void run_add_hex(cJSON *object, const char *name, const uint8_t *bytes, size_t count);
/* Prints "name: values" lines of an outputs object; of a large tensor the first values and how many
 * more there are. */
void run_print_outputs(const struct cli *cli, const cJSON *outputs);

/* What is done with one set of inputs; results go into `object`. */
typedef enum status run_set_fn(struct cli *cli, void *context, const struct tensor *const *inputs,
                               cJSON *object, struct diag *diag);

/*
 * Does it with every set, until one fails for another reason than a rejection. One set reports at
 * the top of the result, several in "sets", each with "input". Failures name the set. Returns the
 * status of the first failure.
 */
enum status run_each_set(struct cli *cli, const struct value_sets *sets, run_set_fn *run,
                         void *context, struct diag *diag) SERTN_MUST_CHECK;

#endif
