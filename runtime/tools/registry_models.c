/* sertn-registry publish, list, show, deprecate. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/keystore.h"
#include "runtime/registry.h"
#include "runtime/tools/registry_commands.h"

/* What a command stands on, as far as it needs it. */
struct chain_side {
    struct endpoints nodes;
    struct registry registry;
    struct journal journal;
    struct account account;
};

static void close_side(struct chain_side *side)
{
    account_close(&side->account);
    journal_close(&side->journal);
    endpoints_close(&side->nodes);
}

/* Nodes and registry. */
static enum status open_side(struct chain_side *side, const struct registry_options *o,
                             struct diag *diag)
{
    memset(side, 0, sizeof *side);
    if (o->rpc == NULL)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "give a node, or several with commas, with --rpc URL");
    if (o->registry == NULL || !abi_parse_address(side->registry.address, o->registry))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "give the registry's address with --registry 0x and 40 hex digits");
    side->registry.nodes = &side->nodes;
    return endpoints_open(&side->nodes, o->rpc, diag);
}

/* The journal beside the store. Owned text. */
static enum status default_journal(char **path, struct diag *diag)
{
    char *folder;
    enum status status = storage_default_folder(&folder, diag);
    *path = NULL;
    if (status != STATUS_OK)
        return status;
    *strrchr(folder, '/') = '\0';
    *path = file_join(folder, "journal");
    free(folder);
    return *path != NULL ? STATUS_OK : diag_set(diag, STATUS_NO_MEMORY, "no memory for a path");
}

/* Who signs, too. */
static enum status open_account(struct chain_side *side, const struct registry_options *o,
                                struct diag *diag)
{
    char password[256], *made = NULL;
    uint8_t key[KEYSTORE_KEY_BYTES];
    if (o->keystore == NULL)
        return diag_set(diag, STATUS_BAD_INPUT, "give the account that signs with --keystore FILE");
    enum status status = keystore_read_password(password, sizeof password, o->password_file, diag);
    if (status == STATUS_OK)
        status = keystore_open(key, o->keystore, password, diag);
    explicit_bzero(password, sizeof password);
    if (status == STATUS_OK && o->journal == NULL)
        status = default_journal(&made, diag);
    if (status == STATUS_OK)
        status = journal_open(&side->journal, made == NULL ? o->journal : made, diag);
    if (status == STATUS_OK)
        status = account_open(&side->account, &side->nodes, &side->journal, key, diag);
    /* A development chain has nobody who could take a block back. */
    if (status == STATUS_OK)
        side->account.confirmations = side->nodes.chain_id == 31337 ? 0 : 3;
    explicit_bzero(key, sizeof key);
    free(made);
    return status;
}

static void to_hex(char *text, const uint8_t *bytes, size_t count)
{
    strcpy(text, "0x");
    for (size_t i = 0; i < count; i++)
        sprintf(text + 2 + 2 * i, "%02x", bytes[i]);
}

static void add_hex(cJSON *object, const char *name, const uint8_t *bytes, size_t count)
{
    char text[2 * 32 + 3];
    to_hex(text, bytes, count);
    cJSON_AddStringToObject(object, name, text);
}

/* A 256-bit number in decimal. */
static void to_decimal(char text[80], const uint8_t word[ABI_WORD])
{
    uint8_t rest[ABI_WORD], digits[80];
    size_t count = 0;
    bool more = true;
    memcpy(rest, word, sizeof rest);
    while (more) {
        unsigned remainder = 0;
        more = false;
        for (int i = 0; i < ABI_WORD; i++) {
            unsigned value = remainder << 8 | rest[i];
            rest[i] = (uint8_t)(value / 10);
            remainder = value % 10;
            more = more || rest[i] != 0;
        }
        digits[count++] = (uint8_t)remainder;
    }
    for (size_t i = 0; i < count; i++)
        text[i] = (char)('0' + digits[count - 1 - i]);
    text[count] = '\0';
}

static void add_result(struct cli *cli, const struct account_result *result)
{
    cJSON_AddStringToObject(cli->result, "transaction", result->hash);
    cJSON_AddNumberToObject(cli->result, "gas", (double)result->gas);
    cJSON_AddNumberToObject(cli->result, "block", (double)result->block_number);
    cJSON_AddBoolToObject(cli->result, "was_known", result->was_known);
}

/* ---- publish -------------------------------------------------------------------------------- */

enum status registry_publish_command(struct cli *cli, struct registry_options *o, struct diag *diag)
{
    struct chain_side side;
    struct model model = {0};
    struct account_result result = {0};
    struct storage storage = {.folder = o->store, .ipfs = o->ipfs};
    char uri[STORAGE_URI_BYTES];
    uint64_t number = 0;
    cli->result = cJSON_CreateObject();
    enum status status = open_side(&side, o, diag);
    if (status == STATUS_OK)
        status = model_load(&model, o->input, MODEL_HEAD, diag);
    if (status == STATUS_OK)
        status = registry_check_model(&model, diag);
    if (status == STATUS_OK)
        status = open_account(&side, o, diag);
    if (status == STATUS_OK)
        status = registry_store_model(uri, &model, &storage, diag);
    if (status == STATUS_OK) {
        const struct registry_publication publication = {uri, o->royalty, o->most_fee};
        status = registry_publish(&number, &result, &side.registry, &side.account, &model,
                                  &publication, diag);
    }
    if (status == STATUS_OK) {
        cJSON_AddNumberToObject(cli->result, "model", (double)number);
        cJSON_AddStringToObject(cli->result, "uri", uri);
        add_result(cli, &result);
        cli_say(cli, "%s is model %" PRIu64 " on chain %" PRIu64 ", at %s%s", o->input, number,
                side.nodes.chain_id, uri, result.was_known ? "; it was registered before" : "");
    }
    model_release(&model);
    close_side(&side);
    return status;
}

