/* Which tests there are; see conformance.h. */
#include "tests/conformance/conformance.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool add(struct conformance_suite *suite, const char *release, const char *kind,
                const char *folder, const char *name)
{
    char *path = NULL;
    struct stat info;
    if (asprintf(&path, "%s/%s/model.onnx", folder, name) < 0)
        return false;
    bool is_test = stat(path, &info) == 0;
    path[strlen(path) - strlen("/model.onnx")] = 0;
    if (is_test && suite->count == suite->capacity) {
        size_t capacity = suite->capacity == 0 ? 1024 : 2 * suite->capacity;
        struct conformance_test *grown = realloc(suite->tests, capacity * sizeof *grown);
        if (grown == NULL) {
            free(path);
            return false;
        }
        suite->tests = grown;
        suite->capacity = capacity;
    }
    if (is_test)
        suite->tests[suite->count++] = (struct conformance_test){
            strdup(release), strdup(kind), strrchr(path, '/') + 1, path, {0}};
    else
        free(path);
    return true;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* In the order of bytes, whatever the locale says. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

bool conformance_suite_add_kind(struct conformance_suite *suite, const char *release,
                                const char *kind, const char *folder, const char *filter)
{
    struct dirent **entry;
    bool is_good = true;
    int count = scandir(folder, &entry, is_visible, by_name);
    for (int i = 0; i < count; i++) {
        if (filter == NULL || strstr(entry[i]->d_name, filter) != NULL)
            is_good = add(suite, release, kind, folder, entry[i]->d_name) && is_good;
        free(entry[i]);
    }
    if (count >= 0)
        free(entry);
    return is_good;
}

bool conformance_suite_add(struct conformance_suite *suite, const char *release, const char *root,
                           const char *filter)
{
    static const char *const kinds[] = {"node", "simple", "pytorch-operator", "pytorch-converted"};
    bool is_good = true;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        char folder[4096];
        snprintf(folder, sizeof folder, "%s/%s", root, kinds[k]);
        is_good = conformance_suite_add_kind(suite, release, kinds[k], folder, filter) && is_good;
    }
    return is_good;
}

/* "1.12=FOLDER,1.22=FOLDER" */
bool conformance_suite_add_data(struct conformance_suite *suite, const char *filter)
{
    bool is_good = true;
    const char *data =
        conformance_setting("SERTN_CONFORMANCE_DATA", "1.12=/usr/share/libonnx-testdata/data");
    char *copy = strdup(data), *rest = copy;
    for (char *part; copy != NULL && (part = strsep(&rest, ",")) != NULL;) {
        char *root = strchr(part, '=');
        if (root == NULL)
            continue;
        *root = 0;
        is_good = conformance_suite_add(suite, part, root + 1, filter) && is_good;
    }
    free(copy);
    return is_good && copy != NULL;
}

void conformance_suite_release(struct conformance_suite *suite)
{
    for (size_t i = 0; i < suite->count; i++) {
        free((char *)suite->tests[i].release);
        free((char *)suite->tests[i].kind);
        free((char *)suite->tests[i].folder);
    }
    free(suite->tests);
    *suite = (struct conformance_suite){0};
}
