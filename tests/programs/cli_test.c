/* label: prover libs: sertn_3rd_cjson */
/*
 * The programs as users run them: every model of tests/models compiled, checked, evaluated, proved
 * and verified; the fields of --json and the exit statuses that scripts rest on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ir/support/file.h"
#include "tests/programs/output_kit.h"

enum { DATA_SETS = 3, PROOF_BYTES_MOST = 1200 };

static const char *const models[] = {
    "external_weights",
    "gaussian_nb",
    "imputer_pipeline",
    "kmeans",
    "knn",
    "label_encoder",
    "lightgbm_binary",
    "linear_gemm",
    "linear_regression",
    "logistic_scaler",
    "mixed_columns",
    "logistic_scaler_zipmap",
    "mlp",
    "multi_output",
    "normalizer_pipeline",
    "onehot_pipeline",
    "svc_rbf",
    "svr_poly",
    "tree_classifier",
    "tree_ensemble_v5",
    "tree_classifier_words",
    "tree_every_mode",
    "tree_regressor_gaps",
    "xgboost_regressor",
    "xgboost_classifier",
};
enum { MODELS = sizeof models / sizeof *models };

/* ---- outputs against the reference ---- */

static void check_first_outputs(const cJSON *outputs, const char *model)
{
    struct buffer text = kit_read(kit_model(model, "output.json"));
    cJSON *want = cJSON_ParseWithLength((const char *)text.data, text.count);
    const cJSON *item;
    CHECK_MSG(cJSON_GetArraySize(outputs) == cJSON_GetArraySize(want), "%s: other outputs", model);
    cJSON_ArrayForEach(item, want)
        CHECK_MSG(output_json_agrees(kit_member(outputs, item->string), item),
                  "%s: output %s differs", model, item->string);
    cJSON_Delete(want);
    buffer_release(&text);
}

static void check_outputs(const cJSON *result, const char *model, unsigned set)
{
    output_check_set(result, kit_model(model, kit_text("test_data_set_%u", set)), model);
    if (set == 0)
        check_first_outputs(kit_member(result, "outputs"), model);
}

/* ---- every model ---- */

static void check_sets(const char *folder, const char *model)
{
    for (unsigned set = 0; set < DATA_SETS; set++) {
        const char *input = kit_model(model, kit_text("test_data_set_%u", set));
        struct test_output out = SERTN_RUN("check", folder, "--input", input, "--json");
        kit_done(&out, kit_text("check %s %u", model, set));
        cJSON *result = kit_json(&out);
        CHECK(cJSON_IsTrue(kit_member(result, "verified")));
        CHECK(cJSON_GetArraySize(kit_member(result, "failures")) == 0);
        CHECK(kit_number(result, "rows") >= 16 && kit_number(result, "peak_memory_bytes") > 0);
        check_outputs(result, model, set);
        cJSON_Delete(result);
    }
}

/* The items of a sequence are in a list under its name. */
static void check_errors(const cJSON *errors, const char *model)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, errors)
    {
        if (cJSON_IsArray(item)) {
            check_errors(item, model);
            continue;
        }
        CHECK(kit_number(item, "absolute") >= 0 && kit_number(item, "relative") >= 0);
        CHECK_MSG(kit_number(item, "mismatches") == 0, "%s: labels differ from float64", model);
    }
}

static void check_eval(const char *folder, const char *model)
{
    struct test_output out =
        SERTN_RUN("eval", folder, "--input", kit_model(model, "test_data_set_1"), "--json");
    kit_done(&out, kit_text("eval %s", model));
    cJSON *result = kit_json(&out);
    check_outputs(result, model, 1);
    CHECK(cJSON_GetArraySize(kit_member(result, "quantized")) > 0);
    CHECK(cJSON_GetArraySize(kit_member(result, "reference")) > 0);
    check_errors(kit_member(result, "error"), model);
    CHECK(kit_number(result, "sets_exact") == 1 && kit_number(result, "sets_count") == 1);
    cJSON_Delete(result);
}

/* Keys are made by prove, on first use. */
static void check_proof(const char *folder, const char *model)
{
    const char *proof = test_path(test_temp_dir(), "proof.json");
    struct test_output out = SERTN_RUN("prove", folder, "--input",
                                       kit_model(model, "test_data_set_2"), "-o", proof, "--json");
    kit_done(&out, kit_text("prove %s", model));
    cJSON *proved = kit_json(&out);
    check_outputs(proved, model, 2);
    CHECK(kit_number(proved, "proof_bytes") <= PROOF_BYTES_MOST);
    CHECK(kit_number(proved, "prove_seconds") > 0 && kit_number(proved, "peak_memory_bytes") > 0);
    CHECK(kit_number(proved, "rows") >= 16 && kit_number(proved, "columns") > 0);
    /* Only public/ is needed to verify. */
    struct test_output moved = kit_shell("mv %s/private %s/away", folder, folder);
    kit_done(&moved, "mv");
    out = SERTN_RUN("verify", folder, proof, "--json");
    kit_done(&out, kit_text("verify %s", model));
    cJSON *verified = kit_json(&out);
    CHECK(cJSON_IsTrue(kit_member(verified, "verified")));
    CHECK(kit_number(verified, "proof_bytes") == kit_number(proved, "proof_bytes"));
    CHECK(cJSON_Compare(kit_member(verified, "outputs"), kit_member(proved, "outputs"), true));
    cJSON_Delete(verified);
    cJSON_Delete(proved);
}

