/* The bits of a setup proof as the tests understand them. */
#ifndef SERTN_TESTS_BACKEND_PLONK_SETUP_KIT_H
#define SERTN_TESTS_BACKEND_PLONK_SETUP_KIT_H

#include "backend/commit/kzg.h"
#include "backend/plonk/setup_rounds.h"
#include "tests/backend/plonk/circuit_builder.h"

/* bits[row][KZG_BIT_WORDS(ranges->count)] for row < n: those of the parameters of the witness, each
 * inside its range of at most 64 bits. */
void setup_kit_bits(uint64_t *bits, const struct built *built, const struct setup_ranges *ranges);

/* Bit k of a row of these. */
bool setup_kit_bit(const uint64_t *bits, const struct setup_ranges *ranges, uint32_t row,
                   unsigned k);

#endif
