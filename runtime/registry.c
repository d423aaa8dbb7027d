/* See registry.h. */
#include "runtime/registry.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/commit/srs.h"
#include "backend/hash/keccak.h"
#include "ir/support/file.h"
#include "runtime/contract.h"
#include "runtime/metadata.h"

/* ---- calls ---------------------------------------------------------------------------------- */

/* Calls a function of one number at most (none: argument is null). */
static enum status call_function(struct buffer *answer, struct endpoints *nodes, const uint8_t *to,
                                 const char *signature, const uint64_t *argument, struct diag *diag)
{
    struct buffer data = {0};
    abi_put_selector(&data, signature);
    if (argument != NULL)
        abi_put_u64(&data, *argument);
    enum status status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = contract_call(answer, nodes, to, &data, diag);
    buffer_release(&data);
    return status;
}

static enum status no_registry(const struct registry *registry, struct diag *diag)
{
    char text[2 * ABI_ADDRESS + 1];
    for (int i = 0; i < ABI_ADDRESS; i++)
        sprintf(text + 2 * i, "%02x", registry->address[i]);
    return diag_set(diag, STATUS_BAD_INPUT,
                    "there is no registry of models at 0x%s on chain %" PRIu64, text,
                    registry->nodes->chain_id);
}

/* A word that a function of the registry answers with. */
static enum status ask_word(uint8_t word[ABI_WORD], const struct registry *registry,
                            const char *signature, struct diag *diag)
{
    return contract_ask_word(word, registry->nodes, registry->address, signature,
                             "registry of models", diag);
}

/* ---- reading -------------------------------------------------------------------------------- */

enum status registry_count(uint64_t *count, const struct registry *registry, struct diag *diag)
{
    uint8_t word[ABI_WORD];
    enum status status = ask_word(word, registry, "modelCount()", diag);
    struct abi_reader r = {word, sizeof word, false};
    if (status != STATUS_OK)
        return status;
    *count = abi_u64(&r, 0, 0);
    return r.failed ? no_registry(registry, diag) : STATUS_OK;
}

/* getModel: ((modelHash, circuitHash, vkHash, proofSystemId, uri), deprecated, owner). */
static bool read_model(struct registry_model *m, const struct buffer *answer)
{
    struct abi_reader r = {answer->data, answer->count, false};
    size_t tuple = abi_offset(&r, 0, 0), uri_bytes;
    memcpy(m->model_hash, abi_word(&r, tuple, 0), 32);
    memcpy(m->circuit_hash, abi_word(&r, tuple, 1), 32);
    memcpy(m->vk_hash, abi_word(&r, tuple, 2), 32);
    memcpy(m->proof_system_id, abi_word(&r, tuple, 3), 4);
    const uint8_t *uri = abi_bytes(&uri_bytes, &r, abi_offset(&r, tuple, 4));
    if (uri_bytes >= sizeof m->uri)
        r.failed = true;
    for (size_t i = 0; i < uri_bytes && !r.failed; i++)
        m->uri[i] = (char)(uri[i] > ' ' && uri[i] <= '~' ? uri[i] : '?');
    uint64_t deprecated = abi_u64(&r, 0, 1);
    m->is_deprecated = deprecated != 0;
    memcpy(m->owner, abi_word(&r, 0, 2) + ABI_WORD - ABI_ADDRESS, ABI_ADDRESS);
    return !r.failed && deprecated <= 1;
}

/* termsOf: (vkHash, proofSystemId, computeCost, royalty, deprecated). */
static bool read_terms(struct registry_model *m, const struct buffer *answer)
{
    struct abi_reader r = {answer->data, answer->count, false};
    bool same = memcmp(abi_word(&r, 0, 0), m->vk_hash, 32) == 0;
    m->compute_cost = abi_u64(&r, 0, 2);
    memcpy(m->royalty, abi_word(&r, 0, 3), ABI_WORD);
    return !r.failed && same;
}

static bool read_schemas(struct registry_model *m, const struct buffer *answer)
{
    struct abi_reader r = {answer->data, answer->count, false};
    memcpy(m->input_schema_hash, abi_word(&r, 0, 0), 32);
    memcpy(m->output_schema_hash, abi_word(&r, 0, 1), 32);
    return !r.failed;
}

