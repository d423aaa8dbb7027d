/* See node_config.h. */
#include "runtime/node_config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/signer.h"

enum { FILE_BYTES_MOST = 1 << 20, MODELS_MOST = 1000 };

/* What a field is. */
enum kind { TEXT, PATH, WHOLE, REAL };

struct field {
    const char *name;
    enum kind kind;
    bool is_required;
    size_t offset;
    double least, most; /* of numbers */
};

#define TEXT_FIELD(name, required)                                                                 \
    {                                                                                              \
#name, TEXT, required, offsetof(struct node_config, name), 0, 0                            \
    }
#define PATH_FIELD(name, required)                                                                 \
    {                                                                                              \
#name, PATH, required, offsetof(struct node_config, name), 0, 0                            \
    }
#define WHOLE_FIELD(member, name, least, most)                                                     \
    {                                                                                              \
        name, WHOLE, false, offsetof(struct node_config, member), least, most                      \
    }
#define REAL_FIELD(member, name, required, most)                                                   \
    {                                                                                              \
        name, REAL, required, offsetof(struct node_config, member), 0, most                        \
    }

static const double largest = 9007199254740992.0; /* 2^53: whole in JSON */

static const struct field top_fields[] = {
    TEXT_FIELD(rpc, true),
    TEXT_FIELD(market, true),
    TEXT_FIELD(prover, false),
    TEXT_FIELD(listen, false),
    TEXT_FIELD(ipfs, false),
    TEXT_FIELD(arweave, false),
    PATH_FIELD(keystore, true),
    PATH_FIELD(password_file, true),
    PATH_FIELD(data, true),
    PATH_FIELD(store, false),
    {"chain_id", WHOLE, true, offsetof(struct node_config, chain_id), 1, 9007199254740992.0},
    WHOLE_FIELD(from_block, "from_block", 0, 9007199254740992.0),
    WHOLE_FIELD(confirmations, "confirmations", 0, 1000),
    WHOLE_FIELD(poll_ms, "poll_ms", 50, 600000),
};

static const struct field limit_fields[] = {
    WHOLE_FIELD(limits.workers, "workers", 1, 64),
    WHOLE_FIELD(limits.threads, "threads", 1, 1024),
    WHOLE_FIELD(limits.memory_bytes, "memory_bytes", 1 << 26, 9007199254740992.0),
    WHOLE_FIELD(limits.seconds, "seconds", 1, 604800),
    WHOLE_FIELD(limits.disk_bytes, "disk_bytes", 0, 9007199254740992.0),
    WHOLE_FIELD(limits.input_bytes, "input_bytes", 1, 1 << 30),
    WHOLE_FIELD(limits.attempts, "attempts", 1, 100),
    WHOLE_FIELD(limits.ended_jobs, "ended_jobs", 0, 9007199254740992.0),
    /* No reorganisation that is survived takes back so many of one account. */
    WHOLE_FIELD(limits.ended_transactions, "ended_transactions", 256, 9007199254740992.0),
};

static const struct field batch_fields[] = {
    WHOLE_FIELD(batch.jobs, "jobs", 1, 64),
    WHOLE_FIELD(batch.seconds, "seconds", 0, 86400),
    WHOLE_FIELD(batch.margin_seconds, "margin_seconds", 0, 86400),
};

