/* label: fast
 * Holds every #include of every source to tests/layers.txt: the layers of the project cannot
 * dissolve unseen. Also keeps the libraries of others where they belong: only frontend knows
 * protobuf-c, and so on.
 */
#include "ir/support/buffer.h"
#include "ir/support/file.h"
#include "ir/support/names.h"
#include "tests/harness/harness.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDERS_MAX 64

/* What tests/layers.txt says. allowed[a][b]: folder a may include folder b, by itself or through
 * others. */
struct layers {
    struct arena arena;
    struct names names;
    bool allowed[FOLDERS_MAX][FOLDERS_MAX];
};

/* Reads one line "folder : below below"; returns false when it breaks the rules of the file. */
static bool read_line(struct layers *layers, char *line)
{
    char *end = strchr(line, '#');
    if (end != NULL)
        *end = 0;
    char *colon = strchr(line, ':');
    if (colon == NULL)
        return strspn(line, " \t") == strlen(line);
    *colon = 0;
    char *rest = NULL, *folder = strtok_r(line, " \t", &rest);
    if (folder == NULL || names_find(&layers->names, folder) != NAME_NONE)
        return false;
    uint32_t self = names_add(&layers->names, folder);
    if (self >= FOLDERS_MAX)
        return false;
    layers->allowed[self][self] = true;
    rest = NULL;
    for (char *word = strtok_r(colon + 1, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest)) {
        uint32_t below = names_find(&layers->names, word);
        if (below == NAME_NONE || below == self)
            return false;
        for (uint32_t i = 0; i < self; i++)
            layers->allowed[self][i] |= layers->allowed[below][i];
    }
    return true;
}

static bool read_layers(struct layers *layers, char *text)
{
    names_init(&layers->names, &layers->arena);
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (!read_line(layers, line))
            return false;
    }
    return true;
}

/* Returns the number of the innermost listed folder that holds a path, or NAME_NONE. */
static uint32_t folder_of(const struct layers *layers, const char *path)
{
    char folder[512];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strrchr(folder, '/'); slash != NULL; slash = strrchr(folder, '/')) {
        *slash = 0;
        uint32_t found = names_find(&layers->names, folder);
        if (found != NAME_NONE)
            return found;
    }
    return NAME_NONE;
}

/* Headers of others, and the one folder whose sources may name them; tests may name all. */
static const char *const kept_apart[][2] = {
    {"protobuf-c/", "frontend"}, {"curl/", "runtime"},     {"llvm-c/", "backend/witness"},
    {"sqlite3.h", "runtime"},    {"secp256k1", "runtime"}, {"openssl/", "runtime"},
    {"cuda", "backend/device"},
};

/* Judges one include of a file. Returns null, or what is wrong. */
static const char *judge_include(const struct layers *layers, const char *file, const char *target,
                                 bool is_quoted)
{
    uint32_t from = folder_of(layers, file);
    if (from == NAME_NONE)
        return "stands in a folder that tests/layers.txt does not know";
    if (!is_quoted) {
        const char *folder = names_text(&layers->names, from);
        for (size_t i = 0; i < sizeof kept_apart / sizeof kept_apart[0]; i++) {
            if (strncmp(target, kept_apart[i][0], strlen(kept_apart[i][0])) == 0 &&
                strcmp(folder, kept_apart[i][1]) != 0 && strcmp(folder, "tests") != 0)
                return "includes a library of others that another folder keeps to itself";
        }
        return NULL;
    }
    uint32_t to = folder_of(layers, target);
    if (to == NAME_NONE)
        return "includes by a path that does not start at the root";
    if (!layers->allowed[from][to])
        return "includes what does not stand below it";
    return NULL;
}

/* Reads the target of an include line into `target`; returns false for any other line. */
static bool parse_include(const char *line, char target[256], bool *is_quoted)
{
    line += strspn(line, " \t");
    if (*line++ != '#')
        return false;
    line += strspn(line, " \t");
    if (strncmp(line, "include", 7) != 0)
        return false;
    line += 7 + strspn(line + 7, " \t");
    *is_quoted = *line == '"';
    const char *end =
        *line == '"' || *line == '<' ? strchr(line + 1, *is_quoted ? '"' : '>') : NULL;
    if (end == NULL || end - line > 255)
        return false;
    snprintf(target, 256, "%.*s", (int)(end - line - 1), line + 1);
    return true;
}

struct walk {
    const struct layers *layers;
    size_t files;
    size_t includes;
};

static void judge_file(struct walk *walk, const char *path)
{
    struct buffer buffer = {0};
    struct diag diag = {0};
    REQUIRE_OK(file_read(test_source_path(path), 1 << 26, &buffer, &diag), &diag);
    walk->files++;
    int number = 0;
    char target[256];
    /* strsep keeps empty lines, so that the numbers are those of the file. */
    for (char *text = (char *)buffer.data, *line; (line = strsep(&text, "\n")) != NULL;) {
        bool is_quoted;
        number++;
        if (!parse_include(line, target, &is_quoted))
            continue;
        walk->includes++;
        const char *wrong = judge_include(walk->layers, path, target, is_quoted);
        CHECK_MSG(wrong == NULL, "%s:%d: %s: %s", path, number, wrong, target);
        CHECK_MSG(!is_quoted || file_exists(test_source_path(target)) ||
                      strstr(target, ".pb-c.h") != NULL,
                  "%s:%d: %s is not there", path, number, target);
    }
    buffer_release(&buffer);
}

