/* label: prover libs: test_helpers_frontend sertn_frontend sertn_3rd_cjson */
/*
 * What verifying costs on a real anvil of the Osaka fork, by how many values are public: the whole
 * transaction, the bytes of the proof, and the report's predictions beside both. The table in
 * benchmarks/results/gas.md is what this prints.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/frontend/model_builder.h"
#include "tests/programs/chain_kit.h"

enum { DEVELOPMENT = 31337, FEATURES = 8, PROOF_BYTES_MOST = 1200, VALUES_MOST = 1000 };
/* Predicted gas may be off by this part. */
static const double gas_tolerance = 0.02;

/* A classifier of so many classes, or a linear model of so many targets. */
static void write_model(const char *path, unsigned values, bool softmax)
{
    static double weights[FEATURES * VALUES_MOST];
    char shape[32];
    size_t count;
    struct builder b = builder_start(17);
    REQUIRE(values <= VALUES_MOST);
    for (size_t i = 0; i < FEATURES * (size_t)values; i++)
        weights[i] = sin(1.0 + (double)i * 0.7) * 2;
    snprintf(shape, sizeof shape, "%d,%u", FEATURES, values);
    model_input(&b, "x", ELEMENT_F32, "1,8");
    model_tensor(&b, "w", ELEMENT_F32, shape, weights);
    model_node(&b, "MatMul", "x,w", softmax ? "scores" : "y");
    if (softmax)
        model_node(&b, "Softmax", "scores", "y");
    model_output(&b, "y");
    const uint8_t *bytes = model_bytes(&b, &count);
    kit_write(path, bytes, count);
    builder_end(&b);
}

/* Compiles, proves, verifies on chain; checks the bounds and the report's predictions; prints a row
 * of the table. */
static void measure(const char *url, const char *what, unsigned values, bool softmax,
                    const char *option, double gas_most)
{
    const char *base = test_temp_dir();
    const char *model = test_path(base, "m.onnx"), *folder = test_path(base, "m.sertn");
    const char *input = test_path(base, "in.json"), *proof = test_path(base, "p.json");
    static const char json[] =
        "[[0.513, -0.257, 0.1239, 0.7531, -0.4987, 0.2513, 0.8761, -0.1233]]";
    write_model(model, values, softmax);
    kit_write(input, json, strlen(json));
    struct test_output out =
        SERTNC(model, "-o", folder, "--data", input, "--json", "--input", option);
    kit_done(&out, what);
    cJSON *report = kit_json(&out);
    out = SERTN_RUN("prove", folder, "--input", input, "-o", proof, "--json");
    kit_done(&out, what);
    cJSON *proved = kit_json(&out);
    out = SERTN_RUN("verify", folder, proof, "--rpc", url, "--json");
    kit_done(&out, what);
    cJSON *verified = kit_json(&out);
    double gas = kit_number(verified, "gas"), predicted = kit_number(report, "gas"),
           bytes = kit_number(verified, "proof_bytes");
    CHECK_MSG(gas <= gas_most, "%s: %.0f gas, at most %.0f are allowed", what, gas, gas_most);
    CHECK_MSG(bytes <= PROOF_BYTES_MOST, "%s: a proof of %.0f bytes", what, bytes);
    CHECK(kit_number(report, "proof_bytes") == bytes);
    CHECK(kit_number(report, "rows") == kit_number(proved, "rows"));
    CHECK_MSG(fabs(predicted - gas) <= gas_tolerance * gas, "%s: predicted %.0f, took %.0f", what,
              predicted, gas);
    printf("| %s | %u | %.0f | %.0f | %.0f | %.0f | %+.2f%% |\n", what, values,
           kit_number(report, "public_words"), bytes, gas, predicted,
           100 * (predicted - gas) / gas);
    cJSON_Delete(verified);
    cJSON_Delete(proved);
    cJSON_Delete(report);
}

TEST(gas_of_public_values_stays_in_its_bounds)
{
    const char *url = kit_chain_start(DEVELOPMENT);
    printf("| model | public values | words | proof bytes | gas | predicted | off |\n"
           "|---|---|---|---|---|---|---|\n");
    measure(url, "linear, 8 features", 1, false, "private", 250000);
    measure(url, "linear, 8 features, input public too", 12, false, "public", 250000);
    measure(url, "linear, 8 features", 20, false, "private", 250000);
    measure(url, "linear, 8 features", 214, false, "private", 260000);
    measure(url, "linear, 8 features", 1000, false, "private", 320000);
    measure(url, "softmax of 8 features", 20, true, "private", 250000);
    measure(url, "softmax of 8 features", 214, true, "private", 260000);
    measure(url, "softmax of 8 features", 1000, true, "private", 320000);
}
