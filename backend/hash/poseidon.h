/*
 * Poseidon over the scalar field of BN254: S-box x^5, width t = 2..5, 8 full rounds, and 56, 57,
 * 56, 60 partial rounds for t = 2, 3, 4, 5, at a level of 128 bits.
 *
 * A round adds its t constants, applies x^5 to every cell (full round) or to cell 0 alone (partial
 * round), and multiplies by the t x t matrix. Four full rounds, the partial rounds, four full
 * rounds. A circuit is written from struct poseidon, the same constants the code here runs on.
 *
 * Two instances, so that nothing a circuit hashes as data is a transcript hash (eprint 2025/118):
 *   POSEIDON_CIRCOMLIB   the constants of circomlib, from the Grain generator of the Poseidon
 * authors; poseidon_hash gives the values of circomlibjs. POSEIDON_TRANSCRIPT  for transcripts
 * inside circuits: the same matrices, round constants drawn from Keccak-256 of a domain string (see
 * poseidon_generate.c). Both tables are made by poseidon_generate while building.
 *
 * Source: L. Grassi, D. Khovratovich, C. Rechberger, A. Roy, M. Schofnegger, Poseidon: a new hash
 * function for zero-knowledge proof systems, USENIX Security 2021, eprint 2019/458, sections 2-5
 * and appendix F (Grain); parameters as in circomlib.
 */
#ifndef SERTN_BACKEND_HASH_POSEIDON_H
#define SERTN_BACKEND_HASH_POSEIDON_H

#include "backend/field/field.h"

#include <stddef.h>

#define POSEIDON_WIDTH_MIN 2
#define POSEIDON_WIDTH_MAX 5
#define POSEIDON_FULL_ROUNDS 8

/* ORDER poseidon_instance: the tables of poseidon.c. */
enum poseidon_instance {
    POSEIDON_CIRCOMLIB,
    POSEIDON_TRANSCRIPT,
    POSEIDON_INSTANCE_COUNT,
};

/* One permutation, constant. */
struct poseidon {
    unsigned width;           /* t */
    unsigned full_rounds;     /* half of them before, half after the partial ones */
    unsigned partial_rounds;  /* */
    const fr *round_constant; /* [round][cell], (full_rounds + partial_rounds) * width */
    const fr *mds;            /* [row][column], width * width: new[row] = sum mds[row][c] old[c] */
};

/* Returns the permutation of that width; the object lives as long as the program.
 * Requires: POSEIDON_WIDTH_MIN <= width <= POSEIDON_WIDTH_MAX. */
const struct poseidon *poseidon_get(enum poseidon_instance instance, unsigned width);

/* Applies the permutation to state[0..width). */
void poseidon_permute(const struct poseidon *poseidon, fr *state);

/* digest = circomlib's poseidon(input[0..count)): width count + 1, cell 0 starts at 0, the digest
 * is cell 0 of the result. Inputs of different counts use different permutations. Requires: 1 <=
 * count <= 4. digest may be an element of input. */
void poseidon_hash(fr *digest, const fr *input, size_t count);

/* digest = a sponge over any number of elements: width 3, cell 0 starts at domain + 2^64 * count,
 * two elements are added to cells 1 and 2 before each permutation (a last odd one to cell 1 alone),
 * at least one permutation, the digest is cell 0. The count in the capacity makes the padding
 * injective; domain separates uses. */
void poseidon_digest(enum poseidon_instance instance, fr *digest, uint64_t domain, const fr *value,
                     size_t count);

#endif
