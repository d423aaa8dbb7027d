/* What the pipeline promises beside right numbers: ranges, visibility, secrecy of weights, equal
 * results, all problems at once. */
#include "tests/passes/lower_kit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/relation_text.h"

static struct shape row(int columns)
{
    return kit_shape(2, 1, columns);
}

/* x w + b, relu, with two inputs and outputs; calibrated on rows that do not depend on the weights.
 */
static void small_model(struct kit *kit, const double *weights, const double *bias)
{
    kit_init(kit);
    uint32_t x = kit_input(kit, "x", ELEMENT_F32, row(2));
    uint32_t w = kit_parameter(kit, "w", kit_shape(2, 2, 2), weights);
    uint32_t b = kit_parameter(kit, "b", kit_shape(1, 2), bias);
    kit_output(kit,
               kit_unary(kit, OP_RELU, kit_node(kit, OP_GEMM, (const uint32_t[]){x, w, b}, 3)));
}

static void calibrate(struct kit *kit)
{
    static const double rows[4][2] = {{1, -2}, {-1, 2}, {2, 1}, {-2, -1}};
    for (int i = 0; i < 4; i++)
        kit_set(kit, (const struct tensor *[]){kit_tensor(kit, row(2), rows[i])});
}

static char *text_of(const struct relation_program *program)
{
    char *text = NULL;
    size_t count;
    FILE *stream = open_memstream(&text, &count);
    REQUIRE(stream != NULL);
    relation_print(stream, program);
    fclose(stream);
    return text;
}

static char *lowered_text(const double *weights, const double *bias)
{
    struct kit kit;
    small_model(&kit, weights, bias);
    calibrate(&kit);
    kit_run(&kit);
    char *text = text_of(kit.result.program);
    kit_release(&kit);
    return text;
}

TEST(two_models_of_one_shape_and_equal_widths_give_one_program)
{
    char *first = lowered_text((const double[]){0.5, -1.5, 1, 0}, (const double[]){0.5, 0});
    char *second = lowered_text((const double[]){-1.5, 0.5, 0, 1}, (const double[]){0, 0.5});
    CHECK_TEXT(second, first);
    free(first);
    free(second);
}

TEST(the_same_model_lowers_to_the_same_program)
{
    char *first = lowered_text((const double[]){0.3, -1.7, 1.1, 0.2}, (const double[]){0.4, 0.1});
    char *second = lowered_text((const double[]){0.3, -1.7, 1.1, 0.2}, (const double[]){0.4, 0.1});
    CHECK_TEXT(second, first);
    free(first);
    free(second);
}

TEST(a_parameter_says_no_more_than_its_width)
{
    struct kit kit;
    small_model(&kit, (const double[]){0.3, -1.7, 1.1, 0.2}, (const double[]){0.4, 0.1});
    calibrate(&kit);
    kit_run(&kit);
    CHECK_U64(kit.result.parameter_count, 2);
    for (size_t t = 0; t < kit.result.program->tensor_count; t++) {
        const struct relation_tensor *tensor = &kit.result.program->tensors[t];
        if (tensor->role != ROLE_PARAMETER)
            continue;
        wide sum;
        REQUIRE(wide_add(&sum, tensor->low, tensor->high));
        CHECK(wide_compare(sum, wide_from_i64(-1)) == 0);
        wide above;
        REQUIRE(wide_add(&above, tensor->high, wide_from_i64(1)));
        CHECK(wide_compare(above, wide_power_of_two(wide_bit_length(above) - 1)) == 0);
        CHECK(tensor->values == NULL);
    }
    kit_release(&kit);
}

TEST(public_parameters_are_constants)
{
    struct kit kit;
    small_model(&kit, (const double[]){0.3, -1.7, 1.1, 0.2}, (const double[]){0.4, 0.1});
    calibrate(&kit);
    kit.options.public_parameters = true;
    kit_run(&kit);
    CHECK_U64(kit.result.parameter_count, 0);
    kit_compare(&kit,
                (const struct tensor *[]){kit_tensor(&kit, row(2), (const double[]){0.7, -1.1})},
                1e-5, 1e-3);
    kit_release(&kit);
}

