/* See cli.h. */
#include "runtime/tools/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static bool is_named(const char *text, size_t length, const char *name)
{
    return strlen(name) == length && strncmp(text, name, length) == 0;
}

/* Handles --name[=value] or --name value; *at moves past what was used. */
static enum status take_option(struct cli *cli, int argc, char **argv, int *at,
                               const struct cli_option *options, size_t count, void *context,
                               struct diag *diag)
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
    const struct cli_option *option = NULL;
    for (size_t i = 0; i < count; i++) {
        if (is_named(text, length, options[i].name))
            option = &options[i];
    }
    if (option == NULL && !is_threads)
        return diag_set(diag, STATUS_BAD_INPUT, "unknown option '%s'; see %s --help", argv[*at],
                        cli->program);
    bool has_value = is_threads || option->has_value;
    if (!has_value && equals != NULL)
        return diag_set(diag, STATUS_BAD_INPUT, "option '--%s' takes no value", option->name);
    const char *value = equals != NULL ? equals + 1 : NULL;
    if (has_value && value == NULL) {
        if (*at + 1 >= argc)
            return diag_set(diag, STATUS_BAD_INPUT, "option '%s' needs a value", argv[*at]);
        value = argv[++*at];
    }
    bool taken = is_threads ? take_threads(cli, value, diag) : option->take(context, value, diag);
    return taken ? STATUS_OK : STATUS_BAD_INPUT;
}

enum status cli_parse(struct cli *cli, int argc, char **argv, const struct cli_option *options,
                      size_t option_count, void *context, const char **positional, size_t most,
                      size_t *positional_count, const char *help, bool *done, struct diag *diag)
{
    bool only_positional = false;
    *done = false;
    *positional_count = 0;
    for (int i = 1; i < argc; i++) {
        const char *text = argv[i];
        if (!only_positional && strcmp(text, "--") == 0) {
            only_positional = true;
        } else if (!only_positional && (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0)) {
            fputs(help, stdout);
            *done = true;
            return STATUS_OK;
        } else if (!only_positional && strcmp(text, "--version") == 0) {
            printf("%s %s\n", cli->program, SERTN_VERSION);
            *done = true;
            return STATUS_OK;
        } else if (!only_positional && (strncmp(text, "--", 2) == 0 || strcmp(text, "-o") == 0)) {
            enum status status =
                take_option(cli, argc, argv, &i, options, option_count, context, diag);
            if (status != STATUS_OK)
                return status;
        } else if (!only_positional && text[0] == '-' && text[1] != '\0') {
            return diag_set(diag, STATUS_BAD_INPUT, "unknown option '%s'; see %s --help", text,
                            cli->program);
        } else if (*positional_count == most) {
            return diag_set(diag, STATUS_BAD_INPUT, "unexpected argument '%s'; see %s --help", text,
                            cli->program);
        } else {
            positional[(*positional_count)++] = text;
        }
    }
    return STATUS_OK;
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
    if (cli->json)
        print_result(cli);
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
    }
    int code = cli_finish(cli, status, &problems->item[0]);
    for (size_t i = 1; i < problems->count; i++)
        fprintf(stderr, "%s: %s\n", cli->program, problems->item[i].text);
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
static const double patience_seconds = 2;

static void show_bar(const char *stage, double fraction, double seconds)
{
    int filled = (int)(fraction * BAR);
    double left = fraction > 0.01 ? seconds * (1 - fraction) / fraction : 0;
    fprintf(stderr, "\r[%.*s%*s] %3.0f%%  %-12s %4.0f s left ", filled,
            "##############################", BAR - filled, "", 100 * fraction, stage, left);
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
        fprintf(stderr, "\r%*s\r", BAR + 40, "");
    progress->shown = false;
}
