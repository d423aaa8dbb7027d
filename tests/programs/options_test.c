/* label: prover libs: test_helpers_frontend sertn_frontend sertn_3rd_cjson */
/*
 * The options of sertnc and sertn-run as the documents promise them: dimensions, ranges, bound
 * inputs, calibration data, visibility, dumps, help, and what each leaves in the report and in the
 * proof.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ir/support/buffer.h"
#include "ir/support/file.h"
#include "tests/frontend/model_builder.h"
#include "tests/programs/programs_kit.h"

#define MODEL "linear_regression"

static const char *target(void)
{
    return test_path(test_temp_dir(), "m.sertn");
}

/* Writes the builder's model and releases it. Returns the path. */
static const char *save(struct builder *b)
{
    const char *path = test_path(test_temp_dir(), "m.onnx");
    size_t count;
    const uint8_t *bytes = model_bytes(b, &count);
    kit_write(path, bytes, count);
    builder_end(b);
    return path;
}

/* Sum over the last axis of x of the given shape. */
static const char *sum_model(const char *shape)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, shape);
    Onnx__Node *node = model_node(&b, "ReduceMax", "x", "y");
    node_ints(&b, node, "axes", INTS(-1));
    node_int(&b, node, "keepdims", 0);
    model_output(&b, "y");
    return save(&b);
}

static const char *text_file(const char *name, const char *text)
{
    const char *path = test_path(test_temp_dir(), name);
    kit_write(path, text, strlen(text));
    return path;
}

static cJSON *report_of(const struct test_output *out, const char *what)
{
    kit_done(out, what);
    CHECK_MSG(out->errors_bytes == 0, "%s: said %s", what, out->errors);
    return kit_json(out);
}

static bool has_note(const cJSON *report, const char *text)
{
    const cJSON *note;
    cJSON_ArrayForEach(note, kit_member(report, "notes"))
    {
        if (strstr(note->valuestring, text) != NULL)
            return true;
    }
    return false;
}

/* The shape of the only input, from the metadata of a compiled folder, as "[1,3]". */
static const char *input_shape(const char *folder)
{
    struct buffer text = kit_read(test_path(folder, "public/metadata.json"));
    cJSON *metadata = cJSON_ParseWithLength((const char *)text.data, text.count);
    char *shape = cJSON_PrintUnformatted(
        kit_member(cJSON_GetArrayItem(kit_member(metadata, "inputs"), 0), "shape"));
    const char *kept = kit_text("%s", shape);
    free(shape);
    cJSON_Delete(metadata);
    buffer_release(&text);
    return kept;
}

/* ---- dimensions ---- */

TEST(of_a_large_output_the_first_values_are_printed)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "2,100");
    model_node(&b, "Neg", "x", "y");
    model_output(&b, "y");
    const char *model = save(&b), *to = target(), *in = test_path(test_temp_dir(), "in.json");
    struct buffer text;
    buffer_init(&text);
    for (int i = 0; i < 200; i++)
        buffer_printf(&text, "%s%d%s",
                      i == 0     ? "{\"x\": [["
                      : i == 100 ? "], ["
                                 : ", ",
                      i, i == 199 ? "]]}" : "");
    kit_write(in, text.data, text.count);
    buffer_release(&text);
    struct test_output out = kit_shell("$SERTNC %s -o %s", model, to);
    kit_done(&out, "compile");
    out = kit_shell("$SERTN_RUN check %s --input %s", to, in);
    kit_done(&out, "check");
    CHECK(strstr(out.text, "-13, -14, -15, and 184 more (--json prints all)") != NULL);
    CHECK(strstr(out.text, "-16") == NULL);
    out = kit_shell("$SERTN_RUN check %s --input %s --json", to, in);
    kit_done(&out, "check --json");
    CHECK(strstr(out.text, "-199") != NULL);
}

TEST(dimensions_are_bound_by_name_and_by_place)
{
    const char *folder = target();
    struct test_output out =
        SERTNC(sum_model("batch,3"), "-o", folder, "--dim", "batch=4", "--json");
    cJSON_Delete(report_of(&out, "by name"));
    CHECK_TEXT(input_shape(folder), "[4,3]");
    out = SERTNC(sum_model("?,?"), "-o", folder, "--dim", "x:0=2", "--dim=x:1=5", "--json");
    cJSON_Delete(report_of(&out, "by place"));
    CHECK_TEXT(input_shape(folder), "[2,5]");
}

TEST(the_first_axis_becomes_one_and_the_report_says_so)
{
    const char *folder = target(), *model = sum_model("batch,3");
    struct test_output out = SERTNC(model, "-o", folder, "--json");
    cJSON *report = report_of(&out, "unbound");
    CHECK(has_note(report, "becomes 1"));
    CHECK_TEXT(input_shape(folder), "[1,3]");
    cJSON_Delete(report);
    out = SERTNC(model, "--report-only");
    kit_done(&out, "text");
    CHECK(strstr(out.text, "note ") != NULL && strstr(out.text, "becomes 1") != NULL);
    CHECK_TEXT(out.errors, "");
}

