/* See sandbox.h. */
#include "runtime/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool lower(int what, uint64_t value)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)what, &limit) != 0)
        return false;
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > value)
        limit.rlim_max = (rlim_t)value;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit((__rlimit_resource_t)what, &limit) == 0;
}

/* The sanitizers map terabytes that they do not use: their builds bound no address space. */
#if defined(__SANITIZE_THREAD__)
enum { BOUNDS_MEMORY = 0, BOUNDS_FILES = 0 }; /* it keeps files of its own, too */
#elif defined(__SANITIZE_ADDRESS__)
enum { BOUNDS_MEMORY = 0, BOUNDS_FILES = 1 };
#else
enum { BOUNDS_MEMORY = 1, BOUNDS_FILES = 1 };
#endif

bool sandbox_bounds_memory(void)
{
    return BOUNDS_MEMORY;
}

bool sandbox_limit(const struct sandbox_limits *limits)
{
    return (!BOUNDS_MEMORY || lower(RLIMIT_AS, limits->memory_bytes)) &&
           lower(RLIMIT_CPU, limits->seconds) && (!BOUNDS_FILES || lower(RLIMIT_FSIZE, 0)) &&
           lower(RLIMIT_CORE, 0) && lower(RLIMIT_NOFILE, 256);
}

/* What computing with threads, and reading files, takes. */
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(pread64),
    SCMP_SYS(readv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(close),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(getcwd),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(poll),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(membarrier),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getcpu),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrlimit),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

static int add_rules(scmp_filter_ctx filter)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        failed |= seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
    /* Opening for reading alone: neither writing nor making files. */
    const struct scmp_arg_cmp at[] = {
        SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)};
    const struct scmp_arg_cmp plain[] = {
        SCMP_A1(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)};
    failed |= seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, at);
    failed |= seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1, plain);
    /* Threads, and no processes. Of clone3 the arguments cannot be seen: the C library then takes
     * clone. */
    const struct scmp_arg_cmp thread[] = {
        SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_VM | CLONE_THREAD, CLONE_VM | CLONE_THREAD)};
    failed |= seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread);
    failed |= seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL);
    /* Limits may be read, not changed; terminals asked, nothing else. */
    const struct scmp_arg_cmp reading[] = {SCMP_A2(SCMP_CMP_EQ, 0)};
    failed |= seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, reading);
    /* Signals to itself, as abort sends them. */
    const struct scmp_arg_cmp own[] = {SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid())};
    return failed | seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, own);
}

/* ---- files ---------------------------------------------------------------------------------- */

void sandbox_close_files(void)
{
    if (syscall(SYS_close_range, 3u, ~0u, 0u) == 0)
        return;
    for (int file = 3; file < 4096; file++)
        close(file);
}

/* Lets the rules of a Landlock allow reading under a folder, or of a file; what is not there is no
 * harm. */
static int allow_reading(int rules, const char *path)
{
    struct stat status;
    struct landlock_path_beneath_attr beneath = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE};
    beneath.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (beneath.parent_fd < 0)
        return 0;
    if (fstat(beneath.parent_fd, &status) == 0 && S_ISDIR(status.st_mode))
        beneath.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
    int failed =
        (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0u);
    close(beneath.parent_fd);
    return failed;
}

/* The folders of the program's own libraries: lib beside its folder, as they are installed. */
static int allow_own(int rules)
{
    char path[4096];
    ssize_t count = readlink("/proc/self/exe", path, sizeof path - sizeof "/../lib");
    if (count <= 0)
        return 0;
    path[count] = '\0';
    int failed = allow_reading(rules, path);
    strcpy(strrchr(path, '/'), "/../lib");
    return failed | allow_reading(rules, path);
}

/* Bounds what can be read. Kernels without Landlock bound nothing. */
static enum status bound_reading(const char *const *readable, struct diag *diag)
{
    /* Libraries, native code among them, and what these ask of the machine. Not /dev and /proc as a
     * whole: where the node runs as root, disks and memory are read there. */
    static const char *const of_the_system[] = {"/usr",
                                                "/lib",
                                                "/lib64",
                                                "/opt",
                                                "/nix/store",
                                                "/etc/ld.so.cache",
                                                "/sys/devices/system",
                                                "/sys/fs/cgroup",
                                                "/proc/self",
                                                "/proc/cpuinfo",
                                                "/proc/meminfo",
                                                "/proc/stat",
                                                "/proc/sys/vm",
                                                "/dev/null",
                                                "/dev/zero",
                                                "/dev/random",
                                                "/dev/urandom"};
    const struct landlock_ruleset_attr all = {.handled_access_fs =
                                                  LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0u), failed = 0;
    if (rules < 0 && (errno == ENOSYS || errno == EOPNOTSUPP))
        return STATUS_OK;
    for (size_t i = 0; i < sizeof of_the_system / sizeof *of_the_system && rules >= 0; i++)
        failed |= allow_reading(rules, of_the_system[i]);
    for (size_t i = 0; readable[i] != NULL && rules >= 0; i++)
        failed |= allow_reading(rules, readable[i]);
    if (rules < 0 || failed != 0 || allow_own(rules) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_landlock_restrict_self, rules, 0u) != 0)
        failed = -1;
    int error = errno;
    if (rules >= 0)
        close(rules);
    return failed == 0 ? STATUS_OK
                       : diag_set(diag, STATUS_DEVICE,
                                  "the kernel does not bound what a prover may read (Landlock: %s)",
                                  strerror(error));
}

enum status sandbox_enter(const char *const *readable, struct diag *diag)
{
    enum status status = bound_reading(readable, diag);
    if (status != STATUS_OK)
        return status;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EACCES));
    if (filter == NULL)
        return diag_set(diag, STATUS_DEVICE, "libseccomp makes no filter");
    int failed = add_rules(filter);
    if (failed == 0)
        failed = seccomp_load(filter); /* sets no_new_privs, too */
    seccomp_release(filter);
    if (failed != 0)
        return diag_set(diag, STATUS_DEVICE,
                        "the kernel takes no seccomp filter (%s); strangers' models are not "
                        "proved without one",
                        strerror(failed < 0 ? -failed : failed));
    return STATUS_OK;
}