static bool is_source(const char *name)
{
    static const char *const endings[] = {".c", ".h", ".cu", ".cuh", ".S", ".def", ".inc"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof endings[0]; i++) {
        if (strcmp(dot, endings[i]) == 0)
            return true;
    }
    return false;
}

static void walk_folder(struct walk *walk, const char *folder)
{
    DIR *dir = opendir(test_source_path(folder));
    if (dir == NULL)
        return;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "node_modules") == 0)
            continue;
        const char *path = test_path(folder, entry->d_name);
        struct stat info;
        if (lstat(test_source_path(path), &info) != 0)
            continue;
        if (S_ISDIR(info.st_mode))
            walk_folder(walk, path);
        else if (S_ISREG(info.st_mode) && is_source(entry->d_name))
            judge_file(walk, path);
    }
    closedir(dir);
}

static void load(struct layers *layers)
{
    struct buffer buffer = {0};
    struct diag diag = {0};
    *layers = (struct layers){0};
    REQUIRE_OK(file_read(test_source_path("tests/layers.txt"), 1 << 16, &buffer, &diag), &diag);
    CHECK(read_layers(layers, (char *)buffer.data));
    buffer_release(&buffer);
}

TEST(every_include_stands_below_its_includer)
{
    static const char *const roots[] = {"ir",      "frontend",   "passes", "backend",
                                        "runtime", "benchmarks", "tests"};
    struct layers layers;
    load(&layers);
    struct walk walk = {.layers = &layers};
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++)
        walk_folder(&walk, roots[i]);
    CHECK(walk.files > 20 && walk.includes > 100);
    arena_release(&layers.arena);
}

TEST(the_judge_finds_what_is_forbidden)
{
    struct layers layers;
    load(&layers);
    static const struct {
        const char *file, *target;
        bool is_quoted, is_allowed;
    } cases[] = {
        {"ir/graph.c", "ir/support/status.h", true, true},
        {"ir/support/status.c", "ir/graph.h", true, false},
        {"ir/graph.c", "backend/field/field.h", true, false},
        {"frontend/import.c", "passes/lower.h", true, false},
        {"passes/lower.c", "frontend/import.h", true, false},
        {"passes/place.c", "backend/plonk/keys.h", true, false},
        {"backend/plonk/prove.c", "frontend/import.h", true, false},
        {"backend/field/field.c", "backend/curve/curve.h", true, false},
        {"backend/commit/kzg.c", "backend/field/field.h", true, true},
        {"backend/commit/kzg.c", "backend/plonk/keys.h", true, false},
        {"runtime/job.c", "passes/pipeline.h", true, true},
        {"runtime/job.c", "runtime/tools/options.h", true, false},
        {"runtime/tools/sertnc.c", "runtime/job.h", true, true},
        {"tests/backend/curve/msm_test.c", "backend/curve/msm.h", true, true},
        {"backend/curve/msm.c", "tests/harness/harness.h", true, false},
        {"ir/graph.c", "graph.h", true, false},
        {"lost/file.c", "ir/graph.h", true, false},
        {"frontend/onnx_load.c", "protobuf-c/protobuf-c.h", false, true},
        {"passes/lower.c", "protobuf-c/protobuf-c.h", false, false},
        {"backend/plonk/prove.c", "curl/curl.h", false, false},
        {"ir/expr.c", "gmp.h", false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *wrong =
            judge_include(&layers, cases[i].file, cases[i].target, cases[i].is_quoted);
        CHECK_MSG((wrong == NULL) == cases[i].is_allowed, "%s including %s", cases[i].file,
                  cases[i].target);
    }
    arena_release(&layers.arena);
}

TEST(a_layer_file_with_a_cycle_or_a_stranger_is_refused)
{
    static const char *const bad[] = {"a : b\nb : a\n", "a : a\n", "a :\na :\n", "a : c\n",
                                      "stray words\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct layers layers = {0};
        char text[64];
        snprintf(text, sizeof text, "%s", bad[i]);
        CHECK(!read_layers(&layers, text));
        arena_release(&layers.arena);
    }
}

TEST(include_lines_are_recognised_in_every_spelling)
{
    char target[256];
    bool is_quoted;
    CHECK(parse_include("#include \"a/b.h\"", target, &is_quoted) && is_quoted);
    CHECK_TEXT(target, "a/b.h");
    CHECK(parse_include("  #  include<gmp.h> /* why */", target, &is_quoted) && !is_quoted);
    CHECK_TEXT(target, "gmp.h");
    CHECK(!parse_include("#define include", target, &is_quoted));
    CHECK(!parse_include("#include MACRO", target, &is_quoted));
}