TEST(the_default_range_is_a_power_of_two_above_sixteen_times_the_data)
{
    struct kit kit;
    small_model(&kit, (const double[]){0.3, -1.7, 1.1, 0.2}, (const double[]){0.4, 0.1});
    calibrate(&kit);
    kit_run(&kit);
    const struct input_report *report = &kit.result.report.inputs[0];
    CHECK(report->low == -32 && report->high < 32 && report->high > 31 && !report->is_declared);
    kit_release(&kit);
}

TEST(a_declared_range_is_enforced)
{
    static const struct declared_range range = {"x", -2.5, 3};
    struct kit kit;
    small_model(&kit, (const double[]){0.3, -1.7, 1.1, 0.2}, (const double[]){0.4, 0.1});
    calibrate(&kit);
    kit.options.quantize.ranges = &range;
    kit.options.quantize.range_count = 1;
    kit_run(&kit);
    const struct input_report *report = &kit.result.report.inputs[0];
    CHECK(report->low == -2.5 && report->high == 3 && report->is_declared);
    struct relation_values values;
    struct diag diag = {0};
    REQUIRE_OK(relation_values_init(&values, kit.result.program, &kit.arena, &diag), &diag);
    const struct tensor *inside[] = {kit_tensor(&kit, row(2), (const double[]){3, -2.5})};
    const struct tensor *outside[] = {kit_tensor(&kit, row(2), (const double[]){3.01, 0})};
    CHECK_STATUS(pipeline_evaluate(&values, &kit.result, inside, NULL, NULL, &diag), STATUS_OK,
                 &diag);
    CHECK_STATUS(pipeline_evaluate(&values, &kit.result, outside, NULL, NULL, &diag),
                 STATUS_BAD_INPUT, NULL);
    CHECK(strstr(diag.text, "'x'") != NULL && strstr(diag.text, "3.00999") != NULL);
    kit_release(&kit);
}

TEST(calibration_outside_a_declared_range_is_refused)
{
    static const struct declared_range range = {"x", -1, 1};
    struct kit kit;
    small_model(&kit, (const double[]){0.3, -1.7, 1.1, 0.2}, (const double[]){0.4, 0.1});
    calibrate(&kit);
    kit.options.quantize.ranges = &range;
    kit.options.quantize.range_count = 1;
    CHECK_STATUS(pipeline_run(&kit.result, kit.graph, &kit.options, &kit.arena, &kit.problems),
                 STATUS_BAD_INPUT, NULL);
    CHECK(kit.problems.count == 1 && strstr(kit.problems.item[0].text, "--range x") != NULL);
    kit_release(&kit);
}

TEST(without_data_inputs_are_generated)
{
    struct kit kit;
    small_model(&kit, (const double[]){0.3, -1.7, 1.1, 0.2}, (const double[]){0.4, 0.1});
    kit_run(&kit);
    CHECK(kit.result.report.is_generated && kit.result.report.meets_tolerance &&
          kit.result.report.run_count > 0);
    CHECK(kit.result.report.inputs[0].low == -0x1p20);
    kit_compare(&kit,
                (const struct tensor *[]){kit_tensor(&kit, row(2), (const double[]){0.7, -1.1})},
                1e-5, 1e-3);
    kit_release(&kit);
}

/* Stands for Poseidon: the sum of all, which is all that these tests need. */
static enum status sum_digest(void *context, wide *digest, const wide *values, size_t count,
                              wide low, wide high, wide salt, struct diag *diag)
{
    (void)context;
    (void)high;
    (void)diag;
    *digest = salt;
    for (size_t i = 0; i < count; i++) {
        wide shifted;
        REQUIRE(wide_sub(&shifted, values[i], low) && wide_add(digest, *digest, shifted));
    }
    return STATUS_OK;
}

