/* See cli.h. */
#include "runtime/tools/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ir/support/buffer.h"
#include "ir/support/file.h"
#include "ir/support/machine.h"

/* ---- options ---- */

static bool take_threads(struct cli *cli, const char *value, struct diag *diag)
{
    char *end;
    long count = value == NULL ? 0 : strtol(value, &end, 10);
    if (value == NULL || *end != '\0' || count < 1 || count > 1024) {
        enum status status =
            diag_set(diag, STATUS_BAD_INPUT, "--threads takes a number from 1 to 1024");
        return status == STATUS_OK;
    }
    cli->threads = (unsigned)count;
    return true;
}

bool cli_take_number(uint64_t *out, const char *option, const char *value, uint64_t least,
                     uint64_t most, struct diag *diag)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (value[0] >= '0' && value[0] <= '9' && *end == '\0' && errno == 0 && number >= least &&
        number <= most) {
        *out = number;
        return true;
    }
    if (most == UINT64_MAX)
        (void)diag_set(diag, STATUS_BAD_INPUT, "--%s takes a number below 2^64", option);
    else
        (void)diag_set(diag, STATUS_BAD_INPUT, "--%s takes a number from %llu to %llu", option,
                       (unsigned long long)least, (unsigned long long)most);
    return false;
}

/* Puts the value of an option where it belongs. */
static bool store_value(const struct cli_option *option, void *context, const char *value,
                        struct diag *diag)
{
    char *member = (char *)context + option->field;
    if (option->take != NULL)
        return option->take(context, value, diag);
    if (option->has_value)
        memcpy(member, &value, sizeof value);
    else
        *(bool *)member = true;
    return true;
}

static bool is_named(const char *text, size_t length, const char *name)
{
    return strlen(name) == length && strncmp(text, name, length) == 0;
}

/* Index of an option of the grammar, or its option_count. */
static size_t find_option(const struct cli_grammar *grammar, const char *text, size_t length)
{
    size_t i = 0;
    while (i < grammar->option_count && !is_named(text, length, grammar->options[i].name))
        i++;
    return i;
}

/* Handles --name[=value] or --name value; *at moves past what was used. */
static enum status take_option(struct cli *cli, int argc, char **argv, int *at,
                               const struct cli_grammar *grammar, void *context, struct diag *diag)
{
    const char *text = strcmp(argv[*at], "-o") == 0 ? "o" : argv[*at] + 2,
               *equals = strchr(text, '=');
    size_t length = equals == NULL ? strlen(text) : (size_t)(equals - text);
    if (is_named(text, length, "json") && equals == NULL) {
        cli->json = true;
        return STATUS_OK;
    }
    if (is_named(text, length, "quiet") && equals == NULL) {
        cli->quiet = true;
        return STATUS_OK;
    }
    bool is_threads = is_named(text, length, "threads");
    size_t index = find_option(grammar, text, length);
    if (index == grammar->option_count && !is_threads)
        return diag_set(diag, STATUS_BAD_INPUT, "unknown option '%s'; see %s --help", argv[*at],
                        cli->program);
    const struct cli_option *option = is_threads ? NULL : &grammar->options[index];
    bool has_value = is_threads || option->has_value;
    if (!has_value && equals != NULL)
        return diag_set(diag, STATUS_BAD_INPUT, "option '--%s' takes no value", option->name);
    const char *value = equals != NULL ? equals + 1 : NULL;
    if (has_value && value == NULL) {
        if (*at + 1 >= argc)
            return diag_set(diag, STATUS_BAD_INPUT, "option '%s' needs a value", argv[*at]);
        value = argv[++*at];
    }
    if (option != NULL)
        cli->given |= UINT64_C(1) << index;
    bool taken =
        is_threads ? take_threads(cli, value, diag) : store_value(option, context, value, diag);
    return taken ? STATUS_OK : STATUS_BAD_INPUT;
}

static bool is_help(const char *text)
{
    return strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0;
}

