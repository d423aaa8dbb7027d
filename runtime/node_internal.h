/* What the files of the node share. Private to runtime/node*.c. */
#ifndef SERTN_RUNTIME_NODE_INTERNAL_H
#define SERTN_RUNTIME_NODE_INTERNAL_H

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
};

struct node_slot {
    struct worker worker;
    struct market_job_id id;
    double start;
    bool is_used;
};

enum { NODE_WORKERS_MOST = 64 };

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
    struct node_http *http;
    int lock;     /* of the data folder; -1: none */
    char *inputs; /* folder, owned */
    uint8_t prover[ABI_ADDRESS];
    uint64_t now;   /* of the block to come, seconds */
    uint64_t clock; /* of this machine, seconds */
    uint64_t fee;   /* wei a gas, as it is now */
    uint64_t polls, failures;
    bool rewound;        /* blocks were taken back since the last look */
    struct diag trouble; /* what is wrong at the moment, for /health */
};

/* A line for people about a job. */
void node_say(struct node *node, struct market_job_id id, const char *format, ...)
    SERTN_PRINTF(3, 4);

/* node_jobs.c: one step of every job that has one. Errors: those of the chain and of the file of
 * jobs; what concerns a job alone is written into it. */
enum status node_step_jobs(struct node *node, bool *is_idle, struct diag *diag) SERTN_MUST_CHECK;
/* Gives jobs that wait at the head of a queue to nodes. */
enum status node_step_assign(struct node *node, struct diag *diag) SERTN_MUST_CHECK;
/* Looks after the children. */
enum status node_step_workers(struct node *node, struct diag *diag) SERTN_MUST_CHECK;
struct node_served *node_find_served(struct node *node, uint64_t number);

/* node_metrics.c: puts health and metrics on show. */
void node_show(struct node *node);

#endif
