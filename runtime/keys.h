/*
 * Keys of a compiled model: making them, and checking that a published key belongs to its circuit.
 */
#ifndef SERTN_RUNTIME_KEYS_H
#define SERTN_RUNTIME_KEYS_H

#include "runtime/session.h"

struct keys_result {
    bool made; /* false: they were there already */
    uint8_t vk_digest[32];
    size_t vk_bytes, setup_bytes;
    double seconds;
};

/*
 * Makes and writes the keys: public/vk, public/setup, private/tail. session->model.key is set.
 * srs_path as session_open_srs. Errors: STATUS_LIMIT when the SRS is too short; STATUS_IO; nothing
 * is left half-written.
 */
enum status keys_make(struct keys_result *result, struct session *session, const char *srs_path,
                      const struct plonk_progress *progress, struct diag *diag) SERTN_MUST_CHECK;

/* The random rows of [p1], [p2] from private/tail. */
enum status keys_load_tail(struct plonk_parameter_tail *tail, const struct model *model,
                           struct diag *diag) SERTN_MUST_CHECK;

/*
 * Recomputes the circuit from the public program and the key from the circuit, and checks the setup
 * proof of the parameter ranges; needs public/ alone. Errors: STATUS_REJECTED with the reason;
 * STATUS_BAD_INPUT when there is no key.
 */
enum status keys_check(struct keys_result *result, const char *folder, const char *srs_path,
                       unsigned threads, struct diag *diag) SERTN_MUST_CHECK;

#endif
