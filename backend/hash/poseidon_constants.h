/* The generated tables of poseidon.c: one permutation for each instance and width. */
#ifndef SERTN_BACKEND_HASH_POSEIDON_CONSTANTS_H
#define SERTN_BACKEND_HASH_POSEIDON_CONSTANTS_H

#include "backend/hash/poseidon.h"

extern const struct poseidon poseidon_constants[POSEIDON_INSTANCE_COUNT]
                                               [POSEIDON_WIDTH_MAX - POSEIDON_WIDTH_MIN + 1];

#endif
