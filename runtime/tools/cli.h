/*
 * What the mains share: reading options, printing results and errors, progress.
 *
 * Every program takes --json (one object on standard output, nothing else there), --quiet,
 * --threads N, --help, --version. Errors go to standard error as one line each, and with --json as
 * {"error": ...} on standard output too.
 */
#ifndef SERTN_RUNTIME_TOOLS_CLI_H
#define SERTN_RUNTIME_TOOLS_CLI_H

#include <stddef.h>

#include <cjson/cJSON.h>

#include "backend/plonk/prove.h"
#include "ir/support/status.h"

struct cli {
    const char *program;
    bool json, quiet;
    unsigned threads; /* 0: all cores */
    uint64_t given;   /* bit i: option i of the grammar was given */
    cJSON *result;    /* owned; printed by cli_finish when json */
};

/* One option of a program: --name, with or without a value. */
struct cli_option {
    const char *name;
    bool has_value;
    /* Takes the value (NULL without one); returns false after filling diag. NULL: the value goes as
     * it is to the member `field` of the context, a const char *; without one a bool becomes true.
     */
    bool (*take)(void *context, const char *value, struct diag *diag);
    const char *commands; /* names of the commands that take it, spaces between; NULL: all */
    size_t field;
};
#define CLI_TEXT(name, type, member, commands)                                                     \
    {                                                                                              \
        name, true, NULL, commands, offsetof(type, member)                                         \
    }
#define CLI_FLAG(name, type, member, commands)                                                     \
    {                                                                                              \
        name, false, NULL, commands, offsetof(type, member)                                        \
    }
#define CLI_TAKE(name, take, commands)                                                             \
    {                                                                                              \
        name, true, take, commands, 0                                                              \
    }

/* One command of a program. */
struct cli_command {
    const char *name;
    size_t least, most; /* arguments after it */
    const char *takes;  /* what they are, as in "takes a model folder"; NULL: not told to users */
    bool in_group;      /* stands after the group's word */
};
/* Words that are no options, the command's own among them. */
enum { CLI_WORDS_MOST = 4 };

/* What a program takes beside the options of all programs. */
struct cli_grammar {
    const struct cli_option *options; /* [option_count], at most 64 */
    size_t option_count;
    size_t most;       /* positional arguments */
    const char *group; /* a first word that commands of their own follow, or NULL */
    /* The text of --help, for a command (the first positional argument before it, after a group) or
     * NULL. */
    const char *(*help)(const char *command);
    const struct cli_command *commands; /* [command_count]; NULL for a program without */
    size_t command_count;
};

/*
 * Reads argv[1..]: shared options, those of the grammar, and positional arguments (kept in order in
 * `positional`). "--" ends options. --help and --version print and set *done. Errors:
 * STATUS_BAD_INPUT naming the option.
 */
enum status cli_parse(struct cli *cli, int argc, char **argv, const struct cli_grammar *grammar,
                      void *context, const char **positional, size_t *positional_count, bool *done,
                      struct diag *diag) SERTN_MUST_CHECK;

/* Does command number `command` of the grammar; arguments: [most] of the command, NULL where there
 * are none. */
typedef enum status (*cli_runner)(struct cli *cli, size_t command, const char *const *arguments,
                                  void *context, struct diag *diag);

/*
 * The main of a program with commands: reads argv into the context, finds the command, holds its
 * arguments and options to the grammar, runs it, prints what came of it. Returns the exit status.
 */
int cli_run(const char *program, const struct cli_grammar *grammar, void *context, cli_runner run,
            int argc, char **argv);

/*
 * Prints the failure (or the JSON result), releases it, returns the exit status of the program. A
 * standard output that cannot be written is a failure too.
 */
int cli_finish(struct cli *cli, enum status status, const struct diag *diag);
/* The same for many problems: a line each; "error" holds the first, "problems" all. */
int cli_finish_list(struct cli *cli, enum status status, const struct diag_list *problems);

/* A line for people on standard error, unless quiet or json. */
void cli_say(const struct cli *cli, const char *format, ...) SERTN_PRINTF(2, 3);

/* Progress on standard error: a bar with an estimate on a terminal, a line at each tenth elsewhere
 * when it takes longer than two seconds. */
struct cli_progress {
    const struct cli *cli;
    double start;
    double last; /* fraction last shown */
    bool shown;
};
struct plonk_progress cli_progress_begin(struct cli_progress *progress, const struct cli *cli);
void cli_progress_end(struct cli_progress *progress);

/* For `take`: a number from least to most; digits below 2^64. False after filling diag. */
bool cli_take_number(uint64_t *out, const char *option, const char *value, uint64_t least,
                     uint64_t most, struct diag *diag);

/* A gas price in gwei, up to 1,000,000, as wei; false after filling diag. */
bool cli_take_gwei(uint64_t *wei, const char *value, struct diag *diag);

/* NAME=VALUE split at the first '=': name is copied into `name` of `size` bytes. */
bool cli_split(const char *text, char *name, size_t size, const char **value);

#endif
