/*
 * Proving in a child process, which may be cut off and is bounded (sandbox.h): the daemon lives on
 * whatever a model or an input does to the prover.
 *
 * The child is this program again, with the command `work`: it reads what is asked from standard
 * input, proves, and writes proof.json to standard output.
 */
#ifndef SERTN_RUNTIME_WORKER_H
#define SERTN_RUNTIME_WORKER_H

#include <sys/types.h>

#include "runtime/job.h"
#include "runtime/sandbox.h"

struct worker {
    pid_t process;             /* 0: none, or it has ended */
    int input, output, errors; /* pipes; -1: closed */
    struct buffer question, answer, said;
    size_t written;
    double start, most_seconds;
    enum { WORKER_NONE, WORKER_ENDED, WORKER_LOST } end; /* once there is no process */
    int how;                                             /* ended: as waitpid says it */
};

struct worker_options {
    const char *folder; /* of the model */
    unsigned threads;   /* 0: as many as there are cores */
    struct sandbox_limits limits;
};

/* Starts a child. Errors: STATUS_IO, STATUS_NO_MEMORY. */
enum status worker_start(struct worker *worker, const struct worker_options *options,
                         const struct job_claim *claim, const struct buffer *input,
                         struct diag *diag) SERTN_MUST_CHECK;

/*
 * Moves bytes, without waiting; *done when the child has ended. Then the status says how: OK, with
 * the proof's text in `answer`; STATUS_REJECTED or STATUS_BAD_INPUT with what the child said of the
 * job: it cannot be proved; STATUS_IO when it was cut off or fell: another try may do better. Asked
 * again it says the same, and what is here stays until worker_close.
 */
enum status worker_poll(bool *done, struct worker *worker, struct diag *diag) SERTN_MUST_CHECK;

/* Kills the child, if it runs, and releases what the worker holds. */
void worker_close(struct worker *worker);

/* The child's side: reads the question from standard input, enters the sandbox, proves, prints.
 * Errors: those of job_prove. */
enum status worker_run(const char *folder, unsigned threads, struct diag *diag) SERTN_MUST_CHECK;

#endif
