/* sertn-registry: models on the chain, ceremonies of powers of tau. Options, calls, exit status;
 * the work is in runtime. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ir/support/file.h"
#include "runtime/tools/cli.h"
#include "runtime/tools/registry_commands.h"
#include "runtime/tools/registry_help.h"

static bool take_power(void *context, const char *value, struct diag *diag)
{
    return cli_take_number(&((struct registry_options *)context)->power, "power", value, 1, 28,
                           diag);
}

static bool take_rounds(void *context, const char *value, struct diag *diag)
{
    return cli_take_number(&((struct registry_options *)context)->rounds, "rounds", value, 10, 36,
                           diag);
}

/* Amounts of tokens in their smallest unit. */
static bool take_royalty(void *context, const char *value, struct diag *diag)
{
    return cli_take_number(&((struct registry_options *)context)->royalty, "royalty", value, 0,
                           UINT64_MAX, diag);
}

static bool take_max_fee(void *context, const char *value, struct diag *diag)
{
    return cli_take_number(&((struct registry_options *)context)->most_fee, "max-fee", value, 0,
                           UINT64_MAX, diag);
}

static bool take_max_reward(void *context, const char *value, struct diag *diag)
{
    return cli_take_number(&((struct registry_options *)context)->most_reward, "max-reward", value,
                           1, UINT64_MAX, diag);
}

static bool take_chain_id(void *context, const char *value, struct diag *diag)
{
    return cli_take_number(&((struct registry_options *)context)->chain.chain_id, "chain-id", value,
                           1, UINT64_MAX, diag);
}

static bool take_max_gas_price(void *context, const char *value, struct diag *diag)
{
    return cli_take_gwei(&((struct registry_options *)context)->chain.signer.most_fee, value, diag);
}

static bool take_number(void *context, const char *value, struct diag *diag)
{
    return cli_take_number(&((struct registry_options *)context)->number, "number", value, 1,
                           UINT64_MAX, diag);
}

static bool take_days(void *context, const char *value, struct diag *diag)
{
    return cli_take_number(&((struct registry_options *)context)->days, "days", value, 1, 89, diag);
}

static bool take_tolerance(void *context, const char *value, struct diag *diag)
{
    char *end;
    double *tolerance = &((struct registry_options *)context)->tolerance;
    *tolerance = strtod(value, &end);
    if (end != value && *end == '\0' && *tolerance >= 0)
        return true;
    return diag_set(diag, STATUS_BAD_INPUT, "--tolerance takes a number from 0 on, not '%s'",
                    value) == STATUS_OK;
}

/* Midnight of a day as 2026-01-31 (UTC), or seconds since 1970. */
static bool take_time(uint64_t *out, const char *option, const char *value, struct diag *diag)
{
    struct tm day = {0};
    const char *end = strptime(value, "%Y-%m-%d", &day);
    if (end == NULL || *end != '\0')
        return cli_take_number(out, option, value, 0, UINT32_MAX, diag);
    *out = (uint64_t)timegm(&day);
    return true;
}

static bool take_from(void *context, const char *value, struct diag *diag)
{
    struct registry_options *o = context;
    return take_time(&o->from, "from", value, diag);
}

static bool take_to(void *context, const char *value, struct diag *diag)
{
    struct registry_options *o = context;
    o->has_period = true;
    return take_time(&o->to, "to", value, diag);
}

#define TEXT(name, member, commands) CLI_TEXT(name, struct registry_options, member, commands)

static const struct cli_option option_table[] = {
    TEXT("o", output, "new contribute beacon show seal open vet"),
    TEXT("name", name, "contribute beacon"),
    TEXT("entropy", entropy, "contribute"),
    TEXT("beacon", beacon, "beacon"),
    CLI_TAKE("rounds", take_rounds, "beacon"),
    CLI_TAKE("power", take_power, "new import"),
    TEXT("rpc", chain.rpc, "publish list show deprecate vet"),
    CLI_TAKE("chain-id", take_chain_id, "publish list show deprecate vet"),
    TEXT("registry", registry, "publish list show deprecate"),
    TEXT("keystore", chain.signer.keystore, "publish deprecate sealing-key open vet"),
    TEXT("password-file", chain.signer.password_file, "publish deprecate sealing-key open vet"),
    TEXT("journal", chain.signer.journal, "publish deprecate vet"),
    CLI_TAKE("max-gas-price", take_max_gas_price, "publish deprecate vet"),
    TEXT("store", store, "publish show vet"),
    TEXT("ipfs", ipfs, "publish show vet"),
    TEXT("arweave", arweave, "publish show"),
    TEXT("wallet", wallet, "publish"),
    CLI_TAKE("max-reward", take_max_reward, "publish"),
    TEXT("viewer", viewer, "show"),
    TEXT("admit", admit, "seal"),
    TEXT("vetting", vetting, "vet show"),
    TEXT("data", data, "vet"),
    TEXT("labels", labels, "vet"),
    TEXT("score", score, "vet"),
    TEXT("srs", srs, "vet"),
    CLI_TAKE("tolerance", take_tolerance, "vet"),
    CLI_TAKE("from", take_from, "vet"),
    CLI_TAKE("to", take_to, "vet"),
    CLI_TAKE("number", take_number, "vet"),
    CLI_TAKE("days", take_days, "vet"),
    CLI_TAKE("royalty", take_royalty, "publish"),
    CLI_TAKE("max-fee", take_max_fee, "publish"),
};

