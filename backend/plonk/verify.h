/*
 * The verifier, in C: the same bytes, checks and answer as the Solidity verifier.
 *
 * Nothing in a proof chooses what it is checked against: the caller supplies the vk digest it
 * trusts, the context it expects, the words it was told, and the SRS it trusts.
 */
#ifndef SERTN_BACKEND_PLONK_VERIFY_H
#define SERTN_BACKEND_PLONK_VERIFY_H

#include "backend/plonk/prove.h"

#include <stddef.h>
#include <stdint.h>

struct srs_verifier;

/* A claim: words are word_count canonical 32-byte big-endian field elements. Borrowed, untrusted
 * but for vk_digest and context. */
struct plonk_claim {
    const uint8_t *vk_digest; /* [32] trusted */
    const uint8_t *vk;
    size_t vk_bytes;
    const uint8_t *context; /* [PLONK_CONTEXT_BYTES] expected */
    const uint8_t *words;   /* [32 word_count] */
    size_t word_count;
    const uint8_t *proof;
    size_t proof_bytes;
};

/*
 * Returns STATUS_OK only when the proof is accepted.
 * Errors: STATUS_REJECTED with the reason; nothing else. Cost: two pairings, one multiplication a
 * commitment.
 */
enum status plonk_verify(const struct plonk_claim *claim, const struct srs_verifier *srs,
                         struct diag *diag) SERTN_MUST_CHECK;

#endif
