/* See metadata.h. */
#include "runtime/metadata.h"

#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "runtime/json_fields.h"
#include "runtime/proof.h"

/* Keys of a map: the value is a row with one column a key. */
static bool add_keys(cJSON *port, const struct tensor *keys)
{
    cJSON *list = keys == NULL ? NULL : cJSON_AddArrayToObject(port, "keys");
    for (size_t i = 0; list != NULL && i < keys->count; i++) {
        cJSON *key = keys->type == ELEMENT_STRING
                         ? cJSON_CreateString(keys->data.text[i])
                         : cJSON_CreateNumber((double)keys->data.integer[i]);
        if (!cJSON_AddItemToArray(list, key))
            return false;
    }
    return keys == NULL || list != NULL;
}

/* A port as the registry's schema has it: name, element type, keys of a map, shape; the schema hash
 * is keccak256 over the compact JSON of the list. */
static cJSON *schema_json(const struct port *ports, size_t count)
{
    static const char *const visibility[] = {"private", "public", "hashed"};
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count && list != NULL; i++) {
        cJSON *port = cJSON_CreateObject();
        cJSON_AddItemToArray(list, port);
        cJSON *shape = NULL;
        if (port != NULL && json_add_text(port, "name", ports[i].name) &&
            json_add_text(port, "type", element_type_name(ports[i].type)) &&
            json_add_text(port, "visibility", visibility[ports[i].visibility]) &&
            add_keys(port, ports[i].map_keys))
            shape = cJSON_AddArrayToObject(port, "shape");
        for (unsigned d = 0; shape != NULL && d < ports[i].shape.rank; d++)
            cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)ports[i].shape.dim[d]));
        if (shape == NULL) {
            cJSON_Delete(list);
            return NULL;
        }
    }
    return list;
}

static bool add_schema(cJSON *root, const char *name, const char *hash_name,
                       const struct port *ports, size_t count)
{
    cJSON *schema = schema_json(ports, count);
    char *text = schema == NULL ? NULL : cJSON_PrintUnformatted(schema);
    uint8_t digest[32];
    if (text != NULL)
        keccak256(digest, text, strlen(text));
    bool done = text != NULL && json_add_hex(root, hash_name, digest, sizeof digest) &&
                cJSON_AddItemToObject(root, name, schema);
    if (!done && text == NULL)
        cJSON_Delete(schema);
    free(text);
    return done;
}

cJSON *metadata_json(const struct model *model, const char *graph_name, bool has_private_parameters)
{
    const struct interface *interface = &model->interface;
    double rows = (double)((uint32_t)1 << model->circuit.lg_rows);
    cJSON *root = cJSON_CreateObject();
    bool done = root != NULL && cJSON_AddNumberToObject(root, "version", 1) != NULL &&
                json_add_text(root, "proof_system", proof_system_name(model->mode)) &&
                json_add_text(root, "graph", graph_name) &&
                json_add_hex(root, "circuit_hash", model->circuit_digest, 32) &&
                add_schema(root, "inputs", "input_schema_hash", interface->inputs,
                           interface->input_count) &&
                add_schema(root, "outputs", "output_schema_hash", interface->outputs,
                           interface->output_count) &&
                cJSON_AddNumberToObject(root, "rows", rows) != NULL &&
                cJSON_AddNumberToObject(root, "compute_cost", rows) != NULL &&
                json_add_text(root, "parameters", has_private_parameters ? "private" : "public");
    if (done)
        return root;
    cJSON_Delete(root);
    return NULL;
}

bool metadata_add_key(cJSON *metadata, const struct model *model)
{
    struct keccak256 hash;
    uint8_t digest[KECCAK256_BYTES];
    size_t commitments = 64 * (size_t)model->circuit.param_columns;
    keccak256_init(&hash);
    keccak256_update(&hash, model->circuit_digest, sizeof model->circuit_digest);
    keccak256_update(&hash, model->vk + model->vk_bytes - commitments, commitments);
    keccak256_final(&hash, digest);
    const uint8_t *values[] = {model->key.digest, digest, model->key.srs_digest};
    static const char *const names[] = {"vk_hash", "model_hash", "srs_digest"};
    bool done = true;
    for (unsigned i = 0; i < 3 && done; i++) {
        cJSON_DeleteItemFromObjectCaseSensitive(metadata, names[i]);
        done = json_add_hex(metadata, names[i], values[i], 32);
    }
    return done;
}

/* The first field of `a` that `b` has not or has otherwise; NULL when there is none. */
static const char *first_difference(const cJSON *a, const cJSON *b)
{
    const cJSON *field;
    cJSON_ArrayForEach(field, a)
    {
        const cJSON *other = cJSON_GetObjectItemCaseSensitive(b, field->string);
        if (other == NULL || !cJSON_Compare(field, other, true))
            return field->string;
    }
    return NULL;
}

enum status metadata_check(const char *text, const struct model *model, struct diag *diag)
{
    cJSON *given = cJSON_Parse(text), *expected = NULL;
    const cJSON *graph = cJSON_GetObjectItemCaseSensitive(given, "graph"),
                *parameters = cJSON_GetObjectItemCaseSensitive(given, "parameters");
    /* Without a parameter column nothing tells a model without weights from one with public ones.
     */
    bool is_private =
        model->circuit.param_columns > 0 ||
        (cJSON_IsString(parameters) && strcmp(parameters->valuestring, "private") == 0);
    enum status status = STATUS_OK;
    if (!cJSON_IsObject(given))
        status = diag_set(diag, STATUS_BAD_INPUT, "'%s/public/metadata.json' is no JSON object",
                          model->folder);
    if (status == STATUS_OK) {
        expected =
            metadata_json(model, cJSON_IsString(graph) ? graph->valuestring : "", is_private);
        if (expected == NULL || !metadata_add_key(expected, model))
            status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the metadata");
    }
    if (status == STATUS_OK) {
        const char *name = first_difference(expected, given);
        if (name == NULL)
            name = first_difference(given, expected);
        if (name != NULL)
            status = diag_set(diag, STATUS_REJECTED,
                              "'%s/public/metadata.json': the field '%.100s' is not what the "
                              "circuit and its key give",
                              model->folder, name);
        else if (cJSON_GetArraySize(given) != cJSON_GetArraySize(expected))
            status =
                diag_set(diag, STATUS_REJECTED,
                         "'%s/public/metadata.json': a field stands there twice", model->folder);
    }
    cJSON_Delete(expected);
    cJSON_Delete(given);
    return status;
}
