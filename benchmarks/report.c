/* Tables and JSON. */
#include "benchmarks/report.h"

#include <cjson/cJSON.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/field/field_vec.h"
#include "ir/support/machine.h"

/* What is asked of every workload. */
static const double proof_bytes_max = 1200, verify_seconds_max = 0.005;
static const double keys_seconds_max = 0.05, folder_bytes_max = 256e3, peer_share = 0.1;
static const double gas_tolerance = 0.02, estimate_tolerance = 0.25;

void report_release(struct report *report)
{
    for (size_t i = 0; i < report->model_count; i++)
        peer_figures_release(&report->ezkl[i]);
    peer_figures_release(&report->bb);
}

/* ---- Targets -------------------------------------------------------------------------------- */

/* One figure against what it must reach. */
struct target {
    const char *name;
    double value, most;
    bool met;
};

enum { TARGETS_MAX = 12 };

struct target_list {
    struct target item[TARGETS_MAX];
    size_t count;
};

/* Adds a target, unless one side was not measured. */
static void add_target(struct target_list *list, const char *name, double value, double most)
{
    if (isnan(value) || isnan(most))
        return;
    ASSERT(list->count < TARGETS_MAX);
    list->item[list->count++] = (struct target){name, value, most, value <= most};
}

/* |predicted / measured - 1|. */
static double miss(double predicted, double measured)
{
    return fabs(predicted / measured - 1);
}

static struct target_list model_targets(const struct model_figures *ours,
                                        const struct peer_figures *ezkl)
{
    struct target_list list = {.count = 0};
    const struct workload *workload = ours->workload;
    bool peer = ezkl->measured;
    double prove_seconds = ours->prove.seconds.median, peak = ours->prove.peak_bytes.median;
    add_target(&list, "prove_seconds", prove_seconds,
               peer ? ezkl->prove_seconds / workload->time_divisor : NAN);
    add_target(&list, "peak_memory_bytes", peak, 1e6 * workload->memory_mb_max);
    add_target(&list, "proof_bytes", ours->proof_bytes, proof_bytes_max);
    add_target(&list, "gas", ours->gas, workload->gas_max);
    add_target(&list, "verify_seconds_beyond_start",
               ours->verify.seconds.median - ours->start_seconds.median, verify_seconds_max);
    add_target(&list, "keys_seconds", ours->keys.seconds.median,
               fmax(keys_seconds_max, peer ? peer_share * ezkl->setup_seconds : 0));
    add_target(&list, "folder_bytes", (double)(ours->public_bytes + ours->private_bytes),
               fmax(folder_bytes_max, peer ? peer_share * ezkl->key_bytes : 0));
    add_target(&list, "rows_misprediction", miss(ours->predicted.rows, ours->rows), 0);
    add_target(&list, "proof_bytes_misprediction",
               miss(ours->predicted.proof_bytes, ours->proof_bytes), 0);
    add_target(&list, "gas_misprediction", miss(ours->predicted.gas, ours->gas), gas_tolerance);
    add_target(&list, "seconds_misprediction", miss(ours->predicted.prove_seconds, prove_seconds),
               estimate_tolerance);
    add_target(&list, "memory_misprediction", miss(ours->predicted.peak_memory_bytes, peak),
               estimate_tolerance);
    return list;
}

static struct target_list chain_targets(const struct chain_figures *ours,
                                        const struct peer_figures *bb)
{
    struct target_list list = {.count = 0};
    if (!bb->measured)
        return list;
    add_target(&list, "prove_seconds", ours->prove.seconds.median, bb->prove_seconds);
    add_target(&list, "peak_memory_bytes", ours->prove.peak_bytes.median,
               bb->prove_bytes_of_memory);
    return list;
}

static bool all_met(const struct target_list *list)
{
    bool met = true;
    for (size_t i = 0; i < list->count; i++)
        met = met && list->item[i].met;
    return met;
}

bool report_targets_met(const struct report *report)
{
    bool met = true;
    for (size_t i = 0; i < report->model_count; i++) {
        struct target_list list = model_targets(&report->model[i], &report->ezkl[i]);
        met = met && all_met(&list) && report->model[i].verified && report->model[i].outputs_right;
    }
    if (report->has_chain) {
        struct target_list list = chain_targets(&report->chain, &report->bb);
        met = met && all_met(&list);
    }
    for (size_t i = 0; report->has_kernels && i < report->kernels.count; i++) {
        const struct kernel_figure *figure = &report->kernels.figure[i];
        met = met && (figure->target_ns == 0 || figure->ns.median <= figure->target_ns);
    }
    return met;
}