static const struct field economics_fields[] = {
    REAL_FIELD(economics.token_per_wei, "token_per_wei", true, 1e30),
    REAL_FIELD(economics.token_per_unit, "token_per_unit", true, 1e30),
    REAL_FIELD(economics.margin, "margin", false, 1000),
    WHOLE_FIELD(economics.most_fee, "most_wei_per_gas", 0, 9007199254740992.0),
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A file being read. */
struct reading {
    struct node_config *config;
    const char *path;
    char *folder; /* of the file, owned; NULL: the working folder */
};

static enum status bad_field(const struct reading *r, const char *part, const char *name,
                             const char *what, struct diag *diag)
{
    return diag_set(diag, STATUS_BAD_INPUT, "'%s': the field '%s%s%.60s' %s", r->path, part,
                    part[0] == '\0' ? "" : ".", name, what);
}

static char *resolve(const struct reading *r, const char *path)
{
    return path[0] == '/' || r->folder == NULL ? strdup(path) : file_join(r->folder, path);
}

static enum status take_text(const struct reading *r, const struct field *field, const char *part,
                             const cJSON *item, char **out, struct diag *diag)
{
    if (!cJSON_IsString(item) || item->valuestring[0] == '\0')
        return bad_field(r, part, field->name, "takes a text", diag);
    free(*out);
    *out = field->kind == PATH ? resolve(r, item->valuestring) : strdup(item->valuestring);
    return *out != NULL ? STATUS_OK : diag_set(diag, STATUS_NO_MEMORY, "no memory");
}

static enum status take_field(const struct reading *r, const struct field *field, const char *part,
                              const cJSON *item, struct diag *diag)
{
    char *member = (char *)r->config + field->offset, what[100];
    if (field->kind == TEXT || field->kind == PATH)
        return take_text(r, field, part, item, (char **)(void *)member, diag);
    double value = cJSON_IsNumber(item) ? item->valuedouble : -1;
    bool good = value >= field->least && value <= field->most &&
                (field->kind == REAL || value == floor(value));
    if (!good) {
        snprintf(what, sizeof what, "takes a %snumber from %.15g to %.15g",
                 field->kind == WHOLE ? "whole " : "", field->least, field->most);
        return bad_field(r, part, field->name, what, diag);
    }
    if (field->kind == REAL)
        *(double *)(void *)member = value;
    else
        *(uint64_t *)(void *)member = (uint64_t)value;
    return STATUS_OK;
}

static const struct field *find_field(const struct field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    }
    return NULL;
}

/* All members of an object; `others` are read elsewhere. */
static enum status take_object(const struct reading *r, const struct field *fields, size_t count,
                               const char *part, const cJSON *object, const char *const *others,
                               struct diag *diag)
{
    const cJSON *item;
    uint64_t seen = 0;
    cJSON_ArrayForEach(item, object)
    {
        const struct field *field = find_field(fields, count, item->string);
        bool is_other = false;
        for (size_t i = 0; others != NULL && others[i] != NULL; i++)
            is_other = is_other || strcmp(others[i], item->string) == 0;
        if (is_other)
            continue;
        if (field == NULL)
            return bad_field(r, part, item->string, "is not known; see contracts/OPERATIONS.md",
                             diag);
        if (seen >> (field - fields) & 1)
            return bad_field(r, part, item->string, "stands there twice", diag);
        seen |= UINT64_C(1) << (field - fields);
        enum status status = take_field(r, field, part, item, diag);
        if (status != STATUS_OK)
            return status;
    }
    for (size_t i = 0; i < count; i++) {
        if (fields[i].is_required && (seen >> i & 1) == 0)
            return bad_field(r, part, fields[i].name, "is missing", diag);
    }
    return STATUS_OK;
}

/* An object that may be missing. */
static enum status take_part(const struct reading *r, const struct field *fields, size_t count,
                             const char *part, const cJSON *object, struct diag *diag)
{
    if (object == NULL)
        return STATUS_OK;
    if (!cJSON_IsObject(object))
        return bad_field(r, "", part, "takes an object", diag);
    return take_object(r, fields, count, part, object, NULL, diag);
}

static enum status take_model(const struct reading *r, const cJSON *object,
                              struct node_model *model, struct diag *diag)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, "number"),
                *folder = cJSON_GetObjectItemCaseSensitive(object, "folder");
    if (!cJSON_IsObject(object) || cJSON_GetArraySize(object) != 2 || !cJSON_IsNumber(number) ||
        !cJSON_IsString(folder) || number->valuedouble < 1 || number->valuedouble > largest ||
        number->valuedouble != floor(number->valuedouble))
        return bad_field(r, "", "models",
                         "takes objects of a number (in the registry) and a folder (MODEL.sertn)",
                         diag);
    model->number = (uint64_t)number->valuedouble;
    model->folder = resolve(r, folder->valuestring);
    return model->folder != NULL ? STATUS_OK : diag_set(diag, STATUS_NO_MEMORY, "no memory");
}

static enum status take_models(const struct reading *r, const cJSON *list, struct diag *diag)
{
    int count = cJSON_GetArraySize(list);
    struct node_config *config = r->config;
    if (!cJSON_IsArray(list) || count < 1 || count > MODELS_MOST)
        return bad_field(r, "", "models", "takes a list of the models that are served", diag);
    config->models = calloc((size_t)count, sizeof *config->models);
    if (config->models == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        enum status status = take_model(r, item, &config->models[config->model_count], diag);
        if (status != STATUS_OK)
            return status;
        config->model_count++;
    }
    return STATUS_OK;
}