TEST(another_axis_is_asked_for)
{
    struct test_output out = SERTNC(sum_model("batch,width"), "-o", target());
    kit_refused(&out, 2, "--dim width=N", "width");
    out = SERTNC(sum_model("batch,?"), "-o", target());
    kit_refused(&out, 2, "--dim x:1=N", "an axis without a name");
}

TEST(data_binds_dimensions_and_contradicts_the_option)
{
    const char *folder = target(), *data = text_file("d.json", "{\"x\": [[1, 2, 3, 4, 5]]}");
    struct test_output out =
        SERTNC(sum_model("batch,width"), "-o", folder, "--data", data, "--json");
    cJSON_Delete(report_of(&out, "data"));
    CHECK_TEXT(input_shape(folder), "[1,5]");
    out = SERTNC(sum_model("batch,width"), "-o", folder, "--data", data, "--dim", "width=4");
    kit_refused(&out, 2, "--data", "a contradiction");
    CHECK_TEXT(input_shape(folder), "[1,5]");
}

/* ---- ranges ---- */

static void check_range(const cJSON *report, double low, double high)
{
    const cJSON *input = cJSON_GetArrayItem(kit_member(report, "inputs"), 0);
    double slack = ldexp(1, -(int)kit_number(input, "fraction_bits"));
    CHECK_MSG(fabs(kit_number(input, "low") - low) <= slack &&
                  fabs(kit_number(input, "high") - high) <= slack,
              "range %g..%g instead of %g..%g", kit_number(input, "low"), kit_number(input, "high"),
              low, high);
}

TEST(ranges_are_declared_or_follow_from_data_or_are_wide)
{
    const char *model = kit_model(MODEL, "model.onnx");
    const char *small = text_file("s.json", "[[0.5, -1.5]]"),
               *large = text_file("l.json", "[[9, 3]]");
    struct test_output out = SERTNC(model, "--report-only", "--json", "--range", "X=-3:5");
    cJSON *report = report_of(&out, "declared");
    check_range(report, -3, 5);
    cJSON_Delete(report);
    /* 2^k of at least 16 times the largest magnitude in all data. */
    out = SERTNC(model, "--report-only", "--json", "--data", small);
    report = report_of(&out, "one set");
    check_range(report, -32, 32);
    cJSON_Delete(report);
    /* Zeros, the first state of a stream for one, say no magnitude: 1 is taken for it. */
    out = SERTNC(model, "--report-only", "--json", "--data", text_file("z.json", "[[0, 0]]"));
    report = report_of(&out, "zeros");
    check_range(report, -16, 16);
    cJSON_Delete(report);
    out = SERTNC(model, "--report-only", "--json", "--data", small, "--data", large);
    report = report_of(&out, "two sets");
    check_range(report, -256, 256);
    cJSON_Delete(report);
    out = SERTNC(model, "--report-only", "--json");
    report = report_of(&out, "neither");
    check_range(report, -1048576, 1048576);
    cJSON_Delete(report);
}

TEST(a_declared_range_is_enforced)
{
    const char *folder = target();
    struct test_output out =
        SERTNC(kit_model(MODEL, "model.onnx"), "-o", folder, "--range", "X=-3:5", "--quiet");
    kit_done(&out, "sertnc");
    out = SERTN_RUN("check", folder, "--input", text_file("a.json", "[-3, 5]"), "--quiet");
    kit_done(&out, "the ends of the range");
    out = SERTN_RUN("check", folder, "--input", text_file("a.json", "[-3, 5.01]"));
    kit_refused(&out, 2, "outside the range", "beyond it");
}

/* ---- bound inputs ---- */

/* y = reshape(x, shape) + bias: two inputs that may be bound. */
static const char *reshape_model(void)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "1,4");
    model_input(&b, "shape", ELEMENT_I64, "2");
    model_input(&b, "bias", ELEMENT_F32, "");
    model_node(&b, "Reshape", "x,shape", "r");
    model_node(&b, "Add", "r,bias", "y");
    model_output(&b, "y");
    return save(&b);
}

static void check_bound(const char *folder, const char *shape)
{
    struct test_output out = SERTN_RUN("check", folder, "--input",
                                       text_file("x.json", "{\"x\": [1, 2, 3, 4]}"), "--json");
    cJSON *result = report_of(&out, shape);
    char *got = cJSON_PrintUnformatted(kit_member(kit_member(result, "output_shapes"), "y"));
    CHECK_TEXT(got, shape);
    const cJSON *row = kit_member(kit_member(result, "outputs"), "y")->child;
    CHECK(row != NULL && row->child != NULL && fabs(row->child->valuedouble - 1.5) < 1e-6);
    free(got);
    cJSON_Delete(result);
}

TEST(inputs_are_bound_by_literals_and_by_files)
{
    const char *model = reshape_model(), *folder = target();
    struct test_output out =
        SERTNC(model, "-o", folder, "--bind", "shape=[2,2]", "--bind", "bias=0.5", "--quiet");
    kit_done(&out, "literals");
    check_bound(folder, "[2,2]");
    const char *file = text_file("shape.json", "[4, 1]");
    out = SERTNC(model, "-o", folder, "--bind", kit_text("shape=%s", file), "--bind", "bias=5e-1",
                 "--quiet");
    kit_done(&out, "a file");
    check_bound(folder, "[4,1]");
}

