/* Fields of JSON objects that several files write. Each returns false without memory. */
#ifndef SERTN_RUNTIME_JSON_FIELDS_H
#define SERTN_RUNTIME_JSON_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

bool json_add_text(cJSON *object, const char *name, const char *value);
/* "0x" and two digits a byte. */
bool json_add_hex(cJSON *object, const char *name, const uint8_t *bytes, size_t count);

#endif
