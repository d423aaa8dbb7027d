/* label: slow
 *
 * All of ONNX's backend test data that is at hand, through compiler and constraint check; writes
 * the report. Which data, which tests, how many at a time: see README.md. No test that the
 * committed results say passed may fail.
 */
#include "tests/conformance/conformance.h"

#include <stdlib.h>
#include <string.h>

#include "tests/harness/harness.h"

/* "1.12=FOLDER,1.22=FOLDER" */
static bool add_releases(struct conformance_suite *suite, const char *text, const char *filter)
{
    bool is_good = true;
    char *copy = strdup(text), *rest = copy;
    for (char *part; copy != NULL && (part = strsep(&rest, ",")) != NULL;) {
        char *root = strchr(part, '=');
        if (root == NULL)
            continue;
        *root = 0;
        is_good = conformance_suite_add(suite, part, root + 1, filter) && is_good;
    }
    free(copy);
    return is_good;
}

TEST(onnx_backend_tests_pass_as_circuits)
{
    struct conformance_suite suite = {0};
    const char *filter = conformance_setting("SERTN_CONFORMANCE_FILTER", NULL);
    const char *data =
        conformance_setting("SERTN_CONFORMANCE_DATA", "1.12=/usr/share/libonnx-testdata/data");
    struct conformance_limits limits = conformance_limits(30, 4096, CONFORMANCE_ONNX_TOLERANCE);
    REQUIRE(add_releases(&suite, data, filter));
    if (suite.count == 0)
        test_skip("no ONNX test data at %s", data);
    conformance_run_all(suite.tests, suite.count, &limits, conformance_print);
    conformance_conclude(suite.tests, suite.count, "conformance", conformance_write_report);
    conformance_suite_release(&suite);
}
