/* See chain_side.h. */
#include "runtime/tools/chain_side.h"

#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/chain.h"
#include "runtime/keystore.h"
#include "runtime/storage.h"

void chain_side_close(struct chain_side *side)
{
    account_close(&side->account);
    journal_close(&side->journal);
    endpoints_close(&side->nodes);
}

enum status chain_side_open(struct chain_side *side, const struct chain_side_options *o,
                            struct diag *diag)
{
    memset(side, 0, sizeof *side);
    if (o->rpc == NULL)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "give a node, or several with commas, with --rpc URL");
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

enum status chain_side_open_account(struct chain_side *side, const struct chain_side_options *o,
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
        side->account.confirmations = side->nodes.chain_id == CHAIN_DEVELOPMENT ? 0 : 3;
    explicit_bzero(key, sizeof key);
    free(made);
    return status;
}

void chain_side_add_result(cJSON *object, const struct account_result *result)
{
    cJSON_AddStringToObject(object, "transaction", result->hash);
    cJSON_AddNumberToObject(object, "gas", (double)result->gas);
    cJSON_AddNumberToObject(object, "block", (double)result->block_number);
    cJSON_AddBoolToObject(object, "was_known", result->was_known);
}
