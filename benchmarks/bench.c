/* Processes, medians, folder sizes. */
#include "benchmarks/bench.h"

#include <cjson/cJSON.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ir/support/machine.h"

extern char **environ;

/* Standard error is kept up to this many bytes. */
enum { ERR_BYTES_MAX = 1 << 16, READ_BYTES = 1 << 14 };

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct bench_stats bench_stats_of(double *value, size_t count)
{
    ASSERT(count > 0);
    qsort(value, count, sizeof *value, compare_doubles);
    double median = count % 2 ? value[count / 2] : (value[count / 2 - 1] + value[count / 2]) / 2;
    return (struct bench_stats){median, value[0], value[count - 1], (unsigned)count};
}

void bench_process_release(struct bench_process *process)
{
    buffer_release(&process->out);
    buffer_release(&process->err);
}

/* Reads both pipes to their ends. */
static void drain(struct bench_process *process, int out, int err)
{
    struct pollfd pipes[2] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};
    uint8_t bytes[READ_BYTES];
    while (pipes[0].fd >= 0 || pipes[1].fd >= 0) {
        if (poll(pipes, 2, -1) < 0 && errno != EINTR)
            return;
        for (int i = 0; i < 2; i++) {
            if (pipes[i].fd < 0 || !(pipes[i].revents & (POLLIN | POLLHUP | POLLERR)))
                continue;
            ssize_t got = read(pipes[i].fd, bytes, sizeof bytes);
            struct buffer *into = i == 0 ? &process->out : &process->err;
            if (got > 0 && (i == 0 || into->count < ERR_BYTES_MAX))
                buffer_put(into, bytes, (size_t)got);
            else if (got == 0 || (got < 0 && errno != EINTR))
                pipes[i].fd = -1;
        }
    }
}

static double timeval_seconds(struct timeval value)
{
    return (double)value.tv_sec + 1e-6 * (double)value.tv_usec;
}

