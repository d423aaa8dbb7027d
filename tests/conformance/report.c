/* What a conformance run says: lines, a page, a table. See conformance.h. */
#include "tests/conformance/conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ORDER conformance_outcome. */
static const char *const outcome_names[CONFORMANCE_OUTCOMES] = {"failed", "passed", "out of scope"};

void conformance_print(const struct conformance_test *test)
{
    const struct conformance_result *result = &test->result;
    printf("%-6s %s/%s %s",
           result->outcome == CONFORMANCE_PASSED   ? "pass"
           : result->outcome == CONFORMANCE_FAILED ? "FAIL"
                                                   : "out",
           test->release, test->kind, test->name);
    if (result->outcome == CONFORMANCE_PASSED)
        printf(" (%u rows, %.2f s + %.2f s, %zu MB)\n", result->rows, result->compile_seconds,
               result->check_seconds, (size_t)(result->peak_memory_bytes >> 20));
    else
        printf(" [%s%s] %s\n", result->stage, result->is_interpreted ? ", interpreter agrees" : "",
               result->reason);
}

/* ---- grouping ---- */

enum { GROUP_NAME = 64, GROUPS_MAX = 1024, RELEASES_MAX = 32 };

struct group {
    char name[GROUP_NAME];
    size_t tally[RELEASES_MAX][CONFORMANCE_OUTCOMES];
};

struct summary {
    const struct conformance_test *tests;
    size_t count;
    const char *release[RELEASES_MAX];
    size_t release_count;
    struct group *groups; /* by operator */
    size_t group_count;
    struct group kinds[8]; /* by kind of test */
    size_t kind_count;
};

/* The operator of the test whose function body this one writes out, or null. */
static const char *operator_of_original(const struct summary *summary,
                                        const struct conformance_test *test)
{
    const char *suffix = strstr(test->name, "_expanded");
    for (size_t i = 0; suffix != NULL && i < summary->count; i++) {
        const struct conformance_test *other = &summary->tests[i];
        if (strcmp(other->release, test->release) == 0 &&
            strlen(other->name) == (size_t)(suffix - test->name) &&
            strncmp(other->name, test->name, strlen(other->name)) == 0)
            return other->result.operator_of;
    }
    return NULL;
}

static void group_name(char out[GROUP_NAME], const struct summary *summary,
                       const struct conformance_test *test)
{
    const char *original = operator_of_original(summary, test);
    if (original != NULL && original[0] != 0)
        snprintf(out, GROUP_NAME, "%.40s, as its function body", original);
    else if (test->result.operator_of[0] != 0)
        snprintf(out, GROUP_NAME, "%.60s", test->result.operator_of);
    else
        snprintf(out, GROUP_NAME, "(several operators)");
}

static struct group *find_group(struct group *groups, size_t *count, size_t room, const char *name)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(groups[i].name, name) == 0)
            return &groups[i];
    if (*count == room)
        return NULL;
    snprintf(groups[*count].name, GROUP_NAME, "%s", name);
    return &groups[(*count)++];
}

static size_t find_release(struct summary *summary, const char *name)
{
    for (size_t i = 0; i < summary->release_count; i++)
        if (strcmp(summary->release[i], name) == 0)
            return i;
    if (summary->release_count == RELEASES_MAX)
        return RELEASES_MAX - 1;
    summary->release[summary->release_count] = name;
    return summary->release_count++;
}

static int by_group_name(const void *a, const void *b)
{
    return strcmp(((const struct group *)a)->name, ((const struct group *)b)->name);
}

static bool summary_init(struct summary *summary, const struct conformance_test *tests,
                         size_t count)
{
    *summary = (struct summary){.tests = tests, .count = count};
    summary->groups = calloc(GROUPS_MAX, sizeof *summary->groups);
    for (size_t i = 0; summary->groups != NULL && i < count; i++) {
        char name[GROUP_NAME];
        size_t r = find_release(summary, tests[i].release);
        group_name(name, summary, &tests[i]);
        struct group *group = find_group(summary->groups, &summary->group_count, GROUPS_MAX, name);
        struct group *kind = find_group(summary->kinds, &summary->kind_count, 8, tests[i].kind);
        if (group != NULL)
            group->tally[r][tests[i].result.outcome]++;
        if (kind != NULL)
            kind->tally[r][tests[i].result.outcome]++;
    }
    if (summary->groups != NULL)
        qsort(summary->groups, summary->group_count, sizeof *summary->groups, by_group_name);
    return summary->groups != NULL;
}

