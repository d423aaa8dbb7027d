/* sertn-run: proofs of models, and the market's side of them. Options, calls, exit status; the work
 * is in runtime. */
#include <string.h>

#include "runtime/tools/cli.h"
#include "runtime/tools/run_commands.h"
#include "runtime/tools/run_help.h"

static bool take_context(void *context, const char *value, struct diag *diag)
{
    struct run_options *o = context;
    char text[67] = "0x";
    size_t length = strlen(value);
    if (strncmp(value, "0x", 2) == 0 || strncmp(value, "0X", 2) == 0) {
        value += 2;
        length -= 2;
    }
    for (size_t i = 0; i < length && i < 64; i++)
        text[2 + i] = (char)(value[i] >= 'A' && value[i] <= 'F' ? value[i] - 'A' + 'a' : value[i]);
    if (length == 64 && proof_parse_hex(o->context, sizeof o->context, text))
        return true;
    enum status status = diag_set(diag, STATUS_BAD_INPUT, "--context takes 64 hex digits");
    return status == STATUS_OK;
}

static bool take_number(void *context, const char *value, struct diag *diag)
{
    return cli_take_number(&((struct run_options *)context)->market.number, "number", value, 1,
                           UINT64_MAX, diag);
}

static bool take_deadline(void *context, const char *value, struct diag *diag)
{
    return cli_take_number(&((struct run_options *)context)->market.seconds, "deadline", value, 1,
                           UINT32_MAX, diag);
}

static bool take_callback_gas(void *context, const char *value, struct diag *diag)
{
    return cli_take_number(&((struct run_options *)context)->market.callback_gas, "callback-gas",
                           value, 0, 1000000, diag);
}

static bool take_max_price(void *context, const char *value, struct diag *diag)
{
    struct run_options *o = context;
    o->market.has_most_price = true;
    if (amount_parse(&o->market.most_price, value) && o->market.most_price >> 96 == 0)
        return true;
    (void)diag_set(diag, STATUS_BAD_INPUT,
                   "--max-price takes an amount in the token's smallest unit, below 2^96");
    return false;
}

static bool take_amount(void *context, const char *value, struct diag *diag)
{
    struct run_options *o = context;
    o->market.has_amount = true;
    if (amount_parse(&o->market.amount, value) && o->market.amount >> 96 == 0)
        return true;
    (void)diag_set(diag, STATUS_BAD_INPUT,
                   "--amount takes an amount in the token's smallest unit, below 2^96");
    return false;
}

static bool take_expiry(void *context, const char *value, struct diag *diag)
{
    return cli_take_number(&((struct run_options *)context)->market.expiry, "expiry", value, 1,
                           UINT32_MAX, diag);
}

static bool take_nonce(void *context, const char *value, struct diag *diag)
{
    struct run_options *o = context;
    o->market.has_nonce = true;
    return cli_take_number(&o->market.nonce, "nonce", value, 0, UINT64_MAX, diag);
}

static bool take_evaluator(void *context, const char *value, struct diag *diag)
{
    enum jit_choice *choice = &((struct run_options *)context)->evaluator;
    if (strcmp(value, "auto") == 0)
        *choice = JIT_AUTO;
    else if (strcmp(value, "interpreter") == 0)
        *choice = JIT_NEVER;
    else if (strcmp(value, "llvm") == 0)
        *choice = JIT_ALWAYS;
    else
        return diag_set(diag, STATUS_BAD_INPUT,
                        "--evaluator takes auto, interpreter or llvm, not '%s'",
                        value) == STATUS_OK;
    return true;
}

static bool take_chain_id(void *context, const char *value, struct diag *diag)
{
    return cli_take_number(&((struct run_options *)context)->chain.chain_id, "chain-id", value, 1,
                           UINT64_MAX, diag);
}

static bool take_max_gas_price(void *context, const char *value, struct diag *diag)
{
    return cli_take_gwei(&((struct run_options *)context)->chain.signer.most_fee, value, diag);
}

#define TEXT(name, member, commands) CLI_TEXT(name, struct run_options, member, commands)
#define FLAG(name, member, commands) CLI_FLAG(name, struct run_options, member, commands)

#define SENDERS "verify request send-request cancel-request deposit submit claim refund"

