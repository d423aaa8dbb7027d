/*
 * Proofs as users hold them: making one, the JSON file, checking one.
 *
 * proof.json has exactly: version, proof_system, vk_digest, context, public {words, values}, proof.
 * Hex is lower case with 0x. Every field is verified: the values must be what the words say, digit
 * for digit as JSON numbers.
 */
#ifndef SERTN_RUNTIME_PROOF_H
#define SERTN_RUNTIME_PROOF_H

#include "runtime/session.h"
#include "runtime/values.h"

enum { PROOF_VERSION = 1, PROOF_CONTEXT_BYTES = 32 };
/* Largest proof file that is read. */
#define PROOF_FILE_BYTES_MAX (UINT64_C(256) << 20)

/* "plonk-bn254-gas-v1" or "plonk-bn254-fast-v1". */
const char *proof_system_name(enum plonk_mode mode);

struct proof {
    enum plonk_mode mode;
    uint8_t vk_digest[32];
    uint8_t context[PROOF_CONTEXT_BYTES];
    uint8_t *words; /* owned, 32 bytes each */
    size_t word_count;
    cJSON *values; /* owned: what the file says of the public values; NULL when it was made here */
    uint8_t bytes[PLONK_PROOF_BYTES_MAX];
    size_t byte_count;
};
void proof_release(struct proof *proof);

/*
 * Proves what session_fill left in the session. Requires: the model has a key and the SRS is open;
 * key is the loaded proving key.
 */
enum status proof_make(struct proof *proof, struct session *session,
                       const struct plonk_proving_key *key, const struct plonk_parameter_tail *tail,
                       const uint8_t context[PROOF_CONTEXT_BYTES],
                       const struct plonk_progress *progress, struct diag *diag) SERTN_MUST_CHECK;

/* The file's text, owned; NULL without memory. */
char *proof_print(const struct proof *proof, const struct model *model);
/* Errors: STATUS_BAD_INPUT for anything but the fields above in their canonical form. `name` is for
 * messages. */
enum status proof_parse(struct proof *proof, const char *text, size_t count, const char *name,
                        struct diag *diag) SERTN_MUST_CHECK;
enum status proof_read(struct proof *proof, const char *path, struct diag *diag) SERTN_MUST_CHECK;

/* Checks that a proof is one of the model's key and bound to the expected context, before any
 * arithmetic. Errors: STATUS_REJECTED with the reason; STATUS_BAD_INPUT without a key. */
enum status proof_check_claim(const struct proof *proof, const struct model *model,
                              const uint8_t context[PROOF_CONTEXT_BYTES],
                              struct diag *diag) SERTN_MUST_CHECK;

/*
 * Verifies a proof file against a model with a key and the expected context. *values gets the
 * public values, owned by the caller. Errors: STATUS_REJECTED with the reason.
 */
enum status proof_verify(cJSON **values, const struct proof *proof, const struct model *model,
                         const uint8_t context[PROOF_CONTEXT_BYTES], const struct srs_verifier *srs,
                         struct diag *diag) SERTN_MUST_CHECK;

/* The verifier's side of the SRS that the model's key names: the development one, or the ceremony
 * in the cache or at `path`. */
enum status proof_open_verifier(struct srs_verifier *srs, const struct model *model,
                                const char *path, struct diag *diag) SERTN_MUST_CHECK;

/* 0x and hex digits of exactly `count` bytes, lower case. */
bool proof_parse_hex(uint8_t *out, size_t count, const char *text);
char *proof_print_hex(const uint8_t *bytes, size_t count);

#endif
