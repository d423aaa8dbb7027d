/* See keys.h. */
#include "runtime/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/plonk/setup_proof.h"
#include "ir/support/file.h"

static const char tail_magic[8] = {'S', 'R', 'T', 'N', 'T', 'A', 'I', 'L'};
enum { DIGEST = 32, TAIL_FILE_BYTES = 2 * DIGEST + PLONK_PARAMETER_TAIL_BYTES };

static enum status add_part(struct file_set *set, const struct model *model, const char *name,
                            const void *bytes, size_t count, unsigned mode, struct diag *diag)
{
    char *path = model_path(model->folder, name);
    if (path == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to write '%s'", model->folder);
    enum status status = file_set_add(set, path, bytes, count, mode, true, diag);
    free(path);
    return status;
}

enum status keys_add_vk(struct file_set *set, const struct model *model, struct diag *diag)
{
    return add_part(set, model, "public/vk", model->vk, model->vk_bytes, FILE_MODE_PUBLIC, diag);
}

/* ---- private/tail ---- */

static enum status add_tail(struct file_set *set, const struct session *session,
                            const struct plonk_parameter_tail *tail, struct diag *diag)
{
    struct buffer file;
    uint8_t bytes[PLONK_PARAMETER_TAIL_BYTES];
    buffer_init(&file);
    plonk_parameter_tail_serialize(bytes, tail);
    model_frame_begin(&file, tail_magic, MODEL_FORMAT);
    buffer_put(&file, session->model.key.digest, DIGEST);
    buffer_put(&file, session->parameters_digest, DIGEST);
    buffer_put(&file, bytes, sizeof bytes);
    model_frame_end(&file);
    explicit_bzero(bytes, sizeof bytes);
    enum status status = buffer_status(&file, diag);
    if (status == STATUS_OK)
        status = add_part(set, &session->model, "private/tail", file.data, file.count,
                          FILE_MODE_PRIVATE, diag);
    if (file.data != NULL)
        explicit_bzero(file.data, file.count);
    buffer_release(&file);
    return status;
}

static enum status parse_tail(struct plonk_parameter_tail *tail, const struct session *session,
                              const struct buffer *file, const char *again, struct diag *diag)
{
    const char *folder = session->model.folder;
    const uint8_t *content = file->data + MODEL_FRAME_START;
    if (file->count != MODEL_FRAME_START + TAIL_FILE_BYTES + MODEL_FRAME_END)
        return diag_set(diag, STATUS_BAD_INPUT, "'%s/private/tail' is damaged; %s", folder, again);
    if (memcmp(content, session->model.key.digest, DIGEST) != 0)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%s/private/tail' belongs to another key than public/vk; %s", folder,
                        again);
    if (memcmp(content + DIGEST, session->parameters_digest, DIGEST) != 0)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the weights in '%s/private/parameters' are not those the key was made "
                        "for; %s",
                        folder, again);
    return plonk_parameter_tail_parse(tail, content + 2 * DIGEST, PLONK_PARAMETER_TAIL_BYTES, diag);
}

enum status keys_load_tail(struct plonk_parameter_tail *tail, const struct session *session,
                           struct diag *diag)
{
    struct buffer file;
    char again[DIAG_TEXT_BYTES];
    const char *folder = session->model.folder;
    char *path = model_path(folder, "private/tail");
    if (path == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to read '%s'", folder);
    buffer_init(&file);
    snprintf(again, sizeof again, "make the keys again with: sertn-run keys %.400s", folder);
    enum status status = model_read_part(&file, folder, "private/tail", again, diag);
    if (status == STATUS_OK)
        status = model_frame_check(&file, tail_magic, MODEL_FORMAT, path, again, diag);
    if (status == STATUS_OK)
        status = parse_tail(tail, session, &file, again, diag);
    if (file.data != NULL)
        explicit_bzero(file.data, file.count);
    buffer_release(&file);
    free(path);
    return status;
}

/* ---- making keys ---- */

static void tell(const struct plonk_progress *progress, const char *stage, double fraction)
{
    if (progress != NULL)
        progress->report(progress->context, stage, fraction);
}

enum status keys_make(struct keys_result *result, struct file_set *set, struct session *session,
                      const char *srs_path, const struct plonk_progress *progress,
                      struct diag *diag)
{
    double start = machine_seconds();
    struct model *model = &session->model;
    struct plonk_verifying_key key;
    struct plonk_parameter_tail tail;
    struct buffer setup;
    buffer_init(&setup);
    const fr *const columns[CIRCUIT_PARAM_MAX] = {session->column[CIRCUIT_ADVICE],
                                                  session->column[CIRCUIT_ADVICE + 1]};
    tell(progress, "powers of tau", 0);
    enum status status = session_open_srs(session, srs_path, diag);
    if (status == STATUS_OK)
        status = session_fill_parameters(session, diag);
    if (status == STATUS_OK)
        status = plonk_parameter_tail_draw(&tail, diag);
    tell(progress, "verifying key", 0.2);
    if (status == STATUS_OK)
        status = plonk_vk_make(&key, &model->circuit, model->mode, &session->srs, columns, &tail,
                               session->machine, diag);
    tell(progress, "setup proof", 0.5);
    if (status == STATUS_OK)
        status = plonk_setup_prove(&setup, &model->circuit, &key, &session->srs, columns, &tail,
                                   session->machine, diag);
    tell(progress, "done", 1);
    if (status == STATUS_OK) {
        model->key = key;
        model->vk_bytes = key.layout.vk_bytes;
        plonk_vk_serialize(model->vk, &model->key);
        model->has_key = true;
        status = add_tail(set, session, &tail, diag);
    }
    if (status == STATUS_OK)
        status =
            add_part(set, model, "public/setup", setup.data, setup.count, FILE_MODE_PUBLIC, diag);
    if (status == STATUS_OK) {
        *result = (struct keys_result){.made = true,
                                       .vk_bytes = model->vk_bytes,
                                       .setup_bytes = setup.count,
                                       .seconds = machine_seconds() - start};
        memcpy(result->vk_digest, model->key.digest, sizeof result->vk_digest);
    }
    plonk_parameter_tail_wipe(&tail);
    buffer_release(&setup);
    return status;
}
