/* The workloads: models under benchmarks/models, what the peers call them, and what is to be
 * reached. */
#ifndef SERTN_BENCHMARKS_WORKLOADS_H
#define SERTN_BENCHMARKS_WORKLOADS_H

#include <stddef.h>

struct workload {
    const char *name;       /* the folder under models/ */
    const char *title;      /* for people */
    const char *ezkl;       /* EZKL's name of it in peers/measure_ezkl.py */
    double time_divisor;    /* ours must take at most EZKL's time over this */
    double gas_max;         /* a verifying transaction, by its count of public values */
    double memory_mb_max;   /* ours must take at most this much, 10^6 bytes */
    unsigned peer_runs_max; /* EZKL takes minutes for the large ones */
};

enum { WORKLOAD_COUNT = 5 };
extern const struct workload workload_table[WORKLOAD_COUNT];

/* Returns the workload of a name, or null. */
const struct workload *workload_find(const char *name);

#endif