enum status registry_show(struct registry_model *out, const struct registry *registry,
                          uint64_t number, struct diag *diag)
{
    static const struct {
        const char *signature;
        bool (*read)(struct registry_model *m, const struct buffer *answer);
    } parts[] = {{"getModel(uint256)", read_model},
                 {"termsOf(uint256)", read_terms},
                 {"schemasOf(uint256)", read_schemas}};
    uint64_t count;
    *out = (struct registry_model){.number = number};
    enum status status = registry_count(&count, registry, diag);
    if (status == STATUS_OK && (number == 0 || number > count))
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "the registry has no model %" PRIu64 ": it has %" PRIu64, number, count);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == STATUS_OK; i++) {
        struct buffer answer = {0};
        status = call_function(&answer, registry->nodes, registry->address, parts[i].signature,
                               &number, diag);
        if (status == STATUS_OK && !parts[i].read(out, &answer))
            status = diag_set(diag, STATUS_IO, "the registry answers %s with something else",
                              parts[i].signature);
        buffer_release(&answer);
    }
    return status;
}

/* ---- what is published ---------------------------------------------------------------------- */

enum status registry_check_model(const struct model *model, struct diag *diag)
{
    struct srs_verifier development;
    struct buffer text = {0};
    if (!model->has_key)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%s' has no key yet: make it with sertn-run keys --srs FILE.ptau",
                        model->folder);
    if (model->mode != PLONK_MODE_GAS)
        return diag_set(diag, STATUS_UNSUPPORTED,
                        "'%s' is of mode fast, which no chain verifies; compile with --mode gas",
                        model->folder);
    srs_verifier_init_development(&development);
    if (memcmp(model->key.srs_digest, development.digest, sizeof development.digest) == 0)
        return diag_set(
            diag, STATUS_BAD_INPUT,
            "the key of '%s' was made over the development parameters, which anybody can "
            "forge: make another with sertn-run keys --srs FILE.ptau",
            model->folder);
    enum status status = model_read_part(&text, model->folder, "public/metadata.json",
                                         "compile the model again", diag);
    if (status == STATUS_OK)
        status = metadata_check(buffer_text(&text), model, diag);
    buffer_release(&text);
    return status;
}

static bool has_ending(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n > m && strcmp(name + n - m, ending) == 0;
}

bool registry_is_public_name(const char *name)
{
    static const char *const names[] = {"circuit", "metadata.json", "report.json", "vk", "setup"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return has_ending(name, ".sol") && name[0] != '.' && strchr(name, '/') == NULL;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
    char **name; /* owned, sorted */
    size_t count;
};

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->name[i]);
    free(names->name);
}

/* The files of public/, each a plain file that belongs there. */
static enum status list_public(struct names *names, const char *folder, struct diag *diag)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    enum status status = STATUS_OK;
    if (dir == NULL)
        return diag_set(diag, STATUS_BAD_INPUT, "cannot read '%s': %s", folder, strerror(errno));
    while (status == STATUS_OK && (entry = readdir(dir)) != NULL) {
        struct stat info;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *path = file_join(folder, entry->d_name);
        char **more = realloc(names->name, (names->count + 1) * sizeof *more);
        if (path == NULL || more == NULL) {
            status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the files of '%s'", folder);
        } else if (!registry_is_public_name(entry->d_name)) {
            status = diag_set(diag, STATUS_BAD_INPUT,
                              "'%s' is nothing that belongs into a public folder: publishing could "
                              "give away what is private; move it elsewhere",
                              path);
        } else if (lstat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
            status = diag_set(diag, STATUS_BAD_INPUT,
                              "'%s' is no plain file: what it leads to could be private", path);
        }
        if (more != NULL)
            names->name = more;
        if (status == STATUS_OK) {
            names->name[names->count] = strdup(entry->d_name);
            if (names->name[names->count] == NULL)
                status = diag_set(diag, STATUS_NO_MEMORY, "no memory for a name");
            else
                names->count++;
        }
        free(path);
    }
    closedir(dir);
    if (names->count > 0)
        qsort(names->name, names->count, sizeof *names->name, compare_names);
    return status;
}