/* ---- list, show ----------------------------------------------------------------------------- */

static void add_model(cJSON *object, const struct registry_model *m)
{
    char royalty[80];
    to_decimal(royalty, m->royalty);
    cJSON_AddNumberToObject(object, "model", (double)m->number);
    add_hex(object, "owner", m->owner, sizeof m->owner);
    cJSON_AddBoolToObject(object, "deprecated", m->is_deprecated);
    cJSON_AddNumberToObject(object, "compute_cost", (double)m->compute_cost);
    cJSON_AddStringToObject(object, "royalty", royalty);
    add_hex(object, "proof_system_id", m->proof_system_id, sizeof m->proof_system_id);
    add_hex(object, "model_hash", m->model_hash, 32);
    add_hex(object, "circuit_hash", m->circuit_hash, 32);
    add_hex(object, "vk_hash", m->vk_hash, 32);
    add_hex(object, "input_schema_hash", m->input_schema_hash, 32);
    add_hex(object, "output_schema_hash", m->output_schema_hash, 32);
    cJSON_AddStringToObject(object, "uri", m->uri);
}

enum status registry_list_command(struct cli *cli, struct registry_options *o, struct diag *diag)
{
    struct chain_side side;
    uint64_t count = 0;
    cli->result = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(cli->result, "models");
    enum status status = open_side(&side, o, diag);
    if (status == STATUS_OK)
        status = registry_count(&count, &side.registry, diag);
    for (uint64_t i = 1; i <= count && status == STATUS_OK; i++) {
        struct registry_model m;
        char owner[2 * ABI_ADDRESS + 3];
        status = registry_show(&m, &side.registry, i, diag);
        if (status != STATUS_OK)
            break;
        cJSON *object = cJSON_CreateObject();
        if (!cJSON_AddItemToArray(list, object)) {
            cJSON_Delete(object);
            status = diag_set(diag, STATUS_NO_MEMORY, "no memory for the list");
            break;
        }
        add_model(object, &m);
        to_hex(owner, m.owner, sizeof m.owner);
        if (!cli->json && !cli->quiet)
            printf("%" PRIu64 " cost %" PRIu64 " owner %s%s %s\n", i, m.compute_cost, owner,
                   m.is_deprecated ? " deprecated" : "", m.uri);
    }
    close_side(&side);
    return status;
}

enum status registry_show_command(struct cli *cli, struct registry_options *o, struct diag *diag)
{
    struct chain_side side;
    struct registry_model m;
    uint64_t number = 0;
    char *end;
    cli->result = cJSON_CreateObject();
    enum status status = open_side(&side, o, diag);
    number = strtoull(o->input, &end, 10);
    if (status == STATUS_OK && (o->input[0] < '0' || o->input[0] > '9' || *end != '\0'))
        status = diag_set(diag, STATUS_BAD_INPUT, "'%s' is no number of a model", o->input);
    if (status == STATUS_OK)
        status = registry_show(&m, &side.registry, number, diag);
    if (status == STATUS_OK) {
        add_model(cli->result, &m);
        const cJSON *field;
        cJSON_ArrayForEach(field, cli->result)
        {
            char *text = cJSON_IsString(field) ? NULL : cJSON_PrintUnformatted(field);
            if (!cli->json && !cli->quiet)
                printf("%s: %s\n", field->string, text == NULL ? field->valuestring : text);
            free(text);
        }
    }
    close_side(&side);
    return status;
}

/* ---- deprecate ------------------------------------------------------------------------------ */

enum status registry_deprecate_command(struct cli *cli, struct registry_options *o,
                                       struct diag *diag)
{
    struct chain_side side;
    struct account_result result = {0};
    char *end;
    uint64_t number = strtoull(o->input, &end, 10);
    cli->result = cJSON_CreateObject();
    enum status status = open_side(&side, o, diag);
    if (status == STATUS_OK && (o->input[0] < '0' || o->input[0] > '9' || *end != '\0'))
        status = diag_set(diag, STATUS_BAD_INPUT, "'%s' is no number of a model", o->input);
    if (status == STATUS_OK)
        status = open_account(&side, o, diag);
    if (status == STATUS_OK)
        status = registry_deprecate(&result, &side.registry, &side.account, number, diag);
    if (status == STATUS_OK) {
        cJSON_AddNumberToObject(cli->result, "model", (double)number);
        add_result(cli, &result);
        cli_say(cli, "model %" PRIu64 " takes no new work%s", number,
                result.was_known ? "; it did not before" : "");
    }
    close_side(&side);
    return status;
}