static void check_visibility(enum port_visibility inputs, enum port_visibility outputs,
                             size_t public_count)
{
    struct kit kit;
    small_model(&kit, (const double[]){0.3, -1.7, 1.1, 0.2}, (const double[]){0.4, 0.1});
    calibrate(&kit);
    kit.options.inputs = inputs;
    kit.options.outputs = outputs;
    kit.options.digest = sum_digest;
    kit_run(&kit);
    const struct port *in = &kit.result.interface.inputs[0],
                      *out = &kit.result.interface.outputs[0];
    const struct relation_program *program = kit.result.program;
    CHECK(in->visibility == inputs && out->visibility == outputs);
    CHECK_U64(program->public_tensor_count, public_count);
    CHECK((program->tensors[in->tensor].role == ROLE_PUBLIC_INPUT) == (inputs == PORT_PUBLIC));
    CHECK((in->digest != RELATION_NONE) == (inputs == PORT_HASHED));
    CHECK((out->digest != RELATION_NONE) == (outputs == PORT_HASHED));
    if (outputs == PORT_HASHED)
        CHECK_U64(program->public_tensors[public_count - 1], out->digest);
    if (outputs == PORT_PUBLIC)
        CHECK_U64(program->public_tensors[public_count - 1], out->tensor);
    kit_compare(&kit,
                (const struct tensor *[]){kit_tensor(&kit, row(2), (const double[]){0.7, -1.1})},
                1e-5, 1e-3);
    kit_release(&kit);
}

TEST(every_visibility_of_inputs_and_outputs)
{
    check_visibility(PORT_PRIVATE, PORT_PUBLIC, 1);
    check_visibility(PORT_PUBLIC, PORT_PUBLIC, 2);
    check_visibility(PORT_HASHED, PORT_PUBLIC, 2);
    check_visibility(PORT_HASHED, PORT_HASHED, 2);
    check_visibility(PORT_PRIVATE, PORT_HASHED, 1);
    check_visibility(PORT_PUBLIC, PORT_PRIVATE, 1);
}

TEST(visibility_of_a_name_that_is_not_there_is_refused)
{
    static const struct named_visibility named = {"nobody", PORT_PUBLIC};
    struct kit kit;
    small_model(&kit, (const double[]){0.3, -1.7, 1.1, 0.2}, (const double[]){0.4, 0.1});
    kit.options.named = &named;
    kit.options.named_count = 1;
    CHECK_STATUS(pipeline_run(&kit.result, kit.graph, &kit.options, &kit.arena, &kit.problems),
                 STATUS_BAD_INPUT, NULL);
    kit_release(&kit);
}

/* A MelWeightMatrix of computed frequencies, which does not lower. */
static uint32_t mel_weights(struct kit *kit, uint32_t edge)
{
    static const int64_t bins[1] = {4}, length[1] = {16}, rate[1] = {8000};
    const uint32_t in[5] = {kit_constant_i64(kit, kit_shape(0), bins),
                            kit_constant_i64(kit, kit_shape(0), length),
                            kit_constant_i64(kit, kit_shape(0), rate), edge, edge};
    return kit_node(kit, OP_MEL_WEIGHT_MATRIX, in, 5);
}

TEST(every_operator_without_lowering_is_reported_at_once)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, kit_shape(0));
    kit_output(&kit, mel_weights(&kit, x));
    kit_output(&kit, mel_weights(&kit, kit_unary(&kit, OP_NEG, x)));
    CHECK_STATUS(pipeline_run(&kit.result, kit.graph, &kit.options, &kit.arena, &kit.problems),
                 STATUS_UNSUPPORTED, NULL);
    CHECK_U64(kit.problems.count, 2);
    kit_release(&kit);
}

TEST(outputs_that_are_inputs_or_parameters_stand_alone)
{
    struct kit kit;
    kit_init(&kit);
    uint32_t x = kit_input(&kit, "x", ELEMENT_F32, row(2));
    kit_output(&kit, kit_unary(&kit, OP_IDENTITY, x));
    kit_output(&kit, kit_unary(&kit, OP_IDENTITY,
                               kit_parameter(&kit, "p", row(2), (const double[]){0.5, 3})));
    calibrate(&kit);
    kit_run(&kit);
    CHECK_U64(kit.result.program->public_tensor_count, 2);
    kit_compare(&kit,
                (const struct tensor *[]){kit_tensor(&kit, row(2), (const double[]){0.7, -1.1})},
                1e-5, 1e-3);
    kit_release(&kit);
}