/* Whether --json stands anywhere: a mistake before it is reported as it asks. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            return true;
    }
    return false;
}

/* The command among the words so far, or NULL. */
static const char *command_of(const struct cli_grammar *grammar, const char *const *positional,
                              size_t count)
{
    bool in_group =
        count > 1 && grammar->group != NULL && strcmp(positional[0], grammar->group) == 0;
    return count == 0 ? NULL : positional[in_group];
}

enum status cli_parse(struct cli *cli, int argc, char **argv, const struct cli_grammar *grammar,
                      void *context, const char **positional, size_t *positional_count, bool *done,
                      struct diag *diag)
{
    bool only_positional = false;
    enum status status = STATUS_OK;
    *done = false;
    *positional_count = 0;
    for (int i = 1; i < argc && status == STATUS_OK && !*done; i++) {
        const char *text = argv[i];
        bool is_option = !only_positional && text[0] == '-' && text[1] != '\0';
        if (is_option && strcmp(text, "--") == 0) {
            only_positional = true;
        } else if (is_option && is_help(text)) {
            fputs(grammar->help(command_of(grammar, positional, *positional_count)), stdout);
            *done = true;
            cli->json = false;
        } else if (is_option && strcmp(text, "--version") == 0) {
            printf("%s %s\n", cli->program, SERTN_VERSION);
            *done = true;
            cli->json = false;
        } else if (is_option && (strncmp(text, "--", 2) == 0 || strcmp(text, "-o") == 0)) {
            status = take_option(cli, argc, argv, &i, grammar, context, diag);
        } else if (is_option) {
            status = diag_set(diag, STATUS_BAD_INPUT, "unknown option '%s'; see %s --help", text,
                              cli->program);
        } else if (*positional_count == grammar->most) {
            status = diag_set(diag, STATUS_BAD_INPUT, "unexpected argument '%s'; see %s --help",
                              text, cli->program);
        } else {
            positional[(*positional_count)++] = text;
        }
    }
    if (status != STATUS_OK)
        cli->json = wants_json(argc, argv);
    return status;
}

/* Whether a word is one of those in a list with spaces between. */
static bool is_listed(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; *at != '\0'; at += strspn(at, " ")) {
        size_t next = strcspn(at, " ");
        if (next == length && strncmp(at, word, length) == 0)
            return true;
        at += next;
    }
    return false;
}

/* Checks that every option given is one of the command's. */
static enum status check_options(const struct cli *cli, const struct cli_grammar *grammar,
                                 const char *command, struct diag *diag)
{
    for (size_t i = 0; i < grammar->option_count; i++) {
        const struct cli_option *option = &grammar->options[i];
        if ((cli->given >> i & 1) != 0 && option->commands != NULL &&
            !is_listed(option->commands, command))
            return diag_set(diag, STATUS_BAD_INPUT, "%s takes no option '%s%s'; see %s %s --help",
                            command, strlen(option->name) == 1 ? "-" : "--", option->name,
                            cli->program, command);
    }
    return STATUS_OK;
}

/* ---- commands ---- */

/* What there is to choose from, commas between, after the words so far. */
static enum status ask_for_command(const struct cli *cli, const struct cli_grammar *grammar,
                                   bool in_group, struct diag *diag)
{
    struct buffer list = {0};
    const char *last = in_group ? NULL : grammar->group;
    for (size_t i = grammar->command_count; i-- > 0;) {
        const struct cli_command *command = &grammar->commands[i];
        if (last == NULL && command->in_group == in_group && command->takes != NULL)
            last = command->name;
    }
    for (size_t i = 0; i < grammar->command_count; i++) {
        const struct cli_command *command = &grammar->commands[i];
        if (command->in_group == in_group && command->takes != NULL && command->name != last)
            buffer_printf(&list, "%s%s", list.count == 0 ? "" : ", ", command->name);
    }
    buffer_printf(&list, " or %s", last);
    enum status status = buffer_status(&list, diag);
    if (status == STATUS_OK)
        status = diag_set(diag, STATUS_BAD_INPUT, "give a command%s%s: %s; see %s --help",
                          in_group ? " after " : "", in_group ? grammar->group : "",
                          buffer_text(&list), cli->program);
    buffer_release(&list);
    return status;
}

