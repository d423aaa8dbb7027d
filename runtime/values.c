/* See values.h. */
#include "runtime/values.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/field/system_random.h"
#include "backend/witness/digest.h"

/* ---- inputs ---- */

/* Words that the tables lack are told apart where the circuit has room for them. */
static enum status share_words(struct value_spec *specs, const struct model *model,
                               struct arena *arena, struct diag *diag)
{
    struct value_words *words = NULL;
    for (size_t i = 0; i < model->interface.input_count; i++) {
        const struct port *port = &model->interface.inputs[i];
        int64_t low;
        if (port->text_table == NULL ||
            !wide_to_i64(&low, model->program.tensors[port->tensor].low) || low >= -1)
            continue;
        /* As many as there are elements of strings at most, so that memory follows the model. */
        size_t most = 0;
        for (size_t k = 0; words == NULL && k < model->interface.input_count; k++)
            if (model->interface.inputs[k].text_table != NULL)
                most += model->program.tensors[model->interface.inputs[k].tensor].count;
        if (words == NULL) {
            words = arena_new(arena, struct value_words);
            const char **word = arena_array(arena, const char *, most + 1);
            if (words == NULL || word == NULL)
                return diag_set(diag, STATUS_NO_MEMORY, "no memory for inputs");
            *words = (struct value_words){.word = word, .most = most};
        }
        specs[i].words = words;
    }
    return STATUS_OK;
}

enum status values_specs(struct value_spec **out, const struct model *model, struct arena *arena,
                         struct diag *diag)
{
    const struct interface *interface = &model->interface;
    struct value_spec *specs = arena_array(arena, struct value_spec, interface->input_count + 1);
    if (specs == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for inputs");
    for (size_t i = 0; i < interface->input_count; i++) {
        const struct port *port = &interface->inputs[i];
        specs[i] = (struct value_spec){.name = port->name,
                                       .type = port->type,
                                       .shape_known = true,
                                       .shape = port->shape,
                                       .text_table = port->text_table,
                                       .map_keys = port->map_keys,
                                       .sequence = port->sequence};
    }
    *out = specs;
    return share_words(specs, model, arena, diag);
}

static enum status bad_element(const struct port *port, const struct relation_tensor *tensor,
                               size_t i, double real, struct diag *diag)
{
    double low, high;
    int64_t unused;
    port_decode(&low, &unused, tensor, ELEMENT_F64, tensor->low);
    port_decode(&high, &unused, tensor, ELEMENT_F64, tensor->high);
    if (isnan(real) || isinf(real))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "input '%s': element %zu is %s, which this model gives no meaning",
                        port->name, i, isnan(real) ? "NaN" : "infinite");
    return diag_set(diag, STATUS_BAD_INPUT,
                    "input '%s': element %zu is %.9g, outside the range %.9g..%.9g that the "
                    "circuit was compiled for; compile again "
                    "with --range %s=LO:HI or with --data that covers it",
                    port->name, i, real, low, high, port->name);
}

static enum status set_input(struct relation_values *values, const struct model *model,
                             const struct port *port, const struct tensor *given, struct diag *diag)
{
    const struct relation_tensor *tensor = &model->program.tensors[port->tensor];
    if (given->count != tensor->count || given->type == ELEMENT_STRING)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "input '%s' has %zu elements and the model takes %zu", port->name,
                        given->count, tensor->count);
    bool is_float = element_type_is_float(given->type);
    for (size_t i = 0; i < given->count; i++) {
        double real = is_float ? given->data.real[i] : (double)given->data.integer[i];
        int64_t integer = is_float ? 0 : given->data.integer[i];
        wide value;
        if (!port_encode(&value, tensor, given->type, real, integer) ||
            !relation_value_set(values, &model->program, port->tensor, i, value))
            return bad_element(port, tensor, i, real, diag);
    }
    return STATUS_OK;
}

/* A salt is uniform below the largest power of two that its tensor's range holds. */
static enum status draw_salt(struct relation_values *values, const struct model *model,
                             const struct port *port, struct diag *diag)
{
    uint8_t bytes[32];
    if (port->visibility != PORT_HASHED)
        return STATUS_OK;
    if (!system_random_fill(bytes, sizeof bytes))
        return diag_set(diag, STATUS_IO, "the operating system gives no random numbers");
    unsigned bits = wide_bit_length(model->program.tensors[port->salt].high);
    bytes[0] &= 0x7f;
    wide salt = wide_shift_right(wide_from_bytes_be(bytes), bits >= 255 ? 0 : 255 - bits), half;
    while (!relation_value_set(values, &model->program, port->salt, 0, salt)) {
        half = wide_shift_right(salt, 1);
        salt = half;
    }
    memset(bytes, 0, sizeof bytes);
    return STATUS_OK;
}

enum status values_set_inputs(struct relation_values *values, const struct model *model,
                              const struct tensor *const *inputs, struct diag *diag)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < model->interface.input_count && status == STATUS_OK; i++) {
        status = set_input(values, model, &model->interface.inputs[i], inputs[i], diag);
        if (status == STATUS_OK)
            status = draw_salt(values, model, &model->interface.inputs[i], diag);
    }
    for (size_t i = 0; i < model->interface.output_count && status == STATUS_OK; i++)
        status = draw_salt(values, model, &model->interface.outputs[i], diag);
    return status;
}

