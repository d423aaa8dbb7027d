/*
 * Proving one job of the market: the input that was asked about, nothing else, and an output that
 * will be paid.
 */
#ifndef SERTN_RUNTIME_JOB_H
#define SERTN_RUNTIME_JOB_H

#include "runtime/market.h"
#include "runtime/prover.h"

/* What the market will hold an answer to. */
struct job_claim {
    uint8_t context[PROOF_CONTEXT_BYTES], precommitment[32], requirement[ABI_WORD];
    unsigned input_words, input_bits;
};

/*
 * Proves the answer of a model to an input (JSON, or what value_bytes_read takes; for hashed inputs
 * behind their salts, see hidden_input.h). Errors:
 * STATUS_REJECTED when the input is not the one that the requester committed to, or the output not
 * what it asks for: nobody could be paid for a proof; STATUS_BAD_INPUT for an input that the model
 * does not take; those of proving.
 */
enum status job_prove(struct proof *proof, struct prover *prover, const struct buffer *input,
                      const struct job_claim *claim, const struct plonk_progress *progress,
                      struct diag *diag) SERTN_MUST_CHECK;

/* Whether public words of a model are an answer that will be paid. Errors: those above. */
enum status job_check_words(const struct model *model, const struct job_claim *claim,
                            const uint8_t *words, size_t word_count,
                            struct diag *diag) SERTN_MUST_CHECK;

/* The input of a job: its own bytes where the hash is theirs, else what its URI names. Errors:
 * those of storage_get_keccak. */
enum status job_fetch_input(struct buffer *out, const struct market_request *request,
                            const struct storage *storage, uint64_t most_bytes,
                            struct diag *diag) SERTN_MUST_CHECK;

#endif