static void set_defaults(struct node_config *config)
{
    *config = (struct node_config){.poll_ms = 2000};
    config->confirmations = UINT64_MAX; /* by the chain */
    config->limits.workers = 1;
    config->limits.memory_bytes = UINT64_C(4) << 30;
    config->limits.seconds = 3600;
    config->limits.disk_bytes = UINT64_C(1) << 30;
    config->limits.input_bytes = UINT64_C(16) << 20;
    config->limits.attempts = 5;
    config->limits.ended_jobs = 10000;
    config->limits.ended_transactions = 10000;
    config->batch.jobs = 16;
    config->batch.seconds = 10;
    config->batch.margin_seconds = 60;
    config->economics.margin = 0.1;
    /* As in the commands: a node that invents a fee does not empty the account. */
    config->economics.most_fee = SIGNER_MOST_FEE;
}

static enum status take_all(const struct reading *r, const cJSON *root, struct diag *diag)
{
    static const char *const others[] = {"models", "limits", "batch", "economics", NULL};
    const cJSON *limits = cJSON_GetObjectItemCaseSensitive(root, "limits"),
                *batch = cJSON_GetObjectItemCaseSensitive(root, "batch"),
                *economics = cJSON_GetObjectItemCaseSensitive(root, "economics");
    if (!cJSON_IsObject(root))
        return diag_set(diag, STATUS_BAD_INPUT, "'%s' is no JSON object", r->path);
    enum status status = take_object(r, top_fields, COUNT(top_fields), "", root, others, diag);
    if (status == STATUS_OK)
        status = take_models(r, cJSON_GetObjectItemCaseSensitive(root, "models"), diag);
    if (status == STATUS_OK)
        status = take_part(r, limit_fields, COUNT(limit_fields), "limits", limits, diag);
    if (status == STATUS_OK)
        status = take_part(r, batch_fields, COUNT(batch_fields), "batch", batch, diag);
    if (status == STATUS_OK && !cJSON_IsObject(economics))
        status = bad_field(r, "", "economics",
                           "is missing: a node has to know what gas and compute cost it", diag);
    if (status == STATUS_OK)
        status = take_object(r, economics_fields, COUNT(economics_fields), "economics", economics,
                             NULL, diag);
    return status;
}

enum status node_config_read(struct node_config *config, const char *path, struct diag *diag)
{
    struct reading r = {config, path, NULL};
    struct buffer text = {0};
    const char *slash = strrchr(path, '/'), *end = NULL;
    cJSON *root = NULL;
    set_defaults(config);
    enum status status = file_read(path, FILE_BYTES_MOST, &text, diag);
    if (status == STATUS_OK && slash != NULL) {
        r.folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
        if (r.folder == NULL)
            status = diag_set(diag, STATUS_NO_MEMORY, "no memory");
    }
    if (status == STATUS_OK)
        root = cJSON_ParseWithLengthOpts(buffer_text(&text), text.count + 1, &end, true);
    if (status == STATUS_OK && root == NULL)
        status =
            diag_set(diag, STATUS_BAD_INPUT, "'%s' is no JSON: it ends to make sense at '%.40s'",
                     path, end == NULL ? "" : end);
    if (status == STATUS_OK)
        status = take_all(&r, root, diag);
    cJSON_Delete(root);
    free(r.folder);
    buffer_release(&text);
    if (status != STATUS_OK)
        node_config_release(config);
    return status;
}

void node_config_release(struct node_config *config)
{
    char *texts[] = {config->rpc,    config->market, config->keystore, config->password_file,
                     config->prover, config->data,   config->listen,   config->store,
                     config->ipfs,   config->arweave};
    for (size_t i = 0; i < COUNT(texts); i++)
        free(texts[i]);
    for (size_t i = 0; i < config->model_count; i++)
        free(config->models[i].folder);
    free(config->models);
    *config = (struct node_config){0};
}

bool node_config_pays(double *cost, const struct node_config *config, amount paid, uint64_t gas,
                      uint64_t wei_a_gas, uint64_t units)
{
    *cost = (double)gas * (double)wei_a_gas * config->economics.token_per_wei +
            (double)units * config->economics.token_per_unit;
    return (double)paid >= *cost * (1 + config->economics.margin);
}
