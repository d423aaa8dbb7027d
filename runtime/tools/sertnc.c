/* sertnc: ONNX model to compiled model. Options, calls, exit status; the work is in
 * runtime/compile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/compile_html.h"
#include "runtime/model.h"
#include "runtime/tools/dump.h"
#include "runtime/tools/list_ops.h"
#include "runtime/tools/sertnc_options.h"

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

/* What after_pass does: progress, and the dumps that were asked for. */
struct watch {
    struct dump dump;
    struct cli_progress progress;
    struct plonk_progress callback;
};

static void after_pass(void *context, const char *pass, const struct graph *graph,
                       const struct relation_program *program)
{
    struct watch *watch = context;
    size_t index = 0, count = 0;
    for (; compile_pass_name(count) != NULL; count++)
        index = strcmp(compile_pass_name(count), pass) == 0 ? count + 1 : index;
    watch->callback.report(watch->callback.context, pass, (double)index / (double)count);
    dump_after_pass(&watch->dump, pass, graph, program);
}

static void say_results(struct cli *cli, const struct sertnc_options *o,
                        const struct compilation *c)
{
    if (o->emit != NULL) {
        for (size_t i = 0; i < c->notes->count; i++)
            cli_say(cli, "note: %s", c->notes->text[i]);
        dump_emit(o->emit, c->graph, c->result.program, &c->circuit);
    } else {
        say_report(cli, c);
    }
    if (o->reproduce != NULL)
        cli_say(cli, "the circuit is that of '%s'", o->reproduce);
}

static int run(struct cli *cli, struct sertnc_options *o)
{
    struct diag_list problems = {0};
    struct import_notes notes = {0};
    struct diag diag = {0};
    struct compilation c;
    struct watch watch = {.dump = {.print_after = o->print_after, .timings = o->timings}};
    watch.callback = cli_progress_begin(&watch.progress, cli);
    dump_begin(&watch.dump);
    o->compile.after_pass = after_pass;
    o->compile.after_pass_context = &watch;
    enum status status = compile_model(&c, &o->compile, &problems, &notes);
    cli_progress_end(&watch.progress);
    if (status == STATUS_OK && o->reproduce != NULL) {
        status = check_reproduced(&c, o->reproduce, &diag);
        if (status != STATUS_OK)
            status = diag_list_add_diag(&problems, &diag);
    }
    if (status == STATUS_OK && o->html != NULL) {
        status = compile_html_write(&c, o->compile.model_path, o->html, &diag);
        if (status != STATUS_OK)
            status = diag_list_add_diag(&problems, &diag);
    }
    if (status == STATUS_OK)
        say_results(cli, o, &c);
    int code = cli_finish_list(cli, status, &problems);
    compilation_release(&c);
    diag_list_release(&problems);
    return code;
}

int main(int argc, char **argv)
{
    static struct sertnc_options o;
    struct cli cli = {.program = "sertnc"};
    struct diag diag = {0};
    bool done;
    file_clean_on_signals();
    enum status status = sertnc_read_options(&o, &cli, argc, argv, &done, &diag);
    if (status != STATUS_OK || done)
        return cli_finish(&cli, status, &diag);
    return o.list_ops ? list_ops(&cli) : run(&cli, &o);
}
