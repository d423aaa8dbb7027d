/* sertn-run check, eval. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/check/check.h"
#include "backend/plan.h"
#include "runtime/reference.h"
#include "runtime/tools/run_common.h"

/* Opens the model and reads --input. */
static enum status open_sets(struct session *session, struct value_sets *sets, struct cli *cli,
                             const struct run_options *options, struct arena *arena,
                             struct diag *diag)
{
    enum status status = run_check_input(options, diag);
    if (status == STATUS_OK)
        status = session_open(session, options->folder, MODEL_WHOLE, cli->threads, diag);
    if (status == STATUS_OK)
        status = run_read_inputs(sets, options, &session->model, arena, diag);
    if (status == STATUS_OK)
        run_choose_evaluator(cli, options, session, sets->count);
    return status;
}

static enum status check_set(struct cli *cli, void *context, const struct tensor *const *inputs,
                             cJSON *object, struct diag *diag)
{
    struct session *session = context;
    struct check_report report = {0};
    enum status status = session_run(session, inputs, diag);
    if (status == STATUS_OK)
        status = session_fill(session, diag);
    if (status != STATUS_OK)
        return status;
    struct plonk_witness witness = {{session->column[0], session->column[1], session->column[2]},
                                    {session->column[3], session->column[4]}};
    status = check_witness(&report, &session->model.circuit, &session->model.program, &witness,
                           session->words, session->model.circuit.public_word_count, diag);
    cJSON_AddBoolToObject(object, "verified", status == STATUS_OK);
    cJSON *failures = cJSON_AddArrayToObject(object, "failures");
    for (size_t i = 0; i < report.count && failures != NULL; i++) {
        cJSON_AddItemToArray(failures, cJSON_CreateString(report.failures[i].text));
        if (i < 20)
            cli_say(cli, "%s", report.failures[i].text);
    }
    if (!run_add_outputs(object, session) && status == STATUS_OK)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the outputs");
    if (status == STATUS_OK)
        run_print_outputs(cli, cJSON_GetObjectItemCaseSensitive(object, "outputs"));
    check_report_release(&report);
    return status;
}

enum status run_check(struct cli *cli, struct run_options *options, struct diag *diag)
{
    struct arena arena;
    struct value_sets sets = {0};
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    double start = machine_seconds();
    arena_init(&arena, 0);
    cli->result = cJSON_CreateObject();
    enum status status = open_sets(session, &sets, cli, options, &arena, diag);
    if (status == STATUS_OK)
        status = run_each_set(cli, &sets, check_set, session, diag);
    if (sets.count > 1)
        cJSON_AddBoolToObject(cli->result, "verified", status == STATUS_OK);
    if (status == STATUS_OK) {
        cJSON_AddNumberToObject(cli->result, "rows",
                                (double)((size_t)1 << session->model.circuit.lg_rows));
        cJSON_AddNumberToObject(cli->result, "columns", plan_columns(&session->model.circuit));
        cJSON_AddNumberToObject(cli->result, "check_seconds", machine_seconds() - start);
        run_add_memory(cli->result);
        cli_say(cli, "every constraint holds");
    }
    session_close(session);
    arena_release(&arena);
    free(session);
    return status;
}

/* ---- eval ---- */

/* The reference, and over all sets the largest error and how many agree in every label. */
struct evaluation {
    struct session session;
    struct reference reference;
    const char *model_path; /* --model or NULL */
    bool is_open;
    size_t exact;
    double worst;
};

static void print_comparison(const struct cli *cli, const cJSON *object)
{
    static const char *const kinds[] = {"quantized", "reference", "error"};
    for (size_t k = 0; k < 3 && !cli->json && !cli->quiet; k++) {
        const cJSON *item, *kind = cJSON_GetObjectItemCaseSensitive(object, kinds[k]);
        if (cJSON_IsString(kind))
            printf("%s: %s\n", kinds[k], kind->valuestring);
        cJSON_ArrayForEach(item, kind)
        {
            char *text = cJSON_PrintUnformatted(item);
            printf("%s of %s: %s\n", kinds[k], item->string, text == NULL ? "" : text);
            free(text);
        }
    }
}

/* The items of a sequence are in lists under its name. */
static void add_errors(struct evaluation *evaluation, const cJSON *errors, double *mismatches)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, errors)
    {
        if (cJSON_IsArray(item)) {
            add_errors(evaluation, item, mismatches);
            continue;
        }
        double absolute = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(item, "absolute"));
        evaluation->worst = absolute > evaluation->worst ? absolute : evaluation->worst;
        *mismatches += cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(item, "mismatches"));
    }
}

static enum status eval_set(struct cli *cli, void *context, const struct tensor *const *inputs,
                            cJSON *object, struct diag *diag)
{
    struct evaluation *evaluation = context;
    struct session *session = &evaluation->session;
    double mismatches = 0;
    enum status status = session_run(session, inputs, diag);
    if (status == STATUS_OK && !run_add_outputs(object, session))
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the outputs");
    if (status == STATUS_OK && !evaluation->is_open) {
        status =
            reference_open(&evaluation->reference, session, evaluation->model_path, inputs, diag);
        evaluation->is_open = status == STATUS_OK;
    }
    if (status == STATUS_OK)
        status = reference_compare(object, &evaluation->reference, session, inputs, diag);
    if (status != STATUS_OK)
        return status;
    add_errors(evaluation, cJSON_GetObjectItemCaseSensitive(object, "error"), &mismatches);
    evaluation->exact += mismatches == 0;
    run_print_outputs(cli, cJSON_GetObjectItemCaseSensitive(object, "outputs"));
    print_comparison(cli, object);
    return STATUS_OK;
}

enum status run_eval(struct cli *cli, struct run_options *options, struct diag *diag)
{
    struct arena arena;
    struct value_sets sets = {0};
    struct evaluation *evaluation = calloc(1, sizeof *evaluation);
    if (evaluation == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    evaluation->model_path = options->onnx;
    arena_init(&arena, 0);
    cli->result = cJSON_CreateObject();
    enum status status = open_sets(&evaluation->session, &sets, cli, options, &arena, diag);
    if (status == STATUS_OK)
        status = run_each_set(cli, &sets, eval_set, evaluation, diag);
    if (status == STATUS_OK && evaluation->reference.graph != NULL) {
        cJSON_AddNumberToObject(cli->result, "largest_error", evaluation->worst);
        cJSON_AddNumberToObject(cli->result, "sets_exact", (double)evaluation->exact);
        cJSON_AddNumberToObject(cli->result, "sets_count", (double)sets.count);
        cli_say(cli, "largest error against float64 %.3g; %zu of %zu sets agree in every label",
                evaluation->worst, evaluation->exact, sets.count);
    }
    if (status == STATUS_OK)
        run_add_memory(cli->result);
    if (evaluation->is_open)
        reference_close(&evaluation->reference);
    session_close(&evaluation->session);
    arena_release(&arena);
    free(evaluation);
    return status;
}