/* Starts argv with its three streams on /dev/null and the write ends; returns errno. */
static int start(pid_t *child, const char *const *argv, const int out[2], const int err[2])
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    if (!(error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)) &&
        !(error = posix_spawn_file_actions_adddup2(&actions, out[1], 1)) &&
        !(error = posix_spawn_file_actions_adddup2(&actions, err[1], 2)))
        error = posix_spawnp(child, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

enum status bench_process_run(struct bench_process *process, const char *const *argv,
                              struct diag *diag)
{
    *process = (struct bench_process){0};
    int out[2], err[2];
    if (pipe2(out, O_CLOEXEC) != 0)
        return diag_set(diag, STATUS_IO, "pipe: %s", strerror(errno));
    if (pipe2(err, O_CLOEXEC) != 0) {
        close(out[0]);
        close(out[1]);
        return diag_set(diag, STATUS_IO, "pipe: %s", strerror(errno));
    }
    pid_t child = 0;
    double begin = machine_seconds();
    int error = start(&child, argv, out, err);
    close(out[1]);
    close(err[1]);
    int status = 0;
    struct rusage usage = {0};
    if (!error) {
        drain(process, out[0], err[0]);
        while (wait4(child, &status, 0, &usage) < 0)
            if (errno != EINTR) {
                error = errno;
                break;
            }
    }
    process->seconds = machine_seconds() - begin;
    close(out[0]);
    close(err[0]);
    if (error)
        return diag_set(diag, STATUS_IO, "%s cannot be run: %s", argv[0], strerror(error));
    process->cpu_seconds = timeval_seconds(usage.ru_utime) + timeval_seconds(usage.ru_stime);
    process->peak_bytes = 1024.0 * (double)usage.ru_maxrss;
    process->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return STATUS_OK;
}

/* The last line that is not empty, cut out of text in place. */
static const char *last_line(char *text)
{
    size_t count = strlen(text);
    while (count > 0 && (text[count - 1] == '\n' || text[count - 1] == ' '))
        text[--count] = 0;
    char *newline = strrchr(text, '\n');
    return newline ? newline + 1 : text;
}

enum status bench_process_succeed(struct bench_process *process, const char *const *argv,
                                  struct diag *diag)
{
    enum status status = bench_process_run(process, argv, diag);
    if (status != STATUS_OK || process->exit_code == 0)
        return status;
    struct buffer *said = process->err.count > 0 ? &process->err : &process->out;
    status = diag_set(diag, STATUS_REJECTED, "%s %s ended with %d: %s", argv[0],
                      argv[1] ? argv[1] : "", process->exit_code,
                      said->data ? last_line((char *)said->data) : "it said nothing");
    return status;
}

/* Costs of runs so far. */
struct runs {
    double seconds[BENCH_RUNS_MAX], cpu_seconds[BENCH_RUNS_MAX], peak_bytes[BENCH_RUNS_MAX];
    unsigned count;
};

/* Runs once; keeps the cost unless it is the first run, which warms the caches. */
static enum status run_once(struct runs *runs, const char *const *argv, bool is_first,
                            struct diag *diag)
{
    struct bench_process process;
    enum status status = bench_process_succeed(&process, argv, diag);
    bench_process_release(&process);
    if (status != STATUS_OK || is_first)
        return status;
    runs->seconds[runs->count] = process.seconds;
    runs->cpu_seconds[runs->count] = process.cpu_seconds;
    runs->peak_bytes[runs->count++] = process.peak_bytes;
    return STATUS_OK;
}

static void close_runs(struct bench_cost *cost, struct runs *runs)
{
    cost->seconds = bench_stats_of(runs->seconds, runs->count);
    cost->cpu_seconds = bench_stats_of(runs->cpu_seconds, runs->count);
    cost->peak_bytes = bench_stats_of(runs->peak_bytes, runs->count);
}

enum status bench_process_repeat(struct bench_cost *cost, const char *const *argv, unsigned runs,
                                 struct bench_rival *rival, struct diag *diag)
{
    static struct runs ours, theirs;
    unsigned rival_runs = rival ? rival->runs : 0;
    ASSERT(runs > 0 && runs <= BENCH_RUNS_MAX && rival_runs <= BENCH_RUNS_MAX);
    ours.count = theirs.count = 0;
    enum status status = run_once(&ours, argv, true, diag);
    if (status == STATUS_OK && rival_runs > 0)
        status = run_once(&theirs, rival->argv, true, diag);
    while (status == STATUS_OK && (ours.count < runs || theirs.count < rival_runs)) {
        if (ours.count < runs)
            status = run_once(&ours, argv, false, diag);
        if (status == STATUS_OK && theirs.count < rival_runs)
            status = run_once(&theirs, rival->argv, false, diag);
    }
    if (status != STATUS_OK)
        return status;
    close_runs(cost, &ours);
    if (rival_runs > 0)
        close_runs(&rival->cost, &theirs);
    return STATUS_OK;
}

/* nftw has no context argument. */
static uint64_t folder_sum;

static int add_file(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)path;
    (void)place;
    if (kind == FTW_F)
        folder_sum += (uint64_t)info->st_size;
    return 0;
}

uint64_t bench_folder_bytes(const char *folder)
{
    folder_sum = 0;
    return nftw(folder, add_file, 16, FTW_PHYS) == 0 ? folder_sum : 0;
}

void bench_say(const struct bench_options *options, const char *format, ...)
{
    if (options->quiet)
        return;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void bench_add_stats(struct cJSON *object, const char *name, const struct bench_stats *stats)
{
    cJSON *made = cJSON_AddObjectToObject(object, name);
    cJSON_AddNumberToObject(made, "median", stats->median);
    cJSON_AddNumberToObject(made, "least", stats->least);
    cJSON_AddNumberToObject(made, "most", stats->most);
    cJSON_AddNumberToObject(made, "runs", stats->runs);
}

void bench_add_cost(struct cJSON *object, const char *name, const struct bench_cost *cost)
{
    cJSON *made = cJSON_AddObjectToObject(object, name);
    bench_add_stats(made, "seconds", &cost->seconds);
    bench_add_stats(made, "cpu_seconds", &cost->cpu_seconds);
    bench_add_stats(made, "peak_memory_bytes", &cost->peak_bytes);
}
