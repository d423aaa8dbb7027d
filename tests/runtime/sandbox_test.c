/* label: prover checked libs: sertn_3rd_seccomp */
/*
 * What the process of a stranger's model may do, and what it may not: each case runs in a child,
 * which says in its exit status how it went.
 */
#include "runtime/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ir/support/file.h"
#include "tests/harness/harness.h"

/* A folder that may be read, one that may not, and a file in each; made before the fork. */
static const char *inside, *outside;

/* Runs something after entering the sandbox; 0: it was as it should be. */
static void in_sandbox(int (*try)(void), const char *what)
{
    int how;
    const char *readable[] = {test_temp_dir(), "/nosuch/folder", NULL};
    struct diag written = {0};
    inside = test_path(readable[0], "file");
    outside = test_path(test_temp_dir(), "file");
    REQUIRE_OK(file_write(inside, "a", 1, FILE_MODE_PRIVATE, false, &written), &written);
    REQUIRE_OK(file_write(outside, "a", 1, FILE_MODE_PRIVATE, false, &written), &written);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        struct diag diag = {0};
        if (sandbox_enter(readable, &diag) != STATUS_OK)
            _exit(100);
        _exit(try());
    }
    REQUIRE(waitpid(child, &how, 0) == child);
    CHECK_MSG(WIFEXITED(how) && WEXITSTATUS(how) == 0, "%s: %d", what,
              WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how));
}

static int denied(int result)
{
    return result == -1 && (errno == EACCES || errno == EPERM) ? 0 : 1;
}

static int read_file(void)
{
    char byte;
    int file = open("/proc/self/status", O_RDONLY);
    return file >= 0 && read(file, &byte, 1) == 1 && close(file) == 0 ? 0 : 1;
}

static int read_own(void)
{
    char byte;
    int file = open(inside, O_RDONLY);
    return file >= 0 && read(file, &byte, 1) == 1 && close(file) == 0 ? 0 : 1;
}

static int read_machine(void)
{
    return open("/proc/cpuinfo", O_RDONLY) >= 0 && open("/dev/urandom", O_RDONLY) >= 0 ? 0 : 1;
}

/* Files of the same user, the memory of the process that started it, and what root finds memory and
 * disks by. */
static int read_others(void)
{
    char memory[64];
    snprintf(memory, sizeof memory, "/proc/%d/mem", getppid());
    return denied(open(outside, O_RDONLY)) | denied(open(memory, O_RDONLY)) << 1 |
           denied(open("/etc/passwd", O_RDONLY)) << 2 | denied(open("/proc", O_RDONLY)) << 3 |
           denied(open("/proc/version", O_RDONLY)) << 4 | denied(open("/dev", O_RDONLY)) << 5;
}

static int write_file(void)
{
    return denied(open("/tmp", O_WRONLY)) | denied(open("/tmp/sertn_x", O_RDONLY | O_CREAT, 0600)) |
           denied(open("/tmp/sertn_x", O_RDWR)) | denied(unlink("/tmp/sertn_x")) |
           denied(mkdir("/tmp/sertn_x", 0700)) | denied(rename("/tmp/sertn_x", "/tmp/sertn_y"));
}

static int reach_network(void)
{
    return denied(socket(AF_INET, SOCK_STREAM, 0)) | denied(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int start_program(void)
{
    char *const arguments[] = {"/bin/true", NULL};
    execv("/bin/true", arguments);
    return denied(-1) | denied(fork());
}

static int touch_others(void)
{
    return denied(kill(getppid(), SIGCONT)) |
           denied((int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static void *add(void *number)
{
    char *memory = malloc(1 << 20);
    memset(memory, 1, 1 << 20);
    *(int *)number += memory[77];
    free(memory);
    return NULL;
}

static int compute(void)
{
    pthread_t thread[4];
    int number[4] = {0};
    for (int i = 0; i < 4; i++) {
        if (pthread_create(&thread[i], NULL, add, &number[i]) != 0)
            return 1;
    }
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    return number[0] + number[1] + number[2] + number[3] == 4 ? 0 : 1;
}

TEST(files_are_read_and_none_is_written)
{
    in_sandbox(read_file, "reading");
    in_sandbox(write_file, "writing");
}

TEST(files_of_others_are_not_read)
{
    if (syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1u) < 1)
        test_skip("this kernel has no Landlock");
    in_sandbox(read_own, "reading what may be read");
    in_sandbox(read_machine, "reading what libraries ask of the machine");
    in_sandbox(read_others, "reading what may not");
}

/* Connections of the parent above all. */
TEST(no_open_file_is_inherited)
{
    int how, file = dup(1), high = fcntl(1, F_DUPFD, 200);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        sandbox_close_files();
        _exit(fcntl(file, F_GETFD) == -1 && fcntl(high, F_GETFD) == -1 && fcntl(2, F_GETFD) != -1
                  ? 0
                  : 1);
    }
    REQUIRE(waitpid(child, &how, 0) == child);
    CHECK(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    close(file);
    close(high);
}

TEST(neither_network_nor_programs_nor_other_processes)
{
    in_sandbox(reach_network, "network");
    in_sandbox(start_program, "programs");
    in_sandbox(touch_others, "other processes");
}

TEST(threads_compute)
{
    in_sandbox(compute, "threads");
}

static const struct sandbox_limits limits = {(uint64_t)1 << 30, 1};

/* One child within these limits; returns how it ended. */
static int limited(int (*try)(void))
{
    int how;
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0)
        _exit(sandbox_limit(&limits) ? try() : 100);
    REQUIRE(waitpid(child, &how, 0) == child);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
}

static int take_memory(void)
{
    return malloc((size_t)1 << 31) == NULL ? 7 : 8;
}

static int take_time(void)
{
    for (volatile unsigned long i = 0; i < (1ul << 40); i++)
        ;
    return 8;
}

static int fill_disk(void)
{
    signal(SIGXFSZ, SIG_IGN);
    char name[] = "/tmp/sertn_limit_XXXXXX";
    int file = mkstemp(name);
    unlink(name);
    return file >= 0 && write(file, "x", 1) == -1 && errno == EFBIG ? 7 : 8;
}

TEST(memory_is_bounded)
{
    if (!sandbox_bounds_memory())
        test_skip("sanitizers map more memory than any bound leaves");
    CHECK_I64(limited(take_memory), 7);
}

TEST(no_file_is_filled)
{
    CHECK_I64(limited(fill_disk), 7);
}

TEST(time_is_bounded)
{
    int how = limited(take_time);
    CHECK_MSG(how == -SIGXCPU || how == -SIGKILL, "%d", how);
}
