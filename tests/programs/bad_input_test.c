/* label: fast libs: sertn_3rd_cjson */
/*
 * Bad models, inputs, options, artifacts, keys and powers of tau, given to the programs as users
 * give them: one sentence on standard error, the exit status that says whose fault it is, nothing
 * written. tests/models/bad_models_test.c has the models that are wrong in one way each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ir/support/file.h"
#include "tests/programs/programs_kit.h"

#define MODEL "linear_regression"

/* Compiles and expects a refusal that leaves nothing. */
static void refuse_model(const char *model, const char *says, const char *what)
{
    const char *folder = test_temp_dir();
    struct test_output out = SERTNC(model, "-o", test_path(folder, "m.sertn"));
    kit_refused_each(&out, 2, says, what);
    CHECK_MSG(kit_entries(folder) == 0, "%s: something is left", what);
}

/* ---- models ---- */

TEST(truncated_models_are_refused_or_still_a_model)
{
    struct buffer whole = kit_read(kit_model("mlp", "model.onnx"));
    const char *cut = test_path(test_temp_dir(), "cut.onnx");
    size_t refused = 0;
    for (size_t i = 0; i < 40; i++) {
        size_t count = whole.count * i / 40;
        kit_write(cut, whole.data, count);
        struct test_output out = SERTNC(cut, "--report-only", "--quiet");
        refused += out.exit_status != 0;
        /* A cut between two fields leaves a model without what follows, as protobuf has it. */
        if (out.exit_status != 0)
            kit_refused(&out, 2, NULL, kit_text("%zu of %zu bytes", count, whole.count));
    }
    CHECK(refused >= 38);
    buffer_release(&whole);
}

TEST(altered_models_never_crash_the_compiler)
{
    static const char *const models[] = {"mlp", "tree_classifier", "svc_rbf", "mixed_columns"};
    const char *path = test_path(test_temp_dir(), "altered.onnx");
    for (size_t i = 0; i < 120; i++) {
        struct buffer bytes = kit_read(kit_model(models[i % 4], "model.onnx"));
        for (size_t k = 0; k <= i % 3; k++)
            bytes.data[test_random_below(bytes.count)] ^= (uint8_t)(1 + test_random_below(255));
        kit_write(path, bytes.data, bytes.count);
        struct test_output out = SERTNC(path, "--report-only", "--quiet");
        CHECK_MSG(out.exit_status == 0 || out.exit_status == 2, "exit status %d: %.300s",
                  out.exit_status, out.errors);
        CHECK(out.exit_status == 0 || strncmp(out.errors, "sertnc: ", 8) == 0);
        buffer_release(&bytes);
    }
}

/* Holes cost no disk. */
static void make_large(const char *path, off_t bytes)
{
    kit_write(path, "x", 1);
    REQUIRE(truncate(path, bytes) == 0);
}

TEST(oversized_files_are_refused_unread)
{
    const char *folder = test_temp_dir(), *model = kit_keyed(MODEL);
    const char *large = test_path(folder, "large.onnx"), *json = test_path(folder, "large.json");
    make_large(large, (off_t)5 << 30);
    make_large(json, (off_t)5 << 30);
    refuse_model(large, "larger than the limit", "a model of 5 GiB");
    struct test_output out = SERTN_RUN("check", model, "--input", json);
    kit_refused(&out, 2, "larger than the limit", "an input of 5 GiB");
    out = SERTN_RUN("verify", model, json);
    kit_refused(&out, 2, "larger than the limit", "a proof of 5 GiB");
    REQUIRE(truncate(test_path(model, "public/circuit"), (off_t)5 << 30) == 0);
    out = SERTN_RUN("keys", model);
    kit_refused(&out, 2, "larger than the limit", "a circuit of 5 GiB");
}

TEST(models_that_are_none_are_refused)
{
    const char *folder = test_temp_dir();
    refuse_model(test_path(folder, "nosuch.onnx"), "nosuch.onnx", "no file");
    refuse_model(folder, "directory", "a folder");
    refuse_model("/dev/null", "no graph", "an empty device");
    refuse_model(kit_model(MODEL, "input.json"), "not a whole ONNX file", "JSON");
    refuse_model(test_source_path("tests/models/bad/cyclic.onnx"), "cycle", "a cycle");
}