static void check_range(size_t begin, size_t end)
{
    for (size_t i = begin; i < end && i < MODELS; i++) {
        const char *folder = kit_compiled(models[i]);
        check_sets(folder, models[i]);
        check_eval(folder, models[i]);
        check_proof(folder, models[i]);
    }
}

TEST(first_models_are_right_from_onnx_to_verified_proof)
{
    check_range(0, 8);
}

TEST(second_models_are_right_from_onnx_to_verified_proof)
{
    check_range(8, 16);
}

TEST(third_models_are_right_from_onnx_to_verified_proof)
{
    check_range(16, MODELS);
}

/* ---- reports and fields ---- */

TEST(report_has_its_fields_and_predicts_rows_and_bytes_exactly)
{
    static const char *const fields[] = {
        "rows",          "columns",      "proof_bytes",        "gas",
        "prove_seconds", "keys_seconds", "prove_memory_bytes", "ptau_power"};
    const char *folder = test_path(test_temp_dir(), "m.sertn");
    struct test_output out = SERTNC(kit_model("mlp", "model.onnx"), "-o", folder, "--json");
    kit_done(&out, "sertnc");
    CHECK_TEXT(out.errors, "");
    cJSON *report = kit_json(&out);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        CHECK(kit_number(report, fields[i]) > 0);
    CHECK(cJSON_GetArraySize(kit_member(report, "nodes")) > 0);
    CHECK(cJSON_GetArraySize(kit_member(report, "outputs")) > 0);
    const char *proof = test_path(test_temp_dir(), "p.json");
    out = SERTN_RUN("prove", folder, "--input", kit_model("mlp", "input.json"), "-o", proof,
                    "--json");
    kit_done(&out, "prove");
    CHECK_TEXT(out.errors, "");
    cJSON *proved = kit_json(&out);
    CHECK(kit_number(proved, "proof_bytes") == kit_number(report, "proof_bytes"));
    CHECK(kit_number(proved, "rows") == kit_number(report, "rows"));
    CHECK(kit_number(proved, "columns") == kit_number(report, "columns"));
    cJSON_Delete(proved);
    cJSON_Delete(report);
}

TEST(report_only_writes_nothing)
{
    const char *folder = test_temp_dir();
    struct test_output out = kit_shell("cd %s && $SERTNC %s --report-only --json", folder,
                                       kit_model("mlp", "model.onnx"));
    kit_done(&out, "report");
    cJSON_Delete(kit_json(&out));
    CHECK(kit_entries(folder) == 0);
}

TEST(keys_and_calldata_have_their_fields)
{
    const char *folder = kit_compiled("linear_regression");
    struct test_output out = SERTN_RUN("keys", folder, "--json");
    kit_done(&out, "keys");
    cJSON *keys = kit_json(&out);
    CHECK(strlen(kit_member(keys, "vk_digest")->valuestring) == 66);
    CHECK(kit_number(keys, "vk_bytes") > 0 && kit_number(keys, "setup_bytes") > 0);
    out = SERTN_RUN("calldata", folder, kit_proved(folder, "linear_regression"), "--json");
    kit_done(&out, "calldata");
    cJSON *calldata = kit_json(&out);
    CHECK(strncmp(kit_member(calldata, "calldata")->valuestring, "0x", 2) == 0);
    CHECK_TEXT(kit_member(calldata, "vk_digest")->valuestring,
               kit_member(keys, "vk_digest")->valuestring);
    CHECK(cJSON_GetArraySize(kit_member(calldata, "words")) == 1);
    CHECK(cJSON_IsString(kit_member(calldata, "signature")));
    cJSON_Delete(calldata);
    cJSON_Delete(keys);
}

TEST(private_files_are_for_their_owner_alone)
{
    static const char *const files[] = {"private/parameters", "private/tail",
                                        "private/accuracy.json", "private/source.json"};
    const char *folder = kit_keyed("linear_regression");
    struct stat info;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        CHECK_MSG(stat(test_path(folder, files[i]), &info) == 0 && (info.st_mode & 0777) == 0600,
                  "%s", files[i]);
    CHECK(stat(test_path(folder, "private"), &info) == 0 && (info.st_mode & 077) == 0);
}

