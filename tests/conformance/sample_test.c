/*
 * A sample of ONNX's node tests (package libonnx-testdata) through compiler and constraint check:
 * one or two an operator class. nodes_test.c runs all of them. Whether the driver can fail a test
 * is tested too.
 */
#include "tests/conformance/conformance.h"

#include <string.h>

#include "ir/support/file.h"
#include "tests/harness/harness.h"

static const char node_tests[] = "/usr/share/libonnx-testdata/data/node";

static const char *const sample[] = {
    "test_add_bcast",
    "test_argmax_keepdims_example",
    "test_clip_example",
    "test_concat_2d_axis_1",
    "test_cumsum_2d_axis_0",
    "test_div_example",
    "test_einsum_batch_matmul",
    "test_exp_example",
    "test_expand_dim_changed",
    "test_gather_0",
    "test_gemm_all_attributes",
    "test_greater_equal",
    "test_leakyrelu_example",
    "test_matmul_2d",
    "test_max_example",
    "test_not_2d",
    "test_reduce_max_keepdims_example",
    "test_relu",
    "test_sigmoid_example",
    "test_slice_neg",
    "test_softmax_example",
    "test_split_equal_parts_1d",
    "test_squeeze",
    "test_sub_example",
    "test_top_k",
    "test_transpose_default",
    "test_where_example",
    "test_xor_bcast3v1d",
};

static void require_data(void)
{
    if (!file_exists(node_tests))
        test_skip("no ONNX test data in %s", node_tests);
}

TEST(a_sample_of_onnx_node_tests_passes_as_circuits)
{
    struct conformance_limits limits = conformance_limits(30, 4096, CONFORMANCE_ONNX_TOLERANCE);
    struct conformance_test tests[sizeof sample / sizeof *sample];
    size_t count = sizeof sample / sizeof *sample;
    require_data();
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct conformance_test){
            "1.12", "node", sample[i], test_path(node_tests, sample[i]), {0}};
    conformance_run_all(tests, count, &limits, NULL);
    for (size_t i = 0; i < count; i++)
        CHECK_MSG(tests[i].result.outcome == CONFORMANCE_PASSED, "%s: %s: %s", sample[i],
                  tests[i].result.stage, tests[i].result.reason);
}

TEST(an_impossible_tolerance_fails_at_the_comparison)
{
    struct conformance_limits limits =
        conformance_limits(30, 4096, (struct conformance_tolerance){0});
    struct conformance_test test = {
        "1.12", "node", "test_sqrt", test_path(node_tests, "test_sqrt"), {0}};
    require_data();
    conformance_run_all(&test, 1, &limits, NULL);
    CHECK(test.result.outcome == CONFORMANCE_FAILED);
    CHECK_TEXT(test.result.stage, "compare");
    CHECK(test.result.rows > 0);
}

TEST(a_folder_without_a_model_fails_alone)
{
    struct conformance_limits limits = conformance_limits(30, 4096, CONFORMANCE_ONNX_TOLERANCE);
    struct conformance_test tests[2] = {
        {"", "", "a folder without a model", test_temp_dir(), {0}},
        {"1.12", "node", "test_relu", test_path(node_tests, "test_relu"), {0}},
    };
    require_data();
    conformance_run_all(tests, 2, &limits, NULL);
    CHECK(tests[0].result.outcome == CONFORMANCE_FAILED);
    CHECK_MSG(strstr(tests[0].result.reason, "model.onnx") != NULL, "%s", tests[0].result.reason);
    CHECK(tests[1].result.outcome == CONFORMANCE_PASSED);
}
