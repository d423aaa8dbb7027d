/* label: slow
 *
 * Whole models with reference outputs through compiler and constraint check, every data set of
 * each: those of tests/models, and those of ../shared/models (or the folder SERTN_MODELS names)
 * when it is there. Settings as of nodes_test.c; see README.md.
 */
#include "tests/conformance/conformance.h"

#include "tests/harness/harness.h"

enum { MODEL_SECONDS = 1200, MODEL_MEGABYTES = 20480 };

static void run(const char *release, const char *root, struct conformance_tolerance tolerance,
                const char *name)
{
    struct conformance_suite suite = {0};
    struct conformance_limits limits =
        conformance_limits(MODEL_SECONDS, MODEL_MEGABYTES, tolerance);
    REQUIRE(conformance_suite_add_kind(&suite, release, "model", root,
                                       conformance_setting("SERTN_CONFORMANCE_FILTER", NULL)));
    if (suite.count == 0)
        test_skip("no models in %s", root);
    conformance_run_all(suite.tests, suite.count, &limits, conformance_print);
    if (name != NULL)
        conformance_conclude(suite.tests, suite.count, name, conformance_write_models);
    for (size_t i = 0; name == NULL && i < suite.count; i++)
        CHECK_MSG(suite.tests[i].result.outcome == CONFORMANCE_PASSED, "%s: %s",
                  suite.tests[i].name, suite.tests[i].result.reason);
    conformance_suite_release(&suite);
}

TEST(our_test_models_give_the_reference_outputs)
{
    run("ours", test_source_path("tests/models"), (struct conformance_tolerance){1e-3, 1e-5}, NULL);
}

TEST(public_models_give_the_reference_outputs)
{
    run("shared", conformance_setting("SERTN_MODELS", test_source_path("../shared/models")),
        (struct conformance_tolerance){1e-2, 1e-4}, "models");
}