/* Into the folder, onto the node where there is one, to Arweave where a wallet pays. */
static enum status store(char uri[STORAGE_URI_BYTES], struct storage_id *id,
                         const struct storage *storage, const struct arweave_upload *arweave,
                         const struct buffer *bytes, struct diag *diag)
{
    enum status status = storage_put_local(uri, id, storage, bytes->data, bytes->count, diag);
    if (status == STATUS_OK && storage->ipfs != NULL)
        status = storage_put_ipfs(uri, id, storage, bytes->data, bytes->count, diag);
    if (status == STATUS_OK && arweave != NULL && bytes->count > 0)
        status =
            storage_put_arweave_paid(uri, id, storage, arweave, bytes->data, bytes->count, diag);
    return status;
}

static enum status store_file(struct buffer *manifest, const char *folder, const char *name,
                              const struct storage *storage, const struct arweave_upload *arweave,
                              struct diag *diag)
{
    struct buffer bytes = {0};
    struct storage_id id;
    char uri[STORAGE_URI_BYTES];
    char *path = file_join(folder, name);
    enum status status = path == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory for a path")
                                      : file_read(path, MODEL_BYTES_MAX, &bytes, diag);
    if (status == STATUS_OK)
        status = store(uri, &id, storage, arweave, &bytes, diag);
    if (status == STATUS_OK) {
        buffer_puts(manifest, "{\"name\":");
        buffer_put_json(manifest, name);
        buffer_printf(manifest, ",\"uri\":\"%s\",\"bytes\":%" PRIu64 ",\"sha256\":\"", uri,
                      id.count_bytes);
        contract_put_hex(manifest, id.sha256, 32);
        buffer_puts(manifest, "\",\"keccak256\":\"");
        contract_put_hex(manifest, id.keccak256, 32);
        buffer_puts(manifest, "\"}");
    }
    free(path);
    buffer_release(&bytes);
    return status;
}

enum status registry_store_model(char uri[STORAGE_URI_BYTES], const struct model *model,
                                 const struct storage *storage,
                                 const struct arweave_upload *arweave, struct diag *diag)
{
    struct names names = {0};
    struct buffer manifest = {0};
    struct storage_id id;
    char *folder = model_path(model->folder, "public");
    enum status status = folder == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory for a path")
                                        : list_public(&names, folder, diag);
    buffer_puts(&manifest, "{\"version\":1,\"files\":[");
    for (size_t i = 0; i < names.count && status == STATUS_OK; i++) {
        buffer_puts(&manifest, i == 0 ? "" : ",");
        status = store_file(&manifest, folder, names.name[i], storage, arweave, diag);
    }
    buffer_puts(&manifest, "]}\n");
    if (status == STATUS_OK)
        status = buffer_status(&manifest, diag);
    if (status == STATUS_OK)
        status = store(uri, &id, storage, arweave, &manifest, diag);
    free_names(&names);
    free(folder);
    buffer_release(&manifest);
    return status;
}

/* ---- sending -------------------------------------------------------------------------------- */

/* A name in the journal: what is done, with which key, where. */
static void entry_name(char name[JOURNAL_NAME_BYTES], const char *verb,
                       const struct registry *registry, const uint8_t *about, size_t count)
{
    size_t at = (size_t)snprintf(name, JOURNAL_NAME_BYTES, "%s ", verb);
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(name + at, JOURNAL_NAME_BYTES - at, "%02x", about[i]);
    at += (size_t)snprintf(name + at, JOURNAL_NAME_BYTES - at, " at ");
    for (size_t i = 0; i < ABI_ADDRESS; i++)
        at += (size_t)snprintf(name + at, JOURNAL_NAME_BYTES - at, "%02x", registry->address[i]);
}

static bool read_hash(uint8_t out[32], const cJSON *metadata, const char *name)
{
    struct buffer bytes = {0};
    bool good = abi_parse_hex(&bytes, endpoints_text(metadata, name)) && bytes.count == 32;
    if (good)
        memcpy(out, bytes.data, 32);
    buffer_release(&bytes);
    return good;
}

