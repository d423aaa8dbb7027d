/* See job.h. */
#include "runtime/job.h"

#include <stdlib.h>
#include <string.h>

#include "backend/hash/keccak.h"
#include "runtime/hidden_input.h"
#include "runtime/workload.h"

enum { WORD_BYTES = 32 };

static enum status check_layout(const struct model *model, const struct job_claim *claim,
                                struct diag *diag)
{
    struct workload_layout layout;
    enum status status = workload_layout(&layout, model, diag);
    if (status == STATUS_OK &&
        (layout.words != claim->input_words || layout.bits != claim->input_bits))
        status = diag_set(diag, STATUS_REJECTED,
                          "the job takes %u words and %u bits for the input and the model has %u "
                          "and %u: no answer can be paid",
                          claim->input_words, claim->input_bits, layout.words, layout.bits);
    return status;
}

enum status job_check_words(const struct model *model, const struct job_claim *claim,
                            const uint8_t *words, size_t word_count, struct diag *diag)
{
    const struct workload_layout layout = {claim->input_words, claim->input_bits};
    uint8_t commitment[32];
    enum status status = check_layout(model, claim, diag);
    if (status == STATUS_OK && (!workload_commit(commitment, &layout, words, word_count) ||
                                memcmp(commitment, claim->precommitment, 32) != 0))
        status = diag_set(diag, STATUS_REJECTED,
                          "the input is not the one that the requester committed to");
    if (status == STATUS_OK && !market_meets(words, word_count, claim->requirement))
        status = diag_set(diag, STATUS_REJECTED,
                          "the output is not what the requester asks for: it would not be paid");
    return status;
}

/* The public words that session_fill left. */
static enum status check_session(const struct session *session, const struct job_claim *claim,
                                 struct diag *diag)
{
    size_t count = session->model.circuit.public_word_count;
    uint8_t *words = calloc(count + 1, WORD_BYTES);
    if (words == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for %zu public words", count);
    for (size_t i = 0; i < count; i++)
        fr_to_bytes_be(words + WORD_BYTES * i, &session->words[i]);
    enum status status = job_check_words(&session->model, claim, words, count, diag);
    free(words);
    return status;
}

enum status job_prove(struct proof *proof, struct prover *prover, const struct buffer *input,
                      const struct job_claim *claim, const struct plonk_progress *progress,
                      struct diag *diag)
{
    struct session *session = &prover->session;
    struct value_sets sets = {0};
    struct value_spec *specs;
    struct arena arena;
    const uint8_t *bytes;
    size_t count;
    *proof = (struct proof){0};
    arena_init(&arena, 0);
    enum status status = check_layout(&session->model, claim, diag);
    if (status == STATUS_OK)
        status = hidden_input_take(&session->salts, &bytes, &count, &session->model, input, diag);
    if (status == STATUS_OK)
        status = values_specs(&specs, &session->model, &arena, diag);
    if (status == STATUS_OK)
        status = value_bytes_read(&sets, "input.json", bytes, count, specs,
                                  session->model.interface.input_count, &arena, diag);
    if (status == STATUS_OK && sets.count != 1)
        status = diag_set(diag, STATUS_BAD_INPUT, "the job has %zu inputs; one job is one input",
                          sets.count);
    if (status == STATUS_OK)
        status = session_run(session, (const struct tensor *const *)sets.set[0].tensor, diag);
    if (status == STATUS_OK)
        status = session_fill(session, diag);
    if (status == STATUS_OK)
        status = check_session(session, claim, diag);
    if (status == STATUS_OK)
        status =
            proof_make(proof, session, &prover->key, &prover->tail, claim->context, progress, diag);
    session->salts = NULL;
    arena_release(&arena);
    return status;
}

enum status job_fetch_input(struct buffer *out, const struct market_request *request,
                            const struct storage *storage, uint64_t most_bytes, struct diag *diag)
{
    uint8_t digest[KECCAK256_BYTES];
    char uri[STORAGE_URI_BYTES];
    keccak256(digest, request->input, request->input_bytes);
    if (memcmp(digest, request->input_hash, sizeof digest) == 0) {
        if (request->input_bytes > most_bytes)
            return diag_set(diag, STATUS_LIMIT, "the input has %zu bytes, more than %llu",
                            request->input_bytes, (unsigned long long)most_bytes);
        buffer_put(out, request->input, request->input_bytes);
        return buffer_status(out, diag);
    }
    size_t length = request->input_bytes;
    bool is_text = length > 0 && length < sizeof uri;
    for (size_t i = 0; i < length && is_text; i++)
        is_text = request->input[i] > ' ' && request->input[i] <= '~';
    if (!is_text)
        return diag_set(diag, STATUS_REJECTED,
                        "the job has neither the input of its hash nor an address of it");
    memcpy(uri, request->input, length);
    uri[length] = '\0';
    return storage_get_keccak(out, storage, uri, request->input_hash, most_bytes, diag);
}
