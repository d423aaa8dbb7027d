/*
 * Solidity of a model: the universal verifier's source and a thin contract that holds digest and
 * key and decodes outputs to real numbers.
 */
#ifndef SERTN_RUNTIME_SOLIDITY_H
#define SERTN_RUNTIME_SOLIDITY_H

#include "runtime/model.h"

/* Writes public/PlonkVerifier.sol, public/IPlonkVerifier.sol and public/ModelVerifier.sol.
 * Requires: the model has a key. In fast mode, which no contract takes, it writes nothing. */
enum status solidity_write(const struct model *model, struct diag *diag) SERTN_MUST_CHECK;

#endif
