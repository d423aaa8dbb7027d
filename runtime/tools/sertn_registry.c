/* sertn-registry: ceremonies of powers of tau. Options, calls, exit status; the work is below. */
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/tools/cli.h"
#include "runtime/tools/registry_commands.h"
#include "runtime/tools/registry_help.h"

static bool take_output(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct registry_options *)context)->output = value;
    return true;
}

static bool take_name(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct registry_options *)context)->name = value;
    return true;
}

static bool take_entropy(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct registry_options *)context)->entropy = value;
    return true;
}

static bool take_beacon(void *context, const char *value, struct diag *diag)
{
    (void)diag;
    ((struct registry_options *)context)->beacon = value;
    return true;
}

/* A number from least to most; false after filling diag. */
static bool take_number(uint32_t *out, const char *option, const char *value, uint32_t least,
                        uint32_t most, struct diag *diag)
{
    char *end;
    unsigned long number = strtoul(value, &end, 10);
    if (value[0] >= '0' && value[0] <= '9' && *end == '\0' && number >= least && number <= most) {
        *out = (uint32_t)number;
        return true;
    }
    enum status status =
        diag_set(diag, STATUS_BAD_INPUT, "--%s takes a number from %u to %u", option, least, most);
    return status == STATUS_OK;
}

static bool take_power(void *context, const char *value, struct diag *diag)
{
    return take_number(&((struct registry_options *)context)->power, "power", value, 1, 28, diag);
}

static bool take_rounds(void *context, const char *value, struct diag *diag)
{
    return take_number(&((struct registry_options *)context)->rounds, "rounds", value, 10, 36,
                       diag);
}

static const struct cli_option option_table[] = {
    {"o", true, take_output, "new contribute beacon"},
    {"name", true, take_name, "contribute beacon"},
    {"entropy", true, take_entropy, "contribute"},
    {"beacon", true, take_beacon, "beacon"},
    {"rounds", true, take_rounds, "beacon"},
    {"power", true, take_power, "new import"},
};

static const struct cli_grammar grammar = {option_table, sizeof option_table / sizeof *option_table,
                                           3, "ceremony", registry_help};

struct command {
    const char *name;
    size_t arguments; /* after the command */
    enum status (*run)(struct cli *cli, struct registry_options *options, struct diag *diag);
};

static const struct command ceremony_table[] = {
    {"new", 0, registry_ceremony_new},       {"contribute", 1, registry_ceremony_contribute},
    {"beacon", 1, registry_ceremony_beacon}, {"verify", 1, registry_ceremony_verify},
    {"import", 1, registry_ceremony_import},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof ceremony_table / sizeof *ceremony_table; i++) {
        if (strcmp(ceremony_table[i].name, name) == 0)
            return &ceremony_table[i];
    }
    return NULL;
}

/* The command with its arguments and options, or NULL after filling diag. */
static const struct command *read_command(const struct cli *cli, const char *const *positional,
                                          size_t count, struct diag *diag)
{
    const struct command *command = count < 2 ? NULL : find_command(positional[1]);
    enum status status = STATUS_OK;
    if (count == 0)
        status =
            diag_set(diag, STATUS_BAD_INPUT, "give a command: ceremony; see sertn-registry --help");
    else if (strcmp(positional[0], "ceremony") != 0)
        status = diag_set(diag, STATUS_BAD_INPUT, "unknown command '%s'; see sertn-registry --help",
                          positional[0]);
    else if (count == 1)
        status =
            diag_set(diag, STATUS_BAD_INPUT,
                     "give what to do: ceremony new, contribute, beacon, verify or import; see "
                     "sertn-registry --help");
    else if (command == NULL)
        status =
            diag_set(diag, STATUS_BAD_INPUT,
                     "unknown command 'ceremony %s'; see sertn-registry --help", positional[1]);
    else if (count != command->arguments + 2)
        status = diag_set(
            diag, STATUS_BAD_INPUT, "ceremony %s takes %s; see sertn-registry ceremony %s --help",
            command->name, command->arguments == 0 ? "no file" : "a .ptau file", command->name);
    else
        status = cli_check_options(cli, &grammar, command->name, diag);
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
    const struct command *command = read_command(&cli, positional, count, &diag);
    if (command == NULL)
        return cli_finish(&cli, STATUS_BAD_INPUT, &diag);
    o.input = positional[2];
    status = command->run(&cli, &o, &diag);
    return cli_finish(&cli, status, &diag);
}