TEST(external_data_is_refused_outside_the_folder_and_when_it_is_cut)
{
    const char *folder = test_temp_dir();
    struct test_output out = kit_shell("cp -r %s/. %s && for f in %s/*; do test -f \"$f\" && echo "
                                       "\"$(wc -c <\"$f\") $f\"; done",
                                       kit_model("external_weights", ""), folder, folder);
    kit_done(&out, "copy");
    const char *data = test_path(folder, "weights.bin");
    REQUIRE(file_exists(data));
    struct buffer whole = kit_read(data);
    const char *model = test_path(folder, "model.onnx");
    kit_write(data, whole.data, whole.count / 2);
    refuse_model(model, "weights.bin", "half of the data");
    REQUIRE(unlink(data) == 0 && symlink("/etc/hostname", data) == 0);
    refuse_model(model, "symbolic link", "a link");
    REQUIRE(unlink(data) == 0 && mkfifo(data, 0644) == 0);
    refuse_model(model, "regular file", "a pipe");
    REQUIRE(unlink(data) == 0);
    refuse_model(model, "weights.bin", "no data");
    buffer_release(&whole);
}

/* ---- options of sertnc ---- */

TEST(options_that_make_no_sense_are_refused)
{
    static const struct {
        const char *option[4], *says;
    } cases[] = {
        {{"--dim", "nosuch=3"}, "--dim nosuch"},
        {{"--dim", "X:1=7"}, "--dim X:1"},
        {{"--dim", "X:9=7"}, "--dim X:9"},
        {{"--dim", "X:0=0"}, "at least 1"},
        {{"--dim", "X"}, "--dim takes"},
        {{"--dim", "X:0=1", "--dim", "X:0=2"}, "given twice"},
        {{"--range", "X=5:1"}, "LO not above HI"},
        {{"--range", "X=nan:1"}, "--range takes"},
        {{"--range", "X=0:inf"}, "--range takes"},
        {{"--range", "Y=0:1"}, "names no input"},
        {{"--range", "X=0:1", "--range", "X=0:2"}, "given twice"},
        {{"--bind", "Y=3"}, "no input of this name"},
        {{"--bind", "X=[1,2,3]"}, "shape"},
        {{"--bind", "X=/nosuch/file"}, "/nosuch/file"},
        {{"--input", "secret"}, "private, public or hashed"},
        {{"--input", "Y=public"}, "'Y'"},
        {{"--output", "Y=public"}, "'Y'"},
        {{"--input", "X=public", "--input", "X=hashed"}, "given twice"},
        {{"--params", "hashed"}, "private or public"},
        {{"--seed", "4294967296"}, "0 to 4294967295"},
        {{"--seed", "X", "--input", "X=private"}, "has to be public"},
        {{"--tolerance", "2"}, "between 0 and 1"},
        {{"--tolerance", "0"}, "between 0 and 1"},
        {{"--tolerance", "1e-3x"}, "between 0 and 1"},
        {{"--prover", "sumcheck"}, "auto or plonk"},
        {{"--mode", "slow"}, "gas or fast"},
        {{"--data", "/nosuch"}, "/nosuch"},
        {{"--srs", "/nosuch"}, "/nosuch"},
        {{"--threads", "0"}, "from 1 to 1024"},
        {{"--emit", "nothing"}, "graph, relations or circuit"},
        {{"--emit", "graph", "--quiet", "--nosuch"}, "--nosuch"},
        {{"--print-after", "nothing"}, "fold_constants"},
        {{"--reproduce", "/nosuch"}, "/nosuch"},
        {{"--quiet=3"}, "--quiet=3"},
        {{"-x"}, "-x"},
        {{"second.onnx"}, "second.onnx"},
        {{"--list-ops"}, "takes no model"},
    };
    const char *folder = test_temp_dir(), *target = test_path(folder, "m.sertn");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const *o = cases[i].option;
        struct test_output out =
            SERTNC(kit_model(MODEL, "model.onnx"), "-o", target, o[0], o[1], o[2], o[3]);
        kit_refused(&out, 2, cases[i].says, kit_text("%s %s", o[0], o[1] == NULL ? "" : o[1]));
        CHECK_MSG(kit_entries(folder) == 0, "%s leaves something", o[0]);
    }
}