static const struct cli_grammar grammar = {option_table, sizeof option_table / sizeof *option_table,
                                           3, "ceremony", registry_help};

struct command {
    const char *name;
    size_t arguments, most; /* after the command */
    enum status (*run)(struct cli *cli, struct registry_options *options, struct diag *diag);
};

static const struct command ceremony_table[] = {
    {"new", 0, 0, registry_ceremony_new},       {"contribute", 1, 1, registry_ceremony_contribute},
    {"beacon", 1, 1, registry_ceremony_beacon}, {"verify", 1, 1, registry_ceremony_verify},
    {"import", 1, 1, registry_ceremony_import},
};

static const struct command chain_table[] = {
    {"publish", 1, 1, registry_publish_command},
    {"list", 0, 0, registry_list_command},
    {"show", 1, 1, registry_show_command},
    {"deprecate", 1, 1, registry_deprecate_command},
    {"sealing-key", 0, 0, registry_sealing_key_command},
    {"seal", 1, 1, registry_seal_command},
    {"open", 1, 1, registry_open_command},
    {"vet", 1, 2, registry_vet_command},
};

static const struct command *find_command(const struct command *table, size_t count,
                                          const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

static const char *argument_of(const struct command *command, bool in_group)
{
    return command->arguments == 0 ? "nothing after it"
           : in_group              ? "a .ptau file"
           : command->most == 2    ? "a model folder, and a backtest to verify one"
           : strcmp(command->name, "publish") == 0 || strcmp(command->name, "seal") == 0
               ? "a model folder"
           : strcmp(command->name, "open") == 0 ? "a sealed file"
                                                : "the number of a model";
}

/* The command with its arguments and options, or NULL after filling diag; *input is its argument.
 */
static const struct command *read_command(const char **input, const struct cli *cli,
                                          const char *const *positional, size_t count,
                                          struct diag *diag)
{
    bool in_group = count > 0 && strcmp(positional[0], grammar.group) == 0;
    size_t words = in_group ? 2 : 1;
    const struct command *table = in_group ? ceremony_table : chain_table;
    size_t commands = in_group ? sizeof ceremony_table / sizeof *ceremony_table
                               : sizeof chain_table / sizeof *chain_table;
    const struct command *command =
        count < words ? NULL : find_command(table, commands, positional[words - 1]);
    enum status status = STATUS_OK;
    if (count == 0)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "give a command: publish, list, show, deprecate, vet, sealing-key, "
                          "seal, open or ceremony; see "
                          "sertn-registry --help");
    else if (count < words)
        status =
            diag_set(diag, STATUS_BAD_INPUT,
                     "give what to do: ceremony new, contribute, beacon, verify or import; see "
                     "sertn-registry --help");
    else if (command == NULL)
        status =
            diag_set(diag, STATUS_BAD_INPUT, "unknown command '%s%s'; see sertn-registry --help",
                     in_group ? "ceremony " : "", positional[words - 1]);
    else if (count < command->arguments + words || count > command->most + words)
        status =
            diag_set(diag, STATUS_BAD_INPUT, "%s%s takes %s; see sertn-registry %s%s --help",
                     in_group ? "ceremony " : "", command->name, argument_of(command, in_group),
                     in_group ? "ceremony " : "", command->name);
    else
        status = cli_check_options(cli, &grammar, command->name, diag);
    *input = status == STATUS_OK && command->arguments > 0 ? positional[words] : NULL;
    return status == STATUS_OK ? command : NULL;
}

int main(int argc, char **argv)
{
    struct registry_options o = {0};
    struct cli cli = {.program = "sertn-registry"};
    struct diag diag = {0};
    const char *positional[3] = {NULL};
    size_t count = 0;
    bool done;
    file_clean_on_signals();
    enum status status =
        cli_parse(&cli, argc, argv, &grammar, &o, positional, &count, &done, &diag);
    if (status != STATUS_OK || done)
        return cli_finish(&cli, status, &diag);
    const struct command *command = read_command(&o.input, &cli, positional, count, &diag);
    if (command == NULL)
        return cli_finish(&cli, STATUS_BAD_INPUT, &diag);
    o.second = command->most == 2 ? positional[2] : NULL;
    status = command->run(&cli, &o, &diag);
    return cli_finish(&cli, status, &diag);
}
