/*
 * The inputs of jobs, on their way to a file each.
 *
 * What the request itself or the local store has is there at once. A server may be the requester's,
 * and slow on purpose: it is asked by a thread, of which there are a few that jobs have in turn, so
 * that proofs are made and handed in meanwhile. A thread touches its own fetch and nothing else;
 * states and files are the loop's.
 */
#include "runtime/node_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/support/file.h"
#include "runtime/sealed.h"

/* ---- files ---------------------------------------------------------------------------------- */

char *node_input_path(const struct node *n, struct market_job_id id)
{
    char name[64];
    snprintf(name, sizeof name, "%" PRIu64 "-%" PRIu64, id.model, id.place);
    return file_join(n->inputs, name);
}

enum status node_drop_input(struct node *n, struct market_job_id id, struct diag *diag)
{
    char *path = node_input_path(n, id);
    enum status status = path == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory for a path")
                                      : file_remove_tree(path, diag);
    free(path);
    return status;
}

/* Bytes of all inputs on disk, by the jobs that have one. */
static enum status disk_used(uint64_t *bytes, struct node *n, struct diag *diag)
{
    struct market_job_id after = {0, 0};
    bool found = true;
    enum status status = STATUS_OK;
    *bytes = 0;
    while (status == STATUS_OK && found) {
        struct node_job job;
        status = node_store_next(&found, &job, &n->store, after, diag);
        if (status == STATUS_OK && found) {
            char *path = job.state == NODE_FETCHED ? node_input_path(n, job.id) : NULL;
            *bytes += path == NULL ? 0 : file_size_bytes(path);
            after = job.id;
            free(path);
            node_job_release(&job);
        }
    }
    return status;
}

/* Whether there is room for one more input beside those on disk and on their way. The disk is
 * looked at once a look, however many jobs wait. */
static enum status has_room(bool *room, struct node *n, struct diag *diag)
{
    uint64_t most = n->config->limits.input_bytes;
    enum status status = n->is_disk_known ? STATUS_OK : disk_used(&n->disk_used, n, diag);
    uint64_t used = n->disk_used;
    n->is_disk_known = status == STATUS_OK;
    for (size_t i = 0; i < NODE_FETCHES; i++)
        used += n->fetch[i].is_used ? most : 0;
    *room = used + most <= n->config->limits.disk_bytes;
    if (!*room)
        node_trouble(n, STATUS_LIMIT, "inputs fill the disk up to limits.disk_bytes");
    return status;
}

/* ---- sealed ones ---------------------------------------------------------------------------- */

void node_release_secret(struct buffer *bytes)
{
    if (bytes->data != NULL)
        explicit_bzero(bytes->data, bytes->count);
    buffer_release(bytes);
}

enum status node_open_input(struct buffer *input, struct node *n, const struct node_job *job,
                            struct diag *diag)
{
    const struct node_served *served = node_find_served(n, job->id.model);
    struct buffer plain = {0};
    if (!sealed_is_input(input) || served == NULL)
        return STATUS_OK;
    enum status status = sealed_open_input(&plain, input, &served->model, n->account.key, diag);
    if (status == STATUS_OK) {
        buffer_release(input);
        *input = plain;
    } else {
        buffer_release(&plain);
    }
    return status;
}

bool node_is_final(enum status status)
{
    return status == STATUS_REJECTED || status == STATUS_BAD_INPUT;
}

/* Whether this node can open it. On the disk it stays sealed. */
static enum status try_to_open(struct node *n, const struct node_job *job,
                               const struct buffer *bytes, struct diag *diag)
{
    struct buffer copy = {0};
    buffer_put(&copy, bytes->data, bytes->count);
    enum status status = buffer_status(&copy, diag);
    if (status == STATUS_OK)
        status = node_open_input(&copy, n, job, diag);
    node_release_secret(&copy);
    return status;
}

/* ---- threads -------------------------------------------------------------------------------- */

static void *run(void *context)
{
    struct node_fetch *f = context;
    f->status = job_fetch_input(&f->bytes, &f->request, f->storage, f->most_bytes, &f->reason);
    atomic_store(&f->is_done, true);
    return NULL;
}

/* libcurl was started by the calls to the chain before, by the one thread there was. */
static enum status start(struct node_fetch *f, struct node *n, const struct node_job *job,
                         struct diag *diag)
{
    *f = (struct node_fetch){.storage = &n->storage,
                             .id = job->id,
                             .request = job->request,
                             .most_bytes = n->config->limits.input_bytes,
                             .is_wanted = true};
    buffer_put(&f->input, job->input.data, job->input.count);
    f->request.input = f->input.data;
    enum status status = buffer_status(&f->input, diag);
    if (status == STATUS_OK && pthread_create(&f->thread, NULL, run, f) != 0)
        status = diag_set(diag, STATUS_IO, "the system gives no thread that fetches an input");
    if (status == STATUS_OK) {
        f->is_used = true;
        n->fetch_after = job->id;
    } else {
        buffer_release(&f->input);
    }
    return status;
}