/* ---- Text ----------------------------------------------------------------------------------- */

static unsigned threads_used(const struct bench_options *options)
{
    return options->threads ? options->threads : machine_cpu_count();
}

/* A number in its column, or a dash when it was not measured. */
static void cell(FILE *out, int width, int digits, double value)
{
    if (isnan(value))
        fprintf(out, " %*s", width, "-");
    else
        fprintf(out, " %*.*f", width, digits, value);
}

static void print_models(FILE *out, const struct report *report)
{
    fprintf(out, "\n%-30s %6s %9s %8s %7s %9s %8s %9s %9s %8s %s\n", "workload", "rows", "prove ms",
            "peak MB", "proof B", "verify ms", "keys ms", "folder kB", "compile s", "gas",
            "outputs");
    for (size_t i = 0; i < report->model_count; i++) {
        const struct model_figures *ours = &report->model[i];
        fprintf(out, "%-30s", ours->workload->title);
        cell(out, 6, 0, ours->rows);
        cell(out, 9, 1, 1e3 * ours->prove.seconds.median);
        cell(out, 8, 1, 1e-6 * ours->prove.peak_bytes.median);
        cell(out, 7, 0, ours->proof_bytes);
        cell(out, 9, 1, 1e3 * ours->verify.seconds.median);
        cell(out, 8, 1, 1e3 * ours->keys.seconds.median);
        cell(out, 9, 1, 1e-3 * (double)(ours->public_bytes + ours->private_bytes));
        cell(out, 9, 3, ours->compile.seconds.median);
        cell(out, 8, 0, ours->gas);
        fprintf(out, " %s\n",
                !ours->verified       ? "REJECTED"
                : ours->outputs_right ? "right"
                                      : "WRONG");
    }
}

static void print_peers(FILE *out, const struct report *report)
{
    bool any = false;
    for (size_t i = 0; i < report->model_count; i++)
        any = any || report->ezkl[i].measured;
    if (!any)
        return;
    fprintf(out, "\n%-30s %7s %9s %8s %7s %9s %8s %9s %8s %8s\n", "EZKL", "log rows", "prove ms",
            "peak MB", "proof B", "verify ms", "setup ms", "keys kB", "ours 1/", "asked 1/");
    for (size_t i = 0; i < report->model_count; i++) {
        const struct peer_figures *ezkl = &report->ezkl[i];
        const struct model_figures *ours = &report->model[i];
        if (!ezkl->measured)
            continue;
        fprintf(out, "%-30s", ours->workload->title);
        cell(out, 8, 0, ezkl->lg_rows);
        cell(out, 9, 1, 1e3 * ezkl->prove_seconds);
        cell(out, 8, 1, 1e-6 * ezkl->prove_bytes_of_memory);
        cell(out, 7, 0, ezkl->proof_bytes);
        cell(out, 9, 1, 1e3 * ezkl->verify_seconds);
        cell(out, 8, 1, 1e3 * ezkl->setup_seconds);
        cell(out, 9, 1, 1e-3 * ezkl->key_bytes);
        cell(out, 8, 1, ezkl->prove_seconds / ours->prove.seconds.median);
        cell(out, 8, 0, ours->workload->time_divisor);
        fputc('\n', out);
    }
}

static void print_chain(FILE *out, const struct report *report)
{
    const struct chain_figures *ours = &report->chain;
    const struct peer_figures *bb = &report->bb;
    fprintf(out, "\nchain y = y*y + 3, %-4u steps    %9s %9s %8s %7s %9s\n", ours->steps, "rows",
            "prove ms", "peak MB", "proof B", "verify ms");
    fprintf(out, "%-32s %9u", "  Sertn, fast mode", 1u << ours->lg_rows);
    cell(out, 9, 1, 1e3 * ours->prove.seconds.median);
    cell(out, 8, 1, 1e-6 * ours->prove.peak_bytes.median);
    cell(out, 7, 0, (double)ours->proof_bytes);
    cell(out, 9, 1, 1e3 * ours->verify.seconds.median);
    fputc('\n', out);
    if (!bb->measured)
        return;
    fprintf(out, "%-32s", "  bb");
    cell(out, 9, 0, bb->gates);
    cell(out, 9, 1, 1e3 * bb->prove_seconds);
    cell(out, 8, 1, 1e-6 * bb->prove_bytes_of_memory);
    cell(out, 7, 0, bb->proof_bytes);
    cell(out, 9, 1, NAN);
    fputc('\n', out);
}

