/* label: slow
 *
 * All of ONNX's backend test data that is at hand, through compiler and constraint check; writes
 * the report. Which data, which tests, how many at a time: see README.md. No test that the
 * committed results say passed may fail.
 */
#include "tests/conformance/conformance.h"

#include "tests/harness/harness.h"

TEST(onnx_backend_tests_pass_as_circuits)
{
    struct conformance_suite suite = {0};
    const char *filter = conformance_setting("SERTN_CONFORMANCE_FILTER", NULL);
    struct conformance_limits limits = conformance_limits(30, 4096, CONFORMANCE_ONNX_TOLERANCE);
    REQUIRE(conformance_suite_add_data(&suite, filter));
    if (suite.count == 0)
        test_skip("no ONNX test data");
    conformance_run_all(suite.tests, suite.count, &limits, conformance_print);
    conformance_conclude(suite.tests, suite.count, "conformance", conformance_write_report);
    conformance_conclude_bounds(suite.tests, suite.count);
    conformance_suite_release(&suite);
}