TEST(folders_of_others_are_not_overwritten)
{
    const char *folder = test_temp_dir(), *file = test_path(folder, "notes.txt");
    kit_write(file, "mine", 4);
    struct test_output out = SERTNC(kit_model(MODEL, "model.onnx"), "-o", folder);
    kit_refused(&out, 2, "holds other files", "a folder of somebody's");
    out = SERTNC(kit_model(MODEL, "model.onnx"), "-o", file);
    kit_refused(&out, 2, "is no folder", "a file");
    out = SERTNC(kit_model(MODEL, "model.onnx"), "-o", "/nosuch/folder/m.sertn");
    kit_refused(&out, 2, "/nosuch/folder", "no parent");
    CHECK(kit_entries(folder) == 1);
}

/* ---- inputs ---- */

static const struct {
    const char *name, *text, *says;
} bad_inputs[] = {
    {"a.json", "", "empty"},
    {"a.json", "not JSON", "not JSON"},
    {"a.json", "{\"X\": [1, 2]", "not JSON"},
    {"a.json", "{\"X\": [1, 2]} x", "after the end of the JSON"},
    {"a.json", "{}", "nothing is given for input 'X'"},
    {"a.json", "{\"Y\": [1, 2]}", "no input is called \"Y\""},
    {"a.json", "{\"X\": [1, 2], \"Y\": 3}", "no input is called \"Y\""},
    {"a.json", "{\"X\": [1, 2], \"X\": [1, 2]}", "given twice"},
    {"a.json", "{\"X\": [1]}", "[1, 2]"},
    {"a.json", "{\"X\": [1, 2, 3]}", "[1, 2]"},
    {"a.json", "{\"X\": [[1], [2]]}", "[1, 2]"},
    {"a.json", "{\"X\": [[1, 2], [3, 4]]}", "[1, 2]"},
    {"a.json", "{\"X\": [[1, 2], [3]]}", "'X'"},
    {"a.json", "{\"X\": [1, \"two\"]}", "\"two\""},
    {"a.json", "{\"X\": [1, null]}", "element 1"},
    {"a.json", "{\"X\": {\"a\": 1}}", "'X'"},
    {"a.json", "{\"X\": [1, NaN]}", "\"NaN\""},
    {"a.json", "{\"X\": [1, \"NaN\"]}", "element 1 is NaN"},
    {"a.json", "{\"X\": [1, \"Infinity\"]}", "element 1 is infinite"},
    {"a.json", "{\"X\": [1, \"-Infinity\"]}", "element 1 is infinite"},
    {"a.json", "{\"X\": [1, 1e400]}", "element 1 is infinite"},
    {"a.json", "{\"X\": [1e9, 1]}", "outside the range"},
    {"a.json", "{\"X\": [1, -1e9]}", "outside the range"},
    {"a.json", "{\"input_data\": [[1, 2], [3, 4]]}", "[1, 2]"},
    {"a.csv", "1,x\n", "column 2"},
    {"a.csv", "1\n", "'X'"},
    {"a.csv", "1,2\n3\n", "row 2"},
    {"a.csv", "1,1e9\n", "outside the range"},
    {"a.npy", "xx", "NPY"},
    {"a.npz", "PK", "NPZ"},
    {"a.npz", "PK\3\4xxxxxxxx", "a.npz"},
    {"a.npy", "\x93NUMPY\1", "NPY"},
    {"a.pb", "xxx", "not a serialized ONNX tensor"},
    {"a.bin", "\1\2\3", "'X'"},
};

TEST(bad_inputs_are_refused_by_check_prove_and_eval)
{
    const char *model = kit_keyed(MODEL), *folder = test_temp_dir();
    const char *proof = test_path(test_temp_dir(), "proof.json");
    for (size_t i = 0; i < sizeof bad_inputs / sizeof *bad_inputs; i++) {
        const char *path = test_path(folder, bad_inputs[i].name), *what = bad_inputs[i].text;
        kit_write(path, what, strlen(what));
        struct test_output out = SERTN_RUN("check", model, "--input", path);
        kit_refused(&out, 2, bad_inputs[i].says, what);
        CHECK_MSG(strstr(out.errors, bad_inputs[i].name) != NULL, "%s: names no file: %s", what,
                  out.errors);
        out = SERTN_RUN("prove", model, "--input", path, "-o", proof);
        kit_refused(&out, 2, bad_inputs[i].says, what);
        CHECK_MSG(!file_exists(proof), "%s: leaves a proof", what);
        out = SERTN_RUN("eval", model, "--input", path);
        kit_refused(&out, 2, bad_inputs[i].says, what);
    }
}

