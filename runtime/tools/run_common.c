/* See run_common.h. */
#include "runtime/tools/run_common.h"

#include <stdio.h>
#include <stdlib.h>

#include "runtime/json_fields.h"
#include "runtime/reference.h"

enum status run_check_input(const struct run_options *options, struct diag *diag)
{
    return options->input != NULL
               ? STATUS_OK
               : diag_set(diag, STATUS_BAD_INPUT, "give the inputs with --input FILE");
}

enum status run_read_inputs(struct value_sets *sets, const struct run_options *options,
                            const struct model *model, struct arena *arena, struct diag *diag)
{
    struct value_spec *specs;
    enum status status = values_specs(&specs, model, arena, diag);
    if (status == STATUS_OK)
        status = reference_fixed_inputs(sets, model, arena, diag);
    if (status != STATUS_OK)
        return status;
    return value_file_read(sets, options->input, specs, model->interface.input_count, arena, diag);
}

void run_choose_evaluator(struct cli *cli, const struct run_options *options,
                          struct session *session, size_t inputs)
{
    struct diag why = {0};
    const char *name = session_choose_evaluator(session, options->evaluator, inputs, &why);
    cJSON_AddStringToObject(cli->result, "evaluator", name);
    if (why.status != STATUS_OK)
        cli_say(cli, "%s", why.text);
}

void run_add_memory(cJSON *object)
{
    cJSON_AddNumberToObject(object, "peak_memory_bytes", (double)machine_peak_memory_bytes());
}

void run_add_hex(cJSON *object, const char *name, const uint8_t *bytes, size_t count)
{
    (void)json_add_hex(object, name, bytes, count);
}

bool run_add_types(cJSON *object, const struct model *model)
{
    const struct interface *interface = &model->interface;
    cJSON *types = cJSON_AddObjectToObject(object, "output_types"),
          *shapes = cJSON_AddObjectToObject(object, "output_shapes");
    if (types == NULL || shapes == NULL)
        return false;
    for (size_t i = 0; i < interface->output_count; i++) {
        const struct port *port = &interface->outputs[i];
        bool is_text = port->text_table != NULL && port->text_table->type == ELEMENT_STRING;
        cJSON *shape = cJSON_CreateArray(),
              *type = cJSON_CreateString(is_text ? "string" : element_type_name(port->type));
        if (!values_add_json(shapes, port, shape) || !values_add_json(types, port, type))
            return false;
        for (unsigned d = 0; d < port->shape.rank; d++)
            cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)port->shape.dim[d]));
    }
    return true;
}

bool run_add_outputs(cJSON *object, struct session *session)
{
    cJSON *outputs = values_json(&session->model, false, values_from_program, &session->values);
    return run_add_types(object, &session->model) && outputs != NULL &&
           cJSON_AddItemToObject(object, "outputs", outputs);
}

static void print_whole(const cJSON *item)
{
    char *text = cJSON_PrintUnformatted(item);
    printf("%s", text == NULL ? "" : text);
    free(text);
}

static size_t count_values(const cJSON *item)
{
    size_t count = 0;
    const cJSON *child;
    if (!cJSON_IsArray(item))
        return 1;
    cJSON_ArrayForEach(child, item) count += count_values(child);
    return count;
}

/* The first values of nested lists, at most *left of them. */
static void print_first(const cJSON *item, size_t *left)
{
    const cJSON *child;
    if (!cJSON_IsArray(item) && *left > 0) {
        print_whole(item);
        printf(", ");
        --*left;
    }
    for (child = cJSON_IsArray(item) ? item->child : NULL; child != NULL && *left > 0;
         child = child->next)
        print_first(child, left);
}

void run_print_outputs(const struct cli *cli, const cJSON *outputs)
{
    enum { MOST = 128, SHOWN = 16 };
    if (cli->json || cli->quiet)
        return;
    const cJSON *item;
    cJSON_ArrayForEach(item, outputs)
    {
        size_t count = count_values(item), shown = SHOWN;
        printf("%s: ", item->string);
        if (count <= MOST) {
            print_whole(item);
        } else {
            print_first(item, &shown);
            printf("and %zu more (--json prints all)", count - SHOWN);
        }
        printf("\n");
    }
}

enum status run_each_set(struct cli *cli, const struct value_sets *sets, run_set_fn *run,
                         void *context, struct diag *diag)
{
    bool many = sets->count > 1;
    cJSON *list = many ? cJSON_AddArrayToObject(cli->result, "sets") : NULL;
    enum status first = STATUS_OK, status = STATUS_OK;
    for (size_t i = 0; i < sets->count && (status == STATUS_OK || status == STATUS_REJECTED); i++) {
        cJSON *object = many ? cJSON_CreateObject() : cli->result;
        if (many && (cJSON_AddStringToObject(object, "input", sets->set[i].name) == NULL ||
                     !cJSON_AddItemToArray(list, object)))
            return diag_set(diag, STATUS_NO_MEMORY, "no memory for %zu sets", sets->count);
        struct diag failure = {0};
        status = run(cli, context, run_inputs(sets, i), object, &failure);
        if (status != STATUS_OK && first == STATUS_OK) {
            first = diag_prefix(&failure, status, "%s", sets->set[i].name);
            *diag = failure;
        }
    }
    return first;
}
