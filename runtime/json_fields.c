/* See json_fields.h. */
#include "runtime/json_fields.h"

#include <stdlib.h>

#include "runtime/proof.h"

bool json_add_text(cJSON *object, const char *name, const char *value)
{
    return cJSON_AddStringToObject(object, name, value) != NULL;
}

bool json_add_hex(cJSON *object, const char *name, const uint8_t *bytes, size_t count)
{
    char *text = proof_print_hex(bytes, count);
    bool done = text != NULL && json_add_text(object, name, text);
    free(text);
    return done;
}
