/*
 * What sertn-bench measures with: whole processes, loops of a kernel, medians.
 *
 * Times are those of a clock that never steps back; memory is the peak resident set that the
 * kernel's accounting gives for an ended process. Linux counts the parent's peak at the moment of
 * the start in a child's, so sertn-bench measures processes before it allocates much itself.
 */
#ifndef SERTN_BENCHMARKS_BENCH_H
#define SERTN_BENCHMARKS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ir/support/buffer.h"
#include "ir/support/status.h"

/* Most repetitions of one measurement. */
enum { BENCH_RUNS_MAX = 1000 };
/* Most words of a rival's command. */
enum { BENCH_RIVAL_WORDS = 24 };

struct cJSON;

/* What the user asked for; the paths are found once, by main. */
struct bench_options {
    unsigned runs;      /* repetitions of what is quick: prove, verify */
    unsigned threads;   /* 0: as many as there are CPUs */
    unsigned kernel_lg; /* kernels run on 2^kernel_lg elements */
    const char *peers;  /* folder of the peers, or null */
    const char *rpc;    /* a development node for `verify --rpc`, or null */
    const char *only;   /* measure this peer alone ("ezkl", "bb"), or null for both */
    bool quiet;         /* no progress lines */
    const char *data;   /* benchmarks/: models and peers */
    const char *sertnc; /* the programs */
    const char *sertn_run;
    const char *self;
    const char *work; /* an empty folder of ours */
};

struct bench_stats {
    double median, least, most;
    unsigned runs;
};

/* Sorts the values. Requires: count > 0. The median of an even count is the mean of the middle two.
 */
struct bench_stats bench_stats_of(double *value, size_t count);

/* An ended process. */
struct bench_process {
    double seconds;     /* from before the start to after the end */
    double cpu_seconds; /* user and system */
    double peak_bytes;
    int exit_code;     /* 128 + signal when a signal ended it */
    struct buffer out; /* standard output */
    struct buffer err; /* standard error, its end when it is long */
};

void bench_process_release(struct bench_process *process);

/*
 * Runs a program to its end; argv ends with null, argv[0] is looked up in PATH. Standard input is
 * empty. Errors: STATUS_IO when it cannot be started; an exit status other than 0 is no error here.
 */
enum status bench_process_run(struct bench_process *process, const char *const *argv,
                              struct diag *diag) SERTN_MUST_CHECK;

/* The same, and an exit status other than 0 is STATUS_REJECTED with the command and the last line
 * of what it said. */
enum status bench_process_succeed(struct bench_process *process, const char *const *argv,
                                  struct diag *diag) SERTN_MUST_CHECK;

/* Costs of a process over several runs. */
struct bench_cost {
    struct bench_stats seconds, cpu_seconds, peak_bytes;
};

/* Another program that does the same work, measured in turn with ours. */
struct bench_rival {
    const char *argv[BENCH_RIVAL_WORDS + 1]; /* borrowed, ends with null */
    unsigned runs;
    struct bench_cost cost; /* set by bench_process_repeat */
};

/*
 * Runs a program `runs` times, each of which must succeed, after one run that is not counted. With
 * a rival (or null), each of the two runs after a run of the other as long as it has runs left, so
 * that what else the machine does falls on both alike.
 */
enum status bench_process_repeat(struct bench_cost *cost, const char *const *argv, unsigned runs,
                                 struct bench_rival *rival, struct diag *diag) SERTN_MUST_CHECK;

/* Bytes of all files under a folder; 0 when there is none. Links count as nothing. */
uint64_t bench_folder_bytes(const char *folder);

/* Prints one line on standard error, unless quiet. */
void bench_say(const struct bench_options *options, const char *format, ...) SERTN_PRINTF(2, 3);

/* Adds an object {median, least, most, runs} under `name`. Memory errors are cJSON's own: a missing
 * entry. */
void bench_add_stats(struct cJSON *object, const char *name, const struct bench_stats *stats);
void bench_add_cost(struct cJSON *object, const char *name, const struct bench_cost *cost);

#endif
