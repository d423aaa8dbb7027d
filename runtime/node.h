/*
 * The daemon that serves the market: it watches requests and assignments, fetches inputs, proves,
 * submits and is paid.
 *
 * What it does next follows from two files, the jobs (node_store.h) and the transactions
 * (journal.h), and from the chain. Each step is written down before it is done, and doing it twice
 * is doing it once: it may be killed at any instant, and the chain may take blocks back.
 */
#ifndef SERTN_RUNTIME_NODE_H
#define SERTN_RUNTIME_NODE_H

#include <signal.h>

#include "runtime/node_config.h"

struct node_options {
    const struct node_config *config;
    bool drain;                                   /* end when nothing is left to be done */
    const volatile sig_atomic_t *stop;            /* end when it is not 0 */
    void (*say)(void *context, const char *line); /* what happens, for people */
    void *context;
};

/* What a node did. */
struct node_summary {
    uint64_t paid, refused, over;
    uint64_t kept; /* jobs in its file */
    double earned;
};

/*
 * Serves until told to stop. Errors: before it starts, STATUS_BAD_INPUT for another chain than the
 * configuration names, a model that the registry has otherwise, a wrong password, a data folder
 * that another node uses; STATUS_IO. Once it serves, it lives through failures of nodes and stores,
 * and says so on /health.
 */
enum status node_run(struct node_summary *summary, const struct node_options *options,
                     struct diag *diag) SERTN_MUST_CHECK;

#endif
