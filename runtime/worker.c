/* See worker.h. */
#include "runtime/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/commit/srs_cache.h"
#include "ir/support/file.h"
#include "ir/support/machine.h"

/* The question: this text, the claim, then the input. Both ends are the same program. */
static const char magic[8] = "SRTNWORK";
enum { ANSWER_BYTES_MOST = 64 << 20, SAID_BYTES_MOST = 4096, STEP_BYTES = 1 << 16 };

/* ---- the daemon's side ---------------------------------------------------------------------- */

static void close_end(int *end)
{
    if (*end >= 0)
        close(*end);
    *end = -1;
}

/* After the fork: only what is safe there. */
static _Noreturn void become_child(int input, int output, int errors, pid_t parent,
                                   const struct worker_options *options, char *const *arguments,
                                   char *const *environment)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || dup2(input, 0) < 0 ||
        dup2(output, 1) < 0 || dup2(errors, 2) < 0 || !sandbox_limit(&options->limits))
        _exit(STATUS_IO);
    sandbox_close_files(); /* libraries keep connections open that nothing closes at exec */
    execve("/proc/self/exe", arguments, environment);
    _exit(STATUS_IO);
}

/* Of the environment a child gets what leads to the cache of powers. Static: one thread forks. */
static char *const *child_environment(void)
{
    static const char *const names[] = {"HOME", "XDG_CACHE_HOME"};
    static char text[2][1100], *list[4];
    size_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && strlen(value) < 1000) {
            snprintf(text[count], sizeof text[count], "%s=%s", names[i], value);
            list[count] = text[count];
            count++;
        }
    }
#ifdef __SANITIZE_ADDRESS__
    static char no_leaks[] = "ASAN_OPTIONS=detect_leaks=0"; /* it would need ptrace */
    list[count++] = no_leaks;
#endif
    list[count] = NULL;
    return list;
}

static bool make_pipes(int pipes[3][2])
{
    for (int i = 0; i < 3; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) != 0)
            return false;
    }
    return fcntl(pipes[0][1], F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(pipes[1][0], F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(pipes[2][0], F_SETFL, O_NONBLOCK) == 0;
}

enum status worker_start(struct worker *w, const struct worker_options *options,
                         const struct job_claim *claim, const struct buffer *input,
                         struct diag *diag)
{
    int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    char threads[16];
    pid_t parent = getpid();
    char *const *environment = child_environment();
    *w = (struct worker){.input = -1, .output = -1, .errors = -1};
    snprintf(threads, sizeof threads, "%u", options->threads == 0 ? 1 : options->threads);
    const char *arguments[] = {"sertn-run",     "work",
                               options->folder, options->threads == 0 ? NULL : "--threads",
                               threads,         NULL};
    buffer_put(&w->question, magic, sizeof magic);
    buffer_put(&w->question, claim, sizeof *claim);
    buffer_put(&w->question, input->data, input->count);
    enum status status = buffer_status(&w->question, diag);
    if (status == STATUS_OK && !make_pipes(pipes))
        status = diag_set(diag, STATUS_IO, "no pipe to a child: %s", strerror(errno));
    if (status == STATUS_OK) {
        fflush(NULL);
        w->process = fork();
        if (w->process == 0)
            become_child(pipes[0][0], pipes[1][1], pipes[2][1], parent, options,
                         (char *const *)arguments, environment);
        if (w->process < 0) {
            w->process = 0;
            status = diag_set(diag, STATUS_IO, "no child process: %s", strerror(errno));
        }
    }
    w->input = pipes[0][1];
    w->output = pipes[1][0];
    w->errors = pipes[2][0];
    close_end(&pipes[0][0]);
    close_end(&pipes[1][1]);
    close_end(&pipes[2][1]);
    w->start = machine_seconds();
    /* Processor time is bounded by the kernel; this is for a child that waits. */
    w->most_seconds = (double)options->limits.seconds;
    if (status != STATUS_OK)
        worker_close(w);
    return status;
}

void worker_close(struct worker *w)
{
    if (w->process > 0) {
        kill(w->process, SIGKILL);
        waitpid(w->process, NULL, 0);
    }
    close_end(&w->input);
    close_end(&w->output);
    close_end(&w->errors);
    buffer_release(&w->question);
    buffer_release(&w->answer);
    buffer_release(&w->said);
    *w = (struct worker){.input = -1, .output = -1, .errors = -1};
}

static void write_question(struct worker *w)
{
    while (w->input >= 0) {
        size_t left = w->question.count - w->written;
        ssize_t count = left == 0 ? 0 : write(w->input, w->question.data + w->written, left);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return;
        w->written += count > 0 ? (size_t)count : 0;
        if (count <= 0 || w->written == w->question.count)
            close_end(&w->input);
    }
}

/* What there is to read, up to a bound, beyond which it is dropped; closes the end at its end. */
static void read_end(int *end, struct buffer *out, size_t most)
{
    uint8_t bytes[STEP_BYTES];
    while (*end >= 0) {
        ssize_t count = read(*end, bytes, sizeof bytes);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return;
        if (count <= 0)
            close_end(end);
        else if (out->count + (size_t)count <= most)
            buffer_put(out, bytes, (size_t)count);
    }
}

/* What the child said, without the name of the program before it. */
static const char *sentence(struct worker *w)
{
    char *text = (char *)w->said.data;
    if (w->said.count == 0)
        return "it said nothing";
    text[strcspn(text, "\n")] = '\0';
    const char *colon = strstr(text, ": ");
    return strncmp(text, "sertn", 5) == 0 && colon != NULL ? colon + 2 : text;
}

static enum status read_exit(struct worker *w, int how, struct diag *diag)
{
    if (WIFSIGNALED(how)) {
        int signal_ = WTERMSIG(how);
        return diag_set(diag, STATUS_IO, "the prover was ended by signal %d (%s)%s", signal_,
                        strsignal(signal_),
                        signal_ == SIGXCPU || signal_ == SIGKILL
                            ? ": it took more time or memory than limits allow"
                            : "");
    }
    switch (WEXITSTATUS(how)) {
    case 0:
        return buffer_status(&w->answer, diag);
    case 1:
        return diag_set(diag, STATUS_REJECTED, "%s", sentence(w));
    case 2:
        return diag_set(diag, STATUS_BAD_INPUT, "%s", sentence(w));
    default:
        return diag_set(diag, STATUS_IO, "the prover failed: %s", sentence(w));
    }
}

/* Moves bytes and looks whether the child has ended. Only a process of ours may be asked about: 0
 * and -1 are whole groups to kill(2) and waitpid(2). */
static void look_after(struct worker *w)
{
    int how = 0;
    write_question(w);
    read_end(&w->output, &w->answer, ANSWER_BYTES_MOST);
    read_end(&w->errors, &w->said, SAID_BYTES_MOST);
    if (machine_seconds() - w->start > w->most_seconds)
        kill(w->process, SIGKILL);
    pid_t ended = waitpid(w->process, &how, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR))
        return;
    w->process = 0;
    w->end = ended < 0 ? WORKER_LOST : WORKER_ENDED;
    w->how = how;
    read_end(&w->output, &w->answer, ANSWER_BYTES_MOST);
    read_end(&w->errors, &w->said, SAID_BYTES_MOST);
}