TEST(an_input_that_decides_a_shape_is_asked_for_or_taken_from_data)
{
    const char *model = reshape_model(), *folder = target();
    struct test_output out = SERTNC(model, "-o", folder);
    kit_refused_each(&out, 2, "--bind shape=", "nothing given");
    CHECK(!file_is_dir(folder));
    const char *data =
        text_file("d.json", "{\"x\": [1, 2, 3, 4], \"shape\": [2, 2], \"bias\": 0.5}");
    out = SERTNC(model, "-o", folder, "--data", data, "--json");
    cJSON *report = report_of(&out, "data");
    CHECK(has_note(report, "'shape'"));
    cJSON_Delete(report);
    /* What was fixed may be given again, and is not passed over when it is something else. */
    out = SERTN_RUN("check", folder, "--input", data, "--json");
    kit_done(&out, "as fixed");
    out = SERTN_RUN("check", folder, "--input",
                    text_file("e.json", "{\"x\": [1, 2, 3, 4], \"shape\": [4, 1]}"));
    kit_refused_each(&out, 2, "input 'shape' was fixed to other values", "another shape");
    out =
        SERTNC(model, "-o", folder, "--data", data, "--range", "bias=0:1", "--range", "shape=1:4");
    kit_refused_each(&out, 2, "--range shape: this input has to be known", "a range");
    out = SERTNC(model, "-o", folder, "--data", data, "--range", "y=0:1");
    kit_refused_each(&out, 2, "--range y=0:1 names no input", "a range of an output");
    out = SERTNC(model, "-o", test_path(test_temp_dir(), "two.sertn"), "--data",
                 text_file("f.json", "[{\"x\": [1, 2, 3, 4], \"shape\": [2, 2], \"bias\": 0.5}, "
                                     "{\"x\": [1, 2, 3, 4], \"shape\": [4, 1], \"bias\": 0.5}]"));
    kit_refused_each(&out, 2, "gives input 'shape' other values than the first set", "two shapes");
}

/* NaN in a place that has to be known is the same NaN in the next data set. */
TEST(a_missing_number_that_is_taken_from_data_is_no_other_value)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "1,4");
    model_input(&b, "roi", ELEMENT_F32, "4");
    model_input(&b, "scales", ELEMENT_F32, "2");
    model_node(&b, "Resize", "x,roi,scales", "y");
    model_output(&b, "y");
    static const char set[] =
        "{\"x\": [1, 2, 3, 4], \"roi\": [\"NaN\", 0, 0, 0], \"scales\": [1, 2]}";
    const char *data = text_file("nan.json", kit_text("[%s, %s]", set, set));
    struct test_output out = SERTNC(save(&b), "-o", target(), "--data", data, "--quiet");
    kit_done(&out, "the same NaN twice");
}

