/*
 * The keys of a contribution to a ceremony of powers of tau: secrets tau, alpha, beta, and for each
 * a proof that it is known. Private to backend/commit.
 *
 * The proof for a secret x: a random s of G1, [x] s, and [x] q for a q of G2 that is a hash of s,
 * [x] s and the challenge (a digest of all that came before). Who makes [x] q knows x, and the
 * pairing tells that it is the same x: e([x] s, q) = e(s, [x] q).
 *
 * Bytes, draws and hashes are those of snarkjs 0.7, so that its beacons give the same keys and its
 * verifier takes our proofs. Draws come from ChaCha20 (D. Bernstein, 2008; a 64-bit counter, nonce
 * 0) keyed with a seed of 32 bytes.
 *
 * Source: S. Bowe, A. Gabizon, I. Miers, "Scalable multi-party computation for zk-SNARK parameters
 * in the random beacon model", eprint 2017/1050.
 */
#ifndef SERTN_BACKEND_COMMIT_CEREMONY_KEY_H
#define SERTN_BACKEND_COMMIT_CEREMONY_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "backend/curve/curve.h"

#define CEREMONY_HASH_BYTES 64
#define CEREMONY_SEED_BYTES 32

/* ORDER ceremony_secret: the number that its hash to G2 starts with. */
enum ceremony_secret {
    CEREMONY_TAU,
    CEREMONY_ALPHA,
    CEREMONY_BETA,
    CEREMONY_SECRETS,
};

/* What is published about one secret x. */
struct ceremony_proof {
    g1_affine s, sx; /* s and [x] s */
    g2_affine qx;    /* [x] q */
};

struct ceremony_key {
    fr secret[CEREMONY_SECRETS];
    struct ceremony_proof proof[CEREMONY_SECRETS];
};

/* Bytes of three proofs, in files and in hashes. */
#define CEREMONY_PROOFS_BYTES (6 * G1_BYTES + 3 * G2_BYTES)

/* The key that follows from a seed and a challenge. The caller wipes it with ceremony_key_wipe. */
void ceremony_key_from_seed(struct ceremony_key *key, const uint8_t seed[CEREMONY_SEED_BYTES],
                            const uint8_t challenge[CEREMONY_HASH_BYTES]);
void ceremony_key_wipe(struct ceremony_key *key);

/* q of the proof of a secret. Never infinity but with probability 2^-254. */
void ceremony_proof_base(g2_affine *q, enum ceremony_secret which,
                         const uint8_t challenge[CEREMONY_HASH_BYTES], const g1_affine *s,
                         const g1_affine *sx);

/* Writes the proofs as they are hashed: coordinates big-endian; s, sx of each secret, then every
 * qx. */
void ceremony_proofs_to_bytes(uint8_t out[CEREMONY_PROOFS_BYTES],
                              const struct ceremony_proof proof[CEREMONY_SECRETS]);

/* seed = SHA-256, 2^lg_rounds times, of bytes[0..count). */
void ceremony_beacon_seed(uint8_t seed[CEREMONY_SEED_BYTES], const uint8_t *bytes, size_t count,
                          unsigned lg_rounds);

#endif