/* ---- the page ---- */

static void write_counts(FILE *file, const struct summary *summary)
{
    fprintf(file, "| release | kind | in scope | passed | | failed | out of scope |\n"
                  "|---|---|---|---|---|---|---|\n");
    for (size_t r = 0; r < summary->release_count; r++) {
        for (size_t k = 0; k < summary->kind_count; k++) {
            const size_t *tally = summary->kinds[k].tally[r];
            size_t scope = tally[CONFORMANCE_PASSED] + tally[CONFORMANCE_FAILED];
            if (scope + tally[CONFORMANCE_OUT_OF_SCOPE] > 0)
                fprintf(file, "| %s | %s | %zu | %zu | %.1f%% | %zu | %zu |\n", summary->release[r],
                        summary->kinds[k].name, scope, tally[CONFORMANCE_PASSED],
                        scope > 0 ? 100.0 * (double)tally[CONFORMANCE_PASSED] / (double)scope : 0,
                        tally[CONFORMANCE_FAILED], tally[CONFORMANCE_OUT_OF_SCOPE]);
        }
    }
}

static void write_operators(FILE *file, const struct summary *summary)
{
    fprintf(file, "| operator |");
    for (size_t r = 0; r < summary->release_count; r++)
        fprintf(file, " %s |", summary->release[r]);
    fprintf(file, "\n|---|");
    for (size_t r = 0; r < summary->release_count; r++)
        fprintf(file, "---|");
    for (size_t g = 0; g < summary->group_count; g++) {
        fprintf(file, "\n| %s |", summary->groups[g].name);
        for (size_t r = 0; r < summary->release_count; r++) {
            const size_t *tally = summary->groups[g].tally[r];
            size_t scope = tally[CONFORMANCE_PASSED] + tally[CONFORMANCE_FAILED];
            if (scope > 0)
                fprintf(file, " %zu of %zu", tally[CONFORMANCE_PASSED], scope);
            if (tally[CONFORMANCE_OUT_OF_SCOPE] > 0)
                fprintf(file, "%s %zu out of scope", scope > 0 ? "," : "",
                        tally[CONFORMANCE_OUT_OF_SCOPE]);
            fprintf(file, " |");
        }
    }
    fprintf(file, "\n");
}

/* Text of a table cell. */
static void write_cell(FILE *file, const char *text)
{
    for (; *text != 0; text++) {
        if (*text == '|')
            fputc('\\', file);
        fputc(*text == '\n' ? ' ' : *text, file);
    }
}

static void write_reasons(FILE *file, const struct summary *summary,
                          enum conformance_outcome outcome)
{
    fprintf(file, "| release | test | stage | reason |\n|---|---|---|---|\n");
    for (size_t i = 0; i < summary->count; i++) {
        const struct conformance_test *test = &summary->tests[i];
        if (test->result.outcome != outcome)
            continue;
        fprintf(file, "| %s | %s | %s | ", test->release, test->name,
                outcome == CONFORMANCE_FAILED ? test->result.stage : "");
        write_cell(file, test->result.reason);
        fprintf(file, " |\n");
    }
}

bool conformance_write_report(const char *path, const struct conformance_test *tests, size_t count)
{
    struct summary summary;
    FILE *file = fopen(path, "w");
    if (file == NULL || !summary_init(&summary, tests, count)) {
        if (file != NULL)
            fclose(file);
        return false;
    }
    fprintf(file,
            "# ONNX conformance\n\n"
            "Each test of ONNX's backend test data is compiled with its inputs as `--data`, its "
            "witness is made, every\nconstraint is checked, and the outputs are compared by the "
            "rule of ONNX's own runner: exact type and shape,\n`|got - want| <= 1e-7 + 1e-3 "
            "|want|`, NaN equal to NaN, everything else exact. Made by `tests/conformance`;\n"
            "[conformance.csv](conformance.csv) has a line a test.\n\n");
    write_counts(file, &summary);
    fprintf(file, "\n## By operator: passed of those in scope\n\n");
    write_operators(file, &summary);
    fprintf(file, "\n## Failed\n\nWhy, looked at by hand: "
                  "[tests/conformance](../../tests/conformance/README.md#what-fails-and-why).\n\n");
    write_reasons(file, &summary, CONFORMANCE_FAILED);
    fprintf(file, "\n## Out of scope\n\n");
    write_reasons(file, &summary, CONFORMANCE_OUT_OF_SCOPE);
    free(summary.groups);
    return fclose(file) == 0;
}