TEST(test_data_folders_are_held_to_what_was_fixed)
{
    const char *folder = target(), *set = test_path(test_temp_dir(), "test_data_set_0");
    const char *names[] = {"input_0.pb", "input_1.pb", "input_2.pb"};
    /* x, shape [2, 2], bias 0.5; the second shape is [4, 1]. */
    static const struct {
        const char *bytes;
        size_t count;
    } part[] = {
        {"\x08\x04\x10\x01\x42\x01x\x4a\x10\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40", 25},
        {"\x08\x02\x10\x07\x42\x05shape\x4a\x10\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 29},
        {"\x10\x01\x42\x04"
         "bias\x4a\x04\0\0\0\x3f",
         14},
        {"\x08\x02\x10\x07\x42\x05shape\x4a\x10\4\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 29}};
    REQUIRE(mkdir(set, 0700) == 0);
    for (size_t i = 0; i < 3; i++)
        kit_write(test_path(set, names[i]), part[i].bytes, part[i].count);
    struct test_output out = SERTNC(reshape_model(), "-o", folder, "--data", set, "--quiet");
    kit_done(&out, "a folder");
    out = SERTN_RUN("check", folder, "--input", set, "--json");
    kit_done(&out, "the same folder");
    kit_write(test_path(set, names[1]), part[3].bytes, part[3].count);
    out = SERTN_RUN("check", folder, "--input", set);
    kit_refused_each(&out, 2, "input_1.pb: input 'shape' was fixed to other values", "a folder");
}

/* ---- calibration data ---- */

TEST(data_comes_in_every_format)
{
    static const char *const texts[][2] = {{"d.json", "{\"X\": [[3, 5]]}"},
                                           {"e.json", "{\"input_data\": [[3, 5]]}"},
                                           {"f.json", "[[3, 5]]"},
                                           {"g.csv", "3,5\n2,1\n"},
                                           {"h.csv", "a,b\n3,5\n"}};
    const char *model = kit_model(MODEL, "model.onnx");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct test_output out =
            SERTNC(model, "--report-only", "--json", "--data", text_file(texts[i][0], texts[i][1]));
        cJSON *report = report_of(&out, texts[i][1]);
        check_range(report, -128, 128);
        cJSON_Delete(report);
    }
    const char *folder = kit_model(MODEL, "test_data_set_0");
    const char *const places[] = {folder, test_path(folder, "input_0.pb"), kit_model(MODEL, "")};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct test_output out = SERTNC(model, "--report-only", "--json", "--data", places[i]);
        cJSON *report = report_of(&out, places[i]);
        CHECK(kit_number(report, "calibration_runs") == (i == 2 ? 3 : 1));
        cJSON_Delete(report);
    }
}

/* ---- tolerance, prover, mode ---- */

static double fraction_of_output(const char *tolerance)
{
    struct test_output out =
        SERTNC(kit_model("mlp", "model.onnx"), "--report-only", "--json", "--data",
               kit_model("mlp", "test_data_set_0"), "--tolerance", tolerance);
    cJSON *report = report_of(&out, tolerance);
    CHECK(cJSON_IsTrue(kit_member(report, "meets_tolerance")));
    double bits = kit_number(cJSON_GetArrayItem(kit_member(report, "outputs"), 1), "fraction_bits");
    cJSON_Delete(report);
    return bits;
}

TEST(a_tighter_tolerance_takes_more_bits)
{
    double wide = fraction_of_output("1e-1"), usual = fraction_of_output("1e-3"),
           tight = fraction_of_output("1e-5");
    CHECK_MSG(wide <= usual && usual < tight, "%g, %g, %g fraction bits", wide, usual, tight);
}

TEST(provers_and_modes_are_chosen)
{
    static const char *const options[][2] = {
        {"--prover=auto", "--mode=gas"}, {"--prover=plonk", "--mode=gas"}, {"--prover", "plonk"}};
    for (size_t i = 0; i < 3; i++) {
        const char *folder = target();
        struct test_output out = SERTNC(kit_model(MODEL, "model.onnx"), "-o", folder, "--quiet",
                                        options[i][0], options[i][1]);
        kit_done(&out, options[i][0]);
        struct buffer text = kit_read(test_path(folder, "public/metadata.json"));
        CHECK(strstr(buffer_text(&text), "plonk-bn254-gas-v1") != NULL);
        buffer_release(&text);
    }
}

/* ---- visibility ---- */

/* The values of a proof file of the model, compiled with these options. The caller deletes them. */
static cJSON *values_with(const char *const *option, const char **folder)
{
    *folder = target();
    struct test_output out = SERTNC(kit_model("mlp", "model.onnx"), "-o", *folder, "--data",
                                    kit_model("mlp", "test_data_set_0"), "--quiet", option[0],
                                    option[1], option[2], option[1] == NULL ? NULL : option[3]);
    kit_done(&out, option[1] == NULL ? "defaults" : option[1]);
    struct buffer text = kit_read(kit_proved(*folder, "mlp"));
    cJSON *root = cJSON_ParseWithLength((const char *)text.data, text.count);
    cJSON *values = cJSON_DetachItemFromObjectCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(root, "public"), "values");
    cJSON_Delete(root);
    buffer_release(&text);
    REQUIRE(cJSON_IsObject(values));
    return values;
}

static bool is_digest(const cJSON *value)
{
    return cJSON_IsString(value) && strlen(value->valuestring) == 66;
}

TEST(inputs_are_private_and_outputs_public_by_default)
{
    const char *folder, *const none[] = {NULL, NULL, NULL, NULL};
    cJSON *values = values_with(none, &folder);
    CHECK(cJSON_GetArraySize(values) == 2);
    CHECK(cJSON_IsArray(kit_member(values, "label")));
    CHECK(cJSON_IsArray(kit_member(values, "probabilities")));
    cJSON_Delete(values);
}

TEST(visibility_is_chosen_for_all_and_for_one)
{
    const char *folder;
    const char *const shown[] = {"--input", "public", "--output", "label=private"};
    cJSON *values = values_with(shown, &folder);
    CHECK(cJSON_GetArraySize(values) == 2);
    CHECK(cJSON_IsArray(kit_member(values, "X")) &&
          cJSON_IsArray(kit_member(values, "probabilities")));
    cJSON_Delete(values);
    const char *const hashed[] = {"--input", "X=hashed", "--output", "probabilities=hashed"};
    values = values_with(hashed, &folder);
    CHECK(cJSON_GetArraySize(values) == 3);
    CHECK(is_digest(kit_member(values, "X")) && is_digest(kit_member(values, "probabilities")));
    /* Salted: the same input has another digest in the next proof. */
    struct buffer text = kit_read(kit_proved(folder, "mlp"));
    CHECK(strstr(buffer_text(&text), kit_member(values, "X")->valuestring) == NULL);
    buffer_release(&text);
    cJSON_Delete(values);
    const char *const secret[] = {"--output", "private", "--quiet", "--quiet"};
    values = values_with(secret, &folder);
    CHECK(cJSON_GetArraySize(values) == 0);
    cJSON_Delete(values);
}

