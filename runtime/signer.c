/* See signer.h. */
#include "runtime/signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/keystore.h"
#include "runtime/storage.h"

enum { DEVELOPMENT = 31337, GENESIS_DIGITS = 16, MOST_TRIES = 100 };

/* "journal", or that of a development chain. */
static enum status journal_name(char name[64], struct endpoints *nodes, struct diag *diag)
{
    cJSON *block;
    strcpy(name, "journal");
    if (nodes->chain_id != DEVELOPMENT)
        return STATUS_OK;
    enum status status =
        endpoints_agree(&block, nodes, "eth_getBlockByNumber", "[\"0x0\",false]", diag);
    if (status != STATUS_OK)
        return status;
    const char *hash = endpoints_text(block, "hash");
    bool good = strncmp(hash, "0x", 2) == 0 &&
                strspn(hash + 2, "0123456789abcdef") == strlen(hash) - 2 &&
                strlen(hash) >= 2 + GENESIS_DIGITS;
    if (good)
        snprintf(name, 64, "journal-%d-%.*s", DEVELOPMENT, GENESIS_DIGITS, hash + 2);
    cJSON_Delete(block);
    return good ? STATUS_OK : diag_set(diag, STATUS_IO, "the nodes give no block 0");
}

enum status signer_default_journal(char **path, struct endpoints *nodes, struct diag *diag)
{
    char name[64], *folder = NULL;
    *path = NULL;
    enum status status = journal_name(name, nodes, diag);
    if (status == STATUS_OK)
        status = storage_default_folder(&folder, diag);
    if (status != STATUS_OK)
        return status;
    *strrchr(folder, '/') = '\0'; /* beside the store */
    *path = file_join(folder, name);
    free(folder);
    return *path != NULL ? STATUS_OK : diag_set(diag, STATUS_NO_MEMORY, "no memory for a path");
}

enum status signer_open(struct journal *journal, struct account *account, struct endpoints *nodes,
                        const struct signer_options *options, struct diag *diag)
{
    char password[256], *made = NULL;
    uint8_t key[KEYSTORE_KEY_BYTES];
    memset(journal, 0, sizeof *journal);
    memset(account, 0, sizeof *account);
    if (options->keystore == NULL)
        return diag_set(diag, STATUS_BAD_INPUT, "give the account that signs with --keystore FILE");
    enum status status =
        keystore_read_password(password, sizeof password, options->password_file, diag);
    if (status == STATUS_OK)
        status = keystore_open(key, options->keystore, password, diag);
    explicit_bzero(password, sizeof password);
    if (status == STATUS_OK && options->journal == NULL)
        status = signer_default_journal(&made, nodes, diag);
    if (status == STATUS_OK)
        status = journal_open(journal, made == NULL ? options->journal : made, diag);
    if (status == STATUS_OK)
        status = account_open(account, nodes, journal, key, diag);
    account->most_fee = options->most_fee == 0 ? SIGNER_MOST_FEE : options->most_fee;
    explicit_bzero(key, sizeof key);
    free(made);
    if (status != STATUS_OK)
        signer_close(journal, account);
    return status;
}

void signer_close(struct journal *journal, struct account *account)
{
    account_close(account);
    journal_close(journal);
}

enum status signer_send(struct account_result *result, struct account *account, const char *name,
                        const uint8_t to[20], const struct buffer *data, uint64_t gas_limit,
                        struct diag *diag)
{
    char numbered[JOURNAL_NAME_BYTES];
    snprintf(numbered, sizeof numbered, "%s", name);
    for (unsigned n = 2; n <= MOST_TRIES; n++) {
        struct journal_entry entry;
        bool found;
        enum status status =
            journal_find(&found, &entry, account->journal, &account->id, numbered, diag);
        if (status != STATUS_OK)
            return status;
        if (!found || entry.state == JOURNAL_OPEN || entry.state == JOURNAL_MINED)
            return account_send(result, account, numbered, to, data, gas_limit, diag);
        snprintf(numbered, sizeof numbered, "%s, %u", name, n);
    }
    return diag_set(diag, STATUS_REJECTED, "'%s' failed %d times; see the journal %s", name,
                    MOST_TRIES, account->journal->database.path);
}