/* Waits for the thread, which has ended or is about to. */
static void end(struct node_fetch *f)
{
    pthread_join(f->thread, NULL);
    buffer_release(&f->input);
    buffer_release(&f->bytes);
    f->is_used = false;
}

static struct node_fetch *find(struct node *n, struct market_job_id id)
{
    for (size_t i = 0; i < NODE_FETCHES; i++) {
        if (n->fetch[i].is_used && memcmp(&n->fetch[i].id, &id, sizeof id) == 0)
            return &n->fetch[i];
    }
    return NULL;
}

static struct node_fetch *find_free(struct node *n)
{
    for (size_t i = 0; i < NODE_FETCHES; i++) {
        if (!n->fetch[i].is_used)
            return &n->fetch[i];
    }
    return NULL;
}

void node_drop_fetches(struct node *n)
{
    for (size_t i = 0; i < NODE_FETCHES; i++) {
        struct node_fetch *f = &n->fetch[i];
        if (f->is_used && !f->is_wanted && atomic_load(&f->is_done))
            end(f);
        f->is_wanted = false;
    }
    /* All had their turn: it begins anew. */
    if (find_free(n) != NULL)
        n->fetch_after = (struct market_job_id){0, 0};
}

bool node_has_fetched(const struct node *n)
{
    for (size_t i = 0; i < NODE_FETCHES; i++) {
        if (n->fetch[i].is_used && atomic_load(&n->fetch[i].is_done))
            return true;
    }
    return false;
}

void node_close_fetches(struct node *n)
{
    atomic_store(&n->ends, true);
    for (size_t i = 0; i < NODE_FETCHES; i++) {
        if (n->fetch[i].is_used)
            end(&n->fetch[i]);
    }
}

/* ---- the step ------------------------------------------------------------------------------- */

static bool is_behind(struct market_job_id id, struct market_job_id last)
{
    return id.model != last.model ? id.model > last.model : id.place > last.place;
}

/* Writes an input down, or says why there is none. */
static enum status take(struct node *n, struct node_job *job, const struct buffer *bytes,
                        enum status fetched, struct diag *reason, struct diag *diag)
{
    bool is_final = fetched == STATUS_LIMIT;
    if (fetched == STATUS_OK) {
        fetched = try_to_open(n, job, bytes, reason);
        is_final = node_is_final(fetched);
    }
    if (fetched != STATUS_OK)
        return is_final ? node_move(n, job, NODE_REFUSED, reason->text, diag)
                        : node_fail(n, job, reason->text, diag);
    char *path = node_input_path(n, job->id);
    enum status status =
        path == NULL ? diag_set(diag, STATUS_NO_MEMORY, "no memory for a path")
                     : file_write(path, bytes->data, bytes->count, FILE_MODE_PRIVATE, true, diag);
    free(path);
    n->disk_used += bytes->count;
    return status == STATUS_OK ? node_move(n, job, NODE_FETCHED, "", diag) : status;
}

/* What is here is taken at once; what is not, a thread gets, when the job's turn comes. */
static enum status begin(struct node *n, struct node_job *job, struct diag *diag)
{
    const struct storage here = {.folder = n->storage.folder};
    struct buffer bytes = {0};
    struct diag reason = {0};
    bool room = false, has_server = n->storage.ipfs != NULL || n->storage.arweave != NULL;
    struct node_fetch *f = find_free(n);
    enum status status = STATUS_OK;
    enum status fetched =
        job_fetch_input(&bytes, &job->request, &here, n->config->limits.input_bytes, &reason);
    bool is_here = fetched == STATUS_OK || fetched == STATUS_LIMIT || !has_server,
         is_next = f != NULL && is_behind(job->id, n->fetch_after);
    if (is_here || is_next)
        status = has_room(&room, n, diag);
    if (status == STATUS_OK && room && is_here)
        status = take(n, job, &bytes, fetched, &reason, diag);
    else if (status == STATUS_OK && room && is_next)
        status = start(f, n, job, diag);
    buffer_release(&bytes);
    return status;
}

enum status node_step_fetch(struct node *n, struct node_job *job, struct diag *diag)
{
    struct node_fetch *f = find(n, job->id);
    if (f == NULL)
        return begin(n, job, diag);
    f->is_wanted = true;
    if (!atomic_load(&f->is_done))
        return STATUS_OK;
    /* Another request under the same number, after a reorganisation, is fetched anew. */
    bool is_same =
        memcmp(f->request.input_hash, job->request.input_hash, sizeof job->request.input_hash) == 0;
    enum status status = is_same ? take(n, job, &f->bytes, f->status, &f->reason, diag) : STATUS_OK;
    if (status == STATUS_OK)
        end(f);
    return status;
}
