/*
 * Inputs that a proof shows by their salted hash alone (--input hashed): what a requester gives to
 * the nodes that prove, and to nobody else.
 *
 * A node needs the input and the salts that the requester committed with. Both travel as one text:
 * "SRTNHINP", u32 version, u32 count, a salt of 32 bytes (big-endian, below 2^248) for each hashed
 * input in the order of the interface, then the input as value_bytes_read takes it. The salts keep
 * an input that could be guessed from being recognised by its hash.
 */
#ifndef SERTN_RUNTIME_HIDDEN_INPUT_H
#define SERTN_RUNTIME_HIDDEN_INPUT_H

#include "runtime/model.h"

enum { HIDDEN_SALT_BYTES = 32, HIDDEN_INPUTS_MOST = 1000 };

/* How many inputs of the model are hashed. */
size_t hidden_input_count(const struct model *model);

/*
 * The salts of a request: a function of the requester's key, the model, the input and the name of
 * the request, so that the same request again is the same, and nobody without the key can compute
 * them. salts: [hidden_input_count].
 */
void hidden_input_salts(uint8_t (*salts)[HIDDEN_SALT_BYTES], const struct model *model,
                        const uint8_t account[32], const char *name, const void *input,
                        size_t count);

/* Appends the text. */
void hidden_input_put(struct buffer *out, const struct model *model,
                      const uint8_t (*salts)[HIDDEN_SALT_BYTES], const void *input, size_t count);

/*
 * Takes the text of a job apart; what comes out is borrowed from it. For a model without hashed
 * inputs *salts is NULL, and the text the input. Errors: STATUS_BAD_INPUT for a text that is none
 * of this model.
 */
enum status hidden_input_take(const uint8_t (**salts)[HIDDEN_SALT_BYTES], const uint8_t **input,
                              size_t *count, const struct model *model, const struct buffer *text,
                              struct diag *diag) SERTN_MUST_CHECK;

#endif
