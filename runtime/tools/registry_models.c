/* sertn-registry publish, list, deprecate. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/registry.h"
#include "runtime/tools/chain_side.h"
#include "runtime/tools/registry_commands.h"

/* What a command stands on, as far as it needs it. */
struct registry_side {
    struct chain_side chain;
    struct registry registry;
};

/* Nodes and registry. */
static enum status open_side(struct registry_side *side, const struct registry_options *o,
                             struct diag *diag)
{
    memset(side, 0, sizeof *side);
    side->registry.nodes = &side->chain.nodes;
    if (o->registry == NULL || !abi_parse_address(side->registry.address, o->registry))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "give the registry's address with --registry 0x and 40 hex digits");
    return chain_side_open(&side->chain, &o->chain, diag);
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

/* ---- publish -------------------------------------------------------------------------------- */

enum status registry_publish_command(struct cli *cli, struct registry_options *o, struct diag *diag)
{
    struct registry_side side;
    struct model model = {0};
    struct account_result result = {0};
    struct storage storage = {.folder = o->store, .ipfs = o->ipfs};
    struct jwk wallet = {0};
    static const struct arweave_tag tag = {"App-Name", "Sertn"};
    const struct arweave_upload upload = {.gateway = o->arweave,
                                          .wallet = &wallet,
                                          .tags = &tag,
                                          .tag_count = 1,
                                          .most_reward = o->most_reward};
    char uri[STORAGE_URI_BYTES];
    uint64_t number = 0;
    cli->result = cJSON_CreateObject();
    enum status status = open_side(&side, o, diag);
    if (status == STATUS_OK && (o->arweave == NULL) != (o->wallet == NULL))
        status = diag_set(diag, STATUS_BAD_INPUT, "--arweave URL and --wallet FILE go together");
    if (status == STATUS_OK)
        status = model_load(&model, o->input, MODEL_HEAD, diag);
    if (status == STATUS_OK)
        status = registry_check_model(&model, diag);
    if (status == STATUS_OK)
        status = chain_side_open_account(&side.chain, &o->chain, diag);
    if (status == STATUS_OK)
        status = o->wallet == NULL ? STATUS_OK : jwk_open(&wallet, o->wallet, diag);
    if (status == STATUS_OK)
        status =
            registry_store_model(uri, &model, &storage, o->wallet == NULL ? NULL : &upload, diag);
    if (status == STATUS_OK) {
        const struct registry_publication publication = {uri, o->royalty, o->most_fee};
        status = registry_publish(&number, &result, &side.registry, &side.chain.account, &model,
                                  &publication, diag);
    }
    if (status == STATUS_OK) {
        cJSON_AddNumberToObject(cli->result, "model", (double)number);
        cJSON_AddStringToObject(cli->result, "uri", uri);
        chain_side_add_result(cli->result, &result);
        cli_say(cli, "%s is model %" PRIu64 " on chain %" PRIu64 ", at %s%s", o->input, number,
                side.chain.nodes.chain_id, uri,
                result.was_known ? "; it was registered before" : "");
    }
    jwk_close(&wallet);
    model_release(&model);
    chain_side_close(&side.chain);
    return status;
}

/* ---- list ----------------------------------------------------------------------------------- */

void registry_add_model(cJSON *object, const struct registry_model *m)
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
    struct registry_side side;
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
        registry_add_model(object, &m);
        to_hex(owner, m.owner, sizeof m.owner);
        if (!cli->json && !cli->quiet)
            printf("%" PRIu64 " cost %" PRIu64 " owner %s%s %s\n", i, m.compute_cost, owner,
                   m.is_deprecated ? " deprecated" : "", m.uri);
    }
    chain_side_close(&side.chain);
    return status;
}

/* ---- deprecate ------------------------------------------------------------------------------ */

enum status registry_deprecate_command(struct cli *cli, struct registry_options *o,
                                       struct diag *diag)
{
    struct registry_side side;
    struct account_result result = {0};
    char *end;
    uint64_t number = strtoull(o->input, &end, 10);
    cli->result = cJSON_CreateObject();
    enum status status = open_side(&side, o, diag);
    if (status == STATUS_OK && (o->input[0] < '0' || o->input[0] > '9' || *end != '\0'))
        status = diag_set(diag, STATUS_BAD_INPUT, "'%s' is no number of a model", o->input);
    if (status == STATUS_OK)
        status = chain_side_open_account(&side.chain, &o->chain, diag);
    if (status == STATUS_OK)
        status = registry_deprecate(&result, &side.registry, &side.chain.account, number, diag);
    if (status == STATUS_OK) {
        cJSON_AddNumberToObject(cli->result, "model", (double)number);
        chain_side_add_result(cli->result, &result);
        cli_say(cli, "model %" PRIu64 " takes no new work%s", number,
                result.was_known ? "; it did not before" : "");
    }
    chain_side_close(&side.chain);
    return status;
}