TEST(the_metadata_says_what_is_visible)
{
    const char *folder;
    const char *const options[] = {"--input", "hashed", "--params", "public"};
    cJSON_Delete(values_with(options, &folder));
    struct buffer text = kit_read(test_path(folder, "public/metadata.json"));
    cJSON *metadata = cJSON_ParseWithLength((const char *)text.data, text.count);
    CHECK_TEXT(kit_member(metadata, "parameters")->valuestring, "public");
    CHECK_TEXT(kit_member(cJSON_GetArrayItem(kit_member(metadata, "inputs"), 0), "visibility")
                   ->valuestring,
               "hashed");
    cJSON_Delete(metadata);
    buffer_release(&text);
}

/* ---- dumps ---- */

TEST(every_pass_can_be_printed_and_is_timed)
{
    static const char *const passes[] = {"import",       "fold_constants", "quantize", "lower",
                                         "bound_ranges", "validate",       "place"};
    const char *model = kit_model(MODEL, "model.onnx");
    struct test_output timed = SERTNC(model, "--report-only", "--timings", "--quiet");
    kit_done(&timed, "timings");
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        struct test_output out =
            SERTNC(model, "--report-only", "--quiet", "--print-after", passes[i]);
        kit_done(&out, passes[i]);
        CHECK_MSG(strstr(out.text, "X") != NULL, "%s prints nothing of the model", passes[i]);
        CHECK_MSG(strstr(timed.errors, passes[i]) != NULL, "%s is not timed", passes[i]);
    }
    CHECK_TEXT(timed.text, "");
}

TEST(forms_are_emitted_alone_or_beside_the_folder)
{
    static const char *const forms[] = {"graph", "relations", "circuit"};
    static const char *const says[] = {" = Gemm(", " = contract", "rows 2^"};
    const char *model = kit_model(MODEL, "model.onnx"), *folder = target();
    for (size_t i = 0; i < 3; i++) {
        struct test_output out = SERTNC(model, "--emit", forms[i]);
        kit_done(&out, forms[i]);
        CHECK_MSG(strstr(out.text, says[i]) != NULL, "%s: %.200s", forms[i], out.text);
        CHECK(!file_is_dir(folder));
    }
    struct test_output out = SERTNC(model, "--emit", "graph", "-o", folder);
    kit_done(&out, "emit and write");
    CHECK(file_exists(test_path(folder, "public/circuit")));
    out = SERTNC(model, "--emit", "graph", "--json");
    CHECK(out.exit_status == 2);
    cJSON_Delete(kit_json(&out));
}

/* ---- help ---- */

TEST(every_command_helps_with_examples)
{
    static const char *const commands[] = {"keys", "prove", "verify", "calldata", "check", "eval"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct test_output out = SERTN_RUN(commands[i], "--help");
        kit_done(&out, commands[i]);
        CHECK(strstr(out.text, kit_text("usage: sertn-run %s MODEL", commands[i])) != NULL);
        CHECK(strstr(out.text, "examples:") != NULL && strstr(out.text, "--threads N") != NULL);
        CHECK(strstr(out.text, kit_text("  sertn-run %s ", commands[i])) != NULL);
        CHECK(out.errors_bytes == 0);
    }
    static const char *const of_market[] = {"request", "submit", "status",
                                            "refund",  "claim",  "node"};
    for (size_t i = 0; i < sizeof of_market / sizeof *of_market; i++) {
        struct test_output out = SERTN_RUN(of_market[i], "--help");
        kit_done(&out, of_market[i]);
        CHECK(strstr(out.text, kit_text("usage: sertn-run %s ", of_market[i])) != NULL);
        CHECK(strstr(out.text, "examples:") != NULL && strstr(out.text, "--threads N") != NULL);
    }
}

