/* sertn-run: keys, prove, verify, calldata, check, eval. Options, calls, exit status; the work is
 * in runtime. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/tools/cli.h"
#include "runtime/tools/run_commands.h"
#include "runtime/tools/run_help.h"

static bool take_input(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct run_options *)context)->input = value;
    return true;
}

static bool take_output(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct run_options *)context)->output = value;
    return true;
}

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

static bool take_srs(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct run_options *)context)->srs = value;
    return true;
}

static bool take_rpc(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct run_options *)context)->chain.rpc = value;
    return true;
}

static bool take_verifier(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct run_options *)context)->chain.verifier = value;
    return true;
}

static bool take_keystore(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct run_options *)context)->chain.keystore = value;
    return true;
}

static bool take_password_file(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct run_options *)context)->chain.password_file = value;
    return true;
}

static bool take_deploy(void *context, const char *value, struct diag *diag)
{
    (void)value;
    (void)diag;
    ((struct run_options *)context)->chain.deploy = true;
    return true;
}

static bool take_model(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct run_options *)context)->onnx = value;
    return true;
}

static bool take_check(void *context, const char *value, struct diag *diag)
{
    (void)value;
    (void)diag;
    ((struct run_options *)context)->check = true;
    return true;
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

static const struct cli_option option_table[] = {
    {"input", true, take_input, "prove check eval"},
    {"evaluator", true, take_evaluator, "prove check eval"},
    {"o", true, take_output, "prove"},
    {"context", true, take_context, "prove verify calldata"},
    {"srs", true, take_srs, "keys prove verify"},
    {"rpc", true, take_rpc, "verify"},
    {"verifier", true, take_verifier, "verify"},
    {"deploy", false, take_deploy, "verify"},
    {"keystore", true, take_keystore, "verify"},
    {"password-file", true, take_password_file, "verify"},
    {"model", true, take_model, "eval"},
    {"check", false, take_check, "keys"},
};

static const struct cli_grammar grammar = {option_table, sizeof option_table / sizeof *option_table,
                                           3, NULL, run_help};

struct command {
    const char *name;
    size_t arguments; /* after the command */
    enum status (*run)(struct cli *cli, struct run_options *options, struct diag *diag);
};

static const struct command command_table[] = {
    {"keys", 1, run_keys},         {"prove", 1, run_prove}, {"verify", 2, run_verify},
    {"calldata", 2, run_calldata}, {"check", 1, run_check}, {"eval", 1, run_eval},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof command_table / sizeof *command_table; i++) {
        if (strcmp(command_table[i].name, name) == 0)
            return &command_table[i];
    }
    return NULL;
}

/* The command with its arguments and options, or NULL after filling diag. */
static const struct command *read_command(const struct cli *cli, const char *const *positional,
                                          size_t count, struct diag *diag)
{
    const struct command *command = count == 0 ? NULL : find_command(positional[0]);
    enum status status = STATUS_OK;
    if (count == 0)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "give a command: keys, prove, verify, calldata, check or eval; see "
                          "sertn-run --help");
    else if (command == NULL)
        status = diag_set(diag, STATUS_BAD_INPUT, "unknown command '%s'; see sertn-run --help",
                          positional[0]);
    else if (count != command->arguments + 1)
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "%s takes a model folder%s; see sertn-run %s --help", command->name,
                          command->arguments == 2 ? " and a proof file" : "", command->name);
    else
        status = cli_check_options(cli, &grammar, command->name, diag);
    return status == STATUS_OK ? command : NULL;
}

int main(int argc, char **argv)
{
    struct run_options o = {0};
    struct cli cli = {.program = "sertn-run"};
    struct diag diag = {0};
    const char *positional[3] = {NULL};
    size_t count = 0;
    bool done;
    file_clean_on_signals();
    enum status status =
        cli_parse(&cli, argc, argv, &grammar, &o, positional, &count, &done, &diag);
    if (status != STATUS_OK || done)
        return cli_finish(&cli, status, &diag);
    const struct command *command = read_command(&cli, positional, count, &diag);
    if (command == NULL)
        return cli_finish(&cli, STATUS_BAD_INPUT, &diag);
    o.folder = positional[1];
    o.proof = positional[2];
    status = command->run(&cli, &o, &diag);
    return cli_finish(&cli, status, &diag);
}
