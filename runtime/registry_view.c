/* See registry_view.h. */
#include "runtime/registry_view.h"

#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/metadata.h"

enum { MOST_FILES = 64, MANIFEST_BYTES = 1 << 16, NAME_BYTES = 100 };

/* ---- calls ---------------------------------------------------------------------------------- */

/* A function of no argument that answers with one word at least. */
static enum status ask_word(uint8_t word[ABI_WORD], const struct registry *registry,
                            const uint8_t to[ABI_ADDRESS], const char *signature, struct diag *diag)
{
    struct buffer data = {0}, answer = {0};
    abi_put_selector(&data, signature);
    enum status status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = contract_call(&answer, registry->nodes, to, &data, diag);
    if (status == STATUS_OK && answer.count != ABI_WORD)
        status = diag_set(diag, STATUS_IO, "a contract answers %s with something else", signature);
    if (status == STATUS_OK)
        memcpy(word, answer.data, ABI_WORD);
    buffer_release(&answer);
    buffer_release(&data);
    return status;
}

static enum status ask_address(uint8_t address[ABI_ADDRESS], const struct registry *registry,
                               const uint8_t to[ABI_ADDRESS], const char *signature,
                               struct diag *diag)
{
    uint8_t word[ABI_WORD];
    enum status status = ask_word(word, registry, to, signature, diag);
    if (status == STATUS_OK)
        memcpy(address, word + ABI_WORD - ABI_ADDRESS, ABI_ADDRESS);
    return status;
}

/* ---- the proof system ----------------------------------------------------------------------- */

/* routeOf: (state, verifier, (vkHash, inputWords, inputBits, inputs, answer)). */
static enum status read_route(struct registry_route *out, const struct buffer *answer,
                              struct diag *diag)
{
    static const uint8_t zeros[ABI_WORD];
    struct abi_reader r = {answer->data, answer->count, false};
    uint64_t state = abi_u64(&r, 0, 0);
    memcpy(out->verifier, abi_word(&r, 0, 1) + ABI_WORD - ABI_ADDRESS, ABI_ADDRESS);
    out->has_canary = memcmp(abi_word(&r, 0, 2), zeros, ABI_WORD) != 0;
    if (r.failed || state > REGISTRY_ROUTE_STOPPED)
        return diag_set(diag, STATUS_IO, "the router answers routeOf with something else");
    out->state = (enum registry_route_state)state;
    return STATUS_OK;
}

enum status registry_read_route(struct registry_route *out, const struct registry *registry,
                                const uint8_t proof_system_id[4], struct diag *diag)
{
    struct buffer data = {0}, answer = {0};
    uint8_t word[ABI_WORD] = {0};
    memset(out, 0, sizeof *out);
    enum status status = ask_address(out->router, registry, registry->address, "ROUTER()", diag);
    if (status == STATUS_OK)
        status = ask_word(word, registry, out->router, "frozen()", diag);
    out->is_frozen = word[ABI_WORD - 1] != 0;
    memset(word, 0, sizeof word);
    memcpy(word, proof_system_id, 4); /* bytes4 stands at the high end */
    abi_put_selector(&data, "routeOf(bytes4)");
    abi_put_word(&data, word);
    if (status == STATUS_OK)
        status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = contract_call(&answer, registry->nodes, out->router, &data, diag);
    if (status == STATUS_OK)
        status = read_route(out, &answer, diag);
    if (status == STATUS_OK && out->state != REGISTRY_ROUTE_NONE)
        status = ask_word(out->srs_digest, registry, out->verifier, "srsDigest()", diag);
    buffer_release(&answer);
    buffer_release(&data);
    return status;
}

/* ---- statistics ----------------------------------------------------------------------------- */

static enum status no_viewer(struct diag *diag)
{
    return diag_set(diag, STATUS_BAD_INPUT,
                    "--viewer is no viewer of a market that sells models of this registry");
}

/* The market's registry must be this one. */
static enum status check_viewer(const struct registry *registry, const uint8_t viewer[ABI_ADDRESS],
                                struct diag *diag)
{
    uint8_t market[ABI_ADDRESS], found[ABI_ADDRESS];
    struct diag why = {0};
    enum status status = ask_address(market, registry, viewer, "MARKET()", &why);
    if (status == STATUS_OK)
        status = ask_address(found, registry, market, "REGISTRY()", &why);
    if (status == STATUS_NO_MEMORY)
        return diag_set(diag, status, "%s", why.text);
    return status == STATUS_OK && memcmp(found, registry->address, ABI_ADDRESS) == 0
               ? STATUS_OK
               : no_viewer(diag);
}

