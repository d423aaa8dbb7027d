/* sertnc: ONNX model to compiled model. Options, calls, exit status; the work is in
 * runtime/compile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/compile.h"
#include "runtime/model.h"
#include "runtime/tools/cli.h"
#include "runtime/tools/dump.h"
#include "runtime/tools/list_ops.h"

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
    "  --range INPUT=LO:HI      declared range of an input, enforced in the circuit (repeatable)\n"
    "  --bind INPUT=VALUE       an input that becomes a compile-time constant: a file or a JSON "
    "literal (repeatable)\n"
    "  --input WHO              private (default), public or hashed; NAME=WHO for one input "
    "(repeatable)\n"
    "  --params WHO             private (default) or public\n"
    "  --output WHO             public (default), private or hashed; NAME=WHO for one output "
    "(repeatable)\n"
    "  --tolerance R            relative error the outputs must meet on the data (default 1e-3)\n"
    "  --prover auto|plonk      which prover (auto takes plonk)\n"
    "  --mode gas|fast          small cheap proofs for a chain (default), or fast proofs for use "
    "off chain\n"
    "  --report-only            say what it will cost, write nothing\n"
    "  --reproduce DIR          compile again and compare with the circuit digest of DIR\n"
    "  --emit graph|relations|circuit   print that form on standard output\n"
    "  --print-after PASS       print the graph or the relations after a pass\n"
    "  --timings                seconds of each pass on standard error\n"
    "  --list-ops               every operator with opset range, types and restrictions\n"
    "  --json --quiet --threads N --help --version\n"
    "\n"
    "examples:\n"
    "  sertnc model.onnx -o model.sertn\n"
    "  sertnc forest.onnx -o forest.sertn --data test_data_set_0 --dim batch=1\n"
    "  sertnc model.onnx --report-only --json\n";

enum { MOST = 256, NAME_BYTES = 256 };

struct options {
    struct compile_options compile;
    struct import_dim dims[MOST];
    const char *data[MOST];
    struct compile_bind binds[MOST];
    struct declared_range ranges[MOST];
    struct named_visibility named[MOST];
    char names[4 * MOST][NAME_BYTES];
    size_t name_count;
    const char *emit, *print_after, *reproduce;
    bool report_only, timings, list_ops;
};

/* ---- options ---- */

static bool refuse(struct diag *diag, const char *option, const char *expected)
{
    enum status status = diag_set(diag, STATUS_BAD_INPUT, "%s takes %s", option, expected);
    return status == STATUS_OK;
}

/* NAME=VALUE into a kept copy of the name. */
static const char *take_name(struct options *o, const char *text, const char **value)
{
    if (o->name_count == 4 * MOST || !cli_split(text, o->names[o->name_count], NAME_BYTES, value))
        return NULL;
    return o->names[o->name_count++];
}

static bool take_output(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct options *)context)->compile.out_folder = value;
    return true;
}

static bool take_data(void *context, const char *value, struct diag *diag)
{
    struct options *o = context;
    if (o->compile.data_count == MOST)
        return refuse(diag, "--data", "at most 256 paths");
    o->data[o->compile.data_count++] = value;
    return true;
}

static bool take_dim(void *context, const char *text, struct diag *diag)
{
    struct options *o = context;
    const char *value, *name = take_name(o, text, &value);
    char *end = NULL;
    long long size = name == NULL ? 0 : strtoll(value, &end, 10);
    if (name == NULL || *value == '\0' || *end != '\0' || size < 1 || o->compile.dim_count == MOST)
        return refuse(diag, "--dim", "NAME=N or INPUT:AXIS=N with N of at least 1");
    o->dims[o->compile.dim_count++] = (struct import_dim){name, size};
    return true;
}

