/*
 * Inputs as the market binds them: which public words of a model are input, and what a requester
 * commits to before anybody proves.
 *
 * A circuit packs its public values into words in the order of its ports, inputs first. So the
 * inputs are whole words from the first on and the low bits of the next (contracts/src/libraries/
 * PublicWords.sol). A requester computes them from the public folder and the inputs alone.
 */
#ifndef SERTN_RUNTIME_WORKLOAD_H
#define SERTN_RUNTIME_WORKLOAD_H

#include "frontend/value_file.h"
#include "runtime/session.h"

struct workload_layout {
    unsigned words; /* that are input as a whole */
    unsigned bits;  /* low ones of the next word */
};

/* Errors: STATUS_UNSUPPORTED when an input is neither public nor hashed: a proof could be one to
 * another. */
enum status workload_layout(struct workload_layout *out, const struct model *model,
                            struct diag *diag) SERTN_MUST_CHECK;

/* The commitment to the inputs among public words, 32 bytes each, big-endian. False when there are
 * fewer words than inputs. */
bool workload_commit(uint8_t commitment[32], const struct workload_layout *layout,
                     const uint8_t *words, size_t word_count);

/*
 * The commitment to one set of inputs, without weights and without running the model. salts: of
 * hashed inputs, in their order; NULL for a model without. Errors: STATUS_BAD_INPUT for a value
 * that has no place in the declared range; STATUS_UNSUPPORTED for hashed inputs without salts;
 * those of workload_layout.
 */
enum status workload_commit_inputs(uint8_t commitment[32], struct workload_layout *layout,
                                   const struct model *model, const struct tensor *const *inputs,
                                   const uint8_t (*salts)[32], struct diag *diag) SERTN_MUST_CHECK;

/* Inputs of one set as JSON by name, numbers that read back exactly. Owned text. Errors:
 * STATUS_UNSUPPORTED for inputs of text; STATUS_NO_MEMORY. */
enum status workload_print(char **text, const struct model *model,
                           const struct tensor *const *inputs, struct diag *diag) SERTN_MUST_CHECK;

#endif