/* register((inputSchema, outputSchema, model, system, royalty, uri), vk, maxFee). */
static enum status put_registration(struct buffer *out, const struct model *model,
                                    const struct registry_publication *p,
                                    const uint8_t fee[ABI_WORD], struct diag *diag)
{
    static const char system_name[] = "sertn-plonk-bn254-v1";
    uint8_t hash[3][32], system[ABI_WORD] = {0}, digest[KECCAK256_BYTES];
    struct buffer text = {0};
    enum status status = model_read_part(&text, model->folder, "public/metadata.json",
                                         "compile the model again", diag);
    cJSON *metadata = status == STATUS_OK ? cJSON_Parse(buffer_text(&text)) : NULL;
    if (status == STATUS_OK && !(read_hash(hash[0], metadata, "input_schema_hash") &&
                                 read_hash(hash[1], metadata, "output_schema_hash") &&
                                 read_hash(hash[2], metadata, "model_hash")))
        status = diag_set(diag, STATUS_BAD_INPUT, "'%s/public/metadata.json' lacks a hash",
                          model->folder);
    cJSON_Delete(metadata);
    buffer_release(&text);
    if (status != STATUS_OK)
        return status;
    keccak256(digest, system_name, sizeof system_name - 1);
    memcpy(system, digest, 4);
    size_t uri_bytes = strlen(p->uri), tuple = 6 * ABI_WORD + abi_bytes_size(uri_bytes);
    abi_put_selector(out, "register((bytes32,bytes32,bytes32,bytes4,uint96,string),bytes,uint256)");
    abi_put_u64(out, 3 * ABI_WORD);
    abi_put_u64(out, 3 * ABI_WORD + tuple);
    abi_put_word(out, fee);
    for (int i = 0; i < 3; i++)
        abi_put_word(out, hash[i]);
    abi_put_word(out, system);
    abi_put_u64(out, p->royalty);
    abi_put_u64(out, 6 * ABI_WORD);
    abi_put_bytes(out, p->uri, uri_bytes);
    abi_put_bytes(out, model->vk, model->vk_bytes);
    return buffer_status(out, diag);
}

/* A word of the token about the account: balance or allowance. */
static enum status ask_token(uint8_t word[ABI_WORD], const struct registry *registry,
                             const uint8_t *token, const struct account *account, bool allowance,
                             struct diag *diag)
{
    struct buffer data = {0}, answer = {0};
    uint8_t owner[ABI_ADDRESS];
    bool is_address = abi_parse_address(owner, account->id.address);
    ASSERT(is_address);
    abi_put_selector(&data, allowance ? "allowance(address,address)" : "balanceOf(address)");
    abi_put_address(&data, owner);
    if (allowance)
        abi_put_address(&data, registry->address);
    enum status status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = contract_call(&answer, registry->nodes, token, &data, diag);
    if (status == STATUS_OK && answer.count != ABI_WORD)
        status = diag_set(diag, STATUS_IO, "the registry's token is no ERC-20");
    if (status == STATUS_OK)
        memcpy(word, answer.data, ABI_WORD);
    buffer_release(&data);
    buffer_release(&answer);
    return status;
}

/* Allows the registry to take the fee, once for each number of models (a second fee is another
 * permission). */
static enum status allow_fee(const struct registry *registry, struct account *account,
                             const uint8_t *token, const uint8_t fee[ABI_WORD],
                             const struct model *model, struct diag *diag)
{
    uint8_t word[ABI_WORD];
    char name[JOURNAL_NAME_BYTES];
    struct account_result result;
    struct buffer data = {0};
    enum status status = ask_token(word, registry, token, account, false, diag);
    if (status == STATUS_OK && memcmp(word, fee, ABI_WORD) < 0)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "the account %s has not the tokens that registering costs; send it some",
                          account->id.address);
    if (status == STATUS_OK)
        status = ask_token(word, registry, token, account, true, diag);
    if (status != STATUS_OK || memcmp(word, fee, ABI_WORD) >= 0)
        return status;
    abi_put_selector(&data, "approve(address,uint256)");
    abi_put_address(&data, registry->address);
    abi_put_word(&data, fee);
    entry_name(name, "approve", registry, model->key.digest, 32);
    status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = account_send(&result, account, name, token, &data, 0, diag);
    buffer_release(&data);
    return status;
}

