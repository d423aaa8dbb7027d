/* See proof.h. */
#include "runtime/proof.h"

#include <stdlib.h>
#include <string.h>

#include "backend/plonk/verify.h"
#include "ir/support/file.h"
#include "runtime/json_fields.h"

const char *proof_system_name(enum plonk_mode mode)
{
    return mode == PLONK_MODE_GAS ? "plonk-bn254-gas-v1" : "plonk-bn254-fast-v1";
}

void proof_release(struct proof *proof)
{
    free(proof->words);
    cJSON_Delete(proof->values);
    *proof = (struct proof){0};
}

/* ---- making ---- */

enum status proof_make(struct proof *proof, struct session *session,
                       const struct plonk_proving_key *key, const struct plonk_parameter_tail *tail,
                       const uint8_t context[PROOF_CONTEXT_BYTES],
                       const struct plonk_progress *progress, struct diag *diag)
{
    const struct circuit *circuit = &session->model.circuit;
    *proof = (struct proof){.mode = session->model.mode,
                            .word_count = circuit->public_word_count,
                            .byte_count = key->vk.layout.proof_bytes};
    memcpy(proof->vk_digest, key->vk.digest, sizeof proof->vk_digest);
    memcpy(proof->context, context, sizeof proof->context);
    proof->words = calloc(proof->word_count + 1, 32);
    if (proof->words == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for %zu public words",
                        proof->word_count);
    for (size_t i = 0; i < proof->word_count; i++)
        fr_to_bytes_be(proof->words + 32 * i, &session->words[i]);
    struct plonk_witness witness = {{session->column[0], session->column[1], session->column[2]},
                                    {session->column[3], session->column[4]}};
    struct plonk_statement statement = {proof->context, session->words, proof->word_count};
    enum status status =
        plonk_prove(proof->bytes, key, tail, &witness, &statement, NULL, progress, diag);
    if (status != STATUS_OK)
        proof_release(proof);
    return status;
}

/* ---- hex ---- */

