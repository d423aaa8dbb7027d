/*
 * Solidity of a model: the universal verifier's source and a thin contract that holds digest and
 * key and decodes outputs to real numbers.
 */
#ifndef SERTN_RUNTIME_SOLIDITY_H
#define SERTN_RUNTIME_SOLIDITY_H

#include "ir/support/file_set.h"
#include "runtime/model.h"

/* Appends the text of public/ModelVerifier.sol. Requires: the model has a key. Errors:
 * STATUS_NO_MEMORY. */
enum status solidity_print(struct buffer *out, const struct model *model,
                           struct diag *diag) SERTN_MUST_CHECK;

/* Adds public/PlonkVerifier.sol, public/IPlonkVerifier.sol and public/ModelVerifier.sol to the set.
 * Requires: the model has a key. In fast mode, which no contract takes, it adds nothing. */
enum status solidity_write(struct file_set *set, const struct model *model,
                           struct diag *diag) SERTN_MUST_CHECK;

/* Compares the three files with what solidity_write would give. Errors: STATUS_REJECTED naming the
 * file that differs; STATUS_BAD_INPUT when there is none. */
enum status solidity_check(const struct model *model, struct diag *diag) SERTN_MUST_CHECK;

#endif
