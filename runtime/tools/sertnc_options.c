/* See sertnc_options.h. */
#include "runtime/tools/sertnc_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "sertnc: compile an ONNX model into a circuit whose answers can be proved.\n"
    "\n"
    "usage: sertnc MODEL.onnx -o MODEL.sertn [options]\n"
    "       sertnc --list-ops\n"
    "\n"
    "  -o DIR                   folder to write; DIR/public is what verifies and is published, "
    "DIR/private stays with you\n"
    "  --data PATH              calibration inputs: JSON, .npy/.npz, CSV or an ONNX "
    "test_data_set_* folder (repeatable)\n"
    "  --dim NAME=N             size of a named dimension, or of an unnamed one as INPUT:AXIS=N "
    "(repeatable)\n"
    "  --max-dim NAME=N         most results of NonZero, Unique, Compress or NonMaxSuppression, or "
    "rounds of a Loop, by\n"
    "                           the name of the result, its dimension or its node; output "
    "NAME_count is their number;\n"
    "                           or most samples along a bin of a RoiAlign with sampling_ratio 0 "
    "(repeatable)\n"
    "  --range INPUT=LO:HI      declared range of an input, enforced in the circuit (repeatable)\n"
    "  --bind INPUT=VALUE       an input that becomes a compile-time constant: a file or a JSON "
    "literal (repeatable)\n"
    "  --seed N|INPUT           public seed of random operators that have none of their own "
    "(default 0), or the input of\n"
    "                           one integer that holds it, which then is public\n"
    "  --functions FILE         bodies of operators that sertnc does not know: an ONNX model with "
    "functions, or one\n"
    "                           function (repeatable)\n"
    "  --input WHO              private (default), public or hashed; NAME=WHO for one input "
    "(repeatable)\n"
    "  --params WHO             private (default) or public\n"
    "  --output WHO             public (default), private or hashed; NAME=WHO for one output "
    "(repeatable)\n"
    "  --srs FILE.ptau          make the keys too, over the powers of tau of a ceremony; else "
    "sertn-run makes them on first use\n"
    "  --tolerance R            relative error the outputs must meet on the data (default 1e-3)\n"
    "  --prover auto|plonk      which prover (auto takes plonk)\n"
    "  --mode gas|fast          small cheap proofs for a chain (default), or fast proofs for use "
    "off chain\n"
    "  --report-only            say what it will cost, write nothing\n"
    "  --html FILE              the report as a page: the graph, where the rows go, accuracy, "
    "cost\n"
    "  --reproduce DIR          compile again and compare with the circuit digest of DIR\n"
    "  --emit graph|relations|circuit   print that form on standard output\n"
    "  --print-after PASS       print the graph or the relations after a pass: import, "
    "fold_constants, quantize, lower, bound_ranges, validate, place\n"
    "  --timings                seconds of each pass on standard error\n"
    "  --list-ops               every operator with opset range, types and restrictions\n"
    "  --json --quiet --threads N --help --version\n"
    "\n"
    "Exit status: 0 done; 1 --reproduce gives another circuit; 2 bad model, input or usage; 3 the "
    "surroundings failed.\n"
    "\n"
    "examples:\n"
    "  sertnc model.onnx -o model.sertn\n"
    "  sertnc forest.onnx -o forest.sertn --data test_data_set_0 --dim batch=1\n"
    "  sertnc model.onnx --report-only --json\n"
    "  sertnc model.onnx --report-only --html report.html\n"
    "  sertnc speech.onnx -o speech.sertn --bind rate=16000 --range audio=-1:1 --input hashed\n"
    "  sertnc model.onnx --reproduce model.sertn --data test_data_set_0\n";

/* ---- options ---- */

static bool refuse(struct diag *diag, const char *option, const char *expected)
{
    enum status status = diag_set(diag, STATUS_BAD_INPUT, "%s takes %s", option, expected);
    return status == STATUS_OK;
}

static bool refuse_twice(struct diag *diag, const char *option, const char *name)
{
    enum status status = diag_set(diag, STATUS_BAD_INPUT, "%s %s is given twice", option, name);
    return status == STATUS_OK;
}

/* NAME=VALUE into a kept copy of the name. */
static const char *take_name(struct sertnc_options *o, const char *text, const char **value)
{
    if (o->name_count == 4 * SERTNC_MOST ||
        !cli_split(text, o->names[o->name_count], SERTNC_NAME_BYTES, value))
        return NULL;
    return o->names[o->name_count++];
}