/* Every option that is taken is in the help of what takes it. */
TEST(help_names_every_option)
{
    static const char *const of_sertnc[] = {
        "-o ",         "--data",      "--dim",     "--range", "--bind",        "--input",
        "--output",    "--params",    "--prover",  "--mode",  "--srs",         "--report-only",
        "--tolerance", "--reproduce", "--emit",    "--json",  "--print-after", "--timings",
        "--list-ops",  "--quiet",     "--threads", "--help",  "--version"};
    struct test_output out = SERTNC("--help");
    for (size_t i = 0; i < sizeof of_sertnc / sizeof *of_sertnc; i++)
        CHECK_MSG(strstr(out.text, of_sertnc[i]) != NULL, "sertnc --help lacks %s", of_sertnc[i]);
    static const char *const of_run[][2] = {{"keys", "--srs"},
                                            {"keys", "--check"},
                                            {"prove", "--input"},
                                            {"prove", "-o "},
                                            {"prove", "--context"},
                                            {"prove", "--srs"},
                                            {"verify", "--context"},
                                            {"verify", "--srs"},
                                            {"verify", "--rpc"},
                                            {"verify", "--verifier"},
                                            {"verify", "--deploy"},
                                            {"verify", "--keystore"},
                                            {"verify", "--password-file"},
                                            {"calldata", "--context"},
                                            {"check", "--input"},
                                            {"eval", "--input"},
                                            {"eval", "--model"},
                                            {"request", "--input"},
                                            {"request", "--number"},
                                            {"request", "--deadline"},
                                            {"request", "--max-price"},
                                            {"request", "--name"},
                                            {"request", "--destination"},
                                            {"request", "--callback-gas"},
                                            {"request", "--requirement"},
                                            {"request", "--store"},
                                            {"request", "--ipfs"},
                                            {"request", "--uri"},
                                            {"request", "--journal"},
                                            {"submit", "--proof"},
                                            {"submit", "--prover"},
                                            {"submit", "--arweave"},
                                            {"submit", "--market"},
                                            {"status", "--market"},
                                            {"refund", "--keystore"},
                                            {"claim", "--number"},
                                            {"claim", "--to"},
                                            {"node", "--config"},
                                            {"node", "--drain"}};
    for (size_t i = 0; i < sizeof of_run / sizeof *of_run; i++) {
        out = SERTN_RUN(of_run[i][0], "--help");
        CHECK_MSG(strstr(out.text, of_run[i][1]) != NULL, "%s --help lacks %s", of_run[i][0],
                  of_run[i][1]);
    }
}

/* ---- sertn-run ---- */

TEST(eval_shows_integers_reference_and_error)
{
    const char *folder = kit_compiled(MODEL), *input = kit_model(MODEL, "input.json");
    struct test_output out = SERTN_RUN("eval", folder, "--input", input);
    kit_done(&out, "eval");
    static const char *const lines[] = {"variable: [[", "quantized of variable: [[\"",
                                        "reference of variable: [[", "error of variable: {"};
    for (size_t i = 0; i < 4; i++)
        CHECK_MSG(strstr(out.text, lines[i]) != NULL, "no '%s' in %s", lines[i], out.text);
    /* The model may have gone elsewhere. */
    const char *moved = text_file("moved.onnx", "");
    struct buffer bytes = kit_read(kit_model(MODEL, "model.onnx"));
    kit_write(moved, bytes.data, bytes.count);
    buffer_release(&bytes);
    out = SERTN_RUN("eval", folder, "--input", input, "--model", moved, "--quiet");
    kit_done(&out, "eval --model");
    out = SERTN_RUN("eval", folder, "--input", input, "--model", kit_model("mlp", "model.onnx"));
    kit_refused(&out, 2, "mlp/model.onnx", "another model");
    out = SERTN_RUN("eval", folder, "--input", input, "--model", "/nosuch.onnx");
    kit_refused(&out, 2, "/nosuch.onnx", "no model");
}

TEST(many_sets_are_named_in_the_result)
{
    const char *folder = kit_compiled(MODEL);
    static const char *const commands[] = {"check", "eval"};
    for (size_t i = 0; i < 2; i++) {
        struct test_output out =
            SERTN_RUN(commands[i], folder, "--input", kit_model(MODEL, ""), "--json");
        cJSON *result = report_of(&out, commands[i]);
        const cJSON *sets = kit_member(result, "sets"), *set;
        CHECK(cJSON_GetArraySize(sets) == 3);
        cJSON_ArrayForEach(set, sets) CHECK(cJSON_IsString(kit_member(set, "input")) &&
                                            cJSON_IsObject(kit_member(set, "outputs")));
        CHECK(kit_number(result, "peak_memory_bytes") > 0);
        CHECK(i == 1 || cJSON_IsTrue(kit_member(result, "verified")));
        cJSON_Delete(result);
    }
}

TEST(a_proof_goes_to_standard_output)
{
    const char *folder = kit_keyed(MODEL), *input = kit_model(MODEL, "input.json");
    struct test_output out = kit_shell(
        "$SERTN_RUN prove %s --input %s -o - | $SERTN_RUN verify %s -", folder, input, folder);
    kit_done(&out, "prove to a pipe");
    out = SERTN_RUN("prove", folder, "--input", input, "-o", "-", "--json");
    CHECK(out.exit_status == 2);
    cJSON_Delete(kit_json(&out));
    out = SERTN_RUN("prove", folder, "--input", kit_model(MODEL, ""), "-o", "-");
    kit_refused(&out, 2, "3 proofs", "many to standard output");
}

TEST(options_may_stand_anywhere)
{
    const char *folder = kit_keyed(MODEL), *proof = kit_proved(folder, MODEL);
    struct test_output out = SERTN_RUN("--json", "verify", "--threads=1", folder, proof);
    cJSON_Delete(report_of(&out, "before and between"));
    out = SERTN_RUN("verify", "--quiet", "--", folder, proof);
    kit_done(&out, "after --");
}

/* Rows up to the power of two go to bits: outputs of inputs that did not calibrate, closer to 0
 * than any that did, are to have some. Otherwise the ratio is anything up to a quarter. */
