/* What the files of the node share. Private to runtime/node*.c. */
#ifndef SERTN_RUNTIME_NODE_INTERNAL_H
#define SERTN_RUNTIME_NODE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "runtime/job.h"
#include "runtime/logs.h"
#include "runtime/node.h"
#include "runtime/node_http.h"
#include "runtime/node_store.h"
#include "runtime/worker.h"

/* A model that is served. */
struct node_served {
    uint64_t number;
    const char *folder; /* borrowed */
    struct model model;
    struct srs_verifier srs;
    uint64_t units, gas; /* of a job: compute, and gas without its callback */
    uint64_t under_way;  /* jobs that have no proof yet, by the last look */
};

struct node_slot {
    struct worker worker;
    struct market_job_id id;
    struct job_claim claim; /* that it proves */
    double start, seconds;  /* seconds: it took; 0: it runs */
    bool is_used;
};

/* An input that a thread fetches. Until it is done bytes, status and reason are the thread's; the
 * rest stays as it is. */
struct node_fetch {
    const struct storage *storage; /* borrowed */
    struct market_job_id id;
    struct market_request request; /* its input is in `input` */
    struct buffer input, bytes;    /* what the request says, and what was fetched */
    uint64_t most_bytes;
    enum status status;
    struct diag reason;
    pthread_t thread;
    atomic_bool is_done;
    bool is_used, is_wanted; /* wanted: its job was looked at and waits for it */
};

enum { NODE_WORKERS_MOST = 64, NODE_NAME_BYTES = JOURNAL_NAME_BYTES - 20 };
enum { NODE_FETCHES = 4 };
/* Proofs that wait to be handed in, of all models; few in builds for tests, which fill it. */
#ifdef SERTN_CHECKED
enum { NODE_READY_MOST = 8 };
#else
enum { NODE_READY_MOST = 256 };
#endif

/* What became of a call. */
struct node_sending {
    bool is_mined;
    bool is_new;         /* it is in the journal since now */
    struct diag refused; /* what the contract objects, if it does */
};

/* A proof that may be handed in, alone or with others. */
struct node_ready {
    struct market_job_id id;
    uint64_t since, latest; /* when it came, by the machine; the last second of its job, there */
    uint32_t gas;           /* of its callback */
    uint8_t digest[32];     /* of the job as it was asked for */
};

struct node {
    const struct node_options *options;
    const struct node_config *config;
    struct endpoints nodes;
    struct journal journal;
    struct account account;
    struct market market;
    struct node_store store;
    struct storage storage;
    struct node_served *served;
    size_t served_count;
    struct logs logs;
    struct node_slot slot[NODE_WORKERS_MOST];
    struct node_fetch fetch[NODE_FETCHES];
    struct market_job_id fetch_after; /* whose input is fetched last: others have their turn */
    atomic_bool ends;                 /* what is being fetched is given up */
    uint64_t disk_used;               /* bytes of inputs on disk, once asked in a look */
    bool is_disk_known;
    struct node_ready ready[NODE_READY_MOST];
    size_t ready_count;
    struct node_http *http;
    int lock;     /* of the data folder; -1: none */
    char *inputs; /* folder, owned */
    uint8_t prover[ABI_ADDRESS];
    uint64_t now;   /* of the block to come, seconds */
    uint64_t clock; /* of this machine, seconds */
    uint64_t fee;   /* wei a gas, as it is now */
    uint64_t polls;
    bool is_paused;      /* the market settles nothing at the moment */
    bool rewound;        /* blocks were taken back since the last look */
    struct diag trouble; /* what is wrong at the moment, for /health */
};

/* A line for people about a job. */
void node_say(struct node *node, struct market_job_id id, const char *format, ...)
    SERTN_PRINTF(3, 4);

/* The same about the node. */
void node_tell(struct node *node, const char *format, ...) SERTN_PRINTF(2, 3);

/* ---- node_jobs.c ---- */

/* One step of every job that has one. Errors: those of the chain and of the file of jobs; what
 * concerns a job alone is written into it. */
enum status node_step_jobs(struct node *node, bool *is_idle, struct diag *diag) SERTN_MUST_CHECK;
/* Looks after the children, without the chain: what one has proved is kept at once. Errors: those
 * of the file of jobs; what a child said is asked of it again then. */
enum status node_step_workers(struct node *node, struct diag *diag) SERTN_MUST_CHECK;
struct node_served *node_find_served(struct node *node, uint64_t number);
bool node_is_ours(const struct node *node, const uint8_t address[ABI_ADDRESS]);

