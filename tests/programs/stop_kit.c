/* See stop_kit.h. */
#include "tests/programs/stop_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/harness.h"

static pid_t start(const char *const *argument, bool traced)
{
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);
        if (traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(127);
        if (traced) /* looking for leaks takes ptrace, which is taken */
            setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
        if (dup2(null, 0) >= 0 && dup2(null, 1) >= 0 && dup2(null, 2) >= 0)
            execv(argument[0], (char *const *)(uintptr_t)argument);
        _exit(126);
    }
    return child;
}

static struct kit_stop how_it_ended(int status, int signal)
{
    struct kit_stop stop = {.stopped = WIFSIGNALED(status) && WTERMSIG(status) == signal};
    stop.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (stop.exit_status == 127)
        test_skip("ptrace is not allowed here");
    REQUIRE(stop.exit_status != 126);
    return stop;
}

/* Whether a system call that is about to begin changes files. */
static bool changes_files(const struct __ptrace_syscall_info *info)
{
    switch (info->entry.nr) {
    case SYS_openat:
        return (info->entry.args[2] & O_CREAT) != 0;
    case SYS_write:
        return info->entry.args[0] > 2;
    case SYS_mkdirat:
    case SYS_renameat2:
    case SYS_renameat:
    case SYS_unlinkat:
    case SYS_fsync:
#ifdef SYS_rename
    case SYS_rename:
    case SYS_mkdir:
    case SYS_rmdir:
    case SYS_unlink:
#endif
        return true;
    default:
        return false;
    }
}

/* Lets the child run to its n-th such call. Returns false when it ended before; *status is then
 * how. */
static bool run_to(pid_t child, unsigned n, int *status)
{
    unsigned seen = 0;
    int deliver = 0;
    for (;;) {
        if (ptrace(PTRACE_SYSCALL, child, NULL, (void *)(uintptr_t)deliver) != 0 ||
            waitpid(child, status, 0) < 0 || !WIFSTOPPED(*status))
            return false;
        deliver = 0;
        if (WSTOPSIG(*status) != (SIGTRAP | 0x80)) {
            deliver = WSTOPSIG(*status) == SIGTRAP ? 0 : WSTOPSIG(*status);
            continue;
        }
        struct __ptrace_syscall_info info;
        if (ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof info, &info) > 0 &&
            info.op == PTRACE_SYSCALL_INFO_ENTRY && changes_files(&info) && ++seen == n)
            return true;
    }
}

struct kit_stop kit_stop_at(const char *const *argument, unsigned n, int signal)
{
    int status;
    pid_t child = start(argument, true);
    REQUIRE(waitpid(child, &status, 0) == child);
    if (!WIFSTOPPED(status))
        return how_it_ended(status, signal);
    REQUIRE(ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)PTRACE_O_TRACESYSGOOD) == 0);
    if (!run_to(child, n, &status))
        return how_it_ended(status, signal);
    /* The call has not begun. SIGKILL ends it at once; others come when the child goes on, the call
     * then being made first. */
    if (signal == SIGKILL)
        kill(child, SIGKILL);
    else
        ptrace(PTRACE_DETACH, child, NULL, (void *)(uintptr_t)signal);
    REQUIRE(waitpid(child, &status, 0) == child);
    return how_it_ended(status, signal);
}

struct kit_stop kit_stop_after(const char *const *argument, unsigned microseconds, int signal)
{
    int status;
    struct timespec wait = {.tv_sec = microseconds / 1000000,
                            .tv_nsec = (long)(microseconds % 1000000) * 1000};
    pid_t child = start(argument, false);
    nanosleep(&wait, NULL);
    kill(child, signal);
    REQUIRE(waitpid(child, &status, 0) == child);
    return how_it_ended(status, signal);
}
