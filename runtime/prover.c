/* See prover.h. */
#include "runtime/prover.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/metadata.h"
#include "runtime/solidity.h"

static bool is_metadata_of(const struct model *model, const cJSON *root)
{
    char *hex = proof_print_hex(model->circuit_digest, sizeof model->circuit_digest);
    const cJSON *hash = cJSON_GetObjectItemCaseSensitive(root, "circuit_hash");
    bool fits = hex != NULL && cJSON_IsString(hash) && strcmp(hash->valuestring, hex) == 0;
    free(hex);
    return fits;
}

/* Adds to public/metadata.json what is known once there is a key. */
static enum status complete_metadata(struct file_set *set, const struct model *model,
                                     struct diag *diag)
{
    struct buffer text;
    char *path = model_path(model->folder, "public/metadata.json"), *printed = NULL;
    buffer_init(&text);
    enum status status = path == NULL
                             ? diag_set(diag, STATUS_NO_MEMORY, "no memory for the metadata")
                             : model_read_part(&text, model->folder, "public/metadata.json",
                                               "compile the model again with sertnc", diag);
    cJSON *root =
        status == STATUS_OK ? cJSON_ParseWithLength((const char *)text.data, text.count) : NULL;
    if (status == STATUS_OK && !is_metadata_of(model, root))
        status = diag_set(
            diag, STATUS_BAD_INPUT,
            "'%s' is damaged or of another model; compile the model again with sertnc", path);
    if (status == STATUS_OK && !metadata_add_key(root, model))
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the metadata");
    if (status == STATUS_OK)
        printed = cJSON_Print(root);
    if (status == STATUS_OK)
        status = printed == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory for the metadata")
                                 : file_set_add(set, path, printed, strlen(printed),
                                                FILE_MODE_PUBLIC, false, diag);
    free(printed);
    cJSON_Delete(root);
    buffer_release(&text);
    free(path);
    return status;
}

enum status prover_make_keys(struct keys_result *result, struct session *session,
                             const char *srs_path, const struct plonk_progress *progress,
                             struct diag *diag)
{
    struct file_set set = {0};
    enum status status = keys_make(result, &set, session, srs_path, progress, diag);
    if (status == STATUS_OK)
        status = solidity_write(&set, &session->model, diag);
    if (status == STATUS_OK)
        status = complete_metadata(&set, &session->model, diag);
    if (status == STATUS_OK)
        status = keys_add_vk(&set, &session->model, diag);
    if (status == STATUS_OK)
        return file_set_commit(&set, diag);
    file_set_abandon(&set);
    return status;
}

enum status prover_open(struct prover *p, const char *folder, const char *srs_path,
                        unsigned threads, const struct plonk_progress *progress, struct diag *diag)
{
    struct keys_result made;
    *p = (struct prover){0};
    enum status status = session_open(&p->session, folder, MODEL_WHOLE, threads, diag);
    if (status == STATUS_OK && !p->session.model.has_key) {
        status = prover_make_keys(&made, &p->session, srs_path, progress, diag);
        p->made_keys = status == STATUS_OK;
    }
    if (status == STATUS_OK && !p->session.has_srs)
        status = session_open_srs(&p->session, srs_path, diag);
    if (status == STATUS_OK)
        status = keys_load_tail(&p->tail, &p->session, diag);
    if (status == STATUS_OK)
        status = plonk_proving_key_load(&p->key, &p->session.model.circuit,
                                        p->session.model.circuit_digest, &p->session.model.key,
                                        &p->session.srs, p->session.machine, diag);
    if (status == STATUS_OK)
        status = plonk_proving_key_open_bases(&p->key, diag);
    if (status == STATUS_OK)
        srs_use_table(&p->session.srs, plonk_table_bytes(&p->key.vk.layout), p->session.machine);
    return status;
}

void prover_close(struct prover *p)
{
    plonk_parameter_tail_wipe(&p->tail);
    plonk_proving_key_release(&p->key);
    session_close(&p->session);
}

enum status prover_prove(struct proof *proof, struct prover *p, const struct tensor *const *inputs,
                         const uint8_t context[PROOF_CONTEXT_BYTES],
                         const struct plonk_progress *progress, struct diag *diag)
{
    *proof = (struct proof){0};
    enum status status = session_run(&p->session, inputs, diag);
    if (status == STATUS_OK)
        status = session_fill(&p->session, diag);
    if (status == STATUS_OK)
        status = proof_make(proof, &p->session, &p->key, &p->tail, context, progress, diag);
    return status;
}
