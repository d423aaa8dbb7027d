/*
 * The jobs of a node on disk: what it knows of each and how far it is. A state is written before
 * the node acts on it, so that one that is killed goes on where it was.
 */
#ifndef SERTN_RUNTIME_NODE_STORE_H
#define SERTN_RUNTIME_NODE_STORE_H

#include "runtime/database.h"
#include "runtime/journal.h"
#include "runtime/market.h"

/* ORDER node_state: the numbers in the file, and node_state_name. */
enum node_state {
    NODE_SEEN = 0,    /* requested; not decided, or another node's for now */
    NODE_TAKEN = 1,   /* ours to prove */
    NODE_FETCHED = 2, /* its input is on disk */
    NODE_PROVED = 3,  /* its proof is here; it is handed in */
    NODE_PAID = 4,    /* paid to us */
    NODE_REFUSED = 5, /* does not pay, or cannot be proved; `reason` says why */
    NODE_OVER = 6,    /* answered by another, refunded, or its time is over */
    NODE_GONE = 7,    /* left the chain with its block */
};
enum { NODE_STATES = 8, NODE_REASON_BYTES = 300, NODE_BATCH_MOST = 64 };
const char *node_state_name(enum node_state state);

struct node_store {
    struct database database;
};

struct node_job {
    struct market_job_id id;
    enum node_state state;
    uint64_t block;                /* of its request */
    uint64_t tries;                /* that failed, of the step that is next */
    uint64_t misses;               /* times on end that the chain did not know it */
    uint64_t not_before;           /* seconds of the machine's clock */
    bool is_assigned;              /* an assignment of ours is to be released or declined */
    uint64_t ready;                /* when its proof came, by the machine's clock */
    uint64_t batch;                /* that it is handed in with; 0: none */
    bool is_alone;                 /* it is handed in by itself */
    struct market_request request; /* its input is in `input` */
    struct buffer input;
    char reason[NODE_REASON_BYTES];
};
void node_job_release(struct node_job *job);

/* Errors: those of database_open. */
enum status node_store_open(struct node_store *store, const char *path,
                            struct diag *diag) SERTN_MUST_CHECK;
void node_store_close(struct node_store *store);

/* Binds the file to a market at first use: the jobs of another one have the same numbers. Errors:
 * STATUS_BAD_INPUT for the file of another one. */
enum status node_store_bind(struct node_store *store, const uint8_t market[ABI_ADDRESS],
                            struct diag *diag) SERTN_MUST_CHECK;

/* The block before which all events were taken; 0 at first. */
enum status node_store_cursor(uint64_t *block, struct node_store *store,
                              struct diag *diag) SERTN_MUST_CHECK;
enum status node_store_set_cursor(struct node_store *store, uint64_t block,
                                  struct diag *diag) SERTN_MUST_CHECK;

/* Adds a job. One that is there stays as it is, unless its request is another one now (its first
 * left the chain), or in another block, or it had left the chain and came back. */
enum status node_store_add(struct node_store *store, const struct market_requested *event,
                           struct diag *diag) SERTN_MUST_CHECK;

/* Jobs that ended are looked at again, when their deadline is not before `now`: the chain may have
 * taken back what ended them. */
enum status node_store_recheck(struct node_store *store, uint64_t now,
                               struct diag *diag) SERTN_MUST_CHECK;

/* The next job after another (all zero: the first) that has something left to be done. */
enum status node_store_next(bool *found, struct node_job *job, struct node_store *store,
                            struct market_job_id after, struct diag *diag) SERTN_MUST_CHECK;

/* Moves a job to a state; its tries start anew. */
enum status node_store_move(struct node_store *store, struct market_job_id id,
                            enum node_state state, const char *reason,
                            struct diag *diag) SERTN_MUST_CHECK;
/* A step failed, or the chain did not know the job: nothing is tried before a time. */
enum node_delay { NODE_FAILED, NODE_MISSED };
enum status node_store_put_off(struct node_store *store, struct market_job_id id,
                               enum node_delay why, uint64_t not_before, const char *reason,
                               struct diag *diag) SERTN_MUST_CHECK;
