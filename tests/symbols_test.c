/* label: fast
 * Names at link level. A function of ours that is called like one of a library beside it would take
 * its place, or give way to it, without a word from the linker. And libsertn shows its public
 * header alone.
 */
#include "ir/support/names.h"
#include "tests/harness/harness.h"

#include <stdio.h>
#include <string.h>

/* Calls a function with each symbol a file defines for others. */
static size_t for_each_symbol(const char *path, bool is_shared,
                              void (*visit)(void *ctx, const char *path, const char *name),
                              void *ctx)
{
    const char *const command[] = {
        "/usr/bin/nm", is_shared ? "-D" : "-g", "--defined-only", "-P", path, NULL};
    struct test_output output = test_run(command);
    CHECK_MSG(output.exit_status == 0, "nm %s: %s", path, output.errors);
    size_t count = 0;
    char *text = output.text;
    for (char *line; (line = strsep(&text, "\n")) != NULL;) {
        char *space = strchr(line, ' ');
        if (space == NULL) /* the name of an archive member, or the end */
            continue;
        *space = 0;
        char *version = strchr(line, '@');
        if (version != NULL)
            *version = 0;
        visit(ctx, path, line);
        count++;
    }
    return count;
}

struct owners {
    struct names names;
    const char *file[1 << 16]; /* by number of the name: who defines it */
};

static void add_foreign(void *ctx, const char *path, const char *name)
{
    struct owners *owners = ctx;
    uint32_t number = names_add(&owners->names, name);
    REQUIRE(number < sizeof owners->file / sizeof owners->file[0]);
    owners->file[number] = path;
}

/* Marks that linkers and sanitizers put into every library. */
static bool is_made_by_tools(const char *name)
{
    return strncmp(name, "_init", 5) == 0 || strncmp(name, "_fini", 5) == 0 ||
           strncmp(name, "__", 2) == 0 || strncmp(name, "DW.ref.", 7) == 0;
}

static void check_not_foreign(void *ctx, const char *path, const char *name)
{
    struct owners *owners = ctx;
    uint32_t number = names_find(&owners->names, name);
    CHECK_MSG(number == NAME_NONE || is_made_by_tools(name), "%s of %s is also defined by %s", name,
              path, owners->file[number]);
}

TEST(no_function_of_ours_has_the_name_of_one_beside_it)
{
    static const char *const foreign[] = {SERTN_FOREIGN_LIBRARIES};
    static const char *const ours[] = {SERTN_OWN_LIBRARIES};
    static struct owners owners;
    struct arena arena = {0};
    names_init(&owners.names, &arena);
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        size_t count = for_each_symbol(foreign[i], true, add_foreign, &owners);
        CHECK_MSG(count > 5, "%s defines only %zu symbols", foreign[i], count);
    }
    CHECK(names_find(&owners.names, "__gmpz_add") != NAME_NONE);
    CHECK(names_find(&owners.names, "fmpz_add") != NAME_NONE);
    size_t total = 0;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        total += for_each_symbol(ours[i], false, check_not_foreign, &owners);
    CHECK(total > 100);
    arena_release(&arena);
}

#ifdef SERTN_SHARED_LIBRARY
static void check_is_public(void *ctx, const char *path, const char *name)
{
    (void)ctx;
    CHECK_MSG(strncmp(name, "sertn_", 6) == 0 || is_made_by_tools(name), "%s exports %s", path,
              name);
}

TEST(the_shared_library_exports_its_public_functions_alone)
{
    CHECK(for_each_symbol(SERTN_SHARED_LIBRARY, true, check_is_public, NULL) > 0);
}
#endif

#ifdef SERTN_RUN_PROGRAM
TEST(the_prover_starts_without_what_only_other_commands_need)
{
    static const char *const kept_out[] = {"libLLVM",  "libcurl",   "libprotobuf",
                                           "libflint", "libcrypto", "libstdc++"};
    const char *const command[] = {"/usr/bin/ldd", SERTN_RUN_PROGRAM, NULL};
    struct test_output output = test_run(command);
    CHECK_I64(output.exit_status, 0);
    CHECK(strstr(output.text, "libc.so") != NULL);
    /* The undefined-behaviour sanitizer brings the C++ library along by itself. */
    bool is_sanitized = strstr(output.text, "libubsan") != NULL;
    for (size_t i = 0; i < sizeof kept_out / sizeof kept_out[0]; i++)
        CHECK_MSG(strstr(output.text, kept_out[i]) == NULL ||
                      (is_sanitized && strcmp(kept_out[i], "libstdc++") == 0),
                  "sertn-run loads %s", kept_out[i]);
}
#endif