static bool take_range(void *context, const char *text, struct diag *diag)
{
    struct options *o = context;
    const char *value, *name = take_name(o, text, &value);
    const char *colon = name == NULL ? NULL : strchr(value, ':');
    char *end_low = NULL, *end_high = NULL;
    double low = colon == NULL ? 0 : strtod(value, &end_low),
           high = colon == NULL ? 0 : strtod(colon + 1, &end_high);
    bool good = colon != NULL && end_low == colon && colon[1] != '\0' && *end_high == '\0' &&
                low <= high && low > -1e300 && high < 1e300;
    if (!good || o->compile.range_count == MOST)
        return refuse(diag, "--range", "INPUT=LO:HI with two numbers, LO not above HI");
    o->ranges[o->compile.range_count++] = (struct declared_range){name, low, high};
    return true;
}

static bool take_bind(void *context, const char *text, struct diag *diag)
{
    struct options *o = context;
    const char *value, *name = take_name(o, text, &value);
    if (name == NULL || o->compile.bind_count == MOST)
        return refuse(diag, "--bind", "INPUT=FILE or INPUT=VALUE");
    o->binds[o->compile.bind_count++] = (struct compile_bind){name, value};
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

static bool take_named(struct options *o, const char *text, const char *option, struct diag *diag)
{
    enum port_visibility visibility;
    const char *value, *name = take_name(o, text, &value);
    if (name == NULL || !parse_visibility(value, &visibility) || o->compile.named_count == MOST)
        return refuse(diag, option, "private, public or hashed, or NAME=one of these");
    o->named[o->compile.named_count++] = (struct named_visibility){name, visibility};
    return true;
}

static bool take_input_visibility(void *context, const char *value, struct diag *diag)
{
    struct options *o = context;
    return parse_visibility(value, &o->compile.inputs) || take_named(o, value, "--input", diag);
}

static bool take_output_visibility(void *context, const char *value, struct diag *diag)
{
    struct options *o = context;
    if (parse_visibility(value, &o->compile.outputs)) {
        o->compile.outputs_given = true;
        return true;
    }
    return take_named(o, value, "--output", diag);
}

static bool take_params(void *context, const char *value, struct diag *diag)
{
    struct options *o = context;
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
    ((struct options *)context)->compile.tolerance = tolerance;
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
    struct options *o = context;
    if (strcmp(value, "gas") != 0 && strcmp(value, "fast") != 0)
        return refuse(diag, "--mode", "gas or fast");
    o->compile.mode = strcmp(value, "fast") == 0 ? PLONK_MODE_FAST : PLONK_MODE_GAS;
    return true;
}

static bool take_report_only(void *context, const char *value, struct diag *diag)
{
    (void)value;
    (void)diag;
    ((struct options *)context)->report_only = true;
    return true;
}

static bool take_reproduce(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct options *)context)->reproduce = value;
    return true;
}

static bool take_emit(void *context, const char *value, struct diag *diag)
{
    if (strcmp(value, "graph") != 0 && strcmp(value, "relations") != 0 &&
        strcmp(value, "circuit") != 0)
        return refuse(diag, "--emit", "graph, relations or circuit");
    ((struct options *)context)->emit = value;
    return true;
}

static bool take_print_after(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct options *)context)->print_after = value;
    return true;
}

static bool take_timings(void *context, const char *value, struct diag *diag)
{
    (void)value;
    (void)diag;
    ((struct options *)context)->timings = true;
    return true;
}

static bool take_list_ops(void *context, const char *value, struct diag *diag)
{
    (void)value;
    (void)diag;
    ((struct options *)context)->list_ops = true;
    return true;
}

static const struct cli_option option_table[] = {
    {"o", true, take_output},
    {"data", true, take_data},
    {"dim", true, take_dim},
    {"range", true, take_range},
    {"bind", true, take_bind},
    {"input", true, take_input_visibility},
    {"output", true, take_output_visibility},
    {"params", true, take_params},
    {"tolerance", true, take_tolerance},
    {"prover", true, take_prover},
    {"mode", true, take_mode},
    {"report-only", false, take_report_only},
    {"reproduce", true, take_reproduce},
    {"emit", true, take_emit},
    {"print-after", true, take_print_after},
    {"timings", false, take_timings},
    {"list-ops", false, take_list_ops},
};

