/*
 * What a circuit will cost before anything is proved: bytes and rows exactly, gas, seconds and
 * memory as predicted.
 *
 * The one place with these formulas; report, metadata and the choice of prover read them here.
 * Sizes follow from plonk/layout.h; gas from the itemised model of the verifier contract
 * (contracts/src/PlonkVerifier.sol) on an Osaka chain; seconds from counts of curve points and
 * field products times prices measured on this machine.
 */
#ifndef SERTN_BACKEND_PLAN_H
#define SERTN_BACKEND_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "backend/plonk/layout.h"
#include "ir/circuit.h"
#include "ir/cost.h"

struct plan {
    unsigned columns; /* advice, parameter, multiplicity, challenge and fixed columns */
    size_t proof_bytes, vk_bytes;
    unsigned srs_power; /* smallest .ptau power that holds the SRS */
    bool has_proof;     /* keys hold so many rows; else what follows is none of any prover */
    double gas; /* of the whole verifying transaction; 0 in fast mode, which no contract takes */
    double prove_seconds, verify_seconds, keys_seconds;
    uint64_t prove_memory_bytes; /* peak of the whole process */
};

/* Prices of this machine: takes about a millisecond. threads 0: all cores. */
void plan_measure_prices(struct cost_prices *prices, unsigned threads);
void plan_circuit(struct plan *plan, const struct circuit *circuit, enum plonk_mode mode,
                  unsigned threads);

/* Committed columns of a circuit, as `columns` of its plan. */
unsigned plan_columns(const struct circuit *circuit);

#endif
