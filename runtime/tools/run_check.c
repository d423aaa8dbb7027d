/* sertn-run check, eval. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/check/check.h"
#include "backend/plan.h"
#include "runtime/reference.h"
#include "runtime/tools/run_common.h"

static enum status check_set(struct cli *cli, struct session *session,
                             const struct tensor *const *inputs, cJSON *object, struct diag *diag)
{
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
    check_report_release(&report);
    return status;
}

typedef enum status set_command(struct cli *cli, struct session *session,
                                const struct tensor *const *inputs, cJSON *object,
                                struct diag *diag);

/* Runs a command on every set of --input; one set reports at the top of the result, several in
 * "sets". */
static enum status for_each_set(struct cli *cli, const struct run_options *options,
                                set_command *command, struct session *session, struct diag *diag)
{
    struct arena arena;
    struct value_sets sets = {0};
    arena_init(&arena, 0);
    enum status status = session_open(session, options->folder, cli->threads, diag);
    if (status == STATUS_OK)
        status = run_read_inputs(&sets, options, &session->model, &arena, diag);
    cJSON *list = sets.count > 1 ? cJSON_AddArrayToObject(cli->result, "sets") : NULL;
    enum status first = status;
    for (size_t i = 0; i < sets.count && (first == STATUS_OK || first == STATUS_REJECTED); i++) {
        cJSON *object = sets.count > 1 ? cJSON_CreateObject() : cli->result;
        if (sets.count > 1)
            cJSON_AddItemToArray(list, object);
        struct diag failure = {0};
        status = command(cli, session, run_inputs(&sets, i), object, &failure);
        if (status != STATUS_OK && first == STATUS_OK) {
            first = sets.count > 1 ? diag_prefix(&failure, status, "%s", sets.set[i].name) : status;
            *diag = failure;
        }
        if (status == STATUS_OK)
            run_print_outputs(cli, cJSON_GetObjectItem(object, "outputs"));
    }
    arena_release(&arena);
    return first;
}

enum status run_check(struct cli *cli, struct run_options *options, struct diag *diag)
{
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    double start = machine_seconds();
    cli->result = cJSON_CreateObject();
    enum status status = for_each_set(cli, options, check_set, session, diag);
    if (status == STATUS_OK) {
        cJSON_AddNumberToObject(cli->result, "rows",
                                (double)((size_t)1 << session->model.circuit.lg_rows));
        cJSON_AddNumberToObject(cli->result, "columns",
                                plan_columns(session->model.circuit.param_columns));
        cJSON_AddNumberToObject(cli->result, "check_seconds", machine_seconds() - start);
        cJSON_AddNumberToObject(cli->result, "peak_memory_bytes",
                                (double)machine_peak_memory_bytes());
        cli_say(cli, "every constraint holds");
    }
    session_close(session);
    free(session);
    return status;
}

/* Largest error of each output over all sets, and how many sets agree in every integer output. */
struct accuracy {
    struct reference reference;
    bool is_open;
    size_t sets, exact;
    double worst;
};

static enum status eval_one(struct accuracy *accuracy, struct session *session,
                            const struct tensor *const *inputs, cJSON *object, struct diag *diag)
{
    enum status status = session_run(session, inputs, diag);
    if (status == STATUS_OK && !run_add_outputs(object, session))
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the outputs");
    if (status == STATUS_OK && !accuracy->is_open) {
        status = reference_open(&accuracy->reference, session, inputs, diag);
        accuracy->is_open = status == STATUS_OK;
    }
    if (status == STATUS_OK)
        status = reference_compare(object, &accuracy->reference, session, inputs, diag);
    if (status != STATUS_OK)
        return status;
    const cJSON *output;
    double mismatches = 0;
    cJSON_ArrayForEach(output, cJSON_GetObjectItemCaseSensitive(object, "error"))
    {
        double absolute =
            cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(output, "absolute"));
        accuracy->worst = absolute > accuracy->worst ? absolute : accuracy->worst;
        mismatches += cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(output, "mismatches"));
    }
    accuracy->sets++;
    accuracy->exact += mismatches == 0;
    return STATUS_OK;
}

enum status run_eval(struct cli *cli, struct run_options *options, struct diag *diag)
{
    struct arena arena;
    struct value_sets sets = {0};
    struct accuracy accuracy = {0};
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    arena_init(&arena, 0);
    cli->result = cJSON_CreateObject();
    enum status status = session_open(session, options->folder, cli->threads, diag);
    if (status == STATUS_OK)
        status = run_read_inputs(&sets, options, &session->model, &arena, diag);
    cJSON *list = sets.count > 1 ? cJSON_AddArrayToObject(cli->result, "sets") : NULL;
    for (size_t i = 0; i < sets.count && status == STATUS_OK; i++) {
        cJSON *object = list == NULL ? cli->result : cJSON_CreateObject();
        if (list != NULL)
            cJSON_AddItemToArray(list, object);
        status = eval_one(&accuracy, session, run_inputs(&sets, i), object, diag);
        run_print_outputs(cli, cJSON_GetObjectItem(object, "outputs"));
    }
    if (status == STATUS_OK && accuracy.reference.graph != NULL) {
        cJSON_AddNumberToObject(cli->result, "largest_error", accuracy.worst);
        cJSON_AddNumberToObject(cli->result, "sets_exact", (double)accuracy.exact);
        cJSON_AddNumberToObject(cli->result, "sets_count", (double)accuracy.sets);
        cli_say(cli, "largest error against float64 %.3g; %zu of %zu sets agree in every label",
                accuracy.worst, accuracy.exact, accuracy.sets);
    }
    if (accuracy.is_open)
        reference_close(&accuracy.reference);
    session_close(session);
    arena_release(&arena);
    free(session);
    return status;
}
