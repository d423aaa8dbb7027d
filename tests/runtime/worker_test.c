/*
 * A prover's process as the daemon sees it. The child is this program, which takes no command
 * `work` and ends with a sentence about its options; for the model /wait it waits for ever.
 */
#include "runtime/worker.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/harness.h"

__attribute__((constructor)) static void wait_as_a_child(int count, char **argument)
{
    if (count > 2 && strcmp(argument[1], "work") == 0 && strcmp(argument[2], "/wait") == 0)
        pause();
}

static void start(struct worker *worker, const char *folder, uint64_t seconds)
{
    struct diag diag = {0};
    struct job_claim claim = {0};
    struct buffer input = {0};
    const struct worker_options options = {folder, 1, {(uint64_t)1 << 30, seconds}};
    REQUIRE_OK(worker_start(worker, &options, &claim, &input, &diag), &diag);
}

static enum status wait_for(struct worker *worker, struct diag *diag)
{
    bool done = false;
    enum status status = STATUS_OK;
    for (int i = 0; i < 3000 && !done; i++) {
        *diag = (struct diag){0};
        status = worker_poll(&done, worker, diag);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    CHECK(done);
    return status;
}

TEST(a_child_that_has_ended_says_the_same_each_time)
{
    struct worker worker;
    struct diag first, again;
    start(&worker, "/nosuch", 60);
    CHECK_STATUS(wait_for(&worker, &first), STATUS_BAD_INPUT, &first);
    CHECK_MSG(strstr(first.text, "usage") != NULL, "%s", first.text);
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(wait_for(&worker, &again), STATUS_BAD_INPUT, &again);
        CHECK_TEXT(again.text, first.text);
    }
    worker_close(&worker);
}

/* In a group of its own, which a signal to nobody in particular would end. */
static int ask_when_time_is_up(void)
{
    struct worker worker;
    struct diag diag;
    if (setpgid(0, 0) != 0)
        return 1;
    start(&worker, "/nosuch", 60);
    if (wait_for(&worker, &diag) != STATUS_BAD_INPUT)
        return 2;
    worker.most_seconds = -1;
    if (wait_for(&worker, &diag) != STATUS_BAD_INPUT)
        return 3;
    worker_close(&worker);
    return wait_for(&worker, &diag) == STATUS_IO ? 0 : 4;
}

TEST(nobody_is_killed_for_a_child_that_has_ended)
{
    int how;
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0)
        _exit(ask_when_time_is_up());
    REQUIRE(waitpid(child, &how, 0) == child);
    CHECK_MSG(WIFEXITED(how) && WEXITSTATUS(how) == 0, "%d",
              WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how));
}

/* It takes no processor time, which alone the kernel bounds. */
TEST(a_child_that_waits_is_ended_in_time)
{
    struct worker worker;
    struct diag diag;
    start(&worker, "/wait", 1);
    CHECK_STATUS(wait_for(&worker, &diag), STATUS_IO, &diag);
    CHECK_MSG(strstr(diag.text, "more time or memory than limits allow") != NULL, "%s", diag.text);
    worker_close(&worker);
}
