/*
 * Blinders: uniform field elements for the tail rows, from entropy hedged with a hash of the
 * witness. README section 5. Private to this folder.
 */
#ifndef SERTN_BACKEND_PLONK_BLINDING_H
#define SERTN_BACKEND_PLONK_BLINDING_H

#include "backend/plonk/prove.h"

/* A stream of blinders. Wipe it after use. */
struct plonk_blinding {
    uint8_t seed[32];
    uint64_t counter;
};

/*
 * seed = keccak256(domain, entropy, vk digest, context, attempt, words, digests of the parts of the
 * witness columns). attempt numbers the restarts of one proof.
 */
void plonk_blinding_init(struct plonk_blinding *blinding,
                         const uint8_t entropy[PLONK_ENTROPY_BYTES],
                         const struct plonk_proving_key *key, const struct plonk_witness *witness,
                         const struct plonk_statement *statement, uint64_t attempt);

/*
 * For the setup proof: seed = keccak256(another domain, entropy, vk digest, attempt, bits, tail),
 * where the bits are word_count words that the parameters stand in.
 */
void plonk_blinding_init_setup(struct plonk_blinding *blinding,
                               const uint8_t entropy[PLONK_ENTROPY_BYTES],
                               const struct plonk_verifying_key *vk, const uint64_t *bits,
                               size_t word_count, const struct plonk_parameter_tail *tail,
                               uint64_t attempt);

/* Draws: element i is the 512-bit integer keccak256(seed, 2i) || keccak256(seed, 2i + 1) mod r. */
void plonk_blinding_draw(struct plonk_blinding *blinding, fr *out, size_t count);

void plonk_blinding_wipe(struct plonk_blinding *blinding);

#endif