enum status worker_poll(bool *done, struct worker *w, struct diag *diag)
{
    if (w->process > 0)
        look_after(w);
    *done = w->process <= 0;
    if (!*done)
        return STATUS_OK;
    if (w->end == WORKER_ENDED)
        return read_exit(w, w->how, diag);
    return diag_set(diag, STATUS_IO, w->end == WORKER_LOST ? "a child was lost" : "no child runs");
}

/* ---- the child's side ----------------------------------------------------------------------- */

static enum status read_question(struct job_claim *claim, struct buffer *input, struct diag *diag)
{
    uint8_t bytes[STEP_BYTES];
    size_t head = sizeof magic + sizeof *claim;
    struct buffer all = {0};
    ssize_t count;
    while ((count = read(0, bytes, sizeof bytes)) > 0 || (count < 0 && errno == EINTR))
        buffer_put(&all, bytes, count < 0 ? 0 : (size_t)count);
    enum status status = buffer_status(&all, diag);
    if (status == STATUS_OK && (count < 0 || all.count < head || memcmp(all.data, magic, 8) != 0))
        status = diag_set(diag, STATUS_BAD_INPUT,
                          "work is what a node starts for itself; see sertn-run node --help");
    if (status == STATUS_OK) {
        memcpy(claim, all.data + sizeof magic, sizeof *claim);
        buffer_put(input, all.data + head, all.count - head);
        status = buffer_status(input, diag);
    }
    buffer_release(&all);
    return status;
}

/* What a prover reads: the model, of which parts may lie elsewhere behind links, and the powers. */
static enum status enter_sandbox(const char *folder, struct diag *diag)
{
    char *cache = srs_cache_folder(), *public = file_join(folder, "public"),
         *private = file_join(folder, "private");
    const char *const readable[] = {folder, public, private, cache, NULL};
    enum status status = public == NULL || private == NULL
                             ? diag_set(diag, STATUS_NO_MEMORY, "no memory for paths")
                             : sandbox_enter(readable, diag);
    free(cache);
    free(public);
    free(private);
    return status;
}

enum status worker_run(const char *folder, unsigned threads, struct diag *diag)
{
    struct buffer input = {0};
    struct job_claim claim;
    struct proof proof = {0};
    struct prover *prover = calloc(1, sizeof *prover);
    if (prover == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory");
    enum status status = read_question(&claim, &input, diag);
    if (status == STATUS_OK)
        status = enter_sandbox(folder, diag);
    if (status == STATUS_OK)
        status = prover_open(prover, folder, NULL, threads, NULL, diag);
    if (status == STATUS_OK)
        status = job_prove(&proof, prover, &input, &claim, NULL, diag);
    if (status == STATUS_OK) {
        char *text = proof_print(&proof, &prover->session.model);
        if (text == NULL || puts(text) < 0)
            status = diag_set(diag, STATUS_IO, "the proof cannot be written");
        free(text);
    }
    proof_release(&proof);
    prover_close(prover);
    free(prover);
    buffer_release(&input);
    return status;
}
