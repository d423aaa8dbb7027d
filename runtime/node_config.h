/*
 * The configuration of a node: a JSON object, in which every field is known or refused.
 * contracts/OPERATIONS.md describes each. Paths are relative to the folder of the file.
 */
#ifndef SERTN_RUNTIME_NODE_CONFIG_H
#define SERTN_RUNTIME_NODE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "ir/support/status.h"
#include "runtime/contract.h"

struct node_model {
    uint64_t number; /* in the registry */
    char *folder;    /* owned */
};

struct node_config {
    char *rpc, *market, *keystore, *password_file; /* owned, given */
    char *prover;                 /* owned: who is paid; NULL: the account of the keystore */
    char *data;                   /* owned: folder of the journal and the jobs */
    char *listen;                 /* owned: ADDRESS:PORT of /health and /metrics; NULL: none */
    char *store, *ipfs, *arweave; /* owned; NULL: none, the default store */
    uint64_t chain_id;
    uint64_t from_block; /* where the market's events begin */
    uint64_t confirmations, poll_ms;
    struct node_model *models; /* owned, at least one */
    size_t model_count;
    struct {
        uint64_t workers, threads;      /* proofs at a time, and threads of each */
        uint64_t memory_bytes, seconds; /* of one proof */
        uint64_t disk_bytes;            /* of all inputs kept */
        uint64_t input_bytes;           /* of one input */
        uint64_t attempts;              /* at one job, before it is given up */
        uint64_t ended_jobs;            /* kept in the file of jobs */
        uint64_t ended_transactions;    /* kept in the journal */
    } limits;
    struct {
        uint64_t jobs;           /* most proofs of a transaction; 1: each goes alone */
        uint64_t seconds;        /* that a proof waits for others */
        uint64_t margin_seconds; /* before its time is over it does not wait */
    } batch;
    struct {
        double token_per_wei;  /* what a wei of gas is worth in the token's smallest unit */
        double token_per_unit; /* what proving a compute unit costs, likewise */
        double margin;         /* 0.1: refuse what brings less than a tenth above its cost */
        uint64_t most_fee;     /* wei a gas, 0: any */
    } economics;
};

/* Errors: STATUS_BAD_INPUT naming the file and the field; STATUS_IO. */
enum status node_config_read(struct node_config *config, const char *path,
                             struct diag *diag) SERTN_MUST_CHECK;
void node_config_release(struct node_config *config);

/*
 * Whether a job is worth its work: what the prover is paid against gas and compute. *cost is what
 * it was held against.
 */
bool node_config_pays(double *cost, const struct node_config *config, amount paid, uint64_t gas,
                      uint64_t wei_a_gas, uint64_t units);

#endif
