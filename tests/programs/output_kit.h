/*
 * Outputs that the programs print, against reference outputs: real numbers within 1e-3 of the
 * reference (or 1e-6), labels, integers and strings exact.
 */
#ifndef SERTN_TESTS_PROGRAMS_OUTPUT_KIT_H
#define SERTN_TESTS_PROGRAMS_OUTPUT_KIT_H

#include "tests/programs/programs_kit.h"

/* The JSON form of a reference; a map stands for the row of its values. */
bool output_json_agrees(const cJSON *got, const cJSON *want);
/*
 * Checks outputs, output_types and output_shapes of a result against output_0.pb, output_1.pb, ...
 * of a test data folder. Outputs are in the model's order, as the files are.
 */
void output_check_set(const cJSON *result, const char *folder, const char *what);

#endif