static bool file_has(const char *path, const char *text)
{
    struct buffer file = kit_read(path);
    buffer_put_u8(&file, 0);
    bool found = strstr((const char *)file.data, text) != NULL;
    buffer_release(&file);
    return found;
}

/* They depend on weights, as measured errors depend on data. */
TEST(proven_errors_are_in_the_private_report_alone)
{
    const char *folder = kit_keyed("linear_regression");
    CHECK(file_has(test_path(folder, "private/accuracy.json"), "\"proven_error\""));
    CHECK(!file_has(test_path(folder, "public/report.json"), "proven"));
    CHECK(!file_has(test_path(folder, "public/report.json"), "no_bound"));
    CHECK(!file_has(test_path(folder, "public/metadata.json"), "proven"));
}

TEST(metadata_names_model_and_hashes)
{
    static const char *const hashes[] = {"circuit_hash",      "vk_hash",    "model_hash",
                                         "input_schema_hash", "srs_digest", "output_schema_hash"};
    struct buffer text =
        kit_read(test_path(kit_keyed("linear_regression"), "public/metadata.json"));
    cJSON *metadata = cJSON_ParseWithLength((const char *)text.data, text.count);
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        const cJSON *hash = kit_member(metadata, hashes[i]);
        CHECK(cJSON_IsString(hash) && strlen(hash->valuestring) == 66);
    }
    CHECK(kit_number(metadata, "compute_cost") > 0);
    CHECK(cJSON_IsString(kit_member(metadata, "proof_system")));
    cJSON_Delete(metadata);
    buffer_release(&text);
}

/* ---- options ---- */

static void check_help(const char *program)
{
    struct test_output out = kit_run(program, (const char *const[]){"--help", NULL});
    kit_done(&out, program);
    CHECK(strstr(out.text, "usage:") != NULL && strstr(out.text, "examples:") != NULL);
    CHECK(strstr(out.text, "--threads") != NULL && out.errors_bytes == 0);
    out = kit_run(program, (const char *const[]){"--version", NULL});
    kit_done(&out, program);
    CHECK(strncmp(out.text, program, strlen(program)) == 0 && strchr(out.text, '.') != NULL);
}

TEST(programs_help_with_examples_and_tell_their_version)
{
    check_help("sertnc");
    check_help("sertn-run");
}

TEST(list_ops_lists_operators)
{
    struct test_output out = SERTNC("--list-ops");
    kit_done(&out, "list");
    CHECK(strstr(out.text, "MatMul") != NULL && strstr(out.text, "TreeEnsembleClassifier") != NULL);
    out = SERTNC("--list-ops", "--json");
    kit_done(&out, "list");
    cJSON_Delete(kit_json(&out));
}

TEST(quiet_says_nothing)
{
    const char *folder = test_path(test_temp_dir(), "m.sertn"),
               *proof = test_path(test_temp_dir(), "p.json");
    struct test_output out[] = {
        SERTNC(kit_model("linear_gemm", "model.onnx"), "-o", folder, "--quiet"),
        SERTN_RUN("keys", folder, "--quiet"),
        SERTN_RUN("prove", folder, "--input", kit_model("linear_gemm", "input.json"), "-o", proof,
                  "--quiet"),
        SERTN_RUN("verify", folder, proof, "--quiet"),
    };
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
        kit_done(&out[i], "quiet");
        CHECK_TEXT(out[i].text, "");
        CHECK_TEXT(out[i].errors, "");
    }
}

TEST(standard_input_is_read)
{
    const char *folder = kit_keyed("linear_regression");
    const char *proof = test_path(test_temp_dir(), "p.json");
    struct test_output out =
        kit_shell("echo '{\"input_data\": [[3, 5]]}' | $SERTN_RUN prove %s --input - -o %s --json",
                  folder, proof);
    kit_done(&out, "stdin");
    cJSON *result = kit_json(&out);
    check_first_outputs(kit_member(result, "outputs"), "linear_regression");
    cJSON_Delete(result);
    out = kit_shell("cat %s | $SERTN_RUN verify %s -", proof, folder);
    kit_done(&out, "verify from standard input");
}

