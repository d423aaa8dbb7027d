/* sertn-registry: models on the chain, ceremonies of powers of tau. Options, calls, exit status;
 * the work is in runtime. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

static bool take_from_block(void *context, const char *value, struct diag *diag)
{
    return cli_take_number(&((struct registry_options *)context)->from_block, "from-block", value,
                           0, UINT64_MAX, diag);
}

/* The commands about a ceremony on a chain, and those of them that send something. */
#define STEPS "enroll contribute post skip finish"
#define CEREMONIES STEPS " status fetch"
#define TEXT(name, member, commands) CLI_TEXT(name, struct registry_options, member, commands)

static const struct cli_option option_table[] = {
    TEXT("o", output, "new contribute beacon finish fetch show seal open vet"),
    TEXT("name", name, "contribute beacon finish"),
    TEXT("entropy", entropy, "contribute"),
    TEXT("beacon", beacon, "beacon"),
    CLI_TAKE("rounds", take_rounds, "beacon"),
    CLI_TAKE("power", take_power, "new import"),
    TEXT("rpc", chain.rpc, "publish list show deprecate vet " CEREMONIES),
    CLI_TAKE("chain-id", take_chain_id, "publish list show deprecate vet " CEREMONIES),
    TEXT("registry", registry, "publish list show deprecate"),
    TEXT("keystore", chain.signer.keystore, "publish deprecate sealing-key open vet " STEPS),
    TEXT("password-file", chain.signer.password_file,
         "publish deprecate sealing-key open vet " STEPS),
    TEXT("journal", chain.signer.journal, "publish deprecate vet " STEPS),
    CLI_TAKE("max-gas-price", take_max_gas_price, "publish deprecate vet " STEPS),
    TEXT("store", store, "publish show vet contribute post finish fetch"),
    TEXT("ipfs", ipfs, "publish show vet contribute post finish fetch"),
    TEXT("arweave", arweave, "publish show contribute finish fetch"),
    TEXT("wallet", wallet, "publish"),
    CLI_TAKE("max-reward", take_max_reward, "publish"),
    TEXT("viewer", viewer, "show"),
    TEXT("ceremony", ceremony, CEREMONIES),
    TEXT("node", node, "enroll"),
    TEXT("uri", uri, "contribute post finish"),
    CLI_TAKE("from-block", take_from_block, "status contribute finish fetch"),
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

/* Name, least and most arguments, what they are, whether after "ceremony", function. */
#define COMMANDS(C)                                                                                \
    C("publish", 1, 1, "a model folder", false, registry_publish_command)                          \
    C("list", 0, 0, "nothing after it", false, registry_list_command)                              \
    C("show", 1, 1, "the number of a model", false, registry_show_command)                         \
    C("deprecate", 1, 1, "the number of a model", false, registry_deprecate_command)               \
    C("vet", 1, 2, "a model folder, and a backtest to verify one", false, registry_vet_command)    \
    C("sealing-key", 0, 0, "nothing after it", false, registry_sealing_key_command)                \
    C("seal", 1, 1, "a model folder", false, registry_seal_command)                                \
    C("open", 1, 1, "a sealed file", false, registry_open_command)                                 \
    C("new", 0, 0, "nothing after it", true, registry_ceremony_new)                                \
    C("contribute", 0, 1, "a .ptau file, or a ceremony on a chain", true,                          \
      registry_ceremony_contribute)                                                                \
    C("beacon", 1, 1, "a .ptau file", true, registry_ceremony_beacon)                              \
    C("verify", 1, 1, "a .ptau file", true, registry_ceremony_verify)                              \
    C("import", 1, 1, "a .ptau file", true, registry_ceremony_import)                              \
    C("status", 0, 0, "nothing after it", true, registry_ceremony_status)                          \
    C("enroll", 0, 0, "nothing after it", true, registry_ceremony_enroll)                          \
    C("post", 1, 1, "a .ptau file", true, registry_ceremony_post)                                  \
    C("skip", 0, 0, "nothing after it", true, registry_ceremony_skip)                              \
    C("finish", 0, 1, "the last .ptau file, if it is there", true, registry_ceremony_finish)       \
    C("fetch", 0, 0, "nothing after it", true, registry_ceremony_fetch)

#define AS_COMMAND(name, least, most, takes, in_group, function)                                   \
    {name, least, most, takes, in_group},
#define AS_FUNCTION(name, least, most, takes, in_group, function) function,

static const struct cli_command command_table[] = {COMMANDS(AS_COMMAND)};
static enum status (*const function_table[])(struct cli *, struct registry_options *,
                                             struct diag *) = {COMMANDS(AS_FUNCTION)};

static const struct cli_grammar grammar = {
    option_table,  sizeof option_table / sizeof *option_table,  3, "ceremony", registry_help,
    command_table, sizeof command_table / sizeof *command_table};

static enum status run(struct cli *cli, size_t command, const char *const *arguments, void *context,
                       struct diag *diag)
{
    struct registry_options *o = context;
    o->input = arguments[0];
    o->second = command_table[command].most == 2 ? arguments[1] : NULL;
    return function_table[command](cli, o, diag);
}

int main(int argc, char **argv)
{
    struct registry_options o = {0};
    return cli_run("sertn-registry", &grammar, &o, run, argc, argv);
}
