/* Settings and the end of a conformance run; see conformance.h. */
#include "tests/conformance/conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/harness.h"

const char *conformance_setting(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != 0 ? value : fallback;
}

static size_t number_setting(const char *name, size_t fallback)
{
    const char *value = conformance_setting(name, NULL);
    size_t number = value == NULL ? 0 : strtoul(value, NULL, 10);
    return number > 0 ? number : fallback;
}

struct conformance_limits conformance_limits(unsigned seconds, size_t memory_megabytes,
                                             struct conformance_tolerance tolerance)
{
    return (struct conformance_limits){
        .jobs = (unsigned)number_setting("SERTN_CONFORMANCE_JOBS", 2),
        .seconds = (unsigned)number_setting("SERTN_CONFORMANCE_SECONDS", seconds),
        .memory_megabytes = number_setting("SERTN_CONFORMANCE_MEMORY_MB", memory_megabytes),
        .tolerance = tolerance};
}

static void print_totals(const struct conformance_test *tests, size_t count)
{
    size_t tally[CONFORMANCE_OUTCOMES] = {0}, interpreted = 0;
    for (size_t i = 0; i < count; i++) {
        tally[tests[i].result.outcome]++;
        interpreted += tests[i].result.is_interpreted;
    }
    printf("%zu passed, %zu failed, %zu out of scope of %zu; the float interpreter agrees with "
           "%zu\n",
           tally[CONFORMANCE_PASSED], tally[CONFORMANCE_FAILED], tally[CONFORMANCE_OUT_OF_SCOPE],
           count, interpreted);
}

static const struct conformance_test *find(const struct conformance_test *tests, size_t count,
                                           const char *release, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(tests[i].release, release) == 0 && strcmp(tests[i].name, name) == 0)
            return &tests[i];
    return NULL;
}

/* Lines are release,kind,test,operator,outcome,... */
static void check_kept(const struct conformance_test *tests, size_t count, const char *path)
{
    char line[1024];
    FILE *file = fopen(path, "r");
    REQUIRE(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        char *rest = line, *field[5] = {0};
        for (size_t i = 0; i < 5; i++)
            field[i] = strsep(&rest, ",");
        if (field[4] == NULL || strcmp(field[4], "passed") != 0)
            continue;
        const struct conformance_test *test = find(tests, count, field[0], field[2]);
        CHECK_MSG(test == NULL || test->result.outcome == CONFORMANCE_PASSED,
                  "%s %s passed before: %s", field[0], field[2],
                  test != NULL ? test->result.reason : "");
    }
    fclose(file);
}

void conformance_conclude(const struct conformance_test *tests, size_t count, const char *name,
                          conformance_page_fn *page)
{
    char path[4096];
    const char *folder = conformance_setting("SERTN_CONFORMANCE_REPORT", NULL);
    print_totals(tests, count);
    if (folder != NULL) {
        snprintf(path, sizeof path, "%s/%s.md", folder, name);
        CHECK(page(path, tests, count));
        snprintf(path, sizeof path, "%s/%s.csv", folder, name);
        CHECK(conformance_write_csv(path, tests, count));
        return;
    }
    snprintf(path, sizeof path, "benchmarks/results/%s.csv", name);
    check_kept(tests, count, test_source_path(path));
}

void conformance_conclude_bounds(const struct conformance_test *tests, size_t count)
{
    char path[4096];
    const char *folder = conformance_setting("SERTN_CONFORMANCE_REPORT", NULL);
    if (folder == NULL)
        return;
    snprintf(path, sizeof path, "%s/bounds.md", folder);
    CHECK(conformance_write_bounds(path, tests, count));
}