enum status values_set_salts(struct relation_values *values, const struct model *model,
                             const uint8_t (*salts)[32], struct diag *diag)
{
    size_t next = 0;
    for (size_t i = 0; i < model->interface.input_count; i++) {
        const struct port *port = &model->interface.inputs[i];
        if (port->visibility == PORT_HASHED &&
            !relation_value_set(values, &model->program, port->salt, 0,
                                wide_from_bytes_be(salts[next++])))
            return diag_set(diag, STATUS_BAD_INPUT, "the salt of input '%s' is out of its range",
                            port->name);
    }
    return STATUS_OK;
}

/* ---- JSON ---- */

wide values_from_program(void *values, uint32_t tensor, size_t element)
{
    return relation_value(values, tensor, element);
}

/* A number that reads back exactly; cJSON itself prints some with their last bit lost. */
static cJSON *exact_json(const char *text, double value)
{
    cJSON *number = cJSON_CreateRaw(text);
    if (number != NULL)
        number->valuedouble = value;
    return number;
}

/* The fewest digits that read back as the same double, with a point whatever the locale has. */
static cJSON *real_json(double real)
{
    char text[40];
    int digits = 15;
    do
        snprintf(text, sizeof text, "%.*g", digits, real);
    while (strtod(text, NULL) != real && digits++ < 17);
    text[strspn(text, "+-0123456789e")] =
        (char)(text[strspn(text, "+-0123456789e")] == '\0' ? '\0' : '.');
    return exact_json(text, real);
}

/* One element as the port's type shows it. */
static cJSON *element_json(const struct port *port, double real, int64_t integer)
{
    char text[32];
    if (port->text_table != NULL && integer >= 0 && (size_t)integer < port->text_table->count &&
        port->text_table->type == ELEMENT_STRING)
        return cJSON_CreateString(port->text_table->data.text[integer]);
    if (!element_type_is_float(port->type)) {
        if (port->type == ELEMENT_BOOL)
            return cJSON_CreateBool(integer != 0);
        if (port->type == ELEMENT_U64 && integer < 0)
            snprintf(text, sizeof text, "%" PRIu64, (uint64_t)integer);
        else if (integer > (INT64_C(1) << 53) || integer < -(INT64_C(1) << 53))
            snprintf(text, sizeof text, "%" PRId64, integer);
        else {
            snprintf(text, sizeof text, "%" PRId64, integer);
            return exact_json(text, (double)integer);
        }
        return cJSON_CreateString(text);
    }
    if (isnan(real))
        return cJSON_CreateString("NaN");
    if (isinf(real))
        return cJSON_CreateString(real > 0 ? "Infinity" : "-Infinity");
    return real_json(real);
}

static cJSON *nested_json(const struct port *port, unsigned axis, size_t *next,
                          values_item_fn *item, void *context)
{
    if (axis == port->shape.rank)
        return item(context, port, (*next)++);
    cJSON *list = cJSON_CreateArray();
    for (int64_t i = 0; list != NULL && i < port->shape.dim[axis]; i++) {
        cJSON *entry = nested_json(port, axis + 1, next, item, context);
        if (entry == NULL || !cJSON_AddItemToArray(list, entry)) {
            cJSON_Delete(entry);
            cJSON_Delete(list);
            return NULL;
        }
    }
    return list;
}

cJSON *values_nested_json(const struct port *port, values_item_fn *item, void *context)
{
    size_t next = 0;
    return nested_json(port, 0, &next, item, context);
}

cJSON *values_tensor_item(void *tensor, const struct port *port, size_t i)
{
    const struct tensor *from = tensor;
    bool is_float = element_type_is_float(from->type);
    return element_json(port, is_float ? from->data.real[i] : (double)from->data.integer[i],
                        is_float ? 0 : from->data.integer[i]);
}

struct integers {
    const struct relation_tensor *tensor;
    values_element_fn *element;
    void *context;
};

static cJSON *decoded_item(void *context, const struct port *port, size_t i)
{
    const struct integers *from = context;
    double real;
    int64_t integer;
    port_decode(&real, &integer, from->tensor, port->type,
                from->element(from->context, port->tensor, i));
    return element_json(port, real, integer);
}

cJSON *values_port_json(const struct model *model, const struct port *port,
                        values_element_fn *element, void *context)
{
    struct integers from = {&model->program.tensors[port->tensor], element, context};
    return values_nested_json(port, decoded_item, &from);
}

static cJSON *digest_json(const struct port *port, values_element_fn *element, void *context)
{
    uint8_t bytes[32];
    char text[67] = "0x";
    wide_to_bytes_be(bytes, element(context, port->digest, 0));
    for (unsigned i = 0; i < 32; i++)
        snprintf(text + 2 + 2 * i, 3, "%02x", bytes[i]);
    return cJSON_CreateString(text);
}