TEST(inputs_come_in_every_format)
{
    const char *folder = kit_compiled("linear_regression"), *dir = test_temp_dir();
    static const char *const texts[][2] = {{"a.json", "{\"X\": [3, 5]}"},
                                           {"b.json", "{\"X\": [[3.0, 5.0]]}"},
                                           {"c.json", "{\"input_data\": [[[3, 5]]]}"},
                                           {"d.csv", "3,5\n"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *path = test_path(dir, texts[i][0]);
        kit_write(path, texts[i][1], strlen(texts[i][1]));
        struct test_output out = SERTN_RUN("check", folder, "--input", path, "--json");
        kit_done(&out, texts[i][1]);
        cJSON *result = kit_json(&out);
        check_first_outputs(kit_member(result, "outputs"), "linear_regression");
        cJSON_Delete(result);
    }
}

TEST(folder_of_inputs_proves_many)
{
    const char *folder = kit_keyed("linear_regression"),
               *out_folder = test_path(test_temp_dir(), "proofs");
    struct test_output out =
        kit_shell("in=%s; for k in 0 1 2; do cp -r %s/test_data_set_$k $in/; done; "
                  "$SERTN_RUN prove %s --input $in -o %s --json",
                  test_temp_dir(), kit_model("linear_regression", ""), folder, out_folder);
    kit_done(&out, "many");
    cJSON *result = kit_json(&out);
    const cJSON *proofs = kit_member(result, "proofs"), *item;
    unsigned set = 0;
    CHECK(cJSON_GetArraySize(proofs) == DATA_SETS);
    cJSON_ArrayForEach(item, proofs)
    {
        check_outputs(item, "linear_regression", set++);
        struct test_output verified =
            SERTN_RUN("verify", folder, kit_member(item, "proof_file")->valuestring);
        kit_done(&verified, "verify one of many");
    }
    CHECK(kit_entries(out_folder) == DATA_SETS);
    cJSON_Delete(result);
}

TEST(fast_mode_public_parameters_and_hashed_values_work)
{
    static const char *const options[][4] = {{"--mode", "fast", "--quiet", NULL},
                                             {"--params", "public", "--quiet", NULL},
                                             {"--input", "public", "--output", "private"},
                                             {"--input", "hashed", "--output", "hashed"}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const char *folder = test_path(test_temp_dir(), "m.sertn");
        struct test_output out = SERTNC(kit_model("linear_regression", "model.onnx"), "-o", folder,
                                        options[i][0], options[i][1], options[i][2], options[i][3]);
        kit_done(&out, options[i][1]);
        const char *proof = kit_proved(folder, "linear_regression");
        out = SERTN_RUN("verify", folder, proof, "--json");
        kit_done(&out, options[i][1]);
        cJSON_Delete(kit_json(&out));
    }
}

TEST(context_binds_a_proof)
{
    static const char context[] =
        "0x00000000000000000000000000000000000000000000000000000000000000aB";
    const char *folder = kit_keyed("linear_regression"),
               *proof = test_path(test_temp_dir(), "p.json");
    struct test_output out =
        SERTN_RUN("prove", folder, "--input", kit_model("linear_regression", "input.json"), "-o",
                  proof, "--context", context, "--quiet");
    kit_done(&out, "prove");
    out = SERTN_RUN("verify", folder, proof, "--context", context);
    kit_done(&out, "verify");
    out = SERTN_RUN("verify", folder, proof);
    kit_refused(&out, 1, "context", "no context");
    out = SERTN_RUN("verify", folder, proof, "--json");
    CHECK(out.exit_status == 1);
    cJSON *result = kit_json(&out);
    CHECK(cJSON_IsFalse(kit_member(result, "verified")));
    CHECK(cJSON_IsString(kit_member(result, "error")));
    cJSON_Delete(result);
}

/* ---- the same bytes again ---- */

TEST(compiling_again_gives_the_same_public_bytes)
{
    static const char *const names[] = {"mlp", "tree_classifier", "svc_rbf", "xgboost_regressor"};
    static const char *const files[] = {"public/circuit", "public/metadata.json",
                                        "public/report.json", "private/parameters"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *model = kit_model(names[i], "model.onnx");
        const char *data = kit_model(names[i], "test_data_set_0");
        const char *base = test_temp_dir();
        const char *one = test_path(base, "one"), *two = test_path(base, "two");
        struct test_output out =
            SERTNC(model, "-o", one, "--data", data, "--threads", "1", "--quiet");
        kit_done(&out, names[i]);
        out = SERTNC(model, "-o", two, "--data", data, "--threads", "2", "--quiet");
        kit_done(&out, names[i]);
        for (size_t f = 0; f < sizeof files / sizeof *files; f++)
            CHECK_MSG(kit_same_file(test_path(one, files[f]), test_path(two, files[f])),
                      "%s: %s differs", names[i], files[f]);
        out = SERTNC(model, "--reproduce", one, "--data", data);
        kit_done(&out, "reproduce");
    }
}

TEST(reproducing_another_circuit_is_rejected)
{
    const char *folder = kit_compiled("linear_regression");
    struct test_output out = SERTNC(kit_model("linear_regression", "model.onnx"), "--reproduce",
                                    folder, "--range", "X=-64:64", "--quiet");
    kit_refused(&out, 1, folder, "another range");
}