static bool take_output(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct sertnc_options *)context)->compile.out_folder = value;
    return true;
}

static bool take_data(void *context, const char *value, struct diag *diag)
{
    struct sertnc_options *o = context;
    if (o->compile.data_count == SERTNC_MOST)
        return refuse(diag, "--data", "at most 256 paths");
    o->data[o->compile.data_count++] = value;
    return true;
}

/* NAME=N with N of at least 1, for a list that has `count` so far; null name when it is neither. */
static const char *take_size(struct sertnc_options *o, const char *text, size_t count,
                             int64_t *size)
{
    const char *value, *name = take_name(o, text, &value);
    char *end = NULL;
    errno = 0;
    *size = name == NULL ? 0 : strtoll(value, &end, 10);
    bool is_good = name != NULL && *value != '\0' && *end == '\0' && errno == 0 && *size >= 1 &&
                   count < SERTNC_MOST;
    return is_good ? name : NULL;
}

static bool take_dim(void *context, const char *text, struct diag *diag)
{
    struct sertnc_options *o = context;
    int64_t size;
    const char *name = take_size(o, text, o->compile.dim_count, &size);
    if (name == NULL)
        return refuse(diag, "--dim", "NAME=N or INPUT:AXIS=N with N of at least 1");
    for (size_t i = 0; i < o->compile.dim_count; i++) {
        if (strcmp(o->dims[i].name, name) == 0)
            return refuse_twice(diag, "--dim", name);
    }
    o->dims[o->compile.dim_count++] = (struct import_dim){name, size};
    return true;
}

static bool take_max_dim(void *context, const char *text, struct diag *diag)
{
    struct sertnc_options *o = context;
    int64_t size;
    const char *name = take_size(o, text, o->compile.max_dim_count, &size);
    if (name == NULL)
        return refuse(diag, "--max-dim", "NAME=N with N of at least 1");
    for (size_t i = 0; i < o->compile.max_dim_count; i++) {
        if (strcmp(o->max_dims[i].name, name) == 0)
            return refuse_twice(diag, "--max-dim", name);
    }
    o->max_dims[o->compile.max_dim_count++] = (struct import_max_dim){name, size};
    return true;
}

static bool take_seed(void *context, const char *text, struct diag *diag)
{
    struct compile_options *compile = &((struct sertnc_options *)context)->compile;
    char *end = NULL;
    unsigned long long seed = strtoull(text, &end, 10);
    bool is_number = *text >= '0' && *text <= '9' && *end == '\0';
    if (*text == '\0' || (is_number && (seed > UINT32_MAX || strlen(text) > 10)))
        return refuse(diag, "--seed", "a number from 0 to 4294967295, or the name of an input");
    compile->seed = is_number ? (uint32_t)seed : 0;
    compile->seed_input = is_number ? NULL : text;
    return true;
}

static bool take_range(void *context, const char *text, struct diag *diag)
{
    struct sertnc_options *o = context;
    const char *value, *name = take_name(o, text, &value);
    const char *colon = name == NULL ? NULL : strchr(value, ':');
    char *end_low = NULL, *end_high = NULL;
    double low = colon == NULL ? 0 : strtod(value, &end_low),
           high = colon == NULL ? 0 : strtod(colon + 1, &end_high);
    bool good = colon != NULL && end_low == colon && colon[1] != '\0' && *end_high == '\0' &&
                low <= high && low > -1e300 && high < 1e300;
    if (!good || o->compile.range_count == SERTNC_MOST)
        return refuse(diag, "--range", "INPUT=LO:HI with two numbers, LO not above HI");
    for (size_t i = 0; i < o->compile.range_count; i++) {
        if (strcmp(o->ranges[i].name, name) == 0)
            return refuse_twice(diag, "--range", name);
    }
    o->ranges[o->compile.range_count++] = (struct declared_range){name, low, high};
    return true;
}

static bool take_bind(void *context, const char *text, struct diag *diag)
{
    struct sertnc_options *o = context;
    const char *value, *name = take_name(o, text, &value);
    if (name == NULL || o->compile.bind_count == SERTNC_MOST)
        return refuse(diag, "--bind", "INPUT=FILE or INPUT=VALUE");
    for (size_t i = 0; i < o->compile.bind_count; i++) {
        if (strcmp(o->binds[i].name, name) == 0)
            return refuse_twice(diag, "--bind", name);
    }
    o->binds[o->compile.bind_count++] = (struct compile_bind){name, value};
    return true;
}