static const struct cli_command *find_command(const struct cli_grammar *grammar, const char *name,
                                              bool in_group)
{
    for (size_t i = 0; i < grammar->command_count; i++) {
        const struct cli_command *command = &grammar->commands[i];
        if (command->in_group == in_group && strcmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}

/* Finds the command in words[0..count) and holds its arguments and options to the grammar; *used
 * words are its own. */
static enum status read_command(const struct cli_command **out, size_t *used, const struct cli *cli,
                                const struct cli_grammar *grammar, const char *const *words,
                                size_t count, struct diag *diag)
{
    bool in_group = count > 0 && grammar->group != NULL && strcmp(words[0], grammar->group) == 0;
    size_t own = in_group ? 2 : 1;
    const char *before = in_group ? grammar->group : "", *space = in_group ? " " : "";
    if (count < own)
        return ask_for_command(cli, grammar, in_group, diag);
    const struct cli_command *command = find_command(grammar, words[own - 1], in_group);
    if (command == NULL)
        return diag_set(diag, STATUS_BAD_INPUT, "unknown command '%s%s%s'; see %s --help", before,
                        space, words[own - 1], cli->program);
    if (count < command->least + own || count > command->most + own)
        return diag_set(diag, STATUS_BAD_INPUT, "%s%s%s takes %s; see %s %s%s%s --help", before,
                        space, command->name,
                        command->takes == NULL ? "other arguments" : command->takes, cli->program,
                        before, space, command->name);
    *out = command;
    *used = own;
    return check_options(cli, grammar, command->name, diag);
}

int cli_run(const char *program, const struct cli_grammar *grammar, void *context, cli_runner run,
            int argc, char **argv)
{
    struct cli cli = {.program = program};
    struct diag diag = {0};
    const char *words[CLI_WORDS_MOST + 1] = {NULL};
    const struct cli_command *command = NULL;
    size_t count = 0, used = 0;
    bool done;
    ASSERT(grammar->most <= CLI_WORDS_MOST);
    file_clean_on_signals();
    enum status status = cli_parse(&cli, argc, argv, grammar, context, words, &count, &done, &diag);
    if (status == STATUS_OK && !done)
        status = read_command(&command, &used, &cli, grammar, words, count, &diag);
    if (status == STATUS_OK && !done)
        status = run(&cli, (size_t)(command - grammar->commands), words + used, context, &diag);
    return cli_finish(&cli, status, &diag);
}

/* ---- values of options ---- */

bool cli_take_gwei(uint64_t *wei, const char *value, struct diag *diag)
{
    char *end;
    double gwei = strtod(value, &end);
    if (value[0] >= '0' && value[0] <= '9' && *end == '\0' && gwei >= 1e-9 && gwei <= 1e6) {
        *wei = (uint64_t)(gwei * 1e9 + 0.5);
        return true;
    }
    return diag_set(diag, STATUS_BAD_INPUT,
                    "--max-gas-price takes gwei a gas, up to 1000000, not '%s'",
                    value) == STATUS_OK;
}

bool cli_split(const char *text, char *name, size_t size, const char **value)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text || (size_t)(equals - text) >= size)
        return false;
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = '\0';
    *value = equals + 1;
    return true;
}

/* ---- results ---- */

static void print_result(struct cli *cli)
{
    char *text = cli->result == NULL ? NULL : cJSON_PrintUnformatted(cli->result);
    puts(text == NULL ? "{\"error\":\"no memory\"}" : text);
    free(text);
}

