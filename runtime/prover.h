/*
 * A model opened for proving: weights, keys (made when there are none), SRS, ready for many inputs.
 */
#ifndef SERTN_RUNTIME_PROVER_H
#define SERTN_RUNTIME_PROVER_H

#include "runtime/keys.h"
#include "runtime/proof.h"

struct prover {
    struct session session;
    struct plonk_proving_key key;
    struct plonk_parameter_tail tail;
    bool made_keys;
};

/*
 * Opens a model; makes keys and Solidity first when it has none. srs_path: a .ptau file or NULL
 * (the SRS of the key, or the development SRS). Errors: as session_open and keys_make. prover_close
 * is safe after a failure.
 */
enum status prover_open(struct prover *prover, const char *folder, const char *srs_path,
                        unsigned threads, const struct plonk_progress *progress,
                        struct diag *diag) SERTN_MUST_CHECK;
void prover_close(struct prover *prover);

/* Makes keys and writes them, the Solidity that holds them and the hashes of the metadata, all or
 * nothing: public/vk is there only with the rest. */
enum status prover_make_keys(struct keys_result *result, struct session *session,
                             const char *srs_path, const struct plonk_progress *progress,
                             struct diag *diag) SERTN_MUST_CHECK;

/* Proves one set of inputs. The session then holds its values. */
enum status prover_prove(struct proof *proof, struct prover *prover,
                         const struct tensor *const *inputs,
                         const uint8_t context[PROOF_CONTEXT_BYTES],
                         const struct plonk_progress *progress, struct diag *diag) SERTN_MUST_CHECK;

#endif