static bool take_functions(void *context, const char *value, struct diag *diag)
{
    struct sertnc_options *o = context;
    if (o->compile.function_path_count == SERTNC_MOST)
        return refuse(diag, "--functions", "at most 256 files");
    o->functions[o->compile.function_path_count++] = value;
    return true;
}

static bool parse_visibility(const char *text, enum port_visibility *out)
{
    static const char *const names[] = {"private", "public", "hashed"};
    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum port_visibility)i;
            return true;
        }
    }
    return false;
}

static bool take_named(struct sertnc_options *o, const char *text, const char *option,
                       struct diag *diag)
{
    enum port_visibility visibility;
    const char *value, *name = take_name(o, text, &value);
    if (name == NULL || !parse_visibility(value, &visibility) ||
        o->compile.named_count == SERTNC_MOST)
        return refuse(diag, option, "private, public or hashed, or NAME=one of these");
    for (size_t i = 0; i < o->compile.named_count; i++) {
        if (strcmp(o->named[i].name, name) == 0)
            return refuse_twice(diag, option, name);
    }
    o->named[o->compile.named_count++] = (struct named_visibility){name, visibility};
    return true;
}

static bool take_input_visibility(void *context, const char *value, struct diag *diag)
{
    struct sertnc_options *o = context;
    return parse_visibility(value, &o->compile.inputs) || take_named(o, value, "--input", diag);
}

static bool take_output_visibility(void *context, const char *value, struct diag *diag)
{
    struct sertnc_options *o = context;
    if (parse_visibility(value, &o->compile.outputs)) {
        o->compile.outputs_given = true;
        return true;
    }
    return take_named(o, value, "--output", diag);
}

static bool take_params(void *context, const char *value, struct diag *diag)
{
    struct sertnc_options *o = context;
    if (strcmp(value, "private") != 0 && strcmp(value, "public") != 0)
        return refuse(
            diag, "--params",
            "private or public (private parameters are bound by a hiding commitment already)");
    o->compile.public_parameters = strcmp(value, "public") == 0;
    return true;
}

static bool take_tolerance(void *context, const char *value, struct diag *diag)
{
    char *end;
    double tolerance = strtod(value, &end);
    if (*value == '\0' || *end != '\0' || !(tolerance > 0 && tolerance < 1))
        return refuse(diag, "--tolerance", "a number between 0 and 1, such as 1e-3");
    ((struct sertnc_options *)context)->compile.tolerance = tolerance;
    return true;
}

static bool take_prover(void *context, const char *value, struct diag *diag)
{
    (void)context;
    if (strcmp(value, "auto") != 0 && strcmp(value, "plonk") != 0)
        return refuse(diag, "--prover", "auto or plonk; this version has no other prover");
    return true;
}

static bool take_mode(void *context, const char *value, struct diag *diag)
{
    struct sertnc_options *o = context;
    if (strcmp(value, "gas") != 0 && strcmp(value, "fast") != 0)
        return refuse(diag, "--mode", "gas or fast");
    o->compile.mode = strcmp(value, "fast") == 0 ? PLONK_MODE_FAST : PLONK_MODE_GAS;
    return true;
}

static bool take_srs(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct sertnc_options *)context)->compile.srs_path = value;
    return true;
}

static bool take_report_only(void *context, const char *value, struct diag *diag)
{
    (void)value;
    (void)diag;
    ((struct sertnc_options *)context)->report_only = true;
    return true;
}

static bool take_html(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct sertnc_options *)context)->html = value;
    return true;
}

static bool take_reproduce(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct sertnc_options *)context)->reproduce = value;
    return true;
}

static bool take_emit(void *context, const char *value, struct diag *diag)
{
    if (strcmp(value, "graph") != 0 && strcmp(value, "relations") != 0 &&
        strcmp(value, "circuit") != 0)
        return refuse(diag, "--emit", "graph, relations or circuit");
    ((struct sertnc_options *)context)->emit = value;
    return true;
}

static bool take_print_after(void *context, const char *value, struct diag *diag)
{
    size_t i = 0;
    while (compile_pass_name(i) != NULL && strcmp(compile_pass_name(i), value) != 0)
        i++;
    if (compile_pass_name(i) == NULL)
        return refuse(diag, "--print-after",
                      "import, fold_constants, quantize, lower, bound_ranges, validate or place");
    ((struct sertnc_options *)context)->print_after = value;
    return true;
}

