/* label: prover libs: sertn_3rd_cjson */
/*
 * --evaluator: whoever computes the witness, the outputs are the same, every constraint holds, and
 * a machine without LLVM does the work all the same.
 */
#include <stdio.h>
#include <string.h>

#include "tests/programs/programs_kit.h"

static bool built_with_llvm(const struct test_output *out)
{
    return strstr(out->errors, "built without LLVM") == NULL;
}

/* Outputs and evaluator of `check`, for these inputs. */
static cJSON *checked(const char *folder, const char *input, const char *evaluator)
{
    struct test_output out = SERTN_RUN("check", folder, "--input", input, "--json", "--threads",
                                       "2", "--evaluator", evaluator);
    kit_done(&out, evaluator);
    return kit_json(&out);
}

static void compare_evaluators(const char *model)
{
    const char *folder = kit_compiled(model);
    for (int k = 0; k < 3; k++) {
        const char *input = kit_model(model, kit_text("test_data_set_%d", k));
        cJSON *a = checked(folder, input, "interpreter"), *b = checked(folder, input, "llvm");
        CHECK_TEXT(kit_member(a, "evaluator")->valuestring, "interpreter");
        CHECK_MSG(cJSON_Compare(kit_member(a, "outputs"), kit_member(b, "outputs"), true),
                  "%s, set %d: the outputs differ", model, k);
        CHECK(cJSON_IsTrue(kit_member(b, "verified")));
        cJSON_Delete(a);
        cJSON_Delete(b);
    }
}

TEST(native_code_gives_the_interpreters_outputs)
{
    static const char *const models[] = {"small_cnn",       "mlp",     "qdq_mlp", "tree_every_mode",
                                         "onehot_pipeline", "svc_rbf", "knn",     "gaussian_nb",
                                         "logistic_scaler"};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        compare_evaluators(models[i]);
}

TEST(a_proof_by_native_code_is_accepted)
{
    const char *folder = kit_keyed("small_cnn"), *proof = test_path(test_temp_dir(), "p.json");
    struct test_output out =
        SERTN_RUN("prove", folder, "--input", kit_model("small_cnn", "test_data_set_1"), "-o",
                  proof, "--evaluator", "llvm", "--json");
    kit_done(&out, "prove");
    cJSON *said = kit_json(&out);
    const char *evaluator = kit_member(said, "evaluator")->valuestring;
    CHECK(strcmp(evaluator, "llvm") == 0 || strcmp(evaluator, "interpreter") == 0);
    cJSON_Delete(said);
    out = SERTN_RUN("verify", folder, proof);
    kit_done(&out, "verify");
}

TEST(small_work_is_left_to_the_interpreter)
{
    cJSON *said = checked(kit_compiled("mlp"), kit_model("mlp", "test_data_set_0"), "auto");
    CHECK_TEXT(kit_member(said, "evaluator")->valuestring, "interpreter");
    cJSON_Delete(said);
}

/* A library of that name that is none hides the real one. */
TEST(a_machine_without_llvm_uses_the_interpreter_and_says_so)
{
    const char *folder = kit_compiled("mlp"), *empty = test_temp_dir();
    const char *input = kit_model("mlp", "test_data_set_0");
    struct test_output out = SERTN_RUN("check", folder, "--input", input, "--evaluator", "llvm");
    kit_done(&out, "llvm");
    if (!built_with_llvm(&out))
        test_skip("built without LLVM");
    out = kit_shell("for v in 13 14 15 16 17 18 19; do echo no > %s/libLLVM-$v.so.1; "
                    "cp %s/libLLVM-$v.so.1 %s/libLLVM-$v.so; done; "
                    "LD_LIBRARY_PATH=%s $SERTN_RUN check %s --input %s --evaluator llvm --json",
                    empty, empty, empty, empty, folder, input);
    kit_done(&out, "hidden, json");
    cJSON *said = kit_json(&out);
    CHECK_TEXT(kit_member(said, "evaluator")->valuestring, "interpreter");
    cJSON_Delete(said);
    out = kit_shell("LD_LIBRARY_PATH=%s $SERTN_RUN check %s --input %s --evaluator llvm", empty,
                    folder, input);
    kit_done(&out, "hidden");
    CHECK_MSG(strstr(out.errors, "LLVM is not here") != NULL, "said %s", out.errors);
}

TEST(another_name_is_refused)
{
    struct test_output out =
        SERTN_RUN("check", "m.sertn", "--input", "in.json", "--evaluator", "gpu");
    kit_refused(&out, 2, "auto, interpreter or llvm", "gpu");
    out = SERTN_RUN("verify", "m.sertn", "p.json", "--evaluator", "llvm");
    kit_refused(&out, 2, "--evaluator", "verify");
}
