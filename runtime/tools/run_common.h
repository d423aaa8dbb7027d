/* What several commands of sertn-run share. */
#ifndef SERTN_RUNTIME_TOOLS_RUN_COMMON_H
#define SERTN_RUNTIME_TOOLS_RUN_COMMON_H

#include "frontend/value_file.h"
#include "runtime/tools/run_commands.h"

/* Reads --input as the model asks. */
enum status run_read_inputs(struct value_sets *sets, const struct run_options *options,
                            const struct model *model, struct arena *arena,
                            struct diag *diag) SERTN_MUST_CHECK;
/* The tensors of one set, as the session takes them. */
static inline const struct tensor *const *run_inputs(const struct value_sets *sets, size_t index)
{
    return (const struct tensor *const *)sets->set[index].tensor;
}
/* Adds outputs, output_types and output_shapes of the session's values to an object. */
bool run_add_outputs(cJSON *object, struct session *session);
void run_add_hex(cJSON *object, const char *name, const uint8_t *bytes, size_t count);
/* Prints "name: values" lines of an outputs object. */
void run_print_outputs(const struct cli *cli, const cJSON *outputs);

#endif