static bool take_timings(void *context, const char *value, struct diag *diag)
{
    (void)value;
    (void)diag;
    ((struct sertnc_options *)context)->timings = true;
    return true;
}

static bool take_list_ops(void *context, const char *value, struct diag *diag)
{
    (void)value;
    (void)diag;
    ((struct sertnc_options *)context)->list_ops = true;
    return true;
}

static const struct cli_option option_table[] = {
    {"o", true, take_output, NULL, 0},
    {"data", true, take_data, NULL, 0},
    {"dim", true, take_dim, NULL, 0},
    {"max-dim", true, take_max_dim, NULL, 0},
    {"seed", true, take_seed, NULL, 0},
    {"range", true, take_range, NULL, 0},
    {"bind", true, take_bind, NULL, 0},
    {"functions", true, take_functions, NULL, 0},
    {"input", true, take_input_visibility, NULL, 0},
    {"output", true, take_output_visibility, NULL, 0},
    {"params", true, take_params, NULL, 0},
    {"tolerance", true, take_tolerance, NULL, 0},
    {"prover", true, take_prover, NULL, 0},
    {"mode", true, take_mode, NULL, 0},
    {"srs", true, take_srs, NULL, 0},
    {"report-only", false, take_report_only, NULL, 0},
    {"html", true, take_html, NULL, 0},
    {"reproduce", true, take_reproduce, NULL, 0},
    {"emit", true, take_emit, NULL, 0},
    {"print-after", true, take_print_after, NULL, 0},
    {"timings", false, take_timings, NULL, 0},
    {"list-ops", false, take_list_ops, NULL, 0},
};

static const char *help_text(const char *command)
{
    (void)command;
    return help;
}

static const struct cli_grammar grammar = {
    option_table, sizeof option_table / sizeof *option_table, 1, NULL, help_text, NULL, 0};

/* A seed that the prover chose in secret would be no seed. */
static enum status publish_seed(struct sertnc_options *o, struct diag *diag)
{
    const char *name = o->compile.seed_input;
    for (size_t i = 0; name != NULL && i < o->compile.named_count; i++) {
        if (strcmp(o->named[i].name, name) != 0)
            continue;
        if (o->named[i].visibility == PORT_PUBLIC)
            return STATUS_OK;
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the seed '%s' has to be public: leave out --input for it", name);
    }
    if (name == NULL)
        return STATUS_OK;
    if (o->compile.named_count == SERTNC_MOST)
        return diag_set(diag, STATUS_BAD_INPUT, "more than %d visibilities", SERTNC_MOST);
    o->named[o->compile.named_count++] = (struct named_visibility){name, PORT_PUBLIC};
    return STATUS_OK;
}

/* What the options together must be. */
static enum status check(struct sertnc_options *o, const struct cli *cli, struct diag *diag)
{
    if (o->list_ops)
        return o->compile.model_path == NULL
                   ? STATUS_OK
                   : diag_set(diag, STATUS_BAD_INPUT,
                              "--list-ops takes no model: it lists what every model may use");
    if (o->compile.model_path == NULL)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "give a model: sertnc MODEL.onnx -o MODEL.sertn; see sertnc --help");
    if (cli->json && (o->emit != NULL || o->print_after != NULL))
        return diag_set(
            diag, STATUS_BAD_INPUT,
            "--emit and --print-after print text, --json one JSON object: leave out one "
            "of them");
    if (o->report_only || o->reproduce != NULL)
        o->compile.out_folder = NULL;
    else if (o->emit == NULL && o->compile.out_folder == NULL)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "give the folder to write with -o, or --report-only");
    return publish_seed(o, diag);
}

enum status sertnc_read_options(struct sertnc_options *o, struct cli *cli, int argc, char **argv,
                                bool *done, struct diag *diag)
{
    size_t count;
    enum status status =
        cli_parse(cli, argc, argv, &grammar, o, &o->compile.model_path, &count, done, diag);
    if (status != STATUS_OK || *done)
        return status;
    o->compile.dims = o->dims;
    o->compile.max_dims = o->max_dims;
    o->compile.data_paths = o->data;
    o->compile.binds = o->binds;
    o->compile.ranges = o->ranges;
    o->compile.function_paths = o->functions;
    o->compile.named = o->named;
    o->compile.threads = cli->threads;
    return check(o, cli, diag);
}