enum status registry_read_statistics(struct registry_statistics *out,
                                     const struct registry *registry,
                                     const uint8_t viewer[ABI_ADDRESS], uint64_t number,
                                     struct diag *diag)
{
    struct buffer jobs = {0}, price = {0}, answer = {0};
    memset(out, 0, sizeof *out);
    abi_put_selector(&jobs, "lastJobs(uint256,uint256)");
    abi_put_u64(&jobs, number);
    abi_put_u64(&jobs, REGISTRY_LAST_JOBS);
    abi_put_selector(&price, "priceOf(uint256,uint32)");
    abi_put_u64(&price, number);
    abi_put_u64(&price, 0);
    enum status status = check_viewer(registry, viewer, diag);
    if (status == STATUS_OK)
        status = buffer_status(&price, diag);
    if (status == STATUS_OK)
        status = contract_call(&answer, registry->nodes, viewer, &jobs, diag);
    if (status == STATUS_OK) {
        struct abi_reader r = {answer.data, answer.count, false};
        out->open = abi_u64(&r, 0, 0);
        out->paid = abi_u64(&r, 0, 1);
        out->unanswered = abi_u64(&r, 0, 2);
        out->spare_seconds = abi_u64(&r, 0, 3);
        status = r.failed ? no_viewer(diag) : STATUS_OK;
    }
    buffer_clear(&answer);
    if (status == STATUS_OK)
        status = contract_call(&answer, registry->nodes, viewer, &price, diag);
    if (status == STATUS_OK) {
        struct abi_reader r = {answer.data, answer.count, false};
        out->price = amount_read(&r, 0, 0);
        status = r.failed ? no_viewer(diag) : STATUS_OK;
    }
    buffer_release(&answer);
    buffer_release(&price);
    buffer_release(&jobs);
    return status;
}

/* ---- files ---------------------------------------------------------------------------------- */

static enum status bad_manifest(const char *uri, const char *what, struct diag *diag)
{
    return diag_set(diag, STATUS_BAD_INPUT, "%.200s is no manifest of a published model: %s", uri,
                    what);
}

static bool read_hash(uint8_t hash[32], const cJSON *file, const char *name)
{
    struct buffer bytes = {0};
    bool good = abi_parse_hex(&bytes, endpoints_text(file, name)) && bytes.count == 32;
    if (good)
        memcpy(hash, bytes.data, 32);
    buffer_release(&bytes);
    return good;
}

/* What the manifest says of a file: where it is and what it is known by. */
static enum status read_entry(struct storage_id *id, const cJSON *file, const cJSON *files,
                              const char *uri, struct diag *diag)
{
    const char *name = endpoints_text(file, "name");
    const cJSON *bytes = cJSON_GetObjectItemCaseSensitive(file, "bytes"), *other;
    if (!registry_is_public_name(name) || strlen(name) > NAME_BYTES)
        return bad_manifest(uri, "it names a file that does not belong into a public folder", diag);
    cJSON_ArrayForEach(other, files)
    {
        if (other != file && strcmp(endpoints_text(other, "name"), name) == 0)
            return bad_manifest(uri, "it names a file twice", diag);
    }
    bool is_size = cJSON_IsNumber(bytes) && bytes->valuedouble >= 0 &&
                   bytes->valuedouble <= (double)MODEL_BYTES_MAX;
    if (!is_size || !read_hash(id->sha256, file, "sha256") ||
        !read_hash(id->keccak256, file, "keccak256"))
        return bad_manifest(uri, "a file has no size or no hash", diag);
    id->count_bytes = (uint64_t)bytes->valuedouble;
    return STATUS_OK;
}