static void print_kernels(FILE *out, const struct kernel_figures *kernels)
{
    fprintf(out, "\n%-24s %-9s %6s %12s %10s\n", "kernel, one thread", "path", "size", "ns/element",
            "at most");
    for (size_t i = 0; i < kernels->count; i++) {
        const struct kernel_figure *figure = &kernels->figure[i];
        fprintf(out, "%-24s %-9s", figure->name, figure->path);
        if (figure->lg_elements)
            fprintf(out, "   2^%-2u", figure->lg_elements);
        else
            fprintf(out, " %6s", "one");
        cell(out, 12, 2, figure->ns.median);
        cell(out, 10, 1, figure->target_ns > 0 ? figure->target_ns : NAN);
        fputc('\n', out);
    }
}

static void print_misses(FILE *out, const char *who, const struct target_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (!list->item[i].met)
            fprintf(out, "missed: %s, %s is %.6g, at most %.6g\n", who, list->item[i].name,
                    list->item[i].value, list->item[i].most);
}

void report_print(FILE *out, const struct report *report, const struct bench_options *options)
{
    fprintf(out, "%s, %u threads, field products %s, medians of %u\n", machine_cpu()->name,
            threads_used(options), field_vec_path_name(field_vec_path()), options->runs);
    if (report->model_count > 0)
        print_models(out, report);
    print_peers(out, report);
    if (report->has_chain)
        print_chain(out, report);
    if (report->has_kernels)
        print_kernels(out, &report->kernels);
    fputc('\n', out);
    for (size_t i = 0; i < report->model_count; i++) {
        struct target_list list = model_targets(&report->model[i], &report->ezkl[i]);
        print_misses(out, report->model[i].workload->name, &list);
    }
    if (report->has_chain) {
        struct target_list list = chain_targets(&report->chain, &report->bb);
        print_misses(out, "chain", &list);
    }
}

/* ---- JSON ----------------------------------------------------------------------------------- */

/* A number, or nothing when it was not measured. */
static void add_number(cJSON *object, const char *name, double value)
{
    if (!isnan(value))
        cJSON_AddNumberToObject(object, name, value);
}

static void add_targets(cJSON *object, const struct target_list *list)
{
    cJSON *targets = cJSON_AddArrayToObject(object, "targets");
    for (size_t i = 0; i < list->count; i++) {
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "name", list->item[i].name);
        cJSON_AddNumberToObject(one, "value", list->item[i].value);
        cJSON_AddNumberToObject(one, "at_most", list->item[i].most);
        cJSON_AddBoolToObject(one, "met", list->item[i].met);
        cJSON_AddItemToArray(targets, one);
    }
}

static cJSON *model_json(const struct model_figures *ours, const struct peer_figures *ezkl)
{
    cJSON *made = cJSON_CreateObject();
    cJSON_AddStringToObject(made, "name", ours->workload->name);
    cJSON_AddBoolToObject(made, "verified", ours->verified);
    cJSON_AddBoolToObject(made, "outputs_right", ours->outputs_right);
    add_number(made, "output_error", ours->output_error);
    add_number(made, "rows", ours->rows);
    add_number(made, "columns", ours->columns);
    add_number(made, "proof_bytes", ours->proof_bytes);
    add_number(made, "gas", ours->gas);
    add_number(made, "public_bytes", (double)ours->public_bytes);
    add_number(made, "private_bytes", (double)ours->private_bytes);
    bench_add_cost(made, "compile", &ours->compile);
    bench_add_cost(made, "keys", &ours->keys);
    add_number(made, "first_keys_seconds", ours->first_keys_seconds);
    bench_add_cost(made, "prove", &ours->prove);
    bench_add_cost(made, "verify", &ours->verify);
    bench_add_stats(made, "start_seconds", &ours->start_seconds);
    cJSON *predicted = cJSON_AddObjectToObject(made, "predicted");
    add_number(predicted, "rows", ours->predicted.rows);
    add_number(predicted, "proof_bytes", ours->predicted.proof_bytes);
    add_number(predicted, "gas", ours->predicted.gas);
    add_number(predicted, "prove_seconds", ours->predicted.prove_seconds);
    add_number(predicted, "peak_memory_bytes", ours->predicted.peak_memory_bytes);
    struct target_list list = model_targets(ours, ezkl);
    add_targets(made, &list);
    if (ezkl->measured) {
        cJSON_AddItemToObject(made, "ezkl", cJSON_Duplicate(ezkl->json, true));
        bench_add_cost(made, "ezkl_prove", &ezkl->rival.cost);
    }
    return made;
}