TEST(rows_that_are_left_go_to_bits)
{
    static const struct {
        const char *model;
        int rows;
        size_t output;
    } models[] = {{"mlp", 512, 1}, {"logistic_scaler", 512, 1}, {"small_cnn", 8192, 0}};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct test_output out =
            SERTNC(kit_model(models[i].model, "model.onnx"), "--report-only", "--data",
                   kit_model(models[i].model, "test_data_set_0"), "--json");
        cJSON *report = report_of(&out, models[i].model);
        CHECK(kit_number(report, "rows") == models[i].rows);
        const cJSON *output =
            cJSON_GetArrayItem(kit_member(report, "outputs"), (int)models[i].output);
        CHECK_MSG(kit_number(output, "tolerance_ratio") < 0.02, "%s: %g", models[i].model,
                  kit_number(output, "tolerance_ratio"));
        cJSON_Delete(report);
    }
}

/* What the report, the metadata and the proof say of one circuit is the same. */
TEST(report_and_metadata_predict_rows_and_bytes)
{
    static const char *const models[] = {"linear_gemm", "tree_classifier", "svr_poly", "knn"};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        const char *folder = target(), *proof = test_path(test_temp_dir(), "p.json");
        struct test_output out = SERTNC(kit_model(models[i], "model.onnx"), "-o", folder, "--data",
                                        kit_model(models[i], "test_data_set_0"), "--json");
        cJSON *report = report_of(&out, models[i]);
        out = SERTN_RUN("prove", folder, "--input", kit_model(models[i], "test_data_set_1"), "-o",
                        proof, "--json");
        cJSON *proved = report_of(&out, models[i]);
        struct buffer text = kit_read(test_path(folder, "public/metadata.json"));
        cJSON *metadata = cJSON_ParseWithLength((const char *)text.data, text.count);
        CHECK(kit_number(report, "rows") == kit_number(proved, "rows"));
        CHECK(kit_number(report, "columns") == kit_number(proved, "columns"));
        CHECK(kit_number(report, "proof_bytes") == kit_number(proved, "proof_bytes"));
        CHECK(kit_number(report, "vk_bytes") ==
              (double)file_size_bytes(test_path(folder, "public/vk")));
        CHECK(kit_number(metadata, "rows") == kit_number(report, "rows"));
        CHECK_TEXT(kit_member(metadata, "circuit_hash")->valuestring,
                   kit_member(report, "circuit_digest")->valuestring);
        cJSON_Delete(metadata);
        buffer_release(&text);
        cJSON_Delete(proved);
        cJSON_Delete(report);
    }
}

/* ---- bodies of unknown operators ---- */

/* A function Twice of domain "local": r = a + a. */
static Onnx__Function *twice(struct builder *b)
{
    Onnx__Function *function = model_function(b, "Twice", "a", "r");
    Onnx__Graph *main_graph = b->graph;
    b->graph = model_body(b);
    model_node(b, "Add", "a,a", "r");
    function->node = b->graph->node;
    function->n_node = b->graph->n_node;
    function->opset_import = b->model->opset_import;
    function->n_opset_import = b->model->n_opset_import;
    b->graph = main_graph;
    return function;
}

/* A file of functions: a model that holds one, or the function alone. */
static const char *save_functions(bool alone)
{
    struct builder b = builder_start(17);
    const char *path = test_path(test_temp_dir(), alone ? "twice.pb" : "twice.onnx");
    Onnx__Function *function = twice(&b);
    size_t count;
    const uint8_t *bytes = model_bytes(&b, &count);
    uint8_t packed[1024];
    if (alone) {
        REQUIRE(onnx__function__get_packed_size(function) <= sizeof packed);
        count = onnx__function__pack(function, packed);
        bytes = packed;
    }
    kit_write(path, bytes, count);
    builder_end(&b);
    return path;
}

static const char *save_caller(void)
{
    struct builder b = builder_start(17);
    model_import(&b, "local", 1);
    model_input(&b, "x", ELEMENT_F32, "2");
    model_node_of(&b, "local", "Twice", "x", "y");
    model_output(&b, "y");
    return save(&b);
}

TEST(functions_in_files_are_bodies_of_unknown_operators)
{
    const char *model = save_caller(), *input = text_file("in.json", "{\"x\": [1.5, -2]}");
    struct test_output out = SERTNC(model, "-o", target());
    kit_refused_each(&out, 2, "the domain local has no such operator here; give its body", "none");
    for (int alone = 0; alone < 2; alone++) {
        const char *folder = target(), *functions = save_functions(alone != 0);
        out = SERTNC(model, "-o", folder, "--functions", functions, "--data", input);
        kit_done(&out, "with its body");
        out = SERTN_RUN("check", folder, "--input", input, "--json");
        cJSON *report = report_of(&out, "check");
        const cJSON *y = kit_member(kit_member(report, "outputs"), "y");
        CHECK(fabs(cJSON_GetArrayItem(y, 0)->valuedouble - 3) < 1e-3);
        cJSON_Delete(report);
        out = SERTN_RUN("eval", folder, "--input", input);
        kit_done(&out, "eval reads the function too");
        CHECK_MSG(strstr(out.text, "reference of y") != NULL, "%s", out.text);
    }
}