static enum status fetch_file(struct registry_files *result, const char *folder, const cJSON *file,
                              const cJSON *files, const char *uri, const struct storage *storage,
                              struct diag *diag)
{
    struct storage_id id;
    struct buffer bytes = {0};
    char *path = file_join(folder, endpoints_text(file, "name"));
    enum status status = path == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory for a path")
                                      : read_entry(&id, file, files, uri, diag);
    if (status == STATUS_OK)
        status = storage_get(&bytes, storage, endpoints_text(file, "uri"), &id, diag);
    if (status == STATUS_OK)
        status = file_write(path, bytes.count == 0 ? (const uint8_t *)"" : bytes.data, bytes.count,
                            FILE_MODE_PUBLIC, false, diag);
    result->count++;
    result->bytes += bytes.count;
    free(path);
    buffer_release(&bytes);
    return status;
}

static enum status fetch_all(struct registry_files *result, const char *folder,
                             const struct buffer *manifest, const char *uri,
                             const struct storage *storage, struct diag *diag)
{
    cJSON *root = cJSON_ParseWithLength((const char *)manifest->data, manifest->count);
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(root, "version"),
                *files = cJSON_GetObjectItemCaseSensitive(root, "files"), *file;
    enum status status = STATUS_OK;
    if (!cJSON_IsNumber(version) || version->valuedouble != 1 || !cJSON_IsArray(files))
        status = bad_manifest(uri, "it is no JSON object of version 1 with a list of files", diag);
    else if (cJSON_GetArraySize(files) > MOST_FILES)
        status = bad_manifest(uri, "it names too many files", diag);
    cJSON_ArrayForEach(file, files)
    {
        if (status == STATUS_OK)
            status = fetch_file(result, folder, file, files, uri, storage, diag);
    }
    cJSON_Delete(root);
    return status;
}

enum status registry_fetch(struct registry_files *files, const char *folder,
                           const struct registry_model *model, const struct storage *storage,
                           struct diag *diag)
{
    struct buffer manifest = {0};
    char *public = model_path(folder, "public");
    *files = (struct registry_files){0};
    enum status status =
        public == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory for a path")
                       : storage_get_named(&manifest, storage, model->uri, MANIFEST_BYTES, diag);
    if (status == STATUS_OK)
        status = file_make_dir(public, 0755, diag);
    if (status == STATUS_OK)
        status = fetch_all(files, public, &manifest, model->uri, storage, diag);
    free(public);
    buffer_release(&manifest);
    return status;
}

/* ---- comparing ------------------------------------------------------------------------------ */

uint64_t registry_compute_cost(const struct plonk_verifying_key *key)
{
    return UINT64_C(1) << key->layout.lg_rows;
}

static enum status differs(const struct registry_model *expected, const char *what,
                           struct diag *diag)
{
    return diag_set(diag, STATUS_REJECTED,
                    "what lies at %.200s is not what was registered as model %llu: %s differs",
                    expected->uri, (unsigned long long)expected->number, what);
}

enum status registry_compare(const struct model *model, const struct registry_model *expected,
                             struct diag *diag)
{
    static const char *const names[] = {"model_hash", "input_schema_hash", "output_schema_hash"};
    const uint8_t *const hashes[] = {expected->model_hash, expected->input_schema_hash,
                                     expected->output_schema_hash};
    struct buffer text = {0};
    if (!model->has_key)
        return diag_set(diag, STATUS_REJECTED, "what lies at %.200s has no key", expected->uri);
    if (memcmp(model->key.digest, expected->vk_hash, 32) != 0)
        return differs(expected, "the key", diag);
    if (memcmp(model->circuit_digest, expected->circuit_hash, 32) != 0)
        return differs(expected, "the circuit", diag);
    if (registry_compute_cost(&model->key) != expected->compute_cost)
        return differs(expected, "the compute cost, which its key gives,", diag);
    enum status status = model_read_part(&text, model->folder, "public/metadata.json",
                                         "it was published without", diag);
    if (status == STATUS_OK)
        status = metadata_check(buffer_text(&text), model, diag);
    cJSON *metadata = status == STATUS_OK ? cJSON_Parse(buffer_text(&text)) : NULL;
    for (size_t i = 0; i < 3 && status == STATUS_OK; i++) {
        uint8_t found[32];
        if (!read_hash(found, metadata, names[i]) || memcmp(found, hashes[i], 32) != 0)
            status = differs(expected, names[i], diag);
    }
    cJSON_Delete(metadata);
    buffer_release(&text);
    return status;
}
