/*
 * public/metadata.json: what a registry and readers learn of a model. All of it but the name of the
 * graph follows from the other published files, so that anybody can make it again and compare.
 */
#ifndef SERTN_RUNTIME_METADATA_H
#define SERTN_RUNTIME_METADATA_H

#include <cjson/cJSON.h>

#include "runtime/model.h"

/*
 * The fields that are known without a key. Requires: mode, interface, circuit (its head is enough)
 * and circuit_digest of the model. Owned; null without memory.
 */
cJSON *metadata_json(const struct model *model, const char *graph_name,
                     bool has_private_parameters) SERTN_MUST_CHECK;
/* Adds (or replaces) what a key brings: its hash, the model hash keccak256(circuit digest, [p1],
 * [p2]), which names the circuit together with its weights, and the SRS. False without memory. */
bool metadata_add_key(cJSON *metadata, const struct model *model) SERTN_MUST_CHECK;

/*
 * Makes the metadata again and compares. text: the file's, zero-terminated. Errors: STATUS_REJECTED
 * naming the first field that differs or is not known; STATUS_BAD_INPUT when it is no JSON object.
 */
enum status metadata_check(const char *text, const struct model *model,
                           struct diag *diag) SERTN_MUST_CHECK;

#endif
