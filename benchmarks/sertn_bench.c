/*
 * sertn-bench: what Sertn costs on this machine, whole processes of the installed programs, beside
 * its peers in the same run.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "benchmarks/report.h"
#include "ir/support/file.h"
#include "ir/support/machine.h"

static const char usage[] =
    "usage: sertn-bench [WORKLOAD...] [options]\n"
    "\n"
    "Workloads (all by default):\n"
    "  linear_regression, tree_ensemble, linear_svc, mlp_iris, random_forest\n"
    "                   models through sertnc and sertn-run: compile, keys, prove, verify\n"
    "  chain            y = y*y + 3 in fast mode, the prover itself\n"
    "  kernels          field products, multi-scalar multiplication, transforms, on one thread\n"
    "\n"
    "  --runs N         repetitions of each process, 10 by default; figures are medians\n"
    "  --threads N      threads of every prover; all CPUs by default\n"
    "  --peers DIR      measure EZKL and bb in the same run; installs them into DIR from PyPI and\n"
    "                   npm when they are not there\n"
    "  --peer NAME      with --peers: ezkl or bb alone\n"
    "  --rpc URL        verify on a development node as well, and report its gas\n"
    "  --steps N        length of the chain, 4000 by default\n"
    "  --kernel-lg N    kernels on 2^N elements, 16 by default (targets are for 20)\n"
    "  --models DIR     the folder of models and peers' scripts (benchmarks/ of the source)\n"
    "  --json           one JSON object on standard output\n"
    "  --quiet          no progress lines\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 measured (targets missed are printed), 2 bad usage, 3 something failed.\n";

/* What to run, beside the options of the measurements. */
struct selection {
    bool model[WORKLOAD_COUNT], chain, kernels;
    uint32_t steps;
    bool json;
    const char *chain_step, *chain_folder;
};

static enum status parse_number(unsigned *out, const char *name, const char *text, unsigned least,
                                unsigned most, struct diag *diag)
{
    char *end = NULL;
    unsigned long value = text ? strtoul(text, &end, 10) : 0;
    if (!text || end == text || *end || value < least || value > most || text[0] == '-')
        return diag_set(diag, STATUS_BAD_INPUT, "%s takes a number from %u to %u", name, least,
                        most);
    *out = (unsigned)value;
    return STATUS_OK;
}

static enum status parse_text(const char **out, const char *name, const char *text,
                              struct diag *diag)
{
    if (!text)
        return diag_set(diag, STATUS_BAD_INPUT, "%s takes a value", name);
    *out = text;
    return STATUS_OK;
}

static enum status select_workload(struct selection *selection, const char *name, struct diag *diag)
{
    const struct workload *found = workload_find(name);
    if (found)
        selection->model[found - workload_table] = true;
    else if (strcmp(name, "chain") == 0)
        selection->chain = true;
    else if (strcmp(name, "kernels") == 0)
        selection->kernels = true;
    else
        return diag_set(diag, STATUS_BAD_INPUT,
                        "there is no workload '%s'; `sertn-bench --help` lists them", name);
    return STATUS_OK;
}

/* Options that take a value; *used says whether this was one. */
static enum status parse_valued(struct bench_options *options, struct selection *selection,
                                const char *name, const char *value, bool *used, struct diag *diag)
{
    *used = true;
    if (strcmp(name, "--runs") == 0)
        return parse_number(&options->runs, name, value, 1, BENCH_RUNS_MAX, diag);
    if (strcmp(name, "--threads") == 0)
        return parse_number(&options->threads, name, value, 0, MACHINE_THREADS_MAX, diag);
    if (strcmp(name, "--kernel-lg") == 0)
        return parse_number(&options->kernel_lg, name, value, 4, 24, diag);
    if (strcmp(name, "--steps") == 0)
        return parse_number(&selection->steps, name, value, 1, CHAIN_STEPS_MAX, diag);
    if (strcmp(name, "--peers") == 0)
        return parse_text(&options->peers, name, value, diag);
    if (strcmp(name, "--rpc") == 0)
        return parse_text(&options->rpc, name, value, diag);
    if (strcmp(name, "--models") == 0)
        return parse_text(&options->data, name, value, diag);
    if (strcmp(name, "--peer") == 0) {
        enum status status = parse_text(&options->only, name, value, diag);
        if (status == STATUS_OK && strcmp(value, "ezkl") != 0 && strcmp(value, "bb") != 0)
            status = diag_set(diag, STATUS_BAD_INPUT,
                              "there is no peer '%s'; there are ezkl and bb", value);
        return status;
    }
    *used = false;
    return STATUS_OK;
}