/* The number of the model, from the event in the receipt. */
static enum status read_number(uint64_t *number, const struct registry *registry, const char *hash,
                               struct diag *diag)
{
    static const char signature[] =
        "ModelRegistered(uint256,address,(bytes32,bytes32,bytes32,bytes4,string))";
    uint8_t topic[KECCAK256_BYTES];
    cJSON *receipt;
    bool found = false;
    keccak256(topic, signature, sizeof signature - 1);
    enum status status = endpoints_receipt(&receipt, registry->nodes, hash, diag);
    const cJSON *log;
    cJSON_ArrayForEach(log, cJSON_GetObjectItemCaseSensitive(receipt, "logs"))
    {
        const cJSON *topics = cJSON_GetObjectItemCaseSensitive(log, "topics");
        const cJSON *first = cJSON_GetArrayItem(topics, 0), *second = cJSON_GetArrayItem(topics, 1);
        struct buffer bytes = {0};
        if (cJSON_IsString(first) && cJSON_IsString(second) &&
            abi_parse_hex(&bytes, first->valuestring) &&
            abi_parse_hex(&bytes, second->valuestring) && bytes.count == 64 &&
            memcmp(bytes.data, topic, 32) == 0) {
            struct abi_reader r = {bytes.data, bytes.count, false};
            *number = abi_u64(&r, 32, 0);
            found = !r.failed;
        }
        buffer_release(&bytes);
    }
    cJSON_Delete(receipt);
    if (status == STATUS_OK && !found)
        status = diag_set(diag, STATUS_IO, "the receipt of %s has no registration", hash);
    return status;
}

enum status registry_publish(uint64_t *number, struct account_result *result,
                             const struct registry *registry, struct account *account,
                             const struct model *model,
                             const struct registry_publication *publication, struct diag *diag)
{
    uint8_t fee[ABI_WORD], token[ABI_WORD];
    char name[JOURNAL_NAME_BYTES];
    struct journal_entry entry;
    struct buffer data = {0};
    bool is_known;
    entry_name(name, "register", registry, model->key.digest, 32);
    enum status status = registry_check_model(model, diag);
    if (status == STATUS_OK)
        status = ask_word(fee, registry, "fee()", diag);
    if (status == STATUS_OK)
        status = ask_word(token, registry, "TOKEN()", diag);
    struct abi_reader r = {fee, sizeof fee, false};
    uint64_t small = abi_u64(&r, 0, 0);
    if (status == STATUS_OK && publication->most_fee != 0 &&
        (r.failed || small > publication->most_fee))
        status = diag_set(diag, STATUS_LIMIT, "registering costs more than the limit of %" PRIu64,
                          publication->most_fee);
    if (status == STATUS_OK)
        status = journal_find(&is_known, &entry, account->journal, &account->id, name, diag);
    if (status == STATUS_OK && !is_known)
        status = allow_fee(registry, account, token + ABI_WORD - ABI_ADDRESS, fee, model, diag);
    if (status == STATUS_OK)
        status = put_registration(&data, model, publication, fee, diag);
    if (status == STATUS_OK)
        status = account_send(result, account, name, registry->address, &data, 0, diag);
    if (status == STATUS_OK)
        status = read_number(number, registry, result->hash, diag);
    buffer_release(&data);
    return status;
}

enum status registry_deprecate(struct account_result *result, const struct registry *registry,
                               struct account *account, uint64_t number, struct diag *diag)
{
    struct registry_model model;
    struct buffer data = {0};
    uint8_t owner[ABI_ADDRESS], about[8];
    char name[JOURNAL_NAME_BYTES];
    enum status status = registry_show(&model, registry, number, diag);
    if (status != STATUS_OK)
        return status;
    bool is_address = abi_parse_address(owner, account->id.address);
    ASSERT(is_address);
    if (memcmp(owner, model.owner, sizeof owner) != 0)
        return diag_set(diag, STATUS_REJECTED, "the account %s does not own model %" PRIu64,
                        account->id.address, number);
    for (int i = 0; i < 8; i++)
        about[i] = (uint8_t)(number >> (56 - 8 * i));
    entry_name(name, "deprecate", registry, about, sizeof about);
    abi_put_selector(&data, "deprecateModel(uint256)");
    abi_put_u64(&data, number);
    status = buffer_status(&data, diag);
    if (status == STATUS_OK)
        status = account_send(result, account, name, registry->address, &data, 0, diag);
    buffer_release(&data);
    return status;
}
