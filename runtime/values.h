/*
 * Between a user's numbers and a program's integers: inputs in, outputs and public words out.
 *
 * Stands on ir/interface for the meaning of integers; JSON through cJSON. Called by prove, verify,
 * check and eval.
 */
#ifndef SERTN_RUNTIME_VALUES_H
#define SERTN_RUNTIME_VALUES_H

#include <cjson/cJSON.h>

#include "backend/field/field.h"
#include "frontend/value_spec.h"
#include "ir/relation_interpret.h"
#include "runtime/model.h"

/* What the model's inputs look like to a value file, in the order of the interface. Errors:
 * STATUS_NO_MEMORY. */
enum status values_specs(struct value_spec **specs, const struct model *model, struct arena *arena,
                         struct diag *diag) SERTN_MUST_CHECK;

/*
 * Sets the input tensors from one set of inputs in the order of the interface, and draws fresh
 * salts for what is hashed. Errors: STATUS_BAD_INPUT naming input, element and value when a number
 * has no place in the declared range; STATUS_IO without randomness.
 */
enum status values_set_inputs(struct relation_values *values, const struct model *model,
                              const struct tensor *const *inputs,
                              struct diag *diag) SERTN_MUST_CHECK;

/* Replaces the salts of hashed inputs, in their order, by given ones of 32 bytes, big-endian.
 * Errors: STATUS_BAD_INPUT for one outside its range. */
enum status values_set_salts(struct relation_values *values, const struct model *model,
                             const uint8_t (*salts)[32], struct diag *diag) SERTN_MUST_CHECK;

/* Where the integers of a tensor come from: relation values, or public words. */
typedef wide values_element_fn(void *context, uint32_t tensor, size_t element);

/*
 * One port as JSON: nested lists by shape, numbers that read back exactly (raw items with
 * valuedouble set), strings for labels, "NaN", "Infinity", "-Infinity" and integers beyond 2^53 as
 * strings; a hashed port is its digest as 0x and 64 hex digits. Owned by the caller; NULL without
 * memory.
 */
cJSON *values_port_json(const struct model *model, const struct port *port,
                        values_element_fn *element, void *context);

/*
 * Nested lists by the port's shape of what `item` makes of each element, row-major. Owned by the
 * caller; NULL without memory.
 */
typedef cJSON *values_item_fn(void *context, const struct port *port, size_t i);
cJSON *values_nested_json(const struct port *port, values_item_fn *item, void *context);
/* values_item_fn over a struct tensor of the port's shape, no strings in it. */
cJSON *values_tensor_item(void *tensor, const struct port *port, size_t i);

/* Adds what belongs to a port under its name; items of a sequence go to nested lists under the
 * sequence's name, in the order of the ports. value: taken on success. */
bool values_add_json(cJSON *object, const struct port *port, cJSON *value);

/* An object of all output ports by name (`only_public`: public and hashed ports, inputs too), or
 * NULL without memory. */
cJSON *values_json(const struct model *model, bool only_public, values_element_fn *element,
                   void *context);

/* values_element_fn over struct relation_values. */
wide values_from_program(void *values, uint32_t tensor, size_t element);

/*
 * Integers of the public tensors as the words say. Life cycle: init, release.
 * Errors: STATUS_REJECTED when a word has bits that no part owns.
 */
struct public_values {
    const struct model *model;
    wide **elements; /* by tensor; NULL when not public */
};
enum status public_values_init(struct public_values *values, const struct model *model,
                               const fr *words, struct diag *diag) SERTN_MUST_CHECK;
void public_values_release(struct public_values *values);
/* values_element_fn over struct public_values. */
wide values_from_words(void *public_values, uint32_t tensor, size_t element);

/* Prints JSON on one line, or indented. Owned text, NULL without memory. */
char *values_print(const cJSON *json, bool indented);

#endif
