/* See run_common.h. */
#include "runtime/tools/run_common.h"

#include <stdio.h>
#include <stdlib.h>

enum status run_read_inputs(struct value_sets *sets, const struct run_options *options,
                            const struct model *model, struct arena *arena, struct diag *diag)
{
    struct value_spec *specs;
    if (options->input == NULL)
        return diag_set(diag, STATUS_BAD_INPUT, "give the inputs with --input FILE");
    enum status status = values_specs(&specs, model, arena, diag);
    if (status != STATUS_OK)
        return status;
    return value_file_read(sets, options->input, specs, model->interface.input_count, arena, diag);
}

void run_add_hex(cJSON *object, const char *name, const uint8_t *bytes, size_t count)
{
    char *text = proof_print_hex(bytes, count);
    if (text != NULL)
        cJSON_AddStringToObject(object, name, text);
    free(text);
}

bool run_add_outputs(cJSON *object, struct session *session)
{
    const struct interface *interface = &session->model.interface;
    cJSON *outputs = values_json(&session->model, false, values_from_program, &session->values);
    cJSON *types = cJSON_AddObjectToObject(object, "output_types"),
          *shapes = cJSON_AddObjectToObject(object, "output_shapes");
    if (outputs == NULL || types == NULL || shapes == NULL ||
        !cJSON_AddItemToObject(object, "outputs", outputs))
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

void run_print_outputs(const struct cli *cli, const cJSON *outputs)
{
    if (cli->json || cli->quiet)
        return;
    const cJSON *item;
    cJSON_ArrayForEach(item, outputs)
    {
        char *text = cJSON_PrintUnformatted(item);
        printf("%s: %s\n", item->string, text == NULL ? "" : text);
        free(text);
    }
}
