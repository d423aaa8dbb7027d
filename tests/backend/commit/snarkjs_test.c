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
    const char *npm[] = {"/bin/sh", "-c", "command -v node && command -v npm", NULL};
    if (test_run(npm).exit_status != 0)
        test_skip("no node and npm here");
    setenv("XDG_CACHE_HOME", test_temp_dir(), 1);
    snprintf(path, sizeof path, "%s/fresh.ptau", test_temp_dir());
    const char *make[] = {test_source_path("tests/backend/commit/make_ptau.sh"), "4", path, NULL};
    struct test_output out = test_run(make);
    if (!file_exists(path))
        test_skip("snarkjs could not be installed or run: %.200s", out.errors);
    CHECK_I64(out.exit_status, 0);
    REQUIRE_OK(srs_open_file(&srs, path, 31, NULL, &diag), &diag);
    CHECK(srs.powers.count == 31 && srs.origin == SRS_CEREMONY);
    srs_release(&srs);
    CHECK_STATUS(srs_open_file(&srs, path, 32, NULL, &diag), STATUS_LIMIT, &diag);
}
