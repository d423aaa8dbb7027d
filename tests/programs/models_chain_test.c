/* label: slow network libs: sertn_3rd_cjson */
/*
 * Real models of others, from ONNX to a proof that an EVM node accepts: each of the eight, with
 * every data set, compiled, proved, verified in C and on anvil; outputs within the tolerance of the
 * reference outputs, labels exact; what the report predicts. Skipped where the folder of the models
 * is not beside the project.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "tests/programs/chain_kit.h"
#include "tests/programs/output_kit.h"

enum { DEVELOPMENT = 31337, SETS = 3, PROOF_BYTES_MOST = 1200, VERIFY_GAS_MOST = 250000 };
static const double gas_tolerance = 0.02;

/* A file of ../shared/models, or the case is skipped. */
static const char *shared(const char *model, const char *file)
{
    const char *path = test_source_path(kit_text("../shared/models/%s/%s", model, file));
    if (!file_exists(path))
        test_skip("%s is not there", path);
    return path;
}

/* ../shared/models beside the project, compiled with all data sets but the one that is proved. */
static const char *compile(const char *model, unsigned proved, cJSON **report)
{
    const char *folder = test_path(test_temp_dir(), "m.sertn");
    unsigned a = (proved + 1) % SETS, b = (proved + 2) % SETS;
    struct test_output out = SERTNC(shared(model, "model.onnx"), "-o", folder, "--data",
                                    shared(model, kit_text("test_data_set_%u", a)), "--data",
                                    shared(model, kit_text("test_data_set_%u", b)), "--json");
    kit_done(&out, model);
    *report = kit_json(&out);
    CHECK_MSG(cJSON_IsTrue(kit_member(*report, "meets_tolerance")), "%s: tolerance not met", model);
    return folder;
}

static void check_set(const char *url, const char *model, unsigned set)
{
    cJSON *report;
    const char *what = kit_text("%s, set %u", model, set);
    const char *input = shared(model, kit_text("test_data_set_%u", set));
    const char *folder = compile(model, set, &report),
               *proof = test_path(test_temp_dir(), "p.json");
    struct test_output out = SERTN_RUN("prove", folder, "--input", input, "-o", proof, "--json");
    kit_done(&out, what);
    cJSON *proved = kit_json(&out);
    output_check_set(proved, input, what);
    out = SERTN_RUN("verify", folder, proof, "--rpc", url, "--json");
    kit_done(&out, what);
    cJSON *verified = kit_json(&out);
    CHECK(cJSON_IsTrue(kit_member(verified, "verified")));
    CHECK(cJSON_Compare(kit_member(verified, "outputs"), kit_member(proved, "outputs"), true));
    double gas = kit_number(verified, "gas"), predicted = kit_number(report, "gas");
    CHECK_MSG(gas > 100000 && gas <= VERIFY_GAS_MOST, "%s: %.0f gas", what, gas);
    CHECK_MSG(fabs(predicted - gas) <= gas_tolerance * gas, "%s: predicted %.0f gas, took %.0f",
              what, predicted, gas);
    CHECK(kit_number(proved, "proof_bytes") <= PROOF_BYTES_MOST);
    CHECK(kit_number(proved, "proof_bytes") == kit_number(report, "proof_bytes"));
    CHECK(kit_number(proved, "rows") == kit_number(report, "rows"));
    CHECK(kit_number(proved, "columns") == kit_number(report, "columns"));
    printf("| %s | %u | %.0f | %.3f s | %.1f MB | %.0f | %.0f | %+.2f%% |\n", model, set,
           kit_number(proved, "rows"), kit_number(proved, "prove_seconds"),
           kit_number(proved, "peak_memory_bytes") / 1e6, kit_number(proved, "proof_bytes"), gas,
           100 * (predicted - gas) / gas);
    cJSON_Delete(verified);
    cJSON_Delete(proved);
    cJSON_Delete(report);
}

static void check_model(const char *model)
{
    shared(model, "model.onnx");
    const char *url = kit_chain_start(DEVELOPMENT);
    for (unsigned set = 0; set < SETS; set++)
        check_set(url, model, set);
}

#define MODEL(name)                                                                                \
    TEST(name##_is_proved_and_verified_on_chain)                                                   \
    {                                                                                              \
        check_model(#name);                                                                        \
    }

MODEL(linear_regression)
MODEL(linear_regressor_ml)
MODEL(linear_svc)
MODEL(mlp_iris)
MODEL(tree_classifier_30)
MODEL(xgboost_classifier_30)
MODEL(xgboost_regressor_100)
MODEL(random_forest_tensor)