/* ---- work ---- */

static void say_report(struct cli *cli, const struct compilation *c)
{
    if (cli->json) {
        char *text = compile_report_json(c, true);
        cli->result = text == NULL ? NULL : cJSON_Parse(text);
        free(text);
        return;
    }
    char *text = compile_report_text(c);
    if (text != NULL && !cli->quiet)
        fputs(text, stdout);
    free(text);
}

/* Compares with what another compilation left. */
static enum status check_reproduced(const struct compilation *c, const char *folder,
                                    struct diag *diag)
{
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to read '%s'", folder);
    enum status status = model_load(model, folder, MODEL_WHOLE, diag);
    if (status == STATUS_OK && memcmp(model->circuit_digest, c->report.circuit_digest, 32) != 0)
        status = diag_set(diag, STATUS_REJECTED, "this compilation gives another circuit than '%s'",
                          folder);
    if (model->folder != NULL)
        model_release(model);
    free(model);
    return status;
}

static int run(struct cli *cli, struct options *o)
{
    struct diag_list problems = {0};
    struct import_notes notes = {0};
    struct diag diag = {0};
    struct compilation c;
    struct dump dump = {.print_after = o->print_after, .timings = o->timings};
    dump_begin(&dump);
    o->compile.after_pass = dump_after_pass;
    o->compile.after_pass_context = &dump;
    enum status status = compile_model(&c, &o->compile, &problems, &notes);
    for (size_t i = 0; i < notes.count; i++)
        cli_say(cli, "note: %s", notes.text[i]);
    if (status == STATUS_OK && o->reproduce != NULL) {
        status = check_reproduced(&c, o->reproduce, &diag);
        if (status != STATUS_OK)
            status = diag_list_add_diag(&problems, &diag);
    }
    if (status == STATUS_OK && o->emit != NULL)
        dump_emit(o->emit, c.graph, c.result.program, &c.circuit);
    if (status == STATUS_OK && (cli->json || o->emit == NULL))
        say_report(cli, &c);
    if (status == STATUS_OK && o->reproduce != NULL)
        cli_say(cli, "the circuit is that of '%s'", o->reproduce);
    int code = cli_finish_list(cli, status, &problems);
    compilation_release(&c);
    diag_list_release(&problems);
    return code;
}

int main(int argc, char **argv)
{
    static struct options o;
    struct cli cli = {.program = "sertnc"};
    struct diag diag = {0};
    const char *model = NULL;
    size_t count = 0;
    bool done;
    file_clean_on_signals();
    enum status status =
        cli_parse(&cli, argc, argv, option_table, sizeof option_table / sizeof *option_table, &o,
                  &model, 1, &count, help, &done, &diag);
    if (status != STATUS_OK || done)
        return done ? 0 : cli_finish(&cli, status, &diag);
    if (o.list_ops)
        return list_ops(&cli);
    o.compile.model_path = model;
    o.compile.dims = o.dims;
    o.compile.data_paths = o.data;
    o.compile.binds = o.binds;
    o.compile.ranges = o.ranges;
    o.compile.named = o.named;
    o.compile.threads = cli.threads;
    if (count == 0)
        return cli_finish(
            &cli,
            diag_set(&diag, STATUS_BAD_INPUT,
                     "give a model: sertnc MODEL.onnx -o MODEL.sertn; see sertnc --help"),
            &diag);
    if (o.report_only || o.reproduce != NULL || (o.emit != NULL && o.compile.out_folder == NULL))
        o.compile.out_folder = NULL;
    else if (o.compile.out_folder == NULL)
        return cli_finish(
            &cli,
            diag_set(&diag, STATUS_BAD_INPUT, "give the folder to write with -o, or --report-only"),
            &diag);
    return run(&cli, &o);
}