static const struct cli_option option_table[] = {
    TEXT("input", input, "prove check eval request submit"),
    CLI_TAKE("evaluator", take_evaluator, "prove check eval"),
    TEXT("o", output, "prove request"),
    CLI_TAKE("context", take_context, "prove verify calldata"),
    TEXT("srs", srs, "keys prove verify submit"),
    TEXT("rpc", chain.rpc, SENDERS " status"),
    TEXT("verifier", chain.verifier, "verify"),
    FLAG("deploy", chain.deploy, "verify"),
    TEXT("keystore", chain.signer.keystore, SENDERS),
    TEXT("password-file", chain.signer.password_file, SENDERS),
    TEXT("journal", chain.signer.journal, SENDERS),
    CLI_TAKE("max-gas-price", take_max_gas_price, SENDERS),
    CLI_TAKE("chain-id", take_chain_id, SENDERS " status"),
    TEXT("model", onnx, "eval"),
    FLAG("check", check, "keys"),
    TEXT("market", market.address,
         "request send-request cancel-request deposit submit claim refund status"),
    TEXT("store", market.store, "request submit"),
    TEXT("ipfs", market.ipfs, "request submit"),
    TEXT("arweave", market.arweave, "submit"),
    TEXT("uri", market.uri, "request"),
    TEXT("name", market.name, "request deposit"),
    TEXT("destination", market.destination, "request"),
    TEXT("requirement", market.requirement, "request"),
    TEXT("prover", market.prover, "submit"),
    TEXT("proof", proof, "submit"),
    TEXT("to", market.to, "claim deposit"),
    CLI_TAKE("number", take_number, "request claim"),
    CLI_TAKE("deadline", take_deadline, "request"),
    CLI_TAKE("callback-gas", take_callback_gas, "request"),
    CLI_TAKE("max-price", take_max_price, "request"),
    TEXT("seal-to", market.seal_to, "request"),
    FLAG("sign-only", market.sign_only, "request"),
    CLI_TAKE("expiry", take_expiry, "request"),
    CLI_TAKE("nonce", take_nonce, "request"),
    CLI_TAKE("amount", take_amount, "deposit"),
    TEXT("config", market.config, "node"),
    FLAG("drain", market.drain, "node"),
};

/* Name, arguments, what they are, function. The last is for the node alone. */
#define COMMANDS(C)                                                                                \
    C("keys", 1, "a model folder", run_keys)                                                       \
    C("prove", 1, "a model folder", run_prove)                                                     \
    C("verify", 2, "a model folder and a proof file", run_verify)                                  \
    C("calldata", 2, "a model folder and a proof file", run_calldata)                              \
    C("check", 1, "a model folder", run_check)                                                     \
    C("eval", 1, "a model folder", run_eval)                                                       \
    C("request", 1, "a model folder", run_request)                                                 \
    C("send-request", 1, "the file of a signed request", run_send_request)                         \
    C("cancel-request", 1, "the file of a signed request", run_cancel_request)                     \
    C("deposit", 0, "no argument", run_deposit)                                                    \
    C("submit", 2, "a model folder and a job", run_submit)                                         \
    C("status", 1, "a job", run_status)                                                            \
    C("refund", 1, "a job", run_refund)                                                            \
    C("claim", 0, "no argument", run_claim)                                                        \
    C("node", 0, "no argument", run_node)                                                          \
    C("work", 1, NULL, run_work)

#define AS_COMMAND(name, count, takes, function) {name, count, count, takes, false},
#define AS_FUNCTION(name, count, takes, function) function,

static const struct cli_command command_table[] = {COMMANDS(AS_COMMAND)};
static enum status (*const function_table[])(struct cli *, struct run_options *,
                                             struct diag *) = {COMMANDS(AS_FUNCTION)};

static const struct cli_grammar grammar = {
    option_table,  sizeof option_table / sizeof *option_table,  3, NULL, run_help,
    command_table, sizeof command_table / sizeof *command_table};

static enum status run(struct cli *cli, size_t command, const char *const *arguments, void *context,
                       struct diag *diag)
{
    struct run_options *o = context;
    o->folder = arguments[0];
    o->second = command_table[command].most == 2 ? arguments[1] : NULL;
    if (function_table[command] != run_submit)
        o->proof = o->second;
    return function_table[command](cli, o, diag);
}

int main(int argc, char **argv)
{
    struct run_options o = {0};
    return cli_run("sertn-run", &grammar, &o, run, argc, argv);
}
