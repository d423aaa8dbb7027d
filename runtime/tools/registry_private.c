/* sertn-registry sealing-key, seal, open: what of a model is private, and how it travels.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/keystore.h"
#include "runtime/sealed.h"
#include "runtime/tools/registry_commands.h"

enum { PASSWORD_BYTES = 256 };

static enum status read_key(uint8_t key[KEYSTORE_KEY_BYTES], const struct registry_options *o,
                            struct diag *diag)
{
    char password[PASSWORD_BYTES];
    if (o->chain.signer.keystore == NULL)
        return diag_set(diag, STATUS_BAD_INPUT, "give the node's account with --keystore FILE");
    enum status status =
        keystore_read_password(password, sizeof password, o->chain.signer.password_file, diag);
    if (status == STATUS_OK)
        status = keystore_open(key, o->chain.signer.keystore, password, diag);
    explicit_bzero(password, sizeof password);
    return status;
}

enum status registry_sealing_key_command(struct cli *cli, struct registry_options *o,
                                         struct diag *diag)
{
    uint8_t account[KEYSTORE_KEY_BYTES], key[SEALED_KEY_BYTES];
    char text[2 * SEALED_KEY_BYTES + 1];
    cli->result = cJSON_CreateObject();
    enum status status = read_key(account, o, diag);
    if (status == STATUS_OK)
        status = sealed_public_key(key, account, diag);
    explicit_bzero(account, sizeof account);
    if (status == STATUS_OK) {
        for (int i = 0; i < SEALED_KEY_BYTES; i++)
            snprintf(text + 2 * i, 3, "%02x", key[i]);
        cJSON_AddStringToObject(cli->result, "sealing_key", text);
        if (!cli->json)
            puts(text);
    }
    return status;
}

enum status registry_seal_command(struct cli *cli, struct registry_options *o, struct diag *diag)
{
    struct model model = {0};
    struct buffer sealed = {0};
    uint8_t(*keys)[SEALED_KEY_BYTES] = NULL;
    size_t count = 0;
    cli->result = cJSON_CreateObject();
    enum status status = STATUS_OK;
    if (o->admit == NULL)
        status = diag_set(diag, STATUS_BAD_INPUT, "give the nodes' keys with --admit KEY,KEY...");
    if (status == STATUS_OK && o->output == NULL)
        status = diag_set(diag, STATUS_BAD_INPUT, "give the sealed file with -o");
    if (status == STATUS_OK)
        status = sealed_parse_keys(&keys, &count, o->admit, diag);
    if (status == STATUS_OK)
        status = model_load(&model, o->input, MODEL_HEAD, diag);
    if (status == STATUS_OK)
        status =
            sealed_make(&sealed, &model, (const uint8_t(*)[SEALED_KEY_BYTES])keys, count, diag);
    if (status == STATUS_OK)
        status = file_write(o->output, sealed.data, sealed.count, FILE_MODE_PUBLIC, true, diag);
    if (status == STATUS_OK) {
        cJSON_AddNumberToObject(cli->result, "admitted", (double)count);
        cJSON_AddNumberToObject(cli->result, "bytes", (double)sealed.count);
        cli_say(cli, "'%s' is sealed to %zu node%s: %s", o->input, count, count == 1 ? "" : "s",
                o->output);
    }
    free(keys);
    buffer_release(&sealed);
    model_release(&model);
    return status;
}

enum status registry_open_command(struct cli *cli, struct registry_options *o, struct diag *diag)
{
    struct model model = {0};
    struct buffer sealed = {0};
    uint8_t account[KEYSTORE_KEY_BYTES] = {0};
    cli->result = cJSON_CreateObject();
    enum status status = STATUS_OK;
    if (o->output == NULL)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "give the model's folder, with its public part, with -o");
    if (status == STATUS_OK)
        status = file_read(o->input, MODEL_BYTES_MAX, &sealed, diag);
    if (status == STATUS_OK)
        status = model_load(&model, o->output, MODEL_HEAD, diag);
    if (status == STATUS_OK)
        status = read_key(account, o, diag);
    if (status == STATUS_OK)
        status = sealed_open(&sealed, &model, account, diag);
    explicit_bzero(account, sizeof account);
    if (status == STATUS_OK) {
        cJSON_AddStringToObject(cli->result, "folder", o->output);
        cli_say(cli, "the private part of the model is in '%s/private'", o->output);
    }
    buffer_release(&sealed);
    model_release(&model);
    return status;
}