static enum status parse(struct bench_options *options, struct selection *selection, int count,
                         char **argument, struct diag *diag)
{
    bool any = false;
    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? argument[i + 1] : NULL;
        bool used = false;
        enum status status = parse_valued(options, selection, argument[i], value, &used, diag);
        if (status != STATUS_OK)
            return status;
        if (used) {
            i++;
        } else if (strcmp(argument[i], "--json") == 0) {
            selection->json = true;
        } else if (strcmp(argument[i], "--quiet") == 0) {
            options->quiet = true;
        } else if (strcmp(argument[i], "--chain-step") == 0 && i + 3 < count) {
            selection->chain_step = argument[i + 1];
            selection->chain_folder = argument[i + 2];
            status = parse_number(&selection->steps, "--chain-step", argument[i + 3], 1,
                                  CHAIN_STEPS_MAX, diag);
            i += 3;
        } else if (argument[i][0] == '-') {
            status =
                diag_set(diag, STATUS_BAD_INPUT,
                         "there is no option '%s'; `sertn-bench --help` lists them", argument[i]);
        } else {
            status = select_workload(selection, argument[i], diag);
            any = true;
        }
        if (status != STATUS_OK)
            return status;
    }
    if (!any) {
        for (size_t i = 0; i < WORKLOAD_COUNT; i++)
            selection->model[i] = true;
        selection->chain = selection->kernels = true;
    }
    return STATUS_OK;
}

/* Where the programs and the models are. */
struct places {
    char self[PATH_MAX], sertnc[PATH_MAX], sertn_run[PATH_MAX], data[PATH_MAX], work[PATH_MAX];
};

/* The first folder that holds models/linear_regression: beside the installed programs, else in the
 * source. */
static enum status find_data(struct places *places, const char *folder, struct diag *diag)
{
    char model[PATH_MAX + 64];
    const char *candidate[2] = {folder, SERTN_BENCHMARK_FOLDER};
    for (int i = 0; i < 2; i++) {
        int written = snprintf(places->data, PATH_MAX, "%s%s", candidate[i],
                               i == 0 ? "/../share/sertn/benchmarks" : "");
        snprintf(model, sizeof model, "%s/models/linear_regression/model.onnx", places->data);
        if (written < PATH_MAX && file_exists(model))
            return STATUS_OK;
    }
    return diag_set(diag, STATUS_BAD_INPUT,
                    "the benchmark models are not found; name their folder with --models");
}

static enum status find_places(struct places *places, struct bench_options *options,
                               struct diag *diag)
{
    ssize_t count = readlink("/proc/self/exe", places->self, sizeof places->self - 1);
    if (count <= 0)
        return diag_set(diag, STATUS_IO, "/proc/self/exe cannot be read");
    places->self[count] = 0;
    char folder[PATH_MAX];
    memcpy(folder, places->self, (size_t)count + 1);
    *strrchr(folder, '/') = 0;
    int a = snprintf(places->sertnc, PATH_MAX, "%s/sertnc", folder);
    int b = snprintf(places->sertn_run, PATH_MAX, "%s/sertn-run", folder);
    if (a >= PATH_MAX || b >= PATH_MAX)
        return diag_set(diag, STATUS_BAD_INPUT, "the path of sertn-bench is too long");
    options->self = places->self;
    options->sertnc = places->sertnc;
    options->sertn_run = places->sertn_run;
    if (options->data)
        return STATUS_OK;
    options->data = places->data;
    return find_data(places, folder, diag);
}

