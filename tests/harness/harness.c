/* The test harness: see harness.h. One case runs at a time; ctest runs programs side by side. */
#include "tests/harness/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A case that fails in a loop would bury the first failure, which is the one to read. */
#define FAILURES_SHOWN 20

struct held {
    struct held *next;
    char text[];
};

static struct {
    struct test_case *first;
    struct test_case **last;
    jmp_buf end_of_case;
    int failures; /* of the running case */
    bool skipped;
    uint64_t seed;
    uint64_t random[4];
    unsigned threads;
    struct held *held;      /* memory that lives until the case ends */
    struct held *temp_dirs; /* folders that live as long */
} state = {.last = &state.first};

void test_register(struct test_case *test)
{
    *state.last = test;
    state.last = &test->next;
}

void test_fail(const char *file, int line, const char *format, ...)
{
    if (state.failures++ >= FAILURES_SHOWN)
        return;
    printf("    %s:%d: ", file, line);
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

void test_end_case(void)
{
    longjmp(state.end_of_case, 1);
}

void test_skip(const char *format, ...)
{
    printf("    skipped: ");
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    state.skipped = true;
    test_end_case();
}

bool test_check_u64(const char *file, int line, const char *what, uint64_t got, uint64_t expected)
{
    if (got != expected)
        test_fail(file, line, "%s is %" PRIu64 ", expected %" PRIu64, what, got, expected);
    return got == expected;
}

bool test_check_i64(const char *file, int line, const char *what, int64_t got, int64_t expected)
{
    if (got != expected)
        test_fail(file, line, "%s is %" PRId64 ", expected %" PRId64, what, got, expected);
    return got == expected;
}

bool test_check_text(const char *file, int line, const char *what, const char *got,
                     const char *expected)
{
    bool same = got != NULL && strcmp(got, expected) == 0;
    if (!same)
        test_fail(file, line, "%s is \"%s\", expected \"%s\"", what, got == NULL ? "(null)" : got,
                  expected);
    return same;
}

bool test_check_bytes(const char *file, int line, const char *what, const void *got,
                      const void *expected, size_t count)
{
    const unsigned char *a = got, *b = expected;
    for (size_t i = 0; i < count; i++) {
        if (a[i] != b[i]) {
            test_fail(file, line, "%s: byte %zu of %zu is %02x, expected %02x", what, i, count,
                      a[i], b[i]);
            return false;
        }
    }
    return true;
}

bool test_check_status(const char *file, int line, const char *what, enum status got,
                       enum status expected, const struct diag *diag)
{
    if (got != expected)
        test_fail(file, line, "%s is '%s', expected '%s'%s%s", what, status_name(got),
                  status_name(expected), diag != NULL && diag->text[0] != 0 ? ": " : "",
                  diag != NULL ? diag->text : "");
    return got == expected;
}

/* SplitMix64 (Steele, Lea, Flood 2014), which spreads a seed over the state of the generator. */
static uint64_t split_mix(uint64_t *x)
{
    uint64_t z = (*x += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Each case has its own stream, so that a filter does not change what the case sees. */
static void seed_case(const char *name)
{
    uint64_t x = state.seed;
    for (const char *c = name; *c != 0; c++)
        x = (x ^ (unsigned char)*c) * 0x100000001B3u;
    for (int i = 0; i < 4; i++)
        state.random[i] = split_mix(&x);
}

static uint64_t rotate_left(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

/* xoshiro256** (Blackman, Vigna 2018). */
uint64_t test_random_u64(void)
{
    uint64_t *s = state.random;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t test_random_below(uint64_t bound)
{
    ASSERT(bound > 0);
    uint64_t unfair = (0 - bound) % bound; /* 2^64 mod bound values at the bottom are thrown away */
    uint64_t x = test_random_u64();
    while (x < unfair)
        x = test_random_u64();
    return x % bound;
}

void test_random_bytes(void *bytes, size_t count)
{
    unsigned char *p = bytes;
    for (size_t i = 0; i < count; i++)
        p[i] = (unsigned char)test_random_u64();
}

uint64_t test_random_edge_u64(void)
{
    uint64_t power = (uint64_t)1 << test_random_below(64);
    switch (test_random_below(8)) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return power - 1;
    case 3:
        return power;
    case 4:
        return power + 1;
    case 5:
        return UINT64_MAX;
    case 6:
        return UINT64_MAX - power;
    default:
        return test_random_u64();
    }
}

unsigned test_threads(void)
{
    return state.threads;
}

/* Returns zeroed memory with room for `bytes` and a zero after them, freed when the case ends. */
static char *hold(struct held **list, size_t bytes)
{
    struct held *held = calloc(1, sizeof *held + bytes + 1);
    ASSERT(held != NULL);
    held->next = *list;
    *list = held;
    return held->text;
}

const char *test_path(const char *folder, const char *name)
{
    size_t bytes = strlen(folder) + 1 + strlen(name);
    char *text = hold(&state.held, bytes);
    snprintf(text, bytes + 1, "%s/%s", folder, name);
    return text;
}

const char *test_source_path(const char *path)
{
    return test_path(SERTN_SOURCE_DIR, path);
}

const char *test_program_path(const char *name)
{
    return test_path(SERTN_BINARY_DIR "/bin", name);
}

const char *test_build_dir(void)
{
    return SERTN_BINARY_DIR;
}

const char *test_temp_dir(void)
{
    const char *root = getenv("TMPDIR");
    if (root == NULL || root[0] == 0)
        root = "/tmp";
    size_t bytes = strlen(root) + sizeof "/sertn-test-XXXXXX";
    char *path = hold(&state.temp_dirs, bytes);
    snprintf(path, bytes, "%s/sertn-test-XXXXXX", root);
    if (mkdtemp(path) == NULL) {
        test_fail(__FILE__, __LINE__, "cannot make a folder in %s: %s", root, strerror(errno));
        path[0] = 0;
        test_end_case();
    }
    return path;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

static void release_held(struct held **list)
{
    while (*list != NULL) {
        struct held *held = *list;
        *list = held->next;
        if (list == &state.temp_dirs && held->text[0] != 0)
            nftw(held->text, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        free(held);
    }
}

/* Reads a whole temporary file that a child has written through the same descriptor. */
static char *read_back(int file, size_t *bytes)
{
    off_t end = lseek(file, 0, SEEK_END);
    ASSERT(end >= 0);
    char *text = hold(&state.held, (size_t)end);
    ssize_t got = pread(file, text, (size_t)end, 0);
    ASSERT(got == (ssize_t)end);
    *bytes = (size_t)end;
    close(file);
    return text;
}

static int temporary_file(void)
{
    char path[] = "/tmp/sertn-test-output-XXXXXX";
    int file = mkstemp(path);
    ASSERT(file >= 0);
    unlink(path);
    return file;
}

struct test_output test_run(const char *const *argument)
{
    struct test_output output = {0};
    int out = temporary_file(), errors = temporary_file();
    fflush(NULL);
    pid_t child = fork();
    ASSERT(child >= 0);
    if (child == 0) {
        int input = open("/dev/null", O_RDONLY);
        if (dup2(input, 0) >= 0 && dup2(out, 1) >= 0 && dup2(errors, 2) >= 0)
            execv(argument[0], (char *const *)(uintptr_t)argument);
        _exit(126);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        ASSERT(errno == EINTR);
    output.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    output.text = read_back(out, &output.text_bytes);
    output.errors = read_back(errors, &output.errors_bytes);
    if (output.exit_status == 126) {
        test_fail(__FILE__, __LINE__, "cannot run %s", argument[0]);
        test_end_case();
    }
    return output;
}

enum outcome { PASSED, FAILED, SKIPPED };

static enum outcome run_case(const struct test_case *test)
{
    state.failures = 0;
    state.skipped = false;
    seed_case(test->name);
    if (setjmp(state.end_of_case) == 0)
        test->run();
    release_held(&state.held);
    release_held(&state.temp_dirs);
    enum outcome outcome = state.failures > 0 ? FAILED : state.skipped ? SKIPPED : PASSED;
    static const char *const names[] = {"passed ", "FAILED ", "skipped"};
    printf("%s %s\n", names[outcome], test->name);
    if (state.failures > FAILURES_SHOWN)
        printf("    and %d more failures\n", state.failures - FAILURES_SHOWN);
    return outcome;
}

/* Reads the number of an option; ends the program when it is none. */
static uint64_t option_number(const char *option, const char *text)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = text == NULL ? 0 : strtoull(text, &end, 0);
    if (text == NULL || end == text || *end != 0 || errno != 0) {
        fprintf(stderr, "%s needs a number\n", option);
        exit(2);
    }
    return value;
}

static uint64_t fresh_seed(void)
{
    const char *given = getenv("SERTN_TEST_SEED");
    if (given != NULL)
        return option_number("SERTN_TEST_SEED", given);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t x = (uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec + (uint64_t)getpid();
    return split_mix(&x) >> 32;
}

static void list_cases(void)
{
    for (const struct test_case *test = state.first; test != NULL; test = test->next)
        printf("%s\n", test->name);
}

/* Reads the options; returns the filter, or ends the program: after --list, or on bad usage. */
static const char *read_options(int count, char **argument)
{
    const char *filter = "";
    int i = 1;
    while (i < count) {
        const char *option = argument[i++], *value = i < count ? argument[i] : NULL;
        if (strcmp(option, "--list") == 0) {
            list_cases();
            exit(0);
        }
        if (strcmp(option, "--filter") == 0 && value != NULL) {
            filter = value;
        } else if (strcmp(option, "--seed") == 0) {
            state.seed = option_number("--seed", value);
        } else if (strcmp(option, "--threads") == 0) {
            state.threads = (unsigned)option_number("--threads", value);
        } else {
            fprintf(stderr, "usage: %s [--list] [--filter TEXT] [--seed N] [--threads N]\n",
                    argument[0]);
            exit(2);
        }
        i++;
    }
    return filter;
}

int main(int count, char **argument)
{
    state.seed = fresh_seed();
    const char *filter = read_options(count, argument);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("seed %" PRIu64 "\n", state.seed);
    int outcomes[3] = {0};
    for (const struct test_case *test = state.first; test != NULL; test = test->next) {
        if (strstr(test->name, filter) != NULL)
            outcomes[run_case(test)]++;
    }
    printf("%d passed, %d failed, %d skipped\n", outcomes[PASSED], outcomes[FAILED],
           outcomes[SKIPPED]);
    if (outcomes[PASSED] + outcomes[FAILED] + outcomes[SKIPPED] == 0) {
        fprintf(stderr, "no case matches '%s'\n", filter);
        return 2;
    }
    if (outcomes[FAILED] > 0)
        return 1;
    return outcomes[PASSED] == 0 ? 77 : 0;
}