static cJSON *chain_json(const struct report *report)
{
    const struct chain_figures *ours = &report->chain;
    cJSON *made = cJSON_CreateObject();
    add_number(made, "steps", ours->steps);
    add_number(made, "rows", (double)((uint64_t)1 << ours->lg_rows));
    add_number(made, "proof_bytes", (double)ours->proof_bytes);
    add_number(made, "setup_seconds", ours->setup_seconds);
    bench_add_cost(made, "prove", &ours->prove);
    bench_add_cost(made, "verify", &ours->verify);
    struct target_list list = chain_targets(ours, &report->bb);
    add_targets(made, &list);
    if (report->bb.measured) {
        cJSON_AddItemToObject(made, "bb", cJSON_Duplicate(report->bb.json, true));
        bench_add_cost(made, "bb_prove", &report->bb.rival.cost);
    }
    return made;
}

static cJSON *kernels_json(const struct kernel_figures *kernels)
{
    cJSON *made = cJSON_CreateArray();
    for (size_t i = 0; i < kernels->count; i++) {
        const struct kernel_figure *figure = &kernels->figure[i];
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "name", figure->name);
        cJSON_AddStringToObject(one, "path", figure->path);
        if (figure->lg_elements)
            cJSON_AddNumberToObject(one, "lg_elements", figure->lg_elements);
        bench_add_stats(one, "ns_per_element", &figure->ns);
        if (figure->target_ns > 0)
            cJSON_AddNumberToObject(one, "at_most", figure->target_ns);
        cJSON_AddItemToArray(made, one);
    }
    return made;
}

static void add_surroundings(cJSON *whole, const struct bench_options *options)
{
    char date[32] = "";
    time_t now = time(NULL);
    struct tm parts;
    double load = NAN;
    if (gmtime_r(&now, &parts))
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (getloadavg(&load, 1) != 1)
        load = NAN;
    cJSON_AddStringToObject(whole, "version", SERTN_VERSION);
    cJSON_AddStringToObject(whole, "date", date);
    cJSON_AddStringToObject(whole, "cpu", machine_cpu()->name);
    cJSON_AddNumberToObject(whole, "cpus", machine_cpu_count());
    cJSON_AddNumberToObject(whole, "threads", threads_used(options));
    cJSON_AddStringToObject(whole, "field_path", field_vec_path_name(field_vec_path()));
    cJSON_AddStringToObject(whole, "compiler", __VERSION__);
    add_number(whole, "load_average", load);
}

enum status report_print_json(FILE *out, const struct report *report,
                              const struct bench_options *options, struct diag *diag)
{
    cJSON *whole = cJSON_CreateObject();
    add_surroundings(whole, options);
    cJSON *workloads = cJSON_AddArrayToObject(whole, "workloads");
    for (size_t i = 0; i < report->model_count; i++)
        cJSON_AddItemToArray(workloads, model_json(&report->model[i], &report->ezkl[i]));
    if (report->has_chain)
        cJSON_AddItemToObject(whole, "chain", chain_json(report));
    if (report->has_kernels)
        cJSON_AddItemToObject(whole, "kernels", kernels_json(&report->kernels));
    cJSON_AddBoolToObject(whole, "targets_met", report_targets_met(report));
    char *text = cJSON_Print(whole);
    cJSON_Delete(whole);
    if (!text)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for the report");
    fprintf(out, "%s\n", text);
    cJSON_free(text);
    return STATUS_OK;
}