/* Writes a state down and says so. */
enum status node_move(struct node *node, struct node_job *job, enum node_state state,
                      const char *reason, struct diag *diag) SERTN_MUST_CHECK;
/* The step failed for a reason that may pass; after too many tries the job is given up. */
enum status node_fail(struct node *node, struct node_job *job, const char *reason,
                      struct diag *diag) SERTN_MUST_CHECK;
/* A reason that lies with this node, not with the job: it is shown, and costs no try. */
void node_trouble(struct node *node, enum status status, const char *text);
/* What the market will hold an answer of this node to. */
void node_make_claim(struct job_claim *claim, const struct node *node,
                     const struct market_job *job);
/* A proof, as text, is believed when it verifies. */
enum status node_check_proof(struct proof *proof, const struct node_served *served,
                             const struct job_claim *claim, const struct buffer *text,
                             struct diag *diag) SERTN_MUST_CHECK;

/* ---- node_fetch.c ---- */

/* A step on the way of a job's input to the disk: from what is here at once, else by a thread. */
enum status node_step_fetch(struct node *node, struct node_job *job,
                            struct diag *diag) SERTN_MUST_CHECK;
/* After a look at all jobs: drops what none waits for any more. */
void node_drop_fetches(struct node *node);
/* Whether a thread has ended since. */
bool node_has_fetched(const struct node *node);
/* Ends all threads. */
void node_close_fetches(struct node *node);

/* The file of a job's input, owned text; NULL without memory. */
char *node_input_path(const struct node *node, struct market_job_id id);
enum status node_drop_input(struct node *node, struct market_job_id id,
                            struct diag *diag) SERTN_MUST_CHECK;
/* Opens an input that is sealed to this node's account; any other stays as it is. Errors: those of
 * sealed_open_input. */
enum status node_open_input(struct buffer *input, struct node *node, const struct node_job *job,
                            struct diag *diag) SERTN_MUST_CHECK;
/* Whether such an error lies with the input: another try would be no better. */
bool node_is_final(enum status status);
void node_release_secret(struct buffer *bytes);

/* ---- node_assign.c ---- */

/* Gives jobs that wait at the head of a queue to nodes. */
enum status node_step_assign(struct node *node, struct diag *diag) SERTN_MUST_CHECK;
/* Whose a job is: ours to serve now, or not (yet); and until when nobody else may, UINT64_MAX when
 * everybody may. */
enum status node_is_for_us(bool *ours, uint64_t *until, struct node *node, struct node_job *job,
                           const struct market_job *on_chain, struct diag *diag) SERTN_MUST_CHECK;
/* What is left of an assignment of ours when the job has ended: its penalty is unlocked, or it is
 * given back in time. */
enum status node_end_assignment(struct node *node, struct node_job *job,
                                const struct market_job *on_chain,
                                struct diag *diag) SERTN_MUST_CHECK;
/*
 * Sends a call. One that is on its way, or that this account cannot pay at the moment, is no
 * failure of the job: the next look goes on.
 */
enum status node_send(struct node_sending *out, struct node *node, const char *name,
                      const uint8_t to[ABI_ADDRESS], const struct buffer *data,
                      struct diag *diag) SERTN_MUST_CHECK;
/* What a call that was not refused means for the node: one that is on its way is no failure, one
 * that the account cannot pay is shown. */
enum status node_after_sending(struct node *node, enum status sent,
                               const struct account_result *result, const struct diag *said,
                               struct diag *diag) SERTN_MUST_CHECK;
/* Names a transaction about a job as it was asked for: another request under its number, after a
 * reorganisation, has another name. */
void node_name_step(char name[NODE_NAME_BYTES], const char *verb, const struct market_job *job,
                    uint64_t stamp);

/* ---- node_settle.c ---- */

/* Hands a proof in, alone or with others. */
enum status node_submit(struct node *node, struct node_job *job, const struct market_job *on_chain,
                        struct diag *diag) SERTN_MUST_CHECK;
/* The job ended on the chain. */
enum status node_end_job(struct node *node, struct node_job *job, const struct market_job *on_chain,
                         struct diag *diag) SERTN_MUST_CHECK;

/* ---- node_batch.c ---- */

/* A proof waits for others. */
void node_batch_collect(struct node *node, const struct node_job *job,
                        const struct market_job *on_chain, uint64_t until);
/* Makes batches of those that have waited enough, and goes on with those that were made. */
enum status node_step_batches(struct node *node, struct diag *diag) SERTN_MUST_CHECK;

/* node_metrics.c: puts health and metrics on show. */
void node_show(struct node *node);

#endif