TEST(inputs_that_are_no_files_are_refused)
{
    const char *model = kit_compiled(MODEL), *folder = test_temp_dir();
    struct test_output out = SERTN_RUN("check", model, "--input", folder);
    kit_refused(&out, 2, "holds no inputs", "an empty folder");
    out = SERTN_RUN("check", model, "--input", test_path(folder, "nosuch.json"));
    kit_refused(&out, 2, "nosuch.json", "no file");
    out = SERTN_RUN("check", model, "--input", "-");
    kit_refused(&out, 2, "standard input", "empty standard input");
    out = SERTN_RUN("check", model);
    kit_refused(&out, 2, "--input", "no input");
    out = SERTN_RUN("prove", model, "--input", kit_model(MODEL, "input.json"));
    kit_refused(&out, 2, "-o", "no output");
    CHECK(!file_exists(test_path(model, "public/vk")));
}

/* The first bad set of a folder is named, and what was proved before it is whole. */
TEST(a_bad_set_among_many_is_named)
{
    const char *model = kit_keyed(MODEL), *folder = test_temp_dir();
    const char *proofs = test_path(test_temp_dir(), "proofs");
    kit_write(test_path(folder, "a.json"), "[1, 2]", 6);
    kit_write(test_path(folder, "b.json"), "[1, 1e9]", 8);
    struct test_output out = SERTN_RUN("prove", model, "--input", folder, "-o", proofs, "--quiet");
    kit_refused(&out, 2, "b.json", "one bad set");
    CHECK(kit_entries(proofs) == 1);
    out = SERTN_RUN("verify", model, test_path(proofs, "proof_0.json"), "--quiet");
    kit_done(&out, "the good one");
    out = SERTN_RUN("check", model, "--input", folder, "--quiet");
    CHECK(out.exit_status == 2 && strstr(out.errors, "b.json") != NULL);
}

/* ---- usage of sertn-run ---- */

TEST(commands_that_make_no_sense_are_refused)
{
    static const struct {
        const char *argument[6], *says;
    } cases[] = {
        {{NULL}, "give a command"},
        {{"nosuch"}, "unknown command 'nosuch'"},
        {{"verify", "m"}, "a proof file"},
        {{"prove"}, "a model folder"},
        {{"keys", "m", "extra"}, "a model folder"},
        {{"keys", "/nosuch/m"}, "sertnc model.onnx -o /nosuch/m"},
        {{"verify", "m", "p", "--check"}, "no option '--check'"},
        {{"keys", "m", "-o", "x"}, "no option '-o'"},
        {{"check", "m", "--rpc", "http://x"}, "no option '--rpc'"},
        {{"verify", "m", "p", "--context", "12"}, "64 hex digits"},
        {{"verify", "m", "p", "--context"}, "needs a value"},
        {{"verify", "m", "p", "--bogus"}, "--bogus"},
        {{"verify", "m", "p", "q"}, "'q'"},
        {{"verify", "m", "p", "--threads", "many"}, "--threads"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct test_output out = kit_run("sertn-run", cases[i].argument);
        kit_refused(&out, 2, cases[i].says, cases[i].says);
    }
}

TEST(mistakes_before_json_are_reported_in_json)
{
    struct test_output out = SERTN_RUN("verify", "m", "p", "--bogus", "--json");
    CHECK_I64(out.exit_status, 2);
    cJSON *result = kit_json(&out);
    CHECK(cJSON_IsString(kit_member(result, "error")));
    cJSON_Delete(result);
}

TEST(a_standard_output_that_is_full_is_a_failure)
{
    const char *model = kit_keyed(MODEL);
    const char *proof = kit_proved(model, MODEL);
    static const char *const lines[] = {
        "$SERTN_RUN verify %s %s >/dev/full",      "$SERTN_RUN verify %s %s --json >/dev/full",
        "$SERTN_RUN calldata %s %s >/dev/full",    "$SERTN_RUN --help >/dev/full",
        "$SERTN_RUN keys --help %s %s >/dev/full", "$SERTNC --list-ops >/dev/full",
        "$SERTNC --list-ops --json >/dev/full",    "$SERTN_RUN --version >/dev/full"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const char *line = kit_text(lines[i], model, proof);
        struct test_output out = kit_shell("%s", line);
        CHECK_MSG(out.exit_status == 3, "%s: exit status %d", line, out.exit_status);
        CHECK_MSG(strstr(out.errors, "cannot write standard output") != NULL, "%s: %s", line,
                  out.errors);
    }
}