TEST(files_without_functions_are_refused)
{
    const char *model = save_caller();
    struct test_output out =
        SERTNC(model, "-o", target(), "--functions", kit_model(MODEL, "model.onnx"));
    kit_refused(&out, 2, "it holds no function", "a model without functions");
    out = SERTNC(model, "-o", target(), "--functions", text_file("f.onnx", "no functions"));
    kit_refused(&out, 2, "not a whole ONNX file", "no ONNX file");
    out = SERTNC(model, "-o", target(), "--functions", "/nonexistent/f.onnx");
    kit_refused(&out, 2, "/nonexistent/f.onnx", "no file");
}

/* ---- sequences ---- */

/* y: the items of the sequence x and of the optional o, when it is there, one after the other. */
static const char *sequence_model(void)
{
    struct builder b = builder_start(18);
    model_list_input(&b, "x", "s", ELEMENT_F32, "N");
    node_int(&b, model_node(&b, "ConcatFromSequence", "x", "y"), "axis", 0);
    model_node(&b, "Identity", "x", "same");
    model_output(&b, "y");
    model_output(&b, "same");
    return save(&b);
}

TEST(sequences_are_compiled_by_their_data_and_given_as_lists)
{
    const char *model = sequence_model(), *folder = target();
    const char *input = text_file("in.json", "{\"x\": [[1], [2, 3]]}");
    struct test_output out = SERTNC(model, "-o", folder);
    kit_refused_each(&out, 2, "input 'x' is a sequence; give inputs with --data", "no data");
    out = SERTNC(model, "-o", folder, "--data", input, "--range", "x=-9:9", "--input", "x=hashed");
    kit_done(&out, "compiled by its data");
    const char *other = text_file("other.json", "{\"x\": [[4], [5, -6]]}");
    out = SERTN_RUN("check", folder, "--input", other, "--json");
    cJSON *report = report_of(&out, "check");
    const cJSON *outputs = kit_member(report, "outputs");
    char *text = cJSON_PrintUnformatted(outputs);
    CHECK_TEXT(text, "{\"y\":[4,5,-6],\"same\":[[4],[5,-6]]}");
    free(text);
    cJSON_Delete(report);
    out = SERTN_RUN("check", folder, "--input", text_file("more.json", "{\"x\": [[4], [5]]}"));
    kit_refused(&out, 2, "input 'x[1]'", "another shape");
    out = SERTN_RUN("check", folder, "--input", text_file("few.json", "{\"x\": [[4]]}"));
    kit_refused(&out, 2, "input 'x': 1 tensors, but the model takes 2", "too few");
    out = SERTN_RUN("check", folder, "--input", text_file("far.json", "{\"x\": [[4], [5, 10]]}"));
    kit_refused(&out, 2, "outside the range", "a declared range of a sequence");
    out = SERTN_RUN("eval", folder, "--input", other);
    kit_done(&out, "eval");
    CHECK_MSG(strstr(out.text, "reference of same") != NULL, "%s", out.text);
}

TEST(what_data_fixed_at_compile_time_is_known_to_eval)
{
    struct builder b = builder_start(17);
    model_input(&b, "x", ELEMENT_F32, "2,3");
    model_input(&b, "shape", ELEMENT_I64, "1");
    model_node(&b, "Reshape", "x,shape", "y");
    model_output(&b, "y");
    const char *model = save(&b), *folder = target();
    const char *data = text_file("data.json", "{\"x\": [[1, 2, 3], [4, 5, 6]], \"shape\": [6]}");
    struct test_output out = SERTNC(model, "-o", folder, "--data", data);
    kit_done(&out, "a shape from the data");
    out = SERTN_RUN("eval", folder, "--input", text_file("in.json", "{\"x\": [[1,2,3],[4,5,6]]}"));
    kit_done(&out, "eval");
    CHECK_MSG(strstr(out.text, "reference of y") != NULL, "%s", out.text);
}

/* ---- strings ---- */

TEST(words_the_model_does_not_have_are_told_apart_where_they_are_compared)
{
    struct builder b = builder_start(19);
    model_input(&b, "x", ELEMENT_STRING, "4");
    model_input(&b, "z", ELEMENT_STRING, "4");
    model_node(&b, "Equal", "x,z", "y");
    model_output(&b, "y");
    const char *model = save(&b), *folder = target();
    const char *input = text_file("in.json", "{\"x\": [\"a\", \"b\", \"c\", \"\"],"
                                             " \"z\": [\"a\", \"c\", \"b\", \"\"]}");
    struct test_output out = SERTNC(model, "-o", folder);
    kit_done(&out, "compiled without knowing a word");
    out = SERTN_RUN("check", folder, "--input", input, "--json");
    cJSON *report = report_of(&out, "check");
    char *text = cJSON_PrintUnformatted(kit_member(kit_member(report, "outputs"), "y"));
    CHECK_TEXT(text, "[true,false,false,true]");
    free(text);
    cJSON_Delete(report);
    out = SERTN_RUN("eval", folder, "--input", input);
    kit_done(&out, "eval");
}