/* The chain knows it again. */
enum status node_store_meet(struct node_store *store, struct market_job_id id,
                            struct diag *diag) SERTN_MUST_CHECK;
enum status node_store_assign(struct node_store *store, struct market_job_id id, bool is_assigned,
                              struct diag *diag) SERTN_MUST_CHECK;

/* The proof (proof.json) goes in with the state NODE_PROVED, and the machine's time. */
enum status node_store_set_proof(struct node_store *store, struct market_job_id id,
                                 const char *proof, double seconds, uint64_t clock,
                                 struct diag *diag) SERTN_MUST_CHECK;
enum status node_store_proof(struct buffer *proof, struct node_store *store,
                             struct market_job_id id, struct diag *diag) SERTN_MUST_CHECK;
enum status node_store_pay(struct node_store *store, struct market_job_id id, amount paid,
                           struct diag *diag) SERTN_MUST_CHECK;

/* ---- batches ---- */

/* Proofs that are handed in together. Who belongs to it is on disk before it is sent, so that it
 * has the same name and the same answers after a kill. */
struct node_batch {
    uint64_t id, model;
    uint64_t alone_gas; /* that one of its answers takes by itself; 0: not asked yet */
    char name[JOURNAL_NAME_BYTES];
};

/* The job is handed in by itself from now on. */
enum status node_store_set_alone(struct node_store *store, struct market_job_id id,
                                 struct diag *diag) SERTN_MUST_CHECK;
/* All at once: the batch is there with all its jobs, which are of one model, or not at all. */
enum status node_store_add_batch(struct node_store *store, const char *name,
                                 const struct market_job_id *ids, size_t count,
                                 struct diag *diag) SERTN_MUST_CHECK;
/* The next batch after a number that is not known to be mined, or has jobs in the state
 * NODE_PROVED. */
enum status node_store_next_batch(bool *found, struct node_batch *batch, struct node_store *store,
                                  uint64_t after, struct diag *diag) SERTN_MUST_CHECK;
/* Its jobs, by place. */
struct node_batch_job {
    struct market_job_id id;
    bool is_waiting; /* in the state NODE_PROVED */
};
enum status node_store_batch_jobs(struct node_batch_job jobs[NODE_BATCH_MOST], size_t *count,
                                  struct node_store *store, uint64_t batch,
                                  struct diag *diag) SERTN_MUST_CHECK;
/* It is no batch any more: its jobs go by themselves. */
enum status node_store_dissolve_batch(struct node_store *store, uint64_t batch,
                                      struct diag *diag) SERTN_MUST_CHECK;
/* What one of its answers would take alone. */
enum status node_store_price_batch(struct node_store *store, uint64_t batch, uint64_t alone_gas,
                                   struct diag *diag) SERTN_MUST_CHECK;
/* It was mined, with this gas, and paid so many. */
enum status node_store_end_batch(struct node_store *store, uint64_t batch, uint64_t paid,
                                 uint64_t gas, struct diag *diag) SERTN_MUST_CHECK;

/* What metrics show. */
struct node_counts {
    uint64_t jobs[NODE_STATES], proofs, failures; /* forgotten ones too */
    uint64_t kept;                                /* jobs in the file */
    double earned, proving_seconds;
    uint64_t batches, batched, batch_gas; /* mined, the jobs they paid, and their gas */
    double saved_gas;                     /* less than those jobs would have taken alone */
};
enum status node_store_count(struct node_counts *counts, struct node_store *store,
                             struct diag *diag) SERTN_MUST_CHECK;

/*
 * Forgets jobs that have ended beyond the last `keep` of them, the earliest deadlines first, and
 * the batches that none of is left; all at once or nothing. What they count for stays in the
 * counts. Those with a deadline from `before` on stay, and those whose assignment is not settled.
 */
enum status node_store_forget(struct node_store *store, uint64_t keep, uint64_t before,
                              struct diag *diag) SERTN_MUST_CHECK;

#endif
