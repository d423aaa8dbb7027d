/* Conformance tests in processes of their own; see conformance.h. */
#include "tests/conformance/conformance.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/harness.h"

enum { JOBS_MAX = 64, IDLE_FACTOR = 10 };

struct slot {
    pid_t process; /* 0: free */
    size_t test;
    FILE *errors; /* standard error of the process */
};

struct pool {
    struct conformance_test *tests;
    struct conformance_result *shared; /* [count] */
    bool *is_done;
    size_t count;
    const struct conformance_limits *limits;
    struct slot slot[JOBS_MAX];
};

static void limit(int resource, size_t soft)
{
    struct rlimit limits = {soft, soft};
    if (setrlimit(resource, &limits) != 0)
        _exit(3);
}

static _Noreturn void run_child(struct pool *pool, struct slot *slot)
{
    const struct conformance_limits *limits = pool->limits;
    const struct conformance_test *test = &pool->tests[slot->test];
    if (dup2(fileno(slot->errors), STDERR_FILENO) < 0)
        _exit(3);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, limits->seconds);
#ifndef __SANITIZE_ADDRESS__ /* its shadow takes all the address space there is */
    limit(RLIMIT_AS, limits->memory_megabytes << 20);
#endif
    alarm(limits->seconds * IDLE_FACTOR);
    conformance_run(&pool->shared[slot->test], test->folder, limits->tolerance);
    fflush(NULL);
    _exit(0);
}

static void start(struct pool *pool, struct slot *slot, size_t test)
{
    slot->test = test;
    slot->errors = tmpfile();
    REQUIRE(slot->errors != NULL);
    fflush(stdout);
    slot->process = fork();
    REQUIRE(slot->process >= 0);
    if (slot->process == 0)
        run_child(pool, slot);
}

/* The last line that a process wrote to standard error. */
static void last_line(char *out, size_t room, FILE *errors)
{
    char line[256];
    out[0] = 0;
    rewind(errors);
    while (fgets(line, sizeof line, errors) != NULL) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] != 0)
            snprintf(out, room, "%s", line);
    }
}

static void finish(struct pool *pool, struct slot *slot, int status)
{
    struct conformance_result *result = &pool->tests[slot->test].result;
    char line[256];
    *result = pool->shared[slot->test];
    last_line(line, sizeof line, slot->errors);
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    bool is_slow = signal == SIGXCPU || signal == SIGALRM || signal == SIGKILL;
    if (signal != 0 || WEXITSTATUS(status) != 0) {
        result->outcome = CONFORMANCE_FAILED;
        if (is_slow)
            snprintf(result->reason, sizeof result->reason, "took longer than %u s",
                     pool->limits->seconds);
        else
            snprintf(result->reason, sizeof result->reason, "crashed (%s): %s",
                     signal != 0 ? strsignal(signal) : "exit", line);
    }
    fclose(slot->errors);
    slot->process = 0;
    pool->is_done[slot->test] = true;
}

/* Waits for one process. */
static void wait_one(struct pool *pool)
{
    int status;
    pid_t process = waitpid(-1, &status, 0);
    REQUIRE(process > 0 || errno == EINTR);
    for (unsigned i = 0; process > 0 && i < JOBS_MAX; i++)
        if (pool->slot[i].process == process)
            finish(pool, &pool->slot[i], status);
}

static struct slot *free_slot(struct pool *pool)
{
    unsigned jobs = pool->limits->jobs < JOBS_MAX ? pool->limits->jobs : JOBS_MAX;
    for (unsigned i = 0; i < jobs; i++)
        if (pool->slot[i].process == 0)
            return &pool->slot[i];
    return NULL;
}

void conformance_run_all(struct conformance_test *tests, size_t count,
                         const struct conformance_limits *limits,
                         void (*done)(const struct conformance_test *test))
{
    size_t bytes = (count + 1) * sizeof(struct conformance_result), shown = 0;
    struct pool pool = {.tests = tests, .count = count, .limits = limits};
    pool.shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pool.is_done = calloc(count + 1, sizeof *pool.is_done);
    REQUIRE(pool.shared != MAP_FAILED && pool.is_done != NULL && limits->jobs > 0);
    for (size_t next = 0; shown < count;) {
        struct slot *slot = next < count ? free_slot(&pool) : NULL;
        if (slot != NULL)
            start(&pool, slot, next++);
        else
            wait_one(&pool);
        for (; shown < count && pool.is_done[shown]; shown++)
            if (done != NULL)
                done(&tests[shown]);
    }
    free(pool.is_done);
    munmap(pool.shared, bytes);
}