char *proof_print_hex(const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * count + 3);
    if (text == NULL)
        return NULL;
    text[0] = '0';
    text[1] = 'x';
    for (size_t i = 0; i < count; i++) {
        text[2 + 2 * i] = digits[bytes[i] >> 4];
        text[3 + 2 * i] = digits[bytes[i] & 15];
    }
    text[2 * count + 2] = '\0';
    return text;
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool proof_parse_hex(uint8_t *out, size_t count, const char *text)
{
    if (text == NULL || strlen(text) != 2 * count + 2 || text[0] != '0' || text[1] != 'x')
        return false;
    for (size_t i = 0; i < count; i++) {
        int high = nibble(text[2 + 2 * i]), low = nibble(text[3 + 2 * i]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* ---- the file ---- */

/* Public values as the words say them: what the file shows and what a verifier compares with. */
static enum status values_of_words(cJSON **values, const struct model *model, const uint8_t *words,
                                   size_t count, struct diag *diag)
{
    struct public_values decoded = {0};
    fr *elements = calloc(count + 1, sizeof *elements);
    enum status status =
        elements == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory for %zu public words", count)
                         : STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (!fr_from_bytes_be(&elements[i], words + 32 * i))
            status = diag_set(diag, STATUS_REJECTED, "public word %zu is not below the modulus", i);
    }
    if (status == STATUS_OK && count != model->circuit.public_word_count)
        status = diag_set(diag, STATUS_REJECTED, "the proof has %zu public words and the model %u",
                          count, model->circuit.public_word_count);
    if (status == STATUS_OK)
        status = public_values_init(&decoded, model, elements, diag);
    if (status == STATUS_OK) {
        *values = values_json(model, true, values_from_words, &decoded);
        if (*values == NULL)
            status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the public values");
    }
    public_values_release(&decoded);
    free(elements);
    return status;
}

char *proof_print(const struct proof *proof, const struct model *model)
{
    cJSON *root = cJSON_CreateObject(), *values = NULL;
    struct diag diag = {0};
    char *text = NULL;
    bool done =
        root != NULL && cJSON_AddNumberToObject(root, "version", PROOF_VERSION) != NULL &&
        cJSON_AddStringToObject(root, "proof_system", proof_system_name(proof->mode)) != NULL &&
        json_add_hex(root, "vk_digest", proof->vk_digest, sizeof proof->vk_digest) &&
        json_add_hex(root, "context", proof->context, sizeof proof->context);
    cJSON *public = done ? cJSON_AddObjectToObject(root, "public") : NULL;
    cJSON *words = public != NULL ? cJSON_AddArrayToObject(public, "words") : NULL;
    done = words != NULL;
    for (size_t i = 0; i < proof->word_count && done; i++) {
        char *hex = proof_print_hex(proof->words + 32 * i, 32);
        cJSON *item = hex == NULL ? NULL : cJSON_CreateString(hex);
        done = item != NULL && cJSON_AddItemToArray(words, item);
        free(hex);
    }
    done = done &&
           values_of_words(&values, model, proof->words, proof->word_count, &diag) == STATUS_OK &&
           cJSON_AddItemToObject(public, "values", values) &&
           json_add_hex(root, "proof", proof->bytes, proof->byte_count);
    if (done)
        text = values_print(root, true);
    cJSON_Delete(root);
    return text;
}

static enum status bad_file(const char *name, const char *what, struct diag *diag)
{
    return diag_set(diag, STATUS_BAD_INPUT, "'%s' is not a proof: %s", name, what);
}

static const cJSON *text_field(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(item) ? item : NULL;
}

static enum status parse_words(struct proof *proof, const cJSON *words, const char *name,
                               struct diag *diag)
{
    int count = cJSON_GetArraySize(words);
    proof->words = calloc((size_t)count + 1, 32);
    if (proof->words == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for %d public words", count);
    const cJSON *item;
    cJSON_ArrayForEach(item, words)
    {
        if (!cJSON_IsString(item) ||
            !proof_parse_hex(proof->words + 32 * proof->word_count, 32, item->valuestring))
            return bad_file(name, "a public word is not 0x and 64 lower-case hex digits", diag);
        proof->word_count++;
    }
    return STATUS_OK;
}

static enum status parse_fields(struct proof *proof, cJSON *root, const char *name,
                                struct diag *diag)
{
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(root, "version"),
                *system = text_field(root, "proof_system");
    const cJSON *digest = text_field(root, "vk_digest"), *context = text_field(root, "context"),
                *bytes = text_field(root, "proof");
    cJSON *public = cJSON_GetObjectItemCaseSensitive(root, "public");
    if (!cJSON_IsObject(root) || cJSON_GetArraySize(root) != 6 || !cJSON_IsNumber(version) ||
        system == NULL || digest == NULL || context == NULL || bytes == NULL ||
        !cJSON_IsObject(public) || cJSON_GetArraySize(public) != 2)
        return bad_file(name,
                        "it must have version, proof_system, vk_digest, context, public {words, "
                        "values}, proof and nothing else",
                        diag);
    if (version->valuedouble != PROOF_VERSION)
        return bad_file(name, "it has another version than this program reads (1)", diag);
    proof->mode = strcmp(system->valuestring, proof_system_name(PLONK_MODE_FAST)) == 0
                      ? PLONK_MODE_FAST
                      : PLONK_MODE_GAS;
    if (strcmp(system->valuestring, proof_system_name(proof->mode)) != 0)
        return bad_file(name, "unknown proof_system", diag);
    if (!proof_parse_hex(proof->vk_digest, 32, digest->valuestring) ||
        !proof_parse_hex(proof->context, 32, context->valuestring))
        return bad_file(name, "vk_digest and context are 0x and 64 lower-case hex digits", diag);
    size_t length = strlen(bytes->valuestring);
    if (length < 2 || length % 2 != 0 || (length - 2) / 2 > sizeof proof->bytes ||
        !proof_parse_hex(proof->bytes, (length - 2) / 2, bytes->valuestring))
        return bad_file(name, "the proof is not 0x and lower-case hex digits of a possible length",
                        diag);
    proof->byte_count = (length - 2) / 2;
    const cJSON *words = cJSON_GetObjectItemCaseSensitive(public, "words");
    cJSON *values = cJSON_GetObjectItemCaseSensitive(public, "values");
    if (!cJSON_IsArray(words) || !cJSON_IsObject(values))
        return bad_file(name, "public has an array 'words' and an object 'values'", diag);
    enum status status = parse_words(proof, words, name, diag);
    if (status == STATUS_OK)
        proof->values = cJSON_DetachItemViaPointer(public, values);
    return status;
}

enum status proof_parse(struct proof *proof, const char *text, size_t count, const char *name,
                        struct diag *diag)
{
    *proof = (struct proof){0};
    const char *end = NULL;
    cJSON *root =
        memchr(text, 0, count) == NULL ? cJSON_ParseWithLengthOpts(text, count, &end, 0) : NULL;
    if (root == NULL)
        return bad_file(name, "it is not JSON", diag);
    while (end < text + count && (*end == ' ' || *end == '\n' || *end == '\r' || *end == '\t'))
        end++;
    enum status status = end == text + count
                             ? parse_fields(proof, root, name, diag)
                             : bad_file(name, "something follows the JSON object", diag);
    cJSON_Delete(root);
    if (status != STATUS_OK)
        proof_release(proof);
    return status;
}

enum status proof_read(struct proof *proof, const char *path, struct diag *diag)
{
    struct buffer text;
    buffer_init(&text);
    enum status status = file_read(path, PROOF_FILE_BYTES_MAX, &text, diag);
    if (status == STATUS_OK)
        status = proof_parse(proof, buffer_text(&text), text.count, path, diag);
    buffer_release(&text);
    return status;
}

/* ---- verifying ---- */

/* Whether what a file says is what the words say: names and their order, every number exactly. */
static bool says_the_same(const cJSON *file, const cJSON *words)
{
    const cJSON *x = file->child, *y = words->child;
    if (cJSON_IsRaw(words))
        return cJSON_IsNumber(file) && file->valuedouble == words->valuedouble;
    if ((file->type & 0xff) != (words->type & 0xff))
        return false;
    if (cJSON_IsString(words))
        return strcmp(file->valuestring, words->valuestring) == 0;
    for (; x != NULL && y != NULL; x = x->next, y = y->next) {
        if ((y->string != NULL && strcmp(x->string, y->string) != 0) || !says_the_same(x, y))
            return false;
    }
    return x == NULL && y == NULL;
}

enum status proof_open_verifier(struct srs_verifier *srs, const struct model *model,
                                const char *path, struct diag *diag)
{
    uint8_t development[SRS_DIGEST_BYTES];
    srs_verifier_init_development(srs);
    memcpy(development, srs->digest, sizeof development);
    if (path == NULL && memcmp(model->key.srs_digest, development, sizeof development) == 0)
        return STATUS_OK;
    struct srs opened = {0};
    enum status status = path != NULL
                             ? srs_open_file(&opened, path, 2, NULL, diag)
                             : srs_open_digest(&opened, model->key.srs_digest, 2, NULL, diag);
    if (status == STATUS_OK) {
        srs_verifier_init(srs, opened.origin, &opened.tau_g2);
        srs_release(&opened);
        if (memcmp(srs->digest, model->key.srs_digest, sizeof srs->digest) != 0)
            status = diag_set(diag, STATUS_BAD_INPUT,
                              "%s is another SRS than the one the key of '%s' was made over", path,
                              model->folder);
    }
    return status;
}

enum status proof_check_claim(const struct proof *proof, const struct model *model,
                              const uint8_t context[PROOF_CONTEXT_BYTES], struct diag *diag)
{
    if (!model->has_key)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "'%s' has no verifying key; its owner makes it with: sertn-run keys %s",
                        model->folder, model->folder);
    if (proof->mode != model->mode)
        return diag_set(diag, STATUS_REJECTED,
                        "the proof is of system %s and the key of '%s' of %s; verify it with the "
                        "model it was made for",
                        proof_system_name(proof->mode), model->folder,
                        proof_system_name(model->mode));
    if (memcmp(proof->vk_digest, model->key.digest, 32) != 0)
        return diag_set(diag, STATUS_REJECTED,
                        "the proof was made with another key than that of '%s'; verify it with the "
                        "model it was made for",
                        model->folder);
    if (memcmp(proof->context, context, PROOF_CONTEXT_BYTES) != 0)
        return diag_set(
            diag, STATUS_REJECTED,
            "the proof is bound to another context than the expected one; give it with --context");
    return STATUS_OK;
}

enum status proof_verify(cJSON **values, const struct proof *proof, const struct model *model,
                         const uint8_t context[PROOF_CONTEXT_BYTES], const struct srs_verifier *srs,
                         struct diag *diag)
{
    *values = NULL;
    enum status status = proof_check_claim(proof, model, context, diag);
    if (status != STATUS_OK)
        return status;
    struct plonk_claim claim = {.vk_digest = model->key.digest,
                                .vk = model->vk,
                                .vk_bytes = model->vk_bytes,
                                .context = context,
                                .words = proof->words,
                                .word_count = proof->word_count,
                                .proof = proof->bytes,
                                .proof_bytes = proof->byte_count};
    status = plonk_verify(&claim, srs, diag);
    if (status == STATUS_OK)
        status = values_of_words(values, model, proof->words, proof->word_count, diag);
    if (status == STATUS_OK && proof->values != NULL && !says_the_same(proof->values, *values)) {
        cJSON_Delete(*values);
        *values = NULL;
        status = diag_set(diag, STATUS_REJECTED,
                          "the public values of the file are not what its words say");
    }
    return status;
}
