/* Checking published keys; see keys.h. Everything in public/ may come from somebody who wants wrong
 * proofs accepted. */
#include <string.h>

#include "backend/plonk/setup_proof.h"
#include "passes/bound_ranges.h"
#include "passes/place.h"
#include "runtime/digest_spec.h"
#include "runtime/keys.h"
#include "runtime/metadata.h"
#include "runtime/solidity.h"

/* The texts that are published beside the key say of it what is true. */
static enum status check_texts(const struct model *model, struct diag *diag)
{
    struct buffer text;
    buffer_init(&text);
    enum status status = model_read_part(&text, model->folder, "public/metadata.json",
                                         "its owner makes it again with: sertnc", diag);
    if (status == STATUS_OK)
        status = metadata_check(buffer_text(&text), model, diag);
    if (status == STATUS_OK)
        status = solidity_check(model, diag);
    buffer_release(&text);
    return status;
}

/*
 * Proves the ranges that the public program declares and places it again: a circuit that leaves out
 * a constraint of its program, or adds a row of its own, is not what the compiler gives. With the
 * key recomputed from the circuit this ties the key to the relations that the model's metadata
 * describes.
 */
enum status keys_check_program(const struct model *model, struct diag *diag)
{
    struct arena arena;
    struct digest_spec spec;
    struct circuit circuit;
    struct place_summary summary;
    uint8_t digest[32];
    struct place_options options = {.capacity_bits = MODEL_CAPACITY_BITS, .digest = &spec};
    arena_init(&arena, 0);
    enum status status =
        digest_spec_init(&spec, &arena)
            ? STATUS_OK
            : diag_set(diag, STATUS_NO_MEMORY, "no memory to place the model again");
    if (status == STATUS_OK)
        status = pass_bound_ranges(&model->program, MODEL_CAPACITY_BITS, diag);
    if (status == STATUS_OK)
        status = place_circuit(&circuit, &summary, &model->program, &options, &arena, diag);
    if (status == STATUS_OK) {
        memcpy(circuit.program_digest, model->circuit.program_digest,
               sizeof circuit.program_digest);
        status = plonk_circuit_digest(digest, &circuit, diag);
    }
    if (status == STATUS_OK && memcmp(digest, model->circuit_digest, sizeof digest) != 0)
        status = diag_set(diag, STATUS_REJECTED,
                          "'%s': the circuit is not the one that its program gives", model->folder);
    arena_release(&arena);
    return status;
}

enum status keys_check(struct keys_result *result, const char *folder, const char *srs_path,
                       unsigned threads, struct diag *diag)
{
    double start = machine_seconds();
    struct session session = {
        0}; /* no weights: only the model, the threads and the SRS are opened */
    struct buffer setup;
    buffer_init(&setup);
    enum status status = model_load(&session.model, folder, MODEL_WHOLE, diag);
    if (status == STATUS_OK && !session.model.has_key)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "'%s' has no key yet; its owner makes it with: sertn-run keys %s", folder,
                          folder);
    if (status == STATUS_OK)
        status = keys_check_program(&session.model, diag);
    if (status == STATUS_OK) {
        session.machine = machine_new(threads);
        status = session_open_srs(&session, srs_path, diag);
    }
    if (status == STATUS_OK)
        status = model_read_part(&setup, folder, "public/setup",
                                 "get it from the model's owner: the ranges of the weights cannot "
                                 "be checked without it",
                                 diag);
    if (status == STATUS_OK) {
        status = plonk_setup_check(setup.data, setup.count, &session.model.circuit,
                                   &session.model.key, &session.srs, session.machine, diag);
        if (status != STATUS_OK)
            status = diag_prefix(diag, status, "'%s/public/setup'", folder);
    }
    if (status == STATUS_OK)
        status = check_texts(&session.model, diag);
    if (status == STATUS_OK) {
        *result = (struct keys_result){.vk_bytes = session.model.vk_bytes,
                                       .setup_bytes = setup.count,
                                       .seconds = machine_seconds() - start};
        memcpy(result->vk_digest, session.model.key.digest, sizeof result->vk_digest);
    }
    buffer_release(&setup);
    session_close(&session);
    return status;
}