bool values_add_json(cJSON *object, const struct port *port, cJSON *value)
{
    if (port->sequence == NULL)
        return cJSON_AddItemToObject(object, port->name, value);
    cJSON *list = cJSON_GetObjectItemCaseSensitive(object, port->sequence);
    if (list == NULL)
        list = cJSON_AddArrayToObject(object, port->sequence);
    const char *at = strchr(port->name + strlen(port->sequence), ']');
    for (; at != NULL && at[1] == '['; at = strchr(at + 1, ']')) {
        /* A list of an outer level: the last one, or, for the next position, a new one. */
        const char *open = at;
        while (*open != '[')
            open--;
        long position = strtol(open + 1, NULL, 10);
        if (position >= cJSON_GetArraySize(list) &&
            !cJSON_AddItemToArray(list, cJSON_CreateArray()))
            return false;
        list = cJSON_GetArrayItem(list, cJSON_GetArraySize(list) - 1);
    }
    return cJSON_IsArray(list) && cJSON_AddItemToArray(list, value);
}

static bool add_port(cJSON *object, const struct model *model, const struct port *port,
                     bool only_public, values_element_fn *element, void *context)
{
    bool hashed = only_public && port->visibility == PORT_HASHED;
    cJSON *value = hashed ? digest_json(port, element, context)
                          : values_port_json(model, port, element, context);
    if (value != NULL && values_add_json(object, port, value))
        return true;
    cJSON_Delete(value);
    return false;
}

cJSON *values_json(const struct model *model, bool only_public, values_element_fn *element,
                   void *context)
{
    cJSON *object = cJSON_CreateObject();
    bool done = object != NULL;
    const struct interface *interface = &model->interface;
    for (size_t i = 0; done && only_public && i < interface->input_count; i++) {
        if (interface->inputs[i].visibility != PORT_PRIVATE)
            done = add_port(object, model, &interface->inputs[i], true, element, context);
    }
    for (size_t i = 0; done && i < interface->output_count; i++) {
        if (!only_public || interface->outputs[i].visibility != PORT_PRIVATE)
            done = add_port(object, model, &interface->outputs[i], only_public, element, context);
    }
    if (done)
        return object;
    cJSON_Delete(object);
    return NULL;
}

char *values_print(const cJSON *json, bool indented)
{
    return indented ? cJSON_Print(json) : cJSON_PrintUnformatted(json);
}

/* ---- public words ---- */

static enum status take_part(struct public_values *values, const struct public_part *part,
                             wide *rest, struct diag *diag)
{
    const struct circuit *circuit = &values->model->circuit;
    const struct relation_tensor *tensor = &values->model->program.tensors[part->tensor];
    wide value, quotient;
    if (part->tensor >= values->model->program.tensor_count || part->element >= tensor->count)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%s': a public word names a value that does not exist",
                        values->model->folder);
    if (values->elements[part->tensor] == NULL)
        values->elements[part->tensor] = calloc(tensor->count, sizeof(wide));
    if (values->elements[part->tensor] == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for %zu public values", tensor->count);
    if (part->bits >= 254) {
        value = *rest;
        *rest = wide_from_i64(0);
    } else {
        wide_divide_floor(&quotient, &value, *rest, wide_power_of_two(part->bits));
        *rest = quotient;
        ASSERT(wide_add(&value, value, circuit->constants[part->low]));
    }
    values->elements[part->tensor][part->element] = value;
    return STATUS_OK;
}

enum status public_values_init(struct public_values *values, const struct model *model,
                               const fr *words, struct diag *diag)
{
    const struct circuit *circuit = &model->circuit;
    *values = (struct public_values){
        .model = model, .elements = calloc(model->program.tensor_count + 1, sizeof(wide *))};
    if (values->elements == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for public values");
    wide rest = wide_from_i64(0);
    for (size_t i = 0; i < circuit->public_part_count; i++) {
        const struct public_part *part = &circuit->public_parts[i];
        if (i == 0 || part->word != circuit->public_parts[i - 1].word)
            rest = digest_wide_from_fr(&words[part->word]);
        enum status status = take_part(values, part, &rest, diag);
        if (status != STATUS_OK)
            return status;
        bool last =
            i + 1 == circuit->public_part_count || circuit->public_parts[i + 1].word != part->word;
        if (last && !wide_is_zero(rest))
            return diag_set(diag, STATUS_REJECTED, "public word %u is larger than what it holds",
                            part->word);
    }
    return STATUS_OK;
}

void public_values_release(struct public_values *values)
{
    for (size_t i = 0; values->elements != NULL && i < values->model->program.tensor_count; i++)
        free(values->elements[i]);
    free(values->elements);
    *values = (struct public_values){0};
}

/* Only ports that are public ask, and the placement gave each of their elements a part; aliases
 * share the tensor of their port. */
wide values_from_words(void *public_values, uint32_t tensor, size_t element)
{
    struct public_values *values = public_values;
    return values->elements[tensor] == NULL ? wide_from_i64(0) : values->elements[tensor][element];
}