/* Outputs of one operator's tests, and those of them that have a proven error. */
struct coverage {
    size_t outputs, proven;
    const char *gap;
};

static void write_coverage(FILE *file, const struct summary *summary)
{
    fprintf(file, "| operator | outputs | with a proven error | else |\n|---|---|---|---|\n");
    for (size_t g = 0; g < summary->group_count; g++) {
        struct coverage c = {0};
        for (size_t i = 0; i < summary->count; i++) {
            const struct conformance_result *result = &summary->tests[i].result;
            char name[GROUP_NAME];
            group_name(name, summary, &summary->tests[i]);
            if (strcmp(name, summary->groups[g].name) != 0 || result->outcome != CONFORMANCE_PASSED)
                continue;
            c.outputs += result->outputs;
            c.proven += result->proven;
            c.gap = result->proven < result->outputs ? result->gap : c.gap;
        }
        if (c.outputs == 0)
            continue;
        fprintf(file, "| %s | %zu | %zu | ", summary->groups[g].name, c.outputs, c.proven);
        write_cell(file, c.gap == NULL ? "" : c.gap);
        fprintf(file, " |\n");
    }
}

bool conformance_write_bounds(const char *path, const struct conformance_test *tests, size_t count)
{
    struct summary summary;
    size_t outputs = 0, proven = 0;
    FILE *file = fopen(path, "w");
    if (file == NULL || !summary_init(&summary, tests, count)) {
        if (file != NULL)
            fclose(file);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        bool passed = tests[i].result.outcome == CONFORMANCE_PASSED;
        outputs += passed ? tests[i].result.outputs : 0;
        proven += passed ? tests[i].result.proven : 0;
    }
    fprintf(
        file,
        "# Proven errors in ONNX's backend tests\n\n"
        "Of how many outputs of the tests that pass the compiler proves an error for every input "
        "that the circuit accepts, by\noperator, and what it says of one of the others. Each "
        "proven error was held to the float run of the graph. Made by `tests/conformance`.\n\n"
        "%zu of %zu outputs have a proven error: %.1f%%.\n\n",
        proven, outputs, outputs > 0 ? 100.0 * (double)proven / (double)outputs : 0);
    write_coverage(file, &summary);
    free(summary.groups);
    return fclose(file) == 0;
}

bool conformance_write_models(const char *path, const struct conformance_test *tests, size_t count)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return false;
    fprintf(
        file,
        "# Whole models\n\n"
        "Each model is compiled with its data sets as `--data`; for every set the witness is "
        "made, every constraint is\nchecked, and the outputs are compared with the "
        "reference (rtol 1e-2, atol 1e-4). No key is made. Seconds and peak memory\nare of one "
        "process with one thread, check beside compile. \"By dot gates\" is what the rows would "
        "be with a gate\nfor each product: counted where it was tried, else predicted. Made by "
        "`tests/conformance`.\n\n"
        "| model | outcome | rows | by dot gates | compile s | compile MB | check s | MB | "
        "reason |\n"
        "|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        const struct conformance_result *result = &tests[i].result;
        fprintf(file, "| %s | %s | %u | %llu | %.2f | %zu | %.2f | %zu | ", tests[i].name,
                result->is_refused ? "refused" : outcome_names[result->outcome], result->rows,
                (unsigned long long)result->dot_gate_rows, result->compile_seconds,
                (size_t)(result->compile_memory_bytes >> 20), result->check_seconds,
                (size_t)(result->peak_memory_bytes >> 20));
        write_cell(file, result->reason);
        fprintf(file, " |\n");
    }
    return fclose(file) == 0;
}

bool conformance_write_csv(const char *path, const struct conformance_test *tests, size_t count)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return false;
    fprintf(file, "release,kind,test,operator,outcome,interpreter,rows,stage\n");
    for (size_t i = 0; i < count; i++) {
        const struct conformance_result *result = &tests[i].result;
        fprintf(file, "%s,%s,%s,%s,%s,%s,%u,%s\n", tests[i].release, tests[i].kind, tests[i].name,
                result->operator_of, outcome_names[result->outcome],
                result->is_interpreted ? "yes" : "no", result->rows, result->stage);
    }
    return fclose(file) == 0;
}
