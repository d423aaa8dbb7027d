/*
 * Ceremonies of powers of tau in the .ptau files of snarkjs: starting one, contributing, applying a
 * beacon, verifying. Called by sertn-registry ceremony.
 *
 * A ceremony of power p holds [tau^i]_1 for i < 2^(p + 1) - 1, [tau^i]_2, [alpha tau^i]_1 and
 * [beta tau^i]_1 for i < 2^p, [beta]_2, and the list of contributions. Each contributor multiplies
 * by secrets of his own and publishes proofs that he knew them (ceremony_key.h); one honest
 * contributor who forgot his makes the whole safe. Layout of a contribution (section 7, points as
 * in ptau.h): [tau]_1, [tau]_2, [alpha]_1, [beta]_1, [beta]_2 after it; the proofs; the state of
 * the digest of the response, 216 bytes (a block of 128, eight words of state, bytes before the
 * block, bytes in the block, 8 zeros); the next challenge, 64 bytes; u32 type, u32 bytes of
 * parameters, these: 1 and a name, 2 and the logarithm of the beacon's rounds, 3 and the beacon.
 *
 *   response  = BLAKE2b(challenge || powers, compressed || proofs)
 *   challenge of the next = BLAKE2b(response || powers)
 *
 * The first challenge is that of the generators under the digest of nothing.
 *
 * What verifying checks: every point of the file is on its curve, in its group and not infinity;
 * all powers are those of one tau, alpha, beta, which are those of the last contribution (random
 * combinations of 128 bits); each contribution follows from the one before by secrets it proves to
 * know; every beacon is the one stated; the last challenge is the digest of the file. Not
 * checked, since the points of that time are gone: the response of a contribution that is not the
 * last. Its maker compares it with the one he published. Sections with other ids (phase 2) are not
 * looked at: nothing here uses them.
 *
 * Source: snarkjs 0.7, powersoftau, for the bytes; eprint 2017/1050.
 */
#ifndef SERTN_BACKEND_COMMIT_CEREMONY_H
#define SERTN_BACKEND_COMMIT_CEREMONY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/commit/ceremony_key.h"
#include "backend/commit/ptau_format.h"
#include "backend/hash/blake2b.h"
#include "ir/support/file.h"
#include "ir/support/machine.h"
#include "ir/support/status.h"

#define CEREMONY_LEAST_POWER 1
#define CEREMONY_MOST_POWER PTAU_MOST_POWER
/* A name that we write; files of others may have up to 255 bytes. */
#define CEREMONY_NAME_BYTES 64
/* Rounds of a beacon we are willing to hash: 2^36 take hours. */
#define CEREMONY_LEAST_LG_ROUNDS 10
#define CEREMONY_MOST_LG_ROUNDS 36
#define CEREMONY_MOST_CONTRIBUTIONS 65536

/* What the points of a ceremony are after a contribution. */
struct ceremony_powers {
    g1_affine tau_g1, alpha_g1, beta_g1;
    g2_affine tau_g2, beta_g2;
};

struct ceremony_contribution {
    struct ceremony_powers after;
    struct ceremony_proof proof[CEREMONY_SECRETS];
    struct blake2b partial; /* of the response, before the proofs */
    uint8_t response[CEREMONY_HASH_BYTES];
    uint8_t next_challenge[CEREMONY_HASH_BYTES];
    char name[256]; /* as in the file: any bytes but zero */
    bool is_beacon;
    uint8_t lg_rounds, beacon_bytes, beacon[255];
};

/* An open file whose frame has been read. Zero-initialised: closed. */
struct ceremony {
    const char *path; /* borrowed */
    struct file_map map;
    struct ptau_section section[PTAU_SECTIONS];
    uint32_t power, ceremony_power; /* different: a file cut down from a larger ceremony */
    struct ceremony_contribution *contribution; /* owned; points below modulus, not yet checked */
    size_t count;
};

/* Told how far a long call is; may be null. */
struct ceremony_progress {
    void (*report)(void *context, const char *stage, double fraction);
    void *context;
};

/* Points of section `id` of a ceremony of this power. */
uint64_t ceremony_section_points(int id, uint32_t power);

/* Errors: STATUS_BAD_INPUT, STATUS_LIMIT, STATUS_NO_MEMORY, STATUS_IO. */
SERTN_MUST_CHECK enum status ceremony_open(struct ceremony *ceremony, const char *path,
                                           struct diag *diag);
void ceremony_close(struct ceremony *ceremony);

/*
 * Writes a ceremony without contributions. Requires: CEREMONY_LEAST_POWER <= power <=
 * CEREMONY_MOST_POWER. The first challenge goes to `challenge`.
 */
SERTN_MUST_CHECK enum status ceremony_new(uint8_t challenge[CEREMONY_HASH_BYTES], const char *path,
                                          uint32_t power, const struct ceremony_progress *progress,
                                          struct diag *diag);

/* What somebody adds to a ceremony. */
struct ceremony_addition {
    const char *name;      /* at most CEREMONY_NAME_BYTES; may be empty */
    const uint8_t *seed;   /* CEREMONY_SEED_BYTES, secret; null for a beacon */
    const uint8_t *beacon; /* for a beacon */
    uint8_t beacon_bytes, lg_rounds;
};

/*
 * Writes to `path` the ceremony with one contribution more. `added` is what its entry says. The old
 * file is not verified; its points are checked to be points. All that follows from the seed is
 * wiped. Errors: STATUS_BAD_INPUT for a file that was cut down or whose points are none, or an
 * output that is the input; STATUS_IO, STATUS_NO_MEMORY. Nothing is written then.
 */
SERTN_MUST_CHECK enum status ceremony_contribute(struct ceremony_contribution *added,
                                                 const struct ceremony *old, const char *path,
                                                 const struct ceremony_addition *addition,
                                                 struct machine *machine,
                                                 const struct ceremony_progress *progress,
                                                 struct diag *diag);

/*
 * Verifies everything. Errors: STATUS_REJECTED, saying what is false; STATUS_LIMIT for a beacon of
 * more rounds than CEREMONY_MOST_LG_ROUNDS; STATUS_NO_MEMORY; STATUS_IO without randomness.
 */
SERTN_MUST_CHECK enum status ceremony_verify(const struct ceremony *ceremony,
                                             struct machine *machine,
                                             const struct ceremony_progress *progress,
                                             struct diag *diag);

/* digest = the first challenge of a ceremony of this power. Cost: hashes 2^power times 384 bytes.
 */
void ceremony_first_challenge(uint8_t digest[CEREMONY_HASH_BYTES], uint32_t power);

/* seed for a contribution: 64 bytes of the system and the user's text, hashed. Errors: STATUS_IO
 * without randomness. The caller wipes it. */
SERTN_MUST_CHECK enum status ceremony_make_seed(uint8_t seed[CEREMONY_SEED_BYTES], const void *text,
                                                size_t text_bytes, struct diag *diag);

#endif
