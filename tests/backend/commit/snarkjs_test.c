/* label: prover */
#include <stdio.h>
#include <stdlib.h>

#include "backend/commit/srs.h"
#include "tests/harness/harness.h"

/* A ceremony made by the real snarkjs while the test runs. */
TEST(fresh_ceremony_of_snarkjs_is_imported)
{
    struct srs srs;
    struct diag diag = {0};
    char path[4096];
    if (!file_exists(test_source_path("contracts/node_modules/.bin/snarkjs")))
        test_skip("snarkjs is not installed: contracts/setup");
    setenv("XDG_CACHE_HOME", test_temp_dir(), 1);
    snprintf(path, sizeof path, "%s/fresh.ptau", test_temp_dir());
    const char *make[] = {test_source_path("tests/backend/commit/make_ptau.sh"), "4", path, NULL};
    struct test_output out = test_run(make);
    CHECK_MSG(out.exit_status == 0, "snarkjs: %.300s", out.errors);
    REQUIRE_OK(srs_open_file(&srs, path, 31, NULL, &diag), &diag);
    CHECK(srs.powers.count == 31 && srs.origin == SRS_CEREMONY);
    srs_release(&srs);
    CHECK_STATUS(srs_open_file(&srs, path, 32, NULL, &diag), STATUS_LIMIT, &diag);
}
