/* See keys.h. */
#include "runtime/keys.h"

#include <stdlib.h>
#include <string.h>

#include "backend/plonk/setup_proof.h"
#include "ir/support/file.h"
#include "passes/place.h"
#include "runtime/digest_spec.h"

static enum status write_part(const struct model *model, const char *name, const void *bytes,
                              size_t count, unsigned mode, struct diag *diag)
{
    char *path = model_path(model->folder, name);
    if (path == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to write '%s'", model->folder);
    enum status status = file_write(path, bytes, count, mode, true, diag);
    free(path);
    return status;
}

static enum status read_part(struct buffer *out, const char *folder, const char *name,
                             struct diag *diag)
{
    char *path = model_path(folder, name);
    if (path == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to read '%s'", folder);
    enum status status = file_read(path, MODEL_BYTES_MAX, out, diag);
    free(path);
    return status;
}

enum status keys_load_tail(struct plonk_parameter_tail *tail, const struct model *model,
                           struct diag *diag)
{
    struct buffer bytes;
    buffer_init(&bytes);
    enum status status = read_part(&bytes, model->folder, "private/tail", diag);
    if (status == STATUS_OK)
        status = plonk_parameter_tail_parse(tail, bytes.data, bytes.count, diag);
    if (bytes.data != NULL)
        explicit_bzero(bytes.data, bytes.count);
    buffer_release(&bytes);
    return status;
}

/* The tail goes first and the key last: a key on disk always has what proving with it needs. */
static enum status write_keys(struct session *session, const struct plonk_parameter_tail *tail,
                              const struct buffer *setup, struct diag *diag)
{
    struct model *model = &session->model;
    uint8_t bytes[PLONK_PARAMETER_TAIL_BYTES];
    plonk_parameter_tail_serialize(bytes, tail);
    enum status status =
        write_part(model, "private/tail", bytes, sizeof bytes, FILE_MODE_PRIVATE, diag);
    explicit_bzero(bytes, sizeof bytes);
    if (status == STATUS_OK)
        status =
            write_part(model, "public/setup", setup->data, setup->count, FILE_MODE_PUBLIC, diag);
    if (status == STATUS_OK)
        status = write_part(model, "public/vk", model->vk, model->vk_bytes, FILE_MODE_PUBLIC, diag);
    return status;
}

enum status keys_make(struct keys_result *result, struct session *session, const char *srs_path,
                      const struct plonk_progress *progress, struct diag *diag)
{
    double start = machine_seconds();
    struct model *model = &session->model;
    struct plonk_proving_key key = {0};
    struct plonk_parameter_tail tail;
    struct buffer setup;
    buffer_init(&setup);
    const fr *const columns[CIRCUIT_PARAM_MAX] = {session->column[CIRCUIT_ADVICE],
                                                  session->column[CIRCUIT_ADVICE + 1]};
    enum status status = session_open_srs(session, srs_path, diag);
    if (status == STATUS_OK)
        status = session_fill_parameters(session, diag);
    if (status == STATUS_OK)
        status = plonk_parameter_tail_draw(&tail, diag);
    if (status == STATUS_OK)
        status = plonk_keys_make(&key, &model->circuit, model->mode, &session->srs, columns, &tail,
                                 session->machine, diag);
    if (status == STATUS_OK)
        status = plonk_setup_prove(&setup, &model->circuit, &key.vk, &session->srs, columns, &tail,
                                   session->machine, progress, diag);
    if (status == STATUS_OK) {
        model->key = key.vk;
        model->vk_bytes = key.vk.layout.vk_bytes;
        plonk_vk_serialize(model->vk, &model->key);
        model->has_key = true;
        status = write_keys(session, &tail, &setup, diag);
    }
    if (status == STATUS_OK) {
        *result = (struct keys_result){.made = true,
                                       .vk_bytes = model->vk_bytes,
                                       .setup_bytes = setup.count,
                                       .seconds = machine_seconds() - start};
        memcpy(result->vk_digest, model->key.digest, sizeof result->vk_digest);
    }
    plonk_parameter_tail_wipe(&tail);
    plonk_proving_key_release(&key);
    buffer_release(&setup);
    return status;
}

/*
 * Places the public program again: a circuit that leaves out a constraint of its program, or adds a
 * row of its own, is not what the compiler gives. With the key recomputed from the circuit this
 * ties the key to the relations that the model's metadata describes.
 */
static enum status check_placement(const struct model *model, struct diag *diag)
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
        status = check_placement(&session.model, diag);
    if (status == STATUS_OK) {
        session.machine = machine_new(threads);
        status = session_open_srs(&session, srs_path, diag);
    }
    if (status == STATUS_OK)
        status = read_part(&setup, folder, "public/setup", diag);
    if (status == STATUS_OK)
        status = plonk_setup_check(setup.data, setup.count, &session.model.circuit,
                                   &session.model.key, &session.srs, session.machine, diag);
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