/* Prints the result and makes sure that it, and all before it, has gone out. */
static enum status finish_output(struct cli *cli, enum status status)
{
    if (cli->json)
        print_result(cli);
    bool written = fflush(stdout) == 0;
    int error = errno;
    if (status != STATUS_OK || (written && ferror(stdout) == 0))
        return status;
    fprintf(stderr, "%s: cannot write standard output%s%s\n", cli->program, written ? "" : ": ",
            written ? "" : strerror(error));
    return STATUS_IO;
}

int cli_finish(struct cli *cli, enum status status, const struct diag *diag)
{
    if (status != STATUS_OK && cli->json) {
        if (cli->result == NULL)
            cli->result = cJSON_CreateObject();
        /* What eval had found of errors so far has this name too. */
        cJSON_DeleteItemFromObjectCaseSensitive(cli->result, "error");
        cJSON_AddStringToObject(cli->result, "error", diag->text);
    }
    if (status != STATUS_OK)
        fprintf(stderr, "%s: %s\n", cli->program, diag->text);
    status = finish_output(cli, status);
    cJSON_Delete(cli->result);
    cli->result = NULL;
    return status_exit_code(status);
}

int cli_finish_list(struct cli *cli, enum status status, const struct diag_list *problems)
{
    struct diag first = {0};
    if (status == STATUS_OK || problems->count == 0)
        return cli_finish(cli, status, &first);
    if (cli->json) {
        if (cli->result == NULL)
            cli->result = cJSON_CreateObject();
        cJSON *list = cJSON_AddArrayToObject(cli->result, "problems");
        for (size_t i = 0; i < problems->count && list != NULL; i++)
            cJSON_AddItemToArray(list, cJSON_CreateString(problems->item[i].text));
        if (problems->lost > 0)
            cJSON_AddNumberToObject(cli->result, "problems_not_listed", (double)problems->lost);
    }
    int code = cli_finish(cli, status, &problems->item[0]);
    for (size_t i = 1; i < problems->count; i++)
        fprintf(stderr, "%s: %s\n", cli->program, problems->item[i].text);
    if (problems->lost > 0)
        fprintf(stderr, "%s: %zu problems more, which are not listed\n", cli->program,
                problems->lost);
    return code;
}

void cli_say(const struct cli *cli, const char *format, ...)
{
    if (cli->quiet || cli->json)
        return;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* ---- progress ---- */

enum { BAR = 30 };
/* ECMA-48, 8.3.41. */
static const char erase_to_end[] = "\033[K";
static const double patience_seconds = 2;

static void show_bar(const char *stage, double fraction, double seconds)
{
    int filled = (int)(fraction * BAR);
    fprintf(stderr, "\r[%.*s%*s] %3.0f%%  %s", filled, "##############################",
            BAR - filled, "", 100 * fraction, stage);
    if (fraction > 0.01)
        fprintf(stderr, ", %.0f s left", seconds * (1 - fraction) / fraction);
    fputs(erase_to_end, stderr);
    fflush(stderr);
}

static void report(void *context, const char *stage, double fraction)
{
    struct cli_progress *progress = context;
    double seconds = machine_seconds() - progress->start;
    bool terminal = isatty(STDERR_FILENO) != 0;
    if (progress->cli->quiet || progress->cli->json || (!terminal && seconds < patience_seconds) ||
        (terminal && seconds < 0.3))
        return;
    if (terminal) {
        show_bar(stage, fraction, seconds);
        progress->shown = true;
    } else if (fraction - progress->last >= 0.1) {
        fprintf(stderr, "%3.0f%% %s\n", 100 * fraction, stage);
        progress->last = fraction;
    }
}

struct plonk_progress cli_progress_begin(struct cli_progress *progress, const struct cli *cli)
{
    *progress = (struct cli_progress){.cli = cli, .start = machine_seconds()};
    return (struct plonk_progress){report, progress};
}

void cli_progress_end(struct cli_progress *progress)
{
    if (progress->shown)
        fprintf(stderr, "\r%s", erase_to_end);
    progress->shown = false;
}
