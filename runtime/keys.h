/*
 * Keys of a compiled model: making them, and checking that a published key belongs to its circuit.
 *
 * private/tail is framed as all our files (model.h), magic "SRTNTAIL": the key's digest, the digest
 * of private/parameters, the tail (plonk_parameter_tail_serialize).
 */
#ifndef SERTN_RUNTIME_KEYS_H
#define SERTN_RUNTIME_KEYS_H

#include "ir/support/file_set.h"
#include "runtime/session.h"

struct keys_result {
    bool made; /* false: they were there already */
    uint8_t vk_digest[32];
    size_t vk_bytes, setup_bytes;
    double seconds;
};

/*
 * Makes the keys and adds private/tail and public/setup to the set; session->model gets the key,
 * which belongs at the end of the set (keys_add_vk). srs_path as session_open_srs. Errors:
 * STATUS_LIMIT when the SRS is too short; STATUS_IO.
 */
enum status keys_make(struct keys_result *result, struct file_set *set, struct session *session,
                      const char *srs_path, const struct plonk_progress *progress,
                      struct diag *diag) SERTN_MUST_CHECK;
/* Adds public/vk, the mark of the set: a key on disk always has what belongs to it. */
enum status keys_add_vk(struct file_set *set, const struct model *model,
                        struct diag *diag) SERTN_MUST_CHECK;

/*
 * The random rows of [p1], [p2] from private/tail. Errors: STATUS_BAD_INPUT when the file is
 * damaged, or was made for another key or other weights than the session's.
 */
enum status keys_load_tail(struct plonk_parameter_tail *tail, const struct session *session,
                           struct diag *diag) SERTN_MUST_CHECK;

/*
 * Proves the declared ranges of the public program, recomputes the circuit from it, the key from
 * the circuit, metadata and contracts from both, and checks the setup proof of the parameter
 * ranges; needs public/ alone. Errors: STATUS_REJECTED with the reason; STATUS_BAD_INPUT when there
 * is no key, or a program that is none.
 */
enum status keys_check(struct keys_result *result, const char *folder, const char *srs_path,
                       unsigned threads, struct diag *diag) SERTN_MUST_CHECK;

/*
 * The part of keys_check that needs no key: that the ranges the program declares hold, and that the
 * circuit is what the program gives. Errors: STATUS_REJECTED, STATUS_BAD_INPUT, STATUS_LIMIT with
 * the reason.
 */
enum status keys_check_program(const struct model *model, struct diag *diag) SERTN_MUST_CHECK;

#endif