/* A folder of our own under $TMPDIR. */
static enum status make_work(struct places *places, struct bench_options *options,
                             struct diag *diag)
{
    const char *base = getenv("TMPDIR");
    int written =
        snprintf(places->work, PATH_MAX, "%s/sertn-bench.XXXXXX", base && *base ? base : "/tmp");
    if (written >= PATH_MAX || !mkdtemp(places->work))
        return diag_set(diag, STATUS_IO, "no folder can be made under %s",
                        base && *base ? base : "/tmp");
    options->work = places->work;
    return STATUS_OK;
}

static bool wants_peer(const struct bench_options *options, const char *name)
{
    return options->peers && (!options->only || strcmp(options->only, name) == 0);
}

static enum status measure_model(struct report *report, const struct workload *workload,
                                 const struct bench_options *options, struct diag *diag)
{
    struct peer_figures *ezkl = &report->ezkl[report->model_count];
    bool has_peer = wants_peer(options, "ezkl");
    enum status status = has_peer ? peers_prepare_ezkl(ezkl, workload, options, diag) : STATUS_OK;
    if (status == STATUS_OK)
        status = model_measure(&report->model[report->model_count], workload, options,
                               has_peer ? &ezkl->rival : NULL, diag);
    if (status != STATUS_OK) {
        peer_figures_release(ezkl);
        return status;
    }
    if (has_peer)
        peer_figures_close(ezkl);
    report->model_count++;
    return STATUS_OK;
}

static enum status measure_chain(struct report *report, uint32_t steps,
                                 const struct bench_options *options, struct diag *diag)
{
    bool has_peer = wants_peer(options, "bb");
    enum status status = has_peer ? peers_prepare_bb(&report->bb, steps, options, diag) : STATUS_OK;
    if (status == STATUS_OK)
        status = chain_measure(&report->chain, options, steps, has_peer ? &report->bb.rival : NULL,
                               diag);
    report->has_chain = status == STATUS_OK;
    if (status == STATUS_OK && has_peer)
        peer_figures_close(&report->bb);
    return status;
}

static enum status measure(struct report *report, const struct bench_options *options,
                           const struct selection *selection, struct diag *diag)
{
    enum status status = options->peers ? peers_install(options, diag) : STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < WORKLOAD_COUNT; i++)
        if (selection->model[i])
            status = measure_model(report, &workload_table[i], options, diag);
    if (status == STATUS_OK && selection->chain)
        status = measure_chain(report, selection->steps, options, diag);
    /* Last: these allocate much, and a child started later would be charged for it. */
    if (status == STATUS_OK && selection->kernels) {
        status = kernels_measure(&report->kernels, options, diag);
        report->has_kernels = status == STATUS_OK;
    }
    return status;
}

static enum status run(struct bench_options *options, const struct selection *selection,
                       struct diag *diag)
{
    static struct report report;
    static struct places places;
    enum status status = find_places(&places, options, diag);
    if (status == STATUS_OK)
        status = make_work(&places, options, diag);
    if (status != STATUS_OK)
        return status;
    status = measure(&report, options, selection, diag);
    if (status == STATUS_OK && selection->json)
        status = report_print_json(stdout, &report, options, diag);
    else if (status == STATUS_OK)
        report_print(stdout, &report, options);
    report_release(&report);
    struct diag ignored;
    if (file_remove_tree(places.work, &ignored) != STATUS_OK)
        bench_say(options, "%s is left behind", places.work);
    return status;
}

int main(int count, char **argument)
{
    struct diag diag = {0};
    struct bench_options options = {.runs = 10, .kernel_lg = 16};
    struct selection selection = {.steps = 4000};
    for (int i = 1; i < count; i++) {
        if (strcmp(argument[i], "--help") == 0)
            return fputs(usage, stdout) < 0 ? 3 : 0;
        if (strcmp(argument[i], "--version") == 0)
            return puts("sertn-bench " SERTN_VERSION) < 0 ? 3 : 0;
    }
    enum status status = parse(&options, &selection, count, argument, &diag);
    if (status == STATUS_OK && selection.chain_step)
        status = chain_step(selection.chain_step, selection.chain_folder, selection.steps,
                            options.threads, &diag);
    else if (status == STATUS_OK)
        status = run(&options, &selection, &diag);
    if (status == STATUS_OK)
        return 0;
    fprintf(stderr, "sertn-bench: %s\n", diag.text);
    return status_exit_code(status);
}
