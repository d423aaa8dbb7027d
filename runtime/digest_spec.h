/* The in-circuit hash that this target offers to placement: Poseidon with circomlib's constants. */
#ifndef SERTN_RUNTIME_DIGEST_SPEC_H
#define SERTN_RUNTIME_DIGEST_SPEC_H

#include "passes/place.h"

/* Constants live in the arena. Returns false without memory. */
bool digest_spec_init(struct digest_spec *spec, struct arena *arena);

#endif
